"""Coverage by facilities within a distance."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from spatial.measurement import (
    SLIVER_M2,
    Figure,
    Measurement,
    Metres,
    Points,
    Polygons,
    by_unit,
    share,
)
from spatial.measures.overlay import Shapes, overlapping, polygon_parts, polygonal

QUAD_SEGS = 64
"""Segments per quarter circle: the polygon lacks 0.01 % of the disc (16 would lack 0.16 %)."""


def stop_coverage(
    stops: Points, area: Polygons, units: Polygons | None = None, *, radius_m: Metres
) -> Measurement:
    """Tell which share of an area lies within a straight-line distance of a stop.

    share = A(union of discs of `radius_m` around the stops, cut with the area) / A(area), for
    each unit (the area's own features where no units are given) and for the whole. The discs are
    united before their area is taken, and the area is cut before it is divided; stops outside the
    area count where their disc reaches in. A unit that holds none of the area has no value.

    Evidence are the gaps: what of the area is farther than `radius_m` from every stop, one row a
    polygon with `unit`, `area_m2`, `nearest_stop` (id) and `nearest_m` (from a point inside it).

    The radius measure of 公交都市考核评价指标体系 (Ministry of Transport, 2013).

    >>> from shapely import Point, box
    >>> stops = gpd.GeoDataFrame(geometry=[Point(0, 0)], index=["S"], crs="EPSG:4548")
    >>> area = gpd.GeoDataFrame(geometry=[box(0, 0, 500, 500)], index=["A"], crs="EPSG:4548")
    >>> stop_coverage(stops, area, radius_m=500).whole.value    # a quarter disc: pi / 4
    0.7853...
    """
    discs = shapely.buffer(stops.geometry.to_numpy(), radius_m, quad_segs=QUAD_SEGS)
    tree = shapely.STRtree(discs)
    whole_area = shapely.union_all(area.geometry.to_numpy())
    if units is None:
        ids, parts = [str(unit) for unit in area.index], list(area.geometry)
    else:
        ids = [str(unit) for unit in units.index]
        parts = [polygonal(shapely.intersection(unit, whole_area)) for unit in units.geometry]
    figures, gaps = [], []
    for part in parts:
        near = shapely.union_all(discs[np.sort(tree.query(part, predicate="intersects"))])
        gap = polygonal(shapely.difference(part, near))
        figures.append(share(part.area - gap.area, part.area))
        gaps.append(gap)
    return Measurement(
        values=by_unit(ids, figures),
        whole=_whole(whole_area, parts, figures, discs),
        evidence=_gaps(ids, gaps, stops),
    )


def _whole(
    area: BaseGeometry, parts: Sequence[BaseGeometry], figures: Sequence[Figure], discs: Shapes
) -> Figure:
    """Coverage of the whole area: the sum over units that divide it, else measured at once."""
    shapes = np.asarray(parts, dtype=object)
    if len(shapes) and not overlapping(shapes).any():
        missing = area.area - float(shapely.area(shapes).sum())
        if abs(missing) < SLIVER_M2:
            covered = sum(figure.numerator or 0.0 for figure in figures)
            return share(covered, sum(figure.denominator or 0.0 for figure in figures))
    gap = polygonal(shapely.difference(area, shapely.union_all(discs)))
    return share(area.area - gap.area, area.area)


def _gaps(
    ids: Sequence[str], gaps: Sequence[BaseGeometry], stops: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    pieces = polygon_parts(ids, gaps, crs=stops.crs, least_m2=SLIVER_M2)
    if pieces.empty or stops.empty:
        return pieces.assign(
            nearest_stop=pd.Series(dtype=str), nearest_m=pd.Series(dtype="float64")
        )
    points = stops.geometry.to_numpy()
    inside = shapely.point_on_surface(pieces.geometry.to_numpy())
    (piece, stop), distances = shapely.STRtree(points).query_nearest(inside, return_distance=True)
    near = pd.DataFrame({"piece": piece, "stop": stops.index[stop], "metres": distances})
    near = near.sort_values(["piece", "stop"]).drop_duplicates("piece")
    return pieces.assign(nearest_stop=near["stop"].to_numpy(), nearest_m=near["metres"].to_numpy())
