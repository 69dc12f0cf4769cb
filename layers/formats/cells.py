"""Cells of text become columns: numbers where all are numbers, else text, as codes must stay."""

import math
import re
from collections.abc import Sequence

_DIGITS = 15  # a whole number with more of them is an identifier, which a float would round
# No leading noughts (0301 is a code), no thousands separators, no decimal comma, no bare exponent.
_NUMBER = re.compile(
    rf"-?(?:0|[1-9][0-9]{{0,{_DIGITS - 1}}})(?:\.[0-9]+(?:[eE][+-]?[0-9]{{1,3}})?)?|-?\.[0-9]+"
)
_DATE = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])(?:[T ][0-9:.+Z-]*)?")

Values = list[int] | list[float] | list[str | None]


def column(texts: Sequence[str]) -> Values:
    """The values of a column whose cells were read as text; an empty cell is missing.

    Numbers only where every cell that is not empty is one: whole numbers where none is missing,
    else decimals with NaN. Leading noughts keep the whole column text, and so do more than 15
    digits. Dates stay text.

    >>> column(["12", "7.5"]), column(["0301", "1201"]), column(["", "站"])
    ([12.0, 7.5], ['0301', '1201'], [None, '站'])
    """
    filled = [text for text in texts if text]
    if not filled or not all(_NUMBER.fullmatch(text) for text in filled):
        return [text or None for text in texts]
    if len(filled) == len(texts) and all(text.lstrip("-").isdigit() for text in texts):
        return [int(text) for text in texts]
    numbers = [float(text) if text else math.nan for text in texts]
    if any(math.isinf(number) for number in numbers):
        return [text or None for text in texts]
    return numbers


def are_dates(texts: Sequence[str]) -> bool:
    """Tell whether every cell that is not empty is a date as ISO writes it.

    >>> are_dates(["2024-05-01", "", "2024-05-01T08:30:00"]), are_dates(["2024"])
    (True, False)
    """
    filled = [text for text in texts if text]
    return bool(filled) and all(_DATE.fullmatch(text) for text in filled)
