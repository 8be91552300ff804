"""What a run tells while it trains: metrics, samples and events, into its rows."""

from __future__ import annotations

from typing import Any

import psutil

from tools.compute import device
from tools.compute.training.loop import Trainer, Window
from tools.workspace import ledger, runs
from tools.workspace.layout import Workspace


class Recorder:
    """The record of one run. holder: of its row in the ledger."""

    def __init__(self, ws: Workspace, run: str, holder: str) -> None:
        self._ws, self._run, self._holder = ws, run, holder

    def train(self, trainer: Trainer) -> None:
        """The window since the last report, which begins anew."""
        state = trainer.state
        window, state.window = state.window, Window()
        memory = device.memory()
        ledger.measure(self._ws, self._holder, memory.active + memory.cache)
        told: dict[str, Any] = {
            "loss": round(window.mean_loss, 5),
            "tokens": window.tokens,
            "tokens_per_second": round(window.tokens / max(window.seconds, 1e-9), 1),
            "learning_rate": state.learning_rate,
            "grad_norm": round(state.grad_norm, 4),
            "epoch": trainer.batches.cursor.epoch,
            "memory": {
                "active": memory.active,
                "peak": memory.peak,
                "cache": memory.cache,
                "rss": memory.rss,
                "system_available": int(psutil.virtual_memory().available),
                "swap": int(psutil.swap_memory().used),
            },
        }
        runs.add_metrics(self._ws, self._run, state.step, "train", told)

    def valid(self, step: int, loss: float, batches: int) -> None:
        runs.add_metrics(self._ws, self._run, step, "valid", {"loss": round(loss, 5), "batches": batches})

    def samples(self, step: int, answers: list[dict[str, str]]) -> None:
        runs.add_metrics(self._ws, self._run, step, "sample", {"answers": answers})

    def event(self, step: int, kind: str, message: str) -> None:
        runs.add_event(self._ws, self._run, step, kind, message)
