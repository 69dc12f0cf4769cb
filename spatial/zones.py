"""Statistics of the zones of any polygon layer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd
import shapely

from layers import Basis, InputError, Language, Pack, Problem, weakest
from layers.toml import unknown
from spatial.measures import land_areas, stop_coverage
from spatial.measures.population import people_in
from spatial.phrases import M2_PER_HA, M2_PER_MU, PHRASES, feature_names, phrase
from spatial.plan import ZoneStatisticsSpec

_COUNTS = ("terminals", "stops")
_WHOLE = ""  # no feature has an empty id


@dataclass(frozen=True, slots=True)
class ZoneTable:
    """Statistics by zone.

    `frame` has one row per zone (index: zone id, geometry in the metric CRS, `basis` of the zone)
    and one column per statistic: areas in m² (`…_m2`; `area_ha` and `area_mu` beside `area_m2`),
    shares 0 to 1 (`…_share`), counts (`terminals`, `stops`); a column is there only where the pack
    has the layer for it, a value is missing where there was nothing to divide by. `total` holds
    the same statistics for the union of all zones, so that overlapping zones do not count twice.
    `basis` is the weakest of all inputs. `green` and `water` are the codes that counted as such.
    """

    layer: str
    frame: gpd.GeoDataFrame
    total: Mapping[str, float]
    basis: Basis
    radius_m: float
    green: tuple[str, ...] = ()
    water: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the statistics, in order."""
        return tuple(self.total)

    def named(self, pack: Pack, lang: Language, *, hectares: bool = False) -> pd.DataFrame:
        """The table for people: id, name, titled columns and basis; shares in per cent.

        `hectares` gives areas in hectares, as they are read, in place of the m² of an export.
        """
        names = feature_names(pack, self.layer, lang)
        table = pd.DataFrame(index=self.frame.index)
        table[phrase("export", "id", lang)] = self.frame.index
        table[phrase("export", "name", lang)] = [names[str(zone)] for zone in self.frame.index]
        for column in self.columns:
            scale, title = 1.0, self.title(column, lang, hectares=hectares)
            if column.endswith("_share"):
                scale = 100.0
            elif column.endswith("_m2") and hectares:
                scale = 1 / M2_PER_HA
            values = self.frame[column] * scale
            table[title] = values.astype("int64") if column in _COUNTS else values
        table[phrase("export", "basis", lang)] = phrase("basis", self.basis, lang)
        return table

    def heading(self, column: str, lang: Language) -> str:
        """Name of a statistic, without its unit."""
        return phrase("zones", column, lang, radius=f"{self.radius_m:g}")

    def title(self, column: str, lang: Language, *, hectares: bool = False) -> str:
        """Name of a statistic with its unit, as it heads a column of numbers."""
        unit = next(name for name in PHRASES["zone_units"] if column.endswith(name))
        if unit == "_m2" and hectares:
            unit = "_ha"
        brackets = "（{}）" if lang == "zh" else " ({})"
        return self.heading(column, lang) + brackets.format(phrase("zone_units", unit, lang))


def polygon_layers(pack: Pack) -> tuple[str, ...]:
    """Ids of the layers whose features can be zones."""
    return tuple(id_ for id_, layer in pack.layers.items() if layer.spec.geometry == "polygon")


def zone_statistics(
    pack: Pack, parts: ZoneStatisticsSpec, layer_id: str, *, radius_m: float | None = None
) -> ZoneTable:
    """Measure each feature of a polygon layer.

    Green and water are areas of the union of the land in those classes; the blue-green share
    counts land that is both once. Coverage is that of `stop_coverage`, once over the whole zone
    and once over the built-up area in it. `radius_m` stands in for the pack's own radius.

    Raises InputError where the layer does not exist, is not delivered or is not made of polygons.
    """
    if layer_id in pack.unavailable:
        raise InputError([pack.unavailable[layer_id]])
    if layer_id not in pack.layers or layer_id not in polygon_layers(pack):
        message = unknown("polygon layer", layer_id, polygon_layers(pack))
        raise InputError([Problem("zones", "", "layer", message)])
    radius = parts.radius_m if radius_m is None else radius_m
    zones = pack.layers[layer_id].frame
    union = zones.geometry.union_all()
    whole = gpd.GeoDataFrame(geometry=[union], index=[_WHOLE], crs=zones.crs)
    # The zones and their union are measured in one pass, as rows of one frame.
    rows = pd.concat([zones[["geometry"]], whole])
    table = pd.DataFrame({"area_m2": rows.area}, index=rows.index)
    table["area_ha"] = table["area_m2"] / M2_PER_HA
    table["area_mu"] = table["area_m2"] / M2_PER_MU
    used = [layer_id, *_land(pack, parts, rows, table), *_places(pack, parts, rows, table)]
    used += _coverage(pack, parts, rows, table, radius)
    total = {str(name): float(table[name].loc[_WHOLE]) for name in table.columns}
    frame = gpd.GeoDataFrame(
        table.drop(index=_WHOLE).assign(basis=zones["basis"]),
        geometry=zones.geometry,
    )
    frame.index.name = "id"
    basis = weakest(pack.layers[layer].basis for layer in used)
    green: tuple[str, ...] = ()
    water: tuple[str, ...] = ()
    if parts.land is not None and "blue_green_share" in total:
        green, water = parts.land.green, parts.land.water
    return ZoneTable(layer_id, frame, total, basis, radius, green, water)


def _land(
    pack: Pack, parts: ZoneStatisticsSpec, rows: gpd.GeoDataFrame, table: pd.DataFrame
) -> Iterator[str]:
    """Put green, water and built-up area into the table; the layers that were used."""
    land = parts.land
    if land is not None and land.layer in pack.layers:
        yield land.layer
        cover = pack.layers[land.layer].frame
        classes = {"green": land.green, "water": land.water, "blue_green": land.green + land.water}
        for name, codes in classes.items():
            values = land_areas(cover, rows, classes=codes, class_column=land.column)
            table[f"{name}_m2"] = values["numerator"]
        table["blue_green_share"] = values["value"]
        table["unclassified_m2"] = (values["high"] - values["low"]) * values["denominator"]
    if parts.built_up in pack.layers:
        yield parts.built_up
        built = shapely.union_all(pack.layers[parts.built_up].frame.geometry.to_numpy())
        table["built_up_m2"] = shapely.area(shapely.intersection(rows.geometry, built))


def _places(
    pack: Pack, parts: ZoneStatisticsSpec, rows: gpd.GeoDataFrame, table: pd.DataFrame
) -> Iterator[str]:
    """Put residents, terminals and stops into the table; the layers that were used."""
    if parts.population in pack.layers:
        yield parts.population
        population = pack.layers[parts.population].frame
        shapes = rows.geometry.to_numpy()
        table["people"] = people_in(population, shapes, people_column=parts.people_column)
    for name in ("terminals", "stops"):
        points = getattr(parts, name)
        if points in pack.layers:
            yield points
            table[name] = _count(pack.layers[points].frame, rows)


def _coverage(
    pack: Pack,
    parts: ZoneStatisticsSpec,
    rows: gpd.GeoDataFrame,
    table: pd.DataFrame,
    radius: float,
) -> Iterator[str]:
    """Put coverage by stops, of zones and of the built-up area in them, into the table."""
    if parts.stops not in pack.layers:
        return
    yield parts.stops
    stops = pack.layers[parts.stops].frame[["geometry"]]  # figures only: no range, no accuracy
    covered = stop_coverage(stops, rows, radius_m=radius).values
    table["covered_m2"] = covered["numerator"]
    table["covered_share"] = covered["value"]
    table["gap_m2"] = covered["denominator"] - covered["numerator"]
    if parts.built_up in pack.layers:
        built_up = pack.layers[parts.built_up].frame[["geometry"]]
        covered = stop_coverage(stops, built_up, rows, radius_m=radius).values
        table["built_up_covered_share"] = covered["value"]
        table["built_up_gap_m2"] = (covered["denominator"] - covered["numerator"]).fillna(0.0)


def _count(points: gpd.GeoDataFrame, zones: gpd.GeoDataFrame) -> pd.Series:
    tree = shapely.STRtree(points.geometry.to_numpy())
    found = tree.query(zones.geometry.to_numpy(), predicate="intersects")
    return (
        pd.Series(found[0])
        .value_counts()
        .reindex(range(len(zones)), fill_value=0)
        .set_axis(zones.index)
    )
