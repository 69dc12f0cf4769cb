"""The app in a real browser, as a planner uses it; nothing may be asked of another host."""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd
import pytest
from playwright.sync_api import Browser, Download, Page, sync_playwright

from layers import load_pack
from spatial.phrases import check_title
from spatial.plan import read_plan
from tests.server import Server, serve

GEODATA = Path(__file__).resolve().parent.parent / "geodata"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
PAGES = ("", "checks", "zones", "sources")
MAP = "window.__planmap.map"
Opener = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = os.environ.get("PLANMAP_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium, Chrome or Edge on this machine")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def open_page(browser: Browser, server: Server) -> Iterator[Opener]:
    """Open a page of the app; afterwards no request may have left this machine."""
    asked: list[str] = []
    failed: list[str] = []
    contexts = []

    def opener(path: str = "", size: dict[str, int] = WIDE, base: str = server.url) -> Page:
        context = browser.new_context(viewport=size, accept_downloads=True)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: failed.append(str(error)))
        page.goto(f"{base}/{path}")
        page.wait_for_selector('[data-testid="stAppViewContainer"]')
        return page

    yield opener
    for context in contexts:
        context.close()
    hosts = {urlsplit(url).hostname for url in asked if not url.startswith(("data:", "blob:"))}
    assert hosts == {"127.0.0.1"}
    assert failed == []
    assert server.reached() == []


def wait_for_map(page: Page, key: str = "map") -> None:
    page.wait_for_function(f"() => window.__planmap?.['{key}']?.ready === true")


def settled(page: Page) -> None:
    """Wait until the script has run to its end."""
    page.wait_for_timeout(250)
    page.wait_for_function(
        "() => !document.querySelector('[data-testid=\"stApp\"][data-test-script-state=running]')"
    )


def move_map(page: Page, lat: float, lon: float, zoom: float) -> None:
    """Show another part of the map at once and wait until its names are placed."""
    # Nothing may come back of it: setView returns the map, which takes a second to hand over. The
    # names are placed before the next frame, so a frame that is asked for now comes after them.
    page.evaluate(
        f"([lat, lon, zoom]) => {{ {MAP}.map.setView([lat, lon], zoom, {{animate: false}});"
        " return new Promise((done) => requestAnimationFrame(() => done(null))); }",
        [lat, lon, zoom],
    )


def click_map(page: Page, lon: float, lat: float) -> None:
    x, y = page.evaluate(
        f"([lon, lat]) => {{ const m = {MAP}.map, p = m.latLngToContainerPoint([lat, lon]);"
        " const r = m.getContainer().getBoundingClientRect(); return [r.x + p.x, r.y + p.y]; }",
        [lon, lat],
    )
    page.mouse.click(x, y)


def toggle(page: Page, title: str) -> None:
    """Switch a layer on or off in the tree."""
    row = page.get_by_test_id("stCheckbox").filter(has_text=re.compile(rf"^\s*{title}\s"))
    row.locator("label").click()
    settled(page)


def choose(page: Page, option: str) -> None:
    """Choose an entry of the list of checks."""
    page.get_by_test_id("stSelectbox").first.locator("input").click()
    page.get_by_role("option", name=option, exact=True).click()
    settled(page)


def test_the_map_draws_every_feature_of_the_layers_that_are_on(open_page: Opener) -> None:
    page = open_page()
    wait_for_map(page)
    pack = load_pack(GEODATA)
    shown = {k: len(v.frame) for k, v in pack.layers.items() if v.spec.style.visible}
    assert page.evaluate(f"{MAP}.counts()") == shown
    assert shown["streets"] == 11  # as the plan counts them


def test_a_toggle_hides_and_shows_a_layer_and_the_view_stays(open_page: Opener) -> None:
    page = open_page()
    wait_for_map(page)
    move_map(page, 39.1, 117.4, 13)
    toggle(page, "街道")
    page.wait_for_function(f"() => !({MAP}.counts().streets > 0)")
    toggle(page, "街道")
    page.wait_for_function(f"() => {MAP}.counts().streets === 11")
    view = page.evaluate(f"[{MAP}.map.getZoom(), {MAP}.map.getCenter().lat]")
    assert view == [13, pytest.approx(39.1, abs=1e-3)]


def test_a_click_on_a_feature_shows_its_facts_and_its_place_in_the_plan(open_page: Opener) -> None:
    page = open_page()
    wait_for_map(page)
    click_map(page, 117.4867, 39.1656)  # the middle of the lake, from public pages
    page.wait_for_function(f"() => {MAP}.selection !== null")
    panel = page.get_by_label("所选对象")
    panel.wait_for()
    said = panel.inner_text()
    assert "东丽湖" in said
    assert "规划出处" in said
    assert "示意" in said


def test_a_check_lies_over_the_map_and_its_radius_changes_the_result(open_page: Opener) -> None:
    page = open_page()
    wait_for_map(page)
    choose(page, "公交站点 500 米覆盖率")
    gaps = "evidence:stops_500m"
    page.wait_for_function(f"() => {MAP}.counts()['{gaps}'] > 0")
    before = page.locator(".pm-line").filter(has_text="合计").inner_text()
    assert "仅示意" in before
    radius = page.get_by_test_id("stNumberInput").first.locator("input")
    radius.fill("300")
    radius.press("Enter")
    page.wait_for_function(
        "before => [...document.querySelectorAll('.pm-line')]"
        ".some(e => e.innerText.includes('合计') && e.innerText !== before)",
        arg=before,
    )

    def total(text: str) -> float:
        found = re.search(r"合计 ([\d.]+)%", text)
        assert found is not None
        return float(found[1])

    after = page.locator(".pm-line").filter(has_text="合计").inner_text()
    assert total(after) < total(before)


def test_the_view_and_the_layers_outlive_a_visit_to_another_page(open_page: Opener) -> None:
    page = open_page()
    wait_for_map(page)
    toggle(page, "用地")
    page.wait_for_function(f"() => {MAP}.counts().land_cover > 0")
    move_map(page, 39.15, 117.45, 13)
    page.get_by_role("link", name="数据来源").click()
    page.get_by_text("能拿来做什么").wait_for()
    page.get_by_role("link", name="地图").click()
    page.wait_for_function(f"() => {MAP}.counts().land_cover > 0")
    assert page.evaluate(f"{MAP}.map.getZoom()") == 13


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path or "map")
def test_every_page_opens_in_both_languages_and_widths(
    open_page: Opener, path: str, lang: str, size: dict[str, int]
) -> None:
    page = open_page(f"{path}?lang={lang}", size)
    page.locator(".pm-line").first.wait_for(state="attached")
    settled(page)
    assert page.get_by_test_id("stException").count() == 0
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0  # nothing sticks out at the side


def test_using_every_control_asks_nothing_of_another_host(open_page: Opener) -> None:
    page = open_page()
    wait_for_map(page)
    plan = read_plan(GEODATA)
    for check in plan.checks.values():
        choose(page, check_title(check, "zh"))
    choose(page, "不叠加")
    for layer in load_pack(GEODATA).layers.values():  # those asked for have nothing to draw
        toggle(page, layer.spec.title.zh)
    page.get_by_role("button", name="底图").click()
    page.get_by_text("瓦片坐标系").wait_for()
    page.keyboard.press("Escape")
    page.get_by_label("量距离和面积").click()
    page.keyboard.press("Escape")
    page.get_by_role("link", name="目标检查").click()
    for number in range(len(plan.checks)):
        page.get_by_role("button", name="详情").nth(number).click()
        page.get_by_text("所用数据", exact=True).wait_for()
        page.get_by_role("button", name="详情").nth(number).click()
        # One definition may have to be worked out to its end before the click is heard.
        page.get_by_text("所用数据", exact=True).wait_for(state="detached", timeout=60_000)


OVERLAPPING = """() => {
  const overlapping = [];
  for (const line of document.querySelectorAll('.st-key-check-list .pm-check')) {
    const button = line.closest('[class*="st-key-check-"]').querySelector('button p');
    const cells = [...line.children].map((cell) => {
      const range = document.createRange();
      range.selectNodeContents(cell);
      return range.getBoundingClientRect();
    });
    const boxes = [...cells, button.getBoundingClientRect()].filter((box) => box.width > 0);
    boxes.forEach((a, number) => boxes.slice(number + 1).forEach((b) => {
      if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1
        && b.top < a.bottom - 1) overlapping.push(line.innerText);
    }));
  }
  return overlapping;
}"""


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_nothing_overlaps_in_the_lines_of_targets(
    open_page: Opener, lang: str, size: dict[str, int]
) -> None:
    page = open_page(f"checks?lang={lang}", size)
    # A line and its button arrive one after the other, and their number tells when all have come.
    page.wait_for_function(
        "(count) => ['.pm-check', '[class*=st-key-check-] button p'].every((part) =>"
        " document.querySelectorAll('.st-key-check-list ' + part).length === count)",
        arg=len(read_plan(GEODATA).checks),
    )
    settled(page)
    assert page.evaluate(OVERLAPPING) == []


def test_targets_are_filtered_and_one_is_looked_into(open_page: Opener, tmp_path: Path) -> None:
    page = open_page("checks")
    lines = page.locator(".st-key-check-list .pm-check")
    lines.first.wait_for()
    settled(page)  # a list that is open closes where the page is still being drawn
    page.get_by_test_id("stSelectbox").first.locator("input").click()
    page.get_by_role("option", name="第九章", exact=True).click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.pm-check-what')]"
        ".every(e => e.innerText.includes('第九章'))"
    )
    settled(page)
    page.locator(".pm-check-what").filter(has_text="一级管控区蓝绿空间占比").first.click(force=True)
    page.get_by_text("误差来源", exact=True).wait_for()
    table = page.locator(".pm-definitions")
    table.wait_for(timeout=60_000)
    assert table.get_by_text("默认口径").count() == 1
    assert "口径 A" in table.inner_text()
    wait_for_map(page, "evidence-blue_green_tier1")
    page.get_by_role("button", name="清除筛选").click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.pm-check-what')]"
        ".some(e => e.innerText.includes('第七章'))"
    )
    settled(page)
    definitions = pd.read_csv(save(page, "下载口径对照表", tmp_path), encoding="utf-8-sig")
    assert len(definitions) == table.locator("tbody tr").count()
    record = json.loads(save(page, "运行记录", tmp_path).read_text(encoding="utf-8"))
    assert len(record["results"]) == len(read_plan(GEODATA).checks)


def save(page: Page, button: str, folder: Path) -> Path:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button).first.click()
    download: Download = waiting.value
    path = folder / download.suggested_filename
    download.save_as(path)
    return path


def test_the_downloaded_map_opens_by_itself_and_loads_nothing(
    open_page: Opener, browser: Browser, tmp_path: Path
) -> None:
    page = open_page()
    wait_for_map(page)
    path = save(page, "下载地图", tmp_path)
    alone = browser.new_page()
    asked: list[str] = []
    alone.on("request", lambda request: asked.append(request.url))
    alone.goto(path.as_uri())
    alone.wait_for_selector(".leaflet-container")
    assert "示意数据" in alone.locator(".pm-title").inner_text()
    assert [url for url in asked if not url.startswith(("data:", "blob:"))] == [path.as_uri()]
    assert alone.evaluate("typeof L.map") == "function"
    alone.close()


def test_zone_tables_download_with_one_row_per_zone(open_page: Opener, tmp_path: Path) -> None:
    page = open_page("zones")
    page.get_by_role("button", name="下载", exact=True).click()
    table = pd.read_csv(save(page, "CSV 表格", tmp_path), encoding="utf-8-sig")
    assert len(table) == 11
    assert "面积（m²）" in table.columns
    assert table["面积（m²）"].sum() == pytest.approx(476.22e6, abs=0.05e6)
    sheet = pd.read_excel(save(page, "Excel 表格", tmp_path))
    assert sheet["面积（m²）"].to_list() == pytest.approx(table["面积（m²）"].to_list())


def test_the_app_works_behind_a_path(
    open_page: Opener, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with serve(tmp_path_factory.mktemp("base"), "--server.baseUrlPath=plan/dongli") as under:
        page = open_page("", base=under.url)
        wait_for_map(page)
        assert page.evaluate(f"{MAP}.counts()").get("streets") == 11
        page.get_by_role("link", name="分区统计").click()
        page.get_by_test_id("stDataFrame").first.wait_for()
        assert "/plan/dongli/" in page.url


def test_a_broken_pack_is_explained_on_the_page(
    open_page: Opener, tmp_path_factory: pytest.TempPathFactory
) -> None:
    broken = tmp_path_factory.mktemp("broken")
    (broken / "layers.toml").write_text("[pack\n", encoding="utf-8")
    with serve(tmp_path_factory.mktemp("server"), pack=broken) as server:
        page = open_page("", base=server.url)
        page.get_by_text("layers.toml: not valid TOML").wait_for()
        assert page.get_by_text("plan.toml: no such file").count() == 1


PRESETS = ("空间结构", "产业布局", "生态屏障", "公交覆盖", "项目")
VIEWS = ((39.08, 117.33), (39.16, 117.45), (39.05, 117.45))  # west, north-east, south-east
LEAST_LABELLED = 0.8
NAMES_SHOWN = """() => {
  const { labels, canvas } = window.__planmap.map;
  const origin = canvas.getBoundingClientRect();
  const boxes = [...labels.pane.children].map((name) => {
    const box = name.getBoundingClientRect();
    return [box.left - origin.left, box.top - origin.top, box.right - origin.left,
      box.bottom - origin.top];
  });
  const texts = new Set([...labels.pane.children].map((name) => name.innerText));
  const wanted = labels.wanted().map((item) => item.text);
  return { boxes, wanted: wanted.length, shown: wanted.filter((text) => texts.has(text)).length };
}"""


def preset(page: Page, name: str) -> None:
    page.get_by_test_id("stMain").get_by_text(name, exact=True).first.click()
    settled(page)
    wait_for_map(page)


def overlapping(boxes: list[list[float]]) -> int:
    return sum(
        a[0] < b[2] - 1 and b[0] < a[2] - 1 and a[1] < b[3] - 1 and b[1] < a[3] - 1
        for number, a in enumerate(boxes)
        for b in boxes[number + 1 :]
    )


def test_names_never_overlap_and_most_features_have_one(open_page: Opener) -> None:
    page = open_page()
    wait_for_map(page)
    for name in PRESETS:
        if name != PRESETS[0]:  # the map opens with it, and a second click would do nothing
            preset(page, name)
        wanted = shown = 0
        for zoom in (11, 12, 13, 14):
            for center in VIEWS:
                move_map(page, *center, zoom)
                page.wait_for_timeout(120)
                found = page.evaluate(NAMES_SHOWN)
                assert overlapping(found["boxes"]) == 0, (name, zoom, center)
                if zoom == 13:
                    wanted, shown = wanted + found["wanted"], shown + found["shown"]
        assert shown >= LEAST_LABELLED * wanted, (name, shown, wanted)


def test_a_preset_shows_just_its_layers(open_page: Opener) -> None:
    page = open_page()
    wait_for_map(page)
    preset(page, "产业布局")
    page.wait_for_function(f"() => {MAP}.counts().industry_layout === 4")
    shown = page.evaluate(f"{MAP}.counts()")
    catalogue = load_pack(GEODATA).catalogue
    wanted = next(p for p in catalogue.pack.presets.values() if p.title.zh == "产业布局")
    assert set(shown) == set(wanted.layers)


def test_a_place_is_found_by_its_initials_and_its_layer_comes_on(open_page: Opener) -> None:
    page = open_page()
    wait_for_map(page)
    box = page.get_by_label("找地点、项目")
    box.fill("wbhbz")
    page.get_by_role("option").first.wait_for()
    assert "务本河泵站" in page.get_by_role("option").first.inner_text()
    box.press("Enter")
    page.wait_for_function(f"() => {MAP}.selection?.title.includes('务本河泵站')")
    page.wait_for_function(f"() => {MAP}.counts().utility_projects === 4")
    said = page.get_by_label("所选对象").inner_text()
    assert "这一点位于" in said
    assert "管控区" in said  # which tier it lies in
    assert "10.61" in said  # as the plan states it


def test_a_shared_address_opens_the_same_view_in_a_new_browser(open_page: Opener) -> None:
    page = open_page()
    wait_for_map(page)
    preset(page, "生态屏障")
    choose(page, "一级管控区蓝绿空间占比")
    move_map(page, 39.12, 117.45, 12.5)
    click_map(page, 117.44, 39.11)
    page.wait_for_function(f"() => {MAP}.selection !== null")
    page.wait_for_function("() => location.search.includes('sel=')")
    page.wait_for_timeout(600)
    before = page.evaluate(f"[{MAP}.map.getZoom(), {MAP}.map.getCenter(), {MAP}.selection.title]")
    layers = page.evaluate(f"{MAP}.counts()")
    address = page.url.split("/", 3)[3]

    other = open_page(address)
    wait_for_map(other)
    other.wait_for_function(f"() => {MAP}.selection !== null")
    after = other.evaluate(f"[{MAP}.map.getZoom(), {MAP}.map.getCenter(), {MAP}.selection.title]")
    assert other.evaluate(f"{MAP}.counts()") == layers
    assert after[0] == before[0]
    assert after[1]["lat"] == pytest.approx(before[1]["lat"], abs=1e-4)
    assert after[1]["lng"] == pytest.approx(before[1]["lng"], abs=1e-4)
    assert after[2] == before[2]


def test_a_form_of_yearly_values_is_taken_and_a_wrong_one_explained(
    open_page: Opener, tmp_path: Path
) -> None:
    page = open_page("indicators")
    page.get_by_role("button", name="装入填好的表").click()
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("编号,2021,2025\n24,42.7,43.2\n", encoding="gb18030")
    bad.write_text("编号,2021\n24,高\n", encoding="utf-8")
    page.locator("input[type=file]").set_input_files(good)
    page.get_by_text("已装入 1 项指标的数值").wait_for()
    assert page.locator(".pm-count.met b").inner_text() == "1"
    page.locator("input[type=file]").set_input_files(bad)
    page.get_by_text("2021 年是“高”，不是数字").wait_for()
    page.get_by_text("已装入 1 项指标的数值").wait_for()  # what was there stays


def test_the_first_setting_of_a_browser_is_there_after_a_reload(open_page: Opener) -> None:
    page = open_page("checks")
    page.locator(".pm-check", has_text="一级管控区内的其他项目").wait_for()
    page.locator(".st-key-check-row-tier1_projects button").click()
    width = page.get_by_role("spinbutton", name="小于此宽度不算占用（米）", exact=True)
    width.fill("2")
    width.press("Enter")
    page.wait_for_function("() => document.cookie.includes('planmap_token')")
    page.reload()
    page.get_by_text("已改口径").first.wait_for()


def test_one_press_goes_back_from_the_map_to_the_targets(open_page: Opener) -> None:
    page = open_page("checks?lang=en")
    page.locator(".st-key-check-row-stops_500m button").click()
    radius = page.get_by_role("spinbutton", name="Radius (m)", exact=True)
    radius.fill("300")
    radius.press("Enter")
    page.get_by_role("button", name="Show on the map").click(timeout=60_000)
    wait_for_map(page)
    page.wait_for_function("() => location.search.includes('radius_m=300')")
    page.wait_for_function("() => location.search.includes('view=')")
    page.wait_for_function("() => location.search.includes('lang=en')")
    page.go_back()
    page.locator(".st-key-check-open-stops_500m").wait_for()
    assert urlsplit(page.url).path == "/checks"


def test_choices_are_shown_in_the_language_that_is_chosen(open_page: Opener) -> None:
    page = open_page("checks")
    page.locator(".st-key-check-list .pm-check").first.wait_for()
    chapters = page.locator(".st-key-checks-place input")
    assert chapters.input_value() == "全部章节"
    page.get_by_text("English", exact=True).click()
    page.wait_for_function(
        "() => document.querySelector('.st-key-checks-place input').value === 'All chapters'"
    )
    assert page.locator(".st-key-checks-group input").input_value() == "All targets"
    page.get_by_text("中文", exact=True).click()
    page.wait_for_function(
        "() => document.querySelector('.st-key-checks-place input').value === '全部章节'"
    )


def test_a_chip_is_as_wide_as_its_words(open_page: Opener) -> None:
    page = open_page("?check=stops_500m&radius_m=300")
    page.locator(".st-key-pm-link").get_by_text("链接用的是 300").wait_for()
    page.get_by_role("link", name="目标检查").click()
    chip = page.locator(".pm-check-what .pm-chip").filter(has_text="已改口径")
    chip.wait_for()
    widths = chip.evaluate(
        "(chip) => [chip, chip.parentElement].map((one) => one.getBoundingClientRect().width)"
    )
    assert widths[0] < 8 * 16  # four characters and some room
    assert widths[0] < widths[1] / 2


def test_a_target_that_is_open_is_in_the_address_with_what_it_is_measured_by(
    open_page: Opener,
) -> None:
    page = open_page("checks?check=convenience_15min&radius_m=700")
    page.get_by_text("规划要求", exact=True).wait_for()
    settled(page)
    page.get_by_text("链接用的是 700").first.wait_for()
    page.locator(".pm-check-what").filter(has_text="生态屏障游览路长度").first.click(force=True)
    page.wait_for_function("() => location.search.includes('check=tour_road_length')")
    assert "radius_m" not in page.evaluate("location.search")
    page.reload()
    page.locator('[class*="st-key-check-open-tour_road_length"]').wait_for()
