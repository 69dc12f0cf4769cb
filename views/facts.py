"""What the panel says of a feature: its facts, where they come from, what else lies there."""

import math
from functools import cache
from numbers import Real

import pandas as pd

from layers import Language, Pack
from layers.catalogue import Column, LayerSpec
from layers.fields import is_land_column
from layers.land_codes import LandCodes, read_land_codes
from spatial import Check, CheckResult
from spatial.phrases import (
    area_text,
    basis_text,
    check_title,
    feature_names,
    listed,
    names_in,
    number_text,
    people_text,
    recorded_text,
    unit_names,
)
from views.drawing import EVIDENCE_PREFIX, evidence_title
from views.leaflet import Badge, Hit, Row, Selection
from views.text import Words


def feature_selection(
    pack: Pack, hit: Hit, at: tuple[float, float], words: Words
) -> Selection | None:
    """Describe a feature of the pack for the map's panel; None where there is no such feature."""
    layer = pack.layers.get(hit.layer)
    if layer is None or hit.id not in layer.frame.index:
        return None
    lang, row = words.lang, layer.frame.loc[hit.id]
    spec = layer.spec
    rows = [
        *_standard_row(row, spec, "cite", lang),
        *(
            Row(column.title.in_(lang), value)
            for name, column in spec.columns.items()
            if (value := _value_text(row, name, column, lang))
        ),
        *_measured_rows(row, spec, words),
        Row(
            spec.title_of("accuracy_m").in_(lang),
            f"± {number_text(row['accuracy_m'])}",
            words("facts.accuracy_help"),
        ),
        *_standard_row(row, spec, "source", lang),
    ]
    if note := spec.note.in_(lang):
        rows.append(Row(words("facts.note"), note))
    if "source" not in layer.frame:
        rows.append(Row(spec.title_of("source").in_(lang), spec.source.name.in_(lang)))
    return Selection(
        layer=hit.layer,
        id=hit.id,
        at=at,
        title=feature_names(pack, hit.layer, lang)[hit.id],
        subtitle=spec.title.in_(lang),
        badges=(Badge(basis_text(row["basis"], lang), row["basis"]),),
        rows=tuple(rows),
    )


def evidence_selection(
    pack: Pack, result: CheckResult, hit: Hit, at: tuple[float, float], words: Words
) -> Selection | None:
    """Describe a gap of a check."""
    if result.measured is None or int(hit.id) not in result.measured.evidence.index:
        return None
    lang, check = words.lang, result.check
    row = result.measured.evidence.loc[int(hit.id)]
    units = unit_names(pack, check, lang)
    rows = [
        Row(words("facts.check"), check_title(check, lang)),
        Row(
            words("checks.project" if "finding" in row else "facts.unit"),
            units.get(row["unit"], row["unit"]) or words("checks.no_unit"),
        ),
    ]
    if row["area_m2"]:
        rows.append(Row(words("facts.area"), area_text(row["area_m2"], lang)))
    rows += _told_rows(pack, result, row, words)
    if "nearest_stop" in row and "stops" in check.layers and not pd.isna(row["nearest_stop"]):
        stops = names_in(pack, check.layers["stops"].all_layers, lang)
        name = stops.get(row["nearest_stop"], row["nearest_stop"])
        rows.append(
            Row(
                words("facts.nearest"),
                f"{name} · {number_text(row['nearest_m'])} m",
                words("facts.nearest_help"),
            )
        )
    if isinstance(code := row.get("class_code"), str) and code:
        rows.append(
            Row(
                words("facts.class_code"),
                class_name(pack, check.layers["land"].layer, code, lang=lang),
            )
        )
    rows.append(Row(words("facts.cite"), check.cite.in_(lang)))
    basis = result.basis
    return Selection(
        layer=hit.layer,
        id=hit.id,
        at=at,
        title=words("facts.place", number=hit.id),
        subtitle=evidence_title(check.measure, words),
        badges=() if basis is None else (Badge(basis_text(basis, lang), basis),),
        rows=tuple(rows),
    )


def _told_rows(pack: Pack, result: CheckResult, row: pd.Series, words: Words) -> list[Row]:
    """How many people a place concerns, and what is found of a project in it."""
    rows = []
    if "people" in row:
        beside = result.beside
        said = people_text(float(row["people"]), words.lang)
        if beside is not None:
            said += words("facts.people_basis", basis=basis_text(beside, words.lang))
        rows.append(Row(words("checks.place_people"), said))
    for name in ("state", "finding", "position"):
        if row.get(name):
            said = words(f"checks.{name}_{row[name]}")
            rows.append(Row(words(f"checks.place_{name}"), said))
    lacks = row.get("lacks")
    if isinstance(lacks, str) and lacks:
        rows.append(Row(words("checks.place_lacks"), lacking(pack, lacks, words)))
    kind = row.get("kind")
    if isinstance(kind, str) and kind:
        said = kind_name(pack, result.check, kind, words.lang)
        rows.append(Row(words("checks.place_kind"), said))
    reason = row.get("override")
    if isinstance(reason, str) and reason:
        rows.append(Row(words("checks.place_override"), reason))
    return rows


def hit_label(pack: Pack, hit: Hit, words: Words) -> str:
    """Name a hit among others: the layer and the feature."""
    if hit.layer.startswith(EVIDENCE_PREFIX):
        return words("facts.place", number=hit.id)
    spec = pack.catalogue.layers[hit.layer]
    name = feature_names(pack, hit.layer, words.lang).get(hit.id, hit.id)
    return f"{spec.title.in_(words.lang)} · {name}"


def class_name(pack: Pack, layer_id: str, code: str, *, lang: Language) -> str:
    """Name a land class as the standard does, the code before it; else as the land layer does.

    A layer's own names are those of its parcels, which may be of classes below this one.
    """
    if is_land_column(pack.catalogue.layers[layer_id], "class_code"):
        title = land_codes().title_of(code).in_(lang)
        if title != code:
            return title
    frame = pack.layers[layer_id].frame
    for column in ("class_name_en", "class_name") if lang == "en" else ("class_name",):
        if column in frame:
            names = frame.loc[frame["class_code"] == code, column].dropna()
            if not names.empty:
                return f"{code} {names.iloc[0]}"
    return code


@cache
def land_codes() -> LandCodes:
    """The tables of land-use codes, read once."""
    return read_land_codes()


def kind_name(pack: Pack, check: Check, kind: str, lang: Language) -> str:
    """Name a kind of project in a language, as the plan does, else as the layers of projects."""
    if kind in check.names:
        return check.names[kind].in_(lang)
    column = str(check.params.get("kind_column", ""))
    bound = check.layers["projects"].all_layers if "projects" in check.layers else ()
    for layer_id in bound if lang == "en" else ():
        frame = pack.layers[layer_id].frame if layer_id in pack.layers else pd.DataFrame()
        if {column, f"{column}_en"} <= set(frame.columns):
            names = frame.loc[frame[column] == kind, f"{column}_en"].dropna()
            if not names.empty:
                return str(names.iloc[0])
    return kind


def lacking(pack: Pack, lacks: str, words: Words) -> str:
    """Name the layers of facilities that people lack, their ids joined by commas."""
    layers = pack.catalogue.layers
    named = (
        layers[one].title.in_(words.lang) if one in layers else one for one in lacks.split(",")
    )
    return listed(named, words.lang)


def _standard_row(row: pd.Series, spec: LayerSpec, column: str, lang: Language) -> list[Row]:
    value = _localised(row, column, lang)
    return [Row(spec.title_of(column).in_(lang), value)] if value else []


def _value_text(row: pd.Series, name: str, column: Column, lang: Language) -> str:
    value = row.get(name)
    if column.kind == "text":
        return _localised(row, name, lang)
    if not isinstance(value, Real) or math.isnan(value):
        return ""
    return f"{recorded_text(float(value))} {column.unit}".strip()


def _localised(row: pd.Series, column: str, lang: Language) -> str:
    for name in (f"{column}_en", column) if lang == "en" else (column,):
        value = row.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def _measured_rows(row: pd.Series, spec: LayerSpec, words: Words) -> list[Row]:
    geometry = row["geometry"]
    if spec.geometry == "polygon":
        return [
            Row(words("facts.area"), area_text(geometry.area, words.lang), words("facts.area_help"))
        ]
    if spec.geometry == "line":
        return [Row(words("facts.length"), f"{number_text(geometry.length / 1000)} km")]
    return []
