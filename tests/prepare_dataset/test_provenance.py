"""Every row leads back to its file, line or page, chapter or season, and characters."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from tests.prepare_dataset.prepared import dataset, write_book
from tests.support.prose import paragraph
from tools.prepare_dataset.contract import SPLITS
from tools.prepare_dataset.reading_back import Dataset
from tools.workspace.layout import Workspace

SAMPLE = Path(__file__).parents[2] / "clients" / "sample"


def texts(made: Dataset) -> dict[tuple[str, int], str]:
    return {(split, n): row["text"] for split in SPLITS for n, row in enumerate(made.lines(f"{split}.jsonl"))}


def test_the_line_told_is_that_of_the_file_as_it_came(tiny_ws: Workspace, tmp_path: Path) -> None:
    lines = ["# Livro", ""]
    for chapter in range(1, 9):
        lines += [f"## Capítulo {chapter}", ""]
        for n in range(3):
            words, line = paragraph(chapter * 10 + n).split(), ""
            for word in words:
                if len(line) + len(word) > 70:
                    lines.append(line.strip())
                    line = ""
                line += f" {word}"
            lines += [line.strip(), ""]
    (tmp_path / "livro.md").write_text("\r\n".join(lines), encoding="cp1252")
    made = dataset(tiny_ws, tmp_path / "livro.md")
    rows = texts(made)
    assert made.card["sources"][0]["repairs"]["wrapped_lines"] > 50
    for origin in made.provenance():
        assert origin.line is not None
        first = rows[origin.split, origin.index].split()[:5]
        shown = " ".join(" ".join(lines[origin.line - 1 : origin.line + 4]).split())
        assert first[0] in lines[origin.line - 1]
        assert " ".join(first) in shown


def test_seasons_examples_and_persons_are_told_by_their_lines(tiny_ws: Workspace) -> None:
    made = dataset(tiny_ws, SAMPLE)
    found = Counter(origin.kind for origin in made.provenance())
    assert found.keys() == {"book", "table", "biography", "examples"}
    for origin in made.provenance():
        lines = (SAMPLE / origin.source).read_text(encoding="utf-8").split("\n")
        assert origin.line is not None
        if origin.kind == "examples":
            assert origin.place == f"line {origin.line}"
            assert isinstance(json.loads(lines[origin.line - 1]), dict)
        elif origin.kind == "table" and origin.form == "passage":
            assert lines[origin.line - 1].startswith(f"{origin.place},")


def test_what_was_dropped_is_told_with_its_place_and_what_it_repeats(tiny_ws: Workspace, tmp_path: Path) -> None:
    book = write_book(tmp_path / "m" / "livro.md", 10)
    text = book.read_text(encoding="utf-8")
    (tmp_path / "m" / "segunda edição.md").write_text(text.replace("sem dizer nada", "calado"), encoding="utf-8")
    (tmp_path / "m" / "terceiro.md").write_text(text[: len(text) // 3], encoding="utf-8")
    write_book(tmp_path / "m" / "outro.md", 10, first=5000)
    made = dataset(tiny_ws, tmp_path / "m")
    dropped = made.dropped()
    assert Counter(drop["reason"] for drop in dropped) == {e["reason"]: e["count"] for e in made.card["dropped"]}
    repeated = [drop for drop in dropped if "repeats" in drop]
    assert {drop["source"] for drop in repeated} >= {"terceiro.md"}
    sources = {source["path"]: made.source_text(source["path"]) for source in made.card["sources"]}
    for drop in dropped:
        shown = " ".join(sources[drop["source"]][drop["start"] : drop["end"]].split())
        assert shown.startswith(drop["text"].removesuffix("…"))
    for drop in repeated:
        kept = drop["repeats"]
        assert kept["source"] != drop["source"] or kept["start"] != drop["start"]
        assert sources[kept["source"]][kept["start"] : kept["end"]].strip()
