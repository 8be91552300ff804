"""POST /v1/chat/completions."""

from __future__ import annotations

from typing import Any

from server.engine.generation import Request
from server.engine.models import Target
from server.engine.protocol import Conversation, Ended, Logprob, Text
from server.openai.answering import Choice
from server.openai.schemas import ChatRequest


class ChatShape:
    """The objects `chat.completion` and `chat.completion.chunk`."""

    object = "chat.completion"
    chunk_object = "chat.completion.chunk"
    prefix = "chatcmpl"

    def __init__(self, asked: ChatRequest) -> None:
        self._logprobs = asked.logprobs
        self._models = [model for model in asked.models or [] for _ in range(asked.n)]

    def _head(self, index: int) -> dict[str, Any]:
        """A choice's place and, where several models are asked, which it is of."""
        return {"index": index, "model": self._models[index]} if self._models else {"index": index}

    def choice(self, choice: Choice) -> dict[str, Any]:
        return {
            **self._head(choice.index),
            "message": {"role": "assistant", "content": choice.text, "refusal": None},
            "logprobs": self._told(choice.logprobs),
            "finish_reason": choice.reason,
        }

    def first(self, index: int) -> dict[str, Any]:
        return self._chunk(index, {"role": "assistant", "content": ""})

    def delta(self, text: Text, before: Choice) -> dict[str, Any]:
        del before
        return {**self._chunk(text.index, {"content": text.text}), "logprobs": self._told(text.logprobs)}

    def last(self, ended: Ended) -> dict[str, Any]:
        return {**self._chunk(ended.index, {}), "finish_reason": ended.reason}

    def _chunk(self, index: int, delta: dict[str, Any]) -> dict[str, Any]:
        return {**self._head(index), "delta": delta, "logprobs": None, "finish_reason": None}

    def _told(self, logprobs: list[Logprob]) -> dict[str, Any] | None:
        if not self._logprobs:
            return None
        return {"content": [{**_token(one), "top_logprobs": [_token(top) for top in one.top]} for one in logprobs]}


def _token(one: Logprob) -> dict[str, Any]:
    return {"token": one.token, "logprob": one.logprob, "bytes": one.bytes}


def engine_request(asked: ChatRequest, target: Target, default_tokens: int) -> Request:
    """What the engine is asked."""
    return Request(
        target=target,
        prompts=(Conversation(messages=[message.plain() for message in asked.messages]),),
        max_tokens=asked.max_tokens or asked.max_completion_tokens or default_tokens,
        sampling=asked.sampling(),
        n=asked.n,
        stop=asked.stops(),
        top_logprobs=(asked.top_logprobs or 0) if asked.logprobs else None,
    )
