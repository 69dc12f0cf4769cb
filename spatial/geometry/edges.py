"""Polygons as signed edges, made ready for sums over pairs of edges."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.geometry.lattice import Flags, Floats, Integers, spread

Shapes = NDArray[Any]
"""An array of geometries."""

LOOP_EDGES = 64
"""A ring of more edges is taken apart into closed loops of about this many."""
FAN = 8
"""Edges, or chains of edges, that one link of a chain spans."""
_POLYGON = 3


@dataclass(frozen=True, slots=True)
class Rings:
    """The rings of polygons: closed runs of coordinates.

    Ring k has the points `first[k]` to `first[k] + edges[k]` of `x` and `y` and belongs to polygon
    `owner[k]`. The area under its edges (counted negative where an edge runs to the left), times
    `sign[k]`, is its area; negative for a hole. Which way a ring was drawn does not matter.
    """

    x: Floats
    y: Floats
    first: Integers
    edges: Integers
    owner: Integers
    sign: Floats

    @classmethod
    def of(cls, shapes: Shapes) -> "Rings":
        """Take polygons and multipolygons apart."""
        rings, owner, shell = _rings(shapes)
        points = shapely.get_num_coordinates(rings).astype(np.int64)
        x, y = np.ascontiguousarray(shapely.get_coordinates(rings).T)
        first = np.cumsum(points) - points
        # From the height of the first point: large coordinates would drown a small ring.
        height = y - np.repeat(y[first], points)
        under = np.zeros(len(x))
        under[:-1] = np.diff(x) * (height[1:] + height[:-1])
        under[first[1:] - 1] = 0.0  # not an edge: from the last point of a ring to the next ring
        area = np.add.reduceat(under, first) if len(first) else under
        sign = np.where((area > 0) == shell, 1.0, -1.0)
        return cls(x, y, first, points - 1, owner, sign)

    @property
    def start(self) -> Integers:
        """Number of the point that each edge starts from."""
        ends = np.ones(len(self.x), dtype=bool)
        ends[self.first + self.edges] = False
        return np.flatnonzero(ends)


@dataclass(frozen=True, slots=True)
class Loops:
    """Polygons as sums of small closed loops, each with a corner of its own as origin.

    Loop k belongs to polygon `owner[k]`, lies in the box from (`west`, `south`) to (`east`,
    `north`) and has the edges `first[k]` to `first[k] + edges[k]`. Edges run left to right from
    (`x0`, `y0`) to `x1` with a `slope`, in metres from the corner of their loop; the sum of the
    areas under them, each times its `sign`, is the area of the loop. A large ring is the sum of
    its chains of edges, each closed by its chord, and of the ring of the chords.
    """

    owner: Integers
    first: Integers
    edges: Integers
    west: Floats
    south: Floats
    east: Floats
    north: Floats
    x0: Floats
    x1: Floats
    y0: Floats
    slope: Floats
    sign: Floats

    @classmethod
    def of(cls, shapes: Shapes) -> "Loops":
        """Take polygons apart into loops of at most LOOP_EDGES edges and a chord."""
        parts = zip(*_loops(Rings.of(shapes)), strict=True)
        xa, ya, xb, yb, edges, owner, sign = (np.concatenate(part) for part in parts)
        order = np.argsort(owner, kind="stable")
        at = spread((np.cumsum(edges) - edges)[order], edges[order])
        xa, ya, xb, yb = xa[at], ya[at], xb[at], yb[at]
        edges, owner, sign = edges[order], owner[order], sign[order]
        first = np.cumsum(edges) - edges
        west, east = _least(xa, first), -_least(-xa, first)
        south, north = _least(ya, first), -_least(-ya, first)
        x, y = np.repeat(west, edges), np.repeat(south, edges)
        x0, x1, y0, slope, way = left_to_right(xa - x, ya - y, xb - x, yb - y)
        way *= np.repeat(sign, edges)
        return cls(owner, first, edges, west, south, east, north, x0, x1, y0, slope, way)

    def of_owners(self, owners: Integers) -> tuple[Integers, Integers]:
        """Number of each owner's loops, and of the first of them."""
        first = np.searchsorted(self.owner, owners)
        return np.searchsorted(self.owner, owners, side="right") - first, first


@dataclass(frozen=True, slots=True)
class Links:
    """One level of chains: each link spans `count` links of the level below, from `first` on.

    A link runs from (`xa`, `ya`) to (`xb`, `yb`) and all that it spans lies in its box.
    """

    xa: Floats
    ya: Floats
    xb: Floats
    yb: Floats
    west: Floats
    south: Floats
    east: Floats
    north: Floats
    first: Integers
    count: Integers

    def chained(self, first: Integers, count: Integers) -> "Links":
        """The level above, whose links span these runs."""
        last = first + count - 1
        west, east = _least(self.west, first), -_least(-self.east, first)
        south, north = _least(self.south, first), -_least(-self.north, first)
        begin, end = (self.xa[first], self.ya[first]), (self.xb[last], self.yb[last])
        return Links(*begin, *end, west, south, east, north, first, count)


@dataclass(frozen=True, slots=True)
class Chains:
    """The rings of polygons as chains of edges, in levels; level 0 are the edges themselves.

    Polygon k owns the links `first[k]` to `first[k] + count[k]` of the top level, one a ring, each
    with the `sign` of its ring.
    """

    levels: tuple[Links, ...]
    first: Integers
    count: Integers
    sign: Floats

    @classmethod
    def of(cls, shapes: Shapes) -> "Chains":
        """Chain the edges of each ring up."""
        rings = Rings.of(shapes)
        start = rings.start
        xa, ya, xb, yb = rings.x[start], rings.y[start], rings.x[start + 1], rings.y[start + 1]
        west, south, east, north = (
            np.minimum(xa, xb),
            np.minimum(ya, yb),
            np.maximum(xa, xb),
            np.maximum(ya, yb),
        )
        one = np.ones(len(xa), dtype=np.int64)
        links = Links(xa, ya, xb, yb, west, south, east, north, np.arange(len(xa)), one)
        levels, edges = [links], rings.edges
        while edges.max(initial=0) > 1:
            first, count = _blocks(edges, FAN)
            links = links.chained(first, count)
            levels.append(links)
            edges = -(-edges // FAN)
        count = np.bincount(rings.owner, minlength=len(shapes))
        return cls(tuple(levels), np.cumsum(count) - count, count, rings.sign)


def left_to_right(
    xa: Floats, ya: Floats, xb: Floats, yb: Floats
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Turn edges to run to the right: x0, x1, y0, slope, and -1 for those that were turned.

    The same edge of two neighbours, drawn in opposite directions, gives the same numbers.
    """
    back = xa > xb
    x0, x1 = np.where(back, xb, xa), np.where(back, xa, xb)
    y0, y1 = np.where(back, yb, ya), np.where(back, ya, yb)
    wide = np.where(x1 > x0, x1 - x0, 1.0)
    return x0, x1, y0, (y1 - y0) / wide, np.where(back, -1.0, 1.0)


def _rings(shapes: Shapes) -> tuple[Shapes, Integers, Flags]:
    """Rings of polygons (a polygon without holes stands for its own), owners, which are shells."""
    if (shapely.get_type_id(shapes) == _POLYGON).all():
        parts, owner = shapes, np.arange(len(shapes))
    else:
        parts, owner = shapely.get_parts(shapes, return_index=True)
    empty = shapely.is_empty(parts)
    if empty.any():
        parts, owner = parts[~empty], owner[~empty]
    if not shapely.get_num_interior_rings(parts).any():
        return parts, owner, np.ones(len(parts), dtype=bool)
    rings, part = shapely.get_rings(parts, return_index=True)
    return rings, owner[part], np.diff(part, prepend=-1) > 0


def _loops(rings: Rings) -> Iterator[Sequence[NDArray[Any]]]:
    """Loops of rings: coordinates of edges, then number of edges, owner and sign of each."""
    start, edges, owner, sign = rings.start, rings.edges, rings.owner, rings.sign
    ends = [rings.x[start], rings.y[start], rings.x[start + 1], rings.y[start + 1]]
    small = edges <= LOOP_EDGES
    while not small.all():
        there = np.repeat(small, edges)
        yield *(values[there] for values in ends), edges[small], owner[small], sign[small]
        ends = [values[~there] for values in ends]
        edges, owner, sign = edges[~small], owner[~small], sign[~small]
        first, count = _blocks(edges, LOOP_EDGES)
        last = first + count - 1
        chord = [ends[0][first], ends[1][first], ends[2][last], ends[3][last]]
        # Each chain is closed by its chord, run backwards.
        back = [chord[2], chord[3], chord[0], chord[1]]
        chains = [np.insert(run, last + 1, end) for run, end in zip(ends, back, strict=True)]
        blocks = -(-edges // LOOP_EDGES)
        yield *chains, count + 1, np.repeat(owner, blocks), np.repeat(sign, blocks)
        ends, edges = chord, blocks
        small = edges <= LOOP_EDGES
    yield *ends, edges, owner, sign


def _blocks(counts: Integers, size: int) -> tuple[Integers, Integers]:
    """Cut runs that follow one another into blocks: the first of each, and how many it holds."""
    blocks = -(-counts // size)
    begin = np.repeat(np.cumsum(counts) - counts, blocks)
    first = begin + spread(np.zeros_like(blocks), blocks) * size
    return first, np.minimum(first + size, begin + np.repeat(counts, blocks)) - first


def _least(values: Floats, first: Integers) -> Floats:
    """Least value of each run of values, none of them empty."""
    least: Floats = np.minimum.reduceat(values, first) if len(first) else np.zeros(0)
    return least
