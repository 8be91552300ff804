"""The split of documents: whole, by their own names, and stable when material is added."""

from __future__ import annotations

import random

import pytest

from tests.prepare_dataset.support import source
from tests.support.prose import paragraph
from tools.errors import DataError, InvalidArgument
from tools.prepare_dataset.books import parse_book
from tools.prepare_dataset.contract import Split
from tools.prepare_dataset.material import RowDraft, Span, UnitKind
from tools.prepare_dataset.split import chance_of, check_fractions, split_rows
from tools.prepare_dataset.wording import wording


def row(
    document: str, text: str = "", kind: UnitKind = "book", source: str = "a/livro.md", fixed: Split | None = None
) -> RowDraft:
    span = Span(source, kind, f"{source}#{document}", document, 0, 1, fixed)
    learned = text or f"texto de {document}"
    return RowDraft({"text": learned}, span, learned, learned, 5)


def where(split: dict[Split, list[RowDraft]]) -> dict[str, Split]:
    return {draft.span.document: name for name, rows in split.items() for draft in rows}


def placed(rows: list[RowDraft], seed: int = 0, fraction: float = 0.1) -> dict[str, Split]:
    return where(split_rows(rows, fraction, fraction, seed).split)


def chapters(count: int, source: str = "a/livro.md") -> list[RowDraft]:
    return [row(f"Capítulo {n}", source=source) for n in range(1, count + 1)]


def persons(count: int) -> list[RowDraft]:
    return [row(f"Pessoa {n} da Silva", kind="biography", source=f"vidas/{n}.md") for n in range(count)]


def seasons(count: int, first: int = 1980) -> list[RowDraft]:
    return [row(f"{first + n}/{(first + n + 1) % 100:02}", kind="table", source="liga.csv") for n in range(count)]


def test_rows_of_a_document_stay_together_and_in_order() -> None:
    rows = [row(f"cap {n}", f"linha {n} {part}") for n in range(40) for part in range(3)]
    split = split_rows(rows, 0.1, 0.1, 0).split
    assert sum(len(found) for found in split.values()) == 120
    for n in range(40):
        assert sum(any(draft.span.place == f"cap {n}" for draft in found) for found in split.values()) == 1
    order = [rows.index(draft) for draft in split["train"]]
    assert order == sorted(order)


@pytest.mark.parametrize("seed", range(20))
def test_adding_files_chapters_seasons_and_persons_moves_nothing(seed: int) -> None:
    chance = random.Random(seed)
    every = [*chapters(30), *chapters(12, "b/outro.md"), *seasons(25), *persons(30)]
    few = [draft for draft in every if chance.random() < 0.6]
    placement = split_rows(few, 0.1, 0.1, seed)
    assert not placement.chosen
    before, after = where(placement.split), placed(every, seed)
    assert {document: after[document] for document in before} == before


@pytest.mark.parametrize("seed", range(60))
def test_in_small_material_only_what_was_told_can_move_and_train_gives_nothing_up(seed: int) -> None:
    every = [*chapters(4), *persons(9)]
    random.Random(seed).shuffle(every)
    for count in range(4, len(every)):
        placement = split_rows(every[:count], 0.1, 0.1, seed)
        if sum(_by_chance(draft, seed) == "train" for draft in every[:count]) < 2:
            continue
        before, after = where(placement.split), placed(every[: count + 1], seed)
        moved = {document for document in before if after[document] != before[document]}
        assert moved <= placement.chosen.keys()
        assert "train" not in {before[document] for document in moved}


def test_what_was_placed_against_its_chance_is_told() -> None:
    seed = next(seed for seed in range(50) if "test" not in {_by_chance(draft, seed) for draft in persons(6)})
    placement = split_rows(persons(6), 0.1, 0.1, seed)
    [taken] = [document for document, split in placement.chosen.items() if split == "test"]
    assert [draft.span.document for draft in placement.split["test"]] == [taken]
    assert any(f"`{taken}` was taken" in note for note in placement.notes)


def _by_chance(draft: RowDraft, seed: int) -> Split:
    chance = chance_of(draft.span, seed)
    return "test" if chance < 0.1 else "valid" if chance < 0.2 else "train"


def test_a_chapter_cut_into_other_rows_stays_where_it_is() -> None:
    coarse = [row(f"Capítulo {n}", f"tudo de {n}") for n in range(1, 31)]
    fine = [row(f"Capítulo {n}", f"parte {part} de {n}") for n in range(1, 31) for part in range(n % 4 + 1)]
    assert placed(coarse, 5) == placed(fine, 5)


def test_text_added_to_a_book_without_chapters_moves_nothing() -> None:
    text = "\n\n".join(paragraph(n) for n in range(160))
    longer = text + "\n\n" + "\n\n".join(paragraph(n) for n in range(500, 540))

    def stretches(whole: str) -> dict[str, tuple[str, Split]]:
        units = parse_book(source("conto.txt", whole, "book"), wording("pt")).units
        spans = [unit.span for unit in units]
        rows = [row(span.place, whole[span.start : span.end], source=span.source) for span in spans]
        splits = placed(rows)
        return {draft.span.document: (draft.learned, splits[draft.span.document]) for draft in rows}

    before, after = stretches(text), stretches(longer)
    assert len(before) > 10
    *kept, last = before
    assert {document: after[document] for document in kept} == {document: before[document] for document in kept}
    assert after[last][1] == before[last][1]


def test_the_number_that_tells_equal_titles_apart_does_not_count() -> None:
    openings = {"a/livro.md#Soneto": "o mar estava calmo", "a/livro.md#Soneto (2)": "a noite caiu depressa"}
    one = chance_of(row("Soneto").span, 0, openings["a/livro.md#Soneto"])
    other = chance_of(row("Soneto (2)").span, 0, openings["a/livro.md#Soneto (2)"])
    assert one != other
    # Another sonnet is put before both: each has a new number and its old place.
    assert chance_of(row("Soneto (2)").span, 0, openings["a/livro.md#Soneto"]) == one
    assert chance_of(row("Soneto (3)").span, 0, openings["a/livro.md#Soneto (2)"]) == other


def test_many_chapters_of_one_title_are_spread() -> None:
    rows = [row("Soneto" if n == 1 else f"Soneto ({n})") for n in range(1, 101)]
    openings = {draft.span.document: f"verso primeiro do poema {n}" for n, draft in enumerate(rows)}
    split = split_rows(rows, 0.1, 0.1, 0, openings).split
    assert all(3 <= len(split[name]) <= 20 for name in ("valid", "test"))


def test_a_season_stays_when_it_is_named_with_its_league_or_told_by_another_file_too() -> None:
    alone = row("2003/04", kind="table", source="tabelas/liga.csv")
    labelled = row("2003/04 (Liga das Marés)", kind="table", source="tabelas/liga.csv")
    elsewhere = Span("tabelas/jogos.csv", "table", alone.span.document, "2003/04", 0, 1)
    assert chance_of(alone.span, 0) == chance_of(labelled.span, 0) == chance_of(elsewhere, 0)


def test_moving_the_folder_moves_nothing() -> None:
    here = placed(chapters(60))
    there = placed(chapters(60, "x/y/livro.md"))
    assert list(here.values()) == list(there.values())


def test_another_seed_gives_another_split() -> None:
    assert placed(chapters(60), 0, 0.2) != placed(chapters(60), 1, 0.2)


@pytest.mark.parametrize("seed", range(10))
def test_numbered_chapters_and_seasons_are_spread_evenly(seed: int) -> None:
    for rows in (chapters(20), seasons(20), [row(f"Capítulo {roman}") for roman in _ROMAN]):
        split = split_rows(rows, 0.1, 0.1, seed).split
        assert [len(split[name]) in (1, 2, 3) for name in ("valid", "test")] == [True, True]


_ROMAN = [tens + ones for tens in ("", "X") for ones in ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"]]


def test_numbers_in_roman_and_in_digits_are_the_same_chapter() -> None:
    for digits, roman in ((4, "IV"), (9, "IX"), (14, "XIV"), (40, "XL")):
        assert chance_of(row(f"Capítulo {digits}").span, 0) == chance_of(row(f"Capítulo {roman}").span, 0)


def test_the_fractions_are_about_those_asked_for() -> None:
    rows = [row(f"O caso da casa {n} azul", kind="biography") for n in range(2000)]
    split = split_rows(rows, 0.1, 0.2, 0).split
    assert 150 < len(split["valid"]) < 250
    assert 340 < len(split["test"]) < 460


@pytest.mark.parametrize("seed", range(30))
def test_three_documents_give_one_to_each_split(seed: int) -> None:
    split = split_rows(chapters(3), 0.1, 0.1, seed).split
    assert [len(rows) for rows in split.values()] == [1, 1, 1]


def test_shares_far_from_those_asked_for_are_told() -> None:
    rows = [row("Capítulo 1", f"linha {n}") for n in range(90)] + chapters(4)[1:]
    notes = split_rows(rows, 0.1, 0.1, 0).notes
    assert any("of the tokens, not 10%" in note for note in notes)


def test_a_kind_that_is_in_train_alone_is_told() -> None:
    rows = [*chapters(40), *persons(6)]
    seed = next(seed for seed in range(50) if {_by_chance(draft, seed) for draft in persons(6)} == {"train"})
    notes = split_rows(rows, 0.1, 0.1, seed).notes
    assert [note for note in notes if "biography" in note] == [
        "No biography fell into valid; another seed may bring one.",
        "No biography fell into test; another seed may bring one.",
    ]


def test_rows_of_one_document_are_split_by_their_words_with_a_warning() -> None:
    rows = [row("única", f"linha número {n}") for n in range(25)]
    placement = split_rows(rows, 0.1, 0.1, 0)
    assert all(placement.split.values())
    assert "fewer documents than splits" in placement.notes[0]
    texts = {draft.learned: name for name, found in placement.split.items() for draft in found}
    again = split_rows([row("única", "um começo novo"), *rows], 0.1, 0.1, 0).split
    later = {draft.learned: name for name, found in again.items() for draft in found}
    assert {text: later[text] for text in texts} == texts


def test_given_splits_are_kept_and_nothing_is_moved_to_fill_others() -> None:
    rows = [row("a", fixed="train"), row("b", fixed="test"), row("c", fixed="test")]
    split = split_rows(rows, 0.1, 0.1, 0).split
    assert [len(found) for found in split.values()] == [1, 0, 2]


def test_a_fraction_of_zero_leaves_its_split_empty() -> None:
    split = split_rows([row("cap 1")], 0, 0, 0).split
    assert [len(rows) for rows in split.values()] == [1, 0, 0]


def test_too_little_material_says_what_to_add() -> None:
    with pytest.raises(DataError, match=r"gives 2 rows .4 empty, .* left out.; the splits need 3") as caught:
        split_rows([row("a"), row("b")], 0.1, 0.1, 0, left_out=4)
    assert "Add chapters" in (caught.value.fix or "")


def test_fractions_that_leave_nothing_to_train_on_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="nothing to train on"):
        check_fractions(0.5, 0.5)
