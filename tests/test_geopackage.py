"""The export to GeoPackage, opened again with GDAL: the same features, and where they came from."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from shapely import MultiPolygon, Point, box

from layers import InputError
from layers.catalogue import LayerSpec
from layers.formats.geopackage import write_geopackage
from layers.workspace import Original, StoredLayer, Workspace, create_workspace


def spec(layer_id: str, geometry: str, title: str) -> LayerSpec:
    return LayerSpec.model_validate(
        {
            "id": layer_id,
            "title": {"zh": title, "en": layer_id},
            "geometry": geometry,
            "group": "own",
            "source": {
                "name": {"zh": "规划局", "en": "Bureau"},
                "url": "https://example.org",
                "date": "2024-03",
                "licence": "internal",
                "datum": "cgcs2000",
                "basis": "official",
            },
            "accuracy_m": 1.5,
        }
    )


def frame(shapes: list[object], crs: str, **columns: object) -> gpd.GeoDataFrame:
    ids = pd.Index([f"P{i}" for i in range(len(shapes))], dtype=str, name="id")
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=crs, index=ids)


PARCELS = frame(
    [box(530_000, 4_330_000, 530_001.23456789, 4_330_002), MultiPolygon([box(0, 0, 1, 1)]), None],
    "EPSG:4548",
    name=["甲", "乙", None],
    area_m2=[2.4691, 1.0, np.nan],
    floors=[1, 2, 3],
    built=np.array(["2020-01-02", "NaT", "1999-12-31"], dtype="datetime64[ms]"),
    certain=[True, False, True],
)
STOPS = frame([Point(117.123456789, 39.1), Point(117.2, 39.2)], "OGC:CRS84", fid=["a", "b"])


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = create_workspace(tmp_path / "方案.planmap", "方案一")
    layer = StoredLayer(
        spec("parcels", "polygon", "地块"),
        PARCELS,
        intake={"declared": {"crs": "EPSG:4548"}},
        finding={"verdict": "agrees"},
        log=({"feature": "P1", "rule": "ring"},),
        original=Original.of("地块.zip", b"x"),
    )
    workspace.save_layer(layer, seen=None, author="李工", content=b"x")
    workspace.save_layer(StoredLayer(spec("stops", "point", "站点"), STOPS), seen=None)
    return workspace


@pytest.fixture
def path(workspace: Workspace, tmp_path: Path) -> Path:
    path = tmp_path / "导出.gpkg"
    write_geopackage(workspace, path)
    return path


@pytest.mark.parametrize("layer, expected", [("parcels", PARCELS), ("stops", STOPS)])
def test_a_layer_read_again_is_the_frame(
    path: Path, layer: str, expected: gpd.GeoDataFrame
) -> None:
    found = pyogrio.read_dataframe(path, layer=layer).set_index("id")
    assert list(found.columns) == list(expected.columns)
    assert found.crs == expected.crs
    assert found.geom_type.tolist() == expected.geom_type.tolist()  # no polygon becomes a multi
    assert_geodataframe_equal(found, expected, check_like=False)
    off = shapely.get_coordinates(found.geometry) - shapely.get_coordinates(expected.geometry)
    assert np.abs(off).max() < 1e-9


def test_it_is_a_geopackage_with_one_table_per_layer_and_their_provenance(path: Path) -> None:
    assert {name for name, _ in pyogrio.list_layers(path)} == {"parcels", "stops", "provenance"}
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (0x47504B47,)  # "GPKG"
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        titles = dict(connection.execute("SELECT table_name, identifier FROM gpkg_contents"))
    assert titles["parcels"] == "地块 (parcels)"


def test_the_provenance_says_where_each_layer_came_from(path: Path, workspace: Workspace) -> None:
    rows = pyogrio.read_dataframe(path, layer="provenance").set_index("layer")
    row = rows.loc["parcels"]
    info = workspace.layers()["parcels"]
    assert (row.title_zh, row.basis, row.accuracy_m, row.date) == (
        "地块",
        "official",
        1.5,
        "2024-03",
    )
    assert (row.source_zh, row.licence, row.datum) == ("规划局", "internal", "cgcs2000")
    assert (row.file, row.features, row.version, row.author) == (
        "地块.zip",
        3,
        info.version,
        "李工",
    )
    # SHA-256 of the one letter x, as `printf x | sha256sum` says
    assert row.file_sha256 == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert json.loads(row.intake) == {"declared": {"crs": "EPSG:4548"}}
    assert json.loads(row["log"]) == [{"feature": "P1", "rule": "ring"}]
    assert pd.isna(rows.loc["stops"].file)


def test_names_that_differ_in_capitals_only_are_told_apart(tmp_path: Path) -> None:
    workspace = create_workspace(tmp_path / "a.planmap", "a")
    points = frame([Point(1, 2)], "OGC:CRS84", name=["a"], Name=["b"], id=["c"], geom=[1], FID=[2])
    for layer_id in ("Stops", "stops", "provenance", "gpkg_contents"):
        layer = StoredLayer(spec(layer_id, "point", "站点"), points)
        workspace.save_layer(layer, seen=None)
    write_geopackage(workspace, tmp_path / "a.gpkg")
    rows = pyogrio.read_dataframe(tmp_path / "a.gpkg", layer="provenance").set_index("layer")
    assert set(rows.index) == {"Stops", "stops_2", "provenance_2", "layer_gpkg_contents"}
    for table in rows.index:
        found = pyogrio.read_dataframe(tmp_path / "a.gpkg", layer=table)
        assert found.drop(columns="geometry").to_dict("records") == [
            {"id": "P0", "name": "a", "Name_2": "b", "id_2": "c", "geom": 1, "FID": 2}
        ]
        assert json.loads(rows.loc[table].renamed) == {"Name_2": "Name", "id_2": "id"}


def test_lists_and_mixed_values_become_json(tmp_path: Path) -> None:
    workspace = create_workspace(tmp_path / "a.planmap", "a")
    values = pd.Series([["甲", 1], {"a": None}, 2, "text", None], dtype=object)
    points = frame([Point(i, i) for i in range(5)], "OGC:CRS84", x=values.to_numpy())
    points["whole"] = pd.array([1, None, 3, 4, 5], dtype="Int64")
    workspace.save_layer(StoredLayer(spec("p", "point", "点"), points), seen=None)
    write_geopackage(workspace, tmp_path / "a.gpkg")
    found = pyogrio.read_dataframe(tmp_path / "a.gpkg", layer="p")
    texts = [None if pd.isna(value) else value for value in found["x"]]
    assert texts == ['["甲", 1]', '{"a": null}', "2", "text", None]
    assert found["whole"].tolist()[2:] == [3, 4, 5]
    assert pd.isna(found["whole"].iloc[1])


def test_another_file_is_never_replaced(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "导出.gpkg"
    path.write_bytes(b"mine")
    with pytest.raises(InputError, match=r"^导出\.gpkg: there is a file of this name") as refusal:
        write_geopackage(workspace, path)
    assert "已有同名文件" in refusal.value.problems[0].in_("zh")
    assert path.read_bytes() == b"mine"
    with pytest.raises(InputError, match="cannot be written"):
        write_geopackage(workspace, tmp_path / "none" / "a.gpkg")
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on the size of a file")
def test_a_full_disk_is_said_and_leaves_nothing_behind(workspace: Workspace, path: Path) -> None:
    import resource  # noqa: PLC0415  Windows has none

    size = path.stat().st_size
    path.unlink()
    for bytes_left in (1_000, size // 2, size - 5_000):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, hard))
        try:
            with pytest.raises(InputError, match=r"^导出\.gpkg: .*disk is not full"):
                write_geopackage(workspace, path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert [left.name for left in path.parent.iterdir()] == [workspace.path.name]


def test_an_empty_workspace_has_nothing_to_export(tmp_path: Path) -> None:
    workspace = create_workspace(tmp_path / "a.planmap", "方案一")
    with pytest.raises(InputError, match=r"^方案一: it has no layers yet"):
        write_geopackage(workspace, tmp_path / "a.gpkg")
    assert not (tmp_path / "a.gpkg").exists()
