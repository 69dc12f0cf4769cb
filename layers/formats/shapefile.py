"""Shapefiles in a zip: one part for each, Chinese texts in whatever encoding they are."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from layers.formats.archive import Member, members, unpacked
from layers.formats.encoding import named
from layers.formats.found import Choice, Part, Raw
from layers.formats.frames import Rows, chosen, unique_name
from layers.formats.gdal import read_layer, text_rows
from layers.limits import Limits

_DRIVER = "ESRI Shapefile"
_SUFFIXES = {".shp", ".shx", ".dbf", ".prj", ".cpg"}
_MOST_TEXT = 100_000  # bytes of a .prj or .cpg
_LANGUAGE_DRIVER, _HEADER_LENGTH = 29, 8
_DESCRIPTOR, _DESCRIPTOR_WIDTH = 32, 16
_END_OF_HEADER = 0x0D


@dataclass(frozen=True, slots=True)
class _Table:
    """What the header of a .dbf says: the language driver, and the bytes that each field holds."""

    language_driver: int = 0
    widths: tuple[int, ...] = ()


def inspect(path: Path, where: str, limits: Limits) -> tuple[Part, ...]:
    """Say what each shapefile of the archive holds; one without .dbf has no fields."""
    return tuple(
        _rows(path, where, name=name, files=files, choice=None, limits=limits).part()
        for name, files in _shapefiles(path, where, limits).items()
    )


def read(path: Path, where: str, choice: Choice, limits: Limits) -> Raw:
    """Read the chosen shapefile, or the only one.

    Raises InputError where its texts may be in several encodings and none is chosen.
    """
    found = _shapefiles(path, where, limits)
    name = [*found][chosen([*found], choice.part, where)]
    return _rows(path, where, name=name, files=found[name], choice=choice, limits=limits).raw()


def _shapefiles(path: Path, where: str, limits: Limits) -> dict[str, dict[str, Member]]:
    """Members by suffix, by the shapefile's name; its folder is told where two are of one name."""
    groups: dict[str, dict[str, Member]] = {}
    for member in members(path, where, limits):
        if member.suffix in _SUFFIXES:
            stem = member.name[: -len(member.suffix)]
            groups.setdefault(stem.casefold(), {}).setdefault(member.suffix, member)
    whole = [files for files in groups.values() if ".shp" in files]
    stems = [PurePosixPath(files[".shp"].name).with_suffix("") for files in whole]
    times = Counter(stem.name for stem in stems)
    found: dict[str, dict[str, Member]] = {}
    for path_in, files in zip(stems, whole, strict=True):
        name = path_in.name if times[path_in.name] == 1 else str(path_in)
        found[unique_name(name, [*found])] = files
    return found


def _rows(
    path: Path,
    where: str,
    *,
    name: str,
    files: Mapping[str, Member],
    choice: Choice | None,
    limits: Limits,
) -> Rows:
    wanted = {f"data{suffix}": member for suffix, member in files.items()}
    with unpacked(path, wanted, where) as folder:
        crs, cpg = _text(folder / "data.prj"), _text(folder / "data.cpg")
        # GDAL need not see them: what they say is judged here.
        for suffix in (".prj", ".cpg"):
            (folder / f"data{suffix}").unlink(missing_ok=True)
        table = _table(folder / "data.dbf")
        layer = read_layer(folder / "data.shp", 0, where, limits, driver=_DRIVER)
    widths = table.widths if len(table.widths) == len(layer.fields) else ()
    layer = replace(layer, crs=crs, widths=widths)
    declared = named(cpg, table.language_driver)
    return text_rows(layer, choice, where, limits, name=name, declared=declared)


def _text(path: Path) -> str:
    """The content of a small file that GIS programs write in ASCII, UTF-8 or GBK."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        raw = file.read(_MOST_TEXT)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("gb18030", "replace")


def _table(path: Path) -> _Table:
    if not path.exists():
        return _Table()
    with path.open("rb") as file:
        head = file.read(_DESCRIPTOR)
        if len(head) < _DESCRIPTOR:
            return _Table()
        length = int.from_bytes(head[_HEADER_LENGTH : _HEADER_LENGTH + 2], "little")
        fields = file.read(max(0, length - _DESCRIPTOR))
    widths = []
    for at in range(0, len(fields) - _DESCRIPTOR + 1, _DESCRIPTOR):
        if fields[at] == _END_OF_HEADER:
            break
        widths.append(fields[at + _DESCRIPTOR_WIDTH])
    return _Table(head[_LANGUAGE_DRIVER], tuple(widths))
