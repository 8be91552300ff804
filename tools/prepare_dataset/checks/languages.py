"""In which language texts are, where it is clearly not the one expected.

Small words settle nearly all texts. Only what they leave open is given to py3langid, whose model
takes half a second to load: it is loaded at the first such text.
"""

from __future__ import annotations

import math
import re
from functools import cache
from typing import Any

from tools.prepare_dataset.language import Language

_WORD = re.compile(r"[^\W\d_]+")
# Frequent words that the neighbouring languages write otherwise.
_OWN: dict[Language, frozenset[str]] = {
    "pt": frozenset(
        {"não", "uma", "um", "os", "da", "do", "em", "com", "na", "à", "ao", "dos", "das", "nas", "nos", "pela", "pelo"}
        | {"ele", "ela", "seu", "sua", "mais", "foi", "são", "é", "às", "aos", "isso", "eu", "muito", "já"}
    ),
    "en": frozenset(
        {"the", "of", "and", "to", "was", "that", "his", "her", "with", "for", "it", "on", "is", "were", "had"}
        | {"which", "from", "this", "they", "at", "be", "not", "you", "he", "she"}
    ),
}
# Of the words of a text in a language, at least so many are such; a text in another has hardly any.
_CLEAR = 0.08
_FEWEST_WORDS = 25
_JUDGED_CHARACTERS = 1200
# By how many nats a language must be the likelier, times the root of the words: the classifier's
# likelihoods grow so. Galician differs from Portuguese by 9, commands of a shell by 6, Spanish by 30.
_MARGIN = 15.0
NAMES = {
    "pt": "Portuguese", "en": "English", "es": "Spanish", "gl": "Galician", "ca": "Catalan", "fr": "French",
    "it": "Italian", "de": "German", "nl": "Dutch", "la": "Latin", "ro": "Romanian", "pl": "Polish", "ru": "Russian",
    "sv": "Swedish", "da": "Danish", "no": "Norwegian", "tr": "Turkish", "ar": "Arabic", "he": "Hebrew",
    "el": "Greek", "ja": "Japanese", "zh": "Chinese", "ko": "Korean",
}  # fmt: skip


def other_language(text: str, expected: Language) -> str | None:
    """The code (ISO 639-1) of the language of a text that is clearly not in the expected one; None when it may be."""
    text = text[:_JUDGED_CHARACTERS]
    words = _WORD.findall(text.lower())
    if len(words) < _FEWEST_WORDS or sum(word in _OWN[expected] for word in words) >= _CLEAR * len(words):
        return None
    ranks = dict(_classifier().rank(text))
    best = max(ranks, key=lambda code: (ranks[code], code))
    return best if ranks[best] - ranks[expected] > _MARGIN * math.sqrt(len(words)) else None


@cache
def _classifier() -> Any:
    """A naive Bayes classifier over runs of bytes (Lui and Baldwin 2012), of the languages that we name."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]

    classifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    classifier.set_languages(sorted(NAMES))
    return classifier
