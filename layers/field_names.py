"""Recognising a field by its name, as planners' files abbreviate it."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from layers.text import Text
from layers.toml import read_toml

FIELD_NAMES_FILE = "field_names.toml"
Level = Literal["sure", "likely", "guess"]
LEVELS: tuple[Level, ...] = ("sure", "likely", "guess")
"""From the strongest to the weakest; what is only guessed is offered, not filled in."""

_SHAPEFILE_NAME = 10
_SHAPEFILE_CHINESE = (5, 3)  # characters that fit into ten bytes of GBK, of UTF-8
_FEWEST_INITIALS = 2


@dataclass(frozen=True, slots=True)
class NameMatch:
    """How well a field's name fits a column, its place among equals (0 first), and why."""

    level: Level
    rank: int
    why: Text


def read_field_names() -> Mapping[str, tuple[str, ...]]:
    """Read the names under which files carry each column, best first."""
    data = read_toml(Path(__file__).with_name(FIELD_NAMES_FILE))
    return {column: tuple(words) for column, words in data.items()}


def names_of(column: str, title: Text, words: Sequence[str]) -> Mapping[str, NameMatch]:
    """List the names that mean a column, in plain form, and how surely each does.

    `title` is the column's title, `words` the other names under which files carry it. Initials
    and spellings of pinyin, and names that a shapefile has cut to ten characters, are likely at
    most: several words share them.
    """
    names: dict[str, NameMatch] = {}
    own = Text(zh=f"字段名即“{title.zh}”", en=f"the field is named like '{title.en}'")
    for name in (column, title.zh, title.en):
        names.setdefault(plain_name(name), NameMatch("sure", 0, own))
    for rank, word in enumerate(words, start=1):
        usual = Text(zh=f"“{word}”是常用字段名", en=f"'{word}' is a usual name for it")
        names.setdefault(plain_name(word), NameMatch("sure", rank, usual))
    for rank, (spelt, why) in enumerate(_spellings(column, title), start=len(words) + 1):
        names.setdefault(spelt, NameMatch("likely", rank, why))
    return names


def match_name(field: str, names: Mapping[str, NameMatch]) -> NameMatch | None:
    """Tell how surely a field's name means the column that has these names, None if it does not.

    >>> names = names_of("tier", Text(zh="管控级别", en="Tier"), ["grade"])
    >>> [match and match.level for match in (match_name(f, names) for f in ("GRADE", "GKJB", "MC"))]
    ['sure', 'likely', None]
    """
    return names.get(plain_name(field))


def _spellings(column: str, title: Text) -> Iterator[tuple[str, Text]]:
    cut = Text(zh="字段名像是被截短的", en="the name looks cut short")
    for name in (column, title.en):
        plain = plain_name(name)
        if len(plain) > _SHAPEFILE_NAME or len(name) > _SHAPEFILE_NAME:
            yield plain_name(name[:_SHAPEFILE_NAME]), cut
    for length in _SHAPEFILE_CHINESE:
        if len(title.zh) > length:
            yield title.zh[:length], cut
    # Its dictionary takes a while to load, which only who maps a file's fields should wait for.
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415

    syllables = lazy_pinyin(title.zh, style=Style.NORMAL)
    spelt = plain_name("".join(syllables))
    pinyin = Text(zh=f"“{title.zh}”的拼音", en=f"pinyin of '{title.zh}'")
    yield spelt, pinyin
    yield spelt[:_SHAPEFILE_NAME], pinyin
    initials = plain_name("".join(syllable[:1] for syllable in syllables))
    if len(initials) >= _FEWEST_INITIALS:
        yield initials, Text(zh=f"“{title.zh}”的拼音首字母", en=f"initials of '{title.zh}'")


def plain_name(name: str) -> str:
    """Return a name without signs, spaces, width and case, as names are compared.

    >>> plain_name("Stop_Name"), plain_name("ＮＡＭＥ：ｅｎ")
    ('stopname', 'nameen')
    """
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name)).casefold()
