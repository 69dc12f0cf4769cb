"""What `plan.toml` says: the targets of the plan, as checks bound to layers and measures."""

from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import geopandas as gpd
import pandas as pd
from pydantic import Discriminator, Field, Tag, model_validator

from layers import LANGUAGES, InputError, Language, Problem, Text
from layers.text import Entry
from layers.toml import parse, read_toml, unknown
from spatial.measures import MEASURES, Measure

PLAN_FILE = "plan.toml"
UNIT_ARGUMENTS = ("units", "zones", "area", "areas", "lines", "features")
"""Arguments of measures whose features are the units, the first one bound."""
ID_COLUMN = "id"
_NUMERALS = "零一二三四五六七八九十"


class Cite(Entry):
    """A place in the plan, by numbers, so that it can be named in both languages.

    >>> Cite(chapter=7, section=1).in_("zh"), Cite(box=12).in_("en")
    ('第七章一', 'Box 12')
    """

    chapter: Annotated[int, Field(ge=1, le=99)] | None = None
    section: Annotated[int, Field(ge=1, le=99)] | None = None
    box: Annotated[int, Field(ge=1)] | None = None
    annex: Annotated[int, Field(ge=1, le=99)] | None = None
    item: Annotated[int, Field(ge=1)] | None = None
    clause: Text | None = None

    def in_(self, lang: Language) -> str:
        """Name the place in a language."""
        zh, en = [], []
        if self.chapter is not None:
            section = "" if self.section is None else _numeral(self.section)
            zh.append(f"第{_numeral(self.chapter)}章{section}")
            en.append(f"Ch. {self.chapter}" + (f" ({self.section})" if self.section else ""))
        if self.box is not None:
            zh.append(f"专栏{self.box}" + (f"（{self.item}）" if self.item else ""))
            en.append(f"Box {self.box}" + (f" ({self.item})" if self.item else ""))
        if self.annex is not None:
            zh.append(f"附件{_numeral(self.annex)}" + (f" {self.item}" if self.item else ""))
            en.append(f"Annex {self.annex}" + (f", note {self.item}" if self.item else ""))
        if self.clause is not None:
            zh.append(self.clause.zh)
            en.append(self.clause.en)
        return "，".join(zh) if lang == "zh" else ", ".join(en)


def _numeral(number: int) -> str:
    """Chinese numeral of 1 to 99.

    >>> [_numeral(n) for n in (3, 10, 16, 20, 31)]
    ['三', '十', '十六', '二十', '三十一']
    """
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else ("" if tens == 1 else _NUMERALS[tens]) + "十"
    return head + (_NUMERALS[ones] if ones or not head else "")


Comparison = Literal["at_least", "at_most", "equal"]
Limit = Annotated[
    Annotated[float, Tag("number")] | Annotated[Mapping[str, float], Tag("by_unit")],
    Discriminator(lambda value: "by_unit" if isinstance(value, Mapping) else "number"),
]


class Target(Entry):
    """What the plan asks of the measured value: one comparison with a number, or one per unit.

    `tolerance` is by how much a value may miss the number and still meet it, in the target's
    unit; it takes up rounding, not doubt.
    """

    unit: str
    at_least: Limit | None = None
    at_most: Limit | None = None
    equal: Limit | None = None
    tolerance: Annotated[float, Field(ge=0)] = 1e-9

    @model_validator(mode="after")
    def _one_comparison(self) -> Self:
        given = [
            name for name in ("at_least", "at_most", "equal") if getattr(self, name) is not None
        ]
        if len(given) != 1:
            raise ValueError(f"give one of at_least, at_most, equal; {given or 'none'} given")
        return self

    @property
    def comparison(self) -> Comparison:
        """Which of the three comparisons is asked."""
        names: tuple[Comparison, ...] = ("at_least", "at_most", "equal")
        return next(name for name in names if getattr(self, name) is not None)

    @property
    def limit(self) -> Limit:
        """The number, or the numbers by unit, to compare with."""
        limit: Limit = getattr(self, self.comparison)
        return limit

    def limit_of(self, unit: str) -> float | None:
        """The number that a unit is held to, None where the target names none for it."""
        return self.limit.get(unit) if isinstance(self.limit, Mapping) else self.limit


Wanted = Annotated[
    Annotated[str, Tag("value")] | Annotated[tuple[str, ...], Tag("values")],
    Discriminator(lambda value: "values" if isinstance(value, list | tuple) else "value"),
]


class Binding(Entry):
    """A layer as an argument of a measure; `where` keeps the features with these values.

    A key of `where` is a column, or `id` for the feature's id.
    """

    layer: str
    where: Mapping[str, Wanted] = {}

    def select(self, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Return the features that the binding chooses."""
        for column, wanted in self.where.items():
            values = [wanted] if isinstance(wanted, str) else list(wanted)
            frame = frame[column_text(frame, column).isin(values)]
        return frame


class Variant(Entry):
    """Another definition (口径) of the same check: what it is called, which parameters it has."""

    title: Text
    params: Mapping[str, Any]


class Check(Entry):
    """One target of the plan.

    `judge` says whether the plan asks it of the whole (the units then only show where it comes
    from) or of each unit. `sentence` says in our words what the plan asks; it and the title may
    name the parameters, as in `{radius_m}`. `proxy` says what the measured value only stands in
    for, and why it therefore cannot decide the target; empty where it is the thing itself.
    `variants` are other definitions of the same, to be shown beside it. `terms` are the words
    that colleagues may dispute, each with its definition and source.
    """

    id: str
    title: Text
    cite: Cite
    measure: str
    layers: Mapping[str, Binding]
    params: Mapping[str, Any] = {}
    target: Target
    judge: Literal["whole", "each"] = "whole"
    sentence: Text
    proxy: Text = Text(zh="", en="")
    variants: Mapping[str, Variant] = {}
    terms: Mapping[str, Text] = {}

    @property
    def unit_layer(self) -> str:
        """Id of the layer whose features are the units, empty without one."""
        bound = (self.layers[name].layer for name in UNIT_ARGUMENTS if name in self.layers)
        return next(bound, "")

    @model_validator(mode="after")
    def _one_limit_for_the_whole(self) -> Self:
        if self.judge == "whole" and isinstance(self.target.limit, Mapping):
            raise ValueError("a target for each unit needs judge = 'each'")
        return self

    def with_params(self, params: Mapping[str, object]) -> "Check":
        """Return the check with other parameters, as a planner trying a radius wants it.

        Raises InputError where the measure does not know a parameter or refuses a value.
        """
        where = f"{PLAN_FILE} [{self.id}].params"
        model, problems = parse(MEASURES[self.measure].params, {**self.params, **params}, where)
        if model is None:
            raise InputError(problems)
        return self.model_copy(update={"params": model.model_dump()})


class Land(Entry):
    """Which layer holds land cover, and which of its codes are green and which are water."""

    layer: str
    column: str = "class_code"
    green: Annotated[tuple[str, ...], Field(min_length=1)]
    water: Annotated[tuple[str, ...], Field(min_length=1)]


class ZoneStatisticsSpec(Entry):
    """Which layers play which part in the statistics of a zone; a part without layer is left out.

    `zones` is the layer that a page describes first.
    """

    zones: str = ""
    land: Land | None = None
    built_up: str = ""
    terminals: str = ""
    stops: str = ""
    radius_m: Annotated[float, Field(gt=0)] = 500.0


class Plan(Entry):
    """The targets of one plan, in the order of the file."""

    title: Text
    checks: Mapping[str, Check]
    zone_statistics: ZoneStatisticsSpec


class _Head(Entry):
    title: Text


def read_plan(folder: Path) -> Plan:
    """Read a pack's `plan.toml`.

    The table `[plan]` holds the title, `[zone_statistics]` the parts of the layers in zone
    statistics; every other table is a check. A layer is bound by its id, or by a table with
    `layer` and `where`.

    Raises InputError with every mistake in the file, unknown measures, misspelt layers and
    parameters of a measure among them.
    """
    data = read_toml(Path(folder) / PLAN_FILE)
    head, problems = parse(_Head, data.pop("plan", {}), f"{PLAN_FILE} [plan]")
    where = f"{PLAN_FILE} [zone_statistics]"
    statistics, found = parse(ZoneStatisticsSpec, data.pop("zone_statistics", {}), where)
    problems += found
    checks: dict[str, Check] = {}
    for check_id, entry in data.items():
        check, found = _read_check(check_id, entry)
        problems += found
        if check is not None:
            checks[check_id] = check
    if head is None or statistics is None or problems:
        raise InputError(problems)
    return Plan(title=head.title, checks=checks, zone_statistics=statistics)


def _read_check(check_id: str, entry: object) -> tuple[Check | None, list[Problem]]:
    where = f"{PLAN_FILE} [{check_id}]"
    if not isinstance(entry, dict):
        return None, [Problem(where, "", "value", f"{entry!r} is not a table with title, cite …")]
    if "id" in entry:
        return None, [Problem(where, "", "key", "unknown key 'id'; the table's name is the id")]
    bound = entry.get("layers")
    if isinstance(bound, dict):
        bound = {k: {"layer": v} if isinstance(v, str) else v for k, v in bound.items()}
        entry = {**entry, "layers": bound}
    check, problems = parse(Check, {**entry, "id": check_id}, where)
    if check is None:
        return None, problems
    measure = MEASURES.get(check.measure)
    if measure is None:
        message = unknown("measure", check.measure, list(MEASURES))
        return None, [Problem(f"{where}.measure", "", "measure", message)]
    problems = list(_measure_problems(check, measure, where))
    params, found = parse(measure.params, check.params, f"{where}.params")
    problems += found
    if params is None or problems:
        return None, problems
    check = check.model_copy(update={"params": params.model_dump()})
    problems = list(_sentence_problems(check, where))
    for name, variant in check.variants.items():
        given = {**check.params, **variant.params}
        problems += parse(measure.params, given, f"{where}.variants.{name}.params")[1]
    return (None if problems else check), problems


def _sentence_problems(check: Check, where: str) -> Iterator[Problem]:
    for key, lang in product(("title", "sentence"), LANGUAGES):
        try:
            getattr(check, key).in_(lang).format(**check.params)
        except KeyError as error:
            message = unknown("parameter", str(error.args[0]), list(check.params))
            yield Problem(f"{where}.{key}.{lang}", "", key, message)
        except (ValueError, IndexError) as error:
            message = f"{error}; a brace opens a parameter, as in '{{radius_m}}'"
            yield Problem(f"{where}.{key}.{lang}", "", key, message)


def _measure_problems(check: Check, measure: Measure, where: str) -> Iterator[Problem]:
    names = list(measure.layers)
    for name in check.layers:
        if name not in names:
            message = unknown("layer argument", name, names) + f" of measure '{check.measure}'"
            yield Problem(f"{where}.layers", "", "layers", message)
    for name in measure.required_layers:
        if name not in check.layers:
            message = f"missing '{name}'; measure '{check.measure}' needs " + ", ".join(
                f"'{needed}'" for needed in measure.required_layers
            )
            yield Problem(f"{where}.layers", "", "layers", message)
    if check.target.unit != measure.unit:
        message = f"'{check.target.unit}' does not fit; '{check.measure}' gives '{measure.unit}'"
        yield Problem(f"{where}.target.unit", "", "unit", message)


def column_text(frame: pd.DataFrame, column: str) -> pd.Series:
    """Return a column as text, or the ids; missing values stay missing."""
    values = frame.index.to_series() if column == ID_COLUMN else frame[column]
    return values.astype(str).where(values.notna())
