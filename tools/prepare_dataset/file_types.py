"""The types of file that are read: what each may hold, and by which reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tools.prepare_dataset.contract import Kind

ReaderName = Literal["text", "pdf", "workbook", "epub", "html", "docx"]


@dataclass(frozen=True)
class FileType:
    """reader: by name. kinds: what it may hold. kind: what it always holds; None where its text tells."""

    reader: ReaderName
    kinds: tuple[Kind, ...]
    kind: Kind | None = None


_PROSE = FileType("text", ("book", "biography"))
_PLAIN = FileType("text", ("book", "biography", "table"))
_TABLE = FileType("text", ("table",), "table")
_EXAMPLES = FileType("text", ("examples",), "examples")
_WORKBOOK = FileType("workbook", ("table",), "table")
_PAGE = FileType("html", ("book", "biography", "table"))
FILE_TYPES: dict[str, FileType] = {
    ".txt": _PLAIN,
    ".text": _PROSE,
    ".md": _PROSE,
    ".markdown": _PROSE,
    ".csv": _TABLE,
    ".tsv": _TABLE,
    ".jsonl": _EXAMPLES,
    ".ndjson": _EXAMPLES,
    ".json": _EXAMPLES,
    ".pdf": FileType("pdf", ("book", "biography")),
    ".xlsx": _WORKBOOK,
    ".xlsm": _WORKBOOK,
    ".xls": _WORKBOOK,
    ".ods": _WORKBOOK,
    ".epub": FileType("epub", ("book", "biography", "table")),
    ".docx": FileType("docx", ("book", "biography", "table")),
    ".html": _PAGE,
    ".htm": _PAGE,
    ".xhtml": _PAGE,
}
# For messages: the types that people know by name.
TOLD = ".txt, .md, .pdf, .epub, .docx, .html, .csv, .xlsx, .ods, .jsonl and .json"

_AS_BOOK = "Save it as .docx or .epub."
_AS_TABLE = "Save it as .xlsx or .csv."
# Texts that somebody meant to be read, and what to do with them.
NOT_READ: dict[str, str] = {
    ".mobi": "Convert it to .epub.",
    ".azw": "Convert it to .epub.",
    ".azw3": "Convert it to .epub.",
    ".doc": _AS_BOOK,
    ".odt": _AS_BOOK,
    ".rtf": _AS_BOOK,
    ".pages": _AS_BOOK,
    ".numbers": _AS_TABLE,
    ".xlsb": _AS_TABLE,
    ".xml": "Save it as .html or .txt.",
}


def suffixes_of(kind: Kind) -> list[str]:
    """The extensions of files that may hold a kind."""
    return sorted(suffix for suffix, found in FILE_TYPES.items() if kind in found.kinds)
