"""What training on a dataset would take, by start_finetune's own plan."""

from __future__ import annotations

from pathlib import Path

from tools.errors import AfinaError
from tools.models.info import load_info
from tools.prepare_dataset.contract import PrepareResult, TrainingEstimate
from tools.start_finetune.contract import TrainSettings
from tools.start_finetune.duration import was_measured
from tools.start_finetune.plan import make_plan
from tools.start_finetune.presets import DatasetShape
from tools.workspace.layout import Workspace


def training_estimate(ws: Workspace, model_folder: Path, result: PrepareResult) -> TrainingEstimate | None:
    """Minutes and steps with the preset `auto`; None where no plan fits this machine."""
    train = result.splits["train"]
    shape = DatasetShape(rows=train.rows, tokens=train.tokens, longest=result.longest_row_tokens)
    info = load_info(model_folder)
    try:
        plan = make_plan(ws, info, shape, "auto", TrainSettings())
    except AfinaError:
        return None  # start_finetune says why
    settings = {name: setting.value for name, setting in plan.settings.items()}
    measured = was_measured(ws, info, settings)
    return TrainingEstimate(minutes=plan.predicted_minutes, steps=settings["iters"], measured=measured)
