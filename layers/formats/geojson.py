"""A planner's GeoJSON, feature by feature: the text is walked through, never held as objects."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from layers.formats.found import Choice, Part, Raw
from layers.formats.frames import (
    Geometries,
    Rows,
    bounds_of,
    check_features,
    check_vertices,
    chosen,
    rows,
    unreadable_geometry,
)
from layers.formats.reference import DEGREES, crs_name
from layers.formats.refusal import refusal
from layers.limits import Limits
from layers.problem import InputError, Problem

_BLANK = re.compile(r"[ \t\r\n]*")
_MOST_LON, _MOST_LAT = 180.0, 90.0
_BUILDING = (
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
    IndexError,
    OverflowError,
    shapely.errors.ShapelyError,
)


class _Text:
    """A place in the text of a JSON file; steps forward value by value."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._decoder = json.JSONDecoder()

    def next(self) -> str:
        """The next sign that is not blank, without stepping over it; empty at the end."""
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._text[self._at : self._at + 1]

    def expect(self, *signs: str) -> str:
        """Step over the next sign, which must be one of these."""
        sign = self.next()
        if sign not in signs:
            raise ValueError(f"expected {signs} at {self._at}")
        self._at += 1
        return sign

    def value(self) -> Any:  # noqa: ANN401 - any JSON
        """Step over a whole value."""
        self.next()
        value, self._at = self._decoder.raw_decode(self._text, self._at)
        return value

    def members(self) -> Iterator[str]:
        """Keys of an object; the value of each is to be stepped over before the next."""
        self.expect("{")
        if self.next() == "}":
            return
        while True:
            key = self.value()
            self.expect(":")
            yield str(key)
            if self.expect(",", "}") == "}":
                return

    def items(self) -> Iterator[Any]:
        """Values of a list."""
        self.expect("[")
        if self.next() == "]":
            self.expect("]")
            return
        while True:
            yield self.value()
            if self.expect(",", "]") == "]":
                return


@dataclass(slots=True)
class _Features:
    """What has been read of a file so far."""

    where: str
    limits: Limits
    kind: str = ""
    crs: Any = None
    esri: bool = False
    listed: bool = False
    properties: list[dict[str, Any]] = field(default_factory=list)
    geometry: list[BaseGeometry | None] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    vertices: int = 0

    def add(self, feature: Any) -> None:  # noqa: ANN401 - any JSON
        """Take in a feature; what is none keeps its place, with a Problem."""
        row = len(self.geometry) + 1
        check_features(row, Path(self.where).stem, self.where, self.limits)
        whole = isinstance(feature, dict) and isinstance(feature.get("properties") or {}, dict)
        properties = dict(feature.get("properties") or {}) if whole else {}
        geometry = None
        if not whole:
            self.problems.append(_no_feature(self.where, row))
        else:
            if isinstance(feature.get("id"), str | int) and "id" not in properties:
                properties = {"id": feature["id"], **properties}
            if feature.get("geometry") is not None:
                geometry = _geometry(feature["geometry"])
                if geometry is None:
                    self.problems.append(unreadable_geometry(self.where, row))
        self.properties.append(properties)
        self.geometry.append(geometry)
        self.vertices += int(shapely.get_num_coordinates(geometry))
        check_vertices(self.vertices, Path(self.where).stem, self.where, self.limits)


def inspect(path: Path, where: str, limits: Limits) -> tuple[Part, ...]:
    """Say what the features are; the one part is called after the file."""
    return (_rows(path, where, limits).part(),)


def read(path: Path, where: str, choice: Choice, limits: Limits) -> Raw:
    """Read the features; lists and tables among the properties become JSON text.

    The CRS is that of the old member `crs`, else WGS 84 as the standard has it, unless the
    numbers cannot be degrees.
    """
    chosen([_name(where)], choice.part, where)
    return _rows(path, where, limits).raw()


def _name(where: str) -> str:
    return Path(where).stem or "features"


def _rows(path: Path, where: str, limits: Limits) -> Rows:
    read = _Features(where, limits)
    try:
        with path.open("rb") as file:
            text = file.read().decode("utf-8-sig")
        _walk(_Text(text), read)
    except UnicodeDecodeError as error:
        raise refusal(
            where,
            "encoding",
            f"byte {error.start} is not UTF-8, which GeoJSON is written in; export it as UTF-8",
            zh=f"第 {error.start} 个字节不是 UTF-8 编码，GeoJSON 须用 UTF-8；请按 UTF-8 重新导出",
        ) from error
    except (ValueError, RecursionError) as error:
        raise refusal(
            where,
            "geojson",
            "it is not valid JSON, or breaks off; export it once more as GeoJSON",
            zh="不是有效的 JSON，或内容不完整；请重新导出为 GeoJSON",
        ) from error
    if not read.listed:
        raise _no_collection(read)
    names = dict.fromkeys(name for row in read.properties for name in row)
    columns = {name: [row.get(name) for row in read.properties] for name in names}
    geometry = np.array([*read.geometry, None], dtype=object)[:-1]
    crs, unreadable = _crs(read, geometry)
    made = rows(_name(where), columns, geometry, where, limits, crs=crs)
    return made.with_problems([unreadable, *read.problems])


def _walk(text: _Text, read: _Features) -> None:
    """Go through the outermost object; a single Feature counts as a list of one."""
    members: dict[str, Any] = {}
    for key in text.members():
        if key == "features" and text.next() == "[":
            read.listed = True
            for feature in text.items():
                read.add(feature)
        else:
            members[key] = text.value()
    if text.next():
        raise ValueError("more after the end")
    read.kind = str(members.get("type", ""))
    read.crs = members.get("crs")
    read.esri = "geometryType" in members or "spatialReference" in members
    if read.kind == "Feature":
        read.listed = True
        read.add(members)
    elif read.esri or read.kind != "FeatureCollection":
        read.listed = False


def _no_collection(read: _Features) -> InputError:
    found = "ESRI JSON" if read.esri else f"'{read.kind[:40]}'" if read.kind else "JSON"
    return refusal(
        read.where,
        "geojson",
        f"it is {found}, not a GeoJSON FeatureCollection with features; export it as GeoJSON",
        zh=f"内容是 {found}，不是带 features 的 GeoJSON FeatureCollection；请导出为 GeoJSON",
    )


def _no_feature(where: str, row: int) -> Problem:
    return Problem(
        where,
        str(row),
        "geojson",
        "not a GeoJSON Feature with properties; mend it or leave it out",
        zh="不是带属性的 GeoJSON Feature；请修正或删去",
    )


def _geometry(member: Any) -> BaseGeometry | None:  # noqa: ANN401 - any JSON
    try:
        built: BaseGeometry = shape(member)
        shapely.get_num_coordinates(built)
    except _BUILDING:
        return None
    return built


def _crs(read: _Features, geometry: Geometries) -> tuple[str, Problem | None]:
    member = read.crs
    if isinstance(member, dict) and isinstance(member.get("properties"), dict):
        return crs_name(str(member["properties"].get("name", "")), read.where)
    west, south, east, north = bounds_of(geometry) or (0.0, 0.0, 0.0, 0.0)
    fits = max(abs(west), abs(east)) <= _MOST_LON and max(abs(south), abs(north)) <= _MOST_LAT
    return (DEGREES if fits else ""), None
