"""What polygons hold of the cells of a grid, exact along their borders.

Cells are measured as the polygons that they are, by the kernel that measures land in zones, so
that a raster and the polygons drawn from it agree to the last digits. (exactextract, against which
this is tested, holds the covered part of a cell in single precision and looks at every cell of a
polygon; here cells far from its border are counted in blocks.)
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from shapely.geometry.base import BaseGeometry

from layers.grid import Affine, Grid
from spatial.geometry.edges import Shapes
from spatial.geometry.lattice import Flags, Floats, Integers
from spatial.geometry.overlap import TOUCHING
from spatial.geometry.zonal import pieces

DENSE_M = 100.0
"""A straight line so long is one in any CRS for the place, to a millimetre."""
_SPLIT = 4
_FEW_BLOCKS = 4096
_AT_ONCE = 200_000
_STRIP = 256
_NODES = 33


@dataclass(frozen=True, slots=True)
class Held:
    """What one polygon holds of marked cells.

    `areas_m2` by kind of mark, and the cells that its border crosses: their rows, columns, and
    the part of each that it covers.
    """

    areas_m2: Floats
    row: Integers
    column: Integers
    part: Floats


class Cells:
    """A window of a grid whose cells are marked in several ways, ready to measure polygons.

    `marks` are (rows, columns) each, of the whole grid; polygons come in `crs`, a metric one, and
    areas are those of cells in it. Where that is not the CRS of the grid, a cell has the area that
    it covers there, found at nodes over the window and between them to a billionth.

    >>> from shapely import box
    >>> values = np.array([[1, 0], [1, 1]], dtype=np.uint8)
    >>> grid = Grid(values, values >= 0, (10, 0, 0, 0, -10, 20), "EPSG:4548")
    >>> zone = np.array([box(5, 0, 15, 20)], dtype=object)
    >>> cells = Cells(grid, [values > 0], zone, CRS("EPSG:4548"))
    >>> cells.held(zone[0]).areas_m2.tolist()        # two half cells below, one above
    [150.0]
    """

    def __init__(self, grid: Grid, marks: Sequence[Flags], shapes: Shapes, crs: CRS) -> None:
        self.place = Place.of(grid, crs)
        self.top, self.left, bottom, right = _window(self.place.to_cells(shapes), grid)
        self.marks = tuple(mark[self.top : bottom, self.left : right] for mark in marks)
        self.rows, self.columns = bottom - self.top, right - self.left

    def held(self, shape: BaseGeometry) -> Held:
        """Measure one polygon, given in the metric CRS."""
        moved = self.place.to_cells(np.array([shape], dtype=object))
        moved = shapely.transform(moved, lambda at: at - (self.left, self.top))
        # Its parts each by itself: those far from a block need not be looked at.
        parts = shapely.get_parts(moved)
        areas = np.zeros(len(self.marks))
        row, column = self._outermost(shapely.bounds(moved[0]))
        crossed: list[tuple[Integers, Integers, Floats]] = []
        for size in reversed(self._sizes):
            met = [self._met(parts, row[k], column[k], size) for k in _chunks(len(row))]
            row, column, part, entire = (np.concatenate(side) for side in zip(*met, strict=True))
            areas += self._sums(size, row[entire], column[entire])
            row, column, part = row[~entire], column[~entire], part[~entire]
            if size == 1:
                areas += self._weighed(row, column, part)
                crossed.append((row, column, part))
            else:
                row, column = _children(row, column)
        row, column, part = crossed[0]
        return Held(areas, row, column, part)

    def areas_m2(self, row: Integers, column: Integers) -> Floats:
        """Areas of cells."""
        if not isinstance(self._areas, _Varying):
            return np.full(len(row), self._areas)
        return self._areas.at(row, column)

    @cached_property
    def _areas(self) -> "float | _Varying":
        if self.place.change is None:
            return self.place.cell_area
        return _Varying.of(self.place, self.top, self.left, self.rows, self.columns)

    @cached_property
    def _sizes(self) -> tuple[int, ...]:
        """Sides of blocks in cells, smallest first, until there are few of them."""
        sizes = [1]
        while -(-self.rows // sizes[-1]) * -(-self.columns // sizes[-1]) > _FEW_BLOCKS:
            sizes.append(sizes[-1] * _SPLIT)
        return tuple(sizes)

    @cached_property
    def _blocks(self) -> dict[int, Floats]:
        """Marked area in blocks of each size, (kinds, rows, columns)."""
        if len(self._sizes) == 1:
            return {}
        size = _SPLIT
        blocks = {size: np.stack([self._fourfold(mark) for mark in self.marks])}
        for larger in self._sizes[2:]:
            blocks[larger] = np.stack([_four_by_four(kind) for kind in blocks[size]])
            size = larger
        return blocks

    def _fourfold(self, mark: Flags) -> Floats:
        """Marked area in blocks of 4 by 4 cells, a strip at a time: cells are many."""
        strips = []
        for first in range(0, self.rows, _STRIP):
            strip = mark[first : first + _STRIP]
            if isinstance(self._areas, _Varying):
                weighed = strip * self._areas.strip(first, first + len(strip))
                strips.append(_four_by_four(weighed))
            else:
                strips.append(_four_by_four(strip.view(np.uint8)) * self._areas)
        return np.concatenate(strips)

    def _outermost(self, bounds: Floats) -> tuple[Integers, Integers]:
        """The largest blocks that a polygon may touch."""
        size = self._sizes[-1]
        last = (-(-self.columns // size), -(-self.rows // size))
        west, north, east, south = np.nan_to_num(bounds) / size
        columns = np.arange(max(int(west // 1), 0), min(int(east // 1) + 1, last[0]))
        rows = np.arange(max(int(north // 1), 0), min(int(south // 1) + 1, last[1]))
        row, column = np.meshgrid(rows, columns, indexing="ij")
        return row.ravel(), column.ravel()

    def _met(
        self, shapes: Shapes, row: Integers, column: Integers, size: int
    ) -> tuple[Integers, Integers, Floats, Flags]:
        """Which of some blocks polygons meet, the part they cover, and whether that is all."""
        boxes = shapely.box(column * size, row * size, (column + 1) * size, (row + 1) * size)
        found = pieces(boxes, shapes)
        part = np.bincount(found.shape, found.area_m2, minlength=len(boxes)) / size**2
        met = np.flatnonzero(part)
        part = np.minimum(part[met], 1.0)
        return row[met], column[met], part, part > 1 - TOUCHING

    def _sums(self, size: int, row: Integers, column: Integers) -> Floats:
        """Marked area of whole blocks."""
        if size == 1:
            return self._weighed(row, column, np.ones(len(row)))
        blocks = self._blocks[size]
        # A larger block at the edge is filled up with blocks that are not there.
        there = (row < blocks.shape[1]) & (column < blocks.shape[2])
        sums: Floats = blocks[:, row[there], column[there]].sum(axis=1)
        return sums

    def _weighed(self, row: Integers, column: Integers, part: Floats) -> Floats:
        there = (row < self.rows) & (column < self.columns)
        row, column, part = row[there], column[there], part[there]
        areas = part * self.areas_m2(row, column)
        return np.array([areas[mark[row, column]].sum() for mark in self.marks])


@dataclass(frozen=True, slots=True)
class Place:
    """Where the cells of a grid lie: from a metric CRS to columns and rows, and back.

    `change` leads from the metric CRS to that of the grid, None where it is the same.
    """

    transform: Affine
    change: Transformer | None

    @classmethod
    def of(cls, grid: Grid, crs: CRS) -> "Place":
        """Find the way from a metric CRS to the cells of a grid."""
        own = CRS.from_user_input(grid.crs)
        same = own.equals(crs, ignore_axis_order=True)
        return cls(grid.transform, None if same else Transformer.from_crs(crs, own, always_xy=True))

    @property
    def cell_area(self) -> float:
        """Area of a cell in the grid's own CRS."""
        a, b, _, d, e, _ = self.transform
        return abs(a * e - b * d)

    def to_cells(self, shapes: Shapes) -> Shapes:
        """Shapes with columns and rows for coordinates."""
        if self.change is not None:
            shapes = shapely.segmentize(shapes, DENSE_M)
        return _moved(shapes, self._inverse)

    def to_metres(self, shapes: Shapes) -> Shapes:
        """Shapes given in columns and rows, in the metric CRS."""
        return _moved(shapes, self.metres)

    def metres(self, at: Floats) -> Floats:
        """Corners of cells (column, row) in the metric CRS."""
        a, b, c, d, e, f = self.transform
        x, y = a * at[:, 0] + b * at[:, 1] + c, d * at[:, 0] + e * at[:, 1] + f
        if self.change is not None:
            x, y = self.change.transform(x, y, direction="INVERSE")
        return np.column_stack([x, y])

    def _inverse(self, at: Floats) -> Floats:
        x, y = at[:, 0], at[:, 1]
        if self.change is not None:
            x, y = self.change.transform(x, y)
        a, b, c, d, e, f = self.transform
        area = a * e - b * d
        x, y = x - c, y - f
        return np.column_stack([(e * x - b * y) / area, (a * y - d * x) / area])


@dataclass(frozen=True, slots=True)
class _Varying:
    """Areas of cells that are not all the same: along some rows, and evenly between them.

    `across[k]` are the areas of the cells of the row that lies `k * step` below the first.
    """

    across: Floats
    step: float

    @classmethod
    def of(cls, place: Place, top: int, left: int, rows: int, columns: int) -> "_Varying":
        row, column = np.linspace(0, rows, _NODES), np.linspace(0, columns, _NODES)
        at = np.stack(np.meshgrid(left + column, top + row), axis=-1).reshape(-1, 1, 2)
        corners = at + np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
        x, y = np.moveaxis(place.metres(corners.reshape(-1, 2)).reshape(-1, 4, 2), 2, 0)
        # Half the product of the diagonals, crosswise: the area of any four-sided cell.
        one, other = x[:, 2] - x[:, 0], x[:, 3] - x[:, 1]
        nodes = np.abs(one * (y[:, 3] - y[:, 1]) - other * (y[:, 2] - y[:, 0])) / 2
        middles = np.arange(columns) + 0.5
        across = [np.interp(middles, column, line) for line in nodes.reshape(_NODES, _NODES)]
        return cls(np.array(across), rows / (_NODES - 1))

    def at(self, row: Integers, column: Integers) -> Floats:
        above, share = self._between(row)
        return self.across[above, column] * (1 - share) + self.across[above + 1, column] * share

    def strip(self, first: int, end: int) -> Floats:
        """Areas of all cells of some rows."""
        above, share = self._between(np.arange(first, end))
        upper, lower = self.across[above], self.across[above + 1]
        areas: Floats = upper + (lower - upper) * share[:, None]
        return areas

    def _between(self, row: Integers) -> tuple[Integers, Floats]:
        at = (row + 0.5) / self.step
        above = np.minimum(at.astype(np.int64), len(self.across) - 2)
        return above, (at - above).astype(np.float64)


def _moved(shapes: Shapes, change: Callable[[Floats], Floats]) -> Shapes:
    moved: Shapes = shapely.transform(shapes, change)
    return moved


def _window(shapes: Shapes, grid: Grid) -> tuple[int, int, int, int]:
    """Rows and columns (top, left, bottom, right) of a grid that shapes can touch; one at least."""
    height, width = grid.values.shape
    west, north, east, south = np.nan_to_num(shapely.total_bounds(shapes))
    left = int(np.clip(west // 1, 0, width - 1))
    top = int(np.clip(north // 1, 0, height - 1))
    right = int(np.clip(east // 1 + 1, left + 1, width))
    bottom = int(np.clip(south // 1 + 1, top + 1, height))
    return top, left, bottom, right


def _children(row: Integers, column: Integers) -> tuple[Integers, Integers]:
    """The sixteen blocks that each block is made of."""
    inner_row, inner_column = np.divmod(np.arange(_SPLIT**2), _SPLIT)
    rows = (row[:, None] * _SPLIT + inner_row).ravel()
    columns = (column[:, None] * _SPLIT + inner_column).ravel()
    return rows, columns


def _four_by_four(values: NDArray[Any]) -> Floats:
    """Sums over squares of four by four, the last ones filled up with nothing."""
    height, width = values.shape
    filled = np.zeros((-(-height // _SPLIT) * _SPLIT, -(-width // _SPLIT) * _SPLIT), values.dtype)
    filled[:height, :width] = values
    rows = sum(filled[line::_SPLIT] for line in range(1, _SPLIT)) + filled[::_SPLIT]
    sums = sum(rows[:, line::_SPLIT] for line in range(1, _SPLIT)) + rows[:, ::_SPLIT]
    return sums.astype(np.float64)


def _chunks(count: int) -> Iterator[slice]:
    """Slices of a bounded length; one at least, that all levels have something to join."""
    for first in range(0, max(count, 1), _AT_ONCE):
        yield slice(first, first + _AT_ONCE)
