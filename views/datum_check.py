"""What the comparison with trusted layers says of a file's datum, and the way out."""

import geopandas as gpd
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
from views.publish import inline_content, leaflet_assets
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
        preview(opened, placed, words)
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


def preview(opened: Opened, placed: gpd.GeoDataFrame, words: Words) -> None:
    """The file's features where they come to lie, over the outline of the place."""
    pack, frame = opened.pack, map_frame(opened)
    there = placed.geometry.notna() & ~placed.geometry.is_empty
    shapes = placed.geometry[there].head(_MOST_DRAWN).force_2d().to_frame("geometry")
    content = inline_content(geojson_text(shapes.rename_axis("id"), decimals=6))
    dimensions = shapely.get_dimensions(shapes.geometry.to_numpy())
    area = pack.catalogue.pack.area
    outline = map_layer(opened, area, look_of(pack.catalogue.layers[area]), words.lang)
    own = MapLayer(
        id="draft",
        title=words("own.draft_layer"),
        geometry=_KINDS[int(dimensions.max())] if len(shapes) else "point",
        style=_STYLE,
        hash=content.hash,
        geojson=content.content,
        interactive=False,
    )
    fit = None
    if len(shapes):
        metric = shapes.geometry.to_crs(pack.catalogue.pack.metric_crs)
        fit = Fit(bounds_of(metric, pack), content.hash)
    data = MapData(
        lang=words.lang,
        strings=words.table("leaflet"),
        assets=leaflet_assets(),
        home=frame.home,
        layers=(outline, own),
        projection=frame.projection,
        fit=fit,
        height=300,
    )
    leaflet_map(key="own-preview", data=data, on_click=_ignore, on_pick=_ignore)
    if int(there.sum()) > _MOST_DRAWN:
        st.caption(words("own.first_drawn", count=f"{_MOST_DRAWN:,}"))


def _ignore(event: object) -> None:
    """A click here selects nothing; the map page is where features speak."""
