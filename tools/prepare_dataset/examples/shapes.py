"""The shapes of examples: which keys each has, and what becomes of one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from tools.errors import nearest, printable
from tools.prepare_dataset.examples.conversations import read_messages, read_sharegpt
from tools.prepare_dataset.examples.record import Record, type_of
from tools.prepare_dataset.material import Ask, Exchange, Passage

Content = dict[str, Any]
Read = Passage | Exchange | Ask | None

SHAPES_TOLD = "`text`; `prompt` and `completion`; `instruction` and `output`; `messages`; or `question` and `answer`"
_PREFERENCE = ("Pairs of a preferred and a rejected answer are not learned.", "Keep the preferred one, as `messages`.")
_OLD_TOOLS = ("It is the old form of tools.", "Write `tools`, and `tool_calls` in the turns.")
_NO_TEXT = ("Only text is learned.", "Remove the key, or leave the example out.")
_REFUSED: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("chosen", "rejected"), _PREFERENCE),
    **dict.fromkeys(("functions", "function_call"), _OLD_TOOLS),
    **dict.fromkeys(("image", "images", "audio", "audios", "video", "videos"), _NO_TEXT),
}
# So alike, a key is a slip of another.
_SLIP = 0.8
_INSTRUCTION_FORM = re.compile(
    r"\A###\s*(?:Instrução|Instruction)\s*:\s*\n(?P<ask>.*?)\n+(?:###\s*(?:Contexto|Context|Input)\s*:\s*\n(?P<context>.*?)\n+)?"
    r"###\s*(?:Resposta|Response)\s*:\s*\n(?P<answer>.+)\Z",
    re.DOTALL,
)


@dataclass(frozen=True)
class _Shape:
    """must: keys it has. may: keys it can have besides. apart: keys of others that repeat it, and are left out."""

    must: tuple[str, ...]
    may: tuple[str, ...]
    read: Callable[[Record, Content], Read]
    apart: tuple[str, ...] = ()


def understand(record: Record, content: Content) -> Read:
    """What an example says; None, and faults, where it cannot be told."""
    for key in content:
        if key in _REFUSED and content[key]:
            record.fault_of_key(*_REFUSED[key], key)
    if not record.sound:
        return None
    # A table of examples of several shapes has null where a key is another shape's.
    given = {key: value for key, value in content.items() if value is not None}
    shape = _shape_of(given) or _shape_of(content)
    if shape is None:
        _tell_incomplete(record, given)
        return None
    for key in given:
        if key not in shape.must and key not in shape.may:
            _extra(record, shape, key)
    own = {key: content[key] for key in content if key in shape.must or (key in shape.may and key in given)}
    return shape.read(record, own)


def _shape_of(content: Mapping[str, Any]) -> _Shape | None:
    return next((shape for shape in _SHAPES if content.keys() >= set(shape.must)), None)


def _tell_incomplete(record: Record, content: Mapping[str, Any]) -> None:
    """Which key is missing or misspelt."""
    known = {key for shape in _SHAPES for key in shape.must}
    for key in content:
        near = nearest(key, sorted(known - content.keys())) if key not in known else []
        if near:
            told = f"The key `{printable(key, 40)}` is not known."
            record.fault_of_key(told, f"Did you mean `{near[0]}`?", key)
    if not record.sound:
        return
    begun = max(_SHAPES, key=lambda shape: len(content.keys() & set(shape.must)))
    missing = [key for key in begun.must if key not in content]
    if len(missing) < len(begun.must):
        record.fault(f"It has `{begun.must[0]}` but no `{missing[0]}`.", f"An example has {SHAPES_TOLD}.")
    else:
        record.fault("It has none of the keys of an example.", f"An example has {SHAPES_TOLD}.")


def _extra(record: Record, shape: _Shape, key: str) -> None:
    """A key that the shape does not have: a slip, another shape's material, or bookkeeping that is left out."""
    slip = next((may for may in shape.may if SequenceMatcher(None, key, may).ratio() >= _SLIP), None)
    if slip is not None:
        record.fault_of_key(f"The key `{printable(key, 40)}` is not known.", f"Did you mean `{slip}`?", key)
    elif key in _MATERIAL and key not in shape.apart:
        told = f"`{key}` does not go with {' and '.join(f'`{must}`' for must in shape.must)}."
        record.fault_of_key(told, f"An example has {SHAPES_TOLD}.", key)
    else:
        record.findings.left_out[printable(key, 40)] += 1


# What each shape becomes ----------------------------------------------------------------------


def _text(record: Record, content: Content) -> Read:
    text = record.text(content, "text").strip()
    match = _INSTRUCTION_FORM.match(text)
    if match is not None:
        turns = _asked(match["ask"].strip(), match["answer"].strip())
        return Exchange(record.span(content), turns, "completion", context=(match["context"] or "").strip())
    return Passage(record.span(content), composed=text)


def _asked(ask: str, answer: str) -> tuple[Mapping[str, Any], ...]:
    return {"role": "user", "content": ask}, {"role": "assistant", "content": answer}


def _pair(ask_key: str, answer_key: str, context_key: str) -> Callable[[Record, Content], Read]:
    """A reader of a request, its answer, perhaps what the answer rests on, a system turn, and turns before."""

    def read(record: Record, content: Content) -> Read:
        ask, answer = record.text(content, ask_key), record.text(content, answer_key)
        context, system = (
            record.text(content, key, may_be_empty=True).strip() if key in content else ""
            for key in (context_key, "system")
        )
        before = _history(record, content.get("history") or [])
        if before and context:
            ask, context = f"{ask}\n\n{context}", ""
        first = ({"role": "system", "content": system},) if system else ()
        return Exchange(record.span(content), (*first, *before, *_asked(ask, answer)), "completion", context=context)

    return read


def _history(record: Record, history: object) -> tuple[Mapping[str, Any], ...]:
    """The turns before, from a list of [question, answer]."""
    if not isinstance(history, list):
        record.fault(f"`history` is {type_of(history)}.", 'Write it like [["Quem?", "O avô."]].', "history")
        return ()
    turns: list[Mapping[str, Any]] = []
    for number, pair in enumerate(history):
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) and text.strip() for text in pair):
            turns += _asked(pair[0], pair[1])
        else:
            told = f"Turn {number + 1} of `history` is no pair of texts."
            record.fault(told, 'Write it like ["Quem?", "O avô."].', "history", number)
    return tuple(turns)


def _question(record: Record, content: Content) -> Read:
    """Without a context, a question is kept for evaluation; with one, it is an exercise to learn."""
    if content.get("context"):
        record.findings.choices["questions with a `context` are learned; those without are kept for evaluation"] += 1
        return _pair("question", "answer", "context")(record, content)
    aliases = content.get("aliases", [])
    if not isinstance(aliases, list) or not all(isinstance(alias, str) and alias.strip() for alias in aliases):
        record.fault("`aliases` is not a list of texts.", 'Write it like ["34", "34 pontos"].', "aliases")
        aliases = []
    more = {key: record.text(content, key, may_be_empty=True) for key in ("kind", "source") if key in content}
    question, answer = (record.text(content, key).strip() for key in ("question", "answer"))
    return Ask(question, answer, tuple(aliases), more.get("kind", ""), more.get("source", ""))


_SHAPES = (
    _Shape(("messages",), ("tools", "parallel_tool_calls"), read_messages, apart=("prompt", "text")),
    _Shape(("conversations",), ("system", "tools"), read_sharegpt),
    _Shape(
        ("instruction", "output"),
        ("input", "system", "history"),
        _pair("instruction", "output", "input"),
        # Alpaca's own file repeats each example as a text.
        apart=("text",),
    ),
    _Shape(("instruction", "response"), ("context", "system", "history"), _pair("instruction", "response", "context")),
    _Shape(("prompt", "completion"), ("context", "system", "history"), _pair("prompt", "completion", "context")),
    _Shape(("prompt", "response"), ("context", "system", "history"), _pair("prompt", "response", "context")),
    _Shape(("question", "answer"), ("aliases", "kind", "source", "context"), _question),
    _Shape(("text",), (), _text),
)
# Keys that hold something to learn: beside a shape that has no place for one, it would be lost.
_MATERIAL = {key for shape in _SHAPES for key in shape.must} | {"tools", "system", "history", "input", "context"}
