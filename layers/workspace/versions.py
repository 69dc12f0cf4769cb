"""The table of versions: finding, reading and adding rows inside a transaction."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from layers.workspace.changes import Action, Change, Kind
from layers.workspace.content import BrokenContentError

_COLUMNS = "n, kind, item, action, state, replaced, target, time, author"
_CONTENTS = "payload, collection, log, original"


@dataclass(frozen=True, slots=True)
class Contents:
    """What an item is in one version: JSON, and the hashes of what is stored once."""

    payload: str
    collection: str | None = None
    log: str | None = None
    original: str | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """A change with what it made of the item; `contents` is None where the item is not there."""

    change: Change
    contents: Contents | None


def revision(connection: sqlite3.Connection) -> int:
    """Return the number of the last change, 0 where there is none."""
    return int(connection.execute("SELECT coalesce(max(n), 0) FROM version").fetchone()[0])


def changes(connection: sqlite3.Connection) -> tuple[Change, ...]:
    """List all changes in order."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM version ORDER BY n")  # noqa: S608  our names
    return tuple(_change(row) for row in rows)


def present(connection: sqlite3.Connection, kind: Kind) -> tuple[Version, ...]:
    """List the items of a kind as they are now, ordered by id."""
    rows = connection.execute(
        f"SELECT {_COLUMNS}, {_CONTENTS} FROM version"  # noqa: S608  our names
        " WHERE n IN (SELECT max(n) FROM version WHERE kind = ? GROUP BY item)"
        " AND state = 'present' ORDER BY item",
        (kind,),
    )
    return tuple(_version(row) for row in rows)


def latest(connection: sqlite3.Connection, kind: Kind, item: str) -> Version | None:
    """Find the last version of an item, which may say that it was removed."""
    row = connection.execute(
        f"SELECT {_COLUMNS}, {_CONTENTS} FROM version"  # noqa: S608  our names
        " WHERE kind = ? AND item = ? ORDER BY n DESC LIMIT 1",
        (kind, item),
    ).fetchone()
    return None if row is None else _version(row)


def numbered(connection: sqlite3.Connection, n: int) -> Version | None:
    """Find a version by its number."""
    row = connection.execute(
        f"SELECT {_COLUMNS}, {_CONTENTS} FROM version WHERE n = ?",  # noqa: S608  our names
        (n,),
    ).fetchone()
    return None if row is None else _version(row)


def add(
    connection: sqlite3.Connection,
    before: Version | None,
    *,
    kind: Kind,
    item: str,
    action: Action,
    author: str,
    contents: Contents | None,
    target: int | None = None,
) -> Change:
    """Add a version over the one before it; `contents` None says that the item is gone."""
    change = Change(
        n=revision(connection) + 1,
        kind=kind,
        item=item,
        action=action,
        state="absent" if contents is None else "present",
        replaced=None if before is None else before.change.n,
        target=target,
        time=datetime.now(UTC),
        author=author,
    )
    connection.execute(
        f"INSERT INTO version ({_COLUMNS}, {_CONTENTS})"  # noqa: S608  our names
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            change.n,
            change.kind,
            change.item,
            change.action,
            change.state,
            change.replaced,
            change.target,
            change.time.isoformat(),
            change.author,
            *(
                (None, None, None, None)
                if contents is None
                else (contents.payload, contents.collection, contents.log, contents.original)
            ),
        ),
    )
    return change


def drop(connection: sqlite3.Connection, *, keep: int) -> None:
    """Forget what the older versions held, all but the last `keep` of each item."""
    connection.execute(
        "UPDATE version SET state = 'dropped', payload = NULL, collection = NULL, log = NULL,"
        " original = NULL WHERE state = 'present' AND n NOT IN (SELECT n FROM (SELECT n,"
        " row_number() OVER (PARTITION BY kind, item ORDER BY n DESC) AS age FROM version)"
        " WHERE age <= ?)",
        (keep,),
    )
    connection.execute(
        "DELETE FROM collection WHERE sha256 NOT IN"
        " (SELECT collection FROM version WHERE collection IS NOT NULL)"
    )
    connection.execute(
        "DELETE FROM content WHERE sha256 NOT IN"
        " (SELECT log FROM version WHERE log IS NOT NULL UNION"
        " SELECT original FROM version WHERE original IS NOT NULL)"
    )


def _change(row: Sequence[object]) -> Change:
    n, kind, item, action, state, replaced, target, time, author = row
    try:
        moment = datetime.fromisoformat(str(time))
    except ValueError as error:
        raise BrokenContentError from error
    return Change(
        n=n,  # type: ignore[arg-type]  # the table's CHECKs are the types
        kind=kind,  # type: ignore[arg-type]
        item=item,  # type: ignore[arg-type]
        action=action,  # type: ignore[arg-type]
        state=state,  # type: ignore[arg-type]
        replaced=replaced,  # type: ignore[arg-type]
        target=target,  # type: ignore[arg-type]
        time=moment,
        author=str(author),
    )


def _version(row: Sequence[object]) -> Version:
    change = _change(row[:9])
    payload, collection, log, original = row[9:]
    if payload is None:
        return Version(change, None)
    return Version(change, Contents(payload, collection, log, original))  # type: ignore[arg-type]
