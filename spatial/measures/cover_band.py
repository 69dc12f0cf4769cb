"""Land that surely counts, and land that surely does not, given how far off borders may be."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from spatial.doubt.band import BAND_QUAD_SEGS, least_share, surely
from spatial.geometry.edges import Shapes
from spatial.geometry.lattice import Floats, Integers, Lattice
from spatial.geometry.overlay import dissolve, polygonal
from spatial.geometry.zonal import pieces
from spatial.measurement import SLIVER_M2
from spatial.measures.cover import ROUNDING, UNCLASSIFIED, Cover, sums_by

_POLYGON = 3
_VERTICES_PER_TILE = 6000
_FAR_PER_TILE = 8
"""Tiles are so many times as wide as borders may be off, or more: what lies round is seen twice."""


@dataclass(frozen=True, slots=True)
class Surely:
    """The land that surely counts, and the classified land that surely does not, in small parts."""

    counting: Shapes
    others: Shapes

    @classmethod
    def of(cls, cover: Cover, accuracy_m: Floats, unknown: BaseGeometry, zones: Shapes) -> "Surely":
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
            sums_by(pieces(shapes, zones), side, len(zones), 2).T.tolist()
            for zones in (least, most)
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
        cover: Cover,
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
        if unmapped_m2 > ROUNDING * self.wide.area:
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


def unmapped(zones: Shapes, cover: Cover) -> BaseGeometry:
    """What of the zones no classified land covers, without crumbs between neighbours."""
    known = cover.shapes[cover.codes != UNCLASSIFIED]
    rest = shapely.get_parts(shapely.difference(dissolve(zones), dissolve(known)))
    return polygonal(shapely.multipolygons(_polygons(rest[shapely.area(rest) >= SLIVER_M2])))


def _polygons(shapes: Shapes) -> Shapes:
    polygons: Shapes = shapes[shapely.get_type_id(shapes) == _POLYGON]
    return polygons
