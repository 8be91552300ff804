"""All that a report tells: what `report.json` holds, and what the page and the Markdown are made of."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from tools.evaluate.contract import EvaluateResult
from tools.evaluate.measured import Measured
from tools.prepare_dataset.language import Language

# Losses by step of one run, in nats a token: `training` and `validation`.
Losses = dict[str, list[tuple[int, float]]]


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
    def tuned(self) -> list[str]:
        return self.models[1:]
