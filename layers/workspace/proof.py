"""A workspace from elsewhere: read as a stranger's file, every part of it, before it is copied."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import shapely

from layers.limits import Limits
from layers.problem import InputError
from layers.workspace.content import BrokenContentError, kept
from layers.workspace.features import from_rows, kept_rows
from layers.workspace.file import WorkspaceFile
from layers.workspace.store import Workspace, check_version
from layers.workspace.versions import changes

MOST_MB = 2_000
_MOST_CHANGES = 1_000_000_000
_MB = 1_000_000


def stranger(path: Path, file_name: str) -> Workspace:
    """Open a file that may be anything, for reading only.

    Raises InputError where it is not a workspace, newer than this program, damaged or too large.
    """
    file = WorkspaceFile(path, file_name, mode="ro")
    size = path.stat().st_size if path.is_file() else 0
    if size > MOST_MB * _MB:
        raise _too_much(file, size / _MB, MOST_MB, "MB", "MB")
    return Workspace(replace(file, label=file.check()))


def prove(file: WorkspaceFile, limits: Limits) -> None:
    """Read everything in a copy of a stranger's file, as if to show it.

    It is checked again as well: SQLite does not look at CHECKs where it may only read.

    Raises InputError for what this program would not have written, or not in this amount.
    """
    file.check()
    with file.reading() as connection, file.understood():
        if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
            raise BrokenContentError
        _check_originals(connection, file, limits)
        _check_layers(connection, file, limits)
        history = changes(connection)
        if history and not 0 < history[0].n <= history[-1].n < _MOST_CHANGES:
            raise BrokenContentError
        for change in history:
            check_version(connection, change.n)


def _check_originals(connection: sqlite3.Connection, file: WorkspaceFile, limits: Limits) -> None:
    for sha256, size in connection.execute("SELECT sha256, size FROM content").fetchall():
        if size > limits.file_mb * _MB:
            raise _too_much(file, size / _MB, limits.file_mb, "MB in one file", "MB（单个文件）")
        found = 0
        for chunk in kept(connection, sha256):
            found += len(chunk)
            if found > size:
                raise BrokenContentError
        if found < size:
            raise BrokenContentError


def _check_layers(connection: sqlite3.Connection, file: WorkspaceFile, limits: Limits) -> None:
    stored = connection.execute(
        "SELECT collection.sha256, features, count(feature.n),"
        " total(length(wkb)) + total(length(properties))"
        " FROM collection LEFT JOIN feature ON feature.collection = collection.n"
        " GROUP BY collection.n"
    ).fetchall()
    for sha256, said, features, size in stored:
        if features > limits.features:
            raise _too_much(file, features, limits.features, "features in one layer", "个要素")
        if size > limits.unpacked_mb * _MB:
            raise _too_much(file, size / _MB, limits.unpacked_mb, "MB in one layer", "MB（单层）")
        if said != features:
            raise BrokenContentError
        frame = from_rows(kept_rows(connection, sha256))
        vertices = int(shapely.get_num_coordinates(frame.geometry.to_numpy()).sum())
        if vertices > limits.vertices:
            raise _too_much(file, vertices, limits.vertices, "vertices in one layer", "个节点")


def _too_much(
    file: WorkspaceFile, amount: float, most: float, unit: str, zh_unit: str
) -> InputError:
    message = f"it has {amount:,.0f} {unit}; {most:,.0f} are allowed"
    return file.problem("limit", message, f"含 {amount:,.0f} {zh_unit}，上限为 {most:,.0f}")
