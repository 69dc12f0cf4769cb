"""CSV and XLSX: tables whose rows become features by the coordinates in their columns."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from layers.formats import frames
from layers.formats.cells import are_dates, column
from layers.formats.coordinates import Proposal, proposal
from layers.formats.delimited import table_of, text_of
from layers.formats.found import Choice, EncodingChoice, Part, Raw
from layers.formats.placing import placed
from layers.formats.refusal import refusal
from layers.formats.sheets import Sheet
from layers.formats.workbook import sheets
from layers.limits import Limits
from layers.problem import InputError
from layers.toml import unknown

_ZIP, _OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_MB = 1024 * 1024


class _Table(NamedTuple):
    """A table, and the encodings between which nothing but the planner can tell."""

    sheet: Sheet
    where: str
    encodings: tuple[EncodingChoice, ...] = ()


def inspect(path: Path, where: str, limits: Limits) -> tuple[Part, ...]:
    """Say which tables a CSV or XLSX file holds, and which columns look like coordinates.

    Contents decide which of the two it is. A workbook has one part for each sheet with data.
    Where several encodings fit, the part names them with samples, and is described as the first
    reads. `x` alone, with an empty `y`, is a column that holds both coordinates. Raises
    InputError where no table can be found.
    """
    parts = []
    for table in _tables(path, where, Choice(), limits):
        chosen = _proposal(table.sheet)
        part = _rows(table, chosen, limits).part()
        asked = {"kind": "table", "encodings": table.encodings}
        parts.append(
            part.model_copy(update={**asked, "x": chosen.x, "y": chosen.y, "wkt": chosen.wkt})
        )
    return tuple(parts)


def read(path: Path, where: str, choice: Choice, limits: Limits) -> Raw:
    """Read a table's rows: every column, and a point from `choice.x` and `choice.y`.

    `x` with an empty `y` is a column with both coordinates ("117.35,39.12"), `wkt` one with
    geometry as WKT or GeoJSON. Where none of the three is chosen, the columns that `inspect`
    proposes are taken, and where it proposes none the rows have no geometry. Degrees may be
    written 117°21′00″. Each row whose coordinates are missing or cannot be read keeps its values,
    has no geometry, and is named in a Problem.

    Columns are numbers where every cell is one; codes with leading noughts stay text, and so do
    dates. Raises InputError where the encoding must be chosen first, for a sheet or a column that
    is not there, and for more than the limits allow.
    """
    tables = list(_tables(path, where, choice, limits))
    at = frames.chosen([table.sheet.name for table in tables], choice.part, where)
    table = tables[at]
    if table.encodings:
        raise _encoding_needed(table.encodings, where)
    chosen = Proposal(choice.x, choice.y, choice.wkt)
    if chosen == Proposal():
        chosen = _proposal(table.sheet)
    _check_columns(table, chosen)
    return _rows(table, chosen, limits).raw()


def _tables(path: Path, where: str, choice: Choice, limits: Limits) -> Iterator[_Table]:
    """The tables of a file, at least one: of a workbook the one that the choice names, or all."""
    size = path.stat().st_size
    if size > limits.file_mb * _MB:
        raise refusal(
            where,
            "file_mb",
            f"the file has {size / _MB:,.1f} MB, at most {limits.file_mb:,} are read; split it, or"
            " raise [pack.limits].file_mb in layers.toml",
            zh=f"文件为 {size / _MB:,.1f} MB，上限 {limits.file_mb:,} MB；"
            "请拆分文件，或在 layers.toml 的 [pack.limits] 中调高 file_mb",
        )
    with path.open("rb") as file:
        begin = file.read(len(_ZIP))
    if begin == _OLD_OFFICE:
        raise refusal(
            where,
            "xls",
            "an old workbook (.xls), or one with a password; save it as .xlsx without a password",
            zh="这是旧版工作簿（.xls）或加密的工作簿；请去除密码并另存为 .xlsx",
        )
    count = 0
    if begin == _ZIP:
        for sheet in sheets(path, where, limits, only=choice.part):
            count += 1
            yield _Table(sheet, f"{where} [{sheet.name}]")
    else:
        count += 1
        yield _text_table(path, where, choice.encoding, limits)
    if not count:
        raise _empty(where) if not choice.part else _no_sheet(choice.part, where)


def _text_table(path: Path, where: str, encoding: str, limits: Limits) -> _Table:
    """The table of a text file in an encoding, or in the likeliest one."""
    text, encodings = text_of(path.read_bytes(), encoding, where)
    sheet = table_of(text, Path(where).stem, where, limits)
    if sheet is None:
        raise _empty(where)
    return _Table(sheet, where, encodings)


def _proposal(sheet: Sheet) -> Proposal:
    return proposal({name: sheet.cells(name) for name in sheet.columns})


def _rows(table: _Table, chosen: Proposal, limits: Limits) -> frames.Rows:
    sheet, where = table.sheet, table.where
    geometries, crs, problems = placed(sheet, chosen, where)
    columns = {name: column(sheet.cells(name)) for name in sheet.columns}
    dates = [name for name in sheet.columns if are_dates(sheet.cells(name))]
    rows = frames.rows(sheet.name, columns, geometries, where, limits, crs=crs, dates=dates)
    return replace(rows, problems=(*problems, *rows.problems))


def _check_columns(table: _Table, chosen: Proposal) -> None:
    columns = table.sheet.columns
    for name in (chosen.x, chosen.y, chosen.wkt):
        if name and name not in columns:
            raise refusal(
                table.where,
                "column",
                unknown("column", name, columns),
                zh=f"没有名为“{name}”的列；现有列：{'、'.join(columns)}",
            )
    if chosen.y and not chosen.x:
        raise refusal(
            table.where,
            "column",
            f"'{chosen.y}' is chosen for the north; choose a column for the east as well",
            zh=f"已选择“{chosen.y}”为北向坐标；请同时选择东向坐标列",
        )


def _encoding_needed(known: Sequence[EncodingChoice], where: str) -> InputError:
    said = "; ".join(f"{one.encoding}: {', '.join(one.samples[:3])}" for one in known)
    return refusal(
        where,
        "encoding",
        f"the file does not say in which encoding its texts are; choose the one that reads right"
        f" ({said})",
        zh=f"无法确定文件的文字编码；请选择显示正确的一种（{said}）",
    )


def _no_sheet(name: str, where: str) -> InputError:
    return refusal(
        where,
        "part",
        f"there is no sheet '{name}' with data",
        zh=f"没有名为“{name}”且含数据的工作表",
    )


def _empty(where: str) -> InputError:
    return refusal(
        where,
        "empty",
        "no table is in it; a header and rows of data are needed",
        zh="文件中没有表格；需要表头和数据行",
    )
