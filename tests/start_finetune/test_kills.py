"""Kill -9 at random moments, again and again: the run ends byte for byte like one left alone."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.training import adapter_bytes, prepare_small, start, status, stop_all, wait_until
from tools.models.pull import pull
from tools.prepare_dataset.contract import PrepareArgs
from tools.prepare_dataset.tool import prepare_dataset
from tools.start_finetune.contract import StartArgs, TrainSettings
from tools.start_finetune.tool import start_finetune
from tools.workspace import runs
from tools.workspace.layout import Workspace

pytestmark = pytest.mark.verify
SMOLLM2 = "smollm2-135m"
TINY: dict[str, Any] = {
    "iters": 300,
    "save_every": 7,
    "steps_per_eval": 30,
    "steps_per_report": 5,
    "lora_layers": 2,
    "gradient_accumulation_steps": 3,
    "sample_prompts": [],
    "keep_checkpoints": 2,
}


@pytest.fixture
def ready(tiny_ws: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    prepare_small(tiny_ws, tmp_path / "material")
    yield tiny_ws
    stop_all(tiny_ws)


def kill_all(ws: Workspace, run: str) -> None:
    """The run's processes, as a crash of the machine would end them: all, at once."""
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if run in line and str(ws.root) in line:
            os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while runs.is_alive(ws, run):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def killed_often(ws: Workspace, run: str, times: int, longest: float, seed: int) -> int:
    """Kill and resume a run so often, after random times; how many of the kills found it unfinished."""
    chance = random.Random(seed)
    struck = 0
    for _ in range(times):
        time.sleep(chance.uniform(0.0, longest))
        if runs.get(ws, run).state == "succeeded":
            break
        kill_all(ws, run)
        if runs.get(ws, run).state == "succeeded":
            break
        struck += 1
        start_finetune(ws, StartArgs(resume=run), default_model=SMOLLM2)
    return struck


@pytest.mark.parametrize("more", [{"frozen_prefix": True}, {"frozen_prefix": False, "lora_dropout": 0.3}])
def test_ten_kills_and_again_ten_leave_the_bytes_of_an_undisturbed_run(ready: Workspace, more: dict[str, Any]) -> None:
    alone = start(ready, **TINY, **more)
    wait_until(ready, alone, "succeeded", seconds=300)
    struck, seed = 0, 0
    while struck < 10:
        run = start(ready, **TINY, **more)
        struck += killed_often(ready, run, 10 - struck, 3.0, seed)
        wait_until(ready, run, "succeeded", seconds=300)
        assert adapter_bytes(ready, run) == adapter_bytes(ready, alone)
        assert status(ready, run).valid_loss == status(ready, alone).valid_loss
        seed += 1
        assert seed < 10


def test_three_kills_of_the_real_small_model_do_so_too(ws: Workspace, tmp_path: Path) -> None:
    pull(ws, SMOLLM2, lambda *_, **__: None)
    prepare_small_for_real(ws, tmp_path)
    settings: dict[str, Any] = {
        "iters": 24, "batch_size": 2, "lora_layers": 4, "lora_rank": 4, "save_every": 4, "steps_per_eval": 12,
        "steps_per_report": 2, "gradient_accumulation_steps": 1, "sample_prompts": [], "val_batches": 1,
    }  # fmt: skip
    try:
        alone = start_small(ws, settings)
        wait_until(ws, alone, "succeeded", seconds=400)
        struck, seed = 0, 0
        while struck < 3:
            run = start_small(ws, settings)
            struck += killed_often(ws, run, 3 - struck, 12.0, seed)
            wait_until(ws, run, "succeeded", seconds=400)
            assert adapter_bytes(ws, run) == adapter_bytes(ws, alone)
            seed += 1
            assert seed < 10
    finally:
        stop_all(ws)


def start_small(ws: Workspace, settings: dict[str, Any]) -> str:
    args = StartArgs(dataset="livros", settings=TrainSettings(**settings))
    run = start_finetune(ws, args, default_model=SMOLLM2).run
    assert run is not None
    return run


def prepare_small_for_real(ws: Workspace, folder: Path) -> None:
    (folder / "livro.md").write_text(
        "\n\n".join(
            f"# Capítulo {c}\n\n" + " ".join(f"Na ilha {c} o barco {n} voltou com a maré." for n in range(12))
            for c in range(1, 9)
        ),
        encoding="utf-8",
    )
    args = PrepareArgs(sources=[str(folder / "livro.md")], name="livros", model=SMOLLM2, max_tokens=128)
    assert prepare_dataset(ws, args, default_model=SMOLLM2).state == "succeeded"
