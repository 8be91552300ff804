"""One line for each request: what it says, what it never says, and how large it may become."""

from __future__ import annotations

import json
import logging
import re
import shlex
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from server import logs
from server.app import make_app
from server.engine.generation import Request
from server.engine.models import resolve
from server.engine.protocol import Done, Ended, PlainText, Started, Text
from server.records import GenerationRecord, RequestRecord, current, join_current, request_id
from server.settings import Settings
from tests.support.running_server import RunningServer, eventually
from tools.models.sampling import GREEDY
from tools.workspace.layout import Workspace

PLAIN = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def line_of(server: RunningServer, name: str) -> str:
    """The log's line about the request with that id; it is written once the answer has gone out."""

    def found() -> str | None:
        written = (server.ws.logs / logs.FILE_NAME).read_text()
        return next((line for line in written.splitlines() if f"id={name} " in line), None)

    line = eventually(found, 5)
    assert line is not None
    return line


def fields_of(line: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in shlex.split(line) if "=" in part)


def test_a_chat_is_one_line_with_what_it_took(server: RunningServer) -> None:
    name = uuid.uuid4().hex
    body = {"model": "um", "messages": [{"role": "user", "content": "segredo meu"}], "max_tokens": 4}
    answer = server.client.post("/v1/chat/completions", json=body, headers={"x-request-id": name})
    assert answer.headers["x-request-id"] == name
    line = line_of(server, name)
    told = fields_of(line)
    usage = answer.json()["usage"]
    assert (told["route"], told["status"], told["client"]) == ("/v1/chat/completions", "200", "127.0.0.1")
    assert re.fullmatch(r"um@[0-9a-f]{8}", told["model"])
    assert (int(told["prompt_tokens"]), int(told["completion_tokens"])) == (
        usage["prompt_tokens"],
        usage["completion_tokens"],
    )
    assert told["finish"] == answer.json()["choices"][0]["finish_reason"]
    assert 0 < float(told["queue_ms"]) < float(told["first_token_ms"]) < float(told["total_ms"])
    assert "segredo" not in (server.ws.logs / logs.FILE_NAME).read_text()


def test_a_stream_that_its_client_leaves_is_told_as_cancelled(server: RunningServer) -> None:
    name = uuid.uuid4().hex
    body = {"model": "longa", "messages": [{"role": "user", "content": "x"}], "max_tokens": 30_000, "stream": True}
    with server.client.stream("POST", "/v1/chat/completions", json=body, headers={"x-request-id": name}) as answer:
        next(answer.iter_bytes())
    assert fields_of(line_of(server, name))["finish"] == "cancelled"


@pytest.mark.parametrize(
    ("path", "status"), [("/v1/models", 200), ("/nowhere", 404), ("/v1/models/x", 404), ("/v1/chat/completions", 405)]
)
def test_every_answer_has_an_id(server: RunningServer, path: str, status: int) -> None:
    answer = server.client.get(path)
    assert answer.status_code == status
    assert PLAIN.fullmatch(answer.headers["x-request-id"])
    assert fields_of(line_of(server, answer.headers["x-request-id"]))["status"] == str(status)


async def test_a_defect_is_answered_and_logged_with_the_requests_id(ws: Workspace) -> None:
    settings = Settings(workspace=ws.root, log_to="file")
    app = make_app(settings, ws)

    def broken() -> dict[str, object]:
        raise ZeroDivisionError

    app.state.afina.engine.status = broken
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    with logs.logging_to(settings, ws):
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answer = await client.get("/health", headers={"x-request-id": "r-5"})
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert answer.headers["x-request-id"] == "r-5"
    line = (ws.logs / logs.FILE_NAME).read_text().splitlines()[0]
    assert (fields_of(line)["id"], fields_of(line)["status"]) == ("r-5", "500")
    assert " ERROR " in line


@pytest.mark.parametrize("given", ["a" * 65, "a b", "a\tb", "ação", "a=1", '"', ""])
def test_an_id_that_is_not_plain_is_replaced(given: str) -> None:
    assert PLAIN.fullmatch(request_id(given))
    assert request_id(given) != given


def test_watching_a_healthy_server_fills_no_log(server: RunningServer) -> None:
    names = [server.client.get(path).headers["x-request-id"] for path in ("/health", "/ready", "/metrics")]
    server.client.get("/v1/models")
    written = (server.ws.logs / logs.FILE_NAME).read_text()
    assert not any(name in written for name in names)


@contextmanager
def logged(ws: Workspace, **settings: object) -> Iterator[list[str]]:
    """Log to the workspace as a server does; the lines are in the list afterwards."""
    lines: list[str] = []
    with logs.logging_to(Settings(workspace=ws.root, log_to="file", **settings), ws):
        yield lines
    lines += (ws.logs / logs.FILE_NAME).read_text().splitlines()


def over(keep_text: bool = False, adapter: str = "um") -> RequestRecord:
    """A request that went its whole way."""
    record = RequestRecord("r-1", "POST", "/v1/completions", client="celular", keep_text=keep_text)
    record.route, record.status = record.path, 200
    current.set(record)
    generation = join_current(
        GenerationRecord(base="tiny", adapter=adapter, version="12345678"), (PlainText(text="o meu segredo"),)
    )
    current.set(None)
    for event in (
        Started(id=1),
        Text(id=1, index=0, text="a minha resposta"),
        Ended(id=1, index=0, reason="stop"),
        Done(id=1, prompt_tokens=3, completion_tokens=5),
    ):
        generation.saw(event)
    return record


def test_as_json_each_line_is_an_object_with_the_same_fields(ws: Workspace) -> None:
    with logged(ws, log_format="json") as lines:
        logs.tell(over())
        try:
            raise ValueError("x")
        except ValueError:
            logging.getLogger("server").exception("a defect")
    told, defect = map(json.loads, lines)
    assert (told["id"], told["client"], told["model"], told["finish"]) == ("r-1", "celular", "um@12345678", "stop")
    assert (told["prompt_tokens"], told["completion_tokens"], told["level"]) == (3, 5, "info")
    assert "ValueError" in defect["trace"]
    assert "segredo" not in lines[0]
    assert "resposta" not in lines[0]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_prompts_and_answers_are_written_where_that_is_asked_for(ws: Workspace, log_format: str) -> None:
    with logged(ws, log_format=log_format) as lines:
        logs.tell(over(keep_text=True))
    assert "o meu segredo" in lines[0]
    assert "a minha resposta" in lines[0]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_name_breaks_a_line_or_forges_a_field(ws: Workspace, log_format: str) -> None:
    record = over(adapter="um\nERROR forged status=500\u2028")
    record.route, record.path = None, "/x\r\nINFO forged \x1b[31m"
    with logged(ws, log_format=log_format) as lines:
        logs.tell(record)
    assert len(lines) == 1
    assert "\x1b" not in lines[0]
    if log_format == "text":
        assert fields_of(lines[0])["status"] == "200"
        assert lines[0].count(" status=200 ") == 1


def test_lines_within_a_request_bear_its_id(ws: Workspace) -> None:
    with logged(ws) as lines:
        current.set(RequestRecord("r-7", "GET", "/"))
        logging.getLogger("server").warning("something")
        current.set(None)
        logging.getLogger("server").warning("something else")
    assert lines[0].endswith("something id=r-7")
    assert lines[1].endswith("something else")


def test_the_file_is_bounded(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 4096)
    with logged(ws):
        for _ in range(400):
            logs.tell(over())
    files = list(ws.logs.glob(f"{logs.FILE_NAME}*"))
    assert len(files) == 4
    assert all(file.stat().st_size <= 4096 for file in files)


def test_the_engines_log_is_set_aside_when_it_is_large(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 10)
    path = ws.logs / "engine.log"
    logs.set_aside_when_large(path)
    for content, kept in (("short", ["engine.log"]), ("longer than that", ["engine.log.1"])):
        path.write_text(content)
        logs.set_aside_when_large(path)
        assert [file.name for file in ws.logs.iterdir()] == kept


def test_the_engine_is_told_the_requests_id(tiny_ws: Workspace) -> None:
    current.set(RequestRecord("r-9", "POST", "/v1/completions"))
    asked = Request(resolve(tiny_ws, Settings(), "tiny"), (PlainText(text="x"),), 1, GREEDY)
    current.set(None)
    assert asked.message(1).request_id == "r-9"


def test_a_log_that_cannot_be_written_is_no_end_of_the_server(
    ws: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    (ws.logs / logs.FILE_NAME).mkdir()
    with logs.logging_to(Settings(workspace=ws.root, log_to="file"), ws):
        logs.tell(over())
    assert "Traceback" not in capsys.readouterr().err
