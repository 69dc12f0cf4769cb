"""A planner's raster by the command line, and whether it serves the checks that ask for it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from layers import InputError, Language, Pack, Problem
from layers.formats import Found
from layers.grid import Grid
from layers.own_raster import (
    RasterIntake,
    RasterSummary,
    placed_outline,
    raster_to_be_stored,
    summary,
)
from layers.reader import Reader
from layers.workspace import Original, StoredLayer
from spatial.intake_command import Request, chosen_part, declared_as
from spatial.measures import MEASURES
from spatial.measures.raster import counting_values
from spatial.phrases import check_title
from spatial.plan import Check, Plan

_MOST_NAMED = 12


def is_raster_layer(pack: Pack, layer_id: str) -> bool:
    """Whether a layer of the pack is one of cells."""
    spec = pack.catalogue.layers.get(layer_id)
    return spec is not None and spec.geometry == "raster"


def class_problems(plan: Plan, layer_id: str, grid: Grid, where: str) -> list[Problem]:
    """Find a raster of decimals where checks ask for classes, or one without any of the classes."""
    asked = list(_asked(plan, layer_id))
    if not asked:
        return []
    check = asked[0]
    titles = {lang: check_title(check, lang) for lang in ("zh", "en")}
    wanted = ", ".join(str(one) for one in check.params["classes"])
    if not grid.is_classes:
        message = (
            f"its cells hold decimals, which are amounts; '{titles['en']}' asks for classes, whole"
            f" numbers such as {wanted}: classify it first"
        )
        zh = (
            f"像元值为小数，是数量而不是类别；“{titles['zh']}”要的是类别，即整数（如 {wanted}）；"
            "请先分类"
        )
        return [Problem(where, "", "value", message, zh=zh)]
    values = grid.classes()
    if any(
        counting_values(values, one.params["classes"], one.params.get("code_digits", 0))
        for one in asked
    ):
        return []
    there = ", ".join(str(value) for value in values[:_MOST_NAMED])
    there += " …" if len(values) > _MOST_NAMED else ""
    message = (
        f"no cell is of a class that '{titles['en']}' counts ({wanted}); the values are {there}:"
        " recode it, or choose another band or layer"
    )
    zh = (
        f"没有像元属于“{titles['zh']}”所计的类别（{wanted}）；现有的值为 {there}；"
        "请重新赋值，或改选波段、图层"
    )
    return [Problem(where, "", "value", message, zh=zh)]


def raster_measured_by(plan: Plan, layer_id: str) -> tuple[str, ...]:
    """Ids of the checks that measure on a raster layer, in themselves or by a definition."""
    return tuple(dict.fromkeys(check.id for check in _asked(plan, layer_id)))


def _asked(plan: Plan, layer_id: str) -> Iterator[Check]:
    """The checks and definitions that measure classes of a raster layer."""
    for check in plan.checks.values():
        for one in (check, *(check.defined(name) for name in check.variants)):
            bound = [one.layers.get(name) for name in MEASURES[one.measure].rasters]
            if "classes" in one.params and layer_id in {b.layer for b in bound if b is not None}:
                yield one


@dataclass(frozen=True, slots=True)
class TakenRaster:
    """A raster as it would be kept, and what it holds."""

    stored: StoredLayer
    summary: RasterSummary

    def lines(self, lang: Language) -> tuple[str, ...]:
        """Say what was kept, a line for each."""
        found = self.summary
        return found.size(lang), found.values(lang), found.coverage(lang)


def add_raster(
    pack: Pack,
    plan: Plan,
    found: Found,
    request: Request,
    *,
    reader: Reader,
    band: int | None,
    unused: Mapping[str, bool],
) -> TakenRaster:
    """Make a raster layer of a GeoTIFF's band as the command line asks.

    `unused` says of options that are for features whether they were given. Raises InputError where
    one was, where the file is none or has several bands and none is named, where the datum is not
    declared or a shifted one, and where the checks could not be measured on it.
    """
    name = found.name
    given = ", ".join(option for option, is_given in unused.items() if is_given)
    if given:
        message = f"a raster has no features to map or mend; leave out {given}"
        zh = f"栅格没有要素，不作字段对应和修复；请去掉 {given}"
        raise InputError([Problem(name, "", "option", message, zh=zh)])
    part = chosen_part(found, request.choice)
    if part.kind != "raster":
        message = f"'{request.layer}' is a raster layer and takes a GeoTIFF; this is {found.format}"
        zh = f"“{request.layer}”是栅格图层，须用 GeoTIFF；该文件为 {found.format}"
        raise InputError([Problem(name, "", "format", message, zh=zh)])
    if band is None and part.count > 1:
        message = f"the file has {part.count} bands; name one with --band"
        zh = f"文件有 {part.count} 个波段；请用 --band 指明用哪一个"
        raise InputError([Problem(name, "", "band", message, zh=zh)])
    declared = declared_as(pack, part, request, name)
    grid = reader.grid(request.path, name, band or 1)
    outline = placed_outline(grid, declared, pack, name=name)
    problems = class_problems(plan, request.layer, grid, name)
    if problems:
        raise InputError(problems)
    rows, columns = grid.values.shape
    said = RasterIntake.model_validate(
        {
            "layer": request.layer,
            "band": band or 1,
            "declared": declared,
            "source": request.source_of(name, declared),
            "accuracy_m": request.accuracy_m,
            "size": (columns, rows),
        }
    )
    original = Original(name=name, sha256=found.sha256, size=found.size)
    stored = raster_to_be_stored(pack, outline, said, name=name, original=original)
    return TakenRaster(stored, summary(grid, declared, pack))
