"""Land shares per zone, against geopandas.overlay.

`python run.py bench land`. The peer's way: overlay the parcels of the classes with the zones, add
up the pieces by zone, divide. It counts land that is drawn twice twice, so the parcels here do not
overlap. Ours hands back the whole, the range and the land that does not count as well. All input
is invented, from a fixed seed.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.measures import in_classes, land_share

CRS = "EPSG:4548"
PARCELS = (100, 50)
ZONES = (5, 4)
SIZE_M = (20_000.0, 10_000.0)
CLASSES = ("01", "02", "03", "05", "07", "08", "10", "12", "14", "17")
BLUE_GREEN = ("01", "02", "03", "05", "14", "17")
ROUNDS = 3
AGREEMENT = 1e-9

Work = Callable[[gpd.GeoDataFrame, gpd.GeoDataFrame], pd.DataFrame]


def cells(columns: int, rows: int, seed: int, prefix: str) -> gpd.GeoDataFrame:
    """Cut the rectangle into crooked quadrilaterals that leave no gap and do not overlap."""
    random = np.random.default_rng(seed)
    step = np.array([SIZE_M[0] / columns, SIZE_M[1] / rows])
    nodes = np.stack(np.meshgrid(np.arange(columns + 1), np.arange(rows + 1), indexing="ij"), -1)
    shift = random.uniform(-0.3, 0.3, nodes.shape)
    shift[[0, -1], :, 0] = 0  # the edge stays straight
    shift[:, [0, -1], 1] = 0
    xy = (nodes + shift) * step
    rings = np.stack([xy[:-1, :-1], xy[1:, :-1], xy[1:, 1:], xy[:-1, 1:]], axis=2).reshape(-1, 4, 2)
    ids = [f"{prefix}{number:05d}" for number in range(len(rings))]
    return gpd.GeoDataFrame(geometry=shapely.polygons(rings), index=ids, crs=CRS)


def parcels() -> gpd.GeoDataFrame:
    """Give every parcel one of ten classes."""
    land = cells(*PARCELS, seed=1, prefix="P")
    codes = np.random.default_rng(2).choice(CLASSES, len(land))
    return land.assign(class_code=codes)


def ours(classes: Sequence[Sequence[str]]) -> Work:
    """Measure with this project, one call per set of classes."""

    def work(land: gpd.GeoDataFrame, zones: gpd.GeoDataFrame) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "+".join(codes): land_share(land, zones, classes=tuple(codes)).values["value"]
                for codes in classes
            }
        )

    return work


def overlay(classes: Sequence[Sequence[str]]) -> Work:
    """Measure the peer's way: one overlay of what counts, areas added up by zone and class."""

    def work(land: gpd.GeoDataFrame, zones: gpd.GeoDataFrame) -> pd.DataFrame:
        named = zones.reset_index(names="zone")
        wanted = [code for codes in classes for code in codes]
        counting = land[in_classes(land["class_code"], wanted)]
        cut = gpd.overlay(counting, named, how="intersection")
        area = cut.assign(area_m2=cut.area).pivot_table(
            index="zone", columns="class_code", values="area_m2", aggfunc="sum", fill_value=0.0
        )
        return pd.DataFrame(
            {"+".join(codes): area[list(codes)].sum(axis=1) / zones.area for codes in classes}
        )

    return work


def cpu_seconds(work: Callable[[], object]) -> float:
    """Median CPU time of a few rounds."""
    spent = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return statistics.median(spent)


def main() -> None:
    """Print one row per question and way."""
    land, zones = parcels(), cells(*ZONES, seed=3, prefix="Z")
    print(f"Land shares: {len(land):,} parcels, {len(zones)} zones")
    print(f"CPU seconds, median of {ROUNDS}; difference is the largest relative one\n")
    print(f"{'shares':<24} {'way':<34} {'CPU s':>8} {'ratio':>7} {'difference':>11}")
    questions: dict[str, list[Sequence[str]]] = {
        "blue-green": [BLUE_GREEN],
        "each of ten classes": [[code] for code in CLASSES],
    }
    for question, classes in questions.items():
        mine, peer = ours(classes), overlay(classes)
        expected, found = mine(land, zones), peer(land, zones)
        apart = float(((found - expected).abs() / expected.where(expected > 0, 1.0)).max().max())
        base = cpu_seconds(partial(mine, land, zones))
        spent = cpu_seconds(partial(peer, land, zones))
        row = f"{question:<24} {'this project (with evidence)':<34} {base:>8.3f} {1:>7.2f}"
        print(row)
        row = f"{question:<24} {'geopandas.overlay, summed':<34} {spent:>8.3f}"
        print(f"{row} {spent / base:>7.2f} {apart:>11.1e}")
        if apart > AGREEMENT:
            raise SystemExit(f"results differ by {apart:.1e}, above {AGREEMENT:g}")


if __name__ == "__main__":
    main()
