"""GeoParquet: columns and geometry from a Parquet file that says which column is geometry."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyproj import CRS
from pyproj.exceptions import CRSError

from layers.formats.found import Choice, Part, Raw
from layers.formats.frames import (
    Geometries,
    Rows,
    check_features,
    chosen,
    from_wkb,
    iso_date,
    rows,
)
from layers.formats.gdal import damaged
from layers.formats.reference import DEGREES, crs_name
from layers.formats.refusal import refusal
from layers.limits import Limits
from layers.problem import Problem

_MEGABYTE = 1024 * 1024
_GEO = b"geo"
_DAMAGE = (pa.ArrowException, OSError, ValueError, KeyError, TypeError, AttributeError)


def inspect(path: Path, where: str, limits: Limits) -> tuple[Part, ...]:
    """Say what the file holds, as one part that is called after it."""
    return (_rows(path, where, limits).part(),)


def read(path: Path, where: str, choice: Choice, limits: Limits) -> Raw:
    """Read the rows; structs and lists become JSON text, further geometry columns are left out."""
    chosen([_name(where)], choice.part, where)
    return _rows(path, where, limits).raw()


def _name(where: str) -> str:
    return Path(where).stem or "data"


def _rows(path: Path, where: str, limits: Limits) -> Rows:
    try:
        with path.open("rb") as source, pq.ParquetFile(source) as file:
            _check(file, where, limits)
            said = _said(file, where)
            table = file.read()
        primary, shapes = said["primary_column"], said["columns"]
        about = shapes[primary]
        geometry, damage = _geometry(table, primary, about, path, where)
        crs, unreadable = _crs(about, where)
        columns: dict[str, Any] = {}
        for name in table.column_names:
            if name not in shapes and not _is_binary(table.schema.field(name).type):
                columns[name] = _values(table.column(name))
    except _DAMAGE as error:
        raise damaged(where) from error
    dates = [name for name in columns if _is_date(table.schema.field(name).type)]
    made = rows(_name(where), columns, geometry, where, limits, crs=crs, dates=dates)
    return made.with_problems([unreadable, *damage])


def _check(file: pq.ParquetFile, where: str, limits: Limits) -> None:
    """Refuse before anything is unpacked: a few bytes may stand for millions of rows."""
    metadata = file.metadata
    check_features(metadata.num_rows, _name(where), where, limits)
    groups = (metadata.row_group(at) for at in range(metadata.num_row_groups))
    size = sum(group.total_byte_size for group in groups)
    if size > limits.unpacked_mb * _MEGABYTE:
        raise refusal(
            where,
            "unpacked_mb",
            f"it holds {size / _MEGABYTE:,.0f} MB, at most {limits.unpacked_mb:,} are read; split"
            " it, or raise [pack.limits].unpacked_mb in layers.toml",
            zh=f"解开后为 {size / _MEGABYTE:,.0f} MB，上限 {limits.unpacked_mb:,} MB；"
            "请拆分文件，或在 layers.toml 的 [pack.limits] 中调高 unpacked_mb",
        )


def _said(file: pq.ParquetFile, where: str) -> Mapping[str, Any]:
    metadata = file.schema_arrow.metadata or {}
    if _GEO not in metadata:
        raise refusal(
            where,
            "geoparquet",
            "it is a Parquet table without geometry; save it as GeoParquet",
            zh="是不带图形的 Parquet 表；请另存为 GeoParquet",
        )
    said: Mapping[str, Any] = json.loads(metadata[_GEO])
    return said


def _geometry(
    table: pa.Table, primary: str, about: Mapping[str, Any], path: Path, where: str
) -> tuple[Geometries, list[Problem]]:
    if str(about.get("encoding", "WKB")).upper() == "WKB":
        wkb = np.array([*table.column(primary).to_pylist(), None], dtype=object)[:-1]
        return from_wkb(wkb, where)
    # Coordinates in columns of their own, as GeoArrow has them.
    with path.open("rb") as source:
        frame = gpd.read_parquet(source, columns=[primary])
    return np.asarray(frame.geometry.to_numpy(), dtype=object), []


def _crs(about: Mapping[str, Any], where: str) -> tuple[str, Problem | None]:
    if "crs" not in about:  # then it is WGS 84, longitude first
        return DEGREES, None
    if about["crs"] is None:
        return "", None
    try:
        text = CRS.from_json_dict(about["crs"]).to_wkt()
    except (CRSError, TypeError, ValueError, KeyError):
        text = "?"
    return crs_name(str(text), where)


def _values(column: pa.ChunkedArray) -> list[Any] | Any:  # noqa: ANN401 - a list or an array
    kind = column.type
    if pa.types.is_decimal(kind):
        return [None if value is None else float(value) for value in column.to_pylist()]
    if _is_date(kind):
        return [
            None if value is None else iso_date(value.isoformat()) for value in column.to_pylist()
        ]
    if pa.types.is_floating(kind) or (pa.types.is_integer(kind) and column.null_count == 0):
        return column.to_numpy()
    return column.to_pylist()


def _is_date(kind: pa.DataType) -> bool:
    return bool(pa.types.is_temporal(kind) and not pa.types.is_duration(kind))


def _is_binary(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)
    )
