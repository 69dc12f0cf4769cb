"""Mending features: every rule with figures that a head can check, and the laws of the log."""

import math
import string
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import (
    GeometryCollection,
    LineString,
    MultiLineString,
    MultiPoint,
    MultiPolygon,
    Point,
    Polygon,
    box,
)
from shapely.geometry.base import BaseGeometry

from layers import InputError, load_pack
from layers.catalogue import GeometryKind, LayerSpec
from layers.findings import AMOUNTS, FAULTS, LOG_COLUMNS, RULES, read_phrases, readable
from layers.overlaps import overlapping_pairs
from layers.repair import Handling, Mended, mend
from layers.rules import content_problems, place_problems

AREA = box(0, 0, 1_000, 1_000)
BOW_TIE = Polygon([(0, 0), (20, 20), (20, 0), (0, 20)])
SQUARE = box(100, 100, 200, 200)


def a_spec(geometry: GeometryKind) -> LayerSpec:
    source = {"name": {"zh": "局", "en": "Bureau"}, "basis": "official"}
    title = {"zh": "层", "en": "Layer"}
    basics = {"id": "own", "title": title, "group": "g", "accuracy_m": 1, "source": source}
    return LayerSpec.model_validate({**basics, "geometry": geometry})


def a_layer(
    shapes: Sequence[BaseGeometry | None],
    *,
    ids: Sequence[str] | None = None,
    columns: Mapping[str, Sequence[object]] | None = None,
) -> gpd.GeoDataFrame:
    index = pd.Index(ids or [f"F{n}" for n in range(len(shapes))], dtype=str, name="id")
    return gpd.GeoDataFrame(
        {"name": [f"n{n}" for n in range(len(shapes))], **(columns or {})},
        geometry=np.array([*shapes, None], dtype=object)[:-1],
        crs="EPSG:4548",
        index=index,
    )


def mended(
    shapes: Sequence[BaseGeometry | None],
    *,
    kind: GeometryKind = "polygon",
    handling: Handling = "repair",
    margin_m: float = 50.0,
    ids: Sequence[str] | None = None,
) -> Mended:
    frame = a_layer(shapes, ids=ids)
    return mend(frame, a_spec(kind), area=AREA, margin_m=margin_m, handling=handling)


def rows(done: Mended) -> list[tuple[str, str, str]]:
    table = done.log[["feature", "rule", "done"]]
    return [tuple(row) for row in table.itertuples(index=False) if row.rule != "total"]


# Each rule ---------------------------------------------------------------------------------------


def test_a_bow_tie_of_no_ring_area_becomes_two_triangles() -> None:
    done = mended([BOW_TIE, SQUARE])
    assert rows(done) == [("F0", "invalid", "mended")]
    row = done.log.iloc[0]
    assert (row.before_m2, row.after_m2) == (0.0, 200.0)  # two triangles of 20 × 10 / 2
    assert "边界自相交（10 10）" in row.zh
    assert done.frame.geometry.area.tolist() == [200.0, 10_000.0]


@pytest.mark.parametrize(
    "shape, before_m2, after_m2",
    [
        # The ring runs round a square of 20 m inside one of 40 m, connected by a seam: a touch.
        (Polygon([(0, 0), (40, 0), (40, 40), (0, 40), (0, 0), (20, 10), (20, 20), (0, 0)]),
         1600 + 100, 1600),
        # Two parts of 30 m by 20 m that share a strip of 10 m.
        (MultiPolygon([box(0, 0, 30, 20), box(20, 0, 50, 20)]), 1200, 1000),
        # A hole that reaches out of its ring: 40 × 40 less 20 × 20, of which half lies outside.
        (Polygon([(0, 0), (40, 0), (40, 40), (0, 40)],
                 [[(30, 10), (50, 10), (50, 30), (30, 30)]]), 1600 - 400, 1600 - 200),
    ],
    ids=["loop inside", "parts that overlap", "hole across the edge"],
)  # fmt: skip
def test_rings_are_made_valid_and_the_change_of_area_is_logged(
    shape: BaseGeometry, before_m2: float, after_m2: float
) -> None:
    assert not shape.is_valid
    done = mended([shape])
    row = done.log.iloc[0]
    assert (row.rule, row.done) == ("invalid", "mended")
    assert row.before_m2 == pytest.approx(before_m2)
    assert row.after_m2 == pytest.approx(after_m2)
    assert done.frame.geometry.iloc[0].is_valid


def test_a_spike_goes_with_the_lines_that_making_valid_leaves() -> None:
    spike = Polygon([(0, 0), (20, 0), (20, 20), (30, 20), (20, 20), (0, 20)])
    done = mended([spike])
    assert done.frame.geometry.iloc[0].equals(box(0, 0, 20, 20))
    assert done.frame.geometry.geom_type.tolist() == ["Polygon"]


@pytest.mark.parametrize(
    "shape, kind",
    [
        (Polygon([(0, 0), (10, 10), (20, 20)]), "polygon"),
        (Polygon([(5, 5), (5, 5), (5, 5)]), "polygon"),
        (LineString([(5, 5), (5, 5)]), "line"),
        (MultiLineString([[(5, 5), (5, 5)], [(6, 6), (6, 6)]]), "line"),
    ],
)
def test_what_has_no_size_is_left_out(shape: BaseGeometry, kind: GeometryKind) -> None:
    done = mended([shape], kind=kind)
    assert rows(done) == [("F0", "zero", "left_out")]
    assert done.frame.empty


def test_a_part_of_no_length_goes_and_the_rest_of_the_line_stays() -> None:
    done = mended([MultiLineString([[(0, 0), (30, 40)], [(6, 6), (6, 6)]])], kind="line")
    assert rows(done) == [("F0", "invalid", "mended")]
    assert done.frame.geometry.length.tolist() == [50.0]


def test_a_missing_and_an_empty_geometry_are_left_out() -> None:
    done = mended([None, Polygon(), SQUARE])
    assert rows(done) == [("F0", "empty", "left_out"), ("F1", "empty", "left_out")]
    assert (done.before.features, done.after.features) == (3, 1)
    assert done.before.amount == done.after.amount == 10_000


@pytest.mark.parametrize("bad", [math.nan, math.inf, 2e8, -1e300])
def test_a_coordinate_that_is_no_number_leaves_the_feature_out(bad: float) -> None:
    with np.errstate(invalid="ignore"):
        shape = LineString([(0, 0), (bad, 10), (20, 20)])
    done = mended([shape], kind="line")
    assert rows(done) == [("F0", "coordinates", "left_out")]
    assert done.frame.empty


def test_heights_and_measures_are_dropped_in_one_row() -> None:
    high = shapely.force_3d(SQUARE, 5.0)
    measured = shapely.from_wkt("POLYGON M ((0 0 1, 10 0 1, 10 10 1, 0 0 1))")
    done = mended([high, measured, box(300, 300, 310, 310)])
    assert rows(done) == [("", "dimension", "mended")]
    assert "2 features carry heights" in done.log["en"].iloc[0]
    assert not shapely.has_z(done.frame.geometry).any()
    assert not shapely.has_m(done.frame.geometry).any()
    assert done.before.amount == done.after.amount == 10_000 + 50 + 100


def test_a_closed_line_becomes_the_polygon_that_it_runs_round() -> None:
    ring = LineString([(0, 0), (30, 0), (30, 20), (0, 20), (0, 0)])
    done = mended([ring, MultiLineString([ring])])
    assert rows(done)[0] == ("F0", "closed_line", "mended")
    assert done.log[["before_m2", "after_m2"]].iloc[0].tolist() == [0.0, 600.0]
    assert "100.0 m long" in done.log["en"].iloc[0]


@pytest.mark.parametrize(
    "shape, kind",
    [
        (LineString([(0, 0), (30, 0)]), "polygon"),
        (LineString([(0, 0), (30, 0), (0, 0)]), "polygon"),
        (MultiLineString([SQUARE.exterior.coords, BOW_TIE.exterior.coords]), "polygon"),
        (Point(1, 1), "polygon"),
        (SQUARE, "line"),
        (SQUARE, "point"),
        (GeometryCollection([Point(1, 1)]), "line"),
    ],
)
def test_a_wrong_geometry_is_left_out(shape: BaseGeometry, kind: GeometryKind) -> None:
    done = mended([shape], kind=kind)
    assert rows(done) == [("F0", "type", "left_out")]
    assert "图形是" in done.log["zh"].iloc[0]


def test_of_a_collection_the_parts_of_the_layers_kind_remain() -> None:
    mixed = GeometryCollection(
        [box(0, 0, 20, 10), box(10, 0, 30, 10), LineString([(0, 0), (9, 9)])]
    )
    done = mended([mixed])
    assert rows(done) == [("F0", "mixed", "mended")]
    assert done.log[["before_m2", "after_m2"]].iloc[0].tolist() == [400.0, 300.0]
    lines = mended([GeometryCollection([mixed, LineString([(0, 0), (3, 4)])])], kind="line")
    assert lines.frame.geometry.length.iloc[0] == pytest.approx(5 + math.hypot(9, 9))
    assert lines.log[["before_m", "after_m"]].iloc[0].tolist() == [lines.after.amount] * 2


def test_repeated_vertices_go_and_the_area_stays() -> None:
    shape = Polygon([(0, 0), (10, 0), (10, 0), (10, 10), (0, 10), (0, 10)])
    done = mended([shape])
    assert rows(done) == [("F0", "points", "mended")]
    assert "2 vertices repeat" in done.log["en"].iloc[0]
    assert done.log[["before_m2", "after_m2"]].iloc[0].tolist() == [100.0, 100.0]
    assert shapely.get_num_coordinates(done.frame.geometry.iloc[0]) == 5


def test_vertices_less_than_a_millimetre_apart_are_counted() -> None:
    shape = Polygon([(0, 0), (10, 0), (10, 0.0005), (10, 10), (0, 10)])
    assert rows(mended([shape, SQUARE])) == [("", "close", "noted")]


@pytest.mark.parametrize(
    "sliver, lost_m2",
    [(box(0, 0, 0.9, 1), 0.9), (box(0, 0, 500, 0.04), 20.0)],
    ids=["small", "narrow"],
)
def test_a_sliver_is_dropped_with_its_area_logged(sliver: Polygon, lost_m2: float) -> None:
    whole = mended([sliver])
    assert rows(whole) == [("F0", "sliver", "left_out")]
    part = mended([MultiPolygon([sliver, SQUARE])])
    assert rows(part) == [("F0", "sliver", "mended")]
    row = part.log.iloc[0]
    assert row.about_m2 == pytest.approx(lost_m2)
    assert row.before_m2 - row.after_m2 == pytest.approx(lost_m2)
    assert part.frame.geometry.iloc[0].equals(SQUARE)


def test_narrow_land_that_is_no_sliver_stays() -> None:
    assert rows(mended([box(0, 0, 500, 0.06), box(0, 100, 1.1, 101)])) == []


def test_a_feature_drawn_twice_stays_once() -> None:
    turned = Polygon([(200, 200), (100, 200), (100, 100), (200, 100)])
    frame = a_layer([SQUARE, turned, SQUARE], columns={"name": ["a", "a", "b"]})
    done = mend(frame, a_spec("polygon"))
    assert rows(done) == [("F1", "duplicate", "left_out"), ("F2", "same_place", "kept")]
    assert done.log["other"].tolist()[:2] == ["F0", "F0"]
    assert done.log["about_m2"].tolist()[:2] == [10_000.0, 10_000.0]
    assert done.frame.index.tolist() == ["F0", "F2"]
    assert (done.before.amount, done.after.amount) == (30_000.0, 20_000.0)


def test_missing_attributes_are_equal_to_one_another() -> None:
    frame = a_layer([Point(1, 1), Point(1, 1)], columns={"name": [None, math.nan]})
    assert rows(mend(frame, a_spec("point"))) == [("F1", "duplicate", "left_out")]


def test_a_double_id_gets_the_next_free_number() -> None:
    shapes = [box(n * 20, 0, n * 20 + 10, 10) for n in range(4)]
    done = mended(shapes, ids=["A", "A", "A-2", "A"])
    assert done.frame.index.tolist() == ["A", "A-3", "A-2", "A-4"]
    assert rows(done) == [("A-3", "id", "renumbered"), ("A-4", "id", "renumbered")]
    assert "“A”重复；改编为“A-3”" in done.log["zh"].iloc[0]


def test_what_lies_beyond_the_margin_is_left_out_and_what_reaches_there_stays() -> None:
    shapes = [
        box(1_020, 0, 1_040, 10),  # outside, within the margin
        box(1_060, 0, 1_080, 10),
        box(1_040, 0, 1_060, 10),
    ]
    done = mended(shapes)
    assert rows(done) == [("F1", "outside", "left_out"), ("F2", "partly_outside", "kept")]
    assert "60 m away at the nearest; 50 m are allowed" in done.log["en"].iloc[0]
    assert done.log["before_m2"].tolist()[:2] == [200.0, 200.0]
    assert done.log["after_m2"].tolist()[:2] == [0.0, 200.0]


def test_overlaps_are_listed_by_pairs_and_never_cut() -> None:
    shapes = [box(0, 0, 100, 100), box(90, 0, 200, 100), box(200, 0, 300, 100), box(10, 10, 20, 20)]
    done = mended(shapes)
    pairs = done.log[done.log["rule"] == "overlap"]
    assert pairs[["feature", "other", "about_m2"]].to_numpy().tolist() == [
        ["F0", "F1", 1_000.0],
        ["F0", "F3", 100.0],
    ]
    total = done.log[done.log["rule"] == "overlaps"].iloc[0]
    assert (total.about_m2, total.feature) == (1_100.0, "")
    assert [shape.equals(old) for shape, old in zip(done.frame.geometry, shapes, strict=True)] == [
        True
    ] * 4


def test_what_shares_less_than_a_sliver_does_not_overlap() -> None:
    assert rows(mended([box(0, 0, 100, 100), box(99.995, 0, 200, 100)])) == []


def test_a_pile_of_polygons_is_not_looked_at_for_ever() -> None:
    pile = shapely.box(np.arange(60) * 0.01, 0, 100, 100)  # 1 770 pairs
    found = overlapping_pairs(pile, least_m2=1, most_pairs=500)
    assert (found.complete, found.looked, len(found.one)) == (False, 500, 500)
    found = overlapping_pairs(pile, least_m2=1, most_overlaps=300)
    assert (found.complete, len(found.one)) == (False, 300)
    found = overlapping_pairs(pile, least_m2=1)
    assert (found.complete, len(found.one)) == (True, 1_770)


def test_the_total_is_a_finding_where_it_changes() -> None:
    done = mended(
        [box(0, 0, 100, 100), MultiPolygon([box(200, 0, 300, 100), box(290, 0, 310, 100)])]
    )
    total = done.log[done.log["rule"] == "total"].iloc[0]
    # 10 000 + 10 000 + 2 000, of which 1 000 were counted twice
    assert total.en == "in all, 22,000.0 became 21,000.0 m² (-4.55%); the rows tell which"
    assert pd.isna(total.before_m2)


def test_nothing_is_wrong_with_the_embedded_layers() -> None:
    pack = load_pack(Path(__file__).resolve().parents[1] / "geodata")
    for layer in pack.layers.values():
        spec, frame = layer.spec, layer.frame
        done = mend(frame, spec, area=pack.area, margin_m=5_000)
        assert FAULTS.isdisjoint(done.log["rule"]), spec.id
        assert done.frame.index.equals(frame.index)
        assert done.after.amount == pytest.approx(done.before.amount, rel=1e-6), spec.id


# What to do with faults --------------------------------------------------------------------------


FAULTY = [BOW_TIE, None, LineString([(0, 0), (1, 1)]), box(5_000, 0, 5_010, 10), SQUARE]


def test_skipping_leaves_the_faulty_out_with_what_is_lost() -> None:
    done = mended([*FAULTY, MultiPolygon([box(0, 0, 30, 20), box(20, 0, 50, 20)])], handling="skip")
    assert done.frame.index.tolist() == ["F4"]
    assert set(done.log[done.log["rule"] != "total"]["done"]) == {"left_out"}
    lost = done.log["before_m2"].sum() - done.log["after_m2"].sum()
    assert lost == pytest.approx(0 + 0 + 0 + 100 + 1_200)
    assert done.before.amount - done.after.amount == pytest.approx(lost)


def test_stopping_lists_every_fault_in_both_languages() -> None:
    with pytest.raises(InputError) as caught:
        mend(a_layer(FAULTY), a_spec("polygon"), area=AREA, handling="stop", where="用地.shp")
    problems = caught.value.problems
    assert [problem.rule for problem in problems] == ["empty", "type", "invalid", "outside"]
    assert str(problems[2]) == "用地.shp feature F0: the boundary crosses itself (at 10 10)"
    assert problems[0].in_("zh") == "用地.shp 要素 F1：没有图形或图形为空"


def test_stopping_lets_pass_what_harms_nobody() -> None:
    shapes = [SQUARE, box(150, 100, 250, 200), shapely.force_3d(box(0, 0, 10, 10), 3.0)]
    done = mended(shapes, handling="stop")
    assert len(done.frame) == 3
    assert "overlap" in done.log["rule"].tolist()


def test_the_frame_given_is_not_written_into() -> None:
    frame = a_layer([BOW_TIE, SQUARE], ids=["A", "A"])
    before = frame.copy(deep=True)
    mend(frame, a_spec("polygon"))
    assert frame.index.equals(before.index)
    assert frame.geometry.iloc[0].equals_exact(before.geometry.iloc[0], 0)


# The log -----------------------------------------------------------------------------------------


def test_the_log_of_a_clean_layer_is_empty_and_whole() -> None:
    log = mended([SQUARE]).log
    assert log.empty
    assert log.columns.tolist() == list(LOG_COLUMNS)
    assert readable(log, "zh").columns.tolist() == ["图层", "要素", "问题", "处理", "说明"]


def test_the_log_reads_in_one_language() -> None:
    log = mended([BOW_TIE, SQUARE]).log
    chinese, english = readable(log, "zh"), readable(log, "en")
    assert chinese["问题"].tolist() == ["图形无效", "总量变化"]
    assert chinese["处理前（平方米）"].iloc[0] == 0.0
    assert english["Done"].tolist() == ["mended", "noted"]
    assert "Before (m)" not in english


def test_every_rule_has_words_and_the_same_places_to_fill_in_both_languages() -> None:
    phrases = read_phrases()
    assert set(phrases.rules) == set(RULES)
    assert set(RULES) >= FAULTS
    texts = [text for entry in phrases.rules.values() for text in (entry.title, entry.found)]
    texts += [entry.found for entry in phrases.done.values()]
    for text in texts:
        zh, en = (
            {name for _, name, _, _ in string.Formatter().parse(said) if name}
            for said in (text.zh, text.en)
        )
        assert zh == en
        assert text.en.isascii() or set(text.en) - set(map(chr, range(128))) <= set("²–")
    path = Path(__file__).resolve().parents[1] / "layers" / "repair.toml"
    assert tomllib.loads(path.read_text(encoding="utf-8"))["reasons"]["other"]["zh"]


# Laws --------------------------------------------------------------------------------------------


with np.errstate(invalid="ignore"):
    NOWHERE = (
        shapely.from_wkt("LINESTRING (0 0, 7 7, NaN 1)"),
        shapely.from_wkt("POLYGON ((0 0, 7 7, 7 NaN, 0 0))"),
        shapely.from_wkt("POLYGON ((0 0, 7 7, inf 7, 0 0))"),
    )
PLACES = st.tuples(st.integers(-4, 4), st.integers(-4, 4)).map(lambda at: (at[0] * 7, at[1] * 7))
POLYGONS = st.builds(Polygon, st.lists(PLACES, min_size=3, max_size=7))
LINES = st.builds(LineString, st.lists(PLACES, min_size=2, max_size=6))
POINTS = st.builds(Point, PLACES)
SINGLE = st.one_of(
    POLYGONS,
    POLYGONS,
    LINES,
    POINTS,
    st.builds(MultiPolygon, st.lists(POLYGONS, min_size=1, max_size=3)),
    st.builds(MultiLineString, st.lists(LINES, min_size=1, max_size=2)),
    st.builds(MultiPoint, st.lists(PLACES, min_size=1, max_size=3)),
)
SHAPES = st.one_of(
    SINGLE,
    SINGLE.map(lambda shape: shapely.force_3d(shape, 4.0)),
    st.builds(GeometryCollection, st.lists(SINGLE, max_size=3)),
    st.sampled_from(
        [
            None,
            Polygon(),
            Point(),
            GeometryCollection(),
            Point(1e300, 0),
            box(0, 0, 1e200, 1e200),
            box(-9e5, 0, -8e5, 9),
            *NOWHERE,
        ]
    ),
)
LAYERS = st.lists(
    st.tuples(st.sampled_from(["A", "A-2", "B", "C"]), st.sampled_from(["x", "y"]), SHAPES),
    min_size=1,
    max_size=8,
)
KINDS = st.sampled_from(["point", "line", "polygon"])
CHANGES_NOTHING = {"overlap", "overlaps", "same_place", "partly_outside", "close", "unlooked"}
PLACE = box(-20, -20, 20, 20)


def any_layer(features: Sequence[tuple[str, str, BaseGeometry | None]]) -> gpd.GeoDataFrame:
    ids, names, shapes = zip(*features, strict=True)
    return a_layer(shapes, ids=ids, columns={"name": names})


def clean(frame: gpd.GeoDataFrame, kind: GeometryKind, handling: Handling = "repair") -> Mended:
    return mend(frame, a_spec(kind), area=PLACE, margin_m=1.0, handling=handling)


@given(LAYERS, KINDS, st.sampled_from(["repair", "skip"]))
def test_what_comes_out_passes_the_rules_of_a_layer(
    features: list[tuple[str, str, BaseGeometry | None]], kind: GeometryKind, handling: Handling
) -> None:
    done = clean(any_layer(features), kind, handling)
    if done.frame.empty:
        return
    assert list(content_problems(a_spec(kind), done.frame, "x")) == []
    reaching = done.log.loc[done.log["rule"] == "partly_outside", "feature"].tolist()
    refused = [problem.feature for problem in place_problems(done.frame, PLACE, 1.0, "x")]
    assert sorted(refused) == sorted(reaching)


@given(LAYERS, KINDS)
def test_mending_again_changes_nothing(
    features: list[tuple[str, str, BaseGeometry | None]], kind: GeometryKind
) -> None:
    once = clean(any_layer(features), kind)
    again = clean(once.frame, kind)
    assert set(again.log["rule"]) <= CHANGES_NOTHING
    assert again.frame.index.equals(once.frame.index)
    assert shapely.equals_identical(
        again.frame.geometry.to_numpy(), once.frame.geometry.to_numpy()
    ).all()


@given(LAYERS, KINDS, st.sampled_from(["repair", "skip"]))
def test_the_total_changes_by_what_the_log_says(
    features: list[tuple[str, str, BaseGeometry | None]], kind: GeometryKind, handling: Handling
) -> None:
    done = clean(any_layer(features), kind, handling)
    unit = AMOUNTS[kind]
    logged = done.log[f"after_{unit}"].sum() - done.log[f"before_{unit}"].sum()
    scale = max(done.before.amount, done.after.amount, 1.0)
    assert done.after.amount - done.before.amount == pytest.approx(logged, abs=1e-6 * scale)
    shapes = done.frame.geometry.to_numpy()
    measured = {
        "polygon": shapely.area(shapes),
        "line": shapely.length(shapes),
        "point": shapely.get_num_coordinates(shapes),
    }[kind]
    assert done.after.amount == pytest.approx(float(measured.sum()))
    assert done.after.features == len(done.frame)
    others = [name for name in AMOUNTS.values() if name != unit]
    assert done.log[[f"before_{name}" for name in others]].isna().all(axis=None)


@given(LAYERS, KINDS)
def test_stopping_stops_where_mending_finds_a_fault(
    features: list[tuple[str, str, BaseGeometry | None]], kind: GeometryKind
) -> None:
    frame = any_layer(features)
    faults = [rule for rule in clean(frame, kind).log["rule"] if rule in FAULTS]
    if not faults:
        clean(frame, kind, "stop")
        return
    with pytest.raises(InputError) as caught:
        clean(frame, kind, "stop")
    assert [problem.rule for problem in caught.value.problems] == faults


@given(LAYERS, KINDS)
def test_every_row_of_the_log_speaks_both_languages(
    features: list[tuple[str, str, BaseGeometry | None]], kind: GeometryKind
) -> None:
    log = clean(any_layer(features), kind).log
    for lang in ("zh", "en"):
        assert log[lang].str.len().gt(0).all()
        assert not log[lang].str.contains(r"[{}]").any()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12))
def test_the_pairs_are_those_that_comparing_all_finds(corners: list[tuple[int, int]]) -> None:
    shapes = np.array([box(x, y, x + 3, y + 2) for x, y in corners], dtype=object)
    found = overlapping_pairs(shapes, least_m2=1.0)
    wanted = [
        (i, j, a.intersection(b).area)
        for i, a in enumerate(shapes)
        for j, b in enumerate(shapes)
        if i < j and a.intersection(b).area >= 1
    ]
    assert list(zip(found.one, found.other, found.area_m2, strict=True)) == wanted
