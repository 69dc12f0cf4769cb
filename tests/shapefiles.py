"""Shapefiles written byte by byte, so that a test knows what stands in them."""

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence

Point = tuple[float, float]

PLACES = [(117.35 + 0.01 * i, 39.10 + 0.01 * i) for i in range(20)]


def shp(points: Sequence[Point]) -> tuple[bytes, bytes]:
    """The .shp and .shx of points (ESRI Shapefile Technical Description, 1998)."""
    xs, ys = [x for x, _ in points], [y for _, y in points]

    def header(length: int) -> bytes:
        words = struct.pack(">7i", 9994, 0, 0, 0, 0, 0, length // 2)
        box = struct.pack("<4d", min(xs), min(ys), max(xs), max(ys))
        return words + struct.pack("<2i", 1000, 1) + box + bytes(32)

    records = [
        struct.pack(">2i", number, 10) + struct.pack("<i2d", 1, x, y)
        for number, (x, y) in enumerate(points, start=1)
    ]
    places = [struct.pack(">2i", 50 + 14 * i, 10) for i in range(len(points))]
    return (
        header(100 + 28 * len(points)) + b"".join(records),
        header(100 + 8 * len(points)) + b"".join(places),
    )


def dbf(
    names: Sequence[bytes],
    rows: Sequence[Sequence[bytes]],
    *,
    width: int = 40,
    language_driver: int = 0,
) -> bytes:
    """A dBASE III table of text fields; names are cut to 10 bytes, values to `width`."""
    length = 32 + 32 * len(names) + 1
    head = struct.pack(
        "<4BIHH17xBxx", 3, 123, 5, 1, len(rows), length, 1 + width * len(names), language_driver
    )
    fields = b"".join(struct.pack("<11sc4xBB14x", name[:10], b"C", width, 0) for name in names)
    records = b"".join(b" " + b"".join(value[:width].ljust(width) for value in row) for row in rows)
    return head + fields + b"\r" + records + b"\x1a"


def shapefile_zip(
    names: Sequence[bytes],
    rows: Sequence[Sequence[bytes]],
    *,
    cpg: str | None = None,
    prj: str | None = None,
    width: int = 40,
    language_driver: int = 0,
    stem: str = "data",
) -> bytes:
    """A zip of one point shapefile whose fields hold these bytes."""
    geometry, index = shp(PLACES[: len(rows)])
    table = dbf(names, rows, width=width, language_driver=language_driver)
    files = {f"{stem}.shp": geometry, f"{stem}.shx": index, f"{stem}.dbf": table}
    if cpg is not None:
        files[f"{stem}.cpg"] = cpg.encode()
    if prj is not None:
        files[f"{stem}.prj"] = prj.encode()
    return zipped(files)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip archive of files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)  # dated 1980, so that equal files give equal archives
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return out.getvalue()
