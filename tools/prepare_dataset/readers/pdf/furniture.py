"""What repeats on page after page and is no part of the text: headers, footers, page numbers.

A line near a page's edge is a header or footer where it stands again on pages beside it, at the same
height; numbers that count the pages are disregarded, others are not. `Capítulo 1`, `Capítulo 2` at
the top of their pages are therefore headings.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import Literal

from tools.prepare_dataset.readers.pdf.rows import Row

Edge = Literal["headers", "footers"]
_ROWS = 3  # from each edge
_ZONE = 0.2  # of the page's height
_TOLERANCE = 8.0  # points
_LARGER = 1.2
_NUMBER = re.compile(r"(?<![\w.,/])(?:\d{1,4}|[ivxlc]{1,8}|[IVXLC]{1,8})(?![\w,/]|\.\d)")
# Words that go with a page's number: `Página 3 de 10`.
_BESIDE_NUMBER = frozenset({"p", "pág", "pag", "página", "pagina", "page", "de", "of"})
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}


@dataclass(frozen=True)
class _Candidate:
    """A row near an edge. rank: from the edge, 0 is the outermost. apart: points to the row further in. numbers:
    (value, start, end) in its text."""

    row: Row
    edge: Edge
    rank: int
    apart: float
    numbers: tuple[tuple[int, int, int], ...]


def without_furniture(
    pages: Sequence[Sequence[Row]], heights: Sequence[float], body: float
) -> tuple[list[list[Row]], Counter[str]]:
    """The rows of each page that are text, and how many others were left out, by what they are.

    body: the size of the running text; what is much larger is a heading, even if it repeats.
    """
    near = [found for rows, height in zip(pages, heights, strict=True) for found in _near_edges(rows, height)]
    candidates = [found for found in near if found.row.size < _LARGER * body]
    counting = _counting_numbers(candidates, len(pages))
    groups: dict[tuple[Edge, str], list[_Candidate]] = defaultdict(list)
    kinds: dict[int, str] = {}
    for found in candidates:
        bare = _without_numbers(found, counting)
        words = re.findall(r"\w+", (found.row.text if bare is None else bare).casefold())
        if bare is not None and all(word in _BESIDE_NUMBER or word.isdigit() for word in words):
            kinds[id(found.row)] = "page numbers"
        elif words:
            groups[found.edge, " ".join(words)].append(found)
    for (edge, _), group in groups.items():
        kinds.update({id(found.row): f"page {edge}" for found in _repeated(group, len(pages))})
    kinds.update([(id(found.row), f"page {found.edge}") for found in _at_their_place(candidates, kinds)])
    _keep_inner(candidates, kinds)
    kept = [[row for row in rows if id(row) not in kinds] for rows in pages]
    return kept, Counter(kinds.values())


def _near_edges(rows: Sequence[Row], height: float) -> Iterator[_Candidate]:
    edges: tuple[tuple[Edge, Sequence[Row]], ...] = (("headers", rows), ("footers", rows[::-1]))
    for edge, inward in edges:
        for rank, (row, after) in enumerate(zip_longest(inward[:_ROWS], inward[1 : _ROWS + 1])):
            if row is not None and (row.y if edge == "headers" else height - row.y) <= _ZONE * height:
                apart = abs(after.y - row.y) if after is not None else height
                yield _Candidate(row, edge, rank, apart, tuple(_numbers(row.text)))


def _numbers(text: str) -> Iterator[tuple[int, int, int]]:
    for match in _NUMBER.finditer(text):
        value = int(match[0]) if match[0].isdigit() else _roman(match[0].lower())
        if value:
            yield value, match.start(), match.end()


def _roman(letters: str) -> int:
    values = [_ROMAN[letter] for letter in letters]
    return sum(-v if n + 1 < len(values) and v < values[n + 1] else v for n, v in enumerate(values))


def _counting_numbers(candidates: Sequence[_Candidate], pages: int) -> frozenset[int]:
    """By how much the numbers that count the pages differ from the pages' places; several where counting restarts."""
    seen: dict[int, set[int]] = defaultdict(set)
    for found in candidates:
        for value, _, _ in found.numbers:
            seen[value - found.row.page].add(found.row.page)
    return frozenset(offset for offset, on in seen.items() if _longest_run(sorted(on)) >= (2 if pages <= 4 else 3))


def _longest_run(pages: Sequence[int]) -> int:
    """How many pages at most follow each other, one or two apart as left and right ones."""
    longest = run = 1
    for before, after in pairwise(pages):
        run = run + 1 if after - before <= 2 else 1
        longest = max(longest, run)
    return longest


def _without_numbers(found: _Candidate, counting: frozenset[int]) -> str | None:
    """The row's text without the numbers that count the pages; None where it has none."""
    text, cut = found.row.text, False
    for value, start, end in reversed(found.numbers):
        if value - found.row.page in counting:
            text, cut = text[:start] + text[end:], True
    return text if cut else None


def _repeated(group: Sequence[_Candidate], pages: int) -> Sequence[_Candidate]:
    """Those of a group that stand at one height on pages close to each other; two are enough in a short file."""
    heights = sorted(found.row.y for found in group)
    middle = heights[len(heights) // 2]
    level = [found for found in group if abs(found.row.y - middle) <= _TOLERANCE]
    on = sorted({found.row.page for found in level})
    return level if _longest_run(on) >= (2 if pages <= 4 else 3) else []


def _at_their_place(candidates: Sequence[_Candidate], kinds: dict[int, str]) -> Iterator[_Candidate]:
    """Outermost rows in the place and the type of many others that repeat, and apart from the text."""
    places = Counter(
        (found.edge, round(found.row.y), found.row.size)
        for found in candidates
        if found.rank == 0 and kinds.get(id(found.row), "").startswith("page ")
    )
    for found in candidates:
        near = sum(places[found.edge, round(found.row.y) + off, found.row.size] for off in (-1, 0, 1))
        if id(found.row) not in kinds and found.rank == 0 and near >= 3 and found.apart > 1.6 * found.row.size:
            yield found


def _keep_inner(candidates: Sequence[_Candidate], kinds: dict[int, str]) -> None:
    """Keep a row beyond which, toward the edge, stands text."""
    outer: dict[tuple[int, Edge], int] = {}
    for found in candidates:
        place = (found.row.page, found.edge)
        if id(found.row) not in kinds:
            outer[place] = min(found.rank, outer.get(place, found.rank))
    for found in candidates:
        if found.rank > outer.get((found.row.page, found.edge), _ROWS):
            kinds.pop(id(found.row), None)
