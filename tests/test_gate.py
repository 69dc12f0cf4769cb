"""The gate finds a wrong datum, never accuses data that are right, and says when it cannot tell."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyproj import Geod, Transformer
from pyproj.enums import TransformDirection
from shapely import Point
from shapely.geometry.base import BaseGeometry

from layers import Basis, Language, Layer, Pack, Text
from layers.datum import gcj02_to_wgs84, wgs84_to_bd09, wgs84_to_gcj02
from layers.declared import Datum, Declared, to_degrees
from layers.gate import DatumFinding, Reference, find_shift, references
from layers.matching import clouds, plain_name, sparse_edges
from spatial import Plan

Array: TypeAlias = NDArray[np.float64]
Shift: TypeAlias = Callable[[Any, Any], tuple[Array, Array]]

METRIC = "EPSG:4548"
INVERSE = TransformDirection.INVERSE
TRUE = Declared(crs="EPSG:4490", datum="cgcs2000")
NEVER: Shift = lambda lon, lat: (lon, lat)  # noqa: E731 - the third of three shifts
SHIFTS: Mapping[str, Shift] = {"agrees": NEVER, "gcj02": wgs84_to_gcj02, "bd09": wgs84_to_bd09}
GEOD = Geod(ellps="WGS84")
STATIONS = Text(zh="轨道车站", en="Rail stations")
TO_METRES = Transformer.from_crs("OGC:CRS84", METRIC, always_xy=True)
seeds = st.integers(0, 10_000)


def by(shift: Shift, shapes: Sequence[BaseGeometry]) -> list[BaseGeometry]:
    """Shift geometries in degrees."""
    array = np.array(shapes, dtype=object)
    return list(shapely.transform(array, lambda degrees: np.column_stack(shift(*degrees.T))))


def moved(shapes: Sequence[BaseGeometry], offsets: Array) -> list[BaseGeometry]:
    """Move geometries in metres, each by its own offset, and put them into degrees."""
    array = np.array(shapes, dtype=object)
    _, which = shapely.get_coordinates(array, return_index=True)

    def put(metres: Array) -> Array:
        metres = metres + offsets[which]
        lon, lat = TO_METRES.transform(metres[:, 0], metres[:, 1], direction=INVERSE)
        return np.column_stack([lon, lat])

    return list(shapely.transform(array, put))


def honest(random: np.random.Generator, count: int) -> Array:
    """Errors of honest data in metres: up to 30 together, and 30 (one sigma, each axis) alone."""
    angle, length = random.uniform(0, 2 * math.pi), random.uniform(0, 30)
    together = length * np.array([math.cos(angle), math.sin(angle)])
    return together + random.normal(0, 30, (count, 2))


def degrees(shapes: Sequence[BaseGeometry], **columns: Sequence[object]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs="OGC:CRS84")


@dataclass(frozen=True, repr=False)
class Place:
    """The embedded pack, its trusted outline, and its stations, taken as open here."""

    pack: Pack
    outline: tuple[Reference, ...]
    stations: gpd.GeoDataFrame
    trusted: tuple[Reference, ...]

    def look(
        self,
        frame: gpd.GeoDataFrame,
        trusted: tuple[Reference, ...],
        declared: Declared = TRUE,
        names: Sequence[str] = (),
    ) -> DatumFinding:
        area = self.pack.area
        return find_shift(
            frame, trusted, declared=declared, area=area, metric_crs=METRIC, names=names
        )


@pytest.fixture(scope="module")
def place(embedded: tuple[Pack, Plan]) -> Place:
    pack, _ = embedded
    stations = pack.layers["rail_stations"].frame[["name", "name_en", "geometry"]]
    trusted = Reference("rail_stations", STATIONS, "point", stations, 20.0)
    return Place(pack, references(pack), stations, (trusted,))


def expected_shift(shift: Shift, pack: Pack) -> tuple[float, float]:
    """Length and bearing of a shift in the middle of the area, by the geodesic."""
    x, y = pack.area.centroid.x, pack.area.centroid.y
    lon, lat = TO_METRES.transform(x, y, direction=INVERSE)
    there = shift(lon, lat)
    bearing, _, length = GEOD.inv(lon, lat, float(there[0]), float(there[1]))
    return float(length), float(bearing) % 360


def assert_finds(found: DatumFinding, verdict: str, pack: Pack) -> None:
    assert found.verdict == verdict, found
    if verdict == "agrees":
        assert found.shift_m is not None
        assert found.shift_m < 100
        assert found.suggestion is None
        return
    length, bearing = expected_shift(SHIFTS[verdict], pack)
    assert found.shift_m == pytest.approx(length, abs=75)
    assert found.bearing_deg == pytest.approx(bearing, abs=8)
    assert found.suggestion == TRUE.model_copy(update={"datum": verdict})


# What there is to compare with


def test_the_embedded_pack_offers_its_outline_and_no_sketch(place: Place) -> None:
    assert [(one.layer, one.geometry, len(one.frame)) for one in place.outline] == [
        ("district", "polygon", 1)
    ]


def with_stations(pack: Pack, basis: Sequence[Basis], accuracy_m: Sequence[float]) -> Pack:
    layer = pack.layers["rail_stations"]
    frame = layer.frame.iloc[: len(basis)].assign(basis=basis, accuracy_m=accuracy_m)
    changed = Layer(layer.spec, frame, layer.sha256)
    return replace(pack, layers={**pack.layers, "rail_stations": changed})


def test_a_features_own_basis_and_accuracy_decide_whether_it_is_trusted(place: Place) -> None:
    bases: list[Basis] = ["official", "open", "official", "digitised", "sketch"]
    found = references(with_stations(place.pack, bases, [10, 100, 101, 5, 5]))
    one = next(one for one in found if one.layer == "rail_stations")
    assert list(one.frame.index) == list(place.pack.layers["rail_stations"].frame.index[:2])
    assert one.accuracy_m == 100
    assert {"name", "name_en"} <= set(one.frame.columns)


def test_a_planners_own_layer_vouches_for_others_only_once_it_is_proven(place: Place) -> None:
    changed = with_stations(place.pack, ["official"] * 38, [10] * 38)
    own = place.pack.with_layers([changed.layers["rail_stations"]])
    assert [one.layer for one in references(own)] == ["district"]
    proven = references(own, proven=["rail_stations"])
    assert {one.layer for one in proven} == {"district", "rail_stations"}


# Outlines


@pytest.mark.parametrize("verdict", SHIFTS)
def test_a_shifted_copy_of_the_outline_is_found(place: Place, verdict: str) -> None:
    file = Path(place.pack.folder / "district.geojson")
    shape = shapely.geometry.shape(json.loads(file.read_text("utf-8"))["features"][0]["geometry"])
    found = place.look(degrees(by(SHIFTS[verdict], [shape])), place.outline)
    assert_finds(found, verdict, place.pack)
    assert (found.how, found.against) == ("outline", ("district",))
    assert found.residual_m is not None
    assert found.residual_m < 25  # half of the spacing at which lines are compared


@pytest.mark.parametrize("verdict", SHIFTS)
@pytest.mark.parametrize("layer", ["streets", "land_cover"])
def test_the_outline_of_a_mosaic_is_compared_not_its_inner_lines(
    place: Place, verdict: str, layer: str
) -> None:
    shapes = place.pack.layers[layer].frame.geometry.to_crs("OGC:CRS84")
    found = place.look(degrees(by(SHIFTS[verdict], list(shapes))), place.outline)
    assert_finds(found, verdict, place.pack)


@pytest.mark.parametrize("verdict", SHIFTS)
def test_boundaries_drawn_as_lines_do_as_well(place: Place, verdict: str) -> None:
    lines = place.pack.layers["streets"].frame.geometry.to_crs("OGC:CRS84").boundary
    found = place.look(degrees(by(SHIFTS[verdict], list(lines))), place.outline)
    assert_finds(found, verdict, place.pack)
    assert found.geometry == "line"


@given(seeds, st.sampled_from(sorted(SHIFTS)))
@settings(max_examples=6)
def test_noise_of_30_m_at_each_vertex_changes_no_finding(
    place: Place, seed: int, verdict: str
) -> None:
    random = np.random.default_rng(seed)
    ring = shapely.get_coordinates(place.pack.area.exterior)[:-1]
    rough = shapely.Polygon(ring + honest(random, len(ring)))
    shapes = by(SHIFTS[verdict], moved([rough], np.zeros((1, 2))))
    assert_finds(place.look(degrees(shapes), place.outline), verdict, place.pack)


@pytest.mark.parametrize("verdict", SHIFTS)
def test_a_network_is_found_again_in_its_like(place: Place, verdict: str) -> None:
    # Streets every 700 m, bent so that no displacement along them looks the same.
    west, south, east, north = place.pack.area.bounds
    random = np.random.default_rng(0)
    columns, rows = np.arange(west, east, 700), np.arange(south, north, 700)
    nodes = np.stack(np.meshgrid(columns, rows), axis=-1) + random.uniform(
        -200, 200, (len(rows), len(columns), 2)
    )
    streets = [shapely.LineString(line) for line in (*nodes, *nodes.swapaxes(0, 1))]
    network = gpd.GeoDataFrame(geometry=streets, crs=METRIC)
    reference = Reference("roads", Text(zh="道路", en="Roads"), "line", network, 10.0)
    placed = moved(streets, random.normal(0, 8, (len(streets), 2)))
    found = place.look(degrees(by(SHIFTS[verdict], placed)), (reference,))
    assert_finds(found, verdict, place.pack)


@pytest.mark.parametrize("layer", ["rail", "roads", "built_up", "rivers_lakes", "green_frame"])
@pytest.mark.parametrize("verdict", SHIFTS)
def test_lines_that_are_not_the_outline_tell_nothing(
    place: Place, verdict: str, layer: str
) -> None:
    shapes = place.pack.layers[layer].frame.geometry.to_crs("OGC:CRS84")
    found = place.look(degrees(by(SHIFTS[verdict], list(shapes))), place.outline)
    assert (found.verdict, found.suggestion) == ("cannot_tell", None)


def test_a_straight_border_can_slide_along_itself_and_tells_nothing(place: Place) -> None:
    x, y = place.pack.area.centroid.x, place.pack.area.centroid.y
    line = shapely.LineString([(x - 8000, y), (x + 8000, y)])
    frame = gpd.GeoDataFrame(geometry=[line], crs=METRIC)
    reference = Reference("border", Text(zh="界", en="Border"), "line", frame, 10.0)
    found = place.look(degrees(moved([line], np.zeros((1, 2)))), (reference,))
    assert (found.verdict, found.reason) == ("cannot_tell", "unclear")


@pytest.mark.parametrize("apart_m", [400, 555, 900])
def test_one_pond_resembles_another_and_tells_nothing(place: Place, apart_m: int) -> None:
    x, y = place.pack.area.centroid.x, place.pack.area.centroid.y
    frame = gpd.GeoDataFrame(geometry=[shapely.box(x, y, x + 820, y + 800)], crs=METRIC)
    reference = Reference("ponds", Text(zh="坑塘", en="Ponds"), "polygon", frame, 10.0)
    other = shapely.box(x + apart_m, y, x + apart_m + 800, y + 790)
    found = place.look(degrees(moved([other], np.zeros((1, 2)))), (reference,))
    assert found.verdict == "cannot_tell"


def test_invalid_and_missing_shapes_do_no_harm(place: Place) -> None:
    shape = gpd.GeoSeries([place.pack.area], crs=METRIC).to_crs("OGC:CRS84").iloc[0]
    bow = shapely.from_wkt(
        "POLYGON ((117.3 39.1, 117.31 39.11, 117.31 39.1, 117.3 39.11, 117.3 39.1))"
    )
    shapes = [*by(wgs84_to_gcj02, [shape, bow]), None, shapely.Polygon()]
    found = place.look(degrees(shapes), place.outline)
    assert found.verdict == "gcj02"


def test_a_line_that_leaves_the_world_of_the_metric_crs_is_left_out(place: Place) -> None:
    shape = gpd.GeoSeries([place.pack.area.boundary], crs=METRIC).to_crs("OGC:CRS84").iloc[0]
    endless = shapely.LineString([(117.3, 39.1), (-60, 5), (27, 0)])
    found = place.look(degrees([*by(wgs84_to_bd09, [shape]), endless]), place.outline)
    assert found.verdict == "bd09"
    alone = place.look(degrees([endless]), place.outline)
    assert (alone.verdict, alone.reason) == ("cannot_tell", "few")


# Points


@given(seeds, st.sampled_from(sorted(SHIFTS)), st.integers(5, 38), st.sampled_from([3, 4, 9]))
@settings(max_examples=20)
def test_stations_are_found_by_their_names(
    place: Place, seed: int, verdict: str, count: int, decimals: int
) -> None:
    random = np.random.default_rng(seed)
    some = place.stations.iloc[random.choice(len(place.stations), count, replace=False)]
    points = moved(list(some.geometry), honest(random, count))
    rounded = [Point(*np.round([p.x, p.y], decimals)) for p in by(SHIFTS[verdict], points)]
    written = [f"{name.removesuffix('站')}（地铁站）" for name in some["name"]]
    found = place.look(degrees(rounded, 编号=list(range(count)), 站名=written), place.trusted)
    # At five of thirty metres' noise each, one may fall out of the circle: then it cannot tell.
    if found.verdict == "cannot_tell":
        assert count <= 6
        return
    assert_finds(found, verdict, place.pack)
    assert (found.how, found.against) == ("names", ("rail_stations",))


@given(seeds, st.sampled_from(sorted(SHIFTS)), st.integers(12, 38), st.integers(0, 100))
@settings(max_examples=20)
def test_stations_are_found_by_their_pattern_among_others(
    place: Place, seed: int, verdict: str, count: int, extra: int
) -> None:
    random = np.random.default_rng(seed)
    some = list(
        place.stations.geometry.iloc[random.choice(len(place.stations), count, replace=False)]
    )
    others = list(shapely.points(scattered(place.pack, random, extra)))
    points = moved([*some, *others], honest(random, count + extra))
    found = place.look(degrees(by(SHIFTS[verdict], points)), place.trusted)
    if found.verdict == "cannot_tell":  # too few of a kind among so many others
        assert count < 20
        return
    assert_finds(found, verdict, place.pack)
    assert found.how == "nearest"


@pytest.mark.parametrize("count", [1, 2, 3])
def test_three_features_are_too_few(place: Place, count: int) -> None:
    some = place.stations.iloc[:count].to_crs("OGC:CRS84")
    found = place.look(
        degrees(by(wgs84_to_gcj02, list(some.geometry)), name=some["name"]), place.trusted
    )
    assert (found.verdict, found.reason) == ("cannot_tell", "few")


def scattered(pack: Pack, random: np.random.Generator, count: int) -> Array:
    """Points anywhere in the area, in metres."""
    west, south, east, north = pack.area.bounds
    many = random.uniform((west, south), (east, north), (4 * count + 10, 2))
    inside: Array = many[shapely.contains_xy(pack.area, *many.T)]
    return inside[:count]


@pytest.mark.parametrize("count", [5, 38, 300, 3_000])
@pytest.mark.parametrize("verdict", SHIFTS)
def test_points_all_over_the_place_tell_nothing(place: Place, verdict: str, count: int) -> None:
    for seed in range(3):
        points = list(shapely.points(scattered(place.pack, np.random.default_rng(seed), count)))
        placed = moved(points, np.zeros((count, 2)))
        found = place.look(degrees(by(SHIFTS[verdict], placed)), place.trusted)
        assert (found.verdict, found.suggestion) == ("cannot_tell", None)


@pytest.mark.parametrize("verdict", SHIFTS)
def test_some_names_that_mean_other_places_do_no_harm(place: Place, verdict: str) -> None:
    some = place.stations.iloc[:12].to_crs("OGC:CRS84")
    names = list(some["name"])
    names[:4] = [names[1], names[2], names[3], names[0]]
    found = place.look(degrees(by(SHIFTS[verdict], list(some.geometry)), name=names), place.trusted)
    assert_finds(found, verdict, place.pack)
    assert found.matched >= 8


def test_half_and_half_is_not_settled_by_majority(place: Place) -> None:
    places = place.stations.to_crs("OGC:CRS84")
    shifted = by(wgs84_to_gcj02, list(places.geometry))
    mixed = [*places.geometry[:19], *shifted[19:]]
    assert place.look(degrees(mixed, name=places["name"]), place.trusted).verdict == "cannot_tell"


@given(seeds)
@settings(max_examples=40)
def test_stops_named_after_a_station_nearby_are_not_accused(place: Place, seed: int) -> None:
    random = np.random.default_rng(seed)
    some = place.stations.iloc[random.choice(38, 15, replace=False)]
    angle, length = random.uniform(0, 2 * np.pi, 15), random.uniform(50, 250, 15)
    aside = np.column_stack([np.cos(angle), np.sin(angle)]) * length[:, None]
    found = place.look(degrees(moved(list(some.geometry), aside), name=some["name"]), place.trusted)
    assert found.verdict in {"agrees", "cannot_tell"}


def test_a_name_that_stands_at_two_distant_places_is_not_used(place: Place) -> None:
    twins = [*place.stations.geometry, *place.stations.geometry[:20].translate(0, 3_000)]
    names = [*place.stations["name"], *place.stations["name"][:20]]
    placed = by(wgs84_to_gcj02, moved(twins, np.zeros((58, 2))))
    found = place.look(degrees(placed, name=names), place.trusted)
    assert_finds(found, "gcj02", place.pack)
    assert (found.how, found.matched) == ("names", 18)


def test_the_column_of_names_may_be_said(place: Place) -> None:
    some = place.stations.iloc[:8].to_crs("OGC:CRS84")
    shifted = by(wgs84_to_gcj02, list(some.geometry))
    wrong = [*some["name"][1:], some["name"].iloc[0]]
    frame = degrees(shifted, 下一站=wrong, 站名=some["name"])
    assert_finds(place.look(frame, place.trusted, names=["站名"]), "gcj02", place.pack)


def test_polygons_of_one_name_are_compared_by_their_middles(place: Place) -> None:
    streets = place.pack.layers["streets"].frame
    kept = streets[["name", "geometry"]].assign(geometry=streets.buffer(-300))
    reference = Reference("streets", Text(zh="街道", en="Streets"), "polygon", kept, 50.0)
    shapes = by(wgs84_to_gcj02, list(kept.geometry.to_crs("OGC:CRS84")))
    found = place.look(degrees(shapes, 街道=kept["name"]), (reference,))
    assert_finds(found, "gcj02", place.pack)
    assert found.how == "names"


# What was declared


@pytest.mark.parametrize("declared,really", [("gcj02", "wgs84"), ("bd09", "wgs84")])
def test_a_shift_that_was_declared_and_is_not_there_is_found(
    place: Place, declared: Datum, really: str
) -> None:
    numbers = (
        gpd.GeoSeries([place.pack.area], crs=METRIC)
        .to_crs("OGC:CRS84")
        .set_crs(None, allow_override=True)
    )
    said = Declared(crs="EPSG:4490", datum=declared)
    found = place.look(gpd.GeoDataFrame(geometry=to_degrees(numbers, said)), place.outline, said)
    assert found.verdict == really
    assert found.suggestion == TRUE
    length, bearing = expected_shift(SHIFTS[declared], place.pack)
    assert found.shift_m == pytest.approx(length, abs=75)
    assert found.bearing_deg == pytest.approx((bearing + 180) % 360, abs=8)


@pytest.mark.parametrize("declared,really", [("gcj02", "bd09"), ("bd09", "gcj02")])
def test_one_shifted_datum_is_not_taken_for_the_other(
    place: Place, declared: Datum, really: Datum
) -> None:
    truth = gpd.GeoSeries([place.pack.area], crs=METRIC).to_crs("OGC:CRS84").iloc[0]
    numbers = gpd.GeoSeries(by(SHIFTS[really], [truth]))
    said = Declared(crs="EPSG:4490", datum=declared)
    found = place.look(gpd.GeoDataFrame(geometry=to_degrees(numbers, said)), place.outline, said)
    assert found.verdict == really
    assert found.suggestion is not None
    right = to_degrees(numbers, found.suggestion)
    again = place.look(gpd.GeoDataFrame(geometry=right), place.outline, found.suggestion)
    assert again.verdict == "agrees"


@pytest.mark.parametrize("crs", ["EPSG:4490", "EPSG:4548"])
def test_exchanged_axes_are_seen_from_the_place(place: Place, crs: str) -> None:
    right = Declared(crs=crs, datum="cgcs2000", swapped=True)
    wrong = right.model_copy(update={"swapped": False})
    shape = gpd.GeoSeries([place.pack.area], crs=METRIC).to_crs(crs).iloc[0]
    numbers = gpd.GeoSeries([shapely.transform(shape, lambda xy: xy[:, ::-1])])
    placed = gpd.GeoSeries(numbers, crs="OGC:CRS84")  # 117° of latitude is refused before the gate
    if crs != "EPSG:4490":
        placed = to_degrees(numbers, wrong)
    found = place.look(gpd.GeoDataFrame(geometry=placed), place.outline, wrong)
    assert (found.verdict, found.suggestion) == ("swapped", right)
    again = place.look(gpd.GeoDataFrame(geometry=to_degrees(numbers, right)), place.outline, right)
    assert again.verdict == "agrees"


def test_data_of_another_place_are_elsewhere(place: Place) -> None:
    found = place.look(degrees([Point(116.4, 39.1), Point(116.42, 39.12)]), place.outline)
    assert (found.verdict, found.suggestion) == ("elsewhere", None)
    # 0.985 degrees of longitude at 39.1 N, 86.5 km each: about 85 km to the west.
    assert found.shift_m == pytest.approx(85_000, abs=2_000)
    assert found.bearing_deg == pytest.approx(270, abs=2)
    assert found.sentence("zh").startswith("这些点位不在本区，而在其正西约 8")


@given(st.floats(0, 360), st.floats(250, 1_200))
@settings(max_examples=15)
def test_an_unknown_shift_is_told_as_such(place: Place, bearing: float, m: float) -> None:
    angle = math.radians(bearing)
    offset = m * np.array([math.sin(angle), math.cos(angle)])
    for shift in (wgs84_to_gcj02, wgs84_to_bd09):
        x, y = place.stations.geometry.iloc[0].x, place.stations.geometry.iloc[0].y
        lon, lat = shift(*TO_METRES.transform(x, y, direction=INVERSE))
        known = np.subtract(TO_METRES.transform(float(lon), float(lat)), (x, y))
        if np.hypot(*(known - offset)) < 250:  # too near to a known one to be told from it
            return
    random = np.random.default_rng(0)
    points = moved(list(place.stations.geometry), offset + random.normal(0, 20, (38, 2)))
    for frame in (degrees(points, name=place.stations["name"]), degrees(points)):
        found = place.look(frame, place.trusted)
        assert (found.verdict, found.suggestion) == ("shifted", None)
        assert found.shift_m == pytest.approx(m, abs=20)
        assert found.bearing_deg is not None
        assert math.cos(math.radians(found.bearing_deg - bearing)) > 0.99


def test_what_was_moved_back_twice_is_no_known_datum(place: Place) -> None:
    shape = gpd.GeoSeries([place.pack.area], crs=METRIC).to_crs("OGC:CRS84").iloc[0]
    found = place.look(degrees(by(gcj02_to_wgs84, [shape])), place.outline)
    assert found.verdict == "shifted"


# Nothing to compare with, or too much


def test_without_a_trusted_layer_it_cannot_tell(place: Place) -> None:
    found = place.look(place.stations.to_crs("OGC:CRS84"), ())
    assert (found.verdict, found.reason) == ("cannot_tell", "no_reference")


@pytest.mark.parametrize("shapes", [[], [None], [Point()]])
def test_without_coordinates_it_cannot_tell(place: Place, shapes: list[BaseGeometry]) -> None:
    found = place.look(degrees(shapes), place.outline)
    assert (found.verdict, found.reason) == ("cannot_tell", "no_places")


def test_points_cannot_be_compared_with_an_outline(place: Place) -> None:
    found = place.look(place.stations.to_crs("OGC:CRS84"), place.outline)
    assert (found.verdict, found.reason) == ("cannot_tell", "no_counterpart")


def test_trusted_layers_that_contradict_each_other_settle_nothing(place: Place) -> None:
    east = place.stations.assign(geometry=place.stations.translate(600, 0))
    other = Reference("other", Text(zh="另一图层", en="Other"), "point", east, 20.0)
    found = place.look(place.stations.to_crs("OGC:CRS84"), (*place.trusted, other))
    assert (found.verdict, found.reason) == ("cannot_tell", "contradiction")


def test_when_three_trusted_layers_have_spoken_no_worse_one_is_asked(place: Place) -> None:
    good = [replace(place.trusted[0], layer=name, accuracy_m=10) for name in ("a", "b", "c")]
    east = place.stations.assign(geometry=place.stations.translate(600, 0))
    worse = replace(place.trusted[0], layer="d", frame=east, accuracy_m=90)
    found = place.look(place.stations.to_crs("OGC:CRS84"), (worse, *good))
    assert (found.verdict, found.against) == ("agrees", ("a", "b", "c"))


def test_the_order_of_rows_and_of_layers_is_irrelevant(place: Place) -> None:
    places = place.stations[["geometry"]].to_crs("OGC:CRS84")
    one = place.look(places, (*place.trusted, *place.outline))
    other = place.look(places.iloc[::-1], (*place.outline, *place.trusted))
    assert one == other


# Outside China


@pytest.fixture(scope="module")
def liechtenstein(testbed: Path) -> gpd.GeoDataFrame:
    path = testbed / "liechtenstein" / "municipalities_wgs84.geojson"
    return gpd.read_file(path)[["name", "geometry"]]


@pytest.mark.parametrize("shift,verdict", [(NEVER, "agrees"), (wgs84_to_gcj02, "shifted")])
def test_outside_china_gcj02_is_never_thought_of(
    liechtenstein: gpd.GeoDataFrame, shift: Shift, verdict: str
) -> None:
    metric = liechtenstein.to_crs("EPSG:2056")
    title = Text(zh="市镇", en="Municipalities")
    reference = Reference("municipalities", title, "polygon", metric, 20.0)
    frame = liechtenstein.assign(geometry=by(shift, list(liechtenstein.geometry)))
    found = find_shift(
        frame,
        (reference,),
        declared=Declared(crs="EPSG:4326", datum="wgs84"),
        area=metric.union_all(),
        metric_crs="EPSG:2056",
    )
    assert (found.verdict, found.suggestion) == (verdict, None)


def test_where_no_web_map_shifts_the_shift_is_unknown() -> None:
    random = np.random.default_rng(0)
    truth = random.uniform((2_755_000, 1_215_000), (2_765_000, 1_235_000), (20, 2))
    names = [f"Halt {chr(65 + i)}{chr(75 + i)}" for i in range(20)]
    frame = gpd.GeoDataFrame({"name": names}, geometry=shapely.points(truth), crs="EPSG:2056")
    reference = Reference("stops", Text(zh="站", en="Stops"), "point", frame, 10.0)
    file = frame.to_crs("OGC:CRS84")
    found = find_shift(
        file.set_geometry(by(wgs84_to_gcj02, list(file.geometry)), crs="OGC:CRS84"),
        (reference,),
        declared=Declared(crs="EPSG:4326", datum="wgs84"),
        area=shapely.box(2_755_000, 1_215_000, 2_765_000, 1_235_000),
        metric_crs="EPSG:2056",
    )
    assert (found.verdict, found.suggestion) == ("shifted", None)


# Words


def test_the_finding_is_a_sentence(place: Place) -> None:
    stations = place.stations.to_crs("OGC:CRS84")
    shifted = by(wgs84_to_gcj02, list(stations.geometry))
    found = place.look(degrees(shifted, name=stations["name"]), place.trusted)
    assert found.sentence("zh") == (
        "这些点位位于应在位置的东北偏东约 565 米处：这是 GCJ-02 坐标。"
        "依据：与“轨道车站”的同名要素对照，38 处一致，余差 0 米。"
    )
    assert found.sentence("en") == (
        "these points lie about 565 m to the ENE of where they should be: this is GCJ-02."
        " Evidence: 38 features of the same name in 'Rail stations' agree, to 0 m."
    )


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(
    "finding",
    [
        DatumFinding(verdict="agrees", geometry="line", shift_m=8.0, bearing_deg=3.0),
        DatumFinding(verdict="wgs84", geometry="point", shift_m=555.0, bearing_deg=250.0),
        DatumFinding(verdict="swapped", geometry="polygon", how="place"),
        DatumFinding(verdict="shifted", geometry="point", shift_m=300.0, bearing_deg=180.0),
        DatumFinding(verdict="cannot_tell", geometry="point", reason="no_reference"),
        DatumFinding(verdict="cannot_tell", geometry="point", reason="few"),
    ],
    ids=lambda finding: f"{finding.verdict}-{finding.reason}",
)
def test_every_finding_has_words(finding: DatumFinding, lang: Language) -> None:
    said = finding.sentence(lang)
    assert "{" not in said
    assert said.endswith("。" if lang == "zh" else ".")
    assert DatumFinding.model_validate_json(finding.model_dump_json()) == finding


@pytest.mark.parametrize(
    "one,other",
    [
        ("军粮城北站（京津城际）", "军粮城北"),
        ("Ｄ１线 国山路站", "D1线国山路"),
        ("Airport Station", "airport"),
        ("新立 地铁站", "新立站"),
        ("中国民航大学（东门）", "中国民航大学"),
    ],
)
def test_names_are_alike_where_two_sources_write_them_differently(one: str, other: str) -> None:
    assert plain_name(one) == plain_name(other)


@pytest.mark.parametrize(
    "one,other", [("新立", "新立村"), ("东门", "西门"), ("一号桥", "二号桥"), ("站前", "前")]
)
def test_names_of_different_places_stay_different(one: str, other: str) -> None:
    assert plain_name(one) != plain_name(other)


# The parts


def test_the_smaller_side_is_looked_for_in_the_larger() -> None:
    own = np.array([[0.0, 0.0], [1_500.0, 0.0], [50_000.0, 0.0]])
    trusted = np.array([[0.0, 1_900.0], [10_000.0, 0.0], [0.0, 0.0], [9_000.0, 0.0]])
    both = clouds(own, trusted)
    assert both.own_few
    assert both.few.tolist() == [[0.0, 0.0], [1_500.0, 0.0]]  # the third is out of all reach
    assert len(both.many) == 4
    assert not clouds(trusted, own[:1]).own_few


def test_a_large_cloud_is_sampled_the_same_in_any_order() -> None:
    own = np.random.default_rng(0).uniform(0, 10_000, (5_000, 2))
    one, other = clouds(own, own[:3_000]), clouds(own[::-1], own[:3_000])
    assert (one.few == other.few).all()
    assert len(one.few) == 400


@pytest.mark.parametrize("turned", [False, True])
def test_the_edge_between_neighbours_is_no_outline(turned: bool) -> None:
    west, east = shapely.box(0, 0, 1_000, 1_000), shapely.box(1_001, 0, 2_000, 1_000)
    shapes = np.array([west.reverse() if turned else west, east, east])
    points = sparse_edges(shapes, outer=True)
    inner = (np.abs(points[:, 0] - 1_000.5) < 1) & (np.abs(points[:, 1] - 500) < 470)
    assert not inner.any()
    assert set(np.round(points[points[:, 1] == 0][:, 0] // 1_000)) == {0.0, 1.0}
    everything = sparse_edges(shapes, outer=False)
    assert (np.abs(everything[:, 0] - 1_000.5) < 1).any()
