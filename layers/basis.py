"""How much a data set can be trusted: its basis, and the weakest of several."""

from collections.abc import Iterable
from typing import Literal, get_args

Basis = Literal["official", "open", "digitised", "sketch", "synthetic"]
BASES: tuple[Basis, ...] = get_args(Basis)
"""From the strongest to the weakest."""


def weakest(bases: Iterable[Basis]) -> Basis:
    """Return the weakest basis: a result is no better than the worst of its inputs.

    >>> weakest(["open", "sketch", "official"])
    'sketch'

    Raises ValueError where there is none to compare.
    """
    return max(bases, key=BASES.index)


def is_conclusive(basis: Basis) -> bool:
    """Tell whether a result on this basis may be called met or not met (示意 may not)."""
    return BASES.index(basis) <= BASES.index("digitised")
