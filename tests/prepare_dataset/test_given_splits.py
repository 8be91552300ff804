"""Splits that came with the material are kept; names count only where they come together."""

from __future__ import annotations

import json

import pytest

from tests.prepare_dataset.support import source
from tools.prepare_dataset.examples import parse_examples
from tools.prepare_dataset.given_splits import keep_given_splits
from tools.prepare_dataset.material import Parsed, Source


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
