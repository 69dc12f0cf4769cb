"""CSV and its kin: in which encoding, with which separator, and the table of text inside."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from layers.formats.encoding import UTF8, Cell, Settled, decoded, is_known, named, settle
from layers.formats.found import EncodingChoice
from layers.formats.refusal import refusal
from layers.formats.sheets import Sheet, sheet
from layers.limits import Limits

_UTF16 = "utf-16"
_MARKS = ((b"\xef\xbb\xbf", UTF8), (b"\xff\xfe", _UTF16), (b"\xfe\xff", _UTF16))
# No encoding but UTF-16 writes these bytes as a part of another letter.
_BYTES_OF_A_CELL = re.compile(rb"[^,;\t\r\n\"]+")
_MOST_WEIGHED = 20_000  # different cells, to tell the encoding
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_SEPARATORS = (",", ";", "\t")
_PEEK = 50  # rows, to tell the separator
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_LONGEST_CELL = 50_000_000  # letters: the outline of a province as WKT is a few millions


def settled(content: bytes) -> Settled:
    """The encoding of a text, or those among which the planner has to choose.

    A byte-order mark decides; else the cells do (see `encoding.settle`), and what is UTF-8 by its
    bytes and reads as text is taken for it.

    >>> settled("站点,公交站,张贵庄路".encode("gbk")).encoding
    'gb18030'
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return Settled(encoding)
    found = settle(set(islice(_telling(content), _MOST_WEIGHED)), UTF8)
    if found.encoding and _decoded(content, found.encoding) is None:  # not all is like the begin
        return settle(set(_telling(content)), UTF8)
    return found


def text_of(content: bytes, encoding: str, where: str) -> tuple[str, tuple[EncodingChoice, ...]]:
    """The text of a file in the encoding chosen, or, where none is, in its own.

    Where its own cannot be told, the encodings to choose from come with the text, which is then
    read in the first that can be. Raises InputError where the file is not written in it.
    """
    found = Settled(_known(encoding, where)) if encoding else settled(content)
    for name in [found.encoding] if found.encoding else [one.encoding for one in found.choices]:
        text = _decoded(content, name)
        if text is not None:
            return text.removeprefix("\ufeff"), found.choices
    said = encoding or "UTF-8, GB18030"
    raise refusal(
        where,
        "encoding",
        f"the file is not written in {said}; choose another encoding, or save as UTF-8",
        zh=f"文件不是 {said} 编码；请选择其他编码，或另存为 UTF-8",
    )


def table_of(text: str, name: str, where: str, limits: Limits) -> Sheet | None:
    """The table in a text whose cells are separated by commas, semicolons or tabs.

    Cells may be in quotation marks, and then hold separators and new lines. None where the text
    is empty. Raises InputError for a text that is no table.
    """
    if _CONTROL.search(text):
        raise refusal(
            where,
            "csv",
            "the file holds control characters and is no table of text; export it as CSV (UTF-8)",
            zh="文件含有控制字符，不是文本表格；请另存为 CSV（UTF-8）",
        )
    former = csv.field_size_limit(_LONGEST_CELL)
    try:
        return sheet(name, enumerate(_rows(text, _separator(text), where), start=1), where, limits)
    finally:
        csv.field_size_limit(former)


def _known(encoding: str, where: str) -> str:
    """The encoding that a name means."""
    name = encoding.lower()
    known = name if name == _UTF16 or is_known(name) else named(encoding)
    if not known:
        raise refusal(
            where,
            "encoding",
            f"unknown encoding '{encoding[:40]}'; known ones are UTF-8, GB18030, GBK, UTF-16, Big5",
            zh=f"未知编码“{encoding[:40]}”；可用 UTF-8、GB18030、GBK、UTF-16、Big5",
        )
    return known


def _telling(content: bytes) -> Iterator[Cell]:
    """The cells that tell the encoding: those with letters beyond ASCII."""
    for found in _BYTES_OF_A_CELL.finditer(content):
        if not found[0].isascii():
            yield Cell(found[0])


def _decoded(content: bytes, encoding: str) -> str | None:
    if "/" in encoding:  # each cell by its own
        texts, end = [], 0
        for found in _BYTES_OF_A_CELL.finditer(content):
            text = decoded(Cell(found[0]), encoding)
            if text is None:
                return None
            texts += [content[end : found.start()].decode("ascii"), text]
            end = found.end()
        return "".join([*texts, content[end:].decode("ascii")])
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _separator(text: str) -> str:
    """The separator that cuts most of the first rows into the same number of cells, above one."""
    best, most = _SEPARATORS[0], (0, 0)
    for separator in _SEPARATORS:
        rows = csv.reader(_lines(text), delimiter=separator)
        try:
            widths = [len(row) for row in islice(rows, _PEEK) if any(row)]
        except csv.Error:
            continue
        width, rows_alike = Counter(widths).most_common(1)[0] if widths else (1, 0)
        if width > 1 and (rows_alike, width) > most:
            best, most = separator, (rows_alike, width)
    return best


def _rows(text: str, separator: str, where: str) -> Iterator[Sequence[str]]:
    reader = csv.reader(_lines(text), delimiter=separator, strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise refusal(
            where,
            "csv",
            f"line {reader.line_num}: a quotation mark is not closed, or text follows a closing"
            " one; double the marks inside a text",
            zh=f"第 {reader.line_num} 行：引号未闭合，或闭合引号后还有文字；文字内的引号请写两遍",
        ) from error


def _lines(text: str) -> Iterator[str]:
    """The lines of a text with their ends, without a copy of the whole."""
    return (line[0] for line in _LINE.finditer(text))
