"""Spoilt files of all formats through the process that opens files.

`python run.py bench fuzz`. Whole files of every format are changed (bytes flipped, cut out, spliced
in, lengths set to extremes, in archives and outside) and brought in as a planner would: none may
bring the app down, take over 10 s, use 2 GB, or answer with anything but one clear line in both
languages. All input is invented, from fixed seeds. `python -m bench.fuzz 300` takes 300 files.
"""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from layers.limits import Limits
from layers.reader import Reader
from tests.mutated import bring_in, peak_mb, seeds, spoilt

COUNT = 5_000
SEED = 2
MOST_SECONDS = 10.0
MOST_MB = 2_000


def main() -> None:
    """Print what became of the files of each format, and the worst time and memory."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    whole = seeds()
    fates: dict[str, Counter[str]] = {name: Counter() for name in sorted(whole)}
    worst = (0.0, 0, "", "")
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, Reader(Limits(seconds=8)) as reader:
        path = Path(folder) / "upload"
        for number, file in enumerate(spoilt(whole, count, SEED)):
            path.write_bytes(file.content)
            start = time.monotonic()
            fates[file.seed][bring_in(reader, path, f"{file.seed}.dat")] += 1
            worst = max(worst, (time.monotonic() - start, number, file.seed, file.change))
    spent = time.monotonic() - begin
    memory_mb = peak_mb()
    report(fates)
    print(f"\n{count:,} files in {spent:,.0f} s; slowest {worst[0]:.2f} s ({worst[2]}, {worst[3]})")
    print(f"peak memory of the process that opens files: {memory_mb:,.0f} MB")
    if worst[0] > MOST_SECONDS or memory_mb > MOST_MB:
        raise SystemExit(f"above {MOST_SECONDS:g} s or {MOST_MB:,} MB")


def report(fates: dict[str, Counter[str]]) -> None:
    """Print a row for each format: read, refused, given up for time or memory, process died."""
    print(f"{'format':<12} {'read':>6} {'refused':>8} {'too slow':>9} {'memory':>7} {'died':>6}")
    for name, fate in {**fates, "all": sum(fates.values(), Counter())}.items():
        given_up = [fate[rule] for rule in ("seconds", "memory_mb", "unreadable")]
        refused = fate.total() - fate["read"] - sum(given_up)
        slow, memory, died = given_up
        print(f"{name:<12} {fate['read']:>6} {refused:>8} {slow:>9} {memory:>7} {died:>6}")


if __name__ == "__main__":
    main()
