"""Checks run on a pack: what is bound, measured and judged, and every check of the embedded one."""

import math
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from layers import LANGUAGES, Pack
from spatial import Plan, open_pack, run_check, run_checks
from spatial.phrases import reason
from spatial.verdict import CheckResult

Edit = Callable[[str, str, str], None]

GEODATA = Path(__file__).resolve().parents[1] / "geodata"
EMBEDDED = [
    check
    for check in tomllib.loads((GEODATA / "plan.toml").read_text(encoding="utf-8"))
    if check not in {"plan", "zone_statistics"}
]
DISC_SHARE = math.pi * 500**2 / 2e6  # of a unit of 2 km²


def run(folder: Path, check: str) -> CheckResult:
    pack, plan = open_pack(folder)
    return run_check(pack, plan.checks[check])


def test_coverage_of_the_tiny_pack_is_a_disc_a_unit(tiny_pack: Path) -> None:
    found = run(tiny_pack, "coverage")
    assert found.measured is not None
    values = found.measured.values["value"]
    assert values.to_dict() == pytest.approx({"U1": DISC_SHARE, "U2": DISC_SHARE}, rel=2e-4)
    assert found.measured.whole.value == pytest.approx(DISC_SHARE, rel=2e-4)
    assert found.verdict == "not_met"
    assert found.met == {"U1": False, "U2": False}
    assert (found.basis, found.conclusive) == ("official", True)


def test_blue_green_share_of_the_tiny_pack_is_three_quarters(tiny_pack: Path) -> None:
    found = run(tiny_pack, "green")
    assert found.measured is not None
    values = found.measured.values["value"].to_dict()
    assert values == pytest.approx({"U1": 1.0, "U2": 0.5}, abs=1e-8)
    assert found.measured.whole.value == pytest.approx(0.75)
    assert found.verdict == "met"


def test_a_layer_that_nobody_delivered_leaves_a_check_undetermined(tiny_pack: Path) -> None:
    found = run(tiny_pack, "metro_coverage")
    assert (found.verdict, found.why, found.missing) == ("undetermined", "missing", ("metro",))
    assert found.measured is None
    assert found.basis == "official"  # of the layers that are there


def test_land_without_a_class_makes_the_share_undetermined(tiny_pack: Path, edit: Edit) -> None:
    edit("land.geojson", '"1701"', "null")  # 2 km² green, 1 unknown, 1 housing: 50 to 75 %
    found = run(tiny_pack, "green")
    assert found.measured is not None
    whole = found.measured.whole
    # Borders are off by 1 m at most, those to the unknown as well. Least: of green what the zones
    # surely hold, 998 by 1998 m, beside all that may be none. Most: all but housing, likewise.
    green, housing = 998 * 1998, 498 * 1998
    low = green / (green + 4_000_000 - 999 * 2000)
    high = 1 - housing / (housing + 4_000_000 - 499 * 2000)
    assert (whole.low, whole.high) == pytest.approx((low, high))
    assert (low, high) == pytest.approx((0.5, 0.75), abs=2e-3)
    assert (found.verdict, found.why) == ("undetermined", "range")


def test_geometry_drawn_to_a_check_decides_the_others_only(tiny_pack: Path, edit: Edit) -> None:
    edit("layers.toml", "accuracy_m = 1\n[land.c", 'accuracy_m = 1\ndrawn_to = ["green"]\n[land.c')
    found = run(tiny_pack, "green")
    assert (found.verdict, found.why) == ("undetermined", "drawn")
    assert run(tiny_pack, "coverage").verdict == "not_met"


@pytest.mark.parametrize("basis", ["sketch", "synthetic"])
@pytest.mark.parametrize("check", ["coverage", "green"])
def test_on_sketched_data_nothing_is_met_or_missed(
    tiny_pack: Path, edit: Edit, check: str, basis: str
) -> None:
    edit("layers.toml", 'basis = "official"', f'basis = "{basis}"')
    found = run(tiny_pack, check)
    assert not found.conclusive
    assert found.basis == basis
    assert found.status == "indicative"


def test_one_sketched_feature_makes_its_result_indicative(tiny_pack: Path, edit: Edit) -> None:
    edit("bus_stops.geojson", '"id": "S2"', '"id": "S2", "basis": "sketch"')
    found = run(tiny_pack, "coverage")
    assert (found.basis, found.status) == ("sketch", "indicative")
    assert run(tiny_pack, "green").status == "met"


def test_a_feature_better_than_its_layer_does_not_lift_the_layer(
    tiny_pack: Path, edit: Edit
) -> None:
    edit("layers.toml", 'basis = "official"\n[bus', 'basis = "sketch"\n[bus')
    edit("bus_stops.geojson", '"id": "S2"', '"id": "S2", "basis": "official"')
    assert run(tiny_pack, "coverage").basis == "sketch"


def test_features_that_a_check_does_not_choose_do_not_weaken_it(
    tiny_pack: Path, edit: Edit
) -> None:
    edit("units.geojson", '"id": "U2"', '"id": "U2", "basis": "synthetic"')
    edit(
        "plan.toml",
        'zones = "units" }\n',
        'zones = { layer = "units", where = { name = "西单元" } } }\n',
    )
    found = run(tiny_pack, "green")
    assert found.measured is not None
    assert found.measured.values.index.tolist() == ["U1"]
    assert found.measured.whole.value == pytest.approx(1.0)
    assert found.basis == "official"


def test_a_choice_may_name_several_values(tiny_pack: Path, edit: Edit) -> None:
    chosen = 'zones = { layer = "units", where = { name = ["西单元", "东单元"] } } }\n'
    edit("plan.toml", 'zones = "units" }\n', chosen)
    found = run(tiny_pack, "green")
    assert found.measured is not None
    assert found.measured.values.index.tolist() == ["U1", "U2"]


def test_only_the_checks_named_are_run_in_the_order_of_the_plan(tiny_pack: Path) -> None:
    pack, plan = open_pack(tiny_pack)
    found = run_checks(pack, plan, only=["green", "coverage"])
    assert [result.check.id for result in found] == ["coverage", "green"]
    assert [result.check.id for result in run_checks(pack, plan)] == list(plan.checks)


@pytest.fixture(scope="module")
def results(embedded: tuple[Pack, Plan]) -> dict[str, CheckResult]:
    return {result.check.id: result for result in run_checks(*embedded)}


@pytest.mark.parametrize("check_id", EMBEDDED)
def test_every_check_has_a_verdict_and_a_reason_in_both_languages(
    embedded: tuple[Pack, Plan], results: dict[str, CheckResult], check_id: str
) -> None:
    pack, _ = embedded
    for lang in LANGUAGES:
        said = reason(pack, results[check_id], lang)
        assert len(said) > 10
        assert "{" not in said
        assert "nan" not in said.lower()
    english = reason(pack, results[check_id], "en")
    assert not re.search(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]", english), english


@pytest.mark.parametrize("check_id", EMBEDDED)
def test_every_figure_lies_in_its_range(results: dict[str, CheckResult], check_id: str) -> None:
    measured = results[check_id].measured
    if measured is None:
        assert results[check_id].missing
        return
    values = measured.values.dropna()
    assert (values["low"] <= values["value"]).all()
    assert (values["value"] <= values["high"]).all()
    if results[check_id].check.target.unit == "share":
        assert values["low"].between(0, 1).all()
        assert values["high"].between(0, 1).all()
        ratios = values["numerator"] / values["denominator"]
        assert ratios.tolist() == pytest.approx(values["value"].tolist())


@pytest.mark.parametrize("check_id", EMBEDDED)
def test_the_basis_of_every_result_is_no_better_than_that_of_its_layers(
    embedded: tuple[Pack, Plan], results: dict[str, CheckResult], check_id: str
) -> None:
    pack, _ = embedded
    found = results[check_id]
    whole_layers = [
        pack.layers[binding.layer].basis
        for binding in found.check.layers.values()
        if binding.layer in pack.layers and not binding.where
    ]
    order = ["official", "open", "digitised", "sketch", "synthetic"]
    assert found.basis is not None
    assert all(order.index(found.basis) >= order.index(basis) for basis in whole_layers)
    if found.basis in {"sketch", "synthetic"}:
        assert found.status in {"indicative", "undetermined"}


def test_what_the_embedded_coverage_leaves_open_is_its_gaps(
    embedded: tuple[Pack, Plan], results: dict[str, CheckResult]
) -> None:
    pack, plan = embedded
    for check in plan.checks.values():
        measured = results[check.id].measured
        if check.measure != "stop_coverage" or measured is None or "units" not in check.layers:
            continue
        gaps = measured.evidence.groupby("unit")["area_m2"].sum()
        gaps = gaps.reindex(measured.values.index, fill_value=0.0)
        open_m2 = measured.values["denominator"] - measured.values["numerator"]
        assert (gaps - open_m2.fillna(0.0)).abs().max() < 1.0
        stops = pack.layers[check.layers["stops"].layer].frame
        assert set(measured.evidence["nearest_stop"]) <= set(stops.index)
        assert (measured.evidence["nearest_m"] > check.params["radius_m"] * 0.999).all()


def test_a_check_is_a_frozen_value(tiny_pack: Path) -> None:
    _, plan = open_pack(tiny_pack)
    check = plan.checks["green"]
    with pytest.raises(ValueError, match="frozen"):
        check.judge = "each"  # type: ignore[misc]
