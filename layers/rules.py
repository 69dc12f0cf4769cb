"""The rules a loaded layer must obey; each yields Problems and never raises."""

import math
from collections.abc import Iterator
from numbers import Real

import geopandas as gpd
import shapely
from pyproj import CRS
from shapely.geometry.base import BaseGeometry

from layers.basis import BASES
from layers.catalogue import LayerSpec
from layers.grid import Grid
from layers.problem import Problem
from layers.toml import unknown

MOST_LON, MOST_LAT = 180.0, 90.0
MOST_AREA_ERROR = 0.01
"""A CRS for the place stays below 0.2 % even in the wrong zone; web Mercator is off by tens."""
_KINDS = {
    "point": {"Point", "MultiPoint"},
    "line": {"LineString", "MultiLineString", "LinearRing"},
    "polygon": {"Polygon", "MultiPolygon"},
}


def content_problems(spec: LayerSpec, frame: gpd.GeoDataFrame, where: str) -> Iterator[Problem]:
    """Find empty layers, double ids, missing columns, wrong values and unusable geometry.

    `frame` is in the file's own CRS, indexed by feature id.
    """
    if frame.empty:
        yield Problem(where, "", "empty", "the layer has no features; at least one is needed")
        return
    for feature in frame.index[frame.index.duplicated()].unique():
        count = int((frame.index == feature).sum())
        yield Problem(where, feature, "id", f"the id stands {count} times; ids must be unique")
    yield from _column_problems(spec, frame, where)
    yield from _accuracy_problems(frame, where)
    for feature, geometry in zip(frame.index, frame.geometry, strict=True):
        yield from _geometry_problems(spec, geometry, feature, where)


def place_problems(
    frame: gpd.GeoDataFrame, area: BaseGeometry, margin_m: float, where: str
) -> Iterator[Problem]:
    """Find features outside the pack's area; `frame` and `area` are in the metric CRS."""
    allowed = shapely.buffer(area, margin_m) if margin_m else area
    shapely.prepare(allowed)
    inside = shapely.covers(allowed, frame.geometry.to_numpy())
    for feature, geometry in frame.geometry[~inside].items():
        if not all(math.isfinite(bound) for bound in geometry.bounds):
            message = "lies so far outside the area that its metric CRS does not reach there"
            yield Problem(where, str(feature), "place", message)
            continue
        outside_m = float(shapely.hausdorff_distance(shapely.union(geometry, area), area))
        message = (
            f"lies up to {outside_m:,.1f} m outside the area, {margin_m:g} m are allowed;"
            " look at the datum and the axis order, or set margin_m of this layer"
        )
        yield Problem(where, str(feature), "place", message)


def scale_problems(area: BaseGeometry, metric_crs: str, where: str) -> Iterator[Problem]:
    """Find a metric CRS that distorts areas at this place, as web Mercator does."""
    crs = CRS.from_user_input(metric_crs)
    geod = crs.get_geod()
    if geod is None:  # no ellipsoid to measure on
        return
    degrees = gpd.GeoSeries([area], crs=crs).to_crs(crs.geodetic_crs).iloc[0]
    true_m2 = abs(geod.geometry_area_perimeter(degrees)[0])
    off = area.area / true_m2 - 1
    if abs(off) > MOST_AREA_ERROR:
        message = (
            f"'{metric_crs}' ({crs.name}) makes areas here {abs(off):.1%} too"
            f" {'large' if off > 0 else 'small'}; name a CRS made for the place, as 'EPSG:4548' is"
        )
        yield Problem(where, "", "crs", message)


def grid_problems(grid: Grid, area: BaseGeometry, metric_crs: str, where: str) -> Iterator[Problem]:
    """Find a raster that has no cell within the pack's area; `area` is in the metric CRS."""
    outline = grid.outline_in(metric_crs)
    if shapely.intersects(outline, area):
        return
    if outline.is_empty:
        message = "lies so far outside the area that its metric CRS does not reach there"
        zh = "离本区太远，本区的投影坐标系到不了那里；请核对坐标系"
    else:
        apart_m = float(shapely.distance(outline, area))
        message = f"lies {apart_m:,.0f} m outside the area; look at its CRS, or cut another piece"
        zh = f"在本区以外 {apart_m:,.0f} 米；请核对坐标系，或换一幅"
    yield Problem(where, "", "place", message, zh=zh)


def degree_problems(frame: gpd.GeoDataFrame, where: str) -> Iterator[Problem]:
    """Find coordinates that cannot be degrees; `frame` is in a geographic CRS."""
    bounds = frame.geometry.bounds
    lon, lat = bounds[["minx", "maxx"]].abs(), bounds[["miny", "maxy"]].abs()
    wrong = (lon.max(axis=1) > MOST_LON) | (lat.max(axis=1) > MOST_LAT)
    for feature, row in bounds[wrong].iterrows():
        message = (
            f"({row.minx:g}, {row.miny:g}) is not a longitude and latitude; the axes may be"
            " swapped, or the coordinates are metres and the file names no CRS"
        )
        yield Problem(where, str(feature), "degrees", message)


def _column_problems(spec: LayerSpec, frame: gpd.GeoDataFrame, where: str) -> Iterator[Problem]:
    names = [
        name
        for column, entry in spec.columns.items()
        for name in ((column, f"{column}_en") if entry.localised else (column,))
    ]
    present = [str(name) for name in frame.columns if name != frame.geometry.name]
    for name in names:
        if name not in present and name != spec.key:
            yield Problem(where, "", "column", unknown("column", name, present))
    for column, entry in spec.columns.items():
        if column not in present:
            continue
        wanted = Real if entry.kind == "number" else str
        for feature, value in frame[column].items():
            right = isinstance(value, wanted) and not isinstance(value, bool)
            if not (_is_missing(value) or right):
                message = f"{column} is {value!r}, not a {entry.kind}"
                yield Problem(where, str(feature), "value", message)
    if "basis" in present:
        for feature, value in frame["basis"].items():
            if not _is_missing(value) and value not in BASES:
                message = unknown("basis", str(value), BASES)
                yield Problem(where, str(feature), "basis", message)


def _accuracy_problems(frame: gpd.GeoDataFrame, where: str) -> Iterator[Problem]:
    if "accuracy_m" not in frame:
        return
    for feature, value in frame["accuracy_m"].items():
        right = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        if not (_is_missing(value) or right):
            message = f"accuracy_m is {value!r}, not a number of metres"
            yield Problem(where, str(feature), "value", message)


def _geometry_problems(
    spec: LayerSpec, geometry: BaseGeometry | None, feature: str, where: str
) -> Iterator[Problem]:
    if geometry is None:  # reported where it was read
        return
    if geometry.is_empty:
        yield Problem(where, feature, "geometry", "the geometry is empty; draw it or leave it out")
    elif geometry.geom_type not in _KINDS[spec.geometry]:
        message = f"the geometry is a {geometry.geom_type}, the entry says {spec.geometry}"
        yield Problem(where, feature, "geometry", message)
    elif not all(math.isfinite(bound) for bound in geometry.bounds):
        yield Problem(where, feature, "geometry", "a coordinate is not a finite number")
    elif not geometry.is_valid:
        reason = shapely.is_valid_reason(geometry)
        message = f"invalid geometry: {reason}; repair it (e.g. Fix geometries in a GIS)"
        yield Problem(where, feature, "geometry", message)


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
