"""Whether a question and its answer rest on the passage: by the quotes that must stand in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tools.annotate_dataset.contract import Pair
from tools.annotate_dataset.quotes import find_quote
from tools.errors import printable
from tools.language.one_form import content, folded, forms, missing
from tools.prepare_dataset.language import Language, is_clearly_not

_NAMES = {"pt": "Portuguese", "en": "English"}
_YES_OR_NO = re.compile(r"(?:sim|não|nao|yes|no)\b(?:\s*[,.;:!—–-]|\s*$)", re.IGNORECASE)
_TEXT = r"(?:texto|excerto|trecho|extrato|passo|fragmento|parágrafo)"
_TEXT_F = r"(?:passagem|citação)"
_POINTS = re.compile(
    rf"\b(?:n?d?este|n?d?esse|segundo o|conforme o|de acordo com o)s? {_TEXT}s?\b"
    rf"|\b(?:n?d?esta|n?d?essa|segundo a|conforme a|de acordo com a)s? {_TEXT_F}\b"
    rf"|\b(?:no|do|pelo) {_TEXT}\b(?! d[aeo])|\b(?:na|da|pela) {_TEXT_F}\b(?! d[aeo])"
    rf"|\b{_TEXT}s? (?:acima|abaixo|anterior|seguinte|apresentado|dado|fornecido)"
    r"|\b(?:this|the|that|above) (?:passage|text|excerpt|paragraph|extract|snippet)\b(?! of\b)|\bas mentioned above\b",
    re.IGNORECASE,
)
_PRONOUN = re.compile(
    r"\b(?:el[ea]s?|del[ea]s?|nel[ea]s?|seus?|suas?|lhes?|he|she|they|him|his|her|their|them|it|its)\b", re.IGNORECASE
)
# Words of a question that name nothing.
_EMPTY = frozenset(
    re.findall(
        r"\w+",
        "qual quais quem quando onde como quanto quanta quantos quantas porque porquê ano dia mês data lugar sítio "
        "isso isto aquilo esse essa este esta aquele aquela nome chama chamava aconteceu this that these those "
        "ela ele elas eles what who whom whose when where how which why many much did "
        "does do has had have year day date place name called happened he she they it its his her their",
    )
)
_LEAST_NAMED = 2


@dataclass(frozen=True)
class Fault:
    reason: str
    fix: str


@dataclass(frozen=True)
class Rests:
    """Where in the passage the quotes stand that prove a pair, in their order."""

    quotes: tuple[tuple[int, int], ...]

    @property
    def span(self) -> tuple[int, int]:
        return min(start for start, _ in self.quotes), max(end for _, end in self.quotes)


def check_question(pair: Pair, passage: str, language: Language) -> Fault | Rests:
    """The spans of the quotes of a question and answer, or what is wrong with them."""
    for name, text in (("question", pair.question), ("answer", pair.answer)):
        if not text.strip():
            return Fault(f"The {name} is empty.", f"Fill the {name}.")
    found = place_quotes(pair.quotes, passage)
    if isinstance(found, Fault):
        return found
    return _answer(pair) or _questions(pair, language) or found


def place_quotes(quotes: Sequence[str], passage: str) -> Fault | Rests:
    """Where all quotes stand, or which one does not."""
    if not quotes or not all(quote.strip() for quote in quotes):
        return Fault("The quote is empty.", "Fill the quote.")
    spans = [find_quote(passage, quote) for quote in quotes]
    for number, span in enumerate(spans, 1):
        if span is None:
            which = "The quote" if len(quotes) == 1 else f"Quote {number}"
            return Fault(f"{which} does not stand in the passage.", "Copy it from the passage, letter by letter.")
    return Rests(tuple(span for span in spans if span is not None))


def _answer(pair: Pair) -> Fault | None:
    if _YES_OR_NO.match(pair.answer.strip()):
        return Fault("A yes or no cannot be checked against a quote.", "Ask for the thing itself, and answer with it.")
    if not content(pair.answer):
        return Fault("The answer has no content of its own.", "Answer with the words that the quote gives.")
    said = frozenset().union(*(forms(quote) for quote in pair.quotes))
    others = missing(pair.answer, said)
    if others:
        told = f"The answer says what the quote does not: `{printable(others[0], 40)}`."
        return Fault(told, "Answer in the quote's words, or quote more.")
    return None


def _questions(pair: Pair, language: Language) -> Fault | None:
    for question in (pair.question, pair.rephrased):
        fault = _question(question, pair.answer, language) if question is not None else None
        if fault is not None:
            return fault
    if pair.rephrased is not None and folded(pair.rephrased) == folded(pair.question):
        return Fault("`rephrased` repeats the question.", "Use other words, or leave it out.")
    return None


def _question(question: str, answer: str, language: Language) -> Fault | None:
    """What keeps a question from standing alone."""
    if len(folded(question).split()) < 3:
        return Fault("The question is too short to stand alone.", "Ask it so that it is clear without the passage.")
    if is_clearly_not(question, language):
        return Fault("The question is not in the passage's language.", f"Ask it in {_NAMES[language]}.")
    if _POINTS.search(question):
        told = "The question points at the passage, which nobody sees who is asked it."
        return Fault(told, "Name the book, the person or the place instead.")
    if not missing(answer, forms(question)):
        return Fault("The question holds its answer.", "Ask for what the question does not tell.")
    if not _names_something(question):
        named = _PRONOUN.search(question)
        told = "The question has a pronoun for what it is about." if named else "The question names too little."
        return Fault(told, "Name whom or what it is about, so that it is clear without the passage.")
    return None


def _names_something(question: str) -> bool:
    """Whether a question says what it is about: by a name, a title or a figure; else by nouns, and no pronoun."""
    later = question.strip().split(" ", 1)[-1]
    if re.search(r"[«“\"]|\d|(?:^|\s)[A-ZÀ-Ý]\w+", later):
        return True
    told = [word for word in content(question) if word not in _EMPTY and not _PRONOUN.fullmatch(word)]
    return _PRONOUN.search(question) is None and len(told) >= _LEAST_NAMED
