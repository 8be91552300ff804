"""Does the model learn, and does it learn more than the rows by heart? From the losses, with what may be the cause."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tools.start_finetune.presets import usual_rate
from tools.training_status.contract import Finding
from tools.training_status.record import Evaluations, Record
from tools.training_status.verdict import OVERFITTING, overfits

# Less than this share gained is nothing; before this share of the steps it is too early to say.
_NOTHING = 0.005
_EARLY = 0.3
# The guide's least.
_FEW_ROWS = 100
_FEW_LAYERS = 8
_FEW_PASSES = 1.0
_LEARNED_LEAST = 0.05
# A rate that so many times above or below the usual one is the first thing to change.
_RATE_OFF = 5.0
_LARGE_RANK = 32
_STILL_GAINING = 0.02


def broke_down(record: Record) -> Iterator[Finding]:
    """Training ran away and was taken back to a checkpoint."""
    if not record.rollbacks:
        return
    last, count = record.rollbacks[-1], len(record.rollbacks)
    rate = record.setting("learning_rate")
    change = f"Next time {_settings(learning_rate=_rounded(rate * last['factor'] / 2))}." if rate else "Lower the rate."
    yield Finding(
        finding="training broke down",
        evidence=f"{count} time{'s' * (count > 1)}, last at step {last['step']}: {last['reason']}. "
        f"It went on from step {last['to']} with {last['factor']:g} of the rate.",
        change=change,
    )


def does_not_learn(record: Record) -> Iterator[Finding]:
    """The loss stays where it was, or rises from the start."""
    found = record.evaluations
    if found is None or found.count < 3 or _too_early(record):
        return
    (_, first), (best_step, best) = found.first, found.best
    told = f"Validation loss {first:.3f} at step {found.first[0]}, {found.last[1]:.3f} at step {found.last[0]}"
    if best_step == found.first[0] and found.last[1] > first * (1 + OVERFITTING):
        rate = record.setting("learning_rate")
        lower = f"start again with {_settings(learning_rate=_rounded(rate / 5))}" if rate else "lower the rate"
        yield Finding(
            finding="training makes it worse",
            evidence=f"{told}; none was lower.",
            change=f"Cancel the run and {lower}." if record.active else f"{lower[0].upper()}{lower[1:]}.",
        )
    elif first - best < first * _NOTHING:
        cause, change = _why(record)
        yield Finding(finding="it does not learn", evidence=f"{told}. {cause}".strip(), change=change)


def learns_by_heart(record: Record) -> Iterator[Finding]:
    """The validation loss rises while the training loss falls."""
    found = record.evaluations
    if found is None or found.best[0] == found.first[0] or not overfits(found):
        return
    (best_step, best), (step, loss) = found.best, found.last
    evidence = f"Validation loss {best:.3f} at step {best_step}, {loss:.3f} at step {step}"
    losses = [report.loss for report in record.history if report.loss is not None]
    if len(losses) >= 2:
        evidence += f"; training loss {losses[0]:.3f} at first, {losses[-1]:.3f} now"
    passes = best_step / record.steps_a_pass if record.steps_a_pass else None
    evidence += f". The best was after {passes:.1f} passes over {record.rows} rows." if passes else "."
    yield Finding(finding="it learns by heart", evidence=evidence, change=_against_heart(record, found))


def ended_too_soon(record: Record) -> Iterator[Finding]:
    """The loss was still falling when the steps were through."""
    found = record.evaluations
    if record.run.state != "succeeded" or found is None or found.before_last_third is None:
        return
    gained = found.before_last_third - found.best[1]
    if found.since == 0 and gained > found.before_last_third * _STILL_GAINING:
        yield Finding(
            finding="it was still learning when it ended",
            evidence=f"The validation loss fell from {found.before_last_third:.3f} to {found.best[1]:.3f} in the last "
            "third of the evaluations.",
            change=f"Train longer: {_settings(iters=2 * record.run.steps)}.",
        )


def _too_early(record: Record) -> bool:
    warming = record.setting("warmup_steps", 0) * record.setting("gradient_accumulation_steps", 1)
    return record.active and record.run.step <= max(warming, _EARLY * record.run.steps)


def _why(record: Record) -> tuple[str, str]:
    """The likeliest cause that has numbers, and what to change."""
    shares = [r.learned / r.tokens for r in record.history if r.learned is not None and r.tokens]
    if shares and max(shares) < _LEARNED_LEAST:
        told = f"Only {max(shares):.0%} of the tokens are learned: the rest is prompt."
        return told, f"Start again with {_settings(mask_prompt=False)}, or give longer answers."
    rate, usual = record.setting("learning_rate"), usual_rate(record.model.parameters) if record.model else None
    if rate and usual and usual / rate > _RATE_OFF:
        told = f"The rate is {rate:g}; {usual:g} is usual for a model of this size."
        return told, f"Start again with {_settings(learning_rate=usual)}."
    if rate and usual and rate / usual > _RATE_OFF:
        told = f"The rate is {rate:g}, high for a model of this size ({usual:g} is usual)."
        return told, f"Start again with {_settings(learning_rate=usual)}."
    passes = record.run.steps / record.steps_a_pass if record.steps_a_pass else None
    if passes is not None and passes < _FEW_PASSES:
        told = f"All {record.run.steps} steps are {passes:.2f} passes over {record.rows} rows."
        return told, f"Train longer: {_settings(iters=round(2 * (record.steps_a_pass or 1)))}."
    layers = record.setting("lora_layers")
    if layers is not None and record.model and 0 < layers < min(_FEW_LAYERS, record.model.layers):
        told = f"{layers} of {record.model.layers} layers are adapted."
        return told, f"Start again with {_settings(lora_layers=16)}."
    if record.rows is not None and record.rows < _FEW_ROWS:
        return f"There are {record.rows} rows to learn from.", "Add material: some hundred rows are the least."
    if rate:
        return f"The rate is {rate:g}.", f"Try {_settings(learning_rate=_rounded(2 * rate))}, or look at the rows."
    return "", "Look at the rows: prepare_dataset with dry_run shows them as training reads them."


def _against_heart(record: Record, found: Evaluations) -> str:
    """The settings that most plausibly made it so, brought down."""
    changes: dict[str, Any] = {"iters": round(1.2 * found.best[0])}
    rate, rank = record.setting("learning_rate"), record.setting("lora_rank")
    usual = usual_rate(record.model.parameters) if record.model else None
    if rate and usual and rate > usual:
        changes["learning_rate"] = usual
    elif rate and found.best[0] < _EARLY * record.run.steps:
        changes["learning_rate"] = _rounded(rate / 2)
    if rank and rank >= _LARGE_RANK:
        changes["lora_rank"] = rank // 2
    return f"Next time {_settings(**changes)}; more material helps most."


def _settings(**settings: Any) -> str:
    return json.dumps(settings)


def _rounded(rate: float) -> float:
    return float(f"{rate:.2g}")
