"""The browser's polynomials against PROJ."""

import numpy as np
import pytest
from pyproj import Transformer

from layers.projection import polynomial_projection

PLACES = [
    ("EPSG:4548", (117.22, 38.96, 117.64, 39.25)),
    ("EPSG:2056", (9.47, 47.04, 9.64, 47.28)),
]


@pytest.mark.parametrize("crs,bounds", PLACES)
def test_the_polynomials_agree_with_proj_within_a_millimetre(
    crs: str, bounds: tuple[float, float, float, float]
) -> None:
    west, south, east, north = bounds
    random = np.random.default_rng(1)
    lon, lat = random.uniform(west, east, 5000), random.uniform(south, north, 5000)
    x, y = Transformer.from_crs("OGC:CRS84", crs, always_xy=True).transform(lon, lat)
    found_x, found_y = polynomial_projection(crs, bounds).project(lon, lat)
    assert np.hypot(found_x - x, found_y - y).max() < 0.001


@pytest.mark.parametrize("crs,bounds", PLACES)
def test_the_stated_residual_bounds_the_error(
    crs: str, bounds: tuple[float, float, float, float]
) -> None:
    fitted = polynomial_projection(crs, bounds)
    west, south, east, north = bounds
    lon, lat = np.array([west, west, east, east]), np.array([south, north, south, north])
    x, y = Transformer.from_crs("OGC:CRS84", crs, always_xy=True).transform(lon, lat)
    found_x, found_y = fitted.project(lon, lat)
    assert np.hypot(found_x - x, found_y - y).max() <= fitted.residual_m + 1e-6
    assert 0 < fitted.residual_m < 0.001


def test_there_is_a_coefficient_for_every_power_up_to_the_degree() -> None:
    fitted = polynomial_projection(*PLACES[0])
    terms = (fitted.degree + 1) * (fitted.degree + 2) // 2
    assert len(fitted.east) == len(fitted.north) == terms


def test_a_pack_of_one_point_still_has_a_projection() -> None:
    fitted = polynomial_projection("EPSG:4548", (117.3, 39.1, 117.3, 39.1))
    x, y = Transformer.from_crs("OGC:CRS84", "EPSG:4548", always_xy=True).transform(117.3, 39.1)
    found_x, found_y = fitted.project(117.3, 39.1)
    assert float(found_x) == pytest.approx(x, abs=0.001)
    assert float(found_y) == pytest.approx(y, abs=0.001)
