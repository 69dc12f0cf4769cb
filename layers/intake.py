"""From a planner's file to a layer of their own: what they said of it, applied in order."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pydantic import Field
from shapely.geometry.base import BaseGeometry

from layers.catalogue import (
    STANDARD_COLUMNS,
    Column,
    GeometryKind,
    LayerSpec,
    Source,
    Style,
)
from layers.declared import SHIFTED, Declared, to_degrees
from layers.fields import RESERVED_COLUMNS, FieldMap, apply_fields
from layers.formats import Choice, Part, Raw
from layers.gate import DatumFinding
from layers.load import Layer, Pack
from layers.phrases import phrase
from layers.problem import InputError, Problem
from layers.repair import Handling, Mended, mend
from layers.text import Entry, Text
from layers.workspace import Original, StoredLayer
from layers.workspace.records import OWN_PREFIX

OWN_GROUP = "own"
"""Group of the layers that the catalogue does not know."""
OWN_MARGIN_M = 5_000.0
"""Stops just outside the place serve it, too; what lies farther out is reported."""
CELL_COLUMN = "value"
"""Column of what a raster's cells hold, where they are read as areas."""
_LEAST_PART = 1e-4
"""What of a cell lies in the area counts from this share on; less is an error of projection."""
_LONGEST_CODE = 20
MOST_FURTHER_COLUMNS = 60
_REMARK = re.compile(r"\s*[（(][^（(]*[)）]$")
_OWN_HUES = ("#7b5ea7", "#b0578d", "#4f7cac", "#8a7a3d", "#a8623a")


class NewLayer(Entry):
    """A layer that the catalogue does not know: its title and kind of geometry."""

    title: Text
    geometry: GeometryKind


class Intake(Entry):
    """All that was said and chosen to make a layer of a file's part, so that it can be repeated.

    `layer` is the id of the layer that it takes the place of, or the new one's, which `new`
    describes. `geometry` is the kind that the features have where it is not the layer's, as areas
    with residents in place of points. `more` are fields that are kept beside the layer's own
    columns. `insisted` holds the planner's reason where they keep a declared datum against what the
    comparison with trusted layers found.
    """

    layer: str
    new: NewLayer | None = None
    geometry: GeometryKind | None = None
    choice: Choice
    declared: Declared
    fields: FieldMap
    handling: Handling = "repair"
    more: Mapping[str, Column] = {}
    source: Source
    accuracy_m: Annotated[float, Field(ge=0)]
    insisted: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """A layer made of a file, with the log of what was mended and the rows that were left out."""

    layer: Layer
    mended: Mended
    problems: tuple[Problem, ...]

    def log_records(self) -> list[dict[str, Any]]:
        """The log as plain rows, missing amounts None, as a workspace keeps it."""
        records: list[dict[str, Any]] = json.loads(self.mended.log.to_json(orient="records"))
        return records


def place(raw: Raw, declared: Declared, *, name: str) -> gpd.GeoDataFrame:
    """Put the rows where their coordinates say that they lie, in WGS 84 (OGC:CRS84).

    Raises InputError where the declaration does not fit the numbers.
    """
    return raw.frame.set_geometry(to_degrees(raw.frame.geometry, declared, where=name))


def intended_spec(pack: Pack, intake: Intake, *, name: str, sha256: str) -> LayerSpec:
    """Return the entry of the layer as it will be: what is drawn as before, the data's own facts.

    A layer that takes a sketch's place was not drawn to meet a target, whatever the sketch was,
    and the note on how the sketch was made does not hold for it; neither does what the title of an
    invented layer says of that in brackets.
    """
    own = own_facts(intake.source, intake.accuracy_m, name=name, sha256=sha256)
    known = pack.catalogue.layers.get(intake.layer)
    if known is not None and known.geometry == "raster":
        title = known.title
        message = f"'{intake.layer}' is a raster layer; give a GeoTIFF, or features another layer"
        zh = f"“{title.zh}”是栅格图层，须用 GeoTIFF；要素请选别的图层，或另建图层"
        raise InputError([Problem(name, "", "layer", message, zh=zh)])
    if known is not None:
        columns = {c: e for c, e in known.columns.items() if c in intake.fields.columns}
        columns |= intake.more
        geometry = intake.geometry or known.geometry
        title = _without_remark(known.title) if known.source.basis == "synthetic" else known.title
        changes = {"title": title, "columns": columns, "key": "id", "geometry": geometry}
        return known.model_copy(update={**own, **changes})
    if intake.new is None:
        message = f"no layer '{intake.layer}'; give the new layer a title"
        zh = f"没有图层“{intake.layer}”；新图层请填写名称"
        raise InputError([Problem(name, "", "layer", message, zh=zh)])
    spec = LayerSpec(
        id=intake.layer,
        title=intake.new.title,
        geometry=intake.new.geometry,
        group=OWN_GROUP,
        style=_own_style(intake.layer),
        source=intake.source,
        accuracy_m=intake.accuracy_m,
    )
    return spec.model_copy(update={**own, "columns": dict(intake.more)})


def _without_remark(title: Text) -> Text:
    """A title without what stands in brackets at its end.

    >>> _without_remark(Text(zh="居住人口（模拟）", en="Residents (simulated)")).in_("en")
    'Residents'
    """
    return Text(zh=_REMARK.sub("", title.zh) or title.zh, en=_REMARK.sub("", title.en) or title.en)


def own_facts(source: Source, accuracy_m: float, *, name: str, sha256: str) -> Mapping[str, object]:
    """Return what an entry says of a planner's file, whatever stood in its place before."""
    return {
        "file": name,
        "sha256": sha256,
        "postgis": None,
        "source": source,
        "accuracy_m": accuracy_m,
        "margin_m": OWN_MARGIN_M,
        "drawn_to": (),
        "note": Text(zh="", en=""),
    }


def further_columns(spec: LayerSpec, part: Part, fields: FieldMap) -> Mapping[str, Column]:
    """Return the fields of a part that no column of a layer takes, as columns of their own.

    What has the name of a column of the layer, or of one that every layer has, is left out.
    """
    taken = {fields.key, *fields.columns.values()}
    names = {*STANDARD_COLUMNS, *spec.columns, *RESERVED_COLUMNS}
    free = [one for one in part.fields if one.name not in taken and one.name not in names]
    return {
        one.name: Column(
            title=Text(zh=one.name, en=one.name), kind="number" if one.kind == "number" else "text"
        )
        for one in free[:MOST_FURTHER_COLUMNS]
    }


def take_in(pack: Pack, raw: Raw, intake: Intake, *, name: str, sha256: str) -> Taken:
    """Make a layer of the rows of a file: place, map, mend, in this order.

    Of a raster's cells read as amounts those that lie outside the area are left out first; each
    of the others stays whole, also where the border crosses it.

    Raises InputError where the declaration does not fit, where a field does not, or where
    something is wrong and the planner asked to stop at that.
    """
    spec = intended_spec(pack, intake, name=name, sha256=sha256)
    metric_crs = pack.catalogue.pack.metric_crs
    placed = place(raw, intake.declared, name=name)
    told: tuple[Problem, ...] = ()
    if intake.choice.raster == "cells" and CELL_COLUMN in placed:
        here = _reaching_in(placed.geometry.to_crs(metric_crs), pack.area)
        told = tuple(_cells_outside(placed[CELL_COLUMN][~here], name))
        placed = placed[here]
    frame, problems = apply_fields(placed, spec, intake.fields, name)
    metric = frame.to_crs(metric_crs)
    mended = mend(
        metric, spec, area=pack.area, margin_m=OWN_MARGIN_M, handling=intake.handling, where=name
    )
    if mended.frame.empty:
        message = "nothing is left that could be measured; see the log"
        zh = "没有剩下可用的要素；请看检查记录"
        raise InputError([Problem(name, "", "empty", message, zh=zh)])
    layer = own_layer(spec, mended.frame)
    return Taken(layer, mended, (*raw.problems, *told, *problems))


def _reaching_in(cells: gpd.GeoSeries, area: BaseGeometry) -> NDArray[np.bool_]:
    """Mark the cells of which a part lies in an area; a common border is none."""
    shapely.prepare(area)
    shapes = cells.to_numpy()
    here: NDArray[np.bool_] = shapely.intersects(area, shapes)
    crossing = here & ~shapely.contains_properly(area, shapes)
    inside_m2 = shapely.area(shapely.intersection(area, shapes[crossing]))
    here[crossing] = inside_m2 > _LEAST_PART * shapely.area(shapes[crossing])
    return here


def _cells_outside(values: pd.Series, where: str) -> Iterator[Problem]:
    if len(values):
        amount = f"{float(values.sum()):,.6g}"
        said = phrase("raster", "cells_outside", count=f"{len(values):,}", amount=amount)
        yield Problem(where, "", "outside", said.en, zh=said.zh)


def half_diagonal_m(raw: Raw, declared: Declared, metric_crs: str, *, name: str) -> float:
    """Half the diagonal of a cell that was read as a square, in metres: the middle one's.

    Raises InputError where the declaration does not fit the numbers.
    """
    one = raw.frame.geometry.iloc[[len(raw.frame) // 2]]
    corners = to_degrees(one, declared, where=name).to_crs(metric_crs).get_coordinates().to_numpy()
    return float(np.hypot(*(corners[2] - corners[0])) / 2)


def to_be_stored(
    taken: Taken, intake: Intake, finding: DatumFinding, *, name: str, content: bytes
) -> StoredLayer:
    """Return the layer as a workspace keeps it: with its way, the log and the file it came from."""
    return StoredLayer(
        spec=taken.layer.spec,
        frame=taken.mended.frame,
        intake=intake.model_dump(mode="json"),
        finding=finding.model_dump(mode="json"),
        log=taken.log_records(),
        original=Original.of(name, content),
    )


def own_layer(spec: LayerSpec, frame: gpd.GeoDataFrame) -> Layer:
    """Return the layer of a planner's features; each has the basis and accuracy that they gave."""
    accuracy = pd.Series(spec.accuracy_m, index=frame.index)
    if "accuracy_m" in frame:
        accuracy = frame["accuracy_m"].where(frame["accuracy_m"].notna(), accuracy)
    frame = frame.assign(basis=spec.source.basis, accuracy_m=accuracy).sort_index()
    return Layer(spec, frame, spec.sha256)


def _own_style(layer: str) -> Style:
    """One of a few looks, by the layer's id: two of one's own layers are seldom alike."""
    hue = _OWN_HUES[int(hashlib.sha256(layer.encode()).hexdigest(), 16) % len(_OWN_HUES)]
    return Style(fill=hue, fill_opacity=0.3, line=hue, width=1.0, label="name")


def new_layer_id(title: str) -> str:
    """Return an id for a layer that the catalogue does not know, the same for the same title.

    >>> new_layer_id("居住用地") == new_layer_id("居住用地")
    True
    """
    return f"{OWN_PREFIX}{hashlib.sha256(title.encode()).hexdigest()[:10]}"


def datum_text(declared: Declared) -> str:
    """Say on which datum a layer now is, and from which it came: the same in both languages.

    >>> datum_text(Declared(crs="EPSG:4326", datum="gcj02"))
    'WGS 84 (← GCJ-02, EPSG:4326)'
    >>> datum_text(Declared(crs="EPSG:4548", datum="cgcs2000"))
    'CGCS2000 (EPSG:4548)'
    """
    crs = declared.crs if len(declared.crs) <= _LONGEST_CODE else "WKT"
    name = {"wgs84": "WGS 84", "cgcs2000": "CGCS2000", "gcj02": "GCJ-02", "bd09": "BD-09"}
    if declared.datum == "other":
        return f"WGS 84 (← {crs})"
    if declared.datum in SHIFTED:
        return f"WGS 84 (← {name[declared.datum]}, {crs})"
    return f"{name[declared.datum]} ({crs})"


def contradicts(finding: DatumFinding) -> bool:
    """Whether the comparison speaks against what was declared; then a reason is asked for."""
    return finding.verdict not in {"agrees", "cannot_tell"}
