"""What is known of one run, each part read when it is asked for, and no more of it than that takes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil

from tools.errors import AfinaError
from tools.models.info import ModelInfo, load_info
from tools.workspace import measured, runs
from tools.workspace.files import read_json
from tools.workspace.layout import ADAPTER_MARKER, DATASET_MARKER, MODEL_MARKER, Workspace
from tools.workspace.measured import Loss, Measured
from tools.workspace.power import Power

_RECENT, _SPREAD = 9, 24


@dataclass(frozen=True)
class Report:
    """A training report: what was learned since the one before. Memory in bytes, see `Recorder`.

    tokens: read, `learned` of them in the loss. padding: share of what was computed that is filling.
    epoch: complete passes over the rows.
    """

    step: int
    time: float
    loss: float | None
    tokens: int | None
    learned: int | None
    padding: float | None
    tokens_per_second: float | None
    learning_rate: float | None
    grad_norm: float | None
    epoch: int
    memory: Mapping[str, int]
    machine: Power
    nice: int | None

    @property
    def seconds(self) -> float | None:
        """Spent in steps since the report before: evaluations, checkpoints and pauses are not in it."""
        return self.tokens / self.tokens_per_second if self.tokens and self.tokens_per_second else None

    @classmethod
    def of(cls, row: Measured) -> Report:
        told = row.get("machine") or {}
        return cls(
            step=row["step"],
            time=row["time"],
            loss=row.get("loss"),
            tokens=row.get("tokens"),
            learned=row.get("learned"),
            padding=row.get("padding"),
            tokens_per_second=row.get("tokens_per_second"),
            learning_rate=row.get("learning_rate"),
            grad_norm=row.get("grad_norm"),
            epoch=int(row.get("epoch") or 0),
            memory=row.get("memory") or {},
            machine=Power.of(told),
            nice=told.get("nice"),
        )


@dataclass(frozen=True)
class Evaluations:
    """Validation losses in nats a token: the first (the base's), the lowest, the last three, oldest first.

    since: evaluations after the lowest. before_last_third: the lowest of the first two thirds, where a
    third is two evaluations or more.
    """

    first: Loss
    best: Loss
    recent: list[Loss]
    count: int
    since: int
    before_last_third: float | None

    @property
    def last(self) -> Loss:
        return self.recent[-1]


class Record:
    """One run. now: seconds of the epoch at which it is looked at."""

    def __init__(self, ws: Workspace, run: runs.Run, now: float | None = None) -> None:
        self.ws, self.run = ws, run
        self.now = time.time() if now is None else now

    # The plan ---------------------------------------------------------------------------------

    def setting(self, name: str, default: Any = None) -> Any:
        """A setting of the plan; the default where the plan leaves it open."""
        value = self.run.plan.get("settings", {}).get(name, {}).get("value")
        return default if value is None else value

    @property
    def asked(self) -> dict[str, Any]:
        """The settings that were asked for by name."""
        settings = self.run.plan.get("settings", {})
        return {name: told["value"] for name, told in settings.items() if told.get("source") == "asked"}

    def planned(self, name: str) -> float | None:
        """A number of the plan itself: `predicted_peak_gb`, `budget_gb`, `predicted_minutes`, `epochs`."""
        value = self.run.plan.get(name)
        return float(value) if value is not None else None

    @property
    def active(self) -> bool:
        return self.run.state in runs.ACTIVE

    @cached_property
    def model(self) -> ModelInfo | None:
        """The base, where it is installed."""
        folder = self.ws.models / self.run.model
        try:
            return load_info(folder) if (folder / MODEL_MARKER).is_file() else None
        except AfinaError:
            return None

    @cached_property
    def card(self) -> dict[str, Any]:
        """The dataset's card, empty where it is gone or damaged."""
        name, _, version = self.run.dataset.partition("@")
        try:
            card = read_json(self.ws.data / name / version / DATASET_MARKER)
        except (OSError, ValueError):
            return {}
        return card if isinstance(card, dict) else {}

    @property
    def rows(self) -> int | None:
        """Rows to learn from."""
        rows = self.card.get("splits", {}).get("train", {}).get("rows")
        return int(rows) if rows else None

    @property
    def steps_a_pass(self) -> float | None:
        """Steps that read each row once."""
        batch = self.setting("batch_size")
        return max(1.0, self.rows / batch) if self.rows and batch else None

    # Measurements -----------------------------------------------------------------------------

    @cached_property
    def reports(self) -> list[Report]:
        """The last training reports, oldest first."""
        return [Report.of(row) for row in measured.last(self.ws, self.run.run, "train", _RECENT)]

    @cached_property
    def history(self) -> list[Report]:
        """Some training reports, spread over the whole run, oldest first."""
        return [Report.of(row) for row in measured.spread(self.ws, self.run.run, "train", _SPREAD)]

    @cached_property
    def evaluations(self) -> Evaluations | None:
        ws, run = self.ws, self.run.run
        first, best = measured.first(ws, run, "valid"), measured.lowest(ws, run, "valid")
        recent = [(row["step"], row["loss"]) for row in measured.last(ws, run, "valid", 3)]
        if not first or best is None:
            return None
        count = measured.count(ws, run, "valid")
        return Evaluations(
            first=(first[0]["step"], first[0]["loss"]),
            best=best,
            recent=recent,
            count=count,
            since=measured.count(ws, run, "valid", best[0]),
            before_last_third=self._before_last_third(count // 3),
        )

    def _before_last_third(self, third: int) -> float | None:
        step = measured.step_from_end(self.ws, self.run.run, "valid", third - 1) if third >= 2 else None
        found = measured.lowest(self.ws, self.run.run, "valid", step) if step is not None else None
        return found[1] if found else None

    @cached_property
    def base_answers(self) -> list[dict[str, str]]:
        """Prompts and answers before the first step."""
        rows = measured.first(self.ws, self.run.run, "sample")
        return list(rows[0]["answers"]) if rows else []

    @cached_property
    def answers(self) -> Measured | None:
        """The newest answers: `step`, `answers` with `prompt` and `answer` each, and the evaluation's `seconds`."""
        return next(iter(measured.last(self.ws, self.run.run, "sample")), None)

    @property
    def evaluation_seconds(self) -> float:
        """What the last evaluation took, 0 where none was timed."""
        return float((self.answers or {}).get("seconds") or 0.0)

    @cached_property
    def save_seconds(self) -> float:
        """What the last checkpoint took, 0 where none was timed."""
        rows = measured.last(self.ws, self.run.run, "save")
        return float(rows[-1]["seconds"]) if rows else 0.0

    # Events -----------------------------------------------------------------------------------

    def told(self, kind: str, most: int = 10) -> list[dict[str, Any]]:
        """The last events of a kind, oldest first."""
        rows = self.ws.store.rows(
            "SELECT id, step, message, time FROM events WHERE run = ? AND kind = ? ORDER BY id DESC LIMIT ?",
            (self.run.run, kind, most),
        )
        return rows[::-1]

    @cached_property
    def last_sign(self) -> float:
        """When the run last told something of its own: a measurement, or an event other than its end."""
        row = self.ws.store.row(
            "SELECT time FROM events WHERE run = ? AND kind != 'interrupted' ORDER BY id DESC LIMIT 1", (self.run.run,)
        )
        times = [self.run.created, row["time"] if row else 0.0]
        for kind in ("train", "valid", "sample", "save"):
            times += [found["time"] for found in measured.last(self.ws, self.run.run, kind)]
        return float(max(times))

    @cached_property
    def rollbacks(self) -> list[dict[str, Any]]:
        """Each time training broke down: `step`, `to`, `factor` of the planned rate from there on, `reason`."""
        try:
            return list(read_json(self.folder / "rollbacks.json"))
        except (OSError, ValueError):
            return []

    @property
    def minutes(self) -> float:
        """In training, pauses and waiting left out."""
        states = self.ws.store.rows(
            "SELECT kind, time FROM events WHERE run = ? AND kind IN ('queued', 'preparing', 'running', 'paused',"
            " 'interrupted', 'succeeded', 'failed', 'cancelled') ORDER BY id",
            (self.run.run,),
        )
        # A process that died is noticed late: it worked until its last sign of life.
        end = {"kind": "", "time": self.now if self.active else self.last_sign}
        seconds = 0.0
        for row, following in zip(states, [*states[1:], end], strict=False):
            if row["kind"] == "running":
                until = (
                    min(following["time"], self.last_sign) if following["kind"] == "interrupted" else following["time"]
                )
                seconds += max(0.0, until - row["time"])
        return seconds / 60

    @cached_property
    def worker(self) -> psutil.Process | None:
        """The process that trains, where it is there: a pid may be another's by now."""
        row = self.ws.store.row("SELECT pid FROM runs WHERE run = ?", (self.run.run,))
        try:
            process = psutil.Process(row["pid"]) if row and row["pid"] else None
            return process if process is not None and self.run.run in process.cmdline() else None
        except psutil.Error:
            return None

    # Files ------------------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        return runs.folder(self.ws, self.run.run)

    @cached_property
    def checkpoints(self) -> list[Path]:
        """The whole checkpoints, oldest first."""
        found = [path.parent for path in self.folder.glob(f"checkpoints/step-*/{ADAPTER_MARKER}")]
        return sorted(found, key=lambda path: int(path.name.removeprefix("step-")))
