"""What a start finds after a crash, and makes right again.

Folders with their marker are the truth; rows follow them. Nothing that a person made is removed.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

from tools.workspace import jobs, runs
from tools.workspace.files import TEMPORARY_PREFIX, read_json, sweep_temporary
from tools.workspace.layout import Workspace
from tools.workspace.ledger import entries
from tools.workspace.locks import FileLock, is_held

log = logging.getLogger(__name__)
RUN_FILE = "run.json"


def reconcile(ws: Workspace) -> None:
    """Correct the rows of dead processes, index runs that have no row, sweep what was half written.

    Safe beside living processes: whoever still holds a lock is left alone. One at a time.
    """
    lock = FileLock.try_acquire(ws.lock_path("reconcile"))
    if lock is None:
        return
    with lock:
        entries(ws)
        _index_runs(ws)
        for run in runs.listed(ws):
            if run.state in runs.ACTIVE and not runs.is_alive(ws, run.run):
                runs.set_state(
                    ws,
                    run.run,
                    "interrupted",
                    "The training process is gone; resume goes on from the last checkpoint.",
                    expected=runs.ACTIVE,
                )
        for row in ws.store.rows("SELECT job FROM jobs WHERE state IN ('queued', 'running')"):
            if not is_held(jobs.lock_path(ws, row["job"])):
                jobs.mark_dead(ws, row["job"])
        if not _somebody_writes(ws):
            _sweep(ws)


def _index_runs(ws: Workspace) -> None:
    known = set(runs.names(ws))
    unknown: list[tuple[float, Path, dict[str, Any]]] = []
    for path in sorted(ws.runs.glob(f"*/{RUN_FILE}")):
        if path.parent.name in known:
            continue
        try:
            described: dict[str, Any] = dict(read_json(path))
            unknown.append((float(described["created"]), path, described))
        except (OSError, KeyError, TypeError, ValueError):
            log.warning("%s is not a run's description; left as it is", path)
    # Rows stand in the order in which runs were started.
    for created, path, described in sorted(unknown, key=lambda found: found[0]):
        try:
            adapter = described.get("adapter")
            runs.insert(
                ws,
                runs.Run(
                    run=path.parent.name,
                    name=described["name"],
                    state="succeeded" if adapter else "interrupted",
                    dataset=described["dataset"],
                    model=described["model"],
                    plan=described["plan"],
                    step=0,
                    steps=described["steps"],
                    asked=None,
                    error=None,
                    adapter=adapter,
                    created=created,
                    updated=created,
                ),
                described.get("request_key"),
            )
        except (KeyError, TypeError, ValueError):
            log.warning("%s is not a run's description; left as it is", path)


def _somebody_writes(ws: Workspace) -> bool:
    return any(
        is_held(path) for path in ws.locks.glob("*.lock") if path.name.startswith(("job-", "run-", "pull-", "dataset-"))
    )


def _sweep(ws: Workspace) -> None:
    parents: list[Path] = [ws.data, ws.models, ws.runs, ws.adapters, ws.evaluations]
    parents += [path for root in (ws.data, ws.adapters, ws.runs) for path in root.glob("*") if path.is_dir()]
    parents += list(ws.runs.glob("*/checkpoints"))
    for parent in parents:
        if parent.name.startswith(TEMPORARY_PREFIX):
            shutil.rmtree(parent, ignore_errors=True)
        else:
            sweep_temporary(parent)
