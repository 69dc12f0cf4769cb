"""A phrase in the two languages of the project."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


class Entry(BaseModel):
    """Base of everything read from TOML: frozen, unknown keys and infinite numbers are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Text(Entry):
    """A phrase about a thing, Chinese first.

    >>> Text(zh="覆盖率", en="coverage").in_("en")
    'coverage'
    """

    zh: str
    en: str

    def in_(self, lang: Language) -> str:
        """Return the phrase in a language."""
        return self.en if lang == "en" else self.zh
