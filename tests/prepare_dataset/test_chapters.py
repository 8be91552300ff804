from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.prepare_dataset.support import source
from tools.prepare_dataset.books import parse_book
from tools.prepare_dataset.chapters import read_book

SAMPLE = Path(__file__).parents[2] / "clients" / "sample" / "livros"
BODY = "Era uma vez um farol que se acendia todas as noites. " * 8


def titles(text: str) -> list[str]:
    return [chapter.title for chapter in read_book(text, "ficheiro").chapters]


def test_markdown_chapters_go_with_the_level_below_the_title() -> None:
    book = read_book((SAMPLE / "o-farol-de-areia.md").read_text(encoding="utf-8"), "ficheiro")
    assert book.title == "O Farol de Areia"
    assert len(book.chapters) == 7
    assert book.chapters[1].title == "Capítulo 2: Os degraus que faltavam"


def test_plain_chapters_take_the_title_from_the_line_after() -> None:
    text = (SAMPLE / "a-oficina-dos-ventos.txt").read_text(encoding="utf-8")
    book = read_book(text, "ficheiro")
    assert book.title == "A Oficina dos Ventos"
    assert len(book.chapters) == 7
    second = book.chapters[1]
    assert second.title == "CAPÍTULO II: As doze gavetas"
    assert text[second.start : second.end].startswith("CAPÍTULO II\nAs doze gavetas\n\nNo fundo")


@pytest.mark.parametrize(
    ("headings", "expected"),
    [
        (["Chapter 1", "Chapter 2. The sea", "EPILOGUE"], ["Chapter 1", "Chapter 2. The sea", "EPILOGUE"]),
        (["Capítulo Primeiro", "Capítulo Segundo – O mar"], ["Capítulo Primeiro", "Capítulo Segundo – O mar"]),
        (["I", "II", "III"], ["I", "II", "III"]),
        (["# Um", "# Dois"], ["Um", "Dois"]),
    ],
)
def test_headings_of_many_forms_are_found(headings: list[str], expected: list[str]) -> None:
    assert titles("O Livro\n\n" + "\n\n".join(f"{heading}\n\n{BODY}" for heading in headings)) == expected


def test_a_table_of_contents_makes_no_chapters() -> None:
    toc = "Índice\n\nCapítulo 1\n\nCapítulo 2\n\n"
    assert titles(toc + f"Capítulo 1\n\n{BODY}\n\nCapítulo 2\n\n{BODY}") == ["Capítulo 1", "Capítulo 2"]


def test_the_word_chapter_in_a_sentence_is_no_heading() -> None:
    text = f"{BODY}\n\nNo capítulo 3 conta-se o resto.\n\nCapítulo 3 da vida dele foi triste, como se sabe.\n\n{BODY}"
    assert titles(text) == ["ficheiro"]


def test_comments_in_code_are_no_headings() -> None:
    assert titles(f"# Um\n\n{BODY}\n\n```\n# comentário\n```\n\n# Dois\n\n{BODY}") == ["Um", "Dois"]


def test_chapters_cover_the_whole_text() -> None:
    for path in sorted(SAMPLE.iterdir()):
        text = path.read_text(encoding="utf-8")
        chapters = read_book(text, "ficheiro").chapters
        gaps = [text[: chapters[0].start], text[chapters[-1].end :]]
        gaps += [text[a.end : b.start] for a, b in pairwise(chapters)]
        assert not "".join(gaps).strip()


def test_titles_that_repeat_are_told_apart() -> None:
    assert titles(f"# Fim\n\n{BODY}\n\n# Fim\n\n{BODY}") == ["Fim", "Fim (2)"]


@pytest.mark.parametrize("gap", ["\n\n", "\n", " "])
def test_a_text_without_chapters_is_parted_so_that_some_can_be_held_out(gap: str) -> None:
    text = gap.join(f"Esta é a frase número {n} de um texto sem capítulos." for n in range(200))
    units = parse_book(source("conto.txt", text, "book")).units
    assert 8 <= len(units) <= 10
    assert len({unit.span.document for unit in units}) == len(units)
    assert " ".join(text[unit.span.start : unit.span.end] for unit in units).split() == text.split()
    assert all(text[unit.span.end - 1] == "." for unit in units)
