"""Lengths, areas and numbers of things, as a plan states them."""

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from spatial.doubt.band import accuracies, extremes, inner, outer
from spatial.geometry.overlay import polygonal
from spatial.measurement import (
    CONFIDENCE_95,
    RADIUS_68,
    Doubt,
    Figure,
    Lines,
    Measurement,
    Points,
    Polygons,
    by_unit,
    ranged,
)


def total_length(lines: Lines, within: Polygons | None = None) -> Measurement:
    """Add up the length of lines in metres, inside an area where one is given.

    One row per feature; lines drawn twice count once in the whole. There is no evidence: a length
    falls short nowhere in particular.

    The range is that of 95 %, by propagation to first order of errors of the vertices, each off by
    itself; an error that moves a whole line changes no length. A vertex of accuracy a is off along
    an axis with the standard deviation a / 1.51, for a circle of radius a then holds 68 %.

    >>> from shapely import LineString
    >>> road = gpd.GeoDataFrame(geometry=[LineString([(0, 0), (3, 4)])], index=["R"],
    ...     crs="EPSG:4548")
    >>> total_length(road).whole.value
    5.0
    """
    parts = lines.geometry.to_numpy()
    if within is not None:
        parts = shapely.intersection(parts, shapely.union_all(within.geometry.to_numpy()))
    off = accuracies(lines)
    errors = [_length_error(part, metres) for part, metres in zip(parts, off, strict=True)]
    figures = [
        _give_or_take(amount(length), error)
        for length, error in zip(shapely.length(parts), errors, strict=True)
    ]
    whole = amount(shapely.length(shapely.union_all(parts)))
    ends = _give_or_take(whole, math.hypot(*errors))
    doubts: tuple[Doubt, ...] = ()
    if off.max(initial=0.0) > 0 and ends.low is not None and ends.high is not None:
        inputs = {"lines": float(off.max())}
        doubts = (Doubt("position", "propagation", ends.low, ends.high, inputs),)
    return Measurement(by_unit(_ids(lines), figures), ends, _nothing(lines), doubts)


def _length_error(line: BaseGeometry, metres: float) -> float:
    """Standard error of a line's length, its vertices each off by an accuracy.

    A vertex moves the length by its step along the difference of the directions beside it, an end
    by its step along the one.

    >>> from shapely import LineString
    >>> straight = LineString([(0, 0), (50, 0), (100, 0)])     # only its ends matter
    >>> round(_length_error(straight, RADIUS_68), 9) == round(2 ** 0.5, 9)
    True
    """
    variance = 0.0
    for part in shapely.get_parts(line):
        steps = np.diff(shapely.get_coordinates(part), axis=0)
        lengths = np.hypot(*steps.T)
        along = steps[lengths > 0] / lengths[lengths > 0][:, None]
        if len(along):
            inside = np.diff(along, axis=0)
            variance += 2.0 + float((inside**2).sum())
    return metres / RADIUS_68 * math.sqrt(variance)


def _give_or_take(figure: Figure, error: float) -> Figure:
    if figure.value is None:
        return figure
    least = max(figure.value - CONFIDENCE_95 * error, 0.0)
    return ranged(figure, least, figure.value + CONFIDENCE_95 * error)


def total_area(areas: Polygons) -> Measurement:
    """Measure areas in m²: each feature, and the union of all.

    The range is the band of what positions allow: every border off by its accuracy, all inwards or
    all outwards.

    >>> from shapely import box
    >>> parks = gpd.GeoDataFrame(geometry=[box(0, 0, 2, 1), box(1, 0, 3, 1)], index=["A", "B"],
    ...     crs="EPSG:4548")
    >>> total_area(parks).whole.value       # 4 m² drawn, 1 m² of it twice
    3.0
    """
    shapes, off = areas.geometry.to_numpy(), accuracies(areas)
    least, most = shapely.area(inner(shapes, off)), shapely.area(outer(shapes, off))
    figures = [
        ranged(amount(area), low, high)
        for area, low, high in zip(shapely.area(shapes), least, most, strict=True)
    ]
    whole = amount(polygonal(shapely.union_all(shapes)).area)
    doubts: tuple[Doubt, ...] = ()
    if off.max(initial=0.0) > 0:
        low, high = (float(end.area) for end in extremes(areas))
        whole = ranged(whole, low, high)
        doubts = (Doubt("position", "band", low, high, {"areas": float(off.max())}),)
    return Measurement(by_unit(_ids(areas), figures), whole, _nothing(areas), doubts)


def feature_count(features: Points) -> Measurement:
    """Count places.

    >>> from shapely import Point
    >>> sites = gpd.GeoDataFrame(geometry=[Point(0, 0), Point(1, 0)], index=["A", "B"],
    ...     crs="EPSG:4548")
    >>> feature_count(sites).whole.value
    2.0
    """
    ones = [amount(1.0) for _ in features.index]
    return Measurement(by_unit(_ids(features), ones), amount(len(features)), _nothing(features))


def amount(value: float) -> Figure:
    """Build the figure of an amount: the value is its own numerator and has no denominator."""
    value = float(value)
    return Figure(value, value, None, value, value)


def _ids(frame: gpd.GeoDataFrame) -> list[str]:
    return [str(feature) for feature in frame.index]


def _nothing(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    columns = {"unit": pd.Series(dtype=str), "area_m2": pd.Series(dtype="float64")}
    return gpd.GeoDataFrame(columns, geometry=[], crs=frame.crs)
