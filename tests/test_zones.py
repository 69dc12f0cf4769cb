"""Zone statistics: figures by head on the tiny pack, sums on the embedded one, their ranges."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import Point, box
from shapely.geometry.base import BaseGeometry
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from layers import InputError, Pack
from spatial import Plan, ZoneTable, open_pack, polygon_layers, run_check, zone_statistics
from spatial.__main__ import app
from spatial.measures import land_share, stop_coverage, total_area
from spatial.plan import Land, ZoneStatisticsSpec
from views.session import PACK_VARIABLE

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
    streets = zone_statistics(pack, plan.zone_statistics, "streets", ranges=())
    district = zone_statistics(pack, plan.zone_statistics, "district", ranges=())
    for column in ADDING_UP:
        found = float(streets.frame[column].sum())
        assert found == pytest.approx(district.total[column], abs=1.0), column
        assert streets.total[column] == pytest.approx(district.total[column], abs=1.0), column
    assert district.total["area_m2"] == pytest.approx(476.22e6, abs=0.05e6)


def test_the_tiers_add_up_to_the_barrier(embedded: tuple[Pack, Plan]) -> None:
    pack, plan = embedded
    tiers = zone_statistics(pack, plan.zone_statistics, "barrier_tiers", ranges=())
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
        table = zone_statistics(pack, plan.zone_statistics, layer, ranges=())
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
    tables = {
        name: zone_statistics(pack, parts.by(name), "barrier_tiers", ranges=()) for name in "ABC"
    }
    own = zone_statistics(pack, parts, "barrier_tiers", ranges=())
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
    table = zone_statistics(pack, plan.zone_statistics, "streets", ranges=("people",))
    people = float(pack.layers["population"].frame["people"].sum())
    assert table.total["people"] == pytest.approx(people)
    assert table.frame["people"].sum() == pytest.approx(people)


# Ranges: zones and layers drawn for it, all in metres, with the accuracies that are given.

PARTS = ZoneStatisticsSpec(
    land=Land(layer="land", column="class_code", green=("03",), water=("17",)),
    built_up="built",
    terminals="terminals",
    stops="stops",
    population="homes",
    radius_m=500,
)
ROUND = 0.01
"""Corners are drawn with 8 segments a quarter circle, which lack 0.7 % of its area."""


def frame(
    shapes: Sequence[BaseGeometry],
    off_m: float | Sequence[float] = 0.0,
    basis: str = "open",
    **columns: Sequence[object],
) -> gpd.GeoDataFrame:
    ids = [f"F{number}" for number in range(len(shapes))]
    metres = np.broadcast_to(off_m, len(shapes))
    return gpd.GeoDataFrame(
        {"basis": basis, "accuracy_m": metres, **columns},
        geometry=list(shapes),
        index=ids,
        crs="EPSG:4548",
    )


def measured(embedded: tuple[Pack, Plan], **frames: gpd.GeoDataFrame) -> ZoneTable:
    """Statistics of the layer `zones`; the other layers have the names that PARTS gives them."""
    specs = embedded[0].layers
    layers = {
        name: replace(
            specs["streets" if name in {"zones", "land", "built"} else "bus_stops"], frame=f
        )
        for name, f in frames.items()
    }
    return zone_statistics(replace(embedded[0], layers=layers), PARTS, "zones")


def ends(table: ZoneTable, column: str, zone: str = "") -> tuple[float | None, float | None]:
    figure = table.figure(column, zone)
    return figure.low, figure.high


@pytest.mark.parametrize("side_m,off_m", [(1000.0, 0.0), (1000.0, 10.0), (1000.0, 300.0)])
def test_a_square_zone_may_be_as_small_and_as_large_as_its_border_lets_it(
    embedded: tuple[Pack, Plan], side_m: float, off_m: float
) -> None:
    table = measured(embedded, zones=frame([box(0, 0, side_m, side_m)], off_m))
    corners = math.pi * off_m**2
    low, high = (side_m - 2 * off_m) ** 2, side_m**2 + 4 * side_m * off_m + corners
    for zone in ("F0", ""):
        found = ends(table, "area_m2", zone)
        assert found == pytest.approx((low, high), abs=ROUND * corners + 1e-6)
        hectares = (found[0] or 0) / 1e4, (found[1] or 0) / 1e4
        assert ends(table, "area_ha", zone) == pytest.approx(hectares)
        assert ends(table, "area_mu", zone) == pytest.approx([ha * 15 for ha in hectares])


def test_a_zone_narrower_than_its_accuracy_may_be_nothing(embedded: tuple[Pack, Plan]) -> None:
    table = measured(embedded, zones=frame([box(0, 0, 100, 1000)], 60.0))
    assert table.figure("area_m2", "F0").low == 0


@pytest.mark.parametrize("east_from", [1000.0, 400.0], ids=["side by side", "overlapping"])
def test_the_border_between_two_zones_makes_no_doubt_about_both_together(
    embedded: tuple[Pack, Plan], east_from: float
) -> None:
    zones = frame([box(0, 0, 1000, 1000), box(east_from, 0, 2000, 1000)], 50.0)
    low, high = ends(measured(embedded, zones=zones), "area_m2")
    assert low == pytest.approx(1900 * 900)
    assert high == pytest.approx(2000 * 1000 + 6000 * 50 + math.pi * 50**2, abs=ROUND * 7900)


def test_the_area_has_the_range_of_the_measure_of_areas(embedded: tuple[Pack, Plan]) -> None:
    pack, plan = embedded
    table = zone_statistics(pack, plan.zone_statistics, "streets", ranges=("area_m2",))
    found = total_area(pack.layers["streets"].frame)
    assert table.ranged == ("area_m2",)
    for end in ("low", "high"):
        column = getattr(table, end)["area_m2"]
        assert column.to_list()[:-1] == pytest.approx(found.values[end].to_list())
        assert column.loc[""] == pytest.approx(getattr(found.whole, end))


def test_built_up_land_is_off_by_its_own_border_inside_and_by_the_zones_where_it_is_cut(
    embedded: tuple[Pack, Plan],
) -> None:
    built = frame([box(300, 300, 700, 700)], 20.0)
    inside = measured(embedded, zones=frame([box(0, 0, 1000, 1000)], 50.0), built=built)
    high = 400**2 + 4 * 400 * 20 + math.pi * 20**2
    assert ends(inside, "built_up_m2", "F0") == pytest.approx((360**2, high), abs=ROUND * 1257)
    cut = measured(embedded, zones=frame([box(0, 0, 500, 1000)], 50.0), built=built)
    assert cut.value("built_up_m2", "F0") == pytest.approx(200 * 400)
    assert cut.figure("built_up_m2", "F0").low == pytest.approx((450 - 320) * 360)


@pytest.mark.parametrize("off_m", [0.0, 100.0])
def test_coverage_and_what_it_leaves_lie_between_a_smaller_and_a_larger_disc(
    embedded: tuple[Pack, Plan], off_m: float
) -> None:
    zones, stops = frame([box(-1000, -1000, 1000, 1000)]), frame([Point(0, 0)], off_m)
    table = measured(embedded, zones=zones, built=zones, stops=stops)
    small, disc, large = (math.pi * (500 + sign * off_m) ** 2 for sign in (-1, 0, 1))
    drawn = 1.2e-3 * large  # discs are polygons of 256 sides; circles reach over them
    for column, low, value, high in (
        ("covered_m2", small, disc, large),
        ("gap_m2", 4e6 - large, 4e6 - disc, 4e6 - small),
        ("built_up_gap_m2", 4e6 - large, 4e6 - disc, 4e6 - small),
        ("covered_share", small / 4e6, disc / 4e6, large / 4e6),
        ("built_up_covered_share", small / 4e6, disc / 4e6, large / 4e6),
    ):
        near = drawn / 4e6 if column.endswith("share") else drawn
        for zone in ("F0", ""):
            assert table.value(column, zone) == pytest.approx(value, abs=near)
            assert ends(table, column, zone) == pytest.approx((low, high), abs=near)


def test_shares_have_the_ranges_of_their_measures(embedded: tuple[Pack, Plan]) -> None:
    pack, plan = embedded
    parts, layers = plan.zone_statistics, {name: one.frame for name, one in pack.layers.items()}
    assert parts.land is not None
    names = ("blue_green_share", "covered_share", "built_up_covered_share")
    table = zone_statistics(pack, parts, "district", ranges=names)
    zones, stops = layers["district"], layers["bus_stops"]
    classes = parts.land.green + parts.land.water
    found = {
        "blue_green_share": land_share(layers["land_cover"], zones, classes=classes),
        "covered_share": stop_coverage(stops, zones, radius_m=500),
        "built_up_covered_share": stop_coverage(stops, layers["built_up"], zones, radius_m=500),
    }
    for name, by_measure in found.items():
        unit = by_measure.values.iloc[0]
        for zone in (*zones.index, ""):
            assert ends(table, name, zone) == pytest.approx((unit["low"], unit["high"])), name


def test_green_and_water_are_off_by_the_border_between_them_and_all_else(
    embedded: tuple[Pack, Plan],
) -> None:
    # From west to east 400 m of wood, 200 m of water and 400 m of housing, 1000 m deep.
    land = frame(
        [box(0, 0, 400, 1000), box(400, 0, 600, 1000), box(600, 0, 1000, 1000)],
        30.0,
        class_code=["0301", "1701", "0701"],
    )
    table = measured(embedded, zones=frame([box(0, 0, 1000, 1000)]), land=land)
    assert ends(table, "green_m2", "F0") == pytest.approx((370e3, 430e3))
    assert ends(table, "water_m2", "F0") == pytest.approx((140e3, 260e3))
    assert ends(table, "blue_green_m2", "F0") == pytest.approx((570e3, 630e3))
    assert ends(table, "blue_green_share", "F0") == pytest.approx((0.57, 0.63))
    assert not table.is_doubtful("unclassified_m2")


def test_land_without_a_class_is_off_by_the_border_of_what_has_one(
    embedded: tuple[Pack, Plan],
) -> None:
    zones = frame([box(0, 0, 1000, 1000)])
    land = frame([box(0, 0, 600, 1000), box(0, 0, 0, 0)], 30.0, class_code=["0301", "1701"])
    table = measured(embedded, zones=zones, land=land)
    assert table.value("unclassified_m2", "F0") == pytest.approx(400e3)
    assert ends(table, "unclassified_m2", "F0") == pytest.approx((370e3, 430e3))
    # It may be green or not: the green is anything from what surely is to all.
    assert ends(table, "green_m2", "F0") == pytest.approx((570e3, 1e6))


@pytest.mark.parametrize(
    "east_m,low,drawn,high",
    [(-80, 0, 0, 0), (-40, 0, 0, 1), (40, 0, 1, 1), (80, 1, 1, 1), (500, 1, 1, 1)],
)
def test_a_stop_near_the_border_may_lie_in_the_zone_or_not(
    embedded: tuple[Pack, Plan], east_m: float, low: int, drawn: int, high: int
) -> None:
    # The stop is off by 20 m and the border by 40 m: together 60 m.
    zones, stops = frame([box(0, 0, 1000, 1000)], 40.0), frame([Point(east_m, 500)], 20.0)
    homes = frame([Point(east_m, 500)], 20.0, people=[30])
    table = measured(embedded, zones=zones, stops=stops, terminals=stops, homes=homes)
    for zone in ("F0", ""):
        assert (table.value("stops", zone), *ends(table, "stops", zone)) == (drawn, low, high)
        assert ends(table, "terminals", zone) == (low, high)
        people = [30 * number for number in (low, high)]
        assert ends(table, "people", zone) == pytest.approx(people)


def test_a_stop_on_the_border_of_two_zones_surely_lies_in_both_together(
    embedded: tuple[Pack, Plan],
) -> None:
    zones = frame([box(0, 0, 1000, 1000), box(1000, 0, 2000, 1000)], 40.0)
    table = measured(embedded, zones=zones, stops=frame([Point(1000, 500)], 20.0))
    assert [ends(table, "stops", zone) for zone in ("F0", "F1", "")] == [(0, 1), (0, 1), (1, 1)]


def test_people_who_live_all_over_an_area_are_cut_where_the_border_may_run(
    embedded: tuple[Pack, Plan],
) -> None:
    street = frame([box(800, 400, 1200, 600)], 10.0, people=[400])
    table = measured(embedded, zones=frame([box(0, 0, 1000, 1000)], 40.0), homes=street)
    assert table.value("people", "F0") == pytest.approx(200)
    assert ends(table, "people", "F0") == pytest.approx((150, 250))


def test_homes_without_a_number_are_not_nobody(embedded: tuple[Pack, Plan]) -> None:
    zones = [box(1000 * n, 0, 1000 * n + 1000, 1000) for n in range(4)]
    homes = frame(
        [Point(500, 500), Point(400, 400), Point(1500, 500), Point(2500, 500)],
        people=[30, None, None, 20],
    )
    table = measured(embedded, zones=frame(zones), homes=homes)
    assert ends(table, "people", "F0") == (30, None)  # 30, and nobody knows how many more
    assert table.value("people", "F0") == 30
    assert math.isnan(table.value("people", "F1"))  # nobody but those without a number
    assert ends(table, "people", "F1") == (0, None)
    assert ends(table, "people", "F2") == (20, 20)
    assert ends(table, "people", "F3") == (0, 0)
    assert (table.value("people"), *ends(table, "people")) == (50, 50, None)
    assert table.unnumbered == 2
    said = [table.range_text("people", "en", zone) for zone in ("F0", "F1", "F2")]
    assert said == ["30 or more", "0 or more", ""]


def test_invented_features_have_no_range_and_are_named(embedded: tuple[Pack, Plan]) -> None:
    made_up = {
        "zones": frame([box(0, 0, 1000, 1000)], 300.0, "synthetic"),
        "homes": frame([Point(10, 10)], 300.0, "synthetic", people=[5]),
        "built": frame([box(0, 0, 500, 500)], 300.0, "synthetic"),
        "terminals": frame([Point(10, 10)], 300.0, "synthetic"),
    }
    table = measured(embedded, **made_up)
    assert set(table.invented) == set(made_up)
    assert not any(table.is_doubtful(column) for column in table.columns)
    assert table.range_text("area_m2", "zh") == ""
    surveyed = measured(embedded, **(made_up | {"terminals": frame([Point(10, 10)], 300.0)}))
    assert "terminals" not in surveyed.invented
    assert ends(surveyed, "terminals", "F0") == (0, 1)


def test_only_the_ranges_that_are_asked_for_are_found(embedded: tuple[Pack, Plan]) -> None:
    pack, plan = embedded
    parts = plan.zone_statistics
    plain = zone_statistics(pack, parts, "district", ranges=())
    assert plain.ranged == ()
    assert plain.figure("area_m2").low == plain.figure("area_m2").high == plain.total["area_m2"]
    some = zone_statistics(pack, parts, "district", ranges=("people", "gap_m2", "nothing"))
    assert some.ranged == ("people", "gap_m2")
    everything = zone_statistics(pack, parts, "district")
    assert everything.ranged == everything.columns
    for name in everything.columns:
        assert some.total[name] == pytest.approx(everything.total[name], rel=1e-9), name
        assert plain.total[name] == pytest.approx(everything.total[name], rel=1e-9), name
    for name in some.ranged:
        assert ends(some, name) == ends(everything, name)


def test_low_and_high_stand_beside_each_statistic_with_heads_of_their_own(tiny_pack: Path) -> None:
    pack, _ = open_pack(tiny_pack)
    table = statistics(tiny_pack)
    zh, en = (list(table.named(pack, lang).columns) for lang in ("zh", "en"))
    assert zh[2:5] == ["面积（m²）", "面积·下限（m²）", "面积·上限（m²）"]
    assert en[2:5] == ["Area (m²)", "Area, low (m²)", "Area, high (m²)"]
    fields = table.fields()
    assert list(fields.columns[:3]) == ["area_m2", "area_m2_low", "area_m2_high"]
    # Borders are off by 1 m: 998 m by 1998 m are left of a unit.
    assert fields.loc["U1", "area_m2_low"] == pytest.approx(998 * 1998)
    assert table.range_text("area_m2", "zh", "U1") == "199–201 公顷"
    assert table.range_text("stops", "zh", "U1") == ""


def test_the_command_line_says_value_and_range(tiny_pack: Path, edit: Edit) -> None:
    text = (tiny_pack / "layers.toml").read_text(encoding="utf-8")
    assert text.count("accuracy_m = 1\n") == 3
    edit("layers.toml", "accuracy_m = 1\n", "accuracy_m = 100\n")
    found = CliRunner().invoke(
        app, ["zones", "--zones", "units", "--pack", str(tiny_pack), "--lang", "en"]
    )
    lines = found.stdout.splitlines()
    row = next(n for n, line in enumerate(lines) if "West unit" in line)
    # 800 m by 1800 m at least; 6 km of border, 100 m wide, and its corners at most.
    assert "200 ha" in lines[row]
    assert "144–" in lines[row + 1]
    assert "263 ha" in lines[row + 2]


# The page.

PAGE = """
from views import zones
from views.session import current_pack
from views.text import Words

zones.show(current_pack(), Words("en"))
"""


def page() -> AppTest:
    shown = AppTest.from_string(PAGE, default_timeout=60).run()
    assert not shown.exception
    return shown


def _heads(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Headings of two lines: the statistic, and which number of it."""
    return [(str(one[0]), str(one[1])) for one in table.columns]


def test_the_page_has_value_low_and_high_under_one_heading(
    tiny_pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PACK_VARIABLE, str(tiny_pack))
    shown = page()
    table = shown.dataframe[0].value
    heads = _heads(table)
    assert heads[:4] == [
        ("", "Zone"),
        ("Area (ha)", "Value"),
        ("Area (ha)", "Low"),
        ("Area (ha)", "High"),
    ]
    # Surely inside by far: the number of stops has no range, and no columns for it.
    assert [end for title, end in heads if title == "Stops (count)"] == ["Value"]
    row = table[table["", "Zone"] == "West unit"].iloc[0]
    assert row["Area (ha)", "Low"] == pytest.approx(998 * 1998 / 1e4)
    said = [one.value for one in shown.markdown]
    assert any("Area 400 ha (399–401 ha)" in one for one in said)
    assert any(one.value.startswith("Low and high: the least") for one in shown.caption)
    assert not any("invented" in one.value for one in shown.caption)


def test_the_page_says_why_there_is_no_range(
    tiny_pack: Path, edit: Edit, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit("layers.toml", 'basis = "official"', 'basis = "synthetic"')
    monkeypatch.setenv(PACK_VARIABLE, str(tiny_pack))
    monkeypatch.setattr("views.zones._DEFAULT", ("area_m2", "stops"))
    shown = page()
    heads = _heads(shown.dataframe[0].value)
    assert [end for _, end in heads] == ["Zone", "Value", "Value", "Basis"]
    said = [one.value for one in shown.caption]
    assert any(one.startswith("These values have no error range") for one in said)
    assert (
        "Units, Land, Stops: invented data, which have no accuracy and are not in the range."
        in said
    )


# Laws.

metres = st.integers(0, 2000).map(float)
offs = st.sampled_from([0.0, 5.0, 50.0, 400.0])


@st.composite
def towns(draw: st.DrawFn) -> dict[str, gpd.GeoDataFrame]:
    """Zones that divide a square of 2 km; land, built-up areas, stops and homes in it."""
    cut, water = draw(st.integers(200, 1800)), draw(st.integers(100, 1900))
    points = [Point(draw(metres), draw(metres)) for _ in range(4)]
    built = box(*sorted([draw(metres), draw(metres)]), 2100, 2100)
    return {
        "zones": frame([box(0, 0, cut, 2000), box(cut, 0, 2000, 2000)], [draw(offs), draw(offs)]),
        "land": frame(
            [box(-500, -500, water, 2500), box(water, -500, 2500, 2500)],
            draw(offs),
            class_code=["1701", draw(st.sampled_from(["0301", "0701", None]))],
        ),
        "built": frame([built], draw(offs)),
        "stops": frame(points, draw(offs)),
        "terminals": frame(points[:1], draw(offs)),
        "homes": frame(points, draw(offs), people=[10, 20, 30, draw(st.sampled_from([40, None]))]),
    }


SUMS = ("area_m2", "green_m2", "water_m2", "built_up_m2", "covered_m2", "gap_m2", "built_up_gap_m2")


@given(town=towns())
def test_no_value_lies_outside_its_range(
    embedded: tuple[Pack, Plan], town: dict[str, gpd.GeoDataFrame]
) -> None:
    table = measured(embedded, **town)
    for column in table.columns:
        for zone in ("F0", "F1", ""):
            figure = table.figure(column, zone)
            if figure.value is None:
                continue
            assert figure.low is not None
            assert figure.low <= figure.value, (column, zone)
            assert figure.high is None or figure.value <= figure.high, (column, zone)
            if column.endswith("_share"):
                assert figure.low >= 0
                assert figure.high is not None
                assert figure.high <= 1
    for column in SUMS:  # the zones divide the square
        low, high = (getattr(table, end)[column].iloc[:2].sum() for end in ("low", "high"))
        assert low - 1 <= table.total[column] <= high + 1, column
        assert table.frame[column].sum() == pytest.approx(table.total[column], abs=1.0)


@given(
    town=towns(),
    way=st.floats(0, 2 * math.pi),
    off=st.sampled_from([5.0, 50.0, 400.0]),
    moved=st.sampled_from(["zones", "land", "stops", "homes", "built", "terminals"]),
)
def test_no_displacement_within_the_accuracy_leaves_the_range(
    embedded: tuple[Pack, Plan],
    town: dict[str, gpd.GeoDataFrame],
    way: float,
    off: float,
    moved: str,
) -> None:
    step = 0.98 * off * np.array([math.cos(way), math.sin(way)])  # bands lack 0.5 % at corners
    old = town[moved].assign(accuracy_m=off)
    new = old.set_geometry(shapely.transform(old.geometry.to_numpy(), lambda at: at + step))
    drawn = measured(embedded, **(town | {moved: old}))
    elsewhere = measured(embedded, **(town | {moved: new}))
    for column in drawn.columns:
        for zone in ("F0", "F1", ""):
            value = elsewhere.figure(column, zone).value
            figure = drawn.figure(column, zone)
            if value is None or figure.low is None:
                continue
            slack = 1e-9 + 1e-6 * abs(value)
            assert value >= figure.low - slack, (column, zone)
            assert figure.high is None or value <= figure.high + slack, (column, zone)


@given(town=towns(), layer=st.sampled_from(["zones", "land", "built", "stops", "homes"]))
def test_a_worse_accuracy_never_narrows_a_range(
    embedded: tuple[Pack, Plan], town: dict[str, gpd.GeoDataFrame], layer: str
) -> None:
    worse = town[layer].assign(accuracy_m=town[layer]["accuracy_m"] + 60)
    before, after = measured(embedded, **town), measured(embedded, **(town | {layer: worse}))
    for column in before.columns:
        low, high = before.low[column], before.high[column]
        slack = 1e-6 * high.abs().fillna(0) + 1e-9
        assert not (after.low[column] > low + slack).any(), column
        assert not (after.high[column] < high - slack).any(), column


def test_a_table_says_which_land_counts_as_blue_green(embedded: tuple[Pack, Plan]) -> None:
    pack, plan = embedded
    table = zone_statistics(pack, plan.zone_statistics.by("A"), "barrier_tiers", ranges=())
    said = "口径 A：不计耕地和园地（03、04、05、14、17）"
    assert set(table.named(pack, "zh")["蓝绿空间口径（用地代码）"]) == {said}
    fields = table.fields()
    assert set(fields["classes"]) == {"03 04 05 14 17"}
    assert set(fields["radius_m"]) == {500.0}
