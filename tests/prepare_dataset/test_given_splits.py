"""Splits that came with the material are kept; names count only where they come together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.prepare_dataset.support import source
from tools.prepare_dataset.contract import SPLITS, PrepareArgs
from tools.prepare_dataset.examples import parse_examples
from tools.prepare_dataset.given_splits import keep_given_splits
from tools.prepare_dataset.material import Parsed, Source
from tools.prepare_dataset.reading_back import open_dataset
from tools.prepare_dataset.tool import prepare_dataset
from tools.workspace.layout import Workspace


def given(**files: object) -> tuple[dict[str, set[str | None]], list[str]]:
    """The splits of each file's examples, and the notes."""
    sources: list[Source] = []
    parsed: list[Parsed] = []
    for number, (name, content) in enumerate(files.items()):
        text = json.dumps(content or {"text": f"A frase número {number} fala do farol."}, ensure_ascii=False)
        found = source(name, text, "examples")
        sources.append(found)
        parsed.append(parse_examples(found))
        assert not parsed[-1].errors
    notes = keep_given_splits(sources, parsed)
    told = zip(sources, parsed, strict=True)
    return {file.name: {unit.span.fixed for unit in one.units} for file, one in told}, notes


@pytest.mark.parametrize(
    "names",
    [
        {"train.jsonl": "train", "valid.jsonl": "valid", "test.jsonl": "test"},
        {"dados/train.json": "train", "dados/validation.json": "valid"},
        {"train.jsonl": "train", "dev.jsonl": "valid"},
        {"a_train.jsonl": "train", "a_val.jsonl": "valid", "outro.jsonl": None},
        {"train-00000-of-00002.jsonl": "train", "train-00001-of-00002.jsonl": "train", "test-00000.jsonl": "test"},
        {"train/a.jsonl": "train", "train/b.jsonl": "train", "test/a.jsonl": "test"},
    ],
)
def test_files_named_as_splits_keep_their_rows(names: dict[str, str | None]) -> None:
    found, notes = given(**dict.fromkeys(names))
    assert found == {name: {split} for name, split in names.items()}
    assert notes[0].startswith("The splits that the examples came in were kept: ")


@pytest.mark.parametrize(
    "names", [["test.jsonl"], ["train.jsonl"], ["valid.jsonl", "test.jsonl"], ["a_train.jsonl", "b_test.jsonl"]]
)
def test_a_name_alone_says_nothing(names: list[str]) -> None:
    found, notes = given(**dict.fromkeys(names))
    assert found == {name: {None} for name in names}
    assert notes == []


def test_lists_named_as_splits_in_one_file_keep_theirs() -> None:
    lists = {"train": [{"text": "Um farol."}], "test": [{"text": "Outro farol."}]}
    found, notes = given(**{"dados.json": lists})
    assert found == {"dados.json": {"train", "test"}}
    assert notes == ["The splits that the examples came in were kept: 1 train, 1 test."]
    assert given(**{"dados.json": {"test": lists["test"]}})[0] == {"dados.json": {None}}


def test_a_missing_test_split_is_said() -> None:
    assert "No test split" in given(**dict.fromkeys(["train.jsonl", "valid.jsonl"]))[1][1]


def examples(path: Path, numbers: range) -> set[str]:
    """Write as many examples; returns their prompts."""
    prompts = [f"Que viu o faroleiro na noite {number}?" for number in numbers]
    lines = [{"prompt": prompt, "completion": f"{prompt} Nada que não soubesse."} for prompt in prompts]
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    return set(prompts)


def test_a_folder_of_splits_keeps_them_whatever_the_fractions(tiny_ws: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "feito"
    folder.mkdir()
    train = examples(folder / "train.jsonl", range(12))
    valid = examples(folder / "valid.jsonl", range(12, 15))
    test = examples(folder / "test.jsonl", range(10, 12))
    args = PrepareArgs(sources=[str(folder)], name="feito", format="completions", test_fraction=0.4)
    result = prepare_dataset(tiny_ws, args, default_model="tiny")
    assert result.path is not None
    dataset = open_dataset(Path(result.path))
    found = {split: {row.prompt for row in dataset.rows(split)} for split in SPLITS}
    # What stands in two splits is held out.
    assert found == {"train": train - test, "valid": valid, "test": test}
    assert any("were kept: 12 train, 3 valid, 2 test" in note for note in result.notes)
    assert sum(dropped.count for dropped in result.dropped) == 2
