"""The page's address: language, layers that are on, check, selection; the view is the browser's."""

from collections.abc import Iterable, Mapping

import streamlit as st

from layers import Language
from spatial import Check
from views.drawing import EVIDENCE_PREFIX
from views.leaflet import Hit
from views.params import bounds
from views.selection import OVERLAY, Picked, pick, picked
from views.session import (
    FINDINGS,
    Opened,
    bring,
    check_params,
    for_widget,
    is_same,
    param_key,
)

_READ = "address.read"
_COORDINATES = 2

# Written by the browser itself: Streamlit makes each part that it sets a step of its own, which
# the back button would take back one by one before it leaves the page.
_SCRIPT = """
export default function ({ data }) {
  const address = new URL(window.location.href);
  for (const [name, value] of Object.entries(data.parts)) {
    if (value) address.searchParams.set(name, value);
    else address.searchParams.delete(name);
  }
  if (address.href !== window.location.href) {
    window.history.replaceState(window.history.state, "", address);
  }
}
"""
_component = st.components.v2.component("planmap_address", js=_SCRIPT)


def read_address(opened: Opened) -> str:
    """Restore what a shared address says, once in a session; what makes no sense is passed over.

    A check comes as it was seen where the address is from, with the plan's own number where the
    address names none; whoever opens it keeps the settings that are theirs. Its id is handed back,
    empty where there is none or the address has been read.
    """
    if st.session_state.get(_READ):
        return ""
    st.session_state[_READ] = True
    wanted = st.query_params
    if "on" in wanted:
        on = wanted["on"].split(".")
        for layer in opened.pack.layers:
            st.session_state[f"on.{layer}"] = layer in on
    check_id = wanted.get("check", "")
    if check_id in opened.plan.checks:
        st.session_state[OVERLAY] = check_id
        now = check_params(opened, check_id)
        for name, value in _params(opened.plan.checks[check_id], wanted).items():
            if not is_same(for_widget(now[name]), value):
                bring(param_key(check_id, name), value)
    layer, _, feature = wanted.get("sel", "").partition(":")
    at = [_number(part) for part in wanted.get("at", "").split(",")]
    if layer in opened.pack.layers and len(at) == _COORDINATES:
        lat, lng = at
        if lat is not None and lng is not None:
            hit = Hit(layer, feature)
            pick(Picked(hit, lat, lng, (hit,), is_whole=wanted.get("whole") == "1"))
    return check_id if check_id in opened.plan.checks else ""


def _params(check: Check, wanted: Mapping[str, str]) -> Mapping[str, object]:
    """The parameters of a check as an address has them, by name, without those it cannot name."""
    found: dict[str, object] = {}
    for name, own in check.params.items():
        said, number = wanted.get(name), _number(wanted.get(name))
        if name in FINDINGS or not isinstance(own, int | float | tuple):
            continue
        if not said:
            found[name] = for_widget(own)
        elif isinstance(own, tuple):
            found[name] = said.split(".")
        elif number is not None and isinstance(own, bool):
            found[name] = bool(number)
        elif number is not None:
            least, most = bounds(check, name)
            if number >= least and (most is None or number <= most):
                found[name] = number
    return found


def write_language(lang: Language, page: str) -> None:
    """Put the language into the address of a page; Chinese goes without."""
    _write("language", {"lang": lang if lang != "zh" else ""}, page)


def write_address(opened: Opened, on: Iterable[str], check_id: str) -> None:
    """Put what is shown into the address, each part only where it is not the pack's own."""
    specs = opened.pack.catalogue.layers
    on = list(on)
    own = [layer for layer in opened.pack.layers if specs[layer].style.visible]
    shown = "" if set(on) == set(own) else ".".join(on) or "-"
    _write("map", {"on": shown, **_check_parts(opened, check_id)})


def write_check(opened: Opened, check_id: str) -> None:
    """Put the target that is open, and how it is measured, into the address."""
    _write("check", _check_parts(opened, check_id))


def _check_parts(opened: Opened, check_id: str) -> dict[str, str]:
    """A check as an address names it, empty for what it does not name."""
    parts = {"check": check_id}
    parts |= {name: "" for check in opened.plan.checks.values() for name in check.params}
    if check_id:
        plans = opened.plan.checks[check_id].params
        now = check_params(opened, check_id)
        for name in plans.keys() - FINDINGS:
            value = now[name]
            if isinstance(value, int | float) and value != plans[name]:
                parts[name] = f"{value:g}"
            elif isinstance(value, list) and tuple(value) != plans[name]:
                parts[name] = ".".join(value)
    return parts


def write_selection() -> None:
    """Put the selected feature into the address."""
    chosen = picked()
    if chosen is None or chosen.hit.layer.startswith(EVIDENCE_PREFIX):
        _write("selection", {"sel": "", "at": "", "whole": ""})
    else:
        at = f"{chosen.lat:.5f},{chosen.lng:.5f}"
        whole = "1" if chosen.is_whole else ""
        sel = f"{chosen.hit.layer}:{chosen.hit.id}"
        _write("selection", {"sel": sel, "at": at, "whole": whole})


def _write(key: str, parts: Mapping[str, str], page: str = "") -> None:
    """Have the browser set parts of the address, and take away those that are empty.

    It is done when they change, and anew on another page.
    """
    with st.container(key=f"pm-address-{key}"):  # takes no room, see page.css
        data = {"parts": dict(parts), "page": page}
        _component(key=f"address.{key}", data=data, height=1)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if abs(number) < 1e9 else None  # noqa: PLR2004 - neither nan nor infinity
