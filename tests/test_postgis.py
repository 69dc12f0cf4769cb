"""Layers out of a PostGIS database: a real one, private to these tests."""

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from shapely import Point
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner, Result

from layers import InputError, Pack, load_pack
from layers.catalogue import Postgis
from layers.datum import wgs84_to_gcj02
from layers.formats.keyed import contents_hash, keyed
from layers.formats.postgis import UnavailableError, read_postgis
from layers.limits import Limits
from run import POSTGIS_PACKAGE, find_postgis
from spatial import Plan, open_pack
from spatial.__main__ import app
from tests.conftest import TO_DEGREES
from tests.postgres import OWNER, READER, Postgres, serve_postgres
from views import session

Edit = Callable[[str, str, str], None]
Lines = Callable[[], list[str]]
Stand = Callable[..., Path]

REPOSITORY = Path(__file__).resolve().parents[1]
VARIABLE = "PLANMAP_PG_BUREAU"
WHERE = "layers.toml [bus_stops].postgis"

pytestmark = pytest.mark.skipif(
    find_postgis() is None,
    reason=f"no PostgreSQL with PostGIS; on Debian: apt install {POSTGIS_PACKAGE}",
)

TABLES = """
CREATE EXTENSION postgis;
CREATE SCHEMA planning;
CREATE TABLE planning.metres (id text PRIMARY KEY, name text, shelters numeric(6, 1),
    geom geometry(Point, 4548));
INSERT INTO planning.metres VALUES
    ('S2', '东站', 2, ST_SetSRID(ST_MakePoint(531500, 4331000), 4548)),
    ('S1', '西站', 1, ST_SetSRID(ST_MakePoint(530500, 4331000), 4548));
CREATE TABLE planning.degrees AS
    SELECT id, name, shelters, ST_Transform(geom, 4490) AS geom FROM planning.metres;
CREATE VIEW planning.a_view AS SELECT * FROM planning.degrees;
CREATE TABLE planning.round AS
    SELECT id, name, shelters, ST_Transform(geom, 4326)::geography AS geom FROM planning.metres;
CREATE TABLE planning.tall AS
    SELECT id, name, shelters, ST_Force3DZ(geom, 42) AS geom FROM planning.metres;
CREATE TABLE planning."规划站点" AS SELECT * FROM planning.metres;
CREATE TABLE planning.undeclared AS
    SELECT id, shelters, ST_SetSRID(geom, 0) AS geom FROM planning.metres;
CREATE TABLE planning.mixed AS
    SELECT id, shelters, CASE WHEN id = 'S1' THEN geom ELSE ST_Transform(geom, 4490) END AS geom
    FROM planning.metres;
CREATE TABLE planning.hidden AS SELECT * FROM planning.metres;
CREATE TABLE "odd""; DROP TABLE hidden; --" AS SELECT * FROM planning.metres;
CREATE SEQUENCE planning.numbers;
CREATE FUNCTION planning.spoil() RETURNS integer LANGUAGE sql VOLATILE AS
    $$ DELETE FROM planning.metres RETURNING 1 $$;
"""
RIGHTS = """
GRANT USAGE ON SCHEMA planning TO reader;
GRANT SELECT ON ALL TABLES IN SCHEMA planning, public TO reader;
REVOKE ALL ON planning.hidden FROM reader;
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with serve_postgres() as running:
        running.ask(TABLES + f"CREATE ROLE {READER} LOGIN PASSWORD '{running.password}';" + RIGHTS)
        yield running


@pytest.fixture
def stand(
    postgres: Postgres, tiny_pack: Path, edit: Edit, monkeypatch: pytest.MonkeyPatch
) -> Stand:
    """Let a layer of the tiny pack, the stops as a rule, stand in the database; the pack."""
    monkeypatch.setenv(VARIABLE, postgres.address())

    def stand(layer: str = "bus_stops", **keys: object) -> Path:
        entry = ", ".join(
            f"{key} = {json.dumps(value, ensure_ascii=False)}"
            for key, value in {"connection": VARIABLE, **keys}.items()
        )
        edit("layers.toml", f'file = "{layer}.geojson"', f"postgis = {{ {entry} }}")
        return tiny_pack

    return stand


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


def checked(pack: Path) -> dict[str, dict[str, Any]]:
    result = run("check", "--pack", pack, "--format", "json", "--lang", "en")
    assert result.exit_code == 0, result.output
    return {check["id"]: check for check in json.loads(result.stdout)["results"]}


def why_away(pack: Path, layer: str = "bus_stops") -> str:
    """The line that says why a layer is not there; the others are."""
    opened = load_pack(pack)
    assert layer not in opened.layers
    assert {"area", "units", "land"} - {layer} <= set(opened.layers)
    assert opened.unavailable[layer].layer == f"layers.toml [{layer}].postgis"
    assert opened.unavailable[layer].zh
    return opened.unavailable[layer].message


def read(address: str, monkeypatch: pytest.MonkeyPatch, **keys: object) -> Any:  # noqa: ANN401
    monkeypatch.setenv(VARIABLE, address)
    postgis = Postgis.model_validate({"connection": VARIABLE, **keys})
    return read_postgis(postgis, key="id", limits=Limits(), where="x")


# what comes back


@pytest.mark.parametrize(
    "keys",
    [
        {"table": "planning.metres"},
        {"table": "planning.degrees"},
        {"table": "planning.a_view"},
        {"table": "planning.round"},
        {"table": "planning.tall"},
        {"table": "planning.规划站点"},
        {"table": 'odd"; DROP TABLE hidden; --'},
        {"query": "SELECT id, shelters, geom AS form FROM planning.metres", "geometry": "form"},
        {"query": "SELECT * FROM planning.metres WHERE name LIKE '%站';"},
        {"query": "SELECT * FROM planning.metres -- all of them"},
        {"query": "WITH found AS (SELECT * FROM planning.metres) SELECT * FROM found"},
    ],
    ids=lambda keys: next(iter(keys.values())),
)
def test_rows_become_features_in_metres_wherever_they_stand(
    stand: Stand, keys: dict[str, str]
) -> None:
    frame = load_pack(stand(**keys)).layers["bus_stops"].frame
    assert frame.index.tolist() == ["S1", "S2"]
    assert frame.crs.to_epsg() == 4548
    assert not frame.has_z.any()
    assert frame["shelters"].tolist() == [1.0, 2.0]
    assert frame["basis"].unique().tolist() == ["official"]
    assert frame.geometry["S1"].distance(Point(530_500, 4_331_000)) < 1e-6
    assert frame.geometry["S2"].distance(Point(531_500, 4_331_000)) < 1e-6


def test_a_table_gives_the_results_that_its_rows_give_as_a_file(
    postgres: Postgres, tiny_pack: Path, stand: Stand
) -> None:
    by_file = checked(tiny_pack)
    content = (tiny_pack / "bus_stops.geojson").read_text(encoding="utf-8")
    postgres.ask(
        "CREATE TABLE planning.imported AS SELECT f->'properties'->>'id' AS id,"
        " (f->'properties'->>'shelters')::int AS shelters,"
        " ST_SetSRID(ST_GeomFromGeoJSON(f->>'geometry'), 4326) AS geom"
        " FROM json_array_elements(%s::json->'features') AS f",
        content,
    )
    postgres.ask(f"GRANT SELECT ON planning.imported TO {READER}")
    by_table = checked(stand(table="planning.imported"))
    assert by_table == by_file
    assert by_table["coverage"]["value"] == pytest.approx(0.3927, abs=1e-4)  # π 500² · 2 / 2000²


def test_postgis_measures_the_areas_that_we_measure(
    postgres: Postgres, embedded: tuple[Pack, Plan]
) -> None:
    pack, _ = embedded
    polygons = {id_: la for id_, la in pack.layers.items() if la.spec.geometry == "polygon"}
    assert len(polygons) > 3
    for layer_id, layer in polygons.items():
        content = (pack.folder / layer.spec.file).read_text(encoding="utf-8")
        theirs = dict(
            postgres.ask(
                "SELECT f->'properties'->>%s,"
                " ST_Area(ST_Transform(ST_SetSRID(ST_GeomFromGeoJSON(f->>'geometry'), 4326), 4548))"
                " FROM json_array_elements(%s::json->'features') AS f",
                layer.spec.key,
                content,
            )
        )
        ours = layer.frame.area.to_dict()
        assert ours == pytest.approx(theirs, rel=1e-6), layer_id


def test_values_come_as_numbers_and_texts(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = """
        SELECT 12::numeric(10,0) AS id, 7::smallint AS small, 9007199254740993 AS large,
            2.50::numeric AS decimal, 'NaN'::float8 AS unknown, true AS truth,
            date '2026-03-01' AS day, timestamp '2026-03-01 08:30' AS moment,
            timestamptz '2026-03-01 08:30+08' AS instant, '{"a": [1]}'::json AS tree,
            ARRAY['东', '西'] AS list, NULL::text AS nothing, '东丽'::varchar(9) AS name,
            decode('00ff', 'hex') AS bytes, ST_Point(1, 2) AS other,
            ST_Point(117.3, 39.1, 4490) AS geom
    """
    raw = read(postgres.address(), monkeypatch, query=query)
    assert raw.crs == "EPSG:4490"
    assert raw.frame.crs is None  # nobody has said yet that the numbers are what they claim
    assert raw.frame.index.tolist() == [1]
    assert raw.frame.drop(columns="geometry").to_dict("records") == [
        {
            "id": "12",
            "small": 7,
            "large": 9007199254740993,
            "decimal": 2.5,
            "unknown": None,
            "truth": "true",
            "day": "2026-03-01",
            "moment": "2026-03-01T08:30:00",
            "instant": "2026-03-01T00:30:00Z",
            "tree": '{"a": [1]}',
            "list": "{东,西}",
            "nothing": None,
            "name": "东丽",
        }
    ]


def test_a_crs_that_only_the_database_knows_comes_as_its_definition(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres.ask(
        "INSERT INTO spatial_ref_sys SELECT 900001, 'BUREAU', 1, srtext, proj4text"
        " FROM spatial_ref_sys WHERE srid = 4548"
    )
    query = "SELECT id, ST_SetSRID(geom, 900001) AS geom FROM planning.metres"
    raw = read(postgres.address(), monkeypatch, query=query)
    assert raw.crs.startswith("PROJCS")
    frame, _ = keyed(raw, key="id", where="x")
    assert frame is not None
    degrees = frame.to_crs("EPSG:4490").geometry["S1"]
    ((lon, lat),) = postgres.ask(
        "SELECT ST_X(geom), ST_Y(geom) FROM planning.degrees LIMIT 1 OFFSET 1"
    )
    assert (degrees.x, degrees.y) == pytest.approx((lon, lat), abs=1e-9)


def test_postgis_may_live_in_any_schema(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres.ask("CREATE DATABASE tidy")
    postgres.ask(
        "CREATE SCHEMA gis; CREATE EXTENSION postgis SCHEMA gis; CREATE TABLE stops AS"
        " SELECT 1 AS id, gis.ST_SetSRID(gis.ST_MakePoint(1, 2), 4548) AS geom",
        database="tidy",
    )
    raw = read(postgres.address(OWNER, database="tidy"), monkeypatch, table="stops")
    assert raw.crs == "EPSG:4548"
    assert raw.frame.geometry.tolist() == [Point(1, 2)]


def test_ids_made_from_the_contents_and_the_hash_do_not_depend_on_the_order(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "SELECT n, ST_Point(n, 0, 4548) AS geom FROM unnest(ARRAY[1, 2, 2]) AS n ORDER BY n"
    found = []
    for query in (rows, f"{rows} DESC"):
        raw = read(postgres.address(), monkeypatch, query=query)
        frame, problems = keyed(raw, key="", where="x")
        assert frame is not None
        assert not problems
        found.append((sorted(frame.index), contents_hash(raw)))
    assert found[0] == found[1]
    assert len(set(found[0][0])) == 3
    other = read(postgres.address(), monkeypatch, query=rows.replace("2, 2", "2, 3"))
    assert contents_hash(other) != found[0][1]


def test_rows_on_a_shifted_datum_are_moved_back_where_the_entry_says_so(
    postgres: Postgres, stand: Stand, edit: Edit
) -> None:
    lon, lat = TO_DEGREES.transform(530_500, 4_331_000)
    shifted = [float(degrees) for degrees in wgs84_to_gcj02(lon, lat)]
    postgres.ask(
        "CREATE TABLE planning.shifted AS SELECT 'S1' AS id, 1 AS shelters,"
        " ST_Point(%s::float8, %s::float8, 4326) AS geom",
        *shifted,
    )
    postgres.ask(f"GRANT SELECT ON planning.shifted TO {READER}")
    pack = stand(table="planning.shifted")
    found = load_pack(pack).layers["bus_stops"].frame.geometry["S1"]
    assert 300 < found.distance(Point(530_500, 4_331_000)) < 800
    edit("layers.toml", "https://example.org/stops", 'https://example.org/stops"\ndatum = "GCJ-02')
    found = load_pack(pack).layers["bus_stops"].frame.geometry["S1"]
    assert found.distance(Point(530_500, 4_331_000)) < 0.001


def test_another_row_is_another_pack(postgres: Postgres, stand: Stand) -> None:
    postgres.ask("CREATE TABLE planning.growing AS SELECT * FROM planning.metres")
    postgres.ask(f"GRANT SELECT ON planning.growing TO {READER}")
    pack = stand(table="planning.growing")
    before = load_pack(pack).sha256
    assert load_pack(pack).sha256 == before
    postgres.ask("UPDATE planning.growing SET shelters = 3 WHERE id = 'S1'")
    assert load_pack(pack).sha256 != before


# what is wrong with the rows or the entry

POINT = "ST_Point(530500, 4331000, 4548)"
TWICE = "SELECT 'S1' AS id, shelters, geom FROM planning.metres"
FAULTS = [
    pytest.param({"table": "planning.undeclared"}, r"SRID 0: no CRS is declared", id="SRID 0"),
    pytest.param(
        {"table": "planning.mixed"}, r"several SRIDs \(4490, 4548\).*ST_Transform", id="mixed SRIDs"
    ),
    pytest.param(
        {"query": f"SELECT 'S1' AS id, 1 AS shelters, ST_SetSRID({POINT}, 999998) AS geom"},
        r"SRID 999998 is no CRS that is known",
        id="unknown SRID",
    ),
    pytest.param(
        {"query": "SELECT 'S1' AS id, 1 AS shelters, NULL::geometry AS geom"},
        r"feature S1: the geometry is null",
        id="null geometry",
    ),
    pytest.param(
        {"query": f"SELECT NULL AS id, 1 AS shelters, {POINT} AS geom"},
        r"feature 1: no 'id'; every feature needs an id",
        id="null id",
    ),
    pytest.param(
        {"query": TWICE},
        r"feature S1: the id stands 2 times",
        id="double id",
    ),
    pytest.param(
        {"query": f"SELECT 1 AS shelters, {POINT} AS geom"},
        r"unknown column 'id'; the columns are shelters",
        id="no key column",
    ),
    pytest.param(
        {"query": f"SELECT 'S1' AS id, {POINT} AS geom"},
        r"unknown column 'shelters'",
        id="missing column",
    ),
    pytest.param(
        {"query": f"SELECT 'S1' AS id, 'one' AS shelters, {POINT} AS geom"},
        r"feature S1: shelters is 'one', not a number",
        id="text for a number",
    ),
    pytest.param(
        {"query": f"SELECT 'S1' AS id, 1 AS shelters, ST_Buffer({POINT}, 9) AS geom"},
        r"feature S1: the geometry is a Polygon, the entry says point",
        id="wrong geometry type",
    ),
    pytest.param(
        {
            "query": "SELECT 'S1' AS id, 1 AS shelters,"
            " ST_GeomFromText('CIRCULARSTRING(0 0, 1 1, 2 0)', 4548) AS geom"
        },
        r"feature 1: the geometry holds curves",
        id="curve",
    ),
    pytest.param(
        {
            "query": "SELECT 'S1' AS id, 1 AS shelters,"
            " ST_GeomFromText('TIN(((0 0, 0 1, 1 0, 0 0)))', 4548) AS geom"
        },
        r"feature 1: the geometry holds curves or a TIN",
        id="TIN",
    ),
    pytest.param(
        {"query": "SELECT 'S1' AS id, 1 AS shelters, ST_Point(0, 0, 4548) AS geom"},
        r"feature S1: lies .* outside the area",
        id="far away",
    ),
    pytest.param(
        {"query": "SELECT * FROM planning.metres WHERE false"},
        r"the layer has no features",
        id="no rows",
    ),
    pytest.param(
        {"table": "planning.metres", "geometry": "form"},
        r"\.geometry: unknown column 'form'; the columns are id, name, shelters, geom$",
        id="no geometry column",
    ),
    pytest.param(
        {"table": "planning.metres", "geometry": "name"},
        r"\.geometry: column 'name' is of type text, not geometry$",
        id="a text for the geometry",
    ),
    pytest.param(
        {"query": "SELECT a.id, b.id, a.geom FROM planning.metres a, planning.metres b"},
        r"column 'id' comes twice; name the columns apart with AS$",
        id="double column",
    ),
    pytest.param({"table": "planning.gone"}, r"no such table or view .*42P01", id="no table"),
    pytest.param({"table": "gone.metres"}, r"no such table or view", id="no schema"),
    pytest.param(
        {"table": "metres; DROP TABLE x"}, r"no such table or view", id="SQL as a table's name"
    ),
    pytest.param(
        {"query": "SELECT nothing FROM planning.metres"},
        r"names a column that is not there",
        id="?",
    ),
    pytest.param({"query": "SELEC 1"}, r"not one SELECT .*42601", id="no SQL"),
    pytest.param(
        {"query": "SELECT * FROM planning.metres; SELECT 1"},
        r"not one SELECT .*one reading statement",
        id="two statements",
    ),
    pytest.param(
        {"query": "SELECT 1) AS x; DROP TABLE planning.metres; --"},
        r"not one SELECT",
        id="a statement after the bracket",
    ),
    pytest.param(
        {"query": f"SELECT 'S1' AS id, 1e999::numeric AS shelters, {POINT} AS geom"},
        r"a value cannot be converted \(SQLSTATE 22003\)",
        id="a number too large",
    ),
    pytest.param(
        {"query": f"SELECT 'S1' AS id, 1/(random()*0)::int AS shelters, {POINT} AS geom"},
        r"a value cannot be converted \(SQLSTATE 22012\)",
        id="division by zero",
    ),
]


@pytest.mark.parametrize("keys,line", FAULTS)
def test_what_is_wrong_with_the_rows_is_one_clear_line(
    stand: Stand, problem_lines: Lines, keys: dict[str, str], line: str
) -> None:
    stand(**keys)
    lines = problem_lines()
    assert len(lines) == 1, lines
    assert lines[0].startswith(WHERE)
    assert re.search(line, lines[0]), lines[0]


def test_texts_in_no_encoding_are_named(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres.ask("CREATE DATABASE legacy ENCODING 'SQL_ASCII' TEMPLATE template0")
    postgres.ask("CREATE EXTENSION postgis", database="legacy")
    gbk = "东站".encode("gbk").hex()
    query = f"SELECT 1 AS id, convert_from('\\x{gbk}', 'SQL_ASCII') AS n, {POINT} AS geom"
    with pytest.raises(InputError, match="a text is in no encoding"):
        read(postgres.address(OWNER, database="legacy"), monkeypatch, query=query)


@pytest.mark.parametrize(
    "limits,line",
    [
        ("features = 1", "more than 1 features; ask for fewer"),
        ("vertices = 1", "more than 1 vertices; ask for fewer"),
    ],
)
def test_more_than_the_limits_allow_is_refused(
    stand: Stand, edit: Edit, problem_lines: Lines, limits: str, line: str
) -> None:
    stand(table="planning.metres")
    edit("layers.toml", "[pack.groups]", f"[pack.limits]\n{limits}\n[pack.groups]")
    (found,) = problem_lines()
    assert line in found


def test_as_many_as_the_limits_allow_are_read(stand: Stand, edit: Edit) -> None:
    pack = stand(table="planning.metres")
    edit("layers.toml", "[pack.groups]", "[pack.limits]\nfeatures = 2\nvertices = 2\n[pack.groups]")
    assert len(load_pack(pack).layers["bus_stops"].frame) == 2


SECRET = "geheim"  # noqa: S105 - no account has it
WRONG_ENTRIES = [
    (f'"postgresql://me:{SECRET}@db/plan"', "not a table; write postgis = {"),
    (f'{{ connection = "postgresql://me:{SECRET}@db/plan", table = "t" }}', "variable that begins"),
    (f'{{ connection = "host=db password={SECRET}", table = "t" }}', "begins with PLANMAP_"),
    ('{ connection = "PGPASSWORD", table = "t" }', "begins with PLANMAP_"),
    (f'{{ connection = "PLANMAP_X", table = "postgresql://{SECRET}@a.b.c" }}', "not a table; name"),
    (f'{{ connection = "PLANMAP_X", table = "t", dsn = "{SECRET}" }}', "unknown key 'dsn'"),
    ('{ table = "t" }', "missing key 'connection'"),
    ('{ connection = "PLANMAP_X" }', "give either table or query"),
    ('{ connection = "PLANMAP_X", table = "t", query = "SELECT 1" }', "give either table or query"),
    ('{ connection = "PLANMAP_X", table = "t", timeout_s = 0 }', "greater than 0"),
    (
        '{ connection = "PLANMAP_X", table = "t" }\nfile = "x.geojson"',
        "give either file or postgis",
    ),
    ('{ connection = "PLANMAP_X", table = "t" }\nsha256 = "' + "0" * 64 + '"', "leave it out"),
]


@pytest.mark.parametrize("entry,line", WRONG_ENTRIES)
def test_a_wrong_entry_is_one_line_that_never_shows_an_address(
    edit: Edit, problem_lines: Lines, entry: str, line: str
) -> None:
    edit("layers.toml", 'file = "bus_stops.geojson"', f"postgis = {entry}")
    lines = problem_lines()
    assert len(lines) == 1, lines
    assert line in lines[0]
    assert SECRET not in lines[0]


def test_the_area_must_be_a_file(edit: Edit, problem_lines: Lines) -> None:
    entry = 'postgis = { connection = "PLANMAP_X", table = "t" }'
    edit("layers.toml", 'file = "area.geojson"', entry)
    (line,) = problem_lines()
    assert "the area that bounds the pack must be there" in line


# only reading

TURN_OFF = "SELECT set_config('%s', 'off', false) AS id, 1 AS shelters"
WRITES = [
    ("INSERT INTO planning.metres SELECT * FROM planning.metres RETURNING *", "one SELECT"),
    ("WITH d AS (DELETE FROM planning.metres RETURNING *) SELECT * FROM d", "one SELECT"),
    (f"SELECT planning.spoil()::text AS id, 1 AS shelters, {POINT} AS geom", "would write"),
    (f"{TURN_OFF % 'transaction_read_only'}, planning.spoil(), {POINT} AS geom", "would write"),
    (f"{TURN_OFF % 'default_transaction_read_only'}, planning.spoil(), {POINT} AS geom", "write"),
    (f"SELECT nextval('planning.numbers') AS id, 1 AS shelters, {POINT} AS geom", "would write"),
    ("SELECT 1) AS x; COMMIT; DELETE FROM planning.metres; --", "one SELECT"),
]


@pytest.mark.parametrize("query,line", WRITES)
def test_nothing_is_ever_written_not_even_by_who_may(
    *,
    postgres: Postgres,
    stand: Stand,
    problem_lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    query: str,
    line: str,
) -> None:
    stand(query=query)
    monkeypatch.setenv(VARIABLE, postgres.address(OWNER))
    (found,) = problem_lines()
    assert line in found
    assert postgres.ask("SELECT id FROM planning.metres ORDER BY id") == [("S1",), ("S2",)]
    assert postgres.ask("SELECT is_called FROM planning.numbers") == [(False,)]


def test_the_attempt_to_write_would_succeed_elsewhere(postgres: Postgres) -> None:
    """The function that the queries above call does write, where writing is allowed."""
    with psycopg.connect(postgres.address(OWNER)) as connection:
        assert connection.execute("SELECT planning.spoil()").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM planning.metres").fetchone() == (0,)
        connection.rollback()
    assert postgres.ask("SELECT count(*) FROM planning.metres") == [(2,)]


def test_a_table_whose_name_looks_like_sql_is_only_a_table(
    postgres: Postgres, stand: Stand
) -> None:
    load_pack(stand(table='odd"; DROP TABLE hidden; --'))
    assert postgres.ask("SELECT count(*) FROM planning.hidden") == [(2,)]


# away, slow, refused


def test_without_the_variable_the_line_says_what_to_set(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = stand(table="planning.metres")
    monkeypatch.delenv(VARIABLE)
    assert why_away(pack) == (
        f"environment variable {VARIABLE} is not set; set it to the database's address, as in"
        " postgresql://account:password@host:5432/database"
    )


@pytest.mark.parametrize(
    "address",
    [
        SECRET,
        f"postgresql://me:{SECRET}/@db:5432/plan",
        f"postgresql://me:{SECRET}%zz@db/plan",
        f"host=db pass={SECRET}",
        f"postgresql://me:{SECRET}@a..b/plan",
        f"postgresql://me:{SECRET}@127.0.0.1:port/plan",
        f"postgresql://me:{SECRET}@127.0.0.1:99999/plan",
        "postgresql://me:\udcff@127.0.0.1/plan",
    ],
)
def test_what_is_no_address_is_not_repeated(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    pack = stand(table="planning.metres")
    monkeypatch.setenv(VARIABLE, address)
    line = why_away(pack)
    assert VARIABLE in line
    assert "holds no address of a database" in line or "no connection to the database" in line
    assert SECRET not in line


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def test_a_server_that_never_answers_is_waited_for_no_longer_than_asked(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, silent_port: int
) -> None:
    pack = stand(table="planning.metres", timeout_s=1)
    monkeypatch.setenv(VARIABLE, f"postgresql://me:{SECRET}@127.0.0.1:{silent_port}/plan")
    started = time.monotonic()
    assert "does not answer within 1 s" in why_away(pack)
    assert time.monotonic() - started < 15  # the library waits for 2 s at least


def test_no_server_is_a_line(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = stand(table="planning.metres")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: whoever calls is refused
        port = taken.getsockname()[1]
        monkeypatch.setenv(VARIABLE, f"postgresql://me:{SECRET}@127.0.0.1:{port}/plan")
        assert "no connection to the database" in why_away(pack)


def test_a_database_that_does_not_exist_is_refused(
    postgres: Postgres, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = stand(table="planning.metres")
    monkeypatch.setenv(VARIABLE, postgres.address(database="gone"))
    assert "account, password and database right?" in why_away(pack)


def test_a_database_without_postgis_says_so(
    postgres: Postgres, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = stand(table="planning.metres")
    monkeypatch.setenv(VARIABLE, postgres.address(OWNER, database="template1"))
    assert "has no PostGIS" in why_away(pack)


def test_an_account_without_the_right_to_read_says_so(stand: Stand) -> None:
    assert "may not read these rows" in why_away(stand(table="planning.hidden"))


SLEEP = f"SELECT pg_sleep(30)::text AS id, 1 AS shelters, {POINT} AS geom"


def test_a_slow_query_ends_at_its_time(stand: Stand) -> None:
    pack = stand(query=SLEEP, timeout_s=0.2)
    started = time.monotonic()
    assert "did not come within 0.2 s" in why_away(pack)
    assert time.monotonic() - started < 15


def test_a_locked_table_is_not_waited_for(postgres: Postgres, stand: Stand) -> None:
    pack = stand(table="planning.metres", timeout_s=0.2)
    with psycopg.connect(postgres.address(OWNER)) as other:
        other.execute("LOCK TABLE planning.metres IN ACCESS EXCLUSIVE MODE")
        assert "did not come within 0.2 s" in why_away(pack)


def once_reading(postgres: Postgres, act: Callable[[int], None]) -> threading.Thread:
    """Do something to the server's process that reads for us, as soon as there is one."""
    watcher = psycopg.connect(postgres.address(OWNER), autocommit=True)
    query = (
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'planmap'"
        " AND state = 'active' AND query LIKE 'FETCH%'"
    )

    def watch() -> None:
        end = time.monotonic() + 20
        with closing(watcher):
            while time.monotonic() < end:
                for (pid,) in watcher.execute(query).fetchall():
                    act(pid)
                    return

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def test_a_server_that_freezes_while_reading_is_hung_up_on(
    postgres: Postgres, stand: Stand
) -> None:
    pack = stand(query=SLEEP, timeout_s=1)
    frozen: list[int] = []

    def freeze(pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        frozen.append(pid)

    thread = once_reading(postgres, freeze)
    started = time.monotonic()
    try:
        assert "did not come within 1 s" in why_away(pack)
        assert time.monotonic() - started < 15
    finally:
        thread.join()
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    assert frozen


def test_a_server_that_stops_while_reading_leaves_the_rest_at_work(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = stand(query=SLEEP)
    with serve_postgres() as doomed:
        doomed.ask("CREATE EXTENSION postgis")
        monkeypatch.setenv(VARIABLE, doomed.address(OWNER))
        thread = once_reading(doomed, lambda _: doomed.stop())
        assert "broke while reading" in why_away(pack)
        thread.join()
        assert "no connection to the database" in why_away(pack)
        results = checked(pack)
    assert results["coverage"]["verdict"] == "undetermined"
    assert results["green"]["verdict"] == "met"


# the rest works, and says what is missing


@pytest.fixture
def away(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny pack, whose stops stand in a database of which nobody has said where it is."""
    pack = stand(table="planning.metres")
    monkeypatch.delenv(VARIABLE)
    return pack


def test_checks_that_need_the_layer_are_undetermined_and_say_why(away: Path) -> None:
    result = run("check", "--pack", away, "--format", "json", "--lang", "en")
    results = {check["id"]: check for check in json.loads(result.stdout)["results"]}
    assert result.exit_code == 0
    assert results["coverage"]["verdict"] == "undetermined"
    reason = results["coverage"]["reason"]
    assert reason.startswith("Missing data: Stops. It can be decided once they are there.")
    assert f"Environment variable {VARIABLE} is not set" in reason
    assert "layers.toml" not in reason
    assert results["green"]["verdict"] == "met"
    assert results["green"]["value"] == pytest.approx(0.75, abs=1e-6)  # half and a quarter
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"warning: {WHERE}: environment variable {VARIABLE} is not set")


def test_the_warning_and_the_reason_come_in_chinese(away: Path) -> None:
    result = run("check", "--pack", away)
    assert result.stderr.startswith(f"警告：{WHERE}：环境变量 {VARIABLE} 没有设置")
    assert f"缺少数据：站点。补充后才能判定。环境变量 {VARIABLE} 没有设置" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [("layers", "list"), ("layers", "validate"), ("zones", "--zones", "units"), ("check",)],
    ids=" ".join,
)
def test_every_command_warns_and_goes_on(away: Path, arguments: tuple[str, ...]) -> None:
    result = run(*arguments, "--pack", away)
    assert result.exit_code == 0
    assert VARIABLE in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout


def test_zones_that_cannot_be_read_are_not_called_unknown(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = stand("units", table="planning.units")
    monkeypatch.delenv(VARIABLE)
    result = run("zones", "--zones", "units", "--pack", pack, "--lang", "en")
    assert result.exit_code == 2
    assert "unknown" not in result.stderr
    assert "is not set" in result.stderr.splitlines()[-1]


def test_a_layer_of_the_planners_own_takes_the_place_of_one_that_is_away(away: Path) -> None:
    pack = load_pack(away)
    assert set(pack.unavailable) == {"bus_stops"}
    assert pack.with_layers([pack.layers["land"]]).unavailable == pack.unavailable
    own = load_pack(REPOSITORY / "geodata").layers["bus_stops"]
    assert pack.with_layers([own]).unavailable == {}


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were called, one entry for each attempt."""
    called: list[str] = []
    connect = psycopg.connect

    def counted(address: str, **keys: Any) -> Any:  # noqa: ANN401
        called.append(address)
        return connect(address, **keys)

    monkeypatch.setattr(psycopg, "connect", counted)
    return called


def test_a_database_that_does_not_answer_is_asked_once_for_all_its_layers(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, connections: list[str]
) -> None:
    stand("land", table="planning.land")
    pack = stand(table="planning.metres")
    monkeypatch.setenv(VARIABLE, "postgresql://me@127.0.0.1:1/plan")
    unavailable = load_pack(pack).unavailable
    assert set(unavailable) == {"land", "bus_stops"}
    assert unavailable["land"].layer == "layers.toml [land].postgis"
    assert len(connections) == 1


def test_the_database_library_is_loaded_by_those_who_need_it_alone() -> None:
    code = (
        "import sys; import spatial.__main__; from spatial import open_pack;"
        " from pathlib import Path; open_pack(Path('geodata'));"
        " sys.exit('psycopg' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0


# secrets


def test_no_output_names_password_account_or_host(
    *,
    postgres: Postgres,
    stand: Stand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    pack = stand(table="planning.metres")
    wrong = f"{postgres.password}-wrong"
    said = []
    caplog.set_level(logging.INFO)
    runs: Mapping[str, Sequence[tuple[object, ...]]] = {
        postgres.address(): [
            ("check", "--out", tmp_path / "out"),
            ("zones", "--zones", "units", "--out", tmp_path / "zones.xlsx"),
            ("zones", "--zones", "units", "--out", tmp_path / "zones.gpkg"),
        ],
        postgres.address(password=wrong): [
            ("check",),
            ("check", "--format", "json"),
            ("layers", "list"),
            ("layers", "validate"),
        ],
    }
    for address, commands in runs.items():
        monkeypatch.setenv(VARIABLE, address)
        for arguments in commands:
            result = run(*arguments, "--pack", pack)
            assert result.exit_code == 0
            said.append(result.output)
    monkeypatch.setenv(session.PACK_VARIABLE, str(pack))
    session.read_again()
    for page in ("sources", "map_page"):
        shown = AppTest.from_string(PAGE.format(page=page), default_timeout=60).run()
        assert not shown.exception
        protos = [node.proto for node in shown.main if node.proto is not None]
        said.append("".join(p.SerializeToString().decode("utf-8", "replace") for p in protos))
    assert sum("拒绝登录" in text for text in said) == 4  # three commands in Chinese, and a page
    with pytest.raises(UnavailableError) as refused:
        read(postgres.address(password=wrong), monkeypatch, table="planning.metres")
    said += traceback.format_exception(refused.value)
    said += [caplog.text, *capfd.readouterr()]
    files = [path for path in (*tmp_path.rglob("*"), *pack.rglob("*")) if path.is_file()]
    assert len(files) > 6
    said += [path.read_bytes().decode("latin-1") for path in files]
    secrets = (postgres.password, postgres.address().split(":")[2].split("@")[0])
    told = "\n".join(said)
    for secret in (*secrets, f"127.0.0.1:{postgres.port}", f"{READER}@", f'"{READER}"'):
        assert secret not in told
    # The library's own diary names the server, but no password even then.
    caplog.set_level(logging.DEBUG)
    load_pack(pack)
    assert not any(secret in caplog.text for secret in secrets)


# the app

PAGE = """
import streamlit as st
from views import {page}
from views.session import current_pack
from views.text import Words

st.session_state["pages"] = {{}}
{page}.show(current_pack(), Words("zh"))
"""


class Clock:
    """Stands in for the monotonic clock."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(session, "monotonic", clock)
    session.read_again()
    return clock


def test_a_database_that_is_away_is_asked_again_after_a_minute_and_not_before(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, connections: list[str], clock: Clock
) -> None:
    pack = stand(table="planning.metres")
    monkeypatch.setenv(session.PACK_VARIABLE, str(pack))
    monkeypatch.setenv(VARIABLE, "postgresql://me@127.0.0.1:1/plan")
    for _ in range(3):
        assert "bus_stops" in session.current_pack().pack.unavailable
    clock.now += 59
    session.current_pack()
    assert len(connections) == 1
    clock.now += 2
    session.current_pack()
    assert len(connections) == 2


def test_rows_are_read_again_after_ten_minutes_and_only_other_rows_change_the_key(
    postgres: Postgres,
    stand: Stand,
    monkeypatch: pytest.MonkeyPatch,
    connections: list[str],
    clock: Clock,
) -> None:
    postgres.ask("CREATE TABLE planning.changing AS SELECT * FROM planning.metres")
    postgres.ask(f"GRANT SELECT ON planning.changing TO {READER}")
    monkeypatch.setenv(session.PACK_VARIABLE, str(stand(table="planning.changing")))
    first = session.current_pack()
    clock.now += 599
    assert session.current_pack() is first
    clock.now += 2
    assert session.current_pack().key == first.key
    connections_before = len(connections)
    postgres.ask("DELETE FROM planning.changing WHERE id = 'S2'")
    clock.now += 601
    other = session.current_pack()
    assert len(other.pack.layers["bus_stops"].frame) == 1
    assert other.key != first.key
    assert len(connections) > connections_before


def test_a_pack_of_files_is_not_read_again(
    tiny_pack: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setenv(session.PACK_VARIABLE, str(tiny_pack))
    first = session.current_pack()
    clock.now += 1e6
    assert session.current_pack() is first
    assert not first.has_databases


def test_the_page_of_sources_names_what_is_away_and_reads_again_at_a_press(
    postgres: Postgres, away: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    assert clock.now
    monkeypatch.setenv(session.PACK_VARIABLE, str(away))
    page = AppTest.from_string(PAGE.format(page="sources"), default_timeout=60).run()
    assert not page.exception
    assert "数据库里的这些图层现在读不到：站点" in page.warning[0].value
    assert f"环境变量 {VARIABLE} 没有设置" in page.code[0].value
    monkeypatch.setenv(VARIABLE, postgres.address())
    (button,) = (button for button in page.button if button.label == "重新读取")
    button.click().run()
    assert not page.exception
    assert not page.warning
    (table,) = (frame.value for frame in page.dataframe)
    assert table.set_index("图层").loc["站点", "要素数"] == 2


def test_rows_of_a_database_never_go_where_anybody_may_fetch_them(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = stand(table="planning.metres")
    monkeypatch.setattr(session, "EMBEDDED_PACK", pack)
    assert not session.Opened(*open_pack(pack), "key").is_embedded
