"""Which fields of a file become which columns of a layer, and what their values become."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import geopandas as gpd
import pandas as pd
import streamlit as st

from layers import Text
from layers.catalogue import Column, LayerSpec
from layers.field_proposal import (
    FieldProposal,
    FieldSuggestion,
    ValueProposal,
    propose_fields,
    propose_values,
)
from layers.fields import ID_TARGET, FieldMap, is_land_column
from layers.formats import Choice, Part, Raw
from layers.intake import further_columns
from layers.land_codes import LAND_TABLES, LandTable
from spatial.bindings import needed_values
from views import chips
from views.draft import Draft
from views.facts import land_codes
from views.session import Opened
from views.text import Words

_NONE = ""
_BY_HAND: Literal["by_hand"] = "by_hand"
_LEAST_COLUMNS = 2


@dataclass(frozen=True, slots=True)
class _Form:
    """The layer whose columns are to be filled, and the rows that are to fill them.

    `asked` changes with whatever a proposal rests on; what was proposed is kept in `held`.
    """

    held: Draft
    asked: object
    spec: LayerSpec
    rows: pd.DataFrame
    existing: gpd.GeoDataFrame | None
    needed: Mapping[str, Sequence[str]]
    words: Words


def map_fields(
    opened: Opened,
    held: Draft,
    spec: LayerSpec,
    part: Part,
    raw: Raw,
    *,
    choice: Choice,
    words: Words,
) -> FieldMap | None:
    """Show the mapping that is likely and let the planner change it.

    None comes back while something is open that a check of the plan rests on.
    """
    known = opened.pack.layers.get(spec.id)
    rows = pd.DataFrame(raw.frame.drop(columns=raw.frame.geometry.name))
    needed = needed_values(opened.plan, spec.id)
    asked = (spec.id, choice, opened.key)
    existing = None if known is None else known.frame
    form = _Form(held, asked, spec, rows, existing, needed, words)
    proposal = held.once(
        "fields", asked, lambda: propose_fields(spec, part, existing, needed, rows=rows)
    )
    chosen = _choose(proposal, form)
    key = chosen.pop(ID_TARGET, "")
    columns = {column: field for column, field in chosen.items() if field}
    told = {
        column: _values(form, column, rows[field])
        for column, field in columns.items()
        if column in proposal.values or _is_classed(form, column)
    }
    for said in _open_questions(proposal, {ID_TARGET: key, **chosen}, words):
        st.caption(chips.unmarked(said))
    lacking = [
        one for one in proposal.fields if one.column in needed and not chosen.get(one.column, key)
    ]
    for one in lacking:
        title = one.title.in_(words.lang)
        st.warning(words("own.needed_missing", column=title), icon=":material/warning:")
    if lacking or None in told.values():
        return None
    classed = {
        column: table_and_codes for column, table_and_codes in told.items() if table_and_codes
    }
    codes = {column: own for column, (_, own) in classed.items() if own}
    if key and key == proposal.map.key and ID_TARGET in proposal.map.codes:
        codes[ID_TARGET] = proposal.map.codes[ID_TARGET]
    tables = {column: table for column, (table, _) in classed.items() if table}
    return FieldMap(key=key, columns=columns, tables=tables, codes=codes)


def keep_the_rest(
    spec: LayerSpec, part: Part, fields: FieldMap, words: Words
) -> tuple[FieldMap, Mapping[str, Column]]:
    """Offer to keep the fields that no column takes: as they are, under their own names."""
    more = further_columns(spec, part, fields)
    if not more:
        return fields, {}
    names = "、" if words.lang == "zh" else ", "
    kept = st.checkbox(
        words("own.keep_rest", fields=chips.unmarked(names.join(more))),
        value=True,
        key=f"draft.rest.{spec.id}",
        persist_state="session",
    )
    if not kept:
        return fields, {}
    columns = {**fields.columns, **{name: name for name in more}}
    return fields.model_copy(update={"columns": columns}), more


def _is_classed(form: _Form, column: str) -> bool:
    by_style = column == form.spec.style.by and bool(form.spec.style.classes)
    return is_land_column(form.spec, column) or by_style or bool(form.needed.get(column))


def _choose(proposal: FieldProposal, form: _Form) -> dict[str, str]:
    """One box for each column, those first that something rests on; the rest behind a fold."""
    always = (ID_TARGET, "name")
    first = [s for s in proposal.fields if s.needed or s.field or s.column in always]
    rest = [s for s in proposal.fields if s not in first]
    chosen = _boxes(first, form)
    if rest:
        with st.expander(form.words("own.other_columns", count=len(rest))):
            chosen |= _boxes(rest, form)
    return chosen


def _boxes(suggestions: Sequence[FieldSuggestion], form: _Form) -> dict[str, str]:
    chosen: dict[str, str] = {}
    names = [_NONE, *(str(name) for name in form.rows.columns)]
    columns = st.columns(3)
    for number, one in enumerate(suggestions):
        is_key = one.column == ID_TARGET
        said = form.words("own.ids") if is_key else one.title.in_(form.words.lang)
        mark = form.words("own.needed") if one.column in form.needed else ""
        with columns[number % 3]:
            chosen[one.column] = st.selectbox(
                f"{said}{mark}",
                names,
                index=names.index(one.field) if one.field in names else 0,
                key=f"draft.field.{form.spec.id}.{one.column}",
                persist_state="session",
                format_func=lambda name, one=one: name or _no_field(one, form.words),
                help=chips.unmarked(one.why.in_(form.words.lang)) or None,
            )
    return chosen


def _no_field(one: FieldSuggestion, words: Words) -> str:
    return words("own.ids_made") if one.column == ID_TARGET else words("own.no_field")


def _open_questions(proposal: FieldProposal, chosen: Mapping[str, str], words: Words) -> list[str]:
    own = {one.column: one.field for one in proposal.fields}
    if any(chosen.get(column) != field for column, field in own.items()):
        return []  # they are about what was proposed
    return [question.in_(words.lang) for question in proposal.questions]


def _values(
    form: _Form, column: str, values: pd.Series
) -> tuple[LandTable | None, Mapping[str, str]] | None:
    """What the values of a class column become; None while that is open."""
    words = form.words
    texts = [str(value) for value in values.dropna().unique()]

    def propose(table: LandTable | None) -> ValueProposal:
        return form.held.once(
            f"values.{column}.{table}",
            (form.asked, texts),
            lambda: propose_values(
                form.spec,
                column,
                texts,
                existing=form.existing,
                plan_values=form.needed,
                table=table,
            ),
        )

    with st.container(border=True):
        title = form.spec.title_of(column).in_(words.lang)
        st.html(chips.line(f"<b>{chips.text(words('own.values', column=title))}</b>"))
        proposal, table = propose(None), None
        if is_land_column(form.spec, column):
            answer = _ask_table(form, column, proposal)
            if answer is None:
                return None
            table = None if answer == _BY_HAND else answer
            proposal = propose(table) if table else _empty(proposal)
        elif proposal.question is not None:
            st.caption(chips.unmarked(proposal.question.in_(words.lang)))
        edited = _edit_values(form, column, proposal, table=table)
    # What is left open stays as it is, unless a check chooses by the column.
    keeps_others = table is None and column not in form.needed
    return table, {
        one.value: edited[one.value]
        for one in proposal.values
        if edited[one.value] != (one.becomes if table else one.value)
        and (edited[one.value] or not keeps_others)
    }


def _ask_table(
    form: _Form, column: str, proposal: ValueProposal
) -> LandTable | Literal["by_hand"] | None:
    words = form.words
    if proposal.question is not None:
        st.warning(chips.unmarked(proposal.question.in_(words.lang)), icon=":material/help:")
    elif proposal.why.in_(words.lang):
        st.caption(chips.unmarked(proposal.why.in_(words.lang)))
    answer: LandTable | Literal["by_hand"] | None = st.segmented_control(
        words("own.land_table"),
        (*LAND_TABLES, _BY_HAND),
        persist_state="session",
        key=f"draft.table.{form.spec.id}.{column}",
        default=proposal.table,
        format_func=lambda name: words(f"own.table_{name}"),
    )
    return answer


def _empty(proposal: ValueProposal) -> ValueProposal:
    """The values, each still to be given a class by hand."""
    left_open = {"becomes": "", "why": Text(zh="", en="")}
    values = tuple(one.model_copy(update=left_open) for one in proposal.values)
    return proposal.model_copy(update={"values": values, "table": None})


def _edit_values(
    form: _Form, column: str, proposal: ValueProposal, *, table: LandTable | None
) -> Mapping[str, str]:
    """The table value to class, which may be edited; what nothing fits is left open."""
    spec, words, lang = form.spec, form.words, form.words.lang
    titles: dict[str, Text] = {entry.value: entry.title for entry in spec.style.classes}
    if is_land_column(spec, column):
        codes = land_codes()
        titles = {code: codes.title_of(code) for code in codes.table("use2023")} | titles
    known = sorted({*titles, *(one.becomes for one in proposal.values if one.becomes)})
    labels = {one: _label(one, titles, lang) for one in known}
    by_label = {label: value for value, label in labels.items()}
    value, becomes, why = words("own.value"), words("own.becomes"), words("own.why")
    frame = pd.DataFrame(
        {
            value: [one.value for one in proposal.values],
            becomes: [labels.get(one.becomes) for one in proposal.values],
            why: [one.why.in_(lang) for one in proposal.values],
        }
    )
    edited = st.data_editor(
        frame,
        hide_index=True,
        disabled=[value, why],
        key=f"draft.values.{spec.id}.{column}.{table}.{len(frame)}",
        column_config={
            becomes: st.column_config.SelectboxColumn(options=list(by_label), width="medium")
        },
        height=min(38 + 35 * max(len(frame), _LEAST_COLUMNS), 320),
    )
    return {str(row[value]): by_label.get(str(row[becomes]), "") for _, row in edited.iterrows()}


def _label(value: str, titles: Mapping[str, Text], lang: str) -> str:
    title = titles.get(value)
    if title is None:
        return value
    said = title.en if lang == "en" else title.zh
    return said if said.startswith(value) else f"{value} {said}"
