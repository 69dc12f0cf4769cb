"""What the planner has set, kept in the workspace: parameters, looks, loaded values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st
from pydantic import JsonValue

from layers.workspace import Change, ConflictError, Workspace
from spatial.phrases import check_title
from spatial.plan import OVERRIDES
from views.chips import line, text
from views.layer_tree import main_colour
from views.session import Opened, brought, for_widget
from views.text import Words
from views.workspace import (
    author,
    ensured_workspace,
    session_workspace,
    workspace_problem,
)
from views.zones import ZONES, zone_choices

_KEPT, _CLASHES = "settings.kept", "settings.clashes"
_PARAM, _LIMIT, _COLOUR, _OPACITY = "param.", "limit.", "colour.", "opacity."
_KINDS = (_PARAM, _LIMIT, _COLOUR, _OPACITY, ZONES)
INDICATOR_VALUES = "indicators.values"
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Kept:
    """A setting as the workspace has it, None as the value where it has none."""

    value: JsonValue
    version: int | None


def restore_settings(opened: Opened) -> None:
    """Take the settings from the workspace, once in a session and for each workspace."""
    if workspace_problem() is not None:
        return
    workspace = session_workspace()
    path = "" if workspace is None else str(workspace.path)
    before, _ = st.session_state.get(_KEPT, (None, {}))
    if before == path:
        return
    held = brought()
    if before is not None:
        for key in _current(opened).keys() - held:  # those of the workspace that was open before
            del st.session_state[key]
    found: dict[str, Kept] = {}
    if workspace is not None:
        for key, setting in workspace.settings().items():
            found[key] = Kept(setting.value, setting.version)
            if key not in held:
                st.session_state[key] = _into_session(key, setting.value)
    st.session_state[_KEPT] = (path, found)


def reread_settings() -> None:
    """Take the settings anew, as after an undo."""
    st.session_state[_KEPT] = ("before", {})


def keep_settings(opened: Opened, words: Words) -> bool:
    """Keep what has been set since; what somebody else has set meanwhile is not written over.

    The page asks which of the two shall be; until then this session goes on with its own. What a
    link has brought is nobody's setting. Tells whether a workspace was made to keep it in, of
    which the browser knows nothing yet.
    """
    if workspace_problem() is not None:
        return False
    _, known = st.session_state.get(_KEPT, ("", {}))
    now, held = _current(opened), brought()
    clashes: dict[str, ConflictError] = st.session_state.setdefault(_CLASHES, {})
    changed = {
        key: now.get(key)
        for key in {*now, *known}
        if key not in clashes
        and key not in held
        and now.get(key) != getattr(known.get(key), "value", None)
    }
    is_new = bool(changed) and session_workspace() is None
    if changed:
        workspace = ensured_workspace(words)
        for key, value in sorted(changed.items()):
            _keep(workspace, key, value, known)
        st.session_state[_KEPT] = (str(workspace.path), known)
    return is_new


def own_setting(opened: Opened, key: str) -> Any:  # noqa: ANN401 - whatever a widget holds
    """What the planner has set themselves, whatever a link has brought: else the pack's own."""
    _, known = st.session_state.get(_KEPT, ("", {}))
    kept: Kept | None = known.get(key)
    if kept is None or kept.value is None:
        return _own_values(opened).get(key)
    return _into_session(key, kept.value)


def ask_about_clashes(opened: Opened, words: Words) -> None:
    """Ask where another session has set the same thing: keep theirs, or take mine over it."""
    clashes: dict[str, ConflictError] = st.session_state.get(_CLASHES, {})
    for key, clash in list(clashes.items()):
        said = conflict_text(opened, clash, words)
        with st.container(border=True):
            st.html(line(text(said)))
            with st.container(horizontal=True):
                for mine, label in ((False, "keep_theirs"), (True, "save_mine")):
                    st.button(
                        words(f"own.{label}"),
                        key=f"{label}.{key}",
                        on_click=_settle,
                        args=(key,),
                        kwargs={"mine": mine},
                    )


def conflict_text(opened: Opened, clash: ConflictError, words: Words) -> str:
    """Say who has changed what meanwhile, in the names that the page uses."""
    item = clash.theirs.item
    layer = opened.pack.catalogue.layers.get(item)
    if clash.theirs.kind == "setting":
        what = setting_title(opened, item, words)
    else:
        what = item if layer is None else layer.title.in_(words.lang)
    return words(
        "own.clash",
        what=what,
        who=clash.theirs.author or words("own.somebody"),
        when=f"{clash.theirs.time.astimezone():%H:%M}",
    )


def change_text(change: Change, words: Words) -> str:
    """What was done in a change, in a planner's words: a layer is kept, a parameter changed."""
    if change.kind == "layer" or change.action not in {"saved", "removed"}:
        return words(f"own.action_{change.action}")
    judged = change.item.startswith(_PARAM) and change.item.endswith(f".{OVERRIDES}")
    return words(f"own.{'judged' if judged else 'setting'}_{change.action}")


def setting_title(opened: Opened, key: str, words: Words) -> str:
    """Name a setting as people know it: the radius of a target, the colour of a layer."""
    kind, _, rest = key.partition(".")
    if key == INDICATOR_VALUES:
        return words("own.setting_indicators")
    if key.startswith(_PARAM):
        check_id, _, name = rest.partition(".")
        check = opened.plan.checks.get(check_id)
        title = rest if check is None else check_title(check, words.lang)
        return words("own.setting_param", title=title, name=words.or_bare(f"params.{name}"))
    if key.startswith(_LIMIT):
        limited = opened.plan.checks.get(rest)
        title = rest if limited is None else check_title(limited, words.lang)
        return words("own.setting_limit", title=title)
    if key.startswith(ZONES):
        return words(f"own.setting_zones_{rest}")
    pack = opened.pack.catalogue
    group = pack.pack.groups.get(rest.removeprefix("group."))
    layer = pack.layers.get(rest)
    found = layer.title if layer is not None else group
    return words(f"own.setting_{kind}", title=rest if found is None else found.in_(words.lang))


def _settle(key: str, *, mine: bool) -> None:
    clash: ConflictError = st.session_state[_CLASHES].pop(key)
    workspace = session_workspace()
    if workspace is None:
        return
    path, known = st.session_state[_KEPT]
    theirs = workspace.settings().get(key)
    known[key] = Kept(None if theirs is None else theirs.value, clash.theirs.n)
    if not mine and theirs is None:
        st.session_state.pop(key, None)
    elif not mine and theirs is not None:
        st.session_state[key] = _into_session(key, theirs.value)
    st.session_state[_KEPT] = (path, known)


def _keep(workspace: Workspace, key: str, value: JsonValue, known: dict[str, Kept]) -> None:
    before = known.get(key)
    seen = None if before is None else before.version
    try:
        if value is None:
            version = workspace.remove_setting(key, seen=seen, author=author())
        else:
            version = workspace.save_setting(key, value, seen=seen, author=author())
    except ConflictError as error:
        st.session_state[_CLASHES][key] = error
    else:
        known[key] = Kept(value, version)


def _current(opened: Opened) -> dict[str, JsonValue]:
    """What is set in this session and is not the pack's own."""
    own = _own_values(opened)
    return {
        str(key): _into_json(str(key), value)
        for key, value in st.session_state.items()
        if (str(key).startswith(_KINDS) or key == INDICATOR_VALUES)
        and value is not None
        and own.get(str(key), _ABSENT) != value
    }


def _own_values(opened: Opened) -> Mapping[str, Any]:
    pack, plan = opened.pack, opened.plan
    params = {
        f"{_PARAM}{check.id}.{name}": for_widget(value)
        for check in plan.checks.values()
        for name, value in check.params.items()
    }
    specs = pack.catalogue.layers.values()
    colours = {f"{_COLOUR}{spec.id}": main_colour(spec) for spec in specs}
    opacities = {f"{_OPACITY}{spec.id}": 1.0 for spec in specs}
    opacities |= {f"{_OPACITY}group.{group}": 1.0 for group in pack.catalogue.pack.groups}
    return {**params, **colours, **opacities, **zone_choices(opened), INDICATOR_VALUES: {}}


def _into_json(key: str, value: Any) -> JsonValue:  # noqa: ANN401 - whatever a widget holds
    if key == INDICATOR_VALUES:  # years are numbers, which JSON has no keys of
        return {name: {str(y): v for y, v in years.items()} for name, years in value.items()}
    json: JsonValue = for_widget(value) if isinstance(value, tuple | Mapping) else value
    return json


def _into_session(key: str, value: Any) -> Any:  # noqa: ANN401 - whatever a widget holds
    if key == INDICATOR_VALUES:
        return {name: {int(y): v for y, v in years.items()} for name, years in value.items()}
    return value
