"""training_status: what a run's rows mean."""

from __future__ import annotations

import threading
import time

import pytest

from tests.support.records import insert_run
from tools.errors import NotFound
from tools.training_status.contract import Point, StatusArgs
from tools.training_status.curve import sparkline
from tools.training_status.tool import training_status
from tools.training_status.verdict import judge
from tools.workspace import runs
from tools.workspace.layout import Workspace
from tools.workspace.locks import FileLock


def points(*losses: float) -> list[Point]:
    return [Point(step=10 * i, valid_loss=loss) for i, loss in enumerate(losses)]


@pytest.mark.parametrize(
    ("losses", "kind"),
    [
        ((3.0,), "learning"),
        ((3.0, 2.5, 2.2), "learning"),
        ((3.0, 2.0, 2.2, 2.3), "overfitting"),
        ((3.0, 2.0, 2.2, 2.01), "learning"),
        ((3.0, 2.0, 2.0, 2.0, 1.999, 1.999), "plateau"),
    ],
)
def test_the_verdict_reads_the_validation_losses(ws: Workspace, losses: tuple[float, ...], kind: str) -> None:
    run = insert_run(ws)
    assert judge(run, points(*losses)).kind == kind


@pytest.mark.parametrize("state", ["queued", "preparing", "paused", "interrupted", "cancelled", "failed", "succeeded"])
def test_every_state_has_words_and_a_next_call(ws: Workspace, state: runs.RunState) -> None:
    run = insert_run(ws, state=state, adapter="livros@1234abcd" if state == "succeeded" else None)
    verdict = judge(run, points(3.0, 2.0))
    assert verdict.text
    tool = verdict.action.split(" ")[0]
    expected = {"queued": "training_status", "preparing": "training_status", "succeeded": "evaluate"}
    expected |= dict.fromkeys(("paused", "interrupted"), "control_finetune")
    assert tool == expected.get(state, "start_finetune")


def test_a_run_whose_process_is_gone_is_interrupted(ws: Workspace) -> None:
    run = insert_run(ws)
    status = training_status(ws, StatusArgs())
    assert (status.run, status.state, status.verdict.kind) == (run.run, "interrupted", "interrupted")
    assert "resume" in status.next


def test_metrics_are_told_since_a_step(ws: Workspace) -> None:
    run = insert_run(ws)
    with FileLock.acquire(runs.lock_path(ws, run.run)):
        for step in (1, 2, 3, 4):
            data = {"loss": 5.0 - step, "tokens_per_second": 10.0, "learning_rate": 1e-4, "grad_norm": 1.0}
            runs.add_metrics(ws, run.run, step, "train", {**data, "memory": {"active": 2**30}})
        runs.add_metrics(ws, run.run, 4, "valid", {"loss": 1.5})
        status = training_status(ws, StatusArgs(run=run.run, since_step=2))
    assert [(point.step, point.train_loss, point.valid_loss) for point in status.metrics] == [
        (3, 2.0, None),
        (4, 1.0, 1.5),
    ]
    assert status.memory == {"active": 1.0}
    assert status.eta_s is not None
    assert status.best is not None and status.best.step == 4
    assert status.curve == "█▆▃▁"


def test_waiting_ends_with_the_news_and_not_with_the_time(ws: Workspace) -> None:
    run = insert_run(ws)
    with FileLock.acquire(runs.lock_path(ws, run.run)):
        timer = threading.Timer(0.3, lambda: runs.add_event(ws, run.run, 5, "checkpoint", "Checkpoint step-5 saved."))
        timer.start()
        began = time.monotonic()
        status = training_status(ws, StatusArgs(run=run.run, wait_s=20))
        took = time.monotonic() - began
    assert 0.2 < took < 5
    assert status.events[-1]["message"] == "Checkpoint step-5 saved."


def test_an_unknown_run_is_told_with_the_nearest(ws: Workspace) -> None:
    insert_run(ws)
    with pytest.raises(NotFound, match="livros-20261124-1"):
        training_status(ws, StatusArgs(run="livro-20261124-1"))
    with pytest.raises(NotFound, match="start_finetune"):
        training_status(ws, StatusArgs(run="x"))


def test_the_curve_is_low_where_the_loss_is() -> None:
    assert sparkline([3.0, 2.0, 1.0]) == "█▅▁"
    assert sparkline([1.0, 1.0]) == "▁▁"
    assert sparkline([]) == ""
    assert len(sparkline([float(i) for i in range(1000)])) == 40
