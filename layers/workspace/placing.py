"""Writing a new file that is either there, whole, or not there at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from layers.problem import InputError, Problem


@contextmanager
def placed(path: Path, label: str) -> Iterator[Path]:
    """Give a file beside the place to fill; at the end it gets its name, over no other file.

    Only its owner may read it. `label` is what people call the file.

    Raises InputError where there is a file of that name, or it cannot be written.
    """
    part = path.with_name(f".{secrets.token_hex(8)}.part{path.suffix}")
    try:
        part.touch(mode=0o600, exist_ok=False)
        try:
            if path.exists():
                raise FileExistsError(path)
            yield part
            _name(part, path)
        finally:
            for left in path.parent.glob(f"{part.name}*"):  # a failed writer's journal, too
                left.unlink(missing_ok=True)
    except FileExistsError as error:
        message = "there is a file of this name already; choose another name"
        zh = "已有同名文件；请换一个名称"
        raise InputError([Problem(label, "", "exists", message, zh=zh)]) from error
    except OSError as error:
        message = "it cannot be written; see that its folder is there, writable and not full"
        zh = "无法写入；请确认所在文件夹存在、允许写入且磁盘未满"
        raise InputError([Problem(label, "", "write", message, zh=zh)]) from error


def _name(part: Path, path: Path) -> None:
    """Give a finished file its name; raises FileExistsError where the name is taken."""
    if os.name != "nt":  # there, renaming itself refuses to overwrite
        try:
            path.hardlink_to(part)
        except FileExistsError:
            raise
        except OSError:  # a disk on which a file has one name only, as on a memory stick
            if path.exists():
                raise FileExistsError(path) from None
        else:
            return
    part.rename(path)
