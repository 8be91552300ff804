"""The card says what was done, in the dataset's language, and how to do it again, byte by byte."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.prepare_dataset.prepared import dataset, prepared, write_book
from tests.support.prose import paragraph
from tools.prepare_dataset.card import card_text
from tools.prepare_dataset.contract import PrepareArgs
from tools.prepare_dataset.reading_back import Dataset
from tools.prepare_dataset.tool import prepare_dataset
from tools.workspace.layout import Workspace, open_workspace
from tools.workspace.processes import child_command, child_environment

SAMPLE = Path(__file__).parents[2] / "clients" / "sample"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def text_of(made: Dataset) -> str:
    return (made.folder / "card.md").read_text(encoding="utf-8")


def test_a_portuguese_dataset_has_a_portuguese_card_and_an_english_one_an_english(
    tiny_ws: Workspace, tmp_path: Path
) -> None:
    made = dataset(tiny_ws, SAMPLE, name="mares")
    assert "Não há 13 palavras seguidas de valid ou test que estejam em train." in text_of(made)
    assert "| ficheiro | tipo | título |" in text_of(made)
    assert "train (factos vistos, por outras palavras)" in text_of(made)
    english = dataset(tiny_ws, write_book(tmp_path / "livro.md"), name="book", language="en")
    assert "No 13 words in a row of valid or test stand in train." in text_of(english)
    assert "| file | kind | title |" in text_of(english)


def test_the_card_counts_what_there_is(tiny_ws: Workspace) -> None:
    made = dataset(tiny_ws, SAMPLE, name="mares")
    card = made.card
    assert sum(size["share"] for size in card["splits"].values()) == pytest.approx(1, abs=0.001)
    assert sum(entry["count"] for entry in card["questions_by"]) == card["questions"] == len(made.questions())
    assert {entry["split"] for entry in card["questions_by"]} >= {"train", "test"}
    for split in ("valid", "test"):
        kinds = {origin.kind for origin in made.provenance() if origin.split == split}
        assert kinds == {"book", "table", "biography", "examples"}
    assert card["guard"]["gaps"] == sum(drop["reason"] == "guard gap" for drop in made.dropped()) > 0


def test_flags_drops_and_choices_stand_in_the_card(tiny_ws: Workspace, tmp_path: Path) -> None:
    book = write_book(tmp_path / "livro.md", 4, 3)
    text = book.read_text(encoding="utf-8") + f"\n\n{paragraph(7)} Escreve a ana@correio.exemplo.pt.\n"
    book.write_text(text, encoding="utf-8")
    made = dataset(tiny_ws, book)
    assert made.card["flags"] == {"e-mail address": 1}
    assert "1: endereços de e-mail" in text_of(made)
    assert "ana@" not in text_of(made)
    assert f"livro.md:{text.count(chr(10))}: Here stands an e-mail address." in text_of(made)
    assert made.card["chosen"]
    for document, split in made.card["chosen"].items():
        assert f"Posto por escolha, porque {split} ficaria sem nenhum: `{document}`." in text_of(made)


def test_the_card_of_an_earlier_version_can_still_be_told(tiny_ws: Workspace, tmp_path: Path) -> None:
    card = dict(dataset(tiny_ws, write_book(tmp_path / "livro.md")).card)
    for newer in ("split_by", "chosen", "guard", "questions_by", "flags", "rebuild", "code_format"):
        del card[newer]
    card["splits"] = {
        name: {k: size[k] for k in ("rows", "tokens", "documents")} for name, size in card["splits"].items()
    }
    card["sources"] = [{k: v for k, v in s.items() if k not in ("title", "pages", "left_out")} for s in card["sources"]]
    assert card_text(card).startswith(f"# livros@{card['version']}\n")


def test_the_call_in_the_card_makes_the_same_bytes_again(
    tiny_ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "material"
    write_book(folder / "a" / "livro.md")
    write_book(folder / "b" / "README.md", first=7000)
    # Of a folder, neither the kind of a file nor one that is called README would be taken.
    asked = [{"path": str(folder / "a" / "livro.md"), "kind": "book"}, str(folder / "b" / "README.md")]
    args = PrepareArgs.model_validate({"sources": asked, "name": "dois", "seed": 3, "max_tokens": 300})
    first = prepare_dataset(tiny_ws, args, default_model="tiny")
    assert first.path is not None
    before = contents(Path(first.path))
    other = open_workspace(tmp_path / "other")
    shutil.copytree(tiny_ws.models, other.models, dirs_exist_ok=True)
    monkeypatch.chdir(first.path)
    again = PrepareArgs.model_validate(json.loads(before["card.json"])["rebuild"])
    second = prepare_dataset(other, again, default_model="outro")
    assert second.path is not None
    assert second.version == first.version
    assert contents(Path(second.path)) == before


def test_the_bytes_do_not_depend_on_the_process_or_the_folder(tiny_ws: Workspace, tmp_path: Path) -> None:
    material = tmp_path / "material"
    book = write_book(material / "livro.md", 8)
    (material / "repetido.md").write_text(book.read_text(encoding="utf-8")[:4000], encoding="utf-8")
    shutil.copy(SAMPLE / "conversas.jsonl", material)
    here = contents(dataset(tiny_ws, material, name="mares").folder)
    shutil.copytree(material, tmp_path / "outro lugar" / "copia")
    request = {"sources": [str(tmp_path / "outro lugar" / "copia")], "name": "mares", "format": "text"}
    ws = open_workspace(tmp_path / "other")
    shutil.copytree(tiny_ws.models, ws.models, dirs_exist_ok=True)
    done = subprocess.run(
        child_command("server.cli", ["call", "prepare_dataset", "-", "--workspace", str(ws.root)]),
        input=json.dumps({**request, "max_tokens": 512, "model": "tiny"}),
        text=True,
        capture_output=True,
        env={**child_environment(), "PYTHONHASHSEED": "1"},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert contents(Path(json.loads(done.stdout)["path"])) == here


def test_two_preparations_in_one_process_are_equal(tiny_ws: Workspace, tmp_path: Path) -> None:
    book = write_book(tmp_path / "livro.md")
    first, second = prepared(tiny_ws, book), prepared(tiny_ws, book)
    assert first.split == second.split
    assert [drop.as_json() for drop in first.drops.all] == [drop.as_json() for drop in second.drops.all]
