"""By how much, and in which way, a file's places are off those of a trusted layer.

A question of evidence: many pairs must say the same, and no other displacement nearly as well.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from layers.matching import REACH_M, Metres, Numbers, Pairs

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
SURE_SHARE = 0.75
"""The same, before they are said to be off by something that is no known datum."""
NOISE_M = 30.0
"""What honest data may be off by at random, whatever their source says; in each axis."""
TOLERATED_M = 60.0
"""What honest data may be off by together, at least."""
_NAMED_RADIUS_M = 150.0
_NEAR_RADIUS_M = 100.0
_ROUNDS = 10
_MOST_SEEDS = 500
_MOST_TOLD_APART = 8191


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
        return _placed(best, offsets[best][inside], moved, accuracy_m=accuracy_m, sure=True)
    offset = offsets[AS_DECLARED]
    seeds = offset[:: max(1, len(offset) // _MOST_SEEDS)]
    near = [int((_length(offset - seed) <= radius_m).sum()) for seed in seeds]
    centre = seeds[int(np.argmax(near))]
    for _ in range(_ROUNDS):
        inside = _length(offset - centre) <= radius_m
        centre = np.median(offset[inside], axis=0)
    inside = _length(offset - centre) <= radius_m
    if inside.sum() < max(1.5 * LEAST_NAMED, SURE_SHARE * len(pairs.own)):
        return "unclear"
    return _shifted(offset[inside], np.zeros(2), accuracy_m=accuracy_m)


def by_nearness(
    pairs: Pairs, moves: Mapping[Hypothesis, Move], *, accuracy_m: float, burdens: Burdens
) -> Displacement | Why:
    """Judge pairs of which most are chance, by what stands out among all displacements.

    The places are laid over the trusted ones under each hypothesis, and at every displacement
    within reach. The best is believed where it finds twice as many things again as any other that
    is not its close neighbour, and where these bear the burden of proof.
    """
    if not len(pairs.own_index):
        return "few"
    radius_m = _NEAR_RADIUS_M + accuracy_m
    views = {name: _view(name, move, pairs, radius_m) for name, move in moves.items()}
    declared = views[AS_DECLARED].offset
    nodes, surface = _surface(declared, pairs, radius_m)
    peak = _centre(declared, nodes[int(np.argmax(surface))], pairs, radius_m)
    anywhere = _score(_length(declared - peak) <= radius_m, pairs)
    best = max(views.values(), key=lambda view: view.score)
    known = anywhere <= 1.25 * best.score + 2
    score, where = (best.score, best.shift.mean(axis=0)) if known else (anywhere, peak)
    apart_m = 2.5 * radius_m + float(np.ptp(best.shift, axis=0).max()) * known
    rivals = surface[_length(nodes - where) > apart_m]
    others = [view.score for view in views.values() if known and view is not best]
    rival = max(int(rivals.max(initial=0)), *others, 0)
    burden = burdens.known if known else burdens.unknown
    if pairs.considered < burden.least or score < burden.least:
        return "few"
    offset = best.offset if known else declared
    centre = _centre(offset, np.zeros(2) if known else peak, pairs, radius_m)
    found, own = _nearest(offset, centre, pairs, radius_m)
    wide = float(_length(np.ptp(pairs.own[own], axis=0))) >= burden.extent_m
    if score < max(2 * rival + 3, burden.share * pairs.considered) or not wide:
        return "unclear"
    if not known:
        return _shifted(found, np.zeros(2), accuracy_m=accuracy_m)
    sure = burdens.unknown
    beyond = score >= max(sure.least, sure.share * pairs.considered)
    return _placed(best.name, found, best.shift[own], accuracy_m=accuracy_m, sure=beyond)


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """A hypothesis at work.

    The offsets of the pairs under it, by how much it moves each place, and how many things it
    finds again.
    """

    name: Hypothesis
    offset: Metres
    shift: Metres
    score: int


def _view(name: Hypothesis, move: Move, pairs: Pairs, radius_m: float) -> _View:
    moved = move(pairs.own)
    offset = moved[pairs.own_index] - pairs.trusted[pairs.trusted_index]
    return _View(name, offset, pairs.own - moved, _score(_length(offset) <= radius_m, pairs))


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
    """Accept an unknown shift where it is beyond doubt, and far larger than what it leaves."""
    centre = np.median(offset, axis=0)
    residual_m = float(np.median(_length(offset - centre)))
    off_m = _length(centre)
    if off_m <= _tolerance(offset, accuracy_m=accuracy_m) or off_m < 2 * residual_m:
        return "unclear"
    shift = np.median(offset + moved, axis=0)
    return Displacement(SHIFTED, float(shift[0]), float(shift[1]), residual_m, len(offset))


def _tolerance(offset: Metres, *, accuracy_m: float) -> float:
    """Return how far the middle of so many offsets, so scattered, may be off in honest data."""
    spread = 1.48 * float(np.median(np.abs(offset - np.median(offset, axis=0))))
    error = 1.25 * max(NOISE_M, spread) / np.sqrt(len(offset))  # of a median
    return max(TOLERATED_M, accuracy_m) + 3.0 * float(error)


def _surface(offset: Metres, pairs: Pairs, radius_m: float) -> tuple[Metres, Numbers]:
    """Displacements on a lattice over the reach, and how many things each finds again."""
    step = 0.75 * radius_m
    half = int(REACH_M // step)
    width = 2 * half + 1
    own, trusted = pairs.own_index % _MOST_TOLD_APART, pairs.trusted_index % _MOST_TOLD_APART
    own_found = np.zeros((width * width, own.max() + 1), dtype=bool)
    trusted_found = np.zeros((width * width, trusted.max() + 1), dtype=bool)
    cell = np.rint(offset / step).astype(np.int64)
    for i in (-2, -1, 0, 1, 2):
        for j in (-2, -1, 0, 1, 2):
            node = cell + np.array([i, j])
            hit = (_length(node * step - offset) <= radius_m) & (np.abs(node) <= half).all(axis=1)
            number = (node[hit, 0] + half) * width + node[hit, 1] + half
            own_found[number, own[hit]] = True
            trusted_found[number, trusted[hit]] = True
    axis = np.arange(-half, half + 1) * step
    nodes = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    return nodes, np.minimum(own_found.sum(axis=1), trusted_found.sum(axis=1))


def _score(hit: NDArray[np.bool_], pairs: Pairs) -> int:
    """How many things are found again: counted on the side that has fewer different ones."""
    own, trusted = pairs.own_index[hit], pairs.trusted_index[hit]
    return min(len(np.unique(own)), len(np.unique(trusted)))


def _nearest(
    offset: Metres, centre: Metres, pairs: Pairs, radius_m: float
) -> tuple[Metres, Numbers]:
    """Offsets of the found things, each taken with its nearest, and which places of the file."""
    distance = _length(offset - centre)
    order = np.flatnonzero(distance <= radius_m)
    order = order[np.argsort(distance[order], kind="stable")]
    few = pairs.own_index if len(pairs.own) <= len(pairs.trusted) else pairs.trusted_index
    _, first = np.unique(few[order], return_index=True)
    return offset[order[first]], pairs.own_index[order[first]]


def _centre(offset: Metres, start: Metres, pairs: Pairs, radius_m: float) -> Metres:
    """Follow the pairs near a displacement to the middle of their crowd."""
    centre = start
    for _ in range(_ROUNDS):
        found, _ = _nearest(offset, centre, pairs, radius_m)
        if not len(found):
            break
        centre = np.median(found, axis=0)
    return centre


def _length(vectors: Metres) -> Metres:
    length: Metres = np.hypot(vectors[..., 0], vectors[..., 1])
    return length
