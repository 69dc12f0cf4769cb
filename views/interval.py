"""A value with its range against its target, drawn small; and what is written beside it."""

import math
from dataclasses import dataclass

from layers import Language
from spatial import Check, CheckResult
from spatial.measurement import Figure
from spatial.phrases import figure_range_text, target_text, unit_text, value_text
from views.chips import text
from views.text import Words

_STEPS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_REACH = 3.0
"""A scale ends at so many times the value or the target, however far the range may go on."""
_ROOM = 1.1
"""How much longer than its greatest mark a scale is at least, so that none stands at its end."""
_TELLS_NOTHING = 0.9
"""Share of the scale from which on a range leaves everything open."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From nought to what is drawn at the right end; shares end at 1."""

    end: float

    @classmethod
    def of(cls, check: Check, *figures: Figure) -> "Scale":
        """One scale for figures in the unit of a check, round at its end."""
        if check.target.unit == "share":
            return cls(1.0)
        known = [figure.value for figure in figures if figure.value is not None]
        marks = [*known, *check.target.limits] if len(check.target.limits) == 1 else known
        most = max(marks, default=0.0)
        highs = [figure.high for figure in figures if figure.high is not None]
        unbounded = any(figure.value is not None and figure.high is None for figure in figures)
        farthest = _REACH * most if unbounded else min(max(highs, default=0.0), _REACH * most)
        reach = max(_ROOM * most, farthest) or max(highs, default=0.0) or 1.0
        power = 10.0 ** math.floor(math.log10(reach)) if reach > 0 else 1.0
        return cls(next((s * power for s in _STEPS if s * power >= reach * (1 - 1e-9)), reach))

    def at(self, value: float) -> str:
        """Where on the scale a value is, as CSS has it."""
        return f"{min(max(value / self.end, 0.0), 1.0):.2%}"


def tells_nothing(figure: Figure, scale: Scale) -> bool:
    """Whether a range leaves nearly all of the scale open."""
    if figure.value is None:
        return False
    low, high = _drawn_ends(figure, scale)
    return min(high, scale.end) - max(low, 0.0) >= _TELLS_NOTHING * scale.end


def _drawn_ends(figure: Figure, scale: Scale) -> tuple[float, float]:
    """From where to where a range is drawn; an open end is an end of the scale."""
    low = 0.0 if figure.low is None else figure.low
    return low, max(scale.end, low) if figure.high is None else figure.high


def interval(
    result: CheckResult,
    words: Words,
    *,
    figure: Figure | None = None,
    scale: Scale | None = None,
    labels: bool = True,
) -> str:
    """Draw a figure of a result, by default the whole: its range a bar, its value a dot.

    The target is a tick. Nothing is drawn of what only stands in for the thing that is asked: it
    does not belong on the target's scale.
    """
    check = result.check
    if figure is None:
        figure = result.measured.whole if result.measured else None
    if figure is None or figure.value is None or result.why == "proxy":
        return ""
    scale = scale or Scale.of(check, figure)
    low, high = _drawn_ends(figure, scale)
    start, stop = scale.at(low), scale.at(high)
    marks = f'<i class="pm-range" style="left:{start};right:calc(100% - {stop})"></i>'
    limit = check.target.limit
    if isinstance(limit, int | float):
        marks += f'<i class="pm-tick" style="left:{scale.at(limit)}"></i>'
    marks += f'<i class="pm-dot" style="left:{scale.at(figure.value)}"></i>'
    looks = [
        "pm-interval",
        "pm-missed" if result.verdict == "not_met" else "",
        "" if result.conclusive else "pm-loose",
        "pm-vacuous" if tells_nothing(figure, scale) else "",
        "pm-further" if high > scale.end or figure.high is None else "",
    ]
    said = text(_said(check, figure, words))
    ends = ""
    if labels:
        end = text(value_text(check, scale.end, words.lang).split("（")[0].split(" (")[0])
        ends = f'<span class="pm-ends"><span>0</span><span>{end}</span></span>'
    return (
        f'<span class="{" ".join(filter(None, looks))}" role="img" aria-label="{said}"'
        f' title="{said}"><span class="pm-track">{marks}</span>{ends}</span>'
    )


def _said(check: Check, figure: Figure, words: Words) -> str:
    value = number_with_unit(check, figure, words.lang)
    span, target = range_text(check, figure, words.lang), target_text(check, words.lang)
    if span and (figure.low is None or figure.high is None):
        value = f"{value}（{span}）" if words.lang == "zh" else f"{value} ({span})"
        span = ""
    name = "checks.interval_range" if span else "checks.interval"
    return words(name, value=value, range=span, target=target)


def number_with_unit(check: Check, figure: Figure, lang: Language) -> str:
    """Write the value of a figure; a count with its unit, which others have already."""
    if figure.value is None:
        return "—"
    said = value_text(check, figure.value, lang, *check.target.limits)
    return _counted(check, said, lang)


def range_text(check: Check, figure: Figure, lang: Language) -> str:
    """Write the range of a figure, empty where it has none."""
    if figure.value is None:
        return ""
    value = value_text(check, figure.value, lang, *check.target.limits)
    span = figure_range_text(check, figure, lang).removeprefix(value).strip()
    return span[1:-1]


def asked_text(check: Check, lang: Language) -> str:
    """Write what the target asks, a count with its unit."""
    said = target_text(check, lang)
    return _counted(check, said, lang) if isinstance(check.target.limit, int | float) else said


def _counted(check: Check, said: str, lang: Language) -> str:
    is_count = check.target.unit == "count" and lang == "zh"
    return f"{said} {unit_text('count', lang)}" if is_count else said
