from __future__ import annotations

import math
from collections import Counter

import mlx.core as mx
import pytest

from tests.support.tiny_adapter import make_tiny_adapter
from tools.compute.generation import Delta, Failed, Finished, GenerationRequest, Generator
from tools.compute.loading import LoadedBase, load_base
from tools.compute.lora import read_adapter
from tools.compute.routing import AdapterRouter
from tools.compute.stops import StopMatcher
from tools.errors import InvalidArgument
from tools.models.sampling import Sampling
from tools.workspace.layout import Workspace

PROMPT = "O farol da ilha de areia"
WARM = Sampling(temperature=1.0, seed=7)


@pytest.fixture
def base(tiny_ws: Workspace) -> LoadedBase:
    return load_base(tiny_ws.models / "tiny")


@pytest.fixture
def generator(base: LoadedBase) -> Generator:
    return Generator(AdapterRouter(base.model), base.tokenizer)


def asked(base: LoadedBase, text: str = PROMPT, max_tokens: int = 24, **how) -> GenerationRequest:
    return GenerationRequest(base.tokenizer.encode(text), max_tokens=max_tokens, **how)


def run(generator: Generator) -> dict[int, list]:
    """All events until the batch is empty, by request."""
    found: dict[int, list] = {}
    for _ in range(2000):
        for event in generator.step():
            found.setdefault(event.uid, []).append(event)
        if not len(generator):
            return found
    raise AssertionError("the batch did not end")


def text_of(events: list) -> str:
    return "".join(event.text for event in events if isinstance(event, Delta))


def greedy_by_hand(base: LoadedBase, prompt: list[int], count: int) -> list[int]:
    ids = list(prompt)
    for _ in range(count):
        ids.append(int(mx.argmax(base.model(mx.array([ids]))[0, -1]).item()))
    return ids[len(prompt) :]


def test_greedy_text_is_what_the_model_finds_likeliest(base: LoadedBase, generator: Generator) -> None:
    request = asked(base, max_tokens=16)
    by_hand = greedy_by_hand(base, list(request.prompt), 16)
    assert not set(by_hand) & base.tokenizer.eos_ids

    assert generator.generate_all([request]) == [base.tokenizer.decode(by_hand)]


def test_a_prompt_longer_than_a_chunk_reads_the_same(base: LoadedBase) -> None:
    request = asked(base, text=PROMPT * 8)
    whole = Generator(AdapterRouter(base.model), base.tokenizer).generate_all([request])
    pieces = Generator(AdapterRouter(base.model), base.tokenizer, prefill_chunk=16).generate_all([request])
    assert whole == pieces


def test_counts_tell_prompt_and_answer(base: LoadedBase, generator: Generator) -> None:
    request = asked(base, max_tokens=5)
    uid = generator.add(request)
    assert run(generator)[uid][-1] == Finished(uid, "length", len(request.prompt), 5)


def test_an_end_of_text_token_ends_the_answer_and_is_not_shown(base: LoadedBase, generator: Generator) -> None:
    (eos,) = base.tokenizer.eos_ids
    uid = generator.add(asked(base, sampling=Sampling(logit_bias={eos: 100.0})))
    events = run(generator)[uid]
    assert text_of(events) == ""
    assert events[-1].reason == "stop"
    assert events[-1].completion_tokens == 1


def test_a_seed_gives_the_same_answer_whatever_else_is_in_the_batch(base: LoadedBase) -> None:
    def drawn(others: int) -> str:
        generator = Generator(AdapterRouter(base.model), base.tokenizer)
        for i in range(others):
            generator.add(asked(base, text="mãe " * (i + 1), sampling=Sampling(temperature=1.3, seed=i), max_tokens=30))
            generator.step()
        uid = generator.add(asked(base, sampling=WARM))
        return text_of(run(generator)[uid])

    assert drawn(0) == drawn(1) == drawn(5)


def test_seeds_and_streams_draw_differently(base: LoadedBase, generator: Generator) -> None:
    answers = generator.generate_all(
        [
            asked(base, sampling=WARM),
            asked(base, sampling=WARM, stream=1),
            asked(base, sampling=Sampling(temperature=1.0, seed=8)),
            asked(base, sampling=Sampling(temperature=1.0)),
            asked(base, sampling=Sampling(temperature=1.0)),
        ]
    )
    assert len(set(answers)) == 5


@pytest.mark.parametrize("options", [{"top_k": 1}, {"top_p": 1e-6}, {"min_p": 1.0}, {"temperature": 1e-4}])
def test_narrow_sampling_is_greedy(base: LoadedBase, generator: Generator, options: dict) -> None:
    narrow = Sampling(**{"temperature": 1.5, "seed": 3, **options})
    greedy, sampled = generator.generate_all([asked(base), asked(base, sampling=narrow)])
    assert greedy == sampled


def test_draws_follow_the_models_distribution(base: LoadedBase) -> None:
    generator = Generator(AdapterRouter(base.model), base.tokenizer, max_rows=64)
    prompt = base.tokenizer.encode(PROMPT)
    expected = mx.softmax(base.model(mx.array([prompt]))[0, -1]).tolist()
    uids = [
        generator.add(GenerationRequest(prompt, 1, sampling=Sampling(temperature=1.0, seed=i), top_logprobs=0))
        for i in range(300)
    ]
    events = run(generator)
    tokens = Counter(base.tokenizer.token_to_id(_token(base, events[uid])) for uid in uids if _token(base, events[uid]))
    best = max(range(len(expected)), key=expected.__getitem__)
    share, sigma = tokens[best] / 300, math.sqrt(expected[best] * (1 - expected[best]) / 300)
    assert abs(share - expected[best]) < 4 * sigma + 1e-3


def _token(base: LoadedBase, events: list) -> str | None:
    for event in events:
        if isinstance(event, Delta) and event.logprobs:
            (told,) = event.logprobs
            return next(
                base.tokenizer.id_to_token(i)
                for i in range(base.tokenizer.vocab_size)
                if base.tokenizer.token_bytes(i) == bytes(told.bytes)
            )
    return None


def test_a_frequency_penalty_makes_repetition_rarer(base: LoadedBase, generator: Generator) -> None:
    plain, penalised = generator.generate_all(
        [asked(base, max_tokens=60), asked(base, max_tokens=60, sampling=Sampling(frequency_penalty=2.0))]
    )
    assert max(Counter(penalised.split()).values(), default=0) <= max(Counter(plain.split()).values())
    assert plain != penalised


def test_a_repetition_penalty_counts_the_prompt(base: LoadedBase, generator: Generator) -> None:
    plain, penalised = generator.generate_all(
        [asked(base, max_tokens=40), asked(base, max_tokens=40, sampling=Sampling(repetition_penalty=2.0))]
    )
    assert plain != penalised


def test_a_stop_ends_the_answer_before_itself(base: LoadedBase, generator: Generator) -> None:
    (full,) = generator.generate_all([asked(base, max_tokens=40)])
    stop = full[10:13]
    at = full.index(stop)

    uid = generator.add(asked(base, max_tokens=40, stop=(stop, "não aparece")))
    events = run(generator)[uid]

    assert text_of(events) == full[:at]
    assert events[-1].reason == "stop"
    assert events[-1].completion_tokens < 40


def test_a_stop_that_never_completes_loses_no_text(base: LoadedBase, generator: Generator) -> None:
    (full,) = generator.generate_all([asked(base, max_tokens=20)])
    almost = full[-3:] + "§"
    assert generator.generate_all([asked(base, max_tokens=20, stop=(almost,))]) == [full]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_stops_do_not_depend_on_how_the_text_is_cut(size: int) -> None:
    text, stops = "um dois\n\ntrês ### Fim", ("\n\nq", "três ##", "###")
    matcher = StopMatcher(stops)
    out = "".join(matcher.add(text[i : i + size]) for i in range(0, len(text), size))
    assert (out, matcher.matched) == ("um dois\n\n", "três ##")


def test_text_held_for_a_stop_comes_out_at_the_end() -> None:
    matcher = StopMatcher(("###",))
    assert matcher.add("fim ##") == "fim "
    assert matcher.finish() == "##"


def test_a_cancelled_request_leaves_the_others_as_they_were(base: LoadedBase, generator: Generator) -> None:
    (expected,) = generator.generate_all([asked(base)])
    kept, dropped = generator.add(asked(base)), generator.add(asked(base, text="mãe", max_tokens=200))
    for _ in range(4):
        generator.step()
    generator.cancel(dropped)

    assert len(generator) == 1
    assert text_of(run(generator)[kept]) != ""
    assert generator.generate_all([asked(base)]) == [expected]


def test_a_row_that_fails_takes_no_other_with_it(base: LoadedBase, generator: Generator) -> None:
    def broken(tokens: mx.array, logits: mx.array) -> mx.array:
        if tokens.size > len(base.tokenizer.encode(PROMPT)) + 6:
            raise RuntimeError("the constraint has a defect")
        return logits

    greedy, drawn = asked(base), asked(base, sampling=WARM, stop=("impossível",))
    expected = generator.generate_all([greedy, drawn])

    bad = generator.add(asked(base, processors=(broken,)))
    good = [generator.add(greedy), generator.add(drawn)]
    events = run(generator)

    assert isinstance(events[bad][-1], Failed)
    assert [text_of(events[uid]) for uid in good] == expected
    assert generator.generate_all([greedy]) == expected[:1]


def test_logprobs_are_the_models_own_and_match_the_text(base: LoadedBase, generator: Generator) -> None:
    request = asked(base, max_tokens=6, top_logprobs=3)
    uid = generator.add(request)
    events = run(generator)[uid]
    told = [token for event in events if isinstance(event, Delta) for token in event.logprobs]

    assert len(told) == 6
    assert b"".join(bytes(token.bytes) for token in told).decode("utf-8", "replace") == text_of(events)
    logits = base.model(mx.array([request.prompt]))[0, -1]
    own = logits - mx.logsumexp(logits)
    assert told[0].logprob == pytest.approx(float(mx.max(own).item()), abs=1e-4)
    assert [top.logprob for top in told[0].top] == sorted((top.logprob for top in told[0].top), reverse=True)
    assert told[0].top[0].token == told[0].token


def test_logprobs_end_with_the_text_at_a_stop(base: LoadedBase, generator: Generator) -> None:
    (full,) = generator.generate_all([asked(base, max_tokens=30)])
    stop = full[8:10]
    uid = generator.add(asked(base, max_tokens=30, stop=(stop,), top_logprobs=0))
    events = run(generator)[uid]
    told = b"".join(bytes(t.bytes) for e in events if isinstance(e, Delta) for t in e.logprobs).decode(
        "utf-8", "replace"
    )
    assert told.startswith(text_of(events))
    assert len(told) <= len(text_of(events)) + 12


def test_an_adapters_row_and_a_base_row_share_the_batch(tiny_ws: Workspace, base: LoadedBase) -> None:
    router = AdapterRouter(base.model)
    slot = router.load(read_adapter(make_tiny_adapter(tiny_ws, "um"), base.info))
    base_text, tuned = Generator(router, base.tokenizer).generate_all([asked(base), asked(base, slot=slot)])
    assert base_text != tuned


def test_an_empty_prompt_is_refused(generator: Generator) -> None:
    with pytest.raises(InvalidArgument, match="no tokens"):
        generator.add(GenerationRequest([], 4))
