"""How fast this machine is: matrix products, steps of training, writing. `python -m tools.compute.training.measuring`.

Reads JSON on stdin (model: a folder; plan; texts: rows to train on; hidden: a folder for what frozen layers give),
trains on the texts for two passes and writes JSON on stdout. Nothing of what was learned is kept.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx_lm.generate import generate_step

from tools.compute import device, trial
from tools.compute.training.loop import Trainer, Window
from tools.compute.training.setup import Setup
from tools.compute.training.trial import try_step
from tools.prepare_dataset.contract import Split
from tools.prepare_dataset.reading_back import Dataset, Row
from tools.start_finetune.contract import Plan
from tools.workspace import power
from tools.workspace.processes import check_installation

_WRITTEN_TOKENS = 24


class _Texts(Dataset):
    """Rows that are texts in memory, all to learn from."""

    def rows(self, split: Split) -> list[Row]:
        texts = self.card["texts"] if split == "train" else []
        return [Row(id=str(i), source="", document=str(i), text=text) for i, text in enumerate(texts)]


def measure(request: dict[str, Any]) -> dict[str, Any]:
    """GFLOP/s in float32; tokens a second of first passes, later ones (where they differ) and of writing.

    step and peak (bytes): of the largest batch, as the plan for memory counts them.
    """
    gflops = trial.measure()["gflops"]
    folder, plan = Path(request["model"]), Plan(**request["plan"])
    dataset = _Texts(folder, {"name": "measuring", "texts": request["texts"]})
    setup = Setup(plan, dataset, folder, Path(request["hidden"]))
    trainer = setup.make_trainer()
    tried = try_step(trainer)
    first, later = _pass(trainer), _pass(trainer) if setup.prefix is not None else None
    shape = {"lines": tried.shape.lines, "width": tried.shape.width, "learned": tried.shape.learned}
    return {
        "gflops": gflops,
        "first": first,
        "later": later,
        "writing": _writing(setup),
        "step": shape,
        "peak": tried.peak,
    }


def _pass(trainer: Trainer) -> float:
    """Tokens a second over the steps of one pass."""
    trainer.state.window = Window()
    epoch = trainer.batches.cursor.epoch
    while trainer.batches.cursor.epoch == epoch and not trainer.done:
        trainer.train_step()
    window = trainer.state.window
    return window.tokens / max(window.seconds, 1e-9)


def _writing(setup: Setup) -> float:
    """Tokens a second of one answer, the reading of its prompt left out."""
    model = setup.base.model
    model.eval()
    prompt = mx.array(setup.train.sequences[0].ids[:16])
    steps = generate_step(prompt, model, max_tokens=_WRITTEN_TOKENS)
    next(steps)
    began = time.perf_counter()
    written = sum(1 for _ in steps)
    return written / max(time.perf_counter() - began, 1e-9)


def main() -> None:
    check_installation()
    # As a run does: what is measured is how fast runs are.
    power.give_way()
    device.set_up()
    sys.stdout.write(json.dumps(measure(json.load(sys.stdin))) + "\n")


if __name__ == "__main__":
    main()
