"""Installing a base: found, brought, converted where it must be, published with its marker last.

`pull` does it in this process; `start_pull` in a job, which outlives its caller and can be cancelled.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Literal

from tools.errors import Conflict, DataError, RequestError, telling_os_errors
from tools.models.bring import Bringer
from tools.models.info import ModelInfo, describe, finish, load_info
from tools.models.installed import PARTIAL, Installed, ModelRow, ensure_installed_or_explain, list_models, resolve
from tools.models.meter import Meter, Progress
from tools.models.source import Source, find_source
from tools.models.tokenizer import Tokenizer
from tools.workspace import jobs
from tools.workspace.files import publishing
from tools.workspace.layout import Workspace

__all__ = [
    "KIND", "Installed", "ModelRow", "ensure_installed_or_explain", "list_models", "pull", "resolve", "start_pull",
]  # fmt: skip

KIND = "pull"
_MODULE = "tools.models.pull_worker"

Bits = Literal[4, 8, 16]


def pull(
    ws: Workspace, name: str, progress: Progress, *, as_name: str | None = None, bits: Bits | None = None
) -> ModelInfo:
    """Install the model that `name` names: of the catalogue, a folder, a .gguf file, or a hub repository.

    as_name: what to install it under. bits: of the weights, when they are full precision (4 unless
    given; 16 keeps them). progress: told done and total bytes; may raise, which stops everything.
    A model that is installed is left as it is. Raises NotFound, InvalidArgument, Conflict, DataError,
    Offline, DiskFull, NoPermission.
    """
    if as_name is None and name in ws.model_names():
        return load_info(ws.models / name)
    source = find_source(ws, name, as_name)
    meter = Meter(progress)
    with meter.wait_for(ws.lock_path(f"pull-{source.name}"), "Waiting for another pull of the same model"):
        installed = _installed(ws, source)
        if installed is not None:
            return installed
        return _install(ws, source, meter, bits)


def _installed(ws: Workspace, source: Source) -> ModelInfo | None:
    """The model of that name. Raises Conflict when it was made from something else."""
    if source.name not in ws.model_names():
        return None
    info = load_info(ws.models / source.name)
    if source.entry is None and info.source != source.place and ws.models / source.name != Path(source.place):
        raise Conflict(
            f"A model named `{source.name}` is installed, from {info.source}.",
            field="as_name",
            fix="Give this one another name.",
        )
    return info


def _install(ws: Workspace, source: Source, meter: Meter, bits: Bits | None) -> ModelInfo:
    final, partial = ws.models / source.name, ws.models / f"{PARTIAL}{source.name}"
    log = ws.logs / f"pull-{source.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    bringer = Bringer(meter, partial, log, bits)
    if final.exists():
        return _adopt(final, source, bringer)
    try:
        with telling_os_errors(final, "install the model"), publishing(final, f"pull-{source.name}") as aside:
            info = _described(aside, source, bringer.bring(source, aside))
            finish(aside, info)
    except RequestError:
        # This model will never do: nothing of it is kept for another try.
        shutil.rmtree(partial, ignore_errors=True)
        raise
    shutil.rmtree(partial, ignore_errors=True)
    meter.tell(info.weight_bytes, info.weight_bytes, "Installed")
    return info


def _adopt(final: Path, source: Source, bringer: Bringer) -> ModelInfo:
    """Take in, where it stands, a folder that a person put among the models."""
    if source.kind != "folder" or Path(source.place) != final:
        raise Conflict(
            f"{final} exists and is not an installed model.",
            field="as_name",
            fix="Install it by its path, move it elsewhere, or give this model another name.",
        )
    info = _described(final, source, bringer.look(final))
    finish(final, info)
    return info


def _described(folder: Path, source: Source, fingerprint: str) -> ModelInfo:
    languages = source.entry.languages if source.entry else []
    info = describe(folder, name=source.name, source=source.place, fingerprint=fingerprint, languages=languages)
    tokens = Tokenizer.load(folder).vocab_size
    if tokens > info.vocab_size:
        raise DataError(
            f"The model's tokenizer has {tokens} tokens, and its embedding room for {info.vocab_size}.",
            fix="Choose another version of the model.",
        )
    return info


def start_pull(ws: Workspace, name: str, *, as_name: str | None = None, bits: Bits | None = None) -> jobs.Job:
    """Install a model in a job of kind `pull`, which `jobs.wait` and `jobs.cancel` take by its name.

    Its progress has `done` and `total` (bytes) and `message`; its result is the model's ModelInfo.
    Raises at once what names alone can tell: NotFound, InvalidArgument, Conflict.
    """
    if as_name is None and name in ws.model_names():
        target = name
        request: dict[str, Any] = {"name": name}
    else:
        source = find_source(ws, name, as_name)
        _installed(ws, source)
        asked = source.entry.name if source.entry else source.place
        target = source.name
        request = {"name": asked, "as_name": source.name, "bits": bits}
    return jobs.launch(ws, _job_name(ws, target), KIND, _MODULE, request)


def _job_name(ws: Workspace, target: str) -> str:
    """The job of a model: the one at work or that failed; another once the one before it succeeded."""
    earlier = {job.job: job for job in jobs.listed(ws, KIND)}
    name, n = f"pull-{target}", 1
    while name in earlier and earlier[name].state == "succeeded":
        n += 1
        name = f"pull-{target}-{n}"
    return name


def run_pull(ws: Workspace, request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """The work of a pull's job."""
    info = pull(ws, request["name"], progress, as_name=request.get("as_name"), bits=request.get("bits"))
    return info.model_dump(mode="json", exclude_none=True)
