"""Which polygons lie in which zones, and with how much of their area."""

from dataclasses import dataclass

import numpy as np
import shapely

from spatial.geometry.edges import Rings, Shapes
from spatial.geometry.lattice import Flags, Floats, Integers, Lattice, spread
from spatial.geometry.overlap import TOUCHING, shared_area

_CELLS_PER_SHAPE = 4
_FEWEST_CELLS, _MOST_CELLS = 2**12, 2**20


@dataclass(frozen=True, slots=True)
class Pieces:
    """What zones hold of polygons, by zone and polygon.

    Piece k is what zone number `zone[k]` shares with polygon number `shape[k]`: `area_m2[k]`, and
    `entire[k]` where that is all of it. Borders that merely touch make no piece.
    """

    zone: Integers
    shape: Integers
    area_m2: Floats
    entire: Flags


def pieces(shapes: Shapes, zones: Shapes) -> Pieces:
    """Measure what zones hold of polygons.

    A lattice tells the polygons that no border of a zone comes near: such a polygon lies in a zone
    or not as any point of its cells does. The others are measured by their edges.

    >>> squares = shapely.box(np.array([0, 4]), 0, np.array([4, 6]), 2)
    >>> found = pieces(squares, np.array([shapely.box(-1, -1, 5, 9)]))
    >>> found.shape.tolist(), found.area_m2.tolist(), found.entire.tolist()
    ([0, 1], [8.0, 2.0], [True, False])
    """
    shapes_there = np.flatnonzero(~shapely.is_empty(shapes))
    zones_there = np.flatnonzero(~shapely.is_empty(zones))
    if not len(shapes_there) or not len(zones_there):
        none = np.zeros(0, dtype=np.int64)
        return Pieces(none, none, np.zeros(0), np.zeros(0, dtype=bool))
    found = _pieces(shapes[shapes_there], zones[zones_there])
    order = np.lexsort((found.shape, found.zone))
    return Pieces(
        zones_there[found.zone[order]],
        shapes_there[found.shape[order]],
        found.area_m2[order],
        found.entire[order],
    )


def shared_areas(shapes: Shapes, zones: Shapes) -> Floats:
    """Area that each zone shares with polygons that do not overlap, in m².

    >>> squares = shapely.box(np.array([0, 4]), 0, np.array([4, 6]), 2)
    >>> shared_areas(squares, np.array([shapely.box(-1, -1, 5, 9)])).tolist()
    [10.0]
    """
    found = pieces(shapes, zones)
    return np.bincount(found.zone, found.area_m2, minlength=len(zones)).astype(np.float64)


def _pieces(shapes: Shapes, zones: Shapes) -> Pieces:
    area = shapely.area(shapes)
    boxes = shapely.bounds(shapes)
    lattice, border = _borders(zones, len(shapes))
    near = lattice.meeting(boxes, border)
    far = np.flatnonzero(~near)
    zone, shape = _inside(lattice, border, zones, boxes[far])
    shape = far[shape]
    near_shape, near_zone = _box_pairs(shapes, zones, np.flatnonzero(near))
    shared = np.minimum(shared_area(shapes, zones, near_shape, near_zone), area[near_shape])
    there = shared > TOUCHING * area[near_shape]
    near_shape, near_zone, shared = near_shape[there], near_zone[there], shared[there]
    entire = shared >= area[near_shape] * (1 - TOUCHING)
    return Pieces(
        np.append(zone, near_zone),
        np.append(shape, near_shape),
        np.append(area[shape], shared),
        np.append(np.ones(len(shape), dtype=bool), entire),
    )


def _box_pairs(shapes: Shapes, zones: Shapes, some: Integers) -> tuple[Integers, Integers]:
    """Pairs of some shapes and zones whose boxes meet."""
    row, zone = shapely.STRtree(zones).query(shapes[some])
    return some[row], zone


def _borders(zones: Shapes, count: int) -> tuple[Lattice, Flags]:
    """A lattice over zones, and the cells that their borders touch."""
    bounds = shapely.total_bounds(zones)
    cells = min(max(_CELLS_PER_SHAPE * count, _FEWEST_CELLS), _MOST_CELLS)
    width, height = bounds[2] - bounds[0], bounds[3] - bounds[1]
    cell_m = max(np.sqrt(width * height / cells), (width + height) / _MOST_CELLS)
    lattice = Lattice.over(bounds, float(cell_m))
    rings = Rings.of(zones)
    start = rings.start
    xa, ya, xb, yb = rings.x[start], rings.y[start], rings.x[start + 1], rings.y[start + 1]
    # The box of a long edge would touch many cells that the edge does not: it goes in steps.
    longest = np.maximum(np.abs(xb - xa), np.abs(yb - ya))
    steps = np.maximum(np.ceil(longest / lattice.cell_m), 1).astype(np.int64)
    edge = np.repeat(np.arange(len(steps)), steps)
    step = spread(np.zeros_like(steps), steps)
    from_, to = step / steps[edge], (step + 1) / steps[edge]
    x0, x1 = (_between(xa[edge], xb[edge], share) for share in (from_, to))
    y0, y1 = (_between(ya[edge], yb[edge], share) for share in (from_, to))
    boxes = np.stack(
        [np.minimum(x0, x1), np.minimum(y0, y1), np.maximum(x0, x1), np.maximum(y0, y1)], axis=1
    )
    return lattice, lattice.touched(boxes)


def _between(begin: Floats, end: Floats, share: Floats) -> Floats:
    return begin * (1 - share) + end * share


def _inside(
    lattice: Lattice, border: Flags, zones: Shapes, boxes: Floats
) -> tuple[Integers, Integers]:
    """Pairs of zones and boxes that lie in them, for boxes that touch no border cell."""
    # A run of cells in a row between two border cells lies in a zone or not as a whole.
    breaks = border.copy()
    breaks[:, 0] = True  # the first column is outside all zones
    run = np.cumsum(breaks.ravel())
    row, column = lattice.row(boxes[:, 1]), lattice.column(boxes[:, 0])
    cell = row * lattice.columns + column
    order = np.argsort(run[cell], kind="stable")
    _, first, count = np.unique(run[cell[order]], return_index=True, return_counts=True)
    middle = shapely.points(lattice.centres(cell[order[first]]))
    zone, found = shapely.STRtree(middle).query(zones, predicate="intersects")
    return np.repeat(zone, count[found]), order[spread(first[found], count[found])]
