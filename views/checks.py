"""目标检查: which targets hold, which do not, which cannot be told, and why."""

import altair as alt
import pandas as pd
import streamlit as st

from layers import Pack
from spatial import CheckResult
from spatial.export import geojson_text, units_csv
from spatial.measurement import Measurement
from spatial.phrases import (
    M2_PER_HA,
    area_text,
    chart_scale,
    check_title,
    feature_names,
    figure_range_text,
    reason,
    sentence,
    target_text,
    unit_names,
)
from spatial.plan import UNIT_ARGUMENTS
from spatial.verdict import STATUSES
from views import chips
from views.drawing import (
    ACCENT,
    basis_badge,
    evidence_layer,
    evidence_legend,
    legend_group,
    map_frame,
    map_layer,
)
from views.facts import class_name
from views.layer_tree import look_of
from views.leaflet import MapData, leaflet_map
from views.params import edit_params, is_changed
from views.publish import leaflet_assets
from views.selection import OVERLAY
from views.session import Opened, measured, result_of
from views.text import Words

_OPEN = "checks.open"
_INK = "#1d5c63"
_MOST_PLACES = 50


def show(opened: Opened, words: Words) -> None:
    """Draw the page."""
    results = tuple(result_of(opened, check_id) for check_id in opened.plan.checks)
    st.html(
        chips.line(
            chips.text(opened.plan.title.in_(words.lang)),
            chips.text(words("checks.intro"), muted=True),
        )
        + chips.counts(results, words)
    )
    worst_first = sorted(results, key=lambda result: STATUSES.index(result.status))
    chosen = st.session_state.get(_OPEN)
    for result in worst_first:
        _row(opened, result, words, is_open=result.check.id == chosen)


def _row(opened: Opened, result: CheckResult, words: Words, *, is_open: bool) -> None:
    check, lang = result.check, words.lang
    with st.container(border=True):
        left, middle, right = st.columns([5, 4, 2], vertical_alignment="center")
        basis = chips.basis_chip(result.basis, lang) if result.basis else ""
        if is_changed(opened, check.id):
            basis += f' <span class="pm-chip">{chips.text(words("params.changed_chip"))}</span>'
        left.html(
            chips.line(
                chips.status_chip(result.status, lang),
                f"<b>{chips.text(check_title(check, lang))}</b>",
            )
            + chips.line(chips.text(check.cite.in_(lang), muted=True), basis, _why(result, words))
        )
        whole = result.measured.whole if result.measured else None
        value = figure_range_text(check, whole, words.lang) if whole else words("checks.no_value")
        if result.why == "proxy":
            value = words("checks.proxy_value", value=value)
        middle.html(
            chips.line(f"<b>{chips.text(value)}</b>", chips.interval(result))
            + chips.line(
                chips.text(f"{words('checks.target')} {target_text(check, lang)}", muted=True)
            )
        )
        right.button(
            words("checks.open"),
            key=f"open.{check.id}",
            width="stretch",
            icon=":material/expand_less:" if is_open else ":material/expand_more:",
            on_click=_toggle,
            args=(check.id,),
        )
        if is_open:
            _depth(opened, result, words)


def _why(result: CheckResult, words: Words) -> str:
    """In a word, why a target cannot be told."""
    if result.verdict != "undetermined":
        return ""
    return chips.text(words(f"checks.why_{result.why}"), muted=True)


def _toggle(check_id: str) -> None:
    st.session_state[_OPEN] = None if st.session_state.get(_OPEN) == check_id else check_id


def _depth(opened: Opened, result: CheckResult, words: Words) -> None:
    """One target in depth: what is asked, what was found, where, on which data."""
    pack, check, lang = opened.pack, result.check, words.lang
    st.markdown(f"**{words('checks.asked')}** · {sentence(check, lang)}")
    st.markdown(f"**{words('checks.result')}** · {reason(pack, result, lang)}")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        edit_params(opened, check.id, words, width=160, definitions=True)
    if check.variants:
        _variants(opened, result, words)
    if result.measured is not None:
        left, right = st.columns([1, 1], gap="medium")
        with left:
            _units(pack, result, result.measured, words)
        with right:
            _evidence(opened, result, result.measured, words)
    if check.terms:
        st.markdown(f"**{words('checks.terms')}**")
        for term in check.terms.values():
            st.caption(term.in_(lang))
    _inputs(opened, result, words)


def _variants(opened: Opened, result: CheckResult, words: Words) -> None:
    """The same target by other definitions: how far the answer hangs on the definition."""
    check, lang = result.check, words.lang
    rows = []
    for variant in check.variants.values():
        other = measured(opened, check.id, {**check.params, **variant.params})
        whole = other.measured.whole if other.measured else None
        rows.append(
            {
                words("params.variant"): variant.title.in_(lang),
                words("checks.value"): figure_range_text(check, whole, lang) if whole else "—",
                words("checks.would"): words(f"checks.would_{other.verdict}"),
            }
        )
    st.markdown(f"**{words('checks.variants')}**")
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    if len({row[words("checks.would")] for row in rows}) > 1:
        st.html(chips.line(f"<b>{chips.text(words('checks.variants_differ'))}</b>"))


def _units(pack: Pack, result: CheckResult, measured: Measurement, words: Words) -> None:
    check, lang = result.check, words.lang
    scale, unit = chart_scale(check, lang)
    st.markdown(f"**{words('checks.units')}**")
    table = _unit_table(pack, result, measured, words)
    name, value = words("checks.unit_name"), words("checks.unit_value", unit=unit)
    domain = alt.Scale(domain=[0, 100]) if check.target.unit == "share" else alt.Scale()
    bars = (
        alt.Chart(table.dropna(subset=[value]))
        .mark_bar(height={"band": 0.7})
        .encode(
            x=alt.X(f"{value}:Q", scale=domain, title=value),
            y=alt.Y(
                f"{name}:N", sort="x", title=None, axis=alt.Axis(labelLimit=160, labelOverlap=False)
            ),
            color=alt.Color("colour:N", scale=None, legend=None),
            tooltip=[name, alt.Tooltip(value, format=".2f")],
        )
    )
    layers = [bars]
    limit = check.target.limit
    if isinstance(limit, int | float):
        rule = alt.Chart(pd.DataFrame({"x": [limit * scale]})).mark_rule(color="#1f2a30", size=2)
        layers.append(rule.encode(x="x:Q"))
    st.altair_chart(alt.layer(*layers).properties(height=alt.Step(24)))
    st.dataframe(
        table.drop(columns="colour"),
        hide_index=True,
        column_config={
            value: st.column_config.NumberColumn(format="%,.3f"),
            words("checks.unit_rest"): st.column_config.NumberColumn(format="%,.4f"),
        },
    )
    st.download_button(
        words("checks.units_csv"),
        units_csv(pack, result, lang),
        icon=":material/download:",
        file_name=f"{check_title(check, lang)}.csv",
        mime="text/csv",
        on_click="ignore",
        key=f"units.{check.id}",
    )


def _unit_table(
    pack: Pack, result: CheckResult, measured: Measurement, words: Words
) -> pd.DataFrame:
    """Units with names and values, the lowest first, units without a value last."""
    values = measured.values
    names = unit_names(pack, result.check, words.lang)
    scale, unit = chart_scale(result.check, words.lang)
    met = {
        True: words("checks.unit_yes"),
        False: words("checks.unit_no"),
        None: words("checks.unit_none"),
    }
    value = words("checks.unit_value", unit=unit)
    columns = {
        words("checks.unit_name"): [names.get(str(one), str(one)) for one in values.index],
        value: values["value"].to_numpy() * scale,
    }
    if result.check.target.unit == "share":
        rest = (values["denominator"] - values["numerator"]).to_numpy() / M2_PER_HA
        columns[words("checks.unit_rest")] = rest
    columns[words("checks.unit_met")] = [met[result.met[str(one)]] for one in values.index]
    columns["colour"] = [ACCENT if result.met[str(one)] is False else _INK for one in values.index]
    return pd.DataFrame(columns).sort_values(value, na_position="last")


def _evidence(opened: Opened, result: CheckResult, measured: Measurement, words: Words) -> None:
    check, lang, evidence = result.check, words.lang, measured.evidence
    said = (
        words("checks.evidence_none")
        if evidence.empty
        else words(
            "checks.evidence_count",
            count=f"{len(evidence):,}",
            area=area_text(float(evidence["area_m2"].sum()), lang),
        )
    )
    judged = result.verdict != "undetermined" or not evidence.empty
    heading = f"**{words('checks.evidence')}** · {said}" if judged else ""
    st.markdown(heading or f"**{words('checks.place_on_map')}**")
    layer = evidence_layer(opened, result, words)
    shown = [
        spec
        for argument in (*UNIT_ARGUMENTS, "within")
        if argument in check.layers
        for spec in [opened.pack.catalogue.layers[check.layers[argument].layer]]
    ]
    looks = {spec.id: look_of(spec) for spec in reversed(shown)}
    badges = basis_badge(opened, looks, lang)
    legend = [legend_group(spec, looks[spec.id], badges[spec.id], lang) for spec in shown]
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
    _places(opened, result, measured, words)
    with st.container(horizontal=True):
        if st.button(words("checks.on_map"), key=f"map.{check.id}", icon=":material/map:"):
            st.session_state[OVERLAY] = check.id
            for spec in shown:  # or what the share is taken of would not be seen
                st.session_state[f"on.{spec.id}"] = True
            st.switch_page(st.session_state["pages"]["map"])
        if not evidence.empty:
            st.download_button(
                words("checks.evidence_geojson"),
                lambda: geojson_text(evidence),
                icon=":material/download:",
                file_name=f"{check_title(check, lang)}.geojson",
                mime="application/geo+json",
                on_click="ignore",
                key=f"places.{check.id}",
            )


def _places(opened: Opened, result: CheckResult, measured: Measurement, words: Words) -> None:
    """The largest places, each with the unit it lies in and what is nearest or stands there."""
    evidence, check, lang = measured.evidence.head(_MOST_PLACES), result.check, words.lang
    if evidence.empty:
        return
    names = unit_names(opened.pack, check, lang)
    table = pd.DataFrame(
        {
            words("checks.place"): evidence.index,
            words("facts.unit"): [names.get(unit, unit) for unit in evidence["unit"]],
            words("checks.place_area"): evidence["area_m2"].to_numpy() / M2_PER_HA,
        }
    )
    if "nearest_stop" in evidence:
        stops = feature_names(opened.pack, check.layers["stops"].layer, lang)
        table[words("facts.nearest")] = [stops.get(s, s) for s in evidence["nearest_stop"]]
        table[words("checks.place_distance")] = evidence["nearest_m"].to_numpy()
    if "class_code" in evidence:
        land = check.layers["land"].layer
        table[words("facts.class_code")] = [
            class_name(opened.pack, land, code, lang=lang) if code else "—"
            for code in evidence["class_code"]
        ]
    st.dataframe(
        table,
        hide_index=True,
        height=250,
        column_config={
            words("checks.place_area"): st.column_config.NumberColumn(format="%,.2f"),
            words("checks.place_distance"): st.column_config.NumberColumn(format="%,.0f"),
        },
    )


def _ignore(event: object) -> None:
    """A click here selects nothing; the map page is where features speak."""


def _inputs(opened: Opened, result: CheckResult, words: Words) -> None:
    check, lang = result.check, words.lang
    st.markdown(f"**{words('checks.inputs')}**")
    lines = [
        chips.line(
            chips.text(opened.pack.catalogue.layers[binding.layer].title.in_(lang)),
            chips.basis_chip(opened.pack.layers[binding.layer].basis, lang)
            if binding.layer in opened.pack.layers
            else chips.text(words("map.missing_layer"), muted=True),
            chips.text(
                opened.pack.catalogue.layers[binding.layer].source.name.in_(lang), muted=True
            ),
        )
        for binding in check.layers.values()
    ]
    st.html("".join(lines))
