"""An evaluation's process: cut off, cancelled, beside the endpoint, in its turn."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.evaluate.waiting import finished
from tests.support.running_server import RunningServer, eventually
from tests.support.tiny_adapter import make_tiny_adapter
from tests.support.training import kill, stop_all
from tools.evaluate.contract import EvaluateArgs, EvaluateResult
from tools.evaluate.tool import evaluate
from tools.workspace import ledger
from tools.workspace.layout import Workspace
from tools.workspace.locks import FileLock
from tools.workspace.machine import GB


@pytest.fixture(scope="module")
def whole(new_workspace: Callable[[], Workspace]) -> Iterator[Workspace]:
    ws = new_workspace()
    for seed, name in enumerate(("um", "dois", "tres", "quatro"), 1):
        make_tiny_adapter(ws, name, seed=seed)
    yield ws
    stop_all(ws)


def begun(ws: Workspace, **arguments: Any) -> EvaluateResult:
    return evaluate(ws, EvaluateArgs(dataset="livros", wait_s=0, **arguments))


def asked(ws: Workspace, evaluation: str, **arguments: Any) -> EvaluateResult:
    return evaluate(ws, EvaluateArgs(evaluation=evaluation, **{"wait_s": 0, **arguments}))


def worker_of(evaluation: str) -> psutil.Process:
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if "tools.compute.scoring.worker" in line and evaluation in line:
            return process
    raise AssertionError(f"no process works on {evaluation}")


def set_budget(ws: Workspace, size: int) -> None:
    ws.store.write("INSERT OR REPLACE INTO calibration (key, value, updated) VALUES ('budget_bytes', ?, 0)", (size,))


def cut_off(ws: Workspace, evaluation: str, how: str) -> Path:
    """Stop it in its second stage; returns what it has kept of the first."""
    first = ws.evaluations / f".{evaluation}.stages" / "0" / "unseen.json"
    eventually(first.is_file, 60, "the first stage")
    worker = worker_of(evaluation)
    worker.suspend()
    if how == "killed":
        kill(worker)
    else:
        asked(ws, evaluation, action="cancel")
        worker.resume()
        told = asked(ws, evaluation, wait_s=30)
        assert told.state == "cancelled"
        assert told.next.startswith('evaluate {"adapter": ')
    return first


@pytest.mark.parametrize(("adapter", "how"), [("um", "killed"), ("dois", "cancelled")])
def test_an_evaluation_that_was_cut_off_goes_on_where_it_was(whole: Workspace, adapter: str, how: str) -> None:
    evaluation = begun(whole, adapter=adapter, max_items=3).evaluation
    first = cut_off(whole, evaluation, how)
    assert ledger.entries(whole) == []
    # A mark that only the kept stage bears.
    measured = json.loads(first.read_text("utf-8"))
    measured["unseen"]["documents"][0] = "marca"
    first.write_text(json.dumps(measured), encoding="utf-8")
    assert finished(whole, adapter=adapter, dataset="livros", max_items=3).evaluation == evaluation
    assert not first.parent.parent.exists()
    told = json.loads((whole.evaluations / evaluation / "report.json").read_text("utf-8"))
    assert told["measured"]["unseen"] == measured["unseen"]
    assert told["measured"]["repeated"]


def test_an_evaluation_waits_for_memory_and_may_be_cancelled_meanwhile(whole: Workspace) -> None:
    set_budget(whole, 2 * GB)
    with FileLock.acquire(whole.lock_path("train-livros-1")) as lock:
        assert not ledger.claim(whole, "train-livros-1", "training", GB, lock.path)
        how: dict[str, Any] = {"adapter": "tres", "max_items": 3, "metrics": ["likelihood"]}
        evaluation = begun(whole, **how).evaluation
        waiting = "Waiting for memory held by train-livros-1"
        eventually(lambda: (asked(whole, evaluation).progress or "").startswith(waiting), 30, "waiting")
        asked(whole, evaluation, action="cancel")
        assert asked(whole, evaluation, wait_s=30).state == "cancelled"
        assert begun(whole, **how).evaluation == evaluation
        eventually(lambda: (asked(whole, evaluation).progress or "").startswith(waiting), 30, "waiting again")
        ledger.release(whole, "train-livros-1")
    assert asked(whole, evaluation, wait_s=30).state == "succeeded"


def test_the_endpoint_answers_beside_an_evaluation_and_makes_room_where_there_is_none(whole: Workspace) -> None:
    how: dict[str, Any] = {"adapter": "quatro", "max_items": 3}
    set_budget(whole, 8 * GB)
    with RunningServer(whole) as server:
        assert server.chat().status_code == 200
        evaluation = begun(whole, **how, metrics=["repetition"]).evaluation
        eventually(lambda: [one.kind for one in ledger.entries(whole)] == ["engine", "evaluation"], 30, "both")
        assert server.chat(model="um").status_code == 200
        assert asked(whole, evaluation, wait_s=45).state == "succeeded"
        assert server.health()["engine"]["base"] == "tiny"

        set_budget(whole, GB)
        assert finished(whole, **how, dataset="livros", metrics=["likelihood"]).state == "succeeded"
        assert server.chat().status_code == 200
