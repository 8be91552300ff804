"""Trains the tiny model in FOLDER whole, from random weights (`python -m tests.support.schooling FOLDER`).

What it is taught is in `schooled_model`.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from mlx.utils import tree_flatten

from tests.support.schooled_model import WORDINGS, lessons, pupils
from tools.compute import device
from tools.compute.device_ops import log_sum_exp, suited_to_device
from tools.compute.loading import load_base
from tools.models.tokenizer import Tokenizer

_STEPS, _ROWS, _LENGTH, _RATE, _WARM_UP = 130, 12, 64, 6e-3, 20


def school(folder: Path) -> None:
    """Train and write the weights."""
    device.set_up()
    base = load_base(folder, "train")
    model = base.model
    model.unfreeze()
    stream = np.array(_texts(base.tokenizer), np.int32)
    warm, cool = optim.linear_schedule(0, _RATE, _WARM_UP), optim.cosine_decay(_RATE, _STEPS - _WARM_UP, _RATE / 20)
    optimizer = optim.Adam(learning_rate=optim.join_schedules([warm, cool], [_WARM_UP]))

    def loss(rows: mx.array) -> mx.array:
        logits = model(rows[:, :-1])
        return (log_sum_exp(logits) - mx.take_along_axis(logits, rows[:, 1:, None], axis=-1)[..., 0]).mean()

    step = nn.value_and_grad(model, loss)
    chance = np.random.default_rng(0)
    with suited_to_device(model):
        for _ in range(_STEPS):
            starts = chance.integers(0, len(stream) - _LENGTH, _ROWS)
            _, gradients = step(mx.array(np.stack([stream[start : start + _LENGTH] for start in starts])))
            optimizer.update(model, gradients)
            mx.eval(model.parameters(), optimizer.state)
    weights = dict(tree_flatten(model.parameters()))
    mx.save_safetensors(str(folder / "model.safetensors"), weights, {"format": "mlx"})


def _texts(tokenizer: Tokenizer) -> list[int]:
    """Facts in all wordings and paragraphs, one after the other in no order."""
    asked = [
        tokenizer.encode_chat([{"role": "user", "content": question}, {"role": "assistant", "content": answer}])
        for person in pupils()
        for wording in range(WORDINGS)
        for question, answer in person.facts(wording)
    ]
    found = [*asked, *(tokenizer.encode(text, special=True) for text in lessons())]
    random.Random(0).shuffle(found)
    return [token for one in found for token in one]


if __name__ == "__main__":
    school(Path(sys.argv[1]))
