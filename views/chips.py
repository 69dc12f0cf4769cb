"""Small pieces of HTML: chips, the row of counts, the interval of a value against its target."""

from collections.abc import Mapping
from html import escape
from pathlib import Path

from layers import BASES, Basis, Language
from spatial import CheckResult
from spatial.phrases import basis_text, verdict_text
from spatial.verdict import Status
from views.session import Opened
from views.text import Words

PAGE_CSS = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
CHINESE_CSS = Path(__file__).with_name("page_zh.css").read_text(encoding="utf-8")
ICON = Path(__file__).with_name("icon.svg")
SIGNS: Mapping[Status, str] = {"met": "✓", "not_met": "✕", "undetermined": "?", "indicative": "≈"}
"""The sign beside each status, so that it reads without its colour."""
_MARKS = frozenset("\\`*_{}[]()#+-!|<>~$:&")


def brand(opened: Opened, words: Words) -> str:
    """Head of the sidebar: the place, its plan, and on what kind of data all of it rests."""
    pack, lang = opened.pack, words.lang
    title = words("app.title", place=pack.catalogue.pack.title.in_(lang))
    bases = [layer.basis for layer in pack.layers.values()]
    bases += [raster.basis for raster in pack.rasters.values()]
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
    return f'<span class="pm-chip {status}">{SIGNS[status]} {verdict_text(status, lang)}</span>'


def basis_chip(basis: Basis, lang: Language) -> str:
    """A basis' chip; sketch and synthetic data have a hatched one."""
    return f'<span class="pm-chip {basis}">{basis_text(basis, lang)}</span>'


def counts(results: tuple[CheckResult, ...], words: Words) -> str:
    """How many targets have each status."""
    order: tuple[Status, ...] = ("met", "not_met", "undetermined", "indicative")
    cells = [
        f'<div class="pm-count {status}"><b>{sum(r.status == status for r in results)}</b>'
        f"{SIGNS[status]} {words(f'checks.count_{status}')}</div>"
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
