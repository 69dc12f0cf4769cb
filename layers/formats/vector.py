"""GeoPackage and FlatGeobuf: single files that GDAL reads, of which nothing is run."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from layers.formats.found import Choice, Part, Raw
from layers.formats.frames import chosen
from layers.formats.gdal import called, damaged, layer_names, read_layer, text_rows
from layers.formats.refusal import refusal
from layers.limits import Limits

_SQLITE = b"SQLite format 3\0"
# What a view or a computed column calls may do nothing but compute.
_READ_ONLY = {"IMMUTABLE": "YES", "PRELUDE_STATEMENTS": "PRAGMA trusted_schema = OFF"}


def inspect(path: Path, where: str, limits: Limits) -> tuple[Part, ...]:
    """Say what the layers with geometry hold; raises InputError where there is none."""
    with _opened(path, where) as (own, driver, layers):
        options = _READ_ONLY if driver == "GPKG" else {}
        return tuple(
            text_rows(
                read_layer(own, index, where, limits, driver=driver, **options),
                None,
                where,
                limits,
                name=name,
            ).part()
            for name, index in layers.items()
        )


def read(path: Path, where: str, choice: Choice, limits: Limits) -> Raw:
    """Read the chosen layer, or the only one."""
    with _opened(path, where) as (own, driver, layers):
        options = _READ_ONLY if driver == "GPKG" else {}
        name = [*layers][chosen([*layers], choice.part, where)]
        layer = read_layer(own, layers[name], where, limits, driver=driver, **options)
        return text_rows(layer, choice, where, limits, name=name).raw()


@contextmanager
def _opened(path: Path, where: str) -> Iterator[tuple[Path, str, dict[str, int]]]:
    """Give the file under its driver's name, the driver, and the places of layers by name."""
    with path.open("rb") as file:
        is_sqlite = file.read(len(_SQLITE)) == _SQLITE
    with called(path, "data.gpkg" if is_sqlite else "data.fgb") as own:
        views = _views(own, where) if is_sqlite else set()
        listed = layer_names(own, where)
        if is_sqlite:
            layers = {name: at for at, (name, spatial) in enumerate(listed) if spatial}
        else:  # a FlatGeobuf is one layer, named after nothing that lasts
            layers = {Path(where).stem or "data": 0} if listed else {}
        usable = {name: at for name, at in layers.items() if name.lower() not in views}
        if layers and not usable:
            raise refusal(
                where,
                "view",
                f"'{next(iter(layers))}' is a stored query, which is not run; export it as a"
                " layer of its own",
                zh=f"“{next(iter(layers))}”是存储的查询（视图），不予执行；请导出为独立图层",
            )
        if not usable:
            raise refusal(
                where,
                "empty",
                "no layer with geometry is in it; export one",
                zh="没有带图形的图层；请导出含图形的图层",
            )
        yield own, "GPKG" if is_sqlite else "FlatGeobuf", usable


def _views(path: Path, where: str) -> set[str]:
    """Names of the views, in small letters: stored queries may compute for ever, or worse."""
    uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            found = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise damaged(where) from error
    views = {str(name).lower() for kind, name, _ in found if kind == "view"}
    if any(name.startswith(("gpkg_", "rtree_", "sqlite_")) for name in views):
        raise damaged(where)  # tables that GDAL trusts, and that no program makes as a query
    return views
