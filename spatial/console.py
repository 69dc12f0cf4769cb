"""What the commands share: their options, how they print, and errors as lines."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from layers import InputError, Language, Pack, PlanmapError
from layers.intake import own_layer
from layers.own_raster import own_raster
from layers.reader import Reader
from layers.workspace import open_workspace
from spatial.plan import Plan
from spatial.record import Own
from spatial.run import open_pack

EMBEDDED_PACK = Path(__file__).resolve().parent.parent / "geodata"
MOST_PROBLEMS = 20
"""Problems printed before the rest is only counted."""


class Lang(StrEnum):
    """Languages of the command line."""

    zh = "zh"
    en = "en"


PackOption = Annotated[
    Path, typer.Option("--pack", help="数据包文件夹 / Folder with layers.toml and plan.toml.")
]
LangOption = Annotated[Lang, typer.Option("--lang", help="语言 / Language.")]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option("--workspace", help="工作区文件 / Workspace file whose layers take part."),
]


@contextmanager
def problems_as_lines(lang: Language = "en") -> Iterator[None]:
    """Turn errors that the user can mend into lines on stderr and exit code 2."""
    try:
        yield
    except InputError as error:
        lines = [problem.in_(lang) for problem in error.problems]
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


@dataclass(frozen=True, slots=True)
class Opened:
    """A pack and its plan; `own` are the layers of a workspace that take part, by id."""

    pack: Pack
    plan: Plan
    own: Mapping[str, Own]


def opened(folder: Path, lang: Language, *, workspace: Path | None = None) -> tuple[Pack, Plan]:
    """Open a pack, and warn of the layers whose database cannot be read.

    The layers of a workspace take the places of the pack's own.
    """
    found = opened_with_versions(folder, lang, workspace=workspace)
    return found.pack, found.plan


def opened_with_versions(folder: Path, lang: Language, *, workspace: Path | None = None) -> Opened:
    """Open a pack as `opened` does, and say which version of a workspace's layer it was."""
    pack, plan = open_pack(folder)
    own: dict[str, Own] = {}
    if workspace is not None:
        kept = open_workspace(workspace, label=str(workspace))
        metric_crs = pack.catalogue.pack.metric_crs
        own = {
            id_: Own(info, kept.layer(id_, version=info.version))
            for id_, info in kept.layers().items()
        }
        with Reader(pack.catalogue.pack.limits) as reader:
            pack = pack.with_layers(
                own_raster(kept, one.stored, one.info.version, reader)
                if one.stored.spec.geometry == "raster"
                else own_layer(one.stored.spec, one.stored.frame.to_crs(metric_crs))
                for one in own.values()
            )
    warning = "警告：" if lang == "zh" else "warning: "
    for problem in pack.unavailable.values():
        print(warning + problem.in_(lang), file=sys.stderr)
    return Opened(pack, plan, own)


def titled_table(titles: Sequence[str]) -> Table:
    """Begin a table with these columns; what a file holds is escaped by whoever adds it."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for title in titles:
        table.add_column(escape(title), overflow="fold")
    return table


def wide_console() -> Console:
    """A console that does not cut tables to 80 columns where the output is not a terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=200)
