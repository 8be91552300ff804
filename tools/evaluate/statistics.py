"""Paired intervals: is the change from base to tuned larger than chance?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

RESAMPLES = 2000
FEWEST_GROUPS = 5


def paired_ratio_interval(
    base: Sequence[float], tuned: Sequence[float], weights: Sequence[float], groups: Sequence[str], seed: int = 0
) -> tuple[float, float, float] | None:
    """The change of sum(values) / sum(weights) from base to tuned and its 95% bootstrap interval.

    base, tuned: totals of each item (nats, scores). weights: the item's size (bytes, or 1). groups:
    items of one group (a document) are drawn together, since they are not independent of each other.
    Percentile bootstrap over groups (Efron 1979); None with fewer than FEWEST_GROUPS groups, which prove nothing.
    """
    names = sorted(set(groups))
    index = {name: i for i, name in enumerate(names)}
    which = np.array([index[group] for group in groups])

    def by_group(values: Sequence[float]) -> np.ndarray:
        return np.bincount(which, weights=np.asarray(values, float), minlength=len(names))

    difference, size = by_group(tuned) - by_group(base), by_group(weights)
    if len(names) < FEWEST_GROUPS:
        return None
    change = float(difference.sum() / size.sum())
    drawn = np.random.default_rng(seed).integers(0, len(names), (RESAMPLES, len(names)))
    changes = difference[drawn].sum(axis=1) / size[drawn].sum(axis=1)
    low, high = np.percentile(changes, [2.5, 97.5])
    return change, float(low), float(high)
