"""The places that speak against a target: on a map, and ranked with where they lie."""

from collections.abc import Iterable
from hashlib import sha256

import geopandas as gpd
import pandas as pd
import shapely
import streamlit as st

from layers import Language
from spatial import Check, CheckResult
from spatial.export import about, csv_bytes, evidence_geojson
from spatial.measurement import Measurement
from spatial.phrases import (
    M2_PER_HA,
    area_text,
    full_title,
    names_in,
    people_text,
    phrase,
    unit_names,
)
from spatial.places import place_names
from spatial.plan import UNIT_ARGUMENTS
from views import chips
from views.drawing import (
    basis_badge,
    evidence_layer,
    evidence_legend,
    evidence_title,
    legend_group,
    map_frame,
    map_layer,
)
from views.facts import class_name, kind_name, lacking
from views.layer_tree import look_of
from views.leaflet import MapData, leaflet_map
from views.publish import leaflet_assets
from views.selection import OVERLAY
from views.session import Opened
from views.text import Words

_MOST_PLACES = 50
_WHERE_PX = 290
_DECIMALS = 6
"""Of a degree: a decimetre."""
_NOT_DRAWN = frozenset({"population", "raster"})
_ROW_PX, _HEAD_PX, _MOST_ROWS = 35, 38, 8


def show_places(opened: Opened, result: CheckResult, measured: Measurement, words: Words) -> None:
    """Draw the map and list the places, those that matter most first."""
    check, evidence = result.check, measured.evidence
    judged = result.verdict != "undetermined" or not evidence.empty
    said = _count(evidence, words)
    title = evidence_title(check.measure, words)
    st.markdown(f"**{title}** · {said}" if judged else f"**{words('checks.place_on_map')}**")
    if result.beside is not None and "people" in evidence:
        basis = chips.basis_chip(result.beside, words.lang)
        st.html(chips.line(chips.text(words("checks.people_beside"), muted=True), basis))
    shown = _map(opened, result, words)
    if not evidence.empty:
        _list(opened, result, evidence, words)
    with st.container(horizontal=True):
        if st.button(words("checks.on_map"), key=f"map.{check.id}", icon=":material/map:"):
            st.session_state[OVERLAY] = check.id
            for layer_id in shown:  # or what the share is taken of would not be seen
                st.session_state[f"on.{layer_id}"] = True
            st.switch_page(st.session_state["pages"]["map"])
        if not evidence.empty:
            st.download_button(
                words("checks.evidence_csv"),
                lambda: places_csv(opened, result, evidence, words),
                icon=":material/download:",
                file_name=f"{full_title(check, words.lang)}-{title}.csv",
                mime="text/csv",
                on_click="ignore",
                key=f"places.csv.{check.id}",
            )
            st.download_button(
                words("checks.evidence_geojson"),
                lambda: evidence_geojson(
                    opened.pack, result, words.lang, units=opened.plan.zone_statistics.zones
                ),
                icon=":material/download:",
                file_name=f"{full_title(check, words.lang)}-{title}.geojson",
                mime="application/geo+json",
                on_click="ignore",
                key=f"places.{check.id}",
            )


def _count(evidence: gpd.GeoDataFrame, words: Words) -> str:
    if evidence.empty:
        return words("checks.evidence_none")
    area_m2, count = float(evidence["area_m2"].sum()), f"{len(evidence):,}"
    if not area_m2:
        return words("checks.evidence_number", count=count)
    said = words("checks.evidence_count", count=count, area=area_text(area_m2, words.lang))
    if "people" in evidence:
        people = people_text(float(evidence["people"].sum()), words.lang)
        said += words("checks.evidence_people", people=people)
    return said


def _map(opened: Opened, result: CheckResult, words: Words) -> tuple[str, ...]:
    """Draw the places over the layers that they are places of; returns the ids of these."""
    check, lang = result.check, words.lang
    layer = evidence_layer(opened, result, words)
    bound = dict.fromkeys(
        layer_id
        for argument in (*UNIT_ARGUMENTS, "within")
        if argument in check.layers and argument not in _NOT_DRAWN
        for layer_id in check.layers[argument].all_layers
        if layer_id in opened.pack.layers
    )
    specs = [opened.pack.catalogue.layers[layer_id] for layer_id in bound]
    looks = {spec.id: look_of(spec) for spec in reversed(specs)}
    badges = basis_badge(opened, looks, lang)
    legend = [legend_group(spec, looks[spec.id], badges[spec.id], lang) for spec in specs]
    layers = [map_layer(opened, layer_id, look, lang) for layer_id, look in looks.items()]
    frame = map_frame(opened)
    data = MapData(
        lang=lang,
        strings=words.table("leaflet"),
        assets=leaflet_assets(),
        home=frame.home,
        layers=(*layers, layer) if layer else tuple(layers),
        legend=(evidence_legend(layer, result, words), *legend) if layer else tuple(legend),
        projection=frame.projection,
        height=420,
    )
    leaflet_map(key=f"evidence-{check.id}", data=data, on_click=_ignore, on_pick=_ignore)
    return tuple(bound)


def _ignore(event: object) -> None:
    """A click here selects nothing; the map page is where features speak."""


def _list(opened: Opened, result: CheckResult, evidence: gpd.GeoDataFrame, words: Words) -> None:
    table = places_table(opened, result, evidence.head(_MOST_PLACES), words)
    rows = min(len(table), _MOST_ROWS)
    numbers = {
        words("checks.place_area"): "%,.2f",
        words("checks.place_distance"): "%,.0f",
        words("checks.place_people"): "%,.0f",
        words("checks.place_share"): "%.0f%%",
    }
    st.dataframe(
        table,
        hide_index=True,
        height=_HEAD_PX + rows * _ROW_PX,
        column_config={
            words("checks.place"): st.column_config.NumberColumn(width=45),
            words("checks.where"): st.column_config.TextColumn(width=_WHERE_PX),
            **{title: st.column_config.NumberColumn(format=f) for title, f in numbers.items()},
        },
    )
    if len(evidence) > _MOST_PLACES:
        said = words("checks.places_cut", shown=_MOST_PLACES, count=f"{len(evidence):,}")
        st.caption(said)


def places_table(
    opened: Opened, result: CheckResult, evidence: gpd.GeoDataFrame, words: Words
) -> pd.DataFrame:
    """The places as a planner names them; columns that a measure does not give are left out."""
    pack, check, lang = opened.pack, result.check, words.lang
    zones = opened.plan.zone_statistics.zones
    columns: dict[str, object] = {words("checks.place"): evidence.index}
    units = unit_names(pack, check, lang)
    if check.unit_layers != (zones,):
        nowhere = words("checks.no_unit")
        named = [units.get(unit, unit) or nowhere for unit in evidence["unit"]]
        columns[words("checks.project" if "finding" in evidence else "facts.unit")] = named
    columns |= _said(opened, check, evidence, ("finding", "position"), words)
    if "class_code" in evidence:
        land, no_class = check.layers["land"].layer, words("facts.no_class")
        columns[words("facts.class_code")] = [
            class_name(pack, land, code, lang=lang) if isinstance(code, str) and code else no_class
            for code in evidence["class_code"]
        ]
    columns[words("checks.where")] = _where(opened, evidence, lang)
    if "people" in evidence:
        columns[words("checks.place_people")] = evidence["people"].to_numpy()
    if evidence["area_m2"].any():
        columns[words("checks.place_area")] = evidence["area_m2"].to_numpy() / M2_PER_HA
    columns |= _said(opened, check, evidence, ("state", "lacks", "kind", "override"), words)
    if "share" in evidence:
        columns[words("checks.place_share")] = evidence["share"].to_numpy() * 100
    if "nearest_stop" in evidence and "stops" in check.layers:
        stops = names_in(pack, check.layers["stops"].all_layers, lang)
        columns[words("facts.nearest")] = [stops.get(s, s) for s in evidence["nearest_stop"]]
        columns[words("checks.place_distance")] = evidence["nearest_m"].to_numpy()
    return pd.DataFrame(columns)


def places_csv(
    opened: Opened, result: CheckResult, evidence: gpd.GeoDataFrame, words: Words
) -> bytes:
    """The places as CSV, with what the page says around them."""
    lang = words.lang
    table = places_table(opened, result, evidence, words)
    middles = evidence.representative_point().to_crs("OGC:CRS84")
    for name, degrees in {"longitude": middles.x, "latitude": middles.y}.items():
        table[phrase("export", name, lang)] = degrees.round(_DECIMALS).to_numpy()
    for name, said in about(result, lang).items():
        table[phrase("export", name, lang)] = said
    return csv_bytes(table)


def _said(
    opened: Opened,
    check: Check,
    evidence: gpd.GeoDataFrame,
    names: Iterable[str],
    words: Words,
) -> dict[str, object]:
    """What is found of places, in words, of those things of which anything is."""
    there = [name for name in names if name in evidence and evidence[name].fillna("").any()]
    return {
        words(f"checks.place_{name}"): [
            _told(opened, check, name, one, words) for one in evidence[name]
        ]
        for name in there
    }


def _told(opened: Opened, check: Check, column: str, value: object, words: Words) -> str:
    """What is found of a place, in words."""
    if not isinstance(value, str) or not value:
        return "—"
    if column == "override":
        return value
    if column == "lacks":
        return lacking(opened.pack, value, words)
    if column == "kind":
        return kind_name(opened.pack, check, value, words.lang)
    return words(f"checks.{column}_{value}")


def _where(opened: Opened, evidence: gpd.GeoDataFrame, lang: Language) -> tuple[str, ...]:
    shapes = sha256(b"".join(shapely.to_wkb(evidence.geometry.to_numpy()))).hexdigest()
    return _named(opened, evidence, opened.key, shapes, lang)


@st.cache_data(max_entries=64, show_spinner=False)
def _named(
    _opened: Opened, _evidence: gpd.GeoDataFrame, key: str, shapes: str, lang: Language
) -> tuple[str, ...]:
    del key, shapes  # part of the cache key only
    zones = _opened.plan.zone_statistics.zones
    named = place_names(_opened.pack, list(_evidence.geometry), zones, lang)
    return tuple(place or "—" for place in named)
