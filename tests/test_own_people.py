"""A planner's residents as the cells of a raster or as areas: all of them, and none invented."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from shapely import box
from streamlit.testing.v1 import AppTest

from layers import Text
from layers.catalogue import Source
from layers.declared import Declared
from layers.formats import Choice, Part, raster
from layers.intake import Intake, half_diagonal_m, take_in
from layers.limits import Limits
from layers.workspace import open_workspace
from spatial import open_pack
from spatial.own_people import kind_taken, own_people, people_columns, people_of_cells
from tests.geotiff import write
from tests.test_own_raster import drop, own_page, run, said
from views import datum_check, field_form, intake_form

Edit = Callable[[str, str, str], None]
NORTH_WEST = Affine(1000, 0, 530_000, 0, -1000, 4_332_000)  # the tiny pack is 2 × 2 such cells
PEOPLE = np.array([[70.5, 0.0, 9.0], [29.25, 0.25, -1.0]], dtype="float64")  # 9 outside, -1 none
HOMES = """\
[homes]
title = { zh = "居住人口（模拟）", en = "Residents (simulated)" }
geometry = "point"
group = "base"
accuracy_m = 5
[homes.source]
name = { zh = "虚构", en = "Invented" }
basis = "synthetic"
[homes.columns]
people = { title = { zh = "人数", en = "People" }, kind = "number" }

"""
TOTAL = """\
[total]
title = { zh = "常住人口", en = "Residents" }
cite = { chapter = 1 }
measure = "total_people"
layers = { population = "homes", units = "units" }
target = { at_least = 200, unit = "people" }
sentence = { zh = "人口。", en = "People." }

"""
SAID = ("--as", "homes", "--datum", "cgcs2000", "--basis", "official", "--accuracy", "707")


@pytest.fixture
def peopled(tiny_pack: Path, edit: Edit) -> Path:
    """The tiny pack, whose plan counts residents; nobody has delivered them."""
    edit(
        "layers.toml",
        '[metro]\ntitle = { zh = "地铁站"',
        HOMES + '[metro]\ntitle = { zh = "地铁站"',
    )
    edit("plan.toml", "[metro_coverage]", TOTAL + "[metro_coverage]")
    return tiny_pack


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    return write(tmp_path / "人口.tif", PEOPLE, NORTH_WEST, nodata=-1)


def counted(pack: Path, kept: Path) -> dict[str, object]:
    words = ("check", "--only", "total", "--format", "json", "--workspace", kept, "--pack", pack)
    (found,) = json.loads(run(*words).stdout)["results"]
    return dict(found)


def test_a_raster_of_people_takes_the_place_of_points_and_its_total_stays(
    peopled: Path, cells: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "w.planmap"
    taken = run("layers", "add", cells, "--workspace", kept, *SAID, "--pack", peopled)
    assert taken.exit_code == 0, taken.stderr
    assert "合计 100 人，分布在 3 个像元中" in taken.stdout
    assert "规划的人数为 200 人，这份数据是它的 50.0%" in taken.stdout
    assert "1 个像元在本区以外，未载入，其值合计 9" in taken.stdout
    layer = open_workspace(kept).layer("homes")
    assert layer.spec.geometry == "polygon"
    assert layer.spec.title.in_("zh") == "居住人口"  # it is no longer invented
    assert sorted(layer.frame["people"]) == [0.25, 29.25, 70.5]  # cells of 0 are left out
    found = counted(peopled, kept)
    assert found["value"] == pytest.approx(100, rel=1e-9)
    assert (found["verdict"], found["basis"]) == ("not_met", "official")


def test_areas_with_residents_take_the_place_of_points_as_well(
    peopled: Path, tmp_path: Path
) -> None:
    quarters = [box(0, 0, 1000, 2000), box(1000, 0, 2000, 2000)]
    moved = gpd.GeoSeries(quarters, crs="EPSG:4548").translate(530_000, 4_330_000)
    areas = gpd.GeoDataFrame({"people": [120, 130]}, geometry=moved)
    path, kept = tmp_path / "街道人口.gpkg", tmp_path / "w.planmap"
    areas.to_file(path)
    taken = run("layers", "add", path, "--workspace", kept, *SAID, "--pack", peopled)
    assert taken.exit_code == 0, taken.stderr
    assert "合计 250 人，分布在 2 个要素中" in taken.stdout
    found = counted(peopled, kept)
    assert (found["value"], found["verdict"]) == (250, "met")


def test_cells_below_nought_are_refused_and_nothing_is_kept(peopled: Path, tmp_path: Path) -> None:
    values = np.where(PEOPLE < 0.5, -99, PEOPLE)  # two in the place, one outside
    path, kept = write(tmp_path / "人口.tif", values, NORTH_WEST), tmp_path / "w.planmap"
    words = ("layers", "add", path, "--workspace", kept, *SAID, "--pack", peopled)
    refused = run(*words, "--lang", "en")
    assert refused.exit_code == 2
    (line,) = refused.stderr.splitlines()
    assert line.startswith("人口.tif: 2 cells have a negative number of people (least -99)")
    assert "mark it as nodata" in line
    assert not kept.exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrays.arrays(np.float64, (4, 5), elements=st.floats(0, 1e6)))
def test_the_cells_of_any_raster_in_the_place_hold_all_of_its_people(
    peopled: Path, tmp_path: Path, values: np.ndarray
) -> None:
    pack, plan = open_pack(peopled)
    inside = Affine(400, 0, 530_000, 0, -500, 4_332_000)  # 4 × 5 cells fill the place
    path = write(tmp_path / "人口.tif", values, inside)
    choice = Choice(raster="cells")
    raw = raster.read(path, "人口.tif", choice, Limits())
    if raw.frame.empty:
        return
    intake = Intake(
        layer="homes",
        geometry="polygon",
        choice=choice,
        declared=Declared(crs="EPSG:4548", datum="cgcs2000"),
        fields=people_of_cells(plan, "homes"),
        source=Source(name=Text(zh="局", en="Bureau"), basis="official"),
        accuracy_m=5,
    )
    taken = take_in(pack, raw, intake, name="人口.tif", sha256="0" * 64)
    found = own_people(plan, pack, "homes", taken.layer.frame, cells=True, where="人口.tif")
    assert found is not None
    assert found.people == pytest.approx(float(values.sum()), rel=1e-9)
    assert found.inside == pytest.approx(float(values.sum()), rel=1e-6)
    assert found.places == np.count_nonzero(values)


BERLIN = """\
[pack]
title = { zh = "弗里德里希斯海因", en = "Friedrichshain" }
metric_crs = "EPSG:32633"
area = "area"
[pack.groups]
base = { zh = "底图", en = "Base" }
[area]
title = { zh = "范围", en = "Area" }
file = "area.geojson"
geometry = "polygon"
group = "base"
accuracy_m = 1
[area.source]
name = { zh = "栅格的边框", en = "Border of the raster" }
basis = "open"

"""
BERLIN_PLAN = """\
[plan]
title = { zh = "无", en = "None" }
[zone_statistics]
zones = "area"
radius_m = 300

"""


def test_the_people_of_a_part_of_berlin_are_all_there(testbed: Path, tmp_path: Path) -> None:
    path = testbed / "friedrichshain" / "friedrichshain_population_raster.tif"
    with rasterio.open(path) as source:
        people = float(source.read(1, masked=True).astype(np.float64).sum())
        frame = gpd.GeoSeries([box(*source.bounds).buffer(1e-4)], crs=source.crs)
    pack, kept = tmp_path / "pack", tmp_path / "w.planmap"
    pack.mkdir()
    area = gpd.GeoDataFrame({"id": ["A"], "name": "范围", "name_en": "Area"}, geometry=frame)
    area.to_file(pack / "area.geojson", driver="GeoJSON")
    (pack / "layers.toml").write_text(BERLIN + HOMES, encoding="utf-8")
    total = TOTAL.replace(', units = "units"', "")
    (pack / "plan.toml").write_text(BERLIN_PLAN + total, encoding="utf-8")
    words = ("--as", "homes", "--datum", "wgs84", "--basis", "open", "--accuracy", "50")
    taken = run("layers", "add", path, "--workspace", kept, *words, "--pack", pack)
    assert taken.exit_code == 0, taken.stderr
    value = counted(pack, kept)["value"]
    assert value == pytest.approx(people, rel=1e-9)
    assert value == pytest.approx(88_270.71, abs=0.01)  # as the study of the place has it


def test_half_the_diagonal_of_a_cell_is_what_its_people_may_be_off(cells: Path) -> None:
    raw = raster.read(cells, "人口.tif", Choice(raster="cells"), Limits())
    declared = Declared(crs="EPSG:4548", datum="cgcs2000")
    found = half_diagonal_m(raw, declared, "EPSG:4548", name="人口.tif")
    assert found == pytest.approx(500 * np.sqrt(2), abs=1e-3)


def test_only_layers_whose_residents_are_counted_may_be_areas_in_place_of_points(
    peopled: Path,
) -> None:
    _, plan = open_pack(peopled)
    assert people_columns(plan) == {"homes": "people"}
    areas, lines = (Part.model_validate({"name": "a", "geometry": g}) for g in ("polygon", "line"))
    assert kind_taken(plan, "homes", areas) == "polygon"
    assert kind_taken(plan, "homes", lines) is None
    assert kind_taken(plan, "bus_stops", areas) is None


# The page.


@pytest.fixture
def page(peopled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """我的数据 on the pack with residents."""
    with own_page(peopled, tmp_path, monkeypatch) as opened:
        yield opened


def test_a_planner_loads_a_raster_of_people_and_is_told_how_many_there_are(
    page: AppTest, cells: Path
) -> None:
    drop(page, cells)
    layer = page.selectbox(key="draft.layer.人口")
    assert layer.value == "homes"  # by the file's name
    assert not page.radio  # that its cells are amounts is not asked
    page.button_group(key="draft.datum.人口").set_value("cgcs2000").run()
    assert "不是每平方公里的密度" in said(page)
    assert any("像元对角线的一半约 707 米" in one.value for one in page.caption)
    page.button_group(key="draft.basis").set_value("official").run()
    page.number_input(key="draft.accuracy").set_value(707.0).run()
    (told,) = (one.value for one in page.info if "合计" in one.value)
    assert "合计 100 人，分布在 3 个像元中" in told
    assert "规划的人数为 200 人，这份数据是它的 50.0%" in told
    assert "1 个像元在本区以外" in page.warning[0].value
    next(one for one in page.button if one.label == "载入工作区").click().run()
    (row,) = page.dataframe[0].value.to_dict("records")
    assert (row["目标"], row["载入后"]) == ("常住人口", "不达标 · 100 人")


def test_a_raster_of_unknown_name_is_offered_the_residents_before_any_areas(
    page: AppTest, tmp_path: Path
) -> None:
    drop(page, write(tmp_path / "x7.tif", PEOPLE, NORTH_WEST, nodata=-1))
    layer = page.selectbox(key="draft.layer.x7")
    assert layer.value is None  # nothing is taken for granted
    assert layer.options[0].startswith("居住人口")
    assert [one.split(" ")[0] for one in layer.options[1:4]] == ["范围", "单元", "用地"]


def test_exchanged_axes_are_said_before_any_layer_is_chosen(page: AppTest, tmp_path: Path) -> None:
    path = tmp_path / "x7.geojson"
    place = {"type": "Point", "coordinates": [39.11, 117.36]}
    feature = {"type": "Feature", "properties": {"a": 1}, "geometry": place}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    drop(page, path)
    assert page.selectbox(key="draft.layer.x7").value is None
    assert "横纵坐标颠倒了" in page.warning[0].value


def test_the_command_line_says_that_it_has_exchanged_the_axes(
    peopled: Path, tmp_path: Path
) -> None:
    path = tmp_path / "站点.csv"
    path.write_text("经度,纬度,人数\n39.11,117.36,5\n39.12,117.36,6\n", encoding="utf-8")
    words = ("layers", "add", path, "--workspace", tmp_path / "w.planmap", "--pack", peopled)
    taken = run(*words, *SAID, "--field", "people=人数")
    assert taken.exit_code == 0, taken.stderr
    assert "横纵坐标颠倒了" in taken.stdout


def test_another_answer_does_not_work_out_anew_what_it_does_not_touch(
    page: AppTest, peopled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def noting(module: ModuleType, name: str) -> None:
        real = getattr(module, name)

        def noted(*args: object, **named: object) -> object:
            asked.append(name)
            return real(*args, **named)

        monkeypatch.setattr(module, name, noted)

    for module, name in (
        (intake_form, "proposals"),
        (datum_check, "inline_content"),
        (field_form, "propose_fields"),
    ):
        noting(module, name)
    drop(page, peopled / "land.geojson")
    page.button_group(key="draft.datum.land").set_value("cgcs2000").run()
    page.button_group(key="draft.basis").set_value("official").run()
    page.number_input(key="draft.accuracy").set_value(1.0).run()
    assert not page.exception
    assert sorted(asked) == ["inline_content", "proposals", "propose_fields"]  # once each
