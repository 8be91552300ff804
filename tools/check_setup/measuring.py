"""`afina doctor --measure`: this machine timed with a small model, and kept where the plan of a run reads it."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from typing import Any

from tools.errors import Conflict, MachineError
from tools.models.info import ModelInfo, load_info
from tools.start_finetune.contract import Plan, TrainSettings
from tools.start_finetune.duration import remember_speed, remember_writing
from tools.start_finetune.footprint import StepShape
from tools.start_finetune.memory import predict_peak, remember, remember_peak
from tools.start_finetune.plan import make_plan
from tools.start_finetune.presets import DatasetShape
from tools.workspace import ledger, machine
from tools.workspace.layout import Workspace
from tools.workspace.locks import FileLock
from tools.workspace.machine import GB, mlx_environment
from tools.workspace.processes import child_command, child_environment

HOLDER = "measuring"
_TIMEOUT_S = 900
_ROWS, _ROW_TOKENS = 8, 96
_SENTENCE = "O faroleiro acendia a luz às {n} horas e escrevia no caderno os {n} barcos que passavam ao largo da ilha. "


@dataclass(frozen=True)
class Measured:
    """What this machine does with `model`: GFLOP/s of matrix products, tokens a second, GB at the peak of a step.

    later: passes that leave out frozen layers, where there are such. predicted_gb: as planned without measuring.
    """

    model: str
    gflops: float
    training: float
    later: float | None
    writing: float
    peak_gb: float
    predicted_gb: float

    def lines(self) -> list[str]:
        """In words, one thing a line."""
        later = f", {self.later:.0f} in later passes" if self.later is not None else ""
        return [
            f"matrix products: {self.gflops:.0f} GFLOP/s",
            f"training {self.model}: {self.training:.0f} tokens/s{later}",
            f"writing with {self.model}: {self.writing:.1f} tokens/s",
            f"memory of a step: {self.peak_gb:.2f} GB, {self.predicted_gb:.2f} GB predicted",
            "Kept: start_finetune counts with it until a run has measured more.",
        ]


def measure(ws: Workspace, model: str) -> Measured:
    """Time this machine with an installed model: a minute on a CPU, seconds on a GPU.

    Raises NotFound, Conflict while something else trains or the memory is taken, MachineError when MLX fails.
    """
    info = load_info(ws.model_folder(model))
    data = DatasetShape(rows=_ROWS, tokens=_ROWS * _ROW_TOKENS, longest=2 * _ROW_TOKENS)
    plan = make_plan(ws, info, data, "auto", TrainSettings(batch_size=2, sample_prompts=[]))
    told = _alone(ws, info, plan)
    settings = {name: setting.value for name, setting in plan.settings.items()}
    predicted = predict_peak(info, settings, longest=data.longest).usual
    remember_peak(ws, info, plan, StepShape(**told["step"]), told["peak"])
    remember_speed(ws, info, settings, told["first"], told["later"])
    remember_writing(ws, info, told["writing"])
    remember(ws, f"matmul_gflops:{machine.device()}", told["gflops"])
    return Measured(
        info.name,
        told["gflops"],
        told["first"],
        told["later"],
        told["writing"],
        told["peak"] / GB,
        predicted / GB,
    )


def _alone(ws: Workspace, info: ModelInfo, plan: Plan) -> dict[str, Any]:
    """What the child tells, run while nothing else trains."""
    path = ws.lock_path(HOLDER)
    lock = FileLock.try_acquire(path)
    if lock is None:
        raise Conflict("This machine is being measured already.", fix="Wait for it to end.")
    with lock:
        others = [entry.holder for entry in ledger.entries(ws) if entry.kind != "engine"]
        blocking = ledger.claim(ws, HOLDER, "training", int(plan.predicted_peak_gb * GB), path) if not others else []
        try:
            if others or blocking:
                names = ", ".join(others or [entry.holder for entry in blocking])
                raise Conflict(
                    f"{names} would slow down what is measured.", fix="Measure when it has ended, or pause it."
                )
            return _child(ws, info, plan)
        finally:
            ledger.release(ws, HOLDER)


def _child(ws: Workspace, info: ModelInfo, plan: Plan) -> dict[str, Any]:
    log = ws.logs / "measuring.log"
    with tempfile.TemporaryDirectory(dir=ws.runs, prefix=".measuring-") as hidden, log.open("wb") as errors:
        request = {
            "model": str(ws.model_folder(info.name)),
            "plan": plan.model_dump(),
            "texts": [_SENTENCE.format(n=n) * (2 + n % 3) for n in range(1, _ROWS + 1)],
            "hidden": hidden,
        }
        try:
            done = subprocess.run(
                child_command("tools.compute.training.measuring", []),
                input=json.dumps(request).encode(),
                env=child_environment(mlx_environment()),
                stdout=subprocess.PIPE,
                stderr=errors,
                timeout=_TIMEOUT_S,
                check=True,
                cwd="/",
            )
            return dict(json.loads(done.stdout))
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            raise MachineError("This machine could not be measured.", fix=f"{log} tells why.") from error
