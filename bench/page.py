"""How long a planner waits: the first map, a layer's toggle, a click until its facts are there.

`python run.py bench page`. A server of the app and a headless Chromium, Chrome or Edge on this
machine; each time is taken in a fresh browser page, from the click or the address to the moment
when the browser shows the answer. The first start of the server is not part of it.
"""

import os
import re
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from layers import load_pack
from tests.server import ROOT, serve

ROUNDS = 5
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
MAP = "window.__planmap.map"
POLL = 10  # milliseconds between two looks at the page


def wait(page: Page, condition: str) -> None:
    """Wait until a condition holds in the page."""
    page.wait_for_function(f"() => {condition}", polling=POLL)


def idle(page: Page) -> None:
    """Wait until the server has finished the page."""
    page.wait_for_timeout(300)
    wait(page, "!document.querySelector('[data-test-script-state=running]')")


def first_map(page: Page, url: str) -> float:
    """Time from the address to a map that has drawn its layers."""
    start = time.perf_counter()
    page.goto(url)
    wait(page, "window.__planmap?.map?.ready === true")
    return time.perf_counter() - start


def toggle(page: Page, title: str, layer: str) -> float:
    """Time from a click in the layer tree until the layer is gone from the map."""
    row = page.get_by_test_id("stCheckbox").filter(has_text=re.compile(rf"^\s*{title}\s"))
    label = row.locator("label")
    label.scroll_into_view_if_needed()
    box = label.bounding_box()
    if box is None:
        raise SystemExit(f"layer '{title}' is not in the tree")
    start = time.perf_counter()
    page.mouse.click(box["x"] + 8, box["y"] + box["height"] / 2)
    wait(page, f"!({MAP}.counts().{layer} > 0)")
    return time.perf_counter() - start


def click(page: Page, lon: float, lat: float) -> float:
    """Time from a click on the map until the server's facts stand in the panel."""
    x, y = page.evaluate(
        f"([lon, lat]) => {{ const m = {MAP}.map, p = m.latLngToContainerPoint([lat, lon]);"
        " const r = m.getContainer().getBoundingClientRect(); return [r.x + p.x, r.y + p.y]; }",
        [lon, lat],
    )
    start = time.perf_counter()
    page.mouse.click(x, y)
    wait(page, f"{MAP}.selection !== null")
    page.get_by_label("所选对象").wait_for()
    return time.perf_counter() - start


def measure(browser: Browser, url: str) -> tuple[list[float], list[float], list[float]]:
    """Take each time in a few fresh pages."""
    pack = load_pack(ROOT / "geodata")
    visible = [layer.spec for layer in pack.layers.values() if layer.spec.style.visible]
    spec = next(spec for spec in reversed(visible) if spec.id != pack.catalogue.pack.area)
    area = pack.layers[pack.catalogue.pack.area].frame
    inside = area.representative_point().to_crs("OGC:CRS84").iloc[0]
    first: list[float] = []
    toggled: list[float] = []
    clicked: list[float] = []
    for number in range(ROUNDS + 1):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        times = [first_map(page, url)]
        idle(page)
        times.append(click(page, inside.x, inside.y))
        idle(page)
        times.append(toggle(page, spec.title.zh, spec.id))
        context.close()
        if number:  # the first round warms the server's caches
            for kept, spent in zip((first, clicked, toggled), times, strict=True):
                kept.append(spent)
    return first, toggled, clicked


def main() -> None:
    """Print one row per kind of waiting."""
    found = os.environ.get("PLANMAP_BROWSER") or next(
        filter(None, map(shutil.which, BROWSERS)), None
    )
    if found is None:
        raise SystemExit("no Chromium, Chrome or Edge on this machine")
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(Path(folder)) as server,
        sync_playwright() as playwright,
    ):
        flags = ["--headless", "--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=found, args=flags)
        times = measure(browser, server.url)
        browser.close()
    print(f"Seconds in the browser, {ROUNDS} fresh pages each\n")
    print(f"{'wait':<30} {'median':>8} {'least':>8} {'most':>8}")
    for name, spent in zip(("first map", "layer toggle", "click to facts"), times, strict=True):
        middle = statistics.median(spent)
        print(f"{name:<30} {middle:>8.2f} {min(spent):>8.2f} {max(spent):>8.2f}")


if __name__ == "__main__":
    main()
