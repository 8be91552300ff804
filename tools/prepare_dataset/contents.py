"""The table of contents of a book: a list of its headings, which is no text to learn and makes no chapters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.prepare_dataset.headings import at_blocks, named_label

_TITLE = re.compile(
    r"^[ \t]*#{0,6}[ \t]*[*_]{0,3}(?:[ÍI]NDICE(?: GERAL| DE CAP[ÍI]TULOS)?|SUM[ÁA]RIO|CONTE[ÚU]DOS?"
    r"|TABLE OF CONTENTS|CONTENTS)[ \t]*[.:]?[*_]{0,3}[ \t]*$\n?(?:[ \t]*[-=]{3,}[ \t]*$)?",
    re.MULTILINE | re.IGNORECASE,
)
_LEADER = re.compile(r"(?:[ \t]*\.){2,}[ \t]*\S{0,6}$|…+[ \t]*\S{0,6}$|(?:\t|[ \t]{2,})(?:\d{1,4}|[ivxlc]{1,6})$")
_NUMBERED = re.compile(r"(?:\d{1,3}(?:\.\d{1,3})*[.)]?|[IVXLC]{1,7}[.)]?)(?:[ \t]*[-–—])?[ \t]+\S")
_LINK = re.compile(r"[-*+]?[ \t]*(?:\d+\.)?[ \t]*\[.+\]\(#")
_WORDS = re.compile(r"\w+")
_LONGEST = 120
_FEWEST = 3


def find_contents(text: str) -> tuple[int, int] | None:
    """Where the table of contents starts and ends, its title included; None without one."""
    for match in at_blocks(_TITLE, text):
        end = _Entries(text, match.end()).end()
        if end is not None:
            return match.start(), end
    return None


class _Entries:
    """The lines after a table's title, as far as they are entries of it."""

    def __init__(self, text: str, start: int) -> None:
        self._text, self._start = text, start

    def end(self) -> int | None:
        """Where the last entry ends; None where there are too few for a table."""
        entries: list[tuple[int, str]] = []  # end of the line, its title
        seen: set[str] = set()
        indent = -1
        repeated = False
        for end, line in self._lines():
            if len(line) > 2 * _LONGEST:
                break
            name = _normal(line)
            label = named_label(line.strip())
            if not name or name in seen:
                repeated = bool(name)
                break
            second_line = bool(entries) and _indent(line) > indent and len(line) <= _LONGEST
            if self._looks_so(line) or label is not None or (not second_line and self._is_heading(line, end)):
                seen.update((name, _normal(label or name)))
                indent = _indent(line)
            elif not second_line:
                break
            entries.append((end, name))
        # The last may be the heading of the text that follows.
        if entries and not repeated and not self._recurs(*entries[-1]) and not self._has_leader(entries[-1][0]):
            entries.pop()
        return entries[-1][0] if len(entries) >= _FEWEST else None

    def _lines(self) -> Iterator[tuple[int, str]]:
        at = self._start
        while at < len(self._text):
            end = self._text.find("\n", at)
            end = len(self._text) if end < 0 else end
            if self._text[at:end].strip():
                yield end, self._text[at:end]
            at = end + 1

    def _looks_so(self, line: str) -> bool:
        bare = line.strip()
        return len(bare) <= _LONGEST and any((_LEADER.search(bare), _LINK.match(bare), _NUMBERED.match(bare)))

    def _is_heading(self, line: str, end: int) -> bool:
        """Whether a line stands further down too, like a heading."""
        return len(line) <= _LONGEST and line.rstrip()[-1] not in ".;:," and self._recurs(end, _normal(line))

    def _recurs(self, end: int, name: str) -> bool:
        """Whether a title is a line of the text that follows."""
        words = r"[^\w\n]+".join(map(re.escape, name.split()))
        line = re.compile(rf"\n[^\w\n]*{words}[^\w\n]*$", re.MULTILINE | re.IGNORECASE)
        return bool(words) and line.search(self._text, end) is not None

    def _has_leader(self, end: int) -> bool:
        line = self._text[self._text.rfind("\n", 0, end) + 1 : end]
        return _LEADER.search(line.strip()) is not None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _normal(line: str) -> str:
    """A heading without its marks, page and punctuation."""
    bare = line.strip("#*_ \t")
    if "  " in bare or "\t" in bare or ".." in bare or ". ." in bare or "…" in bare:
        bare = _LEADER.sub("", bare)
    return " ".join(_WORDS.findall(bare.casefold()))
