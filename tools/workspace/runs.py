"""Rows of training runs: states, metrics, events. Their files are in `outputs/runs/<run>/`."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tools.errors import NotFound
from tools.workspace import machine
from tools.workspace.files import write_text
from tools.workspace.layout import Workspace
from tools.workspace.locks import is_held
from tools.workspace.store import Row

RunState = Literal["queued", "preparing", "running", "paused", "interrupted", "succeeded", "failed", "cancelled"]
ACTIVE: frozenset[str] = frozenset({"queued", "preparing", "running"})
ENDED: frozenset[str] = frozenset({"succeeded", "failed", "cancelled"})

_BOOT_FILE = "boot.txt"

# What a person asked of a living worker; it answers at the next step.
Ask = Literal["pause", "cancel"]
_ANSWERS = {
    "pause": ("paused", "Paused; it goes on from its last checkpoint."),
    "cancel": ("cancelled", "Cancelled; its checkpoints are kept."),
}


@dataclass(frozen=True)
class Run:
    """One training run as its row tells it. `step` counts micro-batches done, of `steps`."""

    run: str
    name: str
    state: RunState
    dataset: str
    model: str
    plan: dict[str, Any]
    step: int
    steps: int
    asked: str | None
    error: dict[str, Any] | None
    adapter: str | None
    created: float
    updated: float


def _run(row: Row) -> Run:
    return Run(
        run=row["run"],
        name=row["name"],
        state=row["state"],
        dataset=row["dataset"],
        model=row["model"],
        plan=json.loads(row["plan"]),
        step=row["step"],
        steps=row["steps"],
        asked=row["asked"],
        error=json.loads(row["error"]) if row["error"] else None,
        adapter=row["adapter"],
        created=row["created"],
        updated=row["updated"],
    )


def folder(ws: Workspace, run: str) -> Path:
    return ws.runs / run


def lock_path(ws: Workspace, run: str) -> Path:
    """The lock that the run's supervisor holds while the run is alive."""
    return ws.lock_path(f"run-{run}")


def is_alive(ws: Workspace, run: str) -> bool:
    return is_held(lock_path(ws, run))


def note_boot(ws: Workspace, run: str) -> None:
    """Write down since which start of the machine the run's process lives: its death may be the machine's."""
    booted = machine.boot_id()
    if booted is not None:
        with contextlib.suppress(OSError):
            write_text(folder(ws, run) / _BOOT_FILE, booted)


def boot_of(ws: Workspace, run: str) -> str | None:
    """The start of the machine after which the run's process was last started; None where that is not known."""
    try:
        return (folder(ws, run) / _BOOT_FILE).read_text(encoding="utf-8") or None
    except (OSError, UnicodeDecodeError):
        return None


def names(ws: Workspace) -> list[str]:
    return [row["run"] for row in ws.store.rows("SELECT run FROM runs ORDER BY rowid")]


def get(ws: Workspace, run: str, field: str = "run") -> Run:
    """The run of that name. Raises NotFound with the nearest ones."""
    row = ws.store.row("SELECT * FROM runs WHERE run = ?", (run,))
    if row is None:
        raise NotFound("run", run, names(ws), field=field, fix="Start one with start_finetune.")
    return _run(row)


def ahead_of(ws: Workspace, run: Run) -> list[str]:
    """The living runs that were started before `run`: training goes one at a time, in order.

    The order is that of the rows: a clock may jump.
    """
    older = ws.store.rows(
        "SELECT run FROM runs WHERE state IN ('queued', 'preparing', 'running')"
        " AND rowid < (SELECT rowid FROM runs WHERE run = ?) ORDER BY rowid",
        (run.run,),
    )
    return [row["run"] for row in older if is_alive(ws, row["run"])]


def by_request_key(ws: Workspace, key: str) -> Run | None:
    row = ws.store.row("SELECT * FROM runs WHERE request_key = ?", (key,))
    return _run(row) if row else None


def newest(ws: Workspace) -> Run | None:
    row = ws.store.row("SELECT * FROM runs ORDER BY rowid DESC LIMIT 1")
    return _run(row) if row else None


def listed(ws: Workspace) -> list[Run]:
    """All runs, newest first."""
    return [_run(row) for row in ws.store.rows("SELECT * FROM runs ORDER BY rowid DESC")]


def insert(ws: Workspace, run: Run, request_key: str | None) -> bool:
    """Write the row of a new run; False when the name or the request key is taken."""
    return (
        ws.store.write(
            "INSERT OR IGNORE INTO runs"
            " (run, name, state, dataset, model, plan, request_key, step, steps, created, updated)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                run.run,
                run.name,
                run.state,
                run.dataset,
                run.model,
                json.dumps(run.plan, ensure_ascii=False),
                request_key,
                run.step,
                run.steps,
                run.created,
                run.updated,
            ),
        )
        == 1
    )


def delete(ws: Workspace, run: str) -> None:
    """Take back the row of a run that could not be launched."""
    with ws.store.transaction() as db:
        for table in ("runs", "metrics", "events"):
            db.execute(f"DELETE FROM {table} WHERE run = ?", (run,))


def set_state(
    ws: Workspace,
    run: str,
    state: RunState,
    message: str,
    *,
    error: dict[str, Any] | None = None,
    adapter: str | None = None,
    expected: frozenset[str] | None = None,
) -> bool:
    """Move a run to `state` and log why; False when it was in none of the `expected` states."""
    now = time.time()
    with ws.store.transaction() as db:
        row = db.execute("SELECT state, step FROM runs WHERE run = ?", (run,)).fetchone()
        if row is None or (expected is not None and row["state"] not in expected):
            return False
        db.execute(
            "UPDATE runs SET state = ?, error = ?, adapter = COALESCE(?, adapter), updated = ?,"
            # What was asked of a run stands until the run stops.
            " asked = CASE WHEN ? THEN asked END WHERE run = ?",
            (state, json.dumps(error, ensure_ascii=False) if error else None, adapter, now, state in ACTIVE, run),
        )
        db.execute(
            "INSERT INTO events (run, step, kind, message, time) VALUES (?, ?, ?, ?, ?)",
            (run, row["step"], state, message, now),
        )
    return True


def ask(ws: Workspace, run: str, what: Ask | None) -> None:
    ws.store.write("UPDATE runs SET asked = ?, updated = ? WHERE run = ?", (what, time.time(), run))


def asked(ws: Workspace, run: str) -> str | None:
    row = ws.store.row("SELECT asked FROM runs WHERE run = ?", (run,))
    return row["asked"] if row else None


def answer(ws: Workspace, run: str, what: str) -> bool:
    """In the worker: become `paused` or `cancelled` as asked; False when the asking was taken back."""
    state, message = _ANSWERS[what]
    now = time.time()
    with ws.store.transaction() as db:
        changed = db.execute(
            "UPDATE runs SET state = ?, asked = NULL, error = NULL, updated = ? WHERE run = ? AND asked = ?",
            (state, now, run, what),
        ).rowcount
        if changed:
            db.execute(
                "INSERT INTO events (run, step, kind, message, time) SELECT run, step, ?, ?, ? FROM runs WHERE run = ?",
                (state, message, now, run),
            )
    return changed == 1


def set_step(ws: Workspace, run: str, step: int) -> None:
    ws.store.write("UPDATE runs SET step = ?, updated = ? WHERE run = ?", (step, time.time(), run))


def set_plan(ws: Workspace, run: str, plan: dict[str, Any], steps: int) -> None:
    """Record a plan that measuring has completed, before the first step of training."""
    ws.store.write(
        "UPDATE runs SET plan = ?, steps = ?, updated = ? WHERE run = ?",
        (json.dumps(plan, ensure_ascii=False), steps, time.time(), run),
    )


def add_metrics(ws: Workspace, run: str, step: int, kind: str, data: dict[str, Any]) -> None:
    """Record what was measured at `step`; kind is `train`, `valid`, `sample` or `save`."""
    now = time.time()
    with ws.store.transaction() as db:
        db.execute(
            "INSERT OR REPLACE INTO metrics (run, step, kind, data, loss, time) VALUES (?, ?, ?, ?, ?, ?)",
            (run, step, kind, json.dumps(data, ensure_ascii=False), data.get("loss"), now),
        )
        db.execute("UPDATE runs SET step = MAX(step, ?), updated = ? WHERE run = ?", (step, now, run))


def add_event(ws: Workspace, run: str, step: int, kind: str, message: str) -> None:
    ws.store.write(
        "INSERT INTO events (run, step, kind, message, time) VALUES (?, ?, ?, ?, ?)",
        (run, step, kind, message, time.time()),
    )


def rewind(ws: Workspace, run: str, step: int) -> None:
    """Forget what was measured after `step`: a resumed run measures it again."""
    with ws.store.transaction() as db:
        db.execute("DELETE FROM metrics WHERE run = ? AND step > ?", (run, step))
        db.execute("UPDATE runs SET step = ?, updated = ? WHERE run = ?", (step, time.time(), run))


def events(ws: Workspace, run: str, limit: int = 50) -> list[dict[str, Any]]:
    """The last events, oldest first."""
    rows = ws.store.rows(
        "SELECT step, kind, message, time FROM events WHERE run = ? ORDER BY id DESC LIMIT ?", (run, limit)
    )
    return rows[::-1]
