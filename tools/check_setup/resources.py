"""Memory, disk, the workspace's folder, its models and datasets."""

from __future__ import annotations

import os
import tempfile
from datetime import datetime
from pathlib import Path

from tools.check_setup.contract import Item
from tools.workspace.layout import Workspace
from tools.workspace.ledger import entries
from tools.workspace.machine import GB, Memory, disk_free

ROOM_FOR_A_7B = 10 * GB
ROOM_FOR_A_RUN = 2 * GB


def memory(found: Memory, holders: str = "", pressed: bool = False) -> Item:
    """At least half of the memory free, as training a 7B on 16 GB asks for.

    pressed: the system itself says that it is short of it, as macOS does.
    """
    share = found.available / max(1, found.total)
    text = f"{found.available / GB:.1f} of {found.total / GB:.1f} GB free ({share:.0%}){holders}"
    if share >= 0.5 and not pressed:
        return Item(item="memory", state="ok", found=text)
    text += "; the system says that it is short of it" if pressed else ""
    swapping = f" {found.swap_used / GB:.1f} GB are swapped out." if found.swap_used > GB else ""
    return Item(
        item="memory",
        state="fail" if found.available < GB else "warn",
        found=text,
        fix=f"Close other applications until half of it is free.{swapping}",
    )


def holders(ws: Workspace) -> str:
    """Who of ours holds model memory now, as an addition to the line about memory."""
    holding = [f"{e.holder} {e.bytes / GB:.1f} GB" for e in entries(ws) if e.state == "holding"]
    return f"; held by Afina: {', '.join(holding)}" if holding else ""


def disk(free: int) -> Item:
    text = f"{free / GB:.1f} GB free"
    if free >= ROOM_FOR_A_7B:
        return Item(item="disk", state="ok", found=text)
    if free >= ROOM_FOR_A_RUN:
        return Item(item="disk", state="warn", found=text, fix="A 7B model with its runs takes 10 GB: free some room.")
    return Item(
        item="disk", state="fail", found=text, fix="Free some room, or choose another folder with --workspace: 2 GB."
    )


def disk_of(ws: Workspace) -> Item:
    return disk(disk_free(ws.root))


def writable(ws: Workspace) -> Item:
    try:
        for folder in (ws.root, ws.data, ws.models, ws.runs, ws.adapters, ws.evaluations, ws.logs):
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"afina")
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        return Item(
            item="workspace",
            state="fail",
            found=f"{ws.root} cannot be written (errno {error.errno})",
            fix="Grant your user access to that folder, or choose another with --workspace.",
        )
    return Item(item="workspace", state="ok", found=f"{ws.root} can be written")


def model(ws: Workspace, default_model: str) -> Item:
    names = ws.model_names()
    if default_model in names:
        others = [name for name in names if name != default_model]
        more = f", also {', '.join(others)}" if others else ""
        return Item(item="model", state="ok", found=f"{default_model} is installed{more}")
    if names:
        fix = f"Name one of these as `model`, or bring it: `afina models pull {default_model}`."
        found = f"the default, {default_model}, is not installed; there is {', '.join(names)}"
        return Item(item="model", state="warn", found=found, fix=fix)
    return Item(
        item="model", state="warn", found="none is installed", fix=f"Bring one: `afina models pull {default_model}`."
    )


def data(ws: Workspace) -> Item:
    names = ws.dataset_names()
    if names:
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        return Item(item="data", state="ok", found=f"prepared: {shown}")
    return Item(
        item="data", state="warn", found="no dataset is prepared", fix="Give your files or folder to prepare_dataset."
    )


def backup(ws: Workspace) -> Item | None:
    """Whether the newest versions still hold the bytes of the files that they were made of; None without any."""
    names = ws.dataset_names()
    lacking = [name for name in names if not _has_originals(ws.dataset_versions(name)[-1])]
    if not names:
        return None
    if lacking:
        fix = "Keep a copy of the files elsewhere, and prepare them again."
        return Item(item="backup", state="warn", found=f"no copy of the sources of {', '.join(lacking)}", fix=fix)
    return Item(item="backup", state="ok", found="each dataset keeps its sources, byte by byte")


def _has_originals(version: Path) -> bool:
    return any(path.is_file() and path.stat().st_size for path in (version / "sources" / "original").rglob("*"))


def calibration(ws: Workspace) -> Item:
    """Whether plans count with what was measured here."""
    row = ws.store.row("SELECT MAX(updated) AS updated FROM calibration WHERE key LIKE 'train_tokens_per_second:%'")
    if row is None or row["updated"] is None:
        found = "not measured yet: plans guess how long a run takes; `afina doctor --measure` times this machine"
        return Item(item="speed", state="ok", found=found)
    day = datetime.fromtimestamp(row["updated"]).astimezone().date().isoformat()
    return Item(item="speed", state="ok", found=f"measured, last on {day}: plans count with it")
