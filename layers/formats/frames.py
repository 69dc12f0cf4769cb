"""From columns and geometry as they were read to the rows of a part, and to what is said of it."""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from layers.catalogue import GeometryKind
from layers.formats.found import EncodingChoice, FieldKind, Part, Raw, SourceField
from layers.formats.refusal import refusal
from layers.limits import Limits
from layers.problem import Problem

GEOMETRY = "geometry"
"""The name that a frame keeps for itself; a column of that name is numbered."""
MOST_PROBLEMS = 1_000
_MOST_SAMPLES = 5
_SAMPLE_LETTERS = 80
_COLLECTION = 7  # shapely's number for a GeometryCollection
_KINDS: Mapping[str, GeometryKind] = {
    "Point": "point",
    "MultiPoint": "point",
    "LineString": "line",
    "LinearRing": "line",
    "MultiLineString": "line",
    "Polygon": "polygon",
    "MultiPolygon": "polygon",
}
_MULTI = {"Point": shapely.multipoints, "LineString": shapely.multilinestrings}
_NUMBERS = (bool, int, float)
_EXACT = 2**53  # above, a float64 rounds whole numbers, and they are identifiers
_MIDNIGHT = re.compile(r"[T ]00:00:00(\.0+)?$")
_EMPTY_FRACTION = re.compile(r"\.0+(?=$|[Z+-])")

Columns = Mapping[str, Sequence[Any] | NDArray[Any]]
Geometries = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one part; `frame` is as in Raw, `types` counts geometry as it stood in the file.

    `dates` names the columns whose texts are dates. `encodings` are those among which the planner
    has to choose; the texts are then not read.
    """

    name: str
    frame: gpd.GeoDataFrame
    crs: str
    types: Mapping[str, int]
    dates: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    encodings: tuple[EncodingChoice, ...] = ()

    def part(self) -> Part:
        """Say what the part holds."""
        kinds: Counter[GeometryKind] = Counter()
        for name, count in self.types.items():
            kind = _KINDS.get(name.removesuffix(" Z"))
            if kind is not None:
                kinds[kind] += count
        return Part(
            name=self.name,
            geometry=kinds.most_common(1)[0][0] if kinds else None,
            geometries=self.types,
            count=len(self.frame),
            fields=tuple(
                _field(self.frame[column], is_date=column in self.dates)
                for column in self.frame.columns
                if column != self.frame.geometry.name
            ),
            crs=self.crs,
            bounds=bounds_of(self.frame.geometry.to_numpy()),
            encodings=self.encodings,
        )

    def raw(self) -> Raw:
        """Return the rows, with the problems met on the way; beyond 1 000 they are counted."""
        problems = self.problems
        if len(problems) > MOST_PROBLEMS:
            more = len(problems) - MOST_PROBLEMS
            where = problems[0].layer
            said = Problem(where, "", "problems", f"… and {more:,} more", zh=f"……另有 {more:,} 处")
            problems = (*problems[:MOST_PROBLEMS], said)
        return Raw(self.frame, self.crs, problems)

    def with_problems(self, more: Iterable[Problem | None]) -> "Rows":
        """Return the rows with further problems before their own."""
        said = tuple(problem for problem in more if problem is not None)
        return replace(self, problems=(*said, *self.problems))


def rows(
    name: str,
    columns: Columns,
    geometry: Geometries,
    where: str,
    limits: Limits,
    *,
    crs: str = "",
    dates: Iterable[str] = (),
) -> Rows:
    """Make the rows of a part from its columns and its geometry (None where a row has none).

    Numbers stay, yes and no become 1 and 0, dates ISO text, and all else text; lists and tables
    become JSON. Doubled names are numbered. Collections of one kind of geometry become multi-part
    ones; mixed ones and geometry with a coordinate that is no number become None, with a Problem.
    Raises InputError where there are more vertices than the limits allow.
    """
    check_vertices(int(shapely.get_num_coordinates(geometry).sum()), name, where, limits)
    geometry, types, problems = _clean(geometry, where)
    dated = set(dates)
    values: dict[str, Any] = {}
    renamed_dates = set()
    for column, raw in columns.items():
        own = unique_name(column, [*values, GEOMETRY])
        series, is_date = _column(raw)
        if is_date or (column in dated and _is_text(series)):
            renamed_dates.add(own)
        values[own] = series.array  # by place, whatever its index
    frame = gpd.GeoDataFrame(
        values, geometry=geometry, index=pd.RangeIndex(1, len(geometry) + 1, name="row")
    )
    return Rows(name, frame, crs, types, frozenset(renamed_dates), tuple(problems))


def check_features(count: int, name: str, where: str, limits: Limits) -> None:
    """Refuse a part of more features than the limits allow; `name` is the part's."""
    if count > limits.features:
        raise refusal(
            where,
            "features",
            f"'{name}' has more than {limits.features:,} features; split the file, or raise"
            " [pack.limits].features in layers.toml",
            zh=f"“{name}”的要素超过上限 {limits.features:,} 个；"
            "请拆分文件，或在 layers.toml 的 [pack.limits] 中调高 features",
        )


def check_vertices(count: int, name: str, where: str, limits: Limits) -> None:
    """Refuse a part of more vertices than the limits allow; `name` is the part's."""
    if count > limits.vertices:
        raise refusal(
            where,
            "vertices",
            f"'{name}' has {count:,} vertices, at most {limits.vertices:,} are read; split or"
            " simplify the file, or raise [pack.limits].vertices in layers.toml",
            zh=f"“{name}”有 {count:,} 个节点，上限 {limits.vertices:,} 个；"
            "请拆分或简化文件，或在 layers.toml 的 [pack.limits] 中调高 vertices",
        )


def chosen(names: Sequence[str], part: str, where: str) -> int:
    """Return which of the parts is chosen; the only one where the choice names none.

    Raises InputError where the name is not there, or there are several to choose from.
    """
    if part in names:
        return names.index(part)
    if not part and len(names) == 1:
        return 0
    shown = ", ".join(f"'{name}'" for name in names[:20])
    listed = "、".join(f"“{name}”" for name in names[:20])
    message = f"there is no part '{part}'" if part else "it holds several parts; choose one"
    zh = f"没有名为“{part}”的部分" if part else "包含多个部分，请选择其一"
    raise refusal(where, "part", f"{message}; the parts are {shown}", zh=f"{zh}；可选：{listed}")


def unique_name(name: str, taken: Sequence[str]) -> str:
    """Return a name that is not taken yet, numbered where it has to be.

    >>> unique_name("名称", ["名称", "名称 (2)"])
    '名称 (3)'
    """
    base = name.strip() or "?"
    own, number = base, 1
    while own in taken:
        number += 1
        own = f"{base} ({number})"
    return own


def from_wkb(wkb: NDArray[np.object_], where: str) -> tuple[Geometries, list[Problem]]:
    """Build geometry from WKB; what cannot be built becomes None, with a Problem."""
    geometry: Geometries = np.asarray(shapely.from_wkb(wkb, on_invalid="ignore"), dtype=object)
    had = np.array([item is not None and len(item) > 0 for item in wkb], dtype=bool)
    lost = np.flatnonzero(had & shapely.is_missing(geometry))
    return geometry, [unreadable_geometry(where, int(row) + 1) for row in lost]


def unreadable_geometry(where: str, row: int) -> Problem:
    """Say that the geometry of a row cannot be built."""
    return Problem(
        where,
        str(row),
        "geometry",
        "the geometry is damaged or of a kind that is not read; draw it anew or leave it out",
        zh="图形已损坏或类型不支持；请重画或删去",
    )


def _clean(geometry: Geometries, where: str) -> tuple[Geometries, dict[str, int], list[Problem]]:
    geometry = geometry.copy()
    problems = []
    types = shapely.get_type_id(geometry)
    for at in np.flatnonzero(types == _COLLECTION):
        geometry[at], fits = _flat(geometry[at])
        if not fits:
            problems.append(
                Problem(
                    where,
                    str(at + 1),
                    "geometry",
                    "the geometry is a collection of points, lines or polygons in one; split it",
                    zh="图形是点、线、面混合的集合（GeometryCollection）；请拆分",
                )
            )
    counts = _count_types(geometry)
    geometry[shapely.get_type_id(geometry) == _COLLECTION] = None
    coordinates, index = shapely.get_coordinates(geometry, return_index=True)
    for at in np.unique(index[~np.isfinite(coordinates).all(axis=1)]):
        if geometry[at].is_empty:
            continue
        geometry[at] = None
        problems.append(
            Problem(
                where,
                str(at + 1),
                "geometry",
                "a coordinate is not a finite number; draw it anew or leave it out",
                zh="坐标不是有限的数；请重画或删去",
            )
        )
    return geometry, counts, problems


def _count_types(geometry: Geometries) -> dict[str, int]:
    """Count the types of geometry, with and without heights, in the order of their first use."""
    present = geometry[~shapely.is_missing(geometry)]
    kinds = shapely.get_type_id(present) * 2 + shapely.has_z(present)
    found, first, counts = np.unique(kinds, return_index=True, return_counts=True)
    order = np.argsort(first)
    return {
        present[first[at]].geom_type + (" Z" if found[at] % 2 else ""): int(counts[at])
        for at in order
    }


def _flat(collection: shapely.Geometry) -> tuple[shapely.Geometry, bool]:
    """Turn a collection of one kind of geometry into a multi-part one, where it is one."""
    parts = [part for item in shapely.get_parts(collection) for part in shapely.get_parts(item)]
    kinds = {part.geom_type for part in parts}
    if len(kinds) != 1 or kinds == {"GeometryCollection"}:
        return collection, False
    build = _MULTI.get(kinds.pop(), shapely.multipolygons)
    return build(parts), True


def _column(raw: Sequence[Any] | NDArray[Any]) -> tuple[pd.Series, bool]:
    """Return a column of numbers or of text, and whether its texts were made of dates."""
    series = pd.Series(raw if isinstance(raw, np.ndarray) else np.array([*raw, None], object)[:-1])
    if series.dtype.kind == "M":
        return _texts(series, _date_text), True
    if series.dtype.kind == "b":
        return series.astype("int64"), False
    if series.dtype.kind in "iuf":
        return series, False
    present = series.dropna()
    if len(present) and all(isinstance(value, _NUMBERS) for value in present):
        numbers = [float(value) for value in present if abs(value) <= _EXACT]
        if len(numbers) == len(present):
            whole = len(present) == len(series) and not any(isinstance(v, float) for v in present)
            return series.astype("int64" if whole else "float64"), False
    return _texts(series, _text), False


def _texts(series: pd.Series, text_of: Callable[[Any], str | None]) -> pd.Series:
    """Turn values into text; as many are alike, each different one once."""
    try:
        codes, different = pd.factorize(series.to_numpy(dtype=object))
    except TypeError:  # lists and tables
        return pd.Series([text_of(value) for value in series], dtype=object)
    texts = np.array([*(text_of(value) for value in different), None], dtype=object)
    return pd.Series(texts[codes], dtype=object)  # the code of what is missing is -1: the last


def _text(value: object) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, str):
        text = value
    elif isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        text = str(int(value))
    elif isinstance(value, bool | list | dict):
        text = json.dumps(value, ensure_ascii=False, default=str)
    else:
        text = str(value)
    text = text.replace("\0", "").strip()
    return text.encode("utf-8", "replace").decode() or None  # half a surrogate pair is no letter


def _date_text(value: Any) -> str | None:  # noqa: ANN401 - any kind of date
    if pd.isna(value):
        return None
    return iso_date(pd.Timestamp(value).isoformat())


def iso_date(text: str) -> str:
    """Write a date as ISO does, without a midnight that nobody meant.

    >>> iso_date("2023/05/01 00:00:00"), iso_date("2023-05-01T08:30:00.000+08:00")
    ('2023-05-01', '2023-05-01T08:30:00+08:00')
    """
    text = _EMPTY_FRACTION.sub("", _MIDNIGHT.sub("", text.strip()))
    return re.sub(r"^(\d{4})/(\d{2})/(\d{2})", r"\1-\2-\3", text)


def _is_text(series: pd.Series) -> bool:
    return bool(series.dtype.kind not in "iuf")


def _field(series: pd.Series, *, is_date: bool) -> SourceField:
    present = series[series.notna()]
    kind: FieldKind = "text" if _is_text(series) else "number"
    samples = (_text(value) or "" for value in present.drop_duplicates().head(_MOST_SAMPLES))
    return SourceField(
        name=str(series.name),
        kind="date" if is_date else kind,
        samples=tuple(text[:_SAMPLE_LETTERS] for text in samples),
        missing=int(series.isna().sum()),
    )


def bounds_of(geometry: Geometries) -> tuple[float, float, float, float] | None:
    """West, south, east and north of geometry, None where there is none that has a place."""
    bounds = shapely.bounds(geometry)
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    if not len(bounds):
        return None
    west, south = (float(side) for side in bounds[:, :2].min(axis=0))
    east, north = (float(side) for side in bounds[:, 2:].max(axis=0))
    return west, south, east, north
