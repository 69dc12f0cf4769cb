"""From a folder to results: open a pack with its plan, run the checks."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd

from layers import Basis, InputError, Pack, Problem, RasterLayer, load_pack, weakest
from layers.catalogue import read_catalogue
from spatial.bindings import catalogue_problems, check_feature_problems, feature_problems
from spatial.indicators import check_problems, read_indicators
from spatial.measures import MEASURES
from spatial.network import Network, walking_network
from spatial.plan import Binding, Check, Plan, read_plan
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


class Inputs:
    """Layers of a pack as checks bind them; a network is built once for all checks.

    `accuracy` is by how much positions are taken to be better known than they are, to tell what
    would follow: 0.5 for half as far off.
    """

    def __init__(self, pack: Pack, *, accuracy: float = 1.0) -> None:
        self.pack = pack
        self._accuracy = accuracy
        self._networks: dict[str, Network] = {}

    def lacks(self, binding: Binding) -> tuple[str, ...]:
        """Layers of a binding that are not there."""
        return tuple(layer for layer in binding.all_layers if not self.pack.delivered(layer))

    def frame(self, binding: Binding) -> gpd.GeoDataFrame:
        """Features that a binding chooses; of several layers, with the column `layer`.

        Those of several have the id `layer:id`, for two layers may number theirs alike.
        """
        chosen = {
            layer: self._known(binding.select(self.pack.layers[layer].frame))
            for layer in binding.all_layers
        }
        if len(chosen) == 1:
            return chosen[binding.layer]
        parts = [
            frame.assign(layer=layer).set_index(f"{layer}:" + frame.index.astype(str))
            for layer, frame in chosen.items()
        ]
        return pd.concat(parts)

    def _known(self, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        if self._accuracy == 1:
            return frame
        return frame.assign(accuracy_m=frame["accuracy_m"] * self._accuracy)

    def raster(self, binding: Binding) -> RasterLayer:
        """The raster layer that a binding names."""
        return self.pack.rasters[binding.layer]

    def network(self, binding: Binding) -> Network:
        """The features of a binding as a network."""
        key = binding.model_dump_json()
        if key not in self._networks:
            self._networks[key] = walking_network(self.frame(binding))
        return self._networks[key]


def run_check(pack: Pack, check: Check, *, inputs: Inputs | None = None) -> CheckResult:
    """Measure one check of the plan on a pack and judge it.

    Where its own layers are missing and it names a stand-in, that is measured in its place. A
    planner's own layer may lack what the check needs; then it cannot be measured on it. `inputs`
    of the same pack keep what checks have in common from one run to the next.
    """
    inputs = Inputs(pack) if inputs is None else inputs
    missing = _missing(check, inputs)
    if missing and check.stand_in:
        other = check.defined(check.stand_in)
        if not _missing(other, inputs):
            # It keeps the check's other definitions: what it stands in for is one of them.
            other = other.model_copy(update={"variants": check.variants})
            return _run(inputs, other, missing=missing, proxy=True)
    return _run(inputs, check, missing=missing)


def _missing(check: Check, inputs: Inputs) -> tuple[str, ...]:
    """Layers on which the value rests and that are not there."""
    beside = MEASURES[check.measure].beside
    bound = [binding for name, binding in check.layers.items() if name not in beside]
    return tuple(dict.fromkeys(layer for binding in bound for layer in inputs.lacks(binding)))


def _run(
    inputs: Inputs, check: Check, *, missing: tuple[str, ...], proxy: bool = False
) -> CheckResult:
    pack, measure = inputs.pack, MEASURES[check.measure]
    there = {name: one for name, one in check.layers.items() if not inputs.lacks(one)}
    rasters = {name: inputs.raster(there[name]) for name in measure.rasters if name in there}
    frames = {name: inputs.frame(one) for name, one in there.items() if name not in rasters}
    bases = {name: tuple(frame["basis"].unique()) for name, frame in frames.items()}
    bases |= {name: (raster.basis,) for name, raster in rasters.items()}
    basis = _weakest(found for name, found in bases.items() if name not in measure.beside)
    beside = _weakest(found for name, found in bases.items() if name in measure.beside)
    if missing and not proxy:
        return judge(check, None, basis, missing=missing, beside=beside)
    bound = {layer for binding in there.values() for layer in binding.all_layers}
    if pack.own & bound and check_feature_problems(check, pack):
        own = tuple(layer for layer in pack.catalogue.layers if layer in pack.own & bound)
        return judge(check, None, basis, unfit=own, beside=beside)
    drawn = any(check.id in pack.catalogue.layers[layer].drawn_to for layer in bound)
    layers = {
        name: inputs.network(there[name]) if name in measure.networks else frame
        for name, frame in frames.items()
    }
    cells = {name: raster.grid for name, raster in rasters.items()}
    measured = measure.function(**layers, **cells, **check.params)
    return judge(check, measured, basis, missing=missing, drawn=drawn, proxy=proxy, beside=beside)


def _weakest(found: Iterable[Iterable[Basis]]) -> Basis | None:
    bases = [basis for bases in found for basis in bases]
    return weakest(bases) if bases else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A check by one definition: at one value of the parameter that it is compared across.

    `name` is that of the variant, empty for the check itself; `across` is None where the
    definition is not compared across anything.
    """

    name: str
    across: float | None
    result: CheckResult


def definition_keys(check: Check) -> tuple[tuple[str, float | None], ...]:
    """The definitions of a check, each with the values that it is compared across, or None."""
    return tuple(
        (name, value)
        for name in check.variants
        for across in [check.defined(name).across]
        for value in ([one for values in across.values() for one in values] if across else [None])
    )


def definitions(
    pack: Pack, check: Check, *, inputs: Inputs | None = None
) -> tuple[Comparison, ...]:
    """Measure a check by all its definitions, each across the values that it names."""
    inputs = Inputs(pack) if inputs is None else inputs
    found = []
    for name in check.variants:
        one = check.defined(name)
        for param, values in one.across.items():
            found += [
                Comparison(
                    name, value, run_check(pack, one.with_params({param: value}), inputs=inputs)
                )
                for value in values
            ]
        if not one.across:
            found.append(Comparison(name, None, run_check(pack, one, inputs=inputs)))
    return tuple(found)


def run_checks(
    pack: Pack, plan: Plan, *, only: Iterable[str] | None = None
) -> tuple[CheckResult, ...]:
    """Run the checks of the plan in its order, or only those named."""
    ids = plan.checks if only is None else [id_ for id_ in plan.checks if id_ in set(only)]
    inputs = Inputs(pack)
    return tuple(run_check(pack, plan.checks[check_id], inputs=inputs) for check_id in ids)
