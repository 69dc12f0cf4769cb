"""口径对照: one target by all its definitions, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from layers import Pack
from spatial import Check
from spatial.export import definitions_csv
from spatial.phrases import check_title, listed, number_text
from spatial.run import Comparison
from views import chips
from views.interval import interval, number_with_unit, range_text
from views.session import Opened, compared, keep_definitions
from views.text import Words

_SIGNS = {"met": "✓", "not_met": "✕", "undetermined": "?"}


@dataclass(frozen=True, slots=True)
class Marked:
    """The values whose columns stand out: the plan's own, and that in force."""

    plans: object
    now: object

    @property
    def is_other(self) -> bool:
        """Whether a planner tries another value than the plan's."""
        return self.plans != self.now

    @classmethod
    def of(cls, own: Check, check: Check) -> "Marked":
        """The plan's value of what its definitions are compared across, and that in force."""
        param = next(iter(check.across), "")
        return cls(own.params.get(param), check.params.get(param))

    def plans_said(self, key: str, words: Words) -> str:
        """Say that something is told at the plan's value, where another one is in force."""
        if not self.is_other or not isinstance(self.plans, int | float):
            return ""
        return words(key, value=number_text(self.plans))

    def title(self, value: float, words: Words) -> str:
        """Title of the column of a value."""
        said = number_text(value)
        if value == self.plans:
            return words("checks.across_plan", value=said)
        return words("checks.across_now", value=said) if value == self.now else said

    def look(self, value: float) -> str:
        """The class of a cell in the column of a value."""
        looks = ["pm-plans"] if value == self.plans else []
        looks += ["pm-now"] if self.is_other and value == self.now else []
        return f' class="{" ".join(looks)}"' if looks else ""


def compare_definitions(
    opened: Opened, check: Check, words: Words, place: DeltaGenerator
) -> tuple[Comparison, ...]:
    """Draw the table into a place of the page, and return what is in it."""
    with place:
        about = words("checks.definitions_help")
        st.markdown(f"**{words('checks.definitions')}**", help=about)
        comparisons = _worked_out(opened, check, words)
        keep_definitions(opened, check, comparisons)
        own = opened.plan.checks[check.id]
        st.html(_table(opened.pack, own, check, comparisons, words))
        differing = how_they_differ(own, comparisons, words)
        if differing:
            at = Marked.of(own, check).plans_said("checks.variants_at", words)
            said = words("checks.variants_differ", counted=differing, at=at)
            st.html(chips.line(f"<b>{chips.text(said)}</b>"))
        st.download_button(
            words("checks.definitions_csv"),
            lambda: definitions_csv(opened.pack, check, comparisons, words.lang),
            icon=":material/download:",
            file_name=f"{check_title(check, words.lang)}-{words('checks.definitions')}.csv",
            mime="text/csv",
            on_click="ignore",
            key=f"definitions.{check.id}",
        )
    return comparisons


def _worked_out(opened: Opened, check: Check, words: Words) -> tuple[Comparison, ...]:
    """Measure one definition at one value after the other, saying which; what is done is kept."""
    steps = [(name, across) for name in check.variants for across in _steps(check, name)]
    said = st.empty()
    found: list[Comparison] = []
    for number, (name, across) in enumerate(steps):
        title = check.variants[name].title.in_(words.lang)
        text = words("checks.comparing", title=title, number=number + 1, count=len(steps))
        with said, st.spinner(chips.unmarked(text)):
            found += compared(opened, check, name, across)
    said.empty()
    return tuple(found)


def _steps(check: Check, name: str) -> list[dict[str, tuple[float, ...]]]:
    """The values that a definition is compared across, one by one; one step without any."""
    own = check.variants[name].across
    across = check.across if own is None else own
    return [
        {param: (value,)}
        for param, values in across.items()
        for value in sorted({*values, check.params.get(param, values[0])})  # that in force as well
    ] or [{}]


def how_they_differ(own: Check, comparisons: Sequence[Comparison], words: Words) -> str:
    """How many definitions say the same at the plan's value, and which ones say what else.

    Empty where all say the same, as far as they are measured.
    """
    plans = {None, *(own.params.get(param) for param in own.across)}
    by_verdict: dict[str, list[str]] = {}
    for one in comparisons:
        if one.across in plans and one.result.measured is not None:
            by_verdict.setdefault(one.result.verdict, []).append(one.name)
    (most, same), *others = sorted(by_verdict.items(), key=lambda kv: -len(kv[1])) or [("", [])]
    if not others:
        return ""
    count = sum(map(len, by_verdict.values()))
    verdict = words(f"checks.would_{most}")
    told = [words("checks.variants_most", count=count, same=len(same), verdict=verdict)]
    for other, names in others:
        titles = [
            words("checks.variant_quoted", title=own.variants[name].title.in_(words.lang))
            for name in names
        ]
        said = words(f"checks.would_{other}")
        told.append(words("checks.variants_other", names=listed(titles, words.lang), verdict=said))
    return words("checks.variants_comma").join(told)


def _table(
    pack: Pack, own: Check, check: Check, comparisons: Sequence[Comparison], words: Words
) -> str:
    values = sorted({one.across for one in comparisons if one.across is not None})
    param = next(iter(check.across), "")
    marked = Marked.of(own, check)
    rows = [
        _row(
            pack,
            check,
            [one for one in comparisons if one.name == name],
            values,
            words,
            marked=marked,
        )
        for name in check.variants
    ]
    body = f"<thead>{_heads(param, values, marked, words)}</thead><tbody>{''.join(rows)}</tbody>"
    hint = f'<p class="pm-line pm-muted pm-narrow">{chips.text(words("checks.scroll"))}</p>'
    table = f'<div class="pm-scroll"><table class="pm-table pm-definitions">{body}</table></div>'
    return (hint if values else "") + table


def _heads(param: str, values: Sequence[float], marked: Marked, words: Words) -> str:
    """Titles of the columns; the values compared stand under the name of their parameter."""
    would = words("checks.would") + marked.plans_said("checks.variants_at", words)
    titles = (words("checks.definition"), would, words("checks.definition_source"))
    first, *last = (
        f'<th rowspan="{2 if values else 1}">{chips.text(title)}</th>' for title in titles
    )
    if not values:
        return f"<tr>{first}<th>{chips.text(words('checks.value'))}</th>{''.join(last)}</tr>"
    label = chips.text(words.or_bare(f"params.{param}"))
    over = f'<th colspan="{len(values)}">{label}</th>'
    under = "".join(
        f"<th{marked.look(value)}>{chips.text(marked.title(value, words))}</th>" for value in values
    )
    return f"<tr>{first}{over}{''.join(last)}</tr><tr>{under}</tr>"


def _row(
    pack: Pack,
    check: Check,
    found: Sequence[Comparison],
    values: Sequence[float],
    words: Words,
    *,
    marked: Marked,
) -> str:
    variant, lang = check.variants[found[0].name], words.lang
    title = f"<b>{chips.text(variant.title.in_(lang))}</b>"
    if variant.of_plan:
        title += f' <span class="pm-chip met">{chips.text(words("checks.of_plan"))}</span>'
    span = f' colspan="{max(len(values), 1)}"'
    missing = dict.fromkeys(layer for one in found for layer in one.result.missing)
    by_value = {one.across: one for one in found}
    if missing and found[0].result.measured is None:
        titles = [pack.catalogue.layers[layer].title.in_(lang) for layer in missing]
        said = words("checks.lacks", layers=listed(titles, lang))
        cells = f"<td{span}>{chips.text(said, muted=True)}</td>"
        return _cells(title, cells, "—", variant.source.in_(lang))
    if None in by_value:
        cells = f"<td{span}>{_cell(by_value[None], words)}</td>"
    else:
        cells = "".join(
            f"<td{marked.look(value)}>"
            f"{_cell(by_value[value], words) if value in by_value else '—'}</td>"
            for value in values
        )
    at_plans = by_value.get(None) or next((o for o in found if o.across == marked.plans), None)
    return _cells(title, cells, _would(at_plans, words), variant.source.in_(lang))


def _cells(title: str, cells: str, would: str, source: str) -> str:
    return (
        f"<tr><td>{title}</td>{cells}<td>{would}</td><td>{chips.text(source, muted=True)}</td></tr>"
    )


def _cell(one: Comparison, words: Words) -> str:
    result = one.result
    if result.measured is None or result.measured.whole.value is None:
        return chips.text(words("checks.no_value"), muted=True)
    whole, lang = result.measured.whole, words.lang
    value = chips.text(number_with_unit(result.check, whole, lang))
    span = range_text(result.check, whole, lang)
    drawn = interval(result, words, labels=False)
    return f"<b>{value}</b>{drawn}<small>{chips.text(span, muted=True)}</small>"


def _would(one: Comparison | None, words: Words) -> str:
    """What the verdict would be, as a chip; hatched where the data allow none."""
    if one is None or one.result.why == "no_target":
        return "—"
    result = one.result
    look = "" if result.conclusive else " indicative"
    said = f"{_SIGNS[result.verdict]} {words(f'checks.would_{result.verdict}')}"
    return f'<span class="pm-chip{look}">{chips.text(said)}</span>'
