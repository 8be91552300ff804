"""The memory that a step is predicted to take: it grows with what costs memory, and is what is measured."""

from __future__ import annotations

import json
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.__main__ import WORKSPACE
from tests.support.records import BOOKS, EIGHT_B, SMALL, plan
from tools.models import precision
from tools.models.catalogue import DEFAULT
from tools.models.info import ModelInfo
from tools.models.pull import pull
from tools.start_finetune.footprint import StepShape, adapter_parameters, footprint, largest_step
from tools.start_finetune.memory import computed, peak_ratio, predict_peak, remember_peak
from tools.start_finetune.presets import COMMON, SAFE
from tools.workspace import machine
from tools.workspace.layout import Workspace, open_workspace
from tools.workspace.machine import GB, mlx_environment
from tools.workspace.processes import child_command, child_environment

TINY = SMALL.model_copy(
    update={
        "name": "tiny", "parameters": 200_000, "weight_bytes": 800_000, "layers": 3, "hidden_size": 64,
        "intermediate_size": 128, "heads": 4, "kv_heads": 2, "head_dim": 16, "vocab_size": 400,
        "quantized_bits": None,
    }
)  # fmt: skip
SEVEN_B = EIGHT_B.model_copy(update={"parameters": 7_248_023_552, "weight_bytes": 4_077_000_000, "vocab_size": 32768})
BASIC = {**COMMON, **SAFE, "grad_checkpoint": False, "max_seq_length": 512, "frozen_prefix": False}


def both(info: ModelInfo, **changes: Any) -> tuple[int, int]:
    settings = {**BASIC, **changes}
    found = footprint(info, settings, largest_step(info, settings))
    assert 0 < found.least <= found.usual
    return found.least, found.usual


@pytest.fixture(params=["cpu", "metal", "cuda"])
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    kind: str = request.param
    monkeypatch.setattr(machine, "device", lambda: kind)
    monkeypatch.setattr(machine, "device_memory", lambda: 64 * GB)
    return kind


@pytest.mark.parametrize("info", [TINY, SMALL, EIGHT_B], ids=lambda info: info.name)
@pytest.mark.parametrize("recomputed", [False, True])
@pytest.mark.parametrize(
    ("setting", "values"),
    [
        ("batch_size", [1, 2, 3, 8]),
        ("rows_at_once", [1, 2, 4, 8]),
        ("max_seq_length", [16, 100, 128, 129, 512, 1000, 2048, 8192]),
        ("lora_layers", [1, 2, 3, 8, 30, -1]),
        ("lora_rank", [1, 8, 64, 512]),
        ("lora_dropout", [0.0, 0.05]),
        ("gradient_accumulation_steps", [1, 2, 9]),
        ("lora_keys", [["self_attn.q_proj"], ["self_attn.q_proj", "mlp.down_proj"], None]),
        ("optimizer", ["adafactor", "sgd", "adamw"]),
    ],
)
def test_more_never_needs_less(device: str, info: ModelInfo, recomputed: bool, setting: str, values: list[Any]) -> None:
    batch = {"batch_size": 8} if setting == "rows_at_once" else {}
    found = [both(info, grad_checkpoint=recomputed, **batch, **{setting: value}) for value in values]
    for less, more in pairwise(found):
        assert less[0] <= more[0] and less[1] <= more[1]
    assert recomputed or found[0][1] < found[-1][1]


@pytest.mark.parametrize("info", [TINY, SMALL, EIGHT_B], ids=lambda info: info.name)
@pytest.mark.parametrize("length", [64, 512, 4096])
def test_recomputing_never_needs_more(device: str, info: ModelInfo, length: int) -> None:
    for layers in (1, 2, -1):
        kept = both(info, max_seq_length=length, lora_layers=layers)
        recomputed = both(info, max_seq_length=length, lora_layers=layers, grad_checkpoint=True)
        assert recomputed[0] <= kept[0] and recomputed[1] <= kept[1]


def test_rows_count_by_their_own_length_and_not_by_the_most_allowed() -> None:
    settings = {**BASIC, "max_seq_length": 2048, "batch_size": 2}
    assert largest_step(SMALL, settings, longest=300) == StepShape(2, 320, 640)
    assert computed(SMALL, settings, 300) == computed(SMALL, {**settings, "max_seq_length": 300})
    assert predict_peak(SMALL, settings, longest=300).usual < predict_peak(SMALL, settings).usual


def test_the_adapters_size_counts_the_chosen_modules_alone() -> None:
    hidden, values = SMALL.hidden_size, SMALL.kv_heads * SMALL.head_dim
    assert adapter_parameters(SMALL, 2, 8, ["self_attn.v_proj"]) == 2 * 8 * (hidden + values)
    assert adapter_parameters(SMALL, 2, 8, None) > 5 * adapter_parameters(SMALL, 2, 8, ["self_attn.v_proj"])


@pytest.mark.parametrize(
    ("held", "recomputed", "gigabytes"),
    [("dequantized", False, 28.6), ("dequantized", True, 23.8), ("as stored", False, 19.4), ("as stored", True, 15.7)],
)
def test_peaks_measured_on_an_h100_are_predicted(
    monkeypatch: pytest.MonkeyPatch, held: str, recomputed: bool, gigabytes: float
) -> None:
    """A 7B, rank 8 on the top 16 layers, a row of 2048 tokens; mlx 0.32.4, November 2026."""
    monkeypatch.setattr(machine, "device", lambda: "cuda")
    # What dequantized weights may take decides how they are held.
    monkeypatch.setattr(machine, "device_memory", lambda: (80 if held == "dequantized" else 20) * GB)
    assert precision.choose_precision(SEVEN_B, "train") == held
    weights = precision.resident_bytes(SEVEN_B, precision.choose_precision(SEVEN_B, "train"))
    usual = both(SEVEN_B, max_seq_length=2049, grad_checkpoint=recomputed, gradient_accumulation_steps=1)[1]
    assert (weights + usual) / 1e9 == pytest.approx(gigabytes, rel=0.15)


def test_what_was_measured_counts_in_the_next_plan(ws: Workspace) -> None:
    made = plan(ws, SMALL)
    settings = {name: setting.value for name, setting in made.settings.items()}
    step = largest_step(SMALL, settings, BOOKS.longest)
    weights = precision.resident_bytes(SMALL, precision.choose_precision(SMALL, "train"))
    expected = footprint(SMALL, settings, step, first=True).usual
    remember_peak(ws, SMALL, made, step, weights + int(1.5 * expected))
    assert peak_ratio(ws, SMALL) == pytest.approx(1.5, rel=1e-6)
    assert plan(ws, SMALL).predicted_peak_gb > made.predicted_peak_gb
    # A batch smaller than the plan's largest is held against its own prediction.
    small = StepShape(1, 64, 32)
    remember_peak(ws, SMALL, made, small, weights + footprint(SMALL, settings, small, first=True).usual)
    assert peak_ratio(ws, SMALL) == pytest.approx(1.0, rel=1e-6)


@pytest.mark.verify
def test_predicted_peaks_are_the_measured_ones_within_a_tenth(tmp_path: Path) -> None:
    """Twelve settings on the default model, never measured before; MLX by itself, and made to wait."""
    pull(open_workspace(WORKSPACE), DEFAULT, lambda *_: None)
    answer = tmp_path / "measured.json"
    given = ["--workspace", str(WORKSPACE), "--model", DEFAULT, "--json", str(answer)]
    subprocess.run(
        child_command("tests.benchmarks.memory", given),
        env=child_environment(mlx_environment()),
        timeout=1200,
        check=True,
        capture_output=True,
    )
    found = json.loads(answer.read_text())
    assert len(found) == 24
    off = {one["case"]: one["more"]["predicted"] / one["more"]["measured"] for one in found}
    assert {case: round(ratio, 3) for case, ratio in off.items() if not 0.9 <= ratio <= 1.1} == {}
