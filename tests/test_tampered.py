"""A record that somebody has changed: each change is told, where, what it was and what is right."""

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from pyproj import Transformer

from layers import LANGUAGES, InputError, Pack
from spatial import Check, CheckResult, Plan, open_pack, run_check, run_checks
from spatial.record import Asked, parsed, read_record, run_record
from spatial.replay import replay
from spatial.run import Inputs, definitions
from tests.conftest import SHELTERS

Edit = Callable[[str, str, str], None]
Way: TypeAlias = tuple[str | int, ...]
"""The keys and numbers by which something in a record is reached."""

FOR_PEOPLE = re.compile(
    r"made|tool|asked\.(pack|workspace|lang)|pack\.title|layers\.\w+\.(title|source\.name)"
    r"|results\.\d+\.(title|group|cite|reason)|results\.\d+\.(definitions\.\d+\.)?units\.\d+\.name"
)
"""What stands in a record to be read and is not compared."""
NOTED = re.compile(r"versions\.\w+|layers\.\w+\.crs(\..*)?")
"""What may explain a difference and is none by itself."""

BY_DEFINITION = """[coverage.across]
radius_m = [300, 500]
[coverage.variants.whole]
title = { zh = "全部面积", en = "all of the area" }
[coverage.variants.near]
title = { zh = "近处", en = "near" }
params = { radius_m = 100 }
across = {}

[green]"""
KIND = 'tier1_kind = { title = { zh = "类别", en = "Kind" } }\n'
MORE = (
    SHELTERS
    + """
[projects]
title = { zh = "不允许的项目", en = "Projects not allowed" }
cite = { chapter = 1 }
measure = "allowed_projects"
layers = { projects = "bus_stops", zones = "units" }
params = { allowed = ["road"], overrides = { S1 = { kind = "housing", reason = "图上是住宅" } } }
target = { at_most = 0, unit = "count" }
sentence = { zh = "没有不允许的项目。", en = "No project that is not allowed." }
"""
)


class Tried:
    """A run of the tiny pack, its record, and the record replayed with something changed in it."""

    def __init__(self, pack: Pack, plan: Plan) -> None:
        self.pack, self.plan = pack, plan
        results = run_checks(pack, plan)
        compared = {"coverage": definitions(pack, plan.checks["coverage"])}
        data = run_record(
            pack, plan, results, asked=Asked(), made="2025-01-01T00:00:00+00:00", compared=compared
        )
        self.data: dict[str, Any] = json.loads(json.dumps(data, allow_nan=False))

    def lines(self, data: object) -> list[str]:
        """What is said of a record: the lines of a refusal, or the differences without notes."""
        try:
            replayed = replay(self.pack, self.plan, parsed(data, "run.json"))
        except InputError as error:
            return [str(problem) for problem in error.problems]
        return [one.text.en for one in replayed.findings if not one.note]

    def with_(self, way: Way, change: Callable[[Any], Any]) -> list[str]:
        """What is said where one value is another."""
        data = deepcopy(self.data)
        holder: Any = data
        for key in way[:-1]:
            holder = holder[key]
        holder[way[-1]] = change(holder[way[-1]])
        return self.lines(data)


@pytest.fixture
def tried(tiny_pack: Path, edit: Edit, monkeypatch: pytest.MonkeyPatch) -> Tried:
    edit("plan.toml", "[green]", BY_DEFINITION)
    edit("layers.toml", "shelters = {", KIND + "shelters = {")
    edit("bus_stops.geojson", '"shelters": 1', '"shelters": 1, "tier1_kind": "road"')
    edit("bus_stops.geojson", '"shelters": 2', '"shelters": null, "tier1_kind": null')
    plan = tiny_pack / "plan.toml"
    plan.write_text(plan.read_text(encoding="utf-8") + MORE, encoding="utf-8")
    # PROJ searches long and finds the same each time; so does what is measured again and again.
    found = Transformer.from_crs("OGC:CRS84", "EPSG:4548", always_xy=True)
    monkeypatch.setattr("spatial.record._transformer", lambda *_: found)
    versions = {"program": "1" * 64, "geos": "3.13.0"}
    monkeypatch.setattr("spatial.record.versions", lambda: versions)
    measured: dict[str, CheckResult] = {}

    def once(pack: Pack, check: Check, *, inputs: Inputs | None = None) -> CheckResult:
        key = repr(check)
        if key not in measured:
            measured[key] = run_check(pack, check, inputs=inputs)
        return measured[key]

    monkeypatch.setattr("spatial.replay.run_check", once)
    return Tried(*open_pack(tiny_pack))


def leaves(data: object, way: Way = ()) -> Iterator[tuple[Way, object]]:
    """Every value of a record that holds no others, with the way to it."""
    if isinstance(data, dict) and data:
        for key, value in data.items():
            yield from leaves(value, (*way, key))
    elif isinstance(data, list) and data:
        for number, value in enumerate(data):
            yield from leaves(value, (*way, number))
    else:
        yield way, data


def another(value: object) -> object:
    """A value of the same kind that is another one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        turned = {"0": "1"}.get(value[:1], "0") + value[1:]
        return turned if re.fullmatch("[0-9a-f]{64}", value) else f"{value}x"
    if isinstance(value, list):
        return ["more"]
    return 1.5 if value is None else {"more": 1}


def dotted(way: Way) -> str:
    return ".".join(map(str, way))


def at(data: Any, way: Way) -> Any:  # noqa: ANN401 - JSON
    for key in way:
        data = data[key]
    return data


def is_compared(way: Way) -> bool:
    return not FOR_PEOPLE.fullmatch(dotted(way)) and not NOTED.fullmatch(dotted(way))


def test_a_record_as_it_was_written_is_said_to_be_the_same(tried: Tried) -> None:
    assert tried.lines(tried.data) == []


def test_no_value_of_a_record_can_be_changed_unnoticed(tried: Tried) -> None:
    compared = [(way, value) for way, value in leaves(tried.data) if is_compared(way)]
    assert len(compared) > 300
    said = {dotted(way): tried.with_(way, another) for way, _ in compared}
    assert [way for way, lines in said.items() if not lines] == []
    assert not any("\n" in line for lines in said.values() for line in lines)


FIGURES = re.compile(
    r"results\.\d+\.(definitions\.\d+\.)?(units\.\d+\.)?(value|low|high|numerator|denominator)"
    r"|results\.\d+\.(facts\.\w+|doubts\.\d+\.(low|high|inputs\.\w+)|evidence\.(count|area_m2))"
)


@pytest.mark.parametrize("factor", [1 + 1e-15, -1, 1e300])
def test_a_number_that_was_changed_is_one_line_with_the_place_and_the_right_one(
    tried: Tried, factor: float
) -> None:
    numbers = [
        (way, value)
        for way, value in leaves(tried.data)
        if FIGURES.fullmatch(dotted(way)) and isinstance(value, float) and value * factor != value
    ]
    assert len(numbers) > 60
    for way, value in numbers:
        (line,) = tried.with_(way, lambda number: number * factor)
        assert f" {value * factor!r} → {value!r} (difference " in line
        assert f"({at(tried.data, way[:2])['id']})" in line
        if "units" in way and "doubts" not in way:
            unit = at(tried.data, way[: way.index("units") + 2])["id"]
            assert f"{unit}:" in line or f"({unit}):" in line  # some have a name besides
        if "definitions" in way:
            row = at(tried.data, way[:4])
            title = {"whole": "all of the area", "near": "near"}[row["name"]]
            assert f"by '{title}'" + (f" at {row['across']:g}" if row["across"] else "") in line


def test_a_hash_that_was_changed_is_one_line(tried: Tried) -> None:
    hashes = [
        (way, value)
        for way, value in leaves(tried.data)
        if is_compared(way) and isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value)
    ]
    assert len(hashes) > 8  # two files, four layers, the places of three checks
    for way, value in hashes:
        (line,) = tried.with_(way, another)
        shapes = "evidence" in way
        assert ("other shapes" in line) if shapes else line.endswith(f" → {value[:8]}")


@pytest.mark.parametrize(
    "way,value,lines",
    [
        (
            "results.0.params.radius_m",
            600.0,
            ["the plan asks otherwise in check 'Stop coverage' (coverage): radius_m 600.0 → 500.0"],
        ),
        (
            "results.0.params.radius_m",
            -5,
            [
                (
                    "check 'Stop coverage' (coverage) cannot be run with the recorded parameters:"
                    " params.radius_m: -5 is not right: Input should be greater than 0"
                ),
            ],
        ),
        (
            "results.1.params.class_column",
            "class",
            [
                (
                    "check 'Blue-green share' (green) cannot be run with the recorded parameters:"
                    " params.class_column: unknown column 'class' (did you mean 'class_code'?);"
                ),
            ],
        ),
        (
            "results.0.overridden",
            {"radius_m": 400.0},
            ["the plan asks otherwise in check 'Stop coverage' (coverage): radius_m 400.0 → 500.0"],
        ),
        (
            "results.4.params.overrides.S1.kind",
            "road",
            [
                (
                    "the plan asks otherwise in check 'Projects not allowed' (projects): overrides"
                    ' {"S1": {"kind": "road", "reason": "图上是住宅"}} → '
                ),
            ],
        ),
        (
            "results.4.params.overrides.S1.reason",
            "",
            [
                (
                    "check 'Projects not allowed' (projects) cannot be run with the recorded"
                    " parameters: params.overrides.S1.reason: '' is not right: "
                ),
            ],
        ),
        (
            "results.0.definitions.2.params.radius_m",
            300.0,
            [
                (
                    "the plan asks otherwise in check 'Stop coverage' (coverage) by 'near':"
                    " radius_m 300.0 → 100.0"
                ),
            ],
        ),
        (
            "results.0.definitions.2.name",
            "far",
            [
                "the plan has no check 'Stop coverage' (coverage) by 'far' any more",
                "check 'Stop coverage' (coverage) by 'near' has no result in the record",
            ],
        ),
        (
            "results.0.definitions.0.across",
            -300.0,
            [
                (
                    "check 'Stop coverage' (coverage) by 'all of the area' at -300 cannot be run"
                    " with the recorded parameters: params.radius_m: -300.0 is not right: "
                ),
                "check 'Stop coverage' (coverage) by 'all of the area' at 300 has no result",
            ],
        ),
        (
            "results.0.target.at_least",
            0.4,
            [
                (
                    "the plan asks otherwise in check 'Stop coverage' (coverage): target"
                    ' {"at_least": 0.4} → {"at_least": 0.5}'
                ),
            ],
        ),
        (
            "results.0.conclusive",
            False,
            ["check 'Stop coverage' (coverage), conclusive: no → yes"],
        ),
        ("results.2.missing", ["area"], ["check 'Metro coverage' (metro_coverage) lacks other"]),
        ("asked.checks", ["coverage"], ["check green has a result in the record and was not"]),
    ],
)
def test_what_was_changed_is_said_with_what_is_right(
    tried: Tried, way: str, value: object, lines: list[str]
) -> None:
    keys = tuple(int(key) if key.isdigit() else key for key in way.split("."))
    said = tried.with_(keys, lambda _: value)
    for number, line in enumerate(lines):
        assert said[number].startswith(line), said


def test_a_unit_that_was_taken_out_or_put_in_is_one_line(tried: Tried) -> None:
    way: Way = ("results", 0, "units")
    (gone,) = tried.with_(way, lambda units: units[1:])
    assert gone == (
        "check 'Stop coverage' (coverage), West unit (U1): was not there then and is now"
    )
    (new,) = tried.with_(way, lambda units: [*units, {**units[0], "id": "U9"}])
    assert new == "check 'Stop coverage' (coverage), U9: not there any more"
    (twice,) = tried.with_(way, lambda units: [{**units[0], "value": 1.0}, *units])
    assert twice == (
        "run.json.results[0].units: list is not right: U1 stands there 2 times; once is right"
    )


def test_a_result_or_a_definition_that_stands_there_twice_is_refused(tried: Tried) -> None:
    for way in (("results",), ("results", 0, "definitions")):
        (line,) = tried.with_(way, lambda rows: [*rows, rows[0]])
        assert line.endswith("stands there 2 times; once is right")


def test_a_result_that_was_taken_out_is_one_line(tried: Tried) -> None:
    last = len(tried.data["results"]) - 1
    lines = tried.with_(("results",), lambda results: results[:last])
    assert lines == ["check projects was asked for and has no result in the record"]


@pytest.mark.parametrize(
    "number",
    ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e308", "1" + "0" * 400, "9" * 5000],
)
def test_a_number_that_is_none_or_huge_is_told_in_short_lines(
    tried: Tried, tmp_path: Path, number: str
) -> None:
    path = tmp_path / "run.json"
    for way in NUMBERS:
        data = deepcopy(tried.data)
        keys = tuple(int(key) if key.isdigit() else key for key in way.split("."))
        at(data, keys[:-1])[keys[-1]] = "here it goes"
        path.write_text(json.dumps(data).replace('"here it goes"', number), encoding="utf-8")
        try:
            replayed = replay(tried.pack, tried.plan, read_record(path))
        except InputError as error:
            lines = [problem.in_(lang) for problem in error.problems for lang in LANGUAGES]
        else:
            lines = [one.text.in_(lang) for one in replayed.findings for lang in LANGUAGES]
            assert replayed.same == way.endswith("accuracy_m"), way
        assert lines, way
        assert all(len(line) < 500 and "\n" not in line for line in lines), way


NUMBERS = (
    "results.0.value",
    "results.0.units.0.low",
    "results.0.params.radius_m",
    "results.0.overridden.radius_m",
    "results.0.target.at_least",
    "results.0.evidence.count",
    "results.0.evidence.area_m2",
    "results.0.doubts.0.inputs.stops_m",
    "results.0.facts.gap_m2",
    "results.0.definitions.0.across",
    "results.0.definitions.0.target.at_least",
    "layers.area.features",
    "layers.area.crs.0.accuracy_m",
    "version",
)
MAY_LACK = re.compile(r"results\.\d+\.definitions")
"""As if nobody had asked for them."""


def test_nothing_can_be_taken_out_of_a_record_unnoticed(tried: Tried) -> None:
    unnoticed = []
    for way, holder in holders(tried.data):
        for key in list(holder) if isinstance(holder, dict) else range(len(holder)):
            named = dotted((*way, key))
            if not is_compared((*way, key)) or holder[key] is None or MAY_LACK.fullmatch(named):
                continue
            data = deepcopy(tried.data)
            del at(data, way)[key]
            if not tried.lines(data):
                unnoticed.append(named)
    assert unnoticed == []


def holders(data: object, way: Way = ()) -> Iterator[tuple[Way, dict[Any, Any] | list[Any]]]:
    """Everything in a record that holds something."""
    if isinstance(data, dict | list) and data:
        yield way, data
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from holders(value, (*way, key))
