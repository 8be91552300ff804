"""Test rows that were trained on elsewhere are not called unseen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.errors import Conflict
from tools.evaluate.unseen import Unseen, trained_rows, unseen_by
from tools.prepare_dataset.contract import PrepareArgs
from tools.prepare_dataset.reading_back import Row, open_dataset
from tools.prepare_dataset.tool import prepare_dataset
from tools.workspace.layout import Workspace

LONG = "O farol da ilha de areia acendia-se todas as noites e a menina contava os barcos com o avô até de madrugada."


def row(name: str, **content: str) -> Row:
    return Row(id=name, source="livro.md", document="livro.md#1", **content)  # type: ignore[arg-type]


def test_a_row_is_known_by_most_of_its_runs_of_words() -> None:
    half = (
        LONG[:60] + " " + "Nada disto foi alguma vez dito a ninguém naquela terra de sal, nem se dirá amanhã de manhã."
    )
    rows = [row("igual", text=LONG), row("parte", text=half), row("outra", text=half[60:])]
    assert trained_rows(rows, [row("longa", text=f"Era uma vez. {LONG.upper()} E foi assim.")]) == {"igual"}


def test_a_short_row_is_known_by_its_question_and_answer_together() -> None:
    rows = [row("dita", prompt="Quantos?", completion="34"), row("não dita", prompt="Quando?", completion="34")]
    assert trained_rows(rows, [row("um", prompt="Quantos?", completion="34")]) == {"dita"}


def test_rows_that_another_dataset_trained_on_are_left_out(
    new_workspace: Callable[[], Workspace], tmp_path: Path
) -> None:
    ws = new_workspace()
    own = open_dataset(ws.dataset_folder("livros"))
    rows = own.rows("test")
    known = [one.id for one in rows[: len(rows) // 2]]
    telling(ws, tmp_path / "parte", "parte", rows[: len(rows) // 2])
    unseen = unseen_by(ws, own, ["parte"])
    assert [one.id for one in unseen.rows("test")] == [one.id for one in rows if one.id not in known]
    assert unseen.rows("train") == own.rows("train")
    nothing_else = Unseen(own.folder, own.card, {one.id for one in unseen.rows("test")})
    with pytest.raises(Conflict, match="All test rows of `livros`"):
        unseen_by(ws, nothing_else, ["parte"])


def telling(ws: Workspace, folder: Path, name: str, rows: list[Row]) -> None:
    """A dataset whose train split tells these rows' texts."""
    folder.mkdir()
    (folder / "livro.md").write_text("# Um\n\n" + "\n\n".join(str(one.text) for one in rows), encoding="utf-8")
    how: dict[str, Any] = {"name": name, "model": "tiny", "max_tokens": 128, "test_fraction": 0, "valid_fraction": 0}
    told = prepare_dataset(ws, PrepareArgs(sources=[str(folder)], wait_s=45, **how), default_model="tiny")
    assert told.state == "succeeded"


def test_a_dataset_of_its_own_or_gone_leaves_nothing_out(prepared: Workspace) -> None:
    own = open_dataset(prepared.dataset_folder("livros"))
    assert unseen_by(prepared, own, [f"livros@{own.version}", "sumido@0123456789abcdef"]) is own
