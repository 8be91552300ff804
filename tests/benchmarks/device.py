"""Afina beside mlx-lm on an accelerator: `python -m tests.benchmarks.device --out DIR [--tiny]`.

For a machine without a network, where Afina is not installed: the checkout on PYTHONPATH is enough,
beside mlx with its backend, mlx-lm, numpy, pydantic, psutil, jinja2, tokenizers and transformers. A
random 7B in 4 bits is made on the device. A measurement that fails is recorded, and the rest go on.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx_lm.tokenizer_utils import TokenizerWrapper
from mlx_lm.tokenizer_utils import load as load_tokenizer
from mlx_lm.tuner.utils import remove_lora_layers
from mlx_lm.utils import dequantize_model

from tests.benchmarks import decoding, device_checks, device_decoding, device_steps, peft_peer, trainers
from tests.benchmarks.device_report import Report
from tests.benchmarks.random_model import MISTRAL_7B, TINY, Size, random_quantized, write_random_tokenizer
from tools.compute import device
from tools.compute.lora import LoraShape, apply_lora
from tools.compute.training.checkpointing import recomputed
from tools.compute.training.rows import Sequence
from tools.errors import AfinaError
from tools.models.tokenizer import Tokenizer
from tools.workspace import machine


@dataclass(frozen=True)
class Scale:
    """How large everything is. shapes: batch size and row length of training; check_length: of the checks' rows.

    prefix: rows that ask at once, and the tokens that their prompts have in common.
    """

    size: Size
    shapes: tuple[tuple[int, int], ...]
    steps: int
    rounds: int
    decode_rows: tuple[int, ...]
    decode_tokens: int
    check_length: int
    prefix: tuple[int, int]
    lora_layers: int = 16

    @property
    def shape(self) -> LoraShape:
        return LoraShape(layers=self.lora_layers, rank=8, scale=20.0)


FULL = Scale(
    MISTRAL_7B,
    ((1, 2048), (2, 1024)),
    steps=6,
    rounds=2,
    decode_rows=(1, 8, 16, 32),
    decode_tokens=64,
    check_length=64,
    prefix=(16, 1000),
)
SMALL = Scale(
    TINY,
    ((1, 32), (2, 16)),
    steps=3,
    rounds=1,
    decode_rows=(1, 4),
    decode_tokens=16,
    check_length=16,
    prefix=(4, 40),
    lora_layers=1,
)
WARM_UP = 2


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True, help="folder for device.json")
    parser.add_argument("--tiny", action="store_true", help="a tiny shape, to try the script anywhere")
    parser.add_argument("--budget-s", type=float, default=330, help="start no measurement after so long")
    parser.add_argument("--only", nargs="*", default=[], help="how the names of the measurements to make begin")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    scale = SMALL if arguments.tiny else FULL
    report = Report(arguments.out / "device.json", arguments.budget_s, tuple(arguments.only))
    report.measure("machine", describe)
    report.measure("set_up", _set_up)
    with tempfile.TemporaryDirectory() as folder:
        _run(report, scale, Path(folder))
    mx.clear_cache()
    batch, length = scale.shapes[0]
    peer = lambda: peft_peer.train(scale.size, scale.lora_layers, batch, length, scale.steps, WARM_UP)  # noqa: E731
    report.measure("train: PyTorch and PEFT", peer)
    report.measure("end", lambda: {"failed": [name for name, found in report.told.items() if "failed" in found]})


def _run(report: Report, scale: Scale, folder: Path) -> None:
    began = time.perf_counter()
    model = random_quantized(scale.size)
    told = {"seconds": round(time.perf_counter() - began, 2), "active_gb": _gb(mx.get_active_memory())}
    report.measure("model", lambda: {**vars(scale.size), **told, "peak_gb": _gb(mx.get_peak_memory())})
    write_random_tokenizer(folder / "tokenizer", scale.size.vocab)
    tokenizer, peer = Tokenizer.load(folder / "tokenizer"), load_tokenizer(folder / "tokenizer")
    decoding.never_ending(tokenizer, peer)
    report.measure(
        "check: adapters by mlx-lm and routed",
        lambda: device_checks.routing(model, device_decoding.SERVED, scale.check_length),
    )
    _train(report, model, scale, "as stored")
    _decode(report, model, tokenizer, peer, scale, "as stored")
    report.measure(
        "check: resumed training",
        lambda: device_checks.resuming(model, scale.shape, scale.check_length, folder / "checkpoints"),
    )
    report.measure("dequantize", lambda: _dequantize(model))
    report.measure("check: training learns", lambda: device_checks.learning(model, scale.shape, scale.check_length))
    _decode(report, model, tokenizer, peer, scale, "dequantized")
    _train(report, model, scale, "dequantized")


def describe() -> dict[str, Any]:
    return {
        "device": str(mx.default_device()),
        "info": {key: value for key, value in mx.device_info().items() if isinstance(value, int | float | str)},
        "chip": machine.chip(),
        "cores": os.cpu_count(),
        "kind": machine.device(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        **{name: _version(name) for name in ("mlx", "mlx-lm", "mlx-cuda-13", "mlx-cuda-12", "transformers", "numpy")},
    }


def _set_up() -> dict[str, Any]:
    """The device as Afina's processes set it up; its bound on the buffer cache where that is refused."""
    try:
        return {"kind": device.set_up(), "cache_limit_gb": _gb(device.CACHE_LIMIT)}
    except AfinaError as error:
        mx.set_cache_limit(device.CACHE_LIMIT)
        return {"refused": error.message, "cache_limit_gb": _gb(device.CACHE_LIMIT)}


def _dequantize(model: nn.Module) -> dict[str, Any]:
    dequantize_model(model)
    model.freeze()
    mx.eval(model.parameters())
    return {"active_gb": _gb(mx.get_active_memory())}


# Training -------------------------------------------------------------------------------------


def _train(report: Report, model: nn.Module, scale: Scale, precision: str) -> None:
    for number, (batch, length) in enumerate(scale.shapes):
        name = f"train: {precision}, {batch} x {length}"
        report.measure(name, lambda b=batch, n=length: train(model, scale, b, n))
        if number == 0:
            report.measure(f"{name}, checkpointed", lambda b=batch, n=length: train(model, scale, b, n, True))
            report.measure(f"{name}, smallest", lambda b=batch, n=length: smallest(model, scale, b, n))


def train(model: nn.Module, scale: Scale, batch: int, length: int, checkpoint: bool = False) -> dict[str, Any]:
    """Afina's trainer, with and without the frozen layers' results kept, and mlx-lm's, in turns on one model."""
    steps = scale.steps + WARM_UP
    rows = random_rows(scale.size.vocab, batch * steps, length)
    apply_lora(model, scale.shape, seed=0)
    found = {"afina": trainers.Timed(), "afina, later passes": trainers.Timed(), "mlx_lm": trainers.Timed()}

    def turn(name: str) -> None:
        if name == "mlx_lm":
            timed = trainers.mlx_lm(model, rows, batch, steps, length, checkpoint=checkpoint)
            found[name].add(timed.without_first(WARM_UP))
            return
        # mlx-lm's layers take dropout from a global state: each trainer gets adapters of its own.
        with (
            recomputed(model.layers[-scale.lora_layers :]) if checkpoint else nullcontext(),
            tempfile.TemporaryDirectory() as folder,
        ):
            if name == "afina":
                found[name].add(trainers.afina(model, rows, batch, steps).without_first(WARM_UP))
            else:
                # The first pass runs the lower layers; the second compiles, the third is timed.
                few = rows[: batch * WARM_UP]
                timed = trainers.afina(model, few, batch, 2 * WARM_UP + scale.steps, kept=Path(folder))
                found[name].add(timed.without_first(2 * WARM_UP))

    try:
        for number in range(scale.rounds):
            for name in sorted(found, reverse=number % 2 == 1):
                remove_lora_layers(model)
                model.freeze()
                apply_lora(model, scale.shape, seed=0)
                turn(name)
    finally:
        remove_lora_layers(model)
        model.freeze()
    theirs = found["mlx_lm"]
    return {
        **{name: timed.figures() for name, timed in found.items()},
        "ratio": {
            name: {
                "speed": round(timed.tokens_per_second / theirs.tokens_per_second, 3),
                "peak": round(timed.peak_bytes / theirs.peak_bytes, 3),
            }
            for name, timed in found.items()
        },
    }


def smallest(model: nn.Module, scale: Scale, batch: int, length: int) -> dict[str, Any]:
    """The least memory: trained layers recomputed, temporaries bounded; by limits in GB over the weights."""
    steps = scale.steps + WARM_UP
    rows = random_rows(scale.size.vocab, batch * steps, length)
    apply_lora(model, scale.shape, seed=0)
    weights = mx.get_active_memory()
    found = {}
    try:
        for more in (3, 5, 7):
            before = mx.set_memory_limit(int(weights + more * machine.GB))
            try:
                with recomputed(model.layers[-scale.lora_layers :]):
                    timed = trainers.afina(model, rows, batch, steps).without_first(WARM_UP)
            finally:
                mx.set_memory_limit(before)
            found[f"weights + {more} GB"] = timed.figures()
    finally:
        remove_lora_layers(model)
        model.freeze()
    return found


def random_rows(vocab: int, count: int, length: int) -> list[Sequence]:
    ids = np.random.default_rng(1).integers(3, vocab, (count, length)).astype(np.int32)
    return [Sequence(row, np.ones(length, np.bool_)) for row in ids]


# Decoding -------------------------------------------------------------------------------------


def _decode(
    report: Report, model: nn.Module, tokenizer: Tokenizer, peer: TokenizerWrapper, scale: Scale, precision: str
) -> None:
    tokens, vocab = scale.decode_tokens, scale.size.vocab
    prompt = list(range(5, 5 + decoding.PROMPT_TOKENS))
    report.measure(
        f"decode: {precision}, where one row's step goes",
        lambda: {
            **device_steps.ways(model, tokenizer, peer, prompt, tokens, 2 * scale.rounds),
            "describing_ms": device_steps.describing(model, prompt),
            "operations_us": device_steps.operations(scale.size, model.model.norm.weight.dtype),
        },
    )
    for rows in scale.decode_rows:
        report.measure(
            f"decode: {precision}, {rows} rows",
            lambda rows=rows: device_decoding.decode(model, tokenizer, peer, rows, tokens, 2 * scale.rounds),
        )
    rows, prefix = scale.prefix
    report.measure(
        f"decode: {precision}, first token of {rows} rows",
        lambda: device_decoding.first_tokens(model, tokenizer, vocab, rows, prefix),
    )


def _gb(size: int) -> float:
    return round(size / 1e9, 3)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
