"""What `plan.toml` says: the targets of the plan, as checks bound to layers and measures."""

from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import geopandas as gpd
import pandas as pd
from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from layers import LANGUAGES, InputError, Language, Problem, Text
from layers.text import Entry
from layers.toml import parse, read_toml, unknown
from spatial.measures import MEASURES, in_classes
from spatial.measures.measure import STATED

PLAN_FILE = "plan.toml"
UNIT_ARGUMENTS = (
    "projects",
    "units",
    "zones",
    "area",
    "areas",
    "lines",
    "features",
    "facilities",
    "population",
)
"""Arguments of measures whose features are the units, the first one bound.

Projects come before the zones that they are held against: each is judged by itself.
"""
ID_COLUMN = "id"
OVERRIDES = "overrides"
"""Parameter that holds what a planner has judged of projects."""
SAMPLES = "matrix"
"""Parameter that holds the samples of a map's accuracy."""
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
Judge = Literal["whole", "each"]
_COMPARISONS: tuple[Comparison, ...] = ("at_least", "at_most", "equal")
Limit = Annotated[
    Annotated[float, Tag("number")] | Annotated[Mapping[str, float], Tag("by_unit")],
    Discriminator(lambda value: "by_unit" if isinstance(value, Mapping) else "number"),
]


class Target(Entry):
    """What the plan asks of the measured value: one comparison with a number, or one per unit.

    Where the plan asks for a thing and names no number, `no_number` says so: the value is then
    shown without a verdict. `tolerance` is by how much a value may miss the number and still meet
    it, in the target's unit, one number or one per unit; it takes up rounding, not doubt.
    """

    unit: str
    at_least: Limit | None = None
    at_most: Limit | None = None
    equal: Limit | None = None
    no_number: bool = False
    tolerance: Limit = 1e-9

    @field_validator("tolerance")
    @classmethod
    def _takes_up_no_less_than_nothing(cls, tolerance: Limit) -> Limit:
        values = tolerance.values() if isinstance(tolerance, Mapping) else [tolerance]
        if min(values, default=0.0) < 0:
            raise ValueError("a tolerance is 0 or more")
        return tolerance

    @model_validator(mode="after")
    def _one_comparison(self) -> Self:
        given: list[str] = [name for name in _COMPARISONS if getattr(self, name) is not None]
        given += ["no_number"] if self.no_number else []
        if len(given) != 1:
            raise ValueError(
                f"give one of at_least, at_most, equal; {given or 'none'} given"
                " (no_number = true where the plan names none)"
            )
        return self

    @property
    def own(self) -> bool:
        """Whether the number is not the plan's, which names none, but a planner's own."""
        return self.no_number and self.comparison is not None

    @property
    def comparison(self) -> Comparison | None:
        """Which of the three comparisons is asked, None where the plan names no number."""
        return next((name for name in _COMPARISONS if getattr(self, name) is not None), None)

    @property
    def limit(self) -> Limit | None:
        """The number, or the numbers by unit, to compare with; None without any."""
        limit: Limit | None = None
        if self.comparison is not None:
            limit = getattr(self, self.comparison)
        return limit

    @property
    def limits(self) -> tuple[float, ...]:
        """All numbers to compare with."""
        limit = self.limit
        if limit is None:
            return ()
        return tuple(limit.values()) if isinstance(limit, Mapping) else (limit,)

    def tolerance_of(self, unit: str) -> float:
        """By how much a unit may miss its number, nought where none is named for it."""
        tolerance = self.tolerance
        return tolerance.get(unit, 0.0) if isinstance(tolerance, Mapping) else tolerance

    def limit_of(self, unit: str) -> float | None:
        """The number that a unit is held to, None where the target names none for it."""
        limit = self.limit
        return limit.get(unit) if isinstance(limit, Mapping) else limit


Wanted = Annotated[
    Annotated[str, Tag("value")] | Annotated[tuple[str, ...], Tag("values")],
    Discriminator(lambda value: "values" if isinstance(value, list | tuple) else "value"),
]


class Binding(Entry):
    """A layer as an argument of a measure, or several taken together.

    `where` keeps the features with these values; a key of it is a column, or `id` for the
    feature's id. `begins` keeps those whose code in a column begins with one of these: codes of
    land use are hierarchical. `also` names further layers whose features are taken with those of
    `layer`; a column `layer` then tells which is which. What a further layer lacks a column for,
    `where` and `begins` do not ask of it.
    """

    layer: str
    also: tuple[str, ...] = ()
    where: Mapping[str, Wanted] = {}
    begins: Mapping[str, Annotated[tuple[str, ...], Field(min_length=1)]] = {}

    @property
    def all_layers(self) -> tuple[str, ...]:
        """Ids of the layers that it takes together."""
        return tuple(dict.fromkeys((self.layer, *self.also)))

    def select(self, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Return the features of a layer that the binding chooses."""
        for column, wanted in self.where.items():
            if column == ID_COLUMN or column in frame or not self.also:
                values = [wanted] if isinstance(wanted, str) else list(wanted)
                frame = frame[column_text(frame, column).isin(values)]
        for column, codes in self.begins.items():
            if column in frame or not self.also:
                frame = frame[in_classes(frame[column], codes)]
        return frame


class Definition(Entry):
    """Another definition (口径) of a check: what it is called, and what of the check it changes.

    What it does not name stays as the check has it; `layers` and `params` are changed one by one,
    and an empty layer takes an optional one away. `of_plan` marks the definition that the plan's
    own words mean. `source` says where it is laid down and how sure that is.
    """

    title: Text
    measure: str | None = None
    layers: Mapping[str, Binding | Literal[""]] = {}
    params: Mapping[str, Any] = {}
    target: Target | None = None
    judge: Judge | None = None
    of_plan: bool = False
    across: Mapping[str, tuple[float, ...]] | None = None
    source: Text = Text(zh="", en="")


class Check(Entry):
    """One target of the plan.

    `group` is the set of targets that it belongs to, where the pack has several (the district's
    and the city's). `judge` says whether the plan asks it of the whole (the units then only show
    where it comes from) or of each unit. `sentence` says in our words what the plan asks; it and
    the title may name the parameters, as in `{radius_m}`. `says` are the sentences that state
    each verdict; they may name `{value}`, `{low}`, `{high}`, `{target}`, `{difference}`, and of
    units `{count}`, `{failing}` and `{units}`, the names of those that fail.

    `variants` are other definitions of the same, to be shown beside it, each `across` several
    values of a parameter where it names one. `stand_in` is the one that is measured where the
    check's own layers are missing. `proxy` says what such a value, or the check's own, only
    stands in for, and why it therefore cannot decide the target; empty where it is the thing
    itself. `terms` are the words that colleagues may dispute, each with its definition and source.
    `names` are how values that parameters list are called, such as the kinds of project allowed.
    `definition` names the definition by which `defined` has changed it, empty for the check's own.
    """

    id: str
    title: Text
    cite: Cite
    group: str = ""
    measure: str
    layers: Mapping[str, Binding]
    params: Mapping[str, Any] = {}
    target: Target
    judge: Judge = "whole"
    sentence: Text
    says: Mapping[Literal["met", "not_met", "undetermined"], Text] = {}
    stand_in: str = ""
    proxy: Text = Text(zh="", en="")
    variants: Mapping[str, Definition] = {}
    across: Mapping[str, tuple[float, ...]] = {}
    terms: Mapping[str, Text] = {}
    names: Mapping[str, Text] = {}
    definition: Text = Text(zh="", en="")

    @property
    def unit_layers(self) -> tuple[str, ...]:
        """Ids of the layers whose features are the units, none without any."""
        bound = (self.layers[name].all_layers for name in UNIT_ARGUMENTS if name in self.layers)
        return next(bound, ())

    @property
    def unit_layer(self) -> str:
        """Id of the first layer whose features are the units, empty without one."""
        return next(iter(self.unit_layers), "")

    @model_validator(mode="after")
    def _one_limit_for_the_whole(self) -> Self:
        if self.judge == "whole" and isinstance(self.target.limit, Mapping):
            raise ValueError("a target for each unit needs judge = 'each'")
        return self

    @model_validator(mode="after")
    def _stand_in_is_a_variant_with_a_reason(self) -> Self:
        if self.stand_in and self.stand_in not in self.variants:
            raise ValueError(unknown("variant", self.stand_in, list(self.variants)))
        if self.stand_in and not self.proxy.zh:
            raise ValueError("stand_in needs proxy: what the value only stands in for, and why")
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

    def with_limit(self, limit: float | None) -> "Check":
        """Return the check held to a number of the planner's own, where the plan names none."""
        if limit is None or self.target.comparison is not None:
            return self
        own = self.target.model_copy(update={"at_least": limit})
        return self.model_copy(update={"target": own})

    def _measures_the_same(self, other: Definition) -> bool:
        """Whether a definition counts the same classes of the same layers, whatever else it is."""
        same_measure = other.measure in {None, self.measure}
        same_layers = all(self.layers.get(name) == bound for name, bound in other.layers.items())
        own = self.params.get("classes")
        same_classes = sorted(other.params.get("classes", own or ())) == sorted(own or ())
        return same_measure and same_layers and same_classes

    def defined(self, variant: str) -> "Check":
        """Return the check by another of its definitions; parameters that both know are kept.

        Samples of a map's accuracy are not: they are about the classes, and the map, of the check.
        Nor are sentences on a verdict where the definition has a target of its own.

        Raises InputError where the measure of the definition refuses a parameter.
        """
        other = self.variants[variant]
        measure = MEASURES[other.measure or self.measure]
        bound = {**self.layers, **other.layers}
        layers = {
            name: binding
            for name, binding in bound.items()
            if isinstance(binding, Binding) and name in measure.layers
        }
        known = {n: v for n, v in self.params.items() if n in measure.params.model_fields}
        if not self._measures_the_same(other):
            known.pop(SAMPLES, None)
        where = f"{PLAN_FILE} [{self.id}].variants.{variant}.params"
        model, problems = parse(measure.params, {**known, **other.params}, where)
        if model is None:
            raise InputError(problems)
        changed: dict[str, object] = {
            "measure": other.measure or self.measure,
            "layers": layers,
            "params": model.model_dump(),
            "across": self.across if other.across is None else other.across,
            "variants": {},
            "stand_in": "",
            "definition": other.title,
        }
        if variant != self.stand_in:
            changed["proxy"] = Text(zh="", en="")
        if other.target is not None:
            changed |= {"target": other.target, "says": {}}
        if other.judge is not None:
            changed["judge"] = other.judge
        return self.model_copy(update=changed)


class Land(Entry):
    """Which layer holds land cover, and which of its codes are green and which are water."""

    layer: str
    column: str = "class_code"
    green: Annotated[tuple[str, ...], Field(min_length=1)]
    water: Annotated[tuple[str, ...], Field(min_length=1)]


class LandDefinition(Entry):
    """Another definition (口径) of green and water in the statistics of zones."""

    title: Text
    green: Annotated[tuple[str, ...], Field(min_length=1)]
    water: Annotated[tuple[str, ...], Field(min_length=1)]


class ZoneStatisticsSpec(Entry):
    """Which layers play which part in the statistics of a zone; a part without layer is left out.

    `zones` is the layer that a page describes first. `definitions` are other definitions of green
    and water than that of `land`, to choose from, by a short name such as A; one of them may be
    the same as that of `land`.
    """

    zones: str = ""
    land: Land | None = None
    definitions: Mapping[str, LandDefinition] = {}
    built_up: str = ""
    terminals: str = ""
    stops: str = ""
    population: str = ""
    people_column: str = "people"
    radius_m: Annotated[float, Field(gt=0)] = 500.0

    @property
    def definition(self) -> str:
        """Short name of the definition that `land` has; empty where none of them is the same."""
        if self.land is None:
            return ""
        own = (sorted(self.land.green), sorted(self.land.water))
        same = (n for n, d in self.definitions.items() if (sorted(d.green), sorted(d.water)) == own)
        return next(same, "")

    def by(self, definition: str) -> "ZoneStatisticsSpec":
        """Return the same with green and water by another of the definitions.

        Raises InputError where there is none of that name.
        """
        if definition not in self.definitions or self.land is None:
            message = unknown("definition", definition, list(self.definitions))
            raise InputError([Problem("zones --definition", "", "definition", message)])
        chosen = self.definitions[definition]
        land = self.land.model_copy(update={"green": chosen.green, "water": chosen.water})
        return self.model_copy(update={"land": land})


class Plan(Entry):
    """The targets of one plan, in the order of the file.

    `groups` are the sets of targets that stand side by side, the plan's own first, each with its
    title; none where there is but one.
    """

    title: Text
    checks: Mapping[str, Check]
    zone_statistics: ZoneStatisticsSpec
    groups: Mapping[str, Text] = {}


class _Head(Entry):
    title: Text
    groups: Mapping[str, Text] = {}


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
            if head is not None and check.group not in {"", *head.groups}:
                where = f"{PLAN_FILE} [{check_id}].group"
                message = unknown("group", check.group, list(head.groups))
                problems.append(Problem(where, "", "group", message))
    if head is None or statistics is None or problems:
        raise InputError(problems)
    return Plan(title=head.title, checks=checks, zone_statistics=statistics, groups=head.groups)


_NOT_TOLD = {
    "id": "the table's name is the id",
    "definition": "other definitions are tables in 'variants'",
}
"""What of a check its table does not say itself."""


def _read_check(check_id: str, entry: object) -> tuple[Check | None, list[Problem]]:
    where = f"{PLAN_FILE} [{check_id}]"
    if not isinstance(entry, dict):
        return None, [Problem(where, "", "value", f"{entry!r} is not a table with title, cite …")]
    if told := sorted(entry.keys() & _NOT_TOLD.keys()):
        message = f"unknown key '{told[0]}'; {_NOT_TOLD[told[0]]}"
        return None, [Problem(where, "", "key", message)]
    check, problems = parse(Check, _bindings_spelt_out({**entry, "id": check_id}), where)
    if check is None:
        return None, problems
    problems = list(_measure_problems(check, where))
    if problems:
        return None, problems
    params, problems = parse(MEASURES[check.measure].params, check.params, f"{where}.params")
    if params is None:
        return None, problems
    check = check.model_copy(update={"params": params.model_dump()})
    problems = [*_sentence_problems(check, where), *_across_problems(check, where)]
    for name in check.variants:
        problems += _definition_problems(check, name, f"{where}.variants.{name}")
    return (None if problems else check), problems


def _bindings_spelt_out(entry: dict[str, Any]) -> dict[str, Any]:
    """Write `stops = "bus_stops"` as the table that it is short for, in definitions as well."""
    bound = entry.get("layers")
    if isinstance(bound, dict):
        bound = {k: {"layer": v} if isinstance(v, str) and v else v for k, v in bound.items()}
        entry = {**entry, "layers": bound}
    variants = entry.get("variants")
    if isinstance(variants, dict):
        spelt = {
            name: _bindings_spelt_out(variant) if isinstance(variant, dict) else variant
            for name, variant in variants.items()
        }
        entry = {**entry, "variants": spelt}
    return entry


def _definition_problems(check: Check, name: str, where: str) -> list[Problem]:
    """Find what does not fit in another definition, as if it were a check of its own."""
    variant = check.variants[name]
    measure = variant.measure or check.measure
    if measure not in MEASURES:
        message = unknown("measure", measure, list(MEASURES))
        return [Problem(f"{where}.measure", "", "measure", message)]
    names = list(MEASURES[measure].layers)
    problems = [
        Problem(
            f"{where}.layers",
            "",
            "layers",
            unknown("layer argument", argument, names) + f" of measure '{measure}'",
        )
        for argument in variant.layers
        if argument not in names
    ]
    try:
        defined = check.defined(name)
    except InputError as error:
        return [*problems, *error.problems]
    problems += _measure_problems(defined, where)
    problems += _across_problems(defined, where)
    return problems


def _across_problems(check: Check, where: str) -> Iterator[Problem]:
    if len(check.across) > 1:
        message = f"{len(check.across)} parameters given; name one with the values to compare"
        yield Problem(f"{where}.across", "", "across", message)
    for name, values in check.across.items():
        if name not in check.params:
            message = unknown("parameter", name, list(check.params))
            yield Problem(f"{where}.across", "", "across", message)
            continue
        for value in values:
            try:
                check.with_params({name: value})
            except InputError as error:
                yield from error.problems


_RESULTS = ("value", "low", "high", "target", "difference", "failing", "units", "count")
"""What a sentence on a verdict may name beside the parameters."""


def _sentence_problems(check: Check, where: str) -> Iterator[Problem]:
    texts = {"title": check.title, "sentence": check.sentence}
    texts |= {f"says.{verdict}": text for verdict, text in check.says.items()}
    for (key, text), lang in product(texts.items(), LANGUAGES):
        known = {**check.params}
        if key.startswith("says."):
            known |= dict.fromkeys(_RESULTS)
        try:
            text.in_(lang).format(**known)
        except KeyError as error:
            message = unknown("parameter", str(error.args[0]), list(known))
            yield Problem(f"{where}.{key}.{lang}", "", key, message)
        except (ValueError, IndexError) as error:
            message = f"{error}; a brace opens a parameter, as in '{{radius_m}}'"
            yield Problem(f"{where}.{key}.{lang}", "", key, message)


def _measure_problems(check: Check, where: str) -> Iterator[Problem]:
    measure = MEASURES.get(check.measure)
    if measure is None:
        message = unknown("measure", check.measure, list(MEASURES))
        yield Problem(f"{where}.measure", "", "measure", message)
        return
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
    if measure.unit not in {STATED, check.target.unit}:
        message = f"'{check.target.unit}' does not fit; '{check.measure}' gives '{measure.unit}'"
        yield Problem(f"{where}.target.unit", "", "unit", message)


def column_text(frame: pd.DataFrame, column: str) -> pd.Series:
    """Return a column as text, or the ids; missing values stay missing."""
    values = frame.index.to_series() if column == ID_COLUMN else frame[column]
    return values.astype(str).where(values.notna())
