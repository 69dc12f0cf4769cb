"""What `layers.toml` may say, a line for each mistake in it, and every entry of our own."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from layers import Pack, load_pack
from layers.catalogue import STANDARD_COLUMNS
from spatial import Plan

Edit = Callable[[str, str, str], None]
Lines = Callable[[], list[str]]

GEODATA = Path(__file__).resolve().parents[1] / "geodata"
ENTRIES = tomllib.loads((GEODATA / "layers.toml").read_text(encoding="utf-8"))
EMBEDDED = [layer for layer in ENTRIES if layer != "pack"]
DELIVERED = [layer for layer in EMBEDDED if "file" in ENTRIES[layer]]

STOP_SOURCE = 'url = "https://example.org/stops"\nlicence = "test"\nbasis = "official"'

SPOILT = [
    # an edit of the tiny pack, the line that it must give
    pytest.param(
        'metric_crs = "EPSG:4548"',
        'metric_crs = "EPSG:99999999"',
        r"layers.toml \[pack\].metric_crs: unknown CRS 'EPSG:99999999'; name one as in 'EPSG:4548'",
        id="wrong CRS name",
    ),
    pytest.param(
        'metric_crs = "EPSG:4548"',
        'metric_crs = "metres"',
        r"layers.toml \[pack\].metric_crs: unknown CRS 'metres'",
        id="no CRS name",
    ),
    pytest.param(
        'metric_crs = "EPSG:4548"',
        'metric_crs = "EPSG:4490"',
        r"layers.toml \[pack\].metric_crs: 'EPSG:4490' \(China Geodetic .* 2000\) is not a"
        r" projected CRS in metres; name one as in 'EPSG:4548'",
        id="CRS in degrees",
    ),
    pytest.param(
        'metric_crs = "EPSG:4548"',
        'metric_crs = "EPSG:2263"',
        r"layers.toml \[pack\].metric_crs: 'EPSG:2263' .* is not a projected CRS in metres",
        id="CRS in feet",
    ),
    pytest.param(
        'metric_crs = "EPSG:4548"',
        'metric_crs = "EPSG:3857"',
        # Areas in it are 66 % too large at this latitude: measuring there gives wrong figures.
        r"layers.toml \[pack\].metric_crs: 'EPSG:3857'",
        id="CRS that distorts lengths",
    ),
    pytest.param(
        'metric_crs = "EPSG:4548"\n',
        "",
        r"layers.toml \[pack\]: missing key 'metric_crs'; known keys are 'title', 'metric_crs'",
        id="no CRS",
    ),
    pytest.param(
        'area = "area"',
        'area = "aera"',
        r"layers.toml \[pack\].area: unknown layer 'aera' \(did you mean 'area'\?\)",
        id="unknown area",
    ),
    pytest.param(
        'area = "area"',
        'area = "bus_stops"',
        r"layers.toml \[pack\].area: 'bus_stops' is a point layer, not polygons",
        id="area of points",
    ),
    pytest.param(
        "[pack]\n",
        "margin_m = \n[pack]\n",
        r"layers.toml: not valid TOML: .*line 1",
        id="broken TOML",
    ),
    pytest.param(
        STOP_SOURCE,
        STOP_SOURCE.replace("licence", "licens"),
        r"layers.toml \[bus_stops\].source: unknown key 'licens' \(did you mean 'licence'\?\);"
        r" known keys are 'name', 'url', 'date', 'licence', 'datum', 'basis'",
        id="misspelt key of a source",
    ),
    pytest.param(
        'licence = "test"\nbasis = "official"\n\n[area]',
        'licens = "test"\nbasis = "official"\n\n[area]',
        r"layers.toml \[pack\].sources.bureau: unknown key 'licens'",
        id="misspelt key of a shared source",
    ),
    pytest.param(
        STOP_SOURCE,
        STOP_SOURCE.replace("official", "rumour"),
        r"layers.toml \[bus_stops\].source.basis: 'rumour' is not right: .*'official', 'open'",
        id="unknown basis",
    ),
    pytest.param(
        'file = "units.geojson"\ngeometry = "polygon"',
        'file = "units.geojson"\ngeometry = "polygons"',
        r"layers.toml \[units\].geometry: 'polygons' is not right: .*'polygon' or 'raster'",
        id="unknown geometry",
    ),
    pytest.param(
        'file = "units.geojson"\ngeometry = "polygon"\ngroup = "base"',
        'file = "units.geojson"\ngeometry = "polygon"\ngroup = "bas"',
        r"layers.toml \[units\].group: unknown group 'bas' \(did you mean 'base'\?\)",
        id="unknown group",
    ),
    pytest.param(
        'group = "base"\nsource = "bureau"\naccuracy_m = 1\n\n[units]',
        'group = "base"\nsource = "buro"\naccuracy_m = 1\n\n[units]',
        r"layers.toml \[area\].source: unknown source 'buro' .*known sources are 'bureau'",
        id="unknown source",
    ),
    pytest.param(
        'file = "area.geojson"',
        'file = "../area.geojson"',
        r"layers.toml \[area\].file: '../area.geojson' is not right: must be a file inside",
        id="file outside the pack",
    ),
    pytest.param(
        'file = "area.geojson"',
        'file = "area.shp"',
        r"area.shp: '.shp' is one of several files that belong together; zip them",
        id="shapefile",
    ),
    pytest.param(
        'file = "area.geojson"\n',
        "",
        r"layers.toml \[pack\].area: layer 'area' has no file",
        id="area without a file",
    ),
    pytest.param(
        'file = "area.geojson"',
        'file = "area.geojson"\nsha256 = "abc"',
        r"layers.toml \[area\].sha256: 'abc' is not right",
        id="no hash",
    ),
    pytest.param(
        'by = "class_code"',
        'by = "class_cod"',
        r"layers.toml \[land\].style.by: unknown column 'class_cod' \(did you mean",
        id="unknown column to draw by",
    ),
    pytest.param(
        'by = "class_code"',
        'by = "class_code"\nfill = "green"',
        r"layers.toml \[land\].style.fill: 'green' is not right",
        id="colour by name",
    ),
    pytest.param(
        "accuracy_m = 5\n[bus_stops.source]",
        'accuracy_m = "five"\n[bus_stops.source]',
        r"layers.toml \[bus_stops\].accuracy_m: 'five' is not right: .*valid number",
        id="text for a number",
    ),
    pytest.param(
        "accuracy_m = 5\n[bus_stops.source]",
        "accuracy_m = -5\n[bus_stops.source]",
        r"layers.toml \[bus_stops\].accuracy_m: -5 is not right: .*greater than or equal to 0",
        id="negative accuracy",
    ),
    pytest.param(
        "accuracy_m = 5\n[bus_stops.source]",
        "accuracy_m = 5\nmargin_m = inf\n[bus_stops.source]",
        r"layers.toml \[bus_stops\].margin_m: inf is not right",
        id="infinite margin",
    ),
    pytest.param(
        "[area]\n",
        '[area]\nid = "area"\n',
        r"layers.toml \[area\]: unknown key 'id'; the table's name is the id",
        id="id inside the table",
    ),
    pytest.param(
        "[pack]\n",
        "roads = 5\n[pack]\n",
        r"layers.toml \[roads\]: 5 is not a table with title, file",
        id="entry that is no table",
    ),
    pytest.param(
        "shelters = { title = {",
        "kind = { units = 5, title = {",
        r"layers.toml \[bus_stops\].columns.kind: unknown key 'units' \(did you mean 'unit'\?\);"
        r" known keys are 'title', 'kind', 'unit', 'localised'",
        id="misspelt key of a column that is named like a key",
    ),
    pytest.param(
        '[pack.groups]\nbase = { zh = "底图", en = "Base" }',
        '[pack.groups]\nbase = { zh = "底图" }',
        r"layers.toml \[pack\].groups.base: missing key 'en'; known keys are 'zh', 'en'",
        id="one language only",
    ),
]


@pytest.mark.parametrize("old,new,line", SPOILT)
def test_a_mistake_gives_one_clear_line(
    edit: Edit, problem_lines: Lines, old: str, new: str, line: str
) -> None:
    edit("layers.toml", old, new)
    (found,) = problem_lines()
    assert re.match(line, found), found


@pytest.mark.parametrize(
    "old,new,where",
    [
        ('s.geojson"\ngeometry = "polygon"', 's.geojson"\ngeometri = "polygon"', "[units]"),
        ("shelters = { title", "shelters = { titel", "[bus_stops].columns.shelters"),
    ],
)
def test_a_misspelt_key_that_must_be_there_is_unknown_and_missing(
    edit: Edit, problem_lines: Lines, old: str, new: str, where: str
) -> None:
    edit("layers.toml", old, new)
    missing, unknown = sorted(problem_lines())
    assert missing.startswith(f"layers.toml {where}: missing key '")
    assert unknown.startswith(f"layers.toml {where}: unknown key '")
    assert "did you mean" in unknown


@pytest.mark.parametrize("sources", ['sources = "bureau"', 'sources = ["bureau"]', "sources = 5"])
def test_sources_that_are_no_table_are_refused(
    edit: Edit, problem_lines: Lines, sources: str
) -> None:
    old = '[pack.sources.bureau]\nname = { zh = "规划局", en = "Bureau" }\nlicence = "test"\n'
    edit("layers.toml", old + 'basis = "official"\n', "")
    edit("layers.toml", 'area = "area"\n', f'area = "area"\n{sources}\n')
    assert any(line.startswith("layers.toml [pack].sources: ") for line in problem_lines())


def test_a_catalogue_without_a_pack_table_is_refused(tiny_pack: Path, problem_lines: Lines) -> None:
    path = tiny_pack / "layers.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text[text.index("[area]\n") :], encoding="utf-8")
    assert problem_lines() == [
        "layers.toml [pack]: the table is missing; it holds title, metric_crs, area and groups"
    ]


def test_all_mistakes_of_the_file_come_at_once(edit: Edit, problem_lines: Lines) -> None:
    edit(
        "layers.toml", 'licence = "test"\nbasis = "official"\n[', 'licens = "test"\nbasis = "x"\n['
    )
    edit("layers.toml", "accuracy_m = 1\n\n[units]", "accuracy_m = -1\n\n[units]")
    lines = problem_lines()
    assert len(lines) == 3, lines
    assert {line.split(":")[0] for line in lines} == {
        "layers.toml [area].accuracy_m",
        "layers.toml [bus_stops].source",
        "layers.toml [bus_stops].source.basis",
    }


def test_a_missing_catalogue_is_named(tiny_pack: Path, problem_lines: Lines) -> None:
    (tiny_pack / "layers.toml").unlink()
    (line,) = problem_lines()
    assert re.fullmatch(r"layers.toml: no such file in '.*pack'; a pack has .*plan.toml", line)


def test_a_catalogue_that_is_not_utf8_is_named(tiny_pack: Path, problem_lines: Lines) -> None:
    text = (tiny_pack / "layers.toml").read_text(encoding="utf-8")
    (tiny_pack / "layers.toml").write_bytes(text.encode("gbk"))
    (line,) = problem_lines()
    assert re.fullmatch(r"layers.toml: byte \d+ is not UTF-8; save the file as UTF-8", line)


def test_a_byte_order_mark_is_no_obstacle(tiny_pack: Path) -> None:
    text = (tiny_pack / "layers.toml").read_text(encoding="utf-8")
    (tiny_pack / "layers.toml").write_text(text, encoding="utf-8-sig")
    assert load_pack(tiny_pack).catalogue.pack.title.en == "Tiny"


def test_a_source_is_a_table_or_the_name_of_a_shared_one(tiny_pack: Path) -> None:
    layers = load_pack(tiny_pack).catalogue.layers
    assert layers["area"].source.name.en == "Bureau"
    assert layers["bus_stops"].source.name.en == "Bus company"


@pytest.mark.parametrize("layer_id", EMBEDDED)
def test_every_layer_speaks_both_languages(embedded: tuple[Pack, Plan], layer_id: str) -> None:
    spec = embedded[0].catalogue.layers[layer_id]
    texts = [spec.title, spec.source.name, *(column.title for column in spec.columns.values())]
    texts += [entry.title for entry in spec.style.classes]
    for text in texts:
        assert text.zh.strip()
        assert text.en.strip()
        assert not re.search(r"[\u3400-\u9fff]", text.en), text.en
    assert bool(spec.note.zh) == bool(spec.note.en)


@pytest.mark.parametrize("layer_id", DELIVERED)
def test_every_layer_that_is_there_says_where_it_came_from(
    embedded: tuple[Pack, Plan], layer_id: str
) -> None:
    spec = embedded[0].catalogue.layers[layer_id]
    assert re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", spec.source.date), spec.source.date
    if spec.source.basis in {"open", "official"}:
        assert spec.source.licence
    if spec.source.basis == "open":
        assert spec.source.url


@pytest.mark.parametrize("layer_id", DELIVERED)
def test_every_layer_that_is_there_is_drawn_as_its_entry_says(
    embedded: tuple[Pack, Plan], layer_id: str
) -> None:
    pack, _ = embedded
    spec = pack.catalogue.layers[layer_id]
    frame = pack.layers[layer_id].frame
    if spec.style.by:
        values = set(frame[spec.style.by].dropna().astype(str))
        assert values <= {entry.value for entry in spec.style.classes}
    for column, entry in spec.columns.items():
        if entry.localised:
            filled = frame[column].notna()
            assert frame.loc[filled, f"{column}_en"].notna().all()
    declared = {*STANDARD_COLUMNS, *spec.columns, "geometry"}
    plain = {str(name).removesuffix("_en") for name in frame.columns}
    assert plain <= declared, "a column without a title"


@pytest.mark.parametrize("layer_id", DELIVERED)
def test_every_feature_has_a_basis_and_an_accuracy(
    embedded: tuple[Pack, Plan], layer_id: str
) -> None:
    pack, _ = embedded
    frame = pack.layers[layer_id].frame
    assert frame.index.is_unique
    assert frame["basis"].notna().all()
    assert (frame["accuracy_m"] > 0).all()
    assert frame.crs.to_epsg() == 4548
