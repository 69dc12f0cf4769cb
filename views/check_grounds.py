"""What a result rests on: where its range comes from, further numbers, and the data used."""

import streamlit as st

from layers import Layer, Pack
from spatial import CheckResult
from spatial.doubt.band import SYNTHETIC
from spatial.measurement import Doubt, Figure, ranged
from spatial.measures import MEASURES
from spatial.phrases import doubt_text, fact_text, listed, number_text
from views import chips
from views.interval import Scale, interval
from views.session import Opened
from views.text import Words


def show_doubts(pack: Pack, result: CheckResult, words: Words) -> None:
    """One line for each cause of the range, with what it alone allows, on one scale."""
    st.markdown(f"**{words('checks.doubts')}**", help=words("checks.doubts_help"))
    measured = result.measured
    if measured is None or not measured.doubts:
        name = "checks.no_doubts" if measured is not None else "checks.no_value"
        st.html(chips.line(chips.text(words(name), muted=True)))
        return
    figures = [_alone(measured.whole, doubt) for doubt in measured.doubts]
    scale = Scale.of(result.check, measured.whole, *figures)
    rows = []
    for doubt, figure in zip(measured.doubts, figures, strict=True):
        drawn = interval(result, words, figure=figure, scale=scale, labels=False)
        said = chips.text(doubt_text(pack, result.check, doubt, words.lang))
        rows.append(f"<li>{said}{drawn}</li>")
    st.html(f'<ul class="pm-points pm-doubts">{"".join(rows)}</ul>')


def _alone(whole: Figure, doubt: Doubt) -> Figure:
    alone = Figure(whole.value, whole.numerator, whole.denominator, whole.value, whole.value)
    return ranged(alone, doubt.low, doubt.high)


def show_facts(result: CheckResult, words: Words) -> None:
    """Further numbers that belong to the answer; those of nought say nothing and are left out."""
    facts = result.measured.facts if result.measured else {}
    said = [fact_text(name, value, words.lang) for name, value in facts.items() if value]
    points = "".join(f"<li>{chips.text(one)}</li>" for one in said if one)
    if points:
        st.markdown(f"**{words('checks.facts')}**")
        st.html(f'<ul class="pm-points">{points}</ul>')


def show_inputs(opened: Opened, result: CheckResult, words: Words) -> None:
    """The layers taken in: how good each is, whether the value rests on it, which are missing."""
    check = result.check
    beside = MEASURES[check.measure].beside
    st.markdown(f"**{words('checks.inputs')}**")
    heads = ("sources.layer", "sources.basis", "checks.input_accuracy", "sources.source")
    top = "".join(f"<th>{chips.text(words(head))}</th>" for head in heads)
    rests = {
        layer_id: name not in beside
        for name, binding in sorted(check.layers.items(), key=lambda one: one[0] not in beside)
        for layer_id in binding.all_layers
    }
    rests |= dict.fromkeys(result.missing, True)
    rows = [_input(opened, layer, rests=on_it, words=words) for layer, on_it in rests.items()]
    body = f"<thead><tr>{top}</tr></thead><tbody>{''.join(rows)}</tbody>"
    st.html(f'<div class="pm-scroll"><table class="pm-table pm-inputs">{body}</table></div>')
    if unfit := [layer for layer in result.missing if result.why == "unfit"]:
        titles = [opened.pack.catalogue.layers[one].title.in_(words.lang) for one in unfit]
        said = words("checks.why_unfit")
        st.html(chips.line(chips.text(f"{said} · {listed(titles, words.lang)}", muted=True)))


def _input(opened: Opened, layer_id: str, *, rests: bool, words: Words) -> str:
    lang, spec = words.lang, opened.pack.catalogue.layers[layer_id]
    title = chips.text(spec.title.in_(lang))
    if not rests:
        title += f" {chips.text(words('checks.only_beside'), muted=True)}"
    layer = opened.pack.delivered(layer_id)
    basis, off = f'<span class="pm-chip">{words("map.missing_layer")}</span>', "—"
    if layer is not None:
        basis = chips.basis_chip(layer.basis, lang)
        off = accuracy_text(opened, layer_id, words)
    source = chips.text(spec.source.name.in_(lang), muted=True)
    return (
        f'<tr><td>{title}</td><td class="pm-nowrap">{basis}</td>'
        f'<td class="pm-nowrap">{off}</td><td>{source}</td></tr>'
    )


def accuracy_text(opened: Opened, layer_id: str, words: Words) -> str:
    """Write how far off the features of a layer may be; of what is invented nothing can be said."""
    layer = opened.pack.delivered(layer_id)
    if layer is None:
        return "—"
    if layer.basis == SYNTHETIC:
        return words("checks.no_accuracy")
    best = worst = opened.pack.catalogue.layers[layer_id].accuracy_m
    if isinstance(layer, Layer) and layer.size:
        metres = layer.frame["accuracy_m"]
        best, worst = float(metres.min()), float(metres.max())
    if best == worst:
        return f"±{number_text(worst)} m"
    return f"±{number_text(best)}–{number_text(worst)} m"
