"""Files kept byte for byte in a workspace, once each, found by their SHA-256."""

import hashlib
import sqlite3
import zlib
from collections.abc import Iterator

CHUNK_BYTES = 1 << 20
_WORTH_PACKING = 0.9
_LEVEL = 1  # a third of the time of the usual level, for a tenth more bytes


class BrokenContentError(Exception):
    """What is stored is not what was stored, or no longer there."""


def keep(connection: sqlite3.Connection, content: bytes, sha256: str) -> None:
    """Store bytes under their hash, in chunks, each compressed where that makes it smaller."""
    if is_kept(connection, sha256):
        return
    connection.execute("INSERT INTO content VALUES (?, ?)", (sha256, len(content)))
    view = memoryview(content)
    for n, start in enumerate(range(0, len(content), CHUNK_BYTES)):
        chunk = view[start : start + CHUNK_BYTES]
        small = zlib.compress(chunk, _LEVEL)
        packed = len(small) < _WORTH_PACKING * len(chunk)
        connection.execute(
            "INSERT INTO chunk VALUES (?, ?, ?, ?)",
            (sha256, n, int(packed), small if packed else chunk),
        )


def is_kept(connection: sqlite3.Connection, sha256: str) -> bool:
    """Tell whether the bytes with this hash are in the workspace."""
    row = connection.execute("SELECT 1 FROM content WHERE sha256 = ?", (sha256,)).fetchone()
    return row is not None


def kept(connection: sqlite3.Connection, sha256: str) -> Iterator[bytes]:
    """Give the bytes back, chunk by chunk.

    Raises BrokenContentError, at the latest after the last chunk, where they are not the bytes
    that were stored; a chunk never unpacks to more than was packed.
    """
    digest = hashlib.sha256()
    rows = connection.execute(
        "SELECT packed, bytes FROM chunk WHERE content = ? ORDER BY n", (sha256,)
    )
    for packed, stored in rows:
        chunk = _unpacked(stored) if packed else stored
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != sha256:
        raise BrokenContentError


def _unpacked(stored: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    try:
        chunk = unpacking.decompress(stored, CHUNK_BYTES)
    except zlib.error as error:
        raise BrokenContentError from error
    if not unpacking.eof:
        raise BrokenContentError
    return chunk
