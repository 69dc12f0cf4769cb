"""What the panel says of a feature: its facts, where they come from, what else lies there."""

import math
from numbers import Real

import pandas as pd

from layers import Language, Pack
from layers.catalogue import Column, LayerSpec
from spatial import CheckResult
from spatial.phrases import (
    area_text,
    basis_text,
    check_title,
    feature_names,
    number_text,
    recorded_text,
    unit_names,
)
from views.drawing import EVIDENCE_PREFIX
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
        Row(words("facts.unit"), units.get(row["unit"], row["unit"])),
        Row(words("facts.area"), area_text(row["area_m2"], lang)),
    ]
    if "nearest_stop" in row and not pd.isna(row["nearest_stop"]):
        stops = feature_names(pack, check.layers["stops"].layer, lang)
        name = stops.get(row["nearest_stop"], row["nearest_stop"])
        rows.append(
            Row(
                words("facts.nearest"),
                f"{name} · {number_text(row['nearest_m'])} m",
                words("facts.nearest_help"),
            )
        )
    if row.get("class_code"):
        rows.append(
            Row(
                words("facts.class_code"),
                class_name(pack, check.layers["land"].layer, row["class_code"], lang=lang),
            )
        )
    rows.append(Row(words("facts.cite"), check.cite.in_(lang)))
    basis = result.basis
    return Selection(
        layer=hit.layer,
        id=hit.id,
        at=at,
        title=words("facts.place", number=hit.id),
        subtitle=words(f"evidence.{check.measure}"),
        badges=() if basis is None else (Badge(basis_text(basis, lang), basis),),
        rows=tuple(rows),
    )


def hit_label(pack: Pack, hit: Hit, words: Words) -> str:
    """Name a hit among others: the layer and the feature."""
    if hit.layer.startswith(EVIDENCE_PREFIX):
        return words("facts.place", number=hit.id)
    spec = pack.catalogue.layers[hit.layer]
    name = feature_names(pack, hit.layer, words.lang).get(hit.id, hit.id)
    return f"{spec.title.in_(words.lang)} · {name}"


def class_name(pack: Pack, layer_id: str, code: str, *, lang: Language) -> str:
    """Name a land class as the land layer does, the code before it."""
    frame = pack.layers[layer_id].frame
    for column in ("class_name_en", "class_name") if lang == "en" else ("class_name",):
        if column in frame:
            names = frame.loc[frame["class_code"] == code, column].dropna()
            if not names.empty:
                return f"{code} {names.iloc[0]}"
    return code


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
