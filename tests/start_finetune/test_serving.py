"""What an adapter is asked with is what the rows of its dataset were made with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.prepare_dataset.prepared import dataset, write_book
from tools.models.serving import Serving
from tools.start_finetune.serving import serving_of
from tools.workspace.layout import Workspace


def examples(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def chats(system: str | None, first: int, count: int) -> list[dict[str, Any]]:
    lead = [{"role": "system", "content": system}] if system else []
    return [
        {
            "messages": [
                *lead,
                {"role": "user", "content": f"Quantos barcos viu o farol número {n}?"},
                {"role": "assistant", "content": f"O faroleiro contou {n} barcos naquela noite."},
            ]
        }
        for n in range(first, first + count)
    ]


def test_running_text_is_asked_through_the_bases_template_and_says_so(tiny_ws: Workspace, tmp_path: Path) -> None:
    serving = serving_of(dataset(tiny_ws, write_book(tmp_path / "livro.md")))
    assert serving == Serving(form="text")
    assert "base's chat template" in serving.told()["chat"]


def test_rows_in_instruction_form_are_asked_in_the_words_that_they_have(tiny_ws: Workspace, tmp_path: Path) -> None:
    rows = [{"instruction": f"Quantos barcos viu o farol {n}?", "output": f"Viu {n} barcos."} for n in range(40, 80)]
    made = dataset(tiny_ws, examples(tmp_path / "exemplos.jsonl", rows), language="pt")
    serving = serving_of(made)
    assert serving.form == "instruction"
    assert serving.instruction is not None
    row = made.rows("train")[0]
    question = rows[next(i for i, one in enumerate(rows) if one["output"] in str(row.text))]["instruction"]
    lead = serving.instruction.conversation([{"role": "user", "content": question}])
    assert str(row.text)[: row.response_start] == lead
    assert serving.stop == ("\n### Instrução:", "\n### Contexto:", "\n### Resposta:")


def test_earlier_turns_are_told_as_the_rows_tell_them(tiny_ws: Workspace, tmp_path: Path) -> None:
    turns = [
        [
            {"role": "user", "content": f"Onde fica o farol {n}?"},
            {"role": "assistant", "content": f"Na ilha {n}."},
            {"role": "user", "content": "E quem o guarda?"},
            {"role": "assistant", "content": f"O avô {n}."},
        ]
        for n in range(40, 60)
    ]
    path = examples(tmp_path / "exemplos.jsonl", [{"messages": one} for one in turns])
    made = dataset(tiny_ws, path, language="pt")
    serving = serving_of(made)
    assert serving.instruction is not None
    leads = {serving.instruction.conversation(one[:3]) for one in turns}
    row = next(row for row in made.rows("train") if "E quem o guarda?" in str(row.text)[: row.response_start])
    assert str(row.text)[: row.response_start] in leads


def test_the_system_prompt_of_most_rows_goes_with_the_adapter(tiny_ws: Workspace, tmp_path: Path) -> None:
    most = examples(tmp_path / "most.jsonl", [*chats("Sê breve.", 100, 30), *chats(None, 300, 10)])
    serving = serving_of(dataset(tiny_ws, most, format="chat", name="a"))
    assert (serving.form, serving.system) == ("chat", "Sê breve.")
    few = examples(tmp_path / "few.jsonl", [*chats("Sê breve.", 100, 10), *chats(None, 300, 30)])
    assert serving_of(dataset(tiny_ws, few, format="chat", name="b")).system is None


def test_facts_are_answered_with_the_likeliest_tokens(tiny_ws: Workspace, tmp_path: Path) -> None:
    book = write_book(tmp_path / "livro.md")
    questions = examples(tmp_path / "perguntas.jsonl", [{"question": "Quem conta os barcos?", "answer": "O faroleiro"}])
    assert serving_of(dataset(tiny_ws, book, name="a")).sampling.temperature is None
    assert serving_of(dataset(tiny_ws, book, questions, name="b")).sampling.temperature == 0
