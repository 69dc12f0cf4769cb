"""分区统计: what each zone holds, as a table, a chart and a shaded map, to take away."""

from functools import partial

import altair as alt
import pandas as pd
import streamlit as st

from layers import is_conclusive
from spatial import ZoneTable, polygon_layers
from spatial.export import zones_bytes
from spatial.phrases import basis_text, feature_names
from views.drawing import layer_name, map_frame
from views.leaflet import MapData, leaflet_map
from views.publish import leaflet_assets
from views.session import Opened, remembered, zone_table
from views.shading import shaded_layer, shading, value_text
from views.text import Words

_DEFAULT = (
    "area_m2",
    "blue_green_share",
    "built_up_m2",
    "people",
    "stops",
    "covered_share",
    "gap_m2",
)
_SHADED = ("built_up_covered_share", "covered_share", "blue_green_share", "area_m2")
_MIME = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "geojson": "application/geo+json",
}


def show(opened: Opened, words: Words) -> None:
    """Draw the page."""
    lang = words.lang
    st.html(f'<p class="pm-line pm-muted">{words("zones.intro")}</p>')
    with st.container(horizontal=True, vertical_alignment="bottom"):
        layer_id = _choose_layer(opened, words)
        radius_m = st.number_input(
            words("zones.radius"),
            min_value=50.0,
            max_value=5000.0,
            step=50.0,
            format="%.0f",
            key=remembered("zones.radius", float(opened.plan.zone_statistics.radius_m)),
            width=160,
            persist_state="session",
        )
        table = zone_table(opened, layer_id, radius_m, _choose_definition(opened, words))
        # Areas are read in hectares here, so the column of hectares would stand twice.
        offered = [column for column in table.columns if column != "area_ha"]
        chosen = st.selectbox(
            words("zones.chosen"),
            offered,
            width=300,
            persist_state="session",
            key=remembered("zones.chosen", next(c for c in _SHADED if c in table.columns)),
            format_func=lambda column: table.title(column, lang, hectares=True),
        )
        with st.popover(words("zones.columns"), icon=":material/view_column:"):
            picked = st.multiselect(
                words("zones.columns"),
                offered,
                persist_state="session",
                key=remembered("zones.columns", [c for c in _DEFAULT if c in table.columns]),
                format_func=lambda column: table.title(column, lang, hectares=True),
                width=420,
            )
        _downloads(opened, table, words)
    if not is_conclusive(table.basis):
        st.warning(
            words("zones.sketch_warning", basis=basis_text(table.basis, lang)),
            icon=":material/edit:",
        )
    columns = [column for column in table.columns if column in picked]
    if not columns:
        st.info(words("zones.no_columns"))
        return
    _table(opened, table, columns, words)
    left, right = st.columns([2, 3], gap="medium")
    with left:
        _chart(opened, table, chosen, words)
    with right:
        _map(opened, table, chosen, words)


def _choose_layer(opened: Opened, words: Words) -> str:
    layers = polygon_layers(opened.pack)
    first = opened.plan.zone_statistics.zones
    return st.selectbox(
        words("zones.layer"),
        layers,
        width=300,
        persist_state="session",
        key=remembered(
            "zones.layer", first if first in layers else opened.pack.catalogue.pack.area
        ),
        format_func=lambda id_: layer_name(opened, id_, words.lang),
    )


def _choose_definition(opened: Opened, words: Words) -> str:
    """Short name of the definition of blue-green space; empty where there is none to choose."""
    parts = opened.plan.zone_statistics
    if not parts.definitions or parts.land is None or parts.land.layer not in opened.pack.layers:
        return ""
    return st.selectbox(
        words("zones.definition"),
        list(parts.definitions),
        width=240,
        persist_state="session",
        key=remembered("zones.definition", parts.definition or next(iter(parts.definitions))),
        format_func=lambda name: parts.definitions[name].title.in_(words.lang),
        help=words("zones.definition_help"),
    )


def _downloads(opened: Opened, table: ZoneTable, words: Words) -> None:
    title = opened.pack.catalogue.layers[table.layer].title.in_(words.lang)
    name = f"{title} {words('app.page_zones')}"
    with st.popover(words("zones.download"), icon=":material/download:"):
        for suffix, mime in _MIME.items():
            st.download_button(
                words(f"zones.{suffix}"),
                partial(zones_bytes, opened.pack, table, f".{suffix}", words.lang),
                file_name=f"{name}.{suffix}",
                mime=mime,
                icon=":material/download:",
                on_click="ignore",
                key=f"zones.download.{suffix}",
                width="stretch",
            )


def _table(opened: Opened, table: ZoneTable, columns: list[str], words: Words) -> None:
    """The zones as a sortable table, and the total under it, where sorting cannot move it."""
    lang = words.lang
    named = table.named(opened.pack, lang, hectares=True)
    name, basis = named.columns[1], named.columns[-1]
    titles = {column: table.title(column, lang, hectares=True) for column in columns}
    config = {
        title: st.column_config.NumberColumn(
            format="%,d"
            if column in {"terminals", "stops"}
            else "%,.0f"
            if column == "people"
            else "%,.1f"
        )
        for column, title in titles.items()
    }
    st.dataframe(
        named[[name, *titles.values(), basis]],
        hide_index=True,
        column_config={**config, name: st.column_config.TextColumn(pinned=True)},
        key="zones.table",
        height="content",
    )
    cells = " · ".join(
        f"{table.heading(column, lang)} {value_text(column, table.total[column], words)}"
        for column in columns
    )
    st.markdown(f"**{words('zones.total')}** · {cells}", help=words("zones.total_help"))


def _chart(opened: Opened, table: ZoneTable, chosen: str, words: Words) -> None:
    names = feature_names(opened.pack, table.layer, words.lang)
    shades = shading(table, chosen, words)
    title = table.title(chosen, words.lang)
    values = table.frame[chosen] * (100 if chosen.endswith("_share") else 1)
    rows = pd.DataFrame(
        {
            "zone": [names[str(zone)] for zone in values.index],
            "value": values.to_numpy(),
            "colour": [shades.colours[shades.classes[str(zone)]] for zone in values.index],
            "said": [value_text(chosen, value, words) for value in table.frame[chosen]],
        }
    )
    chart = (
        alt.Chart(rows.dropna(subset=["value"]))
        .mark_bar(stroke="#1d5c63", strokeWidth=0.5, height={"band": 0.7})
        .encode(
            x=alt.X("value:Q", title=title, axis=alt.Axis(format="~s")),
            y=alt.Y("zone:N", sort="-x", title=None, axis=alt.Axis(labelLimit=180)),
            color=alt.Color("colour:N", scale=None, legend=None),
            tooltip=[
                alt.Tooltip("zone:N", title=words("zones.zone")),
                alt.Tooltip("said:N", title=table.heading(chosen, words.lang)),
            ],
        )
        .properties(height=max(120, 38 * len(rows)))
    )
    st.altair_chart(chart)


def _map(opened: Opened, table: ZoneTable, chosen: str, words: Words) -> None:
    layer, legend = shaded_layer(opened, table, chosen, words)
    frame = map_frame(opened)
    data = MapData(
        lang=words.lang,
        strings=words.table("leaflet"),
        assets=leaflet_assets(),
        home=frame.home,
        layers=(layer,),
        legend=(legend,),
        projection=frame.projection,
        height=480,
    )
    leaflet_map(key=f"zones-{table.layer}", data=data, on_click=_ignore, on_pick=_ignore)


def _ignore(event: object) -> None:
    """A click here selects nothing; the map page is where features speak."""
