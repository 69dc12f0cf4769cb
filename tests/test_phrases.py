"""Numbers as people read them, and the reasons for a verdict."""

import math
import re
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers import LANGUAGES, Language, Pack
from spatial import Check, CheckResult, Plan, open_pack, run_check
from spatial.measurement import Doubt, Figure, Measurement, by_unit
from spatial.phrases import (
    PHRASES,
    area_text,
    doubt_text,
    figure_range_text,
    number_text,
    reason,
    share_text,
    target_text,
    verdict_text,
)
from spatial.plan import Target
from spatial.verdict import STATUSES, judge

CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")


@pytest.fixture
def tiny(tiny_pack: Path) -> tuple[Pack, Plan]:
    return open_pack(tiny_pack)


@pytest.mark.parametrize(
    "value,text",
    [
        (0, "0"),
        (308, "308"),
        (9999, "9,999"),
        (12_345, "12,300"),
        (476.216, "476"),
        (2.5, "2.50"),
        (0.012345, "0.0123"),
        (99.96, "100.0"),
        (-1234.5, "-1,230"),
        (1e9, "1,000,000,000"),
    ],
)
def test_a_number_is_rounded_to_three_digits(value: float, text: str) -> None:
    assert number_text(value) == text


@given(st.floats(1e-6, 1e12))
def test_rounding_changes_a_number_by_half_a_per_cent_at_most(value: float) -> None:
    assert float(number_text(value).replace(",", "")) == pytest.approx(value, rel=0.005001)


@given(st.floats(0, 1), st.floats(0, 1))
def test_two_shares_that_differ_visibly_are_written_differently(one: float, other: float) -> None:
    if abs(one - other) > 1e-6:
        limit = share_text(other)
        if float(limit[:-1]) == round(other * 100, 9):  # the limit itself is not rounded
            assert share_text(one, other) != limit


@pytest.mark.parametrize(
    "share,limits,text",
    [
        (0.85, (0.85,), "85%"),
        (0.84996, (0.85,), "84.996%"),
        (0.99996, (1.0,), "99.996%"),
        (0.8512, (0.65,), "85.1%"),
        (1.0, (1.0,), "100%"),
        (0.0, (1.0,), "0%"),
    ],
)
def test_a_share_has_enough_digits_to_tell_it_from_its_target(
    share: float, limits: tuple[float, ...], text: str
) -> None:
    assert share_text(share, *limits) == text


@pytest.mark.parametrize(
    "area_m2,zh,en",
    [
        (0, "0 m²", "0 m²"),
        (0.4, "< 1 m²", "< 1 m²"),
        (820, "820 m²", "820 m²"),
        (41_200, "4.12 公顷", "4.12 ha"),
        (2_267_000, "227 公顷", "227 ha"),
        (476_216_000, "476 km²", "476 km²"),
    ],
)
def test_an_area_is_written_in_the_unit_that_fits(area_m2: float, zh: str, en: str) -> None:
    assert (area_text(area_m2, "zh"), area_text(area_m2, "en")) == (zh, en)


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_a_word_of_its_own(status: str) -> None:
    assert status in PHRASES["verdict"]
    words = {lang: {verdict_text(each, lang) for each in STATUSES} for lang in LANGUAGES}
    assert all(len(found) == len(STATUSES) for found in words.values())


def test_a_range_is_written_without_chinese_brackets_in_english(tiny: tuple[Pack, Plan]) -> None:
    check = tiny[1].checks["green"]
    text = figure_range_text(check, Figure(0.7, 7, 10, 0.7, 0.8), "en")
    assert re.match(r"70% ?.70%–80%.$", text)
    assert not CHINESE.search(text), text


def exactly(value: float) -> Figure:
    return Figure(value, value, 1.0, value, value)


def judged(check: Check, whole: Figure, **units: Figure) -> CheckResult:
    evidence = gpd.GeoDataFrame({"area_m2": []}, geometry=[], crs="EPSG:4548")
    values = by_unit(list(units), list(units.values()))
    return judge(check, Measurement(values, whole, evidence), "official")


def with_target(check: Check, **asked: object) -> Check:
    target = Target.model_validate({"unit": "share", **asked})
    return check.model_copy(update={"target": target})


def test_the_reason_of_a_met_target_gives_value_and_target(tiny: tuple[Pack, Plan]) -> None:
    pack, plan = tiny
    found = judged(plan.checks["green"], exactly(0.75))
    assert reason(pack, found, "zh") == "实测 75%，目标不低于 70%。"
    assert reason(pack, found, "en") == "Measured 75%; the target is at least 70%."


def test_the_reason_of_a_missed_target_gives_the_difference(tiny: tuple[Pack, Plan]) -> None:
    pack, plan = tiny
    found = judged(plan.checks["green"], exactly(0.5))
    assert reason(pack, found, "zh") == "实测 50%，目标不低于 70%，相差 20.0 个百分点。"
    assert "difference is 20.0 percentage points" in reason(pack, found, "en")


def test_the_reason_names_the_unit_that_is_farthest_off(tiny: tuple[Pack, Plan]) -> None:
    pack, plan = tiny
    found = judged(plan.checks["coverage"], exactly(0.4), U1=exactly(0.45), U2=exactly(0.2))
    said = reason(pack, found, "en")
    assert "2 of 2 units miss the target (at least 50%)" in said
    assert "the farthest off is East unit (20%)" in said


def test_farthest_off_is_by_the_distance_from_the_units_own_limit(
    tiny: tuple[Pack, Plan],
) -> None:
    pack, plan = tiny
    check = with_target(plan.checks["coverage"], at_least={"U1": 0.9, "U2": 0.3})
    # The west misses by 40 points, the east by 5, though the east's value is the lower one.
    found = judged(check, exactly(0.4), U1=exactly(0.5), U2=exactly(0.25))
    assert "the farthest off is West unit (50%)" in reason(pack, found, "en")


def test_farthest_off_an_equality_is_to_either_side(tiny: tuple[Pack, Plan]) -> None:
    pack, plan = tiny
    check = with_target(plan.checks["coverage"], equal=0.5)
    found = judged(check, exactly(0.6), U1=exactly(0.45), U2=exactly(0.9))
    assert "the farthest off is East unit (90%)" in reason(pack, found, "en")


def test_the_reason_of_a_range_gives_both_ends(tiny: tuple[Pack, Plan]) -> None:
    pack, plan = tiny
    found = judged(plan.checks["green"], Figure(0.6, 6, 10, 0.6, 0.8))
    assert (
        reason(pack, found, "zh")
        == "可能值在 60% 与 80% 之间，跨过目标（不低于 70%），不能下结论。"
    )


def test_the_reason_of_a_missing_layer_names_it(tiny: tuple[Pack, Plan]) -> None:
    pack, plan = tiny
    found = run_check(pack, plan.checks["metro_coverage"])
    assert reason(pack, found, "zh") == "缺少数据：地铁站。补充后才能判定。"
    assert reason(pack, found, "en").startswith("Missing data: Metro stations.")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_result_on_a_sketch_says_that_it_is_no_finding(
    tiny: tuple[Pack, Plan], lang: Language
) -> None:
    pack, plan = tiny
    found = replace(judged(plan.checks["green"], exactly(0.75)), basis="sketch")
    word = {"zh": "示意", "en": "sketch"}[lang]
    firm = reason(pack, replace(found, basis="official"), lang)
    assert reason(pack, found, lang).startswith(firm)
    assert word in reason(pack, found, lang)[len(firm) :]


@pytest.mark.parametrize(
    "asked,zh,en",
    [
        ({"at_least": 0.85}, "不低于 85%", "at least 85%"),
        ({"at_most": 0.1}, "不高于 10%", "at most 10%"),
        ({"equal": 1.0}, "等于 100%", "exactly 100%"),
        ({"at_least": {"U1": 0.5}}, "分别规定", "set for each unit"),
    ],
)
def test_a_target_is_written_as_the_plan_would(
    tiny: tuple[Pack, Plan], asked: dict[str, object], zh: str, en: str
) -> None:
    check = with_target(tiny[1].checks["green"], **asked)
    assert (target_text(check, "zh"), target_text(check, "en")) == (zh, en)


def test_an_open_end_is_written_as_or_more_or_less(tiny: tuple[Pack, Plan]) -> None:
    check = tiny[1].checks["green"]
    more, less = Figure(0.6, 6, 10, 0.6, None), Figure(0.6, 6, 10, None, 0.8)
    assert figure_range_text(check, more, "zh") == "60%（不少于 60%）"
    assert figure_range_text(check, more, "en") == "60% (60% or more)"
    assert figure_range_text(check, less, "en") == "60% (80% or less)"
    assert figure_range_text(check, Figure(0.6, 6, 10, None, None), "zh") == "60%（没有上下限）"


def test_the_reason_of_an_open_range_says_which_end_is_open(tiny: tuple[Pack, Plan]) -> None:
    pack, plan = tiny
    found = judged(plan.checks["green"], Figure(0.6, 6, 10, 0.6, None))
    assert (
        reason(pack, found, "zh")
        == "可能值不少于 60%，上限未知，跨过目标（不低于 70%），不能下结论。"
    )
    units = judged(
        plan.checks["coverage"],
        exactly(0.9),
        U1=Figure(0.5, 5, 10, 0.1, 0.9),
        U2=Figure(0.4, 4, 10, 0.4, None),  # the widest is the one without an end
    )
    assert reason(pack, units, "en").startswith("East unit, for one: The value is at least 40%")


def test_a_doubt_with_an_open_end_says_so(tiny: tuple[Pack, Plan]) -> None:
    pack, plan = tiny
    doubt = Doubt("unnumbered", "bounds", 0.6, math.inf, {"without_number": 2.0})
    said = doubt_text(pack, plan.checks["green"], doubt, "zh")
    assert said.endswith("单独看，数值不少于 60%，上限未知；没有数字的要素 2 个")
    assert "inf" not in doubt_text(pack, plan.checks["green"], doubt, "en")


def test_english_facts_read_right_for_any_number() -> None:
    wrong = [
        name
        for name, text in PHRASES["facts"].items()
        if name.endswith("_count") and text.en.startswith("{value}")
    ]
    assert wrong == []
