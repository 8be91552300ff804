"""The plan: presets as the guide has them, reasons, and what fits in memory."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.records import BOOKS, EIGHT_B, SMALL, plan
from tools.errors import DoesNotFit, InvalidArgument
from tools.start_finetune.contract import TrainSettings
from tools.start_finetune.memory import adapter_parameters, predict_peak, speed_key
from tools.start_finetune.plan import make_plan
from tools.start_finetune.presets import DatasetShape, preset_values
from tools.workspace import ledger, machine
from tools.workspace.layout import Workspace
from tools.workspace.machine import GB


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine that Afina is for: an M1 with 16 GB, most of it free."""
    monkeypatch.setattr(machine, "device", lambda: "metal")
    monkeypatch.setattr(machine, "chip", lambda: "Apple M1 Pro")
    monkeypatch.setattr(machine, "memory", lambda: machine.Memory(16 * GB, 13 * GB, 0))


GUIDE: dict[str, dict[str, Any]] = {
    "optimized": {
        "batch_size": 2, "iters": 2000, "learning_rate": 2e-5, "steps_per_report": 20, "steps_per_eval": 200,
        "val_batches": 25, "save_every": 200, "lora_layers": 32, "lora_rank": 16, "lora_alpha": 32,
        "lora_dropout": 0.05, "max_seq_length": 2048, "grad_checkpoint": True, "gradient_accumulation_steps": 2,
    },
    "safe": {
        "batch_size": 1, "iters": 1000, "learning_rate": 1e-5, "steps_per_report": 10, "steps_per_eval": 100,
        "val_batches": 10, "save_every": 100, "lora_layers": 16, "lora_rank": 8, "lora_alpha": 16,
        "lora_dropout": 0.0, "max_seq_length": 1536, "grad_checkpoint": True, "gradient_accumulation_steps": 4,
    },
    "aggressive": {
        "batch_size": 4, "iters": 2000, "learning_rate": 2e-5, "steps_per_report": 20, "steps_per_eval": 200,
        "val_batches": 25, "save_every": 200, "lora_layers": -1, "lora_rank": 32, "lora_alpha": 64,
        "lora_dropout": 0.05, "max_seq_length": 2048, "grad_checkpoint": True, "gradient_accumulation_steps": 1,
    },
}  # fmt: skip


@pytest.mark.parametrize("preset", GUIDE)
def test_the_presets_are_the_guides(preset: Any) -> None:
    values = {name: value for name, (value, _) in preset_values(preset, EIGHT_B, BOOKS).items()}
    assert {name: values[name] for name in GUIDE[preset]} == GUIDE[preset]


def test_every_setting_tells_where_it_came_from(ws: Workspace) -> None:
    made = plan(ws, SMALL, iters=77)
    assert made.settings["iters"].source == "asked"
    assert made.settings["learning_rate"].source.startswith("auto: the rate for models under")
    assert made.settings["optimizer"].source == "default"
    assert made.fits


def test_auto_asks_the_model_for_its_rate_and_the_dataset_for_its_steps(ws: Workspace, mac: None) -> None:
    small = plan(ws, SMALL)
    assert small.value("learning_rate") == 5e-4
    assert small.value("iters") == 300  # three passes over 400 rows, four a step
    large = plan(ws, EIGHT_B)
    assert large.value("learning_rate") == 2e-5
    assert large.value("grad_checkpoint") is True


def test_more_layers_than_the_model_has_means_all_and_is_said(ws: Workspace) -> None:
    made = plan(ws, SMALL, "optimized")
    assert made.value("lora_layers") == -1
    assert [change.setting for change in made.changes] == ["lora_layers"]
    assert "30 layers" in made.changes[0].reason


def test_what_does_not_fit_is_moved_down_the_guides_ladder(ws: Workspace, mac: None) -> None:
    made = plan(ws, EIGHT_B, "aggressive")
    assert made.fits
    assert made.predicted_peak_gb <= made.budget_gb
    moved = {change.setting: change for change in made.changes}
    assert moved["batch_size"].used < 4
    assert "peak was predicted" in moved["batch_size"].reason
    # The rows of an update stay the same.
    assert made.value("batch_size") * made.value("gradient_accumulation_steps") == 4


def test_settings_asked_by_name_are_not_moved_but_refused_with_those_that_fit(ws: Workspace, mac: None) -> None:
    with pytest.raises(DoesNotFit) as caught:
        plan(ws, EIGHT_B, "safe", batch_size=16, max_seq_length=8192)
    assert "GB" in caught.value.message
    largest = caught.value.details["largest_settings"]
    assert plan(ws, EIGHT_B, "safe", **{k: v for k, v in largest.items() if k != "lora_alpha"}).fits


def test_a_model_that_never_fits_is_refused_by_name(ws: Workspace, mac: None) -> None:
    huge = EIGHT_B.model_copy(update={"name": "enorme-70b", "parameters": 70 * 10**9, "weight_bytes": 40 * 10**9})
    with pytest.raises(DoesNotFit, match="enorme-70b") as caught:
        plan(ws, huge)
    assert caught.value.field == "model"


def test_a_batch_larger_than_the_dataset_is_refused(ws: Workspace) -> None:
    few = DatasetShape(rows=3, tokens=600, longest=300)
    with pytest.raises(InvalidArgument, match="3 training rows") as caught:
        make_plan(ws, SMALL, few, "auto", TrainSettings(batch_size=4))
    assert caught.value.field == "settings.batch_size"
    # The preset's own batch is lowered instead, and said.
    made = make_plan(ws, SMALL, few, "aggressive", TrainSettings())
    assert made.value("batch_size") == 3
    assert "3 rows" in made.changes[0].reason


@pytest.mark.parametrize(
    ("change", "more"),
    [
        ({"batch_size": 4}, True), ({"max_seq_length": 2048}, True), ({"lora_rank": 64}, True),
        ({"lora_layers": 30}, True), ({"grad_checkpoint": True}, False),
    ],
)  # fmt: skip
def test_the_predicted_peak_grows_with_what_costs_memory(change: dict[str, Any], more: bool) -> None:
    settings = {name: value for name, (value, _) in preset_values("safe", SMALL, BOOKS).items()}
    settings |= {"grad_checkpoint": False, "max_seq_length": 512}
    before, after = predict_peak(SMALL, settings), predict_peak(SMALL, settings | change)
    assert (after > before) is more


def test_the_adapters_size_counts_the_chosen_modules_alone() -> None:
    hidden, values = SMALL.hidden_size, SMALL.kv_heads * SMALL.head_dim
    assert adapter_parameters(SMALL, 2, 8, ["self_attn.v_proj"]) == 2 * 8 * (hidden + values)
    assert adapter_parameters(SMALL, 2, 8, None) > 5 * adapter_parameters(SMALL, 2, 8, ["self_attn.v_proj"])


def test_measured_speed_replaces_the_guess(ws: Workspace) -> None:
    guessed = plan(ws, SMALL, iters=100).predicted_minutes
    ws.store.write("INSERT INTO calibration VALUES (?, 50.0, 0)", (speed_key(SMALL, 30),))
    measured = plan(ws, SMALL, iters=100).predicted_minutes
    assert measured == pytest.approx(100 * 4 * 500 / 50 / 60, rel=0.01)
    assert measured != guessed


def test_the_budget_is_what_the_device_and_the_system_can_give(ws: Workspace, mac: None) -> None:
    assert plan(ws, SMALL).budget_gb == pytest.approx(16 * 0.67, abs=0.01)
    assert ledger.budget(ws) == int(16 * GB * 0.67)
