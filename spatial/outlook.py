"""What would change a verdict: data to deliver, errors to reduce, gaps to close."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from layers import Language, Pack, is_conclusive
from spatial.measurement import Doubt, Figure, Measurement
from spatial.measures import MEASURES
from spatial.phrases import (
    area_text,
    listed,
    number_text,
    people_text,
    phrase,
    value_text,
    verdict_text,
)
from spatial.run import Comparison, Inputs, run_check
from spatial.verdict import CheckResult, Verdict, compare

_STEPS = (1.0, 0.85, 0.7, 0.55, 0.4, 0.25)
_HOPELESS = 0.01
"""Of their present size, errors that would have to be smaller than this decide nothing."""


def ways(
    pack: Pack, result: CheckResult, comparisons: Iterable[Comparison], lang: Language
) -> tuple[str, ...]:
    """Say what would change the verdict on a check, what helps most first.

    Where a range spans the target, the accuracy of positions that would decide it is guessed in
    proportion and tried, smaller and smaller, until it does; the number of samples that would is
    estimated in proportion.
    """
    said = [
        *_data(pack, result, lang),
        *_errors(pack, result, lang),
        *_gap(result, lang),
        *_definitions(result, comparisons, lang),
    ]
    return tuple(dict.fromkeys(said))


def _data(pack: Pack, result: CheckResult, lang: Language) -> Iterator[str]:
    """What has to be delivered, or put in the place of a sketch."""
    if result.missing:
        name = {"proxy": "proxy", "unfit": ""}.get(result.why, "deliver")
        if name:
            yield phrase("outlook", name, lang, layers=_titles(pack, result.missing, lang))
    beside = MEASURES[result.check.measure].beside
    bound = {
        layer: there
        for name, binding in result.check.layers.items()
        if name not in beside
        for layer in binding.all_layers
        if (there := pack.delivered(layer)) is not None
    }
    drawn = [layer for layer in bound if result.check.id in pack.catalogue.layers[layer].drawn_to]
    if drawn:
        yield phrase("outlook", "redraw", lang, layers=_titles(pack, drawn, lang))
    poor = [
        layer
        for layer, there in bound.items()
        if layer not in drawn and not is_conclusive(there.basis)
    ]
    if poor:
        yield phrase("outlook", "replace", lang, layers=_titles(pack, poor, lang))
    if result.why == "no_target":
        yield phrase("outlook", "set_target", lang)


def _errors(pack: Pack, result: CheckResult, lang: Language) -> Iterator[str]:
    """How small the errors would have to be for the range not to span the target."""
    if result.why != "range" or result.measured is None:
        return
    for doubt in result.measured.doubts:
        if doubt.kind in {"unclassified", "kind", "unnumbered", "unreached"}:
            yield phrase("outlook", doubt.kind, lang)
    if result.check.judge == "each":
        if any(doubt.kind == "position" for doubt in result.measured.doubts):
            yield phrase("outlook", "locate", lang)
        return
    distance = _distance(result, result.measured)
    if distance is None:
        return
    for doubt in result.measured.doubts:
        factor = distance.factor(doubt)
        if factor is not None:
            verdict = verdict_text(distance.verdict, lang)
            yield from _reduced(pack, result, doubt, factor=factor, verdict=verdict, lang=lang)


def _reduced(
    pack: Pack, result: CheckResult, doubt: Doubt, *, factor: float, verdict: str, lang: Language
) -> Iterator[str]:
    """What it takes to make one cause of doubt so much smaller."""
    if doubt.kind == "position" and factor < _HOPELESS:
        yield phrase("outlook", "position_never", lang)
    elif doubt.kind == "position":
        decided = _deciding(pack, result, factor)
        if decided is None:
            yield phrase("outlook", "position_never", lang)
            return
        inputs = _needed(pack, result, doubt, decided, lang)
        yield phrase("outlook", "position", lang, inputs=inputs, verdict=verdict)
    elif doubt.kind == "classification" and factor >= _HOPELESS:
        times = number_text(1 / factor**2, 2)
        yield phrase("outlook", "samples", lang, times=times, verdict=verdict)


@dataclass(frozen=True, slots=True)
class _Distance:
    """How far a value lies from its limit and its range reaches that way; its verdict alone."""

    value: float
    gap: float
    side: float
    upwards: bool
    verdict: Verdict

    def factor(self, doubt: Doubt) -> float | None:
        """By what one doubt alone would have to shrink for the range to end at the limit.

        None where it does not reach that way, or where the others reach over the limit without it.
        """
        alone = doubt.high - self.value if self.upwards else self.value - doubt.low
        left = self.gap - (self.side - alone)
        if alone <= 0 or left < 0:
            return None
        return min(left / alone, 1.0)


def _distance(result: CheckResult, measured: Measurement) -> _Distance | None:
    target, whole = result.check.target, measured.whole
    limit = target.limit
    if whole.value is None or whole.low is None or whole.high is None:
        return None
    if not isinstance(limit, int | float) or target.comparison == "equal":
        return None
    alone = Figure(whole.value, None, None, whole.value, whole.value)
    meets = compare(alone, limit, target)
    upwards = (target.comparison == "at_least") != bool(meets)
    side = whole.high - whole.value if upwards else whole.value - whole.low
    gap = abs(whole.value - limit)
    return _Distance(whole.value, gap, side, upwards, "met" if meets else "not_met")


def _deciding(pack: Pack, result: CheckResult, factor: float) -> float | None:
    """By what positions must be better known for a verdict, tried from a first guess downwards."""
    for tried in (factor * step for step in _STEPS):
        if run_check(pack, result.check, inputs=Inputs(pack, accuracy=tried)).why != "range":
            return tried
    return None


def _needed(pack: Pack, result: CheckResult, doubt: Doubt, factor: float, lang: Language) -> str:
    """The inputs with the accuracy that they would need: 建成区 ±40 m."""
    said = []
    for name, metres in doubt.inputs.items():
        binding = result.check.layers.get(name)
        if binding is not None:
            title = _titles(pack, binding.all_layers, lang)
            said.append(f"{title} ±{number_text(metres * factor, 2)} m")
    return listed(said, lang)


def _gap(result: CheckResult, lang: Language) -> Iterator[str]:
    """How much is missing to the target, as far as the values go."""
    check, measured = result.check, result.measured
    limit = check.target.limit
    if result.verdict != "not_met" or measured is None or not isinstance(limit, int | float):
        return
    whole = measured.whole
    if whole.value is None:
        return
    counts = MEASURES[check.measure].counts
    if check.target.comparison == "at_most" and check.target.unit == "count":
        yield phrase("outlook", "remove", lang, amount=number_text(whole.value - limit))
        if None in result.met.values():
            yield phrase("outlook", "undecided", lang)
    elif check.target.unit == "share" and check.target.comparison == "at_least":
        more = _short(measured, limit, each=check.judge == "each")
        if more > 0 and counts == "m2":
            yield phrase("outlook", "close_m2", lang, amount=area_text(more, lang))
        elif more > 0 and counts == "people":
            yield phrase("outlook", "close_people", lang, amount=people_text(more, lang))
    elif check.judge == "whole":
        amount = value_text(check, abs(limit - whole.value), lang)
        yield phrase("outlook", "close", lang, amount=amount)


def _short(measured: Measurement, limit: float, *, each: bool) -> float:
    """What the numerators lack to the target: those of the units that fall short, or the whole's.

    What lies outside all units is asked of the whole alone.
    """
    whole = measured.whole
    of_whole = limit * (whole.denominator or 0.0) - (whole.numerator or 0.0)
    if not each:
        return of_whole
    values = measured.values
    lacking = (limit * values["denominator"] - values["numerator"]).clip(lower=0.0)
    return max(float(lacking.sum()), of_whole)


def _definitions(
    result: CheckResult, comparisons: Iterable[Comparison], lang: Language
) -> Iterator[str]:
    """Other definitions, at the value in force, by which the verdict would be another."""
    for one in comparisons:
        other = one.result
        compared = next(iter(other.check.across), "")
        in_force = one.across is None or one.across == result.check.params.get(compared)
        if in_force and other.verdict not in {"undetermined", result.verdict}:
            title = result.check.variants[one.name].title.in_(lang)
            verdict = verdict_text(other.verdict, lang)
            yield phrase("outlook", "other", lang, title=title, verdict=verdict)


def _titles(pack: Pack, layers: Iterable[str], lang: Language) -> str:
    return listed([pack.catalogue.layers[layer].title.in_(lang) for layer in layers], lang)
