"""One target in depth: what is asked, what was found, how sure that is, where and on which data."""

import streamlit as st

from spatial import CheckResult
from spatial.phrases import reason, sentence
from views import chips
from views.check_grounds import show_doubts, show_facts, show_inputs
from views.check_places import show_places
from views.check_units import show_units
from views.definitions import compare_definitions
from views.overrides import edit_overrides
from views.params import edit_limit, edit_matrix, edit_params
from views.session import Opened, check_in_force, would_change
from views.text import Words


def show_depth(opened: Opened, result: CheckResult, words: Words) -> None:
    """Draw a target in depth; what takes long to work out comes last and fills its place."""
    pack, check, lang = opened.pack, result.check, words.lang
    asked = check_in_force(opened, check.id)
    terms = "\n\n".join(chips.unmarked(term.in_(lang)) for term in asked.terms.values())
    plans = sentence(opened.plan.checks[check.id], lang)  # whatever a planner tries
    st.markdown(
        f"**{words('checks.asked')}** · {chips.unmarked(plans)}",
        help=terms or None,
    )
    st.markdown(f"**{words('checks.result')}** · {chips.unmarked(reason(pack, result, lang))}")
    outlook = st.container(key="check-outlook")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        edit_params(opened, check.id, words, width=170, definitions=True)
        edit_limit(opened, check.id, words, width=230)
    if result.why != "proxy":  # samples of the map that is asked for, not of what stands in
        edit_matrix(opened, check.id, words)
    compared = st.container(key="check-definitions") if asked.variants else None
    left, right = st.columns([1, 1], gap="medium")
    with left:
        if result.measured is not None:
            show_units(pack, result, result.measured, words)
            edit_overrides(opened, result, result.measured, words)
        show_doubts(pack, result, words)
        show_facts(result, words)
    with right:
        if result.measured is not None:
            show_places(opened, result, result.measured, words)
        show_inputs(opened, result, words)
        if asked.terms:
            st.markdown(f"**{words('checks.terms')}**")
            for term in asked.terms.values():
                st.caption(chips.unmarked(term.in_(lang)))
    comparisons = () if compared is None else compare_definitions(opened, asked, words, compared)
    said = would_change(opened, result, comparisons if check.variants else (), lang)
    if said:
        with outlook:
            points = "".join(f"<li>{chips.text(one)}</li>" for one in said)
            title = chips.text(words("checks.outlook"))
            st.html(f'<p class="pm-line"><b>{title}</b></p><ul class="pm-points">{points}</ul>')
