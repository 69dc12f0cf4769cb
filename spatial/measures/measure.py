"""A measure as the plan sees it: which layers it binds and which parameters it takes."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import geopandas as gpd
from pydantic import BaseModel, create_model

from layers.catalogue import GeometryKind
from layers.text import Entry
from spatial.measurement import Measurement


@dataclass(frozen=True)
class Measure:
    """A measuring function, read by its signature.

    Arguments annotated with a frame (`Points`, `Polygons`) are layers, the others parameters; an
    argument with a default is optional. `unit` is the unit of the values, which a target must
    share.
    """

    function: Callable[..., Measurement]
    unit: str

    @cached_property
    def layers(self) -> Mapping[str, GeometryKind]:
        """The layers that it binds, by argument name, with the kind of geometry each must have."""
        kinds = {name: _geometry(hint) for name, hint in self._hints.items()}
        return {name: kind for name, kind in kinds.items() if kind is not None}

    @cached_property
    def required_layers(self) -> tuple[str, ...]:
        """Names of the layers without which it cannot run."""
        arguments = inspect.signature(self.function).parameters
        return tuple(
            name for name in self.layers if arguments[name].default is inspect.Parameter.empty
        )

    @cached_property
    def params(self) -> type[BaseModel]:
        """A model of its parameters: names, types, bounds and defaults as in the signature."""
        arguments = inspect.signature(self.function).parameters
        fields: dict[str, Any] = {
            name: (
                hint,
                ...
                if arguments[name].default is inspect.Parameter.empty
                else arguments[name].default,
            )
            for name, hint in self._hints.items()
            if name not in self.layers
        }
        return create_model("params", __base__=Entry, **fields)

    @cached_property
    def _hints(self) -> Mapping[str, Any]:
        hints = get_type_hints(self.function, include_extras=True)
        return {name: hint for name, hint in hints.items() if name != "return"}


def _geometry(hint: object) -> GeometryKind | None:
    """Return the geometry kind of `Points`, `Polygons` or either `| None`; None for the rest."""
    candidates = [hint, *get_args(hint)] if get_origin(hint) is not Annotated else [hint]
    for candidate in candidates:
        if get_origin(candidate) is Annotated:
            base, *notes = get_args(candidate)
            if base is gpd.GeoDataFrame:
                kind: GeometryKind = notes[0]
                return kind
    return None
