"""Coverage by facilities within a distance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from spatial.discs import covered_cells, disc_lattice
from spatial.lattice import Flags, Lattice
from spatial.measurement import (
    SLIVER_M2,
    Figure,
    Measurement,
    Metres,
    Points,
    Polygons,
    by_unit,
    share,
)
from spatial.measures.edges import Shapes
from spatial.measures.overlap import overlaps
from spatial.measures.overlay import dissolve, polygon_parts, polygonal

QUAD_SEGS = 64
"""Segments per quarter circle: the polygon lacks 0.01 % of the disc (16 would lack 0.16 %)."""
_CELLS_PER_RADIUS = 6
_MOSTLY_OPEN = 0.5


def stop_coverage(
    stops: Points, area: Polygons, units: Polygons | None = None, *, radius_m: Metres
) -> Measurement:
    """Tell which share of an area lies within a straight-line distance of a stop.

    share = A(union of discs of `radius_m` around the stops, cut with the area) / A(area), for
    each unit (the area's own features where no units are given) and for the whole. The discs are
    united before their area is taken, and the area is cut before it is divided; stops outside the
    area count where their disc reaches in. A unit that holds none of the area has no value.

    Evidence are the gaps: what of the area is farther than `radius_m` from every stop, one row a
    polygon with `unit`, `area_m2`, `nearest_stop` (id) and `nearest_m` (from a point inside it).

    The radius measure of 公交都市考核评价指标体系 (Ministry of Transport, 2013).

    >>> from shapely import Point, box
    >>> stops = gpd.GeoDataFrame(geometry=[Point(0, 0)], index=["S"], crs="EPSG:4548")
    >>> area = gpd.GeoDataFrame(geometry=[box(0, 0, 500, 500)], index=["A"], crs="EPSG:4548")
    >>> stop_coverage(stops, area, radius_m=500).whole.value    # a quarter disc: pi / 4
    0.7853...
    """
    whole_area = dissolve(area.geometry.to_numpy())
    if units is None:
        ids, parts = [str(unit) for unit in area.index], list(area.geometry)
    else:
        ids = [str(unit) for unit in units.index]
        parts = _cut(units.geometry.to_numpy(), whole_area)
    discs = _Discs.of(stops, radius_m, np.array([whole_area, *parts], dtype=object))
    gaps = [discs.gap(part) for part in parts]
    figures = [_covered(part, gap) for part, gap in zip(parts, gaps, strict=True)]
    return Measurement(
        values=by_unit(ids, figures),
        whole=_whole(whole_area, parts, figures, discs),
        evidence=_gaps(ids, gaps, stops),
    )


@dataclass(frozen=True, slots=True)
class _Discs:
    """Discs around stops, and the cells of a lattice that do not lie wholly in one of them.

    What discs leave uncovered lies in these open cells; only the discs that reach into them need
    to be united, which where stops are dense are few.
    """

    stops: Shapes
    radius_m: float
    lattice: Lattice
    open: Flags
    tree: shapely.STRtree

    @classmethod
    def of(cls, stops: gpd.GeoDataFrame, radius_m: float, within: Shapes) -> "_Discs":
        points = stops.geometry.to_numpy()
        bounds = np.nan_to_num(shapely.total_bounds(within))
        lattice = disc_lattice(bounds, radius_m / _CELLS_PER_RADIUS)
        # The disc is a polygon: all that is nearer than the middles of its sides lies in it.
        inscribed_m = radius_m * math.cos(math.pi / (4 * QUAD_SEGS))
        covered = covered_cells(lattice, shapely.get_coordinates(points), inscribed_m)
        return cls(points, radius_m, lattice, ~covered, shapely.STRtree(points))

    def gap(self, part: BaseGeometry) -> BaseGeometry:
        """What of a part of the area no disc covers."""
        place = self._uncertain(part)
        near = np.sort(self.tree.query(place, predicate="dwithin", distance=self.radius_m))
        discs = shapely.buffer(self.stops[near], self.radius_m, quad_segs=QUAD_SEGS)
        return polygonal(shapely.difference(place, shapely.union_all(discs)))

    def _uncertain(self, part: BaseGeometry) -> BaseGeometry:
        """A part of the area, without most of the cells that lie in one disc."""
        if part.is_empty:
            return part
        west, south, east, north = shapely.bounds(part)
        columns, rows = (
            self.lattice.column(np.array([west, east])),
            self.lattice.row(np.array([south, north])),
        )
        window = self.open[rows[0] : rows[1] + 1, columns[0] : columns[1] + 1]
        if window.mean() > _MOSTLY_OPEN:
            return part
        row, column = window.nonzero()
        boxes = self.lattice.boxes(column + columns[0], row + rows[0])
        cells = shapely.coverage_union_all(shapely.box(*boxes.T))
        return polygonal(shapely.intersection(part, cells))


def _cut(units: Shapes, area: BaseGeometry) -> list[BaseGeometry]:
    """Cut units with the area; those inside it are passed on as they are."""
    shapely.prepare(area)
    inside = shapely.covers(area, units)
    return [
        unit if whole else polygonal(shapely.intersection(unit, area))
        for unit, whole in zip(units, inside, strict=True)
    ]


def _covered(part: BaseGeometry, gap: BaseGeometry) -> Figure:
    return share(part.area - gap.area, part.area)


def _whole(
    area: BaseGeometry, parts: Sequence[BaseGeometry], figures: Sequence[Figure], discs: _Discs
) -> Figure:
    """Coverage of the whole area: the sum over units that divide it, else measured at once."""
    shapes = np.asarray(parts, dtype=object)
    missing = area.area - float(shapely.area(shapes).sum())
    if abs(missing) < SLIVER_M2 and not len(overlaps(shapes)[0]):
        covered = sum(figure.numerator or 0.0 for figure in figures)
        return share(covered, sum(figure.denominator or 0.0 for figure in figures))
    return _covered(area, discs.gap(area))


def _gaps(
    ids: Sequence[str], gaps: Sequence[BaseGeometry], stops: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    pieces = polygon_parts(ids, gaps, crs=stops.crs, least_m2=SLIVER_M2)
    if pieces.empty or stops.empty:
        return pieces.assign(
            nearest_stop=pd.Series(dtype=str), nearest_m=pd.Series(dtype="float64")
        )
    points = stops.geometry.to_numpy()
    inside = shapely.point_on_surface(pieces.geometry.to_numpy())
    (piece, stop), distances = shapely.STRtree(points).query_nearest(inside, return_distance=True)
    near = pd.DataFrame({"piece": piece, "stop": stops.index[stop], "metres": distances})
    near = near.sort_values(["piece", "stop"]).drop_duplicates("piece")
    return pieces.assign(nearest_stop=near["stop"].to_numpy(), nearest_m=near["metres"].to_numpy())
