"""Files read in a process apart: one that crashes, hangs or floods its reader is unreadable, the others are not."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil

from tools.errors import WorkerDied
from tools.prepare_dataset.file_types import TOLD
from tools.prepare_dataset.readers.child import PARTS
from tools.prepare_dataset.readers.part import Part, Unreadable
from tools.prepare_dataset.readers.registry import is_safe, read_parts
from tools.workspace.machine import GB, memory
from tools.workspace.processes import child_command, child_environment

CHILD = "tools.prepare_dataset.readers.child"
_MB = 1024**2
_TICK_S = 0.1
_START_S = 60.0
# A child that died above this share of its memory died for want of more.
_NEAR_LIMIT = 0.8
_SAVE_ANEW = f"Save it again from the program it comes from, or give it as another of {TOLD}."
_SPLIT = "Split it into smaller files, or give its text as .txt."


@dataclass(frozen=True)
class Limits:
    """What reading one file may take. seconds: for any file, and seconds_per_mb for its size. memory: bytes."""

    seconds: float = 120.0
    seconds_per_mb: float = 2.0
    memory: int = field(default_factory=lambda: min(4 * GB, memory().total // 2))

    def seconds_for(self, size: int) -> float:
        return self.seconds + self.seconds_per_mb * size / _MB


DEFAULT_LIMITS = Limits()


def _nothing() -> None:
    """The tick of a caller that has nothing to do meanwhile."""


class Apart:
    """The readers of one job: plain text is read here, all else in a child process that ends with the context.

    The child starts with the first file that needs it; after a file that ended it, the next gets a fresh one.
    """

    def __init__(self, limits: Limits | None = None, child: str | None = None) -> None:
        self._limits = limits or DEFAULT_LIMITS
        self._module = child or CHILD
        self._child: _Child | None = None

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_child()

    def read(self, path: Path, tick: Callable[[], None] = _nothing) -> list[Part]:
        """The texts in a file of a known type.

        tick: called ten times a second; what it raises ends the child and comes out of here. Raises
        Unreadable, OSError when the file's bytes cannot be had, WorkerDied when no child can be started.
        """
        if is_safe(path):
            return read_parts(path)
        seconds = self._limits.seconds_for(path.stat().st_size)
        child = self._fresh_child()
        try:
            return _parts(child.ask(path, seconds, tick))
        finally:
            if not child.is_idle:
                self._end_child()

    def _fresh_child(self) -> _Child:
        if self._child is not None and self._child.size() > self._limits.memory / 2:
            self._end_child()  # what earlier files left in it is not the next one's
        if self._child is None:
            self._child = _Child(self._module, self._limits.memory)
        return self._child

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None


def _parts(answer: dict[str, Any]) -> list[Part]:
    if "unreadable" in answer:
        raise Unreadable(**answer["unreadable"])
    if "os_error" in answer:
        raise OSError(answer["os_error"], "the file cannot be read")
    if "parts" not in answer:
        raise Unreadable("The program that reads it failed.", _SAVE_ANEW)
    return PARTS.validate_python(answer["parts"])


class _Child:
    """A running child. is_idle: it has answered all that it was asked."""

    def __init__(self, module: str, limit: int) -> None:
        self._limit = limit
        self._process = subprocess.Popen(
            child_command(module, [str(limit)]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=child_environment(),
            start_new_session=True,
            cwd="/",
        )
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        assert self._process.stdout is not None
        self._forwarding = threading.Thread(target=_forward, args=(self._process.stdout, self._lines), daemon=True)
        self._forwarding.start()
        self._largest = 0
        self.is_idle = False
        try:
            self._wait(_START_S, _nothing)
        except Unreadable as fault:
            self.end()
            told = "The process that reads documents ended before it was ready."
            raise WorkerDied(told, fix="Free some memory and call again.") from fault

    def ask(self, path: Path, seconds: float, tick: Callable[[], None]) -> dict[str, Any]:
        """The child's answer about a file. Raises Unreadable when there is none within `seconds`, or ever."""
        self.is_idle = False
        assert self._process.stdin is not None
        request = json.dumps({"path": str(path), "seconds": seconds}) + "\n"
        with suppress(OSError):  # a child that is gone is told of by its output
            self._process.stdin.write(request.encode())
            self._process.stdin.flush()
        return self._wait(seconds, tick)

    def size(self) -> int:
        """Bytes of memory that it holds; 0 when it is gone."""
        try:
            return int(psutil.Process(self._process.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._forwarding.join()
        assert self._process.stdin is not None
        with suppress(OSError):  # what was not yet sent has nobody to go to
            self._process.stdin.close()

    def _wait(self, seconds: float, tick: Callable[[], None]) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while True:
            tick()
            self._largest = max(self._largest, self.size())
            if self._largest > self._limit:
                raise self._too_large()
            try:
                line = self._lines.get(timeout=_TICK_S)
            except queue.Empty:
                if time.monotonic() > deadline:
                    told = f"The program that reads it took longer than {seconds:.0f} s."
                    raise Unreadable(told, _SPLIT) from None
                continue
            answer: dict[str, Any] = json.loads(line) if line is not None else {}
            if "memory" in answer or (line is None and self._largest > _NEAR_LIMIT * self._limit):
                raise self._too_large()
            if line is None:
                raise Unreadable("The program that reads it crashed.", _SAVE_ANEW)
            self.is_idle = True
            return answer

    def _too_large(self) -> Unreadable:
        return Unreadable(f"The program that reads it needed more than {self._limit / GB:.2g} GB of memory.", _SPLIT)


def _forward(output: IO[bytes], lines: queue.SimpleQueue[bytes | None]) -> None:
    """Lines of the child to the queue, then None. A line cut off by its death is none."""
    with output:
        for line in output:
            if line.endswith(b"\n"):
                lines.put(line)
    lines.put(None)
