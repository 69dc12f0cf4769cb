"""The workspace of this session, and the planner's own layers in the pack."""

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import streamlit as st

from layers import InputError, Layer, Problem
from layers.intake import OWN_GROUP, own_layer
from layers.limits import Limits
from layers.load import RasterLayer
from layers.own_raster import own_raster
from layers.workspace import Workspace, Workspaces, default_folder
from views.draft import reader
from views.session import Opened, pack_folder
from views.text import TEXTS, Words
from views.visitor import keep_shared, keep_token, known_shared, known_token, show_cookies

_OPEN, _PROBLEM = "workspace.open", "workspace.problem"


def workspaces() -> Workspaces:
    """The workspaces on this server."""
    return Workspaces(default_folder(os.environ, sys.platform, Path.home()))


def workspace_name() -> str:
    """Name of the workspace that is open in this session, empty for the browser's own."""
    return known_shared(_place())[0]


def turn_to(name: str, author: str) -> None:
    """Take a named workspace for this session, or the browser's own by an empty name."""
    keep_shared(name, author.strip())


def author() -> str:
    """Who changes something, as far as they have said."""
    return known_shared(_place())[1]


def session_workspace() -> Workspace | None:
    """The workspace of this session, None where nothing has been kept yet.

    It is checked through when it is opened, so it is opened once in a session.

    Raises InputError where there is one that cannot be read.
    """
    name, token = workspace_name(), known_token(_place())
    key, held = st.session_state.get(_OPEN, ("", None))
    if held is None or key != (name or token) or not held.path.exists():
        found = workspaces().named(name) if name else workspaces().anonymous(token or "")
        st.session_state[_OPEN] = (name or token, found)
        return found
    workspace: Workspace = held
    return workspace


def ensured_workspace(words: Words) -> Workspace:
    """The workspace of this session, a new one of this browser's own where there is none."""
    workspace = session_workspace()
    if workspace is None:
        token, workspace = workspaces().new_anonymous(words("own.unnamed"))
        keep_token(token)
    return workspace


def remember_workspace() -> None:
    """Have the browser remember which workspace it has."""
    show_cookies(_place())


def with_own_layers(opened: Opened) -> Opened:
    """Put the planner's own layers into the pack.

    A workspace that cannot be read leaves the pack as it is; `workspace_problem` then says why.
    """
    st.session_state.pop(_PROBLEM, None)
    try:
        workspace = session_workspace()
        if workspace is None:
            return opened
        versions = {id_: info.version for id_, info in workspace.layers().items()}
        key = "|".join(f"{id_}:{version}" for id_, version in sorted(versions.items()))
        if not key:
            return opened
        return _overlaid(opened, workspace, versions, f"{workspace.path}|{key}", opened.files)
    except InputError as error:
        st.session_state[_PROBLEM] = error.problems[0]
        return opened


def workspace_problem() -> Problem | None:
    """What keeps the workspace from being read."""
    found: Problem | None = st.session_state.get(_PROBLEM)
    return found


@st.cache_resource(max_entries=16, show_spinner=False)
def _overlaid(
    _opened: Opened, _workspace: Workspace, _versions: Mapping[str, int], own: str, files: str
) -> Opened:
    del files  # part of the cache key only
    metric_crs = _opened.pack.catalogue.pack.metric_crs
    infos, limits = _workspace.layers(), _opened.pack.catalogue.pack.limits
    path = str(_workspace.path)
    layers: list[Layer | RasterLayer] = [
        _own_raster(_workspace, limits, path, layer_id, version)
        if layer_id in infos and infos[layer_id].spec.geometry == "raster"
        else _own_layer(_workspace, metric_crs, path, layer_id, version)
        for layer_id, version in _versions.items()
    ]
    pack = _opened.pack.with_layers(layers)
    head = pack.catalogue.pack
    if any(layer.spec.group == OWN_GROUP for layer in layers):
        groups = {**head.groups, OWN_GROUP: TEXTS["own"]["group"]}
        head = head.model_copy(update={"groups": groups})
        pack = replace(pack, catalogue=pack.catalogue.model_copy(update={"pack": head}))
    return replace(_opened, pack=pack, own=own, own_versions=_versions)


@st.cache_resource(max_entries=64, show_spinner=False)
def _own_layer(
    _workspace: Workspace, metric_crs: str, path: str, layer_id: str, version: int
) -> Layer:
    del path  # part of the cache key only
    stored = _workspace.layer(layer_id, version=version)
    return own_layer(stored.spec, stored.frame.to_crs(metric_crs))


@st.cache_resource(max_entries=8, show_spinner=False)
def _own_raster(
    _workspace: Workspace, _limits: Limits, path: str, layer_id: str, version: int
) -> RasterLayer:
    """Read a raster once, not at every run of the page: a fine one takes seconds."""
    del path  # part of the cache key only
    stored = _workspace.layer(layer_id, version=version)
    return own_raster(_workspace, stored, version, reader(_limits))


def _place() -> str:
    """The pack's folder: each has a workspace of its own."""
    return str(pack_folder())
