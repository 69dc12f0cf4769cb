"""A planner's workspace: saving, reading, and going back."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from pydantic import JsonValue, TypeAdapter

from layers.load import write_pieces
from layers.problem import InputError
from layers.toml import unknown
from layers.workspace import versions
from layers.workspace.changes import Change, ConflictError, Kind, Steps, steps
from layers.workspace.content import BrokenContentError, is_kept, keep, kept
from layers.workspace.features import from_rows, json_text, keep_rows, kept_rows, to_rows
from layers.workspace.file import PATIENCE_S, WorkspaceFile
from layers.workspace.records import (
    LayerPayload,
    Original,
    Setting,
    StoredLayer,
    StoredLayerInfo,
)
from layers.workspace.versions import Contents, Version

_LOG: TypeAdapter[tuple[dict[str, JsonValue], ...]] = TypeAdapter(tuple[dict[str, JsonValue], ...])


@dataclass(frozen=True, slots=True)
class Workspace:
    """A planner's layers and settings in one file, with every earlier version of each.

    Calls may come from several threads, processes and browsers at once. A save names the version
    that it has `seen` (None: there was none); where somebody has changed the item since, it
    raises ConflictError and writes nothing. When a save returns, it is on the disk. Every call
    raises InputError, with one line, where the file is locked, full, damaged or gone.
    """

    file: WorkspaceFile

    @property
    def title(self) -> str:
        """The name under which people know the workspace."""
        return self.file.label

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self.file.path

    @property
    def revision(self) -> int:
        """Number of the last change, 0 at first; it grows with every change of any item."""
        with self.file.reading() as connection:
            return versions.revision(connection)

    def layers(self) -> Mapping[str, StoredLayerInfo]:
        """List the layers by id, without their features."""
        with self.file.reading() as connection, self.file.understood():
            found = versions.present(connection, "layer")
            counts = dict(connection.execute("SELECT sha256, features FROM collection"))
            return MappingProxyType({one.change.item: _info(one, counts) for one in found})

    def layer(self, layer_id: str, *, version: int | None = None) -> StoredLayer:
        """Give a layer as it is now, or as it was in an earlier version.

        Raises InputError where there is no such layer, or the version was dropped.
        """
        with self.file.reading() as connection, self.file.understood():
            contents = self._contents(connection, "layer", layer_id, version=version)
            rows = kept_rows(connection, contents.collection)
            log = _log(connection, contents)
        with self.file.understood():
            payload = LayerPayload.model_validate_json(contents.payload)
            return StoredLayer(
                spec=payload.spec,
                frame=from_rows(rows),
                intake=payload.intake,
                finding=payload.finding,
                log=log,
                original=payload.original,
            )

    def original(self, layer_id: str, *, version: int | None = None) -> tuple[str, bytes]:
        """Give back the file that a layer was read from: its name and its bytes.

        Raises InputError where the layer came from no file.
        """
        with self.file.reading() as connection, self.file.understood():
            contents = self._contents(connection, "layer", layer_id, version=version)
            original = LayerPayload.model_validate_json(contents.payload).original
            if original is None or contents.original is None:
                raise self._from_no_file(layer_id)
            return original.name, b"".join(kept(connection, contents.original))

    def write_original(self, layer_id: str, to: Path, *, version: int | None = None) -> None:
        """Write the file that a layer was read from, piece by piece; as `original` in all else."""
        with self.file.reading() as connection, self.file.understood():
            contents = self._contents(connection, "layer", layer_id, version=version)
            if contents.original is None:
                raise self._from_no_file(layer_id)
            write_pieces(to, kept(connection, contents.original))

    def save_layer(
        self,
        layer: StoredLayer,
        *,
        seen: int | None,
        author: str = "",
        content: bytes | None = None,
    ) -> int:
        """Keep a layer; return its version, the same as before where nothing is different.

        `content` holds the bytes of `layer.original`; they may be left out where the workspace
        has them, as when only the mapping changes.

        Raises ConflictError where another session changed the layer after `seen`, InputError
        where something in it cannot be stored, ValueError where `content` is not that file.
        """
        rows = to_rows(layer.frame, layer.spec.id)
        payload = LayerPayload(
            spec=layer.spec,
            intake=dict(layer.intake),
            finding=dict(layer.finding),
            original=layer.original,
        )
        log = json_text([dict(record) for record in layer.log]).encode()
        log_file = Original.of("log", log)
        contents = Contents(
            payload=json_text(payload.model_dump(mode="json")),
            collection=rows.sha256,
            log=log_file.sha256,
            original=None if layer.original is None else layer.original.sha256,
        )
        if content is not None and Original.of("", content).sha256 != contents.original:
            raise ValueError("content is not the file that layer.original describes")

        def write(connection: sqlite3.Connection) -> None:
            keep_rows(connection, rows)
            keep(connection, log, log_file.sha256)
            if contents.original is None:
                return
            if content is not None:
                keep(connection, content, contents.original)
            elif not is_kept(connection, contents.original):
                message = f"the file of layer '{layer.spec.id}' is not in it; load the file again"
                zh = f"图层“{layer.spec.id}”的原始文件不在工作区中；请重新导入该文件"
                raise self.file.problem("original", message, zh)

        return self._save("layer", layer.spec.id, contents, seen=seen, author=author, write=write)

    def remove_layer(self, layer_id: str, *, seen: int | None, author: str = "") -> int:
        """Take a layer out; its versions stay in the history, and undo brings it back."""
        return self._remove("layer", layer_id, seen=seen, author=author)

    def settings(self) -> Mapping[str, Setting]:
        """List the settings by key."""
        with self.file.reading() as connection, self.file.understood():
            return MappingProxyType(
                {one.change.item: _setting(one) for one in versions.present(connection, "setting")}
            )

    def setting(self, key: str, *, version: int | None = None) -> JsonValue:
        """Give a setting's value as it is now, or as it was in an earlier version.

        Raises InputError where there is no such setting, or the version was dropped.
        """
        with self.file.reading() as connection, self.file.understood():
            contents = self._contents(connection, "setting", key, version=version)
            return _value(contents)

    def save_setting(
        self, key: str, value: JsonValue, *, seen: int | None, author: str = ""
    ) -> int:
        """Keep a setting, any JSON value; return its version.

        Raises ConflictError where another session changed it after `seen`, TypeError or
        ValueError where the value is not JSON.
        """
        contents = Contents(payload=json_text(value))
        return self._save("setting", key, contents, seen=seen, author=author, write=_nothing)

    def remove_setting(self, key: str, *, seen: int | None, author: str = "") -> int:
        """Take a setting out; undo brings it back."""
        return self._remove("setting", key, seen=seen, author=author)

    def history(self) -> tuple[Change, ...]:
        """List every change in order, with its time and what it replaced."""
        with self.file.reading() as connection, self.file.understood():
            return versions.changes(connection)

    def steps(self) -> Steps:
        """Say which change undo would take back and which redo would make again."""
        return steps(self.history())

    def undo(self, *, seen: int, author: str = "") -> Change:
        """Take back the last change that is not yet taken back, as a new version.

        `seen` is the workspace's revision that the planner saw when asking for it.

        Raises ConflictError where something has changed since, InputError where there is nothing
        to take back.
        """
        with self.file.writing() as connection, self.file.understood():
            step = self._steps(connection, seen=seen).undo
            if step is None:
                raise self.file.problem("undo", "there is nothing to undo", "没有可撤销的更改")
            before = None if step.replaced is None else versions.numbered(connection, step.replaced)
            return versions.add(
                connection,
                versions.latest(connection, step.kind, step.item),
                kind=step.kind,
                item=step.item,
                action="undone",
                author=author,
                contents=None if before is None else before.contents,
                target=step.n,
            )

    def redo(self, *, seen: int, author: str = "") -> Change:
        """Make again the change that was taken back last; as `undo` in all else."""
        with self.file.writing() as connection, self.file.understood():
            step = self._steps(connection, seen=seen).redo
            if step is None:
                raise self.file.problem("redo", "there is nothing to redo", "没有可重做的更改")
            again = versions.numbered(connection, step.n)
            return versions.add(
                connection,
                versions.latest(connection, step.kind, step.item),
                kind=step.kind,
                item=step.item,
                action="redone",
                author=author,
                contents=None if again is None else again.contents,
                target=step.n,
            )

    def compact(self, *, keep_versions: int) -> int:
        """Throw the older contents away, all but the last versions of each item; bytes freed.

        Nothing else ever deletes anything. The lines of the history stay, marked "dropped"; what
        is left can be undone only as far as its contents are still there. `keep_versions` counts
        the present one, so 1 leaves no earlier version, and nothing of a removed layer.
        """
        if keep_versions < 1:
            raise ValueError(f"keep_versions is {keep_versions}; the present version is 1")
        before = self.path.stat().st_size
        with self.file.writing() as connection:
            versions.drop(connection, keep=keep_versions)
        return before - self.path.stat().st_size

    def export_file(self, to: Path) -> None:
        """Write the whole workspace to one new file, whole even while others are saving.

        Raises InputError where there is a file of that name already, or no room.
        """
        self.file.copy_to(WorkspaceFile(to, to.name))

    def _save(
        self,
        kind: Kind,
        item: str,
        contents: Contents,
        *,
        seen: int | None,
        author: str,
        write: Callable[[sqlite3.Connection], None],
    ) -> int:
        with self.file.writing() as connection, self.file.understood():
            before = versions.latest(connection, kind, item)
            if before is not None and before.contents == contents:
                return before.change.n
            self._refuse_conflict(before, seen)
            write(connection)
            return versions.add(
                connection,
                before,
                kind=kind,
                item=item,
                action="saved",
                author=author,
                contents=contents,
            ).n

    def _remove(self, kind: Kind, item: str, *, seen: int | None, author: str) -> int:
        with self.file.writing() as connection, self.file.understood():
            before = versions.latest(connection, kind, item)
            if before is None:
                raise self._unknown(connection, kind, item)
            self._refuse_conflict(before, seen)
            if before.contents is None:
                return before.change.n
            return versions.add(
                connection,
                before,
                kind=kind,
                item=item,
                action="removed",
                author=author,
                contents=None,
            ).n

    def _refuse_conflict(self, before: Version | None, seen: int | None) -> None:
        """Refuse a save whose author has not seen the last version; an absent item may be new."""
        if before is None:
            return
        absent = before.contents is None
        if before.change.n == seen or (absent and seen is None):
            return
        raise ConflictError(before.change, seen=seen, where=self.title)

    def _steps(self, connection: sqlite3.Connection, *, seen: int) -> Steps:
        changes = versions.changes(connection)
        if changes and changes[-1].n != seen:
            raise ConflictError(changes[-1], seen=seen, where=self.title)
        return steps(changes)

    def _contents(
        self, connection: sqlite3.Connection, kind: Kind, item: str, *, version: int | None
    ) -> Contents:
        if version is None:
            found = versions.latest(connection, kind, item)
        else:
            found = versions.numbered(connection, version)
            if found is not None and (found.change.kind, found.change.item) != (kind, item):
                found = None
        if found is not None and found.change.state == "dropped":
            message = f"version {version} of {kind} '{item}' was dropped to save space"
            zh = f"“{item}”第 {version} 版的内容已在压缩时清除"
            raise self.file.problem("dropped", message, zh)
        if found is None or found.contents is None:
            raise self._unknown(connection, kind, item)
        return found.contents

    def _from_no_file(self, layer_id: str) -> InputError:
        message = f"layer '{layer_id}' was not read from a file"
        return self.file.problem("original", message, f"图层“{layer_id}”不是从文件导入的")

    def _unknown(self, connection: sqlite3.Connection, kind: Kind, item: str) -> InputError:
        known = [one.change.item for one in versions.present(connection, kind)]
        word = {"layer": "图层", "setting": "设置"}[kind]
        zh = f"没有{word}“{item}”；现有：{'、'.join(known) or '无'}"
        return self.file.problem(kind, unknown(kind, item, known), zh)


def create_workspace(path: Path, title: str, *, patience_s: float = PATIENCE_S) -> Workspace:
    """Make an empty workspace, readable by its owner only.

    Raises InputError where there is one already, or the folder may not be written to.
    """
    file = WorkspaceFile(path, title, patience_s)
    file.create()
    return Workspace(file)


def open_workspace(path: Path, *, label: str = "", patience_s: float = PATIENCE_S) -> Workspace:
    """Open a workspace: what an interrupted save left half done is taken back, all is checked.

    `label` is what people call it, until its own title is read. Checking takes a tenth of a
    second per 50 MB: keep what is returned, rather than opening again.

    Raises InputError where it is not there, not a workspace, newer than this program, or damaged.
    """
    file = WorkspaceFile(path, label or path.name, patience_s)
    return Workspace(replace(file, label=file.check()))


def check_version(connection: sqlite3.Connection, n: int) -> None:
    """Read one version as if to show it; raises BrokenContentError or ValidationError."""
    version = versions.numbered(connection, n)
    if version is None or version.contents is None:
        return
    if version.change.kind == "setting":
        _value(version.contents)
        return
    LayerPayload.model_validate_json(version.contents.payload)
    _log(connection, version.contents)
    if version.contents.collection is None:
        raise BrokenContentError


def _nothing(_: sqlite3.Connection) -> None:
    """A setting stores nothing besides its version."""


def _info(one: Version, counts: Mapping[str, int]) -> StoredLayerInfo:
    if one.contents is None or one.contents.collection is None:
        raise BrokenContentError
    payload = LayerPayload.model_validate_json(one.contents.payload)
    return StoredLayerInfo(
        spec=payload.spec,
        version=one.change.n,
        time=one.change.time,
        author=one.change.author,
        features=counts.get(one.contents.collection, 0),
        intake=payload.intake,
        finding=payload.finding,
        original=payload.original,
    )


def _setting(one: Version) -> Setting:
    if one.contents is None:
        raise BrokenContentError
    return Setting(
        value=_value(one.contents),
        version=one.change.n,
        time=one.change.time,
        author=one.change.author,
    )


def _value(contents: Contents) -> JsonValue:
    value: JsonValue = json.loads(contents.payload)
    return value


def _log(connection: sqlite3.Connection, contents: Contents) -> tuple[dict[str, JsonValue], ...]:
    if contents.log is None:
        raise BrokenContentError
    return _LOG.validate_json(b"".join(kept(connection, contents.log)))
