"""From what was measured to the report: figures, intervals, verdicts; JSON and Markdown."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from tools.evaluate.answers import contains, exact_match, token_f1
from tools.evaluate.contract import EvaluateResult, EvaluationVerdict, Interval, QuestionScores, Scores
from tools.evaluate.statistics import paired_ratio_interval
from tools.evaluate.verdict import judge
from tools.prepare_dataset.reading_back import Question
from tools.workspace.files import publishing, write_json, write_text
from tools.workspace.layout import REPORT_MARKER, Workspace

_EXAMPLES = 8
# A diverged adapter: its perplexity is told as e^100 and not as infinity.
_MOST_NATS = 100.0


@dataclass(frozen=True)
class Likelihoods:
    """Per test row: nats by model id (the base first), tokens scored, bytes, document."""

    nats: dict[str, list[float]]
    tokens: list[int]
    sizes: list[int]
    documents: list[str]


@dataclass(frozen=True)
class Answered:
    """A question and one model's answer."""

    question: Question
    answer: str

    @property
    def references(self) -> list[str]:
        return [self.question.answer, *self.question.aliases]


def write_report(
    ws: Workspace,
    request: dict[str, Any],
    likelihoods: Likelihoods | None,
    answers: dict[str, list[Answered]] | None,
    zeros: Collection[str] = (),
) -> dict[str, Any]:
    """Compute the result, write `report.md` and `report.json` (last), return it as JSON.

    zeros: the adapters that are all zeros, which is said.
    """
    base, adapters = request["model"], request["adapters"]
    folder = ws.evaluations / request["evaluation"]
    found: list[Interval | None] = []
    result = EvaluateResult(
        evaluation=request["evaluation"],
        state="succeeded",
        base=base,
        report_path=str(folder / "report.md"),
        next="",
    )
    if likelihoods is not None and likelihoods.sizes:
        result.rows = len(likelihoods.sizes)
        result.perplexity = _scores(base, {m: perplexity(likelihoods, m) for m in likelihoods.nats})
        result.bits_per_byte = _scores(base, {m: bits_per_byte(likelihoods, m) for m in likelihoods.nats})
        found += [_bits_interval(likelihoods, base, adapter) for adapter in adapters]
    if answers is not None and answers[base]:
        result.questions = _question_scores(base, answers)
        found += [_f1_interval(answers, base, adapter) for adapter in adapters]
    result.intervals = intervals = [interval for interval in found if interval is not None]
    result.verdict = [judge(adapter, intervals, request["dataset"], zero=adapter in zeros) for adapter in adapters]
    result.next = result.verdict[0].action
    with publishing(folder) as aside:
        write_text(aside / "report.md", markdown(result, request))
        full = {"request": request, "result": result.model_dump(exclude_none=True), "answers": _all(answers)}
        write_json(aside / REPORT_MARKER, full)
    return result.model_dump(exclude_none=True)


def perplexity(likelihoods: Likelihoods, model: str) -> float:
    """exp of the mean nats a token."""
    return math.exp(min(_MOST_NATS, sum(likelihoods.nats[model]) / max(1, sum(likelihoods.tokens))))


def bits_per_byte(likelihoods: Likelihoods, model: str) -> float:
    """Bits a UTF-8 byte of the scored text: comparable between tokenizers."""
    return sum(likelihoods.nats[model]) / math.log(2) / max(1, sum(likelihoods.sizes))


def _scores(base: str, by_model: dict[str, float]) -> Scores:
    tuned = {model: round(value, 4) for model, value in by_model.items() if model != base}
    return Scores(base=round(by_model[base], 4), tuned=tuned)


def _bits_interval(likelihoods: Likelihoods, base: str, adapter: str) -> Interval | None:
    to_bits = 1 / math.log(2)
    found = paired_ratio_interval(
        [nats * to_bits for nats in likelihoods.nats[base]],
        [nats * to_bits for nats in likelihoods.nats[adapter]],
        likelihoods.sizes,
        likelihoods.documents,
    )
    return _interval("bits_per_byte", adapter, found)


def _f1_interval(answers: dict[str, list[Answered]], base: str, adapter: str) -> Interval | None:
    scores = {m: [token_f1(a.answer, a.references) for a in answers[m]] for m in (base, adapter)}
    count = len(scores[base])
    # Questions on one document stand or fall together.
    groups = [item.question.document or f"question {i}" for i, item in enumerate(answers[base])]
    found = paired_ratio_interval(scores[base], scores[adapter], [1.0] * count, groups)
    return _interval("token_f1", adapter, found)


def _interval(metric: str, model: str, found: tuple[float, float, float] | None) -> Interval | None:
    if found is None:
        return None
    change, low, high = (round(value, 4) for value in found)
    return Interval(metric=metric, model=model, change=change, low=low, high=high)


def _question_scores(base: str, answers: dict[str, list[Answered]]) -> QuestionScores:
    def mean(measure: Any) -> Scores:
        return _scores(
            base,
            {
                m: sum(float(measure(a.answer, a.references)) for a in given) / len(given)
                for m, given in answers.items()
            },
        )

    return QuestionScores(
        asked=len(answers[base]),
        exact_match=mean(exact_match),
        contains_answer=mean(contains),
        token_f1=mean(token_f1),
        examples=_examples(base, answers),
    )


def _examples(base: str, answers: dict[str, list[Answered]]) -> list[dict[str, Any]]:
    count = len(answers[base])
    picked = range(count) if count <= _EXAMPLES else [i * count // _EXAMPLES for i in range(_EXAMPLES)]
    return [
        {
            "question": answers[base][i].question.question,
            "reference": answers[base][i].question.answer,
            "answers": {model: given[i].answer[:300] for model, given in answers.items()},
        }
        for i in picked
    ]


def _all(answers: dict[str, list[Answered]] | None) -> list[dict[str, Any]]:
    if not answers:
        return []
    first = next(iter(answers.values()))
    return [
        {
            "question": item.question.question,
            "reference": item.question.answer,
            "kind": item.question.kind,
            "answers": {model: given[i].answer for model, given in answers.items()},
        }
        for i, item in enumerate(first)
    ]


def markdown(result: EvaluateResult, request: dict[str, Any]) -> str:
    """The report for a person."""
    models = [str(result.base), *request["adapters"]]
    lines = [f"# Evaluation {result.evaluation}", "", f"Dataset `{request['dataset']}`, base `{result.base}`.", ""]
    lines += [f"- **{v.kind}** `{v.model}`: {v.text}" for v in result.verdict]
    lines += ["", "| | " + " | ".join(f"`{m}`" for m in models) + " |", "|---" * (len(models) + 1) + "|"]
    rows: list[tuple[str, Scores | None]] = [
        (f"bits per byte ({result.rows} unseen rows)", result.bits_per_byte),
        ("perplexity", result.perplexity),
    ]
    if result.questions:
        rows += [
            (f"exact match ({result.questions.asked} questions)", result.questions.exact_match),
            ("answer contained", result.questions.contains_answer),
            ("token F1", result.questions.token_f1),
        ]
    lines += [_row(name, scores, request["adapters"]) for name, scores in rows if scores is not None]
    lines += _examples_markdown(result, models)
    return "\n".join(lines) + "\n"


def _row(name: str, scores: Scores, adapters: Sequence[str]) -> str:
    return f"| {name} | {scores.base:.4g} | " + " | ".join(f"{scores.tuned[a]:.4g}" for a in adapters) + " |"


def _examples_markdown(result: EvaluateResult, models: Sequence[str]) -> list[str]:
    if not result.questions:
        return []
    lines = ["", "## Answers side by side", ""]
    for example in result.questions.examples:
        lines.append(f"**{_inline(example['question'])}** (reference: {_inline(example['reference'])})")
        lines.append("")
        lines += [f"- `{model}`: {_inline(example['answers'][model])}" for model in models]
        lines.append("")
    return lines


def _inline(text: str) -> str:
    """Text of a model or a dataset inside a line of Markdown: no markup of its own."""
    flat = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in flat)


__all__ = ["Answered", "EvaluationVerdict", "Likelihoods", "bits_per_byte", "markdown", "perplexity", "write_report"]
