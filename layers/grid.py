"""A grid of cells: a raster as it is kept, for polygons of its cells would be too many."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

Affine = tuple[float, float, float, float, float, float]
_STEPS = 32


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
