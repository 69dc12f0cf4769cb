"""What a map's areas are once its errors of classification are taken out, and how sure that is.

After Olofsson, P., Foody, G. M., Herold, M., Stehman, S. V., Woodcock, C. E., Wulder, M. A. (2014):
Good practices for estimating area and assessing accuracy of land change. Remote Sensing of
Environment 148, 42–57; the equations by their numbers there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

from spatial.measurement import CONFIDENCE_95

Counts = tuple[tuple[int, ...], ...]
FEWEST_SAMPLES = 2
"""A class that the map shows needs so many sample points for its spread to be known."""


def _square(matrix: Counts) -> Counts:
    size = len(matrix)
    for number, row in enumerate(matrix, start=1):
        if len(row) != size:
            raise ValueError(
                f"row {number} has {len(row)} numbers, the matrix {size} rows; it is square, a row"
                " for each class of the map, a column for each class on the ground"
            )
        if sum(row) < FEWEST_SAMPLES:
            raise ValueError(
                f"row {number} holds {sum(row)} samples; each class of the map needs at least"
                f" {FEWEST_SAMPLES}, and some dozens to tell anything"
            )
    return matrix


def _two_classes(matrix: Counts) -> Counts:
    if len(matrix) != 2:  # noqa: PLR2004 - what counts and what does not
        raise ValueError(
            f"the matrix has {len(matrix)} classes; give two, what counts and all else, as in"
            " [[97, 3], [5, 95]]"
        )
    return matrix


Matrix = Annotated[
    tuple[tuple[Annotated[int, Field(ge=0)], ...], ...],
    Field(min_length=2),
    AfterValidator(_square),
]
"""Sample points by the class that the map shows (rows) and the class on the ground (columns)."""
TwoClasses = Annotated[Matrix, AfterValidator(_two_classes)]
"""The same of two classes: what counts first, then all else."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share estimated from samples: its standard error, and the interval of 95 %."""

    share: float
    error: float

    @property
    def low(self) -> float:
        """Lower end of the interval, never below nought."""
        return max(self.share - CONFIDENCE_95 * self.error, 0.0)

    @property
    def high(self) -> float:
        """Upper end of the interval, never above one."""
        return min(self.share + CONFIDENCE_95 * self.error, 1.0)


@dataclass(frozen=True, slots=True)
class Assessment:
    """What samples tell of a map: the true share of each class, and how often the map is right.

    `users` is the share of what the map shows as a class that is of it, `producers` the share of
    what is of a class that the map shows as such (None where the class does not occur), `overall`
    the share of the map that is right.
    """

    shares: tuple[Estimate, ...]
    users: tuple[float, ...]
    producers: tuple[float | None, ...]
    overall: float


def estimate(mapped_share: float, matrix: Counts) -> Estimate:
    """Tell the true share of what counts, of a map that shows `mapped_share` and errs.

    `matrix` has two rows and columns, as in `assess`.

    >>> found = estimate(0.4, ((90, 10), (20, 80)))      # 0.4 × 0.9 + 0.6 × 0.2
    >>> round(found.share, 9), round(found.error, 4)
    (0.48, 0.027)
    """
    return assess((mapped_share, 1 - mapped_share), matrix).shares[0]


def assess(mapped: Sequence[float], matrix: Counts) -> Assessment:
    """Tell from samples what a map is worth, and what its classes truly cover.

    `mapped[i]` is the share of the map that shows class i, `matrix[i][j]` how many sample points
    that the map shows as class i are of class j on the ground. The sample is a random one within
    each class of the map (stratified), and of the map whose shares are given, or of one that errs
    as often. With W = mapped, n_i the samples of row i and p_ij = W_i · n_ij / n_i (eq. 4):

    - share of class j: p_j = Σ_i p_ij (eq. 9), standard error √(Σ_i W_i² · q (1 - q) / (n_i - 1))
      with q = n_ij / n_i (eq. 10); a row without any error adds nothing to it, however few its
      samples;
    - user's accuracy n_ii / n_i, producer's p_jj / p_j, overall Σ_j p_jj (eq. 1 to 3).

    >>> found = assess((0.4, 0.6), ((90, 10), (20, 80)))
    >>> round(found.overall, 9), found.users, round(found.producers[0], 9)
    (0.84, (0.9, 0.8), 0.75)
    """
    classes = range(len(matrix))
    samples = [sum(row) for row in matrix]
    seen = [[count / n for count in row] for row, n in zip(matrix, samples, strict=True)]
    shares = []
    for column in classes:
        found = math.fsum(mapped[row] * seen[row][column] for row in classes)
        spread = math.fsum(
            mapped[row] ** 2 * seen[row][column] * (1 - seen[row][column]) / (samples[row] - 1)
            for row in classes
        )
        shares.append(Estimate(found, math.sqrt(spread)))
    right = [mapped[one] * seen[one][one] for one in classes]
    return Assessment(
        shares=tuple(shares),
        users=tuple(seen[one][one] for one in classes),
        producers=tuple(
            right[one] / shares[one].share if shares[one].share > 0 else None for one in classes
        ),
        overall=math.fsum(right),
    )
