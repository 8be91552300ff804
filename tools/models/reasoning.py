"""Thoughts of models that think in `<think>…</think>` before they answer, kept apart from the answer.

Qwen 3, DeepSeek R1 and models distilled from it, SmolLM3, and others write so.
"""

from __future__ import annotations

from typing import Literal

from tools.models.chat_template import ChatTemplate

OPENS, CLOSES = "<think>", "</think>"
# How an answer begins: with thoughts already opened by the prompt, perhaps with thoughts, or without.
Thinking = Literal["open", "maybe", "no"]
_Place = Literal["start", "thoughts", "gap", "answer"]
_FIRST: dict[Thinking, _Place] = {"open": "thoughts", "maybe": "start", "no": "answer"}


def thinking_of(template: ChatTemplate, prompt: str) -> Thinking:
    """How the answer to a rendered prompt of this template begins."""
    if not template.mentions(CLOSES) and not template.mentions(OPENS):
        return "no"
    end = prompt.rstrip()
    if end.endswith(OPENS):
        return "open"
    return "no" if end.endswith(CLOSES) else "maybe"


class ThoughtSplitter:
    """Feed it an answer's text; each call returns what was thought and what was said in it.

    Blank lines around thoughts belong to neither.
    """

    def __init__(self, thinking: Thinking) -> None:
        self._place: _Place = _FIRST[thinking]
        self._buffer = ""
        self._thought = False

    @property
    def is_thinking(self) -> bool:
        return self._place == "thoughts"

    def feed(self, text: str) -> tuple[str, str]:
        self._buffer += text
        thought = ""
        if self._place == "start":
            self._begin()
        if self._place == "thoughts":
            thought = self._think()
        if self._place == "gap":
            self._buffer = self._buffer.lstrip("\n")
            self._place = "answer" if self._buffer else "gap"
        if self._place == "answer":
            said, self._buffer = self._buffer, ""
            return thought, said
        return thought, ""

    def finish(self) -> tuple[str, str]:
        """What was held back, when the answer ends."""
        rest, self._buffer = self._buffer, ""
        if self._place == "thoughts":
            return rest.rstrip(), ""
        return "", rest if self._place == "start" else ""

    def _begin(self) -> None:
        begun = self._buffer.lstrip()
        if begun.startswith(OPENS):
            self._buffer, self._place = begun[len(OPENS) :], "thoughts"
        elif not OPENS.startswith(begun):
            self._place = "answer"

    def _think(self) -> str:
        if not self._thought:
            self._buffer = self._buffer.lstrip("\n")
        before, closed, after = self._buffer.partition(CLOSES)
        if closed:
            self._buffer, self._place = after, "gap"
            return before.rstrip()
        keep = _held(before)
        self._buffer = before[len(before) - keep :]
        told = before[: len(before) - keep]
        self._thought = self._thought or bool(told)
        return told


def _held(text: str) -> int:
    """Length of the end of the text that may belong to the mark or be blanks before it."""
    longest = min(len(CLOSES) - 1, len(text))
    half = next((length for length in range(longest, 0, -1) if CLOSES.startswith(text[-length:])), 0)
    return len(text) - len(text[: len(text) - half].rstrip())
