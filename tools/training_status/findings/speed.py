"""Is training slower than it could be? Compared with the run itself, with earlier ones, and with the plan."""

from __future__ import annotations

import json
from collections.abc import Iterator
from statistics import fmean, median

from tools.start_finetune.duration import speed_key
from tools.start_finetune.footprint import trained_layers
from tools.start_finetune.memory import calibrated
from tools.training_status.contract import Finding
from tools.training_status.pace import in_first_pass, step_seconds, total_minutes
from tools.training_status.record import Record, Report

# Less than this share of the speed that was to be expected is slow.
_SLOW = 0.6
_TIMES_PLANNED = 2.0
_FEWEST_REPORTS = 4
_LATELY = 3
_PADDING = 0.25
# Evaluations of so many seconds, and that share of the time.
_EVALUATION_S, _EVALUATING = 5.0, 0.3


def slow(record: Record) -> Iterator[Finding]:
    """Tokens a second far below what they were, or below what an earlier run had; minutes far above the plan's."""
    if record.run.state != "running" or not record.reports:
        return
    evidence = [told for told in (_slower_than_before(record), _slower_than_others(record), _late(record)) if told]
    if evidence:
        yield Finding(finding="training is slow", evidence=" ".join(evidence), change=_change(record))


def padded(record: Record) -> Iterator[Finding]:
    """Much of what is computed is filling, since rows of a batch differ in length."""
    shares = [report.padding for report in record.history if report.padding is not None]
    if len(shares) >= _LATELY and fmean(shares) >= _PADDING:
        yield Finding(
            finding="much of the work is padding",
            evidence=f"{fmean(shares):.0%} of what was computed is filling between rows of different lengths.",
            change='Start again with {"batch_size": 1}, or prepare the rows with a smaller max_tokens.',
        )


def evaluated_often(record: Record) -> Iterator[Finding]:
    """Evaluations take a large part of the time."""
    step, every = step_seconds(record), record.setting("steps_per_eval")
    if step is None or not every or not record.active:
        return
    evaluation, between = record.evaluation_seconds, step * every
    if evaluation >= _EVALUATION_S and evaluation / (evaluation + between) > _EVALUATING:
        yield Finding(
            finding="evaluations take much of the time",
            evidence=f"An evaluation takes {evaluation:.0f} s, the {every} steps between two take {between:.0f} s.",
            change=f"Next time {json.dumps({'steps_per_eval': 4 * every})}, or fewer val_batches or sample_prompts.",
        )


def _speeds(reports: list[Report], record: Record) -> list[float]:
    """Tokens a second of those reports that were in the same pass as the last one, or as the later ones."""
    now = in_first_pass(record.reports[-1], record)
    return [r.tokens_per_second for r in reports if r.tokens_per_second and in_first_pass(r, record) == now]


def _lately(record: Record) -> float | None:
    found = _speeds(record.reports[-_LATELY:], record)
    return median(found) if found else None


def _slower_than_before(record: Record) -> str | None:
    lately, before = _lately(record), _speeds(record.history, record)
    if lately is None or len(before) < _FEWEST_REPORTS or lately >= _SLOW * median(before):
        return None
    return f"{lately:.0f} tokens/s in the last reports, {median(before):.0f} over the run."


def _slower_than_others(record: Record) -> str | None:
    info, lately = record.model, _lately(record)
    if info is None or lately is None or in_first_pass(record.reports[-1], record):
        return None
    layers = trained_layers(info, {"lora_layers": record.setting("lora_layers", -1)})
    usual = calibrated(record.ws, speed_key(info, layers, later=bool(record.setting("frozen_prefix"))), 0.0)
    if not usual or lately >= _SLOW * usual:
        return None
    return f"{lately:.0f} tokens/s; an earlier run of {info.name} with {layers} layers had {usual:.0f}."


def _late(record: Record) -> str | None:
    planned, total = record.planned("predicted_minutes"), total_minutes(record)
    if not planned or total is None or total < _TIMES_PLANNED * planned or total < planned + 1:
        return None
    return f"At this pace the run takes {total:.0f} minutes; the plan predicted {planned:.0f}."


def _change(record: Record) -> str:
    power = record.reports[-1].machine
    if power.throttled:
        return "Let the machine cool: heat slows it down."
    if power.on_battery:
        return "Plug the machine in: on battery it is slower."
    if record.setting("grad_checkpoint") and not record.setting("frozen_prefix"):
        return (
            "See what else uses the processor (Activity Monitor, top); fewer lora_layers and shorter rows are faster."
        )
    return "See what else uses the processor (Activity Monitor, top); shorter rows and fewer iters take less time."
