"""Datasets prepared within the test's own process, with the tiny model's real tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.prose import paragraph
from tools.prepare_dataset.identity import Options
from tools.prepare_dataset.pipeline import Prepared, prepare
from tools.prepare_dataset.reading_back import Dataset, open_dataset
from tools.prepare_dataset.roots import Roots
from tools.prepare_dataset.sources import find_sources
from tools.prepare_dataset.stages import Stages
from tools.prepare_dataset.write import write
from tools.workspace.layout import Workspace


def prepared(ws: Workspace, *sources: Path, **options: Any) -> Prepared:
    given = {"format": "text", "max_tokens": 512, "valid_fraction": 0.1, "test_fraction": 0.1, "seed": 0}
    files, _ = find_sources([str(path) for path in sources], Roots(ws))
    asked = Options(**{**given, "language": "auto", **options})
    return prepare(files, asked, ws.model_folder("tiny"), Stages(lambda done, total, message: None))


def dataset(ws: Workspace, *sources: Path, name: str = "livros", **options: Any) -> Dataset:
    return open_dataset(write(ws, name, prepared(ws, *sources, **options)))


def write_book(path: Path, chapters: int = 12, paragraphs: int = 4, first: int = 0) -> Path:
    """A book of prose in which no two sentences are alike."""
    text = "# Livro\n\n"
    for chapter in range(1, chapters + 1):
        told = (paragraph(first + chapter * 100 + n) for n in range(paragraphs))
        text += f"## Capítulo {chapter}\n\n" + "\n\n".join(told) + "\n\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
