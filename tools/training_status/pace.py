"""How fast a run goes, and how long it still takes: steps, evaluations and checkpoints that are to come.

With a frozen prefix the first pass over the rows is slower: there the layers below the adapters are run too.
"""

from __future__ import annotations

from itertools import pairwise

from tools.start_finetune.footprint import trained_layers
from tools.training_status.record import Record, Report


def step_seconds(record: Record) -> float | None:
    """Seconds of a step by the last reports; None before the first one."""
    return _mean(record.reports)


def seconds_left(record: Record) -> float | None:
    """Seconds to the last step, should the run not stop early; None where nothing was measured yet."""
    run = record.run
    now = step_seconds(record)
    if run.state != "running" or now is None:
        return None
    left = run.steps - run.step
    in_first = min(left, max(0, round(record.steps_a_pass or 0) - run.step)) if record.setting("frozen_prefix") else 0
    later = _later_step_seconds(record) if record.setting("frozen_prefix") else now
    first = _mean([report for report in record.reports if report.epoch == 0]) or now
    seconds: float = in_first * first + (left - in_first) * (later or now)
    seconds += _times(record, "steps_per_eval") * record.evaluation_seconds
    seconds += _times(record, "save_every") * record.save_seconds
    # What was done since the last report: at most what lies between two.
    begun: float = min(record.now - record.reports[-1].time, now * record.setting("steps_per_report", 1))
    return round(max(0.0, seconds - max(0.0, begun)), 1)


def total_minutes(record: Record) -> float | None:
    """Minutes that the whole run takes at its pace, those behind it included: by steps, since a clock may jump."""
    left, now = seconds_left(record), step_seconds(record)
    return None if left is None or now is None else (record.run.step * now + left) / 60


def in_first_pass(report: Report, record: Record) -> bool:
    """Whether a report is of the pass in which frozen layers are still run."""
    return bool(record.setting("frozen_prefix")) and report.epoch == 0


def _mean(reports: list[Report]) -> float | None:
    """Seconds of a step over reports that follow each other."""
    windows = [(after.step - before.step, after.seconds) for before, after in pairwise(reports)]
    if not windows and reports:
        windows = [(reports[0].step, reports[0].seconds)]
    known = [(steps, seconds) for steps, seconds in windows if seconds is not None and steps > 0]
    steps = sum(steps for steps, _ in known)
    return sum(seconds for _, seconds in known) / steps if steps else None


def _later_step_seconds(record: Record) -> float | None:
    """Seconds of a step after the first pass: measured, or from the layers that are then left out."""
    measured = [report for report in record.reports if report.epoch > 0]
    if len(measured) >= 2:
        return _mean(measured)
    first = _mean(record.reports)
    if first is None or record.model is None:
        return first
    layers, trained = (
        record.model.layers,
        trained_layers(record.model, {"lora_layers": record.setting("lora_layers", -1)}),
    )
    # Forward through all or the trained layers, back through the trained ones, and forward again where
    # activations are recomputed.
    back = trained * (2 if record.setting("grad_checkpoint") else 1)
    return first * (trained + back) / (layers + back)


def _times(record: Record, setting: str) -> int:
    """How often something is still done that is done every so many steps, and at the last one."""
    every = record.setting(setting)
    if not every:
        return 0
    steps = record.run.steps
    return int(steps // every - record.run.step // every + (steps % every != 0))
