"""Raster layers of a pack: a GeoTIFF of three by three cells, bound by a check, or refused."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from shapely import box
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from layers import InputError, Pack, load_pack
from layers.grid import Grid
from layers.limits import Limits
from layers.reader import Reader
from spatial import open_pack, run_check
from spatial.__main__ import app
from tests.geotiff import write
from tests.test_views import PAGE

Edit = Callable[[str, str, str], None]
Lines = Callable[[], list[str]]

# Over the tiny pack, whose square of 2 km begins at (530 000, 4 330 000): cells of 1 km, the
# lowest row and the right column outside. In the west unit lie the left column of two rows.
CELLS = np.array([[1, 0, 7], [1, 255, 7], [7, 7, 7]], dtype=np.uint8)
PLACE = Affine(1000, 0, 530_000, 0, -1000, 4_332_000)
LAYER = """
[canopy]
title = { zh = "树冠", en = "Canopy" }
file = "canopy.tif"
geometry = "raster"
group = "base"
source = "bureau"
accuracy_m = 0
"""
CHECK = """
[canopy_share]
title = { zh = "绿化覆盖率", en = "Green cover" }
cite = { chapter = 3 }
measure = "raster_share"
layers = { raster = "canopy", zones = "units" }
params = { classes = [1] }
target = { at_least = 0.43, unit = "share" }
sentence = { zh = "绿化覆盖率。", en = "Green cover." }
"""

SKETCH = """
[pack.sources.drawer]
name = { zh = "示意", en = "Sketch" }
basis = "sketch"
"""


@pytest.fixture
def canopy(tiny_pack: Path, edit: Edit) -> Path:
    """The tiny pack with a raster layer and a check bound to it; the file of the layer."""
    edit(
        "layers.toml",
        '[metro]\ntitle = { zh = "地铁站"',
        LAYER + '\n[metro]\ntitle = { zh = "地铁站"',
    )
    edit("plan.toml", "[metro_coverage]", CHECK + "\n[metro_coverage]")
    return write(tiny_pack / "canopy.tif", CELLS, PLACE, nodata=255)


def test_a_raster_layer_comes_as_its_cells(canopy: Path) -> None:
    pack = load_pack(canopy.parent)
    raster = pack.rasters["canopy"]
    assert "canopy" not in pack.layers
    assert raster.grid.values[raster.grid.valid].tolist() == [1, 0, 7, 1, 7, 7, 7, 7]
    assert raster.grid.transform == pytest.approx((1000, 0, 530_000, 0, -1000, 4_332_000))
    assert (raster.crs, raster.basis, raster.size) == ("EPSG:4548", "official", 9)
    assert raster.sha256 == hashlib.sha256(canopy.read_bytes()).hexdigest()
    assert pack.delivered("canopy") is raster


def test_a_raster_layer_is_measured_and_its_basis_counts(canopy: Path, edit: Edit) -> None:
    # West: both cells of class 1. East: one of class 0, one without data, which may count.
    own = 'geometry = "raster"\ngroup = "base"\nsource = '
    edit("layers.toml", own + '"bureau"', own + '"drawer"')
    edit("layers.toml", "[pack.sources.bureau]", SKETCH + "\n[pack.sources.bureau]")
    pack, plan = open_pack(canopy.parent)
    result = run_check(pack, plan.checks["canopy_share"])
    assert result.measured is not None
    values = result.measured.values["value"].tolist()
    assert values == pytest.approx([1.0, 0.0], abs=1e-6)
    assert result.measured.whole.value == pytest.approx(0.5, abs=1e-6)
    assert result.basis == "sketch"
    assert result.status == "indicative"


def test_a_raster_layer_without_a_file_is_asked_for(canopy: Path, edit: Edit) -> None:
    edit("layers.toml", 'file = "canopy.tif"\n', "")
    pack, plan = open_pack(canopy.parent)
    assert pack.delivered("canopy") is None
    result = run_check(pack, plan.checks["canopy_share"])
    assert (result.verdict, result.missing) == ("undetermined", ("canopy",))


def test_another_raster_gives_another_pack(canopy: Path) -> None:
    before = load_pack(canopy.parent).sha256
    write(canopy, CELLS[::-1], PLACE, nodata=255)
    assert load_pack(canopy.parent).sha256 != before


@pytest.mark.usefixtures("canopy")
def test_the_hash_on_record_is_checked(edit: Edit, problem_lines: Lines) -> None:
    edit("layers.toml", 'file = "canopy.tif"', f'file = "canopy.tif"\nsha256 = "{"0" * 64}"')
    (line,) = problem_lines()
    assert line.startswith("canopy.tif: the file's SHA-256 is ")


def test_a_missing_file_is_named(canopy: Path, problem_lines: Lines) -> None:
    canopy.unlink()
    (line,) = problem_lines()
    assert line.startswith("canopy.tif: cannot be read: No such file")
    assert line.endswith("layers.toml [canopy].file names it")


def test_a_file_that_is_no_raster_is_refused(canopy: Path, problem_lines: Lines) -> None:
    canopy.write_bytes((canopy.parent / "area.geojson").read_bytes())
    assert problem_lines() == ["canopy.tif: a raster layer is a GeoTIFF; this is geojson"]


def test_a_raster_that_names_no_crs_is_refused(canopy: Path, problem_lines: Lines) -> None:
    write(canopy, CELLS, PLACE, crs=None, nodata=255)
    (line,) = problem_lines()
    assert line.startswith("canopy.tif: the file names no CRS")


@pytest.mark.parametrize(
    "place, crs, said",
    [
        (Affine(1000, 0, 630_000, 0, -1000, 4_332_000), "EPSG:4548", "lies 98,000 m outside"),
        (Affine(0.01, 0, 9.5, 0, -0.01, 47.1), "EPSG:4326", "outside the area"),
    ],
    ids=["elsewhere", "far away"],
)
def test_a_raster_elsewhere_is_refused(
    canopy: Path, problem_lines: Lines, place: Affine, crs: str, said: str
) -> None:
    write(canopy, CELLS, place, crs=crs, nodata=255)
    (line,) = problem_lines()
    assert line.startswith("canopy.tif: lies")
    assert said in line


def test_a_raster_without_data_is_refused(canopy: Path, problem_lines: Lines) -> None:
    write(canopy, np.full((3, 3), 255, dtype=np.uint8), PLACE, nodata=255)
    (line,) = problem_lines()
    assert line.startswith("canopy.tif: no cell has data; look at its nodata value")


def test_a_band_is_named_where_there_are_several(
    canopy: Path, edit: Edit, problem_lines: Lines
) -> None:
    write(canopy, np.stack([np.zeros_like(CELLS), CELLS]), PLACE, nodata=255)
    assert problem_lines() == ['canopy.tif: the file has 2 bands; name one, as in part = "1"']
    edit("layers.toml", 'file = "canopy.tif"', 'file = "canopy.tif"\npart = "3"')
    assert problem_lines() == ["canopy.tif: there is no band 3; the bands are 1 to 2"]
    edit("layers.toml", 'part = "3"', 'part = "2"')
    assert load_pack(canopy.parent).rasters["canopy"].grid.values[0].tolist() == [1, 0, 7]


@pytest.mark.parametrize(
    "old, new, said",
    [
        (
            'file = "canopy.tif"',
            'file = "canopy.tif"\npart = "red"',
            "layers.toml [canopy].part: 'red' is not the number of a band, as in part = \"1\"",
        ),
        (
            'file = "canopy.tif"',
            'file = "canopy.tif"\ncolumns = { a = { title = { zh = "甲", en = "A" } } }',
            "layers.toml [canopy].columns: cells have a value and no columns; leave the table out",
        ),
        (
            'file = "canopy.tif"\ngeometry = "raster"',
            'postgis = { connection = "PLANMAP_PG", table = "t" }\ngeometry = "raster"',
            (
                "layers.toml [canopy].postgis: rows of a database are no raster; give the file of a"
                " GeoTIFF"
            ),
        ),
        (
            "[pack.sources.bureau]",
            (
                '[pack.presets.all]\ntitle = { zh = "全部", en = "All" }\nlayers = ["canopy"]\n'
                "[pack.sources.bureau]"
            ),
            (
                "layers.toml [pack.presets.all].layers: 'canopy' is a raster layer, which the map"
                " does not draw; leave it out"
            ),
        ),
        (
            'area = "area"',
            'area = "canopy"',
            "layers.toml [pack].area: 'canopy' is a raster layer, not polygons",
        ),
        (
            'basis = "official"',
            'basis = "official"\ndatum = "GCJ-02"',
            (
                "layers.toml [canopy].source.datum: the datum is GCJ-02, and cells cannot be moved"
                " back one by one; ask for the raster in WGS 84 or CGCS2000"
            ),
        ),
    ],
    ids=["band", "columns", "database", "preset", "area", "datum"],
)
@pytest.mark.usefixtures("canopy")
def test_what_does_not_suit_a_raster_gives_one_clear_line(
    edit: Edit, problem_lines: Lines, old: str, new: str, said: str
) -> None:
    edit("layers.toml", old, new)
    assert said in problem_lines()


@pytest.mark.parametrize(
    "old, new, said",
    [
        (
            'raster = "canopy"',
            'raster = "land"',
            (
                "plan.toml [canopy_share].layers.raster: layer 'land' has polygon geometry, raster"
                " geometry is needed"
            ),
        ),
        (
            'layers = { raster = "canopy", zones = "units" }',
            'layers = { raster = "canopy", zones = "canopy" }',
            (
                "plan.toml [canopy_share].layers.zones: layer 'canopy' has raster geometry, polygon"
                " geometry is needed"
            ),
        ),
        (
            'raster = "canopy"',
            'raster = { layer = "canopy", where = { value = "1" } }',
            (
                "plan.toml [canopy_share].layers.raster: cells are taken as they are; leave also,"
                " where and begins out"
            ),
        ),
        (
            "classes = [1]",
            "classes = [3]",
            (
                "plan.toml [canopy_share].params.classes: no cell of 'canopy' is of the classes 3;"
                " its values are 0, 1, 7 (code_digits fills them up with noughts)"
            ),
        ),
        (
            "classes = [1]",
            "classes = [1], matrix = [[9, 1], [1, 0]]",
            (
                "plan.toml [canopy_share].params.matrix: list is not right: row 2 holds 1 samples;"
                " each class of the map needs at least 2, and some dozens to tell anything"
            ),
        ),
    ],
    ids=["polygons for cells", "cells for polygons", "chosen", "no such class", "matrix"],
)
@pytest.mark.usefixtures("canopy")
def test_a_wrong_binding_gives_one_clear_line(
    edit: Edit, problem_lines: Lines, old: str, new: str, said: str
) -> None:
    edit("plan.toml", old, new)
    assert problem_lines() == [said]


def test_amounts_are_no_classes(canopy: Path, problem_lines: Lines) -> None:
    write(canopy, CELLS / np.float32(2), PLACE)
    assert problem_lines() == [
        (
            "plan.toml [canopy_share].layers.raster: cells of 'canopy' hold decimals, which are"
            " amounts, not classes"
        )
    ]


def read(path: Path, band: int | None = None, **limits: int) -> Grid:
    with Reader(Limits(**limits)) as reader:
        return reader.grid(path, "树冠.tif", band)


def test_whole_numbers_come_as_integers_however_they_are_stored(tmp_path: Path) -> None:
    values = np.array([[1, np.nan], [3, 1701]], dtype=np.float64)
    grid = read(write(tmp_path / "land.tif", values, PLACE))
    assert grid.is_classes
    assert grid.valid.tolist() == [[True, False], [True, True]]
    assert grid.classes() == (1, 3, 1701)
    amounts = read(write(tmp_path / "people.tif", values / 2, PLACE))
    assert not amounts.is_classes


@pytest.mark.parametrize("kind", ["uint8", "int16", "int32", "int64", "uint64"])
def test_classes_of_any_integer_type_are_found(tmp_path: Path, kind: str) -> None:
    values = np.array([[1, 9, 9], [100, 9, 1]], dtype=kind)
    assert read(write(tmp_path / "land.tif", values, PLACE, nodata=9)).classes() == (1, 100)


def test_values_far_apart_are_found_as_well(tmp_path: Path) -> None:
    values = np.array([[-(2**30), 5], [5, 2**30]], dtype=np.int32)
    assert read(write(tmp_path / "land.tif", values, PLACE)).classes() == (-(2**30), 5, 2**30)


def test_a_raster_layer_may_have_more_cells_than_one_that_becomes_polygons(tmp_path: Path) -> None:
    path = write(tmp_path / "land.tif", CELLS, PLACE, nodata=255)
    assert read(path, pixels=8).values.shape == (3, 3)
    with pytest.raises(InputError, match="at most 8 are read"):
        read(path, grid_pixels=8)


def test_features_of_a_planner_do_not_take_a_rasters_place(canopy: Path) -> None:
    from layers.intake import Intake, intended_spec  # noqa: PLC0415

    pack: Pack = load_pack(canopy.parent)
    said: dict[str, Any] = {
        "layer": "canopy",
        "choice": {},
        "declared": {"crs": "EPSG:4548", "datum": "cgcs2000"},
        "source": {"name": {"zh": "我", "en": "me"}, "basis": "open"},
        "accuracy_m": 1,
        "fields": {},
    }
    with pytest.raises(InputError, match="'canopy' is a raster layer"):
        intended_spec(pack, Intake.model_validate(said), name="a.geojson", sha256="")


def test_an_outline_that_no_crs_reaches_is_empty() -> None:
    cells = np.ones((1, 1), dtype=np.uint8)
    grid = Grid(cells, cells > 0, (1.0, 0, 250.0, 0, -1.0, 95.0), "EPSG:4326")
    assert grid.outline_in("EPSG:4548").is_empty
    near = Grid(cells, cells > 0, (10.0, 0, 0.0, 0, -10.0, 10.0), "EPSG:4548")
    assert near.outline_in("EPSG:4548").symmetric_difference(box(0, 0, 10, 10)).area == 0


def ran(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.stdout


def test_a_raster_layer_is_listed_and_its_facts_are_told(canopy: Path) -> None:
    text = ran("layers", "list", "--pack", canopy.parent)
    assert re.search(r"canopy +树冠 +raster +9 +官方", text), text
    said = ran("check", "--only", "canopy_share", "--format", "json", "--pack", canopy.parent)
    (found,) = json.loads(said)["results"]
    assert found["value"] == pytest.approx(0.5, abs=1e-6)
    assert found["facts"]["cell_m"] == pytest.approx(1000)


def test_a_raster_layer_stands_among_the_sources_and_not_on_the_map(
    canopy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANMAP_PACK", str(canopy.parent))
    sources = AppTest.from_string(PAGE.format(page="sources", lang="zh"), default_timeout=60).run()
    assert not sources.exception
    (table,) = [frame.value for frame in sources.dataframe if "树冠" in frame.value.to_numpy()]
    assert "官方" in list(table.loc["canopy"])
    checks = AppTest.from_string(PAGE.format(page="checks", lang="zh"), default_timeout=60).run()
    assert not checks.exception
