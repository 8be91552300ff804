from __future__ import annotations

import csv
import io
import json
import textwrap
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.damage import misread, swapped
from tests.support.debian_texts import books
from tools.prepare_dataset.charsets import Charset
from tools.prepare_dataset.edits import EditedText
from tools.prepare_dataset.mojibake import mend_mojibake
from tools.prepare_dataset.repair import repair_prose

SAMPLE = Path(__file__).parents[2] / "clients" / "sample"
BOOK = (Path(__file__).parent / "material" / "a-aldeia-dos-relogios.txt").read_text(encoding="utf-8")
OFICINA = (SAMPLE / "livros" / "a-oficina-dos-ventos.txt").read_text(encoding="utf-8")
FARO = (SAMPLE / "livros" / "o-farol-de-areia.md").read_text(encoding="utf-8")
LINES = [line for line in BOOK.split("\n") if sum(not word.isascii() for word in line.split()) >= 3]

ONCE: tuple[Charset, ...] = ("mac_roman", "latin_1", "cp1252", "cp850", "cp437")
TWICE = tuple(product(ONCE[:4], ONCE[:4]))
WORDS = sorted(set((BOOK + FARO).split()))


def mended(text: str, quotes_are_syntax: bool = False) -> tuple[str, dict[str, int]]:
    """The text as mended, and how often; undoing it gives the text as it came."""
    edited = EditedText(text)
    mend_mojibake(edited, quotes_are_syntax)
    assert edited.original() == text
    return edited.text, edited.counts()


@pytest.mark.parametrize("charset", ONCE)
def test_a_book_of_utf8_that_was_read_as_another_encoding_comes_back(charset: Charset) -> None:
    for text in (BOOK, FARO):
        found, counts = mended(misread(text, charset))
        assert found == text
        assert counts == {f"mojibake_{charset}": sum(char > "\x7f" for char in text)}


@pytest.mark.parametrize("charsets", TWICE)
def test_a_book_that_was_misread_twice_comes_back_round_by_round(charsets: tuple[Charset, Charset]) -> None:
    edited = EditedText(misread(BOOK, *charsets))
    mend_mojibake(edited)
    assert edited.text == BOOK
    assert len(edited.steps) == 2
    assert edited.steps[1].undo(edited.text) == misread(BOOK, charsets[0])


@pytest.mark.parametrize(
    ("was", "read_as"),
    [
        ("cp1252", "mac_roman"),
        ("mac_roman", "cp1252"),
        ("cp1252", "cp850"),
        ("cp850", "cp1252"),
        ("cp850", "mac_roman"),
        ("cp1252", "latin_1"),
    ],
)
def test_bytes_of_an_older_encoding_that_were_read_as_another_come_back(was: Charset, read_as: Charset) -> None:
    text = BOOK if read_as == "latin_1" else BOOK.translate(str.maketrans("—€½", "-$1"))
    found, counts = mended(swapped(text, was, read_as))
    assert found == text
    assert list(counts) == [f"mojibake_{was}_as_{read_as}"]


@pytest.mark.parametrize("text", [BOOK, FARO, BOOK.upper()], ids=["book", "other book", "capitals"])
def test_a_clean_book_is_left_as_it_is(text: str) -> None:
    assert mended(text) == (text, {})


CLEAN = {
    "capitals before marks": "«AMANHÃ»\n“IRMÔ, disse.\nNÃO, JOÃO: MAÇÃ… «MANHû “AVÔ\nAMANHÃ—disse. IRMÃ–PAI. É” À—\n",
    "about encodings": "Quando se lê UTF-8 como Latin-1, o ç aparece como `Ã§`.\nTambém se vê Ã§ sozinho.\n" * 2,
    "words as examples": 'Escreve-se "PreparaÃ§Ã£o" em vez de Preparação, e `JoÃ£o` em vez de João.\n',
    "examples in English": 'A word like "cafÃ©" is broken; so are Ã© and Ã§.\n' + "Plain English goes on here.\n" * 30,
    "a block of code": "# Codificações\n\n```\nPreparaÃ§Ã£o do cÃ³digo da funÃ§Ã£o\n```\n\nNão é assim que se lê.\n",
    "formulas": "y = √ß + 2√π; a√ßb; sen√ß + cos√ß; ∆x ≈ √∞; ¬π ∧ ¬ø; 3√© ™\nA raiz √ß não é √£ nem √ß.\n" * 4,
    "French": "« Là-bas », dit-elle… PÂTÉ — “CAFÉ”, « Âme » Ç’a été. « À ». 10\xa0000\xa0€ ; à\xa0propos\xa0: œuvre\n"
    * 4,
    "Spanish": "¿Qué pasó? ¡Años! «MAÑANA» ¿“ÁRBOL”? N.º 3, 1.ª — señor… ESPAÑA—dijo. Ñ” Ñ»\n" * 4,
    "German": "„Ärger“, sagte er, ‚Öl‘ und ‚ähnlich‘ — »Ü« STRASSE GRÖẞE Ä” Ä… „Ã“\n" * 4,
    "English": "The café’s owner — “naïve”, they said — paid £20… for a façade at 20 °C. Don’t!\n" * 4,
    "Swedish": "“TVÅ” Å… Å» “SMÅ” på ön. ÅÄÖ” Å–\n" * 4,
    "Polish": "Zażółć gęślą jaźń… Ą” Ł… «Ż» łódź\n" * 4,
    "Greek": "Η καρδιά μου «Αθήνα» είναι… π ≈ 3,14\n" * 4,
    "Russian": "Жили-были «старик» со старухой… НЕТ”\n" * 4,
    "a tree of folders": "├── pasta\n│   ├── ficheiro\n└── ação\n┌─┬─┐\n│é│á│\n├─┼─┤\n└─┴─┘ ├árvore\n" * 4,
}


@pytest.mark.parametrize("text", CLEAN.values(), ids=CLEAN.keys())
def test_what_only_looks_like_misreading_stays(text: str) -> None:
    assert mended(text) == (text, {})
    assert mended(BOOK + text) == (BOOK + text, {})


@given(st.lists(st.sampled_from(WORDS), max_size=60), st.sampled_from([" ", "\n", " «", "» ", "” — ", "… "]))
def test_clean_words_in_any_order_are_left_as_they_are(words: list[str], between: str) -> None:
    text = between.join(words)
    assert mended(text) == (text, {})
    assert mended(text.upper()) == (text.upper(), {})


@given(
    st.lists(st.sampled_from(WORDS), min_size=60, max_size=90),
    st.lists(st.sampled_from(ONCE[:4]), min_size=1, max_size=2),
)
def test_misread_words_in_any_order_come_back(words: list[str], charsets: list[Charset]) -> None:
    text = "A preparação começou na manhã do último sábado. " + " ".join(words)
    assert mended(misread(text, *charsets))[0] == text


@pytest.mark.parametrize("charsets", [*((charset,) for charset in ONCE[:4]), ("mac_roman", "cp1252")])
@pytest.mark.parametrize("count", [1, 3, 12])
def test_damaged_lines_in_a_sound_book_are_mended(charsets: tuple[Charset, ...], count: int) -> None:
    chosen = set(LINES[:: len(LINES) // count][:count])
    damaged = "\n".join(misread(line, *charsets) if line in chosen else line for line in BOOK.split("\n"))
    assert mended(damaged)[0] == BOOK


def test_a_file_joined_of_a_sound_and_a_misread_half_is_mended() -> None:
    assert mended(FARO + misread(BOOK, "cp1252"))[0] == FARO + BOOK
    assert mended(misread(FARO, "mac_roman") + misread(BOOK, "cp1252"))[0] == FARO + BOOK


def test_a_single_misread_line_alone_is_mended() -> None:
    assert mended("Prepara√ß√£o") == ("Preparação", {"mojibake_mac_roman": 2})
    assert mended(misread("Não há razão.", "latin_1"))[0] == "Não há razão."


def test_letters_of_other_scripts_come_back_with_the_text_around_them() -> None:
    text = BOOK + "E no fim: 😀 ☕ Ελλάδα — 日本\n"
    assert mended(misread(text, "mac_roman"))[0] == text
    assert mended(misread(text, "cp1252", "mac_roman"))[0] == text


def test_no_break_spaces_that_became_plain_are_known_for_what_they_were() -> None:
    damaged = misread(BOOK, "cp1252").replace("\xa0", " ")
    found, counts = mended(damaged)
    assert found == BOOK
    assert counts["mojibake_lost_characters"] > 10


@pytest.mark.parametrize("lost", ["", "\ufffd"])
def test_closing_quotation_marks_whose_last_byte_was_lost_come_back(lost: str) -> None:
    text = BOOK.replace("«", "“").replace("»", "”")
    assert mended(misread(text, "cp1252").replace("â€\x9d", f"â€{lost}"))[0] == text


def test_control_characters_that_end_lines_stay() -> None:
    text = BOOK.replace("\n", "\x85")
    assert mended(text) == (text, {})


WRAPPED = "\n".join("\n".join(textwrap.wrap(line, 72)) for line in OFICINA.split("\n"))


@pytest.mark.parametrize("charsets", [("mac_roman",), ("latin_1",), ("cp1252", "mac_roman")])
def test_damage_comes_with_windows_line_ends_and_hard_wraps(charsets: tuple[Charset, ...]) -> None:
    edited = EditedText(misread(WRAPPED.replace("\n", "\r\n"), *charsets))
    mend_mojibake(edited)
    assert edited.text == WRAPPED.replace("\n", "\r\n")
    repair_prose(edited)
    assert edited.text == OFICINA
    assert edited.original() == misread(WRAPPED.replace("\n", "\r\n"), *charsets)


def table(cell: Callable[[str], str]) -> str:
    out = io.StringIO()
    rows = [[str(number), line, cell(line), "sim"] for number, line in enumerate(LINES[:40])]
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["n.º", "dito", "título", "notas"], *rows])
    return out.getvalue()


@pytest.mark.parametrize("charset", ONCE)
def test_cells_of_a_table_come_back(charset: Charset) -> None:
    whole = table(lambda line: line.split()[0])
    assert mended(misread(whole, charset), quotes_are_syntax=True)[0] == whole
    column = table(lambda line: line)
    assert mended(table(lambda line: misread(line, charset)), quotes_are_syntax=True)[0] == column


def test_a_table_with_names_alone_comes_back() -> None:
    names = 'nome;golos\n"João";3\n"Conceição";2\n"Inês";1\n' + '"Ana";0\n' * 400
    assert mended(misread(names, "cp1252"), quotes_are_syntax=True)[0] == names


@pytest.mark.parametrize("ensure_ascii", [False, True])
def test_strings_of_json_lines_come_back(ensure_ascii: bool) -> None:
    texts = [f"{line}\n— {line}" for line in LINES[:30]]
    damaged = "\n".join(json.dumps({"text": misread(text, "mac_roman")}, ensure_ascii=ensure_ascii) for text in texts)
    found, _ = mended(damaged, quotes_are_syntax=True)
    assert [json.loads(line)["text"] for line in found.split("\n")] == texts


def test_escapes_of_sound_json_lines_stay() -> None:
    lines = "\n".join(json.dumps({"text": line}) for line in LINES)
    assert "\\u00e7" in lines
    assert mended(lines, quotes_are_syntax=True) == (lines, {})


def test_a_line_read_as_an_encoding_without_a_table_is_mended_by_ftfy() -> None:
    line = "A preparação da festa começou às três da manhã, com a bênção do avô."
    damaged = line.encode("utf-8").decode("cp1250", errors="ignore")
    found, counts = mended(f"{BOOK}\n{damaged}\n{BOOK}")
    assert found == f"{BOOK}\n{line}\n{BOOK}"
    assert list(counts) == ["mojibake_lines"]


def test_a_megabyte_is_judged_in_time_that_grows_with_it() -> None:
    text = (BOOK + FARO) * (1_000_000 // len(BOOK + FARO))
    began = time.process_time()
    assert mended(text) == (text, {})
    assert time.process_time() - began < 5


@pytest.mark.verify
def test_whole_books_come_back_from_every_misreading() -> None:
    texts = books()
    for name, text in texts.items():
        assert mended(text) == (text, {}), name
        for charset in ONCE:
            assert mended(misread(text, charset))[0] == text, (name, charset)
    name, text = next(iter(texts.items()))
    for charsets in TWICE:
        assert mended(misread(text, *charsets))[0] == text, (name, charsets)


@pytest.mark.verify
@pytest.mark.parametrize(("was", "read_as"), [("cp1252", "mac_roman"), ("mac_roman", "cp1252"), ("cp1252", "cp850")])
def test_whole_books_come_back_from_swapped_encodings(was: Charset, read_as: Charset) -> None:
    for name, text in books().items():
        assert mended(swapped(text, was, read_as))[0] == text, name
