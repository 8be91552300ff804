"""Where a quote stands in a passage, however its blanks, case, quotation marks and dashes are written."""

from __future__ import annotations

import re
import unicodedata

_TOKEN = re.compile(r"\w+|\.\.\.|[^\w\s]")
_MARKS = "«»“”„\"'’‘‹›"
_DASHES = "-–—‐‑−"


def find_quote(passage: str, quote: str) -> tuple[int, int] | None:
    """The characters of the passage that a quote copies, None when it does not stand there. Accents count."""
    found = list(_TOKEN.finditer(unicodedata.normalize("NFC", quote.replace("…", "..."))))
    if not found:
        return None
    pattern = ""
    for before, token in zip([None, *found], found, strict=False):
        if before is not None:
            loose = before.group() in _MARKS + _DASHES or token.group() in _MARKS + _DASHES
            apart = before.end() < token.start()
            pattern += r"\s*" if loose else r"\s+" if apart else ""
        pattern += _form(token.group())
    edges = (r"(?<!\w)" if found[0].group().isalnum() else "", r"(?!\w)" if found[-1].group().isalnum() else "")
    match = re.search(pattern.join(edges), passage, re.IGNORECASE)
    return match.span() if match else None


def _form(token: str) -> str:
    if token in _MARKS:
        return f"[{re.escape(_MARKS)}]"
    if token in _DASHES:
        return f"[{re.escape(_DASHES)}]"
    return r"(?:\.\.\.|…)" if token == "..." else re.escape(token)
