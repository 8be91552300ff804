"""Mend what typesetting left in a text: line ends, hyphens, hard wraps, decomposed letters. Each mend is counted."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_ZERO_WIDTH = re.compile("[\u200b\u2060\ufeff]")
_SOFT_HYPHEN = re.compile("\u00ad\n?")
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


def repair_lines(text: str) -> tuple[str, dict[str, int]]:
    """For tables and examples, whose lines mean something: line ends and decomposed letters alone."""
    counts: Counter[str] = Counter()
    text = _counted(text, "\r\n", "\n", "line_ends", counts)
    return _composed(text, counts), dict(counts)


def repair_table(text: str) -> tuple[str, dict[str, int]]:
    """As `repair_lines`, and the lone carriage returns of old Macs."""
    text, counts = repair_lines(text)
    lone = text.count("\r")
    if lone:
        counts["line_ends"] = counts.get("line_ends", 0) + lone
    return text.replace("\r", "\n"), counts


def repair_prose(text: str) -> tuple[str, dict[str, int]]:
    """The text with its paragraphs whole, and how often each mend was made.

    Hard-wrapped lines are joined only in files that were wrapped at a fixed width; verse, lists and
    headings keep their lines.
    """
    counts: Counter[str] = Counter()
    text = _substituted(text, _NEWLINES, "\n", "line_ends", counts)
    text = _substituted(text, _ZERO_WIDTH, "", "invisible_characters", counts)
    text = _substituted(text, _SOFT_HYPHEN, "", "soft_hyphens", counts)
    text = _composed(text, counts)
    text = "\n".join(line.rstrip(" \t") for line in text.split("\n"))
    width = _wrap_width(text)
    if width:
        text = _join_hyphens(text, counts)
        text = _unwrap(text, width, counts)
    return text, dict(counts)


def _counted(text: str, old: str, new: str, name: str, counts: Counter[str]) -> str:
    found = text.count(old)
    if found:
        counts[name] += found
    return text.replace(old, new) if found else text


def _substituted(text: str, pattern: re.Pattern[str], new: str, name: str, counts: Counter[str]) -> str:
    text, found = pattern.subn(new, text)
    if found:
        counts[name] += found
    return text


def _composed(text: str, counts: Counter[str]) -> str:
    if unicodedata.is_normalized("NFC", text):
        return text
    composed = unicodedata.normalize("NFC", text)
    counts["decomposed_letters"] += max(1, len(text) - len(composed))
    return composed


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


def _join_hyphens(text: str, counts: Counter[str]) -> str:
    """Words cut at a line's end. The hyphen stays where the word has one elsewhere in the text, before a
    pronoun, and where the next line repeats it, as Portuguese does; the break goes in any case."""
    words = Counter(re.findall(r"\w+(?:-\w+)*", text.casefold()))

    def join(match: re.Match[str]) -> str:
        left, repeated, right = match.groups()
        if left[-1].isdigit() or right[0].isdigit() or right[0].isupper():
            return match.group()
        counts["line_end_hyphens"] += 1
        keep = bool(repeated) or _is_compound(left.casefold(), right.casefold(), words)
        return f"{left}-{right}" if keep else left + right

    return _HYPHENATED.sub(join, text)


def _is_compound(left: str, right: str, words: Counter[str]) -> bool:
    whole, hyphened = words[left + right], words[f"{left}-{right}"]
    if whole or hyphened:
        return hyphened > whole
    both_words = len(left) > 2 and len(right) > 2 and words[left] > 0 and words[right] > 1
    return right in _COMPOUNDS or both_words or (right in _CLITICS and len(left) > 2)


def _unwrap(text: str, width: int, counts: Counter[str]) -> str:
    lines = text.split("\n")
    joined = [lines[0]]
    last = lines[0]  # the line as it was wrapped, before what it was joined to
    for line in lines[1:]:
        if last and line and _continues(last, line, width):
            joined[-1] += " " + line
            counts["wrapped_lines"] += 1
        else:
            joined.append(line)
        last = line
    return "\n".join(joined)


def _continues(before: str, line: str, width: int) -> bool:
    if _OPENERS.match(line) or (_NUMBERED.match(line) and before[-1] in ".:;!?…"):
        return False
    # The next word would have fitted: the writer ended the line on purpose.
    first = line.split(" ", 1)[0]
    room = len(before) + 1 + len(first) <= width * 0.92
    return not room and not before.startswith(("#", "|"))
