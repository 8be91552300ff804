"""Bytes to text: UTF-8 where it is UTF-8, else the likeliest of the encodings of older texts."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from tools.prepare_dataset.charsets import Charset, decoded
from tools.prepare_dataset.plausibility import score, tokens
from tools.prepare_dataset.readers.part import Unreadable

# What Western texts come in, besides UTF-8: Windows, old Macs, DOS, old Unix. Where two read alike,
# the first is meant.
_LEGACY: tuple[Charset, ...] = ("cp1252", "mac_roman", "cp850", "latin_1")
_ENOUGH = 5000  # words beyond ASCII tell the encoding of any file
_AROUND = 500_000  # bytes before and after the first that is no UTF-8
_BOMS = (
    (codecs.BOM_UTF8, "utf-8", "utf_8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "utf_32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "utf_32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "utf_16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "utf_16"),
)
_HIGH = bytes(range(128, 256))
_CONTROLS = bytes(b for b in range(32) if b not in b"\b\t\n\r\x0b\x0c\x1a\x1b")
_UTF8 = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)


@dataclass(frozen=True)
class Decoded:
    """Text without its byte order mark, and the name of the encoding it was in.

    rival: another encoding that was nearly as likely and gives another text; "" where none was.
    """

    text: str
    encoding: str
    had_bom: bool
    rival: str = ""


def decode(raw: bytes) -> Decoded:
    """The text of a whole file, decided once for all of it. Raises Unreadable."""
    for bom, codec, name in _BOMS:
        if raw.startswith(bom):
            return Decoded(_strictly(raw[len(bom) :], codec, name), name, True)
    if b"\0" in raw:
        return _wide(raw)
    if len(raw.translate(None, _CONTROLS)) < len(raw) * 0.99:
        raise _binary()
    try:
        return Decoded(raw.decode("utf-8"), "utf_8", False)
    except UnicodeDecodeError as error:
        if _mostly_utf8(raw[max(0, error.start - _AROUND) : error.start + _AROUND]):
            _strictly(raw, "utf-8", "utf_8")
    return _legacy(raw)


def _strictly(raw: bytes, codec: str, name: str) -> str:
    try:
        return raw.decode(codec)
    except UnicodeDecodeError as error:
        line = raw[: error.start].decode(codec, errors="ignore").count("\n") + 1
        raise Unreadable(
            f"It is {name.replace('_', '-').upper()} with damaged bytes.",
            "Save it again as UTF-8 from the program it comes from.",
            line,
        ) from error


def _binary() -> Unreadable:
    return Unreadable("It is a binary file, not text.", "Export it as UTF-8 text.")


def _wide(raw: bytes) -> Decoded:
    """UTF-16 or UTF-32 without a mark: the zeros stand where Western letters have them, and nowhere else."""
    zeros = [raw[place::4].count(0) / (len(raw[place::4]) or 1) for place in range(4)]
    high = [share > 0.6 for share in zeros]
    for codec, pattern in (
        ("utf_16_le", [False, True, False, True]),
        ("utf_16_be", [True, False, True, False]),
        ("utf_32_le", [False, True, True, True]),
        ("utf_32_be", [True, True, True, False]),
    ):
        # A letter beyond U+00FF has no zero; a zero in a letter's own place is no text.
        if high == pattern and all(share == 0 for share, is_high in zip(zeros, pattern, strict=True) if not is_high):
            text = _strictly(raw, codec, codec[:6])
            if sum(text.count(chr(control)) for control in _CONTROLS) <= len(text) * 0.01:
                return Decoded(text, codec, False)
    raise _binary()


def _mostly_utf8(raw: bytes) -> bool:
    """Whether it is UTF-8 with a few damaged bytes: another encoding's letters hardly ever form UTF-8 sequences."""
    found = _UTF8.findall(raw)
    damaged = len(raw) - len(raw.translate(None, _HIGH)) - sum(map(len, found))
    return len(found) > 20 * damaged


def _legacy(raw: bytes) -> Decoded:
    """The encoding whose reading looks most like a text."""
    # Latin-1 gives each byte the character of its number, so that tokens can be read anew.
    found = [(token.encode("latin-1"), count) for token, count in tokens(raw.decode("latin-1"), _ENOUGH).items()]
    readings = {name: {token: decoded(token, name) for token, _ in found} for name in _LEGACY}
    scores = {name: sum(score(readings[name][token]) * count for token, count in found) for name in _LEGACY}
    best = max(_LEGACY, key=lambda name: scores[name])
    # Cyrillic or Greek read as Western is all accents. One or two odd words tell nothing.
    high = len(raw) - len(raw.translate(None, _HIGH))
    unlike_text = len(found) > 2 and scores[best] < 0.75 * sum(count for _, count in found)
    if unlike_text or high > 0.4 * len(raw):
        raise Unreadable("Its encoding could not be told.", "Save it as UTF-8 text.")
    rivals = [name for name in _LEGACY if _is_near(readings[best], readings[name], dict(found))]
    return Decoded(decoded(raw, best), best, False, max(rivals, key=lambda name: scores[name], default=""))


def _is_near(best: dict[bytes, str], other: dict[bytes, str], counts: dict[bytes, int]) -> bool:
    """Whether another reading is nearly as good where the two differ."""
    differing = [token for token in counts if best[token] != other[token]]
    if not differing:
        return False
    of_best = sum(score(best[token]) * counts[token] for token in differing)
    return sum(score(other[token]) * counts[token] for token in differing) > min(0.8 * of_best, of_best - 1)
