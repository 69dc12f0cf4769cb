"""People who are served and who are not: how many in each unit, and where the latter live."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from shapely.geometry.base import BaseGeometry

from spatial.doubt.spans import Unnumbered
from spatial.geometry.discs import HALF_A_SIDE, QUAD_SEGS, within
from spatial.geometry.edges import Shapes
from spatial.geometry.lattice import Flags, Floats, Integers
from spatial.geometry.overlap import overlaps
from spatial.geometry.overlay import polygonal
from spatial.geometry.zonal import pieces
from spatial.measurement import SLIVER_M2, People, Polygons
from spatial.measures.population import (
    are_areas,
    middles,
    on_land,
    parts_in,
    residents,
    squares,
    unnumbered,
)

SQUARE_M = 250.0
"""Side of the squares in which people who are not served are listed."""
COLUMNS = ("unit", "area_m2", "people", "nearest_stop", "nearest_m")
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Discs:
    """Discs around places: `places[k]` are coordinates (n, 2), all with the radius `radii_m[k]`.

    Drawn, a disc is a polygon inside it, or with `around` one outside it.
    """

    places: tuple[Floats, ...]
    radii_m: tuple[float, ...]
    around: bool = False

    def wider(self, *margins_m: float, sign: int) -> "Discs":
        """Discs with radii more (`sign` 1) or less (-1) by a margin each, drawn to that side."""
        margins = margins_m[: len(self.radii_m)]
        radii = (r + sign * margin for r, margin in zip(self.radii_m, margins, strict=True))
        return Discs(self.places, tuple(radii), around=sign > 0)

    def hold(self, points: Floats) -> Flags:
        """Tell which points lie in a disc, or on its rim."""
        held = np.zeros(len(points), dtype=bool)
        for places, radius_m in zip(self.places, self.radii_m, strict=True):
            if radius_m > 0:
                held |= within(points, places, radius_m)
        return held

    def union(self) -> BaseGeometry:
        """All discs as one shape, each a polygon of 4 · QUAD_SEGS sides."""
        scale = 1 / math.cos(HALF_A_SIDE) if self.around else 1.0
        each = [
            shapely.buffer(shapely.points(places), radius_m * scale, quad_segs=QUAD_SEGS)
            for places, radius_m in zip(self.places, self.radii_m, strict=True)
            if radius_m > 0
        ]
        return shapely.union_all(np.concatenate(each)) if each else shapely.Polygon()


@dataclass(frozen=True, slots=True)
class Served:
    """Who is served: `people` by unit, who lives in none last.

    `missed_points` marks the homes that are points and are not served; `gaps` are the parts of
    each unit, and of the ground outside all units, that serve none of the areas in them.
    """

    people: Floats
    missed_points: Flags
    gaps: Shapes


@dataclass(frozen=True, slots=True)
class Town:
    """Where people live, by unit.

    Homes are `points` with `point_people`, each in the unit number `point_unit` (that of `ids`, or
    one more outside all units), and `areas` with `area_people`, who live evenly all over them.
    `units` do not overlap: who lives in two belongs to the first by id. `people` is by unit, who
    lives in none last; `area_in_units` is the part of it that lives in areas.
    """

    crs: CRS
    ids: tuple[str, ...]
    units: Shapes
    points: Shapes
    point_people: Floats
    point_unit: Integers
    areas: Shapes
    area_people: Floats
    area_in_units: Floats
    people: Floats

    @classmethod
    def of(cls, population: People, units: Polygons | None, people_column: str) -> "Town":
        """Settle residents in units."""
        people, homes = residents(population, people_column=people_column), population.geometry
        homes = homes.to_numpy()
        is_area = are_areas(homes)
        points, areas = homes[~is_area], homes[is_area]
        ids: tuple[str, ...] = ()
        shapes: Shapes = np.zeros(0, dtype=object)
        if units is not None:
            ids = tuple(str(unit) for unit in units.index)
            shapes = _apart(ids, units.geometry.to_numpy())
        unit = _first_unit(points, ids, shapes)
        in_units = np.bincount(unit, people[~is_area], minlength=len(ids) + 1)
        area_in_units = _living_in(areas, people[is_area], shapes)
        outside = float(people[is_area].sum() - area_in_units.sum())
        if outside < _ROUNDING * people.sum():
            outside = 0.0
        area_in_units = np.append(area_in_units, outside)
        return cls(
            crs=population.crs,
            ids=ids,
            units=shapes,
            points=points,
            point_people=people[~is_area],
            point_unit=unit,
            areas=areas,
            area_people=people[is_area],
            area_in_units=area_in_units,
            people=in_units + area_in_units,
        )

    def within(self, discs: Discs) -> Served:
        """Tell who lives in discs: points within the radius, areas with their share in the union.

        What discs leave uncovered is measured and taken off, so that areas wholly covered have
        all their people served, whatever the rounding.
        """
        served = discs.hold(shapely.get_coordinates(self.points))
        people, gaps = self.of_points(served), np.zeros(0, dtype=object)
        if len(self.areas):
            gaps = self._gaps(discs.union())
            missed = _living_in(self.areas, self.area_people, gaps)
            people = people + np.maximum(self.area_in_units - missed, 0.0)
        return Served(people, ~served, gaps)

    def walked(self, served: Flags) -> Served:
        """Tell who is served of homes that are all points."""
        return Served(self.of_points(served), ~served, np.zeros(0, dtype=object))

    def of_points(self, served: Flags) -> Floats:
        """Add up by unit the people of homes, all of them points, that are served."""
        people = np.where(served, self.point_people, 0.0)
        sums = np.bincount(self.point_unit, people, minlength=len(self.ids) + 1)
        return sums.astype(np.float64)

    def _gaps(self, covered: BaseGeometry) -> Shapes:
        """What is not covered of each unit, and of the ground outside all units."""
        ground = shapely.box(*shapely.total_bounds(self.areas))
        outside = polygonal(shapely.difference(ground, shapely.union_all(self.units)))
        zones = np.append(self.units, outside)
        shapely.prepare(covered)
        left = np.array([shapely.Polygon()] * len(zones), dtype=object)
        free = ~shapely.covers(covered, zones)
        left[free] = [polygonal(gap) for gap in shapely.difference(zones[free], covered)]
        return left

    def missed(
        self, served: Served, stops: gpd.GeoDataFrame, states: NDArray[np.object_] | None = None
    ) -> gpd.GeoDataFrame:
        """List where people live who are not served, most people first.

        One row a unit and square of SQUARE_M, with the columns of COLUMNS, and `state` where
        `states` are given for the points: that of most people.
        """
        names = np.array([*self.ids, ""], dtype=object)
        found = [self._missed_points(served, states), self._missed_areas(served)]
        place = pd.concat([part for part in found if len(part)] or found[:1], ignore_index=True)
        place["unit"] = names[place["unit"].to_numpy(dtype=np.int64)]
        stop, metres = _nearest(place.pop("from").to_numpy(), stops)
        place = place.assign(nearest_stop=stop, nearest_m=metres)
        shape = place.pop("shape").to_numpy()
        west, south, _, _ = shapely.bounds(shape).T if len(shape) else np.zeros((4, 0))
        order = np.lexsort((south, west, place["unit"].to_numpy(), -place["people"].to_numpy()))
        listed = [*COLUMNS] if states is None else [*COLUMNS, "state"]
        index = pd.RangeIndex(1, len(place) + 1, name="place")
        frame = gpd.GeoDataFrame(place[listed], geometry=shape, crs=self.crs)
        return frame.iloc[order].set_index(index)

    def _missed_points(self, served: Served, states: NDArray[np.object_] | None) -> pd.DataFrame:
        """Squares that hold homes not served."""
        rows = np.flatnonzero(served.missed_points & (self.point_people > 0))
        xy = shapely.get_coordinates(self.points[rows])
        homes = pd.DataFrame(
            {
                "unit": self.point_unit[rows],
                "column": np.floor(xy[:, 0] / SQUARE_M),
                "row": np.floor(xy[:, 1] / SQUARE_M),
                "people": self.point_people[rows],
                "x": xy[:, 0],
                "y": xy[:, 1],
                "state": "" if states is None else states[rows],
                "from": self.points[rows],
            }
        )
        square = ["unit", "column", "row"]
        homes = homes.sort_values(["people", "x", "y"], ascending=[False, True, True])
        by_square = homes.groupby(square)
        place = by_square.agg(people=("people", "sum"), **{"from": ("from", "first")})
        by_state = homes.groupby([*square, "state"])["people"].sum().reset_index()
        by_state = by_state.sort_values(["people", "state"], ascending=[False, True])
        place["state"] = by_state.groupby(square)["state"].first()
        place = place.reset_index()
        west, south = place.pop("column") * SQUARE_M, place.pop("row") * SQUARE_M
        shape = shapely.box(west, south, west + SQUARE_M, south + SQUARE_M)
        return place.assign(shape=shape, area_m2=SQUARE_M * SQUARE_M)

    def _missed_areas(self, served: Served) -> pd.DataFrame:
        """What of areas lies in a square and is not served."""
        corner = np.zeros(2)
        cut = [squares(gap, SQUARE_M, corner=corner) for gap in served.gaps if not gap.is_empty]
        owner = [number for number, gap in enumerate(served.gaps) if not gap.is_empty]
        shape = np.concatenate([np.zeros(0, dtype=object), *cut])
        unit = np.repeat(np.array(owner, dtype=np.int64), [len(part) for part in cut])
        people = _living_in(self.areas, self.area_people, shape)
        shape, unit, people = shape[people > 0], unit[people > 0], people[people > 0]
        shape = parts_in(shape, self.areas[self.area_people > 0])
        size = shapely.area(shape)
        there = size >= SLIVER_M2
        shape = shape[there]
        return pd.DataFrame(
            {
                "unit": unit[there],
                "people": people[there],
                "from": middles(shape),
                "state": "",
                "shape": shape,
                "area_m2": size[there],
            }
        )


def unnumbered_in(population: People, units: Polygons | None, people_column: str) -> Floats:
    """Tell how many features without a number lie in each unit, in none last; areas in part."""
    missing = unnumbered(population, people_column=people_column)
    if not missing.any():
        return np.zeros(1 if units is None else len(units) + 1)
    ones = population.assign(**{people_column: missing.astype(np.float64)})
    number = Town.of(ones, units, people_column).people
    return np.where(number < _ROUNDING, 0.0, number)


def may_add(
    population: People, units: Polygons | None, people_column: str, land: Polygons | None = None
) -> Unnumbered | None:
    """People whom features without a number may add: each as many as the largest with one has.

    That is an assumption, as nothing is known of them. None where every feature has a number.
    """
    missing = int(unnumbered(population, people_column=people_column).sum())
    if not missing:
        return None
    largest = float(residents(population, people_column=people_column).max(initial=0.0))
    number = unnumbered_in(on_land(population, land), units, people_column)
    return Unnumbered(number * largest, {"without_number": float(missing), "largest": largest})


def _apart(ids: Sequence[str], units: Shapes) -> Shapes:
    """Units that do not overlap: what two share belongs to the first by id."""
    apart = units.copy()
    one, other = overlaps(units)
    swap = np.array([ids[a] > ids[b] for a, b in zip(one, other, strict=True)], dtype=bool)
    first, later = np.where(swap, other, one), np.where(swap, one, other)
    for unit in np.unique(later):
        before = shapely.union_all(units[first[later == unit]])
        apart[unit] = polygonal(shapely.difference(units[unit], before))
    return apart


def _first_unit(points: Shapes, ids: Sequence[str], units: Shapes) -> Integers:
    """Number of the unit that holds each point, the first by id; one more than there are: none."""
    by_id = np.array(sorted(range(len(ids)), key=lambda unit: ids[unit]), dtype=np.int64)
    rank = np.empty(len(ids), dtype=np.int64)
    rank[by_id] = np.arange(len(ids))
    first = np.full(len(points), len(ids), dtype=np.int64)
    unit, point = shapely.STRtree(points).query(units, predicate="intersects")
    np.minimum.at(first, point, rank[unit])
    return np.append(by_id, len(ids))[first]


def _living_in(areas: Shapes, people: Floats, zones: Shapes) -> Floats:
    """Add up the people of areas in each of many polygons, by the share of the surface there."""
    held = pieces(areas, zones)
    size = shapely.area(areas)[held.shape]
    living = people[held.shape] * np.where(held.entire, size, held.area_m2) / size
    return np.bincount(held.zone, living, minlength=len(zones)).astype(np.float64)


def _nearest(points: Shapes, stops: gpd.GeoDataFrame) -> tuple[NDArray[np.object_], Floats]:
    """Id of the stop nearest to each point, of two the first by id, and how far it is."""
    if stops.empty or not len(points):
        return np.full(len(points), "", dtype=object), np.full(len(points), np.nan)
    places, ids = stops.geometry.to_numpy(), stops.index.astype(str).to_numpy(dtype=object)
    (point, stop), metres = shapely.STRtree(places).query_nearest(points, return_distance=True)
    near = pd.DataFrame({"point": point, "stop": ids[stop], "metres": metres})
    near = near.sort_values(["point", "stop"]).drop_duplicates("point")
    return near["stop"].to_numpy(dtype=object), near["metres"].to_numpy(dtype=np.float64)
