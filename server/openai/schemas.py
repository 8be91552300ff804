"""The bodies of requests: types, ranges, and what each field means."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from server.openai import parameters
from server.openai.errors import ApiError
from server.openai.fields import WHOLE, Biases, Choices, Labels, Limit, Seed, Stops, TokenId
from tools.models.sampling import Sampling

_LABEL = "Accepted for its sender's own use; changes nothing"
_MAX_PROMPTS = 32


Id = Annotated[str, Field(min_length=1, max_length=300)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class StreamOptions(_Strict):
    include_usage: bool | None = Field(None, description="A last chunk, with empty `choices`, tells the usage")
    include_obfuscation: Literal[False] | None = Field(None, description="Not supported: no padding is added")


class Common(_Strict):
    """What chat and completions share. temperature defaults to 1, as OpenAI's does."""

    unsupported: ClassVar[parameters.Neutral] = {}

    model: Id | None = Field(None, description="An id that /v1/models lists; default the server's own model")
    stream: bool = Field(False, description="Server-sent events as the answer grows, in place of one JSON object")
    stream_options: StreamOptions | None = Field(None, description="Only with `stream`")
    n: Choices = Field(1, description="Answers to each prompt")
    temperature: float = Field(1.0, ge=0, le=2, description="0 always takes the likeliest token")
    top_p: float = Field(1.0, gt=0, le=1, description="The likeliest tokens that have this much probability together")
    top_k: Annotated[int, Field(ge=-1, le=1_000_000_000), WHOLE] = Field(
        0, description="The k likeliest tokens; 0 or -1: all"
    )
    min_p: float = Field(0.0, ge=0, le=1, description="Tokens with this share of the likeliest one's probability")
    seed: Seed | None = Field(None, description="Same seed, same answer, whatever else runs")
    presence_penalty: float = Field(0.0, ge=-2, le=2, description="Taken from the logit of tokens already written")
    frequency_penalty: float = Field(0.0, ge=-2, le=2, description="Taken once for each time a token was written")
    repetition_penalty: float = Field(1.0, gt=0, le=2, description="Divides logits of tokens in prompt or answer")
    logit_bias: Biases = Field({}, description="Added to the logits of these token ids")
    stop: Stops = Field([], description="Texts that end an answer and are no part of it; at most 4")
    user: str | None = Field(None, description=_LABEL)
    metadata: Labels | None = Field(None, description=_LABEL)
    store: bool | None = Field(None, description=_LABEL)
    safety_identifier: str | None = Field(None, description=_LABEL)
    prompt_cache_key: str | None = Field(None, description=_LABEL)
    prompt_cache_retention: str | None = Field(None, description=_LABEL)

    def sampling(self) -> Sampling:
        return Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=max(0, self.top_k),
            min_p=self.min_p,
            seed=self.seed,
            presence_penalty=self.presence_penalty,
            frequency_penalty=self.frequency_penalty,
            repetition_penalty=self.repetition_penalty,
            logit_bias={int(key): bias for key, bias in self.logit_bias.items()},
        )

    def stops(self) -> tuple[str, ...]:
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop)

    @property
    def wants_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)

    def check(self) -> None:
        """Raises ApiError 400 for fields that contradict one another."""
        if self.stream_options is not None and not self.stream:
            raise contradiction("stream_options", "`stream_options` needs `stream: true`.")

    @classmethod
    def rules(cls) -> list[dict[str, Any]]:
        """What `check` refuses, as JSON schemas that a body must meet."""
        return [either(without("stream_options"), having("stream", True))]


def without(name: str) -> dict[str, Any]:
    """The schema of bodies in which a field is absent, or null."""
    return {"properties": {name: {"type": "null"}}}


def having(name: str, value: Any) -> dict[str, Any]:
    """The schema of bodies with that value of a field."""
    return {"properties": {name: {"const": value}}, "required": [name]}


def either(*schemas: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": list(schemas)}


def contradiction(param: str, message: str) -> ApiError:
    """The refusal of fields that are right alone and wrong together."""
    return ApiError(400, message, param=param, code="invalid_value")


Compared = Annotated[list[Id], Field(min_length=2, max_length=8, json_schema_extra={"uniqueItems": True})]


class TextPart(_Strict):
    type: Literal["text"]
    text: str


class ChatMessage(_Strict):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | Annotated[list[TextPart], Field(min_length=1)]

    @field_validator("role", mode="before")
    @classmethod
    def _no_tools(cls, value: Any) -> Any:
        if value in ("tool", "function"):
            raise PydanticCustomError("unsupported", "tool calls are not supported")
        return value

    @field_validator("content", mode="before")
    @classmethod
    def _text_alone(cls, value: Any) -> Any:
        for part in value if isinstance(value, list) else []:
            kind = part.get("type") if isinstance(part, dict) else None
            if isinstance(kind, str) and kind != "text":
                raise PydanticCustomError("unsupported", "only text parts are supported")
        return value

    def plain(self) -> dict[str, Any]:
        """As chat templates take it: `developer` is the newer name of `system`."""
        content = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return {"role": "system" if self.role == "developer" else self.role, "content": content}


class ChatRequest(Common):
    """The body of POST /v1/chat/completions."""

    unsupported: ClassVar[parameters.Neutral] = parameters.CHAT

    messages: list[ChatMessage] = Field(min_length=1, max_length=10_000)
    models: Compared | None = Field(
        None, description="In place of `model`: models of one base that answer side by side; each choice tells its own"
    )
    max_tokens: Limit | None = Field(None, description="Older name of `max_completion_tokens`")
    max_completion_tokens: Limit | None = Field(
        None, description="Tokens of each answer; default the server's own limit"
    )
    logprobs: bool = Field(False, description="Tell each token's natural log-probability")
    top_logprobs: Annotated[int, Field(ge=0, le=20), WHOLE] | None = Field(
        None, description="Alternatives to tell of each token; only with `logprobs`"
    )

    def check(self) -> None:
        super().check()
        if self.models is not None and self.model is not None:
            raise contradiction("models", "`models` stands in place of `model`: give one of them.")
        if self.models is not None and len(set(self.models)) < len(self.models):
            raise contradiction("models", "`models` names one of them twice.")
        if self.max_tokens is not None and self.max_completion_tokens is not None:
            raise contradiction(
                "max_tokens", "`max_tokens` and `max_completion_tokens` are two names of one limit: give one of them."
            )
        if self.top_logprobs is not None and not self.logprobs:
            raise contradiction("top_logprobs", "`top_logprobs` needs `logprobs: true`.")

    @classmethod
    def rules(cls) -> list[dict[str, Any]]:
        return [
            *super().rules(),
            either(without("models"), without("model")),
            either(without("max_tokens"), without("max_completion_tokens")),
            either(without("top_logprobs"), having("logprobs", True)),
        ]


Text = Annotated[str, Field(min_length=1)]
TokenIds = Annotated[list[TokenId], Field(min_length=1)]


class CompletionRequest(Common):
    """The body of POST /v1/completions. Several prompts give `n` choices each, in order."""

    unsupported: ClassVar[parameters.Neutral] = parameters.COMPLETIONS

    prompt: (
        Text
        | Annotated[list[Text], Field(min_length=1, max_length=_MAX_PROMPTS)]
        | TokenIds
        | Annotated[list[TokenIds], Field(min_length=1, max_length=_MAX_PROMPTS)]
    ) = Field(description="A text or its token ids, or a list of either")
    max_tokens: Limit = Field(16, description="Tokens of each answer")
    best_of: Choices | None = Field(None, description="Only what `n` is: no answers are left out")
    logprobs: Annotated[int, Field(ge=0, le=5), WHOLE] | None = Field(
        None, description="Tell each token's natural log-probability, and so many alternatives"
    )

    def check(self) -> None:
        super().check()
        if self.best_of is not None and self.best_of != self.n:
            raise ApiError(400, "`best_of` is only supported as `n`.", param="best_of", code="unsupported_parameter")

    @classmethod
    def rules(cls) -> list[dict[str, Any]]:
        same = [{**having("best_of", n), "allOf": [having("n", n)]} for n in range(2, 9)]
        one = {**having("best_of", 1), "allOf": [either(without("n"), having("n", 1))]}
        return [*super().rules(), either(without("best_of"), one, *same)]
