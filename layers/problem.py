"""Findings about bad input: collected as rows, raised once."""

from collections.abc import Iterable
from dataclasses import dataclass

from layers.text import Language


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the input, as one line for the person who must mend it.

    `layer` says where (a file and its table, such as `layers.toml [bus_stops]`), `feature` the id
    of the feature or an empty text, `rule` the rule's name, `message` what is wrong with which
    value and what would be right; `zh` says the same in Chinese, where a page may show it.

    >>> print(Problem("layers.toml [pack]", "", "crs", "unknown CRS 'EPSG:1'; e.g. 'EPSG:4548'"))
    layers.toml [pack]: unknown CRS 'EPSG:1'; e.g. 'EPSG:4548'
    """

    layer: str
    feature: str
    rule: str
    message: str
    zh: str = ""

    def __str__(self) -> str:
        return self.in_("en")

    def in_(self, lang: Language) -> str:
        """Return the line in a language; in English where nobody has said it in Chinese.

        >>> Problem("站点.zip", "3", "geometry", "draw it", zh="没有图形；请补画").in_("zh")
        '站点.zip 要素 3：没有图形；请补画'
        """
        if lang == "zh" and self.zh:
            where = f"{self.layer} 要素 {self.feature}" if self.feature else self.layer
            return " ".join(f"{where}：{self.zh}".split())
        where = f"{self.layer} feature {self.feature}" if self.feature else self.layer
        return " ".join(f"{where}: {self.message}".split())


class PlanmapError(Exception):
    """Base of all errors that the user can mend; its text is one line per problem."""


class InputError(PlanmapError):
    """Bad input: holds every problem found, at least one."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
