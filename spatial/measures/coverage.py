"""Coverage by facilities within a distance."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from spatial.doubt.band import accuracies, least_share
from spatial.geometry.discs import HALF_A_SIDE, QUAD_SEGS, covered_cells, disc_lattice
from spatial.geometry.edges import Shapes
from spatial.geometry.lattice import Floats
from spatial.geometry.overlay import polygonal
from spatial.geometry.zonal import pieces, shared_areas
from spatial.measurement import (
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
    gap = reach.gap(asked.extent, off=0)
    *gaps, left = gap.within([*asked.parts, asked.whole])
    figures = [_covered(part, open_) for part, open_ in zip(asked.parts, gaps, strict=True)]
    whole = _covered(asked.whole, left)
    accuracy_m = {**reach.accuracy_m, **asked.accuracy_m}
    if any(accuracy_m.values()):
        *ends, whole_ends = _band(reach, asked, gap)
        figures = [ranged(figure, *end) for figure, end in zip(figures, ends, strict=True)]
        whole = ranged(whole, *whole_ends)
    else:
        rim_m = reach.rim_m
        figures = [
            _as_circles(figure, open_, rim_m) for figure, open_ in zip(figures, gaps, strict=True)
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

    def gap(self, extent: BaseGeometry, *, off: int) -> "_Gap":
        """What discs leave open that reach as far as given (0), as little (-1) or far as they may.

        At most (1) they reach as far as a circle does, whose polygon lies inside it.
        """
        radius = self.radius_m + off * self.off_m
        if off > 0:
            radius = radius / math.cos(HALF_A_SIDE)
        there = radius > 0
        return _Gap(shapely.get_parts(_uncovered(self.stops[there], radius[there], extent)))


@dataclass(frozen=True, slots=True)
class _Gap:
    """Polygons that no disc covers, to be asked what of them lies in places."""

    polygons: Shapes

    def within(self, places: Sequence[BaseGeometry]) -> list[BaseGeometry]:
        """What of each place no disc covers."""
        zones = np.array(places, dtype=object)
        found = pieces(self.polygons, zones)
        parts = self.polygons[found.shape]
        cut = ~found.entire
        parts[cut] = shapely.intersection(parts[cut], zones[found.zone[cut]])
        first = np.searchsorted(found.zone, np.arange(len(zones) + 1))
        return [
            shapely.multipolygons(shapely.get_parts(np.array([*map(polygonal, parts[from_:to])])))
            for from_, to in pairwise(first)
        ]

    def areas(self, places: Shapes) -> Floats:
        """Area of each place that no disc covers."""
        return shared_areas(self.polygons, places)


def _band(reach: _Reach, asked: Parts, drawn: _Gap) -> list[tuple[float, float]]:
    """Least and greatest coverage of each part, and last of the whole."""
    small, large = asked.ends
    least = reach.gap(asked.extent, off=-1) if reach.off_m.any() else drawn
    most = reach.gap(asked.extent, off=1)
    most_m2 = shapely.area(large)
    in_small, in_large = (shapely.area(ends) - least.areas(ends) for ends in (small, large))
    rows = np.stack([in_small, in_large, most.areas(small), most.areas(large), most_m2], axis=1)
    return [
        (least_share(counts, counts_most, m2), 1.0 - least_share(lacks, lacks_most, m2))
        for counts, counts_most, lacks, lacks_most, m2 in rows.tolist()
    ]


def _as_circles(figure: Figure, gap: BaseGeometry, rim_m: float) -> Figure:
    """Take in that a circle reaches over its polygon's sides, by less than `rim_m` all round."""
    if figure.denominator is None or figure.numerator is None or figure.value is None:
        return figure
    rim_m2 = gap.length * rim_m + math.pi * rim_m**2 * shapely.get_num_coordinates(gap)
    most = min(figure.numerator + rim_m2, figure.denominator)
    return ranged(figure, figure.value, float(most / figure.denominator))


def _doubts(whole: Figure, accuracy_m: Mapping[str, float]) -> tuple[Doubt, ...]:
    if whole.low is None or whole.high is None:
        return ()
    known = {name: metres for name, metres in accuracy_m.items() if metres > 0}
    if known:
        return (Doubt("position", "band", whole.low, whole.high, known),)
    return (Doubt("segments", "bounds", whole.low, whole.high, {"sides": 4 * QUAD_SEGS}),)


def _uncovered(stops: Shapes, radius_m: Floats, extent: BaseGeometry) -> BaseGeometry:
    """What of an extent no disc covers.

    It lies in the cells of a lattice that are not wholly in one of the discs; only the discs that
    reach into these need to be united, which where stops are dense are few.
    """
    place = _uncertain(stops, radius_m, extent)
    if not len(stops):
        return place
    farthest = float(radius_m.max())
    near = np.sort(shapely.STRtree(stops).query(place, predicate="dwithin", distance=farthest))
    discs = shapely.buffer(stops[near], radius_m[near], quad_segs=QUAD_SEGS)
    return polygonal(shapely.difference(place, shapely.union_all(discs)))


def _uncertain(stops: Shapes, radius_m: Floats, extent: BaseGeometry) -> BaseGeometry:
    """An extent, without the cells that lie in one disc where these are many."""
    bounds = np.nan_to_num(shapely.bounds(extent))
    lattice = disc_lattice(bounds, float(radius_m.max(initial=1.0)) / _CELLS_PER_RADIUS)
    covered = np.zeros((lattice.rows, lattice.columns), dtype=bool)
    xy = shapely.get_coordinates(stops)
    for radius in np.unique(radius_m):
        # A disc is a polygon: all that is nearer than the middles of its sides lies in it.
        inscribed_m = float(radius) * math.cos(HALF_A_SIDE)
        covered |= covered_cells(lattice, xy[radius_m == radius], inscribed_m)
    if extent.is_empty or covered.mean() < 1 - _MOSTLY_OPEN:
        return extent
    row, column = (~covered).nonzero()
    cells = shapely.coverage_union_all(shapely.box(*lattice.boxes(column, row).T))
    return polygonal(shapely.intersection(extent, cells))


def _covered(part: BaseGeometry, gap: BaseGeometry) -> Figure:
    return share(part.area - gap.area, part.area)
