"""Classes of numbers for a shaded map."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Classes:
    """Class of each number (None for a missing one) and the least and greatest value of each."""

    members: tuple[int | None, ...]
    ranges: tuple[tuple[float, float], ...]


def quantile_classes(values: Sequence[float], count: int = 5) -> Classes:
    """Sort numbers into at most `count` classes of about equal size; equal numbers stay together.

    >>> quantile_classes([1, 2, 3, 4, float("nan")], count=2)
    Classes(members=(0, 0, 1, 1, None), ranges=((1.0, 2.0), (3.0, 4.0)))
    """
    numbers = np.asarray(values, dtype=np.float64)
    known = numbers[~np.isnan(numbers)]
    if known.size == 0:
        return Classes(tuple(None for _ in numbers), ())
    # Edges are values that occur, so that no class is empty and none splits a tie.
    edges = np.unique(np.quantile(known, np.arange(1, count) / count, method="lower"))
    found = np.searchsorted(edges, numbers, side="left")
    present = np.unique(found[~np.isnan(numbers)])
    rank = {int(number): place for place, number in enumerate(present)}
    members = tuple(
        None if np.isnan(value) else rank[int(number)]
        for value, number in zip(numbers, found, strict=True)
    )
    ranges = tuple(
        (float(part.min()), float(part.max()))
        for number in present
        for part in [numbers[(found == number) & ~np.isnan(numbers)]]
    )
    return Classes(members, ranges)
