"""Walking along a network: hand-drawn streets, other programs, and what holds for any network."""

import math
from collections.abc import Sequence
from itertools import pairwise
from random import Random

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import dijkstra
from shapely import LineString, MultiLineString, Point
from shapely.geometry.base import BaseGeometry

from spatial.network import (
    Network,
    network_distance,
    service_area,
    service_lines,
    walking_network,
)
from spatial.network.walk import locate, walk_between

CRS = "EPSG:4548"
BLOCK = 100.0

Spot = tuple[float, float]


def frame(geometries: Sequence[BaseGeometry], prefix: str = "L") -> gpd.GeoDataFrame:
    ids = [f"{prefix}{number:03}" for number in range(len(geometries))]
    return gpd.GeoDataFrame(geometry=list(geometries), index=ids, crs=CRS)


def streets(*lines: Sequence[Spot]) -> gpd.GeoDataFrame:
    return frame([LineString(line) for line in lines])


def places(*spots: Spot, prefix: str = "S") -> gpd.GeoDataFrame:
    return frame([Point(spot) for spot in spots], prefix)


def blocks(columns: int, rows: int) -> gpd.GeoDataFrame:
    """Streets around square blocks, each from corner to corner of the town in one line."""
    across = [[(x * BLOCK, y * BLOCK) for x in range(columns)] for y in range(rows)]
    along = [[(x * BLOCK, y * BLOCK) for y in range(rows)] for x in range(columns)]
    return streets(*across, *along)


def metres(network: Network, stop: Spot, *homes: Spot, snap_limit_m: float = 100.0) -> list[float]:
    walk = network_distance(
        places(*homes, prefix="H"), places(stop), network, snap_limit_m=snap_limit_m
    )
    return [float(value) for value in walk.points["distance_m"]]


# From lines to nodes


def test_lines_meet_where_they_share_a_vertex() -> None:
    network = walking_network(blocks(4, 3))
    assert len(network.x) == 12
    assert len(network.length_m) == 3 * 3 + 4 * 2
    assert network.length_m.tolist() == [BLOCK] * 17
    assert set(network.component) == {0}


def test_a_bridge_does_not_meet_the_road_below() -> None:
    network = walking_network(streets([(0, 0), (100, 0)], [(50, -50), (50, 50)]))
    assert (len(network.x), len(network.length_m)) == (4, 2)
    assert len(set(network.component)) == 2
    assert math.isnan(metres(network, (0, 0), (50, 40), snap_limit_m=5)[0])


def test_vertices_of_one_line_alone_are_no_nodes_but_bend_the_edge() -> None:
    network = walking_network(streets([(0, 0), (30, 0), (30, 40), (90, 40)]))
    assert (len(network.x), network.length_m.tolist()) == (2, [130.0])
    assert metres(network, (0, 0), (30, 20), (90, 40)) == [50.0, 130.0]


def test_crossings_become_nodes_where_asked_for_but_not_between_levels() -> None:
    lines = streets([(0, 0), (100, 0)], [(50, -50), (50, 50)], [(20, -50), (20, 50)])
    lines = lines.assign(level=[None, 0, 1])
    flat = walking_network(lines, crossings=True)
    assert (len(flat.x), len(flat.length_m)) == (8, 7)
    stacked = walking_network(lines, crossings=True, level_column="level")
    assert (len(stacked.x), len(stacked.length_m)) == (7, 5)
    assert metres(stacked, (0, 0), (50, 30)) == [80.0]
    assert math.isnan(metres(stacked, (0, 0), (20, 30), snap_limit_m=10)[0])
    assert sorted(set(stacked.line)) == ["L000", "L001", "L002"]


def test_an_end_on_another_line_meets_it_only_where_crossings_count() -> None:
    lines = streets([(0, 0), (100, 0)], [(50, 0), (50, 50)])
    assert len(set(walking_network(lines).component)) == 2
    assert metres(walking_network(lines, crossings=True), (0, 0), (50, 50)) == [100.0]


def test_ends_within_the_tolerance_become_one() -> None:
    lines = streets([(0, 0), (100, 0)], [(100.3, 0.3), (200, 0)], [(102, 0), (102, 50)])
    network = walking_network(lines, tolerance_m=0.5)
    assert len(set(walking_network(lines).component)) == 3
    assert len(set(network.component)) == 1  # the third comes close to the second's course
    assert metres(network, (0, 0), (200, 0))[0] == pytest.approx(200)
    assert metres(network, (0, 0), (102, 50))[0] == pytest.approx(152, abs=0.5)


def test_an_end_is_led_to_the_nearest_line_within_the_tolerance() -> None:
    lines = streets([(0, 0), (100, 0)], [(50, 0.8), (50, 50)], [(70, 3), (70, 50)])
    network = walking_network(lines, tolerance_m=1.0)
    assert metres(network, (0, 0), (50, 50)) == [100.0]
    assert math.isnan(metres(network, (0, 0), (70, 50), snap_limit_m=2)[0])


def test_two_ends_led_to_one_stretch_come_in_order() -> None:
    lines = streets([(0, 0), (100, 0)], [(60, 0.5), (60, 50)], [(40, -0.5), (40, -50)])
    network = walking_network(lines, tolerance_m=1.0)
    assert metres(network, (60, 50), (40, -50)) == [120.0]
    assert network.length_m.sum() == pytest.approx(200)


def test_lines_of_several_parts_and_of_no_length_do_no_harm() -> None:
    lines = frame(
        [
            MultiLineString([[(0, 0), (10, 0)], [(10, 0), (10, 5), (10, 5), (20, 5)]]),
            LineString(),
            LineString([(3, 3), (3, 3)]),
        ]
    )
    network = walking_network(lines)
    assert metres(network, (0, 0), (20, 5)) == [25.0]
    assert set(network.line) == {"L000"}


def test_no_lines_are_a_network_that_nobody_reaches() -> None:
    walk = network_distance(places((0, 0)), places((0, 0)), walking_network(frame([])))
    assert walk.points["state"].tolist() == ["off_network"]
    assert walk.stops["snap_m"].isna().all()
    assert service_lines(places((0, 0)), walking_network(frame([])), radius_m=500).empty


def test_of_two_ways_between_two_nodes_the_shorter_counts() -> None:
    lines = streets([(0, 0), (0, 30), (40, 30), (40, 0)], [(0, 0), (40, 0)])
    network = walking_network(lines)
    assert metres(network, (0, 0), (40, 0), (20, 30)) == [40.0, 50.0]


def test_a_line_that_ends_where_it_began_is_walked_the_shorter_way() -> None:
    network = walking_network(streets([(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)]))
    assert metres(network, (0, 0), (100, 50), (0, 50), (100, 100)) == [150.0, 50.0, 200.0]


# Distances


def test_on_square_blocks_the_way_is_that_of_the_head() -> None:
    network = walking_network(blocks(11, 11))
    homes = [(0.0, 0.0), (500.0, 500.0), (530.0, 500.0), (530.0, 400.0), (1000.0, 0.0)]
    expected = [1000.0, 0.0, 30.0, 130.0, 1000.0]
    assert metres(network, (500, 500), *homes) == expected


def test_stop_and_home_on_one_street_walk_along_it() -> None:
    network = walking_network(blocks(3, 3))
    assert metres(network, (20, 0), (80, 0), (20, 0), (5, 0)) == [60.0, 0.0, 15.0]


def test_between_two_stops_of_one_street_the_nearer_counts() -> None:
    network = walking_network(streets([(0, 0), (900, 0)]))
    homes = places((100, 0), (400, 0), (450, 0), (900, 0), prefix="H")
    walk = network_distance(homes, places((200, 0), (600, 0), (601, 0)), network).points
    assert walk["distance_m"].tolist() == [100.0, 200.0, 150.0, 299.0]
    assert walk["stop"].tolist() == ["S000", "S000", "S001", "S002"]


def test_a_barrier_counts_because_no_line_crosses_it() -> None:
    # Two banks of a river, 20 m apart, joined by one bridge at 1000 m.
    south, north, bridge = (
        [(0, 0), (1000, 0)],
        [(0, 20), (1000, 20)],
        [(1000, 0), (1000, 20)],
    )
    with_bridge = walking_network(streets(south, north, bridge))
    assert metres(with_bridge, (0, 0), (0, 20)) == [2020.0]
    without = walking_network(streets(south, north))
    assert math.isnan(metres(without, (0, 0), (0, 20))[0])


def test_who_cannot_reach_a_stop_stays_in_the_table_with_the_reason() -> None:
    network = walking_network(streets([(0, 0), (900, 0)], [(0, 500), (900, 500)]))
    homes = places((100, 30), (800, 0), (100, 480), (400, 250), prefix="H")
    walk = network_distance(homes, places((0, 0), (0, 250)), network, limit_m=500).points
    assert walk["state"].tolist() == ["reached", "beyond", "cut_off", "off_network"]
    assert walk["distance_m"].tolist()[0] == 100
    assert walk["distance_m"].isna().tolist() == [False, True, True, True]
    assert walk["stop"].isna().tolist() == [False, True, True, True]
    assert walk["snap_m"].tolist()[:3] == [30.0, 0.0, 20.0]
    assert math.isnan(walk["snap_m"].tolist()[3])


def test_stops_off_the_network_are_shown_and_serve_nobody() -> None:
    network = walking_network(streets([(0, 0), (900, 0)]))
    stops = places((500, 300), (100, 20))
    walk = network_distance(places((500, 0), prefix="H"), stops, network)
    assert walk.stops["snap_m"].isna().tolist() == [True, False]
    assert walk.stops.index.tolist() == ["S000", "S001"]
    assert walk.points["distance_m"].tolist() == [400.0]


def test_the_limit_of_snapping_decides_who_reaches_the_network() -> None:
    network = walking_network(streets([(0, 0), (900, 0)]))
    homes = places((500, 99.9), (500, 100), (500, 100.1), prefix="H")
    walk = network_distance(homes, places((500, 0)), network, snap_limit_m=100).points
    assert walk["distance_m"].isna().tolist() == [False, False, True]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_a_narrow_limit_finds_is_what_a_wide_one_finds(seed: int) -> None:
    network = walking_network(crooked(seed))
    homes, stops = scattered(seed, 200, "H"), scattered(seed + 9, 9, "S")
    narrow = locate(homes, network, 20)
    rows = np.flatnonzero(narrow.at.found)
    assert 0 < len(rows) < len(homes)
    for limit_m in (21, 77, 300, 5000):
        for name in ("edge", "along_m", "snap_m"):
            found = getattr(locate(homes, network, limit_m).at, name)
            assert (found[rows] == getattr(narrow.at, name)[rows]).all()
    # So whoever is on the network need not be sought again where the limit is wider.
    there = locate(stops, network, 300)
    walked = walk_between(narrow.take(rows), there, network).points
    again = network_distance(homes.iloc[rows], stops, network, snap_limit_m=300).points
    assert walked.equals(again)


def test_the_way_to_the_network_counts_where_asked_for() -> None:
    network = walking_network(streets([(0, 0), (900, 0)]))
    homes, stops = places((500, 30), (100, 40), prefix="H"), places((200, 25))
    walk = network_distance(homes, stops, network, count_snap=True).points
    assert walk["distance_m"].tolist() == [355.0, 165.0]
    limited = network_distance(homes, stops, network, count_snap=True, limit_m=200).points
    assert limited["state"].tolist() == ["beyond", "reached"]


def test_a_stop_far_off_the_street_loses_to_the_next_where_its_way_counts() -> None:
    network = walking_network(streets([(0, 0), (900, 0)]))
    stops, home = places((300, 80), (400, 0)), places((290, 0), prefix="H")
    plain = network_distance(home, stops, network).points
    counted = network_distance(home, stops, network, count_snap=True).points
    assert (plain["stop"].tolist(), plain["distance_m"].tolist()) == (["S000"], [10.0])
    assert (counted["stop"].tolist(), counted["distance_m"].tolist()) == (["S000"], [90.0])
    farther = network_distance(home, places((300, 95), (380, 0)), network, count_snap=True).points
    assert (farther["stop"].tolist(), farther["distance_m"].tolist()) == (["S001"], [90.0])


def test_of_two_stops_at_one_place_the_first_by_id_is_named() -> None:
    network = walking_network(blocks(3, 3))
    home = places((150, 0), prefix="H")
    for ids in (["A", "B"], ["B", "A"]):
        stops = places((40, 0), (40, 0)).set_axis(ids)
        assert network_distance(home, stops, network).points["stop"].tolist() == ["A"]


def test_half_way_between_two_stops_the_first_by_id_is_named() -> None:
    home = places((450, 0), prefix="H")
    for line in ([(0, 0), (900, 0)], [(900, 0), (0, 0)]):
        network = walking_network(streets(line))
        for ids in (["A", "B"], ["B", "A"]):
            stops = places((400, 0), (500, 0)).set_axis(ids)
            walk = network_distance(home, stops, network).points
            assert (walk["stop"].tolist(), walk["distance_m"].tolist()) == (["A"], [50.0])


def test_covered_people_are_counted_over_all_people() -> None:
    network = walking_network(blocks(11, 11))
    people = places(*[(x * 50.0, 0.0) for x in range(21)], prefix="H").assign(people=10)
    walk = network_distance(people, places((0, 300)), network, limit_m=500).points
    covered = people["people"][walk["distance_m"] <= 500].sum()
    assert (covered, people["people"].sum()) == (50, 210)  # 0 to 200 m along, 300 m up


def test_the_frames_given_are_left_as_they_were() -> None:
    lines, stops, homes = blocks(3, 3), places((0, 0)), places((70, 5), prefix="H")
    copies = lines.copy(), stops.copy(), homes.copy()
    network = walking_network(lines, tolerance_m=1.0, crossings=True)
    network_distance(homes, stops, network)
    service_lines(stops, network, radius_m=100)
    for given_, copy in zip((lines, stops, homes), copies, strict=True):
        assert given_.equals(copy)


def crooked(seed: int, size: int = 9, missing: float = 0.25) -> gpd.GeoDataFrame:
    """Streets between shifted corners, each with a bend, some missing."""
    random = np.random.default_rng(seed)
    corners = np.stack(np.meshgrid(np.arange(size), np.arange(size), indexing="ij"), -1) * BLOCK
    corners = corners + random.uniform(-35, 35, corners.shape)
    ends = [
        *zip(corners[:-1].reshape(-1, 2), corners[1:].reshape(-1, 2), strict=True),
        *zip(corners[:, :-1].reshape(-1, 2), corners[:, 1:].reshape(-1, 2), strict=True),
    ]
    lines = [
        LineString([one, (one + other) / 2 + random.uniform(-9, 9, 2), other])
        for one, other in ends
        if random.random() > missing
    ]
    return frame(lines)


def scattered(seed: int, count: int, prefix: str) -> gpd.GeoDataFrame:
    xy = np.random.default_rng(seed).uniform(0, 800, (count, 2))
    return frame(list(shapely.points(xy)), prefix)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
@pytest.mark.parametrize("count_snap", [True, False])
def test_a_network_cut_at_every_stop_and_home_has_the_same_distances(
    seed: int, *, count_snap: bool
) -> None:
    # The second way: cut the lines at every snapped place, then only nodes matter.
    lines, stops, homes = crooked(seed), scattered(9, 12, "S"), scattered(10, 40, "H")
    found = network_distance(
        homes, stops, walking_network(lines), snap_limit_m=60, count_snap=count_snap
    ).points["distance_m"]
    every = pd.concat([stops, homes])
    near, line = shapely.STRtree(lines.geometry.to_numpy()).query_nearest(
        every.geometry.to_numpy(), max_distance=60.0
    )
    near, first = np.unique(near, return_index=True)
    line = line[first]
    cut = list(lines.geometry)
    at = shapely.line_locate_point(lines.geometry.to_numpy()[line], every.geometry.to_numpy()[near])
    spots = shapely.line_interpolate_point(lines.geometry.to_numpy()[line], at)
    for number in set(line.tolist()):
        whole = lines.geometry.iloc[number]
        middle = whole.project(Point(whole.coords[1]))
        stations = [(0.0, Point(whole.coords[0])), (whole.length, Point(whole.coords[-1]))]
        stations.append((middle, Point(whole.coords[1])))
        stations += [(at[k], spots[k]) for k in np.flatnonzero(line == number)]
        stations.sort(key=lambda station: station[0])
        cut[number] = LineString([spot for _, spot in stations])
    every_corner = [LineString(pair) for one in cut for pair in _pairs(one)]
    network = walking_network(frame(every_corner))
    node = {(x, y): k for k, (x, y) in enumerate(zip(network.x, network.y, strict=True))}
    at_node = {every.index[k]: node[spots[n].x, spots[n].y] for n, k in enumerate(near)}
    way = {every.index[k]: every.geometry.iloc[k].distance(spots[n]) for n, k in enumerate(near)}
    sources = [name for name in stops.index if name in at_node]
    metres_ = dijkstra(network.graph, indices=[at_node[name] for name in sources])
    for home in homes.index:
        if home not in at_node:
            assert math.isnan(found[home])
            continue
        legs = metres_[:, at_node[home]]
        if count_snap:
            legs = legs + [way[name] for name in sources] + np.full(len(sources), way[home])
        if np.isinf(legs.min()):
            assert math.isnan(found[home])
        else:
            assert found[home] == pytest.approx(legs.min(), abs=1e-6)


def _pairs(line: LineString) -> list[list[Spot]]:
    spots = list(dict.fromkeys(line.coords))
    return [[one, other] for one, other in pairwise(spots)]


# Service areas


def test_a_street_is_cut_at_exactly_the_radius() -> None:
    network = walking_network(streets([(0, 0), (100, 0), (100, 400)], [(0, 0), (-50, 0)]))
    found = service_lines(places((90, 0)), network, radius_m=150)
    assert found["length_m"].sum() == pytest.approx(90 + 50 + 10 + 140)
    assert found.length.tolist() == pytest.approx(found["length_m"].tolist())
    assert found.total_bounds.tolist() == [-50, 0, 100, 140]


def test_a_street_reached_from_both_ends_is_reached_whole_or_leaves_its_middle() -> None:
    ring = walking_network(streets([(0, 0), (200, 0), (200, 200), (0, 200), (0, 0)]))
    assert service_lines(places((0, 0)), ring, radius_m=400)["length_m"].tolist() == [800.0]
    left = service_lines(places((0, 0)), ring, radius_m=300)
    assert left["length_m"].tolist() == [300.0, 300.0]
    assert shapely.union_all(left.geometry).distance(Point(200, 200)) == 100.0


def test_on_square_blocks_the_reach_is_a_square_on_its_corner() -> None:
    # Of the crossing at the middle: streets within 250 m along the axes and their branches.
    network = walking_network(blocks(11, 11))
    found = service_lines(places((500, 500)), network, radius_m=250)
    arms = 4 * 250
    # From (100 i, 0) two branches of what is left; those at corners are reached from two sides.
    branches = 8 * (150 + 50)
    assert found["length_m"].sum() == pytest.approx(arms + branches)
    corners = np.abs(shapely.get_coordinates(found.geometry) - 500).sum(axis=1)
    assert corners.max() == pytest.approx(250)


def test_stops_side_by_side_do_not_count_a_street_twice() -> None:
    network = walking_network(streets([(0, 0), (900, 0)]))
    stops = places((100, 0), (100, 0), (150, 0), (700, 10))
    found = service_lines(stops, network, radius_m=100)
    assert found["length_m"].tolist() == [250.0, 200.0]
    assert found["line"].tolist() == ["L000", "L000"]


def test_the_way_to_the_network_shortens_the_reach_where_asked_for() -> None:
    network = walking_network(streets([(0, 0), (900, 0)]))
    stops = places((400, 30))
    assert service_lines(stops, network, radius_m=100)["length_m"].sum() == 200
    counted = service_lines(stops, network, radius_m=100, count_snap=True)
    assert counted["length_m"].sum() == 140
    assert service_lines(stops, network, radius_m=20, count_snap=True).empty


def test_the_service_area_is_all_within_the_width() -> None:
    reached = streets([(0, 0), (100, 0)], [(100, 0), (100, 60)], [(500, 0), (540, 0)])
    found = service_area(reached, width_m=10)
    disc = math.pi * 100
    ell = 160 * 20 - 10 * 10 + disc + disc / 4  # the inner corner once; both ends, outer corner
    assert found["area_m2"].tolist() == pytest.approx([ell, 40 * 20 + disc], rel=2e-4)
    buffered = reached.geometry.union_all().buffer(10, quad_segs=64)
    assert found.union_all().symmetric_difference(buffered).area == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("seed", range(6))
def test_the_service_area_does_not_hang_on_how_streets_are_cut(seed: int) -> None:
    # Crossings, a loop, a street drawn twice and one that turns back; each stretch by itself here.
    random = np.random.default_rng(seed)
    corners = (random.integers(0, 9, (4, 6, 2)) * 50.0).tolist()
    crooked: list[list[Spot]] = [[(x, y) for x, y in line] for line in corners]
    loop: list[Spot] = [(0, 0), (200, 10), (210, 200), (0, 0)]
    pairs = [pair for line in [*crooked, loop, loop[:2]] for pair in pairwise(line)]
    stretches = [pair for pair in pairs if pair[0] != pair[1]]
    found = service_area(streets(*stretches), width_m=20).union_all()
    beside = shapely.union_all([LineString(line).buffer(20, quad_segs=64) for line in stretches])
    assert found.symmetric_difference(beside).area == pytest.approx(0, abs=1.0)
    assert found.area == pytest.approx(beside.area, rel=2e-4)


def test_lines_of_several_parts_of_none_and_of_no_length_have_the_land_beside_them() -> None:
    parts = MultiLineString([[(0, 0), (100, 0)], [(300, 0), (300, 60)]])
    place = LineString([(600, 0), (600, 0)])
    mixed = gpd.GeoDataFrame(geometry=[parts, LineString(), place], index=["A", "B", "C"], crs=CRS)
    found = service_area(mixed, width_m=10)
    disc = math.pi * 100
    assert found["area_m2"].tolist() == pytest.approx([2000 + disc, 1200 + disc, disc], rel=2e-4)


@pytest.mark.parametrize("width_m", [10, 200])
def test_a_street_drawn_twice_has_the_land_of_one_drawn_once(width_m: float) -> None:
    """Both make one line when they are joined, which runs back to where it begins."""
    street: list[Spot] = [(452.9, 95.6), (350.1, 485), (359.5, 102.5), (888.8, 151)]
    once, twice = (
        service_area(streets(*lines), width_m=width_m).union_all()
        for lines in ([street], [street, street[::-1]])
    )
    beside = [LineString(step).buffer(width_m, quad_segs=64) for step in pairwise(street)]
    for found in (once, twice):
        assert found.area == pytest.approx(shapely.union_all(beside).area, rel=1e-3)


@pytest.mark.parametrize("height", [None, 7.0])
def test_a_ring_and_lines_with_heights_keep_their_land(height: float | None) -> None:
    corners: list[Spot] = [(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)]
    raised = corners if height is None else [(x, y, height) for x, y in corners]
    ring = gpd.GeoDataFrame(geometry=[LineString(raised)] * 2, index=["A", "B"], crs=CRS)
    frame = 120**2 - 80**2 - (4 - math.pi) * 100  # outer corners round, inner ones square
    assert service_area(ring, width_m=10)["area_m2"].tolist() == pytest.approx([frame], rel=2e-4)


def test_the_service_area_of_nothing_is_empty() -> None:
    assert service_area(streets().set_crs(CRS), width_m=10).empty


# What holds for any network

seeds = st.integers(0, 10_000)
spots = st.lists(
    st.tuples(st.floats(0, 800), st.floats(0, 800)), min_size=1, max_size=8, unique=True
)


@given(seeds, spots, spots)
def test_no_way_is_shorter_than_the_straight_line(
    seed: int, stops: list[Spot], homes: list[Spot]
) -> None:
    network = walking_network(crooked(seed, size=5))
    starts, ends = places(*stops), places(*homes, prefix="H")
    straight = [starts.distance(home).min() for home in ends.geometry]
    counted = network_distance(ends, starts, network, count_snap=True).points["distance_m"]
    assert all(
        math.isnan(walked) or walked >= line - 1e-6
        for walked, line in zip(counted, straight, strict=True)
    )
    walk = network_distance(ends, starts, network)
    off = walk.points["snap_m"] + walk.stops["snap_m"].max()
    assert all(
        math.isnan(walked) or walked >= line - snapped - 1e-6
        for walked, line, snapped in zip(walk.points["distance_m"], straight, off, strict=True)
    )


@given(seeds, spots, spots)
def test_more_stops_are_never_farther(seed: int, stops: list[Spot], more: list[Spot]) -> None:
    network, homes = walking_network(crooked(seed, size=5)), scattered(seed, 12, "H")
    few = network_distance(homes, places(*stops), network).points["distance_m"]
    many = network_distance(homes, places(*stops, *more), network).points["distance_m"]
    assert (many.fillna(np.inf) <= few.fillna(np.inf) + 1e-6).all()


@given(seeds, spots)
def test_a_larger_radius_reaches_all_that_a_smaller_does(seed: int, stops: list[Spot]) -> None:
    network, homes = walking_network(crooked(seed, size=5)), scattered(seed, 12, "H")
    reached: list[set[str]] = []
    lengths = []
    for radius_m in (50.0, 150.0, 400.0, 5000.0):
        walk = network_distance(homes, places(*stops), network, limit_m=radius_m).points
        reached.append(set(walk.index[walk["distance_m"] <= radius_m]))
        lengths.append(service_lines(places(*stops), network, radius_m=radius_m)["length_m"].sum())
    assert reached == sorted(reached, key=len)
    assert all(less <= more for less, more in pairwise(reached))
    assert lengths == sorted(lengths)
    unlimited = network_distance(homes, places(*stops), network).points
    assert set(unlimited.index[unlimited["distance_m"] <= 400]) == reached[2]


@given(seeds, spots)
def test_a_home_on_a_reached_stretch_is_reached_and_no_other(seed: int, stops: list[Spot]) -> None:
    network = walking_network(crooked(seed, size=5))
    lines = service_lines(places(*stops), network, radius_m=200)
    homes = scattered(seed, 20, "H")
    walk = network_distance(homes, places(*stops), network).points
    reached = lines.geometry.union_all()
    for home, row in walk.iterrows():
        if math.isnan(row["snap_m"]) or abs(row["distance_m"] - 200) < 1e-6:
            continue
        on_stretch = reached.distance(homes.geometry[home]) <= row["snap_m"] + 1e-9
        assert on_stretch == (row["distance_m"] <= 200)


@given(seeds, spots, st.randoms())
def test_the_order_of_lines_stops_and_homes_is_irrelevant(
    seed: int, stops: list[Spot], random: Random
) -> None:
    lines, starts, homes = crooked(seed, size=4), places(*stops), scattered(seed, 10, "H")
    one = network_distance(homes, starts, walking_network(lines)).points
    frames = []
    for given_ in (lines, starts, homes):
        order = list(given_.index)
        random.shuffle(order)
        frames.append(given_.loc[order])
    other = network_distance(frames[2], frames[1], walking_network(frames[0])).points
    pd.testing.assert_frame_equal(other.loc[one.index], one, check_exact=False, rtol=1e-12)
