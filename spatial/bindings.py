"""Whether a plan's checks find in a pack what they bind: layers, columns, values, units."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from layers import Pack, Problem
from layers.catalogue import Catalogue, GeometryKind
from layers.toml import unknown
from spatial.measurement import RASTER
from spatial.measures import MEASURES
from spatial.measures.raster import counting_values
from spatial.plan import ID_COLUMN, PLAN_FILE, Binding, Check, Plan, column_text

COLUMN_PARAMS: Mapping[str, str] = {
    "class_column": "land",
    "people_column": "population",
    "kind_column": "projects",
    "amount_column": "features",
}
"""Parameters that name a column, and the layer argument whose features have it."""
_CODE_PARAMS = {"class_column"}


def catalogue_problems(plan: Plan, catalogue: Catalogue) -> list[Problem]:
    """Find what the plan asks of the catalogue in vain: unknown layers, wrong kinds of geometry."""
    problems: list[Problem] = []
    for check in plan.checks.values():
        problems += _bound_problems(check, catalogue, f"{PLAN_FILE} [{check.id}]")
        for name in check.variants:
            where = f"{PLAN_FILE} [{check.id}].variants.{name}"
            found = _bound_problems(check.defined(name), catalogue, where)
            # What the check itself binds wrongly is said once, there.
            changed = tuple(f"{where}.layers.{bound}" for bound in check.variants[name].layers)
            problems += [problem for problem in found if problem.layer in changed]
    parts = plan.zone_statistics
    wanted: dict[str, GeometryKind] = {
        "zones": "polygon",
        "built_up": "polygon",
        "terminals": "point",
        "stops": "point",
    }
    for part, kind in wanted.items():
        if layer := getattr(parts, part):
            where = f"{PLAN_FILE} [zone_statistics].{part}"
            problems += _kind_problems(catalogue, layer, (kind,), where)
    if parts.population:
        where = f"{PLAN_FILE} [zone_statistics].population"
        problems += _kind_problems(catalogue, parts.population, ("point", "polygon"), where)
    if parts.land is not None:
        where = f"{PLAN_FILE} [zone_statistics].land.layer"
        problems += _kind_problems(catalogue, parts.land.layer, ("polygon",), where)
    for layer_id, spec in catalogue.layers.items():
        for check_id in spec.drawn_to:
            if check_id not in plan.checks:
                where = f"layers.toml [{layer_id}].drawn_to"
                problems.append(
                    Problem(where, "", "check", unknown("check", check_id, list(plan.checks)))
                )
    return problems


def _bound_problems(check: Check, catalogue: Catalogue, where: str) -> Iterator[Problem]:
    kinds = MEASURES[check.measure].layers
    for name, binding in check.layers.items():
        for layer in binding.all_layers:
            yield from _kind_problems(catalogue, layer, kinds[name], f"{where}.layers.{name}")
        if RASTER in kinds[name] and (binding.also or binding.where or binding.begins):
            message = "cells are taken as they are; leave also, where and begins out"
            yield Problem(f"{where}.layers.{name}", "", "where", message)


def _kind_problems(
    catalogue: Catalogue, layer: str, kinds: Sequence[GeometryKind], where: str
) -> Iterator[Problem]:
    if layer not in catalogue.layers:
        yield Problem(where, "", "layer", unknown("layer", layer, list(catalogue.layers)))
    elif catalogue.layers[layer].geometry not in kinds:
        found = catalogue.layers[layer].geometry
        message = f"layer '{layer}' has {found} geometry, {' or '.join(kinds)} geometry is needed"
        yield Problem(where, "", "layer", message)


def feature_problems(plan: Plan, pack: Pack) -> list[Problem]:
    """Find bindings that choose by a column that the layer lacks, or choose nothing."""
    problems = [
        problem for check in plan.checks.values() for problem in check_feature_problems(check, pack)
    ]
    parts = plan.zone_statistics
    if parts.population in pack.layers:
        where = f"{PLAN_FILE} [zone_statistics].people_column"
        frame = pack.layers[parts.population].frame
        problems += _column_problems(parts.people_column, frame, where)
    land_part = parts.land
    if land_part is not None and land_part.layer in pack.layers:
        where = f"{PLAN_FILE} [zone_statistics].land.column"
        problems += _code_problems(land_part.column, pack.layers[land_part.layer].frame, where)
    return problems


def check_feature_problems(check: Check, pack: Pack) -> list[Problem]:
    """Find what one check asks in vain of the features of the layers that are there."""
    problems: list[Problem] = []
    for name, binding in check.layers.items():
        if not binding.also and binding.layer in pack.layers:
            where = f"{PLAN_FILE} [{check.id}].layers.{name}.where"
            problems += _where_problems(binding, pack.layers[binding.layer].frame, where)
    for param, name in COLUMN_PARAMS.items():
        column, bound = check.params.get(param), check.layers.get(name)
        if column and bound and bound.layer in pack.layers and not bound.also:
            where = f"{PLAN_FILE} [{check.id}].params.{param}"
            frame = pack.layers[bound.layer].frame
            if param in _CODE_PARAMS:
                problems += _code_problems(str(column), frame, where)
            else:
                problems += _column_problems(str(column), frame, where)
    problems += _raster_problems(check, pack)
    problems += _limit_problems(check, pack)
    return problems


def _raster_problems(check: Check, pack: Pack) -> Iterator[Problem]:
    """Find rasters of amounts where classes are asked, and classes that no cell is of."""
    for name in MEASURES[check.measure].rasters:
        bound, classes = check.layers.get(name), check.params.get("classes")
        raster = pack.rasters.get(bound.layer) if bound else None
        if raster is None or classes is None:
            continue
        if not raster.grid.is_classes:
            where = f"{PLAN_FILE} [{check.id}].layers.{name}"
            message = f"cells of '{raster.spec.id}' hold decimals, which are amounts, not classes"
            yield Problem(where, "", "value", message)
            continue
        values = raster.grid.classes()
        if not counting_values(values, classes, check.params.get("code_digits", 0)):
            where = f"{PLAN_FILE} [{check.id}].params.classes"
            message = (
                f"no cell of '{raster.spec.id}' is of the classes {', '.join(classes)}; its values"
                f" are {', '.join(map(str, values[:20]))} (code_digits fills them up with noughts)"
            )
            yield Problem(where, "", "value", message)


def needed_values(plan: Plan, layer_id: str) -> Mapping[str, tuple[str, ...]]:
    """Columns of a layer by which the plan chooses or classes, each with the values it names.

    A column by which it only classes, such as that of land-use codes, names none.
    """
    needed: dict[str, dict[str, None]] = {}
    for check in plan.checks.values():
        for binding in check.layers.values():
            if layer_id in binding.all_layers:
                for column, wanted in binding.where.items():
                    values = (wanted,) if isinstance(wanted, str) else wanted
                    needed.setdefault(column, {}).update(dict.fromkeys(values))
                for column in binding.begins:
                    needed.setdefault(column, {})
        for param, name in COLUMN_PARAMS.items():
            bound = check.layers.get(name)
            if bound is not None and layer_id in bound.all_layers and check.params.get(param):
                needed.setdefault(str(check.params[param]), {})
    land_part = plan.zone_statistics.land
    if land_part is not None and land_part.layer == layer_id:
        needed.setdefault(land_part.column, {})
    return {column: tuple(values) for column, values in needed.items()}


def _limit_problems(check: Check, pack: Pack) -> Iterator[Problem]:
    limit, units = check.target.limit, check.unit_layers
    if isinstance(limit, Mapping) and units and set(units) <= set(pack.layers):
        many = len(units) > 1  # see spatial.run.Inputs.frame
        known = [
            f"{layer}:{unit}" if many else str(unit)
            for layer in units
            for unit in pack.layers[layer].frame.index
        ]
        for unit in limit:
            if unit not in known:
                where = f"{PLAN_FILE} [{check.id}].target.{check.target.comparison}"
                yield Problem(where, "", "unit", unknown("unit", unit, known))


def _code_problems(column: str, frame: pd.DataFrame, where: str) -> Iterator[Problem]:
    yield from _column_problems(column, frame, where)
    if column in frame:
        wrong = [value for value in frame[column].dropna() if not isinstance(value, str)]
        if wrong:
            message = f'{column} holds {wrong[0]!r}; codes are text, as in "0301"'
            yield Problem(where, "", "value", message)


def _where_problems(binding: Binding, frame: pd.DataFrame, where: str) -> Iterator[Problem]:
    problems: list[Problem] = []
    for column, wanted in binding.where.items():
        if column != ID_COLUMN:
            problems += _column_problems(column, frame, where)
        if column == ID_COLUMN or column in frame:
            present = sorted(column_text(frame, column).dropna().unique())
            values = (wanted,) if isinstance(wanted, str) else wanted
            for value in values:
                if value not in present:
                    message = unknown("value", value, present[:20])
                    problems.append(Problem(f"{where}.{column}", "", "where", message))
    for column in binding.begins:
        problems += _code_problems(column, frame, where)
    if not problems and binding.select(frame).empty:
        problems.append(Problem(where, "", "where", "no feature has all of these values"))
    yield from problems


def _column_problems(column: str, frame: pd.DataFrame, where: str) -> Iterator[Problem]:
    if column not in frame:
        columns = [str(name) for name in frame.columns if name != "geometry"]
        yield Problem(where, "", "column", unknown("column", column, columns))
