"""The index by which features are found: names, pinyin initials, where each lies."""

import json
from typing import Any

import shapely
import streamlit as st
from pypinyin import Style as Pinyin
from pypinyin import lazy_pinyin

from layers import Pack
from views.publish import Published, publish_text
from views.session import Opened

_WGS84 = "OGC:CRS84"


def search_index(opened: Opened) -> Published:
    """Publish the index as a list of entries for the browser's search box.

    An entry holds layer, id, name, name_en, initials of the name's pinyin, at (latitude, longitude
    of a point inside) and bounds (south-west and north-east corner).
    """
    return _index(opened, opened.key)


@st.cache_resource(max_entries=16, show_spinner=False)
def _index(_opened: Opened, key: str) -> Published:
    del key  # part of the cache key only
    text = json.dumps(entries(_opened.pack), ensure_ascii=False, separators=(",", ":"))
    return publish_text(_opened, "search", "json", text, is_private=bool(_opened.pack.own))


def entries(pack: Pack) -> list[dict[str, Any]]:
    """List the named features of all layers that may be searched, in catalogue order."""
    found = []
    for layer_id, layer in pack.layers.items():
        if not layer.spec.search or "name" not in layer.frame:
            continue
        frame = layer.frame[layer.frame["name"].notna()]
        inside = frame.set_geometry(shapely.point_on_surface(frame.geometry.to_numpy()))
        points = inside.set_crs(frame.crs, allow_override=True).to_crs(_WGS84).geometry
        bounds = frame.to_crs(_WGS84).bounds.round(5)
        english = frame["name_en"].fillna("") if "name_en" in frame else frame["name"]
        for feature, name, name_en in zip(frame.index, frame["name"], english, strict=True):
            west, south, east, north = (float(edge) for edge in bounds.loc[feature])
            point = points.loc[feature]
            found.append(
                {
                    "layer": layer_id,
                    "id": str(feature),
                    "name": str(name),
                    "name_en": str(name_en),
                    "initials": initials(str(name)),
                    "at": [round(point.y, 5), round(point.x, 5)],
                    "bounds": [[south, west], [north, east]],
                }
            )
    return found


def initials(name: str) -> str:
    """First letters of a name's pinyin; other letters and digits stay.

    >>> initials("海河"), initials("地铁2号线")
    ('hh', 'dt2hx')
    """
    return "".join(lazy_pinyin(name, style=Pinyin.FIRST_LETTER)).lower()
