"""Residents: how many live where, from points or from areas with a number each."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.lattice import Flags, Floats
from spatial.measurement import People
from spatial.measures.edges import Shapes
from spatial.measures.zonal import pieces

_AREA = 2


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
