"""A look at WKB from elsewhere before GEOS reads it."""

import struct

_POINT, _LINE, _POLYGON = 1, 2, 3
_MULTI = {4: _POINT, 5: _LINE, 6: _POLYGON}  # what a MultiPoint and so on are made of
_DIMENSIONS = (2, 3, 3, 4)  # XY, XYZ, XYM, XYZM: thousands of the ISO code
_ISO_STEP = 1_000


def is_plain(wkb: bytes) -> bool:
    r"""Tell whether this is one of the six geometries that a workspace holds.

    GEOS follows a geometry nested in a geometry until the process dies of it, before it looks
    whether they may be nested; so this is found out first.

    >>> point = b"\x01\x01\0\0\0" + bytes(16)
    >>> collection = b"\x01\x07\0\0\0\x01\0\0\0"
    >>> is_plain(point), is_plain(collection + point)
    (True, False)
    """
    try:
        order, code = struct.unpack_from("<BI", wkb, 0)
        dimensions, kind = divmod(code, _ISO_STEP)
        if order != 1 or dimensions >= len(_DIMENSIONS):
            return False
        part = _MULTI.get(kind)
        if part is None:
            return kind in {_POINT, _LINE, _POLYGON}
        header = struct.pack("<BI", 1, dimensions * _ISO_STEP + part)
        (count,) = struct.unpack_from("<I", wkb, 5)
        start = 9
        for _ in range(count):
            if not wkb.startswith(header, start):
                return False
            start = _end(wkb, start + len(header), part, 8 * _DIMENSIONS[dimensions])
    except struct.error:
        return False
    return True


def _end(wkb: bytes, start: int, kind: int, point_bytes: int) -> int:
    """Where a point, line or polygon ends that begins (after its header) at `start`."""
    if kind == _POINT:
        return start + point_bytes
    (count,) = struct.unpack_from("<I", wkb, start)
    start += 4
    if kind == _LINE:
        return start + int(count) * point_bytes
    for _ in range(count):
        start = _end(wkb, start, _LINE, point_bytes)
    return start
