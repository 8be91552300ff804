"""One example under examination, and the findings of a file: gathered, not raised."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tools.errors import Problem
from tools.prepare_dataset.contract import Split
from tools.prepare_dataset.examples.positions import locate, locate_key
from tools.prepare_dataset.material import Source, Span
from tools.prepare_dataset.sources import MOST_TOLD

_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_TYPES: dict[type, str] = {dict: "an object", list: "a list", bool: "a boolean", int: "a number", float: "a number"}


@dataclass
class Findings:
    """What was found in a file.

    untold: faults beyond those spelled out. left_out: how often each key was, that holds nothing to
    learn. choices: how often each choice was made for the person, by the words that tell it.
    """

    source: Source
    problems: list[Problem] = field(default_factory=list)
    untold: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    choices: Counter[str] = field(default_factory=Counter)

    def fault(self, at: int, message: str, fix: str) -> None:
        """A fault at a character of the source's text."""
        if len(self.problems) == MOST_TOLD:
            self.untold += 1
            return
        text = self.source.text
        line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
        self.problems.append(Problem(path=self.source.name, line=line, column=column, message=message, fix=fix))


class Record:
    """An example at characters `start` to `end` of a source, which begins on `line`."""

    def __init__(self, findings: Findings, start: int, end: int, line: int, fixed: Split | None) -> None:
        self.findings, self.start, self.end, self.line, self.fixed = findings, start, end, line, fixed
        self.sound = True

    def fault(self, message: str, fix: str, *path: str | int) -> None:
        """Something is wrong with the value at `path` of the example."""
        self._fault(message, fix, path, locate)

    def fault_of_key(self, message: str, fix: str, *path: str | int) -> None:
        """Something is wrong with the key at the end of `path`."""
        self._fault(message, fix, path, locate_key)

    def _fault(self, message: str, fix: str, path: tuple[str | int, ...], find: Any) -> None:
        self.sound = False
        told = len(self.findings.problems) < MOST_TOLD
        at = find(self.findings.source.text, self.start, path) if told else self.start
        self.findings.fault(at, message, fix)

    def span(self, content: object) -> Span:
        """Its place. The document is the example's content: the same wherever it stands in the file."""
        identity = json.dumps(content, ensure_ascii=False, sort_keys=True)
        key = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        name = self.findings.source.name
        return Span(name, "examples", f"{name}#{key}", f"line {self.line}", self.start, self.end, self.fixed)

    def text(
        self, content: Mapping[str, Any], key: str, *path: str | int, called: str = "", may_be_empty: bool = False
    ) -> str:
        """The text under `key` of the object at `path`; "" and a fault where it is none."""
        value = content.get(key)
        called = called or f"`{key}`"
        place = (*path, key)
        if not isinstance(value, str):
            self.fault(f"{called} is {type_of(value)}.", "Make it a text.", *place)
            return ""
        if _NO_TEXT.search(value):
            self.fault(f"{called} holds characters that are no text.", "Remove the null or broken characters.", *place)
        elif not value.strip() and not may_be_empty:
            self.fault(f"{called} is empty.", "Fill it, or remove the example.", *place)
        return value


def type_of(value: object) -> str:
    """The type of a JSON value, for messages."""
    return "null" if value is None else _TYPES.get(type(value), "a text")
