"""Models against one another on the unseen texts: which writes them best, and where a run starts to memorize.

Bits a byte are free of the tokenizer, so that models of different bases stand in one table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tools.evaluate.contract import Behind, Standing, Standings
from tools.evaluate.figures import bits_per_byte
from tools.evaluate.measured import Measured, Texts
from tools.evaluate.statistics import paired_ratio_interval


def standings(models: Sequence[str], measured: Measured, run: str | None = None) -> Standings | None:
    """The table of the models, in their order; None with fewer than three, or where no unseen text was scored.

    run: whose checkpoints the models after the first are, by step; the first is their base.
    """
    unseen, trained = measured.unseen, measured.trained
    if unseen is None or not unseen.sizes or (len(models) < 3 and run is None):
        return None
    best = min(models, key=lambda model: (bits_per_byte(unseen, model), models.index(model)))
    table = [
        Standing(
            model=model,
            step=_step(model) if run is not None else None,
            bits_per_byte=round(bits_per_byte(unseen, model), 4),
            trained_bits_per_byte=round(bits_per_byte(trained, model), 4) if trained and trained.sizes else None,
            behind=_change(unseen, best, model) if model != best else None,
        )
        for model in models
    ]
    found = Standings(best=best, table=table)
    if run is not None:
        found.memorizes_from = _memorizes_from(models[1:], best, unseen, trained)
    return found


def _memorizes_from(checkpoints: Sequence[str], best: str, unseen: Texts, trained: Texts | None) -> str | None:
    """The first checkpoint after the best whose trained passages got likelier beyond chance, its unseen ones not.

    Where the base is the best of all, every checkpoint comes after it.
    """
    if trained is None:
        return None
    later = checkpoints[checkpoints.index(best) + 1 :] if best in checkpoints else checkpoints
    for model in later:
        learned, lost = _change(trained, best, model), _change(unseen, best, model)
        if learned is not None and learned.high < 0 and (lost is None or lost.change >= 0):
            return model
    return None


def _change(texts: Texts, before: str, after: str) -> Behind | None:
    """Bits a byte that `after` has more than `before`, with a 95% interval; None of too few documents."""
    bits = {model: [nats / math.log(2) for nats in texts.nats[model]] for model in (before, after)}
    found = paired_ratio_interval(bits[before], bits[after], texts.sizes, texts.documents)
    return (
        Behind(**dict(zip(("change", "low", "high"), (round(value, 4) for value in found), strict=True)))
        if found
        else None
    )


def _step(model: str) -> int | None:
    _, _, step = model.partition("@step-")
    return int(step) if step.isdigit() else None
