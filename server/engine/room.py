"""The engine's place in the memory ledger: predicted before a base is loaded, given back when asked for.

Every function here may wait for the database: call them in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass

from server.engine.errors import NoRoom
from tools.models.info import ModelInfo
from tools.models.precision import activation_bytes, choose_precision, resident_bytes
from tools.workspace import ledger
from tools.workspace.layout import Workspace

HOLDER = "engine"
RETRY_AFTER_S = 30
# Buffers of a prefill chunk and of the logits, adapters, and what MLX keeps for reuse.
_WORKING_BYTES = 512 * 1024**2
# Tokens a row is expected to hold; one row alone may take them all.
_TOKENS_A_ROW = 4096
# The most of what the weights leave of the budget that caches may take.
_CACHE_SHARE = 0.6


@dataclass(frozen=True)
class MemoryPlan:
    """Bytes that serving a base will take, and the tokens that all caches together may hold."""

    predicted: int
    kv_tokens: int


def plan(info: ModelInfo, max_rows: int, budget: int) -> MemoryPlan:
    """What serving `info` with `max_rows` answers at once needs, within `budget` bytes where it can."""
    precision = choose_precision(info, "serve")
    weights = resident_bytes(info, precision)
    token = 2 * info.layers * info.kv_heads * info.head_dim * activation_bytes(info, precision)
    left = max(0, budget - weights - _WORKING_BYTES)
    wanted = max_rows * min(info.max_positions, _TOKENS_A_ROW)
    tokens = max(_TOKENS_A_ROW // 2, min(wanted, int(left * _CACHE_SHARE) // token))
    return MemoryPlan(weights + tokens * token + min(weights // 4, _WORKING_BYTES), tokens)


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
