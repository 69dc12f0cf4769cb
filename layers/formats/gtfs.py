"""GTFS: the stops of a timetable, and the lines of its routes."""

import re
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from layers.formats import frames
from layers.formats.coordinates import number
from layers.formats.feed import Feed, open_feed, row_problem
from layers.formats.found import Choice, Part, Raw
from layers.formats.refusal import refusal
from layers.formats.timetable import Timetable, timetable
from layers.limits import Limits
from layers.problem import Problem

CRS = "EPSG:4326"
"""What GTFS prescribes; whether a feed's numbers keep to it is another question."""
_STOPS, _ROUTES = "stops", "routes"
_STOP_COLUMNS = ("stop_id", "stop_name", "location_type")
_ROUTE_COLUMNS = ("route_id", "route_short_name", "route_long_name")
_MOST_LON, _MOST_LAT = 180.0, 90.0
_ORDER = re.compile(r"[0-9]{1,15}")


def inspect(path: Path, where: str, limits: Limits) -> tuple[Part, ...]:
    """Say which parts a feed has: its stops, and its routes where it draws them.

    Raises InputError where the file is no feed, has no stops, or more than the limits allow.
    """
    with open_feed(path, where, limits) as feed:
        table = timetable(feed)
        parts = [_stops(feed, table).part()]
        if feed.has("shapes.txt") and table.modes:
            parts.append(_routes(feed, table).part())
    return tuple(parts)


def read(path: Path, where: str, choice: Choice, limits: Limits) -> Raw:
    """Read the stops (the part taken where none is chosen) or the routes of a feed.

    Stops are the rows of stops.txt with a `location_type` of 0 or none; stations, entrances,
    nodes and boarding areas are left out, and a Problem says how many. `mode` is rail, tram,
    ferry, bus or other: the first of these that calls there, missing where nothing does.
    `trips_per_day` counts the trips of a typical Wednesday (see `timetable`), and is missing
    where the feed does not say on which days trips run.

    Routes have the lines of the shapes that their trips follow, and the same two columns.
    """
    if choice.part not in {"", _STOPS, _ROUTES}:
        raise refusal(
            where,
            "part",
            f"there is no part '{choice.part}'; a feed has 'stops' and, with shapes.txt, 'routes'",
            zh=f"没有“{choice.part}”；可选 stops（站点），有 shapes.txt 时还可选 routes（线路）",
        )
    with open_feed(path, where, limits) as feed:
        table = timetable(feed)
        if choice.part == _ROUTES and not (feed.has("shapes.txt") and table.modes):
            raise refusal(
                where,
                "part",
                "the feed draws no routes: shapes.txt or routes.txt is missing or empty",
                zh="该数据缺少 shapes.txt 或 routes.txt（或为空），不含线路走向",
            )
        rows = _routes(feed, table) if choice.part == _ROUTES else _stops(feed, table)
    return rows.raw()


def _stops(feed: Feed, table: Timetable) -> frames.Rows:
    where = feed.place("stops.txt")
    rows, index, places, problems = [], [], [], list(table.problems)
    others = 0
    seen: set[str] = set()
    for row, (lon, lat, *cells) in feed.rows("stops.txt", "stop_lon", "stop_lat", *_STOP_COLUMNS):
        stop, _, kind = cells
        if kind not in {"", "0"}:
            others += 1
            continue
        place = _place(lon, lat)
        if place is None:
            problems.append(_no_place(where, row, lon, lat))
        if stop in seen or not stop:
            problems.append(_no_id(where, row, stop))
        seen.add(stop)
        index.append(row)
        rows.append(cells)
        places.append(place)
        frames.check_features(len(rows), _STOPS, feed.where, feed.limits)
    if not rows:
        raise refusal(
            where, "empty", "it lists no stop; see the feed", zh="表中没有站点；请检查数据"
        )
    if others:
        problems.append(_others(where, others, len(rows)))
    points = [None if place is None else shapely.Point(place) for place in places]
    ids = [cells[0] for cells in rows]
    columns: frames.Columns = {
        **{name: [cells[at] for cells in rows] for at, name in enumerate(_STOP_COLUMNS)},
        "mode": [table.stop_modes.get(stop, "") for stop in ids],
        "trips_per_day": _trips(table, table.by_stop, ids),
    }
    return _rows(_STOPS, columns, points, feed, index).with_problems(problems)


def _routes(feed: Feed, table: Timetable) -> frames.Rows:
    where = feed.place("routes.txt")
    lines, problems = _lines(feed)
    problems = [*table.problems, *problems]
    rows, index, geometries = [], [], []
    for row, cells in feed.rows("routes.txt", *_ROUTE_COLUMNS):
        drawn = [lines[shape] for shape in table.shapes.get(cells[0], ()) if shape in lines]
        if not drawn:
            message = f"no trip of route '{cells[0]}' follows a line of shapes.txt"
            zh = f"线路“{cells[0]}”的班次均无 shapes.txt 中的走向"
            problems.append(row_problem(where, row, "geometry", message, zh=zh))
        rows.append(cells)
        index.append(row)
        geometries.append(shapely.MultiLineString(drawn) if drawn else None)
        frames.check_features(len(rows), _ROUTES, feed.where, feed.limits)
    ids = [cells[0] for cells in rows]
    columns: frames.Columns = {
        **{name: [cells[at] for cells in rows] for at, name in enumerate(_ROUTE_COLUMNS)},
        "mode": [table.modes.get(route, "other") for route in ids],
        "trips_per_day": _trips(table, table.by_route, ids),
    }
    return _rows(_ROUTES, columns, geometries, feed, index).with_problems(problems)


def _trips(table: Timetable, counts: Mapping[str, int], ids: Sequence[str]) -> NDArray[Any]:
    """Trips per day, all missing where no day is known: no data is never nought."""
    if table.day is None:
        return np.full(len(ids), np.nan)
    return np.array([counts.get(one, 0) for one in ids], dtype=np.int64)


def _lines(feed: Feed) -> tuple[dict[str, shapely.LineString], list[Problem]]:
    """The line of each shape, its points in the order of their numbers."""
    where = feed.place("shapes.txt")
    names: dict[str, int] = {}
    shapes, numbers, places = array("q"), array("d"), array("d")
    problems = []
    columns = ("shape_id", "shape_pt_sequence", "shape_pt_lon", "shape_pt_lat")
    for row, (shape, sequence, lon, lat) in feed.rows("shapes.txt", *columns):
        place = _place(lon, lat)
        if place is None:
            problems.append(_no_place(where, row, lon, lat))
            continue
        if not _ORDER.fullmatch(sequence):
            problems.append(_no_order(where, row, sequence))
            continue
        shapes.append(names.setdefault(shape, len(names)))
        numbers.append(float(sequence))
        places.extend(place)
    if not shapes:
        return {}, problems
    of, order = np.frombuffer(shapes, np.int64), np.frombuffer(numbers, np.float64)
    sorting = np.lexsort((order, of))
    points = np.frombuffer(places, np.float64).reshape(-1, 2)[sorting]
    ends = np.flatnonzero(np.diff(of[sorting])) + 1
    pieces = np.split(points, ends)
    return {
        name: shapely.LineString(piece)
        for name, piece in zip(names, pieces, strict=True)  # both in the order of their numbers
        if len(piece) > 1
    }, problems


def _place(lon: str, lat: str) -> tuple[float, float] | None:
    x, y = number(lon), number(lat)
    if x is None or y is None:
        return None
    return (x, y) if abs(x) <= _MOST_LON and abs(y) <= _MOST_LAT else None


def _rows(
    name: str,
    columns: frames.Columns,
    geometries: Sequence[shapely.Geometry | None],
    feed: Feed,
    places: list[int],
) -> frames.Rows:
    """The rows of a part, indexed by their place in the feed's table."""
    shapes: frames.Geometries = np.full(len(places), None, dtype=object)
    shapes[:] = geometries
    rows = frames.rows(name, columns, shapes, feed.where, feed.limits, crs=CRS)
    index = pd.Index(places, dtype="int64", name="row")
    return replace(rows, frame=rows.frame.set_axis(index))


def _no_place(where: str, row: int, lon: str, lat: str) -> Problem:
    message = f"'{lon}', '{lat}' is no longitude and latitude; wanted are degrees such as 117.35"
    zh = f"“{lon}”、“{lat}”不是经纬度；应为度，如 117.35"
    return row_problem(where, row, "coordinates", message, zh=zh)


def _no_order(where: str, row: int, sequence: str) -> Problem:
    message = f"shape_pt_sequence is '{sequence}', not a whole number; the point is left out"
    zh = f"shape_pt_sequence 为“{sequence}”，不是整数；已略去该点"
    return row_problem(where, row, "sequence", message, zh=zh)


def _no_id(where: str, row: int, stop: str) -> Problem:
    message = f"stop_id is '{stop}', which another stop has" if stop else "stop_id is empty"
    message += "; every stop needs one of its own"
    zh = f"stop_id “{stop}”与其他站点重复" if stop else "stop_id 为空"
    return row_problem(where, row, "id", message, zh=f"{zh}；每个站点需有自己的编号")


def _others(where: str, others: int, kept: int) -> Problem:
    return Problem(
        where,
        "",
        "location_type",
        f"{others:,} rows are stations, entrances, nodes or boarding areas and are left out; the"
        f" {kept:,} stops are kept",
        zh=f"{others:,} 行为车站、出入口、通道节点或候车区，不作为站点；保留 {kept:,} 个站点",
    )
