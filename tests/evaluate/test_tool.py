"""evaluate over the real worker, with the tiny model."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.evaluate.waiting import finished
from tests.support.tiny_adapter import make_tiny_adapter
from tests.support.training import stop_all
from tools.evaluate.contract import EvaluateArgs, EvaluateResult
from tools.evaluate.tool import evaluate
from tools.workspace.layout import Workspace


@pytest.fixture(scope="module")
def whole(new_workspace: Callable[[], Workspace]) -> Iterator[Workspace]:
    """A workspace with a dataset, an adapter that changes its base, and one of zeros."""
    ws = new_workspace()
    make_tiny_adapter(ws, "um", seed=1)
    make_tiny_adapter(ws, "nada", zero=True)
    yield ws
    stop_all(ws)


@pytest.fixture(scope="module")
def both(whole: Workspace) -> EvaluateResult:
    return finished(whole, adapters=["um", "nada"], dataset="livros", max_items=6)


def test_all_is_measured_of_base_and_adapters(both: EvaluateResult) -> None:
    assert both.state == "succeeded"
    one, zero = (
        next(name for name in both.bits_per_byte.tuned if name.startswith(start)) for start in ("um@", "nada@")
    )
    for scores in (both.bits_per_byte, both.trained_bits_per_byte, both.perplexity, *both.forgetting.values()):
        assert scores.tuned[zero] == scores.base
        assert scores.tuned[one] != scores.base
    assert set(both.forgetting) == {"pt", "en"}
    # A random model knows nothing: as many bits as its vocabulary asks for, or more.
    assert both.perplexity.base > 100
    assert both.questions.asked == 6
    assert both.questions.choices > 0
    assert 0 < both.questions.chance <= 0.5
    assert both.questions.mcnemar[zero] == 1
    low, high = both.questions.share_intervals["choice_accuracy"][one]
    assert low <= both.questions.choice_accuracy.tuned[one] <= high
    assert low < high
    assert both.repetition.passages > 0
    assert both.repetition.longest.base < 8
    assert both.consistency.questions == 6


def test_zeros_are_named_and_prove_nothing(both: EvaluateResult) -> None:
    verdict = both.verdict[1]
    assert verdict.model.startswith("nada@")
    assert verdict.kind == "not_proven"
    assert "zeros" in verdict.text


def test_the_report_has_its_figures_and_needs_nothing_beside_it(both: EvaluateResult) -> None:
    page = Path(both.report_path).read_text("utf-8")
    assert f"{both.bits_per_byte.base:.3f}".replace(".", ",") in page
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page
    told = json.loads(Path(both.report_path).with_suffix(".json").read_text("utf-8"))
    assert told["result"]["bits_per_byte"]["base"] == both.bits_per_byte.base
    assert len(told["measured"]["asked"]) == 6
    assert "| Bits por byte" in Path(both.report_path).with_suffix(".md").read_text("utf-8")


def test_the_same_comparison_is_made_once(whole: Workspace, both: EvaluateResult) -> None:
    began = time.monotonic()
    again = evaluate(whole, EvaluateArgs(adapters=["um", "nada"], dataset="livros", max_items=6))
    assert again == both
    assert time.monotonic() - began < 3  # a process on MLX alone would take as long to start
