"""Who called which tool, how it ended and how long it took: a line a call in `logs/calls.log`, none of its contents.

Every process that runs tools appends to the same file; it and its predecessor take 2 MB at most.
"""

from __future__ import annotations

import contextlib
import functools
import getpass
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tools.errors import AfinaError, printable
from tools.workspace.layout import Workspace
from tools.workspace.locks import FileLock

FILE_NAME = "calls.log"
FILE_BYTES = 1024**2
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Caller:
    """via: `http`, `stdio` or `cli`. client: the key's name or the peer's address over HTTP, else the user's name.

    app: what the client calls itself, which nobody has checked.
    """

    via: str
    client: str
    app: str = ""


@dataclass(frozen=True)
class Entry:
    """One call.

    outcome: `ok`, `asked` (the person was asked to confirm), `stopped` by Ctrl-C, or the error's code.
    ms: milliseconds that it took.
    """

    time: str
    via: str
    client: str
    app: str
    tool: str
    outcome: str
    ms: float


def write(ws: Workspace, caller: Caller, tool: str, outcome: str, began: float) -> None:
    """Append a call. began: of `time.monotonic`. Where it cannot be written (a full disk) the call goes on."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    entry = Entry(
        time=now,
        via=caller.via,
        client=printable(caller.client, _LONGEST_NAME),
        app=printable(caller.app, _LONGEST_NAME),
        tool=tool,
        outcome=outcome,
        ms=round(1000 * (time.monotonic() - began), 1),
    )
    line = json.dumps(asdict(entry), ensure_ascii=False) + "\n"
    with contextlib.suppress(OSError):
        fd = os.open(_path(ws), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, line.encode("utf-8", "replace"))
            is_full = os.fstat(fd).st_size > FILE_BYTES
        finally:
            os.close(fd)
        if is_full:
            _begin_anew(ws)


@functools.cache
def user_name() -> str:
    """The name of the user whose process this is."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        return f"uid {os.getuid()}"


def _begin_anew(ws: Workspace) -> None:
    lock = FileLock.try_acquire(ws.lock_path("calls"))
    if lock is None:
        return  # another process is at it
    with lock:
        path = _path(ws)
        if path.stat().st_size > FILE_BYTES:
            path.replace(_before(path))


@contextmanager
def recorded(ws: Workspace, caller: Caller, tool: str) -> Iterator[None]:
    """Record the call that the body makes."""
    began, outcome = time.monotonic(), "stopped"
    try:
        yield
        outcome = "ok"
    except AfinaError as error:
        outcome = error.code
        raise
    finally:
        write(ws, caller, tool, outcome, began)


def read(ws: Workspace, limit: int) -> list[Entry]:
    """The last calls, oldest first. Lines that are not whole are passed over."""
    path = _path(ws)
    found = [entry for file in (_before(path), path) for entry in _entries(file)]
    return found[-limit:]


def _entries(path: Path) -> Iterator[Entry]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        with contextlib.suppress(ValueError, TypeError):
            yield Entry(**json.loads(line))


def _path(ws: Workspace) -> Path:
    return ws.logs / FILE_NAME


def _before(path: Path) -> Path:
    return path.with_name(f"{path.name}.1")
