"""The calls that a status advises."""

from __future__ import annotations

from typing import Any

from tools.next_call import next_call
from tools.training_status.record import Record


def follow(record: Record) -> str:
    return next_call("training_status", run=record.run.run, wait_s=45)


def resume(record: Record) -> str:
    return next_call("control_finetune", run=record.run.run, action="resume")


def again(record: Record, **changes: Any) -> str:
    """The plan of a new run as this one was asked for, with `changes` to its settings."""
    run = record.run
    settings = {**record.asked, **changes}
    name = run.name if run.name != run.dataset.partition("@")[0] else None
    return next_call(
        "start_finetune", dataset=run.dataset, model=run.model, name=name, settings=settings or None, dry_run=True
    )
