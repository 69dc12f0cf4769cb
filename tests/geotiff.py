"""Small GeoTIFFs for the tests."""

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine

# Cells of 10 m; the north-west corner lies at (500 000, 4 300 000).
NORTH_UP = Affine(10, 0, 500_000, 0, -10, 4_300_000)


def write(
    path: Path,
    values: np.ndarray,
    transform: Affine = NORTH_UP,
    crs: str | None = "EPSG:4548",
    **profile: Any,  # noqa: ANN401 - GeoTIFF creation options
) -> Path:
    bands = values if values.ndim == 3 else values[None]
    shape = {"count": bands.shape[0], "height": bands.shape[1], "width": bands.shape[2]}
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype=bands.dtype,
        transform=transform,
        crs=crs,
        **shape,
        **profile,
    ) as file:
        file.write(bands)
    return path
