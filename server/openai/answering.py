"""From a validated request to the engine and back: whole answers, or chunks as they come.

What differs between chat and completions (the shape of what is sent) is a `Shape`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from server.engine.generation import Event, Piece
from server.engine.protocol import Done, Ended, Logprob, Reasoning, Text, ToolCall
from server.openai.comparing import Scored
from server.openai.connection import DONE, HEARTBEAT, EventStream, event, while_connected, with_pauses
from server.openai.errors import told
from server.openai.schemas import Common
from server.openai.together import Answers
from server.state import AppState


@dataclass
class Call:
    """A call of a function; arguments: JSON text."""

    id: str | None
    name: str | None
    arguments: str = ""


@dataclass
class Choice:
    """An answer as it grows."""

    index: int
    text: str = ""
    thoughts: str = ""
    calls: list[Call] = field(default_factory=list)
    logprobs: list[Logprob] = field(default_factory=list)
    reason: str | None = None
    scored: Scored | None = None

    def add(self, piece: Piece) -> None:
        match piece:
            case Text():
                self.text += piece.text
                self.logprobs += piece.logprobs
            case Reasoning():
                self.thoughts += piece.text
            case ToolCall():
                if piece.name is not None:
                    self.calls.append(Call(piece.call_id, piece.name))
                self.calls[piece.call].arguments += piece.arguments


class Shape(Protocol):
    """How an endpoint writes down what was generated."""

    object: str
    chunk_object: str
    prefix: str

    def choice(self, choice: Choice) -> dict[str, Any]:
        """A whole answer."""

    def first(self, index: int) -> dict[str, Any] | None:
        """What an answer's stream opens with, if anything."""

    def delta(self, piece: Piece) -> dict[str, Any]:
        """A piece of an answer."""

    def last(self, ended: Ended) -> dict[str, Any]:
        """The end of an answer."""


def usage(done: Done) -> dict[str, Any]:
    return {
        "prompt_tokens": done.prompt_tokens,
        "completion_tokens": done.completion_tokens,
        "total_tokens": done.prompt_tokens + done.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": done.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": done.reasoning_tokens},
    }


async def answer(request: Request, asked: Common, shape: Shape, begin: Callable[[], Answers]) -> Response:
    """The response to a chat or completions request: generation begins here, and ends with the client."""
    answers = begin()
    head = _head(shape, answers)
    if not asked.stream:
        try:
            return JSONResponse(await while_connected(request, _whole(answers, shape, head)))
        except BaseException:
            answers.cancel()
            raise
    state: AppState = request.app.state.afina
    events = with_pauses(aiter(answers), state.settings.heartbeat_s)
    try:
        # Errors that come soon are told by the status, which goes out with the first event; whoever
        # waits in line, or for a model, sees that the connection lives.
        await while_connected(request, _first(events))
    except BaseException:
        answers.cancel()
        await events.aclose()
        raise
    chunks = _stream(answers, events, asked, shape, {**head, "object": shape.chunk_object})
    return EventStream(chunks, answers.cancel)


def _head(shape: Shape, answers: Answers) -> dict[str, Any]:
    target = answers.target
    return {
        "id": f"{shape.prefix}-{uuid.uuid4().hex}",
        "object": shape.object,
        "created": int(time.time()),
        "model": target.id,
        "system_fingerprint": target.fingerprint,
    }


async def _first(events: AsyncIterator[Event | Scored | None]) -> None:
    await anext(events)


async def _whole(answers: Answers, shape: Shape, head: dict[str, Any]) -> dict[str, Any]:
    choices = [Choice(index) for index in range(answers.rows)]
    async for one in answers:
        match one:
            case Text() | Reasoning() | ToolCall():
                choices[one.index].add(one)
            case Ended():
                choices[one.index].reason = one.reason
            case Scored():
                choices[one.index].scored = one
            case Done():
                return {**head, "choices": [_told(shape, choice) for choice in choices], "usage": usage(one)}
    raise AssertionError("a generation ends with Done")


def _told(shape: Shape, choice: Choice) -> dict[str, Any]:
    told = shape.choice(choice)
    return {**told, **_compared(choice.scored)} if choice.scored else told


def _compared(scored: Scored) -> dict[str, Any]:
    return {"scores": [asdict(score) for score in scored.scores], "usage": usage(scored.done)}


async def _stream(
    answers: Answers,
    events: AsyncGenerator[Event | Scored | None],
    asked: Common,
    shape: Shape,
    head: dict[str, Any],
) -> AsyncGenerator[bytes]:
    if asked.wants_usage:
        head = {**head, "usage": None}

    def chunk(choice: dict[str, Any]) -> bytes:
        return event({**head, "choices": [choice]})

    try:
        for index in range(answers.rows):
            opening = shape.first(index)
            if opening is not None:
                yield chunk(opening)
        async for one in events:
            match one:
                case None:
                    yield HEARTBEAT
                case Text() | Reasoning() | ToolCall():
                    yield chunk(shape.delta(one))
                case Ended():
                    yield chunk(shape.last(one))
                case Scored():
                    nothing = Text(id=0, index=one.index, text="")
                    yield chunk({**shape.delta(nothing), **_compared(one)})
                case Done():
                    if asked.wants_usage:
                        yield event({**head, "choices": [], "usage": usage(one)})
        yield DONE
    except Exception as error:
        # The status went out long ago: the error travels inside the stream.
        yield event(told(error).body(), name="error")
        yield DONE
    finally:
        await events.aclose()
