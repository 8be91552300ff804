"""What a status shows of a run's measurements, samples and events: bounded, however long the run."""

from __future__ import annotations

from typing import Any

from tools.training_status.contract import Point, Sample
from tools.training_status.curve import sparkline
from tools.training_status.record import Record
from tools.workspace import measured, runs
from tools.workspace.machine import GB, disk_free

# A bar of the curve is a mean of so many reports of its part.
_CURVE_REPORTS = 320
_EVALUATIONS_SHOWN = 4


def points(record: Record, most: int, since: int) -> list[Point]:
    """At most `most` steps after `since`: evaluations first, filled up with training reports, spread over the steps."""
    ws, run = record.ws, record.run.run
    valid = measured.spread(ws, run, "valid", most // 2, since)
    found = {row["step"]: Point(step=row["step"], valid_loss=row["loss"]) for row in valid}
    for row in measured.spread(ws, run, "train", most - len(valid), since):
        point = found.setdefault(row["step"], Point(step=row["step"]))
        point.train_loss = row["loss"]
        point.tokens_per_second = row.get("tokens_per_second")
        point.learning_rate = row.get("learning_rate")
        point.grad_norm = row.get("grad_norm")
    return [found[step] for step in sorted(found)]


def curve(record: Record) -> str | None:
    """The training loss as a line of bars."""
    losses = measured.spread_losses(record.ws, record.run.run, "train", _CURVE_REPORTS)
    return sparkline([loss for _, loss in losses]) or None


def memory(record: Record) -> dict[str, float] | None:
    """GB at the last report, and what the plan predicted and may use."""
    if not record.reports:
        return None
    told = {name: size / GB for name, size in record.reports[-1].memory.items()}
    for name, planned in (("predicted_peak", "predicted_peak_gb"), ("budget", "budget_gb")):
        if (value := record.planned(planned)) is not None:
            told[name] = value
    return {name: round(value, 2) for name, value in told.items()} or None


def machine(record: Record) -> dict[str, Any] | None:
    """Power, heat and niceness at the last report, and the room on the disk now."""
    if not record.active:
        return None
    told: dict[str, Any] = {}
    if record.reports:
        last = record.reports[-1]
        told |= last.machine.told() | ({"nice": last.nice} if last.nice is not None else {})
    return {**told, "disk_free_gb": round(disk_free(record.ws.root) / GB, 2)}


def samples(record: Record, *, all_steps: bool, most: int) -> list[Sample]:
    """The newest answers beside the base's; with `all_steps`, those of some earlier evaluations before them.

    most: characters of a text.
    """
    newest = record.answers
    if newest is None:
        return []
    rows = [newest]
    if all_steps and newest["step"] > 0:
        rows = measured.spread(record.ws, record.run.run, "sample", _EVALUATIONS_SHOWN, since=0)
    base = {item["prompt"]: item["answer"] for item in record.base_answers}
    return [
        Sample(
            prompt=item["prompt"][:most],
            base=base.get(item["prompt"], "")[:most],
            now=item["answer"][:most],
            step=row["step"],
        )
        for row in rows
        for item in row["answers"]
    ]


def events(record: Record, most: int) -> list[dict[str, Any]]:
    """The last events, oldest first; `time` in whole seconds of the epoch."""
    return [
        {"step": event["step"], "kind": event["kind"], "message": event["message"], "time": round(event["time"])}
        for event in runs.events(record.ws, record.run.run, most)
    ]
