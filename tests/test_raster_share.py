"""Shares of a raster: three by three cells by eye, against polygons, exactextract, and laws."""

import math
from typing import Any

import exactextract
import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine as Turn
from exactextract.raster import NumPyRasterSource
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from pyproj import CRS, Geod
from shapely import Polygon, box
from shapely.geometry.base import BaseGeometry

from layers import InputError, Text
from layers.formats import Choice, raster
from layers.grid import Affine, Grid
from layers.limits import Limits
from spatial import Check
from spatial.geometry.cells import Cells
from spatial.measurement import Measurement
from spatial.measures import MEASURES, land_share, raster_share
from spatial.plan import Cite, Target
from spatial.verdict import judge
from tests.geotiff import write

METRIC = "EPSG:4548"
# Cells of 10 m; the north-west corner at (500 000, 4 300 030), the south-west one at FAR.
NORTH_UP: Affine = (10, 0, 500_000, 0, -10, 4_300_030)
FAR = (500_000.0, 4_300_000.0)
LAND = np.array([[1701, 1701, 703], [1701, 301, 703], [9999, 301, 1701]], dtype=np.int16)


def a_grid(values: NDArray[Any], transform: Affine = NORTH_UP, **more: Any) -> Grid:  # noqa: ANN401
    return Grid(values, values != 9999, transform, **{"crs": METRIC, **more})


def zones(*shapes: BaseGeometry, **columns: Any) -> gpd.GeoDataFrame:  # noqa: ANN401
    """Zones in metres from the south-west corner of the cells."""
    ids = [f"Z{number}" for number in range(len(shapes))]
    placed = [shapely.transform(shape, lambda at: at + FAR) for shape in shapes]
    return gpd.GeoDataFrame(columns, geometry=placed, index=ids, crs=METRIC)


ALL = box(0, 0, 30, 30)


def test_three_by_three_cells_by_eye() -> None:
    # Water: the two northern cells on the left, the one below, and the south-eastern corner.
    found = raster_share(a_grid(LAND), zones(ALL), classes=("17",))
    assert found.whole.numerator == pytest.approx(400)
    assert found.whole.denominator == pytest.approx(900)
    # The south-western cell has no data: it may be water.
    assert found.whole.low == pytest.approx(4 / 9)
    assert found.whole.high == pytest.approx(5 / 9)
    (doubt,) = found.doubts
    assert (doubt.kind, doubt.method) == ("unclassified", "bounds")
    assert found.facts == {"cell_m": 10.0}


def test_cells_at_the_border_count_with_what_lies_inside() -> None:
    # Half of the middle column, and the right one: 5 of 10 m of each row of the middle.
    found = raster_share(a_grid(LAND), zones(box(15, 0, 30, 30)), classes=("17",))
    assert found.whole.numerator == pytest.approx(50 + 100)
    assert found.whole.denominator == pytest.approx(450)
    # A triangle over half of the northern row's left cell.
    corner = zones(Polygon([(0, 20), (10, 30), (0, 30)]))
    assert raster_share(a_grid(LAND), corner, classes=("17",)).whole.numerator == pytest.approx(50)


def test_evidence_is_what_does_not_count() -> None:
    found = raster_share(a_grid(LAND), zones(ALL), classes=("17",)).evidence
    assert found["unit"].tolist() == ["Z0"]
    assert found["area_m2"].tolist() == pytest.approx([500])  # all the rest is in one piece
    assert found.index.tolist() == [1]


@pytest.mark.parametrize(
    "classes, digits, expected",
    [
        (("17",), 0, 4),
        (("1701",), 0, 4),
        (("03",), 4, 2),
        (("03", "07"), 4, 4),
        (("03",), 0, 0),
        (("3",), 0, 2),
    ],
)
def test_classes_are_how_codes_begin(classes: tuple[str, ...], digits: int, expected: int) -> None:
    found = raster_share(a_grid(LAND), zones(ALL), classes=classes, code_digits=digits)
    assert found.whole.numerator == pytest.approx(100 * expected)


def test_numbers_and_texts_name_the_same_classes() -> None:
    params = MEASURES["raster_share"].params
    assert params.model_validate({"classes": [17, "03"]}).model_dump()["classes"] == ("17", "03")


def test_a_zone_beyond_the_raster_holds_what_nobody_knows() -> None:
    found = raster_share(a_grid(LAND), zones(box(20, 20, 60, 30)), classes=("7",))
    assert found.whole.value == pytest.approx(0.25)
    assert found.whole.high == pytest.approx(1.0)
    nowhere = raster_share(a_grid(LAND), zones(box(500, 0, 600, 10)), classes=("7",)).whole
    assert (nowhere.value, nowhere.low, nowhere.high) == (0.0, 0.0, 1.0)


def test_zones_that_overlap_count_once_in_the_whole() -> None:
    found = raster_share(
        a_grid(LAND), zones(box(0, 10, 20, 30), box(10, 10, 30, 30)), classes=("17",)
    )
    assert found.values["numerator"].tolist() == pytest.approx([300, 100])
    assert found.whole.numerator == pytest.approx(300)
    assert found.whole.denominator == pytest.approx(600)


def test_amounts_are_refused() -> None:
    grid = Grid(np.array([[0.5]]), np.array([[True]]), NORTH_UP, METRIC)
    with pytest.raises(InputError, match="hold decimals, which are amounts"):
        raster_share(grid, zones(ALL), classes=("1",))


# Random cells and zones.

values = arrays.arrays(
    np.int16, st.tuples(st.integers(1, 9), st.integers(1, 9)),
    elements=st.sampled_from([301, 703, 1701, 9999]),
)  # fmt: skip
coordinate = st.floats(-10, 100).map(lambda x: round(x, 3))
triangles = st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=3).map(Polygon).filter(
    lambda shape: shape.area > 1
)  # fmt: skip


@given(cells=values, zone=triangles)
def test_a_raster_and_the_polygons_drawn_from_it_agree(
    cells: NDArray[Any], zone: Polygon, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("land") / "land.tif"
    write(path, cells, Turn(*NORTH_UP), nodata=9999)
    drawn = raster.read(path, "land.tif", Choice(), Limits()).frame.set_crs(METRIC)
    if drawn.empty:
        return
    land = drawn.assign(class_code=drawn["value"].astype(str))
    by_land = land_share(land, zones(zone), classes=("17",)).whole
    found = raster_share(a_grid(cells), zones(zone), land, classes=("17",))
    assert found.whole.numerator == pytest.approx(by_land.numerator, rel=1e-9, abs=1e-6)
    assert found.whole.high == pytest.approx(by_land.high, rel=1e-9, abs=1e-9)
    assert found.facts["vector_share"] == pytest.approx(by_land.value, rel=1e-9, abs=1e-9)
    assert found.facts["both_m2"] == pytest.approx(by_land.numerator, rel=1e-9, abs=1e-6)
    for name in ("raster_only_m2", "vector_only_m2", "mixed_cells_m2", "whole_cells_m2"):
        assert found.facts[name] == pytest.approx(0, abs=1e-6)


@given(values, triangles)
def test_counted_area_and_evidence_make_the_zone(cells: NDArray[Any], zone: Polygon) -> None:
    found = raster_share(a_grid(cells), zones(zone), classes=("17",))
    assert found.whole.numerator is not None
    places = found.evidence["area_m2"].sum() if len(found.evidence) else 0.0
    # Pieces below 1 m² are not listed, at most one in each cell.
    assert found.whole.numerator + places == pytest.approx(zone.area, abs=cells.size + 1)


@given(values, st.floats(0.5, 89.5), st.floats(0.5, 89.5))
def test_complementary_zones_add_up(cells: NDArray[Any], left: float, right: float) -> None:
    cut = [Polygon([(0, 0), (90, 0), (90, right), (0, left)]),
           Polygon([(0, left), (90, right), (90, 90), (0, 90)])]  # fmt: skip
    parts = raster_share(a_grid(cells), zones(*cut), classes=("17",))
    whole = raster_share(a_grid(cells), zones(box(0, 0, 90, 90)), classes=("17",)).whole
    assert parts.values["numerator"].sum() == pytest.approx(whole.numerator, rel=1e-9, abs=1e-6)
    assert parts.whole.numerator == pytest.approx(whole.numerator, rel=1e-9, abs=1e-6)
    assert parts.whole.high == pytest.approx(whole.high, abs=1e-9)


@given(values, triangles)
def test_more_classes_never_share_less_and_all_of_them_are_what_is_known(
    cells: NDArray[Any], zone: Polygon
) -> None:
    few = raster_share(a_grid(cells), zones(zone), classes=("17",)).whole
    all_ = raster_share(a_grid(cells), zones(zone), classes=("17", "3", "7")).whole
    assert few.value is not None
    assert all_.value is not None
    assert few.value <= all_.value + 1e-12
    assert all_.high == pytest.approx(1.0)


@given(values, triangles, st.sampled_from(["south up", "turned", "sheared"]))
def test_how_the_cells_are_laid_out_in_the_file_is_irrelevant(
    cells: NDArray[Any], zone: Polygon, how: str
) -> None:
    before = raster_share(a_grid(cells), zones(zone), classes=("17",))
    height = len(cells)
    if how == "south up":
        same = a_grid(cells[::-1], (10, 0, FAR[0], 0, 10, NORTH_UP[5] - 10 * height))
        after = raster_share(same, zones(zone), classes=("17",))
    elif how == "turned":  # rows for columns
        same = a_grid(cells.T, (0, 10, FAR[0], -10, 0, NORTH_UP[5]))
        after = raster_share(same, zones(zone), classes=("17",))
    else:  # the zone is sheared along
        same = a_grid(cells, (10, 5, FAR[0], 0, -10, NORTH_UP[5]))
        area = zones(zone)
        origin = (FAR[0], NORTH_UP[5])
        sheared = area.geometry.affine_transform([1, -0.5, 0, 1, 0.5 * origin[1], 0])
        after = raster_share(same, area.set_geometry(sheared), classes=("17",))
    assert after.whole.numerator == pytest.approx(before.whole.numerator, rel=1e-7, abs=1e-5)


# A large raster, measured in blocks.

BIG = 700


def big(seed: int = 5) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 3, (BIG, BIG)).astype(np.uint8)


def star(seed: int, corners: int = 60) -> Polygon:
    """A crooked outline within the large raster, in cells."""
    random = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * math.pi, corners, endpoint=False)
    radius = random.uniform(120, 340, corners)
    return Polygon(np.stack([350 + radius * np.cos(angle), 350 + radius * np.sin(angle)], axis=1))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_blocks_of_cells_give_what_exactextract_gives(seed: int) -> None:
    # exactextract keeps the covered part of a cell in single precision.
    cells, zone = big(), star(seed)
    crs = CRS.from_wkt(
        'ENGCRS["cells",EDATUM["first cell"],CS[Cartesian,2],AXIS["column",east],'
        'AXIS["row",north],LENGTHUNIT["cell",1]]'
    )
    source = NumPyRasterSource((cells == 1).astype(np.uint8), 0, 0, BIG, BIG, srs_wkt=crs.to_wkt())
    (peer,) = exactextract.exact_extract(
        source, gpd.GeoDataFrame(geometry=[zone], crs=crs), ["sum"]
    )
    grid = Grid(cells, cells < 9, (1, 0, 0, 0, -1, BIG), METRIC)
    found = raster_share(
        grid, gpd.GeoDataFrame(geometry=[zone], index=["Z"], crs=METRIC), classes=("1",)
    )
    assert found.whole.numerator == pytest.approx(peer["properties"]["sum"], rel=1e-6)
    assert found.whole.denominator == pytest.approx(zone.area, rel=1e-12)


def test_a_large_raster_adds_up_over_complementary_zones() -> None:
    cells, inner = big(), star(4)
    outer_ = box(0, 0, BIG, BIG).difference(inner)
    grid = Grid(cells, cells < 9, (1, 0, 0, 0, -1, BIG), METRIC)
    parts = gpd.GeoDataFrame(geometry=[inner, outer_], index=["I", "O"], crs=METRIC)
    found = raster_share(grid, parts, classes=("2",))
    assert found.values["numerator"].sum() == pytest.approx(int((cells == 2).sum()), rel=1e-12)
    assert found.whole.numerator == pytest.approx(int((cells == 2).sum()), rel=1e-12)
    assert found.whole.low == found.whole.high == found.whole.value


def test_rough_evidence_of_a_large_raster_is_bounded_and_shows_where() -> None:
    cells = np.ones((BIG, BIG), dtype=np.uint8)
    cells[100:300, 200:600] = 0
    grid = Grid(cells, cells < 9, (1, 0, 0, 0, -1, BIG), METRIC)
    zone = gpd.GeoDataFrame(geometry=[box(0, 0, BIG, BIG)], index=["Z"], crs=METRIC)
    found = raster_share(grid, zone, classes=("1",)).evidence
    # 490 000 cells: squares of two by two, of which those of the hole are all uncounted.
    assert found["area_m2"].tolist() == pytest.approx([200 * 400])
    assert found.geometry.iloc[0].equals(box(200, BIG - 300, 600, BIG - 100))
    noise = Grid(big(), big() < 9, (1, 0, 0, 0, -1, BIG), METRIC)
    assert len(raster_share(noise, zone, classes=("1",)).evidence) <= 200


# Other coordinate systems.


def in_degrees(values_: NDArray[Any]) -> tuple[Grid, gpd.GeoDataFrame]:
    """Cells of a hundredth of a degree, near 117.3 E 39.1 N, and a zone of four of them."""
    grid = Grid(values_, values_ < 9, (0.01, 0, 117.2, 0, -0.01, 39.2), "EPSG:4326")
    ring = shapely.segmentize(box(117.21, 39.17, 117.23, 39.19), 0.0005)
    zone = gpd.GeoDataFrame(geometry=[ring], index=["Z"], crs="EPSG:4326").to_crs(METRIC)
    return grid, zone


def test_cells_of_a_raster_in_degrees_have_their_true_areas() -> None:
    cells = np.zeros((5, 5), dtype=np.uint8)
    cells[1, 1] = 1  # the north-western one of the four
    grid, zone = in_degrees(cells)
    found = raster_share(grid, zone, classes=("1",)).whole
    geod = Geod(ellps="WGS84")
    cell = geod.geometry_area_perimeter(shapely.segmentize(box(117.21, 39.18, 117.22, 39.19), 1e-4))
    # EPSG:4548 shows areas here some millionths too large.
    assert found.numerator == pytest.approx(abs(cell[0]), rel=5e-5)
    # A cell farther north is smaller: a bit less than a quarter.
    assert found.value == pytest.approx(0.25, rel=1e-3)
    assert found.value is not None
    assert found.value < 0.25
    assert found.low == found.high == found.value


def test_a_raster_in_degrees_and_one_in_metres_give_the_same() -> None:
    random = np.random.default_rng(8)
    cells = random.integers(0, 2, (40, 40)).astype(np.uint8)
    grid, zone = in_degrees(cells)
    fine = Grid(cells, cells < 9, (0.001, 0, 117.2, 0, -0.001, 39.2), "EPSG:4326")
    found = raster_share(fine, zone, classes=("1",)).whole
    # The same cells as polygons in metres.
    column, row = np.meshgrid(np.arange(40), np.arange(40))
    west, north = 117.2 + column * 0.001, 39.2 - row * 0.001
    boxes = shapely.box(west, north - 0.001, west + 0.001, north).ravel()
    land = gpd.GeoDataFrame(
        {"class_code": cells.ravel().astype(str)}, geometry=boxes, crs="EPSG:4326"
    ).to_crs(METRIC)
    peer = land_share(land, zone, classes=("1",)).whole
    assert found.numerator == pytest.approx(peer.numerator, rel=1e-6)
    assert found.value == pytest.approx(peer.value, rel=1e-6)
    assert grid.crs == "EPSG:4326"


@pytest.mark.parametrize("other", ["EPSG:3857", "EPSG:4549", "EPSG:32650", "EPSG:4490"])
def test_all_that_a_raster_of_another_crs_knows_is_the_zone(other: str) -> None:
    zone = gpd.GeoDataFrame(
        geometry=[shapely.transform(star(2), lambda at: at * 10 + (530_000, 4_330_000))],
        index=["Z"],
        crs=METRIC,
    )
    west, south, east, north = zone.to_crs(other).buffer(0).total_bounds
    side_x, side_y = (east - west) / 90, (north - south) / 90
    cells = np.ones((100, 100), dtype=np.uint8)
    place = (side_x, 0, west - 5 * side_x, 0, -side_y, north + 5 * side_y)
    found = Cells(
        Grid(cells, cells < 9, place, other), [cells > 0], zone.geometry.to_numpy(), zone.crs
    ).held(zone.geometry.iloc[0])
    assert found.areas_m2[0] == pytest.approx(zone.area.iloc[0], rel=1e-8)


def test_a_zone_reaches_beyond_a_raster_of_many_cells() -> None:
    # Blocks of three sizes, the largest filled up below with blocks that are not there.
    values = np.ones((4, 20_000), dtype=np.uint8)
    grid = Grid(values, values > 0, (10, 0, 530_000, 0, -10, 4_330_000), METRIC)
    zone = np.array([box(529_000, 4_329_000, 731_000, 4_331_000)], dtype=object)
    found = Cells(grid, [values > 0], zone, CRS(METRIC)).held(zone[0])
    assert found.areas_m2.tolist() == [4 * 20_000 * 100]


# What raster and polygons do not agree on.


def test_the_difference_from_polygons_is_told_apart_by_cells() -> None:
    # The raster shows water in the left column; drawn, it reaches 13 m, and a pond lies far off.
    cells = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 0]], dtype=np.int16)
    ground = [box(0, 0, 13, 20), box(20, 20, 30, 30)]
    land = zones(*ground).assign(class_code="1")
    found = raster_share(a_grid(cells), zones(ALL), land, classes=("1",))
    assert found.facts == pytest.approx({
        "cell_m": 10,
        "vector_share": (260 + 100) / 900,
        "both_m2": 200,
        "raster_only_m2": 100,  # the cell in the north-west
        "vector_only_m2": 2 * 30 + 100,
        "mixed_cells_m2": 2 * 30,  # the middle cells that the border at 13 m crosses
        "whole_cells_m2": 100 + 100,
    })  # fmt: skip
    assert found.whole.value == pytest.approx(300 / 900)


def test_the_border_of_a_zone_makes_no_mixed_cell() -> None:
    cells = np.zeros((3, 3), dtype=np.int16)
    land = zones(ALL).assign(class_code="1")
    found = raster_share(a_grid(cells), zones(box(5, 5, 25, 25)), land, classes=("1",)).facts
    assert found["mixed_cells_m2"] == pytest.approx(0, abs=1e-9)
    assert found["whole_cells_m2"] == pytest.approx(400)


def test_cells_without_data_are_no_difference() -> None:
    cells = np.full((3, 3), 9999, dtype=np.int16)
    cells[0] = 1
    land = zones(ALL).assign(class_code="1")
    found = raster_share(a_grid(cells), zones(ALL), land, classes=("1",)).facts
    assert (found["both_m2"], found["vector_only_m2"]) == pytest.approx((300, 0))


@given(values, values, triangles)
def test_shares_of_raster_and_polygons_differ_by_what_only_one_counts(
    cells: NDArray[Any], others: NDArray[Any], zone: Polygon
) -> None:
    cells = np.where(cells == 9999, 301, cells).astype(np.int16)
    area = zone.intersection(box(0, 30 - 10 * len(cells), 10 * cells.shape[1], 30))
    if area.area < 1:
        return
    row, column = np.nonzero(others == 1701)
    ground = shapely.box(column * 7, 30 - (row + 1) * 7, (column + 1) * 7, 30 - row * 7)
    land = zones(*ground).assign(class_code="1701")
    found = raster_share(a_grid(cells), zones(area), land, classes=("17",))
    facts, whole = found.facts, found.whole
    assert whole.value is not None
    difference = (whole.value - facts["vector_share"]) * area.area
    assert facts["raster_only_m2"] - facts["vector_only_m2"] == pytest.approx(difference, abs=1e-5)
    both = facts["mixed_cells_m2"] + facts["whole_cells_m2"]
    assert both == pytest.approx(facts["raster_only_m2"] + facts["vector_only_m2"], abs=1e-5)


# Ranges.


def half(accuracy_m: float, zone_m: float = 0.0) -> Measurement:
    """A raster of which the western half counts, in a zone of 60 m by 60 m in its middle."""
    cells = np.zeros((100, 100), dtype=np.uint8)
    cells[:, :50] = 1
    grid = Grid(cells, cells < 9, (1, 0, FAR[0], 0, -1, FAR[1] + 100), METRIC, accuracy_m)
    return raster_share(grid, zones(box(20, 20, 80, 80), accuracy_m=[zone_m]), classes=("1",))


def test_the_range_is_the_band_in_which_the_zone_lies_on_the_raster() -> None:
    found = half(accuracy_m=1.0)
    assert found.whole.value == pytest.approx(0.5)
    (doubt,) = found.doubts
    assert (doubt.kind, doubt.method, doubt.inputs) == ("position", "band", {"raster": 1.0})
    # 58 m by 29 m surely count, and at most 62 m by 31 m do not, the grown corners cut round.
    corners = 2 * (1 - math.pi / 4)
    assert doubt.low == pytest.approx(29 * 58 / (29 * 58 + 31 * 62 - corners), rel=1e-4)
    assert doubt.high == pytest.approx(1 - doubt.low, rel=1e-9)
    assert (found.whole.low, found.whole.high) == pytest.approx((doubt.low, doubt.high))


def test_accuracies_of_zone_and_raster_add_up() -> None:
    found = half(accuracy_m=1.0, zone_m=2.0)
    assert found.doubts[0].inputs == {"raster": 1.0, "zones": 2.0}
    assert found.whole.low == pytest.approx(half(accuracy_m=3.0).whole.low)
    assert found.values["low"].tolist() == pytest.approx([found.whole.low], rel=1e-3)


def test_an_invented_zone_has_no_border_that_could_lie_elsewhere() -> None:
    found = raster_share(
        a_grid(LAND), zones(ALL, accuracy_m=[5.0], basis=["synthetic"]), classes=("17",)
    )
    assert [doubt.kind for doubt in found.doubts] == ["unclassified"]


MATRIX = ((97, 3), (5, 95))


def test_a_matrix_corrects_the_share_and_tells_how_sure_it_is() -> None:
    cells = np.array([[1, 1, 0, 0, 0]], dtype=np.int16)
    zone = zones(box(0, 20, 50, 30))
    found = raster_share(a_grid(cells), zone, classes=("1",), matrix=MATRIX)
    # 0.4 · 0.97 + 0.6 · 0.05; the spread by hand as in test_accuracy.
    assert found.whole.value == pytest.approx(0.418)
    assert found.whole.numerator == pytest.approx(0.418 * 500)
    error = math.sqrt(0.4**2 * 0.97 * 0.03 / 99 + 0.6**2 * 0.05 * 0.95 / 99)
    assert found.whole.low == pytest.approx(0.418 - 1.96 * error, abs=1e-5)
    assert found.whole.high == pytest.approx(0.418 + 1.96 * error, abs=1e-5)
    assert found.facts["mapped_share"] == pytest.approx(0.4)
    (doubt,) = found.doubts
    assert (doubt.kind, doubt.method) == ("classification", "estimate")


def test_doubts_add_up_to_either_side() -> None:
    cells = np.array([[1, 1, 0, 0, 9999]], dtype=np.int16)
    zone = zones(box(0, 20, 50, 30))
    grid = Grid(cells, cells != 9999, NORTH_UP, METRIC, accuracy_m=1.0)
    found = raster_share(grid, zone, classes=("1",), matrix=MATRIX)
    value = found.whole.value
    assert value is not None
    assert [doubt.kind for doubt in found.doubts] == ["position", "unclassified", "classification"]
    assert found.whole.low == pytest.approx(value - sum(value - d.low for d in found.doubts))
    assert found.whole.high == pytest.approx(value + sum(d.high - value for d in found.doubts))


@given(values, triangles, st.floats(0, 30), st.floats(0, 2 * math.pi))
def test_no_shift_within_the_accuracy_leaves_the_range(
    cells: NDArray[Any], zone: Polygon, metres: float, way: float
) -> None:
    # Inside the raster wherever it is shifted: what lies beyond is not known at all.
    cells = np.pad(cells, 20, mode="edge")
    place: Affine = (10, 0, FAR[0] - 200, 0, -10, FAR[1] + 10 * len(cells) - 250)
    grid = Grid(cells, cells != 9999, place, METRIC, accuracy_m=metres)
    found = raster_share(grid, zones(zone), classes=("17",)).whole
    step = np.array([math.cos(way), math.sin(way)]) * metres
    moved = shapely.transform(zone, lambda at: at + step)
    shifted = raster_share(a_grid(cells, place), zones(moved), classes=("17",)).whole
    assert found.low is not None
    assert found.high is not None
    assert shifted.value is not None
    # The rounded corners of the band are drawn with eight segments to a quarter.
    assert found.low - 0.02 <= shifted.value <= found.high + 0.02


def a_check(at_least: float) -> Check:
    return Check.model_validate({
        "id": "green",
        "title": Text(zh="绿化覆盖率", en="Green cover"),
        "cite": Cite(chapter=3),
        "measure": "raster_share",
        "layers": {},
        "target": Target(unit="share", at_least=at_least),
        "sentence": Text(zh="绿化覆盖率", en="Green cover"),
    })  # fmt: skip


def test_43_percent_asked_and_42_9_within_1_2_measured_cannot_be_decided() -> None:
    # 429 cells of a thousand count; of 2 089 samples nine in ten are right. Corrected by hand:
    # 0.429 · 806/896 + 0.571 · 90/1193 = 0.4290, and twice its error is 0.0120.
    cells = np.zeros((100, 1000), dtype=np.uint8)
    cells.reshape(-1)[: 429 * 100] = 1
    grid = Grid(cells, cells < 9, (1, 0, 0, 0, -1, 100), METRIC)
    zone = gpd.GeoDataFrame(geometry=[box(0, 0, 1000, 100)], index=["Z"], crs=METRIC)
    matrix = ((806, 90), (90, 1103))
    found = raster_share(grid, zone, classes=("1",), matrix=matrix)
    whole = found.whole
    assert whole.value == pytest.approx(0.429, abs=5e-5)
    assert whole.low is not None
    assert whole.high is not None
    assert (whole.high - whole.low) / 2 == pytest.approx(0.012, abs=5e-5)
    result = judge(a_check(0.43), found, "official")
    assert (result.verdict, result.why) == ("undetermined", "range")
    assert judge(a_check(0.40), found, "official").verdict == "met"
    assert judge(a_check(0.46), found, "official").verdict == "not_met"


def test_the_cells_given_are_left_as_they_were() -> None:
    cells = LAND.copy()
    area = zones(ALL)
    copy = area.copy()
    raster_share(a_grid(cells), area, classes=("17",), matrix=MATRIX)
    assert (cells == LAND).all()
    assert area.equals(copy)
