"""The one place where a measured value becomes a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from layers import Basis, is_conclusive
from spatial.measurement import VALUE_COLUMNS, Figure, Measurement
from spatial.plan import Check, Target

Verdict = Literal["met", "not_met", "undetermined"]
Status = Literal["met", "not_met", "undetermined", "indicative"]
Why = Literal["compared", "range", "missing", "unfit", "empty", "drawn", "proxy"]
STATUSES: tuple[Status, ...] = ("not_met", "indicative", "undetermined", "met")
"""Worst first; the order in which checks are shown."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A check, what was measured and what follows.

    `met` says for each unit whether it meets the target, None where that cannot be told or is not
    asked. `why` is the ground of the verdict: the values were compared, their range spans the
    target, a layer is missing or lacks the columns or values that the check needs (`missing` names
    them), there was nothing to measure, the geometry was drawn to meet this target, or the value
    only stands in for the one asked. `basis` is the
    weakest of the inputs, None without any.
    """

    check: Check
    verdict: Verdict
    why: Why
    basis: Basis | None
    measured: Measurement | None
    met: Mapping[str, bool | None]
    missing: tuple[str, ...] = ()

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


def compare(figure: Figure, limit: float | None, target: Target) -> bool | None:
    """Tell whether a figure meets a limit; None where its range spans the limit or it has no value.

    >>> target = Target(unit="share", at_least=0.85)
    >>> compare(Figure(0.9, 9, 10, 0.9, 0.9), 0.85, target)
    True
    >>> compare(Figure(0.9, 9, 10, 0.8, 1.0), 0.85, target) is None
    True
    """
    if figure.low is None or figure.high is None or limit is None:
        return None
    slack = target.tolerance
    if target.comparison == "at_least":
        ends = (figure.low >= limit - slack, figure.high >= limit - slack)
    elif target.comparison == "at_most":
        ends = (figure.low <= limit + slack, figure.high <= limit + slack)
    else:
        ends = (abs(figure.low - limit) <= slack, abs(figure.high - limit) <= slack)
        apart = figure.low < limit - slack and figure.high > limit + slack
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
) -> CheckResult:
    """Give the verdict on a check.

    `missing` names layers that nobody has delivered, `unfit` delivered ones among which some lack
    what the check needs; `drawn` says that an input was drawn to meet
    this very target. Asked of each unit, one failing unit fails the check; units with nothing to
    measure are passed over.
    """
    if measured is None or missing or unfit:
        why: Why = "unfit" if unfit else "missing"
        return CheckResult(check, "undetermined", why, basis, None, {}, unfit or missing)
    target = check.target
    units = {str(unit): _figure(row) for unit, row in measured.values.iterrows()}
    met: dict[str, bool | None] = dict.fromkeys(units)
    if check.judge == "each":
        met = {
            unit: compare(figure, target.limit_of(unit), target) for unit, figure in units.items()
        }
        asked = [
            met[unit]
            for unit, figure in units.items()
            if figure.value is not None and target.limit_of(unit) is not None
        ]
        if target.unit == "share" and asked and not isinstance(target.limit, Mapping):
            # What lies outside all units is asked about, too; inside them it adds nothing.
            asked.append(compare(measured.whole, target.limit, target))
    else:
        limit = None if isinstance(target.limit, Mapping) else target.limit
        asked = [] if measured.whole.value is None else [compare(measured.whole, limit, target)]
    verdict, why = _conclude(asked)
    if drawn or check.proxy.zh:
        verdict, why = "undetermined", "drawn" if drawn else "proxy"
        met = dict.fromkeys(units)
    return CheckResult(check, verdict, why, basis, measured, met)


def _conclude(asked: list[bool | None]) -> tuple[Verdict, Why]:
    if not asked:
        return "undetermined", "empty"
    if False in asked:
        return "not_met", "compared"
    if None in asked:
        return "undetermined", "range"
    return "met", "compared"


def _figure(row: "pd.Series[float]") -> Figure:
    return Figure(*(None if pd.isna(row[name]) else float(row[name]) for name in VALUE_COLUMNS))
