"""The plan's indicators as data, yearly values from a table, and what follows at the plan's end."""

import csv
import io
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from layers import InputError, Language, Problem, Text
from layers.cells import neutral_text
from layers.text import Entry
from layers.toml import parse, read_toml, unknown
from spatial.phrases import phrase
from spatial.plan import Cite

INDICATORS_FILE = "indicators.toml"
Comparison = Literal["at_least", "at_most", "more_than", "about"]
Outcome = Literal["reached", "not_reached", "cannot_tell"]
Ground = Literal["compared", "no_value", "words", "about", "other"]
ENCODINGS = ("utf-8-sig", "gb18030")
"""Encodings in which Excel saves a CSV on a Chinese computer."""


class Indicator(Entry):
    """One indicator of the plan.

    `value_2020` and `target_2025` are missing where the plan gives none or only words, which then
    stand in `target_text`. With `five_year_total` the target is held against the sum of the years
    after the baseline. `relative_to` names the indicator whose value in the same year is the
    target. `check` names the check of the plan that can measure it on the map.
    """

    id: str
    number: int
    group: str
    name: Text
    unit: Text
    binding: Literal["binding", "expected"]
    value_2020: float | None = None
    target_2025: float | None = None
    comparison_2020: Literal["more_than"] | None = None
    comparison: Comparison | None = None
    target_text: Text | None = None
    relative_to: str | None = None
    five_year_total: bool = False
    five_year_total_2020: bool = False
    written_2020: str = ""
    written_2025: str = ""
    check: str | None = None


class Statement(Entry):
    """A count or rate that the plan's text states beside the indicators."""

    id: str
    name: Text
    unit: Text
    value: float
    comparison: Comparison | None = None
    year: int
    cite: Cite


class SpecialPlan(Entry):
    """A special plan that the plan announces."""

    number: int
    group: Text
    name: Text
    bureau: Text


class Head(Entry):
    """Where in the plan the indicators stand, and between which years they run."""

    box: int
    annex: int
    baseline_year: int
    target_year: int

    @property
    def years(self) -> tuple[int, ...]:
        """The years of the plan, the baseline left out."""
        return tuple(range(self.baseline_year + 1, self.target_year + 1))


class Indicators(Entry):
    """All that a pack's `indicators.toml` holds."""

    plan: Head
    groups: Mapping[str, Text]
    indicators: Mapping[str, Indicator]
    statements: Mapping[str, Statement]
    special_plans: tuple[SpecialPlan, ...] = ()


def read_indicators(folder: Path) -> Indicators | None:
    """Read a pack's indicators; None where it has none.

    Raises InputError with every mistake in the file.
    """
    if not (folder / INDICATORS_FILE).exists():
        return None
    data = read_toml(folder / INDICATORS_FILE)
    for table in ("indicators", "statements"):
        data[table] = {name: {**entry, "id": name} for name, entry in data.get(table, {}).items()}
    found, problems = parse(Indicators, data, INDICATORS_FILE)
    if found is None:
        raise InputError(problems)
    for indicator in found.indicators.values():
        where = f"{INDICATORS_FILE} [indicators.{indicator.id}]"
        if indicator.group not in found.groups:
            message = unknown("group", indicator.group, list(found.groups))
            problems.append(Problem(f"{where}.group", "", "group", message))
        if indicator.relative_to and indicator.relative_to not in found.indicators:
            message = unknown("indicator", indicator.relative_to, list(found.indicators))
            problems.append(Problem(f"{where}.relative_to", "", "indicator", message))
    if problems:
        raise InputError(problems)
    return found


def check_problems(indicators: Indicators, checks: Collection[str]) -> list[Problem]:
    """Find indicators that are measured by a check which the plan does not have."""
    return [
        Problem(
            f"{INDICATORS_FILE} [indicators.{indicator.id}].check",
            "",
            "check",
            unknown("check", indicator.check, list(checks)),
        )
        for indicator in indicators.indicators.values()
        if indicator.check is not None and indicator.check not in checks
    ]


Yearly = Mapping[str, Mapping[int, float]]
"""Values by indicator id and year."""

_NUMBER_TITLES = ("编号", "number", "no.")


def template_csv(indicators: Indicators, lang: Language) -> bytes:
    """An empty table to fill in: one row per indicator, one column per year; opens in Excel."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    titles = ("编号", "指标", "单位") if lang == "zh" else ("number", "indicator", "unit")
    head = indicators.plan
    writer.writerow([*titles, head.baseline_year, *head.years])
    for indicator in indicators.indicators.values():
        own = "" if indicator.value_2020 is None else f"{indicator.value_2020:g}"
        texts = [neutral_text(text.in_(lang)) for text in (indicator.name, indicator.unit)]
        row = [indicator.number, *texts, own]
        writer.writerow([*row, *("" for _ in head.years)])
    return buffer.getvalue().encode("utf-8-sig")


def read_yearly_csv(content: bytes, indicators: Indicators, lang: Language = "en") -> Yearly:
    """Read yearly values from a table like the template; empty cells are passed over.

    The table is recognised by a column 编号 (or `number`) and columns named by years; other
    columns do not matter. Percent signs and thousands separators are understood.

    Raises InputError with one line, in the language asked for, for each cell, row or column that
    cannot be used.
    """
    rows = list(csv.reader(io.StringIO(_decoded(content, lang))))
    if not rows:
        raise InputError([_problem(lang, "empty")])
    titles = [title.strip().lower() for title in rows[0]]
    column = next((titles.index(title) for title in _NUMBER_TITLES if title in titles), None)
    years = {
        place: int(title)
        for place, title in enumerate(titles)
        if title in {str(year) for year in indicators.plan.years}
    }
    if column is None or not years:
        said, year = ",".join(rows[0]), indicators.plan.years[0]
        raise InputError([_problem(lang, "titles", titles=said, year=year)])
    by_number = {str(one.number): one.id for one in indicators.indicators.values()}
    values: dict[str, dict[int, float]] = {}
    problems: list[Problem] = []
    for line, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        number = row[column].strip() if column < len(row) else ""
        if number not in by_number or by_number[number] in values:
            rule = "twice" if number in by_number else "unknown"
            problems.append(_problem(lang, rule, line, number=number, count=len(by_number)))
            continue
        cells = {year: row[place].strip() for place, year in years.items() if place < len(row)}
        found = {year: _number(cell) for year, cell in cells.items() if cell}
        problems += [
            _problem(lang, "number", line, year=year, cell=cells[year])
            for year, value in found.items()
            if value is None
        ]
        values[by_number[number]] = {y: value for y, value in found.items() if value is not None}
    if problems:
        raise InputError(problems)
    return values


def _decoded(content: bytes, lang: Language) -> str:
    for encoding in ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InputError([_problem(lang, "encoding")])


def _problem(lang: Language, rule: str, line: int | None = None, **values: object) -> Problem:
    row = "" if line is None else phrase("yearly", "row", lang, line=line)
    where = phrase("yearly", "where", lang)
    return Problem(where, row, rule, phrase("yearly", rule, lang, **values))


def _number(cell: str) -> float | None:
    """Read a cell as a number; None where it is none."""
    try:
        number = float(cell.rstrip("%％").replace(",", "").replace("，", ""))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How an indicator stands.

    `latest` is the value held against the target (a sum for a five-year total) and `year` the
    year it is of; `progress` the part of the way from the baseline to the target, None where the
    plan gives no way to measure one. `outcome` is the end-of-plan evaluation and `ground` says
    why: the values were compared, the last year is missing, the target is in words, "about" has
    no limit, or the other indicator's value is missing.
    """

    latest: float | None
    year: int | None
    progress: float | None
    outcome: Outcome
    ground: Ground


def evaluate(indicators: Indicators, indicator: Indicator, yearly: Yearly) -> Evaluation:
    """Hold an indicator's values against its target.

    The last year decides, for a five-year total the sum of all years; a total that has passed its
    target before the last year has reached it. Below an "about" nothing can be told, because the
    plan sets no limit to it.
    """
    values, end = yearly.get(indicator.id, {}), indicators.plan.target_year
    if indicator.five_year_total:
        return _evaluate_total(indicators, indicator, values)
    year = max(values, default=None)
    latest = None if year is None else values[year]
    target, comparison = indicator.target_2025, indicator.comparison
    if indicator.relative_to is not None:
        target = yearly.get(indicator.relative_to, {}).get(end)
    progress = _progress(indicator, latest)
    if target is None and indicator.relative_to is None:
        return Evaluation(latest, year, None, "cannot_tell", "words")
    if year != end or latest is None:
        return Evaluation(latest, year, progress, "cannot_tell", "no_value")
    if target is None:
        return Evaluation(latest, year, None, "cannot_tell", "other")
    met = _meets(latest, target, comparison)
    if not met and comparison == "about":
        return Evaluation(latest, year, progress, "cannot_tell", "about")
    return Evaluation(latest, year, progress, "reached" if met else "not_reached", "compared")


def _evaluate_total(
    indicators: Indicators, indicator: Indicator, values: Mapping[int, float]
) -> Evaluation:
    total, target = (sum(values.values()) if values else None), indicator.target_2025
    year = max(values, default=None)
    if target is None:
        return Evaluation(total, year, None, "cannot_tell", "words")
    progress = None if total is None or target == 0 else total / target
    complete = set(values) == set(indicators.plan.years)
    met = total is not None and _meets(total, target, indicator.comparison)
    grows = indicator.comparison != "at_most"
    if met and (complete or grows):
        return Evaluation(total, year, progress, "reached", "compared")
    if not complete:
        return Evaluation(total, year, progress, "cannot_tell", "no_value")
    return Evaluation(total, year, progress, "not_reached", "compared")


def _meets(value: float, target: float, comparison: Comparison | None) -> bool:
    if comparison == "at_most":
        return value <= target
    if comparison == "more_than":
        return value > target
    return value >= target


def _progress(indicator: Indicator, latest: float | None) -> float | None:
    """Part of the way from the baseline to the target; None where there is no way to go."""
    start, target = indicator.value_2020, indicator.target_2025
    if latest is None or start is None or target is None or start == target:
        return None
    return (latest - start) / (target - start)
