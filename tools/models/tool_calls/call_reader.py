"""Reads one call, the object `{"name": …, "arguments": {…}}`, character by character."""

from __future__ import annotations

import json
from typing import Literal

_BLANK = " \t\r\n"
_Place = Literal["start", "key", "colon", "value", "inside", "next", "end"]


class CallReader:
    """name: the function's, once it is known. ended: the object is closed. broken: it is no such object.

    `take_arguments` gives the text of the arguments that came since it was last asked, as it was
    written; arguments in a string of JSON are given at once when it ends.
    """

    def __init__(self) -> None:
        self.name: str | None = None
        self.ended = False
        self.broken = False
        self.has_arguments = False
        self._arguments_ended = False
        self._place: _Place = "start"
        self._key = ""
        self._value = ""
        self._depth = 0  # of what is open inside the value
        self._in_string = False
        self._escaped = False
        self._fresh = ""

    def feed(self, text: str) -> int:
        """How many characters belong to the object; what follows is not looked at."""
        for at, char in enumerate(text):
            self._take(char)
            if self.broken:
                return at
            if self.ended:
                return at + 1
        return len(text)

    def take_arguments(self) -> str:
        fresh, self._fresh = self._fresh, ""
        return fresh

    def _take(self, char: str) -> None:
        if self._place == "inside":
            self._inside(char)
        elif self._in_string:
            self._value += char
            if self._closes_string(char):
                self._key, self._value, self._place = self._text(), "", "colon"
        elif char not in _BLANK:
            self._between(char)

    def _between(self, char: str) -> None:
        """A character that is not blank, between keys and values."""
        match self._place, char:
            case "start", "{":
                self._place = "key"
            case "key", '"':
                self._value, self._in_string = char, True
            case "colon", ":":
                self._place = "value"
            case "next", ",":
                self._place = "key"
            case (("key" | "next"), "}"):
                self._place, self.ended = "end", True
            case "value", _:
                self._place, self._value = "inside", ""
                self._inside(char)
            case _:
                self.broken = True

    def _inside(self, char: str) -> None:
        """A character of a value, or the one after a number or a word."""
        if self._in_string:
            self._keep(char)
            if self._closes_string(char) and self._depth == 0:
                self._finish()
            return
        if self._depth == 0 and self._value and char in _BLANK + ",}":
            self._finish()
            self._take(char)
            return
        self._keep(char)
        if char == '"':
            self._in_string = True
        elif char in "{[":
            self._depth += 1
        elif char in "}]":
            self._depth -= 1
            if self._depth == 0:
                self._finish()
            self.broken = self._depth < 0

    def _keep(self, char: str) -> None:
        self._value += char
        if self._is_arguments and self._value[0] == "{":
            self.has_arguments = True
            self._fresh += char

    def _finish(self) -> None:
        """The value is whole."""
        self._place = "next"
        if self._key == "name" and self.name is None:
            self.name = self._text()
        elif self._is_arguments:
            if not self.has_arguments:
                self._fresh += self._text() if self._value[0] == '"' else "{}"
            self.has_arguments = self._arguments_ended = True

    @property
    def _is_arguments(self) -> bool:
        return not self._arguments_ended and self._key in ("arguments", "parameters")

    def _closes_string(self, char: str) -> bool:
        if self._escaped:
            self._escaped = False
        elif char == "\\":
            self._escaped = True
        elif char == '"':
            self._in_string = False
            return True
        return False

    def _text(self) -> str:
        """The value as text, "" where it is none."""
        try:
            value = json.loads(self._value, strict=False)
        except ValueError:
            return ""
        return value if isinstance(value, str) else ""
