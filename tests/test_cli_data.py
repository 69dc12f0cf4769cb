"""The command line takes a planner's file in, as the page does: asked, tested, kept."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely.geometry.base import BaseGeometry
from typer.testing import CliRunner, Result

from layers.datum import wgs84_to_gcj02
from layers.workspace import open_workspace
from spatial.__main__ import app

GEODATA = Path(__file__).resolve().parent.parent / "geodata"
OFFICIAL = ("--basis", "official", "--accuracy", "5")


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def shifted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pack's streets on GCJ-02 in a zipped file of a bureau's kind, which does not say so."""

    def shift(shape: BaseGeometry) -> BaseGeometry:
        return shapely.transform(
            shape, lambda xy: np.column_stack(wgs84_to_gcj02(xy[:, 0], xy[:, 1]))
        )

    streets = gpd.read_file(GEODATA / "streets.geojson")
    frame = gpd.GeoDataFrame(
        {"JDMC": streets["name"]}, geometry=[shift(s) for s in streets.geometry], crs="EPSG:4490"
    )
    path = tmp_path_factory.mktemp("data") / "街道.geojson"
    frame.to_file(path, driver="GeoJSON")
    return path


def test_inspect_says_what_a_file_is(shifted: Path) -> None:
    result = run("layers", "inspect", shifted)
    assert result.exit_code == 0
    assert "geojson" in result.stdout
    assert "JDMC" in result.stdout
    assert " 11 " in result.stdout


def test_a_wrong_datum_is_refused_and_the_right_one_kept(shifted: Path, tmp_path: Path) -> None:
    kept = tmp_path / "我的.planmap"
    add = ("layers", "add", shifted, "--workspace", kept, "--as", "streets", *OFFICIAL)
    refused = run(*add, "--datum", "wgs84")
    assert refused.exit_code == 2
    assert "GCJ-02" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not kept.exists()  # nothing is kept of what is refused
    taken = run(*add, "--datum", "gcj02", "--log", tmp_path / "log.csv")
    assert taken.exit_code == 0, taken.stderr
    assert (tmp_path / "log.csv").is_file()
    assert open_workspace(kept).layers()["streets"].features == 11
    listed = run("layers", "list", "--workspace", kept)
    (row,) = [line for line in listed.stdout.splitlines() if line.strip().startswith("streets")]
    assert "官方" in row


def test_a_workspace_takes_part_in_checks_and_zones(shifted: Path, tmp_path: Path) -> None:
    kept = tmp_path / "w.planmap"
    said = ("--as", "streets", "--datum", "gcj02", *OFFICIAL)
    assert run("layers", "add", shifted, "--workspace", kept, *said).exit_code == 0
    words = ("check", "--only", "stops_500m", "--format", "json")
    own, packs = (
        json.loads(run(*words, *more).stdout)["results"][0] for more in ((), ("--workspace", kept))
    )
    # The same streets, moved away and back again: the same share.
    assert packs["value"] == pytest.approx(own["value"], rel=1e-6)
    assert run("zones", "--zones", "streets", "--workspace", kept).exit_code == 0


@pytest.mark.parametrize("given", ["mine.planmap", "rel/我 的.planmap", "../mine.planmap"])
def test_a_workspace_named_by_a_relative_path_lies_where_the_command_was_given(
    shifted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    here = tmp_path / "here"
    (here / "rel").mkdir(parents=True)
    monkeypatch.chdir(here)
    add = ("layers", "add", shifted, "--workspace", given, "--datum", "gcj02", *OFFICIAL)
    made = run(*add, "--as", "streets")  # makes the workspace
    assert made.exit_code == 0, made.stderr
    again = run(*add, "--as", "streets", "--accuracy", "6")  # opens it
    assert again.exit_code == 0, again.stderr
    assert open_workspace((here / given).resolve()).layers()["streets"].version == 2
    assert run("check", "--only", "stops_500m", "--workspace", given).exit_code == 0


@pytest.mark.parametrize(
    "option,value",
    [("--datum", "mars"), ("--basis", "sketch"), ("--handling", "pray"), ("--field", "name")],
)
def test_a_wrong_option_is_one_line_with_what_would_be_right(
    shifted: Path, tmp_path: Path, option: str, value: str
) -> None:
    said = {"--datum": "gcj02", "--basis": "official", "--accuracy": "5"} | {option: value}
    words = [word for pair in said.items() for word in pair]
    add = ("layers", "add", shifted, "--workspace", tmp_path / "w.planmap", "--as", "streets")
    result = run(*add, *words)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert value in result.stderr


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    result = run("layers", "inspect", tmp_path / "没有.zip", "--lang", "en")
    assert (result.exit_code, result.stderr.strip()) == (
        2,
        "没有.zip: no such file; give a path to one",
    )
