from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools.errors import DataError, InvalidArgument
from tools.prepare_dataset.contract import SourceSpec
from tools.prepare_dataset.file_types import TOLD
from tools.prepare_dataset.read import read_sources, tell_kind
from tools.prepare_dataset.sources import find_sources


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("livros/um.txt", "livros/dois.md", "tabelas/liga.csv", ".oculto/x.txt", "README.md", "capa.jpg"):
        path = tmp_path / "material" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("texto", encoding="utf-8")
    return tmp_path / "material"


def names(*sources: str | SourceSpec) -> list[str]:
    return [file.name for file in find_sources(sources)[0]]


def test_folders_are_walked_without_hidden_files_readmes_and_pictures(folder: Path) -> None:
    files, warnings = find_sources([str(folder)])
    assert [file.name for file in files] == ["livros/dois.md", "livros/um.txt", "tabelas/liga.csv"]
    assert [Path(problem.path).name for problem in warnings] == ["capa.jpg"]


def test_a_file_named_twice_is_read_once(folder: Path) -> None:
    assert names(str(folder / "livros"), str(folder / "livros" / "*.txt"), str(folder / "livros" / "um.txt")) == [
        "dois.md",
        "um.txt",
    ]


def test_relative_paths_and_double_stars_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert names("**/*.csv") == ["liga.csv"]
    assert names("livros") == ["dois.md", "um.txt"]


def test_every_wrong_path_is_told_at_once(folder: Path) -> None:
    (folder / "vazio.txt").write_text("")
    (folder / "livro.mobi").write_bytes(b"BOOKMOBI")
    (folder / "mapa.dwg").write_bytes(b"AC1015")
    (folder / "nada").write_text("x")
    os.mkfifo(folder / "cano.txt")
    (folder / "livros" / "fora.txt").symlink_to(folder.parent / "segredo.txt")
    (folder.parent / "segredo.txt").write_text("segredo")
    wrong = ["livros/umm.txt", "vazio.txt", "livro.mobi", "mapa.dwg", "nada", "cano.txt", "livros", "*.epub"]
    with pytest.raises(DataError) as caught:
        find_sources([str(folder / name) for name in wrong])
    told = {Path(problem.path).name: f"{problem.message} {problem.fix}" for problem in caught.value.problems}
    assert "Did you mean `um.txt`" in told["umm.txt"]
    assert "empty" in told["vazio.txt"]
    assert "`.mobi` files are not read. Convert it to .epub." in told["livro.mobi"]
    assert TOLD in told["mapa.dwg"]
    assert "no extension" in told["nada"]
    assert "not a regular file" in told["cano.txt"]
    assert "leads out of the folder" in told["fora.txt"]
    assert "matches nothing" in told["*.epub"]


def test_a_document_that_cannot_be_read_stops_a_folder_too(folder: Path) -> None:
    (folder / "livros" / "tres.doc").write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(DataError) as caught:
        find_sources([str(folder)])
    assert [Path(problem.path).name for problem in caught.value.problems] == ["tres.doc"]


def test_a_kind_that_a_file_cannot_be_is_refused(folder: Path) -> None:
    with pytest.raises(DataError, match="cannot be a table"):
        find_sources([SourceSpec(path=str(folder / "livros" / "dois.md"), kind="table")])


def test_no_sources_say_what_is_expected() -> None:
    with pytest.raises(InvalidArgument) as caught:
        find_sources([])
    assert caught.value.field == "sources"


def test_names_do_not_depend_on_where_the_folder_lies(folder: Path, tmp_path: Path) -> None:
    before = names(str(folder))
    folder.rename(tmp_path / "mudado")
    assert names(str(tmp_path / "mudado")) == before


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("liga.csv", "a,b", "table"),
        ("ex.jsonl", "{}", "examples"),
        ("biografias/ana.md", "Texto qualquer.", "biography"),
        ("bio-ana.txt", "Texto qualquer.", "biography"),
        ("livros/ana.md", "Ana nasceu em Lisboa.", "book"),
        ("ana.md", "# Ana Reis\n\nAna Reis nasceu em Lisboa, em 1950.", "biography"),
        ("conto.txt", "Era uma vez um farol.", "book"),
        ("biologia.txt", "A célula é a unidade da vida.", "book"),
    ],
)
def test_kinds_are_told_by_extension_name_and_text(name: str, text: str, kind: str) -> None:
    assert tell_kind(name, text) == kind


def test_what_cannot_be_decoded_is_told_by_its_file(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(b"\x00\x01\x02\x03" * 100)
    files, _ = find_sources([str(path)])
    sources, problems = read_sources(files[0])
    assert sources == []
    assert problems[0].path == "x.txt"
    assert "binary" in problems[0].message
