"""Points within a straight-line distance of a place, against scipy's search tree.

`python run.py bench points`. Homes and stops are scattered over an invented district, half of them
around towns, from a fixed seed. Memory is what is allocated beside the points given, at its most;
the answer is part of it.
"""

import tracemalloc
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from bench.coverage import cpu_seconds
from spatial.geometry.discs import within

SIZE_M = (24_000.0, 13_500.0)
CORNER = (530_000.0, 4_330_000.0)
STOPS = 1_200
POINTS = (1_000_000, 10_000_000)
RADIUS_M = 500.0
MEMORY_BAR = 2.0

Spots = NDArray[np.float64]
Flags = NDArray[np.bool_]


def scattered(count: int, seed: int) -> Spots:
    """Scatter places, half of them around towns."""
    random = np.random.default_rng(seed)
    towns = np.random.default_rng(0).uniform(0, SIZE_M, (24, 2))
    spots = random.uniform(0, SIZE_M, (count, 2))
    near = random.random(count) < 0.5
    spots[near] = towns[random.integers(0, len(towns), int(near.sum()))]
    spots[near] += random.normal(0, 900, (int(near.sum()), 2))
    spots += CORNER
    return spots


def by_tree(points: Spots, stops: Spots) -> Flags:
    """Ask the tree for the nearest stop of every point, no farther than the radius."""
    beyond = np.nextafter(RADIUS_M, np.inf)  # the tree leaves out what is at its bound
    distance, _ = cKDTree(stops).query(points, distance_upper_bound=beyond)
    flags: Flags = distance <= RADIUS_M
    return flags


def most_memory(work: Callable[[], object]) -> int:
    """Bytes allocated at most while working."""
    tracemalloc.start()
    work()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def main() -> None:
    """Print one row per number of points and way."""
    stops = scattered(STOPS, seed=1)
    print(f"Points within {RADIUS_M:g} m of {STOPS:,} stops; CPU seconds, median; memory as a")
    print("multiple of the points given, these included\n")
    print(f"{'points':>11}  {'way':<28} {'CPU s':>8} {'ratio':>7} {'memory':>7}")
    for count in POINTS:
        points = scattered(count, seed=2)
        ours = partial(within, points, stops, RADIUS_M)
        peer = partial(by_tree, points, stops)
        if (ours() != peer()).any():
            raise SystemExit("results differ")
        base = cpu_seconds(ours)
        for name, work in (("this project", ours), ("scipy cKDTree, nearest", peer)):
            spent = base if work is ours else cpu_seconds(work)
            memory = 1 + most_memory(work) / points.nbytes
            print(f"{count:>11,}  {name:<28} {spent:>8.3f} {spent / base:>7.2f} {memory:>7.2f}")
            if work is ours:
                within_bar = memory
        met = "met" if spent >= base and within_bar <= MEMORY_BAR else "MISSED"
        print(f"{'':>11}  bar: no slower, memory at most {MEMORY_BAR:g} times the points, {met}")


if __name__ == "__main__":
    main()
