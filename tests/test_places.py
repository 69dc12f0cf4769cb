"""Where a point or an area lies: squares side by side, whose answers a head can give."""

from pathlib import Path

import geopandas as gpd
import pytest
from shapely import box

from layers import Layer, Pack
from layers.catalogue import Catalogue, LayerSpec, PackSpec
from layers.text import Text
from spatial.places import places_at, places_near, shares_of

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
