"""The command line, as a planner or a script meets it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from layers import LANGUAGES
from spatial.__main__ import app

Edit = Callable[[str, str, str], None]
Lines = Callable[[], list[str]]

REPOSITORY = Path(__file__).resolve().parents[1]
CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
RESULT_KEYS = {"id", "title", "measure", "verdict", "conclusive", "basis", "value", "low", "high"}
RESULT_KEYS |= {"unit", "target", "judge", "numerator", "denominator", "params", "cite", "reason"}
RESULT_KEYS |= {"units", "evidence", "group", "why", "beside", "missing", "stand_in"}
RESULT_KEYS |= {"doubts", "facts"}
UNIT_KEYS = {"id", "name", "value", "low", "high", "numerator", "denominator", "met"}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def ran(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output + repr(result.exception)
    assert result.stderr == ""
    return result.stdout


def refused(*arguments: object) -> list[str]:
    result = run(*arguments)
    assert isinstance(result.exception, SystemExit), f"a traceback: {result.exception!r}"
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    return result.stderr.splitlines()


def no_nan(constant: str) -> None:
    raise AssertionError(f"{constant} in JSON")


def checked(*arguments: object) -> dict[str, Any]:
    text = ran("check", "--format", "json", *arguments)
    data: dict[str, Any] = json.loads(text, parse_constant=no_nan)
    return data


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("where", ["embedded", "tiny"])
def test_the_json_has_the_keys_that_were_agreed(tiny_pack: Path, where: str, lang: str) -> None:
    data = checked("--lang", lang, *(["--pack", tiny_pack] if where == "tiny" else []))
    assert set(data) == {"pack", "metric_crs", "results"}
    assert data["metric_crs"] == "EPSG:4548"
    assert data["results"]
    for result in data["results"]:
        assert set(result) == RESULT_KEYS
        assert result["verdict"] in {"met", "not_met", "undetermined"}
        assert isinstance(result["conclusive"], bool)
        assert len(result["target"]) == 1
        assert set(result["evidence"]) == {"count", "area_m2"}
        for unit in result["units"]:
            assert set(unit) == UNIT_KEYS
            assert unit["met"] in {True, False, None}


def test_the_json_has_the_figures_at_full_precision(tiny_pack: Path) -> None:
    coverage, green, metro = checked("--pack", tiny_pack)["results"]
    assert coverage["numerator"] / coverage["denominator"] == coverage["value"]
    assert coverage["params"]["radius_m"] == 500.0
    assert coverage["target"] == {"at_least": 0.5}
    assert coverage["cite"] == "第七章一"
    assert [unit["met"] for unit in coverage["units"]] == [False, False]
    assert green["value"] == pytest.approx(0.75)
    assert green["params"]["classes"] == ["03", "17"]
    assert green["params"]["class_column"] == "class_code"
    assert (green["verdict"], green["conclusive"], green["basis"]) == ("met", True, "official")
    assert (metro["verdict"], metro["value"], metro["units"]) == ("undetermined", None, [])


def test_sketches_are_not_conclusive_in_the_json(tiny_pack: Path, edit: Edit) -> None:
    edit("layers.toml", 'basis = "official"', 'basis = "sketch"')
    assert not any(result["conclusive"] for result in checked("--pack", tiny_pack)["results"])


def test_the_table_tells_verdicts_and_reasons(tiny_pack: Path) -> None:
    text = ran("check", "--pack", tiny_pack)
    assert re.search(r"不达标 +站点覆盖 +39\.3%\S* +不低于 50% +官方 +第七章一", text), text
    assert re.search(r"达标 +蓝绿占比 +75(\.0)?%\S* +不低于 70% +官方 +专栏12", text), text
    assert re.search(r"无法判定 +地铁覆盖 +— ", text), text
    assert "地铁覆盖: 缺少数据：地铁站。补充后才能判定。" in text


def test_the_table_calls_a_result_on_a_sketch_indicative(tiny_pack: Path, edit: Edit) -> None:
    edit("layers.toml", 'basis = "official"', 'basis = "sketch"')
    text = ran("check", "--pack", tiny_pack)
    assert text.count("仅示意") == 2
    assert "达标 " not in text.split("站点覆盖:")[0]


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("check", "--format", "json"),
        ("zones", "--zones", "units"),
        ("layers", "list"),
    ],
)
def test_in_english_nothing_is_chinese(tiny_pack: Path, arguments: tuple[str, ...]) -> None:
    text = ran(*arguments, "--pack", tiny_pack, "--lang", "en")
    assert not CHINESE.search(text), text


def test_a_range_in_english_is_not_in_chinese_brackets(tiny_pack: Path, edit: Edit) -> None:
    edit("land.geojson", '"1701"', "null")
    text = ran("check", "--pack", tiny_pack, "--lang", "en")
    assert not CHINESE.search(text), text


def test_brackets_in_a_place_of_the_plan_are_printed_not_obeyed(
    tiny_pack: Path, edit: Edit
) -> None:
    edit(
        "plan.toml", "cite = { box = 12 }", 'cite = { clause = { zh = "[/b]甲[乙]", en = "[/b]" } }'
    )
    assert "[/b]甲[乙]" in ran("check", "--pack", tiny_pack)


def test_only_the_checks_named_are_run(tiny_pack: Path) -> None:
    data = checked("--pack", tiny_pack, "--only", "green", "--only", "metro_coverage")
    assert [result["id"] for result in data["results"]] == ["green", "metro_coverage"]


@pytest.mark.parametrize(
    "only,code", [("coverage", 1), ("green", 0), ("metro_coverage", 0), (None, 1)]
)
def test_strict_exits_with_1_where_a_target_is_missed(
    tiny_pack: Path, only: str | None, code: int
) -> None:
    chosen = [] if only is None else ["--only", only]
    assert run("check", "--pack", tiny_pack, "--strict", *chosen).exit_code == code
    assert run("check", "--pack", tiny_pack, *chosen).exit_code == 0


def test_out_writes_evidence_and_units_beside_the_json(tiny_pack: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    data = checked("--pack", tiny_pack, "--out", out)
    assert sorted(path.name for path in out.iterdir()) == [
        "coverage.csv",
        "coverage.geojson",
        "green.csv",
        "green.geojson",
        "run.json",
    ]
    for result in data["results"][:2]:
        evidence = gpd.read_file(out / f"{result['id']}.geojson")
        assert len(evidence) == result["evidence"]["count"]
        assert evidence["area_m2"].sum() == pytest.approx(result["evidence"]["area_m2"])
        units = pd.read_csv(out / f"{result['id']}.csv", encoding="utf-8-sig")
        assert units["编号"].tolist() == [unit["id"] for unit in result["units"]]
        assert units["指标值 (0–1)"].tolist() == [unit["value"] for unit in result["units"]]
        assert (out / f"{result['id']}.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_zones_are_printed_with_a_total(tiny_pack: Path) -> None:
    text = ran("zones", "--zones", "units", "--pack", tiny_pack)
    assert re.search(r"西单元 +200 公顷", text), text
    assert re.search(r"合计 +400 公顷", text), text


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".geojson", ".gpkg", ".CSV"])
def test_zones_are_written_in_four_formats_without_a_total(
    tiny_pack: Path, tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / "deep" / f"zones{suffix}"
    arguments = ("zones", "--zones", "units", "--pack", tiny_pack, "--lang", "en", "--out", out)
    assert ran(*arguments).strip() == str(out)
    if suffix.lower() == ".csv":
        areas = pd.read_csv(out, encoding="utf-8-sig")["Area (m²)"].tolist()
    elif suffix == ".xlsx":
        sheet = openpyxl.load_workbook(out).active
        assert sheet is not None
        heading, *rows = sheet.iter_rows(values_only=True)
        areas = [row[heading.index("Area (m²)")] for row in rows]
    else:
        areas = gpd.read_file(out)["area_m2"].tolist()
    assert areas == pytest.approx([2e6, 2e6])


def test_zones_take_another_radius(tiny_pack: Path, tmp_path: Path) -> None:
    out = tmp_path / "zones.csv"
    ran("zones", "--zones", "units", "--pack", tiny_pack, "--radius", "250", "--out", out)
    table = pd.read_csv(out, encoding="utf-8-sig")
    assert table["站点 250 米覆盖面积（m²）"].tolist() == pytest.approx(
        [196_350, 196_350], rel=2e-4
    )


def test_layers_are_listed_with_basis_and_number(tiny_pack: Path) -> None:
    text = ran("layers", "list", "--pack", tiny_pack)
    assert re.search(r"bus_stops +站点 +point +2 +官方 +5 +公交公司", text), text
    assert re.search(r"metro +地铁站 +point +— +官方", text), text


def test_a_good_pack_is_said_to_be_good(tiny_pack: Path) -> None:
    text = ran("layers", "validate", "--pack", tiny_pack)
    assert text == "ok: 4 layers, 8 features, 3 checks\n"


def test_the_embedded_pack_is_good() -> None:
    assert ran("layers", "validate").startswith("ok: ")


@pytest.mark.parametrize(
    "command",
    [("check",), ("zones", "--zones", "units"), ("layers", "list"), ("layers", "validate")],
)
def test_every_command_refuses_a_pack_that_is_not_there(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    lines = refused(*command, "--pack", tmp_path / "nowhere")
    assert sorted(line.split(":")[0] for line in lines) == ["layers.toml", "plan.toml"]
    assert all("no such file in" in line and "nowhere" in line for line in lines)


def test_a_file_in_place_of_a_pack_is_refused(tiny_pack: Path) -> None:
    lines = refused("check", "--pack", tiny_pack / "plan.toml")
    assert sorted(line.split(":")[0] for line in lines) == ["layers.toml", "plan.toml"]


def test_every_command_validates_the_whole_pack_before_it_measures(
    tiny_pack: Path, tmp_path: Path, edit: Edit
) -> None:
    edit("land.geojson", '"id": "L3"', '"id": "L2"')
    out = tmp_path / "out"
    for command in (("check", "--only", "coverage"), ("zones", "--zones", "units")):
        lines = refused(*command, "--pack", tiny_pack, "--out", out / "x.csv")
        assert lines == ["land.geojson feature L2: the id stands 2 times; ids must be unique"]
    assert not out.exists()


def test_an_unknown_check_is_named_with_the_known_ones(tiny_pack: Path) -> None:
    known = "known checks are 'coverage', 'green', 'metro_coverage'"
    assert refused("check", "--pack", tiny_pack, "--only", "gren", "--only", "x") == [
        f"check --only: unknown check 'gren' (did you mean 'green'?); {known}",
        f"check --only: unknown check 'x'; {known}",
    ]


@pytest.mark.parametrize("layer", ["unit", "bus_stops", "metro"])
def test_unknown_zones_are_named_with_the_known_ones(tiny_pack: Path, layer: str) -> None:
    (line,) = refused("zones", "--pack", tiny_pack, "--zones", layer)
    assert line.startswith(f"zones: unknown polygon layer '{layer}'")
    assert line.endswith("known polygon layers are 'area', 'units', 'land'")


@pytest.mark.parametrize("suffix", [".pdf", ".shp", "", ".csv.zip"])
def test_an_unknown_format_is_named_with_the_known_ones(
    tiny_pack: Path, tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / f"zones{suffix}"
    (line,) = refused("zones", "--pack", tiny_pack, "--zones", "units", "--out", out)
    assert line == (
        f"zones --out: '{Path(suffix).suffix or suffix}' is not a format of zone tables;"
        " use .csv, .xlsx, .geojson, .gpkg"
    ).replace("'.csv.zip'", "'.zip'")
    assert not out.exists()


@pytest.mark.parametrize("radius", ["0", "-500", "nan", "inf"])
def test_a_radius_that_is_none_is_refused(tiny_pack: Path, radius: str) -> None:
    (line,) = refused("zones", "--pack", tiny_pack, "--zones", "units", "--radius", radius)
    assert line == f"zones --radius: {radius} is not a radius; give metres above 0, as in 500"


@pytest.mark.parametrize("name", ["zones.csv", "zones.xlsx", "zones.geojson", "zones.gpkg"])
def test_zones_cannot_be_written_under_a_file(tiny_pack: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("keep", encoding="utf-8")
    out = tmp_path / "file" / name
    (line,) = refused("zones", "--pack", tiny_pack, "--zones", "units", "--out", out)
    assert "cannot be written" in line
    assert (tmp_path / "file").read_text(encoding="utf-8") == "keep"


@pytest.mark.parametrize("name", ["zones.csv", "zones.xlsx", "zones.geojson", "zones.gpkg"])
def test_zones_cannot_be_written_over_a_folder(tiny_pack: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (line,) = refused("zones", "--pack", tiny_pack, "--zones", "units", "--out", tmp_path / name)
    assert line.startswith(f"{tmp_path / name}: cannot be written")


@pytest.mark.parametrize("under", ["", "deeper"])
def test_evidence_cannot_be_written_under_a_file(
    tiny_pack: Path, tmp_path: Path, under: str
) -> None:
    (tmp_path / "file").write_text("keep", encoding="utf-8")
    (line,) = refused("check", "--pack", tiny_pack, "--out", tmp_path / "file" / under)
    assert "cannot be written" in line


def test_an_unknown_option_is_refused() -> None:
    assert run("check", "--strikt").exit_code == 2
    assert run("check", "--format", "xml").exit_code == 2
    assert run("check", "--lang", "fr").exit_code == 2
    assert run("zones").exit_code == 2


@pytest.mark.parametrize(
    "command", [(), ("check",), ("verify",), ("zones",), ("layers",), ("layers", "list")]
)
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    assert "Usage" in ran(*command, "--help")


def process(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "spatial", *map(str, arguments)],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
        timeout=120,
    )


def test_the_module_runs_as_a_program(tiny_pack: Path) -> None:
    found = process("check", "--pack", tiny_pack, "--format", "json", PYTHONUTF8="1")
    assert found.returncode == 0, found.stderr.decode()
    assert len(json.loads(found.stdout.decode())["results"]) == 3
    assert found.stderr == b""


def test_the_module_refuses_as_a_program_without_a_traceback(tiny_pack: Path, edit: Edit) -> None:
    edit("plan.toml", "[plan]", "[plan")
    found = process("layers", "validate", "--pack", tiny_pack, PYTHONUTF8="1")
    assert found.returncode == 2
    assert found.stdout == b""
    assert found.stderr.decode().startswith("plan.toml: not valid TOML")
    assert len(found.stderr.splitlines()) == 1


def test_a_terminal_that_lacks_a_character_does_not_end_in_a_traceback(tiny_pack: Path) -> None:
    # A Chinese Windows writes redirected output in GBK, which has no ².
    narrow = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "gbk"}
    found = process("zones", "--zones", "units", "--pack", tiny_pack, **narrow)
    assert b"Traceback" not in found.stderr, found.stderr.decode("gbk")
    assert found.returncode == 0
    assert "西单元" in found.stdout.decode("gbk")


def test_checks_are_compared_by_their_definitions(tiny_pack: Path, tmp_path: Path) -> None:
    plan = tiny_pack / "plan.toml"
    text = plan.read_text(encoding="utf-8")
    variants = """[green.variants.strict]
title = { zh = "只计林地", en = "woodland only" }
params = { classes = ["03"] }

[metro_coverage]"""
    plan.write_text(text.replace("[metro_coverage]", variants), encoding="utf-8")
    out = tmp_path / "out"
    arguments = ["check", "--pack", str(tiny_pack), "--only", "green", "--definitions"]
    found = CliRunner().invoke(app, [*arguments, "--out", str(out), "--lang", "en"])
    assert found.exit_code == 0, found.output
    assert re.search(r"woodland only\s+50.0%", found.stdout)
    rows = (out / "green.definitions.csv").read_text(encoding="utf-8-sig").splitlines()
    assert rows[1].startswith("Blue-green share,at least 70%,woodland only,no,,,0.5")
    found = CliRunner().invoke(app, [*arguments, "--format", "json"])
    (result,) = json.loads(found.stdout)["results"]
    (strict,) = result["definitions"]
    assert (strict["name"], strict["value"]) == ("strict", pytest.approx(0.5))


def test_places_in_the_evidence_are_named(tiny_pack: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    CliRunner().invoke(
        app, ["check", "--pack", str(tiny_pack), "--only", "green", "--out", str(out)]
    )
    (feature,) = json.loads((out / "green.geojson").read_text(encoding="utf-8"))["features"]
    assert feature["properties"]["place_name"] == "东单元东部"
