"""From a folder to results: open a pack with its plan, run the checks."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from layers import InputError, Pack, Problem, load_pack, weakest
from layers.catalogue import read_catalogue
from spatial.bindings import catalogue_problems, check_feature_problems, feature_problems
from spatial.indicators import check_problems, read_indicators
from spatial.measures import MEASURES
from spatial.plan import Check, Plan, read_plan
from spatial.verdict import CheckResult, judge


def open_pack(folder: Path) -> tuple[Pack, Plan]:
    """Read and validate a pack and its plan before anything is measured.

    Raises InputError with the problems of both, so that they can be mended in one go.
    """
    problems: list[Problem] = []
    pack: Pack | None = None
    plan: Plan | None = None
    try:
        plan = read_plan(folder)
    except InputError as error:
        problems += error.problems
    try:
        pack = load_pack(folder)
    except InputError as error:
        problems += error.problems
    try:
        indicators = read_indicators(folder)
        if plan is not None and indicators is not None:
            problems += check_problems(indicators, plan.checks)
    except InputError as error:
        problems += error.problems
    if plan is not None:
        with suppress(InputError):  # its problems are among those that load_pack has given
            problems += catalogue_problems(plan, read_catalogue(folder))
        if pack is not None and not problems:
            problems += feature_problems(plan, pack)
    if pack is None or plan is None or problems:
        raise InputError(problems)
    return pack, plan


def run_check(pack: Pack, check: Check) -> CheckResult:
    """Measure one check of the plan on a pack and judge it.

    A planner's own layer may lack what the check needs; then it cannot be measured on it.
    """
    bound = {name: binding.layer for name, binding in check.layers.items()}
    missing = tuple(layer for layer in dict.fromkeys(bound.values()) if layer not in pack.layers)
    frames = {
        name: binding.select(pack.layers[binding.layer].frame)
        for name, binding in check.layers.items()
        if binding.layer in pack.layers
    }
    bases = [basis for frame in frames.values() for basis in frame["basis"].unique()]
    basis = weakest(bases) if bases else None
    if missing:
        return judge(check, None, basis, missing=missing)
    if pack.own & set(bound.values()) and check_feature_problems(check, pack):
        own = tuple(layer for layer in dict.fromkeys(bound.values()) if layer in pack.own)
        return judge(check, None, basis, unfit=own)
    drawn = any(check.id in pack.catalogue.layers[layer].drawn_to for layer in bound.values())
    measured = MEASURES[check.measure].function(**frames, **check.params)
    return judge(check, measured, basis, drawn=drawn)


def run_checks(
    pack: Pack, plan: Plan, *, only: Iterable[str] | None = None
) -> tuple[CheckResult, ...]:
    """Run the checks of the plan in its order, or only those named."""
    ids = plan.checks if only is None else [id_ for id_ in plan.checks if id_ in set(only)]
    return tuple(run_check(pack, plan.checks[check_id]) for check_id in ids)
