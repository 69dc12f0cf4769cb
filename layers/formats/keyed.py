"""Rows as the features of a layer: by id, with a hash over what they hold."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence

import geopandas as gpd
import pandas as pd
import shapely

from layers.formats.found import Raw
from layers.phrases import phrase
from layers.problem import Problem
from layers.text import Text


def keyed(raw: Raw, *, key: str, where: str) -> tuple[gpd.GeoDataFrame | None, list[Problem]]:
    """Rows as a frame indexed by feature id, in the CRS that they name.

    `key` is the column that holds the id; empty, ids are made from the contents, and equal rows
    are numbered. Rows without id or geometry are named among the problems, after those of `raw`.
    No frame comes back where the column is not there or geometry has no CRS.
    """
    problems = list(raw.problems)
    columns = _columns(raw)
    if key and key not in columns:
        known = Text(zh="、".join(columns), en=", ".join(columns))
        return None, [*problems, _problem(where, "", "key", "no_column", column=key, known=known)]
    if not raw.crs and raw.frame.geometry.notna().any():
        return None, [*problems, _problem(where, "", "crs", "no_crs")]
    told = {problem.feature for problem in problems}
    features = [_text(cell) for cell in raw.frame[key]] if key else _made_ids(_contents(raw))
    ids, kept = [], []
    for feature, (row, geometry) in zip(features, raw.frame.geometry.items(), strict=True):
        if not feature:
            problems.append(_problem(where, str(row), "id", "no_id", key=key))
            continue
        if geometry is None and str(row) not in told:
            problems.append(_problem(where, feature, "geometry", "no_shape"))
        ids.append(feature)
        kept.append(row)
    frame = raw.frame.loc[kept].set_axis(pd.Index(ids, dtype=str, name="id"))
    return frame.set_crs(raw.crs) if raw.crs else frame, problems


def contents_hash(raw: Raw) -> str:
    """SHA-256 over CRS, columns and rows, the same in whatever order the rows come."""
    return _sha256(json.dumps([raw.crs, _columns(raw), *sorted(_contents(raw))]))


def _columns(raw: Raw) -> list[str]:
    return [str(name) for name in raw.frame.columns if name != raw.frame.geometry.name]


def _contents(raw: Raw) -> list[str]:
    """Each row as text: all that it holds, whatever its place."""
    shapes = shapely.to_wkb(raw.frame.geometry.to_numpy(), hex=True)
    rows = raw.frame[_columns(raw)].itertuples(index=False, name=None)
    return [json.dumps([shape, *row]) for shape, row in zip(shapes, rows, strict=True)]


def _made_ids(contents: Sequence[str]) -> list[str]:
    seen: Counter[str] = Counter()
    ids = []
    for content in contents:
        made = _sha256(content)[:10]
        seen[made] += 1
        ids.append(made if seen[made] == 1 else f"{made}-{seen[made]}")
    return ids


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _text(value: object) -> str:
    """An id as text, empty where there is none; a whole number has no point.

    >>> _text(7.0), _text(" S1 "), _text(None)
    ('7', 'S1', '')
    """
    if value is None or value != value:  # noqa: PLR0124 - only a missing number differs from itself
        return ""
    return (
        str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
    )


def _problem(where: str, feature: str, rule: str, name: str, **values: object) -> Problem:
    said = phrase("rows", name, **values)
    return Problem(where, feature, rule, said.en, zh=said.zh)
