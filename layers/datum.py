"""GCJ-02, the shifted datum of Chinese web maps, and its exact inverse.

The forward formula is the one in general use (it was published from reverse engineering; no
official text exists). Inside China it moves a point by 300 to 700 m.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Degrees = NDArray[np.float64]

_SEMI_MAJOR_AXIS_M = 6_378_245.0  # Krasovsky 1940, which the formula uses
_ECCENTRICITY_SQUARED = 0.00669342162296594323


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
    """Undo the GCJ-02 shift by fixed-point iteration (six steps: exact to a micrometre).

    Exact means that shifting the result again gives back the input; how well the published
    formula meets the real GCJ-02 is not known.

    >>> lon, lat = gcj02_to_wgs84(*wgs84_to_gcj02(117.35, 39.12))
    >>> round(float(lon), 10), round(float(lat), 10)
    (117.35, 39.12)
    """
    target_lon = np.asarray(lon, dtype=np.float64)
    target_lat = np.asarray(lat, dtype=np.float64)
    found_lon, found_lat = target_lon.copy(), target_lat.copy()
    for _ in range(6):
        shifted_lon, shifted_lat = wgs84_to_gcj02(found_lon, found_lat)
        found_lon = found_lon + target_lon - shifted_lon
        found_lat = found_lat + target_lat - shifted_lat
    return found_lon, found_lat
