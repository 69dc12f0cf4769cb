"""What the pages say, without a browser."""

import datetime as dt
import json
import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import get_args

import geopandas as gpd
import pytest
from streamlit.testing.v1 import AppTest

from layers import LANGUAGES, Language, Pack
from layers.catalogue import LayerSpec, read_catalogue
from layers.workspace.changes import Action, Change, Kind
from spatial import Check, CheckResult, Plan, open_pack, run_checks
from spatial.measurement import Doubt, DoubtKind, DoubtMethod, Figure, Measurement, by_unit
from spatial.measures import MEASURES
from spatial.phrases import doubt_text, fact_text
from spatial.run import Comparison
from spatial.verdict import judge
from tests.colour import VISIONS, Lab, ciede2000, lab, over_white
from views.chips import unmarked
from views.definitions import how_they_differ
from views.facts import evidence_selection, feature_selection
from views.interval import Scale, interval
from views.leaflet import Hit
from views.search import entries
from views.session import PACK_VARIABLE, Opened
from views.settings import change_text, setting_title
from views.text import Words

Edit = Callable[[str, str, str], None]

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


@pytest.fixture
def checks_page(
    tiny_pack: Path, edit: Edit, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], AppTest]:
    """Open the page of targets on the tiny pack, with definitions, projects and no number."""
    edit("plan.toml", "[green]", f"{DEFINITIONS}[green]")
    edit("layers.toml", "shelters = {", f"{KIND_COLUMN}shelters = {{")
    edit("bus_stops.geojson", '"shelters": 1', '"shelters": 1, "tier1_kind": null')
    edit("bus_stops.geojson", '"shelters": 2', '"shelters": 2, "tier1_kind": null')
    plan = tiny_pack / "plan.toml"
    plan.write_text(plan.read_text(encoding="utf-8") + MORE_CHECKS, encoding="utf-8")
    monkeypatch.setenv(PACK_VARIABLE, str(tiny_pack))

    def opener() -> AppTest:
        return AppTest.from_string(PAGE.format(page="checks", lang="zh"), default_timeout=60).run()

    return opener


KIND_COLUMN = 'tier1_kind = { title = { zh = "类别", en = "Kind" } }\n'
DEFINITIONS = """
[coverage.across]
radius_m = [300, 500]
[coverage.variants.area]
title = { zh = "全部面积", en = "all of the area" }
of_plan = true
source = { zh = "导则", en = "a guide" }
[coverage.variants.metro]
title = { zh = "地铁", en = "metro" }
layers = { stops = "metro" }
[coverage.variants.near]
title = { zh = "半径 100 米", en = "100 m" }
params = { radius_m = 100 }
across = {}
[coverage.terms.stop]
zh = "站点：上下车的地方。"
en = "Stop: where people board."

"""
MORE_CHECKS = """
[projects]
title = { zh = "不允许的项目", en = "Projects not allowed" }
cite = { chapter = 9, section = 2 }
measure = "allowed_projects"
layers = { projects = "bus_stops", zones = "units" }
params = { allowed = ["农业"], kind_column = "tier1_kind" }
target = { at_most = 0, unit = "count" }
sentence = { zh = "只允许农业。", en = "Farming only." }

[water]
title = { zh = "水面占比", en = "Share of water" }
cite = { chapter = 9, section = 1 }
measure = "land_share"
layers = { land = "land", zones = "units" }
params = { classes = ["17"], class_column = "class_code" }
target = { no_number = true, unit = "share" }
sentence = { zh = "扩大水面。", en = "More water." }
"""


def page_text(app: AppTest) -> str:
    return "\n".join(block.proto.body for block in app.get("html"))


def listed(app: AppTest) -> list[str]:
    """Titles of the targets in the list, in its order."""
    return re.findall(r'pm-check-what"><b>(.*?)</b>', page_text(app))


def counted(app: AppTest) -> dict[str, int]:
    found = re.findall(r'pm-count (\w+)"><b>(\d+)</b>', page_text(app))
    return {status: int(number) for status, number in found}


def test_a_target_opens_in_depth_and_its_radius_can_be_changed_and_restored(
    checks_page: Callable[[], AppTest],
) -> None:
    app = checks_page()
    app.button(key="open.coverage").click().run()
    radius = app.number_input(key="param.coverage.radius_m")
    assert radius.value == 500
    assert "39.3%" in page_text(app)  # a disc of pi * 500² in 2 km²
    radius.set_value(400).run()
    assert not app.exception
    assert "25.1%" in page_text(app)  # pi * 400² in 2 km²
    assert "已改口径" in page_text(app)
    app.button(key="restore.coverage").click().run()
    assert app.number_input(key="param.coverage.radius_m").value == 500
    assert "已改口径" not in page_text(app)


def test_the_worst_stands_first_and_what_cannot_be_told_before_what_is_met(
    checks_page: Callable[[], AppTest],
) -> None:
    app = checks_page()
    assert listed(app) == ["站点覆盖", "地铁覆盖", "不允许的项目", "水面占比", "蓝绿占比"]
    assert counted(app) == {"met": 1, "not_met": 1, "undetermined": 3, "indicative": 0}


def test_filters_choose_by_chapter_and_verdict_and_are_cleared_at_once(
    checks_page: Callable[[], AppTest],
) -> None:
    app = checks_page()
    places = app.selectbox(key="checks.place")
    assert places.options == ["全部章节", "第七章", "第九章", "专栏12", "附件三"]
    places.set_value('{"chapter":9}').run()
    assert listed(app) == ["不允许的项目", "水面占比"]
    assert counted(app)["undetermined"] == 2
    app.button_group(key="checks.status").set_value(["met"]).run()
    assert listed(app) == []
    assert any("清除筛选" in info.value for info in app.info)
    app.button(key="checks.clear_empty").click().run()
    assert len(listed(app)) == 5
    assert not app.exception


def test_a_pack_without_sets_of_targets_has_no_filter_for_them(
    checks_page: Callable[[], AppTest],
) -> None:
    assert [box.key for box in checks_page().selectbox] == ["checks.place"]


def test_definitions_are_compared_across_radii_and_name_what_they_lack(
    checks_page: Callable[[], AppTest],
) -> None:
    app = checks_page()
    app.button(key="open.coverage").click().run()
    assert not app.exception
    table = next(body for body in page_text(app).splitlines() if "pm-definitions" in body)
    rows = [re.sub("<[^>]*>", " ", row) for row in re.findall("<tr>.*?</tr>", table)]
    assert "300" in rows[1]
    assert "500（规划）" in rows[1]
    first, metro, near = rows[2:]
    assert re.search("全部面积 .*默认口径 .*14.1%.*39.3%.*不够.*导则", first)
    assert "缺数据：地铁站" in metro
    assert re.search(r"1.57%", near)  # pi * 100² in 2 km²
    assert any("口径对照" in button.proto.label for button in app.get("download_button"))
    assert "当前" not in rows[1]
    app.number_input(key="param.coverage.radius_m").set_value(300).run()
    table = next(body for body in page_text(app).splitlines() if "pm-definitions" in body)
    heads = re.findall(r"<th[^>]*>([^<]*)", table)
    assert "300（当前）" in heads
    assert "500（规划）" in heads
    assert "与目标相比（按规划的 500）" in heads
    assert table.count('class="pm-now"') == 2  # its title, and the one definition across radii


def test_it_is_said_how_many_definitions_agree_and_which_do_not(
    embedded: tuple[Pack, Plan],
) -> None:
    own = embedded[1].checks["stops_500m"]
    a, b, c, *_ = own.variants
    enough = Figure(1.0, 1.0, 1.0, 1.0, 1.0)
    short = Figure(0.5, 0.5, 1.0, 0.5, 0.5)

    def said(shares: dict[str, Figure], lang: Language = "zh") -> str:
        return how_they_differ(
            own, [Comparison(n, 500.0, _result(own, one)) for n, one in shares.items()], Words(lang)
        )

    title = own.variants[c].title
    assert said({a: enough, b: enough}) == ""
    assert said({}) == ""
    assert said({a: short, b: short, c: enough}) == f"3 个口径中 2 个不够，“{title.zh}”则够"
    assert said({a: short, b: short, c: enough}, "en") == (
        f"2 of 3 definitions say “not enough”; “enough” by “{title.en}”"
    )


def test_units_and_places_are_looked_at_by_another_definition_and_the_verdict_stays(
    checks_page: Callable[[], AppTest],
) -> None:
    app = checks_page()
    app.button(key="open.coverage").click().run()

    def shares() -> list[float]:
        frames = (one.value for one in app.dataframe if "单元" in one.value)
        return sorted(float(value) for value in next(frames)["指标值（%）"])

    before = counted(app)
    assert shares() == pytest.approx([39.3, 39.3], abs=0.05)  # a disc of pi * 500² in 2 km²
    app.selectbox(key="look.coverage").set_value("near").run()
    assert not app.exception
    assert shares() == pytest.approx([1.57, 1.57], abs=0.005)  # pi * 100² in 2 km²
    assert counted(app) == before
    app.selectbox(key="look.coverage").set_value("metro").run()  # whose layer is not there
    assert not app.exception


def test_a_target_of_ones_own_is_compared_and_marked_as_such(
    checks_page: Callable[[], AppTest],
) -> None:
    app = checks_page()
    app.button(key="open.water").click().run()
    assert "规划未定数值" in page_text(app)
    app.number_input(key="limit_shown.water").set_value(20.0).run()
    assert not app.exception
    assert app.session_state["limit.water"] == pytest.approx(0.2)
    assert "（自设，规划未定）" in page_text(app)
    assert "不低于 20%" in page_text(app)
    assert counted(app)["met"] == 2  # a quarter of the pack is water
    assert "已改口径" not in page_text(app)  # the share is still measured as the plan has it
    app.number_input(key="limit_shown.water").set_value(None).run()
    assert "（自设，规划未定）" not in page_text(app)


def test_going_back_to_the_default_leaves_judgements_samples_and_own_targets_alone(
    checks_page: Callable[[], AppTest],
) -> None:
    judged = {"S1": {"kind": "农业", "reason": "现场为苗圃"}}
    found: dict[str, dict[str, object]] = {
        "projects": {"param.projects.overrides": judged},
        "water": {"limit.water": 0.2, "param.water.matrix": [[30.0, 2.0], [1.0, 40.0]]},
    }
    changed: dict[str, dict[str, object]] = {
        "projects": {"param.projects.least_m2": 5.0},
        "water": {"param.water.classes": ["17", "03"]},
    }
    for check, own in found.items():
        app = checks_page()
        for key, value in {**own, **changed[check]}.items():
            app.session_state[key] = value
        app.button(key=f"open.{check}").click().run()
        assert "已改口径" in page_text(app)
        app.button(key=f"restore.{check}").click().run()
        assert not app.exception
        assert "已改口径" not in page_text(app)
        assert {key: app.session_state[key] for key in own} == own
        assert f"restore.{check}" not in {button.key for button in app.button}


def test_judgements_and_samples_have_a_mark_of_their_own(
    checks_page: Callable[[], AppTest],
) -> None:
    app = checks_page()
    judged = {one: {"kind": "农业", "reason": "现场为苗圃"} for one in ("S1", "S2")}
    app.session_state["param.projects.overrides"] = judged
    app.button(key="open.projects").click().run()
    assert "规划人员认定 2 项" in page_text(app)
    app.session_state["param.water.matrix"] = [[30.0, 2.0], [1.0, 40.0]]
    app.button(key="open.water").click().run()
    assert "按抽样验证订正" in page_text(app)
    assert "已改口径" not in page_text(app)


def test_a_planner_sets_the_kind_of_a_project_with_a_reason_and_takes_it_back(
    checks_page: Callable[[], AppTest],
) -> None:
    app = checks_page()
    app.button(key="open.projects").click().run()
    assert "类别不明的项目 2 个" in page_text(app)
    submit = next(b for b in app.button if b.label == "认定")
    app.selectbox(key="override.projects.project").select("S1")
    app.selectbox(key="override.projects.kind").select("农业")
    submit.click().run()
    assert any("写明理由" in warning.value for warning in app.warning)
    app.text_input(key="override.projects.reason").set_value("现场为苗圃")
    next(b for b in app.button if b.label == "认定").click().run()
    assert not app.exception
    assert app.session_state["param.projects.overrides"] == {
        "S1": {"kind": "农业", "reason": "现场为苗圃"}
    }
    assert "现场为苗圃" in page_text(app)
    assert "类别不明的项目 1 个" in page_text(app)
    app.button(key="override.remove.projects.S1").click().run()
    assert "类别不明的项目 2 个" in page_text(app)


SETTINGS = """
import streamlit as st
from views.session import current_pack
from views.settings import _current

st.session_state["limit.water"] = 0.2
st.session_state["param.projects.overrides"] = {"S1": {"kind": "农业", "reason": "苗圃"}}
st.session_state["param.coverage.radius_m"] = 500.0
st.json(_current(current_pack()))
"""


def test_own_targets_and_judgements_are_kept_in_the_workspace_and_defaults_are_not(
    checks_page: Callable[[], AppTest],
) -> None:
    checks_page()
    kept = json.loads(AppTest.from_string(SETTINGS, default_timeout=60).run().json[0].value)
    assert kept == {
        "limit.water": 0.2,
        "param.projects.overrides": {"S1": {"kind": "农业", "reason": "苗圃"}},
    }


def test_sketches_are_counted_under_indicative_only() -> None:
    app = AppTest.from_string(PAGE.format(page="checks", lang="zh"), default_timeout=60).run()
    bodies = [block.proto.body for block in app.get("html")]
    counts = next(body for body in bodies if "pm-counts" in body)
    assert '<div class="pm-count met"><b>0</b>' in counts
    assert '<div class="pm-count not_met"><b>0</b>' in counts


def test_definitions_stand_side_by_side_and_can_be_taken() -> None:
    app = AppTest.from_string(PAGE.format(page="checks", lang="zh"), default_timeout=120).run()
    app.button(key="open.blue_green_tier1").click().run()
    assert not app.exception
    table = next(body for body in page_text(app).splitlines() if "pm-definitions" in body)
    titles = re.findall(r"<tr><td><b>(口径 .)", table)
    assert list(dict.fromkeys(titles)) == ["口径 A", "口径 B", "口径 C"]
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


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("measure", list(MEASURES))
def test_every_parameter_of_a_measure_has_a_name(measure: str, lang: Language) -> None:
    fields = MEASURES[measure].params.model_fields
    named = {name: Words(lang).or_bare(f"params.{name}") for name in fields}
    assert [name for name, said in named.items() if said == name or not said.strip()] == []


def test_changes_are_told_in_the_words_of_a_planner(opened: Opened) -> None:
    words = Words("zh")

    def told(item: str, action: Action, kind: Kind = "setting") -> str:
        when = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        change = Change(1, kind, item, action, "present", None, None, when, "")
        what = setting_title(opened, item, words) if kind == "setting" else item
        return f"{change_text(change, words)} {what}"

    radius, judged = "param.stops_500m.radius_m", "param.tier1_projects.overrides"
    assert told(radius, "saved") == "修改 “公交站点 500 米覆盖率”的半径（米）"
    assert told(radius, "removed") == "恢复默认 “公交站点 500 米覆盖率”的半径（米）"
    assert told(judged, "saved") == "认定 “一级管控区内的其他项目”的项目类别"
    assert told(judged, "removed") == "撤销认定 “一级管控区内的其他项目”的项目类别"
    assert told(judged, "undone").startswith("撤销 ")
    assert told("公交站点", "saved", "layer") == "载入 公交站点"


LABELS = """
import streamlit as st
from views import checks, indicators, map_page
from views.session import current_pack
from views.text import Words

st.session_state.setdefault("pages", dict())
{page}.show(current_pack(), Words(st.session_state.get("spoken", "zh")))
"""


def test_a_choice_is_named_anew_when_the_language_changes(
    checks_page: Callable[[], AppTest],
) -> None:
    checks_page()  # sets the pack
    app = AppTest.from_string(LABELS.format(page="checks"), default_timeout=60).run()
    app.button(key="open.coverage").click().run()
    app.selectbox(key="checks.place").set_value('{"chapter":7}').run()
    app.session_state["spoken"] = "en"
    app.run()
    shown = {key: app.selectbox(key=key) for key in ("checks.place", "look.coverage")}
    assert {key: box.proto.raw_value for key, box in shown.items() if box.proto.set_value} == {
        "checks.place": "Ch. 7",
        "look.coverage": "the one in force",
    }
    assert shown["checks.place"].value == '{"chapter":7}'
    app.run()  # and is left alone afterwards, or a quick choice would be lost
    assert not app.selectbox(key="checks.place").proto.set_value


def test_the_target_laid_over_the_map_is_named_with_the_radius_in_force() -> None:
    app = AppTest.from_string(LABELS.format(page="map_page"), default_timeout=60).run()
    app.selectbox(key="map.overlay").set_value("stops_500m").run()
    app.number_input(key="param.stops_500m.radius_m").set_value(300).run()
    assert not app.exception
    box = app.selectbox(key="map.overlay")
    assert (box.value, box.proto.raw_value) == ("stops_500m", "公交站点 300 米覆盖率")
    said = next(body for body in page_text(app).splitlines() if "公交站点 300 米覆盖率" in body)
    assert "规划的是“公交站点 500 米覆盖率”" in said


def test_counts_in_english_stand_in_narrow_brackets() -> None:
    app = AppTest.from_string(PAGE.format(page="indicators", lang="en"), default_timeout=60).run()
    titles = [one.label for one in app.expander]
    assert len(titles) == 2
    assert all(re.search(r" \(\d+\)$", title) for title in titles)


@pytest.fixture(scope="module")
def results(embedded: tuple[Pack, Plan]) -> tuple[CheckResult, ...]:
    return run_checks(*embedded)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_place_that_speaks_against_a_target_is_told_in_words(
    embedded: tuple[Pack, Plan], results: tuple[CheckResult, ...], lang: Language
) -> None:
    for result in results:
        if result.measured is None or result.measured.evidence.empty:
            continue
        hit = Hit(f"evidence:{result.check.id}", "1")
        said = evidence_selection(embedded[0], result, hit, (39.1, 117.4), Words(lang))
        assert said is not None
        rows = {row.label: row.value for row in said.rows}
        assert ("居民（人）" if lang == "zh" else "Residents") in rows or (
            "people" not in result.measured.evidence
        )
        if lang == "zh":
            assert not re.search("[A-Z]{2}-[0-9]|_", " ".join(rows.values()))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_doubt_and_fact_of_the_plans_results_has_words(
    embedded: tuple[Pack, Plan], results: tuple[CheckResult, ...], lang: Language
) -> None:
    pack, plan = embedded
    for kind in get_args(DoubtKind):
        for method in get_args(DoubtMethod):
            doubt = Doubt(kind, method, 0.1, 0.2, {"draws": 20.0})
            assert doubt_text(pack, next(iter(plan.checks.values())), doubt, lang)
    for result in results:
        if result.measured is not None:
            lacking = [n for n, v in result.measured.facts.items() if not fact_text(n, v, lang)]
            assert lacking == []


def test_a_doubt_names_its_layers_with_their_accuracy(embedded: tuple[Pack, Plan]) -> None:
    pack, plan = embedded
    doubt = Doubt("position", "band", 0.2, 0.6, {"stops": 30.0, "units": 50.0})
    said = doubt_text(pack, plan.checks["stops_500m"], doubt, "zh")
    assert said.startswith("位置误差（解析带")
    assert "20% 到 60%" in said
    assert said.endswith("公交站点最差 ±30 米、街道最差 ±50 米")


def share_check(embedded: tuple[Pack, Plan]) -> Check:
    return embedded[1].checks["blue_green_tier1"]


def test_a_scale_of_shares_ends_at_one_and_others_a_little_beyond_their_marks(
    embedded: tuple[Pack, Plan],
) -> None:
    share = share_check(embedded)
    assert Scale.of(share, Figure(0.2, 1, 5, 0.1, 0.3)).end == 1
    length = embedded[1].checks["tour_road_length"]  # at least 49.4 km
    assert Scale.of(length, Figure(40e3, 40e3, None, 40e3, 57e3)).end == 60e3
    far = Scale.of(length, Figure(40e3, 40e3, None, 0.0, 1e9))  # not as far as the range goes
    assert far.end == 150e3
    assert far.at(75e3) == "50.00%"
    assert far.at(1e9) == "100.00%"


def test_a_range_that_leaves_all_open_looks_so(embedded: tuple[Pack, Plan]) -> None:
    check = share_check(embedded)
    drawn = {
        high: interval(_result(check, Figure(0.5, 1, 2, 0.02, high)), Words("zh"))
        for high in (0.6, 1.0)
    }
    assert "pm-vacuous" in drawn[1.0]
    assert "pm-vacuous" not in drawn[0.6]
    assert 'aria-label="指标值 50%，可能在 2%–60% 之间；目标：不低于 85%"' in drawn[0.6]


def test_a_range_with_an_open_end_is_drawn_to_the_end_of_the_scale(
    embedded: tuple[Pack, Plan],
) -> None:
    length = embedded[1].checks["tour_road_length"]  # at least 49.4 km
    more = Figure(40e3, 40e3, None, 40e3, None)
    assert Scale.of(length, more).end == 150e3  # three times the target at most
    assert Scale.of(length, Figure(0.0, 0.0, None, 0.0, None)).end == 150e3
    drawn = interval(_result(length, more), Words("zh"))
    assert "right:calc(100% - 100.00%)" in drawn
    assert "pm-further" in drawn
    assert 'aria-label="指标值 40 km（不少于 40 km）；目标：不低于 49.4 km"' in drawn


def _result(check: Check, whole: Figure) -> CheckResult:
    nowhere = gpd.GeoDataFrame({"area_m2": []}, geometry=[], crs="EPSG:4548")
    return judge(check, Measurement(by_unit([], []), whole, nowhere), "official")


def test_a_strangers_text_is_no_markup_in_a_label() -> None:
    said = unmarked("![](http://x/y.png) **a** <b>")
    assert "](" not in said
    assert said.replace("\\", "") == "![](http://x/y.png) **a** <b>"
    assert unmarked("街道 12") == "街道 12"
