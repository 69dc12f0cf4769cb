"""The one door through which files come in: a pack's folder becomes frames in metres."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd
from shapely.geometry.base import BaseGeometry

from layers.basis import Basis, weakest
from layers.catalogue import (
    CATALOGUE_FILE,
    STANDARD_COLUMNS,
    Catalogue,
    LayerSpec,
    read_catalogue,
)
from layers.geojson import parse_geojson
from layers.problem import InputError, Problem
from layers.rules import content_problems, degree_problems, place_problems, scale_problems


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer's entry and its features.

    `frame` is indexed by feature id (text, sorted) and lies in the pack's metric CRS; it has a
    `basis` and an `accuracy_m` for every feature, the feature's own before the layer's. `sha256`
    is the hash of the file it was read from.
    """

    spec: LayerSpec
    frame: gpd.GeoDataFrame
    sha256: str

    @property
    def basis(self) -> Basis:
        """The weakest basis among the features."""
        return weakest(self.frame["basis"].unique())


@dataclass(frozen=True, slots=True)
class Pack:
    """A place: its catalogue, the layers that have a file, and the outline of its area."""

    folder: Path
    catalogue: Catalogue
    layers: Mapping[str, Layer]
    area: BaseGeometry

    @property
    def sha256(self) -> str:
        """Hash over the catalogue file and all layer files: equal packs have equal hashes."""
        digest = hashlib.sha256((self.folder / CATALOGUE_FILE).read_bytes())
        for layer_id, layer in sorted(self.layers.items()):
            digest.update(f"{layer_id}:{layer.sha256}".encode())
        return digest.hexdigest()


def load_pack(folder: Path) -> Pack:
    """Read and validate a pack; everything comes back in its metric CRS.

    Raises InputError that holds the problems of all files at once: missing or broken files,
    wrong hashes, double or missing ids, null, invalid or misplaced geometry, wrong values.
    """
    folder = Path(folder)
    catalogue = read_catalogue(folder)
    problems: list[Problem] = []
    layers: dict[str, Layer] = {}
    for spec in catalogue.layers.values():
        if spec.file:
            layer, found = _load_layer(spec, folder, catalogue.pack.metric_crs)
            problems += found
            if layer is not None:
                layers[spec.id] = layer
    area_layer = layers.get(catalogue.pack.area)
    if area_layer is not None:
        area = area_layer.frame.geometry.union_all()
        where = f"{CATALOGUE_FILE} [pack].metric_crs"
        problems += scale_problems(area, catalogue.pack.metric_crs, where)
        for layer in layers.values():
            margin_m = layer.spec.margin_m
            if margin_m is None:
                margin_m = catalogue.pack.margin_m
            problems += place_problems(layer.frame, area, margin_m, layer.spec.file)
    if problems or area_layer is None:
        raise InputError(problems)
    return Pack(folder, catalogue, layers, area)


def _load_layer(
    spec: LayerSpec, folder: Path, metric_crs: str
) -> tuple[Layer | None, list[Problem]]:
    where = spec.file
    path = folder / spec.file
    if path.suffix.lower() not in {".geojson", ".json"}:
        message = f"'{path.suffix}' files are not read; convert it to GeoJSON (.geojson)"
        return None, [Problem(where, "", "format", message)]
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"cannot be read: {error.strerror}; {CATALOGUE_FILE} [{spec.id}].file names it"
        return None, [Problem(where, "", "file", message)]
    sha256 = hashlib.sha256(content).hexdigest()
    if spec.sha256 and sha256 != spec.sha256:
        message = f"the file's SHA-256 is {sha256}, {CATALOGUE_FILE} records {spec.sha256}"
        return None, [Problem(where, "", "hash", message)]
    frame, problems = parse_geojson(content, key=spec.key, where=where)
    if frame is None:
        return None, problems
    if not (problems and frame.empty):  # features without ids are not the same as none
        problems += content_problems(spec, frame, where)
    if not problems and frame.crs.is_geographic:
        problems += degree_problems(frame, where)
    if problems:
        return None, problems
    if spec.key not in STANDARD_COLUMNS:
        frame = frame.drop(columns=spec.key, errors="ignore")
    frame = frame.to_crs(metric_crs).sort_index()
    frame = frame.assign(
        basis=_own_or(frame, "basis", spec.source.basis),
        accuracy_m=_own_or(frame, "accuracy_m", spec.accuracy_m),
    )
    return Layer(spec, frame, sha256), []


def _own_or(frame: gpd.GeoDataFrame, column: str, default: str | float) -> pd.Series:
    if column not in frame:
        return pd.Series(default, index=frame.index)
    own: pd.Series = frame[column].where(frame[column].notna(), default)
    return own
