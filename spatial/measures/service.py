"""Coverage of an area on foot: the land beside the ways within walking distance of a stop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import geopandas as gpd
import numpy as np
import shapely
from pydantic import Field

from spatial.doubt.band import accuracies, least_share
from spatial.doubt.displacement import Movable
from spatial.doubt.spans import Span, doubts, ends
from spatial.geometry.edges import Shapes
from spatial.geometry.lattice import Floats
from spatial.geometry.overlay import polygonal
from spatial.geometry.zonal import shared_areas
from spatial.measurement import (
    Doubt,
    Figure,
    Measurement,
    Metres,
    PeopleBeside,
    Points,
    Polygons,
    by_unit,
    ranged,
    share,
)
from spatial.measures.gaps import Parts, by_people, gap_places
from spatial.measures.people import Seed
from spatial.network import Network, Walkways, service_area, service_lines
from spatial.network.snap import snap
from spatial.network.walk import SNAP_LIMIT_M

_QUAD_SEGS = 16
"""Round ends and bends lack 0.16 % of their discs, little beside the width; 64 take four times as
long."""
Draws = Annotated[int, Field(ge=2, le=1000)]


def service_coverage(
    stops: Points,
    area: Polygons,
    network: Walkways,
    units: Polygons | None = None,
    population: PeopleBeside | None = None,
    *,
    radius_m: Metres,
    width_m: Metres = 100.0,
    snap_limit_m: Metres = SNAP_LIMIT_M,
    count_snap: bool = True,
    people_column: str = "people",
    draws: Draws = 10,
    seed: Seed = 1,
) -> Measurement:
    """Tell which share of an area lies beside ways within walking distance of a stop.

    share = A(service area ∩ area) / A(area), for each unit (the area's own features where no
    units are given) and for the whole. The service area is the land within `width_m` of the ways
    that are at most `radius_m` along the network from a stop, its ends and bends polygons of 64
    sides; it grows with the width, which is to be stated beside the value. Ways are cut where the
    distance is reached. Stops reach the network within `snap_limit_m`, and the straight way there
    counts with `count_snap`; stops off the network serve nobody.

    The range adds up what each doubt alone allows: the way to the network counted or not; where
    stops have an accuracy, the least and the most of `draws` simulations in which they are
    displaced, those off the network as drawn left out; and the band in which the borders of the
    area and the units lie. Ways are taken as drawn.

    Evidence are the gaps as in `stop_coverage`, with the nearest stop in a straight line.
    Facts: `reached_ways_m`, `stops_off_network_count`.

    Service areas as in network analysis of geographic information systems; no standard lays down
    the width.

    >>> from shapely import LineString, Point, box
    >>> from spatial.network import walking_network
    >>> street = gpd.GeoDataFrame(index=["A"], geometry=[LineString([(0, 0), (900, 0)])],
    ...     crs="EPSG:4548")
    >>> stops = gpd.GeoDataFrame(index=["S"], geometry=[Point(0, 0)], crs="EPSG:4548")
    >>> area = gpd.GeoDataFrame(index=["Z"], geometry=[box(0, -50, 800, 50)], crs="EPSG:4548")
    >>> found = service_coverage(stops, area, walking_network(street), radius_m=400, width_m=50)
    >>> round(found.whole.value, 2)     # 400 of 800 m, and half a disc of 50 m beyond
    0.55
    """
    asked = Parts.of(area, units)
    walk = _Walk(network, radius_m, width_m, snap_limit_m, count_snap)
    lines = walk.lines(stops)
    land = walk.land(lines)
    covered = _covered(asked, land)
    areas = np.array([shape.area for shape in (*asked.parts, asked.whole)])
    spans = [
        Span(
            "snap",
            "bounds",
            (_covered(asked, walk.land(walk.lines(stops, otherwise=True))),),
            {"snap_limit": snap_limit_m},
        )
    ]
    off_m = float(accuracies(stops).max(initial=0.0))
    if off_m > 0:
        random = np.random.default_rng(seed)
        movable = Movable.of(stops, network, snap_limit_m).on_network()
        cases = tuple(
            _covered(asked, walk.land(walk.displaced(movable, stops.crs, off_m, random)))
            for _ in range(draws)
        )
        spans.append(Span("position", "simulation", cases, {"stops": off_m, "draws": float(draws)}))
    low, high = ends(covered, spans)
    borders = _borders(asked, land, covered, areas)
    figures = [
        _figure(covered[row], areas[row], low[row] / areas[row], high[row] / areas[row], border)
        if areas[row] > 0
        else share(0.0, 0.0)
        for row, border in enumerate(borders)
    ]
    about = [span.over(lambda case: float(case[-1] / max(areas[-1], 1.0))) for span in spans]
    served = shapely.multipolygons(land)
    gaps = [polygonal(shapely.difference(part, served)) for part in asked.parts]
    on = snap(shapely.get_coordinates(stops.geometry), network, snap_limit_m).found
    return Measurement(
        values=by_unit(asked.ids, figures[:-1]),
        whole=figures[-1],
        evidence=by_people(gap_places(asked.ids, gaps, stops), population, people_column),
        doubts=_told(figures[-1], about, borders[-1], asked.accuracy_m),
        facts={
            "reached_ways_m": float(lines["length_m"].sum()),
            "stops_off_network_count": float((~on).sum()),
        },
    )


@dataclass(frozen=True, slots=True)
class _Walk:
    """How far people walk on which network, and how wide the land is that they reach."""

    network: Network
    radius_m: float
    width_m: float
    snap_limit_m: float
    count_snap: bool

    def lines(
        self, stops: gpd.GeoDataFrame, *, otherwise: bool = False, farther_m: float = 0.0
    ) -> gpd.GeoDataFrame:
        """Ways within walking distance; `otherwise` counts the way to them the other way."""
        return service_lines(
            stops,
            self.network,
            radius_m=self.radius_m,
            snap_limit_m=self.snap_limit_m + farther_m,
            count_snap=self.count_snap != otherwise,
        )

    def displaced(
        self, stops: Movable, crs: object, off_m: float, random: np.random.Generator
    ) -> gpd.GeoDataFrame:
        """Ways within walking distance of stops that lie elsewhere within their accuracy."""
        xy = stops.displaced(random)
        index = [str(number) for number in range(len(xy))]
        moved = gpd.GeoDataFrame(geometry=shapely.points(xy), index=index, crs=crs)
        return self.lines(moved, farther_m=4 * off_m)

    def land(self, lines: gpd.GeoDataFrame) -> Shapes:
        """The land beside ways, polygons that do not overlap."""
        if lines.empty:
            return np.array([], dtype=object)
        found = service_area(lines, width_m=self.width_m, quad_segs=_QUAD_SEGS)
        land: Shapes = found.geometry.to_numpy()
        return land


def _covered(asked: Parts, land: Shapes) -> Floats:
    """Area of each part, and last of the whole, that lies in the service area."""
    return shared_areas(land, np.array([*asked.parts, asked.whole], dtype=object))


def _borders(
    asked: Parts, land: Shapes, covered: Floats, areas: Floats
) -> list[tuple[float, float]]:
    """By how much the borders of each part, and last of the whole, let its share fall and rise."""
    if not any(asked.accuracy_m.values()):
        return [(0.0, 0.0)] * len(areas)
    small, large = asked.ends
    columns = (covered, areas, *map(shapely.area, (small, large)))
    columns += tuple(shared_areas(land, ends) for ends in (small, large))
    found = []
    for inside, area, small_m2, large_m2, in_small, in_large in np.stack(columns, axis=1).tolist():
        if area <= 0:
            found.append((0.0, 0.0))
            continue
        low = least_share(in_small, in_large, large_m2)
        high = 1 - least_share(small_m2 - in_small, large_m2 - in_large, large_m2)
        found.append((max(inside / area - low, 0.0), max(high - inside / area, 0.0)))
    return found


def _figure(
    covered: float, area: float, low: float, high: float, border: tuple[float, float]
) -> Figure:
    down, up = border
    figure = share(float(covered), float(area))
    return ranged(figure, max(float(low) - down, 0.0), min(float(high) + up, 1.0))


def _told(
    whole: Figure,
    spans: Sequence[Span],
    border: tuple[float, float],
    accuracy_m: Mapping[str, float],
) -> tuple[Doubt, ...]:
    """What each doubt alone lets the share of the whole be; `spans` are about it."""
    if whole.value is None:
        return ()
    told = list(doubts(whole.value, spans))
    known = {name: metres for name, metres in accuracy_m.items() if metres > 0}
    if known:
        down, up = border
        low, high = max(whole.value - down, 0.0), min(whole.value + up, 1.0)
        told.append(Doubt("position", "band", low, high, known))
    return tuple(told)
