"""The bodies of requests: types, ranges, and what each field means."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from server.openai import parameters
from server.openai.errors import ApiError
from tools.errors import nearest, printable
from tools.models.sampling import Sampling

_MAX_STOPS = 4
_MAX_BIASES = 1024
Stop = Annotated[str, Field(min_length=1, max_length=1000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class StreamOptions(_Strict):
    include_usage: bool | None = None
    include_obfuscation: Literal[False] | None = None


class Common(_Strict):
    """What chat and completions share. temperature defaults to 1, as OpenAI's does."""

    unsupported: ClassVar[Any] = {}

    model: str | None = Field(None, min_length=1, max_length=300)
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: int = Field(1, ge=1, le=8)
    temperature: float = Field(1.0, ge=0, le=2)
    top_p: float = Field(1.0, gt=0, le=1)
    top_k: int = Field(0, ge=-1, le=1_000_000_000, description="0 or -1: all")
    min_p: float = Field(0.0, ge=0, le=1)
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    presence_penalty: float = Field(0.0, ge=-2, le=2)
    frequency_penalty: float = Field(0.0, ge=-2, le=2)
    repetition_penalty: float = Field(1.0, gt=0, le=2)
    logit_bias: dict[str, float] = Field({}, max_length=_MAX_BIASES)
    stop: Stop | list[Stop] = Field([])

    @field_validator("stop")
    @classmethod
    def _few_stops(cls, value: str | list[str]) -> str | list[str]:
        if isinstance(value, list) and len(value) > _MAX_STOPS:
            raise PydanticCustomError("too_long", "at most {limit} stop strings", {"limit": _MAX_STOPS})
        return value

    @field_validator("logit_bias")
    @classmethod
    def _token_ids(cls, value: dict[str, float]) -> dict[str, float]:
        for key, bias in value.items():
            if not (key.isascii() and key.isdigit() and len(key) < 10):
                raise PydanticCustomError("token_id", "keys are token ids")
            if abs(bias) > 100:
                raise PydanticCustomError("bias_range", "values are from -100 to 100")
        return value

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


class TextPart(_Strict):
    type: Literal["text"]
    text: str


class ChatMessage(_Strict):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]

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
    unsupported: ClassVar[Any] = parameters.CHAT

    messages: list[ChatMessage] = Field(min_length=1, max_length=10_000)
    max_tokens: int | None = Field(None, ge=1, le=2**31)
    max_completion_tokens: int | None = Field(None, ge=1, le=2**31)
    logprobs: bool = False
    top_logprobs: int | None = Field(None, ge=0, le=20)


TokenId = Annotated[int, Field(ge=0, lt=2**31)]


class CompletionRequest(Common):
    """max_tokens defaults to 16, as OpenAI's does. Several prompts give `n` choices each, in order."""

    unsupported: ClassVar[Any] = parameters.COMPLETIONS

    prompt: (
        str
        | Annotated[list[str], Field(min_length=1, max_length=32)]
        | Annotated[list[TokenId], Field(min_length=1)]
        | Annotated[list[Annotated[list[TokenId], Field(min_length=1)]], Field(min_length=1, max_length=32)]
    )
    max_tokens: int = Field(16, ge=1, le=2**31)
    best_of: int | None = Field(None, ge=1, le=8)
    logprobs: int | None = Field(None, ge=0, le=5)


Parsed = TypeVar("Parsed", bound=Common)


def parse(kind: type[Parsed], body: Any) -> Parsed:
    """The body as `kind`. Raises ApiError 400 that names the field."""
    if not isinstance(body, dict):
        raise ApiError(400, "The body must be a JSON object.", code="invalid_json")
    plain = parameters.without_unsupported(body, kind.unsupported)
    messages = plain.get("messages")
    if isinstance(messages, list):
        plain["messages"] = [
            parameters.without_unsupported(message, parameters.MESSAGE, f"messages[{i}].")
            if isinstance(message, dict)
            else message
            for i, message in enumerate(messages)
        ]
    try:
        return kind.model_validate(plain)
    except ValidationError as error:
        raise _refusal(kind, error) from error


def _refusal(kind: type[Common], error: ValidationError) -> ApiError:
    # Of a union's several complaints, the one that came deepest is about what was meant.
    found = error.errors(include_url=False, include_input=False, include_context=False)
    first = max(found, key=lambda one: len(one["loc"]))
    param = _path(first["loc"])
    match first["type"]:
        case "missing":
            return ApiError(400, f"`{param}` is missing.", param=param, code="missing_required_parameter")
        case "extra_forbidden":
            near = nearest(param, kind.model_fields)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            return ApiError(
                400, f"`{param}` is no parameter of this endpoint.{hint}", param=param, code="unknown_parameter"
            )
        case "too_short" | "string_too_short":
            return ApiError(400, f"`{param}` must not be empty.", param=param, code="invalid_value")
        case "unsupported":
            return ApiError(400, f"`{param}`: {first['msg']}.", param=param, code="unsupported_value")
    return ApiError(400, f"`{param}`: {first['msg']}.", param=param, code="invalid_value")


def _path(location: tuple[int | str, ...]) -> str:
    """`messages[0].role`; the names of a union's members, which pydantic puts in, are left out."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part.isidentifier() and part not in ("str", "int"):
            path += f".{part}" if path else part
        elif not path:
            path = printable(part, 60)
    return path
