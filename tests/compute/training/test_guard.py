"""A run that breaks down is noticed; one that is merely uneven is left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tools.compute.training.guard import MOST_ROLLBACKS, Guard, Rollbacks


def feed(losses: list[float]) -> list[int]:
    guard = Guard()
    return [step for step, loss in enumerate(losses) if guard.broke_down(loss)]


def test_a_loss_that_jumps_and_stays_is_a_breakdown() -> None:
    found = feed([2.0] * 30 + [7.0] * 8)
    assert 30 < found[0] <= 37


def test_a_single_odd_row_is_none() -> None:
    assert feed([2.0] * 30 + [9.0] + [2.0] * 30) == []


@pytest.mark.parametrize("seed", range(5))
def test_rows_of_very_different_loss_are_none(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kinds = rng.choice([0.6, 2.4, 3.2], 400)
    assert feed(list(kinds * rng.uniform(0.8, 1.2, 400) * np.linspace(1, 0.6, 400))) == []


def test_nothing_is_said_before_enough_is_known() -> None:
    assert feed([1.0] * 10 + [9.0] * 8) == []


def test_rollbacks_lower_the_rate_and_outlive_the_process(tmp_path: Path) -> None:
    path = tmp_path / "rollbacks.json"
    rollbacks = Rollbacks(path)
    assert (rollbacks.factor, rollbacks.exhausted) == (1.0, False)
    for number in range(MOST_ROLLBACKS):
        rollbacks.add(step=10 * number, to=5, reason="the loss rose")
    again = Rollbacks(path)
    assert again.made == rollbacks.made
    assert (again.factor, again.exhausted) == (0.125, True)
