"""Residents: how many live where, from points or from areas with a number each."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from spatial.geometry.edges import Shapes
from spatial.geometry.lattice import Flags, Floats
from spatial.geometry.overlap import TOUCHING
from spatial.geometry.overlay import dissolve, polygonal
from spatial.geometry.zonal import pieces
from spatial.measurement import People, Polygons

_AREA = 2
_ONE_PLACE = 1.5


def residents(population: People, *, people_column: str = "people") -> Floats:
    """Tell how many people each feature stands for; where no number is given, nobody.

    Raises ValueError on a negative number: that is for whoever reads a layer to refuse.

    >>> from shapely import Point
    >>> homes = gpd.GeoDataFrame({"people": [3, None]}, geometry=[Point(0, 0), Point(9, 0)])
    >>> residents(homes).tolist()
    [3.0, 0.0]
    """
    numbers = pd.to_numeric(population[people_column])
    people: Floats = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    if (people < 0).any():
        first = population.index[int(np.argmax(people < 0))]
        raise ValueError(
            f"{first}: {people_column} is {np.nanmin(people):g}; a number of people is 0 or more"
        )
    return np.where(np.isnan(people), 0.0, people)


def unnumbered(population: People, *, people_column: str = "people") -> Flags:
    """Tell which features have no number of people.

    >>> from shapely import Point
    >>> homes = gpd.GeoDataFrame({"people": [3, None]}, geometry=[Point(0, 0), Point(9, 0)])
    >>> unnumbered(homes).tolist()
    [False, True]
    """
    missing: Flags = pd.to_numeric(population[people_column]).isna().to_numpy(dtype=bool)
    return missing


def people_in(population: People, shapes: Shapes, *, people_column: str = "people") -> Floats:
    """Tell how many people live in each of many polygons.

    A point counts where a polygon holds it or has it on its border; an area counts with the share
    of its surface that lies in the polygon, as if its people lived evenly all over it (areal
    weighting; Goodchild and Lam 1980). Polygons that overlap each count all their own.

    >>> from shapely import box
    >>> street = gpd.GeoDataFrame({"people": [80]}, geometry=[box(0, 0, 400, 100)])
    >>> people_in(street, np.array([box(0, 0, 100, 100), box(300, 0, 900, 900)])).tolist()
    [20.0, 20.0]
    """
    people = residents(population, people_column=people_column)
    homes = population.geometry.to_numpy()
    areas = are_areas(homes)
    found = np.zeros(len(shapes))
    home, size = homes[areas], shapely.area(homes[areas])
    held = pieces(home, shapes)
    living = people[areas][held.shape] * held.area_m2 / size[held.shape]
    found += np.bincount(held.zone, living, minlength=len(shapes))
    shape, point = shapely.STRtree(homes[~areas]).query(shapes, predicate="intersects")
    found += np.bincount(shape, people[~areas][point], minlength=len(shapes))
    return found


def are_areas(homes: Shapes) -> Flags:
    """Tell which homes are areas that people live in all over; the others are points."""
    areas: Flags = (shapely.get_dimensions(homes) == _AREA) & (shapely.area(homes) > 0)
    return areas


def on_land(population: People, land: Polygons | None) -> gpd.GeoDataFrame:
    """Draw the areas that people live in as the land in them that is lived on.

    Each area becomes what of it lies on `land` (drawn twice, it counts once); an area that holds
    none stays as it is, as do points. So the people of an area, whatever number that is, are
    spread over its housing and none is lost (dasymetric mapping; Wright 1936, Eicher and Brewer
    2001).

    >>> from shapely import box
    >>> street = gpd.GeoDataFrame({"people": [80]}, geometry=[box(0, 0, 400, 100)])
    >>> housing = gpd.GeoDataFrame(geometry=[box(300, 0, 500, 100)])
    >>> people_in(on_land(street, housing), np.array([box(0, 0, 350, 100)])).tolist()
    [40.0]
    """
    if land is None:
        return population
    homes = population.geometry.to_numpy().copy()
    areas = np.flatnonzero(are_areas(homes))
    parts = parts_in(homes[areas], land.geometry.to_numpy())
    lived_on = shapely.area(parts) > TOUCHING * shapely.area(homes[areas])
    homes[areas[lived_on]] = parts[lived_on]
    return population.set_geometry(homes, crs=population.crs)


def as_places(
    population: People,
    *,
    people_column: str = "people",
    land: Polygons | None = None,
    spacing_m: float = 100.0,
) -> gpd.GeoDataFrame:
    """Stand residents at points, from where they can walk.

    A point stays. An area that is no wider or taller than one and a half `spacing_m` becomes one
    point in it; a larger one is cut by a lattice of `spacing_m` from its south-western corner, and
    the people of each piece, by its share of the surface, stand at its middle, or in it where the
    middle is not. `land`: see `on_land`. Totals stay.

    Rows are in order of `feature`, the id of the feature they come from, with `people`; they keep
    its `accuracy_m` and `basis`.

    >>> from shapely import box
    >>> street = gpd.GeoDataFrame({"people": [80]}, geometry=[box(0, 0, 400, 100)], index=["A"])
    >>> places = as_places(street)
    >>> places.geometry.x.tolist(), places["people"].tolist()
    ([50.0, 150.0, 250.0, 350.0], [20.0, 20.0, 20.0, 20.0])
    """
    order = np.argsort(population.index.astype(str).to_numpy(dtype=object), kind="stable")
    homes = on_land(population, land).iloc[order]
    people = residents(homes, people_column=people_column)
    shapes = homes.geometry.to_numpy()
    sides = shapely.bounds(shapes)
    sides = (sides[:, 2:] - sides[:, :2]).max(axis=1)
    areas = are_areas(shapes)
    large = areas & (sides > _ONE_PLACE * spacing_m)
    owner, spots, parts = [np.flatnonzero(~large)], [shapes[~large].copy()], [people[~large]]
    small = areas[~large]
    spots[0][small] = middles(spots[0][small])
    for number in np.flatnonzero(large):
        cut = squares(shapes[number], spacing_m, corner=shapely.bounds(shapes[number])[:2])
        size = shapely.area(cut)
        owner.append(np.full(len(cut), number))
        spots.append(middles(cut))
        parts.append(people[number] * size / size.sum())
    row = np.concatenate(owner)
    by_feature = np.argsort(row, kind="stable")
    row = row[by_feature]
    kept = [name for name in ("accuracy_m", "basis") if name in homes]
    places = homes[kept].iloc[row].reset_index(drop=True)
    places = places.assign(
        feature=homes.index.astype(str)[row], people=np.concatenate(parts)[by_feature]
    )
    return gpd.GeoDataFrame(places, geometry=np.concatenate(spots)[by_feature], crs=homes.crs)


def parts_in(shapes: Shapes, others: Shapes) -> Shapes:
    """What of each polygon lies in any of others, which may overlap; empty where nothing does.

    >>> from shapely import box
    >>> parts = parts_in(np.array([box(0, 0, 9, 1)]), np.array([box(0, 0, 2, 1), box(1, 0, 3, 1)]))
    >>> parts[0].area
    3.0
    """
    parts = np.array([shapely.Polygon()] * len(shapes), dtype=object)
    shape, other = shapely.STRtree(others).query(shapes, predicate="intersects")
    order = np.lexsort((other, shape))
    held, first, count = np.unique(shape[order], return_index=True, return_counts=True)
    for number, begin, end in zip(held, first, first + count, strict=True):
        met = dissolve(others[other[order[begin:end]]])
        parts[number] = polygonal(shapely.intersection(shapes[number], met))
    return parts


def squares(shape: BaseGeometry, side_m: float, *, corner: Floats) -> Shapes:
    """Cut a polygon along a lattice of squares that has a corner at `corner`; no piece is empty.

    >>> from shapely import box
    >>> [piece.area for piece in squares(box(0, 0, 15, 10), 10.0, corner=np.zeros(2))]
    [100.0, 50.0]
    """
    low, high = np.reshape(shapely.bounds(shape), (2, 2))
    first = np.floor((low - corner) / side_m)
    count = np.maximum(np.ceil((high - corner) / side_m) - first, 1).astype(np.int64)
    row, column = np.divmod(np.arange(count.prod()), count[0])
    west, south = corner[0] + (first[0] + column) * side_m, corner[1] + (first[1] + row) * side_m
    cells: Shapes = shapely.box(west, south, west + side_m, south + side_m)
    shapely.prepare(shape)
    cells = cells[shapely.intersects(shape, cells)]
    cut = ~shapely.contains_properly(shape, cells)
    parts = shapely.intersection(shape, cells[cut])
    cells[cut] = [polygonal(part) for part in parts]
    there: Flags = shapely.area(cells) > 0
    return cells[there]


def middles(shapes: Shapes) -> Shapes:
    """Points in polygons: their middles, or any point inside where the middle is not."""
    points: Shapes = shapely.centroid(shapes)
    outside = ~shapely.intersects(points, shapes)
    points[outside] = shapely.point_on_surface(shapes[outside])
    return points
