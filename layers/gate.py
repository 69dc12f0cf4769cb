"""The gate: whether a file's places, as declared, are where trusted layers have the same."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from shapely.geometry.base import BaseGeometry

from layers.basis import Basis
from layers.catalogue import GeometryKind
from layers.crs import datum_of, read_crs, to_geodetic, to_wgs84
from layers.datum import (
    bd09_to_wgs84,
    gcj02_to_wgs84,
    in_china,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)
from layers.declared import Datum, Declared
from layers.displacement import (
    AS_DECLARED,
    EDGES,
    POINTS,
    Displacement,
    Hypothesis,
    Move,
    Why,
    by_names,
    by_nearness,
)
from layers.load import Pack
from layers.matching import Metres, clouds, dense_edges, same_names, sparse_edges
from layers.phrases import phrase
from layers.text import Entry, Language, Text

TRUSTED: tuple[Basis, ...] = ("official", "open")
"""The bases of features that others may be compared with."""
MOST_ACCURACY_M = 100.0
"""What is less exact cannot tell shifts of half a kilometre from its own error."""
ENOUGH = 3
"""When so many trusted layers have spoken clearly, no more are asked."""
SAME_PLACE_M = 150.0
"""Comparisons whose shifts differ by more, beyond the references' accuracy, contradict."""
FAR_M = 10_000.0
"""Data of which nothing lies so near the area are elsewhere, not shifted."""
_M_PER_DEGREE = 111_000.0
_KINDS: Mapping[int, GeometryKind] = {0: "point", 1: "line", 2: "polygon"}
_COMPASS = (
    *("n", "nne", "ne", "ene", "e", "ese", "se", "sse"),
    *("s", "ssw", "sw", "wsw", "w", "wnw", "nw", "nnw"),
)

Verdict = Literal[
    "agrees", "gcj02", "bd09", "wgs84", "swapped", "shifted", "elsewhere", "cannot_tell"
]
How = Literal["names", "outline", "nearest", "place", ""]
Reason = Literal[
    "no_reference", "no_places", "no_counterpart", "few", "unclear", "contradiction", ""
]
_Evidence: TypeAlias = "tuple[How, Reference, Displacement | Why]"


@dataclass(frozen=True, slots=True)
class Reference:
    """The trusted features of a layer: `frame` holds their names and geometry, in metres."""

    layer: str
    title: Text
    geometry: GeometryKind
    frame: gpd.GeoDataFrame
    accuracy_m: float


class DatumFinding(Entry):
    """What the comparison of a file with trusted layers says of its datum.

    `verdict` is "agrees"; the datum that the data are really on ("gcj02", "bd09", or "wgs84" where
    a shift was declared that is not there); "swapped"; "shifted" by something unknown;
    "elsewhere"; or "cannot_tell", for the `reason` given. `shift_m` and `bearing_deg` (clockwise
    from north) lead from where the things should be to where they lie as declared, `residual_m` is
    the median distance left once the verdict is heeded, `matched` counts what was met again in the
    layers `against`, and `how` says in which way. `suggestion` is the declaration to use instead.
    """

    verdict: Verdict
    geometry: GeometryKind
    shift_m: float | None = None
    bearing_deg: float | None = None
    residual_m: float | None = None
    matched: int = 0
    against: tuple[str, ...] = ()
    titles: tuple[Text, ...] = ()
    how: How = ""
    reason: Reason = ""
    suggestion: Declared | None = None

    def sentence(self, lang: Language) -> str:
        """Say what was found, and on what evidence, in one or two sentences."""
        shift_m, bearing = self.shift_m or 0.0, self.bearing_deg or 0.0
        said = phrase(
            "finding",
            self.verdict,
            things=phrase("thing", self.geometry),
            shift=_rounded(shift_m),
            kilometres=f"{max(1, round(shift_m / 1000)):,}",
            direction=compass(bearing),
            reason=phrase("reason", self.reason) if self.reason else "",
        ).in_(lang)
        if self.how in {"", "place"}:
            return said
        layers = ("、" if lang == "zh" else "', '").join(title.in_(lang) for title in self.titles)
        evidence = phrase(
            "evidence",
            self.how,
            layers=layers,
            count=self.matched,
            residual=_rounded(self.residual_m or 0.0),
        ).in_(lang)
        return f"{said}{evidence}" if lang == "zh" else f"{said} {evidence}"


def compass(bearing_deg: float) -> Text:
    """Name a direction as one of sixteen.

    >>> compass(112).in_("en"), compass(112).in_("zh"), compass(359).in_("en")
    ('ESE', '东南偏东', 'N')
    """
    return phrase("compass", _COMPASS[round(bearing_deg / 22.5) % 16])


def references(pack: Pack, *, proven: Collection[str] = ()) -> tuple[Reference, ...]:
    """Return what a pack offers to compare with: features on a trusted basis, exact enough.

    A feature's own basis and accuracy count, not its layer's. A planner's own layers are left
    out, whatever their basis: one wrong datum would vouch for the next. `proven` names those of
    them that this gate itself has found to agree.
    """
    found = []
    for layer in pack.layers.values():
        frame, spec = layer.frame, layer.spec
        trusted = frame["basis"].isin(TRUSTED) & (frame["accuracy_m"] <= MOST_ACCURACY_M)
        unproven = spec.id in pack.own and spec.id not in proven
        if unproven or not trusted.any():
            continue
        frame = frame[trusted]
        names = [c for c in dict.fromkeys(("name", "name_en", spec.style.label)) if c in frame]
        accuracy_m = float(frame["accuracy_m"].max())
        kept = frame[[*names, frame.geometry.name]]
        found.append(Reference(spec.id, spec.title, spec.geometry, kept, accuracy_m))
    return tuple(found)


def find_shift(
    frame: gpd.GeoDataFrame,
    references: Iterable[Reference],
    *,
    declared: Declared,
    area: BaseGeometry,
    metric_crs: str,
    names: Sequence[str] = (),
) -> DatumFinding:
    """Compare a file, placed as declared, with trusted layers: on which datum it really is.

    `frame` is in OGC:CRS84, as `to_degrees` returns it; `area` and the references are in
    `metric_crs`. `names` says in which columns the features' names stand; without it they are
    looked for. Three comparisons are made with each reference: features of the same name, outlines
    (and lines), and the pattern of points. Each asks under which hypothesis things come to lie
    where they should: as declared, on GCJ-02, on BD-09, not shifted at all, or off by some other
    amount; it answers only where one stands out clearly. Where comparisons contradict each other,
    or none answers, the finding is "cannot_tell". GCJ-02 and BD-09 are thought of in China only.
    """
    ground = _Ground.of(metric_crs, area)
    geometries = frame.geometry.to_numpy()
    usable = np.isfinite(shapely.bounds(geometries)).all(axis=1)
    frame, geometries = frame[usable], geometries[usable]
    if not len(geometries):
        return DatumFinding(verdict="cannot_tell", geometry="point", reason="no_places")
    dimensions, here = shapely.get_dimensions(geometries), ground.near(geometries)
    if not here.any():
        kind = _KINDS[int(np.bincount(dimensions).argmax())]
        return _elsewhere(geometries, ground, declared, kind)
    most = int(np.bincount(dimensions[here]).argmax())
    trusted = sorted(references, key=lambda one: (one.accuracy_m, one.layer))
    if not trusted:
        return DatumFinding(verdict="cannot_tell", geometry=_KINDS[most], reason="no_reference")
    own = _Own.of(ground.put(frame[here & (dimensions == most)], metric_crs), _KINDS[most])
    evidence = _evidence(own, trusted, _moves(declared, ground), names)
    return _conclude(evidence, declared, own.kind)


@dataclass(frozen=True, slots=True)
class _Ground:
    """The place: its rectangle in degrees, and the way between degrees and metres."""

    transformer: Transformer
    bounds: tuple[float, float, float, float]

    @classmethod
    def of(cls, metric_crs: str, area: BaseGeometry) -> "_Ground":
        transformer = to_wgs84(CRS.from_user_input(metric_crs), area.bounds)
        return cls(transformer, transformer.transform_bounds(*area.bounds))

    def to_metres(self, degrees: Metres) -> Metres:
        moved = self.transformer.transform(degrees[:, 0], degrees[:, 1], direction="INVERSE")
        return np.column_stack(moved)

    def to_degrees(self, metres: Metres) -> Metres:
        return np.column_stack(self.transformer.transform(metres[:, 0], metres[:, 1]))

    def put(self, frame: gpd.GeoDataFrame, metric_crs: str) -> gpd.GeoDataFrame:
        """Put features into metres; those that reach out of the CRS's world are left out."""
        moved = shapely.transform(frame.geometry.to_numpy(), self.to_metres)
        frame = frame.set_geometry(gpd.GeoSeries(moved, index=frame.index, crs=metric_crs))
        return frame[np.isfinite(shapely.bounds(moved)).all(axis=1)]

    def near(self, degrees: NDArray[np.object_]) -> NDArray[np.bool_]:
        """Tell which geometries' rectangles come near the area's."""
        west, south, east, north = self.bounds
        lat = FAR_M / _M_PER_DEGREE
        lon = lat / math.cos(math.radians((south + north) / 2))
        box = shapely.bounds(degrees)
        inside: NDArray[np.bool_] = (
            (box[:, 2] >= west - lon)
            & (box[:, 0] <= east + lon)
            & (box[:, 3] >= south - lat)
            & (box[:, 1] <= north + lat)
        )
        return inside

    @property
    def middle(self) -> tuple[float, float]:
        west, south, east, north = self.bounds
        return (west + east) / 2, (south + north) / 2


def _moves(declared: Declared, ground: _Ground) -> Mapping[Hypothesis, Move]:
    """Return the hypotheses: to where each moves a place, as declared, in metres."""
    away = {"gcj02": wgs84_to_gcj02, "bd09": wgs84_to_bd09}
    back = {"gcj02": gcj02_to_wgs84, "bd09": bd09_to_wgs84}

    def move_to(datum: str) -> Move:
        def move(places: Metres) -> Metres:
            degrees = ground.to_degrees(places)
            if declared.datum in away:
                degrees = np.column_stack(away[declared.datum](*degrees.T))
            if datum in back:
                degrees = np.column_stack(back[datum](*degrees.T))
            return ground.to_metres(degrees)

        return move

    moves: dict[Hypothesis, Move] = {AS_DECLARED: lambda places: places}
    if bool(in_china(*ground.middle)) and datum_of(declared.crs) != "other":
        known = declared.datum if declared.datum in away else "wgs84"
        others: tuple[Hypothesis, ...] = ("gcj02", "bd09", "wgs84")
        moves |= {name: move_to(name) for name in others if name != known}
    return moves


@dataclass(frozen=True, slots=True, eq=False)
class _Own:
    """The file's side of the comparisons: its features in metres, and points along its lines."""

    frame: gpd.GeoDataFrame
    kind: GeometryKind
    sparse: Metres
    dense: Metres

    @classmethod
    def of(cls, frame: gpd.GeoDataFrame, kind: GeometryKind) -> "_Own":
        geometries = frame.geometry.to_numpy()
        if kind == "point":
            points = shapely.get_coordinates(shapely.centroid(geometries))
            return cls(frame, kind, points, points)
        return cls(frame, kind, sparse_edges(geometries, outer=True), dense_edges(geometries))


def _evidence(
    own: _Own,
    references: Iterable[Reference],
    moves: Mapping[Hypothesis, Move],
    names: Sequence[str],
) -> list[_Evidence]:
    """Compare with one reference after the other, till enough have spoken."""
    evidence: list[_Evidence] = []
    for reference in references:
        evidence += _compare(own, reference, moves, names)
        spoken = {one.layer for _, one, found in evidence if isinstance(found, Displacement)}
        if len(spoken) == ENOUGH:
            break
    return evidence


def _compare(
    own: _Own, trusted: Reference, moves: Mapping[Hypothesis, Move], names: Sequence[str]
) -> Iterator[_Evidence]:
    """Make the comparisons that the kinds of geometry allow."""
    reference, accuracy_m = trusted.frame.geometry.to_numpy(), trusted.accuracy_m
    if own.kind == trusted.geometry and own.kind != "line":
        named = same_names(own.frame, trusted.frame, columns=names)
        if named is not None:
            yield "names", trusted, by_names(named, moves, accuracy_m=accuracy_m)
    if own.kind == trusted.geometry == "point":
        points = shapely.get_coordinates(shapely.centroid(reference))
        both = clouds(own.sparse, points)
        found = by_nearness(both, moves, accuracy_m=accuracy_m, burdens=POINTS)
        yield "nearest", trusted, found
    if own.kind != "point" and trusted.geometry != "point":
        # The file's outline against all lines of the layer, and the layer's lines against all of
        # the file's: either may be the part of a larger whole.
        for both in (
            clouds(own.sparse, dense_edges(reference)),
            clouds(own.dense, sparse_edges(reference, outer=False)),
        ):
            found = by_nearness(both, moves, accuracy_m=accuracy_m, burdens=EDGES)
            yield "outline", trusted, found


def _conclude(
    evidence: Sequence[_Evidence], declared: Declared, kind: GeometryKind
) -> DatumFinding:
    """Take the best evidence, unless other evidence contradicts it."""
    order: tuple[How, ...] = ("names", "outline", "nearest")
    clear = [
        (how, trusted, found) for how, trusted, found in evidence if isinstance(found, Displacement)
    ]
    if not clear:
        said = {found for _, _, found in evidence}
        reason: Reason = "unclear" if "unclear" in said else "few" if said else "no_counterpart"
        return DatumFinding(verdict="cannot_tell", geometry=kind, reason=reason)
    clear.sort(key=lambda item: (order.index(item[0]), item[1].accuracy_m, -item[2].matched))
    how, trusted, found = clear[0]
    for _, other, second in clear[1:]:
        apart_m = math.hypot(found.east_m - second.east_m, found.north_m - second.north_m)
        if apart_m > SAME_PLACE_M + max(trusted.accuracy_m, other.accuracy_m):
            return DatumFinding(verdict="cannot_tell", geometry=kind, reason="contradiction")
    heard = {t.layer: t.title for h, t, _ in clear if h == how}
    return DatumFinding(
        verdict=found.hypothesis,
        geometry=kind,
        shift_m=math.hypot(found.east_m, found.north_m),
        bearing_deg=math.degrees(math.atan2(found.east_m, found.north_m)) % 360,
        residual_m=found.residual_m,
        matched=found.matched,
        against=tuple(heard),
        titles=tuple(heard.values()),
        how=how,
        suggestion=_suggestion(declared, found.hypothesis),
    )


def _suggestion(declared: Declared, hypothesis: Hypothesis) -> Declared | None:
    datums: Mapping[Hypothesis, Datum] = {
        "gcj02": "gcj02",
        "bd09": "bd09",
        "wgs84": datum_of(declared.crs),
    }
    if hypothesis not in datums:
        return None
    return declared.model_copy(update={"datum": datums[hypothesis]})


def _elsewhere(
    geometries: NDArray[np.object_], ground: _Ground, declared: Declared, kind: GeometryKind
) -> DatumFinding:
    """Nothing is near: is it once the axes are exchanged? If not, say where it is."""
    crs = read_crs(declared.crs, declared.crs)
    to_own = to_geodetic(crs)

    def exchanged(degrees: Metres) -> Metres:
        x, y = to_own.transform(degrees[:, 0], degrees[:, 1], direction="INVERSE")
        return np.column_stack(to_own.transform(y, x))

    swapped = shapely.transform(geometries, exchanged)
    usable = np.isfinite(shapely.bounds(swapped)).all(axis=1)
    if 2 * ground.near(swapped[usable]).sum() > len(geometries):
        turned = declared.model_copy(update={"swapped": not declared.swapped})
        return DatumFinding(verdict="swapped", geometry=kind, how="place", suggestion=turned)
    lon, lat = np.median(shapely.get_coordinates(shapely.centroid(geometries)), axis=0)
    geod = CRS("OGC:CRS84").get_geod()
    if geod is None:  # the ellipsoid of WGS 84 is known
        raise AssertionError
    bearing, _, distance_m = geod.inv(*ground.middle, lon, lat)
    return DatumFinding(
        verdict="elsewhere",
        geometry=kind,
        shift_m=distance_m,
        bearing_deg=bearing % 360,
        how="place",
    )


def _rounded(metres: float) -> str:
    """Round to what such an estimate is worth: whole metres below 50, then fives.

    >>> _rounded(12.3), _rounded(553.2), _rounded(1_368.1)
    ('12', '555', '1,370')
    """
    return f"{round(metres) if metres < 50 else 5 * round(metres / 5):,}"  # noqa: PLR2004
