"""A few of a run's measurements: the last, the lowest, some spread over its steps. Never all of them.

A long run has a hundred thousand; each question here is answered from an index, in well under a millisecond or,
where it counts, a few.
"""

from __future__ import annotations

import json
import math
from typing import Any

from tools.workspace.layout import Workspace
from tools.workspace.store import Row

# What was measured at a step: its data, with `step` and `time`.
Measured = dict[str, Any]
Loss = tuple[int, float]

# Of steps asked for, the last ones measured at or before them.
_NEAREST = (
    "(SELECT (SELECT step FROM metrics WHERE run = ? AND kind = ? AND step <= asked.value ORDER BY step DESC LIMIT 1)"
    " FROM json_each(?) asked)"
)


def last(ws: Workspace, run: str, kind: str, count: int = 1) -> list[Measured]:
    """The last `count`, oldest first."""
    rows = ws.store.rows(
        "SELECT step, data, time FROM metrics WHERE run = ? AND kind = ? ORDER BY step DESC LIMIT ?", (run, kind, count)
    )
    return _read(rows[::-1])


def first(ws: Workspace, run: str, kind: str, count: int = 1) -> list[Measured]:
    """The first `count`, oldest first."""
    rows = ws.store.rows(
        "SELECT step, data, time FROM metrics WHERE run = ? AND kind = ? ORDER BY step LIMIT ?", (run, kind, count)
    )
    return _read(rows)


def spread(ws: Workspace, run: str, kind: str, most: int, since: int = -1) -> list[Measured]:
    """At most `most` after step `since`, oldest first: all, or some spread evenly over the steps with both ends."""
    rows = ws.store.rows(
        "SELECT step, data, time FROM metrics WHERE run = ? AND kind = ? AND step > ? ORDER BY step LIMIT ?",
        (run, kind, since, most + 1),
    )
    if len(rows) > most:
        asked = _evenly(ws, run, kind, most, since)
        rows = ws.store.rows(
            f"SELECT step, data, time FROM metrics WHERE run = ? AND kind = ? AND step IN {_NEAREST} ORDER BY step",
            (run, kind, run, kind, asked),
        )
    return _read(rows)


def spread_losses(ws: Workspace, run: str, kind: str, most: int) -> list[Loss]:
    """As `spread`, the losses alone; those that are no numbers are left out."""
    rows = ws.store.rows(
        "SELECT step, loss FROM metrics WHERE run = ? AND kind = ? ORDER BY step LIMIT ?", (run, kind, most + 1)
    )
    if len(rows) > most:
        asked = _evenly(ws, run, kind, most, -1)
        rows = ws.store.rows(
            f"SELECT step, loss FROM metrics WHERE run = ? AND kind = ? AND step IN {_NEAREST} ORDER BY step",
            (run, kind, run, kind, asked),
        )
    return [(row["step"], row["loss"]) for row in rows if row["loss"] is not None and math.isfinite(row["loss"])]


def lowest(ws: Workspace, run: str, kind: str, before: int | None = None) -> Loss | None:
    """The lowest loss, the earliest of equal ones; of steps under `before` alone, where that is given."""
    row = ws.store.row(
        "SELECT step, loss FROM metrics WHERE run = ? AND kind = ? AND loss IS NOT NULL AND step < ?"
        " ORDER BY loss, step LIMIT 1",
        (run, kind, 2**62 if before is None else before),
    )
    return (row["step"], row["loss"]) if row else None


def count(ws: Workspace, run: str, kind: str, after: int = -1) -> int:
    """How many there are after a step."""
    row = ws.store.row(
        "SELECT COUNT(*) AS found FROM metrics WHERE run = ? AND kind = ? AND step > ?", (run, kind, after)
    )
    return int(row["found"]) if row else 0


def step_from_end(ws: Workspace, run: str, kind: str, place: int) -> int | None:
    """The step of the last but `place`: 0 is the last one."""
    row = ws.store.row(
        "SELECT step FROM metrics WHERE run = ? AND kind = ? ORDER BY step DESC LIMIT 1 OFFSET ?", (run, kind, place)
    )
    return int(row["step"]) if row else None


def _evenly(ws: Workspace, run: str, kind: str, most: int, since: int) -> str:
    # Each end from the index alone: asked for together, they make SQLite read all that lies between.
    ends = [
        ws.store.row(
            f"SELECT {end}(step) AS step FROM metrics WHERE run = ? AND kind = ? AND step > ?", (run, kind, since)
        )
        for end in ("MIN", "MAX")
    ]
    low, high = (int(row["step"]) if row else 0 for row in ends)
    parts = max(1, most - 1)
    return json.dumps([high - (high - low) * part // parts for part in range(most)])


def _read(rows: list[Row]) -> list[Measured]:
    return [{"step": row["step"], "time": row["time"], **json.loads(row["data"])} for row in rows]
