"""A run's rows, as its worker writes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.support.records import SMALL, insert_run, plan
from tools.models.info import finish
from tools.training_status.record import Record
from tools.workspace import runs
from tools.workspace.files import write_json
from tools.workspace.layout import Workspace
from tools.workspace.locks import FileLock
from tools.workspace.machine import GB

RUN = "livros-20261124-1"
MEMORY = {"active": 2 * GB, "peak": 3 * GB, "cache": GB, "rss": GB, "system_available": 2**50, "swap": 0}


def make_run(ws: Workspace, state: runs.RunState = "running", *, name: str = RUN, steps: int = 100, **more: Any) -> str:
    """A run's row; settings of its plan are given by name, columns of the row as `row`."""
    row = more.pop("row", {})
    made = plan(ws, iters=steps, **more).model_dump(mode="json")
    insert_run(ws, name, state, plan=made, steps=steps, **row)
    return name


def report(ws: Workspace, step: int, loss: float = 2.0, *, run: str = RUN, **more: Any) -> None:
    """A training report: 1000 tokens in 10 s where nothing else is said."""
    told = {"loss": loss, "tokens": 1000, "learned": 500, "tokens_per_second": 100.0, "learning_rate": 1e-4}
    told |= {"grad_norm": 1.0, "epoch": 0, "memory": MEMORY | more.pop("memory", {})}
    runs.add_metrics(ws, run, step, "train", told | more)


def evaluated(ws: Workspace, losses: Sequence[float], *, every: int = 10, run: str = RUN) -> None:
    """Evaluations from step 0 on."""
    for place, loss in enumerate(losses):
        runs.add_metrics(ws, run, place * every, "valid", {"loss": loss, "batches": 2})


def answered(ws: Workspace, step: int, answers: Sequence[str], seconds: float = 4.0, run: str = RUN) -> None:
    told = [{"prompt": f"Pergunta {place}?", "answer": answer} for place, answer in enumerate(answers)]
    runs.add_metrics(ws, run, step, "sample", {"answers": told, "seconds": seconds})


def record(ws: Workspace, run: str = RUN, now: float | None = None) -> Record:
    return Record(ws, runs.get(ws, run), now)


def install_model(ws: Workspace, name: str = "tiny") -> None:
    """The marker of an installed base of the small model's shape."""
    (ws.models / name).mkdir()
    finish(ws.models / name, SMALL.model_copy(update={"name": name}))


def write_card(ws: Workspace, rows: int = 400, **more: Any) -> None:
    """The card of the dataset that the runs name."""
    folder = ws.data / "livros" / "00000000"
    folder.mkdir(parents=True)
    splits = {"train": {"rows": rows, "tokens": 500 * rows}}
    write_json(folder / "card.json", {"splits": splits, "language": "pt", "longest_row_tokens": 500, **more})


@contextmanager
def alive(ws: Workspace, run: str = RUN) -> Iterator[None]:
    """As if the run's process lived."""
    with FileLock.acquire(runs.lock_path(ws, run)):
        yield
