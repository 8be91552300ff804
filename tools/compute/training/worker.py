"""The process that trains: `python -m tools.compute.training.worker WORKSPACE RUN`.

It waits for its turn at the device's memory, trains, and writes down how it ended. Exit code 0 means
that the run's state tells the end; anything else is for the supervisor to judge.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback

from tools.compute import device
from tools.compute.training.session import Session, Stopped
from tools.next_call import next_call
from tools.start_finetune.contract import Plan
from tools.start_finetune.lack_of_memory import EXIT_OUT_OF_MEMORY, tells_of_memory
from tools.workspace import ledger, power, runs
from tools.workspace.failures import failure_of
from tools.workspace.files import read_json, write_json
from tools.workspace.layout import Workspace, open_workspace
from tools.workspace.locks import FileLock
from tools.workspace.machine import GB
from tools.workspace.processes import adopt_lock, check_installation
from tools.workspace.reconcile import RUN_FILE

_POLL_S = 0.3


def main() -> None:
    """The boundary at which any exception becomes a recorded end of the run."""
    adopt_lock()
    check_installation()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Training is background work: whoever uses the machine, or the endpoint, goes first.
    power.give_way()
    ws, name = open_workspace(sys.argv[1]), sys.argv[2]
    holder = f"train-{name}"
    lock = FileLock.acquire(ws.lock_path(holder))
    try:
        _run(ws, name, holder, lock)
    except Stopped:
        pass
    except Exception as error:
        if tells_of_memory(str(error)):
            # For the supervisor, which starts the run again with a smaller plan.
            traceback.print_exception(error)
            sys.stderr.flush()
            ledger.release(ws, holder)
            os._exit(EXIT_OUT_OF_MEMORY)
        folder = runs.folder(ws, name)
        failure = failure_of(error, "train", folder, folder / "worker.log")
        runs.set_state(ws, name, "failed", failure.message, error=failure.to_dict())
    finally:
        ledger.release(ws, holder)
    sys.stdout.flush()
    # MLX's threads may outlive the work; nothing is left to save.
    os._exit(0)


def _run(ws: Workspace, name: str, holder: str, lock: FileLock) -> None:
    run = runs.get(ws, name)
    _wait_for_memory(ws, run, holder, lock)
    runs.set_state(ws, name, "preparing", "Loading the model and the data.", expected=runs.ACTIVE)
    device.set_up()
    adapter = Session(ws, run, holder).train()
    path = runs.folder(ws, name) / RUN_FILE
    write_json(path, {**read_json(path), "adapter": adapter})
    step = runs.get(ws, name).step
    message = f"The adapter {adapter} is published after {step} steps; {next_call('evaluate', adapter=adapter)}"
    runs.set_state(ws, name, "succeeded", message, adapter=adapter)


def _wait_for_memory(ws: Workspace, run: runs.Run, holder: str, lock: FileLock) -> None:
    told = ""
    while blocking := in_the_way(ws, run, holder, lock):
        names = ", ".join(blocking)
        if names != told:
            runs.add_event(ws, run.run, run.step, "waiting", f"Waiting for its turn after {names}.")
            told = names
        asked = runs.asked(ws, run.run)
        if asked and runs.answer(ws, run.run, asked):
            raise Stopped
        time.sleep(_POLL_S)


def in_the_way(ws: Workspace, run: runs.Run, holder: str, lock: FileLock) -> list[str]:
    """The runs that go first, or the holders of the memory that the run needs; none once it has its memory."""
    ahead = runs.ahead_of(ws, run)
    if ahead:
        # A run that was resumed goes before those that came after it: were they to keep their place in the
        # line for memory meanwhile, each would wait for the other.
        ledger.release(ws, holder)
        return ahead
    predicted = int(Plan(**run.plan).predicted_peak_gb * GB)
    return [entry.holder for entry in ledger.claim(ws, holder, "training", predicted, lock.path)]


if __name__ == "__main__":
    main()
