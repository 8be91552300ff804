"""Child processes: started from this installation alone, detached, alive by their lock."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import tools
from tools.errors import MachineError
from tools.workspace.locks import FileLock

LOCK_FD = "AFINA_LOCK_FD"
_children: list[subprocess.Popen[bytes]] = []


def child_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child: ours, less what could put a foreign `tools` before ours."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME", LOCK_FD)}
    environment["PYTHONSAFEPATH"] = "1"
    environment["PYTHONUNBUFFERED"] = "1"
    environment["AFINA_TOOLS"] = str(Path(tools.__file__).parent)
    environment.update(extra or {})
    return environment


def child_command(module: str, arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-P", "-m", module, *arguments]


def check_installation() -> None:
    """Refuse to run when Python found another project's `tools` instead of the one that started us."""
    expected = os.environ.get("AFINA_TOOLS")
    found = Path(tools.__file__).parent
    if (expected and Path(expected) != found) or not (found.parent / "server" / "__init__.py").is_file():
        raise MachineError(
            "A foreign package named `tools` stands before Afina's on Python's path.",
            fix="Install Afina into an environment of its own.",
        )


def spawn_detached(
    module: str,
    arguments: Sequence[str],
    *,
    lock: FileLock,
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Start `python -m module` so that it outlives us and holds `lock` for as long as it lives.

    The child's output is appended to `log`. `lock` is released here: it lives on in the child.
    Returns the child's pid, which is for people to read: liveness is the lock's to tell.
    """
    reap()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(
            child_command(module, arguments),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=child_environment({LOCK_FD: str(lock.fd), **(environment or {})}),
            pass_fds=(lock.fd,),
            start_new_session=True,
            cwd="/",
        )
    lock.release()
    _children.append(child)
    return child.pid


def adopt_lock() -> None:
    """In a child: keep the lock that the parent handed over, and let no child of ours inherit it."""
    fd = os.environ.pop(LOCK_FD, None)
    if fd is not None:
        os.set_inheritable(int(fd), False)


def reap() -> None:
    """Collect the exit codes of detached children that have ended, so that none stays a zombie."""
    _children[:] = [child for child in _children if child.poll() is None]
