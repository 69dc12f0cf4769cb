"""OpenStreetMap: extracts written here, and a whole country against other ways of counting it."""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from pyproj import Geod
from shapely import Point
from typer.testing import CliRunner, Result

from layers import InputError, Pack, load_pack
from layers.formats import Choice, Raw
from layers.formats.osm import AREA_KEYS, inspect, read
from layers.land_codes import read_land_codes
from layers.limits import Limits
from layers.osm.entries import read_template
from layers.osm.folder import RECORD_FILE
from layers.osm.pack import import_osm
from layers.osm.tags import BUILT_UP, read_tag_table
from layers.reader import Reader
from spatial import Plan, open_pack, run_check, zone_statistics
from spatial.__main__ import app
from tests.osm_file import CRS, OsmFile, block, degrees, field

TABLE = read_tag_table()
LIMITS = Limits()
CENTIMETRES = 0.03
"""To what a place in a file is known: OpenStreetMap rounds to 1e-7 degrees."""
MUNICIPALITIES = {"Balzers", "Eschen", "Gamprin", "Mauren", "Planken", "Ruggell", "Schaan"}
MUNICIPALITIES |= {"Schellenberg", "Triesen", "Triesenberg", "Vaduz"}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["layers", "osm", *map(str, arguments)])


def refused(*arguments: object) -> str:
    """The one line of a refusal."""
    result = run(*arguments)
    assert isinstance(result.exception, SystemExit), f"a traceback: {result.exception!r}"
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    return str(line)


def part(file: Path, name: str) -> Raw:
    return read(file, file.name, Choice(part=name), LIMITS)


def names(file: Path, output: str) -> list[str]:
    """Names of the features of a layer of an extract."""
    return sorted(part(file, output).frame["name"])


@pytest.fixture
def osm() -> OsmFile:
    return OsmFile()


@pytest.fixture
def town(osm: OsmFile) -> OsmFile:
    return draw_town(osm)


def draw_town(osm: OsmFile) -> OsmFile:
    """A town of 2 km by 2 km in two quarters, with a stop, a street, a wood with a pond, a house.

    A province around it is named, but its border is not in the file.
    """
    osm.boundary(0, 0, 2000, 2000, {"name": "镇", "name:en": "Town", "admin_level": "8"})
    osm.boundary(0, 0, 1000, 2000, {"name": "西区", "admin_level": "9"})
    osm.boundary(1000, 0, 2000, 2000, {"name": "东区", "admin_level": "9"})
    osm.relation([900], {"type": "boundary", "boundary": "administrative", "admin_level": "4"})
    osm.node(500, 1000, {"highway": "bus_stop", "name": "中心"})
    osm.node(2900, 1000, {"highway": "bus_stop", "name": "近"})
    osm.node(3100, 1000, {"highway": "bus_stop", "name": "远"})
    osm.way([(0, 1000), (2500, 1000)], {"highway": "residential", "name": "大街"})
    osm.box(100, 100, 500, 500, {"landuse": "forest", "name": "林"})
    osm.box(200, 200, 300, 300, {"natural": "water", "name": "塘"})
    osm.box(1500, 1500, 1700, 1700, {"landuse": "residential"})
    osm.box(1600, 1600, 1620, 1620, {"building": "yes"})
    return osm


@dataclass(frozen=True, slots=True)
class TownPack:
    """The pack made of the town, and what was said of it."""

    folder: Path
    pack: Pack
    plan: Plan
    lines: tuple[str, ...]

    def line(self, beginning: str) -> str:
        (line,) = [line for line in self.lines if line.startswith(beginning)]
        return line


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> TownPack:
    folder = tmp_path_factory.mktemp("town")
    file = draw_town(OsmFile()).write(folder / "town.osm.pbf", timestamp=1_375_556_402)
    lines = import_osm(file, folder / "pack", crs=CRS).lines
    return TownPack(folder / "pack", *open_pack(folder / "pack"), tuple(line.en for line in lines))


# The tag table


@pytest.mark.parametrize("output", TABLE.outputs)
def test_every_layer_of_the_tag_table_has_a_look(output: str) -> None:
    look = read_template()["layers"][output]
    assert look["group"] in read_template()["groups"]
    fills = look["style"].get("fills", {})
    codes = {rule.code for rule in TABLE.rules_of(output)} if fills else set()
    assert codes == set(fills)


def test_every_class_is_one_of_the_classification() -> None:
    codes = {rule.code for rule in TABLE.outputs["land_cover"].rules}
    assert codes <= set(read_land_codes().use2023.codes)
    assert all(len(code) == 2 for code in codes)


def test_closed_ways_with_the_tags_of_an_area_are_read_as_areas() -> None:
    areas = set(AREA_KEYS.split(","))
    rules = [rule for rule in TABLE.all_rules() if "areas" in rule.of]
    for rule in rules:
        tags = {f"{key}={value}" for key, values in rule.tags.items() for value in values}
        assert set(rule.tags) & areas or tags & areas, rule


def test_the_classes_of_the_plan_are_those_of_the_table() -> None:
    statistics = read_template()["plan"]["zone_statistics"]
    blue_green = {*statistics["green"], *statistics["water"]}
    shown = {code for name in ("green", "farmland", "water") for code in TABLE.outputs[name].codes}
    assert blue_green <= shown


@pytest.mark.parametrize("name", ["docs/osm.md", "docs/osm.zh.md"])
def test_the_guide_names_every_tag_of_the_table(name: str) -> None:
    text = (Path(__file__).resolve().parents[1] / name).read_text(encoding="utf-8")
    said = set(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)))
    for output, entry in TABLE.outputs.items():
        assert output in {re.sub(r"_N$", "", word) for word in said}
        for rule in entry.rules:
            for tags in (rule.tags, rule.none):
                for key, values in tags.items():
                    assert key in said, f"{output}: {key}"
                    assert set(values) - {"yes", "no", "*"} <= said, f"{output}: {values}"


# Stops


def test_a_stop_drawn_three_times_is_counted_once(osm: OsmFile, tmp_path: Path) -> None:
    osm.node(0, 0, {"highway": "bus_stop", "name": "牌"})
    osm.node(10, 5, {"public_transport": "platform", "bus": "yes", "name": "站台"})
    osm.node(12, 0, {"public_transport": "stop_position", "bus": "yes", "name": "停车点"})
    assert names(osm.write(tmp_path / "a.osm.pbf"), "bus_stops") == ["牌"]


def test_stops_on_both_sides_of_a_street_are_two(osm: OsmFile, tmp_path: Path) -> None:
    osm.node(0, 0, {"highway": "bus_stop", "name": "北侧"})
    osm.node(0, 12, {"highway": "bus_stop", "name": "南侧"})
    assert names(osm.write(tmp_path / "a.osm.pbf"), "bus_stops") == ["北侧", "南侧"]


@pytest.mark.parametrize("metres,stops", [(29, 1), (31, 2)])
def test_a_platform_is_a_stop_of_its_own_beyond_30_m(
    osm: OsmFile, tmp_path: Path, metres: float, stops: int
) -> None:
    osm.node(0, 0, {"highway": "bus_stop", "name": "牌"})
    osm.node(metres, 0, {"public_transport": "platform", "bus": "yes", "name": "站台"})
    assert len(names(osm.write(tmp_path / "a.osm.pbf"), "bus_stops")) == stops


def test_a_platform_drawn_as_an_area_is_a_stop_in_its_middle(osm: OsmFile, tmp_path: Path) -> None:
    osm.box(0, 0, 20, 4, {"public_transport": "platform", "bus": "yes", "name": "台"})
    (place,) = part(osm.write(tmp_path / "a.osm.pbf"), "bus_stops").frame.geometry
    assert place.distance(Point(degrees((10, 2)))) < 1e-6


def test_bus_tram_and_rail_are_told_apart(osm: OsmFile, tmp_path: Path) -> None:
    osm.node(0, 0, {"highway": "bus_stop", "name": "公交"})
    osm.node(500, 0, {"railway": "tram_stop", "name": "电车"})
    osm.node(503, 0, {"public_transport": "stop_position", "tram": "yes", "name": "电车"})
    osm.node(1000, 0, {"railway": "station", "name": "车站"})
    osm.box(1010, 0, 1050, 20, {"railway": "station", "building": "yes", "name": "站房"})
    osm.node(2000, 0, {"railway": "halt", "name": "小站"})
    osm.node(3000, 0, {"station": "subway", "name": "地铁"})
    osm.node(4000, 0, {"railway": "station", "name": "旧站", "disused": "yes"})
    osm.node(5000, 0, {"public_transport": "platform", "tram": "yes", "name": "电车台"})
    file = osm.write(tmp_path / "a.osm.pbf")
    assert names(file, "bus_stops") == ["公交"]
    assert names(file, "tram_stops") == ["电车", "电车台"]
    assert names(file, "rail_stations") == ["地铁", "小站", "车站"]


# Ways


WALKS: tuple[tuple[Mapping[str, str], bool], ...] = (
    ({"highway": "residential"}, True),
    ({"highway": "footway"}, True),
    ({"highway": "steps"}, True),
    ({"highway": "trunk"}, True),
    ({"highway": "track", "access": "agricultural"}, True),
    ({"highway": "motorway"}, False),
    ({"highway": "motorway_link"}, False),
    ({"highway": "trunk", "motorroad": "yes"}, False),
    ({"highway": "construction"}, False),
    ({"highway": "proposed"}, False),
    ({"highway": "cycleway"}, False),
    ({"highway": "raceway"}, False),
    ({"highway": "platform"}, False),
    ({"highway": "path", "foot": "no"}, False),
    ({"highway": "service", "access": "private"}, False),
    ({"highway": "service", "access": "no"}, False),
    ({"highway": "service", "access": "private", "foot": "yes"}, True),
    ({"highway": "trunk", "motorroad": "yes", "foot": "yes"}, False),
    ({"highway": "pedestrian", "area": "yes"}, False),
    ({"railway": "rail"}, False),
)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of the ways that are in the walking network, of one way for each case."""
    osm = OsmFile()
    for case, (tags, _) in enumerate(WALKS):
        corners = [(0, case * 10), (100, case * 10), (100, 200 + case * 10), (0, case * 10)]
        osm.way(corners, {"name": str(case), **tags})
    return set(names(osm.write(tmp_path_factory.mktemp("ways") / "a.osm.pbf"), "walking_network"))


@pytest.mark.parametrize("case", range(len(WALKS)), ids=lambda case: str(WALKS[case][0]))
def test_who_walks_where(walked: set[str], case: int) -> None:
    assert (str(case) in walked) is WALKS[case][1]


def test_a_circular_road_with_tags_of_an_area_is_a_road(osm: OsmFile, tmp_path: Path) -> None:
    osm.box(0, 0, 100, 100, {"highway": "residential", "amenity": "parking"})
    (ring,) = part(osm.write(tmp_path / "a.osm.pbf"), "walking_network").frame.geometry
    assert Geod(ellps="GRS80").geometry_length(ring) == pytest.approx(400, abs=0.1)


# Land


def test_water_in_a_wood_in_a_town_is_water(osm: OsmFile, tmp_path: Path) -> None:
    osm.boundary(0, 0, 1000, 1000, {"name": "镇", "admin_level": "8"})
    osm.box(-500, 0, 800, 1000, {"landuse": "residential"})
    osm.box(200, 200, 600, 600, {"landuse": "forest"})
    osm.box(300, 300, 400, 400, {"natural": "water"})
    osm.box(350, 350, 450, 450, {"natural": "water"})
    import_osm(osm.write(tmp_path / "a.osm.pbf"), tmp_path / "pack", crs=CRS)
    land = load_pack(tmp_path / "pack").layers["land_cover"].frame
    areas = land.area.groupby(land["class_code"]).sum()
    assert areas["17"] == pytest.approx(2 * 100**2 - 50**2, abs=3)
    assert areas["03"] == pytest.approx(400**2 - areas["17"], abs=3)
    assert areas["07"] == pytest.approx(800_000 - 400**2, abs=30)  # cut with the town
    assert land.area.sum() == pytest.approx(land.union_all().area, abs=0.1)


def test_the_layers_of_classes_show_what_was_drawn(osm: OsmFile, tmp_path: Path) -> None:
    osm.box(0, 0, 100, 100, {"landuse": "forest", "name": "林"})
    osm.box(0, 0, 100, 50, {"landuse": "farmland", "name": "田"})
    osm.box(0, 0, 50, 50, {"natural": "water", "name": "塘"})
    file = osm.write(tmp_path / "a.osm.pbf")
    assert [names(file, layer) for layer in ("green", "farmland", "water")] == [
        ["林"],
        ["田"],
        ["塘"],
    ]
    assert sorted(part(file, "land_cover").frame["class_code"]) == ["03", "17"]


def test_houses_close_together_are_built_up_and_a_farm_is_not(osm: OsmFile, tmp_path: Path) -> None:
    osm.boundary(0, 0, 2000, 2000, {"name": "镇", "admin_level": "8"})
    for column in range(6):
        for row in range(6):
            east, north = 100 + 40 * column, 100 + 40 * row
            osm.box(east, north, east + 20, north + 20, {"building": "yes"})
    osm.box(1500, 1500, 1530, 1530, {"building": "yes"})
    osm.box(1000, 200, 1200, 400, {"landuse": "industrial"})
    import_osm(osm.write(tmp_path / "a.osm.pbf"), tmp_path / "pack", crs=CRS)
    works, houses = load_pack(tmp_path / "pack").layers[BUILT_UP].frame.sort_index().geometry[::-1]
    if works.area > houses.area:
        works, houses = houses, works
    assert works.area == pytest.approx(200**2, abs=5)
    # The block of 220 m by 220 m, less what is cut off between the houses at its edge.
    assert 0.97 * 220**2 < houses.area <= 220**2 + 5


# Boundaries and the area


def imported(osm: OsmFile, folder: Path, **options: str) -> Pack:
    import_osm(osm.write(folder / "a.osm.pbf"), folder / "pack", **{"crs": CRS, **options})
    return load_pack(folder / "pack")


def test_the_highest_whole_level_bounds_the_pack_and_the_finest_makes_the_zones(
    made: TownPack,
) -> None:
    pack = made.pack
    assert pack.catalogue.pack.area == "admin_8"
    assert pack.catalogue.pack.title.in_("zh") == "镇"
    assert pack.catalogue.pack.title.in_("en") == "Town"
    assert pack.area.area == pytest.approx(4e6, abs=200)
    assert made.plan.zone_statistics.zones == "admin_9"
    assert sorted(pack.layers["admin_9"].frame["name"]) == ["东区", "西区"]
    assert "admin_4" not in pack.layers


def test_boundaries_that_are_not_closed_are_named(made: TownPack) -> None:
    line = made.line("1 boundaries that are not whole")
    assert line == "1 boundaries that are not whole in the file left out: r4 (level 4)"


def test_a_unit_that_reaches_out_of_the_extract_is_not_whole(town: OsmFile, tmp_path: Path) -> None:
    corners = ((-20.0, -20.0), (1500.0, 2020.0))  # what was cut out lacks a part of the east
    file = town.write(tmp_path / "a.osm.pbf", bbox=corners)
    lines = import_osm(file, tmp_path / "pack", crs=CRS).lines
    pack = load_pack(tmp_path / "pack")
    assert pack.catalogue.pack.area == "admin_9"
    assert list(pack.layers["admin_9"].frame["name"]) == ["西区"]
    assert any("东区 (level 9)" in line.en and "镇 (level 8)" in line.en for line in lines)


def test_a_level_can_bound_the_pack(town: OsmFile, tmp_path: Path) -> None:
    pack = imported(town, tmp_path, area="admin_9")
    assert pack.catalogue.pack.area == "admin_9"
    assert len(pack.layers["admin_9"].frame) == 2


@pytest.mark.parametrize("area", ["西区", "r2"])
def test_a_unit_can_bound_the_pack(town: OsmFile, tmp_path: Path, area: str) -> None:
    pack = imported(town, tmp_path, area=area)
    assert pack.area.area == pytest.approx(2e6, abs=100)
    assert set(pack.layers) & {"admin_8", "admin_9"} == {"admin_9"}
    assert list(pack.layers["bus_stops"].frame["name"]) == ["中心"]  # the other is 1.9 km away


def test_a_rectangle_can_bound_the_pack(town: OsmFile, tmp_path: Path) -> None:
    west, south = degrees((0, 0))
    east, north = degrees((1000, 500))
    pack = imported(town, tmp_path, area=f"{west},{south},{east},{north}")
    assert pack.catalogue.pack.area == "area"
    area_m2, _ = Geod(ellps="GRS80").geometry_area_perimeter(shapely.box(west, south, east, north))
    assert pack.area.area == pytest.approx(area_m2, rel=1e-4)
    _, plan = open_pack(tmp_path / "pack")
    assert plan.zone_statistics.zones == "area"


def test_features_in_reach_are_taken_whole_and_others_left(made: TownPack) -> None:
    assert sorted(made.pack.layers["bus_stops"].frame["name"]) == ["中心", "近"]
    (street,) = made.pack.layers["walking_network"].frame.geometry
    assert street.length == pytest.approx(2500, abs=CENTIMETRES)


@pytest.mark.parametrize(
    "area,said",
    [
        ("1,2,3", "'1,2,3' is no rectangle; give west,south,east,north in degrees"),
        ("118,39,117,40", "is no rectangle"),
        ("117,39,118,nan", "is no rectangle"),
        ("117,39,118,95", "is no rectangle"),
        ("admin_7", "unknown level 'admin_7'"),
        ("北区", "'北区' is no closed boundary in the file; there are admin_8, admin_9, '镇'"),
    ],
)
def test_an_area_that_is_none_is_refused(
    town: OsmFile, tmp_path: Path, area: str, said: str
) -> None:
    file = town.write(tmp_path / "a.osm.pbf")
    line = refused(file, "--pack", tmp_path / "pack", "--area", area)
    assert line.startswith("layers osm --area: ")
    assert said in line
    assert not (tmp_path / "pack").exists()


def test_two_units_of_one_name_are_told_by_their_numbers(town: OsmFile, tmp_path: Path) -> None:
    town.boundary(0, 0, 500, 500, {"name": "西区", "admin_level": "10"})
    file = town.write(tmp_path / "a.osm.pbf")
    line = refused(file, "--pack", tmp_path / "pack", "--area", "西区")
    assert "2 boundaries are called '西区'" in line
    assert "r2 (level 9), r5 (level 10)" in line


def test_without_boundaries_a_rectangle_is_asked_for(osm: OsmFile, tmp_path: Path) -> None:
    osm.node(0, 0, {"highway": "bus_stop"})
    osm.way([(0, 0), (1000, 1000)], {"highway": "path"})
    line = refused(osm.write(tmp_path / "a.osm.pbf"), "--pack", tmp_path / "pack")
    assert "the file holds no closed administrative boundary" in line
    proposed = line.rsplit("e.g. ", 1)[1]
    assert [float(side) for side in proposed.split(",")] == pytest.approx(
        [*degrees((0, 0)), *degrees((1000, 1000))], abs=1e-4
    )


# The metric CRS


def test_without_a_crs_the_utm_zone_is_taken_and_its_error_told(
    town: OsmFile, tmp_path: Path
) -> None:
    result = run(town.write(tmp_path / "a.osm.pbf"), "--pack", tmp_path / "pack", "--lang", "en")
    assert result.exit_code == 0, result.output
    pack = load_pack(tmp_path / "pack")
    assert pack.catalogue.pack.metric_crs == "EPSG:32650"  # 117.35° E
    (off,) = re.findall(r"took EPSG:32650 .* off by ([+-][\d.]+)%", result.stdout)
    # On the true ellipsoid the town is 4 km², as it is in the 3° zone but for its scale of 1.
    assert float(off) == pytest.approx((pack.area.area / 4e6 - 1) * 100, abs=0.01)
    assert float(off) < -0.05


@pytest.mark.parametrize(
    "crs,said",
    [
        ("EPSG:4326", "'EPSG:4326' (WGS 84) is not a projected CRS in metres"),
        ("EPSG:99999", "unknown CRS 'EPSG:99999'"),
        ("EPSG:3857", "'EPSG:3857' (WGS 84 / Pseudo-Mercator) makes areas here 6"),
    ],
)
def test_a_crs_that_cannot_measure_is_refused(
    town: OsmFile, tmp_path: Path, crs: str, said: str
) -> None:
    file = town.write(tmp_path / "a.osm.pbf")
    line = refused(file, "--pack", tmp_path / "pack", "--crs", crs)
    assert line.startswith("layers osm --crs: ")
    assert said in line
    assert not (tmp_path / "pack").exists()


# The pack


def test_the_pack_says_where_its_data_come_from(made: TownPack) -> None:
    for layer in made.pack.catalogue.layers.values():
        source = layer.source
        assert (source.date, source.basis, source.datum) == ("2013-08-03", "open", "WGS 84")
        assert source.licence.startswith("ODbL")
        assert layer.accuracy_m == 10
    record = json.loads((made.folder / RECORD_FILE).read_text(encoding="utf-8"))
    file = made.folder.parent / "town.osm.pbf"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert (record["source"]["name"], record["source"]["sha256"]) == (file.name, digest)
    assert made.lines[0] == "data of 2013-08-03T19:00:02Z (OpenStreetMap)"


def test_the_target_is_said_to_be_from_no_plan(made: TownPack) -> None:
    (check,) = made.plan.checks.values()
    assert check.id == "stops_500m_area"
    assert check.cite.in_("zh") == "示例目标，非规划条文"
    result = run_check(made.pack, check)
    assert result.measured is not None
    # A disc of 500 m around (500, 1000) lies wholly in the western quarter of 2 km².
    assert result.measured.values["value"].to_dict() == {
        "r2": pytest.approx(math.pi / 8, abs=1e-4),
        "r3": pytest.approx(0.0, abs=1e-4),
    }


def test_the_zones_have_every_statistic(made: TownPack) -> None:
    table = zone_statistics(made.pack, made.plan.zone_statistics, "admin_9").frame
    west, east = table.loc["r2"], table.loc["r3"]
    assert (west["stops"], east["stops"]) == (1, 0)
    assert west["water_m2"] == pytest.approx(100**2, abs=2)
    assert west["green_m2"] == pytest.approx(400**2 - 100**2, abs=3)
    assert east["built_up_m2"] == pytest.approx(200**2, abs=3)


def test_what_the_extract_lacks_is_left_out_and_named(made: TownPack) -> None:
    line = made.line("left out: ")
    assert line.startswith("left out: tram_stops, rail_stations, water_lines, farmland ")
    assert not (made.folder / "tram_stops.geojson").exists()


def test_without_stops_the_check_cannot_be_told(osm: OsmFile, tmp_path: Path) -> None:
    osm.boundary(0, 0, 1000, 1000, {"name": "镇", "admin_level": "8"})
    file = osm.write(tmp_path / "a.osm.pbf")
    lines = import_osm(file, tmp_path / "pack", crs=CRS).lines
    assert any(line.zh == "没有公交站点：stops_500m_area 无法判定" for line in lines)
    pack, plan = open_pack(tmp_path / "pack")
    assert run_check(pack, plan.checks["stops_500m_area"]).verdict == "undetermined"


def test_invalid_areas_are_mended_and_counted(town: OsmFile, tmp_path: Path) -> None:
    bow = [(600.0, 600.0), (800.0, 800.0), (800.0, 600.0), (600.0, 800.0), (600.0, 600.0)]
    town.way(bow, {"natural": "water", "name": "领结"})
    town.way([(0, 0), (9, 9), (0, 0)], {"natural": "water", "name": "线"})
    file = town.write(tmp_path / "a.osm.pbf")
    lines = [line.en for line in import_osm(file, tmp_path / "pack", crs=CRS).lines]
    water = load_pack(tmp_path / "pack").layers["water"].frame.set_index("name").geometry
    assert water["领结"].area == pytest.approx(2 * 100**2, abs=3)
    assert "线" not in water.index
    assert any(re.match(r"water: \d invalid shapes mended", line) for line in lines)
    assert "water: 1 features without length or area left out" in lines


def test_names_that_would_break_the_files_are_kept(osm: OsmFile, tmp_path: Path) -> None:
    name = '[b]"镇"\\ \x7f {0} </script>\n'
    osm.boundary(0, 0, 1000, 1000, {"name": name, "admin_level": "8"})
    pack = imported(osm, tmp_path)
    assert pack.catalogue.pack.title.in_("zh") == name
    assert list(pack.layers["admin_8"].frame["name"]) == [name]
    open_pack(tmp_path / "pack")


# The folder


def test_an_import_is_repeated_in_place(town: OsmFile, tmp_path: Path) -> None:
    imported(town, tmp_path)
    town.node(1500, 1000, {"highway": "bus_stop", "name": "新站"})
    assert sorted(imported(town, tmp_path).layers["bus_stops"].frame["name"]) == [
        "中心",
        "新站",
        "近",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.osm.pbf", "pack"]


@pytest.mark.parametrize("change", ["foreign", "edited", "added", "file"])
def test_nobodys_work_is_overwritten(town: OsmFile, tmp_path: Path, change: str) -> None:
    out, said = tmp_path / "pack", ""
    if change == "foreign":
        out.mkdir()
        (out / "notes.txt").write_text("keep", encoding="utf-8")
        said = "holds files that this command did not write"
    elif change == "file":
        out.write_text("keep", encoding="utf-8")
        said = "'pack' is a file"
    else:
        imported(town, tmp_path)
        name = "plan.toml" if change == "edited" else "mine.geojson"
        (out / name).write_text("keep", encoding="utf-8")
        what = "was changed" if change == "edited" else "was put there"
        said = f"holds '{name}', which {what} since the import"
    before = {path: path.read_bytes() for path in [out, *out.rglob("*")] if path.is_file()}
    line = refused(town.write(tmp_path / "a.osm.pbf"), "--pack", out, "--crs", CRS)
    assert said in line
    assert {path: path.read_bytes() for path in before} == before


def test_a_failing_import_leaves_the_old_pack(town: OsmFile, tmp_path: Path) -> None:
    imported(town, tmp_path)
    before = {path: path.read_bytes() for path in (tmp_path / "pack").iterdir()}
    (tmp_path / "b.osm.pbf").write_bytes((tmp_path / "a.osm.pbf").read_bytes()[:-50])
    line = refused(tmp_path / "b.osm.pbf", "--pack", tmp_path / "pack", "--crs", CRS)
    assert line == ("b.osm.pbf: the file ends in the middle of a block; copy or download it again")
    assert {path: path.read_bytes() for path in (tmp_path / "pack").iterdir()} == before


# Files that are none


HEADER = block(b"OSMHeader", field(4, b"OsmSchema-V0.6"))


@pytest.mark.parametrize(
    "content,said",
    [
        (b"", "not an OpenStreetMap extract in PBF format"),
        (b"<osm version='0.6'></osm>", "not an OpenStreetMap extract in PBF format"),
        (b"<OGRVRTDataSource/>", "not an OpenStreetMap extract in PBF format"),
        (block(b"OSMData", b""), "not an OpenStreetMap extract in PBF format"),
        (HEADER + b"\xff\xff\xff\xff", "a block is damaged"),
        (HEADER + block(b"OSMData", b"", packing=7), "its blocks are not packed with zlib"),
        (HEADER + block(b"OSMData", b"\x0a\xff"), "a block is damaged"),
        (HEADER + block(b"OSMData", bytes(33 * 1024 * 1024)), "a block is damaged"),
        (HEADER[:-3], "the file ends in the middle of a block"),
        (HEADER, "no stops, ways, land use, buildings or boundaries"),
    ],
)
def test_what_is_no_extract_is_refused_in_a_line(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "a.osm.pbf"
    file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        inspect(file, "城市.osm.pbf", LIMITS)
    (problem,) = caught.value.problems
    assert str(problem).startswith("城市.osm.pbf: ")
    assert said in str(problem)
    assert problem.zh


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    line = refused(tmp_path / "none.osm.pbf", "--pack", tmp_path / "pack")
    assert line.startswith("none.osm.pbf: no such file")


def test_limits_hold(osm: OsmFile, tmp_path: Path) -> None:
    for east in range(20):
        osm.node(east * 100, 0, {"highway": "bus_stop"})
    file = osm.write(tmp_path / "a.osm.pbf")
    inspect(file, "a", Limits(features=20))
    with pytest.raises(InputError, match="more than 19 features"):
        inspect(file, "a", Limits(features=19))
    zeros = tmp_path / "b.osm.pbf"
    zeros.write_bytes(file.read_bytes() + block(b"Other", bytes(2_000_000)))
    with pytest.raises(InputError, match="more than 1 MB when unpacked"):
        inspect(zeros, "b", Limits(unpacked_mb=1))


# As a file that a planner drags in


def test_a_part_of_an_extract_can_be_a_layer(town: OsmFile, tmp_path: Path) -> None:
    file = town.write(tmp_path / "a.osm.pbf")
    with Reader(LIMITS) as reader:
        found = reader.inspect(file, "a.osm.pbf")
        raw = reader.read(file, "a.osm.pbf", Choice(part="bus_stops"))
    assert found.format == "osm"
    parts = {part.name: part for part in found.parts}
    assert set(parts) == {"bus_stops", "walking_network", "land_cover", "water", "green"} | {
        "buildings",
        "admin_8",
        "admin_9",
    }
    stops = parts["bus_stops"]
    assert (stops.geometry, stops.count, stops.crs) == ("point", 3, "EPSG:4326")
    assert [field.name for field in stops.fields] == ["osm_id", "name", "name_en", "tag"]
    assert (raw.crs, raw.frame.crs) == ("EPSG:4326", None)
    row = raw.frame.loc[1]
    assert (row["name"], row["tag"]) == ("中心", "highway=bus_stop")
    assert row["geometry"].distance(Point(degrees((500, 1000)))) < 1e-6


def test_an_unknown_part_is_named_with_the_known_ones(town: OsmFile, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no part 'trams'.*'bus_stops'"):
        part(town.write(tmp_path / "a.osm.pbf"), "trams")


# A whole country


@pytest.fixture(scope="module")
def extract(testbed: Path) -> Path:
    return testbed / "liechtenstein" / "liechtenstein-2013-08-03.osm.pbf"


@pytest.fixture(scope="module")
def country(extract: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("osm") / "country"
    result = run(extract, "--pack", folder, "--crs", "EPSG:2056", "--lang", "en")
    assert result.exit_code == 0, result.output
    assert "data of 2013-08-03T19:00:02Z (OpenStreetMap)" in result.stdout
    assert result.stdout.splitlines()[-1] == str(folder)
    return folder


def as_gdal_reads_it(extract: Path, layer: str) -> gpd.GeoDataFrame:
    """A layer by GDAL's own configuration, past our tag table; other tags as text."""
    frame = gpd.read_file(extract, layer=layer, engine="pyogrio")
    return frame.assign(other_tags=frame["other_tags"].fillna(""))


def test_the_country_has_its_municipalities_area_and_stops(country: Path, testbed: Path) -> None:
    pack = load_pack(country)
    units = pack.layers["admin_8"].frame
    assert set(units["name"]) == MUNICIPALITIES
    assert pack.area.area / 1e6 == pytest.approx(160.5, abs=0.1)
    assert units.area.sum() / 1e6 == pytest.approx(160.5, abs=0.1)
    theirs = gpd.read_file(testbed / "liechtenstein" / "municipalities_wgs84.geojson")
    theirs = theirs.to_crs("EPSG:2056").set_index("name").geometry
    apart = units.set_index("name").geometry.symmetric_difference(theirs, align=True).area
    assert apart.max() < 1_000  # both are drawn from one extract, a few centimetres apart
    stops = pack.layers["bus_stops"].frame.geometry
    assert len(stops) == pytest.approx(308, abs=3)
    theirs = gpd.read_file(testbed / "liechtenstein" / "bus_stops_wgs84.geojson")
    tree = shapely.STRtree(stops.to_numpy())
    _, distances = tree.query_nearest(theirs.to_crs("EPSG:2056").geometry, return_distance=True)
    assert distances.max() < 0.1


def test_the_walking_network_is_as_long_as_counted_otherwise(country: Path, extract: Path) -> None:
    network = gpd.read_file(country / "walking_network.geojson").to_crs("EPSG:2056")
    assert network.length.sum() / 1e3 == pytest.approx(942.8, rel=0.01)
    ways = as_gdal_reads_it(extract, "lines")
    closed = r'"foot"=>"no"|"access"=>"(?:private|no)"|"motorroad"=>"yes"'
    shut = r"motorway|motorway_link|construction|proposed|cycleway|platform|raceway"
    ways = ways[
        ways["highway"].notna()
        & ~ways["highway"].fillna("").str.fullmatch(shut)
        & ~ways["other_tags"].str.contains(closed)
    ]
    assert network.length.sum() == pytest.approx(ways.to_crs("EPSG:2056").length.sum(), rel=1e-3)


def test_the_buildings_are_all_there(country: Path, extract: Path) -> None:
    areas = as_gdal_reads_it(extract, "multipolygons")
    assert len(gpd.read_file(country / "buildings.geojson")) == areas["building"].notna().sum()


def test_the_land_cover_has_no_place_twice(country: Path) -> None:
    land = load_pack(country).layers["land_cover"].frame
    assert land.area.sum() == pytest.approx(land.union_all().area, rel=1e-7)
    assert land.union_all().difference(load_pack(country).area.buffer(1)).area == 0


def test_the_country_is_checked_and_its_zones_described(country: Path, tmp_path: Path) -> None:
    checked = CliRunner().invoke(app, ["check", "--pack", str(country), "--format", "json"])
    assert checked.exit_code == 0, checked.output
    (result,) = json.loads(checked.stdout)["results"]
    assert {unit["name"] for unit in result["units"]} == MUNICIPALITIES
    assert result["denominator"] / 1e6 == pytest.approx(160.5, abs=0.1)
    assert (result["conclusive"], result["basis"]) == (True, "open")
    table = tmp_path / "zones.csv"
    arguments = ["zones", "--pack", str(country), "--zones", "admin_8", "--out", str(table)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    zones = pd.read_csv(table, encoding="utf-8-sig")
    assert zones["面积（公顷）"].sum() == pytest.approx(16_050, abs=10)
    assert len(zones) == 11


def test_the_stops_of_one_municipality_reach_over_its_border(extract: Path, tmp_path: Path) -> None:
    import_osm(extract, tmp_path / "vaduz", crs="EPSG:2056", area="Vaduz")
    pack, plan = open_pack(tmp_path / "vaduz")
    assert pack.area.area / 1e6 == pytest.approx(17.285, abs=0.01)  # as the test bed has it
    table = zone_statistics(pack, plan.zone_statistics, "admin_8")
    assert table.total["stops"] < len(pack.layers["bus_stops"].frame)


def test_a_city_without_boundaries_is_cut_out_by_degrees(testbed: Path, tmp_path: Path) -> None:
    file = testbed / "sao_paulo" / "spo_osm.pbf"
    corners = ["--area", "-46.66,-23.57,-46.60,-23.52"]
    result = run(file, "--pack", tmp_path / "city", "--crs", "EPSG:31983", *corners)
    assert result.exit_code == 0, result.output
    pack = load_pack(tmp_path / "city")
    area, _ = Geod(ellps="WGS84").geometry_area_perimeter(
        shapely.box(-46.66, -23.57, -46.60, -23.52)
    )
    assert pack.area.area == pytest.approx(abs(area), rel=1e-3)
    stops = pack.layers["bus_stops"].frame
    assert {tag.split("=")[1] for tag in stops["tag"]} == {"bus_stop", "platform", "stop_position"}
    assert "没有哪一级边界铺满该范围" in result.stdout
