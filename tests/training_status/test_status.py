"""training_status: what is told of a run's rows."""

from __future__ import annotations

import pytest

from tests.training_status.rows import MEMORY, RUN, alive, answered, evaluated, make_run, report
from tools.errors import NotFound
from tools.training_status.contract import StatusArgs
from tools.training_status.curve import sparkline
from tools.training_status.tool import training_status
from tools.workspace import runs
from tools.workspace.layout import Workspace


def test_a_run_whose_process_is_gone_is_interrupted(ws: Workspace) -> None:
    make_run(ws)
    status = training_status(ws, StatusArgs())
    assert (status.run, status.state, status.verdict.kind) == (RUN, "interrupted", "interrupted")
    assert "resume" in status.next
    assert status.machine is None


def test_metrics_are_told_since_a_step(ws: Workspace) -> None:
    make_run(ws)
    with alive(ws):
        for step in (1, 2, 3, 4):
            report(ws, step, 5.0 - step)
        evaluated(ws, (2.5, 1.5), every=4)
        status = training_status(ws, StatusArgs(since_step=2))
    assert [(point.step, point.train_loss, point.valid_loss) for point in status.metrics] == [
        (3, 2.0, None),
        (4, 1.0, 1.5),
    ]
    assert status.eta_s is not None
    assert status.best is not None and status.best.step == 4
    assert status.curve == "█▆▃▁"


def test_metrics_are_told_from_the_start_where_the_run_was_taken_back_before_the_step(ws: Workspace) -> None:
    make_run(ws)
    with alive(ws):
        report(ws, 10)
        status = training_status(ws, StatusArgs(since_step=50))
    assert [point.step for point in status.metrics] == [10]


def test_memory_stands_beside_what_was_predicted_and_what_can_be_used(ws: Workspace) -> None:
    make_run(ws)
    with alive(ws):
        report(ws, 10, machine={"on_battery": False, "battery": 80, "nice": 5, "of a later version": 1})
        status = training_status(ws, StatusArgs())
    plan = runs.get(ws, RUN).plan
    assert status.memory is not None and status.machine is not None
    assert set(status.memory) == {*MEMORY, "predicted_peak", "budget"}
    assert (status.memory["peak"], status.memory["predicted_peak"]) == (3.0, plan["predicted_peak_gb"])
    assert status.machine.pop("disk_free_gb") > 0
    assert status.machine == {"on_battery": False, "battery": 80, "nice": 5}


def test_answers_stand_beside_the_bases_and_with_detail_at_several_steps(ws: Workspace) -> None:
    make_run(ws)
    for step in (0, 10, 20, 30, 40, 50, 60):
        answered(ws, step, [f"resposta {step}"])
    concise = training_status(ws, StatusArgs()).samples
    assert [(sample.step, sample.base, sample.now) for sample in concise] == [(60, "resposta 0", "resposta 60")]
    detailed = training_status(ws, StatusArgs(detail="detailed")).samples
    assert [sample.step for sample in detailed] == [10, 20, 40, 60]
    assert {sample.base for sample in detailed} == {"resposta 0"}


def test_a_run_without_rows_is_told_too(ws: Workspace) -> None:
    make_run(ws, "queued")
    with alive(ws):
        status = training_status(ws, StatusArgs(detail="detailed"))
    assert (status.state, status.metrics, status.findings, status.eta_s) == ("queued", [], [], None)


def test_an_unknown_run_is_told_with_the_nearest(ws: Workspace) -> None:
    make_run(ws)
    with pytest.raises(NotFound, match=RUN):
        training_status(ws, StatusArgs(run="livro-20261124-1"))
    with pytest.raises(NotFound, match="start_finetune"):
        training_status(ws, StatusArgs(run="x"))


def test_the_curve_is_low_where_the_loss_is() -> None:
    assert sparkline([3.0, 2.0, 1.0]) == "█▅▁"
    assert sparkline([1.0, 1.0]) == "▁▁"
    assert sparkline([]) == ""
    assert len(sparkline([float(i) for i in range(1000)])) == 40
