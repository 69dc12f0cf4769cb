"""How far a share can be off because the places it is taken of lie only about where they are drawn.

The range is an epsilon band: what a share can be if every border and every point lies anywhere
within its stated accuracy of where it is drawn. No displacement of that size leaves the band; it
is wide where inputs are sketches. After Perkal (1956) and Chrisman (1982).
"""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from spatial.geometry.edges import Shapes
from spatial.geometry.lattice import Floats
from spatial.geometry.overlay import dissolve, polygonal

SYNTHETIC = "synthetic"
BAND_QUAD_SEGS = 8
"""Enough for a band: its width is known to a digit or two at most."""
_SLACK = 0.01


def accuracies(frame: gpd.GeoDataFrame) -> Floats:
    """Accuracy of position of each feature in metres, nought where none is stated.

    Invented features have none: they stand for nothing that could lie elsewhere.

    >>> from shapely import Point
    >>> stops = gpd.GeoDataFrame({"accuracy_m": [10.0, 300.0], "basis": ["open", "synthetic"]},
    ...     geometry=[Point(0, 0), Point(1, 1)], crs="EPSG:4548")
    >>> accuracies(stops).tolist()
    [10.0, 0.0]
    """
    if "accuracy_m" not in frame:
        return np.zeros(len(frame))
    metres = frame["accuracy_m"].to_numpy(dtype=np.float64)
    if "basis" in frame:
        metres = np.where(frame["basis"] == SYNTHETIC, 0.0, metres)
    known: Floats = np.nan_to_num(metres)
    return known


def least_share(surely_in_least: float, surely_in_most: float, most_m2: float) -> float:
    """The least that a share can be, of a zone whose border lies between a least and a most.

    `surely_in_least` and `surely_in_most` are what surely counts in the least and in the most that
    the zone can be, `most_m2` the area of the latter: the zone takes in all that does not surely
    count, and leaves out what does where it may. The greatest share is 1 less the least share of
    all else.

    >>> least_share(40.0, 60.0, 100.0)      # 40 counts, beside 40 that may not
    0.5
    """
    if surely_in_least <= 0:
        return 0.0
    return surely_in_least / (surely_in_least + max(most_m2 - surely_in_most, 0.0))


def inner(shapes: Shapes, metres: Floats) -> Shapes:
    """The least that polygons can be, if their borders lie up to so many metres off."""
    moved = metres > 0
    if not moved.any():
        return shapes
    less: Shapes = shapes.copy()
    less[moved] = _widened(shapes[moved], -metres[moved])
    return less


def outer(shapes: Shapes, metres: Floats) -> Shapes:
    """The most that polygons can be, if their borders lie up to so many metres off."""
    moved = metres > 0
    if not moved.any():
        return shapes
    more: Shapes = shapes.copy()
    more[moved] = _widened(shapes[moved], metres[moved])
    return more


def extremes(area: gpd.GeoDataFrame) -> tuple[BaseGeometry, BaseGeometry]:
    """The least and the most that an area of several polygons can be, taken as one.

    Surely in it is what of a polygon lies farther from all that is outside than the polygon's
    accuracy; it reaches at most as far as each polygon may. Where two polygons meet nothing is to
    be gained or lost.
    """
    shapes, metres = area.geometry.to_numpy(), accuracies(area)
    whole = dissolve(shapes)
    if not (metres > 0).any():
        return whole, whole
    known = np.unique(metres)
    groups = np.array([dissolve(shapes[metres == one]) for one in known], dtype=object)
    inside = inner(np.full(len(known), whole, dtype=object), known)
    least = shapely.union_all(shapely.intersection(groups, inside))
    return polygonal(least), polygonal(shapely.union_all(outer(groups, known)))


def surely(
    counting: Sequence[BaseGeometry],
    metres: Sequence[float],
    others: Sequence[BaseGeometry],
    their_metres: Sequence[float],
) -> Shapes:
    """What surely counts of land, given what may not, in groups of equal accuracy.

    `counting[k]` has the accuracy `metres[k]`, and so have the others theirs; land of no known
    class is as accurate as what it borders on: inf. A border between the two lies where the better
    known of both puts it, off by its accuracy; what lies farther than that from all other land
    surely counts. Handed back is what is left of each group.
    """
    grown: dict[tuple[int, float], BaseGeometry] = {}
    left = np.empty(len(counting), dtype=object)
    for group, (mine, own) in enumerate(zip(counting, metres, strict=True)):
        place = mine
        for number, (other, their) in enumerate(zip(others, their_metres, strict=True)):
            if mine.is_empty or other.is_empty:
                continue
            key = (number, min(own, their))
            if key not in grown:
                grown[key] = _widened(np.array([other], dtype=object), np.array([key[1]]))[0]
            place = shapely.difference(place, grown[key])
        left[group] = polygonal(place)
    return left


def _widened(shapes: Shapes, metres: Floats) -> Shapes:
    """Shapes grown by as many metres as given, or shrunk where these are negative.

    Where a hundredth of the way leaves out most of the vertices, it is done with the rest, and a
    hundredth farther, so that nothing is lost: the time goes into vertices.
    """
    slack = _SLACK * np.abs(metres)
    simple = shapely.simplify(shapes, slack)
    few = 2 * shapely.get_num_coordinates(simple) < shapely.get_num_coordinates(shapes)
    few &= ~shapely.is_empty(simple)
    chosen = np.where(few, simple, shapes)
    farther = np.where(few, metres + np.sign(metres) * slack, metres)
    widened: Shapes = shapely.buffer(chosen, farther, quad_segs=BAND_QUAD_SEGS)
    return widened
