"""The questions about a file that is being brought in, each with an answer to begin with."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import geopandas as gpd
import pandas as pd
import streamlit as st

from layers import BASES, Basis, Problem, Text
from layers.catalogue import GeometryKind, LayerSpec, Source
from layers.declared import Datum, Declared, Proposal, proposals
from layers.field_names import read_field_names
from layers.fields import LAND_COLUMN
from layers.formats import Choice, Found, Part
from layers.intake import NewLayer, new_layer_id
from layers.phrases import phrase
from spatial.own_people import PEOPLE_KINDS, kind_taken, people_columns
from spatial.phrases import basis_text
from views import chips
from views.draft import Draft
from views.session import Opened
from views.text import Words

_DATUMS: tuple[Datum, ...] = ("wgs84", "cgcs2000", "gcj02", "bd09", "other")
_OTHER_CRS = "other"
_NEW = ""
_ALIKE, _CODED = 0.6, 0.9
_LEAST_LETTERS = 2
_NO_WORD = re.compile(r"[\W\d_]+")
_BRACKETS = re.compile(r"[（(].*?[)）]")
_GENERIC = re.compile(r"sheet|layer|图层|工作表|data|数据|new|新建|untitled")
_MOST_ERROR_M = 10_000.0
_CLAIMABLE: tuple[Basis, ...] = BASES[: BASES.index("digitised") + 1]


def heading(number: int, title: str, about: str = "") -> None:
    """Head of one of the form's steps."""
    said = chips.text(about, muted=True) if about else ""
    st.html(
        f'<p class="pm-step"><span class="pm-step-number">{number}</span>'
        f"<b>{chips.text(title)}</b> {said}</p>"
    )


def show_problems(
    problems: Sequence[Problem], words: Words, *, most: int = 20, refused: bool = True
) -> None:
    """Say what is wrong, a line for each, and how many more there are.

    `refused` says that nothing can go on; otherwise it is to be borne in mind.
    """
    lines = [problem.in_(words.lang) for problem in problems]
    said = "  \n".join(chips.unmarked(line) for line in lines[:most])
    if refused:
        st.error(said, icon=":material/error:")
    else:
        st.warning(said, icon=":material/info:")
    if len(lines) > most:
        st.caption(words("own.more_problems", count=len(lines) - most))


def choose_part(found: Found, words: Words) -> tuple[Part, Choice]:
    """Ask which part of the file is meant, and how its text and numbers are to be read."""
    heading(1, words("own.step_file"), words("own.step_file_about"))
    labels = [_part_label(part, words) for part in found.parts]
    number = 0
    if len(found.parts) > 1:
        number = st.selectbox(
            words("own.part"),
            range(len(found.parts)),
            key="draft.part",
            persist_state="session",
            format_func=labels.__getitem__,
        )
    part = found.parts[number]
    kind = words(f"own.format_{found.format}")
    st.html(chips.line(f"<b>{chips.text(kind)}</b>", chips.text(labels[number])))
    for note in found.notes:
        st.caption(chips.unmarked(note.in_(words.lang)))
    choice = Choice(part=part.name)
    if len(part.encodings) > 1:
        choice = choice.model_copy(update={"encoding": _ask_encoding(part, words)})
    elif part.encodings:
        choice = choice.model_copy(update={"encoding": part.encodings[0].encoding})
    if part.kind == "table":
        choice = choice.model_copy(update=_ask_columns(part, words))
    if part.kind == "raster":
        if part.count > 1:
            band = st.selectbox(
                words("own.band"),
                range(1, part.count + 1),
                key="draft.band",
                persist_state="session",
                width=200,
            )
            choice = choice.model_copy(update={"band": band})
    elif part.fields:
        with st.expander(words("own.fields_found", count=len(part.fields))):
            st.dataframe(_field_table(part, words), hide_index=True)
    return part, choice


def choose_cells(part: Part, choice: Choice, words: Words) -> Choice:
    """Ask what the cells of a raster become that takes the place of areas."""
    cells = st.radio(
        words("own.raster"),
        ("classes", "cells") if part.values else ("cells", "classes"),
        key="draft.raster",
        persist_state="session",
        format_func=lambda kind: words(f"own.raster_{kind}"),
    )
    return choice.model_copy(update={"raster": cells})


def _part_label(part: Part, words: Words) -> str:
    if part.kind == "raster" and part.pixels is not None:
        columns, rows = part.pixels
        return words("own.part_raster", name=part.name, columns=columns, rows=rows)
    kind = words(f"own.geometry_{part.geometry}") if part.geometry else words("own.geometry_none")
    return words("own.part_label", name=part.name, count=f"{part.count:,}", kind=kind)


def _ask_encoding(part: Part, words: Words) -> str:
    samples = {one.encoding: "、".join(one.samples[:3]) for one in part.encodings}
    return st.radio(
        words("own.encoding"),
        list(samples),
        key="draft.encoding",
        persist_state="session",
        format_func=lambda encoding: f"{encoding}：{chips.unmarked(samples[encoding])}",
    )


def _ask_columns(part: Part, words: Words) -> Mapping[str, str]:
    names = ["", *(field.name for field in part.fields)]

    def ask(name: str, now: str, label: str) -> str:
        return st.selectbox(
            words(label),
            names,
            index=names.index(now) if now in names else 0,
            key=f"draft.{name}.{part.name}",
            persist_state="session",
            format_func=lambda field: field or words("own.no_field"),
        )

    if part.wkt:
        return {"wkt": ask("wkt", part.wkt, "own.column_wkt")}
    left, right = st.columns(2)
    with left:
        x = ask("x", part.x, "own.column_x")
    with right:
        y = ask("y", part.y, "own.column_y")
    return {"x": x, "y": y}


def _field_table(part: Part, words: Words) -> pd.DataFrame:
    return pd.DataFrame(
        {
            words("own.field"): field.name,
            words("own.field_kind"): words(f"own.kind_{field.kind}"),
            words("own.field_samples"): "、".join(field.samples),
            words("own.field_missing"): field.missing,
        }
        for field in part.fields
    )


@dataclass(frozen=True, slots=True)
class Place:
    """The layer that a file's part is to become: one of the pack's, or a new one.

    `geometry` is the kind of its features where it is not the layer's, as areas with residents.
    """

    layer: str
    new: NewLayer | None
    geometry: GeometryKind | None = None


def choose_layer(opened: Opened, found: Found, part: Part, words: Words) -> Place | None:
    """Ask which layer the part takes the place of; None while that is open.

    The layer whose name is most like the part's or the file's is chosen to begin with; none is
    where none is like it, for a layer is soon replaced by mistake.
    """
    heading(2, words("own.step_layer"), words("own.step_layer_about"))
    kind: GeometryKind = part.geometry or ("polygon" if part.kind == "raster" else "point")
    likeness = _likenesses(opened, found, part)
    ranked = _ranked(opened, part, kind, likeness)
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        layer = st.selectbox(
            words("own.layer"),
            [*ranked, _NEW],
            index=0 if ranked and likeness[ranked[0]] >= _ALIKE else None,
            key=f"draft.layer.{part.name}",
            persist_state="session",
            placeholder=words("own.layer_wanted"),
            format_func=lambda id_: _layer_label(opened, id_, words),
        )
    if layer is None:
        return None
    if layer != _NEW:
        return Place(layer, None, kind_taken(opened.plan, layer, part))
    with right:
        title = st.text_input(
            words("own.new_title"),
            key="draft.title",
            persist_state="session",
            max_chars=40,
            value=part.name[:40],
        ).strip()
    if not title:
        st.info(words("own.title_wanted"))
        return None
    return Place(new_layer_id(title), NewLayer(title=Text(zh=title, en=title), geometry=kind))


def _likenesses(opened: Opened, found: Found, part: Part) -> Mapping[str, float]:
    """How likely each layer of the pack is meant, by names and by the fields of the part."""
    codes = {word.casefold() for word in read_field_names()["class_code"]}
    # The one field of a raster is of our naming.
    has_codes = part.kind != "raster" and any(
        field.name.casefold() in codes for field in part.fields
    )
    return {
        id_: max(
            _likeness(spec, Path(found.name).stem),
            _likeness(spec, part.name),
            _CODED if has_codes and spec.style.by == LAND_COLUMN else 0.0,
        )
        for id_, spec in opened.pack.catalogue.layers.items()
    }


def _ranked(
    opened: Opened, part: Part, kind: GeometryKind, likeness: Mapping[str, float]
) -> Sequence[str]:
    """The layers that a part may take the place of: those alike, then those that fit it best.

    Layers that fit equally well stand by group, and in a group as they are drawn.
    """
    pack, people = opened.pack.catalogue, people_columns(opened.plan)
    groups = list(pack.pack.groups)
    fits = {
        id_: fit
        for id_, spec in pack.layers.items()
        for fit in [_fit(spec, part, kind, counts_people=id_ in people)]
        if fit is not None
    }

    def order(id_: str) -> tuple[float, int, int]:
        alike = likeness[id_] if likeness[id_] >= _ALIKE else 0.0
        group = pack.layers[id_].group
        return -alike, fits[id_], groups.index(group) if group in groups else len(groups)

    return sorted(fits, key=order)


def _fit(spec: LayerSpec, part: Part, kind: GeometryKind, *, counts_people: bool) -> int | None:
    """How well a part fits a layer: 0 as it is, more where it becomes something else, None not.

    A raster of few values is one of classes, any other one of amounts, such as of residents; both
    can become areas. Closed lines are mended into areas.
    """
    if part.kind == "raster":
        if spec.geometry == "raster":
            return 0 if part.values else 1
        if counts_people:
            return 1 if part.values else 0
        return 2 if spec.geometry == "polygon" else None
    if spec.geometry == kind:
        return 0
    if counts_people and kind in PEOPLE_KINDS:
        return 1
    return 2 if (spec.geometry, kind) == ("polygon", "line") else None


def _likeness(spec: LayerSpec, name: str) -> float:
    """How like a file's name is to a layer's title or id, from 0 to 1; one in the other is 1."""
    plain = _NO_WORD.sub("", name.casefold())
    titles = (spec.title.zh, spec.title.en, spec.id)
    words = [_BRACKETS.sub("", word).strip().casefold() for word in titles]
    if len(plain) < _LEAST_LETTERS or _GENERIC.fullmatch(plain):
        return 0.0
    if any(word in plain or plain in word for word in words):
        return 1.0
    return max(SequenceMatcher(None, plain, word).ratio() for word in words)


def _layer_label(opened: Opened, layer: str, words: Words) -> str:
    if layer == _NEW:
        return words("own.new_layer")
    title = opened.pack.catalogue.layers[layer].title.in_(words.lang)
    held = opened.pack.delivered(layer)
    basis = words("map.missing_layer") if held is None else basis_text(held.basis, words.lang)
    return f"{title} · {basis}"


def is_swapped(opened: Opened, held: Draft, part: Part) -> bool:
    """Whether a part lies in the place with its axes exchanged rather than as it is."""
    likely = _proposals(opened, held, part)
    return bool(likely) and likely[0].declared.swapped


def _proposals(opened: Opened, held: Draft, part: Part) -> tuple[Proposal, ...]:
    """The declarations under which a part lies in the place, worked out once: it takes a while."""
    pack = opened.pack
    metric_crs = pack.catalogue.pack.metric_crs

    def likely() -> tuple[Proposal, ...]:
        area = gpd.GeoSeries([pack.area], crs=metric_crs).to_crs("OGC:CRS84")
        return proposals(part, metric_crs=metric_crs, area_degrees=area.iloc[0])

    return held.once("proposals", (part, opened.key), likely)


def choose_datum(
    opened: Opened, held: Draft, part: Part, words: Words, *, may_swap: bool = True
) -> Declared | None:
    """Ask for the coordinate system and the datum; None until both are said.

    `may_swap` says whether the axes may stand exchanged, as those of a raster never do.
    """
    about = "own.step_datum_about" if may_swap else "own.step_datum_about_raster"
    heading(3, words("own.step_datum"), words(about))
    likely = {
        f"{one.declared.crs}{'⇄' if one.declared.swapped else ''}": one
        for one in _proposals(opened, held, part)
        if may_swap or not one.declared.swapped
    }
    if not likely:
        st.warning(words("own.no_proposal"), icon=":material/wrong_location:")

    def label(key: str) -> str:
        if key == _OTHER_CRS:
            return words("own.other_crs")
        one = likely[key]
        return words(
            "own.crs_label",
            title=one.title.in_(words.lang),
            code=one.declared.crs,
            why=one.why.in_(words.lang),
        )

    left, right = st.columns([4, 1], vertical_alignment="bottom")
    with left:
        key = st.selectbox(
            words("own.crs"),
            [*likely, _OTHER_CRS],
            key=f"draft.crs.{part.name}",
            persist_state="session",
            format_func=label,
        )
    if key == _OTHER_CRS:
        with right:
            code = st.text_input(
                words("own.crs_code"),
                key="draft.crs_code",
                persist_state="session",
                placeholder="EPSG:4548",
            ).strip()
        swapped = may_swap and st.checkbox(
            words("own.swapped"), key="draft.swapped", persist_state="session"
        )
        if not code:
            return None
        crs = code if ":" in code or not code.isdigit() else f"EPSG:{code}"
    else:
        crs, swapped = likely[key].declared.crs, likely[key].declared.swapped
        note = likely[key].note.in_(words.lang)
        if note:
            st.caption(note)
    datum: Datum | None = st.segmented_control(
        words("own.datum"),
        _DATUMS,
        key=f"draft.datum.{part.name}",
        persist_state="session",
        format_func=lambda one: words(f"own.datum_{one}"),
        help=words("own.datum_help"),
    )
    if datum is None:
        st.info(words("own.datum_wanted"), icon=":material/help:")
        return None
    return Declared(crs=crs, datum=datum, swapped=swapped)


def describe_source(
    name: str, words: Words, *, datum: str, within_m: float | None = None
) -> tuple[Source, float] | None:
    """Ask where the data come from and how good they are; None until that is said.

    Neither basis nor accuracy is filled in: on them hangs what may be concluded. `within_m` is
    said where the accuracy cannot be better, as of people somewhere in a cell.
    """
    heading(5, words("own.step_source"), words("own.step_source_about"))
    columns = st.columns([3, 3, 2, 2])
    with columns[0]:
        said = st.text_input(
            words("own.source_name"), key="draft.source", persist_state="session", value=name
        )
    with columns[1]:
        basis: Basis | None = st.segmented_control(
            words("own.basis"),
            _CLAIMABLE,
            key="draft.basis",
            persist_state="session",
            format_func=lambda one: basis_text(one, words.lang),
            help=words("own.basis_help"),
        )
    with columns[2]:
        accuracy_m = st.number_input(
            words("own.accuracy"),
            min_value=0.0,
            max_value=_MOST_ERROR_M,
            value=None,
            key="draft.accuracy",
            persist_state="session",
            placeholder=words("own.accuracy_example") if within_m is None else f"{within_m:.0f}",
            help=words("own.accuracy_help"),
        )
    with columns[3]:
        date = st.date_input(
            words("own.date"),
            value=None,
            key="draft.date",
            persist_state="session",
            max_value=_today(),
        )
    if within_m is not None:
        st.caption(phrase("people", "within", metres=f"{within_m:.0f}").in_(words.lang))
    if basis is None or accuracy_m is None:
        st.info(words("own.source_wanted"), icon=":material/help:")
        return None
    label = said.strip() or name
    source = Source(
        name=Text(zh=label, en=label),
        date="" if date is None else date.isoformat(),
        datum=datum,
        basis=basis,
    )
    return source, float(accuracy_m)


def _today() -> dt.date:
    return dt.datetime.now(tz=dt.UTC).astimezone().date()
