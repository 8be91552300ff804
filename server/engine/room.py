"""The engine's place in the memory ledger: predicted before a base is loaded, given back when asked for.

Every function here may wait for the database: call them in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass

from server.engine.errors import NoRoom
from tools.models.answer_costs import AnswerCosts, Load
from tools.models.info import ModelInfo
from tools.models.precision import choose_precision, resident_bytes
from tools.workspace import ledger
from tools.workspace.layout import Workspace

HOLDER = "engine"
RETRY_AFTER_S = 30
# What MLX keeps for reuse, and what no formula counts.
_SPARE_BYTES = 512 * 1024**2
# Tokens that an answer and its prompt are expected to have; one alone may have more.
_USUAL_TOKENS = 4096
# The most of what the weights leave of the budget that is claimed for answers and adapters.
_SHARE = 0.6
# What is kept of prompts that were read, in proportion to that.
_PREFIX_SHARE = 0.25


@dataclass(frozen=True)
class MemoryPlan:
    """Bytes of serving a base. predicted: claimed for all of it; room: for all answers and adapters together;
    most: for one request alone, which may take what nobody else holds; prefixes: to keep of what was read."""

    predicted: int
    room: int
    most: int
    prefixes: int


def plan(info: ModelInfo, max_rows: int, budget: int) -> MemoryPlan:
    """What serving `info` with `max_rows` answers at once needs, within `budget` bytes where it can."""
    precision = choose_precision(info, "serve")
    weights = resident_bytes(info, precision)
    costs = AnswerCosts.of(info, precision)
    usual = min(info.max_positions, _USUAL_TOKENS)
    left = max(0, budget - weights - _SPARE_BYTES)
    wanted = costs.bytes(Load(max_rows, usual, usual)) + min(weights // 4, _SPARE_BYTES)
    least = costs.bytes(Load(1, usual // 2, usual // 2))
    room = max(least, min(wanted, int(left * _SHARE)))
    prefixes = int(room * _PREFIX_SHARE)
    return MemoryPlan(weights + room + prefixes, room, max(room, left - prefixes), prefixes)


def claim(ws: Workspace, predicted: int) -> None:
    """Take the memory for a base. Raises NoRoom naming who has it, or who waits for it."""
    limit = ledger.budget(ws)
    others = [entry for entry in ledger.entries(ws) if entry.kind != "engine"]
    held = sum(entry.bytes for entry in others if entry.state == "holding")
    for entry in others:
        # Who waits in line goes first, if it can have the room at all and we would be in its way.
        if entry.state == "waiting" and held + entry.predicted <= limit < held + entry.predicted + predicted:
            raise no_room(entry)
    blocking = ledger.claim(ws, HOLDER, "engine", predicted, ws.lock_path(HOLDER))
    if blocking:
        ledger.release(ws, HOLDER)
        raise no_room(blocking[0])


def release(ws: Workspace) -> None:
    ledger.release(ws, HOLDER)


def measure(ws: Workspace, measured: int) -> None:
    ledger.measure(ws, HOLDER, measured)


def wanted_by(ws: Workspace) -> ledger.Entry | None:
    """Who waits for the memory that the engine holds."""
    return ledger.wanting_room(ws)


def no_room(entry: ledger.Entry) -> NoRoom:
    what = {"training": "training run", "evaluation": "evaluation"}.get(entry.kind, entry.kind)
    name = entry.holder.partition("-")[2] or entry.holder
    verb = "is using" if entry.state == "holding" else "is waiting for"
    return NoRoom(
        f"The {what} `{name}` {verb} the memory that this model needs.",
        retry_after_s=RETRY_AFTER_S,
        fix="Call again when it is through; training_status tells how long that takes.",
    )
