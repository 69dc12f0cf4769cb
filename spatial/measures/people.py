"""Shares of people near a stop, in a straight line or on foot, and how many there are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pydantic import Field

from spatial.doubt.displacement import Movable, simulated
from spatial.doubt.spans import Span, shares, worst_accuracy
from spatial.geometry.discs import QUAD_SEGS
from spatial.geometry.lattice import Floats
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
from spatial.measures.population import as_places, on_land, unnumbered
from spatial.measures.served import Discs, Town, may_add, unnumbered_in
from spatial.network.graph import Network, Walkways
from spatial.network.walk import SNAP_LIMIT_M, Located, walk_between

STATION_RADIUS_M = 1000.0
_HALF, _NEARLY_ALL = 0.5, 0.95
REACHED = "reached"
_STATES = np.array([REACHED, "beyond", "cut_off", "off_network"], dtype=object)
"""Of the ways to a stop and to a station, the first of these is told."""

Draws = Annotated[int, Field(ge=1, le=1000)]
Seed = Annotated[int, Field(ge=0)]


def total_people(
    population: People, units: Polygons | None = None, *, people_column: str = "people"
) -> Measurement:
    """Tell how many people there are, in all and in each unit.

    Who lives in no unit counts in the whole, and the fact `outside_units_people` says how many;
    who lives in two belongs to the first by id. Areas count in a unit with the share of their
    surface in it. There is no evidence: people are missing nowhere in particular.

    Features without a number add nobody (`unnumbered_count`) and leave the high end open, of the
    whole and of the units that they lie in. Where nothing else is, there is no value.

    >>> from shapely import Point, box
    >>> homes = gpd.GeoDataFrame({"people": [30, 10]}, geometry=[Point(1, 1), Point(9, 9)],
    ...     index=["H1", "H2"], crs="EPSG:4548")
    >>> streets = gpd.GeoDataFrame(geometry=[box(0, 0, 5, 5)], index=["A"], crs="EPSG:4548")
    >>> found = total_people(homes, streets)
    >>> found.whole.value, found.values["value"].to_dict(), dict(found.facts)
    (40.0, {'A': 30.0}, {'outside_units_people': 10.0})
    """
    town = Town.of(population, units, people_column)
    missing = unnumbered(population, people_column=people_column)
    told: tuple[Doubt, ...] = ()
    if missing.all():
        figures, whole = [NOTHING] * len(town.ids), NOTHING
    else:
        without = unnumbered_in(population, units, people_column)
        rows = zip(town.people[:-1].tolist(), without[:-1].tolist(), strict=True)
        figures = [_or_more(people, unknown=number > 0) for people, number in rows]
        total = float(town.people.sum())
        whole = ranged(amount(total), total, math.inf if missing.any() else total)
        if missing.any():
            inputs = {"without_number": float(missing.sum())}
            told = (Doubt("unnumbered", "bounds", total, math.inf, inputs),)
    nowhere = {"unit": pd.Series(dtype=str), "area_m2": pd.Series(dtype="float64")}
    return Measurement(
        values=by_unit(town.ids, figures),
        whole=whole,
        evidence=gpd.GeoDataFrame(nowhere, geometry=[], crs=population.crs),
        doubts=told,
        facts=_counts(town, units, population[people_column]),
    )


def _or_more(people: float, *, unknown: bool) -> Figure:
    """A number of people; with `unknown` more may live there."""
    if unknown and people <= 0:
        return Figure(None, None, None, 0.0, None)
    return ranged(amount(people), people, math.inf if unknown else people)


def people_coverage(
    population: People,
    stops: Points,
    units: Polygons | None = None,
    stations: Points | None = None,
    *,
    land: Polygons | None = None,
    radius_m: Metres,
    station_radius_m: Metres = STATION_RADIUS_M,
    people_column: str = "people",
) -> Measurement:
    """Tell which share of the people live within a straight-line distance of a stop.

    share = people within `radius_m` of a stop, or within `station_radius_m` of a station where
    these are given, / all people. Homes that are points count where the distance is at most the
    radius; areas with the share of their surface in the union of the discs (areal weighting), or
    of the `land` in them that is lived on (see `on_land`). Who lives in no unit stays in the whole,
    as the fact `outside_units_people` says; who lives in two belongs to the first by id.

    The range is that of radii less and more the accuracy of the least accurate stop and home (see
    `accuracies`): no displacement within the stated accuracies leaves it. Where none is stated,
    areas still have that of discs drawn as polygons. Units are taken as drawn. Features without a
    number count as nobody, and widen the range by a doubt of their own (`unnumbered`): to what the
    share would be if each had as many people as the largest that has a number, all or none of them
    served. That is an assumption: nothing is known of them.

    Evidence are the places of people who are not reached, most people first: squares of 250 m that
    hold homes, and what of areas lies in such a square and in no disc; with `unit` (empty outside
    all units), `area_m2`, `people`, `nearest_stop` (id) and `nearest_m` (straight, from the home
    with the most people, or from a point in the area). Facts: `unnumbered_count`,
    `outside_units_people`, `station_only_people` (whom no stop reaches).

    SDG indicator 11.2.1 (UN-Habitat): 500 m to a stop of buses and trams, 1 km to a station.

    >>> from shapely import Point
    >>> homes = gpd.GeoDataFrame({"people": [30, 10]}, index=["H1", "H2"], crs="EPSG:4548",
    ...     geometry=[Point(300, 400), Point(600, 0)])
    >>> stops = gpd.GeoDataFrame(geometry=[Point(0, 0)], index=["S"], crs="EPSG:4548")
    >>> people_coverage(homes, stops, radius_m=500).whole.value
    0.75
    """
    town = Town.of(on_land(population, land), units, people_column)
    discs = _discs(stops, radius_m, stations, station_radius_m)
    served = town.within(discs)
    off = worst_accuracy(stops=stops, stations=stations, population=population)
    spans: list[Span] = []
    if off or len(town.areas):
        home = off.get("population", 0.0)
        margins = off.get("stops", 0.0) + home, off.get("stations", 0.0) + home
        ends = (discs.wider(*margins, sign=-1), discs.wider(*margins, sign=1))
        cases = tuple(town.within(end).people for end in ends)
        spans = [
            Span("position", "band", cases, off)
            if off
            else Span("segments", "bounds", cases, {"sides": 4.0 * QUAD_SEGS})
        ]
    facts = _counts(town, units, population[people_column])
    if stations is not None:
        by_stop = town.within(_discs(stops, radius_m)).people
        facts["station_only_people"] = max(float(served.people.sum() - by_stop.sum()), 0.0)
    more = may_add(population, units, people_column, land)
    figures, whole, told = shares(served.people, town.people, spans, more)
    return Measurement(
        values=by_unit(town.ids, figures),
        whole=whole,
        evidence=town.missed(served, stops),
        doubts=told,
        facts=facts,
    )


def walk_coverage(
    population: People,
    stops: Points,
    network: Walkways,
    units: Polygons | None = None,
    stations: Points | None = None,
    *,
    land: Polygons | None = None,
    radius_m: Metres,
    station_radius_m: Metres = STATION_RADIUS_M,
    snap_limit_m: Metres = SNAP_LIMIT_M,
    count_snap: bool = True,
    people_column: str = "people",
    draws: Draws = 20,
    seed: Seed = 1,
) -> Measurement:
    """Tell which share of the people live within a walking distance of a stop.

    share = people whose way along the network to the nearest stop is at most `radius_m`, or to the
    nearest station at most `station_radius_m`, / all people. Homes and stops reach the network at
    the nearest place of a line within `snap_limit_m`; the straight way there counts with
    `count_snap`. Who lives off the network, or where no stop is on the same part of it, is not
    reached and stays in the denominator. Areas walk from points in them, 100 m apart (`as_places`,
    with `land`: `on_land`). Units as in `people_coverage`.

    Doubts, each a range of its own: `snap`, between the way to the network counted and not;
    `position`, where an accuracy is stated, the least and the most of `draws` simulations in which
    every stop, station and feature of the population is displaced for itself, along each axis
    normally, so that 68 % lie within its accuracy; what reaches the network as drawn does so
    wherever it lies, what does not never does. A further draw leaves that range twice in
    `draws` + 1 times. What all are off alike, such as a wrong datum, is no part of it. Features
    without a number are a third, `unnumbered`, as in `people_coverage`. The range of the value is
    as wide as all together. Equal `seed`s give equal draws.

    Evidence are squares of 250 m with people who are not reached, as in `people_coverage`, and
    with `state`: `beyond` the distance, `cut_off` or `off_network`, whichever most of them are.
    Facts: `off_network_people` and `off_network_share`, `cut_off_people`, `snap_median_m` and
    `snap_95_m` (how far half of the people on the network, and 95 %, live from it),
    `stops_off_network_count` (stations too), `without_snap_share` or `with_snap_share` (the value
    if the way to the network counted the other way), `outside_units_people`, `unnumbered_count`.

    Dijkstra (1959); SDG indicator 11.2.1 along the network, as the ONS measures it.

    >>> from shapely import LineString, Point
    >>> from spatial.network import walking_network
    >>> street = gpd.GeoDataFrame(index=["A"], geometry=[LineString([(0, 0), (900, 0)])],
    ...     crs="EPSG:4548")
    >>> stops = gpd.GeoDataFrame(index=["S"], geometry=[Point(100, 0)], crs="EPSG:4548")
    >>> homes = gpd.GeoDataFrame({"people": [10, 30, 20]}, index=["H1", "H2", "H3"],
    ...     geometry=[Point(400, 20), Point(800, 0), Point(400, 500)], crs="EPSG:4548")
    >>> found = walk_coverage(homes, stops, walking_network(street), radius_m=500)
    >>> found.whole.numerator, found.whole.denominator, found.facts["off_network_people"]
    (10.0, 60.0, 20.0)
    """
    places = as_places(population, people_column=people_column, land=land)
    town = Town.of(places, units, "people")
    kinds = [(stops, radius_m)]
    if stations is not None:
        kinds.append((stations, station_radius_m))
    trip = _Trip(network, tuple(radius for _, radius in kinds))
    homes = Movable.of(places.set_index("feature"), network, snap_limit_m)
    there = [Movable.of(frame, network, snap_limit_m) for frame, _ in kinds]
    ends = homes.drawn, [some.drawn for some in there]
    state = trip.states(*ends, count_snap=count_snap)
    served = town.walked(state == REACHED)
    otherwise = town.of_points(trip.states(*ends, count_snap=not count_snap) == REACHED)
    spans = [Span("snap", "bounds", (otherwise,), {"snap_limit": snap_limit_m})]
    off = worst_accuracy(stops=stops, stations=stations, population=places)
    if off:
        cases = tuple(
            town.of_points(trip.states(*again, count_snap=count_snap) == REACHED)
            for again in simulated(
                homes, there, network, snap_limit_m=snap_limit_m, draws=draws, seed=seed
            )
        )
        spans.append(Span("position", "simulation", cases, {**off, "draws": float(draws)}))
    more = may_add(population, units, people_column, land)
    figures, whole, told = shares(served.people, town.people, spans, more)
    facts = _counts(town, units, population[people_column])
    facts |= _on_foot(state, *ends, town.point_people)
    if whole.value is not None:
        name = "without_snap_share" if count_snap else "with_snap_share"
        facts[name] = float(otherwise.sum() / town.people.sum())
    return Measurement(
        values=by_unit(town.ids, figures),
        whole=whole,
        evidence=town.missed(served, stops, state),
        doubts=told,
        facts=facts,
    )


def _counts(town: Town, units: Polygons | None, numbers: "pd.Series[float]") -> dict[str, float]:
    """Facts about the population itself."""
    facts = {} if units is None else {"outside_units_people": float(town.people[-1])}
    missing = int(numbers.isna().sum())
    return facts | ({"unnumbered_count": float(missing)} if missing else {})


def _discs(
    stops: Points,
    radius_m: float,
    stations: Points | None = None,
    station_radius_m: float = STATION_RADIUS_M,
) -> Discs:
    layers = [(stops, radius_m), (stations, station_radius_m)]
    there = [(frame, radius) for frame, radius in layers if frame is not None]
    places = tuple(shapely.get_coordinates(frame.geometry.to_numpy()) for frame, _ in there)
    return Discs(places, tuple(radius for _, radius in there))


@dataclass(frozen=True, slots=True)
class _Trip:
    """How people walk: on which network, and how far to a stop of each kind."""

    network: Network
    radii_m: tuple[float, ...]

    def states(
        self, homes: Located, stops: Sequence[Located], *, count_snap: bool
    ) -> NDArray[np.object_]:
        """Tell what becomes of each home, by the kind of stop that it comes nearest to reaching."""
        states = []
        for some, radius_m in zip(stops, self.radii_m, strict=True):
            walk = walk_between(homes, some, self.network, limit_m=radius_m, count_snap=count_snap)
            names = walk.points["state"].to_numpy()
            states.append(np.argmax(names[:, None] == _STATES, axis=1))
        nearest: NDArray[np.object_] = _STATES[np.min(states, axis=0)]
        return nearest


def _on_foot(
    state: NDArray[np.object_], homes: Located, stops: Sequence[Located], people: Floats
) -> dict[str, float]:
    """How many people cannot walk to a stop at all, and how far the others live from a line."""
    off, cut = (float(people[state == name].sum()) for name in ("off_network", "cut_off"))
    facts = {
        "off_network_people": off,
        "cut_off_people": cut,
        "stops_off_network_count": float(sum((~some.at.found).sum() for some in stops)),
    }
    total = float(people.sum())
    if total > 0:
        facts["off_network_share"] = off / total
    snap_m, on = homes.at.snap_m, homes.at.found & (people > 0)
    if on.any():
        order = np.argsort(snap_m[on], kind="stable")
        metres, nearer = snap_m[on][order], np.cumsum(people[on][order])
        for name, part in (("snap_median_m", _HALF), ("snap_95_m", _NEARLY_ALL)):
            facts[name] = float(metres[np.searchsorted(nearer, part * nearer[-1])])
    return facts
