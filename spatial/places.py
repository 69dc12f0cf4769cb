"""Where a point or a feature lies, in the plan's own divisions."""

import shapely
from shapely.geometry.base import BaseGeometry

from layers import Pack

LEAST_SHARE = 0.01
"""A feature that holds less of an area than this is not named."""


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
