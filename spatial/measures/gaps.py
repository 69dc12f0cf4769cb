"""What of an area nobody reaches: the extents it may have, its gaps, and who lives in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from spatial.doubt.band import accuracies, extremes, inner, outer
from spatial.geometry.edges import Shapes
from spatial.geometry.overlay import dissolve, polygon_parts, polygonal
from spatial.measurement import SLIVER_M2
from spatial.measures.population import people_in


@dataclass(frozen=True, slots=True)
class Parts:
    """An area and the parts of it that are asked about: its features, or what units hold of it.

    `ids` name the parts. `least` and `most` are what the whole and each part can be, their borders
    off by their accuracy, of which `accuracy_m` is the worst by kind.
    """

    whole: BaseGeometry
    ids: Sequence[str]
    parts: Sequence[BaseGeometry]
    whole_ends: tuple[BaseGeometry, BaseGeometry]
    part_ends: tuple[Sequence[BaseGeometry], Sequence[BaseGeometry]]
    accuracy_m: Mapping[str, float]

    @classmethod
    def of(cls, area: gpd.GeoDataFrame, units: gpd.GeoDataFrame | None) -> "Parts":
        """Cut the units, where there are any, with the area."""
        whole = dissolve(area.geometry.to_numpy())
        frame = area if units is None else units
        shapes, off = frame.geometry.to_numpy(), accuracies(frame)
        ends = extremes(area)
        least, most = inner(shapes, off), outer(shapes, off)
        worst = {"area": float(accuracies(area).max(initial=0.0))}
        if units is None:
            parts, part_ends = list(shapes), (list(least), list(most))
        else:
            parts = _cut(shapes, whole)
            part_ends = (_cut(least, ends[0]), _cut(most, ends[1]))
            worst["units"] = float(off.max(initial=0.0))
        ids = [str(part) for part in frame.index]
        return cls(whole, ids, parts, ends, part_ends, worst)

    @property
    def ends(self) -> tuple[Shapes, Shapes]:
        """The least and the most that each part can be, and last that the whole can be."""
        small, large = (
            np.array([*parts, whole], dtype=object)
            for parts, whole in zip(self.part_ends, self.whole_ends, strict=True)
        )
        return small, large

    @property
    def extent(self) -> BaseGeometry:
        """All in which something is asked: the whole, and where borders may lie off, beyond it."""
        if not any(self.accuracy_m.values()):
            return self.whole
        return dissolve(np.array([self.whole_ends[1], *self.part_ends[1]], dtype=object))


def gap_places(
    ids: Sequence[str], gaps: Sequence[BaseGeometry], stops: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """List gaps as evidence: one row a polygon, with the nearest stop in a straight line."""
    pieces = polygon_parts(ids, gaps, crs=stops.crs, least_m2=SLIVER_M2)
    if pieces.empty or stops.empty:
        return pieces.assign(
            nearest_stop=pd.Series(dtype=str), nearest_m=pd.Series(dtype="float64")
        )
    points = stops.geometry.to_numpy()
    inside = shapely.point_on_surface(pieces.geometry.to_numpy())
    (piece, stop), distances = shapely.STRtree(points).query_nearest(inside, return_distance=True)
    near = pd.DataFrame({"piece": piece, "stop": stops.index[stop], "metres": distances})
    near = near.sort_values(["piece", "stop"]).drop_duplicates("piece")
    return pieces.assign(nearest_stop=near["stop"].to_numpy(), nearest_m=near["metres"].to_numpy())


def by_people(
    gaps: gpd.GeoDataFrame, population: gpd.GeoDataFrame | None, column: str
) -> gpd.GeoDataFrame:
    """Gaps with the residents in them, those where most people live first; as they are without."""
    if population is None:
        return gaps
    people = people_in(population, gaps.geometry.to_numpy(), people_column=column)
    ranked = gaps.assign(people=people).sort_values("people", ascending=False, kind="stable")
    return ranked.set_index(pd.RangeIndex(1, len(ranked) + 1, name="place"))


def _cut(units: Shapes, area: BaseGeometry) -> list[BaseGeometry]:
    """Cut units with the area; those inside it are passed on as they are."""
    shapely.prepare(area)
    inside = shapely.covers(area, units)
    return [
        unit if whole else polygonal(shapely.intersection(unit, area))
        for unit, whole in zip(units, inside, strict=True)
    ]
