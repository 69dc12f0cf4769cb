"""Amounts on record: added up, and what is missing said."""

import math
from random import Random

import geopandas as gpd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, Point, box
from shapely.geometry.base import BaseGeometry

from layers import Text
from spatial import Check
from spatial.measures import MEASURES
from spatial.measures.measure import STATED
from spatial.measures.recorded import total_recorded
from spatial.phrases import PHRASES
from spatial.plan import Cite
from spatial.verdict import judge

TEXT = Text(zh="目标", en="target")


def plants(*amounts: object, shape: BaseGeometry | None = None) -> gpd.GeoDataFrame:
    place = Point(0, 0) if shape is None else shape
    ids = [f"P{number}" for number in range(len(amounts))]
    return gpd.GeoDataFrame(
        {"m3s": list(amounts)}, geometry=[place] * len(ids), index=ids, crs="EPSG:4548"
    )


def asked(**target: float) -> Check:
    return Check.model_validate(
        {
            "id": "pump_capacity",
            "title": TEXT,
            "cite": Cite(),
            "measure": "total_recorded",
            "layers": {},
            "target": {"unit": "m³/s", **target},
            "sentence": TEXT,
        }
    )


@pytest.mark.parametrize("shape", [Point(0, 0), LineString([(0, 0), (1, 1)]), box(0, 0, 1, 1)])
def test_amounts_add_up_whatever_is_drawn(shape: BaseGeometry) -> None:
    found = total_recorded(plants(10.61, 2.8, shape=shape), amount_column="m3s")
    assert found.whole.value == pytest.approx(13.41)
    assert found.values["value"].to_dict() == {"P0": 10.61, "P1": 2.8}
    assert found.evidence.empty


def test_a_missing_amount_is_left_out_and_counted() -> None:
    found = total_recorded(plants(None, 2.8, None), amount_column="m3s")
    assert found.whole.value == 2.8
    assert found.values.index.tolist() == ["P1"]
    assert found.facts == {"unrecorded_count": 2}
    assert set(found.facts) <= set(PHRASES["facts"])


def test_an_amount_of_nought_is_one() -> None:
    found = total_recorded(plants(0, None), amount_column="m3s")
    assert (found.whole.value, found.facts["unrecorded_count"]) == (0, 1)


@pytest.mark.parametrize("amounts", [(), (None, None), (float("nan"),)])
def test_where_nothing_is_on_record_there_is_no_value(amounts: tuple[object, ...]) -> None:
    found = total_recorded(plants(*amounts), amount_column="m3s")
    assert found.whole.value is None
    assert judge(asked(at_least=10.61), found, "open").why == "empty"


def test_a_column_that_no_layer_has_is_nothing_on_record() -> None:
    found = total_recorded(plants(1.0), amount_column="t_per_d")
    assert found.whole.value is None
    assert found.facts["unrecorded_count"] == 1


def test_what_is_no_number_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"^m3s: .*ten.*amounts on record are numbers"):
        total_recorded(plants("ten"), amount_column="m3s")


def test_its_unit_is_that_of_the_target() -> None:
    assert MEASURES["total_recorded"].unit == STATED


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=9), st.randoms())
def test_the_order_of_features_is_irrelevant(amounts: list[float], random: Random) -> None:
    frame = plants(*amounts)
    order = list(frame.index)
    random.shuffle(order)
    one = total_recorded(frame, amount_column="m3s")
    other = total_recorded(frame.loc[order], amount_column="m3s")
    assert other.whole == one.whole
    assert other.values.loc[frame.index].equals(one.values)


def test_what_is_not_on_record_leaves_the_high_end_open() -> None:
    found = total_recorded(plants(9000, None), amount_column="m3s")
    assert (found.whole.value, found.whole.low, found.whole.high) == (9000, 9000, None)
    (doubt,) = found.doubts
    assert (doubt.kind, doubt.low, doubt.high) == ("unnumbered", 9000, math.inf)
    assert doubt.inputs == {"without_number": 1}
    assert judge(asked(at_least=12000), found, "open").why == "range"
    assert judge(asked(at_least=9000), found, "open").verdict == "met"  # or more
    assert judge(asked(at_most=8000), found, "open").verdict == "not_met"
    all_there = total_recorded(plants(9000), amount_column="m3s")
    assert all_there.doubts == ()
    assert judge(asked(at_least=12000), all_there, "open").verdict == "not_met"
