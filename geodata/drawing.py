"""How a hand draws: sides of lines, strips, partitions, shapes of a given size.

Nothing here knows the place; `build.py` does. All geometry is in metres.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle
from typing import Literal

import numpy as np
import shapely
from shapely import LineString, MultiLineString, MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

GRID_M = 1e-6  # partitions are noded on this grid, far below the nine decimals written
ARC_SEGMENTS = 8  # per quarter circle, for the ends and bends of drawn strips
ACROSS_M = 1.0  # a line that is led on to another passes it by so much
NECK_M = 0.5  # no part of a cut area is narrower than twice this
MOST_GROWTH_M, HALVINGS = 10_000.0, 60  # a seed's edge moves so far at most, in ever halved steps

Compass = Literal["N", "E", "S", "W"]
Regions = Sequence[tuple[str, BaseGeometry]]


def side(line: LineString, compass: Compass) -> Polygon:
    """Take all land on one side of a line that is thought to run on straight beyond its ends."""
    reach, half = 200_000.0, 60_000.0
    xy = shapely.get_coordinates(line)
    ends = []
    for end, before in ((xy[0], xy[1]), (xy[-1], xy[-2])):
        ends.append(end + (end - before) / np.hypot(*(end - before)) * reach)
    x, y = line.centroid.x, line.centroid.y
    box = shapely.box(x - half, y - half, x + half, y + half)
    cut = shapely.unary_union([box.boundary, LineString([ends[0], *xy, ends[1]])])
    east, north = {"N": (0, 1), "E": (1, 0), "S": (0, -1), "W": (-1, 0)}[compass]
    there = Point(x + 0.99 * half * east, y + 0.99 * half * north)
    (piece,) = (p for p in shapely.polygonize([cut]).geoms if p.contains(there))
    return piece


def smooth(geometry: BaseGeometry, rounds: int = 3) -> BaseGeometry:
    """Cut the corners off a drawn line or ring, as a hand would (Chaikin's rule)."""
    closed = isinstance(geometry, Polygon)
    xy = shapely.get_coordinates(geometry.exterior if closed else geometry)
    for _ in range(rounds):
        a, b = xy[:-1], xy[1:]
        cut = np.stack([0.75 * a + 0.25 * b, 0.25 * a + 0.75 * b], axis=1).reshape(-1, 2)
        xy = np.vstack([cut, cut[:1]] if closed else [xy[:1], cut, xy[-1:]])
    return Polygon(xy) if closed else LineString(xy)


def strip(line: BaseGeometry, width_m: float) -> BaseGeometry:
    """Widen a centre line."""
    return line.buffer(width_m / 2, quad_segs=ARC_SEGMENTS)


def partition(
    area: BaseGeometry, regions: Regions, rest: str, crumb_m2: float = 0
) -> dict[str, BaseGeometry]:
    """Give every piece of `area` to the first region that holds it, or to `rest`.

    All borders are noded together, so neighbours share their edges vertex by vertex. A piece
    smaller than `crumb_m2` goes to the neighbour with which it shares most of its border.
    """
    borders = [area.boundary, *(region.intersection(area).boundary for _, region in regions)]
    noded = shapely.union_all(borders, grid_size=GRID_M)
    faces = [f for f in shapely.polygonize([noded]).geoms if area.contains(f.point_on_surface())]
    labels = [_first(regions, face.point_on_surface(), rest) for face in faces]
    pieces = [
        (label, piece)
        for label in sorted(set(labels))
        for piece in polygons(
            _join(f for f, name in zip(faces, labels, strict=True) if name == label)
        )
    ]
    large = [(label, piece) for label, piece in pieces if piece.area >= crumb_m2]
    crumbs = sorted((p for _, p in pieces if p.area < crumb_m2), key=lambda p: -p.area)
    for crumb in crumbs:
        shared = [crumb.boundary.intersection(piece.boundary).length for _, piece in large]
        at = int(np.argmax(shared))
        large[at] = (large[at][0], _join([large[at][1], crumb]))
    return {
        label: _join(piece for name, piece in large if name == label)
        for label in sorted({name for name, _ in large})
    }


def _first(regions: Regions, point: Point, rest: str) -> str:
    return next((label for label, region in regions if region.contains(point)), rest)


def _join(pieces: Iterable[BaseGeometry]) -> BaseGeometry:
    return shapely.coverage_union_all(list(pieces))


def polygons(geometry: BaseGeometry) -> list[Polygon]:
    """Take a geometry's parts that are polygons."""
    parts = shapely.get_parts(geometry)
    return [part for part in parts if isinstance(part, Polygon)]


def areal(geometry: BaseGeometry) -> BaseGeometry:
    """Keep the polygons of what an intersection left."""
    parts = polygons(geometry)
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def cleaned(geometry: BaseGeometry, crumb_m2: float) -> BaseGeometry:
    """Drop necks, parts and holes that two nearly equal borders left between them."""
    narrow = geometry.buffer(-NECK_M, join_style="mitre")
    parts = polygons(narrow.buffer(NECK_M, join_style="mitre") & geometry)
    return areal(MultiPolygon([_without_crumbs(p, crumb_m2) for p in parts if p.area >= crumb_m2]))


def _without_crumbs(polygon: Polygon, crumb_m2: float) -> Polygon:
    holes = [hole for hole in polygon.interiors if Polygon(hole).area >= crumb_m2]
    return Polygon(polygon.exterior, holes)


def between(line: LineString, first: BaseGeometry, second: BaseGeometry) -> LineString:
    """Cut a line down to the stretch between the two others that it crosses."""
    ends_m = [line.project(line.intersection(other).centroid) for other in (first, second)]
    return substring(line, min(ends_m), max(ends_m))


def tied(line: LineString, start: BaseGeometry, end: BaseGeometry | None = None) -> LineString:
    """Move a line's ends to the nearest vertices of other lines, so that they are one network."""
    xy = shapely.get_coordinates(line)
    for at, other in ((0, start), (-1, end)):
        if other is not None:
            vertices = shapely.get_coordinates(other)
            xy[at] = vertices[np.argmin(np.hypot(*(vertices - xy[at]).T))]
    return LineString(xy)


def grown(seed: BaseGeometry, room: BaseGeometry, area_m2: float) -> BaseGeometry:
    """Widen or shrink a seed inside the room it has until it covers the area.

    Raises ValueError where the room is too small.
    """
    if room.area < area_m2:
        raise ValueError(f"there is room for {room.area:.0f} m², not for {area_m2:.0f} m²")
    narrow, wide = -MOST_GROWTH_M, MOST_GROWTH_M
    for _ in range(HALVINGS):
        middle = (narrow + wide) / 2
        drawn = seed.buffer(middle, join_style="mitre") & room
        narrow, wide = (middle, wide) if drawn.area < area_m2 else (narrow, middle)
    return drawn


def along(line: BaseGeometry, steps_m: Sequence[float]) -> Iterator[Point]:
    """Set points along a line, the steps between them in turn."""
    for part in shapely.get_parts(shapely.line_merge(line)):
        at_m = steps_m[0] / 2
        for step_m in cycle(steps_m):
            if at_m > part.length:
                break
            yield part.interpolate(at_m)
            at_m += step_m


def rows_through(
    area: BaseGeometry, apart_m: float = 800, *, crosswise: bool = False
) -> Iterator[BaseGeometry]:
    """Parallel streets through a town, along its longer side or crosswise to it."""
    corners = shapely.get_coordinates(shapely.oriented_envelope(area))[:4]
    along, across = corners[1] - corners[0], corners[3] - corners[0]
    if (np.hypot(*along) < np.hypot(*across)) != crosswise:
        along, across = across, along
    count = max(1, round(float(np.hypot(*across)) / apart_m))
    for number in range(count):
        start = corners[0] + across * (number + 0.5) / count
        yield LineString([start, start + along]) & area


def led_on(lines: Sequence[LineString], reach_m: float, within: BaseGeometry) -> list[LineString]:
    """Lead the ends of lines on, just across the nearest other line if it is so close.

    A line that meets that other already, or would have to leave `within`, is left as it is.
    """
    led = []
    for line in lines:
        xy = line.coords[:]
        for at in (0, -1):
            end = Point(xy[at])
            others = [other for other in lines if other is not line]
            nearest = min(others, key=end.distance, default=line)
            if end.distance(nearest) <= reach_m and not line.intersects(nearest):
                place = nearest.interpolate(nearest.project(end))
                share = 1 + ACROSS_M / end.distance(place)
                beyond = (end.x + (place.x - end.x) * share, end.y + (place.y - end.y) * share)
                if within.contains(LineString([end, beyond])):
                    xy = [beyond, *xy] if at == 0 else [*xy, beyond]
        led.append(LineString(xy))
    return led


def lines_of(geometry: BaseGeometry) -> list[LineString]:
    """Take a geometry's parts that are lines."""
    return [part for part in shapely.get_parts(geometry) if isinstance(part, LineString)]


def crossed(lines: Sequence[LineString]) -> list[tuple[int, LineString]]:
    """Cut lines wherever two meet; each piece with the number of its line, the first of several.

    Pieces that meet have the same end, to the last digit.
    """
    pieces = shapely.get_parts(shapely.union_all(lines))
    middles = shapely.line_interpolate_point(pieces, 0.5, normalized=True)
    near, line = shapely.STRtree(lines).query(middles, predicate="dwithin", distance=GRID_M)
    owner: dict[int, int] = {}
    for piece, number in zip(near.tolist(), line.tolist(), strict=True):
        owner[piece] = min(owner.get(piece, number), number)
    return [(owner[number], piece) for number, piece in enumerate(pieces)]


def without_stubs(
    pieces: Sequence[tuple[int, LineString]], shorter_m: float
) -> list[tuple[int, LineString]]:
    """Drop short pieces that lead nowhere, until each has a meeting at both ends or is long."""
    kept, before = list(pieces), -1
    while len(kept) != before:
        before = len(kept)
        meeting = Counter(end for _, piece in kept for end in (piece.coords[0], piece.coords[-1]))
        kept = [
            (number, piece)
            for number, piece in kept
            if piece.length >= shorter_m
            or min(meeting[piece.coords[0]], meeting[piece.coords[-1]]) > 1
        ]
    return kept


def joined(pieces: Sequence[tuple[int, LineString]]) -> Iterator[tuple[int, LineString]]:
    """Join the pieces of each line again; where pieces met a vertex stays."""
    for number in sorted({number for number, _ in pieces}):
        merged = shapely.line_merge(MultiLineString([p for n, p in pieces if n == number]))
        whole = [shapely.normalize(part) for part in lines_of(merged)]
        yield from ((number, part) for part in sorted(whole, key=lambda part: list(part.coords)))
