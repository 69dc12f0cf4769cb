"""The timetable of a GTFS feed: which trips run on a typical weekday, and where they call."""

import datetime as dt
import re
from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from layers.formats.feed import Feed, row_problem
from layers.problem import Problem

_WEDNESDAY = 2
_WEEK = 7
_HOURS_MOST = 100
_CLOCK = re.compile(r"([0-9]{1,3}):([0-5][0-9]):([0-5][0-9])")
# The rank of a mode, the first that serves a stop names it; then its numbers in route_type,
# those of GTFS itself and the hundreds of its extension.
MODES = ("rail", "tram", "ferry", "bus", "other")
_MODE_OF = {0: "tram", 1: "rail", 2: "rail", 3: "bus", 4: "ferry", 5: "tram", 11: "bus", 12: "rail"}
_MODE_OF_HUNDRED = {
    1: "rail",
    2: "bus",
    3: "rail",
    4: "rail",
    5: "rail",
    6: "rail",
    7: "bus",
    8: "bus",
    9: "tram",
    10: "ferry",
    12: "ferry",
}


@dataclass(frozen=True, slots=True)
class Timetable:
    """What runs and where it calls.

    `day` is the typical Wednesday, None where the feed does not say on which days trips run.
    `by_stop` and `by_route` count the trips of that day, empty where there is no such day.
    `modes` are those of the routes, `stop_modes` the first in rank of those that serve a stop.
    `shapes` names the shapes that a route's trips follow.
    """

    day: dt.date | None
    by_stop: Mapping[str, int]
    by_route: Mapping[str, int]
    modes: Mapping[str, str]
    stop_modes: Mapping[str, str]
    shapes: Mapping[str, Sequence[str]]
    problems: tuple[Problem, ...]


def mode(route_type: str) -> str:
    """The mode of transport that a `route_type` means.

    Underground, monorail and suburban trains are rail, coaches and trolleybuses buses, cable cars
    and funiculars "other".

    >>> mode("3"), mode("1"), mode("900"), mode("7"), mode("Bus")
    ('bus', 'rail', 'tram', 'other', 'other')
    """
    if not re.fullmatch(r"[0-9]{1,4}", route_type):
        return "other"
    code = int(route_type)
    hundred = code // 100
    return _MODE_OF_HUNDRED.get(hundred, "other") if hundred else _MODE_OF.get(code, "other")


def timetable(feed: Feed) -> Timetable:
    """Count the trips of a typical weekday at each stop and of each route.

    The day is a Wednesday: those without service are left out, and those on which
    calendar_dates.txt takes a regular service away (holidays), unless most are such; of the rest
    it is the one whose number of trips is the median, the upper of two, the earliest of equals. A
    trip in frequencies.txt runs as often as its headways say: at the start of a period and
    every headway after it, before the period ends. A trip that calls twice at a stop counts once.
    """
    problems: list[Problem] = []
    rows = feed.rows("trips.txt", "trip_id", "route_id", "service_id")
    trips = list({cells[0]: cells for _, cells in rows}.values())  # of a doubled id the last
    numbers = {trip: number for number, (trip, _, _) in enumerate(trips)}
    runs = _runs(feed, numbers, problems)
    day, services = _typical_day(feed, trips, runs, problems)
    running = np.array(
        [runs[n] if service in services else 0 for n, (_, _, service) in enumerate(trips)],
        dtype=np.int64,
    )
    modes = {
        route: mode(kind) for _, (route, kind) in feed.rows("routes.txt", "route_id", "route_type")
    }
    ranks = np.array(
        [MODES.index(modes.get(route, "other")) for _, route, _ in trips], dtype=np.int64
    )
    stops, trip_of, stop_of = _calls(feed, numbers)
    counts = np.bincount(stop_of, weights=running[trip_of], minlength=len(stops))
    best = np.full(len(stops), len(MODES) - 1)
    np.minimum.at(best, stop_of, ranks[trip_of])
    by_route: dict[str, int] = dict.fromkeys(modes, 0)
    for n, (_, route, _) in enumerate(trips):
        by_route[route] = by_route.get(route, 0) + int(running[n])
    return Timetable(
        day,
        {stop: int(counts[n]) for stop, n in stops.items()} if day else {},
        by_route if day else {},
        modes,
        {stop: MODES[int(best[n])] for stop, n in stops.items()},
        _shapes(feed),
        tuple(problems),
    )


def _runs(feed: Feed, numbers: Mapping[str, int], problems: list[Problem]) -> list[int]:
    """How often each trip runs on a day of its service."""
    runs = [1] * len(numbers)
    headways: dict[int, int] = defaultdict(int)
    table = "frequencies.txt"
    rows = feed.rows(table, "trip_id", "start_time", "end_time", "headway_secs")
    for place, (trip, start, end, headway) in rows:
        begin, stop = _seconds(start), _seconds(end)
        step = int(headway) if re.fullmatch(r"[0-9]{1,5}", headway) else 0
        if begin is None or stop is None or not step:
            message = f"'{start}' to '{end}' every '{headway}' s is no headway; the row is left out"
            zh = f"“{start}”至“{end}”、间隔“{headway}”秒不是有效的发车间隔；已略去该行"
            where = feed.place(table)
            problems.append(row_problem(where, place, "frequency", message, zh=zh))
        elif trip in numbers:
            headways[numbers[trip]] += max(0, -(-(stop - begin) // step))
    for number, count in headways.items():
        runs[number] = count
    return runs


def _seconds(clock: str) -> int | None:
    """A time of day in seconds; hours beyond 24 belong to the night after.

    >>> _seconds("25:30:00"), _seconds("8 o'clock")
    (91800, None)
    """
    found = _CLOCK.fullmatch(clock)
    if found is None or int(found[1]) > _HOURS_MOST:
        return None
    return int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3])


def _typical_day(
    feed: Feed,
    trips: Sequence[tuple[str, ...]],
    runs: Sequence[int],
    problems: list[Problem],
) -> tuple[dt.date | None, frozenset[str]]:
    """The typical Wednesday and the services that run on it."""
    weights: dict[str, int] = defaultdict(int)
    for number, (_, _, service) in enumerate(trips):
        weights[service] += runs[number]
    spans, changes = _spans(feed, problems), _changes(feed, problems)
    day = _median_day(*_wednesdays(spans, changes, weights))
    if day is None:
        problems.append(_no_day(feed))
        return None, frozenset()
    running = {service for service, (first, last) in spans.items() if first <= day <= last}
    for (date, service), is_added in changes.items():
        if date == day:
            (running.add if is_added else running.discard)(service)
    return dt.date.fromordinal(day), frozenset(running)


def _wednesdays(
    spans: Mapping[str, tuple[int, int]],
    changes: Mapping[tuple[int, str], bool],
    weights: Mapping[str, int],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """The feed's Wednesdays, their numbers of trips, and whether a regular service is away."""
    known = [day for span in spans.values() for day in span] + [day for day, _ in changes]
    first, last = (min(known), max(known)) if known else (1, 0)
    ahead = (_WEDNESDAY - dt.date.fromordinal(first).weekday()) % _WEEK
    days = np.arange(first + ahead, last + 1, _WEEK)
    steps = np.zeros(len(days) + 1, dtype=np.int64)  # from one Wednesday to the next
    for service, (begin, end) in spans.items():
        steps[np.searchsorted(days, begin)] += weights.get(service, 0)
        steps[np.searchsorted(days, end + 1)] -= weights.get(service, 0)
    totals = np.cumsum(steps)[:-1]
    reduced = np.zeros(len(days), dtype=bool)
    for (day, service), is_added in changes.items():
        at, weight = int(np.searchsorted(days, day)), weights.get(service, 0)
        if at == len(days) or days[at] != day:
            continue
        is_regular = service in spans and spans[service][0] <= day <= spans[service][1]
        if is_added and not is_regular:
            totals[at] += weight
        elif is_regular and not is_added and weight:
            totals[at] -= weight
            reduced[at] = True
    return days, totals, reduced


def _median_day(
    days: NDArray[np.int64], totals: NDArray[np.int64], reduced: NDArray[np.bool_]
) -> int | None:
    served = totals > 0
    if not served.any():
        return None
    if 2 * (served & reduced).sum() < served.sum():
        served &= ~reduced
    counts = np.sort(totals[served])
    median = counts[len(counts) // 2]
    return int(days[served & (totals == median)][0])


def _spans(feed: Feed, problems: list[Problem]) -> dict[str, tuple[int, int]]:
    """First and last day of each service that runs on Wednesdays."""
    table = "calendar.txt"
    spans = {}
    rows = feed.rows(table, "service_id", "wednesday", "start_date", "end_date")
    for place, (service, wednesday, start, end) in rows:
        first, last = _day(start), _day(end)
        if first is None or last is None:
            problems.append(_no_date(feed, table, place, start if first is None else end))
        elif wednesday == "1" and first <= last:
            spans[service] = (first, last)
    return spans


def _changes(feed: Feed, problems: list[Problem]) -> dict[tuple[int, str], bool]:
    """Services added (True) or removed on a day."""
    table = "calendar_dates.txt"
    changes = {}
    for place, (service, date, kind) in feed.rows(table, "service_id", "date", "exception_type"):
        day = _day(date)
        if day is None:
            problems.append(_no_date(feed, table, place, date))
        elif kind in {"1", "2"}:
            changes[day, service] = kind == "1"
    return changes


def _day(text: str) -> int | None:
    if not re.fullmatch(r"[0-9]{8}", text):
        return None
    try:
        return dt.date(int(text[:4]), int(text[4:6]), int(text[6:])).toordinal()
    except ValueError:
        return None


def _calls(
    feed: Feed, numbers: Mapping[str, int]
) -> tuple[dict[str, int], NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the stops, and each pair of a trip and a stop at which it calls, once."""
    stops: dict[str, int] = {}
    codes = array("q")
    for _, (trip, stop) in feed.rows("stop_times.txt", "trip_id", "stop_id"):
        number = numbers.get(trip)
        if number is not None:
            codes.append(number << 32 | stops.setdefault(stop, len(stops)))
    pairs = np.unique(np.frombuffer(codes, dtype=np.int64)) if codes else np.array([], np.int64)
    return stops, pairs >> 32, pairs & 0xFFFF_FFFF


def _shapes(feed: Feed) -> dict[str, list[str]]:
    shapes: dict[str, dict[str, None]] = defaultdict(dict)
    for _, (route, shape) in feed.rows("trips.txt", "route_id", "shape_id"):
        if shape:
            shapes[route][shape] = None
    return {route: list(found) for route, found in shapes.items()}


def _no_date(feed: Feed, table: str, place: int, value: str) -> Problem:
    message = f"'{value}' is no date; dates are written 20251231; the row is left out"
    zh = f"“{value}”不是日期；应写作 20251231；已略去该行"
    return row_problem(feed.place(table), place, "date", message, zh=zh)


def _no_day(feed: Feed) -> Problem:
    return Problem(
        feed.where,
        "",
        "calendar",
        "neither calendar.txt nor calendar_dates.txt names a Wednesday on which trips run;"
        " trips_per_day is left empty",
        zh="calendar.txt 与 calendar_dates.txt 均未给出有班次运行的星期三；trips_per_day 留空",
    )
