"""Planted faults through the whole of prepare_dataset: each is found, told with its place, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.prepare_dataset.prepared import dataset, prepared, write_book
from tests.support.prose import paragraph
from tools.errors import DataError
from tools.prepare_dataset.contract import PrepareArgs
from tools.prepare_dataset.tool import prepare_dataset
from tools.prepare_dataset.verify import verify
from tools.workspace.layout import Workspace

QUOTED = "Quem parte leva saudades, quem fica saudades tem, e o mar que está no meio não sabe nada de ninguém."
ENGLISH = (
    "The keeper walked down to the shore every morning with his lantern and looked for the boats that had not come "
    "home in the night. It was a long time before anybody found out what he had been doing there. "
)
COPYRIGHT = (
    "© 2004, Ana Ninguém. Todos os direitos reservados.\n\nISBN 972-0-00000-0\n\nDepósito legal n.º 123456/04\n\n"
)
CONTENTS = "## Índice\n\n" + "\n".join(f"Capítulo {n} ........ {n * 9}" for n in range(1, 21)) + "\n\n"


def planted(folder: Path) -> Path:
    """A book of 20 chapters with something wrong in many places, and a second edition of its beginning."""
    path = write_book(folder / "livro.md", 20)
    text = path.read_text(encoding="utf-8")
    chapters = text.split("## ")
    edition = "## ".join(chapters[:6]).replace("desde pequeno", "desde menino")
    (folder / "segunda.md").write_text(edition, encoding="utf-8")
    chapters = [f"{chapter.rstrip()}\n\n{QUOTED}\n\n" if n else chapter for n, chapter in enumerate(chapters)]
    chapters[3] += f"{ENGLISH * 3}\n\n"
    chapters[5] += "O telemóvel do avô era o 912 345 678.\n\nEscreve a ana@correio.exemplo.pt.\n\n"
    path.write_text(chapters[0] + COPYRIGHT + CONTENTS + "## ".join(["", *chapters[1:]]), encoding="utf-8")
    return folder


def test_everything_planted_is_found_and_the_dataset_holds(tiny_ws: Workspace, tmp_path: Path) -> None:
    folder = planted(tmp_path / "m")
    made = dataset(tiny_ws, folder)
    counts = {entry["reason"]: entry["count"] for entry in made.card["dropped"]}
    assert counts["copyright page"] >= 1
    assert counts["table of contents"] == 1
    assert counts["near duplicate"] >= 4
    held = {origin.document for origin in made.provenance() if origin.split != "train" and origin.kind == "book"}
    # The verse stands in every chapter: it goes from the held-out ones, and stays in train.
    assert counts["stands in train"] >= len(held) > 2
    assert QUOTED not in "".join(row.text or "" for name in ("valid", "test") for row in made.rows(name))  # type: ignore[arg-type]
    assert QUOTED in "".join(row.text or "" for row in made.rows("train"))
    assert made.card["overlap"] == {"ngram": 13, "valid": 0.0, "test": 0.0, "rows": 0}
    assert made.card["flags"] == {"e-mail address": 1, "phone number": 1, "rows in English": 1}
    assert verify(made) == []
    lines = (folder / "livro.md").read_text(encoding="utf-8").split("\n")
    for problem in made.card["problems"]:
        shown = lines[problem["line"] - 1]
        assert (
            any(secret in shown for secret in ("912 345 678", "ana@", "The keeper"))
            or "rows are in" in problem["message"]
        )
        assert "912" not in problem["message"]


def test_a_clean_book_is_neither_cut_nor_flagged(tiny_ws: Workspace, tmp_path: Path) -> None:
    made = prepared(tiny_ws, write_book(tmp_path / "livro.md", 20))
    assert set(made.drops.counts()) == {"guard gap"}
    assert not made.flags.problems
    assert not made.warnings


def test_problems_name_the_file_on_this_machine_and_its_line(tiny_ws: Workspace, tmp_path: Path) -> None:
    path = write_book(tmp_path / "livro.md", 12)
    path.write_text(path.read_text(encoding="utf-8") + "Cartão 4111 1111 1111 1111.\n", encoding="utf-8")
    line = path.read_text(encoding="utf-8").count("\n")
    args = PrepareArgs.model_validate({"sources": [str(path)], "name": "livro"})
    result = prepare_dataset(tiny_ws, args, default_model="tiny")
    [problem] = result.problems
    assert (problem.path, problem.line) == (str(path), line)
    assert problem.message == "Here stands the number of a payment card."
    assert "4111" not in result.model_dump_json(exclude={"samples"})


def test_a_split_that_loses_much_to_another_is_told(tiny_ws: Workspace, tmp_path: Path) -> None:
    shared = [paragraph(n, 1) for n in range(2)]
    chapters = [
        f"## Capítulo {n}\n\n" + " ".join(f"{paragraph(n * 9 + k, 2)} {shared[k]}" for k in (0, 1))
        for n in range(100, 120)
    ]
    (tmp_path / "livro.md").write_text("# Livro\n\n" + "\n\n".join(chapters), encoding="utf-8")
    notes = prepared(tiny_ws, tmp_path / "livro.md").notes
    assert any(" of test went, since it repeated another split" in note for note in notes)


def test_a_test_that_stands_in_train_altogether_is_refused_with_what_to_do(tiny_ws: Workspace, tmp_path: Path) -> None:
    for name, first in (("train", 0), ("test", 3)):
        lines = [{"prompt": f"Conta a história {name} {n}.", "completion": paragraph(n, 2)} for n in range(first, 6)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    with pytest.raises(DataError, match="All that would be tested stands in train") as caught:
        prepared(tiny_ws, tmp_path / "train.jsonl", tmp_path / "test.jsonl")
    assert caught.value.fix == "Give other examples for it."
