"""Streamlit with the app loaded while the server starts, so that the first page is quick.

`python -m views.server run app.py …` takes the arguments of `streamlit`.
"""

import logging
import sys
import threading
import time

import streamlit.runtime
from streamlit.web import cli

_LOOKS_EVERY_S = 0.02


def _load() -> None:
    """Do once, before anybody asks, what the first page would have to wait for."""
    # Components register with the running server, so it must be there before they are imported.
    while not streamlit.runtime.exists():
        time.sleep(_LOOKS_EVERY_S)
    # Outside a page Streamlit warns that there is none; here that is as it should be.
    logging.getLogger("streamlit.runtime").setLevel(logging.ERROR)
    from layers import InputError  # noqa: PLC0415 - not before the server is there
    from views import checks, indicators, map_page, zones  # noqa: F401, PLC0415
    from views.drawing import map_frame  # noqa: PLC0415
    from views.publish import leaflet_assets, published_layer  # noqa: PLC0415
    from views.search import search_index  # noqa: PLC0415
    from views.session import current_pack  # noqa: PLC0415

    try:
        opened = current_pack()
    except InputError:
        return  # the page says what is wrong with the pack
    map_frame(opened)
    search_index(opened)
    leaflet_assets()
    for layer_id, layer in opened.pack.layers.items():
        if layer.spec.style.visible:
            published_layer(opened, layer_id)


def main() -> None:
    """Start the server and load the app beside it."""
    threading.Thread(target=_load, name="load", daemon=True).start()
    sys.argv[0] = "streamlit"
    sys.exit(cli.main())


if __name__ == "__main__":
    main()
