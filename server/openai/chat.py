"""POST /v1/chat/completions."""

from __future__ import annotations

from typing import Any

from server.engine.generation import Piece, Request
from server.engine.models import Target
from server.engine.protocol import Conversation, Ended, Logprob, Reasoning, Text, ToolCall
from server.openai.answering import Choice
from server.openai.as_trained import as_trained
from server.openai.schemas import ChatRequest
from tools.models.serving import InstructionForm


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
            "message": _message(choice),
            "logprobs": self._told(choice.logprobs),
            "finish_reason": choice.reason,
        }

    def first(self, index: int) -> dict[str, Any]:
        return self._chunk(index, {"role": "assistant", "content": ""})

    def delta(self, piece: Piece) -> dict[str, Any]:
        match piece:
            case Reasoning():
                return self._chunk(piece.index, {"reasoning_content": piece.text})
            case ToolCall():
                return self._chunk(piece.index, {"tool_calls": [_piece_of_call(piece)]})
            case Text():
                return {**self._chunk(piece.index, {"content": piece.text}), "logprobs": self._told(piece.logprobs)}

    def last(self, ended: Ended) -> dict[str, Any]:
        return {**self._chunk(ended.index, {}), "finish_reason": ended.reason}

    def _chunk(self, index: int, delta: dict[str, Any]) -> dict[str, Any]:
        return {**self._head(index), "delta": delta, "logprobs": None, "finish_reason": None}

    def _told(self, logprobs: list[Logprob]) -> dict[str, Any] | None:
        if not self._logprobs:
            return None
        return {"content": [{**_token(one), "top_logprobs": [_token(top) for top in one.top]} for one in logprobs]}


def _message(choice: Choice) -> dict[str, Any]:
    told: dict[str, Any] = {"role": "assistant", "content": choice.text, "refusal": None}
    if choice.thoughts:
        told["reasoning_content"] = choice.thoughts
    if choice.calls:
        told["content"] = choice.text or None
        told["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in choice.calls
        ]
    return told


def _piece_of_call(piece: ToolCall) -> dict[str, Any]:
    """The first piece of a call has all of its head, the others have arguments alone."""
    if piece.name is None:
        return {"index": piece.call, "function": {"arguments": piece.arguments}}
    function = {"name": piece.name, "arguments": piece.arguments}
    return {"index": piece.call, "id": piece.call_id, "type": "function", "function": function}


def _token(one: Logprob) -> dict[str, Any]:
    return {"token": one.token, "logprob": one.logprob, "bytes": one.bytes}


def _conversation(asked: ChatRequest, form: InstructionForm | None) -> Conversation:
    answers = asked.response_format
    return Conversation(
        messages=[message.plain() for message in asked.messages],
        tools=asked.tool_use(),
        json_schema=answers.schema_of_answers() if answers else None,
        thinking=asked.thinking,
        effort=asked.reasoning_effort,
        goes_on=asked.continue_final_message,
        form=form,
    )


def engine_request(asked: ChatRequest, target: Target, default_tokens: int) -> Request:
    """What the engine is asked."""
    asked = as_trained(asked, target.serving)
    form = target.serving.instruction if target.serving else None
    return Request(
        target=target,
        prompts=(_conversation(asked, form),),
        max_tokens=asked.max_tokens or asked.max_completion_tokens or default_tokens,
        sampling=asked.sampling(),
        n=asked.n,
        stop=asked.stops(),
        top_logprobs=(asked.top_logprobs or 0) if asked.logprobs else None,
    )
