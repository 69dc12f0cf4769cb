"""What `plan.toml` may say, a line for each mistake in it, and every check of the embedded one."""

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from layers import LANGUAGES, InputError, Pack, Text
from spatial import Plan, open_pack
from spatial.measures import MEASURES
from spatial.measures.measure import STATED
from spatial.phrases import sentence
from spatial.plan import Cite, read_plan

Edit = Callable[[str, str, str], None]
Lines = Callable[[], list[str]]

GEODATA = Path(__file__).resolve().parents[1] / "geodata"
EMBEDDED = [
    check
    for check in tomllib.loads((GEODATA / "plan.toml").read_text(encoding="utf-8"))
    if check not in {"plan", "zone_statistics"}
]
COVERAGE_LAYERS = 'layers = { stops = "bus_stops", area = "area", units = "units" }'
GREEN_LAYERS = 'layers = { land = "land", zones = "units" }'

SPOILT = [
    pytest.param("[plan]", "[plan", r"plan.toml: not valid TOML: .*line 1", id="broken TOML"),
    pytest.param(
        'title = { zh = "小方规划", en = "Plan of Tiny" }',
        "",
        r"plan.toml \[plan\]: missing key 'title'",
        id="no title",
    ),
    pytest.param(
        'measure = "land_share"',
        'measure = "land_shares"',
        r"plan.toml \[green\].measure: unknown measure 'land_shares' \(did you mean"
        r" 'land_share'\?\); known measures are .*'land_share'",
        id="misspelt measure",
    ),
    pytest.param(
        COVERAGE_LAYERS,
        COVERAGE_LAYERS.replace("units = ", "unit = "),
        r"plan.toml \[coverage\].layers: unknown layer argument 'unit' \(did you mean 'units'\?\);"
        r" known layer arguments are 'stops', 'area', 'units', 'stations', 'population' of measure"
        r" 'stop_coverage'",
        id="misspelt layer argument",
    ),
    pytest.param(
        COVERAGE_LAYERS,
        'layers = { stops = "bus_stops" }',
        r"plan.toml \[coverage\].layers: missing 'area'; measure 'stop_coverage' needs 'stops',"
        r" 'area'",
        id="missing layer argument",
    ),
    pytest.param(
        COVERAGE_LAYERS,
        COVERAGE_LAYERS.replace("bus_stops", "bus_stop"),
        r"plan.toml \[coverage\].layers.stops: unknown layer 'bus_stop' \(did you mean"
        r" 'bus_stops'\?\); known layers are 'area', 'units', 'land', 'bus_stops', 'metro'",
        id="unknown layer",
    ),
    pytest.param(
        COVERAGE_LAYERS,
        COVERAGE_LAYERS.replace("bus_stops", "land"),
        r"plan.toml \[coverage\].layers.stops: layer 'land' has polygon geometry, point geometry"
        r" is needed",
        id="wrong kind of layer",
    ),
    pytest.param(
        COVERAGE_LAYERS,
        'layers = "bus_stops"',
        r"plan.toml \[coverage\].layers: 'bus_stops' is not right",
        id="layers as text",
    ),
    pytest.param(
        GREEN_LAYERS,
        'layers = { land = "land", zones = { layer = "units", wher = { id = "U1" } } }',
        r"plan.toml \[green\].layers.zones: unknown key 'wher' \(did you mean 'where'\?\); known"
        r" keys are 'layer', 'also', 'where', 'begins'",
        id="misspelt where",
    ),
    pytest.param(
        GREEN_LAYERS,
        'layers = { land = "land", zones = { layer = "units", where = { nam = "西单元" } } }',
        r"plan.toml \[green\].layers.zones.where: unknown column 'nam' \(did you mean 'name'\?\)",
        id="choice by an unknown column",
    ),
    pytest.param(
        GREEN_LAYERS,
        'layers = { land = "land", zones = { layer = "units", where = { name = "北单元" } } }',
        r"plan.toml \[green\].layers.zones.where.name: unknown value '北单元'.*'东单元', '西单元'",
        id="choice of an unknown value",
    ),
    pytest.param(
        GREEN_LAYERS,
        'layers = { land = "land", zones = { layer = "units",'
        ' where = { name = "西单元", name_en = "East unit" } } }',
        r"plan.toml \[green\].layers.zones.where: ",
        id="choice that leaves nothing",
    ),
    pytest.param(
        'params = { classes = ["03", "17"], class_column',
        'params = { classes = ["03", "17"], clas_column',
        r"plan.toml \[green\].params: unknown key 'clas_column' \(did you mean 'class_column'\?\);"
        r" known keys are 'classes', 'class_column'",
        id="misspelt parameter",
    ),
    pytest.param(
        'class_column = "class_code" }',
        'class_column = "code" }',
        r"plan.toml \[green\].params.class_column: unknown column 'code'",
        id="unknown class column",
    ),
    pytest.param(
        'params = { classes = ["03", "17"], ',
        "params = { classes = [], ",
        r"plan.toml \[green\].params.classes: list is not right: .*at least 1 item",
        id="no classes",
    ),
    pytest.param(
        'params = { classes = ["03", "17"], class_column = "class_code" }\n',
        "",
        r"plan.toml \[green\].params: missing key 'classes'",
        id="missing parameter",
    ),
    *[
        pytest.param(
            "params = { radius_m = 500 }",
            f"params = {{ radius_m = {radius} }}",
            rf"plan.toml \[coverage\].params.radius_m: '?{radius.strip(chr(34))}'? is not right: ",
            id=f"radius {radius}",
        )
        for radius in ("0", "-500", "nan", "inf", '"far"')
    ],
    *[
        pytest.param(
            'stops = "bus_stops"\nradius_m = 500',
            f'stops = "bus_stops"\nradius_m = {radius}',
            rf"plan.toml \[zone_statistics\].radius_m: {radius} is not right: ",
            id=f"radius of zones {radius}",
        )
        for radius in ("0", "-500", "nan", "inf")
    ],
    pytest.param(
        "target = { at_least = 0.7,",
        "target = { at_lest = 0.7,",
        r"plan.toml \[green\].target: unknown key 'at_lest' \(did you mean 'at_least'\?\); known"
        r" keys are 'unit', 'at_least', 'at_most', 'equal', 'no_number', 'tolerance'",
        id="misspelt comparison",
    ),
    pytest.param(
        "target = { at_least = 0.7,",
        "target = { at_least = 0.7, at_most = 0.9,",
        r"plan.toml \[green\].target: dict is not right: give one of at_least, at_most, equal;",
        id="two comparisons",
    ),
    pytest.param(
        "target = { at_least = 0.7,",
        "target = { ",
        r"plan.toml \[green\].target: dict is not right: give one of at_least, at_most, .*none",
        id="no comparison",
    ),
    *[
        pytest.param(
            "target = { at_least = 0.7,",
            f"target = {{ at_least = {limit},",
            rf"plan.toml \[green\].target.at_least.*: {limit} is not right: ",
            id=f"target {limit}",
        )
        for limit in ("nan", "inf")
    ],
    pytest.param(
        "target = { at_least = 0.7,",
        'target = { at_least = "most",',
        r"plan.toml \[green\].target.at_least.*: 'most' is not right: .*valid number",
        id="text for a target",
    ),
    pytest.param(
        GREEN_LAYERS,
        'layers = { land = "land", zones = { layer = "units", where = { name = 1 } } }',
        r"plan.toml \[green\].layers.zones.where.name.*: 1 is not right: .*valid string",
        id="choice by a number",
    ),
    pytest.param(
        'target = { at_least = 0.7, unit = "share" }',
        'target = { at_least = 70, unit = "percent" }',
        r"plan.toml \[green\].target.unit: 'percent' does not fit; 'land_share' gives 'share'",
        id="wrong unit",
    ),
    pytest.param(
        'target = { at_least = 0.7, unit = "share" }',
        'target = { at_least = { U1 = 0.7, U3 = 0.8 }, unit = "share" }\njudge = "each"',
        r"plan.toml \[green\].target.at_least: unknown unit 'U3'",
        id="limit for a unit that is not there",
    ),
    pytest.param(
        'target = { at_least = 0.7, unit = "share" }',
        'target = { at_least = { U1 = 0.7 }, unit = "share" }\njudge = "whole"',
        r"plan.toml \[green\].*judge",
        id="limits for units but asked of the whole",
    ),
    pytest.param(
        'judge = "each"',
        'judge = "all"',
        r"plan.toml \[coverage\].judge: 'all' is not right: .*'whole' or 'each'",
        id="unknown way to judge",
    ),
    pytest.param(
        "cite = { box = 12 }",
        "cite = { boxes = 12 }",
        r"plan.toml \[green\].cite: unknown key 'boxes' \(did you mean 'box'\?\)",
        id="misspelt place in the plan",
    ),
    pytest.param(
        "cite = { box = 12 }",
        "cite = { chapter = 0 }",
        r"plan.toml \[green\].cite.chapter: 0 is not right",
        id="chapter 0",
    ),
    pytest.param(
        'zh = "距站点 {radius_m} 米以内。"',
        'zh = "距站点 {radius} 米以内。"',
        r"plan.toml \[coverage\].sentence.zh: .*'radius'",
        id="sentence with an unknown parameter",
    ),
    pytest.param(
        'en = "Within {radius_m} m of a stop."',
        'en = "Within {radius_m m of a stop."',
        r"plan.toml \[coverage\].sentence.en: ",
        id="sentence with an open brace",
    ),
    pytest.param(
        "[green]\n",
        '[green]\nid = "green"\n',
        r"plan.toml \[green\]: unknown key 'id'; the table's name is the id",
        id="id inside the table",
    ),
    pytest.param(
        'zones = "units"\nland',
        'zones = "unit"\nland',
        r"plan.toml \[zone_statistics\].zones: unknown layer 'unit'",
        id="unknown zones",
    ),
    pytest.param(
        'land = { layer = "land", column = "class_code"',
        'land = { layer = "land", column = "klass"',
        r"plan.toml \[zone_statistics\].land.column: unknown column 'klass'",
        id="unknown column of zone statistics",
    ),
    pytest.param(
        'land = { layer = "land", column = "class_code"',
        'land = { layer = "land", colum = "class_code"',
        r"plan.toml \[zone_statistics\].land: unknown key 'colum' \(did you mean 'column'\?\)",
        id="misspelt key of zone statistics",
    ),
]


@pytest.mark.parametrize("old,new,line", SPOILT)
def test_a_mistake_gives_one_clear_line(
    edit: Edit, problem_lines: Lines, old: str, new: str, line: str
) -> None:
    edit("plan.toml", old, new)
    (found,) = problem_lines()
    assert re.match(line, found), found


def test_the_mistakes_of_both_files_and_the_data_between_them_come_at_once(
    tiny_pack: Path, edit: Edit, problem_lines: Lines
) -> None:
    edit("plan.toml", "radius_m = 800", "radius_m = -8")
    edit("plan.toml", 'measure = "land_share"', 'measure = "land_shares"')
    edit("bus_stops.geojson", '"id": "S2"', '"id": "S1"')
    (tiny_pack / "units.geojson").unlink()
    assert sorted(line.split(":")[0] for line in problem_lines()) == [
        "bus_stops.geojson feature S1",
        "plan.toml [green].measure",
        "plan.toml [metro_coverage].params.radius_m",
        "units.geojson",
    ]


def test_the_mistakes_of_both_tables_come_at_once(edit: Edit, problem_lines: Lines) -> None:
    edit("layers.toml", 'metric_crs = "EPSG:4548"', 'metric_crs = "EPSG:4490"')
    edit("plan.toml", 'measure = "land_share"', 'measure = "land_shares"')
    assert sorted(line.split(":")[0] for line in problem_lines()) == [
        "layers.toml [pack].metric_crs",
        "plan.toml [green].measure",
    ]


def test_a_missing_plan_is_named(tiny_pack: Path, problem_lines: Lines) -> None:
    (tiny_pack / "plan.toml").unlink()
    (line,) = problem_lines()
    assert line.startswith("plan.toml: no such file in ")


def test_geometry_drawn_to_a_check_that_is_not_there_is_a_mistake(
    edit: Edit, problem_lines: Lines
) -> None:
    edit("layers.toml", "accuracy_m = 1\n[land.c", 'accuracy_m = 1\ndrawn_to = ["gren"]\n[land.c')
    (line,) = problem_lines()
    assert line.startswith(
        "layers.toml [land].drawn_to: unknown check 'gren' (did you mean 'green'"
    )


def test_class_codes_that_are_numbers_are_refused_not_misread(
    edit: Edit, problem_lines: Lines
) -> None:
    # 0301 as a number is 301, which no code begins with; with a null beside it, even 301.0.
    edit(
        "layers.toml", '[land.columns]\nclass_code = { title = { zh = "代码", en = "Code" } }\n', ""
    )
    edit("layers.toml", '[land.style]\nby = "class_code"\n', "")
    edit("land.geojson", '"0301"', "301")
    edit("land.geojson", '"1701"', "1701")
    edit("land.geojson", '"0701"', "null")
    lines = problem_lines()
    assert lines
    assert all("class_c" in line for line in lines), lines


@pytest.mark.parametrize("radius", [0, -1, float("nan"), float("inf"), "far", None])
def test_a_planner_cannot_set_a_radius_that_is_none(tiny_pack: Path, radius: object) -> None:
    _, plan = open_pack(tiny_pack)
    with pytest.raises(InputError, match=r"plan.toml \[coverage\].params.radius_m: .* not right"):
        plan.checks["coverage"].with_params({"radius_m": radius})


def test_a_planner_can_set_another_radius(tiny_pack: Path) -> None:
    _, plan = open_pack(tiny_pack)
    changed = plan.checks["coverage"].with_params({"radius_m": 300})
    assert changed.params == {**plan.checks["coverage"].params, "radius_m": 300.0}
    assert plan.checks["coverage"].params["radius_m"] == 500.0
    assert sentence(changed, "en") == "Within 300 m of a stop."


def test_a_plan_may_ask_nothing(tiny_pack: Path) -> None:
    (tiny_pack / "plan.toml").write_text('[plan]\ntitle = { zh = "无", en = "None" }\n', "utf-8")
    plan = read_plan(tiny_pack)
    assert plan.checks == {}
    assert plan.zone_statistics.radius_m == 500


@pytest.mark.parametrize(
    "cite,zh,en",
    [
        ({"chapter": 7, "section": 1}, "第七章一", "Ch. 7 (1)"),
        ({"chapter": 10}, "第十章", "Ch. 10"),
        ({"chapter": 16, "section": 12}, "第十六章十二", "Ch. 16 (12)"),
        ({"box": 17, "item": 3}, "专栏17（3）", "Box 17 (3)"),
        ({"annex": 3, "item": 19}, "附件三 19", "Annex 3, note 19"),
        ({"chapter": 2, "clause": Text(zh="末段", en="last")}, "第二章，末段", "Ch. 2, last"),
        ({}, "", ""),
    ],
)
def test_a_place_in_the_plan_is_named_in_both_languages(
    cite: Mapping[str, object], zh: str, en: str
) -> None:
    place = Cite.model_validate(cite)
    assert (place.in_("zh"), place.in_("en")) == (zh, en)


@pytest.mark.parametrize("check_id", EMBEDDED)
def test_every_check_cites_the_plan_and_speaks_both_languages(
    embedded: tuple[Pack, Plan], check_id: str
) -> None:
    check = embedded[1].checks[check_id]
    for lang in LANGUAGES:
        assert check.cite.in_(lang)
        assert check.title.in_(lang).strip()
        said = sentence(check, lang)
        assert said.strip()
        assert "{" not in said
        assert all(term.in_(lang).strip() for term in check.terms.values())


@pytest.mark.parametrize("check_id", EMBEDDED)
def test_every_check_binds_layers_of_the_kind_its_measure_takes(
    embedded: tuple[Pack, Plan], check_id: str
) -> None:
    pack, plan = embedded
    check = plan.checks[check_id]
    measure = MEASURES[check.measure]
    assert measure.unit in {STATED, check.target.unit}
    for name, binding in check.layers.items():
        for layer in binding.all_layers:
            assert pack.catalogue.layers[layer].geometry in measure.layers[name]


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_tells_layers_from_parameters(name: str) -> None:
    measure = MEASURES[name]
    assert measure.required_layers
    assert set(measure.required_layers) <= set(measure.layers)
    assert not set(measure.layers) & set(measure.params.model_fields)
