"""The frame of an .osm.pbf file: its header, its blocks, and the boundaries that it names.

GDAL reads the features. What it does not tell is read here: whether the file is whole, how fresh
it is, which rectangle it was cut from, and which boundaries it names without holding all of them.
Format: https://wiki.openstreetmap.org/wiki/PBF_Format
"""

import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import BinaryIO

from layers.formats.refusal import refusal
from layers.limits import Limits
from layers.problem import InputError

MOST_HEAD_BYTES = 64 * 1024
"""Largest head of a block that the format allows."""
MOST_BLOCK_BYTES = 32 * 1024 * 1024
"""Largest block, packed or unpacked, that the format allows."""
_MEGABYTE = 1_000_000
_DEGREES = 1e-9  # the header counts in billionths of a degree
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5  # wire types of Protocol Buffers
_VARINT_BITS = 64
_RELATIONS = 4  # the field of a group that holds them

_Message = dict[int, list[int | memoryview]]
"""Values by field number: a number, or the bytes of a text, a list or another message."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the file says of itself.

    `timestamp` is when the data were taken from OpenStreetMap (ISO 8601, UTC), `bbox` the west,
    south, east and north of the rectangle that was cut out; empty and None where it does not tell.
    """

    timestamp: str = ""
    bbox: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class NamedBoundary:
    """An administrative boundary that the file names, whether or not all its ways are there."""

    id: str
    name: str
    level: str


@dataclass(frozen=True, slots=True)
class Frame:
    """The header of a file, the administrative boundaries that it names, and the file's hash."""

    header: Header
    boundaries: tuple[NamedBoundary, ...]
    sha256: str


class _DamagedError(Exception):
    """The bytes are not what the format asks for."""


class _PackingError(Exception):
    """A block is packed in a way that is not read."""


def read_frame(path: Path, where: str, limits: Limits | None = None) -> Frame:
    """Walk once through the blocks of a file, of which one is in memory at a time.

    `where` is the file's name for messages. Raises InputError where it is no PBF file, ends in
    the middle of a block, is damaged, is packed in a way that is not read, or unpacks to more
    than `limits` allow.
    """
    header: Header | None = None
    boundaries: list[NamedBoundary] = []
    unpacked = 0
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            for kind, block in _blocks(file, digest.update):
                unpacked += len(block)
                if limits is not None and unpacked > limits.unpacked_mb * _MEGABYTE:
                    raise _too_large(where, limits)
                if header is None:
                    header = _header(kind, block)
                elif kind == b"OSMData":
                    boundaries += _boundaries(block)
    except OSError as error:
        message = f"cannot be read: {error.strerror}; see that it is there and may be read"
        zh = "无法读取；请确认文件存在并有读取权限"
        raise refusal(where, "file", message, zh=zh) from error
    except EOFError as error:
        message = "the file ends in the middle of a block; copy or download it again"
        zh = "文件在数据块中间断开，不完整；请重新复制或下载"
        raise refusal(where, "truncated", message, zh=zh) from error
    except _PackingError as error:
        message = "its blocks are not packed with zlib; write it anew with osmium or osmconvert"
        zh = "数据块不是用 zlib 压缩的；请用 osmium 或 osmconvert 重新写出"
        raise refusal(where, "packing", message, zh=zh) from error
    except (_DamagedError, zlib.error, IndexError) as error:
        raise _damaged(where, header) from error
    if header is None:
        raise _damaged(where, header)
    return Frame(header, tuple(boundaries), digest.hexdigest())


def _too_large(where: str, limits: Limits) -> InputError:
    message = (
        f"holds more than {limits.unpacked_mb} MB when unpacked; cut out a smaller area first,"
        " e.g. with osmium extract"
    )
    zh = f"解压后超过 {limits.unpacked_mb} MB；请先裁出较小的范围，例如用 osmium extract"
    return refusal(where, "size", message, zh=zh)


def _damaged(where: str, header: Header | None) -> InputError:
    if header is None:
        message = "not an OpenStreetMap extract in PBF format; a file ending in .osm.pbf is wanted"
        zh = "不是 PBF 格式的 OpenStreetMap 数据；应为 .osm.pbf 文件"
        return refusal(where, "format", message, zh=zh)
    message = "a block is damaged; copy or download the file again"
    return refusal(where, "damaged", message, zh="有数据块损坏；请重新复制或下载")


def _blocks(file: BinaryIO, seen: Callable[[bytes], None]) -> Iterator[tuple[bytes, memoryview]]:
    """Kind and unpacked bytes of each block; `seen` is told every byte of the file."""
    while start := file.read(4):
        seen(start)
        length = int.from_bytes(_whole(start, 4), "big")
        if length > MOST_HEAD_BYTES:
            raise _DamagedError
        head_bytes = _whole(file.read(length), length)
        seen(head_bytes)
        head = _message(memoryview(head_bytes))
        size = _number(head, 3, absent=-1)
        if not 0 <= size <= MOST_BLOCK_BYTES:
            raise _DamagedError
        kind = b"".join(bytes(value) for value in _chunks(head, 1))
        data = _whole(file.read(size), size)
        seen(data)
        yield kind, _unpacked(memoryview(data))


def _whole(data: bytes, size: int) -> bytes:
    if len(data) < size:
        raise EOFError
    return data


def _unpacked(block: memoryview) -> memoryview:
    fields = _message(block)
    for raw in _chunks(fields, 1):
        return raw
    for packed in _chunks(fields, 3):
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(packed, MOST_BLOCK_BYTES)
        if not unpacker.eof:
            raise _DamagedError
        return memoryview(data)
    raise _PackingError


def _header(kind: bytes, block: memoryview) -> Header:
    if kind != b"OSMHeader":
        raise _DamagedError
    fields = _message(block)
    bbox = None
    for box in _chunks(fields, 1):
        sides = _message(box)
        left, right, top, bottom = (_signed(_number(sides, n)) * _DEGREES for n in (1, 2, 3, 4))
        if left < right and bottom < top:
            bbox = (left, bottom, right, top)
    return Header(_iso(_number(fields, 32)), bbox)


def _iso(seconds: int) -> str:
    """Write seconds since 1970 as a date and time; an impossible number as nothing.

    >>> _iso(1375556402)
    '2013-08-03T19:00:02Z'
    """
    days, rest = divmod(seconds, 86_400)
    if not 0 < days < 100 * 366:
        return ""
    day = date(1970, 1, 1) + timedelta(days=days)
    return f"{day.isoformat()}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}Z"


def _boundaries(block: memoryview) -> Iterator[NamedBoundary]:
    """The administrative boundaries among the relations of a block."""
    fields = _message(block)
    relations = [
        relation
        for group in _chunks(fields, 2)
        if len(group) and group[0] >> 3 == _RELATIONS
        for relation in _chunks(_message(group), _RELATIONS)
    ]
    if not relations:
        return
    words = [bytes(word) for table in _chunks(fields, 1) for word in _chunks(_message(table), 1)]
    for relation in relations:
        parts = _message(relation)
        keys, values = (_numbers(_chunks(parts, number)) for number in (2, 3))
        tags = {words[key]: words[value] for key, value in zip(keys, values, strict=False)}
        shaped = tags.get(b"type") in {b"boundary", b"multipolygon"}
        if shaped and tags.get(b"boundary") == b"administrative" and b"admin_level" in tags:
            name, level = (tags.get(key, b"") for key in (b"name", b"admin_level"))
            yield NamedBoundary(
                f"r{_number(parts, 1)}",
                name.decode("utf-8", "replace"),
                level.decode("utf-8", "replace"),
            )


def _message(data: memoryview) -> _Message:
    fields: _Message = {}
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        number, wire = tag >> 3, tag & 7
        value: int | memoryview
        if wire == _VARINT:
            value, position = _varint(data, position)
        else:
            if wire == _BYTES:
                size, position = _varint(data, position)
            elif wire in {_EIGHT_BYTES, _FOUR_BYTES}:
                size = 8 if wire == _EIGHT_BYTES else 4
            else:
                raise _DamagedError
            value = data[position : position + size]
            position += size
            if position > len(data):
                raise _DamagedError
        fields.setdefault(number, []).append(value)
    return fields


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    """A number of seven bits a byte and the position after it.

    >>> _varint(memoryview(bytes([0b10010110, 0b00000001])), 0)
    (150, 2)
    """
    value = 0
    for shift in range(0, _VARINT_BITS + 6, 7):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 — the bit that says that more follows
            return value, position
    raise _DamagedError


def _chunks(fields: _Message, number: int) -> Iterator[memoryview]:
    yield from (value for value in fields.get(number, ()) if isinstance(value, memoryview))


def _number(fields: _Message, number: int, absent: int = 0) -> int:
    """The last number of a field, as the format has it where one stands twice."""
    found = [value for value in fields.get(number, ()) if isinstance(value, int)]
    return found[-1] if found else absent


def _numbers(chunks: Iterator[memoryview]) -> Sequence[int]:
    """The numbers of packed lists."""
    found = []
    for chunk in chunks:
        position = 0
        while position < len(chunk):
            value, position = _varint(chunk, position)
            found.append(value)
    return found


def _signed(number: int) -> int:
    """Undo the zigzag by which small negative numbers stay short.

    >>> [_signed(number) for number in (0, 1, 2, 3)]
    [0, -1, 1, -2]
    """
    return (number >> 1) ^ -(number & 1)
