"""The process that opens a planner's files: `python -m layers.formats.worker MEMORY_MB FILE_MB`.

It answers requests, one line of JSON each, with one line of JSON, and hands rows and cells over in
files. Whatever a library does to it, breaks nobody else: it may be killed at any time. Only
`layers.reader` starts it, with few drivers, a bounded memory and a folder of its own.
"""

import hashlib
import importlib
import json
import os
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, TextIO, cast

import pyogrio

from layers.formats import Choice, Format, Found, Part, Raw
from layers.formats.exchange import lines, write_grid, write_raw
from layers.formats.identify import Identity, identify
from layers.formats.refusal import refusal
from layers.formats.sandbox import die_after, limit_memory
from layers.grid import Grid
from layers.limits import Limits
from layers.problem import InputError
from layers.text import Text

_MODULES: Mapping[Format, str] = {
    "geojson": "geojson",
    "shapefile": "shapefile",
    "geopackage": "vector",
    "flatgeobuf": "vector",
    "filegdb": "filegdb",
    "kml": "kml",
    "dxf": "dxf",
    "geoparquet": "geoparquet",
    "csv": "tables",
    "xlsx": "tables",
    "gtfs": "gtfs",
    "geotiff": "raster",
    "osm": "osm",
}
_NOTES: Mapping[Format, Text] = {
    "dxf": Text(
        zh="闭合的多段线按线读取，填充按面读取",
        en="closed polylines come as lines, hatches as areas",
    ),
}
_MEGABYTE = 1024 * 1024
_GRACE_S = 10.0


class FormatModule(Protocol):
    """What each module that reads a format offers."""

    def inspect(self, path: Path, where: str, limits: Limits) -> tuple[Part, ...]:
        """Say what the file holds."""

    def read(self, path: Path, where: str, choice: Choice, limits: Limits) -> Raw:
        """Read the chosen part."""


class GridModule(Protocol):
    """What the module that reads rasters offers besides."""

    def grid(self, path: Path, where: str, band: int | None, limits: Limits) -> Grid:
        """Read a band as the cells that it has."""


def answer(request: Mapping[str, Any], replies: TextIO) -> dict[str, Any]:
    """Do what a request asks: `inspect` a file, `read` a part or a `grid` of it; the reply.

    Before the work begins, `to_read` says on a line of its own how many bytes there are, which
    for an archive only its contents tell: the time allowed depends on it.
    """
    path, where = Path(request["path"]), str(request["name"])
    limits = Limits.model_validate(request["limits"])
    try:
        identity = identify(path, where, limits)
        seconds = limits.seconds + identity.to_read / _MEGABYTE
        die_after(seconds + _GRACE_S)  # should nobody be left to see to it
        _send({"to_read": identity.to_read}, replies)
        opened = module(identity.format)
        if request["do"] == "inspect":
            return {"found": _found(path, where, identity, opened, limits)}
        if request["do"] == "grid":
            grid = _grid_module(identity, where).grid(path, where, request["band"], limits)
            write_grid(grid, Path(request["cells"]))
            return {"cells": True}
        choice = Choice.model_validate(request["choice"])
        write_raw(opened.read(path, where, choice, limits), Path(request["rows"]))
    except InputError as error:
        return {"problems": lines(error.problems)}
    except MemoryError:
        return {"memory": True}
    finally:
        die_after(0)
    return {"rows": True}


def main() -> None:
    """Answer until nobody asks any more."""
    memory_mb, file_mb = (int(argument) for argument in sys.argv[1:])
    # What libraries print goes nowhere: the lines of the protocol have a channel of their own.
    silence = os.open(os.devnull, os.O_RDWR)
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8", newline="\n")
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    for standard in (0, 1, 2):
        os.dup2(silence, standard)
    warnings.simplefilter("ignore")
    limit_memory(memory_mb, file_mb)
    _send({"drivers": pyogrio.list_drivers()}, replies)
    for line in requests:
        reply = answer(json.loads(line), replies)
        _send(reply, replies)
        if "memory" in reply:
            return  # what is left of it is in pieces


def module(kind: Format) -> FormatModule:
    """Return the module that reads a format; loaded when it is needed, for a quick start."""
    return cast("FormatModule", importlib.import_module(f"layers.formats.{_MODULES[kind]}"))


def _grid_module(identity: Identity, where: str) -> GridModule:
    if identity.format != "geotiff":
        raise refusal(
            where,
            "format",
            f"a raster layer is a GeoTIFF; this is {identity.format}",
            zh=f"栅格图层须为 GeoTIFF；该文件为 {identity.format}",
        )
    return cast("GridModule", module(identity.format))


def _found(
    path: Path, where: str, identity: Identity, opened: FormatModule, limits: Limits
) -> dict[str, Any]:
    parts = opened.inspect(path, where, limits)
    note = _NOTES.get(identity.format)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    found = Found(
        name=where,
        format=identity.format,
        size=path.stat().st_size,
        sha256=sha256,
        parts=parts,
        notes=(note,) if note else (),
    )
    return found.model_dump(mode="json")


def _send(reply: Mapping[str, Any], replies: TextIO) -> None:
    replies.write(json.dumps(reply) + "\n")
    replies.flush()


if __name__ == "__main__":
    main()
