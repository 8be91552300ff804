from __future__ import annotations

import random
import textwrap
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.debian_texts import books, focalinux, has_debian
from tools.prepare_dataset import repair
from tools.prepare_dataset.edits import EditedText
from tools.prepare_dataset.hyphens import rejoined, word_counts

SAMPLE = Path(__file__).parents[2] / "clients" / "sample"
BOOK = (SAMPLE / "livros" / "a-oficina-dos-ventos.txt").read_text(encoding="utf-8")
OTHER = (Path(__file__).parent / "material" / "a-aldeia-dos-relogios.txt").read_text(encoding="utf-8")
WORDS = sorted({word for word in BOOK.split() if word[0].isalpha()})
FILLER = "uma linha bastante comprida que enche a coluna toda do texto composto"


def mended(mend: Callable[[EditedText], None], text: str) -> tuple[str, dict[str, int]]:
    """The text as mended; undoing it gives the text as it came."""
    edited = EditedText(text)
    mend(edited)
    assert edited.original() == text
    return edited.text, edited.counts()


def prose(text: str) -> str:
    return mended(repair.repair_prose, text)[0]


def wrapped(text: str, width: int, indent: str = "", first: str | None = None) -> str:
    return "\n".join(
        textwrap.fill(line, width, initial_indent=indent if first is None else first, subsequent_indent=indent)
        for line in text.split("\n")
    )


@pytest.mark.parametrize("width", [60, 72, 80, 100])
def test_a_hard_wrapped_book_becomes_the_book_it_was(width: int) -> None:
    repaired, counts = mended(repair.repair_prose, wrapped(BOOK, width))
    assert repaired == BOOK
    assert counts["wrapped_lines"] > 100


@pytest.mark.parametrize("width", [60, 75])
def test_a_book_with_a_margin_becomes_the_book_it_was(width: int) -> None:
    repaired, counts = mended(repair.repair_prose, wrapped(BOOK, width, indent="     "))
    assert repaired == BOOK
    assert counts["left_margin"] > 50


def test_paragraphs_told_by_their_first_lines_alone_stay_apart() -> None:
    paragraphs = [line for line in BOOK.split("\n") if len(line) > 300]
    text = wrapped("\n".join(paragraphs), 70, first="    ")
    assert prose(text) == "\n".join("    " + paragraph for paragraph in paragraphs)


@given(st.integers(0, 2**32), st.integers(60, 100))
def test_paragraphs_of_any_words_become_whole(seed: int, width: int) -> None:
    chosen = random.Random(seed)
    paragraphs = [" ".join(chosen.choices(WORDS, k=60)).capitalize() + "." for _ in range(6)]
    filled = [textwrap.fill(paragraph, width, break_on_hyphens=False) for paragraph in paragraphs]
    assert prose("\n\n".join(filled)) == "\n\n".join(paragraphs)


@pytest.mark.parametrize("text", [BOOK, OTHER])
def test_a_clean_book_is_left_as_it_is(text: str) -> None:
    assert mended(repair.repair_prose, text) == (text, {})


def test_verse_keeps_its_lines() -> None:
    verse = "\n".join(["O mar sem fim é português,", "e a voz da terra ansiando pelo mar", "fica.", "Ó gente!"] * 6)
    assert mended(repair.repair_prose, verse) == (verse, {})


def test_verse_in_a_wrapped_book_keeps_its_lines() -> None:
    verse = "Não me digas que horas são,\nque eu já não quero saber:\ntrago as horas pela mão\ne não as deixo correr."
    text = wrapped(BOOK, 72)
    half = text.index("\n\n", len(text) // 2)
    assert verse in prose(f"{text[:half]}\n\n{verse}{text[half:]}")


def test_words_cut_at_line_ends_are_joined_and_true_hyphens_stay() -> None:
    lines = [
        FILLER,
        "e a linha seguinte fala de um guarda-redes e da segunda-feira, na para-",
        "gem do autocarro que vem todos os dias de manhã, e depois foi buscar-",
        "-lhe o casaco que tinha ficado no banco daquele autocarro velho, o guarda-",
        "redes que ria, enquanto a avó, muito séria, se punha a falar e a conta-",
        "va as moedas que trazia no bolso, uma a uma, sem pressa nem grande ru-",
        "mor; e na paragem ninguém contava outra coisa senão que ia ele dar-",
        "lhe boleia até casa, por estar a chover de tal maneira naquela altura.",
    ] + [FILLER] * 4
    repaired, counts = mended(repair.repair_prose, "\n".join(lines))
    for word in ("paragem do", "buscar-lhe", "guarda-redes que ria", "contava as", "rumor;", "dar-lhe boleia"):
        assert word in repaired
    assert counts["line_end_hyphens"] == 6


KNOWN = word_counts(
    "o problema da forma; a menina mora em casa; senta, conta, disse, lembrar, o céu. anti-herói e herói"
)


@pytest.mark.parametrize(
    "word",
    [
        # pronouns
        *("lembrar|-se", "queixou|-se", "senta|-se", "disse|-me", "deu|-lhes", "fazê|-lo", "amá|-las", "viram|-no"),
        *("dão|-na", "contou|-mas", "vamo|-nos", "vi|-lhe", "dar|-te", "viu|-o", "chama|-se", "diz|-se", "dá|-me"),
        # compounds and names
        *("guarda|-redes", "segunda|-feira", "recém|-nascido", "pós|-guerra", "anti|-herói", "Castelo|-Branco"),
        *("Trás-os|-Montes", "1939|-1945", "covid|-19", "VICE|-REI"),
        # words that were cut
        *("proble|ma", "for|ma", "meni|na", "qua|se", "fos|se", "can|se", "no|me", "infor|me", "par|te", "supor|te"),
        *("bigo|te", "huma|nos", "peque|no", "boni|tas", "sécu|lo", "jane|la", "te|ma", "deta|lhe", "cora|ção"),
        *("PORTU|GUESA", "fra|se", "análi|se", "perso|nagem", "maravi|lha", "entre|tanto"),
    ],
)
def test_a_word_cut_at_a_line_end_keeps_the_hyphens_that_are_its_own(word: str) -> None:
    left, right = word.split("|")
    # Some typesetters repeat a true hyphen on the next line, most do not.
    assert rejoined(left, "", right.removeprefix("-"), KNOWN) == word.replace("|", "")
    if right.startswith("-"):
        assert rejoined(left, "-", right[1:], KNOWN) == word.replace("|", "")


def test_lines_that_break_at_true_hyphens_alone_keep_them() -> None:
    lines = [FILLER] * 60
    lines[20:22] = [
        "e nesse dia, como tantas vezes acontecia na aldeia dos ventos, o cata-",
        "vento girou sem " + FILLER,
    ]
    assert "o cata-vento girou" in prose("\n".join(lines))


def test_dialogue_lists_and_headings_start_lines_of_their_own() -> None:
    long = "Esta linha tem mesmo de chegar ao fim da coluna para parecer composta"
    lines = [long, "— Olá — disse ela.", long, "1. Primeiro ponto da lista.", long, "# Título", long]
    text = "\n".join(lines + [long] * 8)
    repaired = prose(text)
    assert "\n— Olá — disse ela.\n" in repaired
    assert "\n# Título\n" in repaired


def test_dialogue_that_goes_on_after_a_line_end_is_joined() -> None:
    lines = ["— Não sei se ele vem amanhã ou se fica em casa com a mãe e os irmãos", "— respondeu ela, sem o olhar."]
    assert prose("\n".join([*lines, "", *[FILLER] * 9])).startswith(
        "— Não sei se ele vem amanhã ou se fica em casa com a"
    )
    assert "irmãos — respondeu ela" in prose("\n".join([*lines, "", *[FILLER] * 9]))


def test_items_of_lists_become_whole_at_their_indent() -> None:
    item = "se chegar atrasado, entre pela porta de trás e não faça barulho, que há quem durma de dia"
    listed = textwrap.fill(item, 72, initial_indent="   * ", subsequent_indent="     ")
    text = "\n".join([listed, listed, "", *[FILLER] * 12])
    assert listed.count("\n") == 1
    assert prose(text).startswith(f"   * {item}\n   * {item}\n\n")


MARKDOWN = f"""{FILLER}
{FILLER}

```python
uma_linha_de_programa = bastante_comprida(que_enche, a_coluna, toda_ela)
outra_linha_de_programa = bastante_comprida(que_enche, a_coluna, toda_)
```

| época | equipa | pontos | golos marcados | golos sofridos | marcador |
|-------|--------|--------|----------------|----------------|----------|
| 1931  | Farol  | 41     | 63             | 22             | Bandurra |

Equipa         Pontos    Golos     Sofridos    Vitórias     Derrotas
Farol Futebol  41        63        22          18           3

1.1. Uma secção com um título que é tão comprido que enche a linha toda
-----------------------------------------------------------------------
{FILLER}
"""


def test_code_tables_and_underlined_headings_keep_their_lines() -> None:
    text = MARKDOWN + "\n" + "\n".join([FILLER] * 30)
    repaired = prose(text)
    kept = [line for line in MARKDOWN.split("\n") if line and line != FILLER]
    assert [line for line in repaired.split("\n") if line in kept] == kept
    assert f"{FILLER} {FILLER}" in repaired


def test_line_ends_soft_hyphens_and_decomposed_letters_are_counted() -> None:
    text = "cora\u00adção\r\n" + unicodedata.normalize("NFD", "mãe") + "\u200b\rfim"
    repaired, counts = mended(repair.repair_prose, text)
    assert repaired == "coração\nmãe\nfim"
    assert counts == {"line_ends": 2, "soft_hyphens": 1, "decomposed_letters": 1, "invisible_characters": 1}


@pytest.mark.parametrize(
    ("text", "repaired", "name"),
    [
        ("o ﬁm da ﬂor, o eﬀeito do aﬃnador", "o fim da flor, o effeito do affinador", "ligatures"),
        ("o Sr.\xa0Silva deu 10\u202f000\xa0€", "o Sr. Silva deu 10 000 €", "special_blanks"),
        ("uma\x00 linha\x07 com\x1f restos\x7f\x9f", "uma linha com restos", "control_characters"),
        ("o fim do ficheiro\n\x1a", "o fim do ficheiro\n", "control_characters"),
        ("\x1b[1mnegrito\x1b[0m e N\bNO\bOM\bME\bE", "negrito e NOME", "control_characters"),
        ("parte um\n\ufeffparte dois", "parte um\nparte dois", "invisible_characters"),
        ("o fim da página\n\fcontinua aqui\fe aqui", "o fim da página\ncontinua aqui\ne aqui", "page_breaks"),
        ("cora\u00ad\n  ção", "coração", "soft_hyphens"),
        ("um fim  \n\noutro\t\n", "um fim\n\noutro\n", "trailing_blanks"),
        ("a\x85b\u2028c\u2029d\ve", "a\nb\nc\nd\ne", "line_ends"),
    ],
)
def test_what_programs_left_in_prose_goes_and_is_counted(text: str, repaired: str, name: str) -> None:
    found, counts = mended(repair.repair_prose, text)
    assert found == repaired
    assert counts.keys() == {name}


def test_letters_alone_are_composed() -> None:
    text = "≠ ½ № ①  Å µ ª º … ™"
    assert mended(repair.repair_prose, text) == (text, {})


def test_json_lines_keep_the_separators_inside_their_strings() -> None:
    text = '{"text": "um\u2028dois\xa0ﬁm"}\r\n\ufeff{"text": "três"}\n\x1a'
    found, counts = mended(repair.repair_lines, text)
    assert found == '{"text": "um\u2028dois\xa0ﬁm"}\n{"text": "três"}\n'
    assert counts == {"line_ends": 1, "invisible_characters": 1, "control_characters": 1}


def test_tables_of_old_macs_get_lines() -> None:
    assert mended(repair.repair_table, "a,b\r1,2\r") == ("a,b\n1,2\n", {"line_ends": 2})


@given(st.text(alphabet="aãe\u0303 -—\n\r\t.\x1a\xad\u200b\f", max_size=200))
def test_any_text_can_be_had_back_and_is_mended_once(text: str) -> None:
    once = prose(text)
    assert prose(once) == once


def test_three_megabytes_are_repaired_in_time_that_grows_with_them() -> None:
    text = wrapped(BOOK + OTHER, 72)
    text *= 3_000_000 // len(text)
    edited = EditedText(text)
    began = time.process_time()
    repair.repair_prose(edited)
    assert time.process_time() - began < 15  # 0.8 on an idle core; with the square of it, an hour
    assert edited.counts()["wrapped_lines"] > 10_000


@pytest.mark.verify
def test_whole_books_come_back_from_hard_wraps() -> None:
    for name, text in books().items():
        assert prose(prose(text)) == prose(text), name
    if has_debian():
        for name, raw in focalinux().items():
            repaired, counts = mended(repair.repair_prose, raw.decode("latin-1"))
            assert counts["wrapped_lines"] > 2500, name
            whole = [line for line in repaired.split("\n") if line[:1].isalpha() and len(line) > 60]
            ended = sum(line.rstrip("'\"_)`»")[-1:] in ".:!?;" for line in whole)
            assert ended > 0.8 * len(whole), name
