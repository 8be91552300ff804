"""What a reader gives for a file, and how it says that it cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tools.prepare_dataset.contract import Kind


@dataclass(frozen=True)
class Part:
    """One text of a file: all of it, or one sheet or table.

    name: "" for the whole file, else of the sheet or table, unique in the file. text: lines end in
    `\\n`, paragraphs stand apart by an empty line, headings are Markdown's (`## Title`), a table is
    comma-separated. encoding: of the bytes, or the format where that says it (`pdf`, `epub`).
    kind: what it surely is; None where the text is to tell. title: of the work, by the file's own
    description. pages: (character, label) where each page starts. mended, left_out: what the
    reader repaired and what it passed over, by name, and how often. whole_lines: every line ends where
    its writer ended it, as verse does; none was wrapped at a width. rival: an encoding that was nearly
    as likely, "" where none was.
    """

    text: str
    encoding: str
    name: str = ""
    kind: Kind | None = None
    title: str = ""
    pages: tuple[tuple[int, str], ...] = ()
    mended: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    whole_lines: bool = False
    rival: str = ""


class Unreadable(Exception):
    """A file gives no text: `reason` says why, `fix` what to do, `line` where."""

    def __init__(self, reason: str, fix: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.fix, self.line = reason, fix, line


Reader = Callable[[Path], list[Part]]
