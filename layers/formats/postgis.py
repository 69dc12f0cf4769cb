"""Rows of a PostGIS table or query, only read; the address never leaves this module."""

import math
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from threading import Timer
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import psycopg
import shapely
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from pyproj import CRS
from pyproj.exceptions import CRSError

from layers.catalogue import Postgis
from layers.formats.found import Raw
from layers.limits import Limits
from layers.phrases import phrase
from layers.problem import InputError, PlanmapError, Problem
from layers.text import Text

_BATCH = 2_000
_GRACE_S = 1.0
"""What the server has, after the time is up, to say so itself before we hang up."""
_WHOLE_NUMBERS = {"int2", "int4", "int8"}
_NUMBERS = {"float4", "float8", "numeric"}
_SHAPES = {"geometry", "geography"}
_NO_ATTRIBUTES = _SHAPES | {"raster", "bytea"}
_ISO = {
    "date": "to_char({}, 'YYYY-MM-DD')",
    "timestamp": "to_char({}, 'YYYY-MM-DD\"T\"HH24:MI:SS')",
    "timestamptz": "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
}


_NOT_REACHED = {"unset", "no_address", "no_answer", "no_connection", "refused"}
"""Phrases for a database that nothing can be read from."""
_NOT_READ = {"slow", "broken", "busy", "no_right", "no_postgis"}
"""Phrases for rows that cannot be read now, though their entry may be right."""
_BY_STATE: Mapping[str, str] = {
    "08": "broken",
    "0A": "not_a_select",
    "22": "value",
    "22021": "not_utf8",
    "22P05": "not_utf8",
    "25001": "writes",
    "25006": "writes",
    "25P03": "slow",
    "3F": "no_table",
    "42501": "no_right",
    "42601": "not_a_select",
    "42703": "no_column",
    "42P01": "no_table",
    "53": "busy",
    "55P03": "slow",
    "57": "broken",
    "57014": "slow",
}
"""Phrases by SQLSTATE or its beginning; the longest that fits says it."""


class UnavailableError(PlanmapError):
    """Rows cannot be read now: one problem, which may be gone in a minute.

    `reached` says that the database has at least taken the connection.
    """

    def __init__(self, problem: Problem, *, reached: bool) -> None:
        self.problem = problem
        self.reached = reached
        super().__init__(str(problem))


def read_postgis(postgis: Postgis, *, key: str, limits: Limits, where: str) -> Raw:
    """Read the rows of a layer out of a database, as they stand there, in one read-only view of it.

    Numbers come as int and float, dates and times in ISO 8601 (UTC where they have a zone),
    whatever else as PostgreSQL writes it; so does `key`, the column with the ids, if it is a
    decimal. Further geometry columns and bytes are left out. `crs` is what `spatial_ref_sys` says
    of the SRID. The address, host and account are in no message.

    Raises UnavailableError where the database cannot be read now, InputError where the entry is
    wrong or the rows are more than the limits allow.
    """
    address = os.environ.get(postgis.connection, "").strip()
    if not address:
        raise _failure("unset", postgis, where)
    with _as_one_line(postgis, where, lost="no_connection"):
        connection = _connected(address, postgis)
    with (
        closing(connection),
        _as_one_line(postgis, where, lost="broken"),
        _hung_up(connection, postgis.timeout_s + _GRACE_S),
    ):
        return _read(connection, postgis, key, limits, where)


def _read(
    connection: psycopg.Connection, postgis: Postgis, key: str, limits: Limits, where: str
) -> Raw:
    schema = _postgis_schema(connection)
    if schema is None:
        raise _failure("no_postgis", postgis, where)
    types = _columns(connection, postgis, where)
    select, names = _select(postgis, types, key, schema, limits)
    rows, shapes = _fetched(connection, select, limits, where)
    crs = _crs(connection, schema, {srid for srid, _ in shapes if srid is not None}, where)
    frame, problems = _frame(names, rows, shapes, where)
    return Raw(frame, crs, tuple(problems))


def _problem(where: str, name: str, /, *, rule: str, **values: object) -> Problem:
    said = phrase("postgis", name, **values)
    return Problem(where, "", rule, said.en, zh=said.zh)


def _failure(
    name: str, postgis: Postgis, where: str, state: str = ""
) -> InputError | UnavailableError:
    said = phrase(
        "postgis",
        name,
        variable=postgis.connection,
        seconds=f"{postgis.timeout_s:g}",
        state=f"SQLSTATE {state}",
    )
    if name in _NOT_REACHED | _NOT_READ:
        problem = Problem(where, "", "database", said.en, zh=said.zh)
        return UnavailableError(problem, reached=name in _NOT_READ)
    return InputError([Problem(where, "", "query", said.en, zh=said.zh)])


@contextmanager
def _as_one_line(postgis: Postgis, where: str, *, lost: str) -> Iterator[None]:
    """Say what PostgreSQL answers in words of ours: its own name host, account and database.

    `lost` is the phrase for a connection that is not there.
    """
    started = time.monotonic()
    try:
        yield
    except psycopg.Error as error:
        name = _name_of(error) or lost
        if name == "broken" and time.monotonic() - started > postgis.timeout_s:
            name = "slow"  # it was we who hung up
        # Not from the error: a traceback would show it.
        raise _failure(name, postgis, where, error.sqlstate or "") from None
    except UnicodeError:  # a host's name that is none
        raise _failure(lost, postgis, where) from None


def _name_of(error: psycopg.Error) -> str:
    """Name of the phrase that says what went wrong; empty where the connection is not there."""
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return "no_answer"
    if error.sqlstate is not None:
        fitting = [state for state in _BY_STATE if error.sqlstate.startswith(state)]
        return _BY_STATE[max(fitting, key=len)] if fitting else "failed"
    if isinstance(error, psycopg.ProgrammingError):
        return "no_address"
    # libpq gives no SQLSTATE for a connection that was never made.
    refused = error.pgconn and (error.pgconn.needs_password or error.pgconn.used_password)
    return "refused" if refused else ""


def _connected(address: str, postgis: Postgis) -> psycopg.Connection:
    """Connect so that nothing can be written and nothing is waited for beyond the time given."""
    milliseconds = math.ceil(postgis.timeout_s * 1_000)
    settings = {
        "default_transaction_read_only": "on",
        "statement_timeout": milliseconds,
        "lock_timeout": milliseconds,
        "idle_in_transaction_session_timeout": milliseconds,
    }
    own = conninfo_to_dict(address).get("options") or ""
    ours = " ".join(f"-c {name}={value}" for name, value in settings.items())
    connection = psycopg.connect(
        address,
        options=f"{own} {ours}".strip(),
        connect_timeout=math.ceil(postgis.timeout_s),
        client_encoding="utf8",
        fallback_application_name="planmap",
        prepare_threshold=None,
    )
    connection.read_only = True
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return connection


@contextmanager
def _hung_up(connection: psycopg.Connection, seconds: float) -> Iterator[None]:
    """Hang up after some seconds: a server that is frozen keeps no time limit of its own."""
    timer = Timer(seconds, _hang_up, [connection.fileno()])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # before the connection is closed and its number given to another


def _hang_up(file_number: int) -> None:
    with suppress(OSError):  # the other side was quicker
        line = socket.socket(fileno=file_number)
        try:
            line.shutdown(socket.SHUT_RDWR)
        finally:
            line.detach()  # libpq closes it


def _postgis_schema(connection: psycopg.Connection) -> str | None:
    query = (
        "SELECT n.nspname::text FROM pg_catalog.pg_extension AS e"
        " JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'postgis'"
    )
    row = connection.execute(query).fetchone()
    return None if row is None else str(row[0])


def _rows_of(postgis: Postgis) -> sql.Composable:
    """The table or query as what stands between brackets; nothing in a table's name is SQL."""
    if postgis.table:
        return sql.SQL("SELECT * FROM {}").format(sql.Identifier(*postgis.table.split(".")))
    # A final semicolon is habit; any other is refused by the server, which takes one statement.
    return sql.SQL(postgis.query.strip().removesuffix(";"))


def _columns(connection: psycopg.Connection, postgis: Postgis, where: str) -> Mapping[str, str]:
    """Columns of the rows with the names of their types; the geometry is among them."""
    query = sql.SQL("SELECT * FROM (\n{}\n) AS planmap_rows").format(_rows_of(postgis))
    # A named cursor is described without being run, and is sent as one statement or refused.
    with connection.cursor(name="planmap_columns") as cursor:
        cursor.execute(query)
        columns = [(column.name, column.type_code) for column in cursor.description or ()]
    named = "SELECT oid::int8, typname::text FROM pg_catalog.pg_type WHERE oid = ANY(%s)"
    types: dict[int, str] = dict(connection.execute(named, [[oid for _, oid in columns]]))
    names = [name for name, _ in columns]
    problems = [
        _problem(where, "column_twice", rule="column", column=name)
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    found = {name: types[oid] for name, oid in columns}
    kind = found.get(postgis.geometry)
    if kind is None:
        known = Text(zh="、".join(names), en=", ".join(names))
        values = {"column": postgis.geometry, "known": known}
        problems.append(_problem(f"{where}.geometry", "no_geometry", rule="column", **values))
    elif kind not in _SHAPES:
        values = {"column": postgis.geometry, "kind": kind}
        problems.append(_problem(f"{where}.geometry", "not_geometry", rule="column", **values))
    if problems:
        raise InputError(problems)
    return found


def _select(
    postgis: Postgis, types: Mapping[str, str], key: str, schema: str, limits: Limits
) -> tuple[sql.Composed, list[str]]:
    """The statement that fetches the rows, and the names of its columns after the first three.

    The first three are the geometry's SRID, its number of vertices and its WKB. That is left out
    where it alone would exceed the limit, and where it holds curves, which cannot be read.
    """
    shape = sql.SQL("planmap_rows.{}::{}").format(
        sql.Identifier(postgis.geometry), sql.Identifier(schema, "geometry")
    )

    def asked(function: str, of: sql.Composable) -> sql.Composed:
        return sql.SQL("{}({})").format(sql.Identifier(schema, function), of)

    names = [
        name
        for name, kind in types.items()
        if kind not in _NO_ATTRIBUTES and name not in {postgis.geometry, "geometry"}
    ]
    count = asked("st_npoints", shape)
    parts: list[sql.Composable] = [
        asked("st_srid", shape),
        count,
        sql.SQL("CASE WHEN {} <= {} AND NOT {} THEN {} END").format(
            count,
            sql.Literal(limits.vertices),
            asked("st_hasarc", shape),
            asked("st_asbinary", asked("st_force2d", shape)),
        ),
        *(
            sql.SQL(_expression(types[name], is_key=name == key)).format(
                sql.SQL("planmap_rows.{}").format(sql.Identifier(name))
            )
            for name in names
        ),
    ]
    select = sql.SQL("SELECT {} FROM (\n{}\n) AS planmap_rows LIMIT {}").format(
        sql.SQL(", ").join(parts), _rows_of(postgis), sql.Literal(limits.features + 1)
    )
    return select, names


def _expression(kind: str, *, is_key: bool) -> str:
    """How a column of a type is asked for.

    >>> _expression("numeric", is_key=False), _expression("numeric", is_key=True)
    ('{}::float8', '{}::text')
    """
    if kind in _WHOLE_NUMBERS:
        return "{}"
    if kind in _NUMBERS and not is_key:  # the id 12 must not become 12.0
        return "{}::float8"
    return _ISO.get(kind, "{}::text")


_Shape = tuple[int | None, bytes | None]


def _fetched(
    connection: psycopg.Connection, select: sql.Composed, limits: Limits, where: str
) -> tuple[list[Sequence[Any]], list[_Shape]]:
    """Fetch the attributes and the geometries (SRID and WKB), and stop where they are too many."""
    rows: list[Sequence[Any]] = []
    shapes: list[_Shape] = []
    vertices = 0
    with connection.cursor(name="planmap_rows") as cursor:
        cursor.execute(select)
        while batch := cursor.fetchmany(_BATCH):
            rows += [row[3:] for row in batch]
            shapes += [(row[0], row[2]) for row in batch]
            vertices += sum(row[1] or 0 for row in batch)
            for found, key, most in (
                (len(rows), "features", limits.features),
                (vertices, "vertices", limits.vertices),
            ):
                if found > most:
                    raise InputError(
                        [_problem(where, f"many_{key}", rule="limit", most=f"{most:,}")]
                    )
    return rows, shapes


def _crs(connection: psycopg.Connection, schema: str, srids: set[int], where: str) -> str:
    """Name the CRS of the rows: `EPSG:4490`, or WKT where the SRID is the database's own."""
    if not srids:
        return ""
    if len(srids) > 1:
        listed = ", ".join(str(srid) for srid in sorted(srids))
        raise InputError([_problem(where, "many_srids", rule="crs", srids=listed)])
    (srid,) = srids
    if srid == 0:
        raise InputError([_problem(where, "no_srid", rule="crs")])
    query = sql.SQL("SELECT auth_name, auth_srid, srtext FROM {} WHERE srid = %s").format(
        sql.Identifier(schema, "spatial_ref_sys")
    )
    name, number, wkt = connection.execute(query, [srid]).fetchone() or (None, None, None)
    for text in (f"{name}:{number}", wkt):
        with suppress(CRSError):
            CRS.from_user_input(text or "")
            return str(text)
    raise InputError([_problem(where, "unknown_srid", rule="crs", srid=srid)])


def _frame(
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    shapes: Sequence[_Shape],
    where: str,
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Rows as a frame without CRS, and those whose geometry cannot be built."""
    index = pd.RangeIndex(1, len(rows) + 1, name="row")
    geometry = shapely.from_wkb(
        np.array([wkb for _, wkb in shapes], dtype=object), on_invalid="ignore"
    )
    columns = {
        name: pd.Series([_value(row[place]) for row in rows], index=index, dtype=object)
        for place, name in enumerate(names)
    }
    frame = gpd.GeoDataFrame(columns, geometry=geometry, index=index)
    problems = [
        replace(_problem(where, "unreadable", rule="geometry"), feature=str(row))
        for row, (srid, _), shape in zip(index, shapes, geometry, strict=True)
        if srid is not None and shape is None
    ]
    return frame, problems


def _value(value: object) -> object:
    """A cell as plain Python; "not a number" is a missing one."""
    return None if isinstance(value, float) and math.isnan(value) else value
