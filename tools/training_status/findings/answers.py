"""Do the answers at the evaluations make sense? Empty, running in circles, all the same, in another language."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.prepare_dataset.language import Language, is_clearly_not
from tools.training_status.contract import Finding
from tools.training_status.record import Record

_WORD = re.compile(r"\w+")
# An answer of at least so many words loops when at most this share of its runs of three words are distinct.
_LEAST_WORDS, _RUN, _DISTINCT = 12, 3, 0.5
_LANGUAGES: dict[Language, str] = {"pt": "Portuguese", "en": "English"}


def odd_answers(record: Record) -> Iterator[Finding]:
    """What is odd about most of the newest answers, and was not so in the base's."""
    row = record.answers
    if row is None or row["step"] == 0:
        return
    now = [str(item["answer"]) for item in row["answers"]]
    base = [str(item["answer"]) for item in record.base_answers]
    if not now:
        return
    at = f"at step {row['step']}"
    for finding, is_odd, change in (
        (
            "answers are empty",
            _is_empty,
            "Look at the rows (prepare_dataset with dry_run): answers may be empty or cut short; or lower the rate.",
        ),
        (
            "answers run in circles",
            loops,
            "Samples are greedy: ask with a temperature of 0.5 to 0.9. Where that is not enough, train for fewer "
            "iters, or on more varied examples.",
        ),
    ):
        odd, before = sum(map(is_odd, now)), sum(map(is_odd, base))
        if 2 * odd > len(now) and odd > before:
            evidence = f"{odd} of {len(now)} {at}; of the base's, {before} of {len(base)}."
            yield Finding(finding=finding, evidence=evidence, change=change)
    yield from _all_the_same(now, base, at)
    yield from _other_language(record, now, at)


def loops(text: str) -> bool:
    """Whether a text says the same over and over."""
    words = _WORD.findall(text.lower())
    if len(words) < _LEAST_WORDS:
        return False
    runs = [tuple(words[i : i + _RUN]) for i in range(len(words) - _RUN + 1)]
    return len(set(runs)) <= _DISTINCT * len(runs)


def _is_empty(text: str) -> bool:
    return _WORD.search(text) is None


def _all_the_same(now: list[str], base: list[str], at: str) -> Iterator[Finding]:
    if len(now) > 1 and len(set(now)) == 1 and not _is_empty(now[0]) and len(set(base)) > 1:
        yield Finding(
            finding="all questions get the same answer",
            evidence=f"{len(now)} of {len(now)} {at}; the base gave {len(set(base))} different ones.",
            change="Train on more varied examples, at a lower rate or for fewer iters.",
        )


def _other_language(record: Record, now: list[str], at: str) -> Iterator[Finding]:
    language = record.card.get("language")
    if language not in _LANGUAGES:
        return
    foreign = sum(is_clearly_not(answer, language) for answer in now)
    if 2 * foreign > len(now):
        other = next(name for code, name in _LANGUAGES.items() if code != language)
        yield Finding(
            finding="answers are in another language",
            evidence=f"{foreign} of {len(now)} {at} are in {other}; the dataset is in {_LANGUAGES[language]}.",
            change=f"Train longer, on more rows; or take a base that speaks {_LANGUAGES[language]} better.",
        )
