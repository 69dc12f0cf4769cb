"""Coverage by facilities within a distance."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from spatial.doubt.band import accuracies, least_share
from spatial.geometry.discs import HALF_A_SIDE, QUAD_SEGS, covered_cells, disc_lattice
from spatial.geometry.edges import Shapes
from spatial.geometry.lattice import Flags, Floats, Lattice
from spatial.geometry.overlap import overlaps
from spatial.geometry.overlay import polygonal
from spatial.measurement import (
    SLIVER_M2,
    Doubt,
    Figure,
    Measurement,
    Metres,
    PeopleBeside,
    Points,
    Polygons,
    by_unit,
    ranged,
    share,
)
from spatial.measures.gaps import Parts, by_people, gap_places

_CELLS_PER_RADIUS = 6
_MOSTLY_OPEN = 0.5


def stop_coverage(
    stops: Points,
    area: Polygons,
    units: Polygons | None = None,
    stations: Points | None = None,
    population: PeopleBeside | None = None,
    *,
    radius_m: Metres,
    station_radius_m: Metres = 1000.0,
    people_column: str = "people",
) -> Measurement:
    """Tell which share of an area lies within a straight-line distance of a stop.

    share = A(union of discs of `radius_m` around the stops, cut with the area) / A(area), for
    each unit (the area's own features where no units are given) and for the whole. The discs are
    united before their area is taken, and the area is cut before it is divided; stops outside the
    area count where their disc reaches in. A unit that holds none of the area has no value.
    `stations` count with a radius of their own, as SDG 11.2.1 has it for rail.

    The range is the band of what positions allow: discs smaller and larger by the accuracy of
    their stop, the area's and the units' borders off by theirs; invented features have none. That
    discs are polygons makes the value too low by at most what the circumscribed ones cover.

    Evidence are the gaps: what of the area is farther than `radius_m` from every stop, one row a
    polygon with `unit`, `area_m2`, `nearest_stop` (id) and `nearest_m` (from a point inside it).
    Where residents are given, `people` says how many live in it, and the most people come first.

    The radius measure of 公交都市考核评价指标体系 (Ministry of Transport, 2013).

    >>> from shapely import Point, box
    >>> stops = gpd.GeoDataFrame(geometry=[Point(0, 0)], index=["S"], crs="EPSG:4548")
    >>> area = gpd.GeoDataFrame(geometry=[box(0, 0, 500, 500)], index=["A"], crs="EPSG:4548")
    >>> stop_coverage(stops, area, radius_m=500).whole.value    # a quarter disc: pi / 4
    0.7853...
    """
    reach = _Reach.of(stops, stations, radius_m, station_radius_m)
    asked = Parts.of(area, units)
    discs = reach.discs(asked.reach, off=0)
    gaps = [discs.gap(part) for part in asked.parts]
    figures = [_covered(part, gap) for part, gap in zip(asked.parts, gaps, strict=True)]
    whole, left = _whole(asked, gaps, discs)
    accuracy_m = {**reach.accuracy_m, **asked.accuracy_m}
    if any(accuracy_m.values()):
        bands = _Bands(reach.discs(asked.reach, off=-1), reach.discs(asked.reach, off=1))
        figures = [
            ranged(figure, *bands.range(*ends))
            for figure, ends in zip(figures, zip(*asked.part_ends, strict=True), strict=True)
        ]
        whole = ranged(whole, *bands.range(*asked.whole_ends))
    else:
        rim_m = reach.rim_m
        figures = [
            _as_circles(figure, [gap], rim_m) for figure, gap in zip(figures, gaps, strict=True)
        ]
        whole = _as_circles(whole, left, rim_m)
    return Measurement(
        values=by_unit(asked.ids, figures),
        whole=whole,
        evidence=by_people(gap_places(asked.ids, gaps, stops), population, people_column),
        doubts=_doubts(whole, accuracy_m),
    )


@dataclass(frozen=True, slots=True)
class _Reach:
    """How far each stop reaches and how far off it may stand; `accuracy_m` is the worst by kind."""

    stops: Shapes
    radius_m: Floats
    off_m: Floats
    accuracy_m: Mapping[str, float]

    @classmethod
    def of(
        cls,
        stops: gpd.GeoDataFrame,
        stations: gpd.GeoDataFrame | None,
        radius_m: float,
        station_radius_m: float,
    ) -> "_Reach":
        kinds = {"stops": (stops, radius_m)}
        if stations is not None:
            kinds["stations"] = (stations, station_radius_m)
        off = {name: accuracies(frame) for name, (frame, _) in kinds.items()}
        return cls(
            np.concatenate([frame.geometry.to_numpy() for frame, _ in kinds.values()]),
            np.concatenate([np.full(len(frame), radius) for frame, radius in kinds.values()]),
            np.concatenate(list(off.values())),
            {name: float(metres.max(initial=0.0)) for name, metres in off.items()},
        )

    @property
    def rim_m(self) -> float:
        """By how much a circle reaches over its polygon, at most."""
        half = math.cos(HALF_A_SIDE)
        return float(self.radius_m.max(initial=0.0)) * (1 / half - half)

    def discs(self, within: Shapes, *, off: int) -> "_Discs":
        """Discs that reach as far as given (0), as little (-1) or as far (1) as they may."""
        radius = self.radius_m + off * self.off_m
        if off > 0:  # and as a circle does, whose polygon lies inside it
            radius = radius / math.cos(HALF_A_SIDE)
        return _Discs.of(self.stops[radius > 0], radius[radius > 0], within)


@dataclass(frozen=True, slots=True)
class _Bands:
    """Discs that reach as little and as far as they may."""

    least: "_Discs"
    most: "_Discs"

    def range(self, small: BaseGeometry, large: BaseGeometry) -> tuple[float, float]:
        """Least and greatest coverage of a place that lies between a small and a large extent."""
        most_m2 = large.area
        in_small, in_large = (part.area - self.least.gap(part).area for part in (small, large))
        off_small, off_large = (self.most.gap(part).area for part in (small, large))
        return (
            least_share(in_small, in_large, most_m2),
            1.0 - least_share(off_small, off_large, most_m2),
        )


def _as_circles(figure: Figure, gaps: Sequence[BaseGeometry], rim_m: float) -> Figure:
    """Take in that a circle reaches over its polygon's sides, by less than `rim_m` all round."""
    if figure.denominator is None or figure.numerator is None or figure.value is None:
        return figure
    rim_m2 = sum(gap.length for gap in gaps) * rim_m
    rim_m2 += math.pi * rim_m**2 * sum(shapely.get_num_coordinates(gap) for gap in gaps)
    most = min(figure.numerator + rim_m2, figure.denominator)
    return ranged(figure, figure.value, float(most / figure.denominator))


def _doubts(whole: Figure, accuracy_m: Mapping[str, float]) -> tuple[Doubt, ...]:
    if whole.low is None or whole.high is None:
        return ()
    known = {name: metres for name, metres in accuracy_m.items() if metres > 0}
    if known:
        return (Doubt("position", "band", whole.low, whole.high, known),)
    return (Doubt("segments", "bounds", whole.low, whole.high, {"sides": 4 * QUAD_SEGS}),)


@dataclass(frozen=True, slots=True)
class _Discs:
    """Discs around stops, and the cells of a lattice that do not lie wholly in one of them.

    What discs leave uncovered lies in these open cells; only the discs that reach into them need
    to be united, which where stops are dense are few.
    """

    stops: Shapes
    radius_m: Floats
    lattice: Lattice
    open: Flags
    tree: shapely.STRtree

    @classmethod
    def of(cls, stops: Shapes, radius_m: Floats, within: Shapes) -> "_Discs":
        bounds = np.nan_to_num(shapely.total_bounds(within))
        largest = float(radius_m.max(initial=1.0))
        lattice = disc_lattice(bounds, largest / _CELLS_PER_RADIUS)
        covered = np.zeros((lattice.rows, lattice.columns), dtype=bool)
        xy = shapely.get_coordinates(stops)
        for radius in np.unique(radius_m):
            # A disc is a polygon: all that is nearer than the middles of its sides lies in it.
            inscribed_m = float(radius) * math.cos(HALF_A_SIDE)
            covered |= covered_cells(lattice, xy[radius_m == radius], inscribed_m)
        return cls(stops, radius_m, lattice, ~covered, shapely.STRtree(stops))

    def gap(self, part: BaseGeometry) -> BaseGeometry:
        """What of a part of the area no disc covers."""
        place = self._uncertain(part)
        if not len(self.stops):
            return place
        farthest = float(self.radius_m.max())
        near = np.sort(self.tree.query(place, predicate="dwithin", distance=farthest))
        discs = shapely.buffer(self.stops[near], self.radius_m[near], quad_segs=QUAD_SEGS)
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


def _covered(part: BaseGeometry, gap: BaseGeometry) -> Figure:
    return share(part.area - gap.area, part.area)


def _whole(
    asked: Parts, gaps: Sequence[BaseGeometry], discs: _Discs
) -> tuple[Figure, Sequence[BaseGeometry]]:
    """Coverage of the whole area and its gaps: those of parts that divide it, else its own."""
    shapes = np.asarray(asked.parts, dtype=object)
    area_m2 = float(shapely.area(shapes).sum())
    if abs(asked.whole.area - area_m2) < SLIVER_M2 and not len(overlaps(shapes)[0]):
        return share(area_m2 - sum(gap.area for gap in gaps), area_m2), gaps
    gap = discs.gap(asked.whole)
    return _covered(asked.whole, gap), [gap]
