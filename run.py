"""One command sets the project up and starts it: `python3 run.py app`, on Windows `py run.py app`.

Standard library only. The project gets its own Python in `.venv` beside this file; packages are
installed when the requirement files change and at no other time. Beside a folder `wheels`
(`run.py bundle` makes one) they come from there, and no network is touched.
"""

import argparse
import contextlib
import email.parser
import errno
import hashlib
import http.client
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import webbrowser
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

# An old Python (from 3.6 on) can read this whole file and run it to here, so it says what it lacks.
if sys.version_info < (3, 11):  # noqa: UP036
    found = ".".join(str(part) for part in sys.version_info[:3])
    sys.exit(
        f"需要 Python 3.11 或更新版本，当前为 {found}，见 https://www.python.org/downloads/ "
        f"/ Python 3.11 or newer is needed, this is {found}"
    )

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

ROOT = Path(__file__).absolute().parent

RUNTIME = "requirements.txt"
TESTING = "tests/requirements.txt"
BENCHMARKS = "bench/requirements.txt"

USAGE = """\
用法 / usage: python3 run.py <verb> …      (Windows: py run.py <verb> …)
  app     启动地图 / start the map    [--pack DIR] [--port N] [--address A] [--base-path P]
  test    检查与测试 / lint, types, tests           [pytest arguments: then pytest alone]
  bench   性能对比 / benchmarks                     [name …]
  bundle  制作离线包 / make an offline bundle
          [--out DIR] [--python 3.11 …] [--platform windows linux]
其他命令原样交给 / every other verb goes to: python -m spatial (check, zones, layers, …; --help)
"""

CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
)
MOST_WORKERS = 4

# Another installation's PROJ or GDAL data breaks rasterio; another one's modules break everything.
DROPPED_VARIABLES = ("PROJ_LIB", "PROJ_DATA", "GDAL_DATA", "PYTHONPATH", "PYTHONHOME")

DEFAULT_ADDRESS = "127.0.0.1"
DEFAULT_PORT = 8501
PORTS_TRIED = 50
LAST_PORT = 65535
GRACE_S = 2.0

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "microsoft-edge-stable",
    "msedge",
)
BROWSER_FILES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
WINDOWS_BROWSER_FILES = (
    "Google/Chrome/Application/chrome.exe",
    "Microsoft/Edge/Application/msedge.exe",
)
CJK_FONT_PACKAGE = "fonts-noto-cjk"
POSTGIS_PACKAGE = "postgresql-postgis"


class Target(NamedTuple):
    """A kind of machine that a bundle serves: its wheel tags, and what its Python says of it."""

    tags: tuple[str, ...]
    markers: Mapping[str, str]


# glibc 2.28 (2018): Debian 10, Ubuntu 20.04, RHEL 8, 银河麒麟 V10 and newer.
TARGETS = {
    "windows": Target(
        ("win_amd64",),
        {
            "os_name": "nt",
            "sys_platform": "win32",
            "platform_system": "Windows",
            "platform_machine": "AMD64",
        },
    ),
    "linux": Target(
        (
            *(f"manylinux_2_{minor}_x86_64" for minor in range(28, 4, -1)),
            "manylinux2014_x86_64",
            "manylinux2010_x86_64",
            "manylinux1_x86_64",
        ),
        {
            "os_name": "posix",
            "sys_platform": "linux",
            "platform_system": "Linux",
            "platform_machine": "x86_64",
        },
    ),
}

BUNDLE_NOTE = "使用说明.txt"
BUNDLE_TEXT = """\
离线使用（无需联网）
1. 电脑上要有 Python {pythons}（64 位；{platforms}）。
2. 把整个文件夹复制到电脑上任意可写的位置。
3. 在该文件夹中打开命令行，运行：
     Windows:  py -{first} run.py app
     Linux:    python{first} run.py app
   首次运行会在本文件夹内安装依赖，随后显示网址；按 Ctrl-C 结束。

Offline use (no network needed)
1. The computer needs Python {pythons} (64 bit; {platforms}).
2. Copy the whole folder to any place that can be written to.
3. Open a command line in that folder and run:
     Windows:  py -{first} run.py app
     Linux:    python{first} run.py app
   The first start installs what it needs into this folder, then shows the address; Ctrl-C stops it.
"""

# What a checkout holds beside the project itself, for a copy without git.
LEFT_OUT = {
    ".git",
    ".hypothesis",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".venv",
    ".venv.lock",
    ".venv.log",
    "__pycache__",
    "dist",
    "static",
    "wheels",
}


class RefusalError(Exception):
    """What a person must mend before a verb can run: one line, Chinese and English."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh} / {en}")


class Environment(NamedTuple):
    """The project's own Python: `.venv` in the project's folder, with a stamp of what is in it."""

    root: Path

    @property
    def folder(self) -> Path:
        """The virtual environment."""
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """The interpreter inside."""
        return self.folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")

    @property
    def stamp(self) -> Path:
        """What was installed; there only while the installation is whole."""
        return self.folder / "planmap-stamp.json"

    @property
    def lock(self) -> Path:
        """Held by the one start that installs."""
        return self.root / ".venv.lock"

    @property
    def log(self) -> Path:
        """Output of pip and its like."""
        return self.root / ".venv.log"

    @property
    def wheels(self) -> Path:
        """The packages of an offline bundle."""
        return self.root / "wheels"


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A Windows console may know neither Chinese nor UTF-8: better a "?" than a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(USAGE, end="")
        return 0
    verb, *rest = arguments
    environment = Environment(ROOT)
    with contextlib.suppress(ValueError):  # signals belong to the main thread
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if verb in VERBS:
            return VERBS[verb](environment, rest)
        return forward(environment, arguments)
    except RefusalError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        say("已中断；下次运行会接着准备", "interrupted; the next run mends what is unfinished")
        return 130


def say(zh: str, en: str) -> None:
    """Print one line in both languages at once, even into a pipe."""
    print(f"{zh} / {en}", flush=True)


def fingerprint(path: Path) -> str:
    """Tell one content of a requirement file from another, whatever its line endings."""
    return hashlib.sha256(path.read_text(encoding="utf-8").encode()).hexdigest()


def identity(environment: Environment) -> dict[str, object]:
    """Tell an environment from one made by another Python or copied from another place."""
    return {
        "python": list(sys.version_info[:2]),
        "base": sys.base_prefix,
        "folder": str(environment.folder),
    }


def read_stamp(environment: Environment) -> dict[str, object]:
    """Return what the stamp says, or nothing where it is missing or broken."""
    try:
        stamp = json.loads(environment.stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def is_usable(environment: Environment) -> bool:
    """Tell whether `.venv` is whole and was made here by this Python."""
    stamp = read_stamp(environment)
    made_here = all(stamp.get(key) == value for key, value in identity(environment).items())
    return made_here and environment.python.exists()


def is_ready(environment: Environment, files: Sequence[str]) -> bool:
    """Tell whether `.venv` holds what these requirement files ask for."""
    installed = read_stamp(environment).get("requirements")
    return (
        is_usable(environment)
        and isinstance(installed, dict)
        and all(installed.get(name) == fingerprint(environment.root / name) for name in files)
    )


def prepare(environment: Environment, files: Sequence[str]) -> None:
    """Make `.venv` hold what the requirement files ask for; a second run does nothing.

    The stamp is taken away before anything changes and written when all is done, so an
    interrupted installation has none, and the next run builds the environment afresh.
    """
    if is_ready(environment, files):
        return
    with locked(environment.lock):
        if is_ready(environment, files):  # another start did the work meanwhile
            return
        environment.log.unlink(missing_ok=True)
        installed: dict[str, object] = {}
        if is_usable(environment):
            recorded = read_stamp(environment).get("requirements")
            installed = recorded if isinstance(recorded, dict) else {}
            environment.stamp.unlink()
        else:
            create(environment)
        say(
            f"正在安装依赖：{'、'.join(files)}（首次约一至数分钟）",
            f"installing {', '.join(files)} (the first time takes a minute or a few)",
        )
        quiet(
            install_command(environment, files),
            log=environment.log,
            env=pip_variables(environment),
            failed=(
                "安装依赖失败（不能联网时，请先在联网电脑上运行 run.py bundle）",
                "packages could not be installed (offline? make a bundle elsewhere)",
            ),
        )
        requirements = {name: fingerprint(environment.root / name) for name in files}
        stamp = {**identity(environment), "requirements": {**installed, **requirements}}
        environment.stamp.write_text(json.dumps(stamp, indent=1), encoding="utf-8")


def create(environment: Environment) -> None:
    """Make an empty `.venv`, in place of a broken one if need be."""
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise RefusalError(
            f"此 Python 缺少模块 {'、'.join(missing)}；Debian/Ubuntu 请运行：apt install {package}",
            f"this Python lacks {', '.join(missing)}; on Debian/Ubuntu: apt install {package}",
        )
    say(f"正在创建运行环境 {environment.folder}", "creating the project's own Python")
    quiet(
        [base_python(), "-m", "venv", "--clear", str(environment.folder)],
        log=environment.log,
        env=child_variables(),
        failed=(
            f"无法创建 {environment.folder}（程序是否仍在运行？）",
            f"{environment.folder} could not be made (is the app still running?)",
        ),
    )


def base_python() -> str:
    """Return the interpreter outside any virtual environment: one must not replace itself."""
    if sys.prefix == sys.base_prefix:
        return sys.executable
    return str(getattr(sys, "_base_executable", sys.executable))


def install_command(environment: Environment, files: Sequence[str]) -> list[str]:
    """Return the pip command line; with a folder `wheels` it looks nowhere else."""
    command = [str(environment.python), "-m", "pip", "install", "--quiet", "--prefer-binary"]
    command += ["--disable-pip-version-check", "--no-input", "--no-warn-script-location"]
    if environment.wheels.is_dir():
        command += ["--isolated", "--no-index", "--find-links", str(environment.wheels)]
    for name in files:
        command += ["-r", str(environment.root / name)]
    return command


def pip_variables(environment: Environment) -> dict[str, str]:
    """Return pip's environment: the machine's own settings, or none beside a folder `wheels`."""
    if environment.wheels.is_dir():
        return child_variables(PIP_CONFIG_FILE=os.devnull)
    return child_variables()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file; the system frees it with its handle, after a crash too."""
    with path.open("ab") as handle:
        if not try_lock(handle):
            say("另一个窗口正在安装，请稍候", "another start is installing; waiting for it")
            while not try_lock(handle):
                time.sleep(0.2)
        yield


def try_lock(handle: IO[bytes]) -> bool:
    """Take the lock if it is free."""
    try:
        if sys.platform == "win32":
            handle.seek(0)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def child_variables(**added: str) -> dict[str, str]:
    """Return this process's environment without what misleads Python, PROJ and GDAL, in UTF-8."""
    kept = {name: value for name, value in os.environ.items() if name not in DROPPED_VARIABLES}
    return {**kept, "PYTHONUTF8": "1", **added}


def quiet(
    command: Sequence[str], *, log: Path, env: Mapping[str, str], failed: tuple[str, str]
) -> None:
    """Run a command with its output in the log; where it fails, say so, why, and where to look."""
    with log.open("ab") as output:
        done = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
        )
    if done.returncode != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
        lines = [line.strip() for line in lines if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR")] or lines or ["-"]
        zh, en = failed
        raise RefusalError(f"{zh}，日志 {log}", f"{en}: {errors[-1]}")


def follow(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    started: Callable[["subprocess.Popen[bytes]"], None] | None = None,
) -> int:
    """Run a command in the foreground and return its exit code; an interrupt ends it in peace."""
    child = subprocess.Popen(command, env=env, cwd=cwd)
    try:
        if started is not None:
            started(child)
        code = child.wait()
    except KeyboardInterrupt:
        # Ctrl-C reaches the child as well; a signal to this process alone does not.
        code = end(child)
    return code if code >= 0 else 128 - code


def end(child: "subprocess.Popen[bytes]") -> int:
    """Wait for a child that was asked to stop, then ask again, then insist."""
    for insist in (child.terminate, child.kill):
        with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            return child.wait(timeout=GRACE_S)
        insist()
    return child.wait()


def run_app(environment: Environment, arguments: Sequence[str]) -> int:
    """Start the map, say where it is, and open it where there is a desktop."""
    options = app_options(arguments)
    pack = options.pack or os.environ.get("PLANMAP_PACK")
    added = {"PLANMAP_PACK": str(checked_pack(pack))} if pack else {}
    port = choose_port(options.address, options.port)
    base_path = options.base_path.strip("/")
    prepare(environment, (RUNTIME,))
    (environment.root / "static").mkdir(exist_ok=True)  # or Streamlit warns that it is missing

    def started(child: "subprocess.Popen[bytes]") -> None:
        url = page_url(options.address, port, base_path)
        if not wait_until_answering(child, options.address, port, base_path):
            return
        say("地图已就绪，按 Ctrl-C 结束", f"the map is ready, Ctrl-C stops it: {url}")
        if has_desktop(os.environ, sys.platform, terminal=sys.stdout.isatty()):
            webbrowser.open(url)

    return follow(
        app_command(environment, options.address, port, base_path),
        env=child_variables(**added),
        cwd=environment.root,
        started=started,
    )


def app_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line of `app`."""
    parser = argparse.ArgumentParser(prog="run.py app", allow_abbrev=False)
    parser.add_argument("--pack", metavar="DIR", help="数据包文件夹 / a folder with layers.toml")
    parser.add_argument(
        "--port", type=port_number, metavar="N", help=f"端口 / port ({DEFAULT_PORT})"
    )
    parser.add_argument(
        "--address",
        default=DEFAULT_ADDRESS,
        metavar="A",
        help="监听地址；0.0.0.0 供局域网访问 / 0.0.0.0 lets others in (%(default)s)",
    )
    parser.add_argument(
        "--base-path", default="", metavar="P", help="网址前缀 / path behind a reverse proxy"
    )
    return parser.parse_args(arguments)


def port_number(text: str) -> int:
    """Read a port.

    >>> port_number("8501")
    8501
    """
    if text.isdecimal() and 0 < int(text) <= LAST_PORT:
        return int(text)
    message = f"'{text}' is not a port; 1 to {LAST_PORT}"
    raise argparse.ArgumentTypeError(message)


def app_command(environment: Environment, address: str, port: int, base_path: str) -> list[str]:
    """Return the command line of the server; it opens no browser and asks nobody anything."""
    settings = {
        "server.address": address,
        "server.port": str(port),
        "server.headless": "true",
        "server.showEmailPrompt": "false",
        "browser.gatherUsageStats": "false",
        "logger.hideWelcomeMessage": "true",
        "logger.level": "warning",
    }
    if base_path:
        settings["server.baseUrlPath"] = base_path
    command = [str(environment.python), "-m", "views.server", "run", "app.py"]
    return command + [f"--{name}={value}" for name, value in settings.items()]


def checked_pack(pack: str) -> Path:
    """Return the pack's absolute path, or refuse a folder that is none."""
    folder = Path(pack).absolute()
    if not (folder / "layers.toml").is_file():
        raise RefusalError(
            f"{folder} 不是数据包：应为含 layers.toml 的文件夹",
            "not a pack; a pack is a folder with layers.toml",
        )
    return folder


def choose_port(address: str, port: int | None) -> int:
    """Return the asked port if it is free, or the first free one from 8501 on if none is asked."""
    candidates = [port] if port else range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED)
    for candidate in candidates:
        if is_free(address, candidate):
            return candidate
    if port:
        raise RefusalError(
            f"端口 {port} 已被占用，请用 --port 另选", f"port {port} is in use; choose another"
        )
    last = DEFAULT_PORT + PORTS_TRIED - 1
    raise RefusalError(
        f"端口 {DEFAULT_PORT} 至 {last} 均被占用，请用 --port 另选",
        f"ports {DEFAULT_PORT} to {last} are in use; choose another with --port",
    )


def is_free(address: str, port: int) -> bool:
    """Tell whether a server could listen there; refuse an address that this machine lacks."""
    try:
        family, kind, _, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            if sys.platform == "win32":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            else:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
            probe.listen()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        # Windows says EACCES where another program holds the port for itself.
        if error.errno == errno.EACCES and sys.platform == "win32":
            return False
        raise RefusalError(
            f"无法在 {address} 端口 {port} 上监听：{error.strerror}",
            f"cannot listen on {address} port {port}; e.g. --address 127.0.0.1 --port 8501",
        ) from error
    return True


def reachable(address: str) -> str:
    """Return the host by which this machine reaches a server that listens on an address.

    >>> reachable("0.0.0.0"), reachable("::1")
    ('127.0.0.1', '[::1]')
    """
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104
    return f"[{host}]" if ":" in host else host


def page_url(address: str, port: int, base_path: str) -> str:
    """Return what to type into a browser on this machine.

    >>> page_url("127.0.0.1", 8501, "map")
    'http://127.0.0.1:8501/map/'
    """
    return f"http://{reachable(address)}:{port}/" + (f"{base_path}/" if base_path else "")


def wait_until_answering(
    child: "subprocess.Popen[bytes]", address: str, port: int, base_path: str
) -> bool:
    """Wait for the server's first sign of life; False where it ends before giving one."""
    path = "/".join(["", *base_path.split("/"), "_stcore/health"]).replace("//", "/")
    while child.poll() is None:
        # http.client takes no proxy from the environment; urllib would.
        connection = http.client.HTTPConnection(reachable(address), port, timeout=5)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == http.client.OK:
                return True
        except (OSError, http.client.HTTPException):
            pass  # not yet
        finally:
            connection.close()
        time.sleep(0.2)
    return False


def has_desktop(variables: Mapping[str, str], platform: str, *, terminal: bool) -> bool:
    """Tell whether a person sits before a screen here, so that a browser may be opened.

    >>> has_desktop({"DISPLAY": ":0"}, "linux", terminal=True)
    True
    >>> has_desktop({"DISPLAY": ":0", "CI": "true"}, "linux", terminal=True)
    False
    """
    if not terminal or "CI" in variables or "SSH_CONNECTION" in variables:
        return False
    if platform in {"win32", "darwin"}:
        return True
    return bool(variables.get("DISPLAY") or variables.get("WAYLAND_DISPLAY"))


def run_tests(environment: Environment, arguments: Sequence[str]) -> int:
    """Run every check up to the first that fails, or pytest alone with the given arguments.

    Of all tests as many run at once as there are cores; chosen ones run one after another.
    """
    prepare(environment, (RUNTIME, TESTING))
    install_programs(environment)
    browser = find_browser()
    if browser is None:
        say(
            "未找到 chromium/chrome/edge，浏览器测试无法运行；Debian：apt install chromium",
            "no chromium, chrome or edge found: install one for the browser tests",
        )
    if find_postgis() is None:
        say(
            f"未找到 PostGIS，数据库测试将跳过；Debian：apt install {POSTGIS_PACKAGE}",
            f"no PostGIS found, its tests are skipped; on Debian: apt install {POSTGIS_PACKAGE}",
        )
    variables = child_variables(**({"PLANMAP_BROWSER": browser} if browser else {}))
    checks = [("pytest", *arguments)] if arguments else [*CHECKS, ("pytest", *at_once(cores()))]
    for check in checks:
        command = [str(environment.python), "-m", *check]
        code = follow(command, env=variables, cwd=environment.root)
        if code != 0:
            return code
    return 0


def at_once(workers: int) -> tuple[str, ...]:
    """Return the options by which pytest hands the tests to several processes, file by file.

    >>> at_once(1), at_once(16)[:1]
    ((), ('--numprocesses=4',))
    """
    # A file's fixtures (server, browser, database) are set up once, for one process has the whole
    # file. The order stays that of the names: the browser tests take longest and come early.
    workers = min(workers, MOST_WORKERS)
    options = (f"--numprocesses={workers}", "--dist=loadfile", "--no-loadscope-reorder")
    return options if workers > 1 else ()


def cores() -> int:
    """Return how many processor cores this process may use."""
    found = os.cpu_count() or 1
    if sys.platform == "linux":
        found = len(os.sched_getaffinity(0))  # a container or taskset may leave fewer
    return found


def find_browser() -> str | None:
    """Return the program that the browser tests drive: the named one, or the first found."""
    named = os.environ.get("PLANMAP_BROWSER")
    if named:
        return named
    found = (shutil.which(name) for name in BROWSERS)
    folders = [os.environ.get(f"PROGRAMFILES{suffix}") for suffix in ("", "(X86)")]
    folders.append(os.environ.get("LOCALAPPDATA"))
    files = [Path(file) for file in BROWSER_FILES]
    files += [Path(folder, file) for folder in folders if folder for file in WINDOWS_BROWSER_FILES]
    return next((path for path in found if path), None) or next(
        (str(file) for file in files if file.is_file()), None
    )


def find_postgis(root: Path = Path("/usr")) -> Path | None:
    """Return the folder with the programs of Debian's newest PostgreSQL that has PostGIS."""
    versions = [
        int(control.parent.parent.name)
        for control in root.glob("share/postgresql/*/extension/postgis.control")
        if control.parent.parent.name.isdecimal()
    ]
    folders = [root / f"lib/postgresql/{version}/bin" for version in sorted(versions, reverse=True)]
    return next((folder for folder in folders if (folder / "initdb").is_file()), None)


def install_programs(environment: Environment) -> None:
    """Install what the tests drive where that is ours to do: as root on Debian or Ubuntu."""
    if not is_root() or shutil.which("apt-get") is None:
        return
    packages = [] if find_browser() else ["chromium"]
    if not is_installed_package(CJK_FONT_PACKAGE):
        packages.append(CJK_FONT_PACKAGE)
    if find_postgis() is None:
        packages.append(POSTGIS_PACKAGE)
    if not packages:
        return
    names = ", ".join(packages)
    say(f"正在用 apt-get 安装 {names}", f"installing {names} with apt-get")
    if apt_get(environment, "update"):
        for package in packages:  # each by itself: not every system has all of them
            apt_get(environment, "install", "--yes", "--no-install-recommends", package)


def apt_get(environment: Environment, *words: str) -> bool:
    """Run apt-get; where it fails say so and go on, for the other tests can do without."""
    asked = " ".join(("apt-get", *words))
    try:
        quiet(
            ["apt-get", *words],
            log=environment.log,
            env=child_variables(DEBIAN_FRONTEND="noninteractive"),
            failed=(f"{asked} 没有成功", f"{asked} failed"),
        )
    except RefusalError as error:
        print(error, file=sys.stderr)
        return False
    return True


def is_root() -> bool:
    """Tell whether this process may install packages for the whole machine."""
    return sys.platform != "win32" and os.geteuid() == 0


def is_installed_package(name: str) -> bool:
    """Tell whether Debian's package manager has a package installed."""
    command = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", name]
    done = subprocess.run(command, capture_output=True, check=False)
    return done.stdout == b"installed"


def run_benchmarks(environment: Environment, arguments: Sequence[str]) -> int:
    """Run the named benchmarks of `bench/`, or all; return the first failure's exit code."""
    known = sorted(
        path.stem
        for path in (environment.root / "bench").glob("*.py")
        if not path.stem.startswith("_")
    )
    unknown = [name for name in arguments if name not in known]
    if unknown:
        raise RefusalError(
            f"没有性能对比 {'、'.join(unknown)}；已有：{'、'.join(known)}",
            f"no benchmark {', '.join(unknown)}; known: {', '.join(known)}",
        )
    prepare(environment, (RUNTIME, BENCHMARKS))
    codes = [follow_module(environment, [f"bench.{name}"]) for name in arguments or known]
    return next((code for code in codes if code != 0), 0)


def forward(environment: Environment, arguments: Sequence[str]) -> int:
    """Hand the whole command line to `python -m spatial`."""
    prepare(environment, (RUNTIME,))
    return follow_module(environment, ["spatial", *arguments])


def follow_module(environment: Environment, arguments: Sequence[str]) -> int:
    """Run a module of the project from the folder the person is in, so that paths mean theirs.

    `-P` keeps a folder there that happens to be called `layers` from being taken for ours.
    """
    return follow(
        [str(environment.python), "-P", "-m", *arguments],
        env=child_variables(PYTHONPATH=str(environment.root)),
    )


def run_bundle(environment: Environment, arguments: Sequence[str]) -> int:
    """Make a folder that sets itself up without a network: the project and all its wheels."""
    options = bundle_options(environment, arguments)
    out = Path(options.out).absolute()
    refuse_to_overwrite(out, environment.root)
    prepare(environment, (RUNTIME,))
    if not Path(sys.prefix).samefile(environment.folder):
        # Reading what wheels ask for takes `packaging`, which is in the environment only.
        command = [str(environment.python), str(environment.root / "run.py"), "bundle", *arguments]
        return follow(command, env=child_variables())
    part = out.with_name(f"{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    copy_project(environment.root, part)
    environment.log.unlink(missing_ok=True)
    for python in options.python:
        for platform in options.platform:
            say(
                f"正在下载 {platform}、Python {python} 的依赖",
                f"downloading the packages for {platform}, Python {python}",
            )
            download(environment, part / "wheels", python, platform)
    text = BUNDLE_TEXT.format(
        pythons=", ".join(options.python),
        first=options.python[0],
        platforms=", ".join(options.platform),
    )
    # Windows' Notepad wants both the mark and the line ends.
    (part / BUNDLE_NOTE).write_text(text, encoding="utf-8-sig", newline="\r\n")
    if out.exists():
        shutil.rmtree(out)
    part.rename(out)
    sizes = [path.stat().st_size for path in out.rglob("*") if path.is_file()]
    say(f"离线包已生成：{out}", f"bundle made: {len(sizes)} files, {sum(sizes) / 1e6:.0f} MB")
    return 0


def bundle_options(environment: Environment, arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line of `bundle`."""
    running = f"{sys.version_info[0]}.{sys.version_info[1]}"
    parser = argparse.ArgumentParser(prog="run.py bundle", allow_abbrev=False)
    parser.add_argument(
        "--out",
        default=str(environment.root / "dist" / "planmap-bundle"),
        metavar="DIR",
        help="目标文件夹 / the folder to make (dist/planmap-bundle)",
    )
    parser.add_argument(
        "--python",
        nargs="+",
        action="extend",
        type=python_version,
        metavar="3.N",
        help=f"目标电脑的 Python / Python of the target computers ({running})",
    )
    parser.add_argument(
        "--platform",
        nargs="+",
        action="extend",
        choices=sorted(TARGETS),
        help="目标系统 / systems of the target computers (all)",
    )
    options = parser.parse_args(arguments)
    options.python = list(dict.fromkeys(options.python or [running]))
    options.platform = list(dict.fromkeys(options.platform or sorted(TARGETS)))
    return options


def python_version(text: str) -> str:
    """Read a minor version of Python.

    >>> python_version("3.11")
    '3.11'
    """
    major, _, minor = text.partition(".")
    if major == "3" and minor.isdecimal() and int(minor) >= 11:  # noqa: PLR2004
        return text
    message = f"'{text}' is not a Python version from 3.11 on, such as 3.12"
    raise argparse.ArgumentTypeError(message)


def refuse_to_overwrite(out: Path, root: Path) -> None:
    """Refuse a target that holds anything but an earlier bundle."""
    if root.is_relative_to(out):
        raise RefusalError(f"{out} 是本项目所在的文件夹", "the bundle cannot replace the project")
    if out.exists() and not (out.is_dir() and (not any(out.iterdir()) or is_bundle(out))):
        raise RefusalError(f"{out} 已存在且不是离线包", "exists and is no bundle; choose --out")


def is_bundle(folder: Path) -> bool:
    """Tell whether this program made a folder."""
    return (folder / BUNDLE_NOTE).is_file() and (folder / "wheels").is_dir()


def copy_project(root: Path, out: Path) -> None:
    """Copy what git tracks, as it lies on disk; without git, all but what a run leaves behind."""
    for name in tracked_files(root) or known_files(root):
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, target)


def tracked_files(root: Path) -> list[Path]:
    """List what git tracks; nothing where there is no git or no checkout."""
    if not (root / ".git").exists() or shutil.which("git") is None:
        return []
    command = ["git", "-C", str(root), "ls-files", "-z"]
    done = subprocess.run(command, capture_output=True, check=False)
    names = done.stdout.decode("utf-8").split("\0")
    return [Path(name) for name in names if name and (root / name).is_file()]


def known_files(root: Path) -> list[Path]:
    """List the project's files where git cannot."""
    files = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - LEFT_OUT)
        files += [Path(folder, name).relative_to(root) for name in sorted(set(names) - LEFT_OUT)]
    return files


def download(environment: Environment, wheels: Path, python: str, platform: str) -> None:
    """Add to `wheels` what one Python on one platform needs.

    pip picks wheels for another machine but reads the conditions in their metadata
    (`colorama; sys_platform == "win32"`) for this one. So what the wheels ask for is read again
    for the target, and pip is asked for the rest until nothing is lacking.
    """
    part = wheels / f"{platform}-{python}"
    part.mkdir(parents=True)
    wanted: set[str] = set()
    while True:
        quiet(
            download_command(environment, part, python, platform) + sorted(wanted),
            log=environment.log,
            env=child_variables(),
            failed=(
                "下载依赖失败",
                f"the wheels for {platform}, Python {python} are not to be had",
            ),
        )
        missing = lacking(part, python, platform)
        if missing <= wanted:
            break
        wanted |= missing
    if missing:
        names = ", ".join(sorted(missing))
        raise RefusalError(f"缺少依赖：{names}", f"lacking for {platform}, Python {python}")
    for wheel in part.iterdir():
        wheel.replace(wheels / wheel.name)
    part.rmdir()


def download_command(
    environment: Environment, folder: Path, python: str, platform: str
) -> list[str]:
    """Return the pip command line that fetches wheels for another machine."""
    command = [str(environment.python), "-m", "pip", "download", "--quiet", "--no-input"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--implementation=cp"]
    command += [f"--python-version={python}", f"--dest={folder}"]
    command += [f"--platform={tag}" for tag in TARGETS[platform].tags]
    return [*command, "-r", str(environment.root / RUNTIME)]


def lacking(wheels: Path, python: str, platform: str) -> set[str]:
    """List what the wheels of a folder require on a machine and the folder does not hold."""
    from packaging.requirements import Requirement  # noqa: PLC0415  only in the environment
    from packaging.utils import canonicalize_name, parse_wheel_filename  # noqa: PLC0415

    # Conditions on the patch version are for old patches, so the oldest needs most.
    machine = {"python_version": python, "python_full_version": f"{python}.0", "extra": ""}
    machine |= {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
    machine |= TARGETS[platform].markers
    files = sorted(wheels.glob("*.whl"))
    versions = {
        name: version for name, version, *_ in (parse_wheel_filename(f.name) for f in files)
    }
    missing = set()
    for requirement in (Requirement(line) for file in files for line in requirements_of(file)):
        if requirement.marker is not None and not requirement.marker.evaluate(machine):
            continue
        version = versions.get(canonicalize_name(requirement.name))
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            missing.add(f"{requirement.name}{requirement.specifier}")
    return missing


def requirements_of(wheel: Path) -> list[str]:
    """Read the lines `Requires-Dist` of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        text = archive.read(name).decode("utf-8")
    return [
        str(line)
        for line in email.parser.HeaderParser().parsestr(text).get_all("Requires-Dist", [])
    ]


VERBS: Mapping[str, Callable[[Environment, Sequence[str]], int]] = {
    "app": run_app,
    "test": run_tests,
    "bench": run_benchmarks,
    "bundle": run_bundle,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
