"""A ground map of the planner's own: a tile address of their network, off by default."""

import re

import streamlit as st

from views.leaflet import Tiles
from views.session import remembered
from views.text import Words

_ADDRESS = re.compile(r"(https?://|/)\S+")


def choose_ground(words: Words) -> Tiles | None:
    """Ask for a tile address; returns the tiles to show, None without a usable address."""
    with st.popover(words("map.ground"), icon=":material/layers:", help=words("map.ground_help")):
        url = st.text_input(
            words("map.ground_url"),
            key=remembered("ground.url", ""),
            persist_state="session",
            placeholder="http://192.168.1.8/tiles/{z}/{x}/{y}.png",
        ).strip()
        datum = st.segmented_control(
            words("map.ground_datum"),
            ["WGS-84", "GCJ-02"],
            required=True,
            key=remembered("ground.datum", "WGS-84"),
            persist_state="session",
        )
        attribution = st.text_input(
            words("map.ground_attribution"),
            key=remembered("ground.attribution", ""),
            persist_state="session",
        )
        if not url:
            return None
        if not _ADDRESS.fullmatch(url) or not all(part in url for part in ("{z}", "{x}", "{y}")):
            st.error(words("map.ground_wrong", url=url))
            return None
    return Tiles(url, attribution, "GCJ-02" if datum == "GCJ-02" else "WGS-84")
