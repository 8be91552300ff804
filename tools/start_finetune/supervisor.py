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

from tools.errors import WorkerDied
from tools.models.pull import pull
from tools.next_call import next_call
from tools.workspace import runs
from tools.workspace.failures import failure_of
from tools.workspace.layout import Workspace, open_workspace
from tools.workspace.machine import mlx_environment
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _bring_model(ws, run)
    except Stopped:
        return
    except Exception as error:
        failure = failure_of(error, "install the model", ws.models, runs.folder(ws, run) / "worker.log")
        runs.set_state(ws, run, "failed", failure.message, error=failure.to_dict())
        return
    for restart in range(MOST_RESTARTS + 1):
        code = _run_worker(ws, run, lock_fd)
        state = runs.get(ws, run).state
        if state not in runs.ACTIVE:
            return
        reason = f"signal {-code}" if code < 0 else f"exit code {code}"
        step = runs.get(ws, run).step
        if restart < MOST_RESTARTS:
            runs.add_event(ws, run, step, "restarted", f"The worker died ({reason}) at step {step}; starting it again.")
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
