"""The guides: two languages that say the same, and nothing in them that the code does not have."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer
from pydantic import BaseModel
from typer.core import TyperCommand, TyperGroup

from layers.catalogue import LayerSpec, PackSpec, Postgis
from run import USAGE, VERBS
from spatial.__main__ import app
from spatial.measures import MEASURES
from spatial.plan import Binding, Check, Definition

REPOSITORY = Path(__file__).resolve().parents[1]
TWINS = (
    ("README.md", "README.zh.md"),
    ("docs/method.md", "docs/method.zh.md"),
    ("docs/osm.md", "docs/osm.zh.md"),
    ("docs/data.md", "docs/data.zh.md"),
)
GUIDES = tuple(name for twins in TWINS for name in twins)
READMES = TWINS[0]
NOT_TOLD = ("id", "definition")
"""Fields that no table of a pack has: the name of the table, what a definition is called."""
MODELS: Mapping[str, type[BaseModel]] = {
    "[pack]": PackSpec,
    "[<layer>]": LayerSpec,
    "postgis": Postgis,
    "[<check>]": Check,
    "layers": Binding,
    "variants": Definition,
}
YES = {"yes": True, "no": False, "是": True, "否": False}

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")


def text(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def prose(name: str) -> str:
    """A guide without its code blocks."""
    return FENCE.sub("", text(name))


def blocks(name: str, language: str) -> list[str]:
    return [body for kind, body in FENCE.findall(text(name)) if kind == language]


def tables(name: str) -> Iterator[list[list[str]]]:
    """The tables of a guide as rows of cells, the rule under the head left out."""
    rows: list[list[str]] = []
    for line in [*prose(name).splitlines(), ""]:
        if line.startswith("|"):
            cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
            rows.append([cell.strip() for cell in cells])
        elif rows:
            yield [rows[0], *rows[2:]]
            rows = []


def commands(group: TyperGroup, *path: str) -> Iterator[tuple[str, TyperCommand]]:
    """The commands of the command line by their full names."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, *path, name)
        elif isinstance(command, TyperCommand):
            yield " ".join((*path, name)), command


COMMAND_LINE = typer.main.get_command(app)
assert isinstance(COMMAND_LINE, TyperGroup)
COMMANDS = dict(commands(COMMAND_LINE))


@pytest.mark.parametrize("english, chinese", TWINS)
def test_the_headings_of_the_twins_correspond(english: str, chinese: str) -> None:
    levels = [[mark for mark, _ in HEADING.findall(prose(name))] for name in (english, chinese)]
    assert levels[0] == levels[1]
    assert len(levels[0]) > 5


@pytest.mark.parametrize("english, chinese", TWINS)
def test_the_twins_show_the_same_code(english: str, chinese: str) -> None:
    assert FENCE.findall(text(english)) == FENCE.findall(text(chinese)) != []


@pytest.mark.parametrize("english, chinese", TWINS)
def test_the_tables_of_the_twins_have_the_same_shape(english: str, chinese: str) -> None:
    shapes = [
        [[len(row) for row in table] for table in tables(name)] for name in (english, chinese)
    ]
    assert shapes[0] == shapes[1]
    assert all(len(set(shape)) == 1 for shape in shapes[0])  # no stray bar in a row


@pytest.mark.parametrize("english, chinese", TWINS)
def test_the_twins_name_the_same_things_in_each_table(english: str, chinese: str) -> None:
    for one, other in zip(tables(english), tables(chinese), strict=True):
        for row, twin in zip(one[1:], other[1:], strict=True):
            named, again = (sorted(re.findall(r"`[^`]+`", " ".join(r))) for r in (row, twin))
            assert named == again


@pytest.mark.parametrize("name", READMES)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_shown_and_its_options_explained(name: str, command: str) -> None:
    assert any(f"run.py {command}" in block for block in blocks(name, "sh"))
    (options,) = (table for table in tables(name) if any("`--strict`" in row for row in table))
    # A row says which command it is about; one that begins in words is about all of them.
    about = [row[1] for row in options[1:] if row[0] == f"`{command}`" or row[0][0] != "`"]
    for parameter in COMMANDS[command].params:
        for option in parameter.opts:
            if option != "--help":
                assert any(f"`{option}" in said for said in about), f"{command} {option}"


@pytest.mark.parametrize("name", READMES)
def test_no_option_is_explained_that_the_command_line_lacks(name: str) -> None:
    known = {o for command in COMMANDS.values() for p in command.params for o in p.opts}
    known |= set(re.findall(r"--[a-z-]+", USAGE))
    assert set(re.findall(r"--[a-z][a-z-]*", text(name))) <= known


@pytest.mark.parametrize("name", READMES)
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_of_the_start_script_is_shown_with_its_options(name: str, verb: str) -> None:
    shown = "\n".join(blocks(name, "sh"))
    assert f"python3 run.py {verb}" in shown
    after = USAGE.split(f"\n  {verb} ", 1)[1]
    # A verb's options stand on its own line and on the lines indented below it.
    own = re.split(r"\n(?=  \w|\S)", after, maxsplit=1)[0]
    for option in re.findall(r"--[a-z-]+", own):
        assert option in shown, f"{verb} {option}"


def test_the_verbs_are_those_of_the_usage() -> None:
    assert re.findall(r"^  (\w+) ", USAGE, re.MULTILINE) == list(VERBS)


@pytest.mark.parametrize("name", READMES)
def test_every_command_shown_exists(name: str) -> None:
    for line in "".join([*blocks(name, "sh"), *blocks(name, "bat")]).splitlines():
        program, *words = line.split()
        if program == ".venv/bin/python":
            assert (REPOSITORY / words[0]).is_file()
            continue
        assert (program, words[0]) in {("python3", "run.py"), ("py", "run.py")}
        assert words[1] in VERBS or words[1] in COMMANDS or " ".join(words[1:3]) in COMMANDS
        benches = [word for word in words[2:] if words[1] == "bench"]
        assert all((REPOSITORY / "bench" / f"{bench}.py").is_file() for bench in benches)


@pytest.mark.parametrize("name", READMES)
def test_every_benchmark_is_named(name: str) -> None:
    for path in (REPOSITORY / "bench").glob("*.py"):
        assert f"`{path.stem}`" in text(name)


@pytest.mark.parametrize("name", GUIDES)
def test_every_link_leads_somewhere(name: str) -> None:
    anchors = {
        re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-"))
        for _, heading in HEADING.findall(prose(name))
    }
    found = LINK.findall(prose(name))
    assert found
    for link in found:
        if link.startswith("#"):
            assert unquote(link[1:]) in anchors
        elif "://" not in link:
            assert ((REPOSITORY / name).parent / link).is_file(), link


@pytest.mark.parametrize("name", READMES)
@pytest.mark.parametrize("entry", MODELS)
def test_the_key_tables_are_those_of_the_models(name: str, entry: str) -> None:
    (table,) = (table for table in tables(name) if f"`{entry}`" in table[0][0])
    told = {row[0].strip("`"): YES[row[1]] for row in table[1:]}
    fields = {key: one for key, one in MODELS[entry].model_fields.items() if key not in NOT_TOLD}
    assert told == {key: field.is_required() for key, field in fields.items()}


@pytest.mark.parametrize("name", [*TWINS[0], *TWINS[1]])
def test_every_measure_is_named(name: str) -> None:
    assert [measure for measure in MEASURES if f"`{measure}`" not in text(name)] == []


@pytest.mark.parametrize("name", READMES)
def test_the_examples_of_entries_are_right(name: str) -> None:
    layer, check = (tomllib.loads(block) for block in blocks(name, "toml"))
    ((layer_id, entry),) = layer.items()
    LayerSpec.model_validate({**entry, "id": layer_id})
    ((check_id, entry),) = check.items()
    entry["layers"] = {argument: {"layer": bound} for argument, bound in entry["layers"].items()}
    found = Check.model_validate({**entry, "id": check_id})
    measure = MEASURES[found.measure]
    assert set(measure.required_layers) <= set(found.layers) <= set(measure.layers)
    assert found.target.unit == measure.unit
    measure.params.model_validate(found.params)
    assert found.layers["stops"].layer == layer_id


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_picture_is_there_and_small(lang: str) -> None:
    assert f"docs/map.{lang}.png" in text("README.zh.md" if lang == "zh" else "README.md")
    picture = (REPOSITORY / "docs" / f"map.{lang}.png").read_bytes()
    size = [int.from_bytes(picture[start : start + 4], "big") for start in (16, 20)]
    assert size == [1440, 900]
    assert len(picture) < 400_000
