"""Which reader reads which type of file. A reader's libraries are imported when it first reads."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import cast

from tools.prepare_dataset.file_types import FILE_TYPES, ReaderName
from tools.prepare_dataset.readers.part import Part, Reader

_READERS: dict[ReaderName, str] = {
    # name: function of the module `readers.MODULE`
    "text": "text.read_text",
    "pdf": "pdf.reader.read_pdf",
    "workbook": "xlsx.read_workbook",
    "epub": "epub.read_epub",
    "html": "html.read_html",
    "docx": "docx.read_docx",
}
# Read by code of ours alone; what others parse is read apart, in a process that may crash.
_SAFE: frozenset[ReaderName] = frozenset({"text"})


def read_parts(path: Path) -> list[Part]:
    """The texts in a file of a known type. Raises Unreadable, or OSError when its bytes cannot be had."""
    module, function = _READERS[FILE_TYPES[path.suffix.lower()].reader].rsplit(".", 1)
    reader = cast(Reader, getattr(import_module(f"tools.prepare_dataset.readers.{module}"), function))
    return reader(path)


def is_safe(path: Path) -> bool:
    """Whether a file may be read in this process."""
    return FILE_TYPES[path.suffix.lower()].reader in _SAFE
