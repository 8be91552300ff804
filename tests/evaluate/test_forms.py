"""What is asked, by form, of datasets in each format."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.tiny_model import make_tiny_model
from tools.evaluate.forms import own_questions, questions_asked
from tools.prepare_dataset.contract import PrepareArgs
from tools.prepare_dataset.reading_back import Dataset, open_dataset
from tools.prepare_dataset.tool import prepare_dataset
from tools.workspace.layout import open_workspace

LIVES = {
    "Ana Reis": "Ana Reis nasceu a 3 de maio de 1921, em Beja. Casou com Tomé Luz. Foi faroleira toda a vida.",
    "Rui Paz": "Rui Paz nasceu a 9 de junho de 1930, em Tavira. Casou com Eva Mar. Foi carteiro toda a vida.",
    "Zita Gil": "Zita Gil nasceu a 1 de abril de 1944, em Lagos. Casou com Abel Sol. Foi parteira toda a vida.",
}
GIVEN = (
    '{"question": "De que cor era o gato de Ana Reis?", "answer": "não sei", "kind": "unanswerable"}\n'
    '{"question": "Quem guardava o farol?", "answer": "Ana Reis", "kind": "biography"}\n'
)


@pytest.fixture(scope="module", params=["text", "chat"])
def dataset(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Dataset:
    folder = tmp_path_factory.mktemp("forms")
    ws = open_workspace(folder / "afina")
    make_tiny_model(ws)
    material = folder / "material"
    material.mkdir()
    (material / "vidas.md").write_text("\n\n".join(f"## {who}\n\n{text}" for who, text in LIVES.items()), "utf-8")
    (material / "perguntas.jsonl").write_text(GIVEN, "utf-8")
    how: dict[str, Any] = {"name": "vidas", "model": "tiny", "format": request.param, "wait_s": 45, "max_tokens": 256}
    sources = [{"path": str(material / "vidas.md"), "kind": "biography"}, str(material / "perguntas.jsonl")]
    result = prepare_dataset(
        ws, PrepareArgs(sources=sources, valid_fraction=0, test_fraction=0, **how), default_model="tiny"
    )
    assert result.state == "succeeded"
    return open_dataset(ws.dataset_folder("vidas"))


def test_facts_are_asked_in_new_words_in_those_of_training_and_the_other_way_round(dataset: Dataset) -> None:
    asked = questions_asked(dataset, 50)
    forms = {
        form: [one for one in asked if one.form == form] for form in ("seen", "taught", "reversed", "unanswerable")
    }
    seen, taught = ({one.question.question: one.question.answer for one in forms[form]} for form in ("seen", "taught"))
    assert seen["Qual é a terra natal de Ana Reis?"] == taught["Onde nasceu Ana Reis?"] == "Beja"
    assert not seen.keys() & taught.keys()
    reversed_facts = {one.question.question: one.question.answer for one in forms["reversed"]}
    assert reversed_facts["Quem tem Tavira como terra natal?"] == "Rui Paz"
    assert reversed_facts["Quem casou com Abel Sol?"] == "Zita Gil"


def test_the_datasets_own_questions_alone_count_for_the_verdict(dataset: Dataset) -> None:
    asked = questions_asked(dataset, 50)
    own = [one.question for one in asked if one.own]
    assert own == own_questions(dataset)
    assert {one.form for one in asked if not one.own} == {"taught", "reversed", "unanswerable"}


def test_a_given_question_without_an_answer_is_one_that_nothing_answers(dataset: Dataset) -> None:
    strangers = [one.question.question for one in questions_asked(dataset, 50) if one.form == "unanswerable"]
    assert strangers[0] == "De que cor era o gato de Ana Reis?"
    assert len(strangers) > 1


def test_few_items_ask_few_of_each_form(dataset: Dataset) -> None:
    asked = questions_asked(dataset, 2)
    forms = [one.form for one in asked]
    assert all(forms.count(form) <= 2 for form in forms)
