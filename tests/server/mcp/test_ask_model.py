"""ask_model finds the workspace's endpoint, or starts one, and puts answers side by side."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.mcp import registry
from server.mcp.ask_model import AskResult
from server.mcp.endpoint import find
from server.mcp.tool import ToolContext
from tests.support.running_server import RunningServer, lengthen_context
from tests.support.tiny_adapter import make_tiny_adapter
from tests.support.tiny_model import make_tiny_model
from tools.errors import InvalidArgument, NotFound, WorkerDied
from tools.workspace.layout import Workspace
from tools.workspace.locks import is_held


@pytest.fixture
def asking(context: ToolContext) -> Iterator[ToolContext]:
    """A context whose endpoint, if one was started, is stopped afterwards."""
    make_tiny_adapter(context.ws, "livros")
    yield context
    stop_server(context.ws)


def stop_server(ws: Workspace) -> None:
    row = ws.store.row("SELECT pid FROM servers WHERE id = 1")
    if row is not None and is_held(ws.lock_path("server")):
        os.kill(row["pid"], signal.SIGTERM)
    deadline = time.monotonic() + 20
    while is_held(ws.lock_path("server")) and time.monotonic() < deadline:
        time.sleep(0.02)


def ask(context: ToolContext, **arguments: object) -> AskResult:
    result = registry.call(context, "ask_model", {"prompt": "Quem acende o farol?", "max_tokens": 8, **arguments})
    assert isinstance(result, AskResult)
    return result


def test_without_a_server_one_is_started_and_base_and_adapter_answer(asking: ToolContext) -> None:
    assert find(asking.ws, asking.settings) is None
    base, tuned = ask(asking).answers
    assert base.model.startswith("tiny")
    assert tuned.model.startswith("livros")
    for answer in (base, tuned):
        assert answer.error is None
        assert answer.finish_reason in ("stop", "length")
        assert answer.prompt_tokens is not None
        assert answer.prompt_tokens > 5
        assert answer.completion_tokens is not None
        assert 1 <= answer.completion_tokens <= 8
    assert base.text != tuned.text
    assert base.mean_logprob is not None
    assert tuned.mean_logprob is not None
    assert list(base.mean_logprob) == list(tuned.mean_logprob) == ["tiny", "livros"]
    assert base.mean_logprob["tiny"] > base.mean_logprob["livros"]
    assert tuned.mean_logprob["livros"] > tuned.mean_logprob["tiny"]
    started = find(asking.ws, asking.settings)
    assert started is not None
    again = ask(asking, models=["livros", "tiny"])
    assert [a.text for a in again.answers] == [tuned.text, base.text]
    assert find(asking.ws, asking.settings) == started
    assert again.next.startswith('evaluate {"adapter": "livros')


def test_a_model_that_is_not_there_is_told_beside_the_others_answers(asking: ToolContext) -> None:
    answers = ask(asking, models=["tiny", "livro"]).answers
    assert answers[0].error is None
    assert answers[1].error is not None
    assert "livro" in answers[1].error


def test_when_no_model_answers_the_call_fails_with_the_nearest_name(asking: ToolContext) -> None:
    with pytest.raises(NotFound) as refused:
        ask(asking, models=["livro"])
    assert "livros" in str(refused.value)


def test_a_request_that_the_model_refuses_is_told(asking: ToolContext) -> None:
    with pytest.raises(InvalidArgument):
        ask(asking, models=["tiny"], messages=[{"role": "user", "content": "x"}], prompt="y")


def test_two_callers_at_once_start_one_server(asking: ToolContext) -> None:
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda _: asking.ask(), range(4)))
    assert len(set(found)) == 1
    log = (asking.ws.logs / "start.log").read_text()
    assert log.count("Afina serves at") == 1


def test_a_server_that_cannot_start_is_told_with_its_log(asking: ToolContext) -> None:
    (asking.ws.root / "afina.toml").write_text("prot = 1\n")
    with pytest.raises(WorkerDied) as told:
        asking.ask()
    assert str(asking.ws.logs / "start.log") in str(told.value)
    (asking.ws.root / "afina.toml").unlink()


def test_a_key_that_the_running_server_does_not_know_is_told(asking: ToolContext) -> None:
    with RunningServer(asking.ws, api_key="segredo"):
        # The key that the server leaves for its own user's programs.
        (asking.ws.locks / "server.key").unlink()
        with pytest.raises(InvalidArgument, match="asks for a key"):
            ask(asking, models=["tiny"])


def test_the_servers_own_user_needs_no_key(asking: ToolContext) -> None:
    with RunningServer(asking.ws, api_key="segredo"):
        assert asking.ask().get("/v1/models")["data"]


def test_an_answer_that_takes_too_long_is_cut_at_wait_s(asking: ToolContext) -> None:
    lengthen_context(make_tiny_model(asking.ws, "longa", seed=6), 40_000)
    asking.ask()
    warm = ask(asking, models=["longa"], max_tokens=1)
    assert warm.answers[0].finish_reason == "length"
    cut = ask(asking, models=["longa"], max_tokens=8000, wait_s=1.0).answers[0]
    assert cut.finish_reason in ("wait_s", "stop")
    assert cut.text
    assert cut.seconds < 10
