"""How much a file may hold: what protects an ordinary PC from a hostile or a hopeless file."""

from typing import Annotated

from pydantic import Field

from layers.text import Entry

_Count = Annotated[int, Field(gt=0)]


class Limits(Entry):
    """The `[pack.limits]` table: what a file that comes in may be at most.

    `file_mb` is the size of the file itself, `unpacked_mb` of an archive's contents, `ratio` how
    many times larger than the archive they may be, `entries` how many files it may hold.
    `vertices` counts the coordinates of all features, `pixels` the cells of a raster that becomes
    polygons, `grid_pixels` those of a raster layer, which stays a grid. A file is given `seconds`
    and one more for each megabyte to be read, and `memory_mb` of memory.
    """

    file_mb: _Count = 200
    unpacked_mb: _Count = 1_000
    ratio: _Count = 200
    entries: _Count = 2_000
    features: _Count = 500_000
    vertices: _Count = 10_000_000
    pixels: _Count = 25_000_000
    grid_pixels: _Count = 200_000_000
    seconds: _Count = 9
    memory_mb: _Count = 2_000
