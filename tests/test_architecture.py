"""The house as built: which way imports run, which doors there are, and texts in two languages."""

import ast
import importlib
import string
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
FOLDERS = ("layers", "spatial", "views")
MODULES = [
    *sorted(path for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*.py")),
    REPOSITORY / "app.py",
]
MAY_IMPORT = {
    "layers": {"layers"},
    "spatial": {"layers", "spatial"},
    "views": {"layers", "spatial", "views"},
    "app": {"layers", "spatial", "views"},
}
DOORS = {"layers/load.py", "layers/geojson.py"}
OPEN_NO_FILE_OF_A_PLANNER = {
    "exchange",
    "found",
    "geopackage",
    "keyed",
    "postgis",
    "refusal",
    "sandbox",
}
"""Modules of layers/formats that any process may use: they read what we or a database wrote."""
OURS = {*FOLDERS, "app", "run", "geodata", "tests", "bench"}


def name(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, wherever in it."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}: imports are absolute"
            yield str(node.module)


def packages(path: Path) -> set[str]:
    return {module.split(".")[0] for module in imported(path)}


def calls(path: Path) -> Iterator[str]:
    """Names of the functions and methods that a file calls or names as attributes."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_run_one_way(path: Path) -> None:
    home = path.relative_to(REPOSITORY).parts[0].removesuffix(".py")
    assert packages(path) & OURS <= MAY_IMPORT[home]


INSIDE = ("geometry", "network", "doubt", "measures")
"""Folders of `spatial/`: each may import those before it."""


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_what_is_computed_knows_nothing_of_what_is_measured(path: Path) -> None:
    home = path.relative_to(REPOSITORY).parts
    if home[0] == "spatial" and home[1] in INSIDE:
        later = INSIDE[INSIDE.index(home[1]) + 1 :]
        wrong = [m for m in imported(path) if m.startswith(tuple(f"spatial.{x}" for x in later))]
        assert wrong == []


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_streamlit_lives_in_the_app_and_its_views(path: Path) -> None:
    if packages(path) & {"streamlit", "altair"}:
        assert name(path) == "app.py" or name(path).startswith("views/")


@pytest.mark.parametrize("door", ["folium", "branca", "psycopg", "rasterio", "highspy", "ortools"])
def test_a_heavy_library_has_one_door(door: str) -> None:
    assert len([name(path) for path in MODULES if door in packages(path)]) <= 1


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_data_come_in_through_one_door(path: Path) -> None:
    if name(path) in DOORS or name(path).startswith("layers/formats/"):
        return
    found = set(calls(path))
    assert not found & {"read_file", "read_parquet", "from_file", "read_csv", "read_excel"}
    assert not packages(path) & {"pyogrio", "fiona"}
    opens = [
        node
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and (getattr(node.func, "id", "") == "open" or getattr(node.func, "attr", "") == "open")
    ]
    assert not opens
    if name(path).startswith("spatial/"):
        assert "read_bytes" not in found


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_planners_file_is_opened_in_a_process_of_its_own(path: Path) -> None:
    if name(path).startswith("layers/formats/"):
        return
    opening = {
        module.removeprefix("layers.formats.")
        for module in imported(path)
        if module.startswith("layers.formats.")
    } - OPEN_NO_FILE_OF_A_PLANNER
    if name(path).startswith("layers/osm/"):  # the command line, on a file that its user names
        opening -= {"osm", "pbf"}
    assert not opening, "layers.reader opens files, in a process of its own"


@pytest.mark.parametrize("path", [*MODULES, REPOSITORY / "run.py"], ids=name)
def test_no_code_knows_the_place(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.name == "app.py":  # its docstring is the title of the app
        text = text.replace(ast.get_docstring(tree(path), clean=False) or "", "")
    assert "东丽" not in text
    assert "dongli" not in text.lower()


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_nothing_reads_the_drawing_script(path: Path) -> None:
    assert "geodata" not in packages(path)


@pytest.mark.parametrize("package", ["layers", "spatial", "spatial.measures"])
def test_public_names_exist_and_are_listed_once(package: str) -> None:
    module = importlib.import_module(package)
    names: list[str] = module.__all__
    assert len(set(names)) == len(names)
    assert all(hasattr(module, public) for public in names)


@pytest.mark.parametrize("package", ["layers", "spatial"])
def test_public_names_are_used_outside_their_package(package: str) -> None:
    names = set(importlib.import_module(package).__all__)
    used: set[str] = set()
    for path in [*MODULES, *(REPOSITORY / "tests").glob("*.py")]:
        if path.parts[len(REPOSITORY.parts)] == package:
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom) and node.module == package:
                used |= {alias.name for alias in node.names}
    assert names <= used, f"not used: {sorted(names - used)}"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_every_module_says_what_it_is(path: Path) -> None:
    if path.read_text(encoding="utf-8").strip():
        assert ast.get_docstring(tree(path))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_nothing_is_caught_that_is_not_named(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None
            is_broad = getattr(node.type, "id", "") in {"Exception", "BaseException"}
            handed_on = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            assert not is_broad or (handed_on and path.name == "app.py")


def test_the_command_line_loads_nothing_that_a_check_does_not_need_at_once() -> None:
    heavy = {
        "duckdb", "folium", "openpyxl", "psycopg", "pyogrio", "pypinyin", "rasterio", "scipy",
        "streamlit",
    }  # fmt: skip
    code = "import sys, spatial.__main__; print(*{name.split('.')[0] for name in sys.modules})"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert not heavy & set(run.stdout.split())


def placeholders(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}


def _texts() -> Iterator[Any]:
    for folder in ("layers", "spatial", "views"):
        path = REPOSITORY / folder / "text.toml"
        for table, entries in tomllib.loads(path.read_text(encoding="utf-8")).items():
            for key, entry in entries.items():
                yield pytest.param(entry, id=f"{folder}.{table}.{key}")


TEXTS = list(_texts())


@pytest.mark.parametrize("entry", TEXTS)
def test_a_text_says_the_same_in_both_languages(entry: dict[str, str]) -> None:
    assert set(entry) == {"zh", "en"}
    assert entry["zh"].strip()
    assert entry["en"].strip()
    assert placeholders(entry["zh"]) == placeholders(entry["en"])


@pytest.mark.parametrize("entry", TEXTS)
def test_an_english_text_holds_no_chinese(entry: dict[str, str]) -> None:
    english = entry["en"].replace("中文", "")  # the name of the other language
    assert not any("\u3000" <= sign <= "\u9fff" or "\uff00" <= sign <= "\uffef" for sign in english)
