"""An answer's text, as it comes, parted into what is said and what is called.

What is not a call of a function that was offered is part of what is said, marks included: nothing
that the model wrote is lost. Blanks around calls are.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass
from typing import Literal

from tools.models.tool_calls.call_reader import CallReader
from tools.models.tool_calls.syntax import ToolSyntax

# What stands between the calls of an answer: a list's marks, Llama's semicolon, and the brace too many
# that small models write.
_BETWEEN = " \t\r\n,;[]}"


@dataclass(frozen=True)
class Said:
    text: str


@dataclass(frozen=True)
class CallStart:
    """call: its place among the answer's calls, from 0."""

    call: int
    id: str
    name: str


@dataclass(frozen=True)
class CallArguments:
    """A piece of the JSON text of a call's arguments."""

    call: int
    text: str


Piece = Said | CallStart | CallArguments


class ToolCallParser:
    """Feed it the text; `calls` counts what was called. Use one for each answer.

    What comes out does not depend on how the text was cut into pieces, its cuts aside.
    """

    def __init__(self, syntax: ToolSyntax, names: Collection[str]) -> None:
        self._syntax = syntax
        self._names = names
        self._place: Literal["text", "between", "call"] = "between" if syntax.kind == "bare" else "text"
        self._buffer = ""  # not looked at yet
        self._raw = ""  # of a call whose function is not known yet
        self._blanks = ""  # said, unless a call follows
        self._reader = CallReader()
        self._announced = False
        self._has_said = False
        self.calls = 0

    def feed(self, text: str) -> list[Piece]:
        self._buffer += text
        return list(self._run())

    def finish(self) -> list[Piece]:
        """What was held back, when the answer ends."""
        rest = self._raw + self._buffer
        if self._place == "call" and self._announced:
            rest = ""
        elif self._place == "between" and self.calls and not self._raw.strip(_BETWEEN):
            rest = ""  # at most half of the mark that closes
        self._buffer = self._raw = ""
        pieces = list(self._say(rest))
        if self._blanks and not self.calls:
            pieces.append(Said(self._blanks))
        return pieces

    def _run(self) -> Iterator[Piece]:
        moved = True
        while moved and self._buffer:
            match self._place:
                case "text":
                    moved = yield from self._text()
                case "between":
                    moved = yield from self._between()
                case "call":
                    yield from self._call()

    def _text(self) -> Generator[Piece, None, bool]:
        opens = self._syntax.opens
        at = self._buffer.find(opens)
        if at >= 0:
            yield from self._say(self._buffer[:at])
            self._buffer = self._buffer[at + len(opens) :]
            self._raw, self._place = opens, "between"
            return True
        keep = _overlap(self._buffer, opens)
        yield from self._say(self._buffer[: len(self._buffer) - keep])
        self._buffer = self._buffer[len(self._buffer) - keep :]
        return False

    def _between(self) -> Generator[Piece, None, bool]:
        rest = self._buffer.lstrip(_BETWEEN)
        self._raw += self._buffer[: len(self._buffer) - len(rest)]
        self._buffer = rest
        marks = [mark for mark in (self._syntax.closes, self._syntax.opens) if mark]
        if not rest or any(len(rest) < len(mark) and mark.startswith(rest) for mark in marks):
            return False
        if rest[0] == "{":
            self._reader, self._announced, self._place = CallReader(), False, "call"
            return True
        mark = next((mark for mark in marks if rest.startswith(mark)), "")
        if mark == self._syntax.opens:
            self._raw += mark
        elif mark and not self._raw.startswith(self._syntax.opens):
            self._raw, self._place = "", "text"  # closes what was called
        else:
            yield from self._as_text()
            return True
        self._buffer = rest[len(mark) :]
        return True

    def _call(self) -> Iterator[Piece]:
        used = self._reader.feed(self._buffer)
        self._raw += self._buffer[:used]
        self._buffer = self._buffer[used:]
        reader = self._reader
        if not self._announced and reader.name is not None:
            if reader.name not in self._names:
                yield from self._as_text()
                return
            self._announced, self._blanks, self.calls = True, "", self.calls + 1
            yield CallStart(self.calls - 1, self._syntax.new_id(), reader.name)
        over = reader.ended or reader.broken
        if over and not self._announced:
            yield from self._as_text()
            return
        if self._announced:
            self._raw = ""
            fresh = reader.take_arguments() or ("{}" if over and not reader.has_arguments else "")
            if fresh:
                yield CallArguments(self.calls - 1, fresh)
        if over:
            # Also where the object was not closed, as small models forget: the call stands.
            self._place = "between"

    def _as_text(self) -> Iterator[Piece]:
        """It was no call."""
        raw, self._raw, self._place = self._raw, "", "text"
        if self.calls and not raw.strip(_BETWEEN):
            raw = ""
        yield from self._say(raw)

    def _say(self, text: str) -> Iterator[Piece]:
        text = self._blanks + text
        if self.calls and not self._has_said:
            text = text.lstrip()
        told = text.rstrip()
        self._blanks = text[len(told) :]
        if told:
            self._has_said = True
            yield Said(told)


def _overlap(text: str, mark: str) -> int:
    """Length of the longest end of the text with which the mark begins."""
    longest = min(len(mark) - 1, len(text))
    return next((length for length in range(longest, 0, -1) if mark.startswith(text[-length:])), 0)
