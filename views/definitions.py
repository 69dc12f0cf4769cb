"""口径对照: one target by all its definitions, side by side."""

from collections.abc import Sequence

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


def compare_definitions(
    opened: Opened, check: Check, words: Words, place: DeltaGenerator
) -> tuple[Comparison, ...]:
    """Draw the table into a place of the page, and return what is in it."""
    with place:
        about = words("checks.definitions_help")
        st.markdown(f"**{words('checks.definitions')}**", help=about)
        comparisons = _worked_out(opened, check, words)
        keep_definitions(opened, check, comparisons)
        st.html(_table(opened.pack, opened.plan.checks[check.id], check, comparisons, words))
        if _differ(opened.plan.checks[check.id], comparisons):
            st.html(chips.line(f"<b>{chips.text(words('checks.variants_differ'))}</b>"))
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


def _differ(own: Check, comparisons: Sequence[Comparison]) -> bool:
    """Whether the verdict at the plan's value hangs on the definition, as far as measured."""
    plans = {None, *(own.params.get(param) for param in own.across)}
    told = [one.result for one in comparisons if one.across in plans]
    return len({result.verdict for result in told if result.measured is not None}) > 1


def _table(
    pack: Pack, own: Check, check: Check, comparisons: Sequence[Comparison], words: Words
) -> str:
    values = sorted({one.across for one in comparisons if one.across is not None})
    param = next(iter(check.across), "")
    plans = own.params.get(param)
    rows = [
        _row(
            pack,
            check,
            [one for one in comparisons if one.name == name],
            values,
            words,
            plans=plans,
        )
        for name in check.variants
    ]
    body = f"<thead>{_heads(param, values, plans, words)}</thead><tbody>{''.join(rows)}</tbody>"
    hint = f'<p class="pm-line pm-muted pm-narrow">{chips.text(words("checks.scroll"))}</p>'
    table = f'<div class="pm-scroll"><table class="pm-table pm-definitions">{body}</table></div>'
    return (hint if values else "") + table


def _heads(param: str, values: Sequence[float], plans: object, words: Words) -> str:
    """Titles of the columns; the values compared stand under the name of their parameter."""
    first, *last = (
        f'<th rowspan="{2 if values else 1}">{chips.text(words(f"checks.{name}"))}</th>'
        for name in ("definition", "would", "definition_source")
    )
    if not values:
        return f"<tr>{first}<th>{chips.text(words('checks.value'))}</th>{''.join(last)}</tr>"
    label = chips.text(words.or_bare(f"params.{param}"))
    over = f'<th colspan="{len(values)}">{label}</th>'
    under = "".join(
        f"<th{_mark(value, plans)}>{chips.text(_value_title(value, plans, words))}</th>"
        for value in values
    )
    return f"<tr>{first}{over}{''.join(last)}</tr><tr>{under}</tr>"


def _value_title(value: float, plans: object, words: Words) -> str:
    said = number_text(value)
    return words("checks.across_plan", value=said) if value == plans else said


def _mark(value: float, plans: object) -> str:
    return ' class="pm-plans"' if value == plans else ""


def _row(
    pack: Pack,
    check: Check,
    found: Sequence[Comparison],
    values: Sequence[float],
    words: Words,
    *,
    plans: object,
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
            f"<td{_mark(value, plans)}>"
            f"{_cell(by_value[value], words) if value in by_value else '—'}</td>"
            for value in values
        )
    at_plans = by_value.get(None) or next((o for o in found if o.across == plans), None)
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
