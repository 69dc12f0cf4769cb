"""Lengths, areas and numbers of things, as a plan states them."""

import geopandas as gpd
import pandas as pd
import shapely

from spatial.measurement import Figure, Lines, Measurement, Points, Polygons, by_unit
from spatial.measures.overlay import polygonal


def total_length(lines: Lines, within: Polygons | None = None) -> Measurement:
    """Add up the length of lines in metres, inside an area where one is given.

    One row per feature; lines drawn twice count once in the whole. There is no evidence: a length
    falls short nowhere in particular.

    >>> from shapely import LineString
    >>> road = gpd.GeoDataFrame(geometry=[LineString([(0, 0), (3, 4)])], index=["R"],
    ...     crs="EPSG:4548")
    >>> total_length(road).whole.value
    5.0
    """
    parts = lines.geometry.to_numpy()
    if within is not None:
        parts = shapely.intersection(parts, shapely.union_all(within.geometry.to_numpy()))
    figures = [amount(length) for length in shapely.length(parts)]
    whole = amount(shapely.length(shapely.union_all(parts)))
    return Measurement(by_unit(_ids(lines), figures), whole, _nothing(lines))


def total_area(areas: Polygons) -> Measurement:
    """Measure areas in m²: each feature, and the union of all.

    >>> from shapely import box
    >>> parks = gpd.GeoDataFrame(geometry=[box(0, 0, 2, 1), box(1, 0, 3, 1)], index=["A", "B"],
    ...     crs="EPSG:4548")
    >>> total_area(parks).whole.value       # 4 m² drawn, 1 m² of it twice
    3.0
    """
    figures = [amount(area) for area in areas.area]
    union = polygonal(shapely.union_all(areas.geometry.to_numpy()))
    return Measurement(by_unit(_ids(areas), figures), amount(union.area), _nothing(areas))


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
