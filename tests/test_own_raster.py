"""A planner's GeoTIFF in place of a raster layer: kept as it is, measured, refused in one line."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from shapely import box
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner, Result

from layers import InputError, Layer, Pack, Text, load_pack
from layers.catalogue import Source
from layers.declared import Declared
from layers.formats.geopackage import write_geopackage
from layers.grid import Grid
from layers.limits import Limits
from layers.load import RasterLayer
from layers.own_raster import (
    RasterIntake,
    own_raster,
    placed_outline,
    raster_to_be_stored,
    summary,
)
from layers.reader import Reader
from layers.workspace import (
    FOLDER_VARIABLE,
    ConflictError,
    Original,
    StoredLayer,
    Workspace,
    create_workspace,
    open_workspace,
)
from spatial import open_pack, run_check
from spatial.__main__ import app
from tests.geotiff import write
from tests.test_raster_layer import CELLS, CHECK, LAYER, PLACE

Edit = Callable[[str, str, str], None]
STAND_IN = """
[canopy_share.proxy]
zh = "只是林地图斑。"
en = "Patches of wood only."
[canopy_share.variants.patches]
title = { zh = "替代：林地图斑", en = "stand-in: wood" }
measure = "land_share"
layers = { land = "land" }
params = { classes = ["03"], class_column = "class_code" }
source = { zh = "图斑", en = "patches" }
"""
SAID = ("--as", "canopy", "--datum", "cgcs2000", "--basis", "official", "--accuracy", "0")


@pytest.fixture
def asking(tiny_pack: Path, edit: Edit) -> Path:
    """The tiny pack, which asks for a raster of crowns and has a stand-in for it."""
    before = '[metro]\ntitle = { zh = "地铁站"'
    edit("layers.toml", before, LAYER.replace('file = "canopy.tif"\n', "") + "\n" + before)
    check = CHECK.replace("[canopy_share]", '[canopy_share]\nstand_in = "patches"')
    edit("plan.toml", "[metro_coverage]", check + STAND_IN + "\n[metro_coverage]")
    return tiny_pack


@pytest.fixture
def crowns(tmp_path: Path) -> Path:
    return write(tmp_path / "树冠.tif", CELLS, PLACE, nodata=255)


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as running:
        yield running


def run(*words: object) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def stored(pack: Pack, reader: Reader, path: Path, **changes: Any) -> StoredLayer:  # noqa: ANN401
    said = RasterIntake.model_validate(
        {
            "layer": "canopy",
            "band": 1,
            "declared": Declared(crs="EPSG:4548", datum="cgcs2000"),
            "source": Source(name=Text(zh="园林", en="Parks"), basis="open"),
            "accuracy_m": 2,
            "size": (3, 3),
            **changes,
        }
    )
    grid = reader.grid(path, path.name, said.band)
    outline = placed_outline(grid, said.declared, pack, name=path.name)
    original = Original.of(path.name, path.read_bytes())
    return raster_to_be_stored(pack, outline, said, name=path.name, original=original)


# The store.


def test_a_workspace_gives_back_the_cells_of_the_very_file(
    asking: Path, crowns: Path, reader: Reader, tmp_path: Path
) -> None:
    pack = load_pack(asking)
    kept = create_workspace(tmp_path / "w.planmap", "甲")
    one = kept.save_layer(stored(pack, reader, crowns), seen=None, content=crowns.read_bytes())
    assert kept.original("canopy") == ("树冠.tif", crowns.read_bytes())
    again = open_workspace(kept.path)
    raster = own_raster(again, again.layer("canopy"), one, reader)
    assert raster.grid.values[raster.grid.valid].tolist() == [1, 0, 7, 1, 7, 7, 7, 7]
    assert (raster.crs, raster.basis, raster.size) == ("EPSG:4548", "open", 9)
    assert raster.grid.accuracy_m == 2
    assert (
        raster.sha256
        == again.layers()["canopy"].spec.sha256
        == Original.of("", crowns.read_bytes()).sha256
    )
    # The border is kept beside it: three cells of a kilometre each way.
    outline = again.layer("canopy").frame.to_crs("EPSG:4548").geometry.iloc[0]
    assert outline.symmetric_difference(box(530_000, 4_329_000, 533_000, 4_332_000)).area < 1


def test_versions_conflicts_and_undo_are_those_of_every_layer(
    asking: Path, crowns: Path, reader: Reader, tmp_path: Path
) -> None:
    pack = load_pack(asking)
    kept = create_workspace(tmp_path / "w.planmap", "甲")
    layer, content = stored(pack, reader, crowns), crowns.read_bytes()
    one = kept.save_layer(layer, seen=None, content=content)
    assert kept.save_layer(layer, seen=one, content=content) == one  # nothing is different
    other = write(tmp_path / "新.tif", CELLS[::-1].copy(), PLACE, nodata=255)
    two = kept.save_layer(stored(pack, reader, other), seen=one, content=other.read_bytes())
    with pytest.raises(ConflictError):
        kept.save_layer(layer, seen=one, content=content)
    assert own_raster(kept, kept.layer("canopy"), two, reader).grid.values[0].tolist() == [7, 7, 7]
    old = own_raster(kept, kept.layer("canopy", version=one), one, reader)
    assert old.grid.values[0].tolist() == [1, 0, 7]
    kept.undo(seen=two)
    assert kept.original("canopy")[1] == content


def test_another_band_is_another_version(asking: Path, reader: Reader, tmp_path: Path) -> None:
    pack = load_pack(asking)
    path = write(tmp_path / "两.tif", np.stack([CELLS, CELLS.T]), PLACE, nodata=255)
    kept = create_workspace(tmp_path / "w.planmap", "甲")
    kept.save_layer(stored(pack, reader, path), seen=None, content=path.read_bytes())
    two = kept.save_layer(stored(pack, reader, path, band=2), seen=1)  # the file is there
    assert two == 2
    assert own_raster(kept, kept.layer("canopy"), 2, reader).grid.values[0].tolist() == [1, 1, 7]


def test_a_workspace_that_does_not_say_how_is_refused_in_one_line(
    asking: Path, crowns: Path, reader: Reader, tmp_path: Path
) -> None:
    layer = stored(load_pack(asking), reader, crowns)
    spoilt = StoredLayer(layer.spec, layer.frame, {"band": "x"}, original=layer.original)
    kept = create_workspace(tmp_path / "w.planmap", "甲")
    kept.save_layer(spoilt, seen=None, content=crowns.read_bytes())
    with pytest.raises(InputError, match="does not say how this raster is read"):
        own_raster(kept, kept.layer("canopy"), 1, reader)


def test_a_geopackage_takes_no_rasters(
    asking: Path, crowns: Path, reader: Reader, tmp_path: Path
) -> None:
    kept: Workspace = create_workspace(tmp_path / "w.planmap", "甲")
    layer = stored(load_pack(asking), reader, crowns)
    kept.save_layer(layer, seen=None, content=crowns.read_bytes())
    with pytest.raises(InputError, match="it has only rasters"):
        write_geopackage(kept, tmp_path / "a.gpkg")
    assert not (tmp_path / "a.gpkg").exists()


# In the pack.


def raster_of(pack: Pack, reader: Reader, path: Path, tmp_path: Path) -> RasterLayer:
    kept = create_workspace(tmp_path / "own.planmap", "甲")
    kept.save_layer(stored(pack, reader, path), seen=None, content=path.read_bytes())
    return own_raster(kept, kept.layer("canopy"), 1, reader)


def test_a_raster_of_ones_own_takes_the_place_of_the_packs(
    asking: Path, crowns: Path, reader: Reader, tmp_path: Path, edit: Edit
) -> None:
    edit("layers.toml", 'geometry = "raster"', 'geometry = "raster"\ndrawn_to = ["canopy_share"]')
    pack, plan = open_pack(asking)
    mine = pack.with_layers([raster_of(pack, reader, crowns, tmp_path)])
    assert mine.own == {"canopy"}
    assert "canopy" not in mine.layers
    assert mine.rasters["canopy"].spec.drawn_to == ()
    assert mine.sha256 != pack.sha256
    assert run_check(pack, plan.checks["canopy_share"]).why == "proxy"  # and the pack stays
    result = run_check(mine, plan.checks["canopy_share"])
    assert (result.missing, result.basis) == ((), "open")
    assert result.measured is not None
    assert result.measured.whole.value == pytest.approx(0.5, abs=1e-6)


def test_cells_do_not_stand_in_place_of_features_nor_features_in_place_of_cells(
    asking: Path, crowns: Path, reader: Reader, tmp_path: Path
) -> None:
    pack = load_pack(asking)
    raster = raster_of(pack, reader, crowns, tmp_path)
    wrong = RasterLayer(raster.spec.model_copy(update={"id": "land"}), raster.grid, "")
    with pytest.raises(InputError, match="the pack wants polygon features"):
        pack.with_layers([wrong])
    land = pack.layers["land"]
    spec = land.spec.model_copy(update={"id": "canopy"})
    with pytest.raises(InputError, match="the pack wants a raster"):
        pack.with_layers([Layer(spec, land.frame, "")])


def test_a_raster_that_lacks_the_class_cannot_be_measured_on(
    asking: Path, crowns: Path, reader: Reader, tmp_path: Path
) -> None:
    pack, plan = open_pack(asking)
    raster = raster_of(pack, reader, crowns, tmp_path)
    cells = Grid(raster.grid.values * 0, raster.grid.valid, raster.grid.transform, "EPSG:4548")
    mine = pack.with_layers([RasterLayer(raster.spec, cells, "")])
    result = run_check(mine, plan.checks["canopy_share"])
    assert (result.verdict, result.why, result.missing) == ("undetermined", "unfit", ("canopy",))


# What is said of it before it is kept.


def test_a_raster_is_summed_up_by_its_values_and_what_it_covers(
    asking: Path, crowns: Path, reader: Reader
) -> None:
    grid = reader.grid(crowns, "树冠.tif", 1)
    found = summary(grid, Declared(crs="EPSG:4548", datum="cgcs2000"), load_pack(asking))
    assert found.cell_m == pytest.approx((1000, 1000))
    assert found.shares() == ((7, 5, 5 / 8), (1, 2, 2 / 8), (0, 1, 1 / 8))
    assert found.empty == 1
    assert found.covered == pytest.approx(0.75, abs=0.005)  # three of the four cells of the area
    assert found.values("en") == "Of the cells with data 62.5% hold 7, 25.0% hold 1, 12.5% hold 0."


def test_cells_in_degrees_are_told_in_metres(asking: Path, reader: Reader, tmp_path: Path) -> None:
    # A thousandth of a degree at 39.1 N: 86.4 m east (cos 39.1° of 111.4 km), 111.0 m north.
    place = Affine(0.001, 0, 117.346, 0, -0.001, 39.106)
    path = write(tmp_path / "度.tif", np.ones((9, 9), dtype=np.uint8), place, "EPSG:4490")
    grid = reader.grid(path, "度.tif", 1)
    found = summary(grid, Declared(crs="EPSG:4490", datum="cgcs2000"), load_pack(asking))
    assert found.cell_m == pytest.approx((86.5, 111.0), abs=0.1)


@given(arrays.arrays(np.int16, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_counts_add_up_to_the_cells_with_data(values: np.ndarray) -> None:
    grid = Grid(values, values != 3, (10, 0, 0, 0, -10, 0), "EPSG:4548")
    counts = grid.counts()
    assert tuple(counts) == grid.classes()
    assert sum(counts.values()) == (values != 3).sum()


def test_values_far_apart_are_counted_as_well() -> None:
    values = np.array([[2**63, 5], [5, 2**64 - 1]], dtype=np.uint64)
    grid = Grid(values, values > 0, (10, 0, 0, 0, -10, 0), "EPSG:4548")
    assert grid.counts() == {5: 2, 2**63: 1, 2**64 - 1: 1}


def test_a_raster_too_fine_for_polygons_is_looked_into_all_the_same(crowns: Path) -> None:
    with Reader(Limits(pixels=8)) as small:
        (part,) = small.inspect(crowns, "树冠.tif").parts
        assert list(part.values) == [0, 1, 7]
        assert small.grid(crowns, "树冠.tif", 1).values.shape == (3, 3)
    with Reader(Limits(grid_pixels=8)) as smaller, pytest.raises(InputError, match="at most 8"):
        smaller.inspect(crowns, "树冠.tif")


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_whole_numbers_stored_as_decimals_become_small_integers(
    tmp_path: Path, reader: Reader, kind: str
) -> None:
    path = write(tmp_path / "类.tif", np.array([[1, 0], [-9999, 200]], dtype=kind), nodata=-9999)
    grid = reader.grid(path, "类.tif", 1)
    assert grid.values.dtype == np.uint8
    assert grid.values[grid.valid].tolist() == [1, 0, 200]


# The command line.


def test_the_command_line_keeps_a_raster_checks_on_it_and_does_the_run_again(
    asking: Path, crowns: Path, tmp_path: Path
) -> None:
    kept, out = tmp_path / "我的.planmap", tmp_path / "out"
    taken = run("layers", "add", crowns, "--workspace", kept, *SAID, "--pack", asking)
    assert taken.exit_code == 0, taken.stderr
    assert "7 占 62.5%" in taken.stdout
    here = ("--workspace", kept, "--pack", asking)
    words = ("check", "--only", "canopy_share", "--format", "json", "--out", out, *here)
    (found,) = json.loads(run(*words).stdout)["results"]
    assert found["value"] == pytest.approx(0.5, abs=1e-6)
    assert (found["missing"], found["basis"]) == ([], "official")
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))["layers"]["canopy"]
    assert record["workspace"]["original_sha256"] == record["sha256"]
    assert run("verify", out / "run.json").exit_code == 0
    listed = run("layers", "list", *here).stdout
    assert next(line for line in listed.splitlines() if " canopy " in line).split()[2:4] == [
        "raster",
        "9",
    ]
    other = write(tmp_path / "新.tif", CELLS[::-1].copy(), PLACE, nodata=255)
    assert run("layers", "add", other, "--workspace", kept, *SAID, "--pack", asking).exit_code == 0
    assert run("verify", out / "run.json").exit_code == 1  # another version is another run


def refusal(asking: Path, path: Path, *more: object, said: tuple[str, ...] = SAID) -> str:
    kept = path.parent / "none.planmap"
    words = ("layers", "add", path, "--workspace", kept, *said, *more)
    result = run(*words, "--lang", "en", "--pack", asking)
    assert result.exit_code == 2
    assert not kept.exists()  # nothing is kept of what is refused
    (line,) = result.stderr.splitlines()
    (zh,) = run(*words, "--lang", "zh", "--pack", asking).stderr.splitlines()
    assert line != zh
    assert path.name in zh
    return line


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_a_shifted_raster_is_refused(asking: Path, crowns: Path, datum: str) -> None:
    said = tuple(datum if word == "cgcs2000" else word for word in SAID)
    assert "cells cannot be moved back exactly; warp" in refusal(asking, crowns, said=said)


def test_decimals_are_refused_where_classes_are_asked(asking: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "ndvi.tif", CELLS.astype("float32") / 2, PLACE)
    assert "hold decimals, which are amounts; 'Green cover' asks" in refusal(asking, path)


def test_a_raster_without_the_class_is_refused(asking: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.where(CELLS == 1, 200, CELLS), PLACE, nodata=255)
    assert "counts (1); the values are 0, 7, 200: recode it" in refusal(asking, path)


def test_one_of_several_bands_has_to_be_named(asking: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.stack([CELLS * 0, CELLS]), PLACE, nodata=255)
    assert "the file has 2 bands; name one with --band" in refusal(asking, path)
    assert "no band 3" in refusal(asking, path, "--band", 3)
    kept = tmp_path / "w.planmap"
    words = ("layers", "add", path, "--workspace", kept, *SAID, "--pack", asking, "--band", 2)
    assert run(*words).exit_code == 0
    assert open_workspace(kept).layers()["canopy"].spec.part == "2"


@pytest.mark.parametrize("more", [("--field", "a=b"), ("--cells",), ("--log", "x.csv")])
def test_options_for_features_are_refused(asking: Path, crowns: Path, more: tuple[str]) -> None:
    assert f"no features to map or mend; leave out {more[0]}" in refusal(asking, crowns, *more)


def test_other_mistakes_are_one_line_as_well(asking: Path, crowns: Path, tmp_path: Path) -> None:
    assert "m outside the area" in refusal(asking, crowns, "--crs", "EPSG:4549")
    swapped = refusal(asking, crowns, "--crs", "EPSG:4548", "--swapped")
    assert "the axes of a raster are not exchanged" in swapped
    features = tmp_path / "land.geojson"
    features.write_bytes((asking / "land.geojson").read_bytes())
    assert "takes a GeoTIFF; this is geojson" in refusal(asking, features)


# The page.


@pytest.fixture
def page(asking: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """我的数据 on the pack that asks for a raster."""
    with own_page(asking, tmp_path, monkeypatch) as opened:
        yield opened


@contextmanager
def own_page(pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """我的数据 on a pack, with workspaces in a folder of the test."""
    monkeypatch.setenv("PLANMAP_PACK", str(pack))
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "workspaces"))
    page = AppTest.from_string(OWN_PAGE, default_timeout=60).run()
    assert not page.exception
    yield page
    if "own.draft" in page.session_state:
        page.session_state["own.draft"].folder.cleanup()


OWN_PAGE = """
import streamlit as st
from views import my_data
from views.session import current_pack
from views.text import Words
from views.workspace import with_own_layers

st.session_state["pages"] = {}
my_data.show(with_own_layers(current_pack()), Words("zh"))
"""


def drop(page: AppTest, path: Path) -> None:
    box = next(one for one in page.file_uploader if str(one.key).startswith("own.file."))
    box.upload(path.name, path.read_bytes()).run()
    assert not page.exception


def said(page: AppTest) -> str:
    return "\n".join(str(one.proto.body) for one in page.get("html"))


def test_a_planner_puts_a_raster_in_place_and_the_target_is_measured(
    page: AppTest, crowns: Path
) -> None:
    drop(page, crowns)
    assert page.selectbox(key="draft.layer.树冠").value == "canopy"  # by the file's name
    assert not page.radio  # what its cells become is not asked
    page.button_group(key="draft.datum.树冠").set_value("gcj02").run()
    assert "请先把栅格纠正到" in page.error[0].value
    page.button_group(key="draft.datum.树冠").set_value("cgcs2000").run()
    assert not page.error
    assert "3 × 3 个像元，每个 1,000 × 1,000 米" in said(page)
    assert page.dataframe[0].value["像元值"].tolist() == [7, 1, 0]
    page.button_group(key="draft.basis").set_value("official").run()
    page.number_input(key="draft.accuracy").set_value(0.0).run()
    next(one for one in page.button if one.label == "载入工作区").click().run()
    assert not page.exception
    assert "已载入：树冠" in said(page)
    (row,) = page.dataframe[0].value.to_dict("records")
    assert "替代值 50.0%" in row["载入前"]  # half of the place is wood on the map of patches
    assert "50.0%" in row["载入后"]
    assert "替代值" not in row["载入后"]
    assert "栅格 3 × 3 个像元" in said(page)
    assert any("栅格图层不在 GeoPackage 里" in one.value for one in page.caption)


def test_decimals_are_refused_on_the_page_and_what_was_answered_stays(
    page: AppTest, tmp_path: Path
) -> None:
    drop(page, write(tmp_path / "树冠.tif", CELLS.astype("float32") / 2, PLACE))
    page.button_group(key="draft.datum.树冠").set_value("cgcs2000").run()
    assert "是数量而不是类别" in page.error[0].value
    assert page.button_group(key="draft.datum.树冠").value
    assert not [one for one in page.button if one.label == "载入工作区"]


def test_a_raster_may_still_become_areas(page: AppTest, crowns: Path) -> None:
    drop(page, crowns)
    page.selectbox(key="draft.layer.树冠").set_value("land").run()
    assert page.radio(key="draft.raster").value == "classes"
    assert not page.exception


def keep(page: AppTest) -> None:
    """Say whose the data are and how exact, and keep them."""
    page.button_group(key="draft.basis").set_value("official").run()
    page.number_input(key="draft.accuracy").set_value(0.0).run()
    next(one for one in page.button if one.label == "载入工作区").click().run()
    assert not page.exception


def press(page: AppTest, label: str) -> None:
    next(one for one in page.button if one.label.startswith(label)).click().run()
    assert not page.exception


@pytest.mark.parametrize("label", ["移除", "撤销"])
def test_what_loading_changed_is_told_no_longer_once_the_layer_is_gone(
    page: AppTest, crowns: Path, label: str
) -> None:
    drop(page, crowns)
    page.button_group(key="draft.datum.树冠").set_value("cgcs2000").run()
    keep(page)
    page.run()
    assert "已载入：树冠" in said(page)
    press(page, label)
    assert "已载入：" not in said(page)
    assert "载入前" not in "".join(map(str, (one.value.columns for one in page.dataframe)))
    press(page, "撤销" if label == "移除" else "重做")  # it is there again, but nothing was loaded
    assert "已载入：" not in said(page)
    assert "已载入的图层（1）" in said(page)


def test_a_target_whose_stand_in_rests_on_the_layer_is_told_as_well(
    page: AppTest, asking: Path, tmp_path: Path
) -> None:
    land = json.loads((asking / "land.geojson").read_text(encoding="utf-8"))
    for one in land["features"]:
        one["properties"]["class_code"] = "0301"  # all of the place is wood
    path = tmp_path / "land.geojson"
    path.write_text(json.dumps(land), encoding="utf-8")
    drop(page, path)
    page.button_group(key="draft.datum.land").set_value("cgcs2000").run()
    keep(page)
    rows = {row["目标"]: row for row in page.dataframe[0].value.to_dict("records")}
    assert "替代值 50.0%" in rows["绿化覆盖率"]["载入前"]
    assert "替代值 100%" in rows["绿化覆盖率"]["载入后"]


def test_a_target_that_needs_its_stand_in_no_longer_is_not_told_of_what_that_rests_on(
    page: AppTest, asking: Path, crowns: Path
) -> None:
    drop(page, crowns)
    page.button_group(key="draft.datum.树冠").set_value("cgcs2000").run()
    keep(page)
    drop(page, asking / "land.geojson")
    page.button_group(key="draft.datum.land").set_value("cgcs2000").run()
    keep(page)
    assert "绿化覆盖率" not in page.dataframe[0].value["目标"].tolist()
