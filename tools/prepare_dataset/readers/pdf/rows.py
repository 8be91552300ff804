"""Words to rows: what stands on one baseline, with raised marks and large first letters put where they belong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from tools.prepare_dataset.readers.pdf.words import Word

# Letters that are words themselves in Portuguese: as a large first letter they may stand for one.
_ONE_LETTER_WORDS = frozenset("AEIOÀÉÓY")
_MARK = frozenset("0123456789*†‡§")


@dataclass(frozen=True)
class Row:
    """Words from left to right on one baseline of page number `page`, from 0."""

    words: tuple[Word, ...]
    page: int

    @cached_property
    def text(self) -> str:
        parts: list[str] = []
        for n, word in enumerate(self.words):
            before = self.words[n - 1] if n else None
            glued = before is not None and word.glued and word.left - before.right < 0.15 * word.size
            parts += (("" if n == 0 or glued else " "), word.text)
        return "".join(parts)

    @cached_property
    def left(self) -> float:
        return self.words[0].left

    @cached_property
    def right(self) -> float:
        return max(word.right for word in self.words)

    @cached_property
    def size(self) -> float:
        """The size of most of its characters."""
        sizes: Counter[float] = Counter()
        for word in self.words:
            sizes[round(2 * word.size) / 2] += len(word.text)
        return min(sizes, key=lambda size: (-sizes[size], size))

    @cached_property
    def y(self) -> float:
        return max((word for word in self.words if not word.raised), key=lambda w: len(w.text), default=self.words[0]).y

    @cached_property
    def bold(self) -> bool:
        letters = sum(len(word.text) for word in self.words)
        return sum(len(word.text) for word in self.words if word.bold) > 0.8 * letters

    @cached_property
    def gap(self) -> float:
        """The widest space between two of its words."""
        pairs = zip(self.words, self.words[1:], strict=False)
        return max((after.left - before.right for before, after in pairs), default=0.0)


def rows_of(words: Sequence[Word], page: int, known: Counter[str]) -> tuple[list[Row], Counter[str]]:
    """The rows of a page from top to bottom, and what was mended.

    known: how often each word stands in the document; it tells whether a large first letter is a word.
    """
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda w: (w.y, w.left)):
        if lines and abs(word.y - lines[-1][0].y) < 0.2 * min(word.size, lines[-1][0].size):
            lines[-1].append(word)
        else:
            lines.append([word])
    mended = Counter({"drop_caps": _lower_first_letters(lines, known)})
    _lower_marks(lines)
    rows = [Row(tuple(sorted(line, key=lambda w: w.left)), page) for line in lines if line]
    return sorted(rows, key=lambda row: row.y), +mended


def without_note_marks(row: Row) -> tuple[Row | None, list[str]]:
    """A row without the raised numbers that call notes, and these. None for a row of such marks alone."""
    kept: list[Word] = []
    marks: list[str] = []
    for n, word in enumerate(row.words):
        before = row.words[n - 1].text if n else ""
        # The square of a unit, m², is no note.
        follows_unit = before.isalpha() and len(before) < 3
        if word.raised and set(word.text.strip("()[],. ")) <= _MARK and not follows_unit:
            marks.append(word.text.strip("()[],. "))
        else:
            kept.append(word)
    return (Row(tuple(kept), row.page) if kept else None), marks


def _lower_marks(lines: list[list[Word]]) -> None:
    """Put small words that stand half a line above or below others, and touch one, into its line."""
    for index, line in enumerate(lines):
        for other in (*lines[index + 1 : index + 3], *lines[max(0, index - 2) : index]):
            if other and line and all(any(_touches(word, main) for main in other) for word in line):
                for word in line:
                    word.raised = word.y < other[0].y
                other += line
                line.clear()


def _touches(word: Word, main: Word) -> bool:
    between = word.left - main.right
    after = -0.6 * main.size < between < 0.4 * main.size
    before = -0.6 * main.size < main.left - word.right < 0.4 * main.size
    small = word.size < 0.85 * main.size
    return small and abs(word.y - main.y) < 0.65 * main.size and (after or before)


def _lower_first_letters(lines: list[list[Word]], known: Counter[str]) -> int:
    """Put a large letter that hangs over several lines before the first of these."""
    count = 0
    large = 1.8 * median(word.size for line in lines for word in line) if lines else 0.0
    for line in lines:
        for cap in [word for word in line if word.size > large and len(word.text) <= 2 and word.text[-1].isupper()]:
            first = next((w for below in lines for w in below if _hangs_over(cap, w)), None)
            if first is None:
                continue
            line.remove(cap)
            first.left = cap.left
            rest = first.text.casefold()
            apart = cap.text in _ONE_LETTER_WORDS and known[rest] > known[cap.text.casefold() + rest]
            first.text = f"{cap.text} {first.text}" if apart else cap.text + first.text
            count += 1
    return count


def _hangs_over(cap: Word, word: Word) -> bool:
    """Whether a word begins right beside the upper part of a letter at least twice its size."""
    beside = -0.2 * word.size < word.left - cap.right < 1.5 * word.size
    return beside and cap.size > 1.8 * word.size and cap.y - 0.9 * cap.size < word.y <= cap.y - 0.3 * cap.size
