"""From a measured value to a verdict: comparisons, ranges, units, and what sketches may prove."""

import math
from collections.abc import Mapping

import geopandas as gpd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers import BASES, Basis, Text, is_conclusive
from spatial import Check, CheckResult
from spatial.measurement import Figure, Measurement, by_unit, ranged, share
from spatial.plan import Cite, Target
from spatial.verdict import compare, judge

NOTHING = Figure(None, None, None, None, None)
TEXT = Text(zh="目标", en="target")


def target(**asked: float | Mapping[str, float]) -> Target:
    return Target.model_validate({"unit": "share", **asked})


def exactly(value: float) -> Figure:
    return Figure(value, value, 1.0, value, value)


def between(low: float, high: float) -> Figure:
    return Figure(low, low, 1.0, low, high)


def check(asked: Target, how: str = "whole") -> Check:
    return Check.model_validate(
        {
            "id": "c",
            "title": TEXT,
            "cite": Cite(),
            "measure": "stop_coverage",
            "layers": {},
            "target": asked,
            "judge": how,
            "sentence": TEXT,
        }
    )


def measured(whole: Figure, **units: Figure) -> Measurement:
    evidence = gpd.GeoDataFrame({"area_m2": []}, geometry=[], crs="EPSG:4548")
    return Measurement(by_unit(list(units), list(units.values())), whole, evidence)


def verdict(asked: Target, whole: Figure, basis: Basis = "official") -> CheckResult:
    return judge(check(asked), measured(whole, U=whole), basis)


@pytest.mark.parametrize(
    "asked,value,expected",
    [
        ({"at_least": 0.85}, 0.86, "met"),
        ({"at_least": 0.85}, 0.85, "met"),
        ({"at_least": 0.85}, 0.8499, "not_met"),
        ({"at_least": 0.85, "tolerance": 0.01}, 0.8401, "met"),
        ({"at_least": 0.85, "tolerance": 0.01}, 0.8399, "not_met"),
        ({"at_least": 0.0}, 0.0, "met"),
        ({"at_most": 0.1}, 0.05, "met"),
        ({"at_most": 0.1}, 0.1, "met"),
        ({"at_most": 0.1}, 0.1001, "not_met"),
        ({"at_most": 0.1, "tolerance": 0.01}, 0.1099, "met"),
        ({"at_most": 0.1, "tolerance": 0.01}, 0.1101, "not_met"),
        ({"at_most": 0.0}, 0.0, "met"),
        ({"at_most": 0.0}, 0.2, "not_met"),
        ({"equal": 0.5}, 0.5, "met"),
        ({"equal": 0.5}, 0.51, "not_met"),
        ({"equal": 0.5}, 0.49, "not_met"),
        ({"equal": 0.5, "tolerance": 0.02}, 0.51, "met"),
        ({"equal": 0.5, "tolerance": 0.02}, 0.53, "not_met"),
    ],
)
def test_an_exact_value_is_met_or_not(
    asked: Mapping[str, float], value: float, expected: str
) -> None:
    found = verdict(target(**asked), exactly(value))
    assert (found.verdict, found.why) == (expected, "compared")


def test_rounding_alone_misses_no_target() -> None:
    assert 0.1 + 0.2 != 0.3
    assert verdict(target(equal=0.3), exactly(0.1 + 0.2)).verdict == "met"
    assert verdict(target(at_most=0.3), exactly(0.1 + 0.2)).verdict == "met"


@pytest.mark.parametrize(
    "asked,low,high,expected",
    [
        ({"at_least": 0.85}, 0.86, 0.9, "met"),
        ({"at_least": 0.85}, 0.8, 0.84, "not_met"),
        ({"at_least": 0.85}, 0.84, 0.86, "undetermined"),
        ({"at_most": 0.1}, 0.05, 0.09, "met"),
        ({"at_most": 0.1}, 0.11, 0.2, "not_met"),
        ({"at_most": 0.1}, 0.05, 0.11, "undetermined"),
        ({"equal": 0.5}, 0.4, 0.6, "undetermined"),
        ({"equal": 0.5}, 0.5, 0.6, "undetermined"),
        ({"equal": 0.5}, 0.4, 0.5, "undetermined"),
        ({"equal": 0.5}, 0.6, 0.7, "not_met"),
        ({"equal": 0.5}, 0.3, 0.4, "not_met"),
        ({"equal": 0.5, "tolerance": 0.1}, 0.45, 0.55, "met"),
    ],
)
def test_a_range_decides_only_where_both_its_ends_agree(
    asked: Mapping[str, float], low: float, high: float, expected: str
) -> None:
    found = verdict(target(**asked), between(low, high))
    assert found.verdict == expected
    assert found.why == ("range" if expected == "undetermined" else "compared")


def test_land_without_a_class_can_make_a_share_undetermined() -> None:
    assert verdict(target(at_least=0.8), share(70, 100, unknown=5)).verdict == "not_met"
    assert verdict(target(at_least=0.8), share(70, 100, unknown=15)).verdict == "undetermined"
    assert verdict(target(at_least=0.8), share(80, 100, unknown=15)).verdict == "met"


@given(
    st.sampled_from(["at_least", "at_most", "equal"]),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_a_met_target_is_met_by_every_value_in_the_range(
    comparison: str, limit: float, low: float, high: float
) -> None:
    asked = target(**{comparison: limit})
    low, high = min(low, high), max(low, high)
    found = compare(between(low, high), limit, asked)
    inside = [compare(exactly(low + part * (high - low)), limit, asked) for part in (0, 0.5, 1)]
    if found is not None:
        assert inside == [found, found, found]


def test_nothing_to_measure_is_undetermined_never_nought() -> None:
    for how in ("whole", "each"):
        found = judge(check(target(at_least=0.5), how), measured(NOTHING, U=NOTHING), "official")
        assert (found.verdict, found.why) == ("undetermined", "empty")


def test_a_missing_layer_is_undetermined() -> None:
    found = judge(check(target(at_least=0.5)), None, "open", missing=("metro",))
    assert (found.verdict, found.why, found.missing) == ("undetermined", "missing", ("metro",))
    assert found.measured is None
    assert found.status == "undetermined"


@pytest.mark.parametrize("value", [0.2, 0.9])
@pytest.mark.parametrize("how", ["whole", "each"])
def test_geometry_drawn_to_the_target_cannot_prove_it(value: float, how: str) -> None:
    figures = measured(exactly(value), U=exactly(value))
    found = judge(check(target(at_least=0.5), how), figures, "official", drawn=True)
    assert (found.verdict, found.why) == ("undetermined", "drawn")
    assert set(found.met.values()) == {None}
    assert found.measured is figures


@pytest.mark.parametrize(
    "west,east,expected",
    [
        (exactly(0.9), exactly(0.8), "met"),
        (exactly(0.9), exactly(0.2), "not_met"),
        (exactly(0.9), between(0.4, 0.6), "undetermined"),
        (exactly(0.2), between(0.4, 0.6), "not_met"),  # one failing unit settles it
        (exactly(0.9), NOTHING, "met"),  # nothing to ask of the second
        (exactly(0.2), NOTHING, "not_met"),
    ],
)
def test_asked_of_each_one_failing_unit_fails_the_check(
    west: Figure, east: Figure, expected: str
) -> None:
    figures = measured(exactly(0.99), W=west, E=east)
    assert judge(check(target(at_least=0.5), "each"), figures, "official").verdict == expected


def test_asked_of_each_every_unit_is_told() -> None:
    figures = measured(
        exactly(0.99), W=exactly(0.9), E=exactly(0.2), N=between(0.4, 0.6), S=NOTHING
    )
    found = judge(check(target(at_least=0.5), "each"), figures, "official")
    assert found.met == {"W": True, "E": False, "N": None, "S": None}


def test_asked_of_the_whole_the_units_only_show_where_it_comes_from() -> None:
    figures = measured(exactly(0.6), W=exactly(0.9), E=exactly(0.2))
    found = judge(check(target(at_least=0.5)), figures, "official")
    assert found.verdict == "met"
    assert found.met == {"W": None, "E": None}


def test_each_unit_can_have_a_limit_of_its_own() -> None:
    asked = target(at_least={"W": 0.8, "E": 0.1})
    figures = measured(exactly(0.5), W=exactly(0.85), E=exactly(0.15), N=exactly(0.0))
    found = judge(check(asked, "each"), figures, "official")
    assert found.verdict == "met"
    assert found.met == {"W": True, "E": True, "N": None}  # nothing is asked of N
    swapped = measured(exactly(0.5), W=exactly(0.15), E=exactly(0.85))
    assert judge(check(asked, "each"), swapped, "official").verdict == "not_met"


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("value,plain", [(0.9, "met"), (0.2, "not_met")])
def test_on_sketches_a_result_is_only_indicative(basis: Basis, value: float, plain: str) -> None:
    found = verdict(target(at_least=0.5), exactly(value), basis)
    assert found.verdict == plain
    assert found.conclusive is is_conclusive(basis)
    assert found.status == (plain if basis in {"official", "open", "digitised"} else "indicative")


@pytest.mark.parametrize("basis", BASES)
def test_an_undetermined_check_stays_so_on_any_basis(basis: Basis) -> None:
    assert verdict(target(at_least=0.5), between(0.4, 0.6), basis).status == "undetermined"


def test_a_share_of_nothing_has_no_value() -> None:
    assert share(0, 0) == NOTHING


def test_a_share_never_exceeds_one() -> None:
    assert share(1.0000001, 1.0, unknown=0.5) == Figure(1.0, 1.0, 1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    "asked,low,high,expected",
    [
        ({"at_least": 0.85}, 0.8, None, None),
        ({"at_least": 0.85}, 0.9, None, True),  # or more
        ({"at_least": 0.85}, None, 0.8, False),  # or less
        ({"at_least": 0.85}, None, 0.9, None),
        ({"at_most": 0.1}, 0.2, None, False),
        ({"at_most": 0.1}, 0.05, None, None),
        ({"at_most": 0.1}, None, 0.05, True),
        ({"equal": 0.5}, 0.4, None, None),
        ({"equal": 0.5}, 0.6, None, False),
        ({"equal": 0.5}, 0.5, None, None),
        ({"equal": 0.5}, None, None, None),
    ],
)
def test_an_open_end_lies_beyond_every_limit(
    asked: dict[str, float], low: float | None, high: float | None, expected: bool | None
) -> None:
    value = high if low is None else low
    figure = Figure(0.5 if value is None else value, None, None, low, high)
    assert compare(figure, next(iter(asked.values())), target(**asked)) is expected


def test_an_end_that_is_open_stays_so_in_the_table_of_units() -> None:
    found = measured(exactly(0.9), U=Figure(0.2, 0.2, 1.0, 0.2, None))
    assert judge(check(target(at_most=0.1), "each"), found, "official").met == {"U": False}
    assert judge(check(target(at_most=0.3), "each"), found, "official").met == {"U": None}


def test_a_unit_that_could_not_be_measured_is_not_passed_over() -> None:
    asked = check(target(at_least=0.85), "each")
    unknown = measured(exactly(0.9), A=exactly(0.9), B=Figure(None, None, None, 0.0, 1.0))
    found = judge(asked, unknown, "official")
    assert (found.verdict, found.why, found.met) == (
        "undetermined",
        "range",
        {"A": True, "B": None},
    )
    assert judge(asked, measured(exactly(0.9), A=exactly(0.9), B=NOTHING), "official").verdict == (
        "met"
    )


def test_a_range_is_widened_to_an_open_end_and_never_closed_again() -> None:
    open_up = ranged(Figure(5, 5, None, 5, 5), 4, math.inf)
    assert open_up == Figure(5, 5, None, 4, None)
    assert ranged(open_up, 3, 9) == Figure(5, 5, None, 3, None)
    assert ranged(NOTHING, 0, math.inf) == NOTHING
