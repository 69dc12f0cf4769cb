"""Stop coverage against closed forms, and the laws that hold for any stops."""

import math
from collections.abc import Sequence
from itertools import pairwise
from random import Random

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from spatial.geometry.discs import QUAD_SEGS
from spatial.measurement import SLIVER_M2
from spatial.measures import stop_coverage

CRS = "EPSG:4548"
R = 500.0
DISC = math.pi * R * R
CLOSED_FORM = 2e-4  # relative error allowed: a disc is a polygon of 256 sides

coordinates = st.integers(-800, 2800)
some_stops = st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=12)
radii = st.sampled_from([150.0, 300.0, 500.0, 900.0])
SQUARE = box(0, 0, 2000, 2000)


def frame(geometries: Sequence[BaseGeometry], ids: Sequence[str] | None = None) -> gpd.GeoDataFrame:
    names = [f"F{number}" for number in range(len(geometries))] if ids is None else list(ids)
    return gpd.GeoDataFrame(geometry=list(geometries), index=names, crs=CRS)


def points(places: Sequence[tuple[float, float]]) -> gpd.GeoDataFrame:
    return frame([Point(place) for place in places], [f"S{n:03}" for n in range(len(places))])


def lens(distance: float) -> float:
    """Area that two discs of radius R share."""
    half = distance / (2 * R)
    return 2 * R * R * math.acos(half) - distance / 2 * math.sqrt(4 * R * R - distance * distance)


@pytest.mark.parametrize("distance", [200.0, 500.0, 800.0, 999.0])
def test_two_overlapping_discs_cover_their_sum_less_the_lens(distance: float) -> None:
    area = frame([box(-2000, -2000, 3000, 2000)])
    found = stop_coverage(points([(0, 0), (distance, 0)]), area, radius_m=R).whole
    assert found.numerator == pytest.approx(2 * DISC - lens(distance), rel=CLOSED_FORM)
    assert found.denominator == 5000 * 4000


def test_two_disjoint_discs_cover_their_sum() -> None:
    area = frame([box(-2000, -2000, 4000, 2000)])
    found = stop_coverage(points([(0, 0), (2000, 0)]), area, radius_m=R).whole
    assert found.numerator == pytest.approx(2 * DISC, rel=CLOSED_FORM)


@pytest.mark.parametrize(
    "spacing,share",
    [
        (1000.0, math.pi / 4),  # discs touch
        (800.0, 0.971714),  # (disc - 2 lenses) / cell
        (R * math.sqrt(2), 1.0),  # the middle of a cell is 500 m from its four stops
    ],
)
def test_a_square_lattice_of_stops_covers_what_the_formula_says(
    spacing: float, share: float
) -> None:
    stops = points([(i * spacing, j * spacing) for i in range(-1, 7) for j in range(-1, 7)])
    area = frame([box(0, 0, 5 * spacing, 5 * spacing)])  # whole cells, so edges repeat
    found = stop_coverage(stops, area, radius_m=R).whole
    assert found.value == pytest.approx(share, rel=CLOSED_FORM)
    assert found.low == pytest.approx(found.value)
    assert found.value is not None
    assert found.high is not None
    # A polygon of 256 sides lacks 0.010 % of its disc; the disc itself lies in the range.
    assert min(share, 1.0) - 1e-6 <= found.high <= found.value * 1.0004


def test_the_lattice_at_800_m_is_a_disc_less_two_lenses_a_cell() -> None:
    assert (DISC - 2 * lens(800)) / 800**2 == pytest.approx(0.971714, abs=5e-7)


def test_a_stop_outside_the_area_covers_what_its_disc_reaches() -> None:
    area = frame([box(0, -1000, 1000, 1000)])
    on_the_edge = stop_coverage(points([(0, 0)]), area, radius_m=R).whole
    assert on_the_edge.numerator == pytest.approx(DISC / 2, rel=CLOSED_FORM)
    segment = lens(600) / 2  # the part of the disc beyond a chord 300 m from its centre
    outside = stop_coverage(points([(-300, 0)]), area, radius_m=R).whole
    assert outside.numerator == pytest.approx(segment, rel=2 * CLOSED_FORM)


def test_the_discs_are_cut_with_the_area_before_dividing() -> None:
    # A disc of 0.785 km² around a stop in an area of 0.01 km² covers it once, not 78 times.
    found = stop_coverage(points([(50, 50)]), frame([box(0, 0, 100, 100)]), radius_m=R).whole
    assert found.value == 1.0
    assert found.numerator == pytest.approx(10_000)


def test_a_stop_counted_twice_covers_once() -> None:
    area = frame([SQUARE])
    once = stop_coverage(points([(1000, 1000)]), area, radius_m=R).whole
    twice = stop_coverage(points([(1000, 1000), (1000, 1000)]), area, radius_m=R).whole
    assert twice.numerator == pytest.approx(once.numerator)


def test_a_hole_in_the_area_is_not_asked_to_be_covered() -> None:
    ring = Polygon(SQUARE.exterior.coords, [box(900, 900, 1100, 1100).exterior.coords])
    found = stop_coverage(points([(1000, 1000)]), frame([ring]), radius_m=R).whole
    assert found.denominator == 2000 * 2000 - 200 * 200
    assert found.numerator == pytest.approx(DISC - 200 * 200, rel=2 * CLOSED_FORM)


def test_without_units_the_features_of_the_area_are_the_units() -> None:
    area = frame([box(0, 0, 1000, 2000), box(1000, 0, 2000, 2000)], ["W", "E"])
    found = stop_coverage(points([(500, 1000)]), area, radius_m=R)
    assert list(found.values.index) == ["W", "E"]
    assert found.values.loc["W", "numerator"] == pytest.approx(DISC, rel=CLOSED_FORM)
    assert found.values.loc["E", "numerator"] == 0
    assert found.values.loc["E", "value"] == 0
    assert found.whole.value == pytest.approx(DISC / 4e6, rel=CLOSED_FORM)


def test_units_divide_only_the_area_that_they_hold() -> None:
    area = frame([box(0, 0, 1000, 1000)], ["built-up"])
    units = frame([box(-500, 0, 500, 1000), box(500, 0, 2000, 1000)], ["U1", "U2"])
    found = stop_coverage(points([(0, 500)]), area, units, radius_m=R)
    assert found.values["denominator"].tolist() == pytest.approx([500_000, 500_000])
    assert found.values.loc["U1", "numerator"] == pytest.approx(DISC / 2, rel=CLOSED_FORM)
    assert found.values.loc["U2", "value"] == pytest.approx(0, abs=1e-9)


def test_a_unit_that_holds_none_of_the_area_has_no_value() -> None:
    units = frame([SQUARE, box(5000, 5000, 6000, 6000)], ["in", "out"])
    found = stop_coverage(points([(1000, 1000)]), frame([SQUARE]), units, radius_m=R)
    assert found.values.loc["out"].isna().all()
    assert not found.values.loc["in"].isna().any()


def test_a_unit_that_only_touches_the_area_has_no_value() -> None:
    units = frame([box(2000, 0, 3000, 2000)], ["beside"])
    found = stop_coverage(points([(1000, 1000)]), frame([SQUARE]), units, radius_m=R)
    assert found.values.loc["beside"].isna().all()


def test_overlapping_units_each_count_their_own_and_the_whole_counts_once() -> None:
    units = frame([SQUARE, SQUARE], ["U1", "U2"])
    found = stop_coverage(points([(1000, 1000)]), frame([SQUARE]), units, radius_m=R)
    assert found.values["numerator"].tolist() == pytest.approx([DISC, DISC], rel=CLOSED_FORM)
    assert found.whole.numerator == pytest.approx(DISC, rel=CLOSED_FORM)
    assert found.whole.denominator == SQUARE.area


def test_overlapping_features_of_the_area_count_once_in_the_whole() -> None:
    area = frame([box(0, 0, 1200, 2000), box(800, 0, 2000, 2000)])
    found = stop_coverage(points([(1000, 1000)]), area, radius_m=R).whole
    assert found.denominator == pytest.approx(SQUARE.area)
    assert found.numerator == pytest.approx(DISC, rel=CLOSED_FORM)


def test_a_gap_names_its_unit_and_its_nearest_stop() -> None:
    area = frame([box(0, 0, 4000, 100), box(0, 5000, 1000, 5100)], ["near", "far"])
    stops = frame([Point(0, 50), Point(4000, 50)], ["S-west", "S-east"])
    gaps = stop_coverage(stops, area, radius_m=R).evidence
    assert gaps["unit"].tolist() == ["near", "far"]  # the largest first
    assert gaps["area_m2"].is_monotonic_decreasing
    far = gaps[gaps["unit"] == "far"].iloc[0]
    assert far["nearest_stop"] == "S-west"
    inside = shapely.point_on_surface(far.geometry)
    assert far["nearest_m"] == pytest.approx(inside.distance(Point(0, 50)))
    assert far["area_m2"] == pytest.approx(100_000)


def test_of_two_stops_equally_near_a_gap_names_the_first_by_id() -> None:
    # House rule 9: ties are broken by id, so file order never matters.
    area = frame([box(-50, -50, 50, 50)])
    for ids in (["A", "B"], ["B", "A"]):
        stops = frame([Point(-1000, 0), Point(1000, 0)], ids)
        gaps = stop_coverage(stops, area, radius_m=R).evidence
        assert gaps["nearest_stop"].tolist() == ["A"]


def test_full_coverage_leaves_no_gap() -> None:
    found = stop_coverage(points([(1000, 1000)]), frame([SQUARE]), radius_m=1500)
    assert found.whole.value == 1.0
    assert found.evidence.empty
    assert {"unit", "area_m2", "nearest_stop", "nearest_m"} <= set(found.evidence.columns)


def test_no_stops_cover_nothing_and_the_whole_area_is_a_gap() -> None:
    found = stop_coverage(points([]), frame([SQUARE]), radius_m=R)
    assert found.whole.value == 0
    assert found.evidence["area_m2"].tolist() == [SQUARE.area]


def test_an_empty_area_has_no_value() -> None:
    found = stop_coverage(points([(0, 0)]), frame([]), radius_m=R)
    assert found.whole.value is None
    assert found.evidence.empty


def test_the_frames_given_are_left_as_they_were() -> None:
    stops, area = points([(0, 0)]), frame([SQUARE])
    copies = stops.copy(), area.copy()
    stop_coverage(stops, area, area, radius_m=R)
    assert stops.equals(copies[0])
    assert area.equals(copies[1])


def test_figures_are_plain_numbers() -> None:
    whole = stop_coverage(points([(0, 0)]), frame([SQUARE]), radius_m=R).whole
    for figure in (whole.value, whole.numerator, whole.denominator, whole.low, whole.high):
        assert type(figure) is float


@given(some_stops, radii)
def test_covered_and_gap_make_the_zone(places: list[tuple[float, float]], radius_m: float) -> None:
    units = frame([box(0, 0, 700, 2000), box(700, 0, 2000, 2000)], ["U1", "U2"])
    found = stop_coverage(points(places), frame([SQUARE]), units, radius_m=radius_m)
    gaps = found.evidence.groupby("unit")["area_m2"].sum().reindex(units.index, fill_value=0.0)
    whole = found.values["numerator"] + gaps
    assert whole.tolist() == pytest.approx([1_400_000, 2_600_000], abs=1.0)


@given(some_stops)
def test_a_larger_radius_never_covers_less(places: list[tuple[float, float]]) -> None:
    area = frame([SQUARE])
    covered = [
        stop_coverage(points(places), area, radius_m=radius_m).whole.numerator or 0.0
        for radius_m in (100.0, 250.0, 500.0, 1000.0, 4000.0)
    ]
    assert all(less <= more + 1e-6 for less, more in pairwise(covered))
    assert covered[-1] == pytest.approx(SQUARE.area)  # nothing is 4 km away


@given(some_stops, some_stops, radii)
def test_more_stops_never_cover_less(
    some: list[tuple[float, float]], more: list[tuple[float, float]], radius_m: float
) -> None:
    area = frame([SQUARE])
    few = stop_coverage(points(some), area, radius_m=radius_m).whole.numerator or 0.0
    many = stop_coverage(points(some + more), area, radius_m=radius_m).whole.numerator or 0.0
    assert few <= many + 1e-6


@given(some_stops, st.randoms())
def test_the_order_of_features_is_irrelevant(
    places: list[tuple[float, float]], random: Random
) -> None:
    stops = points(list(dict.fromkeys(places)))
    units = frame([box(0, 0, 700, 2000), box(700, 0, 2000, 2000)], ["U1", "U2"])
    order = list(stops.index)
    random.shuffle(order)
    one = stop_coverage(stops, frame([SQUARE]), units, radius_m=R)
    other = stop_coverage(stops.loc[order], frame([SQUARE]), units.iloc[::-1], radius_m=R)
    assert other.values.loc[units.index, "numerator"].tolist() == pytest.approx(
        one.values["numerator"].tolist(), abs=1e-3
    )
    assert other.whole.numerator == pytest.approx(one.whole.numerator, abs=1e-3)
    assert sorted(other.evidence["area_m2"]) == pytest.approx(
        sorted(one.evidence["area_m2"]), abs=1e-3
    )


@given(some_stops, st.sampled_from([(530_000.0, 4_330_000.0), (-17.0, 123_456.0)]))
def test_where_the_place_lies_is_irrelevant(
    places: list[tuple[float, float]], shift: tuple[float, float]
) -> None:
    stops, area = points(places), frame([SQUARE])
    here = stop_coverage(stops, area, radius_m=R).whole.value
    moved = stop_coverage(
        stops.set_geometry(stops.translate(*shift)),
        area.set_geometry(area.translate(*shift)),
        radius_m=R,
    ).whole.value
    assert moved == pytest.approx(here, abs=1e-9)


@pytest.mark.parametrize("count", [3, 60, 900])
@pytest.mark.parametrize("radius_m", [60.0, 300.0, 5000.0])
def test_it_is_what_the_union_of_all_discs_leaves(count: int, radius_m: float) -> None:
    # Where stops are dense most discs are not looked at: the answer is that of all of them.
    xy = np.random.default_rng(count).normal(1500, 700, (count, 2)).tolist()
    stops = points([(x, y) for x, y in xy])
    ring = Polygon(SQUARE.exterior.coords, [box(900, 900, 1700, 1100).exterior.coords])
    units = frame(
        [box(0, 0, 800, 3000), ring, box(2500, 1500, 3000, 3000), Point(9000, 0).buffer(9)]
    )
    stops, units = (
        each.set_geometry(each.translate(530_000, 4_330_000)) for each in (stops, units)
    )
    found = stop_coverage(stops, units, radius_m=radius_m)
    discs = shapely.union_all(shapely.buffer(stops.geometry, radius_m, quad_segs=QUAD_SEGS))
    for unit, part in units.geometry.items():
        expected = shapely.intersection(part, discs).area
        assert found.values.loc[unit, "numerator"] == pytest.approx(expected, abs=1e-6)
        gap = found.evidence[found.evidence["unit"] == unit].union_all()
        left = shapely.difference(part, discs)
        slivers = shapely.area(shapely.get_parts(left))
        apart = shapely.symmetric_difference(gap, left).area
        assert apart == pytest.approx(slivers[slivers < SLIVER_M2].sum(), abs=1e-4)
    whole = shapely.intersection(units.union_all(), discs).area
    assert found.whole.numerator == pytest.approx(whole, abs=1e-6)
