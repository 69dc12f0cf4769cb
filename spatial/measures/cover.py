"""A land layer, and what zones hold of it by class."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from spatial.geometry.edges import Shapes
from spatial.geometry.lattice import Floats, Integers
from spatial.geometry.overlap import clusters, union_by
from spatial.geometry.overlay import dissolve, polygonal
from spatial.geometry.zonal import Pieces, pieces
from spatial.measurement import SLIVER_M2, Figure, share

UNCLASSIFIED = ""
"""Stands for the class of land that has none."""
ROUNDING = 1e-9
"""Share of a place up to which a difference of areas is taken for rounding."""
_GRID_M = 1e-4


def in_classes(codes: pd.Series, classes: Sequence[str]) -> pd.Series:
    """Mark the land whose class code begins with one of the given codes.

    Codes of 用地用海 and 三调 are hierarchical: `17` takes in `1701` to `1705`.

    >>> in_classes(pd.Series(["1701", "0701", None]), ["17"]).tolist()
    [True, False, False]
    """
    return codes.fillna("").astype(str).str.startswith(tuple(classes))


@dataclass(frozen=True, slots=True)
class Cover:
    """A land layer: shapes, class codes, which count (0, else -1), heaps of overlapping shapes."""

    shapes: Shapes
    codes: Shapes
    counting: Integers
    heap: Integers

    @classmethod
    def of(cls, land: gpd.GeoDataFrame, classes: Sequence[str], column: str) -> "Cover":
        """Take a land layer by the column of its codes, of which some count."""
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

    def within(self, zones: Shapes) -> "Held":
        """Find what zones hold of the land."""
        return Held(self, zones, pieces(self.shapes, zones))

    def uncounted(self, place: BaseGeometry, members: Integers) -> BaseGeometry:
        """What of a place made of some of the land is not also land that counts."""
        heaps = self.heap[members]
        over = (self.counting >= 0) & np.isin(self.heap, heaps[heaps >= 0])
        if not over.any():
            return place
        return shapely.difference(place, shapely.union_all(self.shapes[over]))


@dataclass(frozen=True, slots=True)
class Held:
    """The land that zones hold."""

    cover: Cover
    zones: Shapes
    pieces: Pieces

    def areas(self, label: Integers, labels: int = 1) -> Floats:
        """Area of the union of the land of each label, (zones, labels); -1 is left out.

        What overlaps nothing need not be united: its areas are added.
        """
        alone = (label >= 0) & (self.cover.heap < 0)
        sums = sums_by(self.pieces, np.where(alone, label, -1), len(self.zones), labels)
        heaped = (label >= 0) & (self.cover.heap >= 0)
        if heaped.any():
            group = self.cover.heap[heaped] * labels + label[heaped]
            unions = union_by(self.cover.shapes[heaped], group)
            found = pieces(unions, self.zones)
            sums += sums_by(found, np.unique(group) % labels, len(self.zones), labels)
        return sums

    def unclassified(self) -> Floats:
        """Area of each zone that no classified land covers."""
        area = shapely.area(self.zones)
        known = np.where(self.cover.codes != UNCLASSIFIED, 0, -1)
        missing = area - self.areas(known)[:, 0]
        rounding = (missing < SLIVER_M2) & (missing < ROUNDING * area)
        return np.where(rounding, 0.0, missing)

    def figures(self) -> list[Figure]:
        """The share of each zone that counts; what has no class may count or not."""
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


def sums_by(found: Pieces, label: Integers, zones: int, labels: int) -> Floats:
    """Area by zone and label of the shapes that have one."""
    mark = label[found.shape]
    labelled = mark >= 0
    cell = found.zone[labelled] * labels + mark[labelled]
    sums = np.bincount(cell, found.area_m2[labelled], minlength=zones * labels)
    return sums.astype(np.float64).reshape(zones, labels)


def _inside(shapes: Shapes, place: BaseGeometry) -> Shapes:
    """What of shapes lies in a place; on a fine grid where GEOS cannot tell otherwise."""
    try:
        inside: Shapes = shapely.intersection(shapes, place)
    except shapely.GEOSException:  # borders that all but match
        inside = shapely.intersection(shapes, place, grid_size=_GRID_M)
    return inside
