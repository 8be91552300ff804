"""What a run does by itself: goes back when it breaks down, stops when nothing is gained, publishes the best."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.support.training import FAST, prepare_small, start, wait_until
from tools.compute import device
from tools.compute.training.guard import MOST_ROLLBACKS, Guard
from tools.compute.training.session import Session
from tools.errors import MachineError
from tools.start_finetune.contract import StartArgs, TrainSettings
from tools.start_finetune.tool import start_finetune
from tools.workspace import measured, runs
from tools.workspace.files import read_json
from tools.workspace.layout import ADAPTER_MARKER, Workspace


@pytest.fixture
def dataset(tiny_ws: Workspace, tmp_path: Path) -> str:
    return prepare_small(tiny_ws, tmp_path / "material")


def events(ws: Workspace, run: str, kind: str) -> list[dict]:
    return [event for event in runs.events(ws, run, 500) if event["kind"] == kind]


def queued(ws: Workspace, dataset: str, name: str = "livros-1", **settings: object) -> runs.Run:
    """A run's row without a worker of its own: it is trained in this process."""
    plan = start_finetune(
        ws,
        StartArgs(dataset=dataset, settings=TrainSettings(**{**FAST, **settings}), dry_run=True),
        default_model="tiny",
    ).plan
    assert plan is not None
    now = time.time()
    run = runs.Run(
        name, "livros", "queued", dataset, "tiny", plan.model_dump(mode="json"), 0, 24, None, None, None, now, now
    )
    assert runs.insert(ws, run, None)
    return run


def breaking_down_at(monkeypatch: pytest.MonkeyPatch, *steps: int) -> None:
    """Have the guard see a breakdown at these of the steps that are taken, all told."""
    taken = iter(range(1, 10_000))
    monkeypatch.setattr(Guard, "broke_down", lambda guard, loss: next(taken) in steps)


def test_a_run_that_breaks_down_goes_back_and_on_with_a_lower_rate(
    tiny_ws: Workspace, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    device.set_up()
    # The 3rd step, before there is a checkpoint; and the 11th, which is step 8 of the second attempt.
    breaking_down_at(monkeypatch, 3, 11)
    run = queued(tiny_ws, dataset, gradient_accumulation_steps=1, schedule="constant", warmup_steps=0)
    session = Session(tiny_ws, run, "train-livros-1")
    session.train()
    told = [event["message"] for event in events(tiny_ws, run.run, "rollback")]
    assert len(told) == 2
    assert "At step 3 " in told[0] and "back to step 0, and on with 0.5 of" in told[0]
    assert "At step 8 " in told[1] and "back to step 6, and on with 0.25 of" in told[1]
    assert session.trainer.state.step == 24
    assert session.trainer.state.learning_rate == pytest.approx(0.25 * FAST["learning_rate"])
    steps = [report["step"] for report in measured.last(tiny_ws, run.run, "train", 100)]
    assert steps == sorted(set(steps)), "what was taken back is not told twice"


def test_a_run_that_breaks_down_again_and_again_fails_with_what_to_do(
    tiny_ws: Workspace, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    device.set_up()
    monkeypatch.setattr(Guard, "broke_down", lambda guard, loss: True)
    session = Session(tiny_ws, queued(tiny_ws, dataset), "train-livros-1")
    with pytest.raises(MachineError, match="again and again") as caught:
        session.train()
    assert "ten times lower" in str(caught.value.fix)
    assert len(events(tiny_ws, "livros-1", "rollback")) == MOST_ROLLBACKS


def test_a_run_that_gains_nothing_stops_and_publishes_its_best(tiny_ws: Workspace, dataset: str) -> None:
    run = start(
        tiny_ws, dataset, learning_rate=3e-2, iters=300, gradient_accumulation_steps=1, steps_per_eval=6,
        save_every=300, patience=3, lora_dropout=0, keep_checkpoints=1, val_batches=-1,
    )  # fmt: skip
    ended = wait_until(tiny_ws, run, "succeeded", seconds=180)
    assert ended.step < 300
    assert ended.best is not None
    assert ended.step == ended.best.step + 3 * 6
    name, _, version = (ended.adapter or "").partition("@")
    described = read_json(tiny_ws.adapters / name / version / ADAPTER_MARKER)
    assert described["step"] == ended.best.step
    assert described["valid_loss"] == pytest.approx(ended.best.valid_loss, abs=1e-5)
    assert any("lowest" in event["message"] for event in events(tiny_ws, run, "publish"))


def test_a_step_is_tried_before_training(tiny_ws: Workspace, dataset: str) -> None:
    run = start(tiny_ws, dataset, iters=4, steps_per_eval=4, save_every=4)
    wait_until(tiny_ws, run, "succeeded")
    [tried] = events(tiny_ws, run, "trial")
    assert "learned" in tried["message"]
    assert tried["step"] == 0


def test_frozen_layers_are_kept_where_rows_are_read_often_and_removed_at_the_end(
    tiny_ws: Workspace, dataset: str
) -> None:
    run = start(tiny_ws, dataset, iters=40, lora_layers=1)
    plan = runs.get(tiny_ws, run).plan["settings"]["frozen_prefix"]
    assert plan["value"] is True
    assert "2 layers below the adapters are run once a row" in plan["source"]
    wait_until(tiny_ws, run, "succeeded")
    assert not (runs.folder(tiny_ws, run) / "hidden").exists()
