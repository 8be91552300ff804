"""The guide's checklists during and after training, on runs as their workers record them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.list_workspace.rows import add_run
from tests.support.tiny_adapter import make_tiny_adapter
from tools.check_setup.contract import Item
from tools.check_setup.runs import run_items
from tools.workspace import runs
from tools.workspace.files import write_json
from tools.workspace.layout import ADAPTER_MARKER, Workspace
from tools.workspace.locks import FileLock
from tools.workspace.machine import GB

RUN = "livros-20261124-1"
SETTINGS: dict[str, Any] = {"save_every": 20, "sample_prompts": None, "batch_size": 1, "lora_layers": 8}


@pytest.fixture
def training(ws: Workspace) -> Iterator[Workspace]:
    """A run at step 40 that goes well: its loss falls, checkpoints are kept, prompts are answered."""
    add_run(ws, RUN, "running", 1.0)
    plan = {"budget_gb": 8.0, "settings": {name: {"value": value} for name, value in SETTINGS.items()}}
    runs.set_plan(ws, RUN, plan, steps=100)
    losses = {0: 3.0, 20: 2.5, 40: 2.2}
    for step, loss in losses.items():
        runs.add_metrics(ws, RUN, step, "valid", {"loss": loss})
        runs.add_metrics(ws, RUN, step, "sample", {"answers": [{"prompt": "Quem?", "answer": "Ela."}], "seconds": 1})
    report(ws, 40, peak=6 * GB)
    checkpoint(ws, 40)
    lock = FileLock.try_acquire(runs.lock_path(ws, RUN))
    assert lock is not None
    with lock:
        yield ws


def report(ws: Workspace, step: int, peak: float) -> None:
    told = {"loss": 2.3, "tokens": 100, "tokens_per_second": 50.0, "memory": {"peak": peak}, "machine": {}}
    runs.add_metrics(ws, RUN, step, "train", told)


def checkpoint(ws: Workspace, step: int) -> None:
    folder = runs.folder(ws, RUN) / "checkpoints" / f"step-{step}"
    folder.mkdir(parents=True)
    write_json(folder / ADAPTER_MARKER, {})


def item(ws: Workspace, name: str) -> Item:
    return next(found for found in run_items(ws) if found.item == name)


def test_without_a_run_there_is_nothing_to_watch(ws: Workspace) -> None:
    assert run_items(ws) == []


def test_a_run_that_goes_well_passes_each_item(training: Workspace) -> None:
    found = run_items(training)
    assert [one.item for one in found] == ["during: memory", "during: loss", "during: checkpoints", "during: answers"]
    assert {one.state for one in found} == {"ok"}, found
    assert "6.0 GB of 8.0 GB" in found[0].found
    assert "3.000 at first, 2.200 at step 40" in found[1].found


def test_a_dead_run_is_not_watched(ws: Workspace) -> None:
    add_run(ws, RUN, "running", 1.0)
    assert run_items(ws) == []


def test_more_memory_than_planned_is_told(training: Workspace) -> None:
    report(training, 41, peak=9 * GB)
    assert item(training, "during: memory").state == "warn"


def test_a_loss_that_rises_is_told_with_what_to_change(training: Workspace) -> None:
    for step, loss in ((60, 2.6), (80, 2.9)):
        runs.add_metrics(training, RUN, step, "valid", {"loss": loss})
    found = item(training, "during: loss")
    assert found.state == "warn"
    assert "2.200 at step 40" in found.found
    assert found.fix


def test_checkpoints_that_stay_away_are_told(training: Workspace) -> None:
    runs.set_step(training, RUN, 85)
    found = item(training, "during: checkpoints")
    assert (found.state, found.found) == ("warn", "none for 45 steps")
    assert "worker.log" in str(found.fix)


def test_a_run_without_prompts_is_told(training: Workspace) -> None:
    runs.rewind(training, RUN, -1)
    runs.add_metrics(training, RUN, 20, "valid", {"loss": 2.5})
    runs.add_metrics(training, RUN, 20, "sample", {"answers": [], "seconds": 1})
    assert item(training, "during: answers").state == "warn"


@pytest.fixture
def trained(tiny_ws: Workspace) -> Workspace:
    """A run that has succeeded, with its adapter and its description."""
    ws = tiny_ws
    add_run(ws, RUN, "running", 1.0)
    folder = make_tiny_adapter(ws, "livros")
    runs.set_state(ws, RUN, "succeeded", "Published.", adapter=f"livros@{folder.name}")
    runs.folder(ws, RUN).mkdir(parents=True)
    write_json(runs.folder(ws, RUN) / "run.json", {"plan": {"settings": SETTINGS}})
    return ws


def evaluate(ws: Workspace, kind: str, asked: int) -> None:
    adapter = str(runs.get(ws, RUN).adapter)
    folder = ws.evaluations / "livros-1"
    folder.mkdir()
    result = {"verdict": [{"model": adapter, "kind": kind}], "questions": {"asked": asked}}
    write_json(folder / "report.json", {"request": {"adapters": [adapter]}, "result": result})


def test_an_adapter_that_was_never_compared_is_told_with_the_call(trained: Workspace) -> None:
    found = item(trained, "after: compared with its base")
    assert found.state == "warn"
    assert str(found.fix).startswith('evaluate {"adapter": "livros@')


def test_an_adapter_that_has_learned_passes_each_item(trained: Workspace) -> None:
    evaluate(trained, "learned", asked=6)
    found = run_items(trained)
    assert [one.item for one in found] == [
        "after: adapter",
        "after: compared with its base",
        "after: real examples",
        "after: settings",
    ]
    assert {one.state for one in found} == {"ok"}, found
    assert "4 hyperparameters" in found[-1].found


def test_a_verdict_that_is_not_good_and_questions_not_asked_are_told(trained: Workspace) -> None:
    evaluate(trained, "not_proven", asked=0)
    assert item(trained, "after: compared with its base").state == "warn"
    assert "annotate_dataset" in str(item(trained, "after: real examples").fix)


def test_an_adapter_or_settings_that_are_gone_are_told(trained: Workspace) -> None:
    (runs.folder(trained, RUN) / "run.json").unlink()
    for path in trained.adapters.rglob(ADAPTER_MARKER):
        path.unlink()
    assert item(trained, "after: adapter").state == "warn"
    assert item(trained, "after: settings").state == "warn"
