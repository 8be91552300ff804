"""`afina models list` and `afina models pull NAME`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from server.cli.output import FAILED, INTERRUPTED, tell, write, write_json
from server.cli.settings import COMMON, settings_of
from tools.list_workspace.contract import ModelEntry
from tools.models.pull import KIND, Bits, start_pull
from tools.workspace import jobs
from tools.workspace.jobs import Job
from tools.workspace.layout import Workspace, open_workspace

_LOOK_EVERY_S = 0.25
_CANCEL_TIMEOUT_S = 10
# Columns of a terminal in which there is room for what to know about a model.
_ROOM_FOR_WORDS = 120
# done, total and what is being done; bytes where the job brings a file.
Show = Callable[[float, float, str], None]


def run(arguments: argparse.Namespace) -> int:
    ws = open_workspace(settings_of(arguments, only=COMMON).workspace)
    if arguments.action == "list":
        return _list(ws, arguments.json)
    return _pull(ws, arguments.name, arguments.as_name, arguments.bits)


def _list(ws: Workspace, as_json: bool) -> int:
    from tools.list_workspace.entries import models

    found = models(ws)
    if as_json:
        write_json([model.model_dump(exclude_none=True) for model in found])
    elif sys.stdout.isatty():
        _table(found)
    else:
        for model in found:
            write("\t".join(_columns(model)))
    return 0


def _columns(model: ModelEntry) -> tuple[str, str, str, str]:
    return model.model, model.state, f"{model.size_gb:.1f} GB", model.fit or ""


def _table(found: list[ModelEntry]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    roomy = console.width >= _ROOM_FOR_WORDS
    table = Table("", "", "size", "on 16 GB", *([""] if roomy else []), box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    for model in found:
        words = [model.about or ""] if roomy else []
        table.add_row(*_columns(model), *words, style=None if model.state == "installed" else "dim")
    console.print(table)


def _pull(ws: Workspace, name: str, as_name: str | None, bits: Bits | None) -> int:
    job = start_pull(ws, name, as_name=as_name, bits=bits)
    try:
        with _showing() as show:
            job = _follow(ws, job, show)
    except KeyboardInterrupt:
        jobs.cancel(ws, job.job, KIND)
        jobs.wait(ws, job.job, KIND, _CANCEL_TIMEOUT_S)
        tell(f"Stopped; `afina models pull {name}` goes on where it was.")
        return INTERRUPTED
    job.raise_if_failed()
    if job.state == "cancelled":
        tell(f"Cancelled; `afina models pull {name}` goes on where it was.")
        return FAILED
    write(str((job.result or {}).get("name", name)))
    return 0


def _follow(ws: Workspace, job: Job, show: Show) -> Job:
    while job.state not in jobs.ENDED:
        job = jobs.wait(ws, job.job, KIND, _LOOK_EVERY_S)
        if job.progress:
            show(job.progress["done"], job.progress["total"], job.progress["message"])
    return job


@contextmanager
def _showing() -> Iterator[Show]:
    """A bar on a terminal; a line for each tenth of the way elsewhere. On stderr: stdout is the result's."""
    if not sys.stderr.isatty():
        yield _Lines().show
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("Starting", total=None)

        def show(done: float, total: float, message: str) -> None:
            progress.update(bar, completed=done, total=total or None, description=message)

        yield show


class _Lines:
    def __init__(self) -> None:
        self._told: tuple[str, int] = ("", -1)

    def show(self, done: float, total: float, message: str) -> None:
        tenth = int(10 * done / total) if total else 0
        if (message, tenth) != self._told:
            self._told = (message, tenth)
            tell(f"{message} ({10 * tenth}%)" if total else message)
