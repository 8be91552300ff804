"""The versions of a dataset in their folder: which is the newest, and what a writer that was ended left there."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from tools.errors import telling_os_errors
from tools.workspace.files import sweep_temporary
from tools.workspace.layout import DATASET_MARKER, Workspace
from tools.workspace.locks import FileLock


def sweep(ws: Workspace, name: str) -> None:
    """Remove what a writer that was ended left of a dataset, unless another one is at it."""
    lock = FileLock.try_acquire(ws.lock_path(f"dataset-{name}"))
    if lock is not None:
        with lock, contextlib.suppress(OSError):
            sweep_temporary(ws.data / name)
            (ws.data / name).rmdir()  # where nothing else is in it


def make_newest(folder: Path) -> None:
    """A version that was asked for again is the newest: the dataset's name alone means it."""
    card = folder / DATASET_MARKER
    with telling_os_errors(card, "mark the dataset as the newest"):
        others = [path.stat().st_mtime_ns for path in folder.parent.glob(f"[!.]*/{DATASET_MARKER}") if path != card]
        if others and card.stat().st_mtime_ns <= max(others):
            os.utime(card)
