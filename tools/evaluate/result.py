"""The answer of an evaluation, from what it measured."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from tools.evaluate import figures
from tools.evaluate.contract import EvaluateResult, Standings
from tools.evaluate.evidence import intervals
from tools.evaluate.figures import by_model
from tools.evaluate.measured import Measured
from tools.evaluate.standings import standings
from tools.evaluate.verdict import TRAINED, judge
from tools.next_call import next_call
from tools.prepare_dataset.language import Language


@dataclass(frozen=True)
class Subject:
    """What was compared on what.

    models: the first base, then all others. zeros: the adapters that are all zeros. bases: the base of each model, the
    first where it is not told. run: whose checkpoints they are. strangers: adapters that were trained on other
    datasets, which can know none of this one's train rows by heart.
    """

    evaluation: str
    dataset: str
    language: Language
    models: tuple[str, ...]
    zeros: Collection[str] = ()
    bases: Mapping[str, str] = field(default_factory=dict)
    run: str | None = None
    strangers: Collection[str] = ()

    def base_of(self, model: str) -> str:
        """The base that a model is compared with; itself for a base."""
        return self.bases.get(model, self.models[0])


def conclude(subject: Subject, measured: Measured) -> EvaluateResult:
    """Figures, intervals and verdicts."""
    result = EvaluateResult(evaluation=subject.evaluation, state="succeeded", base=subject.models[0], next="")
    unseen, trained = measured.unseen, measured.trained
    if unseen is not None and unseen.sizes:
        result.rows = len(unseen.sizes)
        result.perplexity = by_model(subject.models, lambda model: figures.perplexity(unseen, model))
        result.bits_per_byte = by_model(subject.models, lambda model: figures.bits_per_byte(unseen, model))
        result.per_source = figures.per_source(subject.models, unseen)
    readers = [model for model in _tuned(subject) if model not in subject.strangers]
    if trained is not None and trained.sizes and (readers or not _tuned(subject)):
        result.trained_bits_per_byte = by_model(subject.models, lambda model: figures.bits_per_byte(trained, model))
    if measured.general is not None:
        result.forgetting = {
            language: by_model(subject.models, lambda model, texts=texts: figures.bits_per_byte(texts, model))  # type: ignore[misc]
            for language, texts in measured.general.items()
        }
    result.questions = figures.question_scores(subject.models, measured.asked or [], subject.language, subject.base_of)
    result.repetition = figures.repetition(subject.models, measured.continued or [])
    result.consistency = figures.consistency(subject.models, measured.repeated or [], subject.language)
    result.standings = standings(subject.models, measured, subject.run)
    for model in _judged(subject, result.standings):
        base = subject.base_of(model)
        found = intervals(measured, base, model, subject.language)
        repeated = figures.repetition((base, model), measured.continued or [])
        if model in subject.strangers:
            found, repeated = [one for one in found if one.metric != TRAINED], None
        result.intervals += found
        zero = model in subject.zeros
        result.verdict.append(judge(model, found, subject.dataset, zero=zero, repetition=repeated))
    result.next = _next(subject, result)
    return result


def _tuned(subject: Subject) -> list[str]:
    return [model for model in subject.models if subject.base_of(model) != model]


def _judged(subject: Subject, found: Standings | None) -> list[str]:
    """The tuned models; of a run, its best checkpoint, the last one where the base is better than all."""
    tuned = _tuned(subject)
    if subject.run is None or found is None:
        return tuned
    return [found.best] if found.best in tuned else tuned[-1:]


def _next(subject: Subject, result: EvaluateResult) -> str:
    """What to do with the best of what was judged; with a base alone, to train it."""
    best = result.standings.best if result.standings else None
    for verdict in sorted(result.verdict, key=lambda one: one.model != best):
        return verdict.action
    return next_call("start_finetune", dataset=subject.dataset, model=best or subject.models[0], dry_run=True)
