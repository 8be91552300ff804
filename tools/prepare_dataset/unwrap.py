"""Hard-wrapped lines to whole paragraphs: in files that were wrapped at a column, and nowhere else.

A line goes on with the one before it where that one was full, so that the next word had no room, and
where it stands at the same indent. What its writer ended on purpose keeps its lines: headings, lists,
dialogue, verse, tables, code.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tools.prepare_dataset.edits import Edit, EditedText
from tools.prepare_dataset.hyphens import join_hyphens

_MIN_WIDTH, _MAX_WIDTH = 45, 110
_MIN_LINES = 8
_SMALL = "[a-zà-ÿ]"
# A line that begins like this is not the continuation of the one before.
_OPENERS = re.compile(
    rf"--?+(?!\s{_SMALL})|[–—](?!\s?{_SMALL})|[*•+]\s|#{{1,6}}\s|[>|]|[=~*_]{{3,}}\s*$"
    r"|CAP[IÍ]TULO\b|CHAPTER\b|(?:Cap[ií]tulo|Chapter|PARTE|Parte)\s+(?:[IVXL]+|\d+)\s*$"
)
_MARKER = re.compile(r"(?:[-*•+–]|\(?\d{1,3}[.)]|\(?[a-z]\))\s+", re.IGNORECASE)
_NUMBERED = re.compile(r"\(?(?:\d{1,3}[.)]|[a-z]\))\s")
_CLOSED = (".", ":", ";", "!", "?", "…", "»", "”", '"')
_NO_TEXT = re.compile(r"#{1,6}\s|\||[=~*_#-]{3,}\s*$")
_COLUMNS = re.compile(r"\S(?: {3,}|\t)\S")
# What commands and programs are full of: signs, and options such as `-t`.
_LIKE_CODE = re.compile(r"[={}<>$\\%#|@^&~+]| --?\w")
_DEEPEST = 8  # blanks before a paragraph's first line


@dataclass(frozen=True)
class _Layout:
    """How a file's lines stand. margin: the indent that they have in common. first_lines_indented: paragraphs begin
    with one deeper, instead of with an empty line. justified: runs of blanks fill the lines."""

    width: int
    margin: int
    first_lines_indented: bool
    justified: bool


def unwrap(edited: EditedText) -> None:
    """Join the lines of each paragraph and the words that they cut; take away the margin that all lines have."""
    lines = edited.text.split("\n")
    width = _wrap_width(lines)
    if not width:
        return
    layout = _layout(lines, width)
    edited.apply("wrapped_lines", _joins(lines, layout))
    join_hyphens(edited, edited.counts().get("wrapped_lines", 0))
    if layout.margin:
        edited.substitute("left_margin", re.compile(rf"^[ \t]{{1,{layout.margin}}}", re.MULTILINE), "")


def _wrap_width(lines: Sequence[str]) -> int:
    """The column at which a file was wrapped, 0 when it was not.

    In a wrapped file most lines that another follows in the same block end near one column.
    """
    followed = [len(line) for line, after in pairwise(lines) if after and len(line) > 20]
    if len(followed) < _MIN_LINES:
        return 0
    width = sorted(followed)[int(len(followed) * 0.95)]
    near = sum(1 for length in followed if 0.8 * width <= length <= width * 1.05)
    return width if _MIN_WIDTH <= width <= _MAX_WIDTH and near >= 0.6 * len(followed) else 0


def _layout(lines: Sequence[str], width: int) -> _Layout:
    indents = [_indent(line) if line else None for line in lines]
    counts = Counter(indent for indent in indents if indent is not None)
    count = counts.total()
    margin = min((indent for indent, share in counts.items() if share >= 0.2 * count), default=0)
    deeper = sum(share for indent, share in counts.items() if indent > margin)
    first = sum(before is not None and before > margin == after for before, after in pairwise(indents))
    filled = sum(1 for line in lines if _COLUMNS.search(line))
    return _Layout(width, margin, 4 * first >= deeper > 0, filled > 0.25 * count)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _joins(lines: Sequence[str], layout: _Layout) -> Iterator[Edit]:
    """Line ends that become blanks, with the indent after them. Words that they cut are left to `join_hyphens`."""
    paragraph = _Paragraph(layout)
    end = -1  # of the line before, where its line end stands
    fenced = False
    for line in lines:
        if line.lstrip(" ").startswith(("```", "~~~")):
            fenced = not fenced
            paragraph.end()
        elif fenced or not line:
            paragraph.end()
        else:
            indent = _indent(line)
            cut = paragraph.ends_in_hyphen
            if paragraph.takes(line, indent) and not cut:
                yield Edit(end, "\n" + line[:indent], " ")
        end += len(line) + 1


class _Paragraph:
    """The paragraph that is being read: its last line, and at which indents the next may stand."""

    def __init__(self, layout: _Layout) -> None:
        self._layout = layout
        self.end()

    def end(self) -> None:
        """An empty line, or what is no prose."""
        self._last = ""
        self._indents: Sequence[int] = ()
        self._is_list = self._runs = False

    @property
    def ends_in_hyphen(self) -> bool:
        return self._last.endswith("-") and self._last[-2:-1].isalnum()

    def takes(self, line: str, indent: int) -> bool:
        """Whether the line goes on with the paragraph; else it begins one."""
        if (
            self._runs
            and indent in self._indents
            and not self._has_room(line)
            and not self._opens(line, indent)
            and self._is_running(line, indent)
        ):
            self._last = line
            self._indents = (indent,)
            return True
        self._begin(line, indent)
        return False

    def _begin(self, line: str, indent: int) -> None:
        """Its first line, which may stand further in, or hang out by the width of a list's mark."""
        self._last = line
        mark = _MARKER.match(line, indent)
        self._is_list = mark is not None
        self._runs = self._is_running(line, indent)
        if mark:
            self._indents = (indent, mark.end())
        elif indent > self._layout.margin and self._layout.first_lines_indented:
            self._indents = range(max(0, indent - _DEEPEST), indent)
        else:
            self._indents = range(max(0, indent - _DEEPEST), indent + 1)

    def _has_room(self, line: str) -> bool:
        """The next word would have fitted: the writer ended the line on purpose."""
        first = line.split(maxsplit=1)[0]
        return len(self._last) + 1 + len(first) <= self._layout.width * 0.92

    def _opens(self, line: str, indent: int) -> bool:
        if _OPENERS.match(line, indent) or (_NUMBERED.match(line, indent) and self._last.endswith(_CLOSED)):
            return True
        return self._is_list and line.startswith(("- ", "– "), indent)

    def _is_running(self, line: str, indent: int) -> bool:
        """Whether a line is running text, not a heading, a row of columns or code."""
        if _NO_TEXT.match(line, indent) or (not self._layout.justified and _COLUMNS.search(line, indent)):
            return False
        limit = 0.08 if indent <= self._layout.margin or self._is_list else 0.03
        return len(_LIKE_CODE.findall(line)) <= limit * len(line)
