"""Circles of daily life: who has every kind of facility within a short way of home."""

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.doubt.band import accuracies
from spatial.doubt.displacement import Movable, simulated
from spatial.doubt.spans import Span, shares, worst_accuracy
from spatial.geometry.edges import Shapes
from spatial.geometry.lattice import Flags, Floats
from spatial.measurement import (
    Features,
    Measurement,
    Metres,
    People,
    Polygons,
    by_unit,
)
from spatial.measures.people import REACHED, Draws, Seed
from spatial.measures.population import as_places
from spatial.measures.served import Town, may_add
from spatial.network.graph import Network, Walkways
from spatial.network.walk import SNAP_LIMIT_M, Located, walk_between

EDGE_STEP_M = 50.0
"""How far apart the points of an edge are from which a park is entered."""
_AREA = 2


def circle_share(
    facilities: Features,
    population: People,
    units: Polygons | None = None,
    network: Walkways | None = None,
    *,
    radius_m: Metres,
    kinds: tuple[str, ...] = (),
    people_column: str = "people",
    snap_limit_m: Metres = SNAP_LIMIT_M,
    count_snap: bool = True,
    draws: Draws = 20,
    seed: Seed = 1,
) -> Measurement:
    """Tell which share of the people have every kind of facility within a short way of home.

    share = people with at least one facility of each kind within `radius_m` / all people, on foot
    where a network is given (as in `network_distance`), else in a straight line. The kinds are the
    layers that are taken together (column `layer`; without it all facilities are of one kind), and
    those in `kinds`: one without any facility is near to nobody. To an area, such as a park, the
    way is that to its edge: on foot to the nearest of points on it, EDGE_STEP_M apart, that reach
    the network as homes do. Areas that people live in count by points in them, 100 m apart
    (`as_places`). Units as in `people_coverage`; who lives off the network is not reached and stays
    in the denominator.

    In a straight line the range is the band of what positions allow: radii less and more what home
    and facility may be off. On foot it is as wide as two doubts together, as in `walk_coverage`:
    `snap`, with the way to the network counted or not, and `position`, the least and the most of
    `draws` simulations. Features of the population without a number are a doubt as in
    `people_coverage`.

    Evidence are squares of 250 m with people who lack something, most people first: `unit` (empty
    outside all units), `area_m2`, `people`, `lacks` (the kinds that most of them lack, joined by a
    comma). Facts: `kinds_count`, `least_kind_share` (of the kind that fewest have; see
    `kind_shares`), `outside_units_people`, `unnumbered_count`, and on foot `off_network_people`
    and `facilities_off_network_count`.

    15 and 5 minutes on foot are 1000 m and 300 m in GB 50180-2018, as quoted by others.

    >>> from shapely import Point
    >>> sites = gpd.GeoDataFrame({"layer": ["clinics", "schools"]}, index=["C", "S"],
    ...     geometry=[Point(0, 0), Point(400, 0)], crs="EPSG:4548")
    >>> homes = gpd.GeoDataFrame({"people": [30, 10]}, index=["H1", "H2"], crs="EPSG:4548",
    ...     geometry=[Point(200, 0), Point(600, 0)])
    >>> circle_share(sites, homes, radius_m=300).whole.value        # H2 has no clinic
    0.75
    """
    places = as_places(population, people_column=people_column)
    town = Town.of(places, units, "people")
    groups = _by_kind(facilities, kinds)
    off_m = worst_accuracy(facilities=facilities, population=places)
    walk = None
    if network is None:
        near, spans = _straight(town, places, groups, radius_m, off_m)
    else:
        walk = _Walk.of(places, groups, network, radius_m, snap_limit_m)
        near = walk.near(count_snap=count_snap)
        spans = walk.spans(town, off_m, count_snap=count_snap, draws=draws, seed=seed)
    served = town.walked(_all(near))
    more = may_add(population, units, people_column)
    figures, whole, told = shares(served.people, town.people, spans, more)
    facts = {"kinds_count": float(len(groups))}
    if whole.value is not None:
        facts["least_kind_share"] = float((town.point_people @ near).min() / town.people.sum())
    if units is not None:
        facts["outside_units_people"] = float(town.people[-1])
    if more is not None:
        facts["unnumbered_count"] = more.inputs["without_number"]
    if walk is not None:
        facts |= walk.facts(town.point_people)
    return Measurement(
        values=by_unit(town.ids, figures),
        whole=whole,
        evidence=town.missed(served, facilities, _lacks(near, list(groups)))
        .drop(columns=["nearest_stop", "nearest_m"])
        .rename(columns={"state": "lacks"}),
        doubts=told,
        facts=facts,
    )


def kind_shares(
    facilities: Features,
    population: People,
    network: Network | None = None,
    *,
    radius_m: Metres,
    kinds: tuple[str, ...] = (),
    people_column: str = "people",
    snap_limit_m: Metres = SNAP_LIMIT_M,
    count_snap: bool = True,
) -> pd.DataFrame:
    """Tell for each kind of facility which share of the people have one near, and how many do.

    One row a kind, in order of their names: `facilities`, `people`, `share` (missing where there
    are no people). What near means, and what the arguments are: see `circle_share`.

    >>> from shapely import Point
    >>> sites = gpd.GeoDataFrame({"layer": ["clinics", "schools"]}, index=["C", "S"],
    ...     geometry=[Point(0, 0), Point(400, 0)], crs="EPSG:4548")
    >>> homes = gpd.GeoDataFrame({"people": [30, 10]}, index=["H1", "H2"], crs="EPSG:4548",
    ...     geometry=[Point(200, 0), Point(600, 0)])
    >>> kind_shares(sites, homes, radius_m=300)["share"].to_dict()
    {'clinics': 0.75, 'schools': 1.0}
    """
    places = as_places(population, people_column=people_column)
    groups = _by_kind(facilities, kinds)
    if network is None:
        near = _Ways.of(places, groups).within(radius_m)
    else:
        walk = _Walk.of(places, groups, network, radius_m, snap_limit_m)
        near = walk.near(count_snap=count_snap)
    people = places["people"].to_numpy(dtype=np.float64)
    having, total = people @ near, people.sum()
    return pd.DataFrame(
        {
            "facilities": [len(group) for group in groups.values()],
            "people": having,
            "share": having / total if total > 0 else np.nan,
        },
        index=pd.Index(list(groups), dtype=str, name="kind"),
    )


def _by_kind(facilities: gpd.GeoDataFrame, kinds: Sequence[str]) -> dict[str, gpd.GeoDataFrame]:
    """Facilities by kind in order of the kinds' names, among them those of which there are none."""
    if "layer" not in facilities:
        only = sorted(kinds) or [""]
        return {kind: facilities if kind == only[0] else facilities.iloc[:0] for kind in only}
    names = facilities["layer"].astype(str)
    return {kind: facilities[names == kind] for kind in sorted({*names, *kinds}) or [""]}


@dataclass(frozen=True, slots=True)
class _Ways:
    """Metres from each place to the nearest facility of each kind, (places, kinds), straight.

    `longest_m` and `shortest_m` are what they may be, given how far off both may be; inf where
    there is no facility of a kind.
    """

    drawn_m: Floats
    longest_m: Floats
    shortest_m: Floats

    @classmethod
    def of(cls, places: gpd.GeoDataFrame, groups: dict[str, gpd.GeoDataFrame]) -> "_Ways":
        points, off = places.geometry.to_numpy(), accuracies(places)
        found = [_ways(points, group) for group in groups.values()]
        drawn, longest, shortest = (np.stack(each, axis=1) for each in zip(*found, strict=True))
        return cls(drawn, longest + off[:, None], shortest - off[:, None])

    def within(self, radius_m: float) -> Flags:
        """Which places have a facility of each kind within a distance, as drawn."""
        near: Flags = self.drawn_m <= radius_m
        return near


def _ways(points: Shapes, facilities: gpd.GeoDataFrame) -> tuple[Floats, Floats, Floats]:
    """Metres to the nearest of some facilities: as drawn, and if each is off one way or another."""
    ways = np.full((3, len(points)), np.inf)
    shapes, off = facilities.geometry.to_numpy(), accuracies(facilities)
    for metres in np.unique(off):
        tree = shapely.STRtree(shapes[off == metres])
        (point, _), away = tree.query_nearest(points, return_distance=True, all_matches=False)
        near = np.full(len(points), np.inf)
        near[point] = away
        ways = np.minimum(ways, near + np.array([[0.0], [metres], [-metres]]))
    return ways[0], ways[1], ways[2]


def _straight(
    town: Town,
    places: gpd.GeoDataFrame,
    groups: dict[str, gpd.GeoDataFrame],
    radius_m: float,
    off_m: dict[str, float],
) -> tuple[Flags, list[Span]]:
    ways = _Ways.of(places, groups)
    band = tuple(
        town.of_points(_all(metres <= radius_m)) for metres in (ways.longest_m, ways.shortest_m)
    )
    spans = [Span("position", "band", band, off_m)] if off_m else []
    return ways.within(radius_m), spans


@dataclass(frozen=True, slots=True)
class _Walk:
    """Who walks where: from which homes to which doors of each kind, on which network, how far."""

    homes: Movable
    doors: tuple[Movable, ...]
    network: Network
    radius_m: float
    snap_limit_m: float

    @classmethod
    def of(
        cls,
        places: gpd.GeoDataFrame,
        groups: dict[str, gpd.GeoDataFrame],
        network: Network,
        radius_m: float,
        snap_limit_m: float,
    ) -> "_Walk":
        homes = Movable.of(places.set_index("feature"), network, snap_limit_m)
        doors = tuple(
            Movable.of(_entrances(group), network, snap_limit_m) for group in groups.values()
        )
        return cls(homes, doors, network, radius_m, snap_limit_m)

    def near(self, *, count_snap: bool) -> Flags:
        """Which homes have a facility of each kind within the distance, (homes, kinds)."""
        return self._near(
            self.homes.drawn, [some.drawn for some in self.doors], count_snap=count_snap
        )

    def spans(
        self, town: Town, off_m: dict[str, float], *, count_snap: bool, draws: int, seed: int
    ) -> list[Span]:
        """What lets the people who have all kinds be off, given how far off positions are."""
        otherwise = town.of_points(_all(self.near(count_snap=not count_snap)))
        spans = [Span("snap", "bounds", (otherwise,), {"snap_limit": self.snap_limit_m})]
        if off_m:
            again = simulated(
                self.homes,
                self.doors,
                self.network,
                snap_limit_m=self.snap_limit_m,
                draws=draws,
                seed=seed,
            )
            cases = tuple(
                town.of_points(_all(self._near(homes, doors, count_snap=count_snap)))
                for homes, doors in again
            )
            inputs = {**off_m, "draws": float(draws)}
            spans.append(Span("position", "simulation", cases, inputs))
        return spans

    def _near(self, homes: Located, doors: Sequence[Located], *, count_snap: bool) -> Flags:
        walks = (
            walk_between(homes, some, self.network, limit_m=self.radius_m, count_snap=count_snap)
            for some in doors
        )
        states = [walk.points["state"].to_numpy() for walk in walks]
        near: Flags = np.stack(states, axis=1) == REACHED
        return near

    def facts(self, people: Floats) -> dict[str, float]:
        """How many people, and how many facilities, have no walkway near them."""
        doors = [some.drawn for some in self.doors]
        every = {name for some in doors for name in some.ids}
        reached = {name for some in doors for name in some.ids[some.at.found]}
        return {
            "off_network_people": float(people[~self.homes.drawn.at.found].sum()),
            "facilities_off_network_count": float(len(every - reached)),
        }


def _entrances(facilities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Points from which facilities are entered, each with the id of its facility.

    A point is entered where it is, a line or an area at points EDGE_STEP_M apart along it.
    """
    shapes = facilities.geometry.to_numpy()
    edges = np.where(shapely.get_dimensions(shapes) == _AREA, shapely.boundary(shapes), shapes)
    xy, row = shapely.get_coordinates(shapely.segmentize(edges, EDGE_STEP_M), return_index=True)
    kept = [name for name in ("accuracy_m", "basis") if name in facilities]
    points = facilities[kept].iloc[row].set_index(facilities.index.astype(str)[row])
    return gpd.GeoDataFrame(points, geometry=shapely.points(xy), crs=facilities.crs)


def _all(near: Flags) -> Flags:
    """Which places have every kind near."""
    everything: Flags = np.logical_and.reduce(near, axis=1)
    return everything


def _lacks(near: Flags, kinds: Sequence[str]) -> NDArray[np.object_]:
    """Names of the kinds that each place lacks, joined by a comma."""
    patterns, which = np.unique(near, axis=0, return_inverse=True)
    names = [
        ",".join(kind for kind, has in zip(kinds, pattern, strict=True) if not has)
        for pattern in patterns.tolist()
    ]
    lacking: NDArray[np.object_] = np.array(names, dtype=object)[which]
    return lacking
