from __future__ import annotations

from collections import Counter

import pytest

from tools.errors import DataError, InvalidArgument
from tools.prepare_dataset.check import drop_duplicates, drop_leaks
from tools.prepare_dataset.contract import Split
from tools.prepare_dataset.material import RowDraft, Span, UnitKind
from tools.prepare_dataset.split import check_fractions, split_rows


def row(document: str, text: str = "", kind: UnitKind = "book", source: str = "a/livro.md") -> RowDraft:
    span = Span(source, kind, f"{source}#{document}", document, 0, 1)
    learned = text or f"texto de {document}"
    return RowDraft({"text": learned}, span, learned, learned, 5)


def where(split: dict[Split, list[RowDraft]]) -> dict[str, Split]:
    return {draft.span.place: name for name, rows in split.items() for draft in rows}


def test_rows_of_a_document_stay_together_and_in_order() -> None:
    rows = [row(f"cap {n}", f"linha {n} {part}") for n in range(40) for part in range(3)]
    split, notes = split_rows(rows, 0.1, 0.1, 0)
    assert not notes
    assert sum(len(found) for found in split.values()) == 120
    for n in range(40):
        assert sum(any(draft.span.place == f"cap {n}" for draft in found) for found in split.values()) == 1
    order = [rows.index(draft) for draft in split["train"]]
    assert order == sorted(order)


def test_adding_material_moves_nothing() -> None:
    few = [row(f"cap {n}") for n in range(60)]
    many = [*(row(f"época {n}", kind="table", source="b/liga.csv") for n in range(60)), *few]
    before, after = where(split_rows(few, 0.1, 0.1, 3)[0]), where(split_rows(many, 0.1, 0.1, 3)[0])
    assert {place: after[place] for place in before} == before


def test_moving_the_folder_moves_nothing() -> None:
    here = where(split_rows([row(f"cap {n}") for n in range(60)], 0.1, 0.1, 0)[0])
    there = where(split_rows([row(f"cap {n}", source="x/y/livro.md") for n in range(60)], 0.1, 0.1, 0)[0])
    assert here == there


def test_another_seed_gives_another_split() -> None:
    rows = [row(f"cap {n}") for n in range(60)]
    assert where(split_rows(rows, 0.2, 0.2, 0)[0]) != where(split_rows(rows, 0.2, 0.2, 1)[0])


def test_the_fractions_are_about_those_asked_for() -> None:
    split, _ = split_rows([row(f"cap {n}") for n in range(2000)], 0.1, 0.2, 0)
    assert 150 < len(split["valid"]) < 250
    assert 340 < len(split["test"]) < 460


@pytest.mark.parametrize("seed", range(30))
def test_three_documents_give_one_to_each_split(seed: int) -> None:
    split, _ = split_rows([row(f"cap {n}") for n in range(3)], 0.1, 0.1, seed)
    assert [len(rows) for rows in split.values()] == [1, 1, 1]


@pytest.mark.parametrize("seed", range(10))
def test_each_kind_of_some_size_is_held_out_too(seed: int) -> None:
    rows = [row(f"cap {n}") for n in range(6)]
    rows += [row(f"época {n}", kind="table", source="liga.csv") for n in range(6)]
    split, _ = split_rows(rows, 0.1, 0.1, seed)
    for name in ("valid", "test"):
        assert {draft.span.kind for draft in split[name]} == {"book", "table"}  # type: ignore[index]


def test_rows_of_one_document_are_split_with_a_warning() -> None:
    split, notes = split_rows([row("única", f"linha {n}") for n in range(5)], 0.1, 0.1, 0)
    assert all(split.values())
    assert "fewer documents than splits" in notes[0]


def test_a_fraction_of_zero_leaves_its_split_empty() -> None:
    split, _ = split_rows([row("cap 1")], 0, 0, 0)
    assert [len(rows) for rows in split.values()] == [1, 0, 0]


def test_too_little_material_says_what_to_add() -> None:
    with pytest.raises(DataError, match=r"gives 2 rows .4 empty, .* left out.; the splits need 3") as caught:
        split_rows([row("a"), row("b")], 0.1, 0.1, 0, left_out=4)
    assert "Add chapters" in (caught.value.fix or "")


def test_fractions_that_leave_nothing_to_train_on_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="nothing to train on"):
        check_fractions(0.5, 0.5)


def test_empty_rows_and_repetitions_are_dropped_and_counted() -> None:
    dropped: Counter[str] = Counter()
    rows = [row("a", "um  texto"), row("b", "um\ntexto"), row("c", "   "), row("d", "outro texto")]
    assert [draft.span.place for draft in drop_duplicates(rows, dropped)] == ["a", "d"]
    assert dropped == {"duplicate": 1, "empty": 1}


def words(start: int, count: int) -> str:
    return " ".join(f"palavra{n}" for n in range(start, start + count))


def test_train_rows_that_repeat_held_out_text_are_dropped() -> None:
    dropped: Counter[str] = Counter()
    split: dict[Split, list[RowDraft]] = {
        "train": [row("cópia", words(0, 30) + " fim"), row("curta", "Olá, MUNDO!"), row("limpa", words(100, 30))],
        "valid": [row("v", "olá mundo")],
        "test": [row("t", words(0, 40))],
    }
    overlap = drop_leaks(split, dropped)
    assert [draft.span.place for draft in split["train"]] == ["limpa"]
    assert dropped == {"repeats held-out text": 2}
    assert (overlap.valid, overlap.test, overlap.rows) == (0, 0, 0)


def test_what_is_still_shared_is_measured() -> None:
    split: dict[Split, list[RowDraft]] = {
        "train": [row("a", words(0, 15) + " " + words(500, 60))],
        "valid": [],
        "test": [row("t", words(0, 15) + " " + words(900, 25))],
    }
    overlap = drop_leaks(split, Counter())
    # 40 words make 28 runs of 13, of which 3 lie within the 15 that are shared.
    assert overlap.test == pytest.approx(3 / 28, abs=1e-6)
    assert overlap.rows == 1
