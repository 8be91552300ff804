"""What was read before is not read again, and answers are the same as if it had been."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import mlx.core as mx
import pytest

from tests.support.tiny_adapter import make_tiny_adapter
from tests.support.tiny_model import TEXT
from tools.compute.arrays import scalar
from tools.compute.caches import Stack
from tools.compute.generation import Delta, Finished, GenerationRequest, Generator
from tools.compute.loading import LoadedBase, load_base
from tools.compute.lora import read_adapter
from tools.compute.prefix_cache import PrefixCache
from tools.compute.routing import AdapterRouter
from tools.models.sampling import Sampling
from tools.workspace.layout import Workspace

LARGE = 64 * 1024**2
SYSTEM = TEXT * 2


@pytest.fixture
def base(tiny_ws: Workspace) -> LoadedBase:
    return load_base(tiny_ws.models / "tiny")


@pytest.fixture
def router(base: LoadedBase) -> AdapterRouter:
    return AdapterRouter(base.model)


def asked(base: LoadedBase, text: str, **how: Any) -> GenerationRequest:
    # Without an end, so that every answer has its full length.
    given = {"max_tokens": 12, "scope": "", "sampling": Sampling(logit_bias={2: -100.0}), **how}
    return GenerationRequest(base.tokenizer.encode(text), **given)


def run(generator: Generator, requests: list[GenerationRequest]) -> tuple[list[str], list[Finished]]:
    """Texts and ends, in the order of the requests."""
    uids = [generator.add(request) for request in requests]
    texts, ends = dict.fromkeys(uids, ""), {}
    for _ in range(2000):
        for event in generator.step():
            if isinstance(event, Delta):
                texts[event.uid] += event.text
            elif isinstance(event, Finished):
                ends[event.uid] = event
        if not len(generator):
            return [texts[uid] for uid in uids], [ends[uid] for uid in uids]
    raise AssertionError("the batch did not end")


@contextmanager
def counted(base: LoadedBase) -> Iterator[Callable[[], int]]:
    """Tokens that went through the model within, padding included."""
    model, own, seen = base.model, type(base.model), [0]

    def call(self: Any, tokens: mx.array, *args: Any, **kwargs: Any) -> mx.array:
        seen[0] += tokens.size
        answer: mx.array = own.__call__(self, tokens, *args, **kwargs)
        return answer

    model.__class__ = type(own.__name__, (own,), {"__call__": call})
    try:
        yield lambda: seen[0]
    finally:
        model.__class__ = own


def test_answers_are_the_same_with_and_without_what_was_kept(base: LoadedBase, router: AdapterRouter) -> None:
    requests = [asked(base, SYSTEM + end) for end in ("O farol", "mãe", "Quem foi o campeão?", "O farol da ilha")]
    plain, _ = run(Generator(router, base.tokenizer), requests)
    keeping = Generator(router, base.tokenizer, prefix_bytes=LARGE)

    first = [run(keeping, [request])[0][0] for request in requests]
    again, ends = run(keeping, requests)

    assert first == again == plain
    assert all(end.cached_tokens > len(base.tokenizer.encode(SYSTEM)) - 4 for end in ends)
    assert keeping.prefix_stats.hits >= 7


def test_prompts_that_come_together_are_read_once_where_they_agree(base: LoadedBase, router: AdapterRouter) -> None:
    requests = [asked(base, SYSTEM + end) for end in ("O farol", "mãe", "Quem foi o campeão?", "Nasceu em 3")] * 2
    shared = len(base.tokenizer.encode(SYSTEM))
    plain, _ = run(Generator(router, base.tokenizer), requests)

    with counted(base) as tokens:
        texts, ends = run(Generator(router, base.tokenizer, prefix_bytes=0), requests)
        assert tokens() < shared + 8 * 12 + 8 * 32

    assert texts == plain
    assert sorted(end.cached_tokens for end in ends)[1] >= shared - 4


@pytest.mark.parametrize("chunk", [16, 64, 512])
def test_several_answers_to_one_prompt_read_it_once(base: LoadedBase, router: AdapterRouter, chunk: int) -> None:
    warm = Sampling(temperature=1.2, seed=4)
    requests = [asked(base, SYSTEM, stream=i, sampling=warm, max_tokens=4) for i in range(4)]
    plain, _ = run(Generator(router, base.tokenizer), [asked(base, SYSTEM, stream=2, sampling=warm, max_tokens=4)])
    with counted(base) as tokens:
        texts, _ = run(Generator(router, base.tokenizer, prefill_chunk=chunk), requests)
        assert tokens() <= len(requests[0].prompt) + 4 * 6
    assert texts[2] == plain[0]


def test_the_next_turn_reads_only_what_is_new(base: LoadedBase, router: AdapterRouter) -> None:
    generator = Generator(router, base.tokenizer, prefix_bytes=LARGE)
    chat = [{"role": "user", "content": "Quem foi o campeão da temporada de 2023?"}]
    first = GenerationRequest(
        base.tokenizer.encode_chat(chat, add_generation_prompt=True),
        20,
        scope="",
        sampling=Sampling(logit_bias={2: -100}),
    )
    ids = greedy(base, list(first.prompt), 20)
    assert run(generator, [first])[0] == [base.tokenizer.decode(ids)]
    second = GenerationRequest([*first.prompt, *ids, *base.tokenizer.encode("<|im_end|>\nE em 2024?")], 8, scope="")

    (text,), (end,) = run(generator, [second])

    assert end.cached_tokens == len(first.prompt) + 20
    assert text == run(Generator(router, base.tokenizer), [second])[0][0]


def greedy(base: LoadedBase, prompt: list[int], count: int) -> list[int]:
    ids = list(prompt)
    for _ in range(count):
        logits = base.model(mx.array([ids]))[0, -1]
        logits[2] = -100.0
        ids.append(int(scalar(mx.argmax(logits))))
    return ids[len(prompt) :]


def test_adapters_never_share_what_they_read(tiny_ws: Workspace, base: LoadedBase, router: AdapterRouter) -> None:
    one = router.load(read_adapter(make_tiny_adapter(tiny_ws, "um", seed=1), base.info))
    generator = Generator(router, base.tokenizer, prefix_bytes=LARGE)

    def alone(slot: int) -> str:
        return run(Generator(router, base.tokenizer), [asked(base, SYSTEM, slot=slot)])[0][0]

    expected = [alone(0), alone(one)]
    together = [asked(base, SYSTEM), asked(base, SYSTEM, slot=one, scope="um@1")]
    texts, ends = run(generator, together)
    assert texts == expected
    assert [end.cached_tokens for end in ends] == [0, 0]

    # Another adapter takes the slot while what the first one read is still kept.
    router.unload(one)
    two = router.load(read_adapter(make_tiny_adapter(tiny_ws, "dois", seed=2), base.info))
    assert two == one
    (text,), (end,) = run(generator, [asked(base, SYSTEM, slot=two, scope="dois@1")])
    assert (text, end.cached_tokens) == (alone(two), 0)
    assert text != expected[1]


def test_the_bytes_kept_stay_within_their_bound(base: LoadedBase, router: AdapterRouter) -> None:
    token = 2 * 3 * 2 * 16 * 4
    budget = 300 * token
    generator = Generator(router, base.tokenizer, prefix_bytes=budget)
    for i in range(12):
        run(generator, [asked(base, f"{i} " * 60 + TEXT[i : i + 80])])
        held = sum(node.nbytes for root in generator._prefixes._roots.values() for node in _nodes(root))
        assert generator.prefix_stats.bytes == held <= budget
    assert generator.prefix_stats.evictions > 3
    assert generator.prefix_stats.bytes > budget / 3


def _nodes(root: Any) -> Iterator[Any]:
    yield root
    for child in root.children.values():
        yield from _nodes(child)


def test_who_gives_up_leaves_what_was_read_to_those_who_waited(base: LoadedBase, router: AdapterRouter) -> None:
    generator = Generator(router, base.tokenizer, prefix_bytes=LARGE, prefill_chunk=64)
    first, *others = [asked(base, SYSTEM + end) for end in ("O farol", "mãe", "Quem foi?")]
    leaving = generator.add(first)
    for _ in range(2):
        generator.step()
    uids = [generator.add(request) for request in others]
    generator.step()
    generator.cancel(leaving)
    with counted(base) as tokens:
        ends = {}
        while len(generator):
            ends |= {event.uid: event for event in generator.step() if isinstance(event, Finished)}
        assert tokens() < len(first.prompt) - 3 * 64 + 2 * 40
    assert min(ends[uid].cached_tokens for uid in uids) == 3 * 64
    assert max(ends[uid].cached_tokens for uid in uids) >= len(base.tokenizer.encode(SYSTEM)) - 4


def stack_of(router: AdapterRouter, tokens: list[int]) -> Stack:
    stack = Stack.of_row(router, 0)
    router(mx.array([tokens]), cache=stack.layers)
    return stack


def test_who_was_not_asked_for_longest_leaves_first(router: AdapterRouter) -> None:
    token = 2 * 3 * 2 * 16 * 4
    cache = PrefixCache(100 * token)
    a, b, c = ([n] * 40 for n in (5, 6, 7))
    for tokens in (a, b):
        cache.keep("", tokens, stack_of(router, tokens), 0)
    assert cache.find("", [*a, 1], 0)[0] == 40

    cache.keep("", c, stack_of(router, c), 0)

    assert [cache.known("", [*tokens, 1]) for tokens in (a, b, c)] == [40, 0, 40]
    assert cache.stats.evictions == 1
    assert cache.stats.bytes == 80 * token


def test_what_prompts_have_in_common_is_held_once(router: AdapterRouter) -> None:
    token = 2 * 3 * 2 * 16 * 4
    cache = PrefixCache(LARGE)
    for end in (5, 6, 7):
        tokens = [*range(10, 60), *[end] * 10]
        cache.keep("", tokens, stack_of(router, tokens), 0)
    assert cache.stats.bytes == (50 + 3 * 10) * token
    length, found = cache.find("", [*range(10, 60), *[6] * 10, 1], 0)
    assert length == 60
    whole = stack_of(router, [*range(10, 60), *[6] * 10])
    assert found is not None
    for (keys, values), (own_keys, own_values) in zip(found.segment(0, 0, 60), whole.segment(0, 0, 60), strict=True):
        assert mx.allclose(keys, own_keys, atol=1e-5)
        assert mx.allclose(values, own_values, atol=1e-5)


def test_a_prompt_larger_than_the_bound_drives_nothing_out(router: AdapterRouter) -> None:
    token = 2 * 3 * 2 * 16 * 4
    cache = PrefixCache(50 * token)
    cache.keep("", [5] * 40, stack_of(router, [5] * 40), 0)
    cache.keep("", [6] * 60, stack_of(router, [6] * 60), 0)
    assert (cache.known("", [5] * 41), cache.known("", [6] * 61)) == (40, 0)


def test_caches_that_cannot_be_cut_are_used_by_what_begins_with_all_of_them(base: LoadedBase) -> None:
    from mlx_lm.models.cache import RotatingKVCache

    model = base.model
    type(model).make_cache = lambda self: [RotatingKVCache(max_size=64) for _ in self.layers]
    try:
        router = AdapterRouter(model)
        generator = Generator(router, base.tokenizer, prefix_bytes=LARGE)
        prompt = base.tokenizer.encode(SYSTEM)
        once = GenerationRequest(prompt, 12, scope="")
        other = GenerationRequest([*prompt[:-5], 40, 41], 12, scope="")
        longer = GenerationRequest([*prompt, *base.tokenizer.encode(" e o avô")], 12, scope="")
        plain, _ = run(Generator(router, base.tokenizer, prefill_chunk=32), [once, other, longer])
        found = [run(generator, [request]) for request in (once, once, other, longer)]
    finally:
        del type(model).make_cache
    assert [text for (text,), _ in found] == [plain[0], plain[0], plain[1], plain[2]]
    assert [end.cached_tokens for _, (end,) in found] == [0, len(prompt) - 1, 0, len(prompt) - 1]
