from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.support.training import FAST, prepare_small
from tools.compute import device
from tools.compute.training.setup import Setup
from tools.prepare_dataset.reading_back import open_dataset
from tools.start_finetune.contract import StartArgs, TrainSettings
from tools.start_finetune.tool import start_finetune
from tools.workspace.layout import Workspace


@pytest.mark.parametrize(("scaling", "scale"), [("standard", 16 / 4), ("rslora", 16 / math.sqrt(4))])
def test_the_branch_is_scaled_as_asked(tiny_ws: Workspace, tmp_path: Path, scaling: str, scale: float) -> None:
    device.set_up()
    name = prepare_small(tiny_ws, tmp_path / "material")
    settings = TrainSettings(**{**FAST, "lora_alpha": 16, "lora_scaling": scaling})
    plan = start_finetune(tiny_ws, StartArgs(dataset=name, settings=settings, dry_run=True), default_model="tiny").plan
    assert plan is not None
    setup = Setup(plan, open_dataset(tiny_ws.dataset_folder(name)), tiny_ws.model_folder("tiny"), tmp_path / "hidden")
    assert setup.shape.scale == scale
    assert setup.base.model.layers[-1].self_attn.q_proj.scale == scale
    assert (setup.prefix is not None) == plan.value("frozen_prefix")
