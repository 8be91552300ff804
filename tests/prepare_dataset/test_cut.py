"""Passages are cut where a reader would, into even pieces, and no row is over the limit."""

from __future__ import annotations

import re
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.prepare_dataset.support import source
from tests.support.tiny_model import write_tokenizer
from tools.models.tokenizer import Tokenizer
from tools.prepare_dataset import cut as cutting
from tools.prepare_dataset.books import parse_book
from tools.prepare_dataset.breaks import Layout
from tools.prepare_dataset.compose import Composer
from tools.prepare_dataset.contract import Format
from tools.prepare_dataset.counting import RowCounter
from tools.prepare_dataset.cut import cut
from tools.prepare_dataset.material import Passage, RowDraft, Span
from tools.prepare_dataset.rows import repeating_ends
from tools.prepare_dataset.sentences import character_borders
from tools.prepare_dataset.wording import wording

SAMPLE = Path(__file__).parents[2] / "clients" / "sample"
SPAN = Span("a.md", "book", "a.md#um", "um", 0, 10)
FORMATS: tuple[Format, ...] = ("text", "completions", "chat")
SENTENCES = (
    "A Sra. D. Leonor subiu ao farol com o Sr. Dr. Abel.",
    "Contou os degraus, um por um, até ao n.º 41 da p. 5 do caderno.",
    "Ela perguntou: — Vens? — sem esperar resposta…",
    "«Não vou!», disse o velho; e ficou a olhar para o mar, que nessa noite não tinha barcos.",
    "Choveu.",
)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(folder)
    return Tokenizer.load(folder)


def composer(tokenizer: Tokenizer, form: Format = "text") -> Composer:
    return Composer(form, wording("pt"), RowCounter(tokenizer, "uma amostra"))


def pieces_of(tokenizer: Tokenizer, text: str, even: int, room: int) -> list[str]:
    layout = Layout(text, tokenizer.fast_counter("").ends(text))
    return [text[start:end] for start, end in layout.pieces(even, room)]


def rows_of(tokenizer: Tokenizer, text: str, limit: int, overlap: int = 0, form: Format = "text") -> list[RowDraft]:
    unit = Passage(Span("a.txt", "book", "a.txt#x", "x", 0, len(text)), title="x")
    return cut(unit, text, composer(tokenizer, form), limit, limit, overlap)


def prose(paragraphs: int, sentences: int = 6) -> str:
    lines = [SENTENCES[n % len(SENTENCES)] for n in range(paragraphs * sentences)]
    return "\n\n".join(" ".join(lines[n : n + sentences]) for n in range(0, len(lines), sentences))


# Never over the limit, nothing lost -------------------------------------------------------------

ALPHABET = "aáA1 .,;!?…»—\n#-:()🎉👩\u200d🇵🇹e\u0301漢。\r\t"


@settings(max_examples=70, deadline=None)
@given(st.text(alphabet=st.sampled_from(ALPHABET), min_size=1, max_size=300), st.integers(16, 90), st.integers(16, 90))
@example("a" * 700, 16, 16)
@example("👩\u200d👩\u200d👧" * 60, 30, 40)
@example("🇵🇹" * 90, 16, 20)
@example("e" + "\u0301" * 300, 16, 16)
@example("uma palavra\r\n\r\n" * 40, 16, 20)
@example("# Título\n\n" * 40, 16, 20)
def test_pieces_and_the_blanks_between_them_are_the_text(text: str, even: int, room: int) -> None:
    tokenizer = _tokenizer()
    ends = tokenizer.fast_counter("").ends(text)
    pieces = Layout(text, ends).pieces(min(even, room), room)
    assert pieces[0][0] == 0
    assert pieces[-1][1] == len(text)
    assert all(not text[a[1] : b[0]].strip() for a, b in pairwise(pieces))
    seen_as_one = {start for start, _ in character_borders(text, 0, len(text))}
    for start, end in pieces:
        assert sum(start < token <= end for token in ends.tolist()) <= room
        # A character is torn only where it alone has more tokens than half a piece.
        torn = start and start not in seen_as_one and not text[start - 1].isspace()
        assert not torn or tokenizer.count(text[max(0, start - 20) : start + 20]) > room // 2


_SHARED: list[Tokenizer] = []


def _tokenizer() -> Tokenizer:
    """The tokenizer, for properties: they take no fixtures."""
    return _SHARED[0]


@pytest.fixture(scope="module", autouse=True)
def _shared(tokenizer: Tokenizer) -> None:
    _SHARED[:] = [tokenizer]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.sampled_from([*SENTENCES, "palavra" * 30, "\n\n", "\n", "## Um\n\n", "1. a\n2. b\n", "🎉" * 40]), max_size=60
    ),
    st.sampled_from(FORMATS),
    st.integers(100, 300),
    st.sampled_from([0, 20, 90]),
)
def test_no_row_is_over_the_limit_and_no_word_is_lost(parts: list[str], form: Format, limit: int, overlap: int) -> None:
    text = " ".join(parts).strip() or "x"
    rows = rows_of(_tokenizer(), text, limit, overlap, form)
    assert rows
    counter = composer(_tokenizer(), form).counter
    for row in [*rows, *(row.repeating.row for row in rows if row.repeating)]:
        assert row.tokens == counter.row(row.content) <= limit
        assert text[row.span.start : row.span.end] in _last_text(row)
    assert "".join("".join(row.learned.split()) for row in rows) == "".join(text.split())


def _last_text(row: RowDraft) -> str:
    content = row.content
    return str(content.get("text") or content.get("completion") or content["messages"][-1]["content"])


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("limit", [160, 400, 1000])
def test_rows_of_a_book_fit_in_each_form(tokenizer: Tokenizer, form: Format, limit: int) -> None:
    book = source("oficina.txt", (SAMPLE / "livros" / "a-oficina-dos-ventos.txt").read_text(encoding="utf-8"), "book")
    unit = parse_book(book, wording("pt")).units[2]
    assert isinstance(unit, Passage)
    rows = cut(unit, book.text, composer(tokenizer, form), limit, limit)
    assert rows
    assert all(row.tokens <= limit for row in rows)
    told = "".join("".join(row.learned.split()) for row in rows)
    assert told == "".join(book.text[unit.span.start : unit.span.end].split())
    assert all(a.span.end <= b.span.start for a, b in pairwise(rows))


@pytest.mark.parametrize("run", [" ", "\n", ".", '"', "\n ", ". ", "-", "#", "# ", "1.", "🇵🇹", "\t.", ", "])
def test_long_runs_of_one_sign_take_no_long_time(tokenizer: Tokenizer, run: str) -> None:
    text = f"Índice\n\n1. Um\n\nO farol.{run * (80_000 // len(run))}Fim. # Um{run * (20_000 // len(run))}x"
    began = time.process_time()
    (unit, *_) = parse_book(source("a.txt", text, "book"), wording("pt")).units
    assert rows_of(tokenizer, text, 400)
    assert unit.span.end
    assert time.process_time() - began < 20


@pytest.mark.parametrize("unit", ["x", "Um parágrafo.\n\n"])
def test_a_long_text_is_cut_in_stretches_and_nothing_is_lost(
    tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch, unit: str
) -> None:
    monkeypatch.setattr(cutting, "_STRETCH", 20_000)
    text = (unit * (70_000 // len(unit))).strip()
    rows = rows_of(tokenizer, text, 400)
    assert all(row.tokens <= 400 for row in rows)
    assert all(text[row.span.start : row.span.end] == row.learned for row in rows)
    assert all(not text[a.span.end : b.span.start].strip() for a, b in pairwise(rows))
    assert (rows[0].span.start, rows[-1].span.end) == (0, len(text))


def test_a_row_without_room_for_text_is_not_made(tokenizer: Tokenizer) -> None:
    unit = Passage(SPAN, heading="um cabeçalho muito comprido " * 20, heading_more="x" * 400, composed="texto " * 50)
    assert cut(unit, "", composer(tokenizer), 64, 64) == []


# Where a reader would cut -----------------------------------------------------------------------


def test_prose_is_cut_between_sentences(tokenizer: Tokenizer) -> None:
    text = prose(3, sentences=40)
    pieces = pieces_of(tokenizer, text, 150, 200)
    assert len(pieces) > 10
    assert all(piece.startswith(SENTENCES) and piece.endswith(SENTENCES) for piece in pieces)


def test_paragraphs_stay_whole_where_they_fit(tokenizer: Tokenizer) -> None:
    text = prose(40, sentences=2)
    pieces = pieces_of(tokenizer, text, 400, 450)
    whole = set(text.split("\n\n"))
    assert all(paragraph in whole for piece in pieces for paragraph in piece.split("\n\n"))


def test_sections_begin_pieces_where_sizes_allow_it(tokenizer: Tokenizer) -> None:
    text = "\n\n".join(f"## Secção {n}\n\n{prose(3)}" for n in range(8))
    size = tokenizer.count(prose(3))
    pieces = pieces_of(tokenizer, text, size, int(size * 1.3))
    assert all(piece.startswith("## Secção") for piece in pieces)


@pytest.mark.parametrize(
    "heading", ["## O mar", "O mar\n-----", "CAPÍTULO II", "2.1. O mar", "O mar", "Levou consigo:"]
)
def test_no_piece_ends_with_a_heading_or_what_announces_more(tokenizer: Tokenizer, heading: str) -> None:
    text = "\n\n".join([heading, SENTENCES[0], SENTENCES[3]] * 30)
    for even in (60, 100, 170):
        pieces = pieces_of(tokenizer, text, even, even + 40)
        assert not [piece for piece in pieces if piece.endswith(heading)]


def test_a_title_set_apart_by_blank_lines_is_no_piece_of_its_own(tokenizer: Tokenizer) -> None:
    text = "TÍTULO DO LIVRO\n\n\n\n" + prose(12)
    assert all(len(row.learned) > 100 for row in rows_of(tokenizer, text, 400))


@pytest.mark.parametrize("paragraphs", [5, 11, 23, 40])
def test_pieces_are_of_about_one_size(tokenizer: Tokenizer, paragraphs: int) -> None:
    sizes = [row.tokens for row in rows_of(tokenizer, prose(paragraphs), 300)]
    assert min(sizes) > 0.7 * max(sizes)


def test_list_items_and_verses_keep_their_lines(tokenizer: Tokenizer) -> None:
    for text in (
        "\n".join(f"{n}. Abrir a porta. Subir a escada {n}" for n in range(60)),
        "\n".join("Ó mar salgado, quanto do teu sal\nSão lágrimas das ilhas" for _ in range(40)),
    ):
        lines = set(text.split("\n"))
        pieces = pieces_of(tokenizer, text, 120, 150)
        assert len(pieces) > 3
        assert all(line in lines for piece in pieces for line in piece.split("\n"))


def test_a_text_wrapped_at_a_width_is_not_torn_at_its_line_ends(tokenizer: Tokenizer) -> None:
    words = " ".join(SENTENCES[n % 2] for n in range(60)).split(" ")
    text = "\n".join("     " + " ".join(words[n : n + 9]) for n in range(0, len(words), 9))
    pieces = pieces_of(tokenizer, text, 200, 260)
    assert len(pieces) > 3
    assert all(piece.endswith((".",)) for piece in pieces)


def test_words_are_torn_only_where_nothing_else_is_left(tokenizer: Tokenizer) -> None:
    text = "sem pontuação nem parágrafos " * 200
    pieces = pieces_of(tokenizer, text.strip(), 150, 160)
    assert {word for piece in pieces for word in piece.split()} == set(text.split())
    giant = pieces_of(tokenizer, "x" * 5000, 150, 160)
    assert "".join(giant) == "x" * 5000


def test_a_long_season_repeats_its_heading(tokenizer: Tokenizer) -> None:
    lines = [f"{n}. Equipa número {n} - {60 - n} pontos" for n in range(1, 30)]
    unit = Passage(
        SPAN, heading="Classificação:\n", heading_more="Classificação (continuação):\n", composed="\n".join(lines)
    )
    rows = cut(unit, "", composer(tokenizer), 200, 200, overlap=40)
    assert len(rows) > 1
    assert all(row.content["text"].startswith("Classificação (continuação):\n") for row in rows[1:])
    assert "\n".join(row.learned for row in rows).split("\n") == lines


# Rows that repeat the end of the one before -----------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
def test_a_row_may_repeat_the_last_sentences_of_the_one_before(tokenizer: Tokenizer, form: Format) -> None:
    text = prose(20)
    rows = rows_of(tokenizer, text, 400, overlap=80, form=form)
    longer = repeating_ends(rows)
    assert len(longer) == len(rows) > 3
    assert longer[0] == rows[0]
    for before, row, repeated in zip(rows[:-1], rows[1:], longer[1:], strict=True):
        own = row.learned
        assert repeated.learned.endswith(own)
        again = repeated.learned.removesuffix(own).strip()
        assert before.learned.endswith(again)
        assert again.startswith(SENTENCES)
        assert 0 < tokenizer.count(again) <= 80
        assert repeated.tokens <= 400


def test_nothing_is_repeated_of_a_row_that_is_not_trained_on(tokenizer: Tokenizer) -> None:
    rows = rows_of(tokenizer, prose(20), 400, overlap=80)
    trained = repeating_ends([rows[0], *rows[2:]])
    assert trained[1] == rows[2]
    assert trained[2] != rows[3]


def test_spans_of_repeating_rows_overlap_by_what_they_repeat(tokenizer: Tokenizer) -> None:
    text = prose(20)
    for before, row in pairwise(repeating_ends(rows_of(tokenizer, text, 400, overlap=80))):
        assert before.span.start < row.span.start < before.span.end < row.span.end
        assert row.content["text"] == text[row.span.start : row.span.end]


def test_a_last_sentence_that_is_too_long_is_not_repeated(tokenizer: Tokenizer) -> None:
    text = "\n\n".join(re.sub(r"[.!?…]", ",", prose(1, 8))[:-1] + "." for _ in range(12))
    rows = rows_of(tokenizer, text, 400, overlap=10)
    assert len(rows) > 3
    assert repeating_ends(rows) == rows
