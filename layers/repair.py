"""Mending a planner's features: what is wrong, what was done, and that nothing changes silently."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry.base import BaseGeometry

from layers.catalogue import LayerSpec
from layers.faults import (
    Change,
    Limits,
    Work,
    close,
    double_ids,
    duplicates,
    flat,
    invalid,
    of_another_kind,
    outside,
    overlaps,
    said,
    slivers,
    with_repeats,
    without_geometry,
    without_place,
)
from layers.findings import FAULTS, Done, Finding, as_problems, log_table, read_phrases
from layers.problem import InputError
from layers.shapes import amounts

Handling = Literal["repair", "skip", "stop"]

SLIVER_M2 = 1.0
SLIVER_WIDTH_M = 0.05
TOTAL_SHARE = 1e-4
"""A change of the total by more than this is a finding of its own."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What a layer holds in all: features, and the amount of its kind (m², m or points).

    Areas are those of the rings as any GIS shows them, outer less inner, feature by feature: what
    two features share counts for both, and of a ring that crosses itself the parts run round the
    other way count negative (a bow tie of two equal triangles has no area).
    """

    features: int
    amount: float


@dataclass(frozen=True, slots=True)
class Mended:
    """The features as they can be measured, the log, and the totals before and after.

    `log` has the columns of LOG_COLUMNS, one row a finding; its amounts after less its amounts
    before add up to the change of the total.
    """

    frame: gpd.GeoDataFrame
    log: pd.DataFrame
    before: Totals
    after: Totals


def mend(
    frame: gpd.GeoDataFrame,
    spec: LayerSpec,
    *,
    area: BaseGeometry | None = None,
    margin_m: float = 0.0,
    handling: Handling = "repair",
    where: str = "",
    sliver_m2: float = SLIVER_M2,
    sliver_width_m: float = SLIVER_WIDTH_M,
) -> Mended:
    """Look at every feature of a layer, mend what can be mended, and log all of it.

    `frame` is indexed by id (text) and lies in the metric CRS, as does `area`, outside which no
    feature may lie by more than `margin_m`; a feature that only reaches out is kept. With
    "repair" faulty features are mended where that is possible and else left out; with "skip" they
    are left out, each with what is lost; with "stop" any fault raises an InputError that lists
    them all. Overlaps are reported, never cut: whose land it is no program knows.

    The result keeps the order of the rows, has unique ids, and passes `content_problems` but for
    columns. An invalid polygon is made of its rings anew: outer ones united, holes cut out.

    >>> from shapely import Polygon
    >>> spec = LayerSpec.model_validate({"id": "land", "title": {"zh": "地", "en": "Land"},
    ...     "geometry": "polygon", "group": "base", "accuracy_m": 1,
    ...     "source": {"name": {"zh": "局", "en": "Bureau"}, "basis": "official"}})
    >>> tie = Polygon([(0, 0), (20, 20), (20, 0), (0, 20)])
    >>> done = mend(gpd.GeoDataFrame(geometry=[tie], index=["7"], crs="EPSG:4548"), spec)
    >>> done.before.amount, done.after.amount, done.log["rule"].tolist()
    (0.0, 200.0, ['invalid', 'total'])
    """
    phrases = read_phrases()
    raw = frame.geometry.to_numpy().astype(object)
    given = [str(feature) for feature in frame.index]
    work = Work(spec.geometry, tuple(_unique(given)), raw, phrases)
    limits = Limits(area, margin_m, sliver_m2, sliver_width_m)
    before = amounts(work.kind, raw)
    work, findings = flat(work)
    attributes = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    steps: tuple[Callable[[Work], Iterator[Change]], ...] = (
        without_geometry,
        without_place,
        of_another_kind,
        invalid,
        with_repeats,
        lambda now: slivers(now, limits),
        lambda now: duplicates(now, attributes),
        lambda now: double_ids(now, given),
        lambda now: outside(now, limits),
    )
    for step in steps:
        work, found = _done(work, step(work), skip=handling == "skip")
        findings += found
    findings += [*close(work), *overlaps(work, limits)]
    if handling == "stop":
        faults = [finding for finding in findings if finding.rule in FAULTS]
        if faults:
            raise InputError(as_problems(faults, where or spec.id, phrases))
    alive = work.alive
    totals = (
        Totals(len(raw), float(before.sum())),
        Totals(int(alive.sum()), float(amounts(work.kind, work.shapes).sum())),
    )
    findings += _change_of_total(work, *totals)
    kept = gpd.GeoDataFrame(attributes, geometry=work.shapes, crs=frame.crs)
    kept = kept.set_axis(pd.Index(work.ids, dtype=str, name=frame.index.name))[alive]
    return Mended(kept, log_table(findings, spec.id, work.kind, phrases), *totals)


def _done(work: Work, changes: Iterator[Change], *, skip: bool) -> tuple[Work, list[Finding]]:
    """Make the changes, or leave the faulty features out, with the amounts before and after."""
    shapes = work.shapes.copy()
    findings = []
    for change in changes:
        row, old, new = change.row, shapes[change.row], change.shape
        if skip and change.rule in FAULTS:
            new = None
        before, after = amounts(work.kind, np.array([old, new], dtype=object)).tolist()
        shapes[row] = new
        findings.append(
            Finding(
                feature=work.ids[row],
                rule=change.rule,
                done=_what_was_done(change, old, new),
                before=before,
                after=after,
                other=change.other,
                about_m2=change.about_m2,
                facts=change.facts,
            )
        )
    return replace(work, shapes=shapes), findings


def _what_was_done(change: Change, old: BaseGeometry | None, new: BaseGeometry | None) -> Done:
    if new is None:
        return "left_out"
    if change.rule == "id":
        return "renumbered"
    return "kept" if new is old else "mended"


def _change_of_total(work: Work, before: Totals, after: Totals) -> Iterator[Finding]:
    change = after.amount - before.amount
    if abs(change) > TOTAL_SHARE * before.amount:
        share = f"{change / before.amount:+.2%}" if before.amount else "+∞"
        facts = {
            "before": said(before.amount),
            "after": said(after.amount),
            "unit": work.phrases.units[work.kind],
            "share": share,
        }
        yield Finding("", "total", "noted", facts=facts)


def _unique(ids: Sequence[str]) -> Iterator[str]:
    """Ids that differ: a repeated one gets the next free number."""
    taken, seen = set(ids), Counter[str]()
    for feature in ids:
        seen[feature] += 1
        if seen[feature] == 1:
            yield feature
            continue
        while f"{feature}-{seen[feature]}" in taken:
            seen[feature] += 1
        taken.add(f"{feature}-{seen[feature]}")
        yield f"{feature}-{seen[feature]}"
