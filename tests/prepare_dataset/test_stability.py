"""Material that grows: what was there stays in its split, whatever is cut anew around it."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from tests.prepare_dataset.prepared import prepared, write_book
from tests.support.prose import paragraph
from tools.prepare_dataset.contract import Split
from tools.prepare_dataset.pipeline import Prepared
from tools.workspace.layout import Workspace

SAMPLE = Path(__file__).parents[2] / "clients" / "sample"


def documents(made: Prepared) -> dict[str, Split]:
    """Where each document is, but for those that compare others and go where they may."""
    return {row.span.document: name for name, rows in made.split.items() for row in rows if not row.rests_on}


def characters(made: Prepared) -> dict[tuple[str, str], Split]:
    """Where each sentence that was copied is."""
    found: dict[tuple[str, str], Split] = {}
    for name, rows in made.split.items():
        for row in rows:
            if row.row_start is not None:
                found.update({(row.span.source, sentence): name for sentence in row.learned.split(". ")})
    return found


@pytest.fixture
def material(tmp_path: Path) -> Path:
    folder = tmp_path / "material"
    for name in ("livros", "tabelas", "biografias"):
        shutil.copytree(SAMPLE / name, folder / name)
    shutil.copy(SAMPLE / "conversas.jsonl", folder)
    return folder


def test_new_files_chapters_seasons_persons_and_examples_move_nothing(tiny_ws: Workspace, material: Path) -> None:
    before = prepared(tiny_ws, material)
    assert not before.divided.chosen
    book = material / "livros" / "o-farol-de-areia.md"
    text = book.read_text(encoding="utf-8")
    first, rest = text.split("## Capítulo 2", 1)
    inserted = f"## Capítulo 1b: Um que faltava\n\n{paragraph(1)}\n\n{paragraph(2)}\n\n"
    ending = f"\n\n## Capítulo 8: Outro fim\n\n{paragraph(3)}\n\n{paragraph(4)}\n"
    book.write_text(f"{first}{inserted}## Capítulo 2{rest}{ending}", encoding="utf-8")
    write_book(material / "livros" / "a-primeira.md", 9, first=9000)
    (material / "biografias" / "ana-nova.md").write_text(f"# Ana Nova\n\nNasceu em 1950. {paragraph(5)}\n")
    table = material / "tabelas" / "liga-das-mares.csv"
    lines = table.read_text(encoding="utf-8").rstrip().split("\n")
    season = [line.replace("2023,", "2024,", 1) for line in lines if line.startswith("2023,")]
    table.write_text("\n".join([lines[0], *season, *lines[1:]]) + "\n", encoding="utf-8")
    with (material / "conversas.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"prompt": "Quem conta os barcos?", "completion": "A menina do farol."}\n')
    after = prepared(tiny_ws, material)
    new = documents(after)
    assert len(new) >= len(documents(before)) + 14
    assert {document: new.get(document) for document in documents(before)} == documents(before)
    sentences = characters(after)
    moved = [one for one, split in characters(before).items() if sentences.get(one, split) != split]
    assert moved == []


def test_rows_cut_to_another_size_stay_in_their_split(tiny_ws: Workspace, material: Path) -> None:
    (material / "conversas.jsonl").unlink()
    long, short = prepared(tiny_ws, material), prepared(tiny_ws, material, max_tokens=150, format="completions")
    assert len(short.split["train"]) > len(long.split["train"])
    other = documents(short)
    assert {document: split for document, split in documents(long).items() if other.get(document) != split} == {}


def test_train_leaves_a_gap_where_it_borders_on_held_out_text(tiny_ws: Workspace, tmp_path: Path) -> None:
    book = write_book(tmp_path / "livro.md", 20)
    text = book.read_text(encoding="utf-8")
    made = prepared(tiny_ws, book)
    gaps = [drop for drop in made.drops.all if drop.reason == "guard gap"]
    rows = sorted((row.span.start, row.span.end, name) for name, those in made.split.items() for row in those)
    train = [
        (end, start) for (_, end, one), (start, _, other) in pairwise(rows) if one != other and "train" in (one, other)
    ]
    assert len(gaps) == len(train) > 3
    for end, start in train:
        assert any(end <= gap.span.start and gap.span.end <= start for gap in gaps)
        assert start - end > 50
    assert all(0 < gap.span.end - gap.span.start <= 400 for gap in gaps)
    assert sum(gap.span.end - gap.span.start for gap in gaps) < 0.05 * len(text)
    held = [row for name in ("valid", "test") for row in made.split[name]]  # type: ignore[index]
    assert all(row.learned == text[row.span.start : row.span.end] for row in held)
