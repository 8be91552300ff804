"""Bytes of one older encoding that were read as another: `não` as `n„o`, `nÒo` or `n‹o`.

A character became one other, so that nothing tells it but the words: a file is mended as a whole,
where about half of its words beyond ASCII cannot stand as they are and hardly one is wrong once
mended. Latin-1 in name that was cp1252 in truth shows as control characters.
"""

from __future__ import annotations

import re
from collections import Counter

from tools.prepare_dataset.charsets import TABLES, Charset
from tools.prepare_dataset.edits import EditedText
from tools.prepare_dataset.evidence import is_sure
from tools.prepare_dataset.plausibility import faults, is_known, score, tokens

_PAIRS: tuple[tuple[Charset, Charset], ...] = (
    ("cp1252", "mac_roman"),
    ("mac_roman", "cp1252"),
    ("cp1252", "cp850"),
    ("cp850", "cp1252"),
    ("mac_roman", "cp850"),
    ("cp850", "mac_roman"),
)
_SAMPLE = 5000
_MIN_TOKENS = 10
_MIN_KNOWN = 3
# cp1252 where Latin-1 has control characters, and where it has none.
_CONTROLS = {chr(byte): char for byte, char in enumerate(TABLES["cp1252"]) if 0x80 <= byte < 0xA0 and char != chr(byte)}


def mend_swapped(edited: EditedText, counts: Counter[str]) -> None:
    """Read the bytes anew where the words are sure about it, as a step named after both encodings.

    counts: the text's tokens beyond ASCII.
    """
    sample = Counter(dict(counts.most_common(_SAMPLE)))
    wrong = sum(count for token, count in sample.items() if faults(token))
    if sample.total() >= _MIN_TOKENS and wrong >= 0.4 * sample.total():
        found = [(_gain(sample, mapped), mapped, pair) for pair in _PAIRS if (mapped := _mapping(*pair))]
        gain, mapped, (was, read_as) = max(found, key=lambda one: one[0])
        if gain > 0:
            _rewrite(edited, f"mojibake_{was}_as_{read_as}", mapped)
    _mend_controls(edited)


def _mapping(was: Charset, read_as: Charset) -> dict[str, str]:
    """What each character was, by the one that it became; all that `read_as` has beyond ASCII."""
    mapped = {TABLES[read_as][byte]: TABLES[was][byte] for byte in range(0x80, 0x100)}
    if read_as == "cp1252":
        mapped |= {chr(byte): TABLES[was][byte] for byte in range(0x80, 0xA0)}
    return mapped


def _gain(sample: Counter[str], mapped: dict[str, str]) -> int:
    """How much better the tokens are once mapped; 0 where it is not sure."""
    table = str.maketrans(mapped)
    total = sample.total()
    strays = wrong = sure = gain = 0
    known = set()
    for token, count in sample.items():
        mended = token.translate(table)
        strays += count * any(char > "\x7f" and char not in mapped for char in token)
        wrong += count * (faults(mended) > 0)
        sure += count * is_sure(token, mended)
        gain += count * (score(mended) - score(token))
        if is_known(mended) and not is_known(token):
            known.add(mended)
    enough = sure >= 0.3 * total and len(known) >= _MIN_KNOWN
    return gain if enough and strays <= 0.02 * total and wrong <= 0.02 * total else 0


def _mend_controls(edited: EditedText) -> None:
    # Alone, U+0085 is a line's end.
    if not re.search("[\x80-\x84\x86-\x9f]", edited.text):
        return
    table = str.maketrans(_CONTROLS)
    concerned = [token for token in tokens(edited.text) if any(char in _CONTROLS for char in token)]
    better = sum(not faults(token.translate(table)) for token in concerned)
    if better > 0.9 * len(concerned):
        _rewrite(edited, "mojibake_cp1252_as_latin_1", _CONTROLS)


def _rewrite(edited: EditedText, name: str, mapped: dict[str, str]) -> None:
    changed = "".join(re.escape(char) for char, was in mapped.items() if char != was)
    edited.substitute(name, re.compile(f"[{changed}]"), lambda match: mapped[match.group()])
