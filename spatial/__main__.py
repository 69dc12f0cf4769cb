"""The command line: `python -m spatial check | zones | layers list | layers validate`."""

import io
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from layers import InputError, Language, Pack, PlanmapError, Problem
from layers.toml import unknown
from spatial.export import ZONE_FORMATS, results_json, write_results, write_zones
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
from spatial.run import open_pack, run_checks
from spatial.verdict import CheckResult
from spatial.zones import ZoneTable, zone_statistics

EMBEDDED_PACK = Path(__file__).resolve().parent.parent / "geodata"
MOST_PROBLEMS = 20
"""Problems printed before the rest is only counted."""


class Format(StrEnum):
    """What `check` prints."""

    table = "table"
    json = "json"


class Lang(StrEnum):
    """Languages of the command line."""

    zh = "zh"
    en = "en"


app = typer.Typer(
    help="规划一张图：目标检查与分区统计 / Check a plan's targets and describe its zones.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
layers_app = typer.Typer(
    help="图层目录 / The layers of a pack.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(layers_app, name="layers")

PackOption = Annotated[
    Path, typer.Option("--pack", help="数据包文件夹 / Folder with layers.toml and plan.toml.")
]
LangOption = Annotated[Lang, typer.Option("--lang", help="语言 / Language.")]


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
) -> None:
    """检查规划目标 / Tell whether the plan's targets hold."""
    with _problems_as_lines():
        opened, plan = open_pack(pack)
        results = run_checks(opened, plan, only=_known_checks(plan, only))
        language: Language = lang.value
        if output is Format.json:
            print(
                json.dumps(
                    results_json(opened, results, language),
                    ensure_ascii=False,
                    allow_nan=False,
                    indent=2,
                )
            )
        else:
            _print_results(opened, results, language)
        if out is not None:
            write_results(out, opened, results, language)
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
) -> None:
    """分区统计 / Describe each zone: area, green, water, built-up, stops, coverage, gap."""
    with _problems_as_lines():
        if radius_m is not None and not (radius_m > 0 and math.isfinite(radius_m)):
            message = f"{radius_m:g} is not a radius; give metres above 0, as in 500"
            raise InputError([Problem("zones --radius", "", "value", message)])
        if out is not None and out.suffix.lower() not in ZONE_FORMATS:
            message = f"'{out.suffix}' is not a format of zone tables; use " + ", ".join(
                ZONE_FORMATS
            )
            raise InputError([Problem("zones --out", "", "format", message)])
        opened, plan = open_pack(pack)
        table = zone_statistics(opened, plan.zone_statistics, layer, radius_m=radius_m)
        language: Language = lang.value
        if out is None:
            _print_zones(opened, table, language)
        else:
            write_zones(out, opened, table, language)
            print(out)


@layers_app.command("list")
def layers_list(*, pack: PackOption = EMBEDDED_PACK, lang: LangOption = Lang.zh) -> None:
    """列出图层 / List the layers with their basis and number of features."""
    with _problems_as_lines():
        opened, _ = open_pack(pack)
    language: Language = lang.value
    titles = {
        "zh": ("图层", "名称", "几何", "要素数", "依据", "精度（米）", "来源"),
        "en": ("layer", "title", "geometry", "features", "basis", "accuracy (m)", "source"),
    }
    table = _table(titles[language])
    for spec in opened.catalogue.layers.values():
        layer = opened.layers.get(spec.id)
        table.add_row(
            spec.id,
            escape(spec.title.in_(language)),
            spec.geometry,
            "—" if layer is None else str(len(layer.frame)),
            basis_text(spec.source.basis if layer is None else layer.basis, language),
            number_text(spec.accuracy_m),
            escape(spec.source.name.in_(language)),
        )
    _console().print(table)


@layers_app.command("validate")
def layers_validate(*, pack: PackOption = EMBEDDED_PACK) -> None:
    """校验数据包 / Validate a pack: one line per problem, exit 2 where there is one."""
    with _problems_as_lines():
        opened, plan = open_pack(pack)
    count = sum(len(layer.frame) for layer in opened.layers.values())
    print(f"ok: {len(opened.layers)} layers, {count} features, {len(plan.checks)} checks")


def _known_checks(plan: Plan, only: Sequence[str] | None) -> Sequence[str] | None:
    wrong = [check_id for check_id in only or () if check_id not in plan.checks]
    if wrong:
        raise InputError(
            Problem("check --only", "", "check", unknown("check", check_id, list(plan.checks)))
            for check_id in wrong
        )
    return only or None


@contextmanager
def _problems_as_lines() -> Iterator[None]:
    """Turn errors that the user can mend into lines on stderr and exit code 2."""
    try:
        yield
    except InputError as error:
        lines = [str(problem) for problem in error.problems]
        for line in lines[:MOST_PROBLEMS]:
            print(line, file=sys.stderr)
        if len(lines) > MOST_PROBLEMS:
            print(f"… and {len(lines) - MOST_PROBLEMS} more problems", file=sys.stderr)
        raise typer.Exit(2) from error
    except PlanmapError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from error
    except OSError as error:
        print(f"{error.filename}: cannot be written: {error.strerror}", file=sys.stderr)
        raise typer.Exit(2) from error


def _print_results(pack: Pack, results: Sequence[CheckResult], lang: Language) -> None:
    titles = {
        "zh": ("结论", "目标", "指标值", "要求", "依据", "规划出处"),
        "en": ("verdict", "target", "value", "asked", "basis", "place in the plan"),
    }
    table = _table(titles[lang])
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
    console = _console()
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
    grid = _table([str(named.columns[1]), *(table.heading(column, lang) for column in shown)])
    for number, zone in enumerate(table.frame.index):
        row = table.frame.loc[zone]
        grid.add_row(escape(str(named.iloc[number, 1])), *(f(row[c]) for c, f in shown.items()))
    grid.add_section()
    grid.add_row(
        "合计" if lang == "zh" else "total", *(f(table.total[c]) for c, f in shown.items())
    )
    _console().print(grid)


def _cell(column: str, lang: Language) -> Callable[[float], str]:
    def text(value: float) -> str:
        if math.isnan(value):  # nothing to divide by
            return "—"
        if column.endswith("_share"):
            return share_text(value, 1.0)
        return area_text(value, lang) if column.endswith("_m2") else number_text(value)

    return text


def _table(titles: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for title in titles:
        table.add_column(escape(title), overflow="fold")
    return table


def _console() -> Console:
    """A console that does not cut tables to 80 columns where the output is not a terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=200)


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # GBK, which Windows writes to files, has no ²
    app(prog_name="python -m spatial")
