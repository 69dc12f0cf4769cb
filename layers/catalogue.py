"""What `layers.toml` says: the pack and one entry per layer, as frozen models."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pyproj import CRS
from pyproj.exceptions import CRSError

from layers.basis import Basis
from layers.limits import Limits
from layers.problem import InputError, Problem
from layers.text import Entry, Text
from layers.toml import parse, read_toml, unknown

CATALOGUE_FILE = "layers.toml"

GeometryKind = Literal["point", "line", "polygon", "raster"]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
Share = Annotated[float, Field(ge=0, le=1)]

STANDARD_COLUMNS: Mapping[str, Text] = {
    "name": Text(zh="名称", en="Name"),
    "cite": Text(zh="规划出处", en="Place in the plan"),
    "basis": Text(zh="数据依据", en="Basis"),
    "accuracy_m": Text(zh="位置精度（米）", en="Accuracy (m)"),
    "source": Text(zh="来源", en="Source"),
}
"""Columns that every layer may have without declaring them; `X_en` is the English value of `X`."""


class Source(Entry):
    """Where a data set came from, and what may be done with it."""

    name: Text
    url: str = ""
    date: str = ""
    licence: str = ""
    datum: str = ""
    basis: Basis


class Column(Entry):
    """A fact that the features of a layer carry; `localised` says that `X_en` stands beside `X`."""

    title: Text
    kind: Literal["text", "number"] = "text"
    unit: str = ""
    localised: bool = False


class StyleClass(Entry):
    """The look of the features whose classifying column has one of these values."""

    value: str
    title: Text
    fill: Colour | None = None
    line: Colour | None = None
    width: Annotated[float, Field(gt=0)] | None = None
    dash: str | None = None
    radius: Annotated[float, Field(gt=0)] | None = None


class Style(Entry):
    """How a layer is drawn, on the screen and in the exported map alike; sizes in pixels."""

    fill: Colour = "#8a9a94"
    fill_opacity: Share = 0.4
    line: Colour = "#4a5a55"
    width: Annotated[float, Field(ge=0)] = 1.0
    dash: str = ""
    radius: Annotated[float, Field(gt=0)] = 4.0
    hatch: bool = False
    label: str = ""
    label_min_zoom: int = 11
    visible: bool = False
    by: str = ""
    classes: tuple[StyleClass, ...] = ()


class Postgis(Entry):
    """Where the rows of a layer stand in a PostGIS database.

    `connection` names the environment variable that holds the address (a libpq URL or a list of
    keywords): an address has a password in it, which belongs into no file. Either `table`
    (`parcels` or `planning.parcels`) or `query`, one SELECT, says which rows; `geometry` is the
    column with their geometry. Connecting may take `timeout_s`, and so may reading.
    """

    connection: str
    table: str = ""
    query: str = ""
    geometry: str = "geom"
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 10


class LayerSpec(Entry):
    """One entry of the catalogue.

    `file` is empty where the rows stand in a database, which `postgis` then names, and where the
    plan asks for a layer that nobody has delivered yet: such an entry is shown as missing, and a
    check that needs it is undetermined. `part` names the layer or sheet of a file that holds
    several, for a raster layer the number of the band. `geometry` is "raster" where the file is a
    GeoTIFF that is kept as cells: measured, and not drawn on the map. `sha256` is recorded where
    the file came from outside, and then checked. `key` is the property that holds the features'
    ids; empty, the ids are made from the features' contents, for files that carry none. `context`
    says that the map names this layer's feature when it tells where a point lies, `search` that its
    features are found by name. `drawn_to` names the checks whose target figure the geometry was
    drawn to meet, and which it therefore cannot decide.
    """

    id: str
    title: Text
    note: Text = Text(zh="", en="")
    file: str = ""
    part: str = ""
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    postgis: Postgis | None = None
    geometry: GeometryKind
    key: str = "id"
    columns: Mapping[str, Column] = {}
    group: str
    source: Source
    accuracy_m: Annotated[float, Field(ge=0)]
    margin_m: Annotated[float, Field(ge=0)] | None = None
    drawn_to: tuple[str, ...] = ()
    context: bool = False
    search: bool = True
    style: Style = Style()

    @field_validator("file")
    @classmethod
    def _stays_in_the_pack(cls, file: str) -> str:
        if re.match(r"^([/\\]|[A-Za-z]:)", file) or ".." in re.split(r"[/\\]", file):
            raise ValueError("must be a file inside the pack's folder, e.g. 'streets.geojson'")
        return file

    @property
    def where(self) -> str:
        """What a problem with its rows names: the file, or the entry that names the database."""
        return self.file or f"{CATALOGUE_FILE} [{self.id}].postgis"

    def title_of(self, column: str) -> Text:
        """Title of a column for people: the entry's own, a standard one, or the bare name."""
        if column in self.columns:
            return self.columns[column].title
        return STANDARD_COLUMNS.get(column, Text(zh=column, en=column))


class Preset(Entry):
    """Layers that are shown together, for one of the questions that bring people to the map."""

    title: Text
    layers: tuple[str, ...]


class PackSpec(Entry):
    """The `[pack]` table: what holds for all layers.

    `metric_crs` names the projected CRS, in metres, in which everything is measured. `area` is
    the id of the layer that bounds the place; a feature may lie `margin_m` outside it. `limits`
    says how large a file may be that a planner brings in.
    """

    title: Text
    metric_crs: str
    area: str
    margin_m: Annotated[float, Field(ge=0)] = 1.0
    groups: Mapping[str, Text]
    sources: Mapping[str, Source] = {}
    presets: Mapping[str, Preset] = {}
    limits: Limits = Limits()


class Catalogue(Entry):
    """The whole of `layers.toml`; layers in drawing order, lowest first."""

    pack: PackSpec
    layers: Mapping[str, LayerSpec]


def read_catalogue(folder: Path) -> Catalogue:
    """Read a pack's `layers.toml`.

    An entry's `source` is a table of its own or the name of one under `[pack.sources]`.

    Raises InputError with every mistake in the file: unknown keys, wrong values, a CRS that does
    not exist or is not in metres, an area or group that no entry defines.
    """
    data = read_toml(folder / CATALOGUE_FILE)
    pack_data = data.pop("pack", None)
    if not isinstance(pack_data, dict):
        message = "the table is missing; it holds title, metric_crs, area and groups"
        raise InputError([Problem(f"{CATALOGUE_FILE} [pack]", "", "key", message)])
    pack, problems = parse(PackSpec, pack_data, f"{CATALOGUE_FILE} [pack]")
    layers: dict[str, LayerSpec] = {}
    sources = pack_data.get("sources")
    shared = sources if isinstance(sources, dict) else {}
    for layer_id, entry in data.items():
        layer, found = _read_entry(layer_id, entry, shared)
        problems += found
        if layer is not None:
            layers[layer_id] = layer
    if pack is None or problems:
        raise InputError(problems)
    catalogue = Catalogue(pack=pack, layers=layers)
    problems = [
        *_pack_problems(catalogue),
        *_preset_problems(catalogue),
        *_layer_problems(catalogue),
    ]
    if problems:
        raise InputError(problems)
    return catalogue


def _read_entry(
    layer_id: str, entry: object, sources: Mapping[str, object]
) -> tuple[LayerSpec | None, list[Problem]]:
    where = f"{CATALOGUE_FILE} [{layer_id}]"
    if not isinstance(entry, dict):
        return None, [Problem(where, "", "value", f"{entry!r} is not a table with title, file …")]
    if "id" in entry:
        return None, [Problem(where, "", "key", "unknown key 'id'; the table's name is the id")]
    if not isinstance(entry.get("postgis", {}), dict):
        # Not shown: whoever writes an address here has written a password.
        message = 'not a table; write postgis = { connection = "PLANMAP_PG_…", table = "…" }'
        return None, [Problem(f"{where}.postgis", "", "value", message)]
    source = entry.get("source")
    if isinstance(source, str):
        if source not in sources:
            message = unknown("source", source, list(sources))
            return None, [Problem(f"{where}.source", "", "source", message)]
        layer, problems = parse(
            LayerSpec, {**entry, "source": sources[source], "id": layer_id}, where
        )
        # What is wrong with a shared source is said once, where it stands.
        own = [problem for problem in problems if not problem.layer.startswith(f"{where}.source")]
        return layer, own
    return parse(LayerSpec, {**entry, "id": layer_id}, where)


def _pack_problems(catalogue: Catalogue) -> Iterator[Problem]:
    pack, where = catalogue.pack, f"{CATALOGUE_FILE} [pack]"
    try:
        crs = CRS.from_user_input(pack.metric_crs)
    except CRSError:
        message = f"unknown CRS '{pack.metric_crs}'; name one as in 'EPSG:4548'"
        yield Problem(f"{where}.metric_crs", "", "crs", message)
    else:
        if not crs.is_projected or {axis.unit_name for axis in crs.axis_info} != {"metre"}:
            message = (
                f"'{pack.metric_crs}' ({crs.name}) is not a projected CRS in metres;"
                " name one as in 'EPSG:4548'"
            )
            yield Problem(f"{where}.metric_crs", "", "crs", message)
    if pack.area not in catalogue.layers:
        message = unknown("layer", pack.area, list(catalogue.layers))
        yield Problem(f"{where}.area", "", "area", message)
    elif catalogue.layers[pack.area].geometry != "polygon":
        message = f"'{pack.area}' is a {catalogue.layers[pack.area].geometry} layer, not polygons"
        yield Problem(f"{where}.area", "", "area", message)
    elif not catalogue.layers[pack.area].file:
        message = f"layer '{pack.area}' has no file; the area that bounds the pack must be there"
        yield Problem(f"{where}.area", "", "area", message)


def _preset_problems(catalogue: Catalogue) -> Iterator[Problem]:
    for name, preset in catalogue.pack.presets.items():
        for layer in preset.layers:
            if layer not in catalogue.layers:
                where = f"{CATALOGUE_FILE} [pack.presets.{name}].layers"
                message = unknown("layer", layer, list(catalogue.layers))
                yield Problem(where, "", "layer", message)
            elif catalogue.layers[layer].geometry == "raster":
                where = f"{CATALOGUE_FILE} [pack.presets.{name}].layers"
                message = f"'{layer}' is a raster layer, which the map does not draw; leave it out"
                yield Problem(where, "", "layer", message)


def _layer_problems(catalogue: Catalogue) -> Iterator[Problem]:
    for layer in catalogue.layers.values():
        where = f"{CATALOGUE_FILE} [{layer.id}]"
        if layer.group not in catalogue.pack.groups:
            message = unknown("group", layer.group, list(catalogue.pack.groups))
            yield Problem(f"{where}.group", "", "group", message)
        known = [layer.key, *layer.columns, *STANDARD_COLUMNS]
        for key in ("label", "by"):
            column = getattr(layer.style, key)
            if column and column not in known:
                yield Problem(
                    f"{where}.style.{key}", "", "column", unknown("column", column, known)
                )
        if layer.postgis is not None:
            yield from _postgis_problems(layer, layer.postgis, f"{where}.postgis")
        if layer.geometry == "raster":
            yield from _raster_problems(layer, where)


def _raster_problems(layer: LayerSpec, where: str) -> Iterator[Problem]:
    if layer.postgis is not None:
        message = "rows of a database are no raster; give the file of a GeoTIFF"
        yield Problem(f"{where}.postgis", "", "postgis", message)
    if layer.columns:
        message = "cells have a value and no columns; leave the table out"
        yield Problem(f"{where}.columns", "", "column", message)
    if layer.part and not (layer.part.isascii() and layer.part.isdigit() and int(layer.part) >= 1):
        message = f"'{layer.part}' is not the number of a band, as in part = \"1\""
        yield Problem(f"{where}.part", "", "part", message)


def _postgis_problems(layer: LayerSpec, postgis: Postgis, where: str) -> Iterator[Problem]:
    """Find what is wrong with a database entry; no value is shown, for it may hold a password."""
    if not re.fullmatch(r"PLANMAP_\w+", postgis.connection, re.ASCII):
        message = (
            "not the name of an environment variable that begins with PLANMAP_; put the address"
            " with its password into such a variable and name that here, as in 'PLANMAP_PG_BUREAU'"
        )
        yield Problem(f"{where}.connection", "", "connection", message)
    if bool(postgis.table) == bool(postgis.query):
        message = "give either table or query, one of the two"
        yield Problem(where, "", "table", message)
    if postgis.table and not re.fullmatch(r"[^.\0]+(\.[^.\0]+)?", postgis.table):
        message = "not a table; name one as in 'parcels' or 'planning.parcels'"
        yield Problem(f"{where}.table", "", "table", message)
    if layer.file:
        message = "the layer has a file as well; give either file or postgis"
        yield Problem(where, "", "file", message)
    if layer.sha256:
        message = "the layer has a sha256; rows of a database change, so leave it out"
        yield Problem(where, "", "hash", message)
