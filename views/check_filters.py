"""Which targets are listed: by chapter of the plan, status and set of targets."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import streamlit as st

from layers import Text
from spatial import CheckResult, Plan
from spatial.phrases import verdict_text
from spatial.plan import Check, Cite
from spatial.verdict import Status
from views.chips import SIGNS
from views.session import Opened, relabelled, remembered
from views.text import Words

_PLACE, _STATUS, _GROUP = "checks.place", "checks.status", "checks.group"
_ORDER: tuple[Status, ...] = ("met", "not_met", "undetermined", "indicative")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is listed: a place in the plan, some statuses, a set of targets; all where empty."""

    place: str
    statuses: tuple[Status, ...]
    group: str

    def takes(self, result: CheckResult, check: Check) -> bool:
        """Whether a result of a check is listed."""
        return (
            self.place in {"", _place(check)}
            and (not self.statuses or result.status in self.statuses)
            and self.group in {"", check.group}
        )

    @property
    def of_any_verdict(self) -> "Chosen":
        """The same, whatever the verdict."""
        return replace(self, statuses=())

    @property
    def is_any(self) -> bool:
        """Whether anything is left out."""
        return bool(self.place or self.statuses or self.group)


def choose_checks(opened: Opened, words: Words) -> Chosen:
    """Let the planner choose; what is chosen stays while the session lasts."""
    plan, lang = opened.plan, words.lang
    places = {_place(check): _place_cite(check.cite) for check in plan.checks.values()}
    titles = {place: cite.in_(lang) for place, cite in sorted(places.items(), key=_in_order)}
    with st.container(
        key="check-filters", horizontal=True, vertical_alignment="center", gap="small"
    ):
        place = _select(_PLACE, titles, "all_places", "place_label", words)
        group = ""
        if plan.groups:
            groups = {name: title.in_(lang) for name, title in _groups(plan).items()}
            group = _select(_GROUP, groups, "all_groups", "group_label", words)
        statuses = st.pills(
            words("checks.status_label"),
            _ORDER,
            selection_mode="multi",
            key=remembered(_STATUS, []),
            format_func=lambda status: f"{SIGNS[status]} {verdict_text(status, lang)}",
            persist_state="session",
            width="content",
            label_visibility="collapsed",
        )
        chosen = Chosen(place, tuple(statuses), group)
        if chosen.is_any:
            clear_button(words, "checks.clear")
    return chosen


def clear_button(words: Words, key: str) -> None:
    """Offer to list all targets again."""
    icon = ":material/filter_alt_off:"
    st.button(words("checks.clear"), key=key, icon=icon, on_click=_clear)


def _select(key: str, titles: Mapping[str, str], everything: str, label: str, words: Words) -> str:
    if st.session_state.get(key, "") not in {"", *titles}:  # of another pack
        st.session_state[key] = ""
    return st.selectbox(
        words(f"checks.{label}"),
        ["", *titles],
        key=relabelled(key, "", words.lang),
        format_func=lambda name: titles.get(name, words(f"checks.{everything}")),
        persist_state="session",
        width=200,
        label_visibility="collapsed",
    )


def _groups(plan: Plan) -> Mapping[str, Text]:
    used = {check.group for check in plan.checks.values()}
    return {name: title for name, title in plan.groups.items() if name in used}


def _clear() -> None:
    st.session_state[_PLACE] = st.session_state[_GROUP] = ""
    st.session_state[_STATUS] = []


def _place(check: Check) -> str:
    """The chapter, box or annex of a target, of another plan by its words, as one key."""
    cite = _place_cite(check.cite)
    return cite.model_dump_json(exclude_none=True)


def _place_cite(cite: Cite) -> Cite:
    if cite.chapter is not None:
        return Cite(chapter=cite.chapter)
    if cite.box is not None:
        return Cite(box=cite.box)
    if cite.annex is not None:
        return Cite(annex=cite.annex)
    return Cite(clause=cite.clause)


def _in_order(entry: tuple[str, Cite]) -> tuple[float, float, float, str]:
    """Chapters first, then boxes and annexes, each by number."""
    cite, last = entry[1], float("inf")
    numbers = (cite.chapter or last, cite.box or last, cite.annex or last)
    return (*numbers, entry[0])
