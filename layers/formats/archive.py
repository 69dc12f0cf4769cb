"""Zip archives: what they hold, by which limits, and unpacking of what is wanted, safely."""

import lzma
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from layers.formats.refusal import refusal
from layers.limits import Limits
from layers.problem import InputError

_MEGABYTE = 1024 * 1024
_RATIO_FROM = 10 * _MEGABYTE
"""Below this size nothing unpacked does harm; a small table of blanks shrinks a thousandfold."""
_MOST_DIRECTORY = 600  # bytes that an entry takes in the archive's directory; 80 is usual
_END = b"PK\x05\x06"
_END_WITHIN = 65_557  # the last record and its longest comment
_ENCRYPTED = 0x1
_UTF8 = 0x800
_LEFTOVERS = re.compile(r"(^|/)(__MACOSX/|\._|\.DS_Store$|Thumbs\.db$)")
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside an archive: its path with `/`, in readable letters, and its unpacked size."""

    name: str
    size: int
    entry: zipfile.ZipInfo

    @property
    def suffix(self) -> str:
        """What follows the last dot, in small letters, with the dot."""
        return Path(self.name).suffix.lower()


def members(path: Path, where: str, limits: Limits) -> tuple[Member, ...]:
    """List the files of a zip archive; folders and what macOS leaves behind are not listed.

    Names without the UTF-8 flag, as Chinese Windows writes them, are read as UTF-8 or else GBK.
    Raises InputError where the archive is damaged, encrypted, holds links or paths that lead out
    of it, or exceeds the limits. Nothing is unpacked to find out: the sizes that the directory
    states are those at which unpacking stops.
    """
    try:
        _check_directory(path, where, limits)
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except _DAMAGE as error:
        raise _damaged(where) from error
    if len(entries) > limits.entries:
        raise _too_many(f"{len(entries):,}", where, limits)
    listed = [Member(_name(entry), entry.file_size, entry) for entry in entries]
    for member in listed:
        _check_member(member, where)
    _check_size(sum(member.size for member in listed), path.stat().st_size, where, limits)
    return tuple(
        member
        for member in listed
        if not member.name.endswith("/") and not _LEFTOVERS.search(member.name)
    )


@contextmanager
def unpacked(path: Path, wanted: Mapping[str, Member], where: str) -> Iterator[Path]:
    """Give a folder that holds the wanted members under the names of our own that they map from.

    The folder lies among this process's temporary files and is gone afterwards. Raises
    InputError where a member is damaged.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            with zipfile.ZipFile(path) as archive:
                for own_name, member in wanted.items():
                    target = folder / own_name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(member.entry) as source, target.open("wb") as copy:
                        shutil.copyfileobj(source, copy, _MEGABYTE)
        except _DAMAGE as error:
            raise _damaged(where) from error
        yield folder


def _check_directory(path: Path, where: str, limits: Limits) -> None:
    """Refuse a directory of millions of entries before it fills the memory."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _END_WITHIN))
        end = file.read()
    at = end.rfind(_END)
    length = int.from_bytes(end[at + 12 : at + 16], "little") if at >= 0 else 0
    if length > limits.entries * _MOST_DIRECTORY:
        count = int.from_bytes(end[at + 10 : at + 12], "little")
        raise _too_many(f"{count:,}" if count > limits.entries else "…", where, limits)


def _name(entry: zipfile.ZipInfo) -> str:
    name = entry.orig_filename
    if not entry.flag_bits & _UTF8:
        raw = name.encode("cp437", "replace")
        for encoding in ("utf-8", "gb18030", "cp437"):
            try:
                name = raw.decode(encoding)
            except UnicodeDecodeError:
                continue
            break
    return name.split("\0")[0].replace("\\", "/")


def _check_member(member: Member, where: str) -> None:
    shown = member.name[:80]
    if member.entry.flag_bits & _ENCRYPTED:
        raise refusal(
            where,
            "encrypted",
            "the archive has a password; make one without",
            zh="压缩包有密码；请重新压缩，不设密码",
        )
    if (
        member.name.startswith("/")
        or re.match(r"[A-Za-z]:", member.name)
        or ".." in member.name.split("/")
    ):
        raise refusal(
            where,
            "path",
            f"'{shown}' leads out of the archive; zip the files once more, without paths",
            zh=f"压缩包中“{shown}”指向包外；请重新压缩，不带路径",
        )
    if stat.S_ISLNK(member.entry.external_attr >> 16):
        raise refusal(
            where,
            "link",
            f"'{shown}' is a link to another file; zip the files themselves",
            zh=f"压缩包中“{shown}”是指向其他文件的链接；请压缩文件本身",
        )


def _check_size(size: int, packed: int, where: str, limits: Limits) -> None:
    if size > limits.unpacked_mb * _MEGABYTE:
        raise refusal(
            where,
            "unpacked_mb",
            f"the archive holds {size / _MEGABYTE:,.0f} MB, at most {limits.unpacked_mb:,} are"
            " read; split it, or raise [pack.limits].unpacked_mb in layers.toml",
            zh=f"压缩包解开后为 {size / _MEGABYTE:,.0f} MB，上限 {limits.unpacked_mb:,} MB；"
            "请拆分文件，或在 layers.toml 的 [pack.limits] 中调高 unpacked_mb",
        )
    if size > _RATIO_FROM and size > packed * limits.ratio:
        raise refusal(
            where,
            "ratio",
            f"the archive grows {size // max(packed, 1):,} times when unpacked, at most"
            f" {limits.ratio:,} is taken for honest; zip the files anew, or raise"
            " [pack.limits].ratio in layers.toml",
            zh=f"压缩包解开后膨胀 {size // max(packed, 1):,} 倍，上限 {limits.ratio:,} 倍；"
            "请重新压缩，或在 layers.toml 的 [pack.limits] 中调高 ratio",
        )


def _too_many(count: str, where: str, limits: Limits) -> InputError:
    return refusal(
        where,
        "entries",
        f"the archive holds {count} files, at most {limits.entries:,} are read; zip only the data,"
        " or raise [pack.limits].entries in layers.toml",
        zh=f"压缩包内有 {count} 个文件，上限 {limits.entries:,} 个；请只压缩数据文件，"
        "或在 layers.toml 的 [pack.limits] 中调高 entries",
    )


def _damaged(where: str) -> InputError:
    return refusal(
        where,
        "archive",
        "the archive is damaged or packed in an unusual way; make a plain .zip once more",
        zh="压缩包已损坏或压缩方式特殊；请重新压缩为普通 .zip",
    )
