"""Widgets that change a check's parameters; shared by the map and the targets."""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st
from annotated_types import Ge, Gt, Le

from layers import InputError
from spatial import Check
from spatial.measures import MEASURES
from spatial.phrases import chart_scale, check_title, listed, number_text
from spatial.plan import OVERRIDES
from views.chips import text
from views.facts import class_name
from views.session import (
    FINDINGS,
    Opened,
    check_in_force,
    check_params,
    for_widget,
    is_same,
    limit_key,
    param_key,
    relabelled,
    remembered,
)
from views.text import TEXTS, Words

_STEPS = 10
_NO_CONCERN = frozenset({"seed", "code_digits"})
"""Numbers that say nothing to a planner; a run's record holds them."""
_RESTS_ON = {"station_radius_m": "stations"}
"""Numbers that matter only where an optional layer is bound."""
"""Parameter: projects whose kind a planner has judged, each with the kind and the reason."""
_MATRIX = "matrix"
"""Parameter: sample points by what the map shows (rows) and what was found (columns)."""
_SAMPLED = ("counting", "other")


def edit_params(
    opened: Opened, check_id: str, words: Words, *, width: int, definitions: bool
) -> None:
    """Let the planner change the numbers and classes of a check; the plan's own come first.

    A list comes with the classes of the land layer to choose from; other parameters stay as they
    are. `width` in pixels is that of a number; `definitions` offers the check's variants, too.
    """
    check = opened.plan.checks[check_id]
    for name, own in check.params.items():
        needed = _RESTS_ON.get(name)
        if name in _NO_CONCERN or (needed is not None and needed not in check.layers):
            continue
        label, about = words.or_bare(f"params.{name}"), _about(name, words)
        if isinstance(own, bool):
            key = remembered(param_key(check_id, name), own)
            st.checkbox(label, key=key, help=about, width=width, persist_state="session")
        elif isinstance(own, int | float):
            _number(check, name, label, about, width)
        elif isinstance(own, tuple) and name == "classes" and _land(opened, check):
            _classes(opened, check, name, words)
    choices = _choices(check)
    if choices and definitions:
        st.pills(
            words("params.variant"),
            choices,
            key=_variant_now(opened, check_id),
            format_func=lambda name: check.variants[name].title.in_(words.lang),
            on_change=_take_variant,
            args=(opened, check_id),
        )
    if is_changed(opened, check_id):
        st.button(
            words("params.restore"),
            key=f"restore.{check_id}",
            icon=":material/undo:",
            on_click=_restore,
            args=(opened, check_id),
            help=words("params.changed"),
        )


def _about(name: str, words: Words) -> str | None:
    key = f"{name}_help"
    return words(f"params.{key}") if key in TEXTS["params"] else None


def _number(check: Check, name: str, label: str, about: str | None, width: int) -> None:
    own = float(check.params[name])
    least, most = bounds(check, name)
    st.number_input(
        label,
        min_value=least,
        max_value=most,
        step=_step(check, name, own),
        format="%g",
        key=remembered(param_key(check.id, name), own),
        help=about,
        width=width,
        persist_state="session",
    )


def _step(check: Check, name: str, own: float) -> float:
    step = abs(own) / _STEPS or 1.0
    return float(max(round(step), 1)) if isinstance(check.params[name], int) else step


def bounds(check: Check, name: str) -> tuple[float, float | None]:
    """What the measure takes; where it asks for more than nought, one step is the least."""
    own = float(check.params[name])
    found = MEASURES[check.measure].params.model_fields[name].metadata
    least: float = min(0.0, own)
    most: float | None = None
    for bound in found:
        if isinstance(bound, Gt):
            least = max(least, float(str(bound.gt)) + min(1.0, _step(check, name, own)))
        elif isinstance(bound, Ge):
            least = max(least, float(str(bound.ge)))
        elif isinstance(bound, Le):
            most = float(str(bound.le))
    return min(least, own), most


def _classes(opened: Opened, check: Check, name: str, words: Words) -> None:
    land = _land(opened, check)
    own = check.params[name]
    key = relabelled(param_key(check.id, name), for_widget(own), words.lang)
    column = str(check.params.get("class_column", "class_code"))
    chosen = st.multiselect(
        words.or_bare(f"params.{name}"),
        _codes(opened, land, column, (*own, *st.session_state[key])),
        key=key,
        help=_about(name, words),
        format_func=partial(class_name, opened.pack, land, lang=words.lang),
        persist_state="session",
    )
    if not chosen:
        st.caption(words("params.none_chosen"))


def edit_limit(opened: Opened, check_id: str, words: Words, *, width: int) -> None:
    """Let the planner set a target of their own where the plan names no number."""
    check = opened.plan.checks[check_id]
    if check.target.comparison is not None:
        return
    scale, unit = chart_scale(check, words.lang)
    key, shown = limit_key(check_id), f"limit_shown.{check_id}"
    now = st.session_state.get(key)
    st.session_state[shown] = None if now is None else round(now * scale, 9)
    st.number_input(
        words("params.limit", unit=unit),
        min_value=0.0,
        max_value=100.0 if check.target.unit == "share" else None,
        value=None,
        format="%g",
        key=shown,
        placeholder=words("params.limit_none"),
        help=words("params.limit_help"),
        width=width,
        on_change=_take_limit,
        args=(key, shown, scale),
    )


def _take_limit(key: str, shown: str, scale: float) -> None:
    entered = st.session_state[shown]
    st.session_state[key] = None if entered is None else entered / scale


def edit_matrix(opened: Opened, check_id: str, words: Words) -> None:
    """Let the planner fill in what was found at sample points, by which a map is corrected."""
    check = opened.plan.checks[check_id]
    if _MATRIX not in check.params:
        return
    now = check_params(opened, check_id)[_MATRIX]
    rows = st.session_state.get(_draft_key(check_id)) or now or [[0.0] * len(_SAMPLED)] * 2
    found = [words(f"params.field_{kind}") for kind in _SAMPLED]
    shown = [words(f"params.map_{kind}") for kind in _SAMPLED]
    editor = f"matrix_editor.{check_id}"
    with st.expander(words("params.matrix"), expanded=_draft_key(check_id) in st.session_state):
        st.caption(words("params.matrix_help"))
        st.data_editor(
            pd.DataFrame([list(row) for row in rows], columns=found, index=shown, dtype="float64"),
            key=editor,
            width="content",
            column_config={
                title: st.column_config.NumberColumn(
                    min_value=0, step=1, format="%d", required=True
                )
                for title in found
            },
            on_change=_take_matrix,
            args=(opened, check_id, editor, [list(row) for row in rows], found),
        )
        if now is None:
            st.caption(words("params.matrix_none"))


def _draft_key(check_id: str) -> str:
    return f"matrix.{check_id}"


def _take_matrix(
    opened: Opened, check_id: str, editor: str, rows: list[list[float]], found: list[str]
) -> None:
    """Take what was entered; the measure gets it once it says enough to be used."""
    for row, cells in st.session_state[editor]["edited_rows"].items():
        for title, value in cells.items():
            if value is not None:
                rows[int(row)][found.index(title)] = float(value)
    st.session_state[_draft_key(check_id)] = rows
    try:
        opened.plan.checks[check_id].with_params({_MATRIX: rows})
    except InputError:
        rows = []
    st.session_state[param_key(check_id, _MATRIX)] = rows or None


def _choices(check: Check) -> list[str]:
    """The definitions that differ in parameters of the check only: these can be taken here."""
    return [
        name
        for name, variant in check.variants.items()
        if variant.params
        and not (variant.layers or variant.measure or variant.target or variant.judge)
        and set(variant.params) <= set(check.params)
    ]


def _variant_now(opened: Opened, check_id: str) -> str:
    """Key of the choice of definitions, set to the one that the parameters amount to."""
    check = opened.plan.checks[check_id]
    key, now = f"variant.{check_id}", check_params(opened, check_id)
    st.session_state[key] = next(
        (
            name
            for name in _choices(check)
            if all(is_same(now[param], v) for param, v in check.variants[name].params.items())
        ),
        None,
    )
    return key


def _take_variant(opened: Opened, check_id: str) -> None:
    variant = opened.plan.checks[check_id].variants.get(
        st.session_state[f"variant.{check_id}"] or ""
    )
    if variant is not None:
        for name, value in variant.params.items():
            st.session_state[param_key(check_id, name)] = for_widget(value)


def is_changed(opened: Opened, check_id: str) -> bool:
    """Whether a target is measured by another definition than the plan's own."""
    now = check_in_force(opened, check_id).params
    return any(
        not is_same(for_widget(own), for_widget(now[name]))
        for name, own in opened.plan.checks[check_id].params.items()
        if name not in FINDINGS
    )


def own_chips(opened: Opened, check_id: str, words: Words) -> str:
    """Say what of a target is not as the plan has it: its definition, judgements, samples.

    Where the plan's own number stands in the title, the plan's title is told beside the chip.
    """
    own, now = opened.plan.checks[check_id], check_in_force(opened, check_id)
    said, plans = [], ""
    if is_changed(opened, check_id):
        said.append(words("params.changed_chip"))
        title = check_title(own, words.lang)
        if title != check_title(now, words.lang):
            plans = f" {text(words('params.plans_title', title=title), muted=True)}"
    if judged := len(now.params.get(OVERRIDES, ())):
        said.append(words("params.judged_chip", count=judged))
    if now.params.get(_MATRIX) != own.params.get(_MATRIX):
        said.append(words("params.sampled_chip"))
    return " ".join(f'<span class="pm-chip">{text(one)}</span>' for one in said) + plans


def param_text(
    opened: Opened,
    check_id: str,
    name: str,
    value: Any,  # noqa: ANN401 - whatever a parameter may be
    words: Words,
) -> str:
    """Write the value of a parameter, classes by their names."""
    if isinstance(value, bool):
        return words(f"params.{'yes' if value else 'no'}")
    if isinstance(value, int | float):
        return number_text(float(value))
    if not isinstance(value, list | tuple):
        return str(value)
    land = _land(opened, opened.plan.checks[check_id]) if name == "classes" else ""
    named = [class_name(opened.pack, land, one, lang=words.lang) if land else one for one in value]
    return listed(named, words.lang)


def _restore(opened: Opened, check_id: str) -> None:
    """Back to the plan's definition; judgements, samples and targets of one's own stay."""
    for name, own in opened.plan.checks[check_id].params.items():
        if name not in FINDINGS:
            st.session_state[param_key(check_id, name)] = for_widget(own)


def _land(opened: Opened, check: Check) -> str:
    """The layer that says what the classes are called, empty where there is none."""
    land = check.layers["land"].layer if "land" in check.layers else ""
    return land if land in opened.pack.layers else ""


def _codes(opened: Opened, layer_id: str, column: str, own: tuple[str, ...]) -> list[str]:
    """The codes to choose from: those of the layer, of the plan, and those chosen before."""
    layer = opened.pack.layers.get(layer_id)
    present = [] if layer is None else layer.frame[column].dropna().astype(str).unique()
    return sorted({*present, *own})
