"""Ready views: the layers that answer one question, in one click."""

import streamlit as st

from views.selection import pick, picked
from views.session import Opened
from views.text import Words

_KEY = "map.preset"


def offer_presets(opened: Opened, words: Words) -> None:
    """Offer the pack's presets; the one whose layers are just those on is marked."""
    presets = opened.pack.catalogue.pack.presets
    if not presets:
        return
    st.session_state[_KEY] = next(
        (name for name, preset in presets.items() if _shown(opened) == set(preset.layers)), None
    )
    st.pills(
        words("presets.label"),
        list(presets),
        key=_KEY,
        format_func=lambda name: presets[name].title.in_(words.lang),
        on_change=_apply,
        args=(opened,),
    )


def _shown(opened: Opened) -> set[str]:
    return {
        layer_id
        for layer_id, layer in opened.pack.layers.items()
        if st.session_state.get(f"on.{layer_id}", layer.spec.style.visible)
    }


def _apply(opened: Opened) -> None:
    preset = opened.pack.catalogue.pack.presets.get(st.session_state[_KEY] or "")
    if preset is not None:
        for layer_id in opened.pack.layers:
            st.session_state[f"on.{layer_id}"] = layer_id in preset.layers
        chosen = picked()
        if chosen is not None and chosen.hit.layer not in preset.layers:
            pick(None)  # or the panel would speak of what is not to be seen
