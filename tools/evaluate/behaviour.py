"""How answers behave, right or wrong: empty, looping, in another language, the same when asked again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations

from tools.evaluate.answers import token_f1
from tools.language.words import words
from tools.prepare_dataset.language import Language, is_clearly_not

# An answer loops when a phrase comes back to back so often, or when so few of its phrases are new.
_REPEATS = 3
_FRESH_SHARE = 0.35
_LEAST_WORDS = 12

_ADMISSIONS: dict[Language, re.Pattern[str]] = {
    "pt": re.compile(
        r"\bn[ãa]o (?:\w+ )?(?:sei|sabemos|consta|constam|conheço|encontr\w+|diz|menciona|refere|se sabe"
        r"|é (?:dito|mencionad[oa]|referid[oa]|possível)|(?:há|existe|tenho) (?:registo|informaç|dados|menção))"
        r"|\bdesconhe[cç]\w+|\bsem (?:informaç|registo|dados)",
        re.IGNORECASE,
    ),
    "en": re.compile(
        r"\b(?:i )?(?:do not|don't|did not|cannot|can't) (?:know|say|tell|find|have)\b|\bunknown\b"
        r"|\bnot (?:mentioned|known|stated|given|available|found)\b|\bno (?:information|record|data|mention)\b",
        re.IGNORECASE,
    ),
}


def is_empty(answer: str) -> bool:
    """Whether an answer has no word."""
    return not words(answer)


def is_looping(answer: str) -> bool:
    """Whether an answer says the same again and again."""
    said = words(answer)
    if any(_repeats(said, length) >= _REPEATS for length in range(1, len(said) // _REPEATS + 1)):
        return True
    phrases = list(zip(said, said[1:], said[2:], strict=False))
    return len(said) >= _LEAST_WORDS and len(set(phrases)) < _FRESH_SHARE * len(phrases)


def _repeats(said: Sequence[str], length: int) -> int:
    """The most times that a phrase of `length` words stands one after the other; single words need be long runs."""
    most = run = 1
    for at in range(length, len(said) - length + 1, 1):
        if said[at : at + length] == said[at - length : at]:
            run += 1
            most = max(most, 1 + run // length)
        else:
            run = 0
    return most if length > 1 or most > _REPEATS else 1


def is_in_another_language(answer: str, language: Language) -> bool:
    """Whether an answer is clearly in the other language; short answers never are."""
    return is_clearly_not(answer, language)


def admits_not_knowing(answer: str, language: Language) -> bool:
    """Whether an answer says that it does not know, instead of inventing one."""
    return _ADMISSIONS[language].search(answer) is not None


def agreement(answers: Sequence[str], language: Language) -> float:
    """Mean token F1 of every pair of answers to one question, 0 to 1; 1 for fewer than two."""
    pairs = list(combinations(answers, 2))
    if not pairs:
        return 1.0
    return sum(_pair(one, other, language) for one, other in pairs) / len(pairs)


def _pair(one: str, other: str, language: Language) -> float:
    return 1.0 if is_empty(one) and is_empty(other) else token_f1(one, [other], language)
