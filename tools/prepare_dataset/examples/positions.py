"""Where a value or a key stands in the text of a JSON value that is whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from json import JSONDecoder
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import NamedTuple

Path = tuple[str | int, ...]

_BLANKS = re.compile(r"[ \t\n\r]*")
# Takes repeated keys and `NaN` too: they are looked for here.
_DECODER = JSONDecoder(strict=False)


class Member(NamedTuple):
    """A member of an object or list: its key or number, and where key, value and the value's end stand."""

    key: str | int
    key_at: int
    at: int
    end: int


def skip_blanks(text: str, at: int) -> int:
    """The first character from `at` that is no blank of JSON."""
    match = _BLANKS.match(text, at)
    return match.end() if match else at


def members(text: str, at: int) -> Iterator[Member]:
    """The members of the object or list at `at`, whose JSON must be whole. Nothing for a plain value."""
    is_object = text[at] == "{"
    if not is_object and text[at] != "[":
        return
    number = 0
    at = skip_blanks(text, at + 1)
    while text[at] not in "]}":
        key: str | int = number
        key_at = at
        if is_object:
            key, at = scanstring(text, at + 1, False)
            at = skip_blanks(text, skip_blanks(text, at) + 1)
        _, end = _DECODER.raw_decode(text, at)
        yield Member(key, key_at, at, end)
        number += 1
        at = skip_blanks(text, end)
        if text[at] == ",":
            at = skip_blanks(text, at + 1)


def locate(text: str, at: int, path: Path) -> int:
    """Where the value at `path` starts in the value at `at`; where its path ends, the nearest that is there."""
    for step in path:
        found = next((member for member in members(text, at) if member.key == step), None)
        if found is None:
            return at
        at = found.at
    return at


def locate_key(text: str, at: int, path: Path) -> int:
    """Where the key at the end of `path` stands; the value that should hold it, where there is no such key."""
    at = locate(text, at, path[:-1])
    return next((member.key_at for member in members(text, at) if member.key == path[-1]), at)


def repeated_key(text: str, at: int) -> tuple[str, int] | None:
    """The first key that an object in the value at `at` has twice, and where it stands again."""
    seen: set[str | int] = set()
    for member in members(text, at):
        if member.key in seen:
            return str(member.key), member.key_at
        seen.add(member.key)
        inner = repeated_key(text, member.at)
        if inner is not None:
            return inner
    return None
