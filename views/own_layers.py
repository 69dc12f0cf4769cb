"""The layers that a planner has put into the workspace: what they are, and what can be done."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

import pandas as pd
import streamlit as st

from layers import InputError, Text, is_conclusive
from layers.catalogue import LayerSpec
from layers.findings import LOG_COLUMNS, readable
from layers.gate import DatumFinding
from layers.workspace import Change, ConflictError, StoredLayerInfo, Workspace
from spatial import Check, CheckResult
from spatial.export import csv_bytes
from spatial.own_raster import is_raster_layer, raster_measured_by
from spatial.phrases import check_title, figure_range_text, verdict_text
from views import chips
from views.layer_tree import locate
from views.session import Opened, result_of
from views.settings import change_text, conflict_text, reread_settings, setting_title
from views.text import Words
from views.workspace import author, session_workspace

_FAILED, _CHANGED, _CAME_TO = "own.failed", "own.changed", "own.came_to"
_MOST_CHANGES = 50
Titles: TypeAlias = Mapping[str, str]


def show_own_layers(opened: Opened, words: Words) -> None:
    """List the layers with what was declared and found; nothing where there are none."""
    workspace = session_workspace()
    if workspace is None:
        return
    failed = st.session_state.pop(_FAILED, None)
    if failed is not None:
        is_clash = isinstance(failed, ConflictError)
        said = conflict_text(opened, failed, words) if is_clash else failed.in_(words.lang)
        st.warning(chips.unmarked(said))
    infos = workspace.layers()
    if infos:
        st.html(f'<p class="pm-group">{chips.text(words("own.layers", count=len(infos)))}</p>')
        for layer_id, info in infos.items():
            _row(workspace, layer_id, info, words)
    _history(opened, workspace, words)


def _row(workspace: Workspace, layer_id: str, info: StoredLayerInfo, words: Words) -> None:
    lang, spec = words.lang, info.spec
    with st.container(border=True):
        facts = [
            f"<b>{chips.text(spec.title.in_(lang))}</b>",
            chips.basis_chip(spec.source.basis, lang),
            chips.text(_size(info, words)),
            chips.text(spec.source.datum, muted=True),
            chips.text(_when(info.time), muted=True),
        ]
        st.html(chips.line(*facts))
        said = [spec.source.name.in_(lang)]
        if info.finding:
            said.append(DatumFinding.model_validate(info.finding).sentence(lang))
        if reason := str(info.intake.get("insisted") or ""):
            said.append(words("own.insisted", reason=reason))
        st.html(chips.line(chips.text(" · ".join(said), muted=True)))
        with st.container(horizontal=True):
            if info.original is not None:
                st.download_button(
                    words("own.original"),
                    lambda: workspace.original(layer_id)[1],
                    file_name=info.original.name,
                    key=f"own.original.{layer_id}",
                    icon=":material/download:",
                    on_click="ignore",
                )
            if spec.geometry != "raster":  # nothing in it is mended
                st.download_button(
                    words("own.log"),
                    lambda: csv_bytes(_log(workspace, layer_id, words)),
                    file_name=f"{spec.title.in_(lang)}-{words('own.log_name')}.csv",
                    key=f"own.log.{layer_id}",
                    mime="text/csv",
                    icon=":material/receipt_long:",
                    on_click="ignore",
                )
            st.button(
                words("own.remove"),
                key=f"own.remove.{layer_id}",
                icon=":material/delete:",
                help=words("own.remove_help"),
                on_click=_change,
                args=(
                    lambda: workspace.remove_layer(layer_id, seen=info.version, author=author()),
                ),
            )


def _size(info: StoredLayerInfo, words: Words) -> str:
    """How many features there are, or of a raster how many cells."""
    match info.intake.get("size"):
        case [int(columns), int(rows)] if info.spec.geometry == "raster":
            return words("own.cells", columns=f"{columns:,}", rows=f"{rows:,}")
    return words("own.features", count=f"{info.features:,}")


def _log(workspace: Workspace, layer_id: str, words: Words) -> pd.DataFrame:
    records = list(workspace.layer(layer_id).log)
    return readable(pd.DataFrame(records, columns=list(LOG_COLUMNS)), words.lang)


def _change(change: Callable[[], object]) -> None:
    """Change the workspace; what stands in the way is said on the page."""
    try:
        change()
        reread_settings()
    except ConflictError as error:
        st.session_state[_FAILED] = error
    except InputError as error:
        st.session_state[_FAILED] = error.problems[0]


def _history(opened: Opened, workspace: Workspace, words: Words) -> None:
    """What was changed when, with undo and redo."""
    changes = workspace.history()
    if not changes:
        return
    steps, seen = workspace.steps(), changes[-1].n
    specs = {id_: info.spec for id_, info in workspace.layers().items()}
    specs |= opened.pack.catalogue.layers
    titles = {id_: spec.title.in_(words.lang) for id_, spec in specs.items()}
    with st.expander(words("own.history", count=len(changes))):
        with st.container(horizontal=True):
            st.button(
                words("own.undo", what=chips.unmarked(_what(opened, steps.undo, titles, words))),
                icon=":material/undo:",
                disabled=steps.undo is None,
                on_click=_change,
                args=(lambda: workspace.undo(seen=seen, author=author()),),
            )
            st.button(
                words("own.redo", what=chips.unmarked(_what(opened, steps.redo, titles, words))),
                icon=":material/redo:",
                disabled=steps.redo is None,
                on_click=_change,
                args=(lambda: workspace.redo(seen=seen, author=author()),),
            )
        st.dataframe(
            pd.DataFrame(
                {
                    words("own.when"): _when(change.time),
                    words("own.action"): change_text(change, words),
                    words("own.item"): _item(opened, change, titles, words),
                    words("own.author"): change.author,
                }
                for change in reversed(changes[-_MOST_CHANGES:])
            ),
            hide_index=True,
        )


def _what(opened: Opened, change: Change | None, titles: Titles, words: Words) -> str:
    if change is None:
        return words("own.nothing")
    return f"{change_text(change, words)} {_item(opened, change, titles, words)}"


def _item(opened: Opened, change: Change, titles: Titles, words: Words) -> str:
    if change.kind == "layer":
        return titles.get(change.item, change.item)
    return setting_title(opened, change.item, words)


def _when(time: dt.datetime) -> str:
    return f"{time.astimezone():%Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True)
class Said:
    """What a target says on the data that there are: in words, and whether of its stand-in."""

    text: str
    by_stand_in: bool


@dataclass(frozen=True, slots=True)
class _Note:
    """That a layer was kept in a version of the workspace, and what targets said before."""

    layer: str
    version: int
    title: Text
    before: Mapping[str, Said]


def said_by_targets(opened: Opened, layer_id: str, words: Words) -> Mapping[str, Said]:
    """What the targets say that may rest on a layer, by their ids.

    Those whose stand-in alone is measured on it are among them: whether it is measured in their
    place may depend on the layer itself.
    """
    return {
        check.id: _said(result_of(opened, check.id), words)
        for check in opened.plan.checks.values()
        if layer_id in {*_bound(check), *_bound(check, stand_in=True)}
    }


def note_change(spec: LayerSpec, version: int, before: Mapping[str, Said]) -> None:
    """Note that a layer was kept, and what its targets said before, for the page to tell."""
    _forget_changes()
    st.session_state[_CHANGED] = _Note(spec.id, version, spec.title, before)


def _bound(check: Check, *, stand_in: bool = False) -> tuple[str, ...]:
    """The layers that a target is measured on, or that its stand-in is, if it has one."""
    if stand_in and not check.stand_in:
        return ()
    one = check.defined(check.stand_in) if stand_in else check
    return tuple(
        dict.fromkeys(layer for binding in one.layers.values() for layer in binding.all_layers)
    )


def _said(result: CheckResult, words: Words) -> Said:
    """A target's status and value, for the comparison of before and after."""
    status, by_stand_in = verdict_text(result.status, words.lang), result.why == "proxy"
    if result.measured is None:
        return Said(status, by_stand_in)
    figure = figure_range_text(result.check, result.measured.whole, words.lang)
    if by_stand_in:
        figure = words("checks.proxy_value", value=figure)
    return Said(f"{status} · {figure}", by_stand_in)


def say_what_changed(opened: Opened, words: Words) -> None:
    """After a layer was kept: which targets rest on it, and what has become of them.

    What they came to is told as it was then, whatever is set or brought in later; once the layer
    is removed or replaced, by whomever, nothing is told any more.
    """
    note: _Note | None = st.session_state.get(_CHANGED)
    if note is None:
        return
    if opened.own_versions.get(note.layer) != note.version:
        _forget_changes()
        return
    after: Mapping[str, Said] | None = st.session_state.get(_CAME_TO)
    if after is None:
        after = {check_id: _said(result_of(opened, check_id), words) for check_id in note.before}
        st.session_state[_CAME_TO] = after
    checks = opened.plan.checks
    told = [
        check_id
        for check_id, was in note.before.items()
        if note.layer in _bound(checks[check_id]) or was.by_stand_in or after[check_id].by_stand_in
    ]
    compared = raster_measured_by(opened.plan, note.layer)
    with st.container(border=True):
        saved = words("own.saved", layer=note.title.in_(words.lang))
        st.html(chips.line(f"<b>{chips.text(saved)}</b>"))
        if told:
            rows = [
                {
                    words("own.target"): check_title(checks[check_id], words.lang),
                    words("own.before"): note.before[check_id].text,
                    words("own.after"): after[check_id].text,
                }
                for check_id in told
            ]
            st.dataframe(pd.DataFrame(rows), hide_index=True)
            bound = [_bound(checks[one], stand_in=after[one].by_stand_in) for one in told]
            loose = _still_loose(opened, chain.from_iterable(bound), words)
            if loose:
                st.caption(chips.unmarked(words("own.still_loose", layers=loose)))
        else:
            st.html(
                chips.line(chips.text(_no_target(opened, note.layer, compared, words), muted=True))
            )
        with st.container(horizontal=True):
            pages = st.session_state["pages"]
            is_drawn = not is_raster_layer(opened.pack, note.layer)
            if is_drawn and st.button(words("own.to_map"), icon=":material/map:"):
                locate(opened, note.layer)
                st.switch_page(pages["map"])
            if (told or compared) and st.button(
                words("own.to_checks"), icon=":material/checklist:"
            ):
                st.switch_page(pages["checks"])
            st.button(words("own.close"), on_click=_forget_changes)


def _no_target(opened: Opened, layer_id: str, compared: Sequence[str], words: Words) -> str:
    """Where no target rests on a layer: whether definitions of targets are measured on it."""
    if compared:
        titles = [check_title(opened.plan.checks[one], words.lang) for one in compared]
        return words("own.compared_only", targets=words("leaflet.list_comma").join(titles))
    if is_raster_layer(opened.pack, layer_id):
        return words("own.no_target_raster")
    return words("own.no_target")


def _still_loose(opened: Opened, bound: Iterable[str], words: Words) -> str:
    """The layers among these that are sketches still, and keep results indicative."""
    pack = opened.pack
    titles = [
        pack.catalogue.layers[layer].title.in_(words.lang)
        for layer in dict.fromkeys(bound)
        if layer in pack.layers and not is_conclusive(pack.layers[layer].basis)
    ]
    return words("leaflet.list_comma").join(titles)


def _forget_changes() -> None:
    st.session_state.pop(_CHANGED, None)
    st.session_state.pop(_CAME_TO, None)
