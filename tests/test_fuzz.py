"""Spoilt files of all formats: each is read or refused by one clear line, within bounds."""

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from layers.formats import Choice
from layers.limits import Limits
from layers.reader import Reader
from tests.mutated import bring_in, peak_mb, seeds, spoilt

COUNT, SEED = 200, 1
MOST_SECONDS = 10.0
MOST_MB = 2_000


@pytest.fixture(scope="module")
def whole() -> Mapping[str, bytes]:
    return seeds()


def test_the_seeds_themselves_are_read(whole: Mapping[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "upload"
    with Reader() as reader:
        for name, content in whole.items():
            path.write_bytes(content)
            assert bring_in(reader, path, name) == "read", name
            part = reader.inspect(path, name).parts[0]
            choice = Choice(part=part.name, x=part.x, y=part.y)
            assert len(reader.read(path, name, choice).frame) > 0


def test_equal_seeds_spoil_equally(whole: Mapping[str, bytes]) -> None:
    assert [*spoilt(whole, 30, seed=1)] == [*spoilt(whole, 30, seed=1)]
    assert [*spoilt(whole, 30, seed=1)] != [*spoilt(whole, 30, seed=2)]


def test_spoilt_files_are_read_or_refused_by_one_clear_line(
    whole: Mapping[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "upload"
    slow = []
    with Reader(Limits(seconds=8)) as reader:
        for number, file in enumerate(spoilt(whole, COUNT, SEED)):
            path.write_bytes(file.content)
            start = time.monotonic()
            bring_in(reader, path, f"{file.seed}.dat")
            spent = time.monotonic() - start
            if spent > MOST_SECONDS:
                slow.append((number, file.seed, file.change, spent))
    assert not slow
    assert peak_mb() < MOST_MB
