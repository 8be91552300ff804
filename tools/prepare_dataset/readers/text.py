"""Plain text, Markdown, delimited tables and JSON lines: the bytes decoded, nothing else."""

from __future__ import annotations

from pathlib import Path

from tools.prepare_dataset.decode import decode
from tools.prepare_dataset.readers.part import Part


def read_text(path: Path) -> list[Part]:
    """The text of a file. Raises Unreadable when its bytes are no text, OSError when they cannot be read."""
    decoded = decode(path.read_bytes())
    mended = {"byte_order_mark": 1} if decoded.had_bom else {}
    if decoded.encoding != "utf_8":
        mended["encoding"] = 1
    return [Part(decoded.text, decoded.encoding, mended=mended, rival=decoded.rival)]
