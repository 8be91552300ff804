"""Adapters of several bases, bases and a run's checkpoints, compared over the real worker."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.evaluate.waiting import finished
from tests.support.run_rows import add_run
from tests.support.tiny_adapter import make_tiny_adapter
from tests.support.tiny_model import make_tiny_model
from tests.support.training import stop_all
from tools.errors import Conflict, InvalidArgument, NotFound
from tools.evaluate.contract import EvaluateArgs, EvaluateResult
from tools.evaluate.request import build_request, call_of, groups_of, still_kept
from tools.workspace import runs
from tools.workspace.layout import Workspace

RUN = "um-20261124-1"
# More than stand beside a base at once.
STEPS = range(2, 22, 2)
METRICS = ["likelihood", "questions", "repetition", "consistency"]


@pytest.fixture(scope="module")
def whole(new_workspace: Callable[[], Workspace]) -> Iterator[Workspace]:
    """Two bases whose tokenizers differ, an adapter on each, and a run whose checkpoints go further and further."""
    ws = new_workspace()
    make_tiny_model(ws, "outra", seed=5, vocab_size=330)
    adapter = make_tiny_adapter(ws, "um")
    make_tiny_adapter(ws, "dois", base="outra", seed=2)
    add_run(ws, RUN, "um")
    for step in STEPS:
        scaled_checkpoint(ws, adapter, step)
    yield ws
    stop_all(ws)


def scaled_checkpoint(ws: Workspace, adapter: Path, step: int) -> None:
    folder = runs.folder(ws, RUN) / "checkpoints" / f"step-{step}"
    shutil.copytree(adapter, folder)
    arrays = load_file(folder / "adapters.safetensors")
    save_file({name: array * np.float32(step / 20) for name, array in arrays.items()}, folder / "adapters.safetensors")


@pytest.fixture(scope="module")
def mixed(whole: Workspace) -> EvaluateResult:
    return finished(whole, adapters=["um", "dois", "outra"], dataset="livros", max_items=8, metrics=METRICS)


def test_adapters_of_two_bases_are_measured_on_the_same_texts(whole: Workspace, mixed: EvaluateResult) -> None:
    one, two = (
        build_request(whole, EvaluateArgs(adapter=name, dataset="livros"))["adapters"][0] for name in ("um", "dois")
    )
    assert (mixed.base, list(mixed.bits_per_byte.tuned)) == ("tiny", [one, "outra", two])
    alone = finished(whole, adapter="dois", dataset="livros", max_items=8, metrics=["likelihood"])
    assert alone.rows == mixed.rows > 0
    # Another tokenizer: as many bits, whichever base's bytes they are counted in.
    assert alone.bits_per_byte.base == pytest.approx(mixed.bits_per_byte.tuned["outra"], rel=1e-3)
    assert alone.bits_per_byte.tuned[two] == pytest.approx(mixed.bits_per_byte.tuned[two], rel=1e-3)
    assert alone.perplexity.tuned[two] == pytest.approx(mixed.perplexity.tuned[two], rel=1e-3)


def test_each_adapter_is_judged_beside_its_own_base(mixed: EvaluateResult) -> None:
    told = json.loads(Path(mixed.report_path).with_suffix(".json").read_text("utf-8"))["measured"]
    assert [one.model.partition("@")[0] for one in mixed.verdict] == ["um", "dois"]
    change = next(
        one for one in mixed.intervals if one.model.startswith("dois@") and one.metric == "trained_bits_per_byte"
    )
    nats = {model: sum(found) for model, found in told["trained"]["nats"].items()}
    two = change.model
    bits = (nats[two] - nats["outra"]) / np.log(2) / sum(told["trained"]["sizes"])
    assert change.change == pytest.approx(bits, abs=1e-3)
    assert set(mixed.questions.mcnemar) == {one.model for one in mixed.verdict}
    for one in told["asked"] + told["repeated"]:
        assert set(one["answers"]) == {"tiny", "outra", *mixed.questions.mcnemar}


def test_three_models_stand_in_a_table_with_the_best_first_named(mixed: EvaluateResult) -> None:
    bits = {"tiny": mixed.bits_per_byte.base, **mixed.bits_per_byte.tuned}
    assert [one.model for one in mixed.standings.table] == list(bits)
    assert bits[mixed.standings.best] == min(bits.values())
    assert mixed.standings.memorizes_from is None


def test_a_runs_checkpoints_stand_in_a_table_by_step(whole: Workspace) -> None:
    result = finished(whole, run=RUN, dataset="livros", max_items=3)
    assert [one.step for one in result.standings.table] == [None, *STEPS]
    assert [one.model for one in result.standings.table] == ["tiny", *(f"{RUN}@step-{step}" for step in STEPS)]
    bits = [one.bits_per_byte for one in result.standings.table]
    assert result.standings.best == result.standings.table[bits.index(min(bits))].model
    assert len(set(bits)) == len(bits)
    assert result.questions is None
    # One verdict, on the best.
    assert [one.model for one in result.verdict] == [result.standings.best]
    assert result.standings.table[-1].trained_bits_per_byte == result.trained_bits_per_byte.tuned[f"{RUN}@step-20"]
    page = Path(result.report_path).read_text("utf-8")
    assert RUN in page


def test_a_checkpoint_is_compared_by_its_name(whole: Workspace) -> None:
    request = build_request(whole, EvaluateArgs(adapter="um@step-4", dataset="livros"))
    assert request["adapters"] == [f"{RUN}@step-4"]
    assert request["bases"][0]["name"] == "tiny"


def test_a_base_alone_is_measured_before_any_training(whole: Workspace) -> None:
    result = finished(whole, adapter="outra", dataset="livros", max_items=3, metrics=["likelihood"])
    assert result.verdict == []
    assert result.next.startswith('start_finetune {"dataset": "livros@')
    assert '"model": "outra"' in result.next


def test_an_evaluation_is_named_by_what_it_compares(whole: Workspace) -> None:
    def named(**arguments: object) -> str:
        return build_request(whole, EvaluateArgs(dataset="livros", **arguments))["evaluation"]  # type: ignore[arg-type]

    assert named(adapter="um") == named(adapters=["um"])
    assert named(adapter="um") != named(adapters=["um", "tiny", "outra"])
    assert named(adapter="um", metrics=["questions"]) != named(adapter="um")
    before = named(adapter="um@step-2")
    folder = runs.folder(whole, RUN) / "checkpoints" / "step-2" / "adapters.safetensors"
    content = folder.read_bytes()
    folder.write_bytes(content[:-4] + b"\0\0\0\1")
    assert named(adapter="um@step-2") != before
    folder.write_bytes(content)
    assert named(adapter="um@step-2") == before


def test_the_call_that_asked_is_told_again(whole: Workspace) -> None:
    for asked in (
        {"run": RUN, "metrics": ["likelihood", "questions"]},
        {"adapter": "um@step-4", "max_items": 7},
        {"adapters": ["um", "dois", "outra"]},
    ):
        request = build_request(whole, EvaluateArgs(dataset="livros", **asked))
        tool, _, arguments = call_of(request).partition(" ")
        assert tool == "evaluate"
        assert build_request(whole, EvaluateArgs(**json.loads(arguments)))["evaluation"] == request["evaluation"]


def test_a_base_is_loaded_once_for_eight_adapters(whole: Workspace) -> None:
    groups = groups_of(build_request(whole, EvaluateArgs(run=RUN, dataset="livros")))
    assert [(group.base, group.with_base, len(group.adapters)) for group in groups] == [
        ("tiny", True, 8),
        ("tiny", False, 2),
    ]


def test_checkpoints_that_a_run_removed_meanwhile_are_left_out(whole: Workspace) -> None:
    request = build_request(whole, EvaluateArgs(run=RUN, dataset="livros"))
    assert still_kept(whole, request) == request
    kept = runs.folder(whole, RUN) / "checkpoints"
    kept.rename(kept.with_name("aside"))
    (kept / "step-2").mkdir(parents=True)
    shutil.copy(kept.with_name("aside") / "step-2" / "afina.json", kept / "step-2")
    assert still_kept(whole, request)["adapters"] == [f"{RUN}@step-2"]
    assert [group.adapters for group in groups_of(still_kept(whole, request))] == [(f"{RUN}@step-2",)]
    (kept / "step-2").rename(kept / "step-99")
    with pytest.raises(Conflict, match="none of the checkpoints"):
        still_kept(whole, request)
    shutil.rmtree(kept)
    kept.with_name("aside").rename(kept)


def test_what_cannot_be_compared_is_refused_by_name(whole: Workspace) -> None:
    with pytest.raises(NotFound, match="no model named `um@step-3`"):
        build_request(whole, EvaluateArgs(adapter="um@step-3"))
    with pytest.raises(InvalidArgument, match="has no dataset of its own"):
        build_request(whole, EvaluateArgs(adapters=["tiny", "outra"]))
    with pytest.raises(InvalidArgument, match="Give one of"):
        build_request(whole, EvaluateArgs(adapter="um", run=RUN))
    add_run(whole, "vazio-20261124-1", "vazio")
    with pytest.raises(Conflict, match="keeps no checkpoint"):
        build_request(whole, EvaluateArgs(run="vazio-20261124-1"))
