"""A zip file whose members are read in memory, once its list has been checked."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from layers.formats.archive import Member, members
from layers.formats.refusal import refusal
from layers.limits import Limits

_BROKEN = (BadZipFile, zlib.error, LZMAError, EOFError, OSError, NotImplementedError)


@dataclass(frozen=True, slots=True)
class Zipped:
    """An open zip file and its members, whose sizes are those at which reading them stops."""

    archive: ZipFile
    members: tuple[Member, ...]


@contextmanager
def open_zip(path: Path, where: str, limits: Limits) -> Iterator[Zipped]:
    """Open a zip file whose contents stay within the limits.

    Raises InputError where they do not, and for what turns out to be broken while it is read.
    """
    found = members(path, where, limits)
    try:
        with ZipFile(path) as archive:
            yield Zipped(archive, found)
    except _BROKEN as error:
        raise refusal(
            where,
            "zip",
            "the file is damaged: a part of it cannot be unpacked; save or pack it once more",
            zh="文件已损坏，部分内容无法解压；请重新保存或打包",
        ) from error
