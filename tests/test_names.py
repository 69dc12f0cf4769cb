"""What values are called: classes of land and kinds of project, in both languages."""

from pathlib import Path

import pytest

from layers import load_pack
from layers.land_codes import read_land_codes
from spatial.plan import read_plan
from views.facts import class_name, kind_name

GEODATA = Path(__file__).resolve().parent.parent / "geodata"
PLAN = read_plan(GEODATA)
PACK = load_pack(GEODATA)


def test_every_kind_that_the_plan_allows_has_a_name_in_both_languages() -> None:
    check = PLAN.checks["tier1_projects"]
    assert set(check.names) == set(check.params["allowed"])
    for kind in check.params["allowed"]:
        assert kind_name(PACK, check, kind, "zh") == kind
        assert kind_name(PACK, check, kind, "en").isascii()


def test_a_kind_that_the_plan_does_not_name_is_called_as_the_data_call_it() -> None:
    check = PLAN.checks["tier1_projects"]
    assert kind_name(PACK, check, "城市道路", "en") == "urban road"
    assert kind_name(PACK, check, "宾馆", "en") == "宾馆"


@pytest.mark.parametrize("lang, name", [("zh", "04 草地"), ("en", "04 Grassland")])
def test_a_land_class_that_the_layer_does_not_hold_is_called_as_the_standard_calls_it(
    lang: str, name: str
) -> None:
    assert "04" not in set(PACK.layers["land_cover"].frame["class_code"])
    assert class_name(PACK, "land_cover", "04", lang=lang) == name  # type: ignore[arg-type]


@pytest.mark.parametrize("check_id", ["blue_green_tier1", "green_cover"])
def test_every_class_that_a_target_counts_is_known_to_the_standard(check_id: str) -> None:
    codes = read_land_codes()
    check = PLAN.checks[check_id]
    counted = [
        code
        for name in check.variants
        if check.defined(name).measure == "land_share"
        for code in check.defined(name).params["classes"]
    ]
    assert counted
    assert all(codes.title_of(code).zh != code for code in counted)
