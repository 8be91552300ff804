"""The benchmarks themselves run to their end, on the tiny model: their figures mean nothing here."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import BENCHMARKS
from tests.benchmarks.measurement import Measurement
from tools.workspace.layout import Workspace
from tools.workspace.machine import mlx_environment
from tools.workspace.processes import child_command, child_environment


def run(module: str, *arguments: str) -> str:
    done = subprocess.run(
        child_command(module, arguments),
        env=child_environment(mlx_environment()),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_ratio_above_one_means_that_afina_is_better() -> None:
    assert Measurement("b", "speed", "tok/s", 30.0, 20.0).ratio == pytest.approx(1.5)
    assert Measurement("b", "time", "s", 2.0, 3.0, lower_is_better=True).ratio == pytest.approx(1.5)
    assert Measurement("b", "alone", "s", 2.0).ratio is None


@pytest.mark.verify
def test_every_benchmark_prints_its_row_and_tells_its_figures(tiny_ws: Workspace, tmp_path: Path) -> None:
    answer = tmp_path / "bench.json"

    printed = run(
        "tests.benchmarks", "--quick", "--model", "tiny", "--workspace", str(tiny_ws.root), "--json", str(answer)
    )

    told = json.loads(answer.read_text())
    assert {found["benchmark"] for found in told["results"]} == set(BENCHMARKS)
    assert all(found["case"] in printed and found["afina"] > 0 for found in told["results"])
    assert told["failed"] == []
    assert told["machine"]["mlx"] is not None


@pytest.mark.verify
def test_the_script_for_accelerators_measures_and_checks_all(tmp_path: Path) -> None:
    run("tests.benchmarks.device", "--out", str(tmp_path), "--tiny", "--budget-s", "500")

    told = json.loads((tmp_path / "device.json").read_text())
    assert told["end"]["failed"] == []
    assert not [name for name, found in told.items() if "skipped" in found]
    checks = [found["passed"] for name, found in told.items() if name.startswith("check")]
    assert checks == [True, True, True]
