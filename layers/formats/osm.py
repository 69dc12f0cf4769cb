"""OpenStreetMap extracts (.osm.pbf): the layers that the tag table makes of them.

The shapes come from GDAL's OSM driver, which is told to read the keys of the table and no others,
one of its layers at a time: what is held in memory is what may belong to a layer of ours.
"""

import re
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, GeometryError

from layers.catalogue import GeometryKind
from layers.formats.found import Choice, Part, Raw
from layers.formats.frames import Rows, check_features, check_vertices, chosen, rows
from layers.formats.pbf import read_frame
from layers.formats.refusal import refusal
from layers.limits import Limits
from layers.osm.land import Shapes, cut_by_precedence, polygons
from layers.osm.tags import (
    ADMIN,
    ANY,
    BUILT_UP,
    LAND_COVER,
    LEVEL_KEY,
    NAME,
    NAME_EN,
    Output,
    Rule,
    Shape,
    Tags,
    TagTable,
    read_tag_table,
)

CRS84 = "OGC:CRS84"
FILE_CRS = "EPSG:4326"
"""What every OpenStreetMap file is in, whether or not it says so; x is the longitude."""

AREA_KEYS = (
    "aeroway,amenity,boundary,building,craft,historic,landuse,leisure,man_made,military,natural,"
    "office,place,power,shop,sport,tourism,highway=platform,public_transport=platform,"
    "public_transport=station,railway=platform,railway=station,waterway=dock,waterway=riverbank"
)
"""Keys, or tags, by which a closed way is an area; so is one that says area=yes."""

_DRIVER_LAYERS: Mapping[str, tuple[Shape, ...]] = {
    "points": ("points",),
    "lines": ("lines",),
    "multipolygons": ("areas", "outlines"),
}
_INDEX_MB = "32"  # of the driver's index of nodes; what is more goes to a file, as fast
_DECIMALS = 9  # of a degree; OpenStreetMap itself has seven
_GRID_DEGREES = 1e-9
_MULTIPOLYGON = 6
_METRES_A_DEGREE = 111_000.0  # no degree of latitude is shorter by more
_LEAST_COSINE = 0.01
_EARTH_RADIUS_M = 6_371_008.8
_LEVEL = re.compile(r"[1-9]|1[0-5]")

Extract = Mapping[Shape, gpd.GeoDataFrame]
"""Features by shape, in degrees; the index is n, w or r and OpenStreetMap's number."""
Flags = NDArray[np.bool_]


def inspect(path: Path, where: str, limits: Limits) -> tuple[Part, ...]:
    """Say which layers of the tag table an extract holds, each with its number of features.

    `where` is the user's name of the file. Boundaries are one part for each level (`admin_8`);
    the built-up area is not among them, for it is constructed in metres, with a pack. Raises
    InputError where the file is no whole .osm.pbf, is too large, or holds nothing of the table.
    """
    read_frame(path, where, limits)
    table = read_tag_table()
    parts = _parts(path, where, limits, table, _parted(table))
    if not parts:
        message = "no stops, ways, land use, buildings or boundaries of the tag table are in it"
        zh = "没有标签表所列的站点、道路、用地、建筑或行政边界"
        raise refusal(where, "empty", message, zh=zh)
    return tuple(_rows(name, frame, where, limits).part() for name, frame in parts.items())


def read(path: Path, where: str, choice: Choice, limits: Limits) -> Raw:
    """Read one layer of an extract; its rows have OpenStreetMap's numbers and names.

    Columns: `osm_id`, `name`, `name_en`, `tag`, and for land cover `class_code`. Areas of land
    cover are cut so that none overlaps, by the precedence of the tag table. Raises InputError
    where the file holds no such layer.
    """
    read_frame(path, where, limits)
    table = read_tag_table()
    wanted = ADMIN if choice.part.startswith(f"{ADMIN}_") else choice.part
    parts = _parts(path, where, limits, table, [wanted] if wanted in _parted(table) else [])
    if choice.part not in parts:
        parts = _parts(path, where, limits, table, _parted(table))
    name = list(parts)[chosen(list(parts), choice.part, where)]
    return _rows(name, parts[name], where, limits).raw()


def read_extract(
    path: Path, where: str, rules: Iterable[Rule], limits: Limits | None = None
) -> Extract:
    """Read the features that any of the rules may choose, with the keys that rules look at.

    Raises InputError where GDAL cannot read the file, or it holds more than `limits` allow.
    """
    rules = tuple(rules)
    found: dict[Shape, gpd.GeoDataFrame] = {}
    with _driver_settings(rules) as settings:
        for layer, shapes in _DRIVER_LAYERS.items():
            mine = [rule for rule in rules if set(rule.of) & set(shapes)]
            if mine:
                frame = _layer(path, where, layer, mine, settings)
                if limits is not None:
                    check_features(len(frame), layer, where, limits)
                    vertices = shapely.get_num_coordinates(frame.geometry.to_numpy()).sum()
                    check_vertices(int(vertices), layer, where, limits)
                found |= dict.fromkeys(shapes, frame)
    return found


def features(extract: Extract, table: TagTable, output: str) -> gpd.GeoDataFrame:
    """Choose the features of a layer of the tag table, in degrees.

    The index is OpenStreetMap's number, sorted; columns are `name`, `name_en` (None where nobody
    gave one), `tag` (the first tag of the rule that holds, `highway=bus_stop`), `class_code` for
    land cover, `level` for boundaries, and `rank`, the number of the rule.
    """
    entry = table.outputs[output]
    rules = table.rules_of(output)
    # An empty frame with all columns, for where no rule finds anything.
    taken = [_matching(extract, rules[0].of[0], rules[0], 0, entry).iloc[:0]]
    for rank, rule in enumerate(rules):
        before = np.concatenate([frame.geometry.to_numpy() for frame in taken])
        for shape in rule.of:
            if not _holds(extract[shape], rule).any():
                continue
            frame = _matching(extract, shape, rule, rank, entry)
            if rule.apart_m:
                frame = frame[~_near(frame.geometry.to_numpy(), before, rule.apart_m)]
            taken.append(frame)
    whole = pd.concat(taken) if len(taken) > 1 else taken[0]
    whole = whole[~whole.index.duplicated()].sort_index()
    if output == ADMIN:
        # A closed way without a name is a ring of some relation, not a unit of its own.
        named = whole[NAME].notna() | whole.index.str.startswith("r")
        whole = whole[named & whole[LEVEL_KEY].fillna("").str.fullmatch(_LEVEL)]
        whole = whole.assign(level=whole[LEVEL_KEY].astype(int))
    columns = ["name", "name_en", "tag", "rank"]
    columns += ["class_code"] if any(rule.code for rule in rules) else []
    columns += ["level"] if output == ADMIN else []
    return gpd.GeoDataFrame(whole[[*columns, "geometry"]], geometry="geometry", crs=CRS84)


def _parted(table: TagTable) -> list[str]:
    """The outputs that are parts of a file."""
    return [name for name in table.outputs if name != BUILT_UP]


def _parts(
    path: Path, where: str, limits: Limits, table: TagTable, outputs: Sequence[str]
) -> dict[str, gpd.GeoDataFrame]:
    """The parts that these outputs yield, by name; those without features are left out."""
    rules = [rule for name in outputs for rule in table.rules_of(name)]
    extract = read_extract(path, where, rules, limits)
    parts: dict[str, gpd.GeoDataFrame] = {}
    for name in outputs:
        frame = features(extract, table, name)
        if name == LAND_COVER:
            frame = _without_overlaps(frame)
        if name == ADMIN:
            for level in sorted(frame["level"].unique()):
                own = frame[frame["level"] == level]
                parts[f"{ADMIN}_{level}"] = own.drop(columns=["rank", "level"])
        else:
            parts[name] = frame.drop(columns="rank")
    return {name: frame for name, frame in parts.items() if len(frame)}


def _rows(name: str, frame: gpd.GeoDataFrame, where: str, limits: Limits) -> Rows:
    columns = {"osm_id": frame.index.to_numpy(dtype=object)}
    for column in frame.columns.drop("geometry"):
        columns[str(column)] = frame[column].to_numpy(dtype=object)
    return rows(name, columns, frame.geometry.to_numpy(), where, limits, crs=FILE_CRS)


def _without_overlaps(land: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    land = land.assign(geometry=polygons(land.geometry.to_numpy()))
    cut = cut_by_precedence(land.geometry.to_numpy(), land["rank"].to_numpy(), _GRID_DEGREES)
    land = land.assign(geometry=cut)
    return land[~land.geometry.is_empty]


@contextmanager
def _driver_settings(rules: Sequence[Rule]) -> Iterator[Mapping[str, str]]:
    """Options of the driver: a configuration that names the keys, an index of bounded size."""
    with tempfile.TemporaryDirectory() as folder:
        conf = Path(folder) / "osmconf.ini"
        conf.write_text(_configuration(rules), encoding="utf-8")
        before = pyogrio.get_gdal_config_option("CPL_TMPDIR")
        pyogrio.set_gdal_config_options({"CPL_TMPDIR": folder})
        try:
            yield {"CONFIG_FILE": str(conf), "MAX_TMPFILE_SIZE": _INDEX_MB}
        finally:
            pyogrio.set_gdal_config_options({"CPL_TMPDIR": before})


def _configuration(rules: Iterable[Rule]) -> str:
    keys = sorted({NAME, NAME_EN, *(key for rule in rules for key in rule.keys)})
    lines = [
        "[general]",
        f"closed_ways_are_polygons={AREA_KEYS}",
        "attribute_name_laundering=no",
    ]
    for layer in ("points", "lines", "multipolygons", "multilinestrings", "other_relations"):
        lines += [f"[{layer}]", "osm_id=yes", f"attributes={','.join(keys)}", "other_tags=no"]
    return "\n".join(lines) + "\n"


def _layer(
    path: Path, where: str, layer: str, rules: Sequence[Rule], settings: Mapping[str, str]
) -> gpd.GeoDataFrame:
    """The features of one of the driver's layers that have the tags of some rule."""
    wanted = " OR ".join(dict.fromkeys(_condition(rule.tags) for rule in rules))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about rings that are not closed: we name them
            # Naming the layer in SQL tells the driver not to gather those of the others.
            frame = pyogrio.read_dataframe(
                path.resolve(),
                sql=f"SELECT * FROM {layer} WHERE {wanted}",  # noqa: S608 — our own table's words
                on_invalid="ignore",
                **settings,
            )
    except (
        DataSourceError,
        DataLayerError,
        FeatureError,
        GeometryError,
        UnicodeDecodeError,
    ) as error:
        message = "GDAL cannot read it as an OpenStreetMap file; copy or download it again"
        zh = "GDAL 无法按 OpenStreetMap 数据读取；请重新复制或下载"
        raise refusal(where, "damaged", message, zh=zh) from error
    letters = {"points": "n", "lines": "w"}
    if layer in letters:
        ids = letters[layer] + frame["osm_id"].astype(str)
    else:
        ways = "w" + frame["osm_way_id"].astype(str)
        ids = ways.where(frame["osm_way_id"].notna(), "r" + frame["osm_id"].astype(str))
    frame.index = pd.Index(ids.to_numpy(dtype=object), name="id")
    frame = frame[~frame.geometry.isna() & ~frame.geometry.is_empty & ~frame.index.duplicated()]
    frame = frame.drop(columns=["osm_id", "osm_way_id"], errors="ignore")
    shapes = _as_drawn(frame.geometry.to_numpy())
    return frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=CRS84))


def _as_drawn(geometries: Shapes) -> Shapes:
    """Single areas as such, and coordinates without the noise of the driver's arithmetic."""
    single = (shapely.get_type_id(geometries) == _MULTIPOLYGON) & (
        shapely.get_num_geometries(geometries) == 1
    )
    drawn = np.where(single, shapely.get_geometry(geometries, 0), geometries)
    rounded: Shapes = shapely.transform(drawn, lambda degrees: np.round(degrees, _DECIMALS))
    return rounded


def _condition(tags: Tags) -> str:
    """Write tags as a condition of SQL.

    >>> print(_condition({"bus": ("yes",), "building": ("*",)}))
    ("bus" IN ('yes') AND "building" IS NOT NULL)
    """
    terms = []
    for key, values in tags.items():
        named = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
        terms.append(f'"{key}" IS NOT NULL' if ANY in values else f'"{key}" IN ({named})')
    return f"({' AND '.join(terms)})"


def _matching(
    extract: Extract, shape: Shape, rule: Rule, rank: int, entry: Output
) -> gpd.GeoDataFrame:
    """The features of one shape for which a rule holds, as the geometry that the layer wants."""
    frame = extract[shape]
    frame = frame[_holds(frame, rule)]
    if shape == "outlines":
        frame = frame[frame.index.str.startswith("w")]
    key = next(iter(rule.tags))
    return frame.assign(
        name_en=frame[NAME_EN],
        tag=key + "=" + frame[key].astype(str),
        class_code=rule.code,
        rank=rank,
        geometry=_as_wanted(frame.geometry.to_numpy(), shape, entry.geometry),
    )


def _holds(frame: gpd.GeoDataFrame, rule: Rule) -> Flags:
    mask = np.ones(len(frame), dtype=bool)
    for key, values in rule.tags.items():
        mask &= frame[key].notna() if ANY in values else frame[key].isin(values)
    for key, values in rule.none.items():
        mask &= ~frame[key].isin(values)
    return mask


def _as_wanted(geometries: Shapes, shape: Shape, kind: GeometryKind) -> Shapes:
    made = geometries
    if kind == "point" and shape == "lines":
        made = shapely.line_interpolate_point(geometries, 0.5, normalized=True)
    elif kind == "point" and shape == "areas":
        made = shapely.centroid(geometries)
    elif shape == "outlines":
        made = shapely.boundary(geometries)
    return made


def _near(points: Shapes, others: Shapes, metres: float) -> Flags:
    """Mark the points (in degrees) that lie within a distance of some other, on the sphere.

    >>> from shapely import Point
    >>> one, other = np.array([Point(9.5, 47.0)]), np.array([Point(9.501, 47.0)])   # 75.8 m
    >>> _near(one, other, 80).tolist(), _near(one, other, 70).tolist()
    ([True], [False])
    """
    marked = np.zeros(len(points), dtype=bool)
    if not len(points) or not len(others):
        return marked
    lon, lat = shapely.get_x(points), shapely.get_y(points)
    up = metres / _METRES_A_DEGREE
    aside = up / np.maximum(np.cos(np.radians(lat)), _LEAST_COSINE)
    boxes = shapely.box(lon - aside, lat - up, lon + aside, lat + up)
    one, other = shapely.STRtree(others).query(boxes)
    x, y = np.radians(lon[one]), np.radians(lat[one])
    x2, y2 = (np.radians(get(others[other])) for get in (shapely.get_x, shapely.get_y))
    # The haversine formula, which is exact for small distances.
    half = np.sin((y2 - y) / 2) ** 2 + np.cos(y) * np.cos(y2) * np.sin((x2 - x) / 2) ** 2
    distance = 2 * _EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(half, 1.0)))
    marked[one[distance <= metres]] = True
    return marked
