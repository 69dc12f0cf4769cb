"""What a workspace takes in and gives back: layers with their way, settings, originals."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import geopandas as gpd
from pydantic import JsonValue

from layers.catalogue import LayerSpec
from layers.text import Entry

Record = Mapping[str, JsonValue]
OWN_PREFIX = "own_"
"""Begins the ids of layers that only a workspace has."""


class Original(Entry):
    """The file that a layer was read from, byte for byte as the planner gave it."""

    name: str
    sha256: str
    size: int

    @classmethod
    def of(cls, name: str, content: bytes) -> "Original":
        """Describe a file.

        >>> Original.of("站点.csv", b"").sha256[:8]
        'e3b0c442'
        """
        return cls(name=name, sha256=hashlib.sha256(content).hexdigest(), size=len(content))


@dataclass(frozen=True, slots=True, eq=False)
class StoredLayer:
    """A layer as the workspace keeps it.

    `frame` is indexed by feature id (text) and has a CRS, degrees or metres. `intake` says how it
    was read, declared, mapped and mended, `finding` what the datum gate found, `log` what repair
    did to which feature; all three are plain JSON. `original` is None for a layer that came from
    no file.
    """

    spec: LayerSpec
    frame: gpd.GeoDataFrame
    intake: Record = field(default_factory=dict)
    finding: Record = field(default_factory=dict)
    log: Sequence[Record] = ()
    original: Original | None = None


@dataclass(frozen=True, slots=True)
class StoredLayerInfo:
    """A layer without its features, for a list; `version` is what a later save gives as `seen`."""

    spec: LayerSpec
    version: int
    time: datetime
    author: str
    features: int
    intake: Record
    finding: Record
    original: Original | None


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting's value; `version` is what a later save gives as `seen`."""

    value: JsonValue
    version: int
    time: datetime
    author: str


class LayerPayload(Entry):
    """What a version of a layer says besides its features, its log and its original."""

    spec: LayerSpec
    intake: dict[str, JsonValue]
    finding: dict[str, JsonValue]
    original: Original | None
