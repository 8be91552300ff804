"""Overlap of generated text with a reference."""

from __future__ import annotations

import pytest
from sacrebleu.metrics import CHRF

from tools.evaluate.overlap import chrf, rouge_l


def test_chrf_is_sacrebleus_with_two_word_orders() -> None:
    # sacrebleu's own test: chrF of `aa` against `ab`, characters alone.
    assert CHRF(word_order=0, char_order=6).corpus_score(["aa"], [["ab"]]).score == pytest.approx(25.0)
    text, reference = "o gato dormia no farol", "o gato dorme no farol velho"
    assert chrf(text, reference) == CHRF(word_order=2).sentence_score(text, [reference]).score
    assert chrf(reference, reference) == pytest.approx(100)
    assert chrf("", reference) == 0


def test_accents_count() -> None:
    assert chrf("a avó", "a avô") < 100
    assert rouge_l("a avó", "a avô") == pytest.approx(50)


def test_rouge_l_counts_the_longest_common_subsequence_of_words() -> None:
    # As in Lin's paper: "police kill the gunman" against "police killed the gunman".
    assert rouge_l("police kill the gunman", "police killed the gunman") == pytest.approx(75)
    assert rouge_l("the gunman kill police", "police killed the gunman") == pytest.approx(50)
    assert rouge_l("", "police") == 0
