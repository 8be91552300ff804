"""Text copied word for word."""

from __future__ import annotations

import random
import time

from tools.evaluate.copying import SEED, given_back, longest_runs


def test_the_longest_run_is_found_wherever_it_stands() -> None:
    draw = random.Random(0)
    source = [draw.randrange(1000) for _ in range(400)]
    other = [draw.randrange(1000, 2000) for _ in range(300)]
    written = [*other[:20], *source[100:137], *other[50:60], *source[10:70], *other[200:230]]
    assert longest_runs([written, source[: SEED - 1], other[280:], []], iter([other[100:], source])) == [60, 0, 20, 0]


def test_what_is_new_is_no_copy() -> None:
    draw = random.Random(1)
    source = [draw.randrange(1000) for _ in range(400)]
    assert longest_runs([[draw.randrange(1000) for _ in range(200)]], [source]) == [0]


def test_a_run_ends_with_its_text() -> None:
    whole = list(range(40))
    assert longest_runs([whole], [whole[:25], whole[25:]]) == [25]


def test_a_text_that_repeats_itself_does_not_take_long() -> None:
    began = time.monotonic()
    assert longest_runs([[7] * 600], [[7] * 600]) == [600]
    assert time.monotonic() - began < 15


def test_the_share_of_a_passage_that_was_given_back() -> None:
    assert given_back([1, 2, 9, 3, 4], [1, 2, 3, 4]) == 1.0
    assert given_back([4, 3, 2, 1], [1, 2, 3, 4]) == 0.25
    assert given_back([1], []) == 0.0
