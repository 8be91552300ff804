from __future__ import annotations

import gc
from collections.abc import Callable

import mlx.core as mx
import mlx.nn as nn
import pytest
from mlx_lm.models.cache import make_prompt_cache
from mlx_lm.tuner.utils import load_adapters

from tests.support.tiny_adapter import make_tiny_adapter
from tests.support.tiny_model import make_tiny_model
from tools.compute.generation import GenerationRequest, Generator
from tools.compute.loading import LoadedBase, load_base
from tools.compute.lora import AdapterWeights, read_adapter
from tools.compute.routed_linear import RoutedLinear, width
from tools.compute.routing import AdapterRouter, SlotCache
from tools.errors import Conflict
from tools.models.pull import pull
from tools.workspace.layout import Workspace

PROMPTS = [
    "O farol da ilha",
    "A menina contava os barcos e o avô escrevia",
    "Quem foi o campeão?",
    "mãe",
    "Nasceu em 3",
]


@pytest.fixture
def base(tiny_ws: Workspace) -> LoadedBase:
    return load_base(tiny_ws.models / "tiny")


def adapter(ws: Workspace, base: LoadedBase, name: str, **how) -> AdapterWeights:
    return read_adapter(make_tiny_adapter(ws, name, **how), base.info)


def answers(base: LoadedBase, router: AdapterRouter, slots: list[int], max_rows: int = 8) -> list[str]:
    generator = Generator(router, base.tokenizer, max_rows=max_rows)
    prompts = [PROMPTS[i % len(PROMPTS)] for i in range(len(slots))]
    return generator.generate_all(
        [
            GenerationRequest(base.tokenizer.encode(prompt), max_tokens=6 + 5 * i, slot=slot)
            for i, (prompt, slot) in enumerate(zip(prompts, slots, strict=True))
        ]
    )


def logits(router: AdapterRouter, base: LoadedBase, slot: int, text: str) -> mx.array:
    return router(mx.array([base.tokenizer.encode(text)]), cache=router.caches(slot))


def test_rows_of_different_adapters_in_one_batch_answer_as_they_do_alone(tiny_ws: Workspace, base: LoadedBase) -> None:
    router = AdapterRouter(base.model)
    one = router.load(adapter(tiny_ws, base, "um", seed=1, rank=4))
    two = router.load(adapter(tiny_ws, base, "dois", seed=2, rank=7, layers=(0, 2), keys=("self_attn.o_proj",)))
    slots = [0, one, two, one, 0]

    together = answers(base, router, slots)
    alone = answers(base, router, slots, max_rows=1)

    assert together == alone
    prompt = base.tokenizer.encode(PROMPTS[0])
    same = Generator(router, base.tokenizer).generate_all(
        [GenerationRequest(prompt, max_tokens=12, slot=slot) for slot in (0, one, two)]
    )
    assert len(set(same)) == 3


def test_a_routed_adapter_gives_the_logits_of_mlx_lms_own_layers(tiny_ws: Workspace, base: LoadedBase) -> None:
    folder = make_tiny_adapter(tiny_ws, "um", rank=4, scale=3.0)
    router = AdapterRouter(base.model)
    slot = router.load(read_adapter(folder, base.info))
    other = router.load(adapter(tiny_ws, base, "dois", seed=2, rank=9))
    assert other != slot

    theirs = load_adapters(load_base(tiny_ws.models / "tiny").model, str(folder))
    tokens = mx.array([base.tokenizer.encode(PROMPTS[1])])

    assert mx.allclose(logits(router, base, slot, PROMPTS[1]), theirs(tokens), rtol=1e-4, atol=1e-4)
    assert not mx.allclose(logits(router, base, 0, PROMPTS[1]), theirs(tokens), rtol=1e-2, atol=1e-2)


def test_the_base_is_untouched_by_adapters_beside_it(tiny_ws: Workspace, base: LoadedBase) -> None:
    router = AdapterRouter(base.model)
    before = logits(router, base, 0, PROMPTS[0])
    slot = router.load(adapter(tiny_ws, base, "um"))

    assert mx.array_equal(logits(router, base, 0, PROMPTS[0]), before)
    router.unload(slot)
    assert mx.array_equal(logits(router, base, 0, PROMPTS[0]), before)


def test_slots_are_freed_and_given_to_the_next_adapter(tiny_ws: Workspace, base: LoadedBase) -> None:
    router = AdapterRouter(base.model)
    first = router.load(adapter(tiny_ws, base, "um", seed=1, layers=(1,)))
    second = router.load(adapter(tiny_ws, base, "dois", seed=2, rank=9, layers=(1, 2)))
    kept = logits(router, base, second, PROMPTS[0])

    router.unload(first)
    # Adapts a layer that nobody adapted yet, in a slot below the one in use.
    third = router.load(adapter(tiny_ws, base, "tres", seed=3, rank=2, layers=(0,)))

    assert third == first
    assert mx.allclose(logits(router, base, second, PROMPTS[0]), kept, atol=1e-5)
    assert router.slots == [first, second]
    for slot in router.slots:
        router.unload(slot)
    assert not any(isinstance(module, RoutedLinear) for _, module in base.model.named_modules())


def test_an_adapter_may_come_while_others_are_writing(tiny_ws: Workspace, base: LoadedBase) -> None:
    router = AdapterRouter(base.model)
    one = router.load(adapter(tiny_ws, base, "um"))
    request = GenerationRequest(base.tokenizer.encode(PROMPTS[0]), max_tokens=20, slot=one)
    (expected,) = Generator(router, base.tokenizer).generate_all([request])

    generator = Generator(router, base.tokenizer)
    uid = generator.add(request)
    text = ""
    for step in range(200):
        if step == 5:
            two = router.load(adapter(tiny_ws, base, "dois", seed=2, rank=16, layers=(0, 1, 2)))
            generator.add(GenerationRequest(base.tokenizer.encode(PROMPTS[2]), max_tokens=9, slot=two))
        text += "".join(event.text for event in generator.step() if event.uid == uid and hasattr(event, "text"))
        if not len(generator):
            break

    assert text == expected


def test_an_adapter_that_does_not_fit_is_refused_and_changes_nothing(tiny_ws: Workspace, base: LoadedBase) -> None:
    make_tiny_model(tiny_ws, "larga", hidden=128)
    router = AdapterRouter(base.model)
    before = logits(router, base, 0, PROMPTS[0])
    foreign = make_tiny_adapter(tiny_ws, "larga", base="larga", fingerprint=base.info.fingerprint)

    with pytest.raises(Conflict, match="shape"):
        router.load(read_adapter(foreign, base.info))

    assert router.slots == []
    assert mx.array_equal(logits(router, base, 0, PROMPTS[0]), before)


def held_bytes() -> int:
    gc.collect()
    return mx.get_active_memory()


def check_resident_bytes(router: AdapterRouter, read: Callable[[int, int], AdapterWeights], ranks: list[int]) -> None:
    """Each adapter costs its own bytes within a tenth, whatever is beside it, and gives all of them back."""
    start = held_bytes()
    slots, sizes = [], []
    for seed, rank in enumerate(ranks):
        before = held_bytes()
        weights = read(seed, rank)
        sizes.append(weights.nbytes)
        slots.append(router.load(weights))
        del weights
        assert held_bytes() - before == pytest.approx(sizes[-1], rel=0.1)
    for slot, size in zip(slots[1:], sizes[1:], strict=True):
        before = held_bytes()
        router.unload(slot)
        assert before - held_bytes() == pytest.approx(size, rel=0.1)
    router.unload(slots[0])
    assert held_bytes() - start < 0.1 * sizes[0]


def test_an_adapter_takes_its_own_bytes_and_gives_them_back(tiny_ws: Workspace) -> None:
    # Wide enough for the allocator's rounding not to count.
    wide = load_base(make_tiny_model(tiny_ws, "larga", hidden=256))

    def read(seed: int, rank: int) -> AdapterWeights:
        layers = (0, 1, 2) if seed % 2 else (1, 2)
        folder = make_tiny_adapter(tiny_ws, f"a{seed}", base="larga", seed=seed, rank=rank, layers=layers)
        return read_adapter(folder, wide.info)

    check_resident_bytes(AdapterRouter(wide.model), read, [16, 16, 8, 64, 16, 8])


@pytest.mark.verify
@pytest.mark.journey
def test_an_adapter_of_a_real_model_takes_its_own_bytes(ws: Workspace) -> None:
    pull(ws, "smollm2-135m", lambda done, total, message: None)
    model = load_base(ws.models / "smollm2-135m").model
    linears = {name: width(module) for name, module in model.named_modules() if isinstance(module, nn.Linear)}

    def read(seed: int, rank: int) -> AdapterWeights:
        mx.random.seed(seed)
        layers = {
            name: (mx.random.normal((inputs, rank)), mx.random.normal((rank, outputs)))
            for name, (inputs, outputs) in linears.items()
        }
        mx.eval(layers)
        return AdapterWeights(f"a{seed}", "0", 2.0, rank, layers, {})

    assert len(linears) >= 7 * 30
    check_resident_bytes(AdapterRouter(model), read, [8, 16, 64, 16, 16])


def test_adapters_of_many_forms_answer_in_one_batch_as_alone(tiny_ws: Workspace, base: LoadedBase) -> None:
    router = AdapterRouter(base.model)
    forms = [(8, (1, 2)), (8, (1, 2)), (16, (1, 2)), (8, (0,)), (64, (2,))]
    slots = [
        router.load(adapter(tiny_ws, base, f"a{seed}", seed=seed, rank=rank, layers=layers))
        for seed, (rank, layers) in enumerate(forms)
    ]
    router.unload(slots.pop(0))  # the stack that it shared closes up
    tokens = mx.array([base.tokenizer.encode(PROMPTS[1])])
    alone = [router(tokens, cache=router.caches(slot)) for slot in [0, *slots]]
    carrier = SlotCache([0, *slots, slots[0]])
    caches = [cache.merge([cache] * 6) for cache in make_prompt_cache(base.model)]

    together = router(mx.repeat(tokens, 6, axis=0), cache=[*caches, carrier])

    for row, expected in enumerate([*alone, alone[1]]):
        assert mx.allclose(together[row], expected[0], rtol=1e-4, atol=1e-4)
    assert all(not mx.allclose(one, alone[0], rtol=1e-2, atol=1e-2) for one in alone[1:])


def test_slots_follow_their_rows_through_the_moves_of_a_batch() -> None:
    cache = SlotCache.merge([SlotCache([3]), SlotCache([0]), SlotCache([5])])
    cache.filter([2, 0])
    cache.extend(SlotCache([7]))
    assert cache.slots == [5, 3, 7]
    assert cache.extract(1).slots == [3]


def test_a_quantized_base_takes_adapters_too(tiny_ws: Workspace, base: LoadedBase) -> None:
    folder = make_tiny_adapter(tiny_ws, "um", rank=4, scale=3.0)
    weights = read_adapter(folder, base.info)
    theirs = load_base(tiny_ws.models / "tiny").model
    for model in (base.model, theirs):
        nn.quantize(model, group_size=32, bits=8)
    router = AdapterRouter(base.model)
    slot = router.load(weights)
    tokens = mx.array([base.tokenizer.encode(PROMPTS[1])])

    expected = load_adapters(theirs, str(folder))(tokens)

    assert mx.allclose(logits(router, base, slot, PROMPTS[1]), expected, rtol=1e-3, atol=1e-3)
    assert mx.allclose(logits(router, base, 0, PROMPTS[1]), base.model(tokens), rtol=1e-4, atol=1e-4)
