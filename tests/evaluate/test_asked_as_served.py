"""What evaluate asks of a model is what the endpoint asks of it, prompt and stops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from server.engine.models import resolve
from server.engine.protocol import Conversation
from server.engine.worker.conversations import Conversations
from server.openai.chat import engine_request
from server.openai.schemas import ChatRequest
from server.settings import Settings
from tests.support.tiny_adapter import make_tiny_adapter
from tools.compute.loading import load_base
from tools.compute.scoring.evaluation import Evaluation
from tools.evaluate.request import Group
from tools.models.naming import find_model
from tools.prepare_dataset.reading_back import open_dataset
from tools.prepare_dataset.wording import wording
from tools.workspace.layout import Workspace

FORM = wording("pt").form
SERVING: dict[str, dict[str, Any] | None] = {
    "antigo": None,
    "corrido": {"form": "text"},
    "instruido": {"form": "instruction", "instruction": FORM.model_dump(), "stop": FORM.stops},
    "pares": {"form": "completions"},
    "falado": {"form": "chat", "system": "Responde em português.", "stop": ["\n\n"]},
}


@pytest.fixture(scope="module")
def whole(new_workspace: Callable[[], Workspace]) -> Workspace:
    ws = new_workspace()
    for name, serving in SERVING.items():
        make_tiny_adapter(ws, name, serving=serving)
    return ws


def evaluation(ws: Workspace, *names: str) -> tuple[Evaluation, list[str]]:
    ids = [find_model(ws, name, "adapter", "").id for name in names]
    dataset = open_dataset(ws.dataset_folder("livros"))
    tokenizer = load_base(ws.models / "tiny").tokenizer
    return Evaluation(ws, dataset, Group("tiny", True, tuple(ids), 6), tokenizer, lambda *_: None), ids  # type: ignore[arg-type]


def served(ws: Workspace, name: str, question: str) -> tuple[list[int], tuple[str, ...]]:
    """The prompt's ids and the stops of a chat with this question alone."""
    asked = ChatRequest(model=name, messages=[{"role": "user", "content": question}])
    request = engine_request(asked, resolve(ws, Settings(workspace=ws.root), name), 48)
    (prompt,) = request.prompts
    assert isinstance(prompt, Conversation)
    return Conversations(load_base(ws.models / "tiny")).read(prompt)[0], tuple(request.stop)


def test_an_adapter_is_asked_as_it_is_served(whole: Workspace) -> None:
    own, ids = evaluation(whole, *SERVING)
    question = own.dataset.questions()[0]
    prompts = set()
    for name, model in zip(SERVING, ids, strict=True):
        request = own.request(question, model)
        assert (list(request.prompt), tuple(request.stop)) == served(whole, name, question.question), name
        prompts.add(tuple(request.prompt))
    # The template, the instruction form, and the template with a system message.
    assert len(prompts) == 3


@pytest.mark.parametrize("name", SERVING)
def test_a_base_is_asked_as_the_adapter_beside_it(whole: Workspace, name: str) -> None:
    own, (model,) = evaluation(whole, name)
    question = own.dataset.questions()[0]
    base, tuned = own.request(question, "tiny"), own.request(question, model)
    assert (list(base.prompt), base.stop) == (list(tuned.prompt), tuned.stop)


def test_a_base_alone_is_asked_as_it_is_served(whole: Workspace) -> None:
    own, _ = evaluation(whole)
    question = own.dataset.questions()[0]
    request = own.request(question, "tiny")
    assert (list(request.prompt), tuple(request.stop)) == served(whole, "tiny", question.question)
