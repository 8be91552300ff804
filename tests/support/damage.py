"""Text as wrong decoding leaves it, for tests of its mending."""

from __future__ import annotations

from tools.prepare_dataset.charsets import TABLES, Charset, decoded


def misread(text: str, *charsets: Charset) -> str:
    """UTF-8 read as `charsets`, one round for each; undefined bytes pass as control characters."""
    for charset in charsets:
        text = decoded(text.encode("utf-8"), charset)
    return text


def swapped(text: str, was: Charset, read_as: Charset) -> str:
    """Bytes of `was` read as `read_as`. Raises KeyError for a character that `was` has not."""
    number = {char: byte for byte, char in enumerate(TABLES[was])}
    return decoded(bytes(number[char] for char in text), read_as)
