"""DXF drawings: lines stay lines, hatches are areas, and each entity names its drawing layer."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd

from layers.formats.encoding import UTF8, named
from layers.formats.found import Choice, Part, Raw
from layers.formats.frames import Rows, chosen
from layers.formats.gdal import called, read_layer, text_rows
from layers.formats.refusal import refusal
from layers.limits import Limits

_DRIVER = "DXF"
_HEADER = 200_000  # bytes within which the header says version and code page
_VERSION = re.compile(rb"\$ACADVER\s+1\s+AC(\d{4})")
_CODE_PAGE = re.compile(rb"\$DWGCODEPAGE\s+3\s+([\w ]{1,20}?)\s*[\r\n]")
_UTF8_SINCE = 1021  # AutoCAD 2007
# As AutoCAD spells a letter, and as ours are spelt that GDAL has written out already.
_ESCAPED = re.compile(r"\\(?:U\+|u)(?![Dd][89A-Fa-f])([0-9A-Fa-f]{4})")
_IDLE = ("PaperSpace", "SubClasses", "Linetype", "EntityHandle", "Text")


def inspect(path: Path, where: str, limits: Limits) -> tuple[Part, ...]:
    """Say what the drawing holds, as one part; a drawing names no CRS."""
    rows = _rows(path, where, None, limits)
    if rows.frame.empty:
        raise refusal(
            where,
            "empty",
            "the drawing has no entity that is read (points, texts, lines, hatches, blocks)",
            zh="图形文件中没有可读取的对象（点、文字、线、填充、块）",
        )
    return (rows.part(),)


def read(path: Path, where: str, choice: Choice, limits: Limits) -> Raw:
    """Read all entities; the field `Layer` holds the layer of the drawing, `Text` what is written.

    A closed polyline comes as a line: whether it bounds an area only the planner knows.
    """
    chosen([_name(where)], choice.part, where)
    return _rows(path, where, choice, limits).raw()


def _name(where: str) -> str:
    return Path(where).stem or "entities"


def _rows(path: Path, where: str, choice: Choice | None, limits: Limits) -> Rows:
    with called(path, "data.dxf") as own:
        with own.open("rb") as file:
            declared = _declared(file.read(_HEADER))
        # GDAL believes the code page, which is often wrong; so it is asked for the bytes.
        layer = read_layer(
            own, 0, where, limits, driver=_DRIVER, encoding=None, ENCODING="ISO-8859-1"
        )
    made = text_rows(layer, choice, where, limits, name=_name(where), declared=declared, crs="")
    frame = made.frame
    idle = [column for column in _IDLE if column in frame and frame[column].isna().all()]
    frame = frame.drop(columns=idle)
    texts = {
        column: frame[column].map(_unescaped, na_action="ignore")
        for column in ("Layer", "Text")
        if column in frame and not pd.api.types.is_numeric_dtype(frame[column])
    }
    return replace(made, frame=frame.assign(**texts))


def _declared(header: bytes) -> str:
    version = _VERSION.search(header)
    if version is not None and int(version[1]) >= _UTF8_SINCE:
        return UTF8
    page = _CODE_PAGE.search(header)
    return named(page[1].decode("ascii")) if page else ""


def _unescaped(text: str) -> str:
    r"""Write out the letters that a drawing spells by number.

    >>> _unescaped(r"\U+6771\U+9E97")
    '東麗'
    """
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
