"""How long all checks of the embedded pack take: cold on the command line, and warm.

`python run.py bench checks`. Cold is a whole process, imports and reading of the pack included;
its peer is one that reads the same files and answers four of the targets the way of most
notebooks, without ranges, gaps by unit or definitions: buffer and dissolve, overlay, sum. Warm is
a rerun of the targets page as Streamlit does it, by its own test harness, without a browser.
"""

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 5
COLD_S, WARM_S = 6.0, 0.3
PEER = """
import geopandas as gpd
def read(name):
    return gpd.read_file(f"geodata/{name}.geojson").to_crs("EPSG:4548")
stops, built, streets = read("bus_stops"), read("built_up"), read("streets")
discs = gpd.GeoDataFrame(geometry=[stops.buffer(500, quad_segs=64).union_all()], crs=stops.crs)
area = gpd.overlay(streets, gpd.GeoDataFrame(geometry=[built.union_all()], crs=built.crs))
print(gpd.overlay(area, discs).area.sum() / area.area.sum())
land, tiers = read("land_cover"), read("barrier_tiers")
green = land[land.class_code.isin(["01", "02", "03", "04", "05", "14", "17"])]
for zone in (tiers[tiers.tier == "1"], tiers):
    print(gpd.overlay(green, zone).area.sum() / zone.area.sum())
road = gpd.overlay(read("tour_road"), tiers, keep_geom_type=True)
print(road.length.sum())
"""


def cold(arguments: Sequence[str]) -> tuple[float, float]:
    """Wall and CPU seconds of a process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(  # noqa: S603 - our own command
        [sys.executable, *arguments],
        cwd=ROOT,
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def page() -> None:
    """Show the targets page alone; the script stands by itself."""
    from views import checks  # noqa: PLC0415
    from views.session import current_pack  # noqa: PLC0415
    from views.text import Words  # noqa: PLC0415

    checks.show(current_pack(), Words("zh"))


def warm() -> list[float]:
    """Seconds of reruns of the targets page, the first (which measures all) left out."""
    app = AppTest.from_function(page, default_timeout=120).run()
    if app.exception:
        raise SystemExit(str(app.exception))
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        app.run()
        times.append(time.perf_counter() - start)
    return times


def said(name: str, bar: float, times: Sequence[float]) -> None:
    """Print the median and whether it keeps to its bar."""
    median = statistics.median(times)
    verdict = "met" if median <= bar else "MISSED"
    print(f"{name:44} {median:6.2f} s   bar {bar:g} s: {verdict}")


def main() -> None:
    """Time the checks, the peer and the page, one after the other."""
    ours, peer = [], []
    for _ in range(ROUNDS):
        ours.append(cold(["-m", "spatial", "check"]))
        peer.append(cold(["-c", PEER]))
    print(f"All checks of the embedded pack, medians of {ROUNDS}\n")
    said("cold command line, wall", COLD_S, [wall for wall, _ in ours])
    for name, runs in (("this project", ours), ("four targets with geopandas.overlay", peer)):
        cpu = statistics.median(cpu for _, cpu in runs)
        print(f"{name:44} {cpu:6.2f} s CPU")
    ratio = statistics.median(cpu for _, cpu in ours) / statistics.median(cpu for _, cpu in peer)
    print(f"{'ratio of CPU':44} {ratio:6.2f}")
    said("warm rerun of the targets page", WARM_S, warm())


if __name__ == "__main__":
    main()
