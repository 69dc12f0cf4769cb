"""A measure as the plan sees it: which layers it binds and which parameters it takes."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import geopandas as gpd
from pydantic import BaseModel, create_model

from layers.catalogue import GeometryKind
from layers.grid import Grid
from layers.text import Entry
from spatial.measurement import BESIDE, Measurement
from spatial.network.graph import Network

STATED = ""
Counts = Literal["m2", "m", "people", "count", ""]
LAYER_TYPES = (gpd.GeoDataFrame, Network, Grid)


@dataclass(frozen=True)
class Measure:
    """A measuring function, read by its signature.

    Arguments annotated with a frame (`Points`, `Polygons`), a network or a raster are layers, the
    others parameters; an argument with a default is optional. `unit` is the unit of the values,
    which a target must share; STATED where the target says it, as of an amount on record. `counts`
    is the unit of the numerators and denominators of a share or a ratio: areas, unless it says
    otherwise, as of a share of residents.
    """

    function: Callable[..., Measurement]
    unit: str
    counts: Counts = "m2"

    @cached_property
    def layers(self) -> Mapping[str, tuple[GeometryKind, ...]]:
        """The layers that it binds, by argument name, with the kinds of geometry each may have."""
        kinds = {name: _kinds(hint) for name, hint in self._hints.items()}
        return {name: kind for name, kind in kinds.items() if kind}

    @cached_property
    def beside(self) -> frozenset[str]:
        """Layers that only add to the evidence; without them the value is the same."""
        return frozenset(name for name in self.layers if BESIDE in _notes(self._hints[name]))

    @cached_property
    def networks(self) -> frozenset[str]:
        """Layers of lines that are handed over as a network."""
        return frozenset(name for name in self.layers if _base(self._hints[name]) is Network)

    @cached_property
    def rasters(self) -> frozenset[str]:
        """Layers that are handed over as cells."""
        return frozenset(name for name in self.layers if _base(self._hints[name]) is Grid)

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


def _kinds(hint: object) -> tuple[GeometryKind, ...]:
    """Kinds of geometry of `Points`, `People` … or either `| None`; none for a parameter."""
    if _base(hint) not in LAYER_TYPES:
        return ()
    return tuple(note for note in _notes(hint) if note in get_args(GeometryKind))


def _base(hint: object) -> object:
    annotated = _annotated(hint)
    return None if annotated is None else get_args(annotated)[0]


def _notes(hint: object) -> tuple[Any, ...]:
    annotated = _annotated(hint)
    return () if annotated is None else get_args(annotated)[1:]


def _annotated(hint: object) -> object | None:
    """Return the `Annotated` of a hint that is one, or of which an alternative is."""
    candidates = [hint, *get_args(hint)] if get_origin(hint) is not Annotated else [hint]
    return next((one for one in candidates if get_origin(one) is Annotated), None)
