"""Waiting for news: woken by what a caller wants to know, and by nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from tests.training_status.rows import RUN, alive, answered, make_run, report
from tools.training_status.contract import StatusArgs, StatusResult
from tools.training_status.tool import training_status
from tools.workspace import runs
from tools.workspace.layout import Workspace
from tools.workspace.locks import FileLock

NEWS: dict[str, Callable[[Workspace], object]] = {
    "a checkpoint": lambda ws: runs.add_event(ws, RUN, 5, "checkpoint", "Checkpoint step-5 saved."),
    "an evaluation": lambda ws: answered(ws, 5, ["O avô."]),
    "a state": lambda ws: runs.set_state(ws, RUN, "paused", "Paused."),
}


def waited(ws: Workspace, seconds: float, since_step: int = -1) -> tuple[StatusResult, float]:
    began = time.monotonic()
    status = training_status(ws, StatusArgs(run=RUN, wait_s=seconds, since_step=since_step))
    return status, time.monotonic() - began


@pytest.mark.parametrize("news", NEWS)
def test_waiting_ends_with_the_news_and_not_with_the_time(ws: Workspace, news: str) -> None:
    make_run(ws)
    with alive(ws):
        timer = threading.Timer(0.3, NEWS[news], (ws,))
        timer.start()
        status, took = waited(ws, 20)
        timer.join()
    assert 0.2 < took < 5
    assert status.events or status.samples


def test_an_evaluation_and_its_checkpoint_are_told_together(ws: Workspace) -> None:
    make_run(ws)
    with alive(ws):
        timers = [
            threading.Timer(0.2, answered, (ws, 5, ["O avô."])),
            threading.Timer(0.35, runs.add_event, (ws, RUN, 5, "checkpoint", "Checkpoint step-5 saved.")),
        ]
        for timer in timers:
            timer.start()
        status, took = waited(ws, 20)
        for timer in timers:
            timer.join()
    assert status.samples and status.events and took < 5


def test_a_report_alone_wakes_nobody(ws: Workspace) -> None:
    make_run(ws)
    with alive(ws):
        timer = threading.Timer(0.2, report, (ws, 5))
        timer.start()
        status, took = waited(ws, 0.8)
        timer.join()
    assert took >= 0.8
    assert status.step == 5


def test_the_death_of_the_process_is_news(ws: Workspace) -> None:
    make_run(ws)
    lock = FileLock.acquire(runs.lock_path(ws, RUN))
    timer = threading.Timer(0.3, lock.release)
    timer.start()
    status, took = waited(ws, 20)
    timer.join()
    assert status.state == "interrupted" and 0.2 < took < 5


def test_what_came_after_the_step_that_is_known_is_news_at_once(ws: Workspace) -> None:
    make_run(ws)
    answered(ws, 40, ["O avô."])
    with alive(ws):
        assert waited(ws, 20, since_step=30)[1] < 5
        # That evaluation is known: it waits for another.
        assert waited(ws, 0.3, since_step=40)[1] >= 0.3


def test_a_run_that_has_ended_is_not_waited_for(ws: Workspace) -> None:
    make_run(ws, "succeeded")
    assert waited(ws, 20)[1] < 5
