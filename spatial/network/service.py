"""What lies within walking reach of stops: stretches of lines, and the land beside them."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.geometry.discs import QUAD_SEGS
from spatial.geometry.edges import Shapes
from spatial.geometry.lattice import Floats, Integers
from spatial.measurement import Lines, Metres, Points, Polygons
from spatial.network.graph import Network
from spatial.network.snap import snap
from spatial.network.walk import SNAP_LIMIT_M, Reach, reach_from


def service_lines(
    stops: Points,
    network: Network,
    *,
    radius_m: Metres,
    snap_limit_m: Metres = SNAP_LIMIT_M,
    count_snap: bool = False,
) -> Lines:
    """Show which stretches of a network lie within a walking distance of a stop.

    Lines are cut at exactly `radius_m`. One row a stretch, with the id of the `line` that it is
    part of and its `length_m`; no stretch is listed twice. Snapping is that of `network_distance`.

    >>> from shapely import LineString, Point
    >>> from spatial.network import walking_network
    >>> street = gpd.GeoDataFrame(index=["A"], geometry=[LineString([(0, 0), (900, 0)])],
    ...     crs="EPSG:4548")
    >>> stops = gpd.GeoDataFrame(index=["S"], geometry=[Point(100, 5)], crs="EPSG:4548")
    >>> service_lines(stops, walking_network(street), radius_m=300)["length_m"].tolist()
    [400.0]
    """
    points = shapely.get_coordinates(stops.geometry)
    starts = snap(points, network, snap_limit_m)
    reach = reach_from(starts, network, limit_m=radius_m, count_snap=count_snap)
    edge, from_, to = _stretches(reach, network, radius_m)
    index = pd.RangeIndex(1, len(edge) + 1, name="stretch")
    return gpd.GeoDataFrame(
        {
            "line": pd.Series(network.line[edge], index=index, dtype=str),
            "length_m": pd.Series(to - from_, index=index, dtype="float64"),
        },
        geometry=network.stretches(edge, from_, to),
        crs=network.crs,
    )


def service_area(lines: Lines, *, width_m: Metres, quad_segs: int = QUAD_SEGS) -> Polygons:
    """Show the land beside stretches of a network: all that is within `width_m` of them.

    A service area has no width of its own: the walk ends on the line. `width_m` says how far to
    either side of it (and beyond its end) a building or an entrance is taken to be reached; the
    area grows with it, so it is to be stated beside every figure. One row a polygon, largest
    first, with its `area_m2`. Bends and ends are round, of `quad_segs` segments a quarter circle.

    >>> from shapely import LineString
    >>> reached = gpd.GeoDataFrame(geometry=[LineString([(0, 0), (90, 0)])], crs="EPSG:4548")
    >>> service_area(reached, width_m=10)["area_m2"].tolist()   # 90 × 20, and a disc of 10 m
    [2114.1...]
    """
    # A buffer of all lines at once would take many times as long, one of each stretch some times.
    beside = shapely.buffer(_strokes(lines.geometry.to_numpy()), width_m, quad_segs=quad_segs)
    land = shapely.get_parts(shapely.union_all(beside))
    west, south, _, _ = shapely.bounds(land).T
    land = land[np.lexsort((south, west, -shapely.area(land)))]
    return gpd.GeoDataFrame(
        {"area_m2": shapely.area(land)},
        geometry=land,
        crs=lines.crs,
        index=pd.RangeIndex(1, len(land) + 1, name="place"),
    )


def _strokes(lines: Shapes) -> Shapes:
    """Lines with those joined that go on in about the same direction, as streets do at a crossing.

    Only lines that meet nothing else can be joined: where two streets cross they do not, of those
    that run rather along x or rather along y. What has no length is a place and stays as it is.
    """
    parts = shapely.get_parts(lines)
    long = shapely.length(parts) > 0
    places, parts = parts[~long], parts[long]
    ahead = np.abs(
        shapely.get_coordinates(shapely.get_point(parts, -1))
        - shapely.get_coordinates(shapely.get_point(parts, 0))
    )
    along_x = ahead[:, 0] > ahead[:, 1]
    streets = [shapely.multilinestrings(parts[some]) for some in (along_x, ~along_x)]
    joined = shapely.get_parts(shapely.line_merge(streets))
    strokes: Shapes = np.concatenate([places, *_opened(joined)])
    return strokes


def _opened(lines: Shapes) -> tuple[Shapes, Shapes, Shapes]:
    """Lines that are open, and the first step and the rest of those that end where they begin.

    A closed line has its land taken for that beside a ring. One that runs back on itself, as a
    street drawn twice does when it is joined, has no inside, and would lose land.
    """
    closed = shapely.is_closed(lines)
    courses = [shapely.get_coordinates(line) for line in lines[closed]]
    first = [shapely.linestrings(course[:2]) for course in courses]
    rest = [shapely.linestrings(course[1:]) for course in courses]
    return lines[~closed], np.array(first, dtype=object), np.array(rest, dtype=object)


def _stretches(reach: Reach, network: Network, radius_m: float) -> tuple[Integers, Floats, Floats]:
    """Edges and from where to where along them the way is at most the radius.

    Stops divide their edges; each part between a node or stop and the next is reached from both
    its ends.
    """
    near = np.minimum(reach.node_m[network.begin], reach.node_m[network.end]) < radius_m
    near[reach.edge] = True
    edges = np.flatnonzero(near)
    edge = np.concatenate([edges, reach.edge, edges])
    at = np.concatenate([np.zeros(len(edges)), reach.along_m, network.length_m[edges]])
    metres = np.concatenate(
        [reach.node_m[network.begin[edges]], reach.stop_m, reach.node_m[network.end[edges]]]
    )
    kind = np.repeat([0, 1, 2], [len(edges), len(reach.edge), len(edges)])
    order = np.lexsort((kind, at, edge))
    edge, at, left = edge[order], at[order], np.maximum(radius_m - metres[order], 0.0)
    part = np.flatnonzero(edge[1:] == edge[:-1])
    low, high, edge = at[part], at[part + 1], edge[part]
    ahead = np.minimum(low + left[part], high)
    back = np.maximum(high - left[part + 1], low)
    all_ = ahead >= back
    from_ = np.concatenate([low, back[~all_]])
    to = np.concatenate([np.where(all_, high, ahead), high[~all_]])
    return _joined(np.concatenate([edge, edge[~all_]]), from_, to)


def _joined(edge: Integers, from_: Floats, to: Floats) -> tuple[Integers, Floats, Floats]:
    """Stretches in order along their edges, those that meet made one, none without length."""
    long = to > from_
    edge, from_, to = edge[long], from_[long], to[long]
    order = np.lexsort((from_, edge))
    edge, from_, to = edge[order], from_[order], to[order]
    fresh = np.ones(len(edge), dtype=bool)
    fresh[1:] = (edge[1:] != edge[:-1]) | (from_[1:] > to[:-1])
    return edge[fresh], from_[fresh], to[np.roll(fresh, -1)]
