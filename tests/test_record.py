"""The record of a run: enough to do it again, on this machine or another, and to see what differs.

The tiny pack is run by the command line, its record spoilt or its files changed, and verified.
"""

import hashlib
import json
import math
import random
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import streamlit
from affine import Affine
from pyproj import Transformer
from shapely import Point
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner, Result

from layers import InputError, Language, Pack
from layers.catalogue import LayerSpec
from layers.program import code_sha256
from layers.workspace import Original, StoredLayer, Workspaces, create_workspace, open_workspace
from layers.workspace.location import FOLDER_VARIABLE
from spatial import Check, Plan, open_pack, run_check, run_checks
from spatial.__main__ import app
from spatial.record import Asked, parsed, path_from, run_record, versions, write_record
from spatial.replay import Replay, replay
from spatial.run import Comparison, definitions
from spatial.verdict import CheckResult
from tests.conftest import ORIGIN, REPOSITORY, SHELTERS, TO_DEGREES
from tests.geotiff import write
from views.session import PACK_VARIABLE

Edit = Callable[[str, str, str], None]
SAME = {
    "zh": "复现一致：3 项目标、{} 个数值逐位相同",
    "en": "Replayed the same: 3 checks, {} numbers equal to the last digit",
}
NO_STRAY_SIGNS = {chr(code) for code in [*range(32), *range(127, 160)]} - {"\n"}
SECOND = '\n[metro]\ntitle = { zh = "地铁站"'


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), (
        f"a traceback: {result.exception!r}"
    )
    assert "Traceback" not in result.output
    return result


def no_nan(constant: str) -> None:
    raise AssertionError(f"{constant} in JSON")


def recorded(out: Path) -> dict[str, Any]:
    text = (out / "run.json").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text, parse_constant=no_nan)
    return data


def rewrite(out: Path, data: object) -> None:
    (out / "run.json").write_text(json.dumps(data), encoding="utf-8")


def differences(out: Path, *arguments: object) -> list[str]:
    """Verify a record that is not replayed the same; the lines, without the last, which counts."""
    result = run("verify", out / "run.json", *arguments)
    assert result.exit_code == 1, result.output
    assert result.stderr == ""
    *lines, last = result.stdout.splitlines()
    assert last.startswith(("复现不一致：", "Replayed otherwise: "))
    return lines


def replayed_the_same(out: Path, *arguments: object) -> str:
    result = run("verify", out / "run.json", *arguments)
    assert result.exit_code == 0, result.output
    (line,) = result.stdout.splitlines()
    return line


def refused(out: Path, *arguments: object) -> str:
    result = run("verify", out / "run.json", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    return line


@pytest.fixture
def out(tiny_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the results of the tiny pack and their record, made from relative paths."""
    monkeypatch.chdir(tmp_path)
    assert run("check", "--pack", tiny_pack.name, "--out", "out").exit_code == 0
    return tmp_path / "out"


def numbers(data: object) -> Iterator[float]:
    """The numbers of a part of a record."""
    if isinstance(data, dict):
        for value in data.values():
            yield from numbers(value)
    elif isinstance(data, list):
        for value in data:
            yield from numbers(value)
    elif isinstance(data, int | float) and not isinstance(data, bool):
        yield data


def compared(result: dict[str, Any]) -> int:
    """How many numbers of a result there are to compare, counted in the JSON itself."""
    figures = ("value", "low", "high", "numerator", "denominator", "facts", "doubts", "evidence")
    return sum(1 for name in figures for _ in numbers(result[name])) + sum(
        1 for unit in result["units"] for _ in numbers(unit)
    )


def test_a_range_with_an_open_end_is_recorded_as_null_and_replays(
    tiny_pack: Path, edit: Edit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit("bus_stops.geojson", '"shelters": 2', '"shelters": null')
    plan = tiny_pack / "plan.toml"
    plan.write_text(plan.read_text(encoding="utf-8") + SHELTERS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert run("check", "--pack", "pack", "--only", "shelters", "--out", "out").exit_code == 0
    (result,) = recorded(tmp_path / "out")["results"]
    assert (result["value"], result["low"], result["high"]) == (1, 1, None)  # one, or more
    assert (result["verdict"], result["why"]) == ("undetermined", "range")
    (doubt,) = result["doubts"]
    assert (doubt["kind"], doubt["low"], doubt["high"]) == ("unnumbered", 1, None)
    replayed_the_same(tmp_path / "out")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_record_replays_to_the_last_digit(out: Path, lang: Language) -> None:
    count = sum(compared(result) for result in recorded(out)["results"])
    assert replayed_the_same(out, "--lang", lang) == SAME[lang].format(count)


def test_the_record_says_what_was_run_on_what_by_what(out: Path, tiny_pack: Path) -> None:
    data = recorded(out)
    assert data["format"] == "planmap-run"
    assert data["version"] == 1
    assert data["asked"] == {
        "pack": "../pack",
        "workspace": "",
        "checks": ["coverage", "green", "metro_coverage"],
        "lang": "zh",
    }
    pack, _ = open_pack(tiny_pack)
    assert {id_: layer["sha256"] for id_, layer in data["layers"].items()} == {
        **{id_: layer.sha256 for id_, layer in pack.layers.items()},
        "metro": "",
    }
    stops, metro = data["layers"]["bus_stops"], data["layers"]["metro"]
    assert (stops["title"], stops["file"], stops["features"]) == ("站点", "bus_stops.geojson", 2)
    assert (stops["basis"], stops["source"]["name"]) == ("official", "公交公司")
    assert (stops["there"], metro["there"], metro["features"]) == (True, False, 0)
    (step,) = stops["crs"]
    assert (step["from"], step["to"]) == ("OGC:CRS84", "EPSG:4548")
    assert step["accuracy_m"] == "unknown"  # WGS 84 is taken as CGCS2000
    assert "Gauss-Kruger" in step["operation"]
    assert {"python", "numpy", "shapely", "geos", "pyproj", "proj", "pyogrio", "gdal"} <= set(
        data["versions"]
    )
    coverage = data["results"][0]
    assert coverage["params"]["radius_m"] == 500.0
    assert coverage["overridden"] == {}
    assert (coverage["verdict"], coverage["why"]) == ("not_met", "compared")
    assert len(coverage["evidence"]["sha256"]) == 64


def test_the_record_names_no_folder_of_the_machine(
    out: Path, tiny_pack: Path, tmp_path: Path
) -> None:
    assert str(tmp_path) not in (out / "run.json").read_text(encoding="utf-8")
    assert tmp_path.parent.name not in (out / "run.json").read_text(encoding="utf-8")
    typed = tmp_path / "typed"
    assert run("check", "--pack", tiny_pack, "--out", typed).exit_code == 0
    assert recorded(typed)["asked"]["pack"] == tiny_pack.as_posix()
    assert replayed_the_same(typed)


def test_a_way_from_the_root_of_the_disk_is_not_written_down() -> None:
    elsewhere = Path(Path.cwd().anchor) / "no such folder of ours"
    assert path_from(elsewhere, Path("packs/a")) == "packs/a"


def test_a_record_and_its_pack_can_be_moved_together(out: Path, tmp_path: Path) -> None:
    new = tmp_path / "deep" / "er"
    new.mkdir(parents=True)
    shutil.move(tmp_path / "pack", new / "pack")
    shutil.move(out, new / "out")
    assert replayed_the_same(new / "out")


def test_a_pack_that_lies_elsewhere_is_asked_for(out: Path, tmp_path: Path) -> None:
    shutil.move(tmp_path / "pack", tmp_path / "other")
    assert refused(out) == "run.json：“../pack”里没有数据包；请用 --pack 给出它的文件夹"
    assert refused(out, "--lang", "en") == (
        "run.json: no pack in '../pack'; give its folder with --pack"
    )
    assert replayed_the_same(out, "--pack", tmp_path / "other")


def test_only_the_checks_of_the_run_are_run_again(tiny_pack: Path, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    assert run("check", "--pack", tiny_pack, "--only", "green", "--out", folder).exit_code == 0
    assert list(recorded(folder)["layers"]) == ["units", "land"]
    assert replayed_the_same(folder).startswith("复现一致：1 项目标、")


def moved(tiny_pack: Path) -> None:
    """Move the second stop 100 m to the east."""
    path = tiny_pack / "bus_stops.geojson"
    data = json.loads(path.read_text(encoding="utf-8"))
    lon, lat = TO_DEGREES.transform(ORIGIN[0] + 1600, ORIGIN[1] + 1000)
    data["features"][1]["geometry"]["coordinates"] = [lon, lat]
    path.write_text(json.dumps(data), encoding="utf-8")


def test_a_moved_stop_is_told_as_another_file_and_another_value(out: Path, tiny_pack: Path) -> None:
    before = recorded(out)
    moved(tiny_pack)
    lines = differences(out)
    old = before["layers"]["bus_stops"]["sha256"][:8]
    new = open_pack(tiny_pack)[0].layers["bus_stops"].sha256[:8]
    assert lines[0] == f"图层“站点”（bus_stops）的内容已改动：{old} → {new}"
    whole = next(line for line in lines if "合计" in line)
    value = before["results"][0]["value"]
    found = run_check(*_of(tiny_pack, "coverage")).measured
    assert found is not None
    assert found.whole.value is not None
    difference = f"{found.whole.value - value:+.6g}"
    assert whole == (
        f"目标“站点覆盖”（coverage），合计：指标值 {value!r} → {found.whole.value!r}"
        f"（相差 {difference}）"
    )
    assert any("东单元（U2）" in line for line in lines)
    assert not any("（green）" in line for line in lines)
    english = differences(out, "--lang", "en")
    assert english[0] == f"layer 'Stops' (bus_stops) has changed: {old} → {new}"
    assert len(english) == len(lines)


def _of(folder: Path, check_id: str) -> tuple[Pack, Any]:
    pack, plan = open_pack(folder)
    return pack, plan.checks[check_id]


def test_another_parameter_in_the_plan_is_told_and_the_recorded_one_is_run(
    out: Path, edit: Edit
) -> None:
    edit("plan.toml", "params = { radius_m = 500 }", "params = { radius_m = 600 }")
    file, asked = differences(out)
    assert file.startswith("plan.toml 已改动：")
    assert asked == "目标“站点覆盖”（coverage）的规划要求已改动：radius_m 500.0 → 600.0"


def test_another_target_is_told_with_the_verdict_that_it_changes(out: Path, edit: Edit) -> None:
    edit("plan.toml", "at_least = 0.7", "at_least = 0.8")
    _, asked, verdict = differences(out)
    assert asked == (
        '目标“蓝绿占比”（green）的规划要求已改动：target {"at_least": 0.7} → {"at_least": 0.8}'
    )
    assert verdict == (
        "目标“蓝绿占比”（green）的结论不同：达标（已与目标比较） → 不达标（已与目标比较）"
    )


def test_a_layer_that_is_missing_now_is_told(out: Path, edit: Edit) -> None:
    edit("layers.toml", 'file = "bus_stops.geojson"\n', "")
    lines = differences(out)
    assert "图层“站点”（bus_stops）现在缺失" in lines
    assert any(
        "（coverage）的结论不同：不达标（已与目标比较） → 无法判定（缺少数据）" in line
        for line in lines
    )
    assert any("合计：指标值 0.39" in line and "→ —" in line for line in lines)


def test_a_file_that_is_gone_makes_a_pack_that_cannot_be_opened(out: Path, tiny_pack: Path) -> None:
    (tiny_pack / "bus_stops.geojson").unlink()
    assert refused(out).startswith("bus_stops.geojson: cannot be read")


def test_a_layer_that_was_missing_and_is_there_is_told(
    out: Path, tiny_pack: Path, edit: Edit
) -> None:
    shutil.copy(tiny_pack / "bus_stops.geojson", tiny_pack / "metro.geojson")
    edit("layers.toml", SECOND, SECOND.replace("[metro]", '[metro]\nfile = "metro.geojson"'))
    assert "图层“地铁站”（metro）当时没有，现在有了" in differences(out)


RASTER = """
[canopy]
title = { zh = "树冠", en = "Canopy" }
file = "canopy.tif"
geometry = "raster"
group = "base"
source = "bureau"
accuracy_m = 0
"""
CANOPY_SHARE = """
[canopy_share]
title = { zh = "绿化覆盖率", en = "Green cover" }
cite = { chapter = 3 }
measure = "raster_share"
layers = { raster = "canopy", zones = "units" }
params = { classes = [1] }
target = { at_least = 0.43, unit = "share" }
sentence = { zh = "绿化覆盖率。", en = "Green cover." }
"""


def test_a_raster_is_recorded_with_its_cells(tiny_pack: Path) -> None:
    for file, more in (("layers.toml", RASTER), ("plan.toml", CANOPY_SHARE)):
        path = tiny_pack / file
        path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    cells = np.array([[1, 0], [1, 1]], dtype=np.uint8)
    place = Affine(1000, 0, ORIGIN[0], 0, -1000, ORIGIN[1] + 2000)
    tif = write(tiny_pack / "canopy.tif", cells, place, nodata=255)
    pack, plan = open_pack(tiny_pack)
    data, replayed = again(pack, plan, run_checks(pack, plan, only=["canopy_share"]))
    canopy = data["layers"]["canopy"]
    assert (canopy["there"], canopy["features"], canopy["crs"]) == (True, 4, [])
    assert canopy["sha256"] == hashlib.sha256(tif.read_bytes()).hexdigest()
    assert data["results"][0]["value"] == pytest.approx(0.75, abs=1e-6)
    assert replayed.findings == ()


def test_a_check_that_the_plan_has_no_longer_is_told(out: Path, edit: Edit) -> None:
    edit("plan.toml", "[green]", "[blue]")
    assert "规划里不再有目标 green" in differences(out)


def test_parameters_that_the_measure_refuses_are_told(out: Path) -> None:
    data = recorded(out)
    data["results"][0]["params"] = {"radius_m": -5, "colour": "\x1b[31mred"}
    rewrite(out, data)
    lines = differences(out)
    assert any("（coverage）无法按记录的参数重算：" in line for line in lines)


def test_another_basis_is_told(out: Path, edit: Edit) -> None:
    edit("layers.toml", 'basis = "official"\n[bus_stops.col', 'basis = "open"\n[bus_stops.col')
    lines = differences(out)
    assert "图层“站点”（bus_stops）的数据依据不同：官方 → 开放数据" in lines
    assert "目标“站点覆盖”（coverage）的数据依据不同：官方 → 开放数据" in lines


def test_more_differences_than_a_screen_holds_are_counted(out: Path) -> None:
    data = recorded(out)
    unit = data["results"][0]["units"][0]
    data["results"][0]["units"] = [{**unit, "id": f"X{n}"} for n in range(30)]
    rewrite(out, data)
    lines = differences(out)
    assert len(lines) == 21
    assert lines[-1] == "……另有 12 处不同"  # 30 units gone, 2 new


def test_other_versions_are_noted_and_let_the_last_digits_differ(out: Path) -> None:
    data = recorded(out)
    data["results"][1]["value"] *= 1 + 1e-12
    data["results"][1]["evidence"]["sha256"] = "0" * 64
    rewrite(out, data)
    (line,) = differences(out)  # the versions are the same: every digit counts
    assert "（green），合计：指标值" in line
    data["versions"]["geos"] = "1.0.0"
    rewrite(out, data)
    result = run("verify", out / "run.json", "--lang", "en")
    assert result.exit_code == 0, result.output
    programs, shapes, same = result.stdout.splitlines()
    assert programs.startswith("note: measured by another program: geos 1.0.0 → 3.")
    assert programs.endswith("; results are equal all the same but for last digits")
    assert shapes.startswith("note: check 'Blue-green share' (green): other shapes")
    assert "let 1 of them differ by at most 1e-9" in same
    data["results"][1]["value"] *= 1 + 1e-6
    rewrite(out, data)
    assert any("指标值" in line for line in differences(out))


def test_other_evidence_of_equal_size_is_told(out: Path) -> None:
    data = recorded(out)
    data["results"][0]["evidence"]["sha256"] = "0" * 64
    rewrite(out, data)
    assert differences(out) == ["目标“站点覆盖”（coverage）的证据图形有别，数目和面积相同"]


def test_when_the_record_was_made_is_not_compared(out: Path) -> None:
    data = recorded(out)
    assert data["made"].endswith("+00:00")
    rewrite(out, {**data, "made": "1999-01-01T00:00:00+00:00"})
    assert replayed_the_same(out)


def test_the_program_is_known_by_the_hash_of_its_code(out: Path) -> None:
    files = [
        path
        for folder in ("layers", "spatial")
        for suffix in ("py", "toml")
        for path in (REPOSITORY / folder).rglob(f"*.{suffix}")
    ]
    lines = {
        path.relative_to(REPOSITORY).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files  # git checks them out with the line ends of Linux
    }
    text = "".join(f"{lines[name]}  {name}\n" for name in sorted(lines))  # as sha256sum writes it
    found = code_sha256(REPOSITORY, ["layers", "spatial"])
    assert found == hashlib.sha256(text.encode()).hexdigest()
    assert recorded(out)["versions"]["program"] == versions()["program"]  # as it was loaded
    assert {"layers/text.toml", "spatial/measures/coverage.py"} <= set(lines)


def test_the_hash_of_the_code_is_that_of_any_checkout_and_of_no_other_code(tmp_path: Path) -> None:
    def of(files: dict[str, bytes]) -> str:
        root = tmp_path / str(len(list(tmp_path.iterdir())))
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        return code_sha256(root, ["a", "b"])

    code = {"a/one.py": b"x = 1\ny = 2\n", "b/c/two.toml": b"z = 3\n"}
    same = of(code)
    assert of({name: text.replace(b"\n", b"\r\n") for name, text in code.items()}) == same
    passed_over = {
        "a/one.md": b"x",
        "a/__pycache__/one.pyc": b"x",
        "a/.#one.py": b"x",
        "c/d.py": b"",
    }
    assert of({**code, **passed_over}) == same
    assert of({**code, "a/one.py": b"x = 1\ny = 3\n"}) != same
    assert of({**code, "a/three.py": b""}) != same
    assert of({"a/uno.py": code["a/one.py"], "b/c/two.toml": code["b/c/two.toml"]}) != same


@pytest.mark.parametrize(
    "lang,equal,nearly,unequal",
    [
        (
            "zh",
            "；结果仍全部相同",
            "；结果仍全部相同，只有末尾几位有别",
            "；结果有不同的目标：coverage、green",
        ),
        (
            "en",
            "; results are equal all the same",
            "; results are equal all the same but for last digits",
            "; results differ in coverage, green",
        ),
    ],
)
def test_another_program_is_told_and_counts_only_where_a_number_differs(
    out: Path, lang: Language, equal: str, nearly: str, unequal: str
) -> None:
    data = recorded(out)
    mine = data["versions"]["program"][:8]
    data["versions"]["program"] = "0" * 64
    rewrite(out, data)
    result = run("verify", out / "run.json", "--lang", lang)
    assert result.exit_code == 0, result.output
    told, _ = result.stdout.splitlines()
    assert f"00000000 → {mine}" in told
    assert told.endswith(equal)
    for number in (0, 1):
        data["results"][number]["value"] *= 1 + 1e-12  # as another order of adding up may make it
    rewrite(out, data)
    result = run("verify", out / "run.json", "--lang", lang)
    assert result.exit_code == 0, result.output
    told, same = result.stdout.splitlines()
    assert told.endswith(nearly)
    assert "1e-9" in same
    for number in (0, 1):
        data["results"][number]["value"] *= 1 + 1e-8
    rewrite(out, data)
    told, *others = differences(out, "--lang", lang)
    assert told.endswith(unequal)
    assert len(others) == 2


def test_a_record_that_does_not_name_its_program_replays_and_that_is_said(out: Path) -> None:
    data = recorded(out)
    del data["versions"]["program"]
    rewrite(out, data)
    result = run("verify", out / "run.json", "--lang", "en")
    assert result.exit_code == 0, result.output
    told, same = result.stdout.splitlines()
    assert told.startswith("note: which program measured is not recorded")
    assert told.endswith("results are equal all the same")
    assert same.startswith("Replayed the same: 3 checks")


STOPS_BY_DEFINITION = """[coverage.across]
radius_m = [300, 500]
[coverage.variants.whole]
title = { zh = "全部面积", en = "all of the area" }
of_plan = true
[coverage.variants.metro]
title = { zh = "地铁", en = "metro" }
layers = { stops = "metro" }
[coverage.variants.near]
title = { zh = "近处", en = "near" }
params = { radius_m = 100 }
across = {}

[green]"""


@pytest.fixture
def defined(tiny_pack: Path, edit: Edit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the results of the tiny pack by its definitions, too, and their record."""
    edit("plan.toml", "[green]", STOPS_BY_DEFINITION)
    monkeypatch.chdir(tmp_path)
    found = run("check", "--pack", tiny_pack.name, "--definitions", "--out", "out")
    assert found.exit_code == 0, found.output
    return tmp_path / "out"


def test_definitions_that_were_asked_for_are_recorded_and_replayed(defined: Path) -> None:
    coverage, green, _ = recorded(defined)["results"]
    rows = {(one["name"], one["across"]): one for one in coverage["definitions"]}
    assert list(rows) == [
        *((name, radius) for name in ("whole", "metro") for radius in (300, 500)),
        ("near", None),
    ]
    assert green["definitions"] == []
    whole = rows["whole", 500]
    for name in ("value", "low", "high", "verdict", "units", "basis"):
        assert whole[name] == coverage[name]  # the definition of the plan, at the plan's radius
    disc = math.pi * 100**2
    near = rows["near", None]
    assert near["value"] == pytest.approx(2 * disc / 2000**2, rel=1e-3)
    assert [unit["value"] for unit in near["units"]] == pytest.approx([disc / 2e6] * 2, rel=1e-3)
    lacking = rows["metro", 300]
    assert (lacking["verdict"], lacking["value"], lacking["missing"]) == (
        "undetermined",
        None,
        ["metro"],
    )
    told = replayed_the_same(defined, "--lang", "en")
    assert told.startswith("Replayed the same: 3 checks, 5 rows by definition, ")


def test_definitions_that_nobody_asked_for_are_not_in_the_record(out: Path) -> None:
    assert all("definitions" not in result for result in recorded(out)["results"])


def test_a_layer_of_a_definition_alone_is_in_the_record(
    tiny_pack: Path, edit: Edit, tmp_path: Path
) -> None:
    shutil.copy(tiny_pack / "bus_stops.geojson", tiny_pack / "metro.geojson")
    edit("layers.toml", SECOND, SECOND.replace("[metro]", '[metro]\nfile = "metro.geojson"'))
    edit("plan.toml", "[green]", STOPS_BY_DEFINITION)
    ask = ("check", "--pack", tiny_pack, "--only", "coverage", "--out")
    assert run(*ask, tmp_path / "bare").exit_code == 0
    assert "metro" not in recorded(tmp_path / "bare")["layers"]
    assert run(*ask, tmp_path / "all", "--definitions").exit_code == 0
    assert recorded(tmp_path / "all")["layers"]["metro"]["there"] is True
    moved_stop = tiny_pack / "metro.geojson"
    text = moved_stop.read_text(encoding="utf-8")
    moved_stop.write_text(text.replace('"id": "S1"', '"id": "S3"'), encoding="utf-8")
    assert replayed_the_same(tmp_path / "bare")
    (told,) = differences(tmp_path / "all", "--lang", "en")
    assert told.startswith("layer 'Metro stations' (metro) has changed")


def test_a_definition_that_the_plan_changed_dropped_or_added_is_told(
    defined: Path, edit: Edit
) -> None:
    edit("plan.toml", "params = { radius_m = 100 }", "params = { radius_m = 150 }")
    _, changed = differences(defined, "--lang", "en")  # the file, and what it asks otherwise
    assert changed == (
        "the plan asks otherwise in check 'Stop coverage' (coverage) by 'near':"
        " radius_m 100.0 → 150.0"
    )
    edit("plan.toml", "[coverage.variants.near]", "[coverage.variants.close]")
    lines = differences(defined, "--lang", "en")
    assert "the plan has no check 'Stop coverage' (coverage) by 'near' any more" in lines
    assert any("(coverage) by 'near' has no result in the record" in line for line in lines)


def test_definitions_by_parameters_of_the_planners_own_are_replayed(
    tiny_pack: Path, edit: Edit
) -> None:
    edit("plan.toml", "[green]", STOPS_BY_DEFINITION)
    pack, plan = open_pack(tiny_pack)
    check = plan.checks["coverage"].with_params({"radius_m": 400})
    rows = (*definitions(pack, check), *definitions(pack, one_value(check, 400)))
    data, replayed = again(pack, plan, (run_check(pack, check),), compared={"coverage": rows[:6]})
    assert [one["across"] for one in data["results"][0]["definitions"]] == [
        300, 500, 300, 500, None, 400,
    ]  # fmt: skip
    assert replayed.findings == ()


def one_value(check: Check, value: float) -> Check:
    """The check compared at one value more, as the page does with that in force."""
    return check.model_copy(update={"across": {"radius_m": (value,)}})


def again(
    pack: Pack,
    plan: Plan,
    results: tuple[CheckResult, ...],
    asked: Asked | None = None,
    compared: Mapping[str, Sequence[Comparison]] | None = None,
) -> tuple[dict[str, Any], Replay]:
    """Record results and replay them, through JSON."""
    made = "2025-01-01T00:00:00+00:00"
    data = run_record(pack, plan, results, asked=asked or Asked(), made=made, compared=compared)
    text = json.dumps(data, allow_nan=False)
    return data, replay(pack, plan, parsed(json.loads(text), "run.json"))


def test_a_parameter_of_the_planners_own_is_replayed_and_no_change_of_the_plan(
    tiny_pack: Path,
) -> None:
    pack, plan = open_pack(tiny_pack)
    result = run_check(pack, plan.checks["coverage"].with_params({"radius_m": 300}))
    data, replayed = again(pack, plan, (result,))
    assert data["results"][0]["params"]["radius_m"] == 300.0
    assert data["results"][0]["overridden"] == {"radius_m": 500.0}
    assert replayed.findings == ()
    assert replayed.checks == 1


STAND_IN = """
stand_in = "bus"
proxy = { zh = "只有公交。", en = "Buses only." }
[metro_coverage.variants.bus]
title = { zh = "公交", en = "Bus" }
layers = { stops = "bus_stops" }
params = { radius_m = 400 }
"""


def test_a_value_that_stands_in_is_replayed_by_its_own_definition(
    tiny_pack: Path, edit: Edit
) -> None:
    path = tiny_pack / "plan.toml"
    path.write_text(path.read_text(encoding="utf-8") + STAND_IN, encoding="utf-8")
    pack, plan = open_pack(tiny_pack)
    data, replayed = again(pack, plan, (run_check(pack, plan.checks["metro_coverage"]),))
    assert data["results"][0]["stand_in"] is True
    assert data["results"][0]["params"]["radius_m"] == 400.0
    assert list(data["layers"]) == ["area", "bus_stops", "metro"]
    assert replayed.same
    assert replayed.numbers > 0
    edit("plan.toml", "radius_m = 400", "radius_m = 450")
    changed = replay(*open_pack(tiny_pack), parsed(json.loads(json.dumps(data)), "run.json"))
    assert [finding.text.en.split(": ", 1)[1] for finding in changed.findings][1:] == [
        "radius_m 400.0 → 450.0"
    ]


def test_the_record_of_the_embedded_pack_replays(embedded: tuple[Pack, Plan]) -> None:
    pack, plan = embedded
    data, replayed = again(pack, plan, run_checks(pack, plan))
    assert replayed.findings == ()
    assert replayed.checks == len(plan.checks)
    assert all(math.isfinite(number) for number in numbers(data))
    assert str(pack.folder) not in json.dumps(data)


def test_classes_of_a_stand_in_that_are_no_classes_are_told(tiny_pack: Path, edit: Edit) -> None:
    for file, more in (("layers.toml", RASTER), ("plan.toml", CANOPY_SHARE + LAND_STANDS_IN)):
        path = tiny_pack / file
        path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    edit("layers.toml", 'file = "canopy.tif"\n', "")
    pack, plan = open_pack(tiny_pack)
    data, replayed = again(pack, plan, (run_check(pack, plan.checks["canopy_share"]),))
    assert (data["results"][0]["stand_in"], replayed.findings) == (True, ())
    for wrong in (-1, 10**400, None, {"a": 1}):
        data["results"][0]["params"]["classes"] = ["03", wrong]
        (told, *_) = replay(pack, plan, parsed(data, "run.json")).findings
        assert "cannot be run with the recorded parameters: params.classes[1]: " in told.text.en


LAND_STANDS_IN = """
stand_in = "land"
proxy = { zh = "以用地代替。", en = "Land use in its place." }
[canopy_share.variants.land]
title = { zh = "用地", en = "land use" }
measure = "land_share"
layers = { land = "land" }
params = { classes = ["03"] }
"""


def own_stops(*places: tuple[float, float]) -> StoredLayer:
    """Stops of a planner's own, in metres from the corner of the tiny pack."""
    ids = pd.Index([f"P{n}" for n in range(len(places))], dtype=str, name="id")
    points = [Point(ORIGIN[0] + x, ORIGIN[1] + y) for x, y in places]
    spec = LayerSpec.model_validate(
        {
            "id": "bus_stops",
            "title": {"zh": "站点", "en": "Stops"},
            "geometry": "point",
            "group": "base",
            "file": "stops.csv",
            "source": {"name": {"zh": "局", "en": "Bureau"}, "basis": "open"},
            "accuracy_m": 1,
        }
    )
    frame = gpd.GeoDataFrame({"name": ["站"] * len(places)}, geometry=points, index=ids).set_crs(
        "EPSG:4548"
    )
    intake: dict[str, Any] = {"declared": {"crs": "EPSG:4326", "datum": "gcj02", "swapped": False}}
    original = Original.of("stops.csv", b"x,y\n")
    return StoredLayer(spec=spec, frame=frame, intake=intake, original=original)


def test_a_record_of_a_workspace_replays_and_notices_a_newer_version(
    tiny_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    kept = create_workspace(tmp_path / "mine.planmap", "mine")
    first = kept.save_layer(own_stops((500, 500)), seen=None, content=b"x,y\n")
    arguments = ("--pack", tiny_pack.name, "--workspace", "mine.planmap", "--out", "out")
    found = run("check", *arguments)
    assert found.exit_code == 0, found.output
    out = tmp_path / "out"
    data = recorded(out)
    assert data["asked"]["workspace"] == "../mine.planmap"
    stops = data["layers"]["bus_stops"]
    assert stops["workspace"]["version"] == first
    assert stops["workspace"]["original_sha256"] == Original.of("", b"x,y\n").sha256
    back, metric = stops["crs"]
    assert (back["from"], back["to"]) == ("EPSG:4326", "OGC:CRS84")
    assert back["operation"].endswith("GCJ-02 moved back to WGS 84")
    assert (metric["from"], metric["to"]) == ("OGC:CRS84", "EPSG:4548")
    assert data["layers"]["area"]["workspace"] is None
    assert replayed_the_same(out)
    open_workspace(tmp_path / "mine.planmap").save_layer(own_stops((500, 600)), seen=first)
    lines = differences(out)
    assert lines[0] == f"工作区图层“站点”（bus_stops）的版本不同：第 {first} 版 → 第 2 版"
    assert lines[1].startswith("图层“站点”（bus_stops）的内容已改动：")
    assert any("（coverage），合计：" in line for line in lines)
    (tmp_path / "mine.planmap").unlink()
    assert refused(out, "--lang", "en") == (
        "run.json: no workspace file '../mine.planmap'; give it with --workspace"
    )


PAGE = """
import streamlit as st
from views import checks
from views.session import current_pack
from views.text import Words
from views.workspace import with_own_layers

st.session_state.setdefault("pages", {})
checks.show(with_own_layers(current_pack()), Words("zh"))
"""


@pytest.fixture
def page(
    tiny_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[AppTest, Callable[[], dict[str, Any]]]:
    """The page of targets, and its record as the button's click makes it, outside the session."""
    monkeypatch.setenv(PACK_VARIABLE, str(tiny_pack))
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "workspaces"))
    made: dict[str, Callable[[], str]] = {}
    button = streamlit.download_button

    def noted(label: str, data: Any, **about: Any) -> bool:  # noqa: ANN401 - as Streamlit has it
        made[str(about.get("key"))] = data
        return button(label, data, **about)

    monkeypatch.setattr(streamlit, "download_button", noted)
    return (
        AppTest.from_string(PAGE, default_timeout=60),
        lambda: json.loads(made["checks.record"]()),
    )


def test_the_pages_record_holds_the_definitions_that_were_looked_at_and_measures_none(
    page: tuple[AppTest, Callable[[], dict[str, Any]]],
    tiny_pack: Path,
    edit: Edit,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    edit("plan.toml", "[green]", STOPS_BY_DEFINITION)
    app, record = page
    app.run()
    assert all("definitions" not in result for result in record()["results"])
    app.button(key="open.coverage").click().run()
    assert not app.exception
    monkeypatch.setattr("spatial.run.run_check", lambda *_, **__: pytest.fail("measured"))
    data = record()
    (coverage,) = (result for result in data["results"] if "definitions" in result)
    assert coverage["id"] == "coverage"
    assert len(coverage["definitions"]) == 5
    monkeypatch.undo()
    assert replay(*open_pack(tiny_pack), parsed(data, "run.json")).findings == ()


def test_definitions_of_other_parameters_are_not_in_the_pages_record(
    page: tuple[AppTest, Callable[[], dict[str, Any]]], tiny_pack: Path, edit: Edit
) -> None:
    edit("plan.toml", "[green]", STOPS_BY_DEFINITION)
    app, record = page
    app.run().button(key="open.coverage").click().run()
    app.session_state["param.coverage.radius_m"] = 400.0
    app.button(key="open.coverage").click().run()  # closed: nothing compares at 400 m
    data = record()
    assert data["results"][0]["params"]["radius_m"] == 400.0
    assert all("definitions" not in result for result in data["results"])
    app.button(key="open.coverage").click().run()
    data = record()
    radii = [row["across"] for row in data["results"][0]["definitions"] if row["name"] == "whole"]
    assert radii == [300, 400, 500]
    assert replay(*open_pack(tiny_pack), parsed(data, "run.json")).findings == ()


def test_the_pages_record_names_the_versions_of_the_planners_own_layers(
    page: tuple[AppTest, Callable[[], dict[str, Any]]], tmp_path: Path
) -> None:
    kept = Workspaces(tmp_path / "workspaces").create("方案")
    version = kept.save_layer(own_stops((500, 500)), seen=None, content=b"x,y\n")
    app, record = page
    app.session_state["visitor.shared"] = json.dumps({"name": "方案", "author": ""})
    app.run()
    assert not app.exception
    data = record()
    assert data["asked"]["workspace"] == kept.path.name
    assert data["layers"]["bus_stops"]["workspace"]["version"] == version
    (kept.path.parent / "run.json").write_text(json.dumps(data), encoding="utf-8")
    assert replayed_the_same(kept.path.parent, "--pack", tmp_path / "pack")


@pytest.mark.parametrize(
    "content,said",
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"format": NaN}', "NaN is no number of JSON"),
        (b"9" * 5000, "not valid JSON"),
        (b"\xff\xfe{\x00}\x00", "not text in UTF-8"),
        (rb'{"format": "\ud800"}', "not text in UTF-8"),
        (b"[]", "not the record of a run"),
        (b'{"type": "FeatureCollection", "features": []}', "not the record of a run"),
        (b'{"format": "planmap-run", "version": 2}', "format 2 of a newer version"),
    ],
)
def test_a_file_that_is_no_record_is_refused_with_one_line(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "run.json").write_bytes(content)
    line = refused(tmp_path, "--lang", "en")
    assert line.startswith("run.json: ")
    assert said in line
    assert refused(tmp_path).startswith("run.json：")


def test_a_record_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, "--lang", "en").startswith("run.json: cannot be read: ")
    (tmp_path / "run.json").mkdir()
    assert refused(tmp_path, "--lang", "en").startswith("run.json: cannot be read: ")


def test_a_record_that_lacks_keys_is_refused_with_a_line_for_each(out: Path) -> None:
    data = recorded(out)
    del data["layers"]
    del data["results"][0]["verdict"]
    data["results"][1]["value"] = "much"
    rewrite(out, data)
    result = run("verify", out / "run.json")
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("run.json: missing key 'layers'")
    assert lines[1].startswith("run.json.results[0]: missing key 'verdict'")
    assert lines[2].startswith("run.json.results[1].value: 'much' is not right")


SPOILT: tuple[Any, ...] = (
    None,
    True,
    -1,
    0.5,
    1e308,
    10**400,
    "",
    "x\x1b[2J\n",
    [],
    {},
    [1],
    {"a\x07": None},
)


def spoil(data: Any, chance: random.Random) -> None:  # noqa: ANN401 - JSON
    """Take one value of a record out, or put another in its place."""
    holder: Any = data
    while True:
        key = chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        if not (isinstance(holder[key], dict | list) and holder[key]) or chance.random() < 0.15:
            break
        holder = holder[key]
    if chance.random() < 0.3:
        del holder[key]
    else:
        holder[key] = chance.choice(SPOILT)


def test_a_spoilt_record_is_refused_or_differs_but_never_ends_in_a_traceback(
    tiny_pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Transformer.from_crs("OGC:CRS84", "EPSG:4548", always_xy=True)
    # PROJ searches long, and finds the same each time.
    monkeypatch.setattr("spatial.record._transformer", lambda *_: found)
    pack, plan = open_pack(tiny_pack)
    data, _ = again(pack, plan, run_checks(pack, plan, only=["green", "metro_coverage"]))
    outcomes: set[bool | str] = set()
    for seed in range(120):
        chance = random.Random(seed)  # noqa: S311 - to spoil, not to hide
        spoilt = json.loads(json.dumps(data))
        for _ in range(chance.choice([1, 1, 3])):
            spoil(spoilt, chance)
        try:
            replayed = replay(pack, plan, parsed(spoilt, "run.json"))
        except InputError as error:
            lines = [problem.in_(lang) for problem in error.problems for lang in ("zh", "en")]
            outcomes.add("refused")
        else:
            texts = [*(finding.text for finding in replayed.findings), replayed.summary]
            lines = [text.in_(lang) for text in texts for lang in ("zh", "en")]
            outcomes.add(replayed.same)
        assert lines
        assert not NO_STRAY_SIGNS & set("".join(lines)), (seed, lines)
        assert not any("\n" in line for line in lines)
    assert outcomes == {"refused", True, False}


@pytest.mark.parametrize("seed", range(6))
def test_a_spoilt_record_never_ends_the_command_in_a_traceback(out: Path, seed: int) -> None:
    data = recorded(out)
    chance = random.Random(seed)  # noqa: S311 - to spoil, not to hide
    place = chance.choice([data, data["asked"]])
    place[chance.choice(list(place))] = chance.choice(SPOILT)
    rewrite(out, data)
    assert run("verify", out / "run.json").exit_code in {0, 1, 2}


def test_a_run_with_a_target_of_ones_own_replays(tiny_pack: Path, tmp_path: Path) -> None:
    plan_file = tiny_pack / "plan.toml"
    text = plan_file.read_text(encoding="utf-8")
    plan_file.write_text(text.replace("at_least = 0.7, unit", "no_number = true, unit"), "utf-8")
    pack, plan = open_pack(tiny_pack)
    own = run_check(pack, plan.checks["green"].with_limit(0.7))
    assert own.verdict == "met"
    asked = Asked(pack="pack", workspace="", lang="en")
    data = run_record(pack, plan, [own], asked=asked, made="2026-01-01T00:00:00+00:00")
    record = tmp_path / "run.json"
    write_record(record, data)
    found = run("verify", record)
    assert found.exit_code == 0, found.output
