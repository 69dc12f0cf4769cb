"""What a file is, by its first bytes or by what an archive holds; never by its name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from layers.formats.archive import Member, members
from layers.formats.found import Format
from layers.formats.refusal import refusal
from layers.limits import Limits
from layers.problem import InputError

_MEGABYTE = 1024 * 1024
_HEAD = 64 * 1024
_LATE = 8 * 1024
"""Within so many bytes an XML file names its outermost element."""

# First bytes of files that are read.
_SIGNS: tuple[tuple[bytes, Format], ...] = (
    (b"fgb\x03fgb", "flatgeobuf"),
    (b"PAR1", "geoparquet"),
    (b"II*\0", "geotiff"),
    (b"MM\0*", "geotiff"),
    (b"II+\0", "geotiff"),
    (b"MM\0+", "geotiff"),
    (b"AutoCAD Binary DXF", "dxf"),
)
# First bytes of files that are not read: what it is, and what to do, in English and Chinese.
_REFUSED: tuple[tuple[re.Pattern[bytes], str, str], ...] = (
    (
        re.compile(rb"\x00\x00\x27\x0a"),
        "a part of a shapefile (.shp or .shx) alone; zip the .shp with its .dbf, .shx and .prj",
        "只有 Shapefile 的一部分（.shp 或 .shx）；请把 .shp 与 .dbf、.shx、.prj 一起压缩为 zip",
    ),
    (
        re.compile(rb"(Rar!|7z\xbc\xaf\x27\x1c|\x1f\x8b|BZh|\xfd7zXZ)"),
        "an archive other than zip; unpack it and make a .zip",
        "不是 zip 的压缩包；请解开后重新压缩为 .zip",
    ),
    (
        re.compile(rb"AC10\d\d"),
        "a DWG drawing, which is not read; save it as DXF",
        "是 DWG 图形，不能直接读取；请另存为 DXF",
    ),
    (
        re.compile(rb"\xd0\xcf\x11\xe0"),
        "an old Office file (.xls, .doc); save the table as .xlsx or CSV",
        "是旧版 Office 文件（.xls、.doc）；请把表格另存为 .xlsx 或 CSV",
    ),
    (
        re.compile(rb"....Standard (Jet|ACE) DB", re.DOTALL),
        "an Access database (personal geodatabase); export it as GeoPackage or zipped Shapefile",
        "是 Access 数据库（个人地理数据库）；请导出为 GeoPackage 或 Shapefile（zip）",
    ),
    (
        re.compile(rb"(%PDF|\x89PNG|\xff\xd8\xff|GIF8|BM....\0\0\0\0)", re.DOTALL),
        "a picture or a PDF, which has no places in it that can be read; deliver the data",
        "是图片或 PDF，不含可读取的坐标；请提供数据文件",
    ),
    (
        re.compile(rb"\s*(PROJCS|GEOGCS|PROJCRS|GEOGCRS)\s*\["),
        "a .prj alone, which says only what the coordinates mean; zip it with its shapefile",
        "只有 .prj 坐标系文件；请与对应的 Shapefile 一起压缩为 zip",
    ),
    (
        re.compile(rb"!table\b", re.IGNORECASE),
        "a MapInfo .tab alone; export the layer as GeoPackage or zipped Shapefile",
        "只有 MapInfo 的 .tab；请导出为 GeoPackage 或 Shapefile（zip）",
    ),
)
_DXF = re.compile(rb"\s*(?:999[ \t]*\r?\n[^\r\n]*\r?\n\s*){0,50}0[ \t]*\r?\n\s*SECTION\s")
_XML_MISC = re.compile(r"\s*(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\])?\s*>)", re.DOTALL)
_XML_ROOT = re.compile(r"\s*<(?:[\w.-]+:)?([\w.-]+)")
_DBF_KINDS = frozenset(b"\x02\x03\x30\x31\x32\x43\x63\x83\x8b\xcb\xf5\xfb")
_MOST_MONTHS, _MOST_DAYS, _DBF_DESCRIPTOR, _DBF_END = 12, 31, 32, 0x0D
_MOST_CONTROLS = 0.01
_SQLITE, _APPLICATION = b"SQLite format 3\0", slice(68, 72)
_GEOPACKAGES = {b"GPKG", b"GP10", b"GP11"}
_FEED_TABLES = {"agency.txt", "routes.txt", "trips.txt", "stop_times.txt", "calendar.txt"}
_DATA_SUFFIXES = {
    ".csv",
    ".dxf",
    ".fgb",
    ".geojson",
    ".gpkg",
    ".json",
    ".parquet",
    ".pbf",
    ".tif",
    ".tiff",
    ".xlsx",
}
# Documents that are zip archives, by a member: what it is, and what to do, in English and Chinese.
_TABLE_EN, _TABLE_ZH = "save the table in it as .xlsx or CSV", "请把其中的表格另存为 .xlsx 或 CSV"
_DOCUMENTS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"word/"), f"a Word document; {_TABLE_EN}", f"是 Word 文档；{_TABLE_ZH}"),
    (
        re.compile(r"ppt/"),
        "a PowerPoint presentation, which has no places in it that can be read; deliver the data",
        "是 PowerPoint 演示文稿，不含可读取的坐标；请提供数据文件",
    ),
    (
        re.compile(r"xl/"),
        "an Excel workbook of a kind that is not read (.xlsb); save it as .xlsx or CSV",
        "是不能读取的 Excel 工作簿（.xlsb）；请另存为 .xlsx 或 CSV",
    ),
    (
        re.compile(r"(meta-inf/manifest\.xml|content\.xml)$"),
        f"an OpenDocument file (.ods, .odt); {_TABLE_EN}",
        f"是 OpenDocument 文件（.ods、.odt）；{_TABLE_ZH}",
    ),
    (
        re.compile(r"\[content_types\]\.xml$"),
        f"an Office document; {_TABLE_EN}",
        f"是 Office 文档；{_TABLE_ZH}",
    ),
)
_ARCHIVE_SUFFIXES = {".zip", ".rar", ".7z", ".gz", ".tar", ".kmz"}
_READ_EN = (
    "GeoJSON, GeoPackage, KML/KMZ, DXF, FlatGeobuf, GeoParquet, CSV, XLSX, GeoTIFF, .osm.pbf, and"
    " zipped Shapefile, File Geodatabase or GTFS"
)
_READ_ZH = (
    "GeoJSON、GeoPackage、KML/KMZ、DXF、FlatGeobuf、GeoParquet、CSV、XLSX、GeoTIFF、.osm.pbf，"
    "以及压缩为 zip 的 Shapefile、File Geodatabase、GTFS"
)


@dataclass(frozen=True, slots=True)
class Identity:
    """A file's format, and how many bytes there are to be read: of an archive, all unpacked."""

    format: Format
    to_read: int


def identify(path: Path, where: str, limits: Limits) -> Identity:
    """Tell a file's format; `where` is the user's name for it, which says nothing.

    Raises InputError where it is empty, too large, one file of several that belong together, or
    of no format that is read; the line says what to do.
    """
    size = path.stat().st_size
    if size == 0:
        raise refusal(
            where,
            "empty",
            "the file is empty, it has 0 bytes; export or copy it once more and choose it again",
            zh="文件是空的（0 字节）；请重新导出或复制一份，再选择",
        )
    if size > limits.file_mb * _MEGABYTE:
        raise refusal(
            where,
            "file_mb",
            f"the file has {size / _MEGABYTE:,.0f} MB, at most {limits.file_mb:,} are read; split"
            " it, or raise [pack.limits].file_mb in layers.toml",
            zh=f"文件大小 {size / _MEGABYTE:,.0f} MB，上限 {limits.file_mb:,} MB；"
            "请拆分文件，或在 layers.toml 的 [pack.limits] 中调高 file_mb",
        )
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        inside = members(path, where, limits)
        return Identity(_archived(inside, where), sum(member.size for member in inside))
    return Identity(_single(head, where), size)


def _archived(inside: Sequence[Member], where: str) -> Format:
    names = {member.name.lower() for member in inside}
    bare = {PurePosixPath(name).name for name in names}
    suffixes = {member.suffix for member in inside}
    if any(re.search(r"(^|/)[^/]+\.gdb/a00000001\.gdbtable$", name) for name in names):
        return "filegdb"
    if "xl/workbook.xml" in names:
        return "xlsx"
    if ".shp" in suffixes:
        return "shapefile"
    if "stops.txt" in bare and bare & _FEED_TABLES:
        return "gtfs"
    if ".kml" in suffixes:
        return "kml"
    raise _strange_archive(inside, suffixes, where)


def _strange_archive(inside: Sequence[Member], suffixes: set[str], where: str) -> InputError:
    names = [member.name.lower() for member in inside]
    for pattern, en, zh in _DOCUMENTS:
        if any(pattern.match(name) for name in names):
            raise _refused(where, en, zh)
    first = inside[0].name[:60] if inside else ""
    if suffixes & _ARCHIVE_SUFFIXES:
        return refusal(
            where,
            "format",
            f"the archive holds another archive ('{first}'); unpack that and zip the data",
            zh=f"压缩包里还有压缩包（“{first}”）；请解开后只压缩数据文件",
        )
    if suffixes & _DATA_SUFFIXES:
        return refusal(
            where,
            "format",
            f"'{first}' needs no archive; take it out and bring in the file itself",
            zh=f"“{first}”不需要压缩；请解开后直接导入文件本身",
        )
    if suffixes & {".dbf", ".shx"}:
        return refusal(
            where,
            "format",
            "the archive holds parts of a shapefile but no .shp; zip .shp, .dbf, .shx and .prj",
            zh="压缩包内缺少 .shp；请把 .shp、.dbf、.shx、.prj 一起压缩",
        )
    return refusal(
        where,
        "format",
        f"the archive holds nothing that is read ('{first}'); it may hold a Shapefile, a folder"
        " .gdb, a GTFS feed or a KML",
        zh=f"压缩包内没有可读取的数据（“{first}”）；可以是 Shapefile、.gdb 文件夹、GTFS 或 KML",
    )


def _single(head: bytes, where: str) -> Format:
    for sign, kind in _SIGNS:
        if head.startswith(sign):
            return kind
    if head.startswith(_SQLITE):
        if head[_APPLICATION] in _GEOPACKAGES or b"gpkg_contents" in head:
            return "geopackage"
        raise _refused(
            where,
            "a database that is no GeoPackage; export the layers as GeoPackage (.gpkg)",
            "是数据库文件，但不是 GeoPackage；请导出为 GeoPackage（.gpkg）",
        )
    if b"OSMHeader" in head[:64]:
        return "osm"
    for pattern, en, zh in _REFUSED:
        if pattern.match(head):
            raise _refused(where, en, zh)
    if _is_table_of_shapefile(head):
        raise _refused(
            where,
            "a .dbf alone, a table without geometry; zip it with the .shp, .shx and .prj",
            "只有 .dbf 属性表，没有图形；请与 .shp、.shx、.prj 一起压缩为 zip",
        )
    if _DXF.match(head):
        return "dxf"
    return _written(head, where)


def _written(head: bytes, where: str) -> Format:
    """Tell what kind of text it is."""
    text = _text(head)
    if text is None:
        raise _refused(
            where, f"of no kind that is read: {_READ_EN}", f"格式不支持；可读取 {_READ_ZH}"
        )
    start = text.lstrip("\ufeff \t\r\n")[:1]
    if start in {"{", "["}:
        return "geojson"
    if start == "<":
        return _marked_up(text, where)
    return "csv"


def _marked_up(text: str, where: str) -> Format:
    rest = text.lstrip("\ufeff")[:_LATE]
    while (skipped := _XML_MISC.match(rest)) is not None:
        rest = rest[skipped.end() :]
    root = _XML_ROOT.match(rest)
    name = root[1] if root else "?"
    if name == "kml" or "<!DOCTYPE kml" in text:
        return "kml"
    if name == "osm":
        raise _refused(
            where,
            "OpenStreetMap as XML; save or download it as .osm.pbf",
            "是 XML 形式的 OpenStreetMap；请另存或下载为 .osm.pbf",
        )
    raise _refused(
        where,
        f"XML of the kind <{name[:40]}>, which is not read; export it as GeoPackage or KML",
        f"是 <{name[:40]}> 类 XML，不能读取；请导出为 GeoPackage 或 KML",
    )


def _text(head: bytes) -> str | None:
    """The beginning as text, None where it is none in any encoding in which tables come."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head[: len(head) // 2 * 2].decode("utf-16", "replace")
    if b"\0" in head:
        return None
    controls = sum(byte < 0x20 and byte not in b"\t\r\n\f\x1a" for byte in head)  # noqa: PLR2004
    if controls > _MOST_CONTROLS * len(head):
        return None
    for encoding in ("utf-8", "gb18030", "cp1252"):
        try:
            return head[:-4].decode(encoding) if len(head) == _HEAD else head.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _is_table_of_shapefile(head: bytes) -> bool:
    length = int.from_bytes(head[8:10], "little")
    return (
        len(head) > length > _DBF_DESCRIPTOR
        and head[0] in _DBF_KINDS
        and 1 <= head[2] <= _MOST_MONTHS
        and 1 <= head[3] <= _MOST_DAYS
        and _DBF_END in head[length - 2 : length]
    )


def _refused(where: str, en: str, zh: str) -> InputError:
    return refusal(where, "format", f"the file is {en}", zh=f"文件{zh}")
