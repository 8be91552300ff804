"""UTF-8 that was read as an older encoding: what each character became, and the way back.

`ç` is the bytes C3 A7, which Mac Roman reads as `√ß`, Windows as `Ã§`, DOS as `├º`. A character
beyond ASCII thus became two or more, of which the first tells how many follow.
"""

from __future__ import annotations

import re
from functools import cache

from tools.prepare_dataset.charsets import TABLES, Charset

# What Western texts hold, and what misreading them once gives, so that two rounds can be followed.
_REPERTOIRE = frozenset(
    {chr(code) for code in (*range(0x80, 0x180), *range(0x2000, 0x2045), *range(0xFB00, 0xFB07))}
    | {char for table in TABLES.values() for char in table if char > "\x7f"}
    | {"\u2212", "\ufeff", "\ufffd"}
)


class Misreading:
    """UTF-8 read as `charset`. Reading as Latin-1 goes with cp1252: the two differ in characters that texts lack."""

    def __init__(self, charset: Charset) -> None:
        table = TABLES[charset]
        self.charset = charset
        self._bytes = {ord(char): byte for byte, char in enumerate(table)}
        if charset == "cp1252":
            self._bytes |= {byte: byte for byte in range(0x80, 0xA0)}
        self.sequence = re.compile(self._pattern())
        self._known: dict[str, str] = {}

    def _pattern(self) -> str:
        """A well-formed sequence of 2 to 4 bytes, told by their characters (RFC 3629, section 4)."""
        after = self._class(0x80, 0xBF)
        return "|".join(
            (
                self._class(0xC2, 0xDF) + after,
                self._class(0xE0, 0xE0) + self._class(0xA0, 0xBF) + after,
                self._class(0xE1, 0xEC) + after + after,
                self._class(0xED, 0xED) + self._class(0x80, 0x9F) + after,
                self._class(0xEE, 0xEF) + after + after,
                self._class(0xF0, 0xF0) + self._class(0x90, 0xBF) + after + after,
                self._class(0xF1, 0xF4) + after + after + after,
            )
        )

    def _class(self, first: int, last: int) -> str:
        return "[" + "".join(re.escape(chr(char)) for char, byte in self._bytes.items() if first <= byte <= last) + "]"

    def character(self, sequence: str, any_script: bool = False) -> str:
        """What a well-formed sequence was; itself where Western texts have no such character."""
        if sequence not in self._known:
            # F4 90 and beyond is well-formed to the pattern and no character.
            raw = bytes(self._bytes[ord(char)] for char in sequence)
            self._known[sequence] = raw.decode("utf-8", errors="ignore")
        found = self._known[sequence]
        return found if found in _REPERTOIRE or (any_script and len(found) == 1 and found.isprintable()) else sequence

    def strays(self, text: str) -> int:
        """How many characters beyond ASCII are no part of any misread one, of whatever script."""
        return sum(char > "\x7f" for char in self.sequence.sub(self._removed, text))

    def _removed(self, match: re.Match[str]) -> str:
        sequence = match.group()
        return sequence if self.character(sequence, any_script=True) == sequence else ""

    def undone(self, text: str) -> str:
        """A piece of text as it was before this misreading, as far as it is Western."""
        return self.sequence.sub(lambda match: self.character(match.group()), text)


@cache
def misreadings() -> tuple[Misreading, ...]:
    """All that are known, the commonest first."""
    return tuple(Misreading(charset) for charset in ("cp1252", "mac_roman", "cp850", "cp437"))
