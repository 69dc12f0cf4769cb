"""What shapes are made of, and how much of a layer's kind they hold."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from layers.catalogue import GeometryKind

Shapes = NDArray[Any]
"""An array of geometries, None where there is none."""
Flags = NDArray[np.bool_]
Amounts = NDArray[np.float64]

_TYPE_IDS: Mapping[GeometryKind, Sequence[int]] = {
    "point": (0, 4),
    "line": (1, 2, 5),
    "polygon": (3, 6),
}
_LAST_SINGLE, _COLLECTION = 3, 7


def is_kind(kind: GeometryKind, shapes: Shapes) -> Flags:
    """Mark the shapes that are points, lines or polygons, single or several."""
    marked: Flags = np.isin(shapely.get_type_id(shapes), _TYPE_IDS[kind])
    return marked


def flat_parts(shape: BaseGeometry) -> list[BaseGeometry]:
    """List the single points, lines and polygons of a shape, collections within others too.

    >>> [part.geom_type for part in flat_parts(shapely.from_wkt(
    ...     "GEOMETRYCOLLECTION(POINT(1 1), GEOMETRYCOLLECTION(MULTIPOINT(2 2, 3 3)))"))]
    ['Point', 'Point', 'Point']
    """
    parts = [shape]
    while any(shapely.get_type_id(part) > _LAST_SINGLE for part in parts):
        parts = shapely.get_parts(np.array(parts, dtype=object)).tolist()
    return [part for part in parts if not part.is_empty]


def amounts(kind: GeometryKind, shapes: Shapes) -> Amounts:
    """Area in m², length in m or number of points of each shape, by the layer's kind.

    Parts of another kind hold nothing, nor does a shape that is missing or has no finite size. An
    area is that of the rings, outer less inner, whether they are valid or not.

    >>> amounts("line", np.array([shapely.box(0, 0, 1, 1), shapely.LineString([(0, 0), (3, 4)])]))
    array([0., 5.])
    """
    with np.errstate(invalid="ignore", over="ignore"):  # of what has no finite size
        held = _held(kind, shapes)
    sizes: Amounts = np.nan_to_num(held, nan=0.0, posinf=0.0, neginf=0.0)
    return sizes


def _held(kind: GeometryKind, shapes: Shapes) -> Amounts:
    held: Amounts
    if kind == "polygon":
        held = shapely.area(shapes)
        return held
    measure = shapely.length if kind == "line" else shapely.get_num_geometries
    held = np.where(is_kind(kind, shapes), measure(shapes), 0.0)
    for row in np.flatnonzero(shapely.get_type_id(shapes) == _COLLECTION):
        parts = np.array(flat_parts(shapes[row]), dtype=object)
        held[row] = measure(parts[is_kind(kind, parts)]).sum() if len(parts) else 0.0
    return held
