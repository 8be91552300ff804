"""Sources made of texts, for tests of single stages."""

from __future__ import annotations

from pathlib import Path

from tools.prepare_dataset.material import Source, SourceFile, UnitKind


def source(name: str, text: str, kind: UnitKind) -> Source:
    return Source(SourceFile(Path(name), name, None), "0" * 64, "utf_8", text, kind)
