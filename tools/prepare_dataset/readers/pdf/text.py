"""The lines of a paragraph as one text: words cut at a line's end made whole."""

from __future__ import annotations

import re
from collections import Counter

from tools.prepare_dataset.readers.pdf.paragraphs import Paragraph
from tools.prepare_dataset.hyphens import rejoined

_CUT = re.compile(r"(?<!\w)(\w{1,60})-$")
_REST = re.compile(r"(-?)(\w{1,60})")


def line_texts(paragraph: Paragraph, known: Counter[str], joins: Counter[str]) -> list[str]:
    """What each line adds to the paragraph's text, blanks between lines included. joins: counts what was joined.

    known: how often each word stands in the document.
    """
    texts = [row.text for row in paragraph.rows]
    for n in range(len(texts) - 1):
        cut, rest = _CUT.search(texts[n]), _REST.match(texts[n + 1])
        if cut is None or rest is None:
            texts[n] += " "
            joins["wrapped_lines"] += not paragraph.level
            continue
        if not _keeps_hyphen(cut[1], rest[1], rest[2], known):
            texts[n] = texts[n][:-1]
        texts[n + 1] = texts[n + 1][len(rest[1]) :]
        joins["line_end_hyphens"] += 1
    return texts


def _keeps_hyphen(left: str, repeated: str, right: str, known: Counter[str]) -> bool:
    """As `rejoined` tells; before a capital or a number it stays, but within a word of capitals alone."""
    if left.isupper() and right.isupper() and len(left) > 1:
        left, right = left.lower(), right.lower()
    return rejoined(left, repeated, right, known) != left + right
