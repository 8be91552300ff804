"""The one-byte encodings of older Western texts, as tables that lose nothing.

Bytes that cp1252 leaves undefined pass as the control characters of their number, as browsers and
Windows itself read them (https://encoding.spec.whatwg.org/#index-windows-1252), so that every byte
sequence has a reading and the bytes can be had back.
"""

from __future__ import annotations

import codecs
from typing import Literal

Charset = Literal["latin_1", "cp1252", "mac_roman", "cp850", "cp437"]
_NAMES: tuple[Charset, ...] = ("latin_1", "cp1252", "mac_roman", "cp850", "cp437")


def _table(name: Charset) -> str:
    chars = (bytes([byte]).decode(name, errors="ignore") or chr(byte) for byte in range(256))
    return "".join(chars)


# The characters of all 256 bytes, in their order.
TABLES: dict[Charset, str] = {name: _table(name) for name in _NAMES}


def decoded(raw: bytes, charset: Charset) -> str:
    """Text of any bytes, a character each."""
    return codecs.charmap_decode(raw, "strict", TABLES[charset])[0]
