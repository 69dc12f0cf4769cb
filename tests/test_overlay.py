"""Areas that polygons share: closed forms, GEOS as the second program, and what must add up."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon, box
from shapely.geometry.base import BaseGeometry

from spatial.geometry.edges import Shapes
from spatial.geometry.overlap import clusters, overlaps, shared_area, union_by
from spatial.geometry.overlay import dissolve
from spatial.geometry.zonal import pieces

FAR = (530_000.0, 4_330_000.0)  # the metres of a projected map


def shapes(*geometries: BaseGeometry) -> Shapes:
    return np.array(geometries, dtype=object)


def shared(one: BaseGeometry, other: BaseGeometry) -> float:
    first = np.zeros(1, dtype=np.int64)
    return float(shared_area(shapes(one), shapes(other), first, first)[0])


def star(middle: tuple[float, float], radii: Sequence[float]) -> Polygon:
    """A polygon, seldom convex, with a corner in each of as many directions."""
    turn = np.arange(len(radii)) * 2 * math.pi / len(radii)
    xy = np.stack([np.cos(turn), np.sin(turn)], axis=1) * np.array(radii)[:, None]
    return Polygon(xy + middle)


def mesh(columns: int, rows: int, seed: int, size_m: float = 1000.0) -> Shapes:
    """Crooked cells that fill a square without gap or overlap, with corners far from nought."""
    random = np.random.default_rng(seed)
    nodes = np.stack(np.meshgrid(np.arange(columns + 1), np.arange(rows + 1), indexing="ij"), -1)
    shift = random.uniform(-0.35, 0.35, nodes.shape)
    shift[[0, -1]] = shift[:, [0, -1]] = 0
    xy = (nodes + shift) * [size_m / columns, size_m / rows] + FAR
    rings = np.stack([xy[:-1, :-1], xy[1:, :-1], xy[1:, 1:], xy[:-1, 1:]], axis=2)
    cells: Shapes = shapely.polygons(rings.reshape(-1, 4, 2))
    return cells


def halves(seed: int, corners: int, size_m: float = 1000.0) -> Shapes:
    """A square cut in two by a line of many corners."""
    random = np.random.default_rng(seed)
    x = np.linspace(0, size_m, corners)
    cut = np.stack([x, size_m / 2 + random.uniform(-0.3, 0.3, corners) * size_m], axis=1)
    below = np.concatenate([cut, [[size_m, 0], [0, 0]]])
    above = np.concatenate([cut, [[size_m, size_m], [0, size_m]]])
    return shapes(Polygon(below + FAR), Polygon(above + FAR))


stars = st.tuples(
    st.tuples(st.floats(-3, 3), st.floats(-3, 3)),
    st.lists(st.floats(0.5, 6), min_size=3, max_size=90),
).map(lambda drawn: star(*drawn))


@pytest.mark.parametrize(
    "other,area",
    [
        (box(1, 1, 5, 5), 9.0),
        (box(-1, -1, 5, 5), 16.0),  # holds it
        (box(1, 1, 2, 3), 2.0),  # lies in it
        (box(4, 0, 8, 4), 0.0),  # shares a side
        (box(4, 4, 8, 8), 0.0),  # shares a corner
        (box(9, 9, 10, 10), 0.0),
        (box(0, 0, 4, 4), 16.0),
        (Polygon([(0, 0), (8, 0), (0, 8)]), 16.0),  # its long side touches the corner
        (Polygon([(0, 0), (4, 0), (0, 4)]), 8.0),
        (Polygon(box(-1, -1, 5, 5).exterior.coords, [box(1, 1, 2, 2).exterior.coords]), 15.0),
        (MultiPolygon([box(-1, 0, 1, 1), box(3, 3, 9, 9)]), 2.0),
        (Polygon(), 0.0),
    ],
)
def test_what_a_square_shares_is_that_of_the_head(other: BaseGeometry, area: float) -> None:
    square = box(0, 0, 4, 4)
    assert shared(square, other) == pytest.approx(area, abs=1e-14)
    assert shared(other, square) == pytest.approx(area, abs=1e-14)


def test_which_way_a_ring_is_drawn_does_not_matter() -> None:
    ring = Polygon(box(0, 0, 4, 4).exterior.coords, [box(1, 1, 2, 2).exterior.coords])
    zone = box(0, 0, 1.5, 4)
    assert {shared(drawn, zone) for drawn in (ring, shapely.reverse(ring))} == {5.5}
    assert {shared(zone, drawn) for drawn in (ring, shapely.reverse(ring))} == {5.5}


@pytest.mark.parametrize("quarter", [4, 64, 1000])  # corners: one loop, several, loops of loops
def test_two_discs_share_a_lens(quarter: int) -> None:
    distance, radius = 300.0, 500.0
    one, other = (shapely.Point(x, 0).buffer(radius, quad_segs=quarter) for x in (0, distance))
    half = distance / (2 * radius)
    lens = 2 * radius**2 * math.acos(half)
    lens -= distance / 2 * math.sqrt(4 * radius**2 - distance**2)
    rim = 1.7 / quarter**2  # what a polygon lacks of its disc
    assert shared(one, other) == pytest.approx(lens, rel=rim)
    assert shared(one, other) == pytest.approx(shapely.intersection(one, other).area, rel=1e-12)


@given(stars, stars)
def test_geos_finds_the_same_area(one: Polygon, other: Polygon) -> None:
    expected = shapely.intersection(one, other).area
    assert shared(one, other) == pytest.approx(expected, abs=1e-10)
    assert shared(other, one) == pytest.approx(expected, abs=1e-10)


@given(stars, st.integers(0, 5), st.integers(2, 60))
def test_what_two_zones_with_a_common_border_hold_adds_up(
    shape: Polygon, seed: int, corners: int
) -> None:
    place = shapely.transform(shape, lambda xy: xy * 20 + 500 + FAR)
    parts = [shared(place, zone) for zone in halves(seed, corners)]
    assert sum(parts) == pytest.approx(place.area, rel=1e-12)


def test_twenty_thousand_parcels_add_up_over_complementary_zones() -> None:
    parcels = mesh(160, 125, seed=1)
    found = pieces(parcels, halves(seed=2, corners=4000))
    held = np.bincount(found.shape, found.area_m2, minlength=len(parcels))
    assert np.abs(held / shapely.area(parcels) - 1).max() < 1e-12


def test_pieces_are_what_a_full_comparison_finds() -> None:
    ring = Polygon(
        shapely.Point(500, 500).buffer(450).exterior.coords,
        [shapely.Point(480, 520).buffer(120).exterior.coords],
    )
    zones = shapes(
        shapely.transform(ring, lambda xy: xy + FAR),
        *halves(seed=3, corners=300),
        MultiPolygon([box(*np.add(spot * 2, [0, 0, 60, 60])) for spot in (FAR, (530_500, 4e6))]),
        Polygon(),
    )
    parcels = np.append(mesh(40, 30, seed=4), shapes(Polygon(), zones[0]))
    found = pieces(parcels, zones)
    areas = np.zeros((len(zones), len(parcels)))
    areas[found.zone, found.shape] = found.area_m2
    expected = shapely.area(shapely.intersection(zones[:, None], parcels[None, :]))
    assert np.abs(areas - expected).max() < 1e-6
    whole = shapely.area(parcels)[found.shape]
    assert found.entire.any()
    assert found.area_m2[found.entire] == pytest.approx(whole[found.entire])
    assert (found.area_m2[~found.entire] < whole[~found.entire]).all()


def test_a_zone_smaller_than_every_parcel_holds_its_own_area() -> None:
    zone = box(*np.add(FAR * 2, [401, 402, 403, 404]))
    found = pieces(mesh(3, 3, seed=5), shapes(zone))
    assert found.area_m2.sum() == pytest.approx(4.0, rel=1e-9)
    assert not found.entire.any()


def test_a_zone_as_thin_as_a_thread_holds_its_own_area() -> None:
    thread = box(*np.add(FAR * 2, [1, 500, 999, 500.001]))
    found = pieces(mesh(9, 9, seed=5), shapes(thread))
    assert found.area_m2.sum() == pytest.approx(0.998, rel=1e-5)  # heights of 4 330 000 m: 1e-9


def test_a_border_in_common_is_no_piece() -> None:
    found = pieces(shapes(box(0, 0, 1, 1)), shapes(box(1, 0, 2, 1), box(0, -3, 1, 0)))
    assert not len(found.zone)


def test_no_zones_or_no_shapes_have_no_pieces() -> None:
    assert not len(pieces(shapes(), shapes(box(0, 0, 1, 1))).zone)
    assert not len(pieces(shapes(box(0, 0, 1, 1)), shapes()).zone)


def found_overlaps(*geometries: BaseGeometry) -> set[tuple[int, int]]:
    one, other = overlaps(shapes(*geometries))
    return set(zip(one.tolist(), other.tolist(), strict=True))


def test_a_clean_map_has_no_overlaps() -> None:
    one, _ = overlaps(mesh(20, 30, seed=6))
    assert not len(one)


def test_borders_that_do_not_match_are_no_overlap() -> None:
    assert found_overlaps(box(0, 0, 2, 1), box(0, 1, 1, 2), box(1, 1, 2, 2)) == set()


def test_a_pond_in_a_park_overlaps_it() -> None:
    assert found_overlaps(box(0, 0, 9, 9), box(3, 3, 4, 4)) == {(0, 1)}


def test_a_pond_in_a_hole_of_a_park_does_not() -> None:
    pond = box(3, 3, 4, 4)
    park = Polygon(box(0, 0, 9, 9).exterior.coords, [pond.exterior.coords])
    assert found_overlaps(park, pond) == set()


def test_a_parcel_drawn_twice_overlaps_itself() -> None:
    assert found_overlaps(box(0, 0, 1, 1), box(0, 0, 1, 1), box(1, 0, 2, 1)) == {(0, 1)}


def test_a_rectangle_drawn_twice_is_seen_wherever_it_lies() -> None:
    random = np.random.default_rng(7)
    west, south = random.integers(-500, 500, (2, 4000)).astype(float)
    width, height = random.integers(1, 200, (2, 4000)).astype(float)
    unseen = [
        one.bounds
        for one in shapely.box(west, south, west + width, south + height)
        if found_overlaps(one, one) != {(0, 1)}
    ]
    assert unseen == []


def test_two_maps_on_top_of_each_other_overlap_in_the_middle_too() -> None:
    # Inside, each map's own borders match: only along the outline are edges left over.
    both = np.append(mesh(9, 9, seed=7), mesh(8, 8, seed=8))
    one, other = overlaps(both)
    interiors = shapely.relate_pattern(both[:, None], both[None, :], "T********")
    expected = np.argwhere(np.triu(interiors, 1))
    assert np.stack([one, other], axis=1).tolist() == expected.tolist()


boxes = st.tuples(*[st.integers(0, 6)] * 4).map(
    lambda side: box(side[0], side[1], side[0] + 1 + side[2] % 3, side[1] + 1 + side[3] % 3)
)


@given(st.lists(boxes, max_size=12))
def test_geos_finds_the_same_overlaps(drawn: list[Polygon]) -> None:
    expected = {
        (one, other)
        for other, second in enumerate(drawn)
        for one, first in enumerate(drawn[:other])
        if shapely.relate_pattern(first, second, "T********")
    }
    assert found_overlaps(*drawn) == expected


@given(st.lists(boxes, max_size=12))
def test_heaps_united_and_the_clean_added_make_the_union(drawn: list[Polygon]) -> None:
    parts = shapes(*drawn)
    heap = clusters(parts)
    united = union_by(parts[heap >= 0], heap[heap >= 0])
    area = shapely.area(united).sum() + shapely.area(parts[heap < 0]).sum()
    assert area == pytest.approx(shapely.union_all(parts).area)
    assert not len(overlaps(np.append(united, parts[heap < 0]))[0])


@pytest.mark.parametrize(
    "parts",
    [
        mesh(6, 6, seed=9),
        shapes(box(0, 0, 2, 1), box(0, 1, 1, 2), box(1, 1, 2, 2)),  # a corner on a side
        shapes(box(0, 0, 2, 2), box(1, 1, 3, 3)),
        shapes(box(0, 0, 1, 1), box(5, 5, 6, 6)),
        shapes(box(0, 0, 1, 1), box(1, 1, 2, 2)),
    ],
)
def test_to_dissolve_is_to_unite(parts: Shapes) -> None:
    found, expected = dissolve(parts), shapely.union_all(parts)
    assert found.is_valid
    assert shapely.get_num_geometries(found) == shapely.get_num_geometries(expected)
    assert shapely.symmetric_difference(found, expected).area == pytest.approx(0, abs=1e-9)
