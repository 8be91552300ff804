"""What a run's numbers mean, in one sentence or two, and the call to make next."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import psutil

from tools.next_call import next_call
from tools.training_status import calls
from tools.training_status.contract import Verdict
from tools.training_status.death import how_it_ended
from tools.training_status.pace import step_seconds
from tools.training_status.record import Evaluations, Record
from tools.workspace import runs

# Validation loss this share above its best, twice in a row, is called overfitting.
OVERFITTING = 0.02
# An improvement smaller than this share over the last third of the evaluations is called a plateau.
_PLATEAU = 0.005
# A run is stalled that tells nothing for so many times what lies between two reports, and for so long at least.
_STALLED_TIMES, _STALLED_LEAST_S, _UNMEASURED_LEAST_S = 5, 60.0, 900.0
# Failures after which the run itself goes on once the machine is mended.
_GOES_ON = ("disk_full", "no_permission", "offline")
_A_LOWER_RATE = 0.1


def judge(record: Record) -> Verdict:
    """The verdict on a run."""
    return _BY_STATE[record.run.state](record)


def course(record: Record) -> str:
    """How the losses went, from the first to the last."""
    found = record.evaluations
    if found is None:
        reports = record.history
        losses = [(report.step, report.loss) for report in reports if report.loss is not None]
        if len(losses) < 2:
            return ""
        (_, first), (step, last) = losses[0], losses[-1]
        return f"Training loss {first:.3f} at first, {last:.3f} at step {step}; there are no rows to validate on."
    if found.count < 2:
        return ""
    step, loss = found.last
    told = f"Validation loss {found.first[1]:.3f} at the start, {loss:.3f} at step {step}"
    return told + (f", lowest {found.best[1]:.3f} at step {found.best[0]}." if found.since else ".")


# Before and after training ----------------------------------------------------------------------


def _waiting(record: Record) -> Verdict:
    ahead = runs.ahead_of(record.ws, record.run)
    told = record.told("waiting", 1)
    since = record.told("queued", 1)
    if told and (not since or told[0]["id"] > since[0]["id"]):
        text = str(told[0]["message"])
    elif ahead:
        text = f"Waiting for its turn after {', '.join(ahead)}."
    else:
        text = "The run waits for its turn or for memory."
    return Verdict(kind="waiting", text=text, action=calls.follow(record))


def _preparing(record: Record) -> Verdict:
    told = record.told("preparing", 1)
    text = str(told[0]["message"]) if told else "The model and the data are being loaded and measured."
    return Verdict(kind="preparing", text=text, action=calls.follow(record))


def _paused(record: Record) -> Verdict:
    run = record.run
    return Verdict(kind="paused", text=f"Paused at step {run.step} of {run.steps}.", action=calls.resume(record))


def _interrupted(record: Record) -> Verdict:
    run = record.run
    kept = f"it goes on from {record.checkpoints[-1].name}" if record.checkpoints else "it begins again"
    text = f"The training process is gone at step {run.step} of {run.steps}; {kept}. {how_it_ended(record)}"
    return Verdict(kind="interrupted", text=text.strip(), action=calls.resume(record))


def _cancelled(record: Record) -> Verdict:
    run = record.run
    text = f"The run was cancelled at step {run.step} of {run.steps}."
    if record.checkpoints:
        names = [f"{run.name}@{path.name}" for path in record.checkpoints]
        text += f" Its checkpoints can be asked: {', '.join(names)}."
    return Verdict(kind="cancelled", text=text, action=calls.again(record))


def _failed(record: Record) -> Verdict:
    error = record.run.error or {}
    text = " ".join(str(error[key]) for key in ("message", "fix") if error.get(key)) or "The run failed."
    largest = error.get("details", {}).get("largest_settings")
    if error.get("code") in _GOES_ON:
        action = calls.resume(record)
    elif error.get("code") == "machine_error" and record.rollbacks and record.setting("learning_rate"):
        # It broke down until no attempt was left.
        action = calls.again(record, learning_rate=float(f"{record.setting('learning_rate') * _A_LOWER_RATE:.2g}"))
    else:
        action = calls.again(record, **(largest or {}))
    return Verdict(kind="failed", text=text, action=action)


def _succeeded(record: Record) -> Verdict:
    run = record.run
    text = f"The adapter {run.adapter} is published. {_ending(record)} {course(record)}"
    return Verdict(kind="done", text=" ".join(text.split()), action=next_call("evaluate", adapter=run.adapter))


def _ending(record: Record) -> str:
    """Whether the run stopped early, and which of its steps was published."""
    run, found = record.run, record.evaluations
    told = []
    patience = record.setting("patience")
    if run.step < run.steps and found is not None and patience and found.since >= patience:
        told.append(
            f"It stopped early, at step {run.step} of {run.steps}: "
            f"no lower validation loss in {found.since} evaluation{'s' * (found.since > 1)}."
        )
    told += [str(event["message"]) for event in record.told("publish", 1)]
    if record.rollbacks:
        told.append(f"It broke down {_times(len(record.rollbacks))} on the way and went on at a lower rate.")
    return " ".join(told)


# While training -----------------------------------------------------------------------------------


def _running(record: Record) -> Verdict:
    for look in (_stalled, _rolled_back, _overfitting, _plateau):
        verdict = look(record)
        if verdict is not None:
            return verdict
    text = course(record) or "Training has begun; there is nothing to compare yet."
    return Verdict(kind="learning", text=text, action=calls.follow(record))


def _stalled(record: Record) -> Verdict | None:
    silent = record.now - record.last_sign
    step = step_seconds(record)
    if step is None:
        usual, least = 0.0, _UNMEASURED_LEAST_S
    else:
        usual = step * record.setting("steps_per_report", 1) + record.evaluation_seconds + record.save_seconds
        least = _STALLED_LEAST_S
    if silent < max(least, _STALLED_TIMES * usual):
        return None
    expected = f"reports come every {usual:.0f} s" if usual else "none has come yet"
    text = f"The process lives but has told nothing for {silent:.0f} s; {expected}. {_how_to_wake(record)}"
    return Verdict(kind="stalled", text=text, action=calls.follow(record))


def _how_to_wake(record: Record) -> str:
    worker = record.worker
    if worker is None:
        return "The machine may have slept, or swap; wait, or pause the run once it answers."
    with contextlib.suppress(psutil.Error):
        if worker.status() == psutil.STATUS_STOPPED:
            return f"It was stopped by a signal: `kill -CONT {worker.pid}` lets it go on."
    return (
        "The machine may have slept, or swap. Should it stay so, "
        f"`kill {worker.pid}` ends it, and it is started again from its last checkpoint."
    )


def _rolled_back(record: Record) -> Verdict | None:
    told = record.told("rollback", 1)
    found = record.evaluations
    if not told or (found is not None and found.last[0] > told[0]["step"]):
        return None
    text = f"{told[0]['message']} It is too early to say whether that helps."
    return Verdict(kind="rolled_back", text=text, action=calls.follow(record))


def _overfitting(record: Record) -> Verdict | None:
    found = record.evaluations
    if found is None or not overfits(found):
        return None
    patience, best = record.setting("patience"), found.best
    kept = (
        f"the checkpoint of step {best[0]} will be published"
        if record.setting("publish", "best") == "best" and best[0] > 0
        else "the last step will be published, better or not"
    )
    stops = f"It stops by itself after {patience} evaluations without a gain" if patience else "It goes on to its end"
    text = (
        f"The validation loss rises: {found.last[1]:.3f} at step {found.last[0]}, {best[1]:.3f} at its best, step "
        f"{best[0]}. {stops} ({found.since} so far), and {kept}."
    )
    return Verdict(kind="overfitting", text=text, action=calls.follow(record))


def overfits(found: Evaluations) -> bool:
    """Whether the last two losses both lie clearly above the best."""
    lately = [loss for _, loss in found.recent[-2:]]
    return found.count >= 3 and min(lately) > found.best[1] * (1 + OVERFITTING)


def _plateau(record: Record) -> Verdict | None:
    found = record.evaluations
    if found is None or found.before_last_third is None:
        return None
    gained = found.before_last_third - found.best[1]
    if gained >= found.best[1] * _PLATEAU:
        return None
    text = f"The validation loss stands still at {found.last[1]:.3f}. {course(record)}"
    return Verdict(kind="plateau", text=text, action=calls.follow(record))


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


_BY_STATE: dict[str, Callable[[Record], Verdict]] = {
    "queued": _waiting,
    "preparing": _preparing,
    "running": _running,
    "paused": _paused,
    "interrupted": _interrupted,
    "succeeded": _succeeded,
    "failed": _failed,
    "cancelled": _cancelled,
}
