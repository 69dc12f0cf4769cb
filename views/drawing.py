"""From the pack's style entries to what the browser's map draws and its legend says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import geopandas as gpd
import shapely
import streamlit as st

from layers import Language, Pack, Style
from layers.catalogue import GeometryKind, LayerSpec
from layers.projection import PolynomialProjection, polynomial_projection
from spatial import CheckResult
from spatial.export import geojson_text
from spatial.measurement import Measurement
from spatial.phrases import basis_text
from views.leaflet import (
    Badge,
    Bounds,
    LegendGroup,
    LegendItem,
    MapLayer,
    Projection,
)
from views.publish import Published, inline_content, published_layer
from views.session import Opened
from views.text import TEXTS, Words

ACCENT = "#c8452d"
"""The one colour for what needs action: gaps, and targets that are not met."""
EVIDENCE_PREFIX = "evidence:"
"""Begins the layer id of a check's evidence on a map."""
EVIDENCE = Style(fill=ACCENT, fill_opacity=0.45, line=ACCENT, width=1.2, hatch=True)
_WGS84 = "OGC:CRS84"
_REACH = 0.5  # how far beyond the area, in its own size, coordinates are still read in metres


@dataclass(frozen=True, slots=True)
class Look:
    """A layer as the planner wants to see it: the pack's style with their colour and opacity."""

    style: Style
    opacity: float


def map_layer(opened: Opened, layer_id: str, look: Look, lang: Language) -> MapLayer:
    """A layer of the pack for the browser's map."""
    spec = opened.pack.catalogue.layers[layer_id]
    content = published_layer(opened, layer_id)
    return MapLayer(
        id=layer_id,
        title=spec.title.in_(lang),
        geometry=spec.geometry,
        style=look.style,
        hash=content.hash,
        url=content.url,
        geojson=content.content,
        opacity=look.opacity,
    )


def evidence_title(measure: str, words: Words) -> str:
    """What the places are that speak against a target of this measure."""
    return words(f"evidence.{measure}" if measure in TEXTS["evidence"] else "checks.evidence")


def evidence_layer(opened: Opened, result: CheckResult, words: Words) -> MapLayer | None:
    """The places that speak against a check's target, None where there are none."""
    if result.measured is None or result.measured.evidence.empty:
        return None
    check = result.check
    asked = f"{check.measure}|{sorted(check.layers.items())}|{sorted(check.params.items())}"
    content = _evidence(result.measured, opened.key, check.id, asked)
    return MapLayer(
        id=f"{EVIDENCE_PREFIX}{result.check.id}",
        title=evidence_title(result.check.measure, words),
        geometry="polygon",
        style=EVIDENCE,
        hash=content.hash,
        geojson=content.content,
    )


@st.cache_resource(max_entries=32, show_spinner=False)
def _evidence(_measured: Measurement, key: str, check_id: str, asked: str) -> Published:
    del key, check_id, asked  # part of the cache key only
    evidence = _measured.evidence[["unit", "area_m2", "geometry"]]
    return inline_content(geojson_text(evidence.rename_axis("id"), decimals=6))


def legend_group(spec: LayerSpec, look: Look, badge: Badge | None, lang: Language) -> LegendGroup:
    """A layer's part of the legend: its classes, or the one look of all its features."""
    style = look.style
    items = tuple(
        _item(
            cls.title.in_(lang), spec.geometry, style, fill=cls.fill, line=cls.line, dash=cls.dash
        )
        for cls in style.classes
    )
    title = spec.title.in_(lang)
    return LegendGroup(title, items or (_item(title, spec.geometry, style),), badge)


def evidence_legend(layer: MapLayer, result: CheckResult, words: Words) -> LegendGroup:
    """The legend of a check's evidence, marked where its data allow no finding."""
    badge = None
    if result.basis is not None and not result.conclusive:
        badge = Badge(words("map.sketch_note"), result.basis)
    return LegendGroup(layer.title, (_item(layer.title, layer.geometry, layer.style),), badge)


def _item(
    label: str,
    kind: GeometryKind,
    style: Style,
    *,
    fill: str | None = None,
    line: str | None = None,
    dash: str | None = None,
) -> LegendItem:
    return LegendItem(
        label=label,
        kind=kind,
        fill=fill or style.fill,
        line=line or style.line,
        fill_opacity=style.fill_opacity,
        dash=dash or style.dash,
        hatch=style.hatch,
    )


def basis_badge(opened: Opened, layer_ids: Iterable[str], lang: Language) -> Mapping[str, Badge]:
    """The badge of each layer's weakest basis."""
    bases = {layer_id: opened.pack.layers[layer_id].basis for layer_id in layer_ids}
    return {layer_id: Badge(basis_text(basis, lang), basis) for layer_id, basis in bases.items()}


def layer_name(opened: Opened, layer_id: str, lang: Language) -> str:
    """Title of a layer with its basis, as it is named where no badge can stand beside it."""
    title = opened.pack.catalogue.layers[layer_id].title.in_(lang)
    return f"{title} · {basis_text(opened.pack.layers[layer_id].basis, lang)}"


def bounds_of(geometry: gpd.GeoSeries | shapely.Geometry, pack: Pack) -> Bounds:
    """South-west and north-east corner of geometry in the pack's metric CRS."""
    series = (
        geometry
        if isinstance(geometry, gpd.GeoSeries)
        else gpd.GeoSeries([geometry], crs=pack.catalogue.pack.metric_crs)
    )
    west, south, east, north = (float(edge) for edge in series.to_crs(_WGS84).total_bounds)
    return (south, west), (north, east)


@dataclass(frozen=True, slots=True)
class Frame:
    """What every map of a pack has: the view of the whole area, and the metric CRS.

    `projection` is `fitted` as the browser gets it.
    """

    home: Bounds
    projection: Projection
    fitted: PolynomialProjection


def map_frame(opened: Opened) -> Frame:
    """The frame of the pack's maps; made once, for each new thread opens PROJ anew (0.3 s)."""
    return _frame(opened, opened.key)


@st.cache_resource(max_entries=16, show_spinner=False)
def _frame(_opened: Opened, key: str) -> Frame:
    del key  # part of the cache key only
    pack = _opened.pack
    home = (south, west), (north, east) = bounds_of(pack.area, pack)
    wide, high = (east - west) * _REACH, (north - south) * _REACH
    fitted = polynomial_projection(
        pack.catalogue.pack.metric_crs, (west - wide, south - high, east + wide, north + high)
    )
    west, south, east, north = fitted.bounds
    projection = Projection(
        label=f"{fitted.name} ({pack.catalogue.pack.metric_crs})",
        lon0=fitted.lon0,
        lat0=fitted.lat0,
        lon_scale=fitted.lon_scale,
        lat_scale=fitted.lat_scale,
        degree=fitted.degree,
        east=fitted.east,
        north=fitted.north,
        bounds=((south, west), (north, east)),
    )
    return Frame(home, projection, fitted)
