"""Residents: how many live where, from points and areas, and what holds for any town."""

from collections.abc import Sequence
from random import Random

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from spatial.measures.population import (
    as_places,
    on_land,
    parts_in,
    people_in,
    residents,
    squares,
)

CRS = "EPSG:4548"
corners = st.tuples(st.integers(0, 900), st.integers(0, 900))
boxes = st.builds(
    lambda corner, wide, high: box(*corner, corner[0] + wide, corner[1] + high),
    corners,
    st.integers(20, 600),
    st.integers(20, 600),
)
amounts = st.integers(0, 5000)
streets_with_people = st.lists(st.tuples(boxes, amounts), min_size=1, max_size=6)
plots = st.lists(boxes, max_size=5)


def town(*homes: tuple[BaseGeometry, float | None]) -> gpd.GeoDataFrame:
    ids = [f"H{number:02}" for number in range(len(homes))]
    shapes = [shape for shape, _ in homes]
    people = {"people": [number for _, number in homes]}
    return gpd.GeoDataFrame(people, geometry=shapes, index=ids, crs=CRS)


def polygons(shapes: Sequence[BaseGeometry]) -> gpd.GeoDataFrame:
    ids = [f"L{number}" for number in range(len(shapes))]
    return gpd.GeoDataFrame(geometry=list(shapes), index=ids, crs=CRS)


def living(homes: gpd.GeoDataFrame, *shapes: BaseGeometry) -> list[float]:
    found: list[float] = people_in(homes, np.array(shapes, dtype=object)).tolist()
    return found


def test_a_point_lives_in_every_polygon_that_has_it_inside_or_on_its_border() -> None:
    homes = town((Point(0, 0), 10), (Point(5, 5), 20), (Point(20, 0), 40))
    found = living(homes, box(0, 0, 10, 10), box(5, 5, 30, 30), box(-9, -9, -5, -5))
    assert found == [30, 20, 0]


def test_an_area_lives_in_a_polygon_with_the_share_of_its_surface_there() -> None:
    homes = town((box(0, 0, 100, 100), 400), (box(100, 0, 300, 100), 100))
    found = living(homes, box(0, 0, 50, 50), box(50, 0, 200, 100), box(-10, -10, 400, 400))
    assert found == pytest.approx([100, 250, 500])


def test_points_and_areas_may_stand_in_one_layer() -> None:
    homes = town((Point(1, 1), 10), (box(0, 0, 10, 10), 100))
    assert living(homes, box(0, 0, 5, 10)) == [60]


def test_an_area_with_a_hole_has_nobody_in_the_hole() -> None:
    ring = Polygon(box(0, 0, 30, 30).exterior.coords, [box(10, 10, 20, 20).exterior.coords])
    assert living(town((ring, 800)), box(10, 10, 20, 20), box(0, 0, 30, 10)) == [0, 300]


def test_without_a_number_nobody_lives_there() -> None:
    homes = town((Point(0, 0), None), (Point(1, 0), 7))
    assert residents(homes).tolist() == [0, 7]
    assert living(homes, box(-1, -1, 2, 2)) == [7]


def test_a_negative_number_of_people_is_refused_by_name() -> None:
    homes = town((Point(0, 0), 3), (Point(1, 0), -2))
    with pytest.raises(ValueError, match=r"^H01: people is -2; a number of people is 0 or more$"):
        people_in(homes, np.array([box(0, 0, 1, 1)]))


def test_no_homes_and_no_polygons_are_no_error() -> None:
    assert living(town(), box(0, 0, 1, 1)) == [0]
    assert living(town((Point(0, 0), 1), (box(0, 0, 1, 1), 1))) == []
    assert as_places(town()).empty


def test_people_of_a_street_are_spread_over_its_housing_alone() -> None:
    street = town((box(0, 0, 100, 100), 900))
    housing = polygons([box(0, 0, 20, 100), box(10, 0, 30, 100), box(90, 0, 500, 100)])
    spread = on_land(street, housing)
    assert spread.area.tolist() == [4000]  # 30 m and 10 m of the street; drawn twice counts once
    found = people_in(spread, np.array([box(0, 0, 30, 100), box(30, 0, 90, 100)], dtype=object))
    assert found.tolist() == pytest.approx([675, 0])


def test_a_street_without_housing_keeps_its_whole_surface_and_so_do_points() -> None:
    homes = town((box(0, 0, 10, 10), 5), (Point(50, 50), 3))
    for shapes in ([], [box(20, 20, 60, 60)], [box(10, 0, 30, 10)]):  # the last one only touches
        assert on_land(homes, polygons(shapes)).geometry.tolist() == homes.geometry.tolist()


def test_parts_in_others_are_polygons_though_some_only_touch() -> None:
    others = np.array([box(10, 0, 20, 10), box(0, 0, 4, 10)], dtype=object)
    parts = parts_in(np.array([box(0, 0, 10, 10), box(99, 0, 100, 1)], dtype=object), others)
    assert [part.area for part in parts] == [40, 0]
    assert {part.geom_type for part in parts} <= {"Polygon", "MultiPolygon"}


def test_points_stay_and_small_areas_become_one_point_in_them() -> None:
    bent = Polygon([(0, 0), (90, 0), (90, 90), (80, 90), (80, 10), (0, 10)])
    homes = town((Point(7, 8), 3), (box(0, 0, 150, 40), 5), (bent, 11))
    places = as_places(homes)
    assert places["feature"].tolist() == ["H00", "H01", "H02"]
    assert places["people"].tolist() == [3, 5, 11]
    assert places.geometry.iloc[:2].tolist() == [Point(7, 8), Point(75, 20)]
    assert bent.covers(places.geometry.iloc[2])


def test_a_large_area_is_cut_from_its_south_western_corner() -> None:
    places = as_places(town((box(1000, 500, 1250, 600), 100)))
    assert places.geometry.tolist() == [Point(1050, 550), Point(1150, 550), Point(1225, 550)]
    assert places["people"].tolist() == pytest.approx([40, 40, 20])


def test_accuracy_and_basis_stay_with_the_places() -> None:
    homes = town((box(0, 0, 400, 100), 4), (Point(0, 0), 1)).assign(
        accuracy_m=[30.0, 5.0], basis=["open", "synthetic"], storeys=[6, 2]
    )
    places = as_places(homes)
    assert places["accuracy_m"].tolist() == [30, 30, 30, 30, 5]
    assert places["basis"].tolist() == ["open"] * 4 + ["synthetic"]
    assert "storeys" not in places


def test_places_come_in_order_of_ids_whatever_the_order_of_the_file() -> None:
    homes = town((box(0, 0, 400, 100), 4), (Point(0, 0), 1), (box(0, 0, 10, 10), 2))
    assert as_places(homes.iloc[::-1]).equals(as_places(homes))


def test_squares_cut_a_polygon_and_leave_none_empty() -> None:
    parts = squares(MultiPolygon([box(5, 5, 15, 15), box(40, 0, 41, 1)]), 10, corner=np.zeros(2))
    assert sorted(part.area for part in parts) == [1, 25, 25, 25, 25]
    triangle = Polygon([(0, 0), (30, 0), (0, 30)])
    parts = squares(triangle, 10, corner=np.zeros(2))
    assert shapely.area(parts).tolist() == [100, 100, 50, 100, 50, 50]


def test_the_frames_given_are_left_as_they_were() -> None:
    homes, land = town((box(0, 0, 400, 100), 4), (Point(0, 0), None)), polygons([box(0, 0, 9, 9)])
    copies = homes.copy(), land.copy()
    as_places(homes, land=land)
    living(homes, box(0, 0, 1, 1))
    assert homes.equals(copies[0])
    assert land.equals(copies[1])


@given(streets_with_people, plots, st.sampled_from([40.0, 100.0, 250.0]))
def test_the_total_is_kept_however_it_is_spread(
    streets: list[tuple[Polygon, int]], land: list[Polygon], spacing_m: float
) -> None:
    homes = town(*streets)
    total = sum(people for _, people in streets)
    everywhere = living(on_land(homes, polygons(land)), box(-1, -1, 2000, 2000))
    assert everywhere == pytest.approx([total], rel=1e-9)
    places = as_places(homes, land=polygons(land), spacing_m=spacing_m)
    assert places["people"].sum() == pytest.approx(total, rel=1e-9)
    by_street = places.groupby("feature")["people"].sum()
    assert by_street.tolist() == pytest.approx(homes["people"].tolist(), rel=1e-9)
    shapes = on_land(homes, polygons(land)).geometry
    assert shapely.intersects(
        shapes[places["feature"]].buffer(1e-6).to_numpy(), places.geometry.to_numpy()
    ).all()


@given(streets_with_people, st.integers(0, 1500), st.integers(0, 1500))
def test_parts_of_the_plane_share_out_all_people(
    streets: list[tuple[Polygon, int]], x: int, y: int
) -> None:
    parts = [box(-9, -9, x, y), box(x, -9, 3000, y), box(-9, y, x, 3000), box(x, y, 3000, 3000)]
    parts = [part for part in parts if part.area > 0]
    total = sum(people for _, people in streets)
    assert sum(living(town(*streets), *parts)) == pytest.approx(total, rel=1e-9)


@given(streets_with_people, st.randoms())
def test_the_order_of_features_is_irrelevant(
    streets: list[tuple[Polygon, int]], random: Random
) -> None:
    mixed = list(streets)
    random.shuffle(mixed)
    shape = box(100, 100, 700, 500)
    assert living(town(*mixed), shape) == pytest.approx(living(town(*streets), shape), rel=1e-9)


@given(streets_with_people)
def test_what_overlays_measure_is_what_is_counted(streets: list[tuple[Polygon, int]]) -> None:
    shape = Polygon([(0, 0), (900, 200), (400, 1100)])
    expected = sum(
        people * street.intersection(shape).area / street.area for street, people in streets
    )
    assert living(town(*streets), shape) == pytest.approx([expected], rel=1e-9, abs=1e-9)


def test_a_line_is_no_area_and_counts_as_a_place() -> None:
    # The loader refuses lines of residents; a measure must not divide by their area.
    assert living(town((LineString([(0, 0), (9, 9)]), 4)), box(0, 0, 1, 1)) == [4]
