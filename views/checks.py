"""目标检查: which targets hold, which do not, which cannot be told, and why."""

from time import monotonic

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from spatial import CheckResult
from spatial.phrases import check_title
from spatial.verdict import STATUSES, Verdict
from views import chips
from views.address import read_address, write_check
from views.check_depth import show_depth
from views.check_filters import choose_checks, clear_button
from views.interval import asked_text, interval, number_with_unit, range_text
from views.params import own_chips
from views.run_record import offer_record
from views.session import Opened, result_of
from views.text import Words

OPEN = "checks.open"
"""Session key of the target that is open in depth; empty for none."""
_VERDICTS: tuple[Verdict, ...] = ("not_met", "undetermined", "met")
_SLOW_S = 0.4


def show(opened: Opened, words: Words) -> None:
    """Draw the page."""
    if linked := read_address(opened):
        st.session_state[OPEN] = linked
    is_open = st.session_state.get(OPEN) or ""
    write_check(opened, is_open if is_open in opened.plan.checks else "")
    results = _results(opened, words)
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        counts = st.empty()
        offer_record(opened, results, words)
    chosen = choose_checks(opened, words)
    shown = [r for r in results if chosen.takes(r, opened.plan.checks[r.check.id])]
    # Counted are all verdicts of what else is chosen: of one verdict alone there is but one.
    listed = [r for r in results if chosen.of_any_verdict.takes(r, opened.plan.checks[r.check.id])]
    counts.html(chips.counts(tuple(listed), words))
    if listed and not any(result.status in {"met", "not_met"} for result in listed):
        st.html(chips.line(chips.text(words("checks.none_conclusive"), muted=True)))
    if not shown:
        st.info(words("checks.none_shown"))
        clear_button(words, "checks.clear_empty")
        return
    st.html(_heading(len(shown), len(results), words))
    shown.sort(key=lambda r: (STATUSES.index(r.status), _VERDICTS.index(r.verdict)))
    depth = None
    with st.container(key="check-list", gap=None):
        for result in shown:
            depth = _row(opened, result, words) or depth
    if depth is not None:  # last, so that the list is there while it is worked out
        room, result = depth
        with room:
            show_depth(opened, result, words)


def _results(opened: Opened, words: Words) -> tuple[CheckResult, ...]:
    """Measure all targets; where that takes long, say which and how far it is."""
    said, start = st.empty(), monotonic()
    results = []
    for number, check in enumerate(opened.plan.checks.values()):
        if monotonic() - start > _SLOW_S:
            title = check_title(check, words.lang)
            count = len(opened.plan.checks)
            text = words("checks.measuring", title=title, number=number + 1, count=count)
            said.progress(number / count, text=chips.unmarked(text))
        results.append(result_of(opened, check.id))
    said.empty()
    return tuple(results)


def _heading(shown: int, count: int, words: Words) -> str:
    """What the columns are, and how many targets are listed; on a wide screen only."""
    listed = words("checks.listed", shown=shown, count=count)
    titles = ("", listed, words("checks.scale"), words("checks.value"), words("checks.target"))
    cells = "".join(f"<span>{chips.text(title)}</span>" for title in titles)
    return f'<div class="pm-check pm-check-head">{cells}</div>'


def _row(
    opened: Opened, result: CheckResult, words: Words
) -> tuple[DeltaGenerator, CheckResult] | None:
    """One target in a line that opens by a click; returns the room for its depth, if open."""
    check_id = result.check.id
    is_open = st.session_state.get(OPEN) == check_id
    look = "check-open" if is_open else "check-row"
    with st.container(key=f"{look}-{check_id}", gap=None):
        st.html(_line(opened, result, words))
        st.button(
            words("checks.open"),
            key=f"open.{check_id}",
            icon=":material/expand_less:" if is_open else ":material/expand_more:",
            on_click=_toggle,
            args=(check_id,),
            type="tertiary",
        )
    if not is_open:
        return None
    return st.container(key=f"check-depth-{check_id}"), result


def _line(opened: Opened, result: CheckResult, words: Words) -> str:
    check, lang = result.check, words.lang
    whole = result.measured.whole if result.measured else None
    about = [check.cite.in_(lang), _ground(result, words)]
    title = f"<b>{chips.text(check_title(check, lang))}</b>"
    if own := own_chips(opened, check.id, words):
        title += f" {own}"
    if whole is None or whole.value is None:
        value = chips.text(words("checks.no_value"), muted=True)
    else:
        number = number_with_unit(check, whole, lang)
        is_proxy = result.why == "proxy"
        said = chips.text(words("checks.proxy_value", value=number) if is_proxy else number)
        value = f"<span>{said}</span> " if is_proxy else f"<b>{said}</b> "
        value += f"<span>{chips.text(range_text(check, whole, lang), muted=True)}</span>"
    basis = chips.basis_chip(result.basis, lang) if result.basis else ""
    cells = (
        chips.status_chip(result.status, lang),
        f"{title}<span>{chips.text(' · '.join(filter(None, about)), muted=True)}</span>",
        interval(result, words),
        value,
        f"<span>{chips.text(asked_text(check, lang))}</span> {basis}",
    )
    names = ("chip", "what", "scale", "value", "asked")
    inner = "".join(
        f'<div class="pm-check-{name}">{cell}</div>'
        for name, cell in zip(names, cells, strict=True)
    )
    return f'<div class="pm-check">{inner}</div>'


def _ground(result: CheckResult, words: Words) -> str:
    """In a word, why a target cannot be told, or how it stands on data that allow no finding."""
    if result.verdict == "undetermined":
        return words(f"checks.why_{result.why}")
    failing = sum(met is False for met in result.met.values())
    if failing:
        return words("checks.failing", failing=failing, count=len(result.met))
    return words(f"checks.as_drawn_{result.verdict}") if not result.conclusive else ""


def _toggle(check_id: str) -> None:
    st.session_state[OPEN] = None if st.session_state.get(OPEN) == check_id else check_id
