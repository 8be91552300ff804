"""evaluate over the real worker, with the tiny model."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.evaluate.waiting import finished
from tests.support.running_server import eventually
from tests.support.tiny_adapter import make_tiny_adapter
from tests.support.tiny_model import make_tiny_model
from tests.support.training import kill, prepare_small, stop_all
from tools.evaluate.contract import EvaluateArgs, EvaluateResult
from tools.evaluate.tool import evaluate
from tools.workspace.layout import Workspace, open_workspace


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace with a dataset, two adapters that change their base, and one of zeros."""
    folder = tmp_path_factory.mktemp("whole")
    ws = open_workspace(folder / "afina")
    make_tiny_model(ws)
    prepare_small(ws, folder / "material")
    make_tiny_adapter(ws, "um", seed=1)
    make_tiny_adapter(ws, "dois", seed=2)
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


def test_an_evaluation_that_was_cut_off_goes_on_where_it_was(whole: Workspace) -> None:
    started = evaluate(whole, EvaluateArgs(adapter="dois", dataset="livros", max_items=6, wait_s=0))
    kept = whole.evaluations / f".{started.evaluation}.stages"
    first = kept / "0" / "unseen.json"
    eventually(first.is_file, 60, "the first stage")
    worker = next(
        process
        for process in psutil.process_iter(["cmdline"])
        if "tools.compute.scoring.worker" in (line := process.info["cmdline"] or []) and started.evaluation in line
    )
    kill(worker)
    # A mark that only the kept stage bears.
    measured = json.loads(first.read_text("utf-8"))
    measured["unseen"]["documents"][0] = "marca"
    first.write_text(json.dumps(measured), encoding="utf-8")
    assert finished(whole, adapter="dois", dataset="livros", max_items=6).state == "succeeded"
    assert not kept.exists()
    told = json.loads((whole.evaluations / started.evaluation / "report.json").read_text("utf-8"))
    assert told["measured"]["unseen"] == measured["unseen"]
    assert told["measured"]["repeated"]
