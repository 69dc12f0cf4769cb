"""A file that is being brought in: kept for the session until its layer is in the workspace."""

import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from layers import InputError
from layers.formats import Choice, Found, Raw
from layers.grid import Grid
from layers.limits import Limits
from layers.reader import Reader

_DRAFT = "own.draft"
T = TypeVar("T")


@dataclass(slots=True)
class Draft:
    """A file, what it was found to be, and what was worked out from it so far.

    The bytes lie in a folder of this session alone, which goes with it.
    """

    name: str
    content: bytes
    found: Found
    path: Path
    folder: "tempfile.TemporaryDirectory[str]"
    worked_out: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    seen: dict[str, int | None] = field(default_factory=dict)
    """Versions of the layers when they were chosen: what is saved since is somebody else's."""

    def once(self, what: str, key: object, work: Callable[[], T]) -> T:
        """Work something out, or take it from before where nothing it rests on has changed."""
        held = self.worked_out.get(what)
        if held is None or held[0] != key:
            held = (key, work())
            self.worked_out[what] = held
        value: T = held[1]
        return value

    def grid(self, band: int, limits: Limits) -> Grid:
        """Read a band of a raster as its cells; raises InputError."""
        return self.once("grid", band, lambda: reader(limits).grid(self.path, self.name, band))

    def read(self, choice: Choice, limits: Limits) -> Raw:
        """Read a part of the file; raises InputError."""
        return self.once("raw", choice, lambda: _read(self, choice, limits))


@st.cache_resource(show_spinner=False)
def reader(limits: Limits) -> Reader:
    """The process that opens files, one for all sessions; nothing of a file stays in it."""
    made = Reader(limits)
    made.get_ready()
    return made


def draft() -> Draft | None:
    """The file that this session is bringing in."""
    found: Draft | None = st.session_state.get(_DRAFT)
    return found


def drop_draft() -> None:
    """Leave the file alone."""
    held = st.session_state.pop(_DRAFT, None)
    if held is not None:
        held.folder.cleanup()
    for key in [str(key) for key in st.session_state if str(key).startswith("draft.")]:
        del st.session_state[key]


def begin_draft(name: str, content: bytes, limits: Limits) -> Draft:
    """Look into a file; raises InputError where it cannot be read."""
    folder = tempfile.TemporaryDirectory(prefix="planmap-")
    # The name on the disk is ours: the file's own may be anything.
    path = Path(folder.name) / secrets.token_hex(8)
    path.write_bytes(content)
    try:
        found = reader(limits).inspect(path, name)
    except InputError:
        folder.cleanup()
        raise
    drop_draft()
    held = Draft(name=name, content=content, found=found, path=path, folder=folder)
    st.session_state[_DRAFT] = held
    return held


def _read(held: Draft, choice: Choice, limits: Limits) -> Raw:
    return reader(limits).read(held.path, held.name, choice)
