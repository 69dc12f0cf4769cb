"""Which workspace is open: the browser's own or a named one, and how to take it elsewhere."""

import tempfile
from pathlib import Path

import streamlit as st

from layers import InputError
from layers.formats.geopackage import write_geopackage
from layers.workspace import SUFFIX, Workspace
from views import chips
from views.text import Words
from views.workspace import (
    session_workspace,
    turn_to,
    workspace_name,
    workspaces,
)

_FAILED = "workspace.failed"


def workspace_bar(words: Words) -> None:
    """One line: the workspace's name, and behind two buttons what can be done with it."""
    name = workspace_name()
    try:
        workspace = session_workspace()
    except InputError:
        workspace = None  # the page says why
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        title = name or words("own.unnamed")
        about = words("own.named_about") if name else words("own.unnamed_about")
        st.html(
            chips.line(
                chips.text(words("own.workspace")),
                f"<b>{chips.text(title)}</b>",
                chips.text(about, muted=True),
            ),
            width="content",
        )
        with st.popover(words("own.switch"), icon=":material/folder_open:"):
            _switch(workspace, words)
        with st.popover(words("own.take_away"), icon=":material/save_alt:"):
            _take_away(workspace, title, words)
    failed: str | None = st.session_state.pop(_FAILED, None)
    if failed:
        st.error(chips.unmarked(failed))


def _switch(workspace: Workspace | None, words: Words) -> None:
    """Open a named workspace, make one, or turn back to the browser's own."""
    st.caption(words("own.switch_about"))
    name = st.text_input(words("own.name"), key="workspace.wanted", max_chars=60).strip()
    who = st.text_input(words("own.who"), key="workspace.who", max_chars=40)
    with st.container(horizontal=True):
        st.button(
            words("own.open"),
            disabled=not name,
            on_click=_open,
            args=(name, who, words),
        )
        st.button(
            words("own.make"),
            disabled=not name,
            on_click=_make,
            args=(name, who, workspace, words),
            help=words("own.make_help"),
        )
    if workspace_name():
        st.button(words("own.back"), icon=":material/undo:", on_click=turn_to, args=("", ""))


def _open(name: str, who: str, words: Words) -> None:
    try:
        if workspaces().named(name) is None:
            st.session_state[_FAILED] = words("own.no_workspace", name=name)
        else:
            turn_to(name, who)
    except InputError as error:
        st.session_state[_FAILED] = error.problems[0].in_(words.lang)


def _make(name: str, who: str, workspace: Workspace | None, words: Words) -> None:
    """Make a named workspace: a copy of the one that is open, an empty one where there is none."""
    try:
        if workspace is None:
            workspaces().create(name)
        else:
            workspaces().copy(workspace, name)
        turn_to(name, who)
    except InputError as error:
        st.session_state[_FAILED] = error.problems[0].in_(words.lang)


def _take_away(workspace: Workspace | None, title: str, words: Words) -> None:
    """The workspace as one file, or its layers as a GeoPackage; and a file from elsewhere."""
    if workspace is None:
        st.caption(words("own.nothing_yet"))
    else:
        st.download_button(
            words("own.export"),
            lambda: _exported(workspace),
            file_name=f"{title}{SUFFIX}",
            icon=":material/download:",
            on_click="ignore",
            help=words("own.export_help"),
        )
        kinds = [info.spec.geometry for info in workspace.layers().values()]
        if any(kind != "raster" for kind in kinds):
            st.download_button(
                words("own.geopackage"),
                lambda: _geopackage(workspace),
                file_name=f"{title}.gpkg",
                icon=":material/download:",
                on_click="ignore",
            )
        if "raster" in kinds:
            st.caption(words("own.geopackage_no_rasters"))
    name = st.text_input(
        words("own.bring_name"), key="workspace.bring", max_chars=60, help=words("own.switch_about")
    ).strip()
    st.file_uploader(
        words("own.bring"),
        key="workspace.file",
        type=SUFFIX.removeprefix("."),
        help=words("own.bring_help"),
        disabled=not name,
        on_change=_bring,
        args=(name, words),
    )


def _exported(workspace: Workspace) -> bytes:
    with tempfile.TemporaryDirectory(prefix="planmap-") as folder:
        path = Path(folder) / f"copy{SUFFIX}"
        workspace.export_file(path)
        return path.read_bytes()


def _geopackage(workspace: Workspace) -> bytes:
    with tempfile.TemporaryDirectory(prefix="planmap-") as folder:
        path = Path(folder) / "layers.gpkg"
        write_geopackage(workspace, path)
        return path.read_bytes()


def _bring(name: str, words: Words) -> None:
    """Take a workspace from another machine under a name; none is written over."""
    file = st.session_state.get("workspace.file")
    if file is None:
        return
    with tempfile.TemporaryDirectory(prefix="planmap-") as folder:
        path = Path(folder) / f"brought{SUFFIX}"
        path.write_bytes(file.getvalue())
        try:
            workspaces().import_file(path, name=name, file_name=file.name)
        except InputError as error:
            st.session_state[_FAILED] = error.problems[0].in_(words.lang)
            return
    turn_to(name, "")
