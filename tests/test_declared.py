"""What is said of coordinates puts them where they belong, and what fits is proposed first."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Geod, Transformer
from shapely import Point, box
from shapely.geometry.base import BaseGeometry

from layers import InputError, Pack
from layers.crs import crs_title, datum_of, local_crs
from layers.datum import wgs84_to_bd09, wgs84_to_gcj02
from layers.declared import Datum, Declared, Proposal, proposals, to_degrees
from layers.formats import Part
from spatial import Plan

GEOD = Geod(ellps="WGS84")
VADUZ = box(9.49, 47.1, 9.55, 47.17)


def put(x: float, y: float, declared: Declared) -> tuple[float, float]:
    point = to_degrees(gpd.GeoSeries([Point(x, y)]), declared)[0]
    return point.x, point.y


def as_is(crs: str, datum: Datum = "other", *, swapped: bool = False) -> Declared:
    return Declared(crs=crs, datum=datum, swapped=swapped)


def meridian_arc(lat: float, ellipsoid: str = "GRS80") -> float:
    """Metres from the equator along a meridian: the northing on a Gauss-Kruger zone's middle."""
    return float(Geod(ellps=ellipsoid).inv(0, 0, 0, lat)[2])


@pytest.mark.parametrize(
    "declared,x,y,lon,lat",
    [
        (as_is("EPSG:4490", "cgcs2000"), 117.3, 39.1, 117.3, 39.1),
        (as_is("EPSG:4326", "wgs84"), 117.3, 39.1, 117.3, 39.1),
        (as_is("EPSG:4490", "wgs84"), 117.3, 39.1, 117.3, 39.1),
        (as_is("EPSG:4548", "cgcs2000"), 500_000, meridian_arc(39), 117, 39),
        (as_is("EPSG:4527", "cgcs2000"), 39_500_000, meridian_arc(39), 117, 39),
        (as_is("EPSG:4549", "cgcs2000"), 500_000, meridian_arc(39), 120, 39),
        (as_is("EPSG:4528", "wgs84"), 40_500_000, meridian_arc(39), 120, 39),
        (as_is("EPSG:4498", "cgcs2000"), 20_500_000, meridian_arc(39), 117, 39),
        (as_is("EPSG:4507", "cgcs2000"), 500_000, meridian_arc(39), 105, 39),
        # 117 degrees of the equator's circumference, with a radius of 6 378 137 m.
        (as_is("EPSG:3857", "wgs84"), 117 * np.pi * 6_378_137 / 180, 0, 117, 0),
        (as_is("EPSG:32650", "wgs84"), 500_000, 0.9996 * meridian_arc(39, "WGS84"), 117, 39),
        # The zero point of Switzerland, as swisstopo gives it on WGS 84; shown to 0.0001 degrees.
        (as_is("EPSG:2056"), 2_600_000, 1_200_000, 7.4386, 46.9511),
    ],
    ids=lambda value: value.crs if isinstance(value, Declared) else "",
)
def test_numbers_lie_where_their_crs_says(
    declared: Declared, x: float, y: float, lon: float, lat: float
) -> None:
    found = put(x, y, declared)
    exact = 1e-4 if declared.crs == "EPSG:2056" else 1e-8
    assert found == pytest.approx((lon, lat), abs=exact)
    swapped = declared.model_copy(update={"swapped": True})
    assert put(y, x, swapped) == pytest.approx(found, abs=1e-12)


@pytest.mark.parametrize("crs", ["EPSG:4610", "EPSG:4214"])
def test_an_old_datum_without_parameters_keeps_its_numbers(crs: str) -> None:
    assert put(117.3, 39.1, as_is(crs)) == (117.3, 39.1)


def test_a_file_is_not_torn_where_proj_changes_its_mind() -> None:
    # Beijing 1954 has parameters for single oil fields: point by point PROJ jumps 50 m at 107 E.
    lon = np.arange(106.5, 110.5, 0.05)
    numbers = gpd.GeoSeries(shapely.points(lon, np.full_like(lon, 38.5)))
    moved = to_degrees(numbers, as_is("EPSG:4214"))
    steps = np.diff(moved.x.to_numpy() - lon)
    assert np.abs(steps).max() < 1e-5  # a metre
    alone = Transformer.from_crs("EPSG:4214", "OGC:CRS84", always_xy=True)
    torn = np.diff(alone.transform(lon, np.full_like(lon, 38.5))[0] - lon)
    assert np.abs(torn).max() > 1e-4  # so this test would notice


@given(st.floats(75, 134), st.floats(4, 53), st.sampled_from(["EPSG:4490", "EPSG:3857"]))
@settings(max_examples=100)
def test_a_shifted_datum_is_undone_within_a_millimetre(lon: float, lat: float, crs: str) -> None:
    forward = Transformer.from_crs(CRS(crs).geodetic_crs, crs, always_xy=True)
    shifts: tuple[Datum, ...] = ("gcj02", "bd09")
    for datum, shift in zip(shifts, (wgs84_to_gcj02, wgs84_to_bd09), strict=True):
        x, y = forward.transform(*shift(lon, lat))
        back = put(x, y, as_is(crs, datum))
        assert GEOD.inv(lon, lat, *back)[2] < 0.001


def test_outside_china_nothing_is_shifted() -> None:
    numbers = gpd.GeoSeries([Point(117.3, 39.1), Point(117.4, 39.1), Point(0, 0)])
    moved = to_degrees(numbers, as_is("EPSG:4490", "gcj02"))
    assert moved[2] == Point(0, 0)
    assert moved[0] != Point(117.3, 39.1)


def test_what_is_not_a_position_stays() -> None:
    numbers = gpd.GeoSeries(
        [Point(117.3, 39.1, 12.5), None, Point(), Point(117.3, 39.1)], index=["a", "b", "c", "d"]
    )
    moved = to_degrees(numbers, as_is("EPSG:4490", "gcj02"))
    assert moved.crs == "OGC:CRS84"
    assert list(moved.index) == ["a", "b", "c", "d"]
    assert (moved["a"].z, moved["b"], moved["c"].is_empty) == (12.5, None, True)
    assert not moved["d"].has_z
    assert (moved["a"].x, moved["a"].y) == (moved["d"].x, moved["d"].y)
    assert numbers["a"] == Point(117.3, 39.1, 12.5)
    assert to_degrees(gpd.GeoSeries([None, Point()]), as_is("EPSG:4548", "cgcs2000"))[0] is None


def refused(numbers: list[BaseGeometry], declared: Declared) -> InputError:
    with pytest.raises(InputError) as caught:
        to_degrees(gpd.GeoSeries(numbers), declared, where="站点.zip")
    for problem in caught.value.problems:
        assert problem.layer == "站点.zip"
        assert problem.zh
        assert problem.zh != problem.message
    return caught.value


@pytest.mark.parametrize(
    "declared,rule,said",
    [
        (as_is("EPSG:1", "wgs84"), "crs", "unknown CRS 'EPSG:1'"),
        (as_is("+init=/etc/passwd:1", "wgs84"), "crs", "unknown CRS"),
        (as_is("+proj=longlat", "wgs84"), "crs", "unknown CRS"),
        (as_is("", "wgs84"), "crs", "unknown CRS"),
        (as_is("EPSG:4978", "wgs84"), "crs", "says nothing of places"),
        (as_is('LOCAL_CS["x",UNIT["m",1]]', "wgs84"), "crs", "says nothing of places"),
        (as_is("EPSG:2436", "cgcs2000"), "datum", "Beijing 1954"),
        (as_is("EPSG:2056", "gcj02"), "datum", "has a datum of its own"),
        (as_is("EPSG:4490", "wgs84", swapped=True), "coordinates", "(117.3, 39.1) is no place"),
        (as_is("EPSG:4326", "gcj02", swapped=True), "coordinates", "axes may be swapped"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused_in_one_line(
    declared: Declared, rule: str, said: str
) -> None:
    error = refused([Point(117.3, 39.1)], declared)
    assert [problem.rule for problem in error.problems] == [rule]
    assert said in str(error)
    assert "\n" not in str(error)


def test_a_shift_is_refused_where_web_maps_do_not_shift() -> None:
    error = refused([Point(9.5, 47.1), Point(9.6, 47.2)], as_is("EPSG:4326", "gcj02"))
    assert "outside China" in str(error)
    assert "(9.500000, 47.100000)" in str(error)


@pytest.mark.parametrize("x", [np.nan, np.inf, 1e300])
def test_features_off_the_earth_are_named(x: float) -> None:
    numbers = [Point(520_000, 4_330_000), Point(x, 4_330_000), None]
    error = refused(numbers, as_is("EPSG:4548", "cgcs2000"))
    assert [problem.feature for problem in error.problems] == ["1"]


def test_of_many_features_off_the_earth_twenty_are_named_and_the_rest_counted() -> None:
    error = refused([Point(4_330_000, 520_000)] * 50, as_is("EPSG:4490", "cgcs2000"))
    assert len(error.problems) == 21
    assert str(error).endswith(
        "30 more features have such coordinates; look at the CRS and the axis order"
    )


@pytest.fixture(scope="module")
def district(embedded: tuple[Pack, Plan]) -> gpd.GeoSeries:
    pack, _ = embedded
    return gpd.GeoSeries([pack.area], crs=pack.catalogue.pack.metric_crs)


def part(bounds: tuple[float, ...], crs: str = "") -> Part:
    west, south, east, north = map(float, bounds)
    return Part(name="x", bounds=(west, south, east, north), crs=crs)


def proposed(
    bounds: tuple[float, ...], district: gpd.GeoSeries, crs: str = ""
) -> tuple[Proposal, ...]:
    area = district.to_crs("OGC:CRS84").iloc[0]
    return proposals(part(bounds, crs), metric_crs="EPSG:4548", area_degrees=area)


@pytest.mark.parametrize(
    "crs,expected",
    [
        ("EPSG:4490", "EPSG:4490"),
        ("EPSG:4326", "EPSG:4490"),  # equal numbers
        ("EPSG:4548", "EPSG:4548"),
        ("EPSG:4527", "EPSG:4527"),
        ("EPSG:4549", "EPSG:4549"),
        ("EPSG:4528", "EPSG:4528"),
        ("EPSG:4498", "EPSG:4498"),
        ("EPSG:4509", "EPSG:4548"),  # the 6° zone's numbers are the 3° zone's
        ("EPSG:3857", "EPSG:3857"),
        ("EPSG:32650", "EPSG:32650"),
    ],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_without_a_word_of_the_file_its_numbers_tell(
    district: gpd.GeoSeries, crs: str, expected: str, swapped: bool
) -> None:
    west, south, east, north = district.to_crs(crs).total_bounds
    bounds = (south, west, north, east) if swapped else (west, south, east, north)
    first = proposed(bounds, district)[0]
    assert first.declared == as_is(expected, datum_of(expected), swapped=swapped)
    assert first.origin == "numbers"
    assert ("对调" in first.why.zh) is swapped


@pytest.mark.parametrize("code", ["EPSG:2384", "EPSG:2436", "EPSG:2363", "EPSG:2415"])
def test_older_grids_are_among_the_proposals_with_what_is_known_of_them(
    district: gpd.GeoSeries, code: str
) -> None:
    found = {p.declared.crs: p for p in proposed(district.to_crs(code).total_bounds, district)}
    assert found[code].declared.datum == "other"
    assert "tens of metres" in found[code].note.en


def test_a_file_shifted_by_a_web_map_is_still_recognised(district: gpd.GeoSeries) -> None:
    def shift(degrees: np.ndarray) -> np.ndarray:
        return np.column_stack(wgs84_to_bd09(*degrees.T))

    shifted = shapely.transform(district.to_crs("OGC:CRS84").iloc[0], shift)
    first = proposed(shifted.bounds, district)[0]
    assert first.declared == as_is("EPSG:4490", "cgcs2000")
    assert "BD-09" in first.note.zh


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32650", CRS("EPSG:4549").to_wkt("WKT1_ESRI")])
def test_what_the_file_names_comes_first_where_its_place_is_here(
    district: gpd.GeoSeries, crs: str
) -> None:
    bounds = district.to_crs(crs).total_bounds
    first = proposed(bounds, district, crs)[0]
    assert first.origin == "file"
    assert CRS(first.declared.crs).to_epsg() == CRS(crs).to_epsg()
    assert first.declared.datum == datum_of(crs)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4549", "EPSG:2056", "nonsense", "EPSG:4978"])
def test_what_the_file_names_is_not_believed_where_its_place_is_not(
    district: gpd.GeoSeries, crs: str
) -> None:
    first = proposed(district.total_bounds, district, crs)[0]
    assert (first.declared.crs, first.origin) == ("EPSG:4548", "numbers")
    assert "另一坐标系" in first.why.zh


def test_a_lone_point_is_enough(district: gpd.GeoSeries) -> None:
    point = district.iloc[0].representative_point()
    assert proposed(point.bounds, district)[0].declared.crs == "EPSG:4548"


@pytest.mark.parametrize(
    "bounds", [(0, 0, 100, 100), (9.4, 47.0, 9.6, 47.2), (1e9, 1e9, 2e9, 2e9), (-1, -1, 1, 1)]
)
def test_nothing_is_proposed_where_nothing_fits(
    district: gpd.GeoSeries, bounds: tuple[float, ...]
) -> None:
    assert proposed(bounds, district) == ()
    assert proposed(bounds, district, "EPSG:4548") == ()


def test_nothing_is_proposed_without_coordinates(district: gpd.GeoSeries) -> None:
    area = district.to_crs("OGC:CRS84").iloc[0]
    part = Part(name="表", kind="table")
    assert proposals(part, metric_crs="EPSG:4548", area_degrees=area) == ()


@pytest.mark.parametrize(
    "crs,expected",
    [
        ("EPSG:4326", "EPSG:4326"),
        ("EPSG:32632", "EPSG:32632"),
        ("EPSG:2056", "EPSG:2056"),
        ("EPSG:3857", "EPSG:3857"),
    ],
)
def test_outside_china_the_packs_own_crs_is_offered_and_no_chinese_one(
    crs: str, expected: str
) -> None:
    bounds = gpd.GeoSeries([VADUZ], crs="OGC:CRS84").to_crs(crs).total_bounds
    found = proposals(part(bounds), metric_crs="EPSG:2056", area_degrees=VADUZ)
    assert found[0].declared.crs == expected
    assert all("CGCS2000" not in p.title.en and "GCJ" not in p.note.en for p in found)


@pytest.mark.parametrize("lon", range(74, 136))
def test_the_grids_offered_are_those_around_the_place(lon: int) -> None:
    names = [CRS(code).name for code in local_crs(lon, 35, chinese=True)]
    three = [name for name in names if name.startswith("CGCS2000 / 3-degree")]
    middles = {int(name.rsplit("CM ", 1)[1].rstrip("E")) for name in three if "CM" in name}
    zones = {int(name.rsplit("zone ", 1)[1]) for name in three if "zone" in name}
    assert zones == {middle // 3 for middle in middles}
    assert all(abs(middle - lon) <= 4.5 for middle in middles)
    assert min(abs(middle - lon) for middle in middles) <= 1.5
    six = [name for name in names if name.startswith("CGCS2000 / Gauss-Kruger zone")]
    assert [int(name.rsplit("zone ", 1)[1]) for name in six] == [lon // 6 + 1]
    assert f"WGS 84 / UTM zone {lon // 6 + 31}N" in names
    assert any(name.startswith("Xian 1980 / 3-degree") for name in names)
    assert any(name.startswith("Beijing 1954 / 3-degree") for name in names)


@pytest.mark.parametrize("code", sorted(set(local_crs(117.4, 39.1, chinese=True))))
def test_every_crs_offered_has_a_name_in_a_planners_words(code: str) -> None:
    title = crs_title(code)
    assert "Gauss" not in title.zh
    assert "EPSG" not in title.zh
    assert title.en.isascii() or "°" in title.en


@pytest.mark.parametrize(
    "crs,datum",
    [
        ("EPSG:4490", "cgcs2000"),
        ("EPSG:4527", "cgcs2000"),
        (CRS("EPSG:4548").to_wkt("WKT1_ESRI"), "cgcs2000"),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "wgs84"),
        ("EPSG:4326", "wgs84"),
        ("EPSG:3857", "wgs84"),
        ("EPSG:32750", "wgs84"),
        ("EPSG:4214", "other"),
        ("EPSG:4555", "other"),  # New Beijing
        ("EPSG:2384", "other"),
        ("EPSG:2056", "other"),
        ("EPSG:4258", "other"),
    ],
)
def test_a_crs_implies_its_datum(crs: str, datum: str) -> None:
    assert datum_of(crs) == datum
