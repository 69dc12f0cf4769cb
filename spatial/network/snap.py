"""The place on a network that is nearest to a point."""

import math
from dataclasses import dataclass

import numpy as np

from spatial.geometry.lattice import Flags, Floats, Integers, spread
from spatial.network.graph import FAN, Network

NOWHERE = -1
_CLOSE = 4
_NEAR_M = 25.0
_AT_ONCE = 2**12


@dataclass(frozen=True, slots=True)
class Snapped:
    """Where points reach a network: `edge` (NOWHERE where none is near), where and how far off.

    `along_m` is the distance from where the edge begins, `snap_m` the straight-line distance
    between the point and that place; both are missing off the network.
    """

    edge: Integers
    along_m: Floats
    snap_m: Floats

    @property
    def found(self) -> Flags:
        """Which points reach the network."""
        found: Flags = self.edge != NOWHERE
        return found

    def take(self, rows: Integers) -> "Snapped":
        """Some of the points."""
        return Snapped(self.edge[rows], self.along_m[rows], self.snap_m[rows])

    def replaced(self, rows: Integers, by: "Snapped") -> "Snapped":
        """The points, some of them elsewhere."""
        edge, along, off = self.edge.copy(), self.along_m.copy(), self.snap_m.copy()
        edge[rows], along[rows], off[rows] = by.edge, by.along_m, by.snap_m
        return Snapped(edge, along, off)


def snap(points: Floats, network: Network, limit_m: float) -> Snapped:
    """Find the nearest place of a network, anywhere along its edges, within `limit_m` of points.

    `points` is (n, 2). Of two places equally near it is the one farther west, then south.
    """
    edge = np.full(len(points), NOWHERE, dtype=np.int64)
    along, off = np.full(len(points), np.nan), np.full(len(points), np.nan)
    # Most points are much nearer than the limit: what is found close by need not be sought far.
    steps = max(math.ceil(math.log(limit_m / _NEAR_M, _CLOSE)), 1)
    for limit in (limit_m / _CLOSE**step for step in range(steps, -1, -1)):
        left = np.flatnonzero(edge == NOWHERE)
        for begin in range(0, len(left), _AT_ONCE):
            some = left[begin : begin + _AT_ONCE]
            row, found, at, metres = _nearest(points[some], network, limit)
            row = some[row]
            edge[row], along[row], off[row] = found, at, metres
    return Snapped(edge, along, off)


def _nearest(
    points: Floats, network: Network, limit_m: float
) -> tuple[Integers, Integers, Floats, Floats]:
    """Rows of the points near the network; edge, metres along it and metres off it of each."""
    row, edge = _near(points, network, limit_m)
    count = network.points[edge] - 1
    row, edge, at = (
        np.repeat(row, count),
        np.repeat(edge, count),
        spread(network.first[edge], count),
    )
    x, y = points[row].T
    x0, y0 = network.path_x[at], network.path_y[at]
    dx, dy = network.path_x[at + 1] - x0, network.path_y[at + 1] - y0
    share = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy), 0.0, 1.0)
    place_x, place_y = x0 + share * dx, y0 + share * dy
    metres = np.hypot(x - place_x, y - place_y)
    order = np.lexsort((place_y, place_x, metres, row))
    order = order[metres[order] <= limit_m]
    row, first = np.unique(row[order], return_index=True)
    best = order[first]
    at, share = at[best], share[best]
    along = network.along_m[at] * (1 - share) + network.along_m[at + 1] * share
    return row, edge[best], along, metres[best]


def _near(points: Floats, network: Network, limit_m: float) -> tuple[Integers, Integers]:
    """Pairs of points and edges whose boxes are no farther apart than a distance."""
    level = len(network.boxes) - 1
    size = len(network.boxes[level])
    row = np.repeat(np.arange(len(points)), size)
    box = np.tile(np.arange(size), len(points))
    while True:
        west, south, east, north = network.boxes[level][box].T
        x, y = points[row].T
        near = (west - limit_m <= x) & (x <= east + limit_m)
        near &= (south - limit_m <= y) & (y <= north + limit_m)
        row, box = row[near], box[near]
        if level == 0:
            return row, box
        level -= 1
        first = box * FAN
        count = np.minimum(FAN, len(network.boxes[level]) - first)
        row, box = np.repeat(row, count), spread(first, count)
