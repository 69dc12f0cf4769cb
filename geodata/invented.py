"""What is invented by rule so that a way of measuring can be shown: stops, residents, paths.

Nothing here knows the place; `build.py` does. All geometry is in metres. No rule looks at what it
leads to: whether places stay uncovered or people cut off is not asked.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import shapely
from shapely import LineString, Point
from shapely.geometry.base import BaseGeometry

from geodata.drawing import along, crossed, joined, led_on, lines_of, rows_through, without_stubs

STOPS_APART_M = 300
PATHS_APART_M = 275
EDGE_M = 60  # paths lead so far out of a town, to reach the street that bounds it
REACH_M = 160  # a street that ends so near another was meant to meet it
STUB_M = 60  # a shorter end that leads nowhere is not drawn


def stops(
    stations: Iterable[Point],
    streets: Iterable[BaseGeometry],
    towns: Sequence[BaseGeometry],
    within: BaseGeometry,
) -> list[tuple[str, Point]]:
    """Set stops at metro stations, along streets, and in rows through each town.

    Never nearer than 300 m to one another, 500 to 700 m apart in towns and 1500 m on country
    roads.
    """
    town = shapely.union_all(towns)
    wanted = [("metro", station) for station in stations]
    for street in streets:
        wanted += [("road", p) for p in along(street & town, (500, 600, 700))]
        wanted += [("country", p) for p in along(street - town, (1500,))]
    for area in towns:
        wanted += [("town", p) for row in rows_through(area) for p in along(row, (550, 600, 650))]
    kept: list[tuple[str, Point]] = []
    for kind, point in wanted:
        far = all(point.distance(other) >= STOPS_APART_M for _, other in kept)
        if far and within.contains(point):
            kept.append((kind, point))
    return kept


@dataclass(frozen=True, slots=True)
class Homes:
    """Where people live on a lattice, and how many live at a point against other homes' points."""

    kind: str
    area: BaseGeometry
    apart_m: float
    weight: float


def residents(homes: Sequence[Homes], people: int) -> Iterator[tuple[str, Point, int]]:
    """Share whole people out over the points of all homes, by weight and to the last one.

    What rounding down leaves goes to the points that it took most from, the first of equals.
    """
    places = [(home, point) for home in homes for point in lattice(home.area, home.apart_m)]
    weight = [Fraction(home.weight) for home, _ in places]
    shares = [people * one / sum(weight) for one in weight]
    counts = [int(share) for share in shares]
    order = sorted(range(len(shares)), key=lambda at: counts[at] - shares[at])
    for at in order[: people - sum(counts)]:
        counts[at] += 1
    for (home, point), count in zip(places, counts, strict=True):
        yield home.kind, point, count


def lattice(area: BaseGeometry, apart_m: float) -> list[Point]:
    """Points of an area on a lattice of whole multiples, row by row from the south."""
    west, south, east, north = area.bounds
    x = np.arange(np.ceil(west / apart_m), np.floor(east / apart_m) + 1) * apart_m
    y = np.arange(np.ceil(south / apart_m), np.floor(north / apart_m) + 1) * apart_m
    xx, yy = (axis.ravel() for axis in np.meshgrid(x, y))
    inside = shapely.contains_xy(area, xx, yy)
    return [Point(place) for place in zip(xx[inside], yy[inside], strict=True)]


def walking_lines(
    streets: Sequence[LineString], towns: Sequence[BaseGeometry], within: BaseGeometry
) -> Iterator[tuple[str, LineString]]:
    """Streets, and a grid of paths through each town in its own direction.

    Paths end where `within` does, streets run on. Where lines meet each of them has a vertex, so
    that they are one network; a part that a barrier cuts off stays an island.
    """
    paths = [
        path
        for town in towns
        for crosswise in (False, True)
        for row in rows_through(
            town.buffer(EDGE_M, join_style="mitre"), PATHS_APART_M, crosswise=crosswise
        )
        for path in lines_of(row & within)
    ]
    pieces = without_stubs(crossed([*led_on(streets, REACH_M, within), *paths]), STUB_M)
    for number, line in joined(pieces):
        yield "street" if number < len(streets) else "path", line
