"""Rows held to a grammar in one batch with rows that are free."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.tiny_adapter import make_tiny_adapter
from tools.compute.constraints import GrammarCompiler, GrammarProcessor
from tools.compute.generation import Delta, Finished, GenerationRequest, Generator
from tools.compute.loading import LoadedBase, load_base
from tools.compute.lora import read_adapter
from tools.compute.routing import AdapterRouter
from tools.models.sampling import GREEDY, Sampling
from tools.models.tool_calls import grammar
from tools.workspace.layout import Workspace

SCHEMA = {
    "type": "object",
    "properties": {
        "nome": {"type": "string", "maxLength": 12},
        "cor": {"enum": ["azul", "maçã"]},
        "n": {"type": "integer", "minimum": 0, "maximum": 99},
    },
    "required": ["nome", "cor", "n"],
    "additionalProperties": False,
}
WARM = Sampling(temperature=1.0, seed=3)


@pytest.fixture
def base(tiny_ws: Workspace) -> LoadedBase:
    return load_base(tiny_ws.models / "tiny")


@pytest.fixture
def compiler(base: LoadedBase) -> GrammarCompiler:
    return GrammarCompiler(base.tokenizer, base.info.vocab_size)


def free(base: LoadedBase, text: str, **how: Any) -> GenerationRequest:
    return GenerationRequest(base.tokenizer.encode(text), max_tokens=24, **how)


def held(base: LoadedBase, compiler: GrammarCompiler, text: str, **how: Any) -> GenerationRequest:
    prompt = base.tokenizer.encode(text)
    start = compiler.compile(grammar.answer(SCHEMA), "response_format")
    return GenerationRequest(prompt, **{"max_tokens": 120, **how}, processors=(GrammarProcessor(start, len(prompt)),))


def follows(text: str) -> bool:
    found = json.loads(text)
    return list(found) == ["nome", "cor", "n"] and found["cor"] in ("azul", "maçã") and 0 <= found["n"] <= 99


@pytest.mark.parametrize("sampling", [GREEDY, WARM, Sampling(frequency_penalty=2, presence_penalty=1, seed=1)])
def test_random_weights_still_write_json_of_the_schema(
    base: LoadedBase, compiler: GrammarCompiler, sampling: Sampling
) -> None:
    generator = Generator(AdapterRouter(base.model), base.tokenizer)
    uid = generator.add(held(base, compiler, "O farol", sampling=sampling, top_logprobs=2))
    text, scores, end = "", [], None
    while end is None:
        for event in generator.step():
            match event:
                case Delta():
                    text += event.text
                    scores += event.logprobs
                case Finished():
                    end = event
    assert end.uid == uid
    assert end.reason == "stop"
    assert follows(text)
    assert b"".join(bytes(one.bytes) for one in scores).decode() == text
    assert all(one.logprob is not None and one.logprob <= 0 for one in scores)


def test_an_answer_cut_by_its_limit_says_so(base: LoadedBase, compiler: GrammarCompiler) -> None:
    generator = Generator(AdapterRouter(base.model), base.tokenizer)
    generator.add(held(base, compiler, "O farol", max_tokens=5))
    events = [event for _ in range(12) for event in generator.step()]
    assert isinstance(events[-1], Finished)
    assert events[-1].reason == "length"


def test_free_rows_are_as_without_the_held_ones_beside_them(
    tiny_ws: Workspace, base: LoadedBase, compiler: GrammarCompiler
) -> None:
    router = AdapterRouter(base.model)
    slot = router.load(read_adapter(make_tiny_adapter(tiny_ws, "um", seed=1), base.info))
    generator = Generator(router, base.tokenizer)
    texts = ["O farol da ilha", "A menina contava", "Quem foi o campeão?"]
    free_rows = [free(base, text, slot=slot * (at % 2)) for at, text in enumerate(texts)]
    alone = [generator.generate_all([row])[0] for row in free_rows]
    held_rows = [held(base, compiler, text, slot=slot * (at % 2), sampling=WARM) for at, text in enumerate(texts)]
    mixed = [row for pair in zip(held_rows, free_rows, strict=True) for row in pair]
    answers = generator.generate_all(mixed)
    assert answers[1::2] == alone
    assert all(follows(text) for text in answers[::2])


def test_a_seed_gives_the_same_json_alone_and_among_others(base: LoadedBase, compiler: GrammarCompiler) -> None:
    generator = Generator(AdapterRouter(base.model), base.tokenizer)

    def drawn(others: int) -> str:
        rows = [
            held(base, compiler, "mãe " * (at + 1), sampling=Sampling(temperature=1, seed=at)) for at in range(others)
        ]
        return generator.generate_all([held(base, compiler, "O farol", sampling=WARM), *rows])[0]

    assert drawn(0) == drawn(1) == drawn(4)


def test_a_held_row_goes_on_after_the_batch_failed(base: LoadedBase, compiler: GrammarCompiler) -> None:
    generator = Generator(AdapterRouter(base.model), base.tokenizer)
    whole = generator.generate_all([held(base, compiler, "O farol")])[0]

    def failing(_tokens: Any, _logits: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise RuntimeError("planted")
        return _logits

    calls = 0
    bad = GenerationRequest(base.tokenizer.encode("mãe"), max_tokens=20, processors=(failing,))
    good = generator.add(held(base, compiler, "O farol"))
    generator.add(bad)
    text = ""
    for _ in range(200):
        text += "".join(event.text for event in generator.step() if isinstance(event, Delta) and event.uid == good)
        if not len(generator):
            break
    assert text == whole
