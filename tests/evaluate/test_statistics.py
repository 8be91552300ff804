"""What counts as proven."""

from __future__ import annotations

import random

import pytest

from tools.evaluate.statistics import mcnemar, paired_ratio_interval, share_interval


def test_a_change_beyond_chance_has_an_interval_on_one_side_of_zero() -> None:
    rng = random.Random(0)
    base = [100 + rng.gauss(0, 5) for _ in range(30)]
    tuned = [value - 10 + rng.gauss(0, 2) for value in base]
    groups = [f"capítulo {i // 2}" for i in range(30)]
    found = paired_ratio_interval(base, tuned, [50.0] * 30, groups)
    assert found is not None
    change, low, high = found
    assert low < change < high < 0
    assert change == pytest.approx(-0.2, abs=0.03)


def test_no_change_has_zero_inside_its_interval() -> None:
    rng = random.Random(1)
    base = [rng.gauss(100, 5) for _ in range(40)]
    tuned = [value + rng.gauss(0, 5) for value in base]
    found = paired_ratio_interval(base, tuned, [1.0] * 40, [str(i) for i in range(40)])
    assert found is not None
    assert found[1] < 0 < found[2]


def test_rows_of_one_document_are_one_observation() -> None:
    many = [float(i) for i in range(40)]
    assert paired_ratio_interval(many, many, [1.0] * 40, ["a", "b", "c", "d"] * 10) is None


def test_the_interval_of_a_share_is_wilsons() -> None:
    # Newcombe (1998), Statistics in Medicine 17, table I: 81 of 263, 0 of 20.
    assert share_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert share_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    with pytest.raises(ValueError, match="asked"):
        share_interval(0, 0)


def test_only_answers_that_changed_count_for_mcnemar() -> None:
    same = [True] * 50 + [False] * 50
    assert mcnemar(same, same) == 1.0
    gained = [False] * 8 + same
    assert mcnemar(gained, [True] * 8 + same) == pytest.approx(2 / 2**8)
    assert mcnemar([True, False], [False, True]) == 1.0
