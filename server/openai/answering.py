"""From a validated request to the engine and back: whole answers, or chunks as they come.

What differs between chat and completions (the shape of what is sent) is a `Shape`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from server.engine.generation import Event, Generation
from server.engine.protocol import Done, Ended, Logprob, Started, Text
from server.openai.connection import DONE, EventStream, event, while_connected
from server.openai.errors import from_afina
from server.openai.schemas import Common
from tools.errors import AfinaError


@dataclass
class Choice:
    """An answer as it grows."""

    index: int
    text: str = ""
    logprobs: list[Logprob] = field(default_factory=list)
    reason: str | None = None


class Shape(Protocol):
    """How an endpoint writes down what was generated."""

    object: str
    chunk_object: str
    prefix: str

    def choice(self, choice: Choice) -> dict[str, Any]:
        """A whole answer."""

    def first(self, index: int) -> dict[str, Any] | None:
        """What an answer's stream opens with, if anything."""

    def delta(self, text: Text, before: Choice) -> dict[str, Any]:
        """A piece of an answer; `before` is what came before it."""

    def last(self, ended: Ended) -> dict[str, Any]:
        """The end of an answer."""


def usage(done: Done) -> dict[str, Any]:
    return {
        "prompt_tokens": done.prompt_tokens,
        "completion_tokens": done.completion_tokens,
        "total_tokens": done.prompt_tokens + done.completion_tokens,
    }


async def answer(request: Request, asked: Common, shape: Shape, begin: Callable[[], Generation]) -> Response:
    """The response to a chat or completions request: generation begins here, and ends with the client."""
    generation = begin()
    head = _head(shape, generation)
    try:
        if not asked.stream:
            return JSONResponse(await while_connected(request, _whole(generation, shape, head)))
        events = aiter(generation)
        # Errors that come before the first event are told by the status, which goes out with it.
        await while_connected(request, _first(events))
    except BaseException:
        generation.cancel()
        raise
    chunks = _stream(generation, events, asked, shape, {**head, "object": shape.chunk_object})
    return EventStream(chunks, generation.cancel)


def _head(shape: Shape, generation: Generation) -> dict[str, Any]:
    target = generation.request.target
    return {
        "id": f"{shape.prefix}-{uuid.uuid4().hex}",
        "object": shape.object,
        "created": int(time.time()),
        "model": target.id,
        "system_fingerprint": target.fingerprint,
    }


async def _first(events: AsyncIterator[Event]) -> None:
    await anext(events)


async def _whole(generation: Generation, shape: Shape, head: dict[str, Any]) -> dict[str, Any]:
    choices = [Choice(index) for index in range(generation.request.rows)]
    async for one in generation:
        match one:
            case Text():
                choices[one.index].text += one.text
                choices[one.index].logprobs += one.logprobs
            case Ended():
                choices[one.index].reason = one.reason
            case Done():
                return {**head, "choices": [shape.choice(choice) for choice in choices], "usage": usage(one)}
    raise AssertionError("a generation ends with Done")


async def _stream(
    generation: Generation, events: AsyncIterator[Event], asked: Common, shape: Shape, head: dict[str, Any]
) -> AsyncGenerator[bytes]:
    before = [Choice(index) for index in range(generation.request.rows)]
    if asked.wants_usage:
        head = {**head, "usage": None}

    def chunk(choice: dict[str, Any]) -> bytes:
        return event({**head, "choices": [choice]})

    try:
        for index in range(len(before)):
            opening = shape.first(index)
            if opening is not None:
                yield chunk(opening)
        async for one in events:
            match one:
                case Text():
                    yield chunk(shape.delta(one, before[one.index]))
                    before[one.index].text += one.text
                case Ended():
                    yield chunk(shape.last(one))
                case Done():
                    if asked.wants_usage:
                        yield event({**head, "choices": [], "usage": usage(one)})
                case Started():
                    pass
        yield DONE
    except AfinaError as error:
        # The status went out long ago: the error travels inside the stream.
        yield event(from_afina(error).body())
        yield DONE
