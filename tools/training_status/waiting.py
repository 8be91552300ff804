"""Waiting for news of a run: its state, an event, an evaluation. Reports alone come too often to be news."""

from __future__ import annotations

import time
from typing import Any

from tools.workspace import runs
from tools.workspace.layout import Workspace

_POLL_S = 0.1
# An evaluation, its checkpoint and a new best come together: they are told together.
_QUIET_S, _QUIET_MOST_S = 0.3, 1.5


def wait_for_news(ws: Workspace, run: runs.Run, seconds: float, since_step: int = -1) -> None:
    """Return soon after the next news, at the death of the run's process, or after `seconds`.

    since_step: what the caller knows already; an event or an evaluation after that step is news at once.
    """
    deadline = time.monotonic() + seconds
    if 0 <= since_step < _last_told(ws, run.run) or not _changes_by(ws, run.run, deadline):
        return
    latest = min(deadline, time.monotonic() + _QUIET_MOST_S)
    while _changes_by(ws, run.run, min(latest, time.monotonic() + _QUIET_S)):
        pass


def _changes_by(ws: Workspace, run: str, deadline: float) -> bool:
    """Whether there is news by `deadline`; not where the run's process has ended."""
    before = _news(ws, run)
    version: int | None = None
    while runs.is_alive(ws, run):
        # A look at the run's rows is only due once somebody has written to the database.
        written = ws.store.row("PRAGMA data_version")
        if written is None or written["data_version"] != version:
            version = written["data_version"] if written else None
            if _news(ws, run) != before:
                return True
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(_POLL_S, left))
    return False


def _news(ws: Workspace, run: str) -> tuple[Any, ...]:
    """Answers to the fixed prompts end an evaluation: what is told of it is whole then."""
    row = ws.store.row(
        "SELECT state, (SELECT MAX(id) FROM events WHERE run = r.run) AS event,"
        " (SELECT MAX(step) FROM metrics WHERE run = r.run AND kind = 'sample') AS evaluated FROM runs r WHERE run = ?",
        (run,),
    )
    return tuple(row.values()) if row else ()


def _last_told(ws: Workspace, run: str) -> int:
    """The step of the last event or evaluation."""
    row = ws.store.row(
        "SELECT (SELECT step FROM events WHERE run = ? ORDER BY id DESC LIMIT 1) AS event,"
        " (SELECT MAX(step) FROM metrics WHERE run = ? AND kind = 'sample') AS evaluated",
        (run, run),
    )
    return max(row["event"] or -1, row["evaluated"] or -1) if row else -1
