"""Land from areas that overlap: each place in one class, and the built-up area."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from layers.osm.tags import BuiltUpSettings

Shapes = NDArray[Any]
"""An array of geometries."""

GRID_M = 1e-4
"""To what areas are rounded where they are cut, in metres, so that neighbours share a border."""
_QUAD_SEGS = 4
_DETAIL = 0.01  # of the gap: to what the outline of a patch is simplified


def polygons(geometries: Shapes) -> Shapes:
    """Mend invalid areas and keep what is polygons; what encloses nothing becomes empty.

    >>> from shapely import from_wkt
    >>> bow = from_wkt("POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))")
    >>> polygons(np.array([bow]))[0].area
    2.0
    """
    mended = geometries.copy()
    wrong = ~shapely.is_valid(geometries)
    mended[wrong] = shapely.make_valid(geometries[wrong])
    mixed = ~np.isin(shapely.get_type_id(mended), (3, 6))  # neither Polygon nor MultiPolygon
    mended[mixed] = np.array([_polygonal(shape) for shape in mended[mixed]], dtype=object)
    return mended


def _polygonal(geometry: BaseGeometry) -> BaseGeometry:
    parts = shapely.get_parts(shapely.get_parts(geometry))
    return shapely.MultiPolygon([part for part in parts if part.geom_type == "Polygon"])


def cut_by_precedence(geometries: Shapes, ranks: NDArray[Any], grid: float) -> Shapes:
    """Cut areas so that none overlaps another: a lower rank keeps the place, then a smaller area.

    `geometries` are valid polygons, `grid` is to what coordinates are rounded, in their unit. What
    is wholly covered becomes empty. Together they cover what they covered before.

    >>> from shapely import box
    >>> meadow, pond = box(0, 0, 10, 10), box(4, 4, 6, 6)
    >>> [part.area for part in cut_by_precedence(np.array([meadow, pond]), np.array([1, 0]), 1e-4)]
    [96.0, 4.0]
    """
    order = np.lexsort((np.arange(len(geometries)), shapely.area(geometries), ranks))
    sorted_ = geometries[order]
    later, earlier = shapely.STRtree(sorted_).query(sorted_, predicate="intersects")
    above = earlier < later
    later, earlier = later[above], earlier[above]
    by_row = np.lexsort((earlier, later))
    rows, starts = np.unique(later[by_row], return_index=True)
    cut = sorted_.copy()
    groups = np.split(earlier[by_row], starts[1:]) if len(rows) else []
    for row, group in zip(rows, groups, strict=True):
        over = shapely.union_all(sorted_[group], grid_size=grid)
        cut[row] = shapely.difference(sorted_[row], over, grid_size=grid)
    parts = np.empty_like(geometries)
    parts[order] = polygons(cut)
    return parts


def built_up_area(areas: Shapes, buildings: Shapes, settings: BuiltUpSettings) -> Shapes:
    """Unite built-up land with the buildings that stand close together; both in metres.

    Buildings are grown by half the gap, united, and shrunk by as much: what remains joins those
    whose gap is smaller. Patches below the least area are left out; the largest comes first.

    >>> from shapely import box
    >>> houses = np.array([box(0, 0, 10, 10), box(30, 0, 40, 10), box(500, 0, 510, 10)])
    >>> settings = BuiltUpSettings(gap_m=50, least_m2=300)
    >>> (patch,) = built_up_area(np.array([], dtype=object), houses, settings)
    >>> patch.bounds[2] > 39, 200 < patch.area < 400      # two and a neck between, not the third
    (True, True)
    """
    half = settings.gap_m / 2
    grown = shapely.buffer(buildings, half, quad_segs=_QUAD_SEGS)
    together = shapely.get_parts(shapely.disjoint_subset_union_all(grown))
    patches = shapely.buffer(together, -half, quad_segs=_QUAD_SEGS)
    patches = polygons(shapely.simplify(patches, settings.gap_m * _DETAIL))
    united = shapely.disjoint_subset_union_all(np.concatenate([areas, patches]))
    parts = shapely.get_parts(shapely.get_parts(polygons(np.array([united], dtype=object))))
    parts = parts[shapely.area(parts) >= settings.least_m2]
    bounds = shapely.bounds(parts)
    largest: Shapes = parts[np.lexsort((bounds[:, 1], bounds[:, 0], -shapely.area(parts)))]
    return largest
