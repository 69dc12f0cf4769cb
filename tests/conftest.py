"""What the tests share: a pack small enough to check by head, the embedded one, the test bed.

The tiny pack is a square of 2 km by 2 km, cut into a west and an east unit, with a stop in the
middle of each; the west is forest, the east half water, half housing.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import settings
from numpy.typing import NDArray
from pyproj import Transformer
from shapely import Point, box
from shapely.geometry.base import BaseGeometry
from typer.testing import CliRunner

from layers import Pack
from spatial import Plan, open_pack
from spatial.__main__ import app

settings.register_profile(
    "repeatable", deadline=None, max_examples=25, derandomize=True, database=None
)
settings.load_profile("repeatable")

REPOSITORY = Path(__file__).resolve().parents[1]
ORIGIN = (530_000.0, 4_330_000.0)  # easting and northing in EPSG:4548, near 117.35 E 39.1 N
TO_DEGREES = Transformer.from_crs("EPSG:4548", "OGC:CRS84", always_xy=True)

LAYERS_TOML = """\
[pack]
title = { zh = "小方", en = "Tiny" }
metric_crs = "EPSG:4548"
area = "area"

[pack.groups]
base = { zh = "底图", en = "Base" }

[pack.sources.bureau]
name = { zh = "规划局", en = "Bureau" }
licence = "test"
basis = "official"

[area]
title = { zh = "范围", en = "Area" }
file = "area.geojson"
geometry = "polygon"
group = "base"
source = "bureau"
accuracy_m = 1

[units]
title = { zh = "单元", en = "Units" }
file = "units.geojson"
geometry = "polygon"
group = "base"
source = "bureau"
accuracy_m = 1

[land]
title = { zh = "用地", en = "Land" }
file = "land.geojson"
geometry = "polygon"
group = "base"
source = "bureau"
accuracy_m = 1
[land.columns]
class_code = { title = { zh = "代码", en = "Code" } }
[land.style]
by = "class_code"

[bus_stops]
title = { zh = "站点", en = "Stops" }
file = "bus_stops.geojson"
geometry = "point"
group = "base"
accuracy_m = 5
[bus_stops.source]
name = { zh = "公交公司", en = "Bus company" }
url = "https://example.org/stops"
licence = "test"
basis = "official"
[bus_stops.columns]
shelters = { title = { zh = "候车亭", en = "Shelters" }, kind = "number" }

[metro]
title = { zh = "地铁站", en = "Metro stations" }
geometry = "point"
group = "base"
source = "bureau"
accuracy_m = 5
"""

PLAN_TOML = """\
[plan]
title = { zh = "小方规划", en = "Plan of Tiny" }

[zone_statistics]
zones = "units"
land = { layer = "land", column = "class_code", green = ["03"], water = ["17"] }
stops = "bus_stops"
radius_m = 500

[coverage]
title = { zh = "站点覆盖", en = "Stop coverage" }
cite = { chapter = 7, section = 1 }
measure = "stop_coverage"
layers = { stops = "bus_stops", area = "area", units = "units" }
params = { radius_m = 500 }
target = { at_least = 0.5, unit = "share" }
judge = "each"
sentence = { zh = "距站点 {radius_m} 米以内。", en = "Within {radius_m} m of a stop." }

[green]
title = { zh = "蓝绿占比", en = "Blue-green share" }
cite = { box = 12 }
measure = "land_share"
layers = { land = "land", zones = "units" }
params = { classes = ["03", "17"], class_column = "class_code" }
target = { at_least = 0.7, unit = "share" }
sentence = { zh = "蓝绿空间占比。", en = "Share of blue and green." }

[metro_coverage]
title = { zh = "地铁覆盖", en = "Metro coverage" }
cite = { annex = 3, item = 1 }
measure = "stop_coverage"
layers = { stops = "metro", area = "area" }
params = { radius_m = 800 }
target = { at_least = 0.5, unit = "share" }
sentence = { zh = "距地铁站 {radius_m} 米以内。", en = "Within {radius_m} m of a station." }
"""


SHELTERS = """
[shelters]
title = { zh = "候车亭", en = "Shelters" }
cite = { chapter = 1 }
measure = "total_recorded"
layers = { features = "bus_stops" }
params = { amount_column = "shelters" }
target = { at_least = 3, unit = "count" }
sentence = { zh = "候车亭三座。", en = "Three shelters." }
"""
"""One more target of the tiny pack, that adds up what stops have on record."""


def _feature(geometry: BaseGeometry, **properties: object) -> str:
    def to_degrees(metres: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(TO_DEGREES.transform(*(metres + ORIGIN).T))

    placed: Mapping[str, Any] = shapely.transform(geometry, to_degrees).__geo_interface__
    return json.dumps(
        {"type": "Feature", "properties": properties, "geometry": placed}, ensure_ascii=False
    )


def _collection(features: Sequence[str]) -> str:
    return '{"type": "FeatureCollection", "features": [\n' + ",\n".join(features) + "\n]}\n"


@pytest.fixture
def tiny_pack(tmp_path: Path) -> Path:
    """A folder with the tiny pack, to be spoilt at will."""
    folder = tmp_path / "pack"
    folder.mkdir()
    files = {
        "area": [_feature(box(0, 0, 2000, 2000), id="A", name="范围", name_en="Area")],
        "units": [
            _feature(box(0, 0, 1000, 2000), id="U1", name="西单元", name_en="West unit"),
            _feature(box(1000, 0, 2000, 2000), id="U2", name="东单元", name_en="East unit"),
        ],
        "land": [
            _feature(box(0, 0, 1000, 2000), id="L1", class_code="0301"),
            _feature(box(1000, 0, 1500, 2000), id="L2", class_code="1701"),
            _feature(box(1500, 0, 2000, 2000), id="L3", class_code="0701"),
        ],
        "bus_stops": [
            _feature(Point(500, 1000), id="S1", shelters=1),
            _feature(Point(1500, 1000), id="S2", shelters=2),
        ],
    }
    for layer, features in files.items():
        (folder / f"{layer}.geojson").write_text(_collection(features), encoding="utf-8")
    (folder / "layers.toml").write_text(LAYERS_TOML, encoding="utf-8")
    (folder / "plan.toml").write_text(PLAN_TOML, encoding="utf-8")
    return folder


@pytest.fixture
def edit(tiny_pack: Path) -> Callable[[str, str, str], None]:
    """Replace a text in a file of the tiny pack; the text must be there."""

    def replace(file: str, old: str, new: str) -> None:
        path = tiny_pack / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return replace


@pytest.fixture
def problem_lines(tiny_pack: Path) -> Callable[[], list[str]]:
    """Validate the tiny pack on the command line; the lines of a refusal, which exits with 2."""

    def validate() -> list[str]:
        result = CliRunner().invoke(app, ["layers", "validate", "--pack", str(tiny_pack)])
        assert result.exception is None or isinstance(result.exception, SystemExit), (
            f"a traceback instead of a line: {result.exception!r}"
        )
        assert result.exit_code == 2, f"exit {result.exit_code}: {result.output}"
        assert "Traceback" not in result.output
        assert result.stdout == ""
        return result.stderr.splitlines()

    return validate


@pytest.fixture(scope="session")
def embedded() -> tuple[Pack, Plan]:
    """The embedded pack and its plan, opened once."""
    return open_pack(REPOSITORY / "geodata")


@pytest.fixture(scope="session")
def testbed() -> Path:
    """The folder with real data, which is not part of the project."""
    folder = Path(os.environ.get("PLANMAP_TESTBED", REPOSITORY.parent / "shared" / "testbed"))
    if not folder.is_dir():
        pytest.skip(f"no test bed at {folder}; PLANMAP_TESTBED names another place")
    return folder
