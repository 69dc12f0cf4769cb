"""Polygons out of overlays: what GEOS hands back may also hold lines and points."""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from shapely.geometry.base import BaseGeometry

Shapes = NDArray[Any]
"""An array of geometries."""
Flags = NDArray[np.bool_]


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


def clip(geometries: Shapes, zone: BaseGeometry) -> Shapes:
    """Cut polygons with a zone; those inside it are passed on as they are.

    >>> from shapely import box
    >>> shapes = np.array([box(0, 0, 1, 1), box(0, 0, 9, 1)], dtype=object)
    >>> [part.area for part in clip(shapes, box(0, 0, 3, 3))]
    [1.0, 3.0]
    """
    shapely.prepare(zone)
    crossing = ~shapely.covers(zone, geometries)
    parts = geometries.copy()
    cut = shapely.intersection(geometries[crossing], zone)
    parts[crossing] = np.array([polygonal(part) for part in cut], dtype=object)
    return parts


def overlapping(geometries: Shapes) -> Flags:
    """Mark the polygons that share more than a border with another one.

    >>> from shapely import box
    >>> shapes = np.array([box(0, 0, 2, 1), box(1, 0, 3, 1), box(3, 0, 4, 1)], dtype=object)
    >>> overlapping(shapes).tolist()
    [True, True, False]
    """
    marked = np.zeros(len(geometries), dtype=bool)
    tree = shapely.STRtree(geometries)
    for predicate in ("overlaps", "contains"):
        one, other = tree.query(geometries, predicate=predicate)
        apart = one != other
        marked[one[apart]] = marked[other[apart]] = True
    return marked


def area_of_union(parts: Shapes, marked: Flags) -> float:
    """Area of the union of polygons of which only the marked ones may overlap.

    What overlaps nothing need not be united: its areas are added.
    """
    united = shapely.union_all(parts[marked]).area if marked.any() else 0.0
    return float(shapely.area(parts[~marked]).sum() + united)


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
