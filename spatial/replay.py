"""A recorded run done again: what is different now, one line each."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from layers import InputError, Pack, Text
from spatial.measurement import VALUE_COLUMNS
from spatial.phrases import PHRASES, check_title, unit_names
from spatial.plan import Check, Plan
from spatial.record import (
    PACK_FILES,
    RECORD_FILE,
    Own,
    RecordedFigure,
    RecordedLayer,
    RecordedResult,
    RunRecord,
    one_line,
    parsed,
    run_record,
)
from spatial.run import Inputs, run_check
from spatial.verdict import CheckResult

NEARLY = 1e-9
"""By how much, relatively, a number may differ where other versions of libraries computed it."""
_HASH_LETTERS = 8

Number: TypeAlias = float | None
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

    `checks` and `numbers` count what was compared; `near` the numbers that differ by no more than
    other versions of libraries may make them.
    """

    findings: tuple[Finding, ...]
    checks: int
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
        name = "same_nearly" if self.near else "same"
        return _said(name, checks=self.checks, numbers=self.numbers, near=self.near)


def replay(
    pack: Pack, plan: Plan, recorded: RunRecord, *, own: Mapping[str, Own] | None = None
) -> Replay:
    """Run the checks of a record again, with its parameters, and compare all that it holds.

    Numbers are compared digit by digit; only where the libraries are others may they differ
    relatively by NEARLY.
    """
    results, findings = _run(pack, plan, recorded)
    data = run_record(pack, plan, results, asked=recorded.asked, made=recorded.made, own=own)
    again = parsed(json.loads(json.dumps(data)), RECORD_FILE)
    comparing = _Comparing(pack, plan, recorded, again)
    findings += comparing.findings()
    return Replay(tuple(findings), len(again.results), comparing.numbers, comparing.near)


def _run(
    pack: Pack, plan: Plan, recorded: RunRecord
) -> tuple[tuple[CheckResult, ...], list[Finding]]:
    inputs = Inputs(pack)
    results, findings = [], []
    for one in recorded.results:
        check = plan.checks.get(one.id)
        if check is None:
            findings.append(_finding("check_gone", check=one_line(one.id)))
            continue
        try:
            results.append(run_check(pack, _as_recorded(check, one), inputs=inputs))
        except InputError as error:
            why = one_line(error.problems[0].message)
            findings.append(_finding("check_refused", check=_check_name(check), why=why))
    return tuple(results), findings


def _as_recorded(check: Check, one: RecordedResult) -> Check:
    """Return the check as it, or its stand-in, was measured: parameters, a target of one's own."""
    limit = one.target.get("at_least")
    if isinstance(limit, int | float):  # counts only where the plan names no number
        check = check.with_limit(float(limit))
    if not (one.stand_in and check.stand_in):
        return check.with_params(one.params)
    stand_in = check.variants[check.stand_in]
    measured = stand_in.model_copy(update={"params": {**stand_in.params, **one.params}})
    return check.model_copy(update={"variants": {**check.variants, check.stand_in: measured}})


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
        programs = list(self._programs())
        self.tolerance = NEARLY if programs else 0.0
        yield from programs
        yield from self._files()
        for layer_id in dict.fromkeys([*self.old.layers, *self.new.layers]):
            yield from self._layer(layer_id)
        again = {result.id: result for result in self.new.results}
        for old in self.old.results:
            if old.id in again:
                yield from self._result(old, again[old.id])

    def _programs(self) -> Iterator[Finding]:
        for name, old in self.old.versions.items():
            new = self.new.versions.get(name, old)
            if new != old:
                shown_old = one_line(old)
                yield _note("version", name=one_line(name), old=shown_old, new=new)

    def _files(self) -> Iterator[Finding]:
        for name in PACK_FILES:
            old, new = self.old.pack.files.get(name, ""), self.new.pack.files[name]
            if old != new:
                yield _finding("file", name=name, old=_short(old), new=_short(new))
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
        if old.stand_in == new.stand_in:
            for what, was, now in _asked_differences(old, new):
                yield _finding("asked", check=name, what=what, old=_json(was), new=_json(now))
        ground_changed = (old.why, old.missing) != (new.why, new.missing)
        if old.verdict != new.verdict or ground_changed:
            yield _finding("verdict", check=name, old=_ground(old), new=_ground(new))
        for basis in dict.fromkeys([(old.basis, new.basis), (old.beside, new.beside)]):
            was, now = (Text(zh="—", en="—") if b is None else PHRASES["basis"][b] for b in basis)
            if was != now:
                yield _finding("basis", check=name, old=was, new=now)
        yield from self._numbers(check, old, new)
        met = {unit.id: unit.met for unit in new.units}
        for unit in old.units:
            if unit.id in met and unit.met != met[unit.id]:
                where = self._place(check, ("unit", unit.id))
                said = {"old": _met(unit.met), "new": _met(met[unit.id])}
                yield _finding("met", check=name, place=where, **said)

    def _numbers(self, check: Check, old: RecordedResult, new: RecordedResult) -> Iterator[Finding]:
        name = _check_name(check)
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
        if not different and old.evidence.sha256 != new.evidence.sha256:
            # Other libraries may turn the last digit of a coordinate; a hash cannot say how far.
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
    ]
    for one, other in hashes:
        if one != other:
            yield _finding("layer_content", layer=title, old=_short(one), new=_short(other))
            break
    if old.basis != new.basis:
        said = {"old": PHRASES["basis"][old.basis], "new": PHRASES["basis"][new.basis]}
        yield _finding("layer_basis", layer=title, **said)
    if old.features != new.features:
        yield _finding("layer_features", layer=title, old=old.features, new=new.features)
    if old.crs != new.crs:
        ways = {"old": _way(old), "new": _way(new)}
        yield _note("layer_crs", layer=title, **ways)


def _way(layer: RecordedLayer) -> str:
    steps = [f"{step.operation} ({step.accuracy_m} m)" for step in layer.crs]
    return one_line("; ".join(steps)) or "—"


def _asked_differences(
    old: RecordedResult, new: RecordedResult
) -> Iterator[tuple[str, object, object]]:
    """What the plan says otherwise now: measure, parameters, target, whom it is asked of."""
    was, now = old.planned, new.planned
    for name in dict.fromkeys([*was, *now]):
        if was.get(name) != now.get(name):
            yield one_line(name), was.get(name), now.get(name)
    for name in ("measure", "target", "judge"):
        one, other = getattr(old, name), getattr(new, name)
        if one != other:
            yield name, one, other


def _numbers_by_place(result: RecordedResult) -> Mapping[Place, Mapping[str, Number]]:
    def figure(one: RecordedFigure) -> dict[str, Number]:
        return {column: getattr(one, column) for column in VALUE_COLUMNS}

    places: dict[Place, Mapping[str, Number]] = {("whole", ""): figure(result)}
    places |= {("unit", unit.id): figure(unit) for unit in result.units}
    places |= {("fact", name): {"value": number} for name, number in result.facts.items()}
    places |= {
        ("doubt", f"{number}. {doubt.kind}, {doubt.method}"): {
            "low": doubt.low,
            "high": doubt.high,
            **{f"inputs.{name}": value for name, value in doubt.inputs.items()},
        }
        for number, doubt in enumerate(result.doubts, start=1)
    }
    evidence = result.evidence
    places["evidence", ""] = {"count": float(evidence.count), "area_m2": evidence.area_m2}
    return places


def _ground(result: RecordedResult) -> Text:
    """A verdict with the ground that it has."""
    verdict, why = PHRASES["verdict"][result.verdict], _said(f"why_{result.why}")
    return Text(zh=f"{verdict.zh}（{why.zh}）", en=f"{verdict.en} ({why.en})")


def _met(met: bool | None) -> Text:  # noqa: FBT001 - what a unit's cell holds
    if met is None:
        return Text(zh="—", en="—")
    return PHRASES["export"]["yes" if met else "no"]


def _check_name(check: Check) -> Text:
    zh, en = check_title(check, "zh"), check_title(check, "en")
    return Text(zh=f"“{zh}”（{check.id}）", en=f"'{en}' ({check.id})")


def _short(sha256: str) -> str:
    return sha256[:_HASH_LETTERS] or "—"


def _exactly(number: Number) -> str:
    return "—" if number is None else repr(number)


def _json(value: object) -> str:
    return one_line(json.dumps(value, ensure_ascii=False))


def _finding(phrase: str, /, **values: object) -> Finding:
    return Finding(_said(phrase, **values))


def _note(phrase: str, /, **values: object) -> Finding:
    return Finding(_said(phrase, **values), note=True)


def _said(phrase: str, /, **values: object) -> Text:
    """Fill a phrase of the table `record` in both languages."""
    template = PHRASES["record"][phrase]
    zh = {key: value.zh if isinstance(value, Text) else value for key, value in values.items()}
    en = {key: value.en if isinstance(value, Text) else value for key, value in values.items()}
    return Text(zh=template.zh.format(**zh), en=template.en.format(**en))


def shown(replayed: Replay, most: int) -> Sequence[Text]:
    """The lines of a report: notes, differences, at most so many, and the one that sums up."""
    notes = [_said("note", text=one.text) for one in replayed.findings if one.note]
    found = [one.text for one in replayed.findings if not one.note]
    more = [_said("more", count=len(found) - most)] if len(found) > most else []
    return [*notes, *found[:most], *more, replayed.summary]
