"""Reading the values of a field: as text, as numbers, and as the classes that a layer knows."""

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from layers.field_names import Level
from layers.text import Entry, Text

_NUMBER = re.compile(
    r"^[+-]?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$", re.ASCII
)
_NUMERALS = "一二三四五六七八九十"
_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X")
_ORDINAL = re.compile(
    rf"^(?:第|TIER|CLASS|GRADE|LEVEL|ZONE)?[\s_-]*(\d{{1,2}}|[IVX]+|[{_NUMERALS}])(?:\.0+)?"
    r"(?:\s*[级类等区期号].*)?$"
)
_CODE_AND_NAME = re.compile(r"^([0-9A-Za-z]+)[\s_.、-]+([^\W\d].*)$")
_DENIALS = ("未", "非", "不", "无", "拟", "待", "否")


class ValueSuggestion(Entry):
    """What a value of a field becomes, empty where nothing fits, how surely, and why."""

    value: str
    becomes: str = ""
    title: Text = Text(zh="", en="")
    level: Level = "guess"
    why: Text


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column as numbers; `wrong` counts the texts that are none and became missing."""

    values: pd.Series
    wrong: Mapping[str, int]


def value_text(value: object) -> str:
    """Return a value as it reads in a table; whole numbers without a fraction, dates as ISO.

    >>> value_text(301.0), value_text(" 0301 "), value_text(float("nan"))
    ('301', '0301', '')
    """
    if value is None or value is pd.NaT or value is pd.NA:
        return ""
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() else repr(float(value))
    if isinstance(value, dt.datetime) and value.time() == dt.time(0):
        return value.date().isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value).strip()


def as_text(column: pd.Series) -> pd.Series:
    """Return a column as text, None where it is missing or blank."""
    texts = [value_text(value) or None for value in column.tolist()]
    return pd.Series(texts, index=column.index, dtype=object)


def as_numbers(column: pd.Series) -> Numbers:
    """Return a column as numbers; text may be full-width and may part thousands by commas.

    A comma elsewhere is not guessed at: "1,5" is wrong. So are infinite numbers.

    >>> as_numbers(pd.Series(["1,234.5", "１２", "1,5", None])).values.tolist()
    [1234.5, 12.0, nan, nan]
    """
    texts = as_text(column)
    numbers = {text: number(str(text)) for text in texts.dropna().unique()}
    values = texts.map(numbers, na_action="ignore").astype("float64")
    bad = texts[texts.notna() & values.isna()]
    return Numbers(values, {str(text): int(n) for text, n in bad.value_counts().items()})


def number(text: str) -> float:
    """Return the number that a text is, NaN for one that is none.

    >>> number("1,234.5"), number("1,5")
    (1234.5, nan)
    """
    plain = unicodedata.normalize("NFKC", text).strip().replace("\u2212", "-")
    if not _NUMBER.match(plain):
        return math.nan
    found = float(plain.replace(",", ""))
    return found if math.isfinite(found) else math.nan


def suggest_value(value: str, known: Mapping[str, Text]) -> ValueSuggestion:
    """Suggest which of a layer's classes a value means: `known` is class to title.

    In this order: the class or its title itself; the same rank, whether written 一级, Ⅰ, I or 1;
    last, and only guessed, the one class whose word the value holds, unless it denies it.

    >>> tiers = {"1": Text(zh="一级管控区", en="Tier 1"), "2": Text(zh="二级管控区", en="Tier 2")}
    >>> [suggest_value(word, tiers).becomes for word in ("一级", "Ⅱ级管控区", "2.0", "四级")]
    ['1', '2', '2', '']
    """
    named = {_plain(text): own for own, title in known.items() for text in _words(own, title)}
    found: tuple[str, Level, Text] | None = None
    parts = _CODE_AND_NAME.match(value.strip())
    said = {named.get(_plain(text)) for text in (value, *(parts.groups() if parts else ()))}
    equal = sorted(said - {None}, key=str)
    nothing = ValueSuggestion(value=value, why=Text(zh="没有对应的取值", en="no class fits"))
    if len(equal) > 1:  # its code and its name contradict one another
        return nothing
    if equal:
        found = str(equal[0]), "sure", Text(zh="取值相同", en="the same value")
    ranks = {own: {_ordinal(text) for text in _words(own, title)} for own, title in known.items()}
    rank = _ordinal(value)
    same = [own for own, its in ranks.items() if rank is not None and rank in its]
    if found is None and len(same) == 1:
        found = same[0], "likely", Text(zh="级别相同", en="the same rank")
    holding = _holding(value, known)
    if found is None and len(holding) == 1:
        found = holding[0], "guess", Text(zh="含有相同的词", en="it holds the same word")
    if found is None:
        return nothing
    becomes, level, why = found
    return ValueSuggestion(value=value, becomes=becomes, title=known[becomes], level=level, why=why)


def _holding(value: str, known: Mapping[str, Text]) -> list[str]:
    text = _plain(value)
    found = []
    for own, title in known.items():
        words = [word for word in map(_plain, (own, title.zh)) if len(word) > 1]
        held = [word for word in words if word in text]
        denied = any(sign in text and not any(sign in word for word in held) for sign in _DENIALS)
        if held and not denied:
            found.append(own)
    return found


def _words(own: str, title: Text) -> tuple[str, ...]:
    return tuple(text for text in (own, title.zh, title.en) if text)


def _ordinal(text: str) -> int | None:
    found = _ORDINAL.match(unicodedata.normalize("NFKC", text).strip().upper())
    if found is None:
        return None
    sign = found[1]
    if sign in _ROMAN:
        return 1 + _ROMAN.index(sign)
    if sign in _NUMERALS:
        return 1 + _NUMERALS.index(sign)
    return int(sign) if sign.isdecimal() else None


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()
