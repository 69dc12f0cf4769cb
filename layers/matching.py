"""What in a file may be the same thing as in a trusted layer: by name, by nearness, by outline.

All positions are arrays of (easting, northing) in metres, one row each.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

Metres: TypeAlias = NDArray[np.float64]
Numbers: TypeAlias = NDArray[np.int64]

REACH_M = 2_000.0
"""How far from its true place a thing is looked for: BD-09 is off by 1.4 km at most."""
SAME_NAME_M = 300.0
"""The two stops of one name on both sides of a road are one place; farther apart they are not."""
SAME_AREA = 1.25
"""Polygons of one name are compared where neither is larger than this many times the other."""
MOST_SAMPLES = 400
MOST_VERTICES = 2_000_000
_MOST_OUTER = 20_000
_DENSE_M = 30.0
_MOST_DENSE = 200_000
_NARROW_M = 20.0
"""Between neighbours in a mosaic; a wider gap is an edge."""
_POLYGON = 2
_MOST_TEXT_COLUMNS = 12
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|【[^】]*】|<[^<>]*>")
_TAIL = re.compile(
    r"(?<=\w\w)(地铁站|轻轨站|轨道站|火车站|公交站|车站|站|metrostation|subwaystation|railwaystation|station|stop)$"
)
_NO_LETTER = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Places of the file, and for each the place that a trusted layer gives under its name."""

    own: Metres
    trusted: Metres


@dataclass(frozen=True, slots=True, eq=False)
class Clouds:
    """Places of the file and of a trusted layer, of which nobody knows which are the same.

    Of the smaller side, `few` are looked for among the `many` of the other; `own_few` says that
    the few are the file's.
    """

    few: Metres
    many: Metres
    own_few: bool


def plain_name(name: str) -> str:
    """Reduce a name to what two sources agree on: width, case, brackets, spaces, the word station.

    >>> plain_name("国山路站（2号线）"), plain_name("国山路 地铁站"), plain_name("站前")
    ('国山路', '国山路', '站前')
    """
    text = unicodedata.normalize("NFKC", name).casefold()
    text = _NO_LETTER.sub("", _BRACKETS.sub("", text) or text)
    return _TAIL.sub("", text)


def same_names(
    own: gpd.GeoDataFrame, trusted: gpd.GeoDataFrame, *, columns: Sequence[str] = ()
) -> Pairs | None:
    """Pair points, or polygons by their centroids, that bear the same name.

    Both frames are in metres. `columns` says where the names of `own` stand; without it every
    column of text is tried against every one of `trusted`, and the two that share most names
    are taken. None where nothing shares a name.
    """
    own_lists = _name_lists(own, columns)
    trusted_lists = _name_lists(trusted, ())
    best: pd.DataFrame | None = None
    for own_names in own_lists:
        for trusted_names in trusted_lists:
            if not set(own_names) & set(trusted_names):
                continue
            there = _places_by_name(trusted, trusted_names).add_suffix("_trusted")
            both = _places_by_name(own, own_names).join(there, how="inner")
            ratio = both["area"] / both["area_trusted"]
            both = both[ratio.between(1 / SAME_AREA, SAME_AREA) | (both["area"] == 0)]
            if best is None or len(both) > len(best):
                best = both
    if best is None or best.empty:
        return None
    return Pairs(best[["x", "y"]].to_numpy(), best[["x_trusted", "y_trusted"]].to_numpy())


def clouds(own: Metres, trusted: Metres) -> Clouds:
    """Set places of a file against those of a trusted layer; a sample of the smaller side.

    Places of the file that lie outside the reach of all trusted ones are left out.
    """
    own, trusted = np.unique(own, axis=0), np.unique(trusted, axis=0)
    if len(trusted):
        low, high = trusted.min(axis=0) - REACH_M, trusted.max(axis=0) + REACH_M
        own = own[((own >= low) & (own <= high)).all(axis=1)]
    if len(own) <= len(trusted):
        return Clouds(_sample(own, MOST_SAMPLES), trusted, own_few=True)
    return Clouds(_sample(trusted, MOST_SAMPLES), own, own_few=False)


def dense_edges(geometries: NDArray[np.object_]) -> Metres:
    """Return points along all lines and boundaries, as close as a shift is told by.

    Empty where there would be too many: what is everywhere shows no shift.
    """
    lines = _lines(geometries)
    if float(shapely.length(lines).sum()) > _DENSE_M * _MOST_DENSE:
        return np.empty((0, 2))
    return _along(lines, _DENSE_M)[0]


def sparse_edges(geometries: NDArray[np.object_], *, outer: bool) -> Metres:
    """Return as many points along lines and boundaries as it takes to know their shape again.

    `outer` leaves out boundaries that another polygon lies behind: the outline of a mosaic is
    what can be compared with that of a district.
    """
    if not outer or not (shapely.get_dimensions(geometries) == _POLYGON).any():
        lines = _lines(geometries)
        return _along(lines, float(shapely.length(lines).sum()) / MOST_SAMPLES)[0]
    polygons = shapely.get_parts(geometries[shapely.get_dimensions(geometries) == _POLYGON])
    rings = shapely.get_exterior_ring(polygons)
    spacing_m = max(float(shapely.length(rings).sum()) / _MOST_OUTER, _NARROW_M / 4)
    points, ring, step = _along(rings, spacing_m)
    # To the right of its direction is the outside of a ring that runs counter-clockwise.
    side = np.where(shapely.is_ccw(rings), 1.0, -1.0)[ring] * _NARROW_M
    length = np.hypot(*step.T)
    behind = points + np.column_stack([step[:, 1], -step[:, 0]]) * (side / length)[:, None]
    _, covered = shapely.STRtree(shapely.points(behind)).query(polygons, predicate="intersects")
    free = np.ones(len(points), dtype=bool)
    free[covered] = False
    return _sample(points[free], MOST_SAMPLES)


def _lines(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Lines as they are and polygons' boundaries, in single parts."""
    dimension = shapely.get_dimensions(geometries)
    boundaries = shapely.boundary(geometries[dimension == _POLYGON])
    lines = np.concatenate([geometries[dimension == 1], boundaries])
    parts: NDArray[np.object_] = shapely.get_parts(lines)
    if int(shapely.get_num_coordinates(parts).sum()) > MOST_VERTICES:
        return parts[:0]
    return parts


def _along(lines: NDArray[np.object_], spacing_m: float) -> tuple[Metres, Numbers, Metres]:
    """Points evenly spaced over lines taken together, the line of each, and its segment's step."""
    coordinates, line = shapely.get_coordinates(lines, return_index=True)
    step = np.diff(coordinates, axis=0)
    length = np.hypot(*step.T)
    real = (line[1:] == line[:-1]) & (length > 0)
    start, step, length, line = coordinates[:-1][real], step[real], length[real], line[1:][real]
    end = np.cumsum(length)
    if not len(end):
        return np.empty((0, 2)), np.empty(0, dtype=np.int64), np.empty((0, 2))
    at = np.arange(spacing_m / 2, end[-1], spacing_m)
    segment = np.minimum(np.searchsorted(end, at), len(end) - 1)
    part = 1 - (end[segment] - at) / length[segment]
    return start[segment] + step[segment] * part[:, None], line[segment], step[segment]


def _sample(points: Metres, most: int) -> Metres:
    if len(points) <= most:
        return points
    chosen: Metres = points[np.linspace(0, len(points) - 1, most).round().astype(int)]
    return chosen


def _name_lists(frame: gpd.GeoDataFrame, columns: Sequence[str]) -> list[list[str]]:
    """Plain names of the features, one list per column of text that has any."""
    chosen = [column for column in columns if column in frame] or [
        column for column in frame.columns if column != frame.geometry.name
    ]
    lists = []
    for column in chosen:
        values = frame[column].tolist()
        if not any(isinstance(value, str) for value in values):
            continue
        plain = {v: plain_name(v) for v in set(values) if isinstance(v, str)}
        names = [plain[v] if isinstance(v, str) else "" for v in values]
        lists.append([name if len(name) > 1 and not name.isdigit() else "" for name in names])
        if len(lists) == _MOST_TEXT_COLUMNS:
            break
    return lists


def _places_by_name(frame: gpd.GeoDataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Where each name lies: x, y, and the area of its polygons; scattered points are left out."""
    geometries = frame.geometry.to_numpy()
    centre = shapely.get_coordinates(shapely.centroid(geometries))
    area = shapely.area(geometries)
    weight = np.where(area > 0, area, 1.0)
    table = pd.DataFrame(
        {
            "name": list(names),
            "weight": weight,
            "area": area,
            "wx": centre[:, 0] * weight,
            "wy": centre[:, 1] * weight,
            "x": centre[:, 0],
            "y": centre[:, 1],
        }
    )
    groups = table[table["name"] != ""].groupby("name")
    total = groups[["weight", "area", "wx", "wy"]].sum()
    extent = groups[["x", "y"]].max() - groups[["x", "y"]].min()
    total["x"], total["y"] = total["wx"] / total["weight"], total["wy"] / total["weight"]
    together = np.hypot(extent["x"], extent["y"]) <= SAME_NAME_M
    return total.loc[together | (total["area"] > 0), ["x", "y", "area"]]
