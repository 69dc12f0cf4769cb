"""Files of every format that is read, and ways to spoil them, from fixed seeds."""

import io
import random
import sqlite3
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import rasterio
from affine import Affine
from shapely import LineString, Point, box

from layers import InputError
from layers.formats import Choice
from layers.reader import Reader
from tests.shapefiles import shapefile_zip, zipped

CRS = "EPSG:4548"
_ZIP = b"PK\x03\x04"
_NAMES = ["新立街道", "军粮城", "海河", "居住用地"]
_EXTREMES = (0, 1, 2**7, 2**15 - 1, 2**16 - 1, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
_KML = """<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2">
<Document><Schema id="s"><SimpleField name="n" type="int"/></Schema><Folder><name>站点</name>
<Placemark><name>甲</name><ExtendedData><SchemaData schemaUrl="#s"><SimpleData name="n">1
</SimpleData></SchemaData></ExtendedData><Point><coordinates>117.3,39.1</coordinates></Point>
</Placemark><Placemark><MultiGeometry><Polygon><outerBoundaryIs><LinearRing><coordinates>0,0 1,0
1,1 0,0</coordinates></LinearRing></outerBoundaryIs></Polygon></MultiGeometry></Placemark></Folder>
</Document></kml>"""
_DXF = (
    "0|SECTION|2|HEADER|9|$ACADVER|1|AC1015|9|$DWGCODEPAGE|3|ANSI_936|0|ENDSEC|0|SECTION|2|BLOCKS"
    "|0|BLOCK|2|B|10|0|20|0|0|CIRCLE|8|0|10|0|20|0|40|1|0|ENDBLK|0|ENDSEC|0|SECTION|2|ENTITIES"
    "|0|LWPOLYLINE|8|居住用地|90|3|70|1|10|0|20|0|10|9|20|0|10|9|20|9|0|TEXT|8|注记|10|5|20|6|40|1"
    "|1|站点|0|INSERT|8|0|2|B|10|3|20|3|0|SPLINE|8|0|71|3|72|8|73|4|40|0|40|0|40|0|40|0|40|1|40|1"
    "|40|1|40|1|10|0|20|0|10|1|20|2|10|2|20|0|10|3|20|1|0|HATCH|8|0|91|1|92|2|72|0|73|1|93|3|10|0"
    "|20|0|10|4|20|0|10|4|20|4|0|ENDSEC|0|EOF|"
)
_FEED = {
    "stops.txt": "stop_id,stop_name,stop_lat,stop_lon\nS1,甲,39.1,117.3\nS2,乙,39.2,117.4\n",
    "routes.txt": "route_id,route_short_name,route_type\nR1,1,3\n",
    "trips.txt": "route_id,service_id,trip_id,shape_id\nR1,W,T1,P\n",
    "stop_times.txt": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    "T1,08:00:00,08:00:00,S1,1\nT1,08:10:00,08:10:00,S2,2\n",
    "calendar.txt": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\nW,1,1,1,1,1,0,0,20250101,20251231\n",
    "shapes.txt": "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\nP,39.1,117.3,1\n"
    "P,39.2,117.4,2\n",
}


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A file that was changed: which seed it came from, how, and its bytes."""

    seed: str
    change: str
    content: bytes


def seeds() -> dict[str, bytes]:
    """One whole file of each format, by name; small, so that few changes go to waste."""
    names = [name.encode("gbk") for name in _NAMES]
    found = {
        "shapefile": shapefile_zip([b"NAME", b"CODE"], [[n, b"0301"] for n in names], cpg="GBK"),
        "kml": _KML.encode(),
        "kmz": zipped({"doc.kml": _KML.encode()}),
        "dxf": _DXF.replace("|", "\r\n").encode("gbk"),
        "csv": "名称,经度,纬度\n甲,117.3,39.1\n乙,117.4,39.2\n".encode("gbk"),
        "gtfs": zipped({name: table.encode() for name, table in _FEED.items()}),
        "xlsx": _workbook(),
        "osm": _extract(),
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found |= _written(folder)
        found["geotiff"] = _raster(folder / "a.tif")
    return found


def spoilt(whole: Mapping[str, bytes], count: int, seed: int) -> Iterator[Spoilt]:
    """Yield changes of whole files, the formats by turns; equal arguments give equal files.

    GDAL writes the time into a GeoPackage, and a random number into a geodatabase: of two runs,
    these differ in a few bytes.
    """
    names = sorted(whole)
    for number in range(count):
        chance = random.Random(f"{seed}:{number}")  # noqa: S311 - to spoil, not to hide
        name = names[number % len(names)]
        content = whole[name]
        if content.startswith(_ZIP) and chance.random() < 0.7:
            # In the archive: else most changes only break a checksum.
            change, content = _inside(content, whole, chance)
        else:
            change, content = _changed(content, whole, chance)
        yield Spoilt(name, change, content)


def bring_in(reader: Reader, path: Path, name: str) -> str:
    """Inspect a file and read its parts; "read", or the rule by which it was refused.

    Raises AssertionError for a message that is not one clear line in both languages.
    """
    try:
        found = reader.inspect(path, name)
        for part in found.parts[:3]:
            encoding = part.encodings[0].encoding if part.encodings else ""
            choice = Choice(part=part.name, encoding=encoding, x=part.x, y=part.y, wkt=part.wkt)
            frame = reader.read(path, name, choice).frame
            if frame.crs is not None:
                raise AssertionError("a CRS before anybody has declared one")
    except InputError as error:
        for problem in error.problems:
            _check_line(problem.in_("en"), path)
            _check_line(problem.in_("zh"), path)
            if not problem.zh:
                raise AssertionError(f"no Chinese: {problem}") from error
        return error.problems[0].rule
    return "read"


def peak_mb() -> float:
    """The most memory that a child of this process has held, in megabytes; 0 on Windows.

    Counted once the child has ended.
    """
    if sys.platform == "win32":
        return 0.0
    import resource  # noqa: PLC0415 - Windows has none

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 1024**2


def _check_line(line: str, path: Path) -> None:
    for trace in ("Traceback", "\n", str(path.parent), "planmap-reader", 'File "'):
        if trace in line:
            raise AssertionError(f"{trace!r} in the message: {line}")


def _changed(
    content: bytes, whole: Mapping[str, bytes], chance: random.Random
) -> tuple[str, bytes]:
    name = chance.choice(["flip", "flip", "cut", "splice", "length", "length", "repeat", "text"])
    changed = bytearray(content)
    if name == "flip":
        for _ in range(chance.choice([1, 2, 4, 16, 64])):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    elif name == "cut":
        start = chance.randrange(len(changed))
        end = start + chance.choice([1, 2, 4, 100, len(changed)])
        del changed[start:end]
    elif name == "splice":
        other = whole[chance.choice(sorted(whole))]
        at, length = chance.randrange(len(other)), chance.choice([4, 64, 1000])
        place = chance.randrange(len(changed))
        changed[place:place] = other[at : at + length]
    elif name == "length":
        for _ in range(chance.choice([1, 3])):
            place = chance.randrange(max(1, len(changed) - 4))
            size = chance.choice([1, 2, 4])
            value = chance.choice(_EXTREMES) % 256**size
            changed[place : place + size] = value.to_bytes(size, chance.choice(["little", "big"]))
    elif name == "repeat":
        start = chance.randrange(len(changed))
        piece = changed[start : start + chance.choice([1, 8, 200])]
        changed[start:start] = bytes(piece) * chance.choice([2, 50, 2000])
    else:
        tokens = [
            b"1e999",
            b"-9223372036854775808",
            b"\xff\xfe",
            b"[" * 500,
            b"<!DOCTYPE a>",
            b"\0",
        ]
        start = chance.randrange(len(changed))
        changed[start : start + chance.randrange(8)] = chance.choice(tokens)
    return name, bytes(changed)


def _inside(content: bytes, whole: Mapping[str, bytes], chance: random.Random) -> tuple[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = chance.choice(sorted(name for name, data in files.items() if data))
    change, files[name] = _changed(files[name], whole, chance)
    return f"{change} in {name}", zipped(files)


def _written(folder: Path) -> dict[str, bytes]:
    """Files that GDAL and Arrow write."""
    land = gpd.GeoDataFrame(
        {
            "名称": _NAMES,
            "n": np.array([1, 2, 3, 4], dtype="int32"),
            "share": [0.5, None, 1.5, 2.0],
        },
        geometry=[box(i, 0, i + 1, 1) for i in range(4)],
        crs=CRS,
    )
    stops = gpd.GeoDataFrame({"name": ["甲"]}, geometry=[Point(1, 2)], crs=CRS)
    roads = gpd.GeoDataFrame({"name": ["乙"]}, geometry=[LineString([(0, 0), (1, 1)])], crs=CRS)
    land.to_file(folder / "a.gpkg", layer="land", engine="pyogrio")
    stops.to_file(folder / "a.gpkg", layer="stops", engine="pyogrio")
    with closing(sqlite3.connect(folder / "a.gpkg")) as base:
        base.execute("VACUUM")
    land.to_file(folder / "a.fgb", engine="pyogrio")
    land.to_parquet(folder / "a.parquet", compression=None)
    land.to_file(folder / "a.geojson", engine="pyogrio")
    roads.to_file(folder / "a.gdb", driver="OpenFileGDB", layer="roads", engine="pyogrio")
    gdb = {f"a.gdb/{path.name}": path.read_bytes() for path in (folder / "a.gdb").iterdir()}
    return {
        "geopackage": (folder / "a.gpkg").read_bytes(),
        "flatgeobuf": (folder / "a.fgb").read_bytes(),
        "geoparquet": (folder / "a.parquet").read_bytes(),
        "geojson": (folder / "a.geojson").read_bytes(),
        "filegdb": zipped(gdb),
    }


def _raster(path: Path) -> bytes:
    values = np.arange(48, dtype="uint8").reshape(6, 8) % 5
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=8,
        height=6,
        count=1,
        dtype="uint8",
        crs=CRS,
        transform=Affine(30, 0, 530_000, 0, -30, 4_330_000),
    ) as raster:
        raster.write(values, 1)
    return path.read_bytes()


def _workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (["名称", "经度", "纬度"], ["甲", 117.3, 39.1], ["乙", 117.4, 39.2]):
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _extract() -> bytes:
    """An OpenStreetMap extract in blocks that are not compressed, where each byte tells."""
    texts = [b"", b"highway", b"bus_stop", b"residential", b"landuse", "甲".encode(), b"name"]
    places = [(0, 0), (900, 0), (900, 900)]  # in 10⁻⁷ degrees
    nodes = [
        _field(1, _number(1, 2 * id_) + _number(8, 2 * (391_000_000 + y)) + tags)
        for id_, ((x, y), stop) in enumerate(zip(places, (True, False, False), strict=True), 1)
        for tags in [_number(9, 2 * (1_173_000_000 + x)) + (_tags((1, 2), (6, 5)) if stop else b"")]
    ]
    steps = b"".join(_varint(step) for step in (2, 2, 2))  # of 1, zigzag: nodes 1, 2, 3
    back = steps + _varint(3)  # of −2: to the first again
    ways = [
        _field(3, _number(1, 1) + _tags((1, 3)) + _field(8, steps)),
        _field(3, _number(1, 2) + _tags((4, 3)) + _field(8, back)),
    ]
    table = _field(1, b"".join(_field(1, text) for text in texts))
    header = _field(4, b"OsmSchema-V0.6")
    blocks = [table + _field(2, b"".join(group)) for group in (nodes, ways)]
    return b"".join(
        [_block(b"OSMHeader", header), *(_block(b"OSMData", block) for block in blocks)]
    )


def _block(kind: bytes, content: bytes) -> bytes:
    blob = _number(2, len(content)) + _field(1, content)
    head = _field(1, kind) + _number(3, len(blob))
    return len(head).to_bytes(4, "big") + head + blob


def _tags(*pairs: tuple[int, int]) -> bytes:
    keys, values = (b"".join(map(_varint, column)) for column in zip(*pairs, strict=True))
    return _field(2, keys) + _field(3, values)


def _varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _field(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content
