"""Zones shaded by a statistic: one scale for the chart and the map."""

from collections.abc import Mapping
from dataclasses import dataclass

from layers import Style, Text
from layers.catalogue import StyleClass
from spatial import ZoneTable
from spatial.classes import quantile_classes
from spatial.export import geojson_text
from spatial.phrases import feature_names
from spatial.zone_table import statistic_text
from views.leaflet import LegendGroup, LegendItem, MapLayer
from views.publish import inline_content
from views.session import Opened
from views.text import Words

_COLOURS = ("#e3efe9", "#b5d5ca", "#7fb5a6", "#478d80", "#1d5c63")
_MISSING = "#e5e3dc"
_NONE = "none"


@dataclass(frozen=True, slots=True)
class Shading:
    """The class of each zone by id, and the colour and words of each class."""

    classes: Mapping[str, str]
    colours: Mapping[str, str]
    labels: Mapping[str, str]


def shading(table: ZoneTable, column: str, words: Words) -> Shading:
    """Sort the zones into classes by a statistic."""
    found = quantile_classes(table.frame[column].to_list(), len(_COLOURS))
    classes = {
        str(zone): _NONE if member is None else str(member)
        for zone, member in zip(table.frame.index, found.members, strict=True)
    }
    # The darkest colour always stands for the highest class, however few classes there are.
    used = _COLOURS[len(_COLOURS) - len(found.ranges) :]
    labels = {
        str(n): _range(column, low, high, words) for n, (low, high) in enumerate(found.ranges)
    }
    colours = {str(number): colour for number, colour in enumerate(used)}
    if _NONE in classes.values():
        labels[_NONE], colours[_NONE] = "—", _MISSING
    return Shading(classes, colours, labels)


def shaded_layer(
    opened: Opened, table: ZoneTable, column: str, words: Words
) -> tuple[MapLayer, LegendGroup]:
    """The zones shaded by a statistic, with the legend; a zone's label names its value.

    Under the pointer a zone says its range as well.
    """
    lang = words.lang
    shades, title = shading(table, column, words), table.heading(column, lang)
    names = feature_names(opened.pack, table.layer, lang)
    labels = [
        f"{names[str(zone)]} {statistic_text(column, value, lang)}"
        for zone, value in table.frame[column].items()
    ]
    spans = [table.range_text(column, lang, str(zone)) for zone in table.frame.index]
    said = [words("zones.hover", title=title, range=one) if one else title for one in spans]
    frame = table.frame[["geometry"]].assign(name=labels, name_en=labels, said=said)
    content = inline_content(geojson_text(frame, decimals=6))
    style = Style(
        fill=_MISSING,
        fill_opacity=0.85,
        line="#4a5a55",
        width=1,
        label="name",
        label_min_zoom=10,
        by="class",
        classes=tuple(
            StyleClass(value=value, title=Text(zh=label, en=label), fill=shades.colours[value])
            for value, label in shades.labels.items()
        ),
    )
    layer = MapLayer(
        id=f"zones:{table.layer}",
        title=title,
        geometry="polygon",
        style=style,
        hash=content.hash,
        geojson=content.content,
        values=shades.classes,
    )
    items = tuple(
        LegendItem(
            label=label,
            kind="polygon",
            fill=shades.colours[value],
            line=style.line,
            fill_opacity=0.85,
        )
        for value, label in reversed(list(shades.labels.items()))
    )
    return layer, LegendGroup(title, items)


def _range(column: str, low: float, high: float, words: Words) -> str:
    ends = [statistic_text(column, value, words.lang) for value in (low, high)]
    return ends[0] if ends[0] == ends[1] else " – ".join(ends)
