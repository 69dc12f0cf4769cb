"""What is selected on the map: by a click, from the panel's lists, or by search."""

from dataclasses import dataclass, replace

import streamlit as st

from layers import Pack
from spatial import CheckResult, Plan
from spatial.phrases import check_title, feature_names
from spatial.places import places_at
from views.drawing import map_frame
from views.facts import EVIDENCE_PREFIX, evidence_selection, feature_selection, hit_label
from views.leaflet import Click, Found, Hit, Other, Row, Selection
from views.session import Opened
from views.text import Words

OVERLAY = "map.overlay"
"""Session key of the check that lies over the map; empty for none."""
_PICKED, _WHOLE_PAGE = "map.picked", "map.whole_page"
_CHECK = "check"


@dataclass(frozen=True, slots=True)
class Picked:
    """The feature picked, where the map was clicked, and all that was hit there."""

    hit: Hit
    lat: float
    lng: float
    hits: tuple[Hit, ...]


def picked() -> Picked | None:
    """What is picked in this session."""
    found: Picked | None = st.session_state.get(_PICKED)
    return found


def pick(chosen: Picked | None) -> None:
    """Pick a feature, or nothing."""
    st.session_state[_PICKED] = chosen


def on_click(click: Click) -> None:
    """Pick the top-most feature of a click; a click on nothing picks nothing."""
    pick(Picked(click.hits[0], click.lat, click.lng, click.hits) if click.hits else None)


def on_pick(hit: Hit) -> None:
    """Follow the panel: to another feature of the place, or to a target, laid over the map."""
    if hit.layer == _CHECK:
        st.session_state[OVERLAY] = hit.id
        st.session_state[_WHOLE_PAGE] = True
        return
    before = picked()
    if before is not None:
        pick(replace(before, hit=hit))


def on_find(found: Found) -> None:
    """Pick a feature that was searched for, and switch its layer on."""
    pick(Picked(found.hit, found.lat, found.lng, (found.hit,)))
    st.session_state[f"on.{found.hit.layer}"] = True
    st.session_state[_WHOLE_PAGE] = True


def whole_page_wanted() -> bool:
    """Whether an event on the map concerns more of the page than the map; asked once for each."""
    return bool(st.session_state.pop(_WHOLE_PAGE, False))


def selection(opened: Opened, result: CheckResult | None, words: Words) -> Selection | None:
    """The panel's text for what is picked, with what else there is at the place."""
    chosen = picked()
    if chosen is None:
        return None
    pack, at = opened.pack, (chosen.lat, chosen.lng)
    others = tuple(
        Other(hit.layer, hit.id, hit_label(pack, hit, words))
        for hit in chosen.hits
        if hit != chosen.hit and _is_known(pack, hit, result)
    )
    if chosen.hit.layer.startswith(EVIDENCE_PREFIX):
        if result is None or not _is_known(pack, chosen.hit, result):
            return None
        found = evidence_selection(pack, result, chosen.hit, at, words)
    else:
        found = feature_selection(pack, chosen.hit, at, words)
    if found is None:
        return None
    place = _place_row(opened, chosen, words)
    checks = checks_of(opened.plan, chosen.hit.layer, words)
    return replace(found, rows=(*place, *found.rows), checks=checks, others=others)


def checks_of(plan: Plan, layer_id: str, words: Words) -> tuple[Other, ...]:
    """The targets whose measure takes a layer in."""
    return tuple(
        Other(_CHECK, check.id, check_title(check, words.lang))
        for check in plan.checks.values()
        if layer_id in {binding.layer for binding in check.layers.values()}
    )


def _place_row(opened: Opened, chosen: Picked, words: Words) -> tuple[Row, ...]:
    """Where the clicked point lies in the plan's divisions."""
    x, y = map_frame(opened).fitted.project(chosen.lng, chosen.lat)
    names = [
        feature_names(opened.pack, layer, words.lang)[feature]
        for layer, feature in places_at(opened.pack, float(x), float(y))
        if Hit(layer, feature) != chosen.hit
    ]
    if not names:
        return ()
    said = words("leaflet.list_comma").join(names)
    return (Row(words("facts.lies_in"), said, words("facts.lies_in_help")),)


def _is_known(pack: Pack, hit: Hit, result: CheckResult | None) -> bool:
    if hit.layer.startswith(EVIDENCE_PREFIX):
        return result is not None and hit.layer == f"{EVIDENCE_PREFIX}{result.check.id}"
    return hit.layer in pack.layers
