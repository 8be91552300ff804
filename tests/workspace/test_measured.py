"""A few of many measurements: the right ones, and soon."""

from __future__ import annotations

import json
import math
import sqlite3
import time
from pathlib import Path

import pytest

from tests.training_status.rows import MEMORY, RUN, alive, make_run, report
from tools.training_status.contract import StatusArgs
from tools.training_status.tool import training_status
from tools.workspace import measured, runs
from tools.workspace.layout import Workspace, open_workspace
from tools.workspace.store import MIGRATIONS

TRAIN, VALID, SAMPLES = 90_000, 9_000, 1_000


def test_few_are_all_told_and_many_are_spread_over_the_steps(ws: Workspace) -> None:
    make_run(ws)
    for step in (0, 50, 51, 52, 100):
        report(ws, step)
    assert [row["step"] for row in measured.spread(ws, RUN, "train", 5)] == [0, 50, 51, 52, 100]
    assert [row["step"] for row in measured.spread(ws, RUN, "train", 3)] == [0, 50, 100]
    assert [row["step"] for row in measured.spread(ws, RUN, "train", 2, since=50)] == [51, 100]
    assert [step for step, _ in measured.spread_losses(ws, RUN, "train", 3)] == [0, 50, 100]


def test_the_lowest_is_the_earliest_of_equal_ones_and_never_what_is_no_number(ws: Workspace) -> None:
    make_run(ws)
    for step, loss in ((0, math.nan), (10, 2.0), (20, 1.5), (30, 1.5), (40, math.inf)):
        runs.add_metrics(ws, RUN, step, "valid", {"loss": loss})
    assert measured.lowest(ws, RUN, "valid") == (20, 1.5)
    assert measured.lowest(ws, RUN, "valid", before=20) == (10, 2.0)
    assert measured.lowest(ws, RUN, "train") is None
    assert [step for step, _ in measured.spread_losses(ws, RUN, "valid", 9)] == [10, 20, 30]


def test_losses_of_a_database_from_before_are_found_too(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "afina.db", isolation_level=None)
    MIGRATIONS[0](db)
    rows = [
        (RUN, 0, "valid", '{"loss": 3.0}'),
        (RUN, 10, "valid", '{"loss": 2.0}'),
        (RUN, 20, "valid", '{"loss": NaN}'),
    ]
    db.executemany("INSERT INTO metrics (run, step, kind, data, time) VALUES (?, ?, ?, ?, 0)", rows)
    db.execute("PRAGMA user_version = 1")
    db.close()
    ws = open_workspace(tmp_path)
    assert measured.lowest(ws, RUN, "valid") == (10, 2.0)
    runs.add_metrics(ws, RUN, 30, "valid", {"loss": 1.0})
    assert measured.lowest(ws, RUN, "valid") == (30, 1.0)


@pytest.fixture
def long_run(ws: Workspace) -> Workspace:
    """A hundred thousand measurements."""
    make_run(ws, steps=1_000_000, steps_per_report=10, steps_per_eval=100, row={"step": 10 * (TRAIN - 1)})
    train = json.dumps({"loss": 2.0, "tokens": 400, "tokens_per_second": 90.0, "epoch": 3, "memory": MEMORY})
    answers = json.dumps({"answers": [{"prompt": "Quem?", "answer": "a" * 200}] * 4, "seconds": 3.0})
    rows: list[tuple[str, int, str, str, float | None]] = []
    rows += [(RUN, 10 * n, "train", train, 3.0 - n / TRAIN) for n in range(TRAIN)]
    rows += [(RUN, 100 * n, "valid", json.dumps({"loss": 3.0 - n / VALID}), 3.0 - n / VALID) for n in range(VALID)]
    rows += [(RUN, 900 * n, "sample", answers, None) for n in range(SAMPLES)]
    with ws.store.transaction() as db:
        db.executemany("INSERT INTO metrics (run, step, kind, data, loss, time) VALUES (?, ?, ?, ?, ?, 0)", rows)
        events = [(RUN, 100 * n, "checkpoint", f"Checkpoint step-{100 * n} saved.") for n in range(VALID)]
        db.executemany("INSERT INTO events (run, step, kind, message, time) VALUES (?, ?, ?, ?, 0)", events)
    return ws


def test_a_run_with_a_hundred_thousand_measurements_is_told_at_once(long_run: Workspace) -> None:
    for args in (StatusArgs(run=RUN), StatusArgs(run=RUN, detail="detailed"), StatusArgs(run=RUN, since_step=500_000)):
        took = []
        for _ in range(3):
            began = time.perf_counter()
            with alive(long_run):
                status = training_status(long_run, args)
            took.append(time.perf_counter() - began)
        # It takes 0.04 s on an idle machine; reading every row takes seconds.
        assert min(took) < 0.5, f"{args} took {min(took):.3f} s"
        most = 200 if args.detail == "detailed" else 12
        assert most // 2 < len(status.metrics) <= most
        assert status.metrics[-1].step == 10 * (TRAIN - 1)
        assert status.metrics[0].step >= args.since_step
        assert status.best is not None and status.best.step == 100 * (VALID - 1)
        assert status.curve is not None and (status.curve[0], status.curve[-1]) == ("█", "▁")
