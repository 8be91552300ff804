"""Is the run still learning? Losses are watched, and a run that breaks down is taken back to a checkpoint.

A loss or gradient that is no number, or losses far above what they were, mean that the rate is too
high. The run goes back to its last checkpoint and on with half the rate, a few times at most.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from tools.workspace.files import read_json, write_json

_RECENT, _BEFORE, _LEAST = 8, 64, 16
# Recent losses are a breakdown where their mean is above twice the mean before, and a nat.
_TIMES, _MORE = 2.0, 1.0
LOWER, MOST_ROLLBACKS = 0.5, 3


@dataclass
class Guard:
    """The losses of the last steps, in nats a token, oldest first."""

    losses: list[float] = field(default_factory=list)

    def broke_down(self, loss: float) -> bool:
        """Take in a step's loss; whether the recent ones are far above those before."""
        self.losses = [*self.losses, loss][-(_BEFORE + _RECENT) :]
        before, recent = self.losses[:-_RECENT], self.losses[-_RECENT:]
        return len(before) >= _LEAST and fmean(recent) > _TIMES * fmean(before) + _MORE


@dataclass(frozen=True)
class Rollback:
    """step: at which the run broke down. to: the checkpoint's step. factor: of the planned rate from there on."""

    step: int
    to: int
    factor: float
    reason: str


class Rollbacks:
    """The rollbacks of a run, written down before they are made: a run that is started again keeps them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        content: list[dict[str, Any]] = read_json(path) if path.is_file() else []
        self.made = [Rollback(**entry) for entry in content]

    @property
    def factor(self) -> float:
        """What the planned rate is multiplied with."""
        return self.made[-1].factor if self.made else 1.0

    @property
    def exhausted(self) -> bool:
        return len(self.made) >= MOST_ROLLBACKS

    def add(self, step: int, to: int, reason: str) -> Rollback:
        """Write a rollback down. Raises DiskFull, NoPermission."""
        rollback = Rollback(step, to, self.factor * LOWER, reason)
        write_json(self._path, [vars(entry) for entry in [*self.made, rollback]])
        self.made.append(rollback)
        return rollback
