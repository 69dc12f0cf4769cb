"""Coordinate reference systems: reading, naming, and those in use at a place."""

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError
from pyproj.transformer import TransformerGroup

from layers.phrases import phrase
from layers.problem import InputError, Problem
from layers.text import Text

CrsDatum = Literal["wgs84", "cgcs2000", "other"]
Bounds = tuple[float, float, float, float]

_AUTHORITY = re.compile(r"(urn:ogc:def:crs:)?(EPSG|OGC|ESRI|IGNF)[\w:.]*:[\w.]+", re.IGNORECASE)
_WKT = re.compile(r"\s*[A-Z0-9_]{4,}\s*[\[(]")
_DATUMS = {
    "wgs84": re.compile(r"WGS[ _]?(19)?84|World Geodetic System 1984", re.IGNORECASE),
    "cgcs2000": re.compile(
        r"China[ _](Geodetic[ _]Coordinate[ _]System[ _])?2000|CGCS[ _]?2000", re.IGNORECASE
    ),
    "xian1980": re.compile(r"Xian[ _]?(19)?80", re.IGNORECASE),
    "beijing1954": re.compile(r"^(?!New).*Beijing[ _]?(19)?54", re.IGNORECASE),
}
_SAME_PLACES: Mapping[str, CrsDatum] = {"wgs84": "wgs84", "cgcs2000": "cgcs2000"}
_GAUSS_KRUGER = re.compile(r"(3-degree )?Gauss-Kruger (?:CM (\d+)E|zone (\d+))$")
_UTM = re.compile(r"WGS 84 / UTM zone (\d+)([NS])$")
_WEB_MERCATOR = 3857
_FIRST_MERIDIAN = 75
_SOUTHMOST, _NORTHMOST = -80.0, 84.0  # of UTM

_GRIDS: tuple[tuple[str, dict[int, tuple[int, int]]], ...] = (
    ("cgcs2000", {3: (4534, 4513), 6: (4502, 4491)}),
    ("xian1980", {3: (2370, 2349), 6: (2338, 2327)}),
    ("beijing1954", {3: (2422, 2401), 6: (21453, 21413)}),
)
"""EPSG codes of China's Gauss-Kruger grids at 75° E, by width of the zones in degrees: with a
plain false easting, and with the zone's number before it. The next zones' codes follow by one."""


def read_crs(text: str, where: str) -> CRS:
    """Read a CRS from a code (`EPSG:4548`) or from WKT, in two dimensions.

    Raises InputError where it is not known, or is neither geographic nor projected.
    """
    shown = text if _AUTHORITY.fullmatch(text) else f"{text[:40]}…"
    unknown = Problem(
        where,
        "",
        "crs",
        f"unknown CRS '{shown}'; name one as in 'EPSG:4490'",
        zh=f"不认识的坐标系“{shown}”；请写成“EPSG:4490”这样的代码",
    )
    # PROJ strings are not taken: they may name files of the machine that reads them.
    if not (_AUTHORITY.fullmatch(text) or _WKT.match(text)):
        raise InputError([unknown])
    try:
        crs = CRS.from_user_input(text).to_2d()
    except CRSError as error:
        raise InputError([unknown]) from error
    if not (crs.is_geographic or crs.is_projected):
        message = f"'{shown}' says nothing of places on the earth; choose the data's true CRS"
        zh = f"“{shown}”不是大地坐标系或投影坐标系；请选择数据真正的坐标系"
        raise InputError([Problem(where, "", "crs", message, zh=zh)])
    return crs


def datum_of(crs: str) -> CrsDatum:
    """Return the datum that a CRS stands on, as far as it matters here.

    WGS 84 and CGCS2000 agree within a metre, so data on either may be declared as on the other;
    "other" is every other datum, whose positions differ by metres to hundreds of metres.

    >>> datum_of("EPSG:4548"), datum_of("EPSG:3857"), datum_of("EPSG:2056")
    ('cgcs2000', 'wgs84', 'other')
    """
    name = _datum_name(read_crs(crs, crs))
    return _SAME_PLACES.get(name, "other")


def crs_title(crs: str) -> Text:
    """Name a CRS in a planner's words.

    >>> crs_title("EPSG:4527").in_("zh")
    '2000 国家大地坐标系，3 度带第 39 带，横坐标带带号'
    >>> crs_title("EPSG:32650").in_("en")
    'WGS 84, UTM zone 50 north'
    """
    known = read_crs(crs, crs)
    datum = _datum_name(known)
    if known.to_epsg() == _WEB_MERCATOR:
        return phrase("crs", "web_mercator")
    if datum and known.is_geographic:
        return phrase("crs", "degrees", datum=phrase("datum", datum))
    grid = _GAUSS_KRUGER.search(known.name)
    if datum and grid:
        three, meridian, zone = grid.groups()
        name = f"{'three' if three else 'six'}_{'meridian' if meridian else 'zone'}"
        return phrase("crs", name, datum=phrase("datum", datum), number=meridian or zone)
    utm = _UTM.match(known.name)
    if utm:
        name = "utm_north" if utm[2] == "N" else "utm_south"
        return phrase("crs", name, number=utm[1])
    return phrase("crs", "named", name=known.name)


def local_crs(lon: float, lat: float, *, chinese: bool) -> Iterator[str]:
    """Yield the CRS in which data about a place usually come, the likeliest first.

    In China these are degrees, the 3° and 6° Gauss-Kruger zones around the place on CGCS2000 with
    and without the zone's number, Web Mercator, UTM, and the same zones on the older datums;
    elsewhere degrees on WGS 84, UTM and Web Mercator.
    """
    if chinese:
        yield "EPSG:4490"
    yield "EPSG:4326"
    grids = list(_gauss_kruger(lon)) if chinese else []
    yield from (code for datum, code in grids if datum == "cgcs2000")
    yield f"EPSG:{_WEB_MERCATOR}"
    if _SOUTHMOST <= lat <= _NORTHMOST:
        zone = int((lon + 180) // 6) % 60 + 1
        yield f"EPSG:{(32600 if lat >= 0 else 32700) + zone}"
    if chinese:
        yield from ("EPSG:4610", "EPSG:4214")
    yield from (code for datum, code in grids if datum != "cgcs2000")


def to_wgs84(crs: CRS, bounds: Bounds) -> Transformer:
    """Return the one conversion to WGS 84, longitude first, that serves all within the bounds.

    CGCS2000 is taken as WGS 84. Of several conversions one is chosen for all coordinates: PROJ
    left alone may change its mind from point to point, and tear a layer apart at the edge of an
    oil field. Its `accuracy` is in metres, -1 where nobody knows.

    Raises ProjError where there is none, as from another planet.
    """
    if _datum_name(crs) in _SAME_PLACES:
        return to_geodetic(crs)
    group = TransformerGroup(crs, "EPSG:4326", always_xy=True)
    if not group.transformers:
        raise ProjError("no conversion")
    west, south, east, north = bounds
    for transformer in group.transformers:
        # Not every conversion says where it is meant to be used, whatever the types say.
        use: Bounds | None = getattr(transformer.area_of_use, "bounds", None)
        lon, lat = transformer.transform([west, west, east, east], [south, north, south, north])
        if use is None or _holds(use, (min(lon), min(lat), max(lon), max(lat))):
            return transformer
    return group.transformers[-1]


def to_geodetic(crs: CRS) -> Transformer:
    """Return the conversion to degrees on the CRS's own datum, longitude first.

    Where that is neither WGS 84 nor CGCS2000, places are off by some hundred metres at most.
    (PROJ searches long for a conversion from CGCS2000 to WGS 84, to find none.)
    """
    return Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)


def _holds(outer: Bounds, inner: Bounds) -> bool:
    low = outer[0] <= inner[0] and outer[1] <= inner[1]
    return low and inner[2] <= outer[2] and inner[3] <= outer[3]


def _datum_name(crs: CRS) -> str:
    """Return the key of the datum in `_DATUMS`, empty for any other."""
    geodetic = crs.geodetic_crs
    datum = None if geodetic is None else geodetic.datum
    said = "" if datum is None else datum.name
    return next((name for name, pattern in _DATUMS.items() if pattern.search(said)), "")


def _gauss_kruger(lon: float) -> Iterator[tuple[str, str]]:
    """Datum and code of the zones around a meridian: 3° and its neighbours, then 6°."""
    nearest = round(lon / 3) * 3
    for datum, widths in _GRIDS:
        for meridian in (nearest, nearest - 3, nearest + 3):
            yield from _codes(datum, widths[3], (meridian - _FIRST_MERIDIAN) // 3, 21)
        six = int(lon // 6) * 6 + 3
        plain, prefixed = widths[6]
        # Without the zone's number, a 6° zone equals the 3° zone of the same meridian.
        yield from list(_codes(datum, (plain, prefixed), (six - _FIRST_MERIDIAN) // 6, 11))[1:]


def _codes(datum: str, first: tuple[int, int], step: int, count: int) -> Iterator[tuple[str, str]]:
    if 0 <= step < count:
        yield from ((datum, f"EPSG:{code + step}") for code in first)
