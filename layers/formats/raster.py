"""GeoTIFF: land-cover classes as polygons, amounts such as people as squares, or all as a grid."""

import math
import warnings
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError, RasterioIOError
from rasterio.features import shapes

from layers.formats.found import Choice, Part, Raw, SourceField
from layers.grid import Grid
from layers.limits import Limits
from layers.problem import InputError, Problem

_STRIP = 256
MOST_CLASSES = 64
"""A raster with more different values than this is an amount, not a table of classes."""
_CORNERS = np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)], dtype=np.float64)
# Nothing beside the file is looked at: no .aux.xml, .ovr, .msk, world file or folder listing.
_ALONE = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_GEOREF_SOURCES": "INTERNAL",
    "GDAL_NUM_THREADS": "1",
}


@dataclass(frozen=True, slots=True)
class _Grid:
    """One band: its values (integers where all are whole), which are data, and where it lies."""

    values: NDArray[Any]
    valid: NDArray[np.bool_]
    transform: Affine
    crs: str
    bands: int


def inspect(path: Path, where: str, limits: Limits) -> tuple[Part, ...]:
    """Say what a GeoTIFF holds: its CRS, extent, number of cells, and its classes where few.

    `count` is the number of bands. `values` are those of the first band, where at most 64
    different whole numbers stand in it; then it can be read as classes. `bounds` are of the whole
    grid, data or not. It may have as many cells as a raster layer. Raises InputError where the file
    is no GeoTIFF, has too many cells, or does not say where it lies.
    """
    grid = _grid(path, where, limits, band=1, most=limits.grid_pixels)
    found = _different(grid)
    height, width = grid.values.shape
    outline = np.array([(0, 0), (width, 0), (0, height), (width, height)])
    places = _coordinates(outline, grid.transform)
    (west, south), (east, north) = places.min(axis=0), places.max(axis=0)
    field = SourceField(
        name="value",
        kind="number",
        samples=tuple(f"{float(value):g}" for value in found[:5]),
        missing=int((~grid.valid).sum()),
    )
    part = Part(
        name=Path(where).stem,
        kind="raster",
        geometry="polygon",
        count=grid.bands,
        fields=(field,),
        crs=grid.crs,
        bounds=(float(west), float(south), float(east), float(north)),
        values=tuple(float(value) for value in found) if _are_classes(found) else (),
        pixels=(width, height),
    )
    return (part,)


def read(path: Path, where: str, choice: Choice, limits: Limits) -> Raw:
    """Turn a band's cells into polygons with a column `value`.

    As "classes", cells of equal value that share an edge become one polygon; cells without data
    become nothing, so the areas add up to the cells with data. As "cells", each cell becomes a
    square of its own with its amount; cells without data or with the amount 0 become nothing, and
    the amounts add up to the raster's. Scale and offset that the file names are applied. A
    rotated or a south-up grid lies where the file says. Raises InputError as `inspect` does, for
    a band that is not there, and where there would be more polygons or vertices than the limits
    allow.
    """
    grid = _grid(path, where, limits, band=choice.band)
    amounts = choice.raster == "cells"
    values, polygons = (_cells if amounts else _classes)(grid, where, limits)
    whole = bool(len(values)) and bool(np.all(np.isfinite(values) & (values == np.rint(values))))
    if whole and np.abs(values).max() < 2**53:  # beyond, a float64 is no longer exact
        values = values.astype(np.int64)
    frame = gpd.GeoDataFrame(
        {"value": values},
        geometry=polygons,
        index=pd.RangeIndex(1, len(values) + 1, name="row"),
    )
    problems = () if len(values) else (_empty(where, amounts=amounts),)
    return Raw(frame, grid.crs, problems)


def grid(path: Path, where: str, band: int | None, limits: Limits) -> Grid:
    """Read a band as the cells that it has; the only one where None is asked for.

    Whole numbers come as integers, however they are stored. A raster may have more cells than one
    that becomes polygons: `limits.grid_pixels`. Raises InputError as `inspect` does, where there
    are several bands and none is named, and where no cell has data.
    """
    found = _grid(path, where, limits, band=band, most=limits.grid_pixels)
    if not found.valid.any():
        raise InputError([_empty(where, amounts=False)])
    turn = found.transform
    where_it_lies = (turn.a, turn.b, turn.c, turn.d, turn.e, turn.f)
    return Grid(found.values, found.valid, where_it_lies, found.crs)


def _plain(values: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[Any]:
    """Make integers of decimals that are whole numbers, else float64; cells without data are 0.

    Some rows at a time: a fine raster in three copies would not fit into the memory there is.
    """
    strips = [slice(first, first + _STRIP) for first in range(0, len(values), _STRIP)]
    low = high = 0.0
    for rows in strips:
        known = np.where(valid[rows], values[rows], 0)
        low, high = min(low, float(known.min())), max(high, float(known.max()))
        if max(-low, high) > np.iinfo(np.int32).max or not (known == np.rint(known)).all():
            return values.astype(np.float64)
    kind = np.result_type(np.min_scalar_type(int(low)), np.min_scalar_type(int(high)))
    whole = np.empty(values.shape, dtype=kind)
    for rows in strips:
        whole[rows] = np.where(valid[rows], values[rows], 0)
    return whole


def _grid(
    path: Path, where: str, limits: Limits, band: int | None, most: int | None = None
) -> _Grid:
    with _opened(path, where) as source:
        _check_size(source, where, limits.pixels if most is None else most)
        if band is None and source.count > 1:
            raise _error(
                where,
                "band",
                f'the file has {source.count} bands; name one, as in part = "1"',
                f'文件有 {source.count} 个波段；请写明用哪一个，例如 part = "1"',
            )
        band = 1 if band is None else band
        if not 1 <= band <= source.count:
            raise _error(
                where,
                "band",
                f"there is no band {band}; the bands are 1 to {source.count}",
                f"没有第 {band} 波段；可选波段为 1 至 {source.count}",
            )
        transform = source.transform
        if source.gcps[0] or transform.is_identity or not _invertible(transform):
            raise _error(
                where,
                "georeference",
                "the file does not say where its cells lie (a world file beside it is not read);"
                " save it as a GeoTIFF with its georeference inside",
                "文件内没有地理配准信息（旁边的 tfw 坐标文件不读取）；请另存为带坐标信息的 GeoTIFF",
            )
        kind = np.dtype(source.dtypes[band - 1])
        if kind.kind not in "iuf":
            raise _error(
                where,
                "band",
                f"band {band} holds {kind} values; integers or decimals are read",
                f"第 {band} 波段的数值类型为 {kind}；只读取整数或小数",
            )
        values: NDArray[Any] = source.read(band)
        valid = source.read_masks(band) > 0
        scale, offset = source.scales[band - 1], source.offsets[band - 1]
        crs, bands = _crs(source), int(source.count)
    if (scale, offset) != (1.0, 0.0):
        values = values * scale + offset
    if values.dtype.kind == "f":
        valid &= np.isfinite(values)
        values = _plain(values, valid)
    return _Grid(values, valid, transform, crs, bands)


@contextmanager
def _opened(path: Path, where: str) -> Iterator[Any]:
    """Open a file with the GeoTIFF driver and no other; whatever breaks becomes one clear line."""
    try:
        with warnings.catch_warnings(), rasterio.Env(**_ALONE):
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # said in a problem instead
            with rasterio.open(path, driver="GTiff") as source:
                yield source
    except (RasterioIOError, RasterioError, CRSError, ValueError, MemoryError) as error:
        raise _error(
            where,
            "geotiff",
            "it cannot be read as a GeoTIFF, or is damaged; export it once more as a GeoTIFF",
            "无法按 GeoTIFF 读取，或文件已损坏；请重新导出为 GeoTIFF",
        ) from error


def _check_size(source: Any, where: str, most: int) -> None:  # noqa: ANN401 - untyped library
    """Refuse before anything is unpacked; a block may be larger than the whole raster."""
    cells = source.width * source.height
    rows, columns = source.block_shapes[0]
    if max(cells, rows * columns * source.count) > most:
        raise _error(
            where,
            "pixels",
            f"{source.width:,} × {source.height:,} cells in {source.count} bands; at most"
            f" {most:,} are read: cut it to the area, or make the cells larger",
            f"共 {source.width:,} × {source.height:,} 个像元、{source.count} 个波段，上限为"
            f" {most:,} 个像元；请裁剪到规划范围，或降低分辨率",
        )


def _invertible(transform: Affine) -> bool:
    return all(math.isfinite(value) for value in transform) and transform.determinant != 0


def _crs(source: Any) -> str:  # noqa: ANN401 - untyped library
    if source.crs is None:
        return ""
    code = source.crs.to_epsg()
    return f"EPSG:{code}" if code else str(source.crs.to_wkt())


def _different(grid: _Grid) -> NDArray[Any]:
    """The different values of cells with data, in order; of decimals some, where they are many."""
    turn = grid.transform
    where_it_lies = (turn.a, turn.b, turn.c, turn.d, turn.e, turn.f)
    cells = Grid(grid.values, grid.valid, where_it_lies, grid.crs)
    kind = grid.values.dtype
    if cells.is_classes:
        return np.array(cells.classes(), dtype=kind)
    found = np.array([], dtype=kind)
    for _, values, valid in cells.strips():
        found = np.union1d(found, values[valid])
        if len(found) > MOST_CLASSES:
            break
    return found


def _are_classes(found: NDArray[Any]) -> bool:
    return 0 < len(found) <= MOST_CLASSES and bool(np.all(found == np.rint(found)))


def _classes(grid: _Grid, where: str, limits: Limits) -> tuple[NDArray[Any], NDArray[np.object_]]:
    found, codes = _codes(grid.values)
    _check_count(_fewest_polygons(codes, grid.valid), where, limits)
    values: list[int | float] = []
    owners, sizes, corners = array("q"), array("q"), array("d")
    for shape, code in shapes(codes, mask=grid.valid, connectivity=4):
        for ring in shape["coordinates"]:  # the outline, then its holes
            owners.append(len(values))
            sizes.append(len(ring))
            corners.extend(chain.from_iterable(ring))  # columns and rows: whole numbers
        values.append(int(code) if found is None else found[int(code)])
        _check_count(len(values), where, limits)
        _check_vertices(len(corners) // 2, where, limits)
    if not values:
        return np.array([], dtype=grid.values.dtype), np.array([], dtype=object)
    places = _coordinates(np.frombuffer(corners).reshape(-1, 2), grid.transform)
    rings = shapely.linearrings(places, indices=np.repeat(np.arange(len(sizes)), sizes))
    polygons = shapely.polygons(rings, indices=np.frombuffer(owners, dtype=np.int64))
    return np.array(values, dtype=grid.values.dtype), polygons


def _codes(values: NDArray[Any]) -> tuple[NDArray[Any] | None, NDArray[np.int32]]:
    """Numbers that stand for the values, and the values that they stand for; None: themselves.

    Drawing takes whole numbers of 32 bits; sorting millions of those would take seconds.
    """
    if values.dtype.kind in "iu" and np.can_cast(values.dtype, np.int32):
        return None, values.astype(np.int32)
    found, inverse = np.unique(values, return_inverse=True)
    return found, inverse.reshape(values.shape).astype(np.int32)


def _fewest_polygons(codes: NDArray[np.int32], valid: NDArray[np.bool_]) -> int:
    """A number of polygons that there are at least, without drawing any.

    Cells, less the edges between equal neighbours, plus the corners among four equal cells, is
    the number of polygons less their holes (Euler): noise of millions of cells is refused before
    it fills the memory.

    >>> _fewest_polygons(np.array([[1, 1, 2], [1, 1, 3]]), np.ones((2, 3), dtype=bool))
    3
    """
    across = (codes[:, 1:] == codes[:, :-1]) & valid[:, 1:] & valid[:, :-1]
    down = (codes[1:] == codes[:-1]) & valid[1:] & valid[:-1]
    corners = across[1:] & across[:-1] & down[:, 1:]
    return int(valid.sum()) - int(across.sum()) - int(down.sum()) + int(corners.sum())


def _cells(grid: _Grid, where: str, limits: Limits) -> tuple[NDArray[Any], NDArray[np.object_]]:
    rows, columns = np.nonzero(grid.valid & (grid.values != 0))
    _check_count(len(rows), where, limits)
    _check_vertices(len(rows) * len(_CORNERS), where, limits)
    corners = np.stack([columns, rows], axis=1)[:, None, :] + _CORNERS[None, :, :]
    places = _coordinates(corners.reshape(-1, 2), grid.transform).reshape(corners.shape)
    return grid.values[rows, columns], shapely.polygons(places)


def _coordinates(corners: NDArray[Any], transform: Affine) -> NDArray[np.float64]:
    """Columns and rows (n × 2) as the file's coordinates."""
    columns, rows = corners[:, 0], corners[:, 1]
    east = transform.a * columns + transform.b * rows + transform.c
    north = transform.d * columns + transform.e * rows + transform.f
    return np.column_stack([east, north])


def _check_count(count: int, where: str, limits: Limits) -> None:
    if count > limits.features:
        raise _error(
            where,
            "features",
            f"the raster would become more than {limits.features:,} polygons; cut it to the area,"
            " make its cells larger, or (land cover) remove the smallest patches",
            f"转换后的面超过上限 {limits.features:,} 个；请裁剪到规划范围、降低分辨率，"
            "或先归并细碎图斑",
        )


def _check_vertices(count: int, where: str, limits: Limits) -> None:
    if count > limits.vertices:
        raise _error(
            where,
            "vertices",
            f"the raster's polygons would have more than {limits.vertices:,} vertices; cut it to"
            " the area or make its cells larger",
            f"转换后的节点数超过上限 {limits.vertices:,} 个；请裁剪到规划范围或降低分辨率",
        )


def _empty(where: str, *, amounts: bool) -> Problem:
    what, zh = ("data other than 0", "非零数值") if amounts else ("data", "有效数值")
    message = f"no cell has {what}; look at its nodata value, or choose another band or file"
    zh = f"没有任何像元含{zh}；请核对无数据值，或改选波段、文件"
    return Problem(where, "", "empty", message, zh=zh)


def _error(where: str, rule: str, message: str, zh: str) -> InputError:
    return InputError([Problem(where, "", rule, message, zh=zh)])
