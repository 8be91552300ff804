"""Memory, disk, the workspace's folder, its models and datasets."""

from __future__ import annotations

import os
import tempfile

from tools.check_setup.contract import Item
from tools.workspace.layout import Workspace
from tools.workspace.ledger import entries
from tools.workspace.machine import GB, Memory, disk_free

ROOM_FOR_A_7B = 10 * GB
ROOM_FOR_A_RUN = 2 * GB


def memory(found: Memory, holders: str = "") -> Item:
    """At least half of the memory free, as training a 7B on 16 GB asks for."""
    share = found.available / max(1, found.total)
    text = f"{found.available / GB:.1f} of {found.total / GB:.1f} GB free ({share:.0%}){holders}"
    if share >= 0.5:
        return Item(item="memory", state="ok", found=text)
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
        return Item(item="data", state="ok", found=f"prepared: {shown}; each keeps a copy of its sources")
    return Item(
        item="data", state="warn", found="no dataset is prepared", fix="Give your files or folder to prepare_dataset."
    )
