"""Exports, read back by other programs: equal numbers, units in the headings, no totals row."""

import csv
import datetime as dt
import html
import io
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest

from layers import InputError, Pack
from spatial import Plan, ZoneTable, open_pack, run_check, run_checks, zone_statistics
from spatial.export import (
    csv_bytes,
    definitions_csv,
    results_json,
    units_csv,
    write_results,
    write_zones,
    zones_bytes,
)
from spatial.indicators import read_indicators, template_csv
from spatial.measurement import Doubt, Figure, by_unit
from spatial.measures import MEASURES, Measure, stop_coverage
from spatial.measures.measure import Counts
from spatial.run import definitions
from spatial.verdict import judge
from views.drawing import Look
from views.exported_map import map_html
from views.session import Opened
from views.tables import attribute_table
from views.text import Words

Edit = Callable[[str, str, str], None]
BOM = b"\xef\xbb\xbf"


@pytest.fixture
def tiny(tiny_pack: Path) -> tuple[Pack, Plan]:
    return open_pack(tiny_pack)


@pytest.fixture
def table(tiny: tuple[Pack, Plan]) -> ZoneTable:
    pack, plan = tiny
    return zone_statistics(pack, plan.zone_statistics, "units")


def test_the_csv_of_zones_opens_in_excel_and_has_no_totals_row(
    tiny: tuple[Pack, Plan], table: ZoneTable, tmp_path: Path
) -> None:
    path = tmp_path / "zones.csv"
    write_zones(path, tiny[0], table, "zh")
    content = path.read_bytes()
    assert content.startswith(BOM)
    assert b"\r\n" in content
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert [row["编号"] for row in rows] == ["U1", "U2"]
    assert [row["名称"] for row in rows] == ["西单元", "东单元"]
    areas = [float(row["面积（m²）"]) for row in rows]
    assert areas == pytest.approx(table.frame["area_m2"].tolist(), rel=1e-12)
    shares = [float(row["蓝绿空间占比（%）"]) for row in rows]
    assert shares == pytest.approx([100, 50])
    assert [row["数据依据"] for row in rows] == ["官方", "官方"]


def test_the_workbook_has_the_numbers_as_numbers(
    tiny: tuple[Pack, Plan], table: ZoneTable, tmp_path: Path
) -> None:
    path = tmp_path / "zones.xlsx"
    write_zones(path, tiny[0], table, "en")
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    heading, *rows = sheet.iter_rows(values_only=True)
    assert len(rows) == 2
    place = heading.index("Area within 500 m of a stop (m²)")
    found = [row[place] for row in rows]
    assert found == pytest.approx(table.frame["covered_m2"].tolist(), rel=1e-12)
    assert [row[heading.index("Name")] for row in rows] == ["West unit", "East unit"]


DANGEROUS = [
    "=1+1",
    '=HYPERLINK("https://example.org?"&A1)',
    "+86 22",
    "-5",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "＝1+1",
    "＋1",
]


@pytest.mark.parametrize("name", DANGEROUS)
def test_a_text_that_a_spreadsheet_would_run_stays_text(name: str) -> None:
    table = pd.DataFrame({name: [name, None, "海河 = 河"], "面积": [-5.5, 1.0, 2.0]})
    rows = list(csv.reader(io.StringIO(csv_bytes(table).decode("utf-8-sig"), newline="")))
    assert rows[0] == [f"'{name}", "面积"]
    assert rows[1] == [f"'{name}", "-5.5"]  # a number is no text
    assert [row[0] for row in rows[2:]] == ["", "海河 = 河"]
    assert table.columns[0] == name
    assert table.iloc[0, 0] == name  # what was given is left alone


@pytest.mark.parametrize("name", ["=1+1", "-5", "@SUM(A1)"])
@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_name_that_looks_like_a_formula_stays_a_name(
    tiny_pack: Path, edit: Edit, name: str, suffix: str
) -> None:
    edit("units.geojson", '"西单元"', json.dumps(name))
    edit("layers.toml", '[units]\ntitle = { zh = "单元"', '[units]\ntitle = { zh = "=2+2"')
    pack, plan = open_pack(tiny_pack)
    found = zone_statistics(pack, plan.zone_statistics, "units")
    content = zones_bytes(pack, found, suffix, "zh")
    if suffix == ".csv":
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        assert rows[1][:2] == ["U1", f"'{name}"]
        return
    book = openpyxl.load_workbook(io.BytesIO(content))
    cell = book.worksheets[0]["B2"]
    assert (cell.value, cell.data_type) == (f"'{name}", "s")
    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert "'=2+2" in [cell.value for cell in cells]
    assert any(isinstance(cell.value, float) for cell in cells)


def test_control_characters_in_a_name_do_not_break_the_workbook(
    tiny_pack: Path, edit: Edit
) -> None:
    edit("units.geojson", '"西单元"', '"西\\u000b单元"')
    pack, plan = open_pack(tiny_pack)
    found = zone_statistics(pack, plan.zone_statistics, "units")
    book = openpyxl.load_workbook(io.BytesIO(zones_bytes(pack, found, ".xlsx", "zh")))
    assert book.worksheets[0]["B2"].value == "西单元"


def test_units_and_attributes_are_written_as_harmless_text(tiny_pack: Path, edit: Edit) -> None:
    edit("units.geojson", '"西单元"', '"=1+1"')
    edit("bus_stops.geojson", '"shelters": 1', '"shelters": -1, "name": "@SUM(A1)"')
    edit("layers.toml", '{ zh = "候车亭", en', '{ zh = "=候车亭", en')
    pack, plan = open_pack(tiny_pack)
    units = units_csv(pack, run_check(pack, plan.checks["coverage"]), "zh").decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(units, newline="")))[1][:2] == ["U1", "'=1+1"]
    text = csv_bytes(attribute_table(pack, "bus_stops", "zh")).decode("utf-8-sig")
    stops = list(csv.DictReader(io.StringIO(text, newline="")))
    assert stops[0]["名称"] == "'@SUM(A1)"
    assert stops[0]["'=候车亭"] == "-1"


def test_a_form_to_fill_in_has_no_formulas(embedded: tuple[Pack, Plan]) -> None:
    indicators = read_indicators(embedded[0].folder)
    assert indicators is not None
    one = next(iter(indicators.indicators.values()))
    name = one.name.model_copy(update={"zh": "=1+1"})
    spoilt = indicators.model_copy(
        update={"indicators": {one.id: one.model_copy(update={"name": name})}}
    )
    rows = list(csv.reader(io.StringIO(template_csv(spoilt, "zh").decode("utf-8-sig"), newline="")))
    assert rows[1][1] == "'=1+1"


MARKUP = '<img src=x onerror="alert(1)"></script><script>alert(2)</script>'


def test_names_in_the_exported_map_are_text_and_not_html(tiny_pack: Path, edit: Edit) -> None:
    edit("units.geojson", '"西单元"', json.dumps(MARKUP))
    edit("layers.toml", '[units]\ntitle = { zh = "单元"', f"[units]\ntitle = {{ zh = '{MARKUP}'")
    pack, plan = open_pack(tiny_pack)
    opened = Opened(pack, plan, "test")
    style = pack.catalogue.layers["units"].style.model_copy(update={"label": "name"})
    looks = {"units": Look(style, 1.0)}
    result = run_check(pack, plan.checks["coverage"])
    page = map_html(opened, looks, result, Words("zh"), dt.date(2025, 1, 1)).decode()
    assert "<img" not in page
    assert "alert(2)</script>" not in page
    # The tooltip and the names on the map put the label into the page as HTML.
    labels = [json.loads(found) for found in re.findall(r'"label": ("(?:[^"\\]|\\.)*")', page)]
    assert html.escape(MARKUP) in labels
    assert not any("<" in label for label in labels)
    shown = [json.loads(found) for found in re.findall(r'"html": ("(?:[^"\\]|\\.)*")', page)]
    assert f"<span>{html.escape(MARKUP)}</span>" in shown


def test_the_geojson_of_zones_has_the_fields_with_their_units(
    tiny: tuple[Pack, Plan], table: ZoneTable, tmp_path: Path
) -> None:
    path = tmp_path / "zones.geojson"
    write_zones(path, tiny[0], table, "zh")
    found = gpd.read_file(path).set_index("id")
    assert found.crs.to_epsg() == 4326
    assert found.index.tolist() == ["U1", "U2"]
    assert found["name"].tolist() == ["西单元", "东单元"]
    for column in table.columns:
        assert found[column].tolist() == pytest.approx(table.frame[column].tolist(), rel=1e-9)
    metres = found.to_crs(table.frame.crs).area.tolist()
    assert metres == pytest.approx(table.frame["area_m2"].tolist(), abs=1.0)


def test_the_geopackage_of_zones_is_in_the_metric_crs(
    tiny: tuple[Pack, Plan], table: ZoneTable, tmp_path: Path
) -> None:
    path = tmp_path / "zones.gpkg"
    for _ in range(2):  # the second takes the place of the first
        write_zones(path, tiny[0], table, "en")
    found = gpd.read_file(path, layer="units").set_index("id")
    assert found.crs.to_epsg() == 4548
    assert found["name"].tolist() == ["West unit", "East unit"]
    assert found.area.tolist() == pytest.approx(table.frame["area_m2"].tolist(), rel=1e-12)
    for column in table.columns:
        assert found[column].tolist() == pytest.approx(table.frame[column].tolist(), rel=1e-12)


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".geojson"])
def test_a_missing_value_is_an_empty_cell_not_nought(
    tiny_pack: Path, edit: Edit, suffix: str
) -> None:
    edit("plan.toml", 'stops = "bus_stops"\n', 'stops = "bus_stops"\nbuilt_up = "units"\n')
    lines = (tiny_pack / "units.geojson").read_text(encoding="utf-8").splitlines()
    (tiny_pack / "units.geojson").write_text("\n".join([lines[0], *lines[2:]]), encoding="utf-8")
    pack, plan = open_pack(tiny_pack)
    found = zone_statistics(pack, plan.zone_statistics, "land")  # L1 holds no built-up land
    content = zones_bytes(pack, found, suffix, "en")
    heading = "Built-up share within 500 m of a stop (%)"
    if suffix == ".csv":
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        assert rows[0][heading] == ""
    elif suffix == ".xlsx":
        sheet = openpyxl.load_workbook(io.BytesIO(content)).active
        assert sheet is not None
        first, row, *_ = sheet.iter_rows(values_only=True)
        assert row[first.index(heading)] is None
    else:
        features = json.loads(content)["features"]
        assert features[0]["properties"]["built_up_covered_share"] is None


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".geojson"])
def test_zones_have_low_and_high_beside_each_value(
    tiny: tuple[Pack, Plan], table: ZoneTable, suffix: str
) -> None:
    content = zones_bytes(tiny[0], table, suffix, "en")
    value, low, high = "Area (m²)", "Area, low (m²)", "Area, high (m²)"
    if suffix == ".csv":
        read = pd.read_csv(io.BytesIO(content), encoding="utf-8-sig")
    elif suffix == ".xlsx":
        read = pd.read_excel(io.BytesIO(content))
    else:
        read = gpd.read_file(io.BytesIO(content))
        value, low, high = "area_m2", "area_m2_low", "area_m2_high"
    heads = list(read.columns)
    assert heads[heads.index(value) :][:3] == [value, low, high]
    numbers = read[[value, low, high]].iloc[0].to_list()
    # A unit of 1 km by 2 km, its border off by 1 m.
    largest = 2e6 + 6000 + math.pi
    assert numbers == pytest.approx([2e6, 998 * 1998, largest], abs=0.1)


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".geojson", ".gpkg"])
def test_an_open_end_is_an_empty_cell_beside_its_value(
    tiny: tuple[Pack, Plan], tmp_path: Path, suffix: str
) -> None:
    pack, plan = tiny
    stops = pack.layers["bus_stops"]
    homes = replace(stops, frame=stops.frame.assign(people=[30, None], accuracy_m=0.0))
    pack = replace(pack, layers={**pack.layers, "homes": homes})
    parts = plan.zone_statistics.model_copy(update={"population": "homes"})
    found = zone_statistics(pack, parts, "area")
    path = tmp_path / f"zones{suffix}"
    write_zones(path, pack, found, "zh")
    heads = ["居民（人）", "居民·下限（人）", "居民·上限（人）"]
    if suffix in {".geojson", ".gpkg"}:
        read, heads = gpd.read_file(path), ["people", "people_low", "people_high"]
    elif suffix == ".xlsx":
        read = pd.read_excel(path)
        notes = pd.read_excel(path, sheet_name=1, header=None).set_index(0)[1]
        assert notes["没有人口数的对象（个），不按 0 人计，居民上限未知"] == "1"
    else:
        read = pd.read_csv(path, encoding="utf-8-sig")
    value, low, high = (read[head].iloc[0] for head in heads)
    assert (value, low) == (30, 30)
    assert pd.isna(high)


def test_the_workbook_names_the_layers_that_are_invented(tiny_pack: Path, edit: Edit) -> None:
    edit("bus_stops.geojson", '"id": "S2"', '"id": "S2", "basis": "synthetic"')
    pack, plan = open_pack(tiny_pack)
    found = zone_statistics(pack, plan.zone_statistics, "units")
    content = io.BytesIO(zones_bytes(pack, found, ".xlsx", "zh"))
    notes = pd.read_excel(content, sheet_name=1, header=None).set_index(0)[1]
    assert notes["含虚构数据的图层（无误差可言，未计入范围）"] == "站点"
    assert notes["下限、上限"].startswith("各图层位置在所标精度以内时")


def test_another_format_is_refused(tiny: tuple[Pack, Plan], table: ZoneTable) -> None:
    with pytest.raises(InputError, match=r"'.pdf' is not a format of zone tables; use .csv, .xlsx"):
        zones_bytes(tiny[0], table, ".pdf", "zh")


def test_the_csv_of_units_has_units_in_its_headings(tiny: tuple[Pack, Plan]) -> None:
    pack, plan = tiny
    content = units_csv(pack, run_check(pack, plan.checks["coverage"]), "en")
    assert content.startswith(BOM)
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert rows[0] == [
        "ID",
        "Name",
        "Value (0–1)",
        "Numerator (m²)",
        "Denominator (m²)",
        "Low (0–1)",
        "High (0–1)",
        "Met",
        "Target of the plan",
        "Definition",
        "Parameters",
        "Target",
        "Basis",
    ]
    assert [row[0] for row in rows[1:]] == ["U1", "U2"]
    assert [row[1] for row in rows[1:]] == ["West unit", "East unit"]
    said = ["Stop coverage", "default definition", "Radius (m) 500", "at least 50%", "official"]
    assert [row[-6:] for row in rows[1:]] == [["no", *said]] * 2
    assert float(rows[1][3]) / float(rows[1][4]) == pytest.approx(float(rows[1][2]))


@pytest.mark.parametrize(
    "counts,lang,unit", [("people", "en", "people"), ("people", "zh", "人"), ("m", "en", "m")]
)
def test_the_units_of_a_share_of_people_are_people(
    tiny: tuple[Pack, Plan], monkeypatch: pytest.MonkeyPatch, counts: Counts, lang: str, unit: str
) -> None:
    pack, plan = tiny
    of_people = {**MEASURES, "stop_coverage": Measure(stop_coverage, "share", counts)}
    monkeypatch.setattr("spatial.export.MEASURES", of_people)
    result = run_check(pack, plan.checks["coverage"])
    content = units_csv(pack, result, "zh" if lang == "zh" else "en").decode("utf-8-sig")
    heading = next(csv.reader(io.StringIO(content, newline="")))
    words = ("分子", "分母") if lang == "zh" else ("Numerator", "Denominator")
    assert heading[3:5] == [f"{word} ({unit})" for word in words]


def test_a_check_in_square_metres_says_so_in_its_headings(tiny_pack: Path, edit: Edit) -> None:
    edit(
        "plan.toml",
        """measure = "land_share"
layers = { land = "land", zones = "units" }
params = { classes = ["03", "17"], class_column = "class_code" }
target = { at_least = 0.7, unit = "share" }""",
        """measure = "total_area"
layers = { areas = "land" }
target = { at_least = 1, unit = "m2" }""",
    )
    pack, plan = open_pack(tiny_pack)
    content = units_csv(pack, run_check(pack, plan.checks["green"]), "en").decode("utf-8-sig")
    heading = next(csv.reader(io.StringIO(content, newline="")))
    assert heading == [
        "ID",
        "Name",
        "Value (m²)",
        "Numerator",
        "Denominator",
        "Low (m²)",
        "High (m²)",
        "Met",
        "Target of the plan",
        "Definition",
        "Parameters",
        "Target",
        "Basis",
    ]


DEFINITIONS = """
[metro_coverage.variants.bus]
title = { zh = "公交", en = "Bus" }
layers = { stops = "bus_stops" }
across = { radius_m = [300, 500] }
source = { zh = "本项目", en = "ours" }
[metro_coverage.variants.area]
title = { zh = "面积", en = "Area" }
measure = "total_area"
layers = { areas = "land" }
target = { at_least = 1, unit = "m2" }
of_plan = true
[metro_coverage.variants.own]
title = { zh = "地铁", en = "Metro" }
"""


def test_the_definitions_of_a_check_stand_side_by_side(tiny_pack: Path) -> None:
    path = tiny_pack / "plan.toml"
    path.write_text(path.read_text(encoding="utf-8") + DEFINITIONS, encoding="utf-8")
    pack, plan = open_pack(tiny_pack)
    check = plan.checks["metro_coverage"]
    content = definitions_csv(pack, check, definitions(pack, check), "en")
    assert content.startswith(BOM)
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert [row["Definition"] for row in rows] == ["Bus", "Bus", "Area", "Metro"]
    assert [row["Parameter"] for row in rows] == ["Radius (m)", "Radius (m)", "", ""]
    assert [row["Value of the parameter"] for row in rows] == ["300.0", "500.0", "", ""]
    # Two discs of 300 m and 500 m in a square of 2 km by 2 km; four square kilometres of land.
    discs = [2 * math.pi * radius**2 / 4e6 for radius in (300, 500)]
    assert [float(row["Value"]) for row in rows[:3]] == pytest.approx([*discs, 4e6], rel=1e-3)
    assert [row["Unit of the value"] for row in rows] == ["0–1", "0–1", "m²", "0–1"]
    assert [row["Unit of the numerator"] for row in rows] == ["m²", "m²", "", "m²"]
    assert float(rows[0]["Numerator"]) / float(rows[0]["Denominator"]) == float(rows[0]["Value"])
    assert [row["Verdict by this definition"] for row in rows] == [
        "not met",
        "not met",
        "met",
        "undetermined",
    ]
    assert [row["Basis"] for row in rows] == ["official"] * 4
    assert [row["Layers missing"] for row in rows] == ["", "", "", "Metro stations"]
    assert [row["What the plan means, as we read it"] for row in rows] == ["no", "no", "yes", "no"]
    assert [row["Source of the definition"] for row in rows] == ["ours", "ours", "", ""]
    text = definitions_csv(pack, check, definitions(pack, check), "zh").decode("utf-8-sig")
    chinese = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["缺少的图层"] for row in chinese] == ["", "", "", "地铁站"]
    assert [row["按此口径的结论"] for row in chinese] == ["不达标", "不达标", "达标", "无法判定"]


def test_a_unit_of_which_nothing_is_asked_is_neither_met_nor_not(tiny: tuple[Pack, Plan]) -> None:
    pack, plan = tiny
    content = units_csv(pack, run_check(pack, plan.checks["green"]), "zh").decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(content, newline="")))
    assert [row["是否达标"] for row in rows] == ["", ""]


def test_evidence_names_its_check_basis_and_stop(tiny: tuple[Pack, Plan], tmp_path: Path) -> None:
    pack, plan = tiny
    written = write_results(tmp_path / "a" / "b", pack, run_checks(pack, plan), "zh")
    assert sorted(path.name for path in written) == [  # nothing of what could not be measured
        "coverage.csv",
        "coverage.geojson",
        "green.csv",
        "green.geojson",
    ]
    features = json.loads(written[0].read_text(encoding="utf-8"))["features"]
    assert {feature["properties"]["unit"] for feature in features} == {"U1", "U2"}
    for feature in features:
        properties = feature["properties"]
        assert properties["check"] == "coverage"
        assert properties["basis"] == "official"
        assert properties["conclusive"] is True
        assert properties["nearest_stop"] in {"S1", "S2"}
    found = gpd.read_file(tmp_path / "a" / "b" / "green.geojson")
    assert found["class_code"].tolist() == ["0701"]
    assert found.to_crs("EPSG:4548").area.tolist() == pytest.approx([1e6], abs=1.0)


def test_the_json_tells_where_a_range_comes_from(tiny: tuple[Pack, Plan]) -> None:
    pack, plan = tiny
    result = run_check(pack, plan.checks["coverage"])
    assert result.measured is not None
    doubt = Doubt("position", "band", 0.25, 0.5, {"stops": 5.0, "area": math.nan})
    measured = replace(result.measured, doubts=(doubt,), facts={"gap_people": 12.0})
    (told,) = results_json(pack, [replace(result, measured=measured)], "zh")["results"]
    inputs = {"stops": 5.0, "area": None}
    assert told["doubts"] == [
        {"kind": "position", "method": "band", "low": 0.25, "high": 0.5, "inputs": inputs}
    ]
    assert told["facts"] == {"gap_people": 12.0}
    json.dumps(told, allow_nan=False)


def test_an_open_end_is_null_in_the_json_and_empty_in_the_table(tiny: tuple[Pack, Plan]) -> None:
    pack, plan = tiny
    result = run_check(pack, plan.checks["coverage"])
    assert result.measured is not None
    more = Figure(0.5, 1.0, 2.0, 0.5, None)
    doubt = Doubt("unnumbered", "bounds", 0.5, math.inf)
    values = by_unit(["U1"], [more])
    measured = replace(result.measured, whole=more, values=values, doubts=(doubt,))
    judged = judge(result.check, measured, "official")
    (told,) = results_json(pack, [judged], "en")["results"]
    assert (told["low"], told["high"]) == (0.5, None)
    assert (told["units"][0]["low"], told["units"][0]["high"]) == (0.5, None)
    assert (told["doubts"][0]["low"], told["doubts"][0]["high"]) == (0.5, None)
    json.dumps(told, allow_nan=False)
    (row,) = list(csv.DictReader(units_csv(pack, judged, "en").decode("utf-8-sig").splitlines()))
    assert row["High (0–1)"] == ""


def test_a_target_without_a_number_says_so_in_the_json(tiny_pack: Path, edit: Edit) -> None:
    edit("plan.toml", "at_least = 0.7", "no_number = true")
    pack, plan = open_pack(tiny_pack)
    (told,) = results_json(pack, [run_check(pack, plan.checks["green"])], "zh")["results"]
    assert told["target"] == {"no_number": True}
    assert told["why"] == "no_target"


def test_the_json_is_plain_data_and_holds_the_figures(tiny: tuple[Pack, Plan]) -> None:
    pack, plan = tiny
    data = results_json(pack, run_checks(pack, plan), "zh")
    again = json.loads(json.dumps(data, allow_nan=False))
    assert again == data
    coverage = data["results"][0]
    assert coverage["evidence"]["area_m2"] == pytest.approx(
        coverage["denominator"] - coverage["numerator"], abs=1.0
    )
    assert (coverage["why"], coverage["group"], coverage["beside"]) == ("compared", "", None)
    assert (coverage["missing"], coverage["stand_in"]) == ([], False)
    metro = data["results"][2]
    assert (metro["why"], metro["missing"], metro["stand_in"]) == ("missing", ["metro"], False)
    assert (metro["doubts"], metro["facts"]) == ([], {})
    assert data["results"][2]["value"] is None
    assert data["results"][2]["units"] == []
    assert data["results"][2]["evidence"] == {"count": 0, "area_m2": 0.0}
