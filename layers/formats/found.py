"""What a file turned out to hold, and how a part of it is to be read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import geopandas as gpd
from pydantic import Field

from layers.catalogue import GeometryKind
from layers.problem import Problem
from layers.text import Entry, Text

Format = Literal[
    "geojson",
    "shapefile",
    "geopackage",
    "filegdb",
    "kml",
    "dxf",
    "flatgeobuf",
    "geoparquet",
    "csv",
    "xlsx",
    "gtfs",
    "geotiff",
    "osm",
]

PartKind = Literal["features", "table", "raster"]
FieldKind = Literal["text", "number", "date"]


class SourceField(Entry):
    """A field (column) of a file's part: its name, kind and the first different values as text."""

    name: str
    kind: FieldKind
    samples: tuple[str, ...] = ()
    missing: int = 0


class EncodingChoice(Entry):
    """An encoding in which the texts may be written, with a few of them as they then read."""

    encoding: str
    samples: tuple[str, ...]


class Part(Entry):
    """One layer, sheet, table or raster of a file.

    `geometries` counts the geometry types as they stand in the file, so that mixed ones show;
    `geometry` is the kind that most of them are, None for a table without coordinates. `crs` is
    the CRS that the file names, as `EPSG:4490` or as WKT, empty where it names none. `bounds` are
    west, south, east, north in the file's own coordinates, x first. `encodings` has more than one
    entry where the file does not say in which encoding its texts are and several fit: then the
    planner is asked. For a table, `x` and `y` name the columns that look like coordinates
    (longitude or easting, latitude or northing), `wkt` one that holds geometry as text; for a
    raster, `values` lists the distinct cell values where they are few (a class raster), and
    `pixels` is columns × rows.
    """

    name: str
    kind: PartKind = "features"
    geometry: GeometryKind | None = None
    geometries: Mapping[str, int] = {}
    count: Annotated[int, Field(ge=0)] = 0
    fields: tuple[SourceField, ...] = ()
    crs: str = ""
    bounds: tuple[float, float, float, float] | None = None
    encodings: tuple[EncodingChoice, ...] = ()
    x: str = ""
    y: str = ""
    wkt: str = ""
    values: tuple[float, ...] = ()
    pixels: tuple[int, int] | None = None


class Found(Entry):
    """What a file is: its format by content, never by name, and the parts that can be read."""

    name: str
    format: Format
    size: int
    sha256: str
    parts: tuple[Part, ...]
    notes: tuple[Text, ...] = ()


class Choice(Entry):
    """What the planner has chosen, to read one part of a file.

    `encoding` is empty where the file's own is taken. `x` and `y` (or `wkt`) name the columns
    that hold a table's coordinates. `raster` says what a raster's cells become: polygons of equal
    value with a column `value`, or one square per cell with data, with a column `value` that
    holds its amount (people, say). `band` counts from 1.
    """

    part: str = ""
    encoding: str = ""
    x: str = ""
    y: str = ""
    wkt: str = ""
    raster: Literal["classes", "cells"] = "classes"
    band: Annotated[int, Field(ge=1)] = 1


@dataclass(frozen=True, slots=True)
class Raw:
    """The rows of a part as they stand in the file, before anybody has declared a datum.

    `frame` has the index `row` (1, 2, …: the place in the file), every column of the part and a
    geometry, None where the file has none or it cannot be built; its CRS is not set, for the
    numbers are not yet known to mean anything. `crs` is what the file says of them, empty where
    it says nothing. `problems` names the rows that could not be read.
    """

    frame: gpd.GeoDataFrame
    crs: str
    problems: tuple[Problem, ...] = ()
