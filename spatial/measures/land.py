"""Shares of land by class."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pydantic import Field

from spatial.measurement import SLIVER_M2, Figure, Measurement, Polygons, by_unit, share
from spatial.measures.overlay import (
    Flags,
    Shapes,
    area_of_union,
    clip,
    overlapping,
    polygon_parts,
    polygonal,
)

_ROUNDING = 1e-9
"""Share of a zone up to which a difference of areas is taken for rounding."""
Codes = Annotated[tuple[str, ...], Field(min_length=1)]


def in_classes(codes: pd.Series, classes: Sequence[str]) -> pd.Series:
    """Mark the land whose class code begins with one of the given codes.

    Codes of 用地用海 and 三调 are hierarchical: `17` takes in `1701` to `1705`.

    >>> in_classes(pd.Series(["1701", "0701", None]), ["17"]).tolist()
    [True, False, False]
    """
    return codes.fillna("").astype(str).str.startswith(tuple(classes))


def land_share(
    land: Polygons, zones: Polygons, *, classes: Codes, class_column: str = "class_code"
) -> Measurement:
    """Tell which share of each zone is land of the given classes, e.g. 蓝绿空间占比.

    share = A(union of the land in `classes`, cut with the zone) / A(zone), for each zone and for
    the union of all. Land that belongs to two counting classes, or is drawn twice, counts once.
    What of a zone no classified land covers may count or not: it spans `low` to `high`.

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
    cover = _Cover.of(land, classes, class_column)
    shapes = zones.geometry.to_numpy()
    pieces = [cover.cut(zone) for zone in shapes]
    figures = [piece.figure() for piece in pieces]
    if overlapping(shapes).any():
        whole = cover.cut(polygonal(shapely.union_all(shapes))).figure()
    else:
        whole = _sum(figures)
    ids, codes, places = [], [], []
    for unit, piece in zip(zones.index, pieces, strict=True):
        for code, place in piece.others():
            ids.append(str(unit))
            codes.append(code)
            places.append(place)
    return Measurement(
        values=by_unit([str(unit) for unit in zones.index], figures),
        whole=whole,
        evidence=_places(ids, codes, places, land),
    )


def land_areas(
    land: Polygons, zones: Polygons, *, classes: Codes, class_column: str = "class_code"
) -> pd.DataFrame:
    """The values of `land_share` alone, without the places that speak against a target."""
    cover = _Cover.of(land, classes, class_column)
    figures = [cover.cut(zone).figure() for zone in zones.geometry]
    return by_unit([str(unit) for unit in zones.index], figures)


@dataclass(frozen=True, slots=True)
class _Piece:
    """The land in one zone, cut to it: shapes, class codes, which count, which may overlap."""

    zone: shapely.Geometry
    shapes: Shapes
    codes: Shapes
    counting: Flags
    marked: Flags

    def figure(self) -> Figure:
        known = self.codes != ""
        counted = area_of_union(self.shapes[self.counting], self.marked[self.counting])
        classified = area_of_union(self.shapes[known], self.marked[known])
        unclassified = self.zone.area - classified
        if unclassified < SLIVER_M2 and unclassified < _ROUNDING * self.zone.area:
            unclassified = 0.0  # the rounding of overlays, not land
        return share(counted, self.zone.area, unclassified)

    def others(self) -> Iterator[tuple[str, shapely.Geometry]]:
        """The places of each class that does not count, then (code empty) the unclassified."""
        counted = shapely.union_all(self.shapes[self.counting & self.marked])
        rest = ~self.counting & (self.codes != "")
        for code in sorted(set(self.codes[rest])):
            place = shapely.union_all(self.shapes[rest & (self.codes == code)])
            yield str(code), polygonal(shapely.difference(place, counted))
        figure = self.figure()
        if figure.high != figure.value:
            classified = shapely.union_all(self.shapes[self.codes != ""])
            yield "", polygonal(shapely.difference(self.zone, classified))


@dataclass(frozen=True, slots=True)
class _Cover:
    """A land layer made ready to be cut by many zones."""

    shapes: Shapes
    codes: Shapes
    counting: Flags
    marked: Flags
    tree: shapely.STRtree

    @classmethod
    def of(cls, land: gpd.GeoDataFrame, classes: Sequence[str], column: str) -> "_Cover":
        shapes = land.geometry.to_numpy()
        codes = land[column].fillna("").astype(str).to_numpy(dtype=object)
        counting = in_classes(land[column], classes).to_numpy(dtype=bool)
        return cls(shapes, codes, counting, overlapping(shapes), shapely.STRtree(shapes))

    def cut(self, zone: shapely.Geometry) -> _Piece:
        here = np.sort(self.tree.query(zone, predicate="intersects"))
        parts = clip(self.shapes[here], zone)
        return _Piece(zone, parts, self.codes[here], self.counting[here], self.marked[here])


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
    ids: Sequence[str],
    codes: Sequence[str],
    places: Sequence[shapely.Geometry],
    land: gpd.GeoDataFrame,
) -> gpd.GeoDataFrame:
    rows = [str(number) for number in range(len(ids))]
    pieces = polygon_parts(rows, places, crs=land.crs, least_m2=SLIVER_M2)
    row = pieces["unit"].astype(int)
    code = row.map(dict(enumerate(codes)))
    return pieces.assign(
        unit=row.map(dict(enumerate(ids))), class_code=code.where(code != "", None)
    )
