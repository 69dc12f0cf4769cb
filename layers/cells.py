"""Text for the cells of a CSV or XLSX file, which a spreadsheet program must not run."""

import re
from typing import Any

import pandas as pd

# What begins a formula in Excel, LibreOffice or WPS, full-width too (OWASP, CSV injection).
_RUNS = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def neutral_text(text: str) -> str:
    """The text with a ' before it where a spreadsheet program would take it for a formula.

    Control characters, which XLSX cannot hold, are left out. Numbers are no text and stay numbers.

    >>> neutral_text("=HYPERLINK(1)"), neutral_text("海河 = 河"), neutral_text("-5")
    ("'=HYPERLINK(1)", '海河 = 河', "'-5")
    """
    plain = _NOT_IN_XML.sub("", text)
    return f"'{plain}" if _RUNS.match(plain) else plain


def neutral_table(table: pd.DataFrame) -> pd.DataFrame:
    """The table with every text in it neutral, headings included."""
    neutral = table.set_axis([_neutral(name) for name in table.columns], axis="columns")
    for at in range(neutral.shape[1]):
        values = neutral.iloc[:, at]
        if not pd.api.types.is_numeric_dtype(values.dtype):  # nor yes and no
            neutral.isetitem(at, values.map(_neutral).array)
    return neutral


def _neutral(value: Any) -> Any:  # noqa: ANN401 - whatever a cell holds
    return neutral_text(value) if isinstance(value, str) else value
