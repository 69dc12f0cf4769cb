"""KML and KMZ: placemarks by folder; what a file asks to fetch or to expand is not done.

Read without GDAL, which makes underscores of Chinese field names.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError, iterparse

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.formats.archive import members, unpacked
from layers.formats.encoding import CHINESE, UTF8, named
from layers.formats.found import Choice, Part, Raw
from layers.formats.frames import (
    Rows,
    check_features,
    check_vertices,
    chosen,
    rows,
    unique_name,
    unreadable_geometry,
)
from layers.formats.gdal import called, damaged
from layers.formats.reference import DEGREES
from layers.formats.refusal import refusal
from layers.limits import Limits
from layers.problem import InputError, Problem

_ZIP = b"PK\x03\x04"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")
_ENCODING = re.compile(rb"^\s*<\?xml[^>]{0,200}encoding\s*=\s*[\"']([\w.-]{1,30})[\"']")
_ENTITIES = re.compile(r"<!\s*(DOCTYPE|ENTITY|ELEMENT|ATTLIST)", re.IGNORECASE)
_CONTAINERS = {"Document", "Folder"}
_SHAPES = {"Point", "LineString", "LinearRing", "Polygon", "MultiGeometry", "Track", "MultiTrack"}
_NUMBERS = {"int", "uint", "short", "ushort", "float", "double"}
_PLACE = 2  # longitude and latitude; a height may follow
_SPACED_COMMA = re.compile(r"\s*,\s*")
_DAMAGE = (ValueError, IndexError, shapely.errors.ShapelyError)


@dataclass(slots=True)
class _Folder:
    """A folder of placemarks, as far as it has been read."""

    name: str = ""
    rows: list[dict[str, str]] = field(default_factory=list)
    shapes: list[Any] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class _Placemarks:
    """All folders of a file in its order, and what its schemas say of the fields."""

    where: str
    limits: Limits
    folders: list[_Folder] = field(default_factory=list)
    numeric: set[str] = field(default_factory=set)
    links: bool = False
    count: int = 0
    vertices: int = 0

    def add(self, folder: _Folder, placemark: Element) -> None:
        """Take a placemark in."""
        row = len(folder.shapes) + 1
        shape = None
        try:
            members = [_shape(child) for child in placemark if _tag(child) in _SHAPES]
            if members:
                shape = members[0]
        except _DAMAGE:
            folder.problems.append(unreadable_geometry(self.where, row))
        folder.rows.append(dict(_values(placemark)))
        folder.shapes.append(shape)
        self.count += 1
        check_features(self.count, Path(self.where).stem, self.where, self.limits)
        self.vertices += int(shapely.get_num_coordinates(shape))
        check_vertices(self.vertices, Path(self.where).stem, self.where, self.limits)


def inspect(path: Path, where: str, limits: Limits) -> tuple[Part, ...]:
    """Say what the folders hold, each a part; folders without a placemark are passed over."""
    return tuple(part.part() for part in _parts(path, where, limits))


def read(path: Path, where: str, choice: Choice, limits: Limits) -> Raw:
    """Read the placemarks of the chosen folder, or of the only one.

    Fields are `name`, `description`, `when`, `begin` and `end` where somebody filled them in, and
    those of the file; numbers only where its schema says so.
    """
    parts = _parts(path, where, limits)
    return parts[chosen([part.name for part in parts], choice.part, where)].raw()


def _parts(path: Path, where: str, limits: Limits) -> list[Rows]:
    with _plain(path, where, limits) as own, own.open("rb") as file:
        text = _text(file.read(), where)
    if _ENTITIES.search(text):
        raise refusal(
            where,
            "entities",
            "it has a DOCTYPE or entities, which KML does not need and which are not read;"
            " save it anew from a GIS",
            zh="文件含 DOCTYPE 或实体定义，KML 不需要，也不予读取；请用 GIS 软件重新保存",
        )
    read = _Placemarks(where, limits)
    try:
        _walk(_DECLARATION.sub("", text, count=1).strip(), read)
    except (ParseError, RecursionError) as error:
        raise damaged(where) from error
    parts: list[Rows] = []
    for folder in read.folders:
        if folder.shapes:
            name = unique_name(folder.name or Path(where).stem, [part.name for part in parts])
            parts.append(_rows(folder, name, read))
    if not parts:
        raise _no_placemark(where, links=read.links)
    return parts


def _walk(text: str, read: _Placemarks) -> None:
    """Go through the file once; a placemark is forgotten as soon as it has been taken in."""
    open_folders = [_Folder()]
    read.folders.append(open_folders[0])
    path: list[Element] = []
    for event, element in iterparse(io.StringIO(text), events=("start", "end")):  # noqa: S314 - as above
        tag = _tag(element)
        if event == "start":
            path.append(element)
            if tag in _CONTAINERS:
                open_folders.append(_Folder())
                read.folders.append(open_folders[-1])
            continue
        path.pop()
        parent = _tag(path[-1]) if path else ""
        if tag in _CONTAINERS:
            open_folders.pop()
        elif tag == "name" and parent in _CONTAINERS:
            open_folders[-1].name = (element.text or "").strip()
        elif tag == "Placemark":
            read.add(open_folders[-1], element)
        elif tag == "SimpleField" and element.get("type") in _NUMBERS:
            read.numeric.add(element.get("name", ""))
        elif tag == "NetworkLink":
            read.links = True
        if parent in _CONTAINERS and path:
            path[-1].remove(element)


@contextmanager
def _plain(path: Path, where: str, limits: Limits) -> Iterator[Path]:
    with path.open("rb") as file:
        is_kmz = file.read(len(_ZIP)) == _ZIP
    if not is_kmz:
        with called(path, "data.kml") as own:
            yield own
        return
    inside = [m for m in members(path, where, limits) if m.suffix == ".kml"]
    if not inside:
        raise damaged(where)
    # The main file is doc.kml, or by the rules the first that stands at the top.
    inside.sort(key=lambda m: (m.name.lower() != "doc.kml", "/" in m.name))
    with unpacked(path, {"data.kml": inside[0]}, where) as folder:
        yield folder / "data.kml"


def _text(content: bytes, where: str) -> str:
    """Decode XML by its mark or declaration; what declares nothing is UTF-8, or else GBK."""
    if content.startswith(_UTF16):
        encodings = ["utf-16"]
    else:
        declared = _ENCODING.match(content.removeprefix(b"\xef\xbb\xbf"))
        said = named(declared[1].decode("ascii")) if declared else UTF8
        encodings = [e for e in (said, UTF8, CHINESE) if e] if said else []
    for encoding in encodings:
        try:
            text = content.decode("utf-8-sig" if encoding == UTF8 else encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise damaged(where)


def _rows(folder: _Folder, name: str, read: _Placemarks) -> Rows:
    names = dict.fromkeys(field for row in folder.rows for field in row)
    columns: dict[str, Any] = {}
    for column in names:
        texts = [row.get(column) or None for row in folder.rows]
        columns[column] = _as_numbers(texts) if column in read.numeric else texts
    geometry = np.array([*folder.shapes, None], dtype=object)[:-1]
    made = rows(
        name,
        columns,
        geometry,
        read.where,
        read.limits,
        crs=DEGREES,
        dates=("when", "begin", "end"),
    )
    return made.with_problems(folder.problems)


def _no_placemark(where: str, *, links: bool) -> InputError:
    fetched = "; what it links to is not fetched" if links else ""
    zh = "（网络链接的内容不会下载）" if links else ""
    return refusal(
        where,
        "empty",
        f"no placemark is in it{fetched}; save the places themselves as KML",
        zh=f"文件中没有地标{zh}；请把地标本身另存为 KML",
    )


def _tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _values(placemark: Element) -> Iterator[tuple[str, str]]:
    """Fields of a placemark with their texts."""
    for element in placemark.iter():
        tag, text = _tag(element), (element.text or "").strip()
        if tag == "Data":
            value = next((child for child in element if _tag(child) == "value"), None)
            yield element.get("name", ""), ("" if value is None else value.text or "").strip()
        elif tag == "SimpleData":
            yield element.get("name", ""), text
        elif tag in {"begin", "end"} and text:
            yield tag, text
    for child in placemark:
        tag, text = _tag(child), (child.text or "").strip()
        if tag in {"name", "description"} and text:
            yield tag, text
        elif tag == "TimeStamp":
            yield from (("when", (when.text or "").strip()) for when in child)


def _as_numbers(texts: list[str | None]) -> list[Any]:
    try:
        return [None if text is None else float(text) for text in texts]
    except ValueError:
        return texts


def _shape(element: Element) -> Any:  # noqa: ANN401 - any geometry
    """Build the geometry of an element; raises where it cannot be built."""
    tag = _tag(element)
    if tag == "Point":
        return shapely.points(_places(element)[0])
    if tag in {"LineString", "LinearRing"}:
        return shapely.linestrings(_places(element))
    if tag == "Polygon":
        rings = {"outerBoundaryIs": [], "innerBoundaryIs": []}  # type: dict[str, list[Any]]
        for boundary in element:
            for ring in boundary:
                if _tag(boundary) in rings:
                    rings[_tag(boundary)].append(shapely.linearrings(_places(ring)))
        return shapely.polygons(rings["outerBoundaryIs"][0], holes=rings["innerBoundaryIs"] or None)
    if tag == "Track":
        spots = [child.text or "" for child in element if _tag(child) == "coord"]
        return shapely.linestrings(_numbers([spot.split() for spot in spots]))
    members = [_shape(child) for child in element if _tag(child) in _SHAPES]
    return shapely.geometrycollections(members)


def _places(element: Element) -> NDArray[np.float64]:
    text = next((child.text or "" for child in element if _tag(child) == "coordinates"), "")
    return _numbers([place.split(",") for place in _SPACED_COMMA.sub(",", text).split()])


def _numbers(places: list[list[str]]) -> NDArray[np.float64]:
    """Longitude, latitude, and the height where all have one."""
    least = min(len(place) for place in places)
    if least < _PLACE:
        raise ValueError("a longitude without latitude")
    return np.array([place[: min(least, 3)] for place in places], dtype=np.float64)
