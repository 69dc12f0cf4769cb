"""Area of land per class and zone, against geopandas.overlay and against GEOS at its best.

`python run.py bench land`. The peers: overlay the parcels with the zones and add up the pieces, the
way of most notebooks; and by hand with shapely, where parcels that a zone covers are not cut. Both
count land that is drawn twice twice and look for no overlap, so the parcels here have none; ours
looks, and finds the unclassified as well. The peer of the error range is a naive one: unite what
counts, shrink and grow it by its accuracy, cut that with the zones; zones and unmapped land are
taken to be exact there, and ours are not. Classes at random are the worst case for both, as nearly
every parcel borders on land of the other kind; so land in patches is looked at as well. All input
is invented, from a fixed seed.
"""

from collections.abc import Sequence
from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from bench.coverage import CRS, cpu_seconds
from spatial.doubt.band import BAND_QUAD_SEGS
from spatial.measures import class_areas, in_classes, land_areas, land_share

PARCELS = (250, 200)
ZONES = (5, 4)
SIZE_M = (20_000.0, 10_000.0)
BENDS = (80, 1_700)
"""Vertices along each border of a zone: a zone of four borders has 500 to 5 000."""
CLASSES = ("01", "02", "03", "05", "07", "08", "10", "12", "14", "17")
BLUE_GREEN = ("01", "02", "03", "05", "14", "17")
LAND_M, ZONES_M = 5.0, 10.0
"""Accuracy of land and of zones."""
PATCHES = 1_500
BAR = 40.0
BAND_BAR = 1.2
AGREEMENT = 1e-9

Floats = NDArray[np.float64]


def nodes(columns: int, rows: int, random: np.random.Generator) -> Floats:
    """Corners of crooked cells that fill the rectangle, in metres."""
    corners = np.stack(np.meshgrid(np.arange(columns + 1), np.arange(rows + 1), indexing="ij"), -1)
    shift = random.uniform(-0.25, 0.25, corners.shape)
    shift[[0, -1], :, 0] = 0  # the edge stays straight
    shift[:, [0, -1], 1] = 0
    metres: Floats = (corners + shift) * [SIZE_M[0] / columns, SIZE_M[1] / rows]
    return metres


def bent(begin: Floats, end: Floats, bend: float, random: np.random.Generator) -> Floats:
    """Sides from begin to end, (…, 3, 2), with a corner to one side or the other of the middle."""
    ahead = end - begin
    aside = np.stack([-ahead[..., 1], ahead[..., 0]], axis=-1)
    bends = random.uniform(-bend, bend, (*ahead.shape[:-1], 1))
    return np.stack([begin, (begin + end) / 2 + aside * bends, end], axis=-2)


def parcels() -> gpd.GeoDataFrame:
    """Parcels of eight corners that leave no gap and do not overlap, each of one of ten classes."""
    random = np.random.default_rng(1)
    at = nodes(*PARCELS, random)
    across, along = bent(at[:-1], at[1:], 0.1, random), bent(at[:, :-1], at[:, 1:], 0.1, random)
    across[:, [0, -1], 1, 1] = at[:-1, [0, -1], 1]  # the edge stays straight
    along[[0, -1], :, 1, 0] = at[[0, -1], :-1, 0]
    sides = [
        across[:, :-1, :2],
        along[1:, :, :2],
        across[:, 1:, :0:-1],
        along[:-1, :, :0:-1],
    ]
    rings = np.concatenate(sides, axis=2).reshape(-1, 8, 2)
    ids = [f"P{number:05d}" for number in range(len(rings))]
    codes = np.random.default_rng(2).choice(CLASSES, len(rings))
    return gpd.GeoDataFrame(
        {"class_code": codes}, geometry=shapely.polygons(rings), index=ids, crs=CRS
    )


def border(begin: Floats, end: Floats, random: np.random.Generator) -> Floats:
    """A line as crooked as a river, of some hundreds of vertices, without its last."""
    line = np.stack([begin, end])
    while len(line) <= BENDS[1]:
        halves = bent(line[:-1], line[1:], 0.08, random)
        line = np.append(halves[:, :2].reshape(-1, 2), line[-1:], axis=0)
    kept = random.choice(len(line) - 2, int(random.integers(*BENDS)), replace=False) + 1
    return np.concatenate([line[:1], line[np.sort(kept)]])


def zones() -> gpd.GeoDataFrame:
    """Zones that fill the rectangle, with borders that two of them share."""
    random = np.random.default_rng(3)
    at = nodes(*ZONES, random)
    columns, rows = ZONES
    across = {
        (x, y): border(at[x, y], at[x + 1, y], random) if 0 < y < rows else at[x, y][None]
        for x in range(columns)
        for y in range(rows + 1)
    }
    along = {
        (x, y): border(at[x, y], at[x, y + 1], random) if 0 < x < columns else at[x, y][None]
        for x in range(columns + 1)
        for y in range(rows)
    }
    cells = []
    for x in range(columns):
        for y in range(rows):
            back = np.append(across[x, y + 1], at[x + 1, y + 1][None], axis=0)[:0:-1]
            down = np.append(along[x, y], at[x, y + 1][None], axis=0)[:0:-1]
            ring = np.concatenate([across[x, y], along[x + 1, y], back, down])
            cells.append(shapely.Polygon(ring))
    ids = [f"Z{number:02d}" for number in range(len(cells))]
    return gpd.GeoDataFrame(geometry=cells, index=ids, crs=CRS)


def overlay(land: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> pd.DataFrame:
    """Area by zone and class the peer's way: every parcel cut with every zone."""
    cut = gpd.overlay(land, cells.reset_index(names="zone"), how="intersection")
    return by_zone(pd.DataFrame({"zone": cut["zone"], "code": cut["class_code"], "m2": cut.area}))


def by_hand(land: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> pd.DataFrame:
    """Area by zone and class with shapely: only parcels that cross a border are cut."""
    shapes, borders = land.geometry.to_numpy(), cells.geometry.to_numpy()
    tree = shapely.STRtree(shapes)
    zone, parcel = tree.query(borders, predicate="intersects")
    inside = np.stack(tree.query(borders, predicate="covers"))
    crossing = ~np.isin(zone * len(shapes) + parcel, inside[0] * len(shapes) + inside[1])
    area = shapely.area(shapes)[parcel]
    area[crossing] = shapely.area(
        shapely.intersection(shapes[parcel[crossing]], borders[zone[crossing]])
    )
    codes = land["class_code"].to_numpy()[parcel]
    return by_zone(pd.DataFrame({"zone": cells.index[zone], "code": codes, "m2": area}))


def in_patches(land: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The same parcels, each of the class of the nearest of some places: 30 or so are alike."""
    random = np.random.default_rng(4)
    places = shapely.points(random.uniform((0, 0), SIZE_M, (PATCHES, 2)))
    codes = random.choice(CLASSES, PATCHES)
    nearest = shapely.STRtree(places).nearest(shapely.centroid(land.geometry.to_numpy()))
    return land.assign(class_code=codes[nearest])


def naive_range(land: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> pd.DataFrame:
    """Least and greatest share of blue-green land by hand: it shrinks and grows all round."""
    counting = land.geometry[in_classes(land["class_code"], BLUE_GREEN)].union_all()
    zones = cells.geometry.to_numpy()
    ends = {}
    for end, way in (("low", -LAND_M), ("high", LAND_M)):
        moved = shapely.buffer(counting, way, quad_segs=BAND_QUAD_SEGS)
        ends[end] = shapely.area(shapely.intersection(zones, moved)) / shapely.area(zones)
    return pd.DataFrame(ends, index=cells.index)


def compare_ranges(land: gpd.GeoDataFrame, cells: gpd.GeoDataFrame, classes: str) -> None:
    """Print what an error range costs, beside the naive way."""
    question = f"error range, {classes}"
    known, moved = land.assign(accuracy_m=LAND_M), cells.assign(accuracy_m=ZONES_M)
    base = cpu_seconds(partial(land_share, known, moved, classes=BLUE_GREEN))
    row(question, "this project, with places and all doubts", base, 1, None)
    bare = cpu_seconds(partial(land_share, land, cells, classes=BLUE_GREEN))
    row(question, "this project, without error range", bare, bare / base, None)
    spent = cpu_seconds(partial(naive_range, land, cells))
    row(question, "shapely, union shrunk and grown", spent, spent / base, None)
    met = "met" if base <= BAND_BAR * spent else "MISSED"
    print(f"{'':<24} bar: at most {BAND_BAR:g} times that, {met}")


def by_zone(pieces: pd.DataFrame) -> pd.DataFrame:
    """Add pieces up by zone and class."""
    return pieces.pivot_table("m2", index="zone", columns="code", aggfunc="sum", fill_value=0)


def compare(way: str, found: pd.DataFrame, expected: pd.DataFrame) -> float:
    """Largest relative difference; ends the run where it is too large."""
    relative = (found - expected).abs() / expected.where(expected > 0, 1.0)
    apart = float(relative.to_numpy().max())
    if apart > AGREEMENT:
        raise SystemExit(f"{way}: results differ by {apart:.1e}, above {AGREEMENT:g}")
    return apart


def row(question: str, way: str, spent: float, ratio: float, apart: float | None) -> None:
    """Print one row."""
    difference = "" if apart is None else f"{apart:.1e}"
    print(f"{question:<24} {way:<44} {spent:>8.3f} {ratio:>7.2f} {difference:>11}")


def shares(areas: pd.DataFrame, cells: gpd.GeoDataFrame, codes: Sequence[str]) -> pd.DataFrame:
    """Share of each zone that classes have together."""
    together: pd.Series[float] = areas[list(codes)].sum(axis=1) / cells.area
    return together.to_frame("share")


def main() -> None:
    """Print one row per question and way."""
    land, cells = parcels(), zones()
    vertices = shapely.get_num_coordinates(cells.geometry.to_numpy())
    print(f"Land: {len(land):,} parcels, {len(cells)} zones of {min(vertices)} to {max(vertices)}")
    print("vertices. CPU seconds, median; difference is the largest relative one\n")
    print(f"{'question':<24} {'way':<44} {'CPU s':>8} {'ratio':>7} {'difference':>11}")

    question = "each class in each zone"
    areas = class_areas(land, cells)[list(CLASSES)]
    base = cpu_seconds(partial(class_areas, land, cells))
    row(question, "this project (overlaps, unclassified too)", base, 1, None)
    spent = cpu_seconds(partial(overlay, land, cells))
    row(
        question,
        "geopandas.overlay, summed",
        spent,
        spent / base,
        compare("overlay", overlay(land, cells), areas),
    )
    print(f"{'':<24} bar: {BAR:g} times, {'met' if spent >= BAR * base else 'MISSED'}")
    hand = cpu_seconds(partial(by_hand, land, cells))
    row(
        question,
        "shapely, only crossing parcels cut",
        hand,
        hand / base,
        compare("by hand", by_hand(land, cells), areas),
    )
    parts = areas.sum()
    whole = land.area.groupby(land["class_code"]).sum()
    compare("zones added up", parts.to_frame(), whole.to_frame())

    question = "blue-green"
    counting = land[in_classes(land["class_code"], BLUE_GREEN)]
    expected = shares(areas, cells, BLUE_GREEN)
    ask = partial(land_areas, land, cells, classes=BLUE_GREEN)
    base = cpu_seconds(ask)
    row(
        question,
        "this project",
        base,
        1,
        compare("land_areas", ask()[["value"]].set_axis(["share"], axis=1), expected),
    )
    full = cpu_seconds(partial(land_share, land, cells, classes=BLUE_GREEN))
    row(question, "this project, with places that do not count", full, full / base, None)
    spent = cpu_seconds(partial(overlay, counting, cells))
    row(
        question,
        "geopandas.overlay, summed",
        spent,
        spent / base,
        compare("overlay", shares(overlay(counting, cells), cells, BLUE_GREEN), expected),
    )
    compare_ranges(land, cells, "random")
    compare_ranges(in_patches(land), cells, "patches")


if __name__ == "__main__":
    main()
