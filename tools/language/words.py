"""The words of a text as they are compared: small letters, numbers in one form, no punctuation."""

from __future__ import annotations

import re
import unicodedata

_NUMBER = re.compile(r"\d{1,3}(?:[ .\u00a0]\d{3})+(?:,\d+)?|\d+(?:[.,]\d+)?")
_GROUPED = re.compile(r"\d{1,3}(?:[ .]\d{3})+(?:,\d+)?")
_WORD = re.compile(r"\d+(?:\.\d+)?|[^\W_]+(?:[-'’][^\W_]+)*")


def words(text: str) -> list[str]:
    """Accents stay; `1.234,5`, `1 234,5` and `1234.5` are one number."""
    folded = unicodedata.normalize("NFC", text).casefold()
    return [word.replace("’", "'") for word in _WORD.findall(_NUMBER.sub(_plain_number, folded))]


def _plain_number(match: re.Match[str]) -> str:
    text = match.group().replace("\u00a0", " ")
    if _GROUPED.fullmatch(text):
        text = text.replace(" ", "").replace(".", "")
    text = text.replace(",", ".")
    return text.rstrip("0").rstrip(".") if "." in text else text
