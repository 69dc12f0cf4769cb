"""Attribute tables."""

import pandas as pd
import streamlit as st

from layers import Language, Pack
from spatial.export import csv_bytes
from spatial.phrases import basis_text, phrase
from views.chips import unmarked
from views.text import Words


def attribute_dialog(pack: Pack, layer_id: str, words: Words) -> None:
    """Open the attribute table of a layer, to be read, searched and taken away."""
    title = pack.catalogue.layers[layer_id].title.in_(words.lang)

    @st.dialog(f"{unmarked(title)} · {words('map.table')}", width="large")
    def dialog() -> None:
        table = attribute_table(pack, layer_id, words.lang)
        numbers = {
            str(name): st.column_config.NumberColumn(format="localized")
            for name in table.select_dtypes("number")
        }
        st.dataframe(table, hide_index=True, column_config=numbers)
        st.download_button(
            words("map.table_download"),
            csv_bytes(table),
            file_name=f"{title}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )

    dialog()


def attribute_table(pack: Pack, layer_id: str, lang: Language) -> pd.DataFrame:
    """The features of a layer as a table with titled columns in one language, units included."""
    layer = pack.layers[layer_id]
    spec, frame = layer.spec, layer.frame
    table = pd.DataFrame(index=frame.index)
    names = ["name", "cite", *spec.columns, "basis", "accuracy_m", "source"]
    for name in dict.fromkeys(names):
        if name not in frame:
            continue
        column = spec.columns.get(name)
        title = spec.title_of(name).in_(lang)
        if column is not None and column.unit:
            title += f"（{column.unit}）" if lang == "zh" else f" ({column.unit})"
        values = frame[name]
        if lang == "en" and f"{name}_en" in frame:
            values = frame[f"{name}_en"].where(frame[f"{name}_en"].notna(), values)
        if name == "basis":
            values = values.map(lambda basis: basis_text(basis, lang))
        table[title] = values
    if spec.geometry == "polygon":
        table[phrase("export", "area_m2", lang)] = frame.area
    elif spec.geometry == "line":
        table[phrase("export", "length_m", lang)] = frame.length
    return table
