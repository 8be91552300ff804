"""Whether a question and its answer rest on the passage: by the quote that must stand in it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from tools.annotate_dataset.contract import Pair
from tools.prepare_dataset.language import Language, is_clearly_not

# Words that an answer may add to those of its quote.
_SMALL = frozenset(
    {"a", "o", "as", "os", "um", "uma", "de", "da", "do", "das", "dos", "em", "na", "no", "nas", "nos", "e", "ao", "à"}
    | {"por", "para", "com", "que", "foi", "era", "é", "se", "the", "of", "an", "in", "on", "at", "and", "to", "by"}
    | {"was", "is", "it"}
)


@dataclass(frozen=True)
class Fault:
    reason: str
    fix: str


def folded(text: str) -> str:
    """Words and figures alone, in small letters: how questions are told apart."""
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFC", text).casefold()))


def find_quote(passage: str, quote: str) -> tuple[int, int] | None:
    """Where a quote stands in a passage, blanks and line ends counting alike; None when it does not."""
    words = unicodedata.normalize("NFC", quote).split()
    if not words:
        return None
    match = re.search(r"\s+".join(re.escape(word) for word in words), passage)
    return match.span() if match else None


def check_pair(pair: Pair, passage: str, language: Language) -> Fault | tuple[int, int]:
    """The span of the quote in the passage, or what is wrong with the pair."""
    for name, text in (("question", pair.question), ("answer", pair.answer), ("quote", pair.quote)):
        if not text.strip():
            return Fault(f"The {name} is empty.", f"Fill the {name}.")
    found = find_quote(passage, pair.quote)
    if found is None:
        return Fault("The quote does not stand in the passage.", "Copy it from the passage, letter by letter.")
    answer, quote = folded(pair.answer).split(), folded(pair.quote).split()
    content = [word for word in answer if word not in _SMALL]
    if not content:
        return Fault("The answer has no content of its own.", "Answer with the words that the quote gives.")
    missing = [word for word in content if word not in quote]
    if missing:
        return Fault("The answer says what the quote does not.", "Answer in the quote's words, or quote more.")
    for question in (pair.question, pair.rephrased or pair.question):
        if len(folded(question).split()) < 3:
            return Fault("The question is too short to stand alone.", "Ask it so that it is clear without the passage.")
        if f" {' '.join(answer)} " in f" {folded(question)} ":
            return Fault("The question holds its answer.", "Ask for what the question does not tell.")
        if is_clearly_not(question, language):
            told = "Portuguese" if language == "pt" else "English"
            return Fault("The question is not in the passage's language.", f"Ask it in {told}.")
    if pair.rephrased is not None and folded(pair.rephrased) == folded(pair.question):
        return Fault("`rephrased` repeats the question.", "Use other words, or leave it out.")
    return found
