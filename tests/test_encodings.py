"""Chinese texts in shapefiles: read right, or asked about; never garbled."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers import InputError
from layers.formats import Choice, Part, Raw
from layers.formats.encoding import Cell, named, settle
from layers.reader import Reader
from tests.shapefiles import shapefile_zip

NAMES = ["新立街道", "军粮城", "海河", "居住用地", "无瑕街道", "张贵庄"]
USES = ["一类居住用地", "商业服务业", "河流水面", "0701", "公园绿地", "道路"]
RARE = ["㐂寿村", "𠮷野", "堼上", "新立", "军粮城", "海河"]  # the first two: GB18030's long letters
FIELDS = ["名称", "CODE"]
GB_MARK, ANSI_MARK, NO_MARK = 0x4D, 0x57, 0


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as reader:
        yield reader


Looked = tuple[Part, Callable[[str], Raw]]
Look = Callable[[bytes], Looked]


@pytest.fixture
def look(reader: Reader, tmp_path: Path) -> Look:
    """Inspect a zipped shapefile; its one part, and how to read it in an encoding."""

    def look_into(content: bytes) -> Looked:
        path = tmp_path / "upload"
        path.write_bytes(content)
        (part,) = reader.inspect(path, "地块.zip").parts
        return part, lambda encoding: reader.read(path, "地块.zip", Choice(encoding=encoding))

    return look_into


@dataclass(frozen=True)
class Case:
    """A shapefile: in which encoding the rows are (one for all, or one for each), what it says."""

    encodings: Sequence[str]
    cpg: str | None
    mark: int = NO_MARK
    names: Sequence[str] = tuple(NAMES)

    def content(self) -> bytes:
        each = [self.encodings[i % len(self.encodings)] for i in range(len(self.names))]
        rows = [
            [name.encode(code), use.encode(code)]
            for name, use, code in zip(self.names, USES, each, strict=True)
        ]
        fields = [field.encode(self.encodings[0]) for field in FIELDS]
        return shapefile_zip(fields, rows, cpg=self.cpg, language_driver=self.mark)


CASES = {
    "GBK with .cpg": Case(["gbk"], "GBK"),
    "GBK with the number of its code page": Case(["gbk"], "936"),
    "GBK without anything": Case(["gbk"], None),
    "GBK by the language driver": Case(["gbk"], None, GB_MARK),
    "GBK, marked as the writer's own code page": Case(["gbk"], None, ANSI_MARK),
    "GBK, .cpg says UTF-8": Case(["gbk"], "UTF-8"),
    "GBK, .cpg says Latin": Case(["gbk"], "ISO-8859-1", ANSI_MARK),
    "GBK, .cpg says nonsense": Case(["gbk"], "唐诗"),
    "GB18030 with .cpg": Case(["gb18030"], "GB18030", names=RARE),
    "GB18030 without .cpg": Case(["gb18030"], None, names=RARE),
    "GB18030, .cpg says GB2312": Case(["gb18030"], "GB2312", names=RARE),
    "UTF-8 with .cpg": Case(["utf-8"], "UTF-8"),
    "UTF-8 with a mark before its .cpg": Case(["utf-8"], "\ufeffutf-8\r\n"),
    "UTF-8 without .cpg": Case(["utf-8"], None),
    "UTF-8, .cpg says GBK": Case(["utf-8"], "GBK"),
    "UTF-8, the language driver says GBK": Case(["utf-8"], None, GB_MARK),
    "UTF-8, .cpg says Latin": Case(["utf-8"], "ISO-8859-1"),
    "UTF-8 with rare letters": Case(["utf-8"], None, names=RARE),
    "Chinese among rows of ASCII": Case(
        ["gbk"], None, names=["A1", "B2", "海河", "D4", "E5", "F6"]
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_chinese_texts_are_read_right_whatever_the_file_says(case: Case, look: Look) -> None:
    part, read = look(case.content())
    assert part.encodings == ()
    assert [field.name for field in part.fields] == FIELDS
    assert part.fields[0].samples == tuple(case.names[:5])
    raw = read("")
    assert raw.frame["名称"].tolist() == list(case.names)
    assert raw.frame["CODE"].tolist() == USES
    assert raw.problems == ()


def test_texts_that_may_be_two_things_are_asked_about(look: Look) -> None:
    # The UTF-8 bytes of 海河 are three frequent letters in GBK: 娴锋渤.
    part, read = look(shapefile_zip([b"NAME"], [["海河".encode()]]))
    assert {choice.encoding: choice.samples for choice in part.encodings} == {
        "utf-8": ("海河",),
        "gb18030": ("娴锋渤",),
    }
    with pytest.raises(InputError) as refused:
        read("")
    (problem,) = refused.value.problems
    assert problem.rule == "encoding"
    assert "utf-8 (海河) or gb18030 (娴锋渤)" in problem.message
    assert "请选择" in problem.zh
    assert read("utf-8").frame["NAME"].tolist() == ["海河"]
    assert read("gb18030").frame["NAME"].tolist() == ["娴锋渤"]


def test_a_cpg_answers_the_question(look: Look) -> None:
    part, read = look(shapefile_zip([b"NAME"], [["海河".encode()]], cpg="UTF-8"))
    assert part.encodings == ()
    assert read("").frame["NAME"].tolist() == ["海河"]


def test_rows_of_two_encodings_are_each_read_in_their_own(look: Look) -> None:
    names = ["新立街道办事处", "军粮城街道办", "居住用地地块", "无瑕街道办事处"]
    encodings = ["gbk", "utf-8", "gbk", "utf-8"]
    rows = [[name.encode(code)] for name, code in zip(names, encodings, strict=True)]
    part, read = look(shapefile_zip([b"NAME"], rows))
    chosen = part.encodings[0].encoding if part.encodings else ""
    assert read(chosen).frame["NAME"].tolist() == names


def test_rows_of_two_encodings_that_leave_a_doubt_are_asked_about(look: Look) -> None:
    rows = [["新立街道".encode("gbk")], ["海河".encode()], ["军粮城街道办".encode()]]
    part, _ = look(shapefile_zip([b"NAME"], rows))
    first, second = part.encodings
    assert first.samples[0] != second.samples[0]
    assert {"海河", "娴锋渤"} <= {*first.samples, *second.samples}


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
def test_a_letter_cut_by_the_end_of_its_field_is_left_out(encoding: str, look: Look) -> None:
    name = "用地性质代码说明".encode(encoding)[:10]  # GBK holds five letters, UTF-8 three and a bit
    value = ("永久基本农田" * 20).encode(encoding)
    width = 41  # odd, and no multiple of three
    part, read = look(shapefile_zip([name], [[value], ["海河流域".encode(encoding)]], width=width))
    whole_letters = {"gbk": 20, "utf-8": 13}[encoding]
    (column,) = [field.name for field in part.fields]
    assert column == {"gbk": "用地性质代", "utf-8": "用地性"}[encoding]
    chosen = "" if not part.encodings else {"gbk": "gb18030"}.get(encoding, encoding)
    texts = read(chosen).frame[column].tolist()
    assert texts == [("永久基本农田" * 20)[:whole_letters], "海河流域"]


def test_fields_whose_names_become_equal_keep_apart(look: Look) -> None:
    names = ["地块现状用地性质".encode("gbk"), "地块现状用途".encode("gbk")]  # cut to 地块现状用
    part, read = look(shapefile_zip(names, [["居住用地".encode("gbk"), "办公".encode("gbk")]]))
    first, second = (field.name for field in part.fields)
    assert first == "地块现状用"
    assert second != first
    assert read("").frame[second].tolist() == ["办公"]


def test_plain_ascii_asks_nothing(look: Look) -> None:
    part, read = look(shapefile_zip([b"NAME"], [[b"Xinli"], [b"Junliangcheng"]]))
    assert part.encodings == ()
    assert read("").frame["NAME"].tolist() == ["Xinli", "Junliangcheng"]


def test_western_texts_are_read_in_latin_letters(look: Look) -> None:
    names = ["Zürich", "São Paulo", "Grünweg"]
    for encoding, cpg in (("cp1252", None), ("cp1252", "ISO-8859-1"), ("utf-8", None)):
        part, read = look(shapefile_zip([b"NAME"], [[n.encode(encoding)] for n in names], cpg=cpg))
        assert part.encodings == ()
        assert read("").frame["NAME"].tolist() == names


def test_big5_is_read_where_declared_and_asked_about_elsewhere(look: Look) -> None:
    rows = [["臺北市中正區".encode("big5")], ["新北市板橋區".encode("big5")]]
    part, read = look(shapefile_zip([b"NAME"], rows, cpg="BIG5"))
    assert read("").frame["NAME"].tolist() == ["臺北市中正區", "新北市板橋區"]
    part, read = look(shapefile_zip([b"NAME"], rows))
    assert "big5" in [choice.encoding for choice in part.encodings]
    assert read("big5").frame["NAME"].tolist() == ["臺北市中正區", "新北市板橋區"]


def test_a_text_that_is_broken_is_missing_and_named(look: Look) -> None:
    rows = [["新立街道".encode("gbk")], [b"\xd0\xff\xff\xff"], ["军粮城".encode("gbk")]]
    part, read = look(shapefile_zip([b"NAME"], rows))
    assert len(part.encodings) > 1  # no encoding reads it all, so the planner decides
    raw = read("gb18030")
    assert raw.frame["NAME"].isna().tolist() == [False, True, False]
    (problem,) = raw.problems
    assert (problem.feature, problem.rule) == ("2", "encoding")


def test_an_encoding_nobody_offered_is_refused(look: Look) -> None:
    _, read = look(shapefile_zip([b"NAME"], [["海河".encode()]]))
    with pytest.raises(InputError, match="unknown encoding 'rot13'"):
        read("rot13")


@given(st.lists(st.sampled_from(NAMES + USES), min_size=4, max_size=12, unique=True), st.data())
def test_names_of_places_are_never_settled_wrong(names: list[str], data: Any) -> None:  # noqa: ANN401
    encoding = data.draw(st.sampled_from(["gbk", "utf-8"]))
    declared = data.draw(st.sampled_from(["", "utf-8", "gb18030", "cp1252", "big5"]))
    found = settle([Cell(name.encode(encoding)) for name in names], declared)
    right = {"gbk": "gb18030"}.get(encoding, encoding)
    assert found.encoding == right or right in [choice.encoding for choice in found.choices]


@given(st.lists(st.binary(max_size=30), max_size=8), st.sampled_from(["", "utf-8", "gb18030"]))
def test_any_bytes_are_settled_or_offered_in_several_ways(
    texts: list[bytes], declared: str
) -> None:
    found = settle([Cell(text) for text in texts], declared)
    assert bool(found.encoding) != (len(found.choices) > 1)


@pytest.mark.parametrize(
    "said,mark,meant",
    [
        ("UTF-8", 0, "utf-8"),
        ("65001", 0x4D, "utf-8"),
        (" gbk\n", 0, "gb18030"),
        ("CP936", 0, "gb18030"),
        ("Big5", 0, "big5"),
        ("", 0x4D, "gb18030"),
        ("", 0x4F, "big5"),
        ("", 0x57, ""),
        ("zlib", 0, ""),
    ],
)
def test_what_a_cpg_or_a_language_driver_means(said: str, mark: int, meant: str) -> None:
    assert named(said, mark) == meant
