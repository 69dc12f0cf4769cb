"""Results as files: JSON for machines, CSV and XLSX for Excel, GeoJSON and GeoPackage for a GIS."""

import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from layers import InputError, Language, Pack, Problem, is_conclusive
from layers.cells import neutral_table
from spatial.measurement import NOTHING, VALUE_COLUMNS, Doubt
from spatial.measures import MEASURES
from spatial.phrases import (
    PHRASES,
    basis_text,
    check_title,
    listed,
    params_text,
    phrase,
    reason,
    target_text,
    unit_names,
    unit_text,
    verdict_text,
)
from spatial.places import place_names
from spatial.plan import OVERRIDES, Check
from spatial.run import Comparison
from spatial.verdict import CheckResult
from spatial.zone_table import ZoneTable

_LAST_NARROW = 0x2E7F  # where the wide characters begin
_PARTS = {"m2_per_person": {"numerator": "m2", "denominator": "people"}}
"""Units of the numerators and denominators of values, where they differ."""
ZONE_FORMATS = (".csv", ".xlsx", ".geojson", ".gpkg")


def results_json(
    pack: Pack,
    results: Iterable[CheckResult],
    lang: Language,
    *,
    compared: Mapping[str, Sequence[Comparison]] | None = None,
) -> dict[str, Any]:
    """Lay results out as plain data: full precision, missing values None, no NaN.

    `compared` are checks, by id, measured by their definitions; their results then have them, too.
    """
    data = [_result(pack, result, lang) for result in results]
    for one in data:
        if one["id"] in (compared or {}):
            found = (compared or {})[one["id"]]
            one["definitions"] = [_definition(pack, comparison, lang) for comparison in found]
    return {
        "pack": pack.catalogue.pack.title.in_(lang),
        "metric_crs": pack.catalogue.pack.metric_crs,
        "results": data,
    }


def _definition(pack: Pack, comparison: Comparison, lang: Language) -> dict[str, Any]:
    result = comparison.result
    whole = result.measured.whole if result.measured else NOTHING
    return {
        "name": comparison.name,
        "measure": result.check.measure,
        "across": comparison.across,
        **{column: getattr(whole, column) for column in VALUE_COLUMNS},
        "unit": result.check.target.unit,
        "target": _target(result.check),
        "judge": result.check.judge,
        "params": plain(result.check.params),
        "verdict": result.verdict,
        "conclusive": result.conclusive,
        "why": result.why,
        "basis": result.basis,
        "missing": list(result.missing),
        "units": _units(pack, result, lang),
    }


def _result(pack: Pack, result: CheckResult, lang: Language) -> dict[str, Any]:
    check = result.check
    whole = result.measured.whole if result.measured else NOTHING
    evidence = result.measured.evidence if result.measured else None
    return {
        "id": check.id,
        "title": check_title(check, lang),
        "group": check.group,
        "measure": check.measure,
        "verdict": result.verdict,
        "why": result.why,
        "conclusive": result.conclusive,
        "basis": result.basis,
        "beside": result.beside,
        "missing": list(result.missing),
        "stand_in": bool(result.missing) and result.measured is not None,
        "value": whole.value,
        "low": whole.low,
        "high": whole.high,
        "unit": check.target.unit,
        "target": _target(check),
        "judge": check.judge,
        "numerator": whole.numerator,
        "denominator": whole.denominator,
        "params": plain(check.params),
        "doubts": [] if result.measured is None else [_doubt(d) for d in result.measured.doubts],
        "facts": {} if result.measured is None else _numbers(result.measured.facts),
        "cite": check.cite.in_(lang),
        "reason": reason(pack, result, lang),
        "units": _units(pack, result, lang),
        "evidence": {
            "count": 0 if evidence is None else len(evidence),
            "area_m2": 0.0 if evidence is None else float(evidence["area_m2"].sum()),
        },
    }


def _target(check: Check) -> dict[str, Any]:
    comparison = check.target.comparison
    return {"no_number": True} if comparison is None else {comparison: plain(check.target.limit)}


def _doubt(doubt: Doubt) -> dict[str, Any]:
    return {
        "kind": doubt.kind,
        "method": doubt.method,
        "low": _number(doubt.low),
        "high": _number(doubt.high),
        "inputs": _numbers(doubt.inputs),
    }


def _numbers(named: Mapping[str, float]) -> dict[str, float | None]:
    return {name: _number(value) for name, value in named.items()}


def plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Lay parameters out as JSON has them: tables with text keys, lists, no tuples.

    >>> plain({"classes": ("03", "17"), "radius_m": 500.0})
    {'classes': ['03', '17'], 'radius_m': 500.0}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    return value


def _units(pack: Pack, result: CheckResult, lang: Language) -> list[dict[str, Any]]:
    if result.measured is None:
        return []
    names = unit_names(pack, result.check, lang)
    return [
        {
            "id": unit,
            "name": names.get(unit, unit),
            **{column: _number(row[column]) for column in VALUE_COLUMNS},
            "met": result.met.get(unit),
        }
        for unit, row in result.measured.values.iterrows()
        for unit in [str(unit)]
    ]


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def units_csv(pack: Pack, result: CheckResult, lang: Language) -> bytes:
    """The units of a check as CSV that Excel opens (UTF-8 with BOM); the headings have the units.

    Areas are in m², lengths in m, shares 0 to 1.
    """
    said = {True: phrase("export", "yes", lang), False: phrase("export", "no", lang), None: ""}
    if not result.conclusive:
        mark = phrase("export", "indicative", lang)
        said = {met: text and text + mark for met, text in said.items()}
    told = about(result, lang)
    judged = _judgements(result.check, lang)
    columns = ("id", "name", *VALUE_COLUMNS, "met", *(["judgement"] if judged else []), *told)
    rows = [
        {**unit, **told, "met": said[unit["met"]], "judgement": judged.get(unit["id"], "")}
        for unit in _units(pack, result, lang)
    ]
    table = pd.DataFrame(rows, columns=list(columns))
    titles = {name: _unit_title(result.check, name, lang) for name in columns}
    return csv_bytes(table.rename(columns=titles))


def about(result: CheckResult, lang: Language) -> dict[str, str]:
    """What a table of a result says beside its numbers: whose they are, and how they were found."""
    check = result.check
    return {
        "check": check_title(check, lang),
        "definition": check.definition.in_(lang) or _own_definition(check, lang),
        "parameters": params_text(check, lang),
        "target": target_text(check, lang),
        "basis": "" if result.basis is None else basis_text(result.basis, lang),
    }


def _judgements(check: Check, lang: Language) -> dict[str, str]:
    """What a planner has judged of units, and why, by their ids."""
    said = {}
    for unit, judged in check.params.get(OVERRIDES, {}).items():
        kind = judged["kind"]
        name = check.names[kind].in_(lang) if kind in check.names else kind
        said[str(unit)] = (
            f"{name}：{judged['reason']}" if lang == "zh" else f"{name}: {judged['reason']}"
        )
    return said


def _own_definition(check: Check, lang: Language) -> str:
    """Name the definition of a check itself by that of its variants which the plan means.

    Where a planner measures otherwise, by other classes for one, it is not that any more.
    """
    said = phrase("export", "own_definition", lang)
    plans = [name for name, one in check.variants.items() if one.of_plan]
    if not plans:
        return said
    if check.defined(plans[0]).params != check.params:
        return phrase("export", "changed_definition", lang)
    title = check.variants[plans[0]].title.in_(lang)
    return f"{said}：{title}" if lang == "zh" else f"{said}: {title}"


def _unit_title(check: Check, column: str, lang: Language) -> str:
    title = phrase("export", column, lang)
    if column in {"value", "low", "high"}:
        unit = "0–1" if check.target.unit == "share" else unit_text(check.target.unit, lang)
    elif column in {"numerator", "denominator"}:
        unit = _counted(check, column, lang)
    else:
        unit = ""
    return f"{title} ({unit})" if unit else title


def _counted(check: Check, column: str, lang: Language) -> str:
    """Name the unit of a check's numerators or denominators; empty where none is known."""
    if check.target.unit in {"share", "ratio"}:
        unit: str = MEASURES[check.measure].counts
    else:
        unit = _PARTS.get(check.target.unit, {}).get(column, "")
    return unit_text(unit, lang) if unit else ""


_DEFINITION_COLUMNS = (
    "check",
    "target",
    "definition",
    "of_plan",
    "parameter",
    "parameter_value",
    "value",
    "low",
    "high",
    "value_unit",
    "numerator",
    "numerator_unit",
    "denominator",
    "denominator_unit",
    "comparison",
    "verdict",
    "basis",
    "missing",
    "source",
)


def definitions_csv(
    pack: Pack, check: Check, comparisons: Iterable[Comparison], lang: Language
) -> bytes:
    """A check by its definitions as CSV that Excel opens: a row for each, at each value compared.

    Definitions may measure in different units, so that each row names its own; shares are 0 to 1.
    """
    rows = [_definition_row(pack, check, comparison, lang) for comparison in comparisons]
    table = pd.DataFrame(rows, columns=list(_DEFINITION_COLUMNS))
    titles = {name: phrase("export", name, lang) for name in _DEFINITION_COLUMNS}
    return csv_bytes(table.rename(columns=titles))


def _definition_row(
    pack: Pack, check: Check, comparison: Comparison, lang: Language
) -> dict[str, Any]:
    result = comparison.result
    variant = check.variants.get(comparison.name)
    whole = result.measured.whole if result.measured else NOTHING
    across = next(iter(result.check.across), "") if comparison.across is not None else ""
    layers = (pack.catalogue.layers[layer].title.in_(lang) for layer in result.missing)
    unit = result.check.target.unit
    return {
        "check": check_title(check, lang),
        "target": target_text(result.check, lang),
        "comparison": verdict_text(result.verdict, lang),
        "definition": check_title(check, lang) if variant is None else variant.title.in_(lang),
        "of_plan": phrase("export", "yes" if variant is None or variant.of_plan else "no", lang),
        "parameter": PHRASES["parameter"][across].in_(lang) if across else "",
        "parameter_value": comparison.across,
        **{name: getattr(whole, name) for name in VALUE_COLUMNS},
        "value_unit": "0–1" if unit == "share" else unit_text(unit, lang),
        "numerator_unit": _counted(result.check, "numerator", lang),
        "denominator_unit": _counted(result.check, "denominator", lang),
        "verdict": verdict_text(result.status, lang),
        "basis": "" if result.basis is None else basis_text(result.basis, lang),
        "missing": ("、" if lang == "zh" else ", ").join(layers),
        "source": "" if variant is None else variant.source.in_(lang),
    }


def geojson_text(frame: gpd.GeoDataFrame, *, decimals: int = 9) -> str:
    """Write a frame as GeoJSON: WGS 84, missing values null, the index as a property.

    Nine decimals of a degree are a tenth of a millimetre; six, a decimetre, are enough to draw.
    """
    degrees = frame.to_crs("OGC:CRS84")
    index = str(frame.index.name or "id")
    features = []
    for (key, row), geometry in zip(
        degrees.drop(columns=degrees.geometry.name).iterrows(), degrees.geometry, strict=True
    ):
        properties = {index: _plain(key), **{str(k): _plain(v) for k, v in row.items()}}
        mapping = geometry.__geo_interface__
        features.append(
            {
                "type": "Feature",
                "properties": properties,
                "geometry": {
                    "type": mapping["type"],
                    "coordinates": _rounded(mapping["coordinates"], decimals),
                },
            }
        )
    lines = ",\n".join(json.dumps(f, ensure_ascii=False, allow_nan=False) for f in features)
    return f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n'


def _rounded(coordinates: Any, decimals: int) -> Any:  # noqa: ANN401 - nested tuples of any depth
    if isinstance(coordinates, float | int):
        return round(float(coordinates), decimals)
    return [_rounded(part, decimals) for part in coordinates]


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a cell holds
    """Turn numpy scalars and pandas' missing values into plain Python."""
    if isinstance(value, Mapping | list | tuple):
        return value
    if pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value


def evidence_geojson(pack: Pack, result: CheckResult, lang: Language, *, units: str = "") -> str:
    """The evidence of a result as GeoJSON; `units` is the layer by whose features it is named."""
    if result.measured is None:
        return geojson_text(gpd.GeoDataFrame(geometry=[], crs=pack.catalogue.pack.metric_crs))
    evidence = result.measured.evidence
    named = place_names(pack, list(evidence.geometry), units, lang)
    names = unit_names(pack, result.check, lang)
    told = {
        **about(result, lang),
        "check": result.check.id,
        "title": check_title(result.check, lang),
        "cite": result.check.cite.in_(lang),
        "basis": result.basis,
        "basis_text": "" if result.basis is None else basis_text(result.basis, lang),
        "conclusive": result.conclusive,
    }
    return geojson_text(
        evidence.assign(
            unit_name=evidence["unit"].map(lambda unit: names.get(str(unit), str(unit))),
            place_name=pd.Series(named, index=evidence.index, dtype=str),
            **told,
        )
    )


def write_results(
    folder: Path, pack: Pack, results: Iterable[CheckResult], lang: Language, *, units: str = ""
) -> tuple[Path, ...]:
    """Write `<check>.geojson` (evidence) and `<check>.csv` (units) for each result measured.

    `units` is the layer by whose features places are named.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for result in results:
        if result.measured is None:
            continue
        path = folder / f"{result.check.id}.geojson"
        text = evidence_geojson(pack, result, lang, units=units)
        path.write_text(text, encoding="utf-8", newline="\n")
        table = folder / f"{result.check.id}.csv"
        table.write_bytes(units_csv(pack, result, lang))
        written += [path, table]
    return tuple(written)


def zones_bytes(pack: Pack, table: ZoneTable, suffix: str, lang: Language) -> bytes:
    """The zone table as the bytes of a CSV, XLSX or GeoJSON file; no totals row.

    CSV (UTF-8 with BOM) and XLSX have the titled columns of a language, GeoJSON the field names
    with units; beside each statistic stand its low and its high, empty where they are open.
    Raises InputError for another suffix.
    """
    if suffix == ".csv":
        return csv_bytes(table.named(pack, lang))
    if suffix == ".xlsx":
        return _xlsx(table.named(pack, lang), _notes(pack, table, lang), lang)
    if suffix == ".geojson":
        return geojson_text(_named_frame(pack, table, lang)).encode()
    message = f"'{suffix}' is not a format of zone tables; use " + ", ".join(ZONE_FORMATS)
    raise InputError([Problem("zones --out", "", "format", message)])


def write_zones(path: Path, pack: Pack, table: ZoneTable, lang: Language) -> None:
    """Write the zone table to a file whose suffix says the format (see ZONE_FORMATS)."""
    suffix = path.suffix.lower()
    path.parent.mkdir(parents=True, exist_ok=True)
    if suffix == ".gpkg":
        frame = _named_frame(pack, table, lang)
        path.unlink(missing_ok=True)
        frame.reset_index().to_file(path, driver="GPKG", layer=table.layer)
    else:
        path.write_bytes(zones_bytes(pack, table, suffix, lang))


def _named_frame(pack: Pack, table: ZoneTable, lang: Language) -> gpd.GeoDataFrame:
    names = table.named(pack, lang)[phrase("export", "name", lang)]
    fields = table.fields()
    told = {
        "definition": "" if table.definition is None else table.definition.in_(lang),
        "basis_text": basis_text(table.basis, lang),
        "conclusive": is_conclusive(table.basis),
    }
    return fields.assign(name=names, **told)[["name", *fields.columns, *told]]


def csv_bytes(table: pd.DataFrame) -> bytes:
    """A table as CSV that Excel opens, and runs nothing of: UTF-8 with BOM, CRLF, no index."""
    return neutral_table(table).to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")


def _notes(pack: Pack, table: ZoneTable, lang: Language) -> pd.DataFrame:
    """What a reader of the sheet must know: what it is of, on which data, how measured."""
    spec = pack.catalogue.layers[table.layer]
    rows = {
        "note_pack": pack.catalogue.pack.title.in_(lang),
        "note_layer": spec.title.in_(lang),
        "note_basis": phrase("basis", table.basis, lang),
        "note_crs": pack.catalogue.pack.metric_crs,
        "note_radius": f"{table.radius_m:g} m",
        "note_classes": table.classes(lang),
        "note_total": phrase("export", "note_total_text", lang),
        "note_range": phrase("export", "note_range_text", lang),
    }
    if table.invented:
        titles = [pack.catalogue.layers[layer].title.in_(lang) for layer in table.invented]
        rows["note_invented"] = listed(titles, lang)
    if table.unnumbered:
        rows["note_unnumbered"] = str(table.unnumbered)
    if not is_conclusive(table.basis):
        rows["note_use"] = phrase("export", "note_use_text", lang)
    heads = [phrase("export", name, lang) for name in rows]
    return pd.DataFrame({"": heads, " ": list(rows.values())})


def _xlsx(table: pd.DataFrame, notes: pd.DataFrame, lang: Language) -> bytes:
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer, engine="openpyxl") as writer:
        sheet = phrase("export", "sheet", lang)
        neutral_table(table).to_excel(writer, sheet_name=sheet, index=False)
        about = phrase("export", "notes", lang)
        neutral_table(notes).to_excel(writer, sheet_name=about, index=False, header=False)
        writer.sheets[sheet].freeze_panes = "C2"
        for cells in (writer.sheets[sheet], writer.sheets[about]):
            for column in cells.columns:
                longest = max(_width(cell.value) for cell in column)
                letter = column[0].column_letter
                cells.column_dimensions[letter].width = min(longest + 2, 60)
        for row in writer.sheets[sheet].iter_rows(min_row=2):
            for cell in row:
                if isinstance(cell.value, float):
                    cell.number_format = "#,##0.00"
    return buffer.getvalue()


def _width(value: object) -> int:
    """Width of a cell in characters; a Chinese one takes two."""
    if isinstance(value, float):
        return len(f"{value:,.2f}")
    return sum(2 if ord(letter) > _LAST_NARROW else 1 for letter in str(value or ""))
