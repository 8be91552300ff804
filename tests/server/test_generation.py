"""A request as its caller sees it: its end by time, by a slow reader, by the caller."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from server.engine.errors import EngineDied, SlowReader, TooSlow
from server.engine.generation import Generation, Request
from server.engine.models import resolve
from server.engine.protocol import Done, Logprob, PlainText, Started, Text
from server.settings import Settings
from tools.models.sampling import GREEDY
from tools.workspace.layout import Workspace

Make = Callable[..., Generation]


@pytest.fixture
def ended() -> list[Generation]:
    """Those of whose end the engine was told."""
    return []


@pytest.fixture
def make(tiny_ws: Workspace, ended: list[Generation]) -> Make:
    target = resolve(tiny_ws, Settings(), "tiny")
    request = Request(target, (PlainText(text="olá"),), max_tokens=4, sampling=GREEDY)
    return lambda timeout_s=60.0: Generation(1, request, timeout_s, ended.append)


def text(word: str = "a", alternatives: int = 0) -> Text:
    top = [Logprob(token="a", bytes=[97], logprob=-1.0)] * alternatives
    return Text(id=1, index=0, text=word, logprobs=[Logprob(token=word, bytes=[], logprob=0.0, top=top)])


async def test_what_is_told_is_read_to_the_end(make: Make, ended: list[Generation]) -> None:
    generation = make()
    for event in (Started(id=1), text(), Done(id=1, prompt_tokens=1, completion_tokens=1)):
        generation.tell(event)
    assert [type(event) for event in [one async for one in generation]] == [Started, Text, Done]
    assert generation.over
    generation.cancel()
    assert ended == []


async def test_an_answer_that_nobody_reads_is_ended_within_a_bound(make: Make, ended: list[Generation]) -> None:
    generation = make()
    told = 0
    while not generation.over:
        generation.tell(text(alternatives=20))
        told += 1
        assert told < 2000
    assert ended == [generation]
    read = 0
    with pytest.raises(SlowReader):
        async for _ in generation:
            read += 1
    assert read == told


async def test_an_answer_that_is_read_may_be_as_long_as_it_likes(make: Make) -> None:
    generation = make()
    events = aiter(generation)
    for _ in range(20_000):
        generation.tell(text())
        await anext(events)
    assert not generation.over


async def test_the_time_is_over_for_one_that_nobody_reads_too(make: Make, ended: list[Generation]) -> None:
    generation = make(timeout_s=0.05)
    async with asyncio.timeout(5):
        while not generation.over:
            await asyncio.sleep(0.01)
    assert ended == [generation]
    with pytest.raises(TooSlow, match=r"0\.05 s"):
        await anext(aiter(generation))


async def test_only_the_first_error_counts(make: Make) -> None:
    generation = make()
    generation.fail(EngineDied("It died."))
    generation.fail(TooSlow("Too slow."))
    with pytest.raises(EngineDied):
        await anext(aiter(generation))
