"""A planner's GeoTIFF in place of a raster layer: what it holds, kept as it is, read again."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pydantic import Field, ValidationError
from pyproj import CRS, Transformer
from shapely.geometry.base import BaseGeometry

from layers.catalogue import LayerSpec, Source
from layers.crs import crs_title
from layers.declared import SHIFTED, Declared, to_degrees
from layers.grid import Grid
from layers.intake import own_facts
from layers.load import Pack, RasterLayer
from layers.phrases import phrase
from layers.problem import InputError, Problem
from layers.reader import Reader
from layers.rules import grid_problems
from layers.text import Entry, Language, Text
from layers.workspace import Original, StoredLayer, Workspace

_OUTLINE = "grid"
_LOOKED_AT = 40_000
_MOST_SHOWN = 12


class RasterIntake(Entry):
    """All that was said and chosen to put a band of a GeoTIFF in place of a raster layer.

    `size` is columns × rows, for a list of layers that opens no file.
    """

    layer: str
    band: Annotated[int, Field(ge=1)]
    declared: Declared
    source: Source
    accuracy_m: Annotated[float, Field(ge=0)]
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class RasterSummary:
    """What a planner looks at before a raster is kept.

    `cell_m` is the width and height of a cell in the middle, in metres. `counts` says how many
    cells hold each value, empty where the cells hold decimals, which lie within `span`; `empty`
    how many hold none. `covered` is the share of the pack's area under cells with data, to about
    half a point: places on a lattice are looked at.
    """

    columns: int
    rows: int
    cell_m: tuple[float, float]
    crs: Text
    counts: Mapping[int, int]
    span: tuple[float, float]
    empty: int
    covered: float

    def size(self, lang: Language) -> str:
        """Say how many cells there are, of which size, in which CRS."""
        return phrase(
            "raster",
            "size",
            columns=f"{self.columns:,}",
            rows=f"{self.rows:,}",
            width=_metres(self.cell_m[0]),
            height=_metres(self.cell_m[1]),
            crs=self.crs,
        ).in_(lang)

    def values(self, lang: Language) -> str:
        """Say which values occur, and how often."""
        comma = "，" if lang == "zh" else ", "
        said = comma.join(one.in_(lang) for one in self._values())
        return phrase("raster", "values", values=said).in_(lang)

    def coverage(self, lang: Language) -> str:
        """Say how much of the area lies under cells with data, and how many hold none."""
        empty = _percent(self.empty / (self.columns * self.rows))
        covered = _percent(self.covered)
        return phrase("raster", "covered", covered=covered, empty=empty).in_(lang)

    def shares(self) -> tuple[tuple[int, int, float], ...]:
        """Give the values with their cells and their share of the cells with data; most first."""
        known = sum(self.counts.values())
        ordered = sorted(self.counts.items(), key=lambda one: (-one[1], one[0]))
        return tuple((value, cells, cells / known) for value, cells in ordered)

    def _values(self) -> list[Text]:
        if not self.counts:
            low, high = (f"{one:.4g}" for one in self.span)
            return [phrase("raster", "decimals", low=low, high=high)]
        shares = self.shares()
        said = [
            phrase("raster", "value", value=value, share=_percent(share))
            for value, _, share in shares[:_MOST_SHOWN]
        ]
        if len(shares) > _MOST_SHOWN:
            said.append(phrase("raster", "more", count=len(shares) - _MOST_SHOWN))
        return said


def placed_outline(grid: Grid, declared: Declared, pack: Pack, *, name: str) -> gpd.GeoDataFrame:
    """Put the border of a grid where it lies as declared: one area, in OGC:CRS84.

    Raises InputError where the declaration fits no raster (cells cannot be moved back one by one,
    nor their axes exchanged), where it does not fit the numbers, and where no cell is in the area.
    """
    if declared.datum in SHIFTED:
        datum = phrase("datum", declared.datum)
        message = (
            f"the datum is {datum.en}, and cells cannot be moved back exactly;"
            " warp the raster to WGS 84 or CGCS2000 first"
        )
        zh = f"基准为 {datum.zh}，像元不能逐个精确移回；请先把栅格纠正到 WGS 84 或 CGCS2000 再载入"
        raise InputError([Problem(name, "", "datum", message, zh=zh)])
    if declared.swapped:
        message = "the axes of a raster are not exchanged; export it with easting first"
        zh = "栅格不能对调横纵坐标；请按东坐标在前重新导出"
        raise InputError([Problem(name, "", "swapped", message, zh=zh)])
    outline = gpd.GeoSeries([grid.outline()], index=pd.Index([_OUTLINE], name="id"))
    degrees = to_degrees(outline, declared, where=name)
    metric_crs = pack.catalogue.pack.metric_crs
    placed = replace(grid, crs=declared.crs)
    problems = list(grid_problems(placed, pack.area, metric_crs, name))
    if problems:
        raise InputError(problems)
    rows, columns = grid.values.shape
    size = {"columns": columns, "rows": rows}
    return gpd.GeoDataFrame(size, geometry=degrees, index=degrees.index)


def summary(grid: Grid, declared: Declared, pack: Pack) -> RasterSummary:
    """Say what a grid holds that lies as declared."""
    grid = replace(grid, crs=declared.crs)
    rows, columns = grid.values.shape
    known = int(np.count_nonzero(grid.valid))
    span = (0.0, 0.0)
    if not grid.is_classes:
        ends = [
            (float(values[valid].min()), float(values[valid].max()))
            for _, values, valid in grid.strips()
            if valid.any()
        ]
        span = (min(low for low, _ in ends), max(high for _, high in ends))
    return RasterSummary(
        columns=columns,
        rows=rows,
        cell_m=_cell_m(grid, pack.catalogue.pack.metric_crs),
        crs=crs_title(declared.crs),
        counts=grid.counts() if grid.is_classes else {},
        span=span,
        empty=rows * columns - known,
        covered=_covered(grid, pack.area, pack.catalogue.pack.metric_crs),
    )


def raster_to_be_stored(
    pack: Pack, outline: gpd.GeoDataFrame, said: RasterIntake, *, name: str, original: Original
) -> StoredLayer:
    """Return the layer as a workspace keeps it: its border, how it is read, and its own file.

    The cells stay in the file, which is kept byte for byte. What the pack's layer was drawn to
    does not bind the data that replace it.
    """
    spec = pack.catalogue.layers[said.layer].model_copy(
        update={
            **own_facts(said.source, said.accuracy_m, name=name, sha256=original.sha256),
            "part": str(said.band),
        }
    )
    return StoredLayer(
        spec=spec,
        frame=outline.assign(band=said.band),
        intake=said.model_dump(mode="json"),
        original=original,
    )


def own_raster(
    workspace: Workspace, stored: StoredLayer, version: int, reader: Reader
) -> RasterLayer:
    """Read a raster that a workspace keeps, in the process for such files.

    Raises InputError where the workspace does not say how, or the file cannot be read any more.
    """
    spec: LayerSpec = stored.spec
    try:
        said = RasterIntake.model_validate(stored.intake)
    except ValidationError as error:
        message = "the workspace does not say how this raster is read; bring the file in again"
        zh = "工作区没有记下该栅格的读法；请重新载入文件"
        raise InputError([Problem(spec.where, "", "raster", message, zh=zh)]) from error
    with tempfile.TemporaryDirectory(prefix="planmap-") as folder:
        path = Path(folder) / "cells"
        workspace.write_original(spec.id, path, version=version)
        grid = reader.grid(path, spec.where, said.band)
    grid = replace(grid, crs=said.declared.crs, accuracy_m=spec.accuracy_m)
    return RasterLayer(spec, grid, spec.sha256)


def _cell_m(grid: Grid, metric_crs: str) -> tuple[float, float]:
    """The sides of the cell in the middle, in metres."""
    rows, columns = grid.values.shape
    column, row = columns // 2, rows // 2
    corners = np.array([(column, row), (column + 1, row), (column, row + 1)], dtype=np.float64)
    a, b, c, d, e, f = grid.transform
    x = a * corners[:, 0] + b * corners[:, 1] + c
    y = d * corners[:, 0] + e * corners[:, 1] + f
    change = Transformer.from_crs(CRS.from_user_input(grid.crs), metric_crs, always_xy=True)
    east, north = change.transform(x, y)
    along = np.hypot(east[1:] - east[0], north[1:] - north[0])
    return float(along[0]), float(along[1])


def _covered(grid: Grid, area: BaseGeometry, metric_crs: str) -> float:
    """The share of places on a lattice in the area that lie in cells with data."""
    west, south, east, north = area.bounds
    step = np.sqrt((east - west) * (north - south) / _LOOKED_AT)
    x, y = np.meshgrid(
        np.arange(west + step / 2, east, step), np.arange(south + step / 2, north, step)
    )
    shapely.prepare(area)
    inside = shapely.contains_xy(area, x, y)
    change = Transformer.from_crs(metric_crs, CRS.from_user_input(grid.crs), always_xy=True)
    places = np.column_stack(change.transform(x[inside], y[inside]))
    a, b, c, d, e, f = grid.transform
    back = np.linalg.inv(np.array([[a, b], [d, e]]))
    cells = (places - np.array([c, f])) @ back.T
    rows, columns = grid.values.shape
    within = (
        np.isfinite(cells).all(axis=1)
        & (cells >= 0).all(axis=1)
        & (cells < np.array([columns, rows])).all(axis=1)
    )
    column, row = np.floor(cells[within]).astype(np.int64).T
    return float(np.count_nonzero(grid.valid[row, column]) / max(1, int(inside.sum())))


def _metres(length_m: float) -> str:
    """A length to three digits.

    >>> _metres(2.0), _metres(1000.04), _metres(86.4567)
    ('2', '1,000', '86.5')
    """
    return f"{float(f'{length_m:.3g}'):,g}"


def _percent(share: float) -> str:
    """A share in per cent; what is there is never 0 %.

    >>> _percent(0.3146), _percent(0.0001), _percent(1.0), _percent(0)
    ('31.5%', '<0.1%', '100%', '0%')
    """
    if share <= 0:
        return "0%"
    return f"{share:.1%}".replace("100.0%", "100%") if share >= 0.001 else "<0.1%"  # noqa: PLR2004
