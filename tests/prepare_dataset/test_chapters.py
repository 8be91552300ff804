from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.prepare_dataset.support import source
from tools.prepare_dataset.books import parse_book
from tools.prepare_dataset.chapters import read_book
from tools.prepare_dataset.wording import wording

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
        (["— 1 —", "— 2 —", "— 3 —"], ["— 1 —", "— 2 —", "— 3 —"]),
        (["1\n\nA partida", "2\n\nO mar", "3\n\nA volta"], ["1: A partida", "2: O mar", "3: A volta"]),
        (["I – A partida", "II – O mar", "III – A volta"], ["I – A partida", "II – O mar", "III – A volta"]),
        (["1. A partida", "2. O mar", "3. A volta"], ["1. A partida", "2. O mar", "3. A volta"]),
        (["A PARTIDA", "O MAR DE DENTRO", "A VOLTA"], ["A PARTIDA", "O MAR DE DENTRO", "A VOLTA"]),
        (["PRÓLOGO", "I", "II", "III", "EPÍLOGO"], ["PRÓLOGO", "I", "II", "III", "EPÍLOGO"]),
        (["Primeiro Capítulo", "SEGUNDO CAPÍTULO", "CANTO IX"], ["Primeiro Capítulo", "SEGUNDO CAPÍTULO", "CANTO IX"]),
        (["**Capítulo 1**", "**Capítulo 2: O mar**"], ["Capítulo 1", "Capítulo 2: O mar"]),
        (["Parte I", "Parte II: O mar"], ["Parte I", "Parte II: O mar"]),
        (["# Um", "# Dois"], ["Um", "Dois"]),
        (["Um\n===", "O mar\n====="], ["Um", "O mar"]),
        (["1. Um\n-----", "1.1. Dois\n--------", "2. Três\n-------"], ["1. Um", "2. Três"]),
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


def test_parts_stand_before_the_titles_of_their_chapters() -> None:
    book = [f"{heading}\n\n{BODY}" for heading in ("CAPÍTULO I", "CAPÍTULO II")]
    text = "\n\n".join(["PRÓLOGO", BODY, "PARTE I\nA ida", *book, "PARTE II\nA volta", BODY, *book, "EPÍLOGO", BODY])
    assert titles(text) == [
        "PRÓLOGO",
        "PARTE I: A ida – CAPÍTULO I",
        "PARTE I: A ida – CAPÍTULO II",
        "PARTE II: A volta",
        "PARTE II: A volta – CAPÍTULO I",
        "PARTE II: A volta – CAPÍTULO II",
        "PARTE II: A volta – EPÍLOGO",
    ]
    second = read_book(text, "ficheiro").chapters[1]
    assert text[second.start :].startswith("PARTE I\nA ida\n\nCAPÍTULO I")


def test_parts_in_markdown_hold_the_level_below() -> None:
    chapter = f"## O mar\n\n{BODY}\n\n## A terra\n\n{BODY}"
    text = f"# Prólogo\n\n{BODY}\n\n# Parte I\n\n{chapter}\n\n# Parte II\n\n{chapter}"
    assert titles(text) == [
        "Prólogo",
        "Parte I – O mar",
        "Parte I – A terra",
        "Parte II – O mar",
        "Parte II – A terra",
    ]


def test_a_part_by_another_name_is_told_by_the_share_that_it_holds() -> None:
    def chapters(*names: str) -> str:
        return "".join(f"## {name}\n\n{BODY}\n\n" for name in names)

    text = f"# Prólogo\n\n{BODY}\n\n# Terra\n\n{chapters('Um', 'Dois', 'Três')}# Mar\n\n{chapters('Sal', 'Sol', 'Sul')}"
    assert titles(text) == [
        "Prólogo",
        "Terra – Um",
        "Terra – Dois",
        "Terra – Três",
        "Mar – Sal",
        "Mar – Sol",
        "Mar – Sul",
    ]
    sections = "".join(f"# Capítulo {n}\n\n{chapters('Um', 'Dois', 'Três')}" for n in range(8))
    assert titles(sections) == [f"Capítulo {n}" for n in range(8)]


def test_a_new_chapter_leaves_the_names_of_others_as_they_are() -> None:
    parts = [f"PARTE {number}\n\nCAPÍTULO I\n\n{BODY}\n\nCAPÍTULO II\n\n{BODY}" for number in ("I", "II")]
    before = titles("\n\n".join(parts))
    after = titles("\n\n".join([parts[0], f"CAPÍTULO III\n\n{BODY}", parts[1]]))
    assert set(after) - set(before) == {"PARTE I – CAPÍTULO III"}
    assert set(before) < set(after)


@pytest.mark.parametrize(
    "contents",
    [
        "Índice\n\nCapítulo 1 .......... 5\nCapítulo 2 .......... 90\nCapítulo 3 . . . . . 95",
        "CONTEÚDO\n\nCapítulo 1\n\nCapítulo 2\n\nCapítulo 3",
        "# Sumário\n\n1. Capítulo 1\n2. Capítulo 2\n3. Capítulo 3",
        "Contents\n--------\n\n  1.   Capítulo 1, de um título que\n       dá a volta\n  1.1.    Um\n  2.   Capítulo 2",
    ],
)
def test_a_table_of_contents_is_left_out(contents: str) -> None:
    chapters = "\n\n".join(f"Capítulo {n}\n\n{BODY}" for n in (1, 2, 3))
    text = f"O Livro\n\n{contents}\n\n{chapters}"
    book = read_book(text, "ficheiro")
    assert [chapter.title for chapter in book.chapters] == ["Capítulo 1", "Capítulo 2", "Capítulo 3"]
    assert book.title == "O Livro"
    assert book.contents is not None
    assert text[slice(*book.contents)] == contents
    assert text[book.chapters[0].start :] == chapters


def test_contents_at_the_end_are_no_part_of_the_last_chapter() -> None:
    text = f"Capítulo 1\n\n{BODY}\n\nCapítulo 2\n\n{BODY}\n\nÍndice\n\nCapítulo 1 ... 3\nCapítulo 2 ... 9\nNotas ... 12"
    chapters = read_book(text, "ficheiro").chapters
    assert [chapter.title for chapter in chapters] == ["Capítulo 1", "Capítulo 2"]
    assert text[: chapters[1].end].endswith(BODY.strip())


def test_a_preface_between_contents_and_chapters_is_kept() -> None:
    listed = "Índice\n\nCapítulo 1 .... 5\nCapítulo 2 .... 9\nCapítulo 3 .... 12"
    text = f"O Livro\n\n{listed}\n\n{BODY * 2}\n\nCapítulo 1\n\n{BODY}\n\nCapítulo 2\n\n{BODY}"
    assert titles(text) == ["O Livro", "Capítulo 1", "Capítulo 2"]


def test_a_list_under_the_word_contents_that_is_prose_stays() -> None:
    text = f"# Um\n\n{BODY}\n\n## Sumário\n\n{BODY}\n\n# Dois\n\n{BODY}"
    assert read_book(text, "ficheiro").contents is None


def test_comments_of_settings_are_no_headings() -> None:
    block = "# O porto em que se escuta\nporto 80\n# O ficheiro de registo\nregisto /var/log\n"
    text = "\n\n".join(f"{n}. Secção\n----------\n\n{BODY}\n\n{block}" for n in (1, 2, 3))
    assert titles(text) == ["1. Secção", "2. Secção", "3. Secção"]
    assert titles(f"{BODY}\n\n{block}\n\n{BODY}\n\n{block}\n\n{BODY}") == ["ficheiro"]


def test_numbers_of_pages_are_no_chapters() -> None:
    pages = [f"{BODY} e então ele" for _ in range(5)]
    text = "\n\n".join(f"{page}\n\n{n}" for n, page in enumerate(pages, 1))
    assert titles(text) == ["ficheiro"]


def test_a_rule_between_chapters_belongs_to_none() -> None:
    rule = "-" * 79
    text = f"# Um\n\n{BODY}\n\n{rule}\n\n# Dois\n\n{BODY}\n{rule}\n\n{rule}\n"
    chapters = read_book(text, "ficheiro").chapters
    assert [text[chapter.start : chapter.end] for chapter in chapters] == [
        f"# Um\n\n{BODY.strip()}",
        f"# Dois\n\n{BODY.strip()}",
    ]


def test_a_running_head_begins_no_chapter() -> None:
    text = "\n\n".join(f"CAPÍTULO {number}\n\n{BODY}" for number in ("I", "I", "I", "II", "II"))
    assert titles(text) == ["CAPÍTULO I", "CAPÍTULO II"]


def test_items_of_a_list_are_no_chapters() -> None:
    text = BODY + "\n\n" + "\n\n".join(f"{n}. Abrir a porta {n}" for n in range(1, 9)) + "\n\n" + BODY
    assert titles(text) == ["ficheiro"]


def test_a_rule_under_a_paragraph_is_no_underline() -> None:
    assert titles(f"{BODY}\n\nE assim foi\n{'-' * 79}\n\n{BODY}\n\nE assim é\n{'-' * 79}\n\n{BODY}") == ["ficheiro"]


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
    units = parse_book(source("conto.txt", text, "book"), wording("pt")).units
    assert 10 <= len(units) <= 20
    assert len({unit.span.document for unit in units}) == len(units)
    assert " ".join(text[unit.span.start : unit.span.end] for unit in units).split() == text.split()
    assert all(text[unit.span.end - 1] == "." for unit in units)
