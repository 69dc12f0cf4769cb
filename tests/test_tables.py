"""CSV and XLSX: what a planner's table says, its codes kept, its coordinates found or asked for."""

import datetime as dt
import json
import random
import re
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.chart import BarChart
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900
from openpyxl.worksheet.worksheet import Worksheet

from layers import InputError
from layers.formats import Choice, Part, Raw, tables
from layers.formats.coordinates import number, pair, proposal
from layers.limits import Limits

LIMITS = Limits()
STOPS = """\
编号,站名,经度,纬度,日期,客流
0301,海河东路站,117.35,39.12,2024-05-01,1200
0302,张贵庄路站,117.36,39.13,2024-05-02,
0303,新立街道站,117.37,39.14,2024-05-03,980
"""


def write(folder: Path, content: str | bytes, name: str = "upload") -> Path:
    path = folder / name  # contents decide, not the name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def inspected(path: Path, where: str = "站点.csv") -> Part:
    (part,) = tables.inspect(path, where, LIMITS)
    return part


def read(path: Path, choice: Choice | None = None, where: str = "站点.csv") -> Raw:
    return tables.read(path, where, choice or Choice(), LIMITS)


def refused(path: Path, choice: Choice | None = None, limits: Limits = LIMITS) -> tuple[str, str]:
    with pytest.raises(InputError) as error:
        tables.read(path, "站点.csv", choice or Choice(), limits)
    (problem,) = error.value.problems
    assert problem.zh
    assert str(path.parent) not in problem.in_("en") + problem.in_("zh")
    return problem.rule, problem.message


def places(raw: Raw) -> list[tuple[float, float] | None]:
    return [None if p is None else (p.x, p.y) for p in raw.frame.geometry]


# ---- CSV ----


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_a_table_reads_the_same_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path, STOPS.encode(encoding))
    part = inspected(path)
    assert part.name == "站点"
    assert (part.kind, part.geometry, part.count) == ("table", "point", 3)
    assert part.encodings == ()
    raw = read(path)
    assert raw.frame["站名"].tolist() == ["海河东路站", "张贵庄路站", "新立街道站"]
    assert raw.problems == ()


def test_a_table_is_described_by_its_fields_and_extent(tmp_path: Path) -> None:
    part = inspected(write(tmp_path, STOPS))
    assert {field.name: field.kind for field in part.fields} == {
        "编号": "text",
        "站名": "text",
        "经度": "number",
        "纬度": "number",
        "日期": "date",
        "客流": "number",
    }
    assert part.fields[0].samples == ("0301", "0302", "0303")
    assert part.fields[5].missing == 1
    assert (part.x, part.y, part.wkt) == ("经度", "纬度", "")
    assert part.bounds == (117.35, 39.12, 117.37, 39.14)
    assert part.geometries == {"Point": 3}
    assert part.crs == ""


def test_codes_and_dates_stay_text_and_numbers_become_numbers(tmp_path: Path) -> None:
    text = (
        "代码,面积,层数,缺,日期,身份号,千分位,逗号\n"
        '01,3.50,6,,2024/5/1,120110199001011234,"1,200","3,5"\n'
        '12,-4,12,7,2024/5/2,120110199001011235,"2,300","4,5"\n'
    )
    frame = read(write(tmp_path, text)).frame
    assert frame["代码"].tolist() == ["01", "12"]
    assert frame["面积"].tolist() == [3.5, -4.0]
    assert frame["层数"].tolist() == [6, 12]
    assert frame["层数"].dtype.kind == "i"
    assert frame["缺"].isna().tolist() == [True, False]
    assert frame["缺"].tolist()[1] == 7.0
    assert frame["日期"].tolist() == ["2024/5/1", "2024/5/2"]
    assert frame["身份号"].tolist() == ["120110199001011234", "120110199001011235"]
    assert frame["千分位"].tolist() == ["1,200", "2,300"]
    assert frame["逗号"].tolist() == ["3,5", "4,5"]


def test_an_encoding_that_cannot_be_told_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "name,lon,lat\n臺灣車站,121.5,25.0\n".encode("big5"))
    part = inspected(path)
    offered = {one.encoding: one.samples for one in part.encodings}
    assert offered["big5"] == ("臺灣車站",)
    assert len(offered) > 1
    assert part.count == 1
    rule, message = refused(path)
    assert rule == "encoding"
    assert "big5: 臺灣車站" in message
    assert read(path, Choice(encoding="big5")).frame["name"].tolist() == ["臺灣車站"]


def test_one_chinese_word_is_enough_to_tell_utf_8(tmp_path: Path) -> None:
    path = write(tmp_path, "name,lon,lat\n西侧,117.35,39.12\n")
    assert read(path).frame["name"].tolist() == ["西侧"]
    # C4 A3 is 模 in GBK; as UTF-8 it would be the Latvian letter ģ alone.
    path = write(tmp_path, "name,lon,lat\n模,117.35,39.12\n".encode("gbk"))
    assert read(path).frame["name"].tolist() == ["模"]


def test_cells_in_two_encodings_are_each_read_by_their_own(tmp_path: Path) -> None:
    lines = [line.encode("gbk" if at % 2 else "utf-8") for at, line in enumerate(STOPS.split("\n"))]
    raw = read(write(tmp_path, b"\n".join(lines)))
    assert raw.frame["站名"].tolist() == ["海河东路站", "张贵庄路站", "新立街道站"]
    assert raw.frame["日期"].tolist()[2] == "2024-05-03"


def test_an_encoding_chosen_wrongly_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, STOPS.encode("gbk"))
    assert refused(path, Choice(encoding="utf-8")) == (
        "encoding",
        "the file is not written in utf-8; choose another encoding, or save as UTF-8",
    )
    assert refused(path, Choice(encoding="rot13"))[1].startswith("unknown encoding 'rot13'")
    assert read(path, Choice(encoding="GBK")).problems == ()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_quoted_new_lines_are_understood(
    tmp_path: Path, separator: str, end: str
) -> None:
    rows = [
        ["站名", "备注", "经度", "纬度"],
        ["海河", f'"第一行{end}第二行{separator}""好"""', "117.35", "39.12"],
        ["津滨", "", "117.36", "39.13"],
    ]
    raw = read(write(tmp_path, end.join(separator.join(row) for row in rows) + end))
    assert raw.frame["备注"].tolist()[0] == f'第一行{end}第二行{separator}"好"'
    assert places(raw) == [(117.35, 39.12), (117.36, 39.13)]


def test_empty_and_doubled_headings_are_numbered(tmp_path: Path) -> None:
    raw = read(write(tmp_path, "名称,,名称,geometry,lon,lat\na,b,c,d,117.35,39.12\n"))
    assert raw.frame.columns.tolist() == [
        "名称",
        "column 2",
        "名称 (2)",
        "geometry (2)",
        "lon",
        "lat",
        "geometry",
    ]
    assert raw.frame.iloc[0, :4].tolist() == ["a", "b", "c", "d"]


def test_a_title_above_the_header_is_left_out_and_rows_keep_their_numbers(tmp_path: Path) -> None:
    title = "2024 年公交站点一览表,,,\n单位：个,,,\n,,,\n"
    text = f"{title}站名,经度,纬度,等级\nA,117.35,39.12,一\n,,,\nB,,39.13,二\n"
    raw = read(write(tmp_path, text))
    assert raw.frame.columns.tolist()[:4] == ["站名", "经度", "纬度", "等级"]
    assert raw.frame["站名"].tolist() == ["A", "B"]
    assert raw.frame.index.tolist() == [1, 2]
    (problem,) = raw.problems
    assert (problem.feature, problem.rule) == ("2", "coordinates")
    assert problem.message.startswith("row 7: 经度 is empty, 纬度 is '39.13'; wanted is a number")
    assert problem.in_("zh").startswith(
        "站点.csv 要素 2：第 7 行：经度 为空，纬度 为“39.13”；应为数值"
    )


def test_years_may_name_columns(tmp_path: Path) -> None:
    raw = read(write(tmp_path, "名称,经度,纬度,2020,2021,2022\nA,117.35,39.12,1,2,3\n"))
    assert raw.frame.columns.tolist()[:6] == ["名称", "经度", "纬度", "2020", "2021", "2022"]


@pytest.mark.parametrize(
    "text", ["A,117.35,39.12\nB,117.36,39.13\n", "117.35,39.12\n", "1,2\n3,4\n"]
)
def test_a_table_without_a_header_is_refused(tmp_path: Path, text: str) -> None:
    assert refused(write(tmp_path, text))[0] == "header"


def test_rows_without_coordinates_are_kept_and_all_named(tmp_path: Path) -> None:
    text = '站名,经度,纬度\nA,117.35,39.12\nB,,\nC,无,39.1\nD,"117,4",39.1\nE,nan,inf\n合计,,\n'
    raw = read(write(tmp_path, text), Choice(x="经度", y="纬度"))
    assert places(raw) == [(117.35, 39.12), None, None, None, None, None]
    assert [problem.feature for problem in raw.problems] == ["2", "3", "4", "5", "6"]
    assert "经度 is '117,4'" in raw.problems[2].message
    assert raw.frame["站名"].tolist() == ["A", "B", "C", "D", "E", "合计"]


def test_a_row_with_too_many_cells_is_not_placed(tmp_path: Path) -> None:
    text = "lon,lat,name\n117.35,39.12,A\n117.36,39.13,B,西侧\n117.37,39.14,C,\n"
    raw = read(write(tmp_path, text))
    assert places(raw) == [(117.35, 39.12), None, (117.37, 39.14)]
    (problem,) = raw.problems
    assert problem.message.startswith("row 3 has more cells than the header, which names 3 columns")


def test_a_table_without_coordinates_has_no_geometry_and_no_complaints(tmp_path: Path) -> None:
    path = write(tmp_path, "街道,人口\n张贵庄,1200\n新立,3400\n")
    part = inspected(path)
    assert (part.geometry, part.bounds, part.x, part.y) == (None, None, "", "")
    raw = read(path)
    assert raw.frame.geometry.isna().all()
    assert raw.problems == ()


def test_the_columns_chosen_are_taken(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b,lon,lat\n1.5,2.5,117.35,39.12\n")
    assert places(read(path, Choice(x="a", y="b"))) == [(1.5, 2.5)]
    rule, message = refused(path, Choice(x="lng", y="lat"))
    assert rule == "column"
    assert message.startswith("unknown column 'lng' (did you mean 'lon'?); known columns are 'a'")
    assert refused(path, Choice(y="lat"))[0] == "column"


@pytest.mark.parametrize(
    "content, rule",
    [
        (b"", "empty"),
        (b"\r\n \r\n", "empty"),
        ("名称,经度,纬度\n".encode(), "empty"),
        (b'name,lon\n"a,1\n', "csv"),
        (b'name,lon\n"a"b,1\n', "csv"),
        (b"a,b\n\x00\x01,2\n", "csv"),
        ("a,b\n站,2\n".encode("utf-16-le"), "csv"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "xls"),
        (b"PK\x03\x04 and no more", "archive"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, rule: str) -> None:
    assert refused(write(tmp_path, content))[0] == rule


def test_a_table_beyond_the_limits_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, STOPS)
    assert refused(path, limits=Limits(features=2))[0] == "features"
    tables.read(path, "站点.csv", Choice(), Limits(features=3))
    assert refused(write(tmp_path, "a," * 2_000 + "b\n", "wide"))[0] == "columns"
    monkeypatch.setattr("layers.formats.sheets.MOST_CELLS", 22)  # 24 cells are filled, less one
    assert refused(path)[0] == "cells"
    with path.open("ab") as file:
        file.truncate(1024 * 1024 + 1)
    assert refused(path, limits=Limits(file_mb=1))[0] == "file_mb"


# ---- coordinates ----


@pytest.mark.parametrize(
    "columns, expected",
    [
        ({"经度": "117.3", "纬度": "39.1"}, ("经度", "纬度")),
        ({"纬度(°)": "39.1", "经度(°)": "117.3"}, ("经度(°)", "纬度(°)")),
        ({"lat": "39.1", "lng": "117.3"}, ("lng", "lat")),
        ({"stop_lat": "39.1", "stop_lon": "117.3"}, ("stop_lon", "stop_lat")),
        ({"Longitude": "-46.6", "Latitude": "-23.5"}, ("Longitude", "Latitude")),
        ({"wgsLat": "39.1", "gcjLat": "39.1", "wgsLon": "1", "gcjLon": "2"}, ("wgsLon", "wgsLat")),
        ({"X": "117.3", "Y": "39.1"}, ("X", "Y")),
        ({"X": "39.1", "Y": "117.3"}, ("Y", "X")),
        ({"X": "530000.1", "Y": "4330000.2"}, ("X", "Y")),
        ({"X": "4330000.2", "Y": "530000.1"}, ("Y", "X")),
        ({"X坐标": "4330000.2", "Y坐标": "39530000.1"}, ("Y坐标", "X坐标")),
        ({"X(北)": "4330000.2", "Y(东)": "530000.1"}, ("Y(东)", "X(北)")),
        ({"东坐标": "530000", "北坐标": "4330000"}, ("东坐标", "北坐标")),
        ({"纵坐标": "4330000", "横坐标": "530000"}, ("横坐标", "纵坐标")),
        ({"POINT_X": "2690000", "POINT_Y": "1220000"}, ("POINT_X", "POINT_Y")),
        ({"经度": "39.1", "纬度": "117.3"}, ("经度", "纬度")),  # a name is believed; the gate looks
        ({"坐标": "117.35,39.12"}, ("坐标", "")),
        ({"location": "[117.35, 39.12]"}, ("location", "")),
        ({"甲": "39.123", "乙": "117.345"}, ("乙", "甲")),
        ({"甲": "4330000", "乙": "530000"}, ("乙", "甲")),
        ({"甲": "39530000", "乙": "4330000"}, ("甲", "乙")),
        ({"经度": "117°21′00″E", "纬度": "39°07′12″N"}, ("经度", "纬度")),
        ({"经度": "东边", "纬度": "北边"}, ("", "")),
        ({"人口": "117.5", "面积": "39.2"}, ("", "")),  # in range, yet not as fine as places are
        ({"人口": "117.345", "面积": "39.123", "长": "38.456"}, ("", "")),  # two could be latitudes
        ({"balloon": "117.345", "platform": "1"}, ("", "")),
        ({"wkt": "POINT (117.35 39.12)", "lon": "1", "lat": "2"}, ("wkt",)),
        ({"图形": '{"type": "Point", "coordinates": [117.35, 39.12]}'}, ("图形",)),
        ({"shape": "SRID=4490;MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)))"}, ("shape",)),
    ],
)
def test_columns_with_coordinates_are_proposed(
    columns: dict[str, str], expected: tuple[str, ...]
) -> None:
    found = proposal({"id": ["1"], "名称": ["站"], **{k: [v] for k, v in columns.items()}})
    said = (found.wkt,) if found.wkt else (found.x, found.y)
    assert said == expected


@pytest.mark.parametrize(
    "text, value",
    [
        ("117.35", 117.35),
        ("-46.6", -46.6),
        ("１１７．３５", 117.35),
        ("117°21′00″", 117.35),
        ("117°21'00\"E", 117.35),
        ("117度21分0秒", 117.35),
        ("东经117°21′", 117.35),
        ("E117°21.5'", 117 + 21.5 / 60),
        ("23°33'14.48\"S", -(23 + 33 / 60 + 14.48 / 3600)),
        ("46.6W", -46.6),
        ("117° 21' 00''", 117.35),
        ("1.1735E+02", 117.35),
        ("4330000.125", 4330000.125),
        ("117°61′00″", None),
        ("181°00′00″", None),
        ("-117°21′W", None),
        ("117,35", None),
        ("1,170,000", None),
        ("117:21:00", None),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("9" * 400, None),
        ("无", None),
        ("", None),
    ],
)
def test_a_coordinate_is_a_number_or_an_angle(text: str, value: float | None) -> None:
    found = number(text)
    assert found == (value if value is None else pytest.approx(value, abs=1e-12))


@given(
    degrees=st.integers(0, 179), minutes=st.integers(0, 59), tenths=st.integers(0, 599),
    sign=st.sampled_from(["", "-"]),
)  # fmt: skip
def test_degrees_minutes_and_seconds_come_back(
    degrees: int, minutes: int, tenths: int, sign: str
) -> None:
    found = number(f"{sign}{degrees}°{minutes:02}′{tenths / 10:04.1f}″")
    expected = (degrees * 36_000 + minutes * 600 + tenths) / 36_000
    assert found == pytest.approx(-expected if sign else expected, abs=1e-9)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("117.35,39.12", (117.35, 39.12)),
        ("39.12，117.35", (39.12, 117.35)),  # in the order in which they stand
        ("117.35 39.12", (117.35, 39.12)),
        ("（117.35；39.12）", (117.35, 39.12)),
        ("39°07′12″N, 117°21′00″E", (117.35, 39.12)),
        ("530000,4330000", (530000, 4330000)),
        ("117,35", None),
        ("117.35", None),
        ("117.35,39.12,3.5", None),
        ("海河,东路", None),
        ("(" * 5000, None),
    ],
)
def test_both_coordinates_may_stand_in_one_cell(
    text: str, expected: tuple[float, float] | None
) -> None:
    found = pair(text)
    assert found == (expected if expected is None else pytest.approx(expected, abs=1e-12))


def test_a_column_with_both_coordinates_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, '站名,坐标\nA,"117.35,39.12"\nB,117.36 39.13\nC,不详\n')
    part = inspected(path)
    assert (part.x, part.y, part.geometry) == ("", "", None)  # a third is none: it must be chosen
    raw = read(path, Choice(x="坐标"))
    assert places(raw) == [(117.35, 39.12), (117.36, 39.13), None]
    assert raw.problems[0].message == (
        "row 4: 坐标 is '不详'; wanted is both coordinates, such as 117.35,39.12"
    )


def test_geometry_as_text_is_read_with_the_crs_that_it_names(tmp_path: Path) -> None:
    polygon = {"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 2], [0, 0]]]}
    cells = [
        "SRID=4490;POINT Z (117.35 39.12 5)",
        "srid=4490;POINT (1 2)",
        "POLYGON ((0 0, 1 0, 1 1, 0 0))",
        json.dumps(polygon),
        "POLYGON ((0 0, 1 0",
        "POINT EMPTY",
        "POINT (inf 1)",
        '{"type": "Point", "coordinates": [NaN, 1]}',
        '{"type": "Point"}',
        "GEOMETRYCOLLECTION (" * 5_000 + ")" * 5_000,
        "",
    ]
    rows = "".join('n,"' + cell.replace('"', '""') + '"\n' for cell in cells)
    raw = read(write(tmp_path, "name,wkt\n" + rows), Choice(wkt="wkt"))
    found = [None if shape is None else shape.wkt for shape in raw.frame.geometry]
    assert found[0] == "POINT (117.35 39.12)"
    assert found[2] == "POLYGON ((0 0, 1 0, 1 1, 0 0))"
    assert found[3] == "POLYGON ((0 0, 2 0, 2 2, 0 0))"
    assert found[4:] == [None] * 7
    assert [problem.feature for problem in raw.problems if problem.rule == "coordinates"] == [
        str(row) for row in (2, *range(5, 12)) if found[row - 1] is None
    ]
    only = write(tmp_path, 'name,shape\na,"SRID=4490;POINT (1 2)"\n')
    assert inspected(only).crs == "EPSG:4490"
    assert inspected(only).wkt == "shape"
    assert inspected(only).geometry == "point"
    assert read(only).crs == "EPSG:4490"


def test_geometry_with_too_many_vertices_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, 'a,wkt\n1,"LINESTRING (0 0, 1 1, 2 2)"\n')
    assert refused(path, limits=Limits(vertices=2))[0] == "vertices"


# ---- XLSX ----

Fill = Callable[[Worksheet], None]
SHEET = "xl/worksheets/sheet1.xml"
LAUGHS = '<!ENTITY a "ha"><!ENTITY b "&a;&a;">'
OUTSIDE = '<!ENTITY a SYSTEM "file:///etc/passwd">'


def workbook(folder: Path, *fills: Fill, titles: Sequence[str] = ("站点", "街道")) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, fill in zip(titles, fills, strict=False):
        fill(book.create_sheet(title))
    path = folder / "upload.bin"
    book.save(path)
    return path


def edited(path: Path, member: str, old: str, new: str) -> Path:
    """Replace a pattern in a member of a workbook; it must be there."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    text, count = re.subn(old, new, members[member].decode())
    assert count
    members[member] = text.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def stops_sheet(sheet: Worksheet) -> None:
    sheet["A1"] = "2024 年公交站点一览表"
    sheet.merge_cells("A1:F1")
    sheet.append(["编号", "站名", "经度", "纬度", "建成", "候车亭"])
    sheet.append(["0301", "海河东路站", 117.35, 39.12, dt.datetime(2024, 5, 1), True])  # noqa: DTZ001
    sheet.append([302, "张贵庄路站", 117.36, 39.13, dt.datetime(2024, 5, 2, 8, 30), False])  # noqa: DTZ001
    sheet.append(["0303", None, None, 39.14, None, None])


def districts_sheet(sheet: Worksheet) -> None:
    sheet.append(["街道", "人口", "占比"])
    sheet.append(["新立", 1200, 0.00001])
    sheet.append(["万新", 3400, 0.25])


def test_a_workbook_has_a_part_for_each_sheet_with_data(tmp_path: Path) -> None:
    path = workbook(
        tmp_path,
        stops_sheet,
        districts_sheet,
        lambda _: None,
        lambda sheet: sheet.append(["名称", "经度", "纬度"]),
        titles=("站点", "街道", "空", "只有表头"),
    )
    found = tables.inspect(path, "数据.xlsx", LIMITS)
    assert [(part.name, part.kind, part.geometry, part.count) for part in found] == [
        ("站点", "table", "point", 3),
        ("街道", "table", None, 2),
    ]
    assert found[0].bounds == (117.35, 39.12, 117.36, 39.13)
    assert (found[0].x, found[0].y) == ("经度", "纬度")
    kinds = {field.name: field.kind for field in found[0].fields}
    assert (kinds["编号"], kinds["经度"], kinds["建成"]) == ("text", "number", "date")


def test_a_sheet_is_read_below_its_title(tmp_path: Path) -> None:
    path = workbook(tmp_path, stops_sheet, districts_sheet)
    raw = read(path, Choice(part="站点"), "数据.xlsx")
    assert raw.frame["编号"].tolist() == ["0301", "302", "0303"]
    assert raw.frame["建成"].tolist()[:2] == ["2024-05-01", "2024-05-02T08:30:00"]
    assert raw.frame["候车亭"].tolist()[:2] == ["TRUE", "FALSE"]
    assert places(raw) == [(117.35, 39.12), (117.36, 39.13), None]
    (problem,) = raw.problems
    assert str(problem).startswith("数据.xlsx [站点] feature 3: row 5: 经度 is empty")
    districts = read(path, Choice(part="街道"), "数据.xlsx").frame
    assert districts["人口"].tolist() == [1200, 3400]
    assert districts["占比"].tolist() == [0.00001, 0.25]


def test_of_several_sheets_one_must_be_chosen(tmp_path: Path) -> None:
    path = workbook(tmp_path, stops_sheet, districts_sheet)
    rule, message = refused(path)
    assert rule == "part"
    assert "'站点', '街道'" in message
    assert refused(path, Choice(part="Sheet1"))[0] == "part"


def test_a_code_shown_with_leading_noughts_keeps_them(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        sheet.append(["代码", "lon", "lat"])
        sheet.append([301, 117.35, 39.12])
        sheet["A2"].number_format = "0000"

    assert read(workbook(tmp_path, fill)).frame["代码"].tolist() == ["0301"]


def test_a_formula_counts_with_its_stored_result_or_is_named(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        sheet.append(["名称", "lon", "lat", "合计"])
        sheet.append(["A", 117.35, 39.12, "=1+1"])
        sheet.append(["B", 117.36, "=39+0.13", 5])
        sheet.append(["C", 117.37, 39.14, '=""'])
        sheet.append(["D", 117.38, 39.15, "=1/0"])

    path = workbook(tmp_path, fill, titles=["站点"])
    edited(path, SHEET, r"<f>1\+1</f><v ?/>", "<f>1+1</f><v>2</v>")
    edited(path, SHEET, r'r="D4"><f>""</f><v ?/>', 'r="D4" t="str"><f>""</f><v></v>')
    edited(path, SHEET, r'r="D5"><f>1/0</f><v ?/>', 'r="D5" t="e"><f>1/0</f><v>#DIV/0!</v>')
    raw = read(path)
    assert raw.frame["合计"].isna().tolist() == [False, False, True, True]
    assert raw.frame["合计"].tolist()[:2] == [2, 5]
    assert places(raw) == [(117.35, 39.12), None, (117.37, 39.14), (117.38, 39.15)]
    assert [(p.feature, p.rule) for p in raw.problems] == [
        ("2", "formula"),
        ("4", "formula"),
        ("2", "coordinates"),
    ]
    assert raw.problems[0].message.startswith("row 3: no result is stored for the formula in lat;")


def test_a_workbook_as_excel_writes_it_is_read(tmp_path: Path) -> None:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    members = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels"'
        f' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/>'
        f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}.sharedStrings+xml"/>'
        "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1"'
        f' Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="站点" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="r2" Type="{office}/sharedStrings" Target="sharedStrings.xml"/>'
        "</Relationships>",
        "xl/sharedStrings.xml": f'<sst xmlns="{main}"><si><t>站名</t></si><si><t>经度</t></si>'
        "<si><t>纬度</t></si><si><r><t>海河</t></r><r><t>东路</t></r></si></sst>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData><row r="2">'
        '<c r="B2" t="s"><v>0</v></c><c r="C2" t="s"><v>1</v></c><c r="D2" t="s"><v>2</v></c></row>'
        '<row r="3"><c r="B3" t="s"><v>3</v></c><c r="C3"><v>117.35</v></c><c r="D3"><f>39+0.12</f>'
        "<v>39.12</v></c></row></sheetData></worksheet>",
    }
    path = tmp_path / "upload"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
    raw = read(path)
    assert raw.frame.columns.tolist() == ["站名", "经度", "纬度", "geometry"]  # A is empty
    assert raw.frame["站名"].tolist() == ["海河东路"]
    assert places(raw) == [(117.35, 39.12)]
    assert raw.problems == ()
    edited(path, SHEET, r"<(/?)(?=\w)", r"<\1x:")
    edited(path, SHEET, "xmlns=", "xmlns:x=")
    assert places(read(path)) == [(117.35, 39.12)]
    edited(path, SHEET, 't="s"><x:v>3<', 't="s"><x:v>9<')
    assert refused(path)[0] == "xlsx"


def test_days_moments_and_times_are_written_as_iso_does(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        sheet.append(["站", "时刻", "时长", "远"])
        sheet.append(["A", dt.datetime(2024, 5, 1, 8, 30), dt.timedelta(hours=36), 9e9])  # noqa: DTZ001
        sheet.append(["B", dt.time(6, 15), dt.timedelta(hours=12), 9e9])
        sheet["D2"].number_format = sheet["D3"].number_format = "yyyy-mm-dd"

    for epoch in (CALENDAR_WINDOWS_1900, CALENDAR_MAC_1904):
        book = openpyxl.Workbook()
        book.epoch = epoch
        fill(book.worksheets[0])
        book.save(tmp_path / "upload")
        frame = read(tmp_path / "upload").frame
        assert frame["时刻"].tolist() == ["2024-05-01T08:30:00", "06:15:00"]
        assert frame["时长"].tolist() == [1.5, 0.5]  # days
        assert frame["远"].tolist() == [9_000_000_000, 9_000_000_000]


def test_a_sheet_of_charts_is_passed_over(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    stops_sheet(book.worksheets[0])
    book.create_chartsheet("图").add_chart(BarChart())
    path = tmp_path / "upload"
    book.save(path)
    assert [part.name for part in tables.inspect(path, "a.xlsx", LIMITS)] == ["Sheet"]


def test_a_dimension_that_lies_is_not_believed(tmp_path: Path) -> None:
    path = workbook(tmp_path, stops_sheet, titles=["站点"])
    for said in ("A1:A1", "A1:XFD1048576"):
        edited(path, SHEET, r'<dimension ref="[^"]*"', f'<dimension ref="{said}"')
        assert len(read(path).frame) == 3


@pytest.mark.parametrize(
    "member, old, new, rule",
    [
        (SHEET, "<worksheet", f"<!DOCTYPE x [{LAUGHS}]><worksheet", "entities"),
        ("xl/styles.xml", "<styleSheet", f"<!DOCTYPE x [{OUTSIDE}]><styleSheet", "entities"),
        ("xl/workbook.xml", "<workbook ", "<!DOCTYPE x []><workbook ", "entities"),
        ("_rels/.rels", "<Relationships", "<!DOCTYPE x []><Relationships", "entities"),
        (SHEET, 'r="A1"', 'r="ZZZZZZ1"', "columns"),
        (SHEET, '<row r="5"', '<row r="9999999999"', "rows"),
        (SHEET, "</sheetData>", "", "xlsx"),
        (SHEET, "<v>117.35</v>", "<v>east</v>", "xlsx"),
        (SHEET, 't="n"><v>117.35</v>', 't="s"><v>999</v>', "xlsx"),
        ("xl/workbook.xml", "<sheets>", "<sheet>", "xlsx"),
        ("xl/_rels/workbook.xml.rels", "/xl/worksheets/sheet1.xml", "../../sheet.xml", "xlsx"),
        ("_rels/.rels", "officeDocument", "thumbnail", "xlsx"),
    ],
)  # fmt: skip
def test_a_hostile_or_broken_workbook_is_refused(
    tmp_path: Path, member: str, old: str, new: str, rule: str
) -> None:
    path = workbook(tmp_path, stops_sheet, titles=["站点"])
    assert refused(edited(path, member, re.escape(old), new))[0] == rule


def test_a_bomb_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    path = workbook(tmp_path, stops_sheet)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings2.xml", b" " * 30_000_000)
    assert refused(path)[0] == "ratio"
    assert refused(path, limits=Limits(unpacked_mb=20))[0] == "unpacked_mb"
    assert refused(path, limits=Limits(entries=3))[0] == "entries"


def test_a_link_to_another_file_is_not_followed(tmp_path: Path) -> None:
    other = workbook(tmp_path, districts_sheet)
    other.rename(tmp_path / "other.xlsx")

    def fill(sheet: Worksheet) -> None:
        sheet.append(["名称", "lon", "lat", "外"])
        sheet.append(["A", 117.35, 39.12, f"='{tmp_path}/[other.xlsx]街道'!B2"])

    raw = read(workbook(tmp_path, fill))
    assert raw.frame["外"].isna().all()
    assert [problem.rule for problem in raw.problems] == ["formula"]


@pytest.mark.parametrize("seed", range(30))
def test_a_mutated_table_is_read_or_refused_and_nothing_else(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - bytes to break, no secrets
    sources = [
        STOPS.encode(),
        STOPS.encode("gbk"),
        workbook(tmp_path, stops_sheet, districts_sheet).read_bytes(),
    ]
    content = bytearray(chance.choice(sources))
    for _ in range(chance.randint(1, 12)):
        at = chance.randrange(len(content))
        content[at : at + chance.randint(0, 3)] = bytes(chance.randrange(256) for _ in range(2))
    path = write(tmp_path, bytes(content), "mutated")
    for run in (lambda: tables.inspect(path, "站点.csv", LIMITS), lambda: read(path)):
        with suppress(InputError):
            run()
