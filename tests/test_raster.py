"""GeoTIFF: a raster of 3 by 3 cells checked by eye, and a population raster against its total."""

import struct
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from rasterio.features import rasterize

from layers import InputError
from layers.formats import Choice, Part, raster
from layers.limits import Limits
from tests.geotiff import NORTH_UP, write

LIMITS = Limits()
CLASSES, CELLS = Choice(raster="classes"), Choice(raster="cells")
ORIGIN = np.array([500_000, 4_299_970])  # the south-west corner
LAND = np.array([[1, 1, 2], [1, 3, 2], [0, 3, 1]], dtype=np.uint8)  # 0 is nodata


def at(turn: Affine, column: float, row: float) -> tuple[float, float]:
    return (
        turn.a * column + turn.b * row + turn.c,
        turn.d * column + turn.e * row + turn.f,
    )


@pytest.fixture
def land(tmp_path: Path) -> Path:
    return write(tmp_path / "land.tif", LAND, nodata=0)


def inspected(path: Path) -> Part:
    (part,) = raster.inspect(path, "地类.tif", LIMITS)
    return part


def problem_of(path: Path, choice: Choice = CLASSES, limits: Limits = LIMITS) -> tuple[str, str]:
    with pytest.raises(InputError) as error:
        raster.read(path, "地类.tif", choice, limits)
    (problem,) = error.value.problems
    assert str(path.parent) not in problem.in_("en") + problem.in_("zh")
    assert problem.in_("zh").startswith("地类.tif：")
    return problem.rule, problem.message


def test_a_class_raster_names_its_classes_extent_and_crs(land: Path) -> None:
    part = inspected(land)
    assert (part.name, part.kind, part.geometry) == ("地类", "raster", "polygon")
    assert part.crs == "EPSG:4548"
    assert part.bounds == (500_000.0, 4_299_970.0, 500_030.0, 4_300_000.0)
    assert part.pixels == (3, 3)
    assert part.count == 1
    assert list(part.values) == [1, 2, 3]
    assert part.fields[0].name == "value"
    assert part.fields[0].missing == 1


def test_equal_neighbours_become_one_polygon_and_corners_do_not_join(land: Path) -> None:
    raw = raster.read(land, "地类.tif", CLASSES, LIMITS)
    expected = {
        (1, "POLYGON ((0 30, 20 30, 20 20, 10 20, 10 10, 0 10, 0 30))"),
        (2, "POLYGON ((20 30, 30 30, 30 10, 20 10, 20 30))"),
        (3, "POLYGON ((10 20, 20 20, 20 0, 10 0, 10 20))"),
        (1, "POLYGON ((20 10, 30 10, 30 0, 20 0, 20 10))"),  # meets the other 1 nowhere
    }
    found = {
        (value, shapely.to_wkt(shapely.normalize(shapely.transform(p, lambda xy: xy - ORIGIN))))
        for value, p in zip(raw.frame["value"], raw.frame.geometry, strict=True)
    }
    assert found == {
        (v, shapely.to_wkt(shapely.normalize(shapely.from_wkt(t)))) for v, t in expected
    }
    assert raw.frame.index.tolist() == [1, 2, 3, 4]
    assert raw.frame.index.name == "row"
    assert raw.frame.crs is None
    assert raw.crs == "EPSG:4548"
    assert raw.problems == ()


def test_each_cell_with_an_amount_becomes_a_square_and_nothing_is_lost(tmp_path: Path) -> None:
    people = np.array([[0.5, 0, 2.25], [-1, 4, np.nan], [8, 0, -1]], dtype=np.float32)
    path = write(tmp_path / "people.tif", people, nodata=-1)
    raw = raster.read(path, "人口.tif", CELLS, LIMITS)
    assert raw.frame["value"].tolist() == [0.5, 2.25, 4, 8]
    assert raw.frame.geometry.area.tolist() == [100, 100, 100, 100]
    corners = [tuple(np.array(p.bounds[:2]) - ORIGIN) for p in raw.frame.geometry]
    assert corners == [(0, 20), (20, 20), (10, 10), (0, 0)]


def test_amounts_of_any_size_are_no_classes(tmp_path: Path) -> None:
    path = write(tmp_path / "people.tif", np.array([[0.5, 1]], dtype=np.float32))
    assert inspected(path).values == ()
    path = write(tmp_path / "heights.tif", np.arange(65, dtype=np.int16)[None])
    assert inspected(path).values == ()


@pytest.mark.parametrize(
    "transform",
    [
        Affine(10, 0, 500_000, 0, 10, 4_300_000),  # south up
        Affine(8, 6, 500_000, 6, -8, 4_300_000),  # turned: (8, 6) is 10 long
        Affine(10, 5, 500_000, 0, -10, 4_300_000),  # sheared
    ],
    ids=["south_up", "rotated", "sheared"],
)
def test_an_unusual_grid_lies_where_the_file_says(tmp_path: Path, transform: Affine) -> None:
    path = write(tmp_path / "turned.tif", LAND, transform, nodata=0)
    for choice, count in ((CLASSES, 4), (CELLS, 8)):
        raw = raster.read(path, "地类.tif", choice, LIMITS)
        assert len(raw.frame) == count
        assert raw.frame.geometry.is_valid.all()
        assert raw.frame.geometry.area.sum() == pytest.approx(800, rel=1e-12)
        for row in range(3):  # the middle of every cell lies in a polygon of its value
            for column in range(3):
                middle = shapely.Point(at(transform, column + 0.5, row + 0.5))
                inside = raw.frame.loc[raw.frame.geometry.contains(middle), "value"].tolist()
                assert inside == ([int(LAND[row, column])] if LAND[row, column] else [])
    corners = [at(transform, *corner) for corner in ((0, 0), (3, 0), (3, 3), (0, 3))]
    assert inspected(path).bounds == pytest.approx(shapely.MultiPoint(corners).bounds)


@settings(max_examples=40)
@given(
    values=arrays.arrays(np.int16, st.tuples(st.integers(1, 9), st.integers(1, 9)),
                         elements=st.integers(-2, 2))
)  # fmt: skip
def test_polygons_of_classes_tile_the_cells_with_data(
    values: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = write(tmp_path_factory.mktemp("raster") / "random.tif", values, nodata=-2)
    raw = raster.read(path, "地类.tif", CLASSES, LIMITS)
    assert raw.frame.geometry.is_valid.all()
    assert raw.frame.geometry.area.sum() == 100 * (values != -2).sum()
    back = rasterize(
        zip(raw.frame.geometry, raw.frame["value"], strict=True),
        out_shape=values.shape, transform=NORTH_UP, fill=-2, dtype="int16",
    ) if len(raw.frame) else np.full_like(values, -2)  # fmt: skip
    assert (back == values).all()


def test_the_fewest_polygons_are_never_more_than_are_drawn(tmp_path: Path) -> None:
    noise = np.random.default_rng(4).integers(1, 4, (60, 60)).astype(np.int32)
    path = write(tmp_path / "noise.tif", noise)
    drawn = len(raster.read(path, "地类.tif", CLASSES, LIMITS).frame)
    least = raster._fewest_polygons(noise, np.ones_like(noise, dtype=bool))
    assert 0.8 * drawn < least <= drawn


def test_the_population_of_friedrichshain_is_kept_to_the_last_person(testbed: Path) -> None:
    path = testbed / "friedrichshain" / "friedrichshain_population_raster.tif"
    with rasterio.open(path) as file:
        cells = file.read(1, masked=True).astype(np.float64)
    raw = raster.read(path, "人口.tif", CELLS, LIMITS)
    assert raw.frame["value"].sum() == pytest.approx(88_270.71, abs=0.01)
    assert raw.frame["value"].sum() == pytest.approx(float(cells.sum()), rel=1e-12)
    assert len(raw.frame) == int((cells.filled(0) != 0).sum())
    assert raw.crs == "EPSG:4326"


def test_wide_integers_keep_every_digit(tmp_path: Path) -> None:
    values = np.array([[2**40, 2**40 + 1]], dtype=np.int64)
    path = write(tmp_path / "codes.tif", values)
    raw = raster.read(path, "地类.tif", CLASSES, LIMITS)
    assert sorted(raw.frame["value"].tolist()) == [2**40, 2**40 + 1]


def test_whole_numbers_in_a_decimal_raster_come_back_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "land.tif", LAND.astype(np.float32), nodata=0)
    raw = raster.read(path, "地类.tif", CLASSES, LIMITS)
    assert raw.frame["value"].dtype.kind == "i"
    assert inspected(path).values == (1, 2, 3)


def test_scale_and_offset_are_applied(tmp_path: Path) -> None:
    path = write(tmp_path / "scaled.tif", np.array([[10, 30]], dtype=np.int16))
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (0.5,), (1.0,)
    raw = raster.read(path, "人口.tif", CELLS, LIMITS)
    assert raw.frame["value"].tolist() == [6, 16]


def test_the_band_asked_for_is_read(tmp_path: Path) -> None:
    bands = np.array([[[1, 1]], [[7, 8]]], dtype=np.uint8)
    path = write(tmp_path / "bands.tif", bands)
    assert inspected(path).count == 2
    raw = raster.read(path, "地类.tif", Choice(band=2), LIMITS)
    assert sorted(raw.frame["value"].tolist()) == [7, 8]
    rule, message = problem_of(path, Choice(band=3))
    assert (rule, message) == ("band", "there is no band 3; the bands are 1 to 2")


def test_a_raster_without_data_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "empty.tif", np.zeros((2, 2), dtype=np.uint8), nodata=0)
    for choice in (CLASSES, CELLS):
        raw = raster.read(path, "地类.tif", choice, LIMITS)
        assert raw.frame.empty
        assert [problem.rule for problem in raw.problems] == ["empty"]
    assert inspected(path).values == ()


def test_a_file_that_names_no_crs_has_none(tmp_path: Path) -> None:
    path = write(tmp_path / "bare.tif", LAND, crs=None)
    assert inspected(path).crs == ""
    assert raster.read(path, "地类.tif", CLASSES, LIMITS).crs == ""


def test_a_crs_without_a_code_comes_as_wkt(tmp_path: Path) -> None:
    own = "+proj=tmerc +lon_0=117.3 +x_0=300000 +ellps=GRS80 +units=m"
    path = write(tmp_path / "own.tif", LAND, crs=own)
    assert inspected(path).crs.startswith("PROJCS[")
    assert "117.3" in inspected(path).crs


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_picture_without_a_place_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "picture.tif", LAND, Affine.identity(), crs=None)
    (tmp_path / "picture.tfw").write_text("10\n0\n0\n-10\n500005\n4299995\n", encoding="ascii")
    rule, message = problem_of(path)
    assert rule == "georeference"
    assert "save it as a GeoTIFF with its georeference inside" in message


def test_files_beside_the_raster_are_not_read(land: Path) -> None:
    before = raster.read(land, "地类.tif", CLASSES, LIMITS).frame
    (land.parent / "land.tif.aux.xml").write_text(
        "<PAMDataset><SRS>EPSG:3857</SRS><GeoTransform>0, 1, 0, 0, 0, -1</GeoTransform>"
        '<PAMRasterBand band="1"><NoDataValue>1</NoDataValue></PAMRasterBand></PAMDataset>',
        encoding="utf-8",
    )
    (land.parent / "land.tfw").write_text("1\n0\n0\n-1\n0\n0\n", encoding="ascii")
    write(land.parent / "land.tif.msk", np.zeros((3, 3), dtype=np.uint8))
    write(land.parent / "land.tif.ovr", np.zeros((2, 2), dtype=np.uint8))
    after = raster.read(land, "地类.tif", CLASSES, LIMITS)
    assert after.crs == "EPSG:4548"
    assert after.frame.equals(before)
    assert inspected(land).values == (1, 2, 3)


def test_only_a_geotiff_is_opened(tmp_path: Path, land: Path) -> None:
    path = tmp_path / "trick.tif"
    path.write_text(
        '<VRTDataset rasterXSize="3" rasterYSize="3"><GeoTransform>0, 1, 0, 0, 0, -1</GeoTransform>'
        f'<VRTRasterBand dataType="Byte" band="1"><SimpleSource><SourceFilename>{land}'
        "</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>",
        encoding="utf-8",
    )
    assert problem_of(path)[0] == "geotiff"
    with rasterio.open(
        tmp_path / "land.png", "w", driver="PNG", width=3, height=3, count=1, dtype="uint8",
        transform=NORTH_UP,
    ) as file:  # fmt: skip
        file.write(LAND[None])
    assert problem_of(tmp_path / "land.png")[0] == "geotiff"


@pytest.mark.parametrize("keep", [0, 8, 100, -1])
def test_a_broken_file_is_refused_with_a_clear_line(land: Path, keep: int) -> None:
    land.write_bytes(land.read_bytes()[:keep])
    rule, message = problem_of(land)
    assert rule == "geotiff"
    assert message.startswith("it cannot be read as a GeoTIFF")


def test_more_cells_than_allowed_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "wide.tif", np.zeros((50, 200), dtype=np.uint8))
    rule, message = problem_of(path, limits=Limits(pixels=9_999))
    assert rule == "pixels"
    assert message.startswith("200 × 50 cells in 1 bands; at most 9,999 are read")
    raster.read(path, "地类.tif", CLASSES, Limits(pixels=10_000))


def test_a_block_larger_than_the_raster_counts_too(tmp_path: Path) -> None:
    path = tmp_path / "tile.tif"
    write(path, LAND, nodata=0, tiled=True, blockxsize=512, blockysize=512)
    assert problem_of(path, limits=Limits(pixels=512 * 512 - 1))[0] == "pixels"
    assert len(raster.read(path, "地类.tif", CLASSES, Limits(pixels=512 * 512)).frame) == 4


def test_a_header_that_promises_a_giant_raster_is_refused(land: Path) -> None:
    content = bytearray(land.read_bytes())
    (start,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, start)
    for number in range(entries):  # tags 256 and 257 are width and length
        at = start + 2 + 12 * number
        tag, kind = struct.unpack_from("<HH", content, at)
        if tag in {256, 257}:
            struct.pack_into("<H" if kind == 3 else "<I", content, at + 8, 60_000)
    land.write_bytes(content)
    assert problem_of(land)[0] in {"pixels", "geotiff"}


@pytest.mark.parametrize("choice", [CLASSES, CELLS], ids=["classes", "cells"])
def test_more_polygons_or_vertices_than_allowed_are_refused(tmp_path: Path, choice: Choice) -> None:
    path = write(tmp_path / "board.tif", (np.indices((10, 10)).sum(axis=0) % 2 + 1).astype("uint8"))
    assert problem_of(path, choice, Limits(features=99))[0] == "features"
    assert problem_of(path, choice, Limits(vertices=499))[0] == "vertices"
    raw = raster.read(path, "地类.tif", choice, Limits(features=100, vertices=500))
    assert len(raw.frame) == 100


def test_complex_values_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "waves.tif", np.ones((2, 2), dtype=np.complex64))
    rule, message = problem_of(path)
    assert rule == "band"
    assert "holds complex64 values" in message
