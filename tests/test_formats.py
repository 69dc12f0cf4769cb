"""Each format is told by its content and read as what it is, and what is hostile does no harm."""

import gzip
import io
import json
import re
import sqlite3
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS
from shapely import LineString, MultiPolygon, Point, box

from layers import InputError
from layers.formats import Choice, Found, Raw, worker
from layers.formats.identify import identify
from layers.formats.reference import crs_name
from layers.limits import Limits
from layers.reader import Reader
from tests.shapefiles import PLACES, dbf, shapefile_zip, shp, zipped

LAND = gpd.GeoDataFrame(
    {
        "名称": ["新立", None, "军粮城"],
        "number": np.array([1, 2, 3], dtype="int32"),
        "share": [0.5, np.nan, 1.5],
        "day": [pd.Timestamp(2023, 5, 1), pd.NaT, pd.Timestamp(2023, 5, 1, 8, 30)],
    },
    geometry=[box(0, 0, 1, 1), MultiPolygon([box(2, 2, 3, 3), box(4, 4, 5, 5)]), None],
    crs="EPSG:4548",
)
STOPS = gpd.GeoDataFrame({"name": ["甲", "乙"]}, geometry=[Point(1, 2), Point(3, 4)], crs=4490)

Bring = Callable[..., Path]
Look = Callable[..., Found]
Refuse = Callable[..., str]


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as reader:
        yield reader


@pytest.fixture
def bring(tmp_path: Path) -> Bring:
    """Put a file down without its ending, as the app does."""

    def put(content: bytes) -> Path:
        path = tmp_path / "upload"
        path.write_bytes(content)
        return path

    return put


@pytest.fixture
def look(reader: Reader, bring: Bring) -> Look:
    def inspect(content: bytes, name: str = "数据.dat") -> Found:
        return reader.inspect(bring(content), name)

    return inspect


@pytest.fixture
def refused(look: Look, tmp_path: Path) -> Refuse:
    """The one line by which a file is refused, in English, without a path of this machine."""

    def refuse(content: bytes, name: str = "数据.dat") -> str:
        with pytest.raises(InputError) as error:
            look(content, name)
        (problem,) = error.value.problems
        assert problem.zh
        assert str(tmp_path) not in str(problem)
        assert "planmap-reader" not in str(problem)
        return str(problem)

    return refuse


def written(tmp_path: Path, frame: gpd.GeoDataFrame, name: str, **options: Any) -> bytes:  # noqa: ANN401
    """The bytes of a frame that GDAL has written; the reader under test must agree with it."""
    path = tmp_path / name
    frame.to_file(path, engine="pyogrio", **options)
    return path.read_bytes()


def zipped_folder(folder: Path) -> bytes:
    return zipped({f"{folder.name}/{path.name}": path.read_bytes() for path in folder.iterdir()})


# Each format, told and read


def check_land(found: Found, raw: Raw) -> None:
    """What every format must make of LAND: nothing lost, dates as ISO text, no geometry as None."""
    (part,) = found.parts
    assert part.count == 3
    assert part.geometry == "polygon"
    assert part.crs == raw.crs == "EPSG:4548"
    assert part.bounds is not None
    assert list(part.bounds) == [0, 0, 5, 5]
    fields = {field.name: field for field in part.fields}
    assert (fields["名称"].kind, fields["名称"].samples, fields["名称"].missing) == (
        "text",
        ("新立", "军粮城"),
        1,
    )
    assert (fields["number"].kind, fields["number"].samples) == ("number", ("1", "2", "3"))
    assert (fields["share"].kind, fields["share"].missing) == ("number", 1)
    assert fields["day"].kind == "date"
    frame = raw.frame
    assert frame.crs is None
    assert frame.index.tolist() == [1, 2, 3]
    assert frame.index.name == "row"
    assert frame["number"].tolist() == [1, 2, 3]
    assert frame["day"].dropna().tolist() == ["2023-05-01", "2023-05-01T08:30:00"]
    assert frame.geometry[1].equals(box(0, 0, 1, 1))
    assert frame.geometry[2].area == 2
    assert frame.geometry[3] is None


@pytest.mark.parametrize(
    "ending,driver,kind",
    [("gpkg", "GPKG", "geopackage"), ("fgb", "FlatGeobuf", "flatgeobuf")],
)
def test_a_single_file_of_gdal_is_read(
    tmp_path: Path, reader: Reader, bring: Bring, *, ending: str, driver: str, kind: str
) -> None:
    options = {"SPATIAL_INDEX": "NO"}  # else a FlatGeobuf reorders its features
    path = bring(written(tmp_path, LAND, f"land.{ending}", driver=driver, **options))
    found = reader.inspect(path, "用地.xyz")
    assert found.format == kind
    assert found.parts[0].name == {"gpkg": "land", "fgb": "用地"}[ending]
    assert found.parts[0].geometries in ({"Polygon": 1, "MultiPolygon": 1}, {"MultiPolygon": 2})
    check_land(found, reader.read(path, "用地.xyz", Choice()))


def test_a_geoparquet_is_read(tmp_path: Path, reader: Reader, bring: Bring) -> None:
    LAND.to_parquet(tmp_path / "land.parquet")
    path = bring((tmp_path / "land.parquet").read_bytes())
    found = reader.inspect(path, "用地.parquet")
    assert found.format == "geoparquet"
    assert found.parts[0].geometries == {"Polygon": 1, "MultiPolygon": 1}
    check_land(found, reader.read(path, "用地.parquet", Choice()))


def test_a_file_geodatabase_is_read(tmp_path: Path, reader: Reader, bring: Bring) -> None:
    folder = tmp_path / "规划.gdb"
    LAND.to_file(
        folder, driver="OpenFileGDB", layer="land", engine="pyogrio", promote_to_multi=True
    )
    STOPS.to_file(folder, driver="OpenFileGDB", layer="站点", engine="pyogrio")
    path = bring(zipped_folder(folder))
    found = reader.inspect(path, "规划.zip")
    assert found.format == "filegdb"
    assert {part.name: part.crs for part in found.parts} == {
        "land": "EPSG:4548",
        "站点": "EPSG:4490",
    }
    stops = reader.read(path, "规划.zip", Choice(part="站点")).frame
    assert stops["name"].tolist() == ["甲", "乙"]
    assert stops.geometry.x.tolist() == pytest.approx([1, 3], abs=1e-8)
    land = reader.read(path, "规划.zip", Choice(part="land")).frame
    assert land["名称"].dropna().tolist() == ["新立", "军粮城"]
    assert land.geometry.area.dropna().tolist() == pytest.approx([1, 2], abs=1e-6)


def test_a_geopackage_of_several_layers_has_parts(
    tmp_path: Path, reader: Reader, bring: Bring
) -> None:
    written(tmp_path, LAND, "a.gpkg", layer="用地")
    STOPS.to_file(tmp_path / "a.gpkg", layer="站点", engine="pyogrio")
    pyogrio.write_dataframe(pd.DataFrame({"x": [1]}), tmp_path / "a.gpkg", layer="table")
    path = bring((tmp_path / "a.gpkg").read_bytes())
    found = reader.inspect(path, "a.gpkg")
    assert [(part.name, part.geometry) for part in found.parts] == [
        ("用地", "polygon"),
        ("站点", "point"),
    ]
    assert reader.read(path, "a.gpkg", Choice(part="站点")).crs == "EPSG:4490"


KML = """<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document>
<Folder><name>站点</name>
<Placemark><name>甲 &amp; 乙</name><ExtendedData><Data name="代码"><value>0301</value></Data>
</ExtendedData><Point><coordinates>117.35,39.1,5</coordinates></Point></Placemark>
</Folder>
<Folder><name>用地</name><Placemark><name>地块</name><MultiGeometry>
<Polygon><outerBoundaryIs><LinearRing><coordinates>0,0 1,0 1,1 0,0</coordinates></LinearRing>
</outerBoundaryIs></Polygon>
<Polygon><outerBoundaryIs><LinearRing><coordinates>2,2 3,2 3,3 2,2</coordinates></LinearRing>
</outerBoundaryIs></Polygon></MultiGeometry></Placemark></Folder>
<Folder><name>空</name></Folder>
</Document></kml>"""


@pytest.mark.parametrize("packed", [False, True], ids=["KML", "KMZ"])
def test_a_kml_is_read_by_folder(packed: bool, reader: Reader, bring: Bring) -> None:
    content = KML.encode()
    other = KML.replace("甲", "丙").encode()
    if packed:  # doc.kml is the main file, whatever stands before it
        content = zipped({"files/a.kml": other, "a.kml": other, "doc.kml": content})
    path = bring(content)
    found = reader.inspect(path, "地标.kmz")
    assert found.format == "kml"
    assert [(p.name, dict(p.geometries), p.crs) for p in found.parts] == [
        ("站点", {"Point Z": 1}, "EPSG:4326"),
        ("用地", {"MultiPolygon": 1}, "EPSG:4326"),
    ]
    assert {f.name for f in found.parts[0].fields} == {"name", "代码"}
    raw = reader.read(path, "地标.kmz", Choice(part="站点"))
    assert raw.frame["name"].tolist() == ["甲 & 乙"]
    assert raw.frame["代码"].tolist() == ["0301"]
    assert raw.frame.geometry[1].coords[0] == (117.35, 39.1, 5)


@pytest.mark.parametrize("encoding", ["gb2312", "GBK", "utf-16"])
def test_a_kml_in_another_encoding_is_read(encoding: str, look: Look) -> None:
    content = KML.replace("UTF-8", encoding).encode(encoding)
    assert look(content).parts[0].name == "站点"


def dxf(version: str, page: str, text: str, encoding: str) -> bytes:
    head = f"0|SECTION|2|HEADER|9|$ACADVER|1|{version}|9|$DWGCODEPAGE|3|{page}|0|ENDSEC"
    line = "0|LWPOLYLINE|8|居住用地|90|3|70|1|10|0|20|0|10|9|20|0|10|9|20|9"
    label = f"0|TEXT|8|注记|10|5|20|6|40|1|1|{text}"
    lines = rf"0|MTEXT|8|注记|10|5|20|6|40|1|1|{{\fSimSun;{text}}}\P规划"
    whole = f"{head}|0|SECTION|2|ENTITIES|{line}|{label}|{lines}|0|ENDSEC|0|EOF|"
    return whole.replace("|", "\r\n").encode(encoding)


@pytest.mark.parametrize(
    "version,page,encoding",
    [
        ("AC1015", "ANSI_936", "gbk"),
        ("AC1027", "ANSI_936", "utf-8"),  # what AutoCAD 2007 and later write
        ("AC1015", "ANSI_1252", "gbk"),  # a code page that is wrong
        ("AC1027", "ANSI_1252", "gbk"),
        ("AC1015", "ANSI_936", "utf-8"),
    ],
)
def test_a_drawing_names_its_layers_in_chinese(
    version: str, page: str, encoding: str, reader: Reader, bring: Bring
) -> None:
    path = bring(dxf(version, page, r"商业服务业 \U+6771\U+9E97", encoding))
    found = reader.inspect(path, "图.dxf")
    assert found.format == "dxf"
    assert dict(found.parts[0].geometries) == {"LineString": 1, "Point": 2}
    assert found.parts[0].crs == ""
    assert "closed polylines come as lines" in found.notes[0].en
    raw = reader.read(path, "图.dxf", Choice())
    assert raw.frame["Layer"].tolist() == ["居住用地", "注记", "注记"]
    assert raw.frame["Text"].dropna().tolist() == ["商业服务业 東麗", "商业服务业 東麗\n规划"]
    ring = LineString([(0, 0), (9, 0), (9, 9), (0, 0)])
    assert raw.frame.geometry[1].equals_exact(ring)


def geojson(*features: Mapping[str, Any], **members: Any) -> bytes:  # noqa: ANN401
    whole = {"type": "FeatureCollection", **members, "features": features}
    return json.dumps(whole, ensure_ascii=False).encode()


def feature(geometry: Mapping[str, Any] | None, **properties: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"type": "Feature", "properties": properties, "geometry": geometry}


POINT = {"type": "Point", "coordinates": [117.35, 39.1]}


def test_a_geojson_is_read_feature_by_feature(reader: Reader, bring: Bring) -> None:
    many = {"type": "GeometryCollection", "geometries": [POINT, POINT]}
    mixed = {
        "type": "GeometryCollection",
        "geometries": [POINT, {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}],
    }
    path = bring(
        geojson(
            feature(POINT, name="甲", tags={"a": [1, "乙"]}, n=1, yes=True, long=10**17),
            feature({"type": "Point", "coordinates": [1, 2, 3]}, name=5, n=2.5, yes=False),
            feature(None, name=" ", n=None),
            {"type": "Feature", "geometry": many, "properties": None},
            feature(mixed, name="mixed"),
            feature({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}),
            feature({"type": "Point", "coordinates": ["x", 2]}),
            "nonsense",  # type: ignore[arg-type]
            feature({"type": "Point", "coordinates": [float("nan"), 2]}),
            name="x",
        )
    )
    found = reader.inspect(path, "点.geojson")
    assert found.format == "geojson"
    (part,) = found.parts
    assert part.name == "点"
    assert part.count == 9
    assert part.crs == "EPSG:4326"
    assert part.geometries == {
        "Point": 2,  # the last one counts, though it cannot be used
        "Point Z": 1,
        "MultiPoint": 1,
        "GeometryCollection": 1,
    }
    raw = reader.read(path, "点.geojson", Choice())
    frame = raw.frame
    assert frame["name"][:2].tolist() == ["甲", "5"]
    assert frame["name"].isna().sum() == 6
    assert json.loads(frame["tags"][1]) == {"a": [1, "乙"]}
    assert frame["n"][:2].tolist() == [1, 2.5]
    assert frame["yes"][:2].tolist() == [1, 0]
    assert frame["long"][1] == "100000000000000000"  # as a float64 it might be another number
    assert frame.geometry[2].z == 3
    assert frame.geometry[4].geom_type == "MultiPoint"
    assert frame.geometry[5:].isna().all()
    told = {problem.feature: problem.rule for problem in raw.problems}
    assert told == {
        "5": "geometry",
        "6": "geometry",
        "7": "geometry",
        "8": "geojson",
        "9": "geometry",
    }
    assert all(problem.zh for problem in raw.problems)


def test_a_geojson_may_name_its_crs_or_be_metres_without_one(look: Look) -> None:
    def crs(name: str, x: float) -> str:
        place = {"type": "Point", "coordinates": [x, 39.0]}
        members = {"crs": {"type": "name", "properties": {"name": name}}} if name else {}
        return look(geojson(feature(place), **members)).parts[0].crs

    assert crs("urn:ogc:def:crs:EPSG::4548", 530_000) == "EPSG:4548"
    assert crs("urn:ogc:def:crs:OGC:1.3:CRS84", 117) == "EPSG:4326"
    assert crs("EPSG:4490", 117) == "EPSG:4490"
    assert crs("", 117) == "EPSG:4326"
    assert crs("", 530_000) == ""
    assert crs("/etc/passwd", 117) == ""


def test_one_feature_alone_is_a_file_of_one(look: Look) -> None:
    found = look(json.dumps(feature(POINT, name="甲")).encode("utf-8-sig"))
    assert found.parts[0].count == 1
    assert found.parts[0].fields[0].samples == ("甲",)


# What the file says of its coordinates

CODES = [4490, 4548, 4527, 4549, 4528, 4507, 4326, 3857, 4214, 4610, 2381, 32650, 2056]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("dialect", ["WKT1_ESRI", "WKT1_GDAL", "WKT2_2019"])
def test_a_crs_is_told_by_its_exact_code(code: int, dialect: Any) -> None:  # noqa: ANN401
    assert crs_name(CRS.from_epsg(code).to_wkt(dialect), "x") == (f"EPSG:{code}", None)


@pytest.mark.parametrize("code", [4490, 4548, 4527])
def test_the_prj_of_a_shapefile_tells_the_zones_apart(code: int, look: Look) -> None:
    prj = CRS.from_epsg(code).to_wkt("WKT1_ESRI")
    (part,) = look(shapefile_zip([b"NAME"], [[b"a"]], prj=prj)).parts
    assert part.crs == f"EPSG:{code}"


def test_a_crs_of_its_own_comes_as_wkt(look: Look) -> None:
    own = CRS.from_proj4("+proj=tmerc +lon_0=117.3 +x_0=500000 +ellps=GRS80 +units=m")
    (part,) = look(shapefile_zip([b"NAME"], [[b"a"]], prj=own.to_wkt("WKT1_ESRI"))).parts
    operation = CRS.from_wkt(part.crs).coordinate_operation
    assert operation is not None
    assert [float(parameter.value) for parameter in operation.params][1] == 117.3


PATH_IN_PRJ = (
    'PROJCS["x",GEOGCS["x",DATUM["x",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",'
    '0],UNIT["degree",0.0174532925199433]],PROJECTION["Mercator_1SP"],UNIT["metre",1],'
    'EXTENSION["PROJ4","+proj=merc +nadgrids=/etc/passwd +wktext"]]'
)


@pytest.mark.parametrize(
    "prj",
    ["/etc/passwd", "+init=/etc/passwd:x", PATH_IN_PRJ, "file:///etc/passwd", "唐诗", "EPSG:99999"],
)
def test_a_prj_that_is_none_is_passed_over_and_said(prj: str, reader: Reader, bring: Bring) -> None:
    path = bring(shapefile_zip([b"NAME"], [[b"a"]], prj=prj))
    assert reader.inspect(path, "x.zip").parts[0].crs == ""
    raw = reader.read(path, "x.zip", Choice())
    assert raw.crs == ""
    (problem,) = raw.problems
    assert problem.rule == "crs"
    assert "passwd" not in problem.message


def test_a_missing_prj_says_nothing(reader: Reader, bring: Bring) -> None:
    raw = reader.read(bring(shapefile_zip([b"NAME"], [[b"a"]])), "x.zip", Choice())
    assert (raw.crs, raw.problems) == ("", ())


# What geometry comes as


def test_curves_come_as_lines_and_what_is_no_shape_is_named(
    tmp_path: Path, reader: Reader, bring: Bring
) -> None:
    frame = gpd.GeoDataFrame({"n": range(1, 7)}, geometry=[Point(0, 0)] * 6, crs=4548)
    frame.to_file(tmp_path / "a.gpkg", engine="pyogrio", geometry_type="Unknown")
    half = (0, 0, 1, 1, 2, 0)

    def wkb(kind: int, count: int, *numbers: float) -> bytes:
        return b"\x01" + struct.pack(f"<2I{len(numbers)}d", kind, count, *numbers)

    circle = wkb(8, 5, 0, 0, 1, 1, 2, 0, 1, -1, 0, 0)
    triangle = b"\x01" + struct.pack("<3I12d", 1017, 1, 4, *([0.0] * 12))
    shapes = [
        wkb(8, 3, *half),  # an arc over a diameter of 2
        wkb(12, 1) + wkb(10, 1) + circle,  # a disc of radius 1
        wkb(1016, 1) + triangle,
        b"\x01" + struct.pack("<I4d", 3001, 1, 2, 3, 4),  # a point with height and measure
        wkb(3, 0),
        wkb(3, 100),  # a hundred rings, and none follows
    ]
    with sqlite3.connect(tmp_path / "a.gpkg") as base:
        triggers = base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (trigger,) in triggers:
            base.execute(f'DROP TRIGGER "{trigger}"')
        head = b"GP\x00\x01" + struct.pack("<i", 4548)
        for number, shape in enumerate(shapes, start=1):
            base.execute("UPDATE a SET geom = ? WHERE n = ?", (head + shape, number))
    base.close()
    path = bring((tmp_path / "a.gpkg").read_bytes())
    raw = reader.read(path, "a.gpkg", Choice())
    geometry = raw.frame.geometry
    assert geometry[1].length == pytest.approx(np.pi, rel=1e-3)
    assert geometry[2].area == pytest.approx(np.pi, rel=1e-2)
    assert geometry[3] is None
    assert geometry[4].coords[0] == (1, 2, 3)
    assert geometry[5].is_empty
    assert geometry[6] is None
    assert [(problem.feature, problem.rule) for problem in raw.problems] == [("3", "geometry")]


# What is of no use, or hostile

VRT = b"""<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>/etc/passwd</SrcDataSource>
<SrcLayer>x</SrcLayer></OGRVRTLayer></OGRVRTDataSource>"""
SHP, SHX = shp(PLACES[:2])
USELESS = {
    "nothing": (b"", "the file is empty, it has 0 bytes; export or copy it once more"),
    "a .shp": (SHP, "zip the .shp with its .dbf, .shx and .prj"),
    "a .shx": (SHX, "zip the .shp with its .dbf, .shx and .prj"),
    "a .dbf": (dbf([b"NAME"], [[b"a"]]), "a .dbf alone"),
    "a .prj": (CRS.from_epsg(4548).to_wkt("WKT1_ESRI").encode(), "a .prj alone"),
    "a VRT": (VRT, "XML of the kind <OGRVRTDataSource>, which is not read"),
    "GML": (b"<?xml version='1.0'?><gml:FeatureCollection/>", "of the kind <FeatureCollection>"),
    "OSM as XML": (b"<?xml version='1.0'?>\n<osm version='0.6'/>", "or download it as .osm.pbf"),
    "a DWG": (b"AC1027" + bytes(100), "save it as DXF"),
    "RAR": (b"Rar!\x1a\x07\x01\x00", "unpack it and make a .zip"),
    "gzip": (gzip.compress(b"{}"), "unpack it and make a .zip"),
    "an old .xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "save the table as .xlsx"),
    "Access": (b"\0\1\0\0Standard Jet DB\0" + bytes(500), "an Access database"),
    "a PDF": (b"%PDF-1.7\n", "a picture or a PDF"),
    "noise": (bytes(range(256)) * 8, "of no kind that is read: GeoJSON, GeoPackage, KML/KMZ"),
    "JSON": (b'{"a": 1}', "it is JSON, not a GeoJSON FeatureCollection"),
    "broken JSON": (b'{"type": "FeatureCollection", "features": [', "not valid JSON, or breaks"),
    "TopoJSON": (b'{"type": "Topology", "objects": {}}', "it is 'Topology', not a GeoJSON"),
    "ESRI JSON": (
        b'{"geometryType": "esriGeometryPoint", "features": []}',
        "it is ESRI JSON, not a GeoJSON",
    ),
    "GeoJSON in GBK": (geojson(feature(POINT, n="甲")).decode().encode("gbk"), "is not UTF-8"),
    "a KML of nothing": (b"<kml><Document/></kml>", "no placemark is in it"),
    "a KML of links": (
        b"<kml><NetworkLink><Link><href>http://example.org/a</href></Link></NetworkLink></kml>",
        "what it links to is not fetched",
    ),
}  # fmt: skip


@pytest.mark.parametrize("content,line", USELESS.values(), ids=USELESS.keys())
@pytest.mark.parametrize("name", ["数据.geojson", "数据.zip"])
def test_what_is_of_no_use_is_refused_by_one_clear_line(
    content: bytes, line: str, name: str, refused: Refuse
) -> None:
    assert line in refused(content, name)
    assert refused(content, name).startswith(name)


def test_a_parquet_without_geometry_is_refused(tmp_path: Path, refused: Refuse) -> None:
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "a.parquet")
    line = refused((tmp_path / "a.parquet").read_bytes())
    assert "a Parquet table without geometry" in line


def test_a_database_that_is_no_geopackage_is_refused(tmp_path: Path, refused: Refuse) -> None:
    with sqlite3.connect(tmp_path / "a.db") as base:
        base.execute("CREATE TABLE a (x)")
    base.close()
    assert "a database that is no GeoPackage" in refused((tmp_path / "a.db").read_bytes())


def laughs(levels: int) -> str:
    entities = "".join(
        f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(levels)
    )
    return f"<!DOCTYPE kml [{entities}]>"


@pytest.mark.parametrize(
    "doctype",
    [
        laughs(10),
        '<!DOCTYPE kml [<!ENTITY l9 SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE kml SYSTEM "http://example.org/evil.dtd">',
    ],
    ids=["a billion laughs", "a file", "an address"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_of_xml_are_refused(doctype: str, encoding: str, refused: Refuse) -> None:
    content = KML.replace("<kml", f"{doctype}<kml", 1).replace("甲", "&l9;")
    content = content.replace("UTF-8", encoding)
    assert "it has a DOCTYPE or entities" in refused(content.encode(encoding))


def test_an_encoding_of_xml_that_hides_something_is_refused(refused: Refuse) -> None:
    content = KML.replace("UTF-8", "UTF-7").encode()
    assert "damaged" in refused(content)


VIEWS = {
    "slow": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
    " SELECT i AS fid, geom, name FROM n, stops",
    "file": "SELECT fid, geom, gdal_get_pixel_value('/etc/passwd', 1, 'pixel', 0, 0) FROM stops",
    "plain": "SELECT fid, geom, name FROM stops",
}


def with_view(path: Path, name: str, query: str) -> None:
    with sqlite3.connect(path) as base:
        base.execute(f'CREATE VIEW "{name}" AS {query}')
        row = (name, "features", name, 4490)
        base.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)"
            " VALUES (?, ?, ?, ?)",
            row,
        )
        shape = (name, "geom", "POINT", 4490)
        base.execute("INSERT INTO gpkg_geometry_columns VALUES (?, ?, ?, ?, 0, 0)", shape)
    base.close()


@pytest.mark.parametrize("query", VIEWS.values(), ids=VIEWS.keys())
def test_queries_in_a_geopackage_are_not_run(
    query: str, tmp_path: Path, reader: Reader, bring: Bring
) -> None:
    written(tmp_path, STOPS, "a.gpkg", layer="stops")
    with_view(tmp_path / "a.gpkg", "View", query)
    path = bring((tmp_path / "a.gpkg").read_bytes())
    assert [part.name for part in reader.inspect(path, "a.gpkg").parts] == ["stops"]
    with pytest.raises(InputError, match="there is no part 'View'"):
        reader.read(path, "a.gpkg", Choice(part="View"))


def test_a_query_that_calls_the_network_is_refused(tmp_path: Path, refused: Refuse) -> None:
    written(tmp_path, STOPS, "a.gpkg", layer="stops")
    with_view(tmp_path / "a.gpkg", "v", "SELECT fid, geom, ogr_geocode('x') AS x FROM stops")
    assert "damaged" in refused((tmp_path / "a.gpkg").read_bytes())


def test_a_geopackage_is_not_written_to(tmp_path: Path, reader: Reader, bring: Bring) -> None:
    written(tmp_path, STOPS, "a.gpkg", layer="stops")
    with sqlite3.connect(tmp_path / "a.gpkg") as base:
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("CREATE TRIGGER t INSERT ON stops BEGIN DELETE FROM stops; END")
    base.close()
    content = (tmp_path / "a.gpkg").read_bytes()
    path = bring(content)
    assert len(reader.read(path, "a.gpkg", Choice()).frame) == 2
    assert path.read_bytes() == content
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith("upload")] == ["upload"]


def test_a_drawing_that_grows_without_end_is_stopped(tmp_path: Path) -> None:
    # Each block holds the one before ten times: 10^12 lines.
    blocks = "0|BLOCK|2|B0|10|0|20|0|0|LINE|8|0|10|0|20|0|11|1|21|1|0|ENDBLK|"
    for level in range(1, 13):
        inserts = f"0|INSERT|8|0|2|B{level - 1}|10|0|20|0|" * 10
        blocks += f"0|BLOCK|2|B{level}|10|0|20|0|{inserts}0|ENDBLK|"
    entities = "0|INSERT|8|0|2|B12|10|0|20|0|"
    whole = f"0|SECTION|2|BLOCKS|{blocks}0|ENDSEC|0|SECTION|2|ENTITIES|{entities}0|ENDSEC|0|EOF|"
    path = tmp_path / "upload"
    path.write_bytes(whole.replace("|", "\n").encode())
    with Reader(Limits(seconds=2, memory_mb=1000)) as reader, pytest.raises(InputError) as refused:
        reader.inspect(path, "图.dxf")
    (problem,) = refused.value.problems
    assert problem.rule in {"seconds", "memory_mb", "unreadable", "damaged", "features", "empty"}


# Limits


def inspected(path: Path, limits: Limits) -> object:
    """What the process for files does with one, here in this process."""
    kind = identify(path, "数据.dat", limits).format
    return worker.module(kind).inspect(path, "数据.dat", limits)


@pytest.mark.parametrize(
    "limits,line",
    [
        (Limits(features=2), r"has more than 2 features; split.*\[pack.limits\].features"),
        (Limits(vertices=5), r"vertices, at most 5 are read; split or.*\[pack.limits\].vertices"),
    ],
    ids=["features", "vertices"],
)
@pytest.mark.parametrize("kind", ["gpkg", "shp", "geojson", "parquet", "kml", "dxf"])
def test_a_file_beyond_the_limits_says_which(
    kind: str, limits: Limits, line: str, tmp_path: Path
) -> None:
    plain = gpd.GeoDataFrame(
        {"a": range(5)}, geometry=[LineString([(i, 0), (i, 1)]) for i in range(5)], crs=4326
    )
    path = tmp_path / f"a.{kind}"
    if kind == "parquet":
        plain.to_parquet(path)
    else:
        plain[["geometry"]].to_file(path, engine="pyogrio", driver={"kml": "KML"}.get(kind))
    if kind == "shp":
        files = {f"a.{end}": (tmp_path / f"a.{end}").read_bytes() for end in ("shp", "shx", "dbf")}
        path.write_bytes(zipped(files))
    with pytest.raises(InputError) as refused:
        inspected(path, limits)
    (problem,) = refused.value.problems
    assert re.search(line, problem.message), problem.message
    assert "layers.toml" in problem.zh


def test_a_file_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"{" + bytes(2 * 1024 * 1024))
    with (
        Reader(Limits(file_mb=1)) as reader,
        pytest.raises(InputError, match=r"the file has 2 MB, at most 1 are read; split it"),
    ):
        reader.inspect(path, "x.geojson")


# Laws

numbers = st.floats(-1e6, 1e6).map(lambda number: round(number, 3))
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=8)


@given(st.lists(st.tuples(numbers, numbers, texts), min_size=1, max_size=6))
def test_any_points_and_texts_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory,
    law_reader: Reader,
    rows: list[tuple[float, float, str]],
) -> None:
    features = [feature({"type": "Point", "coordinates": [x, y]}, text=text) for x, y, text in rows]
    path = tmp_path_factory.mktemp("law") / "x"
    path.write_bytes(geojson(*features))
    frame = law_reader.read(path, "x", Choice()).frame
    assert [(p.x, p.y) for p in frame.geometry] == [(x, y) for x, y, _ in rows]
    assert frame["text"].fillna("").tolist() == [text.strip() for _, _, text in rows]


@pytest.fixture(scope="module")
def law_reader(reader: Reader) -> Reader:
    return reader


def test_a_zip_of_a_workbook_is_a_workbook(look: Look) -> None:
    out = io.BytesIO()
    pd.DataFrame({"name": ["甲"], "lon": [117.35], "lat": [39.1]}).to_excel(out, index=False)
    assert look(out.getvalue()).format == "xlsx"


def test_a_zip_of_stops_and_routes_is_a_feed(look: Look) -> None:
    files = {
        "stops.txt": b"stop_id,stop_name,stop_lat,stop_lon\nS1,A,39.1,117.35\n",
        "routes.txt": b"route_id,route_type\nR1,3\n",
        "trips.txt": b"route_id,service_id,trip_id\nR1,W,T1\n",
        "stop_times.txt": b"trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
        b"T1,08:00:00,08:00:00,S1,1\n",
        "calendar.txt": b"service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
        b"start_date,end_date\nW,1,1,1,1,1,0,0,20230101,20231231\n",
    }
    assert look(zipped(files)).format == "gtfs"


def test_plain_text_is_a_table(look: Look) -> None:
    found = look("名称,经度,纬度\n甲,117.35,39.1\n".encode("gbk"))
    assert found.format == "csv"
    assert (found.parts[0].x, found.parts[0].y) == ("经度", "纬度")


def test_a_tiff_is_a_raster(testbed: Path, reader: Reader) -> None:
    path = testbed / "friedrichshain" / "friedrichshain_population_raster.tif"
    found = reader.inspect(path, "人口.bin")
    assert found.format == "geotiff"
    assert len(reader.read(path, "人口.bin", Choice(raster="cells")).frame) > 0


def test_an_extract_is_openstreetmap(testbed: Path, reader: Reader) -> None:
    path = testbed / "liechtenstein" / "liechtenstein-2013-08-03.osm.pbf"
    found = reader.inspect(path, "区域.bin")
    assert found.format == "osm"
    assert {part.name: part.count for part in found.parts}["bus_stops"] == pytest.approx(308, abs=3)


def test_the_hash_and_size_are_the_files_own(look: Look) -> None:
    found = look(geojson(feature(POINT)), "点.geojson")
    assert found.name == "点.geojson"
    assert found.size == len(geojson(feature(POINT)))
    assert re.fullmatch("[0-9a-f]{64}", found.sha256)


def test_heights_stay_until_they_are_mended(tmp_path: Path, reader: Reader, bring: Bring) -> None:
    frame = gpd.GeoDataFrame({"a": [1]}, geometry=[Point(1, 2, 3)], crs=4326)
    raw = reader.read(bring(written(tmp_path, frame, "a.fgb")), "a.fgb", Choice())
    assert shapely.get_coordinates(raw.frame.geometry.to_numpy(), include_z=True).tolist() == [
        [1, 2, 3]
    ]


def of_members(*members: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for member in members:
            archive.writestr(member, "x")
    return out.getvalue()


TYPES = "[Content_Types].xml"  # the first member of all that Office writes


@pytest.mark.parametrize(
    "members,line",
    [
        ((TYPES, "word/document.xml"), "a Word document; save the table in it as .xlsx or CSV"),
        ((TYPES, "ppt/presentation.xml"), "a PowerPoint presentation"),
        ((TYPES, "xl/workbook.bin"), "an Excel workbook of a kind that is not read (.xlsb)"),
        ((TYPES, "visio/document.xml"), "an Office document"),
        (("mimetype", "content.xml"), "an OpenDocument file (.ods, .odt)"),
    ],
)
@pytest.mark.parametrize("name", ["数据.shp", "数据.docx"])
def test_a_document_is_named_for_what_it_is_whatever_the_file_is_called(
    members: tuple[str, ...], line: str, name: str, refused: Refuse
) -> None:
    assert line in refused(of_members(*members), name)


def test_a_zip_is_no_door_for_other_kinds(refused: Refuse) -> None:
    line = refused(of_members("a/b.xml"))
    assert "the archive holds nothing that is read ('a/b.xml')" in line
