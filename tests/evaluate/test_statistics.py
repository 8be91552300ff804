"""What counts as proven."""

from __future__ import annotations

import random

import pytest

from tools.evaluate.statistics import expanded_tail, mcnemar, paired_ratio_interval, share_interval


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


@pytest.mark.parametrize(("documents", "most"), [(5, 0.125), (12, 0.085)])
def test_few_documents_that_differ_by_chance_are_seldom_proven(documents: int, most: float) -> None:
    """Plain percentiles call 17% and 10% of them proven."""
    rng = random.Random(3)
    names = [str(i) for i in range(documents)]
    proven, tries = 0, 600
    for _ in range(tries):
        found = paired_ratio_interval([0.0] * documents, [rng.gauss(0, 1) for _ in names], [1.0] * documents, names)
        assert found is not None
        proven += found[1] > 0 or found[2] < 0
    assert proven / tries < most


def test_the_tails_of_many_documents_are_those_of_95_percent() -> None:
    assert expanded_tail(5) == pytest.approx(0.0010, abs=1e-4)
    assert expanded_tail(100_000) == pytest.approx(0.025, abs=1e-5)


def test_thousands_of_documents_are_drawn_in_parts() -> None:
    rng = random.Random(4)
    tuned = [rng.gauss(1, 1) for _ in range(4_000)]
    found = paired_ratio_interval([0.0] * 4_000, tuned, [1.0] * 4_000, [str(i) for i in range(4_000)])
    assert found is not None
    # As the normal distribution tells: 1.96 standard errors to either side.
    assert found[2] - found[1] == pytest.approx(2 * 1.96 / 4_000**0.5, rel=0.05)


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
