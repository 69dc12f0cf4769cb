"""Phrases about a planner's data, from `text.toml`, filled in both languages at once."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files

from layers.text import Text

_PHRASES: Mapping[str, Mapping[str, Text]] = {
    table: {name: Text(**phrase) for name, phrase in entries.items()}
    for table, entries in tomllib.loads(
        files("layers").joinpath("text.toml").read_text(encoding="utf-8")
    ).items()
}


def phrase(table: str, name: str, /, **values: object) -> Text:
    """Fill a phrase of `text.toml`; a value that is a Text is taken in each language.

    >>> phrase("crs", "degrees", datum=phrase("datum", "cgcs2000")).in_("en")
    'CGCS2000, degrees'
    """
    template = _PHRASES[table][name]
    zh = {key: value.zh if isinstance(value, Text) else value for key, value in values.items()}
    en = {key: value.en if isinstance(value, Text) else value for key, value in values.items()}
    return Text(zh=template.zh.format(**zh), en=template.en.format(**en))
