"""The lines of a paragraph as one text: words cut at a line's end made whole."""

from __future__ import annotations

import re
from collections import Counter

from tools.prepare_dataset.hyphens import rejoined
from tools.prepare_dataset.readers.pdf.paragraphs import Paragraph

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
        if rejoined(cut[1], rest[1], rest[2], known) == cut[1] + rest[2]:
            texts[n] = texts[n][:-1]
        texts[n + 1] = texts[n + 1][len(rest[1]) :]
        joins["line_end_hyphens"] += 1
    return texts
