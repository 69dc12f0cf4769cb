"""What is selected on the map: by a click, from the panel's lists, or by search."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import shapely
import streamlit as st

from layers import Pack
from spatial import CheckResult, Plan
from spatial.phrases import area_text, check_title, feature_names, number_text, share_text
from spatial.places import places_at, places_near, shares_of
from views.drawing import EVIDENCE_PREFIX, evidence_title, map_frame
from views.facts import evidence_selection, feature_selection, hit_label
from views.leaflet import Click, Found, Hit, Other, Row, Selection
from views.session import Opened
from views.text import Words

OVERLAY = "map.overlay"
"""Session key of the check that lies over the map; empty for none."""
_PICKED, _WHOLE_PAGE = "map.picked", "map.whole_page"
_CHECK = "check"


@dataclass(frozen=True, slots=True)
class Picked:
    """The feature picked, where the map was clicked, and all that was hit there.

    `is_whole` says that the feature was meant, not the point clicked, as in a search.
    """

    hit: Hit
    lat: float
    lng: float
    hits: tuple[Hit, ...]
    is_whole: bool = False


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
        pick(replace(before, hit=hit, is_whole=False))


def on_find(found: Found) -> None:
    """Pick a feature that was searched for, and switch its layer on."""
    pick(Picked(found.hit, found.lat, found.lng, (found.hit,), is_whole=True))
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
    place = _place_rows(opened, chosen, words)
    near, places = _nearest_place(opened, result, chosen, words)
    others += tuple(
        Other(hit.layer, hit.id, hit_label(pack, hit, words))
        for hit in places
        if hit not in chosen.hits
    )
    checks = checks_of(opened.plan, chosen.hit.layer, words)
    return replace(found, rows=(*near, *place, *found.rows), checks=checks, others=others)


def checks_of(plan: Plan, layer_id: str, words: Words) -> tuple[Other, ...]:
    """The targets whose measure takes a layer in."""
    return tuple(
        Other(_CHECK, check.id, check_title(check, words.lang))
        for check in plan.checks.values()
        if any(layer_id in binding.all_layers for binding in check.layers.values())
    )


def _place_rows(opened: Opened, chosen: Picked, words: Words) -> tuple[Row, ...]:
    """Where the place lies: an area by its shares, a point with what its error leaves open."""
    pack, hit = opened.pack, chosen.hit
    layer = pack.layers.get(hit.layer)
    comma = words("leaflet.list_comma")
    if layer is not None and layer.spec.geometry == "polygon" and chosen.is_whole:
        area = layer.frame.geometry.loc[hit.id]
        said = [
            f"{_name(pack, other, words)} {share_text(share)}"
            for *other, share in shares_of(pack, area)
            if Hit(*other) != hit
        ]
        return (Row(words("facts.spans"), comma.join(said)),) if said else ()
    x, y = map_frame(opened).fitted.project(chosen.lng, chosen.lat)
    inside = places_at(pack, float(x), float(y))
    said = [_name(pack, place, words) for place in inside if Hit(*place) != hit]
    rows = []
    if said:
        rows.append(Row(words("facts.lies_in"), comma.join(said), words("facts.lies_in_help")))
    if layer is not None and layer.spec.geometry == "point":
        error_m = float(layer.frame["accuracy_m"].loc[hit.id])
        layers_inside = {place[0] for place in inside}
        maybe = [
            _name(pack, place, words)
            for place in places_near(pack, float(x), float(y), error_m)
            if place[0] in layers_inside
        ]
        if maybe:
            about = words("facts.maybe_help", error=number_text(error_m))
            rows.append(Row(words("facts.maybe"), comma.join(maybe), about))
    return tuple(rows)


def _name(pack: Pack, place: Sequence[str], words: Words) -> str:
    layer, feature = place
    return feature_names(pack, layer, words.lang)[feature]


def _nearest_place(
    opened: Opened, result: CheckResult | None, chosen: Picked, words: Words
) -> tuple[tuple[Row, ...], tuple[Hit, ...]]:
    """The place that speaks against the check on the map and lies nearest to what is picked."""
    if result is None or result.measured is None or result.measured.evidence.empty:
        return (), ()
    if chosen.hit.layer.startswith(EVIDENCE_PREFIX):
        return (), ()
    x, y = map_frame(opened).fitted.project(chosen.lng, chosen.lat)
    evidence = result.measured.evidence
    away = shapely.distance(evidence.geometry.to_numpy(), shapely.Point(float(x), float(y)))
    nearest = int(away.argmin())
    number, row = evidence.index[nearest], evidence.iloc[nearest]
    said = words(
        "facts.nearest_place_text",
        number=number,
        area=area_text(float(row["area_m2"]), words.lang),
        distance=number_text(round(float(away[nearest]))),
    )
    title = words("facts.nearest_place", what=evidence_title(result.check.measure, words))
    return (Row(title, said),), (Hit(f"{EVIDENCE_PREFIX}{result.check.id}", str(number)),)


def _is_known(pack: Pack, hit: Hit, result: CheckResult | None) -> bool:
    if hit.layer.startswith(EVIDENCE_PREFIX):
        return result is not None and hit.layer == f"{EVIDENCE_PREFIX}{result.check.id}"
    return hit.layer in pack.layers
