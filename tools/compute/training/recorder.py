"""What a run tells while it trains: metrics, samples and events, into its rows."""

from __future__ import annotations

import time
from typing import Any

import psutil

from tools.compute import device
from tools.compute.training.loop import Trainer, Window
from tools.workspace import ledger, power, runs
from tools.workspace.layout import Workspace

# Power and heat change slowly, and a Mac is asked for them through programs of its own.
_MACHINE_EVERY_S = 30.0


class Recorder:
    """The record of one run. holder: of its row in the ledger."""

    def __init__(self, ws: Workspace, run: str, holder: str) -> None:
        self._ws, self._run, self._holder = ws, run, holder
        self._machine: dict[str, Any] = {}
        self._machine_read = -_MACHINE_EVERY_S

    def train(self, trainer: Trainer) -> None:
        """The window since the last report, which begins anew."""
        state = trainer.state
        window, state.window = state.window, Window()
        memory = device.memory()
        ledger.measure(self._ws, self._holder, memory.active + memory.cache)
        told: dict[str, Any] = {
            "loss": round(window.mean_loss, 5),
            "tokens": window.tokens,
            "learned": window.learned,
            # A row's last token is a target alone: it takes no position.
            "padding": round(max(0.0, 1 - window.tokens / max(1, window.slots)), 3),
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
            "machine": self._read_machine(),
        }
        runs.add_metrics(self._ws, self._run, state.step, "train", told)

    def valid(self, step: int, loss: float, batches: int) -> None:
        runs.add_metrics(self._ws, self._run, step, "valid", {"loss": round(loss, 5), "batches": batches})

    def samples(self, step: int, answers: list[dict[str, str]], seconds: float) -> None:
        """seconds: that the whole evaluation took."""
        runs.add_metrics(self._ws, self._run, step, "sample", {"answers": answers, "seconds": round(seconds, 3)})

    def saved(self, step: int, seconds: float) -> None:
        """A checkpoint, and what it took to write."""
        runs.add_metrics(self._ws, self._run, step, "save", {"seconds": round(seconds, 3)})
        self.event(step, "checkpoint", f"Checkpoint step-{step} saved.")

    def _read_machine(self) -> dict[str, Any]:
        """Power, heat and memory pressure, and how far this process gives way to others."""
        if time.monotonic() - self._machine_read >= _MACHINE_EVERY_S:
            self._machine = {**power.read().told(), "nice": power.niceness()}
            self._machine_read = time.monotonic()
        return self._machine

    def event(self, step: int, kind: str, message: str) -> None:
        runs.add_event(self._ws, self._run, step, kind, message)
