"""Kill -9 in the middle of saves: every save that was acknowledged is there afterwards.

A kill ends the process, not the machine: it proves that a save is all or nothing and that what
was acknowledged had been handed to the system. It cannot show a power failure, in which the disk
must keep what `synchronous = EXTRA` makes SQLite wait for.

Run as a program, this file is the process that saves: it imports everything once and forks a
child for each order on its standard input, which saves without end and says so after each save.
"""

import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from pydantic import JsonValue

from layers.catalogue import LayerSpec
from layers.workspace import (
    ConflictError,
    Original,
    StoredLayer,
    Workspace,
    create_workspace,
    open_workspace,
)

REPOSITORY = Path(__file__).resolve().parents[1]
ROUNDS = 200
ROUNDS_PER_FILE = 20
LONGEST_S = 0.04

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows knows neither fork nor SIGKILL")


def setting_of(seed: int) -> JsonValue:
    """The value that a save with this number has."""
    chance = random.Random(seed)  # noqa: S311  not a secret
    return {"seed": seed, "名称": "半径" * chance.randrange(400), "share": chance.random()}


def layer_of(layer_id: str, seed: int) -> tuple[StoredLayer, bytes]:
    """The layer and its original that a save with this number has."""
    chance = np.random.default_rng(seed)
    count = int(chance.integers(1, 400))
    content = chance.bytes(int(chance.integers(0, 300_000)))
    frame = gpd.GeoDataFrame(
        {"name": [f"点{i}" for i in range(count)], "x": chance.random(count)},
        geometry=shapely.points(chance.random((count, 2))),
        crs="EPSG:4548",
        index=pd.Index([f"P{i}" for i in range(count)], dtype=str, name="id"),
    )
    spec = LayerSpec.model_validate(
        {
            "id": layer_id,
            "title": {"zh": "点", "en": "Points"},
            "geometry": "point",
            "group": "own",
            "source": {"name": {"zh": "局", "en": "Bureau"}, "basis": "official"},
            "accuracy_m": 1,
        }
    )
    return StoredLayer(spec, frame, original=Original.of("点.zip", content)), content


def save_without_end(path: Path, writer: int, seed: int, *, with_layers: bool) -> None:
    """Save and acknowledge, until killed; one of the settings is shared by all writers."""
    workspace = open_workspace(path)
    chance = random.Random(seed)  # noqa: S311  not a secret
    while True:
        seed += 1
        if with_layers and chance.random() < 0.5:
            item = f"layer{writer}"
            kind = "layer"
            info = workspace.layers().get(item)
            stored, content = layer_of(item, seed)
            seen = None if info is None else info.version
            n = workspace.save_layer(stored, seen=seen, content=content)
        else:
            item = chance.choice(["shared", f"a{writer}", f"b{writer}"])
            kind = "setting"
            setting = workspace.settings().get(item)
            seen = None if setting is None else setting.version
            try:
                n = workspace.save_setting(item, setting_of(seed), seen=seen)
            except ConflictError:
                continue
        say({"n": n, "kind": kind, "item": item, "seed": seed})


def say(what: object) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


def main() -> None:
    """Fork the writers of each order, and say when they are dead."""
    for line in sys.stdin:
        order = json.loads(line)
        children = []
        for writer in range(order["writers"]):
            child = os.fork()
            if not child:
                save_without_end(
                    Path(order["path"]),
                    writer,
                    order["seed"] + 1_000_000 * writer,
                    with_layers=order["layers"],
                )
            children.append(child)
        say({"children": children})
        for child in children:
            os.waitpid(child, 0)
        say("dead")


@pytest.fixture
def saver() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OPENBLAS_NUM_THREADS": "1"},
    ) as process:
        yield process
        process.kill()


def killed_round(
    saver: subprocess.Popen[bytes], order: dict[str, Any], wait_s: float
) -> list[dict[str, Any]]:
    """Let children save for a while, kill them; what they acknowledged."""
    assert saver.stdin is not None
    assert saver.stdout is not None
    saver.stdin.write(json.dumps(order).encode() + b"\n")
    said: list[Any] = [json.loads(saver.stdout.readline())]
    while "children" not in said[-1]:
        said.append(json.loads(saver.stdout.readline()))
    children = said.pop()["children"]
    if not said:  # from the first acknowledged save on
        said.append(json.loads(saver.stdout.readline()))
    until = time.monotonic() + wait_s
    while (left_s := until - time.monotonic()) > 0:
        # The kill must not wait for an acknowledgement: it would never fall into a save.
        if select.select([saver.stdout], [], [], left_s)[0]:
            said.append(json.loads(saver.stdout.readline()))
    for child in children:
        os.kill(child, signal.SIGKILL)
    while said[-1] != "dead":
        said.append(json.loads(saver.stdout.readline()))
    return said[:-1]


def check(workspace: Workspace, acknowledged: list[dict[str, Any]]) -> None:
    for save in acknowledged:
        if save["kind"] == "setting":
            found = workspace.setting(save["item"], version=save["n"])
            assert found == setting_of(save["seed"]), save
            continue
        stored, content = layer_of(save["item"], save["seed"])
        kept = workspace.layer(save["item"], version=save["n"])
        assert_geodataframe_equal(kept.frame, stored.frame)
        assert kept.spec == stored.spec
        assert workspace.original(save["item"], version=save["n"]) == ("点.zip", content)


def halves(workspace: Workspace) -> int:
    """Number of stored parts that belong to no version: what half a save would leave."""
    with workspace.file.reading() as connection:
        (count,) = connection.execute(
            "SELECT (SELECT count(*) FROM collection WHERE sha256 NOT IN"
            " (SELECT collection FROM version WHERE collection IS NOT NULL))"
            " + (SELECT count(*) FROM content WHERE sha256 NOT IN"
            " (SELECT log FROM version WHERE log IS NOT NULL"
            " UNION SELECT original FROM version WHERE original IS NOT NULL))"
        ).fetchone()
    return int(count)


def test_no_acknowledged_save_is_lost_in_200_kills(
    saver: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    chance = random.Random(4)  # noqa: S311  not a secret
    interrupted = 0
    for start in range(0, ROUNDS, ROUNDS_PER_FILE):
        path = tmp_path / f"{start}.planmap"
        create_workspace(path, "方案")
        acknowledged: list[dict[str, Any]] = []
        kills = 0
        for number in range(start, start + ROUNDS_PER_FILE):
            order: dict[str, Any] = {
                "path": str(path),
                "seed": 1_000 * number,
                "writers": 1 + number % 2,
                "layers": number % 4 > 1,
            }
            found = killed_round(saver, order, chance.uniform(0, LONGEST_S))
            kills += order["writers"]
            interrupted += path.with_name(f"{path.name}-journal").exists()
            workspace = open_workspace(path)  # includes SQLite's integrity check
            # Opened once, it is one file again: whatever lies beside it is not needed.
            moved = open_workspace(Path(shutil.copy(path, tmp_path / "moved.planmap")))
            assert moved.revision == workspace.revision
            check(workspace, found[-3:])
            acknowledged += found
        check(workspace, acknowledged)
        assert halves(workspace) == 0
        numbers = [change.n for change in workspace.history()]
        assert numbers == list(range(1, len(numbers) + 1))
        # What is there without having been acknowledged is at most one save per kill.
        assert 0 <= len(numbers) - len(acknowledged) <= kills
    assert interrupted >= ROUNDS // 20, "the kills did not fall into saves"


if __name__ == "__main__":
    main()
