"""The bodies of requests: types, ranges, and what each field means."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from server.openai import parameters
from server.openai.errors import ApiError
from server.openai.fields import WHOLE, Biases, Choices, Labels, Limit, Seed, Stops, TokenId
from server.openai.messages import ChatMessage, Strict, check_messages
from server.openai.response_format import ResponseFormat
from server.openai.tools import ToolChoice, Tools, tool_use
from tools.models.sampling import Sampling
from tools.models.tool_calls.functions import ToolUse

_LABEL = "Accepted for its sender's own use; changes nothing"
_MAX_PROMPTS = 32


Id = Annotated[str, Field(min_length=1, max_length=300)]


class StreamOptions(Strict):
    include_usage: bool | None = Field(None, description="A last chunk, with empty `choices`, tells the usage")
    include_obfuscation: Literal[False] | None = Field(None, description="Not supported: no padding is added")


class Common(Strict):
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


Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]


_BEGINS = {
    "properties": {"continue_final_message": {"enum": [None, False]}, "add_generation_prompt": {"enum": [None, True]}}
}
_GOES_ON = {
    "properties": {
        "continue_final_message": {"const": True},
        "add_generation_prompt": {"enum": [None, False]},
        "tools": {"enum": [None, []]},
        "response_format": {"enum": [None, {"type": "text"}]},
    },
    "required": ["continue_final_message"],
}
_SOME_TOOLS = {"properties": {"tools": {"type": "array", "minItems": 1}}, "required": ["tools"]}


class TemplateChoices(Strict):
    enable_thinking: bool | None = Field(None, description="Whether to think before the answer")


class ChatRequest(Common):
    """The body of POST /v1/chat/completions."""

    unsupported: ClassVar[parameters.Neutral] = parameters.CHAT

    messages: list[ChatMessage] = Field(min_length=1, max_length=10_000)
    models: Compared | None = Field(
        None,
        description="In place of `model`: models of one base that answer side by side, one choice for each; "
        "with `logprobs` each scores all answers",
    )
    max_tokens: Limit | None = Field(None, description="Older name of `max_completion_tokens`")
    max_completion_tokens: Limit | None = Field(
        None, description="Tokens of each answer; default the server's own limit"
    )
    logprobs: bool = Field(False, description="Tell each token's natural log-probability")
    top_logprobs: Annotated[int, Field(ge=0, le=20), WHOLE] | None = Field(
        None, description="Alternatives to tell of each token; only with `logprobs`"
    )
    response_format: ResponseFormat | None = Field(None, description="The form of the answers, held to by a grammar")
    tools: Tools | None = Field(None, description="Functions that the model may call; the client runs them")
    tool_choice: ToolChoice | None = Field(
        None, description="Whether to call: default `auto` with `tools`; `required` and a named function by a grammar"
    )
    parallel_tool_calls: bool | None = Field(None, description="Whether one answer may call more than once")
    reasoning_effort: Effort | None = Field(
        None, description="How much to think, where the model's template lets one choose; `none` not at all"
    )
    chat_template_kwargs: TemplateChoices | None = Field(
        None, description="What the model's chat template lets one choose"
    )

    continue_final_message: bool = Field(
        False, description="Go on with the last message, which is the assistant's, in place of a new answer"
    )
    add_generation_prompt: bool | None = Field(None, description="Only the opposite of `continue_final_message`")

    def check(self) -> None:
        super().check()
        check_messages(self.messages)
        self.tool_use()
        self._check_going_on()
        if self.response_format is not None:
            self.response_format.check()
        if self.reasoning_effort is not None and self.chat_template_kwargs is not None:
            raise contradiction(
                "reasoning_effort",
                "`reasoning_effort` and `chat_template_kwargs` choose the same thing: give one of them.",
            )
        if self.models is not None and self.model is not None:
            raise contradiction("models", "`models` stands in place of `model`: give one of them.")
        if self.models is not None and self.logprobs and self.n > 1:
            raise contradiction("n", "`logprobs` of several `models` needs `n: 1`.")
        if self.models is not None and len(set(self.models)) < len(self.models):
            raise contradiction("models", "`models` names one of them twice.")
        if self.max_tokens is not None and self.max_completion_tokens is not None:
            raise contradiction(
                "max_tokens", "`max_tokens` and `max_completion_tokens` are two names of one limit: give one of them."
            )
        if self.top_logprobs is not None and not self.logprobs:
            raise contradiction("top_logprobs", "`top_logprobs` needs `logprobs: true`.")

    def _check_going_on(self) -> None:
        goes_on, last = self.continue_final_message, self.messages[-1]
        if self.add_generation_prompt is goes_on:
            raise contradiction(
                "add_generation_prompt", "`add_generation_prompt` is the opposite of `continue_final_message`."
            )
        if not goes_on:
            return
        if last.role != "assistant" or last.content is None or last.tool_calls or last.reasoning_content:
            raise ApiError(
                400,
                "`continue_final_message` needs a last message in which the assistant speaks.",
                param="continue_final_message",
                code="invalid_messages",
            )
        formed = self.response_format is not None and self.response_format.schema_of_answers() is not None
        if self.tools or formed:
            raise contradiction(
                "continue_final_message",
                f"`continue_final_message` does not go together with `{'tools' if self.tools else 'response_format'}`.",
            )

    def tool_use(self) -> ToolUse | None:
        """Raises ApiError 400 for tools and choices that contradict one another."""
        return tool_use(self.tools, self.tool_choice, self.parallel_tool_calls)

    @property
    def thinking(self) -> bool | None:
        return self.chat_template_kwargs.enable_thinking if self.chat_template_kwargs else None

    @classmethod
    def rules(cls) -> list[dict[str, Any]]:
        return [
            *super().rules(),
            either(without("models"), without("model")),
            either(
                without("models"), without("n"), having("n", 1), {"properties": {"logprobs": {"enum": [None, False]}}}
            ),
            either(_BEGINS, _GOES_ON),
            either(without("reasoning_effort"), without("chat_template_kwargs")),
            either({"properties": {"tool_choice": {"enum": [None, "none", "auto"]}}}, _SOME_TOOLS),
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
    max_tokens: Annotated[int, Field(ge=0, le=2**31), WHOLE] = Field(
        16, description="Tokens of each answer; 0 only with `echo`"
    )
    echo: bool = Field(False, description="Begin each answer with its prompt, whose log-probabilities are told too")
    best_of: Choices | None = Field(None, description="Only what `n` is: no answers are left out")
    logprobs: Annotated[int, Field(ge=0, le=5), WHOLE] | None = Field(
        None, description="Tell each token's natural log-probability, and so many alternatives"
    )

    def check(self) -> None:
        super().check()
        if self.best_of is not None and self.best_of != self.n:
            raise ApiError(400, "`best_of` is only supported as `n`.", param="best_of", code="unsupported_parameter")
        if self.max_tokens == 0 and not self.echo:
            raise contradiction("max_tokens", "`max_tokens` 0 needs `echo: true`.")

    @classmethod
    def rules(cls) -> list[dict[str, Any]]:
        same = [{**having("best_of", n), "allOf": [having("n", n)]} for n in range(2, 9)]
        one = {**having("best_of", 1), "allOf": [either(without("n"), having("n", 1))]}
        some: dict[str, Any] = {"properties": {"max_tokens": {"not": {"const": 0}}}}
        return [*super().rules(), either(without("best_of"), one, *same), either(some, having("echo", True))]
