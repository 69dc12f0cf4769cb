"""The layer tree in the sidebar: what is on, and how each layer looks."""

from collections.abc import Mapping
from urllib.parse import quote

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from layers import is_conclusive
from layers.catalogue import LayerSpec, Style
from spatial.phrases import basis_text
from views.chips import line, text, unmarked
from views.drawing import Look, bounds_of
from views.leaflet import Fit
from views.session import Opened, remembered
from views.tables import attribute_dialog
from views.text import Words

_OPEN = "tree.open"
FIT = "map.fit"
"""Session key of the bounds that the map is asked to show next."""


def looks_on(opened: Opened) -> Mapping[str, Look]:
    """The layers that are on in this session, with their looks; the tree need not be drawn yet."""
    return {
        layer_id: look_of(layer.spec)
        for layer_id, layer in opened.pack.layers.items()
        if st.session_state.get(f"on.{layer_id}", layer.spec.style.visible)
    }


def layer_tree(opened: Opened, words: Words) -> None:
    """Draw the tree."""
    catalogue = opened.pack.catalogue
    for group, title in catalogue.pack.groups.items():
        specs = [
            spec
            for spec in catalogue.layers.values()
            if spec.group == group and spec.geometry != "raster"
        ]
        if not specs:
            continue
        _group_row(group, title.in_(words.lang), words)
        for spec in specs:
            if spec.id in opened.pack.layers:
                _row(opened, spec, words)
            else:
                _missing_row(opened, spec, words)


def _group_row(group: str, title: str, words: Words) -> None:
    """A group's name, and its opacity behind a button."""
    with _ends():
        st.html(f'<p class="pm-group">{text(title)}</p>', width="stretch")
        st.button(
            "",
            key=f"more.group.{group}",
            type="tertiary",
            icon=":material/opacity:",
            help=words("map.group_opacity", group=title),
            on_click=_toggle_settings,
            args=(f"group.{group}",),
        )
    if st.session_state.get(_OPEN) == f"group.{group}":
        st.slider(
            words("map.group_opacity", group=title),
            0.0,
            1.0,
            step=0.05,
            key=remembered(f"opacity.group.{group}", 1.0),
            persist_state="session",
        )


def _ends() -> DeltaGenerator:
    """A row with two ends, which columns would put under each other on a phone."""
    return st.container(
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="center",
        wrap=False,
        gap=None,
    )


def look_of(spec: LayerSpec) -> Look:
    """The look that the planner has given a layer in this session, else the pack's."""
    state = st.session_state
    style = spec.style
    colour = state.get(f"colour.{spec.id}")
    if colour and colour != main_colour(spec):
        on = "line" if _is_outline(spec) else "fill"
        style = style.model_copy(update={on: colour})
    own, group = (
        float(state.get(f"opacity.{name}", 1.0)) for name in (spec.id, f"group.{spec.group}")
    )
    return Look(style, own * group)


def _row(opened: Opened, spec: LayerSpec, words: Words) -> None:
    lang = words.lang
    layer = opened.pack.layers[spec.id]
    title = spec.title.in_(lang)
    colour = "gray" if is_conclusive(layer.basis) else "orange"
    badge = f":{colour}-badge[{basis_text(layer.basis, lang)}]"
    with _ends():
        st.checkbox(
            f"![]({_swatch(spec, look_of(spec).style)}) {unmarked(title)} {badge}",
            key=remembered(f"on.{spec.id}", spec.style.visible),
            persist_state="session",
            width="stretch",
            wrap=True,
        )
        st.button(
            "",
            key=f"more.{spec.id}",
            type="tertiary",
            icon=":material/tune:",
            help=words("map.more", layer=unmarked(title)),
            on_click=_toggle_settings,
            args=(spec.id,),
        )
    if st.session_state.get(_OPEN) == spec.id:
        _settings(opened, spec, words)


def _missing_row(opened: Opened, spec: LayerSpec, words: Words) -> None:
    title = spec.title.in_(words.lang)
    why = "unavailable_layer" if spec.id in opened.pack.unavailable else "missing_layer"
    said = words(f"map.{why}")
    st.checkbox(
        f"{unmarked(title)}（{said}）" if words.lang == "zh" else f"{unmarked(title)} ({said})",
        value=False,
        disabled=True,
        key=f"missing.{spec.id}",
        help=unmarked(spec.note.in_(words.lang)) or None,
    )


def _settings(opened: Opened, spec: LayerSpec, words: Words) -> None:
    lang = words.lang
    layer = opened.pack.layers[spec.id]
    with st.container(border=True):
        count = words("map.features", count=f"{len(layer.frame):,}")
        about = spec.note.in_(lang)
        st.html(line(text(f"{count} · {about}" if about else count, muted=True)))
        st.slider(
            words("map.opacity"),
            0.0,
            1.0,
            step=0.05,
            key=remembered(f"opacity.{spec.id}", 1.0),
            persist_state="session",
        )
        if not spec.style.classes:
            st.color_picker(
                words("map.colour"),
                persist_state="session",
                key=remembered(f"colour.{spec.id}", main_colour(spec)),
            )
        with st.container(horizontal=True):
            st.button(
                words("map.locate"),
                key=f"locate.{spec.id}",
                icon=":material/center_focus_strong:",
                on_click=locate,
                args=(opened, spec.id),
            )
            if st.button(words("map.table"), key=f"table.{spec.id}", icon=":material/table_rows:"):
                attribute_dialog(opened.pack, spec.id, words)
            st.button(
                words("map.reset"),
                key=f"reset.{spec.id}",
                icon=":material/undo:",
                on_click=_reset,
                args=(spec,),
            )


def _toggle_settings(layer_id: str) -> None:
    already = st.session_state.get(_OPEN) == layer_id
    st.session_state[_OPEN] = None if already else layer_id


def locate(opened: Opened, layer_id: str) -> None:
    """Switch a layer on and have the map show all of it."""
    frame = opened.pack.layers[layer_id].frame
    number = st.session_state.get("map.fits", 0) + 1
    st.session_state["map.fits"] = number
    st.session_state[FIT] = Fit(bounds_of(frame.geometry, opened.pack), str(number))
    st.session_state[f"on.{layer_id}"] = True


def _reset(spec: LayerSpec) -> None:
    st.session_state[f"opacity.{spec.id}"] = 1.0
    st.session_state[f"colour.{spec.id}"] = main_colour(spec)


def _is_outline(spec: LayerSpec) -> bool:
    return spec.geometry == "line" or spec.style.fill_opacity == 0


def main_colour(spec: LayerSpec) -> str:
    """The colour of a layer that a planner may change: its fill, or its line where it has none."""
    return spec.style.line if _is_outline(spec) else spec.style.fill


def _swatch(spec: LayerSpec, style: Style) -> str:
    """A small picture of a layer's look, as a data address: the label's own image."""
    fills = [cls.fill or style.fill for cls in style.classes[:3]] or [style.fill]
    lines = [cls.line for cls in style.classes[:1] if cls.line] or [style.line]
    dash = f' stroke-dasharray="{style.dash}"' if style.dash else ""
    stroke = f'stroke="{lines[0]}" stroke-width="1.5"{dash}'
    if spec.geometry == "point":
        shape = f'<circle cx="8" cy="8" r="5" fill="{fills[0]}" {stroke}/>'
    elif spec.geometry == "line":
        shape = f'<path d="M1 12 6 5l4 5 5-6" fill="none" {stroke}/>'
    else:
        opacity = max(style.fill_opacity, 0.4) if style.fill_opacity else 0
        width = 14 / len(fills)
        bands = "".join(
            f'<rect x="{1 + number * width:.1f}" y="2" width="{width:.1f}" height="12" '
            f'fill="{fill}" fill-opacity="{opacity}"/>'
            for number, fill in enumerate(fills)
        )
        shape = f'{bands}<rect x="1" y="2" width="14" height="12" fill="none" {stroke}/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16">{shape}</svg>'
    return f"data:image/svg+xml,{quote(svg)}"
