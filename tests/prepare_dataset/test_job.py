"""The job of prepare_dataset: how far it is, stopping it at any moment, and the bound on its memory."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tools.errors import DataError, InvalidArgument, NotFound, WorkerDied
from tools.prepare_dataset.contract import PrepareArgs, PrepareResult
from tools.prepare_dataset.identity import Options
from tools.prepare_dataset.material import SourceFile
from tools.prepare_dataset.memory_bound import default_bound
from tools.prepare_dataset.pipeline import prepare
from tools.prepare_dataset.request import FileToRead, Request
from tools.prepare_dataset.stages import TOTAL, Stages
from tools.prepare_dataset.tool import prepare_dataset
from tools.prepare_dataset.write import write
from tools.workspace import jobs
from tools.workspace.layout import Workspace
from tools.workspace.machine import GB

MODULE = "tools.prepare_dataset.worker"


def write_examples(path: Path, count: int) -> Path:
    lines = (f'{{"prompt": "Que farol é o {n}?", "completion": "O farol da ilha número {n}."}}' for n in range(count))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def call(ws: Workspace, **arguments: object) -> PrepareResult:
    return prepare_dataset(ws, PrepareArgs.model_validate(arguments), default_model="tiny")


def wait_until(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def begun(ws: Workspace, path: Path) -> str:
    """The job of a preparation that is at its work."""
    pending = call(ws, sources=[str(path)], name="muitos", wait_s=0)
    assert pending.job is not None
    job = pending.job
    wait_until(lambda: bool(jobs.get(ws, job, "prepare").progress))
    return job


def process_of(ws: Workspace, job: str) -> psutil.Process:
    row = ws.store.row("SELECT pid FROM jobs WHERE job = ?", (job,))
    assert row is not None
    return psutil.Process(row["pid"])


def check_gone(ws: Workspace, job: str, process: psutil.Process) -> None:
    """Neither process nor anything that it wrote is left."""
    wait_until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, 5)
    assert list(ws.data.iterdir()) == []
    again = call(ws, job=job)
    assert again.state == "cancelled"
    assert again.next.startswith('prepare_dataset {"sources": [')


def test_a_job_is_stopped_at_once_and_leaves_nothing(tiny_ws: Workspace, tmp_path: Path) -> None:
    job = begun(tiny_ws, write_examples(tmp_path / "ex.jsonl", 60_000))
    process = process_of(tiny_ws, job)
    started = time.monotonic()
    stopped = call(tiny_ws, job=job, action="cancel")
    assert time.monotonic() - started < 8
    assert stopped.state == "cancelled"
    check_gone(tiny_ws, job, process)


def test_a_job_that_comes_to_no_step_is_ended(tiny_ws: Workspace, tmp_path: Path) -> None:
    job = begun(tiny_ws, write_examples(tmp_path / "ex.jsonl", 60_000))
    process = process_of(tiny_ws, job)
    process.suspend()
    (tiny_ws.data / "muitos" / ".tmp-0123").mkdir(parents=True)
    started = time.monotonic()
    assert call(tiny_ws, job=job, action="cancel").state == "cancelled"
    assert time.monotonic() - started < 8
    check_gone(tiny_ws, job, process)


def test_a_stopped_job_can_be_begun_again(tiny_ws: Workspace, tmp_path: Path) -> None:
    path = write_examples(tmp_path / "ex.jsonl", 4_000)
    job = begun(tiny_ws, path)
    call(tiny_ws, job=job, action="cancel")
    assert call(tiny_ws, sources=[str(path)], name="muitos", wait_s=45).state == "succeeded"


def test_a_job_that_has_ended_stays_as_it_is(tiny_ws: Workspace, tmp_path: Path) -> None:
    done = call(tiny_ws, sources=[str(write_examples(tmp_path / "ex.jsonl", 20))], name="poucos")
    assert call(tiny_ws, job=done.job, action="cancel") == done


def test_there_must_be_a_job_to_stop(tiny_ws: Workspace) -> None:
    with pytest.raises(InvalidArgument, match="nothing to cancel"):
        call(tiny_ws, action="cancel")
    with pytest.raises(NotFound, match="no prepare job"):
        call(tiny_ws, job="prepare-nada", action="cancel")


def test_a_process_that_was_killed_is_told_with_where_it_was(tiny_ws: Workspace, tmp_path: Path) -> None:
    job = begun(tiny_ws, write_examples(tmp_path / "ex.jsonl", 60_000))
    os.kill(process_of(tiny_ws, job).pid, signal.SIGKILL)
    with pytest.raises(WorkerDied, match=r"ended before it answered \(at: \w+"):
        call(tiny_ws, job=job)


def test_material_that_needs_too_much_memory_is_told_with_stage_and_file(tiny_ws: Workspace, tmp_path: Path) -> None:
    path = write_examples(tmp_path / "ex.jsonl", 200_000)
    request = Request(
        name="grande",
        files=[FileToRead(path=str(path), name="ex.jsonl")],
        warnings=[],
        model_folder=str(tiny_ws.model_folder("tiny")),
        memory_bytes=200 * 1024**2,
        args=PrepareArgs(),
    )
    jobs.launch(tiny_ws, "prepare-grande", "prepare", MODULE, request.model_dump())
    with pytest.raises(DataError, match="too large to prepare") as caught:
        call(tiny_ws, job="prepare-grande")
    problem = caught.value.problems[0]
    assert problem.path == str(path)
    assert "needs more than 0.2 GB of memory (while understanding ex.jsonl)" in problem.message
    assert "Split it" in problem.fix
    assert 0 < default_bound() <= 8 * GB


def test_a_file_that_changes_while_it_is_read_is_told(tiny_ws: Workspace, tmp_path: Path) -> None:
    path = write_examples(tmp_path / "ex.jsonl", 20)
    options, folder = Options("auto", 512, 0.1, 0.1, 0, "auto"), tiny_ws.model_folder("tiny")
    prepared = prepare([SourceFile(path, "ex.jsonl", None)], options, folder, Stages(lambda *_: None))
    write_examples(path, 21)
    with pytest.raises(DataError, match="changed while it was read"):
        write(tiny_ws, "mudado", prepared)
    assert list(tiny_ws.data.iterdir()) == []


def test_progress_grows_through_all_stages_by_how_much_is_behind() -> None:
    told: list[tuple[float, str]] = []
    stages = Stages(lambda done, total, message: told.append((done / total, message)))
    stages.begin("Reading", 400)
    for name, done in (("a.txt", 0), ("b.txt", 300)):
        stages.at(name, done)
    stages.tell()
    for stage in ("Understanding", "Cutting", "Checking", "Writing"):
        stages.begin(stage, 0)
        stages.at("c.txt", 1)
    assert [message for _, message in told[:4]] == ["Reading", "Reading a.txt", "Reading b.txt", "Reading b.txt"]
    parts = [part for part, _ in told]
    assert parts == sorted(parts)
    assert parts[2] == pytest.approx(0.1875)
    assert parts[-1] == (TOTAL - 1) / TOTAL
    assert json.dumps(stages.doing) == '"Writing c.txt"'
