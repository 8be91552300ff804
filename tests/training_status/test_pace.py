"""The time left: what is still to be done, at the pace of what was done."""

from __future__ import annotations

import pytest

from tests.training_status.rows import RUN, answered, install_model, make_run, record, report, write_card
from tools.training_status.pace import seconds_left, step_seconds
from tools.workspace import runs
from tools.workspace.layout import Workspace

# What a report tells: ten steps in ten seconds.
TEN = {"tokens": 1000, "tokens_per_second": 100.0}


def left(ws: Workspace) -> float | None:
    """As seen at the moment of the last report."""
    found = record(ws)
    found.now = found.reports[-1].time if found.reports else found.now
    return seconds_left(found)


def test_nothing_is_told_before_the_first_report_or_when_training_stands_still(ws: Workspace) -> None:
    make_run(ws)
    assert left(ws) is None
    report(ws, 10, **TEN)
    assert left(ws) == 90.0
    runs.set_state(ws, RUN, "paused", "Paused.")
    assert left(ws) is None


def test_evaluations_and_checkpoints_to_come_count(ws: Workspace) -> None:
    make_run(ws, steps=105, steps_per_eval=50, save_every=25)
    for step in (10, 20):
        report(ws, step, **TEN)
    answered(ws, 20, ["a"], seconds=7.0)
    runs.add_metrics(ws, RUN, 20, "save", {"seconds": 2.0})
    # Evaluated at 50, 100 and 105; saved at 25, 50, 75, 100 and 105.
    assert left(ws) == 85.0 + 3 * 7.0 + 5 * 2.0


def test_a_pause_between_two_reports_is_not_the_trainings_time(ws: Workspace) -> None:
    make_run(ws, steps_per_eval=1000, save_every=1000)
    report(ws, 10, **TEN)
    report(ws, 20, **TEN)
    ws.store.write("UPDATE metrics SET time = time - 3600 WHERE step = 10")
    assert step_seconds(record(ws)) == 1.0
    assert left(ws) == 80.0


def test_time_since_the_last_report_is_taken_off_up_to_the_next(ws: Workspace) -> None:
    make_run(ws, steps_per_report=10)
    report(ws, 10, **TEN)
    found = record(ws)
    for waited, expected in ((4, 86.0), (300, 80.0)):
        found.now = found.reports[-1].time + waited
        assert seconds_left(found) == pytest.approx(expected, abs=0.2)


def test_a_slow_first_pass_is_not_taken_for_the_pace_of_the_later_ones(ws: Workspace) -> None:
    install_model(ws)
    write_card(ws, rows=100)
    # Two rows a step: a pass is 50 steps. Of 30 layers 15 are trained.
    settings = {"lora_layers": 15, "grad_checkpoint": False, "steps_per_eval": 1000, "save_every": 1000}
    make_run(ws, steps=200, batch_size=2, frozen_prefix=True, **settings)
    report(ws, 10, **TEN)
    report(ws, 20, **TEN)
    # Forward through all layers and back through half of them, against forward and back through half.
    assert left(ws) == 30 * 1.0 + 150 * (15 + 15) / (30 + 15)
    for step in (60, 70, 80):
        report(ws, step, epoch=1, tokens=1000, tokens_per_second=250.0)
    assert left(ws) == 120 * 0.4
