"""One target by several definitions, stand-ins, sets of targets, and layers taken together."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from spatial import open_pack, run_check
from spatial.run import Inputs, definitions

Edit = Callable[[str, str, str], None]
Lines = Callable[[], list[str]]
REPOSITORY = Path(__file__).resolve().parents[1]

VARIANTS = """
[coverage.variants.as_asked]
title = { zh = "全部面积", en = "all land" }
of_plan = true
[coverage.variants.housing]
title = { zh = "居住用地", en = "housing" }
layers = { area = { layer = "land", begins = { class_code = ["07"] } }, units = "" }
[coverage.variants.metro]
title = { zh = "地铁", en = "metro" }
layers = { stops = "metro" }
across = {}
[coverage.variants.green]
title = { zh = "蓝绿", en = "blue and green" }
measure = "land_share"
layers = { land = "land", zones = "units" }
params = { classes = ["03", "17"] }
target = { at_least = 0.75, unit = "share" }
judge = "whole"
across = {}

[green]
"""


@pytest.fixture
def several(edit: Edit) -> None:
    edit("plan.toml", "\n[green]\n", VARIANTS)
    edit("plan.toml", 'judge = "each"\n', 'judge = "each"\nacross = { radius_m = [300, 500] }\n')


@pytest.mark.usefixtures("several")
def test_every_definition_is_measured_at_every_value_it_is_compared_across(tiny_pack: Path) -> None:
    pack, plan = open_pack(tiny_pack)
    found = definitions(pack, plan.checks["coverage"])
    assert [(one.name, one.across) for one in found] == [
        ("as_asked", 300),
        ("as_asked", 500),
        ("housing", 300),
        ("housing", 500),
        ("metro", None),
        ("green", None),
    ]


@pytest.mark.usefixtures("several")
def test_a_definition_may_change_layers_measure_target_and_judge(tiny_pack: Path) -> None:
    pack, plan = open_pack(tiny_pack)
    found = {
        (one.name, one.across): one.result for one in definitions(pack, plan.checks["coverage"])
    }
    whole = found["as_asked", 500].measured
    housing = found["housing", 500].measured
    assert whole is not None
    assert housing is not None
    # Of 1 km² housing, 500 m wide beside a stop on its edge, half a disc is covered.
    assert housing.whole.denominator == pytest.approx(1e6, rel=1e-6)
    assert housing.whole.value == pytest.approx(3.14159 * 500**2 / 2 / 1e6, rel=1e-3)
    assert whole.whole.denominator == pytest.approx(4e6, rel=1e-6)
    metro = found["metro", None]
    assert (metro.why, metro.missing) == ("missing", ("metro",))
    green = found["green", None]
    assert green.check.measure == "land_share"
    assert green.check.judge == "whole"
    assert green.check.target.limit == 0.75
    assert green.measured is not None
    assert green.measured.whole.value == pytest.approx(0.75)


@pytest.mark.usefixtures("several")
def test_a_definition_like_the_check_gives_the_same_result(tiny_pack: Path) -> None:
    pack, plan = open_pack(tiny_pack)
    check = plan.checks["coverage"]
    own, same = run_check(pack, check), run_check(pack, check.defined("as_asked"))
    assert own.measured is not None
    assert same.measured is not None
    assert own.measured.whole == same.measured.whole
    assert own.met == same.met


STAND_IN = """stand_in = "patches"
proxy = { zh = "只是替代", en = "a stand-in only" }
[metro_coverage.variants.patches]
title = { zh = "公交", en = "buses" }
layers = { stops = "bus_stops" }
"""
SENTENCE = (
    'sentence = { zh = "距地铁站 {radius_m} 米以内。", en = "Within {radius_m} m of a station." }\n'
)


def test_a_stand_in_is_measured_where_layers_are_missing_and_decides_nothing(
    tiny_pack: Path, edit: Edit
) -> None:
    edit("plan.toml", SENTENCE, SENTENCE + STAND_IN)
    pack, plan = open_pack(tiny_pack)
    found = run_check(pack, plan.checks["metro_coverage"])
    assert (found.verdict, found.why, found.missing) == ("undetermined", "proxy", ("metro",))
    assert found.measured is not None
    assert found.check.layers["stops"].layer == "bus_stops"
    assert set(found.check.variants) == {"patches"}


def test_a_stand_in_is_not_measured_where_the_layers_are_there(tiny_pack: Path, edit: Edit) -> None:
    edit("plan.toml", SENTENCE, SENTENCE + STAND_IN)
    edit("layers.toml", "[metro]\n", '[metro]\nfile = "bus_stops.geojson"\n')
    pack, plan = open_pack(tiny_pack)
    found = run_check(pack, plan.checks["metro_coverage"])
    assert (found.why, found.missing) == ("compared", ())
    assert found.check.layers["stops"].layer == "metro"


def test_layers_taken_together_are_told_apart_by_a_column(tiny_pack: Path, edit: Edit) -> None:
    edit("layers.toml", "[metro]\n", '[metro]\nfile = "bus_stops.geojson"\n')
    edit(
        "plan.toml",
        'stops = "metro", area',
        'stops = { layer = "bus_stops", also = ["metro"] }, area',
    )
    pack, plan = open_pack(tiny_pack)
    frame = Inputs(pack).frame(plan.checks["metro_coverage"].layers["stops"])
    assert list(frame["layer"]) == ["bus_stops", "bus_stops", "metro", "metro"]
    assert set(frame.index) == {"bus_stops:S1", "bus_stops:S2", "metro:S1", "metro:S2"}


def test_a_target_belongs_to_a_set_that_the_plan_names(
    tiny_pack: Path, edit: Edit, problem_lines: Lines
) -> None:
    edit("plan.toml", "[green]\n", '[green]\ngroup = "city"\n')
    (line,) = problem_lines()
    assert line.startswith("plan.toml [green].group: unknown group 'city'")
    edit("plan.toml", "[plan]\n", '[plan]\ngroups = { city = { zh = "市", en = "city" } }\n')
    _, plan = open_pack(tiny_pack)
    assert plan.groups["city"].zh == "市"
    assert plan.checks["green"].group == "city"


@pytest.mark.parametrize(
    "old,new,line",
    [
        (
            '"blue and green" }\nmeasure = "land_share"',
            '"blue and green" }\nmeasure = "land_shares"',
            r"plan.toml \[coverage\].variants.green.measure: unknown measure 'land_shares'",
        ),
        (
            'layers = { stops = "metro" }',
            'layers = { stop = "metro" }',
            r"plan.toml \[coverage\].variants.metro.layers: unknown layer argument 'stop'",
        ),
        (
            'layers = { stops = "metro" }',
            'layers = { stops = "metros" }',
            r"plan.toml \[coverage\].variants.metro.layers.stops: unknown layer 'metros'",
        ),
        (
            'layers = { stops = "metro" }',
            'layers = { area = "metro" }',
            r"plan.toml \[coverage\].variants.metro.layers.area: layer 'metro' has point geometry",
        ),
        (
            'layers = { stops = "metro" }',
            'layers = { stops = "" }',
            r"plan.toml \[coverage\].variants.metro.layers: missing 'stops'",
        ),
        (
            'params = { classes = ["03", "17"] }\ntarget',
            "params = { classes = [] }\ntarget",
            r"plan.toml \[coverage\].variants.green.params.classes",
        ),
        (
            "across = { radius_m = [300, 500] }",
            "across = { radius = [300, 500] }",
            r"plan.toml \[coverage\].across: unknown parameter 'radius'",
        ),
        (
            "across = { radius_m = [300, 500] }",
            "across = { radius_m = [300, -1] }",
            r"plan.toml \[coverage\].params.radius_m: -1",
        ),
    ],
)
@pytest.mark.usefixtures("several")
def test_a_mistake_in_a_definition_gives_clear_lines(
    edit: Edit, problem_lines: Lines, old: str, new: str, line: str
) -> None:
    edit("plan.toml", old, new)
    assert any(re.match(line, found) for found in problem_lines()), problem_lines()


def test_the_plans_own_definitions_are_marked_once() -> None:
    _, plan = open_pack(REPOSITORY / "geodata")
    for check in plan.checks.values():
        if check.variants:
            assert sum(one.of_plan for one in check.variants.values()) == 1, check.id


def test_the_districts_and_the_citys_target_stand_side_by_side() -> None:
    _, plan = open_pack(REPOSITORY / "geodata")
    district, city = plan.checks["blue_green_barrier"], plan.checks["blue_green_barrier_city"]
    assert (district.group, district.target.at_least) == ("district", 0.65)
    assert (city.group, city.target.at_least) == ("city", 0.67)
    assert district.layers == city.layers
    assert set(plan.groups) == {"district", "city"}


def test_every_check_of_the_embedded_pack_states_each_verdict_in_a_sentence() -> None:
    _, plan = open_pack(REPOSITORY / "geodata")
    for check in plan.checks.values():
        assert set(check.says) == {"met", "not_met", "undetermined"}, check.id


MATRIX = ((90, 10), (20, 80))


def test_samples_of_accuracy_are_about_the_classes_and_the_map_they_were_taken_on() -> None:
    _, plan = open_pack(REPOSITORY / "geodata")
    check = plan.checks["blue_green_tier1"].with_params({"matrix": MATRIX})
    assert check.defined("B").params["matrix"] == MATRIX
    assert check.defined("A").params["matrix"] is None
    assert check.defined("raster").params["matrix"] is None


def test_only_the_stand_in_stands_in(tiny_pack: Path, edit: Edit) -> None:
    other = (
        STAND_IN
        + """[metro_coverage.variants.real]
title = { zh = "地铁", en = "metro" }
of_plan = true
"""
    )
    edit("plan.toml", SENTENCE, SENTENCE + other)
    edit("layers.toml", "[metro]\n", '[metro]\nfile = "bus_stops.geojson"\n')
    pack, plan = open_pack(tiny_pack)
    check = plan.checks["metro_coverage"]
    own = run_check(pack, check)
    found = {one.name: one.result for one in definitions(pack, check)}
    assert own.why == "compared"
    assert (found["real"].verdict, found["real"].why) == (own.verdict, "compared")
    assert found["patches"].why == "proxy"


def test_a_tolerance_may_be_one_per_unit(tiny_pack: Path, edit: Edit) -> None:
    edit(
        "plan.toml",
        'target = { at_least = 0.5, unit = "share" }\njudge = "each"',
        "target = { at_least = { U1 = 0.5, U2 = 0.5 }, tolerance = { U1 = 0.2 },"
        ' unit = "share" }\njudge = "each"',
    )
    pack, plan = open_pack(tiny_pack)
    found = run_check(pack, plan.checks["coverage"])  # 39 % each: a disc in 2 km²
    assert found.met == {"U1": True, "U2": False}
