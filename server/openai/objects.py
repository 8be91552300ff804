"""What the endpoint answers, as its API description tells it.

Answers are written as plain JSON; tests hold every answer of a real server to these.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.models.serving import ServedForm


class _Object(BaseModel):
    model_config = ConfigDict(extra="forbid")


# Errors --------------------------------------------------------------------------------------------


class Error(_Object):
    message: str = Field(min_length=1, description="What was wrong, and what to do next")
    type: Literal["invalid_request_error", "rate_limit_error", "server_error"]
    param: str | None = Field(description="The field of the request that it is about, as `messages[0].role`")
    code: str | None = Field(description="For programs; it does not change between versions")


class ErrorAnswer(_Object):
    error: Error


# What generation answers ---------------------------------------------------------------------------


class PromptTokens(_Object):
    cached_tokens: int = Field(ge=0, description="Not read anew: the prompt began like one that was read before")


class CompletionTokens(_Object):
    reasoning_tokens: int = Field(ge=0, description="Thoughts, counted anew from their text")


class Usage(_Object):
    prompt_tokens: int = Field(ge=0, description="Each prompt counts once for each model that reads it")
    completion_tokens: int = Field(ge=0)
    total_tokens: int = Field(ge=0)
    prompt_tokens_details: PromptTokens
    completion_tokens_details: CompletionTokens


class TopLogprob(_Object):
    token: str
    logprob: float = Field(le=0, description="Natural; -9999 for a token that could not come")
    bytes: list[int]


class TokenLogprob(TopLogprob):
    top_logprobs: list[TopLogprob]


class ChatLogprobs(_Object):
    content: list[TokenLogprob]


class CalledFunction(_Object):
    name: str
    arguments: str = Field(description="JSON text; whole only where the answer was not cut")


class CalledTool(_Object):
    id: str
    type: Literal["function"]
    function: CalledFunction


class AssistantMessage(_Object):
    role: Literal["assistant"]
    content: str | None = Field(description="null where there are calls and no words")
    refusal: None
    reasoning_content: str = Field("", description="Thoughts before the answer, of models that think")
    tool_calls: list[CalledTool] = Field([], min_length=1)


class Score(_Object):
    model: str
    logprob: float = Field(le=0, description="Natural, of the whole text")
    tokens: int = Field(ge=0, description="That the text has as the tokenizer writes it")


class _Compared(_Object):
    """What a choice tells besides, of several `models` with `logprobs`."""

    scores: list[Score] = Field([], description="How likely each model finds this text as its own answer")
    usage: Usage | None = Field(None, description="Of this choice alone")


class ChatChoice(_Compared):
    index: int = Field(ge=0)
    model: str = Field("", description="Which of `models` it is of; only where several were asked")
    message: AssistantMessage
    logprobs: ChatLogprobs | None
    finish_reason: Literal["stop", "length", "tool_calls"]


class _Head(_Object):
    id: str
    created: int = Field(description="Seconds of the epoch")
    model: str = Field(description="The id that was asked; the base's where several were")
    system_fingerprint: str = Field(description="Equal only where the same weights answer: base, adapter and version")


class ChatCompletion(_Head):
    object: Literal["chat.completion"]
    choices: list[ChatChoice] = Field(min_length=1)
    usage: Usage


class FunctionPiece(_Object):
    name: str = ""
    arguments: str


class CallPiece(_Object):
    """The first piece of a call has its `id`, `type` and `name`; the arguments of all, joined, are JSON text."""

    index: int = Field(ge=0)
    id: str = ""
    type: Literal["function"] = "function"
    function: FunctionPiece


class Delta(_Object):
    role: Literal["assistant"] = "assistant"
    content: str | None = ""
    reasoning_content: str = ""
    tool_calls: list[CallPiece] = []


class ChatChunkChoice(_Compared):
    index: int = Field(ge=0)
    model: str = Field("", description="Which of `models` it is of; only where several were asked")
    delta: Delta
    logprobs: ChatLogprobs | None
    finish_reason: Literal["stop", "length", "tool_calls"] | None


class ChatCompletionChunk(_Head):
    """The data of one event of a stream."""

    object: Literal["chat.completion.chunk"]
    choices: list[ChatChunkChoice] = Field(description="Empty in the chunk that tells the usage")
    usage: Usage | None = None


class CompletionLogprobs(_Object):
    tokens: list[str]
    token_logprobs: list[float | None] = Field(description="null for a prompt's first token")
    top_logprobs: list[dict[str, float] | None]
    text_offset: list[int] = Field(description="Where each token starts, in characters of the text")


class CompletionChoice(_Object):
    index: int = Field(ge=0)
    text: str
    logprobs: CompletionLogprobs | None
    finish_reason: Literal["stop", "length"]


class Completion(_Head):
    object: Literal["text_completion"]
    choices: list[CompletionChoice] = Field(min_length=1)
    usage: Usage


class CompletionChunkChoice(CompletionChoice):
    finish_reason: Literal["stop", "length"] | None  # type: ignore[assignment]


class CompletionChunk(_Head):
    """The data of one event of a stream."""

    object: Literal["text_completion"]
    choices: list[CompletionChunkChoice] = Field(description="Empty in the chunk that tells the usage")
    usage: Usage | None = None


# Models and the server -----------------------------------------------------------------------------


class AsTrained(_Object):
    """How an adapter was trained to be asked. What a request says itself goes before it."""

    form: ServedForm = Field(description="Of the rows that were learned; `text` is running text")
    chat: str = Field(description="What a conversation is put into")
    system: str | None = Field(description="What a chat without a system message has")
    stop: list[str] = Field(description="Added to a request's own; `stop: []` leaves them out")
    sampling: dict[str, float] = Field(description="For the fields that a request does not give")


class Model(_Object):
    id: str
    object: Literal["model"]
    created: int = Field(description="Seconds of the epoch")
    owned_by: str
    root: str = Field(description="The exact version behind the id, as `name@version`; the id itself of a base")
    parent: str | None = Field(description="The base beneath an adapter")
    max_model_len: int = Field(description="Tokens of prompt and answer together")
    afina: AsTrained | None = Field(description="Of an adapter that tells it, or a model that one was merged into")


class ModelList(_Object):
    object: Literal["list"]
    data: list[Model]


class Health(BaseModel):
    """More is told to whoever has a key, where keys are asked for."""

    model_config = ConfigDict(extra="allow")

    status: Literal["ok"]
    version: str
    uptime_s: float | None = Field(None, description="Seconds")
    tasks: int | None = Field(None, description="What the server does at once, this question among it")
    engine: dict[str, Any] | None = Field(None, description="What is loaded, what runs and waits; sizes in bytes")
    run: str | None = Field(None, description="The training run that is under way")
    mcp: str | None = None


class Readiness(BaseModel):
    model_config = ConfigDict(extra="allow")

    status: Literal["ready"]


class Unreadiness(BaseModel):
    model_config = ConfigDict(extra="allow")

    status: Literal["not ready"]
    reason: str
