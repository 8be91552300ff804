"""Whether an answer is right: exact match and token F1, fair to Portuguese.

As SQuAD's script (https://aclanthology.org/D16-1264), whose scores these are for plain English, but
that script drops `a`, `an` and `the` alone, which would maim Portuguese. Here accents stay, case,
punctuation and the language's own articles go, and what has many forms is compared in one: numbers
(`1.234,5`, `1234.5`, `vinte e três`), ordinals (`3.º`, `terceira`), dates (`3 de outubro de 1953`, `03/10/1953`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from tools.language.one_form import tokens
from tools.prepare_dataset.language import Language

_ARTICLES: dict[Language, frozenset[str]] = {
    "pt": frozenset(
        {"o", "a", "os", "as", "um", "uma", "uns", "umas", "de", "do", "da", "dos", "das", "em"}
        | {"no", "na", "nos", "nas"}
    ),
    "en": frozenset({"a", "an", "the"}),
}


def content_words(text: str, language: Language = "pt") -> list[str]:
    """The words that are compared; articles too where nothing else is left."""
    found = list(tokens(text))
    return [word for word in found if word not in _ARTICLES[language]] or found


def exact_match(answer: str, references: Iterable[str], language: Language = "pt") -> bool:
    given = content_words(answer, language)
    return any(_match(given, content_words(reference, language)) for reference in references)


def contains(answer: str, references: Iterable[str], language: Language = "pt") -> bool:
    """Whether a reference stands in the answer as a run of whole words."""
    given = content_words(answer, language)
    for reference in references:
        wanted = content_words(reference, language)
        starts = range(len(given) - len(wanted) + 1) if wanted else range(0)
        if any(_match(given[start : start + len(wanted)], wanted) for start in starts):
            return True
    return False


def token_f1(answer: str, references: Iterable[str], language: Language = "pt") -> float:
    """Best F1 over the references of the words in common, 0 to 1."""
    given = content_words(answer, language)
    return max((_f1(given, content_words(reference, language)) for reference in references), default=0.0)


def _f1(given: Sequence[str], wanted: Sequence[str]) -> float:
    known = [next((word for word in wanted if same(one, word)), one) for one in given]
    common = sum((Counter(known) & Counter(wanted)).values())
    if not common:
        return 0.0
    precision, recall = common / len(given), common / len(wanted)
    return 2 * precision * recall / (precision + recall)


def _match(given: Sequence[str], wanted: Sequence[str]) -> bool:
    return len(given) == len(wanted) and all(map(same, given, wanted))


def same(given: str, wanted: str) -> bool:
    """Whether two words are equal; of decimal numbers, whether either is the other rounded to its decimals."""
    if given == wanted:
        return True
    decimals = [_decimals(word) for word in (given, wanted)]
    if None in decimals or max(map(int, filter(None, decimals)), default=0) == 0:
        return False
    fewer = min(int(number or 0) for number in decimals)
    # A whole number does not stand for one with decimals: `34` is not `34,4`.
    return fewer > 0 and math.isclose(float(given), float(wanted), rel_tol=0, abs_tol=0.5 * 10**-fewer + 1e-12)


def _decimals(word: str) -> int | None:
    whole, point, part = word.partition(".")
    if not whole.isascii() or not whole.isdigit() or (point and not (part.isascii() and part.isdigit())):
        return None
    return len(part)
