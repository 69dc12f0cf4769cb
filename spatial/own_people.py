"""A planner's own numbers of residents, as points, areas or the cells of a raster."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from layers import InputError, Language, Pack, Problem
from layers.catalogue import GeometryKind
from layers.fields import FieldMap
from layers.formats import Part
from layers.intake import CELL_COLUMN
from layers.phrases import phrase
from spatial.bindings import COLUMN_PARAMS
from spatial.measures.population import people_in, residents, unnumbered
from spatial.plan import Check, Plan

PEOPLE_KINDS: tuple[GeometryKind, ...] = ("point", "polygon")
"""What residents may come as, whatever the layer of the pack consists of."""
_ARGUMENT = COLUMN_PARAMS["people_column"]


def people_columns(plan: Plan) -> Mapping[str, str]:
    """Layers whose residents the plan counts, each with the column that holds their number."""
    parts = plan.zone_statistics
    found = {parts.population: parts.people_column} if parts.population else {}
    for check in plan.checks.values():
        for one in (check, *(check.defined(name) for name in check.variants)):
            bound, column = one.layers.get(_ARGUMENT), one.params.get("people_column")
            if bound is not None and column:
                found |= dict.fromkeys(bound.all_layers, str(column))
    return found


def kind_taken(plan: Plan, layer_id: str, part: Part) -> GeometryKind | None:
    """The kind of geometry as which a part becomes a layer of residents; None: as the layer is."""
    kind: GeometryKind | None = "polygon" if part.kind == "raster" else part.geometry
    return kind if layer_id in people_columns(plan) and kind in PEOPLE_KINDS else None


def is_people_raster(plan: Plan, layer_id: str, part: Part) -> bool:
    """Whether a raster is to be read as numbers of residents, a square for each cell."""
    return part.kind == "raster" and layer_id in people_columns(plan)


def people_of_cells(plan: Plan, layer_id: str) -> FieldMap:
    """The mapping by which the amounts of cells become numbers of residents."""
    return FieldMap(columns={people_columns(plan)[layer_id]: CELL_COLUMN})


@dataclass(frozen=True, slots=True)
class OwnPeople:
    """How many residents a layer has, beside the number that the plan names.

    `places` counts the features with residents, `inside` those residents who live in the place
    (of an area that reaches out of it, by the share of its surface), `unnumbered` the features
    without a number; `planned` is None where the plan names no number.
    """

    people: float
    inside: float
    places: int
    unnumbered: int
    planned: float | None
    cells: bool

    def lines(self, lang: Language) -> Iterator[str]:
        """Say how many there are, where, and how far that is from the plan's number."""
        things = phrase("people", "cells" if self.cells else "features")
        yield phrase(
            "people", "total", people=_whole(self.people), places=f"{self.places:,}", things=things
        ).in_(lang)
        if not math.isclose(self.inside, self.people, rel_tol=1e-9):
            yield phrase("people", "inside", people=_whole(self.inside)).in_(lang)
        if self.unnumbered:
            yield phrase("people", "unnumbered", count=f"{self.unnumbered:,}").in_(lang)
        if self.planned:
            share = f"{self.people / self.planned:.1%}"
            yield phrase("people", "planned", planned=_whole(self.planned), share=share).in_(lang)


def own_people(
    plan: Plan, pack: Pack, layer_id: str, frame: gpd.GeoDataFrame, *, cells: bool, where: str
) -> OwnPeople | None:
    """Count the residents of a layer as it would be kept; None where the plan counts none in it.

    `frame` is in the pack's metric CRS. Raises InputError where a number is negative, as cells
    without data are that nobody marked.
    """
    column = people_columns(plan).get(layer_id)
    if column is None or column not in frame:
        return None
    numbers = frame[column].to_numpy(dtype=np.float64, na_value=np.nan)
    negative = numbers < 0
    if negative.any():
        raise InputError([_negative(numbers[negative], cells=cells, where=where)])
    people = residents(frame, people_column=column)
    area = np.array([pack.area], dtype=object)
    return OwnPeople(
        people=math.fsum(people),
        inside=float(people_in(frame, area, people_column=column)[0]),
        places=int(np.count_nonzero(people)),
        unnumbered=int(np.count_nonzero(unnumbered(frame, people_column=column))),
        planned=next(_planned(plan, layer_id), None),
        cells=cells,
    )


def _planned(plan: Plan, layer_id: str) -> Iterator[float]:
    """The numbers of residents that the plan wants of a layer in all."""
    for check in plan.checks.values():
        if _counts(check, layer_id):
            yield from check.target.limits[:1]


def _counts(check: Check, layer_id: str) -> bool:
    bound = check.layers.get(_ARGUMENT)
    is_total = check.measure == "total_people" and check.judge == "whole"
    return is_total and bound is not None and layer_id in bound.all_layers


def _negative(numbers: NDArray[np.float64], *, cells: bool, where: str) -> Problem:
    things = phrase("people", "cells" if cells else "features")
    count, least = f"{len(numbers):,}", f"{numbers.min():g}"
    said = phrase("people", "negative", count=count, least=least, things=things)
    return Problem(where, "", "value", said.en, zh=said.zh)


def _whole(people: float) -> str:
    """A number of residents to one.

    >>> _whole(88270.71), _whole(0.3)
    ('88,271', '<1')
    """
    return "<1" if 0 < people < 1 else f"{people:,.0f}"
