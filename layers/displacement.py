"""By how much, and in which way, a file's places are off those of a trusted layer.

A question of evidence: many pairs must say the same, and no other displacement nearly as well.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.matching import REACH_M, Clouds, Metres, Numbers, Pairs

Move: TypeAlias = Callable[[Metres], Metres]
Hypothesis = Literal["agrees", "gcj02", "bd09", "wgs84", "shifted"]
Why = Literal["few", "unclear"]

AS_DECLARED: Literal["agrees"] = "agrees"
"""The hypothesis that the declaration is right."""
SHIFTED: Literal["shifted"] = "shifted"
"""All are off by the same, and it is the offset of no known datum."""
LEAST_NAMED = 4
NAMED_SHARE = 0.6
"""Of the places that share a name, so many must agree: names repeat, and sources err."""
LEAST_SHIFTED, SURE_SHARE = 12, 0.75
"""The same, before they are said to be off by something that is no known datum."""
NOISE_M = 30.0
"""What honest data may be off by at random, whatever their source says; in each axis."""
TOLERATED_M = 60.0
"""What honest data may be off by together, at least."""
_NAMED_RADIUS_M = 150.0
_RADIUS_M = 100.0
_CLOSE_M = 40.0
_THICK = 0.25
_CELLS = 3
_MOST_CELLS = 20_000_000
_STEPS_BACK = 3
_ROUNDS = 10
_MOST_SEEDS = 500


@dataclass(frozen=True, slots=True)
class Burden:
    """What has to be found again before a displacement counts.

    So many things at least, such a share of those that could be found, and spread so wide: what
    is smaller than the radius of search resembles everything.
    """

    least: int
    share: float
    extent_m: float


@dataclass(frozen=True, slots=True)
class Burdens:
    """The burden of proof for a known datum, and the heavier one for an unknown shift."""

    known: Burden
    unknown: Burden


POINTS = Burdens(known=Burden(5, 0.3, 1_000.0), unknown=Burden(10, 0.6, 4_000.0))
EDGES = Burdens(known=Burden(50, 0.5, 1_000.0), unknown=Burden(100, 0.7, 4_000.0))


@dataclass(frozen=True, slots=True)
class Displacement:
    """What the pairs say: which hypothesis holds, and how far off the places are as declared.

    `east_m` and `north_m` lead from where the places should be to where they lie; `residual_m`
    is the median distance that is left under the hypothesis, `matched` counts the pairs in it.
    """

    hypothesis: Hypothesis
    east_m: float
    north_m: float
    residual_m: float
    matched: int


def by_names(
    pairs: Pairs, moves: Mapping[Hypothesis, Move], *, accuracy_m: float
) -> Displacement | Why:
    """Judge pairs of which each is surely meant as the same thing.

    `moves` holds, for each hypothesis, where the places would lie if it were true; the one named
    `AS_DECLARED` leaves them. Of the pairs, `NAMED_SHARE` must come together within a radius.
    """
    if len(pairs.own) < LEAST_NAMED:
        return "few"
    radius_m = _NAMED_RADIUS_M + accuracy_m
    offsets = {name: move(pairs.own) - pairs.trusted for name, move in moves.items()}
    counts = {name: int((_length(offset) <= radius_m).sum()) for name, offset in offsets.items()}
    best = max(counts, key=lambda name: counts[name])
    second = max((count for name, count in counts.items() if name != best), default=0)
    if counts[best] >= max(LEAST_NAMED, NAMED_SHARE * len(pairs.own), 2 * second):
        inside = _length(offsets[best]) <= radius_m
        moved = (pairs.own - moves[best](pairs.own))[inside]
        sure = counts[best] >= LEAST_SHIFTED
        return _placed(best, offsets[best][inside], moved, accuracy_m=accuracy_m, sure=sure)
    offset = offsets[AS_DECLARED]
    seeds = offset[:: max(1, len(offset) // _MOST_SEEDS)]
    near = [int((_length(offset - seed) <= radius_m).sum()) for seed in seeds]
    centre = seeds[int(np.argmax(near))]
    for _ in range(_ROUNDS):
        inside = _length(offset - centre) <= radius_m
        centre = np.median(offset[inside], axis=0)
    inside = _length(offset - centre) <= radius_m
    if inside.sum() < max(LEAST_SHIFTED, SURE_SHARE * len(pairs.own)):
        return "unclear"
    return _shifted(offset[inside], np.zeros(2), accuracy_m=accuracy_m)


def by_nearness(
    clouds: Clouds, moves: Mapping[Hypothesis, Move], *, accuracy_m: float, burdens: Burdens
) -> Displacement | Why:
    """Judge places of which nobody knows which are the same, by what stands out.

    The file's places are laid over the trusted ones under each hypothesis, and at every
    displacement within reach. The best is believed where it finds twice as many things again as
    any other that is not its close neighbour, and where these bear the burden of proof. Where
    things lie too thick for that, they are looked for once more within a smaller radius.
    """
    if len(clouds.few) < burdens.known.least:
        return "few"
    tree = shapely.STRtree(shapely.points(clouds.many))
    wide = _Search(clouds, tree, _RADIUS_M + accuracy_m)
    found = _judged(wide, moves, accuracy_m=accuracy_m, burdens=burdens)
    if found == "thick":
        close = _Search(clouds, tree, max(_CLOSE_M, accuracy_m))
        found = _judged(close, moves, accuracy_m=accuracy_m, burdens=burdens)
    return "unclear" if found == "thick" else found


def _judged(
    search: "_Search", moves: Mapping[Hypothesis, Move], *, accuracy_m: float, burdens: Burdens
) -> Displacement | Why | Literal["thick"]:
    """Judge with one radius of search; "thick" where chance finds too much for a verdict."""
    clouds = search.clouds
    views = {name: search.view(name, move) for name, move in moves.items()}
    best = max(views.values(), key=lambda view: view.score)
    nodes, surface = search.surface()
    peak = search.crowd(views[AS_DECLARED], nodes[int(np.argmax(surface))])
    known = peak.score <= 1.25 * best.score + 2
    chosen = best if known else peak
    burden = burdens.known if known else burdens.unknown
    if chosen.score < burden.least:
        return "few"
    apart_m = 2.5 * search.radius_m + float(np.ptp(chosen.shift, axis=0).max())
    rivals = surface[_length(nodes - chosen.shift.mean(axis=0)) > apart_m]
    others = [view.score for view in views.values() if known and view is not best]
    rival = max(int(rivals.max(initial=0)), *others, 0)
    crowd = search.crowd(best, np.zeros(2)) if known else peak
    seen = clouds.few[crowd.found]
    wide = len(seen) > 0 and _length(np.ptp(seen, axis=0)) >= burden.extent_m
    if chosen.score < max(2 * rival + 3, burden.share * len(clouds.few)) or not wide:
        return "thick" if rival > _THICK * len(clouds.few) else "unclear"
    offset, shift = crowd.offset, chosen.shift[crowd.found]
    if not known:
        return _shifted(offset, np.zeros(2), accuracy_m=accuracy_m)
    sure = burdens.unknown
    beyond = chosen.score >= max(sure.least, sure.share * len(clouds.few))
    return _placed(best.name, offset, shift, accuracy_m=accuracy_m, sure=beyond)


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """A hypothesis at work, among clouds.

    `placed` is where the few must be looked for among the many, `shift` by how much each is then
    off as declared (file less trusted). Of the few `found`, `offset` is what is left to the
    nearest (file less trusted), and `score` counts the different ones on the side that has fewer.
    """

    name: Hypothesis
    placed: Metres
    shift: Metres
    found: Numbers
    offset: Metres
    score: int


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """The many in a tree, and how near is near."""

    clouds: Clouds
    tree: shapely.STRtree
    radius_m: float

    def view(self, name: Hypothesis, move: Move) -> _View:
        """Look where the few must be if a hypothesis is true."""
        few = self.clouds.few
        if self.clouds.own_few:
            placed = move(few)
            return self._look(name, placed, few - placed, np.zeros(2))
        # Where would the file have what is truly here? What moves back to here; shifts are smooth.
        placed = few
        for _ in range(_STEPS_BACK):
            placed = few + placed - move(placed)
        return self._look(name, placed, placed - few, np.zeros(2))

    def crowd(self, view: _View, start: Metres) -> _View:
        """Follow the few found near an offset to the middle of their crowd."""
        centre, found = start, self._look(view.name, view.placed, view.shift, start)
        for _ in range(_ROUNDS):
            if not len(found.found):
                break
            middle = np.median(found.offset, axis=0)
            if _length(middle - centre) < 1.0:
                break
            centre = middle
            found = self._look(view.name, view.placed, view.shift, centre)
        return found

    def _look(self, name: Hypothesis, placed: Metres, shift: Metres, centre: Metres) -> _View:
        """Find the few, displaced by an offset from where they are placed."""
        toward = -1.0 if self.clouds.own_few else 1.0
        at = shapely.points(placed + toward * centre)
        few, many = self.tree.query_nearest(at, max_distance=self.radius_m, all_matches=False)
        offset = toward * (self.clouds.many[many] - placed[few])
        score = min(len(few), len(np.unique(many)))
        return _View(name, placed, shift + centre, few, offset, score)

    def surface(self) -> tuple[Metres, Numbers]:
        """Displacements on a lattice over the reach, and how many of the few each finds."""
        few, many, radius_m = self.clouds.few, self.clouds.many, self.radius_m
        margin = REACH_M + 2 * radius_m
        origin, extent = few.min(axis=0) - margin, np.ptp(few, axis=0) + 2 * margin
        cell = max(radius_m / _CELLS, float(np.sqrt(extent.prod() / _MOST_CELLS)))
        shape = np.ceil(extent / cell).astype(np.int64) + 1
        taken = np.zeros(shape, dtype=bool)
        inside = ((many >= origin) & (many < origin + (shape - 1) * cell)).all(axis=1)
        taken[tuple(np.rint((many[inside] - origin) / cell).astype(np.int64).T)] = True
        near = _widened(taken, math.ceil(radius_m / cell))
        step = 0.75 * radius_m
        axis = np.arange(-(REACH_M // step), REACH_M // step + 1) * step
        nodes = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
        toward = -1.0 if self.clouds.own_few else 1.0
        count = np.zeros(len(nodes), dtype=np.int64)
        for point in few:
            at = np.rint((point + toward * nodes - origin) / cell).astype(np.int64)
            count += near[at[:, 0], at[:, 1]]
        return nodes, count


def _widened(taken: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Take all cells of a raster within a radius, in cells, of one that is taken."""
    wide = np.zeros_like(taken)
    width, height = taken.shape
    for i in range(-radius, radius + 1):
        half = int(math.sqrt(radius * radius - i * i))
        for j in range(-half, half + 1):
            to = (slice(max(i, 0), width + min(i, 0)), slice(max(j, 0), height + min(j, 0)))
            of = (slice(max(-i, 0), width + min(-i, 0)), slice(max(-j, 0), height + min(-j, 0)))
            wide[to] |= taken[of]
    return wide


def _placed(
    name: Hypothesis, offset: Metres, moved: Metres, *, accuracy_m: float, sure: bool
) -> Displacement | Why:
    """Accept a hypothesis where what is left is within what honest data may be off by.

    If it is not, but the pairs are `sure`, something else has shifted them all.
    """
    centre = np.median(offset, axis=0)
    if _length(centre) > _tolerance(offset, accuracy_m=accuracy_m):
        return _shifted(offset, moved, accuracy_m=accuracy_m) if sure else "unclear"
    shift = moved.mean(axis=0) + centre
    return Displacement(
        hypothesis=name,
        east_m=float(shift[0]),
        north_m=float(shift[1]),
        residual_m=float(np.median(_length(offset))),
        matched=len(offset),
    )


def _shifted(offset: Metres, moved: Metres, *, accuracy_m: float) -> Displacement | Why:
    """Accept an unknown shift where it is beyond doubt."""
    centre = np.median(offset, axis=0)
    residual_m = float(np.median(_length(offset - centre)))
    if _length(centre) <= _tolerance(offset, accuracy_m=accuracy_m):
        return "unclear"
    shift = np.median(offset + moved, axis=0)
    return Displacement(SHIFTED, float(shift[0]), float(shift[1]), residual_m, len(offset))


def _tolerance(offset: Metres, *, accuracy_m: float) -> float:
    """Return how far the middle of so many offsets, so scattered, may be off in honest data."""
    spread = 1.48 * float(np.median(np.abs(offset - np.median(offset, axis=0))))
    error = 1.25 * max(NOISE_M, spread) / np.sqrt(len(offset))  # of a median
    return max(TOLERATED_M, accuracy_m) + 3.0 * float(error)


def _length(vectors: Metres) -> Metres:
    length: Metres = np.hypot(vectors[..., 0], vectors[..., 1])
    return length
