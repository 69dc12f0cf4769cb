"""Where a point or an area lies: squares side by side, whose answers a head can give."""

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pytest
from shapely import Point, box

from layers import Layer, Pack
from layers.catalogue import Catalogue, LayerSpec, PackSpec
from layers.text import Text
from spatial.places import place_names, places_at, places_near, shares_of

TITLE = Text(zh="格", en="grid")
SOURCE = {"name": {"zh": "手绘", "en": "by hand"}, "basis": "sketch"}


def layer(name: str, *, context: bool) -> Layer:
    spec = LayerSpec.model_validate(
        {
            "id": name,
            "title": {"zh": "格", "en": "grid"},
            "geometry": "polygon",
            "group": "g",
            "source": SOURCE,
            "accuracy_m": 1,
            "context": context,
        }
    )
    frame = gpd.GeoDataFrame(
        geometry=[box(0, 0, 100, 100), box(100, 0, 200, 100)],
        index=["west", "east"],
        crs="EPSG:4548",
    )
    return Layer(spec, frame, "")


@pytest.fixture
def pack() -> Pack:
    layers = {"grid": layer("grid", context=True), "other": layer("other", context=False)}
    head = PackSpec(title=TITLE, metric_crs="EPSG:4548", area="grid", groups={"g": TITLE})
    catalogue = Catalogue(pack=head, layers={name: one.spec for name, one in layers.items()})
    return Pack(Path(), catalogue, layers, box(0, 0, 200, 100))


def test_a_point_lies_in_the_square_that_holds_it(pack: Pack) -> None:
    assert places_at(pack, 50, 50) == (("grid", "west"),)
    assert places_at(pack, 500, 50) == ()


def test_a_point_on_the_border_lies_in_both(pack: Pack) -> None:
    assert places_at(pack, 100, 50) == (("grid", "west"), ("grid", "east"))


def test_a_point_may_lie_in_what_is_within_its_error(pack: Pack) -> None:
    assert places_near(pack, 90, 50, 9) == ()
    assert places_near(pack, 90, 50, 11) == (("grid", "east"),)


def test_an_area_is_shared_out_and_crumbs_are_passed_over(pack: Pack) -> None:
    shares = shares_of(pack, box(75, 0, 175, 100))
    assert [feature for _, feature, _ in shares] == ["west", "east"]
    assert [share for _, _, share in shares] == pytest.approx([0.25, 0.75])
    assert [feature for _, feature, _ in shares_of(pack, box(0, 0, 100.5, 100))] == ["west"]


def named(pack: Pack) -> Pack:
    """The pack with names: a station in the east square known to 100 m, a guess beside it."""
    grid = pack.layers["grid"]
    titled = grid.frame.assign(name=["西格", "东格"], name_en=["West square", "East square"])
    kind = Text(zh="车站", en="Stations")
    spec = grid.spec.model_copy(update={"id": "stops", "geometry": "point", "title": kind})
    frame = gpd.GeoDataFrame(
        {
            "name": ["站", "猜的站", "虚构的站"],
            "name_en": ["Station", "Guess", "Invented"],
            "accuracy_m": [100.0, 3000.0, 10.0],
            "basis": ["sketch", "sketch", "synthetic"],
        },
        geometry=[Point(190, 50), Point(150, 50), Point(151, 50)],
        index=["S", "T", "U"],
        crs="EPSG:4548",
    )
    layers = {"grid": Layer(grid.spec, titled, ""), "stops": Layer(spec, frame, "")}
    specs = {name: one.spec for name, one in layers.items()}
    catalogue = pack.catalogue.model_copy(update={"layers": specs})
    return replace(pack, catalogue=catalogue, layers=layers)


@pytest.mark.parametrize(
    "at,zh,en",
    [
        ((50, 50), "西格中部", "middle of West square"),
        ((95, 50), "西格东部", "east of West square"),
        ((5, 95), "西格西北部", "north-west of West square"),
        ((150, 5), "东格南部", "south of East square"),
    ],
)
def test_a_gap_is_named_by_the_part_of_the_unit_it_lies_in(
    pack: Pack, at: tuple[float, float], zh: str, en: str
) -> None:
    gap = Point(at).buffer(1)
    nowhere = replace(named(pack), layers={"grid": named(pack).layers["grid"]})
    assert place_names(nowhere, [gap], "grid", "zh") == (zh,)
    assert place_names(nowhere, [gap], "grid", "en") == (en,)


def test_a_gap_is_named_by_the_nearest_place_that_is_well_known(pack: Pack) -> None:
    gap = Point(150, 50).buffer(1)  # beside the guess and the invented one, 40 m from the station
    assert place_names(named(pack), [gap], "grid", "zh") == ("东格中部，距站（车站）约 0.0 km",)
    far = Point(190, 2050).buffer(1)
    assert place_names(named(pack), [far], "grid", "en") == (
        "about 2.0 km from Station (Stations)",
    )
    farther = Point(190, 9050).buffer(1)
    assert place_names(named(pack), [farther], "grid", "en") == ("",)
