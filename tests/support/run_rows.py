"""Rows of runs that no process ever worked on."""

from __future__ import annotations

from tools.workspace import runs
from tools.workspace.layout import Workspace


def add_run(ws: Workspace, run: str, name: str, created: float = 1.0) -> None:
    """A run of the tiny model that has succeeded and published nothing."""
    runs.insert(
        ws,
        runs.Run(
            run=run, name=name, state="succeeded", dataset="d@1", model="tiny", plan={}, step=9, steps=9, asked=None,
            error=None, adapter=None, created=created, updated=created,
        ),
        None,
    )  # fmt: skip
