"""The messages of a conversation: who speaks, what is called, what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from server.openai.errors import ApiError
from server.openai.json_schema import check_depth, json_object


class Strict(BaseModel):
    """A part of a request: nothing that it does not know, no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class TextPart(Strict):
    type: Literal["text"]
    text: str


class CalledFunction(Strict):
    name: str = Field(min_length=1, max_length=64)
    arguments: str = Field(description="The text of a JSON object")


class CalledTool(Strict):
    """A call as an earlier answer made it."""

    id: str = Field(min_length=1, max_length=200)
    type: Literal["function"]
    function: CalledFunction


class ChatMessage(Strict):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | Annotated[list[TextPart], Field(min_length=1)] | None = Field(
        None, description="Only an assistant's message with `tool_calls` may be without"
    )
    tool_calls: list[CalledTool] | None = Field(
        None, max_length=128, description="The assistant's; the messages right after have their results"
    )
    tool_call_id: str | None = Field(None, description="Of a message of the role `tool`: the call that it is about")
    reasoning_content: str | None = Field(None, description="The assistant's thoughts, for templates that keep them")

    @field_validator("role", mode="before")
    @classmethod
    def _no_functions(cls, value: Any) -> Any:
        if value == "function":
            raise PydanticCustomError(
                "unsupported", "functions are called as tools, whose results have the role `tool`"
            )
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
        """As the engine takes it: `developer` is the newer name of `system`."""
        told: dict[str, Any] = {"role": "system" if self.role == "developer" else self.role}
        if isinstance(self.content, list):
            told["content"] = "".join(part.text for part in self.content)
        elif self.content is not None:
            told["content"] = self.content
        if self.tool_calls:
            told["tool_calls"] = [call.model_dump() for call in self.tool_calls]
        if self.tool_call_id is not None:
            told["tool_call_id"] = self.tool_call_id
        if self.reasoning_content is not None:
            told["reasoning_content"] = self.reasoning_content
        return told

    @classmethod
    def rules(cls) -> dict[str, Any]:
        """What `check_messages` asks of one message, as a JSON schema."""
        said = {"content": {"not": {"type": "null"}}}
        silent = {name: {"type": "null"} for name in ("tool_calls", "tool_call_id", "reasoning_content")}
        roles = {"enum": ["system", "developer", "user"]}
        calls = {"type": "array", "minItems": 1}
        of_tool = {**silent, **said, "role": {"const": "tool"}, "tool_call_id": {"type": "string"}}
        return {
            "anyOf": [
                {"properties": {**silent, **said, "role": roles}, "required": ["content"]},
                {
                    "properties": {"role": {"const": "assistant"}, "tool_call_id": {"type": "null"}},
                    "anyOf": [
                        {"properties": said, "required": ["content"]},
                        {"properties": {"tool_calls": calls}, "required": ["tool_calls"]},
                    ],
                },
                {"properties": of_tool, "required": ["content", "tool_call_id"]},
            ]
        }


def check_messages(messages: Sequence[ChatMessage]) -> None:
    """Raises ApiError 400, naming the field, for what one message or their order lacks.

    Each call is answered by a message of the role `tool`, right after it.
    """
    open_calls: dict[str, str] = {}  # by id, where it stands
    for index, message in enumerate(messages):
        at = f"messages[{index}]"
        _check_alone(message, at)
        if message.role == "tool":
            if open_calls.pop(message.tool_call_id or "", None) is None:
                raise _wrong(f"{at}.tool_call_id", "is of no call right before that is still without a result")
            continue
        _check_answered(open_calls)
        for place, call in enumerate(message.tool_calls or []):
            if call.id in open_calls:
                raise _wrong(f"{at}.tool_calls[{place}].id", "is that of another call")
            open_calls[call.id] = f"{at}.tool_calls[{place}]"
    _check_answered(open_calls)


def _check_alone(message: ChatMessage, at: str) -> None:
    if message.content is None and not (message.role == "assistant" and message.tool_calls):
        raise _missing(f"{at}.content")
    if message.role == "tool" and message.tool_call_id is None:
        raise _missing(f"{at}.tool_call_id")
    if message.role != "tool" and message.tool_call_id is not None:
        raise _wrong(f"{at}.tool_call_id", "belongs to messages of the role `tool`")
    if message.role != "assistant":
        for name in ("tool_calls", "reasoning_content"):
            if getattr(message, name) is not None:
                raise _wrong(f"{at}.{name}", "belongs to messages of the role `assistant`")
    for place, call in enumerate(message.tool_calls or []):
        param = f"{at}.tool_calls[{place}].function.arguments"
        arguments = json_object(call.function.arguments)
        if arguments is None:
            raise _wrong(param, "must be the text of a JSON object")
        check_depth(arguments, param)


def _check_answered(open_calls: dict[str, str]) -> None:
    for param in open_calls.values():
        raise _wrong(param, "needs its result, in a message of the role `tool` right after")


def _missing(param: str) -> ApiError:
    return ApiError(400, f"`{param}` is missing.", param=param, code="missing_required_parameter")


def _wrong(param: str, what: str) -> ApiError:
    return ApiError(400, f"`{param}` {what}.", param=param, code="invalid_messages")
