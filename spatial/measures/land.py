"""Shares of land by class."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Annotated

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pydantic import Field
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from spatial.doubt.accuracy import Counts, Estimate, TwoClasses, estimate
from spatial.doubt.band import (
    BAND_QUAD_SEGS,
    accuracies,
    extremes,
    inner,
    least_share,
    outer,
    surely,
)
from spatial.geometry.edges import Shapes
from spatial.geometry.lattice import Floats, Integers, Lattice
from spatial.geometry.overlap import clusters, overlaps, union_by
from spatial.geometry.overlay import dissolve, polygon_parts, polygonal
from spatial.geometry.zonal import Pieces, pieces
from spatial.measurement import (
    SLIVER_M2,
    Doubt,
    Figure,
    Measurement,
    Polygons,
    by_unit,
    ranged,
    share,
)

UNCLASSIFIED = ""
"""Stands for the class of land that has none."""
_POLYGON = 3
_GRID_M = 1e-4
_ROUNDING = 1e-9
"""Share of a zone up to which a difference of areas is taken for rounding."""
_VERTICES_PER_TILE = 6000
_FAR_PER_TILE = 8
"""Tiles are so many times as wide as borders may be off, or more: what lies round is seen twice."""
Codes = Annotated[tuple[str, ...], Field(min_length=1)]


def in_classes(codes: pd.Series, classes: Sequence[str]) -> pd.Series:
    """Mark the land whose class code begins with one of the given codes.

    Codes of 用地用海 and 三调 are hierarchical: `17` takes in `1701` to `1705`.

    >>> in_classes(pd.Series(["1701", "0701", None]), ["17"]).tolist()
    [True, False, False]
    """
    return codes.fillna("").astype(str).str.startswith(tuple(classes))


def land_share(
    land: Polygons,
    zones: Polygons,
    *,
    classes: Codes,
    class_column: str = "class_code",
    matrix: TwoClasses | None = None,
) -> Measurement:
    """Tell which share of each zone is land of the given classes, e.g. 蓝绿空间占比.

    share = A(union of the land in `classes`, cut with the zone) / A(zone), for each zone and for
    the union of all. Land that belongs to two counting classes, or is drawn twice, counts once.

    The range takes in that what of a zone no classified land covers may count or not, and the
    band of what positions allow: borders between land that counts and land that does not, and
    those of zones, off by their accuracy. A zone is not taken to reach beyond the land that is
    mapped.

    `matrix` are counts of sample points, the map's class in rows, that on the ground in columns,
    what counts before all else. Given one, the value is the share corrected for the map's errors
    (see `accuracy.assess`), taken to be as frequent in each zone as where the samples lie; the
    range is widened by their interval of 95 %, the fact `mapped_share` is what the map shows.

    Evidence is the land in the zones that does not count, by zone and class (`class_code`, None
    where unclassified), one row a polygon with its `area_m2`.

    No national definition says which classes are blue-green, so `classes` is always given.

    >>> from shapely import box
    >>> land = gpd.GeoDataFrame({"class_code": ["1701", "0701"]}, index=["L1", "L2"],
    ...     geometry=[box(0, 0, 10, 10), box(10, 0, 20, 10)], crs="EPSG:4548")
    >>> zone = gpd.GeoDataFrame(geometry=[box(5, 0, 15, 10)], index=["Z"], crs="EPSG:4548")
    >>> land_share(land, zone, classes=["17"]).whole.value
    0.5
    """
    cover = _Cover.of(land, classes, class_column)
    shapes = zones.geometry.to_numpy()
    held = cover.within(shapes)
    figures = held.figures()
    if len(overlaps(shapes)[0]):
        union = np.array([polygonal(shapely.union_all(shapes))], dtype=object)
        whole = cover.within(union).figures()[0]
    else:
        whole = _sum(figures)
    places = [(str(zones.index[zone]), code, place) for zone, code, place in held.others(figures)]
    doubts = _unclassified(whole)
    drawn, drawn_whole = figures, whole  # with no doubt but that of unclassified land
    accuracy_m = {"land": accuracies(land), "zones": accuracies(zones)}
    known = {name: float(m.max()) for name, m in accuracy_m.items() if m.max(initial=0.0) > 0}
    if known and whole.value is not None:
        least, most = _extents(zones, cover)
        unknown = _unknown(shapes, cover) if any(map(_unknown_share, figures)) else Polygon()
        sure = _Surely.of(cover, accuracy_m["land"], unknown, most)
        *ends, (low, high) = sure.ranges(least, most)
        figures = [ranged(figure, *end) for figure, end in zip(figures, ends, strict=True)]
        value = whole.value
        band = (min(low, value), max(high - _unknown_share(whole), value))
        whole = ranged(whole, low, high)
        doubts = (Doubt("position", "band", *band, known), *doubts)
    facts: dict[str, float] = {}
    if matrix is not None and whole.value is not None:
        facts["mapped_share"] = whole.value
        sampled = _sampled(drawn_whole, matrix)
        doubts = (*_moved(doubts, sampled.share - whole.value), _told(sampled, matrix))
        pairs = zip(drawn, figures, strict=True)
        figures = [_corrected(one, figure, matrix) for one, figure in pairs]
        whole = _corrected(drawn_whole, whole, matrix)
    return Measurement(
        values=by_unit([str(unit) for unit in zones.index], figures),
        whole=whole,
        evidence=_places(places, land),
        doubts=doubts,
        facts=facts,
    )


def _unknown_share(figure: Figure) -> float:
    """Share of a zone without a class, of a figure that has no other doubt yet."""
    return 0.0 if figure.value is None or figure.high is None else figure.high - figure.value


def _sampled(drawn: Figure, matrix: Counts) -> Estimate:
    """The share as samples correct it; of land without a class they tell nothing."""
    classified = 1.0 - _unknown_share(drawn)
    if drawn.value is None or classified <= 0:
        return Estimate(0.0, 0.0)
    found = estimate(drawn.value / classified, matrix)
    return Estimate(found.share * classified, found.error * classified)


def _corrected(drawn: Figure, figure: Figure, matrix: Counts) -> Figure:
    """A share as the samples correct it, its range widened by what they leave open."""
    if figure.value is None or figure.low is None or figure.high is None:
        return figure
    found, area = _sampled(drawn, matrix), figure.denominator or 0.0
    low = max(found.low - (figure.value - figure.low), 0.0)
    high = min(found.high + (figure.high - figure.value), 1.0)
    return Figure(found.share, found.share * area, area, low, high)


def _moved(doubts: Sequence[Doubt], off: float) -> tuple[Doubt, ...]:
    """Doubts about the share that the map shows, as doubts about the corrected one."""
    return tuple(
        replace(one, low=max(one.low + off, 0.0), high=min(one.high + off, 1.0)) for one in doubts
    )


def _told(found: Estimate, matrix: Counts) -> Doubt:
    samples = {"samples": float(sum(map(sum, matrix)))}
    return Doubt("classification", "estimate", found.low, found.high, samples)


def _unclassified(whole: Figure) -> tuple[Doubt, ...]:
    if whole.value is None or whole.low is None or whole.high is None or whole.low == whole.high:
        return ()
    return (Doubt("unclassified", "bounds", whole.low, whole.high),)


def _extents(zones: gpd.GeoDataFrame, cover: "_Cover") -> tuple[Shapes, Shapes]:
    """The least and the most that each zone can be, and last that all taken together can be."""
    shapes, off = zones.geometry.to_numpy(), accuracies(zones)
    least, most = extremes(zones)
    drawn = np.append(shapes, dissolve(shapes))
    return np.append(inner(shapes, off), least), cover.clip(
        np.append(outer(shapes, off), most), drawn
    )


def land_areas(
    land: Polygons, zones: Polygons, *, classes: Codes, class_column: str = "class_code"
) -> pd.DataFrame:
    """The values of `land_share` alone, without the places that speak against a target."""
    held = _Cover.of(land, classes, class_column).within(zones.geometry.to_numpy())
    return by_unit([str(unit) for unit in zones.index], held.figures())


def class_areas(
    land: Polygons, zones: Polygons, *, class_column: str = "class_code"
) -> pd.DataFrame:
    """Tell how much of each zone is land of each class, in m².

    One row a zone, one column a class code in order, and last, under the empty name UNCLASSIFIED,
    what no classified land covers. Land of one class that is drawn twice counts once in its class;
    land that belongs to two classes counts in both, so rows may add up to more than the zone.

    >>> from shapely import box
    >>> land = gpd.GeoDataFrame({"class_code": ["1701", "0701"]}, index=["L1", "L2"],
    ...     geometry=[box(0, 0, 10, 10), box(10, 0, 20, 10)], crs="EPSG:4548")
    >>> zone = gpd.GeoDataFrame(geometry=[box(5, 0, 25, 10)], index=["Z"], crs="EPSG:4548")
    >>> class_areas(land, zone).loc["Z"].to_dict()
    {'0701': 100.0, '1701': 50.0, '': 50.0}
    """
    cover = _Cover.of(land, (), class_column)
    held = cover.within(zones.geometry.to_numpy())
    label, codes = pd.factorize(cover.codes, sort=True)
    areas = pd.DataFrame(
        held.areas(label, len(codes)),
        index=pd.Index([str(unit) for unit in zones.index], dtype=str, name="unit"),
        columns=[str(code) for code in codes],
    )
    known = [code for code in areas.columns if code != UNCLASSIFIED]
    return areas[known].assign(**{UNCLASSIFIED: held.unclassified()})


@dataclass(frozen=True, slots=True)
class _Cover:
    """A land layer: shapes, class codes, which count (0, else -1), heaps of overlapping shapes."""

    shapes: Shapes
    codes: Shapes
    counting: Integers
    heap: Integers

    @classmethod
    def of(cls, land: gpd.GeoDataFrame, classes: Sequence[str], column: str) -> "_Cover":
        shapes = land.geometry.to_numpy()
        codes = land[column].fillna(UNCLASSIFIED).astype(str).to_numpy(dtype=object)
        counting = np.where(in_classes(land[column], classes), 0, -1)
        return cls(shapes, codes, counting, clusters(shapes))

    def clip(self, zones: Shapes, drawn: Shapes) -> Shapes:
        """Zones without what lies beyond the mapped land, all that was drawn of them kept."""
        grown = ~shapely.equals_exact(zones, drawn, 0.0)
        if not grown.any():
            return zones
        clipped = zones.copy()
        mapped = dissolve(self.shapes)
        inside = _inside(zones[grown], mapped)
        clipped[grown] = [polygonal(one) for one in shapely.union(inside, drawn[grown])]
        return clipped

    def within(self, zones: Shapes) -> "_Held":
        return _Held(self, zones, pieces(self.shapes, zones))

    def uncounted(self, place: BaseGeometry, members: Integers) -> BaseGeometry:
        """What of a place made of some of the land is not also land that counts."""
        heaps = self.heap[members]
        over = (self.counting >= 0) & np.isin(self.heap, heaps[heaps >= 0])
        if not over.any():
            return place
        return shapely.difference(place, shapely.union_all(self.shapes[over]))


@dataclass(frozen=True, slots=True)
class _Held:
    """The land that zones hold."""

    cover: _Cover
    zones: Shapes
    pieces: Pieces

    def areas(self, label: Integers, labels: int = 1) -> Floats:
        """Area of the union of the land of each label, (zones, labels); -1 is left out.

        What overlaps nothing need not be united: its areas are added.
        """
        alone = (label >= 0) & (self.cover.heap < 0)
        sums = _sums(self.pieces, np.where(alone, label, -1), len(self.zones), labels)
        heaped = (label >= 0) & (self.cover.heap >= 0)
        if heaped.any():
            group = self.cover.heap[heaped] * labels + label[heaped]
            unions = union_by(self.cover.shapes[heaped], group)
            found = pieces(unions, self.zones)
            sums += _sums(found, np.unique(group) % labels, len(self.zones), labels)
        return sums

    def unclassified(self) -> Floats:
        """Area of each zone that no classified land covers."""
        area = shapely.area(self.zones)
        known = np.where(self.cover.codes != UNCLASSIFIED, 0, -1)
        missing = area - self.areas(known)[:, 0]
        rounding = (missing < SLIVER_M2) & (missing < _ROUNDING * area)
        return np.where(rounding, 0.0, missing)

    def figures(self) -> list[Figure]:
        counted, area = self.areas(self.cover.counting)[:, 0], shapely.area(self.zones)
        rows = np.stack([counted, area, self.unclassified()], axis=1).tolist()
        return [share(counts, whole, unknown) for counts, whole, unknown in rows]

    def others(self, figures: Sequence[Figure]) -> Iterator[tuple[int, str, BaseGeometry]]:
        """The places in each zone that do not count, by class; last the unclassified."""
        cover = self.cover
        for number, (zone, figure) in enumerate(zip(self.zones, figures, strict=True)):
            here = self.pieces.zone == number
            inside, crossing = self.pieces.shape[here], ~self.pieces.entire[here]
            codes = cover.codes[inside]
            rest = (cover.counting[inside] < 0) & (codes != UNCLASSIFIED)
            for code in sorted(set(codes[rest])):
                members = rest & (codes == code)
                place = dissolve(cover.shapes[inside[members]])
                if crossing[members].any():
                    place = shapely.intersection(place, zone)
                yield number, code, polygonal(cover.uncounted(place, inside[members]))
            if figure.high != figure.value:
                known = dissolve(cover.shapes[inside[codes != UNCLASSIFIED]])
                yield number, UNCLASSIFIED, polygonal(shapely.difference(zone, known))


@dataclass(frozen=True, slots=True)
class _Surely:
    """The land that surely counts, and the classified land that surely does not, in small parts."""

    counting: Shapes
    others: Shapes

    @classmethod
    def of(
        cls, cover: _Cover, accuracy_m: Floats, unknown: BaseGeometry, zones: Shapes
    ) -> "_Surely":
        """Look tile by tile where zones can be: the time grows faster than the vertices.

        A border is off by no more than the land is accurate to, so what lies farther than that from
        a tile does not matter in it.
        """
        known = np.flatnonzero(cover.codes != UNCLASSIFIED)
        far = float(accuracy_m.max(initial=0.0))
        tiles = _tiles(cover.shapes[known], zones, _FAR_PER_TILE * far)
        tile, member = shapely.STRtree(cover.shapes[known]).query(_boxes(tiles, far))
        sure: tuple[list[BaseGeometry], list[BaseGeometry]] = ([], [])
        first = np.flatnonzero(np.diff(tile, prepend=-1))
        for begin, end in pairwise([*first, len(tile)]):
            members = np.sort(known[member[begin:end]])
            near = _Near.of(cover, accuracy_m, members, unknown, tiles[tile[begin]])
            for side, part in zip(sure, near.surely(), strict=True):
                side.append(part)
        counting, others = (np.array(side, dtype=object) for side in sure)
        return cls(shapely.get_parts(counting), shapely.get_parts(others))

    def ranges(self, least: Shapes, most: Shapes) -> list[tuple[float, float]]:
        """Least and greatest share of zones that lie between a least and a most."""
        shapes = np.append(self.counting, self.others)
        side = np.repeat([0, 1], [len(self.counting), len(self.others)])
        (sure, never), (sure_in_most, never_in_most) = (
            _sums(pieces(shapes, zones), side, len(zones), 2).T.tolist() for zones in (least, most)
        )
        area = shapely.area(most).tolist()
        lows = map(least_share, sure, sure_in_most, area)
        highs = map(least_share, never, never_in_most, area)
        return [(low, 1.0 - rest) for low, rest in zip(lows, highs, strict=True)]


@dataclass(frozen=True, slots=True)
class _Near:
    """The land in and near a tile, that which counts and that which does not by accuracy."""

    box: BaseGeometry
    wide: BaseGeometry
    metres: list[float]
    counting: list[BaseGeometry]
    others: list[BaseGeometry]
    unknown: BaseGeometry
    twice: bool

    @classmethod
    def of(
        cls,
        cover: _Cover,
        accuracy_m: Floats,
        members: Integers,
        unknown: BaseGeometry,
        tile: Floats,
    ) -> "_Near":
        off, counts = accuracy_m[members], cover.counting[members] >= 0
        metres = np.unique(off).tolist()
        counting, others = (
            [dissolve(cover.shapes[members[marked & (off == one)]]) for one in metres]
            for marked in (counts, ~counts)
        )
        twice = bool((cover.heap[members] >= 0).any())
        if twice:
            # What is drawn twice, once in a class that counts, counts.
            over = shapely.union_all(counting)
            others = [polygonal(shapely.difference(other, over)) for other in others]
        box, wide = (_boxes(tile[None], wider)[0] for wider in (0.0, max(metres)))
        here = polygonal(shapely.intersection(unknown, wide))
        return cls(box, wide, metres, counting, others, here, twice)

    def surely(self) -> list[BaseGeometry]:
        """What of the tile surely counts, and what surely does not."""
        if len(self.metres) == 1:
            return self._alike()
        theirs_m = [*self.metres, math.inf]
        found = []
        for mine, theirs in ((self.counting, self.others), (self.others, self.counting)):
            left = surely(mine, self.metres, [*theirs, self.unknown], theirs_m)
            parts = [polygonal(part) for part in shapely.intersection(left, self.box)]
            sure = shapely.union_all(parts) if self.twice else shapely.geometrycollections(parts)
            found.append(polygonal(sure))
        return found

    def _alike(self) -> list[BaseGeometry]:
        """The same where all land is as accurate: all but the other side, shrunk by as much.

        What is left of the wider tile, shrunk, lies in the tile. Where all land is mapped it is
        land of its side, and need not be cut with it.
        """
        sides = np.array([*self.counting, *self.others], dtype=object)
        room = shapely.difference(self.wide, sides[::-1])
        if not self.unknown.is_empty:
            room = shapely.difference(room, self.unknown)
        room = np.array([polygonal(one) for one in room], dtype=object)
        (metres,) = self.metres
        sure = shapely.buffer(room, -metres, quad_segs=BAND_QUAD_SEGS) if metres > 0 else room
        unmapped_m2 = shapely.area(room).sum() - (self.wide.area - self.unknown.area)
        if unmapped_m2 > _ROUNDING * self.wide.area:
            sure = shapely.intersection(sure, sides)
        return [polygonal(one) for one in sure]


def _tiles(shapes: Shapes, zones: Shapes, least_m: float) -> Floats:
    """Boxes (west, south, east, north) that tile the land in zones, few vertices in each."""
    if not len(shapes):  # no land of a known class
        return np.empty((0, 4))
    land, area = shapely.total_bounds(shapes), shapely.total_bounds(zones)
    bounds = np.append(np.maximum(land[:2], area[:2]), np.minimum(land[2:], area[2:]))
    if not (bounds[:2] < bounds[2:]).all():  # or none of either
        return np.empty((0, 4))
    share = _VERTICES_PER_TILE / shapely.get_num_coordinates(shapes).sum()
    cell_m = max(math.sqrt(min(share, 1.0) * np.prod(land[2:] - land[:2])), least_m)
    lattice = Lattice.over(bounds, cell_m)
    row, column = np.divmod(np.arange(lattice.rows * lattice.columns), lattice.columns)
    tiles = lattice.boxes(column, row)
    met = shapely.STRtree(zones).query(_boxes(tiles), predicate="intersects")[0]
    reached: Floats = tiles[np.unique(met)]
    return reached


def _boxes(tiles: Floats, wider_m: float = 0.0) -> Shapes:
    west, south, east, north = tiles.T
    boxes: Shapes = shapely.box(west - wider_m, south - wider_m, east + wider_m, north + wider_m)
    return boxes


def _unknown(zones: Shapes, cover: _Cover) -> BaseGeometry:
    """What of the zones no classified land covers, without crumbs between neighbours."""
    known = cover.shapes[cover.codes != UNCLASSIFIED]
    rest = shapely.get_parts(shapely.difference(dissolve(zones), dissolve(known)))
    return polygonal(shapely.multipolygons(_polygons(rest[shapely.area(rest) >= SLIVER_M2])))


def _inside(shapes: Shapes, place: BaseGeometry) -> Shapes:
    """What of shapes lies in a place; on a fine grid where GEOS cannot tell otherwise."""
    try:
        inside: Shapes = shapely.intersection(shapes, place)
    except shapely.GEOSException:  # borders that all but match
        inside = shapely.intersection(shapes, place, grid_size=_GRID_M)
    return inside


def _polygons(shapes: Shapes) -> Shapes:
    polygons: Shapes = shapes[shapely.get_type_id(shapes) == _POLYGON]
    return polygons


def _sums(found: Pieces, label: Integers, zones: int, labels: int) -> Floats:
    """Area by zone and label of the shapes that have one."""
    mark = label[found.shape]
    labelled = mark >= 0
    cell = found.zone[labelled] * labels + mark[labelled]
    sums = np.bincount(cell, found.area_m2[labelled], minlength=zones * labels)
    return sums.astype(np.float64).reshape(zones, labels)


def _sum(figures: Sequence[Figure]) -> Figure:
    """The share of zones taken together that do not overlap."""
    measured = [
        (figure.numerator, figure.denominator, figure.high)
        for figure in figures
        if figure.numerator is not None
        and figure.denominator is not None
        and figure.high is not None
    ]
    counted = sum(numerator for numerator, _, _ in measured)
    area = sum(denominator for _, denominator, _ in measured)
    most = sum(denominator * high for _, denominator, high in measured)
    return share(counted, area, most - counted)


def _places(
    places: Sequence[tuple[str, str, BaseGeometry]], land: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    rows = [str(number) for number in range(len(places))]
    shapes = [place for _, _, place in places]
    parts = polygon_parts(rows, shapes, crs=land.crs, least_m2=SLIVER_M2)
    row = parts["unit"].astype(int)
    code = row.map({number: code for number, (_, code, _) in enumerate(places)})
    return parts.assign(
        unit=row.map({number: unit for number, (unit, _, _) in enumerate(places)}),
        class_code=code.where(code != UNCLASSIFIED, None),
    )
