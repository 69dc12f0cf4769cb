"""Zone statistics: figures by head on the tiny pack, sums on the embedded one."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from layers import InputError, Pack
from spatial import Plan, ZoneTable, open_pack, polygon_layers, run_check, zone_statistics

REPOSITORY = Path(__file__).resolve().parents[1]

Edit = Callable[[str, str, str], None]

DISC = math.pi * 500**2
FEW = 3  # smallest layers of the embedded pack; more take seconds and say the same
ADDING_UP: tuple[str, ...] = (
    "area_m2",
    "green_m2",
    "water_m2",
    "blue_green_m2",
    "unclassified_m2",
    "built_up_m2",
)
ADDING_UP += ("covered_m2", "gap_m2", "built_up_gap_m2")


def statistics(folder: Path, layer: str = "units", radius_m: float | None = None) -> ZoneTable:
    pack, plan = open_pack(folder)
    return zone_statistics(pack, plan.zone_statistics, layer, radius_m=radius_m)


def test_the_figures_of_the_tiny_pack_are_those_of_the_head(tiny_pack: Path) -> None:
    table = statistics(tiny_pack)
    west, east = table.frame.loc["U1"], table.frame.loc["U2"]
    assert west["area_m2"] == pytest.approx(2e6)
    assert west["area_ha"] == pytest.approx(200)
    assert west["area_mu"] == pytest.approx(3000)  # 15 mu a hectare
    assert (west["green_m2"], west["water_m2"]) == pytest.approx((2e6, 0), abs=0.1)
    assert (east["green_m2"], east["water_m2"]) == pytest.approx((0, 1e6), abs=0.1)
    assert west["blue_green_share"] == pytest.approx(1.0)
    assert east["blue_green_share"] == pytest.approx(0.5)
    assert (west["stops"], east["stops"]) == (1, 1)
    assert west["covered_m2"] == pytest.approx(DISC, rel=2e-4)
    assert west["gap_m2"] == pytest.approx(2e6 - DISC, rel=2e-4)
    assert west["covered_share"] == pytest.approx(DISC / 2e6, rel=2e-4)
    assert table.radius_m == 500


def test_the_total_of_the_tiny_pack_is_that_of_the_square(tiny_pack: Path) -> None:
    total = statistics(tiny_pack).total
    assert total["area_m2"] == pytest.approx(4e6)
    assert total["blue_green_share"] == pytest.approx(0.75)
    assert total["stops"] == 2
    assert total["covered_share"] == pytest.approx(DISC / 2e6, rel=2e-4)


def test_a_statistic_without_its_layer_is_left_out(tiny_pack: Path) -> None:
    columns = statistics(tiny_pack).columns
    assert "built_up_m2" not in columns
    assert "built_up_covered_share" not in columns
    assert "terminals" not in columns


def test_a_pack_with_zones_only_has_their_areas(tiny_pack: Path, edit: Edit) -> None:
    edit("plan.toml", 'stops = "bus_stops"\n', "")
    land = 'land = { layer = "land", column = "class_code", green = ["03"], water = ["17"] }\n'
    edit("plan.toml", land, "")
    assert statistics(tiny_pack).columns == ("area_m2", "area_ha", "area_mu")


def test_built_up_land_is_measured_and_its_coverage_too(tiny_pack: Path, edit: Edit) -> None:
    edit("plan.toml", 'stops = "bus_stops"\n', 'stops = "bus_stops"\nbuilt_up = "area"\n')
    table = statistics(tiny_pack)
    assert table.frame["built_up_m2"].tolist() == pytest.approx([2e6, 2e6])
    shares = table.frame["built_up_covered_share"].tolist()
    assert shares == pytest.approx(table.frame["covered_share"].tolist())


def test_a_zone_without_built_up_land_has_no_coverage_of_it(tiny_pack: Path, edit: Edit) -> None:
    edit("plan.toml", 'stops = "bus_stops"\n', 'stops = "bus_stops"\nbuilt_up = "units"\n')
    text = (tiny_pack / "units.geojson").read_text(encoding="utf-8").splitlines()
    (tiny_pack / "units.geojson").write_text("\n".join([*text[:1], text[2], *text[3:]]), "utf-8")
    table = statistics(tiny_pack, "land")  # L1 lies in the west, which is no longer built up
    assert math.isnan(table.frame.loc["L1", "built_up_covered_share"])
    assert table.frame.loc["L1", "built_up_gap_m2"] == 0
    assert table.frame.loc["L1", "built_up_m2"] == pytest.approx(0, abs=0.1)


def test_another_radius_stands_in_for_the_packs_own(tiny_pack: Path) -> None:
    table = statistics(tiny_pack, radius_m=250)
    assert table.radius_m == 250
    assert table.frame["covered_m2"].tolist() == pytest.approx([DISC / 4, DISC / 4], rel=2e-4)


def test_overlapping_zones_count_once_in_the_total(tiny_pack: Path) -> None:
    path = tiny_pack / "units.geojson"
    path.write_text(path.read_text(encoding="utf-8").replace('"U2"', '"U3"'), encoding="utf-8")
    text = path.read_text(encoding="utf-8").splitlines()
    doubled = [text[0], text[1], text[1].replace('"U1"', '"U2"'), *text[2:]]
    path.write_text("\n".join(doubled), encoding="utf-8")
    table = statistics(tiny_pack)
    assert table.frame["area_m2"].sum() == pytest.approx(6e6)
    assert table.total["area_m2"] == pytest.approx(4e6)
    assert table.total["stops"] == 2


def test_the_basis_of_the_table_is_its_weakest(tiny_pack: Path, edit: Edit) -> None:
    edit("bus_stops.geojson", '"id": "S2"', '"id": "S2", "basis": "synthetic"')
    assert statistics(tiny_pack).basis == "synthetic"


@pytest.mark.parametrize("name", ["whole", "total", "合计", "nan", "0", "area_m2"])
def test_a_zone_may_have_any_id(tiny_pack: Path, edit: Edit, name: str) -> None:
    edit("units.geojson", '"U1"', f'"{name}"')
    table = statistics(tiny_pack)
    assert set(table.frame.index) == {name, "U2"}
    assert table.frame.loc[name, "area_m2"] == pytest.approx(2e6)
    assert table.total["area_m2"] == pytest.approx(4e6)


@pytest.mark.parametrize("layer", ["bus_stops", "metro", "nowhere", ""])
def test_only_polygon_layers_that_are_there_can_be_zones(tiny_pack: Path, layer: str) -> None:
    with pytest.raises(InputError, match=f"unknown polygon layer '{layer}'.*'area', 'units'"):
        statistics(tiny_pack, layer)


def test_the_headings_carry_units_in_both_languages(tiny_pack: Path) -> None:
    pack, _ = open_pack(tiny_pack)
    table = statistics(tiny_pack)
    zh, en = table.named(pack, "zh"), table.named(pack, "en")
    assert {"编号", "名称", "面积（m²）", "面积（公顷）", "面积（亩）"} <= set(zh.columns)
    assert {"ID", "Name", "Area (m²)", "Area (ha)", "Area (mu)"} <= set(en.columns)
    assert "Share within 500 m of a stop (%)" in en.columns
    assert zh.columns.is_unique
    assert en.columns.is_unique
    assert zh["名称"].tolist() == ["西单元", "东单元"]
    assert en["Name"].tolist() == ["West unit", "East unit"]
    assert en["Blue-green share (%)"].tolist() == pytest.approx([100, 50])


def test_the_streets_add_up_to_the_district(embedded: tuple[Pack, Plan]) -> None:
    pack, plan = embedded
    streets = zone_statistics(pack, plan.zone_statistics, "streets")
    district = zone_statistics(pack, plan.zone_statistics, "district")
    for column in ADDING_UP:
        found = float(streets.frame[column].sum())
        assert found == pytest.approx(district.total[column], abs=1.0), column
        assert streets.total[column] == pytest.approx(district.total[column], abs=1.0), column
    assert district.total["area_m2"] == pytest.approx(476.22e6, abs=0.05e6)


def test_the_tiers_add_up_to_the_barrier(embedded: tuple[Pack, Plan]) -> None:
    pack, plan = embedded
    tiers = zone_statistics(pack, plan.zone_statistics, "barrier_tiers")
    for column in ADDING_UP:
        found = float(tiers.frame[column].sum())
        assert found == pytest.approx(tiers.total[column], abs=1.0), column
    barrier = pack.layers["barrier_tiers"].frame.geometry.union_all()
    assert tiers.total["area_m2"] == pytest.approx(barrier.area, abs=1.0)


def test_polygon_layers_of_the_embedded_pack_can_be_zones(
    embedded: tuple[Pack, Plan],
) -> None:
    pack, plan = embedded
    by_size = sorted(polygon_layers(pack), key=lambda layer: len(pack.layers[layer].frame))
    for layer in by_size[:FEW]:
        table = zone_statistics(pack, plan.zone_statistics, layer)
        frame, total = table.frame, table.total
        assert list(frame.index) == list(pack.layers[layer].frame.index)
        assert list(total) == list(table.columns)
        covered_and_gap = frame["covered_m2"] + frame["gap_m2"]
        assert (covered_and_gap - frame["area_m2"]).abs().max() < 1.0
        assert total["covered_m2"] + total["gap_m2"] == pytest.approx(total["area_m2"], abs=1.0)
        assert (frame["blue_green_m2"] <= frame["green_m2"] + frame["water_m2"] + 1.0).all()
        assert (frame["area_m2"] <= total["area_m2"] + 1.0).all()


def test_green_space_is_counted_by_the_definition_that_is_chosen() -> None:
    pack, plan = open_pack(REPOSITORY / "geodata")
    parts = plan.zone_statistics
    assert parts.definition == "B"
    tables = {name: zone_statistics(pack, parts.by(name), "barrier_tiers") for name in "ABC"}
    own = zone_statistics(pack, parts, "barrier_tiers")
    assert tables["B"].total == own.total
    assert tables["A"].total["green_m2"] < own.total["green_m2"] <= tables["C"].total["green_m2"]
    # The same as the check of the plan, by the same definition.
    check = plan.checks["blue_green_barrier"]
    for name in "ABC":
        found = run_check(pack, check.defined(name))
        assert found.measured is not None
        share = tables[name].total["blue_green_share"]
        assert share == pytest.approx(found.measured.whole.value)


def test_a_definition_that_is_not_there_is_refused() -> None:
    _, plan = open_pack(REPOSITORY / "geodata")
    with pytest.raises(InputError, match="unknown definition 'D'; known definitions are 'A', 'B'"):
        plan.zone_statistics.by("D")


def test_residents_of_the_zones_add_up_to_all() -> None:
    pack, plan = open_pack(REPOSITORY / "geodata")
    table = zone_statistics(pack, plan.zone_statistics, "streets")
    people = float(pack.layers["population"].frame["people"].sum())
    assert table.total["people"] == pytest.approx(people)
    assert table.frame["people"].sum() == pytest.approx(people)
