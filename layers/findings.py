"""The log of what was wrong with a layer's features and what was done about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from layers.catalogue import GeometryKind
from layers.problem import InputError, Problem
from layers.text import Entry, Language, Text
from layers.toml import parse, read_toml

REPAIR_FILE = "repair.toml"

Rule = Literal[
    "id",
    "empty",
    "coordinates",
    "dimension",
    "type",
    "mixed",
    "closed_line",
    "invalid",
    "zero",
    "points",
    "close",
    "sliver",
    "duplicate",
    "same_place",
    "outside",
    "partly_outside",
    "overlap",
    "overlaps",
    "unlooked",
    "total",
]
RULES: tuple[Rule, ...] = get_args(Rule)
FAULTS: frozenset[Rule] = frozenset(
    {
        "id",
        "empty",
        "coordinates",
        "type",
        "mixed",
        "closed_line",
        "invalid",
        "zero",
        "duplicate",
        "outside",
    }
)
"""What makes a feature faulty; all else is mended or reported without harm to anybody."""

Done = Literal["mended", "left_out", "renumbered", "kept", "noted"]
AMOUNTS: Mapping[GeometryKind, str] = {"point": "points", "line": "m", "polygon": "m2"}
LOG_COLUMNS = (
    "layer",
    "feature",
    "other",
    "rule",
    "done",
    *(f"{when}_{unit}" for unit in ("m2", "m", "points") for when in ("before", "after")),
    "about_m2",
    "zh",
    "en",
)


class RulePhrase(Entry):
    """A title, and what is said of a feature."""

    title: Text
    found: Text


class Phrases(Entry):
    """The whole of `repair.toml`."""

    rules: Mapping[Rule, RulePhrase]
    done: Mapping[Done, RulePhrase]
    columns: Mapping[str, Text]
    kinds: Mapping[GeometryKind, Text]
    units: Mapping[GeometryKind, Text]
    types: Mapping[str, Text]
    reasons: Mapping[str, Text]

    def reason(self, said: str) -> Text:
        """Say why a geometry is invalid; `said` is what GEOS says of it."""
        found = (text for start, text in self.reasons.items() if said.startswith(start))
        return next(found, self.reasons["other"])


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found, and what was done: a row of the log before it is put into words.

    `before` and `after` are the feature's area in m², length in m or number of points, by the
    layer's kind; None where the finding changes no feature. `facts` fill the rule's phrase.
    """

    feature: str
    rule: Rule
    done: Done
    before: float | None = None
    after: float | None = None
    other: str = ""
    about_m2: float | None = None
    facts: Mapping[str, object] | None = None

    def found(self, phrases: Phrases) -> Text:
        """Say what was found."""
        return self._filled(phrases.rules[self.rule].found)

    def text(self, phrases: Phrases) -> Text:
        """Say what was found and what was done."""
        found, done = self.found(phrases), self._filled(phrases.done[self.done].found)
        if not done.en:
            return found
        return Text(zh=f"{found.zh}；{done.zh}", en=f"{found.en}; {done.en}")

    def _filled(self, template: Text) -> Text:
        facts = {"feature": self.feature, "other": self.other, **(self.facts or {})}
        zh = {key: value.zh if isinstance(value, Text) else value for key, value in facts.items()}
        en = {key: value.en if isinstance(value, Text) else value for key, value in facts.items()}
        return Text(zh=template.zh.format(**zh), en=template.en.format(**en))


def read_phrases() -> Phrases:
    """Read the words of the log."""
    path = Path(__file__).with_name(REPAIR_FILE)
    phrases, problems = parse(Phrases, read_toml(path), path.name)
    if phrases is None:
        raise InputError(problems)
    return phrases


def log_table(
    findings: Iterable[Finding], layer: str, kind: GeometryKind, phrases: Phrases
) -> pd.DataFrame:
    """Put findings into the log: a row each, with the columns of LOG_COLUMNS.

    The amount before and after stands under the unit of the layer's kind, m² for polygons, m for
    lines, points for points. Summed over the rows, after less before is the change of the total.
    """
    unit = AMOUNTS[kind]
    rows = []
    for finding in findings:
        text = finding.text(phrases)
        row = {
            "layer": layer,
            "feature": finding.feature,
            "other": finding.other,
            "rule": finding.rule,
            "done": finding.done,
            f"before_{unit}": finding.before,
            f"after_{unit}": finding.after,
            "about_m2": finding.about_m2,
            "zh": text.zh,
            "en": text.en,
        }
        rows.append(row)
    table = pd.DataFrame(rows, columns=list(LOG_COLUMNS))
    numbers = [name for name in LOG_COLUMNS if name.startswith(("before_", "after_", "about_"))]
    return table.astype(dict.fromkeys(numbers, "float64"))


def as_problems(findings: Iterable[Finding], where: str, phrases: Phrases) -> list[Problem]:
    """Say what was found as problems, for a planner who wants to stop at them."""
    said = ((finding, finding.found(phrases)) for finding in findings)
    return [Problem(where, one.feature, one.rule, text.en, zh=text.zh) for one, text in said]


def readable(log: pd.DataFrame, lang: Language) -> pd.DataFrame:
    """Return the log as a planner downloads it: in one language, titles for columns, none empty."""
    phrases = read_phrases()
    table = log.assign(
        rule=log["rule"].map(
            {rule: entry.title.in_(lang) for rule, entry in phrases.rules.items()}
        ),
        done=log["done"].map({done: entry.title.in_(lang) for done, entry in phrases.done.items()}),
        other=log["other"].where(log["other"] != "", None),
        text=log[lang],
    )
    always = {"layer", "feature", "rule", "done", "text"}
    shown = [name for name in phrases.columns if name in always or table[name].notna().any()]
    return table[shown].rename(columns={name: phrases.columns[name].in_(lang) for name in shown})
