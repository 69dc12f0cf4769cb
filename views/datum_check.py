"""What the comparison with trusted layers says of a file's datum, and the way out."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
import streamlit as st

from layers import Style
from layers.catalogue import GeometryKind
from layers.declared import Declared
from layers.formats import Choice, Raw
from layers.gate import DatumFinding, find_shift, references
from layers.intake import contradicts, place
from spatial.export import geojson_text
from views.chips import unmarked
from views.draft import Draft
from views.drawing import bounds_of, map_frame, map_layer
from views.layer_tree import look_of
from views.leaflet import Fit, MapData, MapLayer, leaflet_map
from views.publish import Published, inline_content, leaflet_assets
from views.session import Opened
from views.text import Words

_STYLE = Style(fill="#7b5ea7", fill_opacity=0.4, line="#5b3f8c", width=1.6, radius=5)
_MOST_DRAWN = 3_000
_KINDS: tuple[GeometryKind, ...] = ("point", "line", "polygon")


def datum_settled(
    opened: Opened, held: Draft, raw: Raw, choice: Choice, *, declared: Declared, words: Words
) -> tuple[DatumFinding, str] | None:
    """Compare the file, as declared, with trusted layers; None until a contradiction is settled.

    The finding comes back, with the reason for which the planner keeps what they have declared:
    empty where nothing contradicts. Raises InputError where the declaration does not fit.
    """
    pack, key = opened.pack, (choice, declared)
    placed = held.once("placed", key, lambda: place(raw, declared, name=held.name))
    finding = held.once(
        "finding",
        (*key, opened.key),
        lambda: find_shift(
            placed,
            references(pack),
            declared=declared,
            area=pack.area,
            metric_crs=pack.catalogue.pack.metric_crs,
        ),
    )
    said = unmarked(finding.sentence(words.lang))
    left, right = st.columns([2, 3], gap="medium")
    insisted: str | None = ""
    with left:
        if contradicts(finding):
            insisted = _settle(choice.part, finding, said, words)
        elif finding.verdict == "agrees":
            st.success(said, icon=":material/check_circle:")
        else:
            st.info(said, icon=":material/help:")
            st.caption(words("own.cannot_tell_next"))
    with right:
        preview(opened, held, key, placed, words=words)
    return None if insisted is None else (finding, insisted)


def _settle(part: str, finding: DatumFinding, said: str, words: Words) -> str | None:
    """Offer the declaration that fits, or ask for a reason to keep the one made."""
    st.error(said, icon=":material/wrong_location:")
    better = finding.suggestion
    if finding.verdict == "swapped":
        st.caption(words("own.swapped_next"))
    elif better is not None:
        st.button(
            words("own.take_suggestion", datum=words(f"own.datum_{better.datum}")),
            type="primary",
            on_click=_take,
            args=(part, better.datum),
        )
    reason = st.text_input(
        words("own.insist"),
        key="draft.insist",
        persist_state="session",
        help=words("own.insist_help"),
        max_chars=200,
    )
    return reason.strip() or None


def _take(part: str, datum: str) -> None:
    st.session_state[f"draft.datum.{part}"] = datum


def preview(
    opened: Opened, held: Draft, key: object, placed: gpd.GeoDataFrame, *, words: Words
) -> None:
    """The file's features where they come to lie, over the outline of the place.

    `key` changes with where they lie; what is drawn is worked out once for it.
    """
    pack, frame = opened.pack, map_frame(opened)
    drawn = held.once("preview", (key, opened.key), lambda: _drawn(opened, placed))
    area = pack.catalogue.pack.area
    outline = map_layer(opened, area, look_of(pack.catalogue.layers[area]), words.lang)
    own = MapLayer(
        id="draft",
        title=words("own.draft_layer"),
        geometry=drawn.geometry,
        style=_STYLE,
        hash=drawn.content.hash,
        geojson=drawn.content.content,
        interactive=False,
    )
    data = MapData(
        lang=words.lang,
        strings=words.table("leaflet"),
        assets=leaflet_assets(),
        home=frame.home,
        layers=(outline, own),
        projection=frame.projection,
        fit=drawn.fit,
        height=300,
    )
    leaflet_map(key="own-preview", data=data, on_click=_ignore, on_pick=_ignore)
    if drawn.features > _MOST_DRAWN:
        st.caption(words("own.first_drawn", count=f"{_MOST_DRAWN:,}"))


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What the preview draws: `features` counts those of the file, drawn or not."""

    geometry: GeometryKind
    content: Published
    fit: Fit | None
    features: int


def _drawn(opened: Opened, placed: gpd.GeoDataFrame) -> _Drawn:
    pack = opened.pack
    there = placed.geometry[placed.geometry.notna() & ~placed.geometry.is_empty]
    shapes = _some(there).force_2d().to_frame("geometry")
    content = inline_content(geojson_text(shapes.rename_axis("id"), decimals=6))
    if not len(shapes):
        return _Drawn("point", content, None, 0)
    dimensions = shapely.get_dimensions(shapes.geometry.to_numpy())
    metric = shapes.geometry.to_crs(pack.catalogue.pack.metric_crs)
    fit = Fit(bounds_of(metric, pack), content.hash)
    return _Drawn(_KINDS[int(dimensions.max())], content, fit, len(there))


def _some(shapes: gpd.GeoSeries) -> gpd.GeoSeries:
    """Few enough to be drawn, from all over the file: the first might lie in one corner."""
    if len(shapes) <= _MOST_DRAWN:
        return shapes
    return shapes.iloc[np.linspace(0, len(shapes) - 1, _MOST_DRAWN).astype(np.int64)]


def _ignore(event: object) -> None:
    """A click here selects nothing; the map page is where features speak."""
