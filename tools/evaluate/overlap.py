"""How near generated text comes to a reference: chrF2++ and ROUGE-L, 0 to 100.

Character n-grams suit a language of many endings better than words do; both count the accents that
rouge-score's own tokenizer would drop.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from rapidfuzz.distance import LCSseq

from tools.language.words import words


def chrf(text: str, reference: str) -> float:
    """chrF2++ (https://aclanthology.org/W17-4770) of one text, as sacrebleu computes it."""
    return float(_chrf().sentence_score(text, [reference]).score)


def rouge_l(text: str, reference: str) -> float:
    """F1 of the longest common subsequence of words (https://aclanthology.org/W04-1013)."""
    given, wanted = words(text), words(reference)
    if not given or not wanted:
        return 0.0
    return 200.0 * LCSseq.similarity(given, wanted) / (len(given) + len(wanted))


@cache
def _chrf() -> Any:
    from sacrebleu.metrics.chrf import CHRF  # half a second, which only those who compare text wait for

    return CHRF(word_order=2)
