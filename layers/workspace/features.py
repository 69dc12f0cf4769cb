"""A layer's features as plain rows: an id, geometry as WKB, properties as JSON.

Any program that reads SQLite reads them; nothing is pickled. What JSON cannot say (the kinds of
the columns, the CRS) stands once for all rows in the head.
"""

import hashlib
import json
import math
import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from layers.problem import InputError, Problem
from layers.workspace.content import BrokenContentError
from layers.workspace.wkb import is_plain

_PLAIN = frozenset({"Point", "LineString", "LinearRing", "Polygon"})
_MULTI_NAMES = frozenset({"MultiPoint", "MultiLineString", "MultiPolygon"})
_GEOMETRY = "geometry"
_DATES = "date"
_CODE = re.compile(r"[A-Z]+:[0-9A-Z]+", re.ASCII | re.IGNORECASE)
_KINDS = "biufMO"  # truth, integers, numbers, moments, objects

Row = tuple[str, bytes | None, str]


@dataclass(frozen=True, slots=True)
class Collection:
    """The rows of one frame.

    `head` is JSON: the CRS, the index's name and dtype, the columns in order with their dtypes.
    `sha256` is taken over head and rows, so that equal frames are stored once.
    """

    head: str
    rows: tuple[Row, ...]
    sha256: str


def json_text(value: object) -> str:
    """Write plain values as JSON, without what only Python reads (NaN, infinity).

    Raises TypeError or ValueError for anything else.

    >>> json_text({"名称": [1, 2.5, None]})
    '{"名称":[1,2.5,null]}'
    """
    text = _ENCODER.encode(value)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a character, from a text that was read in a wrong encoding
        text = json.dumps(value, allow_nan=False, separators=(",", ":"), default=_plain_number)
    return text


def to_rows(frame: gpd.GeoDataFrame, where: str) -> Collection:
    """Turn a frame into rows.

    `frame` has a CRS and is indexed by text ids; it has one column of geometry. Columns hold
    texts, numbers, truth values, dates or lists and tables of them. Whatever is missing (None,
    NaN, NaT) is left out of a row; a categorical column is stored as its values.

    Raises InputError with every column or geometry that cannot be stored.
    """
    problems = [*_frame_problems(frame, where)]
    if problems:
        raise InputError(problems)
    geometry = frame.geometry.name
    columns: list[list[str]] = []
    names: list[str] = []
    values: list[list[object]] = []
    for name in frame.columns:
        if name == geometry:
            columns.append([name, _GEOMETRY])
            continue
        kind, column, problem = _stored(frame[name], where)
        columns.append([name, kind])
        names.append(name)
        values.append(column)
        problems += problem
    if problems:
        raise InputError(problems)
    index = frame.index
    head = json_text(
        {"crs": _crs_text(frame.crs), "index": [index.name, str(index.dtype)], "columns": columns}
    )
    wkb = shapely.to_wkb(frame.geometry.to_numpy(), byte_order=1, flavor="iso")
    whole = zip(*values, strict=True) if values else [()] * len(frame)
    properties = [
        json_text({n: v for n, v in zip(names, row, strict=True) if v is not None}) for row in whole
    ]
    rows = tuple(zip(index.tolist(), wkb.tolist(), properties, strict=True))
    return Collection(head=head, rows=rows, sha256=_digest(head, rows))


def from_rows(stored: Collection) -> gpd.GeoDataFrame:
    """Turn rows back into the frame they were made of.

    Raises BrokenContentError where the hash does not fit, or where rows from elsewhere do but
    are not what `to_rows` writes.
    """
    head, rows = stored.head, stored.rows
    if _digest(head, rows) != stored.sha256:
        raise BrokenContentError
    try:
        described = json.loads(head)
        crs = _crs(described["crs"])
        index_name, index_dtype = described["index"]
        properties = json.loads(f"[{','.join(row[2] for row in rows)}]")
        index = pd.Index([row[0] for row in rows], dtype=_dtype(index_dtype), name=index_name)
        columns: dict[str, object] = {}
        geometry = ""
        for name, kind in described["columns"]:
            if kind == _GEOMETRY:
                geometry = name
                columns[name] = _geometries([row[1] for row in rows])
            else:
                values = _read([row.get(name) for row in properties], kind)
                columns[name] = pd.Series(values, index=index, dtype=values.dtype)
        frame = gpd.GeoDataFrame(columns, index=index, geometry=geometry, crs=crs)
    except (
        ArithmeticError,
        AttributeError,
        CRSError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
        shapely.errors.ShapelyError,
    ) as error:
        raise BrokenContentError from error
    return frame


def keep_rows(connection: sqlite3.Connection, rows: Collection) -> None:
    """Store a collection under its hash, once."""
    known = "SELECT 1 FROM collection WHERE sha256 = ?"
    if connection.execute(known, (rows.sha256,)).fetchone() is not None:
        return
    number = connection.execute(
        "INSERT INTO collection (sha256, head, features) VALUES (?, ?, ?)",
        (rows.sha256, rows.head, len(rows.rows)),
    ).lastrowid
    connection.executemany(
        "INSERT INTO feature (collection, id, wkb, properties) VALUES (?, ?, ?, ?)",
        ((number, *row) for row in rows.rows),
    )


def kept_rows(connection: sqlite3.Connection, sha256: str | None) -> Collection:
    """Give back what is stored under a hash; raises BrokenContentError where nothing is.

    Nothing is read from it yet, so that the file is free again while `from_rows` does.
    """
    described = "SELECT n, head FROM collection WHERE sha256 = ?"
    found = connection.execute(described, (sha256,)).fetchone()
    if found is None or sha256 is None:
        raise BrokenContentError
    number, head = found
    rows = connection.execute(
        "SELECT id, wkb, properties FROM feature WHERE collection = ? ORDER BY n", (number,)
    )
    return Collection(head=head, rows=tuple(rows), sha256=sha256)


def _digest(head: str, rows: Iterable[Row]) -> str:
    digest = hashlib.sha256()
    for text in (head, *(part for row in rows for part in row)):
        part = text.encode() if isinstance(text, str) else text
        # The lengths keep ("ab", "c") apart from ("a", "bc"), and no geometry from an empty one.
        digest.update(b"-" if part is None else b"%d:" % len(part))
        digest.update(part or b"")
    return digest.hexdigest()


def _frame_problems(frame: gpd.GeoDataFrame, where: str) -> Iterable[Problem]:
    if frame.crs is None:
        message = "the coordinate system is not declared; declare it before saving"
        yield Problem(where, "", "crs", message, zh="尚未声明坐标系；请先声明再保存")
    for name in frame.columns[frame.columns.duplicated()].unique():
        message = f"column '{name}' stands twice; give each its own name"
        yield Problem(where, "", "column", message, zh=f"字段“{name}”重复；请各用不同的名称")
    if not all(isinstance(name, str) for name in frame.columns):
        message = "a column's name is not a text; name it"
        yield Problem(where, "", "column", message, zh="有字段名不是文本；请命名")
    for feature in frame.index:
        if not isinstance(feature, str) or not _is_writable(feature):
            message = f"the id {feature!r} is not a text"
            yield Problem(where, ascii(feature), "id", message, zh=f"编号 {feature!r} 不是文本")
            return
    for feature in frame.index[frame.index.duplicated()].unique():
        message = "the id stands more than once; ids must be unique"
        yield Problem(where, feature, "id", message, zh="编号重复；每个要素的编号必须唯一")
    for feature, shape in zip(frame.index, frame.geometry, strict=True):
        if shape is not None and shape.geom_type not in _PLAIN | _MULTI_NAMES:
            message = f"a {shape.geom_type} is not stored; take it apart into points, lines, areas"
            zh = f"不保存 {shape.geom_type} 类型的图形；请拆分为点、线或面"
            yield Problem(where, feature, "geometry", message, zh=zh)


def _is_writable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _stored(series: pd.Series, where: str) -> tuple[str, list[object], list[Problem]]:
    """A column's kind, its values as JSON has them, and what cannot be stored."""
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _stored(series.astype(dtype.categories.dtype), where)
    missing = series.isna().to_numpy()
    if dtype.kind == "M":
        moments = series
        if isinstance(dtype, pd.DatetimeTZDtype):
            moments = series.dt.tz_convert("UTC").dt.tz_localize(None)
        texts: list[object] = np.datetime_as_string(moments.to_numpy()).tolist()
        return str(dtype), _without(texts, missing), []
    if isinstance(dtype, pd.StringDtype) or dtype.kind in "biu":
        return str(dtype), _without(series.tolist(), missing), []
    if dtype.kind == "f":
        return str(dtype), [_finite(value) for value in _without(series.tolist(), missing)], []
    if dtype.kind == "O" and isinstance(dtype, np.dtype):
        return _stored_objects(series, missing, where)
    message = f"column '{series.name}' holds {dtype}, which is not stored; leave it out"
    zh = f"字段“{series.name}”的类型 {dtype} 无法保存；请不要导入该字段"
    return "", [], [Problem(where, "", "column", message, zh=zh)]


def _stored_objects(
    series: pd.Series, missing: NDArray[np.bool_], where: str
) -> tuple[str, list[object], list[Problem]]:
    values = _without(series.tolist(), missing)
    if all(value is None or type(value) is date for value in values) and not missing.all():
        return _DATES, [str(value) if value is not None else None for value in values], []
    problems = []
    for feature, value in zip(series.index, values, strict=True):
        try:
            _ENCODER.encode(value)
        except (TypeError, ValueError, RecursionError):
            message = (
                f"column '{series.name}' is a {type(value).__name__} or holds a number that is"
                " not finite; texts, numbers and dates are stored; leave the column out"
            )
            zh = (
                f"字段“{series.name}”的值类型为 {type(value).__name__} 或含非有限数；"
                "只能保存文本、数值和日期；请不要导入该字段"
            )
            problems.append(Problem(where, str(feature), "value", message, zh=zh))
            break
    return "object", values, problems


def _without(values: list[object], missing: NDArray[np.bool_]) -> list[object]:
    return [None if gone else value for value, gone in zip(values, missing.tolist(), strict=True)]


def _finite(value: object) -> object:
    """Say infinity in a word: the column's kind tells it from a text."""
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _plain_number(value: object) -> object:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(type(value).__name__)


_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain_number
)


def _dtype(name: str) -> np.dtype[Any] | pd.api.extensions.ExtensionDtype:
    """The dtype of a name; "str" is what pandas makes of texts, which differs by its version."""
    dtype = pd.Series([""]).dtype if name == "str" else pd.api.types.pandas_dtype(name)
    if isinstance(dtype, pd.StringDtype | pd.DatetimeTZDtype) or dtype.kind in _KINDS:
        return dtype
    raise ValueError(name)


def _read(values: list[object], kind: str) -> NDArray[Any] | pd.api.extensions.ExtensionArray:
    if kind == _DATES:
        dates = [None if value is None else date.fromisoformat(str(value)) for value in values]
        return _objects(dates)
    dtype = _dtype(kind)
    if isinstance(dtype, pd.DatetimeTZDtype):
        moments = np.array(values, dtype=f"datetime64[{dtype.unit}]")
        return pd.Series(moments).dt.tz_localize("UTC").dt.tz_convert(dtype.tz).array
    if isinstance(dtype, np.dtype):
        if dtype.kind == "O":
            return _objects(values)
        if dtype.kind == "M":
            return np.array(values, dtype=dtype)
        return _objects(values).astype(dtype)
    array: pd.api.extensions.ExtensionArray = pd.Series(values, dtype=dtype).array
    return array


def _objects(values: Sequence[object]) -> NDArray[Any]:
    """An array of these very objects, lists among them."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _crs_text(crs: CRS) -> str:
    authority = crs.to_authority(min_confidence=100)
    if authority is not None and _CODE.fullmatch(code := ":".join(authority)):
        return code if CRS.from_user_input(code) == crs else str(crs.to_wkt())
    return str(crs.to_wkt())


def _crs(text: str) -> CRS:
    """Only a code or WKT: a text from elsewhere must not name files or addresses here."""
    return CRS.from_user_input(text) if _CODE.fullmatch(text) else CRS.from_wkt(text)


def _geometries(wkb: Sequence[bytes | None]) -> NDArray[Any]:
    if not all(one is None or is_plain(one) for one in wkb):
        raise BrokenContentError
    return shapely.from_wkb(_objects(wkb))  # type: ignore[no-any-return]
