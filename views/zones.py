"""分区统计: what each zone holds, as a table, a chart and a shaded map, to take away."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import altair as alt
import pandas as pd
import streamlit as st

from layers import is_conclusive
from spatial import ZoneTable, polygon_layers
from spatial.export import zones_bytes
from spatial.phrases import basis_text, feature_names, listed, phrase
from spatial.zone_table import COUNTS, ENDS, statistic_text
from views.drawing import layer_name, map_frame
from views.leaflet import MapData, leaflet_map
from views.publish import leaflet_assets
from views.session import Opened, relabelled, remembered, zone_table
from views.shading import shaded_layer, shading
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
_SHADED = ("covered_share", "blue_green_share", "built_up_covered_share", "area_m2")
ZONES = "zone."
"""What is chosen of zones is kept under names that begin so."""
_TICK = "#1f2a30"
_FARTHEST = 2.0
"""A chart of areas or numbers ends at so many times the largest, however far ranges go on."""
_LARGE = 100.0
_WIDE_PX, _NARROW_PX, _PADDING_PX, _NUMBER_PX = 14, 7, 20, 52
_LAST_NARROW = 0x2E7F  # where the wide characters begin
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
            key=remembered(f"{ZONES}radius", zone_choices(opened)[f"{ZONES}radius"]),
            width=160,
            persist_state="session",
        )
        definition = _choose_definition(opened, words)
        with st.spinner(words("zones.counting"), show_time=False):
            table = zone_table(opened, layer_id, radius_m, definition, _asked())
        # Areas are read in hectares here, so the column of hectares would stand twice.
        offered = [column for column in table.columns if column != "area_ha"]
        chosen = st.selectbox(
            words("zones.chosen"),
            offered,
            width=300,
            persist_state="session",
            key=_kept(opened, "chosen", offered, words),
            format_func=lambda column: table.title(column, lang, hectares=True),
        )
        with st.popover(words("zones.columns"), icon=":material/view_column:"):
            picked = st.multiselect(
                words("zones.columns"),
                offered,
                persist_state="session",
                key=relabelled("zones.columns", [c for c in _DEFAULT if c in table.columns], lang),
                format_func=lambda column: table.title(column, lang, hectares=True),
                width=420,
            )
        _downloads(
            opened,
            table,
            partial(zone_table, opened, layer_id, radius_m, definition),
            definition,
            words,
        )
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


def _asked() -> tuple[str, ...]:
    """Statistics that the page shows, whose ranges are worth the time."""
    chosen = st.session_state.get(f"{ZONES}chosen", _SHADED[0])
    return tuple(sorted({*st.session_state.get("zones.columns", _DEFAULT), chosen}))


def zone_choices(opened: Opened) -> Mapping[str, str | float]:
    """What the pack chooses of zones: layer, radius and definition, by the names of widgets."""
    parts = opened.plan.zone_statistics
    layers = polygon_layers(opened.pack)
    first = parts.zones if parts.zones in layers else opened.pack.catalogue.pack.area
    return {
        f"{ZONES}layer": first,
        f"{ZONES}radius": float(parts.radius_m),
        f"{ZONES}definition": parts.definition or next(iter(parts.definitions), ""),
        f"{ZONES}chosen": _SHADED[0],
    }


def _kept(opened: Opened, name: str, options: Sequence[str], words: Words) -> str:
    """The key of a choice that is kept; one that the pack no longer offers is the pack's own."""
    key, own = f"{ZONES}{name}", zone_choices(opened)[f"{ZONES}{name}"]
    own = own if own in options else options[0]
    if st.session_state.get(key, own) not in options:
        st.session_state[key] = own
    return relabelled(key, own, words.lang)


def _choose_layer(opened: Opened, words: Words) -> str:
    layers = polygon_layers(opened.pack)
    return st.selectbox(
        words("zones.layer"),
        layers,
        width=300,
        persist_state="session",
        key=_kept(opened, "layer", layers, words),
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
        key=_kept(opened, "definition", tuple(parts.definitions), words),
        format_func=lambda name: parts.definitions[name].title.in_(words.lang),
        help=words("zones.definition_help"),
    )


def _downloads(
    opened: Opened,
    table: ZoneTable,
    everything: Callable[[], ZoneTable],
    definition: str,
    words: Words,
) -> None:
    """Files with all statistics and their ranges, measured when one is asked for."""
    title = opened.pack.catalogue.layers[table.layer].title.in_(words.lang)
    name = f"{title} {words('app.page_zones')} {table.radius_m:g} m"
    if definition:
        name += f" {words('zones.definition')} {definition}"

    def content(suffix: str) -> bytes:
        return zones_bytes(opened.pack, everything(), suffix, words.lang)

    with st.popover(words("zones.download"), icon=":material/download:"):
        for suffix, mime in _MIME.items():
            st.download_button(
                words(f"zones.{suffix}"),
                partial(content, f".{suffix}"),
                file_name=f"{name}.{suffix}",
                mime=mime,
                icon=":material/download:",
                on_click="ignore",
                key=f"zones.download.{suffix}",
                width="stretch",
            )


def _table(opened: Opened, table: ZoneTable, columns: list[str], words: Words) -> None:
    """The zones as a sortable table, and the total under it, where sorting cannot move it.

    Under the heading of each statistic stand its value and, where it may be off, its low and high.
    """
    lang = words.lang
    names = feature_names(opened.pack, table.layer, lang)
    cells: dict[tuple[str, str], object] = {
        ("", words("zones.zone")): [names[str(zone)] for zone in table.frame.index]
    }
    config = {_place(0): st.column_config.TextColumn(pinned=True)}
    for column in columns:
        title = table.title(column, lang, hectares=True)
        doubtful, written = table.is_doubtful(column), _format(table, column)
        under = ("", *ENDS) if doubtful else ("",)
        width = _width(title, len(under))
        for end in under:
            number = table.numbers(column, end, hectares=True)
            config[_place(len(cells))] = st.column_config.NumberColumn(format=written, width=width)
            cells[title, words(f"zones.{end or 'value'}")] = number.to_numpy()
    cells["", phrase("export", "basis", lang)] = basis_text(table.basis, lang)
    st.dataframe(
        pd.DataFrame(cells, index=table.frame.index),
        hide_index=True,
        column_config=config,
        key="zones.table",
        height="content",
    )
    totals = " · ".join(_total(table, column, words) for column in columns)
    st.markdown(f"**{words('zones.total')}** · {totals}", help=words("zones.total_help"))
    for line in _about_ranges(opened, table, columns, words):
        st.caption(line)


def _place(number: int) -> str:
    """Key of the settings of a column by its place, as headings of two lines have no name.

    The index has the first place, though it is not shown.
    """
    return f"_pos:{number + 1}"


def _width(title: str, columns: int) -> int | None:
    """Width of each of the columns under a heading too long for them, in pixels; else their own."""
    letters = sum(_WIDE_PX if ord(letter) > _LAST_NARROW else _NARROW_PX for letter in title)
    each = math.ceil((letters + _PADDING_PX) / columns)
    return each if each > _NUMBER_PX else None


def _format(table: ZoneTable, column: str) -> str:
    """Shares and small areas have one decimal; large areas none, as their fractions say nothing."""
    numbers = table.numbers(column, hectares=True)
    whole = column == "people" or column in COUNTS
    whole |= not column.endswith("_share") and bool(numbers[numbers > 0].median() > _LARGE)
    return "%,.0f" if whole else "%,.1f"


def _total(table: ZoneTable, column: str, words: Words) -> str:
    value = statistic_text(column, table.value(column), words.lang)
    span = table.range_text(column, words.lang)
    brackets = "（{}）" if words.lang == "zh" else " ({})"
    return f"{table.heading(column, words.lang)} {value}{brackets.format(span) if span else ''}"


def _about_ranges(
    opened: Opened, table: ZoneTable, columns: list[str], words: Words
) -> Iterator[str]:
    """What a reader must know of the ranges that the table shows, or why it shows none."""
    doubtful = any(table.is_doubtful(column) for column in columns)
    yield words("zones.ranges_help" if doubtful else "zones.no_ranges")
    if table.invented:
        titles = [opened.pack.catalogue.layers[one].title.in_(words.lang) for one in table.invented]
        yield words("zones.invented", layers=listed(titles, words.lang))
    if table.unnumbered and "people" in columns:
        yield words("zones.unnumbered", count=table.unnumbered)


def _chart(opened: Opened, table: ZoneTable, chosen: str, words: Words) -> None:
    """A bar for each zone, and where its value may be off, a rule from its low to its high."""
    lang = words.lang
    names = feature_names(opened.pack, table.layer, lang)
    shades = shading(table, chosen, words)
    title, zones = table.title(chosen, lang, hectares=True), [str(z) for z in table.frame.index]
    rows = pd.DataFrame(
        {
            "zone": [names[zone] for zone in zones],
            "value": table.numbers(chosen, hectares=True).to_numpy(),
            "colour": [shades.colours[shades.classes[zone]] for zone in zones],
            "said": [statistic_text(chosen, table.value(chosen, zone), lang) for zone in zones],
            "range": [table.range_text(chosen, lang, zone) for zone in zones],
        }
    )
    tips = [
        alt.Tooltip("zone:N", title=words("zones.zone")),
        alt.Tooltip("said:N", title=table.heading(chosen, lang)),
    ]
    doubtful = table.is_doubtful(chosen)
    scale = alt.Scale(nice=True)
    if doubtful:
        tips.append(alt.Tooltip("range:N", title=words("zones.range")))
        low, high = (table.numbers(chosen, end, hectares=True) for end in ENDS)
        end = _chart_end(rows["value"], high, share=chosen.endswith("_share"))
        # An open end is drawn as far as the axis goes.
        rows = rows.assign(start=low.fillna(0.0).to_numpy(), stop=high.fillna(end).to_numpy())
        scale = alt.Scale(domain=[0, end], clamp=True)
    known = rows.dropna(subset=["value"])
    base = alt.Chart(known).encode(
        y=alt.Y(
            "zone:N",
            sort=alt.SortField("value", "descending"),
            title=None,
            axis=alt.Axis(labelLimit=180),
        ),
        tooltip=tips,
    )
    layers = [
        base.mark_bar(stroke="#1d5c63", strokeWidth=0.5, height={"band": 0.7}, opacity=0.6).encode(
            x=alt.X("value:Q", title=None, scale=scale, axis=alt.Axis(format="~s")),
            color=alt.Color("colour:N", scale=None, legend=None),
        )
    ]
    if doubtful:
        rule = base.mark_rule(color=_TICK, strokeWidth=1.2)
        layers.append(rule.encode(x=alt.X("start:Q", title=None, scale=scale), x2="stop:Q"))
        for end_of in ("start", "stop"):
            tick = base.mark_tick(color=_TICK, size=8, thickness=1.2)
            layers.append(tick.encode(x=alt.X(f"{end_of}:Q", title=None, scale=scale)))
    st.markdown(f"**{title}**")
    st.altair_chart(alt.layer(*layers).properties(height=max(120, 38 * len(known))))
    if doubtful:
        st.caption(words("zones.chart_help"))


def _chart_end(values: "pd.Series[float]", high: "pd.Series[float]", *, share: bool) -> float:
    """Where the axis ends: at the highest end, if that is no more than twice the largest value."""
    if share:
        return 100.0
    largest, highest = (float(some.fillna(0.0).max()) for some in (values, high))
    return min(max(highest, largest), _FARTHEST * largest) or 1.0


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
