"""What a file says of its coordinates, as a code where it is exactly that, else as WKT."""

import re

from pyproj import CRS
from pyproj.exceptions import CRSError

from layers.crs import read_crs
from layers.problem import InputError, Problem

DEGREES = "EPSG:4326"
"""What formats mean that know WGS 84 only; in a frame x (longitude) comes first all the same."""
_SURE, _LIKELY = 100, 25  # confidence of PROJ, percent
_FOREIGN = re.compile(r"nadgrids|geoidgrids|PARAMETERFILE|GRID_FILE|\+init|file:", re.IGNORECASE)
_DIGITS = 9


def crs_name(text: str, where: str) -> tuple[str, Problem | None]:
    """Return the CRS that a file names, as `EPSG:4548` where that code has the same numbers.

    Empty, with a Problem, where what stands there is no CRS or wants a file of the machine that
    reads it; empty alone where nothing stands there.

    >>> crs_name(CRS.from_epsg(4527).to_wkt("WKT1_ESRI"), "x")
    ('EPSG:4527', None)
    >>> crs_name("urn:ogc:def:crs:OGC:1.3:CRS84", "x")
    ('EPSG:4326', None)
    """
    text = text.lstrip("\ufeff").strip().strip("\0")
    if not text:
        return "", None
    try:
        crs = read_crs(text, where)  # refuses what may name files of the machine
        code = _exact(CRS.from_user_input(text)) or _code(crs)
        plain = str(crs.to_wkt()) if code is None else ""
    except (InputError, CRSError):
        return "", _unreadable(where)
    if code is not None:
        return f"EPSG:{code}", None
    return ("", _unreadable(where)) if _FOREIGN.search(plain) else (plain, None)


def _exact(crs: CRS) -> int | None:
    if crs.is_compound:  # heights say nothing of the place
        crs = crs.sub_crs_list[0]
    if crs.to_authority() == ("OGC", "CRS84"):
        return 4326
    code = crs.to_epsg(min_confidence=_SURE)
    return None if code is None or len(crs.axis_info) != 2 else int(code)  # noqa: PLR2004 - x, y


def _code(crs: CRS) -> int | None:
    # WKT of the older GDAL names axes otherwise, and PROJ is then not sure though all is the same.
    said = crs.to_json_dict().get("id", {})
    guesses = [said.get("code") if said.get("authority") == "EPSG" else None]
    guesses.append(crs.to_epsg(min_confidence=_LIKELY))
    for guess in guesses:
        if isinstance(guess, int) and _same_numbers(crs, guess):
            return guess
    return None


def _same_numbers(crs: CRS, code: int) -> bool:
    """Tell whether a CRS and that of a code give a place the same numbers, whatever their order."""
    try:
        other = CRS.from_epsg(code)
    except CRSError:
        return False
    return _numbers(crs) == _numbers(other)


def _numbers(crs: CRS) -> tuple[object, ...]:
    ellipsoid, meridian, operation = crs.ellipsoid, crs.prime_meridian, crs.coordinate_operation
    datum = crs.datum.name if crs.datum is not None else ""
    return (
        crs.type_name,
        re.sub(r"[^a-z0-9]", "", datum.lower()),
        ellipsoid and (ellipsoid.semi_major_metre, round(ellipsoid.inverse_flattening, _DIGITS)),
        meridian and meridian.longitude,
        {axis.unit_name for axis in crs.axis_info} == {"metre"},
        operation and operation.method_name,
        operation
        and sorted((p.name, _rounded(p.value), p.unit_name.lower()) for p in operation.params),
    )


def _rounded(value: object) -> object:
    return round(value, _DIGITS) if isinstance(value, float) else value


def _unreadable(where: str) -> Problem:
    return Problem(
        where,
        "",
        "crs",
        "what the file says of its coordinate reference system cannot be read, and is passed over;"
        " choose it by hand",
        zh="文件写的坐标系无法识别，已略过；请手动选择",
    )
