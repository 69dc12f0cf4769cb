"""Small pieces of HTML: chips, the row of counts, the interval of a value against its target."""

from collections.abc import Mapping
from html import escape
from pathlib import Path

from layers import BASES, Basis, Language
from spatial import CheckResult
from spatial.phrases import basis_text, verdict_text
from spatial.verdict import Status
from views.drawing import ACCENT
from views.session import Opened
from views.text import Words

PAGE_CSS = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
CHINESE_CSS = Path(__file__).with_name("page_zh.css").read_text(encoding="utf-8")
ICON = Path(__file__).with_name("icon.svg")
_SIGNS: Mapping[Status, str] = {"met": "✓", "not_met": "✕", "undetermined": "?", "indicative": "≈"}
_INK = "#1d5c63"
_MARKS = frozenset("\\`*_{}[]()#+-!|<>~$:&")


def brand(opened: Opened, words: Words) -> str:
    """Head of the sidebar: the place, its plan, and on what kind of data all of it rests."""
    pack, lang = opened.pack, words.lang
    title = words("app.title", place=pack.catalogue.pack.title.in_(lang))
    bases = [layer.basis for layer in pack.layers.values()]
    parts = [f"{basis_chip(basis, lang)} {bases.count(basis)}" for basis in BASES if basis in bases]
    return (
        f'<p class="pm-brand">{text(title)}</p>'
        + line(text(opened.plan.title.in_(lang), muted=True))
        + line(text(words("app.data"), muted=True), *parts)
    )


def page_help(page: str, words: Words) -> str:
    """How to read a page, for the sidebar; the map speaks for itself."""
    if not page:
        return ""
    points = "".join(f"<li>{text(point)}</li>" for point in words(f"help.{page}").split("|"))
    return f'<p class="pm-group">{text(words("help.title"))}</p><ul class="pm-help">{points}</ul>'


def status_chip(status: Status, lang: Language) -> str:
    """A verdict's chip; a sign stands beside the colour, so that it reads without it."""
    return f'<span class="pm-chip {status}">{_SIGNS[status]} {verdict_text(status, lang)}</span>'


def basis_chip(basis: Basis, lang: Language) -> str:
    """A basis' chip; sketch and synthetic data have a hatched one."""
    return f'<span class="pm-chip {basis}">{basis_text(basis, lang)}</span>'


def counts(results: tuple[CheckResult, ...], words: Words) -> str:
    """How many targets have each status."""
    order: tuple[Status, ...] = ("met", "not_met", "undetermined", "indicative")
    cells = [
        f'<div class="pm-count {status}"><b>{sum(r.status == status for r in results)}</b>'
        f"{_SIGNS[status]} {words(f'checks.count_{status}')}</div>"
        for status in order
    ]
    return f'<div class="pm-counts">{"".join(cells)}</div>'


def line(*parts: str) -> str:
    """One line of text made of pieces of HTML."""
    return f'<p class="pm-line">{" ".join(parts)}</p>'


def text(value: str, *, muted: bool = False) -> str:
    """Text as HTML."""
    return f'<span class="pm-muted">{escape(value)}</span>' if muted else escape(value)


def unmarked(value: str) -> str:
    """Text of which Markdown makes nothing, for labels and notices: a stranger may have written it.

    `![](http://…)` in a name would otherwise fetch a picture.
    """
    return "".join(f"\\{sign}" if sign in _MARKS else sign for sign in value)


def interval(result: CheckResult) -> str:
    """Draw a share from 0 to 1 as a bar with its range, the target as a tick; empty for others."""
    limit = result.check.target.limit
    whole = result.measured.whole if result.measured else None
    if whole is None or whole.value is None or whole.low is None or whole.high is None:
        return ""
    if result.check.target.unit != "share" or not isinstance(limit, int | float):
        return ""
    if result.why == "proxy":  # a stand-in does not belong on the target's scale
        return ""
    colour = ACCENT if result.verdict == "not_met" else _INK
    parts = {
        "pm-bar": (0.0, whole.value),
        "pm-range": (whole.low, max(whole.high, whole.low + 0.004)),
        "pm-tick": (limit, limit),
    }
    marks = "".join(
        f'<i class="{name}" style="left:{low:.2%};width:{high - low:.2%};color:{colour}"></i>'
        for name, (low, high) in parts.items()
    )
    loose = "" if result.conclusive else " pm-loose"
    return f'<span class="pm-interval{loose}">{marks}</span>'
