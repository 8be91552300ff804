from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.prepare_dataset import repair
from tools.prepare_dataset.edits import EditedText

SAMPLE = Path(__file__).parents[2] / "clients" / "sample"


def mended(mend: Callable[[EditedText], None], text: str) -> tuple[str, dict[str, int]]:
    """The text as mended; undoing it gives the text as it came."""
    edited = EditedText(text)
    mend(edited)
    assert edited.original() == text
    return edited.text, edited.counts()


BOOK = (SAMPLE / "livros" / "a-oficina-dos-ventos.txt").read_text(encoding="utf-8")


def wrapped(text: str, width: int) -> str:
    return "\n".join("\n".join(textwrap.wrap(line, width)) for line in text.split("\n"))


@pytest.mark.parametrize("width", [60, 72, 80, 100])
def test_a_hard_wrapped_book_becomes_the_book_it_was(width: int) -> None:
    repaired, counts = mended(repair.repair_prose, wrapped(BOOK, width))
    assert repaired == BOOK
    assert counts["wrapped_lines"] > 100


def test_a_clean_book_is_left_as_it_is() -> None:
    assert mended(repair.repair_prose, BOOK) == (BOOK, {})


def test_verse_keeps_its_lines() -> None:
    verse = "\n".join(["O mar sem fim é português,", "e a voz da terra ansiando pelo mar", "fica.", "Ó gente!"] * 6)
    assert mended(repair.repair_prose, verse) == (verse, {})


def test_words_cut_at_line_ends_are_joined_and_true_hyphens_stay() -> None:
    filler = "uma linha bastante comprida que enche a coluna toda do texto composto"
    lines = [
        filler,
        "e a linha seguinte fala de um guarda-redes e da segunda-feira, na para-",
        "gem do autocarro que vem todos os dias de manhã, e depois foi buscar-",
        "-lhe o casaco que tinha ficado no banco daquele autocarro velho, o guarda-",
        "redes que ria, enquanto a avó, muito séria, se punha a falar e a conta-",
        "va as moedas que trazia no bolso, uma a uma, sem pressa nem grande ru-",
        "mor; e na paragem ninguém contava outra coisa senão que ia ele dar-",
        "lhe boleia até casa, por estar a chover de tal maneira naquela altura.",
    ] + [filler] * 4
    repaired, counts = mended(repair.repair_prose, "\n".join(lines))
    for word in ("paragem do", "buscar-lhe", "guarda-redes que ria", "contava as", "rumor;", "dar-lhe boleia"):
        assert word in repaired
    assert counts["line_end_hyphens"] == 6


def test_dialogue_lists_and_headings_start_lines_of_their_own() -> None:
    long = "Esta linha tem mesmo de chegar ao fim da coluna para parecer composta"
    lines = [long, "— Olá — disse ela.", long, "1. Primeiro ponto da lista.", long, "# Título", long]
    text = "\n".join(lines + [long] * 8)
    repaired, _ = mended(repair.repair_prose, text)
    assert "\n— Olá — disse ela.\n" in repaired
    assert "\n# Título\n" in repaired


def test_line_ends_soft_hyphens_and_decomposed_letters_are_counted() -> None:
    text = "cora\u00adção\r\n" + unicodedata.normalize("NFD", "mãe") + "\u200b\rfim"
    repaired, counts = mended(repair.repair_prose, text)
    assert repaired == "coração\nmãe\nfim"
    assert counts == {"line_ends": 2, "soft_hyphens": 1, "decomposed_letters": 1, "invisible_characters": 1}


def test_json_lines_keep_the_separators_inside_their_strings() -> None:
    text = '{"text": "um\u2028dois"}\r\n{"text": "três"}'
    assert mended(repair.repair_lines, text) == ('{"text": "um\u2028dois"}\n{"text": "três"}', {"line_ends": 1})


def test_tables_of_old_macs_get_lines() -> None:
    assert mended(repair.repair_table, "a,b\r1,2\r") == ("a,b\n1,2\n", {"line_ends": 2})
