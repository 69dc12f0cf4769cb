"""Statistics of the zones of any polygon layer, each with how low and how high it may be."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers import InputError, Pack, Problem, weakest
from layers.toml import unknown
from spatial.doubt.band import SYNTHETIC, accuracies, extremes, inner, outer
from spatial.geometry.edges import Shapes
from spatial.geometry.lattice import Floats
from spatial.geometry.overlay import dissolve, polygonal
from spatial.measurement import SLIVER_M2, Measurement
from spatial.measures import land_areas, land_share, stop_coverage
from spatial.measures.population import people_in, unnumbered
from spatial.phrases import M2_PER_HA, M2_PER_MU
from spatial.plan import Land, ZoneStatisticsSpec
from spatial.zone_table import COUNTS, ENDS, WHOLE, ZoneTable

_CLASSIFIED, _REST = "1", "0"


def polygon_layers(pack: Pack) -> tuple[str, ...]:
    """Ids of the layers whose features can be zones."""
    return tuple(id_ for id_, layer in pack.layers.items() if layer.spec.geometry == "polygon")


def zone_statistics(
    pack: Pack,
    parts: ZoneStatisticsSpec,
    layer_id: str,
    *,
    radius_m: float | None = None,
    ranges: Collection[str] | None = None,
) -> ZoneTable:
    """Measure each feature of a polygon layer, with the range of what positions allow.

    Green and water are areas of the union of the land in those classes; the blue-green share
    counts land that is both once. Coverage is that of `stop_coverage`, once over the whole zone
    and once over the built-up area in it. `radius_m` stands in for the pack's own radius.

    Shares have the range of their measures, `land_share` and `stop_coverage`; what they are a
    share of may be as small and as large as the zone's border lets it be, and an area that is
    covered, green or left over lies between the least of such an area and the most. A zone holds
    at least the features that lie farther inside than their accuracy and its border's together,
    and at most those that may lie inside. Residents without a number leave the high end open;
    where no others live there is no value. `ranges` names the statistics whose range is wanted,
    as some take long; all, if it is not given.

    Raises InputError where the layer does not exist, is not delivered or is not made of polygons.
    """
    if layer_id in pack.unavailable:
        raise InputError([pack.unavailable[layer_id]])
    if layer_id not in pack.layers or layer_id not in polygon_layers(pack):
        message = unknown("polygon layer", layer_id, polygon_layers(pack))
        raise InputError([Problem("zones", "", "layer", message)])
    radius = parts.radius_m if radius_m is None else radius_m
    zones = pack.layers[layer_id].frame
    measured = _Zones.of(pack, zones, ranges)
    statistics, used = dict(measured.areas()), [layer_id]
    for layers, found in measured.others(parts, radius):
        statistics |= found
        used += layers
    asked = {name: one for name, one in statistics.items() if measured.asks(name)}
    rows = pd.Index([*zones.index, WHOLE], name="id")
    frame = pd.DataFrame({name: one.value[:-1] for name, one in statistics.items()}, zones.index)
    basis = weakest(pack.layers[layer].basis for layer in used)
    land = parts.land if "blue_green_share" in statistics else None
    defined = parts.definitions.get(parts.definition)
    numberless = 0
    if "people" in statistics:
        homes = pack.layers[parts.population].frame
        numberless = int(unnumbered(homes, people_column=parts.people_column).sum())
    return ZoneTable(
        layer=layer_id,
        frame=gpd.GeoDataFrame(
            frame.assign(basis=zones["basis"]).rename_axis("id"), geometry=zones.geometry
        ),
        total={name: float(one.value[-1]) for name, one in statistics.items()},
        basis=basis,
        radius_m=radius,
        low=pd.DataFrame({name: one.low for name, one in asked.items()}, rows),
        high=pd.DataFrame({name: one.high for name, one in asked.items()}, rows),
        green=() if land is None else land.green,
        water=() if land is None else land.water,
        definition=None if land is None or defined is None else defined.title,
        invented=tuple(
            layer
            for layer in dict.fromkeys(used)
            if (pack.layers[layer].frame["basis"] == SYNTHETIC).any()
        ),
        unnumbered=numberless,
    )


@dataclass(frozen=True, slots=True)
class _Statistic:
    """A statistic of zones and, last, of their union: values, and what they can be at least, most.

    A value that is missing could not be measured; an end that is missing is open.
    """

    value: Floats
    low: Floats
    high: Floats

    @classmethod
    def exact(cls, value: Floats) -> "_Statistic":
        return cls(value, value, value)

    @classmethod
    def within(cls, value: Floats, low: Floats, high: Floats) -> "_Statistic":
        """Values with ends that, whatever the rounding, do not leave them outside."""
        return cls(value, np.fmin(low, value), np.fmax(high, value))

    @classmethod
    def of(cls, found: Measurement) -> "_Statistic":
        """The units and the whole of a measurement."""
        whole = [
            math.nan if end is None else end
            for end in (found.whole.value, found.whole.low, found.whole.high)
        ]
        table = found.values[["value", *ENDS]].to_numpy(dtype=np.float64)
        return cls(*np.vstack([table, whole]).T)

    def per(self, unit: float) -> "_Statistic":
        """The same in another unit."""
        return _Statistic(self.value / unit, self.low / unit, self.high / unit)

    def rest(self) -> "_Statistic":
        """What is left of a share."""
        return _Statistic(1.0 - self.value, 1.0 - self.high, 1.0 - self.low)

    def of_area(self, value: Floats, area: "_Statistic") -> "_Statistic":
        """The area that this is the share of, between the least of the least and most of the most.

        Where there is no share, as nothing was drawn to have one, it may be any.
        """
        low, high = np.nan_to_num(self.low, nan=0.0), np.nan_to_num(self.high, nan=1.0)
        return _Statistic.within(value, low * area.low, high * area.high)


_Found = Mapping[str, _Statistic]


@dataclass(frozen=True, slots=True)
class _Zones:
    """Zones, what is asked of them, and how large they and, last, their union can be."""

    pack: Pack
    zones: gpd.GeoDataFrame
    rows: gpd.GeoDataFrame
    least: Shapes
    most: Shapes
    ranges: Collection[str] | None

    @classmethod
    def of(cls, pack: Pack, zones: gpd.GeoDataFrame, ranges: Collection[str] | None) -> "_Zones":
        shapes, off = zones.geometry.to_numpy(), accuracies(zones)
        drawn = np.append(shapes, shapely.union_all(shapes))
        # Taken as one row the union is as far off as the worst of its zones.
        rows = gpd.GeoDataFrame(
            {"accuracy_m": np.append(off, off.max(initial=0.0))},
            geometry=drawn,
            index=[*zones.index.astype(str), WHOLE],
            crs=zones.crs,
        )
        least = most = drawn
        if ranges is None or len(ranges):
            smallest, largest = extremes(zones)
            least = np.append(inner(shapes, off), smallest)
            most = np.append(outer(shapes, off), largest)
        return cls(pack, zones, rows, least, most, ranges)

    def asks(self, *names: str) -> bool:
        """Whether the range of any of some statistics is wanted."""
        return self.ranges is None or any(name in self.ranges for name in names)

    @property
    def drawn(self) -> Shapes:
        shapes: Shapes = self.rows.geometry.to_numpy()
        return shapes

    @property
    def area(self) -> _Statistic:
        return _Statistic.within(*(shapely.area(s) for s in (self.drawn, self.least, self.most)))

    def areas(self) -> _Found:
        area = self.area
        return {
            "area_m2": area,
            "area_ha": area.per(M2_PER_HA),
            "area_mu": area.per(M2_PER_MU),
        }

    def others(
        self, parts: ZoneStatisticsSpec, radius_m: float
    ) -> Iterator[tuple[tuple[str, ...], _Found]]:
        """What other layers tell of the zones, and which."""
        there = self.pack.layers
        if parts.land is not None and parts.land.layer in there:
            yield (parts.land.layer,), self.land(there[parts.land.layer].frame, parts.land)
        built = there[parts.built_up].frame if parts.built_up in there else None
        built_up: _Statistic | None = None
        if built is not None:
            built_up = self.built_up(built)
            yield (parts.built_up,), {"built_up_m2": built_up}
        if parts.population in there:
            people = self.people(there[parts.population].frame, parts.people_column)
            yield (parts.population,), {"people": people}
        for name in COUNTS:
            layer = getattr(parts, name)
            if layer in there:
                found = self.inside(there[layer].frame, _count, asked=self.asks(name))
                yield (layer,), {name: found}
        if parts.stops in there:
            stops = there[parts.stops].frame
            yield (parts.stops,), self.coverage(stops, radius_m)
            if built is not None and built_up is not None:
                yield (parts.stops,), self.built_up_coverage(stops, built, built_up, radius_m)

    def land(self, cover: gpd.GeoDataFrame, land: Land) -> _Found:
        """Green, water, both as area and as share, and land without a class."""
        found: dict[str, _Statistic] = {}
        groups = {"green": land.green, "water": land.water, "blue_green": land.green + land.water}
        for name, codes in groups.items():
            drawn = land_areas(cover, self.rows, classes=codes, class_column=land.column)
            share = _Statistic.exact(drawn["value"].to_numpy())
            if self.asks(f"{name}_m2", f"{name}_share"):
                share = _Statistic.of(
                    land_share(cover, self.zones, classes=codes, class_column=land.column)
                )
            found[f"{name}_m2"] = share.of_area(drawn["numerator"].to_numpy(), self.area)
        found["blue_green_share"] = share
        missing = ((drawn["high"] - drawn["low"]) * drawn["denominator"]).to_numpy()
        found["unclassified_m2"] = self.unclassified(cover, land.column, missing)
        return found

    def unclassified(self, cover: gpd.GeoDataFrame, column: str, missing_m2: Floats) -> _Statistic:
        """Land without a class, its range that of a class of its own."""
        if not self.asks("unclassified_m2") or missing_m2[-1] < SLIVER_M2:
            return _Statistic.exact(missing_m2)
        known = cover[cover[column].fillna("") != ""]
        rest = polygonal(shapely.difference(self.drawn[-1], dissolve(known.geometry.to_numpy())))
        off = accuracies(known)
        every = gpd.GeoDataFrame(
            {
                column: [_CLASSIFIED] * len(known) + [_REST],
                "accuracy_m": np.append(off, off.max(initial=0.0)),
            },
            geometry=[*known.geometry, rest],
            crs=cover.crs,
        )
        found = _Statistic.of(land_share(every, self.zones, classes=(_REST,), class_column=column))
        return found.of_area(missing_m2, self.area)

    def built_up(self, built: gpd.GeoDataFrame) -> _Statistic:
        """Built-up area in the zones: its borders and theirs off by their accuracy."""
        shapes = built.geometry.to_numpy()
        drawn = shapely.area(shapely.intersection(self.drawn, shapely.union_all(shapes)))
        if not self.asks("built_up_m2", "built_up_gap_m2"):
            return _Statistic.exact(drawn)
        least, most = extremes(built)
        low = shapely.area(shapely.intersection(self.least, least))
        return _Statistic.within(drawn, low, shapely.area(shapely.intersection(self.most, most)))

    def people(self, population: gpd.GeoDataFrame, column: str) -> _Statistic:
        """Residents of the zones; where some have no number, more may live there."""

        def living(homes: gpd.GeoDataFrame, shapes: Shapes) -> Floats:
            return people_in(homes, shapes, people_column=column)

        asked = self.asks("people")
        found = self.inside(population, living, asked=asked)
        missing = unnumbered(population, people_column=column)
        if not missing.any():
            return found
        ones = population[missing].assign(**{column: 1.0})
        without = self.inside(ones, living, asked=asked)
        nobody = (found.value <= 0) & (without.value > 0)
        return _Statistic(
            np.where(nobody, np.nan, found.value),
            found.low,
            np.where(without.high > 0, np.nan, found.high),
        )

    def inside(
        self,
        features: gpd.GeoDataFrame,
        number: Callable[[gpd.GeoDataFrame, Shapes], Floats],
        *,
        asked: bool,
    ) -> _Statistic:
        """What features in the zones amount to: as drawn, surely inside, and perhaps."""
        value = number(features, self.drawn)
        if not asked:
            return _Statistic.exact(value)
        low, high, off = np.zeros(len(value)), np.zeros(len(value)), accuracies(features)
        for metres in np.unique(off):
            some, by = features[off == metres], np.full(len(value), metres)
            low += number(some, inner(self.least, by))
            high += number(some, outer(self.most, by))
        return _Statistic.within(value, low, high)

    def coverage(self, stops: gpd.GeoDataFrame, radius_m: float) -> _Found:
        """Coverage of the zones by stops, and what it leaves."""
        layers = [stops, self.zones]
        if not self.asks("covered_m2", "covered_share", "gap_m2"):
            layers = [_bare(layer) for layer in layers]
        found = stop_coverage(*layers, radius_m=radius_m)
        share = _Statistic.of(found)
        covered, area = _sums(found, "numerator"), _sums(found, "denominator")
        return {
            "covered_m2": share.of_area(covered, self.area),
            "covered_share": share,
            "gap_m2": share.rest().of_area(area - covered, self.area),
        }

    def built_up_coverage(
        self, stops: gpd.GeoDataFrame, built: gpd.GeoDataFrame, area: _Statistic, radius_m: float
    ) -> _Found:
        """Coverage of the built-up area in the zones by stops, and what it leaves."""
        layers = [stops, built, self.rows]
        if not self.asks("built_up_covered_share", "built_up_gap_m2"):
            layers = [_bare(layer) for layer in layers]
        values = stop_coverage(*layers, radius_m=radius_m).values
        share = _Statistic(*values[["value", *ENDS]].to_numpy(dtype=np.float64).T)
        gap = (values["denominator"] - values["numerator"]).fillna(0.0).to_numpy()
        return {
            "built_up_covered_share": share,
            "built_up_gap_m2": share.rest().of_area(gap, area),
        }


def _bare(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """A frame without accuracies: its figures have no range that takes time to find."""
    return frame[["geometry"]]


def _sums(found: Measurement, column: str) -> Floats:
    """Numerators or denominators of the units and, last, of the whole."""
    whole = getattr(found.whole, column)
    sums: Floats = np.append(found.values[column].to_numpy(), 0.0 if whole is None else whole)
    return sums


def _count(features: gpd.GeoDataFrame, shapes: Shapes) -> Floats:
    """How many features each of many polygons holds, or has on its border."""
    shape, _ = shapely.STRtree(features.geometry.to_numpy()).query(shapes, predicate="intersects")
    return np.bincount(shape, minlength=len(shapes)).astype(np.float64)
