"""Discs of one radius around places: the cells of a lattice and the points that they cover."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spatial.geometry.lattice import Flags, Floats, Integers, Lattice

QUAD_SEGS = 64
"""Segments per quarter circle: the polygon lacks 0.01 % of the disc (16 would lack 0.16 %)."""
HALF_A_SIDE = math.pi / (4 * QUAD_SEGS)
"""Half the angle that a side of a disc's polygon spans."""
_CELLS_PER_RADIUS = 8
_MOST_CELLS = 2**22
_POINTS_AT_ONCE = 2**17
_STAMPS_AT_ONCE = 2**16
_ROUNDINGS = 8
"""Roundings of a coordinate that the borders of cells may be off by."""


def within(points: Floats, places: Floats, radius_m: float) -> Flags:
    """Mark the points that lie within a straight-line distance of a place.

    `points` is (n, 2) and `places` (m, 2), in metres, none of them missing; a point at exactly
    `radius_m` counts. A lattice tells most points by their cell alone, wholly covered by one disc
    or reached by none; distances are taken only in the cells that the rim of a disc crosses.
    Beside what is given and handed back it needs a few megabytes, however many the points.

    >>> within(np.array([[3.0, 4.0], [3.0, 4.1]]), np.array([[0.0, 0.0]]), 5.0).tolist()
    [True, False]
    """
    marked = np.zeros(len(points), dtype=bool)
    if not len(points) or not len(places):
        return marked
    sides = [
        side() for side in (points[:, 0].min, points[:, 1].min, points[:, 0].max, points[:, 1].max)
    ]
    lattice = disc_lattice(np.array(sides), radius_m / _CELLS_PER_RADIUS)
    rims = _Rims.of(lattice, places, radius_m)
    for begin in range(0, len(points), _POINTS_AT_ONCE):
        some = slice(begin, begin + _POINTS_AT_ONCE)
        marked[some] = rims.within(points[some, 0], points[some, 1])
    return marked


def covered_cells(lattice: Lattice, places: Floats, radius_m: float) -> Flags:
    """Mark the cells, (rows, columns), that lie wholly within `radius_m` of one of the places.

    >>> cells = Lattice.over(np.array([0.0, 0.0, 30.0, 10.0]), cell_m=10.0)
    >>> [int(number) for number in covered_cells(cells, np.array([[5.0, 5.0]]), 8.0).nonzero()[0]]
    [1]
    """
    covered = np.zeros(lattice.rows * lattice.columns, dtype=bool)
    for stamp in _stamps(lattice, places, radius_m):
        covered[stamp.whole] = True
    return covered.reshape(lattice.rows, lattice.columns)


def disc_lattice(bounds: Floats, cell_m: float) -> Lattice:
    """Lay a lattice over bounds, of cells of the size asked for unless these were too many."""
    west, south, east, north = bounds
    # Of a square as of a strip: no more cells along a side, nor in all, than there may be.
    least = max(
        np.sqrt((east - west) * (north - south) / _MOST_CELLS),
        (east - west + north - south) / _MOST_CELLS,
    )
    return Lattice.over(bounds, max(cell_m, float(least)))


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What the discs around some places do to cells.

    `whole` are cells wholly in one of them. `near` are cells that a disc reaches, and `place` is
    the number of the disc's place.
    """

    whole: Integers
    near: Integers
    place: Integers


def _stamps(lattice: Lattice, places: Floats, radius_m: float) -> Iterator[_Stamp]:
    """Stamps of places, some at a time."""
    reach = int(np.ceil(radius_m / lattice.cell_m)) + 1
    offsets = np.arange(-reach, reach + 1)
    at_once = max(_STAMPS_AT_ONCE // len(offsets) ** 2, 1)
    corner = max(abs(lattice.west_m), abs(lattice.south_m))
    span = lattice.cell_m * max(lattice.columns, lattice.rows)
    slack = _ROUNDINGS * float(np.spacing(corner + span + radius_m))
    for begin in range(0, len(places), at_once):
        x, y = places[begin : begin + at_once].T[..., None]
        columns = np.floor((x - lattice.west_m) / lattice.cell_m).astype(np.int64) + offsets
        rows = np.floor((y - lattice.south_m) / lattice.cell_m).astype(np.int64) + offsets
        near_x, far_x = _squares(lattice.west_m + columns * lattice.cell_m - x, lattice, slack)
        near_y, far_y = _squares(lattice.south_m + rows * lattice.cell_m - y, lattice, slack)
        for sides, cells, most in (
            ((near_x, far_x), columns, lattice.columns),
            ((near_y, far_y), rows, lattice.rows),
        ):
            for side in sides:
                side[(cells < 0) | (cells >= most)] = np.inf
        cell = rows[:, :, None] * lattice.columns + columns[:, None, :]
        whole = far_y[:, :, None] + far_x[:, None, :] <= radius_m**2
        near = near_y[:, :, None] + near_x[:, None, :] <= radius_m**2
        yield _Stamp(cell[whole], cell[near], begin + near.nonzero()[0])


def _squares(low: Floats, lattice: Lattice, slack: float) -> tuple[Floats, Floats]:
    """Least and greatest squared distance, along one axis, of cells that begin `low` from a place.

    The least is a little too small and the greatest a little too large, for rounding.
    """
    low, high = low - slack, low + lattice.cell_m + slack
    near = np.maximum(np.maximum(low, -high), 0.0)
    return near**2, np.maximum(np.abs(low), np.abs(high)) ** 2


@dataclass(frozen=True, slots=True)
class _Rims:
    """Discs on a lattice: cells that are wholly covered, and cells where distances must be taken.

    `state` of a cell is 0 where no disc reaches, -1 where one covers it, else k + 1 for the cell
    whose discs are `x`, `y` of the numbers `first[k]` to `end[k]`.
    """

    lattice: Lattice
    state: NDArray[np.int32]
    first: Integers
    end: Integers
    x: Floats
    y: Floats
    square: float

    @classmethod
    def of(cls, lattice: Lattice, places: Floats, radius_m: float) -> "_Rims":
        state = np.zeros(lattice.rows * lattice.columns, dtype=np.int32)
        cells, numbers = [], []
        for stamp in _stamps(lattice, places, radius_m):
            state[stamp.whole] = -1
            open_ = state[stamp.near] == 0
            cells.append(stamp.near[open_])
            numbers.append(stamp.place[open_])
        cell, place = np.concatenate(cells), np.concatenate(numbers)
        still = state[cell] == 0
        cell, place = cell[still], place[still]
        order = np.argsort(cell, kind="stable")
        crossed, first, count = np.unique(cell[order], return_index=True, return_counts=True)
        state[crossed] = np.arange(1, len(crossed) + 1)
        x, y = places[place[order]].T
        return cls(lattice, state, first, first + count, x, y, radius_m**2)

    def within(self, x: Floats, y: Floats) -> Flags:
        """Mark points."""
        state = self.state[self.lattice.row(y) * self.lattice.columns + self.lattice.column(x)]
        marked: Flags = state < 0
        left = np.flatnonzero(state > 0)
        disc, end = self.first[state[left] - 1], self.end[state[left] - 1]
        while len(left):
            hit = (x[left] - self.x[disc]) ** 2 + (y[left] - self.y[disc]) ** 2 <= self.square
            marked[left[hit]] = True
            disc = disc + 1
            more = ~hit & (disc < end)
            left, disc, end = left[more], disc[more], end[more]
        return marked
