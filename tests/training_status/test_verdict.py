"""The verdict on a run: what its losses, events and silence mean, and the call to make next."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.training_status.rows import RUN, alive, evaluated, make_run, record, report
from tools.errors import MachineError
from tools.training_status.verdict import judge
from tools.workspace import runs
from tools.workspace.files import write_json
from tools.workspace.layout import Workspace


def call_of(action: str) -> tuple[str, dict[str, Any]]:
    tool, _, arguments = action.partition(" ")
    return tool, json.loads(arguments)


@pytest.mark.parametrize(
    ("losses", "kind"),
    [
        ((3.0,), "learning"),
        ((3.0, 2.5, 2.2), "learning"),
        ((3.0, 2.0, 2.2, 2.3), "overfitting"),
        ((3.0, 2.0, 2.2, 2.01), "learning"),
        ((3.0, 2.0, 2.0, 2.0, 1.999, 1.999), "plateau"),
    ],
)
def test_the_verdict_reads_the_validation_losses(ws: Workspace, losses: tuple[float, ...], kind: str) -> None:
    make_run(ws)
    evaluated(ws, losses)
    assert judge(record(ws)).kind == kind


@pytest.mark.parametrize("state", ["queued", "preparing", "paused", "interrupted", "cancelled", "failed", "succeeded"])
def test_every_state_has_words_and_a_next_call(ws: Workspace, state: runs.RunState) -> None:
    make_run(ws, state, row={"adapter": "livros@1234abcd"} if state == "succeeded" else {})
    evaluated(ws, (3.0, 2.0))
    verdict = judge(record(ws))
    assert verdict.text
    expected = {"queued": "training_status", "preparing": "training_status", "succeeded": "evaluate"}
    expected |= dict.fromkeys(("paused", "interrupted"), "control_finetune")
    assert call_of(verdict.action)[0] == expected.get(state, "start_finetune")


def test_overfitting_tells_when_it_was_best_and_what_will_be_published(ws: Workspace) -> None:
    make_run(ws, patience=4)
    evaluated(ws, (3.0, 2.0, 2.2, 2.3))
    text = judge(record(ws)).text
    assert "2.000 at its best, step 10" in text
    assert "after 4 evaluations without a gain (2 so far)" in text
    assert "the checkpoint of step 10 will be published" in text


def test_overfitting_of_a_run_that_publishes_its_last_step_says_so(ws: Workspace) -> None:
    make_run(ws, publish="last")
    evaluated(ws, (3.0, 2.0, 2.2, 2.3))
    assert "the last step will be published" in judge(record(ws)).text


def test_a_run_that_broke_down_is_told_with_the_step_it_went_back_to_until_it_is_evaluated_again(ws: Workspace) -> None:
    make_run(ws)
    evaluated(ws, (3.0, 2.5, 2.4))
    message = "At step 33 the loss rose far above what it was: back to step 20, and on with 0.5 of the planned rate."
    runs.add_event(ws, RUN, 20, "rollback", message)
    verdict = judge(record(ws))
    assert verdict.kind == "rolled_back" and message in verdict.text
    runs.add_metrics(ws, RUN, 30, "valid", {"loss": 2.3})
    assert judge(record(ws)).kind == "learning"


def test_a_run_that_breaks_down_for_good_is_to_be_started_again_with_a_tenth_of_the_rate(ws: Workspace) -> None:
    error = MachineError("Training broke down again and again.", fix="Start again with a lower rate.").to_dict()
    make_run(ws, "failed", learning_rate=2e-3, lora_rank=4, row={"error": error})
    rollback = {"step": 33, "to": 20, "factor": 0.125, "reason": "the loss rose far above what it was"}
    write_json(runs.folder(ws, RUN) / "rollbacks.json", [rollback])
    runs.set_state(ws, RUN, "failed", "failed", error=error)
    verdict = judge(record(ws))
    assert verdict.kind == "failed" and "again and again" in verdict.text
    tool, arguments = call_of(verdict.action)
    assert tool == "start_finetune" and arguments["dataset"] == "livros@00000000"
    assert arguments["settings"] == {"iters": 100, "learning_rate": 2e-4, "lora_rank": 4}


def test_a_run_that_failed_for_want_of_disk_is_to_be_resumed(ws: Workspace) -> None:
    make_run(ws, "failed")
    runs.set_state(ws, RUN, "failed", "full", error={"code": "disk_full", "message": "The disk is full."})
    assert call_of(judge(record(ws)).action) == ("control_finetune", {"run": RUN, "action": "resume"})


def test_a_run_that_does_not_fit_is_to_be_started_again_with_what_fits(ws: Workspace) -> None:
    make_run(ws, "failed", seed=7)
    error = {"code": "does_not_fit", "message": "Too large.", "details": {"largest_settings": {"batch_size": 1}}}
    runs.set_state(ws, RUN, "failed", "too large", error=error)
    settings = call_of(judge(record(ws)).action)[1]["settings"]
    assert settings == {"iters": 100, "seed": 7, "batch_size": 1}


def test_an_early_stop_is_told_as_a_success_with_its_reason(ws: Workspace) -> None:
    make_run(ws, patience=2, row={"adapter": "livros@1234abcd"})
    evaluated(ws, (3.0, 2.0, 2.1, 2.2))
    runs.add_event(ws, RUN, 30, "publish", "Published as it was at step 10, where the validation loss was lowest.")
    runs.set_state(ws, RUN, "succeeded", "published", adapter="livros@1234abcd")
    verdict = judge(record(ws))
    assert verdict.kind == "done"
    assert "stopped early, at step 30 of 100: no lower validation loss in 2 evaluations." in verdict.text
    assert "at step 10, where the validation loss was lowest" in verdict.text
    assert call_of(verdict.action) == ("evaluate", {"adapter": "livros@1234abcd"})


def test_a_whole_run_is_not_called_stopped_early(ws: Workspace) -> None:
    make_run(ws, patience=9, steps=30, row={"adapter": "livros@1234abcd"})
    evaluated(ws, (3.0, 2.5, 2.2, 2.0))
    runs.set_state(ws, RUN, "succeeded", "published", adapter="livros@1234abcd")
    assert "early" not in judge(record(ws)).text


def test_a_run_that_waits_says_for_whom(ws: Workspace) -> None:
    make_run(ws, "queued")
    runs.add_event(ws, RUN, 0, "queued", "Waiting for its turn.")
    with alive(ws):
        assert "turn or for memory" in judge(record(ws)).text
        runs.add_event(ws, RUN, 0, "waiting", "Waiting for its turn after engine.")
        assert judge(record(ws)).text == "Waiting for its turn after engine."
        # Queued anew: what it waited for then says nothing now.
        runs.add_event(ws, RUN, 0, "queued", "Resumed.")
        assert "engine" not in judge(record(ws)).text


def test_a_run_that_is_queued_behind_another_names_it(ws: Workspace) -> None:
    make_run(ws, name="livros-20261124-0")
    make_run(ws, "queued")
    with alive(ws, "livros-20261124-0"), alive(ws):
        assert judge(record(ws)).text == "Waiting for its turn after livros-20261124-0."


def test_a_dead_run_is_told_with_its_last_sign_its_signal_and_its_memory(ws: Workspace) -> None:
    make_run(ws)
    report(ws, 40, memory={"system_available": 2**20})
    message = "The training process died 3 times, the last time by signal 9."
    runs.set_state(ws, RUN, "interrupted", message, error={"code": "worker_died", "message": message})
    (runs.folder(ws, RUN) / "checkpoints" / "step-30").mkdir(parents=True)
    write_json(runs.folder(ws, RUN) / "checkpoints" / "step-30" / "afina.json", {})
    text = judge(record(ws)).text
    assert "at step 40 of 100; it goes on from step-30" in text
    assert time.strftime("%Y-%m-%d") in text
    assert "signal 9" in text
    assert "GB of memory were available at step 40" in text


def test_the_last_words_of_a_dead_run_count(ws: Workspace) -> None:
    make_run(ws, "interrupted")
    runs.add_event(ws, RUN, 40, "restarted", "The worker died (signal 6) at step 40; starting it again.")
    log = runs.folder(ws, RUN) / "worker.log"
    log.parent.mkdir(parents=True)
    log.write_text("libc++abi: terminating due to uncaught exception of type std::bad_alloc\n" + "x" * 5000)
    text = judge(record(ws)).text
    assert "signal 6" in text and "memory ran out" not in text
    log.write_text("[METAL] Command buffer execution failed: Insufficient Memory (00000008)\n")
    assert "Its log says that memory ran out." in judge(record(ws)).text


def test_a_run_from_before_the_machine_was_started_is_told_so(ws: Workspace) -> None:
    make_run(ws, "interrupted")
    told = "The machine was started anew since."
    assert told not in judge(record(ws)).text
    runs.folder(ws, RUN).mkdir(parents=True)
    runs.note_boot(ws, RUN)
    assert told not in judge(record(ws)).text
    (runs.folder(ws, RUN) / "boot.txt").write_text("another start")
    assert told in judge(record(ws)).text


def test_a_living_run_without_news_for_long_is_stalled(ws: Workspace) -> None:
    make_run(ws, steps_per_report=10)
    report(ws, 10)
    report(ws, 20)
    began = time.time()
    with alive(ws):
        assert judge(record(ws, now=began + 40)).kind == "learning"
        verdict = judge(record(ws, now=began + 100))
    assert verdict.kind == "stalled"
    assert "told nothing for 100 s; reports come every 10 s" in verdict.text


def test_a_long_evaluation_is_no_stall(ws: Workspace) -> None:
    make_run(ws, steps_per_report=10)
    report(ws, 10)
    report(ws, 20)
    runs.add_metrics(ws, RUN, 20, "sample", {"answers": [], "seconds": 90.0})
    with alive(ws):
        assert judge(record(ws, now=time.time() + 400)).kind == "learning"


def test_a_stalled_run_whose_process_was_stopped_tells_how_to_wake_it(ws: Workspace) -> None:
    make_run(ws)
    worker = subprocess.Popen(
        [sys.executable, "-c", "import time; print(1, flush=True); time.sleep(60)", RUN], stdout=-1
    )
    try:
        assert worker.stdout is not None and worker.stdout.readline()
        ws.store.write("UPDATE runs SET pid = ? WHERE run = ?", (worker.pid, RUN))
        later = time.time() + 10_000
        assert f"`kill {worker.pid}` ends it" in judge(record(ws, now=later)).text
        worker.send_signal(signal.SIGSTOP)
        deadline = time.monotonic() + 10
        while (told := judge(record(ws, now=later)).text).find("kill -CONT") < 0:
            assert time.monotonic() < deadline, told
        assert f"`kill -CONT {worker.pid}` lets it go on" in told
    finally:
        worker.kill()
        worker.communicate()
    # The pid is nobody's now, or another's.
    assert str(worker.pid) not in judge(record(ws, now=later)).text


def test_a_run_without_validation_rows_is_told_by_its_training_loss(ws: Workspace) -> None:
    make_run(ws)
    report(ws, 10, 3.0)
    report(ws, 20, 2.5)
    assert judge(record(ws)).text == "Training loss 3.000 at first, 2.500 at step 20; there are no rows to validate on."
