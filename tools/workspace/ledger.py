"""The memory ledger: who holds model memory on this machine's one device, and who waits for it.

Every holder (the serving engine, a training worker, an evaluation) has a row with the bytes it
predicted and those it measured. A row counts only while its holder's lock is held.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tools.errors import MachineError
from tools.workspace.layout import Workspace
from tools.workspace.locks import is_held
from tools.workspace.machine import device_memory

Kind = Literal["engine", "training", "evaluation", "export"]


@dataclass(frozen=True)
class Entry:
    """A holder's row. Sizes in bytes; `since` in seconds of the epoch."""

    holder: str
    kind: Kind
    state: Literal["holding", "waiting"]
    predicted: int
    measured: int
    since: float

    @property
    def bytes(self) -> int:
        return max(self.predicted, self.measured)


def entries(ws: Workspace) -> list[Entry]:
    """The living holders and waiters, oldest first; rows of the dead are removed."""
    with ws.store.transaction() as db:
        return _living(db)


def _living(db: sqlite3.Connection) -> list[Entry]:
    alive = []
    for row in db.execute("SELECT * FROM ledger ORDER BY since").fetchall():
        fields = dict(row)
        if is_held(Path(fields.pop("lock"))):
            alive.append(Entry(**fields))
        else:
            db.execute("DELETE FROM ledger WHERE holder = ?", (row["holder"],))
    return alive


def budget(ws: Workspace) -> int:
    """Bytes that all holders may have together."""
    row = ws.store.row("SELECT value FROM calibration WHERE key = 'budget_bytes'")
    return int(row["value"]) if row else device_memory()


def claim(ws: Workspace, holder: str, kind: Kind, predicted: int, lock: Path) -> list[Entry]:
    """Take `predicted` bytes if they fit beside the other holders, else wait in line.

    Returns the holders in the way, empty when the claim is granted. To be called again, by the same
    holder, until it is. Training and evaluation also give way to older waiters of their kind, so
    that runs go one at a time, in order.
    """
    limit = budget(ws)
    with ws.store.transaction() as db:
        others = [entry for entry in _living(db) if entry.holder != holder]
        blocking = [e for e in others if e.state == "holding"]
        used = sum(entry.bytes for entry in blocking)
        mine = db.execute("SELECT since FROM ledger WHERE holder = ?", (holder,)).fetchone()
        since = float(mine["since"]) if mine else time.time()
        queue = [e for e in others if e.kind == kind and (e.state == "holding" or e.since < since)]
        first = kind == "engine" or not queue
        # A holder alone is never refused here: whether it fits the machine at all is the plan's to say.
        fits = first and (used + predicted <= limit or not blocking)
        db.execute(
            "INSERT OR REPLACE INTO ledger (holder, kind, state, predicted, measured, lock, since)"
            " VALUES (?, ?, ?, ?, 0, ?, ?)",
            (holder, kind, "holding" if fits else "waiting", predicted, str(lock), since),
        )
    if fits:
        return []
    return blocking or queue


def measure(ws: Workspace, holder: str, measured: int) -> None:
    ws.store.write("UPDATE ledger SET measured = ? WHERE holder = ?", (measured, holder))


def release(ws: Workspace, holder: str) -> None:
    """Take the holder's row away; one that a full disk keeps counts no more once the holder has ended."""
    with contextlib.suppress(MachineError):
        ws.store.write("DELETE FROM ledger WHERE holder = ?", (holder,))


def wanting_room(ws: Workspace) -> Entry | None:
    """The first waiter that would be granted its memory if the engine gave its own back."""
    living = entries(ws)
    holding = [entry for entry in living if entry.state == "holding" and entry.kind != "engine"]
    engine = sum(entry.bytes for entry in living if entry.state == "holding" and entry.kind == "engine")
    used, limit = sum(entry.bytes for entry in holding), budget(ws)
    seen: set[Kind] = {entry.kind for entry in holding}
    for entry in living:
        if entry.kind == "engine" or entry.state != "waiting":
            continue
        # One that waits for another of its kind would not be helped.
        helped = entry.kind not in seen and (used + entry.predicted <= limit or not holding)
        if helped and used + engine + entry.predicted > limit:
            return entry
        seen.add(entry.kind)
    return None


def held(ws: Workspace) -> int:
    """Bytes that the living holders have together."""
    return sum(entry.bytes for entry in entries(ws) if entry.state == "holding")
