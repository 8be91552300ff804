"""This machine measured for real with the tiny model, and plans that count with it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tools.check_setup import resources
from tools.check_setup.measuring import measure
from tools.errors import Conflict, NotFound
from tools.models.info import load_info
from tools.start_finetune.contract import TrainSettings
from tools.start_finetune.duration import was_measured
from tools.start_finetune.memory import calibrated
from tools.start_finetune.plan import make_plan
from tools.start_finetune.presets import DatasetShape
from tools.workspace import ledger, machine
from tools.workspace.layout import Workspace
from tools.workspace.locks import FileLock


def test_what_is_measured_is_what_plans_count_with(tiny_ws: Workspace) -> None:
    info = load_info(tiny_ws.model_folder("tiny"))
    data = DatasetShape(rows=40, tokens=40 * 90, longest=120)
    before = make_plan(tiny_ws, info, data, "auto", TrainSettings())
    assert "not measured" in resources.calibration(tiny_ws).found
    measured = measure(tiny_ws, "tiny")
    assert min(measured.gflops, measured.training, measured.writing, measured.peak_gb) > 0
    settings = {name: setting.value for name, setting in before.settings.items()}
    assert was_measured(tiny_ws, info, settings)
    for key in ("train_flops", "reading_bytes_per_second", "matmul_gflops"):
        assert calibrated(tiny_ws, f"{key}:{machine.device()}", 0.0) > 0
    after = make_plan(tiny_ws, info, data, "auto", TrainSettings())
    steps = after.value("iters") * after.value("batch_size") * 90 / measured.training / 60
    assert steps * 0.9 - 0.05 <= after.predicted_minutes <= 2 * steps + 0.5
    assert before.notes != after.notes  # the first says that its minutes are a guess
    assert "measured, last on" in resources.calibration(tiny_ws).found
    assert ledger.entries(tiny_ws) == []
    assert not list(tiny_ws.runs.iterdir())


def test_nothing_is_measured_beside_a_run(tiny_ws: Workspace) -> None:
    path = tiny_ws.lock_path("train-livros-20261124-1")
    with FileLock.acquire(path):
        ledger.claim(tiny_ws, "train-livros-20261124-1", "training", 1, path)
        with pytest.raises(Conflict, match="train-livros-20261124-1 would slow down"):
            measure(tiny_ws, "tiny")


def test_a_model_that_is_not_there_is_told_with_the_command_that_brings_it(ws: Workspace) -> None:
    with pytest.raises(NotFound) as refused:
        measure(ws, "smollm2-135m")
    assert "afina models pull" in str(refused.value)


@pytest.mark.verify
def test_the_doctor_tells_what_it_measured(tiny_ws: Workspace) -> None:
    command = [sys.executable, "-P", "-m", "server.cli", "doctor", "--measure", "--default-model", "tiny"]
    given = ["--workspace", str(tiny_ws.root), "--json"]
    done = subprocess.run([*command, *given], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["model"] == "tiny"
    assert min(told["gflops"], told["training"], told["writing"]) > 0
