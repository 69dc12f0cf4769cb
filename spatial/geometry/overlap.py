"""The area that polygons have in common."""

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from spatial.geometry.edges import Chains, Loops, Rings, Shapes, left_to_right
from spatial.geometry.lattice import Flags, Floats, Integers, spread

TOUCHING = 1e-10
"""Share of the smaller polygon up to which what two have in common is the rounding of a border."""
_SLACK, _GRID_M = 1e-9, 1e-4
_AT_ONCE = 512
"""Loops worked on together: their pairs of edges stay in the processor's cache."""
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9))
_HALF = np.uint64(32)
_SHIFTS = (0, 24)
_WEIGHTS = 2**32
"""Sums of as many weights as one slot may meet (2**21) are exact."""


def shared_area(shapes: Shapes, zones: Shapes, shape: Integers, zone: Integers) -> Floats:
    """Area in m² that polygon `shapes[shape[k]]` shares with polygon `zones[zone[k]]`, for each k.

    A polygon is the signed sum of the areas below its edges; so what two share is the sum, over
    their pairs of edges, of what lies below both, times both signs. No intersection is built: the
    result is exact but for rounding (about 1e-14 of the polygon), nothing can fail, and what two
    zones with a common border share with a polygon adds up, edge by edge. Chains of a zone's edges
    that lie above a polygon count by their chord, those below or beside it not at all.

    >>> squares = shapely.box(np.array([0, 4]), 0, np.array([4, 6]), 2)
    >>> zone = np.array([shapely.box(1, 1, 5, 9)])
    >>> shared_area(squares, zone, np.array([0, 1]), np.array([0, 0])).tolist()
    [3.0, 1.0]
    """
    used, shape = np.unique(shape, return_inverse=True)
    met, zone = np.unique(zone, return_inverse=True)
    loops, chains = Loops.of(shapes[used]), Chains.of(zones[met])
    count, first = loops.of_owners(np.arange(len(used)))
    pair = np.repeat(np.arange(len(shape)), count[shape])
    loop = spread(first[shape], count[shape])
    areas = np.zeros(len(shape))
    for begin in range(0, len(loop), _AT_ONCE):
        here = slice(begin, begin + _AT_ONCE)
        found = _below_both(loops, chains, loop[here], zone[pair[here]])
        sums = np.bincount(pair[here] - pair[begin], found)
        areas[pair[begin] : pair[begin] + len(sums)] += sums
    return areas


def overlaps(shapes: Shapes) -> tuple[Integers, Integers]:
    """Find the pairs of polygons that share more than a border.

    Along the rim of a place where polygons overlap, one of them has an edge that is not also the
    edge of a neighbour on its other side. So where all edges but those of the outline match, as in
    a clean map of parcels, only the polygons along the outline need to be compared with others.

    >>> shapes = shapely.box(np.array([0, 1, 3]), 0, np.array([2, 3, 4]), 1)
    >>> [index.tolist() for index in overlaps(shapes)]
    [[0], [1]]
    """
    marked = _with_loose_edges(shapes)
    loose, matched = np.flatnonzero(marked), np.flatnonzero(~marked)
    one, other = _overlapping(shapes, loose, np.arange(len(shapes)))
    if len(one):
        rest = _overlapping(shapes, matched, matched)
        one, other = np.append(one, rest[0]), np.append(other, rest[1])
    order = np.lexsort((other, one))
    return one[order], other[order]


def clusters(shapes: Shapes) -> Integers:
    """Number the heaps of polygons that overlap, directly or through others; -1 for the clean.

    >>> shapes = shapely.box(np.array([0, 1, 3]), 0, np.array([2, 3, 4]), 1)
    >>> clusters(shapes).tolist()
    [0, 0, -1]
    """
    one, other = overlaps(shapes)
    first = np.arange(len(shapes))
    while True:  # hand the least number on, to neighbours and to whom they follow
        least = np.minimum(first[one], first[other])
        after = first.copy()
        for reached in (one, other, first[one], first[other]):
            np.minimum.at(after, reached, least)
        after = after[after]
        if (after == first).all():
            break
        first = after
    heap = np.full(len(shapes), -1, dtype=np.int64)
    marked = np.union1d(one, other)
    heap[marked] = np.unique(first[marked], return_inverse=True)[1]
    return heap


def union_by(shapes: Shapes, group: NDArray[np.int64]) -> Shapes:
    """Unite the polygons of each group, in order of their numbers.

    GEOS fails on a very few valid polygons without a word. A union is smaller than its largest
    part or larger than all together only if it did; then it is made again on a fine grid.
    """
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))[1:]
    heaps = np.split(shapes[order], starts) if len(group) else []
    united = np.empty(len(heaps), dtype=object)
    for number, parts in enumerate(heaps):
        united[number] = _united(parts)
    return united


def _united(parts: Shapes) -> BaseGeometry:
    if len(parts) == 1:
        return parts[0]
    union, areas = shapely.union_all(parts), shapely.area(parts)
    if areas.max() * (1 - _SLACK) <= union.area <= areas.sum() * (1 + _SLACK):
        return union
    return shapely.union_all(parts, grid_size=_GRID_M)


def _below_both(loops: Loops, chains: Chains, loop: Integers, zone: Integers) -> Floats:
    """Area of each loop in its zone."""
    row, ends, sign = _links_over(loops, chains, loop, zone)
    at = loop[row]
    west, south = loops.west[at], loops.south[at]
    xa, ya, xb, yb = ends
    x0, x1, y0, slope, way = left_to_right(xa - west, ya - south, xb - west, yb - south)
    sign = sign * way
    link, edge = (
        np.repeat(np.arange(len(row)), loops.edges[at]),
        spread(loops.first[at], loops.edges[at]),
    )
    left = np.maximum(loops.x0[edge], x0[link])
    right = np.minimum(loops.x1[edge], x1[link])
    meet = right > left
    link, edge, left, right = link[meet], edge[meet], left[meet], right[meet]
    # Heights over the corner of the loop, at both ends of what the two edges have in common.
    base, rise, start = loops.y0[edge], loops.slope[edge], loops.x0[edge]
    mine_left, mine_right = base + (left - start) * rise, base + (right - start) * rise
    base, rise, start = y0[link], slope[link], x0[link]
    its_left, its_right = base + (left - start) * rise, base + (right - start) * rise
    # min(mine, max(its, 0)) = mine + min(its - mine, 0) - min(its, 0), as mine is never below 0
    height = (mine_left + mine_right) / 2
    height += _mean_below(its_left - mine_left, its_right - mine_right)
    height -= _mean_below(its_left, its_right)
    below = height * (right - left) * loops.sign[edge] * sign[link]
    return np.bincount(row[link], below, minlength=len(loop)).astype(np.float64)


def _links_over(
    loops: Loops, chains: Chains, loop: Integers, zone: Integers
) -> tuple[Integers, tuple[Floats, ...], Floats]:
    """The links of zones that count for loops: row of the loop, coordinates of ends, sign."""
    count = chains.count[zone]
    row, link = np.repeat(np.arange(len(loop)), count), spread(chains.first[zone], count)
    sign = chains.sign[link]
    found = []
    for number in range(len(chains.levels) - 1, -1, -1):
        links = chains.levels[number]
        at = loop[row]
        near = (links.west[link] < loops.east[at]) & (links.east[link] > loops.west[at])
        near &= links.north[link] > loops.south[at]
        row, link, sign = row[near], link[near], sign[near]
        # What lies above the whole loop counts by its chord alone: see shared_area.
        done = links.south[link] >= loops.north[loop[row]]
        if number == 0:
            done[:] = True
        ends = [side[link[done]] for side in (links.xa, links.ya, links.xb, links.yb)]
        found.append((row[done], *ends, sign[done]))
        row, link, sign = row[~done], link[~done], sign[~done]
        count = links.count[link]
        row, sign = np.repeat(row, count), np.repeat(sign, count)
        link = spread(links.first[link], count)
    row, xa, ya, xb, yb, sign = (np.concatenate(part) for part in zip(*found, strict=True))
    return row, (xa, ya, xb, yb), sign


def _mean_below(left: Floats, right: Floats) -> Floats:
    """Mean of min(h, 0) where h runs evenly from `left` to `right`."""
    low = np.minimum(left, 0.0) + np.minimum(right, 0.0)
    crossing = (left < 0) != (right < 0)
    rise = np.where(crossing, np.abs(right - left), 1.0)
    mean: Floats = np.where(crossing, -low * low / rise, low) / 2
    return mean


def _overlapping(shapes: Shapes, some: Integers, others: Integers) -> tuple[Integers, Integers]:
    """Pairs of one of `some` and one of `others` that overlap, each pair once."""
    row, column = shapely.STRtree(shapes[some]).query(shapes[others])
    one, other = some[column], others[row]
    twice = np.zeros(len(shapes), dtype=bool)
    twice[some] = True
    once = (one < other) | ((one != other) & ~twice[other])
    one, other = one[once], other[once]
    # The smaller one is taken apart, the larger one chained.
    points = shapely.get_num_coordinates(shapes)
    swap = points[one] > points[other]
    small, large = np.where(swap, other, one), np.where(swap, one, other)
    shared = shared_area(shapes, shapes, small, large)
    more = shared > TOUCHING * np.minimum(shapely.area(shapes[one]), shapely.area(shapes[other]))
    return np.minimum(one, other)[more], np.maximum(one, other)[more]


def _with_loose_edges(shapes: Shapes) -> Flags:
    """Mark the polygons with an edge that is not cancelled by the edges of others.

    Edges fall into slots by the hash of their ends and add up there, positive on one side of the
    polygon, negative on the other: a slot of edges that match in pairs adds up to nothing.
    """
    rings = Rings.of(shapes)
    spot = _hash(rings.x, rings.y)
    start = rings.start
    begin, end = spot[start], spot[start + 1]
    # The same in either direction; mixed, or edges of a rectangle, whose ends have numbers in
    # common, could cancel one another.
    edge = _mixed(begin + end)
    # The sign of a ring tells which side of its edges the polygon lies on.
    side = (begin < end) ^ np.repeat(rings.sign > 0, rings.edges)
    loose = np.arange(len(edge))
    slots = 1 << max(len(edge), 1).bit_length()
    for shift in _SHIFTS:  # edges that match but shared a slot with one that does not: once more
        number = edge[loose] >> np.uint64(shift)
        slot = (number % np.uint64(slots)).astype(np.int64)
        weight = (number % np.uint64(_WEIGHTS)).astype(np.float64) + 1.0
        sums = np.bincount(slot, np.where(side[loose], weight, -weight), minlength=slots)
        loose = loose[sums[slot] != 0]
    marked = np.zeros(len(shapes), dtype=bool)
    ring = np.searchsorted(np.cumsum(rings.edges), loose, side="right")
    marked[rings.owner[ring]] = True
    return marked


def _hash(x: Floats, y: Floats) -> NDArray[np.uint64]:
    """A number for each point, the same for points of equal coordinates."""
    first, second = _MIX
    spot = (x + 0.0).view(np.uint64) * first  # + 0.0: the two zeros are one
    spot ^= spot >> _HALF
    spot += (y + 0.0).view(np.uint64)
    spot *= second
    spot ^= spot >> _HALF
    return spot


def _mixed(number: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Numbers of which every bit hangs on all bits of those given."""
    mixed = number ^ (number >> _HALF)
    for factor in _MIX:
        mixed = mixed * factor
        mixed ^= mixed >> _HALF
    return mixed
