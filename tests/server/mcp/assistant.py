"""A scripted assistant: it reads what any model would (instructions, descriptions, schemas, the text of answers)
and makes the calls that the answers tell it to make. Of Afina's code it knows nothing.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import jsonschema
from mcp import Client
from mcp.types import CallToolResult
from mcp.types import Tool as ListedTool

Arguments = dict[str, Any]
# What happens before a call: a slip of the keyboard, or something that befalls the machine meanwhile.
Event = Callable[[Arguments], Arguments | Awaitable[Arguments]]
_NEXT = re.compile(r"^next: (\w+) (\{.*\})$")
_CAPITALS = re.compile(r"[A-Z]{4,}")
# What it is asked to bring: what training came to, for each model, and answers to compare.
_VERDICT, _ANSWERS = r"^verdict:\n- kind: \w+", r"^answers:\n- model: "
_MOST_CALLS = 80


@dataclass(frozen=True)
class Call:
    """One call and the text of its answer."""

    tool: str
    arguments: Arguments
    text: str
    refused: bool

    def __str__(self) -> str:
        told = json.dumps(self.arguments, ensure_ascii=False)
        return f"{'! ' if self.refused else ''}{self.tool} {told}\n{self.text}"


@dataclass
class Person:
    """Who talks to the assistant. wishes: arguments that a tool's first call is to have, in its schema's terms.

    events: what happens before a tool's calls, one after the other.
    """

    material: str
    question: str
    wishes: dict[str, Arguments] = field(default_factory=dict)
    events: dict[str, list[Event]] = field(default_factory=dict)

    def fill_in(self, placeholder: str) -> str:
        return self.material if placeholder == "PATH" else self.question


class Assistant:
    """Goes from material to a verdict and an answer of the tuned model, by what it is told alone."""

    def __init__(self, client: Client, person: Person) -> None:
        self._client = client
        self._person = person
        self._tools: dict[str, ListedTool] = {}
        self.calls: list[Call] = []

    @property
    def refused(self) -> list[Call]:
        return [call for call in self.calls if call.refused]

    def told(self) -> str:
        return "\n\n".join(map(str, self.calls))

    async def go(self) -> None:
        """Follow the answers until there are a verdict and an answer of the tuned model."""
        self._tools = {tool.name: tool for tool in (await self._client.list_tools()).tools}
        tool, arguments = self._first(), {}
        while len(self.calls) < _MOST_CALLS:
            call = await self._make(tool, arguments)
            if self._has(_VERDICT) and self._has(_ANSWERS):
                return
            tool, arguments = self._after(call)
        raise AssertionError(f"no end after {_MOST_CALLS} calls:\n{self.told()}")

    def _first(self) -> str:
        """The tool that the server's instructions name first."""
        words = re.findall(r"\w+", self._client.instructions or "")
        return next(word for word in words if word in self._tools)

    async def _make(self, tool: str, arguments: Arguments) -> Call:
        arguments = _filled(arguments, self._person)
        if all(call.tool != tool for call in self.calls):
            arguments = {**arguments, **self._person.wishes.get(tool, {})}
        jsonschema.validate(arguments, self._tools[tool].input_schema)
        events = self._person.events.get(tool)
        if events:
            changed = events.pop(0)(arguments)
            arguments = await changed if inspect.isawaitable(changed) else changed
        answer = await self._client.call_tool(tool, arguments)
        call = Call(tool, arguments, _text(answer), bool(answer.is_error))
        self.calls.append(call)
        return call

    def _after(self, call: Call) -> tuple[str, Arguments]:
        if self._has(_VERDICT):
            # What it measured is known; the description says how to hear the model itself.
            follow = self._named_after("Then", call.tool)
            if follow is not None and "prompt" in self._tools[follow].input_schema["properties"]:
                return follow, {"prompt": self._person.question}
        found = _NEXT.match(call.text.splitlines()[-1])
        assert found, f"no next call:\n{self.told()}"
        tool, arguments = found[1], json.loads(found[2])
        again = [one.refused for one in self.calls if (one.tool, one.arguments) == (tool, arguments)]
        assert again.count(True) < 2, f"refused again and again:\n{self.told()}"
        return tool, arguments

    def _named_after(self, word: str, tool: str) -> str | None:
        """The first tool that a description names after `Then:`."""
        told = re.search(rf"{word}: (.*)", self._tools[tool].description or "")
        return next((name for name in re.findall(r"\w+", told[1]) if name in self._tools), None) if told else None

    def _has(self, what: str) -> bool:
        return any(re.search(what, call.text, re.MULTILINE) for call in self.calls if not call.refused)


def _text(answer: CallToolResult) -> str:
    return "\n".join(part.text for part in answer.content if part.type == "text")


def _filled(value: Any, person: Person) -> Any:
    """Words in capitals are the person's to say."""
    if isinstance(value, dict):
        return {name: _filled(inner, person) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, person) for inner in value]
    return person.fill_in(value) if isinstance(value, str) and _CAPITALS.fullmatch(value) else value
