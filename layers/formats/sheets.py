"""A table of text: where its header stands, what its columns are called, which rows are data."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from layers.formats.frames import check_features, unique_name
from layers.formats.refusal import refusal
from layers.limits import Limits

MOST_CELLS = 6_000_000
"""Cells of a table that are kept in memory at once."""
MOST_COLUMNS = 2_000
_HEADER_WITHIN = 20  # rows; titles and notes above the header are few
_WIDE = 0.6  # of the widest row: a header names most columns, a title or a note does not
_DECIMAL = re.compile(r"[-+]?[0-9]*\.[0-9]+")
_NUMERIC = re.compile(r"(?!(?:19|20)[0-9]{2}$)[-+]?[0-9][0-9,.]*%?")  # a year may name a column
_KEPT = ("geometry", "row")  # what a frame has names of its own for


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows of text cells under a header.

    `positions` are those of the columns among the cells as they stood, the first is 0. `rows`
    holds the cells of each row of data, as many as there are columns, stripped, "" where empty;
    `lines` says where it stands, as a spreadsheet program counts rows. Empty rows are left out.
    `spilled` are the positions in `rows` of those with more cells than there are columns;
    `unknown` names the columns where a formula's result is not known, by such a position.
    """

    name: str
    columns: tuple[str, ...]
    positions: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    spilled: frozenset[int] = frozenset()
    unknown: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    def cells(self, column: str) -> list[str]:
        """All cells of a column."""
        at = self.columns.index(column)
        return [cells[at] for cells in self.rows]

    def named(self, positions: Iterable[int]) -> tuple[str, ...]:
        """Names of the columns at these positions among the cells as they stood."""
        names = dict(zip(self.positions, self.columns, strict=True))
        return tuple(names[position] for position in positions if position in names)


def sheet(
    name: str, lines: Iterable[tuple[int, Sequence[str]]], where: str, limits: Limits
) -> Sheet | None:
    """Make a sheet of rows of text and their numbers, None where there are no data.

    The header is the first row of the upper 20 with at least two texts (one, where the table has
    one column) that names most of the columns; what stands above it, such as a title over merged
    cells, is left out, and so are columns without a name and a cell. Doubled and empty names are
    numbered. Raises InputError where no row can be a header, and for more rows, columns or cells
    than can be held.
    """
    kept: list[tuple[int, list[str]]] = []
    cells = 0
    for line, row in lines:
        texts = [cell.strip() for cell in row]
        while texts and not texts[-1]:
            texts.pop()
        if not texts:
            continue
        kept.append((line, texts))
        cells += len(texts)
        check_features(len(kept) - 1, name, where, limits)
        _check_size(len(texts), cells, where)
    if not kept:
        return None
    at = _header_at([texts for _, texts in kept[:_HEADER_WITHIN]], where)
    titles, data = kept[at][1], kept[at + 1 :]
    if not data:
        return None
    width = len(titles)
    used = [
        n for n in range(width) if titles[n] or any(texts[n : n + 1] > [""] for _, texts in data)
    ]
    return Sheet(
        name,
        _named([(n, titles[n]) for n in used]),
        tuple(used),
        tuple(tuple(texts[n] if n < len(texts) else "" for n in used) for _, texts in data),
        tuple(line for line, _ in data),
        frozenset(row for row, (_, texts) in enumerate(data) if len(texts) > width),
    )


def _header_at(rows: Sequence[Sequence[str]], where: str) -> int:
    """Position of the header among the first rows."""
    filled = [[cell for cell in row if cell] for row in rows]
    texts = [sum(not _NUMERIC.fullmatch(cell) for cell in row) for row in filled]
    widest = max(map(len, filled))
    least = min(widest, 2)
    for at, row in enumerate(filled):
        if texts[at] >= least and len(row) >= _WIDE * widest and 2 * texts[at] > len(row):
            if any(_DECIMAL.fullmatch(cell) for cell in row):
                break  # the first row with texts is one of the data
            return at
    raise refusal(
        where,
        "header",
        "no row names the columns; the first row must hold their names (such as name, lon, lat)",
        zh="未找到表头；请在第一行写明各列名称（如“名称、经度、纬度”）",
    )


def _named(titles: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    """Names for columns, each once, from their positions and headings.

    >>> _named([(0, "名称"), (1, ""), (2, "名称"), (3, "geometry")])
    ('名称', 'column 2', '名称 (2)', 'geometry (2)')
    """
    names: list[str] = []
    for at, title in titles:
        wanted = " ".join(title.split()) or f"column {at + 1}"
        names.append(unique_name(wanted, [*_KEPT, *names]))
    return tuple(names)


def _check_size(columns: int, cells: int, where: str) -> None:
    if columns > MOST_COLUMNS:
        raise refusal(
            where,
            "columns",
            f"a row has {columns:,} cells, at most {MOST_COLUMNS:,} are read; see the separator",
            zh=f"某行有 {columns:,} 个单元格，上限为 {MOST_COLUMNS:,}；请检查分隔符",
        )
    if cells > MOST_CELLS:
        raise refusal(
            where,
            "cells",
            f"more than {MOST_CELLS:,} cells; leave out columns or rows that are not needed",
            zh=f"超过 {MOST_CELLS:,} 个单元格；请删去不需要的行或列",
        )
