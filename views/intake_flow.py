"""From a file to a layer in the workspace: the steps in order, as far as the answers go."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd
import streamlit as st

from layers import InputError, Text
from layers.catalogue import Column, LayerSpec, Source
from layers.declared import Declared
from layers.fields import FieldMap
from layers.findings import FAULTS, readable
from layers.formats import Choice, Part, Raw
from layers.gate import DatumFinding
from layers.intake import (
    Intake,
    Taken,
    datum_text,
    half_diagonal_m,
    intended_spec,
    own_layer,
    take_in,
    to_be_stored,
)
from layers.phrases import phrase
from layers.repair import Handling
from layers.workspace import ConflictError, StoredLayer
from spatial.export import csv_bytes
from spatial.own_people import is_people_raster, own_people, people_of_cells
from spatial.own_raster import is_raster_layer
from views import chips
from views.datum_check import datum_settled
from views.draft import Draft, drop_draft
from views.field_form import keep_the_rest, map_fields
from views.intake_form import (
    Place,
    choose_cells,
    choose_datum,
    choose_layer,
    choose_part,
    describe_source,
    heading,
    is_swapped,
    show_problems,
)
from views.intake_raster import raster_asked
from views.own_layers import note_change, said_by_targets
from views.session import Opened
from views.settings import conflict_text
from views.text import Words
from views.workspace import author, ensured_workspace

_CONFLICT = "own.conflict"
_HANDLINGS: tuple[Handling, ...] = ("repair", "skip", "stop")
_MOST_LOGGED = 200
_NO_SOURCE = Source(name=Text(zh="", en=""), basis="sketch")


@dataclass(frozen=True, slots=True)
class _Said:
    """What was read and answered before the fields are mapped."""

    part: Part
    raw: Raw
    chosen: Place
    choice: Choice
    declared: Declared
    finding: DatumFinding
    insisted: str

    def is_people_raster(self, opened: Opened) -> bool:
        """Whether the cells of a raster become residents."""
        return is_people_raster(opened.plan, self.chosen.layer, self.part)

    def intake(self, fields: FieldMap, source: Source, accuracy_m: float) -> Intake:
        return Intake(
            layer=self.chosen.layer,
            new=self.chosen.new,
            geometry=self.chosen.geometry,
            choice=self.choice,
            declared=self.declared,
            fields=fields,
            source=source,
            accuracy_m=accuracy_m,
            insisted=self.insisted,
        )


def bring_in(opened: Opened, held: Draft, words: Words) -> None:
    """Ask, step by step, what is needed to make a layer of the file; keep it at the end.

    A step that refuses says why, and what was answered stays.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(chips.line(f"<b>{chips.text(held.name)}</b>"), width="content")
        st.button(words("own.leave"), icon=":material/close:", on_click=drop_draft)
    try:
        stored = _asked(opened, held, words)
    except InputError as error:
        show_problems(error.problems, words)
        return
    if stored is not None:
        _offer_to_keep(opened, stored, held, words)


def _asked(opened: Opened, held: Draft, words: Words) -> StoredLayer | None:
    """All steps; None while something is open. Of a raster it is asked first what it is to be."""
    part, choice = choose_part(held.found, words)
    place = None
    if part.kind == "raster":
        place = _layer(opened, held, part, words)
        if place is None:
            return None
        if is_raster_layer(opened.pack, place.layer):
            return raster_asked(opened, held, part, choice.band, layer=place.layer, words=words)
        if is_people_raster(opened.plan, place.layer, part):
            choice = choice.model_copy(update={"raster": "cells"})
        else:
            choice = choose_cells(part, choice, words)
    said = _read_and_place(opened, held, part, choice, place=place, words=words)
    return None if said is None else _map_and_mend(opened, held, said, words)


def _layer(opened: Opened, held: Draft, part: Part, words: Words) -> Place | None:
    chosen = choose_layer(opened, held.found, part, words)
    if chosen is not None:
        held.seen.setdefault(chosen.layer, opened.own_versions.get(chosen.layer))
    return chosen


def _read_and_place(
    opened: Opened, held: Draft, part: Part, choice: Choice, *, place: Place | None, words: Words
) -> _Said | None:
    """Steps 1 to 3: what it is, which layer it replaces, where it lies."""
    with st.spinner(words("own.reading")):
        raw = held.read(choice, opened.pack.catalogue.pack.limits)
    part = _measured_part(part, raw)
    if part.bounds is None:
        st.warning(words("own.no_coordinates"), icon=":material/wrong_location:")
        return None
    if place is None and is_swapped(opened, held, part):
        st.warning(phrase("axes", "swapped").in_(words.lang), icon=":material/swap_horiz:")
    chosen = place or _layer(opened, held, part, words)
    if chosen is None:
        return None
    declared = choose_datum(opened, held, part, words)
    if declared is None:
        return None
    settled = datum_settled(opened, held, raw, choice, words=words, declared=declared)
    if settled is None:
        return None
    finding, insisted = settled
    return _Said(part, raw, chosen, choice, declared, finding, insisted)


def _measured_part(part: Part, raw: Raw) -> Part:
    """The part with the bounds of what was read: the planner may have named other columns."""
    there = raw.frame.geometry[raw.frame.geometry.notna() & ~raw.frame.geometry.is_empty]
    if there.empty:
        return part.model_copy(update={"bounds": None})
    west, south, east, north = (float(edge) for edge in there.total_bounds)
    return part.model_copy(update={"bounds": (west, south, east, north)})


def _map_and_mend(opened: Opened, held: Draft, said: _Said, words: Words) -> StoredLayer | None:
    """Steps 4 to 6: fields, source, mending; None while something is open."""
    mapped = _mapped(opened, held, said, words)
    if mapped is None:
        return None
    fields, more = mapped
    described = describe_source(
        held.name, words, datum=datum_text(said.declared), within_m=_within_m(opened, held, said)
    )
    if described is None:
        return None
    heading(6, words("own.step_mend"), words("own.step_mend_about"))
    handling = st.radio(
        words("own.handling"),
        _HANDLINGS,
        key="draft.handling",
        persist_state="session",
        horizontal=True,
        format_func=lambda one: words(f"own.handling_{one}"),
    )
    changes = {"handling": handling, "more": more}
    intake = said.intake(fields, *described).model_copy(update=changes)
    # The source changes nothing in the rows, and typing it should not mend them again.
    key = intake.model_copy(update={"source": _NO_SOURCE, "accuracy_m": 0.0})
    name, sha256 = held.name, held.found.sha256
    with st.spinner(words("own.mending")):
        taken = held.once(
            "taken",
            (key, opened.key),
            lambda: take_in(opened.pack, said.raw, intake, name=name, sha256=sha256),
        )
    people = held.once(
        "people",
        (key, opened.key),
        lambda: own_people(
            opened.plan,
            opened.pack,
            said.chosen.layer,
            taken.layer.frame,
            cells=said.is_people_raster(opened),
            where=name,
        ),
    )
    _show_mended(taken, held, words)
    if people is not None:
        lines = (chips.unmarked(line) for line in people.lines(words.lang))
        st.info("  \n".join(lines), icon=":material/groups:")
    spec = intended_spec(opened.pack, intake, name=name, sha256=sha256)
    taken = replace(taken, layer=own_layer(spec, taken.mended.frame))
    return to_be_stored(taken, intake, said.finding, name=name, content=held.content)


def _mapped(
    opened: Opened, held: Draft, said: _Said, words: Words
) -> tuple[FieldMap, Mapping[str, Column]] | None:
    """Step 4: the fields, and those kept beside them; None while open. Cells have but one."""
    if said.is_people_raster(opened):
        heading(4, words("own.step_fields"), phrase("people", "as_cells").in_(words.lang))
        return people_of_cells(opened.plan, said.chosen.layer), {}
    heading(4, words("own.step_fields"), words("own.step_fields_about"))
    spec = _spec(opened, said, held)
    fields = map_fields(opened, held, spec, said.part, said.raw, choice=said.choice, words=words)
    return None if fields is None else keep_the_rest(spec, said.part, fields, words)


def _within_m(opened: Opened, held: Draft, said: _Said) -> float | None:
    """How far from the middle of a cell its people may live; None where there are no cells."""
    if not said.is_people_raster(opened):
        return None
    metric_crs = opened.pack.catalogue.pack.metric_crs
    return half_diagonal_m(said.raw, said.declared, metric_crs, name=held.name)


def _spec(opened: Opened, said: _Said, held: Draft) -> LayerSpec:
    """The entry whose columns are to be filled: the pack's, or a new layer's."""
    known = opened.pack.catalogue.layers.get(said.chosen.layer)
    if known is not None:
        return known
    intake = said.intake(FieldMap(), _NO_SOURCE, 0.0)
    return intended_spec(opened.pack, intake, name=held.name, sha256=held.found.sha256)


def _show_mended(taken: Taken, held: Draft, words: Words) -> None:
    """What was found and done, in sum and line by line, and the log to take away."""
    mended = taken.mended
    rows = readable(mended.log, words.lang)
    count, before = f"{mended.after.features:,}", f"{mended.before.features:,}"
    kept = words("own.kept", count=count, rows=before)
    if rows.empty:
        st.success(f"{kept} {words('own.nothing_found')}", icon=":material/check_circle:")
    else:
        st.info(f"{kept} {words('own.found', count=f'{len(rows):,}')}", icon=":material/build:")
        # What is wrong first, what was only tidied up last; all of it is one layer's.
        grave = mended.log["rule"].isin(FAULTS).to_numpy()
        shown = pd.concat([rows[grave], rows[~grave]]).iloc[:, 1:]
        st.dataframe(shown.head(_MOST_LOGGED).round(1), hide_index=True)
        st.download_button(
            words("own.log"),
            lambda: csv_bytes(rows),
            file_name=f"{held.name}-{words('own.log_name')}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
    if taken.problems:
        show_problems(taken.problems, words, refused=False)


def _offer_to_keep(opened: Opened, stored: StoredLayer, held: Draft, words: Words) -> None:
    """The button that keeps the layer; where somebody else has changed it, both stay."""
    conflict: ConflictError | None = st.session_state.get(_CONFLICT)
    if conflict is None:
        if st.button(words("own.keep"), type="primary", icon=":material/save:"):
            _keep(opened, stored, held, words, seen=held.seen.get(stored.spec.id))
        return
    st.warning(chips.unmarked(conflict_text(opened, conflict, words)), icon=":material/group:")
    with st.container(horizontal=True):
        if st.button(words("own.save_mine"), type="primary"):
            _keep(opened, stored, held, words, seen=conflict.theirs.n)
        if st.button(words("own.keep_theirs")):
            st.session_state[_CONFLICT] = None
            drop_draft()
            st.rerun()


def _keep(
    opened: Opened, stored: StoredLayer, held: Draft, words: Words, *, seen: int | None
) -> None:
    before = said_by_targets(opened, stored.spec.id, words)
    try:
        with st.spinner(words("own.keeping")):
            workspace = ensured_workspace(words)
            version = workspace.save_layer(stored, seen=seen, author=author(), content=held.content)
    except ConflictError as error:
        st.session_state[_CONFLICT] = error
        st.rerun()
    except InputError as error:
        show_problems(error.problems, words)
        return
    note_change(stored.spec, version, before)
    st.session_state[_CONFLICT] = None
    st.session_state[f"on.{stored.spec.id}"] = True
    drop_draft()
    st.rerun()
