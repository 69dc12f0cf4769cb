"""The one use of GDAL for vector files: layers as columns of bytes, numbers and WKB."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyogrio
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError

from layers.formats.encoding import (
    UTF8,
    Cell,
    Settled,
    decoded,
    decoded_all,
    is_known,
    settle,
)
from layers.formats.found import Choice
from layers.formats.frames import (
    GEOMETRY,
    Rows,
    check_features,
    check_vertices,
    from_wkb,
    iso_date,
    rows,
    unique_name,
)
from layers.formats.reference import crs_name
from layers.formats.refusal import refusal
from layers.limits import Limits
from layers.problem import InputError, Problem

_BYTES = "ISO-8859-1"
"""Read so, each byte of a text becomes one letter, whatever the text is in."""
_MOST_BYTES_A_VERTEX = 32
_DAMAGE = (DataSourceError, DataLayerError, RuntimeError, ValueError, OverflowError)
_NAME_WIDTH = 10  # bytes of a field's name in a .dbf
_DATES = {"OFTDate", "OFTDateTime", "OFTTime"}


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer as it stands in the file; texts and names are bytes, one letter for each.

    `crs` is as GDAL gives it, a code or WKT. `widths` gives the bytes that a field can hold, for
    a table that cuts its texts and names; empty for any other. `dates` are places of fields, `lost`
    how many features are fewer than the file says.
    """

    name: str
    crs: str
    fields: tuple[str, ...]
    values: tuple[NDArray[Any], ...]
    dates: frozenset[int]
    binary: tuple[str, ...]
    wkb: NDArray[np.object_]
    lost: int = 0
    widths: tuple[int, ...] = ()


@contextmanager
def called(path: Path, name: str) -> Iterator[Path]:
    """Give the same file under a name of our own in an empty folder.

    A driver looks at the ending, and for files of similar names beside it.
    """
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / name
        try:
            os.link(path, own)
        except OSError:  # another disk, or one without links
            shutil.copyfile(path, own)
        yield own


def layer_names(path: Path, where: str) -> list[tuple[str, bool]]:
    """Name the layers of a file in its order, and whether each has geometry."""
    try:
        listed = pyogrio.list_layers(path)
    except _DAMAGE as error:
        raise damaged(where) from error
    return [(str(name), kind is not None) for name, kind in listed]


def read_layer(
    path: Path,
    index: int,
    where: str,
    limits: Limits,
    *,
    driver: str,
    encoding: str | None = _BYTES,
    **options: str,
) -> Layer:
    """Read the layer that stands at `index`; `options` are the driver's own.

    `encoding` is None where an option has made one letter of each byte already.

    Curves are drawn as lines; of coordinates with a measure (M) GDAL hands on the others. Raises
    InputError where the file is damaged, is not of the driver that its content showed, or has
    more features or vertices than the limits allow.
    """
    try:
        info = pyogrio.read_info(path, layer=index, encoding=encoding, **options)
        if info["driver"] != driver:
            raise damaged(where)
        name = str(info["layer_name"])
        announced = int(info["features"])  # -1 where only reading tells
        check_features(announced, name, where, limits)
        meta, _, wkb, values = pyogrio.raw.read(
            path,
            layer=index,
            encoding=encoding,
            # With a most of features, one that is damaged spoils all; without, it loses its shape.
            max_features=limits.features + 1 if announced < 0 else None,
            datetime_as_string=True,
            **options,
        )
    except _DAMAGE as error:
        raise damaged(where) from error
    count = len(values[0]) if values else 0 if wkb is None else len(wkb)
    check_features(count, name, where, limits)
    if wkb is None:
        wkb = np.full(count, None, dtype=object)
    size = sum(len(item) for item in wkb if item is not None)
    check_vertices(size // _MOST_BYTES_A_VERTEX, name, where, limits)
    kept = [at for at, kind in enumerate(meta["ogr_types"]) if kind != "OFTBinary"]
    names = [str(field) for field in meta["fields"]]
    return Layer(
        name=name,
        crs=str(meta["crs"] or ""),
        fields=tuple(names[at] for at in kept),
        values=tuple(values[at] for at in kept),
        dates=frozenset(i for i, at in enumerate(kept) if meta["ogr_types"][at] in _DATES),
        binary=tuple(name for at, name in enumerate(names) if at not in kept),
        wkb=wkb,
        lost=max(0, announced - count),
    )


def text_rows(
    layer: Layer,
    choice: Choice | None,
    where: str,
    limits: Limits,
    *,
    name: str = "",
    declared: str | None = None,
    crs: str | None = None,
) -> Rows:
    """Make rows of a layer whose texts are in the encoding that reads well, or the chosen one.

    `declared` is the encoding that the file names, empty where it names none; None says that the
    format knows UTF-8 only. To inspect, without a choice, texts that may be in several encodings
    are read in the first of them, and all are offered; to read them, one has to be chosen:
    InputError asks. A text that is not in the encoding is missing, with a Problem. `name` and
    `crs` stand in for the layer's own.
    """
    texts = [at for at, values in enumerate(layer.values) if _holds_text(values)]
    settled = settle(
        _cells(layer, texts), UTF8 if declared is None else declared, prescribed=declared is None
    )
    encoding = settled.encoding
    if choice is not None and choice.encoding:
        encoding = _known(choice.encoding, where)
    if choice is not None and not encoding:
        raise _question(settled, where)
    encoding = encoding or settled.choices[0].encoding
    columns: dict[str, Any] = {}
    problems: list[Problem] = []
    dates = set()
    for at, raw in enumerate(layer.values):
        column = _column_name(layer, at, encoding, [*columns, GEOMETRY])
        values = raw
        if at in texts:
            values, lost = _texts(layer, at, encoding)
            problems += [_lost_text(where, row, column, encoding) for row in lost]
        if at in layer.dates:
            dates.add(column)
            values = np.array([iso_date(v) if isinstance(v, str) else v for v in values], object)
        columns[column] = values
    geometry, damage = from_wkb(layer.wkb, where)
    named, unnamed = crs_name(layer.crs, where) if crs is None else (crs, None)
    made = rows(name or layer.name, columns, geometry, where, limits, crs=named, dates=dates)
    made = made.with_problems(
        [
            unnamed,
            _broken_off(where, layer.lost) if layer.lost else None,
            *(_left_out(where, field) for field in layer.binary),
            *damage,
            *problems,
        ]
    )
    return replace(made, encodings=settled.choices)


def damaged(where: str) -> InputError:
    """Say that a file cannot be read although its first bytes are right."""
    return refusal(
        where,
        "damaged",
        "the file is damaged or not complete; save or export it once more",
        zh="文件已损坏或不完整；请重新保存或导出",
    )


def _holds_text(values: NDArray[Any]) -> bool:
    return values.dtype == object and any(isinstance(value, str) for value in values)


def _bytes(text: str) -> bytes:
    """The bytes that letters stand for; what a driver has put in as a letter is spelt by number."""
    return text.encode(_BYTES, "backslashreplace")


def _cell(layer: Layer, at: int, text: str) -> Cell:
    raw = _bytes(text)
    return Cell(raw, cut=bool(layer.widths) and len(raw) >= layer.widths[at])


def _name_cell(layer: Layer, at: int) -> Cell:
    raw = _bytes(layer.fields[at])
    return Cell(raw, cut=bool(layer.widths) and len(raw) >= _NAME_WIDTH)


def _cells(layer: Layer, texts: Sequence[int]) -> set[Cell]:
    cells = {_name_cell(layer, at) for at in range(len(layer.fields))}
    for at in texts:
        different = [text for text in pd.unique(layer.values[at]) if isinstance(text, str)]
        cells |= {_cell(layer, at, text) for text in different if not text.isascii()}
    return cells


def _texts(layer: Layer, at: int, encoding: str) -> tuple[NDArray[np.object_], list[int]]:
    """Decode a column; also the rows (1, 2, …) whose text is not in the encoding."""
    codes, different = pd.factorize(layer.values[at])
    places = [i for i, text in enumerate(different) if not text.isascii()]
    texts = np.array([*different, None], dtype=object)  # what is missing has the code -1
    texts[places] = decoded_all([_cell(layer, at, different[i]) for i in places], encoding)
    lost = {i for i in places if texts[i] is None}
    return texts[codes], [row for row, code in enumerate(codes, start=1) if code in lost]


def _column_name(layer: Layer, at: int, encoding: str, taken: Sequence[str]) -> str:
    cell = _name_cell(layer, at)
    name = decoded(cell, encoding)
    if name is None:
        name = cell.raw.decode(encoding.split("/", maxsplit=1)[0], "replace")
    return unique_name(name, taken)


def _known(encoding: str, where: str) -> str:
    if not is_known(encoding):
        raise refusal(
            where,
            "encoding",
            f"unknown encoding '{encoding}'; choose one of those that are offered",
            zh=f"不认识的编码“{encoding}”；请从列出的编码中选择",
        )
    return encoding


def _question(settled: Settled, where: str) -> InputError:
    samples = ["、".join(choice.samples[:2]) for choice in settled.choices]
    shown = [f"{c.encoding} ({s})" for c, s in zip(settled.choices, samples, strict=True)]
    return refusal(
        where,
        "encoding",
        f"it does not say in which encoding its texts are, and they can be read as"
        f" {' or '.join(shown)}; choose one",
        zh=f"文件没有写明文字编码，可读作 {' 或 '.join(shown)}；请选择其一",
    )


def _lost_text(where: str, row: int, column: str, encoding: str) -> Problem:
    return Problem(
        where,
        str(row),
        "encoding",
        f"the text of '{column}' is not {encoding} and is left out; type it anew",
        zh=f"字段“{column}”的文字不是 {encoding} 编码，已略去；请重新填写",
    )


def _broken_off(where: str, lost: int) -> Problem:
    return Problem(
        where,
        "",
        "damaged",
        f"{lost:,} features that the file should have cannot be read; save it once more",
        zh=f"文件中有 {lost:,} 个要素无法读出；请重新保存",
    )


def _left_out(where: str, field: str) -> Problem:
    return Problem(
        where,
        "",
        "binary",
        f"the field '{field}' holds no text or number and is left out",
        zh=f"字段“{field}”不是文字或数字，已略去",
    )
