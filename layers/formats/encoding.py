"""In which encoding a file's texts are: what it says, what its bytes allow, what can be read."""

import codecs
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from layers.formats.found import EncodingChoice

UTF8, CHINESE, BIG5, WESTERN = "utf-8", "gb18030", "big5", "cp1252"
"""The encodings that are tried. GB18030 reads all of GB 2312 and GBK."""
_MIXED = f"{UTF8}/{CHINESE}"
_MIXED_OTHERWISE = f"{CHINESE}/{UTF8}"

PLAUSIBLE = 0.7
"""Text counts as read right from this mean weight of its letters on; Chinese place names reach
0.95 and more, UTF-8 taken for GBK about 0.45."""
_MOST_WEIGHED = 5_000  # different texts; more would not change the mean
_MOST_SAMPLES = 5
_SAMPLE_LETTERS = 40

# Weights of Chinese characters: the 3 755 most used of GB 2312, its 3 008 others, all others.
_FREQUENT, _LESS_FREQUENT, _RARE = 1.0, 0.6, 0.3
_LEVEL_1, _LEVEL_2 = range(0xB0, 0xD8), range(0xD8, 0xF8)
_BIG5_LEVEL_1 = range(0xA4, 0xC7)
_SIGNS = re.compile(
    r"[\u00b0-\u00b7\u00d7\u00f7\u2010-\u2044\u2103\u2160-\u217f\u2190-\u2193\u2460-\u24ff"
    r"\u25a0-\u25ff\u3000-\u303f\u3200-\u33ff\uff01-\uff5e\uffe5]"
)
_HANZI = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_INSIDE_A_WORD = re.compile(r"[A-Za-z][^\x00-\x7f][a-z]")  # Gr眉n is no Chinese

_NAMES = {
    **dict.fromkeys(("UTF-8", "UTF8", "65001", "CP65001"), UTF8),
    **dict.fromkeys(
        ("GBK", "GB2312", "GB-2312", "GB_2312", "GB_2312-80", "GB18030", "GB-18030", "EUC-CN"),
        CHINESE,
    ),
    **dict.fromkeys(("936", "CP936", "MS936", "54936", "CP54936", "ANSI 936", "ANSI_936"), CHINESE),
    **dict.fromkeys(("BIG5", "BIG-5", "950", "CP950", "MS950", "ANSI 950", "ANSI_950"), BIG5),
    **dict.fromkeys(("ISO-8859-1", "ISO8859-1", "ISO88591", "8859-1", "88591", "LATIN1"), WESTERN),
    **dict.fromkeys(("1252", "CP1252", "ANSI 1252", "ANSI_1252", "WINDOWS-1252"), WESTERN),
}
_LANGUAGE_DRIVERS = {0x03: WESTERN, 0x4D: CHINESE, 0x7A: CHINESE, 0x4F: BIG5, 0x78: BIG5}
"""The byte of a dBASE header that names the code page; 0x57 means the writer's own, whichever."""
_LONGEST_CHARACTER = 4


class Cell(NamedTuple):
    """A text as it stands in the file; `cut` where it fills its field and may end in mid-letter."""

    raw: bytes
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """The encoding to read with, or, where that is empty, those that the planner chooses from."""

    encoding: str
    choices: tuple[EncodingChoice, ...] = ()


def named(name: str, language_driver: int = 0) -> str:
    """Return the encoding that a file says it is in, empty where it says none that is known.

    `name` is the content of a .cpg file or a code page's name; `language_driver` the byte that
    stands for one in a .dbf file and that a .cpg file overrules.

    >>> named("GB2312"), named("65001"), named("", 0x4D), named("", 0x57)
    ('gb18030', 'utf-8', 'gb18030', '')
    """
    known = _NAMES.get(name.lstrip("\ufeff").strip().upper())
    return known if known is not None else _LANGUAGE_DRIVERS.get(language_driver, "")


def settle(cells: Collection[Cell], declared: str, *, prescribed: bool = False) -> Settled:
    """Find the encoding of texts: what the file declares where that reads well, else what does.

    Text reads well where every cell decodes strictly and the letters are those that people use.
    Where two encodings read well, or none, the planner has to choose, by samples. Where a part of
    the cells is UTF-8 and the others are GBK, each is read by its own ("utf-8/gb18030"). Where the
    format prescribes the declared encoding, it is enough that every cell decodes.

    >>> settle([Cell("天津市".encode("gbk"))], declared="").encoding
    'gb18030'
    >>> [choice.samples for choice in settle([Cell("海河".encode())], declared="").choices]
    [('海河',), ('娴锋渤',)]
    """
    telling = sorted({cell for cell in cells if not cell.raw.isascii()})  # in any order, the same
    if not telling:
        return Settled(declared or UTF8)
    first = _weight(telling, declared or UTF8)
    if first is not None and (prescribed or (declared == UTF8 and first >= PLAUSIBLE)):
        return Settled(declared)
    weights = {
        encoding: weight
        for encoding in dict.fromkeys((declared or UTF8, UTF8, CHINESE))
        if (weight := _weight(telling, encoding)) is not None
    }
    well = [encoding for encoding, weight in weights.items() if weight >= PLAUSIBLE]
    if len(well) == 1:
        return Settled(well[0])
    offered = well or _second_best(telling) or [*dict.fromkeys((*weights, UTF8, CHINESE))]
    return Settled(offered[0]) if len(offered) == 1 else Settled("", _choices(telling, offered))


def _second_best(cells: Sequence[Cell]) -> list[str]:
    """What may be meant where neither UTF-8 nor GBK reads well; one alone is sure enough."""
    if (_weight(cells, WESTERN) or 0.0) >= PLAUSIBLE:
        return [WESTERN]
    if (_weight(cells, _MIXED) or 0.0) >= PLAUSIBLE:
        sure = _same(cells, _MIXED, _MIXED_OTHERWISE)
        return [_MIXED] if sure else [_MIXED, _MIXED_OTHERWISE]
    return [BIG5, CHINESE] if (_weight(cells, BIG5) or 0.0) >= PLAUSIBLE else []


def decoded(cell: Cell, encoding: str) -> str | None:
    """Return the text of a cell, None where it is not in this encoding.

    A letter that the end of the field has cut in two is left out. Of a double encoding
    ("utf-8/gb18030") the one counts by which the cell reads better, the first where both do.

    >>> decoded(Cell("天津".encode("gbk")[:3], cut=True), "gb18030")
    '天'
    """
    texts = []
    for single in encoding.split("/"):
        text = _decoded(cell, single)
        if text is not None:
            texts.append((text, single))
    if not texts:
        return None
    if len(texts) == 1:
        return texts[0][0]
    (first, a), (second, b) = texts
    better = _letters_weight(second, b) >= PLAUSIBLE > _letters_weight(first, a)
    return second if better else first


def decoded_all(cells: Sequence[Cell], encoding: str) -> list[str | None]:
    """Return the texts of many cells, as `decoded` does for one."""
    texts = _at_one_stroke(cells, encoding)
    return [*texts] if texts else [decoded(cell, encoding) for cell in cells]


def is_known(encoding: str) -> bool:
    """Tell whether an encoding is one that `settle` may have offered."""
    return encoding in {UTF8, CHINESE, BIG5, WESTERN, _MIXED, _MIXED_OTHERWISE}


def _at_one_stroke(cells: Sequence[Cell], encoding: str) -> list[str]:
    """Decode many cells where all are in the encoding, uncut; else nothing.

    None of the encodings has a letter with a zero byte in it.
    """
    if "/" in encoding:
        return []
    try:
        texts = b"\0".join(cell.raw for cell in cells).decode(encoding).split("\0")
    except UnicodeDecodeError:
        return []
    return texts if len(texts) == len(cells) else []


def _decoded(cell: Cell, encoding: str) -> str | None:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        text = decoder.decode(cell.raw, final=not cell.cut)
    except UnicodeDecodeError:
        return None
    rest = decoder.getstate()[0]
    return text if len(rest) < _LONGEST_CHARACTER else None


def _weight(cells: Sequence[Cell], encoding: str) -> float | None:
    """Mean weight of the letters, None where a cell is not in the encoding."""
    texts = _at_one_stroke(cells, encoding) or (decoded(cell, encoding) for cell in cells)
    total = count = 0.0
    for number, text in enumerate(texts):
        if text is None:
            return None
        if number < _MOST_WEIGHED:
            weights = list(_weights(text, encoding))
            total += sum(weights)
            count += len(weights)
    return total / count if count else 1.0


def _letters_weight(text: str, encoding: str) -> float:
    weights = list(_weights(text, encoding))
    return sum(weights) / len(weights) if weights else 1.0


def _weights(text: str, encoding: str) -> Iterable[float]:
    """Weights of the letters beyond ASCII, from 0 (nobody writes this) to 1."""
    beside = {i for i, pair in enumerate(pairwise(text)) if _of_one_word(*pair)}
    for i, letter in enumerate(text):
        if letter.isascii():
            continue
        if _HANZI.match(letter):
            yield 0.0 if _INSIDE_A_WORD.match(text, max(i - 1, 0)) else _usage(letter, encoding)
        elif _SIGNS.match(letter):
            yield 0.0 if encoding == WESTERN else 1.0
        else:
            spelt = encoding not in {CHINESE, BIG5} and (i in beside or i - 1 in beside)
            yield 1.0 if spelt else 0.0


def _usage(letter: str, encoding: str) -> float:
    try:
        lead = letter.encode(BIG5 if encoding == BIG5 else "gb2312")[0]
    except UnicodeEncodeError:
        return _RARE
    if encoding == BIG5:
        return _FREQUENT if lead in _BIG5_LEVEL_1 else _LESS_FREQUENT
    return _FREQUENT if lead in _LEVEL_1 else _LESS_FREQUENT if lead in _LEVEL_2 else _RARE


def _of_one_word(a: str, b: str) -> bool:
    """Tell whether two neighbours are letters of one script, at most one of them accented Latin."""
    if not (a.isalpha() and b.isalpha()) or _HANZI.match(a) or _HANZI.match(b):
        return False
    scripts = {unicodedata.name(letter, "?").split()[0] for letter in (a, b)}
    return len(scripts) == 1 and (scripts != {"LATIN"} or a.isascii() or b.isascii())


def _same(cells: Iterable[Cell], a: str, b: str) -> bool:
    return all(decoded(cell, a) == decoded(cell, b) for cell in cells)


def _choices(cells: Sequence[Cell], encodings: Iterable[str]) -> tuple[EncodingChoice, ...]:
    """Offer encodings with samples that tell them apart; what cannot be read shows as �."""
    encodings = tuple(encodings)
    telling = sorted(cells, key=lambda cell: _same([cell], encodings[0], encodings[-1]))
    sampled = telling[:_MOST_SAMPLES]
    return tuple(
        EncodingChoice(encoding=encoding, samples=tuple(_shown(cell, encoding) for cell in sampled))
        for encoding in encodings
    )


def _shown(cell: Cell, encoding: str) -> str:
    text = decoded(cell, encoding)
    if text is None:
        text = cell.raw.decode(encoding.split("/", maxsplit=1)[0], "replace")
    return text[:_SAMPLE_LETTERS]
