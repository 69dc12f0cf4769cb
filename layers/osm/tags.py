"""The tag table: which tags of OpenStreetMap become which layer, as `tags.toml` says."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from layers.catalogue import GeometryKind
from layers.problem import InputError
from layers.text import Entry, Text
from layers.toml import parse, read_toml

TAGS_FILE = "tags.toml"
ANY = "*"
LAND_COVER, BUILT_UP, ADMIN = "land_cover", "built_up", "admin"
"""Outputs that are made in a way of their own: by precedence, by construction, level by level."""
LEVEL_KEY = "admin_level"
NAME, NAME_EN = "name", "name:en"

Shape = Literal["points", "lines", "areas", "outlines"]
Tags = Mapping[str, tuple[str, ...]]


class Rule(Entry):
    """Tags that make a feature part of a layer.

    It has every key of `tags` with one of its values ("*" is any) and none of the values under
    `none`; `of` are the shapes looked at, `code` the land-use class, `apart_m` the distance within
    which a feature of an earlier rule is the same thing.
    """

    of: Annotated[tuple[Shape, ...], Field(min_length=1)]
    tags: Annotated[Tags, Field(min_length=1)]
    none: Mapping[str, tuple[str, ...]] = {}
    apart_m: Annotated[float, Field(ge=0)] = 0.0
    code: str = ""

    @property
    def keys(self) -> frozenset[str]:
        """The keys that must be read to tell whether the rule holds."""
        return frozenset({*self.tags, *self.none})


class Output(Entry):
    """A layer that an extract yields: by rules, or as the areas of some land-use classes."""

    title: Text
    geometry: GeometryKind
    rules: tuple[Rule, ...] = ()
    codes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _rules_or_codes(self) -> Self:
        if bool(self.rules) == bool(self.codes):
            raise ValueError("give rules, or codes of land cover")
        return self


class BuiltUpSettings(Entry):
    """Gaps up to which buildings are one patch, in metres, and the least area of a patch."""

    gap_m: Annotated[float, Field(gt=0)]
    least_m2: Annotated[float, Field(ge=0)]


class Settings(Entry):
    """Distances of the import; `reach_m` is how near to the area a feature must come."""

    reach_m: Annotated[float, Field(ge=0)]
    built_up: BuiltUpSettings


class TagTable(Entry):
    """The whole table."""

    values: Mapping[str, tuple[str, ...]] = {}
    settings: Settings
    outputs: Mapping[str, Output]

    @model_validator(mode="before")
    @classmethod
    def _named_values(cls, data: object) -> object:
        """Put the list of `values` in the place of its name, wherever a rule gives one."""
        if not isinstance(data, dict):
            return data
        named = data.get("values", {})
        for entry in data.get("outputs", {}).values():
            for rule in entry.get("rules", ()):
                tags = rule.get("tags", {})
                rule["tags"] = {
                    key: named.get(given, given) if isinstance(given, str) else given
                    for key, given in tags.items()
                }
        return data

    def rules_of(self, output: str) -> tuple[Rule, ...]:
        """The rules of a layer, those of the land cover where it shows some of its classes."""
        entry = self.outputs[output]
        if not entry.codes:
            return entry.rules
        land = self.outputs[LAND_COVER].rules
        return tuple(rule for rule in land if rule.code in entry.codes)

    def all_rules(self) -> tuple[Rule, ...]:
        """Every rule of the table."""
        return tuple(rule for entry in self.outputs.values() for rule in entry.rules)


def read_tag_table() -> TagTable:
    """Read the table that comes with the project.

    >>> read_tag_table().rules_of("water")[0].tags["natural"]
    ('water', 'glacier')
    """
    table, problems = parse(TagTable, read_toml(Path(__file__).with_name(TAGS_FILE)), TAGS_FILE)
    if table is None:
        raise InputError(problems)
    return table
