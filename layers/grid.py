"""A grid of cells: a raster as it is kept, for polygons of its cells would be too many."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

Affine = tuple[float, float, float, float, float, float]
_STEPS = 32
_STRIP = 256
_MOST_IN_TABLE = 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Rows of cells, what they hold, and where they lie.

    `values` are (rows, columns), whole numbers where all are whole, else float64; `valid` marks
    the cells with data. The corner between column c and row r lies at x = a·c + b·r + c₀ and
    y = d·c + e·r + f₀ of `transform` = (a, b, c₀, d, e, f₀) in the CRS that `crs` names, east
    first: a grid may be turned, sheared or south up. `accuracy_m` is how far it may lie off as a
    whole, nought where that is not known or where it is invented and lies nowhere else.

    >>> cells = np.array([[1, 2]], dtype=np.uint8)
    >>> grid = Grid(cells, cells > 0, (10, 0, 500_000, 0, -10, 4_300_000), "EPSG:4548")
    >>> shapely.bounds(grid.outline()).tolist()
    [500000.0, 4299990.0, 500020.0, 4300000.0]
    """

    values: NDArray[Any]
    valid: NDArray[np.bool_]
    transform: Affine
    crs: str
    accuracy_m: float = 0.0

    @property
    def is_classes(self) -> bool:
        """Whether the cells hold whole numbers, which may stand for classes."""
        return self.values.dtype.kind in "iu"

    def strips(self) -> Iterator[tuple[slice, NDArray[Any], NDArray[np.bool_]]]:
        """Some rows at a time, with their values and where there are data: cells are many."""
        for first in range(0, len(self.values), _STRIP):
            rows = slice(first, first + _STRIP)
            yield rows, self.values[rows], self.valid[rows]

    def classes(self) -> tuple[int, ...]:
        """The different values of cells with data, where they are whole numbers; in order."""
        return tuple(self.counts())

    def counts(self) -> Mapping[int, int]:
        """How many cells hold each value, where they are whole numbers; in order.

        >>> cells = np.array([[3, 1, 3]], dtype=np.uint8)
        >>> Grid(cells, cells > 0, (10, 0, 0, 0, -10, 0), "EPSG:4548").counts()
        {1: 1, 3: 2}
        """
        found: Counter[int] = Counter()
        for _, values, valid in self.strips():
            known = values[valid]
            if not len(known):
                continue
            low, high = int(known.min()), int(known.max())
            if _fits_a_table(low, high):
                cells = np.bincount(known.astype(np.int64) - low)
                there = np.flatnonzero(cells)
                different, cells = there + low, cells[there]
            else:
                different, cells = np.unique_counts(known)
            found.update(dict(zip(different.tolist(), cells.tolist(), strict=True)))
        return dict(sorted(found.items()))

    def outline(self) -> shapely.Polygon:
        """The border around all cells, with some points along each side, in the grid's CRS."""
        height, width = self.values.shape
        border = shapely.segmentize(shapely.box(0, 0, width, height), max(width, height) / _STEPS)
        a, b, c, d, e, f = self.transform
        outline: shapely.Polygon = shapely.transform(
            border,
            lambda at: np.column_stack(
                [a * at[:, 0] + b * at[:, 1] + c, d * at[:, 0] + e * at[:, 1] + f]
            ),
        )
        return outline

    def outline_in(self, crs: str) -> shapely.Polygon:
        """The border around all cells in another CRS; empty where that does not reach there."""
        change = Transformer.from_crs(CRS.from_user_input(self.crs), crs, always_xy=True)
        moved: shapely.Polygon = shapely.transform(
            self.outline(), lambda at: np.column_stack(change.transform(at[:, 0], at[:, 1]))
        )
        return moved if np.isfinite(shapely.get_coordinates(moved)).all() else shapely.Polygon()


def _fits_a_table(low: int, high: int) -> bool:
    """Whether values are near enough to each other to be told by their place in a table.

    Sorting them in its stead takes seconds.
    """
    return high - low < _MOST_IN_TABLE and high <= np.iinfo(np.int64).max
