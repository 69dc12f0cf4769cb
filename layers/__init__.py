"""What the map knows and where it came from."""

from layers.basis import BASES, Basis, is_conclusive, weakest
from layers.catalogue import Style
from layers.load import Layer, Pack, RasterLayer, load_pack
from layers.problem import InputError, PlanmapError, Problem
from layers.text import LANGUAGES, Language, Text

__all__ = [
    "BASES",
    "LANGUAGES",
    "Basis",
    "InputError",
    "Language",
    "Layer",
    "Pack",
    "PlanmapError",
    "Problem",
    "RasterLayer",
    "Style",
    "Text",
    "is_conclusive",
    "load_pack",
    "weakest",
]
