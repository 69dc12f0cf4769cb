"""Reading a pack's files: what comes back, and one clear line for each thing that is wrong."""

import hashlib
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import box

from layers import InputError, load_pack
from layers.datum import wgs84_to_bd09, wgs84_to_gcj02
from layers.geojson import parse_geojson

Edit = Callable[[str, str, str], None]
Lines = Callable[[], list[str]]
Shift = Callable[[Any, Any], tuple[Any, Any]]

POINT = '{"type": "Point", "coordinates": [117.358, 39.11]}'
FAR = '{"type": "Point", "coordinates": [9.5, 47.1]}'
ONE_STOP = '{"type": "FeatureCollection", "features": [%s]}'
STOP = '{"type": "Feature", "properties": {"id": "S1", "shelters": 1%s}, "geometry": %s}'


def stop(geometry: str = POINT, more: str = "") -> str:
    return ONE_STOP % (STOP % (more, geometry))


def test_features_come_back_in_metres_by_id(tiny_pack: Path) -> None:
    pack = load_pack(tiny_pack)
    units = pack.layers["units"].frame
    assert units.crs.to_epsg() == 4548
    assert units.index.tolist() == ["U1", "U2"]
    assert units.area.tolist() == pytest.approx([2e6, 2e6], abs=0.01)
    square = box(530_000, 4_330_000, 532_000, 4_332_000)
    assert pack.area.symmetric_difference(square).area == pytest.approx(0, abs=0.01)


def test_a_layer_without_a_file_is_left_out_but_known(tiny_pack: Path) -> None:
    pack = load_pack(tiny_pack)
    assert "metro" not in pack.layers
    assert "metro" in pack.catalogue.layers


def test_the_order_of_the_file_is_irrelevant(tiny_pack: Path) -> None:
    before = load_pack(tiny_pack).layers["bus_stops"].frame
    path = tiny_pack / "bus_stops.geojson"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["features"].reverse()
    path.write_text(json.dumps(data), encoding="utf-8")
    assert load_pack(tiny_pack).layers["bus_stops"].frame.equals(before)


def test_a_features_own_basis_and_accuracy_stand_before_the_layers(
    tiny_pack: Path, edit: Edit
) -> None:
    edit("bus_stops.geojson", '"id": "S2"', '"id": "S2", "basis": "sketch", "accuracy_m": 90')
    layer = load_pack(tiny_pack).layers["bus_stops"]
    assert layer.frame["basis"].to_dict() == {"S1": "official", "S2": "sketch"}
    assert layer.frame["accuracy_m"].to_dict() == {"S1": 5, "S2": 90}
    assert layer.basis == "sketch"


def test_the_features_own_id_member_serves_where_the_property_is_absent(
    tiny_pack: Path, edit: Edit
) -> None:
    edit("bus_stops.geojson", '"properties": {"id": "S1", ', '"id": 7, "properties": {')
    assert load_pack(tiny_pack).layers["bus_stops"].frame.index.tolist() == ["7", "S2"]


def test_a_file_may_name_its_own_crs(tiny_pack: Path) -> None:
    metres = '{"type": "Point", "coordinates": [530500, 4331000]}'
    content = stop(metres).replace(
        '"features"', '"crs": {"type": "name", "properties": {"name": "EPSG:4548"}}, "features"'
    )
    (tiny_pack / "bus_stops.geojson").write_text(content, encoding="utf-8")
    found = load_pack(tiny_pack).layers["bus_stops"].frame.geometry["S1"]
    assert (found.x, found.y) == pytest.approx((530_500, 4_331_000), abs=1e-6)


def test_cgcs2000_is_taken_as_wgs84(tiny_pack: Path) -> None:
    plain = load_pack(tiny_pack).layers["bus_stops"].frame
    path = tiny_pack / "bus_stops.geojson"
    crs = '"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}, '
    text = path.read_text(encoding="utf-8").replace('"features"', crs + '"features"')
    path.write_text(text, encoding="utf-8")
    found = load_pack(tiny_pack).layers["bus_stops"].frame
    assert found.distance(plain).max() < 0.001


def test_a_byte_order_mark_and_heights_are_no_obstacle(tiny_pack: Path) -> None:
    content = stop('{"type": "Point", "coordinates": [117.358, 39.11, 4.2]}')
    (tiny_pack / "bus_stops.geojson").write_text(content, encoding="utf-8-sig")
    assert not load_pack(tiny_pack).layers["bus_stops"].frame.has_z.any()


def as_other_format(tiny_pack: Path, edit: Edit, ending: str) -> None:
    """Put the stops into a file of another format, in the zone's metres."""
    stops = gpd.read_file(tiny_pack / "bus_stops.geojson", engine="pyogrio").to_crs("EPSG:4548")
    stops["shelters"] = stops["shelters"].astype("int32")
    path = tiny_pack / f"bus_stops.{ending}"
    if ending == "zip":
        stops.to_file(tiny_pack / "stops.shp", engine="pyogrio", encoding="GBK")
        with zipfile.ZipFile(path, "w") as archive:
            for part in tiny_pack.glob("stops.*"):
                archive.write(part, part.name)
    else:
        stops.to_file(path, engine="pyogrio")
    edit("layers.toml", 'file = "bus_stops.geojson"', f'file = "{path.name}"')


@pytest.mark.parametrize("ending", ["gpkg", "zip"])
def test_a_layer_may_come_in_any_vector_format_that_names_its_crs(
    tiny_pack: Path, edit: Edit, ending: str
) -> None:
    before = load_pack(tiny_pack).layers["bus_stops"].frame
    as_other_format(tiny_pack, edit, ending)
    layer = load_pack(tiny_pack).layers["bus_stops"]
    assert layer.frame.index.tolist() == ["S1", "S2"]
    assert layer.frame["shelters"].tolist() == [1, 2]
    assert layer.frame.distance(before).max() < 1e-6
    content = (tiny_pack / f"bus_stops.{ending}").read_bytes()
    assert layer.sha256 == hashlib.sha256(content).hexdigest()


def test_a_file_of_another_format_must_name_its_crs(
    tiny_pack: Path, edit: Edit, problem_lines: Lines
) -> None:
    (tiny_pack / "stops.csv").write_text("id,shelters,lon,lat\nS1,1,117.358,39.11\n", "utf-8")
    edit("layers.toml", 'file = "bus_stops.geojson"', 'file = "stops.csv"')
    assert problem_lines() == ["stops.csv: no CRS is declared; declare one, as in EPSG:4490"]


def test_of_a_file_of_several_layers_the_entry_names_one(
    tiny_pack: Path, edit: Edit, problem_lines: Lines
) -> None:
    as_other_format(tiny_pack, edit, "gpkg")
    land = gpd.read_file(tiny_pack / "land.geojson", engine="pyogrio")
    land.to_file(tiny_pack / "bus_stops.gpkg", layer="land", engine="pyogrio")
    where = "layers.toml [bus_stops].part"
    assert problem_lines() == [
        f"{where}: missing key 'part'; the file has the parts 'bus_stops', 'land'"
    ]
    edit("layers.toml", 'file = "bus_stops.gpkg"', 'file = "bus_stops.gpkg"\npart = "bus_stop"')
    (line,) = problem_lines()
    assert line.startswith(f"{where}: unknown part 'bus_stop' (did you mean 'bus_stops'?); known")
    edit("layers.toml", 'part = "bus_stop"', 'part = "bus_stops"')
    assert load_pack(tiny_pack).layers["bus_stops"].frame.index.tolist() == ["S1", "S2"]


def test_a_geojson_file_has_no_parts(edit: Edit, problem_lines: Lines) -> None:
    edit("layers.toml", 'file = "bus_stops.geojson"', 'file = "bus_stops.geojson"\npart = "a"')
    (line,) = problem_lines()
    assert line.startswith("layers.toml [bus_stops].part: a GeoJSON file has one part")


def test_a_broken_file_of_another_format_gives_one_clear_line(
    tiny_pack: Path, edit: Edit, problem_lines: Lines
) -> None:
    as_other_format(tiny_pack, edit, "gpkg")
    path = tiny_pack / "bus_stops.gpkg"
    path.write_bytes(path.read_bytes()[:5000])
    assert problem_lines() == [
        "bus_stops.gpkg: the file is damaged or not complete; save or export it once more"
    ]


@pytest.mark.parametrize(
    "datum,shift,metres",
    [("GCJ-02", wgs84_to_gcj02, 500), ("BD-09", wgs84_to_bd09, 1_000)],
)
def test_a_layer_on_a_shifted_datum_is_measured_at_its_true_place(
    tiny_pack: Path, edit: Edit, datum: str, shift: Shift, metres: float
) -> None:
    true = load_pack(tiny_pack).layers["bus_stops"].frame
    path = tiny_pack / "bus_stops.geojson"
    data = json.loads(path.read_text(encoding="utf-8"))
    for feature in data["features"]:
        lon, lat = shift(*feature["geometry"]["coordinates"])
        feature["geometry"]["coordinates"] = [float(lon), float(lat)]
    path.write_text(json.dumps(data), encoding="utf-8")
    edit("layers.toml", "accuracy_m = 5\n[bus_stops", "accuracy_m = 5\nmargin_m = 5000\n[bus_stops")
    displaced = load_pack(tiny_pack).layers["bus_stops"].frame
    assert displaced.distance(true).min() > metres
    edit("layers.toml", 'name = { zh = "公交公司"', f'datum = "{datum}"\nname = {{ zh = "公交公司"')
    found = load_pack(tiny_pack).layers["bus_stops"].frame
    assert found.crs.to_epsg() == 4548
    assert found.distance(true).max() < 0.001


def test_a_shifted_datum_on_a_crs_of_another_is_refused(
    tiny_pack: Path, edit: Edit, problem_lines: Lines
) -> None:
    as_other_format(tiny_pack, edit, "gpkg")
    stops = gpd.read_file(tiny_pack / "bus_stops.gpkg", engine="pyogrio").to_crs("EPSG:4214")
    (tiny_pack / "bus_stops.gpkg").unlink()
    stops.to_file(tiny_pack / "bus_stops.gpkg", engine="pyogrio")
    edit("layers.toml", 'name = { zh = "公交公司"', 'datum = "GCJ-02"\nname = { zh = "公交公司"')
    (line,) = problem_lines()
    assert line.startswith("bus_stops.gpkg: ")
    assert "has a datum of its own" in line


def test_the_recorded_hash_is_checked(tiny_pack: Path, edit: Edit) -> None:
    digest = hashlib.sha256((tiny_pack / "area.geojson").read_bytes()).hexdigest()
    edit("layers.toml", 'file = "area.geojson"', f'file = "area.geojson"\nsha256 = "{digest}"')
    assert load_pack(tiny_pack).layers["area"].sha256 == digest


def test_equal_packs_have_equal_hashes_and_other_data_another(tiny_pack: Path, edit: Edit) -> None:
    first = load_pack(tiny_pack).sha256
    assert load_pack(tiny_pack).sha256 == first
    edit("bus_stops.geojson", '"shelters": 2', '"shelters": 3')
    assert load_pack(tiny_pack).sha256 != first


def test_ids_made_from_the_contents_do_not_depend_on_the_order() -> None:
    features = [STOP.replace('"id": "S1", ', "") % (f', "n": {n}', POINT) for n in (1, 2, 2)]
    ids = []
    for order in (features, features[::-1]):
        content = (ONE_STOP % ", ".join(order)).encode()
        frame, problems = parse_geojson(content, key="", where="x")
        assert frame is not None
        assert not problems
        ids.append(sorted(frame.index))
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 3


SPOILT = [
    # what the file then is, what the line says
    pytest.param("{", r"bus_stops.geojson: not valid JSON: .*line 1", id="broken JSON"),
    pytest.param("", r"bus_stops.geojson: not valid JSON", id="empty file"),
    pytest.param("[" * 100_000, r"bus_stops.geojson: not valid JSON", id="nested without end"),
    pytest.param("[]", r"'list' is not a GeoJSON FeatureCollection", id="a list"),
    pytest.param(
        STOP % ("", POINT), r"'Feature' is not a GeoJSON FeatureCollection", id="one feature"
    ),
    pytest.param(
        '{"type": "FeatureCollection"}', r"FeatureCollection with a list of features", id="no list"
    ),
    pytest.param(ONE_STOP % "", r"bus_stops.geojson: the layer has no features", id="empty layer"),
    pytest.param(
        ONE_STOP % f"{STOP % ('', POINT)}, 5",
        r"feature no. 2: not a GeoJSON Feature with properties",
        id="a number",
    ),
    pytest.param(
        ONE_STOP % f"{STOP % ('', POINT)}, {STOP % ('', POINT)}",
        r"feature S1: the id stands 2 times; ids must be unique",
        id="duplicate id",
    ),
    *[
        pytest.param(
            ONE_STOP % f"{STOP % ('', POINT)}, {(STOP % ('', POINT)).replace(*spoil)}",
            r"feature no. 2: no 'id'; every feature needs an id of its own",
            id=f"{name} id",
        )
        for name, spoil in {
            "missing": ('"id": "S1", ', ""),
            "null": ('"S1"', "null"),
            "blank": ('"S1"', '"  "'),
            "listed": ('"S1"', "[1]"),
        }.items()
    ],
    pytest.param(
        stop().replace('"id": "S1", ', ""),
        r"feature no. 1: no 'id'",  # and not that the layer has no features, for it has one
        id="missing id of the only feature",
    ),
    pytest.param(
        stop("null"), r"feature S1: the geometry is null; draw it or leave", id="null geometry"
    ),
    pytest.param(
        stop('{"type": "Point", "coordinates": []}'),
        r"feature S1: the geometry is empty",
        id="empty geometry",
    ),
    pytest.param(
        stop('{"type": "Point"}'), r"feature S1: the geometry cannot be read", id="no coordinates"
    ),
    pytest.param(
        stop('{"type": "Dot", "coordinates": [1, 2]}'),
        r"feature S1: the geometry cannot be read .*[Dd]ot",
        id="unknown geometry type",
    ),
    pytest.param(
        stop('{"type": "Point", "coordinates": ["117", "39"]}'),
        r"feature S1: ",
        id="coordinates as text",
    ),
    pytest.param(
        stop('{"type": "Point", "coordinates": [117.35]}'), r"feature S1: ", id="one coordinate"
    ),
    pytest.param(stop('"here"'), r"feature S1: the geometry cannot be read", id="geometry as text"),
    pytest.param(stop('{"type": "Point", "coordinates": [NaN, 39.1]}'), r"feature S1: ", id="NaN"),
    pytest.param(
        stop('{"type": "Point", "coordinates": [Infinity, 39.1]}'),
        r"feature S1: a coordinate is not a finite number",
        id="infinity",
    ),
    pytest.param(
        stop('{"type": "LineString", "coordinates": [[117.35, 39.1], [117.351, 39.1]]}'),
        r"feature S1: the geometry is a LineString, the entry says point",
        id="wrong geometry type",
    ),
    pytest.param(
        stop('{"type": "Point", "coordinates": [39.1, 117.35]}'),
        r"feature S1: \(39.1, 117.35\) is not a longitude and latitude; the axes may be swapped",
        id="swapped axes",
    ),
    pytest.param(
        stop('{"type": "Point", "coordinates": [530500, 4331000]}'),
        r"feature S1: .*metres and the file names no CRS",
        id="metres without a CRS",
    ),
    pytest.param(
        stop(FAR), r"feature S1: lies up to .* m outside the area, 1 m are allowed", id="far away"
    ),
    pytest.param(
        stop('{"type": "Point", "coordinates": [-63.0, -39.0]}'),
        r"feature S1: lies .* outside the area",
        id="the other side of the earth",
    ),
    pytest.param(
        stop('{"type": "Point", "coordinates": [27.0, 0.0]}'),
        r"feature S1: lies .* outside the area",
        id="where the projection ends",
    ),
    pytest.param(
        stop(more=', "basis": "rumour"'),
        r"feature S1: unknown basis 'rumour'; known basiss? are 'official', 'open'",
        id="unknown basis",
    ),
    pytest.param(
        stop().replace('"shelters": 1', '"shelters": "one"'),
        r"feature S1: shelters is 'one', not a number",
        id="wrong value type",
    ),
    pytest.param(
        stop().replace('"shelters": 1', '"shelters": true'),
        r"feature S1: shelters is True, not a number",
        id="truth for a number",
    ),
    pytest.param(
        stop(more=', "accuracy_m": "good"'),
        r"feature S1: accuracy_m is 'good', not a number",
        id="wrong accuracy",
    ),
    pytest.param(
        stop().replace('"shelters"', '"shelter"'),
        r"unknown column 'shelters' \(did you mean 'shelter'\?\); known columns are 'id',",
        id="missing column",
    ),
    pytest.param(
        stop().replace('"features"', '"crs": {"properties": {"name": "EPSG:0"}}, "features"'),
        r"unknown CRS 'EPSG:0' in the file; name one as in 'EPSG:4490' or leave it out",
        id="unknown CRS",
    ),
]


@pytest.mark.parametrize("content,line", SPOILT)
def test_a_spoilt_file_gives_one_clear_line(
    tiny_pack: Path, problem_lines: Lines, content: str, line: str
) -> None:
    (tiny_pack / "bus_stops.geojson").write_text(content, encoding="utf-8")
    lines = problem_lines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("bus_stops.geojson")
    assert re.search(line, lines[0]), lines[0]


def test_a_file_that_is_not_utf8_says_so(tiny_pack: Path, problem_lines: Lines) -> None:
    (tiny_pack / "bus_stops.geojson").write_bytes('{"name": "站点"}'.encode("gbk"))
    assert problem_lines() == ["bus_stops.geojson: byte 12 is not UTF-8; save as UTF-8"]


def test_a_missing_file_says_which_entry_names_it(tiny_pack: Path, problem_lines: Lines) -> None:
    (tiny_pack / "bus_stops.geojson").unlink()
    (line,) = problem_lines()
    assert line.startswith("bus_stops.geojson: cannot be read: No such file")
    assert line.endswith("layers.toml [bus_stops].file names it")


def test_another_hash_says_both(edit: Edit, problem_lines: Lines) -> None:
    wrong = "0" * 64
    edit("layers.toml", 'file = "area.geojson"', f'file = "area.geojson"\nsha256 = "{wrong}"')
    (line,) = problem_lines()
    assert re.fullmatch(
        rf"area.geojson: the file's SHA-256 is [0-9a-f]{{64}}, layers.toml records {wrong}", line
    )


def test_an_invalid_ring_says_where_it_crosses_itself(
    tiny_pack: Path, problem_lines: Lines
) -> None:
    bowtie = "[[[117.35, 39.1], [117.36, 39.11], [117.36, 39.1], [117.35, 39.11], [117.35, 39.1]]]"
    shape = f'{{"type": "Polygon", "coordinates": {bowtie}}}'
    content = stop(shape).replace('"shelters": 1', '"class_code": "03"')
    (tiny_pack / "land.geojson").write_text(content, encoding="utf-8")
    (line,) = problem_lines()
    assert line.startswith("land.geojson feature S1: invalid geometry: Self-intersection[")
    assert "repair it" in line


def test_a_ring_of_two_points_is_refused(tiny_pack: Path, problem_lines: Lines) -> None:
    shape = '{"type": "Polygon", "coordinates": [[[117.35, 39.1], [117.36, 39.1]]]}'
    content = stop(shape).replace('"shelters": 1', '"class_code": "03"')
    (tiny_pack / "land.geojson").write_text(content, encoding="utf-8")
    (line,) = problem_lines()
    assert line.startswith("land.geojson feature S1: the geometry cannot be read")


def test_a_layer_may_have_a_margin_of_its_own(tiny_pack: Path, edit: Edit) -> None:
    outside = '{"type": "Point", "coordinates": [117.346, 39.11]}'  # about 80 m west
    (tiny_pack / "bus_stops.geojson").write_text(stop(outside), encoding="utf-8")
    with pytest.raises(InputError, match="outside the area, 1 m are allowed"):
        load_pack(tiny_pack)
    edit("layers.toml", "accuracy_m = 5\n[bus_stops", "accuracy_m = 5\nmargin_m = 500\n[bus_stops")
    assert len(load_pack(tiny_pack).layers["bus_stops"].frame) == 1


def test_the_problems_of_all_files_come_at_once(
    tiny_pack: Path, edit: Edit, problem_lines: Lines
) -> None:
    edit("bus_stops.geojson", '"id": "S2"', '"id": "S1"')
    edit("bus_stops.geojson", '"shelters": 2', '"shelters": "two"')
    edit("units.geojson", '"id": "U2", ', "")
    (tiny_pack / "land.geojson").unlink()
    starts = [line.split(":")[0] for line in problem_lines()]
    assert sorted(starts) == [
        "bus_stops.geojson feature S1",
        "bus_stops.geojson feature S1",
        "land.geojson",
        "units.geojson feature no. 2",
    ]


@pytest.mark.parametrize("count,more", [(20, 0), (21, 1), (57, 37)])
def test_at_most_20_problems_are_listed_and_the_rest_counted(
    tiny_pack: Path, problem_lines: Lines, count: int, more: int
) -> None:
    features = [(STOP % ("", POINT)).replace("S1", f"S{n}") for n in range(count)]
    content = (ONE_STOP % ",".join(features)).replace('"shelters": 1', '"shelters": "one"')
    (tiny_pack / "bus_stops.geojson").write_text(content, encoding="utf-8")
    lines = problem_lines()
    assert all("shelters is 'one', not a number" in line for line in lines[:20])
    assert lines[20:] == ([f"… and {more} more problems"] if more else [])


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_bytes_whatever_raise(content: bytes) -> None:
    frame, problems = parse_geojson(content, key="id", where="x")
    assert frame is not None or problems


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-200, 200) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "coordinates", "geometries", "id", "x"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@given(json_values, json_values)
def test_no_feature_whatever_raises(geometry: object, properties: object) -> None:
    feature = {"type": "Feature", "properties": properties, "geometry": geometry}
    content = json.dumps({"type": "FeatureCollection", "features": [feature]}).encode()
    frame, problems = parse_geojson(content, key="id", where="x")
    assert frame is not None
    assert problems or not frame.empty
