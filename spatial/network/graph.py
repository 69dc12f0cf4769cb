"""A network: nodes, edges between them, and the course of each edge."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from spatial.geometry.lattice import Flags, Floats, Integers, spread
from spatial.measurement import LINE

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Nodes = NDArray[np.int32]

FAN = 8
_FINEST = 2**31
_SPREAD_BITS = tuple(
    (np.uint64(shift), np.uint64(mask))
    for shift, mask in (
        (16, 0x0000FFFF0000FFFF),
        (8, 0x00FF00FF00FF00FF),
        (4, 0x0F0F0F0F0F0F0F0F),
        (2, 0x3333333333333333),
        (1, 0x5555555555555555),
    )
)
"""Steps that put a nought between the bits of a number of 32 bits."""


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Edges that can be walked both ways, meeting in nodes.

    Node k lies at (`x[k]`, `y[k]`) and belongs to the connected part `component[k]`. Edge k runs
    from node `begin[k]` to node `end[k]`, is `length_m[k]` long and was cut from the line with the
    id `line[k]`; its course are the points `first[k]` to `first[k] + points[k]` of `path_x` and
    `path_y`, each `along_m` from where the edge begins. `graph` holds the shortest edge between
    each two nodes, both ways. Neighbours have near numbers: `boxes` are those of the edges (west,
    south, east, north), then those of FAN boxes of the level before, until they are few. All in
    metres; two lines that cross without a node (a bridge) do not meet.
    """

    crs: CRS
    x: Floats
    y: Floats
    component: Nodes
    begin: Nodes
    end: Nodes
    length_m: Floats
    line: NDArray[Any]
    first: Integers
    points: Integers
    path_x: Floats
    path_y: Floats
    along_m: Floats
    graph: "csr_array"
    boxes: tuple[Floats, ...]

    @classmethod
    def of(cls, xy: Floats, points: Integers, line: NDArray[Any], crs: CRS) -> "Network":
        """Make a network of runs of coordinates: `points[k]` of `xy` for the line `line[k]`.

        Runs meet where they have a vertex in common; there, and at their ends, are the nodes.
        """
        xy, points, line = _without_repeats(xy, points, line)
        spot, node_xy, is_node = _nodes(xy, points)
        at = np.flatnonzero(is_node)
        run = np.repeat(np.arange(len(points)), points)[at]
        inner = run[1:] == run[:-1]
        start, stop = at[:-1][inner], at[1:][inner]
        count = stop - start + 1
        x, y = np.ascontiguousarray(xy[spread(start, count)].T)
        _, length = along_runs(x, y, np.cumsum(count) - count, count)
        # Edges are numbered by their nodes, nodes by where they lie: see `boxes`.
        pair = np.sort([spot[start], spot[stop]], axis=0)
        order = np.lexsort((length, pair[0] * len(node_xy) + pair[1]))
        start, count, pair, length = start[order], count[order], pair[:, order], length[order]
        first = np.cumsum(count) - count
        x, y = np.ascontiguousarray(xy[spread(start, count)].T)
        along, _ = along_runs(x, y, first, count)
        graph = _graph(pair, length, len(node_xy))
        node_x, node_y = np.ascontiguousarray(node_xy.T)
        return cls(
            crs=crs,
            x=node_x,
            y=node_y,
            component=_components(graph),
            begin=spot[start].astype(np.int32),
            end=spot[stop[order]].astype(np.int32),
            length_m=length,
            line=line[run[:-1][inner][order]],
            first=first,
            points=count,
            path_x=x,
            path_y=y,
            along_m=along,
            graph=graph,
            boxes=_levels(_boxes(x, y, first)),
        )

    def courses(self, edges: Integers) -> NDArray[Any]:
        """Lines along edges."""
        count = self.points[edges]
        path = spread(self.first[edges], count)
        xy = np.stack([self.path_x[path], self.path_y[path]], axis=1)
        lines: NDArray[Any] = shapely.linestrings(
            xy, indices=np.repeat(np.arange(len(edges)), count)
        )
        return lines

    def stretches(self, edges: Integers, from_m: Floats, to_m: Floats) -> NDArray[Any]:
        """Lines along stretches of edges, from and to a distance from where the edge begins."""
        count = self.points[edges]
        row = np.repeat(np.arange(len(edges)), count)
        path = spread(self.first[edges], count)
        along = self.along_m[path]
        inner = (along > from_m[row]) & (along < to_m[row])
        row, path = row[inner], path[inner]
        rows = np.concatenate([np.arange(len(edges)), row, np.arange(len(edges))])
        along = np.concatenate([from_m, self.along_m[path], to_m])
        xy = np.concatenate(
            [
                self.places(edges, from_m),
                np.stack([self.path_x[path], self.path_y[path]], axis=1),
                self.places(edges, to_m),
            ]
        )
        order = np.lexsort((along, rows))
        lines: NDArray[Any] = shapely.linestrings(xy[order], indices=rows[order])
        return lines

    def places(self, edges: Integers, at_m: Floats) -> Floats:
        """Coordinates (n, 2) of the places at a distance from where their edge begins."""
        count = self.points[edges]
        path = spread(self.first[edges], count)
        row = np.repeat(np.arange(len(edges)), count)
        passed = np.bincount(row, self.along_m[path] <= at_m[row], minlength=len(edges))
        last = self.first[edges] + np.clip(passed.astype(np.int64) - 1, 0, count - 2)
        step = self.along_m[last + 1] - self.along_m[last]
        share = np.clip((at_m - self.along_m[last]) / step, 0.0, 1.0)
        x = self.path_x[last] * (1 - share) + self.path_x[last + 1] * share
        return np.stack(
            [x, self.path_y[last] * (1 - share) + self.path_y[last + 1] * share], axis=1
        )


Walkways = Annotated[Network, LINE]
"""A layer of lines as a network that can be walked; lines meet where they share a vertex."""


def _without_repeats(
    xy: Floats, points: Integers, line: NDArray[Any]
) -> tuple[Floats, Integers, NDArray[Any]]:
    """Runs without points that repeat the one before, and without those of no length."""
    run = np.repeat(np.arange(len(points)), points)
    kept = np.ones(len(xy), dtype=bool)
    kept[1:] = (xy[1:] != xy[:-1]).any(axis=1) | (run[1:] != run[:-1])
    points = np.bincount(run[kept], minlength=len(points))
    long = points > 1
    return xy[kept & long[run]], points[long], line[long]


def _nodes(xy: Floats, points: Integers) -> tuple[Integers, Floats, Flags]:
    """Number of the node at each point of runs, nodes' coordinates, and which points are nodes.

    Nodes are numbered by their coordinates, so that the order of the lines does not matter.
    """
    order = np.lexsort((xy[:, 1], xy[:, 0]))
    ordered = xy[order]
    fresh = np.ones(len(xy), dtype=bool)
    fresh[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    place = np.empty(len(xy), dtype=np.int64)
    place[order] = np.cumsum(fresh) - 1
    meeting = np.bincount(place, minlength=int(fresh.sum())) > 1
    last = np.cumsum(points) - 1
    meeting[place[last]] = meeting[place[last - points + 1]] = True
    xy = ordered[fresh][meeting]
    order = _winding(xy)
    number = np.empty(len(meeting), dtype=np.int64)
    number[np.flatnonzero(meeting)[order]] = np.arange(len(order))
    return number[place], xy[order], meeting[place]


def _winding(xy: Floats) -> Integers:
    """Order of points along a curve that keeps near what is near (Morton 1966)."""
    if not len(xy):
        return np.zeros(0, dtype=np.int64)
    size = np.ptp(xy, axis=0).max() or 1.0
    code = np.zeros(len(xy), dtype=np.uint64)
    for axis in (0, 1):
        bits = ((xy[:, axis] - xy[:, axis].min()) / size * _FINEST).astype(np.uint64)
        for shift, mask in _SPREAD_BITS:
            bits = (bits | bits << shift) & mask
        code |= bits << np.uint64(axis)
    return np.argsort(code, kind="stable")


def along_runs(x: Floats, y: Floats, first: Integers, count: Integers) -> tuple[Floats, Floats]:
    """Distance of each point from the first of its run, and lengths of runs."""
    step = np.zeros(len(x))
    step[1:] = np.hypot(np.diff(x), np.diff(y))
    step[first] = 0.0
    length = np.add.reduceat(step, first) if len(first) else np.zeros(0)
    # Each run takes back what the one before has added, so that rounding does not grow.
    step[first[1:]] = -length[:-1]
    along = np.cumsum(step)
    along -= np.repeat(along[first], count)
    along[first + count - 1] = length
    return along, length


def _graph(pair: Integers, length: Floats, nodes: int) -> "csr_array":
    """The shortest edge between each two nodes, both ways, of edges in order, no loops."""
    # Here and below: scipy's graphs take a while to load, which only who walks should wait for.
    from scipy.sparse import coo_array  # noqa: PLC0415

    one, other = pair
    fresh = one != other
    fresh[1:] &= (one[1:] != one[:-1]) | (other[1:] != other[:-1])
    one, other, length = one[fresh], other[fresh], length[fresh]
    rows, columns = np.append(one, other), np.append(other, one)
    cells = (rows.astype(np.int32), columns.astype(np.int32))
    return coo_array((np.append(length, length), cells), shape=(nodes, nodes)).tocsr()


def _components(graph: "csr_array") -> Nodes:
    """Number of the connected part that each node belongs to."""
    if not graph.shape[0]:
        return np.zeros(0, dtype=np.int32)
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    component: Nodes = connected_components(graph, directed=False)[1]
    return component


def _boxes(x: Floats, y: Floats, first: Integers) -> Floats:
    """Boxes of runs of points, none of them empty."""
    if not len(first):
        return np.zeros((0, 4))
    least = [np.minimum.reduceat(values, first) for values in (x, y)]
    most = [np.maximum.reduceat(values, first) for values in (x, y)]
    return np.stack([*least, *most], axis=1)


def _levels(boxes: Floats) -> tuple[Floats, ...]:
    """Boxes, and the boxes around FAN of them each, up to the last few."""
    levels = [boxes]
    while len(levels[-1]) > FAN:
        first = np.arange(0, len(levels[-1]), FAN)
        least = np.minimum.reduceat(levels[-1][:, :2], first)
        most = np.maximum.reduceat(levels[-1][:, 2:], first)
        levels.append(np.concatenate([least, most], axis=1))
    return tuple(levels)
