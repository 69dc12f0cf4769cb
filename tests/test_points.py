"""Points within a distance of places, against plain distances and a search tree."""

import tracemalloc
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from spatial.geometry.discs import covered_cells, within
from spatial.geometry.lattice import Floats, Lattice

coordinates = st.floats(-3000, 3000, allow_nan=False)
spots = st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=40)
radii = st.sampled_from([0.5, 40.0, 300.0, 500.0, 2500.0])


def pairs(places: Sequence[tuple[float, float]]) -> Floats:
    return np.array(places, dtype=np.float64).reshape(-1, 2)


def town(seed: int, count: int) -> Floats:
    """Points in the metres of a projected map, half of them in clusters."""
    random = np.random.default_rng(seed)
    middles = random.uniform(0, 9_000, (12, 2))
    near = middles[random.integers(0, 12, count)] + random.normal(0, 400, (count, 2))
    anywhere = random.uniform(0, 9_000, (count, 2))
    corner = np.array([530_000.0, 4_330_000.0])
    return corner + np.where(random.random((count, 1)) < 0.5, near, anywhere)


def test_a_point_at_exactly_the_radius_counts() -> None:
    points = pairs([(300, 400), (300, 400.0001), (-500, 0), (0, 0)])
    assert within(points, pairs([(0, 0)]), 500).tolist() == [True, False, True, True]


@pytest.mark.parametrize("shift", [0.0, 530_000.0, 4_330_000.0])
def test_a_whole_lattice_on_the_rim_is_told_as_by_head(shift: float) -> None:
    steps = np.arange(-20, 21, dtype=np.float64)
    x, y = (axis.ravel() for axis in np.meshgrid(steps, steps))
    found = within(np.stack([x, y], axis=1) + shift, np.full((1, 2), shift), 13.0)
    assert found.tolist() == (x * x + y * y <= 169).tolist()  # whole numbers: no rounding


@pytest.mark.parametrize("radius_m", [7.0, 120.0, 500.0, 3000.0])
def test_a_search_tree_finds_the_same_points(radius_m: float) -> None:
    points, places = town(1, 20_000), town(2, 150)
    nearest, _ = cKDTree(places).query(points)
    assert within(points, places, radius_m).tolist() == (nearest <= radius_m).tolist()


def test_places_and_points_far_apart_are_not_confused() -> None:
    points = pairs([(0, 0), (1e6, 0), (0, 1e6)])
    places = pairs([(5e6, 5e6), (1e6, 3), (-40, 0)])
    assert within(points, places, 5.0).tolist() == [False, True, False]


def test_nothing_is_within_reach_of_no_place() -> None:
    assert within(pairs([(0, 0)]), pairs([]), 500).tolist() == [False]
    assert within(pairs([]), pairs([(0, 0)]), 500).tolist() == []


def test_memory_stays_below_twice_the_input() -> None:
    points, places = town(3, 1_500_000), town(4, 300)
    tracemalloc.start()
    try:
        within(points, places, 500.0)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert points.nbytes + most <= 2 * points.nbytes


def test_a_cell_is_covered_only_if_one_disc_covers_it_all() -> None:
    cells = Lattice.over(np.array([0.0, 0.0, 400.0, 100.0]), cell_m=100.0)
    # The cell from (100, 0) to (200, 100) lies in each disc by itself; its neighbours in none.
    covered = covered_cells(cells, pairs([(150, 50), (151, 50)]), 80.0)
    assert [spot.tolist() for spot in covered.nonzero()] == [[1], [2]]


@given(spots, spots, radii)
def test_plain_distances_say_the_same(
    some: list[tuple[float, float]], places: list[tuple[float, float]], radius_m: float
) -> None:
    points, stops = pairs(some), pairs(places)
    square = ((points[:, None, :] - stops[None, :, :]) ** 2).sum(axis=2)
    expected = (square <= radius_m**2).any(axis=1)
    assert within(points, stops, radius_m).tolist() == expected.tolist()


@given(spots, spots)
def test_a_larger_radius_loses_no_point(
    some: list[tuple[float, float]], places: list[tuple[float, float]]
) -> None:
    points, stops = pairs(some), pairs(places)
    found = [within(points, stops, radius_m) for radius_m in (1.0, 30.0, 500.0, 9000.0)]
    assert all((less <= more).all() for less, more in pairwise(found))
    assert found[-1].all()  # nothing is 9 km away
