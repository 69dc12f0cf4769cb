"""A planner's file by the command line: looked into, and taken into a workspace."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd

from layers import InputError, Pack, Problem, Text
from layers.catalogue import LayerSpec, Source
from layers.declared import Declared, proposals
from layers.field_proposal import propose_fields
from layers.fields import FieldMap, is_land_column
from layers.formats import Choice, Found, Part, Raw
from layers.gate import DatumFinding, find_shift, references
from layers.intake import (
    Intake,
    NewLayer,
    Taken,
    contradicts,
    datum_text,
    intended_spec,
    new_layer_id,
    place,
    take_in,
)
from layers.toml import unknown
from layers.workspace import StoredLayer, Workspace
from spatial.bindings import needed_values
from spatial.own_people import is_people_raster, kind_taken, people_of_cells
from spatial.plan import Plan


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line said of a file; empty where the likely answer is to be taken."""

    path: Path
    layer: str
    title: str
    choice: Choice
    datum: str
    crs: str
    swapped: bool
    fields: Mapping[str, str]
    key: str
    land_table: str
    handling: str
    basis: str
    source: str
    date: str
    accuracy_m: float
    insisted: str

    def source_of(self, name: str, declared: Declared) -> Source:
        """Where the data come from, as said; else by the file's name."""
        said = self.source or name
        return Source.model_validate(
            {
                "name": Text(zh=said, en=said),
                "date": self.date,
                "datum": datum_text(declared),
                "basis": self.basis,
            }
        )


def add_layer(
    pack: Pack, plan: Plan, found: Found, raw: Raw, request: Request
) -> tuple[Intake, Taken, DatumFinding]:
    """Make a layer of a file's part as the command line asks.

    Raises InputError where the datum is not declared, where the comparison with trusted layers
    contradicts it and no reason was given, or where a step refuses the data.
    """
    name = found.name
    part = chosen_part(found, request.choice)
    declared = declared_as(pack, part, request, name)
    placed = place(raw, declared, name=name)
    finding = find_shift(
        placed,
        references(pack),
        declared=declared,
        area=pack.area,
        metric_crs=pack.catalogue.pack.metric_crs,
    )
    if contradicts(finding) and not request.insisted:
        said = {lang: finding.sentence(lang) for lang in ("zh", "en")}
        message = f"{said['en']} Declare that with --datum, or give a reason with --insist"
        zh = f"{said['zh']}请用 --datum 改正，或用 --insist 说明理由"
        raise InputError([Problem(name, "", "datum", message, zh=zh)])
    new = None
    layer = request.layer
    if layer not in pack.catalogue.layers:
        if not request.title:
            known = list(pack.catalogue.layers)
            message = f"{unknown('layer', layer, known)}; a new layer needs --title"
            raise InputError([Problem("--as", "", "layer", message)])
        geometry = part.geometry or ("polygon" if part.kind == "raster" else "point")
        new = NewLayer(title=Text(zh=request.title, en=request.title), geometry=geometry)
        layer = new_layer_id(request.title)
    intake = Intake.model_validate(
        {
            "layer": layer,
            "new": new,
            "geometry": kind_taken(plan, layer, part),
            "choice": request.choice,
            "declared": declared,
            "fields": FieldMap(),
            "handling": request.handling,
            "source": request.source_of(name, declared),
            "accuracy_m": request.accuracy_m,
            "insisted": request.insisted,
        }
    )
    spec = pack.catalogue.layers.get(layer) or intended_spec(
        pack, intake, name=name, sha256=found.sha256
    )
    if is_people_raster(plan, layer, part) and not request.fields:
        fields = people_of_cells(plan, layer)
    else:
        fields = _field_map(pack, plan, spec, part, raw, request=request)
    intake = intake.model_copy(update={"fields": fields})
    return intake, take_in(pack, raw, intake, name=name, sha256=found.sha256), finding


def keep_layer(workspace: Workspace, stored: StoredLayer, content: bytes) -> int:
    """Keep a layer with its way and its file; return its version."""
    info = workspace.layers().get(stored.spec.id)
    return workspace.save_layer(
        stored, seen=None if info is None else info.version, content=content
    )


def chosen_part(found: Found, choice: Choice) -> Part:
    """The part of a file that is meant, the only one where none was named."""
    names = [part.name for part in found.parts]
    if not choice.part and len(names) == 1:
        return found.parts[0]
    if choice.part not in names:
        message = f"{unknown('part', choice.part, names)}; name one with --part"
        raise InputError([Problem(found.name, "", "part", message)])
    return found.parts[names.index(choice.part)]


def declared_as(pack: Pack, part: Part, request: Request, name: str) -> Declared:
    """What the options say of the coordinates; the datum is never guessed."""
    if not request.datum:
        message = "no datum is declared; give --datum wgs84, cgcs2000, gcj02, bd09 or other"
        zh = "没有说明基准；请用 --datum 给出 wgs84、cgcs2000、gcj02、bd09 或 other"
        raise InputError([Problem(name, "", "datum", message, zh=zh)])
    crs, swapped = request.crs, request.swapped
    if not crs:
        area = gpd.GeoSeries([pack.area], crs=pack.catalogue.pack.metric_crs)
        likely = proposals(
            part,
            metric_crs=pack.catalogue.pack.metric_crs,
            area_degrees=area.to_crs("OGC:CRS84").iloc[0],
        )
        if part.kind == "raster":  # its axes are not exchanged
            likely = tuple(one for one in likely if not one.declared.swapped)
        if not likely:
            message = "under no usual CRS does it lie in the area; name its CRS with --crs"
            zh = "按常用坐标系都不落在本区；请用 --crs 指明坐标系"
            raise InputError([Problem(name, "", "crs", message, zh=zh)])
        crs, swapped = likely[0].declared.crs, likely[0].declared.swapped
    return Declared.model_validate({"crs": crs, "datum": request.datum, "swapped": swapped})


def _field_map(
    pack: Pack, plan: Plan, spec: LayerSpec, part: Part, raw: Raw, *, request: Request
) -> FieldMap:
    """The likely mapping with what the options say in place of it."""
    held = pack.layers.get(spec.id)
    rows = pd.DataFrame(raw.frame.drop(columns=raw.frame.geometry.name))
    needed = needed_values(plan, spec.id)
    existing = None if held is None else held.frame
    proposal = propose_fields(spec, part, existing, needed, rows=rows)
    columns = {**proposal.map.columns, **request.fields}
    lacking = [column for column in needed if column != "id" and column not in columns]
    if lacking:
        fields = [field.name for field in part.fields]
        raise InputError(
            Problem(
                part.name,
                "",
                "field",
                f"a check rests on '{column}'; say which field holds it: --field {column}=FIELD,"
                f" one of {fields}",
            )
            for column in lacking
        )
    tables: dict[str, str] = dict(proposal.map.tables)
    land = [column for column in columns if is_land_column(spec, column)]
    if request.land_table:
        tables |= dict.fromkeys(land, request.land_table)
    for column in land:
        if column not in tables:
            values = proposal.values.get(column)
            question = None if values is None else values.question
            said = Text(zh="", en="") if question is None else question
            message = f"{said.en} Name the table with --land-table use2023 or survey3".strip()
            zh = f"{said.zh} 请用 --land-table 指定 use2023 或 survey3".strip()
            raise InputError([Problem(part.name, "", "land_table", message, zh=zh)])
    return FieldMap.model_validate(
        {
            "key": request.key or proposal.map.key,
            "columns": columns,
            "tables": tables,
            "codes": proposal.map.codes,
        }
    )
