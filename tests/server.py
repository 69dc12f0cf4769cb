"""A server of the app for browser tests, which reports every address that it tries to reach."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_STARTS_WITHIN_S = 60

# Runs in the server before anything else: notes each look-up of, or connection to, another host.
_WATCHER = """
import os, sys

def _watch(event, args):
    if event == "socket.getaddrinfo":
        host = args[0]
    elif event == "socket.connect" and isinstance(args[1], tuple):
        host = args[1][0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host not in (None, "", "127.0.0.1", "localhost", "::1", "0.0.0.0"):
        with open(os.environ["PLANMAP_WATCH"], "a", encoding="utf-8") as file:
            file.write(f"{event} {host}\\n")

sys.addaudithook(_watch)
"""


@dataclass(frozen=True)
class Server:
    """A running server: its address and the file in which it notes hosts that it tried."""

    url: str
    watched: Path

    def reached(self) -> list[str]:
        """Hosts other than this machine that the server looked up or connected to."""
        return self.watched.read_text(encoding="utf-8").splitlines()


@contextmanager
def serve(folder: Path, *options: str, pack: Path | None = None) -> Iterator[Server]:
    """Run the app on a free port, with further options of `streamlit run`."""
    (folder / "sitecustomize.py").write_text(_WATCHER, encoding="utf-8")
    watched = folder / "reached.txt"
    watched.touch()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "PYTHONPATH": str(folder),
        "PLANMAP_WATCH": str(watched),
        "PLANMAP_WORKSPACES": str(folder / "workspaces"),
    }
    if pack is not None:
        environment["PLANMAP_PACK"] = str(pack)
    log = (folder / "server.log").open("w", encoding="utf-8")
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    options = (f"--server.port={port}", "--server.headless=true", *options)
    with (
        log,
        subprocess.Popen(
            [*command, *options], cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            base = next((o.split("=")[1] for o in options if "baseUrlPath" in o), "").strip("/")
            url = f"http://127.0.0.1:{port}" + (f"/{base}" if base else "")
            _wait(f"{url}/_stcore/health", process)
            yield Server(url, watched)
        finally:
            process.terminate()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - an address of ours
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise RuntimeError(f"the server did not answer at {url}")
