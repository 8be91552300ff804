"""Tokens of a row as training will see it: template, beginning and end tokens included."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from tools.errors import InvalidArgument
from tools.models.tokenizer import Tokenizer

_WINDOWS = 25
_WINDOW_CHARS = 4000


def sample_of(texts: Sequence[str]) -> str:
    """The texts, or of more than 100,000 characters windows evenly spaced over all of them."""
    ends = list(accumulate(map(len, texts)))
    total = ends[-1] if ends else 0
    if total <= _WINDOWS * _WINDOW_CHARS:
        return "\n".join(texts)
    windows = []
    for place in range(0, total, -(-total // _WINDOWS)):
        index = bisect_right(ends, place)
        start = place - ends[index] + len(texts[index])
        windows.append(texts[index][start : start + _WINDOW_CHARS])
    return "\n".join(windows)


class RowCounter:
    """Counts by the model's tokenizer. sample: some of the texts, to check the fast counter on."""

    def __init__(self, tokenizer: Tokenizer, sample: str) -> None:
        self._tokenizer = tokenizer
        self.plain = tokenizer.fast_counter(sample)
        around = tokenizer.encode("a", special=True)
        self._around = len(around) - len(tokenizer.encode("a")) + (around[-1] not in tokenizer.eos_ids)

    @property
    def has_template(self) -> bool:
        return self._tokenizer.has_chat_template

    def row(self, content: Mapping[str, Any]) -> int:
        """Tokens of a row with mlx-lm's keys. Raises InvalidArgument when the template refuses a conversation."""
        if "text" in content:
            return self.plain(content["text"]) + self._around
        if "messages" in content:
            return self.chat(content["messages"], content.get("tools"))
        if self.has_template:
            turns = [
                {"role": "user", "content": content["prompt"]},
                {"role": "assistant", "content": content["completion"]},
            ]
            return self.chat(turns, None)
        return self.plain(content["prompt"]) + self.plain(content["completion"]) + self._around

    def chat(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] | None) -> int:
        rendered = self.plain(self._tokenizer.render_chat(messages, tools=tools))
        if len(messages) <= 2:
            return rendered
        # Some templates drop a system turn once the answer is there; training puts it back.
        return max(rendered, len(self._tokenizer.chat_spans(messages, tools=tools)[0]))

    def check_turns(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] | None) -> None:
        """Raise InvalidArgument when the template refuses a conversation, or lets a part of it fall.

        Also when the answers could not be told apart in training.
        """
        text = self._tokenizer.spell_chat(messages, tools=tools).text
        calls = [call for turn in messages for call in turn.get("tool_calls") or ()]
        names = [str(tool.get("function", tool).get("name")) for tool in (*calls, *(tools or ()))]
        if not all(name in text for name in names):
            raise _fallen("tools and calls of them", "Choose a model whose template has them.")
        for number, turn in enumerate(messages, 1):
            if str(turn.get("content") or "").strip() not in text:
                raise _fallen(f"the text of turn {number}, or changes it", "Rewrite the turn.")

    def control_tokens(self) -> list[str]:
        """Tokens that steer the model, as they would be written in a text."""
        found = (self._tokenizer.id_to_token(index) for index in self._tokenizer.special_ids)
        return sorted(token for token in found if token and len(token) > 3 and not token.isalnum())


def _fallen(what: str, fix: str) -> InvalidArgument:
    return InvalidArgument(f"The model's chat template leaves out {what}.", field="model", fix=fix)
