"""The base whose tokenizer counts: installed, or brought first where that was asked for or costs little."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.models.pull import KIND as PULL
from tools.models.pull import Installed, ensure_installed_or_explain, resolve, start_pull
from tools.workspace import jobs
from tools.workspace.layout import Workspace

# A download larger than this is only started for a model that the caller names.
SMALL_DOWNLOAD = 10**9


@dataclass(frozen=True)
class Awaited:
    """The base is still coming: how far it is."""

    progress: str


def base_folder(ws: Workspace, model: str | None, default_model: str, wait_s: float) -> Path | Awaited:
    """The folder of the base, after bringing it where it is not installed.

    Waits `wait_s` for a download. Raises NotFound with what to do when it is unknown, or when it is
    large and was not named; what the download raises.
    """
    name = model or default_model
    found = resolve(ws, name, "model")
    if isinstance(found, Installed):
        return found.folder
    if model is None and (found.download_bytes or found.bytes) > SMALL_DOWNLOAD:
        ensure_installed_or_explain(ws, name)
    job = jobs.wait(ws, start_pull(ws, name).job, PULL, wait_s)
    job.raise_if_failed()
    if job.result is not None:
        return ws.model_folder(str(job.result["name"]))
    done, total = job.progress.get("done", 0), job.progress.get("total") or 1
    return Awaited(f"{job.progress.get('message', 'Downloading the model')} {name} ({done / total:.0%})")
