"""Mend what typesetting left in a text: line ends, hyphens, hard wraps, decomposed letters. Each mend is counted."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from tools.prepare_dataset.edits import Edit, EditedText

_ZERO_WIDTH = re.compile("[\u200b\u2060\ufeff]")
_SOFT_HYPHEN = re.compile("\u00ad\n?")
# A letter or digit with the marks that belong to it.
_DECOMPOSED = re.compile(r"[^\W_][\u0300-\u036f]+")
_TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)
_WINDOWS_LINE_END = re.compile("\r\n")
_LINE_END = re.compile("\r\n?")
_NEWLINES = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_HYPHENATED = re.compile(r"(?<!\w)(\w{1,60})-\n(-?)(\w{1,60})")
# What Portuguese hangs on a verb with a hyphen that is there to stay.
_CLITICS = frozenset(
    {"me", "te", "se", "lhe", "lhes", "nos", "vos", "o", "a", "os", "as", "lo", "la", "los", "las", "no", "na"}
    | {"mo", "ma", "mos", "mas", "to", "ta", "tos", "tas", "lho", "lha", "lhos", "lhas"}
)
# Second halves that hardly ever end a simple word.
_COMPOUNDS = frozenset({"feira", "feiras", "redes", "chuva", "chuvas", "roupa", "roupas", "marinho"})
# A line that begins like this is not the continuation of the one before.
_OPENERS = re.compile(
    r"\s|[-–—](?!\s(?-i:[a-zà-ÿ]))|[*•+>#|=~]|CAP[IÍ]TULO\b|CHAPTER\b|PARTE\s+([IVXL]+|\d+)\b", re.IGNORECASE
)
_NUMBERED = re.compile(r"\d{1,3}[.)]\s|[a-z]\)\s")
_MIN_WIDTH, _MAX_WIDTH = 45, 110


def repair_lines(edited: EditedText) -> None:
    """For tables and examples, whose lines mean something: line ends and decomposed letters alone."""
    edited.substitute("line_ends", _WINDOWS_LINE_END, "\n")
    edited.substitute("decomposed_letters", _DECOMPOSED, _composed)


def repair_table(edited: EditedText) -> None:
    """As `repair_lines`, and the lone carriage returns of old Macs."""
    edited.substitute("line_ends", _LINE_END, "\n")
    edited.substitute("decomposed_letters", _DECOMPOSED, _composed)


def repair_prose(edited: EditedText, *, whole_lines: bool = False) -> None:
    """Make the paragraphs whole.

    Hard-wrapped lines are joined only in files that were wrapped at a fixed width; verse, lists and
    headings keep their lines. whole_lines: nothing was wrapped, see `Part`.
    """
    edited.substitute("line_ends", _NEWLINES, "\n")
    edited.substitute("invisible_characters", _ZERO_WIDTH, "")
    edited.substitute("soft_hyphens", _SOFT_HYPHEN, "")
    edited.substitute("decomposed_letters", _DECOMPOSED, _composed)
    edited.substitute("trailing_blanks", _TRAILING, "")
    width = 0 if whole_lines else _wrap_width(edited.text)
    if width:
        _join_hyphens(edited)
        _unwrap(edited, width)


def _composed(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFC", match.group())


def _wrap_width(text: str) -> int:
    """The column at which a file was wrapped, 0 when it was not.

    In a wrapped file most lines that another follows in the same block end near one column.
    """
    followed = [
        len(line)
        for block in re.split(r"\n{2,}", text)
        if "\n" in block
        for line in block.split("\n")[:-1]
        if len(line) > 20
    ]
    if len(followed) < 8:
        return 0
    width = sorted(followed)[int(len(followed) * 0.95)]
    near = sum(1 for length in followed if 0.8 * width <= length <= width * 1.05)
    return width if _MIN_WIDTH <= width <= _MAX_WIDTH and near >= 0.6 * len(followed) else 0


def _join_hyphens(edited: EditedText) -> None:
    """Words cut at a line's end. The hyphen stays where the word has one elsewhere in the text, before a
    pronoun, and where the next line repeats it, as Portuguese does; the break goes in any case."""
    words = word_counts(edited.text)

    def join(match: re.Match[str]) -> str:
        return rejoined(*match.groups(), words) or match.group()

    edited.substitute("line_end_hyphens", _HYPHENATED, join)


def word_counts(text: str) -> Counter[str]:
    """How often each word stands in a text, small; words with hyphens count whole."""
    return Counter(re.findall(r"\w+(?:-\w+)*", text.casefold()))


def rejoined(left: str, repeated: str, right: str, words: Counter[str]) -> str | None:
    """The word that a line's end cut after `left-`; None where it may be none.

    repeated: the hyphen that the next line begins with, or "". words: see `word_counts`.
    """
    if left[-1].isdigit() or right[0].isdigit() or right[0].isupper():
        return None
    keep = bool(repeated) or _is_compound(left.casefold(), right.casefold(), words)
    return f"{left}-{right}" if keep else left + right


def _is_compound(left: str, right: str, words: Counter[str]) -> bool:
    whole, hyphened = words[left + right], words[f"{left}-{right}"]
    if whole or hyphened:
        return hyphened > whole
    both_words = len(left) > 2 and len(right) > 2 and words[left] > 0 and words[right] > 1
    return right in _COMPOUNDS or both_words or (right in _CLITICS and len(left) > 2)


def _unwrap(edited: EditedText, width: int) -> None:
    edits = []
    end = -1  # of the line before, where its line end stands
    before = ""
    for line in edited.text.split("\n"):
        if before and line and _continues(before, line, width):
            edits.append(Edit(end, "\n", " "))
        before = line
        end += len(line) + 1
    edited.apply("wrapped_lines", edits)


def _continues(before: str, line: str, width: int) -> bool:
    if _OPENERS.match(line) or (_NUMBERED.match(line) and before[-1] in ".:;!?…"):
        return False
    # The next word would have fitted: the writer ended the line on purpose.
    first = line.split(" ", 1)[0]
    room = len(before) + 1 + len(first) <= width * 0.92
    return not room and not before.startswith(("#", "|"))
