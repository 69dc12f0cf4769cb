"""Stop coverage per zone, against a union per zone, and one union with geopandas.overlay.

`python run.py bench coverage`. The peers: unite, for each zone, the discs that reach it, the way
that grows least with the stops; and the one in most notebooks, to buffer every stop, dissolve the
discs into one geometry and overlay it with the zones. Our measure always hands back the gaps with
their nearest stop as well, so the latter is timed with and without gaps. All input is invented,
from a fixed seed.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.geometry.discs import QUAD_SEGS
from spatial.measures import stop_coverage

CRS = "EPSG:4548"
COLUMNS, ROWS = 16, 9
ZONE_M = 1_500.0
RADIUS_M = 500.0
STOPS = (1_200, 10_800)
ROUNDS = 3
AGREEMENT = 1e-9
BAR = 1.2
PER_ZONE = "union per zone"

Way = Callable[[gpd.GeoDataFrame, gpd.GeoDataFrame], "pd.Series[float]"]


def zones() -> gpd.GeoDataFrame:
    """Lay out 16 × 9 square zones."""
    cells = [
        shapely.box(x * ZONE_M, y * ZONE_M, (x + 1) * ZONE_M, (y + 1) * ZONE_M)
        for y in range(ROWS)
        for x in range(COLUMNS)
    ]
    return gpd.GeoDataFrame(geometry=cells, index=[f"Z{n:03d}" for n in range(len(cells))], crs=CRS)


def stops(count: int) -> gpd.GeoDataFrame:
    """Scatter stops around town centres, as real ones lie, and a third of them anywhere."""
    random = np.random.default_rng(20_251_123)
    size = np.array([COLUMNS * ZONE_M, ROWS * ZONE_M])
    towns = random.uniform(0, size, (24, 2))
    near = towns[random.integers(0, len(towns), count)] + random.normal(0, 900, (count, 2))
    anywhere = random.uniform(0, size, (count, 2))
    xy = np.where(random.random((count, 1)) < 1 / 3, anywhere, near)
    ids = [f"S{n:05d}" for n in range(count)]
    return gpd.GeoDataFrame(geometry=shapely.points(xy), index=ids, crs=CRS)


def ours(places: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> pd.Series:
    """Measure with this project: shares, the whole, and every gap."""
    values: pd.Series = stop_coverage(places, cells, radius_m=RADIUS_M).values["value"]
    return values


def per_zone(places: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> "pd.Series[float]":
    """Measure with shapely by hand: for each zone the union of the discs that reach it."""
    discs = shapely.buffer(places.geometry.to_numpy(), RADIUS_M, quad_segs=QUAD_SEGS)
    tree = shapely.STRtree(discs)
    shares = []
    for zone in cells.geometry:
        near = shapely.union_all(discs[tree.query(zone, predicate="intersects")])
        shares.append(shapely.intersection(zone, near).area / zone.area)
    return pd.Series(shares, index=cells.index)


def overlay(places: gpd.GeoDataFrame, cells: gpd.GeoDataFrame, *, gaps: bool) -> "pd.Series[float]":
    """Measure the peer's way: one union of all discs, overlaid with the zones."""
    discs = places.buffer(RADIUS_M, quad_segs=QUAD_SEGS).union_all()
    covered = gpd.GeoDataFrame(geometry=[discs], crs=cells.crs)
    named = cells.reset_index(names="zone")
    cut = gpd.overlay(named, covered, how="intersection")
    if gaps:
        gpd.overlay(named, covered, how="difference").explode()
    area = cut.area.groupby(cut["zone"]).sum().reindex(cells.index, fill_value=0.0)
    shares: pd.Series = area / cells.area
    return shares


def cpu_seconds(work: Callable[[], object]) -> float:
    """Median CPU time of a few rounds."""
    spent = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return statistics.median(spent)


def main() -> None:
    """Print one row per number of stops and way."""
    cells = zones()
    print(f"Stop coverage of {len(cells)} zones, radius {RADIUS_M:g} m, quad_segs {QUAD_SEGS}")
    print(f"CPU seconds, median of {ROUNDS}; difference is the largest relative one of a zone\n")
    print(f"{'stops':>7}  {'way':<34} {'CPU s':>8} {'ratio':>7} {'difference':>11}")
    peers: dict[str, Way] = {
        PER_ZONE: per_zone,
        "union + overlay": partial(overlay, gaps=False),
        "union + overlay, gaps as well": partial(overlay, gaps=True),
    }
    for count in STOPS:
        places = stops(count)
        expected = ours(places, cells)
        base = cpu_seconds(partial(ours, places, cells))
        print(f"{count:>7,}  {'this project (gaps included)':<34} {base:>8.3f} {1:>7.2f}")
        for name, peer in peers.items():
            found = peer(places, cells)
            apart = float(((found - expected).abs() / expected.where(expected > 0, 1.0)).max())
            spent = cpu_seconds(partial(peer, places, cells))
            print(f"{count:>7,}  {name:<34} {spent:>8.3f} {spent / base:>7.2f} {apart:>11.1e}")
            if apart > AGREEMENT:
                raise SystemExit(f"{name}: results differ by {apart:.1e}, above {AGREEMENT:g}")
            if name == PER_ZONE:
                met = "met" if base <= BAR * spent else "MISSED"
                print(f"{'':>7}  bar: at most {BAR:g} times that, {met}")


if __name__ == "__main__":
    main()
