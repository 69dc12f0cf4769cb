"""Facilities and those whom they are for: enough of them, none overrun, so much for each head."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pydantic import Field

from spatial.doubt.band import accuracies, extremes, inner, outer
from spatial.doubt.displacement import Movable, simulated
from spatial.doubt.spans import Span, doubts, ends, worst_accuracy
from spatial.geometry.lattice import Flags, Floats, Integers
from spatial.geometry.overlay import polygonal
from spatial.measurement import (
    NOTHING,
    Doubt,
    Figure,
    Measurement,
    Metres,
    People,
    Points,
    Polygons,
    by_unit,
    ranged,
)
from spatial.measures.extent import amount
from spatial.measures.people import Draws, Seed
from spatial.measures.population import as_places, residents, unnumbered
from spatial.measures.served import Town, unnumbered_in
from spatial.network.graph import Network, Walkways
from spatial.network.walk import SNAP_LIMIT_M, Located, walk_between

NOBODY = -1
"""Number of the facility of those who reach none."""
_AT_ONCE = 2**20
_EQUAL_M = 1e-6
_ROUNDING = 1e-9

Heads = Annotated[float, Field(gt=0, allow_inf_nan=False)]
LeastPeople = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def facilities_per_unit(
    facilities: Points,
    units: Polygons,
    population: People | None = None,
    *,
    people_per_facility: Heads,
    people_column: str = "people",
) -> Measurement:
    """Tell how many of the facilities that it needs each unit has, e.g. health centres by street.

    value = facilities in the unit / those needed, which are people / `people_per_facility`,
    rounded up, and one at least; without a population one. The whole is what lies in any unit over
    what all need. A facility on a border, or in two units, belongs to the first by id; so do
    residents. People are counted where they are drawn.

    The range is the band of what positions allow: at least the facilities farther inside than
    their accuracy and that of the unit's border together, at most those that may lie inside. A unit
    with features of the population that have no number may need any number of facilities more: the
    range begins at 0 there, and so does that of the whole.

    Evidence are the units that fall short as drawn, those with most people first (the largest,
    where no population is given): `unit`, `area_m2`, `people`, `facilities`, `need`. Facts:
    `facilities_outside_count` (in no unit), `units_without_count`, `needed_count`,
    `unnumbered_count`.

    >>> from shapely import Point, box
    >>> streets = gpd.GeoDataFrame(geometry=[box(0, 0, 9, 9), box(9, 0, 18, 9)], index=["A", "B"],
    ...     crs="EPSG:4548")
    >>> centres = gpd.GeoDataFrame(geometry=[Point(1, 1)], index=["C"], crs="EPSG:4548")
    >>> homes = gpd.GeoDataFrame({"people": [120000]}, geometry=[Point(5, 5)], index=["H"],
    ...     crs="EPSG:4548")
    >>> found = facilities_per_unit(centres, streets, homes, people_per_facility=100000)
    >>> found.values["value"].to_dict()         # A needs two, B one
    {'A': 0.5, 'B': 0.0}
    """
    ids = [str(unit) for unit in units.index]
    people, without = np.full(len(ids), np.nan), np.zeros(len(ids))
    missing: dict[str, float] = {}
    if population is not None:
        people = Town.of(population, units, people_column).people[:-1]
        without = unnumbered_in(population, units, people_column)[:-1]
        missing = _missing(population, people_column)
    need = _needed(people, people_per_facility)
    if not ids:
        return Measurement(by_unit([], []), NOTHING, _short(units, people, need, need))
    # Facilities belong to units as residents do.
    unit = Town.of(facilities.assign(people=1.0), units, "people").point_unit
    least, drawn, most = _inside(facilities, unit, units)
    least_of_each = np.where(without > 0, 0.0, least)
    rows = np.stack([least_of_each, drawn, most, need], axis=1).tolist()
    figures = [_of_need(*row) for row in rows]
    low, high = _inside_any(facilities, unit < len(ids), units)
    whole = _of_need(low, float(drawn.sum()), high, float(need.sum()))
    off_m = worst_accuracy(facilities=facilities, units=units)
    told: tuple[Doubt, ...] = ()
    if off_m and whole.low is not None and whole.high is not None:
        told = (Doubt("position", "band", whole.low, whole.high, off_m),)
    if without.any() and whole.value:
        told = (*told, Doubt("unnumbered", "bounds", 0.0, whole.value, missing))
        whole = ranged(whole, 0.0, whole.value)
    return Measurement(
        values=by_unit(ids, figures),
        whole=whole,
        evidence=_short(units, people, drawn, need),
        doubts=told,
        facts={
            "facilities_outside_count": float((unit == len(ids)).sum()),
            "units_without_count": float((drawn == 0).sum()),
            "needed_count": float(need.sum()),
            **_unnumbered_fact(missing),
        },
    )


def people_per_facility(
    facilities: Points,
    population: People,
    network: Walkways | None = None,
    *,
    people_column: str = "people",
    snap_limit_m: Metres = SNAP_LIMIT_M,
    least_people: LeastPeople = 0.0,
    draws: Draws = 20,
    seed: Seed = 1,
) -> Measurement:
    """Tell how many people each facility serves, if everyone goes to the nearest.

    One row a facility with the people to whom it is the nearest: on foot where a network is given,
    as in `network_distance` with the way to the network counted, else in a straight line; of two
    equally near the first by id. Areas go from points in them, 100 m apart (`as_places`). The
    whole is the largest number: what the plan allows at most, it allows each.

    In a straight line the range is the band of what positions allow: at least those who are
    nearer than to any other by what all may be off together, at most those who may be. On foot it
    is as wide as two doubts together, as in `walk_coverage`: `snap`, with the way to the network
    counted or not, and `position`, the least and the most of `draws` simulations. Who reaches no
    facility may belong to any of them, so that each may serve all those more (`unreached`).
    Features without a number add nobody, and leave the high ends open (`unnumbered`); where none
    has one there is no value.

    Facts: `unreached_people`, who reach no facility, `unnumbered_count`, and where `least_people`
    are asked of each `below_least_count`, facilities that serve fewer. There is no evidence.

    >>> from shapely import Point
    >>> centres = gpd.GeoDataFrame(geometry=[Point(0, 0), Point(100, 0)], index=["A", "B"],
    ...     crs="EPSG:4548")
    >>> homes = gpd.GeoDataFrame({"people": [5, 7, 9]}, index=["H1", "H2", "H3"],
    ...     geometry=[Point(10, 0), Point(50, 0), Point(90, 0)], crs="EPSG:4548")
    >>> people_per_facility(centres, homes).values["value"].to_dict()     # H2 goes to A
    {'A': 12.0, 'B': 9.0}
    """
    ids = [str(facility) for facility in facilities.index]
    places = as_places(population, people_column=people_column)
    people = residents(places)
    if network is None:
        nearest, spans = _straight(places, people, facilities)
    else:
        walkers = _Walkers(network, snap_limit_m, draws, seed)
        nearest, spans = walkers.nearest(places, people, facilities)
    missing = _missing(population, people_column)
    unreached = float(people[nearest == NOBODY].sum())
    facts = {"unreached_people": unreached, **_unnumbered_fact(missing)}
    if unnumbered(population, people_column=people_column).all():
        none = by_unit(ids, [NOTHING] * len(ids))
        return Measurement(none, NOTHING, _nowhere(facilities), (), facts)
    loads = _loads(nearest, people, len(ids))
    if unreached:
        spans.append(Span("unreached", "bounds", (loads + unreached,), {"people": unreached}))
    if missing:
        spans.append(Span("unnumbered", "bounds", (loads + np.inf,), missing))
    least, most = ends(loads, spans)
    everyone = np.inf if missing else people.sum()
    rows = np.stack([loads, np.maximum(least, 0.0), np.minimum(most, everyone)], axis=1)
    figures = [ranged(amount(load), low, high) for load, low, high in rows.tolist()]
    if least_people:
        facts["below_least_count"] = float((loads < least_people).sum())
    whole, told = _largest(loads, spans)
    return Measurement(by_unit(ids, figures), whole, _nowhere(facilities), told, facts)


def area_per_head(
    areas: Polygons, population: People, *, people_column: str = "people"
) -> Measurement:
    """Tell how much of some areas there is for each resident, e.g. sport grounds, in m² a head.

    value = A(union of the areas) / people; what is drawn twice counts once. One row a feature,
    with its own area for each of all residents. Areas and people count wherever they are. The
    range is the band of what positions allow, as in `total_area`; features of the population
    without a number may have any number of people, so that it begins at 0 (`unnumbered_count`).
    There is no evidence, and without areas or without residents no value.

    >>> from shapely import Point, box
    >>> pitch = gpd.GeoDataFrame(geometry=[box(0, 0, 50, 20)], index=["P"], crs="EPSG:4548")
    >>> homes = gpd.GeoDataFrame({"people": [300, 100]}, index=["H1", "H2"], crs="EPSG:4548",
    ...     geometry=[Point(0, 0), Point(9, 9)])
    >>> area_per_head(pitch, homes).whole.value
    2.5
    """
    ids, shapes = [str(area) for area in areas.index], areas.geometry.to_numpy()
    people = float(residents(population, people_column=people_column).sum())
    missing = _missing(population, people_column)
    if people <= 0 or not ids:
        none = by_unit(ids, [NOTHING] * len(ids))
        return Measurement(none, NOTHING, _nowhere(areas), facts=_unnumbered_fact(missing))
    off = accuracies(areas)
    rows = [shapely.area(each) for each in (shapes, inner(shapes, off), outer(shapes, off))]
    figures = [_per_head(*row, people=people) for row in np.stack(rows, axis=1).tolist()]
    extent = float(polygonal(shapely.union_all(shapes)).area)
    whole, told = _per_head(extent, extent, extent, people=people), list[Doubt]()
    off_m = worst_accuracy(areas=areas)
    if off_m:
        low, high = (float(end.area) for end in extremes(areas))
        whole = _per_head(extent, low, high, people=people)
        told.append(Doubt("position", "band", low / people, high / people, off_m))
    if missing:
        told.append(Doubt("unnumbered", "bounds", 0.0, extent / people, missing))
        whole, *figures = (ranged(one, 0.0, 0.0) for one in (whole, *figures))
    return Measurement(
        values=by_unit(ids, figures),
        whole=whole,
        evidence=_nowhere(areas),
        doubts=tuple(told),
        facts=_unnumbered_fact(missing),
    )


def _missing(population: gpd.GeoDataFrame, people_column: str) -> dict[str, float]:
    """How many features have no number of people, as the input of a doubt; empty where all have."""
    missing = int(unnumbered(population, people_column=people_column).sum())
    return {"without_number": float(missing)} if missing else {}


def _unnumbered_fact(missing: dict[str, float]) -> dict[str, float]:
    return {"unnumbered_count": missing["without_number"]} if missing else {}


def _per_head(area_m2: float, low_m2: float, high_m2: float, *, people: float) -> Figure:
    figure = Figure(area_m2 / people, area_m2, people, area_m2 / people, area_m2 / people)
    return ranged(figure, low_m2 / people, high_m2 / people)


def _needed(people: Floats, each: float) -> Floats:
    """Facilities that so many people need, one at least; unknown numbers need one."""
    needed: Floats = np.ceil(np.nan_to_num(people) / each - _ROUNDING)
    return np.maximum(needed, 1.0)


def _inside(
    facilities: gpd.GeoDataFrame, unit: Integers, units: gpd.GeoDataFrame
) -> tuple[Floats, Floats, Floats]:
    """How many facilities lie in each unit: surely, as drawn, perhaps."""
    points, off = facilities.geometry.to_numpy(), accuracies(facilities)
    tree, farthest = shapely.STRtree(points), float(off.max(initial=0.0))
    counts = np.zeros((3, len(units)))
    for number, (shape, unit_off) in enumerate(
        zip(units.geometry.to_numpy(), accuracies(units).tolist(), strict=True)
    ):
        near = tree.query(shape, predicate="dwithin", distance=farthest + unit_off)
        mine, slack = unit[near] == number, off[near] + unit_off
        surely = shapely.distance(points[near], shapely.boundary(shape)) >= slack
        perhaps = shapely.distance(points[near], shape) < slack
        counts[:, number] = (mine & surely).sum(), mine.sum(), (mine | perhaps).sum()
    return counts[0], counts[1], counts[2]


def _inside_any(
    facilities: gpd.GeoDataFrame, held: Flags, units: gpd.GeoDataFrame
) -> tuple[float, float]:
    """How many facilities surely and perhaps lie in any unit, given which are drawn in one."""
    points, off = facilities.geometry.to_numpy(), accuracies(facilities)
    least, most = (polygonal(extent) for extent in extremes(units))
    surely = shapely.intersects(points, least)
    surely &= shapely.distance(points, shapely.boundary(least)) >= off
    perhaps = shapely.distance(points, most) < off
    perhaps |= shapely.intersects(points, most)
    return float((held & surely).sum()), float((held | perhaps).sum())


def _of_need(least: float, drawn: float, most: float, need: float) -> Figure:
    return ranged(
        Figure(drawn / need, drawn, need, drawn / need, drawn / need), least / need, most / need
    )


def _short(
    units: gpd.GeoDataFrame, people: Floats, facilities: Floats, need: Floats
) -> gpd.GeoDataFrame:
    """Units with fewer facilities than they need, those with most people first."""
    table = {
        "unit": units.index.astype(str),
        "area_m2": units.area.to_numpy(),
        "people": people,
        "facilities": facilities,
        "need": need,
    }
    frame = gpd.GeoDataFrame(table, geometry=units.geometry.to_numpy(), crs=units.crs)
    frame = frame[facilities < need]
    frame = frame.sort_values(["people", "area_m2", "unit"], ascending=[False, False, True])
    return frame.set_index(pd.RangeIndex(1, len(frame) + 1, name="place"))


def _straight(
    places: gpd.GeoDataFrame, people: Floats, facilities: gpd.GeoDataFrame
) -> tuple[Integers, list[Span]]:
    """Number of the facility nearest to each place in a straight line, and what may be off."""
    nearest = np.full(len(places), NOBODY)
    for some, away, order in _distances(places, facilities):
        equal = away <= away.min(axis=1)[:, None] + _EQUAL_M
        nearest[some] = order[equal.argmax(axis=1)]
    off_m = worst_accuracy(facilities=facilities, population=places)
    if not off_m:
        return nearest, []
    band = _may_be_nearest(places, facilities, nearest, people)
    return nearest, [Span("position", "band", band, off_m)]


def _may_be_nearest(
    places: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame, nearest: Integers, people: Floats
) -> tuple[Floats, Floats]:
    """People to whom each facility surely is the nearest, and to whom it may be.

    A home that is off by h makes one way longer and another shorter, by up to 2 h together.
    """
    off, home_off = accuracies(facilities), 2 * accuracies(places)
    least, most = np.zeros(len(facilities)), np.zeros(len(facilities))
    for some, away, order in _distances(places, facilities):
        shortest, longest = away - off[order], away + off[order]
        mine = order == nearest[some][:, None]
        slack = home_off[some][:, None]
        surely = mine & (longest + slack <= _least_other(shortest))
        perhaps = mine | (shortest - slack < _least_other(longest))
        least[order] += people[some] @ surely
        most[order] += people[some] @ perhaps
    return least, most


def _distances(
    places: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame
) -> Iterator[tuple[slice, Floats, Integers]]:
    """Distances of some places at a time from all facilities, in the order of their ids."""
    ids = facilities.index.astype(str).to_numpy(dtype=object)
    order = np.argsort(ids, kind="stable")
    if not len(order):
        return
    x, y = shapely.get_coordinates(places.geometry.to_numpy()).T
    to_x, to_y = shapely.get_coordinates(facilities.geometry.to_numpy())[order].T
    step = max(_AT_ONCE // len(order), 1)
    for begin in range(0, len(places), step):
        some = slice(begin, begin + step)
        yield some, np.hypot(x[some, None] - to_x, y[some, None] - to_y), order


def _least_other(metres: Floats) -> Floats:
    """The least in each row without the column itself; there is none in a single column.

    >>> _least_other(np.array([[5.0, 3.0, 4.0]])).tolist()
    [[3.0, 4.0, 3.0]]
    """
    others = np.full(metres.shape, np.inf)
    if metres.shape[1] > 1:
        two = np.partition(metres, 1, axis=1)
        others[:] = two[:, :1]
        rows = np.arange(len(metres))
        others[rows, metres.argmin(axis=1)] = two[:, 1]
    return others


@dataclass(frozen=True, slots=True)
class _Walkers:
    """How people walk to facilities: on which network, from how far off it, in how many draws."""

    network: Network
    snap_limit_m: float
    draws: int
    seed: int

    def nearest(
        self, places: gpd.GeoDataFrame, people: Floats, facilities: gpd.GeoDataFrame
    ) -> tuple[Integers, list[Span]]:
        """Number of the facility nearest to each place on foot, and what may be off."""
        ids = pd.Index(facilities.index.astype(str))
        homes = Movable.of(places.set_index("feature"), self.network, self.snap_limit_m)
        there = Movable.of(facilities, self.network, self.snap_limit_m)
        nearest = self.walked(homes.drawn, there.drawn, ids)
        other = self.walked(homes.drawn, there.drawn, ids, count_snap=False)
        otherwise = _loads(other, people, len(ids))
        spans = [Span("snap", "bounds", (otherwise,), {"snap_limit": self.snap_limit_m})]
        off_m = worst_accuracy(facilities=facilities, population=places)
        if off_m:
            cases = tuple(
                _loads(self.walked(moved, elsewhere, ids), people, len(ids))
                for moved, (elsewhere,) in simulated(
                    homes,
                    [there],
                    self.network,
                    snap_limit_m=self.snap_limit_m,
                    draws=self.draws,
                    seed=self.seed,
                )
            )
            inputs = {**off_m, "draws": float(self.draws)}
            spans.append(Span("position", "simulation", cases, inputs))
        return nearest, spans

    def walked(
        self, homes: Located, facilities: Located, ids: "pd.Index[str]", *, count_snap: bool = True
    ) -> Integers:
        """Number among `ids` of the nearest facility to each home."""
        walk = walk_between(homes, facilities, self.network, count_snap=count_snap)
        numbers: Integers = ids.get_indexer(pd.Index(walk.points["stop"])).astype(np.int64)
        return numbers


def _loads(nearest: Integers, people: Floats, facilities: int) -> Floats:
    """People of each facility, given the number of the nearest to each place."""
    reached = nearest != NOBODY
    loads = np.bincount(nearest[reached], people[reached], minlength=facilities)
    return loads.astype(np.float64)


def _largest(loads: Floats, spans: Sequence[Span]) -> tuple[Figure, tuple[Doubt, ...]]:
    """The largest number of people of any facility, and what lets it be off."""
    if not len(loads):
        return NOTHING, ()
    value, about = _most(loads), [span.over(_most) for span in spans]
    low, high = (float(end[0]) for end in ends(np.array([value]), about))
    return ranged(amount(value), low, high), doubts(value, about)


def _most(loads: Floats) -> float:
    return float(loads.max())


def _nowhere(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    columns = {"unit": pd.Series(dtype=str), "area_m2": pd.Series(dtype="float64")}
    return gpd.GeoDataFrame(columns, geometry=[], crs=frame.crs)
