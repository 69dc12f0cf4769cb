"""What would change a verdict: said from the result, with figures that a head can check."""

from collections.abc import Callable
from pathlib import Path

import pytest

from layers import Language
from spatial import open_pack, run_check
from spatial.outlook import ways
from spatial.run import Inputs, definitions

Edit = Callable[[str, str, str], None]


def said(folder: Path, check_id: str, lang: Language = "en") -> tuple[str, ...]:
    pack, plan = open_pack(folder)
    check = plan.checks[check_id]
    return ways(pack, run_check(pack, check), definitions(pack, check), lang)


def test_a_missing_layer_is_to_be_delivered(tiny_pack: Path) -> None:
    assert said(tiny_pack, "metro_coverage") == ("Deliver the data: Metro stations.",)
    assert said(tiny_pack, "metro_coverage", "zh") == ("补充数据：地铁站。",)


def test_what_is_met_on_official_data_needs_nothing(tiny_pack: Path) -> None:
    assert said(tiny_pack, "green") == ()


def test_an_area_short_of_its_share_is_told(tiny_pack: Path, edit: Edit) -> None:
    edit("plan.toml", "at_least = 0.7,", "at_least = 0.8,")  # 3 of 4 km² are green or blue
    assert said(tiny_pack, "green") == (
        "Another 20.0 ha that qualifies would bring the value to the target.",
    )


def test_a_sketch_is_to_be_replaced(tiny_pack: Path, edit: Edit) -> None:
    edit("layers.toml", 'basis = "official"\n\n[area]', 'basis = "sketch"\n\n[area]')
    (first,) = said(tiny_pack, "green")
    assert (
        first == "Put the authority's data in the place of sketches and invented data: Land, Units."
    )


def test_geometry_drawn_to_its_target_is_to_be_surveyed(tiny_pack: Path, edit: Edit) -> None:
    edit("layers.toml", "accuracy_m = 1\n[land.c", 'accuracy_m = 1\ndrawn_to = ["green"]\n[land.c')
    (first,) = said(tiny_pack, "green")
    assert first.startswith("Land was drawn to the plan's figure")


def test_the_accuracy_that_would_decide_is_estimated_in_proportion(
    tiny_pack: Path, edit: Edit
) -> None:
    """A shore of 2 km known to 100 m makes 3 of 4 km² uncertain by some 0.2 km², 5 points."""
    edit(
        "layers.toml",
        'source = "bureau"\naccuracy_m = 1\n[land.c',
        'source = "bureau"\naccuracy_m = 100\n[land.c',
    )
    edit("plan.toml", "at_least = 0.7,", "at_least = 0.74,")
    found = said(tiny_pack, "green")
    (line,) = [one for one in found if one.startswith("With positions")]
    # One point of about five: some 20 m.
    metres = float(line.split("Land ±")[1].split(" m")[0])
    assert 17 <= metres <= 23
    assert line.endswith("could be decided: met (tried, all else equal).")


def test_unclassified_land_is_to_be_classified(tiny_pack: Path, edit: Edit) -> None:
    edit("land.geojson", '"1701"', "null")  # 50 to 75 %
    assert "Give the unclassified land its class: it may count or not." in said(tiny_pack, "green")


def test_another_definition_that_decides_otherwise_is_named(tiny_pack: Path, edit: Edit) -> None:
    strict = """[green.variants.strict]
title = { zh = "只计林地", en = "woodland only" }
params = { classes = ["03"] }

[metro_coverage]"""
    edit("plan.toml", "[metro_coverage]", strict)
    assert said(tiny_pack, "green") == ("By the definition “woodland only” it would be not met.",)


def test_a_target_without_a_number_may_be_set(tiny_pack: Path, edit: Edit) -> None:
    edit("plan.toml", "at_least = 0.7, unit", "no_number = true, unit")
    assert said(tiny_pack, "green", "zh") == ("规划没有给出数值：自设目标值后即可比较。",)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_check_of_the_embedded_pack_says_what_would_change_it(lang: Language) -> None:
    pack, plan = open_pack(Path(__file__).resolve().parents[1] / "geodata")
    for check in plan.checks.values():
        found = ways(pack, run_check(pack, check), (), lang)
        assert found, check.id
        assert all("{" not in line for line in found)


def test_where_other_doubts_reach_over_the_target_no_accuracy_of_position_is_promised(
    tiny_pack: Path, edit: Edit
) -> None:
    edit("land.geojson", '"1701"', "null")  # 50 to 75 % by the unclassified alone
    found = said(tiny_pack, "green")
    assert not any(line.startswith("With positions") for line in found)


def test_what_lies_on_a_border_is_to_be_located() -> None:
    pack, plan = open_pack(Path(__file__).resolve().parents[1] / "geodata")
    check = plan.checks["tier1_projects"]
    found = ways(pack, run_check(pack, check), (), "zh")
    assert "测准位置：有的单元或项目落在界线哪一边还说不准。" in found
    assert "查明类别不明的项目。" in found
    assert not any("再准的位置" in line for line in found)


def test_the_accuracy_that_is_told_decides() -> None:
    """With positions as well known as it says, a verdict is given."""
    pack, plan = open_pack(Path(__file__).resolve().parents[1] / "geodata")
    check = plan.checks["blue_green_barrier"]
    found = [line for line in ways(pack, run_check(pack, check), (), "en") if "known to" in line]
    (line,) = found
    metres = float(line.split("Land cover ±")[1].split(" m")[0].replace(",", ""))
    worst = float(pack.layers["land_cover"].frame["accuracy_m"].max())
    better = Inputs(pack, accuracy=0.95 * metres / worst)  # two digits are told
    assert run_check(pack, check, inputs=better).why == "compared"


def test_units_that_fall_short_are_added_up(tiny_pack: Path, edit: Edit) -> None:
    edit(
        "plan.toml",
        'at_least = 0.7, unit = "share" }',
        'at_least = 0.6, unit = "share" }\njudge = "each"',
    )
    # The west is all forest, of the east's 2 km² half is water: it lacks 0.2 km².
    assert said(tiny_pack, "green") == (
        "Another 20.0 ha that qualifies would bring the value to the target.",
    )


def test_a_definition_is_compared_at_the_value_in_force(tiny_pack: Path, edit: Edit) -> None:
    """Covered at 1500 m, which another parameter happens to be as well, but not at 500 m."""
    edit(
        "plan.toml",
        "params = { radius_m = 500 }\ntarget = { at_least = 0.5",
        "params = { radius_m = 500, station_radius_m = 1500 }\n"
        "across = { radius_m = [500, 1500] }\ntarget = { at_least = 0.5",
    )
    edit(
        "plan.toml",
        "[green]\n",
        """[coverage.variants.whole]
title = { zh = "全部", en = "all of it" }

[green]
""",
    )
    assert not any("all of it" in line for line in said(tiny_pack, "coverage"))
