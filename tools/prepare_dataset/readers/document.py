"""What was gathered from a document to its parts: the running text, then each table of data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tools.prepare_dataset.readers.flow import Block, joined
from tools.prepare_dataset.readers.grid import Data
from tools.prepare_dataset.readers.part import Part
from tools.prepare_dataset.readers.part_names import PartNames


def document_parts(
    blocks: Sequence[Block],
    tables: Sequence[tuple[str, Data]],
    encoding: str,
    title: str,
    *,
    mended: Mapping[str, int],
    left_out: Mapping[str, int],
) -> list[Part]:
    """The parts of a document; none where it holds nothing. tables: by the names that the document tells.

    mended, left_out: counts by name, of which the first part tells those above 0.
    """
    text, pages = joined(blocks)
    names = PartNames()
    parts = [Part(text, encoding, title=title, pages=pages, whole_lines=True)] if text else []
    parts += [Part(table.text, encoding, names.new(name or "table"), "table", title) for name, table in tables]
    if parts:
        told = {name: count for name, count in sorted(left_out.items()) if count}
        done = {name: count for name, count in sorted(mended.items()) if count}
        parts[0] = replace(parts[0], mended=done, left_out=told)
    return parts
