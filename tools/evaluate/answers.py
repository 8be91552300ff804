"""Whether an answer is right: normalization that suits Portuguese, exact match, token F1.

SQuAD's script drops English articles, which would maim Portuguese; here accents stay, case and
punctuation go, leading articles and prepositions of either language go, and numbers are compared in
one form (`1.234,5`, `1 234,5` and `1234.5` are equal).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

_ARTICLES = frozenset(
    {"o", "a", "os", "as", "um", "uma", "uns", "umas", "de", "do", "da", "dos", "das", "em", "no", "na", "nos", "nas"}
    | {"the", "an", "of", "in"}
)
_NUMBER = re.compile(r"\d{1,3}(?:[ .\u00a0]\d{3})+(?:,\d+)?|\d+(?:[.,]\d+)?")
_WORD = re.compile(r"\d+(?:\.\d+)?|[^\W_]+(?:-[^\W_]+)*")


def words(text: str) -> list[str]:
    """The words of a text as they are compared: lower case, numbers in one form, no punctuation."""
    folded = unicodedata.normalize("NFC", text).casefold()
    return _WORD.findall(_NUMBER.sub(_plain_number, folded))


def content_words(text: str) -> list[str]:
    """`words` without articles and prepositions; all of them where nothing else is left."""
    found = words(text)
    return [word for word in found if word not in _ARTICLES] or found


def exact_match(answer: str, references: Iterable[str]) -> bool:
    given = content_words(answer)
    return any(given == content_words(reference) for reference in references)


def contains(answer: str, references: Iterable[str]) -> bool:
    """Whether a reference stands in the answer as a run of whole words."""
    given = f" {' '.join(content_words(answer))} "
    return any(f" {' '.join(content_words(reference))} " in given for reference in references if words(reference))


def token_f1(answer: str, references: Iterable[str]) -> float:
    """Best F1 over the references of the words in common (as in SQuAD's script), 0 to 1."""
    return max((_f1(content_words(answer), content_words(reference)) for reference in references), default=0.0)


def _f1(given: list[str], wanted: list[str]) -> float:
    common = sum((Counter(given) & Counter(wanted)).values())
    if not common:
        return 0.0
    precision, recall = common / len(given), common / len(wanted)
    return 2 * precision * recall / (precision + recall)


def _plain_number(match: re.Match[str]) -> str:
    text = match.group().replace("\u00a0", " ")
    if re.fullmatch(r"\d{1,3}(?:[ .]\d{3})+(?:,\d+)?", text):
        text = text.replace(" ", "").replace(".", "")
    text = text.replace(",", ".")
    return text.rstrip("0").rstrip(".") if "." in text else text
