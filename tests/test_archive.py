"""Zip archives that a planner brings in: hostile ones do no harm, odd ones are read."""

import contextlib
import io
import os
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers import InputError
from layers.formats import Choice, Found
from layers.formats.archive import members
from layers.limits import Limits
from layers.reader import Reader
from tests.shapefiles import PLACES, dbf, shp, zipped

WHERE = "上传.zip"
SHP, SHX = shp(PLACES[:2])
DBF = dbf([b"NAME"], [[b"A"], [b"B"]])
SHAPEFILE = {"stops.shp": SHP, "stops.shx": SHX, "stops.dbf": DBF}
MEGABYTE = 1024 * 1024

Inspect = Callable[[bytes], Found]
Refuse = Callable[[bytes], str]


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as reader:
        yield reader


@pytest.fixture
def inspect(reader: Reader, tmp_path: Path) -> Inspect:
    def inspect_it(content: bytes) -> Found:
        (tmp_path / "upload").write_bytes(content)
        return reader.inspect(tmp_path / "upload", WHERE)

    return inspect_it


@pytest.fixture
def refused(inspect: Inspect, tmp_path: Path) -> Refuse:
    """The one line by which an archive is refused, without a path of this machine."""

    def refuse(content: bytes) -> str:
        with pytest.raises(InputError) as error:
            inspect(content)
        (problem,) = error.value.problems
        assert problem.zh
        for line in (problem.in_("en"), problem.in_("zh")):
            assert line.startswith(WHERE)
            assert str(tmp_path.anchor + tmp_path.parts[1]) not in line
            assert "planmap-reader" not in line
            assert "Traceback" not in line
        return problem.in_("en")

    return refuse


def names(found: Found) -> list[str]:
    return [part.name for part in found.parts]


def test_a_shapefile_in_a_folder_is_found(inspect: Inspect) -> None:
    found = inspect(zipped({f"数据/2023/{name}": content for name, content in SHAPEFILE.items()}))
    assert found.format == "shapefile"
    assert names(found) == ["stops"]
    assert found.parts[0].count == 2


def test_several_shapefiles_are_several_parts(reader: Reader, tmp_path: Path) -> None:
    other, index = shp(PLACES[:5])
    files = {**SHAPEFILE, "a/land.shp": other, "a/land.shx": index, "b/LAND.SHP": SHP}
    files["b/LAND.SHX"] = SHX
    path = tmp_path / "upload"
    path.write_bytes(zipped(files))
    found = reader.inspect(path, WHERE)
    assert {part.name: part.count for part in found.parts} == {"stops": 2, "land": 5, "LAND": 2}
    assert len(reader.read(path, WHERE, Choice(part="land")).frame) == 5
    with pytest.raises(InputError, match="holds several parts; choose one; the parts are 'stops'"):
        reader.read(path, WHERE, Choice())
    with pytest.raises(InputError, match="there is no part 'roads'; the parts are"):
        reader.read(path, WHERE, Choice(part="roads"))


def test_shapefiles_of_one_name_are_told_by_their_folders(inspect: Inspect) -> None:
    files = {f"{year}/{name}": data for year in (2022, 2023) for name, data in SHAPEFILE.items()}
    assert names(inspect(zipped(files))) == ["2022/stops", "2023/stops"]


def test_names_that_windows_wrote_in_gbk_are_read(inspect: Inspect) -> None:
    # As Windows' own zip writes them: GBK bytes and no UTF-8 flag.
    plain = zipped({name.replace("stops", "XXXX"): data for name, data in SHAPEFILE.items()})
    assert names(inspect(plain.replace(b"XXXX", "站点".encode("gbk")))) == ["站点"]
    # As macOS writes them: UTF-8 and no flag; with what it leaves beside.
    names_8 = {name.replace("stops", "XXXXXX"): data for name, data in SHAPEFILE.items()}
    mac = zipped({**names_8, "__MACOSX/._XXXXXX.shp": b"\0\5\x16\7", ".DS_Store": b"x"})
    assert names(inspect(mac.replace(b"XXXXXX", "站点".encode()))) == ["站点"]


def test_backslashes_in_paths_are_folders(inspect: Inspect) -> None:
    content = zipped({f"data/{name}": data for name, data in SHAPEFILE.items()})
    assert names(inspect(content.replace(b"data/stops", b"data\\stops"))) == ["stops"]


@pytest.mark.parametrize(
    "name",
    ["../stops.shp", "a/../../etc/stops.shp", "/etc/stops.shp", "C:\\stops.shp", "..\\x.shp"],
)
def test_a_path_that_leads_out_is_refused(name: str, refused: Refuse, tmp_path: Path) -> None:
    before = sorted(tmp_path.parent.iterdir())
    assert "leads out of the archive" in refused(zipped({**SHAPEFILE, name: b"evil"}))
    assert sorted(tmp_path.parent.iterdir()) == before


def test_a_link_is_refused(refused: Refuse) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("stops.shp")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert "is a link to another file" in refused(out.getvalue())


def test_a_password_is_refused(refused: Refuse) -> None:
    content = bytearray(zipped(SHAPEFILE))
    at = content.find(b"PK\x01\x02")
    content[at + 8] |= 1  # the flag of encryption, in the directory
    assert "has a password" in refused(bytes(content))


def test_an_archive_in_the_archive_is_refused(refused: Refuse) -> None:
    line = refused(zipped({"inner.zip": zipped(SHAPEFILE)}))
    assert "holds another archive ('inner.zip'); unpack that and zip the data" in line


def test_ten_thousand_files_are_refused(refused: Refuse) -> None:
    files = {f"{number}.txt": b"" for number in range(10_000)}
    line = refused(zipped({**SHAPEFILE, **files}))
    assert "the archive holds 10,003 files, at most 2,000 are read" in line
    assert "[pack.limits].entries" in line


def test_a_directory_of_millions_of_entries_is_refused_unread(tmp_path: Path) -> None:
    # Only the last record: it says that the directory has 200 MB.
    end = b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 60_000, 60_000, 200 * MEGABYTE, 0, 0)
    (tmp_path / "x").write_bytes(b"PK\x03\x04" + bytes(100) + end)
    with pytest.raises(InputError, match="the archive holds 60,000 files"):
        members(tmp_path / "x", WHERE, Limits())


def test_a_bomb_is_refused_by_its_ratio(refused: Refuse) -> None:
    line = refused(zipped({**SHAPEFILE, "zeros.shp": bytes(60 * MEGABYTE)}))
    assert "times when unpacked, at most 200 is taken for honest" in line


def test_a_bomb_is_refused_by_its_size(tmp_path: Path) -> None:
    content = zipped({**SHAPEFILE, "noise.txt": os.urandom(3 * MEGABYTE)})
    (tmp_path / "upload").write_bytes(content)
    with (
        Reader(Limits(unpacked_mb=2)) as reader,
        pytest.raises(InputError, match=r"holds 3 MB, at most 2 are read.*unpacked_mb in layers"),
    ):
        reader.inspect(tmp_path / "upload", WHERE)


def test_a_small_table_of_blanks_is_no_bomb(inspect: Inspect) -> None:
    blanks = dbf([b"NAME"] * 20, [[b""] * 20] * 20, width=250)
    shapes, index = shp(PLACES)
    found = inspect(zipped({"a.shp": shapes, "a.shx": index, "a.dbf": blanks}))
    assert found.parts[0].count == 20


def test_a_size_that_lies_stops_the_unpacking(refused: Refuse) -> None:
    content = bytearray(zipped({**SHAPEFILE, "stops.shp": SHP + bytes(5 * MEGABYTE)}))
    directory = content.find(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = struct.pack("<L", 200)  # the size, in the directory
    assert "the archive is damaged" in refused(bytes(content))


def test_a_wrong_checksum_is_refused(refused: Refuse) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in SHAPEFILE.items():
            archive.writestr(name, data)
    content = out.getvalue()
    at = content.find(SHP) + 60
    assert "the archive is damaged" in refused(content[:at] + b"\x7f" + content[at + 1 :])


@pytest.mark.parametrize(
    "files,line",
    [
        ({"a.dbf": DBF, "a.shx": SHX}, "holds parts of a shapefile but no .shp"),
        ({"a.geojson": b"{}"}, "'a.geojson' needs no archive; take it out"),
        ({"readme.doc": b"x"}, "holds nothing that is read"),
        ({}, "holds nothing that is read"),
    ],
)
def test_what_an_archive_lacks_is_said(files: dict[str, bytes], line: str, refused: Refuse) -> None:
    assert line in refused(zipped(files))


def test_nothing_of_an_archive_stays_behind(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(zipped(SHAPEFILE))
    reader.read(path, WHERE, Choice())
    left = [p for p in reader._folder.rglob("*") if p.is_file()]
    assert left == []


@given(st.data())
def test_no_change_of_bytes_raises_anything_but_a_line(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(zipped(SHAPEFILE))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("zip") / "x"
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        assert all(member.size >= 0 for member in members(path, WHERE, Limits()))
