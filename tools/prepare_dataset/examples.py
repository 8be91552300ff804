"""Examples in JSON lines: texts, prompts with completions, conversations, or questions kept for evaluation.

Every fault of every line is told, with its column where the JSON itself is broken.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tools.errors import Problem, nearest, printable
from tools.prepare_dataset.material import Ask, Exchange, Parsed, Passage, Source, Span

_SHAPES: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    # shape: keys it must have, keys it may have
    "messages": (frozenset({"messages"}), frozenset({"tools"})),
    "completion": (frozenset({"prompt", "completion"}), frozenset()),
    "instruction": (frozenset({"instruction", "output"}), frozenset({"input"})),
    "question": (frozenset({"question", "answer"}), frozenset({"aliases", "kind", "source"})),
    "text": (frozenset({"text"}), frozenset()),
}
_KEYS = sorted(set().union(*(must | may for must, may in _SHAPES.values())))
_SHAPES_TOLD = "`text`; `prompt` and `completion`; `messages`; or `question` and `answer`"
_ROLES = ("system", "user", "assistant", "tool")
_MESSAGE_KEYS = frozenset({"role", "content", "name", "tool_calls", "tool_call_id"})
_INSTRUCTION_FORM = re.compile(
    r"\A###\s*(?:Instrução|Instruction)\s*:\s*\n(?P<ask>.*?)\n+(?:###\s*(?:Contexto|Context|Input)\s*:\s*\n(?P<context>.*?)\n+)?"
    r"###\s*(?:Resposta|Response)\s*:\s*\n(?P<answer>.+)\Z",
    re.DOTALL,
)


class _Line:
    """One line under examination: its faults are gathered, not raised."""

    def __init__(self, source: Source, number: int, start: int, end: int) -> None:
        self.source, self.number, self.start, self.end = source, number, start, end
        self.problems: list[Problem] = []

    def fault(self, message: str, fix: str, column: int | None = None) -> None:
        self.problems.append(Problem(path=self.source.name, line=self.number, column=column, message=message, fix=fix))

    def span(self, content: object) -> Span:
        identity = json.dumps(content, ensure_ascii=False, sort_keys=True)
        key = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        return Span(
            self.source.name, "examples", f"{self.source.name}#{key}", f"line {self.number}", self.start, self.end
        )


def parse_examples(source: Source) -> Parsed:
    """The units and questions of a file; a file of questions alone gets the kind `questions`."""
    parsed = Parsed()
    for line, content in _lines(source):
        found = _understand(line, content) if content is not None else None
        parsed.errors += line.problems
        if line.problems or found is None:
            continue
        if isinstance(found, Ask):
            parsed.questions.append(found)
        else:
            parsed.units.append(found)
    if parsed.questions and not parsed.units:
        source.kind = "questions"
    if not parsed.units and not parsed.questions and not parsed.errors:
        told = "The file has no examples."
        parsed.errors.append(Problem(path=source.name, message=told, fix="Write one JSON object a line."))
    return parsed


def _lines(source: Source) -> Iterator[tuple[_Line, dict[str, Any] | None]]:
    offset = 0
    for number, text in enumerate(source.text.split("\n"), 1):
        start, offset = offset, offset + len(text) + 1
        if not text.strip():
            continue
        line = _Line(source, number, start, start + len(text))
        content: object = None
        try:
            content = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        except json.JSONDecodeError as error:
            line.fault("The JSON is wrong or breaks off here.", "Write one whole JSON object a line.", error.colno)
        except _Repeated as error:
            line.fault(f"The key `{printable(str(error), 40)}` stands twice.", "Write each key once.")
        except (ValueError, RecursionError):
            line.fault("It holds a value that is too large or deep, or no number.", "Write a plain object of texts.")
        else:
            if not isinstance(content, dict):
                line.fault("It is JSON, but no object.", f"Write an object with {_SHAPES_TOLD}.", 1)
                content = None
        yield line, content if isinstance(content, dict) else None


class _Repeated(ValueError):
    pass


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Repeated(key)
        found[key] = value
    return found


def _understand(line: _Line, content: dict[str, Any]) -> Passage | Exchange | Ask | None:
    unknown = [key for key in content if key not in _KEYS]
    for key in unknown:
        near = nearest(key, _KEYS)
        hint = f"Did you mean `{near[0]}`?" if near else f"Known are {_SHAPES_TOLD}."
        line.fault(f"The key `{printable(key, 40)}` is not known.", hint)
    shape = next((name for name, (must, _) in _SHAPES.items() if must <= content.keys()), None)
    if shape is None:
        if not unknown:
            line.fault("It lacks a key.", f"An example has {_SHAPES_TOLD}.")
        return None
    must, may = _SHAPES[shape]
    for key in content.keys() - must - may - set(unknown):
        line.fault(f"`{key}` does not go with {_told(must)}.", f"An example has {_SHAPES_TOLD}.")
    return _READERS[shape](line, content)


def _told(keys: frozenset[str]) -> str:
    return " and ".join(f"`{key}`" for key in sorted(keys))


def _string(line: _Line, content: Mapping[str, Any], key: str, *, may_be_empty: bool = False) -> str:
    value = content.get(key)
    if not isinstance(value, str):
        line.fault(f"`{key}` is {_type(value)}.", f"Make `{key}` a text.")
        return ""
    if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
        line.fault(f"`{key}` holds characters that are no text.", "Remove the null or broken characters.")
    elif not value.strip() and not may_be_empty:
        line.fault(f"`{key}` is empty.", "Fill it, or remove the line.")
    return value


def _type(value: object) -> str:
    names: dict[type, str] = {dict: "an object", list: "a list", bool: "a boolean", int: "a number", float: "a number"}
    return "null" if value is None else names.get(type(value), "no text")


def _text(line: _Line, content: dict[str, Any]) -> Passage | Exchange:
    text = _string(line, content, "text")
    match = _INSTRUCTION_FORM.match(text.strip())
    if match is not None:
        return _exchange(line, content, match["ask"].strip(), match["answer"].strip(), (match["context"] or "").strip())
    return Passage(line.span(content), composed=text.strip())


def _exchange(line: _Line, content: dict[str, Any], ask: str, answer: str, context: str = "") -> Exchange:
    turns = ({"role": "user", "content": ask}, {"role": "assistant", "content": answer})
    return Exchange(line.span(content), turns, "completion", context=context)


def _completion(line: _Line, content: dict[str, Any]) -> Exchange:
    return _exchange(line, content, _string(line, content, "prompt"), _string(line, content, "completion"))


def _instruction(line: _Line, content: dict[str, Any]) -> Exchange:
    context = _string(line, content, "input", may_be_empty=True) if "input" in content else ""
    return _exchange(line, content, _string(line, content, "instruction"), _string(line, content, "output"), context)


def _question(line: _Line, content: dict[str, Any]) -> Ask:
    aliases = content.get("aliases", [])
    if not isinstance(aliases, list) or not all(isinstance(alias, str) and alias.strip() for alias in aliases):
        line.fault("`aliases` is not a list of texts.", 'Write it like ["34", "34 pontos"].')
        aliases = []
    more = {key: _string(line, content, key, may_be_empty=True) for key in ("kind", "source") if key in content}
    return Ask(
        _string(line, content, "question").strip(),
        _string(line, content, "answer").strip(),
        tuple(aliases),
        more.get("kind", ""),
        more.get("source", ""),
    )


def _messages(line: _Line, content: dict[str, Any]) -> Exchange | None:
    messages, tools = content["messages"], content.get("tools")
    if not isinstance(messages, list) or not messages:
        line.fault("`messages` is not a list of turns.", "Write objects with `role` and `content`.")
        return None
    if tools is not None and not (isinstance(tools, list) and all(isinstance(tool, dict) for tool in tools)):
        line.fault("`tools` is not a list of objects.", "Describe each tool by an object, as OpenAI's API does.")
        tools = None
    for number, message in enumerate(messages, 1):
        _check_turn(line, number, message)
    if not line.problems:
        _check_order(line, [message["role"] for message in messages])
    if line.problems:
        return None
    return Exchange(line.span(content), tuple(messages), "messages", tuple(tools) if tools else None)


def _check_turn(line: _Line, number: int, message: object) -> None:
    if not isinstance(message, dict):
        line.fault(f"Turn {number} is {_type(message)}.", "Write it as an object with `role` and `content`.")
        return
    for key in message.keys() - _MESSAGE_KEYS:
        line.fault(
            f"Turn {number} has the unknown key `{printable(key, 40)}`.", "Known: `role`, `content`, `tool_calls`."
        )
    role = message.get("role")
    if role not in _ROLES:
        line.fault(f"Turn {number} has no known role.", f"It is one of {', '.join(f'`{known}`' for known in _ROLES)}.")
        return
    calls = message.get("tool_calls")
    if calls is not None and (role != "assistant" or not isinstance(calls, list) or not calls):
        line.fault(f"`tool_calls` of turn {number} is wrong.", "Only the assistant calls tools, by a list of objects.")
    has_calls = role == "assistant" and bool(calls)
    text = message.get("content")
    if text is None and has_calls:
        return
    if not isinstance(text, str):
        line.fault(f"`content` of turn {number} is {_type(text)}.", "Make it a text.")
    elif not text.strip() and not has_calls:
        line.fault(f"Turn {number} is empty.", "Fill its `content`, or remove the turn.")


def _check_order(line: _Line, roles: list[str]) -> None:
    fix = "An optional system turn, then user and assistant in turns, the assistant last."
    if "system" in roles[1:]:
        line.fault("A system turn stands after another turn.", fix)
        return
    turns = roles[1:] if roles[0] == "system" else roles
    if not turns or turns[-1] != "assistant":
        line.fault("The last turn is not the assistant's: there is nothing to learn.", fix)
        return
    follows = {"user": ("assistant",), "assistant": ("user", "tool"), "tool": ("assistant", "tool")}
    for number in range(len(turns)):
        before = turns[number - 1] if number else None
        if (before is None and turns[number] != "user") or (before and turns[number] not in follows[before]):
            what = f"follows the {before}'s" if before else "comes first"
            line.fault(f"The {turns[number]}'s turn {number + 1 + len(roles) - len(turns)} {what}.", fix)
            return


_READERS = {
    "messages": _messages,
    "completion": _completion,
    "instruction": _instruction,
    "question": _question,
    "text": _text,
}
