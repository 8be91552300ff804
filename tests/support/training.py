"""Real runs of the tiny model, short enough for a test."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil

from tools.prepare_dataset.contract import PrepareArgs
from tools.prepare_dataset.tool import prepare_dataset
from tools.start_finetune.contract import StartArgs, TrainSettings
from tools.start_finetune.tool import start_finetune
from tools.training_status.contract import StatusArgs, StatusResult
from tools.training_status.tool import training_status
from tools.workspace import runs
from tools.workspace.layout import Workspace

PARAGRAPH = (
    "O farol número {n} acendia-se às {n} horas e o faroleiro contava {n} barcos no caderno azul da ilha. "
    "A menina perguntava sempre pelo barco {n}, e o avô respondia ao barco {n} que o mar guarda o que lhe pedem."
)
QUESTIONS = "".join(
    f'{{"question": "Quantos barcos viu o farol {n}?", "answer": "{n}", "aliases": [], "kind": "book", "source": ""}}\n'
    for n in range(1, 7)
)


def prepare_small(ws: Workspace, folder: Path, name: str = "livros", **more: Any) -> str:
    """Prepare a small book and a few questions with the tiny model; returns the dataset's name."""
    folder.mkdir(parents=True, exist_ok=True)
    chapters = [
        f"# Capítulo {c}\n\n" + "\n\n".join(PARAGRAPH.format(n=10 * c + p) for p in range(6)) for c in range(1, 9)
    ]
    (folder / "livro.md").write_text("\n\n".join(chapters), encoding="utf-8")
    (folder / "perguntas.jsonl").write_text(QUESTIONS, encoding="utf-8")
    args = PrepareArgs(sources=[str(folder)], name=name, model="tiny", max_tokens=128, **more)
    result = prepare_dataset(ws, args, default_model="tiny")
    assert result.state == "succeeded"
    return name


FAST: dict[str, Any] = {
    "iters": 24,
    "batch_size": 2,
    "gradient_accumulation_steps": 4,
    "learning_rate": 1e-2,
    "lora_layers": 2,
    "lora_rank": 4,
    "lora_dropout": 0.1,
    "steps_per_report": 5,
    "steps_per_eval": 12,
    "save_every": 6,
    "val_batches": 2,
    "keep_checkpoints": 2,
}


def start(ws: Workspace, dataset: str = "livros", **settings: Any) -> str:
    args = StartArgs(dataset=dataset, settings=TrainSettings(**{**FAST, **settings}))
    run = start_finetune(ws, args, default_model="tiny").run
    assert run is not None
    return run


def status(ws: Workspace, run: str, wait_s: float = 0) -> StatusResult:
    return training_status(ws, StatusArgs(run=run, wait_s=wait_s))


def wait_until(ws: Workspace, run: str, *states: str, seconds: float = 90) -> StatusResult:
    """Wait, bounded, until the run is in one of the states."""
    deadline = time.monotonic() + seconds
    while (told := status(ws, run)).state not in states:
        assert time.monotonic() < deadline, f"{run} is {told.state} after {seconds} s: {told.events}"
        assert told.state in runs.ACTIVE, f"{run} is {told.state}: {told.error}"
        time.sleep(0.05)
    return told


def wait_for_step(ws: Workspace, run: str, step: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while status(ws, run).step < step:
        assert time.monotonic() < deadline, f"step {step} was never reached"
        time.sleep(0.02)


def worker_of(ws: Workspace, run: str) -> psutil.Process:
    """The process that trains, found by its command line."""
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if "tools.compute.training.worker" in line and run in line and str(ws.root) in line:
            return process
    raise AssertionError(f"no worker of {run} is running")


def supervisor_of(ws: Workspace, run: str) -> psutil.Process:
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if "tools.start_finetune.supervisor" in line and run in line and str(ws.root) in line:
            return process
    raise AssertionError(f"no supervisor of {run} is running")


def kill(process: psutil.Process) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)


def stop_all(ws: Workspace) -> None:
    """End the processes of a workspace: a test that failed leaves nothing behind that eats the cores."""
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        ours = any(part.startswith(("tools.compute", "tools.start_finetune", "server.cli")) for part in line)
        if str(ws.root) in line and ours:
            process.kill()


def adapter_bytes(ws: Workspace, run: str) -> dict[str, bytes]:
    """What mlx-lm reads of the run's adapter."""
    adapter = runs.get(ws, run).adapter
    assert adapter is not None
    folder = ws.adapter_folder(adapter)
    return {name: (folder / name).read_bytes() for name in ("adapters.safetensors", "adapter_config.json")}
