"""Proposing which fields of a planner's file become which columns of a layer, and why."""

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from layers.catalogue import LayerSpec
from layers.field_names import LEVELS, Level, NameMatch, match_name, names_of, read_field_names
from layers.field_values import (
    ValueSuggestion,
    as_text,
    number,
    suggest_value,
    value_text,
)
from layers.fields import (
    ID_TARGET,
    NUMBER_COLUMNS,
    RESERVED_COLUMNS,
    FieldMap,
    is_land_column,
    land_classes,
)
from layers.formats.found import FieldKind, Part
from layers.land_codes import LandCodes, LandTable, read_land_codes
from layers.text import Entry, Text

_MOST_CLASSES = 40
"""A column with more different values than this is a description, not a class."""
_MOST_VALUES = 400
"""So many different values of a field are looked at, and listed."""
_LEAST_FITTING, _CLEARLY_FITTING = 0.5, 0.8
_FEWEST_CODES = 5
_CONTENTS_RANK = 1_000
_PLACE_WORDS = re.compile(r"(街道办事处|办事处|街道|地区|街|镇|乡)$")


class FieldSuggestion(Entry):
    """Which field holds a column, empty where none is likely, how surely, and why.

    `alternatives` are other fields that may. `needed` says that the map's colours or a check of
    the plan rest on the column.
    """

    column: str
    title: Text
    field: str = ""
    level: Level = "guess"
    why: Text
    alternatives: tuple[str, ...] = ()
    needed: bool = False


class ValueProposal(Entry):
    """What the values of a column of classes become; `question` where that cannot be told.

    `table` is the classification that land-use codes follow, None where the planner must say.
    """

    values: tuple[ValueSuggestion, ...]
    table: LandTable | None = None
    why: Text = Text(zh="", en="")
    question: Text | None = None

    @property
    def codes(self) -> Mapping[str, str]:
        """The translations that are more than a guess, for a mapping without a table."""
        kept = (v for v in self.values if v.level != "guess" and v.value != v.becomes)
        return {} if self.table else {v.value: v.becomes for v in kept}


class FieldProposal(Entry):
    """A mapping to be confirmed: what is likely is in `map`, all else only in the suggestions.

    `fields` begins with the key (`id`). `values` holds the columns of classes; `questions` what
    the planner must say, because the file does not.
    """

    map: FieldMap
    fields: tuple[FieldSuggestion, ...]
    values: Mapping[str, ValueProposal] = {}
    questions: tuple[Text, ...] = ()


def propose_fields(
    spec: LayerSpec,
    part: Part,
    existing: gpd.GeoDataFrame | None = None,
    plan_values: Mapping[str, Collection[str]] | None = None,
    *,
    rows: pd.DataFrame | None = None,
) -> FieldProposal:
    """Propose which fields of a file's part become which columns of a layer, by name and contents.

    `existing` are the features that the layer has now, whose ids and classes are to be met;
    `plan_values` the columns by which the plan chooses, each with the values it names (none for a
    column of land-use codes). With the `rows` of the part every value is looked at, without them
    only the samples; whether a key is unique can then seldom be told.
    """
    layer = _Target(spec, existing, plan_values or {})
    fields, words, land = _fields(part, rows), read_field_names(), read_land_codes()
    found = [
        _suggest(layer, column, fields, words.get(column, ()), land) for column in layer.columns()
    ]
    columns = {s.column: s.field for s in found if s.field}
    key = _key(layer, fields, columns.get("name", ""), words[ID_TARGET])
    values = {}
    for column, name in columns.items():
        if layer.is_land(column) or layer.classes(column):
            field = next(field for field in fields if field.name == name)
            beside = _names_beside(fields, field, columns, words["class_name"])
            values[column] = _values(layer, column, field.values, beside, land)
    codes = {column: proposal.codes for column, proposal in values.items()}
    codes = {column: own for column, own in {ID_TARGET: key.codes, **codes}.items() if own}
    tables = {column: proposal.table for column, proposal in values.items() if proposal.table}
    return FieldProposal(
        map=FieldMap(key=key.suggestion.field, columns=columns, tables=tables, codes=codes),
        fields=(key.suggestion, *found),
        values=values,
        questions=tuple(_questions(layer, found, values, key)),
    )


def propose_values(
    spec: LayerSpec,
    column: str,
    values: Sequence[str],
    *,
    existing: gpd.GeoDataFrame | None = None,
    plan_values: Mapping[str, Collection[str]] | None = None,
    names: Sequence[str] = (),
    table: LandTable | None = None,
) -> ValueProposal:
    """Propose what the values of a field become that the planner has chosen for a column.

    `names` are the values of a field of class names beside it; `table` is the classification that
    the planner has said the codes follow.
    """
    layer = _Target(spec, existing, plan_values or {})
    return _values(layer, column, values, names, read_land_codes(), table=table)


@dataclass(frozen=True, slots=True)
class _Field:
    """A field with its different values as text; `unique` is None where it cannot be told."""

    name: str
    kind: FieldKind
    values: tuple[str, ...]
    missing: int
    unique: bool | None


def _fields(part: Part, rows: pd.DataFrame | None) -> list[_Field]:
    fields = []
    for field in part.fields:
        if rows is None or field.name not in rows:
            whole = len(field.samples) == part.count and not field.missing
            unique = True if whole else None
            fields.append(_Field(field.name, field.kind, field.samples, field.missing, unique))
            continue
        texts = as_text(rows[field.name])
        values = tuple(str(text) for text in texts.dropna().unique())
        missing = int(texts.isna().sum())
        unique = len(values) + missing == len(texts)
        fields.append(_Field(field.name, field.kind, values, missing, unique))
    return fields


@dataclass(frozen=True, slots=True)
class _Target:
    """The layer that the fields are for: what it knows, has now and is asked for."""

    spec: LayerSpec
    existing: gpd.GeoDataFrame | None
    wanted: Mapping[str, Collection[str]]

    def columns(self) -> tuple[str, ...]:
        """The columns that a field may fill, what matters most first."""
        names = ["name", "name_en", self.spec.style.by, *self.wanted]
        for column, entry in self.spec.columns.items():
            names += [column, f"{column}_en"] if entry.localised else [column]
        names += [self.spec.style.label, "cite", "source", *NUMBER_COLUMNS]
        return tuple(name for name in dict.fromkeys(names) if name not in {*RESERVED_COLUMNS, ""})

    def title(self, column: str) -> Text:
        stem = column.removesuffix("_en")
        title = self.spec.title_of(stem)
        if stem == column or column in self.spec.columns:
            return self.spec.title_of(column)
        return Text(zh=f"{title.zh}（英文）", en=f"{title.en} in English")

    def needed(self, column: str) -> bool:
        return column == self.spec.style.by or column in self.wanted

    def is_number(self, column: str) -> bool:
        entry = self.spec.columns.get(column)
        return column in NUMBER_COLUMNS or (entry is not None and entry.kind == "number")

    def is_land(self, column: str) -> bool:
        asked = column in self.wanted and not self.wanted[column]
        return asked or is_land_column(self.spec, column)

    def classes(self, column: str) -> Mapping[str, Text]:
        """The values that a column of classes is known to have, with their titles."""
        if not self.needed(column):
            return {}
        known = dict(self._present(column))
        for value in self.wanted.get(column, ()):
            known.setdefault(value, Text(zh=value, en=value))
        if column == self.spec.style.by:
            known.update({entry.value: entry.title for entry in self.spec.style.classes})
        return known

    def _present(self, column: str) -> Iterator[tuple[str, Text]]:
        frame = self.existing
        if frame is None or column not in frame or frame[column].nunique() > _MOST_CLASSES:
            return
        english = frame[f"{column}_en"] if f"{column}_en" in frame else frame[column]
        for value, en in zip(frame[column].tolist(), english.tolist(), strict=True):
            if text := value_text(value):
                yield text, Text(zh=text, en=value_text(en) or text)

    def ids(self) -> set[str]:
        """Ids that features of this layer have now, or that the plan names."""
        own = () if self.existing is None else (str(feature) for feature in self.existing.index)
        return {*own, *self.wanted.get(ID_TARGET, ())}


@dataclass(frozen=True, slots=True)
class _Candidate:
    level: Level
    rank: int
    place: int
    field: str
    why: Text

    @property
    def order(self) -> tuple[int, int, int]:
        return LEVELS.index(self.level), self.rank, self.place


def _suggest(
    layer: _Target, column: str, fields: Sequence[_Field], words: Sequence[str], land: LandCodes
) -> FieldSuggestion:
    title = layer.title(column)
    names = names_of(column, title, words)
    found = []
    for place, field in enumerate(fields):
        match = match_name(field.name, names)
        if match is None and layer.is_number(column):  # a number alone says nothing
            continue
        weighed = _weighed(layer, column, field, match, _fit(layer, column, field, land))
        if weighed is not None:
            rank = match.rank if match else _CONTENTS_RANK
            found.append(_Candidate(weighed[0], rank, place, field.name, weighed[1]))
    found.sort(key=lambda candidate: candidate.order)
    needed = layer.needed(column)
    if not found:
        why = Text(zh="没有像的字段", en="no field looks like it")
        return FieldSuggestion(column=column, title=title, why=why, needed=needed)
    taken = [] if found[0].level == "guess" else found[:1]
    return FieldSuggestion(
        column=column,
        title=title,
        field=taken[0].field if taken else "",
        level=found[0].level,
        why=found[0].why,
        alternatives=tuple(candidate.field for candidate in found[len(taken) :]),
        needed=needed,
    )


def _fit(layer: _Target, column: str, field: _Field, land: LandCodes) -> float | None:
    """Share of a field's values that suit a column; None where any value would."""
    values = field.values[:_MOST_VALUES]
    if not values:
        return 0.0
    if layer.is_number(column):
        return sum(not math.isnan(number(value)) for value in values) / len(values)
    if layer.is_land(column):
        return land.share_known(values)
    if column != "name" and (classes := layer.classes(column)):
        return sum(bool(suggest_value(v, classes).becomes) for v in values) / len(values)
    return None


def _weighed(
    layer: _Target, column: str, field: _Field, match: NameMatch | None, fit: float | None
) -> tuple[Level, Text] | None:
    if layer.is_number(column):
        clear = fit is not None and fit >= _CLEARLY_FITTING
        return _number_weighed(layer, column, field, match) if match and clear else None
    if match is not None:
        if fit is None or fit >= _LEAST_FITTING:
            return match.level, match.why
        zh, en = f"{match.why.zh}，但取值不像", f"{match.why.en}, but its values do not look right"
        return "guess", Text(zh=zh, en=en)
    if fit is None or fit < _CLEARLY_FITTING:
        return None
    if layer.is_land(column):
        telling = len(field.values) >= _FEWEST_CODES
    else:  # small numbers are too common to mean ranks
        telling = not all(value.isdecimal() for value in field.values)
    return "likely" if telling else "guess", Text(zh="取值像", en="its values look right")


def _number_weighed(
    layer: _Target, column: str, field: _Field, match: NameMatch
) -> tuple[Level, Text]:
    entry = layer.spec.columns.get(column)
    if entry is not None and entry.unit and field.name.casefold() != column.casefold():
        zh, en = f"单位应为{entry.unit}，请核对", f"the numbers must be in {entry.unit}: check them"
        return "guess", Text(zh=zh, en=en)
    return match.level, match.why


@dataclass(frozen=True, slots=True)
class _Key:
    """The field of the ids, what its values become, and the ids that come out of it."""

    suggestion: FieldSuggestion
    codes: Mapping[str, str]
    ids: Collection[str]


def _key(layer: _Target, fields: Sequence[_Field], name_field: str, words: Sequence[str]) -> _Key:
    title = Text(zh="编号", en="Id")
    known = layer.ids()
    found: list[_Candidate] = []
    held = Text(zh="含有现有要素的编号", en="it holds the ids of the present features")
    names = names_of(ID_TARGET, title, words)
    for place, field in enumerate(fields):
        match = match_name(field.name, names)
        same = len(known & set(field.values))
        if same and same >= _LEAST_FITTING * min(len(known), len(field.values)):
            found.append(_Candidate("sure", -1, place, field.name, held))
        elif match is not None:
            level, why = _key_level(field, match)
            found.append(_Candidate(level, match.rank, place, field.name, why))
    codes: Mapping[str, str] = {}
    if all(candidate.why != held for candidate in found):
        codes = _ids_by_name(layer, fields, name_field)
    if codes:
        why = Text(zh="按名称对上现有要素的编号", en="names tell which present feature each is")
        found.append(_Candidate("sure", -1, 0, name_field, why))
    found.sort(key=lambda candidate: candidate.order)
    taken = [candidate for candidate in found[:1] if candidate.level != "guess"]
    made = Text(
        zh="没有可用的编号，按内容另编", en="no usable ids; they are made from the contents"
    )
    name = taken[0].field if taken else ""
    values = next((field.values for field in fields if field.name == name), ())
    suggestion = FieldSuggestion(
        column=ID_TARGET,
        title=title,
        field=name,
        level=taken[0].level if taken else "guess",
        why=taken[0].why if taken else made,
        alternatives=tuple(candidate.field for candidate in found[len(taken) :]),
        needed=ID_TARGET in layer.wanted,
    )
    return _Key(suggestion, codes, {codes.get(value, value) for value in values})


def _key_level(field: _Field, match: NameMatch) -> tuple[Level, Text]:
    if field.unique is False or field.missing:
        zh = f"有重复或缺失（缺 {field.missing} 行）"
        return "guess", Text(zh=zh, en=f"it repeats or is empty ({field.missing} rows empty)")
    if field.unique:
        return match.level, Text(zh=f"{match.why.zh}，不重复", en=f"{match.why.en}, and is unique")
    zh, en = (
        f"{match.why.zh}，是否重复待读取后核对",
        f"{match.why.en}; uniqueness is still to be seen",
    )
    return "likely", Text(zh=zh, en=en)


def _ids_by_name(layer: _Target, fields: Sequence[_Field], name_field: str) -> Mapping[str, str]:
    """Ids of the present features by the names in the file, where these tell them apart."""
    existing = layer.existing
    field = next((field for field in fields if field.name == name_field), None)
    if existing is None or "name" not in existing or field is None:
        return {}
    if field.unique is False or field.missing:
        return {}
    ids: dict[str, list[str]] = {}
    for feature, name in existing["name"].items():
        ids.setdefault(_place(value_text(name)), []).append(str(feature))
    found = {value: ids.get(_place(value), []) for value in field.values}
    one = {value: own[0] for value, own in found.items() if len(own) == 1}
    clear = len(set(one.values())) == len(one)
    asked = set(layer.wanted.get(ID_TARGET, ()))
    enough = len(one) >= _CLEARLY_FITTING * len(existing) or bool(asked & set(one.values()))
    return one if clear and enough else {}


def _place(name: str) -> str:
    """A name without the word for what kind of place it is.

    >>> _place("甲乙街道") == _place("甲乙街")
    True
    """
    return _PLACE_WORDS.sub("", name) or name


def _names_beside(
    fields: Sequence[_Field], field: _Field, columns: Mapping[str, str], words: Sequence[str]
) -> Sequence[str]:
    names = names_of("class_name", Text(zh="地类名称", en="Land-use class"), words)
    for other in fields:
        named = other.name == columns.get("class_name")
        if other is not field and (named or match_name(other.name, names)):
            return other.values
    return ()


def _values(
    layer: _Target,
    column: str,
    values: Sequence[str],
    names: Sequence[str],
    land: LandCodes,
    *,
    table: LandTable | None = None,
) -> ValueProposal:
    values = [value_text(value) for value in values if value_text(value)][:_MOST_VALUES]
    if not layer.is_land(column):
        classes = layer.classes(column)
        return ValueProposal(values=tuple(suggest_value(value, classes) for value in values))
    proposal = land.propose_table(values, names)
    table = table or proposal.table
    title = layer.title(column)
    question = Text(zh=f"{title.zh}：{proposal.why.zh}", en=f"{title.en}: {proposal.why.en}")
    restored = land.restored(values, table) if table else {}
    own = land_classes(layer.spec, column)
    return ValueProposal(
        values=tuple(_land_value(value, restored, table, own, land) for value in values),
        table=table,
        why=proposal.why,
        question=None if table else question,
    )


def _land_value(
    value: str,
    restored: Mapping[str, str],
    table: LandTable | None,
    classes: Collection[str],
    land: LandCodes,
) -> ValueSuggestion:
    if table is None:
        why = Text(zh="先指定所用分类", en="say first which classification it follows")
        return ValueSuggestion(value=value, why=why)
    text = restored.get(value, value)
    row = land.find(text, table)
    if row is None:
        why = Text(zh="该分类中没有", en="that classification has no such code")
        return ValueSuggestion(value=value, why=why)
    becomes = land.reduced(row.to, classes)
    certain = row.certain and text == value
    doubt = Text(zh="归类未经核实", en="its class is not verified")
    why = (
        row.name
        if certain
        else Text(zh=f"{row.name.zh}，{doubt.zh}", en=f"{row.name.en}; {doubt.en}")
    )
    return ValueSuggestion(
        value=value,
        becomes=becomes,
        title=land.title_of(becomes),
        level="sure" if certain else "likely",
        why=why,
    )


def _questions(
    layer: _Target,
    found: Sequence[FieldSuggestion],
    values: Mapping[str, ValueProposal],
    key: _Key,
) -> Iterator[Text]:
    for suggestion in found:
        if suggestion.needed and not suggestion.field:
            title = suggestion.title
            zh = f"哪个字段是“{title.zh}”？地图分色或规划目标要用它"
            en = (
                f"Which field holds '{title.en}'? The map's colours or a target of the plan need it"
            )
            yield Text(zh=zh, en=en)
    for proposal in values.values():
        if proposal.question is not None:
            yield proposal.question
    missing = set(layer.wanted.get(ID_TARGET, ())) - set(key.ids)
    if missing:
        shown = ", ".join(sorted(missing))
        zh = f"规划目标指定了要素 {shown}，请说明对应文件里的哪个要素"
        en = f"Targets of the plan name the features {shown}: say which ones of the file they are"
        yield Text(zh=zh, en=en)
