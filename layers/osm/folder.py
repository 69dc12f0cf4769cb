"""The folder that an import fills: replaced as a whole, never one with somebody's work in it."""

import hashlib
import json
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from layers.problem import InputError, Problem

RECORD_FILE = "osm_import.json"
"""What the import has written, with the hash of each file."""
_PACK_OPTION = "layers osm --pack"


def refuse_foreign(out: Path) -> None:
    """Raise InputError where a folder holds what no import wrote, or what was changed since."""
    if not out.exists():
        return
    if not out.is_dir():
        raise _refused(out, "is a file", "是一个文件")
    entries = sorted(path.relative_to(out).as_posix() for path in out.rglob("*"))
    if not entries:
        return
    written = _record(out)
    if written is None:
        raise _refused(out, "holds files that this command did not write", "里有不是本命令写的文件")
    for name in entries:
        path = out / name
        if name == RECORD_FILE:
            continue
        if not path.is_file() or written.get(name) != _hash(path):
            what = "was changed" if name in written else "was put there"
            zh = "被改过" if name in written else "是后来放进去的"
            raise _refused(
                out, f"holds '{name}', which {what} since the import", f"里的“{name}”{zh}"
            )


@contextmanager
def replaced(out: Path, source: Mapping[str, str]) -> Iterator[Path]:
    """Yield an empty folder beside `out` that takes its place when all went well.

    `source` describes the file that the pack is made of, for the record. Where anything fails,
    `out` stays as it was.
    """
    out = out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = [
        out.with_name(f".{out.name}-{secrets.token_hex(4)}-{part}") for part in ("new", "old")
    ]
    new, old = beside
    new.mkdir()
    try:
        yield new
        written = {path.name: _hash(path) for path in sorted(new.iterdir())}
        record = {"made_by": "layers osm", "source": source, "files": written}
        text = json.dumps(record, ensure_ascii=False, indent=2)
        (new / RECORD_FILE).write_text(text + "\n", encoding="utf-8")
        refuse_foreign(out)
        if out.exists():
            out.rename(old)
        try:
            new.rename(out)
        except OSError:
            if old.exists():
                old.rename(out)
            raise
    finally:
        for path in beside:
            if path.exists():
                shutil.rmtree(path)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _record(folder: Path) -> Mapping[str, str] | None:
    try:
        data: Any = json.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    files = data.get("files") if isinstance(data, dict) else None
    return files if isinstance(files, dict) else None


def _refused(out: Path, what: str, zh: str) -> InputError:
    message = f"'{out.name}' {what}; name another folder, or move this one away"
    chinese = f"“{out.name}”{zh}；请另选一个文件夹，或先把它移走"
    return InputError([Problem(_PACK_OPTION, "", "folder", message, zh=chinese)])
