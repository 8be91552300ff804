"""A prompt as its language words it, and how it is filled in."""

from __future__ import annotations

from dataclasses import dataclass

from mcp.server.mcpserver.prompts import Prompt
from mcp.server.mcpserver.prompts.base import PromptArgument
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

_FACTS = "{facts}\n"


@dataclass(frozen=True)
class Argument:
    """What a person may give: `line` stands in the text when they do, with what they typed after it."""

    name: str
    description: str
    line: str


@dataclass(frozen=True)
class Wording:
    """A prompt in one language. text: what the assistant reads, with the given arguments' lines at `{facts}`."""

    name: str
    title: str
    description: str
    arguments: tuple[Argument, ...]
    text: str

    def prompt(self) -> Prompt:
        """In the SDK's terms; no argument has to be given."""
        arguments = [PromptArgument(name=a.name, description=a.description) for a in self.arguments]
        return Prompt(
            name=self.name, title=self.title, description=self.description, arguments=arguments, fn=self.filled
        )

    def filled(self, **given: str) -> str:
        """The text. Raises MCPError for an argument that it does not have."""
        names = [argument.name for argument in self.arguments]
        for name in given:
            if name not in names:
                known = ", ".join(f"`{known}`" for known in names)
                raise MCPError(INVALID_PARAMS, f"`{name}` is no argument of {self.name}; it takes {known}.")
        lines = [f"{a.line}: {given[a.name].strip()}\n" for a in self.arguments if given.get(a.name, "").strip()]
        # Not `format`: texts of people may hold braces.
        before, _, after = self.text.partition(_FACTS)
        return before + "".join(lines) + after
