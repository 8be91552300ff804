"""A clock that was set back or forward changes nothing of what a run is, or how long it takes."""

from __future__ import annotations

import time

import pytest

from tests.training_status.rows import RUN, alive, evaluated, make_run, record, report
from tools.training_status.contract import StatusArgs
from tools.training_status.pace import total_minutes
from tools.training_status.tool import training_status
from tools.workspace import runs
from tools.workspace.layout import Workspace
from tools.workspace.reconcile import reconcile

YEAR = 365 * 86_400.0


def half_done(ws: Workspace, shift: float) -> None:
    """A run at its half, all of it written down while the clock was wrong by so many seconds."""
    make_run(ws, steps=40, steps_per_eval=1000, save_every=1000, steps_per_report=10)
    runs.set_state(ws, RUN, "running", "Training 40 steps.")
    evaluated(ws, (3.0, 2.5))
    for step in (10, 20):
        report(ws, step)
    for table in ("metrics", "events"):
        ws.store.write(f"UPDATE {table} SET time = time + ?", (shift,))
    ws.store.write("UPDATE runs SET created = created + ?, updated = updated + ?", (shift, shift))


@pytest.mark.parametrize("shift", [YEAR, -YEAR])
def test_a_living_run_stays_what_it_is(ws: Workspace, shift: float) -> None:
    half_done(ws, shift)
    with alive(ws):
        reconcile(ws)
        told = training_status(ws, StatusArgs())
        minutes = total_minutes(record(ws))
    assert (told.state, told.step, told.best and told.best.step) == ("running", 20, 10)
    # Twenty steps of a second each are left; of those since the last report at most ten may be done.
    assert told.eta_s is not None and 10 <= told.eta_s <= 20
    assert minutes is not None and 0.5 <= minutes <= 0.7


def test_a_clock_set_back_makes_no_run_stall(ws: Workspace) -> None:
    half_done(ws, YEAR)
    with alive(ws):
        assert training_status(ws, StatusArgs()).verdict.kind == "learning"


def test_a_clock_set_forward_is_right_again_with_the_next_report(ws: Workspace) -> None:
    half_done(ws, -YEAR)
    with alive(ws):
        report(ws, 30)
        assert training_status(ws, StatusArgs()).verdict.kind == "learning"


@pytest.mark.parametrize("shift", [YEAR, -YEAR])
def test_a_dead_run_is_known_as_dead(ws: Workspace, shift: float) -> None:
    half_done(ws, shift)
    reconcile(ws)
    assert runs.get(ws, RUN).state == "interrupted"


def test_waiting_ends_in_time_whatever_the_clock_does(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    half_done(ws, 0.0)
    true, looks = time.time, iter(range(10_000))
    monkeypatch.setattr(time, "time", lambda: true() + YEAR * (-1) ** next(looks))
    began = time.monotonic()
    with alive(ws):
        told = training_status(ws, StatusArgs(wait_s=0.5))
    assert 0.4 < time.monotonic() - began < 5
    assert told.state == "running"
