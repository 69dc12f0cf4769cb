"""The area of an import: which boundaries the extract holds whole, and which of them bounds it."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import shapely
from shapely.geometry.base import BaseGeometry

from layers.formats.osm import CRS84
from layers.formats.pbf import Header, NamedBoundary
from layers.osm.tags import ADMIN
from layers.problem import InputError, Problem
from layers.text import Text
from layers.toml import unknown

AREA_LAYER = "area"
AREA_OPTION = "layers osm --area"
MOST_OUTSIDE = 0.01
"""Share of a unit that may lie outside the area: neighbours are drawn apart by a few metres. And
share of the area that a complete level may leave uncovered."""
EDGE_DEGREES = 1e-5
"""A metre: by how much something may cross the rectangle that was cut out."""
_LEVEL_NAME = re.compile(rf"(?:{ADMIN}_)?(\d+)")
_MOST_LON, _MOST_LAT = 180.0, 90.0
_SHOWN = 8

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Boundaries:
    """The administrative units of an extract, in degrees, by OpenStreetMap's number.

    `units` are closed and lie within the rectangle that was cut out; `open` names the others.
    """

    units: gpd.GeoDataFrame
    open: tuple[NamedBoundary, ...]


@dataclass(frozen=True, slots=True)
class Area:
    """What an import is about.

    `layer` is the id of the layer that bounds the pack, `units` its features in degrees, `title`
    its name for people.
    """

    layer: str
    units: gpd.GeoDataFrame
    title: Text


def closed_boundaries(
    units: gpd.GeoDataFrame, named: Sequence[NamedBoundary], header: Header
) -> Boundaries:
    """Tell the boundaries that the extract holds whole from those it only names.

    `units` are the areas that could be closed, `named` are all boundary relations in the file. A
    unit that reaches out of the rectangle that was cut out is closed, yet its contents are not
    there.
    """
    whole = units
    if header.bbox is not None:
        cut = shapely.buffer(shapely.box(*header.bbox), EDGE_DEGREES, join_style="mitre")
        whole = units[units.within(cut)]
    missing = [boundary for boundary in named if boundary.id not in whole.index]
    outside = units.drop(index=whole.index)
    known = {boundary.id for boundary in missing}
    missing += [
        NamedBoundary(str(id_), str(unit["name"] or id_), str(unit["level"]))
        for id_, unit in outside.iterrows()
        if id_ not in known
    ]
    return Boundaries(whole, tuple(missing))


def choose_area(
    wanted: str, boundaries: Boundaries, *, place: str, data_bounds: Bounds | None
) -> Area:
    """Choose the area: a rectangle, all units of a level, one unit, or the highest level whole.

    `wanted` is `west,south,east,north` in degrees, a level (`admin_8`, `8`), a unit's name or
    number (`r47`), or empty for the highest level of which a unit is whole. `place` names the
    area where it is a rectangle, `data_bounds` is what a message proposes as one.

    Raises InputError where it is none of these, or the file holds no unit.
    """
    if "," in wanted:
        units = gpd.GeoDataFrame(
            {"name": [place], "name_en": [place], "tag": ["bbox"]},
            geometry=[_rectangle(wanted)],
            index=["bbox"],
            crs=CRS84,
        )
        return Area(AREA_LAYER, units, Text(zh=place, en=place))
    units = boundaries.units
    if units.empty:
        raise InputError([_no_boundaries(wanted, data_bounds)])
    level = _LEVEL_NAME.fullmatch(wanted)
    if not wanted:
        units = units[units["level"] == units["level"].min()]
    elif level:
        units = units[units["level"] == int(level[1])]
    else:
        units = _named_unit(units, wanted)
    if units.empty:
        known = [f"{ADMIN}_{number}" for number in sorted(boundaries.units["level"].unique())]
        message = unknown("level", wanted, known)
        zh = f"没有“{wanted}”这一级边界；文件里完整的有 {'、'.join(known)}"
        raise InputError([Problem(AREA_OPTION, "", "area", message, zh=zh)])
    return Area(f"{ADMIN}_{int(units['level'].iloc[0])}", units, _title(units, place))


def levels_within(
    boundaries: Boundaries, area: Area, crs: str
) -> tuple[Mapping[int, gpd.GeoDataFrame], int | None]:
    """The units inside the area by level, and the most detailed level that covers it.

    A unit is inside where no more than 1 % of it lies outside, a level covers the area where it
    leaves no more than 1 % of it; None where no level does.
    """
    outline = area.units.to_crs(crs).geometry.union_all()
    shapely.prepare(outline)
    levels: dict[int, gpd.GeoDataFrame] = {}
    complete: int | None = None
    for level in sorted(boundaries.units["level"].unique().tolist()):
        units = boundaries.units[boundaries.units["level"] == level]
        metres = units.to_crs(crs).geometry
        kept = metres.intersection(outline).area >= (1 - MOST_OUTSIDE) * metres.area
        if area.layer == f"{ADMIN}_{level}":
            kept = units.index.isin(area.units.index)
        if kept.any():
            levels[level] = units[kept]
            if metres[kept].union_all().area >= (1 - MOST_OUTSIDE) * outline.area:
                complete = level
    return levels, complete


def _rectangle(text: str) -> BaseGeometry:
    try:
        west, south, east, north = (float(side) for side in text.split(","))
    except ValueError:
        west = math.nan
        south = east = north = west
    if not (-_MOST_LON <= west < east <= _MOST_LON and -_MOST_LAT <= south < north <= _MOST_LAT):
        message = (
            f"'{text}' is no rectangle; give west,south,east,north in degrees,"
            " e.g. 117.2,39.0,117.6,39.3"
        )
        zh = f"“{text}”不是范围；请按“西,南,东,北”填写经纬度，如 117.2,39.0,117.6,39.3"
        raise InputError([Problem(AREA_OPTION, "", "area", message, zh=zh)])
    return shapely.box(west, south, east, north)


def _no_boundaries(wanted: str, bounds: Bounds | None) -> Problem:
    hint = "117.2,39.0,117.6,39.3" if bounds is None else ",".join(f"{s:.4f}" for s in bounds)
    said = f"'{wanted}' cannot be found: " if wanted else ""
    message = (
        f"{said}the file holds no closed administrative boundary; give the area as"
        f" west,south,east,north in degrees, e.g. {hint}"
    )
    zh = f"文件里没有闭合的行政边界；请用经纬度“西,南,东,北”给出范围，例如 {hint}"
    return Problem(AREA_OPTION, "", "area", message, zh=zh)


def _named_unit(units: gpd.GeoDataFrame, wanted: str) -> gpd.GeoDataFrame:
    found = units[
        (units.index == wanted) | (units["name"] == wanted) | (units["name_en"] == wanted)
    ]
    if len(found) == 1:
        return found
    if found.empty:
        names = list(dict.fromkeys(map(str, units["name"].dropna())))
        known = list(dict.fromkeys(f"{ADMIN}_{level}" for level in sorted(units["level"])))
        shown = "、".join([*known, *names[:_SHOWN]]) + (" …" if len(names) > _SHOWN else "")
        message = (
            f"'{wanted}' is no closed boundary in the file; there are "
            + ", ".join([*known, *(f"'{name}'" for name in names[:_SHOWN])])
            + (" …" if len(names) > _SHOWN else "")
        )
        zh = f"文件里没有“{wanted}”这个闭合的边界；有 {shown}"
        raise InputError([Problem(AREA_OPTION, "", "area", message, zh=zh)])
    ids = [f"{id_} (level {level})" for id_, level in found["level"].items()]
    message = f"{len(found)} boundaries are called '{wanted}'; give one's number: {', '.join(ids)}"
    numbers = "、".join(f"{id_}（{level} 级）" for id_, level in found["level"].items())
    zh = f"有 {len(found)} 个边界都叫“{wanted}”；请改用编号：{numbers}"
    raise InputError([Problem(AREA_OPTION, "", "area", message, zh=zh)])


def _title(units: gpd.GeoDataFrame, place: str) -> Text:
    """Names of the units, or of the file where they are many."""
    few = 2
    if len(units) > few or units["name"].isna().any():
        return Text(zh=place, en=place)
    english = units["name_en"].fillna(units["name"])
    return Text(zh="、".join(units["name"]), en=", ".join(english))
