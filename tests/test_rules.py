"""Projects against the zones that they lie in: what is not allowed, what cannot be told."""

from collections.abc import Mapping, Sequence
from random import Random

import geopandas as gpd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from shapely import LineString, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from layers import Text
from spatial import Check
from spatial.measurement import Measurement
from spatial.measures import MEASURES
from spatial.measures.rules import MARKER_M, Override, allowed_projects, tiers_of
from spatial.phrases import PHRASES
from spatial.plan import Cite
from spatial.verdict import judge

CRS = "EPSG:4548"
ZONE = box(0, 0, 1000, 1000)
ALLOWED = ("restoration", "farming")
TEXT = Text(zh="目标", en="target")
CHECK = Check.model_validate(
    {
        "id": "tier1_projects",
        "title": TEXT,
        "cite": Cite(),
        "measure": "allowed_projects",
        "layers": {},
        "target": {"unit": "count", "at_most": 0},
        "judge": "each",
        "sentence": TEXT,
    }
)


def projects(
    shapes: Mapping[str, BaseGeometry],
    kinds: Mapping[str, str | None] | None = None,
    *,
    off_m: float = 0.0,
    basis: str = "official",
) -> gpd.GeoDataFrame:
    """Projects by id, factories unless a kind is given, each as far off as said."""
    named = dict.fromkeys(shapes, "factory") | dict(kinds or {})
    return gpd.GeoDataFrame(
        {"tier1_kind": list(named.values()), "accuracy_m": off_m, "basis": basis},
        geometry=list(shapes.values()),
        index=list(named),
        crs=CRS,
    )


def zone(*shapes: BaseGeometry, off_m: float = 0.0) -> gpd.GeoDataFrame:
    ids = [f"Z{number}" for number in range(len(shapes))]
    return gpd.GeoDataFrame({"accuracy_m": off_m}, geometry=list(shapes), index=ids, crs=CRS)


def one(shape: BaseGeometry, kind: str | None = "factory", *, off_m: float = 0.0) -> Measurement:
    """A single project P in the square zone."""
    return allowed_projects(
        projects({"P": shape}, {"P": kind}, off_m=off_m), zone(ZONE), allowed=ALLOWED
    )


def ends(found: Measurement) -> tuple[float, float, float]:
    ((low, value, high),) = found.values[["low", "value", "high"]].to_numpy().tolist()
    return low, value, high


def verdict(found: Measurement) -> str:
    return judge(CHECK, found, "official").verdict


VIOLATES, COMPLIES, UNTOLD = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    "kind,expected", [("factory", VIOLATES), ("farming", COMPLIES), (None, UNTOLD), ("  ", UNTOLD)]
)
@pytest.mark.parametrize(
    "shape", [box(100, 100, 200, 200), LineString([(0, 0), (500, 500)]), Point(5, 5)]
)
def test_inside_the_zone_the_kind_decides(
    shape: BaseGeometry, kind: str | None, expected: tuple[float, float, float]
) -> None:
    assert ends(one(shape, kind)) == expected


@pytest.mark.parametrize("kind", ["factory", "farming", None])
@pytest.mark.parametrize(
    "shape",
    [
        box(2000, 0, 2100, 100),
        LineString([(2000, 0), (2500, 0)]),
        Point(2000, 0),
        box(1000, 0, 1100, 100),  # shares a border
        LineString([(1000, 100), (1000, 900)]),  # runs along it
        Point(1000, 500),  # stands on it
    ],
)
def test_outside_the_zone_the_kind_does_not_matter(shape: BaseGeometry, kind: str | None) -> None:
    found = one(shape, kind)
    assert ends(found) == COMPLIES
    assert found.evidence.empty
    assert found.facts["outside_count"] == 1


@pytest.mark.parametrize(
    "width_m,length_m,expected",
    [
        (0.9, 49 / 0.9, COMPLIES),  # 49 m², w = 49 / (0.9 + 54.4) = 0.89 m: both small
        (5.0, 9.8, VIOLATES),  # 49 m², but w = 49 / 14.8 = 3.3 m
        (0.5, 120.0, VIOLATES),  # 60 m², though w = 60 / 120.5 = 0.498 m
        (0.9, 50 / 0.9, VIOLATES),  # 50 m² is not below 50 m²
    ],
)
def test_a_sliver_is_no_finding_only_if_it_is_small_and_narrow(
    width_m: float, length_m: float, expected: tuple[float, float, float]
) -> None:
    # The project reaches `width_m` over the western border of the zone.
    assert ends(one(box(-100, 0, width_m, length_m))) == expected


def test_the_width_of_an_overlap_is_its_area_over_half_its_perimeter() -> None:
    row = one(box(-100, 0, 5, 9.8)).evidence.iloc[0]
    assert row["area_m2"] == pytest.approx(49)
    assert row["width_m"] == pytest.approx(49 / (5 + 9.8))
    assert row["share"] == pytest.approx(5 / 105)


def test_the_limits_of_slivers_are_the_planners() -> None:
    park = projects({"P": box(-100, 0, 5, 9.8)})
    found = allowed_projects(park, zone(ZONE), allowed=ALLOWED, least_m2=50, least_width_m=4)
    assert found.whole.value == 0
    found = allowed_projects(park, zone(ZONE), allowed=ALLOWED, least_m2=0, least_width_m=0)
    assert found.whole.value == 1


@pytest.mark.parametrize("inside_m,expected", [(0.9, COMPLIES), (1.1, VIOLATES)])
def test_of_a_line_its_length_inside_counts(
    inside_m: float, expected: tuple[float, float, float]
) -> None:
    assert ends(one(LineString([(-300, 500), (inside_m, 500)]))) == expected


def test_the_zones_are_taken_together_but_told_apart() -> None:
    # 49 m² in each of two zones that meet: 98 m² together.
    halves = zone(box(0, 0, 54.5, 1000), box(54.5, 0, 1000, 1000))
    park = projects({"P": box(0, -10, 109, 49 / 54.5)})
    found = allowed_projects(park, halves, allowed=ALLOWED)
    assert found.whole.value == 1
    assert found.evidence["zone"].tolist() == ["Z0", "Z1"]
    assert found.evidence["area_m2"].tolist() == pytest.approx([49, 49])


@pytest.mark.parametrize(
    "east_m,expected",
    [
        (900, VIOLATES),  # 100 m inside a border that the point may be 50 m off
        (960, UNTOLD),  # 40 m inside
        (1040, UNTOLD),  # 40 m outside
        (1060, COMPLIES),
    ],
)
def test_how_far_off_a_project_may_be_decides_what_can_be_told(
    east_m: float, expected: tuple[float, float, float]
) -> None:
    found = one(Point(east_m, 500), off_m=50)
    assert ends(found) == expected
    # The border as far off as the project was is the same.
    same = allowed_projects(
        projects({"P": Point(east_m, 500)}), zone(ZONE, off_m=50), allowed=ALLOWED
    )
    assert ends(same) == expected


def test_the_accuracies_of_project_and_zone_add_up() -> None:
    site = projects({"P": Point(920, 500)}, off_m=50)
    assert allowed_projects(site, zone(ZONE, off_m=20), allowed=ALLOWED).whole.low == 1
    assert allowed_projects(site, zone(ZONE, off_m=40), allowed=ALLOWED).whole.low == 0


def test_a_small_project_far_inside_lies_inside_however_it_was_drawn() -> None:
    # 20 m across and 200 m off, but 400 m from any border.
    assert ends(one(box(490, 490, 510, 510), off_m=200)) == VIOLATES


def test_an_invented_project_lies_where_it_is_drawn() -> None:
    site = projects({"P": Point(990, 500)}, off_m=500, basis="synthetic")
    assert allowed_projects(site, zone(ZONE), allowed=ALLOWED).whole.low == 1


def test_an_allowed_kind_near_the_border_is_none_the_worse() -> None:
    for shape in (Point(990, 500), box(900, 0, 1100, 100), Point(1010, 500)):
        found = one(shape, "restoration", off_m=50)
        assert ends(found) == COMPLIES
        assert verdict(found) == "met"
        assert found.facts["allowed_count"] == 1


def test_one_violation_fails_the_check_and_an_unknown_kind_leaves_it_open() -> None:
    inside, outside = Point(500, 500), Point(5000, 500)
    both = {"P": inside, "Q": inside}

    def judged(kinds: Mapping[str, str | None]) -> str:
        return verdict(allowed_projects(projects(both, kinds), zone(ZONE), allowed=ALLOWED))

    assert judged({"P": "farming", "Q": "restoration"}) == "met"
    assert judged({"P": "farming", "Q": None}) == "undetermined"
    assert judged({"P": "factory", "Q": None}) == "not_met"
    assert verdict(one(outside, None)) == "met"


def test_without_projects_or_zones_there_is_nothing_to_judge() -> None:
    for frame, tiers in (
        (projects({}), zone(ZONE)),
        (projects({"P": Point(0, 0)}), zone()),
    ):
        found = allowed_projects(frame, tiers, allowed=ALLOWED)
        assert found.whole.value is None
        assert judge(CHECK, found, "official").why == "empty"
        assert {"unit", "area_m2", "finding"} <= set(found.evidence.columns)


def test_features_without_the_column_have_no_kind() -> None:
    bare = projects({"P": Point(5, 5)}).drop(columns="tier1_kind")
    assert ends(allowed_projects(bare, zone(ZONE), allowed=ALLOWED)) == UNTOLD


FIVE = {
    "A": box(10, 10, 110, 110),
    "B": box(-50, 0, 50, 100),
    "C": Point(300, 300),
    "D": LineString([(900, 500), (1100, 500)]),
    "E": Point(3000, 0),
}
KINDS = {"A": "factory", "B": "factory", "C": None, "D": "offices", "E": None}


def test_every_finding_is_told_with_its_place() -> None:
    frame = projects(FIVE, KINDS).assign(layer=["parks", "parks", "sites", "roads", "sites"])
    found = allowed_projects(frame, zone(ZONE), allowed=ALLOWED)
    rows = found.evidence.set_index("unit")
    assert found.evidence["unit"].tolist() == ["A", "B", "C", "D"]  # the largest first, then by id
    assert list(found.evidence.index) == [1, 2, 3, 4]
    assert rows["finding"].to_dict() == {
        "A": "not_allowed",
        "B": "not_allowed",
        "C": "unknown_kind",
        "D": "not_allowed",
    }
    assert rows["layer"].tolist() == ["parks", "parks", "sites", "roads"]
    assert rows["kind"].fillna("-").tolist() == ["factory", "factory", "-", "offices"]
    assert rows["area_m2"].tolist() == pytest.approx([10_000, 5_000, 0, 0])
    assert rows["share"].tolist() == pytest.approx([1, 0.5, 1, 0.5])
    assert rows.loc["D", "length_m"] == pytest.approx(100)
    assert rows.loc["B", "geometry"].equals(box(0, 0, 50, 100))
    assert rows.geometry.geom_type.eq("Polygon").all()
    assert rows.loc["C", "geometry"].equals(shapely.buffer(FIVE["C"], MARKER_M))


def test_what_may_lie_inside_is_shown_where_it_is_drawn() -> None:
    shapes = {"I": box(900, 0, 990, 90), "O": box(1010, 0, 1100, 90)}
    found = allowed_projects(projects(shapes, off_m=200), zone(ZONE), allowed=ALLOWED)
    assert (found.whole.value, found.whole.low, found.whole.high) == (0, 0, 2)
    rows = found.evidence.set_index("unit")
    assert rows["finding"].tolist() == ["may_lie_inside", "may_lie_inside"]
    assert rows["position"].to_dict() == {"I": "drawn_inside", "O": "drawn_outside"}
    assert rows["share"].to_dict() == {"I": 1.0, "O": 0.0}
    assert rows.loc["O", "geometry"].equals(shapes["O"])


def test_each_cause_of_doubt_is_told_by_itself() -> None:
    shapes = {"A": Point(500, 500), "B": Point(500, 600), "C": Point(990, 0), "D": Point(1010, 9)}
    kinds = {"A": "factory", "B": None, "C": "factory", "D": "factory"}
    found = allowed_projects(
        projects(shapes, kinds, off_m=50), zone(ZONE, off_m=1), allowed=ALLOWED
    )
    assert (found.whole.value, found.whole.low, found.whole.high) == (1, 1, 4)
    kind, position = found.doubts
    assert (kind.kind, kind.method, kind.low, kind.high) == ("kind", "bounds", 1, 2)
    assert (position.kind, position.low, position.high) == ("position", 1, 3)
    assert position.inputs == {"projects": 50, "zones": 1}


def test_a_planners_judgement_stands_in_for_what_is_recorded() -> None:
    frame = projects(FIVE, KINDS)
    said = {
        "A": Override(kind="restoration", reason="by permit 12"),
        "C": Override(kind="offices", reason="seen on site"),
        "X": Override(kind="offices", reason="not in this layer"),
    }
    found = allowed_projects(frame, zone(ZONE), allowed=ALLOWED, overrides=said)
    assert found.values["value"].to_dict() == {"A": 0, "B": 1, "C": 1, "D": 1, "E": 0}
    rows = found.evidence.set_index("unit")
    assert "A" not in rows.index
    assert rows.loc["C", "override"] == "seen on site"
    assert rows.loc[["B", "D"], "override"].isna().all()
    assert found.facts["overridden_count"] == 2
    assert found.facts["stray_override_count"] == 1


def test_a_judgement_needs_a_kind_and_a_reason() -> None:
    for kind, reason in (("", "why"), ("farming", ""), ("farming", "  ")):
        with pytest.raises(ValidationError):
            Override(kind=kind, reason=reason)


def test_a_plan_may_hold_judgements_as_plain_tables() -> None:
    params = MEASURES["allowed_projects"].params.model_validate(
        {"allowed": ["farming"], "overrides": {"P": {"kind": "farming", "reason": "permit"}}}
    )
    found = allowed_projects(projects({"P": Point(5, 5)}), zone(ZONE), **params.model_dump())
    assert found.whole.value == 0
    assert found.facts["overridden_count"] == 1


def test_each_project_is_a_unit_not_the_zone_that_it_is_held_against() -> None:
    bound = {"projects": {"layer": "parks", "also": ["sites"]}, "zones": {"layer": "tiers"}}
    check = Check.model_validate({**CHECK.model_dump(), "layers": bound})
    assert check.unit_layers == ("parks", "sites")


def test_every_fact_has_a_phrase() -> None:
    assert set(one(Point(5, 5)).facts) <= set(PHRASES["facts"])


def test_the_frames_given_are_left_as_they_were() -> None:
    frame, tiers = projects(FIVE, KINDS, off_m=10), zone(ZONE, off_m=10)
    copies = frame.copy(), tiers.copy()
    allowed_projects(frame, tiers, allowed=ALLOWED)
    tiers_of(frame, tiers)
    assert frame.equals(copies[0])
    assert tiers.equals(copies[1])


def test_a_project_across_tiers_is_told_with_its_share_of_each() -> None:
    tiers = zone(box(0, 0, 100, 100), box(100, 0, 200, 100), box(200, 0, 300, 100))
    shapes = {"A": box(70, 0, 110, 100), "B": Point(150, 50), "C": LineString([(90, 9), (290, 9)])}
    rows = tiers_of(projects(shapes), tiers)
    assert rows[["project", "tier"]].to_numpy().tolist() == [
        ["A", "Z0"],
        ["A", "Z1"],
        ["B", "Z1"],
        ["C", "Z0"],
        ["C", "Z1"],
        ["C", "Z2"],
    ]
    assert rows["share"].tolist() == pytest.approx([0.75, 0.25, 1, 0.05, 0.5, 0.45])
    assert set(rows["position"]) == {"inside"}


def test_a_project_near_a_border_may_lie_in_either_tier() -> None:
    tiers = zone(box(0, 0, 100, 100), box(100, 0, 200, 100))
    rows = tiers_of(projects({"A": Point(95, 50)}, off_m=10), tiers)
    assert rows[["tier", "share", "position"]].to_numpy().tolist() == [
        ["Z0", 1.0, "drawn_inside"],
        ["Z1", 0.0, "drawn_outside"],
    ]


def test_a_project_outside_all_tiers_is_in_none() -> None:
    rows = tiers_of(projects({"A": Point(5000, 0)}), zone(ZONE))
    assert rows.empty
    assert list(rows.columns) == ["project", "tier", "share", "position"]


spots = st.tuples(st.integers(-300, 1300), st.integers(-300, 1300))
shapes = st.one_of(
    st.builds(Point, spots),
    st.builds(lambda at: box(at[0], at[1], at[0] + 90, at[1] + 40), spots),
    st.builds(lambda at: LineString([at, (at[0] + 150, at[1] + 20)]), spots),
    st.builds(lambda at: Polygon([at, (at[0] + 70, at[1]), (at[0], at[1] + 70)]), spots),
)
some = st.lists(
    st.tuples(shapes, st.sampled_from(["farming", "factory", None])), min_size=1, max_size=8
)
metres = st.sampled_from([0.0, 1.0, 60.0, 400.0])


def drawn(given_: Sequence[tuple[BaseGeometry, str | None]], off_m: float) -> gpd.GeoDataFrame:
    ids = [f"P{number}" for number in range(len(given_))]
    return projects(
        {name: shape for name, (shape, _) in zip(ids, given_, strict=True)},
        {name: kind for name, (_, kind) in zip(ids, given_, strict=True)},
        off_m=off_m,
    )


@given(some, metres, metres)
def test_every_project_falls_under_one_count(
    given_: Sequence[tuple[BaseGeometry, str | None]], off_m: float, zone_off_m: float
) -> None:
    frame = drawn(given_, off_m)
    found = allowed_projects(frame, zone(ZONE, off_m=zone_off_m), allowed=ALLOWED)
    counts = ("not_allowed", "unknown_kind", "may_lie_inside", "allowed", "outside")
    assert sum(found.facts[f"{name}_count"] for name in counts) == len(frame)
    assert found.whole.value == found.values["value"].sum() == found.facts["not_allowed_count"]
    assert found.whole.high == found.values["high"].sum()
    assert set(found.evidence["unit"]) == set(found.values.index[found.values["high"] > 0])


@given(some, st.randoms())
def test_the_order_of_projects_is_irrelevant(
    given_: Sequence[tuple[BaseGeometry, str | None]], random: Random
) -> None:
    frame = drawn(given_, 60.0)
    order = list(frame.index)
    random.shuffle(order)
    one_way = allowed_projects(frame, zone(ZONE), allowed=ALLOWED)
    other = allowed_projects(frame.loc[order], zone(ZONE), allowed=ALLOWED)
    assert other.values.loc[frame.index].equals(one_way.values)
    assert other.evidence.equals(one_way.evidence)
    assert other.whole == one_way.whole


@given(some, metres)
def test_less_accurate_positions_never_tell_more(
    given_: Sequence[tuple[BaseGeometry, str | None]], off_m: float
) -> None:
    sure = allowed_projects(drawn(given_, off_m), zone(ZONE), allowed=ALLOWED).values
    less = allowed_projects(drawn(given_, off_m + 50), zone(ZONE), allowed=ALLOWED).values
    assert (less["low"] <= sure["low"]).all()
    assert (less["high"] >= sure["high"]).all()


@given(some, st.integers(0, 7), st.sampled_from(["farming", "factory"]))
def test_an_override_changes_only_its_project(
    given_: Sequence[tuple[BaseGeometry, str | None]], which: int, kind: str
) -> None:
    frame = drawn(given_, 1.0)
    said = {f"P{which}": Override(kind=kind, reason="why")}
    plain = allowed_projects(frame, zone(ZONE), allowed=ALLOWED).values
    other = allowed_projects(frame, zone(ZONE), allowed=ALLOWED, overrides=said).values
    rest = plain.index != f"P{which}"
    assert other[rest].equals(plain[rest])
    as_recorded = frame.assign(
        tier1_kind=[kind if i == f"P{which}" else k for i, k in frame["tier1_kind"].items()]
    )
    assert other.equals(allowed_projects(as_recorded, zone(ZONE), allowed=ALLOWED).values)
