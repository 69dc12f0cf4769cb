"""What the planner says of a file's coordinates, and how they become WGS 84."""

from collections.abc import Iterator
from typing import Literal, TypeAlias

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.enums import TransformDirection
from pyproj.exceptions import ProjError
from shapely.geometry.base import BaseGeometry

from layers.crs import Bounds, crs_title, datum_of, local_crs, read_crs, to_geodetic, to_wgs84
from layers.datum import bd09_to_wgs84, gcj02_to_wgs84, in_china
from layers.formats.found import Part
from layers.phrases import phrase
from layers.problem import InputError, Problem
from layers.text import Entry, Text

Datum = Literal["wgs84", "cgcs2000", "gcj02", "bd09", "other"]
Coordinates: TypeAlias = NDArray[np.float64]

SHIFTED = {"gcj02": gcj02_to_wgs84, "bd09": bd09_to_wgs84}
"""How the shifted datums are moved back."""
NEARBY_DEGREES = 0.05
"""About 5 km: how far outside the area a file may lie and still be about the place."""
_MOST_NAMED = 20
_SIDE_POINTS = 9
_A_TRIFLE = 1e-6
_MOST_LON, _MOST_LAT = 180.0, 90.0


class Declared(Entry):
    """The declaration without which nothing is measured.

    `crs` is the coordinate reference system of the numbers (`EPSG:4548`, or WKT). `datum` says
    what the positions are: "gcj02" and "bd09" are shifted and will be moved back exactly; "other"
    is the datum of `crs` itself, as for a foreign one. `swapped` says that the numbers stand
    latitude (northing) first.
    """

    crs: str
    datum: Datum
    swapped: bool = False


class Proposal(Entry):
    """A declaration under which a file lies where the pack is, and why it is proposed.

    `title` names the CRS, `origin` says whether the file names it or only the numbers speak for
    it, `note` what to bear in mind (empty where there is nothing).
    """

    declared: Declared
    title: Text
    why: Text
    note: Text
    origin: Literal["file", "numbers"]


def to_degrees(geometry: gpd.GeoSeries, declared: Declared, *, where: str = "") -> gpd.GeoSeries:
    """Put geometries where their numbers, as declared, say that they lie: in OGC:CRS84.

    `geometry` holds the numbers of the file, x first as the readers give them; heights stay as
    they are. CGCS2000 and WGS 84 are taken as equal. GCJ-02 and BD-09 are undone by the exact
    inverse; like web maps, it leaves alone what lies outside China. `where` names the file.

    Raises InputError where the CRS is unknown, where it and the datum contradict each other,
    where a coordinate is no place on the earth, or where most of them lie outside China although
    they are declared as shifted.
    """
    where = where or (declared.crs if len(declared.crs) < _MOST_NAMED else "CRS")
    crs = read_crs(declared.crs, where)
    contradiction = _contradiction(declared, where)
    if contradiction is not None:
        raise InputError([contradiction])
    numbers = geometry.to_numpy()
    plain = shapely.get_coordinates(numbers)
    places = _places(plain[:, ::-1] if declared.swapped else plain, crs, where)
    wrong = ~_on_earth(places)
    if wrong.any():
        raise InputError(_off_earth(geometry, plain, wrong, where=where))
    if declared.datum in SHIFTED:
        places = _moved_back(places, declared, where)

    def put(coordinates: Coordinates) -> Coordinates:
        return np.column_stack([places, coordinates[:, 2:]])

    has_z = bool(shapely.has_z(numbers).any())
    moved = shapely.transform(numbers, put, include_z=has_z)
    return gpd.GeoSeries(moved, index=geometry.index, crs="OGC:CRS84", name=geometry.name)


def proposals(part: Part, *, metric_crs: str, area_degrees: BaseGeometry) -> tuple[Proposal, ...]:
    """Rank the declarations under which a file's part lies in the pack's area, or near it.

    What the file names comes first, as it stands and with the axes exchanged. Then come those
    that the numbers allow, by the share of the part's rectangle inside that of the area, then by
    how usual they are at the place. The datum proposed is that of the CRS: numbers do not show a
    shift of half a kilometre, that is what the gate is for. Nothing comes back where nothing fits.
    """
    if part.bounds is None:
        return ()
    frame, near = shapely.box(*area_degrees.bounds), area_degrees.buffer(NEARBY_DEGREES)
    lon, lat = area_degrees.centroid.x, area_degrees.centroid.y
    chinese = bool(in_china(lon, lat)) and datum_of(metric_crs) != "other"
    named = _code(part.crs)
    usual = [*local_crs(lon, lat, chinese=chinese), metric_crs]
    ranked: list[tuple[tuple[float, ...], Proposal]] = []
    for order, crs in enumerate(dict.fromkeys([named, *usual] if named else usual)):
        for swapped in (False, True):
            rectangle = _rectangle(part.bounds, read_crs(crs, crs), swapped=swapped)
            if rectangle is None or not rectangle.intersects(near):
                continue
            share = rectangle.intersection(frame).area / rectangle.area
            origin: Literal["file", "numbers"] = "file" if crs == named else "numbers"
            why = origin if origin == "file" or not part.crs else "against_file"
            proposal = Proposal(
                declared=Declared(crs=crs, datum=datum_of(crs), swapped=swapped),
                title=crs_title(crs),
                why=phrase("proposal", f"{why}_swapped" if swapped else why),
                note=_note(crs, rectangle.bounds, chinese=chinese),
                origin=origin,
            )
            ranked.append(((origin != "file", -round(share, 2), swapped, order), proposal))
    return tuple(proposal for _, proposal in sorted(ranked, key=lambda pair: pair[0]))


def _contradiction(declared: Declared, where: str) -> Problem | None:
    """Find a datum that cannot be that of the CRS: equal numbers, other places."""
    if declared.datum == "other" or datum_of(declared.crs) != "other":
        return None
    title, datum = crs_title(declared.crs), phrase("datum", declared.datum)
    message = (
        f"'{title.en}' has a datum of its own, but {datum.en} is declared;"
        " choose 'other' as the datum, or a CRS on WGS 84 or CGCS2000"
    )
    zh = (
        f"“{title.zh}”自有基准，与所选的 {datum.zh} 矛盾；"
        "基准请选“其他”，或改选 WGS 84、2000 国家大地坐标系的坐标系"
    )
    return Problem(where, "", "datum", message, zh=zh)


def _places(numbers: Coordinates, crs: CRS, where: str) -> Coordinates:
    """Longitudes and latitudes of numbers, infinite where there is none."""
    finite = np.isfinite(numbers).all(axis=1)
    if not finite.any():
        return np.full_like(numbers, np.inf)
    west, south = numbers[finite].min(axis=0)
    east, north = numbers[finite].max(axis=0)
    try:
        transformer = to_wgs84(crs, (west, south, east, north))
        return np.column_stack(transformer.transform(numbers[:, 0], numbers[:, 1]))
    except ProjError as error:
        message = f"'{crs.name}' cannot be converted to WGS 84; choose another CRS"
        zh = f"“{crs.name}”无法换算到 WGS 84；请改选坐标系"
        raise InputError([Problem(where, "", "crs", message, zh=zh)]) from error


def _on_earth(places: Coordinates) -> NDArray[np.bool_]:
    lon, lat = np.abs(places).T
    within: NDArray[np.bool_] = (lon <= _MOST_LON) & (lat <= _MOST_LAT)  # False for NaN, too
    return within


def _off_earth(
    geometry: gpd.GeoSeries, numbers: Coordinates, wrong: NDArray[np.bool_], *, where: str
) -> Iterator[Problem]:
    """Name the features whose coordinates are no place on the earth, each with its first one."""
    _, feature = shapely.get_coordinates(geometry.to_numpy(), return_index=True)
    features, first = np.unique(feature[wrong], return_index=True)
    for row, (x, y) in zip(features[:_MOST_NAMED], numbers[wrong][first], strict=False):
        message = (
            f"({x:.10g}, {y:.10g}) is no place on the earth in this CRS;"
            " the axes may be swapped, or the CRS is another"
        )
        zh = f"坐标（{x:.10g}, {y:.10g}）按此坐标系不在地球上；可能横纵坐标颠倒，或坐标系不对"
        yield Problem(where, str(geometry.index[row]), "coordinates", message, zh=zh)
    more = len(features) - _MOST_NAMED
    if more > 0:
        message = f"{more} more features have such coordinates; look at the CRS and the axis order"
        zh = f"另有 {more} 个要素的坐标也是如此；请核对坐标系与横纵坐标次序"
        yield Problem(where, "", "coordinates", message, zh=zh)


def _moved_back(places: Coordinates, declared: Declared, where: str) -> Coordinates:
    """Undo a shifted datum in China; nothing is shifted elsewhere."""
    inside = in_china(*places.T)
    if 2 * np.count_nonzero(inside) < len(places):
        lon, lat = places[~inside][0]
        name = phrase("datum", declared.datum)
        message = (
            f"({lon:.6f}, {lat:.6f}) and most others lie outside China, where {name.en} is not"
            " used; declare WGS 84, or choose another CRS"
        )
        zh = (
            f"（{lon:.6f}, {lat:.6f}）等多数坐标在中国以外，那里没有 {name.zh}；"
            "基准请选 WGS 84，或改选坐标系"
        )
        raise InputError([Problem(where, "", "datum", message, zh=zh)])
    back = places.copy()
    back[inside] = np.column_stack(SHIFTED[declared.datum](*places[inside].T))
    return back


def _code(crs: str) -> str:
    """Return the EPSG code of what a file names, its own words where it has none."""
    if not crs:
        return ""
    try:
        known = read_crs(crs, crs)
    except InputError:
        return ""
    code = known.to_epsg()
    return f"EPSG:{code}" if code else crs


def _rectangle(bounds: Bounds, crs: CRS, *, swapped: bool) -> BaseGeometry | None:
    """Return the rectangle in degrees that bounds take under a CRS, on its own datum."""
    west, south, east, north = bounds
    if swapped:
        west, south, east, north = south, west, north, east
    x, y = np.meshgrid(
        np.linspace(west, east, _SIDE_POINTS), np.linspace(south, north, _SIDE_POINTS)
    )
    places = np.column_stack(to_geodetic(crs).transform(x.ravel(), y.ravel()))
    if not _on_earth(places).all():
        return None
    rectangle = shapely.box(*places.min(axis=0), *places.max(axis=0))
    return rectangle.buffer(_A_TRIFLE)  # a lone point has a rectangle, too


def _note(crs: str, degrees: Bounds, *, chinese: bool) -> Text:
    """Say how good the conversion is, or that a web map's data may be shifted."""
    known = read_crs(crs, crs)
    if datum_of(crs) != "other":
        from_the_web = known.is_geographic or crs == "EPSG:3857"
        return phrase("note", "web_map") if chinese and from_the_web else Text(zh="", en="")
    numbers = to_geodetic(known).transform_bounds(*degrees, direction=TransformDirection.INVERSE)
    accuracy = to_wgs84(known, numbers).accuracy
    if accuracy < 0:
        return phrase("note", "ballpark")
    return phrase("note", "accuracy", metres=f"{accuracy:g}")
