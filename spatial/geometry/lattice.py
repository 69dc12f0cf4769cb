"""A lattice of square cells over the plane, as an index of boxes and points."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Lattice:
    """Square cells, `columns` × `rows` of them, from the corner (`west_m`, `south_m`).

    A coordinate is given to a cell by one rounding rule that never decreases with the coordinate,
    so what two boxes share lies in cells that both are said to touch, whatever the rounding. The
    outermost cells take in all that lies farther out.

    >>> cells = Lattice.over(np.array([0.0, 0.0, 40.0, 20.0]), cell_m=10.0)
    >>> cells.columns, cells.rows
    (7, 5)
    >>> cells.column(np.array([-99.0, 0.0, 9.9, 10.0, 99.0])).tolist()
    [0, 1, 1, 2, 6]
    """

    west_m: float
    south_m: float
    cell_m: float
    columns: int
    rows: int

    @classmethod
    def over(cls, bounds: Floats, cell_m: float) -> "Lattice":
        """Lay cells over a box (west, south, east, north), with one more all around."""
        west, south, east, north = (float(side) for side in bounds)
        columns = int((east - west) // cell_m) + 3
        rows = int((north - south) // cell_m) + 3
        return cls(west - cell_m, south - cell_m, cell_m, columns, rows)

    def column(self, x: Floats) -> Integers:
        """Columns that coordinates lie in."""
        return _cell(x, self.west_m, self.cell_m, self.columns)

    def row(self, y: Floats) -> Integers:
        """Rows that coordinates lie in."""
        return _cell(y, self.south_m, self.cell_m, self.rows)

    def centres(self, cells: Integers) -> Floats:
        """Middles of cells, given by row * columns + column, as (n, 2)."""
        row, column = np.divmod(cells, self.columns)
        x = self.west_m + (column + 0.5) * self.cell_m
        return np.stack([x, self.south_m + (row + 0.5) * self.cell_m], axis=1)

    def boxes(self, columns: Integers, rows: Integers) -> Floats:
        """Boxes (west, south, east, north) of cells, as (n, 4); neighbours share their sides."""
        west, east = (self.west_m + (columns + side) * self.cell_m for side in (0, 1))
        south, north = (self.south_m + (rows + side) * self.cell_m for side in (0, 1))
        return np.stack([west, south, east, north], axis=1)

    def touched(self, boxes: Floats) -> Flags:
        """Mark the cells, (rows, columns), that any of the boxes (n, 4) touches."""
        west, south, east, north = self._span(boxes)
        corners = np.zeros((self.rows + 1) * (self.columns + 1), dtype=np.int64)
        wide = self.columns + 1
        for row, column, sign in (
            (south, west, 1),
            (south, east + 1, -1),
            (north + 1, west, -1),
            (north + 1, east + 1, 1),
        ):
            corners += sign * np.bincount(row * wide + column, minlength=len(corners))
        depth = corners.reshape(self.rows + 1, wide).cumsum(axis=0).cumsum(axis=1)
        marked: Flags = depth[:-1, :-1] > 0
        return marked

    def meeting(self, boxes: Floats, marked: Flags) -> Flags:
        """Tell for each box (n, 4) whether it touches a marked cell."""
        sums = np.zeros((self.rows + 1, self.columns + 1), dtype=np.int64)
        np.cumsum(np.cumsum(marked, axis=0, dtype=np.int64), axis=1, out=sums[1:, 1:])
        west, south, east, north = self._span(boxes)
        least, most = sums[south, east + 1] - sums[south, west], sums[north + 1, east + 1]
        found: Flags = most - sums[north + 1, west] > least
        return found

    def _span(self, boxes: Floats) -> tuple[Integers, Integers, Integers, Integers]:
        west, south, east, north = boxes.T
        return self.column(west), self.row(south), self.column(east), self.row(north)


def spread(first: NDArray[Any], count: NDArray[Any]) -> Integers:
    """Write out runs of numbers that follow one another.

    >>> spread(np.array([5, 0]), np.array([3, 2])).tolist()
    [5, 6, 7, 0, 1]
    """
    ends = np.cumsum(count)
    total = int(ends[-1]) if len(ends) else 0
    numbers: Integers = np.arange(total) + np.repeat(first - (ends - count), count)
    return numbers


def _cell(coordinates: Floats, origin: float, cell_m: float, cells: int) -> Integers:
    number = coordinates - origin
    number /= cell_m
    np.maximum(number, 0, out=number)
    np.minimum(number, cells - 1, out=number)
    return number.astype(np.int64)
