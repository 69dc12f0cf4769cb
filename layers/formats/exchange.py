"""How rows and cells pass from the process that reads files to the one that asked: as files."""

import json
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from layers.formats.found import Raw
from layers.formats.refusal import refusal
from layers.grid import Grid
from layers.problem import InputError, Problem

_COLUMNS, _CRS, _PROBLEMS = b"columns", b"crs", b"problems"
_ROW, _GEOMETRY = "row", "geometry"
Line = list[str]


def write_raw(raw: Raw, path: Path) -> None:
    """Write rows into an Arrow file: the row numbers, the columns, and the geometry as WKB."""
    frame = raw.frame
    own = frame.geometry.name
    names = [str(name) for name in frame.columns if name != own]
    arrays = [pa.array(frame.index.to_numpy(dtype="int64"))]
    arrays += [_array(frame[name]) for name in frame.columns if name != own]
    wkb = shapely.to_wkb(frame.geometry.to_numpy())
    arrays.append(pa.array(wkb, type=pa.large_binary()))
    columns = [_ROW, *(f"c{number}" for number in range(len(names))), _GEOMETRY]
    said = {
        _COLUMNS: json.dumps(names).encode(),
        _CRS: raw.crs.encode(),
        _PROBLEMS: json.dumps(lines(raw.problems)).encode(),
    }
    table = pa.Table.from_arrays(arrays, names=columns).replace_schema_metadata(said)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def read_raw(path: Path, where: str) -> Raw:
    """Read what `write_raw` wrote; raises InputError where it is not that."""
    try:
        with pa.OSFile(str(path), "rb") as file:
            table = pa.ipc.open_file(file).read_all()
        said = table.schema.metadata
        names = json.loads(said[_COLUMNS])
        geometry = shapely.from_wkb(table.column(_GEOMETRY).to_numpy(zero_copy_only=False))
        values = {name: table.column(f"c{number}").to_pandas() for number, name in enumerate(names)}
        index = pd.Index(table.column(_ROW).to_numpy(), dtype="int64", name=_ROW)
        read = problems(json.loads(said[_PROBLEMS]))
        crs = said[_CRS].decode()
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise _lost(where) from error
    frame = gpd.GeoDataFrame(
        {name: column.to_numpy() for name, column in values.items()},
        geometry=np.asarray(geometry, dtype=object),
        index=index,
    )
    return Raw(frame, crs, read)


def write_grid(grid: Grid, path: Path) -> None:
    """Write a grid as an archive of arrays, without packing them: they are read once."""
    np.savez(
        path,
        values=grid.values,
        valid=grid.valid,
        transform=np.array(grid.transform, dtype=np.float64),
        crs=np.array(grid.crs),
    )


def read_grid(path: Path, where: str) -> Grid:
    """Read what `write_grid` wrote; raises InputError where it is not that."""
    try:
        with np.load(path, allow_pickle=False) as found:
            a, b, c, d, e, f = found["transform"].tolist()
            return Grid(found["values"], found["valid"], (a, b, c, d, e, f), str(found["crs"]))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise _lost(where) from error


def _lost(where: str) -> InputError:
    return refusal(
        where, "exchange", "what was read of it was lost; try again", zh="读取结果丢失；请重试"
    )


def lines(found: tuple[Problem, ...]) -> list[Line]:
    """Problems as rows of text, for JSON."""
    return [[p.layer, p.feature, p.rule, p.message, p.zh] for p in found]


def problems(found: list[Line]) -> tuple[Problem, ...]:
    """Problems from the rows that `lines` made."""
    return tuple(Problem(*(str(text) for text in line)) for line in found)


def _array(series: pd.Series) -> pa.Array:
    try:
        return pa.array(series.to_numpy(), from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        texts = [None if value is None else str(value) for value in series]
        clean = [None if t is None else t.encode("utf-8", "replace").decode() for t in texts]
        return pa.array(clean, type=pa.large_string())
