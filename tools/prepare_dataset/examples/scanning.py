"""The JSON values of a file, each with its place: one a line, one after another, in a list, or in lists of an object.

A fault does not end the reading: it goes on where the next example begins.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

from tools.errors import printable
from tools.prepare_dataset.contract import Split
from tools.prepare_dataset.examples.decoding import Fault, Unclosed, decode, line_break, rest_of
from tools.prepare_dataset.examples.positions import skip_blanks

# Names of the splits as others write them: mlx-lm, Hugging Face, OpenAI.
SPLIT_NAMES: dict[str, Split] = {
    "train": "train", "training": "train",
    "valid": "valid", "validation": "valid", "val": "valid", "dev": "valid", "eval": "valid",
    "test": "test", "testing": "test",
}  # fmt: skip
_LISTS = frozenset({"data", "examples", "items", "rows", "records", "instances", *SPLIT_NAMES})
_FIRST_KEY = re.compile(
    r"\{\s*\"(?:messages|conversations|prompt|instruction|question|text|id|completion|system|context|input)\"\s*:"
)
# A text that somebody broke over lines ends within so many.
_MOST_LINES_OF_A_TEXT = 50
# Each fault in a file that is no JSON lines is found by counting the lines before it.
_MOST_FAULTS = 1000


@dataclass(frozen=True)
class Found:
    """A whole value, characters `start` to `end`. split: the list of a split in which it stood."""

    start: int
    end: int
    value: Any
    split: Split | None = None


@dataclass(frozen=True)
class LeftOut:
    """A member beside the lists of examples."""

    key: str


Event = Found | LeftOut | Fault


def holds_lines(text: str, *, named_so: bool) -> bool:
    """Whether a file holds one object a line. named_so: by its extension; files of other names may do it too."""
    lines = (line.strip() for line in text.split("\n", 1000))
    first = next((line for line in lines if line), "")
    if first.startswith("[") or first == "{":
        return False
    second = next((line for line in lines if line), "")
    return named_so or (first.startswith("{") and first.rstrip(",").endswith("}") and second.startswith("{"))


def scan_lines(text: str) -> Iterator[Event]:
    """The values of a file of JSON lines, in order; blank lines are passed over."""
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end].rstrip()
        start = skip_blanks(line, 0)
        following = end + 1
        if start < len(line):
            try:
                value, stop = decode(line, start)
                rest = rest_of(line, stop)
            except Fault as fault:
                whole = _end_of_broken(text, at + start, end) if isinstance(fault, Unclosed) else None
                if whole is None:
                    yield fault.moved(at)
                else:
                    yield line_break(end)
                    following = whole
            else:
                yield rest.moved(at) if rest else Found(at + start, at + stop, value)
        at = following


def _end_of_broken(text: str, start: int, end: int) -> int | None:
    """Where to read on, when the line breaks off within a text that goes on in the next ones; else None."""
    for _ in range(_MOST_LINES_OF_A_TEXT):
        following = text.find("\n", end + 1)
        following = len(text) if following < 0 else following
        if end >= len(text) or text.startswith("{", skip_blanks(text, end)):
            return None
        end = following
        value = text[start:end]
        try:
            _, stop = decode(value, 0, breaks_allowed=True)
        except Fault:
            continue
        return end + 1 if rest_of(value, stop) is None else None
    return None


class Stream:
    """The values of a text in any layout. Make one for each text; `scan` once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._faults = 0

    def scan(self) -> Iterator[Event]:
        """The examples: objects of lists and lists are opened, all else comes as it is."""
        at = skip_blanks(self._text, 0)
        first = True
        while at < len(self._text):
            char = self._text[at]
            if char == "[":
                at = yield from self._list(at, None)
            elif char == ",":
                yield Fault(at, "A comma stands between two objects.", "Remove it, or put all objects into one list.")
                at += 1
            elif char == "{" and first and self._holds_lists(at):
                at = yield from self._lists(at)
            else:
                at = yield from self._value(at, None)
            at = skip_blanks(self._text, at)
            first = False

    def _value(self, at: int, split: Split | None) -> Generator[Event, None, int]:
        """One value; after a fault, where the next example begins."""
        try:
            value, end = decode(self._text, at)
        except Fault as fault:
            yield fault
            self._faults += 1
            if self._faults == _MOST_FAULTS:
                yield Fault(fault.at, "So much is wrong that the reading ended here.", "Mend what is told so far.")
                return len(self._text)
            match = _FIRST_KEY.search(self._text, max(at + 1, fault.at))
            return match.start() if match else len(self._text)
        yield Found(at, end, value, split)
        return end

    def _list(self, at: int, split: Split | None) -> Generator[Event, None, int]:
        """The values of the list at `at`; returns where it ends."""
        text = self._text
        at = skip_blanks(text, at + 1)
        comma: int | None = None
        after_value = False
        while at < len(text):
            char = text[at]
            if char == "]":
                if comma is not None:
                    yield Fault(comma, "A comma stands before the closing bracket.", "Remove the comma.")
                return at + 1
            if char == ",":
                if not after_value:
                    yield Fault(at, "An example is missing before this comma.", "Remove the comma.")
                comma, after_value = at, False
                at = skip_blanks(text, at + 1)
                continue
            if after_value:
                yield Fault(at, "A comma is missing before this example.", "Write one between two examples.")
            faults = self._faults
            at = skip_blanks(text, (yield from self._value(at, split)))
            comma, after_value = None, self._faults == faults
            if at >= len(text) and not after_value:
                return at
        yield Fault(len(text), "The list is not closed.", "End it with `]`.")
        return at

    def _holds_lists(self, at: int) -> bool:
        """Whether the object at `at` is no example itself, but has lists of them."""
        try:
            while self._text.startswith(("{", ","), at):
                _, at, is_list = self._member(at + 1)
                if is_list:
                    return True
                at = skip_blanks(self._text, decode(self._text, at)[1])
        except Fault:
            pass  # told when it is read
        return False

    def _lists(self, at: int) -> Generator[Event, None, int]:
        """The examples of an object of lists at `at`; returns where it ends."""
        text = self._text
        try:
            while text.startswith(("{", ","), at):
                key, at, is_list = self._member(at + 1)
                if is_list:
                    at = yield from self._list(at, SPLIT_NAMES.get(key))
                else:
                    yield LeftOut(printable(key, 40))
                    at = decode(text, at)[1]
                at = skip_blanks(text, at)
        except Fault as fault:
            yield fault
            return len(text)
        if not text.startswith("}", at):
            if at < len(text) or not self._faults:
                yield Fault(at, "The object with the lists is not closed.", "End it with `}`.")
            return len(text)
        return at + 1

    def _member(self, at: int) -> tuple[str, int, bool]:
        """Key and place of value of the member at `at`, and whether it is a list of examples. Raises Fault."""
        text = self._text
        at = skip_blanks(text, at)
        if not text.startswith('"', at):
            raise Fault(at, "A key in double quotes is missing here.", "Write it, or remove the comma before.")
        key, at = decode(text, at)
        at = skip_blanks(text, at)
        if not text.startswith(":", at):
            raise Fault(at, "A colon is missing after the key.", 'Write `"key": value`.')
        at = skip_blanks(text, at + 1)
        opens = text.startswith("[", at) and text.startswith(("{", "]"), skip_blanks(text, at + 1))
        return str(key), at, opens and key in _LISTS
