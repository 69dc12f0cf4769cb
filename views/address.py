"""The page's address: which layers are on, the check, the selection; the view is the browser's."""

from collections.abc import Iterable

import streamlit as st

from views.drawing import EVIDENCE_PREFIX
from views.leaflet import Hit
from views.selection import OVERLAY, Picked, pick, picked
from views.session import Opened, check_params, param_key

_READ = "address.read"
_COORDINATES = 2


def read_address(opened: Opened) -> None:
    """Restore what a shared address says, once in a session; what makes no sense is passed over."""
    if st.session_state.get(_READ):
        return
    st.session_state[_READ] = True
    wanted = st.query_params
    if "on" in wanted:
        on = wanted["on"].split(".")
        for layer in opened.pack.layers:
            st.session_state[f"on.{layer}"] = layer in on
    check_id = wanted.get("check", "")
    if check_id in opened.plan.checks:
        st.session_state[OVERLAY] = check_id
        for name, own in opened.plan.checks[check_id].params.items():
            value: object = _number(wanted.get(name))
            if isinstance(own, tuple):
                value = wanted[name].split(".") if wanted.get(name) else None
            if value is not None and isinstance(own, int | float | tuple):
                st.session_state[param_key(check_id, name)] = value
    layer, _, feature = wanted.get("sel", "").partition(":")
    at = [_number(part) for part in wanted.get("at", "").split(",")]
    if layer in opened.pack.layers and len(at) == _COORDINATES:
        lat, lng = at
        if lat is not None and lng is not None:
            hit = Hit(layer, feature)
            pick(Picked(hit, lat, lng, (hit,), is_whole=wanted.get("whole") == "1"))


def write_address(opened: Opened, on: Iterable[str], check_id: str) -> None:
    """Put what is shown into the address, each part only where it is not the pack's own."""
    specs = opened.pack.catalogue.layers
    on = list(on)
    own = [layer for layer in opened.pack.layers if specs[layer].style.visible]
    parts = {"on": "" if set(on) == set(own) else ".".join(on) or "-", "check": check_id}
    parts |= {name: "" for check in opened.plan.checks.values() for name in check.params}
    if check_id:
        plans = opened.plan.checks[check_id].params
        for name, value in check_params(opened, check_id).items():
            if isinstance(value, int | float) and value != plans[name]:
                parts[name] = f"{value:g}"
            elif isinstance(value, list) and tuple(value) != plans[name]:
                parts[name] = ".".join(value)
    _write(parts)


def write_selection() -> None:
    """Put the selected feature into the address."""
    chosen = picked()
    if chosen is None or chosen.hit.layer.startswith(EVIDENCE_PREFIX):
        _write({"sel": "", "at": "", "whole": ""})
    else:
        at = f"{chosen.lat:.5f},{chosen.lng:.5f}"
        whole = "1" if chosen.is_whole else ""
        _write({"sel": f"{chosen.hit.layer}:{chosen.hit.id}", "at": at, "whole": whole})


def _write(parts: dict[str, str]) -> None:
    for name, value in parts.items():
        if st.query_params.get(name, "") == value:
            continue
        if value:
            st.query_params[name] = value
        else:
            del st.query_params[name]


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if abs(number) < 1e9 else None  # noqa: PLR2004 - neither nan nor infinity
