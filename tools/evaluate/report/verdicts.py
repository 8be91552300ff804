"""The verdicts of a report for its reader: what was concluded, the changes it stands on, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from tools.evaluate.contract import EvaluateResult, EvaluationVerdict, Interval, Scores, VerdictKind
from tools.evaluate.report.told import Told
from tools.evaluate.report.words import Words
from tools.evaluate.verdict import ABOVE_CHANCE, GENERAL, KNOWING, TRAINED, WRITING, improved, worsened

HEADLINES: Mapping[VerdictKind, str] = {
    "learned": "It learned",
    "not_proven": "Not proven",
    "memorized": "It memorized",
    "worse": "Worse than its base",
}
_MEANINGS: Mapping[VerdictKind, str] = {
    "learned": "It does better than its base on what neither was trained on, by more than chance explains.",
    "not_proven": "What was measured does not show that it learned.",
    "memorized": "It knows the passages that it was trained on by heart, and others no better than its base.",
    "worse": "It does worse than its base, by more than chance explains.",
}
_ZEROS = "The adapter is all zeros: it answers as its bare base."
_NAMES: Mapping[str, str] = {
    WRITING: "Bits per byte, unseen rows",
    TRAINED: "Bits per byte, rows trained on",
    f"{GENERAL}_pt": "Bits per byte, general text (pt)",
    f"{GENERAL}_en": "Bits per byte, general text (en)",
    ABOVE_CHANCE: "Words in common beyond chance",
    "choice_accuracy": "Right one of several",
}


@dataclass(frozen=True)
class Evidence:
    """A change from base to tuned, in words, and as numbers for a plot. kind: `good`, `bad` or `unsure`."""

    name: str
    base: str
    tuned: str
    change: str
    span: str
    kind: str
    said: str
    interval: Interval

    @property
    def for_better(self) -> tuple[float, float, float]:
        """Change, low and high, so that more is better."""
        one = self.interval
        return (-one.change, -one.high, -one.low) if _is_bits(one.metric) else (one.change, one.low, one.high)


@dataclass(frozen=True)
class Card:
    """A verdict. command: what to type next."""

    model: str
    kind: VerdictKind
    headline: str
    meaning: str
    evidence: list[Evidence]
    advice: str
    command: str


def cards(told: Told) -> list[Card]:
    """A card a tuned model, in their order."""
    say = Words(told.language)
    return [_card(told, verdict, say) for verdict in told.result.verdict]


def _card(told: Told, verdict: EvaluationVerdict, say: Words) -> Card:
    tool, _, arguments = verdict.action.partition(" ")
    return Card(
        model=verdict.model,
        kind=verdict.kind,
        headline=say(HEADLINES[verdict.kind]),
        meaning=say(_ZEROS if verdict.model in told.zeros else _meaning(told, verdict)),
        evidence=[_evidence(told.result, one, say) for one in told.result.intervals if one.model == verdict.model],
        advice=say(_advice(tool, verdict.kind)),
        command=f"afina call {tool} {shlex.quote(arguments)}",
    )


def _meaning(told: Told, verdict: EvaluationVerdict) -> str:
    mine = {one.metric: one for one in told.result.intervals if one.model == verdict.model}
    knowing, writing = [mine[name] for name in KNOWING if name in mine], mine.get(WRITING)
    if verdict.kind == "not_proven" and knowing and writing is not None:
        if improved(writing) and not any(map(improved, knowing)):
            return "It writes more like the texts, but does not show that it knows more of what they say."
        if worsened(writing) and any(map(improved, knowing)):
            return "It knows more of what the texts say, but writes less like them."
    return _MEANINGS[verdict.kind]


def _advice(tool: str, kind: VerdictKind) -> str:
    if tool == "ask_model":
        return "Ask it something."
    if tool == "annotate_dataset":
        return "Write questions on the texts and train on them too: more rows and more questions tell more."
    if tool == "start_finetune" and kind == "memorized":
        return "Train again with fewer steps, or with more rows."
    if tool == "start_finetune" and kind == "worse":
        return "Train again at a lower rate, or with fewer steps."
    return "Train again." if tool == "start_finetune" else "Next:"


def _evidence(result: EvaluateResult, one: Interval, say: Words) -> Evidence:
    scores = _scores(result, one.metric)
    bits = _is_bits(one.metric)

    def value(number: float) -> str:
        return say.number(number, 2) if bits else say.percent(number)

    def signed(number: float) -> str:
        return say.signed(number, 2) if bits else say.signed(100 * number, 0)

    kind = "good" if improved(one) else "bad" if worsened(one) else "unsure"
    said = {"good": "better", "bad": "worse", "unsure": "may be chance"}[kind]
    return Evidence(
        name=say(_NAMES[one.metric]) if one.metric in _NAMES else one.metric.replace("_", " "),
        # Of several bases, that of this model.
        base=value(scores.tuned[one.model] - one.change) if scores else "",
        tuned=value(scores.tuned[one.model]) if scores else "",
        change=signed(one.change) if bits else say.points(signed(one.change)),
        span=say("{low} to {high}", low=signed(one.low), high=signed(one.high)),
        kind=kind,
        said=say(said),
        interval=one,
    )


def _is_bits(metric: str) -> bool:
    return "bits" in metric


def _scores(result: EvaluateResult, metric: str) -> Scores | None:
    """The figures whose change an interval tells."""
    if metric.startswith(f"{GENERAL}_"):
        return (result.forgetting or {}).get(metric.removeprefix(f"{GENERAL}_"))
    if metric in (WRITING, TRAINED):
        return result.bits_per_byte if metric == WRITING else result.trained_bits_per_byte
    questions = result.questions
    return questions.choice_accuracy if questions and metric == "choice_accuracy" else None
