"""What is guessed from what was read changes nothing but the time an answer takes."""

from __future__ import annotations

import itertools
import time
from typing import Any

import mlx.core as mx
import pytest

from tests.compute.test_generation import asked, run, text_of
from tests.support.tiny_model import TEXT
from tools.compute.generation import Delta, Finished, Generator
from tools.compute.loading import LoadedBase, load_base
from tools.compute.routing import AdapterRouter
from tools.compute.speculation import PromptLookup
from tools.models.sampling import Sampling
from tools.workspace.layout import Workspace


@pytest.fixture
def base(tiny_ws: Workspace) -> LoadedBase:
    return load_base(tiny_ws.models / "tiny")


def guessing(base: LoadedBase, **how: Any) -> Generator:
    """By its clock every step takes as long, so that guessing always pays."""
    return Generator(AdapterRouter(base.model), base.tokenizer, clock=itertools.count().__next__, **how)


# A random model repeats itself by nature; sampling and penalties break its loops, so that some guesses are wrong.
FEW = {40: 12.0, 41: 12.0, 42: 12.0, 43: 12.0}
SAMPLINGS = [
    Sampling(repetition_penalty=0.3),
    Sampling(temperature=0.5, seed=5, repetition_penalty=0.2),
    Sampling(temperature=0.4, seed=9, logit_bias=FEW),
    Sampling(temperature=0.7, top_p=0.9, top_k=40, seed=9, logit_bias=FEW),
    Sampling(frequency_penalty=0.2, presence_penalty=0.1, logit_bias=FEW),
    Sampling(temperature=0.8, seed=1, frequency_penalty=0.1, logit_bias=FEW),
]


def answered(base: LoadedBase, speculate: bool, **how: Any) -> tuple[list[Any], tuple[int, int]]:
    """All that is told of one answer, and how many tokens were guessed and right."""
    generator = guessing(base, speculate=speculate)
    uid = generator.add(asked(base, TEXT, **{"max_tokens": 100, "sampling": SAMPLINGS[0], **how}))
    return run(generator)[uid], generator.guessed


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_guessing_changes_no_token(base: LoadedBase, sampling: Sampling) -> None:
    plain, none = answered(base, False, sampling=sampling)
    guessed, (proposed, right) = answered(base, True, sampling=sampling)
    assert text_of(guessed) == text_of(plain)
    assert guessed[-1] == plain[-1]
    assert none == (0, 0)
    assert proposed > right > 0


def test_a_stop_within_what_was_guessed_ends_the_answer_there(base: LoadedBase) -> None:
    loop = Sampling(logit_bias={40: 90.0})
    full = text_of(answered(base, True, sampling=loop)[0])
    stop = full[:31]
    plain, _ = answered(base, False, sampling=loop, stop=(stop,), scope="")
    guessed, (_, right) = answered(base, True, sampling=loop, stop=(stop,), scope="")
    assert guessed[-1] == plain[-1]
    assert plain[-1].reason == "stop"
    assert text_of(guessed) == text_of(plain) == ""
    assert right > 0


def test_log_probabilities_of_guessed_tokens_are_told(base: LoadedBase) -> None:
    def told(speculate: bool) -> list[Any]:
        events, _ = answered(base, speculate, top_logprobs=2)
        return [token for event in events if isinstance(event, Delta) for token in event.logprobs]

    plain, guessed = told(False), told(True)
    assert [(one.token, one.start) for one in guessed] == [(one.token, one.start) for one in plain]
    assert [one.logprob for one in guessed] == pytest.approx([one.logprob for one in plain], abs=1e-4)
    assert [[top.token for top in one.top] for one in guessed] == [[top.token for top in one.top] for one in plain]


def test_a_grammar_turns_guessing_off(base: LoadedBase) -> None:
    def held(tokens: mx.array, logits: mx.array) -> mx.array:
        return logits.at[:, 40].add(90.0)

    _, guessed = answered(base, True, processors=(held,))
    assert guessed == (0, 0)


def test_an_answer_that_another_joins_goes_on_as_before(base: LoadedBase) -> None:
    loop = asked(base, max_tokens=60, sampling=Sampling(logit_bias={40: 90.0}))
    other = asked(base, text="mãe", max_tokens=10)
    alone = Generator(AdapterRouter(base.model), base.tokenizer, speculate=False)
    expected = [alone.generate_all([loop])[0], alone.generate_all([other])[0]]

    generator = guessing(base)
    first = generator.add(loop)
    events = [event for _ in range(8) for event in generator.step()]
    assert generator.guessed[1] > 0
    second = generator.add(other)
    found = run(generator)

    assert text_of([one for one in events if one.uid == first] + found[first]) == expected[0]
    assert text_of(found[second]) == expected[1]


def test_the_length_asked_for_is_kept_to_the_token(base: LoadedBase) -> None:
    generator = guessing(base)
    for length in (1, 2, 23):
        uid = generator.add(asked(base, max_tokens=length, sampling=Sampling(logit_bias={40: 90.0})))
        end = run(generator)[uid][-1]
        assert isinstance(end, Finished)
        assert (end.reason, end.completion_tokens) == ("length", length)
    assert generator.guessed[1] > 0


def test_guesses_follow_the_place_that_is_quoted() -> None:
    lookup = PromptLookup([1, 2, 3, 4, 5, 6, 7, 8, 9, 50, 51])
    assert lookup.guess(100) == []
    lookup.extend([2, 3, 4])
    assert lookup.guess(100) == [5, 6, 7, 8, 9]
    assert lookup.guess(3) == [5, 6, 7]
    lookup.extend([5, 6])
    assert lookup.guess(100)[:2] == [7, 8]
    lookup.extend([99])
    assert lookup.guess(100) == []


def test_guesses_that_come_to_nothing_end_until_they_were_earned() -> None:
    lookup = PromptLookup([1, 2, 3, 4, 5, 6, 1, 2, 3])
    for _ in range(20):
        lookup.stepped(0.010)
    tries = 0
    for _ in range(1000):
        if lookup.guess(100):
            lookup.verified(4, 0, 0.016)
            tries += 1
        else:
            lookup.stepped(0.010)
    # What they lost, of the time of all steps.
    assert 0 < tries * 0.6 / 1000 <= 0.03


def test_looking_up_costs_little() -> None:
    began = time.perf_counter()
    lookup = PromptLookup(range(20_000))
    for token in range(2_000):
        lookup.extend([token])
        lookup.guess(100)
    assert time.perf_counter() - began < 10
