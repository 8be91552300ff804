"""What a child process writes down of an exception that ended its work: one boundary for all of them."""

from __future__ import annotations

import traceback
from pathlib import Path

from tools.errors import AfinaError, DiskFull, WorkerDied, from_os_error
from tools.workspace.machine import disk_free

# MLX tells a failed write as a RuntimeError without a reason; less free than this is the reason.
_NO_ROOM = 1024**2


def failure_of(error: Exception, doing: str, folder: Path, log: Path) -> AfinaError:
    """The AfinaError to record for `error`, met while `doing` something with files in `folder`.

    What is not foreseen is a defect of ours: its traceback goes to `log`, through stderr.
    """
    if isinstance(error, AfinaError):
        return error
    traceback.print_exception(error)
    if isinstance(error, OSError):
        return from_os_error(error, error.filename or folder, doing)
    if isinstance(error, RuntimeError) and disk_free(folder) < _NO_ROOM:
        return DiskFull(f"The disk is full: could not {doing} in {folder}.", fix="Free some space and call again.")
    return WorkerDied(f"A defect of ours stopped the work: could not {doing}.", fix=f"Please report it with {log}.")
