"""Text copied word for word."""

from __future__ import annotations

import random

from tools.evaluate.copying import COPIED_TOKENS, Sources, extraction_rate


def test_the_longest_run_is_found_wherever_it_stands() -> None:
    draw = random.Random(0)
    source = [draw.randrange(1000) for _ in range(400)]
    other = [draw.randrange(1000, 2000) for _ in range(300)]
    written = [*other[:20], *source[100:137], *other[50:60], *source[10:70], *other[200:230]]
    found = Sources([other[100:], source]).copied(written)
    assert found.longest == 60
    assert found.tokens == len(written)
    assert found.is_copy


def test_what_is_new_is_no_copy() -> None:
    draw = random.Random(1)
    source = [draw.randrange(1000) for _ in range(400)]
    assert Sources([source]).copied([draw.randrange(1000) for _ in range(200)]).longest == 0
    assert not Sources([source]).copied(source[: COPIED_TOKENS - 1]).is_copy
    assert Sources([source]).copied([]).longest == 0


def test_a_text_that_repeats_itself_does_not_take_long() -> None:
    assert Sources([[7] * 300]).copied([7] * 300).longest == 300


def test_the_share_of_a_passage_that_was_given_back() -> None:
    assert extraction_rate([1, 2, 9, 3, 4], [1, 2, 3, 4]) == 1.0
    assert extraction_rate([4, 3, 2, 1], [1, 2, 3, 4]) == 0.25
    assert extraction_rate([1], []) == 0.0
