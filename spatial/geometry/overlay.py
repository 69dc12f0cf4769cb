"""Polygons out of overlays: what GEOS hands back may also hold lines and points."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from shapely.geometry.base import BaseGeometry

from spatial.geometry.edges import Shapes

_ROUNDING = 1e-9


def polygonal(geometry: BaseGeometry) -> BaseGeometry:
    """Keep the polygons of an overlay's result and drop the lines and points where parts touch.

    >>> from shapely import box, GeometryCollection, Point
    >>> polygonal(GeometryCollection([box(0, 0, 1, 1), Point(5, 5)])).geom_type
    'MultiPolygon'
    """
    if geometry.geom_type in {"Polygon", "MultiPolygon"}:
        return geometry
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type.endswith("Polygon")]
    return shapely.MultiPolygon([polygon for part in parts for polygon in shapely.get_parts(part)])


def dissolve(shapes: Shapes) -> BaseGeometry:
    """Unite polygons, quickly where they are neighbours whose borders match.

    >>> from shapely import box
    >>> dissolve(np.array([box(0, 0, 1, 1), box(1, 0, 2, 1)], dtype=object)).area
    2.0
    """
    try:
        union = shapely.coverage_union_all(shapes)
    except shapely.GEOSException:  # the borders do not match
        return shapely.union_all(shapes)
    area = float(shapely.area(shapes).sum())
    if abs(union.area - area) <= _ROUNDING * area and union.is_valid:
        return union
    return shapely.union_all(shapes)


def polygon_parts(
    ids: Sequence[str], geometries: Sequence[BaseGeometry], *, crs: CRS, least_m2: float
) -> gpd.GeoDataFrame:
    """List the single polygons of geometries, largest first, without those below `least_m2`.

    Rows carry `unit` (the id that the geometry belongs to) and `area_m2`; ties are broken by id
    and position, so that equal input gives equal order.
    """
    parts, owner = shapely.get_parts(np.asarray(geometries, dtype=object), return_index=True)
    frame = gpd.GeoDataFrame(
        {"unit": pd.Series(np.asarray(ids, dtype=object)[owner], dtype=str)},
        geometry=parts,
        crs=crs,
    )
    frame = frame.assign(area_m2=frame.area)
    frame = frame[(frame["area_m2"] >= least_m2)]
    bounds = frame.geometry.bounds
    order = np.lexsort((bounds["miny"], bounds["minx"], frame["unit"], -frame["area_m2"]))
    frame = frame.iloc[order]
    return frame.set_index(pd.RangeIndex(1, len(frame) + 1, name="place"))
