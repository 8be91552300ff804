"""Which reader reads which type of file."""

from __future__ import annotations

from pathlib import Path

from tools.prepare_dataset.file_types import FILE_TYPES, ReaderName
from tools.prepare_dataset.readers.part import Part, Reader
from tools.prepare_dataset.readers.text import read_text

_READERS: dict[ReaderName, Reader] = {"text": read_text}


def read_parts(path: Path) -> list[Part]:
    """The texts in a file of a known type. Raises Unreadable, or OSError when its bytes cannot be had."""
    return _READERS[FILE_TYPES[path.suffix.lower()].reader](path)
