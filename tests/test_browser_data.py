"""我的数据 in a real browser: a file comes in, is kept, and is nobody else's."""

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from playwright.sync_api import Page

from layers.datum import wgs84_to_gcj02
from tests.geotiff import write
from tests.server import Server
from tests.test_browser import GEODATA, browser, open_page, server, settled, wait_for_map

__all__ = ["browser", "open_page", "server"]  # fixtures
Opener = Callable[..., Page]


@pytest.fixture(scope="module")
def shifted_streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pack's streets on GCJ-02, which the file does not say; one name is hostile."""

    def shift(degrees: np.ndarray) -> np.ndarray:
        return np.column_stack(wgs84_to_gcj02(degrees[:, 0], degrees[:, 1]))

    streets = gpd.read_file(GEODATA / "streets.geojson")[["name", "geometry"]]
    streets["geometry"] = shapely.transform(streets.geometry.to_numpy(), shift)
    streets.loc[0, "name"] = "<img src=x onerror=alert(1)>"
    path = tmp_path_factory.mktemp("own") / "街道.geojson"
    streets.rename(columns={"name": "街道名称"}).to_file(path, driver="GeoJSON")
    return path


def drop(page: Page, file: Path) -> None:
    page.get_by_test_id("stFileUploader").last.locator("input").set_input_files(file)
    page.get_by_text("代替哪个图层").wait_for()
    settled(page)


def answer_source(page: Page) -> None:
    page.get_by_role("radio", name="官方", exact=True).click()
    settled(page)
    accuracy = page.get_by_role("spinbutton", name="位置精度（± 米）")
    accuracy.fill("10")
    accuracy.press("Enter")
    settled(page)


def test_a_file_on_a_wrong_datum_is_caught_kept_and_found_again(
    open_page: Opener, shifted_streets: Path, server: Server
) -> None:
    page = open_page("data")
    drop(page, shifted_streets)
    assert page.get_by_text("请选定基准").is_visible()  # the datum is asked for, not guessed
    page.get_by_role("radio", name="WGS 84", exact=True).click()
    page.get_by_text("这是 GCJ-02 坐标").wait_for()
    assert page.get_by_role("button", name="载入工作区").count() == 0
    page.get_by_role("button", name="改按 GCJ-02 处理").click()
    page.get_by_text("与可信图层相符").wait_for()
    wait_for_map(page, "own-preview")
    answer_source(page)
    page.get_by_role("button", name="载入工作区").click()
    page.get_by_text("已载入：街道").wait_for()
    assert page.get_by_text("官方", exact=True).first.is_visible()

    page.wait_for_function("() => document.cookie.includes('planmap_')")
    page.reload()  # the browser's own workspace is found again
    page.get_by_text("已载入的图层（1）").wait_for()
    page.goto(f"{server.url}/")
    wait_for_map(page)
    assert page.evaluate("() => window.__planmap.map !== undefined")
    assert page.locator("img[src=x]").count() == 0

    other = open_page("data")  # another browser sees nothing of it
    other.get_by_test_id("stFileUploader").last.wait_for()
    settled(other)
    assert other.get_by_text("已载入的图层").count() == 0

    page.goto(f"{server.url}/data")
    page.get_by_role("button", name="移除").click()
    page.get_by_text("改动历史（2）").click()
    page.get_by_role("button", name="撤销：移除 街道").click()
    page.get_by_text("已载入的图层（1）").wait_for()


def test_a_raster_of_vegetation_takes_the_place_of_the_one_that_is_asked_for(
    open_page: Opener, tmp_path: Path
) -> None:
    # Two of three cells of 50 m are green, in stripes all over the district.
    cells = (np.add.outer(np.arange(900), np.arange(900)) % 3 > 0).astype(np.uint8)
    place = Affine(50, 0, 515_000, 0, -50, 4_355_000)
    page = open_page("data")
    drop(page, write(tmp_path / "植被覆盖.tif", cells, place))
    page.get_by_role("radio", name="CGCS2000", exact=True).click()
    page.get_by_text("900 × 900 个像元，每个 50 × 50 米").wait_for()
    wait_for_map(page, "own-preview")
    answer_source(page)
    page.get_by_role("button", name="载入工作区").click()
    page.get_by_text("已载入：植被覆盖影像分类").wait_for()
    page.get_by_text("栅格 900 × 900 个像元").wait_for()
    page.get_by_role("button", name="看目标检查").click()
    settled(page)
    page.get_by_text("66.7%").first.wait_for()


def test_nothing_of_a_planners_file_lies_where_others_may_fetch_it(
    shifted_streets: Path, server: Server
) -> None:
    del shifted_streets, server  # the test before has loaded it
    static = GEODATA.parent / "static"
    for path in static.rglob("*"):
        if path.is_file():
            assert b"onerror=alert" not in path.read_bytes(), path.name


def test_a_file_that_is_no_map_data_is_refused_in_one_line(
    open_page: Opener, tmp_path: Path
) -> None:
    bad = tmp_path / "说明.docx"
    bad.write_bytes(b"\x00\x01\x02 nothing that anybody could read")
    page = open_page("data")
    page.get_by_test_id("stFileUploader").last.locator("input").set_input_files(bad)
    said = page.get_by_test_id("stAlert").inner_text()
    assert "说明.docx" in said
    assert "Traceback" not in said
    assert str(tmp_path) not in said


def test_two_browsers_share_a_named_workspace_and_neither_writes_over_the_other(
    open_page: Opener,
) -> None:
    one, other = open_page("data"), open_page("data")
    for page, button in ((one, "以此名称新建"), (other, "打开")):
        page.get_by_role("button", name="换一个工作区").click()
        page.get_by_label("工作区名称").fill("军粮城 2026")
        page.get_by_label("工作区名称").press("Enter")
        settled(page)
        page.get_by_role("button", name=button, exact=True).click()
        page.get_by_text("知道名称的同事都能打开").wait_for()
        settled(page)
    for page, radius in ((one, "400"), (other, "300")):
        page.get_by_role("link", name="地图").click()
        wait_for_map(page)
        page.get_by_role("combobox", name="叠加检查").click()
        page.get_by_role("option").nth(1).click()
        settled(page)
        box = page.get_by_role("spinbutton", name="半径（米）")
        box.fill(radius)
        box.press("Enter")
        settled(page)
    other.get_by_role("button", name="保留对方的").click()
    settled(other)
    assert other.get_by_role("spinbutton", name="半径（米）").input_value() == "400"
