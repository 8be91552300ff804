"""The process that evaluates: a job child (`python -m tools.compute.scoring.worker WORKSPACE JOB`).

What each stage measured is kept until the report is written, so that an evaluation that was cut off
goes on where it was.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tools.compute import device
from tools.compute.scoring.evaluation import Evaluation
from tools.errors import AfinaError
from tools.evaluate.measured import Measured
from tools.evaluate.report.told import Losses
from tools.evaluate.report.write import write_report
from tools.evaluate.result import Subject
from tools.models.info import load_info
from tools.models.precision import choose_precision, resident_bytes
from tools.workspace import jobs, ledger
from tools.workspace.adapters import read_card
from tools.workspace.files import read_json, write_json
from tools.workspace.jobs import Progress
from tools.workspace.layout import Workspace
from tools.workspace.machine import GB
from tools.workspace.measured import spread_losses

# Logits of a batch in float32, key-value caches and adapters, beside the weights.
_WORKING_BYTES = int(1.2 * GB)
_POLL_S = 0.3
_CURVE_POINTS = 200
# Each metric's stages, which are the fields of `Measured` and the methods of `Evaluation`.
STAGES: dict[str, tuple[str, ...]] = {
    "likelihood": ("unseen", "trained"),
    "forgetting": ("general",),
    "questions": ("asked",),
    "repetition": ("continued",),
    "consistency": ("repeated",),
}


def evaluate(ws: Workspace, request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Measure and write the report; returns its JSON."""
    holder = f"evaluate-{request['evaluation']}"
    info = load_info(ws.model_folder(request["model"]))
    predicted = resident_bytes(info, choose_precision(info, "serve")) + _WORKING_BYTES
    lock: Path = jobs.lock_path(ws, request["evaluation"])
    while blocking := ledger.claim(ws, holder, "evaluation", predicted, lock):
        progress(0, 1, f"Waiting for memory held by {', '.join(entry.holder for entry in blocking)}")
        time.sleep(_POLL_S)
    try:
        progress(0, 1, "Loading the model")
        device.set_up()
        evaluation = Evaluation(ws, request, progress)
        kept = ws.evaluations / f".{request['evaluation']}.stages"
        measured = measure(evaluation, request["metrics"], kept)
        subject = Subject(
            evaluation=request["evaluation"],
            dataset=request["dataset"],
            language=evaluation.dataset.language,
            models=tuple(evaluation.slots),
            zeros=evaluation.zeros,
        )
        made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        result = write_report(ws, request, subject, measured, _runs(ws, request["adapters"]), made)
        shutil.rmtree(kept, ignore_errors=True)
        return result.model_dump(exclude_none=True)
    finally:
        ledger.release(ws, holder)


def measure(evaluation: Evaluation, metrics: list[str], kept: Path) -> Measured:
    """All stages of `metrics`; those that `kept` holds from an earlier attempt are read back."""
    measured = Measured()
    for metric, stages in STAGES.items():
        for stage in stages if metric in metrics else ():
            part = _read(kept / f"{stage}.json")
            if part is None:
                work: Callable[[], Any] = getattr(evaluation, stage)
                part = Measured(**{stage: work()})
                _keep(kept / f"{stage}.json", part)
            measured = measured.model_copy(update={stage: getattr(part, stage)})
    return measured


def _read(path: Path) -> Measured | None:
    try:
        return Measured(**read_json(path))
    except (OSError, ValueError, TypeError):
        return None


def _keep(path: Path, part: Measured) -> None:
    """Keep a stage where there is room: without it the evaluation still ends, and the report tells if it cannot."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, part.model_dump(exclude_none=True))
    except (OSError, AfinaError):
        shutil.rmtree(path.parent, ignore_errors=True)


def _runs(ws: Workspace, adapters: list[str]) -> dict[str, Losses]:
    """The losses of the runs that made the adapters, as far as the workspace still knows them."""
    found: dict[str, Losses] = {}
    for name in adapters:
        run = read_card(ws.adapter_folder(name)).run
        if run is not None:
            found[run] = {
                "training": spread_losses(ws, run, "train", _CURVE_POINTS),
                "validation": spread_losses(ws, run, "valid", _CURVE_POINTS),
            }
    return found


if __name__ == "__main__":
    jobs.run_job(evaluate)
