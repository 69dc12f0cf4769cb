"""A table of zone statistics as people read it: titles with units, ranges, numbers, texts."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import geopandas as gpd
import pandas as pd

from layers import Basis, Language, Pack
from layers.text import Text
from spatial.measurement import Figure
from spatial.phrases import (
    M2_PER_HA,
    PHRASES,
    area_text,
    feature_names,
    listed,
    number_text,
    phrase,
    share_end_text,
    share_text,
)

COUNTS = ("terminals", "stops")
"""Statistics that are numbers of features."""
ENDS = ("low", "high")
WHOLE = ""
"""Stands for the union of all zones: no feature has an empty id."""


@dataclass(frozen=True, slots=True)
class ZoneTable:
    """Statistics by zone.

    `frame` has one row per zone (index: zone id, geometry in the metric CRS, `basis` of the zone)
    and one column per statistic: areas in m² (`…_m2`; `area_ha` and `area_mu` beside `area_m2`),
    shares 0 to 1 (`…_share`), counts (`terminals`, `stops`); a column is there only where the pack
    has the layer for it, a value is missing where there was nothing to divide by. `total` holds
    the same statistics for the union of all zones, so that overlapping zones do not count twice.

    `low` and `high` bound the statistics of `ranged`, by zone and, under the empty id, for the
    union, as the ends of a Figure do: they equal the value where no input has an accuracy, and an
    end that is missing beside a value, or beside the other end, is open.

    `basis` is the weakest of all inputs. `green` and `water` are the codes that counted as such,
    `definition` is what that is called, None where it has no name.
    `invented` are the layers with features that stand for nothing and so have no accuracy,
    `unnumbered` how many features of the population have no number.
    """

    layer: str
    frame: gpd.GeoDataFrame
    total: Mapping[str, float]
    basis: Basis
    radius_m: float
    low: pd.DataFrame
    high: pd.DataFrame
    green: tuple[str, ...] = ()
    water: tuple[str, ...] = ()
    definition: Text | None = None
    invented: tuple[str, ...] = ()
    unnumbered: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the statistics, in order."""
        return tuple(self.total)

    @property
    def ranged(self) -> tuple[str, ...]:
        """Names of the statistics whose ends were asked for, in order."""
        return tuple(self.low.columns)

    def is_doubtful(self, column: str) -> bool:
        """Whether a statistic may be other than its value, in any zone or in all together."""
        if column not in self.low:
            return False
        low, high = self.low[column], self.high[column]
        return bool((low < high).any() or (low.isna() != high.isna()).any())

    def value(self, column: str, zone: str = WHOLE) -> float:
        """A statistic of a zone, or of the union of all."""
        return self.total[column] if zone == WHOLE else float(self.frame[column].loc[zone])

    def figure(self, column: str, zone: str = WHOLE) -> Figure:
        """A statistic of a zone, or of the union of all, with its range where it was asked for."""
        known = _known(self.value(column, zone))
        if column not in self.low:
            return Figure(known, known, None, known, known)
        low, high = (_known(end[column].loc[zone]) for end in (self.low, self.high))
        return Figure(known, known, None, low, high)

    def range_text(self, column: str, lang: Language, zone: str = WHOLE) -> str:
        """Write the range of a statistic as it is read; empty where it has none."""
        figure = self.figure(column, zone)
        low, high = (
            None if end is None else _end_text(column, end, lang, figure.high)
            for end in (figure.low, figure.high)
        )
        if low == high:
            return ""
        if low is None or high is None:
            return phrase(
                "span", "range_to" if low is None else "range_from", lang, low=low, high=high
            )
        return phrase("span", "range", lang, low=_without_unit(low, high), high=high)

    def named(self, pack: Pack, lang: Language) -> pd.DataFrame:
        """The table for people: id, name, titled columns and basis; shares in per cent.

        Beside each statistic stand its low and its high, where they were asked for.
        """
        names = feature_names(pack, self.layer, lang)
        table = pd.DataFrame(index=self.frame.index)
        table[phrase("export", "id", lang)] = self.frame.index
        table[phrase("export", "name", lang)] = [names[str(zone)] for zone in self.frame.index]
        for column in self.columns:
            table[self.title(column, lang)] = self.numbers(column)
            for end in ENDS if column in self.low else ():
                table[self.title(column, lang, end=end)] = self.numbers(column, end)
        if self.green or self.water:
            table[phrase("export", "note_classes", lang)] = self.classes(lang)
        table[phrase("export", "basis", lang)] = phrase("basis", self.basis, lang)
        return table

    def classes(self, lang: Language) -> str:
        """Which land counts as blue-green, and what that definition is called; a dash for none."""
        codes = listed([*self.green, *self.water], lang)
        if self.definition is None or not codes:
            return codes or "—"
        name = self.definition.in_(lang)
        return f"{name}（{codes}）" if lang == "zh" else f"{name} ({codes})"

    def numbers(self, column: str, end: str = "", *, hectares: bool = False) -> "pd.Series[float]":
        """A statistic by zone as it stands under its title, or an end of its range.

        `hectares` gives areas in hectares, as they are read, in place of the m² of an export.
        """
        source = {"": self.frame, "low": self.low, "high": self.high}[end]
        values: pd.Series[float] = source[column].loc[self.frame.index]
        if column in COUNTS:
            return cast("pd.Series[float]", values.astype("int64"))
        scale = 1.0
        if column.endswith("_share"):
            scale = 100.0
        elif column.endswith("_m2") and hectares:
            scale = 1 / M2_PER_HA
        return values * scale

    def fields(self) -> gpd.GeoDataFrame:
        """The zones with all statistics under their names, and `…_low` and `…_high` beside them."""
        columns = {}
        for column in self.columns:
            columns[column] = self.frame[column]
            for end in ENDS if column in self.low else ():
                columns[f"{column}_{end}"] = getattr(self, end)[column].loc[self.frame.index]
        table = pd.DataFrame(columns, index=self.frame.index)
        table = table.assign(radius_m=self.radius_m, classes=" ".join([*self.green, *self.water]))
        return gpd.GeoDataFrame(table.assign(basis=self.basis), geometry=self.frame.geometry)

    def heading(self, column: str, lang: Language) -> str:
        """Name of a statistic, without its unit."""
        return phrase("zones", column, lang, radius=f"{self.radius_m:g}")

    def title(self, column: str, lang: Language, *, hectares: bool = False, end: str = "") -> str:
        """Name of a statistic, or of an end of its range, with its unit, over numbers."""
        unit = next(name for name in PHRASES["zone_units"] if column.endswith(name))
        if unit == "_m2" and hectares:
            unit = "_ha"
        name = self.heading(column, lang)
        if end:
            name = phrase("zone_ends", end, lang, name=name)
        brackets = "（{}）" if lang == "zh" else " ({})"
        return name + brackets.format(phrase("zone_units", unit, lang))


def statistic_text(column: str, value: float, lang: Language) -> str:
    """Write a statistic for reading, a dash where there is none.

    >>> statistic_text("covered_share", 0.875, "zh"), statistic_text("area_m2", math.nan, "zh")
    ('87.5%', '—')
    """
    if math.isnan(value):
        return "—"
    if column.endswith("_share"):
        return share_text(value, 1.0)
    return area_text(value, lang) if column.endswith("_m2") else number_text(value)


def _end_text(column: str, value: float, lang: Language, high: float | None) -> str:
    if column.endswith("_m2"):
        return area_text(value, lang, beside_m2=high or 0.0)
    if column.endswith("_share"):
        return share_end_text(value, 1.0)
    return statistic_text(column, value, lang)


def _without_unit(low: str, high: str) -> str:
    """The low end of a range, without a unit that the high end says as well.

    >>> _without_unit("12.7 km²", "40.3 km²"), _without_unit("41.0%", "78.0%")
    ('12.7', '41.0')
    >>> _without_unit("738 ha", "40.3 km²"), _without_unit("5", "12")
    ('738 ha', '5')
    """
    unit = low.lstrip("<0123456789., ")
    return low.removesuffix(unit).rstrip() if high.lstrip("<0123456789., ") == unit else low


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
