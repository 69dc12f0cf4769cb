"""Where a point lies, in the plan's own divisions."""

import shapely

from layers import Pack


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
