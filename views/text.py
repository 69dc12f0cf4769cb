"""Texts of the pages, from `text.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from layers import Language, Text

TEXTS: Mapping[str, Mapping[str, Text]] = {
    table: {name: Text(**entry) for name, entry in entries.items()}
    for table, entries in tomllib.loads(
        files("views").joinpath("text.toml").read_text(encoding="utf-8")
    ).items()
}


@dataclass(frozen=True, slots=True)
class Words:
    """The texts in one language, e.g. `Words("zh")("zones.download")`."""

    lang: Language

    def __call__(self, key: str, **values: object) -> str:
        """Return a text by `table.name`, its placeholders filled."""
        table, name = key.split(".")
        return TEXTS[table][name].in_(self.lang).format(**values)

    def or_bare(self, key: str) -> str:
        """Return a text, or the bare name where a pack brings something that has none."""
        table, name = key.split(".")
        return TEXTS[table][name].in_(self.lang) if name in TEXTS[table] else name

    def table(self, name: str) -> dict[str, str]:
        """All texts of a table, as the browser's map needs them."""
        return {key: text.in_(self.lang) for key, text in TEXTS[name].items()}
