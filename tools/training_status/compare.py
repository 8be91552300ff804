"""Runs side by side: what differs in their settings, how well each learned, and what it took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tools.next_call import next_call
from tools.training_status.contract import Finding
from tools.training_status.record import Record
from tools.training_status.verdict import judge
from tools.workspace.machine import GB

# Settings that say nothing of how a run learns.
_BESIDE_THE_POINT = frozenset({"sample_prompts", "keep_checkpoints", "keep_every"})


@dataclass(frozen=True)
class Row:
    """One run beside others. settings: those that differ among them. Losses in nats a token."""

    run: str
    state: str
    verdict: str
    dataset: str
    model: str
    settings: dict[str, Any]
    best_valid_loss: float | None
    best_step: int | None
    train_loss: float | None
    tokens_per_second: float | None
    minutes: float
    peak_gb: float | None
    adapter: str | None


def table(records: Sequence[Record]) -> list[Row]:
    """A row for each run, in the order given."""
    differing = _differing(records)
    return [_row(record, differing) for record in records]


def best_of(records: Sequence[Record]) -> Record:
    """The run with the lowest validation loss, where they learned the same; else the first."""
    found = [(record.evaluations.best[1], place) for place, record in enumerate(records) if record.evaluations]
    return records[min(found)[1]] if found and comparable(records) else records[0]


def comparable(records: Sequence[Record]) -> bool:
    """Whether their losses are of the same rows and the same model's tokens."""
    return len({(record.run.dataset, record.run.model) for record in records}) == 1


def not_comparable(records: Sequence[Record]) -> list[Finding]:
    """That losses of different datasets or models say nothing about which run is better."""
    if comparable(records):
        return []
    what = {f"{record.run.run}: {record.run.dataset} on {record.run.model}" for record in records}
    return [
        Finding(
            finding="losses of these runs cannot be compared",
            evidence=f"{'; '.join(sorted(what))}.",
            change="Compare their adapters with evaluate on one dataset: it measures bits per byte.",
        )
    ]


def follow_up(records: Sequence[Record]) -> str | None:
    """Evaluating all of their adapters on held-out rows, where several were published of one base."""
    adapters = list(dict.fromkeys(record.run.adapter for record in records if record.run.adapter))
    if len(adapters) < 2 or len({record.run.model for record in records}) > 1:
        return None
    return next_call("evaluate", adapters=adapters, dataset=records[0].run.dataset)


def _differing(records: Sequence[Record]) -> list[str]:
    names = sorted({name for record in records for name in record.run.plan.get("settings", {})} - _BESIDE_THE_POINT)
    return [name for name in names if len({repr(record.setting(name)) for record in records}) > 1]


def _row(record: Record, differing: Sequence[str]) -> Row:
    run, found = record.run, record.evaluations
    last = record.reports[-1] if record.reports else None
    settings: dict[str, Any] = {name: record.setting(name) for name in differing}
    return Row(
        run=run.run,
        state=run.state,
        verdict=judge(record).text,
        dataset=run.dataset,
        model=run.model,
        settings=settings,
        best_valid_loss=found.best[1] if found else None,
        best_step=found.best[0] if found else None,
        train_loss=last.loss if last else None,
        tokens_per_second=last.tokens_per_second if last else None,
        minutes=round(record.minutes, 1),
        peak_gb=round(last.memory["peak"] / GB, 2) if last and "peak" in last.memory else None,
        adapter=run.adapter,
    )
