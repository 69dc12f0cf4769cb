"""The record of a run: what was asked, of which data, by which programs, and what came out."""

import hashlib
import json
import os
import platform
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import geopandas as gpd
import pyproj
import shapely
from pydantic import ConfigDict, Field, JsonValue, field_validator
from pyproj import Transformer
from pyproj.exceptions import CRSError, ProjError
from shapely.geometry.base import BaseGeometry

from layers import Basis, InputError, Language, Layer, Pack, Problem
from layers.catalogue import CATALOGUE_FILE
from layers.crs import read_crs, to_wgs84
from layers.declared import SHIFTED
from layers.load import SHIFTED_DATUMS, RasterLayer, file_sha256, gdal_version, read_json
from layers.program import code_sha256
from layers.text import Entry
from layers.toml import parse
from layers.workspace import StoredLayer, StoredLayerInfo
from layers.workspace.features import to_rows
from spatial.export import plain, results_json
from spatial.plan import PLAN_FILE, Check, Plan
from spatial.run import Comparison
from spatial.verdict import CheckResult, Verdict, Why

RECORD_FILE = "run.json"
FORMAT = "planmap-run"
FORMAT_VERSION = 1
"""Grows when a program that knows only the version before would misread a record.

What it passes over and may pass over does not count: the program among the versions and the
definitions of a result came later, and a record without them is no worse than it was.
"""
PROGRAM = "program"
"""What the hash of the project's own code is called among the versions."""
PACK_FILES = (CATALOGUE_FILE, PLAN_FILE)
_DEGREES = "OGC:CRS84"
_MOST_LETTERS = 120
_CODE_SHA256 = code_sha256(Path(__file__).resolve().parent.parent, ("layers", "spatial"))
"""Of the folders whose code measures; taken as it is loaded, for the files may change meanwhile."""
_LIBRARIES = ("numpy", "pandas", "geopandas", "shapely", "pyproj", "pyogrio", "scipy")

PathText = Annotated[str, Field(pattern=r"^[^\x00]*$")]
Conversions: TypeAlias = dict[tuple[str, str], Transformer]
Hash = Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
Number: TypeAlias = Annotated[float, Field(strict=True)] | None
"""A number that is compared: no text that looks like one, no yes or no."""
Count: TypeAlias = Annotated[int, Field(strict=True, ge=0, le=2**53)]
"""A number of things; beyond 2^53 not every program tells a whole number from the next."""


class Asked(Entry):
    """What a run was asked for.

    `pack` and `workspace` are the paths of the folder and the file, from the record's own folder
    where that can be said, else as they were given; empty for the embedded pack and for none.
    """

    pack: PathText = ""
    workspace: PathText = ""
    checks: tuple[str, ...] = ()
    lang: Language = "zh"


class CrsStep(Entry):
    """One conversion of coordinates; the accuracy in metres is that which PROJ states."""

    start: Annotated[str, Field(alias="from")]
    end: Annotated[str, Field(alias="to")]
    operation: str
    accuracy_m: float | Literal["unknown"]


class RecordedSource(Entry):
    """Where a layer's data came from."""

    name: str
    date: str
    datum: str


class OwnVersion(Entry):
    """Which version of a layer of a workspace was measured; hashes of the file and the features."""

    version: Count
    original_sha256: Hash
    content_sha256: Hash


class RecordedLayer(Entry):
    """A layer on which a check of the run rests, or that it lacks (`there` is false).

    `features` counts the cells of a raster.
    """

    title: str
    there: bool
    file: str
    sha256: Hash
    basis: Basis
    source: RecordedSource
    features: Count
    crs: tuple[CrsStep, ...]
    workspace: OwnVersion | None = None


class _Open(Entry):
    """Part of a record that holds more, for people, than is compared."""

    model_config = ConfigDict(extra="ignore")


class Evidence(_Open):
    """The places that speak against a target: how many, how large, and a hash of all of them."""

    count: Count
    area_m2: Annotated[float, Field(strict=True)]
    sha256: Hash


class RecordedFigure(_Open):
    """One figure, as it is compared."""

    value: Number
    low: Number
    high: Number
    numerator: Number
    denominator: Number


class RecordedUnit(RecordedFigure):
    """The figure of one unit and whether it meets the target."""

    id: str
    met: bool | None


class RecordedDoubt(_Open):
    """One cause of the range of the whole figure."""

    kind: str
    method: str
    low: Number
    high: Number
    inputs: Mapping[str, Number]


class RecordedOutcome(RecordedFigure):
    """What was asked, by whichever definition, with all its parameters, and what came out.

    `overridden` holds what the plan said of the parameters that were changed for this run.
    """

    measure: str
    params: Mapping[str, JsonValue]
    overridden: Mapping[str, JsonValue]
    target: Mapping[str, JsonValue]
    unit: str
    judge: str
    verdict: Verdict
    why: Why
    conclusive: bool
    basis: Basis | None
    missing: tuple[str, ...]
    units: tuple[RecordedUnit, ...]

    @property
    def planned(self) -> Mapping[str, JsonValue]:
        """The parameters as the plan has them."""
        return {**self.params, **self.overridden}

    @field_validator("units")
    @classmethod
    def _each_unit_once(cls, units: tuple[RecordedUnit, ...]) -> tuple[RecordedUnit, ...]:
        _each_once(unit.id for unit in units)
        return units


class RecordedDefinition(RecordedOutcome):
    """A check by one of its definitions, at one value of what it is compared across."""

    name: str
    across: Number

    @property
    def key(self) -> tuple[str, float | None]:
        """What tells it from the others of its check."""
        return self.name, self.across


class RecordedResult(RecordedOutcome):
    """A check as it was measured.

    `definitions` is None where nobody asked for them.
    """

    id: str
    stand_in: bool
    beside: Basis | None
    doubts: tuple[RecordedDoubt, ...]
    facts: Mapping[str, Number]
    evidence: Evidence
    definitions: tuple[RecordedDefinition, ...] | None = None

    @field_validator("definitions")
    @classmethod
    def _each_definition_once(
        cls, definitions: tuple[RecordedDefinition, ...] | None
    ) -> tuple[RecordedDefinition, ...] | None:
        _each_once(one.key for one in definitions or ())
        return definitions


class RecordedPack(_Open):
    """Which files said what the layers and the targets are."""

    metric_crs: str
    files: Mapping[str, Hash]


class RunRecord(Entry):
    """A record, read back."""

    format: Literal["planmap-run"]
    version: int
    tool: str
    made: str
    asked: Asked
    pack: RecordedPack
    layers: Mapping[str, RecordedLayer]
    versions: Mapping[str, str]
    results: tuple[RecordedResult, ...]

    @field_validator("results")
    @classmethod
    def _each_result_once(cls, results: tuple[RecordedResult, ...]) -> tuple[RecordedResult, ...]:
        _each_once(result.id for result in results)
        return results


def _each_once(keys: Iterable[object]) -> None:
    """Refuse what stands there twice: one of the two would never be compared."""
    for key, count in Counter(keys).items():
        if count > 1:
            raise ValueError(f"{one_line(str(key))} stands there {count} times; once is right")


@dataclass(frozen=True, slots=True)
class Own:
    """A layer that a workspace put in place of the pack's: which version of it, and the layer."""

    info: StoredLayerInfo
    stored: StoredLayer


def run_record(
    pack: Pack,
    plan: Plan,
    results: Sequence[CheckResult],
    *,
    asked: Asked,
    made: str,
    own: Mapping[str, Own] | None = None,
    compared: Mapping[str, Sequence[Comparison]] | None = None,
) -> dict[str, Any]:
    """Lay down a run as plain data, enough of it to do the run again and compare.

    `results` are those of checks of the plan, with other parameters perhaps; `own` holds the
    layers of the workspace that was opened; `made` is when (ISO 8601), which nothing compares;
    `compared` are the checks, by id, that were measured by their definitions as well.
    Missing values are None, no number is NaN.
    """
    own, compared = own or {}, compared or {}
    metric: Conversions = {}
    bound = _bound(pack, plan, results, compared)
    layers = {id_: _layer(pack, id_, own, asked.lang, metric) for id_ in bound}
    told = results_json(pack, results, asked.lang, compared=compared)
    return {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "tool": "python -m spatial check",
        "made": made,
        "asked": asked.model_copy(update={"checks": tuple(r.check.id for r in results)}).model_dump(
            mode="json"
        ),
        "pack": {
            "title": told["pack"],
            "metric_crs": told["metric_crs"],
            "files": {name: file_sha256(pack.folder / name) for name in PACK_FILES},
        },
        "layers": layers,
        "versions": versions(),
        "results": [
            {
                **said,
                "overridden": _overridden(plan, result),
                "evidence": {**said["evidence"], "sha256": _evidence_sha256(result)},
                **_definitions(plan, result.check.id, said, compared),
            }
            for said, result in zip(told["results"], results, strict=True)
        ],
    }


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record as JSON that every program reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(record, ensure_ascii=False, allow_nan=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def read_record(path: Path) -> RunRecord:
    """Read a record from a file that may be anything.

    Raises InputError where it is not a record, is newer than this program, or lacks something.
    """
    return parsed(read_json(path), path.name)


def parsed(data: object, where: str) -> RunRecord:
    """Make a record of JSON data; raises InputError with every mistake in it."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        message = f"not the record of a run; give the {RECORD_FILE} that 'check --out' writes"
        zh = f"不是运行记录；请给出 check --out 写出的 {RECORD_FILE}"
        raise InputError([Problem(where, "", "format", message, zh=zh)])
    found = data.get("version")
    if isinstance(found, int) and found > FORMAT_VERSION:
        shown = cut(str(found))
        message = (
            f"format {shown} of a newer version of this program; this one reads up to"
            f" {FORMAT_VERSION}; verify it with the newer version"
        )
        zh = (
            f"由更新版本的程序写出（格式 {shown}，本程序最高支持 {FORMAT_VERSION}）；"
            "请用新版本程序复现"
        )
        raise InputError([Problem(where, "", "version", message, zh=zh)])
    record, problems = parse(RunRecord, data, where)
    if record is None:
        raise InputError(
            replace(one, layer=one_line(one.layer), message=one_line(one.message))
            for one in problems
        )
    if record.version != FORMAT_VERSION:
        shown = cut(str(record.version))
        message = f"{shown} is no version of the format; {FORMAT_VERSION} is"
        zh = f"没有第 {shown} 版格式；应为 {FORMAT_VERSION}"
        raise InputError([Problem(where, "", "version", message, zh=zh)])
    return record


def path_from(folder: Path, given: Path) -> str:
    """Say where a path that somebody typed lies from the folder of a record.

    A full path stays as it was typed. A relative one is said from the folder, so that both can be
    moved together; but where they have nothing but the root of the disk in common, it stays as
    well, for its way there would name the folders of this machine.

    >>> path_from(Path("results"), Path("packs/a")), path_from(Path("packs"), Path("packs/a"))
    ('../packs/a', 'a')
    """
    if given.is_absolute():
        return given.as_posix()
    start, end = os.path.abspath(folder), os.path.abspath(given)  # noqa: PTH100 - follows no link
    try:
        common = Path(os.path.commonpath([start, end]))
    except ValueError:  # two disks
        return given.as_posix()
    if common == Path(common.anchor):
        return given.as_posix()
    return Path(os.path.relpath(end, start)).as_posix()


def versions() -> dict[str, str]:
    """Versions of what computes: the project's own code by its hash, Python, the libraries."""
    found = {PROGRAM: _CODE_SHA256, "python": platform.python_version()}
    found |= {name: version(name) for name in _LIBRARIES}
    found |= {"geos": str(shapely.geos_version_string), "proj": pyproj.proj_version_str}
    found |= {"gdal": gdal_version()}
    if "rasterio" in sys.modules:
        found["rasterio"] = version("rasterio")
    libc = "-".join(part for part in platform.libc_ver() if part)
    found["platform"] = " ".join(
        part for part in (platform.system(), platform.machine(), libc) if part
    )
    return found


def planned(plan: Plan, check_id: str, *, stand_in: bool) -> Check:
    """The check of the plan that a result is of: its own definition, or that of its stand-in."""
    check = plan.checks[check_id]
    return check.defined(check.stand_in) if stand_in and check.stand_in else check


def definition(check: Check, name: str, across: float | None) -> Check:
    """A check by one of its definitions, at one value of what that is compared across."""
    one = check.defined(name)
    return one if across is None else one.with_params(dict.fromkeys(one.across, across))


def _definitions(
    plan: Plan, check_id: str, said: Mapping[str, Any], compared: Mapping[str, Sequence[Comparison]]
) -> dict[str, Any]:
    """The definitions of a result with what the plan says of them; nothing where none was asked."""
    if check_id not in compared:
        return {}
    check = plan.checks[check_id]
    rows = zip(said["definitions"], compared[check_id], strict=True)
    return {
        "definitions": [
            {
                **row,
                "overridden": _changed(
                    definition(check, one.name, one.across).params, one.result.check.params
                ),
            }
            for row, one in rows
        ]
    }


def _overridden(plan: Plan, result: CheckResult) -> dict[str, Any]:
    stand_in = bool(result.missing) and result.measured is not None
    said = planned(plan, result.check.id, stand_in=stand_in).params
    return _changed(said, result.check.params)


def _changed(said: Mapping[str, Any], taken: Mapping[str, Any]) -> dict[str, Any]:
    """What the plan said of the parameters that were taken otherwise."""
    return {
        name: plain(said[name])
        for name, value in taken.items()
        if name in said and plain(said[name]) != plain(value)
    }


def _bound(
    pack: Pack,
    plan: Plan,
    results: Iterable[CheckResult],
    compared: Mapping[str, Sequence[Comparison]],
) -> list[str]:
    """Ids of the layers that checks bind, and of those that their own definition lacks."""
    by_definition = [one.result.check for rows in compared.values() for one in rows]
    asked = [c for result in results for c in (plan.checks[result.check.id], result.check)]
    bindings = [binding for check in (*asked, *by_definition) for binding in check.layers.values()]
    bound = {layer for binding in bindings for layer in binding.all_layers}
    return [id_ for id_ in pack.catalogue.layers if id_ in bound]


def _layer(
    pack: Pack, layer_id: str, own: Mapping[str, Own], lang: Language, metric: Conversions
) -> dict[str, Any]:
    spec, layer = pack.catalogue.layers[layer_id], pack.delivered(layer_id)
    mine = own.get(layer_id)
    source = spec.source
    return {
        "title": one_line(spec.title.in_(lang)),
        "there": layer is not None,
        "file": spec.file,
        "sha256": "" if layer is None else layer.sha256,
        "basis": source.basis if layer is None else layer.basis,
        "source": {
            "name": one_line(source.name.in_(lang)),
            "date": one_line(source.date),
            "datum": one_line(source.datum),
        },
        "features": 0 if layer is None else layer.size,
        "crs": [] if layer is None else _crs_steps(pack, layer, mine, metric),
        "workspace": None if mine is None else _own_version(mine),
    }


def one_line(text: str) -> str:
    r"""Write a text that may be anyone's without what would steer a terminal.

    >>> one_line("east\n\x1b[2Jwest")
    'east [2Jwest'
    """
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def cut(text: str) -> str:
    """What a record holds, shown no longer than a reader follows."""
    return text if len(text) <= _MOST_LETTERS else f"{text[:_MOST_LETTERS]}…"


def _own_version(own: Own) -> dict[str, Any]:
    original = own.info.original
    return {
        "version": own.info.version,
        "original_sha256": "" if original is None else original.sha256,
        "content_sha256": to_rows(own.stored.frame, own.info.spec.id).sha256,
    }


def _crs_steps(
    pack: Pack, layer: Layer | RasterLayer, own: Own | None, metric: Conversions
) -> list[dict[str, Any]]:
    """How a layer's coordinates became metres: from the CRS they came in, by way of WGS 84.

    Cells stay where they are: to a raster, the places go whose cells are asked for.
    """
    if isinstance(layer, RasterLayer):
        start, end = pack.catalogue.pack.metric_crs, layer.crs
        return [] if start == end else [_crs_step(start, end, None, shifted="", metric=metric)]
    datum: str = SHIFTED_DATUMS.get(layer.spec.source.datum, "")
    way = [layer.crs, *([_DEGREES] if datum else [])]
    if own is not None:
        declared = own.stored.intake.get("declared")
        said = declared if isinstance(declared, dict) else {}
        datum = str(said.get("datum", ""))
        way = [str(said.get("crs", "")), _DEGREES if said else "", own.stored.frame.crs.to_string()]
    metric_crs = pack.catalogue.pack.metric_crs
    way = [crs for crs in [*way, metric_crs] if crs]
    steps = []
    for number, (start, end) in enumerate(pairwise(way)):
        shifted = number == 0 and datum in SHIFTED
        if start != end or shifted:
            moved = datum if shifted else ""
            steps.append(_crs_step(start, end, layer.frame, shifted=moved, metric=metric))
    return steps


def _crs_step(
    start: str, end: str, frame: gpd.GeoDataFrame | None, *, shifted: str, metric: Conversions
) -> dict[str, Any]:
    accuracy: float | str = "unknown"
    try:
        converted = _transformer(start, end, frame, metric)
        operation = converted.description
        if converted.accuracy >= 0:
            accuracy = float(converted.accuracy)
    except (CRSError, InputError, ProjError):  # it came here by a way that is not known now
        operation = "unknown"
    if shifted:
        names: dict[str, str] = {datum: name for name, datum in SHIFTED_DATUMS.items()}
        operation, accuracy = f"{operation}; {names[shifted]} moved back to WGS 84", "unknown"
    return {
        "from": one_line(start),
        "to": one_line(end),
        "operation": one_line(operation),
        "accuracy_m": accuracy,
    }


def _transformer(
    start: str, end: str, frame: gpd.GeoDataFrame | None, metric: Conversions
) -> Transformer:
    """The conversion that loading used; to degrees, the one for where the layer lies.

    Most layers share one to metres, for which PROJ searches long: `metric` keeps what it found.
    """
    if end == _DEGREES and frame is not None:
        crs = read_crs(start, start)
        west, south, east, north = map(float, frame.to_crs(crs).total_bounds)
        return to_wgs84(crs, (west, south, east, north))
    if (start, end) not in metric:
        metric[start, end] = Transformer.from_crs(start, end, always_xy=True)
    return metric[start, end]


def _evidence_sha256(result: CheckResult) -> str:
    """Hash of the places in any order: their ids, facts and coordinates to the last digit."""
    if result.measured is None:
        return ""
    frame = result.measured.evidence
    columns = sorted(str(name) for name in frame.columns if name != frame.geometry.name)
    shapes: list[BaseGeometry | None] = frame.geometry.tolist()
    rows = sorted(
        repr([str(key), *(_told(row[name]) for name in columns), _drawn(shape)])
        for (key, row), shape in zip(frame.iterrows(), shapes, strict=True)
    )
    return hashlib.sha256("\n".join([repr(columns), *rows]).encode()).hexdigest()


def _told(cell: Any) -> str:  # noqa: ANN401 - whatever a cell holds
    return repr(cell.item() if hasattr(cell, "item") else cell)


def _drawn(shape: BaseGeometry | None) -> str:
    return "" if shape is None else shapely.normalize(shape).wkb_hex
