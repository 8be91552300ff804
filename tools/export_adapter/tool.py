"""export_adapter: an adapter merged into its base, measured, installed as a model of its own."""

from __future__ import annotations

import hashlib
from typing import Any

from tools.errors import Conflict, DoesNotFit, InvalidArgument, NotFound
from tools.export_adapter.contract import ExportArgs, ExportResult
from tools.models.adapter_files import check_files
from tools.models.info import load_info
from tools.models.meter import need_room
from tools.models.precision import fusing_bytes
from tools.next_call import next_call
from tools.workspace import jobs, ledger
from tools.workspace.adapters import read_card
from tools.workspace.layout import MODEL_MARKER, Workspace
from tools.workspace.machine import GB, mlx_environment

KIND = "export"


def export_adapter(ws: Workspace, args: ExportArgs) -> ExportResult:
    """Start an export and wait for it, or ask how far one is. The same export is made once."""
    if args.job is not None:
        return _answer(ws, args.job, args.wait_s)
    if args.adapter is None:
        raise InvalidArgument(
            "No adapter was given.",
            field="adapter",
            expected="the name of an adapter",
            fix=f"There is: {', '.join(ws.adapter_names()) or 'none yet; train one with start_finetune'}.",
        )
    request = _request(ws, args.adapter, args.bits)
    made = ws.models / request["model"] / MODEL_MARKER
    jobs.launch(ws, request["job"], KIND, "tools.compute.fuse", request, mlx_environment(), made)
    return _answer(ws, request["job"], args.wait_s)


def _request(ws: Workspace, adapter: str, bits: int) -> dict[str, Any]:
    folder = ws.adapter_folder(adapter)
    exact = f"{folder.parent.name}@{folder.name}"
    card = read_card(folder)
    trained_on = card.base
    base = trained_on.name
    info = load_info(ws.model_folder(base, field="adapter"))
    if trained_on.fingerprint != info.fingerprint:
        raise Conflict(
            f"The adapter `{adapter}` was trained on another `{base}` than the one installed.",
            field="adapter",
            fix=f"Install the base it was trained on: afina models pull {base}.",
        )
    check_files(folder, exact, "adapter")
    _need_dataset(ws, exact, card.dataset)
    # Quantized weights have a scale and a bias for each group beside them.
    need_room(ws.models, info.parameters * (bits if bits == 16 else bits + 1) // 8, "The merged model")
    memory, limit = fusing_bytes(info), ledger.budget(ws)
    if memory > limit:
        raise DoesNotFit(
            f"Merging `{base}` needs {memory / GB:.1f} GB of memory; {limit / GB:.1f} GB can be used.",
            field="adapter",
            fix="Serve the adapter beside its base, which needs no merging, or export on a larger machine.",
        )
    model = f"{folder.parent.name}-{folder.name}-{bits}bit"
    digest = hashlib.sha256(f"{exact} {info.fingerprint} {bits}".encode()).hexdigest()[:8]
    return {"adapter": exact, "base": base, "bits": bits, "model": model, "job": f"export-{model}-{digest}"}


def _need_dataset(ws: Workspace, adapter: str, dataset: str) -> None:
    try:
        ws.dataset_folder(dataset)
    except NotFound as error:
        raise Conflict(
            f"The dataset `{dataset}` that `{adapter}` was trained on is not here: what a merged model lost cannot "
            "be measured without it.",
            field="adapter",
            fix="Prepare the same sources again, which makes the same version, or serve the adapter beside its base.",
        ) from error


def _answer(ws: Workspace, name: str, wait_s: float) -> ExportResult:
    job = jobs.wait(ws, name, KIND, wait_s)
    job.raise_if_failed(next_call("export_adapter", adapter=job.request["adapter"], bits=job.request["bits"]))
    if job.result is not None:
        model = job.result["model"]
        follow = next_call("ask_model", prompt="PROMPT", models=[model])
        return ExportResult(job=name, state=job.state, next=follow, **job.result)
    message = str(job.progress.get("message", "Starting"))
    return ExportResult(
        job=name, state=job.state, progress=message, next=next_call("export_adapter", job=name, wait_s=40)
    )
