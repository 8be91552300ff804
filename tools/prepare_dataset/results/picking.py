"""A few out of many by chance, yet the same ones each time, and whatever else is there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


def chance(*parts: str) -> int:
    """A number that depends on the parts alone, uniform over 64 bits."""
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()[:8], "big")


def some(items: Iterable[T], count: int, key: Callable[[T], str], *about: str) -> list[T]:
    """At most `count` of the items, in their order: those whose keys draw lowest.

    about: what they are for, so that they are drawn anew for each purpose.
    """
    listed = list(items)
    if len(listed) <= count:
        return listed
    drawn = sorted(range(len(listed)), key=lambda index: (chance(*about, key(listed[index])), index))
    return [listed[index] for index in sorted(drawn[:count])]


def one_of(choices: Sequence[T], *about: str) -> T:
    return choices[chance(*about) % len(choices)]
