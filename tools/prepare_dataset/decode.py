"""Bytes to text: UTF-8 where it is UTF-8, else the likeliest of the encodings of older texts."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from charset_normalizer import from_bytes

from tools.prepare_dataset.readers.part import Unreadable

# What Western texts come in, besides UTF-8: Windows, old Macs, DOS. With more to choose from, the
# detector takes cp1252 for cp1250 or big5.
_LEGACY = ["cp1252", "mac_roman", "cp850"]
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig", "utf_8"),
    (codecs.BOM_UTF32_LE, "utf-32", "utf_32"),
    (codecs.BOM_UTF32_BE, "utf-32", "utf_32"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf_16"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf_16"),
)
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_COMMON = frozenset("áàâãçéêíñóôõúüÁÀÂÃÇÉÊÍÓÔÕÚ")
_LETTERS = frozenset("áàâãäåæçéèêëíìîïñóòôõöøœúùûüýÿßÁÀÂÃÄÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÕÖØŒÚÙÛÜÝ")
_MARKS = frozenset("«»“”„‘’—–…ºª°€£§·•¿¡½¼©®™\xa0\xad")
_CONTROLS = bytes(b for b in range(32) if b not in b"\t\n\r\x0b\x0c\x1a\x1b")


@dataclass(frozen=True)
class Decoded:
    """Text without its byte order mark, and the name of the encoding it was in."""

    text: str
    encoding: str
    had_bom: bool


def decode(raw: bytes) -> Decoded:
    """The text of a whole file, decided once for all of it. Raises Unreadable."""
    for bom, codec, name in _BOMS:
        if raw.startswith(bom):
            try:
                return Decoded(raw.decode(codec).removeprefix("\ufeff"), name, True)
            except UnicodeDecodeError as error:
                raise _broken(name, raw, error) from error
    if b"\0" in raw or len(raw.translate(None, _CONTROLS)) < len(raw) * 0.99:
        raise Unreadable("It is a binary file, not text.", "Export it as UTF-8 text.")
    try:
        return Decoded(raw.decode("utf-8"), "utf_8", False)
    except UnicodeDecodeError as error:
        if _mostly_utf8(raw):
            raise _broken("utf_8", raw, error) from error
    return _legacy(raw)


def _legacy(raw: bytes) -> Decoded:
    """The encoding whose reading looks most like a text; charset_normalizer judges where two look alike.

    Its own ranking goes by the frequency of letters, and is wrong on one in eight short Portuguese texts.
    """
    sample = raw[:1_000_000]
    scores = {name: _plausibility(sample.decode(name, errors="replace")) for name in _LEGACY}
    best = max(scores.values())
    likely = [name for name in _LEGACY if scores[name] == best]
    # Cyrillic or Greek read as Western is all accents.
    if best <= 0 or len(_BEYOND_ASCII.findall(sample.decode(likely[0], errors="replace"))) > 0.4 * len(sample):
        raise Unreadable("Its encoding could not be told.", "Save it as UTF-8 text.")
    if len(likely) > 1:
        found = from_bytes(raw, cp_isolation=likely).best()
        likely = [found.encoding] if found is not None and found.encoding in likely else likely
    return Decoded(raw.decode(likely[0], errors="replace"), likely[0], False)


def _plausibility(text: str) -> int:
    """How much the characters beyond ASCII look like Western prose: letters in words, marks around them."""
    score = 0
    for match in _BEYOND_ASCII.finditer(text):
        char = match.group()
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        if char in _LETTERS:
            # A capital after a small letter is another encoding's letter.
            score += -2 if char.isupper() and before.islower() else 1 + (char in _COMMON)
        elif char in _MARKS:
            inside = before.isalpha() and after.isalpha()
            score += 1 if not inside else 0 if char == "’" else -2
        else:
            score -= 2
    return score


def _mostly_utf8(raw: bytes) -> bool:
    """Whether it is UTF-8 with a few damaged bytes: another encoding's letters hardly ever form UTF-8 sequences."""
    text = raw.decode("utf-8", errors="replace")
    whole = sum(1 for c in text if ord(c) > 127 and c != "\ufffd")
    return whole > 20 * text.count("\ufffd")


def _broken(name: str, raw: bytes, error: UnicodeDecodeError) -> Unreadable:
    line = raw.count(b"\n", 0, error.start) + 1
    return Unreadable(
        f"It is {name.replace('_', '-').upper()} with damaged bytes.",
        "Save it again as UTF-8 from the program it comes from.",
        line,
    )
