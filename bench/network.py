"""Walking distances on a network of a million nodes, against scipy's shortest paths alone.

`python run.py bench network`. The peer is given what ours has to find out: the graph, and the node
that each stop is nearest to; it knows neither places along edges nor what to do off the network.
Ours, end to end, snaps stops to the nearest place of any edge, finds the shortest ways and tells
each node and each home its distance. A second peer does all by hand: a search tree to snap stops
and homes to nodes, then the shortest paths. Streets, stops and homes are invented, from a fixed
seed.
"""

from collections.abc import Callable
from functools import partial

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from bench.coverage import CRS, cpu_seconds
from spatial.network import Network, network_distance, service_lines, walking_network

SIDE = 1_000
BLOCK_M = 50.0
KEPT = 0.85
STOPS = 1_200
HOMES = 10_000
RADIUS_M = 500.0
BAR = 2.0
ROUNDING_M = 1e-6

Floats = NDArray[np.float64]


def streets() -> gpd.GeoDataFrame:
    """Lay out streets between shifted corners, some of them missing."""
    random = np.random.default_rng(1)
    corners = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij"), -1) * BLOCK_M
    corners += random.uniform(-0.3 * BLOCK_M, 0.3 * BLOCK_M, corners.shape) + 500_000
    across = np.stack([corners[:-1], corners[1:]], axis=2).reshape(-1, 2, 2)
    along = np.stack([corners[:, :-1], corners[:, 1:]], axis=2).reshape(-1, 2, 2)
    lines = np.concatenate([across, along])
    lines = lines[random.random(len(lines)) < KEPT]
    return gpd.GeoDataFrame(geometry=shapely.linestrings(lines), crs=CRS)


def scattered(count: int, seed: int, prefix: str) -> gpd.GeoDataFrame:
    """Scatter places over the streets."""
    xy = np.random.default_rng(seed).uniform(0, SIDE * BLOCK_M, (count, 2)) + 500_000
    ids = [f"{prefix}{number:05d}" for number in range(count)]
    return gpd.GeoDataFrame(geometry=shapely.points(xy), index=ids, crs=CRS)


def paths(network: Network, nodes: NDArray[np.int64], limit_m: float) -> Floats:
    """Find the shortest ways from nodes to all others."""
    metres: Floats = dijkstra(network.graph, indices=nodes, limit=limit_m, min_only=True)
    return metres


def by_hand(
    network: Network, homes: gpd.GeoDataFrame, stops: gpd.GeoDataFrame, limit_m: float
) -> Floats:
    """Tell homes their distance from node to node."""
    tree = cKDTree(np.stack([network.x, network.y], axis=1))
    starts, ends = (
        tree.query(shapely.get_coordinates(places.geometry))[1] for places in (stops, homes)
    )
    metres: Floats = paths(network, starts, limit_m)[ends]
    return metres


def check(network: Network, nodes: NDArray[np.int64], limit_m: float | None) -> None:
    """End the run where, with stops and homes put on nodes, both do not find the same ways."""
    xy = np.stack([network.x, network.y], axis=1)
    stops, homes = (
        gpd.GeoDataFrame(geometry=shapely.points(some), crs=CRS) for some in (xy[nodes], xy[::997])
    )
    found = network_distance(homes, stops, network, limit_m=limit_m).points["distance_m"]
    expected = paths(network, nodes, np.inf if limit_m is None else limit_m)[::997]
    metres = found.fillna(np.inf).to_numpy()
    if not np.allclose(metres, expected, rtol=0, atol=ROUNDING_M):
        raise SystemExit("results differ")


def ways(
    network: Network, stops: gpd.GeoDataFrame, nodes: NDArray[np.int64], limit_m: float | None
) -> dict[str, Callable[[], object]]:
    """List what is timed: the peer alone, then ours with nothing but stops, then the rest."""
    bound = np.inf if limit_m is None else limit_m
    homes = scattered(HOMES, 3, "H")
    ours = partial(network_distance, stops=stops, network=network, limit_m=limit_m)
    timed: dict[str, Callable[[], object]] = {
        "scipy dijkstra(min_only=True), graph and nodes given": partial(
            paths, network, nodes, bound
        ),
        "this project, stops snapped to edges": partial(ours, homes.iloc[:0]),
        f"this project, distances of {HOMES:,} homes too": partial(ours, homes),
        f"scipy by hand, cKDTree, {HOMES:,} homes": partial(by_hand, network, homes, stops, bound),
    }
    if limit_m is not None:
        timed["this project, lines cut at the radius"] = partial(
            service_lines, stops, network, radius_m=limit_m
        )
    return timed


def main() -> None:
    """Print one row per limit and way."""
    lines, stops = streets(), scattered(STOPS, 2, "S")
    built = cpu_seconds(partial(walking_network, lines))
    network = walking_network(lines)
    tree = cKDTree(np.stack([network.x, network.y], axis=1))
    nodes = tree.query(shapely.get_coordinates(stops.geometry))[1]
    print(f"Network of {len(network.x):,} nodes, {len(network.length_m):,} edges, {STOPS:,} stops;")
    print(f"made from lines in {built:.2f} CPU seconds. CPU seconds, median\n")
    print(f"{'limit':>7}  {'way':<54} {'CPU s':>8} {'ratio':>7}")
    for limit_m in (RADIUS_M, None):
        check(network, nodes, limit_m)
        timed = ways(network, stops, nodes, limit_m)
        spent = {name: cpu_seconds(work) for name, work in timed.items()}
        alone, ours = list(spent.values())[:2]
        for name, seconds in spent.items():
            print(f"{limit_m or 'none':>7}  {name:<54} {seconds:>8.3f} {seconds / alone:>7.2f}")
        met = "met" if ours <= BAR * alone else "MISSED"
        print(f"{'':>7}  bar: stops at most {BAR:g} times scipy alone, {met}\n")


if __name__ == "__main__":
    main()
