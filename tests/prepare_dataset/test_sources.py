from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

import pytest

from tools.errors import DataError, InvalidArgument
from tools.prepare_dataset.contract import SourceSpec
from tools.prepare_dataset.file_types import FILE_TYPES, NOT_READ, TOLD
from tools.prepare_dataset.read import read_sources, tell_kind
from tools.prepare_dataset.roots import Roots
from tools.prepare_dataset.sources import MAX_BYTES, find_sources
from tools.workspace.layout import Workspace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("livros/um.txt", "livros/dois.md", "tabelas/liga.csv", ".oculto/x.txt", "README.md", "capa.jpg"):
        path = tmp_path / "material" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("texto", encoding="utf-8")
    return tmp_path / "material"


@pytest.fixture
def roots(ws: Workspace) -> Roots:
    return Roots(ws)


def names(roots: Roots, *sources: str | SourceSpec) -> list[str]:
    return [file.name for file in find_sources(sources, roots)[0]]


def refused(roots: Roots, *sources: str) -> dict[str, str]:
    """What is told of each path."""
    with pytest.raises(DataError) as caught:
        find_sources(sources, roots)
    return {Path(problem.path).name: f"{problem.message} {problem.fix}" for problem in caught.value.problems}


def test_folders_are_walked_without_hidden_files_readmes_and_pictures(folder: Path, roots: Roots) -> None:
    (folder / "dataset_info.json").write_text("{}")
    files, warnings = find_sources([str(folder)], roots)
    assert [file.name for file in files] == ["livros/dois.md", "livros/um.txt", "tabelas/liga.csv"]
    assert [Path(problem.path).name for problem in warnings] == ["capa.jpg", "dataset_info.json"]


def test_a_file_of_several_names_is_read_once(folder: Path, roots: Roots) -> None:
    (folder / "livros" / "outro.txt").hardlink_to(folder / "livros" / "um.txt")
    (folder / "livros" / "ligado.txt").symlink_to("um.txt")
    places = [folder / "livros" / "um.txt", folder / "livros" / "*.txt", folder / "livros", f"{folder}/livros//./"]
    assert names(roots, *map(str, places)) == ["dois.md", "um.txt"]


def test_the_kind_counts_whichever_name_it_is_told_with(folder: Path, roots: Roots) -> None:
    told = SourceSpec(path=str(folder / "livros" / "um.txt"), kind="biography")
    assert find_sources([str(folder / "livros" / "um.txt"), told], roots)[0][0].kind == "biography"


def test_relative_paths_and_double_stars_work(folder: Path, roots: Roots, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert names(roots, "**/*.csv") == ["liga.csv"]
    assert names(roots, "**/[a-z]*.*") == ["livros/dois.md", "livros/um.txt", "tabelas/liga.csv"]
    assert names(roots, "livros") == names(roots, "livr*") == names(roots, "livros/?*.*") == ["dois.md", "um.txt"]


def test_brackets_in_a_name_are_taken_as_they_stand(folder: Path, roots: Roots) -> None:
    (folder / "livros").rename(folder / "livros [2024]")
    (folder / "livros [2024]" / "a[1].txt").write_text("texto")
    place = folder / "livros [2024]"
    assert names(roots, str(place / "*.txt")) == ["a[1].txt", "um.txt"]
    assert names(roots, str(place / "a[1].txt")) == ["a[1].txt"]
    assert names(roots, str(place / "[du]*")) == ["dois.md", "um.txt"]


def test_accents_may_be_stored_composed_or_decomposed(folder: Path, roots: Roots) -> None:
    stored = unicodedata.normalize("NFD", "ficção.txt")
    (folder / "livros" / stored).write_text("texto")
    for asked in ("ficção.txt", stored, "ficç*.txt"):
        assert names(roots, str(folder / "livros" / asked)) == ["ficção.txt"]
    (folder / "livros" / "ficção.txt").write_text("outro texto")
    assert any("how its accents are stored" in told for told in refused(roots, str(folder)).values())


def test_links_that_go_round_are_walked_once(folder: Path, roots: Roots) -> None:
    for name in ("volta", "outra"):
        (folder / "livros" / name).symlink_to(folder, target_is_directory=True)
    assert names(roots, str(folder / "**" / "*.txt")) == ["um.txt"]


def test_every_wrong_path_is_told_at_once(folder: Path, roots: Roots) -> None:
    (folder / "vazio.txt").write_text("")
    (folder / "livro.mobi").write_bytes(b"BOOKMOBI")
    (folder / "mapa.dwg").write_bytes(b"AC1015")
    (folder / "nada").write_text("x")
    os.mkfifo(folder / "cano.txt")
    (folder / "livros" / "fora.txt").symlink_to(folder.parent / "segredo.txt")
    (folder.parent / "segredo.txt").write_text("segredo")
    with (folder / "grande.txt").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    (folder / os.fsdecode(b"latin-\xe7.txt")).write_text("texto")
    long = "x" * 300 + ".txt"
    wrong = ["livros/umm.txt", "vazio.txt", "livro.mobi", "mapa.dwg", "nada", "cano.txt", "livros", "*.epub", long]
    told = refused(roots, *(str(folder / name) for name in (*wrong, "grande.txt", "latin*")), "~ninguem-aqui/a")
    assert "Did you mean `um.txt`" in told["umm.txt"]
    assert "empty" in told["vazio.txt"]
    assert "`.mobi` files are not read. Convert it to .epub." in told["livro.mobi"]
    assert TOLD in told["mapa.dwg"]
    assert "no extension" in told["nada"]
    assert "not a regular file" in told["cano.txt"]
    assert "leads out of the folder" in told["fora.txt"]
    assert "matches nothing" in told["*.epub"]
    assert "larger than 256 MB" in told["grande.txt"]
    assert "not UTF-8" in told["latin-?.txt"]
    assert any("longer than the system takes" in words for words in told.values())
    assert "cannot be a path" in told["a"]


def test_too_much_in_all_is_told_with_the_most(folder: Path, roots: Roots) -> None:
    for number in range(9):
        with (folder / f"grande{number}.txt").open("wb") as file:
            file.truncate(MAX_BYTES)
    with pytest.raises(InvalidArgument, match="hold too much") as caught:
        find_sources([str(folder)], roots)
    assert caught.value.expected == "at most 2 GB in all"


def test_a_document_that_cannot_be_read_stops_a_folder_too(folder: Path, roots: Roots) -> None:
    (folder / "livros" / "tres.doc").write_bytes(b"\xd0\xcf\x11\xe0")
    assert list(refused(roots, str(folder))) == ["tres.doc"]


def test_a_kind_that_a_file_cannot_be_is_refused(folder: Path, roots: Roots) -> None:
    with pytest.raises(DataError, match="cannot be a table"):
        find_sources([SourceSpec(path=str(folder / "livros" / "dois.md"), kind="table")], roots)


def test_no_sources_say_what_is_expected(roots: Roots) -> None:
    with pytest.raises(InvalidArgument) as caught:
        find_sources([], roots)
    assert caught.value.field == "sources"


def test_names_do_not_depend_on_where_the_folder_lies(folder: Path, roots: Roots, tmp_path: Path) -> None:
    before = names(roots, str(folder))
    folder.rename(tmp_path / "mudado")
    assert names(roots, str(tmp_path / "mudado")) == before


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


def test_what_cannot_be_decoded_is_told_by_its_file(tmp_path: Path, roots: Roots) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(b"\x00\x01\x02\x03" * 100)
    files, _ = find_sources([str(path)], roots)
    sources, problems = read_sources(files[0])
    assert sources == []
    assert problems[0].path == "x.txt"
    assert "binary" in problems[0].message


def test_the_types_that_are_told_are_read_and_those_refused_are_not() -> None:
    assert set(re.findall(r"\.\w+", TOLD)) < set(FILE_TYPES)
    assert not set(NOT_READ) & set(FILE_TYPES)
