"""The formats in which a planner's data come, read in a process of their own."""

from layers.formats.found import (
    Choice,
    EncodingChoice,
    Format,
    Found,
    Part,
    Raw,
    SourceField,
)

__all__ = ["Choice", "EncodingChoice", "Format", "Found", "Part", "Raw", "SourceField"]
