"""The list of places of a target, by whichever definition they are looked at."""

import io
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from spatial.export import about, definitions_csv, evidence_geojson, units_csv
from spatial.phrases import full_title, reason, share_text, target_text
from spatial.places import place_names
from spatial.run import definitions, open_pack, run_check
from spatial.verdict import CheckResult
from views.check_places import places_csv, places_table
from views.session import Opened
from views.text import Words

GEODATA = Path(__file__).resolve().parent.parent / "geodata"
OTHER = "district"
"""A definition of the first target by which other places are not reached."""


@pytest.fixture(scope="module")
def opened() -> Opened:
    return Opened(*open_pack(GEODATA), "places")


@pytest.fixture(scope="module")
def results(opened: Opened) -> tuple[CheckResult, CheckResult]:
    """The target by its own definition and by another."""
    check = opened.plan.checks["stops_500m"]
    own, other = (run_check(opened.pack, one) for one in (check, check.defined(OTHER)))
    return own, other


def test_places_are_named_anew_by_each_definition(
    opened: Opened, results: tuple[CheckResult, CheckResult]
) -> None:
    words = Words("zh")
    for result in results:
        assert result.measured is not None
        evidence = result.measured.evidence
        for shown in (evidence.head(3), evidence):  # some on the page, all in the file
            zones = opened.plan.zone_statistics.zones
            expected = place_names(opened.pack, list(shown.geometry), zones, "zh")
            table = places_table(opened, result, shown, words)
            assert table["位置"].tolist() == [place or "—" for place in expected]


def test_a_file_of_places_holds_all_of_them_and_says_by_which_definition(
    opened: Opened, results: tuple[CheckResult, CheckResult]
) -> None:
    for result, definition in zip(
        results, ("默认口径：建成区面积，直线", "全区面积，直线"), strict=True
    ):
        assert result.measured is not None
        evidence = result.measured.evidence
        table = pd.read_csv(io.BytesIO(places_csv(opened, result, evidence, Words("zh"))))
        assert len(table) == len(evidence)
        assert set(table["口径"]) == {definition}
        assert set(table["参数取值"]) == {"半径（米） 500"}
        assert set(table["数据依据"]) == {"模拟"}


def test_files_by_different_definitions_are_told_apart(
    opened: Opened, results: tuple[CheckResult, CheckResult]
) -> None:
    own, other = results
    assert full_title(own.check, "zh") == "公交站点 500 米覆盖率"
    assert full_title(other.check, "zh") == "公交站点 500 米覆盖率（全区面积，直线）"
    units = pd.read_csv(io.BytesIO(units_csv(opened.pack, other, "zh")))
    assert set(units["口径"]) == {"全区面积，直线"}
    found = evidence_geojson(opened.pack, other, "zh", units="streets")
    assert '"definition": "全区面积，直线"' in found
    assert '"cite": "第七章一"' in found
    assert '"unit_name": "华明街"' in found


def test_a_target_of_a_planners_own_says_so_in_a_file(opened: Opened) -> None:
    check = opened.plan.checks["convenience_15min"].with_limit(0.8)
    units = pd.read_csv(io.BytesIO(units_csv(opened.pack, run_check(opened.pack, check), "zh")))
    assert set(units["目标"]) == {"不低于 80%（自设，规划未定）"}


def test_land_that_no_parcel_covers_is_listed_and_told_of() -> None:
    """An official file of a few parcels leaves most of the zone without a class."""
    pack, plan = open_pack(GEODATA)
    land = pack.layers["land_cover"]
    few = replace(land, frame=land.frame[land.frame["class_code"] == "17"])
    opened = Opened(replace(pack, layers={**pack.layers, "land_cover": few}), plan, "few")
    result = run_check(opened.pack, plan.checks["blue_green_tier1"])
    assert result.measured is not None
    table = places_table(opened, result, result.measured.evidence, Words("zh"))
    assert "没有用地资料" in set(table[Words("zh")("facts.class_code")])
    whole = result.measured.whole
    tier = pack.layers["barrier_tiers"].frame.query("tier == '1'")
    water_m2 = few.frame.intersection(tier.union_all()).area.sum()
    bare = 1 - water_m2 / tier.union_all().area
    assert whole.value == pytest.approx(1 - bare, abs=1e-6)
    assert f"范围内有 {share_text(bare, 1.0)} 没有用地资料" in reason(opened.pack, result, "zh")


def test_a_judgement_goes_with_the_table_of_units(opened: Opened) -> None:
    check = opened.plan.checks["tier1_projects"]
    layer, project = "innovation_sites", opened.pack.layers["innovation_sites"].frame.index[0]
    unit = f"{layer}:{project}"
    said = {unit: {"kind": "乡村旅游", "reason": "现场核实"}}
    judged = check.with_params({"overrides": said})
    units = pd.read_csv(
        io.BytesIO(units_csv(opened.pack, run_check(opened.pack, judged), "zh")), index_col="编号"
    )
    assert units.loc[unit, "规划人员认定"] == "乡村旅游：现场核实"
    assert units.drop(index=unit)["规划人员认定"].isna().all()


def test_definitions_say_of_which_target_and_how_each_stands(opened: Opened) -> None:
    check = opened.plan.checks["tour_road_length"]
    found = definitions(opened.pack, check)
    table = pd.read_csv(io.BytesIO(definitions_csv(opened.pack, check, found, "zh")))
    assert set(table["指标"]) == {"生态屏障游览路长度"}
    assert set(table["目标"]) == {target_text(check, "zh")}
    assert table["与目标相比"].isin(["达标", "不达标", "无法判定"]).all()


def test_a_place_in_a_file_can_be_found_again(
    opened: Opened, results: tuple[CheckResult, CheckResult]
) -> None:
    own, _ = results
    assert own.measured is not None
    evidence = own.measured.evidence
    table = pd.read_csv(io.BytesIO(places_csv(opened, own, evidence, Words("zh"))))
    at = table.filter(like="度（WGS 84")
    points = gpd.GeoSeries(gpd.points_from_xy(*at.to_numpy().T), crs="OGC:CRS84")
    away = points.to_crs(evidence.crs).distance(evidence.geometry.reset_index(drop=True))
    assert away.max() < 0.2


def test_a_definition_that_was_changed_is_not_called_the_default(opened: Opened) -> None:
    check = opened.plan.checks["blue_green_tier1"]
    said = about(run_check(opened.pack, check), "zh")
    assert said["definition"] == "默认口径：口径 B：计入耕地和园地"
    changed = check.with_params({"classes": ["03", "17"]})
    said = about(run_check(opened.pack, changed), "zh")
    assert said["definition"] == "已改口径，见参数取值"
    assert said["parameters"].startswith("计入的类别 03 17")
    nearer = opened.plan.checks["stops_500m"].with_params({"radius_m": 300})
    said = about(run_check(opened.pack, nearer), "zh")
    assert (said["definition"], said["parameters"]) == (
        "默认口径：建成区面积，直线",
        "半径（米） 300",
    )
