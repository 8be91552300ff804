"""Repairs of whole sources: what is written tells each, and the text as it was decoded can be had back."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from tests.prepare_dataset.prepared import dataset, prepared, write_book
from tests.support.damage import misread
from tools.errors import DataError
from tools.prepare_dataset.decode import decode
from tools.prepare_dataset.reading_back import open_dataset
from tools.workspace.layout import Workspace


@pytest.fixture
def damaged(tmp_path: Path) -> tuple[Path, str]:
    """A book as a Mac and Windows left it, wrapped and misread; and the book as it was."""
    path = write_book(tmp_path / "livros" / "farol.md")
    book = path.read_text(encoding="utf-8").replace("\n\n\n", "\n\n")
    text = "\n".join(textwrap.fill(line, 72) for line in book.split("\n"))
    path.write_bytes(misread(text, "mac_roman").replace("\n", "\r\n").encode() + b"\x1a")
    return path, book


def test_a_damaged_book_is_prepared_as_the_book_it_was(tiny_ws: Workspace, damaged: tuple[Path, str]) -> None:
    path, book = damaged
    made = dataset(tiny_ws, path)
    assert made.source_text("farol.md") == book
    assert made.original_text("farol.md") == decode(path.read_bytes()).text
    repairs = made.card["sources"][0]["repairs"]
    assert repairs.keys() == {"mojibake_mac_roman", "line_ends", "control_characters", "wrapped_lines"}
    told = (made.folder / "card.md").read_text(encoding="utf-8")
    assert f"{repairs['mojibake_mac_roman']} letras mal lidas, emendadas (UTF-8 → Mac Roman)" in told


def test_the_log_of_repairs_is_small_and_among_the_files(tiny_ws: Workspace, damaged: tuple[Path, str]) -> None:
    made = dataset(tiny_ws, damaged[0])
    log = made.card["sources"][0]["log"]
    assert log == "sources/repairs/farol.md.jsonl"
    assert log in made.card["files"]
    lines = [json.loads(line) for line in (made.folder / log).read_text(encoding="utf-8").splitlines()]
    assert {line["name"]: len(line["starts"]) for line in lines} == made.card["sources"][0]["repairs"]
    assert len((made.folder / log).read_bytes()) < 0.3 * damaged[0].stat().st_size


def test_a_log_changed_by_hand_is_refused(tiny_ws: Workspace, damaged: tuple[Path, str]) -> None:
    made = dataset(tiny_ws, damaged[0])
    log = made.folder / "sources/repairs/farol.md.jsonl"
    log.write_bytes(log.read_bytes().replace(b"mojibake", b"nothing_"))
    with pytest.raises(DataError, match="changed after it was made"):
        open_dataset(made.folder).original_text("farol.md")


def test_a_source_that_needed_no_repair_has_no_log(tiny_ws: Workspace, tmp_path: Path) -> None:
    path = write_book(tmp_path / "livros" / "farol.md")
    made = dataset(tiny_ws, path)
    assert made.card["sources"][0]["log"] is None
    assert not (made.folder / "sources" / "repairs").exists()
    assert made.original_text("farol.md") == made.source_text("farol.md") == path.read_text(encoding="utf-8")


def test_a_doubtful_encoding_is_told(tiny_ws: Workspace, tmp_path: Path) -> None:
    path = write_book(tmp_path / "livros" / "farol.md")
    ascii_book = path.read_text(encoding="utf-8").encode("ascii", errors="ignore")
    path.write_bytes(ascii_book + b"\nO fim \xc9 assim.\n")
    made = prepared(tiny_ws, path)
    assert [str(problem) for problem in made.warnings if "nearly" in problem.message] == [
        "farol.md: It was read as cp1252; mac_roman was nearly as likely. "
        "Check its accents in the text as prepared; if they are wrong, save the file as UTF-8."
    ]
