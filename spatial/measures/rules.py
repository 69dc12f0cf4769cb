"""Rules about what may be built where: projects against the zones that they lie in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pydantic import Field, StringConstraints
from shapely.geometry.base import BaseGeometry

from layers.text import Entry
from spatial.doubt.band import accuracies, extremes, inner, outer
from spatial.geometry.edges import Shapes
from spatial.geometry.lattice import Flags, Floats
from spatial.geometry.overlap import TOUCHING
from spatial.geometry.overlay import polygonal
from spatial.measurement import (
    NOTHING,
    Doubt,
    Features,
    Figure,
    Measurement,
    Polygons,
    by_unit,
    ranged,
)
from spatial.measures.extent import amount

INSIDE, DRAWN_INSIDE, DRAWN_OUTSIDE, OUTSIDE = "inside", "drawn_inside", "drawn_outside", "outside"
"""Where a project lies: surely in, drawn in or out but perhaps on the other side, surely out."""
NOT_ALLOWED, UNKNOWN_KIND, MAY_LIE_INSIDE = "not_allowed", "unknown_kind", "may_lie_inside"
"""What a finding says: a violation, or one of the two reasons why it cannot be told."""
ALLOWED = "allowed"
MARKER_M = 60.0
"""Radius of the mark that stands for a point or a line among the places shown."""
_LINE, _AREA = 1, 2
_EVIDENCE: Mapping[str, str] = {
    "unit": "str",
    "zone": "str",
    "layer": "str",
    "kind": "str",
    "finding": "str",
    "position": "str",
    "area_m2": "float64",
    "length_m": "float64",
    "width_m": "float64",
    "share": "float64",
    "override": "str",
}

Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Kinds = Annotated[tuple[str, ...], Field(min_length=1)]
Least = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Override(Entry):
    """A planner's own judgement of a project's kind, in place of what is recorded, and why."""

    kind: Said
    reason: Said


def allowed_projects(
    projects: Features,
    zones: Polygons,
    *,
    kind_column: str = "tier1_kind",
    allowed: Kinds,
    least_m2: Least = 50.0,
    least_width_m: Least = 1.0,
    overrides: Mapping[str, Override] = {},
) -> Measurement:
    """Count the projects that lie in a zone although their kind is not allowed there.

    One row a project, its own unit: 1 where it violates, 0 where it does not, from 0 to 1 where
    that cannot be told. The whole is the number of those that surely violate, up to that with all
    that cannot be told. Without zones or without projects there is nothing to measure.

    A project lies in the union of the zones by what of it is inside: a polygon with an area a and
    a width w = a / half the perimeter of the overlap, and not if a < `least_m2` and w <
    `least_width_m`; a line with a length, and not if that is < `least_width_m`; a point if it is
    inside. What only touches a border or runs along it is not inside. It surely lies inside if it
    does so in the least that the zones can be, each of its points as far off as its accuracy, and
    surely outside if not even in the most; invented features are where they are.

    A kind in `allowed` is no violation wherever it lies, another is one inside, a missing one
    cannot be told. `overrides` give kinds by project id, each with its reason; that of an unknown
    project changes nothing and is counted.

    Evidence is all that is a finding or cannot be told, one row a project and zone, largest
    first: `unit` (project), `zone`, `layer`, `kind`, `finding` (not_allowed, unknown_kind,
    may_lie_inside), `position` (inside; drawn_inside or drawn_outside where it may as well be on
    the other side), `area_m2`, `length_m`, `width_m`, `share` of the project that is drawn inside,
    and the reason of an `override`. The place is the part of a polygon that is inside, or all of
    it beside the nearest zone where it is drawn outside; of points and lines it is a mark, all
    within MARKER_M of that part, with an `area_m2` of 0.

    The facts add up to all projects: not_allowed, unknown_kind, may_lie_inside, allowed (in the
    zone, or perhaps), outside.

    The two limits against slivers are a convention of this tool.

    >>> from shapely import Point, box
    >>> zone = gpd.GeoDataFrame(geometry=[box(0, 0, 100, 100)], index=["Z"], crs="EPSG:4548")
    >>> sites = gpd.GeoDataFrame({"tier1_kind": ["farm", "factory", "factory"]},
    ...     geometry=[Point(5, 5), Point(9, 9), Point(500, 5)], index=["A", "B", "C"],
    ...     crs="EPSG:4548")
    >>> allowed_projects(sites, zone, allowed=["farm"]).values["value"].to_dict()
    {'A': 0.0, 'B': 1.0, 'C': 0.0}
    """
    limits = _Limits(least_m2, least_width_m)
    ids = [str(project) for project in projects.index]
    judged = {project: Override.model_validate(said) for project, said in overrides.items()}
    kinds = _kinds(projects, ids, kind_column, judged)
    reasons = {project: said.reason for project, said in judged.items()}
    if not len(zones) or not ids:
        return Measurement(
            by_unit(ids, [NOTHING] * len(ids)), NOTHING, _evidence(projects, zones, [])
        )
    lies = _positions(projects, _Zone.of(zones), limits)
    findings = [_finding(kind, place, allowed) for kind, place in zip(kinds, lies, strict=True)]
    counts = pd.Series(findings).value_counts()
    facts = {
        f"{name}_count": float(counts.get(name, 0))
        for name in (NOT_ALLOWED, UNKNOWN_KIND, MAY_LIE_INSIDE, ALLOWED, OUTSIDE)
    }
    known = set(ids)
    facts["overridden_count"] = float(len(known & set(judged)))
    facts["stray_override_count"] = float(len(set(judged) - known))
    surely, unknown, perhaps = (
        facts[f"{name}_count"] for name in (NOT_ALLOWED, UNKNOWN_KIND, MAY_LIE_INSIDE)
    )
    told = [
        _Told(number, findings[number], lies[number], kinds[number], reasons.get(project))
        for number, project in enumerate(ids)
        if findings[number] in {NOT_ALLOWED, UNKNOWN_KIND, MAY_LIE_INSIDE}
    ]
    return Measurement(
        values=by_unit(ids, [_judged(finding) for finding in findings]),
        whole=ranged(amount(surely), surely, surely + unknown + perhaps),
        evidence=_evidence(projects, zones, told),
        doubts=_doubts(projects, zones, surely, unknown=unknown, perhaps=perhaps),
        facts=facts,
    )


def tiers_of(
    projects: Features,
    tiers: Polygons,
    *,
    least_m2: Least = 50.0,
    least_width_m: Least = 1.0,
) -> pd.DataFrame:
    """Tell in which control zones each project lies, and with how much of it.

    One row a project and tier in order of their ids, with `project`, `tier`, `share` (of its area
    or length that is drawn inside; 1 for a point inside, 0 for what is drawn outside) and
    `position`: inside, drawn_inside or drawn_outside, the latter two where it may as well be on
    the other side. What lies inside is told as in `allowed_projects`, for each tier by itself.

    >>> from shapely import box
    >>> tiers = gpd.GeoDataFrame(geometry=[box(0, 0, 100, 100), box(100, 0, 200, 100)],
    ...     index=["T1", "T2"], crs="EPSG:4548")
    >>> site = gpd.GeoDataFrame(geometry=[box(70, 0, 110, 100)], index=["A"], crs="EPSG:4548")
    >>> tiers_of(site, tiers)[["tier", "share"]].to_numpy().tolist()
    [['T1', 0.75], ['T2', 0.25]]
    """
    limits, shapes = _Limits(least_m2, least_width_m), projects.geometry.to_numpy()
    rows = []
    for number, tier in enumerate(tiers.index):
        one = tiers.iloc[[number]]
        lies = _positions(projects, _Zone.of(one), limits)
        shares = _shares(shapes, _overlap(shapes, one.geometry.iloc[0]))
        rows += [
            (str(project), str(tier), 0.0 if place == DRAWN_OUTSIDE else float(share), place)
            for project, share, place in zip(projects.index, shares, lies, strict=True)
            if place != OUTSIDE
        ]
    return pd.DataFrame(sorted(rows), columns=["project", "tier", "share", "position"])


@dataclass(frozen=True, slots=True)
class _Limits:
    """How little of a project inside a zone is no finding yet."""

    least_m2: float
    least_width_m: float

    def found(self, shapes: Shapes, parts: Shapes) -> Flags:
        """Which features lie in a zone, given what of each is inside."""
        dimension = shapely.get_dimensions(shapes)
        area, length, width = shapely.area(parts), shapely.length(parts), _widths(parts)
        surface = (area > 0) & ((area >= self.least_m2) | (width >= self.least_width_m))
        course = (length > 0) & (length >= self.least_width_m)
        point = ~shapely.is_empty(parts)
        found: Flags = np.where(
            dimension == _AREA, surface, np.where(dimension == _LINE, course, point)
        )
        return found


class _Told(NamedTuple):
    """A project with a finding: its number, what is found, where it lies and of which kind."""

    number: int
    finding: str
    position: str
    kind: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class _Zone:
    """Zones taken as one: as drawn, and the least and the most that they can be."""

    drawn: BaseGeometry
    least: BaseGeometry
    most: BaseGeometry

    @classmethod
    def of(cls, zones: gpd.GeoDataFrame) -> "_Zone":
        drawn = shapely.union_all(zones.geometry.to_numpy())
        return cls(*(polygonal(extent) for extent in (drawn, *extremes(zones))))


def _positions(projects: gpd.GeoDataFrame, zone: _Zone, limits: _Limits) -> list[str]:
    """Where each project lies, given how far off it may be."""
    shapes, off = projects.geometry.to_numpy(), accuracies(projects)
    lies = np.full(len(shapes), OUTSIDE, dtype=object)
    for metres in np.unique(off):
        some = np.flatnonzero(off == metres)
        by = np.array([metres])
        # Each extent lies within the one before: the last that holds a project tells.
        extents = {
            DRAWN_OUTSIDE: outer(np.array([zone.most], dtype=object), by)[0],
            DRAWN_INSIDE: zone.drawn,
            INSIDE: inner(np.array([zone.least], dtype=object), by)[0],
        }
        for place, extent in extents.items():
            there = limits.found(shapes[some], _overlap(shapes[some], extent))
            lies[some[there]] = place
    return [str(place) for place in lies]


def _overlap(shapes: Shapes, zone: BaseGeometry) -> Shapes:
    """What of features lies inside a zone: of polygons polygons, of others all off its border."""
    parts: Shapes = shapely.intersection(shapes, zone)
    areal = shapely.get_dimensions(shapes) == _AREA
    parts[areal] = [polygonal(part) for part in parts[areal]]
    parts[~areal] = shapely.difference(parts[~areal], shapely.boundary(zone))
    return parts


def _widths(parts: Shapes) -> Floats:
    """Width of polygons: the area over half the perimeter, nought for what is no polygon."""
    half = shapely.length(parts) / 2
    widths: Floats = np.divide(shapely.area(parts), half, out=np.zeros(len(parts)), where=half > 0)
    return widths


def _shares(shapes: Shapes, parts: Shapes) -> Floats:
    """Share of each feature that a part of it is, by area or length; 1 for a point that is one."""
    dimension = shapely.get_dimensions(shapes)
    part, all_ = (
        np.where(dimension == _AREA, shapely.area(one), shapely.length(one))
        for one in (parts, shapes)
    )
    shares: Floats = np.where(shapely.is_empty(parts), 0.0, 1.0)
    np.divide(part, all_, out=shares, where=(dimension >= _LINE) & (all_ > 0))
    return np.minimum(shares, 1.0)


def _kinds(
    projects: gpd.GeoDataFrame, ids: list[str], column: str, judged: Mapping[str, Override]
) -> list[str | None]:
    """Kind of each project: the planner's, else the recorded one, None where neither is."""
    recorded = projects[column].tolist() if column in projects else [None] * len(ids)
    kinds: list[str | None] = []
    for project, kind in zip(ids, recorded, strict=True):
        if project in judged:
            kinds.append(judged[project].kind)
        else:
            kinds.append(None if pd.isna(kind) else str(kind).strip() or None)
    return kinds


def _finding(kind: str | None, position: str, allowed: Kinds) -> str:
    if position == OUTSIDE:
        return OUTSIDE
    if kind in allowed:
        return ALLOWED
    if kind is None:
        return UNKNOWN_KIND
    return NOT_ALLOWED if position == INSIDE else MAY_LIE_INSIDE


def _judged(finding: str) -> Figure:
    if finding in {UNKNOWN_KIND, MAY_LIE_INSIDE}:
        return ranged(amount(0.0), 0.0, 1.0)
    return amount(1.0 if finding == NOT_ALLOWED else 0.0)


def _doubts(
    projects: gpd.GeoDataFrame,
    zones: gpd.GeoDataFrame,
    surely: float,
    *,
    unknown: float,
    perhaps: float,
) -> tuple[Doubt, ...]:
    doubts = []
    if unknown:
        doubts.append(Doubt("kind", "bounds", surely, surely + unknown))
    if perhaps:
        off = {"projects": accuracies(projects), "zones": accuracies(zones)}
        inputs = {name: float(metres.max()) for name, metres in off.items() if metres.max() > 0}
        doubts.append(Doubt("position", "band", surely, surely + perhaps, inputs))
    return tuple(doubts)


def _evidence(
    projects: gpd.GeoDataFrame, zones: gpd.GeoDataFrame, told: Sequence[_Told]
) -> gpd.GeoDataFrame:
    shapes = projects.geometry.to_numpy()
    layers = projects["layer"].tolist() if "layer" in projects else [None] * len(projects)
    rows: list[tuple[object, ...]] = []
    places: list[BaseGeometry] = []
    for one in told:
        shape = shapes[[one.number]]
        areal = shapely.get_dimensions(shape[0]) == _AREA
        for zone, part, share in _held(shape, zones, one.position):
            width, length = _widths(part)[0], shapely.length(part)[0]
            sizes = (part[0].area, np.nan if areal else length, width if areal else np.nan)
            said = (layers[one.number], one.kind, one.finding, one.position)
            rows.append((str(projects.index[one.number]), zone, *said, *sizes, share, one.reason))
            places.append(part[0] if areal else shapely.buffer(part[0], MARKER_M))
    table = pd.DataFrame(rows, columns=list(_EVIDENCE)).astype(dict(_EVIDENCE))
    frame = gpd.GeoDataFrame(table, geometry=places, crs=projects.crs)
    frame = frame.sort_values(["area_m2", "unit", "zone"], ascending=[False, True, True])
    return frame.set_index(pd.RangeIndex(1, len(frame) + 1, name="place"))


def _held(shape: Shapes, zones: gpd.GeoDataFrame, position: str) -> list[tuple[str, Shapes, float]]:
    """What each zone holds of one project, and which share of it; all, where drawn outside."""
    ids, extents = [str(zone) for zone in zones.index], zones.geometry.to_numpy()
    if position == DRAWN_OUTSIDE:
        away = shapely.distance(extents, shape[0])
        return [(ids[np.lexsort((ids, away))[0]], shape, 0.0)]
    parts = [_overlap(shape, polygonal(extent)) for extent in extents]
    shares = [float(_shares(shape, part)[0]) for part in parts]
    return [one for one in zip(ids, parts, shares, strict=True) if one[2] > TOUCHING]
