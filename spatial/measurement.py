"""What a measure hands back: values by unit, the whole, and the places that show it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

import geopandas as gpd
import pandas as pd
from pydantic import Field

from layers.catalogue import GeometryKind
from layers.grid import Grid

POINT: GeometryKind = "point"
LINE: GeometryKind = "line"
POLYGON: GeometryKind = "polygon"
RASTER: GeometryKind = "raster"
BESIDE = "beside"
"""Marks a layer that only adds to the evidence: the value does not rest on it."""

Points = Annotated[gpd.GeoDataFrame, POINT]
"""A frame of points in a metric CRS, indexed by feature id."""
Lines = Annotated[gpd.GeoDataFrame, LINE]
"""A frame of lines in a metric CRS, indexed by feature id."""
Polygons = Annotated[gpd.GeoDataFrame, POLYGON]
"""A frame of polygons in a metric CRS, indexed by feature id."""
People = Annotated[gpd.GeoDataFrame, POINT, POLYGON]
"""A frame of points or polygons with a number of residents each, in a column named beside it."""
PeopleBeside = Annotated[gpd.GeoDataFrame, POINT, POLYGON, BESIDE]
"""Residents who are told beside the value: how many live in a gap."""
Features = Annotated[gpd.GeoDataFrame, POINT, LINE, POLYGON]
"""A frame of features of any kind, of several layers perhaps: the column `layer` has their ids."""
Rasters = Annotated[Grid, RASTER]
"""The cells of a raster layer, in a CRS of their own."""
FARTHEST_M = 20_037_508.0
"""Half way round the Earth."""
Metres = Annotated[float, Field(gt=0, le=FARTHEST_M, allow_inf_nan=False)]
"""A length that a planner sets, in metres."""

VALUE_COLUMNS = ("value", "numerator", "denominator", "low", "high")
CONFIDENCE_95 = 1.959963984540054
"""Standard errors to either side that take in 95 % of a normal distribution."""
RADIUS_68 = 1.5095921854516636
"""Standard deviations along an axis in the radius that holds 68 % of a normal in the plane."""
SLIVER_M2 = 1.0
"""Pieces smaller than this are not listed as evidence; their area still counts in the figures."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number and what it was made from; None where there was nothing to measure.

    `low` and `high` bound the value as far as the measure knows its own uncertainty; they equal
    the value where it knows none. Where there is a value, an end that is None is open: nothing
    bounds the value that way. Ends without a value bound what could not be measured.
    """

    value: float | None
    numerator: float | None
    denominator: float | None
    low: float | None
    high: float | None


NOTHING = Figure(None, None, None, None, None)


DoubtKind = Literal[
    "position",
    "classification",
    "unclassified",
    "snap",
    "segments",
    "kind",
    "unnumbered",
    "unreached",
]
DoubtMethod = Literal["band", "propagation", "estimate", "simulation", "bounds"]


@dataclass(frozen=True, slots=True)
class Doubt:
    """One cause of a figure's range, and how far it alone lets the whole figure be off.

    `kind` is where the doubt comes from: positions of the inputs, errors of classification, land
    or projects of no known class or kind, how points reach the network, discs drawn as polygons,
    features without the number that is asked of them, people who reach no facility.
    `method` is how the range was found: an analytic `band` that no displacement within the
    stated accuracies can leave, error `propagation` to first order, a statistical `estimate` of
    95 %, a seeded `simulation`, or `bounds` between which the cases not decided lie. `inputs`
    are the numbers it was found from, e.g. metres of accuracy by argument. An end that is
    infinite is open.
    """

    kind: DoubtKind
    method: DoubtMethod
    low: float
    high: float
    inputs: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measurement:
    """Values by unit, the figure for all units together, and the evidence.

    `values` has one row per unit (index: unit id) and the columns of VALUE_COLUMNS, missing where
    a unit has nothing to measure. `whole` is measured over the union, so that overlapping units
    do not count twice. `evidence` holds the places that speak against the target, largest first,
    with `unit` (the id of the unit they lie in) and `area_m2`, in the metric CRS. `doubts` say
    where the range of the whole comes from; `facts` are further numbers that belong to the
    answer, by the name of their phrase, whose ending is the unit: `_people`, `_m2`, `_m`,
    `_share`, `_count`.
    """

    values: pd.DataFrame
    whole: Figure
    evidence: gpd.GeoDataFrame
    doubts: tuple[Doubt, ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)


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
    numerator = max(min(float(numerator), float(denominator)), 0.0)
    high = min(numerator + max(unknown, 0.0), float(denominator))
    value = numerator / denominator
    return Figure(value, numerator, float(denominator), value, high / denominator)


def ranged(figure: Figure, low: float, high: float) -> Figure:
    """Return a figure with its range widened to take in `low` and `high`; never narrowed.

    An infinite end opens the range that way; an end that is open stays so.

    >>> ranged(Figure(0.5, 5, 10, 0.5, 0.5), 0.4, 0.7)
    Figure(value=0.5, numerator=5, denominator=10, low=0.4, high=0.7)
    >>> ranged(Figure(5, 5, None, 5, 5), 4, math.inf)
    Figure(value=5, numerator=5, denominator=None, low=4.0, high=None)
    """
    if figure.value is None:
        return figure
    least = None if figure.low is None else _bounded(min(float(low), figure.low))
    most = None if figure.high is None else _bounded(max(float(high), figure.high))
    return Figure(figure.value, figure.numerator, figure.denominator, least, most)


def _bounded(end: float) -> float | None:
    return end if math.isfinite(end) else None


def by_unit(ids: Sequence[str], figures: Sequence[Figure]) -> pd.DataFrame:
    """Lay figures out as the `values` table of a Measurement."""
    rows = [[getattr(figure, name) for name in VALUE_COLUMNS] for figure in figures]
    index = pd.Index(ids, dtype=str, name="unit")
    return pd.DataFrame(rows, index=index, columns=list(VALUE_COLUMNS), dtype="float64")
