"""The units of a target: their values with ranges, as a chart and a table."""

import altair as alt
import pandas as pd
import streamlit as st

from layers import Pack
from spatial import Check, CheckResult
from spatial.export import units_csv
from spatial.measurement import Measurement
from spatial.measures import MEASURES
from spatial.phrases import M2_PER_HA, chart_scale, full_title, unit_names
from views.drawing import ACCENT
from views.text import Words

_INK, _TICK = "#1d5c63", "#1f2a30"
_MOST_BARS = 30
_ANSWERS = (False, None, True)
_CHARTED = frozenset({"share", "m2_per_person"})
_WHOLE = "%,.0f"
_ROW_PX, _HEAD_PX, _MOST_ROWS = 35, 38, 12


def show_units(pack: Pack, result: CheckResult, measured: Measurement, words: Words) -> None:
    """Draw the units; only values that are compared with each other have a chart."""
    check, lang = result.check, words.lang
    if measured.values.empty:
        return
    st.markdown(f"**{words('checks.units')}**")
    table = _table(pack, result, measured, words)
    people = words("checks.unit_rest_people")
    counted = check.target.unit in {"count", "people"}
    if _is_charted(result) and len(table) <= _MOST_BARS:
        _chart(result, table, words)
    shown = table.drop(columns=["colour", "off"])
    rows = min(len(shown), _MOST_ROWS)
    st.dataframe(
        shown,
        hide_index=True,
        height=_HEAD_PX + rows * _ROW_PX,
        column_config={
            title: st.column_config.NumberColumn(
                format=_WHOLE if counted or title == people else "%,.2f"
            )
            for title in shown.select_dtypes("number").columns
        },
    )
    st.download_button(
        words("checks.units_csv"),
        lambda: units_csv(pack, result, lang),
        icon=":material/download:",
        file_name=f"{full_title(check, lang)}.csv",
        mime="text/csv",
        on_click="ignore",
        key=f"units.{check.id}",
    )


def _is_ban(check: Check) -> bool:
    """Whether of each unit there may be none: a place where something may not stand."""
    return check.judge == "each" and check.target.at_most == 0 and check.target.unit == "count"


def _is_charted(result: CheckResult) -> bool:
    return result.check.target.unit in _CHARTED or result.check.judge == "each"


def _chart(result: CheckResult, table: pd.DataFrame, words: Words) -> None:
    """A bar for each unit, an error bar for its range, a rule for the target."""
    scale, unit = chart_scale(result.check, words.lang)
    name, value, low, high = _titles(unit, words)
    known = table.dropna(subset=[value])
    limit = result.check.target.limit
    limits = [limit * scale] if isinstance(limit, int | float) else []
    end = max([float(known[value].max()) * 1.5, *(2 * one for one in limits)], default=1.0)
    if high in known and known[high].notna().all():
        end = min(end, float(known[high].max()))
    end = 100.0 if unit == "%" else end
    axis = alt.Scale(domain=[0, end], clamp=True)
    y = alt.Y(
        f"{name}:N",
        sort=alt.SortField("off"),
        title=None,
        axis=alt.Axis(labelLimit=170, labelOverlap=False),
    )
    ends = (low, high) if high in known else ()
    tips = [alt.Tooltip(name), *(alt.Tooltip(one, format=",.2f") for one in (value, *ends))]
    if ends:  # an open end is drawn as far as the axis goes
        known = known.assign(start=known[low].fillna(0.0), stop=known[high].fillna(end))
    base = alt.Chart(known).encode(y=y, tooltip=tips)
    x = alt.X(f"{value}:Q", scale=axis, title=value)
    bars = base.mark_bar(height={"band": 0.62}, opacity=0.5).encode(
        x=x, color=alt.Color("colour:N", scale=None, legend=None)
    )
    layers = [bars]
    if ends:
        span = base.mark_rule(color=_TICK, strokeWidth=1.2)
        layers.append(span.encode(x=alt.X("start:Q", scale=axis), x2=alt.X2("stop")))
    for end_of in ends:
        tick = base.mark_tick(color=_TICK, size=8, thickness=1.2)
        layers.append(tick.encode(x=alt.X(f"{end_of}:Q", scale=axis)))
    if limits:
        rule = alt.Chart(pd.DataFrame({"x": limits})).mark_rule(
            color=ACCENT, strokeWidth=2, strokeDash=[6, 3]
        )
        layers.append(rule.encode(x=alt.X("x:Q", scale=axis)))
    st.altair_chart(alt.layer(*layers).properties(height=alt.Step(22)))
    st.caption(words("checks.chart_help"))


def _titles(unit: str, words: Words) -> tuple[str, str, str, str]:
    names = ("checks.unit_value", "checks.unit_low", "checks.unit_high")
    value, low, high = (words(name, unit=unit) for name in names)
    return words("checks.unit_name"), value, low, high


def _table(pack: Pack, result: CheckResult, measured: Measurement, words: Words) -> pd.DataFrame:
    """Units with names, values and ranges, those farthest from the target first.

    `off` is the order, `colour` that of the bar.
    """
    values, check = measured.values, result.check
    names = unit_names(pack, check, words.lang)
    scale, unit = chart_scale(check, words.lang)
    met = {
        True: words("checks.unit_yes"),
        False: words("checks.unit_no"),
        None: words("checks.unit_none"),
    }
    name, value, low, high = _titles(unit, words)
    columns: dict[str, object] = {name: [names.get(str(one), str(one)) for one in values.index]}
    if _is_ban(check):  # nought or one for each: the answer says it
        found = [result.met[str(one)] for one in values.index]
        columns[words("checks.unit_met")] = [met[one] for one in found]
        off = pd.Series([_ANSWERS.index(one) for one in found])
        table = pd.DataFrame({**columns, "colour": _INK, "off": off})
        return table.sort_values(["off", name])
    columns[value] = values["value"].to_numpy() * scale
    one_end = values["low"].isna() != values["high"].isna()
    if (one_end | (values["low"] < values["high"])).any():
        columns[low] = values["low"].to_numpy() * scale
        columns[high] = values["high"].to_numpy() * scale
    if check.target.unit == "share":
        people = MEASURES[check.measure].counts == "people"
        rest = (values["denominator"] - values["numerator"]).to_numpy()
        title = words("checks.unit_rest_people" if people else "checks.unit_rest")
        columns[title] = rest if people else rest / M2_PER_HA
    if check.judge == "each":
        columns[words("checks.unit_met")] = [met[result.met[str(one)]] for one in values.index]
    columns["colour"] = [ACCENT if result.met[str(one)] is False else _INK for one in values.index]
    table = pd.DataFrame(columns)
    rising = check.target.comparison != "at_most"
    end = low if rising else high
    order = [value, end, name] if end in table else [value, name]
    ascending = [rising] * (len(order) - 1) + [True]
    table = table.sort_values(order, ascending=ascending, na_position="last")
    return table.assign(off=range(len(table)))
