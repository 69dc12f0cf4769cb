"""The band of what positions allow: closed forms, laws, and that no displacement leaves it."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely import Point, Polygon, affinity, box

from spatial.doubt.band import BAND_QUAD_SEGS, extremes, least_share, surely
from spatial.measures import cover_band, land_share, stop_coverage, total_area, total_length

CRS = "EPSG:4548"


def frame(shapes: list[shapely.Geometry], **columns: object) -> gpd.GeoDataFrame:
    index = [f"F{number}" for number in range(len(shapes))]
    return gpd.GeoDataFrame(columns, geometry=shapes, index=index, crs=CRS)


def test_the_least_share_takes_in_what_may_not_count() -> None:
    # A zone of 100 that may lose 20 of what counts and gain 30 of what does not: 40 of 90.
    assert least_share(40.0, 60.0, 110.0) == pytest.approx(40 / 90)
    assert least_share(0.0, 5.0, 10.0) == 0.0


def test_a_stop_known_to_10_m_covers_what_discs_of_490_and_510_m_do() -> None:
    area = frame([box(-1000, -1000, 1000, 1000)])
    stops = frame([Point(0, 0)], accuracy_m=[10.0], basis=["official"])
    found = stop_coverage(stops, area, radius_m=500)
    low, high = (np.pi * radius**2 / 4e6 for radius in (490, 510))
    assert found.whole.low == pytest.approx(low, rel=2e-4)
    assert found.whole.high == pytest.approx(high, rel=2e-4)
    (doubt,) = found.doubts
    assert (doubt.kind, doubt.method) == ("position", "band")
    assert doubt.inputs == {"stops": 10.0}
    assert (doubt.low, doubt.high) == (found.whole.low, found.whole.high)


def test_an_invented_stop_stands_for_nothing_that_could_lie_elsewhere() -> None:
    area = frame([box(-1000, -1000, 1000, 1000)])
    stops = frame([Point(0, 0)], accuracy_m=[300.0], basis=["synthetic"])
    found = stop_coverage(stops, area, radius_m=500)
    assert found.whole.low == found.whole.value
    assert [doubt.kind for doubt in found.doubts] == ["segments"]


def test_an_area_is_off_by_its_accuracy_all_round() -> None:
    found = total_area(frame([box(0, 0, 100, 100)], accuracy_m=[5.0]))
    assert found.whole.low == pytest.approx(90 * 90)
    assert found.whole.high == pytest.approx(100 * 100 + 4 * 100 * 5 + np.pi * 25, rel=1e-3)


def test_where_two_polygons_meet_nothing_is_gained_or_lost() -> None:
    halves = frame([box(0, 0, 50, 100), box(50, 0, 100, 100)], accuracy_m=[5.0, 5.0])
    least, most = extremes(halves)
    assert least.area == pytest.approx(90 * 90)
    assert most.area == pytest.approx(100 * 100 + 4 * 100 * 5 + np.pi * 25, rel=1e-3)


def test_each_stretch_of_the_border_is_off_by_the_accuracy_of_its_polygon() -> None:
    halves = frame([box(0, 0, 50, 100), box(50, 0, 100, 100)], accuracy_m=[0.0, 10.0])
    least, _ = extremes(halves)
    # The east half loses 10 m to the north, east and south, the west half nothing.
    assert least.area == pytest.approx(50 * 100 + 40 * 80)


def test_the_better_known_of_two_neighbours_says_where_their_border_is() -> None:
    # Water known to 2 m in cropland known to 50 m: the shore is known to 2 m.
    water, field = box(0, 0, 100, 100), box(-500, -500, 600, 600)
    none = Polygon()
    land = shapely.difference(field, water)
    sure = surely([water, none], [2.0, 50.0], [none, land], [2.0, 50.0])
    assert shapely.area(sure).tolist() == pytest.approx([96 * 96, 0.0])


def test_a_share_of_land_is_off_by_the_borders_between_what_counts_and_what_does_not() -> None:
    land = frame(
        [box(0, 0, 500, 1000), box(500, 0, 1000, 1000)],
        class_code=["03", "07"],
        accuracy_m=[10.0, 10.0],
    )
    zone = frame([box(0, 0, 1000, 1000)], accuracy_m=[0.0])
    whole = land_share(land, zone, classes=("03",)).whole
    assert (whole.low, whole.value, whole.high) == pytest.approx((0.49, 0.5, 0.51))


def test_a_border_between_two_counting_classes_is_in_nobodys_way() -> None:
    land = frame(
        [box(0, 0, 500, 1000), box(500, 0, 1000, 1000)],
        class_code=["03", "17"],
        accuracy_m=[10.0, 10.0],
    )
    zone = frame([box(0, 0, 1000, 1000)], accuracy_m=[0.0])
    whole = land_share(land, zone, classes=("03", "17")).whole
    assert (whole.low, whole.value, whole.high) == (1.0, 1.0, 1.0)


@given(
    east=st.floats(-10, 10),
    north=st.floats(-10, 10),
    border=st.floats(-10, 10),
    edges=st.tuples(*[st.floats(-7, 7)] * 4),
)
def test_no_displacement_within_the_accuracy_leaves_the_band(
    east: float, north: float, border: float, edges: tuple[float, float, float, float]
) -> None:
    """Stops and borders moved by no more than they are known to: the share stays in its range."""
    length = max(np.hypot(east, north) / 10, 1.0)
    area = frame([box(-600, -600, 600, 600)], accuracy_m=[10.0], basis=["open"])
    stops = frame([Point(0, 0)], accuracy_m=[10.0], basis=["open"])
    found = stop_coverage(stops, area, radius_m=500).whole
    west, south, to_east, to_north = edges
    moved_area = frame([box(-600 + west, -600 + south, 600 + to_east, 600 + to_north)])
    moved_stop = frame([Point(east / length, north / length)])
    moved = stop_coverage(moved_stop, moved_area, radius_m=500).whole
    assert found.low is not None
    assert found.high is not None
    assert moved.value is not None
    assert found.low - 1e-9 <= moved.value <= found.high + 1e-9

    wide = 1000  # the land goes on beyond the zone, which moves over it
    moved_land = frame(
        [box(-wide, -wide, 100 + border, wide), box(100 + border, -wide, wide, wide)],
        class_code=["03", "07"],
    )
    broad = frame(
        [box(-wide, -wide, 100, wide), box(100, -wide, wide, wide)],
        class_code=["03", "07"],
        accuracy_m=[10.0, 10.0],
    )
    whole = land_share(broad, area, classes=("03",)).whole
    share = land_share(moved_land, moved_area, classes=("03",)).whole.value
    assert whole.low is not None
    assert whole.high is not None
    assert share is not None
    assert whole.low - 1e-9 <= share <= whole.high + 1e-9


@given(worse=st.floats(1, 60))
def test_worse_accuracy_never_narrows_a_range(worse: float) -> None:
    area = frame([box(0, 0, 800, 800), box(800, 0, 1500, 800)], accuracy_m=[5.0, worse])
    stops = frame([Point(300, 300), Point(1100, 500)], accuracy_m=[5.0, 1.0])
    poor = stops.assign(accuracy_m=[5.0, worse])
    good, bad = (stop_coverage(one, area, radius_m=300).whole for one in (stops, poor))
    assert good.low is not None
    assert bad.low is not None
    assert good.high is not None
    assert bad.high is not None
    assert bad.low <= good.low + 1e-12
    assert bad.high >= good.high - 1e-12


def test_a_length_is_off_by_its_ends_and_bends() -> None:
    straight = frame([shapely.LineString([(0, 0), (300, 0), (1000, 0)])], accuracy_m=[10.0])
    bent = frame([shapely.LineString([(0, 0), (300, 0), (300, 700)])], accuracy_m=[10.0])
    # Sigma along an axis is 10 / 1.5096; two ends give 2 sigma², a right angle 2 more.
    sigma = 10 / np.sqrt(-2 * np.log(0.32))
    for lines, terms in ((straight, 2), (bent, 4)):
        whole = total_length(lines).whole
        assert whole.value == pytest.approx(1000)
        assert whole.low is not None
        assert whole.value is not None
        assert whole.value - whole.low == pytest.approx(1.959964 * sigma * np.sqrt(terms), rel=1e-6)


def test_a_simulation_agrees_with_the_propagated_error_of_a_length() -> None:
    line = np.array([(0.0, 0), (400, 100), (700, 500), (1500, 600), (1600, 1400)])
    found = total_length(frame([shapely.LineString(line)], accuracy_m=[10.0])).whole
    sigma = 10 / np.sqrt(-2 * np.log(0.32))
    noise = np.random.default_rng(7).normal(0, sigma, (20_000, *line.shape))
    lengths = np.hypot(*np.moveaxis(np.diff(line + noise, axis=1), 2, 0)).sum(axis=1)
    assert found.high is not None
    assert found.value is not None
    assert (found.high - found.value) / 1.959964 == pytest.approx(lengths.std(), rel=0.02)


@given(
    turn=st.floats(0, 90),
    slide=st.floats(-40, 40),
    off=st.floats(1, 30),
    corner=st.tuples(st.floats(0, 1e5), st.floats(0, 1e5)),
)
def test_polygons_taken_as_one_are_off_like_their_union_wherever_they_lie(
    turn: float, slide: float, off: float, corner: tuple[float, float]
) -> None:
    """Neighbours whose corners do not match, turned and moved: no stretch of border is lost."""
    shapes = [
        affinity.translate(affinity.rotate(shape, turn, origin=(0, 0)), *corner)
        for shape in (box(0, 0, 200, 100), box(50 + slide, 100, 120 + slide, 160))
    ]
    least, most = extremes(frame(shapes, accuracy_m=[off, off]))
    union = shapely.union_all(shapes)
    assert least.area == pytest.approx(union.buffer(-off).area, rel=0.01)
    assert most.area == pytest.approx(union.buffer(off, quad_segs=64).area, rel=0.01)


def test_land_between_counting_patches_and_unmapped_ground_is_off_as_well() -> None:
    """Ten strips of 88 m in a zone of 1 km, known to 3 m: each may be 6 m narrower."""
    strips = [box(100 * k, 0, 100 * k + 88, 1000) for k in range(10)]
    land = frame(strips, class_code=["03"] * 10, accuracy_m=[3.0] * 10)
    zone = frame([box(0, 0, 1000, 1000)], accuracy_m=[0.0])
    whole = land_share(land, zone, classes=("03",)).whole
    assert whole.value == pytest.approx(0.88)
    # The first begins at the border of the zone, where no class ends: 10 strips, 19 edges.
    assert whole.low == pytest.approx(0.88 - 19 * 0.003, abs=1e-3)


GREEN = ("03", "17")
CODES = ["0301", "0701", "1202", "1704", "", None]
SPAN_M = 1000.0


def corners(seed: int, across: int = 24) -> NDArray[np.float64]:
    """Corners of crooked cells that fill a square of 1 km, (columns + 1, rows + 1, 2)."""
    at = np.stack(np.meshgrid(*[np.arange(across + 1)] * 2, indexing="ij"), -1)
    shift = np.random.default_rng(seed).uniform(-0.35, 0.35, at.shape)
    shift[[0, -1], :, 0] = 0
    shift[:, [0, -1], 1] = 0
    xy: NDArray[np.float64] = (at + shift) * (SPAN_M / across) + (530_000.0, 4_330_000.0)
    return xy


def cells(xy: NDArray[np.float64]) -> list[Polygon]:
    rings = np.stack([xy[:-1, :-1], xy[1:, :-1], xy[1:, 1:], xy[:-1, 1:]], axis=2)
    polygons: list[Polygon] = shapely.polygons(rings.reshape(-1, 4, 2)).tolist()
    return polygons


def in_patches(seed: int, xy: NDArray[np.float64], codes: list[str | None]) -> list[str | None]:
    """Classes of cells in patches, as land has them, every sixth at random."""
    random = np.random.default_rng(seed)
    seeds, kinds = random.uniform(0, 1, (12, 2)), random.integers(0, len(codes), 12)
    middle = (xy[:-1, :-1].reshape(-1, 2) - xy[0, 0]) / SPAN_M
    kind = kinds[np.hypot(*(middle[:, None] - seeds).transpose(2, 0, 1)).argmin(axis=1)]
    other = random.random(len(kind)) < 1 / 6
    kind[other] = random.integers(0, len(codes), int(other.sum()))
    return [codes[number] for number in kind]


def slowly(
    land: gpd.GeoDataFrame, zones: gpd.GeoDataFrame, zones_m: float
) -> list[tuple[float, float]]:
    """Ranges of each zone and of all with shapely alone, of all land at once.

    What counts less what may not, grown by the accuracy of the better known of both; for each pair
    of accuracies one union, one buffer and one difference.
    """
    codes = land["class_code"].fillna("")
    off, green = land["accuracy_m"], codes.str.startswith(GREEN)
    unions = [
        [land.geometry[side & (off == one)].union_all() for one in sorted(set(off))]
        for side in (green, ~green & (codes != ""))
    ]
    unions[1] = [one - shapely.union_all(unions[0]) for one in unions[1]]
    area = zones.union_all()
    gaps = shapely.get_parts(area - land.geometry[codes != ""].union_all())
    unknown = shapely.union_all(gaps[shapely.area(gaps) >= 1.0])
    metres = sorted(set(off))
    sure = []
    for mine, theirs in (unions, unions[::-1]):
        left = []
        for place, own in zip(mine, metres, strict=True):
            for other, their in (*zip(theirs, metres, strict=True), (unknown, np.inf)):
                grown = other.buffer(min(own, their), quad_segs=BAND_QUAD_SEGS)
                place = place - grown  # noqa: PLW2901
            left.append(place)
        sure.append(shapely.union_all(left))
    mapped, found = land.union_all(), []
    for zone in (*zones.geometry, area):
        least, most = (zone.buffer(way, quad_segs=BAND_QUAD_SEGS) for way in (-zones_m, zones_m))
        most = (most & mapped) | zone
        low, rest = (least_share((one & least).area, (one & most).area, most.area) for one in sure)
        found.append((low, 1 - rest))
    return found


LAYERS = ["all alike", "of three accuracies", "drawn twice", "with gaps", "beyond the land"]


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("vertices", [150, 1_000_000])
def test_the_band_tile_by_tile_is_that_of_all_land_at_once(
    kind: str, seed: int, vertices: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cover_band, "_VERTICES_PER_TILE", vertices)
    random, xy = np.random.default_rng(seed), corners(seed)
    known = CODES if kind == "with gaps" else CODES[:4]
    land = frame([*cells(xy)], class_code=in_patches(seed, xy, known), accuracy_m=4.0)
    if kind == "of three accuracies":
        land["accuracy_m"] = random.choice([0.0, 2.0, 5.0], len(land))
    if kind == "drawn twice":
        some = land.iloc[::9]
        more = frame(some.buffer(15).tolist(), class_code="0701", accuracy_m=2.0)
        more["class_code"] = random.choice(["0301", "0701"], len(more))
        more = more.set_axis([f"M{number}" for number in range(len(more))])
        land = gpd.GeoDataFrame(pd.concat([land, more]), crs=CRS)
    if kind == "with gaps":
        land = land[random.random(len(land)) > 0.08]
    west, south = xy[0, 0] - (60 if kind == "beyond the land" else -40)
    east, north = xy[-1, -1] - 40
    cut = xy[:, 11] + 3.0
    line = [cut[0] - (500, 0), *cut, cut[-1] + (500, 0)]
    whole = box(west, south, east, north)
    below = Polygon([*line, line[-1] - (0, 900), line[0] - (0, 900)])
    zones = frame([whole & below, whole - below], accuracy_m=[6.0, 6.0])
    found = land_share(land, zones, classes=GREEN)
    ranges = [*zip(found.values["low"], found.values["high"], strict=True)]
    ranges.append((found.whole.low, found.whole.high))
    for (low, high), (slow_low, slow_high) in zip(ranges, slowly(land, zones, 6.0), strict=True):
        width = slow_high - slow_low
        # Never narrower; GEOS leaves out vertices of a few centimetres, here and there others.
        assert -1e-6 <= (slow_low - low) / width <= 1e-4
        assert -1e-6 <= (high - slow_high) / width <= 1e-4


def steepest(xy: NDArray[np.float64], counts: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Ways, 1 m long, in which each corner takes most from the cells that count."""
    rise = np.zeros_like(xy)
    inside = counts.reshape(xy.shape[0] - 1, -1)
    ring = [(0, 0), (1, 0), (1, 1), (0, 1)]
    for number, (column, row) in enumerate(ring):
        after, before = ring[(number + 1) % 4], ring[number - 1]
        at = [xy[x : x + inside.shape[0], y : y + inside.shape[1]] for x, y in (after, before)]
        ahead = (at[0] - at[1]) * inside[..., None]
        here = rise[column : column + inside.shape[0], row : row + inside.shape[1]]
        here += np.stack([ahead[..., 1], -ahead[..., 0]], axis=-1)
    length = np.hypot(rise[..., 0], rise[..., 1])[..., None]
    return np.where(length > 1e-6, -rise / np.maximum(length, 1e-6), 0.0)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("mixed", [False, True])
def test_no_corner_of_land_moved_within_its_accuracy_leaves_the_band(
    seed: int, *, mixed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Corners moved at random, and all so that what counts shrinks or grows the most."""
    monkeypatch.setattr(cover_band, "_VERTICES_PER_TILE", 300)
    random, xy = np.random.default_rng(seed), corners(seed)
    codes = in_patches(seed, xy, CODES[:5])
    shape = (len(xy) - 1, len(xy) - 1)
    off = random.choice([1.0, 4.0], shape) if mixed else np.full(shape, 3.0)
    land = frame([*cells(xy)], class_code=codes, accuracy_m=off.ravel())
    # A corner is as well known as the best known cell that it belongs to.
    wide = np.pad(off, 1, constant_values=np.inf)
    best = np.minimum.reduce([wide[:-1, :-1], wide[1:, :-1], wide[1:, 1:], wide[:-1, 1:]])
    west, south = xy[0, 0] + 70
    sides = np.array([west, south, west + 810, south + 790])
    zones = frame([box(*sides)], accuracy_m=[5.0])
    whole = land_share(land, zones, classes=GREEN).whole
    assert whole.low is not None
    assert whole.high is not None
    known = np.array([code != "" for code in codes])
    green = np.array([code is not None and code.startswith(GREEN) for code in codes])
    turn = random.uniform(0, 2 * np.pi, xy.shape[:2])
    anyhow = (
        np.stack([np.cos(turn), np.sin(turn)], -1) * random.uniform(0, 1, xy.shape[:2])[..., None]
    )
    ways = [anyhow, steepest(xy, green), -steepest(xy, green), steepest(xy, known & ~green)]
    for way in ways:
        moved = np.array(cells(xy + way * best[..., None]), dtype=object)
        for edges in (np.zeros(4), random.uniform(-5, 5, 4)):
            zone = box(*sides + edges)
            held = shapely.area(shapely.intersection(moved, zone))
            counted, unknown = held[green].sum(), held[~known].sum()
            assert whole.low <= counted / zone.area
            assert (counted + unknown) / zone.area <= whole.high
