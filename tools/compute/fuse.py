"""Merge an adapter into its base: a whole model that mlx-lm loads. `python -m tools.compute.fuse WORKSPACE JOB`.

Merging into 4-bit weights can round away what was learned (mlx-lm #1172), so the base is dequantized
first, and the validation loss of the base, of base and adapter, and of the merged model is measured:
an export that lost what the adapter learned is refused.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten, tree_unflatten
from mlx_lm.tuner.lora import LoRALinear
from mlx_lm.tuner.utils import linear_to_lora_layers
from mlx_lm.utils import dequantize_model, load_model, quantize_model, save_model

from tools.compute import device
from tools.compute.arrays import load_arrays
from tools.compute.loading import load_base
from tools.compute.lora import CONFIG_FILE, WEIGHTS_FILE, read_adapter
from tools.compute.training.batches import fixed_batches
from tools.compute.training.decoder import Decoder
from tools.compute.training.packing import Batch
from tools.compute.training.rows import encode_rows
from tools.compute.training.validation import mean_loss
from tools.errors import Conflict
from tools.models.info import describe, fingerprint_of, finish, load_info
from tools.models.precision import fusing_bytes
from tools.models.tokenizer import Tokenizer
from tools.prepare_dataset.reading_back import open_dataset
from tools.workspace import jobs, ledger
from tools.workspace.adapters import read_card
from tools.workspace.files import publishing, read_json, telling_foreign_writes, write_json
from tools.workspace.jobs import Progress
from tools.workspace.layout import MODEL_MARKER, Workspace

_BATCHES = 8
_LENGTH = 512
# The share of what the adapter gained that the merged model must keep, and the loss in nats a token that
# it may lose where the adapter gained nothing on these rows.
_KEPT = 0.8
_SLACK = 0.05
_GROUP_SIZE = 64
_POLL_S = 0.3


def fuse(ws: Workspace, request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Merge, measure, publish as an installed model; returns its folder and the losses."""
    holder = f"export-{request['job']}"
    predicted = fusing_bytes(load_info(ws.model_folder(request["base"])))
    while blocking := ledger.claim(ws, holder, "export", predicted, jobs.lock_path(ws, request["job"])):
        progress(0, 6, f"Waiting for memory held by {', '.join(entry.holder for entry in blocking)}")
        time.sleep(_POLL_S)
    try:
        return _fuse(ws, request, progress)
    finally:
        ledger.release(ws, holder)


def _fuse(ws: Workspace, request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    device.set_up()
    adapter_folder, base_folder = ws.adapter_folder(request["adapter"]), ws.model_folder(request["base"])
    info = load_info(base_folder)
    adapter = read_adapter(adapter_folder, info)
    batches = _batches(ws, adapter.described["dataset"], Tokenizer.load(base_folder))
    progress(1, 6, "Loading the base")
    model, config = load_model(base_folder)
    kind = mx.bfloat16 if _is_bfloat16(model) else mx.float16
    model = dequantize_model(model)
    if mx.default_device() == mx.cpu:
        # Half precision runs at a fortieth of the speed there.
        model.set_dtype(mx.float32)
    losses = {"loss_base": mean_loss(Decoder(model), batches)}
    progress(2, 6, "Adding the adapter")
    parameters = read_json(adapter_folder / CONFIG_FILE)
    linear_to_lora_layers(model, parameters["num_layers"], parameters["lora_parameters"])
    model.load_weights(list(load_arrays(adapter_folder / WEIGHTS_FILE).items()), strict=False)
    model.eval()
    losses["loss_before"] = mean_loss(Decoder(model), batches)
    progress(3, 6, "Merging")
    model.update_modules(
        tree_unflatten([(name, m.fuse()) for name, m in model.named_modules() if isinstance(m, LoRALinear)])
    )
    config = {key: value for key, value in config.items() if key not in ("quantization", "quantization_config")}
    if request["bits"] < 16:
        model, config = quantize_model(model, config, _group_size(model), request["bits"])
    model.set_dtype(kind)
    progress(4, 6, "Writing")
    folder = ws.models / request["model"]
    # What an export that was killed left there goes first; the job's lock keeps others away.
    with publishing(folder, label=request["job"]) as aside:
        _write(aside, base_folder, model, config)
        del model
        weights = fingerprint_of(sorted(aside.glob("model*.safetensors")))
        source = f"{request['adapter']} merged into {request['base']}"
        described = describe(aside, name=request["model"], source=source, fingerprint=weights, languages=info.languages)
        # It is asked as its adapter was.
        finish(aside, described.model_copy(update={"serving": read_card(adapter_folder).serving}))
        progress(5, 6, "Measuring the merged model")
        # As it will answer: read back from what was written.
        losses["loss_after"] = mean_loss(Decoder(load_base(aside).model), batches)
        _check(losses, request)
    return {"model": request["model"], "path": str(folder), **{k: round(v, 5) for k, v in losses.items()}}


def _batches(ws: Workspace, dataset: str, tokenizer: Tokenizer) -> list[Batch]:
    opened = open_dataset(ws.dataset_folder(dataset))
    # A dataset may have no validation rows; what it trained on tells a lost adapter as well.
    rows = opened.rows("valid") or opened.rows("train")
    sequences = encode_rows(rows, tokenizer, _LENGTH, mask_prompt=True).sequences
    return fixed_batches(sequences, 2, _BATCHES, tokenizer.pad_id or 0, share=False)


def _group_size(model: nn.Module) -> int:
    widths = [m.weight.shape[-1] for _, m in model.named_modules() if isinstance(m, nn.Linear | nn.Embedding)]
    return _GROUP_SIZE if all(width % _GROUP_SIZE == 0 for width in widths) else 32


def _is_bfloat16(model: nn.Module) -> bool:
    kinds = [value.dtype for _, value in tree_flatten(model.parameters()) if mx.issubdtype(value.dtype, mx.floating)]
    return 2 * kinds.count(mx.bfloat16) > len(kinds)


def _check(losses: dict[str, float], request: dict[str, Any]) -> None:
    gained = losses["loss_base"] - losses["loss_before"]
    kept = losses["loss_base"] - losses["loss_after"]
    lost = gained - kept
    if lost <= max((1 - _KEPT) * gained, 0.0 if gained > 0 else _SLACK):
        return
    instead = {4: "Export with bits=8 or bits=16", 8: "Export with bits=16"}.get(request["bits"], "Export nothing")
    raise Conflict(
        f"Merging at {request['bits']} bits would lose what `{request['adapter']}` learned: its loss of "
        f"{losses['loss_before']:.3f}, {gained:.3f} below the base's, would become {losses['loss_after']:.3f}.",
        field="bits",
        fix=f"{instead}, or serve the adapter beside its base, which loses nothing.",
    )


def _write(aside: Path, base: Path, model: nn.Module, config: dict[str, Any]) -> None:
    for path in base.iterdir():
        weights = path.name.endswith((".safetensors", ".index.json"))
        if path.is_file() and not weights and path.name not in (MODEL_MARKER, "config.json"):
            shutil.copy2(path, aside / path.name)
    with telling_foreign_writes(aside):
        save_model(aside, model)
    write_json(aside / "config.json", config)


if __name__ == "__main__":
    jobs.run_job(fuse)
