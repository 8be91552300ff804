"""What a run survives: damaged checkpoints, starts at once, a clock that jumps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier

import pytest

from tests.start_finetune.test_course import events, queued
from tests.support.records import insert_run
from tests.support.tiny_model import make_tiny_model
from tests.support.training import FAST, adapter_bytes, prepare_small, stop_all, wait_until
from tools.compute import device
from tools.compute.training.checkpoint import Best
from tools.compute.training.session import Session, Stopped
from tools.compute.training.worker import in_the_way
from tools.start_finetune.contract import StartArgs, TrainSettings
from tools.start_finetune.tool import start_finetune
from tools.training_status.contract import StatusArgs
from tools.training_status.tool import training_status
from tools.workspace import ledger, runs
from tools.workspace.layout import Workspace, open_workspace
from tools.workspace.locks import FileLock

DAY = 86_400.0


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    device.set_up()
    folder = tmp_path_factory.mktemp("safety")
    made = open_workspace(folder / "afina")
    make_tiny_model(made)
    prepare_small(made, folder / "material")
    yield made
    stop_all(made)


@pytest.fixture(scope="module")
def alone(ready: Workspace) -> dict[str, bytes]:
    """The last step of a run that nothing disturbs."""
    return trained(ready, "sossegado-1", publish="last")


def trained(ws: Workspace, name: str, **settings: object) -> dict[str, bytes]:
    """The adapter of a run in this process."""
    return to_its_end(Session(ws, queued(ws, "livros", name, **settings), f"train-{name}"))


def to_its_end(session: Session) -> dict[str, bytes]:
    published = session.train()
    runs.set_state(session.ws, session.run.run, "succeeded", "Published.", adapter=published)
    return adapter_bytes(session.ws, session.run.run)


class PausedAt13(Session):
    """A run that is asked to pause at a step between two checkpoints."""

    def _step(self) -> None:
        super()._step()
        if self.trainer.state.step == 13:
            runs.ask(self.ws, self.run.run, "pause")


def flip_last_bit(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


# Damaged checkpoints ----------------------------------------------------------------------------


def test_a_damaged_newest_checkpoint_is_told_and_the_run_ends_with_the_same_bytes(
    ready: Workspace, alone: dict[str, bytes]
) -> None:
    run = queued(ready, "livros", "danificado-1", publish="last")
    with pytest.raises(Stopped):
        PausedAt13(ready, run, "train-danificado-1").train()
    checkpoints = runs.folder(ready, run.run) / "checkpoints"
    assert {path.name for path in checkpoints.iterdir()} == {"step-12", "step-13"}
    flip_last_bit(checkpoints / "step-13" / "state.safetensors")
    assert to_its_end(Session(ready, run, "train-danificado-1")) == alone
    [told] = events(ready, run.run, "damaged")
    assert (told["step"], told["message"].split(";")[0]) == (12, "The checkpoint step-13 is damaged and was set aside")
    assert any("Going on from step 12" in event["message"] for event in events(ready, run.run, "running"))
    assert told["message"] in str(training_status(ready, StatusArgs(run=run.run, detail="detailed")).events)
    assert (checkpoints / ".damaged-step-13").is_dir()


class BestDamaged(Session):
    """A run whose best checkpoint is damaged by its end."""

    def _calibrate(self) -> None:
        self.best = Best(12, 0.0)
        flip_last_bit(self.checkpoints / "step-12" / "adapters.safetensors")


def test_a_damaged_best_checkpoint_is_never_published(ready: Workspace, alone: dict[str, bytes]) -> None:
    run = queued(ready, "livros", "melhor-1", keep_checkpoints=4)
    assert to_its_end(BestDamaged(ready, run, "train-melhor-1")) == alone
    [told] = events(ready, run.run, "publish")
    assert told["message"] == "The checkpoint step-12, the best, is damaged: the last step is published."


# Starts at once ---------------------------------------------------------------------------------


def at_once(calls: list[Callable[[], str | None]]) -> list[str | None]:
    """Make the calls from as many threads, all at the same moment."""
    barrier = Barrier(len(calls))

    def call(work: Callable[[], str | None]) -> str | None:
        barrier.wait(10)
        return work()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))


def test_starts_at_once_make_one_run_a_key_and_runs_of_two_keys_take_turns(ready: Workspace) -> None:
    settings = TrainSettings(**{**FAST, "iters": 4, "steps_per_eval": 4, "save_every": 4, "sample_prompts": []})

    def starting(key: str) -> Callable[[], str | None]:
        args = StartArgs(dataset="livros", request_key=key, settings=settings)
        return lambda: start_finetune(ready, args, default_model="tiny").run

    known = set(runs.names(ready))
    made = at_once([starting(key) for key in ("um", "dois") * 3])
    first, second = made[0], made[1]
    assert made == [first, second] * 3 and first is not None and second is not None and first != second
    assert set(runs.names(ready)) - known == {first, second}
    assert {path.name for path in ready.runs.iterdir()} - known == {first, second}
    for run in (first, second):
        wait_until(ready, run, "succeeded")
    rows = ready.store.rows("SELECT run, kind FROM events WHERE kind IN ('running', 'succeeded') ORDER BY id")
    told = [(row["run"], row["kind"]) for row in rows if row["run"] not in known]
    before, after = runs.names(ready)[-2:]
    assert told == [(before, "running"), (before, "succeeded"), (after, "running"), (after, "succeeded")]


def test_a_resumed_run_and_one_that_waits_for_memory_do_not_wait_for_each_other(ws: Workspace) -> None:
    old, new = insert_run(ws, "velho", "paused"), insert_run(ws, "novo", "queued")
    ws.store.write("INSERT INTO calibration VALUES ('budget_bytes', 10, 0)")
    with ExitStack() as held:
        locks = {
            holder: held.enter_context(FileLock.acquire(ws.lock_path(holder)))
            for holder in ("engine", "run-velho", "run-novo", "train-velho", "train-novo")
        }
        assert ledger.claim(ws, "engine", "engine", 9, locks["engine"].path) == []
        assert in_the_way(ws, new, "train-novo", locks["train-novo"]) == ["engine"]
        runs.set_state(ws, "velho", "queued", "Resumed.")
        assert in_the_way(ws, new, "train-novo", locks["train-novo"]) == ["velho"]
        assert in_the_way(ws, old, "train-velho", locks["train-velho"]) == ["engine"]
        ledger.release(ws, "engine")
        assert in_the_way(ws, old, "train-velho", locks["train-velho"]) == []


# A clock that jumps -----------------------------------------------------------------------------


class Jumping:
    """A clock that is set forward and back by days at each look."""

    def __init__(self) -> None:
        self._true, self._looks = time.time, 0

    def __call__(self) -> float:
        self._looks += 1
        return self._true() + DAY * (400, -300, 0, -2)[self._looks % 4]


def test_a_run_under_a_jumping_clock_ends_with_the_same_bytes(
    ready: Workspace, alone: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", Jumping())
    assert trained(ready, "apressado-1", publish="last") == alone
    told = training_status(ready, StatusArgs(run="apressado-1"))
    assert (told.state, told.step, told.verdict.kind) == ("succeeded", 24, "done")


def test_runs_keep_their_order_when_the_clock_is_set_back(ws: Workspace) -> None:
    now = time.time()
    first, second = insert_run(ws, "um", "queued", created=now), insert_run(ws, "dois", "queued", created=now - DAY)
    with FileLock.acquire(runs.lock_path(ws, "um")), FileLock.acquire(runs.lock_path(ws, "dois")):
        assert (runs.ahead_of(ws, first), runs.ahead_of(ws, second)) == ([], ["um"])
    newest = runs.newest(ws)
    assert newest is not None and newest.run == "dois"
    assert runs.names(ws) == ["um", "dois"]
