"""Examples that were damaged anywhere are read to their end, and every finding lies in the text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.prepare_dataset.support import source
from tools.prepare_dataset.examples import parse_examples
from tools.prepare_dataset.material import Exchange, Parsed

EXAMPLES: list[dict[str, Any]] = [
    {"prompt": "Quem acende o «farol»?", "completion": 'O avô, disse "ele".\n\tTodas as noites.'},
    {"conversations": [{"from": "human", "value": "Olá?"}, {"from": "gpt", "value": "Olá, {menina} [do mar]."}]},
    {"messages": [{"role": "user", "content": "E depois?"}, {"role": "assistant", "content": "C:\\fim"}], "id": 7},
    {"text": "Era uma vez, em 1950: um farol…"},
]
LAYOUTS = {
    "a.jsonl": "\n".join(json.dumps(example, ensure_ascii=False) for example in EXAMPLES),
    "a.json": json.dumps(EXAMPLES, ensure_ascii=False, indent=2),
    "b.json": json.dumps({"version": 1, "train": EXAMPLES[:2], "test": EXAMPLES[2:]}),
    "c.json": "\n".join(json.dumps(example, indent=1) for example in EXAMPLES),
}


def read(name: str, text: str) -> Parsed:
    return parse_examples(source(name, text, "examples"))


def check_places(parsed: Parsed, text: str) -> None:
    lines = text.split("\n")
    for problem in parsed.errors:
        if problem.line is not None and problem.column is not None:
            assert 1 <= problem.line <= len(lines)
            assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
        assert problem.message
        assert problem.fix
    for unit in parsed.units:
        assert isinstance(json.loads(text[unit.span.start : unit.span.end]), dict)


@pytest.mark.parametrize("name", LAYOUTS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_read_to_its_end(name: str, data: st.DataObject) -> None:
    text = LAYOUTS[name]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        text = text[:start] + data.draw(st.text("{}[]\",:\\'\n aN1“\ufeff/", max_size=4)) + text[end:]
    check_places(read(name, text), text)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_file_cut_off_anywhere_is_told(name: str) -> None:
    text = LAYOUTS[name]
    for end in range(1, len(text) - 1, 7):
        parsed = read(name, text[:end])
        check_places(parsed, text[:end])
        whole_lines = name in ("a.jsonl", "c.json") and text[:end].rstrip().endswith("}")
        assert parsed.errors or whole_lines


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=4),
    indent=st.one_of(st.none(), st.integers(0, 3)),
    ascii_only=st.booleans(),
)
def test_any_text_comes_through_with_its_place(texts: list[str], indent: int | None, ascii_only: bool) -> None:
    examples = [{"prompt": f"{number}{text}", "completion": "sim"} for number, text in enumerate(texts)]
    text = json.dumps(examples, indent=indent, ensure_ascii=ascii_only)
    parsed = read("a.json", text)
    told = [unit.messages[0]["content"] for unit in parsed.units if isinstance(unit, Exchange)]
    nulls = sum("\0" in example["prompt"] for example in examples)
    assert (len(told), len(parsed.errors)) == (len(examples) - nulls, nulls)
    assert told == [example["prompt"] for example in examples if "\0" not in example["prompt"]]
    check_places(parsed, text)
