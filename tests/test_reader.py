"""The process in which files are opened: it may be slow, greedy or killed, and the app goes on."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Point, box

from layers import InputError, Problem
from layers.formats import Choice, Raw
from layers.formats.exchange import read_raw, write_raw
from layers.formats.sandbox import ALLOWED_DRIVERS, environment, unwanted
from layers.limits import Limits
from layers.reader import Reader

ROOT = Path(__file__).resolve().parents[1]
WORKER = [sys.executable, "-m", "layers.formats.worker", "2000", "2000"]
POINT = {"type": "Point", "coordinates": [117.35, 39.1]}
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")


def geojson(count: int = 1) -> bytes:
    features = [
        {"type": "Feature", "properties": {"n": n}, "geometry": POINT} for n in range(count)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


@pytest.fixture
def stops(tmp_path: Path) -> Path:
    path = tmp_path / "upload"
    path.write_bytes(geojson())
    return path


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as reader:
        yield reader


def child(reader: Reader) -> int:
    number = reader.process_id
    assert number is not None
    return number


def test_the_process_can_be_there_before_the_first_file(stops: Path) -> None:
    with Reader() as early:
        assert early.process_id is None
        early.get_ready().join()
        ready = child(early)
        early.inspect(stops, "站点.geojson")
        assert child(early) == ready


def test_one_process_serves_many_files(reader: Reader, stops: Path) -> None:
    reader.inspect(stops, "a.geojson")
    first = child(reader)
    reader.read(stops, "a.geojson", Choice())
    with contextlib.suppress(InputError):
        (stops.parent / "bad").write_bytes(b"PK\x03\x04 damaged")
        reader.inspect(stops.parent / "bad", "bad.zip")
    assert reader.inspect(stops, "a.geojson").parts[0].count == 1
    assert child(reader) == first


def test_no_process_runs_before_the_first_file_or_after_the_end(stops: Path) -> None:
    with Reader() as reader:
        assert reader.process_id is None
        reader.inspect(stops, "a.geojson")
        folder = reader._folder
        assert folder.is_dir()
    assert reader.process_id is None
    assert not folder.exists()


@posix
def test_a_process_that_was_killed_is_started_again(stops: Path) -> None:
    with Reader() as reader:
        reader.inspect(stops, "a.geojson")
        first = child(reader)
        os.kill(first, signal.SIGKILL)
        with contextlib.suppress(InputError):  # the death may be noticed while asking
            reader.inspect(stops, "a.geojson")
        assert reader.inspect(stops, "a.geojson").parts[0].count == 1
        assert child(reader) != first


@posix
def test_a_file_that_takes_too_long_is_given_up(stops: Path) -> None:
    with Reader(Limits(seconds=1)) as reader:
        reader.inspect(stops, "a.geojson")
        first = child(reader)
        os.kill(first, signal.SIGSTOP)  # it hangs
        with pytest.raises(InputError) as refused:
            reader.inspect(stops, "很慢.geojson")
        (problem,) = refused.value.problems
        assert problem.rule == "seconds"
        assert problem.in_("en").startswith("很慢.geojson: reading takes longer than 1 s and one")
        assert "layers.toml" in problem.zh
        assert reader.inspect(stops, "a.geojson").parts[0].count == 1
        assert child(reader) != first


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the address space")
def test_a_file_that_needs_too_much_memory_is_given_up(tmp_path: Path, stops: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(b'{"type": "FeatureCollection", "x": ["' + b"x" * 180_000_000 + b'"]}')
    with Reader(Limits(memory_mb=700, seconds=30)) as reader:
        with pytest.raises(InputError) as refused:
            reader.inspect(path, "大.geojson")
        (problem,) = refused.value.problems
        assert problem.rule == "memory_mb"
        assert "needs more than 700 MB of memory; split or simplify" in problem.message
        assert reader.inspect(stops, "a.geojson").parts[0].count == 1


def test_several_sessions_share_one_reader(reader: Reader, tmp_path: Path) -> None:
    counts: dict[int, int] = {}

    def session(number: int) -> None:
        path = tmp_path / str(number)
        path.write_bytes(geojson(number))
        for _ in range(3):
            frame = reader.read(path, f"{number}.geojson", Choice()).frame
            counts[number] = len(frame)

    threads = [threading.Thread(target=session, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == {number: number for number in range(1, 9)}


def test_a_file_that_is_gone_is_said(reader: Reader, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^点.csv: the file is not there any more; choose it"):
        reader.inspect(tmp_path / "none", "点.csv")


SCRIPT = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from layers.reader import Reader
reader = Reader()
reader.inspect(Path({path!r}), "a.geojson")
print(reader.process_id, reader._folder)
"""


def test_it_works_from_any_folder_and_leaves_nothing_behind(tmp_path: Path, stops: Path) -> None:
    script = SCRIPT.format(root=str(ROOT), path=str(stops))
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )
    number, folder = done.stdout.split()
    assert not Path(folder).exists()
    if sys.platform != "win32":
        with pytest.raises(ProcessLookupError):
            os.kill(int(number), 0)


def test_the_process_ends_when_nobody_asks_any_more(tmp_path: Path) -> None:
    done = subprocess.run(
        WORKER, input=b"", env=environment(tmp_path), capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0
    (line,) = done.stdout.splitlines()
    assert set(json.loads(line)) == {"drivers"}


def test_what_libraries_print_does_not_disturb_the_answers(tmp_path: Path) -> None:
    noisy = (
        "import os, sys, pyogrio\n"
        "from layers.formats import worker\n"
        "said = pyogrio.list_drivers\n"
        "pyogrio.list_drivers = lambda: (print('noise'), os.write(1, b'x'), said())[2]\n"
        "sys.argv = ['worker', '2000', '2000']\n"
        "worker.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", noisy],
        input=b"",
        env=environment(tmp_path),
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert [set(json.loads(line)) for line in done.stdout.splitlines()] == [{"drivers"}]


def test_no_driver_but_the_allowed_is_there_from_the_first_start(stops: Path) -> None:
    with Reader() as reader:
        reader.inspect(stops, "a.geojson")
        assert reader._more_drivers == ()


def test_a_driver_that_is_new_is_left_out_by_a_second_start(
    stops: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("layers.formats.sandbox._OTHERS_WITH_SPACES", ())
    with Reader() as reader:
        assert reader.inspect(stops, "a.geojson").parts[0].count == 1
        assert reader._more_drivers == ("MapInfo File",)


def test_passwords_and_proxies_stay_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANMAP_PG_BUREAU", "postgresql://user:secret@db/x")
    monkeypatch.setenv("PROJ_LIB", "/elsewhere")
    monkeypatch.setenv("GDAL_DATA", "/elsewhere")
    monkeypatch.setenv("https_proxy", "http://proxy.example.org")
    given_on = environment(tmp_path)
    assert not any("secret" in value or "elsewhere" in value for value in given_on.values())
    assert "example.org" not in given_on["https_proxy"]
    assert "PROJ_LIB" not in given_on


def test_dangerous_drivers_are_not_among_the_allowed() -> None:
    dangerous = {"OGR_VRT", "VRT", "WFS", "WMS", "HTTP", "OAPIF", "GDALG", "STACIT", "MBTiles"}
    assert not dangerous & ALLOWED_DRIVERS
    assert unwanted(dict.fromkeys(dangerous, "r")) == sorted(dangerous)


def test_rows_pass_unchanged_between_the_processes(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {
            "row": ["甲", None, "x"],
            "whole": np.array([1, 2, 3], dtype="int64"),
            "share": [0.1, np.nan, -1e300],
            "c0": pd.Series([None, None, None], dtype=object),
        },
        geometry=[Point(1, 2, 3), None, box(0, 0, 1, 1)],
        index=pd.Index([1, 5, 9], name="row"),
    )
    problems = (Problem("甲.zip", "5", "geometry", "no geometry", zh="没有图形"),)
    write_raw(Raw(frame, "EPSG:4548", problems), tmp_path / "x")
    back = read_raw(tmp_path / "x", "甲.zip")
    assert (back.crs, back.problems) == ("EPSG:4548", problems)
    assert back.frame.crs is None
    assert back.frame.index.tolist() == [1, 5, 9]
    assert back.frame.index.name == "row"
    assert list(back.frame.columns) == ["row", "whole", "share", "c0", "geometry"]
    assert back.frame["row"].tolist()[0] == "甲"
    assert back.frame["row"].isna().tolist() == [False, True, False]
    assert back.frame["whole"].dtype == "int64"
    assert back.frame["share"].tolist()[::2] == [0.1, -1e300]
    assert back.frame.geometry[1].equals_exact(Point(1, 2, 3))
    assert back.frame.geometry[1].z == 3
    assert back.frame.geometry[5] is None


values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()


@given(st.lists(values, max_size=6))
def test_any_values_pass_between_the_processes(
    tmp_path_factory: pytest.TempPathFactory, items: list[object]
) -> None:
    path = tmp_path_factory.mktemp("rows") / "x"
    column = pd.Series(items, dtype=object)
    frame = gpd.GeoDataFrame({"a": column}, geometry=[None] * len(items))
    write_raw(Raw(frame, ""), path)
    back = read_raw(path, "x").frame["a"]
    assert back.isna().tolist() == [item is None for item in items]


@pytest.mark.parametrize("content", [b"", b"ARROW1", b"not Arrow at all", bytes(100)])
def test_rows_that_were_lost_on_the_way_are_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(InputError, match="what was read of it was lost; try again"):
        read_raw(tmp_path / "x", "x")
