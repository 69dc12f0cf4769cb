"""Pairs of polygons of one layer that share area, found without looking at every pair."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

MOST_PAIRS = 3_000_000
"""So many pairs of neighbours are looked at: ten times what a full survey of a district has."""
MOST_OVERLAPS = 100_000
_PAIRS_AT_ONCE = 500_000
_MOST_AT_ONCE = 8_192
_INTERIORS_MEET = "T********"


@dataclass(frozen=True, slots=True)
class Pairs:
    """Places of the overlapping polygons, the earlier first, and the area that each pair shares.

    `looked` counts the pairs of neighbours looked at; `complete` is false where there were too
    many to look at them all.
    """

    one: NDArray[np.intp]
    other: NDArray[np.intp]
    area_m2: NDArray[np.float64]
    looked: int
    complete: bool


def overlapping_pairs(
    polygons: NDArray[Any],
    *,
    least_m2: float,
    most_pairs: int = MOST_PAIRS,
    most_overlaps: int = MOST_OVERLAPS,
) -> Pairs:
    """Find the pairs of valid polygons that share at least an area; borders are no area.

    >>> shapes = shapely.box(np.array([0.0, 8, 20]), 0, np.array([10.0, 20, 30]), 10)
    >>> pairs = overlapping_pairs(shapes, least_m2=1)
    >>> pairs.one.tolist(), pairs.other.tolist(), pairs.area_m2.tolist()
    ([0], [1], [20.0])
    """
    tree = shapely.STRtree(polygons)
    step = min(max(_PAIRS_AT_ONCE // max(len(polygons), 1), 1), _MOST_AT_ONCE)
    ones, others, areas = [], [], []
    looked, met, complete = 0, 0, True
    for start in range(0, len(polygons), step):
        one, other = tree.query(polygons[start : start + step], predicate="intersects")
        one = one + start
        later = np.flatnonzero(other > one)
        room = most_pairs - looked
        complete = len(later) <= room
        one, other = one[later[:room]], other[later[:room]]
        looked += len(one)
        meet = np.flatnonzero(
            shapely.relate_pattern(polygons[one], polygons[other], _INTERIORS_MEET)
        )
        room = most_overlaps - met
        complete = complete and len(meet) <= room
        one, other = one[meet[:room]], other[meet[:room]]
        met += len(one)
        area = shapely.area(shapely.intersection(polygons[one], polygons[other]))
        large = area >= least_m2
        ones.append(one[large])
        others.append(other[large])
        areas.append(area[large])
        if not complete:
            break
    one, other, area = (np.concatenate([[], *found]) for found in (ones, others, areas))
    order = np.lexsort((other, one))
    one, other = one.astype(np.intp), other.astype(np.intp)
    return Pairs(one[order], other[order], area[order], looked, complete)
