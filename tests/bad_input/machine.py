"""Machines that refuse: a disk with no room left, and a user who may not write.

Both are real, and work for root as for an ordinary user, each by the means that it has.
"""

from __future__ import annotations

import ctypes
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.workspace.processes import child_command, child_environment


class SmallDisk:
    """A folder on a file system of its own, which `fill` leaves without room.

    Where this user cannot mount one, a limit on the size of files stands for it: this process and its
    children may then write no file beyond the bytes that `fill` leaves.
    """

    def __init__(self, folder: Path, megabytes: float) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        size = f"size={int(megabytes * 1024)}k"
        command = ["mount", "-t", "tmpfs", "-o", size, "afina-tests", str(folder)]
        self.is_mounted = _succeeds(command) if sys.platform == "linux" and os.geteuid() == 0 else False
        self._filler = folder / ".filler"
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def free(self) -> int:
        status = os.statvfs(self.folder)
        return status.f_bavail * status.f_frsize

    def fill(self, leave: int = 0) -> None:
        """Leave room for `leave` bytes and no more."""
        self.empty()
        if not self.is_mounted:
            resource.setrlimit(resource.RLIMIT_FSIZE, (leave, self._limits[1]))
            return
        with self._filler.open("wb") as file:
            while (more := self.free() - leave) >= 4096:
                file.write(bytes(min(more, 1024**2)))
                file.flush()

    def empty(self) -> None:
        """Give the room back."""
        if self.is_mounted:
            self._filler.unlink(missing_ok=True)
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)

    def close(self) -> None:
        self.empty()
        if self.is_mounted:
            # A process that is just ending may still be in it.
            assert _succeeds(["umount", "--lazy", str(self.folder)])


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@contextmanager
def small_disk(folder: Path, megabytes: float) -> Iterator[SmallDisk]:
    disk = SmallDisk(folder, megabytes)
    try:
        yield disk
    finally:
        disk.close()


class Guest:
    """Runs `afina` on a workspace as a user who may not write, or read, what was taken away.

    Files' modes do not bind root: its commands are run without root's privileges over them.
    """

    def __init__(self) -> None:
        self._taken: list[tuple[Path, int]] = []

    def forbid(self, place: Path) -> None:
        """Let this place, and all in it, be read but not written."""
        for path in (place, *place.rglob("*")):
            self._take(path, 0o222)

    def hide(self, file: Path) -> None:
        """Let it not even be read."""
        self._take(file, 0o777)

    def _take(self, path: Path, rights: int) -> None:
        mode = stat.S_IMODE(path.stat().st_mode)
        self._taken.append((path, mode))
        path.chmod(mode & ~rights)

    def give_back(self) -> None:
        for path, mode in reversed(self._taken):
            if path.exists():
                path.chmod(mode)
        self._taken.clear()

    def run(self, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[bytes]:
        """One `afina` command to its end."""
        return subprocess.run(
            child_command("server.cli", arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            env=child_environment({"AFINA_DEFAULT_MODEL": "tiny"}),
            cwd="/",
            check=False,
            preexec_fn=_without_privileges if os.geteuid() == 0 else None,
        )


# Of <linux/prctl.h> and <linux/securebits.h>: programs that root starts have no privileges of their own.
_PR_SET_SECUREBITS, _SECBIT_NOROOT = 28, 1


def _without_privileges() -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_SECUREBITS, _SECBIT_NOROOT, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "root's privileges could not be given up")
