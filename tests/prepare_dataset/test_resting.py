from __future__ import annotations

from pathlib import Path

from tests.prepare_dataset.results.test_questions import league
from tools.prepare_dataset.contract import PrepareArgs, Split
from tools.prepare_dataset.material import RowDraft, Span
from tools.prepare_dataset.reading_back import open_dataset
from tools.prepare_dataset.resting import set_apart, take_in, train_documents
from tools.prepare_dataset.tool import prepare_dataset
from tools.workspace.layout import Workspace


def row(document: str, *rests_on: str) -> RowDraft:
    return RowDraft(
        {"text": document}, Span("a.csv", "table", document, document, 0, 1), "a", "a", 1, rests_on=rests_on
    )


def test_a_row_that_rests_on_a_held_out_document_is_left_out() -> None:
    rows, resting = set_apart([row("1"), row("1 and 2", "1", "2"), row("2"), row("1 and 3", "1", "3"), row("3")])
    split: dict[Split, list[RowDraft]] = {"train": [rows[0], rows[1]], "valid": [rows[2]], "test": []}
    left = take_in(split, resting, train_documents(split))
    assert [one.span.document for one in split["train"]] == ["1", "2", "1 and 2"]
    assert [one.span.document for one in left] == ["1 and 3"]


def test_a_document_in_several_splits_is_held_out() -> None:
    split: dict[Split, list[RowDraft]] = {"train": [row("1"), row("2")], "valid": [], "test": [row("1")]}
    assert train_documents(split) == {"2"}


def test_no_question_of_a_dataset_compares_a_held_out_season(tiny_ws: Workspace, tmp_path: Path) -> None:
    (tmp_path / "liga.csv").write_text(league(1990, 2010), encoding="utf-8")
    result = prepare_dataset(tiny_ws, PrepareArgs(sources=[str(tmp_path / "liga.csv")]), default_model="tiny")
    assert result.path is not None
    dataset = open_dataset(Path(result.path))
    held = {document.split("#")[1] for split in ("valid", "test") for document in dataset.documents(split)}
    assert held
    train = dataset.rows("train")
    across = [one for one in train if one.document == "liga.csv#entre temporadas"]
    assert len(across) > 10
    for year in held:
        assert not any(year in (one.text or "") for one in train)
        assert not any(year in question.question for question in dataset.questions())
    assert not any("entre temporadas" in document for document in dataset.documents("test"))
    assert next(entry.count for entry in result.dropped if entry.reason == "rests on held-out documents") > 0
    origins = [origin for origin in dataset.provenance() if origin.document == "liga.csv#entre temporadas"]
    assert all(origin.cells and origin.split == "train" for origin in origins)
    assert all(question.cells for question in dataset.questions())
