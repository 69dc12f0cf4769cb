"""Shares of people near a stop: towns counted by head, other programs, and what holds anywhere."""

import math
from collections.abc import Sequence
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from random import Random

import duckdb
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from shapely import LineString, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from layers import Text
from layers.formats import Choice, gtfs, osm, raster
from layers.limits import Limits
from spatial import Check
from spatial.measurement import Measurement
from spatial.measures import people_coverage, stop_coverage, total_people, walk_coverage
from spatial.measures.population import as_places
from spatial.measures.served import COLUMNS, SQUARE_M
from spatial.network import Network, walking_network
from spatial.plan import Cite
from spatial.verdict import judge

CRS = "EPSG:4548"
R = 500.0
DISC = math.pi * R * R
CLOSED_FORM = 2e-4  # relative error allowed: a disc is a polygon of 256 sides
LIMITS = Limits()

coordinates = st.integers(-200, 1400)
spots = st.tuples(coordinates, coordinates)
some_homes = st.lists(st.tuples(spots, st.integers(0, 500)), min_size=1, max_size=15)
some_stops = st.lists(spots, min_size=1, max_size=6)
UNITS = [box(-200, -200, 500, 1400), box(500, -200, 1400, 1400)]


def frame(shapes: Sequence[BaseGeometry], prefix: str) -> gpd.GeoDataFrame:
    ids = [f"{prefix}{number:02}" for number in range(len(shapes))]
    return gpd.GeoDataFrame(geometry=list(shapes), index=ids, crs=CRS)


def homes(*places: tuple[tuple[float, float], float]) -> gpd.GeoDataFrame:
    people = [number for _, number in places]
    return frame([Point(spot) for spot, _ in places], "H").assign(people=people)


def areas(*places: tuple[BaseGeometry, float]) -> gpd.GeoDataFrame:
    people = [number for _, number in places]
    return frame([shape for shape, _ in places], "H").assign(people=people)


def stops(*places: tuple[float, float]) -> gpd.GeoDataFrame:
    return frame([Point(place) for place in places], "S")


def units(*shapes: BaseGeometry) -> gpd.GeoDataFrame:
    return frame(shapes or UNITS, "U")


def blocks(size: int = 13, side: float = 100.0) -> Network:
    """Streets around square blocks, from the origin north and east."""
    end = (size - 1) * side
    at = [number * side for number in range(size)]
    corners = [
        LineString([Point(x, y) if along else Point(y, x) for y in at])
        for along in (True, False)
        for x in at
    ]
    assert corners[0].length == end
    return walking_network(frame(corners, "L"))


def judged(found: Measurement, *, how: str = "whole", **asked: float) -> str:
    text = Text(zh="目标", en="target")
    check = Check.model_validate(
        {
            "id": "c",
            "title": text,
            "cite": Cite(),
            "measure": "total_people",
            "layers": {},
            "target": {"unit": "people", **asked},
            "judge": how,
            "sentence": text,
        }
    )
    return judge(check, found, "official").verdict


def numbers(found: Measurement) -> tuple[float | None, float | None]:
    return found.whole.numerator, found.whole.denominator


# How many people there are


def test_people_are_counted_in_all_and_by_unit() -> None:
    people = homes(((0, 0), 10), ((600, 0), 20), ((9000, 0), 5), ((10, 0), math.nan))
    found = total_people(people, units())
    assert found.whole.value == 35
    assert found.values["value"].tolist() == [10, 20]
    assert found.facts == {"outside_units_people": 5, "unnumbered_count": 1}
    assert found.evidence.empty
    assert found.whole.high is None


def test_people_without_a_number_leave_the_high_end_open() -> None:
    some = homes(((0, 0), 900_000), ((600, 0), 0), ((700, 0), math.nan))
    found = total_people(some, units())
    assert (found.whole.value, found.whole.low, found.whole.high) == (900_000, 900_000, None)
    (doubt,) = found.doubts
    assert (doubt.kind, doubt.low, doubt.high) == ("unnumbered", 900_000, math.inf)
    assert doubt.inputs == {"without_number": 1}
    first, second = found.values[["value", "low", "high"]].to_numpy().tolist()
    assert first == [900_000, 900_000, 900_000]  # it lies in the other unit
    assert second[1] == 0
    assert math.isnan(second[0])
    assert math.isnan(second[2])
    assert judged(found, at_least=1_000_000) == "undetermined"
    assert judged(found, at_least=900_000) == "met"  # or more
    assert judged(found, at_most=800_000) == "not_met"
    assert judged(total_people(some.iloc[:2], units()), at_least=1_000_000) == "not_met"


def test_a_unit_of_which_no_number_is_known_is_not_passed_over() -> None:
    found = total_people(homes(((0, 0), 500), ((700, 0), math.nan)), units())
    assert judged(found, how="each", at_least=400) == "undetermined"


@pytest.mark.parametrize("unknown", [(), (math.nan,), (math.nan, math.nan)])
def test_where_no_feature_has_a_number_there_is_no_value(unknown: Sequence[float]) -> None:
    people = homes(*(((100.0 * number, 0), one) for number, one in enumerate(unknown)))
    for found in (
        total_people(people, units()),
        people_coverage(people, stops((0, 0)), units(), radius_m=R),
        walk_coverage(people, stops((0, 0)), blocks(), units(), radius_m=R),
    ):
        assert found.whole.value is None
        assert found.values.isna().all(axis=None)
        assert found.doubts == ()
        assert found.facts.get("unnumbered_count", 0) == len(unknown)


def test_people_without_units_are_one_number() -> None:
    found = total_people(areas((box(0, 0, 10, 10), 7), (box(0, 0, 10, 10), 8)))
    assert found.whole.value == 15
    assert found.values.empty
    assert found.facts == {}


def test_who_lives_on_a_common_border_or_in_two_units_belongs_to_the_first_by_id() -> None:
    people = pd.concat([homes(((500, 0), 10), ((450, 0), 4)), areas((box(400, 0, 600, 100), 8))])
    people.index = ["H1", "H2", "H3"]
    overlapping = units(box(0, 0, 500, 100), box(400, 0, 900, 100))
    for order in (["U00", "U01"], ["U01", "U00"]):
        found = total_people(people, overlapping.loc[order])
        assert found.values.loc[["U00", "U01"], "value"].tolist() == pytest.approx([18, 4])
        assert list(found.values.index) == order
    swapped = overlapping.set_axis(["U01", "U00"])
    assert total_people(people, swapped).values["value"].to_dict() == pytest.approx(
        {"U01": 0, "U00": 22}
    )


# Features without a number


@pytest.mark.parametrize("on_foot", [False, True])
def test_a_feature_without_a_number_may_have_as_many_people_as_the_largest(on_foot: bool) -> None:
    # 60 of 80 are reached; one more with up to 60: 60 of 140 to 120 of 140.
    people = homes(((0, 0), 60), ((1000, 0), 20), ((700, 0), math.nan))
    if on_foot:
        found = walk_coverage(people, stops((0, 0)), blocks(), units(), radius_m=R)
    else:
        found = people_coverage(people, stops((0, 0)), units(), radius_m=R)
    assert numbers(found) == (60, 80)
    assert (found.whole.low, found.whole.high) == pytest.approx((60 / 140, 120 / 140))
    doubt = found.doubts[-1]
    assert (doubt.kind, doubt.method) == ("unnumbered", "bounds")
    assert (doubt.low, doubt.high) == pytest.approx((60 / 140, 120 / 140))
    assert doubt.inputs == {"without_number": 1, "largest": 60}
    rows = found.values[["value", "low", "high"]].to_numpy().tolist()
    assert rows[0] == [1, 1, 1]
    assert rows[1] == pytest.approx([0, 0, 60 / 80])  # 0 of 20, or 60 of 80


def test_a_unit_of_which_no_number_is_known_is_served_from_not_at_all_to_wholly() -> None:
    people = homes(((0, 0), 60), ((700, 0), math.nan))
    found = people_coverage(people, stops((0, 0)), units(), radius_m=R)
    assert found.values[["low", "high"]].to_numpy().tolist() == [[1, 1], [0, 1]]
    assert found.values["value"].isna().tolist() == [False, True]


@given(some_homes, some_stops, st.integers(1, 3), st.lists(st.integers(0, 500), max_size=3))
def test_whatever_people_live_there_up_to_the_largest_the_share_lies_in_the_range(
    living: list[tuple[tuple[int, int], int]],
    places: list[tuple[int, int]],
    without: int,
    guesses: list[int],
) -> None:
    unknown, known = living[:without], living[without:]
    largest = max((people for _, people in known), default=0)
    known_or_not = homes(*((spot, math.nan) for spot, _ in unknown), *known)
    truth = homes(
        *(
            (spot, min(guess, largest))
            for (spot, _), guess in zip(unknown, [*guesses, 0, 0, 0], strict=False)
        ),
        *known,
    )
    found = people_coverage(known_or_not, stops(*places), units(), radius_m=R)
    true = people_coverage(truth, stops(*places), units(), radius_m=R)
    for one, other in zip(
        [found.values.loc[unit] for unit in found.values.index],
        [true.values.loc[unit] for unit in true.values.index],
        strict=True,
    ):
        if other["denominator"] > 0:
            assert one["low"] - 1e-12 <= other["value"] <= one["high"] + 1e-12
    if true.whole.value is not None:
        assert found.whole.low is not None
        assert found.whole.high is not None
        assert found.whole.low - 1e-12 <= true.whole.value <= found.whole.high + 1e-12


# In a straight line


def test_a_home_at_exactly_the_radius_is_reached() -> None:
    people = homes(((300, 400), 3), ((300.1, 400), 4))
    assert numbers(people_coverage(people, stops((0, 0)), radius_m=R)) == (3, 7)


def test_a_square_town_with_a_stop_in_a_corner_is_reached_by_a_quarter_disc() -> None:
    found = people_coverage(areas((box(0, 0, 500, 500), 1000)), stops((0, 0)), radius_m=R)
    assert found.whole.numerator == pytest.approx(1000 * math.pi / 4, rel=CLOSED_FORM)
    assert found.whole.denominator == 1000
    (doubt,) = found.doubts
    assert (doubt.kind, doubt.method, doubt.inputs) == ("segments", "bounds", {"sides": 256})
    assert doubt.low == found.whole.value
    assert doubt.low < math.pi / 4 < doubt.high < doubt.low * (1 + 1e-3)
    assert found.evidence["people"].sum() == pytest.approx(1000 * (1 - math.pi / 4), rel=1e-3)
    assert found.evidence["area_m2"].sum() == pytest.approx(250_000 - DISC / 4, rel=1e-3)


def test_a_stop_that_many_discs_cover_counts_once() -> None:
    people = areas((box(-1000, -1000, 1000, 1000), 4000))
    once = people_coverage(people, stops((0, 0)), radius_m=R)
    twice = people_coverage(people, stops((0, 0), (0, 0)), radius_m=R)
    assert once.whole.numerator == pytest.approx(DISC / 1000, rel=CLOSED_FORM)
    assert twice.whole.numerator == pytest.approx(once.whole.numerator)


def test_a_town_wholly_covered_has_all_its_people_to_the_last() -> None:
    cells = [box(x, y, x + 37.3, y + 37.3) for x in range(0, 400, 40) for y in range(0, 400, 40)]
    people = areas(*((cell, 1 / 3) for cell in cells))
    for given_units in (None, units(box(0, 0, 173.3, 900), box(173.3, 0, 900, 900))):
        found = people_coverage(people, stops((200, 200)), given_units, radius_m=R)
        assert found.whole.value == 1.0
        assert (found.values["value"] == 1.0).all()
        assert found.evidence.empty
        assert list(found.evidence.columns) == [*COLUMNS, "geometry"]


def test_stations_reach_farther_and_who_has_only_them_is_told() -> None:
    people = homes(((400, 0), 1), ((900, 0), 2), ((1900, 0), 4), ((2100, 0), 8))
    found = people_coverage(people, stops((0, 0)), stations=stops((1100, 0)), radius_m=R)
    assert numbers(found) == (1 + 2 + 4 + 8, 15)
    assert found.facts["station_only_people"] == 14
    nearer = people_coverage(
        people, stops((0, 0)), stations=stops((1100, 0)), radius_m=R, station_radius_m=850
    )
    assert numbers(nearer) == (1 + 2 + 4, 15)


def test_people_live_on_housing_where_it_is_given() -> None:
    street = areas((box(0, 0, 2000, 100), 600))
    housing = frame([box(0, 0, 100, 100), box(1800, 0, 2000, 100)], "L")
    found = people_coverage(street, stops((50, 50)), land=housing, radius_m=R)
    assert numbers(found) == pytest.approx((200, 600))
    assert found.evidence["area_m2"].sum() == pytest.approx(20_000)


def test_units_have_their_own_people_and_none_is_lost_outside() -> None:
    people = homes(((400, 0), 1), ((600, 0), 2), ((-4000, 0), 4))
    found = people_coverage(people, stops((0, 0)), units(), radius_m=R)
    assert found.values["numerator"].tolist() == [1, 0]
    assert found.values["denominator"].tolist() == [1, 2]
    assert numbers(found) == (1, 7)
    assert found.facts == {"outside_units_people": 4}
    assert found.evidence["unit"].tolist() == ["", "U01"]


def test_a_unit_where_nobody_lives_has_no_value() -> None:
    found = people_coverage(homes(((0, 0), 5)), stops((0, 0)), units(), radius_m=R)
    assert found.values.loc["U01"].isna().all()
    assert found.values.loc["U00", "value"] == 1


@pytest.mark.parametrize("nobody", [homes(), homes(((0, 0), 0)), areas((box(0, 0, 9, 9), 0))])
def test_where_nobody_lives_there_is_no_value(nobody: gpd.GeoDataFrame) -> None:
    for found in (
        people_coverage(nobody, stops((0, 0)), units(), radius_m=R),
        walk_coverage(nobody, stops((0, 0)), blocks(), units(), radius_m=R),
    ):
        assert found.whole.value is None
        assert found.doubts == ()
        assert found.evidence.empty


def test_without_stops_nobody_is_reached_and_all_are_listed() -> None:
    people = pd.concat([homes(((10, 10), 3)), areas((box(0, 0, 100, 100), 4)).set_axis(["A"])])
    for found in (
        people_coverage(people, stops(), radius_m=R),
        walk_coverage(people, stops(), blocks(), radius_m=R),
    ):
        assert numbers(found) == (0, 7)
        assert found.evidence["people"].sum() == 7
        assert set(found.evidence["nearest_stop"]) == {""}
        assert found.evidence["nearest_m"].isna().all()


def test_who_is_not_reached_is_listed_by_squares_most_people_first() -> None:
    people = homes(((1010, 10), 3), ((1200, 200), 4), ((1300, 10), 9), ((1290, 20), 9), ((1, 1), 5))
    found = people_coverage(people, stops((0, 0), (0, 1)).set_axis(["B", "A"]), radius_m=R)
    places = found.evidence
    assert places["people"].tolist() == [18, 7]
    assert places["area_m2"].tolist() == [SQUARE_M**2] * 2
    assert places.geometry.iloc[0].equals(box(1250, 0, 1500, 250))
    assert places["nearest_stop"].tolist() == ["A", "A"]
    # From the home with most people, of two the western one.
    expected = [math.hypot(1290, 19), math.hypot(1200, 199)]
    assert places["nearest_m"].tolist() == pytest.approx(expected)


def test_positions_may_be_off_by_the_accuracies_of_stop_and_home() -> None:
    people = homes(((440, 0), 1), ((475, 0), 2), ((525, 0), 4), ((560, 0), 8))
    people = people.assign(accuracy_m=20.0, basis="open")
    about = stops((0, 0)).assign(accuracy_m=30.0, basis="open")
    found = people_coverage(people, about, units(), radius_m=R)
    rows = found.values[["low", "high"]].to_numpy()
    assert numbers(found) == (3, 15)
    (doubt,) = found.doubts
    assert (doubt.kind, doubt.method) == ("position", "band")
    assert (doubt.low, doubt.high) == (1 / 15, 7 / 15)
    assert doubt.inputs == {"stops": 30, "population": 20}
    assert (found.whole.low, found.whole.high) == (doubt.low, doubt.high)
    assert rows.tolist() == [[1 / 3, 1], [0, 1 / 3]]


def test_of_areas_the_range_is_that_of_a_smaller_and_a_larger_disc() -> None:
    about = stops((0, 0)).assign(accuracy_m=100.0, basis="sketch")
    found = people_coverage(areas((box(0, 0, 600, 600), 36)), about, radius_m=R).whole
    assert found.low is not None
    assert found.high is not None
    ends = [math.pi / 4 * (r / 600) ** 2 for r in (400, 600)]
    assert [found.low, found.high] == pytest.approx(ends, rel=CLOSED_FORM)
    assert found.low < ends[0]  # polygons inside one disc and around the other
    assert found.high > ends[1]


def test_an_accuracy_beyond_the_radius_leaves_nobody_surely_reached() -> None:
    about = stops((0, 0)).assign(accuracy_m=600.0, basis="sketch")
    found = people_coverage(homes(((0, 0), 1), ((1000, 0), 1)), about, radius_m=R).whole
    assert (found.value, found.low, found.high) == (0.5, 0, 1)


def test_invented_places_lie_where_they_are_drawn() -> None:
    invented = stops((0, 0)).assign(accuracy_m=100.0, basis="synthetic")
    found = people_coverage(homes(((480, 0), 1)), invented, radius_m=R)
    assert found.doubts == ()
    assert (found.whole.low, found.whole.high) == (1, 1)


# On foot


def test_on_square_blocks_people_are_reached_round_the_corner() -> None:
    people = homes(((0, 400), 1), ((300, 400), 2), ((300, 200), 4), ((550, 0), 8))
    straight = people_coverage(people, stops((0, 0)), radius_m=R)
    found = walk_coverage(people, stops((0, 0)), blocks(), radius_m=R)
    assert numbers(straight) == (7, 15)
    assert numbers(found) == (5, 15)
    assert found.evidence["state"].tolist() == ["beyond", "beyond"]
    assert found.evidence["people"].tolist() == [8, 2]


def test_who_cannot_walk_stays_in_the_denominator_and_is_told_why() -> None:
    street = frame([LineString([(0, 0), (900, 0)]), LineString([(0, 700), (90, 700)])], "L")
    people = homes(((100, 30), 1), ((800, 0), 2), ((50, 680), 4), ((400, 350), 8))
    found = walk_coverage(
        people, stops((0, 0), (400, 300)), walking_network(street), units(), radius_m=R
    )
    assert numbers(found) == (1, 15)
    states = dict(zip(found.evidence["people"], found.evidence["state"], strict=True))
    assert states == {8: "off_network", 4: "cut_off", 2: "beyond"}
    facts = found.facts
    assert (facts["off_network_people"], facts["cut_off_people"]) == (8, 4)
    assert facts["off_network_share"] == 8 / 15
    assert facts["stops_off_network_count"] == 1
    assert (facts["snap_median_m"], facts["snap_95_m"]) == (20, 30)
    assert facts["outside_units_people"] == 0
    assert found.values["denominator"].tolist() == [13, 2]


def test_the_way_to_the_street_may_count_or_not_and_the_value_lies_between() -> None:
    street = walking_network(frame([LineString([(0, 0), (900, 0)])], "L"))
    people = homes(((470, 40), 3), ((100, 0), 1))
    counted = walk_coverage(people, stops((0, 0)), street, radius_m=R)
    plain = walk_coverage(people, stops((0, 0)), street, radius_m=R, count_snap=False)
    assert (counted.whole.value, plain.whole.value) == (0.25, 1)
    assert counted.facts["without_snap_share"] == 1
    assert plain.facts["with_snap_share"] == 0.25
    for found in (counted, plain):
        assert (found.whole.low, found.whole.high) == (0.25, 1)
        (doubt,) = found.doubts
        assert (doubt.kind, doubt.method, doubt.low, doubt.high) == ("snap", "bounds", 0.25, 1)
        assert doubt.inputs == {"snap_limit": 100}


def test_stations_may_be_farther_on_foot_as_well() -> None:
    people = homes(((400, 0), 1), ((1200, 0), 2), ((1200, 1200), 4))
    found = walk_coverage(
        people, stops((0, 0)), blocks(), stations=stops((600, 300)), radius_m=R,
        station_radius_m=900,
    )  # fmt: skip
    assert numbers(found) == (3, 7)


def test_streets_walk_from_points_a_hundred_metres_apart() -> None:
    street = areas((box(0, -50, 1000, 50), 1000))
    line = walking_network(frame([LineString([(0, 0), (1000, 0)])], "L"))
    found = walk_coverage(street, stops((0, 0)), line, radius_m=R)
    assert numbers(found) == pytest.approx((500, 1000))  # from 50 m to 450 m
    housing = frame([box(900, -50, 1000, 50)], "Z")
    assert numbers(walk_coverage(street, stops((0, 0)), line, land=housing, radius_m=R)) == (
        0,
        1000,
    )


def test_displaced_stops_stay_on_the_network_and_those_off_it_stay_off() -> None:
    street = walking_network(frame([LineString([(0, 0), (5000, 0)])], "L"))
    homes_ = homes(((2500, 0), 1), ((2500, 130), 2))
    about = stops((2500, 0), (2600, 101)).assign(accuracy_m=[80.0, 1.0], basis="open")
    found = walk_coverage(homes_, about, street, radius_m=2000)
    assert numbers(found) == (1, 3)
    assert found.doubts[1].low == found.doubts[1].high == 1 / 3


def test_the_range_is_as_wide_as_both_doubts_together_and_repeats_itself() -> None:
    rows = [((x * 50.0 + 3, y * 50.0 + 11), 7.0) for x in range(20) for y in range(20)]
    people = homes(*rows).assign(accuracy_m=10.0, basis="open")
    about = stops((250, 250), (820, 640)).assign(accuracy_m=40.0, basis="open")
    found = walk_coverage(people, about, blocks(), units(), radius_m=R)
    again = walk_coverage(people.iloc[::-1], about.iloc[::-1], blocks(), units(), radius_m=R)
    other = walk_coverage(people, about, blocks(), units(), radius_m=R, seed=2)
    snap, position = found.doubts
    assert (position.kind, position.method) == ("position", "simulation")
    assert position.inputs == {"stops": 40, "population": 10, "draws": 20}
    value = found.whole.value
    assert value is not None
    assert position.low < value < position.high
    assert found.whole.low == pytest.approx(value - (value - snap.low) - (value - position.low))
    assert found.whole.high == pytest.approx(value + (snap.high - value) + (position.high - value))
    assert again.doubts == found.doubts
    assert again.whole == found.whole
    assert other.doubts[1] != position
    assert (found.values["low"] <= found.values["value"]).all()
    assert (found.values["high"] >= found.values["value"]).all()


def test_figures_are_plain_numbers_and_frames_stay_as_they_were() -> None:
    people, about = homes(((0, 0), 3), ((900, 0), 2)), stops((0, 0))
    given_ = [people, about, units(), areas((box(0, 0, 90, 90), 3))]
    copies = [one.copy() for one in given_]
    for population in (people, given_[3]):
        for found in (
            total_people(population, given_[2]),
            people_coverage(population, about, given_[2], about, radius_m=R),
            walk_coverage(population, about, blocks(), given_[2], about, radius_m=R),
        ):
            plain = [found.whole.value, found.whole.numerator, found.whole.low, found.whole.high]
            plain += [*found.facts.values(), *(doubt.low for doubt in found.doubts)]
            assert {type(number) for number in plain} == {float}
    for one, copy in zip(given_, copies, strict=True):
        assert one.equals(copy)


# What holds for any town


@given(some_homes, some_stops, st.sampled_from([150.0, 500.0, 900.0]), st.booleans())
def test_reached_and_missed_are_all_people(
    places: list[tuple[tuple[float, float], int]],
    at: list[tuple[float, float]],
    radius_m: float,
    on_areas: bool,
) -> None:
    people = homes(*places)
    if on_areas:
        people = people.set_geometry(people.buffer(130, quad_segs=2))
    total = float(people["people"].sum())
    for found in (
        people_coverage(people, stops(*at), units(), radius_m=radius_m),
        walk_coverage(people, stops(*at), blocks(), units(), radius_m=radius_m),
    ):
        reached, missed = found.whole.numerator or 0.0, found.evidence["people"].sum()
        # Of areas, pieces below 1 m² are not listed: a handful at most of each 47 800 m².
        assert reached + missed == pytest.approx(total, rel=1e-4 if on_areas else 1e-6)
        if total:
            assert found.whole.denominator == pytest.approx(total, rel=1e-9)
        outside = found.evidence[found.evidence["unit"] == ""]["people"].sum()
        inside = found.values["numerator"].sum()
        assert inside <= reached * (1 + 1e-9)
        assert found.values["denominator"].sum() + found.facts["outside_units_people"] == (
            pytest.approx(total, rel=1e-9)
        )
        assert outside <= found.facts["outside_units_people"] + 1e-6


@settings(max_examples=10)
@given(some_homes, some_stops, some_stops)
def test_a_larger_radius_and_more_stops_never_reach_fewer(
    places: list[tuple[tuple[float, float], int]],
    some: list[tuple[float, float]],
    more: list[tuple[float, float]],
) -> None:
    people, network = homes(*places), blocks()
    ground = people.set_geometry(people.buffer(90, quad_segs=2))

    def reached(at: list[tuple[float, float]], radius_m: float) -> list[float]:
        found = (
            people_coverage(people, stops(*at), radius_m=radius_m),
            people_coverage(ground, stops(*at), radius_m=radius_m),
            walk_coverage(people, stops(*at), network, radius_m=radius_m),
        )
        return [one.whole.numerator or 0.0 for one in found]

    steps = [reached(some, radius_m) for radius_m in (100.0, 400.0, 900.0)]
    for less, later in pairwise([*steps, reached(some + more, 900.0)]):
        assert (np.array(less) <= np.array(later) + 1e-6).all()


@given(some_homes, some_stops, st.sampled_from([200.0, 500.0, 900.0]))
def test_on_foot_never_more_are_reached_than_in_a_straight_line(
    places: list[tuple[tuple[float, float], int]], at: list[tuple[float, float]], radius_m: float
) -> None:
    people = homes(*places)
    on_foot = walk_coverage(people, stops(*at), blocks(), units(), radius_m=radius_m)
    straight = people_coverage(people, stops(*at), units(), radius_m=radius_m)
    assert (on_foot.whole.numerator or 0.0) <= (straight.whole.numerator or 0.0)
    less = on_foot.values["numerator"].fillna(0)
    assert (less <= straight.values["numerator"].fillna(0)).all()


@given(some_homes, some_stops, st.randoms())
def test_order_and_place_are_irrelevant(
    places: list[tuple[tuple[float, float], int]], at: list[tuple[float, float]], random: Random
) -> None:
    people = homes(*places)
    ground = people.set_geometry(people.buffer(130, quad_segs=2))
    order = list(people.index)
    random.shuffle(order)
    east, north = 531_250.0, 4_331_250.0  # whole squares of 250 m, so that places stay the same
    for population in (people, ground):
        one = people_coverage(population, stops(*at), units(), radius_m=R)
        moved = [
            each.set_geometry(each.translate(east, north))
            for each in (population.loc[order], stops(*at).iloc[::-1], units().iloc[::-1])
        ]
        other = people_coverage(*moved, radius_m=R)
        expected = pytest.approx(one.whole.numerator or 0.0, rel=1e-7, abs=1e-6)
        assert (other.whole.numerator or 0.0) == expected
        assert other.values.loc[one.values.index, "numerator"].fillna(0).tolist() == pytest.approx(
            one.values["numerator"].fillna(0).tolist(), rel=1e-7, abs=1e-6
        )
        assert other.evidence["people"].sum() == pytest.approx(
            one.evidence["people"].sum(), rel=1e-6, abs=1e-3
        )


@given(some_homes, some_stops)
def test_units_that_divide_the_town_add_up_to_it(
    places: list[tuple[tuple[float, float], int]], at: list[tuple[float, float]]
) -> None:
    people = homes(*places)
    halves = units(box(-400, -400, 300, 2000), box(300, -400, 2000, 2000))
    for population in (people, people.set_geometry(people.buffer(60, quad_segs=2))):
        found = people_coverage(population, stops(*at), halves, radius_m=R)
        for column, value in zip(("numerator", "denominator"), numbers(found), strict=True):
            assert found.values[column].sum() == pytest.approx(value or 0.0, rel=1e-9)


# Two cities, by other programs


@pytest.fixture(scope="module")
def friedrichshain(testbed: Path) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Cells with residents, and the stops of a district of Berlin, in metres."""
    folder = testbed / "friedrichshain"
    raw = raster.read(
        folder / "friedrichshain_population_raster.tif", "人口.tif", Choice(raster="cells"), LIMITS
    )
    cells = raw.frame.set_crs(raw.crs).to_crs("EPSG:32633")
    at = gpd.read_file(folder / "friedrichshain_pt.gpkg").to_crs("EPSG:32633")
    return cells.set_axis(cells.index.astype(str)), at.set_axis("S" + at.index.astype(str))


@pytest.fixture(scope="module")
def duck() -> duckdb.DuckDBPyConnection:
    """DuckDB with its spatial functions, from the package alone."""
    name = "duckdb_extension_spatial"
    (extension,) = Path(str(files(name))).rglob("spatial.duckdb_extension")
    connection = duckdb.connect(config={"autoinstall_known_extensions": False})
    connection.load_extension(str(extension))
    return connection


def in_duck(duck: duckdb.DuckDBPyConnection, name: str, layer: gpd.GeoDataFrame) -> None:
    """Make a table `name` of a layer: id, people where there are any, geometry."""
    people = layer.get("people", 0.0)
    table = pd.DataFrame({"id": layer.index, "people": people, "wkb": layer.geometry.to_wkb()})
    duck.register("given", table)
    duck.execute(
        f"create or replace table {name} as"  # noqa: S608 - names of this file
        " select id, people, st_geomfromwkb(wkb) as geom from given"
    )
    duck.unregister("given")


def quarters(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Four units that share out a layer's ground, askew."""
    west, south, east, north = box(*layer.total_bounds).buffer(9).bounds
    middle = (west * 0.6 + east * 0.4, south * 0.3 + north * 0.7)
    sides = [(west, south), (east, south), (east, north), (west, north)]
    shapes = [Polygon([one, other, middle]) for one, other in pairwise([*sides, sides[0]])]
    return units(*shapes).set_crs(layer.crs, allow_override=True)


def test_friedrichshain_has_all_its_people_and_nearly_all_near_a_stop(
    friedrichshain: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame],
) -> None:
    cells, at = friedrichshain
    parts = quarters(cells)
    total = total_people(cells, parts, people_column="value")
    assert total.whole.value == pytest.approx(88_270.71, abs=0.01)
    assert total.values["value"].sum() == pytest.approx(total.whole.value, rel=1e-9)
    found = people_coverage(cells, at, parts, radius_m=R, people_column="value")
    assert found.whole.denominator == pytest.approx(88_270.71, abs=0.01)
    assert found.values["numerator"].sum() == pytest.approx(found.whole.numerator, rel=1e-9)
    # A published study has 95.99 % on foot: in a straight line there must be more.
    assert found.whole.value is not None
    assert 0.9599 < found.whole.value < 1
    # The second way: each cell's people at its middle, which is off by half a cell at most.
    away = shapely.STRtree(at.geometry.to_numpy()).query_nearest(
        cells.centroid.to_numpy(), return_distance=True, all_matches=False
    )[1]
    for radius_m in (200.0, 300.0, R):
        near = float(cells["value"][away <= radius_m].sum())
        reached = people_coverage(cells, at, radius_m=radius_m, people_column="value")
        assert reached.whole.numerator == pytest.approx(near, rel=1e-2)
        walks = as_places(cells, people_column="value")
        middle = people_coverage(walks, at, radius_m=radius_m)
        assert middle.whole.numerator == pytest.approx(near, rel=1e-9)


def test_duckdb_finds_the_same_people_and_areas_near_a_stop_in_each_unit(
    friedrichshain: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame],
    duck: duckdb.DuckDBPyConnection,
) -> None:
    cells, at = friedrichshain
    cells = cells.assign(people=cells["value"])
    parts = quarters(cells)
    for name, layer in {"cells": cells, "stops": at, "units": parts}.items():
        in_duck(duck, name, layer)
    radius_m = 300.0
    duck.execute(
        "create or replace table reach as select"
        " st_union_agg(st_buffer(geom, ?::double, 64)) as geom from stops",
        [radius_m],
    )
    shares = duck.execute(
        "select u.id, sum(c.people * st_area(st_intersection(st_intersection(c.geom, u.geom),"
        " r.geom)) / st_area(c.geom)) from cells c, units u, reach r"
        " where st_intersects(c.geom, u.geom) group by u.id order by u.id"
    ).fetchall()
    found = people_coverage(cells, at, parts, radius_m=radius_m)
    assert found.values["numerator"].to_dict() == pytest.approx(dict(shares), rel=1e-7)
    ground = duck.execute(
        "select u.id, st_area(st_intersection(u.geom, r.geom)) from units u, reach r"
    ).fetchall()
    covered = stop_coverage(at, parts, radius_m=radius_m).values["numerator"]
    assert covered.to_dict() == pytest.approx(dict(ground), rel=1e-7)
    points = as_places(cells)
    in_duck(duck, "places", points)
    (near,) = duck.execute(
        "select sum(people) from places p where exists"
        " (select 1 from stops s where st_distance(p.geom, s.geom) <= ?)",
        [radius_m],
    ).fetchall()
    reached = people_coverage(points, at, radius_m=radius_m).whole.numerator
    assert reached == pytest.approx(near[0], rel=1e-9)


@pytest.fixture(scope="module")
def sao_paulo(testbed: Path) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Residents of hexagons at their middles, stops and streets of the city's centre, in metres."""
    folder, crs = testbed / "sao_paulo", "EPSG:31983"
    table = pd.read_csv(folder / "spo_hexgrid.csv").set_index("id")
    middles = gpd.points_from_xy(table["lon"], table["lat"])
    people = gpd.GeoDataFrame(
        {"people": table["population"]}, geometry=middles, crs="EPSG:4326"
    ).to_crs(crs)
    feed = gtfs.read(folder / "spo.zip", "spo.zip", Choice(), LIMITS)
    at = feed.frame.set_crs(feed.crs).to_crs(crs).set_index("stop_id")
    part = Choice(part="walking_network")
    extract = osm.read(folder / "spo_osm.pbf", "spo_osm.pbf", part, LIMITS)
    ways = extract.frame.set_crs(extract.crs).to_crs(crs)
    return people, at, ways.set_axis(ways.index.astype(str))


def walked_on_whole_graph(
    people: gpd.GeoDataFrame, at: gpd.GeoDataFrame, ways: gpd.GeoDataFrame
) -> NDArray[np.float64]:
    """Metres from each home to the nearest stop: ways cut at every place, shortest paths in scipy.

    Places reach the network by shapely: nearest line, and the point on it.
    """
    lines, both = ways.geometry.to_numpy(), pd.concat([people.geometry, at.geometry]).to_numpy()
    place, line = shapely.STRtree(lines).query_nearest(both, max_distance=100.0, all_matches=False)
    along = shapely.line_locate_point(lines[line], both[place])
    nodes: dict[tuple[float, float], int] = {}
    edges: list[tuple[int, int, float]] = []
    own = {int(p): -1 for p in place}
    for number, way in enumerate(lines):
        xy = shapely.get_coordinates(way)
        step = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
        on = np.flatnonzero(line == number)
        stations = [
            (at_m, nodes.setdefault((x, y), len(nodes)))
            for at_m, (x, y) in zip(step, xy, strict=True)
        ]
        for k in on:
            own[int(place[k])] = nodes.setdefault((math.inf, float(place[k])), len(nodes))
            stations.append((float(along[k]), own[int(place[k])]))
        stations.sort(key=lambda station: station[0])
        edges += [(a, b, to - from_) for (from_, a), (to, b) in pairwise(stations)]
    snap = np.full(len(both), np.inf)
    snap[place] = shapely.distance(both[place], lines[line])
    one, other, metres = (np.array(side) for side in zip(*edges, strict=True))
    source = len(nodes)
    starts = [p for p in range(len(people), len(both)) if p in own]
    one = np.append(one, [source] * len(starts))
    other = np.append(other, [own[p] for p in starts])
    # A path over no metres is no edge to scipy, and two edges between two nodes are added up.
    metres = np.maximum(np.append(metres, snap[starts]), 1e-9)
    graph = pd.DataFrame({"a": np.minimum(one, other), "b": np.maximum(one, other), "m": metres})
    graph = graph[graph["a"] != graph["b"]].groupby(["a", "b"])["m"].min().reset_index()
    size = len(nodes) + 1
    matrix = coo_array((graph["m"], (graph["a"], graph["b"])), shape=(size, size)).tocsr()
    far = dijkstra(matrix, directed=False, indices=source)
    return np.array([far[own[p]] + snap[p] if p in own else np.inf for p in range(len(people))])


def test_sao_paulo_is_reached_as_two_other_programs_say(
    sao_paulo: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame],
) -> None:
    people, at, ways = sao_paulo
    assert (len(people), people["people"].sum(), len(at)) == (323, 517_570, 654)
    network = walking_network(ways)
    metres = walked_on_whole_graph(people, at, ways)
    for radius_m in (300.0, R, 800.0):
        on_foot = walk_coverage(people, at, network, radius_m=radius_m)
        assert numbers(on_foot) == (people["people"][metres <= radius_m].sum(), 517_570)
        straight = people_coverage(people, at, radius_m=radius_m)
        discs = at.geometry.buffer(radius_m, quad_segs=512).union_all()
        assert straight.whole.numerator == people["people"][people.within(discs)].sum()
        assert (on_foot.whole.numerator or 0) < (straight.whole.numerator or 0)
        assert on_foot.evidence["people"].sum() == 517_570 - (on_foot.whole.numerator or 0)
