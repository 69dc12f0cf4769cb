"""Facilities and those whom they are for: enough of them, none overrun, so much for each head."""

import math
from collections.abc import Mapping, Sequence
from random import Random

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, Point, box
from shapely.geometry.base import BaseGeometry

from layers import Text
from spatial import Check
from spatial.measurement import Measurement
from spatial.measures.facilities import area_per_head, facilities_per_unit, people_per_facility
from spatial.network import walking_network
from spatial.phrases import PHRASES
from spatial.plan import Cite
from spatial.verdict import judge

CRS = "EPSG:4548"
EACH = 100_000.0
STREETS = {"A": box(0, 0, 1000, 1000), "B": box(1000, 0, 2000, 1000)}
TEXT = Text(zh="目标", en="target")


def frame(
    shapes: Mapping[str, BaseGeometry], *, off_m: float = 0.0, basis: str = "official"
) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"accuracy_m": [off_m] * len(shapes), "basis": [basis] * len(shapes)},
        geometry=list(shapes.values()),
        index=list(shapes),
        crs=CRS,
    )


def sites(*places: tuple[float, float], off_m: float = 0.0) -> gpd.GeoDataFrame:
    return frame({f"S{n}": Point(place) for n, place in enumerate(places)}, off_m=off_m)


def homes(*living: tuple[float, float, float], off_m: float = 0.0) -> gpd.GeoDataFrame:
    """Homes at x and y, each with a number of people."""
    shapes = {f"H{n}": Point(x, y) for n, (x, y, _) in enumerate(living)}
    return frame(shapes, off_m=off_m).assign(people=[people for *_, people in living])


def ratios(found: Measurement) -> dict[str, tuple[float, float, float]]:
    rows = found.values[["low", "value", "high"]].to_numpy().tolist()
    return {
        str(unit): (low, value, high)
        for unit, (low, value, high) in zip(found.values.index, rows, strict=True)
    }


def verdict(found: Measurement, *, how: str = "each", **asked: float) -> str:
    check = Check.model_validate(
        {
            "id": "c",
            "title": TEXT,
            "cite": Cite(),
            "measure": "facilities_per_unit",
            "layers": {},
            "target": {"unit": "ratio", **asked},
            "judge": how,
            "sentence": TEXT,
        }
    )
    return judge(check, found, "official").verdict


@pytest.mark.parametrize(
    "people,need",
    [(0, 1), (1, 1), (100_000, 1), (100_001, 2), (200_000, 2), (430_000, 5)],
)
def test_a_unit_needs_one_for_every_so_many_people_and_one_at_least(
    people: float, need: float
) -> None:
    found = facilities_per_unit(
        sites((500, 500)),
        frame({"A": STREETS["A"]}),
        homes((5, 5, people)),
        people_per_facility=EACH,
    )
    assert found.values.loc["A", "denominator"] == need
    assert found.whole.value == pytest.approx(1 / need)
    assert found.facts["needed_count"] == need


def test_people_shared_out_by_area_do_not_ask_for_one_more_by_rounding() -> None:
    # A third of 300 000 is 100 000, whatever the last digit of the division says.
    block = frame({"H": box(0, 0, 3, 0.7)}).assign(people=300_000)
    units = frame({f"U{n}": box(n, -1, n + 1, 1) for n in range(3)})
    found = facilities_per_unit(sites(), units, block, people_per_facility=EACH)
    assert found.values["denominator"].tolist() == [1, 1, 1]


def test_without_a_population_each_unit_needs_one() -> None:
    found = facilities_per_unit(sites((10, 10), (20, 20)), frame(STREETS), people_per_facility=EACH)
    assert ratios(found) == {"A": (2, 2, 2), "B": (0, 0, 0)}
    assert (found.whole.value, found.whole.numerator, found.whole.denominator) == (1, 2, 2)
    assert found.evidence["people"].isna().all()
    assert verdict(found, at_least=1) == "not_met"


def test_a_facility_on_a_border_belongs_to_the_first_unit_by_id() -> None:
    on_it = sites((1000, 500))
    for order in (["A", "B"], ["B", "A"]):
        found = facilities_per_unit(on_it, frame(STREETS).loc[order], people_per_facility=EACH)
        assert ratios(found) == {"A": (1, 1, 1), "B": (0, 0, 0)}


def test_a_facility_outside_all_units_is_counted_apart() -> None:
    found = facilities_per_unit(sites((5000, 0)), frame(STREETS), people_per_facility=EACH)
    assert found.facts == {
        "facilities_outside_count": 1,
        "units_without_count": 2,
        "needed_count": 2,
    }
    assert found.whole.value == 0


@pytest.mark.parametrize(
    "east_m,a,b",
    [
        (940, (1, 1, 1), (0, 0, 0)),  # 60 m from a border, of which it may be 50 m off
        (960, (0, 1, 1), (0, 0, 1)),
        (1040, (0, 0, 1), (0, 1, 1)),
        (1060, (0, 0, 0), (1, 1, 1)),
    ],
)
def test_a_facility_near_a_border_may_lie_on_the_other_side(
    east_m: float, a: tuple[float, ...], b: tuple[float, ...]
) -> None:
    for found in (
        facilities_per_unit(
            sites((east_m, 500), off_m=50), frame(STREETS), people_per_facility=EACH
        ),
        facilities_per_unit(
            sites((east_m, 500)), frame(STREETS, off_m=50), people_per_facility=EACH
        ),
        facilities_per_unit(
            sites((east_m, 500), off_m=20), frame(STREETS, off_m=30), people_per_facility=EACH
        ),
    ):
        assert ratios(found) == {"A": a, "B": b}
        # It lies in one of both for sure: the border between them is none of the whole.
        assert (found.whole.low, found.whole.value, found.whole.high) == (0.5, 0.5, 0.5)
        assert [doubt.kind for doubt in found.doubts] == ["position"]


def test_a_border_too_near_to_tell_leaves_the_verdict_open() -> None:
    both = facilities_per_unit(
        sites((980, 500), (1500, 500), off_m=50), frame(STREETS), people_per_facility=EACH
    )
    assert verdict(both, at_least=1) == "undetermined"
    far = facilities_per_unit(
        sites((500, 500), (1500, 500), off_m=50), frame(STREETS), people_per_facility=EACH
    )
    assert verdict(far, at_least=1) == "met"


def test_near_the_outer_border_a_facility_may_lie_in_no_unit() -> None:
    found = facilities_per_unit(
        sites((500, 10), (500, -10), off_m=50), frame(STREETS), people_per_facility=EACH
    )
    assert ratios(found)["A"] == (0, 1, 2)
    assert (found.whole.low, found.whole.value, found.whole.high) == (0, 0.5, 1)


def test_the_units_that_fall_short_are_shown_with_most_people_first() -> None:
    units = frame({**STREETS, "C": box(2000, 0, 3000, 1000)})
    living = homes((100, 100, 150_000), (1100, 100, 250_000), (2100, 100, 50_000))
    found = facilities_per_unit(
        sites((500, 500), (2500, 500)), units, living, people_per_facility=EACH
    )
    rows = found.evidence[["unit", "area_m2", "people", "facilities", "need"]]
    assert rows.to_numpy().tolist() == [["B", 1e6, 250_000, 0, 3], ["A", 1e6, 150_000, 1, 2]]
    assert list(found.evidence.index) == [1, 2]


def test_without_units_there_is_nothing_to_measure() -> None:
    found = facilities_per_unit(sites((0, 0)), frame({}), people_per_facility=EACH)
    assert found.whole.value is None
    assert found.values.empty
    assert found.evidence.empty


spots = st.tuples(st.integers(0, 2000), st.integers(0, 1000))


@given(st.lists(spots, max_size=8), spots, st.sampled_from([0.0, 30.0]))
def test_one_more_facility_never_lowers_a_ratio(
    places: list[tuple[int, int]], more: tuple[int, int], off_m: float
) -> None:
    few, many = (
        facilities_per_unit(sites(*some, off_m=off_m), frame(STREETS), people_per_facility=EACH)
        for some in (places, [*places, more])
    )
    for name in ("low", "value", "high"):
        assert (many.values[name] >= few.values[name]).all()
    assert (few.values["low"] <= few.values["value"]).all()
    assert (few.values["value"] <= few.values["high"]).all()


def test_everyone_goes_to_the_nearest_and_of_two_to_the_first_by_id() -> None:
    living = homes((10, 0, 5), (50, 0, 7), (90, 0, 9))
    found = people_per_facility(sites((0, 0), (100, 0)), living)
    assert found.values["value"].to_dict() == {"S0": 12, "S1": 9}
    assert (found.whole.value, found.whole.low, found.whole.high) == (12, 12, 12)
    assert found.doubts == ()
    assert found.evidence.empty


def test_on_foot_the_nearest_is_not_the_one_across_the_water() -> None:
    # S0 lies 100 m north of the home and 900 m away on foot; S1 is 300 m down the street.
    ways = frame(
        {
            "W1": LineString([(0, 0), (400, 0)]),
            "W2": LineString([(400, 0), (400, 100)]),
            "W3": LineString([(400, 100), (0, 100)]),
        }
    )
    living, centres = homes((0, 0, 40)), sites((0, 100), (300, 0))
    straight = people_per_facility(centres, living)
    walked = people_per_facility(centres, living, walking_network(ways))
    assert straight.values["value"].tolist() == [40, 0]
    assert walked.values["value"].tolist() == [0, 40]


def test_who_lives_off_the_network_reaches_no_facility() -> None:
    ways = frame({"W": LineString([(0, 0), (900, 0)])})
    living = homes((100, 0, 30), (100, 500, 20))
    found = people_per_facility(sites((0, 0)), living, walking_network(ways))
    assert found.values["value"].tolist() == [30]
    assert found.facts["unreached_people"] == 20
    assert found.doubts[0].inputs == {"snap_limit": 100}


def test_who_reaches_no_facility_may_belong_to_any() -> None:
    ways = walking_network(
        frame(
            {
                "W": LineString([(0, 0), (900, 0)]),
                "island": LineString([(0, 5000), (900, 5000)]),  # leads to none
            }
        )
    )
    living = homes((100, 0, 30_000), (800, 0, 90_000), (100, 5000, 40_000), (100, 9000, 5_000))
    found = people_per_facility(sites((0, 0), (900, 0)), living, ways)
    assert ratios(found) == {"S0": (30e3, 30e3, 75e3), "S1": (90e3, 90e3, 135e3)}
    assert (found.whole.value, found.whole.low, found.whole.high) == (90e3, 90e3, 135e3)
    doubt = found.doubts[-1]
    assert (doubt.kind, doubt.method, doubt.low, doubt.high) == ("unreached", "bounds", 90e3, 135e3)
    assert doubt.inputs == {"people": 45e3}
    assert verdict(found, how="whole", at_most=100_000) == "undetermined"
    assert verdict(found, how="whole", at_most=140_000) == "met"
    assert verdict(found, how="whole", at_most=80_000) == "not_met"


def test_if_nobody_reaches_a_facility_that_is_not_met_by_any() -> None:
    ways = walking_network(frame({"W": LineString([(0, 0), (900, 0)])}))
    found = people_per_facility(sites((0, 0)), homes((100, 9000, 500_000)), ways)
    assert ratios(found) == {"S0": (0, 0, 500_000)}
    assert verdict(found, how="whole", at_most=100_000) == "undetermined"


@pytest.mark.parametrize("on_foot", [False, True])
def test_people_without_a_number_leave_the_high_ends_open(on_foot: bool) -> None:
    network = walking_network(frame({"W": LineString([(0, 0), (900, 0)])})) if on_foot else None
    living = homes((100, 0, 30_000), (800, 0, 90_000), (500, 0, math.nan))
    found = people_per_facility(sites((0, 0), (900, 0)), living, network)
    assert found.values["value"].tolist() == [30_000, 90_000]
    assert found.values["low"].tolist() == [30_000, 90_000]
    assert found.values["high"].isna().all()
    assert (found.whole.value, found.whole.low, found.whole.high) == (90_000, 90_000, None)
    doubt = found.doubts[-1]
    assert (doubt.kind, doubt.low, doubt.high) == ("unnumbered", 90_000, math.inf)
    assert found.facts["unnumbered_count"] == 1
    assert verdict(found, how="whole", at_most=100_000) == "undetermined"
    assert verdict(found, how="whole", at_most=80_000) == "not_met"


@pytest.mark.parametrize("living", [homes(), homes((0, 0, math.nan), (9, 0, math.nan))])
def test_where_no_feature_has_a_number_no_load_and_no_ratio_is_known(
    living: gpd.GeoDataFrame,
) -> None:
    loads = people_per_facility(sites((0, 0)), living)
    a_head = area_per_head(frame({"P": box(0, 0, 10, 10)}), living)
    for found in (loads, a_head):
        assert found.whole.value is None
        assert found.values["value"].isna().all()
        assert verdict(found, how="whole", at_most=100_000) == "undetermined"
        assert found.facts.get("unnumbered_count", 0) == len(living)


def test_the_ground_for_each_head_may_be_any_less_if_a_number_is_missing() -> None:
    ground = frame({"P": box(0, 0, 100, 100)})
    found = area_per_head(ground, homes((0, 0, 2000), (9, 0, 1000), (20, 0, math.nan)))
    assert found.whole.value == pytest.approx(10 / 3)
    assert (found.whole.low, found.whole.high) == (0, found.whole.value)
    (doubt,) = found.doubts
    assert (doubt.kind, doubt.low, doubt.high) == ("unnumbered", 0, found.whole.value)
    assert verdict(found, how="whole", at_least=2.65) == "undetermined"
    assert verdict(found, how="whole", at_least=4) == "not_met"  # more people make it no more
    near = area_per_head(
        frame({"P": box(0, 0, 100, 100)}, off_m=1), homes((0, 0, 3000), (1, 1, math.nan))
    )
    assert [one.kind for one in near.doubts] == ["position", "unnumbered"]
    assert near.whole.low == 0
    assert near.whole.high == pytest.approx(102**2 / 3000, rel=1e-3)


def test_a_unit_with_people_of_no_known_number_may_need_any_number_of_facilities() -> None:
    living = homes((100, 100, 90_000), (1500, 500, 90_000), (1600, 500, math.nan))
    found = facilities_per_unit(
        sites((500, 500), (1500, 500)), frame(STREETS), living, people_per_facility=EACH
    )
    assert ratios(found) == {"A": (1, 1, 1), "B": (0, 1, 1)}
    assert (found.whole.value, found.whole.low, found.whole.high) == (1, 0, 1)
    (doubt,) = found.doubts
    assert (doubt.kind, doubt.low, doubt.high) == ("unnumbered", 0, 1)
    assert found.facts["unnumbered_count"] == 1
    assert verdict(found, at_least=1) == "undetermined"
    assert verdict(found, at_least=2) == "not_met"
    bare = facilities_per_unit(sites((500, 500)), frame(STREETS), living, people_per_facility=EACH)
    assert ratios(bare)["B"] == (0, 0, 0)  # one is needed at least
    assert verdict(bare, at_least=1) == "not_met"


def test_facilities_that_serve_too_few_are_counted() -> None:
    living = homes((0, 0, 29_999), (1000, 0, 30_000))
    centres = sites((0, 0), (1000, 0), (5000, 0))
    assert "below_least_count" not in people_per_facility(centres, living).facts
    found = people_per_facility(centres, living, least_people=30_000)
    assert found.facts["below_least_count"] == 2  # 29 999 and nobody


@pytest.mark.parametrize(
    "at_m,off_m,s0",
    [
        (45, 2, (8, 8, 8)),  # 45 m or 55 m: 2 + 2 m leave S0 nearer
        (45, 6, (0, 8, 8)),
        (55, 6, (0, 0, 8)),
        (55, 2, (0, 0, 0)),
    ],
)
def test_who_lives_nearly_in_the_middle_may_go_to_either(
    at_m: float, off_m: float, s0: tuple[float, float, float]
) -> None:
    centres = sites((0, 0), (100, 0), off_m=off_m)
    found = people_per_facility(centres, homes((at_m, 0, 8)))
    assert ratios(found)["S0"] == s0
    # A home as far off as one facility moves both ways against each other: the same.
    moved = people_per_facility(sites((0, 0), (100, 0)), homes((at_m, 0, 8), off_m=off_m))
    assert ratios(moved)["S0"] == s0


def test_the_largest_load_is_as_uncertain_as_the_loads() -> None:
    living = homes((10, 0, 5), (48, 0, 7), (90, 0, 9))
    found = people_per_facility(sites((0, 0), (100, 0), off_m=5), living)
    # S0 has 12, or 5 without those in the middle; S1 has 9, or 16 with them.
    assert (found.whole.value, found.whole.low, found.whole.high) == (12, 9, 16)
    (doubt,) = found.doubts
    assert (doubt.kind, doubt.method, doubt.low, doubt.high) == ("position", "band", 9, 16)


def test_on_foot_positions_are_simulated_alike_for_equal_seeds() -> None:
    ways = walking_network(frame({"W": LineString([(0, 0), (1000, 0)])}))
    living = homes(*[(x, 0, 1) for x in range(0, 1000, 50)])
    centres = sites((200, 0), (800, 0), off_m=150)
    one, other = (people_per_facility(centres, living, ways, seed=7) for _ in range(2))
    assert one.values.equals(other.values)
    snap, position = one.doubts
    assert (snap.kind, position.method, position.inputs["draws"]) == ("snap", "simulation", 20)
    assert one.whole.value == 11  # of 20 homes, one as near to both
    assert 10 <= position.low <= 11 < position.high
    sketched = frame({"S0": Point(200, 0), "S1": Point(800, 0)}, off_m=150, basis="synthetic")
    (only,) = people_per_facility(sketched, living, ways).doubts
    assert only.kind == "snap"


def test_who_reaches_the_network_as_drawn_does_so_wherever_all_may_lie() -> None:
    ways = walking_network(frame({"W": LineString([(0, 0), (1000, 0)])}))
    living = homes((100, 0, 30), (700, 90, 10), (500, 101, 5), off_m=800)
    found = people_per_facility(sites((400, 0), (400, 101), off_m=900), living, ways)
    # None move in or out of reach; the 5 who reach none may belong to either.
    assert ratios(found) == {"S0": (40, 40, 45), "S1": (0, 0, 5)}
    assert found.facts["unreached_people"] == 5


def test_without_facilities_everyone_is_unreached_and_nothing_is_measured() -> None:
    for network in (None, walking_network(frame({"W": LineString([(0, 0), (9, 0)])}))):
        found = people_per_facility(sites(), homes((0, 0, 40)), network)
        assert found.whole.value is None
        assert found.facts["unreached_people"] == 40


crowd = st.lists(
    st.tuples(st.integers(0, 900), st.integers(0, 900), st.integers(0, 50)), min_size=1, max_size=9
)
towns = st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900)), min_size=1, max_size=6)
GRID = walking_network(
    frame(
        {f"X{x}": LineString([(x, y) for y in range(0, 901, 300)]) for x in range(0, 901, 300)}
        | {f"Y{y}": LineString([(x, y) for x in range(0, 901, 300)]) for y in range(0, 901, 300)}
    )
)


@given(crowd, towns, st.booleans(), st.sampled_from([0.0, 80.0]))
def test_those_who_go_somewhere_and_those_who_cannot_are_all(
    living: list[tuple[float, float, float]],
    places: list[tuple[float, float]],
    on_foot: bool,
    off_m: float,
) -> None:
    network = GRID if on_foot else None
    found = people_per_facility(sites(*places, off_m=off_m), homes(*living), network, draws=2)
    people = sum(number for *_, number in living)
    assert found.values["value"].sum() + found.facts["unreached_people"] == pytest.approx(people)
    assert (found.values["low"] <= found.values["value"]).all()
    assert (found.values["value"] <= found.values["high"]).all()
    assert found.whole.value == found.values["value"].max()
    assert set(found.facts) <= set(PHRASES["facts"])


@given(crowd, towns, st.booleans(), st.randoms())
def test_the_order_of_facilities_is_irrelevant(
    living: list[tuple[float, float, float]],
    places: list[tuple[float, float]],
    on_foot: bool,
    random: Random,
) -> None:
    centres, network = sites(*places, off_m=10), GRID if on_foot else None
    order = list(centres.index)
    random.shuffle(order)
    one = people_per_facility(centres, homes(*living), network, draws=1)
    other = people_per_facility(centres.loc[order], homes(*living), network, draws=1)
    assert other.values.loc[centres.index].equals(one.values)
    assert other.whole == one.whole


@given(crowd, towns, st.sampled_from([5.0, 40.0, 200.0]), st.integers(0, 99))
def test_no_displacement_within_the_accuracies_leaves_the_band(
    living: list[tuple[float, float, float]],
    places: list[tuple[float, float]],
    off_m: float,
    seed: int,
) -> None:
    band = people_per_facility(sites(*places, off_m=off_m), homes(*living, off_m=off_m)).values
    random = np.random.default_rng(seed)

    def moved(x: float, y: float) -> tuple[float, float]:
        angle, far = random.uniform(0, 2 * math.pi), off_m * random.uniform(0, 1)
        return x + far * math.cos(angle), y + far * math.sin(angle)

    found = people_per_facility(
        sites(*[moved(*place) for place in places]),
        homes(*[(*moved(x, y), number) for x, y, number in living]),
    ).values["value"]
    assert (band["low"] <= found).all()
    assert (found <= band["high"]).all()


def test_ground_that_is_drawn_twice_counts_once_for_each_head() -> None:
    pitches = frame({"P1": box(0, 0, 40, 10), "P2": box(20, 0, 60, 10)})
    found = area_per_head(pitches, homes((0, 0, 150), (5, 5, 50)))
    assert found.whole.value == pytest.approx(600 / 200)
    assert found.whole.numerator == pytest.approx(600)
    assert found.whole.denominator == 200
    assert found.values["value"].to_dict() == {"P1": 2, "P2": 2}
    assert found.evidence.empty


def test_the_ground_for_each_head_is_as_uncertain_as_its_borders() -> None:
    found = area_per_head(frame({"P": box(0, 0, 100, 100)}, off_m=1), homes((0, 0, 100)))
    assert found.whole.value == pytest.approx(100)
    assert found.whole.low == pytest.approx(98 * 98 / 100)
    # Outwards the corners are round: four strips of 100 m and a disc of 1 m.
    assert found.whole.high == pytest.approx((10_000 + 400 + math.pi) / 100, rel=1e-4)
    assert [doubt.method for doubt in found.doubts] == ["band"]


@pytest.mark.parametrize(
    "pitches,living", [({}, [(0, 0, 10)]), ({"P": box(0, 0, 9, 9)}, []), ({}, [])]
)
def test_without_ground_or_heads_there_is_no_ratio(
    pitches: Mapping[str, BaseGeometry], living: Sequence[tuple[float, float, float]]
) -> None:
    found = area_per_head(frame(pitches), homes(*living))
    assert found.whole.value is None
    assert found.values["value"].isna().all()


def test_the_frames_given_are_left_as_they_were() -> None:
    given_ = sites((5, 5), off_m=9), frame(STREETS, off_m=9), homes((0, 0, 7), off_m=9)
    copies = [each.copy() for each in given_]
    centres, units, living = given_
    facilities_per_unit(centres, units, living, people_per_facility=EACH)
    people_per_facility(centres, living)
    people_per_facility(centres, living, GRID, draws=1)
    area_per_head(units, living)
    assert all(each.equals(copy) for each, copy in zip(given_, copies, strict=True))


def test_every_fact_has_a_phrase() -> None:
    found = facilities_per_unit(sites((5, 5)), frame(STREETS), people_per_facility=EACH)
    assert set(found.facts) <= set(PHRASES["facts"])
    found = people_per_facility(sites((5, 5)), homes((0, 0, 1)), least_people=2)
    assert set(found.facts) <= set(PHRASES["facts"])
