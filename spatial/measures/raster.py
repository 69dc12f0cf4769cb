"""Shares of classes in a raster: of land cover, of canopy."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import geopandas as gpd
import numpy as np
import shapely
from pydantic import BeforeValidator, Field
from shapely.geometry.base import BaseGeometry

from layers import InputError, Problem
from layers.grid import Grid
from spatial.doubt.accuracy import Counts, TwoClasses, estimate
from spatial.doubt.band import accuracies, extremes, inner, least_share, outer
from spatial.geometry.cells import Cells, Held
from spatial.geometry.edges import Shapes
from spatial.geometry.lattice import Flags, Floats, Integers
from spatial.geometry.overlap import overlaps
from spatial.geometry.overlay import dissolve, polygon_parts, polygonal
from spatial.measurement import (
    BESIDE,
    POLYGON,
    SLIVER_M2,
    Doubt,
    DoubtKind,
    DoubtMethod,
    Figure,
    Measurement,
    Polygons,
    Rasters,
    by_unit,
    ranged,
    share,
)
from spatial.measures.cover import in_classes

MOST_EVIDENCE_CELLS = 250_000
MOST_EVIDENCE = 200
_SAME, _CHANGED = 1e-9, 1e-6
"""Share of a zone up to which cells without data are taken for rounding: in the grid's own CRS,
and in another, where borders of cells are not quite straight."""
_WHOLE = 1e-9


def _as_text(code: object) -> object:
    """Return a class as text where it was given as a number."""
    return str(code) if isinstance(code, int) and not isinstance(code, bool) else code


Code = Annotated[str, BeforeValidator(_as_text)]
Codes = Annotated[tuple[Code, ...], Field(min_length=1)]
Digits = Annotated[int, Field(ge=0, le=18)]
LandBeside = Annotated[gpd.GeoDataFrame, POLYGON, BESIDE]
"""Land as polygons, which a raster is compared with."""


def raster_share(
    raster: Rasters,
    zones: Polygons,
    land: LandBeside | None = None,
    *,
    classes: Codes,
    class_column: str = "class_code",
    code_digits: Digits = 0,
    matrix: TwoClasses | None = None,
) -> Measurement:
    """Tell which share of each zone a raster shows in the given classes, e.g. 绿化覆盖率.

    share = area of the cells in `classes` within the zone / A(zone), for each zone and for the
    union of all; a cell that the border of a zone crosses counts with the part that lies inside.
    Cells hold whole numbers, and the classes are their digits or how these begin: `17` takes in
    1701, and `1` takes in 10 as well as 1. Where a code begins with 0 (0301 stands as 301 in a
    raster), `code_digits` says how many digits codes have. Zones are measured in the CRS of the
    raster, areas are those that cells have in the metric CRS.

    `matrix` are counts of sample points, the raster's class in rows, that on the ground in
    columns, what counts before all else. Given one, the value is the share corrected for the
    raster's errors (see `accuracy.assess`), under the assumption that it errs in a zone as often
    as where the samples lie; the fact `mapped_share` is what the raster shows.

    The range adds up, to either side, what each doubt alone allows: the samples (an interval of
    95 %), cells without data, which may count or not, and positions: the band in which the border
    of a zone lies on the raster, both off by their accuracy. A zone is not taken to reach beyond
    the raster. A class drawn wrongly is known by the matrix alone.

    With `land`, polygons with class codes, the facts say where the two differ: the `vector_share`,
    what both count, or only one (cells without data left out), and how much of the difference lies
    in cells that a border of the land crosses (`mixed_cells_m2`) or in whole cells of another class
    (`whole_cells_m2`).

    Evidence is what of the zones does not count, at most the 200 largest places. Where there are
    more than 250 000 cells they are taken in squares, each of which counts or not as most of it
    does: places are rough then, and add up to the figures only nearly.

    Definition of green cover: the vertical projection of all vegetation in the built-up area over
    that area; the corrected share after Olofsson et al. (2014). Raises InputError where cells hold
    amounts and not classes.

    >>> from shapely import box
    >>> cells = np.array([[1, 0], [1, 1]], dtype=np.uint8)         # two rows of cells of 10 m
    >>> canopy = Grid(cells, cells >= 0, (10, 0, 0, 0, -10, 20), "EPSG:4548")
    >>> zone = gpd.GeoDataFrame(geometry=[box(5, 0, 15, 20)], index=["Z"], crs="EPSG:4548")
    >>> raster_share(canopy, zone, classes=["1"]).whole.value      # three of its four half cells
    0.75
    """
    shapes, ids = zones.geometry.to_numpy(), [str(unit) for unit in zones.index]
    counts = counting(raster, classes, code_digits)
    spans = _Spans.of(zones, raster)
    cells = Cells(raster, [counts, raster.valid], spans.all, zones.crs)
    judged = _Judged(cells, matrix)
    amounts = [judged.amount(shape) for shape in shapes]
    union = polygonal(shapely.union_all(shapes)) if len(overlaps(shapes)[0]) else None
    whole = _added(amounts) if union is None else judged.amount(union)
    found = [judged.causes(*one) for one in zip(amounts, spans.least, spans.most, strict=True)]
    causes = found[0] if len(found) == 1 else judged.causes(whole, *spans.whole)
    facts = {"cell_m": _cell_m(cells)}
    if matrix is not None and whole.area > 0:
        facts["mapped_share"] = whole.counted / whole.area
    if land is not None and whole.area > 0:
        counting_land = land.geometry[in_classes(land[class_column], list(map(str, classes)))]
        facts |= _compared(cells, counting_land.to_numpy(), dissolve(shapes))
    figures = [_figure(judged.share(one), own) for one, own in zip(amounts, found, strict=True)]
    return Measurement(
        values=by_unit(ids, figures),
        whole=_figure(judged.share(whole), causes),
        evidence=_evidence(cells, ids, shapes, zones),
        doubts=_doubts(judged.share(whole), causes, spans.inputs),
        facts=facts,
    )


def counting(raster: Grid, classes: Sequence[str | int], code_digits: int = 0) -> Flags:
    """Mark the cells whose value, as text of `code_digits` at least, begins with a class.

    >>> values = np.array([[1701, 301, 17]], dtype=np.int16)
    >>> grid = Grid(values, values < 1000, (1, 0, 0, 0, -1, 0), "EPSG:4548")     # 1701: no data
    >>> counting(grid, ["17", "03"], code_digits=4).tolist()
    [[False, True, False]]
    """
    if not raster.is_classes:
        message = "cells hold decimals, which are amounts; give a raster of classes, whole numbers"
        zh = "像元是小数（数量），不是分类；请提供整数分类栅格"
        raise InputError([Problem("raster", "", "value", message, zh=zh)])
    wanted = counting_values(raster.classes(), classes, code_digits)
    marked = np.zeros(raster.values.shape, dtype=bool)
    for rows, values, valid in raster.strips():
        marked[rows] = np.isin(values, wanted) & valid
    return marked


def counting_values(
    values: Sequence[int], classes: Sequence[str | int], code_digits: int = 0
) -> list[int]:
    """Name the values that stand for one of the classes.

    >>> counting_values([301, 1701, 703], ["03", 17], code_digits=4)
    [301, 1701]
    """
    begins = tuple(str(one) for one in classes)
    return [value for value in values if str(value).zfill(code_digits).startswith(begins)]


@dataclass(frozen=True, slots=True)
class _Amount:
    """A zone: the area that the raster counts there, that it knows, and the whole, in m²."""

    counted: float
    known: float
    area: float

    @property
    def unknown(self) -> float:
        return self.area - self.known


@dataclass(frozen=True, slots=True)
class _Cause:
    """How far one doubt alone lets a share fall or rise."""

    kind: DoubtKind
    method: DoubtMethod
    down: float
    up: float


class _Judged:
    """Zones measured on marked cells (those that count, those with data), corrected by a matrix."""

    def __init__(self, cells: Cells, matrix: Counts | None) -> None:
        self._cells = cells
        self._matrix = matrix
        # What counts of a m² that the raster counts, and of one that it does not.
        self._rates = (1.0, 0.0)
        if matrix is not None:
            self._rates = (estimate(1.0, matrix).share, estimate(0.0, matrix).share)
        self._rounding = _SAME if cells.place.change is None else _CHANGED

    def amount(self, shape: BaseGeometry) -> _Amount:
        counted, known = self._cells.held(shape).areas_m2.tolist()
        area = float(shape.area)
        if known > area or area - known < self._rounding * area:
            known = area
        return _Amount(min(counted, known), known, area)

    def share(self, zone: _Amount) -> Figure:
        return share(self._corrected(zone), zone.area)

    def causes(
        self, zone: _Amount, least: BaseGeometry | None, most: BaseGeometry | None
    ) -> tuple[_Cause, ...]:
        """What lets a share be off; `least` and `most` are what the zone can be, None if known."""
        if zone.area <= 0:
            return ()
        value, causes = self._corrected(zone) / zone.area, []
        if least is not None and most is not None:
            low, high = self._band(self.amount(least), self.amount(most))
            causes.append(_Cause("position", "band", max(value - low, 0), max(high - value, 0)))
        if zone.unknown > 0:
            causes.append(_Cause("unclassified", "bounds", 0.0, zone.unknown / zone.area))
        if self._matrix is not None and zone.known > 0:
            found = estimate(zone.counted / zone.known, self._matrix)
            part = zone.known / zone.area
            down, up = (found.share - found.low) * part, (found.high - found.share) * part
            causes.append(_Cause("classification", "estimate", down, up))
        return tuple(causes)

    def _corrected(self, zone: _Amount) -> float:
        right, missed = self._rates
        return zone.counted * right + (zone.known - zone.counted) * missed

    def _band(self, least: _Amount, most: _Amount) -> tuple[float, float]:
        sure = self._corrected(least), self._corrected(most)
        never = least.area - sure[0], most.area - sure[1]
        return least_share(*sure, most.area), 1.0 - least_share(*never, most.area)


@dataclass(frozen=True, slots=True)
class _Spans:
    """The least and the most that zones can be on a raster, each and as a whole; None if known."""

    least: Sequence[BaseGeometry | None]
    most: Sequence[BaseGeometry | None]
    whole: tuple[BaseGeometry | None, BaseGeometry | None]
    all: Shapes
    inputs: Mapping[str, float]

    @classmethod
    def of(cls, zones: gpd.GeoDataFrame, raster: Grid) -> "_Spans":
        shapes, off = zones.geometry.to_numpy(), accuracies(zones)
        inputs = {"raster": raster.accuracy_m, "zones": float(off.max(initial=0.0))}
        inputs = {name: metres for name, metres in inputs.items() if metres > 0}
        none = [None] * len(shapes)
        if not inputs:
            return cls(none, none, (None, None), shapes, inputs)
        # A raster that lies off moves all borders on it.
        off = off + raster.accuracy_m
        least, most = inner(shapes, off), outer(shapes, off)
        moved = gpd.GeoDataFrame({"accuracy_m": off}, geometry=shapes, crs=zones.crs)
        mapped = raster.outline_in(zones.crs.to_wkt())
        most = np.array([_within(*one, mapped) for one in zip(most, shapes, strict=True)], object)
        smallest, largest = extremes(moved)
        largest = _within(largest, dissolve(shapes), mapped)
        reach = np.array([*shapes, *most, largest], dtype=object)
        return cls(least.tolist(), most.tolist(), (smallest, largest), reach, inputs)


def _within(most: BaseGeometry, drawn: BaseGeometry, mapped: BaseGeometry) -> BaseGeometry:
    """A grown zone without what lies beyond the raster, all that was drawn of it kept."""
    if mapped.is_empty or shapely.covers(mapped, most):
        return most
    return polygonal(shapely.union(shapely.intersection(most, mapped), drawn))


def _added(amounts: Sequence[_Amount]) -> _Amount:
    """Zones taken together that do not overlap."""
    return _Amount(
        math.fsum(one.counted for one in amounts),
        math.fsum(one.known for one in amounts),
        math.fsum(one.area for one in amounts),
    )


def _figure(figure: Figure, causes: Sequence[_Cause]) -> Figure:
    if figure.value is None:
        return figure
    low = figure.value - sum(cause.down for cause in causes)
    high = figure.value + sum(cause.up for cause in causes)
    return ranged(figure, max(low, 0.0), min(high, 1.0))


def _doubts(
    figure: Figure, causes: Sequence[_Cause], inputs: Mapping[str, float]
) -> tuple[Doubt, ...]:
    value = figure.value or 0.0
    return tuple(
        Doubt(
            cause.kind,
            cause.method,
            max(value - cause.down, 0.0),
            min(value + cause.up, 1.0),
            inputs if cause.kind == "position" else {},
        )
        for cause in causes
    )


def _cell_m(cells: Cells) -> float:
    """Side of a square as large as the cell in the middle."""
    middle = np.array([cells.rows // 2]), np.array([cells.columns // 2])
    return math.sqrt(float(cells.areas_m2(*middle)[0]))


def _compared(cells: Cells, land: Shapes, zone: BaseGeometry) -> dict[str, float]:
    """Where the raster and land that counts agree within a zone, and where they do not."""
    place = polygonal(shapely.intersection(dissolve(land), zone))
    mine, whole = cells.held(place), cells.held(zone)
    both = float(mine.areas_m2[0])
    raster_only = float(whole.areas_m2[0]) - both
    vector_only = float(mine.areas_m2[1]) - both
    mixed = _mixed(cells, mine, whole)
    return {
        "vector_share": float(place.area / zone.area),
        "both_m2": both,
        "raster_only_m2": max(raster_only, 0.0),
        "vector_only_m2": max(vector_only, 0.0),
        "mixed_cells_m2": mixed,
        "whole_cells_m2": max(raster_only + vector_only - mixed, 0.0),
    }


def _mixed(cells: Cells, mine: Held, whole: Held) -> float:
    """Area of the difference in cells that a border of the land crosses within the zone."""
    counts, known = cells.marks
    there = (mine.row < cells.rows) & (mine.column < cells.columns)
    row, column, part = mine.row[there], mine.column[there], mine.part[there]
    inside = _parts(whole, row * cells.columns + column, cells.columns)
    counted, seen = counts[row, column], known[row, column]
    differs = np.where(counted, inside - part, np.where(seen, part, 0.0))
    crossed = part < inside * (1 - _WHOLE)
    return float((differs * cells.areas_m2(row, column))[crossed].sum())


def _parts(whole: Held, cell: Integers, columns: int) -> Floats:
    """The part of cells that lies in a zone, where all of them touch it: mostly one."""
    crossed = whole.row * columns + whole.column
    order = np.argsort(crossed)
    crossed, part = crossed[order], whole.part[order]
    at = np.minimum(np.searchsorted(crossed, cell), max(len(crossed) - 1, 0))
    if not len(crossed):
        return np.ones(len(cell))
    return np.where(crossed[at] == cell, part[at], 1.0)


def _evidence(
    cells: Cells, ids: Sequence[str], shapes: Shapes, zones: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """The largest places in zones that do not count, by squares of cells where these are many."""
    counted = _counted(cells)
    places = [polygonal(shapely.difference(shape, counted)) for shape in shapes]
    parts = polygon_parts(ids, places, crs=zones.crs, least_m2=SLIVER_M2)
    return parts.head(MOST_EVIDENCE)


def _counted(cells: Cells) -> BaseGeometry:
    """The squares of cells most of which count, as a polygon in the metric CRS."""
    side = 1
    while -(-cells.rows // side) * -(-cells.columns // side) > MOST_EVIDENCE_CELLS:
        side += 1
    rows, columns = np.arange(0, cells.rows, side), np.arange(0, cells.columns, side)
    sums = np.add.reduceat(cells.marks[0], columns, axis=1, dtype=np.int32)
    sums = np.add.reduceat(sums, rows, axis=0)
    bottom, right = np.minimum(rows + side, cells.rows), np.minimum(columns + side, cells.columns)
    size = (bottom - rows)[:, None] * (right - columns)[None, :]
    row, column = np.nonzero(2 * sums > size)
    boxes = shapely.box(columns[column], rows[row], right[column], bottom[row])
    union = np.array([shapely.coverage_union_all(boxes)], dtype=object)
    corner = np.array([cells.left, cells.top])
    shifted = shapely.transform(union, lambda at: at + corner)
    return polygonal(cells.place.to_metres(shifted)[0])
