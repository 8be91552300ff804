"""Which part of a conversation the assistant wrote: the loss of chat rows is taken on that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from tools.errors import InvalidArgument
from tools.models.chat_template import ChatTemplate, Message

_SENTINEL = "\U000f0100{}\U000f0101"

Span = tuple[int, int]
Tools = Sequence[Mapping[str, Any]] | None


def assistant_char_spans(
    template: ChatTemplate, messages: Sequence[Message], tools: Tools, control: Iterable[str]
) -> tuple[str, list[Span]]:
    """The rendered text and, for each assistant turn, where its answer starts and where its text ends.

    A span starts after the generation prompt and may run past the end-of-turn token (a newline).
    Found by the template's own marks, else by rendering prefixes, else, where a turn's text depends
    on what follows it, by rendering with the contents replaced. control: the control tokens' texts.

    Where the template writes what leads to the last answer otherwise once the answer is there
    (Mistral's leaves the system message out), the text is as it will be when the model is asked.
    Raises InvalidArgument when a turn cannot be told apart.
    """
    text = template.render(messages, tools=tools)
    turns = [i for i, message in enumerate(messages) if message.get("role") == "assistant"]
    if template.marks_generation:
        marked, spans = template.render_marked(messages, tools=tools)
        if marked == text and len(spans) == len(turns):
            return text, spans
    found = {i: span for i in turns if (span := _by_prefix(template, messages, tools, text, i))}
    if len(found) < len(turns):
        found = {**_by_contents(template, messages, tools, text, list(control)), **found}
        text, found = _as_asked(template, messages, tools, text, found, list(control))
    spans = [found[i] for i in sorted(found)]
    if len(spans) != len(turns) or any(a[1] > b[0] for a, b in pairwise(spans)):
        raise InvalidArgument(
            "The model's chat template does not let the assistant's turns be told apart.",
            field="messages",
            fix="Use one assistant turn at the end of each conversation, or a dataset of format `completions`.",
        )
    return text, spans


def _as_asked(
    template: ChatTemplate,
    messages: Sequence[Message],
    tools: Tools,
    text: str,
    found: dict[int, Span],
    control: list[str],
) -> tuple[str, dict[int, Span]]:
    """The text with what leads to the last answer rendered as for asking, and the spans in it."""
    last = len(messages) - 1
    if last < 1 or last not in found:
        return text, found
    try:
        prompt = template.render(messages[:last], tools=tools, add_generation_prompt=True)
    except InvalidArgument:
        return text, found
    start, end = found[last]
    if text[:start] == prompt:
        return text, found
    earlier = _by_contents(template, messages[:last], tools, prompt, control, add_generation_prompt=True)
    if set(earlier) != set(found) - {last}:
        return text, found
    return prompt + text[start:], {**earlier, last: (len(prompt), len(prompt) + end - start)}


def _by_prefix(template: ChatTemplate, messages: Sequence[Message], tools: Tools, text: str, i: int) -> Span | None:
    if i == 0:
        return None
    try:
        before = template.render(messages[:i], tools=tools, add_generation_prompt=True)
        after = text if i == len(messages) - 1 else template.render(messages[: i + 1], tools=tools)
    except InvalidArgument:
        return None
    if not text.startswith(after) or not after.startswith(before) or before == after:
        return None
    return len(before), len(after)


def _by_contents(
    template: ChatTemplate,
    messages: Sequence[Message],
    tools: Tools,
    text: str,
    control: list[str],
    *,
    add_generation_prompt: bool = False,
) -> dict[int, Span]:
    """Render with sentinels for the assistant's contents; what stands between them is the template's."""
    turns = [i for i, m in enumerate(messages) if m.get("role") == "assistant" and _text(m)]
    marks = {i: _SENTINEL.format(i) for i in turns}
    replaced = [{**m, "content": marks[i]} if i in marks else m for i, m in enumerate(messages)]
    try:
        shell = template.render(replaced, tools=tools, add_generation_prompt=add_generation_prompt)
    except InvalidArgument:
        return {}
    found: dict[int, Span] = {}
    position = 0
    for i in turns:
        lead, seen, shell = shell.partition(marks[i])
        content = _text(messages[i])
        start = position + len(lead)
        written = next((c for c in (content, content.strip()) if text.startswith(c, start)), "")
        if not seen or not written or not text.startswith(lead, position):
            return {}
        position = start + len(written)
        found[i] = (start, _after_end_of_turn(text, position, control))
    return found if text[position:] == shell else {}


def _text(message: Message) -> str:
    content = message.get("content")
    return content if isinstance(content, str) else ""


def _after_end_of_turn(text: str, position: int, control: list[str]) -> int:
    """The position after the control token that stands at `position`, blanks before it allowed."""
    start = position
    while start < len(text) and text[start].isspace():
        start += 1
    longest = max((len(token) for token in control if text.startswith(token, start)), default=0)
    return start + longest if longest else position


def token_mask(
    ids: Sequence[int], offsets: Sequence[Span], spans: Sequence[Span], control_ids: frozenset[int]
) -> list[int]:
    """1 for each token that begins inside a span, up to the span's last control token if it has one, else 0.

    offsets: character range of each token, in the text that the spans are of.
    """
    mask = [0] * len(ids)
    position = 0
    for start, end in spans:
        while position < len(ids) and offsets[position][0] < start:
            position += 1
        first = position
        while position < len(ids) and offsets[position][0] < end:
            position += 1
        last = max((n for n in range(first, position) if ids[n] in control_ids), default=position - 1)
        mask[first : last + 1] = [1] * (last + 1 - first)
    return mask
