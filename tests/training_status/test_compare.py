"""Runs side by side."""

from __future__ import annotations

import pytest

from tests.training_status.rows import MEMORY, alive, evaluated, make_run, report
from tools.errors import NotFound
from tools.training_status.contract import StatusArgs
from tools.training_status.tool import training_status
from tools.workspace import runs
from tools.workspace.layout import Workspace
from tools.workspace.machine import GB

ONE, TWO = "livros-20261124-1", "livros-20261124-2"


@pytest.fixture
def two(ws: Workspace) -> Workspace:
    """Two runs that have ended; the second learned better, at a higher rate."""
    for name, rate, losses in ((ONE, 1e-4, (3.0, 2.5, 2.4)), (TWO, 5e-4, (3.0, 2.1, 2.2))):
        make_run(ws, "queued", name=name, learning_rate=rate, seed=1)
        runs.set_state(ws, name, "running", "Training.")
        report(ws, 20, losses[-1] / 2, run=name, memory={**MEMORY, "peak": 5 * GB})
        evaluated(ws, losses, run=name)
        runs.set_state(ws, name, "succeeded", "Published.", adapter=f"livros@{name[-1] * 8}")
    return ws


def test_what_differs_stands_beside_what_it_led_to(two: Workspace) -> None:
    status = training_status(two, StatusArgs(compare=[ONE, TWO]))
    one, other = status.compared
    assert (one["settings"], other["settings"]) == ({"learning_rate": 1e-4}, {"learning_rate": 5e-4})
    assert [(row["best_valid_loss"], row["best_step"], row["train_loss"]) for row in status.compared] == [
        (2.4, 20, 1.2),
        (2.1, 10, 1.1),
    ]
    assert (one["tokens_per_second"], one["peak_gb"], one["adapter"]) == (100.0, 5.0, "livros@11111111")
    assert "published" in one["verdict"]


def test_the_better_run_is_told_in_full_and_their_adapters_are_to_be_evaluated(two: Workspace) -> None:
    status = training_status(two, StatusArgs(compare=[ONE, TWO]))
    assert status.run == TWO
    assert status.next == (
        'evaluate {"adapters": ["livros@11111111", "livros@22222222"], "dataset": "livros@00000000"}'
    )
    assert training_status(two, StatusArgs(run=ONE, compare=[ONE, TWO])).run == ONE
    assert training_status(two, StatusArgs(run=ONE)).compared == []


def test_losses_on_different_datasets_are_not_set_against_each_other(two: Workspace) -> None:
    make_run(two, name="ligas-20261124-1", row={"dataset": "ligas@11111111"})
    with alive(two, "ligas-20261124-1"):
        status = training_status(two, StatusArgs(compare=["ligas-20261124-1", ONE]))
    assert status.run == "ligas-20261124-1"
    assert status.findings[0].finding == "losses of these runs cannot be compared"
    assert "ligas@11111111" in status.findings[0].evidence


def test_minutes_leave_pauses_out(ws: Workspace) -> None:
    make_run(ws, "queued", name=ONE)
    make_run(ws, name=TWO)
    times = (("queued", 0), ("running", 60), ("paused", 180), ("queued", 9000), ("running", 9060), ("succeeded", 9120))
    with ws.store.transaction() as db:
        for kind, at in times:
            db.execute("INSERT INTO events (run, step, kind, message, time) VALUES (?, 0, ?, '', ?)", (ONE, kind, at))
        db.execute("UPDATE runs SET state = 'succeeded' WHERE run = ?", (ONE,))
    with alive(ws, TWO):
        assert training_status(ws, StatusArgs(compare=[ONE, TWO])).compared[0]["minutes"] == 3.0


def test_a_run_that_is_not_there_is_named(two: Workspace) -> None:
    with pytest.raises(NotFound, match="livros-20261124-3") as refused:
        training_status(two, StatusArgs(compare=[ONE, "livros-20261124-3"]))
    assert refused.value.field == "compare"
