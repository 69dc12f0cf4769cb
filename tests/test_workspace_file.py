"""A workspace's file in trouble: full, locked, damaged, foreign. One line, and nothing is lost."""

import os
import signal
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from layers import InputError
from layers.catalogue import LayerSpec
from layers.workspace import (
    Original,
    StoredLayer,
    Workspace,
    create_workspace,
    open_workspace,
)

SPEC = LayerSpec.model_validate(
    {
        "id": "stops",
        "title": {"zh": "站点", "en": "Stops"},
        "geometry": "point",
        "group": "own",
        "source": {"name": {"zh": "局", "en": "Bureau"}, "basis": "official"},
        "accuracy_m": 1,
    }
)
LARGE = np.random.default_rng(1).bytes(3_000_000)


def large_layer() -> StoredLayer:
    frame = gpd.GeoDataFrame(
        {"name": ["甲", "乙"]},
        geometry=shapely.points([(117.0, 39.0), (117.1, 39.1)]),
        crs="OGC:CRS84",
        index=pd.Index(["S1", "S2"], dtype=str, name="id"),
    )
    return StoredLayer(SPEC, frame, original=Original.of("站点.zip", LARGE))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with a setting, which waits for others a twentieth of a second."""
    workspace = create_workspace(tmp_path / "a#b ?方案.planmap", "方案一", patience_s=0.05)
    workspace.save_setting("a", 1, seen=None)
    return workspace


def refused(attempt: Callable[[], object], rule: str) -> None:
    """The attempt ends in one line of this rule in each language, without a path in it."""
    with pytest.raises(InputError) as refusal:
        attempt()
    (problem,) = refusal.value.problems
    assert problem.rule == rule
    for line in (problem.in_("en"), problem.in_("zh")):
        assert "\n" not in line
        assert "/" not in line
    assert any("\u4e00" <= sign <= "\u9fff" for sign in problem.zh)
    assert not any("\u4e00" <= sign <= "\u9fff" for sign in problem.message)


def sql(path: Path, *statements: str) -> None:
    """Change the file behind the workspace's back, as another program might."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def little_room(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Connections for which the disk ends after 60 pages of 4 KiB: SQLite's own "disk full"."""
    connect = sqlite3.connect

    def limited(*args: object, **more: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **more)  # type: ignore[call-overload]
        connection.execute("PRAGMA max_page_count = 60")
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", limited)
        yield


@pytest.mark.usefixtures("little_room")
def test_a_full_disk_loses_nothing_that_was_saved(workspace: Workspace) -> None:
    refused(lambda: workspace.save_layer(large_layer(), seen=None, content=LARGE), "full")
    assert open_workspace(workspace.path).setting("a") == 1
    assert not workspace.layers()
    assert workspace.save_setting("b", 2, seen=None) == 2  # what has room is still saved


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on the size of a file")
def test_a_file_that_may_not_grow_loses_nothing_that_was_saved(workspace: Workspace) -> None:
    import resource  # noqa: PLC0415  Windows has none

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(InputError) as refusal:
            workspace.save_layer(large_layer(), seen=None, content=LARGE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert refusal.value.problems[0].rule in {"full", "disk"}
    assert open_workspace(workspace.path).setting("a") == 1
    n = workspace.save_layer(large_layer(), seen=None, content=LARGE)
    assert workspace.original("stops", version=n) == ("站点.zip", LARGE)


def test_a_file_that_another_program_locks_is_waited_for_and_then_said(
    workspace: Workspace,
) -> None:
    with closing(sqlite3.connect(workspace.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        refused(lambda: workspace.save_setting("a", 2, seen=1), "busy")
        refused(workspace.layers, "busy")
        other.execute("ROLLBACK")
    assert workspace.save_setting("a", 2, seen=1) == 2


def test_a_save_waits_for_another_that_takes_its_time(workspace: Workspace) -> None:
    patient = open_workspace(workspace.path, patience_s=30)
    with closing(
        sqlite3.connect(workspace.path, isolation_level=None, check_same_thread=False)
    ) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = threading.Thread(target=lambda: patient.save_setting("b", 2, seen=None))
        waiting.start()
        assert waiting.is_alive()
        assert workspace.settings().keys() == {"a"}  # readers need not wait
        other.execute("ROLLBACK")
        waiting.join()
    assert workspace.setting("b") == 2


def test_a_file_that_may_not_be_written_can_still_be_read(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def reading_only(name: str, **more: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(name.replace("mode=rw", "mode=ro"), **more)  # type: ignore[call-overload]
        return connection

    monkeypatch.setattr(sqlite3, "connect", reading_only)
    refused(lambda: workspace.save_setting("a", 2, seen=1), "readonly")
    assert workspace.setting("a") == 1


def test_a_missing_file_is_said_and_not_made(tmp_path: Path) -> None:
    refused(lambda: open_workspace(tmp_path / "none.planmap"), "open")
    refused(lambda: open_workspace(tmp_path), "open")
    assert not list(tmp_path.iterdir())


def test_a_workspace_is_not_made_over_another_file(workspace: Workspace) -> None:
    before = workspace.path.read_bytes()
    refused(lambda: create_workspace(workspace.path, "x"), "exists")
    assert workspace.path.read_bytes() == before
    refused(lambda: create_workspace(workspace.path / "no folder" / "x", "x"), "write")
    assert len(list(workspace.path.parent.iterdir())) == 1


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_a_workspace_is_readable_by_its_owner_only(workspace: Workspace) -> None:
    workspace.export_file(workspace.path.with_name("copy"))
    for path in (workspace.path, workspace.path.with_name("copy")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux's list of open files")
def test_nothing_stays_open_between_two_calls(workspace: Workspace) -> None:
    workspace.save_layer(large_layer(), seen=None, content=LARGE)
    refused(lambda: workspace.layer("none"), "layer")
    opened = {str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()}
    assert not {name for name in opened if name.startswith(str(workspace.path))}


# Files that are not what they should be.


@pytest.mark.parametrize(
    "content", [b"", b"x", b"PK\x03\x04" + b"x" * 5_000, b"SQLite format 3\x00" + b"\xff" * 5_000]
)
def test_another_kind_of_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.planmap"
    path.write_bytes(content)
    refused(lambda: open_workspace(path), "format")
    assert path.read_bytes() == content


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    sql(tmp_path / "x.gpkg", "CREATE TABLE about (key TEXT, value TEXT)")
    refused(lambda: open_workspace(tmp_path / "x.gpkg"), "format")


def test_a_newer_file_is_refused_and_left_as_it_is(workspace: Workspace) -> None:
    sql(workspace.path, "PRAGMA user_version = 2")
    before = workspace.path.read_bytes()
    refused(lambda: open_workspace(workspace.path), "version")
    with pytest.raises(InputError, match="format 2, this one reads up to 1"):
        open_workspace(workspace.path)
    assert workspace.path.read_bytes() == before


FOREIGN = {
    "trigger": "CREATE TRIGGER t AFTER INSERT ON version BEGIN DELETE FROM version; END",
    "view": "CREATE VIEW v AS SELECT * FROM version",
    "table": "CREATE TABLE more (x)",
    "index": "CREATE INDEX more ON version (abs(n))",
    "column": "ALTER TABLE version ADD COLUMN more",
    "virtual table": "CREATE VIRTUAL TABLE more USING fts5(x)",
    "missing": "DROP INDEX version_item",
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_file_that_defines_anything_of_its_own_is_refused(
    workspace: Workspace, kind: str
) -> None:
    sql(workspace.path, FOREIGN[kind])
    refused(lambda: open_workspace(workspace.path), "format")


def test_a_file_with_a_broken_page_is_refused_and_left_as_it_is(workspace: Workspace) -> None:
    for number in range(50):
        workspace.save_setting(f"key {number}", "x" * 500, seen=None)
    content = bytearray(workspace.path.read_bytes())
    content[5 * 4096 : 6 * 4096] = bytes(4096)
    workspace.path.write_bytes(content)
    refused(lambda: open_workspace(workspace.path), "damaged")
    assert workspace.path.read_bytes() == content


def test_a_file_that_was_cut_short_is_refused(workspace: Workspace) -> None:
    workspace.save_layer(large_layer(), seen=None, content=LARGE)
    content = workspace.path.read_bytes()
    workspace.path.write_bytes(content[: len(content) // 2])
    refused(lambda: open_workspace(workspace.path), "damaged")


DAMAGE: dict[str, tuple[str, Callable[[Workspace], object]]] = {
    "a changed original": (
        "UPDATE chunk SET bytes = zeroblob(length(bytes)) WHERE n = 1",
        lambda workspace: workspace.original("stops"),
    ),
    "a lost part of an original": (
        "DELETE FROM chunk WHERE n = 1",
        lambda workspace: workspace.original("stops"),
    ),
    "a changed attribute": (
        "UPDATE feature SET properties = '{\"name\":\"丙\"}' WHERE id = 'S1'",
        lambda workspace: workspace.layer("stops"),
    ),
    "a lost feature": (
        "DELETE FROM feature WHERE id = 'S1'",
        lambda workspace: workspace.layer("stops"),
    ),
    "a changed place": (
        "UPDATE feature SET wkb = (SELECT wkb FROM feature WHERE id = 'S2')",
        lambda workspace: workspace.layer("stops"),
    ),
    "a lost log": (
        "DELETE FROM chunk WHERE content = (SELECT log FROM version WHERE kind = 'layer')",
        lambda workspace: workspace.layer("stops"),
    ),
    "an unknown key": (
        "UPDATE version SET payload = json_set(payload, '$.spec.more', 1) WHERE kind = 'layer'",
        lambda workspace: workspace.layers(),
    ),
    "no JSON": (
        "UPDATE version SET payload = '{' WHERE kind = 'setting'",
        lambda workspace: workspace.settings(),
    ),
    "no time": (
        "UPDATE version SET time = 'yesterday'",
        lambda workspace: workspace.history(),
    ),
    "not UTF-8": (
        "UPDATE version SET author = CAST(x'ff41' AS TEXT)",
        lambda workspace: workspace.history(),
    ),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_contents_that_were_changed_behind_its_back_are_never_handed_out(
    workspace: Workspace, kind: str
) -> None:
    workspace.save_layer(large_layer(), seen=None, content=LARGE)
    statement, read = DAMAGE[kind]
    read(workspace)
    sql(workspace.path, statement)
    refused(lambda: read(workspace), "damaged" if kind == "not UTF-8" else "contents")


def test_a_workspace_that_another_program_gave_a_log_is_one_file_again(
    workspace: Workspace,
) -> None:
    sql(workspace.path, "PRAGMA journal_mode = WAL")
    opened = open_workspace(workspace.path)
    opened.save_setting("b", 2, seen=None)
    assert [path.name for path in workspace.path.parent.iterdir()] == [workspace.path.name]


# Copies.


def test_a_copy_is_whole_while_another_session_is_saving(workspace: Workspace) -> None:
    patient = open_workspace(workspace.path, patience_s=30)
    stop = threading.Event()

    def save() -> None:
        seen = None
        number = 0
        while not stop.wait(0.005):
            number += 1
            seen = patient.save_setting("b", ["x" * 5_000, number], seen=seen)

    saving = threading.Thread(target=save)
    saving.start()
    try:
        for number in range(4):
            to = workspace.path.with_name(f"copy{number}.planmap")
            patient.export_file(to)
            numbers = [change.n for change in open_workspace(to).history()]
            assert numbers == list(range(1, len(numbers) + 1))
    finally:
        stop.set()
        saving.join()


def test_a_copy_holds_everything_and_never_replaces_a_file(workspace: Workspace) -> None:
    workspace.save_layer(large_layer(), seen=None, content=LARGE)
    to = workspace.path.with_name("备份.planmap")
    workspace.export_file(to)
    copy = open_workspace(to)
    assert (copy.title, copy.history()) == (workspace.title, workspace.history())
    assert copy.original("stops") == ("站点.zip", LARGE)
    before = to.read_bytes()
    refused_name = to.name
    with pytest.raises(InputError, match=f"^{refused_name}: there is a file of this name"):
        workspace.export_file(to)
    assert to.read_bytes() == before
    assert len(list(to.parent.iterdir())) == 2


def test_a_copy_for_which_there_is_no_room_leaves_nothing_behind(
    workspace: Workspace, request: pytest.FixtureRequest
) -> None:
    workspace.save_layer(large_layer(), seen=None, content=LARGE)
    request.getfixturevalue("little_room")
    refused(lambda: workspace.export_file(workspace.path.with_name("copy")), "full")
    refused(lambda: workspace.export_file(workspace.path.parent / "none" / "copy"), "write")
    assert [path.name for path in workspace.path.parent.iterdir()] == [workspace.path.name]
