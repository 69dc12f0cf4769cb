"""Lengths, areas and numbers of things."""

import geopandas as gpd
import pytest
from shapely import LineString, Point, box

from spatial.measures import feature_count, total_area, total_length

CRS = "EPSG:4548"


def frame(*shapes: object) -> gpd.GeoDataFrame:
    ids = [f"F{number}" for number in range(len(shapes))]
    return gpd.GeoDataFrame(geometry=list(shapes), index=ids, crs=CRS)


def test_a_road_drawn_twice_counts_once_in_the_whole() -> None:
    road = LineString([(0, 0), (1000, 0)])
    measured = total_length(frame(road, road))
    assert measured.values["value"].to_list() == [1000, 1000]
    assert measured.whole.value == pytest.approx(1000)


def test_only_what_lies_inside_the_area_counts() -> None:
    road = frame(LineString([(-500, 5), (500, 5)]))
    measured = total_length(road, frame(box(0, 0, 400, 10)))
    assert measured.whole.value == pytest.approx(400)


def test_areas_add_up_where_they_do_not_overlap_and_count_once_where_they_do() -> None:
    assert total_area(frame(box(0, 0, 10, 10), box(20, 0, 30, 10))).whole.value == 200
    assert total_area(frame(box(0, 0, 10, 10), box(5, 0, 15, 10))).whole.value == 150


def test_a_count_is_the_number_of_places_and_has_no_range() -> None:
    whole = feature_count(frame(*[Point(x, 0) for x in range(12)])).whole
    assert (whole.value, whole.low, whole.high) == (12, 12, 12)


def test_an_amount_has_no_evidence_and_no_denominator() -> None:
    measured = total_area(frame(box(0, 0, 1, 1)))
    assert measured.evidence.empty
    assert measured.whole.denominator is None
