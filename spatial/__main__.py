"""The command line: `python -m spatial check | verify | zones | layers …`."""

import io
import json
import math
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from layers import InputError, Language, Pack, Problem
from layers.toml import unknown
from spatial.console import (
    EMBEDDED_PACK,
    MOST_PROBLEMS,
    Lang,
    LangOption,
    PackOption,
    WorkspaceOption,
    opened,
    opened_with_versions,
    problems_as_lines,
    titled_table,
    wide_console,
)
from spatial.export import (
    ZONE_FORMATS,
    definitions_csv,
    results_json,
    write_results,
    write_zones,
)
from spatial.layer_commands import layers_app
from spatial.phrases import (
    basis_text,
    check_title,
    figure_range_text,
    listed,
    phrase,
    reason,
    target_text,
    verdict_text,
)
from spatial.plan import Check, Plan
from spatial.record import (
    RECORD_FILE,
    Asked,
    one_line,
    path_from,
    read_record,
    run_record,
    write_record,
)
from spatial.replay import replay, shown
from spatial.run import Comparison, Inputs, definitions, run_checks
from spatial.verdict import CheckResult
from spatial.zone_table import WHOLE, ZoneTable, statistic_text
from spatial.zones import zone_statistics


class Format(StrEnum):
    """What `check` prints."""

    table = "table"
    json = "json"


app = typer.Typer(
    help="规划一张图：目标检查与分区统计 / Check a plan's targets and describe its zones.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(layers_app, name="layers")


@app.command()
def check(
    *,
    pack: PackOption = EMBEDDED_PACK,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="只查这些目标 / Only this check; repeatable.")
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="输出格式 / Output.")] = Format.table,
    lang: LangOption = Lang.zh,
    strict: Annotated[
        bool, typer.Option("--strict", help="有未达标项时退出码为 1 / Exit 1 where one is not met.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="证据、单元表与运行记录的文件夹 / Folder for evidence, units, record."
        ),
    ] = None,
    by_definition: Annotated[
        bool,
        typer.Option("--definitions", help="各种口径对照 / Measure by every definition as well."),
    ] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """检查规划目标 / Tell whether the plan's targets hold."""
    with problems_as_lines():
        found = opened_with_versions(pack, lang.value, workspace=workspace)
        measured, plan = found.pack, found.plan
        results = run_checks(measured, plan, only=_known_checks(plan, only))
        language: Language = lang.value
        compared: dict[str, tuple[Comparison, ...]] | None = None
        if by_definition:
            inputs, ids = Inputs(measured), [result.check.id for result in results]
            compared = {i: definitions(measured, plan.checks[i], inputs=inputs) for i in ids}
        if output is Format.json:
            data = results_json(measured, results, language, compared=compared)
            print(json.dumps(data, ensure_ascii=False, allow_nan=False, indent=2))
        else:
            _print_results(measured, results, language)
        for check_id, comparisons in (compared or {}).items():
            if output is Format.table and comparisons:
                _print_definitions(measured, plan.checks[check_id], comparisons, language)
        if out is not None:
            write_results(out, measured, results, language, units=plan.zone_statistics.zones)
            for check_id, comparisons in (compared or {}).items():
                table = definitions_csv(measured, plan.checks[check_id], comparisons, language)
                if comparisons:
                    (out / f"{check_id}.definitions.csv").write_bytes(table)
        if out is not None:
            asked = Asked(
                pack="" if pack == EMBEDDED_PACK else path_from(out, pack),
                workspace="" if workspace is None else path_from(out, workspace),
                lang=language,
            )
            made = datetime.now(UTC).isoformat(timespec="seconds")
            record = run_record(
                measured, plan, results, asked=asked, made=made, own=found.own, compared=compared
            )
            write_record(out / RECORD_FILE, record)
    if strict and any(result.verdict == "not_met" for result in results):
        raise typer.Exit(1)


@app.command()
def verify(
    record: Annotated[Path, typer.Argument(help="运行记录 / The run.json of a run.")],
    *,
    pack: Annotated[
        Path | None, typer.Option("--pack", help="数据包文件夹 / Folder of the pack, if elsewhere.")
    ] = None,
    lang: LangOption = Lang.zh,
    workspace: WorkspaceOption = None,
) -> None:
    """复现 / Run the checks of a record again and say what differs; exit 1 where something does."""
    language: Language = lang.value
    with problems_as_lines(language):
        recorded = read_record(record)
        folder = pack or _recorded_pack(record, recorded.asked.pack)
        mine = workspace or _recorded_workspace(record, recorded.asked.workspace)
        found = opened_with_versions(folder, language, workspace=mine)
        replayed = replay(found.pack, found.plan, recorded, own=found.own)
        for line in shown(replayed, MOST_PROBLEMS):
            print(line.in_(language))
    if not replayed.same:
        raise typer.Exit(1)


def _recorded_pack(record: Path, said: str) -> Path:
    folder = record.parent / said if said else EMBEDDED_PACK
    if not folder.is_dir():
        raise InputError([_not_there(record, "no_pack", folder=one_line(said))])
    return folder


def _recorded_workspace(record: Path, said: str) -> Path | None:
    file = record.parent / said if said else None
    if file is not None and not file.is_file():
        raise InputError([_not_there(record, "no_workspace", file=one_line(said))])
    return file


def _not_there(record: Path, name: str, **values: str) -> Problem:
    message, zh = (phrase("record", name, lang, **values) for lang in ("en", "zh"))
    return Problem(record.name, "", "file", message, zh=zh)


@app.command()
def zones(
    *,
    layer: Annotated[
        str, typer.Option("--zones", help="分区图层 / Polygon layer whose features are zones.")
    ],
    pack: PackOption = EMBEDDED_PACK,
    out: Annotated[
        Path | None, typer.Option("--out", help="输出文件 / File: " + " ".join(ZONE_FORMATS))
    ] = None,
    radius_m: Annotated[
        float | None, typer.Option("--radius", help="站点半径（米） / Radius around stops, m.")
    ] = None,
    definition: Annotated[
        str, typer.Option("--definition", help="蓝绿空间口径 / Definition of blue-green space.")
    ] = "",
    lang: LangOption = Lang.zh,
    workspace: WorkspaceOption = None,
) -> None:
    """分区统计 / Describe each zone: area, green, water, built-up, stops, coverage, gap."""
    with problems_as_lines():
        if radius_m is not None and not (radius_m > 0 and math.isfinite(radius_m)):
            message = f"{radius_m:g} is not a radius; give metres above 0, as in 500"
            raise InputError([Problem("zones --radius", "", "value", message)])
        if out is not None and out.suffix.lower() not in ZONE_FORMATS:
            message = f"'{out.suffix}' is not a format of zone tables; use " + ", ".join(
                ZONE_FORMATS
            )
            raise InputError([Problem("zones --out", "", "format", message)])
        measured, plan = opened(pack, lang.value, workspace=workspace)
        parts = plan.zone_statistics.by(definition) if definition else plan.zone_statistics
        table = zone_statistics(measured, parts, layer, radius_m=radius_m)
        language: Language = lang.value
        if out is None:
            _print_zones(measured, table, language)
        else:
            write_zones(out, measured, table, language)
            print(out)


def _print_definitions(
    pack: Pack, check: Check, compared: Sequence[Comparison], lang: Language
) -> None:
    names = ("definition", "parameter_value", "value", "verdict", "basis")
    table = titled_table([phrase("export", name, lang) for name in names])
    for one in compared:
        result = one.result
        variant = check.variants[one.name]
        mark = f" ({phrase('export', 'of_plan', lang)})" if variant.of_plan else ""
        titles = [pack.catalogue.layers[layer].title.in_(lang) for layer in result.missing]
        value = phrase("reason", "missing", lang, layers=listed(titles, lang)) if titles else "—"
        if result.measured is not None:
            value = figure_range_text(result.check, result.measured.whole, lang)
        table.add_row(
            escape(variant.title.in_(lang) + mark),
            "" if one.across is None else f"{one.across:g}",
            value,
            verdict_text(result.status, lang),
            "" if result.basis is None else basis_text(result.basis, lang),
        )
    console = wide_console()
    console.print(escape(check_title(check, lang)))
    console.print(table)


def _known_checks(plan: Plan, only: Sequence[str] | None) -> Sequence[str] | None:
    wrong = [check_id for check_id in only or () if check_id not in plan.checks]
    if wrong:
        raise InputError(
            Problem("check --only", "", "check", unknown("check", check_id, list(plan.checks)))
            for check_id in wrong
        )
    return only or None


def _print_results(pack: Pack, results: Sequence[CheckResult], lang: Language) -> None:
    titles = {
        "zh": ("结论", "目标", "指标值", "要求", "依据", "规划出处"),
        "en": ("verdict", "target", "value", "asked", "basis", "place in the plan"),
    }
    table = titled_table(titles[lang])
    for result in results:
        check_ = result.check
        value = figure_range_text(check_, result.measured.whole, lang) if result.measured else "—"
        table.add_row(
            verdict_text(result.status, lang),
            escape(check_title(check_, lang)),
            value,
            target_text(check_, lang),
            basis_text(result.basis, lang) if result.basis else "—",
            escape(check_.cite.in_(lang)),
        )
    console = wide_console()
    console.print(table)
    for result in results:
        console.print(
            f"{check_title(result.check, lang)}: {reason(pack, result, lang)}",
            markup=False,
            highlight=False,
        )


def _print_zones(pack: Pack, table: ZoneTable, lang: Language) -> None:
    """One row a zone, the range of each statistic under its value; the total last."""
    shown = [c for c in table.columns if c not in {"area_ha", "area_mu", "blue_green_m2"}]
    named = table.named(pack, lang)
    grid = titled_table([str(named.columns[1]), *(table.heading(c, lang) for c in shown)])
    for number, zone in enumerate(table.frame.index):
        cells = (_cell(table, column, str(zone), lang) for column in shown)
        grid.add_row(escape(str(named.iloc[number, 1])), *cells)
    grid.add_section()
    total = (_cell(table, column, WHOLE, lang) for column in shown)
    grid.add_row("合计" if lang == "zh" else "total", *total)
    wide_console().print(grid)


def _cell(table: ZoneTable, column: str, zone: str, lang: Language) -> str:
    """A value, and under it its range, in two lines so that columns stay narrow."""
    value = statistic_text(column, table.value(column, zone), lang)
    span = table.range_text(column, lang, zone).replace("–", "–\n")
    return f"{value}\n{span}" if span else value


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # GBK, which Windows writes to files, has no ²
    app(prog_name="python -m spatial")
