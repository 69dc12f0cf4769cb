"""The one SQLite file of a workspace: its tables, its locks, and what can go wrong with it.

The journal is a rollback journal that is deleted after each save (`DELETE`, `EXTRA`), not a
write-ahead log: between saves the workspace is one file, which may be copied as it is. Every
operation has a connection of its own, so nothing stays open or locked between two of them.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Literal
from urllib.parse import quote

from pydantic import ValidationError

from layers.problem import InputError, Problem
from layers.workspace.content import BrokenContentError
from layers.workspace.placing import placed

APPLICATION_ID = 0x504C4E4D  # "PLNM", in the file's header
SCHEMA_VERSION = 1
PATIENCE_S = 10.0
"""How long to wait for another writer: a save of a large layer takes a few seconds."""
CACHE_KIB = 65_536
"""Enough for a large layer: what fits is written at the end, and readers go on until then."""

SCHEMA = (
    """CREATE TABLE about (
  key TEXT PRIMARY KEY NOT NULL CHECK (typeof(key) = 'text'),
  value TEXT NOT NULL CHECK (typeof(value) = 'text')
)""",
    """CREATE TABLE content (
  sha256 TEXT PRIMARY KEY NOT NULL CHECK (typeof(sha256) = 'text' AND length(sha256) = 64),
  size INTEGER NOT NULL CHECK (typeof(size) = 'integer' AND size >= 0)
)""",
    """CREATE TABLE chunk (
  content TEXT NOT NULL REFERENCES content (sha256) ON DELETE CASCADE,
  n INTEGER NOT NULL CHECK (typeof(n) = 'integer'),
  packed INTEGER NOT NULL CHECK (packed IN (0, 1)),
  bytes BLOB NOT NULL CHECK (typeof(bytes) = 'blob'),
  PRIMARY KEY (content, n)
)""",
    """CREATE TABLE collection (
  n INTEGER PRIMARY KEY,
  sha256 TEXT UNIQUE NOT NULL CHECK (typeof(sha256) = 'text' AND length(sha256) = 64),
  head TEXT NOT NULL CHECK (typeof(head) = 'text'),
  features INTEGER NOT NULL CHECK (typeof(features) = 'integer' AND features >= 0)
)""",
    """CREATE TABLE feature (
  n INTEGER PRIMARY KEY,
  collection INTEGER NOT NULL REFERENCES collection (n) ON DELETE CASCADE,
  id TEXT NOT NULL CHECK (typeof(id) = 'text'),
  wkb BLOB CHECK (wkb IS NULL OR typeof(wkb) = 'blob'),
  properties TEXT NOT NULL CHECK (typeof(properties) = 'text')
)""",
    "CREATE INDEX feature_collection ON feature (collection)",
    """CREATE TABLE version (
  n INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('layer', 'setting')),
  item TEXT NOT NULL CHECK (typeof(item) = 'text'),
  action TEXT NOT NULL CHECK (action IN ('saved', 'removed', 'undone', 'redone')),
  state TEXT NOT NULL CHECK (state IN ('present', 'absent', 'dropped')),
  replaced INTEGER CHECK (replaced IS NULL OR typeof(replaced) = 'integer'),
  target INTEGER CHECK (target IS NULL OR typeof(target) = 'integer'),
  time TEXT NOT NULL CHECK (typeof(time) = 'text'),
  author TEXT NOT NULL CHECK (typeof(author) = 'text'),
  payload TEXT CHECK ((state = 'present') = (typeof(payload) = 'text')),
  collection TEXT REFERENCES collection (sha256),
  log TEXT REFERENCES content (sha256),
  original TEXT REFERENCES content (sha256)
)""",
    "CREATE INDEX version_item ON version (kind, item, n)",
)
"""`version` is only ever added to; what several versions share is stored once, by its hash."""

_SAID = {
    sqlite3.SQLITE_BUSY: (
        "busy",
        "another program is writing to it and has not finished; nothing was changed; try again",
        "另一个程序正在写入，尚未完成；未作任何更改；请稍后重试",
    ),
    sqlite3.SQLITE_FULL: (
        "full",
        (
            "the disk is full; nothing was changed and what was saved before is unharmed; free some"
            " space and save again"
        ),
        "磁盘已满；未作任何更改，此前保存的内容完好；请腾出空间后再保存",
    ),
    sqlite3.SQLITE_READONLY: (
        "readonly",
        (
            "it may be read but not written to; nothing was changed; allow writing, or export a"
            " copy and work on that"
        ),
        "只能读取，不能写入；未作任何更改；请允许写入，或导出一份副本再使用",
    ),
    sqlite3.SQLITE_IOERR: (
        "disk",
        (
            "the disk reports an error; nothing was changed and what was saved before is unharmed;"
            " look at the disk and try again"
        ),
        "磁盘读写出错；未作任何更改，此前保存的内容完好；请检查磁盘后重试",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "open",
        "it cannot be opened; see that the file and its folder are there and may be read",
        "无法打开；请确认文件及其所在文件夹存在且可以读取",
    ),
    sqlite3.SQLITE_CORRUPT: (
        "damaged",
        "the file is damaged and was left as it is; use an exported copy of it",
        "文件已损坏，未作改动；请使用此前导出的副本",
    ),
    sqlite3.SQLITE_NOTADB: (
        "format",
        "it is not a workspace; choose a file that was exported as one (.planmap)",
        "不是工作区文件；请选择由本程序导出的工作区文件（.planmap）",
    ),
}
_SAME = {
    sqlite3.SQLITE_LOCKED: sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_PERM: sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_AUTH: sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL: sqlite3.SQLITE_BUSY,
}
_PRIMARY = 0xFF  # the low byte of SQLite's extended codes says what kind of error it is


@dataclass(frozen=True, slots=True)
class WorkspaceFile:
    """A workspace's file, the name it has for people, and how long to wait for other writers."""

    path: Path
    label: str
    patience_s: float = PATIENCE_S
    mode: Literal["ro", "rw"] = "rw"

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that sees one state of the file throughout."""
        with self.connected() as connection:
            connection.execute("BEGIN")
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give a connection whose changes are on the disk at the end, all of them or none."""
        with self.connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    @contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        """Give a bare connection; what is not committed when it closes has never happened.

        Raises InputError for a disk that is full, a file that is locked, damaged or not there.
        """
        try:
            with closing(
                sqlite3.connect(
                    uri(self.path, self.mode),
                    uri=True,
                    timeout=self.patience_s,
                    isolation_level=None,
                )
            ) as connection:
                for setting in (
                    "trusted_schema = OFF",  # a file from elsewhere runs nothing of its own
                    "cell_size_check = ON",
                    "mmap_size = 0",
                    "foreign_keys = ON",
                    "synchronous = EXTRA",
                    f"cache_size = -{CACHE_KIB}",
                ):
                    connection.execute(f"PRAGMA {setting}")
                yield connection
        except sqlite3.Error as error:
            said = _SAID.get(_code(error))
            if said is None:
                raise
            raise self.problem(*said) from error

    @contextmanager
    def understood(self) -> Iterator[None]:
        """Say in one line that what was read is not what this program writes."""
        try:
            yield
        except (BrokenContentError, RecursionError, ValidationError, json.JSONDecodeError) as error:
            message = (
                "something in it is damaged or was written by another version of this program; it"
                " was left as it is; use that version, or an exported copy"
            )
            zh = (
                "部分内容已损坏，或由其他版本的程序写入；未作改动；请使用该版本程序或此前导出的副本"
            )
            raise self.problem("contents", message, zh) from error

    def create(self) -> None:
        """Make the file with its empty tables; the label becomes its title.

        Raises InputError where there is such a file already, or it cannot be made.
        """
        with (
            placed(self.path, self.label) as part,
            replace(self, path=part).connected() as connection,
        ):
            connection.execute("PRAGMA auto_vacuum = FULL")  # what is dropped frees the disk
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            for statement in SCHEMA:
                connection.execute(statement)
            connection.execute("INSERT INTO about VALUES ('title', ?)", (self.label,))
            connection.execute("COMMIT")

    def check(self) -> str:
        """Check the file, taking back what an interrupted save left half done; return its title.

        Raises InputError where it is not a workspace, newer than this program, or damaged.
        """
        with self.reading() as connection:
            self._check(connection)
            title = _title(connection)
        if self.mode == "rw":
            with self.connected() as connection:  # another program may have set another
                connection.execute("PRAGMA journal_mode = DELETE")
        if title is None:
            raise self.problem(*_SAID[sqlite3.SQLITE_NOTADB])
        return title

    def title(self) -> str:
        """Read the title without checking the file; the label where it cannot be read."""
        try:
            with self.reading() as connection:
                return _title(connection) or self.label
        except (InputError, sqlite3.Error):
            return self.label

    def copy_to(
        self,
        target: "WorkspaceFile",
        *,
        title: str | None = None,
        prove: "Callable[[WorkspaceFile], None] | None" = None,
    ) -> None:
        """Write a copy to a new file, in one piece even while others save.

        The copy gets its name only when `prove`, which may raise, has seen it.

        Raises InputError where there is a file of that name, or no room for it.
        """
        with placed(target.path, target.label) as part:
            with self.reading() as source, replace(target, path=part).connected() as copy:
                source.execute("SELECT count(*) FROM about").fetchone()  # it stands still now
                source.backup(copy)
                if title is not None:
                    copy.execute("UPDATE about SET value = ? WHERE key = 'title'", (title,))
            if prove is not None:
                prove(replace(self, path=part, mode="rw"))

    def problem(self, rule: str, message: str, zh: str) -> InputError:
        """Say what is wrong with this workspace, as an error to raise."""
        return InputError([Problem(self.label, "", rule, message, zh=zh)])

    def _check(self, connection: sqlite3.Connection) -> None:
        """Refuse a file that is not a workspace, is newer than this program, or is damaged."""
        if self._number(connection, "application_id") != APPLICATION_ID:
            raise self.problem(*_SAID[sqlite3.SQLITE_NOTADB])
        found = self._number(connection, "user_version")
        if found > SCHEMA_VERSION:
            message = (
                f"it was saved by a newer version of this program (format {found}, this one reads"
                f" up to {SCHEMA_VERSION}); open it with the newer version"
            )
            zh = (
                f"由更新版本的程序保存（格式 {found}，本程序最高支持 {SCHEMA_VERSION}）；"
                "请用新版本打开"
            )
            raise self.problem("version", message, zh)
        if found != SCHEMA_VERSION or _tables(connection) != _expected():
            raise self.problem(*_SAID[sqlite3.SQLITE_NOTADB])
        if connection.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
            raise self.problem(*_SAID[sqlite3.SQLITE_CORRUPT])

    @staticmethod
    def _number(connection: sqlite3.Connection, pragma: str) -> int:
        return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def _code(error: sqlite3.Error) -> int:
    """What kind of error it is; a text in the file that is not UTF-8 has no code of its own."""
    bare = isinstance(error, sqlite3.OperationalError)
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT if bare else 0)
    return _SAME.get(code & _PRIMARY, code & _PRIMARY)


def uri(path: PurePath, mode: str) -> str:
    r"""Name a file for SQLite, which never makes one unasked: "ro" reads, "rw" writes.

    A relative path stays one: after `file://` it would begin at the root of the disk.

    >>> from pathlib import PurePosixPath, PureWindowsPath
    >>> uri(PurePosixPath("/home/a b/方案.planmap"), "rw")
    'file:///home/a%20b/%E6%96%B9%E6%A1%88.planmap?mode=rw'
    >>> uri(PureWindowsPath(r"C:\Users\a#1.planmap"), "ro")
    'file:///C:/Users/a%231.planmap?mode=ro'
    >>> uri(PureWindowsPath(r"\\server\share\a.planmap"), "ro")
    'file:////server/share/a.planmap?mode=ro'
    >>> uri(PurePosixPath("rel/a.planmap"), "rw")
    'file:rel/a.planmap?mode=rw'
    """
    posix = path.as_posix()
    root = "//" if posix.startswith("/") else "///" if path.is_absolute() else ""
    return f"file:{root}{quote(posix, safe='/:')}?mode={mode}"


def _title(connection: sqlite3.Connection) -> str | None:
    row = connection.execute("SELECT value FROM about WHERE key = 'title'").fetchone()
    return None if row is None else str(row[0])


def _tables(connection: sqlite3.Connection) -> list[tuple[str, str, str, str | None]]:
    return connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
    ).fetchall()


def _expected() -> list[tuple[str, str, str, str | None]]:
    """Everything that a workspace's file may define; a trigger or a view more is a refusal."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in SCHEMA:
            connection.execute(statement)
        return _tables(connection)
