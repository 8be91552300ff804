"""Log-probabilities of prompts are those that the model itself gives."""

from __future__ import annotations

import mlx.core as mx
import pytest

from tests.compute.test_generation import run, text_of
from tests.support.tiny_model import TEXT
from tools.compute import reading
from tools.compute.generation import Finished, GenerationRequest, Generator, PromptScored
from tools.compute.loading import LoadedBase, load_base
from tools.compute.logprobs import TokenLogprob
from tools.compute.routing import AdapterRouter
from tools.models.sampling import Sampling
from tools.workspace.layout import Workspace


@pytest.fixture
def base(tiny_ws: Workspace) -> LoadedBase:
    return load_base(tiny_ws.models / "tiny")


def told(events: list) -> list[TokenLogprob]:
    """The prompt's tokens, in order and without a gap."""
    found: list[TokenLogprob] = []
    for event in events:
        if isinstance(event, PromptScored):
            assert event.first == len(found)
            found += event.logprobs
    return found


def direct(base: LoadedBase, prompt: list[int]) -> mx.array:
    """[tokens - 1, vocabulary]: of each token but the first, given all before it."""
    logits = base.model(mx.array([prompt]))[0, :-1]
    return logits - mx.logsumexp(logits, axis=-1, keepdims=True)


@pytest.mark.parametrize("chunk", [16, 50, 512])
def test_a_prompts_log_probabilities_are_the_models_own(base: LoadedBase, chunk: int) -> None:
    prompt = base.tokenizer.encode(TEXT)
    generator = Generator(AdapterRouter(base.model), base.tokenizer, prefill_chunk=chunk)
    uid = generator.add(GenerationRequest(prompt, 4, prompt_logprobs=3, scope=""))
    # A row beside it reads and writes as always.
    other = GenerationRequest(prompt[:20], 8, scope="")
    beside = generator.add(other)
    events = run(generator)
    found, expected = told(events[uid]), direct(base, prompt)

    assert len(found) == len(prompt)
    assert found[0].logprob is None
    assert found[0].top == ()
    own = expected[mx.arange(len(prompt) - 1), mx.array(prompt[1:])].tolist()
    assert [one.logprob for one in found[1:]] == pytest.approx(own, abs=1e-4)
    best = mx.sort(expected, axis=-1)[:, -3:][:, ::-1].tolist()
    for one, values in zip(found[1:], best, strict=True):
        assert [top.logprob for top in one.top] == pytest.approx(values, abs=1e-4)
    assert b"".join(bytes(one.bytes) for one in found).decode() == TEXT
    assert [text_of(events[beside])] == Generator(AdapterRouter(base.model), base.tokenizer).generate_all([other])


def test_the_answer_after_a_scored_prompt_is_the_usual_one(base: LoadedBase) -> None:
    prompt = base.tokenizer.encode(TEXT)[:90]
    generator = Generator(AdapterRouter(base.model), base.tokenizer, prefix_bytes=2**26)
    plain = generator.generate_all([GenerationRequest(prompt, 10, scope="")])
    # What was kept of it cannot tell log-probabilities: it is read again.
    uid = generator.add(GenerationRequest(prompt, 10, prompt_logprobs=0, scope=""))
    events = run(generator)[uid]
    assert [text_of(events)] == plain
    assert len(told(events)) == len(prompt)


@pytest.mark.parametrize("size", [1, 2, 40])
def test_a_prompt_may_be_scored_with_no_answer(base: LoadedBase, size: int) -> None:
    prompt = base.tokenizer.encode(TEXT)[:size]
    generator = Generator(AdapterRouter(base.model), base.tokenizer)
    scored = generator.add(GenerationRequest(prompt, 0, prompt_logprobs=1))
    silent = generator.add(GenerationRequest(prompt, 0))
    events = run(generator)
    assert len(told(events[scored])) == size
    assert events[scored][-1] == Finished(scored, "length", size, 0)
    assert events[silent] == [Finished(silent, "length", size, 0)]


def test_a_long_prompt_is_scored_in_parts_of_bounded_size(base: LoadedBase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_SCORED_BYTES", 20 * 4 * base.tokenizer.vocab_size)
    prompt = base.tokenizer.encode(TEXT)
    generator = Generator(AdapterRouter(base.model), base.tokenizer)
    uid = generator.add(GenerationRequest(prompt, 0, prompt_logprobs=1))
    events = run(generator)[uid]
    assert max(len(event.logprobs) for event in events if isinstance(event, PromptScored)) == 20
    own = direct(base, prompt)[mx.arange(len(prompt) - 1), mx.array(prompt[1:])].tolist()
    assert [one.logprob for one in told(events)[1:]] == pytest.approx(own, abs=1e-4)


def test_a_row_that_must_begin_anew_tells_its_prompt_once(base: LoadedBase) -> None:
    def broken(tokens: mx.array, logits: mx.array) -> mx.array:
        raise RuntimeError("a defect")

    prompt = base.tokenizer.encode(TEXT)[:60]
    generator = Generator(AdapterRouter(base.model), base.tokenizer, prefill_chunk=16)
    uid = generator.add(GenerationRequest(prompt, 6, prompt_logprobs=1, sampling=Sampling(logit_bias={2: -100.0})))
    generator.add(GenerationRequest(prompt[:3], 6, processors=(broken,)))
    events = run(generator)[uid]
    assert len(told(events)) == len(prompt)
    assert isinstance(events[-1], Finished)
