"""How long a call takes on a dataset of some size, and what it writes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.annotate_dataset.support import annotate, opened, pair_about, prepare
from tools.workspace.layout import Workspace


def write_books(folder: Path, chapters: int, sentences: int) -> None:
    """Four books in which no sentence stands twice."""
    for book in range(4):
        told = [
            f"## Capítulo {chapter}\n\n"
            + "\n\n".join(
                f"No dia {number} do ano {chapter + 1000 * book} a duna {number * 7 + chapter} levou o barco {number}."
                for number in range(sentences)
            )
            for chapter in range(1, chapters + 1)
        ]
        (folder / f"livro-{book}.md").write_text("\n\n".join(told), encoding="utf-8")


@pytest.mark.verify
def test_twenty_pairs_are_taken_in_within_two_seconds(tiny_ws: Workspace) -> None:
    write_books(tiny_ws.root, chapters=40, sentences=110)
    dataset = prepare(tiny_ws, *(tiny_ws.root / f"livro-{book}.md" for book in range(4)), max_tokens=256)
    assert len(dataset.rows("train")) >= 2000
    for _ in range(10):
        passages = annotate(tiny_ws, limit=20).passages
        begun = time.process_time()
        result = annotate(tiny_ws, [pair_about(passage) for passage in passages])
        assert time.process_time() - begun < 2
        assert (result.accepted, result.refused) == (20, [])
    assert opened(tiny_ws).card["annotated"]["questions"] == 200


def test_versions_share_the_files_that_do_not_change(tiny_ws: Workspace) -> None:
    write_books(tiny_ws.root, chapters=5, sentences=12)
    old = prepare(tiny_ws, tiny_ws.root / "livro-0.md")
    annotate(tiny_ws, [pair_about(annotate(tiny_ws).passages[0])])
    new = opened(tiny_ws)
    changed = {name for name in new.card["files"] if not (new.folder / name).samefile(old.folder / name)}
    assert changed == {"train.jsonl", "provenance.jsonl", "questions.jsonl"}
