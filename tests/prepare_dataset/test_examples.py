from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.prepare_dataset.support import source
from tools.prepare_dataset.examples import parse_examples
from tools.prepare_dataset.material import Exchange, Parsed, Passage

SAMPLE = Path(__file__).parents[2] / "clients" / "sample"
USER, ASSISTANT = {"role": "user", "content": "Olá?"}, {"role": "assistant", "content": "Olá."}


def parse(*lines: object) -> Parsed:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
    return parse_examples(source("ex.jsonl", text, "examples"))


def test_every_shape_is_understood() -> None:
    parsed = parse(
        {"text": "Era uma vez."},
        {"prompt": "Quem?", "completion": "Eu."},
        {"instruction": "Resume:", "input": "Texto.", "output": "Resumo."},
        {"messages": [{"role": "system", "content": "Sê breve."}, USER, ASSISTANT]},
        {"question": "Quem?", "answer": "Eu", "aliases": ["eu mesmo"], "kind": "book", "source": "a.md"},
    )
    assert not parsed.errors
    assert [type(unit) for unit in parsed.units] == [Passage, Exchange, Exchange, Exchange]
    assert parsed.questions[0].aliases == ("eu mesmo",)


def test_the_guides_instruction_form_is_taken_apart() -> None:
    unit = parse({"text": "### Instrução:\nResume.\n\n### Contexto:\nTexto.\n\n### Resposta:\nResumo."}).units[0]
    assert isinstance(unit, Exchange)
    assert [message["content"] for message in unit.messages] == ["Resume.", "Resumo."]
    assert unit.context == "Texto."


def test_conversations_may_call_tools() -> None:
    call = {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f"}}]}
    turns = [USER, call, {"role": "tool", "tool_call_id": "1", "content": "3"}, ASSISTANT]
    unit = parse({"messages": turns, "tools": [{"type": "function", "function": {"name": "f"}}]}).units[0]
    assert isinstance(unit, Exchange)
    assert unit.tools is not None


def test_a_file_of_questions_is_called_so() -> None:
    found = source("q.jsonl", (SAMPLE / "perguntas.jsonl").read_text(encoding="utf-8"), "examples")
    parsed = parse_examples(found)
    assert (found.kind, len(parsed.questions), parsed.units, parsed.errors) == ("questions", 86, [], [])


def test_a_span_is_the_line() -> None:
    text = (SAMPLE / "conversas.jsonl").read_text(encoding="utf-8")
    for unit in parse_examples(source("c.jsonl", text, "examples")).units:
        assert isinstance(unit, Exchange)
        assert json.loads(text[unit.span.start : unit.span.end])["messages"] == list(unit.messages)


@pytest.mark.parametrize(
    ("line", "column", "message"),
    [
        ('{"text": "a" "b"}', 14, "JSON is wrong"),
        ('{"text": "a', 10, "JSON is wrong"),
        ('["a"]', 1, "no object"),
        ('{"text": "a", "text": "b"}', None, "`text` stands twice"),
        ('{"text": NaN}', None, "no number"),
        ("[" * 100_000, None, "too large or deep"),
        ({"txt": "a"}, None, "`txt` is not known"),
        ({"prompt": "a"}, None, "lacks a key"),
        ({"text": "a", "prompt": "b"}, None, "does not go with"),
        ({"text": 3}, None, "`text` is a number"),
        ({"text": "  "}, None, "`text` is empty"),
        ({"prompt": "a", "completion": None}, None, "`completion` is null"),
        ({"question": "a", "answer": "b", "aliases": "c"}, None, "`aliases` is not a list"),
        ({"messages": []}, None, "not a list of turns"),
        ({"messages": [USER]}, None, "last turn is not the assistant's"),
        ({"messages": [ASSISTANT]}, None, "turn 1 comes first"),
        ({"messages": [USER, USER, ASSISTANT]}, None, "turn 2 follows the user's"),
        ({"messages": [USER, ASSISTANT, {"role": "system", "content": "x"}]}, None, "system turn stands after"),
        ({"messages": [{"role": "bot", "content": "x"}, ASSISTANT]}, None, "Turn 1 has no known role"),
        ({"messages": [{"role": "user", "content": ""}, ASSISTANT]}, None, "Turn 1 is empty"),
        ({"messages": [{"role": "user", "content": ["x"]}, ASSISTANT]}, None, "turn 1 is a list"),
        ({"messages": [USER, {**ASSISTANT, "texto": "x"}]}, None, "unknown key `texto`"),
        ({"messages": [USER, ASSISTANT], "tools": "f"}, None, "`tools` is not a list"),
        ('{"text": "a\\ud800"}', None, "characters that are no text"),
    ],
)
def test_every_fault_is_told_by_its_line(line: object, column: int | None, message: str) -> None:
    parsed = parse({"text": "Linha boa."}, line, {"text": "Outra boa."})
    problem = parsed.errors[0]
    assert (problem.path, problem.line, problem.column) == ("ex.jsonl", 2, column)
    assert message in problem.message
    assert problem.fix
    assert len(parsed.units) == 2


def test_a_slip_in_a_key_gets_the_key_that_was_meant() -> None:
    assert parse({"mesages": [USER, ASSISTANT]}).errors[0].fix == "Did you mean `messages`?"


def test_all_faults_are_told_at_once() -> None:
    parsed = parse({"text": ""}, "{", {"prompt": 1, "completion": 2})
    assert [problem.line for problem in parsed.errors] == [1, 2, 3, 3]


def test_a_file_of_blank_lines_is_told() -> None:
    assert "no examples" in parse("", "  ").errors[0].message
