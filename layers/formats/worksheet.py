"""The XML inside a workbook, read as a stream: relationships, texts, formats, cells."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import IO, NamedTuple
from xml.parsers import expat

from layers.formats.refusal import refusal

_CHUNK = 1 << 16
_LAST_ROW, _LAST_COLUMN = 1_048_576, 16_384  # of a sheet in Excel
_REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
_LETTERS = 26

Attributes = Mapping[str, str]


class Stored(NamedTuple):
    """A cell as it is stored: position (1 is A), type, style, text, and whether a formula's."""

    column: int
    kind: str
    style: int
    text: str
    is_formula: bool


def elements(
    stream: IO[bytes], wanted: frozenset[str], where: str
) -> Iterator[tuple[str, Attributes]]:
    """The wanted elements of an XML document, by their names without prefix, in their order."""
    found: list[tuple[str, Attributes]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        own = _own_name(name)
        if own in wanted:
            found.append((own, {_own_name(key): value for key, value in attributes.items()}))

    for _ in _parsed(stream, where, start=start):
        yield from found
        found.clear()


def texts(stream: IO[bytes], where: str) -> Iterator[str]:
    """The shared texts of a workbook in their order; how Japanese is pronounced is left out."""
    found: list[str] = []
    reading = _Text()

    def start(name: str, _: dict[str, str]) -> None:
        reading.start(_own_name(name))

    def end(name: str) -> None:
        own = _own_name(name)
        reading.end(own)
        if own == "si":
            found.append(reading.take())

    for _ in _parsed(stream, where, start=start, end=end, text=reading.add):
        yield from found
        found.clear()


def rows(stream: IO[bytes], where: str) -> Iterator[tuple[int, list[Stored]]]:
    """The rows of a sheet with their numbers, and in each the cells that are stored.

    A row and a cell without a reference follow the one before. Raises InputError for one beyond
    the last row or column that a sheet can have.
    """
    found: list[tuple[int, list[Stored]]] = []
    reading = _Rows(found, where)
    for _ in _parsed(stream, where, start=reading.start, end=reading.end, text=reading.text.add):
        yield from found
        found.clear()


class _Text:
    """Collects what stands in `v` and `t`."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.open = self.spoken = False

    def start(self, own: str) -> None:
        self.spoken = self.spoken or own == "rPh"
        self.open = own in {"v", "t"} and not self.spoken

    def end(self, own: str) -> None:
        self.open = False
        if own == "rPh":
            self.spoken = False

    def add(self, text: str) -> None:
        if self.open:
            self.parts.append(text)

    def take(self) -> str:
        text = "".join(self.parts)
        self.parts.clear()
        return text


class _Rows:
    """Builds rows from the events of a parser."""

    def __init__(self, found: list[tuple[int, list[Stored]]], where: str) -> None:
        self.found, self.where = found, where
        self.text = _Text()
        self.row = self.column = 0
        self.cells: list[Stored] = []
        self.cell: dict[str, str] | None = None
        self.is_formula = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        own = _own_name(name)
        if own == "c":
            self.cell, self.is_formula = attributes, False
            self.text.take()
        elif own == "f":
            self.is_formula = True
        elif own == "row":
            self.row, self.column, self.cells = self._row(attributes.get("r")), 0, []
        self.text.start(own if self.cell is not None else "")

    def end(self, name: str) -> None:
        own = _own_name(name)
        self.text.end(own)
        if own == "c" and self.cell is not None:
            self.column = self._column(self.cell.get("r"))
            kind, style = self.cell.get("t", "n"), int(self.cell.get("s", "0"))
            text = self.text.take()
            if text or self.is_formula:
                self.cells.append(Stored(self.column, kind, style, text, self.is_formula))
            self.cell = None
        elif own == "row":
            self.found.append((self.row, self.cells))

    def _row(self, reference: str | None) -> int:
        row = self.row + 1 if reference is None else int(reference)
        if not 0 < row <= _LAST_ROW:
            raise refusal(
                self.where,
                "rows",
                f"a row stands beyond {_LAST_ROW:,}, a sheet's last; save it once more as .xlsx",
                zh=f"有行超出工作表的最后一行 {_LAST_ROW:,}；请重新另存为 .xlsx",
            )
        return row

    def _column(self, reference: str | None) -> int:
        found = _REFERENCE.fullmatch(reference or "")
        column = _number(found[1]) if found else self.column + 1
        if column > _LAST_COLUMN or (reference and not found):
            raise refusal(
                self.where,
                "columns",
                "a cell stands beyond column XFD, the last of a sheet; save it once more as .xlsx",
                zh="有单元格超出工作表的最后一列 XFD；请重新另存为 .xlsx",
            )
        return column


def _number(letters: str) -> int:
    """The number of a column.

    >>> _number("A"), _number("AA"), _number("XFD")
    (1, 27, 16384)
    """
    number = 0
    for letter in letters.upper():
        number = number * _LETTERS + ord(letter) - ord("A") + 1
    return number


def _own_name(name: str) -> str:
    return name.rpartition(":")[2]


def _parsed(
    stream: IO[bytes],
    where: str,
    *,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Parse a document piece by piece; refuse a document type.

    There entities are declared, and a spreadsheet program writes none.
    """

    def refuse(*_: object) -> None:
        raise refusal(
            where,
            "entities",
            "its XML declares a document type, which no spreadsheet program writes; save it once"
            " more as .xlsx",
            zh="文件内的 XML 含有文档类型声明，表格软件不会这样写；请重新另存为 .xlsx",
        )

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    while chunk := stream.read(_CHUNK):
        parser.Parse(chunk)
        yield
    parser.Parse(b"", True)  # noqa: FBT003 - the end, by position only
    yield
