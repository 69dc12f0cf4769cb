"""A recorded run done again: what is different now, one line each."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from layers import Basis, InputError, Language, Pack, Text
from spatial.bindings import check_feature_problems
from spatial.measurement import VALUE_COLUMNS
from spatial.phrases import PHRASES, check_title, listed, unit_names
from spatial.plan import Check, Plan
from spatial.record import (
    PACK_FILES,
    PROGRAM,
    RECORD_FILE,
    Number,
    Own,
    RecordedDefinition,
    RecordedFigure,
    RecordedLayer,
    RecordedOutcome,
    RecordedResult,
    RunRecord,
    cut,
    definition,
    one_line,
    parsed,
    run_record,
)
from spatial.run import Comparison, Inputs, definition_keys, run_check
from spatial.verdict import CheckResult

NEARLY = 1e-9
"""By how much, relatively, a number may differ where other code computed it: in another order."""
_HASH_LETTERS = 8
_MOST_NAMES = 5

_NOTHING = Text(zh="—", en="—")

Place: TypeAlias = tuple[str, str]
"""Where in a result a number stands: the whole, a unit, a fact, a doubt, the evidence."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference; a note tells what may explain it and is none by itself."""

    text: Text
    note: bool = False


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of doing a run again.

    `checks`, `definitions` and `numbers` count what was compared; `near` the numbers that differ
    by no more than another program or other versions of libraries may make them.
    """

    findings: tuple[Finding, ...]
    checks: int
    definitions: int
    numbers: int
    near: int

    @property
    def same(self) -> bool:
        """Whether everything that was asked, read and measured is the same."""
        return all(finding.note for finding in self.findings)

    @property
    def summary(self) -> Text:
        """The one line that says how it came out."""
        if not self.same:
            count = sum(not finding.note for finding in self.findings)
            return _said("differs", count=count)
        counted = _said("checks", checks=self.checks)
        if self.definitions:
            counted = _said("definitions", checks=counted, definitions=self.definitions)
        name = "same_nearly" if self.near else "same"
        return _said(name, counted=counted, numbers=self.numbers, near=self.near)


def replay(
    pack: Pack, plan: Plan, recorded: RunRecord, *, own: Mapping[str, Own] | None = None
) -> Replay:
    """Run the checks of a record again, with its parameters, and compare all that it holds.

    Numbers are compared digit by digit; only where the program or the libraries are others, or
    the record does not name its program, may they differ relatively by NEARLY.
    """
    run = _Run(pack, plan)
    run.results(recorded)
    data = run_record(
        pack,
        plan,
        run.found,
        asked=recorded.asked,
        made=recorded.made,
        own=own,
        compared=run.compared,
    )
    again = parsed(json.loads(json.dumps(data)), RECORD_FILE)
    comparing = _Comparing(pack, plan, recorded, again)
    findings = (*_listed_otherwise(recorded), *run.findings, *comparing.findings())
    rows = sum(len(one) for one in run.compared.values())
    return Replay(findings, len(again.results), rows, comparing.numbers, comparing.near)


def _listed_otherwise(recorded: RunRecord) -> Iterator[Finding]:
    """Checks that were asked for and have no result, or have one and were not asked for."""
    there = [result.id for result in recorded.results]
    for check_id in recorded.asked.checks:
        if check_id not in there:
            yield _finding("result_gone", check=one_line(check_id))
    for check_id in there:
        if check_id not in recorded.asked.checks:
            yield _finding("result_new", check=one_line(check_id))


@dataclass(slots=True)
class _Run:
    """The checks of a record run again, and what could not be run."""

    pack: Pack
    plan: Plan
    found: list[CheckResult] = field(default_factory=list)
    compared: dict[str, tuple[Comparison, ...]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def results(self, recorded: RunRecord) -> None:
        """Run all checks, and by their definitions those that were."""
        inputs = Inputs(self.pack)
        for one in recorded.results:
            check = self.plan.checks.get(one.id)
            if check is None:
                self.findings.append(_finding("check_gone", check=one_line(one.id)))
                continue
            try:
                asked = _as_recorded(check, one)
                if one.stand_in and check.stand_in:
                    self._fits(asked.defined(check.stand_in), check.defined(check.stand_in))
                else:
                    self._fits(asked, check)
                self.found.append(run_check(self.pack, asked, inputs=inputs))
            except InputError as error:
                self._refused(_check_name(check), error)
                continue
            if one.definitions is not None:
                rows = self._definitions(check, one.definitions, inputs)
                self.compared[one.id] = tuple(rows)

    def _definitions(
        self, check: Check, recorded: Sequence[RecordedDefinition], inputs: Inputs
    ) -> Iterator[Comparison]:
        for one in recorded:
            name = _definition_name(check, one)
            if one.name not in check.variants:
                self.findings.append(_finding("definition_gone", check=name))
                continue
            try:
                planned = definition(check, one.name, one.across)
                asked = _with_limit(planned, one).with_params(one.params)
                self._fits(asked, planned)
                result = run_check(self.pack, asked, inputs=inputs)
            except InputError as error:
                self._refused(name, error)
            else:
                yield Comparison(one.name, one.across, result)
        there = {one.key for one in recorded}
        for key in definition_keys(check):
            if key not in there:
                self.findings.append(_finding("definition_new", check=_by(check, *key)))

    def _fits(self, asked: Check, planned: Check) -> None:
        """Refuse parameters that name what no layer has; what the plan asks in vain is no news."""
        old = check_feature_problems(planned, self.pack)
        problems = [p for p in check_feature_problems(asked, self.pack) if p not in old]
        if problems:
            raise InputError(problems)

    def _refused(self, name: Text, error: InputError) -> None:
        for problem in error.problems:
            where = problem.layer.rpartition("].")[2]
            why = one_line(f"{where}: {problem.message}")
            self.findings.append(_finding("check_refused", check=name, why=why))


def _as_recorded(check: Check, one: RecordedResult) -> Check:
    """Return the check as it, or its stand-in, was measured: parameters, a target of one's own."""
    check = _with_limit(check, one)
    if not (one.stand_in and check.stand_in):
        return check.with_params(one.params)
    stand_in = check.variants[check.stand_in]
    params = check.defined(check.stand_in).with_params(one.params).params
    measured = stand_in.model_copy(update={"params": params})
    return check.model_copy(update={"variants": {**check.variants, check.stand_in: measured}})


def _with_limit(check: Check, one: RecordedOutcome) -> Check:
    """Return the check with the recorded target; it counts only where the plan names no number."""
    limit = one.target.get("at_least")
    if isinstance(limit, int | float) and abs(limit) <= sys.float_info.max:
        return check.with_limit(float(limit))
    return check


@dataclass(slots=True)
class _Comparing:
    """The comparison of a record with that of the run done again; it counts as it goes."""

    pack: Pack
    plan: Plan
    old: RunRecord
    new: RunRecord
    numbers: int = 0
    near: int = 0
    tolerance: float = field(init=False, default=0.0)

    def findings(self) -> Iterator[Finding]:
        """Give the differences: of programs, of what was read, of what came out."""
        programs = {
            name: (old, new)
            for name, old in self.old.versions.items()
            for new in [self.new.versions.get(name, old)]
            if new != old
        }
        if programs or PROGRAM not in self.old.versions:
            self.tolerance = NEARLY
        again = {result.id: result for result in self.new.results}
        results = {
            old.id: tuple(self._result(old, again[old.id]))
            for old in self.old.results
            if old.id in again
        }
        different = [id_ for id_, found in results.items() if not all(one.note for one in found)]
        yield from self._programs(programs, different)
        yield from self._files()
        for layer_id in dict.fromkeys([*self.old.layers, *self.new.layers]):
            yield from self._layer(layer_id)
        for found in results.values():
            yield from found

    def _programs(
        self, programs: Mapping[str, tuple[str, str]], different: Sequence[str]
    ) -> Iterator[Finding]:
        """Say which programs are others than those that measured, and whether it matters."""
        outcome = _said("nearly" if self.near else "equal")
        if different:
            names = [Text(zh=id_, en=id_) for id_ in different[:_MOST_NAMES]]
            more = "…" if len(different) > _MOST_NAMES else ""
            outcome = _said("unequal", checks=_row(names), more=more)
        if PROGRAM not in self.old.versions:
            yield _note("program_unknown", outcome=outcome)
        said = [
            _said("program", old=_short(one_line(old)), new=_short(new))
            if name == PROGRAM
            else _said("version", name=cut(one_line(name)), old=cut(one_line(old)), new=new)
            for name, (old, new) in programs.items()
        ]
        if said:
            yield _note("programs", programs=_row(said), outcome=outcome)

    def _files(self) -> Iterator[Finding]:
        for name in dict.fromkeys([*PACK_FILES, *self.old.pack.files]):
            old, new = (one.pack.files.get(name, "") for one in (self.old, self.new))
            if old != new:
                yield _finding("file", name=one_line(name), old=_short(old), new=_short(new))
        old, new = self.old.pack.metric_crs, self.new.pack.metric_crs
        if old != new:
            yield _finding("metric_crs", old=one_line(old), new=new)

    def _layer(self, layer_id: str) -> Iterator[Finding]:
        old, new = self.old.layers.get(layer_id), self.new.layers.get(layer_id)
        title = self._layer_name(layer_id)
        if new is None:
            yield _finding("layer_unused", layer=title)
        elif old is None:
            yield _finding("layer_new", layer=title)
        elif old.there != new.there:
            yield _finding("layer_new" if new.there else "layer_missing", layer=title)
        else:
            yield from _layer_differences(title, old, new)

    def _result(self, old: RecordedResult, new: RecordedResult) -> Iterator[Finding]:
        check = self.plan.checks[old.id]
        name = _check_name(check)
        if old.stand_in != new.stand_in:
            said = {"old": _yes_no(old.stand_in), "new": _yes_no(new.stand_in)}
            yield _finding("stand_in", check=name, **said)
        yield from self._outcome(check, name, old, new, alike=old.stand_in == new.stand_in)
        if old.beside != new.beside and (old.basis, new.basis) != (old.beside, new.beside):
            yield _basis_differs(name, old.beside, new.beside)
        again = {one.key: one for one in new.definitions or ()}
        for one in old.definitions or ():
            if one.key in again:
                by = _definition_name(check, one)
                yield from self._outcome(check.defined(one.name), by, one, again[one.key])

    def _outcome(
        self,
        check: Check,
        name: Text,
        old: RecordedOutcome,
        new: RecordedOutcome,
        *,
        alike: bool = True,
    ) -> Iterator[Finding]:
        """Tell what was asked and came out otherwise; `alike` where the same definition was run."""
        if alike:
            for what, was, now in _asked_differences(old, new):
                yield _finding("asked", check=name, what=what, old=_json(was), new=_json(now))
        if (old.verdict, old.why) != (new.verdict, new.why):
            yield _finding("verdict", check=name, old=_ground(old), new=_ground(new))
        elif old.missing != new.missing:
            lacked = {"old": _json(list(old.missing)), "new": _json(list(new.missing))}
            yield _finding("lacking", check=name, **lacked)
        if old.basis != new.basis:
            yield _basis_differs(name, old.basis, new.basis)
        elif old.conclusive != new.conclusive:
            concluded = {"old": _yes_no(old.conclusive), "new": _yes_no(new.conclusive)}
            yield _finding("conclusive", check=name, **concluded)
        yield from self._numbers(check, name, old, new)
        met = {unit.id: unit.met for unit in new.units}
        for unit in old.units:
            if unit.id in met and unit.met != met[unit.id]:
                where = self._place(check, ("unit", unit.id))
                said = {"old": _yes_no(unit.met), "new": _yes_no(met[unit.id])}
                yield _finding("met", check=name, place=where, **said)

    def _numbers(
        self, check: Check, name: Text, old: RecordedOutcome, new: RecordedOutcome
    ) -> Iterator[Finding]:
        before, after = _numbers_by_place(old), _numbers_by_place(new)
        different = False
        for place in dict.fromkeys([*before, *after]):
            where = self._place(check, place)
            if place not in before or place not in after:
                different = True
                came = "place_new" if place in after else "place_gone"
                yield _finding(came, check=name, place=where)
                continue
            found = self._first_difference(before[place], after[place])
            if found is not None:
                different = True
                column, was, now = found
                yield _finding(
                    "number",
                    check=name,
                    place=where,
                    figure=PHRASES["export"].get(column, Text(zh=column, en=column)),
                    old=_exactly(was),
                    new=_exactly(now),
                    difference="—" if was is None or now is None else f"{now - was:+.6g}",
                )
        if not different and _shapes(old) != _shapes(new):
            # Other code may turn the last digit of a coordinate; a hash cannot say how far.
            found_otherwise = _note if self.tolerance else _finding
            yield found_otherwise("evidence", check=name)

    def _first_difference(
        self, old: Mapping[str, Number], new: Mapping[str, Number]
    ) -> tuple[str, Number, Number] | None:
        first = None
        for column in dict.fromkeys([*old, *new]):
            was, now = old.get(column), new.get(column)
            if was is not None and now is not None:
                self.numbers += 1
                if was == now:
                    continue
                if abs(now - was) <= self.tolerance * max(abs(was), abs(now)):
                    self.near += 1
                    continue
            elif was is now:
                continue
            first = first or (column, was, now)
        return first

    def _layer_name(self, layer_id: str) -> Text:
        spec = self.pack.catalogue.layers.get(layer_id)
        shown = one_line(layer_id)
        if spec is None:
            return Text(zh=shown, en=shown)
        return Text(zh=f"“{spec.title.zh}”（{shown}）", en=f"'{spec.title.en}' ({shown})")

    def _place(self, check: Check, place: Place) -> Text:
        kind, name = place
        if kind == "unit":
            zh = unit_names(self.pack, check, "zh").get(name, name)
            en = unit_names(self.pack, check, "en").get(name, name)
            shown = one_line(name)
            if zh == name:
                return Text(zh=shown, en=shown)
            return Text(zh=f"{one_line(zh)}（{shown}）", en=f"{one_line(en)} ({shown})")
        return _said(f"place_{kind}", name=one_line(name))


def _layer_differences(title: Text, old: RecordedLayer, new: RecordedLayer) -> Iterator[Finding]:
    was, now = old.workspace, new.workspace
    if was is not None and now is not None and was.version != now.version:
        yield _finding("layer_version", layer=title, old=was.version, new=now.version)
    hashes = [
        (old.sha256, new.sha256),
        ("" if was is None else was.content_sha256, "" if now is None else now.content_sha256),
        ("" if was is None else was.original_sha256, "" if now is None else now.original_sha256),
    ]
    for one, other in hashes:
        if one != other:
            yield _finding("layer_content", layer=title, old=_short(one), new=_short(other))
            break
    if old.basis != new.basis:
        said = {"old": PHRASES["basis"][old.basis], "new": PHRASES["basis"][new.basis]}
        yield _finding("layer_basis", layer=title, **said)
    described = {
        "file": (old.file, new.file),
        "date": (old.source.date, new.source.date),
        "datum": (old.source.datum, new.source.datum),
    }
    for what, (one, other) in described.items():
        if one != other:
            yield _finding("layer_source", layer=title, what=what, old=_json(one), new=_json(other))
    if old.features != new.features:
        yield _finding("layer_features", layer=title, old=old.features, new=new.features)
    if old.crs != new.crs:
        ways = {"old": _way(old), "new": _way(new)}
        yield _note("layer_crs", layer=title, **ways)


def _way(layer: RecordedLayer) -> str:
    steps = [f"{step.operation} ({step.accuracy_m} m)" for step in layer.crs]
    return one_line("; ".join(steps)) or "—"


def _asked_differences(
    old: RecordedOutcome, new: RecordedOutcome
) -> Iterator[tuple[str, object, object]]:
    """What the plan says otherwise now: measure, parameters, target, whom it is asked of."""
    was, now = old.planned, new.planned
    for name in dict.fromkeys([*was, *now]):
        if was.get(name) != now.get(name):
            yield one_line(name), was.get(name), now.get(name)
    for name in ("measure", "target", "unit", "judge"):
        one, other = getattr(old, name), getattr(new, name)
        if one != other:
            yield name, one, other


def _numbers_by_place(one: RecordedOutcome) -> Mapping[Place, Mapping[str, Number]]:
    def figure(one: RecordedFigure) -> dict[str, Number]:
        return {column: getattr(one, column) for column in VALUE_COLUMNS}

    places: dict[Place, Mapping[str, Number]] = {("whole", ""): figure(one)}
    places |= {("unit", unit.id): figure(unit) for unit in one.units}
    if not isinstance(one, RecordedResult):
        return places
    places |= {("fact", name): {"value": number} for name, number in one.facts.items()}
    places |= {
        ("doubt", f"{number}. {doubt.kind}, {doubt.method}"): {
            "low": doubt.low,
            "high": doubt.high,
            **{f"inputs.{name}": value for name, value in doubt.inputs.items()},
        }
        for number, doubt in enumerate(one.doubts, start=1)
    }
    evidence = one.evidence
    places["evidence", ""] = {"count": float(evidence.count), "area_m2": evidence.area_m2}
    return places


def _shapes(one: RecordedOutcome) -> str:
    return one.evidence.sha256 if isinstance(one, RecordedResult) else ""


def _ground(result: RecordedOutcome) -> Text:
    """A verdict with the ground that it has."""
    verdict, why = PHRASES["verdict"][result.verdict], _said(f"why_{result.why}")
    return Text(zh=f"{verdict.zh}（{why.zh}）", en=f"{verdict.en} ({why.en})")


def _yes_no(said: bool | None) -> Text:  # noqa: FBT001 - what a cell holds
    return _NOTHING if said is None else PHRASES["export"]["yes" if said else "no"]


def _basis_differs(name: Text, old: Basis | None, new: Basis | None) -> Finding:
    was, now = (_NOTHING if b is None else PHRASES["basis"][b] for b in (old, new))
    return _finding("basis", check=name, old=was, new=now)


def _check_name(check: Check) -> Text:
    zh, en = check_title(check, "zh"), check_title(check, "en")
    return Text(zh=f"“{zh}”（{check.id}）", en=f"'{en}' ({check.id})")


def _definition_name(check: Check, one: RecordedDefinition) -> Text:
    return _by(check, one.name, one.across)


def _by(check: Check, name: str, across: Number) -> Text:
    """A check with the definition by which it is measured, and at which value."""
    at = "" if across is None else f"{across:g}"
    shown = cut(one_line(name))
    variant = check.variants.get(name)
    titles = Text(zh=shown, en=shown) if variant is None else variant.title
    return _said("by_at" if at else "by", check=_check_name(check), title=titles, at=at)


def _short(sha256: str) -> str:
    return sha256[:_HASH_LETTERS] or "—"


def _exactly(number: Number) -> str:
    return "—" if number is None else repr(number)


def _json(value: object) -> str:
    return cut(one_line(json.dumps(value, ensure_ascii=False)))


def _finding(phrase: str, /, **values: object) -> Finding:
    return Finding(_said(phrase, **values))


def _note(phrase: str, /, **values: object) -> Finding:
    return Finding(_said(phrase, **values), note=True)


def _said(phrase: str, /, **values: object) -> Text:
    """Fill a phrase of the table `record` in both languages."""

    def in_(lang: Language) -> dict[str, object]:
        return {key: v.in_(lang) if isinstance(v, Text) else v for key, v in values.items()}

    template = PHRASES["record"][phrase]
    return Text(zh=template.zh.format(**in_("zh")), en=template.en.format(**in_("en")))


def _row(names: Sequence[Text]) -> Text:
    """Names in a row, as each language lists them."""
    return Text(zh=listed([n.zh for n in names], "zh"), en=listed([n.en for n in names], "en"))


def shown(replayed: Replay, most: int) -> Sequence[Text]:
    """The lines of a report: notes, differences, at most so many, and the one that sums up."""
    notes = [_said("note", text=one.text) for one in replayed.findings if one.note]
    found = [one.text for one in replayed.findings if not one.note]
    more = [_said("more", count=len(found) - most)] if len(found) > most else []
    return [*notes, *found[:most], *more, replayed.summary]
