"""Places that may lie elsewhere: how far, which move together, and that only these are sought."""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from shapely import LineString

from spatial.doubt import displacement
from spatial.doubt.displacement import Movable, simulated
from spatial.measurement import RADIUS_68
from spatial.measures import circle_share, walk_coverage
from spatial.measures.facilities import people_per_facility
from spatial.network import Network, network_distance, walking_network
from spatial.network.snap import snap

CRS = "EPSG:4548"
SNAP_M = 60.0
DRAWS = 12
SEED = 3

Floats = NDArray[np.float64]


def town() -> Network:
    """Streets round blocks of 200 m, and one that stands alone."""
    at = range(0, 1001, 200)
    lines = [LineString([(x, y) for y in at]) for x in at]
    lines += [LineString([(x, y) for x in at]) for y in at]
    lines.append(LineString([(1300, 0), (1300, 300)]))
    ids = [f"L{number:02}" for number in range(len(lines))]
    return walking_network(gpd.GeoDataFrame(geometry=lines, index=ids, crs=CRS))


def places(
    xy: Sequence[tuple[float, float]] | Floats, prefix: str, off_m: object
) -> gpd.GeoDataFrame:
    ids = [f"{prefix}{number:05}" for number in range(len(xy))]
    return gpd.GeoDataFrame(
        {"accuracy_m": off_m, "basis": "open"}, geometry=shapely.points(xy), index=ids, crs=CRS
    )


def scattered(seed: int, count: int, prefix: str, *, moving: float) -> gpd.GeoDataFrame:
    """Places all over the town; some lie where they are drawn, the others up to 90 m off."""
    random = np.random.default_rng(seed)
    off_m = np.where(random.random(count) < moving, random.uniform(5, 90, count), 0.0)
    return places(random.uniform(-150, 1400, (count, 2)), prefix, off_m)


def anew(
    homes: gpd.GeoDataFrame, stops: gpd.GeoDataFrame, network: Network
) -> tuple[NDArray[np.bool_], list[tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]]]:
    """Which homes are on the network; all places of each draw, of stops those on the network."""
    drawn = network_distance(homes, stops, network, snap_limit_m=SNAP_M)
    frames = [homes, stops[drawn.stops["snap_m"].notna()]]
    random = np.random.default_rng(SEED)
    draws = []
    for _ in range(DRAWS):
        moved = []
        for frame in frames:
            shift = random.standard_normal((len(frame), 2))
            shift *= frame["accuracy_m"].to_numpy()[:, None] / RADIUS_68
            xy = shapely.get_coordinates(frame.geometry) + shift
            moved.append(frame.set_geometry(shapely.points(xy), crs=CRS))
        draws.append((moved[0], moved[1]))
    return drawn.points["snap_m"].notna().to_numpy(), draws


def wide(*frames: gpd.GeoDataFrame) -> float:
    """Four standard deviations more than the limit, of the least accurate place."""
    return SNAP_M + 4 * max(float(frame["accuracy_m"].max()) for frame in frames) / RADIUS_68


def test_68_of_100_displacements_are_within_the_accuracy() -> None:
    about = places([(7.0, 9.0)] * 20_000, "S", 30.0)
    xy = Movable.of(about, town(), SNAP_M).displaced(np.random.default_rng(1))
    off_m = np.hypot(*(xy - [7, 9]).T)
    assert (off_m <= 30).mean() == pytest.approx(0.68, abs=0.01)
    assert abs(xy[:, 0].mean() - 7) < 0.5
    sharp = Movable.of(about.assign(accuracy_m=0.0), town(), SNAP_M)
    assert (sharp.displaced(np.random.default_rng(1)) == [7, 9]).all()


def test_the_places_of_one_feature_move_together() -> None:
    about = places([(0, 0), (100, 0), (0, 0)], "S", 30.0).set_axis(["A", "A", "B"])
    first, second, other = Movable.of(about, town(), SNAP_M).displaced(np.random.default_rng(1))
    assert second - first == pytest.approx([100, 0])
    assert (other != first).all()


def test_of_two_orders_of_the_rows_both_move_alike() -> None:
    about = scattered(1, 30, "S", moving=0.7)
    one, other = (
        Movable.of(frame, town(), SNAP_M).displaced(np.random.default_rng(1))
        for frame in (about, about.iloc[::-1])
    )
    assert (one == other[::-1]).all()


@pytest.mark.parametrize("moving", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("count_snap", [True, False])
def test_draws_are_those_of_walks_between_places_that_are_all_sought_anew(
    moving: float, *, count_snap: bool
) -> None:
    network = town()
    people = np.arange(1.0, 81.0)
    homes = scattered(1, len(people), "H", moving=moving).assign(people=people)
    stops = scattered(2, 7, "S", moving=0.6)
    on, draws = anew(homes, stops, network)
    limit_m, reached = wide(homes, stops), []
    for moved, elsewhere in draws:
        walk = network_distance(
            moved, elsewhere, network, limit_m=300, snap_limit_m=limit_m, count_snap=count_snap
        )
        reached.append(people[on & walk.points["state"].eq("reached").to_numpy()].sum())
    asked: dict[str, Any] = {"radius_m": 300, "snap_limit_m": SNAP_M, "draws": DRAWS, "seed": SEED}
    for found in (
        walk_coverage(homes, stops, network, count_snap=count_snap, **asked),
        circle_share(stops, homes, network=network, count_snap=count_snap, **asked),
    ):
        position = found.doubts[1]
        served = found.whole.numerator
        assert served is not None
        assert position.low * people.sum() == pytest.approx(min([served, *reached]), abs=1e-9)
        assert position.high * people.sum() == pytest.approx(max([served, *reached]), abs=1e-9)
        assert len(set(reached)) > 3


@pytest.mark.parametrize("moving", [0.0, 0.4, 1.0])
def test_so_they_are_where_each_goes_to_the_nearest(moving: float) -> None:
    network = town()
    people = np.arange(1.0, 81.0)
    homes = scattered(1, len(people), "H", moving=moving).assign(people=people)
    centres = scattered(2, 7, "S", moving=0.6)
    on, draws = anew(homes, centres, network)
    limit_m, loads = wide(homes, centres), []
    for moved, elsewhere in draws:
        walk = network_distance(
            moved, elsewhere, network, snap_limit_m=limit_m, count_snap=True
        ).points
        by_stop = homes["people"][on].groupby(walk["stop"][on]).sum()
        loads.append(by_stop.reindex(centres.index, fill_value=0.0))
    found = people_per_facility(
        centres, homes, network, snap_limit_m=SNAP_M, draws=DRAWS, seed=SEED
    )
    assert found.whole.value is not None
    largest = [found.whole.value, *(float(load.max()) for load in loads)]
    position = found.doubts[1]
    assert (position.low, position.high) == (min(largest), max(largest))


def test_places_that_lie_where_drawn_are_sought_once(monkeypatch: pytest.MonkeyPatch) -> None:
    network = town()
    homes, stops = scattered(1, 40, "H", moving=0.5), scattered(2, 9, "S", moving=0.0)
    movable = [Movable.of(frame, network, SNAP_M) for frame in (homes, stops)]
    moving = movable[0].drawn.at.found & (homes["accuracy_m"].to_numpy() > 0)
    sought: list[int] = []

    def counted(points: Floats, network: Network, limit_m: float) -> object:
        sought.append(len(points))
        return snap(points, network, limit_m)

    monkeypatch.setattr(displacement, "snap", counted)
    again = simulated(movable[0], movable[1:], network, snap_limit_m=SNAP_M, draws=2, seed=SEED)
    for moved, (there,) in again:
        assert list(moved.ids) == list(homes.index)
        assert (there.at.snap_m == movable[1].on_network().drawn.at.snap_m).all()
    assert sought == [moving.sum(), 0] * 2
