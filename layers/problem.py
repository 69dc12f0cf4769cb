"""Findings about bad input: collected as rows, raised once."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the input, as one line for the person who must mend it.

    `layer` says where (a file and its table, such as `layers.toml [bus_stops]`), `feature` the id
    of the feature or an empty text, `rule` the rule's name, `message` what is wrong with which
    value and what would be right.

    >>> print(Problem("layers.toml [pack]", "", "crs", "unknown CRS 'EPSG:1'; e.g. 'EPSG:4548'"))
    layers.toml [pack]: unknown CRS 'EPSG:1'; e.g. 'EPSG:4548'
    """

    layer: str
    feature: str
    rule: str
    message: str

    def __str__(self) -> str:
        where = f"{self.layer} feature {self.feature}" if self.feature else self.layer
        return " ".join(f"{where}: {self.message}".split())


class PlanmapError(Exception):
    """Base of all errors that the user can mend; its text is one line per problem."""


class InputError(PlanmapError):
    """Bad input: holds every problem found, at least one."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
