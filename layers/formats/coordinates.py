"""Coordinates in a table's cells: which columns hold them, and what a cell says."""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

_MARKS = str.maketrans(
    dict.fromkeys("º˚度", "°") | dict.fromkeys("′’‘´`＇分", "'") | dict.fromkeys("″“”＂秒", '"')
)
_HALF = r"(?:[NSEW]|东经|西经|北纬|南纬)"
_ANGLE = re.compile(
    rf"(?P<before>{_HALF})?\s*(?P<sign>[+-]?)(?P<degrees>[0-9]+(?:\.[0-9]+)?)\s*"
    r"(?:°\s*(?:(?P<minutes>[0-9]+(?:\.[0-9]+)?)\s*'?\s*(?:(?P<seconds>[0-9]+(?:\.[0-9]+)?)"
    rf"\s*\"?\s*)?)?)?\s*(?P<after>{_HALF})?",
    re.IGNORECASE,
)
_NORTHERN, _NEGATIVE = ("N", "S", "北纬", "南纬"), ("S", "W", "南纬", "西经")
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-][0-9]{1,3})?")
_BRACKETS = "()[]{}<>【】"
_MOST_DEGREES = 180
_LONGEST = 100  # letters; a longer cell is no coordinate, and would keep the patterns busy

_SAMPLE = 200  # cells of a column that are looked at to propose it
_MOST_OF = 0.8  # of them must be alike
_NUMBERS = 0.5  # of them at least must be numbers, whatever the column's name
_FINE = re.compile(r"\.[0-9]{3}|[°度]")  # as degrees are written when they mean a place
# Degrees of China, and metres as Gauss-Krüger writes them, without and with the zone's number.
_LON, _LAT = (73.0, 136.0), (3.0, 54.0)
_EASTINGS = ((300_000.0, 700_000.0), (13_000_000.0, 46_000_000.0))
_NORTHING = (2_000_000.0, 6_000_000.0)

# Names that say which is which, then names that do not: of X and Y the values decide.
_SURE = (
    ("经度", "纬度"),
    ("东经", "北纬"),
    ("longitude", "latitude"),
    ("lng", "lat"),
    ("lon", "lat"),
    ("long", "lat"),
    ("easting", "northing"),
    ("东坐标", "北坐标"),
    ("横坐标", "纵坐标"),
    ("东", "北"),
    ("east", "north"),
)
_LOOSE = (("x", "y"),)
_BOTH = (
    "坐标",
    "经纬度",
    "位置",
    "点位",
    "location",
    "position",
    "coordinate",
    "coordinates",
    "coord",
    "coords",
    "lnglat",
    "lonlat",
    "latlng",
    "latlon",
    "gps",
)
_GEOMETRY = re.compile(
    r"\s*(?:SRID=[0-9]+;\s*)?(?:MULTI)?(?:POINT|LINESTRING|POLYGON)(?:\s*Z?M?)?\s*(?:\(|EMPTY)"
    r"|\s*\{\s*\"(?:type|coordinates)\"\s*:",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Columns that look like coordinates: `x` and `y`, or `x` alone for both in one, or `wkt`."""

    x: str = ""
    y: str = ""
    wkt: str = ""


Looks = Literal["lon", "lat", "easting", "northing", "number", "other"]


def number(text: str) -> float | None:
    """A coordinate as a number: metres, decimal degrees, or degrees, minutes and seconds.

    None where the cell is something else. Full-width figures and marks are understood; a decimal
    comma is not guessed.

    >>> number("117°21′00″"), number("39度7分12秒"), number("530000.5"), number("117,35")
    (117.35, 39.12, 530000.5, None)
    """
    found = _angle(text)
    return None if found is None else found[0]


def pair(text: str) -> tuple[float, float] | None:
    """Both coordinates of a cell such as "117.35,39.12", in the order in which they stand.

    Where letters say which is the latitude (39°7′N, 117°21′E) it comes second. Two short whole
    numbers are no pair: "117,35" may be a decimal comma.

    >>> pair("117.35，39.12"), pair("(530000 4330000)"), pair("N39.12 E117.35"), pair("117,35")
    ((117.35, 39.12), (530000.0, 4330000.0), (117.35, 39.12), None)
    """
    if len(text) > _LONGEST:
        return None
    plain = unicodedata.normalize("NFKC", text.translate(_MARKS)).strip().strip(_BRACKETS)
    parts = [part for part in re.split(r"[,;、/]", plain) if part.strip()]
    if len(parts) == 1:
        parts = plain.split()
    if len(parts) != 2:  # noqa: PLR2004 - a pair
        return None
    first, second = _angle(parts[0]), _angle(parts[1])
    if first is None or second is None:
        return None
    (a, a_north), (b, b_north) = first, second
    if not any(mark in plain for mark in ".°") and max(abs(a), abs(b)) <= _MOST_DEGREES:
        return None
    return (b, a) if a_north is True or b_north is False else (a, b)


def proposal(columns: Mapping[str, Sequence[str]]) -> Proposal:
    """Propose the columns that hold the coordinates, from their names and their contents.

    Geometry as text comes first, then names that say what they are (经度 and 纬度, easting and
    northing, Y(东) and X(北)), then X and Y, then one column with both, then contents alone. In
    Chinese surveying X is north and Y is east: of X and Y, and without any name, the values
    decide, by the degrees of China and the metres of Gauss-Krüger. A column must hold numbers to
    be proposed, whatever its name.

    >>> proposal({"X": ["4330000.1"], "Y": ["530000.2"]})
    Proposal(x='Y', y='X', wkt='')
    """
    samples = {name: [cell for cell in cells if cell][:_SAMPLE] for name, cells in columns.items()}
    for name, cells in samples.items():
        if cells and all(_GEOMETRY.match(cell) for cell in cells):
            return Proposal(wkt=name)
    looks = {name: _looks(cells) for name, cells in samples.items()}
    for x, y in _named(samples, _SURE):
        if "other" not in (looks[x], looks[y]):
            return Proposal(x, y)
    for x, y in _named(samples, _LOOSE):
        if "other" not in (looks[x], looks[y]):
            turned = looks[x] in {"lat", "northing"} and looks[y] in {"lon", "easting"}
            return Proposal(y, x) if turned else Proposal(x, y)
    both = [name for name, cells in samples.items() if _share(cells, pair) >= _MOST_OF]
    for name in sorted(both, key=lambda name: not set(_words(name)) & set(_BOTH)):
        return Proposal(name)
    return _by_values(samples, looks)


def _angle(text: str) -> tuple[float, bool | None] | None:
    """A number, and whether a letter says that it is a latitude (None where no letter stands)."""
    if _PLAIN.fullmatch(text):
        return _finite(float(text), None)
    if len(text) > _LONGEST:
        return None
    plain = unicodedata.normalize("NFKC", text.translate(_MARKS)).strip().replace("''", '"')
    found = _ANGLE.fullmatch(plain)
    if found is None:
        return None
    degrees, minutes, seconds = (
        float(found[name] or 0) for name in ("degrees", "minutes", "seconds")
    )
    half = (found["before"] or found["after"] or "").upper()
    twice = (found["before"] and found["after"]) or (half and found["sign"])
    too_much = degrees > _MOST_DEGREES or max(minutes, seconds) >= 60  # noqa: PLR2004 - minutes
    if twice or ((half or "°" in plain) and too_much):
        return None
    value = degrees + minutes / 60 + seconds / 3600
    negative = found["sign"] == "-" or half in _NEGATIVE
    return _finite(-value if negative else value, (half in _NORTHERN) if half else None)


def _finite(value: float, northern: bool | None) -> tuple[float, bool | None] | None:  # noqa: FBT001
    return (value, northern) if math.isfinite(value) else None


def _looks(cells: Sequence[str]) -> Looks:
    """What a column's cells could be."""
    values = [value for value in map(number, cells) if value is not None]
    if not cells or len(values) < _NUMBERS * len(cells):
        return "other"

    def within(*ranges: tuple[float, float]) -> bool:
        inside = sum(any(low <= value <= high for low, high in ranges) for value in values)
        return inside >= _MOST_OF * len(values)

    if within(_LON):
        return "lon"
    if within(_LAT):
        return "lat"
    if within(*_EASTINGS):
        return "easting"
    return "northing" if within(_NORTHING) else "number"


def _named(
    columns: Mapping[str, Sequence[str]], tokens: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Pairs of columns whose names differ in the token alone; the shortest names first."""
    words = {name: _words(name) for name in columns}
    found = []
    for east, north in tokens:
        named = [name for name in columns if _has(words[name], east)]
        for x in sorted(named, key=len):
            twin = [word.replace(east, north) for word in words[x]]
            others = [y for y in columns if y != x and _has(words[y], north)]
            others.sort(key=lambda y: (words[y] != twin, len(y)))
            found += [(x, y) for y in others[:1]]
    return found


def _has(words: Sequence[str], token: str) -> bool:
    """Tell whether a name holds a token: as a word; a Chinese one of two letters also in a word."""
    if token in words:
        return True
    return not token.isascii() and len(token) > 1 and any(token in word for word in words)


def _words(name: str) -> list[str]:
    """Words of a column's name, in small letters.

    >>> _words("stopLon_WGS84"), _words("Y(东)")
    (['stop', 'lon', 'wgs', '84'], ['y', '东'])
    """
    plain = unicodedata.normalize("NFKC", name)
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain).lower()
    return re.findall(r"[a-z]+|[0-9]+|[^\W\d_a-z]+", plain)


def _share(cells: Sequence[str], reads: Callable[[str], object]) -> float:
    return sum(reads(cell) is not None for cell in cells) / len(cells) if cells else 0.0


def _by_values(samples: Mapping[str, Sequence[str]], looks: Mapping[str, Looks]) -> Proposal:
    """Two columns that can be nothing else: one of each kind, written as finely as places are."""
    for east, north in (("lon", "lat"), ("easting", "northing")):
        kinds = {
            kind: [
                name
                for name, cells in samples.items()
                if looks[name] == kind and (kind in {"easting", "northing"} or _is_fine(cells))
            ]
            for kind in (east, north)
        }
        if len(kinds[east]) == 1 and len(kinds[north]) == 1:
            return Proposal(kinds[east][0], kinds[north][0])
    return Proposal()


def _is_fine(cells: Sequence[str]) -> bool:
    return sum(_FINE.search(cell) is not None for cell in cells) >= _MOST_OF * len(cells)
