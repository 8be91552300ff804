"""POST /v1/completions."""

from __future__ import annotations

from typing import Any

from server.engine.generation import Piece, Request
from server.engine.models import Target
from server.engine.protocol import Ended, Logprob, PlainText, Prompt, Text, TokenIds
from server.openai.answering import Choice
from server.openai.as_trained import as_trained
from server.openai.schemas import CompletionRequest


class CompletionShape:
    """The object `text_completion`, whole and in chunks."""

    object = "text_completion"
    chunk_object = "text_completion"
    prefix = "cmpl"

    def __init__(self, asked: CompletionRequest) -> None:
        self._logprobs = asked.logprobs is not None

    def choice(self, choice: Choice) -> dict[str, Any]:
        logprobs = self._told(choice.logprobs)
        return {"index": choice.index, "text": choice.text, "logprobs": logprobs, "finish_reason": choice.reason}

    def first(self, index: int) -> None:
        del index

    def delta(self, piece: Piece) -> dict[str, Any]:
        assert isinstance(piece, Text), "only conversations are answered in other pieces"
        logprobs = self._told(piece.logprobs)
        return {"index": piece.index, "text": piece.text, "logprobs": logprobs, "finish_reason": None}

    def last(self, ended: Ended) -> dict[str, Any]:
        return {"index": ended.index, "text": "", "logprobs": None, "finish_reason": ended.reason}

    def _told(self, logprobs: list[Logprob]) -> dict[str, Any] | None:
        if not self._logprobs:
            return None
        return {
            "tokens": [_name(one) for one in logprobs],
            "token_logprobs": [one.logprob for one in logprobs],
            "top_logprobs": [_alternatives(one) for one in logprobs],
            "text_offset": [one.start for one in logprobs],
        }


def _alternatives(one: Logprob) -> dict[str, float | None] | None:
    """The likeliest tokens, and the token itself; None for a prompt's first, which nothing comes before."""
    return None if one.logprob is None else {_name(told): told.logprob for told in [*one.top, one]}


def _name(one: Logprob) -> str:
    """The token, or its bytes as OpenAI writes them when they are part of a character."""
    data = bytes(one.bytes)
    if data.decode("utf-8", "ignore").encode() == data:
        return one.token
    return "bytes:" + "".join(f"\\x{byte:02x}" for byte in data)


def engine_request(asked: CompletionRequest, target: Target) -> Request:
    """What the engine is asked."""
    asked = as_trained(asked, target.serving)
    return Request(
        target=target,
        prompts=_prompts(asked.prompt),
        max_tokens=asked.max_tokens,
        sampling=asked.sampling(),
        n=asked.n,
        stop=asked.stops(),
        top_logprobs=asked.logprobs,
        echo=asked.echo,
    )


def _prompts(given: str | list[str] | list[int] | list[list[int]]) -> tuple[Prompt, ...]:
    if isinstance(given, str):
        return (PlainText(text=given),)
    if all(isinstance(item, int) for item in given):
        return (TokenIds(ids=[item for item in given if isinstance(item, int)]),)
    return tuple(
        PlainText(text=item) if isinstance(item, str) else TokenIds(ids=item)
        for item in given
        if not isinstance(item, int)
    )
