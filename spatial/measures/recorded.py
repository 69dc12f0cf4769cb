"""Amounts that are on record with things: a capacity, a flow, a number of stations."""

import math

import geopandas as gpd
import numpy as np
import pandas as pd

from spatial.geometry.lattice import Floats
from spatial.measurement import NOTHING, Doubt, Features, Measurement, by_unit, ranged
from spatial.measures.extent import amount


def total_recorded(features: Features, *, amount_column: str) -> Measurement:
    """Add up an amount that is on record with things, e.g. tonnes of sewage treated a day.

    One row a feature that has an amount, in the unit of the column, which the target names. A
    feature without one is left out, not taken for nought, and the fact `unrecorded_count` says
    how many those are; where none has one there is no value. There is no evidence.

    What is on record is not measured, so there is no range; but where some amounts are missing,
    the high end of the whole is open. That takes a missing amount to be nought or more.

    Raises ValueError where an amount is not a number.

    >>> from shapely import Point
    >>> plants = gpd.GeoDataFrame({"t_per_d": [12000, 3000, None]}, index=["A", "B", "C"],
    ...     geometry=[Point(0, 0), Point(1, 0), Point(2, 0)], crs="EPSG:4548")
    >>> found = total_recorded(plants, amount_column="t_per_d")
    >>> found.whole.value, found.facts["unrecorded_count"]
    (15000.0, 1.0)
    >>> found.whole.low, found.whole.high
    (15000.0, None)
    """
    amounts = _amounts(features, amount_column)
    known = np.flatnonzero(~np.isnan(amounts))
    missing = float(len(amounts) - len(known))
    # Summed exactly, so that the order of features is irrelevant.
    whole = amount(math.fsum(amounts[known])) if len(known) else NOTHING
    doubts: tuple[Doubt, ...] = ()
    if missing and whole.value is not None:
        whole = ranged(whole, whole.value, math.inf)
        inputs = {"without_number": missing}
        doubts = (Doubt("unnumbered", "bounds", math.fsum(amounts[known]), math.inf, inputs),)
    columns = {"unit": pd.Series(dtype=str), "area_m2": pd.Series(dtype="float64")}
    return Measurement(
        values=by_unit(
            [str(feature) for feature in features.index[known]],
            [amount(one) for one in amounts[known]],
        ),
        whole=whole,
        evidence=gpd.GeoDataFrame(columns, geometry=[], crs=features.crs),
        doubts=doubts,
        facts={"unrecorded_count": missing},
    )


def _amounts(features: gpd.GeoDataFrame, column: str) -> Floats:
    if column not in features:  # of layers taken together none may have it
        return np.full(len(features), np.nan)
    try:
        numbers = pd.to_numeric(features[column])
    except (TypeError, ValueError) as error:
        raise ValueError(f"{column}: {error}; amounts on record are numbers") from error
    amounts: Floats = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    return amounts
