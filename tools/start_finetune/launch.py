"""Start a run's supervisor, which outlives whoever started it."""

from __future__ import annotations

from tools.workspace import runs
from tools.workspace.layout import Workspace
from tools.workspace.locks import FileLock
from tools.workspace.processes import spawn_detached


def launch(ws: Workspace, run: str, lock: FileLock) -> None:
    """Start the supervisor of `run`, handing it the run's lock."""
    spawn_detached(
        "tools.start_finetune.supervisor",
        [str(ws.root), run],
        lock=lock,
        log=runs.folder(ws, run) / "worker.log",
    )
