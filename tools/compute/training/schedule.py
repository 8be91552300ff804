"""The learning rate of each optimizer update."""

from __future__ import annotations

import math


def rate_at(update: int, updates: int, peak: float, warmup: int, schedule: str) -> float:
    """The rate of update number `update` (from 0) of `updates`.

    Rises linearly to `peak` over `warmup` updates, then stays (`constant`), or falls to zero along a
    line (`linear`) or a half cosine (`cosine`).
    """
    if update < warmup:
        return peak * (update + 1) / warmup
    if schedule == "constant":
        return peak
    share = min(1.0, (update - warmup) / max(1, updates - warmup))
    if schedule == "linear":
        return peak * (1 - share)
    return peak * 0.5 * (1 + math.cos(math.pi * share))
