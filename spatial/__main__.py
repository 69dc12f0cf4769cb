"""The command line: `python -m spatial check | zones | layers …`."""

import io
import json
import math
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from layers import InputError, Language, Pack, Problem
from layers.toml import unknown
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
from spatial.export import ZONE_FORMATS, results_json, write_results, write_zones
from spatial.layer_commands import layers_app
from spatial.phrases import (
    area_text,
    basis_text,
    check_title,
    figure_range_text,
    number_text,
    reason,
    share_text,
    target_text,
    verdict_text,
)
from spatial.plan import Plan
from spatial.run import run_checks
from spatial.verdict import CheckResult
from spatial.zones import ZoneTable, zone_statistics


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
        typer.Option("--out", help="证据与单元表的文件夹 / Folder for evidence and units."),
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """检查规划目标 / Tell whether the plan's targets hold."""
    with problems_as_lines():
        measured, plan = opened(pack, lang.value, workspace=workspace)
        results = run_checks(measured, plan, only=_known_checks(plan, only))
        language: Language = lang.value
        if output is Format.json:
            print(
                json.dumps(
                    results_json(measured, results, language),
                    ensure_ascii=False,
                    allow_nan=False,
                    indent=2,
                )
            )
        else:
            _print_results(measured, results, language)
        if out is not None:
            write_results(out, measured, results, language)
    if strict and any(result.verdict == "not_met" for result in results):
        raise typer.Exit(1)


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
        table = zone_statistics(measured, plan.zone_statistics, layer, radius_m=radius_m)
        language: Language = lang.value
        if out is None:
            _print_zones(measured, table, language)
        else:
            write_zones(out, measured, table, language)
            print(out)


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
    shown: dict[str, Callable[[float], str]] = {
        column: _cell(column, lang)
        for column in table.columns
        if column not in {"area_ha", "area_mu", "blue_green_m2"}
    }
    named = table.named(pack, lang)
    grid = titled_table([str(named.columns[1]), *(table.heading(column, lang) for column in shown)])
    for number, zone in enumerate(table.frame.index):
        row = table.frame.loc[zone]
        grid.add_row(escape(str(named.iloc[number, 1])), *(f(row[c]) for c, f in shown.items()))
    grid.add_section()
    grid.add_row(
        "合计" if lang == "zh" else "total", *(f(table.total[c]) for c, f in shown.items())
    )
    wide_console().print(grid)


def _cell(column: str, lang: Language) -> Callable[[float], str]:
    def text(value: float) -> str:
        if math.isnan(value):  # nothing to divide by
            return "—"
        if column.endswith("_share"):
            return share_text(value, 1.0)
        return area_text(value, lang) if column.endswith("_m2") else number_text(value)

    return text


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # GBK, which Windows writes to files, has no ²
    app(prog_name="python -m spatial")
