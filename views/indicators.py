"""规划指标: the plan's indicators, their yearly values, progress and evaluation."""

import altair as alt
import pandas as pd
import streamlit as st

from layers import InputError, Language
from spatial.indicators import (
    Evaluation,
    Indicator,
    Indicators,
    Outcome,
    Yearly,
    evaluate,
    read_yearly_csv,
    template_csv,
)
from spatial.phrases import phrase, recorded_text
from views import chips
from views.selection import OVERLAY
from views.session import Opened, pack_indicators, relabelled
from views.settings import INDICATOR_VALUES
from views.text import Words

_REFUSED = "indicators.refused"
_OUTCOMES: tuple[Outcome, ...] = ("reached", "not_reached", "cannot_tell")
_LEAST_POINTS = 2
_SIGNS = {"at_least": "≥", "at_most": "≤", "more_than": ">", "about": "≈"}


def show(opened: Opened, words: Words) -> None:
    """Draw the page."""
    indicators = pack_indicators(opened)
    if indicators is None:
        st.info(words("indicators.none"))
        return
    count = len(indicators.indicators)
    intro = words("indicators.intro", box=indicators.plan.box, count=count)
    st.html(chips.line(chips.text(intro, muted=True)))
    yearly = _load(indicators, words)
    evaluations = {
        id_: evaluate(indicators, one, yearly) for id_, one in indicators.indicators.items()
    }
    if yearly:
        st.html(_counts(list(evaluations.values()), words))
    _table(indicators, yearly, evaluations, words)
    _one(opened, indicators, yearly, words)
    _lists(indicators, words)


def _load(indicators: Indicators, words: Words) -> Yearly:
    """Offer the form and take a filled one; a bad one leaves the values from before."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.download_button(
            words("indicators.template"),
            template_csv(indicators, words.lang),
            file_name=f"{words('indicators.template_name')}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        with st.popover(words("indicators.upload"), icon=":material/upload:"):
            st.file_uploader(
                words("indicators.upload"),
                type="csv",
                key="indicators.file",
                help=words("indicators.upload_help"),
                on_change=_take,
                args=(indicators, words.lang),
            )
        yearly: Yearly = st.session_state.get(INDICATOR_VALUES, {})
        if yearly:
            st.button(words("indicators.clear"), icon=":material/delete:", on_click=_forget)
    refused = st.session_state.get(_REFUSED)
    if refused:
        st.error(words("indicators.rejected"))
        st.code("\n".join(refused), language=None, wrap_lines=True)
    if yearly:
        filled = sum(bool(values) for values in yearly.values())
        st.caption(words("indicators.loaded", count=filled))
    else:
        st.caption(words("indicators.nothing_loaded"))
    return yearly


def _take(indicators: Indicators, lang: Language) -> None:
    file = st.session_state.get("indicators.file")
    if file is None:
        return
    try:
        st.session_state[INDICATOR_VALUES] = read_yearly_csv(file.getvalue(), indicators, lang)
        st.session_state[_REFUSED] = None
    except InputError as error:
        st.session_state[_REFUSED] = [
            f"{problem.feature} {problem.message}".strip() for problem in error.problems[:20]
        ]


def _forget() -> None:
    st.session_state[INDICATOR_VALUES], st.session_state[_REFUSED] = {}, None


def _counts(evaluations: list[Evaluation], words: Words) -> str:
    looks = {"reached": "met", "not_reached": "not_met", "cannot_tell": "undetermined"}
    cells = [
        f'<div class="pm-count {looks[outcome]}">'
        f"<b>{sum(one.outcome == outcome for one in evaluations)}</b>"
        f"{words(f'indicators.count_{outcome}')}</div>"
        for outcome in _OUTCOMES
    ]
    return f'<div class="pm-counts">{"".join(cells)}</div>'


def _table(
    indicators: Indicators, yearly: Yearly, found: dict[str, Evaluation], words: Words
) -> None:
    lang, plan = words.lang, indicators.plan
    groups = st.pills(
        words("indicators.group"),
        list(indicators.groups),
        selection_mode="multi",
        key="indicators.groups",
        persist_state="session",
        format_func=lambda group: indicators.groups[group].in_(lang),
        label_visibility="collapsed",
    )
    rows = []
    for one in indicators.indicators.values():
        if groups and one.group not in groups:
            continue
        values, evaluation = yearly.get(one.id, {}), found[one.id]
        rows.append(
            {
                words("indicators.number"): one.number,
                words("indicators.name"): one.name.in_(lang),
                words("indicators.outcome"): phrase("outcome", evaluation.outcome, lang),
                words("indicators.ground"): ground_text(indicators, one, evaluation, words),
                words("indicators.progress"): evaluation.progress,
                words("indicators.target", year=plan.target_year): target_text(one, words),
                str(plan.baseline_year): baseline_text(one, words),
                **{
                    str(year): recorded_text(values[year]) if year in values else ""
                    for year in plan.years
                    if yearly
                },
                words("indicators.unit"): one.unit.in_(lang),
                words("indicators.binding"): phrase("binding", one.binding, lang),
            }
        )
    table = pd.DataFrame(rows)
    st.dataframe(
        table,
        hide_index=True,
        height=430,
        column_config={
            words("indicators.number"): st.column_config.NumberColumn(width=60, pinned=True),
            words("indicators.target", year=plan.target_year): st.column_config.TextColumn(
                width=190
            ),
            words("indicators.name"): st.column_config.TextColumn(width=230),
            words("indicators.progress"): st.column_config.ProgressColumn(
                format="percent",
                min_value=0,
                max_value=1,
                help=words("indicators.progress_help"),
            ),
        },
    )


def target_text(one: Indicator, words: Words) -> str:
    """What the plan asks of an indicator at its end."""
    if one.target_text is not None:
        return one.target_text.in_(words.lang)
    if one.target_2025 is None:
        return one.written_2025 or "—"
    said = f"{_SIGNS[one.comparison or 'at_least']} {one.target_2025:g}"
    if one.five_year_total:
        mark = words("indicators.total_mark")
        return f"{said}（{mark}）" if words.lang == "zh" else f"{said} ({mark})"
    return said


def baseline_text(one: Indicator, words: Words) -> str:
    """The plan's value of the baseline year, as it stands there."""
    if one.value_2020 is not None or words.lang == "zh":
        return one.written_2020 or "—"
    return "—"


def ground_text(indicators: Indicators, one: Indicator, found: Evaluation, words: Words) -> str:
    """Why an evaluation is what it is."""
    latest = "—" if found.latest is None else recorded_text(found.latest)
    total = one.five_year_total and found.ground == "no_value" and found.latest is not None
    other = indicators.indicators.get(one.relative_to or "")
    return phrase(
        "ground",
        "no_value_total" if total else found.ground,
        words.lang,
        latest=latest,
        target=target_text(one, words),
        year=indicators.plan.target_year,
        other="" if other is None else other.name.in_(words.lang),
    )


def _one(opened: Opened, indicators: Indicators, yearly: Yearly, words: Words) -> None:
    """One indicator by year, against its target."""
    lang, plan = words.lang, indicators.plan
    left, right = st.columns([2, 3], gap="medium")
    with left:
        chosen = st.selectbox(
            words("indicators.one"),
            list(indicators.indicators),
            key=relabelled("indicators.one", next(iter(indicators.indicators)), lang),
            persist_state="session",
            format_func=lambda id_: (
                f"{indicators.indicators[id_].number} {indicators.indicators[id_].name.in_(lang)}"
            ),
        )
        one = indicators.indicators[chosen]
        target = words("indicators.target", year=plan.target_year)
        st.html(chips.line(chips.text(f"{target} {target_text(one, words)}")))
        st.html(chips.line(chips.text(f"{words('indicators.unit')} {one.unit.in_(lang)}")))
        if one.check is not None and one.check in opened.plan.checks:
            st.caption(words("indicators.on_map_note", name=one.name.in_(lang)))
            if st.button(words("indicators.on_map"), icon=":material/map:"):
                st.session_state[OVERLAY] = one.check
                st.switch_page(st.session_state["pages"]["map"])
    values = dict(yearly.get(one.id, {}))
    if one.value_2020 is not None and not one.five_year_total:
        values[plan.baseline_year] = one.value_2020
    with right:
        if one.id not in yearly or not yearly[one.id]:
            st.caption(words("indicators.no_years"))
        _chart(one, values, words)


def _chart(one: Indicator, values: dict[int, float], words: Words) -> None:
    if len(values) < _LEAST_POINTS:
        return
    year, value = words("indicators.year"), words("indicators.value")
    rows = pd.DataFrame(
        {year: [str(y) for y in sorted(values)], value: [values[y] for y in sorted(values)]}
    )
    axis = alt.Axis(labelAngle=0)
    base = alt.Chart(rows).encode(
        x=alt.X(f"{year}:O", title=None, axis=axis),
        y=alt.Y(f"{value}:Q", title=one.unit.in_(words.lang), scale=alt.Scale(zero=False)),
        tooltip=[year, value],
    )
    drawn = (
        base.mark_bar(color="#7fb5a6", size=36)
        if one.five_year_total
        else base.mark_line(point=True, color="#1d5c63")
    )
    layers = [drawn]
    if one.target_2025 is not None and not one.five_year_total:
        line = pd.DataFrame({"target": [one.target_2025]})
        layers.append(alt.Chart(line).mark_rule(strokeDash=[5, 4]).encode(y="target:Q"))
    st.altair_chart(alt.layer(*layers).properties(height=240))


def _lists(indicators: Indicators, words: Words) -> None:
    lang = words.lang
    with st.expander(words("indicators.statements", count=len(indicators.statements))):
        st.dataframe(
            pd.DataFrame(
                {
                    words("indicators.name"): one.name.in_(lang),
                    words("indicators.value"): (
                        f"{_SIGNS.get(one.comparison or '', '')} {one.value:,g}".strip()
                    ),
                    words("indicators.unit"): one.unit.in_(lang),
                    words("indicators.year_asked"): str(one.year),
                    words("indicators.cite"): one.cite.in_(lang),
                }
                for one in indicators.statements.values()
            ),
            hide_index=True,
        )
    with st.expander(words("indicators.special", count=len(indicators.special_plans))):
        st.dataframe(
            pd.DataFrame(
                {
                    words("indicators.number"): one.number,
                    words("indicators.group"): one.group.in_(lang),
                    words("indicators.plan_name"): one.name.in_(lang),
                    words("indicators.bureau"): one.bureau.in_(lang),
                }
                for one in indicators.special_plans
            ),
            hide_index=True,
        )
