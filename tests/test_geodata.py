"""The embedded pack: what was drawn is what the script draws, and lies where the plan says."""

import csv
import itertools
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely import Point
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

from geodata.drawing import crossed, joined, led_on, without_stubs
from geodata.invented import Homes, residents, walking_lines
from layers import Pack, load_pack

GEODATA = Path(__file__).resolve().parents[1] / "geodata"
CATALOGUE = tomllib.loads((GEODATA / "layers.toml").read_text(encoding="utf-8"))
ENTRIES = [entry for entry in CATALOGUE if entry != "pack"]
LAYERS = [layer for layer in ENTRIES if "file" in CATALOGUE[layer]]
STREETS = {"万新", "华明", "金钟", "新立", "军粮城", "无瑕", "金桥", "张贵庄", "丰年村"}
STREETS |= {"华新", "东丽湖"}
RIVERS_LAKES = {"海河", "金钟河", "东减河", "西减河", "月牙河", "北塘排水河"}
RIVERS_LAKES |= {"东丽湖", "赤土湿地", "务本河"}
EVERY_FEATURE_HAS = ("id", "name", "name_en", "cite", "cite_en", "basis", "accuracy_m", "source")
HAN = re.compile("[\u4e00-\u9fff]")
LOOK = {"fill", "fill_opacity", "line", "width", "dash", "radius", "hatch", "by", "classes"}
CENTIMETRE = 0.01
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


@pytest.mark.parametrize(
    "file", ["build.py", "drawing.py", "invented.py", "sketch.py", "features.toml"]
)
def test_nothing_that_is_drawn_knows_a_share_that_the_plan_asks_for(file: str) -> None:
    content = (GEODATA / file).read_text(encoding="utf-8")
    assert "plan.toml" not in content
    for share in ("0.85", "0.65", "0.43", "85 %", "65 %", "85%", "65%"):
        assert share not in content


def test_figures_that_are_drawn_to_stand_in_the_words_and_not_in_the_scripts() -> None:
    scripts = "".join(path.read_text(encoding="utf-8") for path in GEODATA.glob("*.py"))
    for figure in ("49.4", "3400", "17435", "17_435", "1.23", "21e6", "1000000", "1_000_000"):
        assert figure not in scripts


def test_a_layer_drawn_to_the_plans_figure_says_so_in_the_catalogue() -> None:
    words = tomllib.loads((GEODATA / "features.toml").read_text(encoding="utf-8"))
    to_an_area = {
        layer
        for layer, told in words.items()
        if any("to" in feature.get("draw", {}) for feature in told.values())
    }
    assert to_an_area == {"barrier_structure", "restoration_projects", "theme_parks"}
    for layer in (*to_an_area, "tour_road", "population"):
        assert CATALOGUE[layer]["drawn_to"], layer


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
        assert frame_of(pack, layer).distance(pack.area).max() <= CATALOGUE["pack"]["margin_m"]
    if CATALOGUE[layer]["geometry"] == "line":
        assert outside.length.sum() <= CENTIMETRE


@pytest.mark.parametrize("layer", LAYERS)
def test_names_are_unique_in_a_layer_in_both_languages(layer: str, pack: Pack) -> None:
    if layer != "land_cover":  # its features are the pieces of ten classes
        frame = frame_of(pack, layer)
        assert frame["name"].is_unique
        assert frame["name_en"].is_unique


@pytest.mark.parametrize("layer", LAYERS)
def test_nothing_is_drawn_twice_in_a_layer(layer: str, pack: Pack) -> None:
    shapes = frame_of(pack, layer).geometry.normalize().to_wkb()
    assert shapes.is_unique


def test_no_line_or_area_is_drawn_in_two_layers(pack: Pack) -> None:
    drawn = [
        shape
        for layer in set(LAYERS) - {"land_cover"}  # a town without roads is a piece of it, too
        if CATALOGUE[layer]["geometry"] != "point"
        for shape in frame_of(pack, layer).geometry.normalize().to_wkb()
    ]
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize("layer", LAYERS)
def test_english_is_english_and_chinese_is_chinese(layer: str) -> None:
    for feature in features(GEODATA / f"{layer}.geojson"):
        for column, value in feature["properties"].items():
            if column.endswith("_en") and value is None:
                assert feature["properties"][column.removesuffix("_en")] is None
            elif column.endswith("_en"):
                assert not HAN.search(value.replace("天", "")), (feature["properties"]["id"], value)
                assert HAN.search(feature["properties"][column.removesuffix("_en")])


def test_no_two_layers_look_alike() -> None:
    looks = [
        {key: value for key, value in CATALOGUE[layer]["style"].items() if key in LOOK}
        for layer in ENTRIES
        if CATALOGUE[layer]["geometry"] != "raster"  # a raster is not drawn
    ]
    for one, other in itertools.combinations(looks, 2):
        assert one != other


@pytest.mark.parametrize("layer", sorted(set(ENTRIES) - set(LAYERS)))
def test_a_layer_that_nobody_has_delivered_is_asked_of_the_authority(
    layer: str, pack: Pack
) -> None:
    spec = pack.catalogue.layers[layer]
    assert layer not in pack.layers
    assert spec.source.basis == "official"
    assert "待主管部门提供" in spec.source.name.zh + spec.note.zh
    assert "deliver" in spec.source.name.en
    assert spec.note.en


def test_the_accent_for_gaps_is_nobodys_colour() -> None:
    catalogue = (GEODATA / "layers.toml").read_text(encoding="utf-8")
    assert "#c8452d" not in catalogue.lower()


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


def residential(pack: Pack) -> BaseGeometry:
    cover = frame_of(pack, "land_cover")
    return cover[cover["class_code"] == "07"].union_all()


def test_invented_people_are_as_many_as_the_plan_expects_to_the_last_one(pack: Pack) -> None:
    people = frame_of(pack, "population")
    assert people["people"].sum() == 1_000_000  # 第十章六
    assert people["people"].gt(0).all()
    assert set(people["basis"]) == {"synthetic"}
    assert people["name"].str.contains("虚构").all()
    assert people["name_en"].str.contains("invented").all()


def test_nobody_lives_in_water(pack: Pack) -> None:
    people = frame_of(pack, "population")
    assert not people.intersects(frame_of(pack, "rivers_lakes").union_all()).any()
    wet = frame_of(pack, "land_cover").query("class_code in ['05', '17']").union_all()
    assert not people.intersects(wet).any()


def test_people_live_in_residential_land_and_thinly_in_the_fields(pack: Pack) -> None:
    people = frame_of(pack, "population")
    at_home = people.intersects(residential(pack).buffer(CENTIMETRE))
    villages = people[~at_home]
    cover = frame_of(pack, "land_cover")
    fields = cover[cover["class_code"] == "01"].union_all().buffer(CENTIMETRE)
    assert villages.intersects(fields).all()
    assert 0 < villages["people"].sum() < 0.05 * people["people"].sum()


def test_twice_as_many_people_live_at_a_point_inside_the_ring(pack: Pack) -> None:
    people = frame_of(pack, "population")
    core = people[people.intersects(frame_of(pack, "urban_structure").geometry["US-01"])]
    towns = people.drop(core.index)
    towns = towns[towns.intersects(residential(pack).buffer(CENTIMETRE))]
    assert core["people"].max() - core["people"].min() <= 1  # whole people
    assert towns["people"].max() - towns["people"].min() <= 1
    assert core["people"].mean() == pytest.approx(2 * towns["people"].mean(), abs=1)


def test_homes_lie_on_a_lattice_of_250_m(pack: Pack) -> None:
    people = frame_of(pack, "population")
    for axis in (people.geometry.x, people.geometry.y):
        off = (axis / 250 - (axis / 250).round()).abs() * 250
        assert off.max() < CENTIMETRE
    assert len(people) < 2500
    assert (GEODATA / "population.geojson").stat().st_size < 1_000_000


def test_people_are_shared_out_to_the_last_one_and_what_is_left_goes_to_the_most_rounded() -> None:
    homes = [
        Homes("a", shapely.box(-1, -1, 11, 1), apart_m=10, weight=1),  # points at 0 and 10
        Homes("b", shapely.box(99, -1, 101, 1), apart_m=10, weight=0.5),
    ]
    shared = [(kind, point.x, people) for kind, point, people in residents(homes, 9)]
    # 9 people at 2 : 2 : 1 are 3.6, 3.6 and 1.8; two are left, the third home lost most.
    assert shared == [("a", 0, 4), ("a", 10, 3), ("b", 100, 2)]


def ways(pack: Pack, kind: str) -> gpd.GeoDataFrame:
    network = frame_of(pack, "walking_network")
    return network[network["kind"] == kind]


def barriers_to_walking(pack: Pack) -> Mapping[str, BaseGeometry]:
    roads = {name: sketched_line(name) for name in ("宁静高速", "京津塘高速", "津宁高速")}
    ring = sketched_line("外环线（现状）")
    avenue = sketched_line("津滨大道—津滨高速")  # an expressway east of the ring
    end = shapely.line_locate_point(avenue, shapely.intersection(avenue, ring))
    return roads | {
        "外环线": ring,
        "津滨高速": substring(avenue, end, avenue.length),
        "津山铁路": sketched_line("津山铁路"),
        "北环铁路": sketched_line("北环铁路"),
        "河湖": frame_of(pack, "rivers_lakes").union_all(),
    }


def test_no_path_crosses_water_an_expressway_or_a_railway(pack: Pack) -> None:
    paths = ways(pack, "小路")
    for name, barrier in barriers_to_walking(pack).items():
        assert not paths.intersects(barrier).any(), name


def test_streets_cross_what_stops_the_paths(pack: Pack) -> None:
    streets = ways(pack, "道路").union_all()
    crossed_by_a_bridge = {
        name for name, barrier in barriers_to_walking(pack).items() if streets.crosses(barrier)
    }
    assert {"外环线", "宁静高速", "河湖"} <= crossed_by_a_bridge


def test_the_walking_network_is_noded_to_the_last_digit() -> None:
    lines = gpd.read_file(GEODATA / "walking_network.geojson").geometry  # degrees, as in the file
    ends = [set(line.coords) for line in lines]
    first, second = shapely.STRtree(lines).query(lines, predicate="intersects")
    met = [(a, b) for a, b in zip(first, second, strict=True) if a < b]
    assert len(met) > 1000
    for a, b in met:
        shared = shapely.MultiPoint(sorted(ends[a] & ends[b]))
        assert not shared.is_empty
        millimetre = 1e-8
        assert shared.buffer(millimetre).covers(lines[a].intersection(lines[b]))


def test_no_crumb_of_the_walking_network_stands_alone(pack: Pack) -> None:
    network = frame_of(pack, "walking_network").geometry
    touching = shapely.STRtree(network).query(network, predicate="intersects")
    neighbours = np.bincount(touching[0], minlength=len(network)) - 1
    assert network[neighbours == 0].length.min() >= 60


def test_paths_stay_in_and_around_the_built_up_area(pack: Pack) -> None:
    town = frame_of(pack, "built_up").union_all().buffer(60, join_style="mitre")
    assert ways(pack, "小路").difference(town.buffer(CENTIMETRE)).length.sum() <= CENTIMETRE


def test_the_walking_network_says_that_it_is_invented_and_is_small(pack: Pack) -> None:
    network = frame_of(pack, "walking_network")
    assert set(network["kind"]) == {"道路", "小路"}
    assert set(network["basis"]) == {"synthetic"}
    assert network["name"].str.contains("模拟").all()
    assert network["name_en"].str.contains("simulated").all()
    assert len(network) < 3000
    assert (GEODATA / "walking_network.geojson").stat().st_size < 1_500_000
    for layer in ("population", "walking_network"):
        assert "虚构" in CATALOGUE[layer]["note"]["zh"]
        assert "invented" in CATALOGUE[layer]["note"]["en"]
        assert not CATALOGUE[layer]["search"]
        assert not CATALOGUE[layer]["style"].get("visible", False)


def test_a_path_ends_at_a_barrier_and_a_street_runs_on() -> None:
    town = shapely.box(0, 0, 550, 275)  # two paths across, one along
    street = shapely.LineString([(-500, 100), (1000, 100)])
    river = shapely.box(250, -500, 300, 500)
    within = shapely.box(-1000, -1000, 1000, 1000) - river
    drawn = list(walking_lines([street], [town], within))
    kinds = [kind for kind, _ in drawn]
    assert kinds == ["street", *["path"] * 4]
    assert drawn[0][1].length == pytest.approx(1500)
    assert len(drawn[0][1].coords) == 4  # its ends, and where the two paths cross it
    for kind, line in drawn:
        assert (kind == "street") == line.crosses(river)


def test_what_meets_keeps_a_vertex_and_short_ends_are_dropped() -> None:
    lines = [shapely.LineString([(0, 0), (200, 0)]), shapely.LineString([(100, -5), (100, 90)])]
    pieces = without_stubs(crossed(lines), 10)
    assert [(number, line.wkt) for number, line in joined(pieces)] == [
        (0, "LINESTRING (0 0, 100 0, 200 0)"),
        (1, "LINESTRING (100 0, 100 90)"),
    ]


def test_a_street_that_ends_just_before_another_is_led_on_across_it() -> None:
    long, short = shapely.LineString([(0, 0), (200, 0)]), shapely.LineString([(50, 5), (50, 90)])
    far = shapely.LineString([(150, 30), (150, 90)])
    led = led_on([long, short, far], 10, within=shapely.box(0, -50, 200, 100))
    assert [line.wkt for line in led] == [
        "LINESTRING (0 0, 200 0)",
        "LINESTRING (50 -1, 50 5, 50 90)",
        "LINESTRING (150 30, 150 90)",
    ]
    walled_in = led_on([long, short, far], 10, within=shapely.box(0, 2, 200, 100))
    assert walled_in == [long, short, far]


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


def barrier_of(pack: Pack) -> BaseGeometry:
    return frame_of(pack, "barrier_tiers").union_all()


def test_the_structure_of_the_barrier_lies_in_the_barrier(pack: Pack) -> None:
    structure = frame_of(pack, "barrier_structure")
    assert structure.difference(barrier_of(pack)).area.sum() <= M2
    assert structure["kind"].value_counts().to_dict() == {"廊": 1, "芯": 2, "环": 2, "片区": 6}
    areas = structure[structure["kind"] == "片区"]
    assert overlap_m2(areas.geometry) <= M2


def test_the_cores_rings_and_areas_lie_where_they_are_named_for(pack: Pack) -> None:
    parts = frame_of(pack, "barrier_structure").set_index("name").geometry
    waters = frame_of(pack, "rivers_lakes").set_index("name").geometry
    streets = frame_of(pack, "streets").set_index("name").geometry
    assert waters["东丽湖"].difference(parts["东丽湖湿地蓝芯"]).area <= M2
    assert parts["海河生态绿芯"].distance(waters["海河"]) < 1000
    assert parts["古海岸湿地绿廊"].intersects(waters["东减河"])
    assert parts["金钟河湿地片区"].intersects(waters["金钟河"])
    assert parts["环境防护区"].intersects(streets["无瑕街"])
    for ring in ("南绿环", "北绿环"):
        assert len(parts[ring].interiors) == 1  # a closed belt
    assert parts["南绿环"].bounds[3] < parts["北绿环"].bounds[1]
    sites = frame_of(pack, "farm_sites").set_index("name").geometry
    assert parts["华明有机田园区"].contains(sites["胡张庄田园综合体"])
    assert parts["文化融合体验区"].contains(sites["金桥生态园"])
    assert parts["文化融合体验区"].contains(sites["滨丽生态创意园"])


def test_the_tour_road_is_one_network_inside_the_barrier(pack: Pack) -> None:
    road = frame_of(pack, "tour_road")
    assert road.difference(barrier_of(pack)).length.sum() <= CENTIMETRE
    touching = shapely.STRtree(road.geometry.to_numpy()).query(
        road.geometry.to_numpy(), predicate="dwithin", distance=CENTIMETRE
    )
    reached = {0}
    for _ in range(len(road)):
        reached |= {int(b) for a, b in touching.T if a in reached}
    assert reached == set(range(len(road)))
    assert road["total_km"].eq(49.4).all()
    for stated, length in zip(road["length_km"], road.length, strict=True):
        assert stated == pytest.approx(length / 1000, abs=0.001)


def test_the_green_frame_lies_in_the_barrier_and_is_placed_by_us(pack: Pack) -> None:
    frame = frame_of(pack, "green_frame")
    assert frame.difference(barrier_of(pack)).length.sum() <= CENTIMETRE
    assert frame["role"].value_counts().to_dict() == {"六横": 6, "一纵": 1, "骨架": 1}
    assert frame["placed_by_en"].eq("placed by us").all()


@pytest.mark.parametrize(
    "park, roads",
    [
        ("南淀公园板块", ("外环线（现状）", "外环东北部调线")),
        ("程林公园板块", ("外环线（现状）", "雪莲路北段", "津滨大道—津滨高速", "成林道")),
        ("柳林公园板块", ("外环线（现状）", "昆仑路")),
    ],
)
def test_a_ring_park_ends_at_the_roads_that_the_plan_names(
    park: str, roads: Sequence[str], pack: Pack
) -> None:
    edge = frame_of(pack, "ring_parks").set_index("name").geometry[park].boundary
    for road in roads:
        along = edge.intersection(sketched_line(road).buffer(CENTIMETRE)).length
        assert along > 500, road


def test_two_rivers_cross_nandian_and_the_haihe_bounds_liulin(pack: Pack) -> None:
    parks = frame_of(pack, "ring_parks").set_index("name").geometry
    waters = frame_of(pack, "rivers_lakes").set_index("name").geometry
    for river in ("月牙河", "西减河"):
        assert parks["南淀公园板块"].intersection(waters[river]).area > 10_000
    assert parks["柳林公园板块"].boundary.intersection(waters["海河"].buffer(1)).length > 1000
    assert parks["柳林公园板块"].intersection(waters["海河"]).area <= M2


def test_restoration_lies_north_of_the_jinzhonghe_and_in_jinqiao(pack: Pack) -> None:
    projects = frame_of(pack, "restoration_projects").set_index("name").geometry
    river = frame_of(pack, "rivers_lakes").set_index("name").geometry["金钟河"]
    wetland, forest = projects["金钟河沿岸生态修复"], projects["南片区储备林"]
    assert wetland.distance(river) < 1
    west, south, east, _ = wetland.bounds
    below = shapely.box(west, south - 5000, east, south + 5000).intersection(river)
    assert wetland.centroid.y > below.centroid.y
    assert wetland.intersection(river).area <= M2
    jinqiao = frame_of(pack, "streets").set_index("name").geometry["金桥街"]
    assert forest.difference(jinqiao).area <= M2
    assert forest.difference(barrier_of(pack)).area <= M2


def test_water_projects_lie_in_their_streets_and_on_water(pack: Pack) -> None:
    streets = frame_of(pack, "streets").set_index("name").geometry
    water = frame_of(pack, "rivers_lakes").union_all()
    for project in frame_of(pack, "water_projects").itertuples():
        assert project.geometry.difference(streets[project.street]).area <= M2
        assert project.geometry.intersection(water).area > 0.1 * project.geometry.area
    names = frame_of(pack, "water_projects").set_index("name").geometry
    reach = names["北塘排水河（华新段）养管"]
    for road in ("赤海路", "宁静高速"):
        assert reach.distance(sketched_line(road)) < 1


def test_theme_parks_lie_in_the_core_and_poles_of_industry(pack: Pack) -> None:
    parks = frame_of(pack, "theme_parks")
    layout = frame_of(pack, "industry_layout")
    for park, pole in {
        **dict.fromkeys(("TP-01", "TP-02", "TP-05"), "IL-01"),
        "TP-03": "IL-03",
        "TP-04": "IL-02",
    }.items():
        assert parks.geometry[park].difference(layout.geometry[pole]).area <= M2
    assert overlap_m2(parks.geometry) <= M2


def test_a_known_metro_station_lies_on_its_lines(pack: Pack) -> None:
    lines = frame_of(pack, "rail").set_index("name").geometry
    stations = frame_of(pack, "rail_stations")
    known = stations[stations["accuracy_m"] <= 100]
    assert len(known) == 33
    for station in known.itertuples():
        for line in station.line.split("、"):
            assert station.geometry.distance(lines[line]) < 15  # the points have four decimals


def test_the_widened_stretch_runs_from_the_first_jing_road_to_the_expressway(pack: Pack) -> None:
    road = frame_of(pack, "roads").set_index("name").geometry["津塘二线拓宽（一经路—宁静高速）"]
    for other in ("一经路", "宁静高速"):
        assert road.boundary.distance(sketched_line(other)) < CENTIMETRE
    assert road.length / 1000 == pytest.approx(3, abs=0.3)


def test_the_seven_streets_are_cut_at_the_ring(pack: Pack) -> None:
    roads = frame_of(pack, "street_scape").set_index("name").geometry
    ring = sketched_line("外环线（现状）")
    for name in ("津滨大道", "卫国道", "津汉公路"):
        assert roads[name].boundary.distance(ring) < CENTIMETRE
    assert roads["卫国道"].centroid.x < roads["津汉公路"].centroid.x


@pytest.mark.parametrize(
    "layer", ["innovation_sites", "consumption_sites", "farm_sites", "utility_projects"]
)
def test_a_place_of_no_known_address_is_said_to_be_placed_by_us(layer: str, pack: Pack) -> None:
    sites = frame_of(pack, layer)
    loose = sites[sites["accuracy_m"] > 600]
    assert loose["placed_by_en"].str.contains("placed by us").all()
    assert loose["source_en"].str.len().gt(20).all()
