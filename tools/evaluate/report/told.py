"""All that a report tells: what `report.json` holds, and what the page and the Markdown are made of."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from tools.evaluate.contract import EvaluateResult
from tools.evaluate.measured import Measured
from tools.prepare_dataset.language import Language

# Losses by step of one run, in nats a token: `training` and `validation`.
Losses = dict[str, list[tuple[int, float]]]

_MOST_BESIDE = 6


class Told(BaseModel):
    """An evaluation whole. language: the dataset's, in which the report is written. models: the base, then the
    tuned ones; zeros: those of them that are all zeros. losses: of the runs that made the adapters, by name.
    made: when, in words."""

    model_config = ConfigDict(extra="forbid")

    request: dict[str, Any]
    result: EvaluateResult
    measured: Measured
    dataset: str
    language: Language
    models: list[str]
    zeros: list[str] = []
    losses: dict[str, Losses] = {}
    made: str = ""

    @property
    def beside(self) -> list[str]:
        """The models that stand side by side in plots and answers: of many, the base, those judged and the best."""
        if len(self.models) <= _MOST_BESIDE:
            return self.models
        best = [self.result.standings.best] if self.result.standings else []
        kept = [self.models[0], *best, *(verdict.model for verdict in self.result.verdict)]
        return [model for model in self.models if model in kept[:_MOST_BESIDE]]

    @property
    def bases(self) -> list[str]:
        """Models that are no other's tuned form: those that no verdict is on, but for a run's checkpoints."""
        judged = {verdict.model for verdict in self.result.verdict}
        return self.models[:1] if "run" in self.request else [model for model in self.models if model not in judged]
