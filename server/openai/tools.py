"""The functions that a request offers, and which of them must be called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from server.openai.errors import ApiError
from server.openai.json_schema import check_depth, check_schema
from server.openai.messages import Strict
from tools.errors import nearest, printable
from tools.models.tool_calls.functions import Function, ToolUse

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MOST_TOOLS = 128


def _named(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise PydanticCustomError("name", "names have 1 to 64 letters, digits, `_` and `-`")
    return value


Name = Annotated[str, AfterValidator(_named), Field(json_schema_extra={"pattern": f"^{_NAME.pattern}$"})]


class FunctionTool(Strict):
    """A function of the client's. It is the client who runs it."""

    name: Name
    description: str | None = Field(None, description="What it does and when to call it, for the model")
    parameters: dict[str, Any] | None = Field(None, description="JSON Schema of its arguments, an object")
    strict: bool | None = Field(
        None, description="Arguments follow the schema, by a grammar; without, the model is only told of it"
    )


class Tool(Strict):
    type: Literal["function"]
    function: FunctionTool


class ChosenFunction(Strict):
    name: Name


class ChosenTool(Strict):
    type: Literal["function"]
    function: ChosenFunction


Tools = Annotated[list[Tool], Field(max_length=_MOST_TOOLS)]
ToolChoice = Literal["none", "auto", "required"] | ChosenTool


def tool_use(tools: Sequence[Tool] | None, choice: ToolChoice | None, parallel: bool | None) -> ToolUse | None:
    """What the engine is told of tools, None where none may be called. Raises ApiError 400 for what contradicts itself.

    Where calls are held to a grammar, an answer makes at most `tools.models.tool_calls.functions.MOST_CALLS`.
    """
    functions = [_function(tool.function, f"tools[{place}].function") for place, tool in enumerate(tools or [])]
    names = [function.name for function in functions]
    for place, name in enumerate(names):
        if name in names[:place]:
            param = f"tools[{place}].function.name"
            raise _wrong(param, f"`{param}` is that of another function.")
    if isinstance(choice, ChosenTool) and choice.function.name not in names:
        near = nearest(choice.function.name, names)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        name = printable(choice.function.name)
        raise _wrong("tool_choice", f"`tool_choice` names `{name}`, which is not among `tools`.{hint}")
    if choice == "required" and not functions:
        raise _wrong("tool_choice", "`tool_choice` needs `tools` to choose from.")
    if not functions or choice == "none":
        return None
    only = choice.function.name if isinstance(choice, ChosenTool) else None
    mode: Literal["auto", "required"] = "required" if only or choice == "required" else "auto"
    return ToolUse(functions=functions, choice=mode, only=only, parallel=parallel is not False)


def _function(tool: FunctionTool, at: str) -> Function:
    parameters = tool.parameters or {}
    param = f"{at}.parameters"
    if parameters.get("type", "object") != "object":
        raise _wrong(param, f"`{param}` must describe an object: its `type` is `object`.")
    if tool.strict:
        check_schema(parameters, param)
    else:
        check_depth(parameters, param)
    return Function(name=tool.name, description=tool.description, parameters=parameters, strict=bool(tool.strict))


def _wrong(param: str, message: str) -> ApiError:
    return ApiError(400, message, param=param, code="invalid_tools")
