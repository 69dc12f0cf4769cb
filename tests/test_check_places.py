"""The list of places of a target, by whichever definition they are looked at."""

import io
from pathlib import Path

import pandas as pd
import pytest

from spatial.export import evidence_geojson, units_csv
from spatial.phrases import full_title
from spatial.places import place_names
from spatial.run import open_pack, run_check
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
    for result, definition in zip(results, ("默认口径", "全区面积，直线"), strict=True):
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
