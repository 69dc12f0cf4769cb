"""Where a table's rows lie: geometry from the cells that hold coordinates, row by row."""

import json
import re
from collections.abc import Sequence

import numpy as np
import shapely
from shapely.errors import ShapelyError

from layers.formats.coordinates import Proposal, number, pair
from layers.formats.frames import Geometries
from layers.formats.sheets import Sheet
from layers.problem import Problem

_SRID = re.compile(r"SRID=([0-9]{4,6});\s*")
_MOST_NESTED = 8  # brackets within brackets; a multipolygon has three
_SHOWN = 40  # letters of a cell


def placed(sheet: Sheet, columns: Proposal, where: str) -> tuple[Geometries, str, list[Problem]]:
    """A geometry or None for each row, the CRS that the texts name, and why rows have none.

    A row with more cells than columns is not placed: an unquoted separator may have moved its
    coordinates. No columns, no geometry, and then no Problem says so.
    """
    geometries: Geometries = np.full(len(sheet.rows), None, dtype=object)
    problems = [_spilled(sheet, where, row) for row in sorted(sheet.spilled)]
    problems += [_unknown(sheet, where, row) for row in sorted(sheet.unknown)]
    names = [name for name in (columns.wkt or columns.x, columns.y) if name]
    if not names:
        return geometries, "", problems
    codes = set()
    for row, cells in enumerate(zip(*(sheet.cells(name) for name in names), strict=True)):
        if row in sheet.spilled:
            continue
        if columns.wkt:
            code, geometries[row] = _geometry(cells[0])
        else:
            code, geometries[row] = "", _point(cells)
        if geometries[row] is None:
            named = dict(zip(names, cells, strict=True))
            problems.append(_not_placed(sheet, where, row, named, is_text=bool(columns.wkt)))
        else:
            codes.add(code)
    return geometries, codes.pop() if len(codes) == 1 else "", problems


def _point(cells: Sequence[str]) -> shapely.Point | None:
    """A point from two cells, or from one that holds both coordinates."""
    if len(cells) == 1:
        both = pair(cells[0])
        return None if both is None else shapely.Point(both)
    x, y = (number(cell) for cell in cells)
    return None if x is None or y is None else shapely.Point(x, y)


def _geometry(text: str) -> tuple[str, shapely.Geometry | None]:
    """Geometry from WKT (with or without its SRID) or GeoJSON, and the CRS that it names.

    None where it cannot be read, is empty, or a coordinate is not finite.

    >>> _geometry("SRID=4490;POINT (117.35 39.12)"), _geometry("POINT EMPTY")
    (('EPSG:4490', <POINT (117.35 39.12)>), ('', None))
    """
    srid = _SRID.match(text)
    wkt = text[srid.end() :] if srid else text
    if text.startswith("{"):
        geometry = _from_geojson(text)
    else:
        readable = wkt and _depth(wkt) <= _MOST_NESTED
        geometry = shapely.from_wkt(wkt, on_invalid="ignore") if readable else None
    if geometry is None or geometry.is_empty:
        return "", None
    if not np.isfinite(shapely.get_coordinates(geometry)).all():
        return "", None
    return f"EPSG:{srid[1]}" if srid else "", shapely.force_2d(geometry)


def _from_geojson(text: str) -> shapely.Geometry | None:
    try:
        return shapely.geometry.shape(json.loads(text))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return None
    except ShapelyError:
        return None


def _depth(text: str) -> int:
    """How deep brackets lie within brackets; a reader of WKT that calls itself can overflow.

    >>> _depth("POLYGON ((0 0, 1 0, 1 1, 0 0))")
    2
    """
    depth = most = 0
    for mark in re.findall(r"[()]", text):
        depth += 1 if mark == "(" else -1
        most = max(most, depth)
    return most


def _spilled(sheet: Sheet, where: str, row: int) -> Problem:
    line, columns = sheet.lines[row], len(sheet.columns)
    return Problem(
        where,
        str(row + 1),
        "row",
        f"row {line} has more cells than the header, which names {columns} columns; it is not"
        " placed: put texts that hold a separator in quotation marks",
        zh=f"第 {line} 行的单元格多于表头的 {columns} 列，该行不定位；请把含分隔符的文字加上引号",
    )


def _unknown(sheet: Sheet, where: str, row: int) -> Problem:
    line, names = sheet.lines[row], sheet.unknown[row]
    return Problem(
        where,
        str(row + 1),
        "formula",
        f"row {line}: no result is stored for the formula in {', '.join(names)}; open the workbook,"
        " let it calculate and save it",
        zh=f"第 {line} 行：“{'、'.join(names)}”中的公式没有可用的计算结果；"
        "请用表格软件打开、重新计算后保存",
    )


def _not_placed(
    sheet: Sheet, where: str, row: int, cells: dict[str, str], *, is_text: bool
) -> Problem:
    line = sheet.lines[row]
    said = ", ".join(f"{name} is {_quoted(cell, 'en')}" for name, cell in cells.items())
    zh = "，".join(f"{name} 为{_quoted(cell, 'zh')}" for name, cell in cells.items())
    if is_text:
        wanted = "geometry as WKT, such as POINT (117.35 39.12), or as GeoJSON"
        wanted_zh = "WKT（如 POINT (117.35 39.12)）或 GeoJSON 图形"
    elif len(cells) == 1:
        wanted, wanted_zh = "both coordinates, such as 117.35,39.12", "一对坐标，如 117.35,39.12"
    else:
        wanted = "a number such as 117.35 (with a point), or 117°21′00″"
        wanted_zh = "数值（如 117.35，用小数点）或度分秒（如 117°21′00″）"
    return Problem(
        where,
        str(row + 1),
        "coordinates",
        f"row {line}: {said}; wanted is {wanted}",
        zh=f"第 {line} 行：{zh}；应为{wanted_zh}",
    )


def _quoted(cell: str, lang: str) -> str:
    if not cell:
        return "空" if lang == "zh" else "empty"
    shown = cell if len(cell) <= _SHOWN else f"{cell[: _SHOWN - 1]}…"
    return f"“{shown}”" if lang == "zh" else f"'{shown}'"
