"""The tables of a pack made of an extract: `layers.toml` and `plan.toml` as data."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layers.formats.pbf import Header
from layers.land_codes import read_land_codes
from layers.osm.area import AREA_LAYER, Area
from layers.osm.layers import Made
from layers.osm.tags import ADMIN, BUILT_UP, LAND_COVER, Output, TagTable
from layers.text import Text

STOPS = "bus_stops"
ACCURACY_M = 10
"""Of what is drawn from imagery and GPS tracks, as most of OpenStreetMap is; our judgement."""
_SOURCE = "osm"
_HECTARE_M2 = 10_000
_PACK_MARGIN_M = 1.0


@dataclass(frozen=True, slots=True)
class Contents:
    """All that goes into a pack: its area, its zones, its layers in drawing order.

    `template` is `pack.toml`: how such a pack is grouped, drawn and described.
    """

    area: Area
    zones: str
    crs: str
    layers: Mapping[str, Made]
    table: TagTable
    header: Header
    template: Mapping[str, Any]


def read_template() -> dict[str, Any]:
    """Read `pack.toml`: how such a pack is grouped, drawn and described."""
    text = Path(__file__).with_name("pack.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def output_of(name: str, table: TagTable) -> Output:
    """The output of the tag table that a layer belongs to; that of boundaries for the area."""
    if name == AREA_LAYER or name.startswith(f"{ADMIN}_"):
        return table.outputs[ADMIN]
    return table.outputs[name]


def title_of(name: str, contents: Contents) -> Text:
    """The title of a layer; a level of boundaries names its number, the area itself."""
    if name == AREA_LAYER:
        return contents.area.title
    title, level = output_of(name, contents.table).title, name.removeprefix(f"{ADMIN}_")
    return Text(zh=title.zh.format(level=level), en=title.en.format(level=level))


def catalogue_data(contents: Contents) -> Mapping[str, Any]:
    """The tables of `layers.toml`."""
    template = contents.template
    date = contents.header.timestamp[:10]
    pack: dict[str, Any] = {
        "title": contents.area.title.model_dump(),
        "metric_crs": contents.crs,
        "area": contents.area.layer,
        "margin_m": _PACK_MARGIN_M,
        "groups": template["groups"],
        "presets": dict(_presets(template["presets"], contents)),
        "sources": {_SOURCE: {**template["source"], "date": date}},
    }
    entries = {
        name: _entry(name, made, contents) | _columns(made, template["columns"])
        for name, made in contents.layers.items()
    }
    if STOPS not in entries:  # the plan asks for them: shown as missing
        entries[STOPS] = _entry(STOPS, None, contents)
    return {"pack": pack, **entries}


def _presets(presets: Mapping[str, Any], contents: Contents) -> Mapping[str, Any]:
    named = {"{area}": contents.area.layer, "{zones}": contents.zones}
    found: dict[str, Any] = {}
    for name, preset in presets.items():
        layers = dict.fromkeys(named.get(layer, layer) for layer in preset["layers"])
        there = [layer for layer in layers if layer in contents.layers]
        if set(there) - set(named.values()):
            found[name] = {**preset, "layers": there}
    return found


def _entry(name: str, made: Made | None, contents: Contents) -> dict[str, Any]:
    drawn = contents.template["layers"]
    look = drawn[ADMIN if name.startswith(f"{ADMIN}_") else name]
    entry: dict[str, Any] = {
        "title": title_of(name, contents).model_dump(),
        "geometry": output_of(name, contents.table).geometry,
        "group": look["group"],
        "source": _SOURCE,
        "accuracy_m": ACCURACY_M,
    }
    if made is not None:
        entry["file"] = f"{name}.geojson"
        if made.margin_m > _PACK_MARGIN_M:
            entry["margin_m"] = made.margin_m
    entry |= {key: look[key] for key in ("search", "context") if key in look}
    if "note" in look:
        entry["note"] = _filled(look["note"], contents.table)
    style = dict(look["style"])
    if name == contents.area.layer:
        style = dict(drawn[AREA_LAYER]["style"])
        if name == contents.zones:
            style["label"] = "name"
    elif name == contents.zones:
        style["visible"] = True
    fills = style.pop("fills", {})
    if made is not None and fills:
        rows = read_land_codes()
        style["classes"] = [
            {"value": code, "title": rows.title_of(code).model_dump(), "fill": fills[code]}
            for code in sorted(set(made.frame["class_code"]))
        ]
    return entry | {"style": style}


def _columns(made: Made, columns: Mapping[str, Any]) -> dict[str, Any]:
    there = {name: columns[name] for name in columns if name in made.frame}
    return {"columns": {name: c for name, c in there.items() if made.frame[name].notna().any()}}


def _filled(note: Mapping[str, str], table: TagTable) -> Mapping[str, str]:
    built_up = table.settings.built_up
    least_ha = built_up.least_m2 / _HECTARE_M2
    return {
        lang: text.format(gap_m=built_up.gap_m, least_ha=least_ha) for lang, text in note.items()
    }


def plan_data(contents: Contents) -> Mapping[str, Any]:
    """The tables of `plan.toml`: the parts of zone statistics and one example check."""
    plan = contents.template["plan"]
    statistics, check = plan["zone_statistics"], plan["check"]
    place = contents.area.title
    parts: dict[str, Any] = {"zones": contents.zones}
    if LAND_COVER in contents.layers:
        codes = {key: statistics[key] for key in ("green", "water")}
        parts["land"] = {"layer": LAND_COVER, "column": "class_code", **codes}
    if BUILT_UP in contents.layers:
        parts["built_up"] = BUILT_UP
    parts |= {"stops": STOPS, "radius_m": statistics["radius_m"]}
    return {
        "plan": {
            "title": {
                "zh": plan["title"]["zh"].format(place=place.zh),
                "en": plan["title"]["en"].format(place=place.en),
            }
        },
        "zone_statistics": parts,
        check["id"]: {
            "title": check["title"],
            "cite": {"clause": check["clause"]},
            "measure": "stop_coverage",
            "layers": {"stops": STOPS, "area": contents.zones},
            "params": {"radius_m": statistics["radius_m"]},
            "target": {
                "at_least": check["at_least"],
                "unit": "share",
                "tolerance": check["tolerance"],
            },
            "judge": "each",
            "across": check["across"],
            "sentence": check["sentence"],
            "variants": {
                name: variant
                for name, variant in check["variants"].items()
                if set(variant.get("layers", {}).values()) <= set(contents.layers)
            },
            "terms": check["terms"],
        },
    }
