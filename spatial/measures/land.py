"""Shares of land by class."""

from collections.abc import Sequence
from typing import Annotated

import geopandas as gpd
import pandas as pd
import shapely
from pydantic import Field

from spatial.measurement import SLIVER_M2, Measurement, Polygons, by_unit, share
from spatial.measures.overlay import polygon_parts, polygonal

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
    counting = in_classes(land[class_column], classes)
    known = land[class_column].notna() & (land[class_column].astype(str) != "")
    figures, ids, places, codes = [], [], [], []
    everything = [*zones.geometry, shapely.union_all(zones.geometry.to_numpy())]
    for unit, zone in zip([*zones.index, None], everything, strict=True):
        here = land.iloc[land.sindex.query(zone, predicate="intersects", sort=True)]
        counted = _cut(here[counting.loc[here.index]], zone)
        classified = _cut(here[known.loc[here.index]], zone)
        unclassified = polygonal(shapely.difference(zone, classified))
        figures.append(share(counted.area, zone.area, unclassified.area))
        if unit is None:
            continue
        others = here[known.loc[here.index] & ~counting.loc[here.index]]
        for code, group in others.groupby(class_column, sort=True):
            ids.append(str(unit))
            codes.append(str(code))
            places.append(polygonal(shapely.difference(_cut(group, zone), counted)))
        ids.append(str(unit))
        codes.append("")
        places.append(unclassified)
    return Measurement(
        values=by_unit([str(unit) for unit in zones.index], figures[:-1]),
        whole=figures[-1],
        evidence=_places(ids, codes, places, land),
    )


def _cut(land: gpd.GeoDataFrame, zone: shapely.Geometry) -> shapely.Geometry:
    return polygonal(shapely.intersection(shapely.union_all(land.geometry.to_numpy()), zone))


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
