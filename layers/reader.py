"""A planner's file is opened in a process of its own, which may hang or die and does no harm."""

import contextlib
import json
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from layers.formats import Choice, Found, Raw
from layers.formats.exchange import problems, read_grid, read_raw
from layers.formats.refusal import refusal
from layers.formats.sandbox import environment, unwanted
from layers.grid import Grid
from layers.limits import Limits
from layers.problem import InputError

_WORKER = "layers.formats.worker"
_START_S = 60.0
_MEGABYTE = 1024 * 1024
_ROWS, _CELLS, _SCRATCH = "rows.arrow", "cells.npz", "scratch"
_STARTS = 3


@dataclass(slots=True)
class _Child:
    """The running process and the lines that it has said; None is the end of them."""

    process: "subprocess.Popen[str]"
    said: "queue.Queue[str | None]" = field(default_factory=queue.Queue)


class Reader:
    """Opens files in one child process that is started when first needed and after its death.

    A context manager; several threads may share one, and wait for each other. The child has few
    GDAL drivers, no network, `limits.memory_mb` of memory where the system can hold it to that
    (Linux), and `limits.seconds` and one more for each megabyte to read; then it is killed. It
    does not outlive this process or `close()`.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._lock = threading.Lock()
        self._folder = Path(tempfile.mkdtemp(prefix="planmap-reader-"))
        self._children: list[_Child] = []  # at most one; shared with the finalizer
        self._more_drivers: tuple[str, ...] = ()
        self._finalizer = weakref.finalize(self, _put_away, self._children, self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def inspect(self, path: Path, name: str) -> Found:
        """Say what a file is and which parts can be read; `name` is what the user calls it.

        Raises InputError, in words for the user, where it cannot be read.
        """
        with self._lock:
            reply = self._ask({"do": "inspect"}, path, name)
            return Found.model_validate(reply["found"])

    def read(self, path: Path, name: str, choice: Choice) -> Raw:
        """Read the chosen part of a file; raises InputError where it cannot be read."""
        with self._lock:
            rows = self._folder / _ROWS
            request = {"do": "read", "choice": choice.model_dump(mode="json"), "rows": str(rows)}
            try:
                self._ask(request, path, name)
                return read_raw(rows, name)
            finally:
                rows.unlink(missing_ok=True)

    def grid(self, path: Path, name: str, band: int | None) -> Grid:
        """Read a band of a raster as its cells, the only one where None is asked for.

        Raises InputError where it is no GeoTIFF or cannot be read.
        """
        with self._lock:
            cells = self._folder / _CELLS
            try:
                self._ask({"do": "grid", "band": band, "cells": str(cells)}, path, name)
                return read_grid(cells, name)
            finally:
                cells.unlink(missing_ok=True)

    def get_ready(self) -> threading.Thread:
        """Start the child in the background, so that the first file need not wait for it.

        The thread that comes back ends once the child has been started.
        """
        thread = threading.Thread(target=self._get_ready, daemon=True)
        thread.start()
        return thread

    def _get_ready(self) -> None:
        with self._lock, contextlib.suppress(InputError):  # whoever brings a file is told
            self._running("")

    def close(self) -> None:
        """End the child and remove its folder; the next question would start anew."""
        with self._lock:
            self._finalizer()

    @property
    def process_id(self) -> int | None:
        """The child's number, None where none runs."""
        running = [child.process.pid for child in self._children if child.process.poll() is None]
        return running[0] if running else None

    def _ask(self, what: Mapping[str, Any], path: Path, name: str) -> Mapping[str, Any]:
        size = _size(path, name)
        request = {
            **what,
            "path": str(path.resolve()),
            "name": name,
            "limits": self._limits.model_dump(mode="json"),
        }
        child = self._running(name)
        start = time.monotonic()
        try:
            self._send(child, request, name)
            reply = self._hear(child, name, start + self._limits.seconds + size / _MEGABYTE)
            if "to_read" in reply:
                to_read = max(size, int(reply["to_read"]))
                until = start + self._limits.seconds + to_read / _MEGABYTE
                reply = self._hear(child, name, until)
        finally:
            _empty(self._folder / _SCRATCH)
        if "memory" in reply:
            self._stop()
            raise self._too_much(name)
        if "problems" in reply:
            raise InputError(problems(reply["problems"]))
        return reply

    def _running(self, name: str) -> _Child:
        """Return the child, started anew if need be with fewer drivers than before."""
        if self._children and self._children[0].process.poll() is None:
            return self._children[0]
        self._stop()
        for _ in range(_STARTS):
            child = self._start()
            hello = self._hear(child, name, time.monotonic() + _START_S)
            more = unwanted(hello.get("drivers", {}))
            if not more:
                return child
            self._stop()
            self._more_drivers = (*self._more_drivers, *more)
        raise _no_process(name)

    def _start(self) -> _Child:
        if not self._finalizer.alive:
            self._folder = Path(tempfile.mkdtemp(prefix="planmap-reader-"))
            self._finalizer = weakref.finalize(self, _put_away, self._children, self._folder)
        scratch = self._folder / _SCRATCH
        scratch.mkdir(exist_ok=True)
        sizes = (self._limits.memory_mb, max(self._limits.unpacked_mb, self._limits.memory_mb))
        process = subprocess.Popen(  # noqa: S603 - our own module, by our own Python
            [sys.executable, "-m", _WORKER, *(str(size) for size in sizes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(scratch, self._more_drivers),
            cwd=scratch,
            encoding="utf-8",
        )
        child = _Child(process)
        threading.Thread(target=_listen, args=(child,), daemon=True).start()
        self._children.append(child)
        return child

    def _send(self, child: _Child, request: Mapping[str, Any], name: str) -> None:
        if child.process.stdin is None:
            raise _no_process(name)
        try:
            child.process.stdin.write(json.dumps(request) + "\n")
            child.process.stdin.flush()
        except OSError as error:
            self._stop()
            raise _crashed(name) from error

    def _hear(self, child: _Child, name: str, until: float) -> Mapping[str, Any]:
        """Wait for a line of the child until a moment; where none comes, end it and say why."""
        try:
            line = child.said.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            self._stop()
            raise self._too_slow(name) from None
        if line is None:
            self._stop()
            raise _crashed(name)
        reply: Mapping[str, Any] = json.loads(line)
        return reply

    def _stop(self) -> None:
        _end(self._children)

    def _too_slow(self, name: str) -> InputError:
        seconds = self._limits.seconds
        return refusal(
            name,
            "seconds",
            f"reading takes longer than {seconds} s and one second for each MB; split or simplify"
            " the file, or raise [pack.limits].seconds in layers.toml",
            zh=f"读取超过时限（{seconds} 秒，另加每 MB 一秒）；"
            "请拆分或简化文件，或在 layers.toml 的 [pack.limits] 中调高 seconds",
        )

    def _too_much(self, name: str) -> InputError:
        most = self._limits.memory_mb
        return refusal(
            name,
            "memory_mb",
            f"reading needs more than {most:,} MB of memory; split or simplify the file, or raise"
            " [pack.limits].memory_mb in layers.toml",
            zh=f"读取所需内存超过 {most:,} MB；"
            "请拆分或简化文件，或在 layers.toml 的 [pack.limits] 中调高 memory_mb",
        )


def _size(path: Path, name: str) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise refusal(
            name,
            "file",
            "the file is not there any more; choose it again",
            zh="文件已不存在；请重新选择",
        ) from error


def _listen(child: _Child) -> None:
    """Pass on the child's lines; runs in a thread of its own, so that waiting can end."""
    stream = child.process.stdout
    if stream is not None:
        with contextlib.suppress(ValueError, OSError), stream:
            for line in stream:
                child.said.put(line)
    child.said.put(None)


def _end(children: list[_Child]) -> None:
    while children:
        child = children.pop()
        child.process.kill()
        child.process.wait()
        if child.process.stdin is not None:
            with contextlib.suppress(OSError):
                child.process.stdin.close()


def _put_away(children: list[_Child], folder: Path) -> None:
    _end(children)
    shutil.rmtree(folder, ignore_errors=True)


def _empty(folder: Path) -> None:
    for left in folder.iterdir():
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _crashed(name: str) -> InputError:
    return refusal(
        name,
        "unreadable",
        "the file cannot be read: it is damaged, needs too much memory, or is not what its"
        " content claims to be; open it in a GIS and export it once more",
        zh="文件无法读取：可能已损坏、占用内存过大，或内容与格式不符；"
        "请在 GIS 软件中打开并重新导出",
    )


def _no_process(name: str) -> InputError:
    return refusal(
        name,
        "process",
        "no process can be started to read files in; start the app again",
        zh="无法启动读取文件的进程；请重新启动程序",
    )
