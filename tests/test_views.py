"""What the pages say, without a browser."""

from itertools import combinations
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from layers.catalogue import LayerSpec, read_catalogue
from spatial import open_pack
from tests.colour import VISIONS, Lab, ciede2000, lab, over_white
from views.chips import unmarked
from views.facts import feature_selection
from views.leaflet import Hit
from views.search import entries
from views.session import Opened
from views.text import Words

REPOSITORY = Path(__file__).resolve().parent.parent
GEODATA = REPOSITORY / "geodata"
CATALOGUE = read_catalogue(GEODATA)
DELIVERED = [layer.id for layer in CATALOGUE.layers.values() if layer.file]
ALIKE = 10.0  # CIEDE2000 from which two legend entries are told apart at a glance


@pytest.fixture(scope="module")
def opened() -> Opened:
    return Opened(*open_pack(GEODATA), "test")


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("layer", DELIVERED)
def test_every_feature_shows_its_citation_in_one_click(
    opened: Opened, layer: str, lang: str
) -> None:
    title = CATALOGUE.layers[layer].title_of("cite").in_(lang)  # type: ignore[arg-type]
    for feature in opened.pack.layers[layer].frame.index:
        words = Words(lang)  # type: ignore[arg-type]
        said = feature_selection(opened.pack, Hit(layer, str(feature)), (39.1, 117.4), words)
        assert said is not None
        rows = {row.label: row.value for row in said.rows}
        assert rows[title].strip()
        assert said.title.strip()
        assert said.badges


def test_features_are_found_by_name_initials_and_english(opened: Opened) -> None:
    found = {entry["name"]: entry for entry in entries(opened.pack)}
    assert found["东丽湖"]["initials"] == "dlh"
    assert found["金桥街"]["initials"] == "jqj"
    assert found["军粮城北站"]["initials"].startswith("jlcbz")
    assert all(entry["name_en"] for entry in found.values())


def test_search_entries_lie_where_the_features_lie(opened: Opened) -> None:
    lake = next(e for e in entries(opened.pack) if e["name"] == "东丽湖")
    (south, west), (north, east) = lake["bounds"]
    assert south < lake["at"][0] < north
    assert west < lake["at"][1] < east
    assert lake["at"] == pytest.approx([39.1656, 117.4867], abs=0.02)  # from public pages


def legend_colours(spec: LayerSpec) -> list[tuple[str, str]]:
    """Label and colour of each legend entry: its fill, or its line where it has none."""
    style = spec.style
    found = []
    for entry in style.classes or (None,):
        fill = (entry.fill if entry else None) or style.fill
        line = (entry.line if entry else None) or style.line
        label = entry.title.zh if entry else spec.title.zh
        outline = spec.geometry == "line" or (style.fill_opacity == 0 and not style.hatch)
        found.append((label, line if outline else f"{fill}@{style.fill_opacity}"))
    return found


def displayed(colour: str) -> tuple[str, float]:
    fill, _, opacity = colour.partition("@")
    return fill, float(opacity or 1)


@pytest.mark.parametrize("vision", list(VISIONS))
@pytest.mark.parametrize("preset", list(CATALOGUE.pack.presets))
def test_legend_entries_of_a_preset_are_told_apart(preset: str, vision: str) -> None:
    entries_: list[tuple[str, Lab]] = [
        (label, lab(over_white(*displayed(colour)), vision))
        for layer in CATALOGUE.pack.presets[preset].layers
        for label, colour in legend_colours(CATALOGUE.layers[layer])
    ]
    alike = {
        (one, other): round(difference, 1)
        for (one, a), (other, b) in combinations(entries_, 2)
        if (difference := ciede2000(a, b)) < ALIKE
    }
    assert alike == {}


# Pairs published by Sharma, Wu & Dalal (2005), table 1.
@pytest.mark.parametrize(
    "one,other,difference",
    [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((50.0, 2.5, 0.0), (50.0, 0.0, -2.5), 4.3065),
        ((22.7233, 20.0904, -46.694), (23.0331, 14.973, -42.5619), 2.0373),
        ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_colour_difference_is_ciede2000(one: Lab, other: Lab, difference: float) -> None:
    assert ciede2000(one, other) == pytest.approx(difference, abs=1e-4)


def test_the_presets_are_those_that_people_ask_for() -> None:
    titles = [preset.title.zh for preset in CATALOGUE.pack.presets.values()]
    assert titles == ["空间结构", "产业布局", "生态屏障", "公交覆盖", "项目"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_home_page_runs_without_a_browser(lang: str) -> None:
    app = AppTest.from_file(str(REPOSITORY / "app.py"), default_timeout=60)
    app.query_params["lang"] = lang
    app.run()
    assert not app.exception
    assert [box.value for box in app.checkbox if box.key == "on.district"] == [True]


PAGE = """
import streamlit as st
from views import {page}
from views.session import current_pack
from views.text import Words

st.session_state["pages"] = {{}}
{page}.show(current_pack(), Words("{lang}"))
"""


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("page", ["checks", "zones", "indicators", "sources"])
def test_every_other_page_runs_without_a_browser(page: str, lang: str) -> None:
    app = AppTest.from_string(PAGE.format(page=page, lang=lang), default_timeout=60).run()
    assert not app.exception


def test_a_target_opens_in_depth_and_its_radius_can_be_changed_and_restored() -> None:
    app = AppTest.from_string(PAGE.format(page="checks", lang="zh"), default_timeout=60).run()
    app.button(key="open.stops_500m").click().run()
    radius = app.number_input(key="param.stops_500m.radius_m")
    assert radius.value == 500
    radius.set_value(800).run()
    assert not app.exception
    app.button(key="restore.stops_500m").click().run()
    assert app.number_input(key="param.stops_500m.radius_m").value == 500


def test_sketches_are_counted_under_indicative_only() -> None:
    app = AppTest.from_string(PAGE.format(page="checks", lang="zh"), default_timeout=60).run()
    bodies = [block.proto.body for block in app.get("html")]
    counts = next(body for body in bodies if "pm-counts" in body)
    assert '<div class="pm-count met"><b>0</b>' in counts
    assert '<div class="pm-count not_met"><b>0</b>' in counts


def test_definitions_stand_side_by_side_and_can_be_taken() -> None:
    app = AppTest.from_string(PAGE.format(page="checks", lang="zh"), default_timeout=60).run()
    app.button(key="open.blue_green_tier1").click().run()
    assert not app.exception
    tables = [table.value for table in app.dataframe if "口径" in table.value.columns]
    assert [name[:4] for name in tables[0]["口径"]] == ["口径 A", "口径 B", "口径 C"]
    classes = app.multiselect(key="param.blue_green_tier1.classes")
    assert "01" in classes.value
    app.button_group(key="variant.blue_green_tier1").set_value("A").run()
    assert not app.exception
    classes = app.multiselect(key="param.blue_green_tier1.classes")
    assert set(classes.value) == {"03", "04", "05", "14", "17"}  # A: no cropland, no orchard
    classes.set_value(["03", "17"]).run()
    assert not app.exception
    assert any("已改口径" in block.proto.body for block in app.get("html"))


def test_an_emptied_list_of_classes_falls_back_to_the_default() -> None:
    app = AppTest.from_string(PAGE.format(page="checks", lang="zh"), default_timeout=60).run()
    app.button(key="open.blue_green_tier1").click().run()
    app.multiselect(key="param.blue_green_tier1.classes").set_value([]).run()
    assert not app.exception
    assert any("没有选地类" in caption.value for caption in app.caption)


def test_a_strangers_text_is_no_markup_in_a_label() -> None:
    said = unmarked("![](http://x/y.png) **a** <b>")
    assert "](" not in said
    assert said.replace("\\", "") == "![](http://x/y.png) **a** <b>"
    assert unmarked("街道 12") == "街道 12"
