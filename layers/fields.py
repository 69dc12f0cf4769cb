"""Which fields of a planner's file become which columns of a layer, and making them so."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pydantic import AfterValidator

from layers.catalogue import LayerSpec
from layers.field_values import as_numbers, as_text
from layers.land_codes import LandTable, read_land_codes
from layers.problem import InputError, Problem
from layers.text import Entry
from layers.toml import unknown

ID_TARGET = "id"
"""Stands for the features' ids among the columns whose values are translated."""
LAND_COLUMN = "class_code"
RESERVED_COLUMNS = ("id", "geometry", "basis")
"""Never taken from a field: the key gives the ids, and the basis is declared, not claimed."""
NUMBER_COLUMNS = ("accuracy_m",)
_LAND_CLASS = re.compile(r"^(\d{2}){1,3}$")
_MOST_SHOWN = 20
_ID_LENGTH = 10
_DEGREE_DECIMALS = 9


def _not_reserved(columns: Mapping[str, str]) -> Mapping[str, str]:
    for name in RESERVED_COLUMNS:
        if name in columns:
            raise ValueError(f"'{name}' is not taken from a field; leave it out")
    return columns


class FieldMap(Entry):
    """What the planner has agreed to: where the ids and each column come from.

    `key` is the field that holds the ids; empty, ids are made from the features' contents.
    `columns` is column to field. `tables` names the classification that a column's land-use codes
    follow. `codes` translates values, by column, a value as in the file to a class; they go before
    the table, and an empty class means none. Under `id` they translate the ids.
    """

    key: str = ""
    columns: Annotated[Mapping[str, str], AfterValidator(_not_reserved)] = {}
    tables: Mapping[str, LandTable] = {}
    codes: Mapping[str, Mapping[str, str]] = {}


def is_land_column(spec: LayerSpec, column: str) -> bool:
    """Tell whether a column of a layer holds land-use codes, by its name or its style's classes."""
    values = land_classes(spec, column)
    return column == LAND_COLUMN or (bool(values) and all(_LAND_CLASS.match(v) for v in values))


def land_classes(spec: LayerSpec, column: str) -> tuple[str, ...]:
    """Return the classes by which a layer is coloured, if it is by this column; codes meet them."""
    return tuple(c.value for c in spec.style.classes) if spec.style.by == column else ()


def apply_fields(
    frame: gpd.GeoDataFrame,
    spec: LayerSpec,
    field_map: FieldMap,
    where: str,
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Make the columns and ids of a layer from the fields of a file, as the mapping says.

    `frame` has one row per feature, its index the place in the file; `where` is the file's name.
    The result is indexed by id (text) and has the mapped columns alone, text or number as the
    layer wants them; a column with an English twin that no field fills gets an empty one. Ids
    stand as the key field has them, double ones too, for `mend` to tell apart; where there is no
    key, or no value, they are made from the row's contents, and equal rows are numbered.

    A value that is no number, and a land-use code that no row of the table explains, becomes
    missing, never something else; each is a Problem with its count. Raises InputError where the
    mapping names a field that the file lacks.

    >>> spec = LayerSpec.model_validate({"id": "stops", "title": {"zh": "站", "en": "Stops"},
    ...     "geometry": "point", "group": "base", "accuracy_m": 1,
    ...     "source": {"name": {"zh": "局", "en": "Bureau"}, "basis": "official"}})
    >>> rows = gpd.GeoDataFrame({"BH": [7.0], "MC": ["东站"]}, geometry=[shapely.Point(117, 39)])
    >>> field_map = FieldMap(key="BH", columns={"name": "MC"})
    >>> made, problems = apply_fields(rows, spec, field_map, "站点.csv")
    >>> made.index.tolist(), made["name"].tolist(), problems
    (['7'], ['东站'], [])
    """
    problems = list(_missing_fields(frame, field_map, where))
    if problems:
        raise InputError(problems)
    ids, problems = _ids(frame, field_map, where)
    columns: dict[str, pd.Series] = {}
    for column, field in field_map.columns.items():
        columns[column], found = _column(frame[field], spec, field_map, column, where)
        problems += found
    for column, entry in spec.columns.items():
        if entry.localised and column in columns and f"{column}_en" not in columns:
            columns[f"{column}_en"] = pd.Series([None] * len(frame), frame.index, dtype=object)
    made = gpd.GeoDataFrame(
        columns, geometry=frame.geometry.to_numpy(), crs=frame.crs, index=frame.index
    )
    return made.set_axis(pd.Index(ids, dtype=str, name="id")), problems


def _missing_fields(frame: gpd.GeoDataFrame, field_map: FieldMap, where: str) -> Iterator[Problem]:
    fields = [str(name) for name in frame.columns if name != frame.geometry.name]
    wanted = [*([field_map.key] if field_map.key else []), *field_map.columns.values()]
    for field in dict.fromkeys(wanted):
        if field not in fields:
            zh = f"没有字段“{field}”；文件的字段为 {'、'.join(fields) or '（无）'}"
            yield Problem(where, "", "field", unknown("field", field, fields), zh=zh)


def _ids(
    frame: gpd.GeoDataFrame, field_map: FieldMap, where: str
) -> tuple[list[str], list[Problem]]:
    if not field_map.key:
        return _made_ids(frame), []
    given = as_text(frame[field_map.key])
    own = field_map.codes.get(ID_TARGET, {})
    made = _made_ids(frame) if given.isna().any() else []
    ids = [
        made[row] if text is None else own.get(text, text)
        for row, text in enumerate(given.tolist())
    ]
    problems = []
    if missing := int(given.isna().sum()):
        row = given.index[given.isna()][0]
        message = (
            f"'{field_map.key}' is empty in {missing} rows, first in row {row}; they get ids"
            " made from their contents"
        )
        zh = f"字段“{field_map.key}”有 {missing} 行为空，首见于第 {row} 行；按内容另编编号"
        problems.append(Problem(where, "", "key", message, zh=zh))
    double = {feature: n for feature, n in Counter(ids).items() if n > 1}
    if double:
        first = next(iter(double))
        message = (
            f"'{field_map.key}' repeats {len(double)} values, such as '{first}' {double[first]}"
            " times; ids must be unique"
        )
        zh = (
            f"字段“{field_map.key}”有 {len(double)} 个值重复，如“{first}”出现 {double[first]} 次；"
            "编号应不重复"
        )
        problems.append(Problem(where, "", "key", message, zh=zh))
    return ids, problems


def _made_ids(frame: gpd.GeoDataFrame) -> list[str]:
    shapes = shapely.force_2d(frame.geometry.to_numpy())
    rounded = shapely.transform(shapes, lambda xy: np.round(xy, _DEGREE_DECIMALS))
    drawn = shapely.to_wkb(rounded, hex=True)
    names = [name for name in frame.columns if name != frame.geometry.name]
    texts = [as_text(frame[name]).tolist() for name in names]
    ids = []
    seen: Counter[str] = Counter()
    for row, shape in enumerate(drawn.tolist()):
        said = {str(name): column[row] for name, column in zip(names, texts, strict=True)}
        content = json.dumps([shape, said], sort_keys=True)
        feature = hashlib.sha256(content.encode()).hexdigest()[:_ID_LENGTH]
        seen[feature] += 1
        ids.append(feature if seen[feature] == 1 else f"{feature}-{seen[feature]}")
    return ids


def _column(
    values: pd.Series, spec: LayerSpec, field_map: FieldMap, column: str, where: str
) -> tuple[pd.Series, list[Problem]]:
    codes = field_map.codes.get(column, {})
    if column in field_map.tables or is_land_column(spec, column):
        return _land_column(values, spec, field_map, column, where)
    texts = as_text(values)
    if codes:
        texts = texts.map(lambda text: codes.get(text, text) or None, na_action="ignore")
        texts = texts.astype(object).where(texts.notna(), None)
    entry = spec.columns.get(column)
    if column in NUMBER_COLUMNS or (entry is not None and entry.kind == "number"):
        return _number_column(texts, column, where)
    if column == spec.style.by and spec.style.classes:
        known = [entry.value for entry in spec.style.classes]
        others = texts[texts.notna() & ~texts.isin(known)]
        return texts, list(_strange(others, column, known, where))
    return texts, []


def _number_column(texts: pd.Series, column: str, where: str) -> tuple[pd.Series, list[Problem]]:
    numbers = as_numbers(texts)
    wrong, values = dict(numbers.wrong), numbers.values
    if column in NUMBER_COLUMNS:  # metres that a point may be off: never less than none
        negative = values < 0
        wrong.update({str(text): int(n) for text, n in texts[negative].value_counts().items()})
        values = values.mask(negative)
    first = {text: row for row, text in reversed(list(texts.items()))}
    return values, [
        *(
            Problem(
                where,
                "",
                "value",
                f"{column}: '{text}' (row {first[text]}, {_rows(n)}) is not a number that fits;"
                " it is left empty",
                zh=f"{column}：“{text}”（第 {first[text]} 行，共 {n} 行）不是可用的数字，留空",
            )
            for text, n in list(wrong.items())[:_MOST_SHOWN]
        ),
        *_more(len(wrong), column, where),
    ]


def _land_column(
    values: pd.Series, spec: LayerSpec, field_map: FieldMap, column: str, where: str
) -> tuple[pd.Series, list[Problem]]:
    land = read_land_codes()
    classes = land_classes(spec, column)
    codes = field_map.codes.get(column, {})
    table = field_map.tables.get(column)
    texts = as_text(values)
    if table is None:  # then nothing is known but the layer's own classes and the planner's rows
        meant = {**{own: own for own in classes}, **codes}
        made = texts.map(lambda text: meant.get(text) or None, na_action="ignore")
        unknown_codes = texts[texts.notna() & ~texts.isin(list(meant))].value_counts()
        problems = list(_no_table(column, unknown_codes, where))
        return made.astype(object).where(made.notna(), None), problems
    problems = []
    given = texts.dropna().unique()
    follows = land.propose_table([text for text in given if text not in codes])
    if follows.table is not None and follows.table != table:
        chosen, other = land.title(table), land.title(follows.table)
        message = f"{column}: read by '{chosen.en}', but it follows '{other.en}' ({follows.why.en})"
        zh = f"{column}：按{chosen.zh}读取，但看来是{other.zh}（{follows.why.zh}）"
        problems.append(Problem(where, "", "table", message, zh=zh))
    done = land.translate(texts, table, overrides=codes, classes=classes)
    problems += _unknown_codes(column, done.unknown, where)
    if done.uncertain:
        shown = ", ".join(f"{text} ({n})" for text, n in list(done.uncertain.items())[:_MOST_SHOWN])
        message = f"{column}: the class of {shown} is not verified; look at what they became"
        zh = f"{column}：{shown} 的归类未经核实，请核对"
        problems.append(Problem(where, "", "code", message, zh=zh))
    return done.values, problems


def _no_table(column: str, counts: pd.Series, where: str) -> Iterator[Problem]:
    if not counts.empty:
        shown = ", ".join(f"'{text}' ({n})" for text, n in list(counts.items())[:_MOST_SHOWN])
        message = (
            f"{column}: {shown} are no classes of this layer, and which classification they"
            " follow was not said; they are left empty"
        )
        zh = f"{column}：{shown} 不是本图层的类别，也未指明所用分类，留空"
        yield Problem(where, "", "code", message, zh=zh)


def _unknown_codes(column: str, counts: Mapping[str, int], where: str) -> Iterator[Problem]:
    for text, n in list(counts.items())[:_MOST_SHOWN]:
        message = f"{column}: no class for '{text}' ({_rows(n)}); left empty, it counts as unknown"
        zh = f"{column}：“{text}”（{n} 行）没有对应的类别，留空，按未分类计"
        yield Problem(where, "", "code", message, zh=zh)
    yield from _more(len(counts), column, where)


def _strange(others: pd.Series, column: str, known: Sequence[str], where: str) -> Iterator[Problem]:
    counts = others.value_counts()
    names = ", ".join(f"'{value}'" for value in known)
    for text, n in list(counts.items())[:_MOST_SHOWN]:
        message = f"{column}: '{text}' ({_rows(int(n))}) is none of {names}; kept as it is"
        zh = f"{column}：“{text}”（{n} 行）不在 {names} 之内，照原样保留"
        yield Problem(where, "", "class", message, zh=zh)
    yield from _more(len(counts), column, where)


def _more(count: int, column: str, where: str) -> Iterator[Problem]:
    if count > _MOST_SHOWN:
        rest = count - _MOST_SHOWN
        message = f"{column}: and {rest} more values of this kind"
        zh = f"{column}：另有 {rest} 个这样的值"
        yield Problem(where, "", "value", message, zh=zh)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
