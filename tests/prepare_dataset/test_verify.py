"""A dataset that was written holds all it says; each kind of fault is found."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.prepare_dataset.prepared import dataset, prepared, write_book
from tests.support.prose import paragraph
from tools.errors import AfinaError
from tools.models.tokenizer import Tokenizer
from tools.prepare_dataset.contract import SPLITS
from tools.prepare_dataset.counting import RowCounter
from tools.prepare_dataset.reading_back import Dataset, Origin, open_dataset, row_id
from tools.prepare_dataset.verify import verify
from tools.prepare_dataset.verify_overlap import Learned, shared_runs
from tools.prepare_dataset.write import lines_of, write
from tools.workspace.layout import Workspace

SAMPLE = Path(__file__).parents[2] / "clients" / "sample"
Rows = list[dict[str, Any]]


@pytest.mark.parametrize("form", ["text", "completions", "chat"])
def test_the_sample_material_holds_what_it_says_in_every_format(tiny_ws: Workspace, form: str) -> None:
    made = dataset(tiny_ws, SAMPLE, format=form)
    counter = RowCounter(Tokenizer.load(tiny_ws.model_folder("tiny")), "")
    assert verify(made, counter) == []
    assert made.card["overlap"]["rows"] == 0


def changed(made: Dataset, name: str, change: Callable[[Rows], object]) -> list[str]:
    """What is found when a file's lines are changed and its hash in the card with them."""
    rows = made.lines(name)
    change(rows)
    content = lines_of(rows)
    (made.folder / name).write_bytes(content)
    card = {**made.card, "files": {**made.card["files"], name: hashlib.sha256(content).hexdigest()}}
    return [problem.message for problem in verify(Dataset(made.folder, card))]


def test_each_fault_of_a_row_is_found(tiny_ws: Workspace, tmp_path: Path) -> None:
    book = write_book(tmp_path / "livro.md")

    def found(change: Callable[[Rows], object], name: str = "provenance.jsonl") -> list[str]:
        made = dataset(tiny_ws, book, seed=found.calls)  # type: ignore[attr-defined]
        found.calls += 1  # type: ignore[attr-defined]
        return changed(made, name, change)

    found.calls = 0  # type: ignore[attr-defined]
    assert found(lambda rows: None) == []
    assert found(lambda rows: rows[0].update(start=rows[0]["start"] + 1)) == ["The row is not what its span says."]
    assert "The row's span is not in its source." in found(lambda rows: rows[0].update(end=10**9))
    assert found(lambda rows: rows[0].update(sha256="0" * 64)) == ["The row's hash is not its source's."]
    assert found(lambda rows: rows[0].update(id="0" * 12)) == ["The row's id is not that of its content."]
    assert "The tokens are not those of the card." in found(lambda rows: rows[0].update(tokens=1))
    assert any(
        "stands in several splits" in told for told in found(lambda rows: rows[0].update(document=rows[-1]["document"]))
    )
    assert "It does not tell each row of train once, in order." in found(lambda rows: rows.pop(0))
    told = found(lambda rows: rows[0].update(text=rows[0]["text"] + " mais"), "train.jsonl")
    assert told == ["The row's id is not that of its content."]
    assert found(lambda rows: rows.pop(), "dropped.jsonl") == ["What was dropped is not as much as told."]


def test_a_file_that_is_missing_changed_or_strange_is_found(tiny_ws: Workspace, tmp_path: Path) -> None:
    made = dataset(tiny_ws, write_book(tmp_path / "livro.md"))
    (made.folder / "sources/original/livro.md").write_text("outra coisa")
    (made.folder / "estranho.txt").write_text("de onde?")
    (made.folder / "dropped.jsonl").unlink()
    found = {(Path(problem.path).name, problem.message) for problem in verify(made)}
    assert ("livro.md", "The file is not as it was written.") in found
    assert ("estranho.txt", "The card does not list this file.") in found
    assert ("dropped.jsonl", "The file is missing.") in found


def test_held_out_words_in_train_are_found_from_the_files_alone(tiny_ws: Workspace, tmp_path: Path) -> None:
    made = dataset(tiny_ws, write_book(tmp_path / "livro.md"))
    [copied, *_] = [origin for origin in made.provenance() if origin.split == "test"]
    text = made.lines("test.jsonl")[copied.index]["text"]
    row = next(origin for origin in made.provenance() if origin.split == "train")
    leaked = {"text": text}

    def leak(rows: Rows) -> None:
        rows[0] = leaked

    changed(made, "train.jsonl", leak)
    provenance = made.lines("provenance.jsonl")
    provenance[0].update(id=row_id(leaked), start=copied.start, end=copied.end)
    content = lines_of(provenance)
    (made.folder / "provenance.jsonl").write_bytes(content)
    files = {
        **made.card["files"],
        "provenance.jsonl": hashlib.sha256(content).hexdigest(),
        "train.jsonl": hashlib.sha256((made.folder / "train.jsonl").read_bytes()).hexdigest(),
    }
    found = [problem.message for problem in verify(Dataset(made.folder, {**made.card, "files": files}))]
    assert row.index == 0
    assert any("runs of 13 words stand in train too" in told for told in found)


def test_a_dataset_that_does_not_hold_is_not_kept(tiny_ws: Workspace, tmp_path: Path) -> None:
    made = prepared(tiny_ws, write_book(tmp_path / "livro.md"))
    made.split["train"][0].content["text"] += " o que ninguém escreveu"
    object.__setattr__(made.split["train"][0].span, "start", made.split["train"][0].span.start + 1)
    with pytest.raises(AfinaError, match="does not hold what it says") as caught:
        write(tiny_ws, "livros", made)
    assert "not your material's" in (caught.value.fix or "")
    assert not (tiny_ws.data / "livros" / made.version).exists()


def learned(text: str, form: str = "passage", cells: str = "", split: str = "train") -> Learned:
    origin = Origin(split, 0, "", "a", "", "book", "a", "a", 0, 1, None, None, form=form)  # type: ignore[arg-type]
    return Learned(origin, text, cells)


@pytest.mark.parametrize("before", range(15))
def test_thirteen_words_are_found_wherever_they_start_and_twelve_are_not(before: int) -> None:
    words = [f"w{n}" for n in range(13)]
    own = " ".join(f"x{n}" for n in range(before))
    train = learned(f"{own} {' '.join(words)} fim do texto")
    [(_, word)] = shared_runs([train], [learned(f"antes disto {' '.join(words)} depois")])
    assert word == 2
    assert list(shared_runs([train], [learned(f"antes {' '.join(words[1:])} depois")])) == []


def test_both_ways_of_measuring_find_the_same() -> None:
    quoted = paragraph(9, 2)
    train = [learned(f"{paragraph(n)} {quoted} {paragraph(n + 50)}") for n in range(3)]
    held = [learned(f"{paragraph(7)} {quoted} {paragraph(8)}"), learned(paragraph(70))]
    found = list(shared_runs(train, held))
    everywhere = {run for row in train for run in row.runs()}
    wanted = [n for n, run in enumerate(held[0].runs()) if run in everywhere]
    assert found == [(held[0], n) for n in wanted]
    assert len(wanted) >= len(quoted.split()) - 12


def test_formulas_of_many_answers_do_not_count_and_are_found_fast() -> None:
    closing = "Se ainda tiver dúvidas, escreva para a nossa casa ou venha falar connosco ao balcão da praça."
    own = [" ".join(f"palavra{n}x{k}" for k in range(30)) for n in range(800)]
    train = [learned(f"{text} {closing}", "exchange") for text in own[:600]]
    held = [learned(f"{text} {closing}", "exchange") for text in own[600:]]
    start = time.process_time()
    assert list(shared_runs(train, held)) == []
    assert time.process_time() - start < 15
    assert list(shared_runs(train[:4], held[:1])) != []


def test_what_the_card_says_of_each_split_is_what_the_files_hold(tiny_ws: Workspace) -> None:
    made = dataset(tiny_ws, SAMPLE)
    for split in SPLITS:
        rows = (made.folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
        assert len(rows) == made.card["splits"][split]["rows"] == len(made.rows(split))
        assert all(json.loads(row).keys() == {"text"} for row in rows)
    assert open_dataset(made.folder).card == made.card
