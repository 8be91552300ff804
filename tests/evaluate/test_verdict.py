"""What an evaluation concludes."""

from __future__ import annotations

import pytest

from tools.evaluate.contract import Interval
from tools.evaluate.verdict import judge


def interval(metric: str, low: float, high: float) -> Interval:
    return Interval(metric=metric, model="livros", change=(low + high) / 2, low=low, high=high)


@pytest.mark.parametrize(
    ("intervals", "kind"),
    [
        ([("bits_per_byte", -0.3, -0.1)], "learned"),
        ([("bits_per_byte", -0.3, 0.1)], "not_proven"),
        ([("bits_per_byte", 0.1, 0.3)], "worse"),
        ([("bits_per_byte", -0.3, -0.1), ("token_f1", -0.2, -0.1)], "not_proven"),
        ([("bits_per_byte", -0.1, 0.1), ("token_f1", 0.1, 0.3)], "learned"),
        ([], "not_proven"),
    ],
)
def test_the_verdict_follows_the_intervals(intervals: list[tuple[str, float, float]], kind: str) -> None:
    verdict = judge("livros", [interval(*each) for each in intervals], "mares@1")
    assert verdict.kind == kind
    assert verdict.action.split(" ")[0] in {"ask_model", "start_finetune", "annotate_dataset"}
