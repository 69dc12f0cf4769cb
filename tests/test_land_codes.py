"""Land-use codes: what each means in either classification, and which of them a file follows."""

from pathlib import Path

import pandas as pd
import pytest

from layers import InputError
from layers.land_codes import LAND_TABLES, LandTable, read_land_codes

LAND = read_land_codes()
CLASSES = ("01", "02", "03", "05", "07", "08", "10", "12", "14", "17")
"""The classes of a land-cover layer's style."""


@pytest.mark.parametrize(
    "code, wanted",
    [
        ("0102", "01"),  # 水浇地
        ("0201K", "02"),  # 可调整果园
        ("0303", "05"),  # 红树林地: in 2023 the code of shrub woodland
        ("0305", "03"),  # 灌木林地
        ("0402", "05"),  # 沼泽草地
        ("0404", "0403"),  # 其他草地: this layer has no class 04
        ("0601", "10"),  # 工业用地: in 2023 a rural road
        ("0603", "10"),  # 盐田
        ("0702", "07"),  # 农村宅基地
        ("08H2", "08"),
        ("0810", "14"),  # 公园与绿地
        ("1001", "12"),  # 铁路用地: in 2023 industrial land
        ("1006", "0601"),  # 农村道路
        ("1104A", "17"),  # 养殖坑塘
        ("1105", "05"),
        ("1106", "05"),
        ("1108", "05"),
        ("1109", "1311"),  # 水工建筑用地 is no water
        ("1202", "0602"),  # 设施农用地
    ],
)
def test_a_survey_code_becomes_the_class_that_the_plan_counts(code: str, wanted: str) -> None:
    done = LAND.translate(pd.Series([code]), "survey3", classes=CLASSES)
    assert done.values.tolist() == [wanted]
    assert done.unknown == {}


def test_the_definitions_of_blue_green_land_tell_farm_facilities_and_embankments_apart() -> None:
    survey = pd.Series(["0101", "0301", "1104", "1202", "1109"])
    codes = LAND.translate(survey, "survey3", classes=CLASSES).values
    a, b = ("03", "04", "05", "14", "17"), ("01", "02", "03", "04", "05", "14", "17")
    c = (*b, "06")
    assert [codes.str.startswith(counting).sum() for counting in (a, b, c)] == [2, 3, 4]


@pytest.mark.parametrize(
    "code, wanted", [("0303", "03"), ("0601", "0601"), ("140101", "14"), ("1001", "10")]
)
def test_a_planning_code_belongs_to_its_own_class(code: str, wanted: str) -> None:
    done = LAND.translate(pd.Series([code]), "use2023", classes=CLASSES)
    assert done.values.tolist() == [wanted]


def test_without_classes_a_code_stays_whole() -> None:
    assert LAND.translate(pd.Series(["1104", "0810A"]), "survey3").values.tolist() == [
        "1704",
        "1403",
    ]


@pytest.mark.parametrize("value", ["0102", "0102 水浇地", "水浇地", "水浇地（0102）", "０１０２"])
def test_a_code_may_stand_with_its_name_or_be_only_a_name(value: str) -> None:
    row = LAND.find(value, "survey3")
    assert row is not None
    assert row.to == "0102"


@pytest.mark.parametrize("value", ["0701/0901", "0701+0901", "未知", "", "011", "0310", "3"])
def test_what_no_row_explains_is_unknown(value: str) -> None:
    assert LAND.find(value, "survey3") is None


def test_unknown_codes_are_counted_and_left_empty() -> None:
    column = pd.Series(["0102", "9999", "9999", None, "ABCD"], index=[5, 6, 7, 8, 9])
    done = LAND.translate(column, "survey3", classes=CLASSES)
    assert done.values.tolist() == ["01", None, None, None, None]
    assert done.values.index.tolist() == [5, 6, 7, 8, 9]
    assert done.unknown == {"9999": 2, "ABCD": 1}


def test_a_longer_code_falls_back_to_the_row_above_and_is_not_certain() -> None:
    done = LAND.translate(pd.Series(["0701X", "0799"]), "use2023", classes=CLASSES)
    assert done.values.tolist() == ["07", "07"]
    assert done.uncertain == {"0701X": 1, "0799": 1}


def test_a_survey_class_of_mixed_land_takes_in_no_unknown_code() -> None:
    assert LAND.find("1199", "survey3") is None  # 11 holds water and embankments
    assert LAND.find("0199", "survey3") is not None


def test_what_was_not_verified_is_said() -> None:
    done = LAND.translate(pd.Series(["1109", "0102", "0810", "0810"]), "survey3")
    assert done.uncertain == {"1109": 1, "0810": 2}


def test_the_planners_own_rows_go_before_the_table() -> None:
    column = pd.Series(["0601", "mixed", "9999"])
    done = LAND.translate(
        column, "survey3", overrides={"0601": "12", "mixed": "07", "9999": ""}, classes=CLASSES
    )
    assert done.values.tolist() == ["12", "07", None]
    assert done.unknown == {}


def test_leading_zeros_that_a_spreadsheet_took_come_back_and_are_said() -> None:
    done = LAND.translate(pd.Series([101.0, 1104.0, 601.0]), "survey3", classes=CLASSES)
    assert done.values.tolist() == ["01", "17", "10"]
    assert done.uncertain == {"101": 1, "601": 1}


def test_three_digits_of_the_second_survey_are_not_taken_for_lost_zeros() -> None:
    villages = pd.Series([203, 122])  # 203 村庄 would be 0203, rubber
    done = LAND.translate(villages, "survey3", classes=CLASSES)
    assert done.values.tolist() == [None, None]
    assert "二调" in LAND.propose_table(["203", "122", "111"]).why.zh


@pytest.mark.parametrize(
    "values, names, wanted",
    [
        (["0101", "0601", "1109"], [], "survey3"),
        (["0101", "05H1", "0601"], [], "survey3"),
        (["0101", "0601", "1401"], [], "use2023"),
        (["01", "05", "17"], [], "use2023"),
        (["070102", "0601"], [], "use2023"),
        (["0601"], [], None),  # industry or a rural road
        (["0101", "0303", "0601", "1001"], [], None),
        (["0601"], ["工业用地"], "survey3"),
        (["0601"], ["农村道路"], "use2023"),
        (["0601 工业用地"], [], "survey3"),
        (["0101", "1109", "1401"], [], None),  # both are spoken for
        (["0101", "0301", "0701"], [], "use2023"),  # the same in both
        (["水浇地", "水工建筑用地"], [], "survey3"),
        ([101, 601, 1109], [], "survey3"),
        (["A", "B", "R2"], [], None),
        ([], [], None),
    ],
)
def test_the_classification_is_told_from_the_whole_set_of_values(
    values: list[str], names: list[str], wanted: LandTable | None
) -> None:
    proposal = LAND.propose_table(values, names)
    assert proposal.table == wanted
    assert proposal.why.zh
    assert proposal.why.en


def test_the_codes_that_mean_two_things_are_named() -> None:
    proposal = LAND.propose_table(["0101", "0601", "1001"])
    assert proposal.contested == ("0601", "1001")
    assert "0601" in proposal.why.zh


@pytest.mark.parametrize("name", LAND_TABLES)
def test_a_name_means_one_class_of_the_plan(name: LandTable) -> None:
    rows = LAND.table(name)
    classes: dict[str, set[str]] = {}
    for row in rows.values():
        classes.setdefault(row.name.zh, set()).add(row.to[:2])
    assert {zh: to for zh, to in classes.items() if len(to) > 1} == {}


def test_the_2023_table_is_whole_at_its_first_level_and_belongs_to_itself() -> None:
    first = [code for code in LAND.use2023.codes if len(code) == 2]
    assert first == [f"{number:02}" for number in range(1, 25)]
    for code, row in LAND.use2023.codes.items():
        assert row.to == code
        assert code[:-2] in {"", *LAND.use2023.codes}


def test_a_file_of_the_same_form_may_take_the_tables_place(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    table = '[{name}]\ntitle = {{ zh = "甲", en = "A" }}\n[{name}.codes]\n'
    row = '"01" = {{ name = {{ zh = "田", en = "Field" }}{to} }}\n'
    use = table.format(name="use2023") + row.format(to="")
    path.write_text(use + table.format(name="survey3") + row.format(to=', to = "01"'), "utf-8")
    assert read_land_codes(path).find("田", "survey3") is not None
    path.write_text(use + table.format(name="survey3") + row.format(to=', to = "99"'), "utf-8")
    with pytest.raises(InputError, match="belongs to '99'"):
        read_land_codes(path)
