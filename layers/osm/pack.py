"""An OpenStreetMap extract becomes a pack: what is chosen, made and written, in order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import shapely

from layers.catalogue import CATALOGUE_FILE
from layers.formats.osm import Extract, features, read_extract
from layers.formats.pbf import Frame, read_frame
from layers.formats.refusal import refusal
from layers.load import load_pack
from layers.osm.area import (
    AREA_LAYER,
    Bounds,
    choose_area,
    closed_boundaries,
    levels_within,
)
from layers.osm.entries import Contents, catalogue_data, plan_data, read_template
from layers.osm.folder import refuse_foreign, replaced
from layers.osm.layers import Made, make_boundary, make_layers
from layers.osm.metric import choose_crs
from layers.osm.report import Report
from layers.osm.tags import ADMIN, read_tag_table
from layers.osm.write import toml_text, write_layer
from layers.text import Text

PLAN_FILE = "plan.toml"
_HEAD = "Made by `python -m spatial layers osm`; the data are OpenStreetMap's, under the ODbL."


@dataclass(frozen=True, slots=True)
class Imported:
    """A pack that was made: its folder, and what is to be said of it, line by line."""

    folder: Path
    lines: tuple[Text, ...]


def import_osm(file: Path, out: Path, *, crs: str = "", area: str = "") -> Imported:
    """Make a pack of an OpenStreetMap extract.

    `file` is an `.osm.pbf`, `out` the folder of the pack: a new or empty one, or one that an
    earlier import wrote and nobody has changed since; it is replaced as a whole. `crs` names the
    metric CRS (else the UTM zone of the place), `area` what bounds the pack: `west,south,east,
    north` in degrees, a level (`admin_8`) or a unit of it by name or number (else the highest
    level of which a unit is whole).

    Raises InputError, with nothing written, where any of these cannot be done.
    """
    where = file.name
    if not file.is_file():
        message = "no such file; name an OpenStreetMap extract, as in city.osm.pbf"
        zh = "没有这个文件；请给出 OpenStreetMap 数据文件，如 city.osm.pbf"
        raise refusal(where, "file", message, zh=zh)
    refuse_foreign(out)
    frame = read_frame(file, where)
    contents, lines = _contents(file, frame, crs, area)
    source = {"name": where, "sha256": frame.sha256, "date": frame.header.timestamp}
    with replaced(out, source) as folder:
        _write(folder, contents)
        del contents  # a city fills the memory once, not twice
        load_pack(folder)  # what the rest of the tool would refuse is not handed over
    return Imported(out, lines)


def _contents(file: Path, frame: Frame, crs: str, area: str) -> tuple[Contents, tuple[Text, ...]]:
    """What goes into the pack, and what is said of it."""
    where, header = file.name, frame.header
    table, template = read_tag_table(), read_template()
    extract = read_extract(file, where, table.all_rules())
    boundaries = closed_boundaries(features(extract, table, ADMIN), frame.boundaries, header)
    place = where.removesuffix(".pbf").removesuffix(".osm")
    bounds = header.bbox or _bounds(extract)
    chosen = choose_area(area, boundaries, place=place, data_bounds=bounds)
    crs_name, off = choose_crs(crs, chosen.units)
    outline = chosen.units.to_crs(crs_name).geometry.union_all()
    levels, complete = levels_within(boundaries, chosen, crs_name)
    contents = Contents(
        area=chosen,
        zones=chosen.layer if complete is None else f"{ADMIN}_{complete}",
        crs=crs_name,
        layers=_in_drawing_order(
            template["layers"],
            make_layers(extract, table, outline, crs_name),
            {level: make_boundary(own, outline, crs_name) for level, own in levels.items()},
            make_boundary(chosen.units, outline, crs_name) if chosen.layer == AREA_LAYER else None,
        ),
        table=table,
        header=header,
        template=template,
    )
    report = Report(contents)
    lines = (
        *report.area(outline.area, off, guessed=not crs),
        *report.layers(),
        *report.boundaries(boundaries, complete),
    )
    return contents, lines


def _bounds(extract: Extract) -> Bounds | None:
    boxes = [shapely.box(*frame.total_bounds) for frame in extract.values() if len(frame)]
    if not boxes:
        return None
    west, south, east, north = shapely.total_bounds(boxes)
    return float(west), float(south), float(east), float(north)


def _in_drawing_order(
    names: Iterable[str], made: Mapping[str, Made], levels: Mapping[int, Made], area: Made | None
) -> Mapping[str, Made]:
    """The layers as they are drawn, lowest first; coarser boundaries above finer ones."""
    ordered: dict[str, Made] = {}
    for name in names:
        if name == ADMIN:
            for level in sorted(levels, reverse=True):
                ordered[f"{ADMIN}_{level}"] = levels[level]
        elif name == AREA_LAYER and area is not None:
            ordered[AREA_LAYER] = area
        elif name in made:
            ordered[name] = made[name]
    return ordered


def _write(folder: Path, contents: Contents) -> None:
    for name, made in contents.layers.items():
        write_layer(folder / f"{name}.geojson", made.frame)
    for file, data in ((CATALOGUE_FILE, catalogue_data), (PLAN_FILE, plan_data)):
        (folder / file).write_text(toml_text(data(contents), _HEAD), encoding="utf-8", newline="\n")
