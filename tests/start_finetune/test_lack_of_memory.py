"""A worker that dies for want of memory is started again with a smaller plan, on evidence alone."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.training import adapter_bytes, prepare_small, start, stop_all, wait_for_step, wait_until, worker_of
from tools.start_finetune.contract import Plan, StartArgs, TrainSettings
from tools.start_finetune.lack_of_memory import (
    EXIT_OUT_OF_MEMORY,
    Before,
    evidence,
    log_size,
    oom_kills,
    smaller,
)
from tools.start_finetune.tool import start_finetune
from tools.workspace import runs
from tools.workspace.files import read_json
from tools.workspace.layout import Workspace
from tools.workspace.machine import GB
from tools.workspace.reconcile import RUN_FILE

METAL = "[METAL] Command buffer execution failed: Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)"  # noqa: E501


@pytest.fixture
def ready(tiny_ws: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    prepare_small(tiny_ws, tmp_path / "material")
    yield tiny_ws
    stop_all(tiny_ws)


def planned(ws: Workspace, **settings: object) -> Plan:
    args = StartArgs(dataset="livros", settings=TrainSettings(**settings), dry_run=True)  # type: ignore[arg-type]
    plan = start_finetune(ws, args, default_model="tiny").plan
    assert plan is not None
    return plan


@pytest.mark.parametrize(
    ("code", "written", "available", "found"),
    [
        (EXIT_OUT_OF_MEMORY, "", 8 * GB, "MLX could get no more"),
        (-signal.SIGABRT, METAL, 8 * GB, "its log says"),
        (1, "RuntimeError: [malloc] Unable to allocate 8589934592 bytes.", 8 * GB, "its log says"),
        (-signal.SIGKILL, "", GB // 4, "2% of the memory was free"),
        (-signal.SIGKILL, "", 8 * GB, None),
        (-signal.SIGSEGV, "Segmentation fault", GB // 4, None),
        (1, "ValueError: bad shape", 8 * GB, None),
    ],
)
def test_only_evidence_counts(tmp_path: Path, code: int, written: str, available: int, found: str | None) -> None:
    log = tmp_path / "worker.log"
    log.write_text("out of memory, said an earlier worker\n")
    before = Before(oom_kills(), log_size(log))
    with log.open("a") as file:
        file.write(written)
    why = evidence(code, before, log, {"system_available": available}, 16 * GB)
    assert (why is None) if found is None else (why is not None and found in why)


def test_plans_get_smaller_in_steps_that_learn_the_same(ready: Workspace) -> None:
    plan = planned(ready, batch_size=4, grad_checkpoint=False)
    seen = []
    found: Plan | None = plan
    while (found := smaller(found, "a test")) is not None:
        seen.append((found.value("rows_at_once"), found.value("grad_checkpoint"), found.value("batch_size")))
        last = found
    assert seen == [(2, False, 4), (1, False, 4), (1, True, 4)]
    assert [change.setting for change in last.changes][-3:] == ["rows_at_once", "rows_at_once", "grad_checkpoint"]
    assert all("a test" in change.reason for change in last.changes[-3:])
    assert plan.value("rows_at_once") is None


def test_a_run_that_ran_out_of_memory_goes_on_with_fewer_rows_at_once(ready: Workspace) -> None:
    run = start(ready, iters=120, save_every=10, sample_prompts=[])
    wait_for_step(ready, run, 15)
    # What Metal does: it writes why, and aborts the process.
    worker = worker_of(ready, run)
    with (runs.folder(ready, run) / "worker.log").open("a") as log:
        log.write(METAL + "\n")
    os.kill(worker.pid, signal.SIGABRT)
    ended = wait_until(ready, run, "succeeded")
    assert ended.step == 120
    [told] = [event for event in runs.events(ready, run, 500) if event["kind"] == "smaller_plan"]
    assert "rows_at_once=1" in told["message"]
    written = read_json(runs.folder(ready, run) / RUN_FILE)["plan"]
    assert written["settings"]["rows_at_once"]["value"] == 1
    assert written["settings"]["batch_size"]["value"] == 2
    assert adapter_bytes(ready, run)


def test_a_worker_killed_without_evidence_keeps_its_plan(ready: Workspace) -> None:
    run = start(ready, iters=120, save_every=10, sample_prompts=[])
    wait_for_step(ready, run, 15)
    os.kill(worker_of(ready, run).pid, signal.SIGKILL)
    wait_until(ready, run, "succeeded")
    assert Plan(**runs.get(ready, run).plan).value("rows_at_once") is None
    assert [event["kind"] for event in runs.events(ready, run, 500)].count("restarted") == 1
