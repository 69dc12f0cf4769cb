"""Where workspaces lie, by which names they are found, and how one comes from another machine."""

import sqlite3
import stat
import struct
import sys
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st

from layers import InputError
from layers.catalogue import LayerSpec
from layers.limits import Limits
from layers.workspace import (
    FOLDER_VARIABLE,
    Original,
    StoredLayer,
    Workspace,
    Workspaces,
    create_workspace,
    default_folder,
    open_workspace,
)
from layers.workspace.features import Collection, to_rows
from layers.workspace.features import _digest as digest

CONTENT = b"a,b\n" * 50_000
HOME = Path("/home/li")


def layer() -> StoredLayer:
    frame = gpd.GeoDataFrame(
        {"name": ["甲", "乙"]},
        geometry=shapely.points([(117.0, 39.0), (117.1, 39.1)]),
        crs="OGC:CRS84",
        index=pd.Index(["S1", "S2"], dtype=str, name="id"),
    )
    spec = LayerSpec.model_validate(
        {
            "id": "stops",
            "title": {"zh": "站点", "en": "Stops"},
            "geometry": "point",
            "group": "own",
            "source": {"name": {"zh": "局", "en": "Bureau"}, "basis": "official"},
            "accuracy_m": 1,
        }
    )
    return StoredLayer(spec, frame, original=Original.of("站点.csv", CONTENT))


@pytest.fixture
def workspaces(tmp_path: Path) -> Workspaces:
    return Workspaces(tmp_path / "data" / "planmap")


@pytest.fixture
def brought(tmp_path: Path) -> Path:
    """The file of a workspace from another machine."""
    workspace = create_workspace(tmp_path / "brought.planmap", "旧方案")
    workspace.save_layer(layer(), seen=None, author="李工", content=CONTENT)
    workspace.save_setting("radius_m", 500, seen=None)
    workspace.undo(seen=2)
    return workspace.path


@pytest.mark.parametrize(
    "environ, platform, folder",
    [
        ({}, "linux", "/home/li/.local/share/planmap"),
        ({"XDG_DATA_HOME": "/data"}, "linux", "/data/planmap"),
        ({"XDG_DATA_HOME": "data"}, "linux", "/home/li/.local/share/planmap"),
        ({}, "darwin", "/home/li/Library/Application Support/planmap"),
        ({"LOCALAPPDATA": "/local"}, "win32", "/local/planmap"),
        ({}, "win32", "/home/li/AppData/Local/planmap"),
        ({FOLDER_VARIABLE: "/srv/plans", "XDG_DATA_HOME": "/data"}, "linux", "/srv/plans"),
    ],
)
def test_the_folder_is_the_platforms_unless_another_is_named(
    environ: dict[str, str], platform: str, folder: str
) -> None:
    assert default_folder(environ, platform, HOME) == Path(folder)


def test_the_folder_lies_outside_the_repository() -> None:
    repository = Path(__file__).resolve().parents[1]
    folder = default_folder({}, sys.platform, Path.home()).resolve()
    assert repository not in folder.parents


def test_a_named_workspace_is_found_by_its_name(workspaces: Workspaces) -> None:
    assert workspaces.named("方案一") is None
    assert workspaces.names() == ()
    made = workspaces.create(" Plan 一 ")
    made.save_setting("a", 1, seen=None)
    for name in ("Plan 一", "plan 一", "ＰＬＡＮ　一", "PLAN  一 "):
        found = workspaces.named(name)
        assert found is not None
        assert found.setting("a") == 1
        assert found.title == "Plan 一"
        with pytest.raises(InputError, match="there is a file of this name") as refusal:
            workspaces.create(name)
        assert "已有同名文件" in refusal.value.problems[0].in_("zh")
    assert workspaces.names() == ("Plan 一",)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_folders_are_open_to_their_owner_only(workspaces: Workspaces) -> None:
    workspaces.create("a")
    token, workspace = workspaces.new_anonymous("b")
    for folder in (workspaces.folder, workspace.path.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(workspace.path.stat().st_mode) == 0o600
    assert token not in str(workspace.path)


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "..",
        "/etc/passwd",
        "C:\\x",
        "a/b",
        "con",
        "NUL.txt",
        "com¹",
        "a:b",
        ".hidden",
        "%2e",
    ],
)
def test_a_name_that_means_something_to_a_system_is_only_a_name(
    workspaces: Workspaces, name: str
) -> None:
    path = workspaces.create(name).path
    assert path.parent == workspaces.folder / "named"
    assert not set('<>:"/\\|?*') & set(path.name)
    assert path.name.split(".")[0] not in {"", "con", "nul", "com1"}
    assert path.name.count(".") == 1
    assert workspaces.names() == (name,)
    found = workspaces.named(name)
    assert found is not None
    assert found.title == name


@given(st.text(max_size=70), st.text(max_size=70))
def test_any_name_is_a_file_of_its_own_in_the_folder_or_refused(one: str, other: str) -> None:
    folder = Path("/w")
    try:
        paths = [Workspaces(folder)._file(name).path for name in (one, other)]
    except InputError as error:
        assert error.problems[0].rule == "name"  # noqa: PT017
        return
    for path in paths:
        assert path.parent == folder / "named"
        assert len(f"{path.name}-journal".encode()) <= 255
    assume(one.isascii() and other.isascii())
    same = " ".join(one.lower().split()) == " ".join(other.lower().split())
    assert (paths[0] == paths[1]) == same


@pytest.mark.parametrize(
    "name, english, chinese",
    [
        ("", "the name is empty", "名称为空"),
        (" \t", "the name is empty", "名称为空"),
        ("a\u202eb", "signs that cannot be seen", "不可见字符"),
        ("a\x00b", "signs that cannot be seen", "不可见字符"),
        ("\udcb0", "signs that cannot be seen", "不可见字符"),
        ("方" * 61, "has 61 characters", "61 个字"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused_in_both_languages(
    workspaces: Workspaces, name: str, english: str, chinese: str
) -> None:
    with pytest.raises(InputError) as refusal:
        workspaces.create(name)
    assert english in refusal.value.problems[0].in_("en")
    assert chinese in refusal.value.problems[0].in_("zh")
    assert workspaces.create("方" * 60).path.exists()


def test_an_anonymous_workspace_is_found_by_its_token_only(workspaces: Workspaces) -> None:
    tokens = {workspaces.new_anonymous("未命名")[0] for _ in range(3)}
    assert len(tokens) == 3
    assert all(len(token) == 22 for token in tokens)  # 128 bits, 6 in each sign
    token = min(tokens)
    found = workspaces.anonymous(token)
    assert found is not None
    found.save_setting("a", 1, seen=None)
    for wrong in ("", token[:-1], token + "A", token.swapcase(), "../../../x", "A" * 22):
        assert workspaces.anonymous(wrong) is None
    assert workspaces.names() == ()


def test_a_damaged_workspace_is_still_listed(workspaces: Workspaces) -> None:
    workspaces.create("方案").path.write_bytes(b"x" * 5_000)
    assert workspaces.names() == ("方案",)
    with pytest.raises(InputError, match=r"^方案: it is not a workspace"):
        workspaces.named("方案")


def test_a_workspace_is_copied_to_a_name_with_all_its_history(workspaces: Workspaces) -> None:
    token, mine = workspaces.new_anonymous("未命名")
    mine.save_layer(layer(), seen=None, content=CONTENT)
    named = workspaces.copy(mine, "方案二")
    assert named.title == "方案二"
    assert named.history() == mine.history()
    named.save_setting("a", 1, seen=None)
    again = workspaces.anonymous(token)
    assert again is not None
    assert not again.settings()
    with pytest.raises(InputError, match=r"方案二: there is a file of this name"):
        workspaces.copy(mine, "方案二")


# From another machine.


def test_a_workspace_from_another_machine_is_copied_whole(
    workspaces: Workspaces, brought: Path
) -> None:
    before = brought.read_bytes()
    there = open_workspace(brought)
    named = workspaces.import_file(brought, name="新方案")
    token, hidden = workspaces.import_anonymous(brought)
    for copy in (named, hidden):
        assert copy.history() == there.history()
        assert copy.original("stops") == ("站点.csv", CONTENT)
        assert copy.layer("stops").frame.equals(there.layer("stops").frame)
        copy.redo(seen=3)
        assert copy.setting("radius_m") == 500
    assert (named.title, hidden.title) == ("新方案", "旧方案")
    assert workspaces.anonymous(token) == hidden
    assert brought.read_bytes() == before
    with pytest.raises(InputError, match="there is a file of this name"):
        workspaces.import_file(brought, name="新方案")


def sql(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement, values)


def forge(path: Path, *, wkb: bytes | None = None, head: str = "", properties: str = "") -> None:
    """Change the first feature, or the head, and make the hash fit, as an attacker would."""
    rows = to_rows(layer().frame, "")
    first = (rows.rows[0][0], wkb or rows.rows[0][1], properties or rows.rows[0][2])
    forged = Collection(head or rows.head, (first, rows.rows[1]), "")
    sha256 = digest(forged.head, forged.rows)
    sql(path, "PRAGMA foreign_keys = OFF")
    sql(path, "UPDATE collection SET sha256 = ?, head = ?", sha256, forged.head)
    sql(path, "UPDATE version SET collection = ? WHERE kind = 'layer'", sha256)
    sql(path, "UPDATE feature SET wkb = ?, properties = ? WHERE id = 'S1'", *first[1:])


def nested(depth: int) -> bytes:
    """A geometry in a geometry in a geometry: GEOS dies of a hundred thousand of them."""
    return struct.pack("<BII", 1, 7, 1) * depth + struct.pack("<BIdd", 1, 1, 0, 0)


def bomb() -> bytes:
    return zlib.compress(bytes(20_000_000), 9)


HOSTILE: dict[str, tuple[str, Callable[[Path], object]]] = {
    "trigger": (
        "format",
        lambda path: sql(path, "CREATE TRIGGER t AFTER INSERT ON version BEGIN SELECT 1; END"),
    ),
    "newer": ("version", lambda path: sql(path, "PRAGMA user_version = 99")),
    "wrong type": (
        "damaged",
        lambda path: sql_unchecked(path, "UPDATE feature SET id = x'00'"),
    ),
    "changed content": (
        "contents",
        lambda path: sql(path, "UPDATE chunk SET packed = 0, bytes = x'00' WHERE packed = 1"),
    ),
    "zip bomb": (
        "contents",
        lambda path: sql(path, "UPDATE chunk SET packed = 1, bytes = ?", bomb()),
    ),
    "original too large": (
        "limit",
        lambda path: sql(path, "UPDATE content SET size = 300000000"),
    ),
    "deep geometry": ("contents", lambda path: forge(path, wkb=nested(200_000))),
    "deep part": (
        "contents",
        lambda path: forge(path, wkb=struct.pack("<BII", 1, 6, 1) + nested(200_000)),
    ),
    "huge count": (
        "contents",
        lambda path: forge(path, wkb=struct.pack("<BII", 1, 2, 2**32 - 1) + bytes(16)),
    ),
    "geometry cut short": ("contents", lambda path: forge(path, wkb=b"\x01")),
    "deep attributes": (
        "contents",
        lambda path: forge(path, properties='{"name":' + "[" * 100_000 + "]" * 100_000 + "}"),
    ),
    "attributes that are none": ("contents", lambda path: forge(path, properties="[1]")),
    "unknown kind of column": (
        "contents",
        lambda path: forge(path, head=head("S999999999")),
    ),
    "no geometry": (
        "contents",
        lambda path: forge(path, head=head("str").replace('"geometry","geometry"', '"g","str"')),
    ),
    "a file for a crs": (
        "contents",
        lambda path: forge(path, head=head("str").replace("OGC:CRS84", "/etc/passwd")),
    ),
    "unknown entry": (
        "contents",
        lambda path: sql(path, "UPDATE version SET payload = '{}' WHERE kind = 'layer'"),
    ),
    "a version of nothing": (
        "contents",
        lambda path: sql(path, "UPDATE version SET log = NULL WHERE kind = 'layer'"),
    ),
    "dangling": (
        "contents",
        lambda path: sql(path, "UPDATE version SET log = ? WHERE kind = 'layer'", "0" * 64),
    ),
    "last number": (
        "contents",
        lambda path: sql(path, "UPDATE version SET n = 9223372036854775807 WHERE n = 3"),
    ),
    "false count": ("contents", lambda path: sql(path, "UPDATE collection SET features = 1")),
}


def head(kind: str) -> str:
    return to_rows(layer().frame, "").head.replace('["name","str"]', f'["name","{kind}"]')


def sql_unchecked(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(statement)


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_file_that_this_program_would_not_write_is_refused(
    workspaces: Workspaces, brought: Path, kind: str
) -> None:
    rule, spoil = HOSTILE[kind]
    spoil(brought)
    before = brought.read_bytes()
    with pytest.raises(InputError) as refusal:
        workspaces.import_file(brought, name="新方案", file_name="旧方案.planmap")
    (problem,) = refusal.value.problems
    assert (problem.layer, problem.rule) == ("旧方案.planmap", rule)
    assert problem.zh
    assert workspaces.names() == ()
    assert brought.read_bytes() == before


def test_the_hostile_files_are_refused_for_what_was_done_to_them(
    workspaces: Workspaces, brought: Path
) -> None:
    """Forging alone, with nothing hostile in it, is not found out and changes nothing."""
    forge(brought)
    assert workspaces.import_file(brought, name="x").layer("stops").frame.equals(layer().frame)


@pytest.mark.parametrize(
    "limit, line",
    [
        ({"features": 1}, "it has 2 features in one layer; 1 are allowed"),
        ({"vertices": 1}, "it has 2 vertices in one layer; 1 are allowed"),
    ],
)
def test_a_workspace_beyond_the_limits_is_refused_with_both_numbers(
    workspaces: Workspaces, brought: Path, limit: dict[str, int], line: str
) -> None:
    with pytest.raises(InputError, match=line):
        workspaces.import_file(brought, name="x", limits=Limits.model_validate(limit))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"SQLite format 3\x00" * 500])
def test_another_kind_of_file_is_not_imported(
    workspaces: Workspaces, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "x.planmap"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"^x\.planmap: it is not a workspace"):
        workspaces.import_file(path, name="x")
    with pytest.raises(InputError, match=r"^none\.planmap: it cannot be opened"):
        workspaces.import_file(tmp_path / "none.planmap", name="x")


def test_a_session_finds_what_another_has_saved_by_asking_for_the_revision(
    workspaces: Workspaces,
) -> None:
    mine: Workspace = workspaces.create("方案")
    other = workspaces.named("方案")
    assert other is not None
    assert other.revision == 0
    mine.save_setting("a", 1, seen=None)
    assert other.revision == 1
