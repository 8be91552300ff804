"""Adapters of which it is known what they learned get the verdict that they deserve, over the real tools."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.prose import paragraph
from tests.support.schooled_model import NAME, Person, make_schooled_model, strangers
from tests.support.tiny_adapter import make_tiny_adapter
from tests.support.training import stop_all
from tools.evaluate.contract import EvaluateArgs, EvaluationVerdict
from tools.evaluate.tool import evaluate
from tools.prepare_dataset.contract import PrepareArgs
from tools.prepare_dataset.tool import prepare_dataset
from tools.start_finetune.contract import StartArgs, TrainSettings
from tools.start_finetune.tool import start_finetune
from tools.training_status.contract import StatusArgs
from tools.training_status.tool import training_status
from tools.workspace import runs
from tools.workspace.layout import Workspace, open_workspace

SETTINGS: dict[str, Any] = {
    "gradient_accumulation_steps": 1,
    "learning_rate": 1.5e-2,
    "lora_layers": -1,
    "lora_rank": 16,
    "lora_alpha": 32,
    "lora_dropout": 0,
    "steps_per_eval": 1000,
    "save_every": 1000,
    "val_batches": 1,
    "publish": "last",
    "sample_prompts": [],
}
# People whose facts are taught, and some of whom nothing is told.
TAUGHT, WATCHED, UNSEEN = 20, 2, 6
ROWS_EACH = 4
FEW_ROWS, UNSEEN_ROWS = 8, 8

NAMES = ("facts", "shuffled", "overtrained", "zeros")
Pair = tuple[str, str]


@pytest.fixture(scope="module")
def schooled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace with a base that has learned a little language."""
    ws = open_workspace(tmp_path_factory.mktemp("schooled") / "afina")
    make_schooled_model(ws)
    yield ws
    stop_all(ws)


def test_each_planted_adapter_gets_its_verdict(schooled: Workspace, tmp_path: Path) -> None:
    check(planted(schooled, tmp_path, 1, ["likelihood", "questions"]))


@pytest.mark.verify
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_planted_adapter_gets_its_verdict_whatever_the_seed(
    schooled: Workspace, tmp_path: Path, seed: int
) -> None:
    check(planted(schooled, tmp_path, seed, None))


def check(verdicts: dict[str, EvaluationVerdict]) -> None:
    told = {name: f"{verdict.kind}: {verdict.text}" for name, verdict in verdicts.items()}
    assert verdicts["facts"].kind == "learned", told
    assert verdicts["shuffled"].kind in ("worse", "not_proven"), told
    assert verdicts["overtrained"].kind == "memorized", told
    assert verdicts["zeros"].kind == "not_proven", told


def planted(ws: Workspace, folder: Path, seed: int, metrics: list[Any] | None) -> dict[str, EvaluationVerdict]:
    """The verdicts on adapters that were trained on facts, on the same with their answers shuffled, on few rows for
    long, and not at all."""
    people = strangers(seed, TAUGHT + WATCHED + UNSEEN)
    asked = [fact for person in people[:TAUGHT] for fact in person.facts(2)]
    tag = f"{seed}" if metrics else f"{seed}-whole"
    right, wrong, few, none = (f"{name}-{tag}" for name in NAMES)
    parts = [ROWS_EACH * count for count in (TAUGHT, TAUGHT + WATCHED)]
    prepare(ws, folder / right, rows(people), parts, asked)
    prepare(ws, folder / wrong, rows(shuffled(people, seed)), parts, asked)
    texts = [{"text": paragraph(100 * seed + number, 2)} for number in range(FEW_ROWS + 1 + UNSEEN_ROWS)]
    prepare(ws, folder / few, texts, [FEW_ROWS, FEW_ROWS + 1], [])
    for name in (right, wrong):
        # The wrong answers are learned as well as the right ones.
        assert trained(ws, name, seed, iters=120, batch_size=8) < 0.6
    assert trained(ws, few, seed, iters=40, batch_size=4) < 0.6
    make_tiny_adapter(ws, none, base=NAME, layers=(0, 1), zero=True)
    return {**judged(ws, [right, wrong, none], right, metrics), **judged(ws, [few], few, metrics)}


def rows(people: Sequence[Person]) -> list[dict[str, str]]:
    """Both facts of each person in the first two wordings; the third is kept for the questions."""
    facts = [fact for person in people for wording in (0, 1) for fact in person.facts(wording)]
    return [{"prompt": question, "completion": answer} for question, answer in facts]


def shuffled(people: Sequence[Person], seed: int) -> list[Person]:
    """The same people, of each of whom what is told is true of another, and not of them."""
    others = list(people)
    chance = random.Random(seed)
    while any(one.town == other.town or one.trade == other.trade for one, other in zip(people, others, strict=True)):
        chance.shuffle(others)
    return [replace(other, who=one.who) for one, other in zip(people, others, strict=True)]


def prepare(
    ws: Workspace, folder: Path, lines: Sequence[dict[str, str]], parts: Sequence[int], asked: Sequence[Pair]
) -> None:
    """A dataset with the name of its folder; its lines are parted into train, valid and test at `parts`."""
    folder.mkdir()
    splits = {"train": lines[: parts[0]], "valid": lines[parts[0] : parts[1]], "test": lines[parts[1] :]}
    questions = [{"question": question, "answer": answer} for question, answer in asked]
    for name, written in (*splits.items(), *([("perguntas", questions)] if questions else [])):
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in written)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    args = PrepareArgs(sources=[str(folder)], name=folder.name, model=NAME, max_tokens=128)
    result = prepare_dataset(ws, args, default_model=NAME)
    assert {split: size.rows for split, size in result.splits.items()} == {
        split: len(written) for split, written in splits.items()
    }


def trained(ws: Workspace, name: str, seed: int, **settings: Any) -> float:
    """Train the adapter `name` on the dataset `name`; returns the last training loss."""
    args = StartArgs(dataset=name, settings=TrainSettings(**{**SETTINGS, **settings}, seed=seed))
    run = start_finetune(ws, args, default_model=NAME).run
    status = training_status(ws, StatusArgs(run=run, wait_s=45))
    while status.state in runs.ACTIVE:
        status = training_status(ws, StatusArgs(run=run, wait_s=45))
    assert status.state == "succeeded", status.error
    assert status.train_loss is not None
    return status.train_loss


def judged(ws: Workspace, adapters: list[str], dataset: str, metrics: list[Any] | None) -> dict[str, EvaluationVerdict]:
    result = evaluate(ws, EvaluateArgs(adapters=adapters, dataset=dataset, metrics=metrics))
    while result.state in ("queued", "running"):
        result = evaluate(ws, EvaluateArgs(evaluation=result.evaluation, wait_s=45))
    return {verdict.model.partition("-")[0]: verdict for verdict in result.verdict}
