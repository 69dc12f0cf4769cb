"""Widgets that change a check's parameters; shared by the map and the targets."""

from functools import partial
from typing import Any

import streamlit as st

from views.facts import class_name
from views.session import Opened, check_params, for_widget, param_key, remembered
from views.text import Words

_LEAST, _STEPS = 1.0, 10


def edit_params(
    opened: Opened, check_id: str, words: Words, *, width: int, definitions: bool
) -> None:
    """Let the planner change the numbers and classes of a check; the plan's own come first.

    A list comes with the classes of the land layer to choose from; other parameters stay as they
    are. `width` in pixels is that of a number; `definitions` offers the check's variants, too.
    """
    check = opened.plan.checks[check_id]
    for name, own in check.params.items():
        key = remembered(param_key(check_id, name), for_widget(own))
        label, about = words.or_bare(f"params.{name}"), words.or_bare(f"params.{name}_help")
        if isinstance(own, int | float):
            st.number_input(
                label,
                min_value=min(_LEAST, float(own)),
                step=own / _STEPS,
                format="%g",
                key=key,
                help=about,
                width=width,
                persist_state="session",
            )
        elif isinstance(own, tuple) and "land" in check.layers:
            land = check.layers["land"].layer
            column = str(check.params.get("class_column", "class_code"))
            chosen = st.multiselect(
                label,
                _codes(opened, land, column, (*own, *st.session_state[key])),
                key=key,
                help=about,
                format_func=partial(class_name, opened.pack, land, lang=words.lang),
                persist_state="session",
            )
            if not chosen:
                st.caption(words("params.none_chosen"))
    if check.variants and definitions:
        st.pills(
            words("params.variant"),
            list(check.variants),
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


def _variant_now(opened: Opened, check_id: str) -> str:
    """Key of the choice of definitions, set to the one that the parameters amount to."""
    key, now = f"variant.{check_id}", check_params(opened, check_id)
    st.session_state[key] = next(
        (
            name
            for name, variant in opened.plan.checks[check_id].variants.items()
            if all(_same(now[param], value) for param, value in variant.params.items())
        ),
        None,
    )
    return key


def _same(one: Any, other: Any) -> bool:  # noqa: ANN401 - whatever a parameter may be
    if isinstance(one, list | tuple):
        return sorted(one) == sorted(other)
    return bool(one == other)


def _take_variant(opened: Opened, check_id: str) -> None:
    variant = opened.plan.checks[check_id].variants.get(
        st.session_state[f"variant.{check_id}"] or ""
    )
    if variant is not None:
        for name, value in variant.params.items():
            chosen = list(value) if isinstance(value, list | tuple) else float(value)
            st.session_state[param_key(check_id, name)] = chosen


def is_changed(opened: Opened, check_id: str) -> bool:
    """Whether the planner has other parameters than the plan's own."""
    own = opened.plan.checks[check_id].params
    now = check_params(opened, check_id)
    return any(for_widget(now[name]) != for_widget(own[name]) for name in own)


def _restore(opened: Opened, check_id: str) -> None:
    for name, own in opened.plan.checks[check_id].params.items():
        st.session_state[param_key(check_id, name)] = for_widget(own)


def _codes(opened: Opened, layer_id: str, column: str, own: tuple[str, ...]) -> list[str]:
    """The codes to choose from: those of the layer, of the plan, and those chosen before."""
    layer = opened.pack.layers.get(layer_id)
    present = [] if layer is None else layer.frame[column].dropna().astype(str).unique()
    return sorted({*present, *own})
