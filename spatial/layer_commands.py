"""The commands about layers: list, validate, look into a file, take it in, make a pack of OSM."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from layers import InputError, Language, Problem
from layers.basis import BASES
from layers.findings import readable
from layers.formats import Choice, Found
from layers.intake import to_be_stored
from layers.load import read_original
from layers.phrases import phrase
from layers.reader import Reader
from layers.toml import unknown
from layers.workspace import create_workspace, open_workspace
from spatial.console import (
    EMBEDDED_PACK,
    Lang,
    LangOption,
    PackOption,
    WorkspaceOption,
    opened,
    problems_as_lines,
    titled_table,
    wide_console,
)
from spatial.export import csv_bytes
from spatial.intake_command import Request, add_layer, chosen_part, keep_layer
from spatial.own_people import is_people_raster, own_people
from spatial.own_raster import add_raster, is_raster_layer
from spatial.phrases import basis_text, number_text
from spatial.plan import Plan

_RASTER_KEPT: Mapping[Language, str] = {
    "zh": "{file}：{layer} 第 {version} 版，栅格",
    "en": "{file}: {layer}, version {version}, a raster",
}

layers_app = typer.Typer(
    help="图层目录 / The layers of a pack.", no_args_is_help=True, rich_markup_mode=None
)


@layers_app.command("list")
def layers_list(
    *,
    pack: PackOption = EMBEDDED_PACK,
    lang: LangOption = Lang.zh,
    workspace: WorkspaceOption = None,
) -> None:
    """列出图层 / List the layers with their basis and number of features."""
    with problems_as_lines():
        listed, _ = opened(pack, lang.value, workspace=workspace)
    language: Language = lang.value
    titles = {
        "zh": ("图层", "名称", "几何", "要素数", "依据", "精度（米）", "来源"),
        "en": ("layer", "title", "geometry", "features", "basis", "accuracy (m)", "source"),
    }
    table = titled_table(titles[language])
    for spec in listed.catalogue.layers.values():
        layer = listed.delivered(spec.id)
        table.add_row(
            spec.id,
            escape(spec.title.in_(language)),
            spec.geometry,
            "—" if layer is None else str(layer.size),
            basis_text(spec.source.basis if layer is None else layer.basis, language),
            number_text(spec.accuracy_m),
            escape(spec.source.name.in_(language)),
        )
    wide_console().print(table)


@layers_app.command("validate")
def layers_validate(*, pack: PackOption = EMBEDDED_PACK) -> None:
    """校验数据包 / Validate a pack: one line per problem, exit 2 where there is one."""
    with problems_as_lines():
        checked, plan = opened(pack, "en")
    count = sum(len(layer.frame) for layer in checked.layers.values())
    print(f"ok: {len(checked.layers)} layers, {count} features, {len(plan.checks)} checks")


@layers_app.command("osm")
def layers_osm(
    file: Annotated[
        Path, typer.Argument(help="OpenStreetMap 数据文件 / Extract of OpenStreetMap, .osm.pbf.")
    ],
    *,
    out: Annotated[
        Path, typer.Option("--pack", help="新数据包的文件夹 / Folder of the pack to make.")
    ],
    crs: Annotated[
        str, typer.Option("--crs", help="量算用的投影坐标系 / Metric CRS, as EPSG:4548.")
    ] = "",
    area: Annotated[
        str,
        typer.Option(
            "--area",
            help="边界层、边界名称或 西,南,东,北 / Level, name, or west,south,east,north.",
        ),
    ] = "",
    lang: LangOption = Lang.zh,
) -> None:
    """由 OpenStreetMap 数据生成数据包 / Make a pack of an OpenStreetMap extract."""
    from layers.osm.pack import import_osm  # noqa: PLC0415 - brings GDAL, which no check waits for

    with problems_as_lines():
        imported = import_osm(file, out, crs=crs, area=area)
    for line in imported.lines:
        print(line.in_(lang.value))
    print(imported.folder)


@layers_app.command("inspect")
def layers_inspect(
    file: Annotated[Path, typer.Argument(help="数据文件 / A planner's file, of any format.")],
    *,
    lang: LangOption = Lang.zh,
) -> None:
    """识别文件 / Say what a file is: format, parts, fields, coordinate system."""
    with problems_as_lines(lang.value), Reader() as reader:
        found = reader.inspect(_there(file), file.name)
    language: Language = lang.value
    print(f"{found.name}: {found.format}")
    titles = {
        "zh": ("图层", "几何", "要素数", "坐标系", "编码", "字段"),
        "en": ("part", "geometry", "features", "CRS", "encoding", "fields"),
    }
    table = titled_table(titles[language])
    for part in found.parts:
        table.add_row(
            escape(part.name),
            part.geometry or part.kind,
            str(part.count),
            escape(part.crs[:40]) or "—",
            " | ".join(one.encoding for one in part.encodings) or "—",
            escape(", ".join(field.name for field in part.fields)),
        )
    wide_console().print(table)


@layers_app.command("add")
def layers_add(
    file: Annotated[Path, typer.Argument(help="数据文件 / A planner's file, of any format.")],
    *,
    workspace: Annotated[
        Path, typer.Option("--workspace", help="工作区文件，没有则新建 / Made where missing.")
    ],
    layer: Annotated[str, typer.Option("--as", help="代替的图层 / Layer that it replaces.")],
    datum: Annotated[
        str, typer.Option("--datum", help="基准 / wgs84, cgcs2000, gcj02, bd09 or other.")
    ],
    basis: Annotated[str, typer.Option("--basis", help="数据依据 / official, open or digitised.")],
    accuracy_m: Annotated[
        float, typer.Option("--accuracy", min=0, help="位置精度（米） / Accuracy, m.")
    ],
    crs: Annotated[str, typer.Option("--crs", help="坐标系 / CRS, as EPSG:4548.")] = "",
    swapped: Annotated[
        bool, typer.Option("--swapped", help="横纵坐标对调 / Northing or latitude first.")
    ] = False,
    title: Annotated[str, typer.Option("--title", help="新图层名称 / Of a new layer.")] = "",
    part: Annotated[str, typer.Option("--part", help="文件中的图层 / Part of the file.")] = "",
    encoding: Annotated[str, typer.Option("--encoding", help="文字编码 / Of the text.")] = "",
    x: Annotated[str, typer.Option("--x", help="经度或东坐标列 / Column of x.")] = "",
    y: Annotated[str, typer.Option("--y", help="纬度或北坐标列 / Column of y.")] = "",
    cells: Annotated[
        bool, typer.Option("--cells", help="栅格按数量读 / Raster cells are amounts.")
    ] = False,
    band: Annotated[
        int | None, typer.Option("--band", min=1, help="栅格波段 / Band of a raster.")
    ] = None,
    key: Annotated[str, typer.Option("--key", help="编号字段 / Field of the ids.")] = "",
    fields: Annotated[
        list[str] | None, typer.Option("--field", help="列=字段 / column=FIELD; repeatable.")
    ] = None,
    land_table: Annotated[
        str, typer.Option("--land-table", help="地类代码表 / use2023 or survey3.")
    ] = "",
    handling: Annotated[
        str, typer.Option("--handling", help="遇到问题 / repair, skip or stop.")
    ] = "repair",
    source: Annotated[str, typer.Option("--source", help="来源 / Where it comes from.")] = "",
    date: Annotated[str, typer.Option("--date", help="数据日期 / Of the data.")] = "",
    insist: Annotated[
        str, typer.Option("--insist", help="否决比对的理由 / Why the comparison is overruled.")
    ] = "",
    log: Annotated[Path | None, typer.Option("--log", help="检查记录 / Log, CSV.")] = None,
    pack: PackOption = EMBEDDED_PACK,
    lang: LangOption = Lang.zh,
) -> None:
    """载入自己的数据 / Take a file into a workspace, in place of a layer of the pack."""
    language: Language = lang.value
    with problems_as_lines(language), Reader() as reader:
        request = Request(
            path=_there(file),
            layer=layer,
            title=title,
            choice=Choice(
                part=part, encoding=encoding, x=x, y=y, raster=_raster(cells), band=band or 1
            ),
            datum=_one_of("--datum", datum, ("wgs84", "cgcs2000", "gcj02", "bd09", "other")),
            crs=crs,
            swapped=swapped,
            fields=_pairs(fields or []),
            key=key,
            land_table=_one_of("--land-table", land_table, ("", "use2023", "survey3")),
            handling=_one_of("--handling", handling, ("repair", "skip", "stop")),
            basis=_one_of("--basis", basis, BASES[:3]),
            source=source,
            date=date,
            accuracy_m=accuracy_m,
            insisted=insist,
        )
        there = workspace if workspace.exists() else None
        placed_in, plan = opened(pack, language, workspace=there)
        found = reader.inspect(file, file.name)
        request = _with_part(request, found, plan)
        if is_raster_layer(placed_in, layer):
            unused = {
                "--title": bool(title),
                "--cells": cells,
                "--key": bool(key),
                "--field": bool(fields),
                "--land-table": bool(land_table),
                "--insist": bool(insist),
                "--log": log is not None,
            }
            raster = add_raster(
                placed_in, plan, found, request, reader=reader, band=band, unused=unused
            )
            kept = open_workspace(there) if there else create_workspace(workspace, workspace.stem)
            version = keep_layer(kept, raster.stored, read_original(file))
            print(_RASTER_KEPT[language].format(file=workspace, layer=layer, version=version))
            for line in raster.lines(language):
                print(line)
            return
        raw = reader.read(file, file.name, request.choice)
        intake, taken, finding = add_layer(placed_in, plan, found, raw, request)
        people = own_people(
            plan,
            placed_in,
            intake.layer,
            taken.layer.frame,
            cells=intake.choice.raster == "cells",
            where=file.name,
        )
        kept = open_workspace(there) if there else create_workspace(workspace, workspace.stem)
        content = read_original(file)
        stored = to_be_stored(taken, intake, finding, name=file.name, content=content)
        version = keep_layer(kept, stored, content)
        if log is not None:
            log.write_bytes(csv_bytes(readable(taken.mended.log, language)))
    print(finding.sentence(language))
    for problem in taken.problems:
        print(problem.in_(language))
    for feature, said in zip(taken.mended.log["feature"], taken.mended.log[language], strict=True):
        print(f"{feature}: {said}" if feature else said)
    if intake.declared.swapped and not swapped:
        print(phrase("axes", "swapped").in_(language))
    for line in people.lines(language) if people else ():
        print(line)
    after, before = taken.mended.after.features, taken.mended.before.features
    summary = {
        "zh": f"{workspace}：{intake.layer} 第 {version} 版，{before} 行中 {after} 个要素可用",
        "en": f"{workspace}: {intake.layer}, version {version}, {after} features of {before} rows",
    }
    print(summary[language])


def _there(file: Path) -> Path:
    if not file.is_file():
        message, zh = "no such file; give a path to one", "没有这个文件；请给出文件路径"
        raise InputError([Problem(file.name, "", "file", message, zh=zh)])
    return file


def _one_of(option: str, value: str, known: Sequence[str]) -> str:
    if value not in known:
        raise InputError([Problem(option, "", "value", unknown("value", value, known))])
    return value


def _raster(cells: bool) -> Literal["classes", "cells"]:  # noqa: FBT001 - an option of the line
    return "cells" if cells else "classes"


def _pairs(fields: Sequence[str]) -> Mapping[str, str]:
    for pair in fields:
        if "=" not in pair:
            message = f"'{pair}' is not column=FIELD, as in name=MC"
            raise InputError([Problem("--field", "", "value", message)])
    return dict(pair.split("=", 1) for pair in fields)


def _with_part(request: Request, found: Found, plan: Plan) -> Request:
    """Fill in what the file itself proposes: its only part, its columns of coordinates.

    The cells of a raster that takes the place of residents are numbers of people.
    """
    part = chosen_part(found, request.choice)
    choice = request.choice.model_copy(update={"part": part.name})
    if part.kind == "table" and not choice.x:
        choice = choice.model_copy(update={"x": part.x, "y": part.y, "wkt": part.wkt})
    if is_people_raster(plan, request.layer, part):
        choice = choice.model_copy(update={"raster": "cells"})
    elif part.kind != "raster":
        choice = choice.model_copy(update={"raster": "classes"})
    return replace(request, choice=choice)
