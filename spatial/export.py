"""Results as files: JSON for machines, CSV and XLSX for Excel, GeoJSON and GeoPackage for a GIS."""

import io
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from layers import InputError, Language, Pack, Problem, is_conclusive
from layers.cells import neutral_table
from spatial.measurement import VALUE_COLUMNS, Figure
from spatial.phrases import check_title, phrase, reason, unit_names
from spatial.plan import Check
from spatial.verdict import CheckResult
from spatial.zones import ZoneTable

_LAST_NARROW = 0x2E7F  # where the wide characters begin
ZONE_FORMATS = (".csv", ".xlsx", ".geojson", ".gpkg")


def results_json(pack: Pack, results: Iterable[CheckResult], lang: Language) -> dict[str, Any]:
    """Lay results out as plain data: full precision, missing values None, no NaN."""
    return {
        "pack": pack.catalogue.pack.title.in_(lang),
        "metric_crs": pack.catalogue.pack.metric_crs,
        "results": [_result(pack, result, lang) for result in results],
    }


def _result(pack: Pack, result: CheckResult, lang: Language) -> dict[str, Any]:
    check = result.check
    whole = result.measured.whole if result.measured else Figure(None, None, None, None, None)
    evidence = result.measured.evidence if result.measured else None
    return {
        "id": check.id,
        "title": check_title(check, lang),
        "measure": check.measure,
        "verdict": result.verdict,
        "conclusive": result.conclusive,
        "basis": result.basis,
        "value": whole.value,
        "low": whole.low,
        "high": whole.high,
        "unit": check.target.unit,
        "target": {check.target.comparison: check.target.limit},
        "judge": check.judge,
        "numerator": whole.numerator,
        "denominator": whole.denominator,
        "params": {
            name: list(v) if isinstance(v, tuple) else v for name, v in check.params.items()
        },
        "cite": check.cite.in_(lang),
        "reason": reason(pack, result, lang),
        "units": _units(pack, result, lang),
        "evidence": {
            "count": 0 if evidence is None else len(evidence),
            "area_m2": 0.0 if evidence is None else float(evidence["area_m2"].sum()),
        },
    }


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
    return None if math.isnan(value) else float(value)


def units_csv(pack: Pack, result: CheckResult, lang: Language) -> bytes:
    """The units of a check as CSV that Excel opens (UTF-8 with BOM); areas in m², shares 0 to 1."""
    said = {True: phrase("export", "yes", lang), False: phrase("export", "no", lang), None: ""}
    columns = ("id", "name", *VALUE_COLUMNS, "met")
    rows = [{**unit, "met": said[unit["met"]]} for unit in _units(pack, result, lang)]
    table = pd.DataFrame(rows, columns=list(columns))
    titles = {name: _unit_title(result.check, name, lang) for name in columns}
    return csv_bytes(table.rename(columns=titles))


def _unit_title(check: Check, column: str, lang: Language) -> str:
    title = phrase("export", column, lang)
    if column in {"value", "low", "high"}:
        return f"{title} (0–1)" if check.target.unit == "share" else title
    if column in {"numerator", "denominator"} and check.target.unit == "share":
        return f"{title} (m²)"
    return title


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


def write_results(
    folder: Path, pack: Pack, results: Iterable[CheckResult], lang: Language
) -> tuple[Path, ...]:
    """Write `<check>.geojson` (evidence) and `<check>.csv` (units) for each result measured."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for result in results:
        if result.measured is None:
            continue
        evidence = result.measured.evidence.assign(
            check=result.check.id, basis=result.basis, conclusive=result.conclusive
        )
        path = folder / f"{result.check.id}.geojson"
        path.write_text(geojson_text(evidence), encoding="utf-8", newline="\n")
        table = folder / f"{result.check.id}.csv"
        table.write_bytes(units_csv(pack, result, lang))
        written += [path, table]
    return tuple(written)


def zones_bytes(pack: Pack, table: ZoneTable, suffix: str, lang: Language) -> bytes:
    """The zone table as the bytes of a CSV, XLSX or GeoJSON file; no totals row.

    CSV (UTF-8 with BOM) and XLSX have the titled columns of a language, GeoJSON the field names
    with units. Raises InputError for another suffix.
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
    columns = [*table.columns, "basis", "geometry"]
    return table.frame[columns].assign(name=names, basis=table.basis)[["name", *columns]]


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
        "note_total": phrase("export", "note_total_text", lang),
    }
    if not is_conclusive(table.basis):
        rows["note_use"] = phrase("export", "note_use_text", lang)
    titles = [phrase("export", name, lang) for name in rows]
    return pd.DataFrame({"": titles, " ": list(rows.values())})


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
