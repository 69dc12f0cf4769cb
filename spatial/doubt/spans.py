"""How far several causes let figures be off, each found from cases that may as well be true."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import geopandas as gpd
import numpy as np

from spatial.doubt.band import accuracies
from spatial.geometry.lattice import Floats
from spatial.measurement import (
    NOTHING,
    Doubt,
    DoubtKind,
    DoubtMethod,
    Figure,
    ranged,
    share,
)


@dataclass(frozen=True, slots=True)
class Span:
    """One cause of doubt: the values, e.g. people by unit, in several cases that may be true."""

    kind: DoubtKind
    method: DoubtMethod
    cases: tuple[Floats, ...]
    inputs: dict[str, float] = field(default_factory=dict)

    def over(self, whole: Callable[[Floats], float]) -> "Span":
        """The same doubt about one figure that is made of the values."""
        cases = tuple(np.array([whole(case)]) for case in self.cases)
        return Span(self.kind, self.method, cases, self.inputs)


def ends(values: Floats, spans: Sequence[Span]) -> tuple[Floats, Floats]:
    """The least and the most that values can be, as far off as all doubts together let them be.

    >>> snap = Span("snap", "bounds", (np.array([8.0]),))
    >>> moved = Span("position", "simulation", (np.array([7.0]), np.array([11.0])))
    >>> low, high = ends(np.array([10.0]), [snap, moved])       # 2 and 3 less, 1 more
    >>> low.tolist(), high.tolist()
    ([5.0], [11.0])
    """
    low, high = values.copy(), values.copy()
    for span in spans:
        cases = np.stack([values, *span.cases])
        low += cases.min(axis=0) - values
        high += cases.max(axis=0) - values
    return low, high


def doubts(value: float, spans: Sequence[Span]) -> tuple[Doubt, ...]:
    """What each of several causes alone lets one figure be; `spans` are about it alone."""
    found = []
    for span in spans:
        low, high = (float(end[0]) for end in ends(np.array([value]), [span]))
        found.append(Doubt(span.kind, span.method, low, high, span.inputs))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Unnumbered:
    """The most people that features without a number may add, by unit, in none last."""

    people: Floats
    inputs: dict[str, float] = field(default_factory=dict)


def shares(
    served: Floats, everyone: Floats, spans: Sequence[Span], unnumbered: Unnumbered | None = None
) -> tuple[list[Figure], Figure, tuple[Doubt, ...]]:
    """Shares of each unit and of all, and what lets the share of all be off.

    `served` and `everyone` are people by unit, who live in none last, as are the cases of `spans`.
    Those whom `unnumbered` features may add are all served, or none; a unit in which nobody else
    lives has no value, but a range from none to all.

    >>> moved = Span("position", "band", (np.array([2.0, 0.0]), np.array([4.0, 3.0])))
    >>> units, whole, told = shares(np.array([3.0, 1.0]), np.array([4.0, 4.0]), [moved])
    >>> units[0].value, whole.value, whole.low, told[0].high
    (0.75, 0.5, 0.25, 0.875)
    >>> _, whole, _ = shares(np.array([6.0]), np.array([8.0]), [], Unnumbered(np.array([4.0])))
    >>> whole.low, whole.high                   # 6 of 12, 10 of 12
    (0.5, 0.8333333333333334)
    """
    low, high = ends(served, spans)
    more = np.zeros(len(served)) if unnumbered is None else unnumbered.people
    rows = np.stack([served, everyone, low, high, more], axis=1)[:-1].tolist()
    figures = [_share(*row) for row in rows]
    about = [span.over(lambda people: float(people.sum())) for span in spans]
    total, of = float(served.sum()), float(everyone.sum())
    least, most = (float(end[0]) for end in ends(np.array([total]), about))
    whole = _share(total, of, least, most, float(more.sum()))
    if whole.value is None:
        return figures, whole, ()
    told = [
        replace(one, low=max(one.low / of, 0.0), high=min(one.high / of, 1.0))
        for one in doubts(total, about)
    ]
    if unnumbered is not None:
        all_people = of + float(more.sum())
        low_end, high_end = total / all_people, 1.0 - (of - total) / all_people
        told.append(Doubt("unnumbered", "bounds", low_end, high_end, unnumbered.inputs))
    return figures, whole, tuple(told)


def _share(served: float, everyone: float, low: float, high: float, more: float) -> Figure:
    """A share of people, given how many are served at least and at most, and may live there yet."""
    figure = share(served, everyone)
    if figure.value is None:
        return Figure(None, None, None, 0.0, 1.0) if more > 0 else NOTHING
    most = everyone + more
    return ranged(figure, max(low / most, 0.0), min((high + more) / most, 1.0))


def worst_accuracy(**layers: gpd.GeoDataFrame | None) -> dict[str, float]:
    """Accuracy of the least accurate feature of each layer, of those where any is stated."""
    worst = {
        name: float(accuracies(frame).max(initial=0.0))
        for name, frame in layers.items()
        if frame is not None
    }
    return {name: metres for name, metres in worst.items() if metres > 0}
