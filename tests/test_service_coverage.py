"""Coverage of an area on foot: a street, a river, laws, and a country that is walked."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, Point, box

from spatial.measures import service_coverage, stop_coverage
from spatial.network import walking_network

CRS = "EPSG:4548"


def frame(shapes: list[shapely.Geometry], **columns: object) -> gpd.GeoDataFrame:
    index = [f"F{number}" for number in range(len(shapes))]
    return gpd.GeoDataFrame(columns, geometry=shapes, index=index, crs=CRS)


STREET = walking_network(frame([LineString([(0, 0), (1000, 0)])]))
TOWN = frame([box(0, -100, 1000, 100)])


def test_a_street_serves_the_strip_beside_it_and_half_a_disc_beyond() -> None:
    found = service_coverage(
        frame([Point(0, 0)]), TOWN, STREET, radius_m=300, width_m=100, snap_limit_m=10
    )
    area = 300 * 200 + np.pi * 100**2 / 2
    assert found.whole.numerator == pytest.approx(area, rel=2e-3)
    assert found.whole.denominator == pytest.approx(200_000)
    assert found.facts["reached_ways_m"] == pytest.approx(300)
    assert found.evidence["area_m2"].sum() == pytest.approx(200_000 - area, rel=2e-3)


def test_a_river_without_a_bridge_stops_people_but_not_a_disc() -> None:
    ways = frame([LineString([(0, 0), (450, 0)]), LineString([(550, 0), (1000, 0)])])
    stops = frame([Point(400, 0)])
    walked = service_coverage(stops, TOWN, walking_network(ways), radius_m=300, width_m=50)
    straight = stop_coverage(stops, TOWN, radius_m=300)
    beyond = gpd.GeoSeries([box(600, -100, 1000, 100)], crs=CRS).iloc[0]
    assert walked.evidence.geometry.union_all().covers(beyond)
    assert not straight.evidence.geometry.union_all().covers(beyond)


def test_the_way_to_the_network_may_count_or_not() -> None:
    stops = frame([Point(500, 80)])
    found = service_coverage(stops, TOWN, STREET, radius_m=300, width_m=50)
    # 220 m to either side if the 80 m count, 300 m if they do not, and a disc at both ends.
    counted, free = 2 * 220 * 100 + np.pi * 50**2, 2 * 300 * 100 + np.pi * 50**2
    assert found.whole.value == pytest.approx(counted / 200_000, rel=2e-3)
    assert found.whole.high == pytest.approx(free / 200_000, rel=2e-3)
    assert found.whole.low == pytest.approx(found.whole.value)
    (snap,) = found.doubts
    assert (snap.kind, snap.method, snap.inputs) == ("snap", "bounds", {"snap_limit": 100.0})


def test_a_stop_off_the_network_serves_nobody() -> None:
    found = service_coverage(frame([Point(500, 500)]), TOWN, STREET, radius_m=300)
    assert found.whole.value == 0.0
    assert found.facts["stops_off_network_count"] == 1.0


def test_units_add_up_and_borders_have_their_band() -> None:
    units = frame([box(0, -100, 400, 100), box(400, -100, 1000, 100)])
    stops = frame([Point(0, 0)])
    found = service_coverage(stops, TOWN, STREET, units, radius_m=300, width_m=100)
    assert found.values["numerator"].sum() == pytest.approx(found.whole.numerator)
    rough = TOWN.assign(accuracy_m=10.0)
    banded = service_coverage(stops, rough, STREET, units, radius_m=300, width_m=100)
    assert banded.whole.value == pytest.approx(found.whole.value)
    assert banded.whole.low is not None
    assert found.whole.low is not None
    assert banded.whole.low < found.whole.low
    assert {(doubt.kind, doubt.method) for doubt in banded.doubts} == {
        ("snap", "bounds"),
        ("position", "band"),
    }


def test_equal_seeds_give_equal_ranges_and_accuracy_widens_them() -> None:
    stops = frame([Point(500, 5)], accuracy_m=[30.0], basis=["open"])
    one, same, other = (
        service_coverage(stops, TOWN, STREET, radius_m=300, seed=seed).whole for seed in (1, 1, 2)
    )
    assert one == same
    assert one.value == other.value
    assert (one.low, one.high) != (other.low, other.high)
    exact = service_coverage(stops.assign(accuracy_m=0.0), TOWN, STREET, radius_m=300).whole
    assert one.low is not None
    assert exact.low is not None
    assert one.low <= exact.low


@given(
    radius=st.floats(50, 600),
    more=st.floats(0, 300),
    at=st.lists(st.floats(0, 1000), min_size=1, max_size=4),
)
def test_more_stops_and_longer_ways_never_serve_less(
    radius: float, more: float, at: list[float]
) -> None:
    stops = frame([Point(x, 0) for x in at])

    def share(frame: gpd.GeoDataFrame, radius_m: float) -> float:
        value = service_coverage(frame, TOWN, STREET, radius_m=radius_m).whole.value
        assert value is not None
        return value

    whole = share(stops, radius)
    assert share(stops, radius + more) >= whole - 1e-9
    assert share(stops.iloc[:1], radius) <= whole + 1e-9
