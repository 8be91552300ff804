"""A run's plan as it changes: in its folder, which is the truth, and in its row."""

from __future__ import annotations

from tools.start_finetune.contract import Plan
from tools.start_finetune.mlx_lm_config import write_config
from tools.workspace import runs
from tools.workspace.files import read_json, write_json
from tools.workspace.layout import Workspace
from tools.workspace.reconcile import RUN_FILE


def write_plan(ws: Workspace, run: str, plan: Plan, steps: int) -> None:
    """Write a changed plan of a run down. Raises DiskFull, NoPermission."""
    content = plan.model_dump(mode="json")
    path = runs.folder(ws, run) / RUN_FILE
    write_json(path, {**read_json(path), "plan": content, "steps": steps})
    write_config(ws, run)
    runs.set_plan(ws, run, content, steps)
