"""GCJ-02: the inverse undoes the shift, and the shift has the size that was measured elsewhere."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from layers.datum import gcj02_to_wgs84, wgs84_to_gcj02

GEOD = Geod(ellps="WGS84")
longitudes = st.floats(73.6, 135.1)  # China's extent
latitudes = st.floats(3.9, 53.6)


def metres(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    return float(GEOD.inv(lon1, lat1, lon2, lat2)[2])


@given(longitudes, latitudes)
@settings(max_examples=300)
def test_shifting_and_unshifting_comes_back_within_a_millimetre(lon: float, lat: float) -> None:
    back_lon, back_lat = gcj02_to_wgs84(*wgs84_to_gcj02(lon, lat))
    assert metres(lon, lat, float(back_lon), float(back_lat)) < 0.001


@given(longitudes, latitudes)
@settings(max_examples=300)
def test_unshifting_and_shifting_comes_back_within_a_millimetre(lon: float, lat: float) -> None:
    back_lon, back_lat = wgs84_to_gcj02(*gcj02_to_wgs84(lon, lat))
    assert metres(lon, lat, float(back_lon), float(back_lat)) < 0.001


def test_the_shift_over_a_whole_grid_of_the_district_is_537_to_582_m() -> None:
    lon, lat = (
        grid.ravel()
        for grid in np.meshgrid(np.linspace(117.22, 117.63, 60), np.linspace(38.97, 39.24, 60))
    )
    shifted = wgs84_to_gcj02(lon, lat)
    shifts = GEOD.inv(lon, lat, *shifted)[2]
    assert shifts.min() >= 537 - 1
    assert shifts.max() <= 582 + 1


def test_points_may_come_one_by_one_or_all_at_once() -> None:
    lons, lats = np.array([117.3, 117.5]), np.array([39.0, 39.2])
    together = wgs84_to_gcj02(lons, lats)
    for number in range(2):
        alone = wgs84_to_gcj02(lons[number], lats[number])
        assert (float(alone[0]), float(alone[1])) == (together[0][number], together[1][number])


def test_the_arrays_given_are_left_as_they_were() -> None:
    lons, lats = np.array([117.3]), np.array([39.0])
    gcj02_to_wgs84(lons, lats)
    assert (lons[0], lats[0]) == (117.3, 39.0)
