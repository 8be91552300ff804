"""What is learned from the same tokens: the validation loss after Afina's training and after mlx-lm's.

Both read the same rows of the sample once, four a step, at the same falling rate, without a bound on
gradients, from the same adapter. A seed decides the adapter at the start and the order of batches. The
loss is measured on all validation rows by one function, which counts learned tokens alone. The losses do
not depend on how busy the machine is.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from mlx_lm.tuner.utils import remove_lora_layers

from tests.benchmarks import trainers
from tests.benchmarks.material import LONGEST, prepared_rows
from tests.benchmarks.measurement import Bench, Measurement, run_child
from tests.benchmarks.trainers import Recipe, Timed
from tools.compute import device
from tools.compute.loading import LoadedBase, load_base
from tools.compute.lora import LoraShape, apply_lora
from tools.compute.training.batches import fixed_batches
from tools.compute.training.decoder import Decoder
from tools.compute.training.rows import Sequence
from tools.compute.training.validation import mean_loss
from tools.start_finetune.presets import usual_rate

BATCH, LAYERS, RANK, SCALE = 4, 16, 8, 2.0
PEER = "mlx_lm.tuner.trainer.train"
# Longer rows would take most of the time, and most of a batch's lines be filled up by mlx-lm.
_LONGEST_ROW = 128


@dataclass(frozen=True)
class Learned:
    """Validation losses in nats a token after each training of so many tokens."""

    afina: float
    peer: float
    tokens: int


def measure(bench: Bench) -> Iterator[Measurement]:
    device.set_up()
    base = load_base(bench.folder, "train")
    steps, seeds = (4, 1) if bench.quick else (40, 3)
    rows = training_rows(prepared_rows(bench, base.tokenizer), BATCH * steps)
    valid = prepared_rows(bench, base.tokenizer, "valid")[: 2 * BATCH if bench.quick else None]
    recipe = Recipe(rate=usual_rate(base.info.parameters), falling=True, most_norm=0.0)
    before = validation_loss(base, valid)
    told = {
        "base": before,
        "steps": steps,
        "batch_size": BATCH,
        "rate": recipe.rate,
        "layers": LAYERS,
        "rank": RANK,
        "rows": len(rows),
    }
    found = []
    for seed in range(seeds):
        learned = learn(base, rows, valid, replace(recipe, seed=seed))
        found.append(learned)
        case = f"loss after {learned.tokens} tokens, seed {seed}"
        yield _measurement(case, learned.afina, learned.peer, f"base {before:.3f}", told | vars(learned))
    if seeds > 1:
        yield _together(found, told)


def training_rows(rows: list[Sequence], count: int) -> list[Sequence]:
    """So many rows from all over the dataset, of those that mlx-lm can mask: by their beginning alone."""
    fit = [row for row in rows if len(row) <= _LONGEST_ROW and row.mask[np.argmax(row.mask) :].all()]
    return [fit[place * len(fit) // count] for place in range(count)]


def learn(base: LoadedBase, rows: list[Sequence], valid: list[Sequence], recipe: Recipe) -> Learned:
    """Both trainings, one after the other."""
    pad, steps = base.tokenizer.pad_id or 0, len(rows) // BATCH

    def adapt() -> None:
        remove_lora_layers(base.model)
        base.model.freeze()
        apply_lora(base.model, LoraShape(layers=min(LAYERS, base.info.layers), rank=RANK, scale=SCALE), recipe.seed)

    adapt()
    ours = trainers.afina(base.model, rows, BATCH, steps, pad, recipe=recipe)
    after_ours = validation_loss(base, valid)
    adapt()
    theirs = trainers.mlx_lm(base.model, rows, BATCH, steps, LONGEST, recipe=recipe)
    return Learned(after_ours, validation_loss(base, valid), _same_tokens(ours, theirs))


def validation_loss(base: LoadedBase, valid: list[Sequence]) -> float:
    """Nats a learned token, of the model as it now is."""
    decoder = Decoder(base.model)
    return mean_loss(decoder, fixed_batches(valid, BATCH, -1, base.tokenizer.pad_id or 0, share=decoder.divisible))


def _same_tokens(ours: Timed, theirs: Timed) -> int:
    tokens = sum(ours.tokens)
    assert tokens == sum(theirs.tokens), "the trainers read other rows"
    return tokens


def _together(found: list[Learned], told: dict[str, Any]) -> Measurement:
    ours, theirs = [one.afina for one in found], [one.peer for one in found]
    spread = f"± {statistics.stdev(ours):.3f} against ± {statistics.stdev(theirs):.3f}"
    case = f"loss after the same tokens, {len(found)} seeds"
    more = {**told, "afina": ours, "peer": theirs}
    return _measurement(case, statistics.mean(ours), statistics.mean(theirs), f"mean {spread}", more)


def _measurement(case: str, ours: float, theirs: float, notes: str, more: dict[str, Any]) -> Measurement:
    return Measurement(
        "learning", case, "nats", round(ours, 4), round(theirs, 4), PEER, lower_is_better=True, notes=notes, more=more
    )


if __name__ == "__main__":
    run_child(measure)
