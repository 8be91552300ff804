"""Lines that are still broken once whole files were judged: ftfy's guess, where the line is clearly better for it.

Of ftfy only the decoding is used (https://ftfy.readthedocs.io, `fix_encoding`): quotes, widths and
entities stay. Its guesses harm good text, hence the guards: nothing changes between ASCII characters
but what stands there, no word of the line is left as it was, two at least are words now, none is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ftfy import fix_encoding
from ftfy.badness import is_bad

from tools.prepare_dataset.edits import Edit, EditedText
from tools.prepare_dataset.evidence import fenced, is_word, quoted
from tools.prepare_dataset.plausibility import faults, tokens

_LINE = re.compile(r"[^\r\n]+")
_ASCII = re.compile(r"([\x00-\x7f])")
_MIN_WORDS = 2


def mend_leftovers(edited: EditedText) -> None:
    """Mend what is left, line by line, as one step."""
    broken = {token for token in tokens(edited.text) if faults(token)}
    if broken:
        edited.apply("mojibake_lines", list(_edits(edited.text, broken)))


def _edits(text: str, broken: set[str]) -> Iterator[Edit]:
    code = fenced(text)
    for match in _LINE.finditer(text):
        line = match.group()
        if line.isascii() or broken.isdisjoint(tokens(line)) or not is_bad(line):
            continue
        if any(start <= match.start() < end for start, end in code):
            continue
        fixed = fix_encoding(line)
        if _is_clearly_better(line, fixed):
            yield from _differences(line, fixed, match.start())


def _is_clearly_better(line: str, fixed: str) -> bool:
    before, after = tokens(line), tokens(fixed)
    words = [token for token in after - quoted(fixed) if is_word(token)]
    return (
        _ASCII.findall(line) == _ASCII.findall(fixed)
        and "\ufffd" not in fixed
        and before.keys().isdisjoint(after)
        and not any(faults(token) for token in after)
        and len(words) >= _MIN_WORDS
    )


def _differences(line: str, fixed: str, start: int) -> Iterator[Edit]:
    """The runs beyond ASCII that changed. Their ASCII characters are the same, one by one."""
    for was, now in zip(_ASCII.split(line), _ASCII.split(fixed), strict=True):
        if was != now:
            yield Edit(start, was, now)
        start += len(was)
