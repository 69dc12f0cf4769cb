"""Another place: Liechtenstein's municipalities and stops, checked against another method."""

import json
import shutil
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.spatial import cKDTree
from typer.testing import CliRunner

from layers import Pack
from spatial import CheckResult, Plan, open_pack, run_check, zone_statistics
from spatial.__main__ import app

MUNICIPALITIES: tuple[str, ...] = (
    "Balzers",
    "Eschen",
    "Gamprin",
    "Mauren",
    "Planken",
    "Ruggell",
    "Schaan",
)
MUNICIPALITIES += ("Schellenberg", "Triesen", "Triesenberg", "Vaduz")
POINTS = 200_000
RADIUS_M = 500.0

LAYERS_TOML = """\
[pack]
title = { zh = "列支敦士登", en = "Liechtenstein" }
metric_crs = "EPSG:2056"
area = "municipalities"

[pack.groups]
base = { zh = "底图", en = "Base" }

[pack.sources.osm]
name = { zh = "OpenStreetMap 贡献者", en = "OpenStreetMap contributors" }
url = "https://www.openstreetmap.org"
date = "2013-08-03"
licence = "ODbL"
datum = "WGS 84"
basis = "open"

[municipalities]
title = { zh = "市镇", en = "Municipalities" }
file = "municipalities_wgs84.geojson"
geometry = "polygon"
key = "name"
group = "base"
source = "osm"
accuracy_m = 10

[bus_stops]
title = { zh = "公交站点", en = "Bus stops" }
file = "bus_stops_wgs84.geojson"
geometry = "point"
key = ""
group = "base"
source = "osm"
accuracy_m = 10
margin_m = 1000
"""

PLAN_TOML = """\
[plan]
title = { zh = "试验", en = "Trial" }

[zone_statistics]
zones = "municipalities"
stops = "bus_stops"
radius_m = 500

[stops_500m]
title = { zh = "站点 500 米覆盖率", en = "Stop coverage" }
cite = { clause = { zh = "试验", en = "trial" } }
measure = "stop_coverage"
layers = { stops = "bus_stops", area = "municipalities" }
params = { radius_m = 500 }
target = { at_least = 0.3, unit = "share" }
judge = "each"
sentence = { zh = "{radius_m} 米以内有站点。", en = "A stop lies within {radius_m} m." }
"""


@pytest.fixture(scope="module")
def folder(testbed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("liechtenstein")
    for name in ("municipalities_wgs84.geojson", "bus_stops_wgs84.geojson"):
        shutil.copy(testbed / "liechtenstein" / name, folder)
    (folder / "layers.toml").write_text(LAYERS_TOML, encoding="utf-8")
    (folder / "plan.toml").write_text(PLAN_TOML, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def opened(folder: Path) -> tuple[Pack, Plan]:
    return open_pack(folder)


@pytest.fixture(scope="module")
def coverage(opened: tuple[Pack, Plan]) -> CheckResult:
    pack, plan = opened
    return run_check(pack, plan.checks["stops_500m"])


def in_swiss_metres(testbed: Path, name: str) -> gpd.GeoDataFrame:
    """The file as geopandas reads it, past our own reader."""
    return gpd.read_file(testbed / "liechtenstein" / name).to_crs("EPSG:2056")


def scattered(polygon: shapely.Geometry, seed: int) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Points evenly inside a polygon."""
    random = np.random.default_rng(seed)
    west, south, east, north = polygon.bounds
    shapely.prepare(polygon)
    found = np.empty((0, 2))
    while len(found) < POINTS:
        tried = random.uniform((west, south), (east, north), (POINTS, 2))
        found = np.vstack([found, tried[shapely.contains_xy(polygon, *tried.T)]])
    return found[:POINTS]


def test_the_country_has_its_municipalities_stops_and_area(opened: tuple[Pack, Plan]) -> None:
    pack, _ = opened
    municipalities = pack.layers["municipalities"].frame
    assert tuple(municipalities.index) == MUNICIPALITIES
    assert len(pack.layers["bus_stops"].frame) == 308
    assert pack.layers["bus_stops"].frame.index.is_unique
    assert pack.area.area / 1e6 == pytest.approx(160.50, abs=0.1)
    assert municipalities.crs.to_epsg() == 2056


@pytest.mark.parametrize("number,name", list(enumerate(MUNICIPALITIES)))
def test_coverage_agrees_with_distances_from_scattered_points(
    testbed: Path, coverage: CheckResult, number: int, name: str
) -> None:
    stops = in_swiss_metres(testbed, "bus_stops_wgs84.geojson")
    zone = in_swiss_metres(testbed, "municipalities_wgs84.geojson").set_index("name").geometry[name]
    places = scattered(zone, seed=number)
    distances, _ = cKDTree(np.column_stack([stops.geometry.x, stops.geometry.y])).query(places)
    share = float((distances <= RADIUS_M).mean())
    standard_error = (share * (1 - share) / POINTS) ** 0.5
    assert coverage.measured is not None
    measured = coverage.measured.values["value"].to_dict()[name]
    assert measured == pytest.approx(share, abs=4 * standard_error)
    assert 0 < measured < 1


def test_the_whole_is_its_municipalities_together(coverage: CheckResult) -> None:
    assert coverage.measured is not None
    values, whole = coverage.measured.values, coverage.measured.whole
    # The borders of neighbours were drawn apart by up to some square metres.
    assert whole.denominator == pytest.approx(values["denominator"].sum(), rel=1e-5)
    assert whole.numerator == pytest.approx(values["numerator"].sum(), rel=1e-5)
    gaps = coverage.measured.evidence.groupby("unit")["area_m2"].sum()
    made_whole = values["numerator"] + gaps.reindex(values.index, fill_value=0.0)
    assert (made_whole - values["denominator"]).abs().max() < 1.0


def test_open_data_are_conclusive(coverage: CheckResult) -> None:
    assert (coverage.basis, coverage.conclusive) == ("open", True)
    assert coverage.status == coverage.verdict == "not_met"
    assert {name for name, met in coverage.met.items() if met is False} >= {"Triesenberg"}


def test_zone_statistics_have_a_row_for_each_municipality(
    opened: tuple[Pack, Plan], coverage: CheckResult
) -> None:
    pack, plan = opened
    table = zone_statistics(pack, plan.zone_statistics, plan.zone_statistics.zones)
    assert tuple(table.frame.index) == MUNICIPALITIES
    assert table.basis == "open"
    assert table.total["stops"] <= 308
    assert coverage.measured is not None
    shares = coverage.measured.values["value"]
    assert table.frame["covered_share"].tolist() == pytest.approx(shares.tolist())
    assert "green_m2" not in table.columns


def test_the_command_line_does_the_whole_job(folder: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    out = tmp_path / "evidence"
    arguments = [
        "check",
        "--pack",
        str(folder),
        "--format",
        "json",
        "--lang",
        "en",
        "--out",
        str(out),
    ]
    checked = runner.invoke(app, arguments)
    assert checked.exit_code == 0, checked.output
    data = json.loads(checked.stdout)
    assert (data["pack"], data["metric_crs"]) == ("Liechtenstein", "EPSG:2056")
    (result,) = data["results"]
    assert [unit["name"] for unit in result["units"]] == list(MUNICIPALITIES)
    assert len(gpd.read_file(out / "stops_500m.geojson")) == result["evidence"]["count"]

    table = tmp_path / "zones.csv"
    arguments = ["zones", "--pack", str(folder), "--zones", "municipalities", "--out", str(table)]
    assert runner.invoke(app, arguments).exit_code == 0
    areas = pd.read_csv(table, encoding="utf-8-sig")["面积（公顷）"]
    assert areas.sum() == pytest.approx(16_050, abs=10)

    strict = runner.invoke(app, ["check", "--pack", str(folder), "--strict"])
    assert strict.exit_code == 1
    for command in (["layers", "list"], ["layers", "validate"]):
        assert runner.invoke(app, [*command, "--pack", str(folder)]).exit_code == 0
