"""XLSX: each sheet as a table of text, as the spreadsheet program last stored it.

The XML is read as a stream by the parser of the standard library: several times faster than a
model of all cells, in one pass with the formulas, and no cell takes memory before it is looked at.
"""

import datetime as dt
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import IO, NamedTuple
from xml.parsers import expat

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

from layers.formats.refusal import refusal
from layers.formats.sheets import Sheet, sheet
from layers.formats.worksheet import Stored, elements, rows, texts
from layers.formats.zipped import Zipped, open_zip
from layers.limits import Limits

_PADDED = re.compile(r"0{2,}")  # the number format of a code: 301 shown as 0301
_BROKEN = (expat.ExpatError, KeyError, ValueError, IndexError, OverflowError)
_TRUE = ("1", "true")


@dataclass(frozen=True, slots=True)
class _Book:
    """What all sheets of a workbook share; styles by their numbers."""

    sheets: Mapping[str, str]  # paths by name
    texts: Sequence[str]
    dates: frozenset[int]
    widths: Mapping[int, int]  # of codes shown with leading noughts
    first_day: dt.datetime


class _Link(NamedTuple):
    id: str
    kind: str
    target: str


def sheets(path: Path, where: str, limits: Limits, only: str = "") -> Iterator[Sheet]:
    """The sheets of a workbook that hold data, or one of them by name.

    Numbers come as they are stored (a code shown with leading noughts keeps them), dates in ISO
    form, links to other files are not followed. A formula counts with the result that was stored;
    where none was, its cell is empty, and the sheet names it. Raises InputError for what is no
    workbook, for one with too much in it, and for one whose XML declares entities.
    """
    with _sound(where), open_zip(path, where, limits) as zipped:
        book = _book(zipped, where)
        for name in book.sheets:
            if only in {"", name}:
                found = _sheet(zipped, book, name, f"{where} [{name}]", limits)
                if found is not None:
                    yield found


@contextmanager
def _sound(where: str) -> Iterator[None]:
    """Say of a workbook whose parts do not fit that it is broken."""
    try:
        yield
    except _BROKEN as error:
        raise refusal(
            where,
            "xlsx",
            "it cannot be read as a workbook (.xlsx), or is damaged; save it once more as .xlsx",
            zh="无法按工作簿（.xlsx）读取，或文件已损坏；请重新另存为 .xlsx",
        ) from error


def _book(zipped: Zipped, where: str) -> _Book:
    package = _links(zipped, "", where)
    home = next((one.target for one in package if one.kind == "officeDocument"), "")
    links = _links(zipped, home, where)
    paths = {one.id: one.target for one in links if one.kind == "worksheet"}  # and not of charts
    names, first_day = {}, CALENDAR_WINDOWS_1900
    with _member(zipped, home) as stream:
        for element, attributes in elements(stream, frozenset({"sheet", "workbookPr"}), where):
            if element == "workbookPr":
                first_day = CALENDAR_MAC_1904 if attributes.get("date1904") in _TRUE else first_day
            elif attributes["id"] in paths:
                names[attributes["name"]] = paths[attributes["id"]]
    shared: list[str] = []
    formats: list[str] = []
    for link in links:
        if link.kind in {"sharedStrings", "styles"}:
            with _member(zipped, link.target) as stream:
                if link.kind == "styles":
                    formats += _formats(stream, where)
                else:
                    shared += texts(stream, where)
    dates = (
        number
        for number, code in enumerate(formats)
        if is_date_format(code) and not is_timedelta_format(code)
    )
    widths = {n: len(code) for n, code in enumerate(formats) if _PADDED.fullmatch(code)}
    return _Book(names, shared, frozenset(dates), widths, first_day)


def _links(zipped: Zipped, part: str, where: str) -> list[_Link]:
    """What a part of the package refers to inside it; links to other files are left out."""
    folder, name = posixpath.split(part)
    found = []
    with _member(zipped, posixpath.join(folder, "_rels", f"{name}.rels")) as stream:
        for _, attributes in elements(stream, frozenset({"Relationship"}), where):
            if attributes.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, attributes["Target"]))
                kind = attributes["Type"].rpartition("/")[2]
                found.append(_Link(attributes["Id"], kind, target.lstrip("/")))
    return found


def _member(zipped: Zipped, name: str) -> IO[bytes]:
    """Open a part of the package by name; raises KeyError where it is not there."""
    by_name = {member.name.lower(): member for member in zipped.members}
    return zipped.archive.open(by_name[name.lower()].entry)


def _formats(stream: IO[bytes], where: str) -> list[str]:
    """The number formats of a workbook's styles, in their order."""
    codes, numbers, is_cell = dict(BUILTIN_FORMATS), [], False
    wanted = frozenset({"numFmt", "cellStyleXfs", "cellXfs", "dxfs", "xf"})
    for element, attributes in elements(stream, wanted, where):
        if element == "numFmt":
            codes[int(attributes["numFmtId"])] = attributes["formatCode"]
        elif element == "xf" and is_cell:
            numbers.append(int(attributes.get("numFmtId", "0")))
        elif element != "xf":
            is_cell = element == "cellXfs"
    return [codes.get(number, "General") for number in numbers]


def _sheet(zipped: Zipped, book: _Book, name: str, where: str, limits: Limits) -> Sheet | None:
    unknown: dict[int, list[int]] = {}  # columns of formulas without a result, by row

    def lines(stream: IO[bytes]) -> Iterator[tuple[int, Sequence[str]]]:
        for line, cells in rows(stream, where):
            found = [""] * max((cell.column for cell in cells), default=0)
            for cell in cells:
                found[cell.column - 1] = _text(cell, book)
                if cell.is_formula and _has_no_result(cell):
                    unknown.setdefault(line, []).append(cell.column - 1)
            yield line, found

    with _member(zipped, book.sheets[name]) as stream:
        found = sheet(name, lines(stream), where, limits)
    if found is None:
        return None
    named = {
        row: found.named(unknown[line]) for row, line in enumerate(found.lines) if line in unknown
    }
    return replace(found, unknown=named)


def _has_no_result(cell: Stored) -> bool:
    """Tell a formula that was never calculated, or failed, from one whose result is no text."""
    return cell.kind == "e" or (not cell.text and cell.kind == "n")


def _text(cell: Stored, book: _Book) -> str:
    """A cell as text; an error such as #N/A is no value."""
    if not cell.text or cell.kind == "e":
        return ""
    if cell.kind == "s":
        return book.texts[int(cell.text)]
    if cell.kind == "b":
        return "TRUE" if cell.text in _TRUE else "FALSE"
    if cell.kind != "n":  # a text of its own, the text of a formula, or a date in ISO form
        return cell.text
    value = float(cell.text)
    if cell.style in book.dates:
        return _date(value, book)
    return _plain(value).zfill(book.widths.get(cell.style, 0))


def _date(value: float, book: _Book) -> str:
    """A day, a moment or a time of day, in ISO form; a number that is none stays a number."""
    try:
        moment = from_excel(value, book.first_day)
    except (OverflowError, ValueError):
        return _plain(value)
    if isinstance(moment, dt.datetime) and moment.time() == dt.time.min:
        return moment.date().isoformat()
    if isinstance(moment, dt.datetime | dt.time):
        return moment.isoformat(timespec="seconds")
    return _plain(value)


def _plain(value: float) -> str:
    """A number without an exponent, whole where it is whole.

    >>> _plain(117.35), _plain(3.0), _plain(1e-5)
    ('117.35', '3', '0.00001')
    """
    return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
