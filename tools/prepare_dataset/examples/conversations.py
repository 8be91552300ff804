"""Conversations: OpenAI's `messages` and ShareGPT's `conversations`, each turn and their order examined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tools.errors import nearest, printable
from tools.prepare_dataset.examples.calls import check_calls, read_calls, read_tools
from tools.prepare_dataset.examples.record import Record, type_of
from tools.prepare_dataset.material import Exchange

Turn = dict[str, Any]
_ROLES = ("system", "user", "assistant", "tool")
_KNOWN = ("role", "content", "name", "tool_calls", "tool_call_id", "weight")
# What the API's answers hold besides, mostly null.
_EMPTY_IS_FINE = frozenset({"refusal", "audio", "annotations", "function_call", "reasoning_content"})
_SHAREGPT_ROLES = {
    "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "chatgpt": "assistant",
    "system": "system", "tool": "tool",
}  # fmt: skip
_ORDER = "An optional system turn, then user and assistant in turns, the assistant last."


def read_messages(record: Record, content: Mapping[str, Any]) -> Exchange | None:
    """A conversation in OpenAI's form; None, and faults, where it cannot be learned."""
    return _read(record, content, "messages")


def read_sharegpt(record: Record, content: Mapping[str, Any]) -> Exchange | None:
    """A conversation of turns with `from` and `value`; one with `role` and `content` is taken too."""
    turns = content["conversations"]
    if not isinstance(turns, list) or not turns or any(isinstance(turn, dict) and "role" in turn for turn in turns):
        return _read(record, content, "conversations")
    messages: list[Turn] = []
    for number, turn in enumerate(turns):
        message = _from_sharegpt(record, number, turn)
        if message is not None:
            messages.append(message)
    system = record.text(content, "system", may_be_empty=True) if content.get("system") else ""
    if system.strip():
        messages.insert(0, {"role": "system", "content": system})
    return _checked(record, content, messages, shift=bool(system.strip()), calls_told=False)


def _from_sharegpt(record: Record, number: int, turn: object) -> Turn | None:
    place = ("conversations", number)
    if not isinstance(turn, dict):
        record.fault(f"Turn {number + 1} is {type_of(turn)}.", "Write it as an object with `from` and `value`.", *place)
        return None
    role = _SHAREGPT_ROLES.get(str(turn.get("from")).lower())
    if role is None:
        fix = "It is `human`, `gpt`, `system` or `tool`; calls of tools are written as OpenAI's `messages`."
        record.fault(f"Turn {number + 1} has no known `from`.", fix, *place, "from")
        return None
    for key in turn:
        if key not in ("from", "value"):
            record.findings.left_out[f"{printable(key, 40)} of turns"] += 1
    text = record.text(turn, "value", *place, called=f"`value` of turn {number + 1}")
    return {"role": role, "content": text}


def _read(record: Record, content: Mapping[str, Any], key: str) -> Exchange | None:
    turns = content[key]
    if not isinstance(turns, list) or not turns:
        record.fault(f"`{key}` is no list of turns.", "Write objects with `role` and `content`.", key)
        return None
    messages = [_turn(record, number, turn, (key, number)) for number, turn in enumerate(turns)]
    return _checked(record, content, messages, shift=False, calls_told=True, key=key)


def _checked(
    record: Record,
    content: Mapping[str, Any],
    messages: Sequence[Turn],
    *,
    shift: bool,
    calls_told: bool,
    key: str = "conversations",
) -> Exchange | None:
    """The exchange, when its turns go together. shift: the first turn was not in the list."""
    tools = read_tools(record, content)
    if record.sound and calls_told:
        check_calls(record, messages, tools, key, parallel=content.get("parallel_tool_calls"))
    if record.sound:
        _check_order(record, [str(message["role"]) for message in messages], key, shift)
    if not record.sound:
        return None
    return Exchange(record.span(content), tuple(messages), "messages", tuple(tools) if tools else None)


def _turn(record: Record, number: int, turn: object, place: tuple[str, int]) -> Turn:
    """One turn with the keys that templates read."""
    called = f"turn {number + 1}"
    if not isinstance(turn, dict):
        told = f"Turn {number + 1} is {type_of(turn)}."
        record.fault(told, "Write it as an object with `role` and `content`.", *place)
        return {}
    _check_keys(record, called, turn, place)
    role = turn.get("role")
    if role == "developer":
        role = "system"
        record.findings.choices["`developer` turns were taken as the system's: that is what templates know"] += 1
    if role not in _ROLES:
        fix = "Write `tool`, and `tool_calls` in the turn before." if role == "function" else _told_roles()
        record.fault(f"Turn {number + 1} has no known role.", fix, *place, "role")
        return {}
    message: Turn = {"role": role}
    calls = turn.get("tool_calls")
    if calls is not None and role != "assistant":
        record.fault(f"`tool_calls` of {called} are the {role}'s.", "Only the assistant calls tools.", *place)
    elif calls is not None:
        message["tool_calls"] = read_calls(record, calls, number, (*place, "tool_calls"))
    message["content"] = _content(record, turn, number, place, may_be_empty=bool(calls) or role == "tool")
    for key in ("name", "tool_call_id"):
        if turn.get(key) is not None:
            message[key] = record.text(turn, key, *place, called=f"`{key}` of {called}")
    return message


def _told_roles() -> str:
    return f"It is one of {', '.join(f'`{role}`' for role in _ROLES)}."


def _check_keys(record: Record, called: str, turn: Mapping[str, Any], place: tuple[str, int]) -> None:
    for key, value in turn.items():
        if key in _KNOWN or (key in _EMPTY_IS_FINE and not value):
            continue
        near = nearest(key, _KNOWN)
        fix = f"Did you mean `{near[0]}`?" if near else "Remove it; a turn has `role`, `content` and `tool_calls`."
        record.fault_of_key(f"{called.capitalize()} has the unknown key `{printable(key, 40)}`.", fix, *place, key)
    weight = turn.get("weight")
    if weight is None or (weight == 1 and weight is not True):
        return
    if weight == 0 and weight is not False and turn.get("role") == "assistant":
        told = f"{called.capitalize()} has the weight 0: it would be learned all the same."
        fix = "End the conversation with the one turn to learn, as `prompt` and `completion`; or remove `weight`."
    else:
        told, fix = f"`weight` of {called} is wrong.", "It is 1, or left out, and only the assistant's turns have one."
    record.fault(told, fix, *place, "weight")


def _content(
    record: Record, turn: Mapping[str, Any], number: int, place: tuple[str, int], *, may_be_empty: bool
) -> str:
    """The turn's text; "" beside calls of tools."""
    value = turn.get("content")
    called = f"`content` of turn {number + 1}"
    if value is None and turn.get("tool_calls"):
        return ""
    if not isinstance(value, list):
        return record.text(turn, "content", *place, called=called, may_be_empty=may_be_empty)
    texts: list[str] = []
    for index, part in enumerate(value):
        at = (*place, "content", index)
        kind = part.get("type", "text") if isinstance(part, dict) else None
        if isinstance(part, dict) and kind in ("text", "input_text", "output_text"):
            texts.append(record.text(part, "text", *at, called=f"Part {index + 1} of {called}", may_be_empty=True))
        elif isinstance(kind, str):
            told = f"Part {index + 1} of {called} is of the type `{printable(kind, 40)}`; only text is learned."
            record.fault(told, "Remove it, or leave the example out.", *at)
        else:
            record.fault(f"Part {index + 1} of {called} is {type_of(part)}.", 'Write {"type": "text", "text": …}.', *at)
    joined = "\n".join(text for text in texts if text.strip())
    if not joined and record.sound and not may_be_empty:
        record.fault(f"{called} is empty.", "Fill it, or remove the example.", *place, "content")
    return joined


def _check_order(record: Record, roles: list[str], key: str, shift: bool) -> None:
    """System first and once, user and assistant in turns, the assistant last."""

    def fault(index: int, message: str) -> None:
        record.fault(message, _ORDER, key, max(0, index - shift))

    first = 1 if roles[:1] == ["system"] else 0
    again = next((index for index in range(first, len(roles)) if roles[index] == "system"), None)
    if again is not None:
        fault(again, "A second system turn." if first and again == 1 else "A system turn stands after another turn.")
        return
    if roles[-1:] != ["assistant"]:
        fault(len(roles) - 1, "The last turn is not the assistant's: there is nothing to learn.")
        return
    follows = {"user": ("assistant",), "assistant": ("user", "tool"), "tool": ("assistant", "tool")}
    for index in range(first, len(roles)):
        before = roles[index - 1] if index > first else None
        if roles[index] not in (follows[before] if before else ("user",)):
            what = f"follows the {before}'s" if before else "comes first"
            fault(index, f"The {roles[index]}'s turn {index + 1 - shift} {what}.")
            return
