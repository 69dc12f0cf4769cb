"""GCJ-02 and BD-09, the shifted datums of Chinese web maps, and their exact inverses.

The forward formulas are the ones in general use (they were published from reverse engineering; no
official text exists). Inside China GCJ-02 moves a point by 300 to 700 m; BD-09 moves it from
there by another 600 to 1 000 m.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Degrees: TypeAlias = NDArray[np.float64]
_Shift: TypeAlias = Callable[[Degrees, Degrees], tuple[Degrees, Degrees]]

CHINA = (72.004, 0.8293, 137.8347, 55.8271)
"""West, south, east, north of the rectangle in which web maps shift (it holds some neighbours)."""
_SEMI_MAJOR_AXIS_M = 6_378_245.0  # Krasovsky 1940, which the formula uses
_ECCENTRICITY_SQUARED = 0.00669342162296594323
_BD09_EAST, _BD09_NORTH = 0.0065, 0.006  # degrees
_BD09_WAVE = np.pi * 3000.0 / 180.0
_STEPS = 4


def _waves(values: Degrees, *terms: tuple[float, float]) -> Degrees:
    """Sum of sine waves, each (amplitude in metres, wave number), scaled by the formula's 2/3."""
    total = np.zeros_like(values)
    for amplitude, number in terms:
        total += amplitude * np.sin(number * np.pi * values)
    return total * 2.0 / 3.0


def wgs84_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> tuple[Degrees, Degrees]:
    """Shift WGS 84 longitudes and latitudes to GCJ-02.

    Both arguments are in degrees and of one shape; so are the results. The formula holds inside
    China only; elsewhere GCJ-02 equals WGS 84, which this function does not look at.

    >>> lon, lat = wgs84_to_gcj02(117.35, 39.12)
    >>> 500 < float((lon - 117.35) * 86_400) < 600      # metres to the east, about
    True
    """
    lon = np.asarray(lon, dtype=np.float64)
    lat = np.asarray(lat, dtype=np.float64)
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    shared = _waves(x, (20.0, 6.0), (20.0, 2.0))
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + shared
    east += _waves(x, (20.0, 1.0), (40.0, 1 / 3), (150.0, 1 / 12), (300.0, 1 / 30))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + shared
    north += _waves(y, (20.0, 1.0), (40.0, 1 / 3), (160.0, 1 / 12), (320.0, 1 / 30))

    sine = np.sin(np.radians(lat))
    w = 1.0 - _ECCENTRICITY_SQUARED * sine * sine
    meridian_m = _SEMI_MAJOR_AXIS_M * (1.0 - _ECCENTRICITY_SQUARED) / (w * np.sqrt(w))
    parallel_m = _SEMI_MAJOR_AXIS_M / np.sqrt(w) * np.cos(np.radians(lat))
    return lon + np.degrees(east / parallel_m), lat + np.degrees(north / meridian_m)


def gcj02_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> tuple[Degrees, Degrees]:
    """Undo the GCJ-02 shift by fixed-point iteration (four steps: exact to 0.02 mm).

    Exact means that shifting the result again gives back the input; how well the published
    formula meets the real GCJ-02 is not known.

    >>> lon, lat = gcj02_to_wgs84(*wgs84_to_gcj02(117.35, 39.12))
    >>> round(float(lon), 10), round(float(lat), 10)
    (117.35, 39.12)
    """
    return _unshift(wgs84_to_gcj02, lon, lat)


def gcj02_to_bd09(lon: ArrayLike, lat: ArrayLike) -> tuple[Degrees, Degrees]:
    """Shift GCJ-02 longitudes and latitudes on to BD-09, the coordinates of Baidu's maps.

    >>> lon, lat = gcj02_to_bd09(116.404, 39.915)
    >>> round(float(lon), 6), round(float(lat), 6)
    (116.410369, 39.921337)
    """
    lon = np.asarray(lon, dtype=np.float64)
    lat = np.asarray(lat, dtype=np.float64)
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD09_WAVE)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD09_WAVE)
    return radius * np.cos(angle) + _BD09_EAST, radius * np.sin(angle) + _BD09_NORTH


def bd09_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> tuple[Degrees, Degrees]:
    """Undo the step from GCJ-02 to BD-09, exactly in the sense of `gcj02_to_wgs84`.

    The inverse in general use is one step without iteration and stops up to 0.2 m short.
    """
    return _unshift(gcj02_to_bd09, lon, lat)


def wgs84_to_bd09(lon: ArrayLike, lat: ArrayLike) -> tuple[Degrees, Degrees]:
    """Shift WGS 84 longitudes and latitudes to BD-09, by way of GCJ-02."""
    return gcj02_to_bd09(*wgs84_to_gcj02(lon, lat))


def bd09_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> tuple[Degrees, Degrees]:
    """Undo the BD-09 shift exactly, by way of GCJ-02.

    >>> lon, lat = bd09_to_wgs84(*wgs84_to_bd09(117.35, 39.12))
    >>> round(float(lon), 10), round(float(lat), 10)
    (117.35, 39.12)
    """
    return gcj02_to_wgs84(*bd09_to_gcj02(lon, lat))


def in_china(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Tell which positions lie where web maps shift; elsewhere all three datums are one.

    >>> bool(in_china(117.3, 39.1)), bool(in_china(9.5, 47.1))
    (True, False)
    """
    lon, lat = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    west, south, east, north = CHINA
    inside: NDArray[np.bool_] = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    return inside


def _unshift(shift: _Shift, lon: ArrayLike, lat: ArrayLike) -> tuple[Degrees, Degrees]:
    target_lon = np.asarray(lon, dtype=np.float64)
    target_lat = np.asarray(lat, dtype=np.float64)
    found_lon, found_lat = target_lon.copy(), target_lat.copy()
    for _ in range(_STEPS):
        shifted_lon, shifted_lat = shift(found_lon, found_lat)
        found_lon = found_lon + target_lon - shifted_lon
        found_lat = found_lat + target_lat - shifted_lat
    return found_lon, found_lat
