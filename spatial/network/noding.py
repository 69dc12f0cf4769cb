"""From drawn lines to a network: where lines meet."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.geometry.edges import Shapes
from spatial.geometry.lattice import Floats, Integers
from spatial.measurement import Lines
from spatial.network.graph import Network, along_runs

_GROUND = 0
_LINE = 1


def walking_network(
    lines: Lines,
    *,
    tolerance_m: float = 0.0,
    crossings: bool = False,
    level_column: str | None = None,
) -> Network:
    """Make a network of lines that can be walked.

    Lines meet where they share a vertex, as the ways of OpenStreetMap do; two that cross without
    one, a bridge and the road below, do not. For lines drawn otherwise:

    - `tolerance_m`: ends of lines that lie this close to each other become one; an end that meets
      nothing is led to the nearest line this close.
    - `crossings`: lines also meet where they cross or touch, but only lines of one level (the
      numbers in `level_column`, missing for the ground) do so. Lines on top of each other become
      one.

    Rivers, railways and expressways are barriers because no line that can be walked crosses them:
    leave out what cannot be walked before.

    >>> from shapely import LineString
    >>> streets = gpd.GeoDataFrame(index=["A", "B"], crs="EPSG:4548", geometry=[
    ...     LineString([(0, 0), (100, 0)]), LineString([(50, -50), (50, 50)])])
    >>> len(walking_network(streets).x), len(walking_network(streets, crossings=True).x)
    (4, 5)
    """
    parts, owner = lines.geometry.to_numpy(), np.arange(len(lines))
    if (shapely.get_type_id(parts) != _LINE).any():
        parts, owner = shapely.get_parts(parts, return_index=True)
    there = ~shapely.is_empty(parts)
    parts, owner = parts[there], owner[there]
    level = _levels(lines, level_column)[owner]
    if tolerance_m > 0 and len(parts):
        parts = _ends_joined(parts, tolerance_m)
        parts = _ends_led(parts, level, tolerance_m)
    if crossings and len(parts):
        parts, owner = _crossed(parts, owner, level)
    ids = lines.index.astype(str).to_numpy(dtype=object)[owner]
    xy, points = shapely.get_coordinates(parts), shapely.get_num_coordinates(parts)
    return Network.of(xy, points.astype(np.int64), ids, lines.crs)


def _levels(lines: gpd.GeoDataFrame, column: str | None) -> Integers:
    if column is None:
        return np.full(len(lines), _GROUND, dtype=np.int64)
    levels: Integers = pd.to_numeric(lines[column]).fillna(_GROUND).to_numpy(dtype=np.int64)
    return levels


def _ends(parts: Shapes) -> tuple[Floats, Integers, Integers]:
    """Coordinates of all lines, and the numbers of their first and last points."""
    count = shapely.get_num_coordinates(parts)
    last = np.cumsum(count) - 1
    return shapely.get_coordinates(parts), last - count + 1, last


def _ends_joined(parts: Shapes, tolerance_m: float) -> Shapes:
    """Lines whose ends that lie close together are moved to the first of them from the west."""
    from scipy.sparse import coo_array  # noqa: PLC0415 - see graph.py
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415
    from scipy.spatial import cKDTree  # noqa: PLC0415

    xy, first, last = _ends(parts)
    at = np.concatenate([first, last])
    ends = np.unique(xy[at], axis=0)
    pairs = cKDTree(ends).query_pairs(tolerance_m, output_type="ndarray")
    size = len(ends)
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    _, group = connected_components(links, directed=False)
    _, leader = np.unique(group, return_index=True)  # ends are in order of their coordinates
    _, number = cKDTree(ends).query(xy[at])
    xy[at] = ends[leader[group[number]]]
    return _lines(xy, last - first + 1)


def _ends_led(parts: Shapes, level: Integers, tolerance_m: float) -> Shapes:
    """Lines with a vertex more where an end of another, that meets nothing, comes close to them."""
    xy, first, last = _ends(parts)
    at = np.concatenate([first, last])
    line = np.concatenate([np.arange(len(parts)), np.arange(len(parts))])
    _, spot, count = np.unique(xy, axis=0, return_inverse=True, return_counts=True)
    loose = count[spot[at]] == 1
    at, line = at[loose], line[loose]
    ends = shapely.points(xy[at])
    near, other = shapely.STRtree(parts).query(ends, predicate="dwithin", distance=tolerance_m)
    apart = (line[near] != other) & (level[line[near]] == level[other])
    near, other = near[apart], other[apart]
    distance = shapely.distance(ends[near], parts[other])
    order = np.lexsort((other, distance, near))
    _, nearest = np.unique(near[order], return_index=True)
    near, other = near[order][nearest], other[order][nearest]
    along = shapely.line_locate_point(parts[other], ends[near])
    place = shapely.get_coordinates(shapely.line_interpolate_point(parts[other], along))
    walked, _ = along_runs(xy[:, 0], xy[:, 1], first, last - first + 1)
    before = [
        first[number] + np.searchsorted(walked[first[number] : last[number] + 1], metres)
        for number, metres in zip(other, along, strict=True)
    ]
    order = np.lexsort((along, other, before))
    xy[at[near]] = place
    xy = np.insert(xy, np.array(before, dtype=np.int64)[order], place[order], axis=0)
    more = np.bincount(other, minlength=len(parts))
    return _lines(xy, last - first + 1 + more)


def _crossed(parts: Shapes, owner: Integers, level: Integers) -> tuple[Shapes, Integers]:
    """Lines cut where they cross another of their level, and the owner of each piece."""
    pieces, owners = [], []
    for number in np.unique(level):
        some = np.flatnonzero(level == number)
        cut = shapely.get_parts(shapely.union_all(parts[some]))
        middle = shapely.line_interpolate_point(cut, 0.5, normalized=True)
        row, near = shapely.STRtree(parts[some]).query_nearest(middle)
        row, first = np.unique(row, return_index=True)
        pieces.append(cut)
        owners.append(owner[some[near[first]]])
    return np.concatenate(pieces), np.concatenate(owners)


def _lines(xy: Floats, count: Integers) -> Shapes:
    lines: Shapes = shapely.linestrings(xy, indices=np.repeat(np.arange(len(count)), count))
    return lines
