"""The one place where a measured value becomes a verdict."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from layers import Basis, is_conclusive
from spatial.measurement import VALUE_COLUMNS, Figure, Measurement
from spatial.plan import Check, Target

Verdict = Literal["met", "not_met", "undetermined"]
Status = Literal["met", "not_met", "undetermined", "indicative"]
Why = Literal["compared", "range", "missing", "unfit", "empty", "drawn", "proxy", "no_target"]
STATUSES: tuple[Status, ...] = ("not_met", "indicative", "undetermined", "met")
"""Worst first; the order in which checks are shown."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A check, what was measured and what follows.

    `met` says for each unit whether it meets the target, None where that cannot be told or is not
    asked. `why` is the ground of the verdict: the values were compared, their range spans the
    target, a layer is missing or lacks the columns or values that the check needs (`missing` names
    them), there was nothing to measure, the geometry was drawn to meet this target, the value
    only stands in for the one asked, or the plan names no number. `basis` is the weakest of the
    inputs on which the value rests, None without any; `beside` names the weakest of the layers
    that only add to the evidence. Where another definition was measured in the check's place,
    `check` is the check by that definition and `missing` names what the check itself lacks.
    """

    check: Check
    verdict: Verdict
    why: Why
    basis: Basis | None
    measured: Measurement | None
    met: Mapping[str, bool | None]
    missing: tuple[str, ...] = ()
    beside: Basis | None = None

    @property
    def conclusive(self) -> bool:
        """Whether the data are good enough for the verdict to be called one."""
        return self.basis is not None and is_conclusive(self.basis)

    @property
    def status(self) -> Status:
        """Under which count it goes: a verdict on sketch or synthetic data is only indicative."""
        if self.verdict == "undetermined" or self.conclusive:
            return self.verdict
        return "indicative"


def compare(figure: Figure, limit: float | None, target: Target, *, unit: str = "") -> bool | None:
    """Tell whether a figure meets a limit; None where its range spans the limit or it has no value.

    An open end lies beyond every limit.
     `unit` is the unit whose figure it is, where tolerances are set for each.

    >>> target = Target(unit="share", at_least=0.85)
    >>> compare(Figure(0.9, 9, 10, 0.9, 0.9), 0.85, target)
    True
    >>> compare(Figure(0.9, 9, 10, 0.8, 1.0), 0.85, target) is None
    True
    >>> compare(Figure(0.9, 9, 10, 0.9, None), 0.85, target)     # or more
    True
    """
    if figure.value is None or limit is None or target.comparison is None:
        return None
    low = -math.inf if figure.low is None else figure.low
    high = math.inf if figure.high is None else figure.high
    slack = target.tolerance_of(unit)
    if target.comparison == "at_least":
        ends = (low >= limit - slack, high >= limit - slack)
    elif target.comparison == "at_most":
        ends = (low <= limit + slack, high <= limit + slack)
    else:
        ends = (abs(low - limit) <= slack, abs(high - limit) <= slack)
        apart = low < limit - slack and high > limit + slack
        if apart:
            return None
    return ends[0] if ends[0] == ends[1] else None


def judge(
    check: Check,
    measured: Measurement | None,
    basis: Basis | None,
    *,
    missing: tuple[str, ...] = (),
    unfit: tuple[str, ...] = (),
    drawn: bool = False,
    proxy: bool = False,
    beside: Basis | None = None,
) -> CheckResult:
    """Give the verdict on a check.

    `missing` names layers that nobody has delivered, `unfit` delivered ones among which some lack
    what the check needs; `drawn` says that an input was drawn to meet this very target, `proxy`
    that another definition was measured for want of the layers in `missing`. Asked of each unit,
    one failing unit fails the check; units with nothing to measure are passed over, but not those
    that could not be measured (see `Figure`).
    """
    if measured is None or unfit or (missing and not proxy):
        why: Why = "unfit" if unfit else "missing"
        return CheckResult(check, "undetermined", why, basis, None, {}, unfit or missing, beside)
    target = check.target
    units = {str(unit): _figure(row) for unit, row in measured.values.iterrows()}
    met: dict[str, bool | None] = dict.fromkeys(units)
    if check.judge == "each" and target.comparison is not None:
        met = {
            unit: compare(figure, target.limit_of(unit), target, unit=unit)
            for unit, figure in units.items()
        }
        asked = [
            met[unit]
            for unit, figure in units.items()
            if _is_asked(figure) and target.limit_of(unit) is not None
        ]
        limit = target.limit
        if target.unit == "share" and isinstance(limit, float | int):
            # What lies outside all units is asked about, too; inside them it adds nothing.
            asked += (
                [] if measured.whole.value is None else [compare(measured.whole, limit, target)]
            )
    elif target.comparison is None:
        asked = [] if measured.whole.value is None else [None]
    else:
        limit = None if isinstance(target.limit, Mapping) else target.limit
        asked = [] if measured.whole.value is None else [compare(measured.whole, limit, target)]
    verdict, why = _conclude(asked)
    if drawn or proxy or (check.proxy.zh and not check.stand_in):
        verdict, why = "undetermined", "drawn" if drawn else "proxy"
        met = dict.fromkeys(units)
    elif target.comparison is None and why != "empty":
        verdict, why = "undetermined", "no_target"
    return CheckResult(check, verdict, why, basis, measured, met, missing, beside)


def _conclude(asked: list[bool | None]) -> tuple[Verdict, Why]:
    if not asked:
        return "undetermined", "empty"
    if False in asked:
        return "not_met", "compared"
    if None in asked:
        return "undetermined", "range"
    return "met", "compared"


def _is_asked(figure: Figure) -> bool:
    return any(one is not None for one in (figure.value, figure.low, figure.high))


def _figure(row: "pd.Series[float]") -> Figure:
    return Figure(*(None if pd.isna(row[name]) else float(row[name]) for name in VALUE_COLUMNS))
