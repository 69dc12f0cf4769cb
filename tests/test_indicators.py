"""The plan's indicators: the data, the table of yearly values, the evaluation."""

from pathlib import Path

import pytest

from layers import InputError
from spatial.indicators import (
    Indicator,
    Indicators,
    evaluate,
    read_indicators,
    read_yearly_csv,
    template_csv,
)

GEODATA = Path(__file__).resolve().parent.parent / "geodata"


@pytest.fixture(scope="module")
def indicators() -> Indicators:
    found = read_indicators(GEODATA)
    assert found is not None
    return found


def by_number(indicators: Indicators, number: int) -> Indicator:
    return next(one for one in indicators.indicators.values() if one.number == number)


def table(*rows: str) -> bytes:
    return "\r\n".join(("编号,2021,2022,2023,2024,2025", *rows)).encode()


# Typed from box 1 of the plan: number, 2020, 2025 (None where it is in words or absent).
BOX_1 = {
    1: (5, 6),
    4: (29, 32),
    7: (8.4, 13),
    8: (51.3, 73.6),
    11: (308.3, 2100),
    12: (0.22, 0.3),
    13: (0.35, 1),
    14: (1.1, 1.5),
    15: (380, 680),
    16: (0, 4),
    17: (2.9, 3.5),
    18: (9, 13),
    21: (47, 43),
    22: (64.8, 65),
    23: (100, 100),
    24: (42.56, 43),
    26: (0.9, 4.5),
    28: (91.5, 95),
    29: (2.6, 2.85),
    30: (3650, 15510),
    31: (2.23, 2.3),
}
TOTALS = {11, 26, 30}  # those that the box writes in 〔〕, among the above
BINDING = {19, 20, 21, 22, 23, 24}


def test_the_box_has_31_indicators_numbered_in_order(indicators: Indicators) -> None:
    numbers = [one.number for one in indicators.indicators.values()]
    assert numbers == list(range(1, 32))
    assert len(indicators.special_plans) == 16


@pytest.mark.parametrize("number", sorted(BOX_1))
def test_figures_are_those_of_the_box(indicators: Indicators, number: int) -> None:
    one = by_number(indicators, number)
    assert (one.value_2020, one.target_2025) == BOX_1[number]
    assert one.five_year_total == (number in TOTALS)


def test_the_binding_ones_are_binding(indicators: Indicators) -> None:
    found = {one.number for one in indicators.indicators.values() if one.binding == "binding"}
    assert found == BINDING


def test_the_empty_form_can_be_read_back_and_says_nothing(indicators: Indicators) -> None:
    for lang in ("zh", "en"):
        values = read_yearly_csv(template_csv(indicators, lang), indicators)
        assert set(values) == set(indicators.indicators)
        assert not any(values.values())


def test_a_form_saved_by_a_chinese_excel_is_read(indicators: Indicators) -> None:
    text = "编号,指标,2025\r\n24,绿化覆盖率,43.1\r\n"
    read = read_yearly_csv(text.encode("gb18030"), indicators)
    assert read[by_number(indicators, 24).id] == {2025: 43.1}


@pytest.mark.parametrize(
    "number,row,outcome,ground",
    [
        (24, "24,,,,,43", "reached", "compared"),
        (24, "24,,,,,42.99", "not_reached", "compared"),
        (24, "24,42.7,42.8,42.9,43.0,", "cannot_tell", "no_value"),
        (26, "26,0.9,0.9,0.9,0.9,0.9", "reached", "compared"),  # 4.5 in five years
        (26, "26,0.9,0.9,0.9,0.9,0.8", "not_reached", "compared"),
        (26, "26,2.5,2.0,,,", "reached", "compared"),  # there before its time
        (26, "26,0.9,0.9,,,", "cannot_tell", "no_value"),
        (1, "1,,,,,6.1", "reached", "compared"),
        (1, "1,,,,,5.9", "cannot_tell", "about"),  # 6左右 sets no limit
        (2, "2,,,,,50", "cannot_tell", "words"),
        (4, "4,,,,,1e3", "reached", "compared"),
    ],
)
def test_the_end_of_the_plan_is_evaluated(
    indicators: Indicators, number: int, row: str, outcome: str, ground: str
) -> None:
    one = by_number(indicators, number)
    found = evaluate(indicators, one, read_yearly_csv(table(row), indicators))
    assert (found.outcome, found.ground) == (outcome, ground)


def test_income_is_held_against_the_growth_of_the_economy(indicators: Indicators) -> None:
    income = by_number(indicators, 25)
    assert income.relative_to == by_number(indicators, 1).id
    for growth, outcome in (("5.0", "reached"), ("6.5", "not_reached")):
        yearly = read_yearly_csv(table(f"1,,,,,{growth}", "25,,,,,6"), indicators)
        assert evaluate(indicators, income, yearly).outcome == outcome
    alone = read_yearly_csv(table("25,,,,,6"), indicators)
    assert evaluate(indicators, income, alone).ground == "other"


def test_progress_is_the_part_of_the_way_from_the_baseline(indicators: Indicators) -> None:
    yearly = read_yearly_csv(table("24,,42.78,,,", "30,3102,3102,,,"), indicators)
    cover = evaluate(indicators, by_number(indicators, 24), yearly)
    places = evaluate(indicators, by_number(indicators, 30), yearly)
    assert cover.progress == pytest.approx(0.5)  # 0.22 of 0.44 points
    assert places.progress == pytest.approx(0.4)  # 6204 of 15510


@pytest.mark.parametrize(
    "content,said",
    [
        (b"", "the table is empty"),
        (b"a,b\n1,2\n", "needs"),
        ("编号,2021\n99,5\n".encode(), "'99' is no indicator's number"),
        ("编号,2021\n1,5\n1,6\n".encode(), "'1' stands twice"),
        ("编号,2021\n1,high\n".encode(), "2021 is 'high', not a number"),
        ("编号,2021\n1,inf\n".encode(), "2021 is 'inf', not a number"),
        ("编号,2021\n1,nan\n".encode(), "2021 is 'nan', not a number"),
        (b"\xff\xfe\x00\x01\xff", "neither UTF-8 nor GB18030"),
    ],
)
def test_a_form_that_cannot_be_used_is_explained(
    indicators: Indicators, content: bytes, said: str
) -> None:
    with pytest.raises(InputError, match="yearly values") as caught:
        read_yearly_csv(content, indicators)
    assert said in str(caught.value)


def test_a_form_is_refused_in_the_readers_language(indicators: Indicators) -> None:
    with pytest.raises(InputError) as caught:
        read_yearly_csv("编号,2021\n1,高\n".encode(), indicators, "zh")
    assert "第 2 行" in str(caught.value)
    assert "不是数字" in str(caught.value)


def test_a_pack_without_indicators_has_none(tmp_path: Path) -> None:
    assert read_indicators(tmp_path) is None


def test_mistakes_in_the_file_are_lines(tmp_path: Path) -> None:
    text = (GEODATA / "indicators.toml").read_text(encoding="utf-8")
    broken = text.replace('group = "economy"', 'group = "economie"', 1)
    (tmp_path / "indicators.toml").write_text(broken, encoding="utf-8")
    with pytest.raises(InputError, match="did you mean 'economy'"):
        read_indicators(tmp_path)
