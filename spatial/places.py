"""Where a point or a feature lies, in the plan's own divisions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from layers import Language, Pack
from spatial.phrases import M_PER_KM, feature_names, phrase

LEAST_SHARE = 0.01
"""A feature that holds less of an area than this is not named."""
_WELL_KNOWN_M = 500.0
_NEAR_M = 3000.0
_MIDDLE = 0.35
"""Of the way from the centre of a unit to its border: so far its middle reaches."""
_DIRECTIONS = (
    "east",
    "north_east",
    "north",
    "north_west",
    "west",
    "south_west",
    "south",
    "south_east",
)


def places_at(pack: Pack, x: float, y: float) -> tuple[tuple[str, str], ...]:
    """Name the features that hold a point, as (layer id, feature id), in catalogue order.

    Only layers whose entry says `context` are asked. `x` and `y` are metres in the pack's CRS.
    """
    point = shapely.Point(x, y)
    found = []
    for layer_id, layer in pack.layers.items():
        if layer.spec.context:
            holding = layer.frame.index[shapely.intersects(layer.frame.geometry.to_numpy(), point)]
            found += [(layer_id, str(feature)) for feature in holding]
    return tuple(found)


def places_near(pack: Pack, x: float, y: float, distance_m: float) -> tuple[tuple[str, str], ...]:
    """Name the features within a distance of a point that do not hold it.

    With the accuracy of the point as distance, these are the places it may lie in as well.
    """
    point = shapely.Point(x, y)
    found = []
    for layer_id, layer in pack.layers.items():
        if layer.spec.context:
            away = shapely.distance(layer.frame.geometry.to_numpy(), point)
            near = layer.frame.index[(away > 0) & (away <= distance_m)]
            found += [(layer_id, str(feature)) for feature in near]
    return tuple(found)


def shares_of(pack: Pack, area: BaseGeometry) -> tuple[tuple[str, str, float], ...]:
    """Name the features that an area lies in, as (layer id, feature id, share of the area)."""
    found = []
    for layer_id, layer in pack.layers.items():
        if layer.spec.context:
            inside = shapely.area(shapely.intersection(layer.frame.geometry.to_numpy(), area))
            for feature, part in zip(layer.frame.index, inside, strict=True):
                if part >= LEAST_SHARE * area.area:
                    found.append((layer_id, str(feature), float(part / area.area)))
    return tuple(found)


def place_names(
    pack: Pack, shapes: Sequence[BaseGeometry], unit_layer: str, lang: Language
) -> tuple[str, ...]:
    """Say in words where areas lie: 新立街东北部，距新立站（轨道车站）约 0.8 km.

    The part of the unit (of `unit_layer`) that holds a point inside the area, and the nearest
    named place within 3 km whose position is known to 500 m; a place placed by guess is no help
    in finding another. Without a unit the place alone is named, without either nothing.
    """
    landmarks = _landmarks(pack, lang)
    places = shapely.point_on_surface(np.asarray(shapes, dtype=object))
    found = []
    for place in places:
        part = _part(pack, unit_layer, place, lang)
        near = _near(landmarks, place, lang)
        said = [text for text in (part, near) if text]
        found.append(("，" if lang == "zh" else ", ").join(said))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Landmarks:
    """Named places: the name of each, and that of its layer, which says what it is."""

    names: Sequence[tuple[str, str]]
    tree: shapely.STRtree


def _landmarks(pack: Pack, lang: Language) -> _Landmarks:
    names: list[tuple[str, str]] = []
    points: list[BaseGeometry] = []
    for layer_id, layer in pack.layers.items():
        frame = layer.frame
        if layer.spec.geometry == "point" and layer.spec.search and "name" in frame:
            known = (frame["accuracy_m"] <= _WELL_KNOWN_M) & (frame["basis"] != "synthetic")
            known &= frame["name"].notna()
            named = feature_names(pack, layer_id, lang)
            kind = layer.spec.title.in_(lang)
            names += [(named[str(feature)], kind) for feature in frame.index[known]]
            points += list(frame.geometry[known])
    return _Landmarks(names, shapely.STRtree(points))


def _part(pack: Pack, unit_layer: str, place: BaseGeometry, lang: Language) -> str:
    """The part of the unit that a place lies in: 新立街东北部."""
    if unit_layer not in pack.layers:
        return ""
    frame = pack.layers[unit_layer].frame
    holding = frame.index[shapely.intersects(frame.geometry.to_numpy(), place)]
    if not len(holding):
        return ""
    unit = frame.geometry[holding[0]]
    name = feature_names(pack, unit_layer, lang)[str(holding[0])]
    west, south, east, north = unit.bounds
    centre = unit.centroid
    across = 2 * (place.x - centre.x) / max(east - west, 1.0)
    up = 2 * (place.y - centre.y) / max(north - south, 1.0)
    if math.hypot(across, up) < _MIDDLE:
        direction = "middle"
    else:
        octant = round(math.degrees(math.atan2(up, across)) / 45) % 8
        direction = _DIRECTIONS[octant]
    return phrase("place", direction, lang, name=name)


def _near(landmarks: _Landmarks, place: BaseGeometry, lang: Language) -> str:
    """The nearest landmark, and what it is: 距新立站（轨道车站）约 0.8 km."""
    (_, found), metres = landmarks.tree.query_nearest(
        [place], max_distance=_NEAR_M, return_distance=True, all_matches=False
    )
    if not len(found):
        return ""
    name, kind = landmarks.names[int(found[0])]
    return phrase("place", "near", lang, name=name, kind=kind, km=f"{metres[0] / M_PER_KM:.1f}")
