"""What a measure hands back: values by unit, the whole, and the places that show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import geopandas as gpd
import pandas as pd
from pydantic import Field

from layers.catalogue import GeometryKind

POINT: GeometryKind = "point"
LINE: GeometryKind = "line"
POLYGON: GeometryKind = "polygon"

Points = Annotated[gpd.GeoDataFrame, POINT]
"""A frame of points in a metric CRS, indexed by feature id."""
Lines = Annotated[gpd.GeoDataFrame, LINE]
"""A frame of lines in a metric CRS, indexed by feature id."""
Polygons = Annotated[gpd.GeoDataFrame, POLYGON]
"""A frame of polygons in a metric CRS, indexed by feature id."""
Metres = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""A length that a planner sets, in metres."""

VALUE_COLUMNS = ("value", "numerator", "denominator", "low", "high")
SLIVER_M2 = 1.0
"""Pieces smaller than this are not listed as evidence; their area still counts in the figures."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number and what it was made from; None where there was nothing to measure.

    `low` and `high` bound the value as far as the measure knows its own uncertainty; they equal
    the value where it knows none.
    """

    value: float | None
    numerator: float | None
    denominator: float | None
    low: float | None
    high: float | None


NOTHING = Figure(None, None, None, None, None)


@dataclass(frozen=True, slots=True)
class Measurement:
    """Values by unit, the figure for all units together, and the evidence.

    `values` has one row per unit (index: unit id) and the columns of VALUE_COLUMNS, missing where
    a unit has nothing to measure. `whole` is measured over the union, so that overlapping units
    do not count twice. `evidence` holds the places that speak against the target, largest first,
    with `unit` (the id of the unit they lie in) and `area_m2`, in the metric CRS.
    """

    values: pd.DataFrame
    whole: Figure
    evidence: gpd.GeoDataFrame


def share(numerator: float, denominator: float, unknown: float = 0.0) -> Figure:
    """Build the figure of a share; `unknown` is the part of the denominator that may count or not.

    >>> share(3.0, 4.0, unknown=0.5)
    Figure(value=0.75, numerator=3.0, denominator=4.0, low=0.75, high=0.875)
    >>> share(0.0, 0.0).value is None       # no data is never 0 %
    True
    """
    if denominator <= 0:
        return NOTHING
    # Overlay arithmetic may exceed the whole by a rounding error; a share cannot.
    numerator = min(float(numerator), float(denominator))
    high = min(numerator + max(unknown, 0.0), float(denominator))
    value = numerator / denominator
    return Figure(value, numerator, float(denominator), value, high / denominator)


def by_unit(ids: Sequence[str], figures: Sequence[Figure]) -> pd.DataFrame:
    """Lay figures out as the `values` table of a Measurement."""
    rows = [[getattr(figure, name) for name in VALUE_COLUMNS] for figure in figures]
    index = pd.Index(ids, dtype=str, name="unit")
    return pd.DataFrame(rows, index=index, columns=list(VALUE_COLUMNS), dtype="float64")
