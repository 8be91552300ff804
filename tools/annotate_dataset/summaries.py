"""Whether a summary rests on its passage: shorter, in its language, and proven sentence by sentence."""

from __future__ import annotations

import re
from itertools import pairwise

from tools.annotate_dataset.checking import Fault, Rests, place_quotes
from tools.annotate_dataset.contract import Pair
from tools.errors import printable
from tools.language.one_form import SMALL, content, folded, forms, tokens
from tools.prepare_dataset.language import Language, is_clearly_not
from tools.prepare_dataset.sentences import sentence_borders

# Of the passage's characters, at most.
MOST_SHARE = 0.5
# A passage of fewer characters has nothing to sum up.
LEAST_PASSAGE = 300
_LEAST_WORDS = 8
# A sentence is proven by the quotes that share some words with it, in any inflection, if they have so much of it.
_PROVEN = 0.4
_SOME = 2
_STEM = 4  # letters that two inflections of a word share
_OPENERS = frozenset(
    re.findall(
        r"\w+",
        "ele ela eles elas este esta estes estas esse essa isso isto aquele aquela depois antes então quando enquanto "
        "mais tarde também ainda já só nunca sempre assim por fim finalmente no início entretanto porém contudo mas "
        "embora segundo após durante desde até sobre sob entre cada todos todas tudo ali aí lá cá aqui muitos muitas "
        "outro outra he she they this that these those then later after before when while also still only never "
        "always thus finally meanwhile however but although during since until between each all there here many "
        "another his her their its não sem seu sua seus suas como quem quanto there not no such one",
    )
)


def check_summary(pair: Pair, passage: str, language: Language) -> Fault | Rests:
    """The spans of the quotes that prove a summary, or what is wrong with it."""
    if pair.question.strip() or pair.rephrased is not None:
        return Fault("A summary answers no question.", "Leave `question` and `rephrased` out, or use form `question`.")
    summary = pair.answer.strip()
    if len(folded(summary).split()) < _LEAST_WORDS:
        return Fault("The summary is too short.", f"Sum the passage up in {_LEAST_WORDS} words or more.")
    most = int(len(passage) * MOST_SHARE)
    if len(summary) > most:
        told = f"The summary has {len(summary)} characters; this passage's has at most {most}."
        return Fault(told, "Leave details out.")
    if is_clearly_not(summary, language):
        name = "Portuguese" if language == "pt" else "English"
        return Fault("The summary is not in the passage's language.", f"Write it in {name}.")
    found = place_quotes(pair.quotes, passage)
    if isinstance(found, Fault):
        return found
    return _unproven(summary, pair.quotes) or _foreign(summary, passage) or found


def _unproven(summary: str, quotes: list[str]) -> Fault | None:
    """The first sentence that no quote backs."""
    said = [_stems(quote) for quote in quotes]
    for number, sentence in enumerate(_sentences(summary), 1):
        own = _stems(sentence)
        backing = [own & quote for quote in said if len(own & quote) >= min(_SOME, len(own))]
        if own and len(frozenset().union(*backing)) < _PROVEN * len(own):
            fix = "Quote the words of the passage that it sums up, or keep nearer to them."
            return Fault(f"Sentence {number} of the summary rests on none of the quotes.", fix)
    return None


def _foreign(summary: str, passage: str) -> Fault | None:
    """The first name or number that the passage does not have."""
    said = forms(passage)
    for word in tokens(summary):
        if word[:1].isdigit() and word not in said:
            told = f"The summary has a number that the passage does not: `{printable(word, 40)}`."
            return Fault(told, "Use the passage's numbers.")
    for sentence in _sentences(summary):
        for first, word in enumerate(re.findall(r"[^\W\d_][\w’'-]*", sentence)):
            if not word[0].isupper() or all(part in said for part in tokens(word)):
                continue
            if first:
                told = f"The summary has a name that the passage does not: `{printable(word, 40)}`."
                return Fault(told, "Use the passage's names.")
            if word.casefold() not in _OPENERS | SMALL and not _stems(word) & _stems(passage):
                told = f"A sentence begins with `{printable(word, 40)}`, a word that the passage does not have."
                return Fault(told, "It may be a name: begin with an article, or with a word of the passage.")
    return None


def _sentences(text: str) -> list[str]:
    edges = [(0, 0), *sentence_borders(text, 0, len(text)), (len(text), len(text))]
    return [text[begin:end] for (_, begin), (end, _) in pairwise(edges) if text[begin:end].strip()]


def _stems(text: str) -> frozenset[str]:
    return frozenset(word if word[:1].isdigit() else word[:_STEM] for word in content(text))
