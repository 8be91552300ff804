"""Alive or dead, told by a lock that the living process holds.

A pid can be reused and a clock can jump; an advisory `flock` ends with its holder, also across a
reboot. The parent takes the lock and hands the open file to the child, so that there is no moment
at which a child that was started looks dead.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

from tools.errors import NotFound, telling_os_errors

# Whoever looks whether a lock is held has a share of it for a moment: not to be taken for its holder.
_LOOKS, _LOOK_S = 5, 0.01


class FileLock:
    """An exclusive `flock` on a file, held until `release` or the end of the process."""

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self.fd = fd

    @classmethod
    def try_acquire(cls, path: Path) -> FileLock | None:
        """The lock, or None while another process (or another holder here) has it."""
        fd = _opened(path)
        for _ in range(_LOOKS):
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_LOOK_S)
            else:
                return cls(path, fd)
        os.close(fd)
        return None

    @classmethod
    def acquire(cls, path: Path) -> FileLock:
        """The lock, after waiting for whoever holds it."""
        fd = _opened(path)
        fcntl.flock(fd, fcntl.LOCK_EX)
        return cls(path, fd)

    def release(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _opened(path: Path) -> int:
    with telling_os_errors(path, "take the lock"):
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock at `path`. Raises NoPermission where that cannot be told."""
    try:
        with telling_os_errors(path, "look at the lock"):
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except NotFound:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False
