"""The one door through which files come in: a pack's folder becomes frames in metres and grids."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from layers.basis import Basis, weakest
from layers.catalogue import (
    CATALOGUE_FILE,
    STANDARD_COLUMNS,
    Catalogue,
    LayerSpec,
    read_catalogue,
)
from layers.declared import Datum, Declared, to_degrees
from layers.formats.found import Choice, Found, Raw
from layers.formats.keyed import contents_hash, keyed
from layers.geojson import parse_geojson
from layers.grid import Grid
from layers.problem import InputError, Problem
from layers.reader import Reader
from layers.rules import (
    content_problems,
    degree_problems,
    grid_problems,
    place_problems,
    scale_problems,
)
from layers.toml import unknown

_GEOJSON = {".geojson", ".json"}
MOST_JSON_MB = 64.0
_ONE_OF_SEVERAL = {".shp", ".dbf", ".gdb"}
SHIFTED_DATUMS: Mapping[str, Datum] = {"GCJ-02": "gcj02", "BD-09": "bd09"}
"""What a source's `datum` says of coordinates that are shifted, and are moved back on loading."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer's entry and its features.

    `frame` is indexed by feature id (text, sorted) and lies in the pack's metric CRS; it has a
    `basis` and an `accuracy_m` for every feature, the feature's own before the layer's. `sha256`
    is the hash of the file it was read from, `crs` the CRS in which its coordinates stood there,
    empty where they came by another way.
    """

    spec: LayerSpec
    frame: gpd.GeoDataFrame
    sha256: str
    crs: str = ""

    @property
    def size(self) -> int:
        """The number of features."""
        return len(self.frame)

    @property
    def basis(self) -> Basis:
        """The weakest basis among the features."""
        return weakest(self.frame["basis"].unique())


@dataclass(frozen=True, slots=True)
class RasterLayer:
    """A raster layer's entry and its cells.

    `grid` keeps the CRS of the file: cells that are moved are no cells any more. `sha256` is the
    hash of the file it was read from.
    """

    spec: LayerSpec
    grid: Grid
    sha256: str

    @property
    def size(self) -> int:
        """The number of cells."""
        return int(self.grid.values.size)

    @property
    def basis(self) -> Basis:
        """The basis of all its cells."""
        return self.spec.source.basis

    @property
    def crs(self) -> str:
        """The CRS in which the file stands."""
        return self.grid.crs


@dataclass(frozen=True, slots=True)
class Pack:
    """A place: its catalogue, the layers that have a file, and the outline of its area.

    `layers` are those of features, `rasters` those of cells; both are there, and all that walks
    over features need not think of cells. `own` names the layers that a planner has put in place of
    the pack's: nobody else may see them. `unavailable` says of the layers whose database could not
    be read why that is so.
    """

    folder: Path
    catalogue: Catalogue
    layers: Mapping[str, Layer]
    area: BaseGeometry
    own: frozenset[str] = frozenset()
    unavailable: Mapping[str, Problem] = field(default_factory=dict)
    rasters: Mapping[str, RasterLayer] = field(default_factory=dict)

    def delivered(self, layer_id: str) -> Layer | RasterLayer | None:
        """A layer of either kind by its id, None where nobody has delivered it."""
        return self.layers.get(layer_id) or self.rasters.get(layer_id)

    @property
    def sha256(self) -> str:
        """Hash over the catalogue file and all layer files: equal packs have equal hashes."""
        digest = hashlib.sha256((self.folder / CATALOGUE_FILE).read_bytes())
        hashes = {id_: layer.sha256 for id_, layer in self.layers.items()}
        hashes |= {id_: raster.sha256 for id_, raster in self.rasters.items()}
        for layer_id, sha256 in sorted(hashes.items()):
            digest.update(f"{layer_id}:{sha256}".encode())
        return digest.hexdigest()

    def with_layers(self, own: Iterable[Layer | RasterLayer]) -> "Pack":
        """Return the pack with a planner's layers in place of its own, or beside them.

        Drawing order stays; a layer that the catalogue does not know comes last. Raises
        InputError where cells would stand in place of features, or features in place of cells.
        """
        mine = {layer.spec.id: layer for layer in own}
        problems = [
            problem for layer in mine.values() for problem in _other_kind(self.catalogue, layer)
        ]
        if problems:
            raise InputError(problems)
        features = {id_: one for id_, one in mine.items() if isinstance(one, Layer)}
        cells = {id_: one for id_, one in mine.items() if isinstance(one, RasterLayer)}
        layers, rasters = {**self.layers, **features}, {**self.rasters, **cells}
        specs = {**self.catalogue.layers, **{id_: layer.spec for id_, layer in mine.items()}}
        area = self.catalogue.pack.area
        return replace(
            self,
            catalogue=self.catalogue.model_copy(update={"layers": specs}),
            layers={id_: layers[id_] for id_ in specs if id_ in layers},
            area=features[area].frame.geometry.union_all() if area in features else self.area,
            own=frozenset(mine),
            unavailable={id_: why for id_, why in self.unavailable.items() if id_ not in mine},
            rasters={id_: rasters[id_] for id_ in specs if id_ in rasters},
        )


def _other_kind(catalogue: Catalogue, own: Layer | RasterLayer) -> Iterator[Problem]:
    """Find a layer of the other kind than the pack's, as of a workspace made for another pack."""
    known = catalogue.layers.get(own.spec.id)
    if known is None or (known.geometry == "raster") == isinstance(own, RasterLayer):
        return
    if known.geometry == "raster":
        message = "the workspace has features here, the pack wants a raster; remove the layer"
        zh = "工作区里是要素，数据包要的是栅格；请移除该图层"
    else:
        message = f"the workspace has a raster here, the pack wants {known.geometry} features"
        zh = "工作区里是栅格，数据包要的是要素；请移除该图层"
    yield Problem(own.spec.where, "", "geometry", message, zh=zh)


def read_original(path: Path) -> bytes:
    """Read a planner's file as it is, to be kept with the layer that was made of it."""
    return path.read_bytes()


def write_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file piece by piece: all of it at once need not fit into memory."""
    with path.open("wb") as file:
        file.writelines(pieces)


def file_sha256(path: Path) -> str:
    """Hash of a file as it lies on the disk."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_json(path: Path, *, most_mb: float = MOST_JSON_MB) -> object:
    """Read a JSON file that may be anyone's.

    Raises InputError where it is not there, too large, not UTF-8, or not the JSON that every
    program reads: NaN, and half a character written as an escape, are not.
    """
    try:
        size_mb = path.stat().st_size / 1e6
        if size_mb > most_mb:
            message = f"it has {size_mb:,.0f} MB; {most_mb:,.0f} are allowed"
            zh = f"文件有 {size_mb:,.0f} MB，上限为 {most_mb:,.0f} MB"
            raise InputError([Problem(path.name, "", "limit", message, zh=zh)])
        text = path.read_bytes().decode("utf-8-sig")
        data: object = json.loads(text, parse_constant=_no_constant)
        json.dumps(data, ensure_ascii=False).encode()
    except OSError as error:
        message = f"cannot be read: {error.strerror}; give a path to a file"
        zh = f"无法读取：{error.strerror}；请给出文件路径"
        raise InputError([Problem(path.name, "", "file", message, zh=zh)]) from error
    except UnicodeError as error:
        message, zh = "not text in UTF-8; save it as UTF-8", "不是 UTF-8 文本；请另存为 UTF-8"
        raise InputError([Problem(path.name, "", "encoding", message, zh=zh)]) from error
    except (ValueError, RecursionError) as error:
        problem = Problem(path.name, "", "json", f"not valid JSON: {error}", zh=_not_json(error))
        raise InputError([problem]) from error
    return data


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no number of JSON")


def _not_json(error: Exception) -> str:
    line = getattr(error, "lineno", None)
    return "不是有效的 JSON" + ("" if line is None else f"，第 {line} 行有误")


def gdal_version() -> str:
    """Version of the GDAL by which files of other formats than GeoJSON are read."""
    import pyogrio  # noqa: PLC0415 - heavy, and reading goes on in a process of its own

    return str(pyogrio.__gdal_version_string__)


def load_pack(folder: Path) -> Pack:
    """Read and validate a pack; everything comes back in its metric CRS.

    A layer whose database cannot be read now is left out and stands under `unavailable`.

    Raises InputError that holds the problems of all files at once: missing or broken files,
    wrong hashes, double or missing ids, null, invalid or misplaced geometry, wrong values.
    """
    folder = Path(folder)
    catalogue = read_catalogue(folder)
    layers, rasters, problems = _load_files(catalogue, folder)
    tables, unavailable, found = _load_databases(catalogue)
    problems += found
    layers |= tables
    layers = {id_: layers[id_] for id_ in catalogue.layers if id_ in layers}  # in drawing order
    area_layer = layers.get(catalogue.pack.area)
    if area_layer is not None:
        area = area_layer.frame.geometry.union_all()
        where = f"{CATALOGUE_FILE} [pack].metric_crs"
        problems += scale_problems(area, catalogue.pack.metric_crs, where)
        problems += _misplaced(catalogue, layers, rasters, area)
    if problems or area_layer is None:
        raise InputError(problems)
    return Pack(folder, catalogue, layers, area, unavailable=unavailable, rasters=rasters)


def _load_files(
    catalogue: Catalogue, folder: Path
) -> tuple[dict[str, Layer], dict[str, RasterLayer], list[Problem]]:
    """Read the layers that stand in files: of features, of cells, and what is wrong."""
    layers: dict[str, Layer] = {}
    rasters: dict[str, RasterLayer] = {}
    problems: list[Problem] = []
    with Reader(catalogue.pack.limits) as reader:
        for spec in catalogue.layers.values():
            if not spec.file:
                continue
            if spec.geometry == "raster":
                raster, found = _load_raster(spec, folder, reader)
                if raster is not None:
                    rasters[spec.id] = raster
            else:
                layer, found = _load_layer(spec, folder, catalogue.pack.metric_crs, reader)
                if layer is not None:
                    layers[spec.id] = layer
            problems += found
    return layers, rasters, problems


def _misplaced(
    catalogue: Catalogue,
    layers: Mapping[str, Layer],
    rasters: Mapping[str, RasterLayer],
    area: BaseGeometry,
) -> Iterator[Problem]:
    for layer in layers.values():
        margin_m = layer.spec.margin_m
        if margin_m is None:
            margin_m = catalogue.pack.margin_m
        yield from place_problems(layer.frame, area, margin_m, layer.spec.where)
    for raster in rasters.values():
        metric_crs = catalogue.pack.metric_crs
        yield from grid_problems(raster.grid, area, metric_crs, raster.spec.where)


def _load_layer(
    spec: LayerSpec, folder: Path, metric_crs: str, reader: Reader
) -> tuple[Layer | None, list[Problem]]:
    where = spec.file
    path = folder / spec.file
    if path.suffix.lower() in _ONE_OF_SEVERAL:
        message = (
            f"'{path.suffix}' is one of several files that belong together;"
            " zip them and name the .zip"
        )
        return None, [Problem(where, "", "format", message)]
    try:
        content, sha256 = _content(spec, path)
    except InputError as error:
        return None, list(error.problems)
    if path.suffix.lower() in _GEOJSON:
        if spec.part:
            message = "a GeoJSON file has one part; leave the key 'part' out"
            return None, [Problem(f"{CATALOGUE_FILE} [{spec.id}].part", "", "part", message)]
        frame, problems = parse_geojson(content, key=spec.key, where=where)
    else:
        frame, problems = _read_other(spec, path, reader)
    if frame is None:
        return None, problems
    return _checked(spec, frame, problems, sha256=sha256, metric_crs=metric_crs)


def _content(spec: LayerSpec, path: Path) -> tuple[bytes, str]:
    """Read a layer's file with its hash, which has to be the one on record."""
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"cannot be read: {error.strerror}; {CATALOGUE_FILE} [{spec.id}].file names it"
        raise InputError([Problem(spec.file, "", "file", message)]) from error
    sha256 = hashlib.sha256(content).hexdigest()
    if spec.sha256 and sha256 != spec.sha256:
        message = f"the file's SHA-256 is {sha256}, {CATALOGUE_FILE} records {spec.sha256}"
        raise InputError([Problem(spec.file, "", "hash", message)])
    return content, sha256


def _load_raster(
    spec: LayerSpec, folder: Path, reader: Reader
) -> tuple[RasterLayer | None, list[Problem]]:
    """Read a raster layer's band, in the process for such files, in the CRS of the file.

    Cells cannot be moved one by one: a file whose datum is a shifted one is refused.
    """
    where, path = spec.file, folder / spec.file
    if spec.source.datum in SHIFTED_DATUMS:
        message = (
            f"the datum is {spec.source.datum}, and cells cannot be moved back one by one;"
            " ask for the raster in WGS 84 or CGCS2000"
        )
        return None, [Problem(f"{CATALOGUE_FILE} [{spec.id}].source.datum", "", "datum", message)]
    try:
        _, sha256 = _content(spec, path)
        grid = reader.grid(path, where, int(spec.part) if spec.part else None)
    except InputError as error:
        return None, list(error.problems)
    if not grid.crs:
        message = "the file names no CRS; save it once more with its CRS, as in 'EPSG:4548'"
        return None, [Problem(where, "", "crs", message)]
    # What is invented stands for nothing that could lie elsewhere.
    accuracy_m = 0.0 if spec.source.basis == "synthetic" else spec.accuracy_m
    return RasterLayer(spec, replace(grid, accuracy_m=accuracy_m), sha256), []


def _read_other(
    spec: LayerSpec, path: Path, reader: Reader
) -> tuple[gpd.GeoDataFrame | None, list[Problem]]:
    """Read a file of another format than GeoJSON, in the process for such files; without heights.

    Of a file with several parts the entry names one. The file has to say in which CRS it is.
    """
    where = spec.file
    try:
        found = reader.inspect(path, where)
        raw = reader.read(path, where, _choice(spec, found))
    except InputError as error:
        return None, list(error.problems)
    frame, problems = keyed(raw, key=spec.key, where=where)
    if frame is None:
        return None, problems
    return frame.set_geometry(shapely.force_2d(frame.geometry.to_numpy()), crs=frame.crs), problems


def _choice(spec: LayerSpec, found: Found) -> Choice:
    parts = {part.name: part for part in found.parts}
    name = spec.part or (found.parts[0].name if len(parts) == 1 else "")
    if name not in parts:
        where = f"{CATALOGUE_FILE} [{spec.id}].part"
        message = unknown("part", name, list(parts))
        if not name:
            names = ", ".join(f"'{part}'" for part in parts)
            message = f"missing key 'part'; the file has the parts {names}"
        raise InputError([Problem(where, "", "part", message)])
    part = parts[name]
    return Choice(part=name, x=part.x, y=part.y, wkt=part.wkt)


def _checked(
    spec: LayerSpec,
    frame: gpd.GeoDataFrame,
    problems: list[Problem],
    *,
    sha256: str,
    metric_crs: str,
) -> tuple[Layer | None, list[Problem]]:
    """Make a layer of features by id, in the CRS in which they came, if nothing is wrong."""
    where = spec.where
    if not (problems and frame.empty):  # features without ids are not the same as none
        problems += content_problems(spec, frame, where)
    if not problems and frame.crs.is_geographic:
        problems += degree_problems(frame, where)
    if problems:
        return None, problems
    if spec.key not in STANDARD_COLUMNS:
        frame = frame.drop(columns=spec.key, errors="ignore")
    crs = str(frame.crs.to_string())
    try:
        frame = _moved_back(spec, frame).to_crs(metric_crs).sort_index()
    except InputError as error:
        return None, list(error.problems)
    frame = frame.assign(
        basis=_own_or(frame, "basis", spec.source.basis),
        accuracy_m=_own_or(frame, "accuracy_m", spec.accuracy_m),
    )
    return Layer(spec, frame, sha256, crs), []


def _moved_back(spec: LayerSpec, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Put features to their true places where the entry says that their datum is a shifted one."""
    datum = SHIFTED_DATUMS.get(spec.source.datum)
    if datum is None:
        return frame
    declared = Declared(crs=frame.crs.to_wkt(), datum=datum)
    numbers = frame.geometry.set_crs(None, allow_override=True)
    return frame.set_geometry(to_degrees(numbers, declared, where=spec.where))


def _own_or(frame: gpd.GeoDataFrame, column: str, default: str | float) -> pd.Series:
    if column not in frame:
        return pd.Series(default, index=frame.index)
    own: pd.Series = frame[column].where(frame[column].notna(), default)
    return own


def _load_databases(
    catalogue: Catalogue,
) -> tuple[dict[str, Layer], dict[str, Problem], list[Problem]]:
    """Read the layers that stand in databases: layers, those that are away, what is wrong.

    A database that does not answer is asked once, however many layers stand in it.
    """
    layers: dict[str, Layer] = {}
    away: dict[str, Problem] = {}
    problems: list[Problem] = []
    silent: dict[str, Problem] = {}
    for spec in catalogue.layers.values():
        if spec.postgis is None:
            continue
        # Not before it is needed: it loads libpq.
        from layers.formats.postgis import UnavailableError, read_postgis  # noqa: PLC0415

        name, where, limits = spec.postgis.connection, spec.where, catalogue.pack.limits
        if name in silent:
            away[spec.id] = replace(silent[name], layer=where)
            continue
        try:
            raw = read_postgis(spec.postgis, key=spec.key, limits=limits, where=where)
        except UnavailableError as error:
            away[spec.id] = error.problem
            if not error.reached:
                silent[name] = error.problem
            continue
        except InputError as error:
            problems += error.problems
            continue
        layer, found = _load_rows(spec, raw, catalogue.pack.metric_crs)
        problems += found
        if layer is not None:
            layers[spec.id] = layer
    return layers, away, problems


def _load_rows(spec: LayerSpec, raw: Raw, metric_crs: str) -> tuple[Layer | None, list[Problem]]:
    frame, problems = keyed(raw, key=spec.key, where=spec.where)
    if frame is None:
        return None, problems
    return _checked(spec, frame, problems, sha256=contents_hash(raw), metric_crs=metric_crs)
