"""The embedded pack: what was drawn is what the script draws, and lies where the plan says."""

import csv
import itertools
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
from shapely import Point
from shapely.geometry.base import BaseGeometry

from layers import Pack, load_pack

GEODATA = Path(__file__).resolve().parents[1] / "geodata"
CATALOGUE = tomllib.loads((GEODATA / "layers.toml").read_text(encoding="utf-8"))
LAYERS = [layer for layer in CATALOGUE if layer != "pack"]
STREETS = {"万新", "华明", "金钟", "新立", "军粮城", "无瑕", "金桥", "张贵庄", "丰年村"}
STREETS |= {"华新", "东丽湖"}
RIVERS_LAKES = {"海河", "金钟河", "东减河", "西减河", "月牙河", "北塘排水河"}
RIVERS_LAKES |= {"东丽湖", "赤土湿地", "务本河"}
EVERY_FEATURE_HAS = ("id", "name", "name_en", "cite", "cite_en", "basis", "accuracy_m", "source")
M2 = 1.0  # what borders rounded to 0.1 mm may leave over a district of 476 km²


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(GEODATA)


@pytest.fixture(scope="module")
def redrawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("redrawn")
    script = [sys.executable, str(GEODATA / "build.py"), "--out", str(folder)]
    subprocess.run(script, check=True, timeout=300)
    return folder


def frame_of(pack: Pack, layer: str) -> gpd.GeoDataFrame:
    return pack.layers[layer].frame


def features(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["features"]
    return found


def vertices(coordinates: Sequence[Any]) -> Iterator[tuple[float, float]]:
    if isinstance(coordinates[0], int | float):
        yield coordinates[0], coordinates[1]
    else:
        for part in coordinates:
            yield from vertices(part)


def control_points(category: str) -> Mapping[str, Point]:
    with (GEODATA / "control_points.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["category"] == category]
    points = [Point(float(row["lon"]), float(row["lat"])) for row in rows]
    metric = gpd.GeoSeries(points, crs="EPSG:4326").to_crs("EPSG:4548")
    return {row["name"]: point for row, point in zip(rows, metric, strict=True)}


def sketched_line(name: str) -> BaseGeometry:
    with (GEODATA / "sketch_lines.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["line"] == name]
    line = shapely.LineString([(float(row["lon"]), float(row["lat"])) for row in rows])
    return gpd.GeoSeries([line], crs="EPSG:4326").to_crs("EPSG:4548").iloc[0]


def overlap_m2(areas: gpd.GeoSeries) -> float:
    """Largest area that two of the polygons have in common."""
    parts = areas.explode()
    tree = shapely.STRtree(parts.to_numpy())
    first, second = tree.query(parts.to_numpy(), predicate="intersects")
    names = parts.index.to_numpy()
    pairs = ((a, b) for a, b in zip(first, second, strict=True) if a < b and names[a] != names[b])
    return max((parts.iloc[a].intersection(parts.iloc[b]).area for a, b in pairs), default=0.0)


def assert_partition(areas: gpd.GeoSeries, whole: BaseGeometry) -> None:
    assert areas.area.sum() == pytest.approx(whole.area, abs=M2)
    assert areas.union_all().symmetric_difference(whole).area <= M2
    assert overlap_m2(areas) <= M2


@pytest.mark.parametrize("layer", LAYERS)
def test_a_committed_file_is_what_the_script_draws(layer: str, redrawn: Path) -> None:
    committed = features(GEODATA / f"{layer}.geojson")
    drawn = features(redrawn / f"{layer}.geojson")
    assert [f["properties"] for f in drawn] == [f["properties"] for f in committed]
    for new, old in zip(drawn, committed, strict=True):
        assert new["geometry"]["type"] == old["geometry"]["type"]
        there, here = (list(vertices(f["geometry"]["coordinates"])) for f in (new, old))
        assert len(there) == len(here)
        millimetre = 1e-8  # degrees; 1.1 mm north, 0.9 mm east
        for position, expected in zip(there, here, strict=True):
            assert position == pytest.approx(expected, abs=millimetre)


def test_the_script_draws_the_layers_of_the_catalogue_and_no_others(redrawn: Path) -> None:
    assert {path.stem for path in redrawn.iterdir()} == set(LAYERS)


def test_the_drawing_script_reads_no_target() -> None:
    script = (GEODATA / "build.py").read_text(encoding="utf-8")
    assert "plan.toml" not in script
    for share in ("0.85", "0.65", "0.43", "85 %", "65 %"):
        assert share not in script


@pytest.mark.parametrize("layer", LAYERS)
def test_every_feature_says_what_it_is_and_where_it_came_from(layer: str) -> None:
    found = features(GEODATA / f"{layer}.geojson")
    for feature in found:
        for column in (*EVERY_FEATURE_HAS, "source_en"):
            assert feature["properties"].get(column), (feature["properties"]["id"], column)
    ids = [feature["properties"]["id"] for feature in found]
    assert len(set(ids)) == len(ids)
    assert ids == sorted(ids)


@pytest.mark.parametrize("layer", LAYERS)
def test_every_fact_of_a_feature_has_a_title_in_the_catalogue(layer: str) -> None:
    columns = CATALOGUE[layer].get("columns", {})
    known = {*EVERY_FEATURE_HAS, "source_en", *columns}
    known |= {f"{name}_en" for name, column in columns.items() if column.get("localised")}
    for feature in features(GEODATA / f"{layer}.geojson"):
        assert set(feature["properties"]) <= known


@pytest.mark.parametrize("layer", LAYERS)
def test_a_file_has_nine_decimals_and_unix_line_ends(layer: str) -> None:
    content = (GEODATA / f"{layer}.geojson").read_bytes()
    assert b"\r" not in content
    assert content.endswith(b"\n")
    for feature in features(GEODATA / f"{layer}.geojson"):
        for lon, lat in vertices(feature["geometry"]["coordinates"]):
            assert (round(lon, 9), round(lat, 9)) == (lon, lat)


@pytest.mark.parametrize("file", ["sketch_lines.csv", "sketch_areas.csv"])
def test_every_sketched_vertex_says_how_it_is_known_and_how_well(file: str) -> None:
    with (GEODATA / file).open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            assert row["how"] in {
                *("outline", "metro", "address", "airport", "web", "memory", "ours"),
            }
            assert 50 <= float(row["error_m"]) <= 3000


@pytest.mark.parametrize("layer", LAYERS)
def test_nothing_leaves_the_outline(layer: str, pack: Pack) -> None:
    outside = frame_of(pack, layer).geometry.difference(pack.area)
    assert outside.area.sum() <= M2
    if CATALOGUE[layer]["geometry"] == "point":
        assert outside.is_empty.all()


def test_the_outline_has_the_area_of_the_open_data(pack: Pack) -> None:
    assert pack.area.area / 1e6 == pytest.approx(476.22, abs=0.05)
    assert frame_of(pack, "district")["basis"].tolist() == ["open"]


def test_eleven_streets_fill_the_district(pack: Pack) -> None:
    streets = frame_of(pack, "streets")
    assert set(streets["name"].str.removesuffix("街")) == STREETS
    assert_partition(streets.geometry, pack.area)


def test_every_street_holds_its_own_seat(pack: Pack) -> None:
    streets = frame_of(pack, "streets").set_index("name").geometry
    seats = control_points("street_seat")
    assert len(seats) == 9  # none is known for 华新 and 东丽湖
    for name, seat in seats.items():
        assert streets[name.split("（")[0]].contains(seat), name


def test_three_tiers_fill_the_barrier(pack: Pack) -> None:
    tiers = frame_of(pack, "barrier_tiers")
    assert sorted(tiers["tier"]) == ["1", "2", "3"]
    half_expressway = sketched_line("宁静高速").buffer(30, quad_segs=8)
    pieces = shapely.get_parts(shapely.difference(pack.area, half_expressway))
    assert_partition(tiers.geometry, max(pieces, key=lambda piece: piece.centroid.x))
    facts = " ".join(tiers["extent_note"])
    assert "249" in facts
    assert "276" in facts
    assert "146" in facts


def test_the_barrier_is_the_land_east_of_the_expressway(pack: Pack) -> None:
    barrier = frame_of(pack, "barrier_tiers").union_all()
    assert 249 <= barrier.area / 1e6 <= 276
    line = sketched_line("宁静高速")
    west, _, east, _ = pack.area.bounds
    for x, y in itertools.pairwise(shapely.get_coordinates(line).tolist()):
        middle = Point((x[0] + y[0]) / 2, (x[1] + y[1]) / 2)
        if pack.area.contains(middle):
            across = shapely.LineString([(west, middle.y), (east, middle.y)])
            edge = across.intersection(barrier).bounds[0]
            assert 0 < edge - middle.x < 100  # half an expressway, slantwise
    assert not barrier.intersects(line)


def test_land_cover_gives_every_place_one_class(pack: Pack) -> None:
    cover = frame_of(pack, "land_cover")
    assert set(cover["class_code"]) <= {
        *("01", "02", "03", "05", "07", "08", "10", "12", "14", "17"),
    }
    assert_partition(cover.geometry, pack.area)


def test_land_cover_agrees_with_the_waters_and_the_towns(pack: Pack) -> None:
    cover = frame_of(pack, "land_cover")
    waters = frame_of(pack, "rivers_lakes")
    water = waters[waters["name"] != "赤土湿地"].union_all()
    wet = cover[cover["class_code"] == "17"].union_all()
    scraps_m2 = 60_000  # scraps below 1 ha join their neighbour
    assert wet.symmetric_difference(water).area < scraps_m2
    built = frame_of(pack, "built_up").union_all()
    homes_and_works = cover[cover["class_code"].isin(["07", "08", "10"])].union_all()
    assert homes_and_works.difference(built).area < scraps_m2
    assert built.intersection(water).area <= M2


def test_the_core_lies_inside_the_present_ring(pack: Pack) -> None:
    parts = frame_of(pack, "urban_structure").set_index("name").geometry
    assert len(parts) == 4
    assert parts["环内都市核心区"].area / 1e6 == pytest.approx(35, abs=3)
    assert overlap_m2(parts) <= M2
    stations = control_points("metro")
    for name in ("招远路（11号线）", "跃进北路（4号线）", "国山路（2号线）"):
        assert parts["环内都市核心区"].contains(stations[f"地铁站 {name}"])
    for name in ("东丽文体中心（11号线）", "航双路（4号线）", "空港经济区（2号线）"):
        assert not parts["环内都市核心区"].intersects(stations[f"地铁站 {name}"])


def test_industry_has_one_core_and_three_poles(pack: Pack) -> None:
    assert sorted(frame_of(pack, "industry_layout")["rank"]) == ["增长极"] * 3 + ["核心"]


def test_twelve_terminals_of_which_the_plan_names_two(pack: Pack) -> None:
    terminals = frame_of(pack, "bus_terminals")
    assert len(terminals) == 12
    named = terminals[terminals["placed_by"].str.startswith("规划点名")]
    assert sorted(named["name"].str[:3]) == ["万达广", "昆俞路"]
    ours = terminals.drop(named.index)
    assert ours["name"].str.contains("示意").all()
    assert ours["placed_by_en"].eq("placed by us").all()
    (mall,) = control_points("mall").values()
    wanda = terminals[terminals["name"].str.startswith("万达广场")].geometry.iloc[0]
    assert wanda.distance(mall) <= 150


def test_stops_are_marked_as_invented(pack: Pack) -> None:
    stops = frame_of(pack, "bus_stops")
    assert set(stops["basis"]) == {"synthetic"}
    assert 300 <= len(stops) <= 450


def test_nine_waters_lie_where_they_should(pack: Pack) -> None:
    waters = frame_of(pack, "rivers_lakes").set_index("name").geometry
    assert set(waters.index) == RIVERS_LAKES
    lake = waters["东丽湖"]
    assert lake.centroid.x > pack.area.centroid.x
    assert lake.centroid.y > pack.area.centroid.y
    assert lake.area / 1e6 == pytest.approx(8, abs=1)
    (centre,) = control_points("lake").values()
    assert lake.contains(centre)
    assert waters["海河"].boundary.intersection(pack.area.boundary).length > 20_000
    for point in control_points("river").values():
        assert waters["海河"].distance(point) < 15  # the points have four decimals
