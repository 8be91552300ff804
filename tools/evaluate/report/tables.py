"""The figures of a report as rows of text: one list for Markdown and HTML."""

from __future__ import annotations

from collections.abc import Iterator

from tools.evaluate.contract import EvaluateResult, Interval, Scores


def rows(result: EvaluateResult) -> Iterator[tuple[str, Scores]]:
    """What was measured, in the order in which a reader asks: a name and the value of each model."""
    yield from _texts(result)
    yield from _questions(result)
    if result.repetition is not None:
        count = result.repetition.passages
        yield f"longest verbatim run, tokens ({count} openings of trained passages)", result.repetition.longest
        yield "continuations with 50 tokens or more copied", result.repetition.copied
        yield "share of the passage given back", result.repetition.given_back
    if result.consistency is not None:
        yield f"agreement of answers ({result.consistency.questions} questions, 4 times)", result.consistency.agreement
        yield "empty answers", result.consistency.empty
        yield "answers that go round in circles", result.consistency.looping
        yield "answers in another language", result.consistency.other_language


def _texts(result: EvaluateResult) -> Iterator[tuple[str, Scores]]:
    if result.bits_per_byte is not None:
        yield f"bits per byte ({result.rows} unseen rows)", result.bits_per_byte
    if result.trained_bits_per_byte is not None:
        yield "bits per byte (trained rows)", result.trained_bits_per_byte
    if result.perplexity is not None:
        yield "perplexity (unseen rows)", result.perplexity
    for language, scores in (result.forgetting or {}).items():
        yield f"bits per byte (general text, {language})", scores


def _questions(result: EvaluateResult) -> Iterator[tuple[str, Scores]]:
    asked = result.questions
    if asked is None:
        return
    yield f"exact match ({asked.asked} questions)", asked.exact_match
    yield "answer contained", asked.contains_answer
    yield "token F1", asked.token_f1
    yield "chrF2++", asked.chrf
    yield "ROUGE-L", asked.rouge_l
    if asked.choice_accuracy is not None:
        yield f"right one of several ({asked.choices} questions, {asked.chance:.0%} by chance)", asked.choice_accuracy
    if asked.admits_not_knowing is not None:
        yield f"owns not to know ({asked.unanswerable} unanswerable questions)", asked.admits_not_knowing


def change(interval: Interval) -> str:
    """A change from base to tuned with its interval."""
    return f"{interval.change:+.3f} ({interval.low:+.3f} to {interval.high:+.3f})"
