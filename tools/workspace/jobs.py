"""Jobs: work in a child process that a call can wait for, come back to, or cancel.

A job's child is detached: it goes on when the caller or the server goes away, and its result waits
in its row. Its module is run as `python -m MODULE WORKSPACE JOB` and calls `run_job`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tools.errors import AfinaError, MachineError, NotFound, WorkerDied, telling_os_errors
from tools.workspace.failures import failure_of
from tools.workspace.layout import Workspace, open_workspace
from tools.workspace.locks import FileLock, is_held
from tools.workspace.processes import adopt_lock, check_installation, spawn_detached
from tools.workspace.store import Row

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
ENDED: frozenset[str] = frozenset({"succeeded", "failed", "cancelled"})
_POLL_S = 0.05
_ROW_S = 2.0


@dataclass(frozen=True)
class Job:
    """One job as its row tells it."""

    job: str
    kind: str
    state: JobState
    request: dict[str, Any]
    progress: dict[str, Any]
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    created: float
    updated: float

    def raise_if_failed(self, again: str | None = None) -> None:
        """Raise what the child raised, as the same kind of error. again: the call that starts the work anew."""
        if self.state == "failed":
            error = AfinaError.from_dict(self.error or {})
            error.next = error.next or again
            raise error


class Cancelled(Exception):
    """The job was asked to stop. Raised by `Progress` in the child, at a point of its choosing."""


def _job(row: Row) -> Job:
    def load(name: str) -> Any:
        return json.loads(row[name]) if row[name] else None

    return Job(
        job=row["job"],
        kind=row["kind"],
        state=row["state"],
        request=load("request"),
        progress=load("progress") or {},
        result=load("result"),
        error=load("error"),
        created=row["created"],
        updated=row["updated"],
    )


def lock_path(ws: Workspace, job: str) -> Path:
    return ws.lock_path(f"job-{job}")


def log_path(ws: Workspace, job: str) -> Path:
    return ws.logs / f"job-{job}.log"


def get(ws: Workspace, job: str, kind: str, field: str = "job") -> Job:
    """The job of that name and kind, its state corrected when its process has died."""
    row = ws.store.row("SELECT * FROM jobs WHERE job = ? AND kind = ?", (job, kind))
    if row is None:
        known = [r["job"] for r in ws.store.rows("SELECT job FROM jobs WHERE kind = ?", (kind,))]
        raise NotFound(f"{kind} job", job, known, field=field)
    if row["state"] not in ENDED and not is_held(lock_path(ws, job)):
        mark_dead(ws, job)
        row = ws.store.row("SELECT * FROM jobs WHERE job = ?", (job,)) or row
    return _job(row)


def listed(ws: Workspace, kind: str) -> list[Job]:
    """All jobs of a kind, newest first."""
    rows = ws.store.rows("SELECT * FROM jobs WHERE kind = ? ORDER BY created DESC, rowid DESC", (kind,))
    return [_job(row) for row in rows]


def launch(
    ws: Workspace,
    job: str,
    kind: str,
    module: str,
    request: Mapping[str, Any],
    environment: Mapping[str, str] | None = None,
    made: Path | None = None,
) -> Job:
    """Write the job's row and start its child.

    A job of that name that is alive or has succeeded is returned as it is; one that failed or was
    cancelled, or whose result `made` is gone, is started anew.
    """
    lock = FileLock.try_acquire(lock_path(ws, job))
    if lock is None:
        return _row_of_living(ws, job, kind)
    now = time.time()
    with lock:
        with ws.store.transaction() as db:
            row = db.execute("SELECT state FROM jobs WHERE job = ?", (job,)).fetchone()
            if row is None or row["state"] != "succeeded" or (made is not None and not made.exists()):
                db.execute("DELETE FROM jobs WHERE job = ?", (job,))
                db.execute(
                    "INSERT INTO jobs (job, kind, state, request, created, updated) VALUES (?, ?, 'queued', ?, ?, ?)",
                    (job, kind, json.dumps(request, ensure_ascii=False), now, now),
                )
                row = None
        if row is None:
            log = log_path(ws, job)
            with telling_os_errors(log, "start the work"):
                pid = spawn_detached(module, [str(ws.root), job], lock=lock, log=log, environment=environment)
            with contextlib.suppress(MachineError):  # it is for people to read, and the work has begun
                ws.store.write("UPDATE jobs SET pid = ? WHERE job = ?", (pid, job))
    return get(ws, job, kind)


def _row_of_living(ws: Workspace, job: str, kind: str) -> Job:
    """The row of a job whose process lives: its launcher writes it a moment after taking the lock."""
    deadline = time.monotonic() + _ROW_S
    while True:
        row = ws.store.row("SELECT state FROM jobs WHERE job = ?", (job,))
        fresh = row is not None and row["state"] not in ENDED
        if fresh or time.monotonic() > deadline or not is_held(lock_path(ws, job)):
            return get(ws, job, kind)
        time.sleep(_POLL_S)


def wait(ws: Workspace, job: str, kind: str, seconds: float, field: str = "job") -> Job:
    """The job when it has ended, or as it stands after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = get(ws, job, kind, field)
        if found.state in ENDED or time.monotonic() >= deadline:
            return found
        time.sleep(min(_POLL_S, max(0.0, deadline - time.monotonic())))


def cancel(ws: Workspace, job: str, kind: str, field: str = "job") -> Job:
    """Ask a job to stop at its next step. One that has ended is left as it is."""
    get(ws, job, kind, field)
    ws.store.write("UPDATE jobs SET asked = 'cancel' WHERE job = ?", (job,))
    return get(ws, job, kind, field)


def stop(ws: Workspace, job: str, kind: str, grace_s: float, field: str = "job") -> Job:
    """Cancel a job, and end its process where it comes to no step within `grace_s`.

    For work that leaves nothing behind but what its caller sweeps.
    """
    cancel(ws, job, kind, field)
    found = wait(ws, job, kind, grace_s, field)
    if found.state in ENDED:
        return found
    # Before the end of the process: whoever asks after it is not to find a death.
    ws.store.write(
        "UPDATE jobs SET state = 'cancelled', updated = ? WHERE job = ? AND state IN ('queued', 'running')",
        (time.time(), job),
    )
    row = ws.store.row("SELECT pid FROM jobs WHERE job = ?", (job,))
    # The lock that is held tells that it lives, and so that the pid is still its own.
    if row is not None and row["pid"] and is_held(lock_path(ws, job)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(row["pid"], signal.SIGKILL)  # with its readers: a detached child leads a group of its own
    deadline = time.monotonic() + _ROW_S
    while is_held(lock_path(ws, job)) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return get(ws, job, kind, field)


def mark_dead(ws: Workspace, job: str) -> None:
    """Record that a job's process ended without an answer, unless it has answered meanwhile."""
    row = ws.store.row("SELECT progress FROM jobs WHERE job = ?", (job,))
    at = json.loads(row["progress"]).get("message") if row is not None and row["progress"] else None
    error = WorkerDied(
        f"The process doing this work ended before it answered{f' (at: {at})' if at else ''}.",
        fix=f"Call again to start it anew; what it printed is in {log_path(ws, job)}.",
    )
    ws.store.write(
        "UPDATE jobs SET state = 'failed', error = ?, updated = ? WHERE job = ? AND state IN ('queued', 'running')",
        (json.dumps(error.to_dict()), time.time(), job),
    )


class Progress:
    """In the child: tell how far the work is, and learn that it should stop."""

    def __init__(self, ws: Workspace, job: str) -> None:
        self._ws, self._job = ws, job
        self._told = 0.0

    def __call__(self, done: float, total: float, message: str, **more: Any) -> None:
        """Record progress (at most five times a second). Raises Cancelled when asked to stop."""
        now = time.monotonic()
        if now - self._told < 0.2 and done < total:
            return
        self._told = now
        data = {"done": done, "total": total, "message": message, **more}
        row = self._ws.store.row("SELECT asked FROM jobs WHERE job = ?", (self._job,))
        if row is not None and row["asked"] == "cancel":
            raise Cancelled
        self._ws.store.write(
            "UPDATE jobs SET progress = ?, updated = ? WHERE job = ?",
            (json.dumps(data, ensure_ascii=False), time.time(), self._job),
        )


def run_job(work: Callable[[Workspace, dict[str, Any], Progress], dict[str, Any]]) -> None:
    """The main of a job's module: do the work of the row named in argv, write down its end.

    This is the boundary at which any exception becomes a recorded failure.
    """
    adopt_lock()
    check_installation()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ws, job = open_workspace(sys.argv[1]), sys.argv[2]
    row = ws.store.row("SELECT * FROM jobs WHERE job = ?", (job,))
    if row is None:
        raise SystemExit(f"no job {job}")
    code = 0
    try:
        _carry_out(ws, job, row, work)
    except AfinaError:
        # The end could not be written down: whoever asks next finds the process gone.
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    # MLX's threads may outlive the work; nothing is left to save.
    os._exit(code)


def _carry_out(
    ws: Workspace, job: str, row: Row, work: Callable[[Workspace, dict[str, Any], Progress], dict[str, Any]]
) -> None:
    try:
        ws.store.write("UPDATE jobs SET state = 'running', updated = ? WHERE job = ?", (time.time(), job))
        result = work(ws, json.loads(row["request"]), Progress(ws, job))
    except Cancelled:
        _end(ws, job, "cancelled", None, None)
    except Exception as error:
        _end(ws, job, "failed", None, failure_of(error, f"do the {row['kind']}", ws.root, log_path(ws, job)))
    else:
        _end(ws, job, "succeeded", result, None)


def _end(ws: Workspace, job: str, state: JobState, result: dict[str, Any] | None, error: AfinaError | None) -> None:
    ws.store.write(
        "UPDATE jobs SET state = ?, result = ?, error = ?, updated = ? WHERE job = ?",
        (
            state,
            json.dumps(result, ensure_ascii=False) if result is not None else None,
            json.dumps(error.to_dict(), ensure_ascii=False) if error else None,
            time.time(),
            job,
        ),
    )
