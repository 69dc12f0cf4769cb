"""The layers of a pack out of an extract: what is in reach of the area, mended and measured."""

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from layers.catalogue import GeometryKind
from layers.formats.osm import CRS84, Extract, features
from layers.land_codes import read_land_codes
from layers.osm.land import GRID_M, Shapes, built_up_area, cut_by_precedence, polygons
from layers.osm.tags import ADMIN, BUILT_UP, LAND_COVER, TagTable
from layers.text import Text

BUILDINGS = "buildings"
_DECIMALS, _GRID_DEGREES = 9, 1e-9
_MARGINS_M = tuple(step * 10.0**power for power in range(7) for step in (1, 2, 5))
_ROUNDING_M = 0.01


@dataclass(frozen=True, slots=True)
class Made:
    """A layer: its features in degrees, and what it measures in the metric CRS.

    `size` is the length of lines and the area of polygons, in metres and square metres.
    `margin_m` is how far the layer reaches out of the area. `mended` counts invalid shapes,
    `dropped` features without length or area.
    """

    frame: gpd.GeoDataFrame
    size: float
    margin_m: float
    mended: int = 0
    dropped: int = 0


def make_layers(
    extract: Extract, table: TagTable, outline: BaseGeometry, crs: str
) -> Mapping[str, Made]:
    """Make the layers of the tag table, but for the boundaries; those without features are absent.

    `outline` is the area in the metric CRS `crs`. Features within the table's reach of it are
    taken whole; the land cover and the built-up area are constructed, and cut with it.
    """
    shapely.prepare(outline)
    classes = {code: row.name for code, row in read_land_codes().use2023.codes.items()}
    made: dict[str, Made] = {}
    for output, entry in table.outputs.items():
        if output == ADMIN:
            continue
        frame, mended, dropped = _sound(features(extract, table, output), entry.geometry)
        metres = frame.to_crs(crs)
        near = shapely.dwithin(outline, metres.geometry.to_numpy(), table.settings.reach_m)
        frame, metres = frame[near], metres[near]
        if output == LAND_COVER:
            frame = metres = _land_cover(metres, outline)
        elif output == BUILT_UP:
            buildings = _near_buildings(extract, table, outline, crs)
            frame = metres = _built_up(metres, buildings, table, outline)
        if frame.crs != CRS84:
            frame = _in_degrees(frame)
        if len(frame):
            margin = reaches_out(metres.geometry.to_numpy(), outline)
            size = metres.length.sum() if entry.geometry == "line" else metres.area.sum()
            columns = _with_class_names(frame.drop(columns="rank", errors="ignore"), classes)
            made[output] = Made(columns, float(size), margin, mended, dropped)
    return made


def make_boundary(units: gpd.GeoDataFrame, outline: BaseGeometry, crs: str) -> Made:
    """Make a layer of units, which are in degrees."""
    frame, mended, dropped = _sound(units, "polygon")
    metres = frame.to_crs(crs).geometry
    margin = reaches_out(metres.to_numpy(), outline)
    columns = frame.drop(columns=["rank", "level"], errors="ignore")
    return Made(columns, float(metres.area.sum()), margin, mended, dropped)


def _near_buildings(
    extract: Extract, table: TagTable, outline: BaseGeometry, crs: str
) -> gpd.GeoDataFrame:
    """The buildings within the table's reach of the area, in the metric CRS."""
    buildings, _, _ = _sound(features(extract, table, BUILDINGS), "polygon")
    metres = buildings.to_crs(crs)
    return metres[shapely.dwithin(outline, metres.geometry.to_numpy(), table.settings.reach_m)]


def reaches_out(shapes: Shapes, outline: BaseGeometry) -> float:
    """By how much the area must be widened to hold all shapes: 0, or a round number of metres.

    >>> from shapely import Point, box
    >>> reaches_out(np.array([Point(5, 5), Point(13, 5)]), box(0, 0, 10, 10))
    5.0
    """
    outside = shapes[~shapely.covers(outline, shapes)]
    if not len(outside):
        return 0.0
    for margin in _MARGINS_M:
        wider = shapely.buffer(outline, margin - _ROUNDING_M)
        shapely.prepare(wider)
        outside = outside[~shapely.covers(wider, outside)]
        if not len(outside):
            break
    return margin


def _sound(frame: gpd.GeoDataFrame, kind: GeometryKind) -> tuple[gpd.GeoDataFrame, int, int]:
    """Mend invalid polygons and drop what has no extent; how many of each."""
    shapes = frame.geometry.to_numpy()
    mended, extent = 0, np.ones(len(frame), dtype=bool)
    if kind == "polygon":
        mended = int((~shapely.is_valid(shapes)).sum())
        shapes = _on_grid(polygons(shapes))
        extent = shapely.area(shapes) > 0
    elif kind == "line":
        extent = shapely.length(shapes) > 0
    return frame.assign(geometry=shapes)[extent], mended, int((~extent).sum())


def _with_class_names(frame: gpd.GeoDataFrame, classes: Mapping[str, Text]) -> gpd.GeoDataFrame:
    if "class_code" not in frame:
        return frame
    names = [classes[code] for code in frame["class_code"]]
    return frame.assign(
        class_name=[name.zh for name in names], class_name_en=[name.en for name in names]
    )


def _land_cover(land: gpd.GeoDataFrame, outline: BaseGeometry) -> gpd.GeoDataFrame:
    shapes = _clipped(polygons(land.geometry.to_numpy()), outline)
    cut = cut_by_precedence(shapes, land["rank"].to_numpy(), GRID_M)
    return land.assign(geometry=cut)[shapely.area(cut) > 0]


def _built_up(
    land: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, table: TagTable, outline: BaseGeometry
) -> gpd.GeoDataFrame:
    patches = built_up_area(
        polygons(land.geometry.to_numpy()),
        polygons(buildings.geometry.to_numpy()),
        table.settings.built_up,
    )
    patches = _clipped(patches, outline)
    patches = patches[shapely.area(patches) > 0]
    ids = [f"patch-{number:04}" for number in range(1, len(patches) + 1)]
    return gpd.GeoDataFrame(geometry=patches, index=ids, crs=land.crs)


def _clipped(shapes: Shapes, outline: BaseGeometry) -> Shapes:
    clipped = shapes.copy()
    crossing = ~shapely.covers(outline, shapes)
    clipped[crossing] = polygons(shapely.intersection(shapes[crossing], outline))
    return clipped


def _in_degrees(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    degrees = frame.to_crs(CRS84)
    shapes = _on_grid(degrees.geometry.to_numpy())
    return degrees.assign(geometry=shapes)[shapely.area(shapes) > 0]


def _on_grid(shapes: Shapes) -> Shapes:
    """Polygons with coordinates of nine decimals, valid as they will be written."""
    rounded = shapely.transform(shapes, lambda degrees: np.round(degrees, _DECIMALS))
    wrong = ~shapely.is_valid(rounded)
    valid = shapely.make_valid(rounded[wrong])
    rounded[wrong] = shapely.set_precision(polygons(valid), _GRID_DEGREES)
    return polygons(rounded)
