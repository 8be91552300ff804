"""The report as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from tools.evaluate.contract import EvaluateResult, Scores
from tools.evaluate.report.tables import change, rows
from tools.evaluate.result import Subject


def markdown(result: EvaluateResult, subject: Subject) -> str:
    """The report for a person."""
    models = list(subject.models)
    lines = [f"# Evaluation {result.evaluation}", "", f"Dataset `{subject.dataset}`, base `{result.base}`.", ""]
    lines += [f"- **{one.kind}** `{one.model}`: {one.text}" for one in result.verdict]
    lines += ["", *_table(models, list(rows(result)))]
    if result.per_source:
        lines += ["", "## Bits per byte by source", ""]
        lines += _table(models, [(f"{one.source} ({one.rows})", one.bits_per_byte) for one in result.per_source])
    if result.intervals:
        lines += ["", "## Changes from the base, with 95% intervals", ""]
        lines += [f"- `{one.model}` {one.metric.replace('_', ' ')}: {change(one)}" for one in result.intervals]
    return "\n".join([*lines, *_examples(result, models)]) + "\n"


def _table(models: Sequence[str], named: Sequence[tuple[str, Scores]]) -> list[str]:
    head = ["| | " + " | ".join(f"`{model}`" for model in models) + " |", "|---" * (len(models) + 1) + "|"]
    return head + [
        f"| {inline(name)} | " + " | ".join(f"{value:.4g}" for value in (scores.base, *scores.tuned.values())) + " |"
        for name, scores in named
    ]


def _examples(result: EvaluateResult, models: Sequence[str]) -> list[str]:
    if not result.questions:
        return []
    lines = ["", "## Answers side by side", ""]
    for example in result.questions.examples:
        lines.append(f"**{inline(example['question'])}** (reference: {inline(example['reference'])})")
        lines.append("")
        lines += [f"- `{model}`: {inline(example['answers'][model])}" for model in models]
        lines.append("")
    return lines


def inline(text: str) -> str:
    """Text of a model or a dataset inside a line of Markdown: no markup of its own."""
    flat = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in flat)
