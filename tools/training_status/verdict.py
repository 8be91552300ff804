"""What a run's numbers mean, in words, and the call to make next."""

from __future__ import annotations

from collections.abc import Sequence

from tools.next_call import next_call
from tools.training_status.contract import Point, Verdict
from tools.workspace.runs import Run

# Validation loss this share above its best, twice in a row, is called overfitting.
_OVERFITTING = 0.02
# An improvement smaller than this share over the last third of the evaluations is called a plateau.
_PLATEAU = 0.005


def judge(run: Run, valid: Sequence[Point]) -> Verdict:
    """The verdict on a run. `valid`: its evaluations, oldest first."""
    status = next_call("training_status", run=run.run, wait_s=30)
    resume = next_call("control_finetune", run=run.run, action="resume")
    if run.state == "queued":
        return Verdict(kind="waiting", text="The run waits for its turn or for memory.", action=status)
    if run.state == "preparing":
        return Verdict(kind="preparing", text="The model and the data are being loaded and measured.", action=status)
    if run.state == "paused":
        return Verdict(kind="paused", text=f"Paused at step {run.step} of {run.steps}.", action=resume)
    if run.state == "interrupted":
        text = f"The training process is gone at step {run.step} of {run.steps}; the checkpoints are kept."
        return Verdict(kind="interrupted", text=text, action=resume)
    if run.state == "cancelled":
        return Verdict(
            kind="cancelled", text="The run was cancelled.", action=next_call("start_finetune", dataset=run.dataset)
        )
    if run.state == "failed":
        error = run.error or {}
        text = " ".join(str(error[key]) for key in ("message", "fix") if error.get(key)) or "The run failed."
        # Once the machine is mended, the run itself goes on.
        again = error.get("code") in ("disk_full", "no_permission", "offline")
        action = resume if again else next_call("start_finetune", dataset=run.dataset)
        return Verdict(kind="failed", text=text, action=action)
    if run.state == "succeeded":
        return Verdict(
            kind="done",
            text=f"The adapter {run.adapter} is published. {_course(valid)}",
            action=next_call("evaluate", adapter=run.adapter),
        )
    return _running(valid, status)


def _running(valid: Sequence[Point], status: str) -> Verdict:
    losses = [point.valid_loss for point in valid if point.valid_loss is not None]
    if len(losses) >= 3 and min(losses[-2:]) > min(losses) * (1 + _OVERFITTING):
        return Verdict(
            kind="overfitting",
            text=f"The validation loss rises: {losses[-1]:.3f} against {min(losses):.3f} at its best. "
            "Stopping keeps the checkpoints (control_finetune); more material would help.",
            action=status,
        )
    third = len(losses) // 3
    if third >= 2 and min(losses[:-third]) - min(losses) < min(losses) * _PLATEAU:
        return Verdict(
            kind="plateau",
            text=f"The validation loss stands still at {losses[-1]:.3f}. {_course(valid)}",
            action=status,
        )
    return Verdict(kind="learning", text=_course(valid) or "Training has begun.", action=status)


def _course(valid: Sequence[Point]) -> str:
    losses = [(point.step, point.valid_loss) for point in valid if point.valid_loss is not None]
    if len(losses) < 2:
        return ""
    (_, first), (step, last) = losses[0], losses[-1]
    return f"Validation loss {first:.3f} at the start, {last:.3f} at step {step}."
