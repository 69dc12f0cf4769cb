"""The workspace as a GeoPackage, for a desktop GIS: layers, and where each came from."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio

from layers.problem import InputError, Problem
from layers.workspace import StoredLayer, StoredLayerInfo, Workspace
from layers.workspace.placing import placed
from layers.workspace.records import OWN_PREFIX

PROVENANCE = "provenance"
_RESERVED = ("gpkg_", "rtree_", "sqlite_")


def write_geopackage(workspace: Workspace, path: Path) -> None:
    """Write the layers of a workspace to a new GeoPackage.

    Each layer is a table by its id; the features' ids are a column, all others keep their names
    unless two differ only in capitals, which a GeoPackage cannot hold. Lists and tables within a
    feature become JSON. The table `provenance` has one row per layer: titles, source, licence,
    basis, original file and its hash, how it was read and mended, who saved it when.

    Rasters are left out: their own files are theirs.

    Raises InputError where there is a file of that name, no layer, or one that cannot be written.
    """
    kept = workspace.layers()
    infos = {id_: info for id_, info in kept.items() if info.spec.geometry != "raster"}
    if kept and not infos:
        message = "it has only rasters, which no GeoPackage takes; download their original files"
        zh = "只有栅格图层，不能写入 GeoPackage；请下载原始文件"
        raise workspace.file.problem("empty", message, zh)
    if not infos:
        message = "it has no layers yet; load one before exporting"
        raise workspace.file.problem("empty", message, "还没有图层；请先导入图层再导出")
    _, *tables = _distinct([PROVENANCE, *(_table_name(info) for info in infos.values())])
    rows = []
    with placed(path, path.name) as part:
        part.unlink()  # GDAL makes a GeoPackage, but not of an empty file
        for (layer_id, info), table in zip(infos.items(), tables, strict=True):
            stored = workspace.layer(layer_id, version=info.version)
            with _refusing(path, layer_id):
                renamed = _write_layer(stored, part, table)
            rows.append(_provenance(stored, info, table, renamed))
        with _refusing(path, PROVENANCE):
            pyogrio.write_dataframe(pd.DataFrame(rows), part, layer=PROVENANCE, driver="GPKG")
        for (layer_id, info), table in zip(infos.items(), tables, strict=True):
            with _refusing(path, layer_id):
                if not _is_whole(part, table, info.features):
                    raise _refusal(path, layer_id)
        part.chmod(0o600)


@contextmanager
def _refusing(path: Path, layer_id: str) -> Iterator[None]:
    try:
        yield
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise _refusal(path, layer_id) from error


def _refusal(path: Path, layer_id: str) -> InputError:
    message = (
        f"layer '{layer_id}' cannot be written as a GeoPackage table; see that the disk is not"
        " full, or leave unusual columns out"
    )
    zh = f"图层“{layer_id}”无法写入 GeoPackage；请确认磁盘未满，或去掉特殊类型的字段"
    return InputError([Problem(path.name, "", "write", message, zh=zh)])


def _is_whole(path: Path, table: str, features: int) -> bool:
    """Tell whether all of a table was written: on a full disk GDAL may say nothing."""
    found = pyogrio.read_info(path, layer=table, force_feature_count=True)
    return bool(found["features"] == features and found["capabilities"]["fast_spatial_filter"])


def _table_name(info: StoredLayerInfo) -> str:
    """A layer's id, or the title of one whose id only this program understands."""
    is_made = info.spec.id.startswith(OWN_PREFIX)
    return info.spec.title.zh if is_made and info.spec.title.zh else info.spec.id


def _write_layer(stored: StoredLayer, path: Path, table: str) -> Mapping[str, str]:
    """Write one table; return the layer's own name of each column that has another in it."""
    frame = stored.frame
    own = [str(frame.index.name or "id"), *(c for c in frame.columns if c != frame.geometry.name)]
    names = _distinct(own)
    values = [frame.index.to_numpy(), *(_plain(frame[column]) for column in own[1:])]
    written = gpd.GeoDataFrame(
        dict(zip(names, values, strict=True)), geometry=frame.geometry.to_numpy(), crs=frame.crs
    )
    taken = {name.casefold() for name in written.columns}
    pyogrio.write_dataframe(
        written,
        path,
        layer=table,
        driver="GPKG",
        geometry_type="Unknown",  # as they are: a polygon among multipolygons stays one
        promote_to_multi=False,
        layer_options={
            "FID": _free("fid", taken),
            "GEOMETRY_NAME": _free("geom", taken),
            "IDENTIFIER": f"{stored.spec.title.zh} ({table})",
        },
    )
    return {new: old for new, old in zip(names, own, strict=True) if new != old}


def _plain(column: pd.Series) -> object:
    """A column as a GIS table holds it: text, number or moment; anything else as JSON."""
    if column.dtype != object:
        return column.array
    return [
        None if value is None else value if isinstance(value, str) else _text(value)
        for value in column
    ]


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _distinct(names: Iterable[str]) -> list[str]:
    """Give each name, in order, one that no other before it has, capitals apart.

    >>> _distinct(["name", "Name", "名称", "name"])
    ['name', 'Name_2', '名称', 'name_3']
    """
    given: list[str] = []
    taken: set[str] = set()
    for name in names:
        base = f"layer_{name}" if name.casefold().startswith(_RESERVED) or not name else name
        number, new = 1, base
        while new.casefold() in taken:
            number += 1
            new = f"{base}_{number}"
        given.append(new)
        taken.add(new.casefold())
    return given


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name = f"_{name}"
    return name


def _provenance(
    stored: StoredLayer, info: StoredLayerInfo, table: str, renamed: Mapping[str, str]
) -> dict[str, object]:
    spec, source, original = stored.spec, stored.spec.source, stored.original
    return {
        "layer": table,
        "title_zh": spec.title.zh,
        "title_en": spec.title.en,
        "features": info.features,
        "crs": stored.frame.crs.to_string(),
        "basis": source.basis,
        "accuracy_m": spec.accuracy_m,
        "source_zh": source.name.zh,
        "source_en": source.name.en,
        "url": source.url,
        "date": source.date,
        "licence": source.licence,
        "datum": source.datum,
        "file": original.name if original else None,
        "file_sha256": original.sha256 if original else None,
        "version": info.version,
        "saved": info.time.isoformat(timespec="seconds"),
        "author": info.author,
        "renamed": _text(dict(renamed)),
        "intake": _text(dict(stored.intake)),
        "finding": _text(dict(stored.finding)),
        "log": _text([dict(record) for record in stored.log]),
    }
