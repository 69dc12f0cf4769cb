"""地图: the plan on the map, a check laid over it, a feature's facts."""

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from layers import is_conclusive
from spatial import CheckResult
from spatial.phrases import check_title, reason
from views.address import read_address, write_address, write_selection
from views.chips import line, status_chip, text
from views.drawing import (
    Look,
    basis_badge,
    evidence_layer,
    evidence_legend,
    legend_group,
    map_frame,
    map_layer,
)
from views.exported_map import offer_map
from views.ground import choose_ground
from views.layer_tree import FIT, layer_tree, looks_on
from views.leaflet import Index, LegendGroup, MapData, MapLayer, leaflet_map
from views.params import edit_params, own_chips
from views.presets import offer_presets
from views.publish import leaflet_assets
from views.search import search_index
from views.selection import (
    OVERLAY,
    on_click,
    on_find,
    on_pick,
    selection,
    whole_page_wanted,
)
from views.session import Opened, check_in_force, relabelled, result_of
from views.text import Words


def show(opened: Opened, words: Words) -> None:
    """Draw the page."""
    read_address(opened)
    looks = looks_on(opened)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        offer_presets(opened, words)
        titles = _check_titles(opened, words)
        check_id = st.selectbox(
            words("map.overlay"),
            list(titles),
            key=relabelled(OVERLAY, "", "|".join(titles.values())),
            width=250,
            format_func=titles.__getitem__,
            persist_state="session",
            help=words("map.overlay_help"),
        )
        if check_id:
            edit_params(opened, check_id, words, width=130, definitions=False)
        tiles = choose_ground(words)
        result = result_of(opened, check_id) if check_id else None
        evidence = evidence_layer(opened, result, words) if result else None
        offer_map(opened, looks, result, words)
    st.html(_headline(opened, looks, result, words))
    write_address(opened, looks, check_id)
    index = search_index(opened)
    frame = map_frame(opened)
    data = MapData(
        lang=words.lang,
        strings=words.table("leaflet"),
        assets=leaflet_assets(),
        home=frame.home,
        layers=_layers(opened, looks, evidence, words),
        legend=_legend(opened, looks, evidence, result, words),
        fit=st.session_state.get(FIT),
        projection=frame.projection,
        tiles=tiles,
        search=Index(index.hash, index.url, index.content),
        titles={
            spec.id: spec.title.in_(words.lang) for spec in opened.pack.catalogue.layers.values()
        },
        share=True,
    )
    _map(opened, data, result, words)
    with st.sidebar:  # after the map, which people wait for
        layer_tree(opened, words)


@st.fragment
def _map(opened: Opened, data: MapData, result: CheckResult | None, words: Words) -> None:
    """The map and its panel: a click runs this again, and nothing else of the page."""
    if whole_page_wanted():
        st.rerun()
    write_selection()
    shown = replace(data, selection=selection(opened, result, words))
    leaflet_map(key="map", data=shown, on_click=on_click, on_pick=on_pick, on_find=on_find)


def _check_titles(opened: Opened, words: Words) -> Mapping[str, str]:
    """What can be laid over the map, each target with the parameters in force in its title."""
    checks = {id_: check_in_force(opened, id_) for id_ in opened.plan.checks}
    titles = {id_: check_title(check, words.lang) for id_, check in checks.items()}
    return {"": words("map.overlay_none"), **titles}


def _headline(
    opened: Opened, looks: Mapping[str, Look], result: CheckResult | None, words: Words
) -> str:
    """Say in words what is shown."""
    if result is not None:
        said = reason(opened.pack, result, words.lang)
        title = check_title(result.check, words.lang)
        return line(
            status_chip(result.status, words.lang),
            f"<b>{text(title)}</b>",
            own_chips(opened, result.check.id, words),
            text(said),
            text(result.check.cite.in_(words.lang), muted=True),
        )
    if not looks:
        return line(text(words("map.shown_nothing"), muted=True))
    titles = [opened.pack.catalogue.layers[layer].title.in_(words.lang) for layer in looks]
    said = f"{words('map.shown')}: " if words.lang == "en" else f"{words('map.shown')}："
    said += words("leaflet.list_comma").join(titles)
    if not all(is_conclusive(opened.pack.layers[layer].basis) for layer in looks):
        said += f" · {words('map.sketch_note')}"
    return line(text(said, muted=True))


def _layers(
    opened: Opened, looks: Mapping[str, Look], evidence: MapLayer | None, words: Words
) -> tuple[MapLayer, ...]:
    drawn = [
        map_layer(opened, layer_id, looks[layer_id], words.lang)
        for layer_id in opened.pack.layers
        if layer_id in looks
    ]
    return (*drawn, evidence) if evidence else tuple(drawn)


def _legend(
    opened: Opened,
    looks: Mapping[str, Look],
    evidence: MapLayer | None,
    result: CheckResult | None,
    words: Words,
) -> tuple[LegendGroup, ...]:
    badges = basis_badge(opened, looks, words.lang)
    groups = [
        legend_group(opened.pack.catalogue.layers[layer], look, badges[layer], words.lang)
        for layer, look in looks.items()
    ]
    if evidence is not None and result is not None:
        groups.insert(0, evidence_legend(evidence, result, words))
    return tuple(groups)
