"""Waiting for news of a run: its state, an event, an evaluation. Reports alone come too often to be news."""

from __future__ import annotations

import time
from typing import Any

from tools.workspace import runs
from tools.workspace.layout import Workspace

_POLL_S = 0.1


def wait_for_news(ws: Workspace, run: runs.Run, seconds: float, since_step: int = -1) -> None:
    """Return at the next news, at the death of the run's process, or after `seconds`.

    since_step: what the caller knows already; an event or an evaluation after that step is news at once.
    """
    deadline = time.monotonic() + seconds
    before = _news(ws, run.run)
    if 0 <= since_step < _last_told(ws, run.run):
        return
    version: int | None = None
    while time.monotonic() < deadline and runs.is_alive(ws, run.run):
        # A look at the run's rows is only due once somebody has written to the database.
        written = ws.store.row("PRAGMA data_version")
        if written is None or written["data_version"] != version:
            version = written["data_version"] if written else None
            if _news(ws, run.run) != before:
                return
        time.sleep(_POLL_S)


def _news(ws: Workspace, run: str) -> tuple[Any, ...]:
    row = ws.store.row(
        "SELECT state, (SELECT MAX(id) FROM events WHERE run = r.run) AS event,"
        " (SELECT MAX(step) FROM metrics WHERE run = r.run AND kind = 'valid') AS valid FROM runs r WHERE run = ?",
        (run,),
    )
    return tuple(row.values()) if row else ()


def _last_told(ws: Workspace, run: str) -> int:
    """The step of the last event or evaluation."""
    row = ws.store.row(
        "SELECT (SELECT step FROM events WHERE run = ? ORDER BY id DESC LIMIT 1) AS event,"
        " (SELECT MAX(step) FROM metrics WHERE run = ? AND kind = 'valid') AS valid",
        (run, run),
    )
    return max(row["event"] or -1, row["valid"] or -1) if row else -1
