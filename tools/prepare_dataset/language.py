"""Which language a text is in, as far as our wording needs it: Portuguese or English."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

Language = Literal["pt", "en"]
_SMALL_WORDS: dict[Language, frozenset[str]] = {
    "pt": frozenset(
        {"de", "que", "não", "uma", "um", "os", "da", "do", "em", "para", "com", "na", "no", "e", "é"}
        | {"qual", "quem", "quando", "onde", "como", "foi", "ao", "dos", "das", "se", "por"}
    ),
    "en": frozenset(
        {"the", "of", "and", "to", "in", "that", "was", "is", "his", "her", "with", "for", "it", "on"}
        | {"what", "who", "when", "where", "how", "did", "which", "were", "by", "at", "from"}
    ),
}


def tell_language(texts: Iterable[str]) -> Language:
    """The language whose small words are the more frequent; Portuguese when neither is."""
    counts = _count(texts)
    return "en" if counts["en"] > counts["pt"] else "pt"


def is_clearly_not(text: str, language: Language) -> bool:
    """Whether a text has more small words of the other language: too short a text is never clear."""
    counts = _count([text])
    other: Language = "en" if language == "pt" else "pt"
    return counts[other] > counts[language]


def _count(texts: Iterable[str]) -> dict[Language, int]:
    counts: dict[Language, int] = {"pt": 0, "en": 0}
    for text in texts:
        for word in re.findall(r"[^\W\d_]+", text[:20_000].lower()):
            for language, small in _SMALL_WORDS.items():
                counts[language] += word in small
    return counts
