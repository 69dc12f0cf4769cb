"""File Geodatabase: a folder `.gdb`, zipped as a whole."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from layers.formats.archive import members, unpacked
from layers.formats.found import Choice, Part, Raw
from layers.formats.frames import chosen
from layers.formats.gdal import layer_names, read_layer, text_rows
from layers.formats.refusal import refusal
from layers.limits import Limits

_DRIVER = "OpenFileGDB"
_FILE = re.compile(r"a[0-9a-f]{8}\.[a-z_]{2,40}|gdb|timestamps")
_CATALOGUE = "a00000001.gdbtable"


def inspect(path: Path, where: str, limits: Limits) -> tuple[Part, ...]:
    """Say what the feature classes hold; raises InputError where there is none."""
    with _opened(path, where, limits) as (folder, layers):
        return tuple(
            text_rows(
                read_layer(folder, index, where, limits, driver=_DRIVER),
                None,
                where,
                limits,
                name=name,
            ).part()
            for name, index in layers.items()
        )


def read(path: Path, where: str, choice: Choice, limits: Limits) -> Raw:
    """Read the chosen feature class, or the only one."""
    with _opened(path, where, limits) as (folder, layers):
        name = [*layers][chosen([*layers], choice.part, where)]
        layer = read_layer(folder, layers[name], where, limits, driver=_DRIVER)
        return text_rows(layer, choice, where, limits, name=name).raw()


@contextmanager
def _opened(path: Path, where: str, limits: Limits) -> Iterator[tuple[Path, dict[str, int]]]:
    """Give the unpacked folder and the places of its feature classes by name."""
    listed = members(path, where, limits)
    homes = {PurePosixPath(m.name).parent for m in listed if m.name.lower().endswith(_CATALOGUE)}
    if len(homes) != 1:
        names = "、".join(sorted(str(home) for home in homes)[:5])
        raise refusal(
            where,
            "part",
            f"it holds {len(homes)} geodatabases ({names}); zip one folder .gdb at a time",
            zh=f"压缩包内有 {len(homes)} 个 .gdb（{names}）；请每次只压缩一个 .gdb 文件夹",
        )
    home = homes.pop()
    wanted = {
        f"data.gdb/{PurePosixPath(m.name).name.lower()}": m
        for m in listed
        if PurePosixPath(m.name).parent == home
        and _FILE.fullmatch(PurePosixPath(m.name).name.lower())
    }
    with unpacked(path, wanted, where) as folder:
        own = folder / "data.gdb"
        classes = layer_names(own, where)
        layers = {name: at for at, (name, spatial) in enumerate(classes) if spatial}
        if not layers:
            raise refusal(
                where,
                "empty",
                "the geodatabase has no feature class with geometry; export a layer that has one",
                zh="地理数据库中没有带图形的要素类；请导出含图形的图层",
            )
        yield own, layers
