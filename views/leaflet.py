"""The interactive map: a Leaflet component, the data it takes and the clicks it reports.

The drawing is in `leaflet.js` and its neighbours, which are joined to one module; the page sends
what is to be seen, the browser fetches the layers by address and draws what has changed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal

import streamlit as st
from pydantic import BaseModel

from layers.basis import Basis
from layers.catalogue import GeometryKind, Style
from layers.text import Language

Bounds = tuple[tuple[float, float], tuple[float, float]]
"""South-west and north-east corner, each latitude first, as Leaflet has it."""

BadgeKind = Basis | Literal["met", "not_met", "undetermined"]


@dataclass(frozen=True)
class Assets:
    """Addresses of Leaflet's script, style sheet and folder of images (ending in a slash)."""

    leaflet_js: str
    leaflet_css: str
    images: str


@dataclass(frozen=True)
class Badge:
    """A chip; a verdict's sign (✓ ✕ ?) and a sketch's hatching are added by its kind."""

    text: str
    kind: BadgeKind


@dataclass(frozen=True)
class MapLayer:
    """A layer to be drawn: its content at `url`, or in `geojson` where nobody else may fetch it.

    `hash` names the content: another hash is fetched and drawn anew, the same one is not. A
    feature's id is its own, else the property `key`. `values` gives features, by id, the value
    that chooses their style class, in place of the property `style.by`. The order among layers of
    one geometry is that of the list; points lie over lines over polygons. `geojson` must hold no
    NaN.
    """

    id: str
    title: str
    geometry: GeometryKind
    style: Style
    hash: str
    url: str = ""
    geojson: Mapping[str, Any] | None = None
    key: str = "id"
    opacity: float = 1.0
    interactive: bool = True
    values: Mapping[str, str] | None = None


@dataclass(frozen=True)
class LegendItem:
    """A swatch and its label."""

    label: str
    kind: GeometryKind
    fill: str
    line: str
    fill_opacity: float = 1.0
    dash: str = ""
    hatch: bool = False


@dataclass(frozen=True)
class LegendGroup:
    """A layer in the legend; one item with the group's own title is shown on one line."""

    title: str
    items: tuple[LegendItem, ...]
    badge: Badge | None = None


@dataclass(frozen=True)
class Row:
    """A fact in the panel; `help` stands behind a question mark."""

    label: str
    value: str
    help: str = ""


@dataclass(frozen=True)
class Hit:
    """A feature that was clicked or picked."""

    layer: str
    id: str


@dataclass(frozen=True)
class Other:
    """Another feature at the clicked place, as the panel lists it."""

    layer: str
    id: str
    label: str


@dataclass(frozen=True)
class Selection:
    """The selected feature and what the panel says of it; `at` is latitude, longitude.

    `checks` and `others` are lists to choose from: targets that it takes part in, and other
    features at the place. A choice comes back as a Hit.
    """

    layer: str
    id: str
    title: str
    at: tuple[float, float] | None
    subtitle: str = ""
    badges: tuple[Badge, ...] = ()
    rows: tuple[Row, ...] = ()
    checks: tuple[Other, ...] = ()
    others: tuple[Other, ...] = ()


@dataclass(frozen=True)
class Projection:
    """The metric CRS as two polynomials, so that the browser can read and measure in metres.

    With `u = (lon - lon0) / lon_scale` and `v = (lat - lat0) / lat_scale`, easting and northing
    are the sums of coefficient times `u**i * v**j`, for i from 0 to `degree` and, within it, j
    from 0 to `degree - i`. It holds inside `bounds`; outside, the map measures on the ellipsoid.
    """

    label: str
    lon0: float
    lat0: float
    lon_scale: float
    lat_scale: float
    degree: int
    east: tuple[float, ...]
    north: tuple[float, ...]
    bounds: Bounds


@dataclass(frozen=True)
class Tiles:
    """A ground map as XYZ tiles; one on GCJ-02 is moved under the data, and says so."""

    url: str
    attribution: str
    datum: Literal["WGS-84", "GCJ-02"] = "WGS-84"
    max_zoom: int = 18


@dataclass(frozen=True)
class Fit:
    """A wish to see these bounds; it is followed once for each nonce."""

    bounds: Bounds
    nonce: str


@dataclass(frozen=True)
class Index:
    """The search index, at an address or as it is; see `views.search` for its entries."""

    hash: str
    url: str = ""
    content: Any = None


@dataclass(frozen=True)
class Found:
    """A feature that was searched for and chosen, with a point inside it."""

    hit: Hit
    lat: float
    lng: float


@dataclass(frozen=True)
class MapData:
    """All that the map shows; `layers` are the visible ones, lowest first.

    `strings` are the words of the table `[leaflet]` of `text.toml` in the language `lang`, which
    also chooses between a label's column `X` and `X_en`. The height "fill" reaches down to the
    end of the window. With `share` the view stands in the page's address and is taken from there
    at first. `titles` names the layers that `search` finds features of.
    """

    lang: Language
    strings: Mapping[str, str]
    assets: Assets
    home: Bounds
    layers: tuple[MapLayer, ...]
    legend: tuple[LegendGroup, ...] = ()
    selection: Selection | None = None
    fit: Fit | None = None
    projection: Projection | None = None
    tiles: Tiles | None = None
    search: Index | None = None
    titles: Mapping[str, str] | None = None
    share: bool = False
    height: int | Literal["fill"] = "fill"


@dataclass(frozen=True)
class Click:
    """A click on the map and what was hit, top-most first; no hits: the selection is to go."""

    lat: float
    lng: float
    zoom: float
    hits: tuple[Hit, ...]


def static_url(name: str) -> str:
    """Address of a file under `static/`, whatever path the app itself is served at.

    >>> static_url("leaflet/leaflet.js")
    '/app/static/leaflet/leaflet.js'
    """
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"{'/' + base if base else ''}/app/static/{name}"


def leaflet_map(
    *,
    key: str,
    data: MapData,
    on_click: Callable[[Click], None],
    on_pick: Callable[[Hit], None],
    on_find: Callable[[Found], None] | None = None,
) -> None:
    """Show the map.

    `on_click` is told of a click on the map, before the page runs again, and of the panel's
    closing (a click without hits); `on_pick` of a choice from the panel's lists, `on_find` of one
    from the search box. The view belongs
    to the browser: it is kept for each `key`, through reruns and page changes.
    """

    def clicked() -> None:
        event = st.session_state[key].get("click")
        if event is not None:
            on_click(_click(event))

    def picked() -> None:
        event = st.session_state[key].get("pick")
        if event is not None:
            on_pick(_hit(event))

    seen = {field.name: _plain(getattr(data, field.name)) for field in fields(data)}

    def found() -> None:
        event = st.session_state[key]["find"]
        if event is not None and on_find is not None:
            on_find(Found(_hit(event), float(event["lat"]), float(event["lng"])))

    _component(
        key=key,
        data={"key": key, **seen},
        on_click_change=clicked,
        on_pick_change=picked,
        on_find_change=found,
    )


def _click(event: Mapping[str, Any]) -> Click:
    return Click(
        lat=float(event["lat"]),
        lng=float(event["lng"]),
        zoom=float(event["zoom"]),
        hits=tuple(_hit(hit) for hit in event["hits"]),
    )


def _hit(event: Mapping[str, Any]) -> Hit:
    return Hit(layer=str(event["layer"]), id=str(event["id"]))


def _plain(value: object) -> object:
    """Turn data classes and models into dictionaries; GeoJSON goes through as it is, uncopied."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


_FOLDER = Path(__file__).parent
_JAVASCRIPT = "\n".join(
    path.read_text(encoding="utf-8") for path in sorted(_FOLDER.glob("leaflet*.js"))
)
# A style sheet on one line would be taken for a path, hence the newline.
_CSS = "\n" + (_FOLDER / "leaflet.css").read_text(encoding="utf-8")
_component = st.components.v2.component("planmap", css=_CSS, js=_JAVASCRIPT)
