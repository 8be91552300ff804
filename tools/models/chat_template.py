"""Chat templates: Jinja in a sandbox, rendered as transformers renders them, without transformers.

Follows `transformers.utils.chat_template_utils`: same environment, filters, globals and variables, so
that a model is trained and asked with the text it was made with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from tools.errors import InvalidArgument

Message = Mapping[str, Any]

# Private-use characters that stand for `{% generation %}` and its end while spans are looked for.
_OPEN, _CLOSE = "\U000f0000", "\U000f0001"


class ChatTemplate:
    """A model's chat template, compiled once.

    source: the Jinja text, or several by name (`default`, `tool_use`). variables: what the template
    may name besides the messages: `bos_token`, `eos_token` and the like.
    """

    def __init__(self, source: str | Mapping[str, str], variables: Mapping[str, str]) -> None:
        self._sources = {"default": source} if isinstance(source, str) else dict(source)
        self._variables = dict(variables)
        self._compiled: dict[str, jinja2.Template] = {}

    @property
    def hash(self) -> str:
        """16 hex digits of the template's text."""
        text = "\0".join(f"{name}\0{source}" for name, source in sorted(self._sources.items()))
        only = self._sources.get("default") if len(self._sources) == 1 else text
        return hashlib.sha256((only or text).encode()).hexdigest()[:16]

    @property
    def marks_generation(self) -> bool:
        """Whether the template itself says which text the model writes (`{% generation %}`)."""
        return any("generation" in source and "endgeneration" in source for source in self._sources.values())

    def mentions(self, text: str) -> bool:
        """Whether a mark, or the name of a variable, stands in the template."""
        return any(text in source for source in self._sources.values())

    def render(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        add_generation_prompt: bool = False,
        **more: Any,
    ) -> str:
        """The conversation as the model reads it. Raises InvalidArgument when the template refuses it."""
        text, _ = self._render(messages, tools, add_generation_prompt, more, marking=False)
        return text

    def render_marked(
        self, messages: Sequence[Message], *, tools: Sequence[Mapping[str, Any]] | None = None
    ) -> tuple[str, list[tuple[int, int]]]:
        """The text and the character spans inside `{% generation %}`."""
        return self._render(messages, tools, False, {}, marking=True)

    def _render(
        self,
        messages: Sequence[Message],
        tools: Sequence[Mapping[str, Any]] | None,
        add_generation_prompt: bool,
        more: Mapping[str, Any],
        *,
        marking: bool,
    ) -> tuple[str, list[tuple[int, int]]]:
        if not messages:
            raise InvalidArgument("The conversation is empty.", field="messages", expected="at least one message")
        # Templates write "None" or fail on null content, and handle a key that is not there.
        plain = [{k: v for k, v in message.items() if v is not None} for message in messages]
        given = {
            "messages": plain,
            "tools": list(tools) if tools else None,
            "documents": None,
            "add_generation_prompt": add_generation_prompt,
        }
        template = self._template(tools is not None and bool(tools))
        try:
            text = template.render({**self._variables, **more, **given, "_afina_marking": marking})
        except Exception as error:  # a template is a foreign program: whatever it raises is a refusal
            raise _refusal(messages) from error
        return _split_marks(text) if marking else (text, [])

    def _template(self, with_tools: bool) -> jinja2.Template:
        name = "tool_use" if with_tools and "tool_use" in self._sources else "default"
        if name not in self._sources:
            name = next(iter(self._sources))
        if name not in self._compiled:
            try:
                self._compiled[name] = _environment().from_string(self._sources[name])
            except jinja2.TemplateError as error:
                raise InvalidArgument(
                    "The model's chat template is not valid Jinja.",
                    field="model",
                    fix="Install the model again, or use datasets of format `text` or `completions`.",
                ) from error
        return self._compiled[name]


def _refusal(messages: Sequence[Message]) -> InvalidArgument:
    roles = [str(message.get("role")) for message in messages]
    told = ", ".join(role if role.isidentifier() and len(role) < 20 else "?" for role in roles[:12])
    return InvalidArgument(
        f"The model's chat template does not take this conversation (roles: {told}).",
        field="messages",
        expected="text contents; for most models an optional system message, then user and assistant in turns",
    )


def _split_marks(text: str) -> tuple[str, list[tuple[int, int]]]:
    plain: list[str] = []
    spans: list[tuple[int, int]] = []
    length = start = 0
    for piece in text.split(_OPEN):
        inside, closed, after = piece.partition(_CLOSE)
        if closed:
            spans.append((start, length + len(inside)))
        plain += [inside, after]
        length += len(inside) + len(after)
        start = length
    return "".join(plain), spans


class _Generation(Extension):
    """The tag `{% generation %}…{% endgeneration %}` around what the model writes."""

    tags = {"generation"}  # noqa: RUF012 - jinja2 declares it so

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        call = self.call_method("_mark", [nodes.Name("_afina_marking", "load")])
        return nodes.CallBlock(call, [], [], body).set_lineno(line)

    @staticmethod
    def _mark(marking: bool, caller: Callable[[], str]) -> str:
        return f"{_OPEN}{caller()}{_CLOSE}" if marking else caller()


class _PlainDict:
    """`dict(...)` for templates, without the type's attributes."""

    def __call__(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return dict(*args, **kwargs)

    def fromkeys(self, *args: Any) -> dict[Any, Any]:
        return dict.fromkeys(*args)


def _raise_exception(message: str) -> None:
    raise jinja2.TemplateError(message)


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    # Jinja's own filter escapes HTML characters, which no model was trained on.
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _strftime_now(pattern: str) -> str:
    return datetime.now().strftime(pattern)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = _strftime_now
    environment.globals["dict"] = _PlainDict()
    environment.globals["namespace"] = Namespace
    return environment
