"""The types of file that are read: what each may hold, and by which reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tools.prepare_dataset.contract import Kind

ReaderName = Literal["text"]


@dataclass(frozen=True)
class FileType:
    """reader: by name. kinds: what it may hold. kind: what it always holds; None where its text tells."""

    reader: ReaderName
    kinds: tuple[Kind, ...]
    kind: Kind | None = None


_PROSE = FileType("text", ("book", "biography"))
_PLAIN = FileType("text", ("book", "biography", "table"))
_TABLE = FileType("text", ("table",), "table")
_LINES = FileType("text", ("examples",), "examples")
FILE_TYPES: dict[str, FileType] = {
    ".txt": _PLAIN,
    ".text": _PROSE,
    ".md": _PROSE,
    ".markdown": _PROSE,
    ".csv": _TABLE,
    ".tsv": _TABLE,
    ".jsonl": _LINES,
    ".ndjson": _LINES,
}
TOLD = ".txt, .md, .csv, .tsv and .jsonl"


def suffixes_of(kind: Kind) -> list[str]:
    """The extensions of files that may hold a kind."""
    return sorted(suffix for suffix, found in FILE_TYPES.items() if kind in found.kinds)
