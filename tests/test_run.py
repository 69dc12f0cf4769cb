"""run.py: what it asks of pip, of Streamlit and of the person at the keyboard."""

import ast
import http.server
import os
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import run


class Commands:
    """Stands in for the two doors to other programs and keeps what they were asked."""

    def __init__(self) -> None:
        self.quiet: list[list[str]] = []
        self.quiet_variables: list[Mapping[str, str]] = []
        self.followed: list[list[str]] = []
        self.options: list[dict[str, Any]] = []
        self.codes: dict[str, int] = {}
        self.on_quiet: Callable[[list[str]], None] = lambda _: None

    def run_quietly(self, command: Sequence[str], *, env: Mapping[str, str], **_: object) -> None:
        self.quiet.append(list(command))
        self.quiet_variables.append(env)
        self.on_quiet(self.quiet[-1])
        if "venv" in command:
            python = run.Environment(Path(command[-1]).parent).python
            python.parent.mkdir(parents=True, exist_ok=True)
            python.touch()

    def follow(self, command: Sequence[str], **options: Any) -> int:  # noqa: ANN401
        self.followed.append(list(command))
        self.options.append(options)
        return next((code for word, code in self.codes.items() if word in command), 0)

    @property
    def pip_calls(self) -> int:
        return sum("install" in command for command in self.quiet)

    @property
    def venv_calls(self) -> int:
        return sum("venv" in command for command in self.quiet)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    commands = Commands()
    monkeypatch.setattr(run, "quiet", commands.run_quietly)
    monkeypatch.setattr(run, "follow", commands.follow)
    monkeypatch.setattr(run, "is_root", lambda: False)
    monkeypatch.setattr(run, "find_postgis", lambda: Path("/some/postgis"))
    monkeypatch.setenv("PLANMAP_BROWSER", "/some/browser")
    monkeypatch.delenv("PLANMAP_PACK", raising=False)
    return commands


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> run.Environment:
    root = tmp_path / "项目 with space"
    for name in (run.RUNTIME, run.TESTING, run.BENCHMARKS):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("rich\n", encoding="utf-8")
    (root / "bench" / "overlay.py").touch()
    (root / "pack").mkdir()
    (root / "pack" / "layers.toml").touch()
    monkeypatch.setattr(run, "ROOT", root)
    return run.Environment(root)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


# usage and forwarding


def test_without_a_verb_the_usage_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main([]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {verb} " in shown for verb in run.VERBS)
    assert "python -m spatial" in shown


def test_the_usage_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    for read in (run.app_options, lambda a: run.bundle_options(run.Environment(Path()), a)):
        with pytest.raises(SystemExit) as stop:
            read(["--help"])
        assert stop.value.code == 0
    options = {word for word in capsys.readouterr().out.split() if word.startswith("--")}
    options -= {"--help"}
    assert {option for option in options if option not in run.USAGE} == set()


@pytest.mark.parametrize("verb", ["check", "zones", "layers", "whatever"])
def test_any_other_verb_goes_to_spatial_with_its_exit_code(
    verb: str, project: run.Environment, commands: Commands
) -> None:
    commands.codes["spatial"] = 3
    assert run.main([verb, "--pack", "here", "--help"]) == 3
    assert commands.followed == [
        [str(project.python), "-P", "-m", "spatial", verb, "--pack", "here", "--help"]
    ]


def test_a_forwarded_verb_keeps_the_folder_of_the_person(
    project: run.Environment, commands: Commands
) -> None:
    run.main(["check"])
    assert commands.options[0].get("cwd") is None
    assert commands.options[0]["env"]["PYTHONPATH"] == str(project.root)


def test_an_older_python_can_read_the_file_and_say_what_it_lacks() -> None:
    source = Path(run.__file__).read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 7))


# children


def test_what_misleads_proj_gdal_and_python_never_reaches_a_child(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in run.DROPPED_VARIABLES:
        monkeypatch.setenv(name, "/elsewhere")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    variables = run.child_variables(PLANMAP_PACK="/pack")
    assert {"PROJ_LIB", "PROJ_DATA", "GDAL_DATA", "PYTHONPATH", "PYTHONHOME"}.isdisjoint(variables)
    assert variables["HTTPS_PROXY"] == "http://proxy:3128"
    assert variables["PYTHONUTF8"] == "1"
    assert variables["PLANMAP_PACK"] == "/pack"


def test_the_exit_code_of_a_child_is_handed_on() -> None:
    command = [sys.executable, "-c", "raise SystemExit(5)"]
    assert run.follow(command, env=run.child_variables()) == 5


def test_an_interrupt_ends_the_child_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "GRACE_S", 0.1)
    seen: list[subprocess.Popen[bytes]] = []

    def interrupt(child: "subprocess.Popen[bytes]") -> None:
        seen.append(child)
        raise KeyboardInterrupt

    command = [sys.executable, "-c", "import threading; threading.Event().wait()"]
    assert run.follow(command, env=run.child_variables(), started=interrupt) != 0
    assert seen[0].returncode is not None


def test_a_failing_command_is_one_line_with_its_error_and_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-c", "print('ERROR: no wheel'); print('more'); raise SystemExit(1)"]
    with pytest.raises(run.RefusalError) as refusal:
        run.quiet(command, log=log, env=run.child_variables(), failed=("失败", "failed"))
    assert str(refusal.value) == f"失败，日志 {log} / failed: ERROR: no wheel"


# the environment


def test_a_second_start_installs_nothing(project: run.Environment, commands: Commands) -> None:
    run.prepare(project, (run.RUNTIME,))
    run.prepare(project, (run.RUNTIME,))
    assert (commands.venv_calls, commands.pip_calls) == (1, 1)


def test_a_changed_requirement_is_installed_into_the_same_environment(
    project: run.Environment, commands: Commands
) -> None:
    run.prepare(project, (run.RUNTIME,))
    (project.root / run.RUNTIME).write_text("rich>=13\n", encoding="utf-8")
    run.prepare(project, (run.RUNTIME,))
    assert (commands.venv_calls, commands.pip_calls) == (1, 2)


def test_line_endings_of_a_requirement_file_do_not_matter(
    project: run.Environment, commands: Commands
) -> None:
    run.prepare(project, (run.RUNTIME,))
    (project.root / run.RUNTIME).write_bytes(b"rich\r\n")
    run.prepare(project, (run.RUNTIME,))
    assert commands.pip_calls == 1


def test_the_tests_packages_come_on_top_and_the_app_needs_no_new_installation(
    project: run.Environment, commands: Commands
) -> None:
    run.prepare(project, (run.RUNTIME, run.TESTING))
    run.prepare(project, (run.RUNTIME,))
    run.prepare(project, (run.RUNTIME, run.BENCHMARKS))
    run.prepare(project, (run.RUNTIME, run.TESTING))
    assert (commands.venv_calls, commands.pip_calls) == (1, 2)


@pytest.mark.parametrize("change", [("version_info", (3, 99, 0)), ("base_prefix", "/another")])
def test_another_python_gets_a_new_environment(
    change: tuple[str, object],
    project: run.Environment,
    commands: Commands,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run.prepare(project, (run.RUNTIME,))
    monkeypatch.setattr(sys, *change)
    run.prepare(project, (run.RUNTIME,))
    assert commands.venv_calls == 2


def test_a_copied_environment_is_built_afresh(project: run.Environment, commands: Commands) -> None:
    run.prepare(project, (run.RUNTIME,))
    moved = run.Environment(project.root.rename(project.root.with_name("copy")))
    run.prepare(moved, (run.RUNTIME,))
    assert commands.venv_calls == 2


def test_an_interrupted_installation_is_built_afresh(
    project: run.Environment, commands: Commands
) -> None:
    def interrupt(command: list[str]) -> None:
        if "install" in command:
            raise KeyboardInterrupt

    commands.on_quiet = interrupt
    assert run.main(["check"]) == 130
    assert not project.stamp.exists()
    commands.on_quiet = lambda _: None
    assert run.main(["check"]) == 0
    assert commands.venv_calls == 2
    assert run.is_ready(project, (run.RUNTIME,))


def test_a_broken_stamp_counts_as_none(project: run.Environment, commands: Commands) -> None:
    run.prepare(project, (run.RUNTIME,))
    project.stamp.write_text("{", encoding="utf-8")
    run.prepare(project, (run.RUNTIME,))
    assert commands.venv_calls == 2


def test_one_start_holds_the_lock_until_it_is_done(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("ab") as other:
        with run.locked(path):
            assert not run.try_lock(other)
        assert run.try_lock(other)


def test_python_without_venv_is_told_what_to_install(
    project: run.Environment, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    with pytest.raises(run.RefusalError, match=f"apt install python{version}-venv"):
        run.prepare(project, (run.RUNTIME,))
    assert commands.quiet == []


def test_pip_uses_the_settings_of_the_machine(
    project: run.Environment, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    run.prepare(project, (run.RUNTIME,))
    assert not [word for word in commands.quiet[-1] if "index" in word or "find-links" in word]
    assert commands.quiet_variables[-1]["PIP_INDEX_URL"] == "https://mirror.example/simple"


def test_a_bundle_installs_from_its_wheels_and_looks_nowhere_else(
    project: run.Environment, commands: Commands
) -> None:
    project.wheels.mkdir()
    run.prepare(project, (run.RUNTIME,))
    command = commands.quiet[-1]
    assert {"--isolated", "--no-index"} <= set(command)
    assert command[command.index("--find-links") + 1] == str(project.wheels)
    assert commands.quiet_variables[-1]["PIP_CONFIG_FILE"] == os.devnull


# app


def test_the_app_listens_on_this_machine_only_and_never_calls_home(
    project: run.Environment, commands: Commands
) -> None:
    assert run.main(["app"]) == 0
    command = commands.followed[0]
    assert command[:5] == [str(project.python), "-m", "views.server", "run", "app.py"]
    assert {
        "--server.address=127.0.0.1",
        "--server.headless=true",
        "--server.showEmailPrompt=false",
        "--browser.gatherUsageStats=false",
    } <= set(command)
    assert not [word for word in command if "baseUrlPath" in word]
    assert commands.options[0]["cwd"] == project.root
    assert "PLANMAP_PACK" not in commands.options[0]["env"]


def test_address_port_and_base_path_reach_streamlit(
    project: run.Environment, commands: Commands
) -> None:
    run.main(["app", "--address", "0.0.0.0", "--port", "8499", "--base-path", "/map/"])  # noqa: S104
    assert {
        "--server.address=0.0.0.0",
        "--server.port=8499",
        "--server.baseUrlPath=map",
    } <= set(commands.followed[0])
    assert run.is_ready(project, (run.RUNTIME,))


def test_a_pack_is_handed_on_by_its_absolute_path(
    project: run.Environment, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    assert run.main(["app", "--pack", "pack"]) == 0
    assert commands.options[0]["env"]["PLANMAP_PACK"] == str(project.root / "pack")


def test_a_folder_without_layers_toml_is_refused_before_anything_is_installed(
    project: run.Environment, commands: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main(["app", "--pack", str(project.root / "bench")]) == 2
    shown = capsys.readouterr().err
    assert "layers.toml" in shown
    assert shown.count("\n") == 1
    assert commands.quiet == commands.followed == []


def test_an_asked_port_that_is_taken_is_refused(
    taken_port: int,
    project: run.Environment,
    commands: Commands,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run.main(["app", "--port", str(taken_port)]) == 2
    assert f"port {taken_port} is in use" in capsys.readouterr().err
    assert not project.folder.exists()
    assert commands.followed == []


def test_without_an_asked_port_the_next_free_one_is_taken(
    taken_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "DEFAULT_PORT", taken_port)
    assert taken_port < run.choose_port("127.0.0.1", None) < taken_port + run.PORTS_TRIED


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(run.RefusalError, match=r"cannot listen on 192\.0\.2\.1"):
        run.choose_port("192.0.2.1", None)  # reserved for documentation, so never ours


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http"])
def test_what_is_no_port_is_refused(port: str) -> None:
    with pytest.raises(SystemExit) as stop:
        run.app_options([f"--port={port}"])
    assert stop.value.code == 2


class Health(http.server.BaseHTTPRequestHandler):
    """Answers as a Streamlit server below /map does."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/map/_stcore/health" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def test_the_address_is_shown_once_the_server_answers() -> None:
    idle = [sys.executable, "-c", "import threading; threading.Event().wait()"]
    with (
        http.server.HTTPServer(("127.0.0.1", 0), Health) as server,
        subprocess.Popen(idle) as child,
    ):
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        answered = run.wait_until_answering(child, "127.0.0.1", server.server_port, "map")
        server.shutdown()
        thread.join()
        child.kill()
    assert answered


def test_a_server_that_ends_at_once_is_not_waited_for(taken_port: int) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
        assert not run.wait_until_answering(child, "127.0.0.1", taken_port, "")


@pytest.mark.parametrize(
    "variables, platform, terminal, expected",
    [
        ({"DISPLAY": ":0"}, "linux", True, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True, True),
        ({}, "linux", True, False),
        ({}, "win32", True, True),
        ({"CI": "true"}, "win32", True, False),
        ({"SSH_CONNECTION": "x"}, "darwin", True, False),
        ({"DISPLAY": ":0"}, "linux", False, False),
    ],
)
def test_a_browser_opens_only_before_a_person(
    variables: dict[str, str],
    platform: str,
    terminal: bool,
    expected: bool,
) -> None:
    assert run.has_desktop(variables, platform, terminal=terminal) is expected


# test and bench


def test_all_checks_run_in_order_with_the_browser_that_was_found(
    project: run.Environment, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "cores", lambda: 1)
    assert run.main(["test"]) == 0
    modules = [command[2:] for command in commands.followed]
    assert modules == [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy"],
        ["pytest"],
    ]
    assert {options["env"]["PLANMAP_BROWSER"] for options in commands.options} == {"/some/browser"}
    assert run.is_ready(project, (run.RUNTIME, run.TESTING))


def test_checks_stop_at_the_first_failure(project: run.Environment, commands: Commands) -> None:
    commands.codes["mypy"] = 1
    assert run.main(["test"]) == 1
    assert commands.followed[-1] == [str(project.python), "-m", "mypy"]


@pytest.mark.parametrize("cores, workers", [(2, 2), (4, 4), (64, 4)])
def test_all_tests_run_on_every_core_but_on_four_at_most(
    cores: int,
    workers: int,
    project: run.Environment,
    commands: Commands,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "cores", lambda: cores)
    assert run.main(["test"]) == 0
    assert commands.followed[-1] == [
        str(project.python),
        *("-m", "pytest"),
        *(f"--numprocesses={workers}", "--dist=loadfile", "--no-loadscope-reorder"),
    ]


def test_a_process_has_at_least_one_core_and_no_more_than_the_machine() -> None:
    assert 1 <= run.cores() <= (os.cpu_count() or 1)


def test_with_arguments_pytest_runs_alone(project: run.Environment, commands: Commands) -> None:
    assert run.main(["test", "-k", "bus", "tests/test_run.py"]) == 0
    assert commands.followed == [
        [str(project.python), "-m", "pytest", "-k", "bus", "tests/test_run.py"]
    ]


def test_nothing_is_printed_after_the_closing_line_of_pytest(
    project: run.Environment, commands: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    run.prepare(project, (run.RUNTIME, run.TESTING))
    capsys.readouterr()
    assert run.main(["test"]) == 0
    assert capsys.readouterr().out == ""
    assert commands.followed[-1][1:3] == ["-m", "pytest"]


@pytest.fixture
def bare_debian(
    project: run.Environment, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> Commands:
    """Run as root of a Debian that has nothing of what the tests drive."""
    assert not project.folder.exists()
    monkeypatch.setattr(run, "is_root", lambda: True)
    monkeypatch.setattr(run, "find_browser", lambda: None)
    monkeypatch.setattr(run, "find_postgis", lambda: None)
    monkeypatch.setattr(run, "is_installed_package", lambda _: False)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    return commands


def apt_calls(commands: Commands) -> list[str]:
    return [" ".join(command) for command in commands.quiet if command[0] == "apt-get"]


INSTALL = "apt-get install --yes --no-install-recommends "


def test_root_of_a_bare_debian_gets_browser_font_and_postgis(
    bare_debian: Commands,
) -> None:
    assert run.main(["test"]) == 0
    assert apt_calls(bare_debian) == [
        "apt-get update",
        INSTALL + "chromium",
        INSTALL + "fonts-noto-cjk",
        INSTALL + "postgresql-postgis",
    ]
    assert bare_debian.followed[-1][1:3] == ["-m", "pytest"]


def test_a_package_that_cannot_be_had_stops_neither_the_others_nor_the_tests(
    bare_debian: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(command: list[str]) -> None:
        if command[-1] == "chromium":
            raise run.RefusalError("没有", "not to be had")

    bare_debian.on_quiet = refuse
    assert run.main(["test"]) == 0
    assert apt_calls(bare_debian)[-1] == INSTALL + "postgresql-postgis"
    assert "not to be had" in capsys.readouterr().err
    assert bare_debian.followed[-1][1:3] == ["-m", "pytest"]


def test_without_a_network_apt_is_asked_once(
    bare_debian: Commands,
) -> None:
    def refuse(command: list[str]) -> None:
        if command[0] == "apt-get":
            raise run.RefusalError("连不上", "no network")

    bare_debian.on_quiet = refuse
    assert run.main(["test"]) == 0
    assert apt_calls(bare_debian) == ["apt-get update"]


def test_without_root_nothing_is_installed_and_a_line_says_what_is_missing(
    bare_debian: Commands,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(run, "is_root", lambda: False)
    assert run.main(["test"]) == 0
    assert apt_calls(bare_debian) == []
    assert "apt install postgresql-postgis" in capsys.readouterr().out


def test_the_newest_postgresql_that_has_postgis_is_found(tmp_path: Path) -> None:
    for version, has_postgis in (("9", True), ("13", True), ("15", True), ("17", False)):
        programs = tmp_path / "lib/postgresql" / version / "bin"
        programs.mkdir(parents=True)
        (programs / "initdb").touch()
        extensions = tmp_path / "share/postgresql" / version / "extension"
        extensions.mkdir(parents=True)
        if has_postgis:
            (extensions / "postgis.control").touch()
    assert run.find_postgis(tmp_path) == tmp_path / "lib/postgresql/15/bin"
    (tmp_path / "lib/postgresql/15/bin/initdb").unlink()  # the client alone
    assert run.find_postgis(tmp_path) == tmp_path / "lib/postgresql/13/bin"
    assert run.find_postgis(tmp_path / "elsewhere") is None


def test_a_benchmark_is_run_by_name(project: run.Environment, commands: Commands) -> None:
    assert run.main(["bench", "overlay"]) == 0
    assert commands.followed == [[str(project.python), "-P", "-m", "bench.overlay"]]


def test_an_unknown_benchmark_is_answered_with_the_known_ones(
    project: run.Environment, commands: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main(["bench", "overlap"]) == 2
    assert "known: overlay" in capsys.readouterr().err
    assert commands.followed == []
    assert not project.folder.exists()


# bundle


def write_wheel(folder: Path, name: str, *requirements: str) -> None:
    lines = [f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {line}" for line in requirements)]
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}-1.0.dist-info/METADATA", "\n".join([*lines, "", ""]))


def fake_download(command: list[str]) -> None:
    """Do as pip does on Linux: the wheel asked for, but not what only Windows needs."""
    folder = next(word.removeprefix("--dest=") for word in command if word.startswith("--dest="))
    write_wheel(
        Path(folder),
        "typer",
        'colorama>=0.4; platform_system == "Windows"',
        'tomli; python_version < "3.11"',
        'docs; extra == "docs"',
    )
    for word in command:
        if word.startswith("colorama"):
            write_wheel(Path(folder), "colorama")


@pytest.fixture
def inside(project: run.Environment, commands: Commands, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run as if by the project's own Python, with pip's downloads faked; return the target."""
    run.prepare(project, (run.RUNTIME,))
    monkeypatch.setattr(sys, "prefix", str(project.folder))
    commands.quiet.clear()
    commands.on_quiet = fake_download
    return project.root / "dist" / "planmap-bundle"


def test_a_bundle_asks_pip_for_wheels_of_each_python_on_each_platform(
    inside: Path, commands: Commands
) -> None:
    assert run.main(["bundle", "--python", "3.11", "3.12", "--platform", "linux"]) == 0
    versions = [w for command in commands.quiet for w in command if "python-version" in w]
    assert versions == ["--python-version=3.11", "--python-version=3.12"]
    for command in commands.quiet:
        assert {"download", "--only-binary=:all:"} <= set(command)
        assert {
            "--platform=manylinux_2_28_x86_64",
            "--platform=manylinux_2_17_x86_64",
            "--platform=manylinux2014_x86_64",
        } <= set(command)
    assert inside.is_dir()


def test_what_only_windows_needs_is_in_the_bundle_too(inside: Path, commands: Commands) -> None:
    assert run.main(["bundle", "--platform", "windows"]) == 0
    assert [command[-1] for command in commands.quiet][1:] == ["colorama>=0.4"]
    assert sorted(path.name.split("-")[0] for path in (inside / "wheels").iterdir()) == [
        "colorama",
        "typer",
    ]


def test_linux_alone_needs_no_second_download(inside: Path, commands: Commands) -> None:
    assert run.main(["bundle", "--platform", "linux"]) == 0
    assert len(commands.quiet) == 1
    assert inside.is_dir()


def test_a_bundle_holds_the_project_and_nothing_that_a_run_left(
    inside: Path, project: run.Environment
) -> None:
    for left in ("static/a.json", "layers/__pycache__/a.pyc", ".venv/a"):
        (project.root / left).parent.mkdir(parents=True, exist_ok=True)
        (project.root / left).touch()
    assert run.main(["bundle"]) == 0
    assert sorted(p.name for p in inside.iterdir()) == sorted(
        ["bench", "pack", "requirements.txt", "tests", "wheels", run.BUNDLE_NOTE]
    )
    note = (inside / run.BUNDLE_NOTE).read_bytes()
    assert note.startswith(b"\xef\xbb\xbf")
    assert b"run.py app\r\n" in note


def test_an_earlier_bundle_is_replaced_but_no_other_folder(
    inside: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main(["bundle"]) == 0
    (inside / "wheels" / "old.whl").touch()
    assert run.main(["bundle"]) == 0
    assert not (inside / "wheels" / "old.whl").exists()
    (inside / run.BUNDLE_NOTE).unlink()
    assert run.main(["bundle"]) == 2
    assert "choose --out" in capsys.readouterr().err
    assert (inside / "wheels").is_dir()


def test_the_project_itself_is_never_replaced(project: run.Environment, commands: Commands) -> None:
    assert run.main(["bundle", "--out", str(project.root)]) == 2
    assert run.main(["bundle", "--out", str(project.root.parent)]) == 2
    assert (project.root / run.RUNTIME).is_file()
    assert commands.quiet == []


def test_from_outside_the_bundle_is_made_by_the_projects_python(
    project: run.Environment, commands: Commands
) -> None:
    assert run.main(["bundle", "--python", "3.12"]) == 0
    assert commands.followed == [
        [str(project.python), str(project.root / "run.py"), "bundle", "--python", "3.12"]
    ]
