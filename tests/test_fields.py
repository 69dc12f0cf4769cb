"""Which fields become which columns: what is proposed, and what comes out when it is applied."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from layers import InputError, Pack, load_pack
from layers.catalogue import LayerSpec
from layers.field_names import match_name, names_of, read_field_names
from layers.field_proposal import FieldProposal, propose_fields, propose_values
from layers.field_values import as_numbers, suggest_value, value_text
from layers.fields import FieldMap, apply_fields
from layers.formats.found import Part, SourceField
from layers.rules import content_problems
from layers.text import Text

REPOSITORY = Path(__file__).resolve().parents[1]
TIERS = {
    "1": Text(zh="一级管控区", en="Tier 1"),
    "2": Text(zh="二级管控区", en="Tier 2"),
    "3": Text(zh="三级管控区", en="Tier 3"),
}


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(REPOSITORY / "geodata")


def a_part(columns: Mapping[str, Sequence[object]], *, count: int = 0) -> Part:
    """A part whose samples are the different values of its columns."""
    fields = []
    for name, values in columns.items():
        texts = [value_text(value) for value in values]
        numeric = all(isinstance(value, int | float) for value in values)
        fields.append(
            SourceField(
                name=name,
                kind="number" if numeric else "text",
                samples=tuple(dict.fromkeys(text for text in texts if text)),
                missing=texts.count(""),
            )
        )
    rows = max(len(values) for values in columns.values())
    return Part(name="t", geometry="polygon", count=count or rows, fields=tuple(fields))


def a_spec(**entry: object) -> LayerSpec:
    source = {"name": {"zh": "局", "en": "Bureau"}, "basis": "official"}
    title = {"zh": "层", "en": "Layer"}
    basics = {"id": "own", "title": title, "geometry": "point", "group": "g", "accuracy_m": 1}
    return LayerSpec.model_validate({**basics, "source": source, **entry})


def some_rows(columns: Mapping[str, Sequence[object]]) -> gpd.GeoDataFrame:
    count = max(len(values) for values in columns.values())
    points = shapely.points(117.0 + np.arange(count) * 1e-3, 39.0)
    index = pd.RangeIndex(1, count + 1, name="row")
    return gpd.GeoDataFrame(dict(columns), geometry=points, crs="OGC:CRS84", index=index)


# What is proposed --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "field, column, title, level",
    [
        ("NAME", "name", "名称", "sure"),
        ("名称", "name", "名称", "sure"),
        ("XMMC", "name", "名称", "sure"),
        ("stop_name", "name", "名称", "sure"),
        ("Name_EN", "name_en", "名称（英文）", "sure"),
        ("DLBM", "class_code", "用地用海代码", "sure"),
        ("YDYHFLDM", "class_code", "用地用海代码", "sure"),
        ("gkjb", "tier", "管控级别", "sure"),
        ("管控要", "rule", "管控要求", "likely"),  # ten bytes of UTF-8 hold three characters
        ("规划所列面", "area_km2", "规划所列面积", "likely"),  # and ten of GBK five
        ("ecological", "ecological_intake_m3s", "生态引水流量", "likely"),
        ("GKYQ", "rule", "管控要求", "likely"),
        ("guankongya", "rule", "管控要求", "likely"),
        ("guankongyaoqiu", "rule", "管控要求", "likely"),
        ("SHAPE_Area", "name", "名称", None),
        ("MCC", "name", "名称", None),
    ],
)
def test_a_field_is_known_by_its_name(
    field: str, column: str, title: str, level: str | None
) -> None:
    if field == "guankongya":  # cut to ten characters
        assert len(field) == 10
    words = read_field_names().get(column, ())
    match = match_name(field, names_of(column, Text(zh=title, en=column), words))
    assert (match.level if match else None) == level


def test_a_survey_is_proposed_field_by_field(pack: Pack) -> None:
    part = a_part(
        {
            "OBJECTID": [1, 2, 3, 4],
            "BSM": ["1001", "1002", "1003", "1004"],
            "DLBM": ["0102", "0601", "1109", "1202"],
            "DLMC": ["水浇地", "工业用地", "水工建筑用地", "设施农用地"],
            "TBMJ": [1.5, 2.5, 3.5, 4.5],
        }
    )
    spec = pack.catalogue.layers["land_cover"]
    proposal = propose_fields(spec, part, pack.layers["land_cover"].frame, {"class_code": ()})
    assert proposal.map.key == "BSM"
    assert proposal.map.columns == {"class_code": "DLBM", "class_name": "DLMC"}
    assert proposal.map.tables == {"class_code": "survey3"}
    meant = {value.value: value.becomes for value in proposal.values["class_code"].values}
    assert meant == {"0102": "01", "0601": "10", "1109": "1311", "1202": "0602"}
    assert proposal.questions == ()


def test_codes_of_two_meanings_are_asked_about_and_nothing_is_chosen(pack: Pack) -> None:
    part = a_part({"DLBM": ["0101", "0303", "0601", "1001"]})
    proposal = propose_fields(pack.catalogue.layers["land_cover"], part)
    assert proposal.map.tables == {}
    assert any("0303, 0601, 1001" in question.zh for question in proposal.questions)
    assert {value.becomes for value in proposal.values["class_code"].values} == {""}
    spec = pack.catalogue.layers["land_cover"]
    told = propose_values(spec, "class_code", ["0601", "0303"], table="use2023")
    assert [value.becomes for value in told.values] == ["0601", "03"]
    assert told.question is None


def test_a_field_of_names_beside_the_codes_decides(pack: Pack) -> None:
    columns = {"DLBM": ["0101", "0601"], "DLMC": ["水田", "农村道路"]}
    proposal = propose_fields(pack.catalogue.layers["land_cover"], a_part(columns))
    assert proposal.map.tables == {"class_code": "use2023"}


def test_tiers_are_known_however_they_are_written(pack: Pack) -> None:
    part = a_part({"MC": ["甲", "乙", "丙"], "GKJB": ["一级管控区", "Ⅱ级", "3"]})
    spec = pack.catalogue.layers["barrier_tiers"]
    proposal = propose_fields(spec, part, pack.layers["barrier_tiers"].frame, {"tier": ("1",)})
    assert proposal.map.columns == {"name": "MC", "tier": "GKJB"}
    assert proposal.map.codes == {"tier": {"一级管控区": "1", "Ⅱ级": "2"}}


def test_a_field_of_classes_is_found_by_its_values(pack: Pack) -> None:
    part = a_part({"字段一": ["甲", "乙", "丙"], "字段二": ["一级管控区", "二级管控区", "一级"]})
    proposal = propose_fields(pack.catalogue.layers["barrier_tiers"], part)
    assert proposal.map.columns["tier"] == "字段二"


def test_small_numbers_are_not_taken_for_tiers(pack: Pack) -> None:
    part = a_part({"楼层": [1, 2, 3]})
    proposal = propose_fields(pack.catalogue.layers["barrier_tiers"], part)
    assert "tier" not in proposal.map.columns
    tier = next(found for found in proposal.fields if found.column == "tier")
    assert tier.alternatives == ("楼层",)
    assert any("管控级别" in question.zh for question in proposal.questions)


def test_a_field_with_the_right_name_and_wrong_values_is_only_offered(pack: Pack) -> None:
    part = a_part({"DLBM": ["R2", "M1", "G1"]})
    proposal = propose_fields(pack.catalogue.layers["land_cover"], part)
    assert proposal.map.columns == {}
    code = next(found for found in proposal.fields if found.column == "class_code")
    assert code.alternatives == ("DLBM",)


def test_an_amount_in_an_unknown_unit_is_only_offered(pack: Pack) -> None:
    spec = pack.catalogue.layers["restoration_projects"]
    proposal = propose_fields(spec, a_part({"占地面积": [3400, 17435], "area_m2": [1.0, 2.0]}))
    assert proposal.map.columns == {"area_m2": "area_m2"}
    mu = next(found for found in proposal.fields if found.column == "area_mu")
    assert mu.alternatives == ("占地面积",)
    assert "亩" in mu.why.zh


def test_names_tell_which_present_feature_each_one_is(pack: Pack) -> None:
    present = pack.layers["streets"].frame
    names = [f"{name}道" for name in present["name"]]  # 街道 in place of 街
    part = a_part({"XZQDM": list(range(120110001, 120110012)), "XZQMC": names})
    proposal = propose_fields(pack.catalogue.layers["streets"], part, present)
    assert proposal.map.key == "XZQMC"
    assert list(proposal.map.codes["id"].values()) == present.index.tolist()


def test_ids_that_the_plan_names_are_asked_for(pack: Pack) -> None:
    spec = pack.catalogue.layers["barrier_structure"]
    present = pack.layers["barrier_structure"].frame
    wanted = {"id": ("GS-02",)}
    known = present.loc["GS-02", "name"]
    found = propose_fields(spec, a_part({"MC": [known, "别处"]}), present, wanted)
    assert found.map.codes["id"] == {known: "GS-02"}
    assert not any("GS-02" in question.zh for question in found.questions)
    asked = propose_fields(spec, a_part({"MC": ["甲", "别处"]}), present, wanted)
    assert any("GS-02" in question.zh for question in asked.questions)


def test_a_field_that_repeats_is_no_key(pack: Pack) -> None:
    rows = pd.DataFrame({"BH": ["1", "2", "2"], "OBJECTID": [7, 8, 9]})
    part = a_part({"BH": ["1", "2"], "OBJECTID": [7, 8, 9]}, count=3)
    proposal = propose_fields(pack.catalogue.layers["bus_stops"], part, rows=rows)
    assert proposal.map.key == "OBJECTID"
    only = Part(name="t", count=3, fields=part.fields[:1])
    assert propose_fields(pack.catalogue.layers["bus_stops"], only, rows=rows).map.key == ""


def test_the_basis_is_never_taken_from_a_field(pack: Pack) -> None:
    part = a_part({"basis": ["official"], "name": ["甲"]})
    proposal = propose_fields(pack.catalogue.layers["bus_stops"], part)
    assert "basis" not in {found.column for found in proposal.fields}
    with pytest.raises(ValidationError, match="'basis' is not taken"):
        FieldMap(columns={"basis": "basis"})


@pytest.mark.parametrize(
    "value, becomes, level",
    [
        ("1", "1", "sure"),
        ("一级管控区", "1", "sure"),
        ("Tier 2", "2", "sure"),
        ("2 二级管控区", "2", "sure"),
        ("一级", "1", "likely"),
        ("第三级", "3", "likely"),
        ("Ⅲ", "3", "likely"),
        ("II级管控区", "2", "likely"),
        ("1.0", "1", "likely"),
        ("北部一级管控区", "1", "guess"),
        ("非一级管控区", "", "guess"),
        ("1 二级管控区", "", "guess"),  # code and name contradict one another
        ("1-3", "", "guess"),
        ("四级", "", "guess"),
        ("", "", "guess"),
    ],
)
def test_a_value_means_a_tier_or_nothing(value: str, becomes: str, level: str) -> None:
    suggestion = suggest_value(value, TIERS)
    assert (suggestion.becomes, suggestion.level) == (becomes, level)


# What comes out when it is applied ---------------------------------------------------------------


def test_only_mapped_columns_remain_and_text_is_text() -> None:
    rows = some_rows({"BH": [7.0, 8.0], "MC": ["东站", " "], "TEL": ["1", "2"]})
    made, problems = apply_fields(
        rows, a_spec(), FieldMap(key="BH", columns={"name": "MC"}), "站.shp"
    )
    assert made.columns.tolist() == ["name", "geometry"]
    assert made.index.tolist() == ["7", "8"]
    assert made["name"].tolist() == ["东站", None]
    assert made.crs == "OGC:CRS84"
    assert problems == []
    assert rows.columns.tolist() == ["BH", "MC", "TEL", "geometry"]


def test_a_missing_field_is_refused_with_the_fields_there_are() -> None:
    with pytest.raises(InputError) as caught:
        apply_fields(
            some_rows({"MC": ["a"]}),
            a_spec(),
            FieldMap(key="BH", columns={"name": "NAME"}),
            "站.csv",
        )
    assert [problem.rule for problem in caught.value.problems] == ["field", "field"]
    assert "known fields are 'MC'" in str(caught.value)


def test_numbers_in_text_become_numbers_and_what_is_none_is_named() -> None:
    spec = a_spec(columns={"beds": {"title": {"zh": "床位", "en": "Beds"}, "kind": "number"}})
    rows = some_rows({"CW": ["1,234", "１２.5", "约三百", "", "1e400"]})
    made, problems = apply_fields(rows, spec, FieldMap(columns={"beds": "CW"}), "院.xlsx")
    assert made["beds"].tolist()[:2] == [1234.0, 12.5]
    assert made["beds"].isna().tolist() == [False, False, True, True, True]
    assert {problem.rule for problem in problems} == {"value"}
    assert "院.xlsx: beds: '约三百' (row 3, 1 row)" in str(problems[0])
    assert "第 3 行" in problems[0].in_("zh")


@pytest.mark.parametrize(
    "text, number",
    [
        ("1234", 1234.0),
        ("1,234,567.5", 1234567.5),
        ("-3.5e2", -350.0),
        ("\u221212", -12.0),
        (".5", 0.5),
        ("1,5", None),
        ("1,23,456", None),
        ("12 km", None),
        ("nan", None),
        ("inf", None),
        ("e5", None),
        ("--1", None),
        ("", None),
    ],
)
def test_only_what_is_clearly_a_number_is_one(text: str, number: float | None) -> None:
    value = as_numbers(pd.Series([text], dtype=object)).values.iloc[0]
    assert (None if pd.isna(value) else value) == number


def test_a_negative_accuracy_is_left_empty() -> None:
    rows = some_rows({"JD": ["5", "-1"]})
    made, problems = apply_fields(rows, a_spec(), FieldMap(columns={"accuracy_m": "JD"}), "a.csv")
    assert made["accuracy_m"].tolist()[0] == 5.0
    assert made["accuracy_m"].isna().tolist() == [False, True]
    assert "'-1'" in str(problems[0])


def test_an_english_twin_that_no_field_fills_is_there_and_empty() -> None:
    spec = a_spec(columns={"kind": {"title": {"zh": "类", "en": "Kind"}, "localised": True}})
    rows = some_rows({"LX": ["甲"]})
    made, _ = apply_fields(rows, spec, FieldMap(columns={"kind": "LX"}), "a.csv")
    assert made["kind_en"].tolist() == [None]
    assert list(content_problems(spec, made, "a.csv")) == []


def test_made_ids_rest_on_contents_and_not_on_order() -> None:
    rows = some_rows({"a": ["x", "y", "x"]})
    rows = rows.set_geometry([shapely.Point(1, 2), shapely.Point(1, 2), shapely.Point(1, 2)])
    made, _ = apply_fields(rows, a_spec(), FieldMap(), "a.csv")
    first, second, third = made.index
    assert third == f"{first}-2"
    assert second != first
    turned, _ = apply_fields(rows.iloc[::-1], a_spec(), FieldMap(), "a.csv")
    assert set(turned.index) == set(made.index)
    moved = rows.set_geometry(shapely.points([1 + 1e-12, 1, 1], 2))
    assert apply_fields(moved, a_spec(), FieldMap(), "a.csv")[0].index.equals(made.index)


def test_a_key_that_is_empty_or_repeats_is_reported() -> None:
    rows = some_rows({"BH": ["1", None, "1", "2"]})
    made, problems = apply_fields(rows, a_spec(), FieldMap(key="BH"), "a.csv")
    assert made.index.tolist()[0] == made.index.tolist()[2] == "1"
    assert len(made.index[1]) == 10
    assert [problem.rule for problem in problems] == ["key", "key"]
    assert "first in row 2" in str(problems[0])
    assert "such as '1' 2 times" in str(problems[1])


def test_ids_are_translated_by_name() -> None:
    rows = some_rows({"MC": ["万街", "华街"]})
    field_map = FieldMap(key="MC", codes={"id": {"万街": "ST-01"}})
    assert apply_fields(rows, a_spec(), field_map, "a.csv")[0].index.tolist() == ["ST-01", "华街"]


def test_survey_codes_become_classes_and_unknown_ones_are_left_empty(pack: Pack) -> None:
    spec = pack.catalogue.layers["land_cover"]
    spec = spec.model_copy(update={"columns": {"class_code": spec.columns["class_code"]}})
    rows = some_rows({"DLBM": ["0102", "0601", "1109", "XX", None]})
    field_map = FieldMap(columns={"class_code": "DLBM"}, tables={"class_code": "survey3"})
    made, problems = apply_fields(rows, spec, field_map, "地类.shp")
    assert made["class_code"].tolist() == ["01", "10", "1311", None, None]
    assert [problem.rule for problem in problems] == ["code", "code"]
    assert "no class for 'XX' (1 row)" in str(problems[0])
    assert "1109 (1) is not verified" in str(problems[1])


def test_a_table_that_the_codes_do_not_follow_is_said(pack: Pack) -> None:
    spec = pack.catalogue.layers["land_cover"]
    rows = some_rows({"DLBM": ["0102", "0601", "1109"]})
    field_map = FieldMap(columns={"class_code": "DLBM"}, tables={"class_code": "use2023"})
    _, problems = apply_fields(rows, spec, field_map, "地类.shp")
    assert problems[0].rule == "table"
    assert "1109" in problems[0].in_("zh")


def test_codes_of_an_unnamed_table_are_not_guessed(pack: Pack) -> None:
    spec = pack.catalogue.layers["land_cover"]
    rows = some_rows({"value": [1, 2, 17, 0]})
    codes = {"class_code": {"1": "03", "2": "07", "0": ""}}
    field_map = FieldMap(columns={"class_code": "value"}, codes=codes)
    made, problems = apply_fields(rows, spec, field_map, "a.tif")
    assert made["class_code"].tolist() == ["03", "07", "17", None]
    assert problems == []
    made, problems = apply_fields(rows, spec, FieldMap(columns={"class_code": "value"}), "a.tif")
    assert made["class_code"].tolist() == [None, None, "17", None]
    assert "which classification they follow was not said" in str(problems[0])


def test_a_class_that_the_style_does_not_know_is_kept_and_said(pack: Pack) -> None:
    spec = pack.catalogue.layers["barrier_tiers"]
    rows = some_rows({"GKJB": ["一级", "四级", "四级"]})
    field_map = FieldMap(columns={"tier": "GKJB"}, codes={"tier": {"一级": "1"}})
    made, problems = apply_fields(rows, spec, field_map, "a.shp")
    assert made["tier"].tolist() == ["1", "四级", "四级"]
    assert "'四级' (2 rows) is none of '1', '2', '3'" in str(problems[0])


def test_many_wrong_values_are_cut_to_twenty_lines() -> None:
    spec = a_spec(columns={"n": {"title": {"zh": "数", "en": "N"}, "kind": "number"}})
    rows = some_rows({"n": [f"x{number}" for number in range(50)]})
    _, problems = apply_fields(rows, spec, FieldMap(columns={"n": "n"}), "a.csv")
    assert len(problems) == 21
    assert "30 more values" in str(problems[-1])


@pytest.mark.parametrize("layer", ["land_cover", "built_up"])
def test_what_is_shown_of_a_value_is_what_it_becomes(pack: Pack, layer: str) -> None:
    spec, present = pack.catalogue.layers[layer], pack.layers[layer].frame
    columns = {"DLBM": ["102", "601", "1109", "1104K", "9999", "401"]}  # zeros lost
    proposal = propose_fields(spec, a_part(columns), present)
    shown = [value.becomes or None for value in proposal.values["class_code"].values]
    made, _ = apply_fields(some_rows(columns), spec, proposal.map, "a.csv")
    assert made["class_code"].tolist() == shown
    assert shown[4] is None


CELLS = st.one_of(
    st.none(),
    st.text(max_size=5),
    st.integers(-5, 5),
    st.floats(allow_nan=True),
    st.sampled_from(["0102", "1,234", "一级", "Ⅱ", "=1+1", "{x}"]),
)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=6), st.booleans())
def test_whatever_the_cells_hold_the_result_has_the_kinds_of_the_layer(
    cells: list[tuple[object, object, object]], with_key: bool
) -> None:
    spec = a_spec(
        columns={
            "kind": {"title": {"zh": "类", "en": "Kind"}, "localised": True},
            "size": {"title": {"zh": "大小", "en": "Size"}, "kind": "number"},
            "class_code": {"title": {"zh": "地类", "en": "Class"}},
        },
        style={"by": "kind", "classes": [{"value": "1", "title": {"zh": "一级", "en": "One"}}]},
    )
    rows = some_rows({"n": range(len(cells))})
    table = pd.DataFrame(cells, columns=["a", "b", "c"], index=rows.index, dtype=object)
    rows = rows.assign(a=table["a"], b=table["b"], c=table["c"])
    columns = {"kind": "a", "size": "b", "class_code": "c", "accuracy_m": "b", "name": "c"}
    field_map = FieldMap(
        key="a" if with_key else "", columns=columns, tables={"class_code": "survey3"}
    )
    made, problems = apply_fields(rows, spec, field_map, "a.csv")
    left = [p for p in content_problems(spec, made, "a.csv") if p.rule != "id"]
    assert left == []
    assert all(problem.in_("zh") and str(problem) for problem in problems)
    assert len(made) == len(rows)


@given(st.lists(st.sampled_from(["0101", "0601", "1109", "", "甲", "2"]), min_size=1, max_size=6))
def test_what_is_proposed_can_be_applied(values: list[str]) -> None:
    spec = a_spec(
        columns={"class_code": {"title": {"zh": "用地代码", "en": "Code"}}},
        style={"by": "class_code"},
    )
    columns: Mapping[str, Sequence[object]] = {"DLBM": values, "MC": values, "BH": values}
    proposal: FieldProposal = propose_fields(spec, a_part(columns))
    assert FieldMap.model_validate(json.loads(proposal.map.model_dump_json())) == proposal.map
    made, _ = apply_fields(some_rows(columns), spec, proposal.map, "a.csv")
    assert len(made) == len(values)


def test_no_name_stands_twice_for_one_column() -> None:
    path = REPOSITORY / "layers" / "field_names.toml"
    for column, words in tomllib.loads(path.read_text(encoding="utf-8")).items():
        assert len(set(words)) == len(words), column


def test_every_layer_of_the_pack_finds_its_own_columns_again(pack: Pack) -> None:
    for layer in pack.layers.values():
        spec, frame = layer.spec, layer.frame.drop(columns="basis")
        table = pd.DataFrame(frame.drop(columns="geometry")).assign(id=frame.index)
        part = a_part({str(name): table[name].tolist() for name in table.columns})
        proposal = propose_fields(spec, part, frame, rows=table)
        assert proposal.map.key == "id", spec.id
        wanted = [c for c in spec.columns if frame[c].notna().any() and c != spec.key]
        assert {c: proposal.map.columns.get(c) for c in wanted} == {c: c for c in wanted}, spec.id
