"""Reading TOML into models, with one line per mistake that says what would be right."""

import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from layers.problem import InputError, Problem

MOST_SHOWN = 80
"""Letters of a wrong value that a message repeats."""

M = TypeVar("M", bound=BaseModel)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; raise InputError where it is missing or broken."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return tomllib.loads(text)
    except FileNotFoundError as error:
        message = f"no such file in '{path.parent}'; a pack has layers.toml and plan.toml"
        raise InputError([Problem(path.name, "", "file", message)]) from error
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise InputError([Problem(path.name, "", "file", message)]) from error
    except UnicodeDecodeError as error:
        message = f"byte {error.start} is not UTF-8; save the file as UTF-8"
        raise InputError([Problem(path.name, "", "encoding", message)]) from error
    except tomllib.TOMLDecodeError as error:
        message = f"not valid TOML: {error}"
        raise InputError([Problem(path.name, "", "toml", message)]) from error


def parse(model: type[M], data: object, where: str) -> tuple[M | None, list[Problem]]:
    """Build a model from TOML data: the model, or None and a Problem for each mistake.

    `where` is the table, such as `layers.toml [bus_stops]`; the key's path is appended to it.
    """
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        return None, [_problem(model, item, where) for item in error.errors()]


def unknown(word: str, value: str, known: Sequence[str]) -> str:
    """Say that a name is unknown, which one is near, and which are known.

    >>> unknown("key", "licens", ["name", "url", "licence"])
    "unknown key 'licens' (did you mean 'licence'?); known keys are 'name', 'url', 'licence'"
    """
    near = difflib.get_close_matches(value, known, n=1)
    hint = f" (did you mean '{near[0]}'?)" if near else ""
    names = ", ".join(f"'{name}'" for name in known)
    return f"unknown {word} '{value}'{hint}; known {word}s are {names or 'none'}"


def _problem(model: type[BaseModel], item: Mapping[str, Any], where: str) -> Problem:
    path: tuple[int | str, ...] = tuple(item["loc"])
    kind = item["type"]
    if kind in {"extra_forbidden", "missing"}:
        *parents, key = path
        known = list(_fields(model, parents))
        message = (
            unknown("key", str(key), known)
            if kind == "extra_forbidden"
            else f"missing key '{key}'; known keys are " + ", ".join(f"'{k}'" for k in known)
        )
        return Problem(where + _dotted(parents), "", "key", message)
    value = item["input"]
    shown = f"{type(value).__name__}" if isinstance(value, dict | list) else repr(value)
    if len(shown) > MOST_SHOWN:
        shown = f"{shown[:MOST_SHOWN]}…"
    said = str(item["msg"]).removeprefix("Value error, ")
    return Problem(where + _dotted(path), "", "value", f"{shown} is not right: {said}")


def _dotted(path: Sequence[int | str]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


def _fields(model: type[BaseModel], path: Sequence[int | str]) -> Iterator[str]:
    """Names of the keys that the model knows at a path inside it."""
    current: type[BaseModel] | None = model
    named = False
    for part in path:
        if current is None:
            return
        field = None if named else current.model_fields.get(str(part))
        if field is not None:
            current = next(_models(field.annotation), None)
        # The part after a mapping is a name of the file's own, whatever it looks like.
        named = field is not None and get_origin(field.annotation) is Mapping
    if current is not None:
        yield from (name for name in current.model_fields if name != "id")


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
