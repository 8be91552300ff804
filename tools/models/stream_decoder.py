"""Token ids to text as they are generated: whole characters only, none lost, spaces kept."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence
from functools import cache

_REPLACEMENT = "�"
# The longest UTF-8 character, in tokens of one byte: what still ends in half a character after these is broken.
_PATIENCE = 4


@cache
def byte_of_char() -> dict[str, int]:
    """The byte that each character of a byte-level vocabulary stands for (GPT-2's table)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    table = {chr(byte): byte for byte in printable}
    others = (byte for byte in range(256) if byte not in set(printable))
    table.update({chr(256 + n): byte for n, byte in enumerate(others)})
    return table


def bytes_of_token(token: str) -> bytes:
    """The bytes that a token of a byte-level vocabulary stands for; added tokens stand for themselves."""
    table = byte_of_char()
    try:
        return bytes(table[char] for char in token)
    except KeyError:
        return token.encode("utf-8")


class StreamDecoder:
    """Feed ids one at a time; each call returns the text that became certain.

    The pieces joined are what decoding all ids at once gives. Use one for each answer.

    token_bytes: bytes of a token (b"" for those not shown), for byte-level vocabularies; without it
    `decode` is asked for a short window of ids. context: the last ids of the prompt, so that an
    answer that goes on a text begins with its space.
    """

    def __init__(
        self,
        decode: Callable[[Sequence[int]], str],
        token_bytes: Callable[[int], bytes] | None = None,
        context: Sequence[int] = (),
    ) -> None:
        self._decode = decode
        self._token_bytes = token_bytes
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._window = list(context[-8:])
        self._told = len(self._window)  # ids of the window whose text was returned

    def add(self, token_id: int) -> str:
        """The text that this id completes, often empty."""
        if self._token_bytes is not None:
            return self._utf8.decode(self._token_bytes(token_id))
        self._window.append(token_id)
        fresh = self._fresh()
        if fresh.endswith(_REPLACEMENT) and len(self._window) - self._told < _PATIENCE:
            return ""
        return self._take(fresh) if fresh else ""

    def finish(self) -> str:
        """What was held back; half a character comes out as U+FFFD."""
        if self._token_bytes is not None:
            return self._utf8.decode(b"", final=True)
        return self._take(self._fresh())

    def _fresh(self) -> str:
        before = self._decode(self._window[: self._told])
        return self._decode(self._window)[len(before) :]

    def _take(self, fresh: str) -> str:
        # What was just told is the context of what comes: decoders treat the first token apart.
        self._window = self._window[self._told :]
        self._told = len(self._window)
        return fresh
