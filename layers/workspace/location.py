"""Where workspaces lie: one folder outside the repository, files by name or by secret."""

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

from layers.limits import Limits
from layers.problem import InputError, Problem
from layers.workspace.file import WorkspaceFile
from layers.workspace.proof import prove, stranger
from layers.workspace.store import Workspace, create_workspace, open_workspace

FOLDER_VARIABLE = "PLANMAP_WORKSPACES"
SUFFIX = ".planmap"
MOST_NAME_BYTES = 180
"""Sixty Chinese characters; with what SQLite appends, file names stay below 255 bytes."""

_TOKEN_BYTES = 16
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
_UNSAFE = re.compile(r'[<>:"/\\|?*%.]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|clock\$|com\d|lpt\d)")
_NAMED, _ANONYMOUS = "named", "anonymous"
_UNNAMED = "工作区 (workspace)"


def default_folder(environ: Mapping[str, str], platform: str, home: Path) -> Path:
    """Return the folder of workspaces: the one that PLANMAP_WORKSPACES names, or the platform's.

    `platform` is `sys.platform`.

    >>> default_folder({}, "linux", Path("/home/li")).as_posix()
    '/home/li/.local/share/planmap'
    >>> default_folder({}, "darwin", Path("/Users/li")).as_posix()
    '/Users/li/Library/Application Support/planmap'
    >>> default_folder({"LOCALAPPDATA": "C:/Users/li/Local"}, "win32", Path("C:/")).as_posix()
    'C:/Users/li/Local/planmap'
    """
    chosen = environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    if platform == "win32":
        local = environ.get("LOCALAPPDATA")
        return (Path(local) if local else home / "AppData" / "Local") / "planmap"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "planmap"
    data = environ.get("XDG_DATA_HOME", "")
    # The standard says that a relative path there is to be passed over.
    return (Path(data) if data.startswith("/") else home / ".local" / "share") / "planmap"


@dataclass(frozen=True, slots=True)
class Workspaces:
    """The workspaces in a folder: named ones, and anonymous ones that only a token finds."""

    folder: Path

    def names(self) -> tuple[str, ...]:
        """List the names of the named workspaces, damaged ones too."""
        paths = sorted((self.folder / _NAMED).glob(f"[!.]*{SUFFIX}"))
        return tuple(WorkspaceFile(path, unquote(path.stem)).title() for path in paths)

    def named(self, name: str) -> Workspace | None:
        """Open the workspace of this name; None where there is none.

        Capitals, full-width letters and spaces around it make no difference.
        """
        file = self._file(name)
        return _found(file.path, file.label)

    def create(self, name: str) -> Workspace:
        """Make an empty workspace of this name.

        Raises InputError where there is one, or the name cannot be one.
        """
        file = self._file(name)
        self._make_folders()
        file.create()
        return Workspace(file)

    def anonymous(self, token: str) -> Workspace | None:
        """Open the workspace that this token stands for; None where there is none."""
        return _found(self._hidden(token), _UNNAMED) if _TOKEN.fullmatch(token) else None

    def new_anonymous(self, title: str) -> tuple[str, Workspace]:
        """Make an empty workspace that only the token finds which is returned with it."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        self._make_folders()
        return token, create_workspace(self._hidden(token), title)

    def copy(self, workspace: Workspace, name: str) -> Workspace:
        """Copy a workspace with all its history to a new name; it stays as it is itself.

        Raises InputError where the name is taken.
        """
        target = self._file(name)
        self._make_folders()
        workspace.file.copy_to(target, title=target.label)
        return Workspace(target)

    def import_file(
        self, path: Path, *, name: str, limits: Limits | None = None, file_name: str = ""
    ) -> Workspace:
        """Copy a workspace from another machine to a name, once everything in it is proved sound.

        `file_name` is what the planner calls the file, where `path` is called otherwise.

        Raises InputError where the name is taken, or the file is not a workspace, is damaged,
        too large, or holds what this program would never write.
        """
        target = self._file(name)
        self._import(path, target, limits, file_name, title=target.label)
        return Workspace(target)

    def import_anonymous(
        self, path: Path, *, limits: Limits | None = None, file_name: str = ""
    ) -> tuple[str, Workspace]:
        """Copy a workspace from another machine to a new token; as `import_file` in all else."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        target = WorkspaceFile(self._hidden(token), "")
        title = self._import(path, target, limits, file_name)
        return token, Workspace(replace(target, label=title))

    def _import(
        self,
        path: Path,
        target: WorkspaceFile,
        limits: Limits | None,
        file_name: str,
        *,
        title: str | None = None,
    ) -> str:
        """Copy a stranger's file and prove the copy; its own title."""
        source = stranger(path, file_name or path.name)
        self._make_folders()
        source.file.copy_to(
            target,
            title=title,
            prove=lambda copy: prove(
                replace(copy, label=file_name or path.name), limits or Limits()
            ),
        )
        return source.title

    def _file(self, name: str) -> WorkspaceFile:
        shown = _shown(name)
        return WorkspaceFile(self.folder / _NAMED / f"{_stem(shown)}{SUFFIX}", shown)

    def _hidden(self, token: str) -> Path:
        """The file of a token, under its hash: who lists the folder does not learn the token."""
        stem = hashlib.sha256(token.encode()).hexdigest()
        return self.folder / _ANONYMOUS / f"{stem}{SUFFIX}"

    def _make_folders(self) -> None:
        """Make the folders, open to their owner only."""
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            for folder in (self.folder, self.folder / _NAMED, self.folder / _ANONYMOUS):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            message = (
                "the folder of workspaces cannot be made; see that there is room and that writing"
                f" is allowed, or name another folder in {FOLDER_VARIABLE}"
            )
            zh = (
                "无法建立工作区文件夹；请确认磁盘有空间且允许写入，"
                f"或用 {FOLDER_VARIABLE} 指定其他文件夹"
            )
            raise InputError([Problem(_UNNAMED, "", "folder", message, zh=zh)]) from error


def _found(path: Path, label: str) -> Workspace | None:
    return open_workspace(path, label=label) if path.is_file() else None


def _shown(name: str) -> str:
    """A name as it is shown; raises InputError where it cannot be one."""
    shown = unicodedata.normalize("NFC", name).strip()
    if not shown:
        message, zh = "the name is empty; give it one", "名称为空；请输入名称"
    elif any(unicodedata.category(sign)[0] == "C" for sign in shown):
        message = f"the name {shown!a} holds signs that cannot be seen; leave them out"
        zh = f"名称 {shown!a} 含有不可见字符；请去掉"
    elif len(_stem(shown).encode()) > MOST_NAME_BYTES:
        message = f"the name has {len(shown)} characters; 60 are allowed, fewer with special signs"
        zh = f"名称有 {len(shown)} 个字；最多 60 个字，含特殊符号时更少"
    else:
        return shown
    raise InputError([Problem(_UNNAMED, "", "name", message, zh=zh)])


def _stem(shown: str) -> str:
    """The file name of a workspace's name: one for all ways of writing it, on any system.

    >>> _stem("Plan A"), _stem("ＰＬＡＮ a"), _stem("../con"), _stem("con")
    ('plan a', 'plan a', '%2E%2E%2Fcon', '%63on')
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", shown).casefold())
    folded = " ".join(folded.split())
    safe = _UNSAFE.sub(lambda sign: f"%{ord(sign[0]):02X}", folded)
    return f"%{ord(safe[0]):02x}{safe[1:]}" if _RESERVED.fullmatch(safe) else safe
