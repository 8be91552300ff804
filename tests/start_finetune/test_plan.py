"""The plan: presets as the guide has them, reasons, and what fits in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.records import BOOKS, EIGHT_B, SMALL, plan
from tests.support.training import prepare_small
from tools.compute.training.rows import encode_rows
from tools.errors import DoesNotFit, InvalidArgument
from tools.models.tokenizer import Tokenizer
from tools.prepare_dataset.reading_back import open_dataset
from tools.start_finetune.contract import Plan, StartArgs, TrainSettings
from tools.start_finetune.duration import speed_key
from tools.start_finetune.plan import make_plan
from tools.start_finetune.preflight import disk_bytes
from tools.start_finetune.presets import DatasetShape, TooLong, preset_values
from tools.start_finetune.timed import fit_time, is_timed
from tools.start_finetune.tool import start_finetune
from tools.workspace import ledger, machine
from tools.workspace.layout import Workspace
from tools.workspace.machine import GB


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine that Afina is for: an M1 with 16 GB, most of it free."""
    monkeypatch.setattr(machine, "device", lambda: "metal")
    monkeypatch.setattr(machine, "chip", lambda: "Apple M1 Pro")
    monkeypatch.setattr(machine, "memory", lambda: machine.Memory(16 * GB, 13 * GB, 0))


@pytest.fixture
def mac_in_use(mac: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """With other applications open."""
    monkeypatch.setattr(machine, "memory", lambda: machine.Memory(16 * GB, int(8.5 * GB), 0))


# Rows longer than any preset takes them, and as long as the safe one does.
LONG = DatasetShape(rows=400, tokens=600_000, longest=20_000)
SAFE_LONG = DatasetShape(rows=400, tokens=600_000, longest=1536)

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


def test_the_safe_preset_trains_an_8b_on_a_mac_with_16_gb(ws: Workspace, mac: None) -> None:
    made = plan(ws, EIGHT_B, "safe", SAFE_LONG)
    assert made.fits
    assert made.changes == []
    assert made.predicted_peak_gb < made.budget_gb - 2


@pytest.mark.parametrize("preset", ["optimized", "aggressive"])
def test_what_does_not_fit_is_moved_down_the_guides_ladder(ws: Workspace, mac_in_use: None, preset: Any) -> None:
    made = plan(ws, EIGHT_B, preset, LONG)
    assert made.fits
    assert made.predicted_peak_gb <= made.budget_gb
    moved = {change.setting: change for change in made.changes}
    # The batch comes first. It is computed in parts, so that what is learned stays the same.
    assert moved["rows_at_once"].used < moved["rows_at_once"].asked == made.value("batch_size")
    assert "predicted at" in moved["rows_at_once"].reason
    assert "rank" not in moved


def test_the_ladder_goes_on_with_rank_and_length_and_ends_with_a_refusal(ws: Workspace, mac: None) -> None:
    order: list[str] = []
    for tenths in range(105, 40, -1):
        ws.store.write("INSERT OR REPLACE INTO calibration VALUES ('budget_bytes', ?, 0)", (tenths * GB / 10,))
        try:
            made = make_plan(ws, EIGHT_B, LONG, "aggressive", TrainSettings())
        except DoesNotFit as refused:
            assert refused.field == "model"
            break
        assert made.fits
        assert made.value("lora_alpha") / made.value("lora_rank") == 2
        assert made.value("batch_size") == 4
        changed = [change.setting for change in made.changes if change.asked != LONG.longest]
        order += [name for name in changed if name not in order]
    assert order == ["rows_at_once", "lora_rank", "lora_alpha", "max_seq_length"]


def test_settings_asked_by_name_are_not_moved_but_refused_with_those_that_fit(ws: Workspace, mac: None) -> None:
    asked = {"max_seq_length": 16384, "lora_rank": 256}
    with pytest.raises(DoesNotFit) as caught:
        plan(ws, EIGHT_B, "safe", LONG, **asked)
    assert "GB" in caught.value.message
    largest = caught.value.details["largest_settings"]
    assert set(asked) <= set(largest)
    for settings in (largest, asked | largest):
        made = plan(ws, EIGHT_B, "safe", LONG, **settings)
        assert made.fits
        assert {name: made.value(name) for name in largest} == largest
    # They are the largest: none of them may be as it was asked.
    for name in asked:
        with pytest.raises(DoesNotFit):
            plan(ws, EIGHT_B, "safe", LONG, **{**largest, name: asked[name]})


def test_a_large_batch_asked_by_name_is_computed_in_parts(ws: Workspace, mac: None) -> None:
    made = plan(ws, EIGHT_B, "safe", SAFE_LONG, batch_size=16)
    assert made.value("batch_size") == 16
    assert 1 <= made.value("rows_at_once") < 16
    [change] = made.changes
    assert "learns the same" in change.reason


def test_a_model_that_never_fits_is_refused_by_name_with_one_that_does(ws: Workspace, mac: None) -> None:
    huge = EIGHT_B.model_copy(update={"name": "enorme-70b", "parameters": 70 * 10**9, "weight_bytes": 40 * 10**9})
    with pytest.raises(DoesNotFit, match="enorme-70b") as caught:
        plan(ws, huge)
    assert caught.value.field == "model"
    assert "-4bit` for example" in str(caught.value.fix)


def test_little_free_memory_is_told_and_stops_nothing(
    ws: Workspace, mac: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not any("memory is free" in note for note in plan(ws, SMALL).notes)
    monkeypatch.setattr(machine, "memory", lambda: machine.Memory(16 * GB, 5 * GB, 0))
    made = plan(ws, SMALL)
    assert made.fits
    assert any(note.startswith("Only 31% of the memory is free (5.0 of 16.0 GB).") for note in made.notes)


def test_a_run_that_is_made_to_wait_for_memory_is_told(ws: Workspace, mac: None) -> None:
    free = plan(ws, EIGHT_B, "safe", SAFE_LONG)
    ws.store.write("INSERT INTO calibration VALUES ('budget_bytes', ?, 0)", ((free.predicted_peak_gb - 0.1) * GB,))
    held = plan(ws, EIGHT_B, "safe", SAFE_LONG)
    assert held.fits and held.changes == []
    assert held.predicted_peak_gb < held.budget_gb < free.predicted_peak_gb
    assert any("made to wait" in note for note in held.notes)


# Rows and passes ------------------------------------------------------------------------------


def test_rows_that_are_cut_are_told_with_what_is_lost(ws: Workspace) -> None:
    data = DatasetShape(400, 200_000, 900, too_long=lambda length: TooLong(0, 7, 7 * (900 - length)))
    [change] = make_plan(ws, SMALL, data, "auto", TrainSettings(max_seq_length=512)).changes
    assert (change.asked, change.used) == (900, 512)
    assert "7 of 400 rows lose their end, 2716 tokens in all" in change.reason
    pieces = DatasetShape(400, 200_000, 900, too_long=lambda length: TooLong(3, 0, 0))
    [change] = make_plan(ws, SMALL, pieces, "auto", TrainSettings(max_seq_length=512)).changes
    assert "3 of 400 rows are cut in pieces" in change.reason
    assert make_plan(ws, SMALL, data, "auto", TrainSettings()).changes == []


@pytest.mark.parametrize(
    ("rows", "steps", "batch", "told"),
    [
        (1, 15, 1, "15 passes over 1 rows, the most for so few"),
        (9, 33, 4, "15 passes over 9 rows, the most for so few"),
        (30, 60, 4, "the least; 8 passes over 30 rows"),
        (400, 300, 4, "3 passes over 400 rows"),
        (1_000_000, 3000, 4, "the most that auto takes; they read 12000 rows, of 1000000"),
    ],
)
def test_auto_reads_small_datasets_more_often_and_huge_ones_in_part(
    ws: Workspace, rows: int, steps: int, batch: int, told: str
) -> None:
    made = make_plan(ws, SMALL, DatasetShape(rows, rows * 300, 400), "auto", TrainSettings())
    assert (made.value("iters"), made.value("batch_size")) == (steps, batch)
    assert made.settings["iters"].source == f"auto: {told}"
    assert 1 <= made.value("steps_per_eval") <= steps
    assert made.epochs <= 15


def test_auto_counts_with_what_was_asked(ws: Workspace) -> None:
    made = plan(ws, SMALL, batch_size=1, lora_rank=4)
    assert made.value("iters") == 3 * BOOKS.rows
    assert made.value("gradient_accumulation_steps") == 4
    assert made.value("lora_alpha") == 8


def test_a_preset_that_reads_few_rows_too_often_is_told(ws: Workspace) -> None:
    made = make_plan(ws, SMALL, DatasetShape(20, 4000, 300), "optimized", TrainSettings())
    assert any("read 200 times" in note and "iters=30 " in note for note in made.notes)


# Disk -----------------------------------------------------------------------------------------


def test_fewer_checkpoints_are_kept_where_the_disk_is_small(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    one = disk_bytes(SMALL, flat_of(plan(ws, SMALL, keep_checkpoints=1)))
    monkeypatch.setattr(machine, "disk_free", lambda _: int(one * 1.2))
    made = plan(ws, SMALL)
    [change] = made.changes
    assert (change.setting, change.asked, change.used) == ("keep_checkpoints", 3, 1)
    with pytest.raises(DoesNotFit, match="disk is too small") as caught:
        plan(ws, SMALL, keep_checkpoints=20)
    assert plan(ws, SMALL, keep_checkpoints=1).fits
    assert "keep_checkpoints=1" in str(caught.value.expected)
    monkeypatch.setattr(machine, "disk_free", lambda _: one // 2)
    # A plan tells it; what would begin to write is refused (tests/bad_input/test_disk_full.py).
    assert any("disk is too full for this run: it writes" in note for note in plan(ws, SMALL).notes)


def test_hidden_states_are_not_kept_where_the_disk_is_small(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert plan(ws, SMALL, lora_layers=8).value("frozen_prefix") is True
    monkeypatch.setattr(machine, "disk_free", lambda _: GB)
    made = plan(ws, SMALL, lora_layers=8, frozen_prefix=True)
    [change] = made.changes
    assert (change.setting, change.used) == ("frozen_prefix", False)
    assert "GB free on the disk" in change.reason


def flat_of(made: Plan) -> dict[str, Any]:
    return {name: setting.value for name, setting in made.settings.items()}


def test_a_batch_larger_than_the_dataset_is_refused(ws: Workspace) -> None:
    few = DatasetShape(rows=3, tokens=600, longest=300)
    with pytest.raises(InvalidArgument, match="3 training rows") as caught:
        make_plan(ws, SMALL, few, "auto", TrainSettings(batch_size=4))
    assert caught.value.field == "settings.batch_size"
    # The preset's own batch is lowered instead, and said.
    made = make_plan(ws, SMALL, few, "aggressive", TrainSettings())
    assert made.value("batch_size") == 3
    assert "3 rows" in made.changes[0].reason


# Time -----------------------------------------------------------------------------------------


def test_measured_speed_replaces_the_guess(ws: Workspace) -> None:
    guess = plan(ws, SMALL, iters=100)
    assert any("guess" in note for note in guess.notes)
    ws.store.write("INSERT INTO calibration VALUES (?, 50.0, 0)", (speed_key(SMALL, 30),))
    measured = plan(ws, SMALL, iters=100)
    assert measured.predicted_minutes == pytest.approx(100 * 4 * 500 / 50 / 60, rel=0.01)
    assert measured.predicted_minutes != guess.predicted_minutes
    assert not any("guess" in note for note in measured.notes)


def test_passes_after_the_first_are_predicted_to_be_faster(ws: Workspace) -> None:
    ws.store.write("INSERT INTO calibration VALUES (?, 100.0, 0)", (speed_key(SMALL, 8),))
    kept, without = plan(ws, SMALL, lora_layers=8), plan(ws, SMALL, lora_layers=8, frozen_prefix=False)
    assert kept.value("frozen_prefix") is True
    first = BOOKS.tokens / 100 / 60
    assert without.predicted_minutes == pytest.approx(3 * first, rel=0.01)
    assert first < kept.predicted_minutes < 2.5 * first
    ws.store.write("INSERT INTO calibration VALUES (?, 400.0, 0)", (speed_key(SMALL, 8, later=True),))
    assert plan(ws, SMALL, lora_layers=8).predicted_minutes == pytest.approx(1.5 * first, rel=0.01)


def test_evaluations_and_samples_take_time_too(ws: Workspace) -> None:
    ws.store.write("INSERT INTO calibration VALUES (?, 100.0, 0)", (speed_key(SMALL, 30),))

    def minutes(**more: Any) -> float:
        data = DatasetShape(BOOKS.rows, BOOKS.tokens, BOOKS.longest, **more)
        return make_plan(ws, SMALL, data, "auto", TrainSettings(val_batches=-1)).predicted_minutes or 0.0

    alone = minutes()
    evaluated = minutes(valid_rows=100, valid_tokens=50_000)
    # Eleven times a forward pass over a quarter of what is learned.
    assert 1.1 * alone < evaluated < 2.5 * alone
    assert minutes(valid_rows=100, valid_tokens=50_000, questions=9) > evaluated


def test_a_time_budget_sets_steps_and_passes_but_nothing_that_was_asked(ws: Workspace) -> None:
    made = plan(ws, SMALL, max_minutes=10, batch_size=4, steps_per_eval=7)
    assert not is_timed(made)
    told = fit_time(made, step_seconds=2.0, evaluation_seconds=20.0, rows=BOOKS.rows)
    assert is_timed(made)
    assert (made.value("iters"), made.value("save_every"), made.value("steps_per_eval")) == (270, 90, 7)
    assert made.epochs == round(270 * 4 / BOOKS.rows, 2)
    assert made.settings["iters"].source == told
    assert made.settings["steps_per_eval"].source == "asked"


def test_the_budget_is_what_the_device_and_the_system_can_give(ws: Workspace, mac: None) -> None:
    assert plan(ws, SMALL).budget_gb == pytest.approx(16 * 0.67, abs=0.01)
    assert ledger.budget(ws) == int(16 * GB * 0.67)


def test_the_rows_told_as_too_long_are_those_that_training_cuts(tiny_ws: Workspace, tmp_path: Path) -> None:
    name = prepare_small(tiny_ws, tmp_path / "material")
    args = StartArgs(dataset=name, settings=TrainSettings(max_seq_length=64), dry_run=True)
    planned = start_finetune(tiny_ws, args, default_model="tiny").plan
    told = next(change for change in planned.changes if change.setting == "max_seq_length").reason
    dataset = open_dataset(tiny_ws.dataset_folder(name))
    tokenizer = Tokenizer.load(tiny_ws.model_folder("tiny"))
    encoded = encode_rows(dataset.rows("train"), tokenizer, 64, mask_prompt=True)
    assert encoded.split_rows + encoded.cut_rows > 0
    for rows, what in ((encoded.split_rows, "are cut in pieces"), (encoded.cut_rows, "lose their end")):
        assert (f"{rows} of {len(dataset.rows('train'))} rows {what}" in told) is (rows > 0)
