"""A projection as polynomials, so that a browser can compute metric coordinates without PROJ."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS, Transformer

Floats = NDArray[np.float64]

_DEGREE = 6
_NODES = 16


@dataclass(frozen=True, slots=True)
class PolynomialProjection:
    """Polynomials from degrees to metres, good inside `bounds` (west, south, east, north).

    With u = (lon - lon0) / lon_scale and v = (lat - lat0) / lat_scale, easting and northing are
    sums of coefficient · u^i · v^j for i in 0..degree and j in 0..degree-i, in that order.
    `residual_m` is the largest error found on points between the nodes of the fit.
    """

    name: str
    lon0: float
    lat0: float
    lon_scale: float
    lat_scale: float
    degree: int
    east: tuple[float, ...]
    north: tuple[float, ...]
    bounds: tuple[float, float, float, float]
    residual_m: float

    def project(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
        """Easting and northing in metres of WGS 84 degrees, as the browser computes them."""
        terms = _terms(self._normal(lon, lat))
        return terms @ np.asarray(self.east), terms @ np.asarray(self.north)

    def _normal(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
        u = (np.asarray(lon, dtype=np.float64) - self.lon0) / self.lon_scale
        v = (np.asarray(lat, dtype=np.float64) - self.lat0) / self.lat_scale
        return u, v


def polynomial_projection(
    metric_crs: str, bounds: tuple[float, float, float, float]
) -> PolynomialProjection:
    """Fit the projection of a metric CRS over a rectangle of degrees, by least squares.

    Over a district (a degree or less) the error stays below a millimetre.
    """
    west, south, east, north = bounds
    lon0, lat0 = (west + east) / 2, (south + north) / 2
    lon_scale, lat_scale = max((east - west) / 2, 1e-6), max((north - south) / 2, 1e-6)
    crs = CRS.from_user_input(metric_crs)
    transformer = Transformer.from_crs("OGC:CRS84", crs, always_xy=True)
    # Chebyshev nodes keep the polynomial from swinging at the edges.
    nodes = np.cos((2 * np.arange(_NODES) + 1) * np.pi / (2 * _NODES))
    u, v = (grid.ravel() for grid in np.meshgrid(nodes, nodes))
    x, y = transformer.transform(lon0 + u * lon_scale, lat0 + v * lat_scale)
    solved, *_ = np.linalg.lstsq(_terms((u, v)), np.column_stack([x, y]), rcond=None)
    between = np.linspace(-1, 1, 2 * _NODES + 1)
    u, v = (grid.ravel() for grid in np.meshgrid(between, between))
    x, y = transformer.transform(lon0 + u * lon_scale, lat0 + v * lat_scale)
    errors = np.hypot(*(_terms((u, v)) @ solved - np.column_stack([x, y])).T)
    return PolynomialProjection(
        name=crs.name,
        lon0=lon0,
        lat0=lat0,
        lon_scale=lon_scale,
        lat_scale=lat_scale,
        degree=_DEGREE,
        east=tuple(solved[:, 0].tolist()),
        north=tuple(solved[:, 1].tolist()),
        bounds=bounds,
        residual_m=float(errors.max()),
    )


def _terms(normal: tuple[Floats, Floats]) -> Floats:
    u, v = normal
    return np.stack([u**i * v**j for i, j in _powers()], axis=-1)


def _powers() -> Iterator[tuple[int, int]]:
    for i in range(_DEGREE + 1):
        for j in range(_DEGREE + 1 - i):
            yield i, j
