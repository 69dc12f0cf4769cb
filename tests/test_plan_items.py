"""Everything that the plan places is on the map; names and figures here are typed from the plan."""

import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from layers import Pack, load_pack

GEODATA = Path(__file__).resolve().parents[1] / "geodata"
INDICATORS = tomllib.loads((GEODATA / "indicators.toml").read_text(encoding="utf-8"))

# What must stand in the name of a feature; empty where the plan names no place.
NAMED: Mapping[str, tuple[str, ...]] = {
    "district": ("东丽区",),
    "streets": (
        *("万新", "华明", "金钟", "新立", "军粮城", "无瑕", "金桥", "张贵庄", "丰年村", "华新"),
        "东丽湖",
    ),
    "functional_areas": ("东丽经济技术开发区", "临空经济区", "华明高新区", "东丽湖"),
    "urban_structure": (
        *("环内都市核心区", "临空新城中心区", "南部新经济创新发展带", "北部绿色生态创新发展带"),
    ),
    "industry_layout": ("东丽经开区动能转换核心引领区", "临空经济区", "华明高新区", "东丽湖"),
    "barrier_tiers": ("一级", "二级", "三级"),
    "barrier_structure": (
        *("古海岸湿地绿廊", "海河生态绿芯", "东丽湖湿地蓝芯", "南绿环", "北绿环"),
        *("金钟河湿地片区", "双湖富氧游憩区", "华明有机田园区", "文化融合体验区"),
        *("林水涵养区", "环境防护区"),
    ),
    "ring_parks": ("南淀", "程林", "柳林"),
    "bus_terminals": ("万达广场", "昆俞路"),
    "bus_stops": (),
    "rail": (
        *("地铁2号线", "地铁9号线", "地铁4号线", "地铁10号线", "地铁11号线", "地铁13号线"),
        *("Z2线东丽支线", "京滨城际", "M2", "地铁6号线"),
    ),
    "rail_stations": ("军粮城北站",),
    "roads": ("机场大道南延线", "海河东路", "津塘二线"),
    "street_scape": (
        *("外环线", "海河东路", "先锋路—津塘二线", "津塘路—津塘公路", "津滨大道", "卫国道"),
        "津汉公路",
    ),
    "green_frame": (
        *("“天”字型骨架", "一纵", "第一横", "第二横", "第三横", "第四横", "第五横", "第六横"),
    ),
    "tour_road": ("北环", "南环"),
    "rivers_lakes": (
        *("海河", "金钟河", "东减河", "西减河", "月牙河", "北塘排水河", "东丽湖", "赤土湿地"),
        "务本河",
    ),
    "land_cover": (),
    "built_up": (),
    "utility_projects": (
        *("务本河泵站", "东丽湖南部污水处理厂", "军粮城新市镇二期供热", "金钟金隅供热"),
    ),
    "restoration_projects": ("金钟河沿岸", "南片区储备林"),
    "water_projects": ("无瑕街", "万新街", "华明街", "东丽湖", "东减河", "金钟街", "北塘排水河"),
    "theme_parks": ("医疗器械", "氢能科技", "华明高新区生命健康", "都市临空", "检验检测"),
    "innovation_sites": (
        *("华明高新区—东丽湖", "垠坤", "联东U谷", "丽健园", "英诺美迪", "中国民航大学科技园"),
        *("清华高端院科技园", "海河中游北岸总部区", "设计之都", "航空物流园区", "大通关基地"),
        *("军粮城工业园", "无瑕重机工业园", "金钟商务科技园"),
    ),
    "consumption_sites": ("万达月星", "红星宜家", "松江融创"),
    "farm_sites": (
        *("胡张庄葡萄", "欢坨西红柿", "滨海花卉", "两区五园六基地", "赤土—胡张庄"),
        *("胡张庄田园综合体", "金桥生态园", "滨丽生态创意园"),
    ),
    "health_sites": ("东丽医院", "中医医院", "万新街", "军粮城医院", "医养中心", "无瑕"),
    "safety_sites": ("光泰道", "军粮城二号"),
    "culture_sites": ("军粮城历史文化名镇", "泰山行宫", "老姆庙", "欢乐谷", "大宋庙"),
}
COUNTED = {
    "streets": 11,
    "functional_areas": 4,
    "urban_structure": 4,
    "industry_layout": 4,
    "barrier_tiers": 3,
    "barrier_structure": 11,
    "ring_parks": 3,
    "bus_terminals": 12,
    "street_scape": 7,
    "rivers_lakes": 9,
    "utility_projects": 4,
    "restoration_projects": 2,
    "water_projects": 7,
    "theme_parks": 5,
    "consumption_sites": 10,
    "safety_sites": 2,
}
TIER_1_KINDS = {  # annex 3, note 19
    *("生态保护修复", "农业与农村服务", "乡村旅游", "重大基础设施", "重大民生保障"),
    "应急抢险救灾",
}
OTHER_KINDS = {"产业园区", "研发办公", "城市道路"}
PROJECTS = (
    *("utility_projects", "restoration_projects", "water_projects", "theme_parks"),
    *("innovation_sites", "roads", "tour_road"),
)
PLAN_ITEMS = set(NAMED) - {"rail_stations"}  # a layer has one kind of geometry; stations are rail

BOX_1 = """
1 5 6左右 预期性
2 — 高于全市平均水平 预期性
3 6 6 预期性
4 29 32 预期性
5 4.5 6.5 预期性
6 3 6 预期性
7 8.4 13 预期性
8 51.3 73.6 预期性
9 37 50 预期性
10 全市前列 全市前列 预期性
11 308.3 〔2100〕 预期性
12 0.22 ＞0.3 预期性
13 0.35 ＞1 预期性
14 1.1 ＞1.5 预期性
15 380 ＞680 预期性
16 0 4 预期性
17 2.9 3.5 预期性
18 9 13 预期性
19 〔25〕 优于全市平均水平 约束性
20 >22 完成全市下达指标 约束性
21 47 43 约束性
22 64.8 65 约束性
23 100 100 约束性
24 42.56 43 约束性
25 3.4 高于经济增长率 预期性
26 0.9 〔4.5〕 预期性
27 5.5 完成市考核指标 预期性
28 91.5 95 预期性
29 2.6 2.85 预期性
30 3650 〔15510〕 预期性
31 2.23 2.3 预期性
"""


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(GEODATA)


def frame_of(pack: Pack, layer: str) -> gpd.GeoDataFrame:
    return pack.layers[layer].frame


def by_name(pack: Pack, layer: str) -> gpd.GeoDataFrame:
    return frame_of(pack, layer).set_index("name")


def test_the_plan_has_28_kinds_of_places() -> None:
    assert len(PLAN_ITEMS) == 28


def test_every_kind_of_place_is_a_layer_with_a_file(pack: Pack) -> None:
    assert set(NAMED) <= set(pack.layers)


@pytest.mark.parametrize(
    "layer, name", [(layer, name) for layer, names in NAMED.items() for name in names]
)
def test_every_place_that_the_plan_names_is_a_feature(layer: str, name: str, pack: Pack) -> None:
    assert frame_of(pack, layer)["name"].str.contains(name, regex=False).any()


@pytest.mark.parametrize("layer, count", COUNTED.items())
def test_a_layer_has_as_many_features_as_the_plan_counts(
    layer: str, count: int, pack: Pack
) -> None:
    assert len(frame_of(pack, layer)) == count


def test_streets_carry_their_positioning_in_both_languages(pack: Pack) -> None:
    streets = frame_of(pack, "streets")
    for column in ("positioning", "positioning_en"):
        assert streets[column].is_unique
        assert streets[column].str.len().ge(10).all()


def test_rail_tells_built_from_planned(pack: Pack) -> None:
    status = by_name(pack, "rail")["status"]
    assert set(status.index[status == "已建"]) == {"地铁2号线", "地铁6号线", "地铁9号线"}
    assert set(status) == {"已建", "规划"}
    assert set(frame_of(pack, "rail_stations")["status"]) == {"已建", "规划"}


def test_utility_projects_carry_the_figures_of_box_11(pack: Pack) -> None:
    projects = frame_of(pack, "utility_projects")
    assert sorted(projects["investment_yi"]) == [0.175, 0.22, 0.36, 0.59]
    for column, figure in {
        "drainage_m3s": 10.61,
        "ecological_intake_m3s": 2.8,
        "sewage_t_per_d": 12_000,
        "heat_stations": 5,
    }.items():
        assert projects[column].dropna().tolist() == [figure]


def test_restoration_projects_have_the_mu_of_box_17(pack: Pack) -> None:
    projects = frame_of(pack, "restoration_projects")
    assert sorted(projects["area_mu"]) == [3400, 17_435]
    for mu, area in zip(projects["area_mu"], projects.area, strict=True):
        assert area == pytest.approx(mu * 10_000 / 15, rel=0.005)


def test_theme_parks_have_the_areas_of_box_10(pack: Pack) -> None:
    parks = by_name(pack, "theme_parks")
    for name, km2 in {"氢能": 1.23, "医疗器械": 0.1}.items():
        (area,) = parks[parks.index.str.contains(name)].area
        assert area / 1e6 == pytest.approx(km2, rel=0.005)


def test_the_haihe_core_has_21_square_kilometres(pack: Pack) -> None:
    area = by_name(pack, "barrier_structure").area["海河生态绿芯"]
    assert area / 1e6 == pytest.approx(21, rel=0.005)


def test_the_tour_road_has_49_4_kilometres(pack: Pack) -> None:
    assert frame_of(pack, "tour_road").length.sum() / 1000 == pytest.approx(49.4, abs=0.1)


def test_streetscape_costs_half_a_billion_and_has_two_belts(pack: Pack) -> None:
    roads = by_name(pack, "street_scape")
    assert set(roads["programme_yi"]) == {5}
    ring = roads.loc["外环线绿化带"]
    assert (ring["narrow_belt_m"], ring["wide_belt_m"]) == (58, 500)
    assert Counter(roads["role"]) == {"一纵": 1, "六横": 6}


def test_water_projects_name_their_street_and_control_unit(pack: Pack) -> None:
    units = frame_of(pack, "water_projects").set_index("street")["control_unit"]
    sluice = {"无瑕街", "万新街"}
    assert set(units.index[units == "海河大闸控制单元"]) == sluice
    other = {"华明街", "东丽湖街", "军粮城街", "金钟街", "华新街"}
    assert set(units.index[units == "塘汉公路桥/北塘水库控制单元"]) == other


@pytest.mark.parametrize("layer", PROJECTS)
def test_a_project_is_of_one_of_nine_kinds_under_the_rule_of_tier_1_or_of_none(
    layer: str, pack: Pack
) -> None:
    projects = frame_of(pack, layer)
    for kind, english in zip(projects["tier1_kind"], projects["tier1_kind_en"], strict=True):
        assert pd.isna(kind) or kind in TIER_1_KINDS | OTHER_KINDS
        assert pd.isna(kind) == pd.isna(english)


def test_a_kind_has_one_english_name_in_all_layers(pack: Pack) -> None:
    pairs = {
        pair
        for layer in PROJECTS
        for pair in frame_of(pack, layer)[["tier1_kind", "tier1_kind_en"]].itertuples(index=False)
        if pd.notna(pair[0])
    }
    for names in zip(*pairs, strict=True):
        assert len(set(names)) == len(names)


def test_only_what_the_plan_calls_restoration_is_said_to_be_allowed_in_tier_1(pack: Pack) -> None:
    allowed = {
        (layer, name): kind
        for layer in PROJECTS
        for name, kind in by_name(pack, layer)["tier1_kind"].items()
        if kind in TIER_1_KINDS
    }
    assert allowed == {
        ("restoration_projects", "金钟河沿岸生态修复"): "生态保护修复",  # box 17
        ("restoration_projects", "南片区储备林"): "生态保护修复",
        ("water_projects", "华明街水环境综合治理"): "生态保护修复",  # box 18: banks restored
    }


def test_no_medical_facility_of_the_plan_is_said_to_be_a_community_health_centre(
    pack: Pack,
) -> None:
    kinds = by_name(pack, "health_sites")["kind"]
    hospitals = {"东丽医院", "东丽区中医医院", "军粮城医院"}
    assert set(kinds.index[kinds == "医院"]) == hospitals
    assert "社区卫生服务中心" not in set(kinds)


def test_five_consumption_landmarks_are_placed_by_us(pack: Pack) -> None:
    sites = frame_of(pack, "consumption_sites")
    ours = sites[sites["placed_by_en"] == "placed by us"]
    assert len(ours) == 5
    assert ours["name"].str.contains("示意").all()
    assert set(ours["quarter"]) <= {"万新", "新立", "金钟", "东丽湖"}


def test_box_1_stands_in_the_indicators_as_it_was_written() -> None:
    kinds = {"expected": "预期性", "binding": "约束性"}
    written = [
        f"{one['number']} {one['written_2020']} {one['written_2025']} {kinds[one['binding']]}"
        for one in INDICATORS["indicators"].values()
    ]
    assert written == BOX_1.split("\n")[1:-1]


def test_indicators_fall_into_the_five_groups_of_box_1() -> None:
    groups = Counter(one["group"] for one in INDICATORS["indicators"].values())
    assert list(groups) == list(INDICATORS["groups"])
    assert list(groups.values()) == [11, 7, 6, 6, 1]


@pytest.mark.parametrize("indicator", INDICATORS["indicators"])
def test_an_indicator_has_a_figure_or_words_as_its_target(indicator: str) -> None:
    one = INDICATORS["indicators"][indicator]
    assert ("target_2025" in one) != ("target_text" in one)
    if "target_2025" in one:
        figure = one["written_2025"].strip("〔〕＞左右")
        assert float(figure) == one["target_2025"]
        assert one["five_year_total"] == one["written_2025"].startswith("〔")
        assert (one["comparison"] == "more_than") == one["written_2025"].startswith("＞")
        assert (one["comparison"] == "about") == one["written_2025"].endswith("左右")
    else:
        assert one["target_text"]["zh"] == one["written_2025"]
    if "value_2020" in one:
        assert float(one["written_2020"].strip("〔〕>")) == one["value_2020"]
    assert one.get("relative_to", "gdp_growth") in INDICATORS["indicators"]


def test_only_fine_particles_are_to_fall() -> None:
    falling = {
        name for name, one in INDICATORS["indicators"].items() if one.get("comparison") == "at_most"
    }
    assert falling == {"fine_particles"}


def test_the_counts_stated_in_the_text_are_followed() -> None:
    stated = {name: one["value"] for name, one in INDICATORS["statements"].items()}
    assert stated == {
        "theme_parks": 10,
        "office_buildings": 100,
        "consumption_landmarks": 10,
        "national_parks": 4,
        "national_incubators": 16,
        "day_care_centres": 20,
        "senior_colleges": 15,
        "care_beds": 40,
        "heat_stations": 5,
        "sewage_treated": 96,
        "air_passengers": 3100,
        "air_freight": 40,
        "pumping_capacity": 212.2,
        "sponge_city": 18.92,
        "new_forest": 4.03,
        "new_forest_in_barrier": 1.76,
    }
    for one in INDICATORS["statements"].values():
        assert one["cite"]
        assert (one["year"] == 2020) == ("comparison" not in one)


def test_annex_1_lists_16_special_plans_in_five_groups() -> None:
    plans = INDICATORS["special_plans"]
    assert [one["number"] for one in plans] == list(range(1, 17))
    groups = Counter(one["group"]["zh"] for one in plans)
    assert list(groups.values()) == [5, 2, 3, 2, 4]
    for one in plans:
        assert one["name"]["zh"].endswith("“十四五”规划")
        assert all(one[key][lang] for key in ("group", "name", "bureau") for lang in ("zh", "en"))
