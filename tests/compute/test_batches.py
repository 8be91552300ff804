"""A mixed batch gives each request what it gets alone, and what mlx-lm gives with that adapter."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest
from mlx_lm.generate import generate_step
from mlx_lm.tuner.utils import load_adapters

from tests.compute.test_generation import run, text_of
from tests.support.tiny_adapter import make_tiny_adapter
from tests.support.tiny_model import TEXT
from tools.compute.generation import Delta, Finished, GenerationRequest, Generator
from tools.compute.loading import LoadedBase, load_base
from tools.compute.lora import read_adapter
from tools.compute.routing import AdapterRouter
from tools.models.pull import pull
from tools.models.sampling import Sampling
from tools.workspace.layout import Workspace

# Below this distance of the two best logits, the order of sums may choose.
MARGIN = 1e-3
LENGTHS = (5, 40, 140, 17, 90, 3, 64, 200, 33, 12)
TOKENS = 24


@pytest.fixture
def base(tiny_ws: Workspace) -> LoadedBase:
    return load_base(tiny_ws.models / "tiny")


def made_adapters(ws: Workspace, base: str) -> list[Path]:
    """Four, of different ranks and layers."""
    return [
        make_tiny_adapter(ws, "um", base=base, seed=1),
        make_tiny_adapter(ws, "dois", base=base, seed=2, rank=7, layers=(0, 2)),
        make_tiny_adapter(ws, "tres", base=base, seed=3, rank=2, layers=(2,), keys=("self_attn.o_proj",)),
        make_tiny_adapter(ws, "quatro", base=base, seed=4, rank=4, layers=(0, 1, 2)),
    ]


def by_mlx_lm(model: Any, prompt: Sequence[int], tokens: int) -> tuple[list[int], int]:
    """Its greedy ids, and for how many of them the two best logits are further apart than MARGIN."""
    ids, sure, doubt = [], 0, False
    for token, logprobs in generate_step(mx.array(prompt), model, max_tokens=tokens):
        second, best = mx.sort(logprobs)[-2:].tolist()
        doubt = doubt or best - second < MARGIN
        ids.append(int(token))
        sure += not doubt
    return ids, sure


def mixed(
    base: LoadedBase, slots: Sequence[int], lengths: Sequence[int] = LENGTHS, **how: Any
) -> list[GenerationRequest]:
    """Requests of all slots in turn, of different lengths, some with a beginning in common; none ends by itself."""
    ids = base.tokenizer.encode(TEXT)
    given = {"max_tokens": TOKENS, "top_logprobs": 0, **how}
    return [
        GenerationRequest(ids[at % 3 : length], slot=slots[at % len(slots)], scope=str(slots[at % len(slots)]), **given)
        for at, length in enumerate(lengths)
    ]


def together(generator: Generator, requests: Sequence[GenerationRequest]) -> list[list[Any]]:
    """The events of each; every other request joins later, while the first ones write."""
    uids, events = [], []
    for at, request in enumerate(requests):
        uids.append(generator.add(request))
        for _ in range(3 * (at % 2)):
            events += generator.step()
    for uid, rest in run(generator).items():
        events += [event for event in rest if event.uid == uid]
    return [[event for event in events if event.uid == uid] for uid in uids]


def written(events: list[Any]) -> list[tuple[int, ...]]:
    return [one.bytes for event in events if isinstance(event, Delta) for one in event.logprobs]


def check_equal(ws: Workspace, name: str, lengths: Sequence[int], tokens: int) -> None:
    """A mixed batch on the base `name` against each request alone, and against mlx-lm with the same adapter."""
    folders: list[Path | None] = [None, *made_adapters(ws, name)]
    base = load_base(ws.models / name)
    base.tokenizer.eos_ids = frozenset()  # the peer goes on after an end as well
    router = AdapterRouter(base.model)
    slots = [router.load(read_adapter(folder, base.info)) if folder else 0 for folder in folders]
    requests = mixed(base, slots, lengths, max_tokens=tokens)

    found = together(Generator(router, base.tokenizer, prefill_chunk=48, prefix_bytes=2**26), requests)
    alone = [together(Generator(router, base.tokenizer), [request])[0] for request in requests]

    compared = 0
    for slot, folder in zip(slots, folders, strict=True):
        peer = load_base(ws.models / name).model
        if folder:
            load_adapters(peer, str(folder))
        for request, events, own in zip(requests, found, alone, strict=True):
            if request.slot == slot:
                ids, sure = by_mlx_lm(peer, request.prompt, tokens)
                expected = [tuple(base.tokenizer.token_bytes(token)) for token in ids]
                assert written(events)[:sure] == expected[:sure] == written(own)[:sure]
                assert isinstance(events[-1], Finished)
                compared += sure
    assert compared > 0.9 * tokens * len(requests)


def test_a_mixed_batch_equals_each_request_alone_and_mlx_lm(tiny_ws: Workspace) -> None:
    check_equal(tiny_ws, "tiny", LENGTHS, TOKENS)


@pytest.mark.verify
@pytest.mark.journey
def test_it_does_so_on_the_real_small_model(ws: Workspace) -> None:
    pull(ws, "smollm2-135m", lambda done, total, message: None)
    check_equal(ws, "smollm2-135m", [length // 2 + 2 for length in LENGTHS], 12)


def test_a_seed_gives_the_same_answer_in_a_mixed_batch(tiny_ws: Workspace, base: LoadedBase) -> None:
    router = AdapterRouter(base.model)
    slots = [0, *(router.load(read_adapter(folder, base.info)) for folder in made_adapters(tiny_ws, "tiny"))]
    samplings = [
        Sampling(temperature=1.0, seed=3),
        Sampling(temperature=0.8, top_p=0.9, seed=4),
        Sampling(),
        Sampling(temperature=1.2, top_k=30, min_p=0.02, seed=5),
        Sampling(temperature=0.9, seed=6, frequency_penalty=0.4),
    ]
    requests = [
        GenerationRequest(one.prompt, TOKENS, slot=one.slot, scope=one.scope, sampling=samplings[at % len(samplings)])
        for at, one in enumerate(mixed(base, slots))
    ]
    found = together(Generator(router, base.tokenizer, prefix_bytes=2**26), requests)
    alone = [together(Generator(router, base.tokenizer), [request])[0] for request in requests]
    assert [text_of(events) for events in found] == [text_of(events) for events in alone]


@pytest.mark.parametrize("seed", [1, 2])
def test_whoever_joins_and_leaves_whenever_each_gets_its_own_answer(
    tiny_ws: Workspace, base: LoadedBase, seed: int
) -> None:
    router = AdapterRouter(base.model)
    slots = [0, *(router.load(read_adapter(folder, base.info)) for folder in made_adapters(tiny_ws, "tiny"))]
    pool = mixed(base, slots, max_tokens=9, sampling=Sampling(repetition_penalty=0.5))
    expected = [together(Generator(router, base.tokenizer, speculate=False), [request])[0] for request in pool]
    chance = random.Random(seed)
    # Little room for what was read, so that it is driven out all the time.
    generator = Generator(router, base.tokenizer, max_rows=4, prefill_chunk=24, prefix_bytes=200_000)
    asked: dict[int, int] = {}
    events: dict[int, list[Any]] = {}
    for _ in range(60):
        at = chance.randrange(len(pool))
        asked[generator.add(pool[at])] = at
        for _ in range(chance.randrange(5)):
            for event in generator.step():
                events.setdefault(event.uid, []).append(event)
        if chance.random() < 0.2:
            asked.pop(gone := chance.choice(list(asked)))
            generator.cancel(gone)
    for uid, rest in run(generator).items():
        events.setdefault(uid, []).extend(rest)

    for uid, at in asked.items():
        assert written(events[uid]) == written(expected[at]), at
        assert isinstance(events[uid][-1], Finished)
    assert generator.prefix_stats.evictions > 10
    assert generator.prefix_stats.hits > 10
    assert generator.prefix_stats.bytes <= 200_000


def test_rows_that_write_go_on_between_the_chunks_of_a_long_prompt(base: LoadedBase) -> None:
    generator = Generator(AdapterRouter(base.model), base.tokenizer, prefill_chunk=16)
    ids = base.tokenizer.encode(TEXT)
    go_on = Sampling(logit_bias={2: -100.0})
    writing = generator.add(GenerationRequest(ids[:8], 40, sampling=go_on, top_logprobs=0))
    for _ in range(3):
        generator.step()
    reading = generator.add(GenerationRequest((ids * 2)[:340], 2, sampling=go_on, top_logprobs=0))
    told: list[list[int]] = []
    while len(generator):
        told.append([event.uid for event in generator.step() if isinstance(event, Delta)])
    before = next(at for at, uids in enumerate(told) if reading in uids)
    # 339 tokens in chunks of 16, and a token of the other row at every one of them.
    assert before >= 21
    assert all(writing in uids for uids in told[:before])


def test_a_short_prompt_does_not_wait_for_all_of_a_long_one(base: LoadedBase) -> None:
    generator = Generator(AdapterRouter(base.model), base.tokenizer, prefill_chunk=16)
    ids = base.tokenizer.encode(TEXT)
    long = generator.add(GenerationRequest((ids * 2)[:340], 2))
    generator.step()
    short = generator.add(GenerationRequest(ids[3:13], 3))
    told: list[int] = []
    steps = 0
    while short not in told:
        told += [event.uid for event in generator.step() if isinstance(event, Delta | Finished)]
        steps += 1
    assert steps <= 4
    assert long not in told
    assert [text_of(events) for uid, events in run(generator).items() if uid == long] == Generator(
        AdapterRouter(base.model), base.tokenizer
    ).generate_all([GenerationRequest((ids * 2)[:340], 2)])


def test_a_slow_device_reads_less_at_once_while_others_write(base: LoadedBase) -> None:
    now = [0.0]
    sizes: list[tuple[int, ...]] = []
    own = type(base.model)

    def call(self: Any, tokens: mx.array, *args: Any, **kwargs: Any) -> mx.array:
        sizes.append(tokens.shape)
        now[0] += 0.005 * tokens.size  # 200 tokens a second
        answer: mx.array = own.__call__(self, tokens, *args, **kwargs)
        return answer

    base.model.__class__ = type(own.__name__, (own,), {"__call__": call})
    generator = Generator(AdapterRouter(base.model), base.tokenizer, clock=lambda: now[0], speculate=False)
    ids = base.tokenizer.encode(TEXT)
    generator.add(GenerationRequest((ids * 2)[:301], 2))
    while len(generator):
        generator.step()
    alone = max(length for _, length in sizes)
    sizes.clear()
    generator.add(GenerationRequest(ids[:8], 60, sampling=Sampling(logit_bias={2: -100.0})))
    generator.step()
    generator.add(GenerationRequest((ids * 2)[5:306], 2))
    while len(generator):
        generator.step()
    # Half a second's worth, and never fewer than is worth a step.
    assert (alone, max(length for _, length in sizes)) == (300, 200)
