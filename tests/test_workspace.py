"""The workspace: what goes in comes out, every version stays, nobody overwrites silently."""

import datetime as dt
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from pydantic import JsonValue
from shapely import MultiPolygon, Point, box
from shapely.geometry.base import BaseGeometry

from layers import InputError
from layers.catalogue import LayerSpec
from layers.workspace import (
    ConflictError,
    Original,
    StoredLayer,
    Workspace,
    create_workspace,
    open_workspace,
)
from layers.workspace.features import from_rows, to_rows

CONTENT = "编号,经度,纬度\n1,117.3,39.1\n".encode("gb18030")


def spec(layer_id: str = "stops", **more: object) -> LayerSpec:
    entry = {
        "id": layer_id,
        "title": {"zh": "站点", "en": "Stops"},
        "geometry": "point",
        "group": "own",
        "source": {"name": {"zh": "局", "en": "Bureau"}, "basis": "official", "datum": "cgcs2000"},
        "accuracy_m": 1,
        **more,
    }
    return LayerSpec.model_validate(entry)


def frame(
    columns: dict[str, Any], *, geometry: list[BaseGeometry | None] | None = None
) -> gpd.GeoDataFrame:
    count = len(next(iter(columns.values()))) if columns else 2
    ids = pd.Index([f"S{i}" for i in range(count)], dtype=str, name="id")
    return gpd.GeoDataFrame(
        {n: pd.Series(v, index=ids, dtype=getattr(v, "dtype", None)) for n, v in columns.items()},
        geometry=geometry or [Point(117 + i / 7, 39 + i / 3) for i in range(count)],
        crs="OGC:CRS84",
        index=ids,
    )


def stored(name: str = "甲", layer_id: str = "stops") -> StoredLayer:
    return StoredLayer(spec(layer_id), frame({"name": [name, "乙"]}))


def round_trip(given_frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return from_rows(to_rows(given_frame, "站点.csv"))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return create_workspace(tmp_path / "方案.planmap", "方案一")


# What goes in comes out.


def test_a_layer_comes_back_as_it_was_saved(workspace: Workspace) -> None:
    layer = StoredLayer(
        spec(columns={"name": {"title": {"zh": "名称", "en": "Name"}}}, drawn_to=("x",)),
        frame({"name": ["甲", None], "trips": [3, 4], "share": [0.1, np.nan]}).to_crs("EPSG:4548"),
        intake={"declared": {"crs": "EPSG:4490", "datum": "cgcs2000"}, "row": [1, 2.5, None]},
        finding={"verdict": "agrees", "shift_m": 1.25},
        log=({"feature": "S1", "rule": "ring", "before_m2": 2.0, "after_m2": 2.0},),
        original=Original.of("公交站点.csv", CONTENT),
    )
    version = workspace.save_layer(layer, seen=None, author="李工", content=CONTENT)
    found = open_workspace(workspace.path).layer("stops")
    assert_geodataframe_equal(found.frame, layer.frame)
    assert (found.spec, found.intake, found.finding) == (layer.spec, layer.intake, layer.finding)
    assert (found.log, found.original) == (layer.log, layer.original)
    assert workspace.original("stops") == ("公交站点.csv", CONTENT)
    info = workspace.layers()["stops"]
    assert (info.spec, info.version, info.author, info.features) == (layer.spec, version, "李工", 2)
    assert (info.intake, info.finding, info.original) == (
        layer.intake,
        layer.finding,
        layer.original,
    )


COLUMNS: dict[str, Callable[[], object]] = {
    "text": lambda: ["甲", "=1+1", None],
    "plain text": lambda: np.array(["甲", "x", None], dtype=object),
    "text of pandas": lambda: pd.array(["a", None, ""], dtype="string"),
    "integers": lambda: np.array([1, -(2**63), 2**63 - 1]),
    "small integers": lambda: np.array([1, 2, 3], dtype="int16"),
    "unsigned": lambda: np.array([0, 1, 2**64 - 1], dtype="uint64"),
    "integers or none": lambda: pd.array([1, None, 2**53 + 1], dtype="Int64"),
    "numbers": lambda: [0.1, np.nan, 1e300],
    "odd numbers": lambda: [np.inf, -np.inf, -0.0],
    "short numbers": lambda: np.array([0.1, np.nan, 3], dtype="float32"),
    "truth": lambda: [True, False, True],
    "truth or none": lambda: pd.array([True, None, False], dtype="boolean"),
    "moments": lambda: np.array(["2024-02-29T23:59:59.123", "NaT", "1900-01-01"], "datetime64[ms]"),
    "moments in a zone": lambda: (
        pd.Series(pd.to_datetime(["2024-01-01T08:00+08:00", "NaT", "2024-07-01T08:00+08:00"])).array
    ),
    "dates": lambda: np.array([dt.date(2024, 2, 29), None, dt.date(1, 1, 1)], object),
    "anything": lambda: np.array([1, "1", 1.5], dtype=object),
    "lists": lambda: np.array([[1, 2], {"a": None}, True], dtype=object),
    "nothing": lambda: np.array([None, None, None], dtype=object),
    "half a character": lambda: np.array(["\udcb0", "好", "\x00"], dtype=object),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_of_any_kind_comes_back_as_it_was(kind: str) -> None:
    given_frame = frame({"值": COLUMNS[kind]()})
    found = round_trip(given_frame)
    assert_geodataframe_equal(found, given_frame)
    assert found["值"].dtype == given_frame["值"].dtype
    for there, here in zip(found["值"], given_frame["值"], strict=True):
        assert type(there) is type(here)


def test_a_negative_zero_stays_negative() -> None:
    assert np.signbit(round_trip(frame({"x": [-0.0]}))["x"].iloc[0])


def test_a_categorical_column_comes_back_as_its_values() -> None:
    found = round_trip(frame({"x": pd.Categorical(["甲", "乙", "甲"])}))
    assert found["x"].tolist() == ["甲", "乙", "甲"]


@given(
    st.lists(
        st.tuples(
            st.text(),
            st.floats(allow_nan=False, allow_infinity=False),
            st.one_of(st.none(), st.booleans(), st.text(), st.lists(st.integers())),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_any_text_and_number_comes_back(rows: list[tuple[str, float, Any]]) -> None:
    texts, numbers, things = (list(column) for column in zip(*rows, strict=True))
    odd = np.empty(len(rows), dtype=object)
    odd[:] = things
    found = round_trip(frame({"text": texts, "number": numbers, "any": odd}))
    assert found["text"].tolist() == texts
    assert found["number"].tolist() == numbers
    assert found["any"].tolist() == things


SHAPES: dict[str, BaseGeometry | None] = {
    "none": None,
    "point": Point(0.1, 1e-300),
    "empty": Point(),
    "high": Point(1, 2, 3),
    "line": shapely.LineString([(0, 0), (1, 1e9)]),
    "ring with a hole": box(0, 0, 9, 9) - box(1, 1, 2, 2),
    "parts": MultiPolygon([box(0, 0, 1, 1), box(2, 2, 3, 3) - box(2.2, 2.2, 2.4, 2.4)]),
    "points": shapely.MultiPoint([(0, 0), (1, 1)]),
    "lines": shapely.MultiLineString([[(0, 0, 1), (1, 1, 1)], [(5, 5, 1), (6, 6, 1)]]),
    "no parts": MultiPolygon(),
    "crossing itself": shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_geometry_comes_back_to_the_last_bit(shape: str) -> None:
    given_frame = frame({"x": [1]}, geometry=[SHAPES[shape]])
    found = round_trip(given_frame).geometry.iloc[0]
    assert shapely.to_wkb(found) == shapely.to_wkb(SHAPES[shape])


@pytest.mark.parametrize("crs", ["OGC:CRS84", "EPSG:4326", "EPSG:4548", "ESRI:102012", "own"])
def test_the_coordinate_system_comes_back(crs: str) -> None:
    own = "+proj=tmerc +lat_0=0 +lon_0=117.25 +k=1 +x_0=90000 +y_0=-4000000 +ellps=GRS80 +units=m"
    given_frame = frame({"x": [1]}).set_crs(own if crs == "own" else crs, allow_override=True)
    assert round_trip(given_frame).crs == given_frame.crs


def test_names_and_order_of_columns_and_rows_come_back() -> None:
    given_frame = frame({"b": [1, 2], "": [3, 4]})[["b", "geometry", ""]]
    given_frame = given_frame.rename_geometry("图形").iloc[::-1].rename_axis(None)
    found = round_trip(given_frame)
    assert list(found.columns) == ["b", "图形", ""]
    assert found.index.tolist() == ["S1", "S0"]
    assert_geodataframe_equal(found, given_frame)


def test_a_layer_may_have_no_features() -> None:
    empty = frame({"x": [1]}).iloc[:0]
    assert_geodataframe_equal(round_trip(empty), empty)


@pytest.mark.parametrize("size", [0, 1, 2**20, 2**20 + 1, 2_500_000])
@pytest.mark.parametrize("kind", ["random", "even"])
def test_an_original_comes_back_byte_for_byte(workspace: Workspace, size: int, kind: str) -> None:
    content = np.random.default_rng(1).bytes(size) if kind == "random" else b"a" * size
    layer = StoredLayer(spec(), frame({}), original=Original.of("a.zip", content))
    workspace.save_layer(layer, seen=None, content=content)
    assert workspace.original("stops") == ("a.zip", content)
    if kind == "even":
        assert workspace.path.stat().st_size < 200_000  # what can be packed is


@pytest.mark.parametrize("value", [None, True, 0, -1.5, "半径", [], {}, {"a": [1, {"b": None}]}])
def test_a_setting_may_be_any_json(workspace: Workspace, value: JsonValue) -> None:
    workspace.save_setting("值", value, seen=None)
    assert workspace.setting("值") == value
    assert workspace.settings()["值"].value == value


def test_one_file_is_all_there_is(workspace: Workspace) -> None:
    workspace.save_layer(stored(), seen=None)
    assert [path.name for path in workspace.path.parent.iterdir()] == ["方案.planmap"]


def test_equal_features_and_files_are_stored_once(workspace: Workspace) -> None:
    content = np.random.default_rng(1).bytes(300_000)
    original = Original.of("a.zip", content)
    features = frame({"x": ["值" * 1_000] * 300})
    first = StoredLayer(spec(), features, original=original)
    seen = workspace.save_layer(first, seen=None, content=content)
    size = workspace.path.stat().st_size
    for number in range(10):  # the mapping changes, the file and the features do not
        again = StoredLayer(spec(), features, intake={"try": number}, original=original)
        seen = workspace.save_layer(again, seen=seen)
    assert workspace.path.stat().st_size < size + 50_000


# What cannot be stored is refused, and nothing of it is.

REFUSED: dict[str, tuple[Callable[[], gpd.GeoDataFrame], str, str]] = {
    "no crs": (
        lambda: frame({"x": [1]}).set_crs(None, allow_override=True),
        "coordinate system is not declared",
        "坐标系",
    ),
    "double id": (
        lambda: frame({"x": [1, 2]}).set_axis(["A", "A"]),
        "feature A: the id stands more than once",
        "编号重复",
    ),
    "id not a text": (
        lambda: frame({"x": [1, 2]}).set_axis([1, 2]),
        "the id 1 is not a text",
        "编号",
    ),
    "double column": (
        lambda: frame({"x": [1], "y": [2]}).set_axis(["x", "x", "geometry"], axis=1),
        "column 'x' stands twice",
        "字段“x”",
    ),
    "collection": (
        lambda: frame({"x": [1]}, geometry=[shapely.GeometryCollection([Point(1, 2)])]),
        "feature S0: a GeometryCollection is not stored",
        "图形",
    ),
    "bytes": (
        lambda: frame({"x": ["a", b"a"]}),
        "feature S1: column 'x' is a bytes",
        "字段“x”",
    ),
    "duration": (
        lambda: frame({"x": np.array([1, 2], dtype="timedelta64[s]")}),
        "column 'x' holds timedelta64",
        "字段“x”",
    ),
    "infinite in a list": (
        lambda: frame({"x": np.array([[float("inf")], None], dtype=object)}),
        "column 'x'",
        "字段“x”",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_stored_is_refused_by_name(workspace: Workspace, case: str) -> None:
    make, line, chinese = REFUSED[case]
    with pytest.raises(InputError) as refusal:
        workspace.save_layer(StoredLayer(spec(), make()), seen=None)
    (problem,) = refusal.value.problems
    assert line in problem.in_("en")
    assert chinese in problem.in_("zh")
    assert workspace.revision == 0
    assert not workspace.layers()


def test_a_number_that_is_none_is_no_setting(workspace: Workspace) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        workspace.save_setting("x", float("nan"), seen=None)
    assert workspace.revision == 0


def test_another_file_than_the_one_described_is_refused(workspace: Workspace) -> None:
    layer = StoredLayer(spec(), frame({}), original=Original.of("a", b"a"))
    with pytest.raises(ValueError, match="is not the file"):
        workspace.save_layer(layer, seen=None, content=b"b")
    with pytest.raises(InputError, match="load the file again"):
        workspace.save_layer(layer, seen=None)
    assert workspace.revision == 0


def test_what_is_not_there_is_said_with_what_is(workspace: Workspace) -> None:
    workspace.save_layer(stored(), seen=None)
    with pytest.raises(InputError, match=r"unknown layer 'stop'.*did you mean 'stops'") as refusal:
        workspace.layer("stop")
    assert "没有图层“stop”；现有：stops" in refusal.value.problems[0].in_("zh")
    with pytest.raises(InputError, match="unknown setting 'x'"):
        workspace.remove_setting("x", seen=None)
    with pytest.raises(InputError, match="not read from a file"):
        workspace.original("stops")


# Every earlier version stays.


def test_the_history_says_who_changed_what_when_and_what_it_replaced(workspace: Workspace) -> None:
    before = dt.datetime.now(dt.UTC)
    first = workspace.save_layer(stored("甲"), seen=None, author="李工")
    radius = workspace.save_setting("radius_m", 500, seen=None, author="王工")
    second = workspace.save_layer(stored("丙"), seen=first, author="王工")
    gone = workspace.remove_layer("stops", seen=second, author="李工")
    assert [
        (c.n, c.kind, c.item, c.action, c.replaced, c.author, c.state) for c in workspace.history()
    ] == [
        (first, "layer", "stops", "saved", None, "李工", "present"),
        (radius, "setting", "radius_m", "saved", None, "王工", "present"),
        (second, "layer", "stops", "saved", first, "王工", "present"),
        (gone, "layer", "stops", "removed", second, "李工", "absent"),
    ]
    times = [before, *(c.time for c in workspace.history()), dt.datetime.now(dt.UTC)]
    assert times == sorted(times)
    assert workspace.revision == gone
    assert workspace.layer("stops", version=first).frame["name"].tolist() == ["甲", "乙"]
    assert workspace.layer("stops", version=second).frame["name"].tolist() == ["丙", "乙"]
    with pytest.raises(InputError, match="unknown layer"):
        workspace.layer("stops")
    with pytest.raises(InputError, match="unknown layer"):
        workspace.layer("stops", version=radius)


def test_saving_the_same_again_is_no_change(workspace: Workspace) -> None:
    n = workspace.save_layer(stored(), seen=None)
    m = workspace.save_setting("a", [1], seen=None)
    assert workspace.save_layer(stored(), seen=n) == n
    assert workspace.save_setting("a", [1], seen=m) == m
    assert workspace.revision == m


def test_what_was_undone_can_be_redone_until_something_new_is_saved(workspace: Workspace) -> None:
    seen = workspace.save_setting("a", 1, seen=None)
    workspace.save_setting("a", 2, seen=seen)
    assert workspace.undo(seen=workspace.revision, author="李工").author == "李工"
    assert workspace.setting("a") == 1
    step = workspace.steps()
    assert (step.undo, step.redo) == (workspace.history()[0], workspace.history()[1])
    workspace.redo(seen=workspace.revision)
    assert workspace.setting("a") == 2
    undone = workspace.undo(seen=workspace.revision)
    workspace.save_setting("a", 3, seen=undone.n)
    with pytest.raises(InputError, match="nothing to redo"):
        workspace.redo(seen=workspace.revision)
    actions = [change.action for change in workspace.history()]
    assert actions == ["saved", "saved", "undone", "redone", "undone", "saved"]


class Editing(RuleBasedStateMachine):
    """Any order of saving, removing, undoing and redoing, against two stacks of states."""

    folder: Path
    number = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).number += 1
        self.workspace = create_workspace(self.folder / f"{self.number}.planmap", "方案")
        self.now: dict[str, object] = {}
        self.earlier: list[dict[str, object]] = []
        self.later: list[dict[str, object]] = []

    def seen(self, item: str) -> int | None:
        versions = {
            **{k: v.version for k, v in self.workspace.layers().items()},
            **{k: v.version for k, v in self.workspace.settings().items()},
        }
        return versions.get(item)

    def changed(self, now: dict[str, object]) -> None:
        if now != self.now:
            self.earlier.append(self.now)
            self.later.clear()
            self.now = now

    @rule(key=st.sampled_from(["a", "b"]), value=st.integers(0, 2))
    def save_setting(self, key: str, value: int) -> None:
        self.workspace.save_setting(key, value, seen=self.seen(key))
        self.changed({**self.now, key: value})

    @rule(name=st.sampled_from(["甲", "丙"]))
    def save_layer(self, name: str) -> None:
        self.workspace.save_layer(stored(name), seen=self.seen("stops"))
        self.changed({**self.now, "stops": name})

    @rule(item=st.sampled_from(["a", "b", "stops"]))
    def remove(self, item: str) -> None:
        if item not in self.now:
            return
        if item == "stops":
            self.workspace.remove_layer(item, seen=self.seen(item))
        else:
            self.workspace.remove_setting(item, seen=self.seen(item))
        self.changed({k: v for k, v in self.now.items() if k != item})

    @rule()
    def undo(self) -> None:
        if self.earlier:
            self.workspace.undo(seen=self.workspace.revision)
            self.later.append(self.now)
            self.now = self.earlier.pop()
        else:
            with pytest.raises(InputError, match="nothing to undo"):
                self.workspace.undo(seen=self.workspace.revision)

    @rule()
    def redo(self) -> None:
        if self.later:
            self.workspace.redo(seen=self.workspace.revision)
            self.earlier.append(self.now)
            self.now = self.later.pop()
        else:
            with pytest.raises(InputError, match="nothing to redo"):
                self.workspace.redo(seen=self.workspace.revision)

    @invariant()
    def is_what_it_should_be(self) -> None:
        found: dict[str, object] = {k: v.value for k, v in self.workspace.settings().items()}
        if "stops" in self.workspace.layers():
            found["stops"] = self.workspace.layer("stops").frame["name"].iloc[0]
        assert found == self.now

    @invariant()
    def the_history_only_grows(self) -> None:
        numbers = [change.n for change in self.workspace.history()]
        assert numbers == list(range(1, len(numbers) + 1))
        steps = self.workspace.steps()
        assert (steps.undo is not None, steps.redo is not None) == (
            bool(self.earlier),
            bool(self.later),
        )


def test_undo_gives_back_the_state_before_and_redo_the_one_after(tmp_path: Path) -> None:
    machine = type("Here", (Editing,), {"folder": tmp_path})
    run_state_machine_as_test(machine, settings=settings(max_examples=15, stateful_step_count=20))


def test_compacting_leaves_the_last_versions_and_every_line_of_the_history(
    workspace: Workspace,
) -> None:
    content = np.random.default_rng(1).bytes(500_000)
    first = StoredLayer(spec(), frame({}), original=Original.of("a.zip", content))
    seen: int | None = workspace.save_layer(first, seen=None, content=content)
    for name in "甲乙丙":
        seen = workspace.save_layer(stored(name), seen=seen)
    gone = workspace.save_setting("a", 1, seen=None)
    workspace.remove_setting("a", seen=gone)
    lines = [(c.n, c.action, c.time, c.replaced) for c in workspace.history()]

    assert workspace.compact(keep_versions=2) > 400_000
    assert workspace.layer("stops", version=3).frame["name"].iloc[0] == "乙"
    assert workspace.layer("stops").frame["name"].iloc[0] == "丙"
    assert workspace.setting("a", version=gone) == 1
    with pytest.raises(InputError, match="version 2 of layer 'stops' was dropped") as refusal:
        workspace.layer("stops", version=2)
    assert "第 2 版" in refusal.value.problems[0].in_("zh")
    assert [(c.n, c.action, c.time, c.replaced) for c in workspace.history()] == lines
    workspace.undo(seen=workspace.revision)
    assert workspace.setting("a") == 1

    workspace.compact(keep_versions=1)
    assert workspace.layer("stops").frame["name"].iloc[0] == "丙"
    assert workspace.steps().undo is not None  # that "a" was set, which came from nothing
    workspace.undo(seen=workspace.revision)
    assert workspace.steps().undo is None  # the layer before is dropped
    assert open_workspace(workspace.path).revision == workspace.revision
    with pytest.raises(ValueError, match="keep_versions is 0"):
        workspace.compact(keep_versions=0)


# Two sessions on one workspace.


def test_the_later_save_does_not_overwrite_what_it_has_not_seen(workspace: Workspace) -> None:
    mine, other = workspace, open_workspace(workspace.path)
    seen = mine.save_layer(stored("甲"), seen=None, author="李工")
    theirs = other.save_layer(stored("丙"), seen=seen, author="王工")
    with pytest.raises(ConflictError) as conflict:
        mine.save_layer(stored("丁"), seen=seen, author="李工")
    found = conflict.value
    assert (found.theirs.n, found.theirs.author, found.theirs.item) == (theirs, "王工", "stops")
    assert found.seen == seen
    moment = f"{found.theirs.time:%Y-%m-%d %H:%M}"
    for line in (found.in_("en"), found.in_("zh")):
        assert all(word in line for word in ("方案一", "王工", "stops", moment)), line
    assert str(found) == found.in_("en")
    assert mine.layer("stops").frame["name"].iloc[0] == "丙"  # theirs is kept by doing nothing
    n = mine.save_layer(stored("丁"), seen=found.theirs.n, author="李工")
    assert [other.layer("stops", version=v).frame["name"].iloc[0] for v in (theirs, n)] == [
        "丙",
        "丁",
    ]
    assert other.history()[-1].replaced == theirs


def test_two_sessions_do_not_both_make_the_same_item(workspace: Workspace) -> None:
    workspace.save_setting("a", 1, seen=None)
    with pytest.raises(ConflictError, match="you had seen none"):
        open_workspace(workspace.path).save_setting("a", 2, seen=None)
    assert workspace.setting("a") == 1


def test_what_another_session_changed_is_not_removed_unseen(workspace: Workspace) -> None:
    seen = workspace.save_setting("a", 1, seen=None)
    workspace.save_setting("a", 2, seen=seen)
    with pytest.raises(ConflictError):
        workspace.remove_setting("a", seen=seen)
    assert workspace.setting("a") == 2


def test_what_another_session_removed_is_not_brought_back_unseen(workspace: Workspace) -> None:
    seen = workspace.save_setting("a", 1, seen=None)
    gone = workspace.remove_setting("a", seen=seen, author="王工")
    with pytest.raises(ConflictError, match="was removed by 王工"):
        workspace.save_setting("a", 2, seen=seen)
    assert workspace.save_setting("a", 2, seen=gone) == gone + 1


def test_undo_is_refused_where_another_session_changed_something_since(
    workspace: Workspace,
) -> None:
    workspace.save_setting("a", 1, seen=None)
    seen = workspace.revision
    open_workspace(workspace.path).save_setting("b", 1, seen=None, author="王工")
    with pytest.raises(ConflictError, match="王工"):
        workspace.undo(seen=seen)
    assert workspace.revision == seen + 1


def test_sessions_that_change_different_items_are_not_in_each_others_way(
    workspace: Workspace,
) -> None:
    other = open_workspace(workspace.path)
    a, b = workspace.save_setting("a", 0, seen=None), other.save_setting("b", 0, seen=None)
    for value in range(1, 4):
        a = workspace.save_setting("a", value, seen=a)
        b = other.save_setting("b", value, seen=b)
    assert {key: s.value for key, s in workspace.settings().items()} == {"a": 3, "b": 3}


def test_nothing_is_lost_when_four_sessions_write_one_list_at_once(workspace: Workspace) -> None:
    workspace.save_setting("list", [], seen=None)

    def append(who: str) -> None:
        mine = open_workspace(workspace.path)
        for number in range(10):
            while True:
                setting = mine.settings()["list"]
                assert isinstance(setting.value, list)
                mine_now: JsonValue = [*setting.value, f"{who}{number}"]
                try:
                    mine.save_setting("list", mine_now, seen=setting.version)
                except ConflictError:
                    continue
                break

    threads = [threading.Thread(target=append, args=(who,)) for who in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = workspace.setting("list")
    assert isinstance(found, list)
    assert {*found} == {f"{who}{number}" for who in "abcd" for number in range(10)}
    assert workspace.revision == 1 + len(found) == 41


def test_two_sessions_that_save_the_same_agree(workspace: Workspace) -> None:
    n = workspace.save_setting("radius_m", 800, seen=None)
    assert open_workspace(workspace.path).save_setting("radius_m", 800, seen=None) == n
