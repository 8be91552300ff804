"""The parent of a training worker: brings the model, starts the worker, starts it again when it dies.

Without MLX, so that what kills the worker (a Metal abort, the system's memory killer) leaves it
alive. It holds the run's lock and lends it to the worker: the run is alive while either lives.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from typing import Any

from tools.errors import DoesNotFit, WorkerDied
from tools.models.pull import pull
from tools.next_call import next_call
from tools.start_finetune.contract import Plan
from tools.start_finetune.lack_of_memory import Before, evidence, log_size, oom_kills, smaller
from tools.start_finetune.written_plan import write_plan
from tools.workspace import measured, runs
from tools.workspace.failures import failure_of
from tools.workspace.layout import Workspace, open_workspace
from tools.workspace.machine import memory, mlx_environment
from tools.workspace.processes import LOCK_FD, check_installation, child_command, child_environment

log = logging.getLogger(__name__)

# Deaths of the worker after which the run is left for a person to resume.
MOST_RESTARTS = 2


class Stopped(Exception):
    """A person asked the run to pause or cancel, and its state says so now."""


def main() -> None:
    lock_fd = int(os.environ.pop(LOCK_FD))
    os.set_inheritable(lock_fd, False)
    check_installation()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    ws, run = open_workspace(sys.argv[1]), sys.argv[2]
    runs.note_boot(ws, run)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _bring_model(ws, run)
    except Stopped:
        return
    except Exception as error:
        failure = failure_of(error, "install the model", ws.models, runs.folder(ws, run) / "worker.log")
        runs.set_state(ws, run, "failed", failure.message, error=failure.to_dict())
        return
    _supervise(ws, run, lock_fd)


def _supervise(ws: Workspace, run: str, lock_fd: int) -> None:
    """Run the worker until the run has ended or has died too often.

    After a death for want of memory the plan is made smaller; after any other it stays as it is.
    """
    log = runs.folder(ws, run) / "worker.log"
    restarts = 0
    while True:
        before = Before(oom_kills(), log_size(log))
        code = _run_worker(ws, run, lock_fd)
        now = runs.get(ws, run)
        if now.state not in runs.ACTIVE:
            return
        reason = f"signal {-code}" if code < 0 else f"exit code {code}"
        why = evidence(code, before, log, _last_memory(ws, run), memory().total)
        if why is not None:
            if not _make_smaller(ws, now, why):
                return
        elif restarts == MOST_RESTARTS:
            _give_up(ws, run, reason)
            return
        else:
            restarts += 1
            told = f"The worker died ({reason}) at step {now.step}; starting it again."
            runs.add_event(ws, run, now.step, "restarted", told)


def _last_memory(ws: Workspace, run: str) -> dict[str, Any] | None:
    reports = measured.last(ws, run, "train")
    return reports[0]["memory"] if reports else None


def _make_smaller(ws: Workspace, run: runs.Run, why: str) -> bool:
    """Give the run the next smaller plan; False, and the run failed, where there is none."""
    plan = smaller(Plan(**run.plan), why)
    if plan is None:
        error = DoesNotFit(
            f"The run does not fit in memory, even one row at a time and recomputed: {why}.",
            field="settings",
            fix="Start again with a smaller max_seq_length, lora_rank or model, or close other applications.",
        )
        runs.set_state(ws, run.run, "failed", error.message, error=error.to_dict(), expected=runs.ACTIVE)
        return False
    change = plan.changes[-1]
    told = f"Out of memory at step {run.step} ({why}): going on with {change.setting}={change.used}."
    write_plan(ws, run.run, plan, run.steps)
    runs.add_event(ws, run.run, run.step, "smaller_plan", told)
    return True


def _give_up(ws: Workspace, run: str, reason: str) -> None:
    death = WorkerDied(
        f"The training process died {MOST_RESTARTS + 1} times, the last time by {reason}.",
        fix=f"{next_call('start_finetune', resume=run)} goes on from the last checkpoint; worker.log tells more.",
    )
    runs.set_state(ws, run, "interrupted", death.message, error=death.to_dict(), expected=runs.ACTIVE)


def _bring_model(ws: Workspace, run: str) -> None:
    model = runs.get(ws, run).model
    if model in ws.model_names():
        return
    runs.set_state(ws, run, "preparing", f"Downloading the model {model}.", expected=runs.ACTIVE)

    def progress(done: float, total: float, message: str, **_: object) -> None:
        log.info("%s %d of %d", message, done, total)
        asked = runs.asked(ws, run)
        if asked and runs.answer(ws, run, asked):
            raise Stopped

    pull(ws, model, progress)


def _run_worker(ws: Workspace, run: str, lock_fd: int) -> int:
    """Run the worker to its end; returns its exit code, negative for a signal."""
    worker = subprocess.Popen(
        child_command("tools.compute.training.worker", [str(ws.root), run]),
        stdin=subprocess.DEVNULL,
        env=child_environment({**mlx_environment(), LOCK_FD: str(lock_fd)}),
        pass_fds=(lock_fd,),
    )
    ws.store.write("UPDATE runs SET pid = ? WHERE run = ?", (worker.pid, run))
    return worker.wait()


if __name__ == "__main__":
    main()
