"""Circles of daily life: who has every kind of facility within a short way of home."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from random import Random

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, Point, box
from shapely.geometry.base import BaseGeometry

from spatial.measures.circles import circle_share, kind_shares
from spatial.measures.people import people_coverage, walk_coverage
from spatial.network import Network, walking_network
from spatial.phrases import PHRASES

CRS = "EPSG:4548"


def sites(
    shapes: Mapping[str, BaseGeometry], kinds: Mapping[str, str] | None = None, off_m: float = 0.0
) -> gpd.GeoDataFrame:
    """Facilities by id; without kinds all are of one, as a single layer has no such column."""
    frame = gpd.GeoDataFrame(
        {"accuracy_m": [off_m] * len(shapes)},
        geometry=list(shapes.values()),
        index=list(shapes),
        crs=CRS,
    )
    return frame if kinds is None else frame.assign(layer=[kinds[name] for name in shapes])


def homes(*living: tuple[float, float, float], off_m: float = 0.0) -> gpd.GeoDataFrame:
    """Homes at x and y, each with a number of people."""
    return gpd.GeoDataFrame(
        {"people": [people for *_, people in living], "accuracy_m": [off_m] * len(living)},
        geometry=[Point(x, y) for x, y, _ in living],
        index=[f"H{number}" for number in range(len(living))],
        crs=CRS,
    )


def ways(*lines: Sequence[tuple[float, float]]) -> gpd.GeoDataFrame:
    ids = [f"W{number}" for number in range(len(lines))]
    return gpd.GeoDataFrame(geometry=[LineString(line) for line in lines], index=ids, crs=CRS)


TWO = sites({"C": Point(0, 0), "S": Point(400, 0)}, {"C": "clinics", "S": "schools"})
ROW = homes((-100, 0, 10), (200, 0, 30), (600, 0, 15), (900, 0, 45))


def test_only_who_has_every_kind_near_counts() -> None:
    found = circle_share(TWO, ROW, radius_m=300)
    # A clinic within 300 m: 10 + 30; a school: 30 + 15; both: 30 of 100.
    assert (found.whole.value, found.whole.numerator) == (0.3, 30)
    assert found.facts["kinds_count"] == 2
    assert found.facts["least_kind_share"] == 0.4
    table = kind_shares(TWO, ROW, radius_m=300)
    assert table.index.tolist() == ["clinics", "schools"]
    assert table["people"].tolist() == [40, 45]
    assert table["share"].tolist() == [0.4, 0.45]
    assert table["facilities"].tolist() == [1, 1]


@pytest.mark.parametrize("network", [None, walking_network(ways([(-200, 0), (1000, 0)]))])
def test_a_feature_without_a_number_may_have_as_many_people_as_the_largest(
    network: Network | None,
) -> None:
    # 30 of 100 have both; one more with up to 45: 30 of 145 to 75 of 145.
    people = pd.concat([ROW, homes((300, 0, math.nan)).set_axis(["H9"])])
    found = circle_share(TWO, people, network=network, radius_m=300)
    assert (found.whole.value, found.facts["unnumbered_count"]) == (0.3, 1)
    doubt = found.doubts[-1]
    assert (doubt.kind, doubt.method) == ("unnumbered", "bounds")
    assert (doubt.low, doubt.high) == pytest.approx((30 / 145, 75 / 145))
    assert (found.whole.low, found.whole.high) == pytest.approx((30 / 145, 75 / 145))


def test_without_any_number_there_is_no_share() -> None:
    assert circle_share(TWO, homes((200, 0, math.nan)), radius_m=300).whole.value is None


def test_at_exactly_the_radius_a_facility_is_near() -> None:
    one = sites({"C": Point(0, 0)})
    assert circle_share(one, homes((300, 400, 1)), radius_m=500).whole.value == 1
    assert circle_share(one, homes((300, 400.01, 1)), radius_m=500).whole.value == 0


def test_a_kind_that_is_asked_for_and_not_there_is_near_to_nobody() -> None:
    for network in (None, walking_network(ways([(-100, 0), (900, 0)]))):
        asked = ("clinics", "markets", "schools")
        found = circle_share(TWO, ROW, network=network, radius_m=300, kinds=asked, draws=1)
        assert found.whole.value == 0
        assert found.facts["least_kind_share"] == 0
        table = kind_shares(TWO, ROW, network, radius_m=300, kinds=asked)
        assert table.loc[["markets"]].to_numpy().tolist() == [[0, 0, 0]]


def test_no_facility_at_all_is_near_to_nobody() -> None:
    nothing = sites({})
    for network in (None, walking_network(ways([(0, 0), (900, 0)]))):
        found = circle_share(nothing, ROW, network=network, radius_m=300)
        assert found.whole.value == 0
        assert found.evidence["people"].sum() == 100


def test_without_people_there_is_no_share() -> None:
    for living in (homes(), homes((0, 0, 0))):
        found = circle_share(TWO, living, radius_m=300)
        assert found.whole.value is None
        assert found.evidence.empty
        assert kind_shares(TWO, living, radius_m=300)["share"].isna().all()


def test_to_a_park_the_way_is_that_to_its_edge() -> None:
    park = sites({"P": box(0, 0, 1000, 1000)})  # its middle is 800 m from the first home
    living = homes((-300, 500, 10), (-301, 500, 20), (500, 500, 40), (-180, -240, 5))
    # 300 m west of the edge, 301 m, inside, and 300 m from a corner (180, 240, 300).
    found = circle_share(park, living, radius_m=300)
    assert found.whole.numerator == 10 + 40 + 5


def test_on_foot_a_park_is_entered_where_its_edge_is_near_a_walkway() -> None:
    # The street ends 300 m before the eastern edge of a park that lies 200 m north of it.
    park = sites({"P": box(0, 20, 400, 400)})
    network = walking_network(ways([(0, 0), (1000, 0)]))
    living = homes((500, 0, 10), (680, 0, 20), (800, 0, 40))
    # From its corner at 400 m, 20 m off the street: 120 m, 300 m, 420 m.
    found = circle_share(park, living, network=network, radius_m=300)
    assert found.whole.numerator == 30
    less = circle_share(park, living, network=network, radius_m=299)
    assert less.whole.numerator == 10
    assert (
        circle_share(park, living, network=network, radius_m=299, count_snap=False).whole.numerator
        == 30
    )


def test_the_long_side_of_a_park_is_entered_along_its_length() -> None:
    # The street touches the park only in the middle of a side of 1000 m, far from its corners.
    park = sites({"P": box(0, 0, 1000, 400)})
    network = walking_network(ways([(510, -400), (510, -5)]))
    found = circle_share(park, homes((510, -200, 1)), network=network, radius_m=250)
    assert found.whole.value == 1


def test_water_that_walkways_go_around_makes_the_circle_smaller() -> None:
    clinic = sites({"C": Point(0, 100)})
    around = walking_network(
        ways([(0, 0), (400, 0)], [(400, 0), (400, 100)], [(400, 100), (0, 100)])
    )
    living = homes((0, 0, 7))
    assert circle_share(clinic, living, radius_m=500).whole.value == 1
    assert circle_share(clinic, living, network=around, radius_m=500).whole.value == 0
    assert circle_share(clinic, living, network=around, radius_m=900).whole.value == 1


def test_who_lives_off_the_network_lacks_everything_and_is_told() -> None:
    network = walking_network(ways([(-100, 0), (900, 0)]))
    living = homes((0, 0, 30), (0, 500, 10))
    far = sites({"C": Point(0, 0), "D": Point(0, 900)}, {"C": "clinics", "D": "clinics"})
    found = circle_share(far, living, network=network, radius_m=300)
    assert found.whole.value == 0.75
    assert found.facts["off_network_people"] == 10
    assert found.facts["facilities_off_network_count"] == 1
    assert set(found.facts) <= set(PHRASES["facts"])


def test_who_reaches_the_network_as_drawn_does_so_wherever_all_may_lie() -> None:
    network = walking_network(ways([(0, 0), (1000, 0)]))
    living = homes((100, 0, 30), (500, 101, 10), off_m=800)
    both = sites({"C": Point(400, 0), "P": box(0, 50, 900, 400)}, {"C": "clinics", "P": "parks"})
    found = circle_share(
        both.assign(accuracy_m=900.0), living, network=network, radius_m=1e5, draws=5
    )
    assert (found.whole.low, found.whole.value, found.whole.high) == (0.75, 0.75, 0.75)


def test_a_park_is_off_the_network_only_if_all_its_edge_is() -> None:
    network = walking_network(ways([(0, 0), (900, 0)]))
    parks = sites({"P": box(0, 50, 400, 900), "Q": box(0, 200, 400, 900)})
    found = circle_share(parks, homes((0, 0, 1)), network=network, radius_m=300)
    assert found.facts["facilities_off_network_count"] == 1


def test_units_have_shares_of_their_own_people() -> None:
    units = sites({"W": box(-500, -500, 400, 500), "E": box(400, -500, 700, 500)})
    found = circle_share(TWO, ROW, units, radius_m=300)
    rows = found.values.loc[["W", "E"], ["numerator", "denominator"]].to_numpy().tolist()
    assert rows == [[30, 40], [0, 15]]
    assert found.whole.denominator == 100
    assert found.facts["outside_units_people"] == 45


def test_where_people_lack_something_is_told_with_what_they_lack() -> None:
    found = circle_share(TWO, ROW, radius_m=300)
    rows = found.evidence[["unit", "area_m2", "people", "lacks"]].to_numpy().tolist()
    assert rows == [
        ["", 62_500, 45, "clinics,schools"],
        ["", 62_500, 15, "clinics"],
        ["", 62_500, 10, "schools"],
    ]
    assert list(found.evidence.columns) == ["unit", "area_m2", "people", "lacks", "geometry"]


@pytest.mark.parametrize(
    "east_m,expected",
    [(240, (1, 1, 1)), (260, (0, 1, 1)), (340, (0, 0, 1)), (360, (0, 0, 0))],
)
@pytest.mark.parametrize("off_m,home_off_m", [(50, 0), (0, 50), (20, 30)])
def test_a_home_near_the_rim_may_lie_on_either_side(
    east_m: float, off_m: float, home_off_m: float, expected: tuple[float, float, float]
) -> None:
    clinic = sites({"C": Point(0, 0)}, off_m=off_m)
    whole = circle_share(clinic, homes((east_m, 0, 8), off_m=home_off_m), radius_m=300).whole
    assert (whole.low, whole.value, whole.high) == expected


def test_a_sketched_facility_far_away_may_be_nearer_than_a_surveyed_one() -> None:
    clinics = sites({"C": Point(0, 0), "D": Point(900, 0)}).assign(accuracy_m=[10.0, 800.0])
    whole = circle_share(clinics, homes((350, 0, 8)), radius_m=300).whole
    assert (whole.low, whole.value, whole.high) == (0, 0, 1)


living_places = st.lists(
    st.tuples(st.integers(0, 900), st.integers(0, 900), st.integers(1, 50)), min_size=1, max_size=9
)
places = st.lists(
    st.tuples(
        st.integers(0, 900), st.integers(0, 900), st.sampled_from(["clinics", "parks", "schools"])
    ),
    min_size=1,
    max_size=8,
)
radii = st.sampled_from([100.0, 300.0, 700.0])
GRID = walking_network(
    ways(
        *[[(x, y) for y in range(0, 901, 150)] for x in range(0, 901, 150)],
        *[[(x, y) for x in range(0, 901, 150)] for y in range(0, 901, 150)],
    )
)


def some_sites(given_: Sequence[tuple[float, float, str]], off_m: float = 0.0) -> gpd.GeoDataFrame:
    """Clinics and schools at points, parks as squares of 100 m."""
    shapes = {
        f"F{number}": box(x, y, x + 100, y + 100) if kind == "parks" else Point(x, y)
        for number, (x, y, kind) in enumerate(given_)
    }
    return sites(shapes, {f"F{number}": kind for number, (*_, kind) in enumerate(given_)}, off_m)


ALL = ("clinics", "parks", "schools")


@given(living_places, places, st.tuples(st.integers(0, 900), st.integers(0, 900)), st.booleans())
def test_one_more_facility_never_lowers_a_share(
    living: list[tuple[float, float, float]],
    given_: list[tuple[float, float, str]],
    more: tuple[int, int],
    on_foot: bool,
) -> None:
    network, people = GRID if on_foot else None, homes(*living)
    few, many = (
        circle_share(some_sites(some), people, network=network, radius_m=300, kinds=ALL, draws=1)
        for some in (given_, [*given_, (*more, "clinics")])
    )
    assert (many.whole.value or 0) >= (few.whole.value or 0)
    assert (few.whole.low or 0) <= (few.whole.value or 0) <= (few.whole.high or 0)


@given(living_places, places, st.booleans())
def test_a_larger_radius_never_lowers_a_share_and_one_more_kind_never_raises_it(
    living: list[tuple[float, float, float]],
    given_: list[tuple[float, float, str]],
    on_foot: bool,
) -> None:
    network, people, frame = GRID if on_foot else None, homes(*living), some_sites(given_)

    def value(radius_m: float, kinds: tuple[str, ...] = ()) -> float:
        found = circle_share(
            frame, people, network=network, radius_m=radius_m, kinds=kinds, draws=1
        )
        return found.whole.value or 0.0

    shares = [value(radius_m) for radius_m in (150, 500, 3000)]
    assert all(less <= more for less, more in pairwise(shares))
    assert value(500, ALL) <= shares[1]
    least = kind_shares(frame, people, network, radius_m=500)["share"].min()
    assert shares[1] <= least + 1e-12


@given(living_places, places, radii)
def test_the_way_on_foot_is_never_shorter_than_the_straight_one(
    living: list[tuple[float, float, float]],
    given_: list[tuple[float, float, str]],
    radius_m: float,
) -> None:
    people, frame = homes(*living), some_sites(given_)
    straight = kind_shares(frame, people, radius_m=radius_m)["people"]
    walked = kind_shares(frame, people, GRID, radius_m=radius_m)["people"]
    assert (walked <= straight).all()


@given(living_places, places, st.booleans(), st.randoms())
def test_the_order_of_features_is_irrelevant(
    living: list[tuple[float, float, float]],
    given_: list[tuple[float, float, str]],
    on_foot: bool,
    random: Random,
) -> None:
    frame, people = some_sites(given_, off_m=30), homes(*living, off_m=20)
    orders = list(frame.index), list(people.index)
    for order in orders:
        random.shuffle(order)
    network = GRID if on_foot else None
    one = circle_share(frame, people, network=network, radius_m=300, draws=1)
    other = circle_share(
        frame.loc[orders[0]], people.loc[orders[1]], network=network, radius_m=300, draws=1
    )
    assert other.whole == one.whole
    assert other.evidence.equals(one.evidence)


@given(living_places, places, st.sampled_from([10.0, 90.0]), st.integers(0, 99))
def test_no_displacement_within_the_accuracies_leaves_the_band(
    living: list[tuple[float, float, float]],
    given_: list[tuple[float, float, str]],
    off_m: float,
    seed: int,
) -> None:
    band = circle_share(
        some_sites(given_, off_m=off_m), homes(*living, off_m=off_m), radius_m=300
    ).whole
    random = np.random.default_rng(seed)

    def moved(x: float, y: float) -> tuple[float, float]:
        angle, far = random.uniform(0, 2 * math.pi), off_m * random.uniform(0, 1)
        return x + far * math.cos(angle), y + far * math.sin(angle)

    found = circle_share(
        some_sites([(*moved(x, y), kind) for x, y, kind in given_]),
        homes(*[(*moved(x, y), number) for x, y, number in living]),
        radius_m=300,
    ).whole
    assert band.low is not None
    assert band.high is not None
    assert found.value is not None
    assert band.low <= found.value <= band.high


@given(living_places, places, st.sampled_from([0.0, 40.0]))
def test_of_one_kind_it_is_the_coverage_of_people(
    living: list[tuple[float, float, float]],
    given_: list[tuple[float, float, str]],
    off_m: float,
) -> None:
    stops = sites({f"S{n}": Point(x, y) for n, (x, y, _) in enumerate(given_)}, off_m=off_m)
    people = homes(*living, off_m=off_m)
    straight = circle_share(stops, people, radius_m=300).whole
    assert straight == people_coverage(people, stops, radius_m=300).whole
    walked = circle_share(stops, people, network=GRID, radius_m=300, draws=2)
    other = walk_coverage(people, stops, GRID, radius_m=300, draws=2)
    assert walked.whole == other.whole
    assert walked.doubts[0].high == other.doubts[0].high


def test_the_frames_given_are_left_as_they_were() -> None:
    frame, people = some_sites([(0, 0, "parks"), (5, 5, "clinics")], off_m=9), homes((0, 0, 7))
    copies = frame.copy(), people.copy()
    circle_share(frame, people, radius_m=300)
    circle_share(frame, people, network=GRID, radius_m=300, draws=1)
    kind_shares(frame, people, GRID, radius_m=300)
    assert frame.equals(copies[0])
    assert people.equals(copies[1])
