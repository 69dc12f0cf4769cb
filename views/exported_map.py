"""The map that leaves the office: one HTML file, made with folium, that loads nothing."""

import base64
import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import branca.element
import folium
import streamlit as st
from shapely.geometry import shape

from layers import Language, is_conclusive
from layers.catalogue import GeometryKind, Style
from spatial import CheckResult
from spatial.phrases import check_title, reason
from views.drawing import (
    EVIDENCE,
    Look,
    basis_badge,
    evidence_layer,
    evidence_legend,
    legend_group,
    map_frame,
)
from views.leaflet import LegendGroup, LegendItem
from views.publish import display_geojson, leaflet_folder
from views.session import Opened
from views.text import Words

_MOST_NAMES = 15
_CSS = """
html, body { margin: 0; height: 100%; }
.leaflet-container { background: #f6f7f5; font: 13px "Noto Sans CJK SC", "Microsoft YaHei",
  "PingFang SC", sans-serif; color: #1f2a30; }
.pm-card { position: absolute; z-index: 1000; background: rgba(255,255,255,.94);
  border: 1px solid #d9dcd6; border-radius: 8px; padding: 8px 12px; font: 13px "Noto Sans CJK SC",
  "Microsoft YaHei", "PingFang SC", sans-serif; color: #1f2a30; line-height: 1.5; }
.pm-title { top: 12px; left: 56px; max-width: min(520px, 60vw); }
.pm-title b { font-size: 15px; display: block; }
.leaflet-control-scale-line:nth-child(2) { display: none; }  /* miles */
.pm-name span { position: absolute; transform: translate(-50%, -50%); white-space: nowrap;
  font-weight: 500; pointer-events: none;
  text-shadow: 0 0 2px #fff, 0 0 2px #fff, 0 0 3px #fff, 0 0 3px #fff; }
.pm-legend { left: 12px; bottom: 44px; max-height: 45vh; overflow: auto; }
.pm-legend svg { vertical-align: -3px; margin-right: 6px; }
.pm-sketch { border-style: dashed; }
@media (max-width: 640px) { .pm-legend { max-height: 25vh; } }
"""


_DECLUTTER = """
(function () {  // names that would lie over another one, or over a card, are hidden
  const meet = (a, b) =>
    a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  function tidy() {
    const taken = [...document.querySelectorAll(".pm-card")].map((c) => c.getBoundingClientRect());
    for (const name of document.querySelectorAll(".pm-name span")) {
      const box = name.getBoundingClientRect();
      const free = !taken.some((other) => meet(box, other));
      name.style.visibility = free ? "visible" : "hidden";
      if (free) taken.push(box);
    }
  }
  const later = () => setTimeout(tidy, 60);
  document.addEventListener("wheel", () => setTimeout(tidy, 400), { passive: true });
  document.addEventListener("pointerup", () => setTimeout(tidy, 400));
  window.addEventListener("resize", later);
  window.addEventListener("load", later);
})();
"""


def offer_map(
    opened: Opened, looks: Mapping[str, Look], result: CheckResult | None, words: Words
) -> None:
    """Put the download of what is shown behind one button."""
    title = words("app.title", place=opened.pack.catalogue.pack.title.in_(words.lang))
    st.download_button(
        words("map.take_away"),
        icon=":material/download:",
        mime="text/html",
        data=lambda: map_html(opened, looks, result, words, dt.date.today()),  # noqa: DTZ011
        file_name=f"{title}.html",
        on_click="ignore",
        help=words("map.take_away_help"),
    )


def map_html(
    opened: Opened,
    looks: Mapping[str, Look],
    result: CheckResult | None,
    words: Words,
    today: dt.date,
) -> bytes:
    """Write what is shown as one HTML page that needs no server and fetches nothing.

    The layers have the looks of the screen; each can be switched off, a feature shows its name
    under the cursor. Sketch data are called so in the title.
    """
    lang = words.lang
    page = _bare_map()
    root = _figure(page)
    groups: list[LegendGroup] = []
    badges = basis_badge(opened, looks, lang)
    for layer_id in opened.pack.layers:
        if layer_id not in looks:
            continue
        layer, look = opened.pack.layers[layer_id], looks[layer_id]
        _add(
            page,
            geojson=json.loads(display_geojson(layer)),
            title=layer.spec.title.in_(lang),
            kind=layer.spec.geometry,
            look=look,
            lang=lang,
        )
        groups.insert(0, legend_group(layer.spec, look, badges[layer_id], lang))
    evidence = evidence_layer(opened, result, words) if result is not None else None
    if evidence is not None and result is not None:
        _add(
            page,
            geojson=dict(evidence.geojson or {}),
            title=evidence.title,
            kind="polygon",
            look=Look(EVIDENCE, 1.0),
            lang=lang,
        )
        groups.insert(0, evidence_legend(evidence, result, words))
    folium.LayerControl(collapsed=True).add_to(page)
    page.fit_bounds(map_frame(opened).home)
    root.html.add_child(
        branca.element.Element(_title(opened, looks, result, words, today) + _legend(groups))
    )
    root.script.add_child(branca.element.Element(_DECLUTTER))
    html: str = root.render()
    return html.encode("utf-8")


def _figure(page: folium.Map) -> branca.element.Figure:
    root = page.get_root()
    assert isinstance(root, branca.element.Figure)  # noqa: S101 - what folium.Map makes
    return root


def _bare_map() -> folium.Map:
    """A folium map without tiles whose scripts are Leaflet's own, inside the page."""
    page = folium.Map(tiles=None, control_scale=True, prefer_canvas=True, attribution_control=False)
    page.default_js = []
    page.default_css = []
    folder = leaflet_folder()
    style = (folder / "leaflet.css").read_text(encoding="utf-8")
    for image in ("layers.png", "layers-2x.png"):
        data = base64.b64encode((folder / "images" / image).read_bytes()).decode()
        style = style.replace(f"images/{image}", f"data:image/png;base64,{data}")
    script = (folder / "leaflet.js").read_text(encoding="utf-8")
    script = script.split("//# sourceMappingURL")[0]  # a browser's tools would fetch it
    head = _figure(page).header
    head.add_child(branca.element.Element('<meta charset="utf-8">'), index=0)
    head.add_child(branca.element.Element(f"<style>{style}{_CSS}</style>"))
    head.add_child(branca.element.Element(f"<script>{script}</script>"))
    return page


def _add(
    page: folium.Map,
    *,
    geojson: dict[str, Any],
    title: str,
    kind: GeometryKind,
    look: Look,
    lang: Language,
) -> None:
    group = folium.FeatureGroup(name=escape(title))
    name = "name_en" if lang == "en" else "name"
    features = geojson["features"]
    for feature in features:
        properties = feature["properties"]
        said = properties.get(name) or properties.get("name") or title
        properties["label"] = escape(str(said))  # folium's tooltip takes it for HTML
    layer = folium.GeoJson(
        geojson,
        style_function=_styles(look.style, kind, look.opacity),
        marker=folium.CircleMarker(radius=look.style.radius) if kind == "point" else None,
        tooltip=folium.GeoJsonTooltip(["label"], labels=False) if features else None,
    )
    layer.add_to(group)
    # Names stand on the map where they are few, as of belts and tiers; else under the cursor.
    if kind == "polygon" and look.style.label and len(features) <= _MOST_NAMES:
        for feature in features:
            _name(feature).add_to(group)
    group.add_to(page)


def _name(feature: Mapping[str, Any]) -> folium.Marker:
    """The name of a polygon, at a point inside it."""
    inside = shape(feature["geometry"]).representative_point()
    said = f"<span>{feature['properties']['label']}</span>"
    icon = folium.DivIcon(html=said, icon_size=(0, 0), class_name="pm-name")
    return folium.Marker([inside.y, inside.x], icon=icon)


def _styles(
    style: Style, kind: GeometryKind, opacity: float
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    classes = {cls.value: cls for cls in style.classes}

    def look(feature: Mapping[str, Any]) -> dict[str, Any]:
        cls = classes.get(str(feature["properties"].get(style.by, "")))
        return {
            "fillColor": (cls.fill if cls else None) or style.fill,
            "color": (cls.line if cls else None) or style.line,
            "weight": (cls.width if cls else None) or style.width,
            "dashArray": (cls.dash if cls else None) or style.dash or None,
            "fillOpacity": style.fill_opacity * opacity,
            "opacity": opacity,
            "stroke": style.width > 0,
            "fill": kind != "line",
        }

    return look


def _title(
    opened: Opened,
    looks: Mapping[str, Look],
    result: CheckResult | None,
    words: Words,
    today: dt.date,
) -> str:
    catalogue, lang = opened.pack.catalogue, words.lang
    title = words("app.title", place=catalogue.pack.title.in_(lang))
    lines = [f"<b>{escape(title)}</b>"]
    if result is not None:
        lines.append(escape(check_title(result.check, lang)))
        lines.append(escape(reason(opened.pack, result, lang)))
    bases = {opened.pack.layers[layer].basis for layer in looks}
    firm = all(is_conclusive(basis) for basis in bases)
    if not firm or (result is not None and not result.conclusive):
        lines.append(escape(words("export.sketch")))
    lines.append(escape(words("export.made", title=title, date=today.isoformat())))
    return f'<div class="pm-card pm-title">{"".join(f"<div>{line}</div>" for line in lines)}</div>'


def _legend(groups: Sequence[LegendGroup]) -> str:
    lines = []
    for group in groups:
        badge = f" · {escape(group.badge.text)}" if group.badge else ""
        single = len(group.items) == 1 and group.items[0].label == group.title
        if not single:
            lines.append(f"<div>{escape(group.title)}{badge}</div>")
        lines += [
            f"<div>{_swatch(item)}{escape(item.label)}{badge if single else ''}</div>"
            for item in group.items
        ]
    return f'<div class="pm-card pm-legend">{"".join(lines)}</div>'


def _swatch(item: LegendItem) -> str:
    dash = f' stroke-dasharray="{escape(item.dash)}"' if item.dash else ""
    stroke = f'stroke="{item.line}" stroke-width="1.5"{dash}'
    if item.kind == "line":
        shape = f'<path d="M1 8h16" {stroke}/>'
    elif item.kind == "point":
        shape = f'<circle cx="9" cy="8" r="4.5" fill="{item.fill}" {stroke}/>'
    else:
        shape = (
            f'<rect x="2" y="2" width="14" height="11" fill="{item.fill}" '
            f'fill-opacity="{item.fill_opacity}" {stroke}/>'
        )
    return f'<svg width="18" height="15">{shape}</svg>'
