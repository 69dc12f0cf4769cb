"""The fingerprint of a program: which code and which texts it consists of."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

CODE_SUFFIXES = frozenset({".py", ".toml"})


def code_sha256(root: Path, folders: Iterable[str]) -> str:
    r"""Hash of the code and the texts in folders of a program; equal for a checkout on any system.

    Names are written with forward slashes and lines end as on Linux, whatever the disk holds;
    hidden files, as editors leave them, do not count. Other programs find the same hash:

        find layers spatial -name '*.py' -o -name '*.toml' | LC_ALL=C sort | xargs sha256sum |
        sha256sum

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as root:
    ...     (Path(root) / "a").mkdir()
    ...     _ = (Path(root) / "a" / "one.py").write_bytes(b"x = 1\r\n")
    ...     on_windows = code_sha256(Path(root), ["a"])
    ...     _ = (Path(root) / "a" / "one.py").write_bytes(b"x = 1\n")
    ...     code_sha256(Path(root), ["a"]) == on_windows
    True
    """
    lines = [
        f"{hashlib.sha256(_with_plain_ends(path.read_bytes())).hexdigest()}  {name}\n"
        for name, path in sorted(_code(root, folders))
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _code(root: Path, folders: Iterable[str]) -> Iterable[tuple[str, Path]]:
    for folder in folders:
        for path in (root / folder).rglob("*"):
            name = path.relative_to(root)
            hidden = any(part.startswith(".") for part in name.parts)
            if path.suffix in CODE_SUFFIXES and not hidden and path.is_file():
                yield name.as_posix(), path


def _with_plain_ends(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
