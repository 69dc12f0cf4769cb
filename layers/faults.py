"""The rules that a planner's features are held to: who breaks each, and what mends it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from layers.catalogue import GeometryKind
from layers.field_values import as_text
from layers.findings import Finding, Phrases, Rule
from layers.overlaps import overlapping_pairs
from layers.shapes import Flags, Shapes, flat_parts, is_kind
from layers.text import Text

CLOSE_M = 0.001
FARTHEST_M = 1e8
"""Farther from a projection's origin than this, twice round the Earth, nothing can lie."""
_RING_POINTS = 4
_ROUNDED = 10.0


@dataclass(frozen=True, slots=True)
class Limits:
    """The area of the place, how far outside it a feature may lie, and what counts as a sliver."""

    area: BaseGeometry | None
    margin_m: float
    sliver_m2: float
    sliver_width_m: float


@dataclass(frozen=True, slots=True)
class Work:
    """The features in hand: their ids, no two the same, and shapes, None for those left out."""

    kind: GeometryKind
    ids: tuple[str, ...]
    shapes: Shapes
    phrases: Phrases

    @property
    def alive(self) -> Flags:
        """Mark the features that have not been left out."""
        there: Flags = ~shapely.is_missing(self.shapes)
        return there


@dataclass(frozen=True, slots=True)
class Change:
    """A finding on the feature in a row, and its shape from now on: None to leave it out."""

    row: int
    rule: Rule
    shape: BaseGeometry | None
    other: str = ""
    about_m2: float | None = None
    facts: Mapping[str, object] | None = None


def flat(work: Work) -> tuple[Work, list[Finding]]:
    """Drop heights and measures; one finding for the whole layer."""
    high = work.alive & (shapely.has_z(work.shapes) | shapely.has_m(work.shapes))
    count = int(high.sum())
    if not count:
        return work, []
    finding = Finding("", "dimension", "mended", facts={"count": count})
    return replace(work, shapes=shapely.force_2d(work.shapes)), [finding]


def without_geometry(work: Work) -> Iterator[Change]:
    """Find features without a geometry."""
    for row in np.flatnonzero(~work.alive | shapely.is_empty(work.shapes)):
        yield Change(int(row), "empty", None)


def without_place(work: Work) -> Iterator[Change]:
    """Find features with a coordinate that is no number, or lies off the Earth."""
    coordinates, rows = shapely.get_coordinates(work.shapes, return_index=True)
    possible = np.abs(coordinates) <= FARTHEST_M  # false for what is no number, too
    for row in np.unique(rows[~possible.all(axis=1)]):
        yield Change(int(row), "coordinates", None)


def of_another_kind(work: Work) -> Iterator[Change]:
    """Find features of another kind than the layer's, and keep of them the parts that are.

    In a layer of polygons a single closed line becomes the polygon that it runs round.
    """
    wanted = work.phrases.kinds[work.kind]
    for row in np.flatnonzero(work.alive & ~is_kind(work.kind, work.shapes)):
        shape = work.shapes[row]
        parts = flat_parts(shape)
        facts: dict[str, object] = {
            "given": work.phrases.types[shape.geom_type],
            "wanted": wanted,
        }
        own = _own(work.kind, parts)
        if own:
            names = [work.phrases.types[name] for name in sorted({p.geom_type for p in parts})]
            zh, en = "、".join(n.zh for n in names), ", ".join(n.en for n in names)
            facts["given"] = Text(zh=zh, en=en)
            yield Change(int(row), "mixed", _collected(work.kind, own), facts=facts)
        elif work.kind == "polygon" and (ring := _as_ring(parts)) is not None:
            facts = {"length": said(shapely.length(shape))}
            yield Change(int(row), "closed_line", ring, facts=facts)
        else:
            yield Change(int(row), "type", None, facts=facts)


def _own(kind: GeometryKind, parts: Sequence[BaseGeometry]) -> list[BaseGeometry]:
    return list(compress(parts, is_kind(kind, np.array(parts, dtype=object))))


def _as_ring(parts: Sequence[BaseGeometry]) -> BaseGeometry | None:
    """The polygon that one closed line runs round; None for an open line, or several."""
    if len(parts) != 1 or not _own("line", parts):
        return None
    coordinates = shapely.get_coordinates(parts[0])
    closed = np.array_equal(coordinates[0], coordinates[-1])
    return shapely.Polygon(coordinates) if closed and len(coordinates) >= _RING_POINTS else None


def _collected(kind: GeometryKind, parts: Sequence[BaseGeometry]) -> BaseGeometry | None:
    if kind != "polygon":
        return _joined(kind, parts)
    made = shapely.union_all([_made_valid(part) for part in parts])
    return None if made.is_empty else made


def _joined(kind: GeometryKind, parts: Sequence[BaseGeometry]) -> BaseGeometry | None:
    if len(parts) == 1:
        return parts[0]
    many = {
        "point": shapely.MultiPoint,
        "line": shapely.MultiLineString,
        "polygon": shapely.MultiPolygon,
    }
    return many[kind](list(parts)) if len(parts) else None


def invalid(work: Work) -> Iterator[Change]:
    """Find invalid geometry and make it valid; what then has no size is left out."""
    for row in np.flatnonzero(work.alive & ~shapely.is_valid(work.shapes)):
        shape = work.shapes[row]
        if work.kind == "polygon":
            made = _made_valid(shape)
        else:  # lines are invalid where all their points are one, points never
            made = _joined(work.kind, [part for part in flat_parts(shape) if part.length > 0])
        if made is None or made.is_empty or not made.is_valid:
            yield Change(int(row), "zero", None)
            continue
        reason, _, place = str(shapely.is_valid_reason(shape)).partition("[")
        facts = {"reason": work.phrases.reason(reason), "place": place.rstrip("]")}
        yield Change(int(row), "invalid", made, facts=facts)


def _made_valid(shape: BaseGeometry) -> BaseGeometry | None:
    """The valid polygons of a shape: holes are cut out of rings, what overlaps is united."""
    try:
        made = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    except shapely.errors.GEOSException:
        return None
    return _joined("polygon", _own("polygon", flat_parts(made)))


def with_repeats(work: Work) -> Iterator[Change]:
    """Find lines and outlines with a vertex twice in a row, and drop the second."""
    if work.kind == "point":
        return
    made = shapely.remove_repeated_points(work.shapes, 0.0)
    fewer = shapely.get_num_coordinates(work.shapes) - shapely.get_num_coordinates(made)
    for row in np.flatnonzero(work.alive & (fewer > 0)):
        yield Change(int(row), "points", made[row], facts={"count": int(fewer[row])})


def close(work: Work) -> Iterator[Finding]:
    """Count the features with vertices so close that they may be meant as one."""
    coordinates, rows = shapely.get_coordinates(work.shapes, return_index=True)
    if work.kind == "point" or len(rows) == 0:
        return
    apart = np.hypot(*np.diff(coordinates, axis=0).T)
    near = (apart < CLOSE_M) & (apart > 0) & (np.diff(rows) == 0)
    if count := len(np.unique(rows[:-1][near])):
        facts = {"count": count, "distance": f"{CLOSE_M * 1000:g}"}
        yield Finding("", "close", "noted", facts=facts)


def slivers(work: Work, limits: Limits) -> Iterator[Change]:
    """Find polygons too small or too narrow to be land, and drop them."""
    if work.kind != "polygon":
        return
    parts, rows = shapely.get_parts(work.shapes, return_index=True)
    area_m2, around_m = shapely.area(parts), shapely.length(parts)
    # A long strip of width w has the area w·l and the outline 2·l.
    narrow = 2 * area_m2 < limits.sliver_width_m * around_m
    tiny = narrow | (area_m2 < limits.sliver_m2)
    for row in np.unique(rows[tiny]):
        its = slice(*np.searchsorted(rows, [row, row + 1]))
        lost_m2 = float(area_m2[its][tiny[its]].sum())
        facts = {
            "count": int(tiny[its].sum()),
            "area": said(lost_m2),
            "least": f"{limits.sliver_m2:g}",
            "narrow": f"{limits.sliver_width_m:g}",
        }
        left = _joined("polygon", parts[its][~tiny[its]].tolist())
        yield Change(int(row), "sliver", left, about_m2=lost_m2, facts=facts)


def duplicates(work: Work, attributes: pd.DataFrame) -> Iterator[Change]:
    """Find features drawn twice: with equal attributes the later one goes, else both stay."""
    same = _equal_shapes(work.shapes)
    rows = np.flatnonzero(work.alive & same.duplicated(keep=False).to_numpy())
    texts = [as_text(attributes.iloc[rows, place]) for place in range(attributes.shape[1])]
    told = list(zip(*(text.tolist() for text in texts), strict=True)) or [()] * len(rows)
    first: dict[bytes, int] = {}
    equal: dict[tuple[bytes, tuple[object, ...]], int] = {}
    for row, facts in zip(rows.tolist(), told, strict=True):
        key = same.iloc[row]
        shape = work.shapes[row]
        about_m2 = float(shape.area) if work.kind == "polygon" else None
        twin = equal.setdefault((key, facts), row)
        if twin != row:
            yield Change(row, "duplicate", None, work.ids[twin], about_m2)
        elif first.setdefault(key, row) != row:
            yield Change(row, "same_place", shape, work.ids[first[key]], about_m2)


def double_ids(work: Work, given: Sequence[str]) -> Iterator[Change]:
    """Find the features whose id another one had first."""
    for row, (own, old) in enumerate(zip(work.ids, given, strict=True)):
        if own != old and work.shapes[row] is not None:
            yield Change(row, "id", work.shapes[row], facts={"given": old})


def outside(work: Work, limits: Limits) -> Iterator[Change]:
    """Find features that lie outside the area by more than the margin, or reach so far out."""
    if limits.area is None:
        return
    allowed = shapely.buffer(limits.area, limits.margin_m) if limits.margin_m else limits.area
    shapely.prepare(allowed)
    margin = f"{limits.margin_m:,.0f}"
    reaching = work.alive & ~shapely.covers(allowed, work.shapes)
    for row in np.flatnonzero(reaching):
        shape = work.shapes[row]
        if shapely.intersects(allowed, shape):
            yield Change(int(row), "partly_outside", shape, facts={"margin": margin})
        else:
            distance = f"{shapely.distance(limits.area, shape):,.0f}"
            facts = {"distance": distance, "margin": margin}
            yield Change(int(row), "outside", None, facts=facts)


def overlaps(work: Work, limits: Limits) -> Iterator[Finding]:
    """List the pairs of polygons that overlap by more than a sliver, and their sum."""
    if work.kind != "polygon":
        return
    rows = np.flatnonzero(work.alive)
    pairs = overlapping_pairs(work.shapes[rows], least_m2=limits.sliver_m2)
    same = _equal_shapes(work.shapes[rows]).to_numpy()
    count, sum_m2 = 0, 0.0
    for one, other, area in zip(pairs.one, pairs.other, pairs.area_m2.tolist(), strict=True):
        if same[one] == same[other]:  # said already
            continue
        count, sum_m2 = count + 1, sum_m2 + area
        first, second = work.ids[rows[one]], work.ids[rows[other]]
        facts = {"area": said(area)}
        yield Finding(first, "overlap", "kept", other=second, about_m2=area, facts=facts)
    if count:
        facts = {"count": str(count), "area": said(sum_m2)}
        yield Finding("", "overlaps", "noted", about_m2=sum_m2, facts=facts)
    if not pairs.complete:
        yield Finding("", "unlooked", "noted", facts={"count": f"{pairs.looked:,}"})


def _equal_shapes(shapes: Shapes) -> pd.Series:
    """A key for each shape, equal for equal shapes however they are drawn; none where missing."""
    return pd.Series(shapely.to_wkb(shapely.normalize(shapes)), dtype=object)


def said(amount: float) -> str:
    """Write an amount for people: to a tenth, small ones to three digits."""
    return f"{amount:,.1f}" if abs(amount) >= _ROUNDED else f"{amount:.3g}"
