"""What the catalogue says of 16 GB is what the memory plan says of them."""

from __future__ import annotations

import pytest

from tools.errors import DoesNotFit
from tools.models.catalogue import CATALOGUE
from tools.models.info import ModelInfo
from tools.start_finetune.contract import Preset, TrainSettings
from tools.start_finetune.plan import make_plan
from tools.start_finetune.presets import DatasetShape
from tools.workspace import machine
from tools.workspace.layout import Workspace
from tools.workspace.machine import GB

# Rows longer than a preset takes them: as many tokens a row as it allows.
LONG = DatasetShape(rows=400, tokens=600_000, longest=20_000)
# What follows from the model and the rows alone, and says nothing of memory.
NOT_OF_MEMORY = {"lora_layers", "frozen_prefix"}


def trains_as_it_is(ws: Workspace, info: ModelInfo, preset: Preset) -> bool:
    """Whether the preset fits, and no setting has to be lowered for it."""
    try:
        made = make_plan(ws, info, LONG, preset, TrainSettings())
    except DoesNotFit:
        return False
    lowered = {change.setting for change in made.changes if change.asked != LONG.longest} - NOT_OF_MEMORY
    return made.fits and not lowered


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_catalogues_word_is_the_plans(ws: Workspace, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(machine, "device", lambda: "metal")
    monkeypatch.setattr(machine, "chip", lambda: "Apple M1 Pro")
    monkeypatch.setattr(machine, "memory", lambda: machine.Memory(16 * GB, 13 * GB, 0))
    info, fit = CATALOGUE[name].info(), CATALOGUE[name].fit
    assert trains_as_it_is(ws, info, "safe") is (fit != "inference only")
    assert trains_as_it_is(ws, info, "optimized") is (fit in ("ideal", "comfortable"))
