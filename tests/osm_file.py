"""OpenStreetMap extracts written by the test: nodes, ways and relations in PBF, byte by byte.

Places are metres east and north of a point in the pack's metric CRS; OpenStreetMap rounds them to
a centimetre.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.conftest import ORIGIN, TO_DEGREES

CRS = "EPSG:4548"
Tags = Mapping[str, str]
Place = tuple[float, float]


def degrees(place: Place) -> tuple[float, float]:
    """Longitude and latitude of a place."""
    lon, lat = TO_DEGREES.transform(place[0] + ORIGIN[0], place[1] + ORIGIN[1])
    return float(lon), float(lat)


class OsmFile:
    """An extract that grows element by element; numbers are given in order."""

    def __init__(self) -> None:
        self._nodes: list[tuple[int, Place, Tags]] = []
        self._ways: list[tuple[int, Sequence[int], Tags]] = []
        self._relations: list[tuple[int, Sequence[tuple[int, str]], Tags]] = []

    def node(self, east: float, north: float, tags: Tags | None = None) -> int:
        self._nodes.append((len(self._nodes) + 1, (east, north), tags or {}))
        return len(self._nodes)

    def way(self, places: Iterable[Place], tags: Tags | None = None) -> int:
        """A way with nodes of its own; it is closed where the last place is the first."""
        places = list(places)
        nodes = [self.node(*place) for place in places[:-1]]
        nodes.append(nodes[0] if places[-1] == places[0] else self.node(*places[-1]))
        return self.way_of(nodes, tags)

    def way_of(self, nodes: Sequence[int], tags: Tags | None = None) -> int:
        self._ways.append((len(self._ways) + 1, nodes, tags or {}))
        return len(self._ways)

    def box(self, west: float, south: float, east: float, north: float, tags: Tags) -> int:
        corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
        return self.way(corners, tags)

    def relation(self, ways: Iterable[int], tags: Tags) -> int:
        """A relation of outer ways; numbers of ways that are not in the file make it open."""
        self._relations.append((len(self._relations) + 1, [(w, "outer") for w in ways], tags))
        return len(self._relations)

    def boundary(self, west: float, south: float, east: float, north: float, tags: Tags) -> int:
        """A boundary relation around a rectangle, its ring one way."""
        tags = {"type": "boundary", "boundary": "administrative", **tags}
        return self.relation([self.box(west, south, east, north, {})], tags)

    def write(
        self, path: Path, *, bbox: tuple[Place, Place] | None = None, timestamp: int = 0
    ) -> Path:
        """Write the file; `bbox` are its south-west and north-east corners."""
        header = field(4, b"OsmSchema-V0.6")
        if bbox is not None:
            (west, south), (east, north) = map(degrees, bbox)
            sides = enumerate((west, east, north, south), start=1)
            header = field(1, b"".join(number(n, zigzag(nano(s))) for n, s in sides)) + header
        if timestamp:
            header += number(32, timestamp)
        blocks = block(b"OSMHeader", header)
        texts = [b""]
        groups = (
            b"".join(field(1, self._node(node, texts)) for node in self._nodes),
            b"".join(field(3, self._way(way, texts)) for way in self._ways),
            b"".join(field(4, self._relation(each, texts)) for each in self._relations),
        )
        table = field(1, b"".join(field(1, text) for text in texts))
        for group in filter(None, groups):
            blocks += block(b"OSMData", table + field(2, group))
        path.write_bytes(blocks)
        return path

    def _node(self, node: tuple[int, Place, Tags], texts: list[bytes]) -> bytes:
        id_, place, tags = node
        lon, lat = (zigzag(round(side * 1e7)) for side in degrees(place))
        return number(1, zigzag(id_)) + tagged(tags, texts) + number(8, lat) + number(9, lon)

    def _way(self, way: tuple[int, Sequence[int], Tags], texts: list[bytes]) -> bytes:
        id_, nodes, tags = way
        return number(1, id_) + tagged(tags, texts) + packed(8, steps(nodes))

    def _relation(
        self, relation: tuple[int, Sequence[tuple[int, str]], Tags], texts: list[bytes]
    ) -> bytes:
        id_, members, tags = relation
        roles = [index(role, texts) for _, role in members]
        ways = steps([way for way, _ in members])
        return (
            number(1, id_)
            + tagged(tags, texts)
            + packed(8, roles)
            + packed(9, ways)
            + packed(10, [1] * len(members))
        )


def block(kind: bytes, content: bytes, *, packing: int = 3) -> bytes:
    """A block of the file; `packing` is the field of its bytes (1 raw, 3 zlib, 7 zstd)."""
    data = zlib.compress(content) if packing == 3 else content
    blob = number(2, len(content)) + field(packing, data)
    head = field(1, kind) + number(3, len(blob))
    return len(head).to_bytes(4, "big") + head + blob


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field_number: int, value: int) -> bytes:
    return varint(field_number << 3) + varint(value)


def field(field_number: int, data: bytes) -> bytes:
    return varint(field_number << 3 | 2) + varint(len(data)) + data


def packed(field_number: int, values: Iterable[int]) -> bytes:
    return field(field_number, b"".join(map(varint, values)))


def zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def steps(values: Sequence[int]) -> list[int]:
    """Differences from one to the next, as the format stores ids."""
    return [zigzag(value - before) for before, value in zip([0, *values], values, strict=False)]


def nano(side: float) -> int:
    return round(side * 1e9)


def index(text: str, texts: list[bytes]) -> int:
    data = text.encode()
    if data not in texts:
        texts.append(data)
    return texts.index(data)


def tagged(tags: Tags, texts: list[bytes]) -> bytes:
    keys = [index(key, texts) for key in tags]
    values = [index(value, texts) for value in tags.values()]
    return packed(2, keys) + packed(3, values) if tags else b""
