"""数据来源: where each layer comes from, how good it is, what it may be used for."""

import pandas as pd
import streamlit as st
from pyproj import CRS

from layers import BASES, Basis
from spatial.phrases import basis_text
from views import chips
from views.check_grounds import accuracy_text
from views.session import Opened, read_again
from views.text import Words


def show(opened: Opened, words: Words) -> None:
    """Draw the page."""
    lang, catalogue = words.lang, opened.pack.catalogue
    st.html(chips.line(chips.text(words("sources.intro"), muted=True)))
    if opened.has_databases:
        _databases(opened, words)
    present = [basis for basis in BASES if basis in _bases(opened).values()]
    wanted = st.pills(
        words("sources.filter"),
        present,
        selection_mode="multi",
        key="sources.basis",
        format_func=lambda basis: basis_text(basis, lang),
        persist_state="session",
    )
    table = _table(opened, words)
    if wanted:
        table = table[[_bases(opened)[layer] in wanted for layer in table.index]]
    if table.empty:
        st.info(words("sources.nothing"))
    else:
        st.dataframe(
            table.style.apply(
                _hatch, axis=1, sketch=_sketch_words(words), column=words("sources.basis")
            ),
            hide_index=True,
            height="content",
            column_config={
                words("sources.features"): st.column_config.NumberColumn(
                    format="localized", width=100
                ),
                words("sources.licence"): st.column_config.TextColumn(width=300),
                words("sources.note"): st.column_config.TextColumn(width="large"),
                words("sources.address"): st.column_config.LinkColumn(width="small"),
                words("sources.hash"): st.column_config.TextColumn(width="medium"),
            },
        )
    with st.container(border=True):
        st.html(
            f"<b>{chips.text(words('sources.sketch_title'))}</b> {chips.basis_chip('sketch', lang)}"
            + chips.line(chips.text(words("sources.sketch_text")))
        )
    code = catalogue.pack.metric_crs
    st.caption(words("sources.metric_crs", name=CRS.from_user_input(code).name, code=code))


def _databases(opened: Opened, words: Words) -> None:
    """Say which layers could not be read from their databases, and offer to read them again."""
    away = opened.pack.unavailable
    if away:
        titles = {
            id_: spec.title.in_(words.lang) for id_, spec in opened.pack.catalogue.layers.items()
        }
        st.warning(
            words(
                "sources.unavailable",
                layers=words("leaflet.list_comma").join(titles[id_] for id_ in away),
            )
        )
        lines = dict.fromkeys(problem.in_(words.lang) for problem in away.values())
        st.code("\n".join(lines), language=None, wrap_lines=True)
    st.button(
        words("sources.read_again"),
        icon=":material/refresh:",
        help=words("sources.read_again_help"),
        on_click=read_again,
    )


def _bases(opened: Opened) -> dict[str, Basis]:
    return {
        spec.id: (opened.pack.delivered(spec.id) or spec.source).basis
        for spec in opened.pack.catalogue.layers.values()
    }


def _table(opened: Opened, words: Words) -> pd.DataFrame:
    lang, bases = words.lang, _bases(opened)
    rows = {}
    for spec in opened.pack.catalogue.layers.values():
        layer = opened.pack.delivered(spec.id)
        rows[spec.id] = {
            "layer": spec.title.in_(lang),
            "basis": words("map.missing_layer"),
            "use": "—",
            "accuracy": accuracy_text(opened, spec.id, words),
            "features": 0 if layer is None else layer.size,
            "source": spec.source.name.in_(lang),
            "date": spec.source.date,
            "licence": spec.source.licence,
            "datum": spec.source.datum,
            "note": spec.note.in_(lang),
            "address": spec.source.url or None,
            "hash": "" if layer is None else layer.sha256,
        }
        if layer is not None:  # one that nobody has delivered is no basis for anything
            rows[spec.id]["basis"] = basis_text(bases[spec.id], lang)
            rows[spec.id]["use"] = words(f"sources.use_{bases[spec.id]}")
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.rename(columns={name: words(f"sources.{name}") for name in table})


def _sketch_words(words: Words) -> set[str]:
    return {basis_text("sketch", words.lang), basis_text("synthetic", words.lang)}


def _hatch(row: "pd.Series[str]", sketch: set[str], column: str) -> list[str]:
    """Shade the rows of sketch and synthetic layers, so that nobody overlooks them."""
    look = "background-color: #f4efe2" if row[column] in sketch else ""
    return [look] * len(row)
