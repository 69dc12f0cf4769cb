"""Shares of land by class."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pydantic import Field
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from spatial.doubt.accuracy import Counts, Estimate, TwoClasses, estimate
from spatial.doubt.band import (
    accuracies,
    extremes,
    inner,
    outer,
)
from spatial.geometry.edges import Shapes
from spatial.geometry.overlap import overlaps
from spatial.geometry.overlay import dissolve, polygon_parts, polygonal
from spatial.measurement import (
    SLIVER_M2,
    Doubt,
    Figure,
    Measurement,
    Polygons,
    by_unit,
    ranged,
    share,
)
from spatial.measures.cover import UNCLASSIFIED, Cover
from spatial.measures.cover_band import Surely, unmapped

Codes = Annotated[tuple[str, ...], Field(min_length=1)]


def land_share(
    land: Polygons,
    zones: Polygons,
    *,
    classes: Codes,
    class_column: str = "class_code",
    matrix: TwoClasses | None = None,
) -> Measurement:
    """Tell which share of each zone is land of the given classes, e.g. 蓝绿空间占比.

    share = A(union of the land in `classes`, cut with the zone) / A(zone), for each zone and for
    the union of all. Land that belongs to two counting classes, or is drawn twice, counts once.

    The range takes in that what of a zone no classified land covers may count or not, and the
    band of what positions allow: borders between land that counts and land that does not, and
    those of zones, off by their accuracy. A zone is not taken to reach beyond the land that is
    mapped.

    `matrix` are counts of sample points, the map's class in rows, that on the ground in columns,
    what counts before all else. Given one, the value is the share corrected for the map's errors
    (see `accuracy.assess`), taken to be as frequent in each zone as where the samples lie; the
    range is widened by their interval of 95 %, the fact `mapped_share` is what the map shows.

    Evidence is the land in the zones that does not count, by zone and class (`class_code`, None
    where unclassified), one row a polygon with its `area_m2`.

    No national definition says which classes are blue-green, so `classes` is always given.

    >>> from shapely import box
    >>> land = gpd.GeoDataFrame({"class_code": ["1701", "0701"]}, index=["L1", "L2"],
    ...     geometry=[box(0, 0, 10, 10), box(10, 0, 20, 10)], crs="EPSG:4548")
    >>> zone = gpd.GeoDataFrame(geometry=[box(5, 0, 15, 10)], index=["Z"], crs="EPSG:4548")
    >>> land_share(land, zone, classes=["17"]).whole.value
    0.5
    """
    cover = Cover.of(land, classes, class_column)
    shapes = zones.geometry.to_numpy()
    held = cover.within(shapes)
    figures = held.figures()
    if len(overlaps(shapes)[0]):
        union = np.array([polygonal(shapely.union_all(shapes))], dtype=object)
        whole = cover.within(union).figures()[0]
    else:
        whole = _sum(figures)
    places = [(str(zones.index[zone]), code, place) for zone, code, place in held.others(figures)]
    doubts = _unclassified(whole)
    drawn, drawn_whole = figures, whole  # with no doubt but that of unclassified land
    accuracy_m = {"land": accuracies(land), "zones": accuracies(zones)}
    known = {name: float(m.max()) for name, m in accuracy_m.items() if m.max(initial=0.0) > 0}
    if known and whole.value is not None:
        least, most = _extents(zones, cover)
        unknown = unmapped(shapes, cover) if any(map(_unknown_share, figures)) else Polygon()
        sure = Surely.of(cover, accuracy_m["land"], unknown, most)
        *ends, (low, high) = sure.ranges(least, most)
        figures = [ranged(figure, *end) for figure, end in zip(figures, ends, strict=True)]
        value = whole.value
        band = (min(low, value), max(high - _unknown_share(whole), value))
        whole = ranged(whole, low, high)
        doubts = (Doubt("position", "band", *band, known), *doubts)
    facts: dict[str, float] = {}
    if matrix is not None and whole.value is not None:
        facts["mapped_share"] = whole.value
        sampled = _sampled(drawn_whole, matrix)
        doubts = (*_moved(doubts, sampled.share - whole.value), _told(sampled, matrix))
        pairs = zip(drawn, figures, strict=True)
        figures = [_corrected(one, figure, matrix) for one, figure in pairs]
        whole = _corrected(drawn_whole, whole, matrix)
    return Measurement(
        values=by_unit([str(unit) for unit in zones.index], figures),
        whole=whole,
        evidence=_places(places, land),
        doubts=doubts,
        facts=facts,
    )


def _unknown_share(figure: Figure) -> float:
    """Share of a zone without a class, of a figure that has no other doubt yet."""
    return 0.0 if figure.value is None or figure.high is None else figure.high - figure.value


def _sampled(drawn: Figure, matrix: Counts) -> Estimate:
    """The share as samples correct it; of land without a class they tell nothing."""
    classified = 1.0 - _unknown_share(drawn)
    if drawn.value is None or classified <= 0:
        return Estimate(0.0, 0.0)
    found = estimate(drawn.value / classified, matrix)
    return Estimate(found.share * classified, found.error * classified)


def _corrected(drawn: Figure, figure: Figure, matrix: Counts) -> Figure:
    """A share as the samples correct it, its range widened by what they leave open."""
    if figure.value is None or figure.low is None or figure.high is None:
        return figure
    found, area = _sampled(drawn, matrix), figure.denominator or 0.0
    low = max(found.low - (figure.value - figure.low), 0.0)
    high = min(found.high + (figure.high - figure.value), 1.0)
    return Figure(found.share, found.share * area, area, low, high)


def _moved(doubts: Sequence[Doubt], off: float) -> tuple[Doubt, ...]:
    """Doubts about the share that the map shows, as doubts about the corrected one."""
    return tuple(
        replace(one, low=max(one.low + off, 0.0), high=min(one.high + off, 1.0)) for one in doubts
    )


def _told(found: Estimate, matrix: Counts) -> Doubt:
    samples = {"samples": float(sum(map(sum, matrix)))}
    return Doubt("classification", "estimate", found.low, found.high, samples)


def _unclassified(whole: Figure) -> tuple[Doubt, ...]:
    if whole.value is None or whole.low is None or whole.high is None or whole.low == whole.high:
        return ()
    return (Doubt("unclassified", "bounds", whole.low, whole.high),)


def _extents(zones: gpd.GeoDataFrame, cover: "Cover") -> tuple[Shapes, Shapes]:
    """The least and the most that each zone can be, and last that all taken together can be."""
    shapes, off = zones.geometry.to_numpy(), accuracies(zones)
    least, most = extremes(zones)
    drawn = np.append(shapes, dissolve(shapes))
    return np.append(inner(shapes, off), least), cover.clip(
        np.append(outer(shapes, off), most), drawn
    )


def land_areas(
    land: Polygons, zones: Polygons, *, classes: Codes, class_column: str = "class_code"
) -> pd.DataFrame:
    """The values of `land_share` alone, without the places that speak against a target."""
    held = Cover.of(land, classes, class_column).within(zones.geometry.to_numpy())
    return by_unit([str(unit) for unit in zones.index], held.figures())


def class_areas(
    land: Polygons, zones: Polygons, *, class_column: str = "class_code"
) -> pd.DataFrame:
    """Tell how much of each zone is land of each class, in m².

    One row a zone, one column a class code in order, and last, under the empty name UNCLASSIFIED,
    what no classified land covers. Land of one class that is drawn twice counts once in its class;
    land that belongs to two classes counts in both, so rows may add up to more than the zone.

    >>> from shapely import box
    >>> land = gpd.GeoDataFrame({"class_code": ["1701", "0701"]}, index=["L1", "L2"],
    ...     geometry=[box(0, 0, 10, 10), box(10, 0, 20, 10)], crs="EPSG:4548")
    >>> zone = gpd.GeoDataFrame(geometry=[box(5, 0, 25, 10)], index=["Z"], crs="EPSG:4548")
    >>> class_areas(land, zone).loc["Z"].to_dict()
    {'0701': 100.0, '1701': 50.0, '': 50.0}
    """
    cover = Cover.of(land, (), class_column)
    held = cover.within(zones.geometry.to_numpy())
    label, codes = pd.factorize(cover.codes, sort=True)
    areas = pd.DataFrame(
        held.areas(label, len(codes)),
        index=pd.Index([str(unit) for unit in zones.index], dtype=str, name="unit"),
        columns=[str(code) for code in codes],
    )
    known = [code for code in areas.columns if code != UNCLASSIFIED]
    return areas[known].assign(**{UNCLASSIFIED: held.unclassified()})


def _sum(figures: Sequence[Figure]) -> Figure:
    """The share of zones taken together that do not overlap."""
    measured = [
        (figure.numerator, figure.denominator, figure.high)
        for figure in figures
        if figure.numerator is not None
        and figure.denominator is not None
        and figure.high is not None
    ]
    counted = sum(numerator for numerator, _, _ in measured)
    area = sum(denominator for _, denominator, _ in measured)
    most = sum(denominator * high for _, denominator, high in measured)
    return share(counted, area, most - counted)


def _places(
    places: Sequence[tuple[str, str, BaseGeometry]], land: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    rows = [str(number) for number in range(len(places))]
    shapes = [place for _, _, place in places]
    parts = polygon_parts(rows, shapes, crs=land.crs, least_m2=SLIVER_M2)
    row = parts["unit"].astype(int)
    code = row.map({number: code for number, (_, code, _) in enumerate(places)})
    return parts.assign(
        unit=row.map({number: unit for number, (unit, _, _) in enumerate(places)}),
        class_code=code.where(code != UNCLASSIFIED, None),
    )
