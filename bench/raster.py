"""Share of classes on a raster by zone, against exactextract.

`python run.py bench raster`. exactextract is the peer that counts fractions of cells, too; it
keeps them in single precision, so agreement is asked to a millionth. It is given the cells that
count as a raster of ones and noughts, the least that it needs; ours looks for cells without data
and lists the largest places that do not count as well. All input is invented, from a fixed seed.
"""

import warnings
from functools import partial

import geopandas as gpd
import numpy as np
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from numpy.typing import NDArray

from bench.coverage import CRS, ROUNDS, cpu_seconds
from bench.land import SIZE_M, zones
from layers.grid import Grid
from spatial.measures import raster_share

CELL_M = 2.0
CLASSES = (1, 3, 14, 17)
AGREEMENT = 1e-6


def grid() -> Grid:
    """Patches of some tens of metres in ten classes, 50 million cells."""
    columns, rows = (int(side / CELL_M) for side in SIZE_M)
    patches = np.random.default_rng(4).integers(1, 18, (rows // 20 + 1, columns // 20 + 1))
    values = np.kron(patches.astype(np.uint8), np.ones((20, 20), dtype=np.uint8))[:rows, :columns]
    transform = (CELL_M, 0.0, 0.0, 0.0, -CELL_M, SIZE_M[1])
    return Grid(values, np.ones(values.shape, dtype=bool), transform, CRS)


def ours(raster: Grid, cells: gpd.GeoDataFrame) -> list[float]:
    """Share of each zone, with this project."""
    classes = tuple(f"{one:02d}" for one in CLASSES)
    found = raster_share(raster, cells, classes=classes, code_digits=2)
    return [float(value) for value in found.values["value"]]


def peer(counts: NDArray[np.uint8], cells: gpd.GeoDataFrame) -> list[float]:
    """Share of each zone, with exactextract."""
    source = NumPyRasterSource(counts, 0.0, 0.0, SIZE_M[0], SIZE_M[1], srs_wkt=cells.crs.to_wkt())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = exact_extract(source, cells, "mean", output="pandas")
    return [float(value) for value in found["mean"]]


def main() -> None:
    """Time both and print the ratio."""
    raster, cells = grid(), zones()
    counts = np.isin(raster.values, CLASSES).astype(np.uint8)
    pairs = zip(ours(raster, cells), peer(counts, cells), strict=True)
    worst = max(abs(one - other) for one, other in pairs)
    if worst > AGREEMENT:
        raise SystemExit(f"shares differ by {worst:.1e}, {AGREEMENT:.0e} is allowed")
    ours_s = cpu_seconds(partial(ours, raster, cells))
    peer_s = cpu_seconds(partial(peer, counts, cells))
    print(f"Shares of {len(cells)} zones on {raster.values.size / 1e6:.0f} million cells;")
    print(f"CPU seconds, median of {ROUNDS}; the largest difference is {worst:.1e}\n")
    print(f"{'this project':16} {ours_s:7.2f}   1.00")
    print(f"{'exactextract':16} {peer_s:7.2f}   {peer_s / ours_s:.2f}")


if __name__ == "__main__":
    main()
