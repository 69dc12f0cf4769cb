"""GTFS: a feed whose trips can be counted by head, and São Paulo counted by another program."""

import csv
import datetime as dt
import io
import zipfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest

from layers import InputError
from layers.formats import Choice, Raw, gtfs
from layers.formats.feed import open_feed
from layers.formats.timetable import timetable
from layers.limits import Limits

LIMITS = Limits()
# Wednesdays of January 2025: 1 (a holiday), 8, 15, 22 and 29.
FEED: Mapping[str, str] = {
    "stops.txt": """\
stop_id,stop_name,location_type,stop_lat,stop_lon
A,海河站,0,39.10,117.30
B,"津滨大道, 南",,39.11,117.31
C,无坐标,0,,117.32
S,天津站,1,39.12,117.33
E,A 口,2,39.12,117.33
N,无车,0,39.13,117.34
""",
    "routes.txt": """\
route_id,route_short_name,route_long_name,route_type
R1,1 路,海河 — 津滨,3
R2,Z4,市域铁路,109
R3,T1,有轨电车,0
""",
    "trips.txt": """\
route_id,service_id,trip_id,shape_id
R1,weekdays,t1,loop
R1,weekdays,t2,loop
R2,weekdays,t3,
R3,weekdays,f1,back
R1,sundays,s1,loop
""",
    "stop_times.txt": """\
trip_id,arrival_time,departure_time,stop_id,stop_sequence
t1,08:00:00,08:00:00,A,1
t1,08:10:00,08:10:00,B,2
t1,08:20:00,08:20:00,A,3
t2,09:00:00,09:00:00,A,1
t3,09:30:00,09:30:00,B,1
f1,00:00:00,00:00:00,B,1
s1,10:00:00,10:00:00,A,1
""",
    "frequencies.txt": """\
trip_id,start_time,end_time,headway_secs
f1,06:00:00,07:00:00,1200
f1,22:00:00,25:00:00,3600
""",
    "calendar.txt": """\
service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date
weekdays,1,1,1,1,1,0,0,20250101,20250131
sundays,0,0,0,0,0,0,1,20250101,20250131
""",
    "calendar_dates.txt": """\
service_id,date,exception_type
weekdays,20250101,2
sundays,20250101,1
""",
    "shapes.txt": """\
shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence
loop,39.11,117.31,2
loop,39.10,117.30,1
loop,39.10,117.31,10
back,39.11,117.31,1
back,39.12,117.32,2
""",
}


def pack(folder: Path, feed: Mapping[str, str | bytes | None], inside: str = "") -> Path:
    path = folder / "feed.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in feed.items():
            if text is not None:
                archive.writestr(f"{inside}{name}", text)
    return path


def stops(path: Path, limits: Limits = LIMITS) -> Raw:
    return gtfs.read(path, "公交.zip", Choice(), limits)


def trips(raw: Raw) -> dict[str, int]:
    return dict(zip(raw.frame["stop_id"], raw.frame["trips_per_day"], strict=True))


def refused(path: Path, choice: Choice = Choice(), limits: Limits = LIMITS) -> str:  # noqa: B008
    with pytest.raises(InputError) as error:
        gtfs.read(path, "公交.zip", choice, limits)
    (problem,) = error.value.problems
    assert problem.zh
    assert str(path.parent) not in str(problem)
    return f"{problem.rule}: {problem.in_('en')}"


def test_only_stops_are_read_and_it_is_said_what_is_left_out(tmp_path: Path) -> None:
    raw = stops(pack(tmp_path, FEED))
    assert raw.frame["stop_id"].tolist() == ["A", "B", "C", "N"]
    assert raw.frame["stop_name"].tolist()[1] == "津滨大道, 南"
    assert raw.frame.index.tolist() == [1, 2, 3, 6]  # rows of stops.txt
    assert raw.crs == "EPSG:4326"
    assert raw.frame.crs is None
    assert (raw.frame.geometry[1].x, raw.frame.geometry[1].y) == (117.30, 39.10)
    left_out = [problem for problem in raw.problems if problem.rule == "location_type"]
    assert str(left_out[0]) == (
        "公交.zip stops.txt: 2 rows are stations, entrances, nodes or boarding areas and are left"
        " out; the 4 stops are kept"
    )
    (lost,) = (problem for problem in raw.problems if problem.rule == "coordinates")
    assert lost.feature == "3"
    assert raw.frame.geometry[3] is None


def test_trips_of_a_typical_wednesday_are_counted_at_each_stop(tmp_path: Path) -> None:
    # A: t1 (which calls twice) and t2. B: t1, t3, and f1 six times, at 6:00, 6:20, 6:40, 22:00,
    # 23:00 and 24:00.
    raw = stops(pack(tmp_path, FEED))
    assert trips(raw) == {"A": 2, "B": 8, "C": 0, "N": 0}
    assert raw.frame["trips_per_day"].dtype.kind == "i"


def test_a_stop_has_the_first_mode_in_rank_that_calls_there(tmp_path: Path) -> None:
    raw = stops(pack(tmp_path, FEED))
    modes = raw.frame.set_index("stop_id")["mode"]
    assert modes[["A", "B"]].tolist() == ["bus", "rail"]  # B has a tram and a bus as well
    assert modes[["C", "N"]].isna().all()


@pytest.mark.parametrize(
    "calendar_dates, day, count",
    [
        # 1, 5 and 3 trips: the median is 3.
        ([("one", "08"), ("five", "15"), ("three", "22")], 22, 3),
        # 1 and 5: of two the upper.
        ([("one", "08"), ("five", "15")], 15, 5),
        # 3, 3, 5: the earliest of equals. A Tuesday with all does not count.
        ([("three", "22"), ("three", "08"), ("five", "15"), ("one", "14"), ("five", "14")], 8, 3),
    ],
)
def test_the_typical_wednesday_is_the_median_one(
    tmp_path: Path, calendar_dates: list[tuple[str, str]], day: int, count: int
) -> None:
    sizes = {"one": 1, "three": 3, "five": 5}
    ids = {name: [f"{name}{n}" for n in range(size)] for name, size in sizes.items()}
    feed = {
        **FEED,
        "calendar.txt": None,
        "frequencies.txt": None,
        "calendar_dates.txt": "service_id,date,exception_type\n"
        + "".join(f"{service},202501{date},1\n" for service, date in calendar_dates),
        "trips.txt": "route_id,service_id,trip_id\n"
        + "".join(f"R1,{name},{trip}\n" for name, all_ in ids.items() for trip in all_),
        "stop_times.txt": "trip_id,stop_id\n"
        + "".join(f"{trip},A\n" for all_ in ids.values() for trip in all_),
    }
    path = pack(tmp_path, feed)
    assert trips(stops(path))["A"] == count
    with open_feed(path, "公交.zip", LIMITS) as opened:
        assert timetable(opened).day == dt.date(2025, 1, day)


def test_holidays_are_no_typical_day_unless_most_days_are_such(tmp_path: Path) -> None:
    def with_holidays(*days: str) -> Mapping[str, str]:
        lines = [f"weekdays,202501{day},2\nextra,202501{day},1\n" for day in days]
        return {
            **FEED,
            "trips.txt": FEED["trips.txt"] + "R1,extra,x1,\n",
            "stop_times.txt": FEED["stop_times.txt"] + "x1,10:00:00,10:00:00,N,1\n",
            "calendar_dates.txt": "service_id,date,exception_type\n" + "".join(lines),
        }

    few = stops(pack(tmp_path, with_holidays("01", "08")))
    assert trips(few) == {"A": 2, "B": 8, "C": 0, "N": 0}
    most = stops(pack(tmp_path, with_holidays("01", "08", "15")))
    assert trips(most) == {"A": 0, "B": 0, "C": 0, "N": 1}


def test_without_a_calendar_trips_are_missing_and_not_nought(tmp_path: Path) -> None:
    raw = stops(pack(tmp_path, {**FEED, "calendar.txt": None, "calendar_dates.txt": None}))
    assert raw.frame["trips_per_day"].isna().all()
    assert raw.frame["trips_per_day"].dtype.kind == "f"
    assert "calendar" in {problem.rule for problem in raw.problems}
    assert raw.frame["mode"].tolist()[:2] == ["bus", "rail"]


def test_routes_have_the_lines_that_their_trips_follow(tmp_path: Path) -> None:
    path = pack(tmp_path, FEED)
    raw = gtfs.read(path, "公交.zip", Choice(part="routes"), LIMITS)
    assert raw.frame["route_id"].tolist() == ["R1", "R2", "R3"]
    assert raw.frame["mode"].tolist() == ["bus", "rail", "tram"]
    assert raw.frame["trips_per_day"].tolist() == [2, 1, 6]
    assert raw.frame.geometry[1].wkt == "MULTILINESTRING ((117.3 39.1, 117.31 39.11, 117.31 39.1))"
    assert raw.frame.geometry[2] is None
    assert [p.feature for p in raw.problems if p.rule == "geometry"] == ["2"]


def test_inspecting_names_the_parts_with_their_fields(tmp_path: Path) -> None:
    found = gtfs.inspect(pack(tmp_path, FEED), "公交.zip", LIMITS)
    assert [(part.name, part.kind, part.geometry, part.count) for part in found] == [
        ("stops", "features", "point", 4),
        ("routes", "features", "line", 3),
    ]
    assert found[0].crs == "EPSG:4326"
    assert found[0].bounds == (117.30, 39.10, 117.34, 39.13)
    fields = {field.name: field for field in found[0].fields}
    assert list(fields) == ["stop_id", "stop_name", "location_type", "mode", "trips_per_day"]
    assert (fields["trips_per_day"].kind, fields["trips_per_day"].samples) == (
        "number",
        ("2", "8", "0"),
    )
    (only,) = gtfs.inspect(pack(tmp_path, {**FEED, "shapes.txt": None}), "公交.zip", LIMITS)
    assert only.name == "stops"


def test_ids_that_look_like_numbers_stay_text(tmp_path: Path) -> None:
    text = FEED["stops.txt"].replace("A,海", "007,海").replace("B,", "008,")
    raw = stops(pack(tmp_path, {**FEED, "stops.txt": text}))
    assert raw.frame["stop_id"].tolist()[:2] == ["007", "008"]


def test_a_feed_in_a_folder_with_a_mark_and_spaces_is_read(tmp_path: Path) -> None:
    spaced = FEED["stops.txt"].replace("stop_lat,stop_lon", " stop_lat , stop_lon")
    feed = {**FEED, "stops.txt": "\ufeff" + spaced}
    assert trips(stops(pack(tmp_path, feed, inside="feed 2025/"))) == trips(
        stops(pack(tmp_path, FEED))
    )


@pytest.mark.parametrize(
    "table, edit, rule, left",
    [
        ("frequencies.txt", ("1200", "0"), "frequency", {"A": 2, "B": 5, "C": 0, "N": 0}),
        ("frequencies.txt", ("06:00:00", "six"), "frequency", {"A": 2, "B": 5, "C": 0, "N": 0}),
        (
            "calendar.txt",
            ("sundays,0,0,0,0,0,0,1,20250101", "x,1,1,1,1,1,1,1,2025-1-1"),
            "date",
            None,
        ),
        ("calendar_dates.txt", ("sundays,20250101", "sundays,20250132"), "date", None),
        ("stops.txt", ("B,", "A,"), "id", None),
        ("stops.txt", ("117.31", "217.31"), "coordinates", None),
        ("stop_times.txt", ("t3,", "nobody,"), None, {"A": 2, "B": 7, "C": 0, "N": 0}),
    ],
)
def test_a_wrong_row_is_named_and_the_others_count(
    tmp_path: Path,
    table: str,
    edit: tuple[str, str],
    rule: str | None,
    left: dict[str, int] | None,
) -> None:
    assert edit[0] in FEED[table]
    feed = {**FEED, table: FEED[table].replace(*edit, 1)}
    feed["stops.txt"] = feed["stops.txt"].replace("C,无坐标,0,,117.32\n", "C,有,0,39.1,117.32\n")
    raw = stops(pack(tmp_path, feed))
    found = [p for p in raw.problems if p.rule != "location_type"]
    assert [p.rule for p in found] == ([rule] if rule else [])
    assert all(p.zh and p.feature and table in p.layer for p in found)
    if left is not None:
        assert trips(raw) == left


def test_what_is_no_feed_is_refused(tmp_path: Path) -> None:
    assert refused(pack(tmp_path, {**FEED, "stops.txt": None})).startswith(
        "gtfs: 公交.zip: no stops"
    )
    (tmp_path / "feed.zip").write_bytes(b"no archive")
    assert "公交.zip" in refused(tmp_path / "feed.zip")
    latin = FEED["stops.txt"].replace("海河站", "Estação").encode("gbk", "replace") + b"\xe9"
    assert refused(pack(tmp_path, {**FEED, "stops.txt": latin})).startswith(
        "encoding: 公交.zip stops.txt: the table is not written in UTF-8"
    )
    path = pack(tmp_path, {**FEED, "shapes.txt": None})
    assert refused(path, Choice(part="routes")).startswith("part: 公交.zip: the feed draws no")
    assert refused(path, Choice(part="trips")).startswith(
        "part: 公交.zip: there is no part 'trips'"
    )


def test_a_feed_beyond_the_limits_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path, FEED)
    assert refused(path, limits=Limits(features=3)).startswith("features: ")
    assert refused(path, limits=Limits(vertices=4)).startswith("rows: 公交.zip")
    assert refused(path, limits=Limits(entries=7)).startswith("entries: ")
    bomb = pack(tmp_path, {**FEED, "stop_times.txt": "a" * 20_000_000})
    assert refused(bomb).startswith("ratio: ")


def test_a_damaged_feed_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path, FEED)
    content = bytearray(path.read_bytes())
    at = content.index(b"stops.txt") + 20
    content[at : at + 40] = bytes(40)
    path.write_bytes(content)
    assert refused(path).split(":")[0] in {"zip", "csv", "encoding"}


def test_a_feed_without_stops_or_routes_is_told_apart(tmp_path: Path) -> None:
    heads = {name: text.splitlines()[0] for name, text in FEED.items()}
    path = pack(tmp_path, heads)
    assert refused(path) == "empty: 公交.zip stops.txt: it lists no stop; see the feed"
    path = pack(tmp_path, {**heads, "stops.txt": FEED["stops.txt"]})
    assert [part.name for part in gtfs.inspect(path, "公交.zip", LIMITS)] == ["stops"]
    assert refused(path, Choice(part="routes")).startswith("part: 公交.zip: the feed draws no")


def test_dates_from_the_first_year_to_the_last_do_not_hang(tmp_path: Path) -> None:
    text = FEED["calendar.txt"].replace("20250101", "00010101").replace("20250131", "99991231")
    raw = stops(pack(tmp_path, {**FEED, "calendar.txt": text}))
    assert trips(raw) == {"A": 2, "B": 8, "C": 0, "N": 0}


def test_sao_paulo_is_counted_as_another_program_counts_it(testbed: Path) -> None:
    path = testbed / "sao_paulo" / "spo.zip"
    with zipfile.ZipFile(path) as archive:
        table = {
            name: list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"))))
            for name in archive.namelist()
        }
    # All services run on every Wednesday (calendar.txt says so and there are no exceptions).
    services = {row["service_id"] for row in table["calendar.txt"] if row["wednesday"] == "1"}
    departures: dict[str, int] = defaultdict(int)
    for row in table["frequencies.txt"]:
        hour, minute, second = map(int, row["start_time"].split(":"))
        now = dt.timedelta(hours=hour, minutes=minute, seconds=second)
        hour, minute, second = map(int, row["end_time"].split(":"))
        while now < dt.timedelta(hours=hour, minutes=minute, seconds=second):
            departures[row["trip_id"]] += 1
            now += dt.timedelta(seconds=int(row["headway_secs"]))
    calls = {(row["stop_id"], row["trip_id"]) for row in table["stop_times.txt"]}
    service_of = {row["trip_id"]: row["service_id"] for row in table["trips.txt"]}
    expected = {row["stop_id"]: 0 for row in table["stops.txt"]}
    for stop, trip in calls:
        if service_of[trip] in services:
            expected[stop] += departures.get(trip, 1)
    raw = stops(path)
    assert len(raw.frame) == 654
    assert raw.problems == ()
    assert trips(raw) == expected
    kinds = {row["route_id"]: row["route_type"] for row in table["routes.txt"]}
    assert set(kinds.values()) == {"1", "2", "3"}
    on_rails = {t["trip_id"] for t in table["trips.txt"] if kinds[t["route_id"]] != "3"}
    served = {stop for stop, trip in calls if trip in on_rails}
    assert set(raw.frame.loc[raw.frame["mode"] == "rail", "stop_id"]) == served
