"""What is wrong with a run, found in its own numbers, each with a change to try."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

import pytest

from tests.training_status.rows import (
    RUN,
    alive,
    answered,
    evaluated,
    install_model,
    make_run,
    record,
    report,
    write_card,
)
from tools.start_finetune.duration import speed_key
from tools.start_finetune.presets import usual_rate
from tools.training_status.contract import Finding, StatusArgs
from tools.training_status.diagnosis import findings
from tools.training_status.findings.answers import loops
from tools.training_status.tool import training_status
from tools.workspace import runs
from tools.workspace.files import write_json
from tools.workspace.layout import Workspace
from tools.workspace.machine import GB


def found(ws: Workspace, finding: str) -> Finding | None:
    return next((told for told in findings(record(ws), 20) if told.finding == finding), None)


def the(ws: Workspace, finding: str) -> Finding:
    told = found(ws, finding)
    assert told is not None, findings(record(ws), 20)
    return told


def healthy(ws: Workspace, **settings: Any) -> None:
    """A run half way, about which there is nothing to say."""
    install_model(ws)
    write_card(ws)
    make_run(ws, **settings)
    for step in (10, 20, 30, 40, 50):
        report(ws, step, 3.0 - step / 100)
    evaluated(ws, (3.0, 2.8, 2.7, 2.6, 2.5, 2.4))
    answered(ws, 0, ["Não sei.", "Foi o avô."])
    answered(ws, 50, ["O avô acendia o farol.", "Em 2015 ganhou o Areal."])


def test_of_a_healthy_run_nothing_is_said(ws: Workspace) -> None:
    healthy(ws)
    assert findings(record(ws), 20) == []


# Memory -------------------------------------------------------------------------------------------


def test_swap_that_grows_is_told_with_the_next_smaller_setting(ws: Workspace) -> None:
    healthy(ws, batch_size=4)
    report(ws, 60, memory={"swap": 3 * GB})
    told = the(ws, "memory is short")
    assert told.evidence == "Swap grew from 0.0 GB at step 10 to 3.0 GB at step 60."
    assert '{"batch_size": 1}' in told.change


def test_swap_that_was_there_before_is_not_the_runs(ws: Workspace) -> None:
    make_run(ws)
    for step in (10, 20):
        report(ws, step, memory={"swap": 3 * GB})
    assert found(ws, "memory is short") is None


@pytest.mark.parametrize(
    ("settings", "change"),
    [
        ({"batch_size": 1, "grad_checkpoint": False}, '{"grad_checkpoint": true}'),
        ({"batch_size": 1, "grad_checkpoint": True, "lora_rank": 16}, '{"lora_rank": 8}'),
        ({"batch_size": 1, "grad_checkpoint": True, "lora_rank": 8}, '{"lora_rank": 4}'),
        (
            {"batch_size": 1, "grad_checkpoint": True, "lora_rank": 4, "max_seq_length": 2048},
            '{"max_seq_length": 1024}',
        ),
        ({"batch_size": 1, "grad_checkpoint": True, "lora_rank": 4, "max_seq_length": 512}, "a smaller model"),
    ],
)
def test_the_next_smaller_setting_follows_the_ladder(ws: Workspace, settings: dict[str, Any], change: str) -> None:
    make_run(ws, **settings)
    report(ws, 10, memory={"system_available": 2**20})
    told = the(ws, "memory is short")
    assert "of memory were available at step 10" in told.evidence
    assert change in told.change


def test_a_peak_above_the_budget_is_told_with_both(ws: Workspace) -> None:
    make_run(ws)
    budget = runs.get(ws, RUN).plan["budget_gb"]
    report(ws, 10, memory={"peak": int((budget + 1) * GB)})
    assert the(ws, "memory is short").evidence.startswith(f"The peak was {budget + 1:.1f} GB;")


def test_a_plan_that_was_made_smaller_and_what_the_system_tells_of_memory_are_evidence(ws: Workspace) -> None:
    make_run(ws)
    message = "Out of memory at step 8 (its log says that memory ran out): going on with rows_at_once=2."
    runs.add_event(ws, RUN, 8, "smaller_plan", message)
    report(ws, 10, machine={"memory_stall": 31.0, "memory_pressed": True})
    evidence = the(ws, "memory is short").evidence
    assert message in evidence and "waited for memory 31% of the time" in evidence and "macOS told" in evidence


# Learning -----------------------------------------------------------------------------------------


def stuck(ws: Workspace, **settings: Any) -> None:
    """A run at its end that has learned nothing."""
    install_model(ws)
    make_run(ws, "succeeded", **settings)
    evaluated(ws, (3.0, 3.0, 2.999, 3.0), every=30)


RATE = usual_rate(134_515_008)


@pytest.mark.parametrize(
    ("rows", "settings", "evidence", "change"),
    [
        (400, {"learning_rate": 1e-6}, f"The rate is 1e-06; {RATE:g} is usual", f'{{"learning_rate": {RATE}}}'),
        (400, {"learning_rate": 0.1}, "The rate is 0.1, high", f'{{"learning_rate": {RATE}}}'),
        (4000, {"batch_size": 2}, "All 100 steps are 0.05 passes over 4000 rows", '{"iters": 4000}'),
        (100, {"batch_size": 4, "lora_layers": 2}, "2 of 30 layers are adapted", '{"lora_layers": 16}'),
        (40, {"batch_size": 4}, "There are 40 rows", "Add material"),
        (200, {"batch_size": 4}, "The rate is", f'{{"learning_rate": {2 * RATE}}}'),
    ],
)
def test_a_model_that_does_not_learn_is_told_with_the_likeliest_cause(
    ws: Workspace, rows: int, settings: dict[str, Any], evidence: str, change: str
) -> None:
    write_card(ws, rows=rows)
    stuck(ws, **settings)
    told = the(ws, "it does not learn")
    assert told.evidence.startswith("Validation loss 3.000 at step 0, 3.000 at step 90. ")
    assert evidence in told.evidence and change in told.change


def test_rows_that_are_nearly_all_prompt_are_the_cause_before_others(ws: Workspace) -> None:
    write_card(ws, rows=40)
    stuck(ws, learning_rate=1e-6)
    report(ws, 90, tokens=1000, learned=20)
    told = the(ws, "it does not learn")
    assert "Only 2% of the tokens are learned" in told.evidence and '{"mask_prompt": false}' in told.change


def test_at_the_beginning_it_is_too_early_to_say_that_nothing_is_learned(ws: Workspace) -> None:
    make_run(ws)
    evaluated(ws, (3.0, 3.0, 3.0), every=10)
    with alive(ws):
        assert found(ws, "it does not learn") is None
    evaluated(ws, (3.0, 3.0, 3.0), every=20)
    assert found(ws, "it does not learn") is not None


def test_a_loss_that_only_rises_is_told_with_a_lower_rate(ws: Workspace) -> None:
    make_run(ws, "succeeded", learning_rate=1e-3)
    evaluated(ws, (3.0, 3.2, 3.4), every=50)
    told = the(ws, "training makes it worse")
    assert "3.400 at step 100; none was lower" in told.evidence
    assert '{"learning_rate": 0.0002}' in told.change
    assert found(ws, "it learns by heart") is None


def test_learning_by_heart_is_told_with_both_losses_and_where_to_stop(ws: Workspace) -> None:
    install_model(ws)
    write_card(ws, rows=80)
    make_run(ws, batch_size=4, learning_rate=2 * RATE, lora_rank=32)
    evaluated(ws, (3.0, 2.0, 2.2, 2.3))
    report(ws, 10, 2.1)
    report(ws, 30, 0.9)
    told = the(ws, "it learns by heart")
    assert "2.000 at step 10, 2.300 at step 30; training loss 2.100 at first, 0.900 now" in told.evidence
    assert "after 0.5 passes over 80 rows" in told.evidence
    assert f'{{"iters": 12, "learning_rate": {RATE}, "lora_rank": 16}}' in told.change


def test_breakdowns_are_counted_and_told_with_a_lower_rate(ws: Workspace) -> None:
    make_run(ws, learning_rate=1e-3)
    rollbacks = [{"step": s, "to": 20, "factor": f, "reason": "the loss rose"} for s, f in ((33, 0.5), (41, 0.25))]
    write_json(runs.folder(ws, RUN) / "rollbacks.json", rollbacks)
    told = the(ws, "training broke down")
    assert told.evidence == "2 times, last at step 41: the loss rose. It went on from step 20 with 0.25 of the rate."
    assert '{"learning_rate": 0.00013}' in told.change


def test_a_run_that_was_still_learning_is_to_be_longer(ws: Workspace) -> None:
    make_run(ws, "succeeded")
    evaluated(ws, (3.0, 2.8, 2.6, 2.5, 2.4, 2.3))
    told = the(ws, "it was still learning when it ended")
    assert "from 2.500 to 2.300" in told.evidence and '{"iters": 200}' in told.change


# Speed --------------------------------------------------------------------------------------------


def test_a_run_that_slows_down_is_told_with_both_speeds(ws: Workspace) -> None:
    healthy(ws)
    for step in (60, 70, 80):
        report(ws, step, tokens_per_second=30.0)
    assert "30 tokens/s in the last reports, 100 over the run." in the(ws, "training is slow").evidence


def test_a_run_slower_than_an_earlier_one_is_told_with_both_speeds(ws: Workspace) -> None:
    healthy(ws, lora_layers=8)
    info = record(ws).model
    assert info is not None
    ws.store.write("INSERT INTO calibration (key, value, updated) VALUES (?, 400, 0)", (speed_key(info, 8),))
    told = the(ws, "training is slow")
    assert "100 tokens/s; an earlier run of tiny with 8 layers had 400." in told.evidence


def test_a_slow_first_pass_is_not_called_slow(ws: Workspace) -> None:
    healthy(ws, lora_layers=8, frozen_prefix=True)
    info = record(ws).model
    assert info is not None
    ws.store.write("INSERT INTO calibration (key, value, updated) VALUES (?, 400, 0)", (speed_key(info, 8),))
    assert found(ws, "training is slow") is None


def test_a_run_that_takes_far_longer_than_planned_is_told_with_both_times(ws: Workspace) -> None:
    healthy(ws)
    plan = {**runs.get(ws, RUN).plan, "predicted_minutes": 0.2}
    for step in (60, 70):
        report(ws, step, tokens=10_000)
    runs.set_plan(ws, RUN, plan, 1000)
    assert "minutes; the plan predicted 0" in the(ws, "training is slow").evidence


@pytest.mark.parametrize(("machine", "change"), [({"throttled": True}, "cool"), ({"on_battery": True}, "Plug")])
def test_the_machines_state_is_the_first_cause_of_slowness(ws: Workspace, machine: dict[str, Any], change: str) -> None:
    healthy(ws)
    for step in (60, 70, 80):
        report(ws, step, tokens_per_second=30.0, machine=machine)
    assert change in the(ws, "training is slow").change


def test_padding_and_many_evaluations_are_told(ws: Workspace) -> None:
    make_run(ws, steps_per_eval=5)
    for step in (10, 20, 30):
        report(ws, step, padding=0.4)
    answered(ws, 30, ["a"], seconds=20.0)
    assert the(ws, "much of the work is padding").evidence.startswith("40% of what was computed")
    told = the(ws, "evaluations take much of the time")
    assert told.evidence == "An evaluation takes 20 s, the 5 steps between two take 5 s."
    assert '{"steps_per_eval": 20}' in told.change


# Answers and rows -----------------------------------------------------------------------------------

ROUND = "o farol da ilha acende o farol da ilha acende o farol da ilha acende o farol da ilha acende"


@pytest.mark.parametrize(
    ("base", "now", "finding", "evidence"),
    [
        (["Não sei.", "Sim."], ["", " . "], "answers are empty", "2 of 2 at step 50; of the base's, 0 of 2."),
        (["Não sei.", "Sim."], [ROUND, ROUND + " sim"], "answers run in circles", "2 of 2 at step 50"),
        (["Não sei.", "Sim."], ["O avô.", "O avô."], "all questions get the same answer", "2 of 2 at step 50"),
        (
            ["Não sei.", "Foi ele."],
            ["The old man was the one who lit it.", "In the year of 2015 it was won by them."],
            "answers are in another language",
            "2 of 2 at step 50 are in English; the dataset is in Portuguese.",
        ),
    ],
)
def test_odd_answers_are_counted(
    ws: Workspace, base: Sequence[str], now: Sequence[str], finding: str, evidence: str
) -> None:
    healthy(ws)
    answered(ws, 0, base)
    answered(ws, 50, now)
    assert evidence in the(ws, finding).evidence
    assert len(findings(record(ws), 20)) == 1


def test_what_was_odd_about_the_base_already_is_not_the_trainings(ws: Workspace) -> None:
    healthy(ws)
    answered(ws, 0, [ROUND, ""])
    answered(ws, 50, [ROUND, ""])
    assert findings(record(ws), 20) == []


def test_a_list_of_different_things_does_not_loop() -> None:
    text = "Em 2013 ganhou o Areal, em 2014 ganhou a Moura, em 2015 ganhou o Porto Velho e em 2016 ganhou o Cabo."
    assert not loops(text)
    assert loops(ROUND)


def test_rows_that_were_cut_are_told_once_with_the_length_they_need(ws: Workspace) -> None:
    healthy(ws, max_seq_length=128)
    for _ in range(2):
        runs.add_event(ws, RUN, 0, "data", "7 rows were longer than max_seq_length and lost their end.")
    told = the(ws, "rows were cut")
    assert told.evidence == (
        "7 rows were longer than max_seq_length and lost their end. It is 128; the longest row has 500 tokens."
    )
    assert '{"max_seq_length": 512}' in told.change and "max_tokens=128" in told.change


# The machine ----------------------------------------------------------------------------------------


def test_battery_and_heat_are_told_while_a_run_is_active(ws: Workspace) -> None:
    healthy(ws)
    machine = {"on_battery": True, "battery": 23, "throttled": True, "speed_limit": 62, "heat": 97.0}
    report(ws, 60, machine=machine)
    assert the(ws, "the machine is on battery").evidence == "On battery at 23% at step 60."
    assert "step 60, its speed is limited to 62%, 97 °C." in the(ws, "the machine is too hot").evidence
    runs.set_state(ws, RUN, "succeeded", "Published.", adapter="livros@1")
    assert found(ws, "the machine is on battery") is None


def test_a_disk_without_room_for_the_checkpoints_to_come_is_told(ws: Workspace) -> None:
    healthy(ws)
    folder = runs.folder(ws, RUN) / "checkpoints" / "step-50"
    folder.mkdir(parents=True)
    (folder / "afina.json").write_text("{}")
    # A sparse file: it takes no room and says that a checkpoint is as large as all that is free.
    with (folder / "state.safetensors").open("wb") as file:
        file.truncate(shutil.disk_usage(ws.root).free)
    told = the(ws, "the disk is nearly full")
    assert "GB are free; a checkpoint takes" in told.evidence and "4 more are to be kept" in told.evidence


def test_a_concise_status_tells_the_gravest_three(ws: Workspace) -> None:
    healthy(ws, max_seq_length=128, steps_per_eval=1)
    runs.add_event(ws, RUN, 0, "data", "7 rows were longer than max_seq_length and lost their end.")
    machine = {"on_battery": True, "throttled": True}
    report(ws, 60, memory={"swap": 3 * GB}, machine=machine)
    with alive(ws):
        concise = training_status(ws, StatusArgs()).findings
        detailed = training_status(ws, StatusArgs(detail="detailed")).findings
    assert [told.finding for told in concise] == [
        "memory is short",
        "the machine is too hot",
        "the machine is on battery",
    ]
    assert len(detailed) > 3
