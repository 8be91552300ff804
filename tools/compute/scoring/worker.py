"""The process that evaluates: a job child (`python -m tools.compute.scoring.worker WORKSPACE JOB`).

What each stage measured is kept until the report is written, so that an evaluation that was cut off
goes on where it was.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tools.compute import device
from tools.compute.scoring.evaluation import Evaluation
from tools.errors import AfinaError
from tools.evaluate.measured import Measured
from tools.evaluate.merging import merge
from tools.evaluate.report.told import Losses
from tools.evaluate.report.write import write_report
from tools.evaluate.request import LISTED_BY, Group, groups_of, still_kept
from tools.evaluate.result import Subject
from tools.evaluate.unseen import unseen_by
from tools.models.adapter_files import WEIGHTS_FILE
from tools.models.info import load_info
from tools.models.naming import Adapter, find_model
from tools.models.precision import choose_precision, resident_bytes
from tools.models.tokenizer import Tokenizer
from tools.prepare_dataset.reading_back import open_dataset
from tools.workspace import jobs, ledger
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
    request = still_kept(ws, request)
    predicted = max(_bytes_of(ws, group) for group in groups_of(request)) + _WORKING_BYTES
    lock: Path = jobs.lock_path(ws, request["evaluation"])
    while blocking := ledger.claim(ws, holder, "evaluation", predicted, lock):
        progress(0, 1, f"Waiting for memory held by {', '.join(entry.holder for entry in blocking)}")
        time.sleep(_POLL_S)
    kept = ws.evaluations / f".{request['evaluation']}.stages"
    try:
        request = still_kept(ws, request)  # a run may have gone on while memory was awaited
        device.set_up()
        subject, measured = _measure_all(ws, request, kept, progress)
        made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        result = write_report(ws, request, subject, measured, _runs(ws, request["adapters"]), made)
        shutil.rmtree(kept, ignore_errors=True)
        return result.model_dump(exclude_none=True)
    finally:
        ledger.release(ws, holder)


def _measure_all(ws: Workspace, request: dict[str, Any], kept: Path, progress: Progress) -> tuple[Subject, Measured]:
    """The groups one after the other, so that one base at a time is in memory."""
    groups = groups_of(request)
    trained_on = {
        name: adapter.card.dataset
        for name in request["adapters"]
        for adapter in _adapters(ws, [name])
        if adapter.card.dataset
    }
    dataset = unseen_by(ws, open_dataset(ws.dataset_folder(request["dataset"])), trained_on.values())
    chooser = Tokenizer.load(ws.model_folder(groups[0].base))
    parts: list[Measured] = []
    bases: dict[str, str] = {}
    zeros: list[str] = []
    for number, group in enumerate(groups):
        progress(0, 1, f"Loading {group.base}")
        evaluation = Evaluation(ws, dataset, group, chooser, progress)
        parts.append(measure(evaluation, request["metrics"], kept / str(number)))
        bases |= dict.fromkeys(evaluation.slots, group.base)
        zeros += evaluation.zeros
        del evaluation
        device.give_back()
    subject = Subject(
        evaluation=request["evaluation"],
        dataset=request["dataset"],
        language=dataset.language,
        models=tuple(bases),
        zeros=zeros,
        bases=bases,
        run=request.get("run"),
        # Versions of one dataset share nearly all of their rows.
        strangers=[model for model, other in trained_on.items() if other.partition("@")[0] != dataset.name],
    )
    return subject, merge(parts)


def _bytes_of(ws: Workspace, group: Group) -> int:
    """What a group's weights take."""
    info = load_info(ws.model_folder(group.base))
    beside = sum((adapter.folder / WEIGHTS_FILE).stat().st_size for adapter in _adapters(ws, group.adapters))
    return resident_bytes(info, choose_precision(info, "serve")) + beside


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


def _runs(ws: Workspace, models: list[str]) -> dict[str, Losses]:
    """The losses of the runs that made the adapters, as far as the workspace still knows them."""
    found: dict[str, Losses] = {}
    for adapter in _adapters(ws, models):
        run = adapter.card.run
        if run is not None:
            found[run] = {
                "training": spread_losses(ws, run, "train", _CURVE_POINTS),
                "validation": spread_losses(ws, run, "valid", _CURVE_POINTS),
            }
    return found


def _adapters(ws: Workspace, models: Iterable[str]) -> list[Adapter]:
    named = (find_model(ws, name, "adapter", LISTED_BY) for name in models)
    return [one.adapter for one in named if one.adapter is not None]


if __name__ == "__main__":
    jobs.run_job(evaluate)
