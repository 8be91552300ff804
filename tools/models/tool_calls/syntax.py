"""How a model writes its calls, found out from its chat template.

The template is asked to write a call down, and what it wrote is recognised: this also holds for a
model of no known name. Families: `tagged`, Hermes' `<tool_call>` objects (Qwen 2.5 and 3); `listed`,
Mistral's `[TOOL_CALLS]` and a list; `bare`, Llama 3's object without a mark. Where the template takes
no tools, or writes calls in yet another way, Afina tells of them itself, in the tagged form
(`tools.models.tool_calls.conversation`).
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tools.errors import InvalidArgument
from tools.models.chat_template import ChatTemplate
from tools.models.tool_calls.functions import Function

Kind = Literal["tagged", "listed", "bare"]


@dataclass(frozen=True)
class ToolSyntax:
    """opens, closes: marks around calls, closes "" where nothing closes them.

    arguments: the key of the arguments in a call's object. in_template: whether the model's own template
    tells of tools. as_text: whether the template wants arguments as JSON text, not as an object.
    """

    kind: Kind
    opens: str
    closes: str = ""
    arguments: str = "arguments"
    in_template: bool = True
    as_text: bool = False

    @property
    def single(self) -> bool:
        """Whether one answer makes one call."""
        return self.kind == "bare"

    def new_id(self) -> str:
        """A name for a call; Mistral's templates want nine letters and digits."""
        return uuid.uuid4().hex[:9] if self.kind == "listed" else f"call_{uuid.uuid4().hex[:24]}"


TAGGED = ToolSyntax("tagged", "<tool_call>", "</tool_call>")
LISTED = ToolSyntax("listed", "[TOOL_CALLS]")
BARE = ToolSyntax("bare", "<|python_tag|>", arguments="parameters")
PLAIN = ToolSyntax("tagged", "<tool_call>", "</tool_call>", in_template=False)

_NAME, _KEY, _ID = "probe_of_a_call", "probe_of_a_key", "probe0123"
_PROBE = Function(name=_NAME, description="probe", parameters={"properties": {_KEY: {"type": "string"}}})
_ASKED = {"role": "user", "content": "probe"}
_WRITTEN: list[tuple[ToolSyntax, re.Pattern[str]]] = [
    (TAGGED, re.compile(r'<tool_call>\s*\{"name": ?"' + _NAME + r'", ?"arguments": ?\{')),
    (LISTED, re.compile(r'\[TOOL_CALLS\] ?\[\{"name": ?"' + _NAME + r'", ?"arguments": ?\{')),
    (BARE, re.compile(r'\{"name": ?"' + _NAME + r'", ?"parameters": ?\{')),
]


def syntax_of(template: ChatTemplate) -> ToolSyntax:
    """The syntax in which the model of this template makes calls."""
    if _NAME not in _rendered(template, [_ASKED]):
        return PLAIN
    for as_text in (False, True):
        arguments: Any = {_KEY: "probe"}
        call = {"name": _NAME, "arguments": json.dumps(arguments) if as_text else arguments}
        said = {"role": "assistant", "tool_calls": [{"id": _ID, "type": "function", "function": call}]}
        written = _rendered(template, [_ASKED, said])
        for syntax, pattern in _WRITTEN:
            if pattern.search(written):
                return ToolSyntax(syntax.kind, syntax.opens, syntax.closes, syntax.arguments, as_text=as_text)
    return PLAIN


def _rendered(template: ChatTemplate, messages: Sequence[dict[str, Any]]) -> str:
    try:
        return template.render(messages, tools=[_PROBE.listed()])
    except InvalidArgument:
        return ""
