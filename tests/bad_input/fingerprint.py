"""All that a refused call must leave as it was: the workspace's files and the rows that count."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from tools.workspace.layout import ADAPTER_MARKER, DATASET_MARKER, Workspace

# What living processes write beside the work: locks, logs, SQLite's own files.
_BESIDE = ("logs", "locks")
_MARKERS = (DATASET_MARKER, ADAPTER_MARKER)
_TABLES = ("runs", "metrics", "events", "calibration")


def fingerprint(ws: Workspace) -> dict[str, Any]:
    """Paths with the hashes of files (and the time of markers, which tell the newest version), and rows by table.

    Of jobs, those that came to nothing do not count: their rows only say why.
    """
    found: dict[str, Any] = {str(path.relative_to(ws.root)): _told(path) for path in sorted(_paths(ws.root))}
    for table in _TABLES:
        found[f"table {table}"] = ws.store.rows(f"SELECT * FROM {table} ORDER BY 1, 2")
    found["table jobs"] = ws.store.rows("SELECT job, result FROM jobs WHERE state = 'succeeded' ORDER BY job")
    return found


def difference(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What was added, taken away or changed."""
    return sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))


def _paths(root: Path) -> list[Path]:
    found: list[Path] = []
    for folder, folders, files in os.walk(root, followlinks=True):
        if Path(folder) == root:
            folders[:] = [name for name in folders if name not in _BESIDE]
            files = [name for name in files if not name.startswith("afina.db")]
        found += [Path(folder) / name for name in (*folders, *files)]
    return found


def _told(path: Path) -> str:
    if path.is_dir():
        return "folder"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return json.dumps([digest, path.stat().st_mtime_ns if path.name in _MARKERS else 0])
