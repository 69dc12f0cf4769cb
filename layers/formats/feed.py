"""The tables of a GTFS feed, row by row out of its zip file."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

from layers.formats.archive import Member
from layers.formats.refusal import refusal
from layers.formats.zipped import open_zip
from layers.limits import Limits
from layers.problem import InputError, Problem

_LONGEST_CELL = 1_000_000


@dataclass(frozen=True, slots=True)
class Feed:
    """An open feed: its tables by name (`stops.txt`), wherever in the zip file they lie."""

    archive: ZipFile
    members: Mapping[str, Member]
    where: str
    limits: Limits

    def has(self, table: str) -> bool:
        """Tell whether the feed holds a table."""
        return table in self.members

    def place(self, table: str) -> str:
        """Where a message about a table's rows points to."""
        return f"{self.where} {table}"

    def rows(self, table: str, *columns: str) -> Iterator[tuple[int, tuple[str, ...]]]:
        """The rows of a table with their places (1, 2, …) and the cells of the columns named.

        A cell of a column that the table lacks is "". A feed is written in UTF-8. Raises
        InputError for another encoding, for text that is no CSV, and for more rows than vertices
        are allowed. A table that is not there has no rows.
        """
        if table not in self.members:
            return
        where = self.place(table)
        reader = None
        try:
            with self.archive.open(self.members[table].entry) as stream:
                lines = TextIOWrapper(stream, encoding="utf-8-sig", newline="")
                reader = csv.reader(lines)
                titles = [title.strip() for title in next(reader, [])]
                at = [titles.index(column) if column in titles else -1 for column in columns]
                for number, row in enumerate(reader, start=1):
                    if number > self.limits.vertices:
                        raise _too_many(where, self.limits.vertices)
                    if row:
                        cells = (row[i].strip() if 0 <= i < len(row) else "" for i in at)
                        yield number, tuple(cells)
        except UnicodeDecodeError as error:
            raise refusal(
                where,
                "encoding",
                "the table is not written in UTF-8, as GTFS prescribes; export the feed as UTF-8",
                zh="该表不是 GTFS 规定的 UTF-8 编码；请以 UTF-8 重新导出",
            ) from error
        except csv.Error as error:
            line = reader.line_num if reader else 1
            raise refusal(
                where,
                "csv",
                f"line {line} is no row of a table; export the feed once more",
                zh=f"第 {line} 行不是有效的表格行；请重新导出该数据",
            ) from error


@contextmanager
def open_feed(path: Path, where: str, limits: Limits) -> Iterator[Feed]:
    """Open a feed; raise InputError where the file is no zip file or holds no stops.txt."""
    with open_zip(path, where, limits) as zipped:
        members = _tables(zipped.members)
        if "stops.txt" not in members:
            raise refusal(
                where,
                "gtfs",
                "no stops.txt is in it, which every GTFS feed has; choose the feed's own zip file",
                zh="压缩包内没有 GTFS 必备的 stops.txt；请选择 GTFS 数据本身的 zip 文件",
            )
        former = csv.field_size_limit(_LONGEST_CELL)
        try:
            yield Feed(zipped.archive, members, where, limits)
        finally:
            csv.field_size_limit(former)


def _tables(members: Iterable[Member]) -> dict[str, Member]:
    """The tables beside the stops.txt that lies least deep."""
    paths = {PurePosixPath(member.name): member for member in members}
    stops = [path for path in paths if path.name == "stops.txt"]
    if not stops:
        return {}
    folder = min(stops, key=lambda path: (len(path.parts), str(path))).parent
    return {path.name: member for path, member in paths.items() if path.parent == folder}


def row_problem(where: str, number: int, rule: str, message: str, *, zh: str) -> Problem:
    """A problem of one row of a table."""
    return Problem(where, str(number), rule, message, zh=zh)


def _too_many(where: str, most: int) -> InputError:
    return refusal(
        where,
        "rows",
        f"more than {most:,} rows; cut the feed to the planning area",
        zh=f"超过 {most:,} 行；请将数据裁剪到规划范围",
    )
