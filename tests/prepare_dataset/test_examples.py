from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.prepare_dataset.support import source
from tools.prepare_dataset.examples import parse_examples
from tools.prepare_dataset.material import Exchange, Parsed, Passage

SAMPLE = Path(__file__).parents[2] / "clients" / "sample"
USER, ASSISTANT = {"role": "user", "content": "Olá?"}, {"role": "assistant", "content": "Olá."}
SYSTEM = {"role": "system", "content": "Sê breve."}
HUMAN, GPT = {"from": "human", "value": "Quem acende o farol?"}, {"from": "gpt", "value": "O avô."}


def read(name: str, text: str) -> Parsed:
    return parse_examples(source(name, text, "examples"))


def parse(*lines: object) -> Parsed:
    return read("ex.jsonl", "\n".join(line if isinstance(line, str) else dumped(line) for line in lines))


def dumped(value: object, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def exchange(example: object) -> Exchange:
    parsed = parse(example)
    assert not parsed.errors
    unit = parsed.units[0]
    assert isinstance(unit, Exchange)
    return unit


def told(unit: Exchange) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in unit.messages]


def faults(parsed: Parsed) -> list[tuple[int | None, int | None, str]]:
    return [(problem.line, problem.column, problem.message) for problem in parsed.errors]


# Shapes -----------------------------------------------------------------------------------------


def test_every_shape_is_understood() -> None:
    parsed = parse(
        {"text": "Era uma vez."},
        {"prompt": "Quem?", "completion": "Eu."},
        {"instruction": "Resume:", "input": "Texto.", "output": "Resumo."},
        {"instruction": "Quando?", "context": "Em maio.", "response": "Em maio.", "category": "qa"},
        {"messages": [SYSTEM, USER, ASSISTANT]},
        {"id": "7", "conversations": [HUMAN, GPT]},
        {"question": "Quem?", "answer": "Eu", "aliases": ["eu mesmo"], "kind": "book", "source": "a.md"},
    )
    assert not parsed.errors
    assert [type(unit) for unit in parsed.units] == [Passage, *[Exchange] * 5]
    assert parsed.questions[0].aliases == ("eu mesmo",)
    assert parsed.notes == ["ex.jsonl: left out, as nothing to learn: `category` (1), `id` (1)."]


def test_alpacas_system_and_history_come_before_the_request() -> None:
    unit = exchange(
        {
            "instruction": "E depois?",
            "input": "Com pormenor.",
            "output": "Apagou-se.",
            "system": "Sê breve.",
            "history": [["O que fez o farol?", "Acendeu-se."]],
        }
    )
    assert told(unit) == [
        ("system", "Sê breve."),
        ("user", "O que fez o farol?"),
        ("assistant", "Acendeu-se."),
        ("user", "E depois?\n\nCom pormenor."),
        ("assistant", "Apagou-se."),
    ]
    assert unit.context == ""


def test_alpacas_own_file_with_its_repeated_text_is_taken() -> None:
    unit = exchange({"instruction": "Resume:", "input": "", "output": "Resumo.", "text": "Below is an instruction"})
    assert told(unit) == [("user", "Resume:"), ("assistant", "Resumo.")]


def test_sharegpt_becomes_turns() -> None:
    unit = exchange({"conversations": [{"from": "system", "value": "Sê breve."}, HUMAN, GPT]})
    assert told(unit) == [("system", "Sê breve."), ("user", "Quem acende o farol?"), ("assistant", "O avô.")]
    beside = exchange({"conversations": [HUMAN, GPT], "system": "Sê breve.", "tools": ""})
    assert told(beside) == told(unit)


def test_a_question_with_a_context_is_learned_and_one_without_is_kept() -> None:
    parsed = parse(
        {"question": "Quando?", "context": "Foi em maio.", "answer": "Em maio."},
        {"question": "Quem?", "answer": "O avô."},
    )
    assert isinstance(parsed.units[0], Exchange)
    assert parsed.units[0].context == "Foi em maio."
    assert [ask.question for ask in parsed.questions] == ["Quem?"]
    assert "are learned" in parsed.notes[0]


def test_nulls_of_other_shapes_are_as_if_not_there() -> None:
    parsed = parse(
        {"text": "Era uma vez.", "prompt": None, "completion": None},
        {"text": None, "prompt": "Quem?", "completion": "Eu."},
    )
    assert not parsed.errors
    assert [type(unit) for unit in parsed.units] == [Passage, Exchange]


def test_the_guides_instruction_form_is_taken_apart() -> None:
    unit = exchange({"text": "### Instrução:\nResume.\n\n### Contexto:\nTexto.\n\n### Resposta:\nResumo."})
    assert [message["content"] for message in unit.messages] == ["Resume.", "Resumo."]
    assert unit.context == "Texto."


def test_a_file_of_questions_is_called_so() -> None:
    found = source("q.jsonl", (SAMPLE / "perguntas.jsonl").read_text(encoding="utf-8"), "examples")
    parsed = parse_examples(found)
    assert (found.kind, len(parsed.questions), parsed.units, parsed.errors) == ("questions", 86, [], [])


# Places -----------------------------------------------------------------------------------------


def test_a_span_is_the_object() -> None:
    text = (SAMPLE / "conversas.jsonl").read_text(encoding="utf-8")
    for unit in read("c.jsonl", text).units:
        assert isinstance(unit, Exchange)
        assert json.loads(text[unit.span.start : unit.span.end])["messages"] == list(unit.messages)


EXAMPLES = [{"prompt": f"Que farol é o {n}?", "completion": f"O da ilha «{n}», {{fechado}}."} for n in range(4)]
LAYOUTS = {
    "lines.jsonl": "\n\n".join(dumped(example) for example in EXAMPLES),
    "lines.json": "\n".join(dumped(example) for example in EXAMPLES),
    "list.json": dumped(EXAMPLES),
    "pretty.json": "\n\n" + dumped(EXAMPLES, 2) + "\n",
    "named-wrong.jsonl": dumped(EXAMPLES, 4),
    "one-after-another.json": "\n".join(dumped(example, 2) for example in EXAMPLES),
    "one-after-another.jsonl": "\n".join(dumped(example, 2) for example in EXAMPLES),
    "glued.json": "".join(dumped(example) for example in EXAMPLES),
    "in-an-object.json": dumped({"version": "1.0", "data": EXAMPLES, "license": {"name": "CC0"}}, 2),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_gives_the_same_examples_in_their_places(name: str) -> None:
    text = LAYOUTS[name]
    parsed = read(name, text)
    assert not parsed.errors
    assert [told(unit)[0][1] for unit in parsed.units if isinstance(unit, Exchange)] == [e["prompt"] for e in EXAMPLES]
    for unit, example in zip(parsed.units, EXAMPLES, strict=True):
        assert json.loads(text[unit.span.start : unit.span.end]) == example
        assert unit.span.place == f"line {text.count(chr(10), 0, unit.span.start) + 1}"
    plain = read("lines.jsonl", LAYOUTS["lines.jsonl"])
    documents = [unit.span.document.partition("#")[2] for unit in parsed.units]
    assert documents == [unit.span.document.partition("#")[2] for unit in plain.units]


def test_what_stands_beside_the_list_of_an_object_is_told() -> None:
    assert read("d.json", LAYOUTS["in-an-object.json"]).notes == [
        "d.json: left out, as nothing to learn: `license` (1), `version` (1)."
    ]


def test_a_list_named_as_json_lines_is_read_and_told() -> None:
    assert "holds one list" in read("d.jsonl", LAYOUTS["named-wrong.jsonl"]).notes[0]


def test_lists_named_as_splits_are_told_on_the_spans() -> None:
    parsed = read("d.json", dumped({"train": EXAMPLES[:2], "validation": EXAMPLES[2:3], "test": EXAMPLES[3:]}, 1))
    assert [unit.span.fixed for unit in parsed.units] == ["train", "train", "valid", "test"]


def test_faults_in_a_pretty_list_have_their_line_and_column() -> None:
    wrong: list[Any] = [dict(example) for example in EXAMPLES]
    wrong[1]["completion"] = 5
    wrong[2]["promt"] = wrong[2].pop("prompt")
    text = dumped(wrong, 2)
    lines = text.split("\n")
    found = faults(read("d.json", text))
    assert [message for _, _, message in found] == ["`completion` is a number.", "The key `promt` is not known."]
    for (line, column, _), start in zip(found, ("5", '"promt"'), strict=True):
        assert line is not None
        assert column is not None
        assert lines[line - 1][column - 1 :].startswith(start)


def test_after_a_fault_the_reading_goes_on_with_the_next_example() -> None:
    text = dumped(EXAMPLES, 2).replace('"O da ilha «1»', "'O da ilha «1»")
    text = text.replace('"O da ilha «2», {fechado}."\n  },', '"O da ilha «2», {fechado}."\n  }')
    parsed = read("d.json", text)
    assert [(line, message) for line, _, message in faults(parsed)] == [
        (8, "Single quotes are no quotes of JSON."),
        (14, "A comma is missing before this example."),
    ]
    assert len(parsed.units) == 3


# Faults of the JSON -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "column", "message", "fix"),
    [
        ('{"text": "a",}', 13, "A comma stands before the closing bracket.", "Remove"),
        ('{"text": "a"},', 14, "A comma stands after the object.", "Remove"),
        ("{'text': 'a'}", 2, "Single quotes", "double quotes"),
        ('{"text": None}', 10, "`None` is no value", "Write null."),
        ('{"text": "a", "ok": True}', 21, "`True` is no value", "Write true."),
        ('{"text": NaN}', 10, "`NaN` is no number", "null"),
        ('{"text": "a"}{"text": "b"}', 14, "Another object begins on the same line.", "line of its own"),
        ('{"text": "a"} fim', 15, "More stands after the object.", "one whole JSON object a line"),
        ('\ufeff{"text": "a"}', 1, "A byte order mark", "Remove"),
        ("{“text”: “a”}", 2, "Curly quotation marks", "straight"),
        ('{"text": "ele disse "sim" e saiu"}', 21, "ends at this quotation mark", '`\\"`'),
        ('{"text": "C:\\docs"}', 13, "The backslash here", "`\\\\`"),
        ('{"text": "a\tb"}', 12, "A tab stands inside", "`\\t`"),
        ('{"text": "a" "b": 1}', 14, "A comma is missing", "between two values"),
        ('{"text" "a"}', 9, "A colon is missing", "key"),
        ("{text: 1}", 2, "A key in double quotes is missing", "key"),
        ('{"text": "a', 10, "is not closed", "quotation mark"),
        ('{"text": "a"', 13, "breaks off", "whole"),
        ('{"text": "a", "text": "b"}', 15, "`text` stands twice", "once"),
        ('["a"]', 1, "It is a list, no object.", "Write an object"),
        ('"a"', 1, "It is a text, no object.", "Write an object"),
        ('{"text": ' + "9" * 5000 + "}", 1, "a number that is too long", "as a text"),
        ("[" * 100_000, 1, "nested too deeply", "plain object"),
        ("// fim", 1, "A comment", "Remove"),
    ],
)
def test_every_fault_of_a_line_is_told_by_its_place_and_mend(line: str, column: int, message: str, fix: str) -> None:
    parsed = parse({"text": "Linha boa."}, line, {"text": "Outra boa."})
    problem = parsed.errors[0]
    assert (problem.path, problem.line, problem.column) == ("ex.jsonl", 2, column)
    assert message in problem.message
    assert fix in problem.fix
    assert len(parsed.errors) == 1
    assert len(parsed.units) == 2


def test_a_text_broken_over_lines_is_one_fault_at_its_first_break() -> None:
    parsed = parse({"text": "Boa."}, '{"text": "primeira\nsegunda\nterceira"}', {"text": "Outra boa."})
    assert faults(parsed) == [(2, 19, "A line break stands inside a text.")]
    assert len(parsed.units) == 2


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ('[{"text": "a"},\n]', (1, 15), "A comma stands before the closing bracket."),
        ('[{"text": "a"}\n{"text": "b"}]', (2, 1), "A comma is missing before this example."),
        ('[{"text": "a"},,\n{"text": "b"}]', (1, 16), "An example is missing before this comma."),
        ('[\n{"text": "a"}\n', (3, 1), "The list is not closed."),
        ('{"data": [{"text": "a"}]\n', (2, 1), "The object with the lists is not closed."),
        ('{"data": [{"text": "a"}],}', (1, 26), "A key in double quotes is missing here."),
        ('{"text":\n "a"},\n{"text": "b"}', (2, 6), "A comma stands between two objects."),
    ],
)
def test_faults_between_examples_are_told_by_their_place(text: str, place: tuple[int, int], message: str) -> None:
    assert faults(read("d.json", text)) == [(*place, message)]


@pytest.mark.parametrize(
    ("text", "message", "fix"),
    [
        ("prompt,completion\nQuem?,Eu.\nQuando?,Hoje.\n", "It is a table, not JSON.", "`.csv`"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "It is a pointer of Git LFS", "git lfs pull"),
        ("<!DOCTYPE html>\n<html></html>\n", "It is a web page", "Download the file"),
        ("Era uma vez um farol.\nFim.\n", "It holds no JSON object.", "`.txt`"),
        ("\n  \n", "The file has no examples.", "one JSON object a line"),
    ],
)
def test_what_is_no_json_at_all_is_one_finding(text: str, message: str, fix: str) -> None:
    parsed = read("ex.jsonl", text)
    assert len(parsed.errors) == 1
    assert message in parsed.errors[0].message
    assert fix in parsed.errors[0].fix


def test_two_hundred_faults_are_spelled_out_and_all_are_counted() -> None:
    parsed = parse(*[{"text": ""}] * 450)
    assert (len(parsed.errors), parsed.untold) == (200, 250)


def test_a_file_with_a_fault_in_every_example_is_soon_read() -> None:
    text = "[" + ",\n".join('{"text": nada}' for _ in range(3000)) + "]"
    parsed = read("d.json", text)
    assert len(parsed.errors) + parsed.untold == 1001


# Faults of an example ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("example", "at", "message"),
    [
        ({"txt": "a"}, '"txt"', "The key `txt` is not known."),
        ({"prompt": "a"}, "{", "It has `prompt` but no `completion`."),
        ({"titulo": "a"}, "{", "It has none of the keys of an example."),
        ({"text": "a", "prompt": "b"}, '"prompt"', "`prompt` does not go with `text`."),
        ({"prompt": "a", "completion": "b", "chosen": "c"}, '"chosen"', "preferred and a rejected"),
        ({"messages": [USER, ASSISTANT], "images": ["a.png"]}, '"images"', "Only text is learned."),
        ({"messages": [USER, ASSISTANT], "functions": [{}]}, '"functions"', "old form of tools"),
        ({"messages": [USER, ASSISTANT], "tool": []}, '"tool"', "The key `tool` is not known."),
        ({"text": 3}, "3", "`text` is a number."),
        ({"text": "  "}, '"  "', "`text` is empty."),
        ({"text": "a\ud800"}, '"a', "characters that are no text"),
        ({"text": "a\0"}, '"a', "characters that are no text"),
        ({"prompt": "a", "completion": None}, "null", "`completion` is null."),
        ({"question": "a", "answer": "b", "aliases": "c"}, '"c"', "`aliases` is not a list"),
        ({"prompt": "a", "completion": "b", "history": [["c"]]}, '["c"]', "is no pair of texts"),
        ({"conversations": [{"from": "bing", "value": "a"}, GPT]}, '"bing"', "Turn 1 has no known `from`."),
        ({"conversations": [HUMAN, {"from": "gpt", "value": ""}]}, '""', "`value` of turn 2 is empty."),
        ({"conversations": [GPT]}, "{", "The assistant's turn 1 comes first."),
    ],
)
def test_a_fault_of_an_example_is_told_where_it_stands(example: Any, at: str, message: str) -> None:
    line = json.dumps(example)
    parsed = parse({"text": "Linha boa."}, line, {"text": "Outra boa."})
    problem = parsed.errors[0]
    assert message in problem.message
    assert problem.fix
    assert problem.line == 2
    assert problem.column is not None
    assert line[problem.column - 1 :].startswith(at)
    assert len(parsed.units) == 2


def test_a_slip_in_a_key_gets_the_key_that_was_meant() -> None:
    assert parse({"mesages": [USER, ASSISTANT]}).errors[0].fix == "Did you mean `messages`?"


def test_all_faults_are_told_at_once() -> None:
    parsed = parse({"text": ""}, "{", {"prompt": 1, "completion": 2})
    assert [problem.line for problem in parsed.errors] == [1, 2, 3, 3]
