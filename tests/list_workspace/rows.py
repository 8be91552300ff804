"""Rows and folders, as the tools write them."""

from __future__ import annotations

import os
from pathlib import Path

from tools.workspace import runs
from tools.workspace.files import write_json
from tools.workspace.layout import Workspace


def add_dataset(ws: Workspace, name: str, version: str, seconds: float, rows: int = 3) -> Path:
    folder = ws.data / name / version
    folder.mkdir(parents=True)
    splits = {"train": {"rows": rows, "tokens": 10 * rows}, "valid": {"rows": 1, "tokens": 10}}
    write_json(folder / "card.json", {"name": name, "format": "text", "splits": splits})
    os.utime(folder / "card.json", (seconds, seconds))
    return folder


def add_run(ws: Workspace, name: str, state: runs.RunState, created: float) -> None:
    row = runs.Run(
        run=name,
        name="livros",
        state=state,
        dataset="livros@a",
        model="tiny",
        plan={},
        step=3,
        steps=10,
        asked=None,
        error=None,
        adapter=None,
        created=created,
        updated=created,
    )
    assert runs.insert(ws, row, None)
