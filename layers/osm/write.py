"""Writing what a pack is made of: TOML tables and GeoJSON layers."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

_INLINE = {"zh", "en"}  # a phrase stands on one line


def toml_text(data: Mapping[str, Any], head: str) -> str:
    """Write tables as TOML below a line of comment.

    >>> entry = {"title": {"zh": "站", "en": "Stop"}, "style": {"by": "name"}}
    >>> print(toml_text({"stops": entry}, "Hello."), end="")
    # Hello.
    <BLANKLINE>
    [stops]
    title = { zh = "站", en = "Stop" }
    [stops.style]
    by = "name"
    """
    lines = [f"# {head}", ""]
    for name, table in data.items():
        lines += [*_table(table, _key(name)), ""]
    return "\n".join(lines[:-1]) + "\n"


def _table(table: Mapping[str, Any], path: str) -> Iterator[str]:
    plain = {key: value for key, value in table.items() if not _is_nested(value)}
    if plain or not table:
        yield f"[{path}]"
        yield from (f"{_key(key)} = {_value(value)}" for key, value in plain.items())
    for key, value in table.items():
        if key in plain:
            continue
        inner = f"{path}.{_key(key)}"
        if isinstance(value, Mapping):
            yield from _table(value, inner)
        else:
            for entry in value:
                yield f"[[{inner}]]"
                yield from (f"{_key(name)} = {_value(item)}" for name, item in entry.items())


def _is_nested(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(isinstance(item, Mapping | list) for item in value.values()) or not (
            set(value) <= _INLINE
        )
    return isinstance(value, list) and any(isinstance(item, Mapping) for item in value)


def _key(name: str) -> str:
    bare = name.replace("_", "").replace("-", "")
    return name if bare.isascii() and bare.isalnum() else _value(name)


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, bool | int | float):
        return json.dumps(value, allow_nan=False)
    # JSON's text is TOML's but for one sign.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def write_layer(path: Path, frame: gpd.GeoDataFrame) -> None:
    """Write features in degrees as GeoJSON, one a line; the index becomes `id`.

    A column without any value is left out.
    """
    columns = [c for c in frame.columns if c != "geometry" and frame[c].notna().any()]
    values = [[None if pd.isna(v) else v for v in frame[column]] for column in columns]
    rows = zip(*values, strict=True) if columns else iter([()] * len(frame))
    shapes = shapely.to_geojson(frame.geometry.to_numpy())
    features = []
    for id_, row, shape in zip(frame.index, rows, shapes, strict=True):
        properties = {"id": str(id_), **dict(zip(columns, row, strict=True))}
        text = json.dumps(properties, ensure_ascii=False, allow_nan=False)
        features.append(f'{{"type": "Feature", "properties": {text}, "geometry": {shape}}}')
    collection = '{"type": "FeatureCollection", "features": [\n' + ",\n".join(features) + "\n]}\n"
    path.write_text(collection, encoding="utf-8", newline="\n")
