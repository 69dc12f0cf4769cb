"""A GeoTIFF that takes the place of a raster layer: what is asked of it, and what it holds."""

import pandas as pd
import streamlit as st

from layers import InputError
from layers.formats import Part
from layers.intake import datum_text
from layers.own_raster import (
    RasterIntake,
    RasterSummary,
    placed_outline,
    raster_to_be_stored,
    summary,
)
from layers.workspace import Original, StoredLayer
from spatial.own_raster import class_problems
from views import chips
from views.datum_check import preview
from views.draft import Draft
from views.intake_form import choose_datum, describe_source, heading
from views.session import Opened
from views.text import Words

_MOST_VALUES = 64


def raster_asked(
    opened: Opened, held: Draft, part: Part, band: int, *, layer: str, words: Words
) -> StoredLayer | None:
    """Steps 3 to 5: where it lies, what its cells hold, where it comes from; None while open.

    Raises InputError where the declaration fits no raster, or no target could be measured on it.
    """
    pack = opened.pack
    with st.spinner(words("own.reading")):
        grid = held.grid(band, pack.catalogue.pack.limits)
    declared = choose_datum(opened, held, part, words, may_swap=False)
    if declared is None:
        return None
    outline = placed_outline(grid, declared, pack, name=held.name)
    heading(4, words("own.step_cells"), words("own.step_cells_about"))
    problems = held.once(
        "class_problems",
        (band, layer, opened.key),
        lambda: class_problems(opened.plan, layer, grid, held.name),
    )
    if problems:
        raise InputError(problems)
    key = (band, declared, opened.key)
    with st.spinner(words("own.reading")):
        found = held.once("cells", key, lambda: summary(grid, declared, pack))
    left, right = st.columns([2, 3], gap="medium")
    with left:
        _show_cells(found, words)
    with right:
        preview(opened, held, (band, declared), outline, words=words)
    described = describe_source(held.name, words, datum=datum_text(declared))
    if described is None:
        return None
    source, accuracy_m = described
    rows, columns = grid.values.shape
    said = RasterIntake(
        layer=layer,
        band=band,
        declared=declared,
        source=source,
        accuracy_m=accuracy_m,
        size=(columns, rows),
    )
    original = Original(name=held.name, sha256=held.found.sha256, size=held.found.size)
    return raster_to_be_stored(pack, outline, said, name=held.name, original=original)


def _show_cells(found: RasterSummary, words: Words) -> None:
    """What the raster is, and its values with their shares."""
    lang = words.lang
    lines = [
        found.size(lang),
        *([] if found.counts else [found.values(lang)]),
        found.coverage(lang),
    ]
    for line in lines:
        st.html(chips.line(chips.text(line)))
    if not found.counts:
        return
    table = pd.DataFrame(
        {
            words("own.cell_value"): value,
            words("own.cell_count"): cells,
            words("own.cell_share"): 100 * share,
        }
        for value, cells, share in found.shares()[:_MOST_VALUES]
    )
    st.dataframe(
        table,
        hide_index=True,
        column_config={
            words("own.cell_count"): st.column_config.NumberColumn(format="localized"),
            words("own.cell_share"): st.column_config.NumberColumn(format="%.1f"),
        },
        width="content",
    )
