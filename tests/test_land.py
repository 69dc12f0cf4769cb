"""Land shares: unions, code prefixes, and land that nobody has classified."""

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import Polygon, box
from shapely.geometry.base import BaseGeometry

from spatial.measures import class_areas, in_classes, land_areas, land_share

CRS = "EPSG:4548"
ZONE = box(0, 0, 100, 100)
BLUE_GREEN = ("03", "14", "17")


def zones(*geometries: BaseGeometry) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        geometry=list(geometries), index=[f"Z{n}" for n in range(len(geometries))], crs=CRS
    )


def land(*pieces: tuple[BaseGeometry, str | None]) -> gpd.GeoDataFrame:
    codes = [code for _, code in pieces]
    places = [geometry for geometry, _ in pieces]
    names = [f"L{number}" for number in range(len(pieces))]
    return gpd.GeoDataFrame({"class_code": codes}, geometry=places, index=names, crs=CRS)


def test_a_pond_in_a_park_counts_once() -> None:
    park, pond = (ZONE, "1401"), (box(20, 20, 40, 40), "1704")
    found = land_share(land(park, pond), zones(box(0, 0, 200, 100)), classes=BLUE_GREEN).whole
    assert found.numerator == 10_000  # not 10 400
    assert found.value == 0.5


def test_land_drawn_twice_counts_once() -> None:
    found = land_share(land((ZONE, "03"), (ZONE, "03")), zones(ZONE), classes=("03",)).whole
    assert found.value == 1.0


def test_land_that_is_both_counted_and_not_counts() -> None:
    pieces = land((ZONE, "07"), (box(0, 0, 100, 30), "17"))
    found = land_share(pieces, zones(ZONE), classes=BLUE_GREEN)
    assert found.whole.value == pytest.approx(0.3)
    assert found.evidence["area_m2"].tolist() == pytest.approx([7000])


@pytest.mark.parametrize(
    "code,classes,counts",
    [
        ("1701", ("17",), True),
        ("17", ("17",), True),
        ("1", ("17",), False),
        ("0117", ("17",), False),
        ("1701", ("1702", "1701"), True),
        ("1701", ("1702",), False),
    ],
)
def test_a_code_takes_in_the_codes_that_begin_with_it(
    code: str, classes: tuple[str, ...], counts: bool
) -> None:
    found = land_share(land((ZONE, code)), zones(ZONE), classes=classes).whole
    assert found.value == (1.0 if counts else 0.0)
    codes = pd.Series([code, None, ""])
    assert in_classes(codes, classes).tolist() == [counts, False, False]


@pytest.mark.parametrize("unknown", [None, ""])
def test_unclassified_land_may_count_or_not(unknown: str | None) -> None:
    pieces = land((box(0, 0, 40, 100), "03"), (box(40, 0, 60, 100), unknown))
    pieces = pd.concat([pieces, land((box(60, 0, 90, 100), "07")).rename(index={"L0": "L9"})])
    found = land_share(pieces, zones(ZONE), classes=BLUE_GREEN)
    # 40 forest, 20 without a code, 30 housing, 10 not drawn at all
    assert found.whole.value == found.whole.low == pytest.approx(0.4)
    assert found.whole.high == pytest.approx(0.7)
    by_class = found.evidence.set_index(found.evidence["class_code"].fillna("none"))["area_m2"]
    assert by_class["07"] == pytest.approx(3000)
    assert by_class["none"].sum() == pytest.approx(3000)


def test_a_zone_without_any_land_is_unknown_not_nought() -> None:
    found = land_share(land((ZONE, "03")), zones(box(500, 500, 600, 600)), classes=("03",)).whole
    assert (found.low, found.high) == (0.0, 1.0)


@pytest.mark.parametrize("pieces", [0, 1])
def test_land_of_no_class_or_none_at_all_is_unknown_however_accurate(pieces: int) -> None:
    unknown = land((ZONE, None)).assign(accuracy_m=5.0).iloc[:pieces]
    found = land_share(unknown, zones(ZONE).assign(accuracy_m=5.0), classes=("03",)).whole
    assert (found.value, found.low, found.high) == (0.0, 0.0, 1.0)


def test_no_zones_have_no_share() -> None:
    found = land_share(land((ZONE, "03")), zones(), classes=("03",))
    assert found.whole.value is None
    assert found.evidence.empty


def test_land_outside_the_zones_does_not_count() -> None:
    found = land_share(land((box(-500, 0, 50, 100), "03")), zones(ZONE), classes=("03",)).whole
    assert found.numerator == 5000


def test_overlapping_zones_count_once_in_the_whole() -> None:
    both = zones(box(0, 0, 60, 100), box(40, 0, 100, 100))
    found = land_share(land((box(0, 0, 50, 100), "03"), (ZONE, "07")), both, classes=("03",))
    assert found.values["numerator"].tolist() == pytest.approx([5000, 1000])
    assert found.whole.denominator == pytest.approx(10_000)
    assert found.whole.value == pytest.approx(0.5)


def test_another_column_may_hold_the_codes() -> None:
    pieces = land((ZONE, "07")).assign(dlbm="1104")
    found = land_share(pieces, zones(ZONE), classes=("11",), class_column="dlbm").whole
    assert found.value == 1.0


def test_the_frames_given_are_left_as_they_were() -> None:
    pieces, areas = land((ZONE, "03"), (ZONE, None)), zones(ZONE)
    copies = pieces.copy(), areas.copy()
    land_share(pieces, areas, classes=("03",))
    assert pieces.equals(copies[0])
    assert areas.equals(copies[1])


cuts = st.lists(st.integers(1, 99), min_size=2, max_size=8, unique=True).map(sorted)
codes = st.sampled_from(["0301", "0701", "1401", "1704", "1202", None])


@st.composite
def stripes(draw: st.DrawFn) -> gpd.GeoDataFrame:
    """Land that neither overlaps nor fills the zone."""
    edges = draw(cuts)
    strips = [box(a, 0, b, 100) for a, b in pairwise(edges)]
    return land(*[(strip, draw(codes)) for strip in strips])


@given(stripes())
def test_counted_land_and_evidence_make_the_zone(pieces: gpd.GeoDataFrame) -> None:
    found = land_share(pieces, zones(ZONE), classes=BLUE_GREEN)
    whole = found.whole
    assert whole.numerator is not None
    assert whole.numerator + found.evidence["area_m2"].sum() == pytest.approx(10_000, abs=1)
    without_code = found.evidence[found.evidence["class_code"].isna()]["area_m2"].sum()
    assert whole.high is not None
    assert whole.low is not None
    assert (whole.high - whole.low) * 10_000 == pytest.approx(without_code, abs=1)


@given(stripes(), st.integers(1, 99))
def test_complementary_zones_add_up(pieces: gpd.GeoDataFrame, cut: int) -> None:
    halves = zones(box(0, 0, 100, cut), box(0, cut, 100, 100))
    found = land_share(pieces, halves, classes=BLUE_GREEN)
    together = land_share(pieces, zones(ZONE), classes=BLUE_GREEN).whole
    assert found.values["numerator"].sum() == pytest.approx(together.numerator, abs=1e-6)
    assert found.whole.value == pytest.approx(together.value)
    assert found.whole.high == pytest.approx(together.high)


@given(stripes())
def test_the_shares_of_all_classes_and_the_unclassified_add_up(pieces: gpd.GeoDataFrame) -> None:
    groups = [("03", "14"), ("17",), ("07", "12")]
    counted = [land_share(pieces, zones(ZONE), classes=group).whole for group in groups]
    unknown = (counted[0].high or 0.0) - (counted[0].low or 0.0)
    assert sum(figure.value or 0.0 for figure in counted) + unknown == pytest.approx(1)


@given(stripes())
def test_the_order_of_the_land_is_irrelevant(pieces: gpd.GeoDataFrame) -> None:
    one = land_share(pieces, zones(ZONE), classes=BLUE_GREEN)
    other = land_share(pieces.iloc[::-1], zones(ZONE), classes=BLUE_GREEN)
    assert other.whole == one.whole
    assert other.evidence.drop(columns="geometry").equals(one.evidence.drop(columns="geometry"))


@given(stripes())
def test_more_classes_never_share_less(pieces: gpd.GeoDataFrame) -> None:
    few = land_share(pieces, zones(ZONE), classes=("03",)).whole
    many = land_share(pieces, zones(ZONE), classes=("03", "17")).whole
    assert (few.value or 0.0) <= (many.value or 0.0) + 1e-12


def test_each_class_has_its_area_in_each_zone() -> None:
    pieces = land(
        (box(0, 0, 40, 100), "03"), (box(40, 0, 60, 100), None), (box(60, 0, 90, 100), "07")
    )
    found = class_areas(pieces, zones(ZONE, box(50, 0, 100, 50)))
    assert found.columns.tolist() == ["03", "07", ""]
    assert list(found.loc["Z0"]) == pytest.approx([4000, 3000, 3000])
    assert list(found.loc["Z1"]) == pytest.approx([0, 1500, 1000])


def test_land_of_one_class_drawn_twice_counts_once_and_of_two_classes_in_both() -> None:
    pieces = land(
        (box(0, 0, 60, 100), "03"), (box(40, 0, 80, 100), "03"), (box(70, 0, 80, 100), "17")
    )
    found = class_areas(pieces, zones(ZONE)).loc["Z0"]
    assert found.to_dict() == pytest.approx({"03": 8000, "17": 1000, "": 2000})


def test_no_land_leaves_the_zone_unclassified() -> None:
    found = class_areas(land((box(200, 0, 300, 100), "03")).iloc[:0], zones(ZONE))
    assert found.loc["Z0"].to_dict() == {"": 10_000}


FAR = (530_000.0, 4_330_000.0)  # the metres of a projected map


def parcels(seed: int, size_m: float = 1000.0) -> gpd.GeoDataFrame:
    """Crooked parcels of some classes that fill a square, one in fifty drawn twice."""
    random = np.random.default_rng(seed)
    nodes = np.stack(np.meshgrid(np.arange(41), np.arange(31), indexing="ij"), -1)
    shift = random.uniform(-0.35, 0.35, nodes.shape)
    shift[[0, -1]] = shift[:, [0, -1]] = 0
    xy = (nodes + shift) * [size_m / 40, size_m / 30] + FAR
    rings = np.stack([xy[:-1, :-1], xy[1:, :-1], xy[1:, 1:], xy[:-1, 1:]], axis=2)
    cells = shapely.polygons(rings.reshape(-1, 4, 2))
    cells = np.append(cells, shapely.buffer(cells[::50], size_m / 250))
    codes = random.choice(["0101", "0301", "0701", "1202", "1401", "1704", ""], len(cells))
    return land(*zip(cells, codes.tolist(), strict=True))


def complementary(seed: int, corners: int, size_m: float = 1000.0) -> gpd.GeoDataFrame:
    """The same square in two, along a line of many corners."""
    random = np.random.default_rng(seed)
    x = np.linspace(0, 1, corners)
    cut = np.stack([x, 0.5 + random.uniform(-0.3, 0.3, corners)], axis=1)
    rings = [np.concatenate([cut, [[1, end], [0, end]]]) for end in (0, 1)]
    return zones(*(Polygon(np.add(ring * size_m, FAR)) for ring in rings))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_crooked_complementary_zones_add_up(seed: int) -> None:
    cover, parts = parcels(seed), complementary(seed, corners=1500)
    whole = zones(box(530_000, 4_330_000, 531_000, 4_331_000))
    found, together = class_areas(cover, parts).sum(), class_areas(cover, whole).loc["Z0"]
    assert list(found) == pytest.approx(list(together), rel=1e-9, abs=1e-6)
    counted = land_areas(cover, parts, classes=BLUE_GREEN)["numerator"].sum()
    expected = land_areas(cover, whole, classes=BLUE_GREEN)["numerator"].sum()
    assert counted == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_areas_are_those_of_unions_cut_with_the_zone(seed: int) -> None:
    cover, parts = parcels(seed), complementary(seed, corners=400)
    found = class_areas(cover, parts)
    for zone in parts.index:
        for code in found.columns[:-1]:
            union = cover.geometry[cover["class_code"] == code].union_all()
            expected = shapely.intersection(union, parts.geometry[zone]).area
            assert found.loc[zone, code] == pytest.approx(expected, rel=1e-9)
        known = cover.geometry[cover["class_code"] != ""].union_all()
        missing = shapely.difference(parts.geometry[zone], known).area
        assert found.loc[zone, ""] == pytest.approx(missing, rel=1e-7)


@pytest.mark.parametrize("seed", [1, 2])
def test_figures_and_evidence_agree(seed: int) -> None:
    # So large a map that pieces below 1 m², which are not listed, do not matter.
    cover, parts = parcels(seed, 100_000), complementary(seed, 400, 100_000)
    found = land_share(cover, parts, classes=BLUE_GREEN)
    unknown = found.evidence[found.evidence["class_code"].isna()]
    for zone in parts.index:
        row = found.values.loc[zone]
        # Land of two classes neither of which counts is listed under both: take the union.
        places = found.evidence.geometry[found.evidence["unit"] == zone].union_all()
        assert places.area == pytest.approx(row["denominator"] - row["numerator"], rel=1e-6)
        area = unknown.area[unknown["unit"] == zone].sum()
        assert area == pytest.approx((row["high"] - row["low"]) * row["denominator"], rel=1e-6)


def test_samples_correct_the_share_that_a_map_shows() -> None:
    """40 % mapped, of which 90 % is right, and a fifth of the rest counts as well: 48 %."""
    land = gpd.GeoDataFrame(
        {"class_code": ["03", "07"]},
        geometry=[box(0, 0, 40, 100), box(40, 0, 100, 100)],
        index=["L1", "L2"],
        crs="EPSG:4548",
    )
    zone = gpd.GeoDataFrame(geometry=[box(0, 0, 100, 100)], index=["Z"], crs="EPSG:4548")
    found = land_share(land, zone, classes=("03",), matrix=((90, 10), (20, 80)))
    whole = found.whole
    assert whole.value == pytest.approx(0.48)
    assert whole.numerator == pytest.approx(4800)
    # Variance 0.4² · 0.9 · 0.1 / 99 + 0.6² · 0.2 · 0.8 / 99.
    error = (0.16 * 0.09 / 99 + 0.36 * 0.16 / 99) ** 0.5
    assert whole.low is not None
    assert whole.high is not None
    assert (whole.high - whole.low) / 2 == pytest.approx(1.959964 * error, rel=1e-6)
    assert found.facts == {"mapped_share": pytest.approx(0.4)}
    (doubt,) = found.doubts
    assert (doubt.kind, doubt.method, doubt.inputs) == (
        "classification",
        "estimate",
        {"samples": 200.0},
    )


def test_samples_and_positions_widen_a_range_together() -> None:
    land = gpd.GeoDataFrame(
        {"class_code": ["03", "07"], "accuracy_m": [10.0, 10.0]},
        geometry=[box(0, 0, 400, 1000), box(400, 0, 1000, 1000)],
        index=["L1", "L2"],
        crs="EPSG:4548",
    )
    zone = gpd.GeoDataFrame(geometry=[box(0, 0, 1000, 1000)], index=["Z"], crs="EPSG:4548")
    matrix = ((90, 10), (20, 80))
    alone = land_share(land.drop(columns="accuracy_m"), zone, classes=("03",), matrix=matrix).whole
    both = land_share(land, zone, classes=("03",), matrix=matrix).whole
    assert alone.low is not None
    assert both.low is not None
    assert both.value == alone.value
    assert alone.low - both.low == pytest.approx(0.01)  # 10 m of 1000 m


def test_what_positions_and_what_missing_classes_leave_open_is_told_apart() -> None:
    """Half counts, a quarter has no class: that alone reaches 75 %.

    Housing between the two is known to 10 m on either side: borders alone reach 52 %.
    """
    land = gpd.GeoDataFrame(
        {"class_code": ["03", "07", None], "accuracy_m": 10.0},
        geometry=[box(0, 0, 500, 1000), box(500, 0, 750, 1000), box(750, 0, 1000, 1000)],
        index=["L1", "L2", "L3"],
        crs="EPSG:4548",
    )
    zone = gpd.GeoDataFrame(geometry=[box(0, 0, 1000, 1000)], index=["Z"], crs="EPSG:4548")
    found = land_share(land, zone, classes=("03",))
    position, unclassified = found.doubts
    assert (position.low, position.high) == pytest.approx((0.49, 0.52))
    assert (unclassified.low, unclassified.high) == pytest.approx((0.5, 0.75))
    assert (found.whole.low, found.whole.high) == pytest.approx((0.49, 0.77))


def test_samples_tell_nothing_of_land_without_a_class() -> None:
    """60 % counts, 20 % does not, 20 % has no class: 0.9 · 0.6 + 0.2 · 0.2, and 0 to 0.2 more."""
    land = gpd.GeoDataFrame(
        {"class_code": ["03", "07"]},
        geometry=[box(0, 0, 60, 100), box(60, 0, 80, 100)],
        index=["L1", "L2"],
        crs="EPSG:4548",
    )
    zone = gpd.GeoDataFrame(geometry=[box(0, 0, 100, 100)], index=["Z"], crs="EPSG:4548")
    found = land_share(land, zone, classes=("03",), matrix=((90, 10), (20, 80)))
    assert found.whole.value == pytest.approx(0.58)
    unclassified, classification = found.doubts
    assert (unclassified.low, unclassified.high) == pytest.approx((0.58, 0.78))
    assert (classification.low + classification.high) / 2 == pytest.approx(0.58)
    nothing = land_share(land.iloc[:0], zone, classes=("03",), matrix=((90, 10), (20, 80)))
    assert (nothing.whole.value, nothing.whole.high) == (0.0, 1.0)
