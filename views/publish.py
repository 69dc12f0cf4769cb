"""Files that the browser fetches by content-hashed addresses: Leaflet and the embedded layers."""

import hashlib
import json
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import streamlit as st

from layers import Layer
from spatial.export import geojson_text
from views.leaflet import Assets, static_url
from views.session import Opened

STATIC = Path(__file__).resolve().parent.parent / "static"
_LEAFLET_IMAGES = (
    "marker-icon.png",
    "marker-icon-2x.png",
    "marker-shadow.png",
    "layers.png",
    "layers-2x.png",
)


@st.cache_resource(show_spinner=False)
def leaflet_assets() -> Assets:
    """Publish Leaflet out of its package."""
    folder = leaflet_folder()
    script = _put("leaflet", "js", (folder / "leaflet.js").read_bytes())
    # The style sheet names its images relative to itself, so they lie beside it.
    style = _put("leaflet", "css", (folder / "leaflet.css").read_bytes())
    for image in _LEAFLET_IMAGES:
        _write(STATIC / "images" / image, (folder / "images" / image).read_bytes())
    return Assets(static_url(script), static_url(style), static_url("images/"))


def leaflet_folder() -> Path:
    """Folder of Leaflet's files in the installed package XStatic-Leaflet."""
    spec = find_spec("xstatic.pkg.leaflet")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("XStatic-Leaflet is not installed; run: python run.py app")
    return Path(spec.origin).parent / "data"


@dataclass(frozen=True, slots=True)
class Published:
    """JSON as the browser gets it: an address to fetch, or the content itself."""

    hash: str
    url: str = ""
    content: Any = None


def published_layer(opened: Opened, layer_id: str) -> Published:
    """Make a layer ready for the browser.

    Only the embedded pack's layers go to the static folder, which asks nobody who they are; those
    of another pack and a planner's own travel inside the session.
    """
    is_own = layer_id in opened.pack.own
    return _publish(opened, opened.key if is_own else opened.files, layer_id)


@st.cache_resource(max_entries=128, show_spinner=False)
def _publish(_opened: Opened, key: str, layer_id: str) -> Published:
    del key  # part of the cache key only
    text = display_geojson(_opened.pack.layers[layer_id])
    is_private = layer_id in _opened.pack.own
    return publish_text(_opened, layer_id, "geojson", text, is_private=is_private)


def publish_text(
    opened: Opened, stem: str, suffix: str, text: str, *, is_private: bool
) -> Published:
    """Put JSON text where the browser can fetch it; what is private goes into the session."""
    if is_private or not opened.is_embedded:
        return inline_content(text)
    name = _put(stem, suffix, text.encode())
    return Published(name, url=static_url(name))


def inline_content(text: str) -> Published:
    """JSON text as content that travels inside the session."""
    return Published(hashlib.sha256(text.encode()).hexdigest()[:16], content=json.loads(text))


def display_geojson(layer: Layer) -> str:
    """Write what the map needs: geometry to a decimetre, names, the classifying column."""
    style = layer.spec.style
    wanted = dict.fromkeys(("name", "name_en", style.label, f"{style.label}_en", style.by, "basis"))
    frame = layer.frame[[column for column in wanted if column in layer.frame] + ["geometry"]]
    return geojson_text(frame.rename_axis("id"), decimals=6)


def _put(stem: str, suffix: str, content: bytes) -> str:
    """Write a file under a name that holds its hash; returns the name."""
    name = f"{stem}-{hashlib.sha256(content).hexdigest()[:16]}.{suffix}"
    _write(STATIC / name, content)
    return name


def _write(path: Path, content: bytes) -> None:
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(f"{path.suffix}.{os.getpid()}")
    half.write_bytes(content)
    half.replace(path)
