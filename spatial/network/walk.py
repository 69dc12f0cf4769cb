"""Walking distances from stops."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from spatial.geometry.lattice import Floats, Integers
from spatial.measurement import Metres, Points
from spatial.network.graph import Network
from spatial.network.snap import Snapped, snap

if TYPE_CHECKING:
    from scipy.sparse import csr_array

NO_STOP = -1
_EQUAL_M = 1e-6
SNAP_LIMIT_M = 100.0


@dataclass(frozen=True, slots=True)
class Walk:
    """How far points are from their nearest stop on foot.

    `points` has one row for each point asked about, whatever became of it: `distance_m` along the
    network (missing unless reached), `stop` (id of the nearest, likewise), `snap_m`
    between the point and the network, and `state`: `reached`; `beyond` the limit; `cut_off` where
    no stop is on the same connected part of the network; `off_network` where no line is within the
    snap limit. `stops` has `snap_m` of each stop, missing for those off the network, which serve
    nobody.
    """

    points: pd.DataFrame
    stops: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Located:
    """Points by their ids, and where each reaches a network."""

    ids: "pd.Index[str]"
    at: Snapped

    def take(self, rows: Integers) -> "Located":
        """Some of the points."""
        return Located(self.ids[rows], self.at.take(rows))


@dataclass(frozen=True, slots=True)
class Reach:
    """Distances from stops to the places where paths divide.

    `node_m` and `node_stop` are by node: metres (inf beyond the limit) and number of the stop.
    `edge`, `along_m`, `stop_m` and `stop` are the places of stops on edges, ordered along each
    edge, with the metres to the nearest stop: nought, or the stop's own way to the network where
    that counts, unless another stop is nearer.
    """

    node_m: Floats
    node_stop: Integers
    edge: Integers
    along_m: Floats
    stop_m: Floats
    stop: Integers


def network_distance(
    points: Points,
    stops: Points,
    network: Network,
    *,
    limit_m: Metres | None = None,
    snap_limit_m: Metres = SNAP_LIMIT_M,
    count_snap: bool = False,
) -> Walk:
    """Tell how far points are from the nearest stop on foot.

    Points and stops reach the network at the nearest place on any line, not only at its nodes, if
    that is within `snap_limit_m`; the straight way there counts only with `count_snap`. Beyond
    `limit_m` nothing is looked for. No point is dropped: who cannot reach the network stays in the
    denominator.

    Shortest paths from all stops at once, by Dijkstra's algorithm (1959).

    >>> from shapely import LineString, Point
    >>> import geopandas as gpd
    >>> from spatial.network import walking_network
    >>> street = gpd.GeoDataFrame(index=["A"], geometry=[LineString([(0, 0), (900, 0)])],
    ...     crs="EPSG:4548")
    >>> stops = gpd.GeoDataFrame(index=["S"], geometry=[Point(100, 5)], crs="EPSG:4548")
    >>> homes = gpd.GeoDataFrame({"people": [10, 30, 20]}, index=["H1", "H2", "H3"],
    ...     geometry=[Point(400, 20), Point(800, 0), Point(400, 500)], crs="EPSG:4548")
    >>> walk = network_distance(homes, stops, walking_network(street)).points
    >>> walk["distance_m"].tolist(), walk["state"].tolist()
    ([300.0, 700.0, nan], ['reached', 'reached', 'off_network'])
    >>> int(homes["people"][walk["distance_m"] <= 500].sum()), int(homes["people"].sum())
    (10, 60)
    """
    ends, starts = (locate(frame, network, snap_limit_m) for frame in (points, stops))
    return walk_between(ends, starts, network, limit_m=limit_m, count_snap=count_snap)


def locate(points: Points, network: Network, snap_limit_m: float) -> Located:
    """Find where points reach a network, within `snap_limit_m` of it."""
    xy = shapely.get_coordinates(points.geometry.to_numpy())
    return Located(points.index, snap(xy, network, snap_limit_m))


def walk_between(
    points: Located,
    stops: Located,
    network: Network,
    *,
    limit_m: Metres | None = None,
    count_snap: bool = False,
) -> Walk:
    """Tell how far points are from the nearest stop, all of which are already on the network.

    Who asks more than once need not look again for where they reach it. See `network_distance`.
    """
    ids = np.array([str(stop) for stop in stops.ids], dtype=object)
    order = np.argsort(ids)  # of two stops at one place it is the first by id, in any file's order
    ends = points.at
    reach = reach_from(stops.at.take(order), network, limit_m=limit_m, count_snap=count_snap)
    metres, stop = _to_places(ends, reach, network)
    if count_snap:
        metres = metres + ends.snap_m
    reached = metres <= (np.inf if limit_m is None else limit_m)
    reached &= np.isfinite(metres)
    connected = ends.found.copy()
    part = network.component[network.begin[ends.edge[connected]]]
    connected[connected] = np.isin(part, network.component[network.begin[reach.edge]])
    names = pd.Series(np.append(ids[order], "")[stop], index=points.ids, dtype=str)
    found = pd.DataFrame(
        {
            "distance_m": np.where(reached, metres, np.nan),
            "stop": names.where(reached, None),
            "snap_m": ends.snap_m,
            "state": np.select(
                [reached, connected, ends.found], ["reached", "beyond", "cut_off"], "off_network"
            ),
        },
        index=points.ids,
    )
    return Walk(found, pd.DataFrame({"snap_m": stops.at.snap_m}, index=stops.ids))


def reach_from(
    stops: Snapped, network: Network, *, limit_m: float | None, count_snap: bool
) -> Reach:
    """Find the shortest ways from all stops at once to the nodes of a network.

    Stops become nodes of their own, with one-way edges to the ends of the edge that they are on
    and to their neighbours there: the edge itself stays, for a way through is as long as before.
    """
    from scipy.sparse.csgraph import dijkstra  # noqa: PLC0415 - see graph.py

    rows = np.flatnonzero(stops.found)
    offset = stops.snap_m[rows] if count_snap else np.zeros(len(rows))
    order = np.lexsort((offset, stops.along_m[rows], stops.edge[rows]))
    rows, offset = rows[order], offset[order]
    edge, along = stops.edge[rows], stops.along_m[rows]
    # Of stops at one place the nearest to the network counts, of those the first.
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (edge[1:] != edge[:-1]) | (along[1:] != along[:-1])
    rows, offset, edge, along = rows[first], offset[first], edge[first], along[first]
    nodes, count = len(network.x), len(rows)
    if not count:
        none = np.zeros(0, dtype=np.int64)
        far = np.full(nodes, np.inf)
        return Reach(far, np.full(nodes, NO_STOP), none, np.zeros(0), np.zeros(0), none)
    place, start = nodes + np.arange(count), nodes + count + np.arange(count)
    pairs = np.flatnonzero(edge[1:] == edge[:-1])
    gap = along[pairs + 1] - along[pairs]
    begin, end = network.begin[edge], network.end[edge]
    rest = np.maximum(network.length_m[edge] - along, 0.0)
    one = np.concatenate([place, place, place[pairs], place[pairs + 1], start])
    other = np.concatenate([begin, end, place[pairs + 1], place[pairs], place])
    metres = np.concatenate([along, rest, gap, gap, offset])
    graph = _extended(network.graph, one, other, metres, 2 * count)
    limit = np.inf if limit_m is None else limit_m
    distance, _, source = dijkstra(
        graph, indices=start, limit=limit, min_only=True, return_predecessors=True
    )
    stop = np.where(source >= 0, rows[np.maximum(source - start[0], 0)], NO_STOP)
    ways = [distance[place], distance[begin] + along, distance[end] + rest]
    metres, by = _shortest(ways, [stop[place], stop[begin], stop[end]])
    return Reach(distance[:nodes], stop[:nodes], edge, along, metres, by)


def _shortest(ways: Sequence[Floats], stops: Sequence[Integers]) -> tuple[Floats, Integers]:
    """The shortest of several ways for each place, and of the stops it may lead from the first."""
    shortest: Floats = np.min(ways, axis=0)
    near = np.asarray(ways) <= shortest + _EQUAL_M
    first = np.where(near, stops, np.iinfo(np.int64).max).min(axis=0)
    return shortest, np.where(np.isfinite(shortest), first, NO_STOP)


def _extended(
    graph: "csr_array", one: Integers, other: Integers, metres: Floats, more: int
) -> "csr_array":
    """A graph with more nodes, and edges that lead away from these."""
    from scipy.sparse import csr_array  # noqa: PLC0415 - see graph.py

    size = graph.shape[0] + more
    order = np.lexsort((other, one))
    counts = np.bincount(one - graph.shape[0], minlength=more)
    pointer = np.concatenate([graph.indptr, graph.indptr[-1] + np.cumsum(counts)])
    return csr_array(
        (
            np.concatenate([graph.data, metres[order]]),
            np.concatenate([graph.indices, other[order]]).astype(np.int32),
            pointer.astype(np.int32),
        ),
        shape=(size, size),
    )


def _to_places(places: Snapped, reach: Reach, network: Network) -> tuple[Floats, Integers]:
    """Metres from the nearest stop to places on edges (inf where none leads there), its number."""
    metres = np.full(len(places.edge), np.inf)
    stop = np.full(len(places.edge), NO_STOP)
    rows = np.flatnonzero(places.found)
    edge, along = places.edge[rows], places.along_m[rows]
    begin, end = network.begin[edge], network.end[edge]
    rest = np.maximum(network.length_m[edge] - along, 0.0)
    ways = [reach.node_m[begin] + along, reach.node_m[end] + rest]
    stops = [reach.node_stop[begin], reach.node_stop[end]]
    for beside in _stops_beside(edge, along, reach):
        there = beside != NO_STOP
        way, by = np.full(len(rows), np.inf), np.full(len(rows), NO_STOP)
        from_ = beside[there]
        way[there] = reach.stop_m[from_] + np.abs(along[there] - reach.along_m[from_])
        by[there] = reach.stop[from_]
        ways.append(way)
        stops.append(by)
    metres[rows], stop[rows] = _shortest(ways, stops)
    return metres, stop


def _stops_beside(edge: Integers, along: Floats, reach: Reach) -> tuple[Integers, Integers]:
    """Rows of the stops next before and next after places on the same edge, or NO_STOP."""
    stops = len(reach.edge)
    edges, metres = np.append(reach.edge, edge), np.append(reach.along_m, along)
    order = np.lexsort((metres, edges))  # stable: a stop comes before a place at the same spot
    is_stop, rank = order < stops, np.arange(len(order))
    before = np.maximum.accumulate(np.where(is_stop, rank, -1))
    after = np.minimum.accumulate(np.where(is_stop, rank, len(order))[::-1])[::-1]
    found = []
    for near in (before, after):
        inside = np.clip(near, 0, len(order) - 1)
        same = (near == inside) & (edges[order[inside]] == edges[order])
        row = np.empty(len(order), dtype=np.int64)
        row[order] = np.where(same, order[inside], NO_STOP)
        found.append(row[stops:])
    return found[0], found[1]
