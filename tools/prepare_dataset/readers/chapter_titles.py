"""Headings of a book brought in line with its table of contents.

Books mark their chapters in many ways: any level of heading, paragraphs that only look like one, or
nothing. Where the table of contents leads, a heading of its depth stands afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tools.prepare_dataset.readers.flow import Block, titled
from tools.prepare_dataset.readers.front_matter import folded
from tools.prepare_dataset.readers.package import Entry

_LOOKED_AT = 4  # blocks from where an entry leads
_MOST_LINES = 3  # of a heading
_LINE = 150
_DEEPEST = 6
# What programs put there for want of a title.
_NO_TITLE = re.compile(
    r".*\.x?html?|(?:untitled|sem t[íi]tulo|start|in[íi]cio|unknown|section|page)\s*\d*", re.IGNORECASE
)


@dataclass
class Headings:
    """Goes through a book's documents in order.

    depth: of the last entry. own: the level of the document's headings that stands for that depth.
    """

    depth: int = 0
    own: int = 0
    _least: int = 0
    _highest: int = 1  # level of the document's headings

    def settle(self, blocks: Sequence[Block], entries: Sequence[Entry]) -> list[Block]:
        """A document's blocks with its headings at the depths of `entries`, those that lead into it."""
        due = _places(blocks, entries)
        # In a document of the contents, a heading that they do not tell stands below those that they do.
        self._least = 1 if due else 0
        self._highest = min((block.level for block in blocks if block.level), default=1)
        settled: list[Block] = []
        at = 0
        for place in sorted(due):
            settled += map(self._leveled, blocks[at:place])
            at = max(at, place)
            for entry in due[place]:
                at = self._enter(blocks, at, entry, settled)
        return settled + [self._leveled(block) for block in blocks[at:]]

    def _enter(self, blocks: Sequence[Block], at: int, entry: Entry, settled: list[Block]) -> int:
        """Put the entry's heading; where the document goes on after it."""
        start, end = _heading(blocks, at, entry.title)
        settled += map(self._leveled, blocks[at:start])
        run = blocks[start:end]
        self.depth = min(entry.depth, _DEEPEST)
        self.own = run[0].level if run and run[0].level else self._highest - 1
        if run:
            anchors = tuple(anchor for block in run for anchor in block.anchors)
            settled.append(replace(run[0], text=_joined(run), level=self.depth, tight=False, anchors=anchors))
        else:
            settled.append(Block(entry.title, self.depth))
        return end

    def _leveled(self, block: Block) -> Block:
        if not block.level:
            return block
        below = max(self._least, block.level - self.own)
        return replace(block, level=min(max(1, self.depth + below), _DEEPEST))


def _places(blocks: Sequence[Block], entries: Sequence[Entry]) -> dict[int, list[Entry]]:
    """The entries by the block to which each leads; those that lead to nothing, and names of files, to none."""
    by_anchor: dict[str, int] = {}
    for number, block in enumerate(blocks):
        for anchor in block.anchors:
            by_anchor.setdefault(anchor, number)
    places: dict[int, list[Entry]] = {}
    for number, entry in enumerate(entries):
        at = by_anchor.get(entry.fragment) if entry.fragment else 0
        if at is None and number == 0:
            at = 0
        if at is not None and blocks and not _NO_TITLE.fullmatch(entry.title):
            places.setdefault(at, []).append(entry)
    return places


def _heading(blocks: Sequence[Block], at: int, title: str) -> tuple[int, int]:
    """The blocks that are an entry's heading: those that say its title, else the first heading nearby, else none."""
    wanted = folded(title)
    near = range(at, min(at + _LOOKED_AT, len(blocks)))
    for start in near:
        said = ""
        for end in range(start, min(start + _MOST_LINES, len(blocks))):
            said = f"{said} {folded(blocks[end].text)}".strip()
            if len(blocks[end].text) > _LINE or not wanted.startswith(said):
                break
            if said == wanted:
                return start, end + 1
    start = next((number for number in near if blocks[number].level), at)
    short = all(len(block.text) <= _LINE for block in blocks[at:start])
    return (start, start + 1) if start < len(blocks) and blocks[start].level and short else (at, at)


def _joined(run: Sequence[Block]) -> str:
    text = " ".join(run[0].text.split())
    for block in run[1:]:
        text = titled(text, " ".join(block.text.split()))
    return text
