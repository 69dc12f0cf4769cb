"""From a planner's file to a layer in place of the pack's: what is kept, cleared and refused."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely import Point, box

from layers import InputError, Pack, Text, load_pack
from layers.catalogue import Source
from layers.datum import wgs84_to_gcj02
from layers.declared import Declared
from layers.fields import FieldMap
from layers.formats import Choice, Raw
from layers.gate import DatumFinding
from layers.intake import Intake, NewLayer, contradicts, new_layer_id, take_in
from spatial import open_pack, run_check
from spatial.bindings import needed_values

BUREAU = Source(name=Text(zh="公交处", en="Bus office"), basis="official")
EAST, NORTH = 530_000.0, 4_330_000.0  # where the tiny pack lies, see conftest
CORNER = np.array([EAST, NORTH])


@pytest.fixture
def pack(tiny_pack: Path) -> Pack:
    return load_pack(tiny_pack)


def raw(*shapes: shapely.Geometry, **columns: list[object]) -> Raw:
    """Rows in metres from the corner of the tiny pack, as EPSG:4548 has them."""
    moved = [shapely.transform(shape, lambda xy: xy + CORNER) for shape in shapes]
    frame = gpd.GeoDataFrame(columns, geometry=moved)
    frame.index = frame.index + 1
    return Raw(frame, "EPSG:4548")


def intake(layer: str, **changes: object) -> Intake:
    said = {
        "layer": layer,
        "choice": Choice(),
        "declared": Declared(crs="EPSG:4548", datum="cgcs2000"),
        "fields": FieldMap(),
        "source": BUREAU,
        "accuracy_m": 3.0,
    }
    return Intake.model_validate({**said, **changes})


def taken(pack: Pack, rows: Raw, said: Intake) -> Pack:
    layer = take_in(pack, rows, said, name="站点.csv", sha256="0" * 64).layer
    return pack.with_layers([layer])


def test_a_layer_of_ones_own_takes_the_place_of_the_packs(pack: Pack) -> None:
    rows = raw(Point(500, 1000), Point(100, 200), BH=["7", "8"], HCT=[1, 2])
    fields = FieldMap(key="BH", columns={"shelters": "HCT"})
    mine = taken(pack, rows, intake("bus_stops", fields=fields))
    assert mine.own == {"bus_stops"}
    assert mine.layers["bus_stops"].frame.index.tolist() == ["7", "8"]
    where = mine.layers["bus_stops"].frame.geometry.loc["8"]
    assert (where.x, where.y) == pytest.approx((EAST + 100, NORTH + 200), abs=1e-4)
    assert mine.layers["bus_stops"].basis == "official"
    assert mine.layers["bus_stops"].frame["accuracy_m"].tolist() == [3.0, 3.0]
    assert pack.layers["bus_stops"].frame.index.tolist() == ["S1", "S2"]  # the pack stays


def test_a_shifted_file_lands_where_the_same_file_without_shift_does(pack: Pack) -> None:
    true = gpd.GeoSeries([Point(EAST + 500, NORTH + 1000)], crs="EPSG:4548").to_crs("OGC:CRS84")
    lon, lat = wgs84_to_gcj02(true.x.to_numpy(), true.y.to_numpy())
    frame = gpd.GeoDataFrame(geometry=[Point(float(lon[0]), float(lat[0]))])
    said = intake("bus_stops", declared=Declared(crs="EPSG:4326", datum="gcj02"))
    mine = taken(pack, Raw(frame, ""), said)
    where = mine.layers["bus_stops"].frame.geometry.iloc[0]
    assert float(np.hypot(where.x - EAST - 500, where.y - NORTH - 1000)) < 1e-3


def test_what_a_sketch_was_drawn_to_does_not_bind_the_data_that_replace_it(
    tiny_pack: Path, pack: Pack
) -> None:
    text = (tiny_pack / "layers.toml").read_text(encoding="utf-8")
    drawn = text.replace(
        'file = "bus_stops.geojson"', 'file = "bus_stops.geojson"\ndrawn_to = ["coverage"]'
    )
    (tiny_pack / "layers.toml").write_text(drawn, encoding="utf-8")
    pack, plan = open_pack(tiny_pack)
    assert run_check(pack, plan.checks["coverage"]).why == "drawn"
    mine = taken(pack, raw(Point(500, 1000), Point(1500, 1000)), intake("bus_stops"))
    result = run_check(mine, plan.checks["coverage"])
    # A whole disc of 500 m in each unit of 1 km by 2 km: 0.785 km² of 2 km², below a half.
    assert (result.why, result.verdict) == ("compared", "not_met")
    assert result.measured is not None
    assert result.measured.values["value"].tolist() == pytest.approx([np.pi / 8] * 2, rel=1e-3)


def test_a_check_that_misses_a_column_in_ones_own_data_is_undetermined(tiny_pack: Path) -> None:
    pack, plan = open_pack(tiny_pack)
    mine = taken(pack, raw(box(0, 0, 2000, 2000)), intake("land"))
    result = run_check(mine, plan.checks["green"])
    assert (result.verdict, result.why, result.missing) == ("undetermined", "unfit", ("land",))
    assert run_check(mine, plan.checks["coverage"]).verdict == "not_met"  # the others go on


def test_the_plan_says_which_columns_of_a_layer_it_needs(tiny_pack: Path) -> None:
    _, plan = open_pack(tiny_pack)
    assert needed_values(plan, "land") == {"class_code": ()}
    assert needed_values(plan, "bus_stops") == {}


def test_a_layer_that_the_catalogue_does_not_know_stands_beside_the_others(pack: Pack) -> None:
    title = Text(zh="卫生站", en="Health posts")
    new = NewLayer(title=title, geometry="point")
    layer_id = new_layer_id("卫生站")
    mine = taken(pack, raw(Point(5, 5)), intake(layer_id, new=new))
    assert list(mine.catalogue.layers)[-1] == layer_id
    assert mine.catalogue.layers[layer_id].title == title
    assert set(pack.layers) < set(mine.layers)


def test_a_file_of_which_nothing_is_left_is_refused_and_says_so(pack: Pack) -> None:
    with pytest.raises(InputError) as caught:
        taken(pack, raw(Point(90_000, 90_000)), intake("bus_stops"))
    assert "站点.csv" in str(caught.value)
    assert "没有剩下" in caught.value.problems[0].in_("zh")


def test_what_was_said_of_a_file_can_be_written_down_and_repeated(pack: Pack) -> None:
    said = intake("bus_stops", fields=FieldMap(key="BH"), insisted="按现场核对")
    again = Intake.model_validate(json.loads(said.model_dump_json()))
    rows = raw(Point(1, 1), BH=["7"])
    one, other = (taken(pack, rows, each).layers["bus_stops"].frame for each in (said, again))
    assert again == said
    assert one.geometry.equals(other.geometry)


@pytest.mark.parametrize(
    "verdict,against",
    [("agrees", False), ("cannot_tell", False), ("gcj02", True), ("elsewhere", True)],
)
def test_only_a_finding_against_the_declaration_asks_for_a_reason(
    verdict: str, against: bool
) -> None:
    finding = DatumFinding.model_validate({"verdict": verdict, "geometry": "point"})
    assert contradicts(finding) is against
