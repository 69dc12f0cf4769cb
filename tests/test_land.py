"""Land shares: unions, code prefixes, and land that nobody has classified."""

from itertools import pairwise

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import box
from shapely.geometry.base import BaseGeometry

from spatial.measures import in_classes, land_share

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
