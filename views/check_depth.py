"""One target in depth: what is asked, what was found, how sure that is, where and on which data."""

import streamlit as st

from spatial import Check, CheckResult
from spatial.phrases import reason, sentence
from views import chips
from views.check_grounds import show_doubts, show_facts, show_inputs
from views.check_places import show_places
from views.check_units import show_units
from views.definitions import compare_definitions
from views.overrides import edit_overrides
from views.params import edit_limit, edit_matrix, edit_params, own_chips
from views.session import Opened, check_in_force, compared, relabelled, would_change
from views.text import Words

_SEVERAL = 2


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
    if own := own_chips(opened, check.id, words):
        st.html(chips.line(own))
    outlook = st.container(key="check-outlook")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        edit_params(opened, check.id, words, width=170, definitions=True)
        edit_limit(opened, check.id, words, width=230)
    if result.why != "proxy":  # samples of the map that is asked for, not of what stands in
        edit_matrix(opened, check.id, words)
    side_by_side = st.container(key="check-definitions") if asked.variants else None
    looked = _looked_at(opened, asked, result, words)
    left, right = st.columns([1, 1], gap="medium")
    with left:
        if looked.measured is not None:
            show_units(pack, looked, looked.measured, words)
            edit_overrides(opened, looked, looked.measured, words)
        show_doubts(pack, looked, words)
        show_facts(looked, words)
    with right:
        if looked.measured is not None:
            show_places(opened, looked, looked.measured, words)
        show_inputs(opened, looked, words)
        if asked.terms:
            st.markdown(f"**{words('checks.terms')}**")
            for term in asked.terms.values():
                st.caption(chips.unmarked(term.in_(lang)))
    comparisons = (
        () if side_by_side is None else compare_definitions(opened, asked, words, side_by_side)
    )
    said = would_change(opened, result, comparisons if check.variants else (), lang)
    if said:
        with outlook:
            points = "".join(f"<li>{chips.text(one)}</li>" for one in said)
            title = chips.text(words("checks.outlook"))
            st.html(f'<p class="pm-line"><b>{title}</b></p><ul class="pm-points">{points}</ul>')


def _looked_at(opened: Opened, asked: Check, result: CheckResult, words: Words) -> CheckResult:
    """The result by the definition whose units and places are looked at, at the value in force.

    The verdict of the target stays that of the definition in force.
    """
    if len(asked.variants) < _SEVERAL or result.why == "proxy":
        return result
    name = st.selectbox(
        words("checks.look"),
        ["", *asked.variants],
        format_func=lambda one: (
            asked.variants[one].title.in_(words.lang) if one else words("checks.look_own")
        ),
        key=relabelled(f"look.{asked.id}", "", words.lang),
        persist_state="session",
        width=420,
        help=words("checks.look_help"),
    )
    if not name:
        return result
    one = asked.defined(name)
    across = {param: (one.params[param],) for param in one.across}
    return compared(opened, asked, name, across)[0].result
