"""The answer of an evaluation, from what it measured."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tools.evaluate import figures
from tools.evaluate.contract import EvaluateResult
from tools.evaluate.evidence import intervals
from tools.evaluate.figures import by_model
from tools.evaluate.measured import Measured
from tools.evaluate.verdict import judge
from tools.prepare_dataset.language import Language


@dataclass(frozen=True)
class Subject:
    """What was compared on what. models: the base, then the tuned ones. zeros: the adapters that are all zeros."""

    evaluation: str
    dataset: str
    language: Language
    models: tuple[str, ...]
    zeros: Collection[str] = ()


def conclude(subject: Subject, measured: Measured) -> EvaluateResult:
    """Figures, intervals and verdicts."""
    base, *tuned = subject.models
    result = EvaluateResult(evaluation=subject.evaluation, state="succeeded", base=base, next="")
    unseen, trained = measured.unseen, measured.trained
    if unseen is not None and unseen.sizes:
        result.rows = len(unseen.sizes)
        result.perplexity = by_model(subject.models, lambda model: figures.perplexity(unseen, model))
        result.bits_per_byte = by_model(subject.models, lambda model: figures.bits_per_byte(unseen, model))
        result.per_source = figures.per_source(subject.models, unseen)
    if trained is not None and trained.sizes:
        result.trained_bits_per_byte = by_model(subject.models, lambda model: figures.bits_per_byte(trained, model))
    if measured.general is not None:
        result.forgetting = {
            language: by_model(subject.models, lambda model, texts=texts: figures.bits_per_byte(texts, model))  # type: ignore[misc]
            for language, texts in measured.general.items()
        }
    result.questions = figures.question_scores(subject.models, measured.asked or [], subject.language)
    result.repetition = figures.repetition(subject.models, measured.continued or [])
    result.consistency = figures.consistency(subject.models, measured.repeated or [], subject.language)
    for model in tuned:
        found = intervals(measured, base, model, subject.language)
        result.intervals += found
        zero = model in subject.zeros
        result.verdict.append(judge(model, found, subject.dataset, zero=zero, repetition=result.repetition))
    result.next = result.verdict[0].action
    return result
