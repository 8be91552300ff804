"""How far a pull is, told to whoever waits for it; and the moments at which it may be stopped."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tools.errors import DiskFull, telling_os_errors
from tools.workspace.locks import FileLock

# What is left on the disk beside the model, so that nothing else on the machine stops.
_MARGIN = 256 * 1024**2


class Progress(Protocol):
    """`done` of `total` bytes. May raise, to stop the pull. `jobs.Progress` is one."""

    def __call__(self, done: float, total: float, message: str) -> None: ...


class Meter:
    """The progress of one pull: `tell` when something moved, `tick` to let it be stopped meanwhile."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._last: tuple[float, float, str] = (0, 1, "Starting")

    def tell(self, done: float, total: float, message: str) -> None:
        self._last = (done, max(total, 1), message)
        self._progress(*self._last)

    def tick(self) -> None:
        self._progress(*self._last)

    def growing(self, folder: Path, total: int, message: str) -> Callable[[], None]:
        """A tick that tells how many of `total` bytes the files in `folder` have."""

        def tick() -> None:
            done = sum(_size(path) for path in folder.rglob("*"))
            self.tell(min(done, total - 1), total, message)

        return tick

    def wait_for(self, lock: Path, message: str) -> FileLock:
        """The lock, once whoever holds it lets go."""
        while True:
            held = FileLock.try_acquire(lock)
            if held is not None:
                return held
            self.tell(0, 1, message)
            time.sleep(0.1)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:  # renamed meanwhile
        return 0


def need_room(folder: Path, needed: int, what: str) -> None:
    """Raise DiskFull unless `needed` bytes fit where `folder` is."""
    with telling_os_errors(folder, "look for free space"):
        free = shutil.disk_usage(folder).free
    if free < needed + _MARGIN:
        raise DiskFull(
            f"{what} needs {gigabytes(needed + _MARGIN)} free at {folder}, and there are {gigabytes(free)}.",
            fix="Free some space, or choose another folder with --workspace, and call again.",
            details={"needed_bytes": needed + _MARGIN, "free_bytes": free},
        )


def gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
