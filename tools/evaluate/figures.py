"""From what was measured to figures: means over items, by model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from tools.evaluate.answers import contains, exact_match, token_f1
from tools.evaluate.behaviour import (
    admits_not_knowing,
    agreement,
    is_empty,
    is_in_another_language,
    is_looping,
)
from tools.evaluate.contract import Consistency, FormScores, QuestionScores, Repetition, Scores, SourceScores
from tools.evaluate.copying import COPIED_TOKENS
from tools.evaluate.items import spread
from tools.evaluate.measured import Asked, Continued, Form, Repeated, Texts
from tools.evaluate.overlap import chrf, rouge_l
from tools.evaluate.statistics import mcnemar, share_interval
from tools.prepare_dataset.language import Language

# A diverged adapter: its perplexity is told as e^100 and not as infinity.
_MOST_NATS = 100.0
_EXAMPLES = 4
_FORMS: tuple[Form, ...] = ("seen", "taught", "reversed", "held_out")


def by_model(models: Sequence[str], value: Callable[[str], float]) -> Scores:
    """`value` of each model; the base is the first."""
    base, *tuned = models
    return Scores(base=round(value(base), 4), tuned={model: round(value(model), 4) for model in tuned})


def mean(values: Iterable[float]) -> float:
    """The mean; 0 of nothing."""
    found = list(values)
    return sum(found) / len(found) if found else 0.0


def perplexity(texts: Texts, model: str) -> float:
    """exp of the mean nats a token."""
    return math.exp(min(_MOST_NATS, sum(texts.nats[model]) / max(1, sum(texts.tokens[model]))))


def bits_per_byte(texts: Texts, model: str) -> float:
    """Bits a UTF-8 byte of the scored text: comparable between tokenizers."""
    return sum(texts.nats[model]) / math.log(2) / max(1, sum(texts.sizes))


def of_source(texts: Texts, source: str) -> Texts:
    """The texts of one source alone."""
    kept = [i for i, name in enumerate(texts.sources) if name == source]
    return Texts(
        nats={model: [nats[i] for i in kept] for model, nats in texts.nats.items()},
        tokens={model: [tokens[i] for i in kept] for model, tokens in texts.tokens.items()},
        sizes=[texts.sizes[i] for i in kept],
        documents=[texts.documents[i] for i in kept],
        sources=[source] * len(kept),
    )


def per_source(models: Sequence[str], texts: Texts) -> list[SourceScores]:
    """By source, in the order of their names; none where there is one source alone."""
    names = sorted(set(texts.sources))
    if len(names) < 2:
        return []
    parts = [(name, of_source(texts, name)) for name in names]
    return [
        SourceScores(
            source=name,
            rows=len(part.sizes),
            bits_per_byte=by_model(models, lambda model, part=part: bits_per_byte(part, model)),  # type: ignore[misc]
        )
        for name, part in parts
    ]


def question_scores(
    models: Sequence[str], asked: Sequence[Asked], language: Language, base_of: Callable[[str], str]
) -> QuestionScores | None:
    """None where no question was asked. base_of: the base that a model is compared with, itself for a base."""
    known = [one for one in asked if one.own]
    if not known:
        return None
    strangers = [one for one in asked if one.form == "unanswerable"]
    choices = [one for one in known if one.options]

    def score(measure: Callable[[str, Sequence[str]], float]) -> Scores:
        return by_model(models, lambda model: mean(measure(one.answers[model], one.references) for one in known))

    matched = {model: [exact_match(one.answers[model], one.references, language) for one in known] for model in models}
    found = QuestionScores(
        asked=len(known),
        exact_match=by_model(models, lambda model: mean(matched[model])),
        contains_answer=score(lambda answer, right: contains(answer, right, language)),
        token_f1=score(lambda answer, right: token_f1(answer, right, language)),
        chrf=score(lambda answer, right: max(chrf(answer, one) for one in right)),
        rouge_l=score(lambda answer, right: max(rouge_l(answer, one) for one in right)),
        share_intervals={"exact_match": _intervals(matched)},
        mcnemar={
            model: round(mcnemar(matched[base_of(model)], matched[model]), 4)
            for model in models
            if base_of(model) != model
        },
        forms=_forms(models, asked, language),
        choices=len(choices),
        unanswerable=len(strangers),
        examples=_examples(models, known),
    )
    if choices:
        chosen = {model: [one.chose_right(model) for one in choices] for model in models}
        found.choice_accuracy = by_model(models, lambda model: mean(chosen[model]))
        found.share_intervals["choice_accuracy"] = _intervals(chosen)
        found.chance = round(mean(1 / len(one.options) for one in choices), 4)
    if strangers:
        found.admits_not_knowing = by_model(
            models, lambda model: mean(admits_not_knowing(one.answers[model], language) for one in strangers)
        )
    return found


def _forms(models: Sequence[str], asked: Sequence[Asked], language: Language) -> dict[str, FormScores]:
    """By form, in a fixed order."""
    groups = {form: [one for one in asked if one.form == form] for form in _FORMS}
    return {form: _form_scores(models, questions, language) for form, questions in groups.items() if questions}


def _form_scores(models: Sequence[str], asked: Sequence[Asked], language: Language) -> FormScores:
    matched = {model: [exact_match(one.answers[model], one.references, language) for one in asked] for model in models}
    return FormScores(
        asked=len(asked),
        exact_match=by_model(models, lambda model: mean(matched[model])),
        token_f1=by_model(
            models, lambda model: mean(token_f1(one.answers[model], one.references, language) for one in asked)
        ),
        share_intervals=_intervals(matched),
    )


def _intervals(right: dict[str, list[bool]]) -> dict[str, tuple[float, float]]:
    found = {model: share_interval(sum(answers), len(answers)) for model, answers in right.items()}
    return {model: (round(low, 4), round(high, 4)) for model, (low, high) in found.items()}


def _examples(models: Sequence[str], known: Sequence[Asked]) -> list[dict[str, object]]:
    return [
        {
            "question": one.question.question,
            "reference": one.question.answer,
            "answers": {model: one.answers[model][:300] for model in models},
        }
        for one in spread(known, _EXAMPLES)
    ]


def repetition(models: Sequence[str], continued: Sequence[Continued]) -> Repetition | None:
    """Of passages that were trained on; None without any."""
    trained = [one for one in continued if one.trained]
    if not trained:
        return None
    return Repetition(
        passages=len(trained),
        longest=by_model(models, lambda model: float(max(one.longest[model] for one in trained))),
        copied=by_model(models, lambda model: mean(one.longest[model] >= COPIED_TOKENS for one in trained)),
        given_back=by_model(models, lambda model: mean(one.extracted[model] for one in trained)),
    )


def consistency(models: Sequence[str], repeated: Sequence[Repeated], language: Language) -> Consistency | None:
    """None where nothing was asked."""
    if not repeated:
        return None

    def share(is_so: Callable[[str], bool]) -> Scores:
        return by_model(models, lambda model: mean(is_so(answer) for one in repeated for answer in one.answers[model]))

    return Consistency(
        questions=len(repeated),
        agreement=by_model(models, lambda model: mean(agreement(one.answers[model], language) for one in repeated)),
        empty=share(is_empty),
        looping=share(is_looping),
        other_language=share(lambda answer: is_in_another_language(answer, language)),
    )
