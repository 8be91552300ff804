from __future__ import annotations

import time

import pytest

from tests.prepare_dataset.checks.made import row
from tests.support.prose import paragraph
from tools.prepare_dataset.checks.duplicates import drop_repetitions
from tools.prepare_dataset.checks.ngrams import Words
from tools.prepare_dataset.dropped import Drops
from tools.prepare_dataset.material import RowDraft


def kept(*rows: RowDraft) -> tuple[list[int], Drops]:
    """The indices of the rows that stay, and what was dropped."""
    drops = Drops()
    left = drop_repetitions(rows, Words(), drops)
    return [n for n, draft in enumerate(rows) if any(draft is other for other in left)], drops


def test_empty_rows_and_repetitions_are_dropped_and_counted() -> None:
    left, drops = kept(row("um  texto", "a"), row("um\ntexto", "b"), row("   ", "c"), row("outro texto", "d"))
    assert left == [0, 3]
    assert drops.counts() == {"duplicate": 1, "empty": 1}
    assert drops.all[0].repeats is not None
    assert drops.all[0].repeats.document == "livro.md#a"


def test_a_text_with_a_few_words_changed_is_a_near_duplicate_and_names_the_row_it_repeats() -> None:
    text = paragraph(1, 12)
    changed = text.replace(text.split()[50], "navio", 1).replace(text.split()[120], "praia", 1)
    assert changed != text
    left, drops = kept(row(paragraph(2, 12), "outro"), row(text, "um"), row(changed, "dois"))
    assert left == [0, 1]
    [drop] = drops.all
    assert drop.reason == "near duplicate"
    assert drop.repeats is not None
    assert (drop.span.place, drop.repeats.place) == ("dois", "um")


def test_a_second_edition_whose_rows_are_cut_elsewhere_is_found() -> None:
    paragraphs = [paragraph(n) for n in range(30)]
    first = [row(" ".join(paragraphs[n : n + 3]), f"a{n}") for n in range(0, 30, 3)]
    second = [row(" ".join(paragraphs[n : n + 4]), f"b{n}", source="segunda.md") for n in range(1, 29, 4)]
    left, drops = kept(*first, *second)
    assert left == list(range(len(first)))
    assert drops.counts() == {"near duplicate": len(second)}


def test_texts_that_share_a_paragraph_are_both_kept() -> None:
    shared = paragraph(0)
    left, _ = kept(row(f"{paragraph(1)} {shared} {paragraph(2)}"), row(f"{paragraph(3)} {shared} {paragraph(4)}"))
    assert left == [0, 1]


def test_questions_about_two_seasons_are_both_kept_though_they_differ_in_a_number() -> None:
    asked = "Na temporada {}, quantos pontos separaram o União do Cabo Lento do Recreativo de Pedralva do Mar? " * 3
    rows = [
        row(asked.format(*[year] * 3) + f"{points} pontos", kind="table", form="question", own=f"{points} pontos")
        for year, points in ((2003, 4), (2004, 4), (2005, 7))
    ]
    assert kept(*rows)[0] == [0, 1, 2]


def test_records_of_a_table_that_differ_in_one_cell_are_all_kept() -> None:
    record = "\n".join(f"Coluna {n}: valor comum de todos os registos" for n in range(10))
    rows = [row(f"Nome: Pessoa {letter}\n{record}", letter, kind="table") for letter in "abc"]
    assert kept(*rows)[0] == [0, 1, 2]


def test_short_rows_and_refrains_are_dropped_only_when_they_are_equal() -> None:
    refrain = "Ai flores, ai flores do verde pino, se sabedes novas do meu amigo"
    left, drops = kept(row(refrain + "!", "a"), row(refrain + "?", "b"), row(refrain + "!", "c"))
    assert left == [0, 1]
    assert drops.counts() == {"duplicate": 1}


@pytest.mark.parametrize(("other", "expected"), [("2019", [0, 1]), ("2018", [0])])
def test_examples_made_by_a_pattern_are_told_apart_by_their_numbers(other: str, expected: list[int]) -> None:
    answer = paragraph(5, 10)
    rows = [
        row(
            f"Conta o que se passou.\nEm {year}, {answer}", form="exchange", own=f"Em {year}, {answer}", kind="examples"
        )
        for year in ("2018", other)
    ]
    rows[1] = row(rows[1].learned + " Fim", form="exchange", own=rows[1].own + " Fim", kind="examples")
    assert kept(*rows)[0] == expected


def test_one_answer_to_two_questions_is_kept_twice() -> None:
    answer = "Não encontro resposta a essa pergunta nos textos que li, e por isso prefiro não inventar nenhuma agora."
    rows = [row(f"{paragraph(n, 2)}\n{answer}", form="exchange", own=answer, kind="examples") for n in range(3)]
    assert kept(*rows)[0] == [0, 1, 2]


def test_a_megabyte_takes_no_time() -> None:
    rows = [row(paragraph(n, 32), str(n)) for n in range(450)]
    assert sum(len(draft.learned) for draft in rows) > 1_000_000
    start = time.process_time()
    left, _ = kept(*rows)
    assert time.process_time() - start < 15
    assert len(left) == 450
