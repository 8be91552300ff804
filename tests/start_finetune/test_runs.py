"""Runs in real processes: trained, paused, cancelled, killed, resumed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.training import (
    FAST,
    adapter_bytes,
    kill,
    prepare_small,
    start,
    status,
    stop_all,
    supervisor_of,
    wait_for_step,
    wait_until,
    worker_of,
)
from tools.errors import Conflict, InvalidArgument, NotFound
from tools.prepare_dataset.reading_back import open_dataset
from tools.start_finetune.contract import ControlArgs, StartArgs, TrainSettings
from tools.start_finetune.tool import control_finetune, start_finetune
from tools.workspace import ledger, measured, runs
from tools.workspace.layout import Workspace, open_workspace
from tools.workspace.reconcile import reconcile

# Long enough to be killed in the middle, with a checkpoint behind.
LONG = {"iters": 160, "save_every": 10, "steps_per_eval": 80, "steps_per_report": 5, "sample_prompts": []}


@pytest.fixture
def ready(tiny_ws: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    prepare_small(tiny_ws, tmp_path / "material")
    yield tiny_ws
    stop_all(tiny_ws)


def test_a_run_trains_and_publishes_an_adapter_with_all_its_settings(ready: Workspace) -> None:
    began = time.monotonic()
    run = start(ready)
    assert time.monotonic() - began < 2
    told = wait_until(ready, run, "succeeded")
    assert told.step == told.steps == FAST["iters"]
    assert told.valid_loss is not None and told.best is not None
    [first] = measured.first(ready, run, "valid")
    assert first["step"] == 0 and told.valid_loss < first["loss"] - 0.1
    assert told.checkpoints == ["step-18", "step-24"]
    assert [sample.step for sample in told.samples] == [24, 24]
    assert told.next.startswith("evaluate ")
    folder = ready.adapter_folder("livros")
    described = json.loads((folder / "afina.json").read_text())
    assert described["settings"]["learning_rate"] == FAST["learning_rate"]
    assert described["base"]["fingerprint"] and described["template_hash"]
    assert described["serving"] == {"form": "text", "sampling": {"temperature": 0.0}, "stop": []}
    assert told.adapter == f"livros@{folder.name}" == f"livros@{described['version']}"
    assert not ledger.entries(ready)


def test_the_same_seed_gives_the_same_adapter_and_another_seed_another(ready: Workspace) -> None:
    made = [start(ready, seed=seed) for seed in (1, 1, 2)]
    for run in made:
        wait_until(ready, run, "succeeded")
    one, same, other = [adapter_bytes(ready, run) for run in made]
    assert one == same
    assert one["adapters.safetensors"] != other["adapters.safetensors"]


def test_a_killed_worker_is_started_again_and_ends_with_the_same_bytes(ready: Workspace) -> None:
    alone, killed = start(ready, **LONG), start(ready, **LONG)
    wait_until(ready, alone, "succeeded")
    wait_for_step(ready, killed, 60)
    kill(worker_of(ready, killed))
    wait_until(ready, killed, "succeeded")
    assert adapter_bytes(ready, killed) == adapter_bytes(ready, alone)
    kinds = [event["kind"] for event in runs.events(ready, killed, 200)]
    assert kinds.count("restarted") == 1


def test_a_run_killed_whole_is_interrupted_and_resumes_to_the_same_bytes(ready: Workspace) -> None:
    alone, killed = start(ready, **LONG), start(ready, **LONG)
    wait_until(ready, alone, "succeeded")
    wait_for_step(ready, killed, 60)
    kill(supervisor_of(ready, killed))
    kill(worker_of(ready, killed))
    told = status(ready, killed)
    assert told.state == "interrupted"
    assert told.next == f'control_finetune {{"run": "{killed}", "action": "resume"}}'
    resumed = start_finetune(ready, StartArgs(resume=killed), default_model="tiny")
    assert resumed.run == killed
    wait_until(ready, killed, "succeeded")
    assert adapter_bytes(ready, killed) == adapter_bytes(ready, alone)


def test_a_run_goes_on_while_only_its_supervisor_is_killed(ready: Workspace) -> None:
    run = start(ready, **LONG)
    wait_for_step(ready, run, 10)
    kill(supervisor_of(ready, run))
    assert status(ready, run).state == "running"
    wait_until(ready, run, "succeeded")


def test_pause_gives_the_memory_back_and_resume_goes_on_to_the_same_bytes(ready: Workspace) -> None:
    alone, paused = start(ready, **LONG), start(ready, **LONG)
    wait_until(ready, alone, "succeeded")
    wait_for_step(ready, paused, 30)
    control_finetune(ready, ControlArgs(run=paused, action="pause"))
    told = wait_until(ready, paused, "paused")
    assert told.step < LONG["iters"]
    assert not ledger.entries(ready)
    control_finetune(ready, ControlArgs(run=paused, action="resume"))
    wait_until(ready, paused, "succeeded")
    assert adapter_bytes(ready, paused) == adapter_bytes(ready, alone)


def test_cancel_stops_a_run_and_keeps_its_checkpoints(ready: Workspace) -> None:
    run = start(ready, **LONG)
    wait_for_step(ready, run, 45)
    control_finetune(ready, ControlArgs(run=run, action="cancel"))
    told = wait_until(ready, run, "cancelled")
    assert told.checkpoints
    assert not ready.adapter_names()
    with pytest.raises(Conflict, match="has ended"):
        control_finetune(ready, ControlArgs(run=run, action="pause"))
    with pytest.raises(Conflict, match="been cancelled"):
        start_finetune(ready, StartArgs(resume=run), default_model="tiny")


def test_runs_take_turns_and_one_that_waits_can_be_cancelled(ready: Workspace) -> None:
    first, second = start(ready, **LONG), start(ready, **LONG)
    wait_for_step(ready, first, 5)
    assert status(ready, second).state == "queued"
    control_finetune(ready, ControlArgs(run=second, action="cancel"))
    wait_until(ready, second, "cancelled")
    assert status(ready, first).state == "running"
    control_finetune(ready, ControlArgs(run=first, action="cancel"))
    wait_until(ready, first, "cancelled")


def test_the_same_request_key_starts_one_run(ready: Workspace) -> None:
    args = StartArgs(dataset="livros", request_key="uma vez", settings=TrainSettings(**FAST))
    made = {start_finetune(ready, args, default_model="tiny").run for _ in range(3)}
    assert len(made) == 1
    assert len(runs.names(ready)) == 1
    wait_until(ready, made.pop() or "", "succeeded")


def test_a_dry_run_plans_and_writes_nothing(ready: Workspace) -> None:
    before = sorted(ready.root.rglob("*"))
    args = StartArgs(dataset="livros", dry_run=True, settings=TrainSettings(**FAST))
    result = start_finetune(ready, args, default_model="tiny")
    assert result.run is None and result.plan.fits
    assert result.plan.settings["iters"].source == "asked"
    assert sorted(ready.root.rglob("*")) == before
    assert not runs.names(ready)


def test_a_time_budget_chooses_the_steps(ready: Workspace) -> None:
    args = StartArgs(
        dataset="livros",
        settings=TrainSettings(max_minutes=0.05, batch_size=2, lora_layers=2, val_batches=1, sample_prompts=[]),
    )
    run = start_finetune(ready, args, default_model="tiny").run or ""
    told = wait_until(ready, run, "succeeded")
    planned = runs.get(ready, run).plan
    plan = planned["settings"]
    assert plan["iters"]["value"] == told.steps
    assert "measured" in plan["iters"]["source"]
    rows = open_dataset(ready.dataset_folder("livros")).card["splits"]["train"]["rows"]
    assert planned["epochs"] == round(told.steps * 2 / rows, 2)
    reports = measured.last(ready, run, "train", 1000)
    assert reports[-1]["time"] - reports[0]["time"] < 30


def test_a_dataset_changed_by_hand_fails_the_run_with_the_file_and_what_to_do(ready: Workspace) -> None:
    path = ready.dataset_folder("livros") / "train.jsonl"
    path.write_text(path.read_text() + '{"text": "acrescentado à mão"}\n')
    run = start(ready)
    told = wait_until(ready, run, "failed")
    assert told.error is not None and told.error["problems"][0]["path"] == str(path)
    assert "prepare_dataset" in told.error["problems"][0]["fix"]
    assert told.verdict.kind == "failed" and told.verdict.text.startswith("The dataset was changed")
    assert not ready.adapter_names()


def test_after_a_crash_of_the_machine_the_next_start_understands_the_workspace(ready: Workspace) -> None:
    run = start(ready, **LONG)
    wait_for_step(ready, run, 45)
    kill(supervisor_of(ready, run))
    kill(worker_of(ready, run))
    # As a crash in the middle of writing would leave it, and with the database lost.
    checkpoints = runs.folder(ready, run) / "checkpoints"
    (checkpoints / ".tmp-half").mkdir()
    ready.store.close()
    for name in ("afina.db", "afina.db-wal", "afina.db-shm"):
        (ready.root / name).unlink(missing_ok=True)
    again = open_workspace(ready.root)
    reconcile(again)
    assert not (checkpoints / ".tmp-half").exists()
    found = runs.get(again, run)
    assert found.state == "interrupted"
    start_finetune(again, StartArgs(resume=run), default_model="tiny")
    told = wait_until(again, run, "succeeded")
    assert told.step == LONG["iters"]


def test_unknown_names_are_told_with_the_nearest(ready: Workspace) -> None:
    with pytest.raises(NotFound, match="`livros`"):
        start_finetune(ready, StartArgs(dataset="livro"), default_model="tiny")
    with pytest.raises(NotFound, match="tiny"):
        start_finetune(ready, StartArgs(dataset="livros", model="tyni"), default_model="tiny")
    with pytest.raises(NotFound):
        start_finetune(ready, StartArgs(resume="livros-20200101-1"), default_model="tiny")
    with pytest.raises(InvalidArgument, match="livros"):
        start_finetune(ready, StartArgs(), default_model="tiny")
    with pytest.raises(Conflict, match="base model"):
        start_finetune(ready, StartArgs(dataset="livros", name="tiny"), default_model="tiny")
    with pytest.raises(InvalidArgument, match="keeps its own settings"):
        start_finetune(ready, StartArgs(resume="x", dataset="livros"), default_model="tiny")
    assert not runs.names(ready)
