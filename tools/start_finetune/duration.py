"""How long a run will take: its steps, its evaluations and the answers it writes at each.

Work is counted in floating-point operations a token, and turned into time by the speed measured on
this machine with this model, or by a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.models.info import ModelInfo
from tools.models.precision import choose_precision, resident_bytes
from tools.start_finetune.footprint import trained_layers
from tools.start_finetune.memory import calibrated, remember
from tools.start_finetune.presets import DatasetShape
from tools.workspace import machine
from tools.workspace.layout import Workspace

# Sustained FLOP/s of LoRA training where nothing was measured yet: M1's GPU is a prediction.
_GUESSED_FLOPS = {"cpu": 4e10, "metal": 1.5e12, "cuda": 1e14}
# Bytes of weights read a second where answers are written token by token, a guess.
_GUESSED_READING = {"cpu": 1.3e10, "metal": 5e10, "cuda": 1e12}
# Prompts answered at an evaluation where none are given, and the most tokens of an answer (`samples`).
_SAMPLE_PROMPTS = 2
_ANSWER_TOKENS = 48


def predict_minutes(ws: Workspace, info: ModelInfo, settings: Mapping[str, Any], data: DatasetShape) -> float:
    """Minutes of a whole run. With a frozen prefix passes after the first leave out the layers below."""
    layers, kept = trained_layers(info, settings), bool(settings["frozen_prefix"])
    row = min(data.tokens / max(1, data.rows), int(settings["max_seq_length"]))
    rows = int(settings["iters"] * settings["batch_size"])
    first = min(rows, data.rows) if kept else rows
    seconds = first * row / _tokens_per_second(ws, info, settings, layers, later=False)
    if rows > first:
        seconds += (rows - first) * row / _tokens_per_second(ws, info, settings, layers, later=True)
    times = -(-int(settings["iters"]) // int(settings["steps_per_eval"])) + 1
    return (seconds + times * evaluation_seconds(ws, info, settings, data)) / 60


def was_measured(ws: Workspace, info: ModelInfo, settings: Mapping[str, Any]) -> bool:
    """Whether the speed was measured here, with this model and as many layers."""
    layers = trained_layers(info, settings)
    return any(calibrated(ws, speed_key(info, layers, later=later), 0.0) for later in (False, True))


def evaluation_seconds(ws: Workspace, info: ModelInfo, settings: Mapping[str, Any], data: DatasetShape) -> float:
    """Seconds of one evaluation: the validation loss, and answers to the sample prompts."""
    layers = trained_layers(info, settings)
    flops = _tokens_per_second(ws, info, settings, layers, later=False) * _step_flops(
        info, settings, layers, info.layers
    )
    rows, batches = data.valid_rows, settings["val_batches"]
    if batches >= 0:
        rows = min(rows, batches * (settings["rows_at_once"] or settings["batch_size"]))
    tokens = rows * data.valid_tokens / max(1, data.valid_rows)
    run = layers if settings["frozen_prefix"] else info.layers
    forward = tokens * 2 * (run * _layer_parameters(info) + _head_parameters(info)) / flops
    asked = settings["sample_prompts"]
    answers = min(data.questions, _SAMPLE_PROMPTS) if asked is None else len(asked)
    weights = resident_bytes(info, choose_precision(info, "train"))
    return forward + answers * _ANSWER_TOKENS * weights / calibrated(ws, _reading_key(), _guess(_GUESSED_READING))


def _tokens_per_second(
    ws: Workspace, info: ModelInfo, settings: Mapping[str, Any], layers: int, *, later: bool
) -> float:
    """Speed of training steps: as measured here with this model and as many layers, else from its FLOPs."""
    needed = _step_flops(info, settings, layers, layers if later else info.layers)
    measured = calibrated(ws, speed_key(info, layers, later=later), 0.0)
    if measured:
        return measured
    other = calibrated(ws, speed_key(info, layers, later=not later), 0.0)
    if other:
        return other * _step_flops(info, settings, layers, info.layers if later else layers) / needed
    return calibrated(ws, _flops_key(), _guess(_GUESSED_FLOPS)) / needed


def remember_speed(
    ws: Workspace, info: ModelInfo, settings: Mapping[str, Any], first: float, later: float | None
) -> None:
    """Keep tokens a second of first passes, and of later ones; and the FLOP/s for models that were never measured.

    Of a small model these are fewer than a large one reaches: its plan promises no less time than it takes.
    """
    layers = trained_layers(info, settings)
    remember(ws, speed_key(info, layers), first)
    if later is not None:
        remember(ws, speed_key(info, layers, later=True), later)
    remember(ws, _flops_key(), first * _step_flops(info, settings, layers, info.layers))


def remember_writing(ws: Workspace, info: ModelInfo, tokens_per_second: float) -> None:
    """Keep how fast weights are read where one answer is written: each token reads them all."""
    remember(ws, _reading_key(), tokens_per_second * resident_bytes(info, choose_precision(info, "train")))


def _flops_key() -> str:
    return f"train_flops:{machine.device()}"


def _reading_key() -> str:
    return f"reading_bytes_per_second:{machine.device()}"


def _guess(by_device: Mapping[str, float]) -> float:
    return by_device[machine.device()]


def _step_flops(info: ModelInfo, settings: Mapping[str, Any], layers: int, run: int) -> float:
    """FLOPs a token: forward through `run` layers, back through `layers`, forward there again where recomputed."""
    back = layers * (2 if settings["grad_checkpoint"] else 1)
    return 2 * _layer_parameters(info) * (run + back) + 4 * _head_parameters(info)


def _head_parameters(info: ModelInfo) -> int:
    return info.vocab_size * info.hidden_size


def _layer_parameters(info: ModelInfo) -> float:
    embeddings = _head_parameters(info) * (1 if info.tied_embeddings else 2)
    return max(1, info.parameters - embeddings) / info.layers


def speed_key(info: ModelInfo, layers: int, *, later: bool = False) -> str:
    """Where the speed of training is kept, in tokens a second. later: of passes that leave out frozen layers."""
    return f"train_tokens_per_second:{info.fingerprint}:{layers}:{machine.device()}{':later' if later else ''}"
