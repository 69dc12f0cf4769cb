"""A PostgreSQL server with PostGIS for tests: private, on a free port, gone when they are done."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from run import find_postgis, is_root

OWNER = "owner"
READER = "reader"
_STARTS_WITHIN_S = 30
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "20",
    "autovacuum": "off",
    "lc_messages": "C",
}


@dataclass(frozen=True)
class Postgres:
    """A running server: where it is, its process, and the password of its two accounts.

    `owner` may do anything, `reader` what it has been granted.
    """

    port: int
    password: str
    process: subprocess.Popen[bytes]

    def address(self, account: str = READER, password: str = "", database: str = "postgres") -> str:
        """The libpq URL that a planner would be given."""
        word = quote(password or self.password, safe="")
        return f"postgresql://{account}:{word}@127.0.0.1:{self.port}/{database}"

    def ask(
        self, statement: str, *values: object, database: str = "postgres"
    ) -> list[tuple[Any, ...]]:
        """Run a statement as the owner; the rows, where it gives any."""
        address = self.address(OWNER, database=database)
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def stop(self) -> None:
        """End it at once, as a power cut does."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGQUIT)
        self.process.wait(timeout=_STARTS_WITHIN_S)


@contextmanager
def serve_postgres() -> Iterator[Postgres]:
    """Run a server of its own; as root it runs as another account, which PostgreSQL insists on."""
    programs = find_postgis()
    assert programs is not None, "ask for it before"
    account = _account() if is_root() else None
    folder = Path(tempfile.mkdtemp(prefix="planmap-pg-"))
    if account is not None:
        shutil.chown(folder, account)
    try:
        # Signs that a URL must escape and a shell or a pattern would trip over.
        password = f"geheim@/:%{secrets.token_hex(8)}"
        _initialise(programs, folder, password, account)
        with _running(programs, folder, account) as (port, process):
            postgres = Postgres(port, password, process)
            _wait(postgres)
            try:
                yield postgres
            finally:
                postgres.stop()
    finally:
        shutil.rmtree(folder)


def _account() -> str:
    import pwd  # noqa: PLC0415 - there is none on Windows

    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _initialise(programs: Path, folder: Path, password: str, account: str | None) -> None:
    words = folder / "password"
    words.write_text(password, encoding="utf-8")
    if account is not None:
        shutil.chown(words, account)
    command = [str(programs / "initdb"), "--no-sync", "--no-instructions", "--encoding=UTF8"]
    command += ["--locale=C", "--auth=scram-sha-256", f"--username={OWNER}"]
    command += [f"--pwfile={words}", f"--pgdata={folder / 'data'}"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, check=False, **_as_account(account)
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")


@contextmanager
def _running(
    programs: Path, folder: Path, account: str | None
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    settings = {**_SETTINGS, "port": str(port), "unix_socket_directories": str(folder)}
    command = [str(programs / "postgres"), "-D", str(folder / "data")]
    command += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, **_as_account(account)
        ) as process,
    ):
        yield port, process


def _as_account(account: str | None) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    if account is None:
        return {"env": environment}
    import pwd  # noqa: PLC0415 - there is none on Windows

    group = pwd.getpwnam(account).pw_gid
    return {"env": environment, "user": account, "group": group, "extra_groups": []}


def _wait(postgres: Postgres) -> None:
    end = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < end and postgres.process.poll() is None:
        try:
            postgres.ask("SELECT 1")
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("PostgreSQL did not start")
